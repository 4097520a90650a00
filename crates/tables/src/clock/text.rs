//! Times as texts that are read without being told how: whole numbers, ISO 8601, and spellings of a date that
//! can mean one thing only.

use jiff::civil::{Date, DateTime};

use super::candidates::Candidates;
use super::{Axis, DAY, advice, days};

/// The largest whole number that is a time, so that differences stay within 64 bits.
pub(super) const FARTHEST_NUMBER: i64 = 1 << 62;

/// Reads a time: a whole number, `2024-02-29`, or `2024-02-29T12:00:00` with or without an offset.
///
/// Also `2024/02/29`, and for the first day of a period `2024-02`, `2024-Q1` and `2024-W05`; spellings
/// that may mean two dates are refused with the formats that read them.
///
/// # Examples
/// ```
/// use easylife_tables::clock::{Axis, parse};
///
/// assert_eq!(parse("2024-02-29"), Ok((Axis::Date, 19_782)));
/// assert_eq!(parse("2024-Q1"), parse("2024-01-01"));
/// assert_eq!(parse("1970-01-01T01:00:00+01:00"), Ok((Axis::Time { utc: true }, 0)));
/// assert_eq!(parse("201801"), Ok((Axis::Whole, 201_801))); // a month, as far as it looks
/// assert!(parse("01/02/2024").unwrap_err().contains("is not read as a time"));
/// assert!(parse("1970-01-01T00:00:00.5").unwrap_err().ends_with("finer than a second; round it"));
/// ```
///
/// # Errors
/// What is expected of a time, for a text that is none.
pub fn parse(text: &str) -> Result<(Axis, i64), String> {
    let text = text.trim();
    attempt(text).map_err(|error| match error {
        Refusal::NoTime(error) => refused(text, &error),
        Refusal::TooFine(reason) => reason,
    })
}

/// Whether a text is a time, or looks like one that a format reads.
pub fn looks_like_time(text: &str) -> bool {
    is_time(text) || Candidates::of(text).meant().next().is_some()
}

/// Whether a text is a time.
pub(super) fn is_time(text: &str) -> bool {
    attempt(text.trim()).is_ok()
}

/// Why a text is no time; the words are made where somebody reads them.
enum Refusal {
    NoTime(jiff::Error),
    TooFine(String),
}

impl From<jiff::Error> for Refusal {
    fn from(error: jiff::Error) -> Self {
        Refusal::NoTime(error)
    }
}

fn attempt(text: &str) -> Result<(Axis, i64), Refusal> {
    let whole = |nanoseconds| whole_seconds(nanoseconds, text).map_err(Refusal::TooFine);
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
        let instant: jiff::Timestamp = text.parse()?;
        return whole(instant.subsec_nanosecond())
            .map(|()| (Axis::Time { utc: true }, instant.as_second()));
    }
    if let Some(date) = other_spelling(text) {
        return Ok((Axis::Date, days(date)));
    }
    if text.len() <= 10 {
        let date: Date = text.parse()?;
        return Ok((Axis::Date, days(date)));
    }
    let time: DateTime = text.parse()?;
    whole(time.subsec_nanosecond())?;
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

pub(super) fn whole_seconds(nanoseconds: i32, text: &str) -> Result<(), String> {
    match nanoseconds {
        0 => Ok(()),
        _ => Err(format!("`{text}` is finer than a second; round it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_instant_with_another_offset_is_the_same_time() {
        let (axis, a) = parse("2024-03-31T03:30:00+02:00").unwrap();
        let (_, b) = parse("2024-03-31T01:30:00Z").unwrap();
        assert_eq!((axis, a), (Axis::Time { utc: true }, b));
        assert_eq!(axis.text(a), "2024-03-31T01:30:00Z");
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
}
