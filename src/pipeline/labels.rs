//! `easylife validate TASK --labels`: rows whose label is probably wrong, by what a model that never saw a row says of
//! it (confident learning, `quality::labels`), the surest first.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use quality::labels::{Labelled, Options};
use serde::Serialize;

use crate::exit;
use crate::outcome::number::{figure, fixed};
use crate::project::Project;
use crate::report::format::excerpt;
use crate::talk::Talk;
use crate::task::{self, Task};
use files::atomic;

/// Rows that are shown, and letters of each.
const SHOWN: usize = 10;
const LETTERS: usize = 70;

/// What a task implements for `validate --labels`.
pub trait Mislabelled: Task {
    /// The labelled rows of the raw data, each with what a model that was not trained on it says.
    ///
    /// # Errors
    /// A task without labels, or without models that say how probable they are; the default.
    fn judged(_project: &Project, _params: &Self::Params, _talk: &Talk) -> Result<Judged>
    where
        Self: Sized,
    {
        Err(exit::usage(format!(
            "labels of {} are not looked at; --labels is for nlp",
            Self::NAME
        )))
    }
}

/// Labelled rows, and what a model says that was not trained on them.
pub struct Judged {
    pub rows: Vec<Row>,
    pub classes: Vec<String>,
    /// The label of each row, a number of a class.
    pub labels: Vec<u32>,
    /// Probabilities of the classes, rows x classes.
    pub probabilities: Vec<f64>,
    /// Rows that no model could judge: their class has no other.
    pub unjudged: u64,
}

/// A row, and where it is.
pub struct Row {
    pub file: String,
    pub line: u64,
    pub text: String,
}

/// Labels that are probably wrong.
#[derive(Debug, Serialize)]
pub struct Found {
    rows: u64,
    /// About how many labels are wrong, by the confusion of classes.
    estimated: u64,
    unjudged: u64,
    /// The surest first.
    found: Vec<Suspect>,
    #[serde(skip)]
    export: Option<PathBuf>,
}

/// A row whose label is probably wrong.
#[derive(Debug, Serialize)]
pub struct Suspect {
    file: String,
    line: u64,
    label: String,
    /// The class that it probably is.
    suggested: String,
    /// The probability of its label, by a model that did not see it.
    quality: f64,
    text: String,
}

/// Looks for wrong labels; with `export`, writes all that were found as a table.
///
/// # Errors
/// A task without labels, data that cannot be read or trained on.
pub fn run<T: Mislabelled>(project: &Project, export: Option<&Path>, talk: &Talk) -> Result<Found> {
    let params = task::params::<T>(project)?;
    let judged = T::judged(project, &params, talk)?;
    let data = Labelled::new(&judged.probabilities, &judged.labels, judged.classes.len())
        .map_err(|error| exit::data(error.to_string()))?;
    let errors = Options::default().find(&data);
    let suspects = errors.rows.iter().map(|error| {
        let row = &judged.rows[error.row];
        Suspect {
            file: row.file.clone(),
            line: row.line,
            label: judged.classes[error.given as usize].clone(),
            suggested: judged.classes[error.suggested as usize].clone(),
            quality: error.quality,
            text: row.text.clone(),
        }
    });
    let found = Found {
        rows: judged.rows.len() as u64,
        estimated: errors.estimated,
        unjudged: judged.unjudged,
        found: suspects.collect(),
        export: export.map(Path::to_owned),
    };
    if let Some(path) = export {
        write(path, &found.found)?;
    }
    Ok(found)
}

/// Writes a table for whoever labels: where, what, the label, the suggestion, how probable the label is.
fn write(path: &Path, suspects: &[Suspect]) -> Result<()> {
    let table = |out: &mut dyn Write| -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["file", "line", "text", "label", "suggested", "quality"])?;
        for one in suspects {
            let (line, quality) = (one.line.to_string(), one.quality.to_string());
            writer.write_record([
                &one.file,
                &line,
                &one.text,
                &one.label,
                &one.suggested,
                &quality,
            ])?;
        }
        Ok(writer.flush()?)
    };
    Ok(atomic::write(path, |out| {
        table(out).map_err(std::io::Error::other)
    })?)
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let count = self.found.len();
        let share = 100.0 * count as f64 / self.rows.max(1) as f64;
        writeln!(
            f,
            "{count} of {} labels ({} %) are probably wrong; about {} are, by how classes are confused",
            self.rows,
            fixed(share, 2),
            self.estimated
        )?;
        for one in self.found.iter().take(SHOWN) {
            let Suspect {
                file,
                line,
                label,
                suggested,
                quality,
                text,
            } = one;
            let text = excerpt(&tables::shown(text), LETTERS);
            writeln!(
                f,
                "  {file}:{line}: `{label}` ({}), rather `{suggested}`: {text}",
                figure(*quality)
            )?;
        }
        if count > SHOWN {
            writeln!(
                f,
                "  and {} more; --export FILE.csv lists all",
                count - SHOWN
            )?;
        }
        if self.unjudged > 0 {
            writeln!(
                f,
                "  {} rows could not be judged: their class has no other row",
                self.unjudged
            )?;
        }
        match &self.export {
            Some(path) => writeln!(f, "{}", path.display()),
            None => Ok(()),
        }
    }
}
