//! Measures slices of the test rows: those that share a value of a column, or a range of a column of numbers.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::Part;
use crate::exit;
use crate::tasks::tabular::data::Data;
use crate::tasks::tabular::read::Cells;
use crate::tasks::tabular::report::{Slice, SliceTable, TabularReport};
use models::metrics::classification::most_probable;
use models::metrics::regression::Evaluation;
use models::metrics::roc::roc_auc;
use models::tabular::Target;

/// Values of a column with a line each, the most frequent ones; the others share a line.
const MOST_VALUES: usize = 30;
/// More different numbers than this are cut into ranges of equal frequency.
const MOST_NUMBERS: usize = 12;
const RANGES: usize = 5;

/// Adds a table for each column that the parameters name.
///
/// # Errors
/// A column that is not in the test part.
pub(super) fn add(
    part: &Part,
    test: &Data,
    report: &mut TabularReport,
    metrics: &mut Value,
) -> Result<()> {
    for name in &test.slices {
        let column = test.raw.find(name).ok_or_else(|| {
            exit::usage(format!(
                "tabular.eval.slices: the table has no column `{name}`"
            ))
        })?;
        let slices = slices(&column.cells, test.raw.rows);
        let names = figure_names(part);
        let slices: Vec<Slice> = slices
            .into_iter()
            .map(|(value, rows)| Slice {
                value,
                rows: rows.len() as u64,
                metrics: figures(part, &rows),
            })
            .collect();
        for slice in &slices {
            let mut entry = json!({"rows": slice.rows});
            for (name, figure) in names.iter().zip(&slice.metrics) {
                if let Some(figure) = figure {
                    entry[*name] = json!(figure);
                }
            }
            metrics["slices"][name][&slice.value] = entry;
        }
        report.slices.push(SliceTable {
            by: name.clone(),
            metrics: names.iter().map(|name| name.replace('_', " ")).collect(),
            slices,
        });
    }
    Ok(())
}

/// The rows of each slice, in the order to show them.
fn slices(cells: &Cells, rows: usize) -> Vec<(String, Vec<usize>)> {
    if let Cells::Numbers(numbers) = cells {
        let mut different: Vec<f64> = numbers.iter().copied().filter(|n| !n.is_nan()).collect();
        different.sort_unstable_by(f64::total_cmp);
        different.dedup();
        if different.len() > MOST_NUMBERS {
            return ranges(numbers);
        }
    }
    let mut by_value: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for row in 0..rows {
        let value = cells.word(row).unwrap_or_else(|| "(missing)".to_owned());
        by_value.entry(value).or_default().push(row);
    }
    let mut slices: Vec<(String, Vec<usize>)> = by_value.into_iter().collect();
    slices.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    if slices.len() > MOST_VALUES {
        let others = slices.split_off(MOST_VALUES - 1);
        let name = format!("({} others)", others.len());
        slices.push((
            name,
            others.into_iter().flat_map(|(_, rows)| rows).collect(),
        ));
    }
    slices
}

/// Rows by ranges of equal frequency, and those without a number.
fn ranges(numbers: &[f64]) -> Vec<(String, Vec<usize>)> {
    let mut order: Vec<usize> = (0..numbers.len())
        .filter(|&row| !numbers[row].is_nan())
        .collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut borders: Vec<f64> = (1..RANGES)
        .map(|range| numbers[order[range * order.len() / RANGES]])
        .collect();
    borders.dedup();
    let mut slices: Vec<(String, Vec<usize>)> = (0..=borders.len())
        .map(|range| {
            let name = match (
                range.checked_sub(1).map(|low| borders[low]),
                borders.get(range),
            ) {
                (None, Some(high)) => format!("below {high}"),
                (Some(low), Some(high)) => format!("{low} to below {high}"),
                (Some(low), None) => format!("{low} or more"),
                (None, None) => "all".to_owned(),
            };
            (name, Vec::new())
        })
        .collect();
    let mut missing = Vec::new();
    for (row, number) in numbers.iter().enumerate() {
        match number.is_nan() {
            true => missing.push(row),
            false => slices[borders.partition_point(|border| border <= number)]
                .1
                .push(row),
        }
    }
    if !missing.is_empty() {
        slices.push(("(missing)".to_owned(), missing));
    }
    slices.retain(|(_, rows)| !rows.is_empty());
    slices
}

