//! Infers the frequency of series from their times alone.

use super::week::weekday;
use super::{Axis, Clock, DAY, MonthDay, Step, Week, date, greatest_common_divisor, month};

/// Average number of steps per row above which a wrong time may have made the step too fine.
const SPARSE: i64 = 2;
/// Maximum probability that daily series have no row on any weekend by chance, for them to count as
/// business days.
const BUSINESS_CHANCE: f64 = 0.05;
/// Likewise for other days of the week: one, or two consecutive ones.
const CLOSED_CHANCE: f64 = 1e-3;
/// Likewise if some rows are on such days nevertheless, which must then be wrong times.
const WRONG_CHANCE: f64 = 1e-6;
/// Maximum share of rows on other days of the week that may be wrong times.
const WRONG: f64 = 0.05;

/// The evidence of series' times for their frequency. Evidence from several parts can be merged.
///
/// # Examples
/// ```
/// use easylife_tables::clock::{Axis, Evidence, Step};
///
/// let mut evidence = Evidence::new(Axis::Date);
/// evidence.add(&[0, 7, 14, 28]); // a week is missing
/// let mut other = Evidence::new(Axis::Date);
/// other.add(&[3, 10, 17]);
/// evidence.merge(other);
/// assert_eq!(evidence.clock().step, Step::Days(7));
/// ```
pub struct Evidence {
    axis: Axis,
    /// Steps of single series, with their numbers of rows.
    votes: Vec<(Step, usize)>,
    /// Greatest common divisor of all distances.
    gap: i64,
    /// Months of all series, and of those with monthly steps.
    all_months: Months,
    months: Months,
    /// Days of the series with daily steps.
    days: Calendar,
}

impl Evidence {
    /// No evidence, for times on `axis`.
    pub fn new(axis: Axis) -> Evidence {
        Evidence {
            axis,
            votes: Vec::new(),
            gap: 0,
            all_months: Months::default(),
            months: Months::default(),
            days: Calendar::default(),
        }
    }

    /// Adds a series, whose times ascend.
    pub fn add(&mut self, times: &[i64]) {
        self.gap = common_gap(self.gap, times);
        self.all_months.add(self.axis, times);
        if times.len() < 2 {
            return;
        }
        let step = match usual(self.axis, times) {
            Step::Months { count, .. } => {
                self.months.add(self.axis, times);
                Step::Months {
                    count,
                    day: MonthDay::Own,
                }
            }
            step @ (Step::Days(1) | Step::Weekdays { .. }) => {
                self.days.add(self.axis, times);
                step
            }
            step => step,
        };
        self.vote(step, times.len());
    }

    fn vote(&mut self, step: Step, rows: usize) {
        match self.votes.iter_mut().find(|(known, _)| *known == step) {
            Some((_, all)) => *all += rows,
            None => self.votes.push((step, rows)),
        }
    }

    /// Adds the evidence of other series.
    pub fn merge(&mut self, other: Evidence) {
        for (step, rows) in other.votes {
            self.vote(step, rows);
        }
        self.gap = greatest_common_divisor(self.gap, other.gap);
        self.all_months.merge(other.all_months);
        self.months.merge(other.months);
        self.days.merge(&other.days);
    }

    /// The step of the series with most of the rows; if none has more than half of them, the widest
    /// step that includes all times. If no series has two times, the step is one.
    pub fn clock(&self) -> Clock {
        let all: usize = self.votes.iter().map(|(_, rows)| rows).sum();
        let most = self.votes.iter().find(|(_, rows)| 2 * rows > all);
        let step = match most {
            Some(&(Step::Months { count, day }, _)) => Step::Months {
                count,
                day: self.months.day().unwrap_or(day),
            },
            Some((step, _)) => *step,
            None => common(self.axis, self.gap, &self.all_months),
        };
        let step = match step {
            Step::Days(1) => self
                .days
                .week()
                .map_or(step, |week| Step::Weekdays { week, count: 1 }),
            step => step,
        };
        let axis = self.axis;
        Clock { axis, step }
    }
}

impl Clock {
    /// The clock of series, as from [`Evidence`]; each is ascending.
    pub fn infer<'a>(axis: Axis, series: impl Iterator<Item = &'a [i64]>) -> Clock {
        let mut evidence = Evidence::new(axis);
        series.for_each(|times| evidence.add(times));
        evidence.clock()
    }
}

