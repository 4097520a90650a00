//! Parses numbers as written by people and spreadsheets: with a decimal comma, or with thousands
//! separators.
//!
//! Unless specified, only numbers as written by programs are parsed (`1234.5`): `1,234` may be
//! about a thousand or about one, and nothing in a file tells which. The error reports how another
//! decimal mark would interpret a text.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::reading::InvalidReading;

/// The decimal mark of numbers; another mark between groups of three digits is a thousands
/// separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Decimal {
    /// `1,234.5`
    Point,
    /// `1.234,5`
    Comma,
}

/// Thousands separators besides the mark that is not the decimal mark.
const SPACES: [char; 7] = [' ', '\u{a0}', '\u{202f}', '\u{2009}', '\'', '\u{2019}', '_'];

/// Why a text is not parsed as a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNumber {
    /// It is not a number.
    #[error("not a number")]
    Other,
    /// It would be a number with an unspecified decimal mark; the next step.
    #[error("{0}")]
    Marked(String),
}

/// Parses a number; without `decimal`, as written by programs: `-1234.5e-3`.
///
/// # Errors
/// That it is not a number, or which decimal mark would make it one.
///
/// # Examples
/// ```
/// use easylife_tables::{Decimal, number};
///
/// assert_eq!(number(" -1234.5e-3 ", None).unwrap(), -1.2345);
/// assert_eq!(number("1.234,5", Some(Decimal::Comma)).unwrap(), 1234.5);
/// assert!(number("1.234,5", None).is_err());
/// assert!(number("many", None).is_err());
/// ```
pub fn number(text: &str, decimal: Option<Decimal>) -> Result<f64, NotNumber> {
    let text = text.trim();
    if let Some(decimal) = decimal {
        let plain = || match text.contains(['.', ',']) {
            true => None,
            false => text.parse().ok(),
        };
        return decimal.read(text).or_else(plain).ok_or_else(|| {
            match decimal.other().read(text).is_some() || text.parse::<f64>().is_ok() {
                true => NotNumber::Marked(format!(
                    "`{text}` does not have {} (TASK.data.decimal: '{decimal}')",
                    decimal.described()
                )),
                false => NotNumber::Other,
            }
        });
    }
    if let Ok(value) = text.parse() {
        return Ok(value);
    }
    let advice = match [Decimal::Point, Decimal::Comma].map(|decimal| decimal.read(text)) {
        [None, None] => return Err(NotNumber::Other),
        [Some(point), Some(comma)] if point != comma => format!(
            "`{text}` may be {point} or {comma}; set TASK.data.decimal to '.' or ',' (--decimal), \
             whichever marks the decimals"
        ),
        [Some(_), Some(_)] => format!(
            "`{text}` has a mark between thousands; set TASK.data.decimal to '.' or ',' (--decimal), \
             whichever marks the decimals"
        ),
        [point, _] => {
            let decimal = match point {
                Some(_) => Decimal::Point,
                None => Decimal::Comma,
            };
            format!(
                "`{text}` has {}; to read it as a number, set TASK.data.decimal: \
                 '{decimal}' (--decimal '{decimal}')",
                decimal.described()
            )
        }
    };
    Err(NotNumber::Marked(advice))
}

impl Decimal {
    fn other(self) -> Self {
        match self {
            Decimal::Point => Decimal::Comma,
            Decimal::Comma => Decimal::Point,
        }
    }

    /// The character.
    pub(super) fn mark(self) -> char {
        match self {
            Decimal::Point => '.',
            Decimal::Comma => ',',
        }
    }

