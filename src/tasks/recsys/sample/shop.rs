//! The log of a made-up bookshop: readers with changing tastes, books of different popularity, and new ones of both
//! all the time, so that the end of the log has users and items that are not at its start.
//!
//! A reader depends only on the seed and their number.

use std::collections::HashSet;

use crate::tasks::draw::Draw;

/// Kinds of books; a reader likes two of them.
const KINDS: [&str; 8] = [
    "crime", "space", "love", "history", "cooking", "travel", "poetry", "nature",
];
const FIRST: [&str; 20] = [
    "The Silent",
    "A Distant",
    "The Last",
    "Every",
    "The Hidden",
    "A Small",
    "The Burning",
    "One More",
    "The Glass",
    "Beyond the",
    "The Winter",
    "A Borrowed",
    "The Lost",
    "Under the",
    "The Paper",
    "A Quiet",
    "The Seventh",
    "Between",
    "The Salt",
    "An Honest",
];
const SECOND: [[&str; 6]; 8] = [
    [
        "Witness",
        "Alibi",
        "Inspector",
        "Footprint",
        "Confession",
        "Key",
    ],
    ["Orbit", "Signal", "Colony", "Star", "Horizon", "Engine"],
    ["Letter", "Summer", "Promise", "Dance", "Kiss", "Heart"],
    ["Empire", "Crown", "Siege", "Republic", "Harbour", "Century"],
    ["Kitchen", "Table", "Spice", "Harvest", "Oven", "Pear"],
    ["Road", "Island", "Border", "River", "Train", "Map"],
    ["Line", "Echo", "Verse", "Silence", "Shadow", "Stone"],
    ["Forest", "Heron", "Tide", "Meadow", "Wolf", "Moss"],
];

/// 2024-01-01, in seconds since 1970.
const OPENING: f64 = 1_704_067_200.0;
/// Seconds that the log spans.
const SPAN: f64 = 540.0 * 86_400.0;
/// Share of readers, and of books, that exist from the start.
const INITIAL_SHARE: f64 = 0.6;
/// Maximum number of draws to find a book that a reader has not read.
const MAX_DRAWS: usize = 40;

/// A shop with numbers of readers and books.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    pub seed: u64,
    pub users: usize,
    pub items: usize,
}

/// A book.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    pub id: String,
    pub title: String,
    pub kind: &'static str,
    /// Time of its publication, as a share of the span.
    released: f64,
    /// Popularity, in (0, 1].
    fame: f64,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Purchase {
    pub user: String,
    pub item: String,
    /// 1 to 5.
    pub rating: u8,
    /// Seconds since 1970.
    pub time: u64,
}

