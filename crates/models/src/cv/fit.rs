//! Fits a model to the features and labels of photos; every choice is made by cross-validation with
//! scenes kept whole.

use rayon::prelude::*;

use super::calibrate::{Calibration, calibrate};
use super::class::Class;
use super::features::{FEATURES, LAPLACIAN_VARIANCE};
use super::folds::folds;
use super::forest::Forest;
use super::logistic::{self, Solver};
use super::model::{Decision, Kind, Model};
use super::sizes::Sizes;
use crate::kernels::math::softplus;
use crate::linear;

/// Minimum slope of the variance of the Laplacian: a higher variance is always evidence for sharp.
const MIN_SLOPE: f64 = 1e-3;

/// What to fit and how.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorOptions {
    /// Solver of the logistic regression.
    pub solver: Solver,
    /// Number of trees of the forest.
    pub trees: usize,
    /// The kind of model; `None` chooses the one with the least loss in cross-validation.
    pub kind: Option<Kind>,
    /// Values of C to choose from in cross-validation, ascending.
    pub regularization: Vec<f64>,
    /// Number of folds of the scenes.
    pub folds: usize,
    /// Whether both classes count equally, however many photos each has.
    pub balanced: bool,
    /// Gradient norm at which the logistic regression stops, relative to that of the bias-only
    /// model.
    pub tolerance: f64,
    /// Maximum number of Newton steps of the logistic regression.
    pub max_iterations: usize,
    /// Determines which scenes are in which fold.
    pub seed: u64,
}

impl Default for DetectorOptions {
    fn default() -> DetectorOptions {
        DetectorOptions {
            solver: Solver::Newton,
            trees: 100,
            kind: None,
            regularization: vec![0.1, 1.0, 10.0, 100.0],
            folds: 5,
            balanced: true,
            tolerance: 1e-6,
            max_iterations: 200,
            seed: 42,
        }
    }
}

/// Labelled photos: their features, classes and scenes.
#[derive(Clone, Copy, Debug)]
pub struct Photos<'a> {
    /// One row per photo, in the order of [`super::features::NAMES`].
    pub features: &'a [[f64; FEATURES]],
    /// Whether each photo is sharp.
    pub sharp: &'a [bool],
    /// The scene of each photo; equal numbers mean the same scene.
    pub scenes: &'a [u32],
    /// Width and height of each photo in pixels.
    pub sizes: &'a [(usize, usize)],
}

/// Why no model was fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// One of the two classes has no photos.
    #[error("no photos are labelled {0}; both sharp and blurred ones are needed")]
    OneClass(Class),
    /// Too few scenes, or scenes with too few of one class, for the number of folds.
    #[error(
        "{scenes} scenes cannot be split into {folds} folds that each leave sharp and blurred photos \
         to train on; add photos of other scenes or lower cv.model.folds"
    )]
    FewScenes {
        /// Number of distinct scenes among the photos.
        scenes: usize,
        /// Requested number of folds.
        folds: usize,
    },
}

/// The cross-validation result of one kind of model.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The kind.
    pub kind: Kind,
    /// The best value of C; `None` if the kind has no regularization.
    pub regularization: Option<f64>,
    /// Mean loss per hold-out photo, after calibration.
    pub log_loss: f64,
    /// Accuracy on hold-out photos.
    pub accuracy: f64,
    /// Log-odds of every photo from a model that has not seen its scene.
    pub held_out: Vec<f64>,
}

/// A model and the candidates it was chosen from: [`Kind::ALL`] or the requested kind.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Fitted to all photos.
    pub model: Model,
    /// All candidates, in the order of [`Kind::ALL`].
    pub candidates: Vec<Candidate>,
    /// Whether the solver reached its tolerance.
    pub converged: bool,
}

