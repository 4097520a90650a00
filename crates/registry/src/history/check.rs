//! Finds everything that is wrong with the history and the models in a store.

use std::collections::BTreeSet;

use serde::Serialize;

use super::entry::{HEAD, Head, key_of};
use super::error::RegistryError;
use super::log::Log;
use super::models;
use super::state::{State, Version};
use crate::backup;
use crate::signing::PublicKey;
use crate::store::{Flaw, Problem, Store, is_whole};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Number of entries that verify, from the first on.
    pub entries: usize,
    /// Number of versions that they name.
    pub versions: usize,
    /// The head, if there is a valid one.
    pub head: Option<Head>,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether nothing is lost or in doubt.
    pub fn is_clean(&self) -> bool {
        self.problems
            .iter()
            .all(|problem| problem.flaw.is_harmless())
    }
}

/// Verifies every entry, every signature if trusted `keys` are given, and every model's file. `since` is
/// a head that was seen earlier and kept elsewhere: the history must still contain it. With
/// `repair`, leftovers of killed writers and files of erased versions are removed; nothing else is.
///
/// # Errors
/// If the store cannot be read, or with `repair` not be written. What is wrong with its content is
/// in the report.
pub fn check(
    store: &dyn Store,
    keys: Option<&[PublicKey]>,
    since: Option<&Head>,
    repair: bool,
) -> Result<Report, RegistryError> {
    backup::refuse_unfinished(store)?;
    let mut problems = store.check(repair)?;
    let log = Log::read(store, keys, true, &mut problems)?;
    if let Some(since) = since {
        problems.extend(check_since(&log, since));
    }
    check_models(store, &log.state, repair, &mut problems)?;
    let names = log.state.names().values();
    Ok(Report {
        entries: log.entries.len(),
        versions: names.map(|name| name.versions().len()).sum(),
        head: log.head,
        problems,
    })
}

fn check_since(log: &Log, since: &Head) -> Option<Problem> {
    let last = since.count.checked_sub(1)?;
    let there = usize::try_from(last)
        .ok()
        .and_then(|at| log.entries.get(at));
    let reason = match there {
        Some(signed) if signed.hash == since.hash => return None,
        Some(_) => "another one than at the earlier head: the history was rewritten",
        None => "in the earlier head, but not in the history: it was put back or cut off",
    };
    let object = key_of(since.count).map_or_else(|_| HEAD.to_owned(), |key| key.to_string());
    let reason = reason.to_owned();
    Some(Problem::new(object, Flaw::Head { reason }))
}

fn check_models(
    store: &dyn Store,
    state: &State,
    repair: bool,
    problems: &mut Vec<Problem>,
) -> Result<(), RegistryError> {
    let mut known = BTreeSet::new();
    for version in versions(state) {
        if !known.insert(version.sha256.as_str()) {
            continue;
        }
        let key = models::key_of(&version.sha256)?;
        let needed = is_needed(state, &version.sha256);
        match store.open(&key)? {
            None if needed => {
                let needed_by = format!("version {} of {}", version.number, version.name);
                problems.push(Problem::new(&key, Flaw::Missing { needed_by }));
            }
            Some(_) if needed => {
                let whole = is_whole(store, &key, &version.sha256)?;
                problems.extend((!whole).then(|| Problem::new(&key, Flaw::Digest)));
            }
            Some(_) if repair => {
                store.remove(&key)?;
            }
            Some(_) => problems.push(Problem::new(&key, Flaw::NotErased)),
            None => {}
        }
    }
    for key in store.list(models::PREFIX)? {
        if !known.contains(key.name()) {
            problems.push(Problem::new(&key, Flaw::Unnamed));
        }
    }
    Ok(())
}

pub(super) fn versions(state: &State) -> impl Iterator<Item = &Version> {
    state.names().values().flat_map(|name| name.versions())
}

/// Whether a version that was not erased has this file.
pub(super) fn is_needed(state: &State, sha256: &str) -> bool {
    versions(state).any(|version| version.sha256 == sha256 && version.erased.is_none())
}
