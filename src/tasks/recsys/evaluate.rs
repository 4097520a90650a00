//! Evaluation of `recsys`: ranks all items for every user with relevant items in the test part.

mod bands;

use std::collections::{BTreeSet, HashMap};
use std::io;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use self::bands::bands;
use crate::eval::compare::Recorded;
use crate::eval::plots::table;
use crate::eval::{Evaluate, Evaluation, Headline, Overview, Plot};
use crate::exit;
use crate::talk::Talk;
use crate::tasks::recsys::details::Details;
use crate::tasks::recsys::report::{Curve, Example, Listed, RecsysReport, page};
use crate::tasks::recsys::{Interactions, Recsys};
use artifact::Header;
use models::metrics::bootstrap::mean_interval;
use models::metrics::ranking::{Ranked, mean};
use models::recsys::{Fitted, Model, Query, Recommender, Scored};

/// Lengths of lists to measure.
const LENGTHS: [usize; 6] = [1, 5, 10, 20, 50, 100];
/// Length of lists in the headline figures.
const K: usize = 20;
const LONGEST_LIST: usize = 100;
/// Maximum number of users in `plots/recsys/users.csv`.
const USERS_LISTED: usize = 20_000;
/// Number of users shown on the page, and of items for each.
const EXAMPLES: usize = 6;
const ITEMS_SHOWN: usize = 10;

impl Evaluate for Recsys {
    const RECORDED: Recorded = Recorded::Table {
        file: "users.csv",
        id: "user_id",
        units: "users",
    };
    const OVERVIEW: Overview = Overview {
        title: "Recommendations",
        figures: &[
            Headline::number("recall_at_20", "Recall@20"),
            Headline::number("ndcg_at_20", "NDCG@20"),
            Headline::share("hit_rate_at_20", "Hit rate@20"),
        ],
    };

    fn is_empty(test: &Interactions) -> bool {
        test.ratings.rows.is_empty()
    }

    fn evaluate(
        model: &Model,
        header: &Header<Details>,
        test: &Interactions,
        seed: u64,
        _: &Talk,
    ) -> Result<Evaluation> {
        let results = Results::new(model, test);
        if results.known.ranked.is_empty() && results.cold.ranked.is_empty() {
            return Err(exit::usage(format!(
                "no interaction of the test part is rated {} or more; lower recsys.eval.relevant",
                test.relevant
            )));
        }
        Ok(Evaluation {
            metrics: results.metrics(seed),
            plots: results.plots()?,
            page: page(&results.report(header)),
        })
    }
}

/// A user with relevant items in the test part.
struct HeldOutUser {
    /// Number of the user in the model; `None`: not in the training part.
    user: Option<u32>,
    id: String,
    /// Relevant items that are known to the model, in ascending order.
    relevant: Vec<u32>,
    /// Number of relevant items, known or not.
    count: usize,
}

/// Users with their lists and the hits in them.
struct ScoredUsers {
    held: Vec<HeldOutUser>,
    lists: Vec<Vec<Scored>>,
    ranked: Vec<Ranked>,
}

/// A line of `plots/recsys/users.csv`, by which `compare` pairs two evaluations.
#[derive(Serialize)]
struct UserFigures {
    user_id: String,
    recall_at_20: f64,
    ndcg_at_20: f64,
    map_at_20: f64,
    mrr: f64,
    hit_rate_at_20: f64,
}

impl UserFigures {
    fn of(held: &HeldOutUser, ranked: &Ranked) -> Self {
        Self {
            user_id: held.id.clone(),
            recall_at_20: ranked.recall(K),
            ndcg_at_20: ranked.ndcg(K),
            map_at_20: ranked.average_precision(K),
            mrr: ranked.reciprocal_rank(),
            hit_rate_at_20: ranked.hit(K),
        }
    }
}

/// The results of a model on the test part.
struct Results<'a> {
    model: &'a Model,
    /// Users of the training part, and new users, who get the popular items.
    known: ScoredUsers,
    cold: ScoredUsers,
    /// The popular items for the known users, as the baseline.
    popular: ScoredUsers,
    /// Relevant interactions of the test part with items that are not in the training part.
    new_items: usize,
    /// Number of users of each item in the training part.
    counts: Vec<usize>,
    relevant: Option<f64>,
}

