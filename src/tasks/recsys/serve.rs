//! `recsys` behind a server: users in, ranked items out, a row an item, as `predict` writes them. Items (and times)
//! beside the users are what they took lately, for that answer only. The input `similar_to` asks for items like others.

use std::collections::HashMap;

use anyhow::Result;

use super::details::Columns;
use super::predict::inputs::taken;
use super::scoring::Scorer;
use crate::predict::LIST_LENGTH;
use crate::serve::Serve;
use crate::serve::input::{Parameters, distinct, fault, only, same_length, texts};
use crate::task::Loaded;
use crate::tasks::recsys::Recsys;
use scoring::recsys::{List, Ranked, Request};
use scoring::{RefusalKind, Score};
use server::{
    Data, Datatype, Fault, InferRequest, InferResponse, Metadata, Model, Strings, Tensor,
    TensorSpec,
};

const USER: &str = "user_id";
const ITEM: &str = "item_id";
/// The input of items whose like is asked for.
const SIMILAR_TO: &str = "similar_to";
const SIMILAR: &str = "similar_id";
const K: &str = "k";
const ALLOW: &str = "allow";
const DENY: &str = "deny";
const LONGEST_LIST: usize = 10_000;
/// A list costs about as much as so many texts.
const ROWS_PER_LIST: usize = 8;
/// Items of a list that cost about as much as a text.
const ITEMS_PER_ROW: usize = 16;

/// What users took lately, the oldest first.
type Newer = HashMap<String, Vec<u32>>;

/// A recommender behind tensors.
struct Lists {
    scorer: Scorer,
    /// Names of the inputs: the columns of the training data, and how they are read.
    columns: Columns,
    version: String,
    metadata: Metadata,
}

impl Serve for Recsys {
    fn serve(loaded: Loaded<Self>) -> Result<Box<dyn Model>> {
        let optional = |name: &str, datatype| TensorSpec {
            optional: true,
            ..TensorSpec::column(name, datatype)
        };
        let columns = loaded.header.details.data;
        let metadata = Metadata {
            platform: "easylife_recsys".to_owned(),
            inputs: [&columns.user, &columns.item, SIMILAR_TO, &columns.time]
                .map(|name| optional(name, Datatype::Bytes))
                .to_vec(),
            outputs: vec![
                optional(USER, Datatype::Bytes),
                TensorSpec::column(ITEM, Datatype::Bytes),
                optional(SIMILAR, Datatype::Bytes),
                TensorSpec::column("rank", Datatype::Int64),
                TensorSpec::column("score", Datatype::Fp32),
                optional("title", Datatype::Bytes),
                optional("known", Datatype::Bool),
            ],
        };
        Ok(Box::new(Lists {
            scorer: Scorer::new(loaded.model, Vec::new()),
            columns,
            version: loaded.digest,
            metadata,
        }))
    }
}

impl Model for Lists {
    fn version(&self) -> &str {
        &self.version
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The user.
    fn key<'r>(&self, request: &'r InferRequest) -> Option<&'r [u8]> {
        only(request, &self.columns.user)
    }

    fn rows(&self, request: &InferRequest) -> usize {
        let k = request
            .parameters
            .get(K)
            .and_then(serde_json::Value::as_u64);
        let k = k.map_or(LIST_LENGTH, |k| k as usize).min(LONGEST_LIST);
        let each = ROWS_PER_LIST.saturating_add(k / ITEMS_PER_ROW);
        request.rows().saturating_mul(each)
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        let parameters = Parameters::of(request, &[K, ALLOW, DENY])?;
        let k = parameters.count(K, LONGEST_LIST)?.unwrap_or(LIST_LENGTH);
        let Columns { user, item, .. } = &self.columns;
        let users = texts(request, user)?;
        match (texts(request, SIMILAR_TO)?, users) {
            (Some(_), Some(_)) => Err(Fault::invalid(format!(
                "inputs `{user}` and `{SIMILAR_TO}` are given; ask for one of them"
            ))),
            (None, None) => Err(Fault::missing(format!(
                "input `{user}` or `{SIMILAR_TO}` is missing"
            ))),
            (Some(asked), None) => self.similar(request, &asked, k),
            (None, Some(users)) => {
                let allowed = self.numbers(parameters.ids(ALLOW)?);
                let denied = self.numbers(parameters.ids(DENY)?).unwrap_or_default();
                let allowed = (allowed.as_deref(), &denied[..]);
                match texts(request, item)? {
                    None => {
                        let users = distinct(&users);
                        self.recommend(request, &users, &HashMap::new(), allowed, k)
                    }
                    Some(items) => {
                        let (users, newer) = self.newer(request, &users, &items)?;
                        let users: Vec<&str> = users.iter().map(String::as_str).collect();
                        self.recommend(request, &users, &newer, allowed, k)
                    }
                }
            }
        }
    }
}

impl Lists {
    /// Numbers of items, in ascending order; those that the model does not know are left out.
    fn numbers(&self, ids: Option<Vec<String>>) -> Option<Vec<u32>> {
        let mut numbers: Vec<u32> = ids?.iter().filter_map(|id| self.scorer.item(id)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers)
    }

