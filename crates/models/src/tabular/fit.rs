//! Fitting: folds choose, then everything is fitted to all rows.

use super::calibration::{self, Calibration, Labelled};
use super::conformal::Conformal;
use super::encode::UsedBy;
use super::linear::{self, Design, Linear};
use super::model::{Members, Model};
use super::options::{FitError, Member, Options};
use super::search::{Constraints, Data, Search, Shared, Trial, tree_target};
use super::target::Target;
use crate::trees::{self, Ensemble};

/// Rows of each class, on average, from which on trees are tried.
const ROWS_PER_CLASS: usize = 5;

/// How far a fit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Fitting without this fold.
    Fold {
        /// Its number, from 0.
        number: usize,
        /// Number of folds.
        of: usize,
    },
    /// Fitting all rows.
    All,
}

/// Report on a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The model in use.
    pub member: Member,
    /// Weight of the trees.
    pub share: f64,
    /// What was compared on folds, from the simplest model; empty if nothing was.
    pub trials: Vec<Trial>,
    /// Number of rows that were held out.
    pub held_out: usize,
    /// Settings of the trees that were compared: leaves, rate, rounds and held-out loss.
    pub settings: Vec<Setting>,
    /// Index of the settings in use.
    pub setting: usize,
    /// Rounds of each ensemble; empty without trees.
    pub rounds: Vec<usize>,
    /// Strengths of regularization that were compared, and their held-out loss.
    pub strengths: Vec<(f64, f64)>,
    /// The strength in use.
    pub lambda: f64,
    /// Calibrations that were compared.
    pub calibrations: Vec<calibration::Trial>,
}

/// Settings of trees, and how they did on folds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Leaves of a tree, at most.
    pub leaves: usize,
    /// Learning rate.
    pub rate: f64,
    /// The number of rounds with the least loss.
    pub rounds: usize,
    /// The mean held-out loss.
    pub loss: f64,
}

impl Options {
    /// Fits a model.
    ///
    /// The same arguments give the same bits for any number of threads. `watch` is called as the fit
    /// goes on.
    ///
    /// # Errors
    /// See [`FitError`].
    pub fn fit(
        &self,
        data: &Data,
        watch: &(dyn Fn(Progress) + Sync),
    ) -> Result<(Model, Fit), FitError> {
        if data.table.columns.is_empty() {
            return Err(FitError::NoColumns);
        }
        if self.target.family().is_none() && self.member.is_some_and(|m| m != Member::Trees) {
            return Err(FitError::Quantiles);
        }
        if self.member.is_none() && self.is_sparse(data.target.len()) {
            let linear = Options {
                member: Some(Member::Linear),
                ..self.clone()
            };
            return linear.fit(data, watch);
        }
        let all: Vec<u32> = (0..data.target.len() as u32).collect();
        let shared = Shared::new(self, data, &all)?;
        let search = match self.needs_folds() {
            true => {
                let of_fold = |number, of| watch(Progress::Fold { number, of });
                Some(self.search(data, &shared, &of_fold)?)
            }
            false => None,
        };
        watch(Progress::All);
        let chosen = Chosen::new(self, search.as_ref());
        let trees = match (chosen.member, &shared.bins) {
            (Member::Trees | Member::Average, Some(bins)) => {
                self.grow(data, (bins, &shared.constraints), &chosen)?
            }
            _ => Vec::new(),
        };
        let linear = match chosen.member {
            Member::Trees => None,
            Member::Linear | Member::Average => Some(self.solve(data, &shared, chosen.lambda)?),
        };
        let (calibration, calibrations) = self.calibrate(data, search.as_ref());
        let conformal = self.conformal(data, search.as_ref());
        let shifts = self.shifts(data, search.as_ref());
        let fit = Fit {
            member: chosen.member,
            share: chosen.share,
            trials: search.as_ref().map_or_else(Vec::new, |s| s.trials.clone()),
            held_out: search.as_ref().map_or(0, |s| s.held_out.rows.len()),
            settings: search.as_ref().map_or_else(Vec::new, |s| self.settings(s)),
            setting: chosen.setting,
            rounds: trees.iter().map(|t| t.trees() / t.outputs()).collect(),
            strengths: search.as_ref().map_or_else(Vec::new, |search| {
                let pairs = self.lambdas.iter().zip(&search.strengths);
                pairs.map(|(&lambda, &loss)| (lambda, loss)).collect()
            }),
            lambda: chosen.lambda,
            calibrations,
        };
        let members = Members::new(trees, linear, chosen.share);
        let (encoder, target) = (shared.encoder, self.target.clone());
        Ok((
            Model::new(encoder, target, members, calibration, conformal, shifts),
            fit,
        ))
    }

    /// Whether there are so few rows of each class that trees, which have to learn each by itself, are not tried.
    fn is_sparse(&self, rows: usize) -> bool {
        let classes = self.target.classes().len();
        classes > 2 && rows < ROWS_PER_CLASS * classes
    }

    fn settings(&self, search: &Search) -> Vec<Setting> {
        let pairs = self.trees.iter().zip(&search.settings);
        let setting = |(options, &(loss, rounds)): (&trees::Options, &(f64, usize))| Setting {
            leaves: options.leaves,
            rate: options.rate,
            rounds,
            loss,
        };
        pairs.map(setting).collect()
    }

