//! What the model relies on: permutation importance, contributions, their dependence on values, interactions.
//!
//! Each is measured on a sample of the test part, by fixed steps through its rows.

use anyhow::Result;

use super::Part;
use crate::tasks::tabular::report::{
    Dependence, Importance, Interaction, Mean, Swarm, SwarmPoint, TabularReport, Values as Axis,
};
use models::tabular::influence::{grid_of_numbers, partial_dependence, permutation_importance};
use models::tabular::{Column, ColumnKind, Explanation, Table, Values};

/// Rows that values are shuffled in.
const SHUFFLED: usize = 5000;
/// Times that they are shuffled.
const REPEATS: usize = 3;
/// Columns that are shuffled: the strongest.
const PERMUTED: usize = 40;
/// Rows that are explained.
const EXPLAINED: usize = 1000;
/// Columns with a dependence and a swarm: the strongest.
const COLUMNS: usize = 10;
/// Rows and values of a partial dependence.
const DEPENDENCE_ROWS: usize = 500;
const GRID: usize = 20;
/// Categories of a dependence, the most frequent.
const CATEGORIES: usize = 12;
/// Columns whose pairs are tried for interactions, rows for each, and pairs that are shown.
const PAIRED: usize = 6;
const PAIR_ROWS: usize = 200;
const PAIRS: usize = 8;
/// Seconds of a year: times are shown as years.
const YEAR: f64 = 365.2425 * 86_400.0;

/// Adds all of it to the report.
pub(super) fn add(part: &Part, report: &mut TabularReport, seed: u64) -> Result<()> {
    let explained = sample(&part.table, EXPLAINED);
    let explanation = part.model.explain(&explained)?;
    let output = part.shown_output();
    let strengths = strengths(&explanation, part.model.target().outputs());
    let mut order: Vec<usize> = (0..strengths.len()).collect();
    order.sort_by(|&a, &b| strengths[b].total_cmp(&strengths[a]));
    let permuted = &order[..order.len().min(PERMUTED)];
    let shuffled = shuffled(part, permuted, seed)?;
    report.importance = { order.iter().enumerate() }
        .map(|(place, &column)| Importance {
            column: part.table.columns[column].name.clone(),
            permutation: shuffled.get(place).map(|of| Mean {
                value: of.increase,
                standard_error: of.standard_error.unwrap_or(0.0),
            }),
            contribution: strengths[column],
        })
        .collect();
    let strongest = order
        .iter()
        .copied()
        .filter(|&column| strengths[column] > 0.0);
    let strongest: Vec<usize> = strongest.take(COLUMNS).collect();
    for &column in &strongest {
        let contributions: Vec<f64> = (0..explained.rows)
            .map(|row| explanation.row(row, output)[column])
            .collect();
        let of = &explained.columns[column];
        report.swarm.push(swarm(of, &contributions));
        report
            .dependence
            .extend(dependence(part, column, of, &contributions)?);
    }
    report.interactions = interactions(part, &strongest)?;
    Ok(())
}

/// The mean absolute contribution of each column, over all outputs.
fn strengths(explanation: &Explanation, outputs: usize) -> Vec<f64> {
    let of_outputs: Vec<Vec<f64>> = (0..outputs).map(|o| explanation.strengths(o)).collect();
    let columns = of_outputs.first().map_or(0, Vec::len);
    let mean = |column: usize| {
        let sum: f64 = of_outputs.iter().map(|strengths| strengths[column]).sum();
        sum / outputs as f64
    };
    (0..columns).map(mean).collect()
}

/// At most `most` rows, at equal steps.
fn sampled(rows: usize, most: usize) -> Vec<u32> {
    let count = rows.min(most);
    (0..count)
        .map(|place| (place * rows / count) as u32)
        .collect()
}

fn sample(table: &Table, most: usize) -> Table {
    table.select(&sampled(table.rows, most))
}

/// By how much the loss grows if the values of each of some columns are shuffled.
fn shuffled(
    part: &Part,
    columns: &[usize],
    seed: u64,
) -> Result<Vec<models::tabular::influence::Importance>> {
    let rows = sampled(part.table.rows, SHUFFLED);
    let table = part.table.select(&rows);
    let pick = |values: &[f64]| rows.iter().map(|&row| values[row as usize]).collect();
    let sample = Part {
        model: part.model,
        details: part.details,
        actual: pick(&part.actual),
        names: part.names.clone(),
        weights: part.weights.as_ref().map(|weights| pick(weights)),
        answers: part.model.answer(&table)?,
        cost: None,
        table,
    };
    let score = |column: usize, permutation: &[u32]| {
        let mut table = sample.table.clone();
        let values = &mut table.columns[columns[column]].values;
        *values = values.select(permutation);
        // The table has the columns of the model.
        part.model
            .margins(&table)
            .map_or(f64::NAN, |margins| sample.loss(&margins))
    };
    Ok(permutation_importance(
        sample.table.rows,
        columns.len(),
        seed,
        REPEATS,
        score,
    ))
}

fn swarm(column: &Column, contributions: &[f64]) -> Swarm {
    let ranks = ranks(&column.values);
    let points = contributions.iter().zip(&ranks);
    let finite = |numbers: &[f64]| -> Vec<f64> {
        numbers
            .iter()
            .copied()
            .filter(|number| number.is_finite())
            .collect()
    };
    let ends = match &column.values {
        Values::Numbers(numbers) => {
            let numbers = finite(numbers);
            let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            match numbers.is_empty() {
                true => Default::default(),
                false => [low, high].map(|end| spell(end, column)),
            }
        }
        Values::Words(_) | Values::Texts(_) => Default::default(),
    };
    let [low, high] = ends;
    Swarm {
        column: column.name.clone(),
        points: points
            .map(|(&contribution, &rank)| SwarmPoint { contribution, rank })
            .collect(),
        low,
        high,
    }
}

