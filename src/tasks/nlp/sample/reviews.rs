//! Seeded sample data: reviews, labelled and not, made by a grammar.
//!
//! A row is a function of the seed and its number alone, so any part can be made by itself and a
//! longer sample starts with the shorter one. Writing the rows to files is left to the caller.

use std::sync::LazyLock;

use self::grammar::{Grammar, Polarity};
use crate::tasks::draw::Draw;

mod grammar;
mod style;

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    Grammar::parse(include_str!("reviews.grammar")).expect("the tests parse this grammar")
});

/// How far back a near-duplicate looks for the text that it repeats.
const REACH: u64 = 2000;

/// One review. `domain` says what was reviewed: restaurant, film, phone, ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Number of the row, from 1.
    pub id: u64,
    pub text: String,
    /// `positive` or `negative`; with label noise not always what the text says.
    pub label: &'static str,
    pub domain: &'static str,
}

/// What to make: so many labelled reviews from a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviews {
    pub rows: u64,
    pub seed: u64,
    /// Share of labels turned round, in 0..=1.
    pub label_noise: f64,
    /// Share of rows that repeat an earlier one, half of them but for case and white space.
    pub duplicates: f64,
}

impl Default for Reviews {
    fn default() -> Reviews {
        Reviews {
            rows: 5000,
            seed: 42,
            label_noise: 0.03,
            duplicates: 0.04,
        }
    }
}

