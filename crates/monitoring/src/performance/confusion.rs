//! Metrics of a confusion matrix, whose counts may be expected ones, and their derivatives.
//!
//! For a class: `right` rows are of it and predicted so, `actual` are of it, `predicted` are predicted
//! so. Precision, recall, specificity and F1 are ratios of these and of the number of rows.

use super::figures::Metric;
use super::scores::Window;

/// The sums of a confusion matrix that metrics depend on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Margins {
    /// Diagonal.
    pub right: Vec<f64>,
    /// Sum of each line.
    pub actual: Vec<f64>,
    /// Sum of each column.
    pub predicted: Vec<f64>,
    /// How sure it is that there is a row of each class: 0 or 1 for counts.
    pub occurs: Vec<f64>,
    pub rows: f64,
}

/// A metric with its derivatives by the sums of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Slope {
    pub value: f64,
    pub right: f64,
    pub actual: f64,
    pub predicted: f64,
}

/// A mean over classes with its derivatives by the sums of each class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MeanSlope {
    pub value: f64,
    pub of_class: Vec<Slope>,
}

/// The confusion matrix, a line per actual class: rows counted by the probability `p` (rows ×
/// classes) of each class.
pub(super) fn confusion(window: &Window, p: &[f64]) -> Vec<Vec<f64>> {
    let classes = window.scores.classes();
    let mut counts = vec![vec![0.0; classes]; classes];
    for (row, &predicted) in p.chunks_exact(classes).zip(window.predictions) {
        for (line, p) in counts.iter_mut().zip(row) {
            line[predicted as usize] += p;
        }
    }
    counts
}

impl Margins {
    /// Sums of a matrix of counts, or of expected counts.
    pub fn of(confusion: &[Vec<f64>], is_expected: bool) -> Margins {
        let classes = confusion.len();
        let actual: Vec<f64> = confusion.iter().map(|line| line.iter().sum()).collect();
        let column = |class: usize| confusion.iter().map(|line| line[class]).sum();
        let occurs = |&actual: &f64| match is_expected {
            // Rows of a class are close to Poisson's if they are few.
            true => 1.0 - models::kernels::math::exp(-actual),
            false => f64::from(u8::from(actual > 0.0)),
        };
        Margins {
            right: (0..classes).map(|class| confusion[class][class]).collect(),
            predicted: (0..classes).map(column).collect(),
            occurs: actual.iter().map(occurs).collect(),
            rows: actual.iter().sum(),
            actual,
        }
    }

    pub fn accuracy(&self) -> f64 {
        self.right.iter().sum::<f64>() / self.rows
    }

    /// A metric of one class; `None` if it is not defined, or not one of these.
    pub fn of_class(&self, metric: Metric, class: usize) -> Option<Slope> {
        let (right, actual) = (self.right[class], self.actual[class]);
        let predicted = self.predicted[class];
        let (whole, slope): (f64, fn(f64, f64) -> Slope) = match metric {
            Metric::Precision => (predicted, |right, whole| Slope {
                value: right / whole,
                right: 1.0 / whole,
                predicted: -right / (whole * whole),
                ..Slope::default()
            }),
            Metric::Recall => (actual, |right, whole| Slope {
                value: right / whole,
                right: 1.0 / whole,
                actual: -right / (whole * whole),
                ..Slope::default()
            }),
            Metric::F1 => (predicted + actual, |right, whole| Slope {
                value: 2.0 * right / whole,
                right: 2.0 / whole,
                actual: -2.0 * right / (whole * whole),
                predicted: -2.0 * right / (whole * whole),
            }),
            Metric::Specificity => return self.specificity(class),
            _ => return None,
        };
        (whole > 0.0).then(|| slope(right, whole))
    }

    /// Number of rows that a metric is a ratio of.
    pub fn whole(&self, metric: Metric, class: Option<usize>) -> f64 {
        let Some(class) = class else { return self.rows };
        let (actual, others) = (self.actual[class], self.rows - self.actual[class]);
        match metric {
            Metric::Precision => self.predicted[class],
            Metric::Recall => actual,
            Metric::Specificity => others,
            Metric::F1 => (self.predicted[class] + actual) / 2.0,
            _ => actual.min(others),
        }
    }

