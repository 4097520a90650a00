//! Explanation of `recsys`: the user's past items that contribute to a recommended one.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::explain::{Explain, Explainer, How};
use crate::outcome::Outcome;
use crate::outcome::number::{measure, signed};
use crate::project::Project;
use crate::tasks::recsys::Recsys;
use models::recsys::{Kind, Model, Query, Recommender};
use tables::spelling;

#[derive(Serialize)]
struct Explanation {
    user: String,
    item: String,
    title: String,
    score: f32,
    kind: &'static str,
    reasons: Vec<Reason>,
    /// The remaining items, and their total contribution.
    others: Others,
}

#[derive(Serialize)]
struct Reason {
    item: String,
    title: String,
    contribution: f32,
    /// Share of the sum of all positive contributions.
    share: f32,
}

#[derive(Serialize)]
struct Others {
    items: usize,
    contribution: f32,
}

impl Explain for Recsys {
    /// `input` is `USER`, for the first item of their list, or `USER/ITEM`.
    fn explainer<'a>(
        _: Option<&'a Project>,
        model: &'a Model,
        _: &'a artifact::Header<Self::Details>,
        how: &How,
    ) -> Result<Explainer<'a>> {
        let top = how.top;
        Ok(Box::new(move |input: &str| -> Result<Box<dyn Outcome>> {
            let (user, item) = asked(model, input)?;
            let taken = model.taken_by(user as usize);
            let history = taken.history();
            let recommender = Recommender::new(model, Vec::new());
            let item = match item {
                Some(item) => item,
                None => {
                    let query = Query {
                        history,
                        ..Query::default()
                    };
                    let list = recommender.lists(&[query], 1).remove(0);
                    let first = list.first().ok_or_else(|| {
                        exit::data(format!(
                            "{input}: took every item; nothing is left to recommend"
                        ))
                    })?;
                    first.item
                }
            };
            let (parts, score) = recommender.contributions(history, item);
            let positive: f32 = parts.iter().filter(|part| **part > 0.0).sum();
            let mut order: Vec<usize> = (0..parts.len()).collect();
            order.sort_by(|&a, &b| parts[b].abs().total_cmp(&parts[a].abs()).then(a.cmp(&b)));
            let (shown, rest) = order.split_at(top.min(order.len()));
            let reason = |&at: &usize| Reason {
                item: model.catalogue.items[history.items[at] as usize].clone(),
                title: model.catalogue.title(history.items[at]).to_owned(),
                contribution: parts[at],
                share: if positive > 0.0 {
                    parts[at] / positive
                } else {
                    0.0
                },
            };
            Ok(Box::new(Explanation {
                user: { model.users() }
                    .nth(user as usize)
                    .cloned()
                    .unwrap_or_default(),
                item: model.catalogue.items[item as usize].clone(),
                title: model.catalogue.title(item).to_owned(),
                score,
                kind: model.fitted.kind().as_str(),
                reasons: match model.fitted.kind() {
                    Kind::Popular => Vec::new(),
                    _ => shown.iter().map(reason).collect(),
                },
                others: Others {
                    items: rest.len(),
                    contribution: rest.iter().map(|&at| parts[at]).sum(),
                },
            }))
        }))
    }
}

/// The user, and the item after a slash. Ids may contain slashes: the longest known user wins.
fn asked(model: &Model, input: &str) -> Result<(u32, Option<u32>)> {
    let user = |id: &str| {
        model
            .users()
            .position(|known| known == spelling::plain(id.trim()))
    };
    let item = |id: &str| {
        let mut items = model.catalogue.items.iter();
        items.position(|known| known == spelling::plain(id.trim()))
    };
    if let Some(user) = user(input) {
        return Ok((user as u32, None));
    }
    for (at, _) in input.rmatch_indices('/') {
        if let Some(user) = user(&input[..at]) {
            let item = item(&input[at + 1..]).ok_or_else(|| {
                exit::data(format!(
                    "{input}: item `{}` is unknown to the model",
                    &input[at + 1..]
                ))
            })?;
            return Ok((user as u32, Some(item as u32)));
        }
    }
    Err(exit::data(format!(
        "{input}: the user is unknown to the model; give USER or USER/ITEM"
    )))
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let named = |id: &str, title: &str| match id == title {
            true => id.to_owned(),
            false => format!("{id} ({title})"),
        };
        let item = named(&self.item, &self.title);
        writeln!(
            f,
            "{}: {item}  (score {}, {})",
            self.user,
            measure(self.score.into()),
            self.kind
        )?;
        if self.reasons.is_empty() {
            return writeln!(f, "  it is popular among all users");
        }
        for reason in &self.reasons {
            let item = named(&reason.item, &reason.title);
            writeln!(
                f,
                "  {:>9}  {:>5.1}%  {item}",
                signed(reason.contribution.into(), 4),
                100.0 * reason.share
            )?;
        }
        if self.others.items > 0 {
            let Others {
                items,
                contribution,
            } = self.others;
            writeln!(
                f,
                "  {:>9}          and {items} more, together",
                signed(contribution.into(), 4)
            )?;
        }
        Ok(())
    }
}
