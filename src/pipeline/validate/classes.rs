//! Checks the classes of labelled data: their number, sizes, balance and spellings.

use std::collections::HashSet;
use std::io;

use anyhow::Result;

use super::finding::{FindingBuilder, Gathered};
use super::{Job, table::Read};
use crate::pipeline::profile::scan;
use crate::report::format::{count, counted};
use crate::report::validate::{Finding, Level};
use tables::blocks::{Block, Blocks};
use tables::profile::{Columns, Groups, Table, Want, Watch};
use tables::spelling;

/// Labels and their numbers of rows, the most frequent first.
pub(crate) struct Labels {
    labels: Vec<(String, u64)>,
    /// False if there are too many labels to count, so that they cannot be classes.
    exact: bool,
}

impl Labels {
    /// The labels of a column.
    pub fn of(table: &Table, column: usize) -> Labels {
        let frequent = &table.columns[column].frequent;
        let labels = frequent.top(frequent.len()).into_iter();
        Labels::new(
            labels.map(|counter| (counter.text.to_string(), counter.count)),
            frequent.is_exact(),
        )
    }

    fn new(labels: impl Iterator<Item = (String, u64)>, exact: bool) -> Labels {
        // As in `prepare`: trimmed, with one spelling of whole numbers.
        let mut trimmed: Vec<(String, u64)> = Vec::new();
        for (label, rows) in labels {
            let label = spelling::plain(label.trim());
            match trimmed.iter_mut().find(|(known, _)| known == label) {
                Some((_, known)) => *known += rows,
                None if label.is_empty() => {}
                None => trimmed.push((label.to_owned(), rows)),
            }
        }
        trimmed.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Labels {
            labels: trimmed,
            exact,
        }
    }

    /// Labels that look like a more frequent one, each with that one.
    fn spellings(&self) -> Vec<[&str; 2]> {
        spelling::look_alikes(self.labels.iter().map(|(label, _)| label.as_str()))
    }
}

/// Checks the rules on classes that all classifiers share. Reads the file again to name the rows of similar
/// labels, if there are any.
pub(crate) fn check<P, W>(
    job: &Job<P>,
    blocks: impl Fn() -> Result<Blocks>,
    read: &Read<W>,
    column: usize,
    labels: &Labels,
) -> Result<Vec<Finding>> {
    let about = |rule, level| read.about(rule, level, Some(column));
    if !labels.exact {
        let message = format!(
            "about {} distinct labels: too many to be classes",
            count(read.table.columns[column].distinct().0)
        );
        return Ok(vec![about("classes", Level::Error).general(message)]);
    }
    let mut findings = Vec::new();
    let number = labels.labels.len();
    if let Some(span) = job
        .rule("classes")
        .filter(|span| !span.holds(number as f64))
    {
        let names: Vec<&str> = labels
            .labels
            .iter()
            .take(5)
            .map(|(label, _)| label.as_str())
            .collect();
        let message = format!(
            "{number} distinct labels ({}); expected {span}",
            names.join(", ")
        );
        findings.push(about("classes", span.level()).general(message));
    }
    findings.extend(sizes(job, labels, about));
    let spellings = labels.spellings();
    if let Some(span) = job
        .rule("label_spellings")
        .filter(|span| !span.holds(spellings.len() as f64))
    {
        let pairs: Vec<String> = spellings
            .iter()
            .take(5)
            .map(|pair| {
                let [label, like] = spelling::distinguished(*pair);
                format!("`{label}` and `{like}`")
            })
            .collect();
        let message = format!(
            "labels that look alike but are different classes: {}; use one spelling if they mean the same",
            pairs.join(", ")
        );
        let mut rows = Labelled {
            column,
            labels: spellings.iter().map(|[label, _]| *label).collect(),
            gathered: Gathered::new(job.shown),
        };
        let _: Table = scan(blocks()?, &mut rows, Columns::Needed, job.talk)?;
        findings.push(about("label_spellings", span.level()).finding(message, &rows.gathered));
    }
    Ok(findings)
}

/// Rows with one of these labels.
struct Labelled<'a> {
    column: usize,
    labels: HashSet<&'a str>,
    gathered: Gathered,
}

impl Watch for Labelled<'_> {
    type Seen = Option<Gathered>;

    fn wants(&self, column: usize) -> Want {
        match column == self.column {
            true => Want::Cells,
            false => Want::Nothing,
        }
    }

    fn column(&self, _: &mut Self::Seen, _: &Block, _: usize, _: &Groups) {}

    fn rows(&self, seen: &mut Self::Seen, block: &Block) {
        let mut gathered = self.gathered.like();
        for row in 0..block.rows() {
            let label = spelling::plain(block.text(row, self.column).trim());
            if self.labels.contains(label) {
                gathered.add(block.spot(row), || label.to_owned());
            }
        }
        *seen = Some(gathered);
    }

    fn take(&mut self, seen: Self::Seen) -> io::Result<()> {
        seen.into_iter()
            .for_each(|gathered| self.gathered.merge(gathered));
        Ok(())
    }
}

fn sizes<'a, P>(
    job: &Job<P>,
    labels: &Labels,
    about: impl Fn(&'static str, Level) -> FindingBuilder<'a>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(span) = job.rule("rows_per_class") {
        let small: Vec<&(String, u64)> = labels
            .labels
            .iter()
            .filter(|(_, rows)| !span.holds(*rows as f64))
            .collect();
        if !small.is_empty() {
            let names: Vec<String> = small
                .iter()
                .take(5)
                .map(|(label, rows)| format!("`{label}` {rows}"))
                .collect();
            let message = format!(
                "{} {span} rows: {}",
                counted(
                    small.len() as u64,
                    "class does not have",
                    "classes do not have"
                ),
                names.join(", ")
            );
            findings.push(about("rows_per_class", span.level()).general(message));
        }
    }
    if let (Some(span), Some(large), Some(small)) = (
        job.rule("balance"),
        labels.labels.first(),
        labels.labels.last(),
    ) && !span.holds(large.1 as f64 / small.1 as f64)
    {
        let message = format!(
            "`{}` has {} rows and `{}` has {}, a ratio of {:.0}; {span} is allowed",
            large.0,
            count(large.1),
            small.0,
            count(small.1),
            large.1 as f64 / small.1 as f64
        );
        findings.push(about("balance", span.level()).general(message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_label_are_found() {
        let labels = [
            ("pos", 9),
            ("Pos ", 3),
            ("neg", 5),
            ("not ok", 2),
            ("not_ok", 1),
            ("pos ", 1),
        ];
        let labels = Labels::new(labels.iter().map(|(l, n)| (l.to_string(), *n)), true);
        assert_eq!(labels.labels[0], ("pos".to_owned(), 10));
        assert_eq!(labels.spellings(), [["Pos", "pos"], ["not_ok", "not ok"]]);
    }
}
