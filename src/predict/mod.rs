//! `easylife predict`: scores any number of rows in bounded memory.
//!
//! `stream` moves rows from a source through a [`RowScorer`] or a [`Lister`] into an output; `output` makes
//! writing the output atomic, resumable and exclusive. A task only implements how rows are scored ([`Predict`]).

pub mod ask;
mod destination;
mod format_note;
mod input;
mod journal;
mod options;
mod output;
mod rejects;
mod stream;
#[cfg(test)]
mod tests;
mod unknown;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;

use self::destination::{output_format, refuse_overwriting, sink_file};
use crate::exit::{self, Exit};
use crate::interrupt::Interrupt;
use crate::params::batch::Batch;
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{self, ModelRef, Task};
use artifact::Header;
use scoring::Refusal;
use stream::Batches;
use tables::{Column, Format, Place, ReadError, Reading, Row, Source, Unit, Within};

pub(crate) use input::{COMMAND_LINE, check_for_rows, is_empty_folder, open, open_numbers};
pub(crate) use options::refuse_options_of_others;
pub use options::{AnswerOptions, IdSource, LIST_LENGTH, ListOptions};
pub use unknown::Unknown;

/// Answers each row by appending cells to it.
pub trait RowScorer: Send + Sync {
    /// The columns of the appended cells.
    fn columns(&self) -> &[Column];

    /// Appends one cell for each of [`RowScorer::columns`] to every row. Returns the rows it could not
    /// score: index in `rows` and the reason.
    fn score(&self, rows: &mut [Row]) -> Vec<(usize, Reject)>;

    /// Numbers of rows per task of the thread pool, per batch and per checkpoint.
    fn pace(&self) -> Pace {
        Pace::default()
    }

    /// Whether a scored row holds an error instead of an answer.
    fn failed(&self, _row: &Row) -> bool {
        false
    }

    /// Whether a scored row holds a warning beside its answer.
    fn warned(&self, _row: &Row) -> bool {
        false
    }
}

/// Numbers of rows.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Scored by one task of the thread pool.
    pub task: usize,
    /// In memory at a time, at most.
    pub batch: usize,
    /// Between two checkpoints, from which an interrupted run can be resumed.
    pub checkpoint: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            task: 256,
            batch: 4096,
            checkpoint: 1 << 16,
        }
    }
}

/// Answers each record by any number of rows with columns of their own: a series by the steps of its horizon,
/// a user by a list of items.
pub trait Lister: Send + Sync {
    /// The columns of the output rows; those of the input are not repeated.
    fn columns(&self) -> &[Column];

    /// Passes the rows that answer `records` to `out`, in their order. Returns the records to list as
    /// rejected: index in `records` and the reason. A rejected record may still have rows, if there is a
    /// fallback answer.
    fn list(&self, records: &[Row], out: &mut dyn FnMut(&Row)) -> Vec<(usize, Reject)>;

    /// Numbers of records per task of the thread pool, per batch and per checkpoint.
    fn pace(&self) -> Pace {
        Pace::default()
    }
}

/// How records are answered.
pub enum Answers {
    /// Each row by appended cells.
    PerRow(Box<dyn RowScorer>),
    /// Each record by a list of rows.
    Lists(Box<dyn Lister>),
}

impl Answers {
    fn pace(&self) -> Pace {
        match self {
            Answers::PerRow(scorer) => scorer.pace(),
            Answers::Lists(lister) => lister.pace(),
        }
    }

    /// The output columns for an input with the columns `input`.
    fn output_columns(&self, input: &[Column]) -> Result<Vec<Column>> {
        match self {
            Answers::PerRow(scorer) => columns_per_row(input, scorer.columns()),
            Answers::Lists(lister) => Ok(lister.columns().to_vec()),
        }
    }
}

/// The records to answer, and how.
pub struct Job {
    pub source: Box<dyn Source>,
    pub answers: Answers,
    /// A digest of what the answers depend on besides model, options and records; `--resume` requires the
    /// same. Empty: nothing else.
    pub context: String,
    /// Ids among the records that are unknown to the model; they are answered, with a warning at the end.
    pub unknown: Option<Arc<Unknown>>,
}

