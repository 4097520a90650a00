//! Gradient boosting as it is called: what is learned, on which rows, and when rounds end.

use super::bins::Bins;
use super::ensemble::Ensemble;
use super::loss::Loss;
use super::options::{FitError, Options};
use super::trainer::Trainer;

/// Largest weight, so that weighted gradients stay finite.
const LARGEST_WEIGHT: f64 = 1e150;

/// What is learned, one entry per row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub(super) values: &'a [f64],
    pub(super) weights: Option<&'a [f64]>,
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

    pub(super) fn weight(&self, row: usize) -> f64 {
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

pub(super) fn check_length(what: &'static str, got: usize, rows: usize) -> Result<(), FitError> {
    match got == rows {
        true => Ok(()),
        false => Err(FitError::Length { what, got, rows }),
    }
}

/// Checks the targets and weights of some rows.
pub(super) fn check_rows(
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
