//! The first lines of an explanation: the effect of the season on the forecast, and the trend, in words.
//!
//! Both are computed from the forecast itself, over two cycles of the shortest season, so that they hold for any
//! model.

use models::ts::Saved;
use serde::Serialize;
use tables::clock::Clock;

/// Maximum number of times of the season to name, the strongest first.
const NAMED: usize = 2;
/// Smaller shares of the mean are not mentioned.
const SMALLEST: f64 = 0.005;

/// The content of these lines.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Headline {
    /// The time of the forecast's first step.
    pub ds: Option<String>,
    /// Times of the season with the share by which their forecasts are above or below the mean, the strongest
    /// first.
    pub season: Vec<(String, f64)>,
    /// The change of the mean of a cycle, per step.
    pub trend: f64,
    /// What a step is: `day`.
    pub step: &'static str,
}

impl Headline {
    /// Of the series with this number, from the point forecasts of the next steps: `mean` has two cycles of
    /// `period` steps.
    pub fn new(clock: &Clock, end: i64, mean: &[f64], period: usize) -> Self {
        let times: Vec<String> = { (1..=mean.len() as i64).map_while(|step| clock.at(end, step)) }
            .map(|time| clock.text(time))
            .collect();
        let step = step_of(&times);
        let ds = times.first().cloned();
        if period < 2 || mean.len() < 2 * period || times.len() < period {
            let rise = mean
                .last()
                .zip(mean.first())
                .map_or(0.0, |(last, first)| last - first);
            let trend = rise / (mean.len().max(2) - 1) as f64;
            return Self {
                ds,
                trend,
                step,
                ..Self::default()
            };
        }
        let average = |cycle: &[f64]| cycle.iter().sum::<f64>() / cycle.len() as f64;
        let cycles = [average(&mean[..period]), average(&mean[period..2 * period])];
        let level = cycles[0].abs().max(cycles[1].abs());
        let share = |at: usize| {
            let above = (mean[at] - cycles[0]) + (mean[at + period] - cycles[1]);
            above / 2.0 / level
        };
        let mut season: Vec<(String, f64)> = (0..period)
            .map(|at| (name(&times, at, period, step), share(at)))
            .filter(|(_, share)| share.is_finite() && share.abs() >= SMALLEST)
            .collect();
        season.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        Self {
            ds,
            season,
            trend: (cycles[1] - cycles[0]) / period as f64,
            step,
        }
    }

    /// The season in words: the strongest times, and how many others there are.
    pub fn season_in_words(&self) -> Option<String> {
        let shown = self.season.iter().take(NAMED);
        let shown = shown.map(|(name, share)| format!("{name} {:+.0} %", 100.0 * share));
        let text = shown.collect::<Vec<_>>().join(", ");
        (!text.is_empty()).then_some(text)
    }
}

/// Steps of two cycles of the shortest season; of the horizon if there is no season.
pub fn steps(model: &Saved) -> (usize, usize) {
    match model.model.seasons.iter().copied().filter(|&m| m > 1).min() {
        Some(period) => (2 * period, period),
        None => (model.model.horizon.max(2), 0),
    }
}

/// Year, month and day at the start of a spelled time.
fn date(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.get(..10)?.split('-').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

/// Days since 1970-01-01 of the civil calendar (Howard Hinnant's `days_from_civil`).
fn days((year, month, day): (i64, i64, i64)) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The distance between neighbouring times, in words; the smallest, since a step of business days may go over a
/// weekend.
fn step_of(times: &[String]) -> &'static str {
    let dates: Vec<i64> = times.iter().map_while(|t| Some(days(date(t)?))).collect();
    let distances = dates.windows(2).map(|pair| pair[1] - pair[0]);
    match distances.min() {
        Some(1) if times[0].len() == 10 => "day",
        Some(7) => "week",
        Some(28..=31) => "month",
        Some(89..=92) => "quarter",
        Some(365 | 366) => "year",
        _ => "step",
    }
}

/// Whether a cycle of days that begins with `at` is a week, of business days perhaps.
fn is_week(times: &[String], at: usize, period: usize) -> bool {
    let day = |at: usize| Some(days(date(times.get(at)?)?));
    match (day(at), day(at + period)) {
        (Some(first), Some(next)) => next - first == 7,
        _ => period == 7,
    }
}

