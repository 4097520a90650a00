//! Training of `recsys`.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::talk::{SHARES, Talk};
use crate::tasks::recsys::details::{Columns, Details};
use crate::tasks::recsys::params::Params;
use crate::tasks::recsys::{self, Recsys};
use crate::train::{Fitted, Train};
use artifact::{DataDigest, Field, FieldType, Signature};
use models::recsys::{
    self as maths, Catalogue, Choice, HoldOutRule, Interactions, Kind, Later, Model, ModelOptions,
    Search, Taken, Trial, popularity,
};
use tables::{RATING_COLUMNS, Ratings, read_ratings};

/// Share of each user's interactions that candidates are compared on.
const HELD_OUT: f64 = 0.2;

/// A summary of a fitted recommender.
#[derive(Serialize)]
pub struct Fit {
    users: usize,
    items: usize,
    chosen: Choice,
    /// All trials on held-out interactions; empty if nothing was searched.
    trials: Vec<Trial>,
    /// Index of the chosen trial.
    best: Option<usize>,
    /// Number of interactions of the test part that extend the histories.
    later: usize,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let kind = self.chosen.options.kind().as_str();
        write!(f, "{} users and {} items, {kind}", self.users, self.items)?;
        if let Some(best) = self.best.map(|best| &self.trials[best]) {
            write!(
                f,
                " (best of {} on held-out interactions: NDCG@20 {:.4}, recall@20 {:.4})",
                self.trials.len(),
                best.ndcg_at_20,
                best.recall_at_20
            )?;
        }
        match self.later {
            0 => Ok(()),
            later => write!(
                f,
                ", histories extended by {later} interactions of the test part"
            ),
        }
    }
}

impl Train for Recsys {
    type Fit = Fit;

    fn fit(
        params: &Params,
        seed: u64,
        mut data: recsys::Interactions,
        talk: &Talk,
    ) -> Result<Fitted<Self>> {
        data.ratings.sort();
        let log = Log::new(&data);
        if log.taken.is_empty() {
            return Err(exit::data(
                "the training part of recsys has no interactions",
            ));
        }
        let (choice, trials, best) = log.choose(params, seed, talk);
        let taken = log.weighed(choice.disliked);
        let (later, digest) = match &data.later {
            Some(part) => later(part, &data, choice.disliked)?,
            None => Default::default(),
        };
        let fitted = choice
            .options
            .fit(&taken, seed, params.memory)
            .map_err(|error| exit::usage(error.to_string()))?;
        let details = Details {
            data: Columns::of(&params.data),
            model: params.model.clone(),
            eval: params.eval.clone(),
            chosen: choice,
            held_out: trials.clone(),
            later: digest,
        };
        let popularity = popularity(&log.taken, &log.times, log.half_life(params));
        let Ratings {
            users, items, rows, ..
        } = data.ratings;
        let titles = titles(&items, &data.titles);
        Ok(Fitted {
            fit: Fit {
                users: users.len(),
                items: items.len(),
                chosen: choice,
                trials,
                best,
                later: later.taken.len(),
            },
            rows: rows.len() as u64,
            signature: signature(&details.data),
            details,
            model: Model {
                catalogue: Catalogue {
                    users,
                    items,
                    titles,
                },
                popularity,
                half_life: choice.half_life,
                taken,
                later,
                fitted,
            },
        })
    }
}

