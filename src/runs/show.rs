//! One run, with the evaluations of the model that it trained, or the training of the model that it evaluated.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use super::select::{Cell, outcome};
use super::{find, open};
use crate::outcome::number::figure;
use crate::outcome::table;
use crate::project::Project;
use registry::lineage::Named;
use registry::runs::{Outcome, Run};

/// A run, and others of the same model.
#[derive(Serialize)]
pub struct Shown {
    run: Run,
    /// Ids of other runs that made or evaluated the same model.
    same_model: Vec<Same>,
}

/// Another run of the same model.
#[derive(Serialize)]
struct Same {
    id: String,
    verb: String,
}

/// Shows the run that a word names; see [`find`].
///
/// # Errors
/// None, or several.
pub fn show(project: &Project, word: &str) -> Result<Shown> {
    let run = find(project, word)?;
    let all = match open(project)? {
        Some(runs) => runs.all()?.0,
        None => Vec::new(),
    };
    let model = |run: &Run| run.digests.model.as_ref().map(|model| model.sha256.clone());
    let same = all
        .into_iter()
        .filter(|other| other.id != run.id && model(other).is_some() && model(other) == model(&run))
        .map(|other| Same {
            id: other.id,
            verb: other.verb,
        });
    Ok(Shown {
        same_model: same.collect(),
        run,
    })
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let run = &self.run;
        writeln!(f, "{} {}, {}", run.verb, run.task, outcome(&run.outcome))?;
        if let Outcome::Failed { message } = &run.outcome {
            writeln!(f, "  {message}")?;
        }
        table::write(f, "", &self.facts(), |_| false)?;
        if !run.metrics.is_empty() {
            writeln!(f, "\nmetrics")?;
            let metrics = run.metrics.iter().map(|metric| {
                let interval = match (metric.low, metric.high) {
                    (Some(low), Some(high)) => format!("[{}, {}]", figure(low), figure(high)),
                    _ => String::new(),
                };
                line(&[&metric.name, &figure(metric.value), &interval])
            });
            table::write(f, "", &metrics.collect::<Vec<_>>(), |_| false)?;
        }
        writeln!(f, "\nparameters")?;
        let parameters = run.params.iter();
        let parameters =
            parameters.map(|(key, value)| line(&[key, &Cell::of_value(value).to_string()]));
        table::write(f, "", &parameters.collect::<Vec<_>>(), |_| false)
    }
}

impl Shown {
    fn facts(&self) -> Vec<Vec<String>> {
        let run = &self.run;
        let mut facts = vec![
            line(&["run", &run.id]),
            line(&[
                "started",
                &run.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            ]),
            line(&["took", &took(run)]),
            line(&["version", &run.version]),
        ];
        if let Some(git) = &run.git {
            let branch = git.branch.as_deref().map_or_else(String::new, |branch| {
                format!(" on {}", tables::shown(branch))
            });
            let changed = if git.clean {
                ""
            } else {
                ", with changed files"
            };
            facts.push(line(&[
                "commit",
                &format!("{}{branch}{changed}", git.commit),
            ]));
        }
        let named = |name: &str, file: &Named| {
            let rows = file
                .rows
                .map_or_else(String::new, |rows| format!(", {rows} rows"));
            line(&[name, &format!("{} {}{rows}", file.sha256, file.path)])
        };
        facts.extend(run.digests.data.iter().map(|data| named("data", data)));
        facts.extend(run.digests.model.iter().map(|model| named("model", model)));
        let digests = [
            ("params.yaml", &run.digests.params),
            ("dvc.lock", &run.digests.lock),
        ];
        for (name, digest) in digests {
            facts.extend(digest.iter().map(|digest| line(&[name, digest])));
        }
        if !run.files.is_empty() {
            facts.push(line(&["wrote", &run.files.join(", ")]));
        }
        let same = |verb: &str, what: &str| -> Option<Vec<String>> {
            let ids = self.same_model.iter().filter(|same| same.verb == verb);
            let ids: Vec<&str> = ids.map(|same| same.id.as_str()).collect();
            (!ids.is_empty()).then(|| line(&[what, &ids.join(", ")]))
        };
        facts.extend(same("train", "trained by"));
        facts.extend(same("evaluate", "evaluated by"));
        facts
    }
}

fn took(run: &Run) -> String {
    let mut took = format!("{:.2} s", run.seconds);
    if let Some(cpu) = run.cpu_seconds {
        took += &format!(", {cpu:.2} s of CPU");
    }
    if let Some(bytes) = run.peak_memory {
        took += &format!(", {:.0} MB of memory at most", bytes as f64 / 1e6);
    }
    took
}

fn line(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}
