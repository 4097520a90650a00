//! `easylife inspect`: describes a model file without using it: the inputs it expects, what was chosen and why,
//! its metrics, and its training data. `--json` and `-v` also show the raw header and the tensors.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::exit;
use crate::outcome::number::figure;
use crate::project::Project;
use crate::task::Task;
use artifact::{Description, Field, Header, TensorInfo};

/// Classes shown as text; JSON has all.
const CLASSES_SHOWN: usize = 12;
/// Metrics shown as text, the first in the file.
const METRICS_SHOWN: usize = 4;
/// Letters of a digest shown as text.
const DIGEST_SHOWN: usize = 12;

/// What a task implements for `inspect`.
pub trait Inspect: Task {
    /// What was chosen and why, according to the header.
    fn describe(header: &Header<Self::Details>) -> Vec<Line>;
}

/// A line with a label; an empty label continues the line before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    label: &'static str,
    text: String,
}

impl Line {
    /// A labelled text.
    pub fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self {
            label,
            text: text.into(),
        }
    }
}

/// The description of a model file.
#[derive(Serialize)]
pub struct Inspected {
    path: PathBuf,
    bytes: u64,
    #[serde(flatten)]
    header: Header<Value>,
    tensors: Vec<TensorInfo>,
    /// What was chosen and why, in words.
    #[serde(skip)]
    choices: Vec<Line>,
    /// Its metrics.
    #[serde(skip_serializing_if = "Measured::is_absent")]
    measured: Measured,
    /// Whether to show the raw header, too.
    #[serde(skip)]
    raw: bool,
}

/// The metrics of a model in `metrics/TASK.json`.
enum Measured {
    /// There is no such file.
    Absent,
    /// The file is about another model.
    OfAnother(PathBuf),
    /// The metrics.
    Of(PathBuf, Value),
}

impl Measured {
    fn is_absent(&self) -> bool {
        !matches!(self, Measured::Of(..))
    }

    /// Reads the project's metrics file of a task, if it is about this model.
    fn find(project: Option<&Project>, task: &str, model: &Path) -> Result<Self> {
        let Some(path) = project.map(|project| project.metrics(task)) else {
            return Ok(Measured::Absent);
        };
        let Ok(bytes) = std::fs::read(&path) else {
            return Ok(Measured::Absent);
        };
        let Ok(metrics) = serde_json::from_slice::<Value>(&bytes) else {
            return Ok(Measured::Absent);
        };
        match metrics["model"] == files::digest::file(model)?.as_str() {
            true => Ok(Measured::Of(path, metrics)),
            false => Ok(Measured::OfAnother(path)),
        }
    }

    fn line(&self, task: &str) -> String {
        match self {
            Measured::Absent => format!("not yet; run `easylife evaluate {task}`"),
            Measured::OfAnother(path) => format!(
                "not yet: {} is about another model; run `easylife evaluate {task}`",
                path.display()
            ),
            Measured::Of(path, metrics) => {
                format!("{} ({})", headline(metrics), path.display())
            }
        }
    }
}

impl Serialize for Measured {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Measured::Of(_, metrics) => metrics.serialize(serializer),
            _ => serializer.serialize_none(),
        }
    }
}

/// The first numbers of a metrics file, with intervals and baselines where it has them.
fn headline(metrics: &Value) -> String {
    let numbers = metrics.as_object().into_iter().flatten();
    let numbers = numbers.filter_map(|(name, value)| Some((name, value.as_f64()?)));
    let described = numbers.take(METRICS_SHOWN).map(|(name, value)| {
        let mut text = format!("{name} {}", figure(value));
        let interval = &metrics["intervals"][name];
        if let (Some(low), Some(high)) = (interval["low"].as_f64(), interval["high"].as_f64()) {
            text += &format!(" [{}, {}]", figure(low), figure(high));
        }
        match metrics["baseline"][name].as_f64() {
            Some(baseline) => text + &format!(" (baseline {})", figure(baseline)),
            None => text,
        }
    });
    described.collect::<Vec<_>>().join(", ")
}

/// The task of a model file.
///
/// # Errors
/// A file that is not a model.
pub fn task_of(path: &Path) -> Result<String> {
    Ok(artifact::describe(path)?.header.task)
}

