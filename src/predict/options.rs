//! The options of `predict` that change the answers, and which task has which of them.

use std::path::PathBuf;

use anyhow::Result;
use serde::{Serialize, Serializer};

use super::Predict;
use crate::exit;

/// Options that change the answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AnswerOptions {
    /// nlp, tabular: add a column for every class.
    pub all_classes: bool,
    /// tabular: number of reasons to add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<usize>,
    /// ts: steps to forecast; absent: the horizon of the model.
    pub horizon: Option<usize>,
    /// ts: coverage of the intervals in per cent; empty: 80 and 95.
    pub levels: Vec<f64>,
    /// recsys: which lists to make.
    pub lists: ListOptions,
}

/// Serializes only whether a path is given: the content of its file is in [`Job::context`].
fn is_given<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(path.is_some())
}

/// The lists of items to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListOptions {
    /// Items per list; absent: [`LIST_LENGTH`].
    pub k: Option<usize>,
    /// The users; absent: those of the input, or all users without an input.
    pub users: Option<IdSource>,
    /// If given, list items similar to these instead.
    pub similar: Option<IdSource>,
    /// Tables of users with the only items they may be shown, and with items they must not be shown.
    #[serde(serialize_with = "is_given")]
    pub allow: Option<PathBuf>,
    #[serde(serialize_with = "is_given")]
    pub deny: Option<PathBuf>,
    /// A table of the only items that may be shown.
    #[serde(serialize_with = "is_given")]
    pub only: Option<PathBuf>,
}

/// Default number of items per list.
pub const LIST_LENGTH: usize = 20;

/// All ids, or those in a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IdSource {
    All,
    File(#[serde(skip)] PathBuf),
}

impl AnswerOptions {
    /// The flags of the options that are given.
    fn given(&self) -> Vec<&'static str> {
        let lists = &self.lists;
        let flags = [
            ("--all-classes", self.all_classes),
            ("--explain", self.reasons.is_some()),
            ("--horizon", self.horizon.is_some()),
            ("--level", !self.levels.is_empty()),
            ("--k", lists.k.is_some()),
            ("--users", lists.users.is_some()),
            ("--similar", lists.similar.is_some()),
            ("--allow", lists.allow.is_some()),
            ("--deny", lists.deny.is_some()),
            ("--only", lists.only.is_some()),
        ];
        let given = flags.iter().filter(|(_, given)| *given);
        given.map(|(flag, _)| *flag).collect()
    }
}

/// Refuses options of other tasks, which would be ignored.
pub(crate) fn refuse_options_of_others<T: Predict>(options: &AnswerOptions) -> Result<()> {
    let others: Vec<&str> = options
        .given()
        .into_iter()
        .filter(|flag| !T::OPTIONS.contains(flag))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let own = match T::OPTIONS {
        [] => "it has no options of its own".to_owned(),
        own => format!("its own options are {}", own.join(", ")),
    };
    let (verb, noun) = match others.len() {
        1 => ("is", "an option"),
        _ => ("are", "options"),
    };
    Err(exit::usage(format!(
        "{} {verb} not {noun} of `predict {}`; {own}",
        others.join(", "),
        T::NAME
    )))
}
