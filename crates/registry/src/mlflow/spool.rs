//! Records that wait for the server: a folder for each, complete or absent.
//!
//! ```text
//! SPOOL/ID/record.json    a run; `artifacts[n].file` is the name of a file beside it
//! SPOOL/ID/0, 1, ...      its artifacts: hard links where the file system allows it, else copies
//! SPOOL/ID/alias.json     or a change of an alias
//! SPOOL/.sent-ID          sent, about to be removed
//! SPOOL/.lock             held by the one process that sends
//! ```
//!
//! A hard link keeps the bytes of a file that is later replaced, as all outputs of this program are.
//! A file that another program changes in place is noticed by its digest, and not sent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use files::atomic;
use files::lock::LockError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::alias::AliasChange;
use super::record::{Artifact, Mirrored, RecordError, check_id};
use super::sync::SENT;

/// Version of `record.json` and `alias.json`.
const FORMAT: u32 = 1;

const RECORD: &str = "record.json";
const ALIAS: &str = "alias.json";

/// Records that wait to be sent.
#[derive(Clone, Debug)]
pub struct Spool {
    pub(super) folder: PathBuf,
    /// Whether a sync waits for that of another process.
    pub(super) waits: bool,
}

/// What waits.
pub(super) enum Entry {
    Run(Box<Mirrored>),
    Alias(AliasChange),
}

impl Entry {
    pub fn id(&self) -> &str {
        match self {
            Self::Run(record) => &record.id,
            Self::Alias(change) => &change.id,
        }
    }

    /// When it happened, in milliseconds since 1970.
    pub fn time(&self) -> i64 {
        match self {
            Self::Run(record) => record.end_ms,
            Self::Alias(change) => change.at_ms,
        }
    }

    /// The registered model that it changes.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::Run(record) => record.model.as_ref().map(|model| model.name.as_str()),
            Self::Alias(change) => Some(&change.model),
        }
    }
}

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The record breaks a rule of MLflow.
    #[error("the run cannot be mirrored to MLflow")]
    Record(#[from] RecordError),
    /// A record of this id waits already.
    #[error("run `{id}` is already in the spool {}", folder.display())]
    AlreadyThere {
        /// The run's id.
        id: String,
        /// The spool.
        folder: PathBuf,
    },
    /// An artifact cannot be kept.
    #[error("cannot keep the artifact {}", path.display())]
    Artifact {
        /// The file.
        path: PathBuf,
        #[source]
        /// The file system's error.
        error: io::Error,
    },
    /// A record was sent, but it cannot be removed.
    #[error(
        "the run was sent, but its record {} cannot be removed from the spool; the next sync tries \
         again, and sends nothing twice",
        path.display()
    )]
    Remove {
        /// The record's folder.
        path: PathBuf,
        #[source]
        /// The file system's error.
        error: io::Error,
    },
    /// The spool cannot be written.
    #[error("cannot write to the spool")]
    Write(#[source] io::Error),
    /// The spool cannot be read.
    #[error("cannot read the spool {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        #[source]
        /// The file system's error.
        error: io::Error,
    },
    /// A record cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process sends.
    #[error(transparent)]
    Lock(#[from] LockError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<R> {
    format: u32,
    record: R,
}

