//! The meaning of cells independent of their spelling: a whole number is the same id or label
//! whether written `1` or `1.0`, a missing value is missing in every format, and texts that only
//! look alike are distinguished in messages.

use std::borrow::Cow;
use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::Kind;

/// An id or label in canonical spelling: a whole number without a fraction (`1.0` is `1`, as pandas
/// writes a column of ids with a missing value), anything else unchanged.
///
/// Only numbers as programs write them count: `007`, `+7` and `1.10` are unchanged.
///
/// # Examples
/// ```
/// use easylife_tables::spelling::plain;
///
/// assert_eq!(plain("12.0"), "12");
/// assert_eq!(plain("12.50"), "12.50");
/// assert_eq!(plain("007"), "007");
/// ```
pub fn plain(text: &str) -> &str {
    let (digits, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let all =
        |text: &str, byte: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(byte);
    let usual = unsigned == "0" || !unsigned.starts_with('0');
    let whole = usual && all(unsigned, u8::is_ascii_digit) && all(fraction, |&byte| byte == b'0');
    match whole {
        true if unsigned == "0" => unsigned,
        true => digits,
        false => text,
    }
}

/// [`plain`] for a cell; a JSON number may also have an exponent (`1e3` is `1000`).
///
/// # Examples
/// ```
/// use easylife_tables::Kind;
/// use easylife_tables::spelling::plain_cell;
///
/// assert_eq!(plain_cell(Kind::Number, "1e3"), "1000");
/// assert_eq!(plain_cell(Kind::Text, "1e3"), "1e3"); // a text stays as it is
/// assert_eq!(plain_cell(Kind::Text, "7.0"), "7");
/// ```
pub fn plain_cell(kind: Kind, text: &str) -> Cow<'_, str> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53: beyond, a float is not the number spelled
    if kind == Kind::Number && text.contains(['e', 'E']) {
        return match text.parse::<f64>() {
            Ok(value) if value.fract() == 0.0 && value.abs() < EXACT => {
                Cow::Owned(format!("{}", value as i64))
            }
            _ => Cow::Borrowed(text),
        };
    }
    Cow::Borrowed(plain(text))
}

/// Whether a cell with an id, a label or a group has no value: null, only white space, or NaN (in a
/// Parquet column of floats).
///
/// # Examples
/// ```
/// use easylife_tables::Kind;
/// use easylife_tables::spelling::is_absent;
///
/// assert!(is_absent(Kind::Text, " \t") && is_absent(Kind::Number, "NaN"));
/// // A word may be a label.
/// assert!(!is_absent(Kind::Text, "NaN"));
/// ```
pub fn is_absent(kind: Kind, text: &str) -> bool {
    let text = text.trim();
    kind == Kind::Null || text.is_empty() || (kind == Kind::Number && is_nan(text))
}

fn is_nan(text: &str) -> bool {
    text.trim_start_matches(['-', '+'])
        .eq_ignore_ascii_case("nan")
}

/// Whether a cell with a number or a time has no value: like [`is_absent`], or one of the words for
/// it (`NaN`, `NA`, `N/A`, `<NA>`, `NaT`, `null`, `None`), in any case.
///
/// # Examples
/// ```
/// use easylife_tables::Kind;
/// use easylife_tables::spelling::is_missing_number;
///
/// assert!(is_missing_number(Kind::Text, "n/a"));
/// assert!(is_missing_number(Kind::Null, ""));
/// assert!(!is_missing_number(Kind::Text, "0"));
/// ```
pub fn is_missing_number(kind: Kind, text: &str) -> bool {
    is_absent(kind, text) || is_missing_word(text)
}

/// Whether a text is what programs write for a missing value. Where texts are expected, it may also
/// be a value (a label `NA` for Namibia) and only causes a warning.
pub fn is_missing_word(text: &str) -> bool {
    const WORDS: [&str; 8] = ["nan", "na", "n/a", "<na>", "nat", "null", "none", "#n/a"];
    let text = text.trim();
    text.len() <= 4 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Labels that resemble an earlier one, differing only in case, white space, `_` and `-`, Unicode
/// form, invisible characters, or the spelling of a number; each with that earlier one.
///
/// # Examples
/// ```
/// use easylife_tables::spelling::look_alikes;
///
/// let labels = ["positive", "negative", "Positive ", "neutral"];
/// assert_eq!(look_alikes(labels), [["Positive ", "positive"]]);
/// ```
pub fn look_alikes<'a>(labels: impl IntoIterator<Item = &'a str>) -> Vec<[&'a str; 2]> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    let mut found = Vec::new();
    for label in labels {
        match seen.entry(skeleton(label)) {
            std::collections::hash_map::Entry::Occupied(first) => found.push([label, first.get()]),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(label);
            }
        }
    }
    found
}

