//! Folds: how well settings and models do on rows that they were not fitted to.

use std::borrow::Cow;

use rayon::prelude::*;

use super::encode::{Encoded, EncodedColumn, EncodedValues, Encoder, Supervision, UsedBy};
use super::folds::{self, Fold};
use super::linear::{self, Design, Linear};
use super::model::Members;
use super::options::{FitError, Member, Options};
use super::table::Table;
use super::target::Target;
use crate::trees::{self, BinOptions, Bins, Ensemble};

/// Weights of the trees that an average may have.
const SHARES: [f64; 3] = [0.25, 0.5, 0.75];

/// What a model is fitted to.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// The columns to predict from.
    pub table: &'a Table,
    /// What is predicted, one per row; for classes their index.
    pub target: &'a [f64],
    /// How much each row counts.
    pub weights: Option<&'a [f64]>,
    /// Rows with equal keys are held out together.
    pub keys: &'a [u64],
    /// If given, rows are predicted from earlier ones only.
    pub times: Option<&'a [f64]>,
}

/// Figures of a model on held-out rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The model.
    pub member: Member,
    /// Mean loss of the held-out rows, weighted.
    pub loss: f64,
    /// Its standard error, with rows taken as independent.
    pub standard_error: f64,
    /// By how much the loss is above the least one.
    pub difference: f64,
    /// The standard error of that difference, row by row.
    pub difference_error: f64,
}

/// What folds say.
pub(super) struct Search {
    /// What was compared, from the simplest model to the most flexible.
    pub trials: Vec<Trial>,
    pub chosen: Member,
    /// Index of the settings of the trees.
    pub setting: usize,
    /// Rounds of each ensemble.
    pub rounds: Vec<usize>,
    /// Mean held-out loss of each setting of the trees, and its number of rounds.
    pub settings: Vec<(f64, usize)>,
    /// Held-out loss of each strength of regularization.
    pub strengths: Vec<f64>,
    pub lambda: f64,
    /// Weight of the trees in the average.
    pub share: f64,
    pub held_out: HeldOut,
}

/// Margins of rows by models that did not see them.
pub(super) struct HeldOut {
    /// The rows, fold by fold.
    pub rows: Vec<u32>,
    /// The fold of each.
    pub folds: Vec<u32>,
    /// Of the chosen model, rows × outputs.
    pub margins: Vec<f64>,
}

/// Trees of a fold, with the held-out loss by round.
type Grown = (Ensemble, Vec<f64>);

/// A fold with what was fitted to its training rows.
struct Fitted {
    fold: Fold,
    encoder: Encoder,
    /// The held-out rows.
    table: Table,
    /// For each setting and each ensemble: the trees, and the loss by round.
    trees: Vec<Vec<Grown>>,
    /// One per strength.
    linear: Vec<Linear>,
}

/// The whole table, encoded and binned, if every fold may use it: nothing was learned from the target.
pub(super) struct Shared<'a> {
    pub encoder: Encoder,
    pub encoded: Encoded<'a>,
    pub bins: Option<Bins>,
    pub constraints: Constraints,
}

/// What trees must keep to, by encoded columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Constraints {
    monotone: Vec<i8>,
    interactions: Vec<Vec<usize>>,
}

impl Constraints {
    /// The options with the constraints.
    pub fn on(&self, options: trees::Options) -> trees::Options {
        trees::Options {
            monotone: self.monotone.clone(),
            interactions: self.interactions.clone(),
            ..options
        }
    }
}

impl<'a> Shared<'a> {
    pub fn new(options: &Options, data: &Data<'a>, rows: &[u32]) -> Result<Shared<'a>, FitError> {
        let supervision = supervision(options, data);
        let (encoder, ordered) =
            Encoder::fit_ordered(data.table, rows, &supervision, &options.encode);
        let mut encoded = encoder.encode(data.table)?;
        encoded.set_ordered(rows, &ordered);
        let needs_bins = options.member != Some(Member::Linear);
        let bins =
            needs_bins.then(|| Bins::new(&encoded.views(UsedBy::Trees), &options.bin_options()));
        Ok(Shared {
            bins: bins.transpose()?,
            constraints: Constraints {
                monotone: options.monotone_of(&encoded),
                interactions: options.interactions_of(&encoded),
            },
            encoder,
            encoded,
        })
    }
}

impl Options {
    /// The constraint of each encoded column; empty without constraints.
    fn monotone_of(&self, encoded: &Encoded) -> Vec<i8> {
        if self.monotone.iter().all(|&sign| sign == 0) {
            return Vec::new();
        }
        let of = |column: &EncodedColumn| match column.values {
            EncodedValues::Numbers(_) => self.monotone.get(column.source).copied().unwrap_or(0),
            EncodedValues::Codes(_) => 0,
        };
        encoded.of(UsedBy::Trees).map(of).collect()
    }

