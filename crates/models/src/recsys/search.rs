//! Chooses a model and its options on a hold-out of the training split, within a budget of work.
//!
//! Work is counted in multiply-adds derived from shapes and counts, never in seconds, so that the
//! same data and budget always give the same model.

use super::als;
use super::ease;
use super::graph;
use super::interactions::Interactions;
use super::knn::{self, Similarity};
use super::model::{Fitted, Kind, ModelOptions};
use super::recommend::{Query, Recommender};
use super::top::Scored;
use super::work;
use crate::kernels::math;

/// Maximum number of users on whom candidates are compared: the standard error of the mean is then
/// below 0.01.
const USERS: usize = 3000;
/// Length of the compared lists.
const K: usize = 20;

/// Which interactions of a user are held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HoldOutRule {
    /// The last ones; rows are in chronological order.
    Last,
    /// A pseudo-random selection, by a hash of user, item and seed.
    Hashed(u64),
}

/// A split of interactions by [`hold_out`].
pub struct HoldOut {
    /// The interactions left to fit.
    pub taken: Interactions,
    /// Position in its original row of each interaction of `taken`.
    pub kept: Vec<u32>,
    /// For each user, the hold-out items and their positions in the row.
    pub out: Vec<Vec<(u32, u32)>>,
}

/// Holds out max(1, ⌊share · n⌋) of each user's n interactions; users with fewer than two keep
/// theirs.
///
/// # Examples
/// ```
/// use easylife_models::recsys::{HoldOutRule, Interactions, hold_out};
///
/// let mut all = Interactions::new(9);
/// all.push(&[4, 7, 2, 8], &[1.0; 4]);
/// all.push(&[3], &[1.0]);
/// let held = hold_out(&all, 0.5, HoldOutRule::Last);
/// assert_eq!(held.taken.row(0).items, [4, 7]);
/// assert_eq!(held.out[0], [(2, 2), (8, 3)]); // item and place
/// assert!(held.out[1].is_empty());
/// ```
pub fn hold_out(all: &Interactions, share: f64, rule: HoldOutRule) -> HoldOut {
    let mut held = HoldOut {
        taken: Interactions::new(all.width()),
        kept: Vec::new(),
        out: Vec::new(),
    };
    for (user, row) in all.rows().enumerate() {
        let n = row.items.len();
        let count = if n < 2 {
            0
        } else {
            ((n as f64 * share) as usize).max(1)
        };
        let mut order: Vec<usize> = (0..n).collect();
        if let HoldOutRule::Hashed(seed) = rule {
            order.sort_by_key(|&at| (mix(seed, user as u64, row.items[at]), at));
        }
        let mut out: Vec<usize> = order[n - count..].to_vec();
        out.sort_unstable();
        let kept: Vec<usize> = (0..n).filter(|at| out.binary_search(at).is_err()).collect();
        let items: Vec<u32> = kept.iter().map(|&at| row.items[at]).collect();
        let weights: Vec<f32> = kept.iter().map(|&at| row.weights[at]).collect();
        held.taken.push(&items, &weights);
        held.kept.extend(kept.iter().map(|&at| at as u32));
        held.out
            .push(out.iter().map(|&at| (row.items[at], at as u32)).collect());
    }
    held
}

/// A fixed hash (the finalizer of SplitMix64).
fn mix(seed: u64, user: u64, item: u32) -> u64 {
    let mut x = seed ^ user.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (u64::from(item) << 32);
    for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
        x = (x ^ (x >> 30)).wrapping_mul(factor);
    }
    x ^ (x >> 31)
}