impl Shop {
    fn draw(&self, what: u8, row: usize) -> Draw {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..13].copy_from_slice(b"shop\0");
        key[13] = what;
        Draw::new(key, row as u64)
    }

    pub fn books(&self) -> Vec<Book> {
        (0..self.items).map(|row| self.book(row)).collect()
    }

    fn book(&self, row: usize) -> Book {
        let mut draw = self.draw(b'i', row);
        let kind = row % KINDS.len();
        let released = match draw.chance(INITIAL_SHARE) {
            true => 0.0,
            false => draw.uniform(0.0, 1.0),
        };
        Book {
            id: format!("b{:04}", row + 1),
            title: format!("{} {}", draw.choose(&FIRST), draw.choose(&SECOND[kind])),
            kind: KINDS[kind],
            released,
            // Within a kind, popularity follows Zipf's law.
            fame: 1.0 / (1.0 + (row / KINDS.len()) as f64 * 0.4),
        }
    }

    /// The log in the order of time, ties by reader.
    pub fn log(&self) -> Vec<Purchase> {
        let books = self.books();
        let mut log: Vec<Purchase> = (0..self.users)
            .flat_map(|row| {
                let joined = if self.draw(b'j', row).chance(INITIAL_SHARE) {
                    0.0
                } else {
                    0.95
                };
                self.reader(&books, "u", row, joined)
            })
            .collect();
        log.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.user.cmp(&b.user)));
        log
    }

    /// Purchases of readers who are not in the log.
    pub fn incoming(&self, readers: usize) -> Vec<Purchase> {
        let books = self.books();
        (0..readers)
            .flat_map(|row| self.reader(&books, "new", row, 0.0))
            .collect()
    }

    /// The purchases of a reader in the order of time; they join between the start and `joined`.
    fn reader(&self, books: &[Book], prefix: &str, row: usize, joined: f64) -> Vec<Purchase> {
        let mut draw = self.draw(prefix.as_bytes()[0], row);
        let start = draw.uniform(0.0, joined.max(0.05));
        let (early, late) = (draw.below(KINDS.len()), draw.below(KINDS.len()));
        let count = draw.log_uniform(4.0, 90.0) as usize;
        let mut moments: Vec<f64> = (0..count).map(|_| draw.uniform(start, 1.0)).collect();
        moments.sort_by(f64::total_cmp);
        let mut read = HashSet::new();
        let mut log = Vec::new();
        for moment in moments {
            // The taste changes from one kind to the other.
            let taste = if draw.uniform(start, 1.0) < moment {
                late
            } else {
                early
            };
            let Some(book) = find(&mut draw, books, taste, moment, &read) else {
                continue;
            };
            read.insert(book);
            let liked = if book % KINDS.len() == taste {
                4.2
            } else {
                3.0
            };
            let rating = (liked + draw.normal() * 0.9).round().clamp(1.0, 5.0) as u8;
            log.push(Purchase {
                user: format!("{prefix}{:04}", row + 1),
                item: books[book].id.clone(),
                rating,
                time: (OPENING + SPAN * moment) as u64,
            });
        }
        log
    }
}

/// A published book that the reader has not read, usually of their taste; popular and new ones are more likely.
fn find(
    draw: &mut Draw,
    books: &[Book],
    taste: usize,
    moment: f64,
    read: &HashSet<usize>,
) -> Option<usize> {
    for _ in 0..MAX_DRAWS {
        let strays = draw.chance(0.2);
        let kind = if strays {
            draw.below(KINDS.len())
        } else {
            taste
        };
        let of_kind = books.len().saturating_sub(kind).div_ceil(KINDS.len());
        let book = draw.below(of_kind.max(1)) * KINDS.len() + kind;
        let Some(found) = books.get(book) else {
            continue;
        };
        let fresh = if moment - found.released < 0.15 {
            2.0
        } else {
            1.0
        };
        let known = draw.chance((found.fame * fresh).min(1.0));
        if known && found.released <= moment && !read.contains(&book) {
            return Some(book);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Shop = Shop {
        seed: 42,
        users: 300,
        items: 200,
    };

    #[test]
    fn the_end_of_the_log_has_readers_and_books_its_start_has_not() {
        let log = SHOP.log();
        assert!(log.is_sorted_by_key(|purchase| purchase.time));
        let cut = log.len() * 4 / 5;
        let of = |part: &[Purchase], name: fn(&Purchase) -> &String| -> HashSet<String> {
            part.iter().map(|purchase| name(purchase).clone()).collect()
        };
        let (first, last) = log.split_at(cut);
        for name in
            [|p: &Purchase| &p.user, |p: &Purchase| &p.item] as [fn(&Purchase) -> &String; 2]
        {
            assert!(of(last, name).difference(&of(first, name)).count() >= 2);
        }
    }

    #[test]
    fn few_books_are_much_read() {
        let log = SHOP.log();
        let mut counts = std::collections::HashMap::new();
        for purchase in &log {
            *counts.entry(&purchase.item).or_insert(0usize) += 1;
        }
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let top: usize = counts[..20].iter().sum();
        assert!(top * 10 > log.len() * 2, "{top} of {}", log.len());
        assert!(
            log.iter()
                .all(|purchase| (1..=5).contains(&purchase.rating))
        );
    }

    #[test]
    fn a_reader_buys_no_book_twice() {
        let log = SHOP.incoming(20);
        let pairs: HashSet<(&str, &str)> = log
            .iter()
            .map(|p| (p.user.as_str(), p.item.as_str()))
            .collect();
        assert_eq!(pairs.len(), log.len());
        assert_ne!(SHOP.log(), Shop { seed: 1, ..SHOP }.log());
    }
}
