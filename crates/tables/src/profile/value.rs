//! Classifies the text of a cell: integer, number, date, time, boolean, or other text.

use crate::Decimal;

/// The class of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Digits, with or without a sign.
    Integer,
    /// Any other number, including `NaN` and `inf`.
    Float,
    /// `true` or `false`, as spelled by Rust, Python and spreadsheets.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// A date and a time, with or without a time zone.
    Datetime,
    /// Everything else.
    Text,
}

/// All classes, in order.
pub const CLASSES: [Class; 6] = [
    Class::Integer,
    Class::Float,
    Class::Boolean,
    Class::Date,
    Class::Datetime,
    Class::Text,
];

impl Class {
    /// The name used in reports and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Integer => "integer",
            Class::Float => "float",
            Class::Boolean => "boolean",
            Class::Date => "date",
            Class::Datetime => "datetime",
            Class::Text => "text",
        }
    }

    /// Whether its values are numbers.
    #[inline]
    pub fn is_number(self) -> bool {
        matches!(self, Class::Integer | Class::Float)
    }

    /// Whether its values are points in time.
    #[inline]
    pub fn is_time(self) -> bool {
        matches!(self, Class::Date | Class::Datetime)
    }

    /// Whether a value of class `other` is allowed in a column of this class.
    #[inline]
    pub fn holds(self, other: Class) -> bool {
        match self {
            Class::Text => true,
            Class::Float => other.is_number(),
            Class::Datetime => other.is_time(),
            _ => self == other,
        }
    }
}

/// The value of a cell's text.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The class.
    pub class: Class,
    /// The number; for a date or time the seconds since 1970, in UTC if no time zone is given. 0
    /// for booleans and texts.
    pub number: f64,
}

const TEXT: Value = Value {
    class: Class::Text,
    number: 0.0,
};

/// Classifies a non-empty text.
///
/// # Examples
/// ```
/// use easylife_tables::profile::{Class, understand};
///
/// let class = |text: &str| understand(text.as_bytes()).class;
/// assert_eq!(class("-12"), Class::Integer);
/// assert_eq!(class("1.5e3"), Class::Float);
/// assert_eq!(class("true"), Class::Boolean);
/// assert_eq!(class("2024-02-29"), Class::Date);
/// assert_eq!(class("2024-02-29 12:00:00"), Class::Datetime);
/// assert_eq!(class("2024-02-30"), Class::Text);
/// assert_eq!(understand(b"1970-01-02").number, 86_400.0);
/// ```
pub fn understand(text: &[u8]) -> Value {
    let start = match text.len() {
        1..=8 => word(text),
        _ => 0, // not asked for
    };
    understand_word(start, text.len(), || text)
}

/// Like [`understand`], with a specified decimal mark.
pub fn understand_with(text: &[u8], decimal: Option<Decimal>) -> Value {
    let (Some(decimal), Ok(spelled)) = (decimal, std::str::from_utf8(text)) else {
        return understand(text);
    };
    match decimal.read(spelled.trim()) {
        Some(number) => Value {
            class: match spelled.contains(decimal.mark()) {
                true => Class::Float,
                false => Class::Integer,
            },
            number,
        },
        None => match understand(text) {
            // A number with the other mark is not a number.
            value if value.class.is_number() && spelled.contains(['.', ',']) => TEXT,
            value => value,
        },
    }
}

/// The same for a text that starts with `word`, padded with zeros if it is shorter. Most numbers
/// are short, and no date is.
#[inline(always)]
pub fn understand_word<'a>(word: u64, length: usize, text: impl Fn() -> &'a [u8]) -> Value {
    let value = match length {
        1..=8 => few_digits(word, length),
        10 => date(text()).map(of_day).or_else(|| more_digits(text())),
        9..=16 => more_digits(text()),
        _ => None,
    };
    value.unwrap_or_else(|| any(text()))
}

