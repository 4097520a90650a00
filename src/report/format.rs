//! Formats values for pages: fixed rules, English, no locale. Files for machines have all digits and are written
//! elsewhere.

use std::borrow::Cow;

use serde_json::Value;

/// A whole number with commas: `12,345`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share as a percentage: `82.54 %` for two decimals. Never rounds up to 100 % or down to 0 %
/// (`> 99.99 %`, `< 0.01 %`).
pub fn percent(share: f64, decimals: usize) -> String {
    if !share.is_finite() {
        return MISSING.to_owned();
    }
    let text = fixed(share * 100.0, decimals);
    let step = 1.0 / [1.0, 10.0, 100.0, 1000.0][decimals.min(3)];
    if share > 0.0 && text.parse() == Ok(0.0) {
        format!("< {step:.decimals$} %")
    } else if share < 1.0 && text.parse() == Ok(100.0) {
        format!("> {:.decimals$} %", 100.0 - step)
    } else {
        format!("{text} %")
    }
}

/// A number with a fixed count of decimals, a real minus sign and no negative zero.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.parse() == Ok(0.0) => rest.to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => text,
    }
}

/// A value in the units of the data: as [`fixed`], but with a power of ten if it would be shown as zero or with many
/// digits.
pub fn measure(value: f64, decimals: usize) -> String {
    let text = match value.abs() {
        size if size.is_infinite() => return MISSING.to_owned(),
        size if size > 0.0 && fixed(size, decimals).parse() == Ok(0.0) || size >= 1e15 => {
            format!("{value:.2e}")
        }
        _ => return fixed(value, decimals),
    };
    text.replace('-', "\u{2212}")
}

/// A value in the units of the data, with about four digits whatever its size: `12,346`, `123.5`, `0.01235`.
pub fn amount(value: f64) -> String {
    significant(value, 4)
}

/// As [`amount`], with at least `digits` digits that count.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return fixed(value, 0);
    }
    // The power is taken from the formatted number, which is the same on every machine.
    let spelled = format!("{value:.*e}", digits.saturating_sub(1));
    let power: i32 = spelled
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    match digits as i32 - 1 - power {
        _ if !(-4..15).contains(&power) => spelled.replace('-', "\u{2212}"),
        decimals if decimals > 0 => fixed(value, decimals as usize),
        _ => {
            let sign = if value < 0.0 { "\u{2212}" } else { "" };
            format!("{sign}{}", count(value.abs().round() as u64))
        }
    }
}

/// As [`fixed`], with a plus sign if it is above zero.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    if value.is_finite() && value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

/// A figure by its name, formatted by `show`; [`MISSING`] if it is absent.
pub fn figure(figures: &Value, name: &str, show: impl Fn(f64) -> String) -> String {
    figures[name]
        .as_f64()
        .map_or_else(|| MISSING.to_owned(), show)
}

/// Shown in place of a missing value.
pub const MISSING: &str = "\u{2013}";

/// A coordinate or share inside a picture: at most two decimals, no trailing zeros, no sign on zero.
pub fn coordinate(value: f64) -> String {
    let text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A text with its first letter as a capital, for headings.
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The singular or the plural: `plural(1, "row", "rows")`.
pub fn plural<'a>(count: u64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

/// A number of things: `1 row`, `1,234 rows`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), plural(number, one, many))
}

/// User text on one line: white space becomes one space, other control characters become their visible symbols;
/// anything longer than `limit` columns (see [`columns`]) ends with an ellipsis.
pub fn excerpt(text: &str, limit: usize) -> String {
    let line = one_line(text, limit);
    if columns(&line) <= limit {
        return line.into_owned();
    }
    let mut out = leading(&line, limit.saturating_sub(1))
        .trim_end()
        .to_owned();
    out.push('\u{2026}');
    out
}

/// Maximum width of a name in a table, in columns of a terminal.
pub const LABEL: usize = 60;

/// A name on one line; a long one keeps both ends (`reverted_card…yment`), since names often differ at the end.
pub fn label(name: &str, limit: usize) -> String {
    let line = one_line(name, usize::MAX);
    if line.trim().is_empty() {
        return "(empty)".to_owned();
    }
    if columns(&line) <= limit {
        return line.into_owned();
    }
    let tail_columns = limit / 3;
    format!(
        "{}\u{2026}{}",
        leading(&line, limit.saturating_sub(tail_columns + 1)),
        trailing(&line, tail_columns)
    )
}

