//! Precision and recall of one score: the curve's points and its average precision. More
//! informative than the ROC curve if positives are rare (Saito and Rehmsmeier 2015).

use serde::Serialize;

use super::classification::most_probable;
use super::roc::{descending_ties, thinned};

/// Precision and recall if every score of at least `threshold` is predicted positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PrPoint {
    /// Share of the positives that are predicted positive.
    pub recall: f64,
    /// Share of the predicted positives that are positive.
    pub precision: f64,
    /// The lowest score predicted positive.
    pub threshold: f64,
}

/// One point per distinct score, highest score first; empty without positives.
fn points(positive: &[bool], scores: &[f64]) -> Vec<PrPoint> {
    let ties = descending_ties(positive, scores);
    let positives: u64 = ties.iter().map(|tie| tie.positives).sum();
    if positives == 0 {
        return Vec::new();
    }
    let (mut right, mut called) = (0, 0);
    ties.iter()
        .map(|tie| {
            right += tie.positives;
            called += tie.positives + tie.negatives;
            PrPoint {
                recall: right as f64 / positives as f64,
                precision: right as f64 / called as f64,
                threshold: tie.score,
            }
        })
        .collect()
}

/// Average precision, Σ (Rₙ − Rₙ₋₁) Pₙ over falling thresholds, as in scikit-learn's
/// `average_precision_score`: no interpolation, which would be too optimistic. `None` without
/// positives.
///
/// # Examples
/// ```
/// use easylife_models::metrics::precision_recall::average_precision;
///
/// // The positives are first and third: (1/1 + 2/3) / 2.
/// let precision = average_precision(&[true, false, true], &[0.9, 0.8, 0.7]).unwrap();
/// assert!((precision - 5.0 / 6.0).abs() < 1e-12);
/// ```
pub fn average_precision(positive: &[bool], scores: &[f64]) -> Option<f64> {
    let points = points(positive, scores);
    let mut recall = 0.0;
    let mut sum = 0.0;
    for point in &points {
        sum += (point.recall - recall) * point.precision;
        recall = point.recall;
    }
    (!points.is_empty()).then_some(sum)
}

/// The curve by rising recall, thinned to at most `limit` points in equal steps, with both ends.
pub fn pr_curve(positive: &[bool], scores: &[f64], limit: usize) -> Vec<PrPoint> {
    let points = points(positive, scores);
    thinned(points.len(), limit)
        .map(|index| points[index])
        .collect()
}

/// The curve of the answers to rows of any number of classes, as answers of lower and lower
/// probability are accepted: the share of right ones among those accepted, and among all rows.
///
/// `probabilities` are rows × `width`; a class not below `width` is never answered. At most `limit`
/// points.
///
/// # Examples
/// ```
/// use easylife_models::metrics::precision_recall::answer_curve;
///
/// // Right with .8, wrong with .6: at the end half of all answers are right.
/// let curve = answer_curve(&[0, 1], &[0.8, 0.2, 0.6, 0.4], 2, 10);
/// let last = curve.last().unwrap();
/// assert_eq!((last.precision, last.recall), (0.5, 0.5));
/// ```
pub fn answer_curve(
    actual: &[u32],
    probabilities: &[f64],
    width: usize,
    limit: usize,
) -> Vec<PrPoint> {
    let rows = actual.iter().zip(probabilities.chunks_exact(width));
    let (right, scores): (Vec<bool>, Vec<f64>) = rows
        .map(|(&actual, row)| {
            let answer = most_probable(row);
            (answer == actual as usize, row[answer])
        })
        .unzip();
    let share = right.iter().filter(|right| **right).count() as f64 / right.len().max(1) as f64;
    let mut curve = pr_curve(&right, &scores, limit);
    curve.iter_mut().for_each(|point| point.recall *= share);
    curve
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_precision_agrees_with_scikit_learn() {
        // scikit-learn's own example: y = [0, 0, 1, 1], scores = [0.1, 0.4, 0.35, 0.8] -> 0.8333...
        let positive = [false, false, true, true];
        let area = average_precision(&positive, &[0.1, 0.4, 0.35, 0.8]).unwrap();
        assert!((area - 5.0 / 6.0).abs() < 1e-15, "{area}");
        // All tied: the share of positives, by hand.
        assert_eq!(average_precision(&positive, &[0.5; 4]), Some(0.5));
        assert_eq!(average_precision(&[false], &[0.5]), None);
    }

    #[test]
    fn the_curve_ends_with_everything_predicted_positive() {
        let curve = pr_curve(&[true, false, true], &[0.9, 0.8, 0.1], 10);
        assert_eq!(curve[0].precision, 1.0);
        assert_eq!((curve[2].recall, curve[2].precision), (1.0, 2.0 / 3.0));
    }
}
