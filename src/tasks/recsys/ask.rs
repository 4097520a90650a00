//! Answers of `recsys` on the terminal: a user, and the items of their list with names.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::predict::{UserLister, Users};
use crate::outcome::number::measure;
use crate::predict::Request;
use crate::predict::ask::{Ask, Input};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::Loaded;
use crate::tasks::recsys::Recsys;
use scoring::Score;
use tables::shown;

/// A list for a user.
#[derive(Serialize)]
pub struct Answer {
    user: String,
    /// Whether the user is known to the model or has interactions in the input; otherwise the list is that of the
    /// popular items.
    known: bool,
    /// Number of items that the user took, according to the model.
    taken: usize,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    rank: usize,
    item: String,
    /// Absent if the model has no name for the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    score: f32,
}

impl Ask for Recsys {
    const INPUT: Input = Input::Id {
        flag: "--user",
        noun: "user",
    };

    type Answer = Answer;

    fn answer(
        _: Option<&Project>,
        loaded: Loaded<Self>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Vec<Result<Answer, String>>> {
        let lister = Users::new(loaded.model, &loaded.header, request, talk)?.lister;
        let requests: Vec<_> = { request.asked.iter() }
            .map(|user| lister.request(user))
            .collect();
        let answers = lister.scorer.score(&requests, &mut ());
        Ok({ request.asked.iter().zip(answers) }
            .map(|(user, answer)| match answer {
                Ok(list) => Ok(Answer::of(&lister, user, &list)),
                Err(refusal) => Err(refusal.reason),
            })
            .collect())
    }
}

impl Answer {
    fn of(lister: &UserLister, user: &str, list: &scoring::recsys::Answer<'_>) -> Self {
        let item = |(place, ranked): (usize, &scoring::recsys::Ranked<'_>)| Item {
            rank: place + 1,
            item: ranked.item.to_owned(),
            title: lister.scorer.title(ranked.item).map(str::to_owned),
            score: ranked.score,
        };
        Self {
            user: user.to_owned(),
            known: lister.knows(user),
            taken: lister.scorer.count_taken(user),
            items: list.iter().enumerate().map(item).collect(),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let user = shown(&self.user);
        match (self.known, self.taken) {
            (false, _) => writeln!(
                f,
                "user {user}: unknown to the model; the most popular items"
            )?,
            (true, 0) => writeln!(f, "user {user}: based on the interactions of the input")?,
            (true, 1) => writeln!(f, "user {user}: took 1 item, which is not listed again")?,
            (true, taken) => writeln!(
                f,
                "user {user}: took {taken} items, which are not listed again"
            )?,
        }
        if self.items.is_empty() {
            return writeln!(f, "  no item is left to recommend");
        }
        let width = |text: fn(&Item) -> String| {
            let widths = self.items.iter().map(|item| text(item).chars().count());
            widths.max().unwrap_or_default()
        };
        let (ranks, ids) = (
            width(|item| item.rank.to_string()),
            width(|item| shown(&item.item)),
        );
        let score = |item: &Item| measure(item.score.into());
        let scores = width(|item| measure(item.score.into()));
        for item in &self.items {
            let id = shown(&item.item);
            write!(
                f,
                "  {:>ranks$}  {id:<ids$}  {:>scores$}",
                item.rank,
                score(item)
            )?;
            match &item.title {
                Some(title) => writeln!(f, "  {}", shown(title))?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
