//! The runs of a project: one object each, so that any number of processes may record theirs at
//! once and die at any point, and no record is ever torn or lost.
//!
//! A run is `runs/<year>-<month>/<id>.json`, put only if the name is free. Its digest stands in it,
//! so that a damaged record is found; it is then reported and left where it is, like one that a
//! newer version wrote.
//!
//! A run carries the time of its writer's clock, and lists are in the order of these times. Where a
//! clock jumps back, runs are listed in another order than they were made; none is lost.

mod run;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;

use crate::backup;
use crate::record;
use crate::store::{Flaw, Key, Problem, Store, StoreError, Stored};

pub use run::{Digests, Outcome, Run, Value, new_id};
pub use table::Table;

/// Where the records are.
const PREFIX: &str = "runs/";

/// What names the last run.
const LATEST: &str = "latest";

/// How many ids a message shows.
const SHOWN: usize = 4;

/// Part of the digest of a record.
const KIND: &str = "run";

/// Why runs could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RunsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The id of a run is not one of [`new_id`].
    #[error("`{id}` is not the id of a run")]
    Id {
        /// The id.
        id: String,
    },
    /// Another run has the same id.
    #[error("there is another run with the id {id}; give each run a new one")]
    Taken {
        /// The id.
        id: String,
    },
    /// A run that cannot be written as JSON.
    #[error("cannot write the run {id} as JSON: {error}")]
    Json {
        /// Its id.
        id: String,
        /// What the serializer says.
        error: serde_json::Error,
    },
    /// No run was recorded yet.
    #[error("no runs yet: each `train` and `evaluate` records one")]
    Empty,
    /// No id begins like this.
    #[error("no run begins with `{text}`; `runs` lists all, and `latest` is the last one")]
    Unknown {
        /// What was asked for.
        text: String,
    },
    /// Several ids begin like this.
    #[error("several runs begin with `{text}`: {}{}; give more of the id",
        .ids[..ids.len().min(SHOWN)].join(", "),
        match .ids.len() { n if n > SHOWN => format!(" and {} more", n - SHOWN), _ => String::new() }
    )]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The ids.
        ids: Vec<String>,
    },
    /// The record is there, but damaged or of a newer version.
    #[error("{0}")]
    Damaged(Problem),
    /// The store is the target of a restore that has not ended.
    #[error(transparent)]
    Restoring(#[from] backup::Unfinished),
}

/// What [`Runs::check`] found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Number of runs that are whole.
    pub runs: usize,
    /// Everything else.
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

/// The runs in a store.
#[derive(Clone)]
pub struct Runs {
    store: Arc<dyn Store>,
}

impl Runs {
    /// The runs in `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Records a run. On return it is on disk. Appending the same run again changes nothing.
    ///
    /// # Errors
    /// [`RunsError::Taken`] if another run has its id; those of the store.
    pub fn append(&self, run: &Run) -> Result<(), RunsError> {
        backup::refuse_unfinished(&*self.store)?;
        let id = || run.id.clone();
        let key = key_of(&run.id)?;
        let bytes =
            record::encode(KIND, run).map_err(|error| RunsError::Json { id: id(), error })?;
        if self.store.create(&key, &bytes)? || self.store.read(&key)? == Some(bytes) {
            return Ok(());
        }
        Err(RunsError::Taken { id: id() })
    }

    /// All runs in the order in which they began, and what is not a whole run.
    ///
    /// # Errors
    /// If the store cannot be read; a damaged record is a problem, not an error.
    pub fn all(&self) -> Result<(Vec<Run>, Vec<Problem>), RunsError> {
        backup::refuse_unfinished(&*self.store)?;
        let (mut runs, mut problems) = (Vec::new(), Vec::new());
        for key in self.store.list(PREFIX)? {
            match self.read(&key)? {
                Some(Ok(run)) => runs.push(run),
                Some(Err(flaw)) => problems.push(Problem::new(&key, flaw)),
                None => {} // pruned since the list was made
            }
        }
        runs.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        Ok((runs, problems))
    }

    /// The run that `text` names: `latest`, or an id or the beginning of one.
    ///
    /// # Errors
    /// [`RunsError::Unknown`], [`RunsError::Ambiguous`], [`RunsError::Damaged`] if its record cannot
    /// be read; those of the store.
    pub fn find(&self, text: &str) -> Result<Run, RunsError> {
        if text == LATEST {
            return self.latest(None)?.ok_or(RunsError::Empty);
        }
        backup::refuse_unfinished(&*self.store)?;
        let keys = self.store.list(PREFIX)?;
        let unknown = || RunsError::Unknown {
            text: text.to_owned(),
        };
        let begins = |key: &&Key| !text.is_empty() && stem(key).starts_with(text);
        let found: Vec<&Key> = keys.iter().filter(begins).collect();
        match found[..] {
            [] => Err(unknown()),
            [key] => self.whole(key)?.ok_or_else(unknown),
            _ => Err(RunsError::Ambiguous {
                text: text.to_owned(),
                ids: found.into_iter().map(|key| stem(key).to_owned()).collect(),
            }),
        }
    }

