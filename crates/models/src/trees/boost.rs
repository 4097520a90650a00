//! Gradient boosting: rounds of trees, each grown on the gradients of the loss at the margins that
//! the trees before it give (Friedman, "Greedy function approximation", 2001).

use rayon::prelude::*;

use super::bins::Bins;
use super::draws::{Purpose, Stream};
use super::ensemble::{Ensemble, Grove};
use super::gradients::Gradients;
use super::grow::{Grower, Grown, Leaf};
use super::histogram::Filler;
use super::loss::{Loss, class_derivatives, log_sum, quantile};
use super::options::{FitError, Options};
use super::split::Finder;

/// Rows whose margins are updated by one task.
const CHUNK: usize = 1 << 15;
/// The leaf of a row that a tree did not see.
const NO_LEAF: u32 = u32::MAX;
/// Largest weight, so that weighted gradients stay finite.
const LARGEST_WEIGHT: f64 = 1e150;

/// What is learned, one entry per row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    values: &'a [f64],
    weights: Option<&'a [f64]>,
}

impl<'a> Target<'a> {
    /// Targets of equal weight; for classes their index.
    pub fn new(values: &'a [f64]) -> Target<'a> {
        Target {
            values,
            weights: None,
        }
    }

    /// Weighs the loss of each row; weight 0 leaves a row out.
    pub fn weighted(self, weights: &'a [f64]) -> Target<'a> {
        Target {
            weights: Some(weights),
            ..self
        }
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }
}

/// The result of a fit with early stopping.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// The trees of the best number of rounds.
    pub ensemble: Ensemble,
    /// The number of rounds with the least loss.
    pub rounds: usize,
    /// Mean loss of the validation rows after 0, 1, 2, ... rounds, until growth stopped.
    pub losses: Vec<f64>,
}

impl Options {
    /// Fits all rows for the given number of rounds.
    ///
    /// The result depends on the options, the codes in `bins` and the target only, not on the number
    /// of threads.
    ///
    /// # Errors
    /// If an option, a target or a weight is out of range, or no row has a positive weight.
    pub fn fit(&self, bins: &Bins, target: &Target) -> Result<Ensemble, FitError> {
        let mut trainer = Trainer::new(self, bins, target, |_| true)?;
        for round in 0..self.rounds {
            trainer.round(round);
        }
        Ok(trainer.into_ensemble(self.rounds))
    }

    /// Like [`Options::fit`], on some of the rows; their order and repetitions do not matter.
    ///
    /// # Errors
    /// As for [`Options::fit`], and if a row is not in the table.
    pub fn fit_rows(
        &self,
        bins: &Bins,
        target: &Target,
        rows: &[u32],
    ) -> Result<Ensemble, FitError> {
        let chosen = marked(bins.rows(), rows)?;
        let mut trainer = Trainer::new(self, bins, target, |row| chosen[row])?;
        for round in 0..self.rounds {
            trainer.round(round);
        }
        Ok(trainer.into_ensemble(self.rounds))
    }

    /// Fits `rows` until the mean loss of the rows of `validation` has not fallen for `patience`
    /// rounds, at most for the given number of rounds.
    ///
    /// # Errors
    /// As for [`Options::fit_rows`].
    pub fn fit_until(
        &self,
        bins: &Bins,
        target: &Target,
        rows: &[u32],
        validation: &[u32],
        patience: usize,
    ) -> Result<Stopped, FitError> {
        let (trainer, losses) = self.grow_until(bins, target, rows, validation, patience)?;
        let best = least(&losses);
        Ok(Stopped {
            ensemble: trainer.into_ensemble(best),
            rounds: best,
            losses,
        })
    }

