//! Sends one record: finds or creates its run, sends what is missing, and reads it back.

use std::path::Path;

use super::client::Client;
use super::error::Error;
use super::record::{Artifact, Mirrored, RUN_TAG};
use super::state::{Missing, Sendable, State, Upload, status_word};
use super::text::without_secrets;
use super::wire::RunInfo;

/// A run that the server has given back as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Our id of the run.
    pub id: String,
    /// The server's id of it.
    pub run_id: String,
    /// The version of the registered model that was made of it.
    pub version: Option<String>,
    /// What was left out, and why: a sentence each.
    pub notes: Vec<String>,
}

/// How often what is missing is sent before the server is not believed any more.
const ROUNDS: usize = 3;

/// MLflow's limits of one batch (`MAX_PARAMS_TAGS_PER_BATCH`, `MAX_METRICS_PER_BATCH`).
const PAIRS: usize = 100;
const METRICS: usize = 1000;
/// Its limit of one request (`MAX_BATCH_LOG_REQUEST_SIZE`) is a million bytes; an escape can double
/// a text.
const PAIR_BYTES: usize = 400_000;

/// Sends the record in `folder`, which holds its artifacts.
pub(super) fn send(client: &Client, record: &Mirrored, folder: &Path) -> Result<Sent, Error> {
    let experiment = client.experiment(&record.experiment)?;
    let found = client.find_runs(&experiment, &record.id)?;
    let is_new = found.is_empty();
    let run = match first(found, record) {
        Some(run) => run,
        None => client.create_run(&experiment, record)?,
    };
    let (sendable, mut notes) = sendable(client, record, &run, folder)?;
    let job = Job {
        client,
        record,
        folder,
        experiment,
        run,
        sendable,
    };
    let state = job.finish(is_new)?;
    notes.append(&mut state.cuts(record));
    Ok(Sent {
        id: record.id.clone(),
        run_id: job.run.run_id,
        version: state.versions.first().cloned(),
        notes,
    })
}

/// One record on its way to its run.
struct Job<'a> {
    client: &'a Client,
    record: &'a Mirrored,
    folder: &'a Path,
    experiment: String,
    run: RunInfo,
    sendable: Sendable<'a>,
}

impl Job<'_> {
    /// Sends what is missing until nothing is. Returns what the server has in the end.
    fn finish(&self, is_new: bool) -> Result<State, Error> {
        let mut state = match is_new {
            true => State::created(self.record),
            false => self.read()?,
        };
        // Once a run has ended its aliases were set. They may have been moved since.
        let aliases = !state.has_ended(self.record);
        for _ in 0..ROUNDS {
            self.check_params(&state)?;
            let missing = state.missing(self.record, &self.sendable, aliases);
            if missing.describe().is_some() {
                self.push(&state, &missing)?;
            }
            state = self.read()?;
            let doubles = self.remove_doubles(&state)?;
            let missing = state
                .missing(self.record, &self.sendable, aliases)
                .describe();
            if !doubles && missing.is_none() {
                return Ok(state);
            }
        }
        self.check_params(&state)?;
        let missing = state
            .missing(self.record, &self.sendable, aliases)
            .describe();
        let what = missing.unwrap_or_else(|| "a run that is there once".to_owned());
        Err(Error::NotConfirmed {
            id: self.record.id.clone(),
            what,
        })
    }

    fn check_params(&self, state: &State) -> Result<(), Error> {
        match state.other_param(self.record) {
            None => Ok(()),
            Some(key) => Err(Error::Differs {
                id: self.record.id.clone(),
                key: key.to_owned(),
            }),
        }
    }

    fn read(&self) -> Result<State, Error> {
        State::read(self.client, self.record, &self.run.run_id, &self.sendable)
    }

    /// Deletes runs and model versions that requests of a killed client made beside ours. True if
    /// there was one.
    fn remove_doubles(&self, state: &State) -> Result<bool, Error> {
        let mut any = false;
        let found = self.client.find_runs(&self.experiment, &self.record.id)?;
        if !found.iter().any(|run| run.run_id == self.run.run_id) {
            // The next sync would not find it either, and make another.
            return Err(Error::NotConfirmed {
                id: self.record.id.clone(),
                what: format!("the run in a search for its tag {RUN_TAG}"),
            });
        }
        for double in found {
            if double.run_id != self.run.run_id {
                self.client.delete_run(&double.run_id)?;
                any = true;
            }
        }
        for (model, version) in self
            .sendable
            .model
            .iter()
            .zip(state.versions.iter().skip(1))
        {
            self.client.delete_version(&model.name, version)?;
            any = true;
        }
        Ok(any)
    }

    /// Sends in an order in which the end of the run comes last.
    fn push(&self, state: &State, missing: &Missing<'_>) -> Result<(), Error> {
        let (client, run_id) = (self.client, self.run.run_id.as_str());
        for batch in batches(&missing.params) {
            client.log_pairs(run_id, batch, &[])?;
        }
        for batch in batches(&missing.tags) {
            client.log_pairs(run_id, &[], batch)?;
        }
        for batch in missing.metrics.chunks(METRICS) {
            client.log_metrics(run_id, batch)?;
        }
        if !missing.datasets.is_empty() {
            client.log_inputs(run_id, &missing.datasets)?;
        }
        for artifact in &missing.artifacts {
            let path = format!("{}/{}", self.sendable.root, artifact.path);
            client.upload(&path, &self.folder.join(&artifact.file))?;
        }
        self.push_model(state, missing)?;
        match missing.end {
            true => client.update_run(run_id, self.record),
            false => Ok(()),
        }
    }

    fn push_model(&self, state: &State, missing: &Missing<'_>) -> Result<(), Error> {
        let (client, run) = (self.client, &self.run);
        let Some(model) = self.sendable.model else {
            return Ok(());
        };
        let version = match state.versions.first() {
            Some(version) => version.clone(),
            None => {
                client.create_model(&model.name)?;
                let source = format!("{}/{}", run.artifact_uri.trim_end_matches('/'), model.path);
                client.create_version(&model.name, &source, &run.run_id, &self.record.id)?
            }
        };
        for alias in &missing.aliases {
            client.set_alias(&model.name, alias, &version)?;
        }
        Ok(())
    }
}

