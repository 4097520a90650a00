//! Text to words.
//!
//! A word is a run of letters, digits and combining marks of any script. Everything else separates,
//! with three additions:
//! - `n't` (also with ’) at the end of a word is a word of its own, so that negation is one feature
//!   whatever the verb: `don't` gives `do`, `n't`, as in the Penn Treebank. Any other apostrophe
//!   separates: `it's` gives `it`, `s`, which is also what Treebank's `it 's` gives.
//! - Chinese characters and Japanese kana, written without spaces, are words of one character;
//!   word n-grams make words of them.
//! - A run of more than [`LONGEST_WORD`] bytes (a key, an encoded picture) is no word.
//!
//! Where asked for, words behind a negation are marked, see [`super::negation`].
//!
//! One-letter words are kept (scikit-learn drops them): `a` and `i` tell classes apart.
//! Normalization (NFC) is left to whoever reads the text.

use unicode_normalization::char::is_combining_mark;

use super::negation;

/// Bytes of a word, at most, without a mark of negation.
pub const LONGEST_WORD: usize = 128;
/// Zeros behind the words, so that eight bytes can be read from the start of any.
const PADDING: usize = 8;

/// Cuts text into words, lower-cased or as they stand.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    lowercase: bool,
    negation: bool,
    /// For each byte what it does.
    kinds: [Kind; 256],
}

/// What an ASCII character does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// It separates words.
    Separator,
    /// A letter or digit.
    Word,
    /// It separates, and ends what a negation reaches.
    End,
}

/// The words of one text. Reused from text to text.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// All words, perhaps with something between, and [`PADDING`].
    bytes: Vec<u8>,
    /// Start and end of each word.
    spans: Vec<(usize, usize)>,
    /// The same before negations are marked; an empty span is an end of what a negation reaches.
    unmarked: Vec<(usize, usize)>,
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

    /// UTF-8 bytes of each word, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.spans
            .iter()
            .map(|&(start, end)| &self.bytes[start..end])
    }

    /// Each word and its first eight bytes as a little-endian number, zeros behind a shorter one.
    #[inline]
    pub(super) fn with_heads(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.spans.iter().map(|&(start, end)| {
            let head = self.bytes[start..start + PADDING].try_into();
            let head = u64::from_le_bytes(head.unwrap_or_default());
            let len = end - start;
            let mask = if len < 8 {
                (1 << (8 * len)) - 1
            } else {
                u64::MAX
            };
            (&self.bytes[start..end], head & mask)
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    fn add(&mut self, start: usize, end: usize) {
        if start < end && end - start <= LONGEST_WORD {
            self.spans.push((start, end));
        }
    }

    fn end_negation(&mut self) {
        self.spans.push((self.bytes.len(), self.bytes.len()));
    }

    /// Marks the words that a negation reaches and forgets where it ends.
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
    /// A tokenizer that turns capitals into small letters, or does not, and marks words behind a
    /// negation, or does not.
    pub fn new(lowercase: bool, negation: bool) -> Tokenizer {
        let mut kinds = [Kind::Separator; 256];
        for byte in (0..128u8).filter(u8::is_ascii_alphanumeric) {
            kinds[byte as usize] = Kind::Word;
        }
        for byte in negation::ENDS.bytes().filter(|_| negation) {
            kinds[byte as usize] = Kind::End;
        }
        Tokenizer {
            lowercase,
            negation,
            kinds,
        }
    }

    /// True where capitals become small letters.
    pub fn lowercase(&self) -> bool {
        self.lowercase
    }

    /// True where words behind a negation are marked.
    pub fn negation(&self) -> bool {
        self.negation
    }

    /// Replaces `words` by the words of `text`.
    pub fn split(&self, text: &str, words: &mut Words) {
        words.clear();
        if text.is_ascii() {
            self.split_ascii(text.as_bytes(), words);
        } else {
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

    /// Words are slices of a lower-cased copy: nothing is moved byte by byte.
    fn split_ascii(&self, text: &[u8], words: &mut Words) {
        words.bytes.extend_from_slice(text);
        if self.lowercase {
            words.bytes.make_ascii_lowercase();
        }
        words.pad();
        let (bytes, spans) = (words.bytes.as_slice(), &mut words.spans);
        let mut add = |start: usize, end: usize| {
            if end - start <= LONGEST_WORD {
                spans.push((start, end));
            }
        };
        let kind = |at: usize| self.kinds[bytes[at] as usize];
        let mut at = 0;
        while at < text.len() {
            match kind(at) {
                Kind::Word => {}
                Kind::Separator => {
                    at += 1;
                    continue;
                }
                Kind::End => {
                    add(at, at);
                    at += 1;
                    continue;
                }
            }
            let start = at;
            while kind(at) == Kind::Word {
                at += 1; // the padding ends the last word
            }
            let negation = bytes[at] == b'\''
                && bytes[at - 1] | 0x20 == b'n'
                && bytes[at + 1] | 0x20 == b't'
                && kind(at + 2) != Kind::Word;
            if negation {
                if start < at - 1 {
                    add(start, at - 1);
                }
                add(at - 1, at + 2);
                at += 2;
            } else {
                add(start, at);
            }
        }
    }
}

/// The way through a text that is not all ASCII.
struct Scan<'a> {
    tokenizer: &'a Tokenizer,
    words: &'a mut Words,
    /// Start of the word being read.
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

    /// Moves the `n` at the end of the open word into a word `n't` of its own.
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
    fn what_is_too_long_is_no_word() {
        let longest = "a".repeat(LONGEST_WORD);
        assert_eq!(
            words(&format!("{longest} b"), true),
            [longest.as_str(), "b"]
        );
        assert_eq!(words(&format!("x {longest}a b"), true), ["x", "b"]);
        assert_eq!(words(&format!("x {longest}é b"), true), ["x", "b"]);
    }

    #[test]
    fn heads_are_the_first_eight_bytes() {
        let mut words = Words::default();
        Tokenizer::new(true, false).split("A b1 extraordinary", &mut words);
        let heads: Vec<u64> = words.with_heads().map(|(_, head)| head).collect();
        assert_eq!(heads, [0x61, 0x3162, u64::from_le_bytes(*b"extraord")]);
    }

    proptest! {
        #[test]
        fn words_hold_no_space_and_stay_words(text in "\\PC{0,40}|[a-zN'’ té]{0,20}") {
            let found = words(&text, true);
            prop_assert!(found.iter().all(|word| !word.is_empty() && !word.contains(' ')));
            prop_assert_eq!(words(&found.join(" "), true), found);
        }

        #[test]
        fn ascii_is_no_special_case(text in "[a-zA-Z0-9'., nNtT-]{0,40}", lowercase: bool) {
            let general = words(&format!("{text} é"), lowercase);
            let mut ascii = words(&text, lowercase);
            ascii.push("é".to_owned());
            prop_assert_eq!(ascii, general);
        }
    }
}