    fn described(self) -> &'static str {
        match self {
            Decimal::Point => "a decimal point",
            Decimal::Comma => "a decimal comma",
        }
    }

    /// Parses a text with this decimal mark.
    ///
    /// `None` if it is not a number with this mark. Thousands are separated by the other mark, a space of
    /// any kind, `'`, `’` or `_`, the same throughout and in groups of three.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::Decimal;
    ///
    /// assert_eq!(Decimal::Comma.read("1.234.567,5"), Some(1_234_567.5));
    /// assert_eq!(Decimal::Point.read("1 234.5"), Some(1234.5));
    /// assert_eq!(Decimal::Comma.read("-0,5e3"), Some(-500.0));
    /// assert_eq!(Decimal::Comma.read("1.23,5"), None); // no group of three
    /// assert_eq!(Decimal::Comma.read("1.5"), None);
    /// ```
    pub fn read(self, text: &str) -> Option<f64> {
        let (sign, unsigned) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => unsigned.split_at(at),
            None => (unsigned, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, fraction) = match mantissa.split_once(self.mark()) {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        if !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let whole = match digits(whole) {
            true => whole.to_owned(),
            false => self.without_marks(whole)?,
        };
        format!("{sign}{whole}.{fraction}0{exponent}").parse().ok()
    }

    /// Removes thousands separators from digits in groups of three, all with the same separator.
    fn without_marks(self, whole: &str) -> Option<String> {
        let mark = whole.chars().find(|c| !c.is_ascii_digit())?;
        if mark != self.other().mark() && !SPACES.contains(&mark) {
            return None;
        }
        let (first, rest) = whole.split_once(mark)?;
        let group = |group: &str, fits: bool| fits && group.bytes().all(|b| b.is_ascii_digit());
        let is_first = (1..=3).contains(&first.len()) && !first.starts_with('0');
        let fits =
            group(first, is_first) && rest.split(mark).all(|next| group(next, next.len() == 3));
        fits.then(|| whole.replace(mark, ""))
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": [",", "."]})
    }
}

impl FromStr for Decimal {
    type Err = InvalidReading;

    fn from_str(text: &str) -> Result<Self, InvalidReading> {
        match text {
            "." => Ok(Decimal::Point),
            "," => Ok(Decimal::Comma),
            _ => Err(InvalidReading::new(text, "a decimal mark: `.` or `,`")),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mark())
    }
}

impl TryFrom<String> for Decimal {
    type Error = InvalidReading;

    fn try_from(text: String) -> Result<Self, InvalidReading> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> String {
        decimal.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_specified() {
        use Decimal::{Comma, Point};
        for (text, decimal, expected) in [
            ("1.234,5", Some(Comma), 1234.5),
            ("1.234", Some(Comma), 1234.0),
            ("-1\u{202f}234\u{202f}567,25", Some(Comma), -1_234_567.25),
            ("0,5", Some(Comma), 0.5),
            (",5", Some(Comma), 0.5),
            ("1,5e3", Some(Comma), 1500.0),
            ("12", Some(Comma), 12.0),
            ("1,234.5", Some(Point), 1234.5),
            ("1'234.5", Some(Point), 1234.5),
            ("1,234", Some(Point), 1234.0),
            ("+1234.5", Some(Point), 1234.5),
            ("1234.5", None, 1234.5),
            ("1.234", None, 1.234),
            (" -7e2 ", None, -700.0),
        ] {
            assert_eq!(number(text, decimal), Ok(expected), "{text}");
        }
        for (text, decimal) in [
            ("1.5", Some(Comma)),
            ("0.123", Some(Comma)),
            ("12.34,5", Some(Comma)),
            ("1,5", Some(Point)),
        ] {
            let error = number(text, decimal).unwrap_err().to_string();
            assert!(
                error.contains("TASK.data.decimal") || error == "not a number",
                "{error}"
            );
        }
        assert_eq!(number("abc", None), Err(NotNumber::Other));
        assert_eq!(number("", Some(Comma)), Err(NotNumber::Other));
        assert_eq!(number("1,", Some(Comma)), Err(NotNumber::Other));
    }

    #[test]
    fn an_unspecified_mark_is_asked_for() {
        for (text, words) in [
            ("1.234,5", "set TASK.data.decimal: ','"),
            ("12,5", "set TASK.data.decimal: ','"),
            ("1.234.567", "set TASK.data.decimal: ','"),
            ("1,234.5", "set TASK.data.decimal: '.'"),
            ("1,234,567", "set TASK.data.decimal: '.'"),
            ("1,234", "may be 1234 or 1.234"),
            ("1 234", "a mark between thousands"),
        ] {
            let error = number(text, None).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
