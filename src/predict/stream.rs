//! Rows from a source through a scorer, a batch at a time, in order and in bounded memory.
//!
//! Where a batch ends follows from the records since the last one ended, so that a resumed run cuts
//! its input where the first one did. Rows of a batch are scored in parallel, each by itself.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use rayon::prelude::*;

use super::journal::Digest;
use super::{OnError, Reject, Request, Scored, Scorer};
use crate::data::{self, Column, Compression, Format, ReadError, Row, Sink, Source};
use crate::exit;
use crate::talk::Talk;

/// A batch ends with the scorer's number of records, or when its cells hold this many bytes.
const BATCH_BYTES: usize = 2 << 20;

/// Scored batches out of a source.
pub(super) struct Batches<'a> {
    source: &'a mut dyn Source,
    scorer: &'a dyn Scorer,
    on_error: OnError,
    input_columns: usize,
    /// Kept between batches: reading into them allocates nothing.
    rows: Vec<Row>,
    /// Records read so far, rejected ones included.
    pub records: u64,
    pub digest: Digest,
}

/// Records that were read together.
struct Filled {
    rows: usize,
    bytes: usize,
    /// Records that could not be read: how many rows were read before it, and why.
    unread: Vec<(usize, ReadError)>,
}

/// Scored rows in order, and what could not be scored.
pub(super) struct Batch<'a> {
    rows: &'a [Row],
    /// Rows have this many cells when scored, fewer when rejected.
    width: usize,
    /// Input bytes in it.
    pub bytes: usize,
    /// In the order of the input.
    pub rejects: Vec<Reject>,
    /// Rows that say why they have no answer.
    pub failed: u64,
}

impl Batch<'_> {
    /// Writes the rows that were scored.
    pub fn write(&self, sink: &mut dyn Sink) -> io::Result<u64> {
        let mut written = 0;
        for row in self.rows.iter().filter(|row| row.len() == self.width) {
            sink.write(row)?;
            written += 1;
        }
        Ok(written)
    }
}

impl<'a> Batches<'a> {
    pub fn new(source: &'a mut dyn Source, scorer: &'a dyn Scorer, on_error: OnError) -> Self {
        Self {
            input_columns: source.columns().len(),
            source,
            scorer,
            on_error,
            rows: Vec::new(),
            records: 0,
            digest: Digest::default(),
        }
    }

    /// Reads over `records` records without scoring them; false where the input is shorter.
    pub fn skip(&mut self, records: u64) -> Result<bool> {
        let mut row = Row::new();
        while self.records < records {
            match self.source.read(&mut row) {
                Ok(false) => return Ok(false),
                Ok(true) => self.digest.update(&row),
                Err(e) if e.is_record() => self.digest.update_rejected(&e.to_string()),
                Err(e) => return Err(e.into()),
            }
            self.records += 1;
        }
        Ok(true)
    }

    /// The next batch, scored; `None` at the end. With [`OnError::Fail`] a record that cannot be
    /// read or scored is an error, the first of them in the input's order.
    pub fn next(&mut self) -> Result<Option<Batch<'_>>> {
        let filled = self.fill()?;
        if filled.rows == 0 && filled.unread.is_empty() {
            return Ok(None);
        }
        let scorer = self.scorer;
        let rows = &mut self.rows[..filled.rows];
        let share_size = scorer.pace().task;
        let refused: Vec<(usize, Reject)> = rows
            .par_chunks_mut(share_size)
            .enumerate()
            .flat_map_iter(|(share, rows)| {
                let refused = scorer.score(rows).into_iter();
                refused.map(move |(index, reject)| (share * share_size + index, reject))
            })
            .collect();
        let rejects = in_order(refused, filled.unread, self.on_error)?;
        let rows = &self.rows[..filled.rows];
        let width = self.input_columns + scorer.columns().len();
        let scored = rows.iter().filter(|row| row.len() == width);
        Ok(Some(Batch {
            rows,
            width,
            failed: scored.filter(|row| scorer.failed(row)).count() as u64,
            bytes: filled.bytes,
            rejects,
        }))
    }

    fn fill(&mut self) -> Result<Filled> {
        let mut filled = Filled {
            rows: 0,
            bytes: 0,
            unread: Vec::new(),
        };
        while filled.rows + filled.unread.len() < self.scorer.pace().batch
            && filled.bytes < BATCH_BYTES
        {
            if self.rows.len() == filled.rows {
                self.rows.push(Row::new());
            }
            let row = &mut self.rows[filled.rows];
            match self.source.read(row) {
                Ok(false) => break,
                Ok(true) => {
                    self.digest.update(row);
                    filled.bytes += row.bytes();
                    filled.rows += 1;
                }
                Err(error) if error.is_record() => {
                    self.digest.update_rejected(&error.to_string());
                    filled.unread.push((filled.rows, error));
                    if self.on_error == OnError::Fail {
                        self.records += 1;
                        break; // no use in reading on: the batch ends in this error
                    }
                }
                Err(error) => return Err(error.into()),
            }
            self.records += 1;
        }
        Ok(filled)
    }
}

/// Merges the rejects of scoring and of reading into the input's order.
fn in_order(
    refused: Vec<(usize, Reject)>,
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

/// Streams everything to stdout; rejects are named on stderr.
pub(super) fn to_stdout(
    source: &mut dyn Source,
    scorer: &dyn Scorer,
    columns: &[Column],
    (format, compression): (Format, Compression),
    request: &Request,
    talk: &Talk,
) -> Result<Scored> {
    if format == Format::Parquet {
        return parquet_to_stdout(source, scorer, columns, request, talk);
    }
    let out = BufWriter::with_capacity(1 << 16, io::stdout());
    let sink = data::create(out, format, compression, columns, true)?;
    pump(source, scorer, sink, request, talk)
}

/// A Parquet file ends in an index of itself, so it is made whole before it is passed on.
fn parquet_to_stdout(
    source: &mut dyn Source,
    scorer: &dyn Scorer,
    columns: &[Column],
    request: &Request,
    talk: &Talk,
) -> Result<Scored> {
    let spool = tempfile::NamedTempFile::new()?;
    let sink = data::create(
        spool.reopen()?,
        Format::Jsonl,
        Compression::None,
        columns,
        true,
    )?;
    let scored = pump(source, scorer, sink, request, talk)?;
    let whole = tempfile::NamedTempFile::new()?;
    data::jsonl_to_parquet(spool.path(), whole.path(), columns)?;
    io::copy(&mut whole.reopen()?, &mut io::stdout())?;
    io::stdout().flush()?;
    Ok(scored)
}

fn pump(
    source: &mut dyn Source,
    scorer: &dyn Scorer,
    mut sink: Box<dyn Sink>,
    request: &Request,
    talk: &Talk,
) -> Result<Scored> {
    let mut scored = Scored {
        output: None,
        rows: 0,
        rejected: 0,
        rejects: None,
        failed: 0,
    };
    let mut batches = Batches::new(source, scorer, request.on_error);
    while let Some(batch) = batches.next()? {
        scored.rows += batch.write(sink.as_mut())?;
        scored.rejected += batch.rejects.len() as u64;
        scored.failed += batch.failed;
        for reject in &batch.rejects {
            talk.warn(format!("skipped {reject}"));
        }
    }
    sink.finish()?;
    Ok(scored)
}
