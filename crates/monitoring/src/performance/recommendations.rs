//! Recommendations in use: which items are shown, whether that has changed, and whether users take
//! them once interactions arrive.
//!
//! Popularity is that of the training interactions. Items are grouped as in Abdollahpouri, Burke and
//! Mobasher (2019, "Managing popularity bias in recommender systems with personalized re-ranking"):
//! the most popular items that together have a fifth of the interactions are the head, the least
//! popular ones with a fifth the tail, the others the middle.

use models::metrics::bootstrap::{Interval, RESAMPLES, mean_interval, percentiles};
use models::metrics::ranking::{Ranked, mean};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::PerformanceError;
use super::error::check_rows;

/// Share of the interactions that the head has, and the tail.
const END_SHARE: f64 = 0.2;
/// Bins of items by popularity, of equally many interactions each, for [`popularity_drift`].
const BINS: usize = 20;

/// A group of items by popularity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The most popular items, with a fifth of the interactions.
    Head,
    /// The others.
    Middle,
    /// The least popular items, with a fifth of the interactions; among them those without any.
    Tail,
}

/// The items that can be shown, and how popular each was in training.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// The group of each item.
    groups: Vec<Group>,
    /// The bin of each item, the most popular items first.
    bins: Vec<u32>,
}

/// Lists shown to users, one per user or visit: the indices of items.
pub type Lists<'a> = &'a [Vec<u32>];

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Number of places shown.
    pub shown: u64,
    /// Share of places with an item of the head.
    pub head: f64,
    /// Share of places with an item of the middle.
    pub middle: f64,
    /// Share of places with an item of the tail.
    pub tail: f64,
    /// Gini coefficient of how often each item of the catalogue is shown: 0 if all are equally often,
    /// close to 1 if it is always the same.
    pub gini: f64,
    /// Share of the catalogue that is shown at all.
    pub coverage: f64,
}

/// Whether what is shown has changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopularityDrift {
    /// Jensen-Shannon distance (base 2, 0 to 1) of exposure by popularity between reference and
    /// window.
    pub distance: f64,
    /// Mean distance of two draws of whole lists out of the reference, of the sizes of reference and
    /// window: what chance alone makes.
    pub by_chance: f64,
    /// Share of such draws with at least this distance, the window itself counted among them.
    pub p_value: f64,
}

/// Whether lists hit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hits {
    /// Number of users with interactions.
    pub users: u64,
    /// Share of users with a hit among the first k.
    pub hit_rate: f64,
    /// Its 95 % interval, by a bootstrap over users.
    pub hit_rate_interval: Interval,
    /// Mean over users of the share of their interactions that is among the first k.
    pub recall: f64,
    /// Its 95 % interval, by a bootstrap over users.
    pub recall_interval: Interval,
}

impl Catalogue {
    /// Groups items by their number of interactions in training; ties go by index.
    ///
    /// # Errors
    /// No items, or no interactions.
    ///
    /// # Examples
    /// ```
    /// use monitoring::performance::recommendations::{Catalogue, Group};
    ///
    /// let catalogue = Catalogue::new(&[50, 30, 10, 6, 4, 0]).unwrap();
    /// assert_eq!(catalogue.group(0), Some(Group::Head));
    /// assert_eq!(catalogue.group(1), Some(Group::Middle));
    /// assert_eq!(catalogue.group(5), Some(Group::Tail));
    /// ```
    pub fn new(interactions: &[u64]) -> Result<Catalogue, PerformanceError> {
        check_rows("the catalogue", interactions.len(), 1)?;
        let all = interactions.iter().map(|&count| count as f64).sum::<f64>();
        check_rows("the interactions", all as usize, 1)?;
        let mut order: Vec<usize> = (0..interactions.len()).collect();
        order.sort_by_key(|&item| (std::cmp::Reverse(interactions[item]), item));
        let mut catalogue = Catalogue {
            groups: vec![Group::Tail; interactions.len()],
            bins: vec![0; interactions.len()],
        };
        let mut before = 0.0;
        for item in order {
            let share = before / all;
            catalogue.groups[item] = match share {
                share if share < END_SHARE => Group::Head,
                share if share < 1.0 - END_SHARE => Group::Middle,
                _ => Group::Tail,
            };
            catalogue.bins[item] = ((share * BINS as f64) as u32).min(BINS as u32 - 1);
            before += interactions[item] as f64;
        }
        Ok(catalogue)
    }

