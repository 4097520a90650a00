//! Text to words.
//!
//! A word is a run of letters, digits and combining marks of any script. Everything else separates,
//! with two additions:
//! - `n't` (also with ’) at the end of a word is a word of its own, so that negation is one feature
//!   whatever the verb: `don't` gives `do`, `n't`, as in the Penn Treebank. Any other apostrophe
//!   separates: `it's` gives `it`, `s`, which is also what Treebank's `it 's` gives.
//! - Chinese characters and Japanese kana, written without spaces, are words of one character;
//!   word n-grams make words of them.
//!
//! One-letter words are kept (scikit-learn drops them): `a` and `i` tell classes apart.
//! Normalization (NFC) is left to whoever reads the text.

use unicode_normalization::char::is_combining_mark;

/// Cuts text into words, lower-cased or as they stand.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    lowercase: bool,
    /// What an ASCII byte adds to a word; 0 for bytes that separate.
    ascii: [u8; 128],
}

/// The words of one text, with one space between, so that any n words in a row are one slice.
///
/// Reused from text to text.
#[derive(Clone, Debug, Default)]
pub struct Words {
    bytes: Vec<u8>,
    /// Start and end of each word.
    spans: Vec<(usize, usize)>,
    /// Start of the word being read.
    open: Option<usize>,
}

impl Words {
    /// Number of words.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True when the text had no word.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// UTF-8 bytes of words `first..first + count`, one space between.
    #[inline]
    pub fn ngram(&self, first: usize, count: usize) -> &[u8] {
        &self.bytes[self.spans[first].0..self.spans[first + count - 1].1]
    }