/// The common form of texts that look alike.
fn skeleton(text: &str) -> String {
    const EXACT: usize = 15; // digits that a float tells apart
    if let Ok(number) = text.trim().parse::<f64>()
        && number.is_finite()
        && text.trim().len() <= EXACT
    {
        return format!("{:?}", number + 0.0);
    }
    let seen = |&c: &char| !(c.is_whitespace() || is_invisible(c));
    let letters = text.nfkc().flat_map(char::to_lowercase).nfkc();
    let letters: String = letters.filter(seen).collect();
    // Between words they count as a space; at an end they are a sign, as in the grade `B-`.
    let is_dash = |c: char| c == '_' || c == '-';
    let inner = letters.trim_matches(is_dash);
    letters.replace(inner, &inner.replace(is_dash, ""))
}

/// Invisible characters: controls, joiners, direction marks, variation selectors, soft hyphens and
/// fillers (Unicode's `Default_Ignorable_Code_Point`).
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Two texts for display next to each other, with escapes if they would look the same.
pub fn distinguished<'a>(texts: [&'a str; 2]) -> [Cow<'a, str>; 2] {
    let visible = |text: &str| -> String { text.nfkc().filter(|&c| !is_invisible(c)).collect() };
    let hidden = texts.iter().any(|text| text.chars().any(is_invisible));
    match hidden || visible(texts[0]) == visible(texts[1]) {
        true => texts.map(|text| Cow::Owned(escaped(text))),
        false => texts.map(Cow::Borrowed),
    }
}

/// Escapes all non-ASCII and invisible characters as `\\u{301}`.
fn escaped(text: &str) -> String {
    let letter = |c: char| match c {
        ' '..='~' => c.to_string(),
        c => c.escape_unicode().to_string(),
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_are_spelled_one_way() {
        let same = [
            ("1", "1"),
            ("1.0", "1"),
            ("-3.00", "-3"),
            ("-0.0", "0"),
            ("0", "0"),
            ("10.0", "10"),
        ];
        for (text, expected) in same {
            assert_eq!(plain(text), expected);
        }
        for text in [
            "007", "007.0", "1.10", "1.1", "+7", "7.", ".0", "", "-", "1.0.0", "1e3", "1,0", "a.0",
            " 1.0", "v1.0",
        ] {
            assert_eq!(plain(text), text);
        }
        assert_eq!(plain("12345678901234567890.0"), "12345678901234567890");
        assert_eq!(plain_cell(Kind::Number, "1e0"), "1");
        assert_eq!(plain_cell(Kind::Number, "1.5E1"), "15");
        assert_eq!(plain_cell(Kind::Number, "1e300"), "1e300");
        assert_eq!(plain_cell(Kind::Number, "-0"), "0");
        assert_eq!(plain_cell(Kind::Text, "1e0"), "1e0");
    }

    #[test]
    fn what_is_missing_is_so_in_every_format() {
        for (kind, text) in [
            (Kind::Null, ""),
            (Kind::Text, " \t"),
            (Kind::Number, "NaN"),
            (Kind::Number, "-nan"),
        ] {
            assert!(is_absent(kind, text) && is_missing_number(kind, text));
        }
        for text in ["NaN", "NA", "null", "None", "<NA>", " n/a "] {
            assert!(
                !is_absent(Kind::Text, text) && is_missing_number(Kind::Text, text),
                "{text}"
            );
        }
        for text in ["0", "none of them", "Nadia", "inf"] {
            assert!(!is_missing_number(Kind::Text, text), "{text}");
        }
    }

    #[test]
    fn look_alikes_are_found_and_distinguished() {
        let labels = [
            "pos",
            "caf\u{e9}",
            "Pos",
            "cafe\u{301}",
            "not ok",
            "not_ok",
            "th\u{e9}\u{200b}",
            "1.50",
            "th\u{e9}",
            "1.5",
            "neg",
        ];
        let found = look_alikes(labels);
        assert_eq!(
            found,
            [
                ["Pos", "pos"],
                ["cafe\u{301}", "caf\u{e9}"],
                ["not_ok", "not ok"],
                ["th\u{e9}", "th\u{e9}\u{200b}"],
                ["1.5", "1.50"],
            ]
        );
        let different = ["B", "B-", "-", "_", "9007199254740993", "9007199254740992"];
        assert_eq!(look_alikes(different), [[""; 2]; 0]);
        assert_eq!(distinguished(found[0]), ["Pos", "pos"]);
        assert_eq!(distinguished(found[1]), ["cafe\\u{301}", "caf\\u{e9}"]);
        assert_eq!(distinguished(found[3]), ["th\\u{e9}", "th\\u{e9}\\u{200b}"]);
    }

    proptest! {
        #[test]
        fn plain_is_settled_and_keeps_numbers_apart(a in any::<i32>(), b in any::<i32>(), text in "\\PC{0,6}") {
            let float = format!("{a}.0");
            prop_assert_eq!(plain(&float), a.to_string());
            prop_assert_eq!(plain(plain(&text)), plain(&text));
            prop_assert_eq!(plain(&a.to_string()) == plain(&b.to_string()), a == b);
        }
    }
}