/// The usual name of a time of the season.
fn name(times: &[String], at: usize, period: usize, step: &str) -> String {
    const WEEKDAYS: [&str; 7] = [
        "Thursdays",
        "Fridays",
        "Saturdays",
        "Sundays",
        "Mondays",
        "Tuesdays",
        "Wednesdays",
    ];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let date = date(&times[at]);
    match (step, period, date) {
        // The first day of 1970 was a Thursday.
        ("day", _, Some(date)) if is_week(times, at, period) => {
            WEEKDAYS[days(date).rem_euclid(7) as usize].to_owned()
        }
        ("month", 12, Some((_, month @ 1..=12, _))) => MONTHS[month as usize - 1].to_owned(),
        _ => format!("{} (step {} of {period})", times[at], at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_have_names() {
        let times = |text: &[&str]| text.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let daily = times(&["2024-02-29", "2024-03-01"]);
        assert_eq!(step_of(&daily), "day");
        assert_eq!(name(&daily, 0, 7, "day"), "Thursdays");
        assert_eq!(name(&daily, 1, 7, "day"), "Fridays");
        let monthly = times(&["2023-12-01", "2024-01-01"]);
        assert_eq!(step_of(&monthly), "month");
        assert_eq!(name(&monthly, 1, 12, "month"), "January");
        assert_eq!(step_of(&times(&["1", "2"])), "step");
        assert_eq!(name(&times(&["1", "2"]), 1, 4, "step"), "2 (step 2 of 4)");
    }

    fn texts(times: &[&str]) -> Vec<String> {
        times.iter().map(|time| (*time).to_owned()).collect()
    }

    #[test]
    fn steps_have_the_names_of_their_distance() {
        for (times, step) in [
            (&["2024-01-05", "2024-01-08", "2024-01-09"][..], "day"), // a Friday, then a Monday
            (&["2024-01-01", "2024-01-08"], "week"),
            (&["2024-01-31", "2024-02-29"], "month"),
            (&["2024-01-01", "2024-04-01"], "quarter"),
            (&["2024-12-31", "2025-12-31"], "year"),
            (&["2024-01-01 00:00", "2024-01-01 01:00"], "step"),
            (&["2024-01-01 00:00", "2024-01-02 00:00"], "step"),
            (&["2024-01-01"], "step"),
            (&[], "step"),
        ] {
            assert_eq!(step_of(&texts(times)), step, "{times:?}");
        }
    }

    #[test]
    fn business_days_are_days_of_the_week() {
        let week = [
            "2024-01-05",
            "2024-01-08",
            "2024-01-09",
            "2024-01-10",
            "2024-01-11",
            "2024-01-12",
        ];
        assert_eq!(name(&texts(&week), 0, 5, "day"), "Fridays");
        let days = ["2024-01-05", "2024-01-06", "2024-01-07", "2024-01-08"];
        assert_eq!(
            name(&texts(&days), 0, 3, "day"),
            "2024-01-05 (step 1 of 3)",
            "a season of three days is no week"
        );
    }

    #[test]
    fn days_since_1970_follow_the_calendar() {
        assert_eq!(days((1970, 1, 1)), 0);
        assert_eq!(days((1969, 12, 31)), -1);
        assert_eq!(
            days((2000, 3, 1)) - days((2000, 2, 28)),
            2,
            "2000 has a leap day"
        );
        assert_eq!(days((1900, 3, 1)) - days((1900, 2, 28)), 1, "1900 has none");
        assert_eq!(days((2024, 1, 1)), 19_723);
        assert_eq!(date("2024-01"), None);
        assert_eq!(date("2024-xx-01"), None);
    }

    #[test]
    fn the_strongest_times_are_named_first() {
        let headline = Headline {
            season: [("Mondays", -0.25), ("Sundays", 0.1), ("Fridays", 0.02)]
                .map(|(name, share)| (name.to_owned(), share))
                .to_vec(),
            ..Headline::default()
        };
        assert_eq!(
            headline.season_in_words().unwrap(),
            "Mondays -25 %, Sundays +10 %"
        );
        assert_eq!(Headline::default().season_in_words(), None);
    }
}
