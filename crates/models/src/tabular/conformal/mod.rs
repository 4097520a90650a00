//! Prediction intervals of numbers from out-of-fold predictions, with a coverage that holds whatever
//! the distribution of the errors: conformal prediction.
//!
//! Cross-conformal (Vovk, "Cross-conformal predictors", 2015; Barber, Candès, Ramdas and Tibshirani,
//! "Predictive inference with the jackknife+", 2021) in its simple form: residuals (actual - predicted)
//! of out-of-fold predictions are taken as exchangeable with those of new rows. New rows are predicted
//! by a model of all rows, which is usually a little better than those of the folds, so that the
//! intervals are a little wide rather than narrow.
//!
//! An interval leaves out (1 - level) / 2 on each side: the k-th smallest and the k-th largest
//! residual with k = ⌊(n + 1)(1 - level) / 2⌋, so a new row is below with probability at most
//! k / (n + 1), and above likewise. Rows are divided into bins by their prediction (Mondrian), so
//! that the width follows the level. Borders are steps, not interpolated: the promise then holds in
//! each bin. If residuals are biased, an interval may lie to one side of the prediction.

use crate::state::{State, StateError};

/// Minimum number of rows in a bin, if there is more than one.
const BIN_ROWS: usize = 100;
/// And the number of rows that should be beyond each end of the widest interval.
const TAIL_ROWS: f64 = 2.0;
/// Bound on the number of rows that a wide interval may require of a bin.
const MAX_BIN_ROWS: usize = 1000;
/// Maximum number of bins.
const BINS: usize = 10;

/// Fitted intervals.
///
/// # Examples
/// ```
/// use easylife_models::tabular::conformal::Conformal;
///
/// // Residuals from -9 to 9, around any prediction.
/// let predicted = [50.0; 19];
/// let actual: Vec<f64> = (41..60).map(f64::from).collect();
/// let conformal = Conformal::fit(&predicted, &actual, &[0.9]).unwrap();
/// // One of 20 is below the least of 19 residuals, one above the greatest.
/// assert_eq!(conformal.interval(20.0, 0.9), Some([11.0, 29.0]));
/// assert_eq!(conformal.is_promised(0.9), Some(true));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Conformal {
    /// Coverages, ascending, between 0 and 1.
    levels: Vec<f64>,
    /// Predictions from which on the next bin begins, ascending; one less than bins.
    borders: Vec<f64>,
    /// Number of rows in each bin.
    rows: Vec<u32>,
    /// What is added to a prediction for the lower end, levels × bins.
    lower: Vec<f64>,
    /// And for the upper end.
    upper: Vec<f64>,
    /// No interval reaches below this.
    least: Option<f64>,
}

impl Conformal {
    /// Fits intervals of these coverages to out-of-fold predictions; `None` if no row has a finite
    /// residual, or no level is between 0 and 1 (others are left out).
    ///
    /// Rows whose prediction, actual value or residual is not finite are left out. The order of the
    /// rows changes nothing.
    pub fn fit(predicted: &[f64], actual: &[f64], levels: &[f64]) -> Option<Conformal> {
        let rows = predicted.iter().zip(actual);
        let mut rows: Vec<(f64, f64)> = rows
            .map(|(&predicted, actual)| (predicted, actual - predicted))
            .filter(|(predicted, residual)| predicted.is_finite() && residual.is_finite())
            .collect();
        let is_level = |level: &f64| *level > 0.0 && *level < 1.0;
        let mut levels: Vec<f64> = levels.iter().copied().filter(is_level).collect();
        levels.sort_unstable_by(f64::total_cmp);
        levels.dedup();
        let widest = *levels.last()?;
        if rows.is_empty() {
            return None;
        }
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let ends = bin_ends(&rows, widest);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let bins: Vec<Vec<f64>> = starts
            .zip(&ends)
            .map(|(start, &end)| sorted_residuals(&rows[start..end]))
            .collect();
        let inner = &ends[..ends.len() - 1];
        let offsets = |side: fn(&[f64], f64) -> f64| {
            let of_level = |level: &f64| bins.iter().map(|bin| side(bin, *level)).collect();
            levels
                .iter()
                .map(of_level)
                .collect::<Vec<Vec<f64>>>()
                .concat()
        };
        Some(Conformal {
            borders: inner.iter().map(|&end| border(&rows, end)).collect(),
            rows: bins.iter().map(|bin| bin.len() as u32).collect(),
            lower: offsets(|bin, level| bin[place(bin.len(), level).max(1) - 1]),
            upper: offsets(|bin, level| bin[bin.len() - place(bin.len(), level).max(1)]),
            levels,
            least: None,
        })
    }