/// The step of one series.
fn usual(axis: Axis, times: &[i64]) -> Step {
    let mut own = Months::default();
    own.add(axis, times);
    let step = common(axis, common_gap(0, times), &own);
    let (first, last) = (times[0], times[times.len() - 1]);
    let span = Clock { axis, step }.steps(first, last);
    let step = match span.is_some_and(|span| span > SPARSE * times.len() as i64) {
        true => frequent(axis, times).unwrap_or(step),
        false => step,
    };
    match step {
        Step::Days(1) => {
            let day = |&time: &i64| axis.day(time).0;
            let span = (axis.day(first).0, axis.day(last).0);
            let week = weekdays(times.iter().map(day), span);
            week.map_or(step, |week| Step::Weekdays { week, count: 1 })
        }
        step => step,
    }
}

/// The most frequent distance, if nine of ten times are on such steps.
fn frequent(axis: Axis, times: &[i64]) -> Option<Step> {
    let mut candidates = Vec::new();
    if axis != Axis::Whole {
        let number = |&time: &i64| date(axis.day(time).0).map(|date| month(date).0);
        let months: Vec<i64> = times.iter().filter_map(number).collect();
        let count = most_frequent_gap(&months);
        let days = [
            MonthDay::Own,
            MonthDay::Last,
            MonthDay::LastBusiness,
            MonthDay::FirstBusiness,
        ];
        let steps = days.map(|day| Step::Months { count, day });
        candidates.extend(steps.into_iter().filter(|_| count > 0));
    }
    let gap = most_frequent_gap(times).max(1);
    candidates.push(match axis {
        Axis::Whole => Step::Whole(gap),
        Axis::Date => Step::Days(gap),
        Axis::Time { .. } if gap % DAY == 0 => Step::Days(gap / DAY),
        Axis::Time { .. } => Step::Seconds(gap),
    });
    candidates.into_iter().find(|&step| {
        let clock = Clock { axis, step };
        let on = |origin: i64| {
            times
                .iter()
                .filter(move |t| clock.steps(origin, **t).is_some())
        };
        // The first time may be the wrong one.
        let most = times[..2].iter().map(|&origin| on(origin).count()).max();
        most.is_some_and(|most| 10 * most >= 9 * times.len())
    })
}

/// The smallest of equally frequent ones; 0 if there is none.
fn most_frequent_gap(values: &[i64]) -> i64 {
    let mut gaps: Vec<i64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let mut best: &[i64] = &[];
    for run in gaps.chunk_by(|a, b| a == b) {
        if run.len() > best.len() {
            best = run;
        }
    }
    best.first().copied().unwrap_or(0)
}

fn common_gap(start: i64, times: &[i64]) -> i64 {
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.fold(start, greatest_common_divisor)
}

/// The widest step that includes all times of some series, by the greatest common divisor of their
/// distances.
fn common(axis: Axis, gap: i64, months: &Months) -> Step {
    let days = match axis {
        Axis::Whole => return Step::Whole(gap.max(1)),
        Axis::Date => gap,
        Axis::Time { .. } if gap % DAY == 0 => gap / DAY,
        Axis::Time { .. } => return Step::Seconds(gap),
    };
    match (months.gap, months.day()) {
        (count @ 1.., Some(day)) => Step::Months { count, day },
        _ => Step::Days(days.max(1)),
    }
}

/// The days of the month of series' times.
struct Months {
    /// Greatest common divisor of the distances, in months.
    gap: i64,
    rows: usize,
    /// Whether no two times of a series are in the same month.
    apart: bool,
    /// Minimum and maximum distance in days.
    distances: Option<(i64, i64)>,
    /// Whether every series keeps to its day, as far as months have it.
    own: bool,
    /// Minimum and maximum of the days that series keep to, of those from the 28th.
    late: Option<(i8, i8)>,
    last: bool,
    first_business: bool,
    last_business: bool,
}

impl Default for Months {
    fn default() -> Self {
        Months {
            gap: 0,
            rows: 0,
            apart: true,
            distances: None,
            own: true,
            late: None,
            last: true,
            first_business: true,
            last_business: true,
        }
    }
}

impl Months {
    fn add(&mut self, axis: Axis, times: &[i64]) {
        if axis == Axis::Whole || !self.apart {
            return;
        }
        let dates = || times.iter().filter_map(|&time| date(axis.day(time).0));
        let Some(day) = dates().map(|date| date.day()).max() else {
            return;
        };
        let mut before: Option<(i64, i64)> = None;
        for (&time, date) in times.iter().zip(dates()) {
            let number = month(date).0;
            let today = axis.day(time).0;
            if let Some((earlier, then)) = before {
                self.apart &= number != earlier;
                self.gap = greatest_common_divisor(self.gap, number - earlier);
                let distance = (today - then, today - then);
                self.distances = merge_range(self.distances, Some(distance));
            }
            before = Some((number, today));
            self.own &= date.day() == day.min(date.days_in_month());
            let on = |which: MonthDay| which.of(date.first_of_month(), date) == Some(date);
            self.last &= on(MonthDay::Last);
            self.first_business &= on(MonthDay::FirstBusiness);
            self.last_business &= on(MonthDay::LastBusiness);
            if !self.apart {
                return;
            }
        }
        self.rows += times.len();
        self.late = merge_range(self.late, (day >= 28).then_some((day, day)));
    }

