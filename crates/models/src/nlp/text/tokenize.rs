//! Splits text into words.
//!
//! A word is a run of letters, digits and combining marks of any script. Everything else separates
//! words, with three additions:
//! - `n't` (also with ’) at the end of a word is a separate word, so that negation is one feature
//!   whatever the verb: `don't` gives `do`, `n't`, as in the Penn Treebank. Any other apostrophe
//!   separates: `it's` gives `it`, `s`, like Treebank's `it 's`.
//! - Chinese characters and Japanese kana, written without spaces, are words of one character; word
//!   n-grams combine them.
//! - A run of more than [`MAX_WORD_BYTES`] bytes (a key, an encoded picture) is not a word.
//!
//! Words after a negation can be marked, see [`super::negation`].
//!
//! One-letter words are kept (scikit-learn drops them): `a` and `i` help to distinguish classes.
//! Normalization (NFC) is left to the caller that reads the text.

use unicode_normalization::char::is_combining_mark;

use super::strings::Key;
use super::{negation, swar};

/// Maximum number of bytes of a word, without a negation mark.
pub const MAX_WORD_BYTES: usize = 128;
/// Number of bytes after the words, so that sixteen bytes can be read from the start of any.
const PADDING: usize = 16;

/// Splits text into words, optionally in lower case.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    lowercase: bool,
    negation: bool,
}

/// The words of one text. Reused from text to text.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// All words, possibly with bytes in between, and at least [`PADDING`] bytes after them.
    bytes: Vec<u8>,
    /// Start and end of each word.
    spans: Vec<(usize, usize)>,
    /// The words before negations are marked; an empty span ends the scope of a negation.
    unmarked: Vec<(usize, usize)>,
}

impl Words {
    /// Number of words.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// UTF-8 bytes of each word, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.spans
            .iter()
            .map(|&(start, end)| &self.bytes[start..end])
    }

    /// The bytes of a word.
    #[inline]
    pub fn word(&self, number: usize) -> &[u8] {
        let (start, end) = self.spans[number];
        &self.bytes[start..end]
    }

    /// The key of each word, in order.
    #[inline]
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.spans.iter().map(|&(start, end)| {
            let word = &self.bytes[start..end];
            let heads = self.bytes[start..].first_chunk::<16>();
            let heads = u128::from_le_bytes(*heads.expect("padding follows the words"));
            // Masks the bytes after the word without a branch; the key of a longer word does not
            // use the heads.
            let unused = 8 * (16 - word.len().min(16)) as u32;
            let head = heads as u64 & (u64::MAX >> unused.saturating_sub(64));
            let tail = (heads >> 64) as u64 & (u64::MAX >> unused.min(63));
            let tail = if unused < 64 { tail } else { 0 };
            Key::with_heads(word, [head, tail])
        })
    }

    fn add(&mut self, start: usize, end: usize) {
        if start < end && end - start <= MAX_WORD_BYTES {
            self.spans.push((start, end));
        }
    }

    fn end_negation(&mut self) {
        self.spans.push((self.bytes.len(), self.bytes.len()));
    }

    /// Marks the words in the scope of a negation, and removes the ends of scopes.
    fn mark_negations(&mut self) {
        std::mem::swap(&mut self.spans, &mut self.unmarked);
        self.spans.clear();
        let mut reach = negation::Reach::default();
        for &(start, end) in &self.unmarked {
            if start == end {
                reach.end();
            } else if reach.holds(&self.bytes[start..end]) {
                let at = self.bytes.len();
                self.bytes.extend_from_slice(negation::MARK.as_bytes());
                self.bytes.extend_from_within(start..end);
                self.spans.push((at, self.bytes.len()));
            } else {
                self.spans.push((start, end));
            }
        }
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.extend_from_slice(&[0; PADDING]);
    }
}

impl Tokenizer {
    /// Creates a tokenizer that optionally converts to lower case and marks words after a negation.
    pub fn new(lowercase: bool, negation: bool) -> Tokenizer {
        Tokenizer {
            lowercase,
            negation,
        }
    }

    /// Whether words are converted to lower case.
    pub fn lowercase(&self) -> bool {
        self.lowercase
    }

    /// Whether words after a negation are marked.
    pub fn negation(&self) -> bool {
        self.negation
    }

    /// Replaces the content of `words` by the words of `text`.
    pub fn split(&self, text: &str, words: &mut Words) {
        words.spans.clear();
        if text.is_ascii() {
            self.split_ascii(text.as_bytes(), words);
        } else {
            words.bytes.clear();
            Scan {
                tokenizer: self,
                words,
                open: None,
            }
            .run(text);
        }
        if self.negation {
            words.mark_negations();
        }
    }

    /// Words are slices of a lower-cased copy. One bit per byte says whether it is a letter or
    /// digit; words start and end where it changes, so the work is per word, not per byte.
    fn split_ascii(&self, text: &[u8], words: &mut Words) {
        let room = text.len().next_multiple_of(64) + PADDING;
        words.bytes.resize(room, 0); // what another text has left is written over
        let mut bytes = std::mem::take(&mut words.bytes);
        let (mut open, mut start, mut end) = (false, 0, 0);
        let mut before = 0; // the last bit of the block before
        let blocks = text.chunks(64).zip(bytes.as_chunks_mut::<64>().0);
        for (number, (block, out)) in blocks.enumerate() {
            let mask = match block.as_array() {
                Some(whole) => swar::copy(whole, self.lowercase, out),
                None => {
                    let mut whole = [0; 64];
                    whole[..block.len()].copy_from_slice(block);
                    swar::copy(&whole, self.lowercase, out)
                }
            };
            let mut edges = mask ^ (mask << 1 | before);
            before = mask >> 63;
            while edges != 0 {
                let at = 64 * number + edges.trailing_zeros() as usize;
                edges &= edges - 1;
                if open {
                    end = self.close(text, (start, at), end, words);
                } else {
                    start = at;
                    if self.negation {
                        self.end_negations(text, (end, start), words);
                    }
                }
                open = !open;
            }
        }
        if open {
            self.close(text, (start, text.len()), end, words);
        }
        words.bytes = bytes;
    }

