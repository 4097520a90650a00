//! Calibrates log-odds to probabilities: a slope and an offset fitted on hold-out photos.
//!
//! Platt, "Probabilistic outputs for support vector machines" (1999). Perfect log-odds on few
//! photos would make the slope infinite, so the prior is the identity: a penalty of (slope - 1)²/2
//! and offset²/2 is added to the sum of the losses.

use crate::kernels::math::{sigmoid, softplus};

/// slope · log-odds + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Calibration {
    pub slope: f64,
    pub offset: f64,
}

impl Default for Calibration {
    fn default() -> Calibration {
        Calibration {
            slope: 1.0,
            offset: 0.0,
        }
    }
}

impl Calibration {
    pub fn apply(self, log_odds: f64) -> f64 {
        self.slope * log_odds + self.offset
    }
}

/// Maximum numbers of Newton steps, and of halvings of a step that does not reduce the loss.
const STEPS: usize = 50;
const HALVINGS: usize = 30;

/// The calibration with the least loss; `costs` weight the photos.
pub(super) fn calibrate(log_odds: &[f64], sharp: &[bool], costs: &[f64]) -> Calibration {
    let mut best = Calibration::default();
    let mut value = objective(best, log_odds, sharp, costs);
    for _ in 0..STEPS {
        let step = newton_step(best, log_odds, sharp, costs);
        let shorter = (0..HALVINGS).map(|halvings| 0.5f64.powi(halvings as i32));
        let better = shorter
            .map(|share| Calibration {
                slope: best.slope + share * step.0,
                offset: best.offset + share * step.1,
            })
            .map(|trial| (trial, objective(trial, log_odds, sharp, costs)))
            .find(|(_, trial)| *trial < value);
        match better {
            Some(found) => (best, value) = found,
            None => break, // no digit left to gain
        }
    }
    // A slope of 0 or less would reverse the model, so there is nothing to calibrate.
    if best.slope > 0.0 {
        best
    } else {
        Calibration::default()
    }
}

fn objective(at: Calibration, log_odds: &[f64], sharp: &[bool], costs: &[f64]) -> f64 {
    let photos = log_odds.iter().zip(sharp).zip(costs);
    let losses = photos.map(|((&z, &sharp), cost)| {
        let z = at.apply(z);
        cost * softplus(if sharp { -z } else { z })
    });
    0.5 * ((at.slope - 1.0).powi(2) + at.offset.powi(2)) + losses.sum::<f64>()
}

/// - H⁻¹ g of the objective: (slope, offset).
fn newton_step(at: Calibration, log_odds: &[f64], sharp: &[bool], costs: &[f64]) -> (f64, f64) {
    let (mut g, mut h) = ([at.slope - 1.0, at.offset], [1.0, 0.0, 1.0]);
    for ((&z, &sharp), cost) in log_odds.iter().zip(sharp).zip(costs) {
        let p = sigmoid(at.apply(z));
        let residual = cost * (p - if sharp { 1.0 } else { 0.0 });
        let curvature = cost * p * (1.0 - p);
        g[0] += residual * z;
        g[1] += residual;
        h[0] += curvature * z * z;
        h[1] += curvature * z;
        h[2] += curvature;
    }
    let determinant = h[0] * h[2] - h[1] * h[1];
    (
        -(h[2] * g[0] - h[1] * g[1]) / determinant,
        -(h[0] * g[1] - h[1] * g[0]) / determinant,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three of four are right whatever the sign: the log-odds would be ln 3 without the penalty,
    /// which is small with 4000 photos.
    #[test]
    fn frequencies_by_hand() {
        let log_odds: Vec<f64> = (0..4000)
            .map(|i| if i < 2000 { 2.0 } else { -2.0 })
            .collect();
        let sharp: Vec<bool> = (0..4000).map(|i| (i < 2000) ^ (i % 4 == 0)).collect();
        let found = calibrate(&log_odds, &sharp, &[1.0; 4000]);
        assert!((2.0 * found.slope - 3.0f64.ln()).abs() < 1e-3, "{found:?}");
        assert!(found.offset.abs() < 1e-9);
    }

    #[test]
    fn an_offset_is_removed() {
        let log_odds: Vec<f64> = (0..4000)
            .map(|i| if i < 2000 { 3.0 } else { -1.0 })
            .collect();
        let sharp: Vec<bool> = (0..4000).map(|i| (i < 2000) ^ (i % 4 == 0)).collect();
        let found = calibrate(&log_odds, &sharp, &[1.0; 4000]);
        assert!((found.apply(3.0) - 3.0f64.ln()).abs() < 2e-3, "{found:?}");
        assert!((found.apply(-1.0) + 3.0f64.ln()).abs() < 2e-3, "{found:?}");
    }

    #[test]
    fn perfect_log_odds_stay_finite_and_wrong_ones_are_left_alone() {
        let found = calibrate(
            &[1.0, 2.0, -1.0, -2.0],
            &[true, true, false, false],
            &[1.0; 4],
        );
        assert!(found.slope > 1.0 && found.slope < 10.0, "{found:?}");
        let turned = calibrate(&[-5.0, 5.0], &[true, false], &[100.0; 2]);
        assert_eq!(turned, Calibration::default());
    }
}