/// A text that starts with any byte.
#[inline(never)]
fn any(text: &[u8]) -> Value {
    match text {
        // A text that starts like a date is not a number.
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..] => {
            time(text).unwrap_or(TEXT)
        }
        [b'0'..=b'9' | b'-' | b'+' | b'.', ..] => {
            if let Some(value) = number(text) {
                return value;
            }
            time(text).unwrap_or(TEXT)
        }
        [b't' | b'T' | b'f' | b'F', ..] => match text {
            b"true" | b"True" | b"TRUE" | b"false" | b"False" | b"FALSE" => Value {
                class: Class::Boolean,
                number: 0.0,
            },
            _ => TEXT,
        },
        b"NaN" | b"nan" | b"inf" | b"Inf" | b"Infinity" => float(text).unwrap_or(TEXT),
        _ => TEXT,
    }
}

fn float(text: &[u8]) -> Option<Value> {
    let number = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(Value {
        class: Class::Float,
        number,
    })
}

/// Powers of ten that are exact doubles.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// A number with an optional sign.
fn number(text: &[u8]) -> Option<Value> {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value = match unsigned.len() {
        1..=8 => few_digits(word(unsigned), unsigned.len()).or_else(|| spelled(unsigned)),
        9..=16 => more_digits(unsigned).or_else(|| spelled(unsigned)),
        _ => spelled(unsigned),
    }?;
    let number = if negative {
        -value.number
    } else {
        value.number
    };
    Some(Value { number, ..value })
}

/// The same byte in each position of a word.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each byte that is a point; exact for the lowest of them (Warren, "Hacker's
/// Delight", 6-1).
#[inline(always)]
fn points(word: u64) -> u64 {
    let points = word ^ each(b'.');
    points.wrapping_sub(each(1)) & !points & each(0x80)
}

/// The number in the 1 to 8 bytes at the start of a word, which are digits except for one point.
#[inline(always)]
fn few_digits(word: u64, length: usize) -> Option<Value> {
    let points = points(word);
    if points == 0 {
        return Some(Value {
            class: Class::Integer,
            number: eight_digits(word, length)? as f64,
        });
    }
    let before = points.trailing_zeros() / 8;
    let below = (1 << (8 * before)) - 1;
    let count = length - 1;
    let mantissa = eight_digits(word & below | (word >> 8) & !below, count)?;
    Some(Value {
        class: Class::Float,
        number: mantissa as f64 / TENS[count - before as usize],
    })
}

/// The number in the 1 to 8 digits at the start of a word.
#[inline]
fn eight_digits(word: u64, count: usize) -> Option<u64> {
    if count == 0 {
        return None;
    }
    // Leading zeros make it eight digits.
    let digits = (word ^ each(b'0')) << (8 * (8 - count) as u32);
    if (digits.wrapping_add(each(0x76)) | digits) & each(0x80) != 0 {
        return None;
    }
    // Neighbours are combined three times (Mula, "SIMD-ized parsing of integers").
    let pairs = (digits.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// The same for 9 to 16 bytes; `None` if the digits are not an exact double.
fn more_digits(text: &[u8]) -> Option<Value> {
    let ends = [*text.first_chunk()?, *text.last_chunk()?].map(u64::from_le_bytes);
    let (more, point) = (text.len() - 8, points(ends[0]) | points(ends[1]) != 0);
    let (mantissa, fraction) = match point {
        false => (sixteen_digits(ends[0], more, ends[1])?, 0),
        true => {
            let (digits, fraction) = without_point(ends, text.len());
            // At least eight are left; these are the last eight.
            let last = (digits >> (8 * (more - 1))) as u64;
            (sixteen_digits(digits as u64, more - 1, last)?, fraction)
        }
    };
    (mantissa <= 1 << 53).then(|| Value {
        class: of_point(point),
        number: mantissa as f64 / TENS[fraction],
    })
}

/// The number in up to eight digits at the start of a word, and eight that follow them.
#[inline]
fn sixteen_digits(first: u64, count: usize, last: u64) -> Option<u64> {
    let upper = match count {
        0 => 0,
        _ => eight_digits(first, count)?,
    };
    Some(upper * 100_000_000 + eight_digits(last, 8)?)
}

/// The bytes of a text of 9 to 16 bytes, given by its first and last eight, without the first
/// point, and the number of bytes after the point.
fn without_point([first, last]: [u64; 2], length: usize) -> (u128, usize) {
    let word = u128::from(first) | u128::from(last) << (8 * (length - 8));
    let before = match points(first) {
        0 => 8 + points((word >> 64) as u64).trailing_zeros() / 8,
        points => points.trailing_zeros() / 8,
    };
    let below = (1 << (8 * before)) - 1;
    let digits = word & below | (word >> 8) & !below;
    (digits, length - 1 - before as usize)
}

/// The number in 1 to 18 digits and nothing else, of which the first are in a word.
#[inline]
pub fn whole<'a>(word: u64, length: usize, text: impl FnOnce() -> &'a [u8]) -> Option<u64> {
    match length {
        1..=8 => eight_digits(word, length),
        9..=18 => text().iter().try_fold(0, |number, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit < 10).then(|| 10 * number + u64::from(digit))
        }),
        _ => None,
    }
}

