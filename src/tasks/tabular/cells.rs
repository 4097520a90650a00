//! Cells as people write them: numbers, words, and what stands for nothing.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::params::DataBlock;
use tables::profile::understand_with;
use tables::{Decimal, spelling};

/// From here on doubles do not tell whole numbers apart: 2^53.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// How cells are spelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spelling {
    /// Words for a missing value, besides the usual ones.
    pub missing: Vec<String>,
    /// The decimal mark of numbers, if it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
}

/// What a cell is, if it is to be a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NumberCell {
    Missing,
    Number(f64),
    /// Neither.
    Other,
}

impl Spelling {
    /// That of the parameters.
    pub fn of(params: &DataBlock) -> Self {
        Self {
            missing: params.missing.clone(),
            decimal: params.decimal,
        }
    }

    /// A cell as a number. Infinity is one; `NaN` and the usual words for nothing are missing.
    pub fn number(&self, text: &str) -> NumberCell {
        let trimmed = text.trim();
        if self.is_missing(trimmed) {
            return NumberCell::Missing;
        }
        let value = understand_with(trimmed.as_bytes(), self.decimal);
        match value.class.is_number() {
            true if value.number.is_nan() => NumberCell::Missing,
            true if has_leading_zeros(trimmed) => NumberCell::Other,
            true => NumberCell::Number(value.number),
            false if spelling::is_missing_word(trimmed) => NumberCell::Missing,
            false => NumberCell::Other,
        }
    }

    /// A cell as a word: without white space around it, a number in its shortest spelling, so that `1.0` in one file
    /// and `1` in the next are the same. `None` if it is missing.
    pub fn word<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        let trimmed = text.trim();
        if self.is_missing(trimmed) {
            return None;
        }
        let first = trimmed.as_bytes()[0];
        if first.is_ascii_digit() || b"+-.,".contains(&first) {
            let value = understand_with(trimmed.as_bytes(), self.decimal);
            let is_exact = value.number.abs() < LARGEST_EXACT;
            if value.class.is_number() && is_exact && !has_leading_zeros(trimmed) {
                return Some(format!("{}", value.number).into());
            }
        }
        Some(trimmed.into())
    }

    /// A number as a cell, in its shortest spelling, so that it is read as it is.
    pub fn spell(&self, number: f64) -> String {
        let plain = format!("{number}");
        match self.decimal {
            Some(Decimal::Comma) => plain.replace('.', ","),
            _ => plain,
        }
    }

    fn is_missing(&self, trimmed: &str) -> bool {
        trimmed.is_empty() || self.missing.iter().any(|word| word == trimmed)
    }
}

/// A code such as `007`, which as a number would lose its zeros.
fn has_leading_zeros(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_numbers_missing_or_words() {
        let spelling = Spelling {
            missing: vec!["?".to_owned()],
            decimal: None,
        };
        let cell = |text| spelling.number(text);
        assert_eq!(cell(" 1.5e3 "), NumberCell::Number(1500.0));
        assert_eq!(cell("inf"), NumberCell::Number(f64::INFINITY));
        assert_eq!(cell("0.5"), NumberCell::Number(0.5));
        assert_eq!(cell("0"), NumberCell::Number(0.0));
        for text in ["", "NA", "NaN", "null", "?"] {
            assert_eq!(cell(text), NumberCell::Missing, "{text}");
        }
        for text in ["x", "007", "-01", "1,5", "2024-01-01"] {
            assert_eq!(cell(text), NumberCell::Other, "{text}");
        }
    }

    #[test]
    fn words_have_one_spelling() {
        let cell = |text| Spelling::default().word(text).map(Cow::into_owned);
        assert_eq!(cell(" a b "), Some("a b".to_owned()));
        assert_eq!(cell("1.0"), Some("1".to_owned()));
        assert_eq!(cell("007"), Some("007".to_owned()));
        assert_eq!(cell("-x"), Some("-x".to_owned()));
        assert_eq!(cell(" "), None);
    }

    #[test]
    fn numbers_have_the_decimal_mark_that_is_said() {
        let comma = Spelling {
            missing: Vec::new(),
            decimal: Some(Decimal::Comma),
        };
        assert_eq!(comma.number("1.234,5"), NumberCell::Number(1234.5));
        assert_eq!(comma.number("12"), NumberCell::Number(12.0));
        assert_eq!(comma.number("1.5"), NumberCell::Other);
        assert_eq!(comma.word("0,50").as_deref(), Some("0.5"));
        for number in [0.1, -1234.5, 1e-12, 1e300] {
            assert_eq!(
                comma.number(&comma.spell(number)),
                NumberCell::Number(number)
            );
        }
    }
}