/// Of several runs with one id, every attempt goes on with the same: the one that has ended, or
/// the first by its id.
fn first(mut found: Vec<RunInfo>, record: &Mirrored) -> Option<RunInfo> {
    let order = |run: &RunInfo| (run.status != status_word(record.status), run.run_id.clone());
    found.sort_by_key(order);
    found.into_iter().next()
}

/// What of the record can be sent to where the server keeps the run's artifacts.
fn sendable<'a>(
    client: &Client,
    record: &'a Mirrored,
    run: &RunInfo,
    folder: &Path,
) -> Result<(Sendable<'a>, Vec<String>), Error> {
    let mut notes = Vec::new();
    let root = artifact_root(client, &run.artifact_uri);
    let mut artifacts = Vec::new();
    if root.is_none() && !record.artifacts.is_empty() {
        let place = without_secrets(&run.artifact_uri).unwrap_or(run.artifact_uri.clone());
        notes.push(format!(
            "{} artifacts were not sent: the server keeps them at {}, not behind its artifact \
             proxy; start it with --serve-artifacts",
            record.artifacts.len(),
            client.clean(&place)
        ));
    } else {
        for artifact in &record.artifacts {
            match unchanged(artifact, folder)? {
                Some(length) => artifacts.push(Upload { artifact, length }),
                None => notes.push(format!(
                    "the artifact {} was not sent: its file was changed in place after training",
                    artifact.path
                )),
            }
        }
    }
    let whole = |artifact: &Artifact| {
        let mut sent = artifacts.iter();
        sent.any(|sent| sent.artifact.path == artifact.path)
    };
    let model = record.model.as_ref().filter(|model| {
        record
            .artifacts
            .iter()
            .filter(|artifact| model.holds(&artifact.path))
            .all(whole)
    });
    if let (Some(model), None) = (&record.model, model) {
        notes.push(format!(
            "no version of {} was made: its file was not sent",
            model.name
        ));
    }
    let root = root.unwrap_or_default();
    Ok((
        Sendable {
            root,
            artifacts,
            model,
        },
        notes,
    ))
}

/// The length of an artifact's file; None if its bytes are no longer those of the record.
fn unchanged(artifact: &Artifact, folder: &Path) -> Result<Option<u64>, Error> {
    let path = folder.join(&artifact.file);
    let read = files::digest::file(&path).and_then(|digest| {
        let length = std::fs::metadata(&path)?.len();
        Ok((digest == artifact.sha256).then_some(length))
    });
    read.map_err(|error| Error::File { path, error })
}

/// The path behind the server's artifact proxy; None for another place.
fn artifact_root(client: &Client, uri: &str) -> Option<String> {
    let path = uri.strip_prefix("mlflow-artifacts:")?;
    let path = match path.strip_prefix("//") {
        None => path,
        Some(rest) => {
            let (place, path) = rest.split_once('/')?;
            (place.is_empty() || place == client.origin().authority()).then_some(path)?
        }
    };
    let path = path.trim_matches('/');
    let plain = path.split('/').all(|part| !["", ".", ".."].contains(&part));
    plain.then(|| path.to_owned())
}

/// Pairs in batches of at most [`PAIRS`] and about [`PAIR_BYTES`].
fn batches<'s, 'a>(pairs: &'s [(&'a str, &'a str)]) -> Vec<&'s [(&'a str, &'a str)]> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, (key, value)) in pairs.iter().enumerate() {
        let more = key.len() + value.len();
        if at - start == PAIRS || (at > start && bytes + more > PAIR_BYTES) {
            batches.push(&pairs[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += more;
    }
    if start < pairs.len() {
        batches.push(&pairs[start..]);
    }
    batches
}
