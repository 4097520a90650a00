//! Reliability of probabilities: of the answers given with 80 %, are 80 % right?
//!
//! Evaluates the probability of the predicted class (top-label calibration), in equal bins from 0
//! to 1, following Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks",
//! ICML 2017.

use serde::Serialize;

use super::classification::most_probable;

/// Predictions whose probability falls into one bin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Mean probability of the predictions; 0 for an empty bin.
    pub probability: f64,
    /// Share of them that are correct; 0 for an empty bin.
    pub accuracy: f64,
    /// Number of predictions in the bin.
    pub rows: u64,
}

/// Bins the predictions' probabilities; `actual` and `probabilities` (row-major) as in
/// [`super::classification::measure`]. A probability of 1 falls into the last bin.
///
/// # Examples
/// ```
/// use easylife_models::metrics::calibration::{calibration, expected_calibration_error};
///
/// // Two answers of 0.75, one of them right.
/// let bins = calibration(&[0, 1], &[0.75, 0.25, 0.75, 0.25], 2);
/// assert_eq!((bins[1].rows, bins[1].probability, bins[1].accuracy), (2, 0.75, 0.5));
/// assert_eq!(expected_calibration_error(&bins), 0.25);
/// ```
pub fn calibration(actual: &[u32], probabilities: &[f64], bins: usize) -> Vec<Bin> {
    let mut sums = vec![(0.0, 0u64, 0u64); bins];
    let width = probabilities.len().checked_div(actual.len()).unwrap_or(0);
    if bins == 0 || width == 0 {
        return Vec::new();
    }
    for (&actual, row) in actual.iter().zip(probabilities.chunks(width)) {
        let answer = most_probable(row);
        let bin = ((row[answer] * bins as f64) as usize).min(bins - 1);
        let (probability, right, rows) = &mut sums[bin];
        *probability += row[answer];
        *right += u64::from(answer == actual as usize);
        *rows += 1;
    }
    let mean = |sum: f64, rows: u64| if rows == 0 { 0.0 } else { sum / rows as f64 };
    sums.into_iter()
        .map(|(probability, right, rows)| Bin {
            probability: mean(probability, rows),
            accuracy: mean(right as f64, rows),
            rows,
        })
        .collect()
}

/// Expected calibration error: the mean gap between probability and accuracy, weighted by rows.
pub fn expected_calibration_error(bins: &[Bin]) -> f64 {
    let rows: u64 = bins.iter().map(|bin| bin.rows).sum();
    let gaps: f64 = bins
        .iter()
        .map(|bin| (bin.probability - bin.accuracy).abs() * bin.rows as f64)
        .sum();
    if rows == 0 { 0.0 } else { gaps / rows as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_and_their_gap_by_hand() {
        // Answers: 0.9 right, 0.7 wrong, 0.7 right, 1.0 right.
        let probabilities = [0.9, 0.1, 0.7, 0.3, 0.3, 0.7, 0.0, 1.0];
        let bins = calibration(&[0, 1, 1, 1], &probabilities, 5);
        assert_eq!(
            bins.iter().map(|bin| bin.rows).collect::<Vec<_>>(),
            [0, 0, 0, 2, 2]
        );
        assert_eq!((bins[3].probability, bins[3].accuracy), (0.7, 0.5));
        assert_eq!((bins[4].probability, bins[4].accuracy), (0.95, 1.0));
        let error = expected_calibration_error(&bins);
        assert!(
            (error - (0.2 * 2.0 + 0.05 * 2.0) / 4.0).abs() < 1e-15,
            "{error}"
        );
    }

    #[test]
    fn nothing_has_no_error() {
        assert_eq!(expected_calibration_error(&calibration(&[], &[], 5)), 0.0);
    }
}