/// Approximate width of a text in columns of a terminal: two for East Asian characters and emoji, none for
/// combining marks.
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(character: char) -> usize {
    match character as u32 {
        0x300..=0x36F | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF => 2,
        0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000.. => 2,
        _ => 1,
    }
}

/// The longest prefix of a text within `limit` columns.
fn leading(text: &str, limit: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|&(_, character)| {
        used += width(character);
        used > limit
    });
    end.map_or(text, |(index, _)| &text[..index])
}

/// The longest suffix of a text within `limit` columns that does not begin with a combining mark.
fn trailing(text: &str, limit: usize) -> &str {
    let mut used = 0;
    let ends = text.char_indices().rev().take_while(|&(_, character)| {
        used += width(character);
        used <= limit
    });
    let starts = ends.filter(|&(_, character)| width(character) > 0);
    starts.last().map_or("", |(index, _)| &text[index..])
}

/// Stops soon after `limit` columns, so that a text of 50 MB is not copied for one line. Zero-width characters count,
/// so that a text of nothing else is not copied, either.
fn one_line(text: &str, limit: usize) -> Cow<'_, str> {
    let mut out = String::new();
    let mut left = limit.saturating_mul(4).saturating_add(4);
    let mut space = false;
    for character in text.trim().chars() {
        if character.is_whitespace() {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        out.push(visible(character));
        left -= 1;
        if left == 0 {
            break;
        }
    }
    Cow::Owned(out)
}

