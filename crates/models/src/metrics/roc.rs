//! The ROC curve of one score against binary labels: its points and its area, exact with ties. The
//! caller chooses which class is positive.

use serde::Serialize;

/// A point of the ROC curve: the rates if every score of at least `threshold` is predicted
/// positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RocPoint {
    /// Share of the negatives predicted positive, 0 to 1.
    pub fpr: f64,
    /// Share of the positives predicted positive, 0 to 1.
    pub tpr: f64,
    /// `None` at the start of the curve, where nothing is predicted positive (scikit-learn:
    /// infinity).
    pub threshold: Option<f64>,
}

/// Counts of rows that share one score.
pub(super) struct Tie {
    pub score: f64,
    pub positives: u64,
    pub negatives: u64,
}

/// Area under the ROC curve: the probability that a positive scores above a negative, ties counting
/// half (Mann and Whitney 1947). Counted in integers, so exact up to the final division. `None`
/// without positives or without negatives.
///
/// # Examples
/// ```
/// use easylife_models::metrics::roc::roc_auc;
///
/// let positive = [true, true, false, false];
/// assert_eq!(roc_auc(&positive, &[0.9, 0.4, 0.6, 0.1]), Some(0.75));
/// // A tie counts half.
/// assert_eq!(roc_auc(&positive, &[0.5; 4]), Some(0.5));
/// assert_eq!(roc_auc(&[true], &[0.9]), None);
/// ```
pub fn roc_auc(positive: &[bool], scores: &[f64]) -> Option<f64> {
    let ties = descending_ties(positive, scores);
    let (positives, negatives) = totals(&ties);
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut below = u128::from(negatives);
    let mut twice_wins = 0u128;
    for tie in &ties {
        let (yes, no) = (u128::from(tie.positives), u128::from(tie.negatives));
        below -= no;
        twice_wins += yes * (2 * below + no);
    }
    Some(twice_wins as f64 / (2 * u128::from(positives) * u128::from(negatives)) as f64)
}

/// Points of the ROC curve from (0, 0) to (1, 1), at most `limit` of them (but at least the two
/// ends). Collinear points are dropped first, which does not change the curve; the rest is thinned
/// in equal steps, keeping the ends. Empty if [`roc_auc`] is `None`.
///
/// # Examples
/// ```
/// use easylife_models::metrics::roc::roc_curve;
///
/// let curve = roc_curve(&[true, false, true, false], &[0.9, 0.8, 0.3, 0.1], 100);
/// let points: Vec<(f64, f64)> = curve.iter().map(|point| (point.fpr, point.tpr)).collect();
/// assert_eq!(points, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
/// ```
pub fn roc_curve(positive: &[bool], scores: &[f64], limit: usize) -> Vec<RocPoint> {
    let ties = descending_ties(positive, scores);
    let (positives, negatives) = totals(&ties);
    if positives == 0 || negatives == 0 {
        return Vec::new();
    }
    let corners = corners(&ties);
    thinned(corners.len(), limit)
        .map(|index| {
            let corner = &corners[index];
            RocPoint {
                fpr: corner.negatives as f64 / negatives as f64,
                tpr: corner.positives as f64 / positives as f64,
                threshold: corner.score.is_finite().then_some(corner.score),
            }
        })
        .collect()
}

/// Counts for each distinct score, highest score first.
pub(super) fn descending_ties(positive: &[bool], scores: &[f64]) -> Vec<Tie> {
    let mut order: Vec<(f64, bool)> = scores
        .iter()
        .copied()
        .zip(positive.iter().copied())
        .collect();
    order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut ties: Vec<Tie> = Vec::new();
    for (score, yes) in order {
        if ties.last().is_none_or(|tie| tie.score != score) {
            ties.push(Tie {
                score,
                positives: 0,
                negatives: 0,
            });
        }
        if let Some(tie) = ties.last_mut() {
            tie.positives += u64::from(yes);
            tie.negatives += u64::from(!yes);
        }
    }
    ties
}

fn totals(ties: &[Tie]) -> (u64, u64) {
    ties.iter().fold((0, 0), |(yes, no), tie| {
        (yes + tie.positives, no + tie.negatives)
    })
}

/// Cumulative counts at both ends and wherever the slope of the curve changes.
fn corners(ties: &[Tie]) -> Vec<Tie> {
    let mut corners = vec![Tie {
        score: f64::INFINITY,
        positives: 0,
        negatives: 0,
    }];
    let (mut positives, mut negatives) = (0, 0);
    for (index, tie) in ties.iter().enumerate() {
        positives += tie.positives;
        negatives += tie.negatives;
        if ties
            .get(index + 1)
            .is_none_or(|next| !same_slope(tie, next))
        {
            corners.push(Tie {
                score: tie.score,
                positives,
                negatives,
            });
        }
    }
    corners
}