fn of_point(point: bool) -> Class {
    match point {
        true => Class::Float,
        false => Class::Integer,
    }
}

/// A text of 1 to 8 bytes as a word, padded with zeros: two loads overlap for lengths in between.
fn word(text: &[u8]) -> u64 {
    let length = text.len();
    let at = |place: usize| u64::from(text[place]) << (8 * place);
    match (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        (Some(start), Some(end)) => {
            let [start, end] = [start, end].map(|part| u64::from(u32::from_le_bytes(*part)));
            start | end << (8 * (length - 4))
        }
        _ => at(0) | at(length / 2) | at(length - 1),
    }
}

/// Parses an unsigned number digit by digit. Few digits and a small exponent give two exact doubles
/// whose quotient is rounded once, so the result is that of the standard library (Clinger 1990),
/// which parses all other spellings.
fn spelled(text: &[u8]) -> Option<Value> {
    let (mut mantissa, mut count, mut fraction, mut point) = (0u64, 0, 0usize, false);
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa
                    .wrapping_mul(10)
                    .wrapping_add(u64::from(byte - b'0'));
                count += 1;
                fraction += usize::from(point);
            }
            b'.' if !point => point = true,
            b'e' | b'E' if count > 0 => return float(text),
            b'i' if text == b"inf" => return float(text),
            _ => return None,
        }
    }
    if count == 0 {
        return None;
    }
    let number = match count <= 19 && mantissa <= 1 << 53 && fraction <= 22 {
        true => mantissa as f64 / TENS[fraction],
        false => float(text)?.number,
    };
    Some(Value {
        class: of_point(point),
        number,
    })
}

/// `2024-02-29`, `2024-02-29T12:00`, `2024-02-29 12:00:00.25Z`, `...+01:00`.
fn time(text: &[u8]) -> Option<Value> {
    let day = date(text.get(..10)?)?;
    let rest = match &text[10..] {
        [] => return Some(of_day(day)),
        [b'T' | b' ', rest @ ..] => rest,
        _ => return None,
    };
    let (clock, zone) = split_zone(rest)?;
    Some(Value {
        class: Class::Datetime,
        number: day * 86_400.0 + seconds(clock)? - zone,
    })
}

