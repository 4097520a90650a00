//! Who to contact first: the share of the positives among the rows with the highest scores
//! (cumulative gain), and how much higher it is than in a random order (lift).
//!
//! Rows with equal scores are taken to be in random order: within them the gain grows evenly. So the
//! order in which rows come changes nothing. For one class of several, its probability is the score
//! and its rows are the positives.

use serde::Serialize;

use super::roc::{Tie, descending_ties, roc_auc};

/// A point of the cumulative gain and lift curves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GainPoint {
    /// Share of all rows that is chosen, those with the highest scores, 0 to 1.
    pub share: f64,
    /// Share of all positives that is among them, 0 to 1.
    pub gain: f64,
    /// gain / share; for no rows its limit, the lift of the rows with the highest score.
    pub lift: f64,
}

/// Rows between two places in the order of their scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Number of rows; not an integer if the bands do not divide them.
    pub rows: f64,
    /// Number of positives; where equal scores are on both sides of an end, the expected one.
    pub positives: f64,
    /// Share of positives.
    pub rate: f64,
    /// Rate divided by the rate of all rows.
    pub lift: f64,
    /// Share of all positives that is in this or an earlier band.
    pub gain: f64,
    /// The highest score.
    pub highest: f64,
    /// The lowest score.
    pub lowest: f64,
}

/// Points of the curves at equal steps from no rows to all, at most `limit` of them (but at least
/// the two ends). Empty without positives. A score that is NaN is the lowest.
///
/// # Examples
/// ```
/// use easylife_models::metrics::gain::gain_curve;
///
/// let curve = gain_curve(&[true, true, false, false], &[0.9, 0.4, 0.6, 0.1], 100);
/// let points: Vec<(f64, f64)> = curve.iter().map(|point| (point.share, point.gain)).collect();
/// assert_eq!(points, [(0.0, 0.0), (0.25, 0.5), (0.5, 0.5), (0.75, 1.0), (1.0, 1.0)]);
/// assert_eq!(curve[1].lift, 2.0);
/// ```
pub fn gain_curve(positive: &[bool], scores: &[f64], limit: usize) -> Vec<GainPoint> {
    let ranking = Ranking::new(positive, scores);
    let Some(first) = ranking.ties.first().filter(|_| ranking.positives > 0) else {
        return Vec::new();
    };
    let (rows, positives) = (ranking.rows as f64, ranking.positives as f64);
    let top = first.positives as f64 / (first.positives + first.negatives) as f64;
    let steps = ranking.rows.min(limit.max(2) as u64 - 1);
    (0..=steps)
        .map(|step| {
            let share = step as f64 / steps as f64;
            let gain = ranking.place(step, steps).positives / positives;
            let lift = if step == 0 {
                top * rows / positives
            } else {
                gain / share
            };
            GainPoint { share, gain, lift }
        })
        .collect()
}

/// The deciles table: ten [`Band`]s of equal numbers of rows, highest scores first; with fewer than
/// ten rows one for each. Empty without positives. A score that is NaN is the lowest.
///
/// # Examples
/// ```
/// use easylife_models::metrics::gain::deciles;
///
/// // 100 rows: every one of the first 10 is positive, and every third of the rest.
/// let positive: Vec<bool> = (0..100).map(|row| row < 10 || row % 3 == 0).collect();
/// let scores: Vec<f64> = (0..100).map(|row| 1.0 - f64::from(row) / 100.0).collect();
/// let deciles = deciles(&positive, &scores);
/// assert_eq!((deciles[0].rows, deciles[0].rate), (10.0, 1.0));
/// assert_eq!(deciles[9].positives, 4.0); // 90, 93, 96, 99
/// ```
pub fn deciles(positive: &[bool], scores: &[f64]) -> Vec<Band> {
    let ranking = Ranking::new(positive, scores);
    if ranking.positives == 0 {
        return Vec::new();
    }
    let overall = ranking.positives as f64 / ranking.rows as f64;
    let bands = ranking.rows.min(10);
    let rows = ranking.rows as f64 / bands as f64;
    (0..bands)
        .map(|band| {
            let (start, end) = (ranking.place(band, bands), ranking.place(band + 1, bands));
            let positives = end.positives - start.positives;
            let next = &ranking.ties[start.after];
            Band {
                rows,
                positives,
                rate: positives / rows,
                lift: positives / rows / overall,
                gain: end.positives / ranking.positives as f64,
                highest: next.score,
                lowest: ranking.ties[end.before].score,
            }
        })
        .collect()
}

