//! Describes a `cv` model for `inspect`: its kind, and the results of the others.

use super::details::{Details, HeldOut};
use crate::inspect::{Inspect, Line};
use crate::outcome::number::figure;
use crate::tasks::cv::Cv;
use artifact::Header;

impl Inspect for Cv {
    fn describe(header: &Header<Details>) -> Vec<Line> {
        let kinds = &header.details.held_out;
        // The chosen kind has no difference to the chosen kind.
        let chosen = kinds.iter().find(|kind| kind.behind_chosen.is_none());
        let Some(chosen) = chosen else {
            return Vec::new();
        };
        let mut lines = vec![
            Line::new("sizes", header.details.sizes.to_string()),
            Line::new("chosen", chosen.kind.as_str()),
        ];
        lines.push(Line::new(
            "because",
            format!("{} on held-out scenes of the training part", score(chosen)),
        ));
        let others = kinds.iter().filter(|kind| kind.behind_chosen.is_some());
        for other in others {
            lines.push(Line::new(
                "",
                format!("{}: {}", other.kind.as_str(), score(other)),
            ));
        }
        lines
    }
}

fn score(kind: &HeldOut) -> String {
    let area = kind
        .roc_auc
        .map(|area| format!("ROC AUC {}, ", figure(area)));
    format!(
        "{}accuracy {}, log loss {}",
        area.unwrap_or_default(),
        figure(kind.accuracy),
        figure(kind.log_loss)
    )
}
