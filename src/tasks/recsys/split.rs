//! Splits interactions into a training and a test part, and removes rare users and items.

use anyhow::Result;

use crate::exit;
use crate::pipeline::split::hash;
use crate::tasks::recsys::params::By;
use tables::{Rating, Ratings};

/// How to split.
#[derive(Clone, Copy, Debug)]
pub(super) struct HoldOut {
    /// Share of the interactions to hold out; 0: none.
    pub share: f64,
    pub by: By,
    /// Seed of the random choice without times.
    pub seed: u64,
}

/// Splits rows that are sorted by user, time and item; both parts keep all ids.
///
/// Without times the last interactions of a user are unknown, so the same number is chosen at random. (The order of
/// ids would hold out the same items for all users, so that they would be missing in training.)
pub(super) fn split_train_test(mut source: Ratings, rule: HoldOut) -> Result<(Ratings, Ratings)> {
    let share_of = |n: usize| ((n as f64 * rule.share) as usize).max(1);
    let ordered = source.are_ordered();
    let held: Vec<bool> = match rule.by {
        _ if rule.share == 0.0 => vec![false; source.rows.len()],
        By::User if ordered => last_of_each(&source.rows, share_of),
        By::User => drawn_of_each(&source, rule.seed, share_of),
        By::Last if ordered => last_of_each(&source.rows, |_| 1),
        By::Last => drawn_of_each(&source, rule.seed, |_| 1),
        By::Time => after_split_time(&source, rule.share)?,
    };
    let rows = std::mem::take(&mut source.rows);
    let part = |wanted: bool| Ratings {
        rows: rows
            .iter()
            .zip(&held)
            .filter(|(_, held)| **held == wanted)
            .map(|(row, _)| *row)
            .collect(),
        ..source.clone()
    };
    Ok((part(false), part(true)))
}

/// Marks the last `count(n)` of each user's n rows; none for users with fewer than two.
fn last_of_each(rows: &[Rating], count: impl Fn(usize) -> usize) -> Vec<bool> {
    let users = rows.chunk_by(|a, b| a.user == b.user);
    users
        .flat_map(|rows| {
            let n = rows.len();
            let held = if n < 2 { 0 } else { count(n) };
            (0..n).map(move |at| at >= n - held)
        })
        .collect()
}

/// Marks `count(n)` of each user's n rows, chosen by the seed and both ids alone, so that other users and the order of
/// rows do not matter; none for users with fewer than two.
fn drawn_of_each(source: &Ratings, seed: u64, count: impl Fn(usize) -> usize) -> Vec<bool> {
    let draw = |row: &Rating| {
        let (user, item) = (
            &source.users[row.user as usize],
            &source.items[row.item as usize],
        );
        hash(&format!("{user}\0{item}"), seed)
    };
    let users = source.rows.chunk_by(|a, b| a.user == b.user);
    users
        .flat_map(|rows| {
            let n = rows.len();
            let mut order: Vec<(u64, usize)> = rows.iter().map(draw).zip(0..).collect();
            order.sort_unstable();
            let mut held = vec![false; n];
            let drawn = if n < 2 { 0 } else { count(n) };
            order
                .iter()
                .take(drawn)
                .for_each(|&(_, at)| held[at] = true);
            held
        })
        .collect()
}

/// Marks the latest rows, about `share` of them; rows at the same time stay together.
fn after_split_time(source: &Ratings, share: f64) -> Result<Vec<bool>> {
    let mut times: Vec<f64> = source.rows.iter().map(|row| row.time).collect();
    times.sort_by(f64::total_cmp);
    let (first, last) = (times[0], times[times.len() - 1]);
    if !source.timed || first == last {
        return Err(exit::data(
            "recsys.split.by: time needs a column with different times; set it with \
            recsys.data.time, or split by user",
        ));
    }
    let held = ((times.len() as f64 * share) as usize).max(1);
    let mut moment = times[times.len() - held];
    if moment == first {
        // Most rows are at the first time: hold out all later ones.
        moment = times[times.partition_point(|&time| time <= first)];
    }
    Ok(source.rows.iter().map(|row| row.time >= moment).collect())
}

/// Removes users and items with fewer rows than the minimum, until all remaining ones have enough.
pub(super) fn keep_frequent(ratings: &mut Ratings, min_user: usize, min_item: usize) {
    loop {
        let before = ratings.rows.len();
        let mut users = vec![0usize; ratings.users.len()];
        let mut items = vec![0usize; ratings.items.len()];
        for row in &ratings.rows {
            users[row.user as usize] += 1;
            items[row.item as usize] += 1;
        }
        ratings.rows.retain(|row| {
            users[row.user as usize] >= min_user && items[row.item as usize] >= min_item
        });
        if ratings.rows.len() == before {
            return;
        }
    }
}

