//! Decides the type of a plain YAML scalar, by the rules of ruamel.yaml for YAML 1.2.

use crate::node::Data;

/// The tags a plain scalar can resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`, in three spellings each.
    Bool,
    /// A whole number: decimal, `0b`, `0o` or `0x`, with `_` anywhere.
    Int,
    /// Any other number, `.inf` and `.nan`.
    Float,
    /// A date, with or without a time.
    Timestamp,
    /// `<<`
    Merge,
    /// `=`, `!`, `&`, `*`: reserved, not a value.
    Reserved,
    /// A text.
    Str,
}

/// The type of a plain scalar.
pub fn kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Bool,
        "<<" => Kind::Merge,
        "=" | "!" | "&" | "*" => Kind::Reserved,
        _ if is_float(text) => Kind::Float,
        _ if is_int(text) => Kind::Int,
        _ if is_timestamp(text) => Kind::Timestamp,
        _ => Kind::Str,
    }
}

/// The value of a plain scalar; `None` if it is not a plain value (a date, `<<`, `=`, a number that
/// is too long).
pub fn value(text: &str) -> Option<Data> {
    match kind(text) {
        Kind::Null => Some(Data::Null),
        Kind::Bool => Some(Data::Bool(text.eq_ignore_ascii_case("true"))),
        Kind::Int => int(text).map(Data::Int),
        Kind::Float => float(text).map(Data::Float),
        Kind::Str => Some(Data::Str(text.to_owned())),
        Kind::Timestamp | Kind::Merge | Kind::Reserved => None,
    }
}

/// The value of a plain scalar in YAML's core schema.
pub fn core(text: &str) -> Data {
    match kind(text) {
        Kind::Null => return Data::Null,
        Kind::Bool => return Data::Bool(text.eq_ignore_ascii_case("true")),
        _ => {}
    }
    let body = unsigned(text);
    let leading_zero = body.len() > 1 && body.starts_with('0') && body.bytes().all(is_digit);
    if leading_zero || text.contains('_') || body.starts_with(['+', '-']) {
        return Data::Str(text.to_owned());
    }
    if is_int(text)
        && let Some(value) = int(text)
    {
        return Data::Int(value);
    }
    // Infinity has a sign, what is not a number has none.
    match (body, text) {
        (".inf" | ".Inf" | ".INF", _) | (_, ".nan" | ".NaN" | ".NAN") => {
            float(text).map(Data::Float)
        }
        _ => text
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Data::Float),
    }
    .unwrap_or_else(|| Data::Str(text.to_owned()))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

/// Splits off the leading bytes that satisfy `pass`.
fn span(text: &str, pass: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !pass(b)).unwrap_or(text.len());
    text.split_at(end)
}

fn is_digit(b: u8) -> bool {
    b.is_ascii_digit()
}

fn is_digit_or_underscore(b: u8) -> bool {
    b.is_ascii_digit() || b == b'_'
}

