//! Fits: checks the input, chooses the solver, and puts coefficients into the order of the design.

use super::loss::Sample;
use super::model::Linear;
use super::newton::Newton;
use super::options::{Family, Options};
use super::prepared::Prepared;
use super::{softmax, wide};
use crate::trees::FitError;

/// Maximum number of features for which a Gram matrix is made.
const WIDEST_GRAM: usize = 1000;
/// Targets beyond this have squares that overflow.
const LARGEST_TARGET: f64 = 1e150;
/// Factor between the loss of two classes with a margin each, and that of one margin.
const TWO_CLASSES: f64 = 0.5;

/// Intercept and other coefficients of each output.
type Outputs = Vec<Vec<f64>>;

impl Options {
    /// Fits `rows` of a table; their order and repetitions do not matter, and rows with weight 0 are
    /// left out. `targets` and `weights` have one entry per row of the table.
    ///
    /// A target that is the same in all rows gives an intercept only: for classes and counts, a share
    /// or mean of at least 1e-9. A class without rows gets a share of about 1e-9.
    ///
    /// # Errors
    /// If an option, a target or a weight is out of range, a row is not in the table, or no row has
    /// a positive weight.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::linear::{Design, DesignOptions, Family, Options};
    /// use easylife_models::trees::Column;
    ///
    /// // y = 2 x: the features are -1, 0 and 1 times 1.2247, and with λ = 3 the slope is halved.
    /// let (x, y) = ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]);
    /// let rows = [0, 1, 2];
    /// let design = Design::fit(&[Column::F64(&x)], &rows, &DesignOptions::default()).unwrap();
    /// let table = design.prepare(&[Column::F64(&x)]).unwrap();
    /// let options = Options { lambda: 3.0, ..Options::of(Family::Squared) };
    /// let fitted = options.fit(&table, &y, None, &rows).unwrap();
    /// let margins = fitted.margins(&[Column::F64(&x)]).unwrap();
    /// assert!((margins[0] - 3.0).abs() < 1e-12 && (margins[2] - 5.0).abs() < 1e-12);
    /// ```
    pub fn fit(
        &self,
        table: &Prepared,
        targets: &[f64],
        weights: Option<&[f64]>,
        rows: &[u32],
    ) -> Result<Linear, FitError> {
        let mut fitted = self.fit_path(table, targets, weights, rows, &[self.lambda])?;
        Ok(fitted.swap_remove(0))
    }

    /// Fits once per strength, each search starting where the last one ended: from strong to weak,
    /// as in [`LAMBDAS`](super::LAMBDAS), is fastest. `self.lambda` is not used.
    ///
    /// # Errors
    /// As for [`Options::fit`].
    pub fn fit_path(
        &self,
        table: &Prepared,
        targets: &[f64],
        weights: Option<&[f64]>,
        rows: &[u32],
        lambdas: &[f64],
    ) -> Result<Vec<Linear>, FitError> {
        self.check(lambdas)?;
        let (sample, largest) = self.sample(table, targets, weights, rows)?;
        // Weights are divided by the largest, so λ is too.
        let scaled: Vec<f64> = lambdas.iter().map(|lambda| lambda / largest).collect();
        let solved = match self.family {
            Family::Softmax { classes } => self.classes(table, sample, &scaled, classes),
            _ => self.single(table, sample, &scaled),
        };
        let model = |outputs: Outputs| Linear::new(table, self.family.link(), &outputs);
        Ok(solved.into_iter().map(model).collect())
    }

