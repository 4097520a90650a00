//! Lists of `recsys`: `user_id, item_id, rank, score`, or `item_id, similar_id, rank, score`.

mod inputs;

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;

use self::inputs::{Folded, Ids, Pairs, from_ids};
use crate::predict::{Answers, Job, Lister, Pace, Predict, Reject, Request, Wanted};
use crate::talk::Talk;
use crate::tasks::recsys::Recsys;
use crate::tasks::recsys::details::Details;
use artifact::Header;
use models::recsys::{History, Index, Model, Query, Recommender, Scored};
use tables::{Column, DataType, Kind, Row, Source};

const USER: &str = "user_id";
const ITEM: &str = "item_id";

impl Predict for Recsys {
    fn job(model: Model, header: &Header<Details>, request: &Request, talk: &Talk) -> Result<Job> {
        // As in the data that the model was trained on; outputs are always named alike.
        let names = &header.details.data;
        let lists = &request.options.lists;
        let items = Ids::new(&model.catalogue.items);
        let mut context = inputs::Context::default();
        let hidden = match &lists.only {
            Some(only) => inputs::all_but(&items, &names.item, only, &mut context)?,
            None => Vec::new(),
        };
        let index = Arc::new(Index::new(&model.fitted, model.taken.width(), hidden));
        if let Some(similar) = &lists.similar {
            let source = match similar {
                Wanted::All => from_ids(&names.item, model.catalogue.items.clone()),
                Wanted::File(path) => tables::open(path)?,
            };
            let lister =
                SimilarLister::new(model, index, items, &names.item, lists.k, source.as_ref())?;
            return Ok(Job {
                source,
                answers: Answers::Lists(Box::new(lister)),
                context: context.digest(),
            });
        }
        let folded = match &request.input {
            Some(_) => Folded::read(
                crate::predict::open(request)?.as_mut(),
                names,
                &items,
                &mut context,
                talk,
            )?,
            None => Folded::default(),
        };
        let source = match (&lists.users, &request.input) {
            (Some(Wanted::File(path)), _) => tables::open(path)?,
            (None, Some(_)) => from_ids(&names.user, folded.users.clone()),
            (Some(Wanted::All), _) | (None, None) => {
                from_ids(&names.user, folded.and(&model.catalogue.users))
            }
        };
        let mut pairs = |path: &Option<std::path::PathBuf>| match path {
            Some(path) => Pairs::read(path, names, &items, &mut context),
            None => Ok(Pairs::default()),
        };
        let lister = UserLister {
            user: source.column(&names.user)?,
            user_name: names.user.clone(),
            columns: columns(USER, ITEM),
            numbers: model.catalogue.users.iter().cloned().zip(0..).collect(),
            allow: pairs(&lists.allow)?,
            deny: pairs(&lists.deny)?,
            folded,
            k: lists.k,
            index,
            model,
        };
        Ok(Job {
            source,
            answers: Answers::Lists(Box::new(lister)),
            context: context.digest(),
        })
    }
}

fn columns(of: &str, listed: &str) -> Vec<Column> {
    vec![
        Column::typed(of, DataType::Text),
        Column::typed(listed, DataType::Text),
        Column::typed("rank", DataType::Integer),
        Column::typed("score", DataType::Float),
    ]
}

/// The rows of one list.
fn hand_out(out: &mut dyn FnMut(&Row), of: &str, list: &[Scored], items: &[String]) {
    let mut row = Row::new();
    for (place, scored) in list.iter().enumerate() {
        row.clear();
        row.push(Kind::Text, of);
        row.push(Kind::Text, &items[scored.item as usize]);
        row.push_number(place + 1);
        row.push_number(scored.score);
        out(&row);
    }
}

fn empty_id(row: &Row, column: &str) -> Reject {
    Reject {
        line: Some(row.line()),
        column: Some(column.to_owned()),
        reason: "the id is empty".to_owned(),
    }
}

/// A list is a millisecond of work and twenty rows.
const PACE: Pace = Pace {
    task: 48,
    batch: 3072,
    checkpoint: 12_288,
};

/// What to recommend to users.
struct UserLister {
    model: Model,
    index: Arc<Index>,
    /// Which cell holds the user, and the name of its column.
    user: usize,
    user_name: String,
    columns: Vec<Column>,
    numbers: HashMap<String, u32>,
    allow: Pairs,
    deny: Pairs,
    folded: Folded,
    k: usize,
}

impl UserLister {
    /// What the user took: in training, then what was folded in.
    fn history(&self, id: &str) -> (Vec<u32>, Vec<f32>) {
        let known = self.numbers.get(id);
        let row = known.map_or_else(History::default, |&user| {
            self.model.taken.row(user as usize)
        });
        let (mut items, mut weights) = (row.items.to_vec(), row.weights.to_vec());
        for &item in self.folded.of(id) {
            if !row.items.contains(&item) {
                items.push(item);
                weights.push(1.0);
            }
        }
        (items, weights)
    }
}

impl Lister for UserLister {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn list(&self, records: &[Row], out: &mut dyn FnMut(&Row)) -> Vec<(usize, Reject)> {
        let mut rejects = Vec::new();
        let mut asked = Vec::new();
        for (index, record) in records.iter().enumerate() {
            match record.text(self.user) {
                "" => rejects.push((index, empty_id(record, &self.user_name))),
                id => asked.push((id, self.history(id))),
            }
        }
        let queries: Vec<Query<'_>> = asked
            .iter()
            .map(|(id, (items, weights))| Query {
                history: History { items, weights },
                denied: self.deny.of(id).unwrap_or_default(),
                allowed: self.allow.of(id),
            })
            .collect();
        let recommender = Recommender::with(&self.model, self.index.clone());
        for ((id, _), list) in asked.iter().zip(recommender.lists(&queries, self.k)) {
            hand_out(out, id, &list, &self.model.catalogue.items);
        }
        rejects
    }

    fn pace(&self) -> Pace {
        PACE
    }
}

/// What is like items.
struct SimilarLister {
    model: Model,
    index: Arc<Index>,
    /// Which cell holds the item, and the name of its column.
    item: usize,
    item_name: String,
    columns: Vec<Column>,
    items: Ids,
    k: usize,
}

impl SimilarLister {
    fn new(
        model: Model,
        index: Arc<Index>,
        items: Ids,
        column: &str,
        k: usize,
        source: &dyn Source,
    ) -> Result<Self> {
        Ok(SimilarLister {
            item: source.column(column)?,
            item_name: column.to_owned(),
            columns: columns(ITEM, "similar_id"),
            model,
            index,
            items,
            k,
        })
    }
}

impl Lister for SimilarLister {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn list(&self, records: &[Row], out: &mut dyn FnMut(&Row)) -> Vec<(usize, Reject)> {
        let mut rejects = Vec::new();
        let mut asked = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let id = record.text(self.item);
            match self.items.number(id) {
                Some(item) => asked.push(item),
                None if id.is_empty() => rejects.push((index, empty_id(record, &self.item_name))),
                None => rejects.push((
                    index,
                    Reject {
                        line: Some(record.line()),
                        column: Some(self.item_name.clone()),
                        reason: format!("the model knows no item `{id}`"),
                    },
                )),
            }
        }
        let recommender = Recommender::with(&self.model, self.index.clone());
        let items = &self.model.catalogue.items;
        for (&item, list) in asked.iter().zip(recommender.similar(&asked, self.k)) {
            hand_out(out, &items[item as usize], &list, items);
        }
        rejects
    }

    fn pace(&self) -> Pace {
        PACE
    }
}