impl DetectorOptions {
    /// Fits a model. The same photos in the same order give the same bytes.
    ///
    /// # Errors
    /// If a class has no photos, or there are too few scenes for the folds.
    pub fn fit(&self, photos: &Photos) -> Result<Fit, FitError> {
        for class in [Class::Sharp, Class::Blurred] {
            if !photos.sharp.contains(&class.is_sharp()) {
                return Err(FitError::OneClass(class));
            }
        }
        let folds = folds(photos.scenes, photos.sharp, self.folds, self.seed).ok_or_else(|| {
            let mut scenes = photos.scenes.to_vec();
            scenes.sort_unstable();
            scenes.dedup();
            FitError::FewScenes {
                scenes: scenes.len(),
                folds: self.folds,
            }
        })?;
        let kinds = self.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
        let (candidates, calibrations): (Vec<Candidate>, Vec<Calibration>) = kinds
            .into_iter()
            .map(|kind| self.candidate(kind, photos, &folds))
            .unzip();
        let best = (0..candidates.len())
            .min_by(|&a, &b| candidates[a].log_loss.total_cmp(&candidates[b].log_loss))
            .expect("at least one candidate");
        let all: Vec<usize> = (0..photos.sharp.len()).collect();
        let Candidate {
            kind,
            regularization,
            ..
        } = candidates[best];
        let (mut model, converged) = self.fit_to(kind, regularization, photos, &all);
        model.calibrate(calibrations[best]);
        Ok(Fit {
            model,
            candidates,
            converged,
        })
    }

    /// The best cross-validation result of `kind`, and the calibration of its log-odds.
    fn candidate(&self, kind: Kind, photos: &Photos, folds: &[usize]) -> (Candidate, Calibration) {
        let choices: Vec<Option<f64>> = match kind {
            Kind::Laplacian | Kind::Forest => vec![None],
            Kind::Logistic => self.regularization.iter().copied().map(Some).collect(),
        };
        choices
            .into_iter()
            .map(|regularization| self.try_out(kind, regularization, photos, folds))
            .min_by(|(a, _), (b, _)| a.log_loss.total_cmp(&b.log_loss))
            .expect("at least one value of C")
    }

    fn try_out(
        &self,
        kind: Kind,
        regularization: Option<f64>,
        photos: &Photos,
        folds: &[usize],
    ) -> (Candidate, Calibration) {
        let judge = |fold: usize| -> Vec<(usize, f64)> {
            let (out, kept): (Vec<usize>, Vec<usize>) =
                (0..folds.len()).partition(|&photo| folds[photo] == fold);
            let (model, _) = self.fit_to(kind, regularization, photos, &kept);
            let log_odds = |photo| (photo, model.log_odds(&photos.features[photo]));
            out.into_iter().map(log_odds).collect()
        };
        let mut held_out = vec![0.0; folds.len()];
        let judged: Vec<_> = (0..self.folds).into_par_iter().map(judge).collect();
        for (photo, log_odds) in judged.into_iter().flatten() {
            held_out[photo] = log_odds;
        }
        let costs = self.costs(photos.sharp);
        let calibration = match kind {
            Kind::Laplacian => Calibration::default(), // the threshold is the model
            Kind::Logistic | Kind::Forest => calibrate(&held_out, photos.sharp, &costs),
        };
        for log_odds in &mut held_out {
            *log_odds = calibration.apply(*log_odds);
        }
        let answers = held_out.iter().zip(photos.sharp);
        let right = answers.filter(|&(&log_odds, &sharp)| (log_odds >= 0.0) == sharp);
        let candidate = Candidate {
            kind,
            regularization,
            accuracy: right.count() as f64 / held_out.len() as f64,
            log_loss: log_loss(&held_out, photos.sharp, &costs),
            held_out,
        };
        (candidate, calibration)
    }

    /// Weight of each photo's loss; they sum to the number of photos.
    fn costs(&self, sharp: &[bool]) -> Vec<f64> {
        if !self.balanced {
            return vec![1.0; sharp.len()];
        }
        let all = sharp.len() as f64;
        let yes = sharp.iter().filter(|&&sharp| sharp).count() as f64;
        let cost = |&sharp: &bool| all / (2.0 * if sharp { yes } else { all - yes });
        sharp.iter().map(cost).collect()
    }