/// The Gini coefficient, 2 AUC - 1: 1 for perfect scores, 0 for random ones. `None` without positives
/// or without negatives.
///
/// # Examples
/// ```
/// use easylife_models::metrics::gain::gini;
///
/// assert_eq!(gini(&[true, true, false, false], &[0.9, 0.4, 0.6, 0.1]), Some(0.5));
/// ```
pub fn gini(positive: &[bool], scores: &[f64]) -> Option<f64> {
    Some(2.0 * roc_auc(positive, &comparable(scores))? - 1.0)
}

/// Scores that equal themselves.
fn comparable(scores: &[f64]) -> Vec<f64> {
    let lowest = |&score: &f64| {
        if score.is_nan() {
            f64::NEG_INFINITY
        } else {
            score
        }
    };
    scores.iter().map(lowest).collect()
}

/// Rows by descending score.
struct Ranking {
    ties: Vec<Tie>,
    /// Number of rows, and of positives, up to the end of each tie.
    ends: Vec<(u64, u64)>,
    rows: u64,
    positives: u64,
}

/// A place in the ranking.
struct Place {
    /// Expected number of positives before it.
    positives: f64,
    /// The tie of the row before it; 0 at the start.
    before: usize,
    /// The tie of the row after it; the last at the end.
    after: usize,
}

impl Ranking {
    fn new(positive: &[bool], scores: &[f64]) -> Ranking {
        let ties = descending_ties(positive, &comparable(scores));
        let (mut rows, mut positives) = (0, 0);
        let ends = ties
            .iter()
            .map(|tie| {
                rows += tie.positives + tie.negatives;
                positives += tie.positives;
                (rows, positives)
            })
            .collect();
        Ranking {
            ties,
            ends,
            rows,
            positives,
        }
    }

