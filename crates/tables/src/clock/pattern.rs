//! Dates and times written in a pattern of `strftime`, as Python and pandas have it: `%d/%m/%Y`, `%b-%y`,
//! `%m/%d/%Y %H:%M`.

use std::fmt;

use jiff::civil::Weekday;
use jiff::fmt::strtime::{self, BrokenDownTime};

use super::text::whole_seconds;
use super::{Axis, DAY, days};

/// The key of params.yaml that holds a format; the task's name stands in front of it.
pub const KEY: &str = "TASK.data.date_format";

/// A pattern that every time of a column is written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    axis: Axis,
    precision: Precision,
    /// The pattern with `%:z` for `%z`, since Python reads offsets with and without a colon.
    with_colon: Option<String>,
}

/// How exactly a pattern says the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Day,
    /// An ISO week, for which its Monday stands.
    Week,
    /// A month, for which its first day stands.
    Month,
    /// A year, likewise.
    Year,
}

/// Years that are read. A shorter number is a year of two digits that `%Y` would take for one of antiquity.
const YEARS: std::ops::RangeInclusive<i16> = 1000..=9999;

impl Pattern {
    /// Checks a pattern by writing a time with it and reading that back.
    ///
    /// # Errors
    /// Why the pattern cannot give dates.
    pub fn new(text: &str) -> Result<Pattern, String> {
        let sample = jiff::civil::date(2024, 11, 25).at(13, 14, 15, 0);
        let sample = sample.to_zoned(jiff::tz::TimeZone::UTC);
        let sample = sample.map_err(|error| error.to_string())?;
        let written = strtime::format(text, &sample).map_err(|error| reason(&error))?;
        let parse = || BrokenDownTime::parse(text, &written).map_err(|error| reason(&error));
        let read = parse()?;
        refuse_unusual(&read)?;
        let precision = Precision::of(&parse)?;
        read.to_time().map_err(|error| reason(&error))?;
        if read.hour().is_some_and(|hour| hour != sample.hour()) {
            return Err("%I, an hour of twelve, needs %p for AM or PM; %H is one of 24".to_owned());
        }
        let axis = match (read.offset(), read.hour()) {
            (Some(_), _) => Axis::Time { utc: true },
            (None, Some(_)) => Axis::Time { utc: false },
            (None, None) => Axis::Date,
        };
        Ok(Pattern::known(text.to_owned(), axis, precision))
    }

    /// A pattern of which is known what it gives.
    pub(super) fn known(text: String, axis: Axis, precision: Precision) -> Pattern {
        let offset = text.contains("%z") && axis == (Axis::Time { utc: true });
        Pattern {
            axis,
            precision,
            with_colon: offset.then(|| text.replace("%z", "%:z")),
            text,
        }
    }

