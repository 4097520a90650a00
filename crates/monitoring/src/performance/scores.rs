//! What a classifier said of rows, checked: a score for each class, the class it predicted, and the
//! actual class where it is known.

use super::PerformanceError;
use super::error::{check_length, check_rows};

/// How far each score may be off, for scores that were rounded to two digits when written.
const ROUNDING: f64 = 5e-3;
/// How far the sum of a row may be from 1, at most.
const SUM_TOLERANCE: f64 = 0.05;

/// Probabilities of each class, one row after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    classes: usize,
    values: Vec<f64>,
}

impl Scores {
    /// Checks probabilities, rows × classes, and divides each row by its sum.
    ///
    /// # Errors
    /// Fewer than two classes, a score outside 0 to 1 or not a number, or a row whose sum differs from
    /// 1 by more than 0.005 a class, at most 0.05.
    ///
    /// # Examples
    /// ```
    /// use monitoring::performance::scores::Scores;
    ///
    /// let scores = Scores::new(3, vec![0.2, 0.3, 0.5, 1.0, 0.0, 0.0]).unwrap();
    /// assert_eq!((scores.rows(), scores.row(1)), (2, &[1.0, 0.0, 0.0][..]));
    /// assert!(Scores::new(3, vec![0.2, 0.3, 0.6]).is_err()); // sums to 1.1
    /// assert!(Scores::new(2, vec![1.2, -0.2]).is_err());
    /// ```
    pub fn new(classes: usize, mut values: Vec<f64>) -> Result<Scores, PerformanceError> {
        if classes < 2 || !values.len().is_multiple_of(classes) {
            let values = values.len();
            return Err(PerformanceError::Classes { values, classes });
        }
        let tolerance = SUM_TOLERANCE.min(ROUNDING * classes as f64) + 1e-9;
        for (row, scores) in values.chunks_mut(classes).enumerate() {
            check_scores(row, scores)?;
            let sum: f64 = scores.iter().sum();
            if (sum - 1.0).abs() > tolerance {
                return Err(PerformanceError::ScoreSum { row, sum });
            }
            scores.iter_mut().for_each(|score| *score /= sum);
        }
        Ok(Scores { classes, values })
    }

    /// Two classes, given the probability of the second.
    ///
    /// # Errors
    /// A score outside 0 to 1, or not a number.
    pub fn binary(second: &[f64]) -> Result<Scores, PerformanceError> {
        for (row, &value) in second.iter().enumerate() {
            if !(0.0..=1.0).contains(&value) {
                let class = 1;
                return Err(PerformanceError::Score { row, class, value });
            }
        }
        Ok(Scores {
            classes: 2,
            values: second.iter().flat_map(|&p| [1.0 - p, p]).collect(),
        })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.classes
    }

    /// The scores of a row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.classes..][..self.classes]
    }

    /// The scores of a class, row by row.
    pub fn of_class(&self, class: usize) -> impl ExactSizeIterator<Item = f64> + '_ {
        self.values
            .iter()
            .skip(class)
            .step_by(self.classes)
            .copied()
    }

    /// All scores, rows × classes.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Some of the rows, in the given order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Scores {
        Scores {
            classes: self.classes,
            values: rows
                .iter()
                .flat_map(|&row| self.row(row).iter().copied())
                .collect(),
        }
    }
}

fn check_scores(row: usize, scores: &[f64]) -> Result<(), PerformanceError> {
    match scores.iter().position(|score| !(0.0..=1.0).contains(score)) {
        Some(class) => Err(PerformanceError::Score {
            row,
            class,
            value: scores[class],
        }),
        None => Ok(()),
    }
}

/// Rows without labels: scores and the predicted class of each.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Scores of the rows.
    pub scores: &'a Scores,
    /// The predicted class of each row; it need not be the one with the largest score.
    pub predictions: &'a [u32],
}

impl Window<'_> {
    /// Checks that there are rows, one prediction for each, and that predictions are classes.
    pub(super) fn check(&self, what: &'static str, least: usize) -> Result<(), PerformanceError> {
        let (rows, classes) = (self.scores.rows(), self.scores.classes);
        check_length("prediction", self.predictions.len(), rows)?;
        check_classes("prediction", self.predictions, classes)?;
        check_rows(what, rows, least)
    }
}

/// Rows with labels.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// The rows.
    pub window: Window<'a>,
    /// The actual class of each row.
    pub targets: &'a [u32],
}

impl Labelled<'_> {
    /// As [`Window::check`], and the same for targets.
    pub(super) fn check(&self, what: &'static str, least: usize) -> Result<(), PerformanceError> {
        self.window.check(what, least)?;
        let scores = self.window.scores;
        check_length("target", self.targets.len(), scores.rows())?;
        check_classes("target", self.targets, scores.classes)
    }
}

fn check_classes(
    what: &'static str,
    given: &[u32],
    classes: usize,
) -> Result<(), PerformanceError> {
    match given.iter().position(|&class| class as usize >= classes) {
        Some(row) => Err(PerformanceError::UnknownClass {
            what,
            row,
            class: given[row],
            classes,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_are_no_probabilities_are_refused() {
        let wrong = |values: &[f64]| Scores::new(2, values.to_vec()).unwrap_err().to_string();
        assert_eq!(
            wrong(&[0.5, 0.5, 1.5, -0.5]),
            "score 1.5 of row 1 for class 0 is not between 0 and 1"
        );
        assert!(wrong(&[f64::NAN, 0.5]).contains("score NaN of row 0"));
        assert!(wrong(&[0.2, 0.2]).contains("row 0 sum to 0.4"));
        assert!(wrong(&[0.2]).contains("not rows of 2 classes"));
        assert!(Scores::new(1, vec![1.0]).is_err());
        assert!(Scores::binary(&[0.1, 1.1]).is_err());
        // Rounded to two digits.
        let rounded = Scores::new(3, vec![0.33, 0.33, 0.336]).unwrap();
        assert!((rounded.row(0).iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let scores = Scores::binary(&[0.1, 0.9]).unwrap();
        let window = |predictions| Window {
            scores: &scores,
            predictions,
        };
        let wrong = |predictions| window(predictions).check("the window", 1).unwrap_err();
        assert!(matches!(wrong(&[0]), PerformanceError::Length { .. }));
        assert_eq!(
            wrong(&[0, 2]).to_string(),
            "prediction 2 of row 1 is not one of the 2 classes of the reference"
        );
        let labelled = Labelled {
            window: window(&[0, 1]),
            targets: &[0, 5],
        };
        let error = labelled.check("the window", 1).unwrap_err();
        assert!(error.to_string().starts_with("target 5 of row 1"));
        assert!(matches!(
            window(&[0, 1]).check("the window", 3),
            Err(PerformanceError::TooFewRows { rows: 2, .. })
        ));
    }
}