/// The ids of the users (or items) that have rows.
pub(super) fn used_ids(ratings: &Ratings, of_users: bool) -> Vec<String> {
    let ids = if of_users {
        &ratings.users
    } else {
        &ratings.items
    };
    let mut seen = vec![false; ids.len()];
    for row in &ratings.rows {
        seen[(if of_users { row.user } else { row.item }) as usize] = true;
    }
    let ids = ids.iter().zip(seen).filter(|(_, seen)| *seen);
    ids.map(|(id, _)| id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// User and time of each row; items count up.
    fn ratings(rows: &[(u32, f64)]) -> Ratings {
        let mut ratings = Ratings {
            users: vec!["a".into(), "b".into(), "c".into()],
            items: (0..rows.len()).map(|item| item.to_string()).collect(),
            rows: rows
                .iter()
                .enumerate()
                .map(|(item, &(user, time))| Rating {
                    user,
                    item: item as u32,
                    rating: None,
                    time,
                })
                .collect(),
            timed: true,
            ..Ratings::default()
        };
        ratings.sort();
        ratings
    }

    fn test_items(source: &Ratings, share: f64, by: By) -> Vec<u32> {
        let rule = HoldOut { share, by, seed: 1 };
        let (_, test) = split_train_test(source.clone(), rule).unwrap();
        test.rows.iter().map(|row| row.item).collect()
    }

    /// Ids in order of the rows were taken for times: of items that sort last, every row was held out, and
    /// none was trained on.
    /// A column of times in which all are alike says no more than none.
    #[test]
    fn times_that_are_all_alike_put_nothing_in_order() {
        let rows: Vec<(u32, f64)> = (0..90).map(|row| (row % 3, 7.0)).collect();
        let test = test_items(&ratings(&rows), 0.2, By::User);
        assert_eq!(test.len(), 18);
        assert!(test.iter().any(|&item| item < 45));
    }

    #[test]
    fn without_times_rows_are_drawn_and_not_the_last_ids() {
        let (users, items) = (200, 10);
        let pairs = (0..users).flat_map(|user| (0..items).map(move |item| (user, item)));
        let mut source = Ratings {
            users: (0..users).map(|user| format!("u{user:03}")).collect(),
            items: (0..items).map(|item| format!("i{item}")).collect(),
            rows: pairs
                .map(|(user, item)| Rating {
                    user,
                    item,
                    rating: None,
                    time: 0.0,
                })
                .collect(),
            ..Ratings::default()
        };
        source.sort();
        for (by, each) in [(By::User, 2), (By::Last, 1)] {
            let test = test_items(&source, 0.2, by);
            assert_eq!(test.len(), users as usize * each);
            for item in 0..items {
                let held = test.iter().filter(|&&held| held == item).count();
                let expected = users as usize * each / items as usize;
                assert!(held > expected / 2 && held < expected * 2, "{item}: {held}");
            }
        }
        let drawn = |seed| {
            let rule = HoldOut {
                share: 0.2,
                by: By::User,
                seed,
            };
            split_train_test(source.clone(), rule).unwrap().1.rows
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn each_rule_holds_out_the_last() {
        let source = ratings(&[(0, 1.0), (0, 9.0), (0, 5.0), (1, 7.0), (1, 7.0), (2, 9.0)]);
        assert_eq!(test_items(&source, 0.2, By::User), [1, 4]);
        assert_eq!(test_items(&source, 0.7, By::User), [2, 1, 4]);
        assert_eq!(test_items(&source, 0.7, By::Last), [1, 4]);
        assert_eq!(test_items(&source, 0.2, By::Time), [1, 5]);
        assert!(test_items(&source, 0.0, By::User).is_empty());
    }

    #[test]
    fn a_moment_leaves_something_to_train_on() {
        let source = ratings(&[(0, 1.0), (0, 1.0), (0, 1.0), (1, 2.0)]);
        assert_eq!(test_items(&source, 0.9, By::Time), [3]);
        let still = ratings(&[(0, 1.0), (1, 1.0)]);
        assert!(
            split_train_test(
                still,
                HoldOut {
                    share: 0.5,
                    by: By::Time,
                    seed: 1
                }
            )
            .is_err()
        );
    }

    #[test]
    fn rare_ones_go_until_none_is_left() {
        let mut source = ratings(&[(0, 1.0), (0, 2.0), (1, 3.0)]);
        source.rows[2].item = 0;
        keep_frequent(&mut source, 2, 1);
        assert_eq!(used_ids(&source, true), ["a"]);
        keep_frequent(&mut source, 1, 2);
        assert!(source.rows.is_empty());
    }
}
