//! Temperature scaling: one factor for all margins (Guo, Pleiss, Sun and Weinberger, "On calibration
//! of modern neural networks", ICML 2017).
//!
//! Perfect margins on few rows would make the factor infinite, so the prior is 1: a penalty of
//! (factor - 1)²/2 is added to the sum of the losses, as in `cv`. With many rows it is negligible.
//! The loss is convex in the factor: Newton's method within a bracket. The order of the classes of a
//! row never changes.

use super::{Calibration, Row};
use crate::kernels::math::{exp, sigmoid};
use crate::kernels::reduce::chunks;

/// Bound on the factor and its inverse.
const MAX_FACTOR: f64 = 16.0;
const STEPS: usize = 60;
/// Rows whose sums are one partial sum.
const CHUNK: usize = 4096;

/// The factor with the least penalized log loss. `None` if the rows are all of one class, if no factor
/// changes anything, or if the best would not be positive.
pub(super) fn fit(rows: &[Row]) -> Option<Calibration> {
    let is_one_class = rows.windows(2).all(|pair| pair[0].label == pair[1].label);
    if is_one_class || total(rows, 1.0) == [0.0; 2] {
        return None;
    }
    let (mut low, mut high) = (1.0 / MAX_FACTOR, MAX_FACTOR);
    if penalized(rows, low)[0] >= 0.0 {
        return None;
    }
    let mut factor = 1.0;
    for _ in 0..STEPS {
        let [slope, curvature] = penalized(rows, factor);
        if slope == 0.0 {
            break;
        }
        (low, high) = if slope > 0.0 {
            (low, factor)
        } else {
            (factor, high)
        };
        let newton = factor - slope / curvature;
        let next = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        let is_found = (next - factor).abs() <= 1e-12 * factor;
        factor = next;
        if is_found {
            break;
        }
    }
    Some(Calibration::Temperature { factor })
}

/// First and second derivative of the loss and the penalty by the factor.
fn penalized(rows: &[Row], factor: f64) -> [f64; 2] {
    let [slope, curvature] = total(rows, factor);
    [slope + factor - 1.0, curvature + 1.0]
}

/// First and second derivative of the loss by the factor.
fn total(rows: &[Row], factor: f64) -> [f64; 2] {
    let parts = chunks(rows.len(), CHUNK, |range| {
        let derivatives = rows[range].iter().map(|row| {
            let [slope, curvature] = derivatives(row, factor);
            [row.weight * slope, row.weight * curvature]
        });
        derivatives.fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
    });
    parts
        .into_iter()
        .fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
}

fn derivatives(row: &Row, factor: f64) -> [f64; 2] {
    if let &[margin] = row.margins {
        let p = sigmoid(factor * margin);
        return [
            (p - row.label as f64) * margin,
            p * (1.0 - p) * margin * margin,
        ];
    }
    // Mean and variance of the margins under the softmax, in distances from the label's own.
    let own = row.margins[row.label];
    let top = row
        .margins
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let [mut all, mut mean, mut square] = [0.0; 3];
    for margin in row.margins {
        let (e, distance) = (exp(factor * (margin - top)), margin - own);
        all += e;
        mean += e * distance;
        square += e * distance * distance;
    }
    let mean = mean / all;
    [mean, (square / all - mean * mean).max(0.0)]
}
