//! Which words a negation reaches: `not good` is no praise.
//!
//! As Das and Chen (2001) and Pang, Lee and Vaithyanathan ("Thumbs up?", EMNLP 2002), who mark every
//! word between a negation and the next punctuation; here at most [`REACH`] words are marked, which
//! did better on folds of the training parts than a whole clause, and `but` ends it too. A marked
//! word is another word: it has n-grams and weights of its own. English only; a corpus in another
//! language is left as it is.

/// What a marked word starts with. No word has an underscore.
pub(super) const MARK: &str = "not_";
/// Words behind a negation that are marked.
const REACH: u8 = 3;

/// True for characters that end what a negation reaches.
pub(super) fn ends(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '(' | ')' | '!' | '?' | '\u{2026}'
    )
}

/// How far the last negation reaches.
#[derive(Debug, Default)]
pub(super) struct Reach {
    left: u8,
}

impl Reach {
    /// Nothing behind this is reached any more.
    pub fn end(&mut self) {
        self.left = 0;
    }

    /// True when the next word of the text is to be marked.
    pub fn holds(&mut self, word: &[u8]) -> bool {
        if negates(word) {
            self.left = REACH;
        } else if word.eq_ignore_ascii_case(b"but") {
            self.left = 0;
        } else if self.left > 0 {
            self.left -= 1;
            return true;
        }
        false
    }
}

fn negates(word: &[u8]) -> bool {
    const NEGATIONS: [&[u8]; 12] = [
        b"n't", b"not", b"no", b"never", b"cannot", b"neither", b"nor", b"nothing", b"without",
        b"hardly", b"nobody", b"none",
    ];
    let starts = matches!(
        word.first(),
        Some(b'n' | b'N' | b'c' | b'C' | b'w' | b'W' | b'h' | b'H')
    );
    starts
        && NEGATIONS
            .iter()
            .any(|negation| word.eq_ignore_ascii_case(negation))
}

#[cfg(test)]
mod tests {
    use super::super::tokenize::{Tokenizer, Words};

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
    fn three_words_behind_a_negation() {
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
    fn a_negation_starts_anew() {
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
