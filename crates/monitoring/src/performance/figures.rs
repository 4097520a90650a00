//! Metrics of a window with their intervals, in one flat list that thresholds, audits and pages read.

use models::kernels::normal::normal_quantile;
use serde::{Deserialize, Serialize};

/// A metric of predicted classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of rows predicted right.
    Accuracy,
    /// Mean recall over the classes that occur.
    BalancedAccuracy,
    /// Mean F1 over the classes that occur or are predicted.
    F1Macro,
    /// Area under the ROC curve: of the second of two classes, otherwise the mean over classes against
    /// the rest; for a class, that class against the rest.
    RocAuc,
    /// Mean log loss in nats, of scores not below 1e-15.
    LogLoss,
    /// Brier score: the mean squared error of the second of two classes' score, otherwise summed over
    /// classes.
    Brier,
    /// Right rows of those predicted as a class.
    Precision,
    /// Right rows of those of a class; sensitivity.
    Recall,
    /// Of the rows of other classes, those not predicted as this class.
    Specificity,
    /// Harmonic mean of precision and recall of a class.
    F1,
}

impl Metric {
    /// Whether more is better.
    pub fn is_gain(self) -> bool {
        !matches!(self, Metric::LogLoss | Metric::Brier)
    }

    /// Its largest value.
    pub fn largest(self) -> f64 {
        match self {
            Metric::LogLoss => f64::INFINITY,
            Metric::Brier => 2.0,
            _ => 1.0,
        }
    }

    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::BalancedAccuracy => "balanced_accuracy",
            Metric::F1Macro => "f1_macro",
            Metric::RocAuc => "roc_auc",
            Metric::LogLoss => "log_loss",
            Metric::Brier => "brier",
            Metric::Precision => "precision",
            Metric::Recall => "recall",
            Metric::Specificity => "specificity",
            Metric::F1 => "f1",
        }
    }
}

/// A metric's value with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The metric.
    pub metric: Metric,
    /// The class it is of; `None` if it is of all.
    pub class: Option<u32>,
    /// Its value.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Standard error; the interval is not always symmetric around the value.
    pub standard_error: f64,
}

/// Metrics of rows: estimated, or measured with labels. Metrics that are not defined for the rows (the
/// recall of a class without rows, the ROC AUC of one class) are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Performance {
    /// Number of rows.
    pub rows: u64,
    /// Share of windows whose figure is inside the interval, such as 0.95.
    pub level: f64,
    /// The confusion matrix, a line per actual class: counts, or expected counts.
    pub confusion: Vec<Vec<f64>>,
    /// Metrics of all classes, then those of each class.
    pub figures: Vec<Figure>,
}

impl Performance {
    /// A metric of all classes, or of one.
    pub fn get(&self, metric: Metric, class: Option<u32>) -> Option<&Figure> {
        let is_asked = |figure: &&Figure| figure.metric == metric && figure.class == class;
        self.figures.iter().find(is_asked)
    }
}

/// What an interval is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Covers {
    /// The figure of these very rows once they are labelled: a share of rows, which may be exactly 1.
    Outcome,
    /// The figure of the population that the rows were drawn from, which is hardly ever exactly 1.
    Population,
}

/// The interval for an outcome: symmetric, cut to the metric's range.
pub(super) fn of_outcome(
    metric: Metric,
    value: f64,
    standard_error: f64,
    level: f64,
) -> (f64, f64) {
    let half = normal_quantile(0.5 + level / 2.0) * standard_error;
    let largest = metric.largest();
    (
        (value - half).clamp(0.0, largest),
        (value + half).clamp(0.0, largest),
    )
}

/// The interval for a population of which `rows` rows made the figure: symmetric in the log-odds of a
/// share and in the logarithm of a loss, so that it stays in range. A share of exactly 0 or 1 has the
/// interval of Wilson (1927).
pub(super) fn of_population(
    metric: Metric,
    value: f64,
    standard_error: f64,
    level: f64,
    rows: f64,
) -> (f64, f64) {
    let z = normal_quantile(0.5 + level / 2.0);
    let half = z * standard_error;
    match metric {
        Metric::LogLoss | Metric::Brier if value > 0.0 => {
            let factor = libm::exp(half / value);
            (value / factor, (value * factor).min(f64::MAX))
        }
        Metric::LogLoss | Metric::Brier => (value, value),
        _ if value <= 0.0 => (0.0, z * z / (rows + z * z)),
        _ if value >= 1.0 => (rows / (rows + z * z), 1.0),
        _ => {
            let odds = value / (1.0 - value);
            let factor = libm::exp(half / (value * (1.0 - value)));
            let share = |odds: f64| {
                if odds.is_finite() {
                    odds / (1.0 + odds)
                } else {
                    1.0
                }
            };
            (share(odds / factor), share(odds * factor))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_stay_in_range() {
        let (low, high) = of_population(Metric::Accuracy, 0.99, 0.02, 0.95, 25.0);
        assert!(low > 0.6 && low < 0.95 && high < 1.0, "{low} {high}");
        let (low, high) = of_outcome(Metric::Accuracy, 0.99, 0.02, 0.95);
        assert!((low - 0.9508).abs() < 1e-4 && high == 1.0, "{low} {high}");
        let (low, high) = of_population(Metric::LogLoss, 0.1, 0.1, 0.95, 25.0);
        assert!(low > 0.0 && high > 0.5, "{low} {high}");
        let (low, high) = of_population(Metric::RocAuc, 0.999, 1.0, 0.95, 25.0);
        assert!(low >= 0.0 && high == 1.0, "{low} {high}");
        // statsmodels 0.14: proportion_confint(20, 20, method="wilson") is 0.8389 to 1.
        let (low, high) = of_population(Metric::Accuracy, 1.0, 0.0, 0.95, 20.0);
        assert!((low - 0.8389).abs() < 1e-4 && high == 1.0, "{low} {high}");
    }

    #[test]
    fn json_names_are_the_metrics_names() {
        for metric in [Metric::BalancedAccuracy, Metric::RocAuc, Metric::F1] {
            let json = serde_json::to_string(&metric).unwrap();
            assert_eq!(json, format!("\"{}\"", metric.name()));
        }
    }
}