/// Names of the figures of a slice.
fn figure_names(part: &Part) -> Vec<&'static str> {
    match part.model.target() {
        Target::Classes(names) if names.len() == 2 => vec!["accuracy", "log_loss", "roc_auc"],
        Target::Classes(_) => vec!["accuracy", "log_loss"],
        Target::Number | Target::Count => vec!["rmse", "mae", "bias"],
        Target::Quantiles(_) => vec!["pinball"],
    }
}

fn figures(part: &Part, rows: &[usize]) -> Vec<Option<f64>> {
    let width = part.model.target().answers();
    let values = |row: usize| &part.answers.values[row * width..][..width];
    let margins: Vec<f64> = { rows.iter() }
        .flat_map(|&row| {
            let outputs = part.model.target().outputs();
            part.answers.margins[row * outputs..][..outputs].to_vec()
        })
        .collect();
    let mean = |of: &dyn Fn(usize) -> f64| {
        let sum: f64 = rows.iter().map(|&row| of(row)).sum();
        Some(sum / rows.len() as f64)
    };
    match part.model.target() {
        Target::Classes(_) => {
            let right = |row: usize| {
                let is_right = most_probable(values(row)) == part.actual[row] as usize;
                f64::from(u8::from(is_right))
            };
            let loss = |row: usize| {
                let own = values(row)
                    .get(part.actual[row] as usize)
                    .copied()
                    .unwrap_or(0.0);
                -models::kernels::math::ln(own.max(1e-15))
            };
            let mut figures = vec![mean(&right), mean(&loss)];
            if width == 2 {
                let positive: Vec<bool> = rows.iter().map(|&row| part.actual[row] == 1.0).collect();
                let scores: Vec<f64> = rows.iter().map(|&row| values(row)[1]).collect();
                figures.push(roc_auc(&positive, &scores));
            }
            figures
        }
        Target::Number | Target::Count => {
            let actual: Vec<f64> = rows.iter().map(|&row| part.actual[row]).collect();
            let predicted: Vec<f64> = rows.iter().map(|&row| values(row)[0]).collect();
            let evaluation = Evaluation {
                actual: &actual,
                predicted: &predicted,
                weights: None,
            };
            let score = evaluation.score();
            let figure =
                |of: fn(&models::metrics::regression::Regression) -> f64| score.as_ref().map(of);
            vec![figure(|s| s.rmse), figure(|s| s.mae), figure(|s| s.bias)]
        }
        Target::Quantiles(levels) => {
            let target = part.model.target();
            let losses = margins.chunks_exact(levels.len()).zip(rows);
            let sum: f64 = losses
                .map(|(margins, &row)| target.loss(part.actual[row], margins))
                .sum();
            vec![Some(sum / rows.len() as f64)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_numbers_are_cut_into_ranges() {
        let mut numbers: Vec<f64> = (0..100).map(f64::from).collect();
        numbers.push(f64::NAN);
        let slices = slices(&Cells::Numbers(numbers), 101);
        let names: Vec<&str> = slices.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "below 20",
                "20 to below 40",
                "40 to below 60",
                "60 to below 80",
                "80 or more",
                "(missing)"
            ]
        );
        assert!(slices[..5].iter().all(|(_, rows)| rows.len() == 20));
    }

    #[test]
    fn few_numbers_are_values_and_the_most_frequent_come_first() {
        let slices = slices(&Cells::Numbers(vec![2.0, 1.0, 2.0]), 3);
        assert_eq!(
            slices,
            [("2".to_owned(), vec![0, 2]), ("1".to_owned(), vec![1])]
        );
    }
}