/// The interactions of the test part with trained items, weighted as in training; and its digest. They are not trained
/// on, but they are what users have taken by the time that lists are made.
fn later(
    part: &Path,
    data: &recsys::Interactions,
    disliked: f64,
) -> Result<(Later, Option<DataDigest>)> {
    let mut source = tables::open(part)?;
    let mut ratings = read_ratings(source.as_mut(), RATING_COLUMNS, &mut Err)?;
    if ratings.rows.is_empty() {
        return Ok(Default::default());
    }
    ratings.sort();
    let digest = DataDigest {
        sha256: files::digest::file(part)?,
        rows: ratings.rows.len() as u64,
    };
    let Ratings { users, items, .. } = &data.ratings;
    let numbers =
        |ids: &[String]| -> HashMap<String, u32> { ids.iter().cloned().zip(0..).collect() };
    let (mut user_numbers, item_numbers) = (numbers(users), numbers(items));
    let mut new = Vec::new();
    for user in &ratings.users {
        let next = (users.len() + new.len()) as u32;
        if *user_numbers.entry(user.clone()).or_insert(next) == next {
            new.push(user.clone());
        }
    }
    let mut rows: Vec<Taken> = vec![Taken::default(); users.len() + new.len()];
    for row in &ratings.rows {
        let user = user_numbers[&ratings.users[row.user as usize]];
        if let Some(&item) = item_numbers.get(&ratings.items[row.item as usize]) {
            let liked = !ratings.rated || row.rating.is_some_and(|rating| rating >= data.relevant);
            rows[user as usize].add(item, if liked { 1.0 } else { disliked as f32 });
        }
    }
    let mut taken = Interactions::new(items.len());
    for row in &rows {
        taken.push(&row.items, &row.weights);
    }
    Ok((Later { users: new, taken }, Some(digest)))
}

/// Interactions of users in, ranked items out.
fn signature(columns: &Columns) -> Signature {
    Signature {
        inputs: vec![
            Field::new(&columns.user, FieldType::Text),
            Field::new(&columns.item, FieldType::Text),
            Field::optional(&columns.rating, FieldType::Float),
            Field::optional(&columns.time, FieldType::Time),
        ],
        outputs: vec![
            Field::new("user_id", FieldType::Text),
            Field::new("item_id", FieldType::Text),
            Field::new("rank", FieldType::Integer),
            Field::new("score", FieldType::Float),
        ],
        classes: Vec::new(),
    }
}

/// A name for each item; empty if no item has one.
fn titles(items: &[String], known: &std::collections::HashMap<String, String>) -> Vec<String> {
    let titles: Vec<String> = items
        .iter()
        .map(|item| known.get(item).cloned().unwrap_or_default())
        .collect();
    match titles.iter().all(String::is_empty) {
        true => Vec::new(),
        false => titles,
    }
}

/// Interactions as the models take them, with their ratings and times.
struct Log {
    /// All interactions with the same weight.
    taken: Interactions,
    /// Whether each is rated as relevant; without ratings all are.
    liked: Vec<bool>,
    /// Empty if there are no times.
    times: Vec<f64>,
    timed: bool,
    /// Whether the interactions of a user are ordered by time.
    ordered: bool,
}

impl Log {
    /// Made from sorted ratings.
    fn new(data: &recsys::Interactions) -> Log {
        let Ratings {
            users,
            items,
            rows,
            rated,
            timed,
            ..
        } = &data.ratings;
        let mut taken = Interactions::new(items.len());
        let mut by_user = rows.chunk_by(|a, b| a.user == b.user).peekable();
        for user in 0..users.len() as u32 {
            let row = by_user
                .next_if(|rows| rows[0].user == user)
                .unwrap_or_default();
            let items: Vec<u32> = row.iter().map(|rating| rating.item).collect();
            taken.push(&items, &vec![1.0; items.len()]);
        }
        let relevant = |rating: Option<f64>| rating.is_some_and(|rating| rating >= data.relevant);
        Log {
            taken,
            liked: rows
                .iter()
                .map(|row| !rated || relevant(row.rating))
                .collect(),
            times: match timed {
                true => rows.iter().map(|row| row.time).collect(),
                false => Vec::new(),
            },
            timed: *timed,
            ordered: data.ratings.are_ordered(),
        }
    }

    fn weighed(&self, disliked: f64) -> Interactions {
        self.taken
            .weighed(|at| if self.liked[at] { 1.0 } else { disliked as f32 })
    }