    /// Fits a model to some of the photos, without calibration.
    fn fit_to(
        &self,
        kind: Kind,
        regularization: Option<f64>,
        photos: &Photos,
        rows: &[usize],
    ) -> (Model, bool) {
        let sharp: Vec<bool> = rows.iter().map(|&row| photos.sharp[row]).collect();
        let features: Vec<&[f64; FEATURES]> =
            rows.iter().map(|&row| &photos.features[row]).collect();
        let costs = self.costs(&sharp);
        let values: Vec<f64> = features.iter().map(|f| f[LAPLACIAN_VARIANCE]).collect();
        let threshold = threshold(&values, &sharp, &costs);
        let line = |columns| {
            let options = linear::SolverOptions {
                // One feature needs no regularization, but separable photos must not lead to
                // infinite weights.
                regularization: regularization.unwrap_or(1.0),
                tolerance: self.tolerance,
                max_iterations: self.max_iterations,
            };
            logistic::fit(self.solver, &features, &sharp, &costs, columns, &options)
        };
        let (decision, converged) = match kind {
            Kind::Laplacian => {
                let line = line(LAPLACIAN_VARIANCE..LAPLACIAN_VARIANCE + 1);
                // A higher variance is sharper, even where the few photos of a fold suggest otherwise.
                let slope = line.weights[LAPLACIAN_VARIANCE].max(MIN_SLOPE);
                let mut weights = [0.0; FEATURES];
                weights[LAPLACIAN_VARIANCE] = slope;
                let bias = -slope * threshold;
                (Decision::Line { weights, bias }, line.converged)
            }
            Kind::Logistic => {
                let line = line(LAPLACIAN_VARIANCE + 1..FEATURES);
                let (weights, bias) = (line.weights, line.bias);
                (Decision::Line { weights, bias }, line.converged)
            }
            Kind::Forest => {
                let forest = Forest::fit(&features, &sharp, &costs, self.trees, self.seed);
                let calibration = Calibration::default();
                let decision = Decision::Forest {
                    forest,
                    calibration,
                };
                (decision, true)
            }
        };
        let weigh = |class| {
            let of_class = sharp
                .iter()
                .zip(&costs)
                .filter(|(sharp, _)| **sharp == class);
            of_class.map(|(_, cost)| cost).sum::<f64>()
        };
        let model = Model {
            kind,
            decision,
            prior: weigh(true) / (weigh(true) + weigh(false)),
            threshold,
            sizes: Sizes::of(rows.iter().map(|&row| photos.sizes[row]))
                .expect("at least one photo"),
        };
        (model, converged)
    }
}

/// The value that best separates sharp from blurred: half-way between two neighbours, at the least
/// cost of wrong answers; the middle one of several equally good ones.
fn threshold(values: &[f64], sharp: &[bool], costs: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    // Below every value all photos are called sharp, so the blurred ones are wrong.
    let cost = |row: usize, class: bool| if sharp[row] == class { costs[row] } else { 0.0 };
    let mut wrong: f64 = order.iter().map(|&row| cost(row, false)).sum();
    let mut candidates = vec![(wrong, values[order[0]])];
    for pair in order.windows(2) {
        wrong += cost(pair[0], true) - cost(pair[0], false);
        if values[pair[0]] < values[pair[1]] {
            candidates.push((wrong, 0.5 * (values[pair[0]] + values[pair[1]])));
        }
    }
    let least = candidates
        .iter()
        .map(|(cost, _)| *cost)
        .fold(f64::INFINITY, f64::min);
    candidates.retain(|(cost, _)| *cost <= least + 1e-9 * values.len() as f64);
    candidates[candidates.len() / 2].1
}

