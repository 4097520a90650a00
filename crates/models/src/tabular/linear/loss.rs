//! Losses of one margin, with derivatives, over many rows.

use rayon::prelude::*;

use super::options::Family;
use crate::kernels::math::{exp, ln, sigmoid_softplus};

/// Number of rows whose losses are summed at once.
const ROWS: usize = 4096;
/// Exponents are cut here, so that sums of exponentials stay finite.
const LARGEST_EXPONENT: f64 = 300.0;
/// Smallest probability, share or mean of a constant model.
pub(super) const SMALLEST_SHARE: f64 = 1e-9;

/// What a fit sees of its rows.
pub(super) struct Sample {
    pub family: Family,
    /// Indices into the prepared rows, ascending; all weights are positive.
    pub rows: Vec<u32>,
    pub targets: Vec<f64>,
    /// At most 1, the largest.
    pub weights: Vec<f64>,
}

/// Loss and derivatives at some margins.
#[derive(Default)]
pub(super) struct Derivatives {
    /// Σ weight · loss.
    pub loss: f64,
    /// For each row the first and the second derivative, times the weight.
    pub gradients: Vec<f64>,
    pub curvatures: Vec<f64>,
}

impl Sample {
    /// Σ weight · target / Σ weight.
    pub fn mean(&self) -> f64 {
        let all: f64 = self.weights.iter().sum();
        let rows = self.targets.iter().zip(&self.weights);
        rows.map(|(target, weight)| target * (weight / all)).sum()
    }

    /// The margin of the best constant; targets of squared loss have mean 0.
    pub fn start(&self) -> f64 {
        match self.family {
            Family::Logistic => {
                let p = self.mean().clamp(SMALLEST_SHARE, 1.0 - SMALLEST_SHARE);
                ln(p) - ln(1.0 - p)
            }
            Family::Poisson => ln(self.mean().max(SMALLEST_SHARE)),
            Family::Squared | Family::Softmax { .. } => 0.0,
        }
    }

    /// Whether the targets are all alike, so that the best model is a constant: there the likelihood
    /// may have no maximum.
    pub fn is_constant(&self) -> bool {
        let first = self.targets.first().copied().unwrap_or(0.0);
        self.targets.iter().all(|&target| target == first)
    }

    /// Loss and derivatives at these margins, one per row.
    pub fn derivatives(&self, margins: &[f64]) -> Derivatives {
        let mut gradients = vec![0.0; margins.len()];
        let mut curvatures = vec![0.0; margins.len()];
        let chunks = gradients
            .par_chunks_mut(ROWS)
            .zip(curvatures.par_chunks_mut(ROWS));
        let losses: Vec<f64> = chunks
            .enumerate()
            .map(|(chunk, (gradients, curvatures))| {
                let mut loss = 0.0;
                let outputs = gradients.iter_mut().zip(curvatures);
                for (row, (gradient, curvature)) in (chunk * ROWS..).zip(outputs) {
                    let weight = self.weights[row];
                    let terms = terms(self.family, self.targets[row], margins[row]);
                    loss += weight * terms[0];
                    *gradient = weight * terms[1];
                    *curvature = weight * terms[2];
                }
                loss
            })
            .collect();
        Derivatives {
            loss: losses.into_iter().sum(),
            gradients,
            curvatures,
        }
    }
}

/// Loss, first and second derivative.
#[inline]
fn terms(family: Family, y: f64, s: f64) -> [f64; 3] {
    match family {
        Family::Logistic => {
            let (p, softplus) = sigmoid_softplus(s);
            [softplus - y * s, p - y, p * (1.0 - p)]
        }
        Family::Poisson => {
            let mean = exp(s.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT));
            [mean - y * s, mean - y, mean]
        }
        // Softmax has several margins, and is solved elsewhere.
        Family::Squared | Family::Softmax { .. } => [0.5 * (s - y) * (s - y), s - y, 1.0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_slopes() {
        let step = 1e-5;
        for family in [Family::Logistic, Family::Poisson, Family::Squared] {
            for (y, s) in [(0.0, 0.3), (1.0, -0.7), (0.4, 2.0)] {
                let [_, gradient, curvature] = terms(family, y, s);
                let (up, down) = (terms(family, y, s + step), terms(family, y, s - step));
                assert!((gradient - (up[0] - down[0]) / (2.0 * step)).abs() < 1e-8);
                assert!((curvature - (up[1] - down[1]) / (2.0 * step)).abs() < 1e-8);
            }
        }
    }
}
