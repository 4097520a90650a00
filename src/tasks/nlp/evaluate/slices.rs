//! Measures the model on slices of the test rows: by length of the text, and by column.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::tasks::nlp::report::{SlicePart, SliceTable};
use models::kernels::math::ln;
use models::metrics::classification::most_probable;
use tables::Texts;

/// Lower bounds of the ranges of lengths, in words separated by white space.
const LENGTHS: [usize; 7] = [0, 6, 11, 21, 51, 101, 301];
/// Number of values of a column, the most frequent ones, with a line each; the others share a line.
const MAX_VALUES: usize = 50;
/// Lower bound of probabilities, so that a loss is finite.
const PROBABILITY_FLOOR: f64 = 1e-15;

/// A line of `plots/nlp/slices.csv`.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    by: &'a str,
    value: &'a str,
    rows: u64,
    accuracy: f64,
    log_loss: f64,
}

/// One table for the lengths, and one for each column of `test.slices`.
///
/// `probabilities` are rows × `width`; a class not below `width` is unknown to the model and always wrong.
pub(super) fn slices(
    test: &Texts,
    actual: &[u32],
    probabilities: &[f64],
    width: usize,
) -> Vec<SliceTable> {
    let answers = actual.iter().zip(probabilities.chunks(width));
    let scored: Vec<(bool, f64)> = answers
        .map(|(&class, row)| {
            let own = row.get(class as usize).copied().unwrap_or(0.0);
            (
                most_probable(row) == class as usize,
                -ln(own.max(PROBABILITY_FLOOR)),
            )
        })
        .collect();
    let mut tables = vec![by_length(test, &scored)];
    for slice in &test.slices {
        tables.push(by_value(&slice.column, &slice.values, &scored));
    }
    tables
}

/// The lines of all tables.
pub(super) fn lines(tables: &[SliceTable]) -> Vec<Line<'_>> {
    let parts = tables
        .iter()
        .flat_map(|table| table.parts.iter().map(move |part| (table, part)));
    parts
        .map(|(table, part)| Line {
            by: &table.by,
            value: &part.value,
            rows: part.rows,
            accuracy: part.accuracy,
            log_loss: part.log_loss,
        })
        .collect()
}

fn by_length(test: &Texts, scored: &[(bool, f64)]) -> SliceTable {
    let mut sums = [Sum::default(); LENGTHS.len()];
    for (text, scored) in test.texts.iter().zip(scored) {
        let words = text.split_whitespace().count();
        let place = LENGTHS.iter().rposition(|&from| words >= from);
        sums[place.unwrap_or_default()].add(*scored);
    }
    let name = |place: usize| match (LENGTHS[place], LENGTHS.get(place + 1)) {
        (from, Some(next)) => format!("{from} to {} words", next - 1),
        (from, None) => format!("{from} words or more"),
    };
    let parts = sums.iter().enumerate().filter(|(_, sum)| sum.rows > 0);
    SliceTable {
        by: "length".to_owned(),
        parts: parts.map(|(place, sum)| sum.part(name(place))).collect(),
    }
}

/// Values in descending order of their number of rows, ties by name.
fn by_value(column: &str, values: &[String], scored: &[(bool, f64)]) -> SliceTable {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for (value, scored) in values.iter().zip(scored) {
        sums.entry(value).or_default().add(*scored);
    }
    let mut sums: Vec<(&str, Sum)> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.rows)); // stable: ties stay sorted by name
    let rest = sums.split_off(MAX_VALUES.min(sums.len()));
    let part = |(value, sum): &(&str, Sum)| sum.part((*value).to_owned());
    let mut parts: Vec<SlicePart> = sums.iter().map(part).collect();
    if !rest.is_empty() {
        let name = format!("({} other values)", rest.len());
        let all = rest
            .iter()
            .fold(Sum::default(), |sum, (_, own)| sum.with(own));
        parts.push(all.part(name));
    }
    SliceTable {
        by: column.to_owned(),
        parts,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    rows: u64,
    right: u64,
    loss: f64,
}

impl Sum {
    fn add(&mut self, (right, loss): (bool, f64)) {
        self.rows += 1;
        self.right += u64::from(right);
        self.loss += loss;
    }

    fn with(self, other: &Sum) -> Sum {
        Sum {
            rows: self.rows + other.rows,
            right: self.right + other.right,
            loss: self.loss + other.loss,
        }
    }

    fn part(&self, value: String) -> SlicePart {
        SlicePart {
            value,
            rows: self.rows,
            accuracy: self.right as f64 / self.rows as f64,
            log_loss: self.loss / self.rows as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::Slice;

    #[test]
    fn by_length_and_by_value() {
        let texts = ["a b", "one two three four five six", "c"];
        let test = Texts {
            texts: texts.map(str::to_owned).to_vec(),
            slices: vec![Slice {
                column: "shop".to_owned(),
                values: ["x", "y", "x"].map(str::to_owned).to_vec(),
            }],
            ..Texts::default()
        };
        let probabilities = [0.75, 0.25, 0.5, 0.5, 0.1, 0.9];
        let tables = slices(&test, &[0, 1, 2], &probabilities, 2);
        let seen: Vec<_> = lines(&tables)
            .iter()
            .map(|line| {
                (
                    line.by.to_owned(),
                    line.value.to_owned(),
                    line.rows,
                    line.accuracy,
                )
            })
            .collect();
        let line = |by: &str, value: &str, rows, accuracy| {
            (by.to_owned(), value.to_owned(), rows, accuracy)
        };
        assert_eq!(
            seen,
            [
                line("length", "0 to 5 words", 2, 0.5),
                line("length", "6 to 10 words", 1, 0.0),
                line("shop", "x", 2, 0.5),
                line("shop", "y", 1, 0.0),
            ]
        );
        assert!((tables[1].parts[1].log_loss - 2.0_f64.ln()).abs() < 1e-15);
        assert!(tables[0].parts[0].log_loss.is_finite(), "an unknown label");
    }

    #[test]
    fn many_values_are_cut() {
        let values: Vec<String> = (0..60).map(|i| format!("v{i:02}")).collect();
        let table = by_value("c", &values, &[(true, 0.5); 60]);
        assert_eq!(table.parts.len(), MAX_VALUES + 1);
        assert_eq!((table.parts[50].rows, table.parts[50].accuracy), (10, 1.0));
        assert_eq!(table.parts[50].value, "(10 other values)");
    }
}
