//! Makes a text look typed by a person: case, punctuation, typos, emoji; and small edits of it.
//!
//! Nothing here changes the meaning, which `grammar` decides.

use super::grammar::Polarity;
use crate::tasks::draw::Draw;

const GLAD: [&str; 12] = [
    "😊",
    "👍",
    "😍",
    "❤️",
    ":)",
    ":-)",
    "🙌",
    "😋",
    "🎉",
    "\u{1f44f}\u{1f3fd}",
    ";)",
    "<3",
];
const SAD: [&str; 12] = [
    "😡", "👎", "😞", "🤮", ":(", ":-(", "😤", "💩", "🙄", "😭", ":/", "🤦",
];
const KEYS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// Joins the pieces of the grammar: spaces, sentence starts, "a" before a vowel.
pub fn polish(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut start = true;
    let words: Vec<&str> = raw.split_whitespace().collect();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let word = match words.get(index + 1) {
            Some(next) if *word == "a" && opens_with_vowel(next) => "an",
            _ => word,
        };
        if start {
            push_capitalized(&mut out, word)
        } else {
            out.push_str(word)
        }
        start = word.ends_with(['.', '!', '?']);
    }
    out
}

fn opens_with_vowel(word: &str) -> bool {
    let sounded = ["one", "uni", "use", "usu", "eu"];
    word.starts_with(['a', 'e', 'i', 'o', 'u'])
        && !sounded.iter().any(|head| word.starts_with(head))
        || word.starts_with("hour")
        || word.starts_with("honest")
}

fn push_capitalized(out: &mut String, word: &str) {
    let mut chars = word.chars();
    if let Some(first) = chars.next() {
        out.extend(first.to_uppercase());
        out.push_str(chars.as_str());
    }
}

/// The text as this row's writer types it.
pub fn typed(text: &str, polarity: Polarity, draw: &mut Draw) -> String {
    let text = punctuated(text, draw);
    let text = misspelled(&text, draw);
    let mut text = cased(&text, draw);
    if draw.chance(0.07) {
        let sincere = draw.chance(0.85);
        let face = match (polarity, sincere) {
            (Polarity::Plus, true) | (Polarity::Minus, false) => draw.choose(&GLAD),
            _ => draw.choose(&SAD),
        };
        text.push(' ');
        text.push_str(face);
    }
    text
}

fn cased(text: &str, draw: &mut Draw) -> String {
    match draw.below(100) {
        0..24 => text.to_lowercase(),
        24..27 => text.to_uppercase(),
        27..33 => {
            let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            let loud = draw.below(words.len());
            words[loud] = words[loud].to_uppercase();
            words.join(" ")
        }
        _ => text.to_owned(),
    }
}

fn punctuated(text: &str, draw: &mut Draw) -> String {
    let mut text = match draw.below(100) {
        0..12 => text.replace('\'', ""),
        12..26 => text.replace('\'', "’"),
        _ => text.to_owned(),
    };
    text = match draw.below(100) {
        0..5 => text.replace(',', ""),
        5..9 => text.replace([',', '.', '!', ':'], ""),
        9..12 => text.replace(". ", "... "),
        12..15 => text.replace(" and ", " & "),
        15..17 => text.replace(". ", " - "),
        _ => text,
    };
    let end = text.trim_end_matches('.').len();
    match draw.below(100) {
        0..18 => text.truncate(end),
        18..26 => text.replace_range(end.., "!"),
        26..29 => text.replace_range(end.., "!!!"),
        29..31 => text.replace_range(end.., "..."),
        _ => {}
    }
    text
}

/// Most people mistype nothing, some a word here and there, a few many.
fn misspelled(text: &str, draw: &mut Draw) -> String {
    let rate = match draw.below(10) {
        0..6 => return text.to_owned(),
        6..9 => 0.02,
        _ => 0.07,
    };
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for word in &mut words {
        if draw.chance(rate) {
            *word = mistyped(word, draw);
        }
    }
    words.join(" ")
}

/// A typing error in the word: letters swapped, omitted, doubled or replaced by a neighbouring key.
fn mistyped(word: &str, draw: &mut Draw) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 4 || !letters.iter().all(|c| c.is_alphabetic()) {
        return word.to_owned();
    }
    let at = 1 + draw.below(letters.len() - 2);
    match draw.below(4) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, letters[at]),
        _ => letters[at] = neighbouring_key(letters[at], draw),
    }
    letters.into_iter().collect()
}

/// The key to the left or right on the keyboard.
fn neighbouring_key(letter: char, draw: &mut Draw) -> char {
    let Some((row, at)) = KEYS.iter().find_map(|row| Some((row, row.find(letter)?))) else {
        return letter;
    };
    let right = at + 1 < row.len() && (at == 0 || draw.chance(0.5));
    char::from(row.as_bytes()[if right { at + 1 } else { at - 1 }])
}

/// The same text except for case and white space.
pub fn respaced(text: &str, draw: &mut Draw) -> String {
    match draw.below(5) {
        0 => text.to_lowercase(),
        1 => text.to_uppercase(),
        2 => text.replace(". ", ".  "),
        3 => format!("{text} "),
        _ => text.to_owned(),
    }
}

/// Nearly the same text: posted again with a typing error, a word less, or a remark.
pub fn edited(text: &str, draw: &mut Draw) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let at = draw.below(words.len());
    match draw.below(6) {
        0 if words.len() > 6 => drop(words.remove(words.len() / 2)),
        1 => words.insert(0, "Update:".to_owned()),
        2 => words.push("(Posted elsewhere too.)".to_owned()),
        3 => words.push(format!("Edited on the {}th.", 4 + draw.below(17))),
        4 => words.insert(0, "As I said before:".to_owned()),
        _ => words[at] = mistyped(&words[at], draw),
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polish_joins_sentences_and_articles() {
        let raw = "the soup  was hot.  what a awful day!\na honest bill";
        assert_eq!(
            polish(raw),
            "The soup was hot. What an awful day! An honest bill"
        );
        assert_eq!(polish("it was a unique place"), "It was a unique place");
    }

    #[test]
    fn respaced_differs_in_case_and_space_only() {
        let plain = |text: &str| {
            text.to_lowercase()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        for row in 0..40 {
            let text = "Great café. Would go again!";
            let other = respaced(text, &mut Draw::new([1; 32], row));
            assert_eq!(plain(&other), plain(text));
        }
    }

    #[test]
    fn a_typing_error_changes_the_word_little() {
        for row in 0..100 {
            let slip = mistyped("delicious", &mut Draw::new([2; 32], row));
            assert!((8..=10).contains(&slip.len()), "{slip}");
            assert!(slip.starts_with('d'));
        }
    }
}