    /// The same, with no end below `least`: 0 for counts.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::conformal::Conformal;
    ///
    /// let conformal = Conformal::fit(&[5.0, 5.0], &[1.0, 9.0], &[0.5]).unwrap();
    /// assert_eq!(conformal.interval(2.0, 0.5), Some([-2.0, 6.0]));
    /// assert_eq!(conformal.with_least(0.0).interval(2.0, 0.5), Some([0.0, 6.0]));
    /// ```
    #[must_use]
    pub fn with_least(mut self, least: f64) -> Conformal {
        self.least = least.is_finite().then_some(least);
        self
    }

    /// The coverages, ascending.
    pub fn levels(&self) -> &[f64] {
        &self.levels
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are enough rows to promise this level in every bin. Otherwise the interval
    /// extends from the least residual to the greatest, and covers less. `None` for a level that was
    /// not fitted.
    pub fn is_promised(&self, level: f64) -> Option<bool> {
        self.position(level)?;
        let mut rows = self.rows.iter();
        Some(rows.all(|&rows| place(rows as usize, level) >= 1))
    }

    /// The interval for a prediction: its lower and its upper end. `None` for a level that was not
    /// fitted; NaN for a prediction that is NaN.
    pub fn interval(&self, predicted: f64, level: f64) -> Option<[f64; 2]> {
        let level = self.position(level)?;
        let bin = self.borders.partition_point(|&border| border <= predicted);
        let at = level * self.rows.len() + bin;
        let ends = [predicted + self.lower[at], predicted + self.upper[at]];
        Some(match self.least {
            Some(least) if !predicted.is_nan() => ends.map(|end| end.max(least)),
            _ => ends,
        })
    }

    /// The intervals of many predictions: lower and upper ends. `None` for a level that was not
    /// fitted.
    pub fn intervals(&self, predicted: &[f64], level: f64) -> Option<(Vec<f64>, Vec<f64>)> {
        self.position(level)?;
        let intervals = predicted.iter();
        let intervals = intervals.filter_map(|&predicted| self.interval(predicted, level));
        Some(intervals.map(|[lower, upper]| (lower, upper)).unzip())
    }

    fn position(&self, level: f64) -> Option<usize> {
        self.levels.iter().position(|&fitted| fitted == level)
    }

    /// Adds the intervals to a state, as tensors named `prefix.field`.
    pub fn add_to(&self, state: &mut State, prefix: &str) {
        let name = |field: &str| format!("{prefix}.{field}");
        let shape = [self.levels.len(), self.rows.len()];
        state.insert_f64(&name("levels"), &shape[..1], self.levels.clone());
        state.insert_f64(
            &name("borders"),
            &[self.borders.len()],
            self.borders.clone(),
        );
        state.insert_u32(&name("rows"), &shape[1..], self.rows.clone());
        state.insert_f64(&name("lower"), &shape, self.lower.clone());
        state.insert_f64(&name("upper"), &shape, self.upper.clone());
        let least: Vec<f64> = self.least.into_iter().collect();
        state.insert_f64(&name("least"), &[least.len()], least);
    }

    /// Reads what [`Conformal::add_to`] wrote.
    ///
    /// # Errors
    /// If a tensor is missing, or the values are not valid intervals: levels or borders that are not
    /// ascending, ends in the wrong order, intervals that are not nested.
    pub fn from_state(state: &State, prefix: &str) -> Result<Conformal, StateError> {
        let name = |field: &str| format!("{prefix}.{field}");
        let rows = state.u32s(&name("rows"), &[None])?.to_vec();
        let levels = state.f64s(&name("levels"), &[None])?.to_vec();
        let inner = rows.len().checked_sub(1);
        let inner = inner.ok_or_else(|| StateError::invalid(&name("rows"), "no bins"))?;
        let shape = [Some(levels.len()), Some(rows.len())];
        let least = state.f64s(&name("least"), &[None])?;
        if least.len() > 1 {
            return Err(StateError::invalid(&name("least"), "more than one value"));
        }
        let found = Conformal {
            borders: state.f64s(&name("borders"), &[Some(inner)])?.to_vec(),
            lower: state.f64s(&name("lower"), &shape)?.to_vec(),
            upper: state.f64s(&name("upper"), &shape)?.to_vec(),
            least: least.first().copied(),
            levels,
            rows,
        };
        match found.fault() {
            Some((field, reason)) => Err(StateError::invalid(&name(field), reason)),
            None => Ok(found),
        }
    }

    /// A field that contradicts the rest, and how.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_ascending = |values: &[f64]| values.windows(2).all(|w| w[0] < w[1]);
        let bins = self.rows.len();
        let is_nested = |ends: &[f64], outwards: f64| {
            let wider = ends.iter().skip(bins).zip(ends);
            wider
                .into_iter()
                .all(|(wide, narrow)| outwards * wide >= outwards * narrow)
        };
        let is_level = |level: &f64| *level > 0.0 && *level < 1.0;
        if self.levels.is_empty() || !self.levels.iter().all(is_level) {
            return Some(("levels", "not between 0 and 1"));
        }
        if !is_ascending(&self.levels) {
            return Some(("levels", "not ascending"));
        }
        if !is_ascending(&self.borders) {
            return Some(("borders", "not ascending"));
        }
        if self.rows.contains(&0) {
            return Some(("rows", "an empty bin"));
        }
        if self
            .lower
            .iter()
            .zip(&self.upper)
            .any(|(low, high)| low > high)
        {
            return Some(("lower", "above the upper end"));
        }
        if !is_nested(&self.lower, -1.0) || !is_nested(&self.upper, 1.0) {
            return Some(("upper", "not nested"));
        }
        None
    }
}

