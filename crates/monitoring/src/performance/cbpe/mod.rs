//! Confidence-based performance estimation: what performance to expect of predicted classes, from the
//! scores alone.
//!
//! A calibrated score of .8 says that 8 of 10 such rows are of the class. Summed over the rows of a
//! window, calibrated scores give the confusion matrix to expect, and from it every metric (the method
//! that NannyML's documentation describes as CBPE; Garg et al. 2022 study the idea). Scores are
//! calibrated on a labelled reference that the model was not trained on ([`super::calibration`]): each
//! class against the rest, made to sum to 1 again, and then so that each predicted class is right on
//! the reference as often as said (without this step, accuracy over many classes is biased).
//!
//! # Intervals
//!
//! An interval is for the performance that the window will turn out to have once it is labelled. Its
//! variance has two parts, both by the delta method: labels are drawn by their probabilities, which
//! matters most for few rows; and curves are estimated from finitely many reference rows, which
//! remains however large the window is.
//!
//! The estimate is blind to concept drift, and so is its interval: see [`super`].

mod spread;
#[cfg(test)]
mod tests;

use models::kernels::math::{exp, ln};
use serde::{Deserialize, Serialize};

use super::PerformanceError;
use super::calibration::{Curve, Place};
use super::error::check_share;
use super::figures::Performance;
use super::measure::Rows;
use super::realised;
use super::scores::{Labelled, Scores, Window};
use super::thresholds::Reference;
use spread::BetweenLabels;

/// Most knots of a curve.
const MOST_KNOTS: usize = 64;
/// Most knots of all curves together, so that many classes do not make a large profile.
const ALL_KNOTS: usize = 1024;
/// Rows of the reference, at least.
const LEAST_ROWS: usize = 20;
/// Rows by which the rate at which a predicted class is right is drawn towards what scores say.
const SHRINKAGE_ROWS: f64 = 5.0;

/// What a labelled reference says of scores. Small: it goes into a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cbpe {
    /// The curve of each class; of two classes that of the second only.
    curves: Vec<Curve>,
    /// For each predicted class, what is added to the log-odds of its being right.
    shifts: Vec<f64>,
    /// Performance on the reference, for thresholds.
    reference: Reference,
}

/// Calibrated scores.
#[derive(Clone, Debug)]
struct Calibrated {
    /// The probability of each class, rows × classes.
    p: Vec<f64>,
    /// Where each score lies on its class's curve, rows × curves.
    places: Vec<Place>,
}

impl Cbpe {
    /// Learns from a labelled reference; `seed` decides the folds by which curves are judged.
    ///
    /// # Errors
    /// Fewer than 20 rows, slices of other lengths, a prediction or target that is not a class, or
    /// targets of one class only.
    ///
    /// # Examples
    /// ```
    /// use monitoring::performance::cbpe::Cbpe;
    /// use monitoring::performance::figures::Metric;
    /// use monitoring::performance::scores::{Labelled, Scores, Window};
    ///
    /// // Scores of .9 and .1, but only 3 of 4 are right.
    /// let scores: Vec<f64> = (0..1000).map(|i| if i % 2 == 0 { 0.9 } else { 0.1 }).collect();
    /// let predictions: Vec<u32> = scores.iter().map(|&s| u32::from(s > 0.5)).collect();
    /// let targets: Vec<u32> = (0..1000).map(|i| u32::from((i % 2 == 0) ^ (i / 2 % 4 == 0))).collect();
    /// let scores = Scores::binary(&scores).unwrap();
    /// let window = Window { scores: &scores, predictions: &predictions };
    /// let cbpe = Cbpe::fit(&Labelled { window, targets: &targets }, 42).unwrap();
    ///
    /// let estimated = cbpe.estimate(&window, 0.95).unwrap();
    /// let accuracy = estimated.get(Metric::Accuracy, None).unwrap();
    /// assert!((accuracy.value - 0.75).abs() < 1e-3 && accuracy.high - accuracy.low < 0.1);
    /// ```
    pub fn fit(reference: &Labelled, seed: u64) -> Result<Cbpe, PerformanceError> {
        reference.check("the reference", LEAST_ROWS)?;
        let (scores, targets) = (reference.window.scores, reference.targets);
        if let Some(&class) = targets.first()
            && targets.iter().all(|&target| target == class)
        {
            return Err(PerformanceError::OneClass { class });
        }
        let mut cbpe = Cbpe {
            curves: fit_curves(scores, targets, seed),
            shifts: vec![0.0; scores.classes()],
            reference: Reference::of(&realised::measure(reference, 0.95)?),
        };
        cbpe.shifts = fit_shifts(&cbpe.calibrate(&reference.window).p, reference);
        Ok(cbpe)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.shifts.len()
    }

    /// Performance on the reference.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The curves of the classes; of two classes that of the second only.
    pub fn curves(&self) -> &[Curve] {
        &self.curves
    }

    /// Whether the parts fit each other, for what was read from a file.
    pub fn is_valid(&self) -> bool {
        let curves = if self.classes() == 2 {
            1
        } else {
            self.classes()
        };
        self.classes() >= 2
            && self.curves.len() == curves
            && self.curves.iter().all(Curve::is_valid)
            && self.shifts.iter().all(|shift| shift.is_finite())
            && self.reference.is_valid(self.classes())
    }

