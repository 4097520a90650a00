//! The kinds of times in a file, and how a time of one kind is taken for one of another.

use std::fmt;

use super::notation::Notation;
use super::text::FARTHEST_NUMBER;
use super::{DAY, date, month};

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
    pub(super) fn day(self, value: i64) -> (i64, i64) {
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
    pub(super) fn at_day(self, day: i64, second: i64) -> Option<i64> {
        match self {
            Axis::Time { .. } => day.checked_mul(DAY)?.checked_add(second),
            _ => Some(day),
        }
    }

    /// Converts a value of another axis to this one: dates are midnights of a wall clock; nothing
    /// else is comparable.
    ///
    /// A whole number is read in the first notation that it looks like and that gives a time of this axis.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::clock::Axis;
    ///
    /// let time = Axis::Time { utc: false };
    /// assert_eq!(time.take(Axis::Date, 1), Some(86_400)); // midnight of 1970-01-02
    /// assert_eq!(Axis::Date.take(time, 86_400), Some(1));
    /// assert_eq!(Axis::Date.take(time, 86_401), None); // not a midnight
    /// assert_eq!(time.take(Axis::Time { utc: true }, 0), None); // another clock
    /// assert_eq!(Axis::Date.take(Axis::Whole, 19_700_102), Some(1));
    /// ```
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
    pub(super) fn holds(self, time: i64) -> bool {
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
    ///
    /// ISO 8601, as [`super::parse`] reads it back; beyond the calendar the number itself.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::clock::Axis;
    ///
    /// assert_eq!(Axis::Date.text(19_782), "2024-02-29");
    /// assert_eq!(Axis::Time { utc: true }.text(3_661), "1970-01-01T01:01:01Z");
    /// assert_eq!(Axis::Whole.text(-7), "-7");
    /// ```
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

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

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
}