    /// Like [`Options::fit_until`], with all trees that were grown, so that folds can be cut to one
    /// number of rounds ([`Ensemble::truncated`]); and the mean loss by round.
    ///
    /// # Errors
    /// As for [`Options::fit_rows`].
    pub fn fit_curve(
        &self,
        bins: &Bins,
        target: &Target,
        rows: &[u32],
        validation: &[u32],
        patience: usize,
    ) -> Result<(Ensemble, Vec<f64>), FitError> {
        let (trainer, losses) = self.grow_until(bins, target, rows, validation, patience)?;
        Ok((trainer.into_ensemble(losses.len() - 1), losses))
    }

    fn grow_until<'a>(
        &'a self,
        bins: &'a Bins,
        target: &'a Target,
        rows: &[u32],
        validation: &[u32],
        patience: usize,
    ) -> Result<(Trainer<'a>, Vec<f64>), FitError> {
        let chosen = marked(bins.rows(), rows)?;
        let validated = marked(bins.rows(), validation)?;
        let mut trainer = Trainer::new(self, bins, target, |row| chosen[row])?;
        check_rows(self.loss, target, |row| validated[row])?;
        if !validation
            .iter()
            .any(|&row| target.weight(row as usize) > 0.0)
        {
            return Err(FitError::NoRows("validate with"));
        }
        let mut losses = vec![trainer.mean_loss(validation)];
        let mut best = 0;
        for round in 0..self.rounds {
            trainer.round(round);
            losses.push(trainer.mean_loss(validation));
            if losses[round + 1] < losses[best] {
                best = round + 1;
            }
            if round + 1 - best >= patience {
                break;
            }
        }
        Ok((trainer, losses))
    }
}

/// Index of the least loss, the first of equal ones; one that is not a number is never less.
fn least(losses: &[f64]) -> usize {
    let better = |best: usize, index: usize| {
        if losses[index] < losses[best] {
            index
        } else {
            best
        }
    };
    (0..losses.len()).fold(0, better)
}

/// For each row of the table whether it is listed.
fn marked(rows: usize, listed: &[u32]) -> Result<Vec<bool>, FitError> {
    let mut marked = vec![false; rows];
    for &row in listed {
        match marked.get_mut(row as usize) {
            Some(mark) => *mark = true,
            None => return Err(FitError::Row { row, rows }),
        }
    }
    Ok(marked)
}

fn check_length(what: &'static str, got: usize, rows: usize) -> Result<(), FitError> {
    match got == rows {
        true => Ok(()),
        false => Err(FitError::Length { what, got, rows }),
    }
}

/// Checks the targets and weights of some rows.
fn check_rows(
    loss: Loss,
    target: &Target,
    is_used: impl Fn(usize) -> bool,
) -> Result<(), FitError> {
    for row in (0..target.values.len()).filter(|&row| is_used(row)) {
        let value = target.weight(row);
        if !(0.0..=LARGEST_WEIGHT).contains(&value) {
            return Err(FitError::Weight { row, value });
        }
        if value > 0.0 {
            loss.check_target(row, target.values[row])?;
        }
    }
    Ok(())
}

