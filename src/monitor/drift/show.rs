//! What `drift` says on a terminal.

use std::fmt;

use super::performance::{Interval, Performance};
use super::{Drifted, Summary};
use crate::outcome::number::{figure, fixed};
use crate::outcome::table;
use monitoring::drift::BinShare;
use monitoring::performance::thresholds::Alert;

/// The metrics that are shown, where there are any.
const METRICS: [&str; 5] = ["accuracy", "f1_macro", "roc_auc", "mae", "rmse"];
/// Bins that are shown in a line.
const SHOWN: usize = 2;
/// Columns that are listed by name; more are counted.
const NAMES: usize = 8;

impl fmt::Display for Drifted {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let rows = |rows: u64| {
            if rows == 1 {
                "1 row".to_owned()
            } else {
                format!("{rows} rows")
            }
        };
        let Self {
            reference, current, ..
        } = self;
        writeln!(
            f,
            "{current} ({}) against {reference} ({})",
            rows(self.rows),
            rows(self.reference_rows)
        )?;
        let tested = self
            .windows
            .first()
            .map_or(0, |window| window.columns.len());
        let found = self
            .windows
            .iter()
            .filter(|window| window.has_drifted)
            .count();
        let of = match self.windows.len() {
            1 => String::new(),
            windows => format!(" in {found} of {windows} windows"),
        };
        match self.drifted.len() {
            0 if self.gone.is_empty() => writeln!(f, "no drift in {}", columns(tested)),
            0 => writeln!(
                f,
                "no drift in {}, but {} gone",
                columns(tested),
                are(self.gone.len())
            ),
            found => writeln!(f, "drift in {found} of {}{of}", columns(tested)),
        }?;
        self.write_columns(f)?;
        self.write_performance(f)?;
        for gone in &self.gone {
            let renamed = gone
                .renamed
                .iter()
                .map(|name| format!("; is it `{name}` now?"));
            let renamed: String = renamed.collect();
            writeln!(
                f,
                "  {} is gone{renamed} (--skip it if that is as it should be)",
                gone.column
            )?;
        }
        if !self.new.is_empty() {
            writeln!(f, "  new: {}", names(&self.new))?;
        }
        for left_out in &self.left_out {
            writeln!(f, "  {} is not compared: {}", left_out.column, left_out.why)?;
        }
        let alpha = figure(100.0 * self.alpha);
        writeln!(
            f,
            "false alarms: {alpha} % of the windows in which nothing has changed"
        )?;
        match &self.output {
            Some(path) => writeln!(f, "{}", path.display()),
            None => Ok(()),
        }
    }
}

impl Drifted {
    /// The metrics of each window: estimated, and measured where that could be.
    fn write_performance(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Some(performance) = &self.performance else {
            return Ok(());
        };
        let metrics = metrics(performance);
        let mut head = vec!["performance".to_owned(), "rows".to_owned()];
        let has_truth = performance.windows.iter().any(|window| window.labelled > 0);
        for name in &metrics {
            head.push(format!("{name} (estimated)"));
            head.extend(has_truth.then(|| "(realised)".to_owned()));
        }
        let mut rows = vec![head];
        let value = |interval: Option<Interval>, alert: Option<Alert>| {
            let sign = match alert {
                Some(Alert::Worse) => " worse",
                Some(Alert::Better) => " better",
                None => "",
            };
            interval.map_or("-".to_owned(), |of| {
                format!(
                    "{} [{}, {}]{sign}",
                    figure(of.value),
                    figure(of.low),
                    figure(of.high)
                )
            })
        };
        let mut first = vec!["reference".to_owned(), String::new()];
        for name in &metrics {
            let known = performance
                .windows
                .iter()
                .find_map(|window| window.get(name)?.reference);
            first.push(known.map_or("-".to_owned(), figure));
            first.extend(has_truth.then(String::new));
        }
        rows.push(first);
        for window in &performance.windows {
            let mut row = vec![window.window.clone(), window.rows.to_string()];
            for name in &metrics {
                let found = window.get(name);
                row.push(value(
                    found.and_then(|one| one.estimated),
                    found.and_then(|one| one.alert),
                ));
                if has_truth {
                    row.push(value(
                        found.and_then(|one| one.realised),
                        found.and_then(|one| one.realised_alert),
                    ));
                }
            }
            rows.push(row);
        }
        table::write(f, "  ", &rows, |column| column == 1)?;
        writeln!(
            f,
            "  an estimate without labels cannot see that the same rows have other labels than before"
        )
    }

    fn write_columns(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.drifted.is_empty() {
            return Ok(());
        }
        let has_windows = self.windows.len() > 1;
        let mut rows = vec![vec!["column".to_owned(), "distance".to_owned()]];
        if has_windows {
            rows[0].extend(["windows".to_owned(), "since".to_owned()]);
        }
        rows[0].push("what moved".to_owned());
        rows.extend(self.drifted.iter().map(|column| {
            let mut row = vec![column.column.clone(), fixed(column.distance, 3)];
            if has_windows {
                row.push(column.windows.to_string());
                row.push(column.since.clone().unwrap_or_else(|| "-".to_owned()));
            }
            row.push(moved(column));
            row
        }));
        table::write(f, "  ", &rows, |column| {
            column == 1 || has_windows && column == 2
        })
    }
}

/// The metrics that are shown, of those that any window has.
pub fn metrics(performance: &Performance) -> Vec<&'static str> {
    let has = |name: &&str| { performance.windows.iter() }.any(|window| window.get(name).is_some());
    METRICS.into_iter().filter(has).collect()
}

fn columns(count: usize) -> String {
    match count {
        1 => "1 column".to_owned(),
        _ => format!("{count} columns"),
    }
}

fn are(count: usize) -> String {
    match count {
        1 => "1 is".to_owned(),
        _ => format!("{count} are"),
    }
}

fn names(all: &[String]) -> String {
    match all.len().checked_sub(NAMES) {
        Some(more @ 1..) => format!("{} and {more} more", all[..NAMES].join(", ")),
        _ => all.join(", "),
    }
}

fn moved(column: &Summary) -> String {
    let bins = column.moved.iter().take(SHOWN).map(share);
    bins.collect::<Vec<_>>().join("; ")
}

/// A bin, with its share before and now.
pub fn share(bin: &BinShare) -> String {
    let percent = |share: f64| fixed(100.0 * share, 1);
    format!(
        "{}: {} % -> {} %",
        bin.label,
        percent(bin.reference),
        percent(bin.window)
    )
}
