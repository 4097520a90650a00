//! Exact top-k lists: every allowed item is scored for every user, in tiles.
//!
//! Factor models go through items in descending order of their factors' norm and stop when no
//! remaining item can enter the list (Cauchy-Schwarz inequality), which changes only the amount of
//! work.

use std::sync::Arc;

use rayon::prelude::*;

use super::als::{self, Side};
use super::graph;
use super::interactions::{History, Interactions};
use super::model::{Fitted, Model};
use super::top::{Scored, Top};
use crate::kernels::math;
use crate::kernels::panel::{Panels, Product, View, WIDTH};

/// Maximum number of users processed together.
const TILE: usize = 48;
/// Maximum number of scores in a tile, which bounds a thread's memory.
const TILE_SCORES: usize = 4 << 20;
/// Number of strips of items between checks for finished users.
const STRIPS: usize = 32;
/// Allowance for the rounding of scores against their bound, enough for more than 10^4 factors.
const SLACK: f32 = 1.001;

/// A user to recommend to: the history and the allowed items.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// The user's items, which are not recommended again.
    pub history: History<'a>,
    /// Items not to recommend.
    pub denied: &'a [u32],
    /// The only items to choose from.
    pub allowed: Option<&'a [u32]>,
}

/// A model prepared for listing items.
pub struct Recommender<'m> {
    taken: &'m Interactions,
    popularity: &'m [f32],
    half_life: f64,
    fitted: &'m Fitted,
    index: Arc<Index>,
}

/// The precomputed part of a recommender.
pub struct Index {
    /// Items never to recommend, in ascending order.
    hidden: Vec<u32>,
    /// Factors by which a filter's coordinates are multiplied.
    dense: Option<Panels<f32>>,
    ordered: Option<Ordered>,
}

impl Index {
    /// `hidden` items, in ascending order, are never recommended.
    pub fn new(fitted: &Fitted, width: usize, hidden: Vec<u32>) -> Self {
        Index {
            dense: match fitted {
                Fitted::Graph(graph) if graph.rank > 0 => {
                    let back = graph.back();
                    Some(Panels::new(
                        View::rows(&back, width, graph.rank).transposed(),
                    ))
                }
                _ => None,
            },
            ordered: match fitted {
                Fitted::Als(side) => Some(Ordered::new(side, width, &hidden)),
                _ => None,
            },
            hidden,
        }
    }
}

/// Factors of the items that may be recommended, in descending order of norm.
struct Ordered {
    panels: Panels<f32>,
    items: Vec<u32>,
    lengths: Vec<f32>,
    /// Position of each item; past the end if it may not be recommended.
    places: Vec<u32>,
}

/// Buffers of one thread.
#[derive(Default)]
struct Scratch {
    als: als::Scratch,
    graph: graph::Scratch,
    scores: Vec<f32>,
    votes: Vec<f32>,
    factors: Vec<f32>,
    packed: Vec<f32>,
}

impl<'m> Recommender<'m> {
    /// `hidden` items, in ascending order, are never recommended.
    pub fn new(model: &'m Model, hidden: Vec<u32>) -> Self {
        let index = Index::new(&model.fitted, model.taken.width(), hidden);
        Self::with(model, Arc::new(index))
    }

    /// Like [`Recommender::new`], with a precomputed index.
    pub fn with(model: &'m Model, index: Arc<Index>) -> Self {
        Recommender {
            taken: &model.taken,
            popularity: &model.popularity,
            half_life: model.half_life,
            fitted: &model.fitted,
            index,
        }
    }

    /// Like [`Recommender::new`], from the parts of a model, with nothing hidden.
    pub fn of(
        fitted: &'m Fitted,
        taken: &'m Interactions,
        popularity: &'m [f32],
        half_life: f64,
    ) -> Self {
        Recommender {
            index: Arc::new(Index::new(fitted, taken.width(), Vec::new())),
            taken,
            popularity,
            half_life,
            fitted,
        }
    }

