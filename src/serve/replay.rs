//! `easylife replay LOG... -m MODEL`: the requests of a log, asked of another model. Which answers change, and by how
//! much: as figures, as a page, and every change as a line of JSON.
//!
//! Requests are asked in blocks by all threads, and counted in the order of the log: the same log and model give the same
//! bytes, whatever the threads.

mod figures;
mod page;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use server::arms::difference::{self, RowDifference};
use server::arms::parts;
use server::record::{self, Line, Recorded};
use server::{Data, Fault, InferResponse, Model, Tensor};

pub use self::figures::Replayed;
use self::figures::{Failure, Figures};
use super::Served;
use crate::exit;
use crate::outcome::number;
use crate::talk::Talk;
use files::atomic;

/// Lines that are asked together.
const BLOCK: usize = 4096;
/// The name of stdin.
const STDIN: &str = "-";

/// What to replay.
pub struct Request {
    /// Logs, in the order to read them; `-`: stdin.
    pub logs: Vec<PathBuf>,
    /// Where every change is written.
    pub changes: Option<PathBuf>,
    /// A page (.html) or figures (.json) to write.
    pub output: Option<PathBuf>,
    /// How many changes are shown.
    pub top: usize,
}

/// A row to which the model gave another answer than was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The log.
    pub log: String,
    /// Its line, counted from 1.
    pub line: u64,
    /// The id of the request.
    pub id: String,
    /// The row of the answer, counted from 1.
    pub row: usize,
    /// The largest difference of two numbers, relative to the larger one or to 1; none where a text differs.
    pub difference: Option<f64>,
    /// What was recorded.
    pub before: Map<String, Value>,
    /// What the model answers.
    pub after: Map<String, Value>,
}

/// A line with its place.
struct Numbered {
    number: u64,
    bytes: Vec<u8>,
    /// Whether it ends with a line break.
    is_whole: bool,
}

/// What came of a line.
enum Asked {
    /// It is of another task.
    Other,
    WithoutContent,
    Lost(u64),
    /// The end of a line is missing at the end of a log, which a server may be writing.
    Torn,
    Refused(Box<Recorded>, Fault),
    Answered {
        model: String,
        version: String,
        rows: Vec<RowDifference>,
        classes: Vec<(String, String)>,
        changes: Vec<Change>,
    },
}

