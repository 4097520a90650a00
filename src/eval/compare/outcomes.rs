//! Results of an evaluation row by row, from the files of `plots/TASK`, and the paired bootstrap of two of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{Recorded, TaskOutcomes};
use models::metrics::bootstrap::{Interval, mean_interval};

/// A mean of rows this close to a metric is taken to be that metric.
const TOLERANCE: f64 = 1e-6;

/// The results of one side, one per unit.
#[derive(Debug, Default, PartialEq)]
pub struct Outcomes {
    units: &'static str,
    /// The id or the actual class of each unit: equal on both sides if they were scored on the same units.
    keys: Vec<String>,
    /// Values of each metric, in the order of the keys; NaN if a unit has none.
    values: BTreeMap<String, Vec<f64>>,
}

impl Outcomes {
    /// Reads the results of a task from the files of `plots/TASK`; `None` if the file does not exist.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(
        task: &TaskOutcomes,
        file: &mut dyn FnMut(&str) -> Result<Option<Vec<u8>>>,
    ) -> Result<Option<Self>> {
        let name = match task.recorded {
            Recorded::Confusion => "confusion.csv",
            Recorded::Table { file, .. } => file,
        };
        let Some(bytes) = file(name)? else {
            return Ok(None);
        };
        let outcomes = match task.recorded {
            Recorded::Confusion => confusion(&bytes),
            Recorded::Table { id, units, .. } => table(&bytes, id, units),
        };
        outcomes
            .map(Some)
            .with_context(|| format!("plots/{}/{name} was not written by `evaluate`", task.name))
    }
}

/// Reads a confusion table, in which a row is right or wrong.
fn confusion(bytes: &[u8]) -> Result<Outcomes, csv::Error> {
    let mut outcomes = Outcomes {
        units: "rows",
        ..Outcomes::default()
    };
    let mut right = Vec::new();
    for record in csv::Reader::from_reader(bytes).into_records() {
        let record = record?;
        let [actual, predicted] = [0, 1].map(|cell| record.get(cell).unwrap_or_default());
        right.push(f64::from(u8::from(actual == predicted)));
        outcomes.keys.push(actual.to_owned());
    }
    outcomes.values.insert("accuracy".to_owned(), right);
    Ok(outcomes)
}

/// Reads a table of numbers by unit.
fn table(bytes: &[u8], id: &str, units: &'static str) -> Result<Outcomes, csv::Error> {
    let mut outcomes = Outcomes {
        units,
        ..Outcomes::default()
    };
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers()?.clone();
    for record in reader.into_records() {
        for (name, cell) in header.iter().zip(&record?) {
            match name == id {
                true => outcomes.keys.push(cell.to_owned()),
                false => {
                    let values = outcomes.values.entry(name.to_owned()).or_default();
                    values.push(cell.parse().unwrap_or(f64::NAN));
                }
            }
        }
    }
    Ok(outcomes)
}

/// The results of both sides for the same units.
pub struct Pairs {
    a: Outcomes,
    b: Outcomes,
}

impl Pairs {
    /// `None` if the units are not the same.
    pub fn of(a: Outcomes, b: Outcomes) -> Option<Self> {
        (a.keys == b.keys && !a.keys.is_empty()).then_some(Self { a, b })
    }

    /// The number of units, in words.
    pub fn describe(&self) -> String {
        format!("{} {}", self.a.keys.len(), self.a.units)
    }

    /// The bootstrap interval of the difference of a metric over the units; `None` unless the metric of both sides, in
    /// `figures`, is the mean over the units.
    pub fn difference(&self, metric: &str, figures: (f64, f64), seed: u64) -> Option<Interval> {
        let (a, b) = (self.a.values.get(metric)?, self.b.values.get(metric)?);
        let known: Vec<(f64, f64)> = { a.iter().copied().zip(b.iter().copied()) }
            .filter(|(a, b)| a.is_finite() && b.is_finite())
            .collect();
        let mean =
            |side: fn(&(f64, f64)) -> f64| known.iter().map(side).sum::<f64>() / known.len() as f64;
        let is_mean =
            |mean: f64, figure: f64| (mean - figure).abs() <= TOLERANCE * figure.abs().max(1.0);
        if !is_mean(mean(|pair| pair.0), figures.0) || !is_mean(mean(|pair| pair.1), figures.1) {
            return None;
        }
        let differences: Vec<f64> = known.iter().map(|(a, b)| b - a).collect();
        mean_interval(&differences, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(right: usize) -> Outcomes {
        let lines = (0..200).map(|row| match row < right {
            true => "yes,yes\n",
            false => "yes,no\n",
        });
        confusion(format!("actual,predicted\n{}", lines.collect::<String>()).as_bytes()).unwrap()
    }

    #[test]
    fn the_same_rows_tell_small_differences_from_chance() {
        // Each of 10 rows that A has wrong, B has right, and none the other way round: 0.05, with a standard
        // error of sqrt(0.05 * 0.95 / 200) = 0.0154.
        let pairs = Pairs::of(rows(150), rows(160)).unwrap();
        let interval = pairs.difference("accuracy", (0.75, 0.8), 7).unwrap();
        assert!((interval.low - 0.02).abs() < 0.011, "{interval:?}");
        assert!((interval.high - 0.08).abs() < 0.011, "{interval:?}");
        assert_eq!(pairs.describe(), "200 rows");
        // Rows that are not those of the figure say nothing of it.
        assert_eq!(pairs.difference("accuracy", (0.7, 0.8), 7), None);
        assert_eq!(pairs.difference("f1_macro", (0.75, 0.8), 7), None);
    }

    #[test]
    fn other_rows_are_not_paired() {
        let series = |text: &str| table(text.as_bytes(), "unique_id", "series").unwrap();
        let (a, b) = (
            "unique_id,mase\na,1.5\nb,\n",
            "unique_id,mase\na,1.0\nc,2.0\n",
        );
        assert!(Pairs::of(series(a), series(b)).is_none());
        let pairs = Pairs::of(series(a), series(a)).unwrap();
        // A series without a figure is in neither.
        let interval = pairs.difference("mase", (1.5, 1.5), 7).unwrap();
        assert_eq!((interval.low, interval.high), (0.0, 0.0));
    }
}