    /// The place behind `step` of `steps` equal parts of the rows. Exact in integers up to the
    /// division: `steps` times the place is `step` times the rows.
    fn place(&self, step: u64, steps: u64) -> Place {
        let goal = u128::from(step) * u128::from(self.rows);
        let reached = |end: &(u64, u64)| u128::from(end.0) * u128::from(steps);
        let before = self.ends.partition_point(|end| reached(end) < goal);
        let after = self.ends.partition_point(|end| reached(end) <= goal);
        let last = self.ties.len().saturating_sub(1);
        let (before, after) = (before.min(last), after.min(last));
        let start = before.checked_sub(1).map_or((0, 0), |tie| self.ends[tie]);
        let tie = &self.ties[before];
        let inside = (goal - reached(&start).min(goal)) as f64 / steps as f64;
        let share = inside / (tie.positives + tie.negatives) as f64;
        Place {
            positives: start.1 as f64 + share * tie.positives as f64,
            before,
            after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_are_straight() {
        // One tie of all rows: no better than random, however the rows are ordered.
        let positive = [true, true, false, false, false];
        for point in gain_curve(&positive, &[0.5; 5], 100) {
            assert!((point.gain - point.share).abs() < 1e-15 && (point.lift - 1.0).abs() < 1e-15);
        }
        assert_eq!(gini(&positive, &[0.5; 5]), Some(0.0));
    }

    #[test]
    fn deciles_by_hand() {
        // 20 rows, the four best of them positive, then one tie of 16 rows with 4 positives.
        let positive: Vec<bool> = (0..20).map(|row| row < 8).collect();
        let scores: Vec<f64> = (0..20)
            .map(|row| if row < 4 { 9.0 - f64::from(row) } else { 1.0 })
            .collect();
        let bands = deciles(&positive, &scores);
        assert_eq!(bands.len(), 10);
        let first = Band {
            rows: 2.0,
            positives: 2.0,
            rate: 1.0,
            lift: 2.5,
            gain: 0.25,
            highest: 9.0,
            lowest: 8.0,
        };
        assert_eq!(bands[0], first);
        assert_eq!((bands[1].highest, bands[1].lowest), (7.0, 6.0));
        assert_eq!((bands[2].positives, bands[2].lift), (0.5, 0.625));
        assert_eq!(
            (bands[2].highest, bands[9].lowest, bands[9].gain),
            (1.0, 1.0, 1.0)
        );
        // 4 of 8 positives beat all 12 negatives, the others tie: AUC 0.75.
        assert_eq!(gini(&positive, &scores), Some(0.5));
    }

    #[test]
    fn few_rows_and_many() {
        assert_eq!(deciles(&[true, false, true], &[3.0, 2.0, 1.0]).len(), 3);
        let positive: Vec<bool> = (0..25).map(|row| row % 2 == 0).collect();
        let scores: Vec<f64> = (0..25).map(|row| -f64::from(row)).collect();
        let bands = deciles(&positive, &scores);
        assert_eq!((bands[0].rows, bands[0].positives), (2.5, 1.5)); // 1, 0, and half of 1
        assert_eq!(gain_curve(&positive, &scores, 11).len(), 11);
        assert_eq!(gain_curve(&positive, &scores, 0).len(), 2);
        assert_eq!(gain_curve(&positive, &scores, 1000).len(), 26);
    }

    #[test]
    fn degenerate_rows() {
        assert!(gain_curve(&[], &[], 10).is_empty() && deciles(&[], &[]).is_empty());
        assert!(gain_curve(&[false; 3], &[1.0, 2.0, 3.0], 10).is_empty());
        assert!(deciles(&[false; 3], &[1.0, 2.0, 3.0]).is_empty());
        assert_eq!(gini(&[true], &[1.0]), None);
        let one = gain_curve(&[true], &[1.0], 10);
        assert_eq!((one.len(), one[1].gain, one[0].lift), (2, 1.0, 1.0));
        let scores = [f64::NAN, 1.0, f64::INFINITY, f64::NAN];
        let curve = gain_curve(&[true, false, true, false], &scores, 10);
        let gains: Vec<f64> = curve.iter().map(|point| point.gain).collect();
        assert_eq!(gains, [0.0, 0.5, 0.5, 0.75, 1.0]);
    }

    fn scored_rows() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
        prop::collection::vec((any::<bool>(), 0u32..12), 1..80).prop_map(|rows| {
            rows.into_iter()
                .map(|(yes, score)| (yes, f64::from(score)))
                .unzip()
        })
    }

    proptest! {
        #[test]
        fn order_changes_nothing_and_gain_never_falls((truth, scores) in scored_rows(), limit in 0usize..30) {
            let curve = gain_curve(&truth, &scores, limit);
            prop_assert!(curve.len() <= limit.max(2));
            prop_assert!(curve.windows(2).all(|w| w[0].gain <= w[1].gain && w[0].share < w[1].share));
            let (turned, turned_scores): (Vec<bool>, Vec<f64>) =
                truth.iter().zip(&scores).rev().map(|(yes, score)| (*yes, *score)).unzip();
            prop_assert_eq!(&curve, &gain_curve(&turned, &turned_scores, limit));
            prop_assert_eq!(deciles(&truth, &scores), deciles(&turned, &turned_scores));
        }

        /// The area under the gain curve is that under the ROC curve, mixed with the positives' own.
        #[test]
        fn area_and_gini_agree((truth, scores) in scored_rows()) {
            let curve = gain_curve(&truth, &scores, usize::MAX);
            if let Some(gini) = gini(&truth, &scores) {
                let area: f64 = curve.windows(2)
                    .map(|w| (w[1].share - w[0].share) * (w[1].gain + w[0].gain) / 2.0)
                    .sum();
                let negatives = truth.iter().filter(|yes| !**yes).count() as f64;
                let ratio = (area - 0.5) / (0.5 * negatives / truth.len() as f64);
                prop_assert!((ratio - gini).abs() < 1e-12, "{ratio} {gini}");
            }
        }

        #[test]
        fn bands_hold_all_positives((truth, scores) in scored_rows()) {
            let bands = deciles(&truth, &scores);
            let positives = truth.iter().filter(|yes| **yes).count() as f64;
            prop_assert!((bands.iter().map(|band| band.positives).sum::<f64>() - positives).abs() < 1e-9);
            prop_assert!(bands.iter().all(|band| band.highest >= band.lowest && band.rate <= 1.0 + 1e-12));
        }
    }
}