impl<'a> Results<'a> {
    fn new(model: &'a Model, test: &Interactions) -> Results<'a> {
        let held = held_out_users(model, test);
        let new_items = held
            .iter()
            .map(|user| user.count - user.relevant.len())
            .sum();
        let (known, cold): (Vec<HeldOutUser>, Vec<HeldOutUser>) =
            held.into_iter().partition(|user| user.user.is_some());
        let copy = known.iter().map(HeldOutUser::copy).collect();
        Results {
            known: ScoredUsers::new(model, &model.fitted, known),
            cold: ScoredUsers::new(model, &Fitted::Popular, cold),
            popular: ScoredUsers::new(model, &Fitted::Popular, copy),
            new_items,
            counts: model.taken.transposed().counts(),
            relevant: test.ratings.rated.then_some(test.relevant),
            model,
        }
    }

    /// The users of the headline figures: the known ones, or the new ones if no user is known.
    fn headline_users(&self) -> &ScoredUsers {
        match self.known.ranked.is_empty() {
            true => &self.cold,
            false => &self.known,
        }
    }

    fn metrics(&self, seed: u64) -> Value {
        let headline = self.headline_users();
        let mut metrics = self.figures(headline);
        metrics["scored_users"] = json!(headline.ranked.len());
        metrics["relevant_from"] = json!(self.relevant);
        metrics["new_item_hits_missed"] = json!(self.new_items);
        metrics["intervals"] = intervals(&headline.ranked, seed);
        metrics["baseline"] = self.figures(&self.popular);
        metrics["by_length"] = json!(curve(&headline.ranked));
        metrics["bands"] = json!(self.bands());
        if !self.cold.ranked.is_empty() {
            let mut cold = self.figures(&self.cold);
            cold["scored_users"] = json!(self.cold.ranked.len());
            metrics["cold_users"] = cold;
        }
        metrics
    }

    fn bands(&self) -> Vec<bands::Band> {
        let active = |held: &HeldOutUser| {
            let user = held
                .user
                .map(|user| self.model.taken.row(user as usize).items.len());
            user.unwrap_or(0)
        };
        let activity: Vec<usize> = self.known.held.iter().map(active).collect();
        bands(&activity, &self.known.ranked)
    }

    fn figures(&self, part: &ScoredUsers) -> Value {
        let of = |figure: &dyn Fn(&Ranked) -> f64| json!(mean(&part.ranked, figure));
        json!({
            "recall_at_10": of(&|user| user.recall(10)),
            "recall_at_20": of(&|user| user.recall(K)),
            "ndcg_at_10": of(&|user| user.ndcg(10)),
            "ndcg_at_20": of(&|user| user.ndcg(K)),
            "map_at_20": of(&|user| user.average_precision(K)),
            "mrr": of(&Ranked::reciprocal_rank),
            "hit_rate_at_20": of(&|user| user.hit(K)),
            "coverage_at_20": self.coverage(part),
            "novelty_at_20": self.over_items(part, |share| -libm::log2(share)),
            "popularity_at_20": self.over_items(part, |share| share),
        })
    }

    /// Share of the catalogue that is in at least one list.
    fn coverage(&self, part: &ScoredUsers) -> f64 {
        let listed: BTreeSet<u32> = part
            .lists
            .iter()
            .flat_map(|list| list.iter().take(K).map(|scored| scored.item))
            .collect();
        listed.len() as f64 / self.model.taken.width().max(1) as f64
    }

    /// Mean over lists of the mean over their items of `figure`, a function of the share of users who took the item.
    fn over_items(&self, part: &ScoredUsers, figure: impl Fn(f64) -> f64) -> f64 {
        let users = self.model.taken.users() as f64;
        let of_list = |list: &Vec<Scored>| {
            let shown = &list[..list.len().min(K)];
            let share = |scored: &Scored| self.counts[scored.item as usize].max(1) as f64 / users;
            shown
                .iter()
                .map(|scored| figure(share(scored)))
                .sum::<f64>()
                / shown.len() as f64
        };
        let lists: Vec<f64> = part
            .lists
            .iter()
            .filter(|list| !list.is_empty())
            .map(of_list)
            .collect();
        lists.iter().sum::<f64>() / lists.len().max(1) as f64
    }

    fn plots(&self) -> io::Result<Vec<(&'static str, Plot)>> {
        let mut both = curve(&self.headline_users().ranked);
        for (point, popular) in both.iter_mut().zip(curve(&self.popular.ranked)) {
            point.popular_recall = popular.recall;
            point.popular_ndcg = popular.ndcg;
        }
        Ok(vec![
            ("by_length.csv", table(both)?),
            ("bands.csv", table(self.bands())?),
            ("users.csv", table(self.users())?),
        ])
    }

    /// The figures of each user in the headline figures; of very many users a sample at regular intervals.
    fn users(&self) -> Vec<UserFigures> {
        let users = self.headline_users();
        let step = users.ranked.len().div_ceil(USERS_LISTED).max(1);
        let pairs = users.held.iter().zip(&users.ranked).step_by(step);
        pairs
            .map(|(held, ranked)| UserFigures::of(held, ranked))
            .collect()
    }

    fn report(&self, header: &Header<Details>) -> RecsysReport {
        let headline = self.headline_users();
        let mut curves = curve(&headline.ranked);
        for (point, popular) in curves.iter_mut().zip(curve(&self.popular.ranked)) {
            point.popular_recall = popular.recall;
            point.popular_ndcg = popular.ndcg;
        }
        RecsysReport {
            kind: self.model.fitted.kind().as_str().to_owned(),
            figures: self.figures(headline),
            baseline: self.figures(&self.popular),
            users: headline.ranked.len() as u64,
            train_rows: header.provenance.training.rows,
            items: self.model.taken.width() as u64,
            relevant: self.relevant,
            curves,
            bands: self.bands().iter().map(bands::Band::cells).collect(),
            held_out: header.details.held_out.clone(),
            cold_users: self.cold.ranked.len() as u64,
            cold: self.figures(&self.cold),
            new_items: self.new_items as u64,
            examples: self.examples(),
        }
    }

    /// A sample of the scored users at regular intervals, with their latest items and their list.
    fn examples(&self) -> Vec<Example> {
        let part = &self.known;
        let step = (part.held.len() / EXAMPLES).max(1);
        let title = |item: u32| self.model.catalogue.title(item).to_owned();
        (0..part.held.len())
            .step_by(step)
            .take(EXAMPLES)
            .map(|at| {
                let held = &part.held[at];
                let row = held.user.map(|user| self.model.taken.row(user as usize));
                let taken = row.unwrap_or_default().items;
                Example {
                    user: held.id.clone(),
                    taken: taken
                        .iter()
                        .rev()
                        .take(ITEMS_SHOWN)
                        .map(|&item| title(item))
                        .collect(),
                    listed: part.lists[at]
                        .iter()
                        .take(ITEMS_SHOWN)
                        .map(|scored| Listed {
                            title: title(scored.item),
                            score: f64::from(scored.score),
                            hit: held.relevant.binary_search(&scored.item).is_ok(),
                        })
                        .collect(),
                    relevant: held.count as u64,
                }
            })
            .collect()
    }
}

impl HeldOutUser {
    fn copy(&self) -> HeldOutUser {
        HeldOutUser {
            user: self.user,
            id: self.id.clone(),
            relevant: self.relevant.clone(),
            count: self.count,
        }
    }
}

/// Users with relevant items, in the order of the test part.
fn held_out_users(model: &Model, test: &Interactions) -> Vec<HeldOutUser> {
    let numbers =
        |ids: &'_ [String]| -> HashMap<String, u32> { ids.iter().cloned().zip(0..).collect() };
    let (users, items) = (
        numbers(&model.catalogue.users),
        numbers(&model.catalogue.items),
    );
    let ratings = &test.ratings;
    let mut held: Vec<HeldOutUser> = ratings
        .users
        .iter()
        .map(|id| HeldOutUser {
            user: users.get(id).copied(),
            id: id.clone(),
            relevant: Vec::new(),
            count: 0,
        })
        .collect();
    for row in &ratings.rows {
        if ratings.rated && row.rating.is_none_or(|rating| rating < test.relevant) {
            continue;
        }
        let held = &mut held[row.user as usize];
        held.count += 1;
        held.relevant
            .extend(items.get(&ratings.items[row.item as usize]));
    }
    held.retain(|user| user.count > 0);
    held.iter_mut()
        .for_each(|user| user.relevant.sort_unstable());
    held
}

impl ScoredUsers {
    fn new(model: &Model, fitted: &Fitted, held: Vec<HeldOutUser>) -> ScoredUsers {
        let (taken, popularity) = (&model.taken, &model.popularity);
        let recommender = Recommender::of(fitted, taken, popularity, model.half_life);
        let query = |held: &HeldOutUser| Query {
            history: held
                .user
                .map_or_else(Default::default, |user| model.taken.row(user as usize)),
            ..Query::default()
        };
        let queries: Vec<Query<'_>> = held.iter().map(query).collect();
        let lists = recommender.lists(&queries, LONGEST_LIST);
        let ranked = lists
            .iter()
            .zip(&held)
            .map(|(list, held)| {
                let hit = |scored: &Scored| held.relevant.binary_search(&scored.item).is_ok();
                Ranked {
                    hits: (0..list.len()).filter(|&place| hit(&list[place])).collect(),
                    relevant: held.count,
                }
            })
            .collect();
        ScoredUsers {
            held,
            lists,
            ranked,
        }
    }
}

fn intervals(ranked: &[Ranked], seed: u64) -> Value {
    let interval = |figure: &dyn Fn(&Ranked) -> f64| {
        let values: Vec<f64> = ranked.iter().map(figure).collect();
        json!(mean_interval(&values, seed))
    };
    json!({
        "recall_at_20": interval(&|user| user.recall(K)),
        "ndcg_at_20": interval(&|user| user.ndcg(K)),
        "map_at_20": interval(&|user| user.average_precision(K)),
        "mrr": interval(&Ranked::reciprocal_rank),
        "hit_rate_at_20": interval(&|user| user.hit(K)),
    })
}

fn curve(ranked: &[Ranked]) -> Vec<Curve> {
    LENGTHS
        .iter()
        .map(|&k| Curve {
            k,
            recall: mean(ranked, |user| user.recall(k)),
            ndcg: mean(ranked, |user| user.ndcg(k)),
            precision: mean(ranked, |user| user.precision(k)),
            hit_rate: mean(ranked, |user| user.hit(k)),
            popular_recall: 0.0,
            popular_ndcg: 0.0,
        })
        .collect()
}