/// The part of a record that every version has.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Spool {
    /// The spool in `folder`, which need not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            waits: false,
        }
    }

    /// While another process is sending, a sync waits until it has ended, instead of failing: what was
    /// put meanwhile is sent then.
    pub fn waiting_for_others(self) -> Self {
        Self {
            waits: true,
            ..self
        }
    }

    /// Keeps a record until it is sent. It is made to fit first: texts beyond MLflow's limits are
    /// cut (params 6000 characters, tags 8000), URLs in params, tags and dataset names lose user
    /// name, password and query, and a metric given twice is kept once. Returns a sentence for each
    /// thing that was changed.
    ///
    /// Costs a few writes, whatever the artifacts' size (where they can be linked), and asks no
    /// server.
    ///
    /// # Errors
    /// If a name breaks MLflow's rules, the id is there already, or a file cannot be written. The
    /// spool is then as it was.
    pub fn put(&self, mut record: Mirrored) -> Result<Vec<String>, SpoolError> {
        let notes = record.fit()?;
        let place = self.new_place(&record.id)?;
        let mut failed = None;
        let written = atomic::folder(&place, |folder| {
            for (number, artifact) in record.artifacts.iter_mut().enumerate() {
                keep(artifact, folder, number)
                    .inspect_err(|_| failed = Some(artifact.file.clone()))?;
            }
            write(&folder.join(RECORD), &record)
        });
        match (written, failed) {
            (Ok(()), _) => Ok(notes),
            (Err(error), Some(path)) => Err(SpoolError::Artifact { path, error }),
            (Err(error), None) => Err(SpoolError::Write(error)),
        }
    }

    /// Keeps a change of an alias until it is sent, after the runs that ended before it.
    ///
    /// # Errors
    /// If a name breaks MLflow's rules, the id is there already, or the spool cannot be written.
    pub fn put_alias(&self, change: &AliasChange) -> Result<(), SpoolError> {
        change.check()?;
        let place = self.new_place(&change.id)?;
        atomic::folder(&place, |folder| write(&folder.join(ALIAS), change))
            .map_err(SpoolError::Write)
    }

    fn new_place(&self, id: &str) -> Result<PathBuf, SpoolError> {
        let place = self.folder.join(id);
        match place.symlink_metadata() {
            Ok(_) => Err(SpoolError::AlreadyThere {
                id: id.to_owned(),
                folder: self.folder.clone(),
            }),
            Err(_) => Ok(place),
        }
    }

    /// Removes a record that waits, which is then never sent.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn discard(&self, id: &str) -> Result<(), SpoolError> {
        let (path, aside) = (
            self.folder.join(id),
            self.folder.join(format!("{SENT}{id}")),
        );
        fs::rename(&path, &aside)
            .and_then(|()| fs::remove_dir_all(&aside))
            .map_err(SpoolError::Write)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ids of the records that wait, in the order of their names.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn waiting(&self) -> Result<Vec<String>, SpoolError> {
        let fail = |error| SpoolError::Read {
            path: self.folder.clone(),
            error,
        };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(fail)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(fail)?.file_name();
            ids.extend(
                name.into_string()
                    .ok()
                    .filter(|name| check_id(name).is_ok()),
            );
        }
        ids.sort();
        Ok(ids)
    }

    pub(super) fn read(&self, id: &str) -> Result<Entry, SpoolError> {
        let folder = self.folder.join(id);
        let path = folder.join(ALIAS);
        let (named, entry) = if path.exists() {
            let change: AliasChange = read(&path)?;
            (change.id.clone(), Entry::Alias(change))
        } else {
            let record: Mirrored = read(&folder.join(RECORD))?;
            let mut files = record.artifacts.iter().map(|artifact| &artifact.file);
            if !files.all(|name| is_plain(name)) {
                let reason = "it names files outside its folder".to_owned();
                return Err(SpoolError::Form {
                    path: folder.join(RECORD),
                    reason,
                });
            }
            (record.id.clone(), Entry::Run(Box::new(record)))
        };
        match named == id {
            true => Ok(entry),
            false => Err(SpoolError::Form {
                path: folder,
                reason: "it is another record than the folder's name says".to_owned(),
            }),
        }
    }
}

fn write<R: Serialize>(path: &Path, record: &R) -> io::Result<()> {
    let format = FORMAT;
    fs::write(path, serde_json::to_vec(&Stored { format, record })?)
}

fn read<R: DeserializeOwned>(path: &Path) -> Result<R, SpoolError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) => {
            let path = path.to_owned();
            return Err(SpoolError::Read { path, error });
        }
    };
    let refuse = |reason: String| SpoolError::Form {
        path: path.to_owned(),
        reason,
    };
    let head: Head = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
    if head.format != FORMAT {
        return Err(refuse(format!(
            "it has format {}, not {FORMAT}; use a newer version",
            head.format
        )));
    }
    let stored: Stored<R> =
        serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
    Ok(stored.record)
}

fn is_plain(name: &Path) -> bool {
    let text = name.to_str().unwrap_or_default();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Links or copies an artifact's file into `folder`, and names it there.
fn keep(artifact: &mut Artifact, folder: &Path, number: usize) -> io::Result<()> {
    // A link to a symbolic link would follow where it points later.
    let file = fs::canonicalize(&artifact.file)?;
    if !fs::metadata(&file)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let name = PathBuf::from(number.to_string());
    let kept = folder.join(&name);
    if fs::hard_link(&file, &kept).is_err() {
        fs::copy(&file, &kept)?;
    }
    artifact.file = name;
    Ok(())
}