    /// Number of items.
    pub fn items(&self) -> usize {
        self.groups.len()
    }

    /// The group of an item; `None` if it is not in the catalogue.
    pub fn group(&self, item: u32) -> Option<Group> {
        self.groups.get(item as usize).copied()
    }

    /// What lists show. Items that are not in the catalogue were added after training: they count as
    /// shown, in no group, and not towards Gini and coverage.
    ///
    /// # Errors
    /// Nothing is shown.
    ///
    /// # Examples
    /// ```
    /// use monitoring::performance::recommendations::Catalogue;
    ///
    /// let catalogue = Catalogue::new(&[50, 30, 10, 6, 4, 0]).unwrap();
    /// let shown = catalogue.exposure(&[vec![0, 1], vec![0, 5]]).unwrap();
    /// assert_eq!((shown.head, shown.middle, shown.tail), (0.5, 0.25, 0.25));
    /// assert_eq!(shown.coverage, 0.5);
    /// ```
    pub fn exposure(&self, lists: Lists) -> Result<Exposure, PerformanceError> {
        let mut counts = vec![0u64; self.items()];
        let mut groups = [0u64; 3];
        let mut shown = 0u64;
        for &item in lists.iter().flatten() {
            shown += 1;
            if let Some(group) = self.group(item) {
                counts[item as usize] += 1;
                groups[group as usize] += 1;
            }
        }
        check_rows("the lists", shown as usize, 1)?;
        let [head, middle, tail] = groups.map(|count| count as f64 / shown as f64);
        let covered = counts.iter().filter(|&&count| count > 0).count();
        Ok(Exposure {
            shown,
            head,
            middle,
            tail,
            gini: gini(counts),
            coverage: covered as f64 / self.items() as f64,
        })
    }

    /// Exposure of a list by popularity: counts by bin, the last for items that are not in the
    /// catalogue.
    fn binned(&self, list: &[u32]) -> [u32; BINS + 1] {
        let mut counts = [0; BINS + 1];
        for &item in list {
            let bin = self
                .bins
                .get(item as usize)
                .map_or(BINS, |&bin| bin as usize);
            counts[bin] += 1;
        }
        counts
    }

    /// Compares what a window shows with what the reference showed.
    ///
    /// Items of a list are not independent, so whole lists are drawn out of the reference, 1,000 times:
    /// as many as the reference has, and beside them as many as the window has.
    ///
    /// # Errors
    /// Fewer than two lists in the reference or none in the window, or lists without items.
    pub fn popularity_drift(
        &self,
        reference: Lists,
        window: Lists,
        seed: u64,
    ) -> Result<PopularityDrift, PerformanceError> {
        check_rows("the reference", reference.len(), 2)?;
        check_rows("the window", window.len(), 1)?;
        let binned = |lists: Lists| -> Vec<[u32; BINS + 1]> {
            lists.iter().map(|list| self.binned(list)).collect()
        };
        let (of_reference, of_window) = (binned(reference), binned(window));
        let observed = total(of_reference.iter());
        let in_window = total(of_window.iter());
        check_rows(
            "the lists of the reference",
            observed.iter().sum::<u64>() as usize,
            1,
        )?;
        check_rows(
            "the lists of the window",
            in_window.iter().sum::<u64>() as usize,
            1,
        )?;
        let distance = jensen_shannon(&observed, &in_window);
        let (size, sample) = (window.len(), reference.len());
        let draw = |draw: u64| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(draw);
            let mut lists = (0..sample + size).map(|_| {
                let at = (u64::from(random.next_u32()) * sample as u64) >> 32;
                &of_reference[at as usize]
            });
            let first = total(lists.by_ref().take(sample));
            jensen_shannon(&first, &total(lists))
        };
        let drawn: Vec<f64> = (0..RESAMPLES).into_par_iter().map(draw).collect();
        let beyond = drawn
            .iter()
            .filter(|&&by_chance| by_chance >= distance)
            .count();
        let draws = drawn.len() as f64;
        Ok(PopularityDrift {
            distance,
            by_chance: drawn.iter().sum::<f64>() / draws,
            p_value: (beyond as f64 + 1.0) / (draws + 1.0),
        })
    }
}