    /// The sets of encoded columns; empty without constraints.
    fn interactions_of(&self, encoded: &Encoded) -> Vec<Vec<usize>> {
        let sources = encoded.sources(UsedBy::Trees);
        let of = |set: &Vec<usize>| {
            let columns = 0..sources.len();
            columns
                .filter(|&column| set.contains(&sources[column]))
                .collect()
        };
        self.interactions.iter().map(of).collect()
    }

    fn bin_options(&self) -> BinOptions {
        BinOptions {
            bins: self.bins,
            seed: self.seed,
            ..BinOptions::default()
        }
    }

    /// The folds of a table: all, or as many as the rows that may be trained on allow.
    fn deal(&self, data: &Data) -> Vec<Fold> {
        let rows = data.target.len();
        let used = (self.fold_rows / rows.max(1)).clamp(1, self.folds);
        match data.times {
            Some(times) => {
                let mut folds = folds::forward(times, data.keys, self.folds);
                // The last ones have the most rows before them.
                let first = folds.len().saturating_sub(used);
                folds.split_off(first)
            }
            None => {
                let classes: Vec<u32> = match self.target {
                    Target::Classes(_) => data.target.iter().map(|&class| class as u32).collect(),
                    _ => vec![0; rows],
                };
                folds::deal(data.keys, &classes, self.folds, used, self.seed)
            }
        }
    }