impl Job {
    /// Answers each row by appended cells, with the scorer that `scorer` makes for the columns of the source.
    pub fn per_row<S: RowScorer + 'static>(
        source: Box<dyn Source>,
        scorer: impl FnOnce(&[Column]) -> Result<S>,
    ) -> Result<Self> {
        let scorer = scorer(source.columns()).with_context(|| source.file().to_owned())?;
        Ok(Self {
            source,
            answers: Answers::PerRow(Box::new(scorer)),
            context: String::new(),
            unknown: None,
        })
    }
}

/// Why a row has no answer.
#[derive(Clone, Debug, Default)]
pub struct Reject {
    /// The line of the row, if the reason is about one row.
    pub line: Option<u64>,
    /// The column, if the reason is about one.
    pub column: Option<Within>,
    pub reason: String,
    /// The file of the row, and what its lines count.
    pub file: Option<(String, Unit)>,
}

impl Reject {
    /// The refusal of a model about the column `column` of the row at `line`.
    pub fn of(refusal: &Refusal, line: u64, column: &str) -> Self {
        Self {
            line: Some(line),
            column: Some(Within::Named(column.to_owned())),
            ..Self::because(refusal.reason.clone())
        }
    }

    /// A reason that is not about one row.
    pub fn because(reason: String) -> Self {
        Self {
            reason,
            ..Self::default()
        }
    }
}

/// What a task implements for `predict`.
pub trait Predict: Task {
    /// What to do by default with a record that cannot be answered.
    const ON_ERROR: OnError = OnError::Fail;

    /// Whether records come from an input (by default stdin); if false, the model has records of its own.
    const NEEDS_INPUT: bool = true;

    /// What rows with a warning have in common: it follows their number in the warning at the end.
    const WARNED: &'static str = "answers have a warning";

    /// The options of the command that the task supports besides those of every task.
    const OPTIONS: &'static [&'static str];

    /// The records to be answered by `model`, and how. Answers do not depend on the project, which is that
    /// of the command, if any.
    fn job(
        project: Option<&Project>,
        model: Self::Model,
        header: &Header<Self::Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Job>;
}

/// Where rows come from or go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// stdin or stdout, written `-`.
    Standard,
    File(PathBuf),
}

/// What to do with a row that cannot be scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Stop without creating the output.
    Fail,
    /// List it in `OUT.rejects.csv` and continue.
    Skip,
}

/// One batch job.
#[derive(Clone, Debug)]
pub struct Request {
    /// Absent: stdin, or the records of the model.
    pub input: Option<Port>,
    /// Texts, photos, users or series given on the command line, which are then the records.
    pub asked: Vec<String>,
    pub output: Port,
    /// Absent: the project's model.
    pub model: Option<ModelRef>,
    /// Format of stdin and stdout; that of files follows from their names.
    pub format: Option<Format>,
    /// How inputs are read.
    pub reading: Reading,
    /// Absent: [`Predict::ON_ERROR`].
    pub on_error: Option<OnError>,
    /// Continue where an interrupted run stopped.
    pub resume: bool,
    /// Wait for another run on the same output instead of giving up.
    pub wait: bool,
    /// An input without rows is an error.
    pub require_input: bool,
    pub options: AnswerOptions,
}

/// A finished batch.
#[derive(Debug, Serialize)]
pub struct Scored {
    /// `None`: stdout.
    pub output: Option<PathBuf>,
    pub rows: u64,
    pub rejected: u64,
    /// Where the rejected rows are listed.
    pub rejects: Option<PathBuf>,
    /// Rows of the output that hold an error instead of an answer.
    pub failed: u64,
    /// Rows of the output that hold a warning beside their answer.
    pub warned: u64,
}

impl Scored {
    /// The exit code: [`Exit::Partial`] if rows were rejected or failed.
    pub fn exit(&self) -> Exit {
        if self.rejected + self.failed > 0 {
            Exit::Partial
        } else {
            Exit::Done
        }
    }
}

impl fmt::Display for Scored {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.output {
            Some(path) => write!(f, "{}: {} rows", path.display(), self.rows)?,
            None => write!(f, "{} rows", self.rows)?,
        }
        if let Some(path) = &self.rejects {
            write!(f, ", {} rejected: {}", self.rejected, path.display())?;
        }
        if self.failed > 0 {
            write!(f, ", {} without an answer", self.failed)?;
        }
        writeln!(f)
    }
}

