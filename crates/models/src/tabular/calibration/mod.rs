//! From margins to probabilities that match frequencies: of the rows with a probability of 80 %,
//! 80 % are of the class.
//!
//! A calibration is fitted on out-of-fold margins, which the model did not see when it was trained.
//! Two classes have Platt's logistic curve (`platt`) and the isotonic steps (`isotonic`), any number
//! of classes a common factor (`temperature`); `choose` takes the one with the least log loss, or the
//! simplest of those that are as good.

mod choose;
mod isotonic;
mod platt;
mod saved;
mod temperature;

pub use choose::{Choice, Trial};

use crate::kernels::math::{sigmoid, softmax};

/// How margins become probabilities. One margin per row is the log-odds of the second of two classes,
/// several are one for each class.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Calibration {
    /// The model's own link: the logistic function, or the softmax.
    #[default]
    None,
    /// The logistic function of slope · margin + offset (Platt 1999); for one margin per row.
    Platt {
        /// Positive, so that the order of the rows is kept.
        slope: f64,
        /// In units of the log-odds.
        offset: f64,
    },
    /// Linear between points, constant outside them; for one margin per row.
    Isotonic {
        /// Margins, ascending without equal ones; at least one.
        xs: Vec<f64>,
        /// Probabilities at these margins, never falling, between 0 and 1.
        ys: Vec<f64>,
    },
    /// The model's own link of factor · margin (temperature scaling).
    Temperature {
        /// Positive: the inverse of the temperature.
        factor: f64,
    },
}

/// Which calibration; from the simplest to the most flexible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// [`Calibration::None`], always possible.
    None,
    /// [`Calibration::Temperature`].
    Temperature,
    /// [`Calibration::Platt`], for two classes.
    Platt,
    /// [`Calibration::Isotonic`], for two classes.
    Isotonic,
}

impl Method {
    /// Every method, from the simplest.
    pub const ALL: [Method; 4] = [
        Method::None,
        Method::Temperature,
        Method::Platt,
        Method::Isotonic,
    ];

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Method::None => "none",
            Method::Temperature => "temperature",
            Method::Platt => "platt",
            Method::Isotonic => "isotonic",
        }
    }
}

/// Margins of rows with known classes.
///
/// A row counts if its margins are finite, its label is a class and its weight is positive and
/// finite; other rows are left out.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// Rows × outputs, where two classes have one output and more have one each.
    pub margins: &'a [f64],
    /// The class of each row; its number is the number of rows.
    pub labels: &'a [u32],
    /// How much each row counts; `None` if all count the same.
    pub weights: Option<&'a [f64]>,
}

/// A row that counts.
#[derive(Clone, Copy)]
struct Row<'a> {
    margins: &'a [f64],
    label: usize,
    weight: f64,
    /// Its index among all rows.
    index: usize,
}

impl<'a> Labelled<'a> {
    /// Number of margins per row.
    fn outputs(&self) -> usize {
        let outputs = self.margins.len().checked_div(self.labels.len());
        outputs.unwrap_or(0).max(1)
    }

    /// The rows that count, in order.
    fn rows(&self) -> Vec<Row<'a>> {
        let outputs = self.outputs();
        let rows = self.margins.chunks_exact(outputs).zip(self.labels);
        rows.enumerate()
            .map(|(index, (margins, &label))| Row {
                margins,
                label: label as usize,
                weight: self.weight(index),
                index,
            })
            .filter(|row| row.weight > 0.0 && row.weight.is_finite())
            .filter(|row| row.label < outputs.max(2))
            .filter(|row| row.margins.iter().all(|margin| margin.is_finite()))
            .collect()
    }

    fn weight(&self, row: usize) -> f64 {
        match self.weights {
            None => 1.0,
            Some(weights) => weights.get(row).copied().unwrap_or(0.0),
        }
    }
}

impl Calibration {
    /// Fits a calibration to out-of-fold margins. `None` if the rows do not determine it: too few
    /// rows, one class only, equal margins, a curve that would reverse the order, or a method for
    /// two classes where there are more.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::calibration::{Calibration, Labelled, Method};
    ///
    /// // Log-odds of 2 and -2, but only 3 of 4 are right: those of ln 3 would be honest.
    /// let margins: Vec<f64> = (0..4000).map(|i| if i < 2000 { 2.0 } else { -2.0 }).collect();
    /// let labels: Vec<u32> = (0..4000).map(|i| u32::from((i < 2000) ^ (i % 4 == 0))).collect();
    /// let rows = Labelled { margins: &margins, labels: &labels, weights: None };
    /// let calibration = Calibration::fit(Method::Platt, rows).unwrap();
    /// let mut probability = [2.0];
    /// calibration.apply(&mut probability);
    /// assert!((probability[0] - 0.75).abs() < 1e-3);
    /// ```
    pub fn fit(method: Method, labelled: Labelled) -> Option<Calibration> {
        Calibration::fit_rows(method, &labelled.rows(), labelled.outputs())
    }

    fn fit_rows(method: Method, rows: &[Row], outputs: usize) -> Option<Calibration> {
        match method {
            Method::None => Some(Calibration::None),
            Method::Temperature => temperature::fit(rows),
            Method::Platt if outputs == 1 => platt::fit(rows),
            Method::Isotonic if outputs == 1 => isotonic::fit(rows),
            Method::Platt | Method::Isotonic => None,
        }
    }

    /// Its method.
    pub fn method(&self) -> Method {
        match self {
            Calibration::None => Method::None,
            Calibration::Platt { .. } => Method::Platt,
            Calibration::Isotonic { .. } => Method::Isotonic,
            Calibration::Temperature { .. } => Method::Temperature,
        }
    }

    /// Turns the margins of one row into probabilities, in place: one margin into that of the second
    /// class, several into those of all classes.
    ///
    /// A margin that is NaN gives NaN. A calibration for one margin leaves several to the softmax.
    pub fn apply(&self, margins: &mut [f64]) {
        if let [margin] = margins {
            *margin = self.probability(*margin);
            return;
        }
        if let Calibration::Temperature { factor } = self {
            margins.iter_mut().for_each(|margin| *margin *= factor);
        }
        softmax(margins);
    }

    /// [`Calibration::apply`] to each row of rows × outputs.
    pub fn apply_rows(&self, margins: &mut [f64], outputs: usize) {
        let rows = margins.chunks_exact_mut(outputs.max(1));
        rows.for_each(|row| self.apply(row));
    }

    /// The probability of the second class.
    fn probability(&self, margin: f64) -> f64 {
        match self {
            Calibration::None => sigmoid(margin),
            Calibration::Platt { slope, offset } => sigmoid(slope * margin + offset),
            Calibration::Temperature { factor } => sigmoid(factor * margin),
            Calibration::Isotonic { xs, ys } => isotonic::interpolate(xs, ys, margin),
        }
    }
}

#[cfg(test)]
mod tests;
