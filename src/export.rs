//! `easylife export`: a model in the format of another program.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::talk::Talk;
use crate::task::{self, Loaded, Task};
use files::atomic;

/// Columns that are listed; more are counted, JSON has all.
const COLUMNS_SHOWN: usize = 30;

/// A format of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A model of XGBoost, as its `Booster.load_model` reads it.
    XgboostJson,
}

/// What a task implements for `export`.
pub trait Export: Task {
    /// The model in a format.
    ///
    /// # Errors
    /// If there is no such form of it; the default.
    fn export(_: &Loaded<Self>, _: Format) -> Result<Exported>
    where
        Self: Sized,
    {
        Err(exit::usage(format!(
            "a model of {} has no form in XGBoost, which holds trees; `easylife export` is for models of tabular",
            Self::NAME
        )))
    }
}

/// A model in another format.
pub struct Exported {
    /// The content of the file.
    pub text: String,
    /// The columns that the other program takes, in order.
    pub columns: Vec<ExportedColumn>,
    /// What the other program does differently.
    pub notes: Vec<String>,
}

/// A column of the other program's input.
#[derive(Serialize)]
pub struct ExportedColumn {
    /// Its name.
    pub name: String,
    /// `number`, `category`, or `mean` for the mean target of a word.
    pub kind: &'static str,
    /// The words of a category, by code from 0, any other word has the code after the last; or those of `means`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The value for each word, for any other and for a missing one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub means: Vec<f64>,
}

/// A written file.
#[derive(Serialize)]
pub struct Written {
    output: PathBuf,
    bytes: usize,
    columns: Vec<ExportedColumn>,
    notes: Vec<String>,
}

/// Exports the model of `T` at `model` to `output`.
///
/// # Errors
/// A model that cannot be loaded, or has no form in the format.
pub fn run<T: Export>(model: &Path, format: Format, output: &Path, talk: &Talk) -> Result<Written> {
    let loaded = task::load_file::<T>(model)?;
    let exported = T::export(&loaded, format)?;
    atomic::write(output, |out| out.write_all(exported.text.as_bytes()))?;
    exported.notes.iter().for_each(|note| talk.note(note));
    Ok(Written {
        output: output.to_owned(),
        bytes: exported.text.len(),
        columns: exported.columns,
        notes: exported.notes,
    })
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let count = self.columns.len();
        writeln!(
            f,
            "{}: {} bytes, {count} columns",
            self.output.display(),
            self.bytes
        )?;
        for column in self.columns.iter().take(COLUMNS_SHOWN) {
            let name = tables::shown(&column.name);
            match column.words.len() {
                words if column.kind == "mean" => writeln!(
                    f,
                    "  {name}: the mean target of each of {words} words (--json lists them)"
                )?,
                0 => writeln!(f, "  {name}: {}", column.kind)?,
                words => writeln!(
                    f,
                    "  {name}: codes 0 to {words}, in this order: {}, any other",
                    column.words.join(", ")
                )?,
            }
        }
        match count.checked_sub(COLUMNS_SHOWN) {
            Some(more @ 1..) => writeln!(f, "  and {more} more (--json lists all)"),
            _ => Ok(()),
        }
    }
}
