//! Calibration of margins by one factor, so that probabilities match frequencies.
//!
//! Temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; Platt
//! 1999 without the offset, which the model's bias provides): margins are multiplied by the t > 0
//! that minimizes the log loss on hold-out rows. It does not change the order, hence not the
//! accuracy.

use super::folds::Folds;
use crate::kernels::math::{sigmoid, softmax};
use crate::kernels::reduce::chunks;
use crate::linear::outputs;

/// Bound on t and 1/t: perfect scores on few rows would make it infinite.
const MAX_TEMPERATURE: f64 = 16.0;
const ROWS: usize = 256;
const STEPS: usize = 30;

/// The factor for `margins` (rows × outputs) of hold-out rows; 1 if there are none.
pub fn temperature(margins: &[f64], labels: &[u32], classes: usize, folds: &Folds) -> f64 {
    let rows: Vec<usize> = folds.held_out().collect();
    let outputs = outputs(classes);
    // Slope and curvature of the loss in t. It is convex: Newton's method within a bracket.
    let (mut low, mut high) = (1.0 / MAX_TEMPERATURE, MAX_TEMPERATURE);
    let mut t = 1.0;
    for _ in 0..STEPS {
        let parts = chunks(rows.len(), ROWS, |range| {
            let mut part = (0.0, 0.0);
            let mut scratch = vec![0.0; outputs];
            for &row in &rows[range] {
                let margins = &margins[row * outputs..(row + 1) * outputs];
                let (slope, curvature) = derivatives(margins, labels[row], t, &mut scratch);
                part = (part.0 + slope, part.1 + curvature);
            }
            part
        });
        let (slope, curvature) = parts.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        if slope == 0.0 {
            break;
        }
        (low, high) = if slope > 0.0 { (low, t) } else { (t, high) };
        let newton = t - slope / curvature;
        let next = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        if (next - t).abs() <= 1e-9 * t {
            break;
        }
        t = next;
    }
    t
}

/// First and second derivative with respect to t of the loss of one row.
fn derivatives(margins: &[f64], label: u32, t: f64, p: &mut [f64]) -> (f64, f64) {
    if let [margin] = margins {
        let probability = sigmoid(t * margin);
        let slope = (probability - f64::from(label)) * margin;
        return (slope, probability * (1.0 - probability) * margin * margin);
    }
    p.iter_mut()
        .zip(margins)
        .for_each(|(p, margin)| *p = t * margin);
    softmax(p);
    let mean: f64 = p.iter().zip(margins).map(|(p, m)| p * m).sum();
    let spread = p
        .iter()
        .zip(margins)
        .map(|(p, m)| p * (m - mean) * (m - mean))
        .sum();
    (mean - margins[label as usize], spread)
}

#[cfg(test)]
mod tests {
    use super::super::folds::keys;
    use super::*;

    fn fitted(margins: &[f64], labels: &[u32], classes: usize) -> f64 {
        let texts: Vec<String> = (0..labels.len()).map(|row| row.to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        temperature(
            margins,
            labels,
            classes,
            &Folds::deal(&keys(&texts, 1), labels, classes, 2),
        )
    }

    /// Three of four rows are correct whatever the margin, so the log-odds should be ln 3.
    #[test]
    fn two_classes_by_hand() {
        let margins = [2.0, 2.0, 2.0, 2.0, -2.0, -2.0, -2.0, -2.0];
        let t = fitted(&margins, &[1, 1, 1, 0, 0, 0, 0, 1], 2);
        assert!((t - 3.0_f64.ln() / 2.0).abs() < 1e-9, "{t}");
    }

    /// The same for three classes: e^t / (e^t + 2) = 3/4 gives t = ln 6.
    #[test]
    fn three_classes_by_hand() {
        let rows = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let mut margins = Vec::new();
        let mut labels = Vec::new();
        for class in 0..3 {
            for label in [class, class, class, (class + 1) % 3] {
                margins.extend(rows[class as usize]);
                labels.push(label);
            }
        }
        let t = fitted(&margins, &labels, 3);
        assert!((t - 6.0_f64.ln()).abs() < 1e-9, "{t}");
    }

    #[test]
    fn perfect_margins_stay_finite() {
        let t = fitted(&[1.0, 3.0, -1.0, -2.0], &[1, 1, 0, 0], 2);
        assert!(t > 1.0 && t <= MAX_TEMPERATURE);
    }

    #[test]
    fn without_hold_out_rows_the_factor_is_one() {
        assert_eq!(fitted(&[1.0, -1.0], &[1, 0], 2), 1.0);
    }
}
