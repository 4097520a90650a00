//! Times of series: what stands in a column `ds`, and the regular steps between.
//!
//! A time is a whole number on an axis: a step number, days since 1970-01-01, or seconds since
//! then. Times with an offset are instants in UTC, so that a change of time zone moves nothing.

mod infer;

use std::fmt;

use jiff::civil::{Date, DateTime};

/// What kind of times a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Whole numbers, of a unit that only their owner knows.
    Whole,
    /// Days.
    Date,
    /// Seconds, of a clock on the wall or in UTC.
    Time {
        /// Whether the texts have offsets, so that the seconds are those of UTC.
        utc: bool,
    },
}

/// The regular distance between two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Of whole numbers.
    Whole(i64),
    /// Of times.
    Seconds(i64),
    /// Of dates, or of times at one time of the day.
    Days(i64),
    /// On the same day of each month, or on its last.
    Months {
        /// How many months.
        count: i64,
        /// Whether all times are on the last day of a month.
        last_day: bool,
    },
}

/// An axis and its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What its times are.
    pub axis: Axis,
    /// How far apart they are.
    pub step: Step,
}

const DAY: i64 = 86_400;
/// Units from one step to the next, at most: sums of steps stay within whole numbers.
const WIDEST: i64 = 1 << 40;

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
    if let Ok(value) = text.parse::<i64>() {
        return Ok((Axis::Whole, value));
    }
    if let Ok(value) = text.parse::<f64>()
        && value.fract() == 0.0
        && value.abs() < 9e15
    {
        return Ok((Axis::Whole, value as i64));
    }
    let zoned =
        text.ends_with(['Z', 'z']) || text.get(11..).is_some_and(|t| t.contains(['+', '-']));
    if zoned {
        let instant: jiff::Timestamp = text.parse().map_err(|e| refused(text, e))?;
        return whole_seconds(instant.subsec_nanosecond(), text)
            .map(|()| (Axis::Time { utc: true }, instant.as_second()));
    }
    if text.len() <= 10 {
        let date: Date = text.parse().map_err(|e| refused(text, e))?;
        return Ok((Axis::Date, days(date)));
    }
    let time: DateTime = text.parse().map_err(|e| refused(text, e))?;
    whole_seconds(time.subsec_nanosecond(), text)?;
    let seconds =
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Ok((Axis::Time { utc: false }, days(time.date()) * DAY + seconds))
}

