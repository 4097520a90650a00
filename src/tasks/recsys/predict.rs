//! Lists of `recsys`: `user_id, item_id, rank, score`, or `item_id, similar_id, rank, score`.

pub(super) mod inputs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use self::inputs::{Folded, Ids, Pairs, from_ids};
use super::scoring::Scorer;
use crate::predict::{
    Answers, COMMAND_LINE, IdSource, Job, LIST_LENGTH, Lister, Pace, Predict, Reject, Request,
    Unknown,
};
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
    const NEEDS_INPUT: bool = false;
    const OPTIONS: &'static [&'static str] =
        &["--k", "--users", "--similar", "--allow", "--deny", "--only"];

    fn job(
        _: Option<&Project>,
        model: Model,
        header: &Header<Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Job> {
        let Some(similar) = &request.options.lists.similar else {
            let users = Users::new(model, header, request, talk)?;
            return Ok(Job {
                source: users.source,
                unknown: Some(users.lister.unknown.clone()),
                answers: Answers::Lists(Box::new(users.lister)),
                context: users.context,
            });
        };
        let name = &header.details.data.item;
        let items = Ids::new(&model.catalogue.items);
        let mut context = inputs::Context::new(request.reading);
        let hidden = hidden(request, name, &items, &mut context, talk)?;
        let source = match similar {
            IdSource::All => from_ids(name, model.catalogue.items.clone()),
            IdSource::File(path) => open_ids(path, request.reading, name)?,
        };
        let lister = SimilarLister {
            item: source.column(name)?,
            item_name: name.clone(),
            columns: columns(ITEM, "similar_id"),
            scorer: Scorer::new(model, hidden),
            k: request.options.lists.k.unwrap_or(LIST_LENGTH),
        };
        Ok(Job {
            source,
            answers: Answers::Lists(Box::new(lister)),
            context: context.digest(),
            unknown: None,
        })
    }
}

/// Lists for users: the users, and the lister.
pub(super) struct Users {
    source: Box<dyn Source>,
    pub lister: UserLister,
    context: String,
}

impl Users {
    /// Made from the request, with the names of columns of the training data. The columns of outputs always have the
    /// same names.
    pub fn new(
        model: Model,
        header: &Header<Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Self> {
        let names = &header.details.data;
        let lists = &request.options.lists;
        if let Some(later) = &header.details.later {
            talk.note(format!(
                "recsys: lists start after the last known interaction: the {} of the test part count as taken",
                later.rows
            ));
        }
        let items = Ids::new(&model.catalogue.items);
        let mut context = inputs::Context::new(request.reading);
        let hidden = hidden(request, &names.item, &items, &mut context, talk)?;
        let folded = match &request.input {
            Some(_) => Folded::read(
                crate::predict::open_numbers(
                    request,
                    &[&names.user, &names.item],
                    names.decimal,
                    talk,
                )?
                .as_mut(),
                names,
                &items,
                &mut context,
                talk,
            )?,
            None => Folded::default(),
        };
        let source = match (&lists.users, &request.input) {
            _ if !request.asked.is_empty() => {
                tables::from_values(COMMAND_LINE, &names.user, request.asked.clone())
            }
            (Some(IdSource::File(path)), _) => open_ids(path, request.reading, &names.user)?,
            (None, Some(_)) => from_ids(&names.user, folded.users.clone()),
            (Some(IdSource::All), _) | (None, None) => {
                from_ids(&names.user, folded.and(model.users()))
            }
        };
        let mut pairs = |path: &Option<PathBuf>| match path {
            Some(path) => Pairs::read(path, names, &items, &mut context, talk),
            None => Ok(Pairs::default()),
        };
        let unknown = Unknown::answered(
            format!("users of {} are", source.file()),
            "get the popular items",
        );
        let lister = UserLister {
            unknown: Arc::new(unknown),
            user: source.column(&names.user)?,
            user_name: names.user.clone(),
            columns: columns(USER, ITEM),
            allow: pairs(&lists.allow)?,
            deny: pairs(&lists.deny)?,
            folded,
            k: lists.k.unwrap_or(LIST_LENGTH),
            scorer: Scorer::new(model, hidden),
        };
        Ok(Self {
            source,
            lister,
            context: context.digest(),
        })
    }
}

/// Items to exclude from all lists.
fn hidden(
    request: &Request,
    name: &str,
    items: &Ids,
    context: &mut inputs::Context,
    talk: &Talk,
) -> Result<Vec<u32>> {
    match &request.options.lists.only {
        Some(only) => inputs::all_but(items, name, only, context, talk),
        None => Ok(Vec::new()),
    }
}

/// A table of ids; an empty file has no ids.
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

/// Passes the rows of the lists to `out`, and returns the rejected records.
fn pass_rows(
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
                let mut reject = Reject::of(&refusal, record.line(), name);
                // Cells that are not ids were not passed to the scorer.
                if let Err(kind) = tables::id_of(record.kind(cell), record.text(cell)) {
                    reject.reason = kind.to_string();
                }
                rejects.push((index, reject));
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

/// The id in a cell; empty if there is none.
fn id(record: &Row, cell: usize) -> &str {
    match tables::id_of(record.kind(cell), record.text(cell)) {
        Ok(std::borrow::Cow::Borrowed(id)) => id,
        // A number with an exponent, in which ids are never written.
        Ok(_) => record.text(cell),
        Err(_) => "",
    }
}

/// A list takes about a millisecond and has twenty rows.
const PACE: Pace = Pace {
    task: 48,
    batch: 3072,
    checkpoint: 12_288,
};

/// Recommends items to users.
pub(super) struct UserLister {
    pub scorer: Scorer,
    /// Index of the cell with the user, and the name of its column.
    user: usize,
    user_name: String,
    unknown: Arc<Unknown>,
    columns: Vec<Column>,
    allow: Pairs,
    deny: Pairs,
    folded: Folded,
    k: usize,
}

impl UserLister {
    fn record<'a>(&'a self, record: &'a Row) -> scoring::recsys::Request<'a> {
        let id = id(record, self.user);
        if !id.is_empty() && !self.knows(id) {
            self.unknown.add(record.line(), id);
        }
        self.request(id)
    }

    /// Whether a user is known to the model or folded in.
    pub fn knows(&self, id: &str) -> bool {
        !self.folded.of(id).is_empty() || self.scorer.user(id).is_some()
    }

    /// The request for a user.
    pub fn request<'a>(&'a self, id: &'a str) -> scoring::recsys::Request<'a> {
        let newer = self.folded.of(id);
        scoring::recsys::Request {
            list: List::User {
                id,
                newer,
                allowed: self.allow.of(id),
                denied: self.deny.of(id).unwrap_or_default(),
            },
            k: self.k,
        }
    }
}

impl Lister for UserLister {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn list(&self, records: &[Row], out: &mut dyn FnMut(&Row)) -> Vec<(usize, Reject)> {
        let requests: Vec<_> = records.iter().map(|record| self.record(record)).collect();
        let answers = self.scorer.score(&requests, &mut ());
        pass_rows(records, (self.user, &self.user_name), answers, out)
    }

    fn pace(&self) -> Pace {
        PACE
    }
}

/// Lists similar items.
struct SimilarLister {
    scorer: Scorer,
    /// Index of the cell with the item, and the name of its column.
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
                id: id(record, self.item),
            },
            k: self.k,
        };
        let requests: Vec<_> = records.iter().map(request).collect();
        let answers = self.scorer.score(&requests, &mut ());
        pass_rows(records, (self.item, &self.item_name), answers, out)
    }

    fn pace(&self) -> Pace {
        PACE
    }
}