    /// Compares settings and models on folds.
    pub(super) fn search(
        &self,
        data: &Data,
        shared: &Shared,
        watch: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Search, FitError> {
        let folds = self.deal(data);
        if folds.is_empty() {
            let rows = data.target.len();
            return Err(FitError::NoFolds { rows });
        }
        let of = folds.len();
        let fit = |(number, fold): (usize, Fold)| {
            watch(number, of);
            self.fit_fold(data, shared, fold)
        };
        // Small folds keep one thread busy each.
        let fitted: Vec<Result<Fitted, FitError>> =
            folds.into_par_iter().enumerate().map(fit).collect();
        // The error of the first fold, whichever came first.
        let fitted: Vec<Fitted> = fitted.into_iter().collect::<Result<_, _>>()?;
        let weight = |row: u32| data.weights.map_or(1.0, |weights| weights[row as usize]);
        let weights: Vec<f64> = { fitted.iter().flat_map(|fitted| &fitted.fold.held_out) }
            .map(|&row| weight(row))
            .collect();
        let of_fold = |fitted: &Fitted| fitted.fold.held_out.iter().map(|&r| weight(r)).sum();
        let masses: Vec<f64> = fitted.iter().map(of_fold).collect();

        let curves = Curves::new(&fitted, &masses);
        let settings = curves.best(self.rounds);
        let setting = least(settings.iter().map(|(loss, _)| *loss));
        let rounds = curves.rounds(setting, self.rounds);
        let encoded: Vec<Encoded> = { fitted.iter() }
            .map(|fitted| fitted.encoder.encode(&fitted.table))
            .collect::<Result<_, _>>()?;
        let strengths = self.strengths(data, &fitted, &encoded, &weights)?;
        let strength = least(strengths.iter().copied());

        let members = Margins {
            trees: has_trees(&fitted)
                .then(|| self.tree_margins(&fitted, &encoded, setting, &rounds)),
            linear: (!strengths.is_empty())
                .then(|| self.linear_margins(&fitted, &encoded, strength)),
        };
        let rows: Vec<u32> = { fitted.iter().flat_map(|fitted| &fitted.fold.held_out) }
            .copied()
            .collect();
        let judge = Judge {
            target: &self.target,
            actual: rows.iter().map(|&row| data.target[row as usize]).collect(),
            weights,
        };
        let (share, candidates) = members.candidates(&judge);
        let trials = judge.compare(&candidates);
        let chosen = self.member.unwrap_or_else(|| simplest(&trials));
        let margins = candidates.into_iter().find(|(member, _)| *member == chosen);
        let folds = fitted.iter().zip(0..);
        Ok(Search {
            trials,
            chosen,
            setting,
            rounds,
            settings,
            lambda: self.lambdas.get(strength).copied().unwrap_or(1.0),
            strengths,
            share,
            held_out: HeldOut {
                folds: folds
                    .flat_map(|(fitted, number)| vec![number; fitted.fold.held_out.len()])
                    .collect(),
                rows,
                margins: margins.map(|(_, margins)| margins).unwrap_or_default(),
            },
        })
    }

    fn fit_fold(&self, data: &Data, shared: &Shared, fold: Fold) -> Result<Fitted, FitError> {
        let own = match shared.encoder.uses_target() {
            true => Some(Shared::new(self, data, &fold.training)?),
            false => None,
        };
        let used = own.as_ref().unwrap_or(shared);
        let trees = match &used.bins {
            Some(bins) => self.fit_trees(data, (bins, &used.constraints), &fold)?,
            None => Vec::new(),
        };
        let linear = match (self.target.family(), self.member) {
            (None, _) | (_, Some(Member::Trees)) => Vec::new(),
            (Some(family), _) => {
                let views = used.encoded.views(UsedBy::Linear);
                let design = Design::fit(&views, &fold.training, &self.design)?;
                linear::Options::of(family).fit_path(
                    &design.prepare(&views)?,
                    data.target,
                    data.weights,
                    &fold.training,
                    &self.lambdas,
                )?
            }
        };
        Ok(Fitted {
            encoder: used.encoder.clone(),
            table: data.table.select(&fold.held_out),
            fold,
            trees,
            linear,
        })
    }

    fn fit_trees(
        &self,
        data: &Data,
        (bins, constraints): (&Bins, &Constraints),
        fold: &Fold,
    ) -> Result<Vec<Vec<Grown>>, FitError> {
        let target = tree_target(data);
        let losses = self.target.losses();
        let fit = |(setting, loss): (&trees::Options, &trees::Loss)| {
            let options = constraints.on(trees::Options {
                loss: *loss,
                rounds: self.rounds.unwrap_or(setting.rounds),
                seed: self.seed,
                ..setting.clone()
            });
            let patience = match self.rounds {
                Some(rounds) => rounds.max(1),
                None => self.patience,
            };
            options.fit_curve(bins, &target, &fold.training, &fold.held_out, patience)
        };
        let settings = self.trees.iter().map(|setting| {
            let fits = losses.iter().map(|loss| fit((setting, loss)));
            fits.collect::<Result<Vec<_>, _>>()
        });
        Ok(settings.collect::<Result<Vec<_>, _>>()?)
    }

    /// Mean held-out loss of each strength of regularization.
    fn strengths(
        &self,
        data: &Data,
        fitted: &[Fitted],
        encoded: &[Encoded],
        weights: &[f64],
    ) -> Result<Vec<f64>, FitError> {
        let count = fitted.first().map_or(0, |fitted| fitted.linear.len());
        let outputs = self.target.outputs();
        let mut sums = vec![0.0; count];
        let mut first = 0;
        for (fitted, encoded) in fitted.iter().zip(encoded) {
            let views = encoded.views(UsedBy::Linear);
            let rows = &fitted.fold.held_out;
            for (sum, linear) in sums.iter_mut().zip(&fitted.linear) {
                let margins = linear.margins(&views)?;
                let rows = rows.iter().zip(margins.chunks_exact(outputs));
                let losses = rows
                    .zip(&weights[first..])
                    .map(|((&row, margins), weight)| {
                        weight * self.target.loss(data.target[row as usize], margins)
                    });
                *sum += losses.sum::<f64>();
            }
            first += rows.len();
        }
        let total: f64 = weights.iter().sum();
        Ok(sums.into_iter().map(|sum| sum / total).collect())
    }

    /// Margins of the held-out rows by the trees of a setting, cut to a number of rounds.
    fn tree_margins(
        &self,
        fitted: &[Fitted],
        encoded: &[Encoded],
        setting: usize,
        rounds: &[usize],
    ) -> Vec<f64> {
        let of_fold = |(fitted, encoded): (&Fitted, &Encoded)| {
            let trees = fitted.trees[setting].iter().zip(rounds);
            let trees = trees.map(|((grown, _), &rounds)| grown.truncated(rounds));
            Members::new(trees.collect(), None, 1.0).margins(encoded, self.target.outputs())
        };
        fitted.iter().zip(encoded).flat_map(of_fold).collect()
    }

    fn linear_margins(&self, fitted: &[Fitted], encoded: &[Encoded], strength: usize) -> Vec<f64> {
        let of_fold = |(fitted, encoded): (&Fitted, &Encoded)| {
            let linear = fitted.linear.get(strength).cloned();
            Members::new(Vec::new(), linear, 0.0).margins(encoded, self.target.outputs())
        };
        fitted.iter().zip(encoded).flat_map(of_fold).collect()
    }
}

fn has_trees(fitted: &[Fitted]) -> bool {
    fitted.iter().all(|fitted| !fitted.trees.is_empty())
}

/// What trees are fitted to.
pub(super) fn tree_target<'a>(data: &Data<'a>) -> trees::Target<'a> {
    let target = trees::Target::new(data.target);
    match data.weights {
        Some(weights) => target.weighted(weights),
        None => target,
    }
}