fn refused(text: &str, error: jiff::Error) -> String {
    match text.is_empty() {
        true => "the time is missing".to_owned(),
        false => format!(
            "`{text}` is no time ({error}); a date as 2024-02-29, a time as 2024-02-29T12:00:00, or \
             a whole number is expected"
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

/// None beyond the years that dates have.
fn date(days: i64) -> Option<Date> {
    let span = jiff::Span::new().try_days(days).ok()?;
    epoch().checked_add(span).ok()
}

/// Months since year 0, and whether the day is the last of its month.
fn month(date: Date) -> (i64, bool) {
    let months = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
    (months, date.day() == date.days_in_month())
}

/// Months since year 0 of a day since 1970-01-01; none beyond the years that dates have.
pub fn month_number(day: i64) -> Option<i64> {
    date(day).map(|date| month(date).0)
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

impl Axis {
    /// The day of a time, and seconds into it.
    fn day(self, value: i64) -> (i64, i64) {
        match self {
            Axis::Time { .. } => (value.div_euclid(DAY), value.rem_euclid(DAY)),
            _ => (value, 0),
        }
    }

    /// A value of another axis on this one: dates are midnights of a clock on the wall, nothing else
    /// can be compared.
    pub fn take(self, other: Axis, value: i64) -> Option<i64> {
        match (self, other) {
            _ if self == other => Some(value),
            (Axis::Time { utc: false }, Axis::Date) => value.checked_mul(DAY),
            (Axis::Date, Axis::Time { utc: false }) if value % DAY == 0 => Some(value / DAY),
            _ => None,
        }
    }

    /// A time on this axis as files have it.
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
    /// A clock for times of `axis`; none where such times have no such steps.
    pub fn new(axis: Axis, step: Step) -> Option<Clock> {
        let (fits, count) = match step {
            Step::Whole(count) => (axis == Axis::Whole, count),
            Step::Seconds(count) => (matches!(axis, Axis::Time { .. }), count),
            Step::Days(count) | Step::Months { count, .. } => (axis != Axis::Whole, count),
        };
        (fits && (1..=WIDEST).contains(&count)).then_some(Clock { axis, step })
    }

    /// Steps from `origin` to `value`; none where `value` does not lie on a step.
    pub fn steps(&self, origin: i64, value: i64) -> Option<i64> {
        let whole = |distance: i64, step: i64| (distance % step == 0).then_some(distance / step);
        match self.step {
            Step::Whole(step) | Step::Seconds(step) => whole(value - origin, step),
            Step::Days(step) if self.axis == Axis::Date => whole(value - origin, step),
            Step::Days(step) => whole(value - origin, step * DAY),
            Step::Months { count, .. } => {
                let from = month(date(self.axis.day(origin).0)?).0;
                let to = month(date(self.axis.day(value).0)?).0;
                let steps = whole(to - from, count)?;
                (self.at(origin, steps) == Some(value)).then_some(steps)
            }
        }
    }

    /// The time `steps` after `origin`; none beyond the years that dates have.
    pub fn at(&self, origin: i64, steps: i64) -> Option<i64> {
        let moved = |step: i64| step.checked_mul(steps)?.checked_add(origin);
        match self.step {
            Step::Whole(step) | Step::Seconds(step) => moved(step),
            Step::Days(step) if self.axis == Axis::Date => moved(step),
            Step::Days(step) => moved(step * DAY),
            Step::Months { count, last_day } => {
                let (day, second) = self.axis.day(origin);
                let from = date(day)?;
                let months = month(from).0 + count * steps;
                let year = i16::try_from(months.div_euclid(12)).ok()?;
                let first = Date::new(year, months.rem_euclid(12) as i8 + 1, 1).ok()?;
                let wanted = if last_day { 31 } else { from.day() };
                let day = first
                    .with()
                    .day(wanted.min(first.days_in_month()))
                    .build()
                    .ok()?;
                Some(match self.axis {
                    Axis::Time { .. } => days(day) * DAY + second,
                    _ => days(day),
                })
            }
        }
    }

    /// A time on this clock as files have it.
    pub fn text(&self, value: i64) -> String {
        self.axis.text(value)
    }

    /// Steps of the seasons that such times usually have.
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
            Step::Months { count, .. } => match 12 / count {
                per_year if 12 % count == 0 && per_year > 1 => vec![per_year as usize],
                _ => Vec::new(),
            },
        }
    }

    /// As whole numbers, for a model file.
    pub fn to_numbers(self) -> [i64; 3] {
        let axis = match self.axis {
            Axis::Whole => 0,
            Axis::Date => 1,
            Axis::Time { utc: false } => 2,
            Axis::Time { utc: true } => 3,
        };
        let (kind, count) = match self.step {
            Step::Whole(count) => (0, count),
            Step::Seconds(count) => (1, count),
            Step::Days(count) => (2, count),
            Step::Months {
                count,
                last_day: false,
            } => (3, count),
            Step::Months {
                count,
                last_day: true,
            } => (4, count),
        };
        [axis, kind, count]
    }

    /// The clock that [`Clock::to_numbers`] gave these numbers for.
    pub fn from_numbers(numbers: &[i64]) -> Option<Clock> {
        let &[axis, kind, count] = numbers else {
            return None;
        };
        let axis = match axis {
            0 => Axis::Whole,
            1 => Axis::Date,
            2 => Axis::Time { utc: false },
            3 => Axis::Time { utc: true },
            _ => return None,
        };
        let step = match kind {
            0 => Step::Whole(count),
            1 => Step::Seconds(count),
            2 => Step::Days(count),
            3 => Step::Months {
                count,
                last_day: false,
            },
            4 => Step::Months {
                count,
                last_day: true,
            },
            _ => return None,
        };
        Clock::new(axis, step)
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.step {
            Step::Whole(1) => f.write_str("whole numbers"),
            Step::Whole(count) => write!(f, "every {count}th whole number"),
            Step::Seconds(3600) => f.write_str("hourly"),
            Step::Seconds(60) => f.write_str("every minute"),
            Step::Seconds(count) if count % 3600 == 0 => write!(f, "every {} hours", count / 3600),
            Step::Seconds(count) if count % 60 == 0 => write!(f, "every {} minutes", count / 60),
            Step::Seconds(count) => write!(f, "every {count} seconds"),
            Step::Days(1) => f.write_str("daily"),
            Step::Days(7) => f.write_str("weekly"),
            Step::Days(count) => write!(f, "every {count} days"),
            Step::Months { count: 1, .. } => f.write_str("monthly"),
            Step::Months { count: 3, .. } => f.write_str("quarterly"),
            Step::Months { count: 12, .. } => f.write_str("yearly"),
            Step::Months { count, .. } => write!(f, "every {count} months"),
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
    fn an_offset_is_no_other_time() {
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
    fn what_is_no_time_is_refused() {
        for text in ["2023-02-29", "yesterday", "", "2024-01-01T25:00:00", "12.5"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_come_back() {
        let clock = clock(&["2024-01-31", "2024-02-29"]);
        assert_eq!(Clock::from_numbers(&clock.to_numbers()), Some(clock));
        assert_eq!(Clock::from_numbers(&[0, 0, 0]), None);
        // Whole numbers have no seconds, dates have none either.
        assert_eq!(Clock::from_numbers(&[0, 1, 60]), None);
        assert_eq!(Clock::from_numbers(&[1, 1, 60]), None);
    }
}