/// Recall and NDCG of a list, for `relevant` relevant items.
///
/// NDCG's ideal list has min(20, `relevant`) hits: lists are expected to have 20 items. `relevant` is
/// at least 1.
///
/// # Examples
/// ```
/// use easylife_models::recsys::{Scored, gains};
///
/// let list = [5, 9].map(|item| Scored { item, score: 1.0 });
/// let (recall, ndcg) = gains(&list, |item| item == 5, 2);
/// assert_eq!(recall, 0.5);
/// // A hit on top, of two that could be there.
/// assert!((ndcg - 1.0 / (1.0 + 1.0 / 3f64.log2())).abs() < 1e-12);
/// ```
pub fn gains(list: &[Scored], is_relevant: impl Fn(u32) -> bool, relevant: usize) -> (f64, f64) {
    let discount = |rank: usize| 1.0 / math::ln(rank as f64 + 2.0);
    let (mut hits, mut gain) = (0, 0.0);
    for (rank, scored) in list.iter().enumerate() {
        if is_relevant(scored.item) {
            hits += 1;
            gain += discount(rank);
        }
    }
    let ideal: f64 = (0..relevant.min(K)).map(discount).sum();
    (f64::from(hits) / relevant as f64, gain / ideal)
}

/// A candidate: a model's options and the weighting of interactions.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Kind of model and its options.
    pub options: ModelOptions,
    /// See [`super::Model::half_life`].
    pub half_life: f64,
    /// Weight of a disliked interaction.
    pub disliked: f64,
}

/// A candidate and its metrics on the hold-out.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The candidate.
    pub choice: Choice,
    /// Mean over users of the recall at 20.
    pub recall_at_20: f64,
    /// Mean over users of the normalized discounted cumulative gain at 20.
    pub ndcg_at_20: f64,
}

/// The data, limits and fixed options of a search.
pub struct Search<'a> {
    /// The training split without the hold-out.
    pub taken: &'a Interactions,
    /// Whether the user liked each interaction of `taken`; empty means all.
    pub liked: &'a [bool],
    /// Relevant hold-out items of each user, in ascending order.
    pub relevant: &'a [Vec<u32>],
    /// Popularity of each item, see [`super::model::popularity`].
    pub popularity: &'a [f32],
    /// Whether rows are in chronological order.
    pub timed: bool,
    /// The kind to search; `None` searches all.
    pub kind: Option<Kind>,
    /// Fixed options; `None` searches them.
    pub options: Option<ModelOptions>,
    /// Fixed half-life; `None` searches it.
    pub half_life: Option<f64>,
    /// Fixed weight of disliked interactions; `None` searches it.
    pub disliked: Option<f64>,
    /// Seed of the models' random starts.
    pub seed: u64,
    /// Budget for all candidates, in 10^9 multiply-adds.
    pub budget: f64,
    /// Memory limit of a model, in bytes.
    pub memory: usize,
}

/// Numbers of neighbours to choose from, largest first.
const NEIGHBOURS: [usize; 4] = [200, 60, 20, 8];
/// Regularizations of EASE to choose from, most promising first.
const REGULARIZATIONS: [f64; 4] = [300.0, 100.0, 1000.0, 30.0];
/// Half-lives tried if rows are in chronological order: for all candidates, and for the best.
const HALF_LIFE: f64 = 0.25;
const HALF_LIVES: [f64; 3] = [0.5, 0.125, 0.0625];
/// Weights of disliked interactions tried for the best candidate, if there are ratings.
const DISLIKED: [f64; 2] = [0.5, 0.25];

/// Steps between neighbouring filters, with sign 1 or -1.
const STEPS: [fn(graph::GraphOptions, f64) -> graph::GraphOptions; 4] = [
    |filter, sign| graph::GraphOptions {
        scored: (filter.scored + 0.1 * sign).max(0.0),
        ..filter
    },
    |filter, sign| graph::GraphOptions {
        taken: (filter.taken + 0.15 * sign).max(0.0),
        ..filter
    },
    |filter, sign| graph::GraphOptions {
        low_pass: filter.low_pass * math::pow(2.5, sign),
        ..filter
    },
    |filter, sign| graph::GraphOptions {
        user: (filter.user + 0.2 * sign).max(0.0),
        ..filter
    },
];