    /// The kind of times that it gives.
    pub fn axis(&self) -> Axis {
        self.axis
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads a time.
    ///
    /// # Errors
    /// Why the text is not written so.
    pub fn read(&self, text: &str) -> Result<(Axis, i64), String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the time is missing".to_owned());
        }
        let mut read = self.fields(text).map_err(|error| reason(&error))?;
        self.precision.complete(&mut read);
        let year = read.year().or(read.iso_week_year()).unwrap_or_default();
        if !YEARS.contains(&year) {
            return Err(format!(
                "the year is {year}; %Y has four digits, %y has two"
            ));
        }
        if read.subsec_nanosecond().is_some_and(|part| part != 0) {
            whole_seconds(1, text)?;
        }
        if self.axis == (Axis::Time { utc: true }) {
            let instant = read.to_timestamp().map_err(|error| reason(&error))?;
            return Ok((self.axis, instant.as_second()));
        }
        let date = days(read.to_date().map_err(|error| reason(&error))?);
        let time = read.to_time().map_err(|error| reason(&error))?;
        let seconds = i64::from(time.hour()) * 3600
            + i64::from(time.minute()) * 60
            + i64::from(time.second());
        Ok((
            self.axis,
            match self.axis {
                Axis::Date => date,
                _ => date * DAY + seconds,
            },
        ))
    }

    /// What the directives stand for; `Z` is the offset +0000, as in Python.
    fn fields(&self, text: &str) -> Result<BrokenDownTime, jiff::Error> {
        let read = BrokenDownTime::parse(&self.text, text);
        let Some(with_colon) = &self.with_colon else {
            return read;
        };
        read.or_else(|error| {
            let colon = BrokenDownTime::parse(with_colon, text);
            colon.or_else(|_| match text.strip_suffix(['Z', 'z']) {
                Some(rest) => BrokenDownTime::parse(&self.text, format!("{rest}+0000")),
                None => Err(error),
            })
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Refuses directives that are read, but not for dates of a column.
fn refuse_unusual(read: &BrokenDownTime) -> Result<(), String> {
    if read.timestamp().is_some() {
        return Err("%s is a number of seconds since 1970; write epoch_s instead".to_owned());
    }
    match read.iana_time_zone() {
        Some(_) => Err("names of time zones (%Q) are not read; offsets (%z) are".to_owned()),
        None => Ok(()),
    }
}

impl Precision {
    /// By the fields of the time that `parse` gives.
    fn of(parse: &dyn Fn() -> Result<BrokenDownTime, String>) -> Result<Precision, String> {
        let read = parse()?;
        let error = match read.to_date() {
            Ok(_) => return Ok(Precision::Day),
            Err(error) => error,
        };
        for coarser in [Precision::Week, Precision::Month, Precision::Year] {
            let mut whole = parse()?;
            coarser.complete(&mut whole);
            if coarser.is_given(&read) && whole.to_date().is_ok() {
                return Ok(coarser);
            }
        }
        let week = read.sunday_based_week().or(read.monday_based_week());
        Err(if week.is_some() {
            "a week (%W, %U) needs a day of the week (%a, %u); ISO weeks are %G-W%V".to_owned()
        } else if read.iso_week().is_some() {
            "%V, the ISO week, needs %G, the year that it belongs to".to_owned()
        } else if read.year().is_none() && read.iso_week_year().is_none() {
            "there is no year in it (%Y, or %y for two digits)".to_owned()
        } else if read.day().is_some() {
            "there is a day in it, but no month (%m, %b or %B)".to_owned()
        } else {
            reason(&error)
        })
    }

    /// Whether a pattern with these fields says no more than this.
    fn is_given(self, read: &BrokenDownTime) -> bool {
        let of_month = [read.month(), read.day()];
        let of_week = [
            read.iso_week(),
            read.sunday_based_week(),
            read.monday_based_week(),
        ];
        let week = of_week.iter().flatten().count();
        match self {
            Precision::Day => true,
            Precision::Week => read.iso_week().is_some() && read.weekday().is_none(),
            Precision::Month => of_month[1].is_none() && week == 0 && read.weekday().is_none(),
            Precision::Year => {
                of_month == [None; 2]
                    && week == 0
                    && read.weekday().is_none()
                    && read.day_of_year().is_none()
            }
        }
    }

    /// Adds the fields that a date needs.
    fn complete(self, read: &mut BrokenDownTime) {
        // The setters refuse numbers that are no day or month only.
        let _ = match self {
            Precision::Day => Ok(()),
            Precision::Week => {
                read.set_weekday(Some(Weekday::Monday));
                Ok(())
            }
            Precision::Month => read.set_day(Some(1)),
            Precision::Year => read.set_month(Some(1)).and_then(|()| read.set_day(Some(1))),
        };
    }
}

/// What the parser says, without the words that say which parser it is.
fn reason(error: &jiff::Error) -> String {
    let told = error.to_string();
    let known = [
        "strptime parsing failed: ",
        "strftime formatting failed: ",
        "strptime expects to consume the entire input, but ",
    ];
    let mut told = told.as_str();
    for words in known {
        told = told.strip_prefix(words).unwrap_or(told);
    }
    let shorter = [
        (" failed: ", ": "),
        ("failed to parse ", ""),
        ("parameter ", ""),
        ("is not in the required range of", "is not in"),
        ("expected to match literal byte", "expected"),
        ("expected to find", "expected"),
        (" from format string, but found byte", ", found"),
        (" from format string, but found", ", found"),
        (" in input", ""),
    ];
    let cut = |told: String, (long, short): (&str, &str)| told.replace(long, short);
    shorter.into_iter().fold(told.to_owned(), cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, text: &str) -> Result<String, String> {
        let (axis, time) = Pattern::new(pattern)?.read(text)?;
        Ok(axis.text(time))
    }

    #[test]
    fn dates_are_read_as_python_reads_them() {
        // Expected values from Python 3.11, datetime.strptime, where it reads the pattern.
        for (pattern, text, expected) in [
            ("%d/%m/%Y", "13/01/2024", "2024-01-13"),
            ("%d/%m/%Y", " 3/1/2024 ", "2024-01-03"),
            ("%m/%d/%Y", "01/02/2024", "2024-01-02"),
            ("%d.%m.%y", "31.12.24", "2024-12-31"),
            ("%d.%m.%y", "31.12.69", "1969-12-31"),
            ("%d%m%Y", "31122024", "2024-12-31"),
            ("%d %B %Y", "5 february 2024", "2024-02-05"),
            ("%a, %d %b %Y", "Mon, 25 Nov 2024", "2024-11-25"),
            ("%b %d, %Y", "Nov 25, 2024", "2024-11-25"),
            ("%Y-%j", "2024-060", "2024-02-29"),
            ("%b-%y", "Jan-24", "2024-01-01"),
            ("%b %Y", "Feb 2024", "2024-02-01"),
            ("%Y-%m", "2024-02", "2024-02-01"),
            ("%Y", "2024", "2024-01-01"),
            ("%G-W%V", "2020-W53", "2020-12-28"),
            ("%G-W%V-%u", "2020-W53-7", "2021-01-03"),
            ("%m/%d/%Y %H:%M", "01/31/2024 10:05", "2024-01-31T10:05:00"),
            (
                "%m/%d/%Y %I:%M:%S %p",
                "1/31/2024 12:05:09 AM",
                "2024-01-31T00:05:09",
            ),
            (
                "%d.%m.%Y %H:%M:%S.%f",
                "31.12.2024 10:00:00.000",
                "2024-12-31T10:00:00",
            ),
            (
                "%d.%m.%Y %H:%M %z",
                "31.12.2024 10:00 +0200",
                "2024-12-31T08:00:00Z",
            ),
            (
                "%d.%m.%Y %H:%M %z",
                "31.12.2024 10:00 -05:30",
                "2024-12-31T15:30:00Z",
            ),
            (
                "%d.%m.%Y %H:%M%z",
                "31.12.2024 10:00Z",
                "2024-12-31T10:00:00Z",
            ),
        ] {
            assert_eq!(read(pattern, text), Ok(expected.to_owned()), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_written_so_is_refused() {
        for (pattern, text, words) in [
            (
                "%d/%m/%Y",
                "01/13/2024",
                "%m: month number: 'month' is not in 1..=12",
            ),
            ("%d/%m/%Y", "30/02/2024", "day"),
            ("%d/%m/%Y", "01/02/24", "the year is 24"),
            ("%d/%m/%y", "01/02/2024", "`24` remains unparsed"),
            ("%d/%m/%Y", "01/02/2024 10:00", "` 10:00` remains unparsed"),
            ("%d/%m/%Y", "01-02-2024", "expected `/`, found `-`"),
            ("%d/%m/%Y", "", "the time is missing"),
            ("%d/%m/%Y %H:%M", "01/02/2024 25:00", "%H: hour"),
            ("%a %d/%m/%Y", "Tue 25/11/2024", "does not match weekday"),
            (
                "%d/%m/%Y %H:%M:%S.%f",
                "01/02/2024 10:00:00.5",
                "finer than a second",
            ),
            ("%d %b %Y", "1 Mai 2024", "%b: expected month name"),
            ("%G-W%V", "2023-W53", "invalid ISO 8601 week"),
            ("%d.%m.%Y %H:%M%z", "31.12.2024 10:00", "found end of input"),
        ] {
            let error = read(pattern, text).unwrap_err();
            assert!(error.contains(words), "{pattern}, {text}: {error}");
        }
    }

    #[test]
    fn patterns_that_give_no_date_are_refused_with_the_reason() {
        for (pattern, words) in [
            ("%d/%m", "no year"),
            ("%H:%M", "no year"),
            ("%d %Y", "no month"),
            ("%Y-W%V", "needs %G"),
            ("%Y-%W", "needs a day of the week"),
            ("%d/%m/%Y %I:%M", "needs %p"),
            ("%d/%m/%Y %M", "hour"),
            ("%d/%m/%Y %", "end of format string"),
            ("%d/%m/%Y %Z", "time zone abbreviation"),
            ("%d/%m/%Y %Q", "(%z) are"),
            ("%x", "locale date"),
            ("%K", "`K`"),
            ("%Ey", "`E`"),
            ("%s", "epoch_s"),
            ("%Y-Q%q", "`q`"),
            ("%a %b %Y", "day"),
            ("", "no year"),
        ] {
            let error = Pattern::new(pattern).unwrap_err();
            assert!(error.contains(words), "{pattern}: {error}");
        }
    }
}
