//! Describes a `tabular` model for `inspect`: its columns, its settings, and why they were chosen.

use super::details::Details;
use super::params::TargetKind;
use super::params::join::JoinBlock;
use super::train::describe;
use crate::inspect::{Inspect, Line};
use crate::outcome::number::figure;
use crate::tasks::tabular::Tabular;
use artifact::Header;

/// Columns that are listed.
const COLUMNS_SHOWN: usize = 12;

impl Inspect for Tabular {
    fn describe(header: &Header<Details>) -> Vec<Line> {
        let details = &header.details;
        let mut lines = vec![
            Line::new(
                "target",
                format!("{} ({})", details.target, details.kind.as_str()),
            ),
            Line::new("chosen", describe(&details.chosen)),
            Line::new("because", because(details)),
        ];
        if details.kind == TargetKind::Classes {
            lines.push(Line::new("calibration", details.chosen.calibration.clone()));
        }
        let used = details.columns.iter().filter_map(|column| {
            let kind = column.role.kind()?;
            Some(format!("{} ({})", column.name, kind.as_str()))
        });
        let used: Vec<String> = used.collect();
        let more = match used.len().checked_sub(COLUMNS_SHOWN) {
            Some(more @ 1..) => format!(" and {more} more"),
            _ => String::new(),
        };
        let listed: Vec<&str> = used
            .iter()
            .take(COLUMNS_SHOWN)
            .map(String::as_str)
            .collect();
        lines.push(Line::new("columns", format!("{}{more}", listed.join(", "))));
        let joined = details.join.iter().flat_map(|join| &join.tables);
        lines.extend(joined.map(|(name, block)| Line::new("joined", describe_join(name, block))));
        let dropped = details
            .columns
            .iter()
            .filter(|column| column.role.kind().is_none());
        for column in dropped.take(COLUMNS_SHOWN) {
            let text = format!("{}: {}", column.name, column.because);
            lines.push(Line::new("not used", text));
        }
        lines
    }
}

/// A joined table: `orders: orders.csv on customer_id, rows before ordered_at`.
fn describe_join(name: &str, block: &JoinBlock) -> String {
    let keys: Vec<&str> = block.on.keys().map(String::as_str).collect();
    let time = match &block.time {
        Some(time) => format!(", rows whose `{time}` is earlier"),
        None => String::new(),
    };
    format!("{name}: {} on {}{time}", block.source, keys.join(", "))
}

fn because(details: &Details) -> String {
    let search = &details.search;
    let tried = search
        .members
        .iter()
        .find(|tried| tried.member == details.chosen.member);
    match tried {
        None => "set by the parameters; nothing was held out".to_owned(),
        Some(tried) if search.members.len() == 1 => format!(
            "set by the parameters; {} {} on {} held-out rows of the training part",
            search.loss,
            figure(tried.loss),
            search.rows
        ),
        Some(tried) => {
            let others = search
                .members
                .iter()
                .filter(|other| other.member != tried.member);
            let others: Vec<String> = others
                .map(|other| format!("{} {}", other.member.as_str(), figure(other.loss)))
                .collect();
            format!(
                "the simplest within one standard error of the best: {} {} on {} held-out rows, beside {}",
                search.loss,
                figure(tried.loss),
                search.rows,
                others.join(", ")
            )
        }
    }
}
