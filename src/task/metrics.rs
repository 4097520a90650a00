//! Metrics files, `metrics/TASK.json`, as a list of results; and which way a metric is better.

use serde_json::Value;

use registry::history::Direction;
use registry::lineage::Metric;

/// Metrics of which a greater value is better; those at a cut are without it, `recall` for `recall_at_20`.
const HIGHER: [&str; 15] = [
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "f1_macro",
    "roc_auc",
    "pr_auc",
    "r2",
    "d2",
    "ndcg",
    "map",
    "mrr",
    "hit_rate",
    "lift",
];

/// Metrics of which a smaller value is better.
const LOWER: [&str; 13] = [
    "log_loss",
    "ece",
    "cost",
    "rmse",
    "mae",
    "median_absolute_error",
    "mape",
    "poisson_deviance",
    "pinball",
    "smape",
    "mase",
    "owa",
    "msis",
];

/// Which way a metric is better; `None` for one that should be near a value, such as a coverage, or is unknown.
pub fn direction(metric: &str) -> Option<Direction> {
    let stem = metric.split("_at_").next().unwrap_or(metric);
    if HIGHER.contains(&stem) {
        return Some(Direction::Higher);
    }
    LOWER.contains(&stem).then_some(Direction::Lower)
}

/// The numbers at the top level with their intervals, and those of the baseline as `baseline.NAME`.
pub fn measured(figures: &Value) -> Vec<Metric> {
    let end = |name: &str, end: &str| figures["intervals"][name][end].as_f64();
    let entries = figures.as_object().into_iter().flatten();
    let own = entries.filter_map(|(name, value)| {
        Some(Metric {
            value: value.as_f64()?,
            low: end(name, "low"),
            high: end(name, "high"),
            name: name.clone(),
        })
    });
    let baseline = figures["baseline"].as_object().into_iter().flatten();
    let baseline = baseline.filter_map(|(name, value)| {
        Some(Metric {
            name: format!("baseline.{name}"),
            value: value.as_f64()?,
            low: None,
            high: None,
        })
    });
    own.chain(baseline).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_results_and_have_their_intervals() {
        let measured = measured(&serde_json::json!({
            "accuracy": 0.87,
            "rows": 120,
            "note": "not a number",
            "intervals": {"accuracy": {"low": 0.81, "high": 0.92}},
            "baseline": {"accuracy": 0.5},
        }));
        let names: Vec<&str> = measured.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["accuracy", "rows", "baseline.accuracy"]);
        assert_eq!(
            (measured[0].low, measured[0].high),
            (Some(0.81), Some(0.92))
        );
        assert_eq!(measured[1].low, None);
    }

    /// The glossary says it to people: its table of metrics has the column *better* last.
    #[test]
    fn directions_are_those_of_the_glossary() {
        let glossary = include_str!("../../docs/glossary.md");
        let mut compared = 0;
        for line in glossary.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let expected = match cells.last() {
                Some(&"bigger") => Direction::Higher,
                Some(&"smaller") => Direction::Lower,
                _ => continue,
            };
            for name in cells[0].split('`').skip(1).step_by(2) {
                assert_eq!(direction(name), Some(expected), "{name}");
                compared += 1;
            }
        }
        assert!(compared >= 15, "{compared}");
        for name in ["bias", "coverage", "coverage_95", "rows", "coverage_at_20"] {
            assert_eq!(direction(name), None, "{name}");
        }
    }
}
