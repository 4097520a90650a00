//! The variance of estimated metrics: from labels that are only probable, and from curves that are
//! estimated.

use super::super::calibration::{Curve, Place};
use super::super::figures::Covers;
use super::super::measure::{ClassInfluence, Influence, Spread};
use super::Calibrated;

/// Labels drawn by their calibrated probabilities, from curves with an error.
pub(super) struct BetweenLabels<'a> {
    pub curves: &'a [Curve],
    pub classes: usize,
    pub calibrated: &'a Calibrated,
}

/// Sums of influences by the knots of a curve.
struct Knots(Vec<f64>);

impl Knots {
    fn of(curve: &Curve) -> Knots {
        Knots(vec![0.0; curve.knots()])
    }

    fn add(&mut self, place: Place, influence: f64) {
        let knot = place.knot as usize;
        self.0[knot] += (1.0 - place.share) * influence;
        if let Some(next) = self.0.get_mut(knot + 1) {
            *next += place.share * influence;
        }
    }
}

impl BetweenLabels<'_> {
    fn rows(&self) -> usize {
        self.calibrated.p.len() / self.classes
    }

    fn p(&self, row: usize) -> &[f64] {
        &self.calibrated.p[row * self.classes..][..self.classes]
    }

    /// Two classes: the label is the second or not.
    fn of_second(&self, influence: &dyn Fn(usize) -> f64) -> f64 {
        self.of_curve(1, &self.curves[0], 0, influence)
    }

    fn of_curve(
        &self,
        class: usize,
        curve: &Curve,
        index: usize,
        influence: &dyn Fn(usize) -> f64,
    ) -> f64 {
        let mut knots = Knots::of(curve);
        let mut sampling = 0.0;
        for row in 0..self.rows() {
            let (effect, p) = (influence(row), self.p(row)[class]);
            sampling += effect * effect * p * (1.0 - p);
            knots.add(
                self.calibrated.places[row * self.curves.len() + index],
                effect,
            );
        }
        sampling + curve.variance(&knots.0)
    }
}

impl Spread for BetweenLabels<'_> {
    const COVERS: Covers = Covers::Outcome;

    fn of_all(&self, influence: &Influence) -> f64 {
        if self.classes == 2 {
            let effect = |row: usize| (influence.label)(row, 1) - (influence.label)(row, 0);
            return self.of_second(&effect);
        }
        let mut knots: Vec<Knots> = self.curves.iter().map(Knots::of).collect();
        let mut sampling = 0.0;
        let mut effects = vec![0.0; self.classes];
        for row in 0..self.rows() {
            let p = self.p(row);
            for (class, effect) in effects.iter_mut().enumerate() {
                *effect = (influence.label)(row, class);
            }
            let mean: f64 = effects.iter().zip(p).map(|(effect, p)| effect * p).sum();
            let places = &self.calibrated.places[row * self.classes..][..self.classes];
            for (class, effect) in effects.iter().enumerate() {
                // Probabilities sum to 1, so that only deviations from the mean effect count.
                let deviation = effect - mean;
                sampling += p[class] * deviation * deviation;
                knots[class].add(places[class], deviation);
            }
        }
        let curves = self.curves.iter().zip(&knots);
        sampling
            + curves
                .map(|(curve, knots)| curve.multinomial_variance(&knots.0))
                .sum::<f64>()
    }

    fn of_class(&self, influence: &ClassInfluence) -> f64 {
        if self.classes == 2 {
            // Being of the first class is not being of the second.
            let sign = if influence.class == 1 { 1.0 } else { -1.0 };
            return self.of_second(&|row| sign * (influence.label)(row));
        }
        let class = influence.class;
        self.of_curve(class, &self.curves[class], class, influence.label)
    }
}