/// The batch of a project: its input, its output, and how its tables are read.
///
/// # Errors
/// If the project has no output, or no input although the task needs one.
pub fn batch<T: ask::Ask>(project: Option<&Project>) -> Result<(Option<Port>, Port, Reading)> {
    let task = T::NAME;
    let ask = format!(
        "give an input as in `easylife predict {task} {}`, or",
        T::INPUT.example()
    );
    let project = project.ok_or_else(|| {
        exit::usage(format!(
            "no input: {ask} name the file to write with -o OUT (`-` is stdout) and the file to score with \
            -i IN"
        ))
    })?;
    let block = project.block::<T::Block>(task)?;
    let Batch { input, output } = T::batch(&block);
    let missing = |flag: &str, what: &str, key: &str| {
        exit::usage(format!(
            "no input: {ask} {what} with {flag}, or set {task}.predict.{key} in params.yaml"
        ))
    };
    let output = output
        .as_ref()
        .ok_or_else(|| missing("-o OUT", "name the file to write", "output"))?;
    if T::NEEDS_INPUT && input.is_none() {
        return Err(missing("-i IN", "name the file to score", "input"));
    }
    let port = |path: &String| Port::File(project.path(path));
    let params = task::params::<T>(project)?;
    let reading = T::raw_data(&params).reading;
    Ok((input.as_ref().map(port), port(output), reading))
}

/// Scores `request.input` into `request.output`.
pub fn run<T: Predict>(
    project: Option<&Project>,
    request: &Request,
    interrupt: &Interrupt,
    talk: &Talk,
) -> Result<Scored> {
    refuse_options_of_others::<T>(&request.options)?;
    let task::Loaded {
        name,
        header,
        model,
        ..
    } = task::load_model::<T>(project, request.model.as_ref())?;
    talk.detail(format!("{name}: {}", header.provenance));
    let path = sink_file(request)?;
    let path = path.as_deref();
    let output = output_format(request)?;
    refuse_overwriting::<T>(project, request)?;
    // The lock comes before the input: a run that waits for another one must see the files it left.
    let _lock = path
        .map(|path| output::lock(path, request.wait))
        .transpose()?;
    let job = T::job(project, model, &header, request, talk)?;
    let columns = job.answers.output_columns(job.source.columns())?;
    let identity = journal::Identity {
        format: journal::IDENTITY,
        easylife: env!("CARGO_PKG_VERSION"),
        model: &header,
        options: &request.options,
        context: &job.context,
        output: output.into(),
        columns: &columns,
    }
    .digest()?;
    if output.0 == Format::Parquet {
        for column in &columns {
            if let Some(foreign) = &column.foreign {
                let name = tables::shown(&column.name);
                talk.warn(format!(
                    "column `{name}` is {foreign}; it is written as text"
                ));
            }
        }
    }
    let unknown = job.unknown.clone();
    let batches = Batches::new(job, request.on_error.unwrap_or(T::ON_ERROR));
    let scored = match path {
        None => stream::to_stdout(batches, &columns, output, talk),
        Some(path) => {
            let target = output::Target::new(path, output, columns, identity);
            output::to_file(&target, batches, request.resume, interrupt, talk)
        }
    }?;
    if let Some(warning) = unknown.and_then(|unknown| unknown.warning()) {
        talk.warn(warning);
    }
    if scored.warned > 0 {
        let (warned, rows) = (scored.warned, scored.rows);
        talk.warn(format!("{warned} of {rows} {}", T::WARNED));
    }
    Ok(scored)
}

fn columns_per_row(input: &[Column], added: &[Column]) -> Result<Vec<Column>> {
    if let Some(clash) = added
        .iter()
        .find(|a| input.iter().any(|i| i.name == a.name))
    {
        return Err(exit::data(format!(
            "the input already has a column `{}`, which predict adds; rename or drop it",
            clash.name
        )));
    }
    Ok(input.iter().chain(added).cloned().collect())
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (&self.file, self.line, &self.column) {
            (Some((file, unit)), line, column) => {
                let place = Place {
                    line,
                    unit: *unit,
                    column: column.clone(),
                    ..Place::file(file)
                };
                write!(f, "{place}: ")?;
            }
            (None, Some(line), _) => write!(f, "line {line}: ")?,
            (None, None, _) => {}
        }
        f.write_str(&self.reason)
    }
}

impl From<ReadError> for Reject {
    fn from(error: ReadError) -> Self {
        Self {
            line: error.place.line,
            column: error.place.column,
            reason: error.kind.to_string(),
            file: Some((error.place.file, error.place.unit)),
        }
    }
}
