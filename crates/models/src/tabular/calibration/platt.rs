//! Platt's calibration: a logistic regression of the class on the margin.
//!
//! Platt, "Probabilistic outputs for support vector machines" (1999), by Newton's method with step
//! halving as in Lin, Lin and Weng, "A note on Platt's probabilistic outputs" (2007). The targets are
//! (N₁ + 1)/(N₁ + 2) and 1/(N₀ + 2) instead of 1 and 0, where N are sums of weights: perfect margins
//! on few rows then have a finite slope.

use super::{Calibration, Row};
use crate::kernels::math::{sigmoid, softplus};
use crate::kernels::reduce::chunks;

/// Maximum numbers of Newton steps, and of halvings of a step that does not reduce the loss.
const STEPS: usize = 100;
const HALVINGS: usize = 30;
/// Smallest slope, in units of the largest distance of a margin from the mean, that is not rounding.
const SMALLEST_SLOPE: f64 = 1e-9;
/// Rows whose sums are one partial sum.
const CHUNK: usize = 4096;

/// A margin in units of their spread, the target and the weight.
type Point = [f64; 3];

/// The curve with the least loss; `None` if the rows are all of one class, margins are equal, or the slope is not
/// positive beyond rounding.
pub(super) fn fit(rows: &[Row]) -> Option<Calibration> {
    let is_one_class = rows.windows(2).all(|pair| pair[0].label == pair[1].label);
    if is_one_class {
        return None;
    }
    let all: f64 = rows.iter().map(|row| row.weight).sum();
    let margin = |row: &Row| row.margins[0];
    // In units of the largest distance from the mean: sums and products then neither overflow nor
    // cancel. Shares of weights and margins are multiplied so that no product overflows.
    let mean: f64 = rows
        .iter()
        .map(|row| margin(row) * (row.weight / all))
        .sum();
    let distances = rows.iter().map(|row| (margin(row) - mean).abs());
    let scale = distances.fold(0.0, f64::max);
    let is_constant = rows.windows(2).all(|w| margin(&w[0]) == margin(&w[1]));
    if is_constant || !scale.is_normal() {
        return None;
    }
    let (yes, no) = targets(rows);
    let point = |row: &Row| {
        let target = if row.label == 1 { yes } else { no };
        [(margin(row) - mean) / scale, target, row.weight]
    };
    let points: Vec<Point> = rows.iter().map(point).collect();
    let [slope, offset] = minimize(&points);
    let rises = slope > SMALLEST_SLOPE;
    let slope = slope / scale;
    let offset = offset - slope * mean;
    let is_valid = rises && slope.is_finite() && offset.is_finite();
    is_valid.then_some(Calibration::Platt { slope, offset })
}

/// Smoothed targets of rows of the second class and of the first.
fn targets(rows: &[Row]) -> (f64, f64) {
    let weight = |class: usize| -> f64 {
        let of_class = rows.iter().filter(|row| row.label == class);
        of_class.map(|row| row.weight).sum()
    };
    let (ones, zeros) = (weight(1), weight(0));
    ((ones + 1.0) / (ones + 2.0), 1.0 / (zeros + 2.0))
}

/// Slope and offset with the least loss.
fn minimize(points: &[Point]) -> [f64; 2] {
    let mut best = [0.0, 0.0];
    let mut loss = loss_at(best, points);
    for _ in 0..STEPS {
        let step = newton_step(best, points);
        let mut share = 1.0;
        let better = (0..HALVINGS).find_map(|_| {
            let trial = [best[0] + share * step[0], best[1] + share * step[1]];
            let value = loss_at(trial, points);
            share *= 0.5;
            (value < loss).then_some((trial, value))
        });
        match better {
            Some(found) => (best, loss) = found,
            None => break, // no digit left to gain
        }
    }
    best
}

fn loss_at([slope, offset]: [f64; 2], points: &[Point]) -> f64 {
    let parts = chunks(points.len(), CHUNK, |range| {
        let losses = points[range].iter().map(|&[x, target, weight]| {
            let s = slope * x + offset;
            weight * (softplus(s) - target * s)
        });
        losses.sum::<f64>()
    });
    parts.into_iter().sum()
}

/// - H⁻¹ g of the loss; zero if the Hessian has no inverse.
fn newton_step([slope, offset]: [f64; 2], points: &[Point]) -> [f64; 2] {
    let parts = chunks(points.len(), CHUNK, |range| {
        let mut sums = [0.0; 5];
        for &[x, target, weight] in &points[range] {
            let p = sigmoid(slope * x + offset);
            let (residual, curvature) = (weight * (p - target), weight * p * (1.0 - p));
            let terms = [
                residual * x,
                residual,
                curvature * x * x,
                curvature * x,
                curvature,
            ];
            sums.iter_mut()
                .zip(terms)
                .for_each(|(sum, term)| *sum += term);
        }
        sums
    });
    let mut sums = [0.0; 5];
    for part in parts {
        sums.iter_mut()
            .zip(part)
            .for_each(|(sum, part)| *sum += part);
    }
    let [g0, g1, h00, h01, h11] = sums;
    let determinant = h00 * h11 - h01 * h01;
    let step = [
        -(h11 * g0 - h01 * g1) / determinant,
        -(h00 * g1 - h01 * g0) / determinant,
    ];
    match step.iter().all(|part| part.is_finite()) {
        true => step,
        false => [0.0, 0.0],
    }
}
