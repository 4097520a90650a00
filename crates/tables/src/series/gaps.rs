//! Gaps in one series of raw data, before the frequency of the file is known.
//!
//! A clock puts every row of a file on one step and refuses the others; raw data may still hold several
//! frequencies and wrong times. So each series has a step of its own here, its most frequent distance, and
//! business days and months of any day are steps, too.

use crate::clock::month_number;

/// Steps without a row between two rows of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// The row after the gap.
    pub before: usize,
    /// Steps that are missing.
    pub steps: f64,
}

const DAY: f64 = 86_400.0;

/// The gaps of a series by its ascending times: seconds since 1970 where they are `dated`, otherwise whole
/// numbers. None where the series has no step of its own.
pub fn find_gaps(times: &[f64], dated: bool) -> Vec<Gap> {
    let positions = positions(times, dated);
    let Some(step) = frequent_step(&positions) else {
        return Vec::new();
    };
    let gap = |(pair, before): (&[f64], usize)| {
        let steps = ((pair[1] - pair[0]) / step).round() - 1.0;
        (steps >= 1.0).then_some(Gap { before, steps })
    };
    positions.windows(2).zip(1..).filter_map(gap).collect()
}

/// Positions of times on a scale on which steps are equal: of months where no two times are closer than
/// four weeks, of business days where none is on a weekend, otherwise the times themselves.
fn positions(times: &[f64], dated: bool) -> Vec<f64> {
    if !(dated && times.iter().all(|time| time % DAY == 0.0)) {
        return times.to_vec();
    }
    if distances(times).all(|step| step >= 28.0 * DAY) {
        let month = |&time: &f64| month_number((time / DAY) as i64).map(|month| month as f64);
        let months: Option<Vec<f64>> = times.iter().map(month).collect();
        return months.unwrap_or_else(|| times.to_vec());
    }
    // 1970-01-01 was a Thursday: day 2 a Saturday, day 3 a Sunday.
    let weekday = |time: f64| (time / DAY + 3.0).rem_euclid(7.0);
    let daily = distances(times).fold(f64::INFINITY, f64::min) == DAY;
    if daily && times.len() > 7 && times.iter().all(|&time| weekday(time) < 5.0) {
        let week = |time: f64| (time / DAY + 3.0).div_euclid(7.0);
        let business_day = |&time: &f64| week(time) * 5.0 + weekday(time);
        return times.iter().map(business_day).collect();
    }
    times.to_vec()
}

/// Distances between neighbours, those of repeated times left out.
fn distances(times: &[f64]) -> impl Iterator<Item = f64> {
    let pairs = times.windows(2).map(|pair| pair[1] - pair[0]);
    pairs.filter(|&distance| distance > 0.0)
}

/// The most frequent distance, of equally frequent ones the smallest; `None` where it is not more than half
/// of them: such series have no step.
fn frequent_step(positions: &[f64]) -> Option<f64> {
    let mut distances: Vec<f64> = distances(positions).collect();
    distances.sort_by(f64::total_cmp);
    let mut best = (0, None);
    for run in distances.chunk_by(|a, b| a == b) {
        if run.len() > best.0 {
            best = (run.len(), Some(run[0]));
        }
    }
    best.1.filter(|_| 2 * best.0 > distances.len())
}

#[cfg(test)]
mod tests {
    use super::super::super::clock::{Axis, parse};
    use super::*;

    /// Rows after gaps, and steps missing before each.
    fn gaps(times: &[&str]) -> Vec<(usize, f64)> {
        let seconds = |text: &&str| match parse(text).unwrap() {
            (Axis::Date, days) => days as f64 * DAY,
            (_, value) => value as f64,
        };
        let dated = times[0].contains('-');
        let times: Vec<f64> = times.iter().map(seconds).collect();
        let gaps = find_gaps(&times, dated).into_iter();
        gaps.map(|gap| (gap.before, gap.steps)).collect()
    }

    #[test]
    fn gaps_are_found_on_every_scale() {
        let months = "2024-01-31 2024-02-29 2024-03-31 2024-05-31 2024-06-30";
        let hours = "2024-01-01T00:00 2024-01-01T01:00 2024-01-01T02:00 2024-01-01T04:00";
        for (times, expected) in [
            (months, &[(3, 1.0)][..]),
            (hours, &[(3, 1.0)]),
            ("1 2 3 7 8", &[(3, 3.0)]),
            ("1 2 2 3 7 8", &[(4, 3.0)]),
            ("2000-01-01 2001-01-01 2002-01-01 2003-01-01", &[]),
            // No distance is more frequent than the others together.
            ("1 2 4 8", &[]),
            ("5", &[]),
        ] {
            let times: Vec<&str> = times.split(' ').collect();
            assert_eq!(gaps(&times), expected, "{times:?}");
        }
    }

    #[test]
    fn weekends_are_no_gaps_in_business_days() {
        // 2024-01-01 was a Monday.
        let days: Vec<String> = (1..=19)
            .filter(|day| (day - 1) % 7 < 5 && *day != 10)
            .map(|day| format!("2024-01-{day:02}"))
            .collect();
        let days: Vec<&str> = days.iter().map(String::as_str).collect();
        assert_eq!(gaps(&days), [(7, 1.0)]);
        // With a Saturday they are days.
        let week: Vec<String> = (1..=10)
            .filter(|d| *d != 7)
            .map(|d| format!("2024-01-{d:02}"))
            .collect();
        let week: Vec<&str> = week.iter().map(String::as_str).collect();
        assert_eq!(gaps(&week), [(6, 1.0)]);
    }
}
