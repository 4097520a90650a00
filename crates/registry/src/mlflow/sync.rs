//! Sends what is in a spool, and says what became of it.
//!
//! One process sends at a time: it holds `SPOOL/.lock`. What was sent is first renamed to
//! `SPOOL/.sent-ID` and then removed, so that no kill leaves half of a record.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use files::lock::Lock;

use super::alias::{self, Moved};
use super::client::Client;
use super::error::{Error, Reach};
use super::send::{self, Sent};
use super::settings::Server;
use super::spool::{Entry, Spool, SpoolError};

pub(super) const SENT: &str = ".sent-";

/// Failures of the server (status 500) in a row after which no more is sent.
const FAILURES: usize = 3;

/// What became of the records of a spool.
#[derive(Debug, Default)]
pub struct Report {
    /// Runs that are on the server, confirmed by reading them back.
    pub sent: Vec<Sent>,
    /// Aliases that are on the server as they should be, read back too.
    pub moved: Vec<Moved>,
    /// Records that failed, or that were sent and cannot be removed (these are in `sent` as well).
    /// They stay in the spool.
    pub failed: Vec<Failed>,
    /// Ids of records that were not tried: the server cannot be used, or an earlier version of the
    /// same registered model was not sent. They stay in the spool.
    pub waiting: Vec<String>,
}

/// A record that was not sent.
#[derive(Debug)]
pub struct Failed {
    /// Our id of the run or change.
    pub id: String,
    /// Why.
    pub error: FailedBy,
}

/// Why a record was not sent.
#[derive(Debug, thiserror::Error)]
pub enum FailedBy {
    /// On the way to the server, or there.
    #[error(transparent)]
    Server(#[from] Error),
    /// In the spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl Report {
    /// Whether nothing is left in the spool.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.waiting.is_empty()
    }

    fn keep_failure(&mut self, id: String, removed: Result<(), SpoolError>) {
        if let Err(error) = removed {
            let error = error.into();
            self.failed.push(Failed { id, error });
        }
    }
}

impl Spool {
    /// Sends what waits, the oldest first, and removes each record once the server has given it
    /// back. What fails stays; nothing is tried twice. After a failure that would befall the other
    /// records as well (no connection, no answer, refused credentials) the rest is not tried; nor
    /// are later versions and aliases of a registered model of which an earlier one failed, so that
    /// they follow in the order in which they were made.
    ///
    /// # Errors
    /// If another process is sending ([`LockError::Held`](files::lock::LockError::Held)) and the spool does not
    /// [wait for it](Spool::waiting_for_others), or the spool cannot be read.
    pub fn sync(&self, server: &Server) -> Result<Report, SpoolError> {
        self.sync_by(&server.client)
    }

    /// As [`Self::sync`], but no longer than `most`, whatever the server does: what is not sent by
    /// then is left for the next sync, in the middle of a record too. For whoever has other work.
    ///
    /// # Errors
    /// As [`Self::sync`].
    pub fn sync_within(&self, server: &Server, most: Duration) -> Result<Report, SpoolError> {
        self.sync_by(&server.client.until(Instant::now().checked_add(most)))
    }

    fn sync_by(&self, client: &Client) -> Result<Report, SpoolError> {
        let mut report = Report::default();
        if self.waiting()?.is_empty() && !self.folder.is_dir() {
            return Ok(report);
        }
        let _lock = Lock::take(&self.folder.join(".lock"), self.waits)?;
        self.remove_sent(&mut report)?;
        let mut entries = Vec::new();
        for id in self.waiting()? {
            match self.read(&id) {
                Ok(entry) => entries.push(entry),
                Err(error) => report.keep_failure(id, Err(error)),
            }
        }
        entries.sort_by(|a, b| (a.time(), a.id()).cmp(&(b.time(), b.id())));
        self.send(client, entries, &mut report);
        Ok(report)
    }

    fn send(&self, client: &Client, entries: Vec<Entry>, report: &mut Report) {
        let mut held_models: Vec<String> = Vec::new();
        let mut failures = 0;
        let mut entries = entries.into_iter();
        for entry in entries.by_ref() {
            let id = entry.id().to_owned();
            let model = entry.model().map(str::to_owned);
            if model
                .as_ref()
                .is_some_and(|name| held_models.contains(name))
            {
                report.waiting.push(id);
                continue;
            }
            match self.send_one(client, &entry, report) {
                Ok(()) => {
                    failures = 0;
                    let removed = self.remove(&id);
                    report.keep_failure(id, removed);
                }
                Err(Error::OutOfTime) => {
                    report.waiting.push(id);
                    break;
                }
                Err(error) => {
                    let reach = error.reach();
                    failures += usize::from(reach == Reach::Unclear);
                    held_models.extend(model);
                    let error = error.into();
                    report.failed.push(Failed { id, error });
                    if reach == Reach::All || failures == FAILURES {
                        break;
                    }
                }
            }
        }
        let left = entries.map(|entry| entry.id().to_owned());
        report.waiting.extend(left);
    }

    fn send_one(&self, client: &Client, entry: &Entry, report: &mut Report) -> Result<(), Error> {
        match entry {
            Entry::Run(record) => {
                let sent = send::send(client, record, &self.folder.join(&record.id))?;
                report.sent.push(sent);
            }
            Entry::Alias(change) => report.moved.push(alias::send(client, change)?),
        }
        Ok(())
    }

    /// Takes a record out of the spool in one step, so that no kill leaves half of one.
    fn remove(&self, id: &str) -> Result<(), SpoolError> {
        let (path, aside) = (
            self.folder.join(id),
            self.folder.join(format!("{SENT}{id}")),
        );
        match fs::rename(&path, &aside) {
            Ok(()) => remove_aside(aside),
            Err(error) => Err(SpoolError::Remove { path, error }),
        }
    }

    /// Removes what a killed run had sent.
    fn remove_sent(&self, report: &mut Report) -> Result<(), SpoolError> {
        let fail = |error| SpoolError::Read {
            path: self.folder.clone(),
            error,
        };
        for entry in fs::read_dir(&self.folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if let Some(id) = entry.file_name().to_string_lossy().strip_prefix(SENT) {
                report.keep_failure(id.to_owned(), remove_aside(entry.path()));
            }
        }
        Ok(())
    }
}

fn remove_aside(path: PathBuf) -> Result<(), SpoolError> {
    fs::remove_dir_all(&path).map_err(|error| SpoolError::Remove { path, error })
}