fn of_day(day: f64) -> Value {
    Value {
        class: Class::Date,
        number: day * 86_400.0,
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`; only valid dates.
#[inline(always)]
fn date(text: &[u8]) -> Option<f64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.first_chunk()? else {
        return None;
    };
    let digits = eight_digits(u64::from_le_bytes([y1, y2, y3, y4, m1, m2, d1, d2]), 8)? as i64;
    let (year, month, day) = (digits / 10_000, digits / 100 % 100, digits % 100);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days)
        .contains(&day)
        .then(|| days_of(year, month, day) as f64)
}

/// Days in the proleptic Gregorian calendar, with years from March (Hinnant, "chrono-compatible
/// low-level date algorithms").
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn two(a: u8, b: u8) -> Option<i64> {
    (a.is_ascii_digit() && b.is_ascii_digit())
        .then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
}

/// The time of day, and the seconds to subtract for its time zone.
fn split_zone(text: &[u8]) -> Option<(&[u8], f64)> {
    if let [clock @ .., b'Z'] = text {
        return Some((clock, 0.0));
    }
    match text.iter().rposition(|byte| matches!(byte, b'+' | b'-')) {
        None => Some((text, 0.0)),
        Some(at) => {
            let (hours, minutes) = match text[at + 1..] {
                [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (two(h1, h2)?, two(m1, m2)?),
                [h1, h2] => (two(h1, h2)?, 0),
                _ => return None,
            };
            let zone = (hours < 26 && minutes < 60).then_some(hours * 60 + minutes)?;
            let sign = if text[at] == b'-' { -60.0 } else { 60.0 };
            Some((&text[..at], sign * zone as f64))
        }
    }
}

/// Seconds of `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction`.
fn seconds(clock: &[u8]) -> Option<f64> {
    let &[h1, h2, b':', m1, m2, ref rest @ ..] = clock else {
        return None;
    };
    let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
    let whole = (hours < 24 && minutes < 60).then_some((hours * 3600 + minutes * 60) as f64)?;
    match rest {
        [] => Some(whole),
        [b':', seconds @ ..] => {
            let &[s1, s2, ref fraction @ ..] = seconds else {
                return None;
            };
            let digits = matches!(fraction, [] | [b'.', ..])
                && fraction.iter().skip(1).all(u8::is_ascii_digit);
            let within = two(s1, s2)? <= 60 && digits;
            within.then(|| number(seconds).map(|value| whole + value.number))?
        }
        _ => None,
    }
}

/// Formats seconds since 1970 as a date, with the time if `clock`.
///
/// A fraction of a second is left out.
///
/// # Examples
/// ```
/// use easylife_tables::profile::spell_time;
///
/// assert_eq!(spell_time(86_400.0, false), "1970-01-02");
/// assert_eq!(spell_time(-0.5, true), "1969-12-31T23:59:59");
/// ```
pub fn spell_time(seconds: f64, clock: bool) -> String {
    let day = (seconds / 86_400.0).floor();
    let (year, month, date) = civil(day as i64);
    let mut text = format!("{year:04}-{month:02}-{date:02}");
    if clock {
        let rest = (seconds - day * 86_400.0).floor() as i64;
        text += &format!("T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    }
    text
}

/// Year, month and day: the inverse of [`days_of`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(text: &str) -> Class {
        understand(text.as_bytes()).class
    }

    #[test]
    fn texts_are_classified() {
        let cases = [
            ("17", Class::Integer),
            ("-0", Class::Integer),
            ("123456789012345678901234567890", Class::Integer),
            ("1.", Class::Float),
            (".5", Class::Float),
            ("-1e-7", Class::Float),
            ("NaN", Class::Float),
            ("-inf", Class::Float),
            ("true", Class::Boolean),
            ("2024-02-29", Class::Date),
            ("2024-02-29T12:30", Class::Datetime),
            ("2024-02-29 12:30:00.25+01:00", Class::Datetime),
            ("2023-02-29", Class::Text),
            ("2024-13-01", Class::Text),
            ("2024-01-01T25:00", Class::Text),
            ("1,5", Class::Text),
            ("-", Class::Text),
            (".", Class::Text),
            ("1e", Class::Text),
            ("truth", Class::Text),
            ("12abc", Class::Text),
            ("+-1", Class::Text),
        ];
        for (text, expected) in cases {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn times_are_seconds_since_1970() {
        let seconds = |text: &str| understand(text.as_bytes()).number;
        // GNU date -u -d TEXT +%s
        assert_eq!(seconds("1970-01-01"), 0.0);
        assert_eq!(seconds("2000-03-01"), 951_868_800.0);
        assert_eq!(seconds("1969-12-31T23:59:59"), -1.0);
        assert_eq!(seconds("2024-02-29 12:30:00.25+01:00"), 1_709_206_200.25);
        assert_eq!(spell_time(951_868_800.0, false), "2000-03-01");
        assert_eq!(spell_time(-1.0, true), "1969-12-31T23:59:59");
    }

    #[test]
    fn texts_that_are_almost_numbers_are_not() {
        for text in [
            "1:",
            "1/2",
            ":",
            "/",
            "1.2.3",
            "..",
            "1.2.",
            "12345678:1",
            "\u{e9}1",
            "1 ",
            " 1",
            "1\u{b0}",
            "123456789012345a",
            "0x10",
            "1_000",
            "+",
            "-.",
            "1-",
            "1234-5",
            "123456789-1",
            "12345678.9.1",
            "1234567890123456e",
            "12345678\u{e9}1",
        ] {
            assert_eq!(class(text), Class::Text, "{text}");
        }
    }

    fn whole_of(text: &str) -> Option<u64> {
        let text = text.as_bytes();
        let start = word(&text[..text.len().min(8)]);
        whole(start, text.len(), || text)
    }

    #[test]
    fn whole_numbers_are_digits_alone() {
        for text in [
            "0",
            "7",
            "12345678",
            "123456789",
            "1234567890123456",
            "999999999999999999",
        ] {
            assert_eq!(whole_of(text), text.parse().ok(), "{text}");
        }
        for text in [
            "-1",
            "1.",
            "+1",
            "12345678x",
            "x12345678",
            "1234567890123456789",
        ] {
            assert_eq!(whole_of(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard_library(text in "[+-]?[0-9]{0,22}\\.?[0-9]{0,25}(e-?[0-9]{1,3})?") {
            if let Ok(expected) = text.parse::<f64>() {
                let value = understand(text.as_bytes());
                prop_assert!(value.class.is_number(), "{}", text);
                prop_assert_eq!(value.number.to_bits(), expected.to_bits(), "{}", text);
            }
        }

        #[test]
        fn what_the_standard_library_reads_is_a_number_and_nothing_else(text in "[0-9.:/eé-]{1,10}") {
            let value = understand(text.as_bytes());
            let expected = text.parse::<f64>().ok().filter(|_| !text.is_empty());
            prop_assert_eq!(value.class.is_number(), expected.is_some(), "{}", text);
            prop_assert!(expected.is_none_or(|number| number.to_bits() == value.number.to_bits()));
        }

        #[test]
        fn days_go_there_and_back(days in -700_000i64..2_900_000) {
            let (year, month, day) = civil(days);
            prop_assert_eq!(days_of(year, month, day), days);
        }

        /// jiff 0.2 as the other reader.
        #[test]
        fn dates_are_those_of_jiff(year in 0..=9999_i16, month in 0..=13_i8, day in 0..=32_i8) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            let value = understand(text.as_bytes());
            let Ok(date) = jiff::civil::Date::new(year, month, day) else {
                prop_assert_eq!(value.class, Class::Text, "{}", text);
                return Ok(());
            };
            prop_assert_eq!(value.class, Class::Date, "{}", text);
            prop_assert_eq!(value.number, epoch(date.at(0, 0, 0, 0)), "{}", text);
            prop_assert_eq!(spell_time(value.number, false), text);
        }

        #[test]
        fn times_are_those_of_jiff(
            (year, month, day) in (1..=9998_i16, 1..=12_i8, 1..=28_i8),
            (hour, minute, second) in (0..=25_i8, 0..=61_i8, 0..=59_i8),
            fraction in "(\\.[0-9]{1,9})?",
            zone in "(Z|[+-][0-2][0-9]:?[0-9]{2}|[+-][0-2][0-9])?",
            between in "[T ]",
        ) {
            let clock = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
            let text = format!("{year:04}-{month:02}-{day:02}{between}{clock}{zone}");
            // Offsets of jiff end at 25:59.
            let expected = match zone.is_empty() {
                true => text.parse().ok().map(epoch),
                false => text.parse::<jiff::Timestamp>().ok().map(|time| {
                    time.as_second() as f64 + f64::from(time.subsec_nanosecond()) / 1e9
                }),
            };
            let value = understand(text.as_bytes());
            prop_assert_eq!(value.class == Class::Datetime, expected.is_some(), "{}", text);
            if let Some(expected) = expected {
                prop_assert!((value.number - expected).abs() < 1e-4, "{}: {}", text, value.number);
                let spelled: jiff::civil::DateTime = spell_time(value.number, true).parse().unwrap();
                prop_assert!((epoch(spelled) - value.number.floor()).abs() < 1.5, "{}", text);
            }
        }
    }

    /// Seconds since 1970 of a time in UTC.
    fn epoch(time: jiff::civil::DateTime) -> f64 {
        let time = time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        time.as_second() as f64 + f64::from(time.subsec_nanosecond()) / 1e9
    }
}
