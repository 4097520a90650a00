//! Performance measured with labels.

use super::PerformanceError;
use super::error::check_share;
use super::figures::{Covers, Performance};
use super::measure::{ClassInfluence, Influence, Rows, Spread};
use super::scores::Labelled;

/// Measures labelled rows, with intervals at `level` (such as 0.95) for the performance on the
/// population that the rows were drawn from, rows taken as independent.
///
/// Standard errors come from the influence of each row (the delta method; for ROC AUC DeLong, DeLong
/// and Clarke-Pearson 1988).
///
/// # Errors
/// No rows, slices of other lengths, a prediction or target that is not a class, a level outside 0 to
/// 1.
///
/// # Examples
/// ```
/// use monitoring::performance::figures::Metric;
/// use monitoring::performance::realised::measure;
/// use monitoring::performance::scores::{Labelled, Scores, Window};
///
/// let scores = Scores::binary(&[0.2, 0.9, 0.6, 0.4]).unwrap();
/// let window = Window { scores: &scores, predictions: &[0, 1, 1, 0] };
/// let found = measure(&Labelled { window, targets: &[0, 1, 0, 0] }, 0.95).unwrap();
/// assert_eq!(found.get(Metric::Accuracy, None).unwrap().value, 0.75);
/// assert_eq!(found.get(Metric::Precision, Some(1)).unwrap().value, 0.5);
/// ```
pub fn measure(labelled: &Labelled, level: f64) -> Result<Performance, PerformanceError> {
    labelled.check("the labelled window", 1)?;
    check_share("level", level)?;
    let p = certain(labelled);
    let rows = Rows {
        window: labelled.window,
        p: &p,
    };
    Ok(rows.measure(&BetweenRows(p.len() / rows.window.scores.classes()), level))
}

/// Labels as probabilities.
fn certain(labelled: &Labelled) -> Vec<f64> {
    let classes = labelled.window.scores.classes();
    let mut p = vec![0.0; labelled.targets.len() * classes];
    for (row, &target) in p.chunks_exact_mut(classes).zip(labelled.targets) {
        row[target as usize] = 1.0;
    }
    p
}

/// The variance between samples of so many rows, from the influences of each.
struct BetweenRows(usize);

impl BetweenRows {
    fn variance(&self, influence: &dyn Fn(usize) -> f64) -> f64 {
        let (mut sum, mut squares) = (0.0, 0.0);
        for row in 0..self.0 {
            let term = influence(row);
            sum += term;
            squares += term * term;
        }
        let rows = self.0 as f64;
        // Of the sample, with Bessel's correction; of one row nothing is known.
        match self.0 {
            0 | 1 => 0.0,
            _ => (squares - sum * sum / rows) * rows / (rows - 1.0),
        }
    }
}

impl Spread for BetweenRows {
    const COVERS: Covers = Covers::Population;

    fn of_all(&self, influence: &Influence) -> f64 {
        self.variance(influence.row)
    }

    fn of_class(&self, influence: &ClassInfluence) -> f64 {
        self.variance(influence.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::performance::figures::Metric;
    use crate::performance::scores::{Scores, Window};
    use models::metrics::classification;

    /// 500 rows of three classes from a linear congruential generator.
    fn generated() -> (Scores, Vec<u32>, Vec<u32>) {
        let mut state = 1u64;
        let mut next = || {
            state = (state.wrapping_mul(6364136223846793005)).wrapping_add(1442695040888963407);
            state >> 33
        };
        let (mut values, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..500 {
            let mut weights: Vec<u64> = (0..3).map(|_| 1 + next() % 20).collect();
            let class = (next() % 3) as usize;
            weights[class] += next() % 15;
            let total: u64 = weights.iter().sum();
            targets.push(class as u32);
            values.extend(weights.iter().map(|&w| w as f64 / total as f64));
        }
        let predictions = { values.chunks(3) }
            .map(|row| classification::most_probable(row) as u32)
            .collect();
        (Scores::new(3, values).unwrap(), predictions, targets)
    }

    #[test]
    fn values_are_those_of_the_models_own_evaluation() {
        let (scores, predictions, targets) = generated();
        let window = Window {
            scores: &scores,
            predictions: &predictions,
        };
        let targets = &targets;
        let found = measure(&Labelled { window, targets }, 0.95).unwrap();
        let names = ["a", "b", "c"].map(str::to_owned);
        let expected = classification::measure(&names, targets, scores.values());
        let value = |metric, class| found.get(metric, class).unwrap().value;
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(value(Metric::Accuracy, None), expected.accuracy);
        close(value(Metric::F1Macro, None), expected.f1_macro);
        close(value(Metric::LogLoss, None), expected.log_loss);
        close(value(Metric::RocAuc, None), expected.roc_auc.unwrap());
        for (class, expected) in expected.classes.iter().enumerate() {
            let class = Some(class as u32);
            close(value(Metric::Precision, class), expected.precision);
            close(value(Metric::Recall, class), expected.recall);
            close(value(Metric::F1, class), expected.f1);
        }
    }

    #[test]
    fn standard_errors_are_those_of_the_bootstrap() {
        let (scores, predictions, targets) = generated();
        let window = Window {
            scores: &scores,
            predictions: &predictions,
        };
        let targets = &targets;
        let found = measure(&Labelled { window, targets }, 0.95).unwrap();
        let intervals =
            models::metrics::bootstrap::intervals(3, targets, scores.values(), 7).unwrap();
        for (metric, interval) in [
            (Metric::Accuracy, intervals.accuracy),
            (Metric::F1Macro, intervals.f1_macro),
            (Metric::LogLoss, intervals.log_loss),
        ] {
            let width = 2.0 * 1.96 * found.get(metric, None).unwrap().standard_error;
            let expected = interval.high - interval.low;
            assert!(
                (width / expected - 1.0).abs() < 0.1,
                "{metric:?} {width} {expected}"
            );
        }
    }

    #[test]
    fn one_row_and_none() {
        let scores = Scores::binary(&[0.8]).unwrap();
        let window = Window {
            scores: &scores,
            predictions: &[1],
        };
        let found = measure(
            &Labelled {
                window,
                targets: &[1],
            },
            0.95,
        )
        .unwrap();
        assert_eq!(found.get(Metric::Accuracy, None).unwrap().value, 1.0);
        assert_eq!(found.get(Metric::RocAuc, None), None);
        assert_eq!(found.get(Metric::Recall, Some(0)), None);
        let none = Scores::binary(&[]).unwrap();
        let window = Window {
            scores: &none,
            predictions: &[],
        };
        let error = measure(
            &Labelled {
                window,
                targets: &[],
            },
            0.95,
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "0 rows in the labelled window; at least 1 needed"
        );
    }
}
