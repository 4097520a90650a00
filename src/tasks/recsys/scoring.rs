//! Answers of `recsys` from memory: lists of items for users, and of items like others.

use std::collections::HashMap;
use std::sync::Arc;

use models::recsys::{Index, Model, Query, Recommender, Scored, Taken};
use scoring::recsys::{Answer, List, Ranked, Request};
use scoring::{Refusal, Score};
use tables::spelling;

/// A recommender that answers requests.
pub struct Scorer {
    model: Model,
    index: Arc<Index>,
    /// Numbers of users and items by id.
    users: HashMap<String, u32>,
    items: HashMap<String, u32>,
}

impl Scorer {
    /// A scorer for a loaded model; `hidden` items, in ascending order, are never listed.
    pub fn new(model: Model, hidden: Vec<u32>) -> Self {
        Self {
            index: Arc::new(Index::new(&model.fitted, model.taken.width(), hidden)),
            users: model.users().cloned().zip(0..).collect(),
            items: model.catalogue.items.iter().cloned().zip(0..).collect(),
            model,
        }
    }

    /// The number of an item; `None` if it is unknown to the model.
    pub fn item(&self, id: &str) -> Option<u32> {
        self.items.get(spelling::plain(id.trim())).copied()
    }

    /// The number of a user; `None` if they are unknown to the model.
    pub fn user(&self, id: &str) -> Option<u32> {
        self.users.get(spelling::plain(id.trim())).copied()
    }

    /// The name of an item, if the model has one.
    pub fn title(&self, id: &str) -> Option<&str> {
        let title = self.model.catalogue.title(self.item(id)?);
        (title != id).then_some(title)
    }

    /// Number of items that a user took, according to the model.
    pub fn count_taken(&self, id: &str) -> usize {
        self.taken(id, &[]).history().items.len()
    }

    /// The items that the user took according to the model, then newer ones.
    fn taken(&self, id: &str, newer: &[u32]) -> Taken {
        let known = self.user(id).map(|user| self.model.taken_by(user as usize));
        let mut taken = known.unwrap_or_default();
        newer.iter().for_each(|&item| taken.add(item, 1.0));
        taken
    }

    fn ranked(&self, list: &[Scored]) -> Answer<'_> {
        let items = &self.model.catalogue.items;
        let ranked = list.iter().map(|scored| Ranked {
            item: &items[scored.item as usize],
            score: scored.score,
        });
        ranked.collect()
    }

    /// Lists of the same length for several users, scored together.
    fn users(&self, requests: &[Request<'_>], k: usize) -> Vec<Result<Answer<'_>, Refusal>> {
        let asked: Vec<Option<(Taken, &Request<'_>)>> = requests
            .iter()
            .map(|request| match request.list {
                List::User { id, newer, .. } if !id.is_empty() => {
                    Some((self.taken(id, newer), request))
                }
                _ => None,
            })
            .collect();
        let queries: Vec<Query<'_>> = asked
            .iter()
            .flatten()
            .map(|(taken, request)| query(taken, &request.list))
            .collect();
        let recommender = Recommender::with(&self.model, self.index.clone());
        let lists = recommender.lists(&queries, k);
        self.in_place(asked.iter().map(Option::is_some), &lists)
    }

    /// Lists of the same length for several items.
    fn similar(&self, requests: &[Request<'_>], k: usize) -> Vec<Result<Answer<'_>, Refusal>> {
        let found: Vec<Result<u32, Refusal>> = requests
            .iter()
            .map(|request| match request.list {
                List::Similar { id } if !id.is_empty() => self.item(id).ok_or_else(|| {
                    Refusal::unknown(format!("item `{id}` is unknown to the model"))
                }),
                _ => Err(empty_id()),
            })
            .collect();
        let items: Vec<u32> = found.iter().flatten().copied().collect();
        let recommender = Recommender::with(&self.model, self.index.clone());
        let lists = recommender.similar(&items, k);
        let mut lists = lists.iter();
        found
            .into_iter()
            .map(|item| item.map(|_| self.ranked(lists.next().map_or(&[], Vec::as_slice))))
            .collect()
    }

    /// Puts the lists in the order of the requests; requests without an id have no list.
    fn in_place(
        &self,
        asked: impl Iterator<Item = bool>,
        lists: &[Vec<Scored>],
    ) -> Vec<Result<Answer<'_>, Refusal>> {
        let mut lists = lists.iter();
        asked
            .map(|asked| match asked {
                true => Ok(self.ranked(lists.next().map_or(&[], Vec::as_slice))),
                false => Err(empty_id()),
            })
            .collect()
    }
}

fn query<'a>(taken: &'a Taken, list: &List<'a>) -> Query<'a> {
    let (allowed, denied) = match list {
        List::User {
            allowed, denied, ..
        } => (*allowed, *denied),
        List::Similar { .. } => (None, &[][..]),
    };
    Query {
        history: taken.history(),
        denied,
        allowed,
    }
}

fn empty_id() -> Refusal {
    Refusal::missing("the id is empty")
}

/// Whether two requests are answered together: lists of the same kind and length.
fn alike(a: &Request<'_>, b: &Request<'_>) -> bool {
    a.k == b.k && std::mem::discriminant(&a.list) == std::mem::discriminant(&b.list)
}

impl Score for Scorer {
    type Request<'a> = Request<'a>;
    type Answer<'m> = Answer<'m>;
    type Scratch = ();

    fn score<'m>(
        &'m self,
        requests: &[Request<'_>],
        (): &mut (),
    ) -> Vec<Result<Answer<'m>, Refusal>> {
        let mut answers = Vec::with_capacity(requests.len());
        for group in requests.chunk_by(alike) {
            answers.extend(match group[0].list {
                List::User { .. } => self.users(group, group[0].k),
                List::Similar { .. } => self.similar(group, group[0].k),
            });
        }
        answers
    }
}
