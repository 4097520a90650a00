//! Bootstrap intervals of the ROC AUC, and of the difference of two, over groups of rows.
//!
//! Rows of a group (the photos of a scene) are not independent, so whole groups are drawn with
//! replacement instead of rows (Davison and Hinkley 1997, section 3.8). Each resample has its own
//! random stream, so threads change nothing.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, RESAMPLES, percentiles};
use super::roc::roc_auc;

/// An AUC, or a difference of two, with its percentile interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value on the original rows.
    pub value: f64,
    /// Lower end of the percentile interval.
    pub low: f64,
    /// Upper end of the percentile interval.
    pub high: f64,
}

/// Labelled rows in groups, and the seed of their resamples.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    /// The label of each row.
    pub positive: &'a [bool],
    /// The group of each row, numbered from 0 without large gaps.
    pub groups: &'a [u32],
    /// Seed of the resamples' random streams.
    pub seed: u64,
}

impl Groups<'_> {
    /// ROC AUC of `scores`. `None` if there are no positives or no negatives.
    pub fn roc_auc(&self, scores: &[f64]) -> Option<Estimate> {
        let order = Order::of(self.positive, scores);
        self.estimate(roc_auc(self.positive, scores)?, |counts| order.area(counts))
    }

    /// AUC of `scores` minus that of `others`, on the same resamples.
    ///
    /// Paired: much narrower than the difference of two intervals where both scores err on the same rows.
    /// An interval without 0 speaks for a difference that is more than chance.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::metrics::bootstrap_roc::Groups;
    ///
    /// let positive: Vec<bool> = (0..80).map(|row| row % 2 == 0).collect();
    /// let groups: Vec<u32> = (0..80).map(|row| row / 4).collect(); // scenes of four photos
    /// let rows = Groups { positive: &positive, groups: &groups, seed: 42 };
    /// let right: Vec<f64> = positive.iter().map(|&positive| f64::from(u8::from(positive))).collect();
    /// let none = vec![0.0; 80];
    /// let better = rows.difference(&right, &none).unwrap();
    /// assert_eq!((better.value, better.low, better.high), (0.5, 0.5, 0.5));
    /// ```
    pub fn difference(&self, scores: &[f64], others: &[f64]) -> Option<Estimate> {
        let value = roc_auc(self.positive, scores)? - roc_auc(self.positive, others)?;
        let orders = [scores, others].map(|scores| Order::of(self.positive, scores));
        self.estimate(value, |counts| {
            Some(orders[0].area(counts)? - orders[1].area(counts)?)
        })
    }

    /// Resamples that lack a class have no AUC and are skipped.
    fn estimate(
        &self,
        value: f64,
        figure: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Option<Estimate> {
        let figures: Vec<f64> = (0..RESAMPLES)
            .into_par_iter()
            .filter_map(|resample| figure(&self.counts(resample)))
            .collect();
        if figures.is_empty() {
            return None;
        }
        let Interval { low, high } = percentiles(figures.into_iter());
        Some(Estimate { value, low, high })
    }

    /// How often each row is in a resample, that is, how often its group was drawn.
    fn counts(&self, resample: u64) -> Vec<u32> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(resample);
        let groups = self
            .groups
            .iter()
            .max()
            .map_or(0, |&last| last as usize + 1);
        let mut present = vec![false; groups];
        self.groups
            .iter()
            .for_each(|&group| present[group as usize] = true);
        let present: Vec<usize> = (0..groups).filter(|&group| present[group]).collect();
        let mut drawn = vec![0u32; groups];
        for _ in &present {
            // The bias is at most groups / 2^32, negligible compared with the variance of a
            // resample.
            let at = (u64::from(random.next_u32()) * present.len() as u64) >> 32;
            drawn[present[at as usize]] += 1;
        }
        self.groups
            .iter()
            .map(|&group| drawn[group as usize])
            .collect()
    }
}

/// Rows by ascending score.
struct Order {
    /// The row, whether it is positive, and whether its score ties with the previous one.
    rows: Vec<(usize, bool, bool)>,
}

