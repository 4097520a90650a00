//! Runs for an MLflow server: kept in a spool, which no server slows down, and sent from there.
//!
//! With `MLFLOW_TRACKING_URI` set, a recorded run is put into the spool, and a process of its own sends it while the
//! verb goes on and ends. What it cannot send stays, for the next one and for `easylife runs sync`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::exit;
use crate::memory::mlflow::{send_beside, settings, spool};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::Tracked;
use files::lock::LockError;
use registry::mlflow::{Artifact, Dataset, Metric, Mirrored, Report, Server, SpoolError, Status};
use registry::runs::{Outcome, Run};

/// Puts a recorded run into the spool and has it sent; a warning where that is not possible.
pub fn mirror(project: &Project, run: &Run, tracked: Tracked, talk: &Talk) {
    let put = || -> Result<bool> {
        let Some(settings) = settings()? else {
            return Ok(false);
        };
        let experiment = settings.experiment().unwrap_or(tracked.experiment);
        let record = record(project, run, experiment, tracked.run)?;
        let notes = spool(project).put(record)?;
        notes.iter().for_each(|note| talk.detail(note));
        Ok(true)
    };
    match put() {
        Ok(true) => send_beside(project, talk),
        Ok(false) => {}
        Err(error) => talk.warn(format!("the run is not mirrored to MLflow: {error:#}")),
    }
}

/// What the server gets of a run: names, numbers and digests; and, of an evaluation, the page, plots, metrics and model.
fn record(project: &Project, run: &Run, experiment: &str, name: &str) -> Result<Mirrored> {
    let start = run.started.as_millisecond();
    let end = start + (run.seconds * 1e3) as i64;
    let params = run.params.iter();
    let context = if run.verb == "train" {
        "training"
    } else {
        "testing"
    };
    let is_whole = run.outcome == Outcome::Finished;
    Ok(Mirrored {
        id: run.id.clone(),
        experiment: experiment.to_owned(),
        run_name: name.to_owned(),
        start_ms: start,
        end_ms: end,
        status: if is_whole {
            Status::Finished
        } else {
            Status::Failed
        },
        source_name: format!("easylife {} {}", run.verb, run.task),
        git_commit: run.git.as_ref().map(|git| git.commit.clone()),
        version: run.version.clone(),
        params: params
            .map(|(key, value)| (key.clone(), value.to_string()))
            .collect(),
        metrics: { run.metrics.iter() }
            .map(|metric| (metric.name.clone(), metric.value))
            .chain([("seconds".to_owned(), run.seconds)])
            .chain(
                run.peak_memory
                    .map(|bytes| ("peak_memory".to_owned(), bytes as f64)),
            )
            .map(|(key, value)| Metric {
                key,
                value,
                timestamp: end,
                step: 0,
            })
            .collect(),
        tags: tags(run),
        datasets: { run.digests.data.iter() }
            .map(|data| Dataset {
                name: data.path.clone(),
                digest: data.sha256.clone(),
                source_type: "local".to_owned(),
                context: context.to_owned(),
            })
            .collect(),
        artifacts: match run.verb.as_str() {
            "evaluate" if is_whole => artifacts(project, run)?,
            _ => Vec::new(),
        },
        model: None,
    })
}

fn tags(run: &Run) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::from([
        ("easylife.verb".to_owned(), run.verb.clone()),
        ("easylife.task".to_owned(), run.task.clone()),
    ]);
    let model = run.digests.model.as_ref().map(|model| &model.sha256);
    let digests = [
        ("easylife.model", model),
        ("easylife.params", run.digests.params.as_ref()),
        ("easylife.lock", run.digests.lock.as_ref()),
    ];
    for (key, digest) in digests {
        tags.extend(digest.map(|digest| (key.to_owned(), digest.clone())));
    }
    if let Some(git) = &run.git {
        tags.insert("easylife.git.clean".to_owned(), git.clean.to_string());
    }
    tags
}

/// The files that an evaluation wrote, and the model that it measured, under the names that they have in the project.
fn artifacts(project: &Project, run: &Run) -> Result<Vec<Artifact>> {
    let mut files = Vec::new();
    for name in &run.files {
        let path = project.path(name);
        match path.is_dir() {
            true => {
                for entry in std::fs::read_dir(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?
                {
                    let entry = entry?.path();
                    if entry.is_file() {
                        let inner =
                            files::names::spell(entry.file_name().map_or(&entry, Path::new));
                        files.push((format!("{name}/{inner}"), entry));
                    }
                }
            }
            false => files.push((name.clone(), path)),
        }
    }
    files.sort();
    let model = run.digests.model.as_ref().map(|model| &model.path);
    files.extend(model.map(|name| (name.clone(), project.path(name))));
    let artifact = |(path, file): (String, PathBuf)| {
        let sha256 = files::digest::file(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Artifact { path, file, sha256 })
    };
    files.into_iter().map(artifact).collect()
}

/// What became of the records in the spool.
#[derive(Serialize)]
pub struct Synced {
    server: String,
    sent: Vec<Line>,
    failed: Vec<Line>,
    waiting: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    id: String,
    /// The run on the server, or why there is none.
    what: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// Sends what waits to the server that `MLFLOW_TRACKING_URI` names; with `wait`, once another process that is sending
/// has ended.
///
/// # Errors
/// If it names none, or another process is sending.
pub fn sync(project: &Project, wait: bool) -> Result<Synced> {
    let spool = match wait {
        true => spool(project).waiting_for_others(),
        false => spool(project),
    };
    let server = Server::from_env().map_err(|error| exit::usage(error.to_string()))?;
    let report = spool.sync(&server).map_err(|error| match error {
        SpoolError::Lock(LockError::Held { .. }) => {
            exit::locked("another process is sending what waits; wait for it with --wait")
        }
        error => error.into(),
    })?;
    Ok(Synced::of(server.origin(), report))
}

impl Synced {
    fn of(server: String, report: Report) -> Self {
        let sent = report.sent.into_iter().map(|sent| Line {
            id: sent.id,
            what: sent.run_id,
            notes: sent.notes,
        });
        let moved = report.moved.into_iter().map(|moved| Line {
            id: moved.id,
            what: moved.version.map_or_else(
                || "no version".to_owned(),
                |version| format!("version {version}"),
            ),
            notes: moved.notes,
        });
        let failed = report.failed.into_iter().map(|failed| Line {
            id: failed.id,
            what: format!("{:#}", anyhow::Error::from(failed.error)),
            notes: Vec::new(),
        });
        Self {
            server,
            sent: sent.chain(moved).collect(),
            failed: failed.collect(),
            waiting: report.waiting,
        }
    }

    /// Whether nothing is left to send.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.waiting.is_empty()
    }
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for Line { id, what, notes } in &self.sent {
            writeln!(f, "sent {id}: {what}")?;
            notes.iter().try_for_each(|note| writeln!(f, "  {note}"))?;
        }
        for Line { id, what, .. } in &self.failed {
            writeln!(f, "not sent {id}: {what}")?;
        }
        let waiting = self.failed.len() + self.waiting.len();
        writeln!(
            f,
            "{}: {} sent, {waiting} waiting",
            self.server,
            self.sent.len()
        )
    }
}
