//! Describes a `recsys` model for `inspect`: its kind, and the results of the alternatives.

use super::details::Details;
use crate::inspect::{Inspect, Line};
use crate::outcome::number::figure;
use crate::tasks::recsys::Recsys;
use artifact::Header;
use models::recsys::Trial;

impl Inspect for Recsys {
    fn describe(header: &Header<Details>) -> Vec<Line> {
        let details = &header.details;
        let kind = details.chosen.options.kind();
        let mut lines = vec![Line::new("chosen", kind.as_str())];
        let trials = &details.held_out;
        let best = trials.iter().find(|trial| trial.choice == details.chosen);
        lines.push(match best {
            Some(best) => Line::new(
                "because",
                format!(
                    "{} on held-out interactions; the best of {} trials",
                    score(best),
                    trials.len()
                ),
            ),
            None => Line::new("because", "set by the parameters; nothing was searched"),
        });
        lines.extend(best_of_others(trials, kind.as_str()));
        if let Some(later) = &details.later {
            let rows = later.rows;
            lines.push(Line::new(
                "extended",
                format!("by {rows} interactions of the test part, which count as taken"),
            ));
        }
        lines
    }
}

fn score(trial: &Trial) -> String {
    format!(
        "NDCG@20 {}, recall@20 {}",
        figure(trial.ndcg_at_20),
        figure(trial.recall_at_20)
    )
}

/// A line for each other kind, with its best trial.
fn best_of_others(trials: &[Trial], chosen: &str) -> Vec<Line> {
    let mut best: Vec<&Trial> = Vec::new();
    for trial in trials {
        let kind = trial.choice.options.kind();
        if kind.as_str() == chosen {
            continue;
        }
        match best
            .iter_mut()
            .find(|known| known.choice.options.kind() == kind)
        {
            Some(known) if known.ndcg_at_20 < trial.ndcg_at_20 => *known = trial,
            Some(_) => {}
            None => best.push(trial),
        }
    }
    best.sort_by(|a, b| b.ndcg_at_20.total_cmp(&a.ndcg_at_20));
    let line = |trial: &&Trial| {
        let kind = trial.choice.options.kind().as_str();
        Line::new("", format!("{kind}: {}", score(trial)))
    };
    best.iter().map(line).collect()
}
