//! An output file that is either complete or absent.
//!
//! Rows go into a partial file in the same folder; at every checkpoint the journal records how many bytes of
//! it are valid, and `--resume` continues from there. At the end the partial file is renamed. The places of
//! checkpoints depend on the input alone, so a resumed run writes the same bytes (each checkpoint ends a gzip
//! member or a zstd frame). A Parquet file cannot be truncated and continued, so its rows are kept as JSON
//! lines until the end.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::journal::Journal;
use super::rejects::Rejects;
use super::stream::{Batch, Batches};
use super::{Pace, Scored};
use crate::exit;
use crate::interrupt::Interrupt;
use crate::talk::Talk;
use files::atomic;
use files::lock::Lock;
use tables::{Column, Compression, Format, Sink};

/// A checkpoint comes after the pace's number of records, or this many bytes of input cells.
const CHECKPOINT_BYTES: usize = 32 << 20;

/// Suffix of a complete Parquet output before it is renamed.
const COMPLETE: &str = ".whole";

/// The output and the temporary files next to it.
pub(super) struct Target {
    path: PathBuf,
    format: (Format, Compression),
    columns: Vec<Column>,
    identity: String,
}

impl Target {
    pub fn new(
        path: &Path,
        format: (Format, Compression),
        columns: Vec<Column>,
        identity: String,
    ) -> Self {
        Self {
            path: path.to_owned(),
            format,
            columns,
            identity,
        }
    }

    fn sibling(&self, suffix: &str) -> PathBuf {
        hidden_sibling(&self.path, suffix)
    }

    fn partial(&self) -> PathBuf {
        self.sibling(".part")
    }

    fn partial_rejects(&self) -> PathBuf {
        self.sibling(".rejects.part")
    }

    fn journal(&self) -> PathBuf {
        self.sibling(".journal")
    }

    /// `OUT.rejects.csv`.
    fn rejects(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".rejects.csv");
        name.into()
    }

    fn spool_format(&self) -> (Format, Compression) {
        match self.format.0 {
            Format::Parquet => (Format::Jsonl, Compression::None),
            _ => self.format,
        }
    }

    fn remove_partial(&self) {
        let complete = self.sibling(COMPLETE);
        // Left by a run that was killed while it wrote the journal.
        let _ = atomic::remove_left(&self.journal());
        for path in [
            self.partial(),
            self.partial_rejects(),
            self.journal(),
            complete,
        ] {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// `.NAME.SUFFIX` in the folder of the output.
fn hidden_sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// Locks `path` for this run and creates its folder if it is missing.
pub(super) fn lock(path: &Path, wait: bool) -> Result<Lock> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    Ok(Lock::take(&hidden_sibling(path, ".lock"), wait)?)
}

/// Answers everything into the target, whose lock the caller holds.
pub(super) fn to_file(
    target: &Target,
    mut batches: Batches,
    resume: bool,
    interrupt: &Interrupt,
    talk: &Talk,
) -> Result<Scored> {
    let start = resume_point(target, resume, talk)?;
    interrupt.set_resumable();
    let pace = batches.pace();
    let done = skip_scored(&mut batches, &start)
        .and_then(|()| Run::open(target, start, pace)?.score_all(&mut batches, interrupt, talk));
    match done {
        Ok(journal) => publish(target, &journal),
        Err(error) => Err(clean_up_failed(target, error)),
    }
}

/// Cleans up after a failed run: removes the partial files if the run cannot be resumed, otherwise adds to the
/// error how to resume it. Not reached by a run that was killed.
fn clean_up_failed(target: &Target, error: anyhow::Error) -> anyhow::Error {
    let code = exit::code(&error);
    if code == exit::Exit::Interrupted {
        return error;
    }
    let journal = Journal::load(&target.journal());
    let resumable = journal.filter(|journal| journal.identity == target.identity);
    match resumable {
        // After an error in the data the same rows would fail again.
        Some(journal) if code != exit::Exit::Data => {
            // Rows after the last checkpoint cannot be used, and the disk may be full.
            for (path, length) in [
                (target.partial(), journal.output),
                (target.partial_rejects(), journal.rejects),
            ] {
                let file = OpenOptions::new().write(true).open(path);
                let _ = file.and_then(|file| file.set_len(length));
            }
            exit::coded(
                code,
                format!(
                    "{error:#}; {} holds the first {} rows: continue with --resume, or remove it",
                    target.partial().display(),
                    journal.rows
                ),
            )
        }
        _ => {
            target.remove_partial();
            error
        }
    }
}

/// Where to start: at the last checkpoint of the journal, or with the first row.
fn resume_point(target: &Target, resume: bool, talk: &Talk) -> Result<Journal> {
    let fresh = Journal {
        identity: target.identity.clone(),
        ..Journal::default()
    };
    if !resume {
        target.remove_partial();
        return Ok(fresh);
    }
    let Some(journal) = Journal::load(&target.journal()) else {
        talk.note("nothing to resume: starting from the first row");
        return Ok(fresh);
    };
    if journal.identity != target.identity {
        return Err(exit::usage(format!(
            "{} was written with another model, version or other options; run without --resume to \
            start over",
            target.partial().display()
        )));
    }
    let holds = |path: &Path, bytes| std::fs::metadata(path).is_ok_and(|m| m.len() >= bytes);
    if !holds(&target.partial(), journal.output)
        || !holds(&target.partial_rejects(), journal.rejects)
    {
        talk.warn("the partial output is missing: starting from the first row");
        return Ok(fresh);
    }
    talk.note(format!("resuming after {} records", journal.records));
    Ok(journal)
}

/// Skips the records that the interrupted run has scored, and checks that they are the same.
fn skip_scored(batches: &mut Batches, start: &Journal) -> Result<()> {
    if start.records > 0 && !(batches.skip(start.records)? && batches.digest.hex() == start.input) {
        return Err(exit::usage(
            "the input has changed since the interrupted run; run without --resume to start over",
        ));
    }
    Ok(())
}

/// A run under way: the partial files, open, and the journal of the last checkpoint.
struct Run<'a> {
    target: &'a Target,
    journal: Journal,
    output: File,
    sink: Sink,
    rejects_file: File,
    rejects: Rejects,
    bytes_since: usize,
    pace: Pace,
}