    fn specificity(&self, class: usize) -> Option<Slope> {
        let others = self.rows - self.actual[class];
        let right = others - self.predicted[class] + self.right[class];
        let value = right / others;
        // Counts of probabilities are not exact.
        (others > 1e-9 * self.rows).then(|| Slope {
            value: value.clamp(0.0, 1.0),
            right: 1.0 / others,
            actual: -(1.0 - value) / others,
            predicted: -1.0 / others,
        })
    }

    /// Mean recall over the classes that occur.
    pub fn balanced_accuracy(&self) -> Option<MeanSlope> {
        self.mean(Metric::Recall, |class| self.occurs[class])
    }

    /// Mean F1 over the classes that occur or are predicted.
    pub fn f1_macro(&self) -> Option<MeanSlope> {
        self.mean(Metric::F1, |class| match self.predicted[class] > 0.0 {
            true => 1.0,
            false => self.occurs[class],
        })
    }

    fn mean(&self, metric: Metric, weight: impl Fn(usize) -> f64) -> Option<MeanSlope> {
        let classes = 0..self.right.len();
        let all: f64 = classes.clone().map(&weight).sum();
        let scaled = |class| {
            let slope = self.of_class(metric, class).unwrap_or_default();
            let share = weight(class) / all;
            Slope {
                value: slope.value * share,
                right: slope.right * share,
                actual: slope.actual * share,
                predicted: slope.predicted * share,
            }
        };
        let of_class: Vec<Slope> = classes.map(scaled).collect();
        (all > 0.0).then(|| MeanSlope {
            value: of_class.iter().map(|slope| slope.value).sum(),
            of_class,
        })
    }
}

impl Slope {
    /// Effect of a row predicted as some class being of this class, rather than of another.
    pub fn label(&self, is_predicted: bool) -> f64 {
        match is_predicted {
            true => self.actual + self.right,
            false => self.actual,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Vec<f64>> {
        vec![
            vec![5.0, 1.0, 0.0],
            vec![2.0, 6.0, 1.0],
            vec![0.0, 1.0, 4.0],
        ]
    }

    #[test]
    fn by_hand() {
        let margins = Margins::of(&lines(), false);
        let value = |metric, class| margins.of_class(metric, class).unwrap().value;
        assert_eq!(margins.accuracy(), 15.0 / 20.0);
        assert_eq!(value(Metric::Precision, 0), 5.0 / 7.0);
        assert_eq!(value(Metric::Recall, 1), 6.0 / 9.0);
        assert_eq!(value(Metric::F1, 2), 8.0 / 10.0);
        // Of 14 rows of other classes, 12 are not predicted as class 0.
        assert_eq!(value(Metric::Specificity, 0), 12.0 / 14.0);
        let balanced = margins.balanced_accuracy().unwrap().value;
        assert!((balanced - (5.0 / 6.0 + 6.0 / 9.0 + 4.0 / 5.0) / 3.0).abs() < 1e-15);
    }

    #[test]
    fn classes_that_do_not_occur_have_no_say() {
        let mut lines = lines();
        lines[2] = vec![0.0; 3];
        let margins = Margins::of(&lines, false);
        assert_eq!(margins.of_class(Metric::Recall, 2), None);
        let balanced = margins.balanced_accuracy().unwrap().value;
        assert!((balanced - (5.0 / 6.0 + 6.0 / 9.0) / 2.0).abs() < 1e-15);
        // It is predicted once, so its F1 of 0 counts.
        let f1 = margins.f1_macro().unwrap().value;
        assert!((f1 - (10.0 / 13.0 + 12.0 / 16.0) / 3.0).abs() < 1e-15);
    }

    #[test]
    fn derivatives_are_those_of_small_changes() {
        let step = 1e-6;
        for metric in [
            Metric::Precision,
            Metric::Recall,
            Metric::F1,
            Metric::Specificity,
        ] {
            let before = Margins::of(&lines(), false);
            let slope = before.of_class(metric, 0).unwrap();
            let changed = |change: &dyn Fn(&mut Margins)| {
                let mut after = before.clone();
                change(&mut after);
                (after.of_class(metric, 0).unwrap().value - slope.value) / step
            };
            let right = changed(&|m| m.right[0] += step);
            let actual = changed(&|m| m.actual[0] += step);
            let predicted = changed(&|m| m.predicted[0] += step);
            assert!((right - slope.right).abs() < 1e-5, "{metric:?}");
            assert!((actual - slope.actual).abs() < 1e-5, "{metric:?}");
            assert!((predicted - slope.predicted).abs() < 1e-5, "{metric:?}");
        }
    }
}
