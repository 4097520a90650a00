//! Times of series: the values of a time column, and the regular steps between them.
//!
//! A time is a whole number on an axis: a step number, days since 1970-01-01, or seconds since
//! then. Times with an offset are instants in UTC, so that a change of time zone moves nothing.

mod advice;
mod axis;
mod candidates;
mod format;
mod frequency;
mod infer;
mod notation;
mod pattern;
mod spelled;
mod text;
mod week;

use std::fmt;

use jiff::civil::Date;

pub(crate) use advice::on as advice;
pub use axis::Axis;
pub use candidates::Candidates;
pub use format::DateFormat;
pub use frequency::Frequency;
pub use infer::Evidence;
pub use notation::{Notation, Numbers};
pub use pattern::Pattern;
pub use text::{looks_like_time, parse};
pub use week::Week;

/// The regular distance between two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A distance between whole numbers.
    Whole(i64),
    /// A distance between times.
    Seconds(i64),
    /// A distance between dates, or between times at the same time of day.
    Days(i64),
    /// A distance in weekdays of a set, with the others left out: business days are Monday to
    /// Friday.
    Weekdays {
        /// The days of the set.
        week: Week,
        /// The number of days.
        count: i64,
    },
    /// A distance in months, on one day of each month.
    Months {
        /// The number of months.
        count: i64,
        /// The day of the month.
        day: MonthDay,
    },
}

/// The day of the month of monthly times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MonthDay {
    /// The same day as the time that is counted from.
    Own,
    /// This day, 29 to 31, or the last of a shorter month. Times before the 28th, of other series,
    /// keep their own day.
    Late(i8),
    /// The last day.
    Last,
    /// The first business day.
    FirstBusiness,
    /// The last business day.
    LastBusiness,
}

/// An axis and its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The kind of times.
    pub axis: Axis,
    /// The distance between times.
    pub step: Step,
}

const DAY: i64 = 86_400;
/// Maximum number of units per step, so that sums of steps stay within 64 bits.
const WIDEST: i64 = 1 << 40;

fn epoch() -> Date {
    jiff::civil::date(1970, 1, 1)
}

fn days(date: Date) -> i64 {
    i64::from((date - epoch()).get_days())
}

/// `None` outside the years of the calendar.
fn date(days: i64) -> Option<Date> {
    let span = jiff::Span::new().try_days(days).ok()?;
    epoch().checked_add(span).ok()
}

/// Months since year 0, and whether the day is the last of its month.
fn month(date: Date) -> (i64, bool) {
    let months = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
    (months, date.day() == date.days_in_month())
}