/// Most classes that statistics are made of, each by itself.
const STATISTICS: usize = 10;

/// What encodings are learned from: the class, or whether a number is above the median; and of what
/// means are taken.
fn supervision<'a>(options: &Options, data: &Data<'a>) -> Supervision<'a> {
    let (labels, classes) = labels(&options.target, data.target);
    let means = match &options.target {
        Target::Classes(names) if names.len() > STATISTICS => Vec::new(),
        Target::Classes(names) if names.len() > 2 => (0..names.len())
            .map(|class| {
                let is_class = |&value: &f64| f64::from(u8::from(value == class as f64));
                Cow::Owned(data.target.iter().map(is_class).collect())
            })
            .collect(),
        _ => vec![Cow::Borrowed(data.target)],
    };
    Supervision {
        labels,
        classes,
        means,
        weights: data.weights,
        seed: options.seed,
    }
}

/// What texts are judged by: the class, or whether a number is above the median.
fn labels(target: &Target, values: &[f64]) -> (Vec<u32>, usize) {
    if let Target::Classes(names) = target {
        let labels = values.iter().map(|&class| class as u32).collect();
        return (labels, names.len());
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let above = |&value: &f64| u32::from(value >= median);
    (values.iter().map(above).collect(), 2)
}

/// Loss by round, over all folds, for each setting and ensemble.
struct Curves(Vec<Vec<Vec<f64>>>);

impl Curves {
    /// Means over the folds by their weight; a fold that stopped earlier keeps its last loss.
    fn new(fitted: &[Fitted], masses: &[f64]) -> Curves {
        let settings = fitted.first().map_or(0, |fitted| fitted.trees.len());
        let mean = |setting: usize, ensemble: usize| {
            let curves = fitted.iter().map(|f| &f.trees[setting][ensemble].1);
            let longest = curves.clone().map(Vec::len).max().unwrap_or(0);
            let total: f64 = masses.iter().sum();
            let at = |round: usize| {
                let losses = curves.clone().zip(masses);
                let losses = losses.map(|(curve, mass)| curve[round.min(curve.len() - 1)] * mass);
                losses.sum::<f64>() / total
            };
            (0..longest).map(at).collect()
        };
        let ensembles = |setting: usize| 0..fitted[0].trees[setting].len();
        let of_setting = |s: usize| ensembles(s).map(|e| mean(s, e)).collect();
        Curves((0..settings).map(of_setting).collect())
    }

    /// The number of rounds of each ensemble: as given, otherwise that of the least loss.
    fn rounds(&self, setting: usize, given: Option<usize>) -> Vec<usize> {
        let Some(curves) = self.0.get(setting) else {
            return Vec::new();
        };
        let best = |curve: &Vec<f64>| given.unwrap_or_else(|| least(curve.iter().copied()));
        curves.iter().map(best).collect()
    }

    /// For each setting its loss, the mean over its ensembles, and the rounds of the first.
    fn best(&self, given: Option<usize>) -> Vec<(f64, usize)> {
        let of_setting = |setting: usize| {
            let rounds = self.rounds(setting, given);
            let curves = self.0[setting].iter().zip(&rounds);
            let losses = curves.map(|(curve, &rounds)| curve[rounds.min(curve.len() - 1)]);
            (losses.sum::<f64>() / rounds.len() as f64, rounds[0])
        };
        (0..self.0.len()).map(of_setting).collect()
    }
}

/// Index of the least value, the first of equal ones; 0 without values.
fn least(values: impl Iterator<Item = f64>) -> usize {
    let indexed = values.enumerate();
    let best = indexed.min_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0, |(index, _)| index)
}