impl Reviews {
    /// The labelled reviews, in order.
    pub fn iter(&self) -> impl Iterator<Item = Review> + '_ {
        (0..self.rows).map(|row| self.row(b"reviews\0", row))
    }

    /// `rows` further reviews from a key of their own, as they would come in to be scored.
    pub fn incoming(&self, rows: u64) -> impl Iterator<Item = Review> + '_ {
        (0..rows).map(|row| self.row(b"incoming", row))
    }

    fn row(&self, part: &[u8; 8], row: u64) -> Review {
        let draw = &mut Draw::new(self.key(part), row);
        if !self.repeats(row, draw) {
            return self.original(row, draw);
        }
        let earlier = self.earlier(part, row, draw);
        let text = if draw.chance(0.5) {
            style::respaced(&earlier.text, draw)
        } else {
            style::edited(&earlier.text, draw)
        };
        Review {
            id: row + 1,
            text,
            ..earlier
        }
    }

    /// The first draw of every row: whether it repeats an earlier one.
    fn repeats(&self, row: u64, draw: &mut Draw) -> bool {
        draw.chance(self.duplicates) && row > 0
    }

    /// A row before this one that is no repetition itself; row 0 never is.
    fn earlier(&self, part: &[u8; 8], row: u64, draw: &mut Draw) -> Review {
        let reach = row.min(REACH);
        let mut at = row - 1 - draw.below(reach as usize) as u64;
        loop {
            let other = &mut Draw::new(self.key(part), at);
            if !self.repeats(at, other) {
                return self.original(at, other);
            }
            at -= 1;
        }
    }

    fn original(&self, row: u64, draw: &mut Draw) -> Review {
        let domain = draw.below(GRAMMAR.domains());
        let polarity = *draw.choose(&[Polarity::Plus, Polarity::Minus]);
        let mislabelled = draw.chance(self.label_noise);
        let mut raw = String::new();
        GRAMMAR.review(domain, polarity, draw, &mut raw);
        let text = style::typed(&style::polish(&raw), polarity, draw);
        let label = match (polarity, mislabelled) {
            (Polarity::Plus, false) | (Polarity::Minus, true) => "positive",
            _ => "negative",
        };
        Review {
            id: row + 1,
            text,
            label,
            domain: GRAMMAR.domain_name(domain),
        }
    }

    fn key(&self, part: &[u8; 8]) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(part);
        key[16..24].copy_from_slice(b"easylife");
        key
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use sha2::{Digest, Sha256};

    use super::*;

    fn hash(reviews: impl Iterator<Item = Review>) -> String {
        let mut hasher = Sha256::new();
        for Review {
            id,
            text,
            label,
            domain,
        } in reviews
        {
            hasher.update(format!("{id}\t{text}\t{label}\t{domain}\n"));
        }
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn sample(rows: u64, seed: u64) -> Reviews {
        Reviews {
            rows,
            seed,
            ..Reviews::default()
        }
    }

    fn plain(text: &str) -> String {
        text.to_lowercase()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn the_first_thousand_rows_stay_as_they_are() {
        // A change here changes every sample: say so in CHANGELOG.md.
        assert_eq!(
            hash(sample(1000, 42).iter()),
            "5dad2197045dd68b8b298661929b8ab6688ffb4423d669491723827a9e4c7466"
        );
        assert_eq!(
            hash(sample(0, 42).incoming(1000)),
            "6f4fa2850d796be61208c081b3c94578ae81ffd0b31d6d11bcd4499f8af3a429"
        );
    }

    #[test]
    fn a_longer_sample_starts_with_the_shorter_one() {
        assert_eq!(
            hash(sample(3000, 7).iter().take(500)),
            hash(sample(500, 7).iter())
        );
    }

    #[test]
    fn seeds_and_parts_differ() {
        let of = |seed| {
            sample(300, seed)
                .iter()
                .map(|r| r.text)
                .collect::<BTreeSet<_>>()
        };
        let incoming: BTreeSet<_> = sample(0, 1).incoming(300).map(|r| r.text).collect();
        assert!(of(1).intersection(&of(2)).count() < 15);
        assert!(of(1).intersection(&incoming).count() < 15);
    }

    #[test]
    fn classes_and_domains_are_balanced() {
        let mut labels = BTreeMap::new();
        let mut domains = BTreeMap::new();
        for review in sample(5000, 42).iter() {
            *labels.entry(review.label).or_insert(0) += 1;
            *domains.entry(review.domain).or_insert(0) += 1;
        }
        assert_eq!(labels.len(), 2);
        assert!(
            labels.values().all(|n| (2350..=2650).contains(n)),
            "{labels:?}"
        );
        assert_eq!(domains.len(), 11);
        assert!(
            domains.values().all(|n| (350..=560).contains(n)),
            "{domains:?}"
        );
    }

    #[test]
    fn about_four_in_a_hundred_repeat_an_earlier_row() {
        let none = Reviews {
            duplicates: 0.0,
            ..sample(5000, 42)
        };
        let changed = sample(5000, 42)
            .iter()
            .zip(none.iter())
            .filter(|(a, b)| a != b)
            .count();
        assert!(
            (150..=250).contains(&changed),
            "{changed} rows repeat another"
        );

        let mut seen = BTreeSet::new();
        let exact = sample(5000, 42)
            .iter()
            .filter(|r| !seen.insert(plain(&r.text)))
            .count();
        assert!(
            (90..=250).contains(&exact),
            "{exact} rows repeat another exactly"
        );
    }

    #[test]
    fn label_noise_turns_so_many_labels_and_no_text() {
        let clean = Reviews {
            label_noise: 0.0,
            ..sample(5000, 42)
        };
        let mut turned = 0;
        for (noisy, clean) in sample(5000, 42).iter().zip(clean.iter()) {
            assert_eq!(noisy.text, clean.text);
            turned += usize::from(noisy.label != clean.label);
        }
        assert!((110..=190).contains(&turned), "{turned} labels turned");
    }

    #[test]
    fn texts_are_whole() {
        for review in sample(5000, 3).iter() {
            assert!(!review.text.trim().is_empty(), "row {} is empty", review.id);
            assert!(
                !review.text.contains(['{', '}', '|', '@', '\n']),
                "{}",
                review.text
            );
        }
    }

    #[test]
    fn the_words_are_many() {
        let words: BTreeSet<String> = sample(5000, 42)
            .iter()
            .flat_map(|r| {
                plain(&r.text)
                    .split(' ')
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert!(words.len() > 5000, "{} words", words.len());
    }
}
