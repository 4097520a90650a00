//! Runs as a table for other programs.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::Selection;
use super::open;
use crate::project::Project;
use files::atomic;
use registry::runs::Table;

/// A table of runs.
#[derive(Serialize)]
pub struct Exported {
    runs: usize,
    columns: usize,
    /// Absent for stdout.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let file = self.file.as_deref().unwrap_or(Path::new("-")).display();
        writeln!(f, "{file}: {} runs, {} columns", self.runs, self.columns)
    }
}

/// Writes runs as CSV, a row each, with the columns of [`Table::of`]. To `out` if there is no file.
///
/// # Errors
/// A store that cannot be read, or a file that cannot be written.
pub fn export(
    project: &Project,
    selection: &Selection,
    file: Option<&Path>,
    out: &mut dyn Write,
) -> Result<Exported> {
    let all = match open(project)? {
        Some(runs) => runs.all()?.0,
        None => Vec::new(),
    };
    let table = Table::of(&selection.of(all));
    let write = |out: &mut dyn Write| -> std::io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(&table.columns)?;
        table
            .rows
            .iter()
            .try_for_each(|row| csv.write_record(row))?;
        csv.flush()
    };
    match file {
        Some(path) => atomic::write(path, |out| write(out))?,
        None => write(out)?,
    }
    Ok(Exported {
        runs: table.rows.len(),
        columns: table.columns.len(),
        file: file.map(Path::to_owned),
    })
}
