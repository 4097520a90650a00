//! Gradient boosting: rounds of trees, each grown on the gradients of the loss at the margins that
//! the trees before it give (Friedman, "Greedy function approximation", 2001).

use rayon::prelude::*;

use super::bins::Bins;
use super::boost::{Target, check_length, check_rows};
use super::draws::{Purpose, Stream};
use super::ensemble::{Ensemble, Grove};
use super::frontier::{Grown, Leaf};
use super::gradients::Gradients;
use super::grow::Grower;
use super::histogram::Filler;
use super::loss::{Loss, class_derivatives, log_sum, quantile};
use super::options::{FitError, Options};
use super::rows::{Row, RowBuffers};
use super::split::Finder;

/// Rows whose leaves are noted, and whose margins are updated, by one task.
const CHUNK: usize = 1 << 14;
/// The leaf of a row that a tree did not see.
const NO_LEAF: u32 = u32::MAX;

/// A fit under way.
pub(super) struct Trainer<'a> {
    options: &'a Options,
    bins: &'a Bins,
    target: &'a Target<'a>,
    /// For each row of the table whether it is trained on, which takes a positive weight; empty if
    /// all rows are.
    is_trained: Vec<bool>,
    filler: Filler<'a>,
    rows: RowBuffers,
    gradients: Gradients,
    start: Vec<f64>,
    /// Margins of all rows, output by output.
    margins: Vec<Vec<f64>>,
    /// The leaf of each row in the latest tree, [`NO_LEAF`] for rows that it did not see.
    leaf_of: Vec<u32>,
    /// ln Σ e^margin of each row, for the softmax.
    log_sums: Vec<f64>,
    grove: Grove,
}