/// A fit under way.
struct Trainer<'a> {
    options: &'a Options,
    bins: &'a Bins,
    target: &'a Target<'a>,
    /// The rows with a positive weight that are trained on, ascending.
    rows: Vec<u32>,
    /// For each row of the table whether it is in `rows`; empty if all are.
    is_trained: Vec<bool>,
    filler: Filler<'a>,
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
    fn new(
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
            rows,
            filler: Filler::new(bins),
            gradients: Gradients::new(n),
            margins: start.iter().map(|&start| vec![start; n]).collect(),
            leaf_of: vec![NO_LEAF; n],
            log_sums: Vec::new(),
            start,
            grove: Grove::new(bins.columns()),
        })
    }

    /// Grows one tree per output.
    fn round(&mut self, round: usize) {
        let outputs = self.margins.len();
        if let Loss::Softmax { .. } = self.options.loss {
            let margins = &self.margins;
            let row_sum = |row: usize| log_sum(margins.iter().map(move |of_class| of_class[row]));
            let sums = (0..self.target.values.len()).into_par_iter().map(row_sum);
            self.log_sums = sums.collect();
        }
        for output in 0..outputs {
            let tree = (round * outputs + output) as u64;
            self.compute_gradients(output, tree);
            let rows = self.sample_rows(tree);
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
                pairs: &self.gradients.pairs,
                used: &used,
            };
            let grown = grower.grow(rows);
            self.find_leaves(&grown);
            let values = self.leaf_values(&grown, output);
            self.update(&grown, &values, output);
            self.grove.add(&grown, &values, self.gradients.units);
        }
    }

    fn compute_gradients(&mut self, output: usize, tree: u64) {
        let stream = Stream::new(self.options.seed, Purpose::Rounding, tree);
        let (loss, target) = (self.options.loss, self.target);
        let (margins, log_sums) = (&self.margins[output], &self.log_sums);
        let derivatives = |row: usize| {
            let (y, s) = (target.values[row], margins[row]);
            match loss {
                Loss::Softmax { classes } => {
                    class_derivatives(y == output as f64, s, log_sums[row], classes)
                }
                _ => loss.derivatives(y, s),
            }
        };
        match (self.is_trained.is_empty(), target.weights) {
            (true, None) => self.gradients.compute(stream, derivatives),
            _ => {
                let is_trained = &self.is_trained;
                self.gradients.compute(stream, |row| {
                    if is_trained.get(row).is_some_and(|trained| !trained) {
                        return [0.0; 2];
                    }
                    let weight = target.weight(row);
                    derivatives(row).map(|derivative| derivative * weight)
                });
            }
        }
    }

    /// The rows that a tree sees; all, if none is drawn.
    fn sample_rows(&self, tree: u64) -> Vec<u32> {
        let share = self.options.row_share;
        if share == 1.0 {
            return self.rows.clone();
        }
        let stream = Stream::new(self.options.seed, Purpose::Rows, tree);
        let is_drawn = |row: &&u32| stream.is_drawn(u64::from(**row), share);
        let drawn: Vec<u32> = self.rows.iter().filter(is_drawn).copied().collect();
        match drawn.is_empty() {
            true => self.rows.clone(),
            false => drawn,
        }
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

    /// Notes the leaf of each row.
    fn find_leaves(&mut self, grown: &Grown) {
        let seen = grown
            .leaves
            .iter()
            .flat_map(|leaf| &leaf.rows)
            .map(Vec::len);
        let is_complete = seen.sum::<usize>() == self.leaf_of.len();
        let chunks = self.leaf_of.par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(chunk, leaf_of)| {
            let first = chunk * CHUNK;
            let end = first + leaf_of.len();
            if !is_complete {
                leaf_of.fill(NO_LEAF);
            }
            for (index, leaf) in grown.leaves.iter().enumerate() {
                for rows in &leaf.rows {
                    let rows = &rows[rows.partition_point(|&row| (row as usize) < first)..];
                    let rows = &rows[..rows.partition_point(|&row| (row as usize) < end)];
                    for &row in rows {
                        leaf_of[row as usize - first] = index as u32;
                    }
                }
            }
        });
    }

    /// The value of each leaf of a tree, times the learning rate.
    fn leaf_values(&self, grown: &Grown, output: usize) -> Vec<f64> {
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
            None => {
                let sums = self.gradients.sums(&self.leaf_of, grown.leaves.len());
                sums.into_iter()
                    .map(|sums| self.newton_step(sums))
                    .collect()
            }
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
        let residual = |&row: &u32| {
            let row = row as usize;
            let residual = self.target.values[row] - self.margins[output][row];
            (residual, self.target.weight(row))
        };
        quantile(leaf.rows.iter().flatten().map(residual).collect(), level)
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
    fn mean_loss(&self, rows: &[u32]) -> f64 {
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

    fn into_ensemble(self, rounds: usize) -> Ensemble {
        let trees = rounds * self.start.len();
        let link = self.options.loss.link();
        self.grove.into_ensemble(trees, self.bins, self.start, link)
    }
}
