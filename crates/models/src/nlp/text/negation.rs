//! Marks the words in the scope of a negation: `not good` is not praise.
//!
//! Das and Chen (2001) and Pang, Lee and Vaithyanathan ("Thumbs up?", EMNLP 2002) mark every word
//! between a negation and the next punctuation. Here at most [`REACH`] words are marked, which did
//! better in cross-validation on training splits than a whole clause, and `but` also ends the
//! scope. A marked word is a different word, with its own n-grams and weights. English only; other
//! languages are unaffected.

use super::swar;

/// Prefix of a marked word. No other word has an underscore.
pub const MARK: &str = "not_";
/// Number of words marked after a negation.
const REACH: u8 = 3;

/// Whether a character ends the scope of a negation.
pub fn ends(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '(' | ')' | '!' | '?' | '\u{2026}'
    )
}

/// The remaining scope of the last negation.
#[derive(Debug, Default)]
pub struct Reach {
    left: u8,
}

impl Reach {
    /// Ends the scope of the last negation.
    pub fn end(&mut self) {
        self.left = 0;
    }

    /// Whether the next word of the text is in the scope.
    pub fn holds(&mut self, word: &[u8]) -> bool {
        let small = small(word);
        let known = KNOWN[place(small)] == small;
        if known && small == BUT {
            self.left = 0;
        } else if known && small != 0 {
            self.left = REACH;
        } else if self.left > 0 {
            self.left -= 1;
            return true;
        }
        false
    }
}

/// Words that negate; `but` ends the scope.
const WORDS: [&[u8]; 13] = [
    b"but", b"n't", b"not", b"no", b"never", b"cannot", b"neither", b"nor", b"nothing", b"without",
    b"hardly", b"nobody", b"none",
];
const BUT: u64 = number(b"but");

/// The words as [`number`]s, each at its [`place`]; 0 elsewhere.
const KNOWN: [u64; 32] = {
    let (mut known, mut at) = ([0; 32], 0);
    while at < WORDS.len() {
        let number = number(WORDS[at]);
        assert!(known[place(number)] == 0, "two words at one place");
        known[place(number)] = number;
        at += 1;
    }
    known
};

/// A slot below 32, with a factor for which no two of [`WORDS`] collide.
const fn place(word: u64) -> usize {
    (word.wrapping_mul(0x9755_d4c1_3a90_2931) >> 59) as usize
}

/// The bytes of a word of up to eight bytes as a little-endian number.
const fn number(word: &[u8]) -> u64 {
    let (mut number, mut at) = (0, 0);
    while at < word.len() {
        number |= (word[at] as u64) << (8 * at);
        at += 1;
    }
    number
}

/// The number of a word in lower case, 0 for a longer word. Words consist of letters, digits and
/// apostrophes, for which bit 5 only distinguishes upper from lower case.
fn small(word: &[u8]) -> u64 {
    if word.is_empty() || word.len() > 8 {
        return 0;
    }
    swar::load(word) | swar::every(0x20) >> (8 * (8 - word.len()))
}

#[cfg(test)]
mod tests {
    use crate::nlp::text::tokenize::{Tokenizer, Words};

    fn marked(text: &str) -> String {
        let mut words = Words::default();
        Tokenizer::new(true, true).split(text, &mut words);
        let words: Vec<&str> = words
            .iter()
            .map(|word| std::str::from_utf8(word).unwrap())
            .collect();
        words.join(" ")
    }

    #[test]
    fn three_words_after_a_negation() {
        assert_eq!(
            marked("It is not a very good film at all"),
            "it is not not_a not_very not_good film at all"
        );
        assert_eq!(marked("I don't like it"), "i do n't not_like not_it");
    }

    #[test]
    fn punctuation_and_but_end_it() {
        assert_eq!(marked("not bad, good"), "not not_bad good");
        assert_eq!(marked("never dull but long"), "never not_dull but long");
        assert_eq!(marked("no (none) more"), "no none more");
        assert_eq!(marked("not – é… good"), "not not_é good");
    }

    #[test]
    fn a_second_negation_restarts_the_scope() {
        assert_eq!(
            marked("not a b no c d e f"),
            "not not_a not_b no not_c not_d not_e f"
        );
    }

    #[test]
    fn capitals_negate_too() {
        let mut words = Words::default();
        Tokenizer::new(false, true).split("NOT Good", &mut words);
        assert_eq!(words.iter().collect::<Vec<_>>(), [&b"NOT"[..], b"not_Good"]);
    }
}