    /// The trees of all rows.
    fn grow(
        &self,
        data: &Data,
        (bins, constraints): (&trees::Bins, &Constraints),
        chosen: &Chosen,
    ) -> Result<Vec<Ensemble>, FitError> {
        let losses = self.target.losses();
        let grow = |(number, loss): (usize, &trees::Loss)| {
            let setting = &self.trees[chosen.setting];
            let options = constraints.on(trees::Options {
                loss: *loss,
                rounds: chosen.rounds.get(number).copied().unwrap_or(setting.rounds),
                seed: self.seed,
                ..setting.clone()
            });
            options.fit(bins, &tree_target(data))
        };
        let trees = losses.iter().enumerate().map(grow);
        Ok(trees.collect::<Result<Vec<_>, _>>()?)
    }

    /// The linear model of all rows.
    fn solve(&self, data: &Data, shared: &Shared, lambda: f64) -> Result<Linear, FitError> {
        let family = self.target.family().ok_or(FitError::Quantiles)?;
        let views = shared.encoded.views(UsedBy::Linear);
        let rows: Vec<u32> = (0..data.target.len() as u32).collect();
        let design = Design::fit(&views, &rows, &self.design)?;
        let options = linear::Options {
            lambda,
            ..linear::Options::of(family)
        };
        let prepared = design.prepare(&views)?;
        Ok(options.fit(&prepared, data.target, data.weights, &rows)?)
    }

    fn calibrate(
        &self,
        data: &Data,
        search: Option<&Search>,
    ) -> (Calibration, Vec<calibration::Trial>) {
        let (Target::Classes(_), Some(search)) = (&self.target, search) else {
            return (Calibration::None, Vec::new());
        };
        if self.calibrations.is_empty() {
            return (Calibration::None, Vec::new());
        }
        let rows = &search.held_out.rows;
        let labels: Vec<u32> = rows
            .iter()
            .map(|&row| data.target[row as usize] as u32)
            .collect();
        let weights: Option<Vec<f64>> =
            { data.weights }.map(|weights| rows.iter().map(|&row| weights[row as usize]).collect());
        let labelled = Labelled {
            margins: &search.held_out.margins,
            labels: &labels,
            weights: weights.as_deref(),
        };
        let choice = Calibration::choose(labelled, &search.held_out.folds, &self.calibrations);
        (choice.calibration, choice.trials)
    }

    /// By how much each quantile must be shifted for its share of the held-out rows to be below it
    /// (Romano, Patterson and Candès, "Conformalized quantile regression", 2019, one side at a time).
    fn shifts(&self, data: &Data, search: Option<&Search>) -> Vec<f64> {
        let (Target::Quantiles(levels), Some(search)) = (&self.target, search) else {
            return Vec::new();
        };
        let held_out = &search.held_out;
        let shift = |(place, level): (usize, &f64)| {
            let predicted = held_out.margins.iter().skip(place).step_by(levels.len());
            let rows = held_out.rows.iter().zip(predicted);
            let mut errors: Vec<f64> = rows
                .map(|(&row, predicted)| data.target[row as usize] - predicted)
                .collect();
            errors.sort_unstable_by(f64::total_cmp);
            let rank = ((errors.len() + 1) as f64 * level).ceil() as usize;
            errors
                .get(rank.clamp(1, errors.len().max(1)) - 1)
                .copied()
                .unwrap_or(0.0)
        };
        levels.iter().enumerate().map(shift).collect()
    }

    fn conformal(&self, data: &Data, search: Option<&Search>) -> Option<Conformal> {
        if !matches!(self.target, Target::Number | Target::Count) {
            return None;
        }
        let held_out = &search?.held_out;
        let mut predicted = held_out.margins.clone();
        predicted
            .chunks_exact_mut(1)
            .for_each(|margin| self.target.answer(margin));
        let rows = held_out.rows.iter();
        let actual: Vec<f64> = rows.map(|&row| data.target[row as usize]).collect();
        let conformal = Conformal::fit(&predicted, &actual, &self.intervals)?;
        Some(match self.target {
            Target::Count => conformal.with_least(0.0),
            _ => conformal,
        })
    }
}

/// The settings to fit all rows with.
struct Chosen {
    member: Member,
    share: f64,
    setting: usize,
    rounds: Vec<usize>,
    lambda: f64,
}

impl Chosen {
    fn new(options: &Options, search: Option<&Search>) -> Chosen {
        let member = match search {
            Some(search) => search.chosen,
            None => options.member.unwrap_or(Member::Trees),
        };
        let share = match (member, search) {
            (Member::Linear, _) => 0.0,
            (Member::Trees, _) => 1.0,
            (Member::Average, search) => search.map_or(0.5, |search| search.share),
        };
        let first = options.lambdas.first().copied().unwrap_or(1.0);
        Chosen {
            member,
            share,
            setting: search.map_or(0, |search| search.setting),
            rounds: match search {
                Some(search) => search.rounds.clone(),
                None => vec![options.rounds.unwrap_or(0); options.target.losses().len()],
            },
            lambda: search.map_or(first, |search| search.lambda),
        }
    }
}
