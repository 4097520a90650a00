//! Passes records from a source to the scorer, a batch at a time, in order and in bounded memory.
//!
//! The end of a batch depends only on the records since the previous end, so that a resumed run splits its
//! input into the same batches. The records of a batch are answered in parallel, independently of each other.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::journal::Digest;
use super::{Answers, Job, Lister, OnError, Pace, Reject, RowScorer, Scored};
use crate::exit;
use crate::talk::Talk;
use files::leftovers::Leftover;
use tables::{Column, Compression, Format, ReadError, Row, Sink, Source, Spelling, Unit};

/// A batch ends after the pace's number of records, or when its cells hold this many bytes.
const BATCH_BYTES: usize = 2 << 20;

/// The answered batches of a source.
pub(super) struct Batches {
    job: Job,
    on_error: OnError,
    /// Kept between batches, so that reading into them allocates nothing.
    records_read: Vec<Row>,
    /// Kept likewise, for the answers.
    shares: Vec<Share>,
    /// Records read so far, rejected ones included.
    pub records: u64,
    pub digest: Digest,
}

/// The answers of one task of the thread pool.
#[derive(Default)]
struct Share {
    /// Answers, formatted.
    spelled: Vec<u8>,
    /// Number of answers.
    rows: u64,
    failed: u64,
    warned: u64,
    refused: Refused,
}

impl Share {
    fn clear(&mut self) {
        self.spelled.clear();
        (self.rows, self.failed, self.warned) = (0, 0, 0);
    }

    fn push(&mut self, row: &Row, spelling: &Spelling) {
        spelling.row(row, &mut self.spelled);
        self.rows += 1;
    }
}

/// Records that were read together.
struct Filled {
    rows: usize,
    bytes: usize,
    /// Records that could not be read: the number of rows read before, and the reason.
    unread: Vec<(usize, ReadError)>,
    /// Files of the rows, each with the index of its first row in the batch.
    files: Vec<(usize, (String, Unit))>,
}

impl Filled {
    fn came_from(&mut self, source: &dyn Source) {
        if self
            .files
            .last()
            .is_none_or(|(_, (file, _))| file != source.file())
        {
            let file = (source.file().to_owned(), source.unit());
            self.files.push((self.rows, file));
        }
    }
}

/// The file of row `row` of a batch.
fn file_of(files: &[(usize, (String, Unit))], row: usize) -> Option<(String, Unit)> {
    let after = files.partition_point(|(first, _)| *first <= row);
    Some(files.get(after.checked_sub(1)?)?.1.clone())
}

/// A batch of answers, and the rejected records.
pub(super) struct Batch<'a> {
    shares: &'a [Share],
    /// Bytes of its input.
    pub bytes: usize,
    /// In the order of the input.
    pub rejects: Vec<Reject>,
    /// Rows that hold an error instead of an answer.
    pub failed: u64,
    /// Rows that hold a warning beside their answer.
    pub warned: u64,
}

impl Batch<'_> {
    /// Writes the answers.
    pub fn write(&self, sink: &mut Sink) -> io::Result<u64> {
        for share in self.shares {
            sink.write_spelled(&share.spelled)?;
        }
        Ok(self.shares.iter().map(|share| share.rows).sum())
    }
}

impl Batches {
    pub fn new(job: Job, on_error: OnError) -> Self {
        Self {
            job,
            on_error,
            records_read: Vec::new(),
            shares: Vec::new(),
            records: 0,
            digest: Digest::default(),
        }
    }

    pub fn pace(&self) -> Pace {
        self.job.answers.pace()
    }

    /// Skips `records` records without scoring them; false if the input is shorter.
    pub fn skip(&mut self, records: u64) -> Result<bool> {
        let mut row = Row::new();
        while self.records < records {
            match self.job.source.read(&mut row) {
                Ok(false) => return Ok(false),
                Ok(true) => self.digest.update(&row),
                Err(e) if e.is_record() => self.digest.update_rejected(&e.to_string()),
                Err(e) => return Err(e.into()),
            }
            self.records += 1;
        }
        Ok(true)
    }

    /// The next batch, answered; `None` at the end. With [`OnError::Fail`] the first record that cannot be
    /// read or answered is an error.
    pub fn next(&mut self, spelling: &Spelling) -> Result<Option<Batch<'_>>> {
        let filled = self.fill()?;
        if filled.rows == 0 && filled.unread.is_empty() {
            return Ok(None);
        }
        let size = self.pace().task;
        let count = filled.rows.div_ceil(size);
        if self.shares.len() < count {
            self.shares.resize_with(count, Share::default);
        }
        let shares = &mut self.shares[..count];
        let records = &mut self.records_read[..filled.rows];
        match &self.job.answers {
            Answers::PerRow(scorer) => {
                let width = self.job.source.columns().len() + scorer.columns().len();
                let tasks = records.par_chunks_mut(size).zip(&mut *shares);
                tasks
                    .for_each(|(rows, share)| score(scorer.as_ref(), rows, width, share, spelling));
            }
            Answers::Lists(lister) => {
                let tasks = records.par_chunks(size).zip(&mut *shares);
                tasks.for_each(|(rows, share)| list(lister.as_ref(), rows, share, spelling));
            }
        }
        let refused = shares.iter_mut().enumerate().flat_map(|(share, made)| {
            let refused = made.refused.drain(..);
            refused.map(move |(index, reject)| (share * size + index, reject))
        });
        let refused = refused.map(|(index, mut reject)| {
            if reject.line.is_some() && reject.file.is_none() {
                reject.file = file_of(&filled.files, index);
            }
            (index, reject)
        });
        let rejects = in_order(refused.collect(), filled.unread, self.on_error)?;
        Ok(Some(Batch {
            failed: shares.iter().map(|share| share.failed).sum(),
            warned: shares.iter().map(|share| share.warned).sum(),
            shares,
            bytes: filled.bytes,
            rejects,
        }))
    }

    fn fill(&mut self) -> Result<Filled> {
        let mut filled = Filled {
            rows: 0,
            bytes: 0,
            unread: Vec::new(),
            files: Vec::new(),
        };
        let most = self.pace().batch;
        while filled.rows + filled.unread.len() < most && filled.bytes < BATCH_BYTES {
            if self.records_read.len() == filled.rows {
                self.records_read.push(Row::new());
            }
            let row = &mut self.records_read[filled.rows];
            match self.job.source.read(row) {
                Ok(false) => break,
                Ok(true) => {
                    self.digest.update(row);
                    filled.came_from(self.job.source.as_ref());
                    filled.bytes += row.bytes();
                    filled.rows += 1;
                }
                Err(error) if error.is_record() => {
                    self.digest.update_rejected(&error.to_string());
                    filled.unread.push((filled.rows, error));
                    if self.on_error == OnError::Fail {
                        self.records += 1;
                        break; // the batch ends with this error
                    }
                }
                Err(error) => return Err(error.into()),
            }
            self.records += 1;
        }
        Ok(filled)
    }
}

