//! Figures of `metrics/TASK.json` that several tasks have.

use serde_json::{Value, json};

use models::metrics::classification::Classification;

/// The headline figures of a classifier, or of its baseline.
pub(crate) fn classification(result: &Classification) -> Value {
    let mut figures = json!({
        "accuracy": result.accuracy,
        "f1_macro": result.f1_macro,
        "log_loss": result.log_loss,
    });
    for (name, area) in [("roc_auc", result.roc_auc), ("pr_auc", result.pr_auc)] {
        if let Some(area) = area {
            figures[name] = json!(area);
        }
    }
    figures
}