/// Steps between neighbouring factorizations, with sign -1 or 1: by a factor of about three.
const ALS_STEPS: [fn(als::AlsOptions, f64) -> als::AlsOptions; 3] = [
    |als, sign| als::AlsOptions {
        unobserved: als.unobserved * math::pow(3.0, sign),
        ..als
    },
    |als, sign| als::AlsOptions {
        regularization: als.regularization * math::pow(3.0, sign),
        ..als
    },
    // Unobserved pairs regularize as well: more of one, less of the other.
    |als, sign| als::AlsOptions {
        unobserved: als.unobserved * math::pow(3.0, sign),
        regularization: als.regularization * math::pow(3.0, -sign),
        ..als
    },
];
/// Unless the kind is fixed, a factorization is improved only from this share of the best NDCG.
const WORTH_IMPROVING: f64 = 0.9;

/// A running search.
struct Run<'a> {
    search: &'a Search<'a>,
    /// Users on whom candidates are compared.
    users: Vec<usize>,
    /// Remaining budget.
    left: f64,
    trials: Vec<Trial>,
    watch: &'a dyn Fn(&Trial, f64),
}

impl Search<'_> {
    /// Tries candidates in a fixed order while the budget lasts. Returns all trials in that order
    /// and the index of the best. `watch` is called with each trial and the share of the budget that
    /// is spent, in [0, 1].
    pub fn run(&self, watch: &dyn Fn(&Trial, f64)) -> (Vec<Trial>, usize) {
        let scored = (0..self.taken.users()).filter(|&user| {
            !self.relevant[user].is_empty() && !self.taken.row(user).items.is_empty()
        });
        let mut users: Vec<usize> = scored.collect();
        users.sort_by_key(|&user| (mix(self.seed, user as u64, 0), user));
        users.truncate(USERS);
        users.sort_unstable();
        let mut run = Run {
            search: self,
            users,
            left: self.budget * 1e9,
            trials: Vec::new(),
            watch,
        };
        if !run.users.is_empty() {
            run.kinds();
            run.refine();
        }
        let best = run.best();
        (run.trials, best)
    }
}