impl<'a> Run<'a> {
    fn open(target: &'a Target, journal: Journal, pace: Pace) -> Result<Self> {
        let fresh = journal.records == 0;
        let output = open_truncated(&target.partial(), journal.output)?;
        let rejects_file = open_truncated(&target.partial_rejects(), journal.rejects)?;
        let (format, compression) = target.spool_format();
        let copy = output.try_clone()?;
        let sink = match target.format.0 {
            Format::Parquet => tables::create_spool(copy, &target.columns)?,
            _ => tables::create(copy, format, compression, &target.columns, fresh)?,
        };
        Ok(Self {
            sink,
            rejects: Rejects::new(rejects_file.try_clone()?, fresh)?,
            target,
            journal,
            output,
            rejects_file,
            bytes_since: 0,
            pace,
        })
    }

    /// Scores to the end of the input; returns the final journal.
    fn score_all(
        mut self,
        batches: &mut Batches,
        interrupt: &Interrupt,
        talk: &Talk,
    ) -> Result<Journal> {
        let bar = talk.progress("predicting", None);
        bar.set_position(batches.records);
        while let Some(batch) = batches.next(&self.sink.spelling())? {
            // No checkpoint here: their places must depend on the input alone.
            interrupt.check()?;
            self.write(&batch)?;
            let (records, digest) = (batches.records, &batches.digest);
            bar.set_position(records);
            if records - self.journal.records >= self.pace.checkpoint
                || self.bytes_since >= CHECKPOINT_BYTES
            {
                self.checkpoint(records, digest.hex())?;
            }
        }
        bar.finish_and_clear();
        let unwritten = || format!("cannot write {}", self.target.partial().display());
        self.sink.finish().with_context(unwritten)?;
        self.rejects.checkpoint().with_context(unwritten)?;
        self.output.sync_data().with_context(unwritten)?;
        self.journal.records = batches.records;
        Ok(self.journal)
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        self.journal.rows += batch
            .write(&mut self.sink)
            .with_context(|| format!("cannot write {}", self.target.partial().display()))?;
        for reject in &batch.rejects {
            self.rejects.write(reject).with_context(|| {
                format!("cannot write {}", self.target.partial_rejects().display())
            })?;
        }
        self.journal.rejected += batch.rejects.len() as u64;
        self.journal.failed += batch.failed;
        self.journal.warned += batch.warned;
        self.bytes_since += batch.bytes;
        Ok(())
    }

    /// Makes the rows so far safe, so that an interrupted run can continue after them.
    fn checkpoint(&mut self, records: u64, input: String) -> Result<()> {
        let unwritten = || format!("cannot write {}", self.target.partial().display());
        self.sink.checkpoint().with_context(unwritten)?;
        self.rejects.checkpoint().with_context(unwritten)?;
        self.output.sync_data().with_context(unwritten)?;
        self.journal.records = records;
        self.journal.output = self.output.stream_position()?;
        self.journal.rejects = self.rejects_file.stream_position()?;
        self.journal.input = input;
        self.journal.save(&self.target.journal())?;
        self.bytes_since = 0;
        Ok(())
    }
}

/// Opens a partial file, truncated to `length`, for appending.
fn open_truncated(path: &Path, length: u64) -> Result<File> {
    let open = || -> io::Result<File> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(file)
    };
    open().with_context(|| format!("cannot write {}", path.display()))
}

/// Renames the finished files into place: the rejects first, so that they exist whenever the output does.
fn publish(target: &Target, journal: &Journal) -> Result<Scored> {
    let rejects = target.rejects();
    if journal.rejected > 0 {
        std::fs::rename(target.partial_rejects(), &rejects)
            .with_context(|| format!("cannot write {}", rejects.display()))?;
    } else {
        let _ = std::fs::remove_file(&rejects); // outdated, from an earlier run
    }
    if target.format.0 == Format::Parquet {
        let complete = target.sibling(COMPLETE);
        tables::jsonl_to_parquet(&target.partial(), &complete, &target.columns)
            .and_then(|()| std::fs::rename(&complete, &target.path))
            .with_context(|| format!("cannot write {}", target.path.display()))?;
    } else {
        std::fs::rename(target.partial(), &target.path)
            .with_context(|| format!("cannot write {}", target.path.display()))?;
    }
    target.remove_partial();
    Ok(Scored {
        output: Some(target.path.clone()),
        rows: journal.rows,
        rejected: journal.rejected,
        rejects: (journal.rejected > 0).then_some(rejects),
        failed: journal.failed,
        warned: journal.warned,
    })
}
