//! Compact encoding of sorted strings; without it the vocabulary would be most of a model file.
//!
//! Strings are front-coded: each is stored as the number of bytes it shares with the previous one
//! (at most 255) and the rest. Word n-grams are coded the same way over word numbers: the words are
//! stored once in a separate table, and each n-gram is stored as the number of words it shares with
//! the previous one and the numbers of the others, the first as a difference if possible.

use crate::nlp::text::strings::{Key, Strings, Table};
use crate::state::{State, StateError};

/// Maximum number of words in an n-gram: two counts share a byte.
pub const MAX_WORDS: u32 = 15;

/// Adds strings as `NAME.shared` and `NAME.lengths` (one byte each) and `NAME.bytes`.
///
/// # Panics
/// If a string adds more than 255 bytes to the previous one, which words and character n-grams
/// never do.
pub fn insert(state: &mut State, name: &str, strings: &Strings) {
    let (mut shared, mut lengths, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    let mut before: &[u8] = &[];
    for string in strings.iter() {
        let pairs = string.iter().zip(before).take(usize::from(u8::MAX));
        let same = pairs.take_while(|(a, b)| a == b).count();
        shared.push(same as u8);
        lengths.push(u8::try_from(string.len() - same).expect("words are short"));
        bytes.extend_from_slice(&string[same..]);
        before = string;
    }
    state.insert_u8(&format!("{name}.shared"), &[shared.len()], shared);
    state.insert_u8(&format!("{name}.lengths"), &[lengths.len()], lengths);
    state.insert_u8(&format!("{name}.bytes"), &[bytes.len()], bytes);
}

/// The strings stored by [`insert`].
///
/// # Errors
/// If a tensor is missing or does not decode to strings.
pub fn strings(state: &State, name: &str) -> Result<Strings, StateError> {
    let shared = state.u8s(&format!("{name}.shared"), &[None])?;
    let lengths = state.u8s(&format!("{name}.lengths"), &[Some(shared.len())])?;
    let mut bytes = state.u8s(&format!("{name}.bytes"), &[None])?;
    let (mut strings, mut string) = (Strings::default(), Vec::new());
    for (&shared, &length) in shared.iter().zip(lengths) {
        let (shared, length) = (usize::from(shared), usize::from(length));
        if shared > string.len() || length > bytes.len() {
            return Err(StateError::invalid(
                name,
                "the strings are longer than their bytes",
            ));
        }
        string.truncate(shared);
        string.extend_from_slice(&bytes[..length]);
        bytes = &bytes[length..];
        strings.push(&string);
    }
    match bytes.is_empty() {
        true => Ok(strings),
        false => Err(StateError::invalid(
            name,
            "extra bytes after the last string",
        )),
    }
}

/// Adds word n-grams (words separated by single spaces): their words as `NAME.words`, and
/// `NAME.ngrams`.
pub fn insert_ngrams(state: &mut State, name: &str, ngrams: &Strings) {
    let mut words: Vec<&[u8]> = ngrams.iter().flat_map(split).collect();
    words.sort_unstable();
    words.dedup();
    let (mut sorted, mut numbers) = (Strings::default(), Table::default());
    for word in words {
        sorted.push(word);
        numbers.insert(word, Key::of(word));
    }
    insert(state, &format!("{name}.words"), &sorted);
    let mut coded = Vec::new();
    let (mut before, mut now) = (Vec::new(), Vec::new());
    for ngram in ngrams.iter() {
        now.clear();
        now.extend(split(ngram).map(|word| numbers.insert(word, Key::of(word))));
        encode(&before, &now, &mut coded);
        std::mem::swap(&mut before, &mut now);
    }
    state.insert_u8(&format!("{name}.ngrams"), &[coded.len()], coded);
}

/// The n-grams stored by [`insert_ngrams`].
///
/// # Errors
/// If a tensor is missing or does not decode to n-grams.
pub fn ngrams(state: &State, name: &str) -> Result<Strings, StateError> {
    let words = strings(state, &format!("{name}.words"))?;
    let name = format!("{name}.ngrams");
    let mut coded = state.u8s(&name, &[None])?;
    let (mut strings, mut numbers, mut ngram) = (Strings::default(), Vec::new(), Vec::new());
    while !coded.is_empty() {
        let known = |numbers: &&Vec<u32>| numbers.iter().all(|&n| (n as usize) < words.len());
        let decoded = decode(&mut numbers, &mut coded).map(|()| &numbers);
        let Some(numbers) = decoded.filter(known) else {
            return Err(StateError::invalid(&name, "an invalid n-gram code"));
        };
        ngram.clear();
        for (place, &number) in numbers.iter().enumerate() {
            if place > 0 {
                ngram.push(b' ');
            }
            ngram.extend_from_slice(words.get(number as usize));
        }
        strings.push(&ngram);
    }
    Ok(strings)
}

fn split(ngram: &[u8]) -> impl Iterator<Item = &[u8]> {
    ngram.split(|byte| *byte == b' ')
}

/// One byte for the numbers of shared and of following words, then the latter.
fn encode(before: &[u32], now: &[u32], out: &mut Vec<u8>) {
    let same = before.iter().zip(now).take_while(|(a, b)| a == b).count();
    out.push((same << 4 | (now.len() - same)) as u8);
    for (place, &number) in now.iter().enumerate().skip(same) {
        let from = if place == same {
            before.get(place).copied().unwrap_or(0)
        } else {
            0
        };
        // Sorted n-grams ascend at the first difference.
        number_to_bytes(number.wrapping_sub(from), out);
    }
}

/// Turns the numbers of one n-gram into those of the next.
fn decode(numbers: &mut Vec<u32>, coded: &mut &[u8]) -> Option<()> {
    let (&counts, rest) = coded.split_first()?;
    *coded = rest;
    let (same, more) = (usize::from(counts >> 4), usize::from(counts & 15));
    if same > numbers.len() || more == 0 {
        return None;
    }
    let from = numbers.get(same).copied().unwrap_or(0);
    numbers.truncate(same);
    for place in 0..more {
        let number = number_from_bytes(coded)?;
        numbers.push(if place == 0 {
            number.wrapping_add(from)
        } else {
            number
        });
    }
    Some(())
}

/// Seven bits per byte, lowest first; the top bit means that more bytes follow (LEB128).
fn number_to_bytes(mut number: u32, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number_from_bytes(coded: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u64;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = coded.split_first()?;
        *coded = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shared_words_are_not_repeated() {
        let mut coded = Vec::new();
        encode(&[], &[300], &mut coded);
        encode(&[300], &[300, 7], &mut coded);
        encode(&[300, 7], &[301], &mut coded);
        assert_eq!(coded, [0x01, 0xac, 0x02, 0x11, 7, 0x01, 1]);
    }

    #[test]
    fn invalid_codes_are_refused() {
        let mut strings = Strings::default();
        ["a", "a b"]
            .iter()
            .for_each(|ngram| strings.push(ngram.as_bytes()));
        let mut state = State::default();
        insert_ngrams(&mut state, "v", &strings);
        assert_eq!(state.u8s("v.ngrams", &[None]).unwrap(), [0x01, 0, 0x11, 1]);
        for coded in [
            &[0x01, 2][..],
            &[0x21, 0],
            &[0x01],
            &[0x10],
            &[0x01, 0xff, 0xff, 0xff],
        ] {
            state.insert_u8("v.ngrams", &[coded.len()], coded.to_vec());
            assert!(matches!(
                ngrams(&state, "v"),
                Err(StateError::Invalid { .. })
            ));
        }
    }

    proptest! {
        #[test]
        fn unpacking_inverts_packing(
            ngrams in prop::collection::btree_set("[a-cé]{1,3}( [a-cé]{1,3}){0,2}", 0..40),
        ) {
            let mut strings = Strings::default();
            ngrams.iter().for_each(|ngram| strings.push(ngram.as_bytes()));
            let mut state = State::default();
            insert_ngrams(&mut state, "v", &strings);
            insert(&mut state, "s", &strings);
            prop_assert_eq!(&super::ngrams(&state, "v").unwrap(), &strings);
            prop_assert_eq!(&super::strings(&state, "s").unwrap(), &strings);
        }
    }
}
