//! The section of the page on the trials in training.

use serde_json::{Value, json};

use crate::report::format::fixed;
use crate::report::html::{Table, columns, escape, text};
use crate::report::page::Section;
use models::recsys::{Choice, Trial};

/// Maximum number of trials to show.
const TRIALS: usize = 12;

/// A setting for the page: numbers with four digits.
fn setting(value: &Value) -> String {
    let rounded = value.as_f64().map(|number| format!("{number:.3e}").parse());
    match rounded {
        Some(Ok::<f64, _>(number)) => number.to_string(),
        _ => value.as_str().unwrap_or_default().to_owned(),
    }
}

pub(super) fn chosen(trials: &[Trial]) -> Section {
    let mut order: Vec<&Trial> = trials.iter().collect();
    order.sort_by(|a, b| b.ndcg_at_20.total_cmp(&a.ndcg_at_20));
    let row = |trial: &&Trial| {
        vec![
            text(trial.choice.options.kind().as_str()),
            escape(&settings(&trial.choice)),
            fixed(trial.recall_at_20, 4),
            fixed(trial.ndcg_at_20, 4),
        ]
    };
    let table = Table {
        caption: format!(
            "The best {} of {} trials",
            order.len().min(TRIALS),
            order.len()
        ),
        columns: columns(&[
            ("Model", "name"),
            ("Settings", "name"),
            ("Recall@20", "n"),
            ("NDCG@20", "n"),
        ]),
        rows: order.iter().take(TRIALS).map(row).collect(),
        class: "pairs",
    };
    Section {
        title: "How the model was chosen".to_owned(),
        note: "Measured on held-out interactions of the training part; the highest NDCG wins. half_life is the \
        share of a user's interactions after which an older one counts half; disliked is the weight of \
        items with a low rating."
            .to_owned(),
        body: table.render(),
    }
}

/// The chosen settings except the kind.
fn settings(choice: &Choice) -> String {
    let options = json!(choice.options);
    let own = options.as_object().into_iter().flatten();
    let own = own.filter(|(name, _)| *name != "kind");
    let mut settings: Vec<String> = own
        .map(|(name, value)| format!("{name} {}", setting(value)))
        .collect();
    for (name, value) in [
        ("half_life", choice.half_life),
        ("disliked", choice.disliked),
    ] {
        settings.push(format!("{name} {}", setting(&json!(value))));
    }
    settings.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_rounded_for_reading() {
        let shown = |value: Value| setting(&value);
        assert_eq!(shown(serde_json::json!(0.44999999999999996)), "0.45");
        assert_eq!(shown(serde_json::json!(300.0)), "300");
        assert_eq!(shown(serde_json::json!(64)), "64");
        assert_eq!(shown(serde_json::json!("bm25")), "bm25");
    }
}