impl Run<'_> {
    fn best(&self) -> usize {
        let mut best = 0;
        for (at, trial) in self.trials.iter().enumerate() {
            if trial.ndcg_at_20 > self.trials[best].ndcg_at_20 {
                best = at;
            }
        }
        best
    }

    /// Tries candidates of every searched kind, with and without time decay.
    fn kinds(&mut self) {
        let search = self.search;
        let wanted = |kind| search.kind.is_none_or(|only| only == kind);
        let half_lives: &[f64] = match &search.half_life {
            Some(given) => std::slice::from_ref(given),
            None if search.timed => &[0.0, HALF_LIFE],
            None => &[0.0],
        };
        if let Some(options) = search.options {
            return self.fit(options, search.taken, half_lives, 1.0);
        }
        if wanted(Kind::Popular) {
            self.measure(
                &Fitted::Popular,
                ModelOptions::Popular,
                search.taken,
                &[0.0],
                1.0,
            );
        }
        if wanted(Kind::Graph) {
            self.graphs(half_lives);
        }
        if wanted(Kind::Knn) {
            self.neighbours(half_lives);
        }
        if wanted(Kind::Ease) {
            for regularization in REGULARIZATIONS {
                let options = ModelOptions::Ease(ease::EaseOptions { regularization });
                self.fit(options, search.taken, half_lives, 1.0);
            }
        }
        if wanted(Kind::Als) {
            self.factorizations(half_lives);
        }
    }

    /// ALS depends strongly on the weight of unobserved pairs and on the regularization, whose best
    /// values differ by a factor of a hundred between data sets: walks along each while it
    /// improves.
    fn factorizations(&mut self, half_lives: &[f64]) {
        let mut best = als::AlsOptions::default();
        let Some(mut reached) = self.factorization(best, half_lives) else {
            return;
        };
        let most = self.trials[self.best()].ndcg_at_20;
        if self.search.kind.is_none() && reached < WORTH_IMPROVING * most {
            return;
        }
        for step in ALS_STEPS {
            for sign in [-1.0, 1.0] {
                let before = reached;
                while let Some(ndcg) = self.factorization(step(best, sign), half_lives)
                    && ndcg > reached
                {
                    (best, reached) = (step(best, sign), ndcg);
                }
                if reached > before {
                    break;
                }
            }
        }
    }

    /// The best NDCG of a factorization over half-lives; `None` if it exceeds the budget.
    fn factorization(&mut self, options: als::AlsOptions, half_lives: &[f64]) -> Option<f64> {
        let before = self.trials.len();
        self.fit(
            ModelOptions::Als(options),
            self.search.taken,
            half_lives,
            1.0,
        );
        let found = self.trials[before..].iter().map(|trial| trial.ndcg_at_20);
        found.reduce(f64::max)
    }

    /// Neighbours are found once per similarity; smaller numbers are prefixes of them.
    fn neighbours(&mut self, half_lives: &[f64]) {
        let taken = self.search.taken;
        for similarity in [Similarity::Cosine, Similarity::Tfidf, Similarity::Bm25] {
            let neighbours = NEIGHBOURS[0];
            let most = knn::KnnOptions {
                neighbours,
                similarity,
            };
            let work = work::of_fit(&ModelOptions::Knn(most), taken);
            if work + self.work_of_lists(&ModelOptions::Knn(most)) > self.left {
                continue;
            }
            self.left -= work;
            let all = most.fit(taken);
            for neighbours in NEIGHBOURS {
                let fitted = Fitted::Knn(all.nearest(neighbours));
                let options = ModelOptions::Knn(knn::KnnOptions {
                    neighbours,
                    similarity,
                });
                self.measure(&fitted, options, taken, half_lives, 1.0);
            }
        }
    }

    /// Refines the best candidate: the half-life, and the weight of disliked interactions.
    fn refine(&mut self) {
        let search = self.search;
        let Some(best) = self.trials.get(self.best()).map(|trial| trial.choice) else {
            return;
        };
        if search.half_life.is_none() && best.half_life > 0.0 {
            self.fit(best.options, search.taken, &HALF_LIVES, 1.0);
        }
        if best.options.kind() != Kind::Popular && search.liked.iter().any(|&liked| !liked) {
            let half_life = self.trials[self.best()].choice.half_life;
            let given = search.disliked.as_slice();
            for &disliked in if given.is_empty() { &DISLIKED } else { given } {
                let weight = |at: usize| {
                    if search.liked[at] {
                        1.0
                    } else {
                        disliked as f32
                    }
                };
                let weighed = search.taken.weighed(weight);
                self.fit(best.options, &weighed, &[half_life], disliked);
            }
        }
    }

    /// Fits and measures a candidate, if the budget and the memory allow it.
    fn fit(
        &mut self,
        options: ModelOptions,
        taken: &Interactions,
        half_lives: &[f64],
        disliked: f64,
    ) {
        let work = work::of_fit(&options, taken);
        if work + self.work_of_lists(&options) > self.left {
            return;
        }
        let Ok(fitted) = options.fit(taken, self.search.seed, self.search.memory) else {
            return; // it would not fit into memory
        };
        self.left -= work;
        self.measure(&fitted, options, taken, half_lives, disliked);
    }

    /// Filters share their singular vectors: one is fitted, the others are derived from it.
    fn graphs(&mut self, half_lives: &[f64]) {
        let taken = self.search.taken;
        let mut fitted: Option<graph::Graph> = None;
        for options in filters() {
            let mut work = self.work_of_lists(&ModelOptions::Graph(options));
            if fitted.is_none() {
                work += work::of_fit(&ModelOptions::Graph(options), taken);
            }
            if work > self.left {
                continue;
            }
            let graph = match &fitted {
                Some(graph) => graph.with(options, taken),
                None => {
                    self.left -= work::of_fit(&ModelOptions::Graph(options), taken);
                    options.fit(taken, self.search.seed)
                }
            };
            let graph = Fitted::Graph(graph);
            self.measure(&graph, ModelOptions::Graph(options), taken, half_lives, 1.0);
            if let Fitted::Graph(graph) = graph {
                fitted = Some(graph);
            }
        }
        if let Some(graph) = fitted {
            self.descend(graph);
        }
    }

    /// From the best filter, walks along each of its powers and its weight while it improves.
    fn descend(&mut self, graph: graph::Graph) {
        let taken = self.search.taken;
        for step in STEPS {
            let Trial {
                choice, ndcg_at_20, ..
            } = self.trials[self.best()];
            let ModelOptions::Graph(best) = choice.options else {
                return;
            };
            for sign in [1.0, -1.0] {
                let options = step(best, sign);
                if self.work_of_lists(&ModelOptions::Graph(options)) > self.left {
                    return;
                }
                let fitted = Fitted::Graph(graph.with(options, taken));
                self.measure(
                    &fitted,
                    ModelOptions::Graph(options),
                    taken,
                    &[choice.half_life],
                    1.0,
                );
                if self.trials[self.trials.len() - 1].ndcg_at_20 > ndcg_at_20 {
                    break;
                }
            }
        }
    }

    fn measure(
        &mut self,
        fitted: &Fitted,
        options: ModelOptions,
        taken: &Interactions,
        half_lives: &[f64],
        disliked: f64,
    ) {
        let search = self.search;
        for &half_life in half_lives {
            self.left -= self.work_of_lists(&options);
            let recommender = Recommender::of(fitted, taken, search.popularity, half_life);
            let queries: Vec<Query<'_>> = self
                .users
                .iter()
                .map(|&user| Query {
                    history: taken.row(user),
                    ..Query::default()
                })
                .collect();
            let (mut recall, mut ndcg) = (0.0, 0.0);
            for (list, &user) in recommender.lists(&queries, K).iter().zip(&self.users) {
                let relevant = &search.relevant[user];
                let is_relevant = |item| relevant.binary_search(&item).is_ok();
                let (r, n) = gains(list, is_relevant, relevant.len());
                recall += r;
                ndcg += n;
            }
            let users = self.users.len() as f64;
            let trial = Trial {
                choice: Choice {
                    options,
                    half_life,
                    disliked,
                },
                recall_at_20: recall / users,
                ndcg_at_20: ndcg / users,
            };
            let spent = 1.0 - self.left / (self.search.budget * 1e9);
            (self.watch)(&trial, spent.clamp(0.0, 1.0));
            self.trials.push(trial);
        }
    }

    fn work_of_lists(&self, options: &ModelOptions) -> f64 {
        work::of_lists(options, self.search.taken, self.users.len())
    }
}

