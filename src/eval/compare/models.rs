//! Compares two model files: their headers, and their metrics on the test part of the project.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::outcomes::Outcomes;
use super::{Compared, Comparison, TaskOutcomes, changes, flatten};
use crate::eval::Evaluate;
use crate::exit;
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{self, Part};
use artifact::Description;

/// The task of two model files.
///
/// # Errors
/// Files that are not models, or models of different tasks.
pub fn task_of(a: &Path, b: &Path) -> Result<String> {
    let [of_a, of_b] = [a, b].map(artifact::describe);
    let (of_a, of_b) = (of_a?.header.task, of_b?.header.task);
    match of_a == of_b {
        true => Ok(of_a),
        false => Err(exit::usage(format!(
            "{} is a model of {of_a}, {} one of {of_b}; name two models of one task",
            a.display(),
            b.display()
        ))),
    }
}

/// Compares two models of `T`.
///
/// # Errors
/// A file that cannot be read.
pub fn run<T: Evaluate>(
    project: Option<&Project>,
    (a, b): (&Path, &Path),
    outcomes: &TaskOutcomes,
    talk: &Talk,
) -> Result<Comparison> {
    let [of_a, of_b] = [a, b].map(artifact::describe);
    let (of_a, of_b) = (of_a?, of_b?);
    let mut comparison = Comparison {
        a: a.display().to_string(),
        b: b.display().to_string(),
        tasks: Vec::new(),
        parameters: changes(parameters(&of_a), parameters(&of_b)),
        data: changes(digests(a, &of_a)?, digests(b, &of_b)?),
        notes: Vec::new(),
    };
    match scored::<T>(project, [a, b], outcomes, talk) {
        Ok(compared) => comparison.tasks.push(compared),
        Err(error) => {
            comparison
                .notes
                .push(format!("no metrics are compared: {error:#}"));
        }
    }
    Ok(comparison)
}

/// The parameters of a model, from its header.
fn parameters(description: &Description) -> BTreeMap<String, Value> {
    let header = &description.header;
    let mut tree = header.details.clone();
    // The results of a search are not parameters; its inputs are among the settings.
    if let Some(details) = tree.as_object_mut() {
        details.retain(|key, _| !["held_out", "search", "later"].contains(&key.as_str()));
    }
    let mut flat = flatten(&tree);
    flat.insert("easylife".to_owned(), json!(header.provenance.version));
    flat.insert("seed".to_owned(), json!(header.provenance.seed));
    let fields = |fields: &[artifact::Field]| {
        let fields = fields
            .iter()
            .map(|field| format!("{} ({})", field.name, field.data_type));
        json!(fields.collect::<Vec<_>>().join(", "))
    };
    flat.insert("inputs".to_owned(), fields(&header.signature.inputs));
    flat.insert("outputs".to_owned(), fields(&header.signature.outputs));
    flat.insert("classes".to_owned(), json!(header.signature.classes));
    flat
}

fn digests(path: &Path, description: &Description) -> Result<BTreeMap<String, Value>> {
    let training = &description.header.provenance.training;
    Ok(BTreeMap::from([
        ("model file".to_owned(), json!(files::digest::file(path)?)),
        ("training data".to_owned(), json!(training.sha256)),
        ("training rows".to_owned(), json!(training.rows)),
    ]))
}

/// Scores both models on the test part of the project, which neither may have been trained on.
fn scored<T: Evaluate>(
    project: Option<&Project>,
    models: [&Path; 2],
    outcomes: &TaskOutcomes,
    talk: &Talk,
) -> Result<Compared> {
    let project = project.ok_or_else(|| {
        exit::usage("metrics need the test part of a project; run inside a project, or name one with --project")
    })?;
    let params = task::params::<T>(project)?;
    let test = T::load(project, Part::Test, &params)?;
    anyhow::ensure!(!T::is_empty(&test), "the test part of {} is empty", T::NAME);
    let mut sides = Vec::new();
    for path in models {
        let loaded = task::load_file::<T>(path)?;
        crate::eval::refuse_other_split::<T>(project, path, &loaded.header)?;
        let seed = project.params().seed;
        let evaluation = T::evaluate(&loaded.model, &loaded.header, &test, seed, talk)?;
        let mut plots = BTreeMap::new();
        for (name, plot) in evaluation.plots {
            let mut bytes = Vec::new();
            plot(&mut bytes as &mut dyn Write)?;
            plots.insert(name, bytes);
        }
        let rows = Outcomes::read(outcomes, &mut |file| Ok(plots.remove(file)))?;
        sides.push((evaluation.metrics, rows));
    }
    let [(a, of_a), (b, of_b)] =
        <[_; 2]>::try_from(sides).map_err(|_| anyhow::anyhow!("two models are compared"))?;
    Ok(Compared::new(
        T::NAME,
        (&a, &b),
        of_a.zip(of_b),
        project.params().seed,
    ))
}
