//! `easylife profile FILE...`: describes the columns of any table in one pass and bounded memory, with
//! `tables::profile`.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::outcome::number;
use crate::report;
use crate::report::format::{count, label, percent};
use crate::talk::Talk;
use files::atomic;
use tables::blocks::Blocks;
use tables::profile::summary::{self, Column, Figure, Lengths, Top};
use tables::profile::{Columns, ScanError, Table, Watch};
use tables::{Compression, Format, Reading};

/// The profiles of the tables.
#[derive(Serialize)]
pub struct Profiled {
    tables: Vec<summary::Table>,
    #[serde(skip)]
    output: Option<PathBuf>,
}

impl fmt::Display for Profiled {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for table in &self.tables {
            let (rows, columns) = (table.rows, table.columns.len());
            writeln!(f, "{}: {rows} rows, {columns} columns", table.source)?;
            let width = table
                .columns
                .iter()
                .map(|column| column.name.chars().count());
            let width = width.max().unwrap_or(0).min(32);
            for column in &table.columns {
                writeln!(
                    f,
                    "  {:width$}  {:8}  {}",
                    column.name,
                    column.class,
                    line(column)
                )?;
            }
        }
        match &self.output {
            Some(path) => writeln!(f, "{}", path.display()),
            None => Ok(()),
        }
    }
}

/// Profiles files and folders (`-` is stdin, as CSV); writes a page or JSON, by the extension of `output`.
pub fn run(
    inputs: &[PathBuf],
    reading: Reading,
    output: Option<&Path>,
    talk: &Talk,
) -> Result<Profiled> {
    let ending = |path: &Path| path.extension()?.to_str().map(str::to_owned);
    if let Some(path) = output
        && !matches!(ending(path).as_deref(), Some("json" | "html"))
    {
        let path = path.display();
        return Err(exit::usage(format!(
            "{path}: unknown file name extension; use .html or .json"
        )));
    }
    let tables = inputs.iter().map(|path| profile(path, reading, talk));
    let profiled = Profiled {
        tables: tables.collect::<Result<_>>()?,
        output: output.map(Path::to_owned),
    };
    if let Some(path) = output {
        let text = match ending(path).as_deref() {
            Some("json") => number::pretty_json(&profiled)? + "\n",
            _ => report::profile::page(&profiled.tables),
        };
        atomic::write(path, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(profiled)
}

/// Reads all blocks in one pass, with a progress bar.
pub(crate) fn scan<W: Watch>(
    blocks: Blocks,
    watch: &mut W,
    columns: Columns,
    talk: &Talk,
) -> Result<Table> {
    let bar = talk.progress("reading rows", None);
    let mut progress = |rows| bar.set_position(rows);
    let table = tables::profile::scan(blocks, watch, columns, &mut progress);
    bar.finish_and_clear();
    table.map_err(|error| match error {
        ScanError::Read(error) => error.into(),
        ScanError::Watch(error) => error.into(),
    })
}

fn profile(path: &Path, reading: Reading, talk: &Talk) -> Result<summary::Table> {
    let blocks = match path == Path::new("-") {
        true => {
            let stdin = Box::new(std::io::stdin());
            Blocks::open_as_with(stdin, "stdin", Format::Csv, Compression::None, reading)?
        }
        false => Blocks::open_with(path, reading)?,
    };
    if let Some(note) = tables::describe_folder(path) {
        talk.note(format!("{}: {note}", path.display()));
    }
    talk.recognised(path, reading, |flag| format!("override it with --{flag}"));
    let table = scan(blocks, &mut (), Columns::All, talk)?;
    if let Some(first) = table.first_bad.first() {
        let more = match table.bad {
            1 => String::new(),
            bad => format!(" ({} more bad rows)", bad - 1),
        };
        return Err(exit::data(format!("{first}{more}")));
    }
    let source = match path == Path::new("-") {
        true => "stdin".to_owned(),
        false => path.display().to_string(),
    };
    Ok(summary::of(&table, source))
}

/// One line about the values of a column.
fn line(column: &Column) -> String {
    let distinct = match column.distinct_exact {
        true => count(column.distinct),
        false => format!("about {}", count(column.distinct)),
    };
    let nulls = match column.nulls {
        0 => String::new(),
        nulls => format!(", {} empty", count(nulls)),
    };
    format!("{distinct} distinct{nulls}; {}", spread(column))
}

fn spread(column: &Column) -> String {
    let quantile = column.quantiles.as_ref().map(|quantiles| &quantiles[3]);
    match (&column.min, &column.max, quantile) {
        (Some(min), Some(max), Some(median)) => {
            let mean = column
                .mean
                .as_ref()
                .map_or_else(String::new, |m| format!(", mean {m}"));
            format!("{min} to {max}, median {median}{mean}")
        }
        _ if column.top.is_empty() || column.distinct > 20 => {
            let Lengths { min, mean, max } = column.lengths;
            format!("{min} to {max} letters, mean {}", Figure::Number(mean))
        }
        _ => {
            let share = |top: &Top| top.count as f64 / (column.count - column.nulls) as f64;
            let shown = column.top.iter().take(4);
            let shown =
                shown.map(|top| format!("{} {}", label(&top.value, 24), percent(share(top), 1)));
            shown.collect::<Vec<_>>().join(", ")
        }
    }
}
