//! `easylife profile FILE...`: what the columns of any table hold, in one pass and bounded memory.
//!
//! `scan` reads and puts together, `group` finds the different values of a block, `value`
//! understands them, `column` gathers, `summary` gives the figures.

mod column;
mod group;
mod scan;
pub(crate) mod summary;
mod value;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

pub(crate) use column::Column;
pub(crate) use group::{Group, Groups};
pub(crate) use scan::{Table, Want, Watch, scan_blocks};
pub(crate) use summary::{cut, figure, table as summary};
pub(crate) use value::{CLASSES, Class, Value, spell_time, understand, understand_word, whole};

use crate::exit;
use crate::params::validate::Profile;
use crate::report::{self, table};
use crate::talk::Talk;
use files::atomic;
use tables::blocks::Blocks;
use tables::{Compression, Format};

/// The tables that were profiled.
#[derive(Serialize)]
pub struct Profiled {
    tables: Vec<table::Table>,
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
                    column.line()
                )?;
            }
        }
        match &self.output {
            Some(path) => writeln!(f, "{}", path.display()),
            None => Ok(()),
        }
    }
}

/// Profiles files and folders (`-` is stdin, as CSV); writes a page, or JSON where the name of `output` ends so.
pub fn run(inputs: &[PathBuf], output: Option<&Path>, talk: &Talk) -> Result<Profiled> {
    let ending = |path: &Path| path.extension()?.to_str().map(str::to_owned);
    if let Some(path) = output
        && !matches!(ending(path).as_deref(), Some("json" | "html"))
    {
        let path = path.display();
        return Err(exit::usage(format!(
            "{path}: name the output .html or .json"
        )));
    }
    let tables = inputs.iter().map(|path| profile(path, talk));
    let profiled = Profiled {
        tables: tables.collect::<Result<_>>()?,
        output: output.map(Path::to_owned),
    };
    if let Some(path) = output {
        let text = match ending(path).as_deref() {
            Some("json") => serde_json::to_string_pretty(&profiled)? + "\n",
            _ => report::profile::page(&profiled.tables),
        };
        atomic::write(path, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(profiled)
}

fn profile(path: &Path, talk: &Talk) -> Result<table::Table> {
    let blocks = match path == Path::new("-") {
        true => {
            let stdin = Box::new(std::io::stdin());
            Blocks::open_as(stdin, "stdin", Format::Csv, Compression::None)?
        }
        false => Blocks::open(path)?,
    };
    let table = scan_blocks(blocks, &mut (), Profile::All, talk)?;
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
    Ok(summary(&table, source))
}