    /// The probabilities of the classes, rows × classes.
    ///
    /// # Errors
    /// Scores of another number of classes, slices of other lengths, a prediction that is not a class.
    pub fn probabilities(&self, window: &Window) -> Result<Vec<f64>, PerformanceError> {
        self.check(window)?;
        Ok(self.calibrate(window).p)
    }

    /// Estimates the performance on rows without labels, with intervals for the performance that they
    /// will turn out to have; `level` is the share of windows for which they hold, such as 0.95.
    ///
    /// A window of one row has an estimate, if a vague one, without ROC AUC.
    ///
    /// # Errors
    /// No rows, scores of another number of classes than the reference's, slices of other lengths, a
    /// prediction that is not a class, a level outside 0 to 1.
    pub fn estimate(&self, window: &Window, level: f64) -> Result<Performance, PerformanceError> {
        self.check(window)?;
        check_share("level", level)?;
        let calibrated = self.calibrate(window);
        let rows = Rows {
            window: *window,
            p: &calibrated.p,
        };
        let spread = BetweenLabels {
            curves: &self.curves,
            classes: self.classes(),
            calibrated: &calibrated,
        };
        Ok(rows.measure(&spread, level))
    }

    fn check(&self, window: &Window) -> Result<(), PerformanceError> {
        let (expected, got) = (self.classes(), window.scores.classes());
        if expected != got {
            return Err(PerformanceError::OtherClasses { expected, got });
        }
        window.check("the window", 1)
    }

    fn calibrate(&self, window: &Window) -> Calibrated {
        let (classes, rows) = (self.classes(), window.scores.rows());
        let mut p = Vec::with_capacity(rows * classes);
        let mut places = Vec::with_capacity(rows * self.curves.len());
        for row in 0..rows {
            let scores = window.scores.row(row);
            let first = p.len();
            match &self.curves[..] {
                [second] => {
                    places.push(second.place(scores[1]));
                    let yes = second.apply(scores[1]);
                    p.extend([1.0 - yes, yes]);
                }
                curves => {
                    for (curve, &score) in curves.iter().zip(scores) {
                        places.push(curve.place(score));
                        p.push(curve.apply(score));
                    }
                    let sum: f64 = p[first..].iter().sum();
                    p[first..].iter_mut().for_each(|p| *p /= sum);
                }
            }
            let predicted = window.predictions[row] as usize;
            shift(&mut p[first..], predicted, self.shifts[predicted]);
        }
        Calibrated { p, places }
    }
}

fn fit_curves(scores: &Scores, targets: &[u32], seed: u64) -> Vec<Curve> {
    let classes = scores.classes();
    let knots = (ALL_KNOTS / classes).clamp(8, MOST_KNOTS);
    let curve = |class: usize| {
        let of_class: Vec<f64> = scores.of_class(class).collect();
        let is_class: Vec<bool> = targets.iter().map(|&t| t as usize == class).collect();
        Curve::fit(&of_class, &is_class, knots, seed)
    };
    match classes {
        2 => vec![curve(1)],
        _ => (0..classes).map(curve).collect(),
    }
}

/// Adds to the log-odds of a class; the others share the rest as before.
fn shift(p: &mut [f64], class: usize, by: f64) {
    let before = p[class];
    if by == 0.0 || before <= 0.0 || before >= 1.0 {
        return;
    }
    let after = shifted(before, by);
    let rest = (1.0 - after) / (1.0 - before);
    p.iter_mut().for_each(|p| *p *= rest);
    p[class] = after;
}

fn shifted(p: f64, by: f64) -> f64 {
    let odds = p / (1.0 - p) * exp(by);
    odds / (1.0 + odds)
}

/// For each predicted class, the shift with which it is right on the reference as often as said.
fn fit_shifts(p: &[f64], reference: &Labelled) -> Vec<f64> {
    let classes = reference.window.scores.classes();
    let mut said = vec![Vec::new(); classes];
    let mut right = vec![0.0; classes];
    let predictions = reference.window.predictions.iter();
    for (row, (&predicted, target)) in predictions.zip(reference.targets).enumerate() {
        said[predicted as usize].push(p[row * classes + predicted as usize]);
        right[predicted as usize] += f64::from(u8::from(predicted == *target));
    }
    let shifts = said.iter().zip(&right);
    shifts
        .map(|(said, &right)| fit_shift(said, right))
        .collect()
}

/// Newton's method on the mean of the shifted probabilities, in log-odds.
fn fit_shift(said: &[f64], right: f64) -> f64 {
    let rows = said.len() as f64;
    let mean = said.iter().sum::<f64>() / rows;
    // Without rows, or with all of them certain, there is nothing to shift.
    if !(mean > 0.0 && mean < 1.0) {
        return 0.0;
    }
    let goal = (right + SHRINKAGE_ROWS * mean) / (rows + SHRINKAGE_ROWS);
    let log_odds = |p: f64| ln(p / (1.0 - p));
    let mut by = 0.0;
    for _ in 0..20 {
        let now = said
            .iter()
            .map(|&p| if p < 1.0 { shifted(p, by) } else { 1.0 });
        let now = now.sum::<f64>() / rows;
        if !(now > 0.0 && now < 1.0) {
            break;
        }
        let step = log_odds(goal) - log_odds(now);
        by = (by + step).clamp(-30.0, 30.0);
        if step.abs() < 1e-9 {
            break;
        }
    }
    by
}