fn total<'a>(lists: impl Iterator<Item = &'a [u32; BINS + 1]>) -> [u64; BINS + 1] {
    let mut sums = [0; BINS + 1];
    for list in lists {
        sums.iter_mut()
            .zip(list)
            .for_each(|(sum, &count)| *sum += u64::from(count));
    }
    sums
}

/// The root of the Jensen-Shannon divergence (Lin 1991) of two histograms, base 2; 0 if one is empty.
fn jensen_shannon(a: &[u64; BINS + 1], b: &[u64; BINS + 1]) -> f64 {
    let sums = [a, b].map(|counts| counts.iter().sum::<u64>() as f64);
    if sums.contains(&0.0) {
        return 0.0;
    }
    let term = |share: f64, mean: f64| match share > 0.0 {
        true => share * libm::log2(share / mean),
        false => 0.0,
    };
    let divergence = a.iter().zip(b).map(|(&a, &b)| {
        let (a, b) = (a as f64 / sums[0], b as f64 / sums[1]);
        let mean = 0.5 * (a + b);
        0.5 * (term(a, mean) + term(b, mean))
    });
    divergence.sum::<f64>().max(0.0).sqrt()
}

/// Gini coefficient of counts; 0 if all are 0.
fn gini(mut counts: Vec<u64>) -> f64 {
    counts.sort_unstable();
    let items = counts.len() as f64;
    let all: f64 = counts.iter().map(|&count| count as f64).sum();
    let ranked = (1..)
        .zip(&counts)
        .map(|(rank, &count)| f64::from(rank) * count as f64);
    let ranked: f64 = { ranked }.sum();
    match all > 0.0 {
        true => (2.0 * ranked / (items * all) - (items + 1.0) / items).max(0.0),
        false => 0.0,
    }
}

