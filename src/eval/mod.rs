//! `easylife evaluate`: measures the model on the test part -> metrics, plots, a page. Also `gate` and `compare`.

pub mod compare;
pub(crate) mod figures;
pub mod gate;
mod origin;
pub mod overview;
pub(crate) mod plots;

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

pub use self::overview::{Headline, Overview};
pub use self::plots::Plot;
use crate::exit;
use crate::outcome::number::{self, figure};
use crate::project::Project;
use crate::report::page::{self, Page};
use crate::talk::Talk;
use crate::task::{self, Part, Task, record};
use artifact::Header;
use files::atomic;
use registry::lineage::Named;
use registry::runs::Run;

/// What a task implements for `evaluate`.
pub trait Evaluate: Task {
    /// The file of `plots/TASK` with its results row by row.
    const RECORDED: compare::Recorded;
    /// How the page of all tasks shows this one.
    const OVERVIEW: Overview;

    /// Whether the test part is empty.
    fn is_empty(test: &Self::Data) -> bool;

    /// Measures `model` on the test part, which is not empty.
    fn evaluate(
        model: &Self::Model,
        header: &Header<Self::Details>,
        test: &Self::Data,
        seed: u64,
        talk: &Talk,
    ) -> Result<Evaluation>;
}

/// The outputs of an evaluation.
pub struct Evaluation {
    /// `metrics/TASK.json`: numbers at the top level, and the baseline as an object.
    pub metrics: serde_json::Value,
    /// Files of `plots/TASK`: name and content.
    pub plots: Vec<(&'static str, Plot)>,
    /// `reports/TASK.html`, without links and footer, which are added here.
    pub page: Page,
}

/// The content of `metrics/TASK.json`.
#[derive(Serialize)]
struct Metrics {
    #[serde(flatten)]
    figures: serde_json::Value,
    /// SHA-256 of the model file.
    model: String,
}

/// A written evaluation.
#[derive(Serialize)]
pub struct Evaluated {
    metrics: Metrics,
    files: [PathBuf; 3],
    /// The test part and the model.
    #[serde(skip)]
    inputs: [PathBuf; 2],
}

impl Evaluated {
    /// Adds to the record of a run what was measured, on what.
    ///
    /// # Errors
    /// A test part that cannot be read.
    pub fn record(&self, project: &Project, run: &mut Run) -> Result<()> {
        let [test, model] = &self.inputs;
        run.digests.data = vec![Named {
            path: project.shown(test),
            sha256: files::digest::file(test)?,
            rows: self.metrics.figures["rows"].as_u64(),
        }];
        run.digests.model = Some(Named {
            path: project.shown(model),
            sha256: self.metrics.model.clone(),
            rows: None,
        });
        run.files = self.files.iter().map(|file| project.shown(file)).collect();
        run.metrics = task::metrics::measured(&self.metrics.figures);
        Ok(())
    }
}

impl fmt::Display for Evaluated {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let metrics = &self.metrics.figures;
        let baseline = &metrics["baseline"];
        let entries = metrics.as_object().into_iter().flatten();
        for (name, value) in entries {
            if value.is_u64() {
                writeln!(f, "{name:<12} {value}")?;
                continue;
            }
            let Some(value) = value.as_f64() else {
                continue;
            };
            write!(f, "{name:<12} {}", figure(value))?;
            let interval = &metrics["intervals"][name];
            if let (Some(low), Some(high)) = (interval["low"].as_f64(), interval["high"].as_f64()) {
                write!(f, "   [{}, {}]", figure(low), figure(high))?;
            }
            if let Some(base) = baseline[name].as_f64() {
                write!(f, "   (baseline {})", figure(base))?;
            }
            writeln!(f)?;
        }
        let names: Vec<String> = self.files.iter().map(|p| p.display().to_string()).collect();
        writeln!(f, "{}", names.join(", "))
    }
}

/// Evaluates the project's model of `T` on its test part.
pub fn run<T: Evaluate>(project: &Project, talk: &Talk) -> Result<Evaluated> {
    let record::Followed { params, said } =
        record::follow::<T>(project, record::DifferentParts::Allowed)?;
    said.iter().for_each(|said| talk.note(said));
    let path = project.model(T::NAME);
    let task::Loaded { header, model, .. } = task::load_file::<T>(&path)?;
    refuse_other_split::<T>(project, &path, &header)?;
    let test = T::load(project, Part::Test, &params)?;
    if T::is_empty(&test) {
        return Err(exit::usage(format!(
            "the test part of {task} is empty, so there is nothing to measure; set \
             {task}.split.test above 0 or name a test part with {task}.data.test, then prepare and \
             train again",
            task = T::NAME
        )));
    }

    let evaluation = T::evaluate(&model, &header, &test, project.params().seed, talk)?;

    let files = [
        project.metrics(T::NAME),
        project.plots(T::NAME),
        project.report(T::NAME),
    ];
    let metrics = Metrics {
        figures: evaluation.metrics,
        model: files::digest::file(&path)?,
    };
    let mut text = number::pretty_json(&metrics)?;
    text.push('\n');
    atomic::write(&files[0], |out| out.write_all(text.as_bytes()))?;
    atomic::folder(&files[1], |folder| {
        let mut plots = evaluation.plots.into_iter();
        plots.try_for_each(|(name, plot)| {
            let mut out = BufWriter::new(File::create(folder.join(name))?);
            plot(&mut out)?;
            out.flush()
        })
    })?;
    let page = Page {
        links: page::links(T::NAME, page::Kind::Evaluation),
        origin: Some(origin::of::<T>(project, &header, &metrics.model)?),
        ..evaluation.page
    };
    atomic::write(&files[2], |out| out.write_all(page.render().as_bytes()))?;
    let test = task::part_path::<T>(project, Part::Test)?;
    Ok(Evaluated {
        metrics,
        files,
        inputs: [test, path],
    })
}

/// Refuses a model trained on another split: the test part may hold rows of its training part, which would make
/// its metrics too good.
fn refuse_other_split<T: Task>(
    project: &Project,
    model: &Path,
    header: &Header<T::Details>,
) -> Result<()> {
    let training = task::part_path::<T>(project, Part::Train)?;
    if files::digest::file(&training)? == header.provenance.training.sha256 {
        return Ok(());
    }
    Err(exit::usage(format!(
        "{} was trained on another split than the one in {}; retrain it with `easylife train {}`",
        model.display(),
        project.processed(T::NAME).display(),
        T::NAME
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_with_interval_and_baseline() {
        let figures = serde_json::json!({
            "accuracy": 0.8712,
            "rows": 120,
            "note": "not a number",
            "intervals": {"accuracy": {"low": 0.81, "high": 0.92}},
            "log_loss": 0.35,
            "baseline": {"accuracy": 0.5, "log_loss": 0.693},
        });
        let evaluated = Evaluated {
            metrics: Metrics {
                figures,
                model: "0".to_owned(),
            },
            files: ["m.json", "plots", "r.html"].map(PathBuf::from),
            inputs: ["test.csv", "nlp.safetensors"].map(PathBuf::from),
        };
        assert_eq!(
            evaluated.to_string(),
            "accuracy     0.8712   [0.8100, 0.9200]   (baseline 0.5000)\nrows         120\n\
             log_loss     0.3500   (baseline 0.6930)\nm.json, plots, r.html\n"
        );
        let json = serde_json::to_value(&evaluated).unwrap();
        assert_eq!(json["metrics"]["model"], "0");
        assert_eq!(json["metrics"]["rows"], 120);
    }
}