/// Mean cost-weighted logistic loss.
fn log_loss(log_odds: &[f64], sharp: &[bool], costs: &[f64]) -> f64 {
    let losses = log_odds.iter().zip(sharp).zip(costs);
    let sum: f64 = losses
        .map(|((&z, &sharp), cost)| cost * softplus(if sharp { -z } else { z }))
        .sum();
    sum / costs.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(laplacian: f64, other: f64) -> [f64; FEATURES] {
        let mut row = [0.0; FEATURES];
        row[LAPLACIAN_VARIANCE] = laplacian;
        row[3] = other;
        row
    }

    #[test]
    fn the_threshold_is_half_way_between_the_classes() {
        let sharp = [false, true, false, true];
        assert_eq!(threshold(&[1.0, 4.0, 2.0, 6.0], &sharp, &[1.0; 4]), 3.0);
        // One blurred photo above all sharp ones is unavoidable.
        let sharp = [false, true, true, false];
        assert_eq!(threshold(&[1.0, 2.0, 3.0, 9.0], &sharp, &[1.0; 4]), 1.5);
        // Of two thresholds with one wrong answer each, the costs decide.
        let sharp = [false, true, false, true];
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(threshold(&values, &sharp, &[1.0, 3.0, 1.0, 1.0]), 1.5);
        assert_eq!(threshold(&values, &sharp, &[1.0, 1.0, 3.0, 1.0]), 3.5);
    }

    #[test]
    fn a_missing_class_and_too_few_scenes_are_refused() {
        let features = [row(1.0, 0.0); 4];
        let fit = |sharp: &[bool], scenes: &[u32]| {
            let photos = Photos {
                features: &features,
                sharp,
                scenes,
                sizes: &[(320, 240); 4],
            };
            DetectorOptions::default().fit(&photos).unwrap_err()
        };
        assert_eq!(
            fit(&[true; 4], &[0, 1, 2, 3]),
            FitError::OneClass(Class::Blurred)
        );
        let few = fit(&[true, true, false, false], &[0, 0, 0, 0]);
        assert_eq!(
            few,
            FitError::FewScenes {
                scenes: 1,
                folds: 5
            }
        );
    }

    /// Photos whose sharpness shows in a feature other than the variance of the Laplacian.
    fn photos() -> (Vec<[f64; FEATURES]>, Vec<bool>, Vec<u32>) {
        let mut rows = Vec::new();
        let mut sharp = Vec::new();
        for i in 0..60 {
            let noise = f64::from(i * 37 % 60) / 60.0;
            sharp.push(i % 2 == 0);
            let signal = if i % 2 == 0 { 1.0 } else { 0.0 };
            rows.push(row(noise + 0.3 * signal, 0.6 * noise + signal));
        }
        let scenes = (0..60).map(|i| i / 2).collect();
        (rows, sharp, scenes)
    }

    #[test]
    fn the_kind_with_the_least_loss_on_other_scenes_wins() {
        let (features, sharp, scenes) = photos();
        let photos = Photos {
            features: &features,
            sharp: &sharp,
            scenes: &scenes,
            sizes: &[(320, 240); 60],
        };
        let fit = DetectorOptions::default().fit(&photos).unwrap();
        assert_eq!(fit.model.kind(), Kind::Logistic);
        let [laplacian, logistic, _] = &fit.candidates[..] else {
            panic!("three candidates: {:?}", fit.candidates);
        };
        assert!(logistic.log_loss < laplacian.log_loss && laplacian.accuracy < 0.9);
        assert_eq!(logistic.accuracy, 1.0);
        assert_eq!(fit.model.prior(), 0.5);
        let only = DetectorOptions {
            kind: Some(Kind::Laplacian),
            ..DetectorOptions::default()
        };
        let model = only.fit(&photos).unwrap().model;
        let weights = model
            .weights()
            .unwrap()
            .iter()
            .filter(|weight| **weight != 0.0);
        assert_eq!((model.kind(), weights.count()), (Kind::Laplacian, 1));
    }
}