/// Whether the lists of users hit the items that they then took; users without interactions do not
/// count.
///
/// # Errors
/// No users with interactions, or no places (`k` is 0).
///
/// # Examples
/// ```
/// use models::metrics::ranking::Ranked;
/// use monitoring::performance::recommendations::hits;
///
/// let users = [
///     Ranked { hits: vec![0], relevant: 2 },
///     Ranked { hits: vec![], relevant: 1 },
/// ];
/// let found = hits(&users, 10, 42).unwrap();
/// assert_eq!((found.hit_rate, found.recall), (0.5, 0.25));
/// ```
pub fn hits(users: &[Ranked], k: usize, seed: u64) -> Result<Hits, PerformanceError> {
    check_rows("the list", k, 1)?;
    let users: Vec<Ranked> = users
        .iter()
        .filter(|user| user.relevant > 0)
        .cloned()
        .collect();
    check_rows("the users with interactions", users.len(), 1)?;
    let figure = |of: &dyn Fn(&Ranked) -> f64| {
        let values: Vec<f64> = users.iter().map(of).collect();
        let interval = mean_interval(&values, seed);
        // There are users.
        interval.unwrap_or_else(|| percentiles(values.into_iter()))
    };
    Ok(Hits {
        users: users.len() as u64,
        hit_rate: mean(&users, |user| user.hit(k)),
        hit_rate_interval: figure(&|user| user.hit(k)),
        recall: mean(&users, |user| user.recall(k)),
        recall_interval: figure(&|user| user.recall(k)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gini_by_hand() {
        assert_eq!(gini(vec![5; 4]), 0.0);
        assert_eq!(gini(vec![0, 0, 0, 8]), 0.75); // (n - 1) / n
        assert_eq!(gini(vec![1, 3]), 0.25);
        assert_eq!(gini(vec![0; 3]), 0.0);
    }

    #[test]
    fn distance_by_hand() {
        let counts = |pairs: &[(usize, u64)]| {
            let mut counts = [0; BINS + 1];
            pairs.iter().for_each(|&(bin, count)| counts[bin] = count);
            counts
        };
        let (a, b) = (counts(&[(0, 4)]), counts(&[(1, 2)]));
        assert_eq!(jensen_shannon(&a, &a), 0.0);
        assert_eq!(jensen_shannon(&a, &b), 1.0);
        // scipy 1.17: jensenshannon([1, 0], [.5, .5], 2).
        let half = counts(&[(0, 1), (1, 1)]);
        assert!((jensen_shannon(&a, &half) - 0.5579230452841438).abs() < 1e-12);
        assert_eq!(jensen_shannon(&a, &counts(&[])), 0.0);
    }

    /// Lists of ten items out of 200, with popular ones more often.
    fn lists(count: usize, power: i32, seed: u64) -> Vec<Vec<u32>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut item = || {
            let uniform = f64::from(random.next_u32()) / 4_294_967_296.0;
            (200.0 * uniform.powi(power)) as u32
        };
        (0..count)
            .map(|_| (0..10).map(|_| item()).collect())
            .collect()
    }

    #[test]
    fn drift_is_told_from_chance() {
        let interactions: Vec<u64> = (0..200).map(|item| 1000 / (1 + item)).collect();
        let catalogue = Catalogue::new(&interactions).unwrap();
        let reference = lists(300, 3, 1);
        let found =
            |window: &[Vec<u32>]| catalogue.popularity_drift(&reference, window, 7).unwrap();
        let same: Vec<f64> = (10..40)
            .map(|seed| found(&lists(100, 3, seed)).p_value)
            .collect();
        let alarms = same.iter().filter(|&&p| p < 0.05).count();
        assert!(alarms <= 5, "{alarms} of 30 at 5 %"); // 1.5 expected; 6 or more: .3 %
        let moved = found(&lists(100, 2, 2));
        assert!(
            moved.p_value < 0.01 && moved.distance > 2.0 * moved.by_chance,
            "{moved:?}"
        );
    }

    #[test]
    fn what_shows_nothing_is_refused() {
        assert!(Catalogue::new(&[]).is_err() && Catalogue::new(&[0, 0]).is_err());
        let catalogue = Catalogue::new(&[2, 1]).unwrap();
        assert!(catalogue.exposure(&[]).is_err());
        assert!(
            catalogue
                .popularity_drift(&[vec![0], vec![1]], &[], 7)
                .is_err()
        );
        assert!(hits(&[Ranked::default()], 10, 7).is_err());
        // An item from after training.
        let shown = catalogue.exposure(&[vec![0, 9]]).unwrap();
        assert_eq!(
            (shown.head, shown.middle + shown.tail, shown.coverage),
            (0.5, 0.0, 0.5)
        );
    }

    #[test]
    fn more_users_make_narrower_intervals() {
        let users = |count: usize| -> Vec<Ranked> {
            let user = |i: usize| Ranked {
                hits: if i.is_multiple_of(3) { vec![1] } else { vec![] },
                relevant: 2,
            };
            (0..count).map(user).collect()
        };
        let (few, many) = (
            hits(&users(90), 10, 7).unwrap(),
            hits(&users(900), 10, 7).unwrap(),
        );
        assert!((few.hit_rate - 1.0 / 3.0).abs() < 1e-12 && few.recall < few.hit_rate);
        let width = |found: &Hits| found.hit_rate_interval.high - found.hit_rate_interval.low;
        assert!(width(&many) < 0.5 * width(&few));
    }
}
