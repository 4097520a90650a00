//! Times of series: the values of a time column, and the regular steps between them.
//!
//! A time is a whole number on an axis: a step number, days since 1970-01-01, or seconds since
//! then. Times with an offset are instants in UTC, so that a change of time zone moves nothing.

mod advice;
mod frequency;
mod infer;
mod notation;
mod week;

use std::fmt;

use jiff::civil::{Date, DateTime};

pub use frequency::Frequency;
pub use infer::Evidence;
pub use notation::{Notation, Numbers};
pub use week::Week;

/// The kinds of times in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Whole numbers, in a unit known only to the user.
    Whole,
    /// Days.
    Date,
    /// Seconds, of a wall clock or in UTC.
    Time {
        /// Whether the texts have offsets, so that the seconds are UTC.
        utc: bool,
    },
}

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
/// The largest whole number that is a time, so that differences stay within 64 bits.
const FARTHEST_NUMBER: i64 = 1 << 62;

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Axis::Whole => "a whole number",
            Axis::Date => "a date",
            Axis::Time { utc: false } => "a time",
            Axis::Time { utc: true } => "a time with an offset",
        })
    }
}

/// Reads a time: a whole number, `2024-02-29`, or `2024-02-29T12:00:00` with or without an offset.
///
/// # Errors
/// What is expected of a time, for a text that is none.
pub fn parse(text: &str) -> Result<(Axis, i64), String> {
    let text = text.trim();
    if let Ok(value) = text.parse::<i64>()
        && value.unsigned_abs() <= FARTHEST_NUMBER.unsigned_abs()
    {
        return Ok((Axis::Whole, value));
    }
    if let Ok(value) = text.parse::<f64>()
        && is_exact(value)
    {
        return Ok((Axis::Whole, value as i64));
    }
    let zoned =
        text.ends_with(['Z', 'z']) || text.get(11..).is_some_and(|t| t.contains(['+', '-']));
    if zoned {
        let instant: jiff::Timestamp = text.parse().map_err(|e| refused(text, &e))?;
        return whole_seconds(instant.subsec_nanosecond(), text)
            .map(|()| (Axis::Time { utc: true }, instant.as_second()));
    }
    if let Some(date) = other_spelling(text) {
        return Ok((Axis::Date, days(date)));
    }
    if text.len() <= 10 {
        let date: Date = text.parse().map_err(|e| refused(text, &e))?;
        return Ok((Axis::Date, days(date)));
    }
    let time: DateTime = text.parse().map_err(|e| refused(text, &e))?;
    whole_seconds(time.subsec_nanosecond(), text)?;
    let seconds =
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Ok((Axis::Time { utc: false }, days(time.date()) * DAY + seconds))
}

/// Unambiguous spellings of a date other than 2024-02-29: 2024/02/29, 2024-02 (its first day),
/// 2024-Q1 and 2024Q1 (the same), 2024-W05 (its Monday).
fn other_spelling(text: &str) -> Option<Date> {
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<i8>().ok(),
        false => None,
    };
    let (year, rest) = (text.get(..4)?, text.get(4..)?);
    if !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year: i16 = year.parse().ok()?;
    let date = |month: i8, day: i8| Date::new(year, month, day).ok();
    let (mark, rest) = match rest.strip_prefix('-') {
        Some(rest) => ('-', rest),
        None => (rest.chars().next()?, rest.strip_prefix('/').unwrap_or(rest)),
    };
    match rest.as_bytes() {
        [_, _, b'/', _, _] if mark == '/' => date(number(&rest[..2])?, number(&rest[3..])?),
        [b'Q' | b'q', quarter @ b'1'..=b'4'] => date(3 * (*quarter - b'1') as i8 + 1, 1),
        [b'W' | b'w', _, _] => {
            let monday = jiff::civil::Weekday::Monday;
            let week = jiff::civil::ISOWeekDate::new(year, number(&rest[1..])?, monday);
            week.ok().map(|week| week.date())
        }
        [_, _] if mark == '-' => date(number(rest)?, 1),
        _ => None,
    }
}

/// Whether a whole number stored as a float is exact: a small one, or nanoseconds of whole seconds,
/// which are exact doubles.
fn is_exact(value: f64) -> bool {
    value.fract() == 0.0 && (value.abs() < 9e15 || (value % 1e9 == 0.0 && value.abs() < 4e18))
}

fn refused(text: &str, error: &jiff::Error) -> String {
    if text.is_empty() {
        return "the time is missing".to_owned();
    }
    match advice::on(text) {
        Some(advice) => format!("`{text}` is not read as a time: {advice}"),
        None => format!(
            "`{text}` is not a time ({error}); expected a date as 2024-02-29, a time as 2024-02-29T12:00:00, or \
             a whole number"
        ),
    }
}

fn whole_seconds(nanoseconds: i32, text: &str) -> Result<(), String> {
    match nanoseconds {
        0 => Ok(()),
        _ => Err(format!("`{text}` is finer than a second; round it")),
    }
}

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