    fn merge(&mut self, other: Months) {
        self.gap = greatest_common_divisor(self.gap, other.gap);
        self.rows += other.rows;
        self.apart &= other.apart;
        self.distances = merge_range(self.distances, other.distances);
        self.own &= other.own;
        self.late = merge_range(self.late, other.late);
        self.last &= other.last;
        self.first_business &= other.first_business;
        self.last_business &= other.last_business;
    }

    /// `None` if the times have no such day.
    fn day(&self) -> Option<MonthDay> {
        // Four-week steps may start on the first Monday of some months.
        let uneven = self.rows > 4 || self.distances.is_some_and(|(least, most)| least < most);
        match () {
            () if !self.apart || self.rows == 0 => None,
            () if self.last => Some(MonthDay::Last),
            () if self.own => Some(match self.late {
                Some((least, most)) if least == most && least > 28 => MonthDay::Late(least),
                _ => MonthDay::Own,
            }),
            () if self.last_business && uneven => Some(MonthDay::LastBusiness),
            () if self.first_business && uneven => Some(MonthDay::FirstBusiness),
            () => None,
        }
    }
}

fn merge_range<T: Ord + Copy>(a: Option<(T, T)>, b: Option<(T, T)>) -> Option<(T, T)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

/// Days since 1970-01-01 on which some series has a row.
#[derive(Default)]
struct Calendar {
    /// One bit per day from the first of the calendar; empty before the first row.
    days: Vec<u64>,
    span: Option<(i64, i64)>,
}

/// Days before 1970-01-01, and all days, of the years from -9999 to 9999, with a margin.
const CALENDAR: (i64, usize) = (4_400_000, 7_400_000);

impl Calendar {
    fn add(&mut self, axis: Axis, times: &[i64]) {
        self.days.resize(CALENDAR.1 / 64, 0);
        for &time in times {
            let day = axis.day(time).0;
            let bit = (day + CALENDAR.0) as usize;
            self.days[bit / 64] |= 1 << (bit % 64);
            self.span = merge_range(self.span, Some((day, day)));
        }
    }

    fn merge(&mut self, other: &Calendar) {
        self.span = merge_range(self.span, other.span);
        if self.days.is_empty() {
            self.days.clone_from(&other.days);
        }
        for (mine, others) in self.days.iter_mut().zip(&other.days) {
            *mine |= others;
        }
    }

    fn week(&self) -> Option<Week> {
        let span = self.span?;
        let has = |day: &i64| {
            let bit = (day + CALENDAR.0) as usize;
            self.days[bit / 64] >> (bit % 64) & 1 == 1
        };
        weekdays((span.0..=span.1).filter(has), span)
    }
}