    /// The best `k` items of each query; fewer if fewer are allowed.
    pub fn lists(&self, queries: &[Query<'_>], k: usize) -> Vec<Vec<Scored>> {
        let tile = (TILE_SCORES / self.taken.width().max(1)).clamp(1, TILE);
        // A few lists, as a server is asked for, do not wait for threads that are busy with many.
        if queries.len() <= tile {
            return self.tile(queries, k, &mut Scratch::default());
        }
        queries
            .par_chunks(tile)
            .map_init(Scratch::default, |scratch, tile| {
                self.tile(tile, k, scratch)
            })
            .flatten_iter()
            .collect()
    }

    fn tile(&self, tile: &[Query<'_>], k: usize, scratch: &mut Scratch) -> Vec<Vec<Scored>> {
        let known = tile.iter().any(|query| !query.history.items.is_empty());
        match (&self.index.ordered, self.fitted) {
            (Some(ordered), Fitted::Als(side)) if known => {
                self.factor_tile(side, ordered, tile, k, scratch)
            }
            _ => self.dense_tile(tile, k, scratch),
        }
    }

    /// The weights of a history with decay for older interactions.
    fn weights(&self, history: History<'_>) -> Vec<f32> {
        if self.half_life <= 0.0 {
            return history.weights.to_vec();
        }
        let n = history.items.len();
        let aged = history.weights.iter().enumerate().map(|(at, &weight)| {
            let age = (n - 1 - at) as f64 / n as f64;
            (f64::from(weight) * math::pow(0.5, age / self.half_life)) as f32
        });
        aged.collect()
    }

    fn factor_tile(
        &self,
        side: &Side,
        ordered: &Ordered,
        tile: &[Query<'_>],
        k: usize,
        scratch: &mut Scratch,
    ) -> Vec<Vec<Scored>> {
        let f = side.factors;
        let mut runs: Vec<Run> = Vec::with_capacity(tile.len());
        for query in tile {
            let mut factors = vec![0.0; f];
            let weights = self.weights(query.history);
            let history = History {
                items: query.history.items,
                weights: &weights,
            };
            side.solve(history, &mut scratch.als, &mut factors);
            runs.push(Run {
                length: length(&factors),
                factors,
                barred: ordered.barred(query),
                top: Top::new(k),
            });
        }
        let strips = ordered.items.len().div_ceil(WIDTH);
        for first in (0..strips).step_by(STRIPS) {
            let bound = ordered.lengths[first * WIDTH] * SLACK;
            let open: Vec<usize> = (0..runs.len())
                .filter(|&run| runs[run].length * bound >= runs[run].top.bar())
                .collect();
            if open.is_empty() {
                break;
            }
            scratch.factors.clear();
            open.iter()
                .for_each(|&run| scratch.factors.extend_from_slice(&runs[run].factors));
            let columns = (ordered.items.len() - first * WIDTH).min(STRIPS * WIDTH);
            scratch.scores.clear();
            scratch.scores.resize(open.len() * columns, 0.0);
            let left = View::rows(&scratch.factors, open.len(), f);
            let mut product = Product::new(left, &ordered.panels);
            (product.first, product.strips) = (first, STRIPS);
            product.add_to(&mut scratch.scores, columns, &mut scratch.packed);
            let places = first * WIDTH..first * WIDTH + columns;
            for (&run, scores) in open.iter().zip(scratch.scores.chunks_exact_mut(columns)) {
                runs[run].take(scores, places.clone(), &ordered.items);
            }
        }
        let lists = tile.iter().zip(runs);
        lists
            .map(
                |(query, run)| match (query.history.items.is_empty(), query.allowed) {
                    (true, _) => self.popular(query, k),
                    (false, Some(allowed)) => self.among(side, &run.factors, query, allowed, k),
                    (false, None) => run.top.sorted(),
                },
            )
            .collect()
    }

    /// The list of a query that names its items, usually few, so each is scored individually.
    fn among(
        &self,
        side: &Side,
        factors: &[f32],
        query: &Query<'_>,
        allowed: &[u32],
        k: usize,
    ) -> Vec<Scored> {
        let mut top = Top::new(k);
        for &item in allowed {
            if !self.barred(query, item) {
                let terms = side.row(item).iter().zip(factors);
                top.push(item, terms.fold(0.0, |sum, (y, p)| p.mul_add(*y, sum)));
            }
        }
        top.sorted()
    }

    fn barred(&self, query: &Query<'_>, item: u32) -> bool {
        query.history.items.contains(&item)
            || query.denied.contains(&item)
            || self.index.hidden.binary_search(&item).is_ok()
    }

    fn dense_tile(&self, tile: &[Query<'_>], k: usize, scratch: &mut Scratch) -> Vec<Vec<Scored>> {
        let weights: Vec<Vec<f32>> = tile
            .iter()
            .map(|query| self.weights(query.history))
            .collect();
        let histories: Vec<History<'_>> = tile
            .iter()
            .zip(&weights)
            .map(|(query, weights)| History {
                items: query.history.items,
                weights,
            })
            .collect();
        let mut scores = std::mem::take(&mut scratch.scores);
        self.score(&histories, &mut scores, scratch);
        let lists = tile
            .iter()
            .zip(scores.chunks_exact_mut(self.taken.width().max(1)))
            .map(|(query, scores)| match query.history.items.is_empty() {
                true => self.popular(query, k),
                false => self.filled(query, self.best(query, scores, k), k),
            })
            .collect();
        scratch.scores = scores;
        lists
    }

    /// The scores of all items for each history, for all kinds except ALS.
    fn score(&self, histories: &[History<'_>], scores: &mut Vec<f32>, scratch: &mut Scratch) {
        let width = self.taken.width();
        scores.clear();
        scores.resize(histories.len() * width, 0.0);
        if let (Fitted::Graph(graph), Some(panels)) = (self.fitted, &self.index.dense) {
            let rank = graph.rank;
            scratch.factors.clear();
            scratch.factors.resize(histories.len() * rank, 0.0);
            for (&history, out) in histories.iter().zip(scratch.factors.chunks_exact_mut(rank)) {
                graph.project(history, out);
            }
            Product::new(View::rows(&scratch.factors, histories.len(), rank), panels).add_to(
                scores,
                width,
                &mut scratch.packed,
            );
        }
        for (&history, scores) in histories.iter().zip(scores.chunks_exact_mut(width.max(1))) {
            match self.fitted {
                Fitted::Ease(ease) => ease.add_scores(history, scores),
                Fitted::Knn(near) => near.add_scores(history, scores),
                Fitted::Graph(graph) => {
                    scratch.votes.resize(width, 0.0);
                    let (near, votes) = (&mut scratch.graph, &mut scratch.votes);
                    graph.add_votes(self.taken, history, near, votes, scores);
                }
                Fitted::Popular | Fitted::Als(_) => scores.copy_from_slice(self.popularity),
            }
        }
    }

    /// A list of neighbours ends when no similar item is left; it is continued by popularity with a
    /// score of zero. Lists of other kinds are unchanged.
    fn filled(&self, query: &Query<'_>, list: Vec<Scored>, k: usize) -> Vec<Scored> {
        let near = list.iter().take_while(|scored| scored.score > 0.0).count();
        if !matches!(self.fitted, Fitted::Knn(_)) || near == list.len() {
            return list;
        }
        let mut list = list;
        list.truncate(near);
        let listed = list.iter().map(|scored| scored.item);
        let denied: Vec<u32> = query.denied.iter().copied().chain(listed).collect();
        let rest = Query {
            denied: &denied,
            ..*query
        };
        let popular = self.popular(&rest, k - near).into_iter();
        list.extend(popular.map(|Scored { item, .. }| Scored { item, score: 0.0 }));
        list
    }

    fn popular(&self, query: &Query<'_>, k: usize) -> Vec<Scored> {
        self.best(query, &mut self.popularity.to_vec(), k)
    }

    /// The best of `scores`, which are overwritten.
    fn best(&self, query: &Query<'_>, scores: &mut [f32], k: usize) -> Vec<Scored> {
        let barred = [query.history.items, query.denied, &self.index.hidden];
        for &item in barred.into_iter().flatten() {
            scores[item as usize] = f32::NEG_INFINITY;
        }
        let mut top = Top::new(k);
        match query.allowed {
            Some(allowed) => allowed
                .iter()
                .for_each(|&item| top.push(item, scores[item as usize])),
            None => top.extend(scores, |place| place as u32),
        }
        top.sorted()
    }

    /// The contribution of each item of a history to the score of `item`, and the score.
    pub fn contributions(&self, history: History<'_>, item: u32) -> (Vec<f32>, f32) {
        let weights = self.weights(history);
        let history = History {
            items: history.items,
            weights: &weights,
        };
        let parts: Vec<f32> = match self.fitted {
            Fitted::Als(side) => side.contributions(history, item),
            Fitted::Popular => vec![0.0; history.items.len()],
            // All others are linear in the history.
            _ => self.parts(history, item),
        };
        let score = match self.fitted {
            Fitted::Popular => self.popularity[item as usize],
            _ => parts.iter().sum(),
        };
        (parts, score)
    }

    fn parts(&self, history: History<'_>, item: u32) -> Vec<f32> {
        let (mut scores, mut scratch) = (Vec::new(), Scratch::default());
        let part = |at: usize| {
            let one = History {
                items: &history.items[at..=at],
                weights: &history.weights[at..=at],
            };
            self.score(&[one], &mut scores, &mut scratch);
            scores[item as usize]
        };
        (0..history.items.len()).map(part).collect()
    }

    /// The `k` items most similar to each of `items`: by the cosine of their factors for ALS,
    /// otherwise those that the model recommends to a user who took only that item.
    pub fn similar(&self, items: &[u32], k: usize) -> Vec<Vec<Scored>> {
        match self.fitted {
            Fitted::Als(side) => self.similar_factors(side, items, k),
            _ => {
                let ones: Vec<Query<'_>> = items
                    .iter()
                    .map(|item| Query {
                        history: History {
                            items: std::slice::from_ref(item),
                            weights: &[1.0],
                        },
                        ..Query::default()
                    })
                    .collect();
                self.lists(&ones, k)
            }
        }
    }

    fn similar_factors(&self, side: &Side, items: &[u32], k: usize) -> Vec<Vec<Scored>> {
        let width = self.taken.width() as u32;
        let lengths: Vec<f32> = (0..width).map(|item| length(side.row(item))).collect();
        let cosine = |a: u32, b: u32| {
            let terms = side.row(a).iter().zip(side.row(b));
            let dot: f32 = terms.map(|(x, y)| x * y).sum();
            dot / (lengths[a as usize] * lengths[b as usize]).max(f32::MIN_POSITIVE)
        };
        let of_item = |&item: &u32| {
            let mut top = Top::new(k);
            let others = (0..width).filter(|&other| other != item);
            others
                .filter(|other| self.index.hidden.binary_search(other).is_err())
                .for_each(|other| top.push(other, cosine(item, other)));
            top.sorted()
        };
        match items {
            // It does not wait for threads that are busy with many.
            [one] => vec![of_item(one)],
            _ => items.par_iter().map(of_item).collect(),
        }
    }
}

/// A user's pass through the items.
struct Run {
    factors: Vec<f32>,
    length: f32,
    /// Positions that are not recommended, in descending order: the next is last.
    barred: Vec<u32>,
    top: Top,
}

impl Run {
    /// Processes the scores of the items at `places`.
    fn take(&mut self, scores: &mut [f32], places: std::ops::Range<usize>, items: &[u32]) {
        while let Some(&place) = self.barred.last()
            && (place as usize) < places.end
        {
            self.barred.pop();
            // Skips positions of groups that were passed over.
            if let Some(at) = (place as usize).checked_sub(places.start) {
                scores[at] = f32::NEG_INFINITY;
            }
        }
        self.top.extend(scores, |at| items[places.start + at]);
    }
}

impl Ordered {
    fn new(side: &Side, width: usize, hidden: &[u32]) -> Self {
        let mut by_length: Vec<(f32, u32)> = (0..width as u32)
            .filter(|item| hidden.binary_search(item).is_err())
            .map(|item| (length(side.row(item)), item))
            .collect();
        by_length.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let (lengths, items): (Vec<f32>, Vec<u32>) = by_length.into_iter().unzip();
        let mut places = vec![u32::MAX; width];
        let mut factors = Vec::with_capacity(items.len() * side.factors);
        for (place, &item) in items.iter().enumerate() {
            places[item as usize] = place as u32;
            factors.extend_from_slice(side.row(item));
        }
        let rows = View::rows(&factors, items.len(), side.factors);
        Ordered {
            panels: Panels::new(rows.transposed()),
            items,
            lengths,
            places,
        }
    }

    /// Positions of the items excluded for this query, in descending order.
    fn barred(&self, query: &Query<'_>) -> Vec<u32> {
        let items = query.history.items.iter().chain(query.denied);
        let mut places: Vec<u32> = items.map(|&item| self.places[item as usize]).collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.dedup();
        places.retain(|&place| place != u32::MAX);
        places
    }
}

/// Euclidean norm, rounded so that it bounds the products.
fn length(row: &[f32]) -> f32 {
    let squares: f64 = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    squares.sqrt() as f32
}