impl Axis {
    /// The plural name of its times.
    pub fn plural(self) -> &'static str {
        match self {
            Axis::Whole => "whole numbers",
            Axis::Date => "dates",
            Axis::Time { utc: false } => "times",
            Axis::Time { utc: true } => "times with an offset",
        }
    }

    /// The day of a time, and the seconds since its start.
    fn day(self, value: i64) -> (i64, i64) {
        match self {
            Axis::Time { .. } => (value.div_euclid(DAY), value.rem_euclid(DAY)),
            _ => (value, 0),
        }
    }

    /// Months since year 0 of a time; `None` outside the years of the calendar.
    pub fn month_number(self, value: i64) -> Option<i64> {
        date(self.day(value).0).map(|date| month(date).0)
    }

    /// The day of the month of a time.
    pub fn day_of_month(self, value: i64) -> Option<i8> {
        date(self.day(value).0).map(|date| date.day())
    }

    /// The value of a day and the seconds since its start.
    fn at_day(self, day: i64, second: i64) -> Option<i64> {
        match self {
            Axis::Time { .. } => day.checked_mul(DAY)?.checked_add(second),
            _ => Some(day),
        }
    }

    /// Converts a value of another axis to this one: dates are midnights of a wall clock; nothing
    /// else is comparable.
    pub fn take(self, other: Axis, value: i64) -> Option<i64> {
        match (self, other) {
            _ if self == other => Some(value),
            (Axis::Time { utc: false }, Axis::Date) => value.checked_mul(DAY),
            (Axis::Date, Axis::Time { utc: false }) if value % DAY == 0 => Some(value / DAY),
            (_, Axis::Whole) => {
                Notation::guesses(value).find_map(|notation| self.take_written(notation, value))
            }
            _ => None,
        }
    }

    /// Like [`Axis::take`], with whole numbers read in the notation `said`, or, if it is `None`, as
    /// they look.
    pub fn take_as(self, said: Option<Notation>, other: Axis, value: i64) -> Option<i64> {
        match (said, other) {
            (Some(notation), Axis::Whole) if self != Axis::Whole => {
                self.take_written(notation, value)
            }
            _ => self.take(other, value),
        }
    }

    /// Whether a time can be written to a file and read back.
    fn holds(self, time: i64) -> bool {
        match self {
            Axis::Whole => time.abs() <= FARTHEST_NUMBER,
            Axis::Date | Axis::Time { utc: false } => date(self.day(time).0).is_some(),
            // Instants end a day and two hours earlier than dates, so that each has a date in any
            // time zone.
            Axis::Time { utc: true } => jiff::Timestamp::from_second(time).is_ok(),
        }
    }

    /// The last valid time, for messages.
    pub fn last(self) -> &'static str {
        match self {
            Axis::Whole => "4611686018427387904",
            Axis::Date => "9999-12-31",
            Axis::Time { utc: false } => "9999-12-31T23:59:59",
            Axis::Time { utc: true } => "9999-12-30T22:00:00Z",
        }
    }

    /// Converts a time written as a number to this axis; midnights since 1970 are dates.
    pub fn take_written(self, notation: Notation, value: i64) -> Option<i64> {
        match (self, notation.time(value).ok()?) {
            (Axis::Whole, _) | (_, (Axis::Whole, _)) => None,
            (Axis::Date, (Axis::Time { .. }, time)) if time % DAY == 0 => Some(time / DAY),
            (axis, (other, time)) => axis.take(other, time),
        }
    }

    /// The text of a time in files.
    pub fn text(self, value: i64) -> String {
        let (day, second) = self.day(value);
        let zone = if self == (Axis::Time { utc: true }) {
            "Z"
        } else {
            ""
        };
        match (self, date(day)) {
            (Axis::Whole, _) | (_, None) => value.to_string(),
            (Axis::Date, Some(date)) => date.to_string(),
            (Axis::Time { .. }, Some(date)) => {
                let (hour, minute) = (second / 3600, second / 60 % 60);
                format!("{date}T{hour:02}:{minute:02}:{:02}{zone}", second % 60)
            }
        }
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
    fn the_same_instant_with_another_offset_is_the_same_time() {
        let (axis, a) = parse("2024-03-31T03:30:00+02:00").unwrap();
        let (_, b) = parse("2024-03-31T01:30:00Z").unwrap();
        assert_eq!((axis, a), (Axis::Time { utc: true }, b));
        assert_eq!(axis.text(a), "2024-03-31T01:30:00Z");
    }

    #[test]
    fn dates_are_midnights() {
        let (date, midnight) = (
            parse("2024-03-01").unwrap(),
            parse("2024-03-01T00:00").unwrap(),
        );
        assert_eq!(date.0.take(midnight.0, midnight.1), Some(date.1));
        assert_eq!(midnight.0.take(date.0, date.1), Some(midnight.1));
        let noon = parse("2024-03-01T12:00").unwrap();
        assert_eq!(date.0.take(noon.0, noon.1), None);
        assert_eq!(Axis::Whole.take(date.0, date.1), None);
    }

    #[test]
    fn other_spellings_of_dates_are_read() {
        for (text, date) in [
            ("2024/02/29", "2024-02-29"),
            ("2024-02", "2024-02-01"),
            ("2024-Q3", "2024-07-01"),
            ("2024Q1", "2024-01-01"),
            ("2024-W05", "2024-01-29"),
            ("2020-W53", "2020-12-28"),
        ] {
            let (axis, value) = parse(text).unwrap();
            assert_eq!(
                (axis, axis.text(value).as_str()),
                (Axis::Date, date),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "01/02/2024",
            "29.02.2024",
            "Jan 2024",
            "2024-13",
            "2024-Q5",
            "2024/02/30",
            "2023-W53",
            "2024/2/9",
            "2023-02-29",
            "yesterday",
            "",
            "2024-01-01T25:00:00",
            "12.5",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    /// Nanoseconds stored in a float column used to be refused; other long numbers may have lost
    /// digits.
    #[test]
    fn nanoseconds_as_floats_are_exact() {
        let hour = (Axis::Whole, 1_704_070_800_000_000_000);
        for text in ["1704070800000000000.0", "1.7040708e18"] {
            assert_eq!(parse(text), Ok(hour), "{text}");
        }
        assert!(parse("1704070800000000512.0").is_err());
        assert!(parse("9007199254740993.0").is_err());
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
