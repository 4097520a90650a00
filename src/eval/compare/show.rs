//! A comparison as text.

use std::fmt;

use serde_json::Value;

use super::{Compared, Comparison, Evidence, Metric};
use crate::outcome::number::{figure, signed};
use crate::outcome::table;

/// Maximum length of a shown value.
const LETTERS: usize = 44;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "A: {}\nB: {}", self.a, self.b)?;
        for compared in &self.tasks {
            writeln!(f)?;
            compared.fmt(f)?;
        }
        for (title, changes) in [
            ("parameters that differ", &self.parameters),
            ("data that differ", &self.data),
        ] {
            if changes.is_empty() {
                continue;
            }
            let mut table = vec![["".to_owned(), "A".to_owned(), "B".to_owned()]];
            table.extend(
                changes
                    .iter()
                    .map(|changed| [changed.key.clone(), shown(&changed.a), shown(&changed.b)]),
            );
            writeln!(f, "\n{title}")?;
            table::write(f, "  ", &table, |_| false)?;
        }
        if self.parameters.is_empty() && self.data.is_empty() {
            writeln!(
                f,
                "\nparameters and data are the same, as far as both sides record them"
            )?;
        }
        for note in &self.notes {
            writeln!(f, "\nnote: {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.paired {
            Some(paired) => writeln!(f, "{} (the same {paired} on both sides)", self.task)?,
            None => writeln!(f, "{}", self.task)?,
        }
        let heading = ["metric", "A", "B", "B - A", ""].map(str::to_owned);
        let mut table = vec![heading];
        table.extend(self.metrics.iter().map(Metric::cells));
        // The columns between the first and the last are numbers.
        table::write(f, "  ", &table, |column| (1..4).contains(&column))
    }
}

impl Metric {
    fn cells(&self) -> [String; 5] {
        let value = |value: Option<f64>| value.map_or("-".to_owned(), figure);
        let difference = match self.difference {
            None => "-".to_owned(),
            Some(0.0) => "0".to_owned(),
            Some(difference) if difference.abs() < 9.5e-4 => format!("{difference:+.3e}"),
            Some(difference) if difference.fract() == 0.0 => signed(difference, 0),
            Some(difference) => signed(difference, 4),
        };
        let evidence = match (self.difference, self.evidence) {
            (None | Some(0.0), _) | (_, None) => String::new(),
            (
                _,
                Some(Evidence::PairedBootstrap {
                    low,
                    high,
                    more_than_chance,
                }),
            ) => {
                let verdict = match more_than_chance {
                    true => "more than chance",
                    false => "may be chance",
                };
                format!(
                    "{verdict}: 95 % within [{}, {}]",
                    signed(low, 4),
                    signed(high, 4)
                )
            }
            (_, Some(Evidence::Intervals { overlap: true })) => {
                "intervals overlap: not known to be more than chance".to_owned()
            }
            (_, Some(Evidence::Intervals { overlap: false })) => {
                "intervals do not overlap".to_owned()
            }
        };
        [
            self.metric.clone(),
            value(self.a),
            value(self.b),
            difference,
            evidence,
        ]
    }
}

/// A value as it would be in params.yaml.
fn shown(value: &Option<Value>) -> String {
    let text = match value {
        None => return "(absent)".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