/// Held-out margins of the two models, rows × outputs.
struct Margins {
    trees: Option<Vec<f64>>,
    linear: Option<Vec<f64>>,
}

impl Margins {
    /// Every model with its margins, and the best weight of the trees in the average.
    fn candidates(self, judge: &Judge) -> (f64, Vec<(Member, Vec<f64>)>) {
        let (Some(trees), Some(linear)) = (&self.trees, &self.linear) else {
            let trees = self.trees.map(|margins| (Member::Trees, margins));
            let linear = self.linear.map(|margins| (Member::Linear, margins));
            let share = if trees.is_some() { 1.0 } else { 0.0 };
            return (share, linear.into_iter().chain(trees).collect());
        };
        let average = |share: f64| -> Vec<f64> {
            let pairs = trees.par_iter().zip(linear);
            pairs.map(|(t, l)| share * t + (1.0 - share) * l).collect()
        };
        let losses = SHARES.map(|share| judge.mean(&judge.losses(&average(share))));
        let share = SHARES[least(losses.into_iter())];
        let average = average(share);
        let (Some(trees), Some(linear)) = (self.trees, self.linear) else {
            return (share, Vec::new());
        };
        let all = [linear, trees, average];
        (share, Member::ALL.into_iter().zip(all).collect())
    }
}

/// What held-out rows really are.
struct Judge<'a> {
    target: &'a Target,
    actual: Vec<f64>,
    weights: Vec<f64>,
}

impl Judge<'_> {
    fn losses(&self, margins: &[f64]) -> Vec<f64> {
        let rows = self.actual.par_iter();
        let rows = rows.zip(margins.par_chunks_exact(self.target.outputs()));
        rows.map(|(&actual, margins)| self.target.loss(actual, margins))
            .collect()
    }

    /// The weighted mean.
    fn mean(&self, values: &[f64]) -> f64 {
        let sum: f64 = values.iter().zip(&self.weights).map(|(v, w)| v * w).sum();
        sum / self.weights.iter().sum::<f64>()
    }

    /// The standard error of the weighted mean.
    fn error(&self, values: &[f64]) -> f64 {
        let mean = self.mean(values);
        let total: f64 = self.weights.iter().sum();
        let weighted = values.iter().zip(&self.weights);
        let squares = weighted.map(|(value, weight)| (weight * (value - mean)).powi(2));
        squares.sum::<f64>().sqrt() / total
    }

    fn compare(&self, candidates: &[(Member, Vec<f64>)]) -> Vec<Trial> {
        let losses: Vec<Vec<f64>> = candidates.iter().map(|(_, m)| self.losses(m)).collect();
        let best = least(losses.iter().map(|losses| self.mean(losses)));
        let trial = |((member, _), own): (&(Member, Vec<f64>), &Vec<f64>)| {
            let pairs = own.iter().zip(&losses[best]);
            let differences: Vec<f64> = pairs.map(|(own, best)| own - best).collect();
            Trial {
                member: *member,
                loss: self.mean(own),
                standard_error: self.error(own),
                difference: self.mean(&differences),
                difference_error: self.error(&differences),
            }
        };
        candidates.iter().zip(&losses).map(trial).collect()
    }
}

/// The first, which is the simplest, whose loss is within one standard error of the least.
fn simplest(trials: &[Trial]) -> Member {
    let is_as_good = |trial: &&Trial| trial.difference <= trial.difference_error;
    let first = trials.iter().find(is_as_good);
    first.map_or(Member::Trees, |trial| trial.member)
}