fn same_slope(a: &Tie, b: &Tie) -> bool {
    u128::from(a.positives) * u128::from(b.negatives)
        == u128::from(b.positives) * u128::from(a.negatives)
}

/// At most `limit` of `count` indices in equal steps, the first and the last among them.
pub(super) fn thinned(count: usize, limit: usize) -> impl Iterator<Item = usize> {
    let kept = count.min(limit.max(2));
    (0..kept).map(move |step| {
        if kept == 1 {
            0
        } else {
            step * (count - 1) / (kept - 1)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn area_of_cases_a_person_can_count() {
        let truth = [true, true, false, false];
        assert_eq!(roc_auc(&truth, &[0.9, 0.8, 0.2, 0.1]), Some(1.0));
        assert_eq!(roc_auc(&truth, &[0.1, 0.2, 0.8, 0.9]), Some(0.0));
        assert_eq!(roc_auc(&truth, &[0.5; 4]), Some(0.5));
        // Of four pairs: 0.9 beats both, 0.4 beats 0.1 and ties with 0.4.
        assert_eq!(roc_auc(&truth, &[0.9, 0.4, 0.4, 0.1]), Some(3.5 / 4.0));
        assert_eq!(roc_auc(&[true, true], &[0.1, 0.2]), None);
        assert_eq!(roc_auc(&[], &[]), None);
    }

    #[test]
    fn curve_of_four_rows() {
        let curve = roc_curve(&[true, false, true, false], &[0.9, 0.8, 0.8, 0.1], 100);
        let point = |fpr, tpr, threshold| RocPoint {
            fpr,
            tpr,
            threshold,
        };
        let expected = [
            point(0.0, 0.0, None),
            point(0.0, 0.5, Some(0.9)),
            point(0.5, 1.0, Some(0.8)),
            point(1.0, 1.0, Some(0.1)),
        ];
        assert_eq!(curve, expected);
    }

    #[test]
    fn straight_runs_collapse_and_thinning_keeps_the_ends() {
        let truth: Vec<bool> = (0..1000).map(|row| row < 500).collect();
        let scores: Vec<f64> = (0..1000).map(|row| 1000.0 - f64::from(row)).collect();
        assert_eq!(
            roc_curve(&truth, &scores, 100).len(),
            3,
            "a perfect score has one corner"
        );
        let zigzag: Vec<bool> = (0..1000).map(|row| row % 2 == 0).collect();
        let curve = roc_curve(&zigzag, &scores, 50);
        assert_eq!(curve.len(), 50);
        assert_eq!((curve[0].fpr, curve[0].tpr), (0.0, 0.0));
        assert_eq!((curve[49].fpr, curve[49].tpr), (1.0, 1.0));
        assert_eq!(roc_curve(&zigzag, &scores, 0).len(), 2);
    }

    fn scored_rows() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
        prop::collection::vec((any::<bool>(), 0u32..12), 2..80).prop_map(|rows| {
            rows.into_iter()
                .map(|(yes, score)| (yes, f64::from(score) / 8.0))
                .unzip()
        })
    }

    proptest! {
        #[test]
        fn reversed_scores_give_the_rest_of_the_area((truth, scores) in scored_rows()) {
            let reversed: Vec<f64> = scores.iter().map(|score| -score).collect();
            match (roc_auc(&truth, &scores), roc_auc(&truth, &reversed)) {
                (Some(area), Some(rest)) => prop_assert!((area + rest - 1.0).abs() < 1e-15),
                (a, b) => prop_assert_eq!(a, b),
            }
        }

        #[test]
        fn only_the_order_of_scores_counts((truth, scores) in scored_rows()) {
            let cubed: Vec<f64> = scores.iter().map(|score| score * score * score - 7.0).collect();
            prop_assert_eq!(roc_auc(&truth, &scores), roc_auc(&truth, &cubed));
        }

        #[test]
        fn area_is_the_trapezoids_under_the_whole_curve((truth, scores) in scored_rows()) {
            let curve = roc_curve(&truth, &scores, usize::MAX);
            let area: f64 = curve.windows(2).map(|w| (w[1].fpr - w[0].fpr) * (w[1].tpr + w[0].tpr) / 2.0).sum();
            prop_assert!((area - roc_auc(&truth, &scores).unwrap_or(0.0)).abs() < 1e-12);
        }

        #[test]
        fn curve_never_goes_back((truth, scores) in scored_rows(), limit in 0usize..40) {
            let curve = roc_curve(&truth, &scores, limit);
            prop_assert!(curve.len() <= limit.max(2));
            prop_assert!(curve.windows(2).all(|w| w[0].fpr <= w[1].fpr && w[0].tpr <= w[1].tpr));
        }
    }
}