    /// Every n-gram of `shortest..=longest` words, by its first word, shorter ones first.
    pub fn ngrams(&self, (shortest, longest): (usize, usize)) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).flat_map(move |first| {
            let longest = longest.min(self.len() - first);
            (shortest..=longest).map(move |count| self.ngram(first, count))
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.open = None;
    }

    fn open(&mut self) {
        if self.open.is_none() {
            if !self.bytes.is_empty() {
                self.bytes.push(b' ');
            }
            self.open = Some(self.bytes.len());
        }
    }

    fn close(&mut self) {
        if let Some(start) = self.open.take() {
            self.spans.push((start, self.bytes.len()));
        }
    }

    fn push(&mut self, c: char, lowercase: bool) {
        self.open();
        if lowercase {
            c.to_lowercase().for_each(|c| self.encode(c));
        } else {
            self.encode(c);
        }
    }

    fn encode(&mut self, c: char) {
        self.bytes
            .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Moves the `n` at the end of the open word into a word `n't` of its own.
    fn split_negation(&mut self, t: u8) {
        let Some(n) = self.bytes.pop() else { return };
        if self.open == Some(self.bytes.len()) {
            self.open = None;
            self.bytes.pop();
        } else {
            self.close();
        }
        self.open();
        self.bytes.extend_from_slice(&[n, b'\'', t]);
        self.close();
    }
}

impl Tokenizer {
    /// A tokenizer that turns capitals into small letters, or does not.
    pub fn new(lowercase: bool) -> Tokenizer {
        let mut ascii = [0; 128];
        for byte in (0..128u8).filter(u8::is_ascii_alphanumeric) {
            ascii[byte as usize] = if lowercase {
                byte.to_ascii_lowercase()
            } else {
                byte
            };
        }
        Tokenizer { lowercase, ascii }
    }

    /// Replaces `words` by the words of `text`.
    pub fn split(&self, text: &str, words: &mut Words) {
        words.clear();
        let mut rest = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = rest.first() {
            at += match self.ascii.get(byte as usize) {
                Some(0) => self.separate(text, at, 1, byte == b'\'', words),
                Some(&mapped) => {
                    words.open();
                    words.bytes.push(mapped);
                    1
                }
                None => self.wide(text, at, words),
            };
            rest = &text.as_bytes()[at..];
        }
        words.close();
    }

    /// Takes the non-ASCII character at `at` and returns the bytes used.
    fn wide(&self, text: &str, at: usize, words: &mut Words) -> usize {
        let c = text[at..].chars().next().unwrap_or(' ');
        if stands_alone(c) {
            words.close();
            words.push(c, false);
            words.close();
        } else if in_word(c) {
            words.push(c, self.lowercase);
        } else {
            return self.separate(text, at, c.len_utf8(), c == '\u{2019}', words);
        }
        c.len_utf8()
    }

    /// Ends the word at a separator of `len` bytes; returns the bytes used, more in `n't`.
    fn separate(
        &self,
        text: &str,
        at: usize,
        len: usize,
        apostrophe: bool,
        words: &mut Words,
    ) -> usize {
        if apostrophe && words.open.is_some() && matches!(words.bytes.last(), Some(b'n' | b'N')) {
            let mut after = text[at + len..].chars();
            if let (Some(t @ ('t' | 'T')), None | Some(false)) =
                (after.next(), after.next().map(in_word))
            {
                words.split_negation(self.ascii[t as usize]);
                return len + 1;
            }
        }
        words.close();
        len
    }
}

/// True for characters that words are made of.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// True for characters that are words by themselves: Han, Hiragana, Katakana, Bopomofo.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309D}'..='\u{309F}'
        | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}' | '\u{3105}'..='\u{312F}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9D}' | '\u{20000}'..='\u{3FFFD}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str, lowercase: bool) -> Vec<String> {
        let mut words = Words::default();
        Tokenizer::new(lowercase).split(text, &mut words);
        words
            .ngrams((1, 1))
            .map(|word| String::from_utf8(word.to_vec()).unwrap())
            .collect()
    }

    fn lower(text: &str) -> String {
        words(text, true).join("|")
    }

    #[test]
    fn ascii_words() {
        assert_eq!(
            lower("  A movie, 2 be seen -- again_and again!"),
            "a|movie|2|be|seen|again|and|again"
        );
        assert_eq!(words("A Movie", false), ["A", "Movie"]);
        assert_eq!(lower(""), "");
        assert_eq!(lower("?! ..."), "");
    }

    #[test]
    fn negation_is_a_word() {
        assert_eq!(lower("I don't, can’t, DIDN'T"), "i|do|n't|ca|n't|did|n't");
        assert_eq!(lower("does n't n't"), "does|n't|n't");
        assert_eq!(words("DON'T", false), ["DO", "N'T"]);
        assert_eq!(
            lower("it's 'quoted' O'Neal n'tx rock 'n' roll n'"),
            "it|s|quoted|o|neal|n|tx|rock|n|roll|n"
        );
        assert_eq!(lower("don'té don't"), "don|té|do|n't");
    }

    #[test]
    fn other_scripts() {
        assert_eq!(lower("ÉTÉ à Łódź"), "été|à|łódź");
        assert_eq!(lower("cafe\u{301} x"), "cafe\u{301}|x");
        assert_eq!(lower("हिन्दी भाषा"), "हिन्दी|भाषा");
        assert_eq!(lower("我爱NLP！カナ"), "我|爱|nlp|カ|ナ");
        assert_eq!(lower("한국어 문장"), "한국어|문장");
        assert_eq!(lower("İx"), "i\u{307}x");
    }

    #[test]
    fn ngrams_are_slices() {
        let mut words = Words::default();
        Tokenizer::new(true).split("Not  a-good... film", &mut words);
        let ngrams: Vec<&[u8]> = words.ngrams((2, 3)).collect();
        let expected: [&[u8]; 5] = [
            b"not a",
            b"not a good",
            b"a good",
            b"a good film",
            b"good film",
        ];
        assert_eq!(ngrams, expected);
        assert_eq!(words.ngrams((5, 5)).count(), 0);
    }

    proptest! {
        #[test]
        fn words_hold_no_space_and_stay_words(text in "\\PC{0,40}|[a-zN'’ té]{0,20}") {
            let found = words(&text, true);
            prop_assert!(found.iter().all(|word| !word.is_empty() && !word.contains(' ')));
            prop_assert_eq!(words(&found.join(" "), true), found);
        }
    }
}