fn is_float(text: &str) -> bool {
    let body = unsigned(text);
    if matches!(body, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    if let Some(rest) = body.strip_prefix('.') {
        let (digits, rest) = span(rest, is_digit_or_underscore);
        return digits.bytes().any(is_digit) && (rest.is_empty() || is_exponent(rest, true));
    }
    if !body.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let (_, rest) = span(body, is_digit_or_underscore);
    match rest.strip_prefix('.') {
        Some(rest) => {
            let (_, rest) = span(rest, is_digit_or_underscore);
            rest.is_empty() || is_exponent(rest, false)
        }
        None => is_exponent(rest, false),
    }
}

fn is_exponent(text: &str, signed: bool) -> bool {
    let Some(rest) = text.strip_prefix(['e', 'E']) else {
        return false;
    };
    let digits = unsigned(rest);
    (!signed || digits.len() < rest.len()) && !digits.is_empty() && digits.bytes().all(is_digit)
}

fn is_int(text: &str) -> bool {
    // The resolver checks the first character: `_1` is a string.
    if text.starts_with('_') {
        return false;
    }
    let body = unsigned(text);
    let all = |text: &str, pass: fn(u8) -> bool| {
        text.bytes().all(|b| b == b'_' || pass(b)) && text.bytes().any(pass)
    };
    if let Some(rest) = body.strip_prefix("0b") {
        return all(rest, |b| matches!(b, b'0' | b'1'));
    }
    if let Some(rest) = body.strip_prefix("0x") {
        return all(rest, |b| b.is_ascii_hexdigit());
    }
    if let Some(rest) = body.strip_prefix("0o") {
        return all(rest, |b| matches!(b, b'0'..=b'7'));
    }
    all(body, is_digit)
}

fn int(text: &str) -> Option<i128> {
    let negative = text.starts_with('-');
    let body = unsigned(text).replace('_', "");
    let (digits, radix) = match body.get(..2) {
        Some("0b") => (&body[2..], 2),
        Some("0x") => (&body[2..], 16),
        Some("0o") => (&body[2..], 8),
        _ => (&body[..], 10),
    };
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

fn float(text: &str) -> Option<f64> {
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let body = unsigned(text).replace('_', "").to_ascii_lowercase();
    match body.as_str() {
        ".inf" => Some(sign * f64::INFINITY),
        ".nan" => Some(f64::NAN),
        digits => digits.parse::<f64>().ok().map(|value| sign * value),
    }
}

/// `2001-12-14`, `2001-12-14 21:59:43.10 -05:00` and similar.
fn is_timestamp(text: &str) -> bool {
    let Some((year, rest)) = digits(text, 4, 4).and_then(dash) else {
        return false;
    };
    let _ = year;
    let date_only = text.len() == 10
        && digits(rest, 2, 2)
            .and_then(dash)
            .and_then(|(_, rest)| digits(rest, 2, 2))
            .is_some_and(|(_, rest)| rest.is_empty());
    date_only || date_and_time(rest).is_some()
}

fn date_and_time(rest: &str) -> Option<()> {
    let (_, rest) = digits(rest, 1, 2).and_then(dash)?;
    let (_, rest) = digits(rest, 1, 2)?;
    let rest = match rest.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => {
            let (blank, rest) = span(rest, |b| b == b' ' || b == b'\t');
            (!blank.is_empty()).then_some(rest)?
        }
    };
    let (_, rest) = digits(rest, 1, 2)?;
    let (_, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (_, mut rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = span(fraction, is_digit).1;
    }
    zone(rest)
}

fn zone(rest: &str) -> Option<()> {
    let rest = span(rest, |b| b == b' ' || b == b'\t').1;
    if rest.is_empty() || rest == "Z" {
        return Some(());
    }
    let (_, rest) = digits(rest.strip_prefix(['-', '+'])?, 1, 2)?;
    match rest.strip_prefix(':') {
        Some(minutes) => digits(minutes, 2, 2).and_then(|(_, rest)| rest.is_empty().then_some(())),
        None => rest.is_empty().then_some(()),
    }
}

/// Splits off `least` to `most` digits.
fn digits(text: &str, least: usize, most: usize) -> Option<(&str, &str)> {
    let count = text.bytes().take(most).take_while(|&b| is_digit(b)).count();
    (count >= least).then(|| text.split_at(count))
}

fn dash<'a>((digits, rest): (&'a str, &'a str)) -> Option<(&'a str, &'a str)> {
    Some((digits, rest.strip_prefix('-')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected kinds from ruamel.yaml 0.19.1, `YAML(typ="safe")`.
    #[test]
    fn scalars_resolve_as_in_ruamel() {
        use Kind::*;
        for (text, expected) in [
            ("1e3", Float),
            (".5", Float),
            ("5.", Float),
            ("0o17", Int),
            ("017", Int),
            ("0x1F", Int),
            ("1_000", Int),
            ("yes", Str),
            ("True", Bool),
            ("2020-01-01", Timestamp),
            ("2020-1-1 10:00:00", Timestamp),
            ("2020-01-01T10:00:00.5Z", Timestamp),
            ("2020-01-01 10:00:00 +01:30", Timestamp),
            ("2020-1-1", Str),
            ("1:30", Str),
            ("-.inf", Float),
            ("12e03", Float),
            ("_1", Str),
            ("0o8", Str),
            ("0x", Str),
            (".", Str),
            ("..", Str),
            ("1e", Str),
            ("1_", Int),
            ("+.5", Float),
            ("-", Str),
            ("=", Reserved),
            ("~", Null),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
        assert!(matches!(value("017"), Some(Data::Int(17))));
        assert!(matches!(value("0o17"), Some(Data::Int(15))));
        assert!(matches!(value("-0x1F"), Some(Data::Int(-31))));
        for text in ["-.NaN", "+.nan"] {
            assert!(matches!(core(text), Data::Str(_)), "{text}");
        }
        assert!(matches!(core(".NaN"), Data::Float(value) if value.is_nan()));
        assert!(matches!(core("-.inf"), Data::Float(f64::NEG_INFINITY)));
    }

    proptest::proptest! {
        /// The core schema gives the same types as yaml_serde, which it replaces.
        #[test]
        fn core_scalars_are_those_of_yaml_serde(text in "[-+]?[0-9xobeEfnaN._+-]{1,6}") {
            use serde_yaml::Value;
            let Ok(Value::Sequence(items)) = serde_yaml::from_str(&format!("- {text}\n")) else {
                return Ok(()); // not one scalar
            };
            let same = match (&items[..], core(&text)) {
                ([Value::Null], Data::Null) => true,
                ([Value::Number(is)], Data::Int(value)) => {
                    is.as_u64().map(i128::from) == Some(value) || is.as_i64().map(i128::from) == Some(value)
                }
                ([Value::Number(is)], Data::Float(value)) => {
                    is.is_f64() && (is.as_f64() == Some(value) || value.is_nan() && is.is_nan())
                }
                ([Value::String(is)], Data::Str(value)) => *is == value,
                ([Value::Sequence(_) | Value::Mapping(_)], _) => true,
                _ => false,
            };
            proptest::prop_assert!(same, "{:?} {:?}", items, core(&text));
        }
    }
}