/// Filters to choose from, all with the same vectors.
fn filters() -> Vec<graph::GraphOptions> {
    let filter = |user, taken, scored, low_pass| graph::GraphOptions {
        user,
        taken,
        scored,
        low_pass,
        ..graph::GraphOptions::default()
    };
    vec![
        filter(0.6, 0.6, 0.35, 0.2),
        filter(0.6, 0.6, 0.35, 1.0),
        filter(0.8, 0.5, 0.3, 1.0),
        filter(1.0, 0.5, 0.5, 0.3),
        filter(1.0, 0.0, 0.5, 0.3),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_share_is_held_out() {
        let mut all = Interactions::new(12);
        all.push(&[9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 11], &[1.0; 11]);
        all.push(&[3], &[1.0]);
        all.push(&[3, 1], &[1.0; 2]);
        let held = hold_out(&all, 0.2, HoldOutRule::Last);
        assert_eq!(held.out[0], [(0, 9), (11, 10)]);
        assert!(held.out[1].is_empty());
        assert_eq!(held.out[2], [(1, 1)]);
        assert_eq!(held.taken.counts(), [9, 1, 1]);
        let hashed = hold_out(&all, 0.2, HoldOutRule::Hashed(7));
        assert_eq!(hashed.taken.counts(), [9, 1, 1]);
        assert_ne!(hashed.out, held.out);
    }

    /// Calculated with the formulas of ../shared/scoring: hits at ranks 1 and 3 of three relevant
    /// items.
    #[test]
    fn gains_of_a_list() {
        let list: Vec<Scored> = [5, 9, 7].map(|item| Scored { item, score: 0.0 }).to_vec();
        let (recall, ndcg) = gains(&list, |item| item != 9, 3);
        assert!((recall - 2.0 / 3.0).abs() < 1e-12);
        assert!((ndcg - 1.5 / (1.0 + 0.5 + 1.0 / 3f64.log2())).abs() < 1e-12);
    }
}
