//! Chooses the n-grams that become features: within bounds of frequency, the most frequent, in byte order.

use rayon::prelude::*;

use crate::nlp::text::strings::Strings;

/// Limits on the n-grams that become features.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Minimum document frequency, in texts.
    pub min_df: usize,
    /// Maximum document frequency, as a share of the texts.
    pub max_df: f64,
    /// Maximum number of features: the most frequent, ties by byte order.
    pub max_features: usize,
}

/// The candidates within `bounds` in byte order: their n-grams, and the index of each among the
/// candidates. `spell` appends the n-gram of a candidate.
pub fn choose(
    frequencies: &[u32],
    texts: usize,
    bounds: Bounds,
    spell: impl Fn(usize, &mut Vec<u8>),
) -> (Strings, Vec<usize>) {
    let most = bounds.max_df * texts as f64;
    let fits = |df: u32| df as usize >= bounds.min_df && f64::from(df) <= most;
    let threshold = frequency_threshold(
        frequencies.iter().copied().filter(|&df| fits(df)),
        texts,
        bounds.max_features,
    );
    let mut spelled = Spelled::default();
    let add = |wanted: std::cmp::Ordering, spelled: &mut Spelled| {
        let candidates = frequencies.iter().enumerate();
        let fit = candidates.filter(|(_, df)| fits(**df) && df.cmp(&&threshold) == wanted);
        fit.for_each(|(candidate, _)| spelled.push(candidate, &spell));
    };
    // Of those at the threshold, which may be many times more, the first in byte order are taken.
    add(std::cmp::Ordering::Equal, &mut spelled);
    let at = spelled.items.len();
    add(std::cmp::Ordering::Greater, &mut spelled);
    let above = spelled.items.len() - at;
    spelled.sort(0..at);
    spelled
        .items
        .drain((bounds.max_features - above).min(at)..at);
    spelled.sort(0..spelled.items.len());
    spelled.done()
}

/// N-grams to be sorted: their bytes one after the other, and for each its first eight bytes, by
/// which nearly all are told apart.
#[derive(Default)]
struct Spelled {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

#[derive(Clone, Copy)]
struct Item {
    /// Big-endian, padded with zeros.
    head: u64,
    start: usize,
    len: u32,
    candidate: u32,
}

impl Spelled {
    fn push(&mut self, candidate: usize, spell: &impl Fn(usize, &mut Vec<u8>)) {
        let start = self.bytes.len();
        spell(candidate, &mut self.bytes);
        let ngram = &self.bytes[start..];
        let mut head = [0; 8];
        let len = ngram.len().min(8);
        head[..len].copy_from_slice(&ngram[..len]);
        self.items.push(Item {
            head: u64::from_be_bytes(head),
            start,
            len: ngram.len() as u32,
            candidate: candidate as u32,
        });
    }

    fn sort(&mut self, range: std::ops::Range<usize>) {
        let bytes = |item: &Item| &self.bytes[item.start..][..item.len as usize];
        self.items[range].par_sort_unstable_by(|a, b| {
            let heads = a.head.cmp(&b.head);
            heads.then_with(|| bytes(a).cmp(bytes(b)))
        });
    }

    fn done(self) -> (Strings, Vec<usize>) {
        let mut ngrams = Strings::default();
        let mut candidates = Vec::with_capacity(self.items.len());
        for item in &self.items {
            ngrams.push(&self.bytes[item.start..][..item.len as usize]);
            candidates.push(item.candidate as usize);
        }
        (ngrams, candidates)
    }
}

/// The highest frequency f such that at most `most` candidates are more frequent than f.
fn frequency_threshold(frequencies: impl Iterator<Item = u32>, texts: usize, most: usize) -> u32 {
    let mut counts = vec![0_usize; texts + 1];
    frequencies.for_each(|df| counts[df as usize] += 1);
    let mut taken = 0;
    for df in (0..=texts).rev() {
        taken += counts[df];
        if taken >= most {
            return df as u32;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chosen of `candidates`, each an n-gram and the number of its texts, of 9 in all.
    fn chosen(candidates: &[(&str, u32)], max_features: usize) -> Vec<(String, usize)> {
        let frequencies: Vec<u32> = candidates.iter().map(|&(_, texts)| texts).collect();
        let bounds = Bounds {
            min_df: 1,
            max_df: 1.0,
            max_features,
        };
        let spell = |candidate: usize, bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(candidates[candidate].0.as_bytes());
        };
        let (ngrams, numbers) = choose(&frequencies, 9, bounds, spell);
        let ngrams = ngrams
            .iter()
            .map(|ngram| String::from_utf8(ngram.to_vec()).unwrap());
        ngrams.zip(numbers).collect()
    }

    /// The first eight bytes are compared as a number: it must not decide what they leave open.
    #[test]
    fn equal_beginnings_are_told_apart_by_the_rest() {
        let words = [
            "cinematography",
            "cinemati",
            "cinematic a",
            "cine",
            "cinematic",
            "é",
            "cinema \u{1}",
        ];
        let mut sorted = words.to_vec();
        sorted.sort_unstable();
        let candidates = words.map(|word| (word, 3));
        let all = chosen(&candidates, 9);
        assert!(all.iter().map(|(word, _)| word).eq(&sorted));
        assert!(all.iter().all(|(word, number)| words[*number] == word));
        let firsts: Vec<String> = chosen(&candidates, 3)
            .into_iter()
            .map(|(word, _)| word)
            .collect();
        assert_eq!(firsts, sorted[..3]);
    }

    #[test]
    fn frequent_ones_come_before_the_first_in_byte_order() {
        let candidates = [("b", 2), ("a", 2), ("d", 5), ("c", 2)];
        let names = |most| {
            chosen(&candidates, most)
                .into_iter()
                .map(|(word, _)| word)
                .collect::<String>()
        };
        assert_eq!(
            [names(1), names(2), names(3), names(9)],
            ["d", "ad", "abd", "abcd"]
        );
    }
}