/// Rejected records, by their index in the batch.
type Refused = Vec<(usize, Reject)>;

/// Scores `rows` and formats those that then have `width` cells; any other row has no answer.
fn score(
    scorer: &dyn RowScorer,
    rows: &mut [Row],
    width: usize,
    share: &mut Share,
    spelling: &Spelling,
) {
    share.clear();
    share.refused = scorer.score(rows);
    for row in rows.iter().filter(|row| row.len() == width) {
        share.failed += u64::from(scorer.failed(row));
        share.warned += u64::from(scorer.warned(row));
        share.push(row, spelling);
    }
}

/// Lists the answers to `records` and formats them.
fn list(lister: &dyn Lister, records: &[Row], share: &mut Share, spelling: &Spelling) {
    share.clear();
    share.refused = lister.list(records, &mut |row| share.push(row, spelling));
}

/// Merges the rejects of scoring and of reading into the input's order.
fn in_order(
    refused: Refused,
    unread: Vec<(usize, ReadError)>,
    on_error: OnError,
) -> Result<Vec<Reject>> {
    // A record that could not be read after `n` rows comes before the row with index n.
    let first_unread = unread.first().map_or(usize::MAX, |(at, _)| *at);
    if on_error == OnError::Fail {
        if let Some((at, reject)) = refused.into_iter().next()
            && at < first_unread
        {
            return Err(exit::data(reject.to_string()));
        }
        return match unread.into_iter().next() {
            Some((_, error)) => Err(error.into()),
            None => Ok(Vec::new()),
        };
    }
    let mut all: Vec<(usize, u8, Reject)> = unread
        .into_iter()
        .map(|(at, error)| (at, 0, Reject::from(error)))
        .chain(refused.into_iter().map(|(at, reject)| (at, 1, reject)))
        .collect();
    all.sort_by_key(|(at, kind, _)| (*at, *kind));
    Ok(all.into_iter().map(|(_, _, reject)| reject).collect())
}

/// Streams everything to stdout; rejected records are named on stderr.
pub(super) fn to_stdout(
    batches: Batches,
    columns: &[Column],
    (format, compression): (Format, Compression),
    talk: &Talk,
) -> Result<Scored> {
    if format == Format::Parquet {
        return parquet_to_stdout(batches, columns, talk);
    }
    let out = BufWriter::with_capacity(1 << 16, io::stdout());
    let sink =
        tables::create(out, format, compression, columns, true).context("cannot write stdout")?;
    pump(batches, sink, "stdout", talk)
}

/// A Parquet file ends with its own index, so it is completed in a temporary file first.
fn parquet_to_stdout(batches: Batches, columns: &[Column], talk: &Talk) -> Result<Scored> {
    let spool = tempfile::NamedTempFile::new()?;
    let _spool = Leftover::new(spool.path());
    let sink = tables::create_spool(spool.reopen()?, columns)?;
    let spooled = spool.path().display().to_string();
    let scored = pump(batches, sink, &spooled, talk)?;
    let whole = tempfile::NamedTempFile::new()?;
    let _whole = Leftover::new(whole.path());
    tables::jsonl_to_parquet(spool.path(), whole.path(), columns)
        .with_context(|| format!("cannot write {}", whole.path().display()))?;
    io::copy(&mut whole.reopen()?, &mut io::stdout())
        .and_then(|_| io::stdout().flush())
        .context("cannot write stdout")?;
    Ok(scored)
}

/// `to` names the destination of the sink in messages.
fn pump(mut batches: Batches, mut sink: Sink, to: &str, talk: &Talk) -> Result<Scored> {
    let mut scored = Scored {
        output: None,
        rows: 0,
        rejected: 0,
        rejects: None,
        failed: 0,
        warned: 0,
    };
    let unwritten = || format!("cannot write {to}");
    let spelling = sink.spelling();
    while let Some(batch) = batches.next(&spelling)? {
        scored.rows += batch.write(&mut sink).with_context(unwritten)?;
        scored.rejected += batch.rejects.len() as u64;
        scored.failed += batch.failed;
        scored.warned += batch.warned;
        for reject in &batch.rejects {
            talk.warn(format!("skipped {reject}"));
        }
    }
    sink.finish().with_context(unwritten)?;
    Ok(scored)
}
