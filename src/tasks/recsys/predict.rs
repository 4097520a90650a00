//! Lists of `recsys`: `user_id, item_id, rank, score`, or `item_id, similar_id, rank, score`.

mod inputs;

use std::path::Path;

use anyhow::Result;

use self::inputs::{Folded, Ids, Pairs, from_ids};
use super::scoring::Scorer;
use crate::predict::{Answers, Job, LIST_LENGTH, Lister, Pace, Predict, Reject, Request, Wanted};
use crate::project::Project;
use crate::talk::Talk;
use crate::tasks::recsys::Recsys;
use crate::tasks::recsys::details::Details;
use artifact::Header;
use models::recsys::Model;
use scoring::recsys::{Answer, List};
use scoring::{Refusal, Score};
use tables::{Column, DataType, Kind, Reading, Row, Source};

const USER: &str = "user_id";
const ITEM: &str = "item_id";

impl Predict for Recsys {
    const OPTIONS: &'static [&'static str] =
        &["--k", "--users", "--similar", "--allow", "--deny", "--only"];

    fn job(
        _: Option<&Project>,
        model: Model,
        header: &Header<Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Job> {
        // As in the data that the model was trained on; outputs are always named alike.
        let names = &header.details.data;
        let lists = &request.options.lists;
        let k = lists.k.unwrap_or(LIST_LENGTH);
        let items = Ids::new(&model.catalogue.items);
        let mut context = inputs::Context::new(request.reading);
        let hidden = match &lists.only {
            Some(only) => inputs::all_but(&items, &names.item, only, &mut context)?,
            None => Vec::new(),
        };
        if let Some(similar) = &lists.similar {
            let source = match similar {
                Wanted::All => from_ids(&names.item, model.catalogue.items.clone()),
                Wanted::File(path) => open_ids(path, request.reading, &names.item)?,
            };
            let lister = SimilarLister {
                item: source.column(&names.item)?,
                item_name: names.item.clone(),
                columns: columns(ITEM, "similar_id"),
                scorer: Scorer::new(model, hidden),
                k,
            };
            return Ok(Job {
                source,
                answers: Answers::Lists(Box::new(lister)),
                context: context.digest(),
            });
        }
        let folded = match &request.input {
            Some(_) => Folded::read(
                crate::predict::open(request, &[&names.user, &names.item], talk)?.as_mut(),
                names,
                &items,
                &mut context,
                talk,
            )?,
            None => Folded::default(),
        };
        let source = match (&lists.users, &request.input) {
            (Some(Wanted::File(path)), _) => open_ids(path, request.reading, &names.user)?,
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
            allow: pairs(&lists.allow)?,
            deny: pairs(&lists.deny)?,
            folded,
            k,
            scorer: Scorer::new(model, hidden),
        };
        Ok(Job {
            source,
            answers: Answers::Lists(Box::new(lister)),
            context: context.digest(),
        })
    }
}

/// A table of ids; one without any bytes has none.
fn open_ids(path: &Path, reading: Reading, column: &str) -> Result<Box<dyn Source>> {
    let source = tables::open_with(path, reading)?;
    match source.columns().is_empty() {
        true => Ok(tables::without_rows(source.file(), &[column])),
        false => Ok(source),
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

/// The rows of the lists of `records`, and what was refused of them.
fn hand_out(
    records: &[Row],
    (cell, name): (usize, &str),
    answers: Vec<Result<Answer<'_>, Refusal>>,
    out: &mut dyn FnMut(&Row),
) -> Vec<(usize, Reject)> {
    let mut rejects = Vec::new();
    let mut row = Row::new();
    for (index, (record, answer)) in records.iter().zip(answers).enumerate() {
        let list = match answer {
            Ok(list) => list,
            Err(refusal) => {
                rejects.push((index, Reject::of(&refusal, record.line(), name)));
                continue;
            }
        };
        for (place, ranked) in list.iter().enumerate() {
            row.clear();
            row.push(Kind::Text, record.text(cell));
            row.push(Kind::Text, ranked.item);
            row.push_number(place + 1);
            row.push_number(ranked.score);
            out(&row);
        }
    }
    rejects
}

/// A list is a millisecond of work and twenty rows.
const PACE: Pace = Pace {
    task: 48,
    batch: 3072,
    checkpoint: 12_288,
};

/// What to recommend to users.
struct UserLister {
    scorer: Scorer,
    /// Which cell holds the user, and the name of its column.
    user: usize,
    user_name: String,
    columns: Vec<Column>,
    allow: Pairs,
    deny: Pairs,
    folded: Folded,
    k: usize,
}

impl Lister for UserLister {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn list(&self, records: &[Row], out: &mut dyn FnMut(&Row)) -> Vec<(usize, Reject)> {
        let request = |record| {
            let id = Row::text(record, self.user);
            scoring::recsys::Request {
                list: List::User {
                    id,
                    newer: self.folded.of(id),
                    allowed: self.allow.of(id),
                    denied: self.deny.of(id).unwrap_or_default(),
                },
                k: self.k,
            }
        };
        let requests: Vec<_> = records.iter().map(request).collect();
        let answers = self.scorer.score(&requests, &mut ());
        hand_out(records, (self.user, &self.user_name), answers, out)
    }

    fn pace(&self) -> Pace {
        PACE
    }
}

/// Items like others.
struct SimilarLister {
    scorer: Scorer,
    /// Which cell holds the item, and the name of its column.
    item: usize,
    item_name: String,
    columns: Vec<Column>,
    k: usize,
}

impl Lister for SimilarLister {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn list(&self, records: &[Row], out: &mut dyn FnMut(&Row)) -> Vec<(usize, Reject)> {
        let request = |record| scoring::recsys::Request {
            list: List::Similar {
                id: Row::text(record, self.item),
            },
            k: self.k,
        };
        let requests: Vec<_> = records.iter().map(request).collect();
        let answers = self.scorer.score(&requests, &mut ());
        hand_out(records, (self.item, &self.item_name), answers, out)
    }

    fn pace(&self) -> Pace {
        PACE
    }
}