/// Replays logs.
///
/// # Errors
/// A model or a log that cannot be read, a line that no log has, or a log without anything to replay.
pub fn run(served: &Served, request: &Request, talk: &Talk) -> Result<Replayed> {
    let shape = |path: &PathBuf| {
        path.extension()
            .and_then(|ending| ending.to_str())
            .map(str::to_owned)
    };
    let ending = request.output.as_ref().map(shape);
    if let (Some(path), Some(ending)) = (&request.output, &ending)
        && !matches!(ending.as_deref(), Some("json" | "html"))
    {
        return Err(exit::usage(format!(
            "{}: unknown file name extension; use .html or .json",
            path.display()
        )));
    }
    let model = (served.load)()?;
    let mut figures = Figures::new(&served.name, model.version(), request.top);
    match &request.changes {
        None => replay(
            &request.logs,
            &*model,
            &served.name,
            &mut figures,
            None,
            talk,
        )?,
        Some(path) => {
            let mut failed = None;
            let written = atomic::write(path, |out| {
                let mut out = BufWriter::new(out);
                if let Err(error) = replay(
                    &request.logs,
                    &*model,
                    &served.name,
                    &mut figures,
                    Some(&mut out),
                    talk,
                ) {
                    failed = Some(error);
                    return Err(io::Error::other("stopped"));
                }
                out.flush()
            });
            if let Some(error) = failed {
                return Err(error);
            }
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    figures.check(&served.name)?;
    let replayed = figures.end(request);
    if let (Some(path), Some(ending)) = (&request.output, ending) {
        let text = match ending.as_deref() {
            Some("json") => number::pretty_json(&replayed)? + "\n",
            _ => page::page(&replayed),
        };
        atomic::write(path, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(replayed)
}

/// Asks the model every request, and writes every change.
fn replay(
    logs: &[PathBuf],
    model: &dyn Model,
    task: &str,
    figures: &mut Figures,
    mut changes: Option<&mut dyn Write>,
    talk: &Talk,
) -> Result<()> {
    let bar = talk.progress("replaying requests", None);
    for log in logs {
        let name = log.display().to_string();
        let mut lines = open(log).with_context(|| format!("cannot read {name}"))?;
        let mut number = 0;
        loop {
            let block =
                block(&mut *lines, &mut number).with_context(|| format!("cannot read {name}"))?;
            if block.is_empty() {
                break;
            }
            let asked: Vec<Result<Asked, String>> = block
                .par_iter()
                .map(|line| ask(line, &name, model, task))
                .collect();
            for (line, asked) in block.iter().zip(asked) {
                let asked = asked.map_err(|reason| {
                    anyhow::anyhow!("{name}:{}: no line of a request log: {reason}", line.number)
                })?;
                if let (Some(out), Asked::Answered { changes, .. }) = (changes.as_mut(), &asked) {
                    for change in changes {
                        writeln!(out, "{}", serde_json::to_string(change)?)?;
                    }
                }
                add(figures, asked, &name, line.number);
            }
            bar.set_position(figures.requests());
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn add(figures: &mut Figures, asked: Asked, log: &str, line: u64) {
    match asked {
        Asked::Other => figures.of_other_models += 1,
        Asked::WithoutContent => figures.without_content += 1,
        Asked::Lost(lines) => figures.lost += lines,
        Asked::Torn => figures.torn += 1,
        Asked::Refused(recorded, fault) => {
            figures.recorded(recorded.model, recorded.version);
            figures.failed(Failure {
                log: log.to_owned(),
                line,
                id: recorded.id,
                reason: fault.reason,
            });
        }
        Asked::Answered {
            model,
            version,
            rows,
            classes,
            changes,
        } => {
            figures.recorded(model, version);
            figures.answered(&rows, classes, changes);
        }
    }
}

/// A log, unpacked where it is gzip: logrotate packs what it moved away.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let raw: Box<dyn Read> = match path.to_str() {
        Some(STDIN) => Box::new(io::stdin()),
        _ => Box::new(File::open(path)?),
    };
    let mut raw = BufReader::with_capacity(1 << 20, raw);
    Ok(match raw.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(BufReader::with_capacity(1 << 20, MultiGzDecoder::new(raw))),
        false => Box::new(raw),
    })
}

/// The next lines.
fn block(lines: &mut dyn BufRead, number: &mut u64) -> io::Result<Vec<Numbered>> {
    let mut block = Vec::new();
    while block.len() < BLOCK {
        let mut bytes = Vec::new();
        if lines.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        *number += 1;
        let is_whole = bytes.last() == Some(&b'\n');
        if !bytes.trim_ascii().is_empty() {
            block.push(Numbered {
                number: *number,
                bytes,
                is_whole,
            });
        }
    }
    Ok(block)
}

fn ask(line: &Numbered, log: &str, model: &dyn Model, task: &str) -> Result<Asked, String> {
    let recorded = match record::read(&line.bytes) {
        Ok(Line::Request(recorded)) => recorded,
        Ok(Line::Lost(lines)) => return Ok(Asked::Lost(lines)),
        Err(_) if !line.is_whole => return Ok(Asked::Torn),
        Err(reason) => return Err(reason),
    };
    if parts(&recorded.model).0 != task {
        return Ok(Asked::Other);
    }
    let Some(request) = &recorded.request else {
        return Ok(Asked::WithoutContent);
    };
    let inputs = &model.metadata().inputs;
    let unknown = |tensor: &&Tensor| !inputs.iter().any(|spec| spec.name == tensor.name);
    let response = match request.inputs.iter().find(unknown) {
        Some(tensor) => Err(Fault::invalid(format!(
            "the model has no input `{}`",
            tensor.name
        ))),
        None => model.infer(request),
    };
    let response = match response {
        Ok(response) => response,
        Err(fault) => return Ok(Asked::Refused(recorded, fault)),
    };
    let rows = difference::rows(&recorded.response, &response);
    let changed = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| **row != RowDifference::None);
    let changes = changed.map(|(row, difference)| Change {
        log: log.to_owned(),
        line: line.number,
        id: recorded.id.clone(),
        row: row + 1,
        difference: match difference {
            RowDifference::Numbers(difference) => Some(*difference),
            _ => None,
        },
        before: cells(&recorded.response, row),
        after: cells(&response, row),
    });
    Ok(Asked::Answered {
        classes: classes(&recorded.response, &response),
        changes: changes.collect(),
        rows,
        model: recorded.model,
        version: recorded.version,
    })
}

/// The classes of rows whose class is another one: before, after.
fn classes(before: &InferResponse, after: &InferResponse) -> Vec<(String, String)> {
    let labels = |response: &InferResponse| {
        let output = response
            .outputs
            .iter()
            .find(|tensor| tensor.name == "prediction");
        let strings = output.and_then(Tensor::strings)?;
        let text = |label: &[u8]| String::from_utf8_lossy(label).into_owned();
        Some(strings.iter().map(text).collect::<Vec<_>>())
    };
    let (Some(before), Some(after)) = (labels(before), labels(after)) else {
        return Vec::new();
    };
    let pairs = before.into_iter().zip(after);
    pairs.filter(|(before, after)| before != after).collect()
}

/// The values of a row of all outputs.
fn cells(response: &InferResponse, row: usize) -> Map<String, Value> {
    let mut cells = Map::new();
    for tensor in &response.outputs {
        let width: usize = tensor.shape.iter().skip(1).product();
        if tensor.shape.first().is_none_or(|rows| row >= *rows) {
            continue;
        }
        let values = (row * width..(row + 1) * width).map(|cell| value(&tensor.data, cell));
        let value = match tensor.shape.len() {
            1 => value(&tensor.data, row),
            _ => values.collect(),
        };
        cells.insert(tensor.name.clone(), value);
    }
    cells
}

fn value(data: &Data, cell: usize) -> Value {
    match data {
        Data::Bool(values) => json!(values.get(cell)),
        Data::Int32(values) => json!(values.get(cell)),
        Data::Int64(values) => json!(values.get(cell)),
        Data::Fp32(values) => json!(values.get(cell)),
        Data::Fp64(values) => json!(values.get(cell)),
        Data::Bytes(strings) => json!(strings.get(cell).map(String::from_utf8_lossy)),
    }
}