impl Order {
    fn of(positive: &[bool], scores: &[f64]) -> Order {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(a.cmp(&b)));
        let tied = |place: usize| place > 0 && scores[order[place]] == scores[order[place - 1]];
        let rows = order.iter().enumerate();
        Order {
            rows: rows
                .map(|(place, &row)| (row, positive[row], tied(place)))
                .collect(),
        }
    }

    /// [`roc_auc`] with each row repeated `counts` times.
    fn area(&self, counts: &[u32]) -> Option<f64> {
        let (mut positives, mut negatives, mut twice_wins) = (0u128, 0u128, 0u128);
        let (mut yes, mut no) = (0u128, 0u128); // of one score
        for &(row, positive, tied) in &self.rows {
            if !tied {
                twice_wins += yes * (2 * negatives + no);
                (positives, negatives) = (positives + yes, negatives + no);
                (yes, no) = (0, 0);
            }
            match positive {
                true => yes += u128::from(counts[row]),
                false => no += u128::from(counts[row]),
            }
        }
        twice_wins += yes * (2 * negatives + no);
        let pairs = (positives + yes) * (negatives + no);
        (pairs > 0).then(|| twice_wins as f64 / (2 * pairs) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 200 rows of normal-like scores, positives a standard deviation higher.
    fn rows() -> (Vec<bool>, Vec<f64>) {
        let noise = |i: u32, step: u32| f64::from(i * step % 211) / 211.0 - 0.5;
        (0..200)
            .map(|i| {
                let sum: f64 = [37, 59, 83, 101]
                    .map(|step| noise(i + 1, step))
                    .iter()
                    .sum();
                (i % 2 == 0, sum + if i % 2 == 0 { 0.58 } else { 0.0 })
            })
            .unzip()
    }

    fn groups<'a>(positive: &'a [bool], groups: &'a [u32]) -> Groups<'a> {
        Groups {
            positive,
            groups,
            seed: 5,
        }
    }

    #[test]
    fn counting_every_row_once_gives_the_plain_auc() {
        let (positive, mut scores) = rows();
        for row in (0..200).step_by(3) {
            scores[row] = (scores[row] * 4.0).round() / 4.0; // ties
        }
        let order = Order::of(&positive, &scores);
        assert_eq!(order.area(&[1; 200]), roc_auc(&positive, &scores));
        // A row that counts twice is two rows.
        let mut counts = [1; 200];
        counts[7] = 2;
        let twice = |values: &[f64]| [values, &values[7..8]].concat();
        let doubled = roc_auc(&[&positive[..], &positive[7..8]].concat(), &twice(&scores));
        assert_eq!(order.area(&counts), doubled);
        assert_eq!(order.area(&[0; 200]), None);
    }

    /// Hanley and McNeil (1982): the standard error of an area of 0.84 with 100 and 100 rows is 0.028.
    #[test]
    fn independent_rows_vary_as_in_hanley_and_mcneil() {
        let (positive, scores) = rows();
        let each: Vec<u32> = (0..200).collect();
        let area = groups(&positive, &each).roc_auc(&scores).unwrap();
        let (q1, q2) = (
            area.value / (2.0 - area.value),
            2.0 * area.value.powi(2) / (1.0 + area.value),
        );
        let square = area.value.powi(2);
        let variance = area.value * (1.0 - area.value) + 99.0 * (q1 + q2 - 2.0 * square);
        let width = 2.0 * 1.96 * (variance / 10_000.0).sqrt();
        assert!(
            (area.high - area.low - width).abs() < 0.2 * width,
            "{area:?}, {width}"
        );
        assert!(area.low < area.value && area.value < area.high);
    }

    #[test]
    fn dependent_rows_widen_the_interval() {
        let (positive, scores) = rows();
        // Each pair of rows ten times: twenty times the rows, no more information.
        let repeat = |row: usize| row / 20 * 2 + row % 2;
        let many: Vec<bool> = (0..2000).map(|row| positive[repeat(row)]).collect();
        let scores: Vec<f64> = (0..2000).map(|row| scores[repeat(row)]).collect();
        let each: Vec<u32> = (0..2000).collect();
        let pairs: Vec<u32> = (0..2000).map(|row| row / 20).collect();
        let width = |by: &[u32]| {
            let area = groups(&many, by).roc_auc(&scores).unwrap();
            area.high - area.low
        };
        assert!(width(&pairs) > 2.0 * width(&each));
    }

    #[test]
    fn equal_scores_have_no_difference_and_threads_change_no_bit() {
        let (positive, scores) = rows();
        let each: Vec<u32> = (0..200).collect();
        let groups = groups(&positive, &each);
        let same = groups.difference(&scores, &scores).unwrap();
        assert_eq!((same.value, same.low, same.high), (0.0, 0.0, 0.0));
        let constant = [1.0; 200];
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| groups.difference(&scores, &constant))
        };
        assert_eq!(on(1), on(8));
        let better = on(2).unwrap();
        assert!(better.low > 0.1 && better.value > 0.2, "{better:?}");
        assert_eq!(groups.roc_auc(&constant).unwrap().value, 0.5);
        let one_class = Groups {
            positive: &[true; 200],
            ..groups
        };
        assert_eq!(one_class.roc_auc(&scores), None);
    }
}