    /// The half-life of popularity, in the unit of the times.
    fn half_life(&self, params: &Params) -> f64 {
        let known = self.times.iter().copied().filter(|time| time.is_finite());
        let (first, last) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), time| {
            (a.min(time), b.max(time))
        });
        if first < last {
            (last - first) * params.popular_half_life
        } else {
            0.0
        }
    }

    /// Takes the given settings, and searches the others.
    fn choose(
        &self,
        params: &Params,
        seed: u64,
        talk: &Talk,
    ) -> (Choice, Vec<Trial>, Option<usize>) {
        let rated = self.liked.iter().any(|liked| !liked);
        let given = Choice {
            options: params.options.unwrap_or(ModelOptions::Popular),
            half_life: params.half_life.unwrap_or(0.0),
            disliked: params.disliked.unwrap_or(1.0),
        };
        let settled = params.options.is_some()
            && (params.half_life.is_some() || !self.timed)
            && (params.disliked.is_some() || !rated);
        if settled || params.kind == Some(Kind::Popular) {
            return (given, Vec::new(), None);
        }
        let (trials, best) = self.search(params, seed, talk);
        match trials.get(best) {
            Some(trial) => (trial.choice, trials, Some(best)),
            None => {
                talk.warn(
                    "the search on held-out interactions failed (too few of them, or recsys.model.budget too \
                    small): using the defaults",
                );
                let options = params.options.unwrap_or_else(|| defaults(params.kind));
                (Choice { options, ..given }, trials, None)
            }
        }
    }

    fn search(&self, params: &Params, seed: u64, talk: &Talk) -> (Vec<Trial>, usize) {
        // As in `prepare`: without an order there are no last interactions.
        let rule = match self.ordered {
            true => HoldOutRule::Last,
            false => HoldOutRule::Hashed(seed),
        };
        let held = maths::hold_out(&self.taken, HELD_OUT, rule);
        let starts = self.taken.starts();
        let all = || {
            (0..held.taken.users()).flat_map(|user| {
                let kept = held.taken.starts()[user]..held.taken.starts()[user + 1];
                held.kept[kept]
                    .iter()
                    .map(move |&at| starts[user] + at as usize)
            })
        };
        let liked: Vec<bool> = all().map(|at| self.liked[at]).collect();
        let times: Vec<f64> = match self.timed {
            true => all().map(|at| self.times[at]).collect(),
            false => Vec::new(),
        };
        let none_liked = !self.liked.iter().any(|&liked| liked);
        let relevant: Vec<Vec<u32>> = held
            .out
            .iter()
            .enumerate()
            .map(|(user, out)| {
                let hit = |at: u32| none_liked || self.liked[starts[user] + at as usize];
                let out = out.iter().filter(|(_, at)| hit(*at));
                let mut items: Vec<u32> = out.map(|(item, _)| *item).collect();
                items.sort_unstable();
                items
            })
            .collect();
        let popularity = popularity(&held.taken, &times, self.half_life(params));
        let bar = talk.share("choosing a model");
        let tried = std::cell::Cell::new(0);
        let found = Search {
            taken: &held.taken,
            liked: &liked,
            relevant: &relevant,
            popularity: &popularity,
            timed: self.timed,
            kind: params.kind,
            options: params.options,
            half_life: params.half_life,
            disliked: params.disliked,
            seed,
            budget: params.budget,
            memory: params.memory,
        }
        .run(&|trial, spent| {
            tried.set(tried.get() + 1);
            bar.set_position((spent * SHARES as f64) as u64);
            bar.set_message(format!("{} tried", tried.get()));
            talk.detail(format!(
                "held out: NDCG@20 {:.4}, recall@20 {:.4}: {:?}",
                trial.ndcg_at_20, trial.recall_at_20, trial.choice
            ));
        });
        bar.finish_and_clear();
        found
    }
}

fn defaults(kind: Option<Kind>) -> ModelOptions {
    match kind {
        Some(Kind::Als) => ModelOptions::Als(Default::default()),
        Some(Kind::Ease) => ModelOptions::Ease(Default::default()),
        Some(Kind::Knn) => ModelOptions::Knn(Default::default()),
        Some(Kind::Graph) => ModelOptions::Graph(Default::default()),
        Some(Kind::Popular) | None => ModelOptions::Popular,
    }
}