impl MonthDay {
    /// The day in the month that starts on `first`, for times counted from `origin`.
    fn of(self, first: Date, origin: Date) -> Option<Date> {
        let length = first.days_in_month();
        let day = match self {
            MonthDay::Own => origin.day().min(length),
            MonthDay::Late(day) => {
                let cut_short = origin.day() >= 28 && month(origin).1 && origin.day() < day;
                let wanted = if cut_short { day } else { origin.day() };
                wanted.min(length)
            }
            MonthDay::Last => length,
            MonthDay::FirstBusiness => match first.weekday().to_monday_zero_offset() {
                5 => 3,
                6 => 2,
                _ => 1,
            },
            MonthDay::LastBusiness => {
                let last = first.with().day(length).build().ok()?;
                length - (last.weekday().to_monday_zero_offset() - 4).max(0)
            }
        };
        first.with().day(day).build().ok()
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

impl Clock {
    /// A clock for times of `axis`; `None` if such times cannot have such steps.
    pub fn new(axis: Axis, step: Step) -> Option<Clock> {
        let (fits, count) = match step {
            Step::Whole(count) => (axis == Axis::Whole, count),
            Step::Seconds(count) => (matches!(axis, Axis::Time { .. }), count),
            Step::Days(count) => (axis != Axis::Whole, count),
            Step::Weekdays { week, count } => (axis != Axis::Whole && !week.is_empty(), count),
            Step::Months { count, day } => {
                let late = match day {
                    MonthDay::Late(day) => (29..=31).contains(&day),
                    _ => true,
                };
                (axis != Axis::Whole && late, count)
            }
        };
        (fits && (1..=WIDEST).contains(&count)).then_some(Clock { axis, step })
    }

    /// Number of steps from `origin` to `value`; `None` if `value` is not on a step.
    ///
    /// Negative if `value` is before `origin`. On a step is what whole steps from `origin` reach: on a
    /// monthly clock of own days the 15th is on no step from the 1st.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::clock::{Axis, Clock, Step};
    ///
    /// let weekly = Clock::new(Axis::Date, Step::Days(7)).unwrap();
    /// assert_eq!(weekly.steps(0, 21), Some(3));
    /// assert_eq!(weekly.steps(21, 0), Some(-3));
    /// assert_eq!(weekly.steps(0, 20), None);
    /// assert_eq!(weekly.at(0, 3), Some(21));
    /// ```
    pub fn steps(&self, origin: i64, value: i64) -> Option<i64> {
        let whole = |distance: i64, step: i64| (distance % step == 0).then_some(distance / step);
        match self.step {
            Step::Whole(step) | Step::Seconds(step) => whole(value - origin, step),
            Step::Days(step) if self.axis == Axis::Date => whole(value - origin, step),
            Step::Days(step) => whole(value - origin, step * DAY),
            Step::Weekdays { week, count } => {
                let ((from, second), (to, other)) = (self.axis.day(origin), self.axis.day(value));
                let distance = week.position(to)? - week.position(from)?;
                whole(distance, count).filter(|_| second == other)
            }
            Step::Months { count, .. } => {
                let from = month(date(self.axis.day(origin).0)?).0;
                let to = month(date(self.axis.day(value).0)?).0;
                let steps = whole(to - from, count)?;
                (self.at(origin, steps) == Some(value)).then_some(steps)
            }
        }
    }

    /// The time `steps` after `origin`; `None` past the last valid time.
    pub fn at(&self, origin: i64, steps: i64) -> Option<i64> {
        self.unbounded(origin, steps)
            .filter(|time| self.axis.holds(*time))
    }

    fn unbounded(&self, origin: i64, steps: i64) -> Option<i64> {
        let moved = |step: i64| step.checked_mul(steps)?.checked_add(origin);
        match self.step {
            Step::Whole(step) | Step::Seconds(step) => moved(step),
            Step::Days(step) if self.axis == Axis::Date => moved(step),
            Step::Days(step) => moved(step * DAY),
            Step::Weekdays { week, count } => {
                let (day, second) = self.axis.day(origin);
                let position = week.position(day)?;
                let position = count.checked_mul(steps)?.checked_add(position)?;
                self.axis.at_day(week.day(position)?, second)
            }
            Step::Months { count, day: which } => {
                let (day, second) = self.axis.day(origin);
                let from = date(day)?;
                let months = count.checked_mul(steps)?.checked_add(month(from).0)?;
                let year = i16::try_from(months.div_euclid(12)).ok()?;
                let first = Date::new(year, months.rem_euclid(12) as i8 + 1, 1).ok()?;
                self.axis.at_day(days(which.of(first, from)?), second)
            }
        }
    }

    /// The text of a time in files.
    pub fn text(&self, value: i64) -> String {
        self.axis.text(value)
    }

    /// Whether times are whole numbers, which have no calendar.
    pub fn is_whole_numbers(&self) -> bool {
        matches!(self.step, Step::Whole(_))
    }

    /// Usual seasons of such times, in steps.
    ///
    /// The shortest first; a day and a week of times finer than a day, a week and a year of days, a year of
    /// weeks, months and quarters. Empty for whole numbers, which have no calendar.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::clock::{Axis, Clock, Step};
    ///
    /// let hourly = Clock::new(Axis::Time { utc: false }, Step::Seconds(3600)).unwrap();
    /// assert_eq!(hourly.seasons(), [24, 168]);
    /// let daily = Clock::new(Axis::Date, Step::Days(1)).unwrap();
    /// assert_eq!(daily.seasons(), [7, 365]);
    /// ```
    pub fn seasons(&self) -> Vec<usize> {
        match self.step {
            Step::Whole(_) => Vec::new(),
            Step::Seconds(step) => [DAY, 7 * DAY]
                .iter()
                .filter(|season| *season % step == 0 && **season > step)
                .map(|season| (season / step) as usize)
                .collect(),
            Step::Days(1) => vec![7, 365],
            Step::Days(7) => vec![52],
            Step::Days(_) => Vec::new(),
            Step::Weekdays { week, count: 1 } => vec![week.len()],
            Step::Weekdays { .. } => Vec::new(),
            Step::Months { count, .. } => match 12 / count {
                per_year if 12 % count == 0 && per_year > 1 => vec![per_year as usize],
                _ => Vec::new(),
            },
        }
    }

    /// Encodes the clock in integers for a model file: the axis, the kind of step, and the count;
    /// then the set of weekdays or the late day of a month, if there is one.
    pub fn to_numbers(self) -> Vec<i64> {
        let axis = match self.axis {
            Axis::Whole => 0,
            Axis::Date => 1,
            Axis::Time { utc: false } => 2,
            Axis::Time { utc: true } => 3,
        };
        match self.step {
            Step::Whole(count) => vec![axis, 0, count],
            Step::Seconds(count) => vec![axis, 1, count],
            Step::Days(count) => vec![axis, 2, count],
            Step::Weekdays { week, count } => vec![axis, 5, count, week.to_number()],
            Step::Months { count, day } => match day {
                MonthDay::Own => vec![axis, 3, count],
                MonthDay::Last => vec![axis, 4, count],
                MonthDay::FirstBusiness => vec![axis, 6, count],
                MonthDay::LastBusiness => vec![axis, 7, count],
                MonthDay::Late(day) => vec![axis, 3, count, i64::from(day)],
            },
        }
    }

    /// Restores a clock from [`Clock::to_numbers`].
    ///
    /// `None` for numbers that are not those of a clock: a model file may hold anything.
    pub fn from_numbers(numbers: &[i64]) -> Option<Clock> {
        let axis = match numbers.first()? {
            0 => Axis::Whole,
            1 => Axis::Date,
            2 => Axis::Time { utc: false },
            3 => Axis::Time { utc: true },
            _ => return None,
        };
        let months = |count, day| Step::Months { count, day };
        let step = match numbers[1..] {
            [0, count] => Step::Whole(count),
            [1, count] => Step::Seconds(count),
            [2, count] => Step::Days(count),
            [3, count] => months(count, MonthDay::Own),
            [3, count, day] => months(count, MonthDay::Late(day.try_into().ok()?)),
            [4, count] => months(count, MonthDay::Last),
            [5, count, week] => Step::Weekdays {
                week: Week::from_number(week)?,
                count,
            },
            [6, count] => months(count, MonthDay::FirstBusiness),
            [7, count] => months(count, MonthDay::LastBusiness),
            _ => return None,
        };
        Clock::new(axis, step)
    }

    /// The reason why `time` cannot be on a step of any series.
    pub fn never(&self, time: i64) -> Option<String> {
        let day = date(self.axis.day(time).0)?;
        let text = self.text(time);
        match self.step {
            Step::Weekdays { week, .. } if week.position(days(day)).is_none() => Some(format!(
                "{text} is a {}, but the series are {self}",
                week::name(days(day))
            )),
            Step::Months { day: which, .. } if self.at(time, 0) != Some(time) => {
                let right = match which {
                    MonthDay::Last => "the last day",
                    MonthDay::FirstBusiness => "the first business day",
                    MonthDay::LastBusiness => "the last business day",
                    MonthDay::Own | MonthDay::Late(_) => return None,
                };
                Some(format!(
                    "{text} is not {right} of its month, as the times of these series are"
                ))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.step {
            Step::Whole(1) => f.write_str("whole numbers"),
            Step::Whole(2) => f.write_str("every second whole number"),
            Step::Whole(3) => f.write_str("every third whole number"),
            Step::Whole(count) => write!(f, "every {count}th whole number"),
            Step::Seconds(3600) => f.write_str("hourly"),
            Step::Seconds(60) => f.write_str("every minute"),
            Step::Seconds(count) if count % 3600 == 0 => write!(f, "every {} hours", count / 3600),
            Step::Seconds(count) if count % 60 == 0 => write!(f, "every {} minutes", count / 60),
            Step::Seconds(count) => write!(f, "every {count} seconds"),
            Step::Days(1) => f.write_str("daily"),
            Step::Days(7) => f.write_str("weekly"),
            Step::Days(count) => write!(f, "every {count} days"),
            Step::Weekdays { week, count: 1 } => write!(f, "on {week}"),
            Step::Weekdays { week, count } => write!(f, "every {count} of {week}"),
            Step::Months { count, day } => {
                match count {
                    1 => f.write_str("monthly")?,
                    3 => f.write_str("quarterly")?,
                    12 => f.write_str("yearly")?,
                    count => write!(f, "every {count} months")?,
                }
                f.write_str(match day {
                    MonthDay::FirstBusiness => " (first business day)",
                    MonthDay::LastBusiness => " (last business day)",
                    _ => "",
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(texts: &[&str]) -> (Axis, Vec<i64>) {
        let all: Vec<(Axis, i64)> = texts.iter().map(|text| parse(text).unwrap()).collect();
        (all[0].0, all.into_iter().map(|(_, value)| value).collect())
    }

    fn clock(texts: &[&str]) -> Clock {
        let (axis, values) = times(texts);
        Clock::infer(axis, std::iter::once(values.as_slice()))
    }

    #[test]
    fn steps_go_on_over_ends_of_months_and_leap_years() {
        let ends = clock(&["2023-11-30", "2023-12-31", "2024-01-31"]);
        let (_, from) = parse("2024-01-31").unwrap();
        assert_eq!(ends.text(ends.at(from, 1).unwrap()), "2024-02-29");
        assert_eq!(ends.steps(from, parse("2024-04-30").unwrap().1), Some(3));
        assert_eq!(ends.steps(from, parse("2024-04-29").unwrap().1), None);
        let days = clock(&["2024-02-27", "2024-02-28"]);
        let (_, from) = parse("2024-02-28").unwrap();
        assert_eq!(days.text(days.at(from, 2).unwrap()), "2024-03-01");
    }

    #[test]
    fn numbers_come_back() {
        let clock = clock(&["2024-01-31", "2024-02-29"]);
        assert_eq!(Clock::from_numbers(&clock.to_numbers()), Some(clock));
        assert_eq!(Clock::from_numbers(&[0, 0, 0]), None);
        // Whole numbers have no seconds, and neither have dates.
        assert_eq!(Clock::from_numbers(&[0, 1, 60]), None);
        assert_eq!(Clock::from_numbers(&[1, 1, 60]), None);
        for bad in [
            &[1, 5, 1, 0][..],
            &[1, 5, 1, 128],
            &[1, 3, 1, 28],
            &[1, 9, 1],
            &[0, 5, 1, 31],
            &[],
        ] {
            assert_eq!(Clock::from_numbers(bad), None, "{bad:?}");
        }
    }

    /// A series on the 30th whose last known month was a February used to continue on the 29th of
    /// March.
    #[test]
    fn late_days_of_a_month_come_back_after_february() {
        let late = clock(&["2023-12-30", "2024-01-30", "2024-03-30"]);
        let (_, february) = parse("2024-02-29").unwrap();
        assert_eq!(late.text(late.at(february, 1).unwrap()), "2024-03-30");
        assert_eq!(late.text(late.at(february, 12).unwrap()), "2025-02-28");
        let (_, march) = parse("2024-03-30").unwrap();
        assert_eq!(late.steps(february, march), Some(1));
        // Another series of the file keeps its day.
        let (_, fifteenth) = parse("2024-02-15").unwrap();
        assert_eq!(late.text(late.at(fifteenth, 1).unwrap()), "2024-03-15");
    }

    #[test]
    fn there_is_no_time_beyond_the_calendar() {
        for (times, first) in [
            ("9999-12-01", &["9999-11-01", "9999-12-01"][..]),
            ("9999-12-31", &["9999-12-30", "9999-12-31"]),
            (
                "9999-12-31T23:00:00",
                &["9999-12-31T22:00:00", "9999-12-31T23:00:00"],
            ),
            (
                "9999-12-30T22:00:00Z",
                &["9999-12-30T21:00:00Z", "9999-12-30T22:00:00Z"],
            ),
            (
                "9999-12-31",
                &["9999-12-24", "9999-12-27", "9999-12-30", "9999-12-31"],
            ),
        ] {
            let clock = clock(first);
            let (_, last) = parse(times).unwrap();
            assert_eq!(clock.at(last, 0), Some(last), "{clock}");
            assert_eq!(clock.at(last, 1), None, "{clock}");
            assert_eq!(clock.at(last, i64::MAX), None, "{clock}");
        }
        for axis in [
            Axis::Whole,
            Axis::Date,
            Axis::Time { utc: false },
            Axis::Time { utc: true },
        ] {
            let (read, last) = parse(axis.last()).unwrap();
            assert_eq!((read, axis.text(last).as_str()), (axis, axis.last()));
            assert!(axis.holds(last) && !axis.holds(last + 1), "{axis}");
        }
        let numbers = clock(&["4611686018427387903", "4611686018427387904"]);
        assert_eq!(numbers.at(1 << 62, 1), None);
        assert!(parse("4611686018427387905").is_err());
        assert!(parse("9223372036854775807").is_err());
    }
}
