//! Classes of labelled data: how many, how large, how balanced, spelled one way or several.

use super::finding::About;
use super::{Job, table::Read};
use crate::report::format::count;
use crate::report::validate::{Finding, Level};
use tables::profile::Table;

/// Labels and their rows, the most frequent first.
pub(crate) struct Labels {
    labels: Vec<(String, u64)>,
    /// False where there are too many to be counted: then these are no classes.
    exact: bool,
}

impl Labels {
    /// Of a column that was read.
    pub fn of(table: &Table, column: usize) -> Labels {
        let frequent = &table.columns[column].frequent;
        let labels = frequent.top(frequent.len()).into_iter();
        Labels::new(
            labels.map(|counter| (counter.text.to_string(), counter.count)),
            frequent.is_exact(),
        )
    }

    fn new(labels: impl Iterator<Item = (String, u64)>, exact: bool) -> Labels {
        // Space around a label is not part of it: `prepare` takes it away.
        let mut trimmed: Vec<(String, u64)> = Vec::new();
        for (label, rows) in labels {
            let label = label.trim();
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

    /// Labels that are another one but for their case and inner space; each with that other one.
    fn spellings(&self) -> Vec<(&str, &str)> {
        let plain = |label: &str| label.split_whitespace().collect::<String>().to_lowercase();
        let mut seen: Vec<(String, &str)> = Vec::new();
        let mut found = Vec::new();
        for (label, _) in &self.labels {
            let plain = plain(label).replace(['_', '-'], "");
            match seen.iter().find(|(known, _)| *known == plain) {
                Some((_, first)) => found.push((label.as_str(), *first)),
                None => seen.push((plain, label)),
            }
        }
        found
    }
}

/// Rules on classes that every classifier has.
pub(crate) fn check<P, W>(
    job: &Job<P>,
    read: &Read<W>,
    column: usize,
    labels: &Labels,
) -> Vec<Finding> {
    let about = |rule, level| read.about(rule, level, Some(column));
    if !labels.exact {
        let message = format!(
            "about {} different labels: these are no classes",
            count(read.table.columns[column].distinct().0)
        );
        return vec![about("classes", Level::Error).general(message)];
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
            "{number} different labels ({}); {span} are expected",
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
            .map(|(label, like)| format!("`{label}` and `{like}`"))
            .collect();
        let message = format!(
            "the same label spelled in different ways: {}",
            pairs.join(", ")
        );
        findings.push(about("label_spellings", span.level()).general(message));
    }
    findings
}

fn sizes<'a, P>(
    job: &Job<P>,
    labels: &Labels,
    about: impl Fn(&'static str, Level) -> About<'a>,
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
                "{} classes with a number of rows that is not {span}: {}",
                small.len(),
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
            "`{}` has {} rows, `{}` {}: {:.0} for one; {span} is allowed",
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
        assert_eq!(labels.spellings(), [("Pos", "pos"), ("not_ok", "not ok")]);
    }
}