    /// The rows with a positive weight, and the largest weight.
    fn sample(
        &self,
        table: &Prepared,
        targets: &[f64],
        weights: Option<&[f64]>,
        rows: &[u32],
    ) -> Result<(Sample, f64), FitError> {
        let count = table.rows().unwrap_or(targets.len());
        for (what, got) in [
            ("target", Some(targets.len())),
            ("weight", weights.map(<[f64]>::len)),
        ] {
            if let Some(got) = got.filter(|&got| got != count) {
                let rows = count;
                return Err(FitError::Length { what, got, rows });
            }
        }
        let mut chosen = rows.to_vec();
        chosen.sort_unstable();
        chosen.dedup();
        if let Some(&row) = chosen.last().filter(|&&row| row as usize >= count) {
            return Err(FitError::Row { row, rows: count });
        }
        let weight = |row: u32| weights.map_or(1.0, |weights| weights[row as usize]);
        for &row in &chosen {
            let (row, value) = (row as usize, weight(row));
            if !(value >= 0.0 && value.is_finite()) {
                return Err(FitError::Weight { row, value });
            }
            if value > 0.0 {
                check_target(self.family, row, targets[row])?;
            }
        }
        let largest = chosen.iter().map(|&row| weight(row)).fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(FitError::NoRows("train on"));
        }
        // Weights so small that they vanish beside the largest are left out as well.
        chosen.retain(|&row| weight(row) / largest > 0.0);
        let sample = Sample {
            family: self.family,
            targets: chosen.iter().map(|&row| targets[row as usize]).collect(),
            weights: chosen.iter().map(|&row| weight(row) / largest).collect(),
            rows: chosen,
        };
        Ok((sample, largest))
    }

    /// One output.
    fn single(&self, table: &Prepared, mut sample: Sample, lambdas: &[f64]) -> Vec<Outputs> {
        // Squared loss is solved for targets of mean 0 that are at most 1.
        let (mut shift, mut scale) = (0.0, 1.0);
        if self.family == Family::Squared {
            shift = sample.mean();
            let targets = &mut sample.targets;
            targets.iter_mut().for_each(|target| *target -= shift);
            let largest = targets.iter().fold(0.0, |max: f64, t| max.max(t.abs()));
            if largest > 0.0 {
                scale = largest;
            }
            targets.iter_mut().for_each(|target| *target /= scale);
        }
        let solved = if sample.is_constant() {
            let mut constant = vec![0.0; table.dimension()];
            constant[0] = sample.start();
            vec![constant; lambdas.len()]
        } else if table.dimension() > WIDEST_GRAM + 1 {
            wide::path(table, &sample, self, lambdas)
        } else {
            let mut newton = Newton::new(table, &sample, self);
            lambdas.iter().map(|&lambda| newton.run(lambda)).collect()
        };
        let rescaled = solved.into_iter().map(|mut coefficients| {
            coefficients.iter_mut().for_each(|value| *value *= scale);
            coefficients[0] += shift;
            vec![coefficients]
        });
        rescaled.collect()
    }

    /// One output per class.
    fn classes(
        &self,
        table: &Prepared,
        mut sample: Sample,
        lambdas: &[f64],
        classes: usize,
    ) -> Vec<Outputs> {
        let mut present: Vec<usize> = sample
            .targets
            .iter()
            .map(|&target| target as usize)
            .collect();
        present.sort_unstable();
        present.dedup();
        let empty = vec![vec![0.0; table.dimension()]; classes];
        match present[..] {
            [_] => {
                let mut constant = empty;
                softmax::fill_absent(&mut constant, &present);
                vec![constant; lambdas.len()]
            }
            // Margins of ±s/2: (s/2)² + (s/2)² = s²/2, so half of λ means the same for s.
            [first, second] => {
                let is_second =
                    |target: &mut f64| *target = f64::from(u8::from(*target == second as f64));
                sample.targets.iter_mut().for_each(is_second);
                sample.family = Family::Logistic;
                let lambdas: Vec<f64> = lambdas.iter().map(|l| l * TWO_CLASSES).collect();
                let logistic = Options {
                    family: Family::Logistic,
                    ..*self
                };
                let solved = logistic.single(table, sample, &lambdas);
                let both = solved.into_iter().map(|outputs| {
                    let mut result = empty.clone();
                    result[first] = outputs[0].iter().map(|value| -0.5 * value).collect();
                    result[second] = outputs[0].iter().map(|value| 0.5 * value).collect();
                    softmax::fill_absent(&mut result, &present);
                    result
                });
                both.collect()
            }
            _ => softmax::path(table, &sample, self, lambdas, &present, classes),
        }
    }
}

fn check_target(family: Family, row: usize, value: f64) -> Result<(), FitError> {
    let is_class = |classes: usize| value >= 0.0 && value < classes as f64 && value.fract() == 0.0;
    let reason = match family {
        _ if !value.is_finite() => "missing or infinite",
        _ if value.abs() > LARGEST_TARGET => "beyond 1e150",
        Family::Logistic if !(0.0..=1.0).contains(&value) => "not between 0 and 1",
        Family::Poisson if value < 0.0 => "negative",
        Family::Softmax { classes } if !is_class(classes) => "not the index of a class",
        _ => return Ok(()),
    };
    Err(FitError::Target { row, value, reason })
}