/// The weekdays in use, if the others are without rows by more than chance: if all days were alike,
/// so many gaps would be very unlikely. `days` ascend within `span`.
fn weekdays(days: impl Iterator<Item = i64>, span: (i64, i64)) -> Option<Week> {
    let mut rows = [0_i64; 7];
    days.for_each(|day| rows[weekday(day)] += 1);
    let (first, last) = span;
    let all: [i64; 7] = std::array::from_fn(|day| {
        // Whole weeks, and whether the day is in the remaining part of one.
        let offset = (day as i64 - weekday(first) as i64).rem_euclid(7);
        (last - first - offset).div_euclid(7) + 1
    });
    let share = |day: usize| rows[day] as f64 / all[day].max(1) as f64;
    let usual = (0..7).map(share).fold(0.0, f64::max);
    // One row among many is more likely a wrong time than a valid day.
    let many = rows.iter().any(|rows| *rows >= 8);
    let lone = |day: usize| many && rows[day] == 1;
    let mut week = Week::of(|day| share(day) > WRONG * usual && !lone(day));
    let business = (0..7).all(|day| !week.has(day) || Week::BUSINESS.has(day));
    if business {
        week = Week::BUSINESS;
    }
    if !(business || week.is_usual()) {
        return None;
    }
    let sum = |of: &[i64; 7], counts: bool| -> i64 {
        (0..7)
            .filter(|&d| week.has(d) == counts)
            .map(|d| of[d])
            .sum()
    };
    let wrong = sum(&rows, false);
    let rate = (sum(&rows, true) + 1) as f64 / (sum(&all, true) + 2) as f64;
    let limit = match (wrong, business) {
        (1.., _) => WRONG_CHANCE,
        // Rows that exist only where there was demand miss weekends by chance as well.
        (_, true) if rate > 0.5 => BUSINESS_CHANCE,
        _ => CLOSED_CHANCE,
    };
    let mut chance = 1.0;
    for _ in 0..sum(&all, false) - wrong {
        chance *= 1.0 - rate;
        if chance < limit {
            return Some(week);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn inferred(series: &[Vec<String>]) -> String {
        let mut axis = Axis::Whole;
        let mut number = |text: &String| {
            let (read, value) = parse(text).unwrap();
            axis = read;
            value
        };
        let all: Vec<Vec<i64>> = (series.iter())
            .map(|texts| texts.iter().map(&mut number).collect())
            .collect();
        Clock::infer(axis, all.iter().map(Vec::as_slice)).to_string()
    }

    /// Times as generated by the aliases MS, ME, QS, QE, YS, YE, 2QS, D, B, W, h, 15min, 4h of
    /// pandas, with some left out; and the same day in other months.
    #[test]
    fn frequencies_are_inferred() {
        for (times, name) in [
            ("2024-01-01 2024-02-01 2024-03-01", "monthly"),
            ("2024-01-31 2024-02-29 2024-04-30", "monthly"),
            ("2024-01-15 2024-04-15 2024-10-15", "quarterly"),
            ("2023-12-31 2024-03-31 2024-06-30", "quarterly"),
            ("1999-01-01 2000-01-01 2001-01-01", "yearly"),
            ("1999-12-31 2000-12-31 2003-12-31", "yearly"),
            ("2024-01-01 2024-07-01 2025-01-01", "every 6 months"),
            ("2024-02-28 2024-02-29 2024-03-02", "daily"),
            (
                "2024-01-04 2024-01-05 2024-01-08",
                "on business days (Monday to Friday)",
            ),
            ("2024-01-04 2024-01-05 2024-01-06", "daily"),
            (
                "2024-01-31 2024-02-29 2024-03-29 2024-04-30",
                "monthly (last business day)",
            ),
            (
                "2024-05-01 2024-06-03 2024-07-01 2024-08-01",
                "monthly (first business day)",
            ),
            (
                "2023-06-30 2023-09-29 2023-12-29 2024-03-29 2024-06-28",
                "quarterly (last business day)",
            ),
            (
                "2021-12-31 2022-12-30 2023-12-29 2024-12-31",
                "yearly (last business day)",
            ),
            // Four weeks each, though two of the days are the first Mondays of their months.
            ("2024-06-03 2024-07-01", "every 28 days"),
            ("2024-01-30 2024-02-29 2024-03-30", "monthly"),
            ("2024-01-01 2024-01-08 2024-01-22", "weekly"),
            ("2024-01-01T00:00:00 2024-01-01T01:00:00", "hourly"),
            ("2024-01-01T00:00 2024-01-01T00:15", "every 15 minutes"),
            ("2024-01-01T00:00Z 2024-01-01T04:00Z", "every 4 hours"),
            ("2024-01-01T00:00:00 2024-02-01T00:00:00", "monthly"),
            ("3 4 7", "whole numbers"),
            ("2010 2020 2025", "every 5th whole number"),
            ("2024-01-01", "daily"),
        ] {
            let texts: Vec<String> = times.split(' ').map(str::to_owned).collect();
            assert_eq!(inferred(&[texts]), name, "{times}");
        }
    }

    #[test]
    fn one_wrong_time_does_not_change_the_frequency() {
        let first = |m: usize| format!("{}-{:02}-01", 2020 + m / 12, m % 12 + 1);
        let right: Vec<String> = (0..36).map(first).collect();
        let mut wrong = right.clone();
        wrong[20] = "2021-09-03".to_owned();
        assert_eq!(inferred(&[wrong.clone()]), "monthly");
        assert_eq!(inferred(&[wrong, right]), "monthly");
    }

    #[test]
    fn the_most_rows_decide_between_series() {
        let every = |step: usize, rows: usize| -> Vec<String> {
            (0..rows).map(|row| (step * row).to_string()).collect()
        };
        let few = inferred(&[every(7, 40), every(1, 10)]);
        assert_eq!(few, "every 7th whole number");
        assert_eq!(inferred(&[every(7, 40), every(1, 40)]), "whole numbers");
    }
}
