//! `easylife evaluate`: the model against the test part -> metrics, plots, a page. And `gate`.

pub mod gate;

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::project::Project;
use crate::talk::Talk;
use crate::task::{self, Part, Task};
use artifact::Header;
use files::atomic;
use models::state::Stateful;

/// What a task says to be evaluated.
pub trait Evaluate: Task {
    /// Measures `model` on the test part.
    fn evaluate(
        model: &Self::Model,
        header: &Header,
        test: &Self::Data,
        seed: u64,
        talk: &Talk,
    ) -> Result<Evaluation>;
}

/// Everything that comes out of an evaluation.
pub struct Evaluation {
    /// `metrics/TASK.json`: plain numbers at the top, the baseline below them.
    pub metrics: serde_json::Value,
    /// Files of `plots/TASK`: name and content.
    pub plots: Vec<(&'static str, Plot)>,
    /// `reports/TASK.html`.
    pub page: String,
}

/// Writes the content of a file: rows of many series need not be in memory as text.
pub type Plot = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()>>;

/// Plots that are made already.
pub(crate) fn made(plots: Vec<(&'static str, Vec<u8>)>) -> Vec<(&'static str, Plot)> {
    let plot = |content: Vec<u8>| -> Plot { Box::new(move |out| out.write_all(&content)) };
    (plots.into_iter())
        .map(|(name, content)| (name, plot(content)))
        .collect()
}

/// An evaluation, written.
#[derive(Serialize)]
pub struct Evaluated {
    metrics: serde_json::Value,
    files: [PathBuf; 3],
}

impl fmt::Display for Evaluated {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let baseline = &self.metrics["baseline"];
        let entries = self.metrics.as_object().into_iter().flatten();
        for (name, value) in entries {
            if value.is_u64() {
                writeln!(f, "{name:<12} {value}")?;
                continue;
            }
            let Some(value) = value.as_f64() else {
                continue;
            };
            write!(f, "{name:<12} {}", short(value))?;
            let interval = &self.metrics["intervals"][name];
            if let (Some(low), Some(high)) = (interval["low"].as_f64(), interval["high"].as_f64()) {
                write!(f, "   [{}, {}]", short(low), short(high))?;
            }
            if let Some(base) = baseline[name].as_f64() {
                write!(f, "   (baseline {})", short(base))?;
            }
            writeln!(f)?;
        }
        let names: Vec<String> = self.files.iter().map(|p| p.display().to_string()).collect();
        writeln!(f, "{}", names.join(", "))
    }
}

/// Counts as they are, other numbers to four places.
fn short(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() >= 1.0 {
        format!("{value}")
    } else {
        format!("{value:.4}")
    }
}

/// Evaluates the project's model of `T` on its test part.
pub fn run<T: Evaluate>(project: &Project, talk: &Talk) -> Result<Evaluated> {
    let params = task::params::<T>(project)?;
    let (header, state) = artifact::load(&project.model(T::NAME), Some(T::NAME))?;
    let model = T::Model::take_state(state)
        .with_context(|| project.model(T::NAME).display().to_string())?;
    let test = T::load(project, Part::Test, &params)?;

    let evaluation = T::evaluate(&model, &header, &test, project.params().seed, talk)?;

    let files = [
        project.metrics(T::NAME),
        project.plots(T::NAME),
        project.report(T::NAME),
    ];
    let mut text = serde_json::to_vec_pretty(&evaluation.metrics)?;
    text.push(b'\n');
    atomic::write(&files[0], |out| out.write_all(&text))?;
    atomic::folder(&files[1], |folder| {
        let mut plots = evaluation.plots.into_iter();
        plots.try_for_each(|(name, plot)| {
            let mut out = BufWriter::new(File::create(folder.join(name))?);
            plot(&mut out)?;
            out.flush()
        })
    })?;
    atomic::write(&files[2], |out| out.write_all(evaluation.page.as_bytes()))?;
    Ok(Evaluated {
        metrics: evaluation.metrics,
        files,
    })
}
