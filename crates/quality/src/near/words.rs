//! Words of a text, normalised: NFKC, lower case, without punctuation.

use unicode_normalization::UnicodeNormalization;

/// Calls `each` with every normalised word. `buffer` is scratch space.
///
/// A word is a run of letters and digits; apostrophes inside are dropped ("don't" is "dont"). Of scripts
/// that do not separate words by spaces every character is a word.
pub(super) fn for_each(text: &str, buffer: &mut String, mut each: impl FnMut(&str)) {
    buffer.clear();
    let mut word = Word {
        buffer,
        each: &mut each,
    };
    if text.is_ascii() {
        text.bytes().for_each(|byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' => word.buffer.push(char::from(byte)),
            b'A'..=b'Z' => word.buffer.push(char::from(byte | 0x20)),
            b'\'' => {}
            _ => word.end(),
        });
    } else {
        for c in text.nfkc().flat_map(char::to_lowercase) {
            match c {
                '\'' | '\u{2019}' => {}
                c if is_unspaced(c) => {
                    word.end();
                    word.buffer.push(c);
                    word.end();
                }
                c if c.is_alphanumeric() => word.buffer.push(c),
                _ => word.end(),
            }
        }
    }
    word.end();
}

/// The word that is being read.
struct Word<'a, F> {
    buffer: &'a mut String,
    each: &'a mut F,
}

impl<F: FnMut(&str)> Word<'_, F> {
    fn end(&mut self) {
        if !self.buffer.is_empty() {
            (self.each)(self.buffer);
            self.buffer.clear();
        }
    }
}

/// Characters of scripts without spaces between words: Thai to Khmer, kana, and Han.
fn is_unspaced(c: char) -> bool {
    let block = matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    block && c.is_alphanumeric()
}