    /// The run that began last, by its id, of one task or of all; `None` if there is none. Reads no
    /// more records than it must.
    ///
    /// # Errors
    /// [`RunsError::Damaged`] if a record on the way to it cannot be read; those of the store.
    pub fn latest(&self, task: Option<&str>) -> Result<Option<Run>, RunsError> {
        backup::refuse_unfinished(&*self.store)?;
        for key in self.store.list(PREFIX)?.iter().rev() {
            let run = self.whole(key)?;
            let right = |run: &Run| task.is_none_or(|task| run.task == task);
            if let Some(run) = run.filter(right) {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// Removes the oldest runs of each task beyond the newest `count`; returns how many. Damaged
    /// records and those of newer versions stay.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub fn keep(&self, count: usize) -> Result<usize, RunsError> {
        let (runs, _) = self.all()?;
        let mut kept = std::collections::BTreeMap::<&str, usize>::new();
        let mut removed = 0;
        for run in runs.iter().rev() {
            let of_task = kept.entry(&run.task).or_default();
            *of_task += 1;
            if *of_task > count {
                removed += usize::from(self.store.remove(&key_of(&run.id)?)?);
            }
        }
        Ok(removed)
    }

    /// Removes one run; returns whether it was there. For `erase`.
    ///
    /// # Errors
    /// If `id` is no whole id, or the store cannot be written.
    pub fn remove(&self, id: &str) -> Result<bool, RunsError> {
        backup::refuse_unfinished(&*self.store)?;
        Ok(self.store.remove(&key_of(id)?)?)
    }

    /// Reads every record and looks for leftovers of killed writers; with `repair`, leftovers are
    /// removed first. Nothing else is ever removed.
    ///
    /// # Errors
    /// If the store cannot be read, or with `repair` not be written.
    pub fn check(&self, repair: bool) -> Result<Report, RunsError> {
        let mut problems = self.store.check(repair)?;
        let (runs, found) = self.all()?;
        problems.extend(found);
        let runs = runs.len();
        Ok(Report { runs, problems })
    }

    /// A record that must be whole; `None` if it is absent.
    fn whole(&self, key: &Key) -> Result<Option<Run>, RunsError> {
        match self.read(key)? {
            Some(Err(flaw)) => Err(RunsError::Damaged(Problem::new(key, flaw))),
            Some(Ok(run)) => Ok(Some(run)),
            None => Ok(None),
        }
    }

    /// A record; `None` if it is absent, a flaw if it is not whole or under a wrong name.
    fn read(&self, key: &Key) -> Result<Option<Result<Run, Flaw>>, StoreError> {
        let Some(bytes) = self.store.read(key)? else {
            return Ok(None);
        };
        let named = |run: Run| match key_of(&run.id) {
            Ok(expected) if expected == *key => Ok(run),
            Ok(expected) => Err(Flaw::Misnamed {
                expected: expected.to_string(),
            }),
            Err(error) => Err(Flaw::Unreadable {
                reason: error.to_string(),
            }),
        };
        Ok(Some(record::decode(KIND, &bytes).and_then(named)))
    }
}

/// The records in a store as they are, whole or not, for a backup.
pub(crate) fn snapshot(store: &dyn Store) -> Result<Vec<Stored>, StoreError> {
    let mut records = Vec::new();
    for key in store.list(PREFIX)? {
        // `None` if it was removed since the list was made.
        if let Some(bytes) = store.read(&key)? {
            records.push(Stored {
                sha256: files::digest::bytes(&bytes),
                bytes: bytes.len() as u64,
                key,
            });
        }
    }
    Ok(records)
}

/// How many digits of their ids tell all `ids` apart, for lists: at least 8.
pub fn short_length<'a>(ids: impl IntoIterator<Item = &'a str>) -> usize {
    const SHORTEST: usize = 8;
    let mut ids: Vec<&str> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let shared = |pair: &[&str]| {
        let equal = pair[0].bytes().zip(pair[1].bytes());
        equal.take_while(|(left, right)| left == right).count()
    };
    let longest = ids.windows(2).map(shared).max();
    longest.map_or(SHORTEST, |longest| SHORTEST.max(longest + 1))
}

/// The name of a run's record without its ending: its id.
fn stem(key: &Key) -> &str {
    let name = key.name();
    name.strip_suffix(".json").unwrap_or(name)
}

fn key_of(id: &str) -> Result<Key, RunsError> {
    let bad = || RunsError::Id { id: id.to_owned() };
    let time = run::time_of(id).ok_or_else(bad)?;
    let month = time.strftime("%Y-%m");
    Ok(Key::new(format!("{PREFIX}{month}/{id}.json"))?)
}