/// Reads and checks a model file of `T`. `raw`: show the raw header, too.
///
/// # Errors
/// A file that is not a model of `T`.
pub fn run<T: Inspect>(project: Option<&Project>, path: &Path, raw: bool) -> Result<Inspected> {
    let Description { header, tensors } = artifact::describe(path)?;
    let choices = match serde_json::from_value(header.details.clone()) {
        Ok(details) => T::describe(&Header {
            task: header.task.clone(),
            provenance: header.provenance.clone(),
            signature: header.signature.clone(),
            details,
        }),
        // Details of another version are shown as they are.
        Err(_) => vec![Line::new("settings", header.details.to_string())],
    };
    Ok(Inspected {
        bytes: std::fs::metadata(path)?.len(),
        path: path.to_owned(),
        measured: Measured::find(project, T::NAME, path)?,
        header,
        tensors,
        choices,
        raw,
    })
}

impl Inspected {
    fn lines(&self) -> Vec<Line> {
        let header = &self.header;
        let provenance = &header.provenance;
        let mut lines = vec![
            Line::new(
                "model of",
                format!("{}, by easylife {}", header.task, provenance.version),
            ),
            Line::new("expects", fields(&header.signature.inputs)),
            Line::new("answers", fields(&header.signature.outputs)),
        ];
        lines.extend(classes(&header.signature.classes));
        lines.extend(self.choices.iter().cloned());
        lines.push(Line::new("measured", self.measured.line(&header.task)));
        let training = &provenance.training;
        lines.push(Line::new(
            "trained on",
            format!(
                "{} rows of data/processed/{}/train.csv (sha256 {}…), seed {}",
                training.rows,
                header.task,
                &training
                    .sha256
                    .chars()
                    .take(DIGEST_SHOWN)
                    .collect::<String>(),
                provenance.seed
            ),
        ));
        lines
    }

    fn raw_lines(&self) -> Vec<Line> {
        let mut lines = vec![
            Line::new("sha256", self.header.provenance.training.sha256.clone()),
            Line::new("details", self.header.details.to_string()),
        ];
        lines.extend(self.tensors.iter().map(|tensor| {
            let TensorInfo {
                name,
                dtype,
                shape,
                bytes,
            } = tensor;
            Line::new("tensor", format!("{name} {dtype} {shape:?}, {bytes} bytes"))
        }));
        lines
    }
}

fn classes(names: &[String]) -> Option<Line> {
    let shown = &names[..names.len().min(CLASSES_SHOWN)];
    let mut text = shown.join(", ");
    if names.len() > shown.len() {
        text += &format!(" and {} more", names.len() - shown.len());
    }
    (!names.is_empty()).then(|| Line::new("classes", text))
}

impl fmt::Display for Inspected {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}: {} bytes", self.path.display(), self.bytes)?;
        let mut lines = self.lines();
        if self.raw {
            lines.extend(self.raw_lines());
        }
        for Line { label, text } in &lines {
            writeln!(f, "{label:<11} {text}")?;
        }
        match self.raw {
            true => Ok(()),
            false => writeln!(
                f,
                "(-v also shows the raw header and the tensors, --json everything)"
            ),
        }
    }
}

/// Columns with their types; `?` marks optional ones.
fn fields(fields: &[Field]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|field| {
            let mark = if field.optional { "?" } else { "" };
            format!("{}{mark} ({})", field.name, field.data_type)
        })
        .collect();
    fields.join(", ")
}

/// The project's model file of `T`.
///
/// # Errors
/// Without a project or a model.
pub fn path_of<T: Task>(project: Option<&Project>) -> Result<PathBuf> {
    let project = project.ok_or_else(|| {
        exit::usage(format!(
            "not in a project, so there is no model of {}; name a model file, or a project with --project",
            T::NAME
        ))
    })?;
    let path = project.model(T::NAME);
    match path.exists() {
        true => Ok(path),
        false => Err(exit::usage(format!(
            "{} does not exist; create it with `easylife train {}`",
            path.display(),
            T::NAME
        ))),
    }
}