/// Control characters are not allowed in HTML; the first 32 and DEL have pictures in Unicode.
fn visible(character: char) -> char {
    match character {
        '\0'..='\u{1F}' => char::from_u32(0x2400 + character as u32).unwrap_or('\u{FFFD}'),
        '\u{7F}' => '\u{2421}',
        '\u{80}'..='\u{9F}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(
            [count(0), count(999), count(1000), count(1234567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [percent(0.82544, 2), percent(1.0, 2), percent(0.0, 1)],
            ["82.54 %", "100.00 %", "0.0 %"]
        );
        assert_eq!(
            [percent(0.999999, 2), percent(1e-9, 2)],
            ["> 99.99 %", "< 0.01 %"]
        );
        assert_eq!(
            [fixed(-0.5, 1), fixed(-0.001, 2), fixed(2.0, 3)],
            ["\u{2212}0.5", "0.00", "2.000"]
        );
        assert_eq!(
            [signed(1.5, 2), signed(-1.5, 2), signed(0.0, 2)],
            ["+1.50", "\u{2212}1.50", "0.00"]
        );
        assert_eq!(
            [fixed(f64::NAN, 2), signed(f64::INFINITY, 2)],
            [MISSING, MISSING]
        );
        let figures = serde_json::json!({"mrr": 0.25, "kind": "als"});
        let spelled = ["mrr", "kind", "map"].map(|name| figure(&figures, name, |v| fixed(v, 1)));
        assert_eq!(spelled, ["0.2", MISSING, MISSING]);
        assert_eq!(
            [coordinate(1.0), coordinate(1.50), coordinate(-0.001)],
            ["1", "1.5", "0"]
        );
    }

    #[test]
    fn texts_are_cut_on_characters_and_kept_on_a_line() {
        assert_eq!(excerpt("a\r\n b\t c ", 20), "a b c");
        assert_eq!(excerpt("one two three", 8), "one two\u{2026}");
        assert_eq!(excerpt("日本語日本語", 5), "日本\u{2026}");
        assert_eq!(excerpt("a\u{0}b\u{1b}", 9), "a\u{2400}b\u{241b}");
        assert!(excerpt(&"\u{200B}".repeat(100_000), 10).len() < 400);
        assert_eq!(label("card_payment_fee_charged", 12), "card_pa\u{2026}rged");
        assert_eq!(label(" \n", 12), "(empty)");
        assert_eq!(columns("añ日🙂"), 6);
    }

    #[test]
    fn differences_below_zero_have_a_real_minus_sign() {
        assert_eq!(percent(-0.125, 1), "\u{2212}12.5 %");
        assert_eq!(percent(-1e-9, 2), "0.00 %", "no negative zero");
        assert_eq!(percent(f64::NAN, 1), MISSING);
        assert_eq!(percent(0.9996, 0), "> 99 %");
        assert_eq!(percent(0.000_001, 3), "< 0.001 %");
        assert_eq!(percent(2.5, 0), "250 %");
    }

    #[test]
    fn measures_of_any_size_keep_their_digits() {
        assert_eq!(measure(1234.567, 2), "1234.57");
        assert_eq!(measure(0.0, 2), "0.00");
        assert_eq!(measure(0.004, 2), "4.00e\u{2212}3", "not 0.00");
        assert_eq!(measure(-0.004, 2), "\u{2212}4.00e\u{2212}3");
        assert_eq!(measure(1e15, 2), "1.00e15");
        assert_eq!(measure(9.99e14, 0), "999000000000000");
        assert_eq!(measure(f64::INFINITY, 2), MISSING);
        assert_eq!(measure(f64::NAN, 2), MISSING);
    }

    #[test]
    fn amounts_have_about_four_digits() {
        assert_eq!(
            [12_345.6, 123.46, 0.012_346, -1234.5, 9.9996, 0.0].map(amount),
            ["12,346", "123.5", "0.01235", "\u{2212}1,235", "10.00", "0"]
        );
        assert_eq!(
            [1.5e-7, -2e18, f64::NAN, f64::INFINITY].map(amount),
            ["1.500e\u{2212}7", "\u{2212}2.000e18", MISSING, MISSING]
        );
        assert_eq!(
            [0.001_234, 0.0996, 45.6, 12_345.6].map(|value| significant(value, 2)),
            ["0.0012", "0.10", "46", "12,346"]
        );
        assert_eq!([capitalized("log loss"), capitalized("")], ["Log loss", ""]);
    }

    #[test]
    fn one_is_singular_and_nothing_else() {
        let of = |count| plural(count, "row", "rows");
        assert_eq!([of(0), of(1), of(2)], ["rows", "row", "rows"]);
        assert_eq!(counted(1, "row is", "rows are"), "1 row is");
        assert_eq!(counted(1234, "row is", "rows are"), "1,234 rows are");
    }

    #[test]
    fn a_combining_mark_stays_with_its_letter() {
        // Three letters of the end fit: `x`, `y` and `e` with its accent, not the accent alone.
        assert_eq!(
            label("aaaaaaaaaaaae\u{301}xy", 9),
            "aaaaa\u{2026}e\u{301}xy"
        );
        assert_eq!(label("aaaaaaaaaaae\u{301}xyz", 9), "aaaaa\u{2026}xyz");
    }

    proptest::proptest! {
        #[test]
        fn shortened_texts_fit_on_one_line(text in "\\PC{0,60}|[\\x00-\\x7f]{0,60}", limit in 1usize..40) {
            for short in [excerpt(&text, limit), label(&text, limit.max(8))] {
                proptest::prop_assert!(columns(&short) <= limit.max(8), "{short:?}");
                proptest::prop_assert!(!short.chars().any(char::is_control), "{short:?}");
            }
        }

        #[test]
        fn commas_are_the_only_change_of_a_count(value: u64) {
            let text = count(value);
            proptest::prop_assert_eq!(text.replace(',', "").parse(), Ok(value));
            let groups: Vec<&str> = text.split(',').collect();
            proptest::prop_assert!(groups[1..].iter().all(|group| group.len() == 3));
            proptest::prop_assert!((1..=3).contains(&groups[0].len()));
        }

        #[test]
        fn significant_digits_are_kept(value in 1e-5f64..1e14, digits in 1usize..8) {
            let text = significant(value, digits).replace(',', "").replace('\u{2212}', "-");
            let read: f64 = text.parse().unwrap();
            let allowed = 0.5 * 10f64.powi(1 - digits as i32) * value * (1.0 + 1e-9);
            proptest::prop_assert!((read - value).abs() <= allowed, "{text} of {value}");
        }

        #[test]
        fn coordinates_are_within_half_a_hundredth(value in -1e6f64..1e6) {
            let read: f64 = coordinate(value).parse().unwrap();
            proptest::prop_assert!((read - value).abs() <= 0.005 + 1e-9);
        }
    }
}