/// How many of `rows` residuals, counted from either side, the end of an interval is; 0 if they
/// are too few to promise the level.
fn place(rows: usize, level: f64) -> usize {
    // (1 - 0.9) / 2 is a little less than 0.05, and must not lose the twentieth row.
    ((rows + 1) as f64 * (0.5 * (1.0 - level)) + 1e-9) as usize
}

/// Where bins of rows (ascending by prediction) end: equal numbers of rows, with equal predictions in
/// the same bin. At least one.
fn bin_ends(rows: &[(f64, f64)], widest: f64) -> Vec<usize> {
    let tails = (TAIL_ROWS * 2.0 / (1.0 - widest)) as usize;
    let least = tails.clamp(BIN_ROWS, MAX_BIN_ROWS);
    let bins = (rows.len() / least).clamp(1, BINS);
    let mut ends = Vec::new();
    let mut start = 0;
    for bin in 1..=bins {
        let end = rows.len() * bin / bins;
        if end < start + least.min(rows.len()) && bin < bins {
            continue; // a bin of equal predictions took its rows
        }
        let last = rows[end - 1].0;
        let end = end + rows[end..].partition_point(|row| row.0 <= last);
        if end > start {
            ends.push(end);
            start = end;
        }
    }
    // The last bin may be left with too few rows.
    if let [.., before, last] = ends[..]
        && last - before < least
    {
        ends.remove(ends.len() - 2);
    }
    ends
}

/// The border between the row before `end` and the row there: their middle, or the latter if there
/// is no number between them.
fn border(rows: &[(f64, f64)], end: usize) -> f64 {
    let (low, high) = (rows[end - 1].0, rows[end].0);
    let middle = 0.5 * low + 0.5 * high;
    if middle > low && middle <= high {
        middle
    } else {
        high
    }
}

fn sorted_residuals(rows: &[(f64, f64)]) -> Vec<f64> {
    let mut residuals: Vec<f64> = rows.iter().map(|row| row.1).collect();
    residuals.sort_unstable_by(f64::total_cmp);
    residuals
}

#[cfg(test)]
mod tests;