    /// Adds the found word, or its two parts if it ends in `n't`, and returns where they end.
    /// Nothing starts before `taken`, the `t` of the previous word.
    #[inline]
    fn close(
        &self,
        text: &[u8],
        (start, end): (usize, usize),
        taken: usize,
        words: &mut Words,
    ) -> usize {
        if start < taken {
            return taken;
        }
        if text.get(end) == Some(&b'\'') && self.negated(text, end) {
            words.add(start, end - 1);
            words.add(end - 1, end + 2);
            return end + 2;
        }
        words.add(start, end);
        end
    }

    /// Whether the apostrophe at `at` belongs to an `n't` that ends a word.
    fn negated(&self, text: &[u8], at: usize) -> bool {
        let continues = text.get(at + 2).is_some_and(u8::is_ascii_alphanumeric);
        text[at - 1] | 0x20 == b'n'
            && text.get(at + 1).is_some_and(|t| t | 0x20 == b't')
            && !continues
    }

    /// Records an end of the scope of a negation between two words.
    fn end_negations(&self, text: &[u8], (end, start): (usize, usize), words: &mut Words) {
        let between = text.get(end..start).unwrap_or_default(); // none before the `t` of an `n't`
        if between.iter().any(|&byte| negation::ends(byte.into())) {
            words.spans.push((start, start));
        }
    }
}

/// Scans a text that is not all ASCII.
struct Scan<'a> {
    tokenizer: &'a Tokenizer,
    words: &'a mut Words,
    /// Start of the current word.
    open: Option<usize>,
}

impl Scan<'_> {
    fn run(mut self, text: &str) {
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c.is_ascii_alphanumeric() {
                self.open();
                let byte = c as u8;
                let small = self.tokenizer.lowercase;
                self.words.bytes.push(if small {
                    byte.to_ascii_lowercase()
                } else {
                    byte
                });
            } else if stands_alone(c) {
                self.close();
                self.push(c, false);
                self.close();
            } else if in_word(c) {
                self.push(c, self.tokenizer.lowercase);
            } else if matches!(c, '\'' | '\u{2019}') && self.after_n() {
                let mut ahead = chars.clone();
                match (ahead.next(), ahead.next().map(in_word)) {
                    (Some(t @ ('t' | 'T')), None | Some(false)) => {
                        self.split_negation(t);
                        chars.next();
                    }
                    _ => self.close(),
                }
            } else {
                self.close();
                if self.tokenizer.negation && negation::ends(c) {
                    self.words.end_negation();
                }
            }
        }
        self.close();
        self.words.pad();
    }

    fn open(&mut self) {
        self.open.get_or_insert(self.words.bytes.len());
    }

    fn close(&mut self) {
        if let Some(start) = self.open.take() {
            self.words.add(start, self.words.bytes.len());
        }
    }

    fn after_n(&self) -> bool {
        self.open.is_some() && matches!(self.words.bytes.last(), Some(b'n' | b'N'))
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
        let encoded = &mut [0; 4];
        self.words
            .bytes
            .extend_from_slice(c.encode_utf8(encoded).as_bytes());
    }

    /// Moves the `n` at the end of the current word into a separate word `n't`.
    fn split_negation(&mut self, t: char) {
        let n = self.words.bytes.len() - 1;
        if let Some(start) = self.open.take() {
            self.words.add(start, n);
        }
        let t = if self.tokenizer.lowercase {
            b't'
        } else {
            t as u8
        };
        self.words.bytes.extend_from_slice(&[b'\'', t]);
        self.words.add(n, n + 3);
    }
}

/// Whether a character can be part of a word.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Whether a character is a word by itself: Han, Hiragana, Katakana, Bopomofo.
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
        Tokenizer::new(lowercase, false).split(text, &mut words);
        words
            .iter()
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
        assert_eq!(words("DON’T", false), ["DO", "N'T"]);
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
    fn a_run_that_is_too_long_is_not_a_word() {
        let longest = "a".repeat(MAX_WORD_BYTES);
        assert_eq!(
            words(&format!("{longest} b"), true),
            [longest.as_str(), "b"]
        );
        assert_eq!(words(&format!("x {longest}a b"), true), ["x", "b"]);
        assert_eq!(words(&format!("x {longest}é b"), true), ["x", "b"]);
    }

    #[test]
    fn keys_are_those_of_the_words() {
        let mut words = Words::default();
        let text = "A b1 eightlet ninelette sixteen0letters0 seventeen0letters x";
        for text in [text.to_owned(), format!("{text} é")] {
            Tokenizer::new(true, false).split(&text, &mut words);
            assert!(words.keys().eq(words.iter().map(Key::of)));
        }
    }

    proptest! {
        #[test]
        fn words_hold_no_space_and_stay_words(text in "\\PC{0,40}|[a-zN'’ té]{0,20}") {
            let found = words(&text, true);
            prop_assert!(found.iter().all(|word| !word.is_empty() && !word.contains(' ')));
            prop_assert_eq!(words(&found.join(" "), true), found);
        }

        #[test]
        fn ascii_gives_the_same_words_as_the_general_case(text in "[a-zA-Z0-9'., nNtT-]{0,40}", lowercase: bool) {
            let general = words(&format!("{text} é"), lowercase);
            let mut ascii = words(&text, lowercase);
            ascii.push("é".to_owned());
            prop_assert_eq!(ascii, general);
        }
    }
}