/// A number of a column as a person reads it.
fn spell(number: f64, column: &Column) -> String {
    match column.kind {
        ColumnKind::Time => tables::profile::spell_time(number, number % 86_400.0 != 0.0),
        _ => crate::outcome::number::figure(number),
    }
}

/// The rank of each number, from 0 to 1; `None` if it is missing or has no order.
fn ranks(values: &Values) -> Vec<Option<f64>> {
    let Values::Numbers(numbers) = values else {
        return vec![None; values.len()];
    };
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|n| !n.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let most = sorted.len().saturating_sub(1).max(1) as f64;
    let rank = |number: &f64| {
        let below = sorted.partition_point(|other| other < number);
        let up_to = sorted.partition_point(|other| other <= number);
        (!number.is_nan()).then(|| (below + up_to).saturating_sub(1) as f64 / 2.0 / most)
    };
    numbers.iter().map(rank).collect()
}

/// How contributions depend on values, and the mean answer if all rows had a value.
fn dependence(
    part: &Part,
    number: usize,
    column: &Column,
    contributions: &[f64],
) -> Result<Option<Dependence>> {
    let rows = sample(&part.table, DEPENDENCE_ROWS);
    let answer = part.shown_answer();
    let width = part.model.target().answers();
    let mean_with = |values: Vec<Values>| {
        let means = partial_dependence(values.len(), width, None, |point| {
            let mut table = rows.clone();
            table.columns[number].values = values[point].clone();
            // The table has the columns of the model.
            part.model
                .answer(&table)
                .map_or_else(|_| Vec::new(), |answers| answers.values)
        });
        means
            .into_iter()
            .skip(answer)
            .step_by(width)
            .collect::<Vec<f64>>()
    };
    Ok(match &column.values {
        Values::Texts(_) => None,
        Values::Numbers(numbers) => {
            let grid = grid_of_numbers(numbers, GRID);
            let constant = |&value: &f64| Values::Numbers(vec![value; rows.rows]);
            let means = mean_with(grid.iter().map(constant).collect());
            let shown = |&number: &f64| match column.kind {
                ColumnKind::Time => number / YEAR + 1970.0,
                _ => number,
            };
            let points = numbers.iter().map(shown);
            Some(Dependence {
                column: column.name.clone(),
                values: Axis::Numbers,
                points: points.zip(contributions.iter().copied()).collect(),
                line: grid.iter().map(shown).zip(means).collect(),
            })
        }
        Values::Words(words) => {
            let mut counts = vec![0_usize; words.words.len()];
            let present = words
                .codes
                .iter()
                .filter(|code| **code != models::tabular::MISSING);
            present.for_each(|&code| counts[code as usize] += 1);
            let mut order: Vec<usize> =
                (0..counts.len()).filter(|&word| counts[word] > 0).collect();
            order.sort_by(|&a, &b| {
                let names = || words.words[a].cmp(&words.words[b]);
                counts[b].cmp(&counts[a]).then_with(names)
            });
            order.truncate(CATEGORIES);
            let constant = |&word: &usize| {
                Values::Words(models::tabular::Words {
                    codes: vec![0; rows.rows],
                    words: vec![words.words[word].clone()],
                })
            };
            let means = mean_with(order.iter().map(constant).collect());
            let place = |code: u32| order.iter().position(|&word| word == code as usize);
            let points = words.codes.iter().zip(contributions);
            Some(Dependence {
                column: column.name.clone(),
                points: points
                    .filter_map(|(&code, &contribution)| Some((place(code)? as f64, contribution)))
                    .collect(),
                line: means
                    .into_iter()
                    .enumerate()
                    .map(|(i, mean)| (i as f64, mean))
                    .collect(),
                values: Axis::Categories(order.iter().map(|&w| words.words[w].clone()).collect()),
            })
        }
    })
}

/// The strongest pairs among the strongest columns.
fn interactions(part: &Part, strongest: &[usize]) -> Result<Vec<Interaction>> {
    let rows = sample(&part.table, PAIR_ROWS);
    let columns = &strongest[..strongest.len().min(PAIRED)];
    let pairs: Vec<(usize, usize)> = { columns.iter().enumerate() }
        .flat_map(|(place, &a)| columns[place + 1..].iter().map(move |&b| (a, b)))
        .collect();
    let strengths = part.model.interactions(&rows, &pairs)?;
    let name = |column: usize| part.table.columns[column].name.clone();
    let mut interactions: Vec<Interaction> = { pairs.iter().zip(strengths) }
        .filter(|(_, strength)| *strength > 0.0)
        .map(|(&(a, b), strength)| Interaction {
            columns: (name(a), name(b)),
            strength,
        })
        .collect();
    interactions.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    interactions.truncate(PAIRS);
    Ok(interactions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_share_their_rank() {
        let ranks = ranks(&Values::Numbers(vec![1.0, 5.0, 5.0, f64::NAN, 9.0]));
        assert_eq!(ranks, [Some(0.0), Some(0.5), Some(0.5), None, Some(1.0)]);
    }

    #[test]
    fn a_sample_steps_through_all_rows() {
        assert_eq!(sampled(10, 5), [0, 2, 4, 6, 8]);
        assert_eq!(sampled(3, 5), [0, 1, 2]);
        assert!(sampled(0, 5).is_empty());
    }
}