    /// The users in order, and what each took lately, as the batch reads a table of interactions.
    fn newer(
        &self,
        request: &InferRequest,
        users: &[&str],
        items: &[&str],
    ) -> Result<(Vec<String>, Newer), Fault> {
        let Columns {
            user, item, time, ..
        } = &self.columns;
        let times = texts(request, time)?;
        same_length(&[
            (user, Some(users.len())),
            (item, Some(items.len())),
            (time, times.as_ref().map(Vec::len)),
        ])?;
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let mut columns = vec![(user.as_str(), owned(users)), (item, owned(items))];
        columns.extend(times.map(|times| (time.as_str(), owned(&times))));
        let mut source = tables::from_columns("the request", columns);
        let mut read = tables::read_ratings(source.as_mut(), self.columns.reader(), &mut Err)
            .map_err(|error| Fault::invalid(error.to_string()))?;
        let order: Vec<String> = read
            .rows
            .iter()
            .map(|row| read.users[row.user as usize].clone())
            .collect();
        let order: Vec<&str> = order.iter().map(String::as_str).collect();
        let order = distinct(&order).into_iter().map(str::to_owned).collect();
        read.sort();
        // What the model does not know changes no list.
        let newer = taken(&read, |item| self.scorer.item(item), |_, _| {});
        Ok((order, newer))
    }

    fn recommend(
        &self,
        request: &InferRequest,
        users: &[&str],
        newer: &Newer,
        (allowed, denied): (Option<&[u32]>, &[u32]),
        k: usize,
    ) -> Result<InferResponse, Fault> {
        let of = |id: &str| newer.get(id).map_or(&[][..], Vec::as_slice);
        let requests: Vec<Request<'_>> = users
            .iter()
            .map(|&id| Request {
                list: List::User {
                    id,
                    newer: of(id),
                    allowed,
                    denied,
                },
                k,
            })
            .collect();
        let mut rows = self.rows_of(users, &requests, "user")?;
        let known = |id: &str| !of(id).is_empty() || self.scorer.user(id).is_some();
        let known = rows.asked.iter().map(|id| known(id)).collect();
        let asked: Strings = rows.asked.iter().collect();
        let mut outputs = vec![
            Tensor::column(USER, Data::Bytes(asked)),
            Tensor::column(ITEM, Data::Bytes(std::mem::take(&mut rows.items))),
        ];
        self.finish(request, rows, &mut outputs, ITEM);
        if request.wants("known") {
            outputs.push(Tensor::column("known", Data::Bool(known)));
        }
        Ok(InferResponse { outputs })
    }

    fn similar(
        &self,
        request: &InferRequest,
        asked: &[&str],
        k: usize,
    ) -> Result<InferResponse, Fault> {
        let asked = distinct(asked);
        let requests: Vec<Request<'_>> = asked
            .iter()
            .map(|&id| Request {
                list: List::Similar { id },
                k,
            })
            .collect();
        let mut rows = self.rows_of(&asked, &requests, "item")?;
        let of: Strings = rows.asked.iter().collect();
        let mut outputs = vec![
            Tensor::column(ITEM, Data::Bytes(of)),
            Tensor::column(SIMILAR, Data::Bytes(std::mem::take(&mut rows.items))),
        ];
        self.finish(request, rows, &mut outputs, SIMILAR);
        Ok(InferResponse { outputs })
    }

    /// The lists, one row an item.
    fn rows_of<'a>(
        &self,
        ids: &[&'a str],
        requests: &[Request<'_>],
        what: &str,
    ) -> Result<Rows<'a>, Fault> {
        let mut rows = Rows::default();
        for (&id, answer) in ids.iter().zip(self.scorer.score(requests, &mut ())) {
            let list = answer.map_err(|refusal| match refusal.kind {
                // Its reason names the id.
                RefusalKind::Unknown => Fault::unknown(refusal.reason),
                _ => fault(&refusal, &format!("{what} `{id}`")),
            })?;
            for (place, Ranked { item, score }) in list.into_iter().enumerate() {
                rows.asked.push(id);
                rows.items.push(item.as_bytes());
                rows.ranks.push(place as i64 + 1);
                rows.scores.push(score);
            }
        }
        Ok(rows)
    }

    /// Adds ranks and scores, and the names of the items in the output `of`.
    fn finish(&self, request: &InferRequest, rows: Rows<'_>, outputs: &mut Vec<Tensor>, of: &str) {
        let titles: Option<Strings> = request.wants("title").then(|| {
            let items = outputs.iter().find(|tensor| tensor.name == of);
            let items = items
                .and_then(Tensor::strings)
                .into_iter()
                .flat_map(Strings::iter);
            let ids = items.map(|id| std::str::from_utf8(id).unwrap_or(""));
            ids.map(|id| self.scorer.title(id).unwrap_or(id)).collect()
        });
        outputs.push(Tensor::column("rank", Data::Int64(rows.ranks)));
        outputs.push(Tensor::column("score", Data::Fp32(rows.scores)));
        if let Some(titles) = titles {
            outputs.push(Tensor::column("title", Data::Bytes(titles)));
        }
    }
}

/// Rows of lists, column by column.
#[derive(Default)]
struct Rows<'a> {
    /// The user or item that each row's list is for.
    asked: Vec<&'a str>,
    items: Strings,
    ranks: Vec<i64>,
    scores: Vec<f32>,
}