impl<'a> Trainer<'a> {
    pub fn new(
        options: &'a Options,
        bins: &'a Bins,
        target: &'a Target,
        is_chosen: impl Fn(usize) -> bool,
    ) -> Result<Trainer<'a>, FitError> {
        options.check(bins.columns())?;
        let n = match bins.columns() {
            0 => target.values.len(),
            _ => bins.rows(),
        };
        check_length("target", target.values.len(), n)?;
        if let Some(weights) = target.weights {
            check_length("weight", weights.len(), n)?;
        }
        check_rows(options.loss, target, &is_chosen)?;
        let is_trained = |row: usize| is_chosen(row) && target.weight(row) > 0.0;
        let rows: Vec<u32> = (0..n as u32)
            .filter(|&row| is_trained(row as usize))
            .collect();
        if rows.is_empty() {
            return Err(FitError::NoRows("train on"));
        }
        let start: Vec<(f64, f64)> = rows
            .iter()
            .map(|&row| (target.values[row as usize], target.weight(row as usize)))
            .collect();
        let start = options.loss.start(&start);
        Ok(Trainer {
            is_trained: match rows.len() == n {
                true => Vec::new(),
                false => (0..n).map(is_trained).collect(),
            },
            options,
            bins,
            target,
            filler: Filler::new(bins),
            rows: RowBuffers::default(),
            gradients: Gradients::new(n),
            margins: start.iter().map(|&start| vec![start; n]).collect(),
            leaf_of: vec![NO_LEAF; n],
            log_sums: Vec::new(),
            start,
            grove: Grove::new(bins.columns()),
        })
    }

    /// Grows one tree per output.
    pub fn round(&mut self, round: usize) {
        let outputs = self.margins.len();
        if let Loss::Softmax { .. } = self.options.loss {
            let margins = &self.margins;
            let row_sum = |row: usize| log_sum(margins.iter().map(move |of_class| of_class[row]));
            let sums = (0..self.target.values.len()).into_par_iter().map(row_sum);
            self.log_sums = sums.collect();
        }
        for output in 0..outputs {
            let tree = (round * outputs + output) as u64;
            self.compute_gradients(output);
            let mut rows = self.list_rows(tree);
            let columns = self.sample_columns(tree);
            let mut used = vec![false; self.bins.columns()];
            columns.iter().for_each(|&column| used[column] = true);
            let grower = Grower {
                finder: Finder {
                    bins: self.bins,
                    layout: &self.filler.layout,
                    options: self.options,
                    columns: &columns,
                    units: self.gradients.units,
                },
                filler: &self.filler,
                used: &used,
            };
            let grown = grower.grow(rows.root());
            let sums = self.find_leaves(&grown);
            let values = self.leaf_values(&grown, sums, output);
            self.update(&grown, &values, output);
            self.grove.add(&grown, &values, self.gradients.units);
            self.rows = rows;
        }
    }

    fn compute_gradients(&mut self, output: usize) {
        let (loss, target) = (self.options.loss, self.target);
        let (margins, log_sums) = (&self.margins[output], &self.log_sums);
        let derivatives = |first: usize, to: &mut [[f64; 2]]| {
            let rows = first..first + to.len();
            let (targets, margins) = (&target.values[rows.clone()], &margins[rows.clone()]);
            match loss {
                Loss::Softmax { classes } => {
                    let rows = targets.iter().zip(margins).zip(&log_sums[rows]);
                    for (((&y, &s), &log_sum), to) in rows.zip(to) {
                        *to = class_derivatives(y == output as f64, s, log_sum, classes);
                    }
                }
                _ => loss.derivatives_of(targets, margins, to),
            }
        };
        let is_trained = &self.is_trained;
        match (is_trained.is_empty(), target.weights) {
            (true, None) => self.gradients.compute(derivatives),
            _ => self.gradients.compute(|first, to| {
                derivatives(first, to);
                for (row, to) in (first..).zip(to) {
                    *to = match is_trained.get(row) {
                        Some(false) => [0.0; 2],
                        _ => to.map(|derivative| derivative * target.weight(row)),
                    };
                }
            }),
        }
    }

    /// The rows that a tree sees: those drawn, or all that are trained on if there are none.
    fn list_rows(&mut self, tree: u64) -> RowBuffers {
        let mut buffers = std::mem::take(&mut self.rows);
        let all = 0..self.target.values.len() as u32;
        let is_trained = |row: &u32| self.is_trained.get(*row as usize) != Some(&false);
        let share = self.options.row_share;
        let mut rows = match share < 1.0 {
            true => {
                let stream = Stream::new(self.options.seed, Purpose::Rows, tree);
                let is_drawn = |row: &u32| stream.is_drawn(u64::from(*row), share);
                buffers.list(all.clone().filter(is_trained).filter(is_drawn))
            }
            false => &mut [],
        };
        let stream = Stream::new(self.options.seed, Purpose::Rounding, tree);
        if rows.is_empty() && self.is_trained.is_empty() {
            self.gradients.quantize_all(buffers.all(all.len()), stream);
            return buffers;
        }
        if rows.is_empty() {
            rows = buffers.list(all.filter(is_trained));
        }
        self.gradients.quantize(rows, stream);
        buffers
    }

    /// The columns that a tree sees, ascending: those with the least draws.
    fn sample_columns(&self, tree: u64) -> Vec<usize> {
        let all = self.bins.columns();
        let mut columns: Vec<usize> = (0..all).collect();
        if self.options.column_share < 1.0 {
            let stream = Stream::new(self.options.seed, Purpose::Columns, tree);
            let count = (self.options.column_share * all as f64).ceil() as usize;
            columns.sort_by_key(|&column| (stream.bits(column as u64), column));
            columns.truncate(count.max(1));
            columns.sort_unstable();
        }
        columns
    }

    /// Notes the leaf of each row, and sums the exact gradients of each leaf.
    fn find_leaves(&mut self, grown: &Grown) -> Vec<[i64; 2]> {
        let gradients = &self.gradients;
        let lists = || grown.leaves.iter().map(|leaf| &leaf.rows);
        let seen: usize = lists().flatten().map(|rows| rows.len()).sum();
        let is_complete = seen == self.leaf_of.len();
        let none = || vec![[0; 2]; grown.leaves.len()];
        let chunks = self.leaf_of.par_chunks_mut(CHUNK).enumerate();
        let parts = chunks.fold(none, |mut sums, (chunk, leaf_of)| {
            let first = chunk * CHUNK;
            let end = first + leaf_of.len();
            if !is_complete {
                leaf_of.fill(NO_LEAF);
            }
            for (leaf, lists) in lists().enumerate() {
                for rows in lists {
                    let rows = &rows[rows.partition_point(|row| (row.index as usize) < first)..];
                    let here = rows.iter().take_while(|row| (row.index as usize) < end);
                    here.for_each(|row| leaf_of[row.index as usize - first] = leaf as u32);
                }
            }
            gradients.add(first, leaf_of, &mut sums);
            sums
        });
        parts.reduce(none, |mut sums, part| {
            for (sum, part) in sums.iter_mut().zip(part) {
                *sum = [sum[0] + part[0], sum[1] + part[1]];
            }
            sums
        })
    }

    /// The value of each leaf of a tree, given the sums of their gradients, times the learning rate.
    fn leaf_values(&self, grown: &Grown, sums: Vec<[i64; 2]>, output: usize) -> Vec<f64> {
        let unit = self.gradients.units[0];
        let longest = self.options.loss.longest_step();
        let finish = |(leaf, best): (&Leaf, f64)| {
            let [low, high] = leaf.bounds.map(|bound| bound * unit);
            self.options.rate * best.clamp(low, high).clamp(-longest, longest)
        };
        let best: Vec<f64> = match self.options.loss.level() {
            Some(level) => {
                let leaves = grown.leaves.par_iter();
                leaves
                    .map(|leaf| self.residual_quantile(leaf, output, level))
                    .collect()
            }
            None => sums
                .into_iter()
                .map(|sums| self.newton_step(sums))
                .collect(),
        };
        grown.leaves.iter().zip(best).map(finish).collect()
    }

    /// -G / (H + λ) from the exact gradients.
    fn newton_step(&self, sums: [i64; 2]) -> f64 {
        let [g, h] = self.gradients.unfixed(sums);
        match h + self.options.lambda {
            stiffness if stiffness > 0.0 => -g / stiffness,
            _ => 0.0,
        }
    }

    fn residual_quantile(&self, leaf: &Leaf, output: usize, level: f64) -> f64 {
        let residual = |row: &Row| {
            let row = row.index as usize;
            let residual = self.target.values[row] - self.margins[output][row];
            (residual, self.target.weight(row))
        };
        quantile(
            leaf.rows.iter().copied().flatten().map(residual).collect(),
            level,
        )
    }

    /// Adds a tree to the margins of all rows.
    fn update(&mut self, grown: &Grown, values: &[f64], output: usize) {
        let bins = self.bins;
        let mut by_node = vec![0.0; grown.nodes.len()];
        for (leaf, value) in grown.leaves.iter().zip(values) {
            by_node[leaf.node] = *value;
        }
        let chunks = self.margins[output].par_chunks_mut(CHUNK);
        let chunks = chunks.zip(self.leaf_of.par_chunks(CHUNK)).enumerate();
        chunks.for_each(|(chunk, (margins, leaf_of))| {
            for (place, (margin, &leaf)) in margins.iter_mut().zip(leaf_of).enumerate() {
                *margin += match values.get(leaf as usize) {
                    Some(value) => *value,
                    None => by_node[grown.leaf_of(bins, chunk * CHUNK + place)],
                };
            }
        });
    }

    /// Mean loss of rows, weighted.
    pub fn mean_loss(&self, rows: &[u32]) -> f64 {
        let mut sums = [0.0; 2];
        let mut margins = vec![0.0; self.margins.len()];
        for row in rows.iter().map(|&row| row as usize) {
            let weight = self.target.weight(row);
            if weight > 0.0 {
                let of_row = self.margins.iter().map(|of_output| of_output[row]);
                margins
                    .iter_mut()
                    .zip(of_row)
                    .for_each(|(to, margin)| *to = margin);
                sums[0] += weight * self.options.loss.value(self.target.values[row], &margins);
                sums[1] += weight;
            }
        }
        sums[0] / sums[1]
    }

    pub fn into_ensemble(self, rounds: usize) -> Ensemble {
        let trees = rounds * self.start.len();
        let link = self.options.loss.link();
        self.grove.into_ensemble(trees, self.bins, self.start, link)
    }
}
