//! What a server has of a record, and what is missing there.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::client::Client;
use super::error::Error;
use super::record::{
    Artifact, Dataset, Identity, Metric, Mirrored, ModelVersion, Status, short_digest,
};
use super::wire;

/// What the server has of a run.
#[derive(Default)]
pub(super) struct State {
    params: HashMap<String, String>,
    tags: HashMap<String, String>,
    /// By key.
    metrics: HashMap<String, HashSet<Identity>>,
    datasets: HashSet<(String, String)>,
    /// Paths of the artifacts whose bytes are there.
    artifacts: HashSet<String>,
    /// Versions of the record's registered model made by this run, oldest first.
    pub versions: Vec<String>,
    /// Aliases that point to the first of these.
    aliases: HashSet<String>,
    status: String,
    end_ms: i64,
}

/// What the server lacks.
#[derive(Default)]
pub(super) struct Missing<'a> {
    pub params: Vec<(&'a str, &'a str)>,
    pub tags: Vec<(&'a str, &'a str)>,
    pub metrics: Vec<&'a Metric>,
    pub datasets: Vec<&'a Dataset>,
    pub artifacts: Vec<&'a Artifact>,
    /// The model has no version yet.
    pub version: Option<&'a ModelVersion>,
    pub aliases: Vec<&'a str>,
    /// Status and end are not set yet.
    pub end: bool,
}

/// The run's artifacts and model as far as they can be sent.
pub(super) struct Sendable<'a> {
    /// The run's root in the artifact store.
    pub root: String,
    pub artifacts: Vec<Upload<'a>>,
    pub model: Option<&'a ModelVersion>,
}

/// An artifact whose file is as it was when the record was made.
#[derive(Clone, Copy)]
pub(super) struct Upload<'a> {
    pub artifact: &'a Artifact,
    /// In bytes.
    pub length: u64,
}

impl State {
    /// What the server has of a run that it has just created.
    pub fn created(record: &Mirrored) -> Self {
        let tags = record.all_tags().into_iter();
        let tags = tags
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Self {
            tags,
            ..Self::default()
        }
    }

    pub fn read(
        client: &Client,
        record: &Mirrored,
        run_id: &str,
        sendable: &Sendable<'_>,
    ) -> Result<Self, Error> {
        let run = client.run(run_id)?;
        let mut state = Self {
            status: run.info.status,
            end_ms: run.info.end_time,
            params: by_key(run.data.params),
            tags: by_key(run.data.tags),
            ..Self::default()
        };
        for input in run.inputs.dataset_inputs {
            state
                .datasets
                .insert((input.dataset.name, input.dataset.digest));
        }
        state.read_metrics(client, record, run_id, run.data.metrics)?;
        state.read_artifacts(client, sendable)?;
        state.read_model(client, run_id, sendable.model)?;
        Ok(state)
    }

    /// The run itself has the last value of each metric; the others are asked for.
    fn read_metrics(
        &mut self,
        client: &Client,
        record: &Mirrored,
        run_id: &str,
        last: Vec<wire::GotMetric>,
    ) -> Result<(), Error> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for metric in &record.metrics {
            *counts.entry(&metric.key).or_default() += 1;
        }
        for metric in last {
            match counts.get(metric.key.as_str()) {
                Some(&count) if count > 1 => {
                    let history = client.history(run_id, &metric.key)?;
                    let values = history.into_iter().map(identity).collect();
                    self.metrics.insert(metric.key, values);
                }
                _ => {
                    let key = metric.key.clone();
                    self.metrics.insert(key, HashSet::from([identity(metric)]));
                }
            }
        }
        Ok(())
    }

    fn read_artifacts(&mut self, client: &Client, sendable: &Sendable<'_>) -> Result<(), Error> {
        let mut folders: HashMap<String, Vec<wire::FileInfo>> = HashMap::new();
        for &Upload { artifact, length } in &sendable.artifacts {
            let path = format!("{}/{}", sendable.root, artifact.path);
            let Some((folder, name)) = path.rsplit_once('/') else {
                continue;
            };
            let files = match folders.get(folder) {
                Some(files) => files,
                None => {
                    let files = client.list_files(folder)?;
                    folders.entry(folder.to_owned()).or_insert(files)
                }
            };
            let is_it = |file: &&wire::FileInfo| file.path == name && !file.is_dir;
            let there = files.iter().find(is_it);
            // Of an upload that was cut the server keeps the part that came.
            if there.is_none_or(|there| u64::try_from(there.file_size) != Ok(length)) {
                continue;
            }
            let mut hasher = Sha256::new();
            client.download(&path, length, &mut |piece| hasher.update(piece))?;
            if hex(&hasher.finalize()) == artifact.sha256 {
                self.artifacts.insert(artifact.path.clone());
            }
        }
        Ok(())
    }

    fn read_model(
        &mut self,
        client: &Client,
        run_id: &str,
        model: Option<&ModelVersion>,
    ) -> Result<(), Error> {
        let Some(model) = model else { return Ok(()) };
        let Some(aliases) = client.aliases(&model.name)? else {
            return Ok(());
        };
        self.versions = client.versions(&model.name, run_id)?;
        if let Some(version) = self.versions.first() {
            let ours = aliases
                .into_iter()
                .filter(|alias| alias.version == *version);
            self.aliases = ours.map(|alias| alias.alias).collect();
        }
        Ok(())
    }

    /// The first param of which the server has another value. It does not change params.
    pub fn other_param<'a>(&self, record: &'a Mirrored) -> Option<&'a str> {
        let mut params = record.params.iter();
        let differs = |(key, value): &(&String, &String)| {
            let there = self.params.get(*key);
            there.is_some_and(|there| stored(there, value, &OLD_PARAMS) == Stored::Other)
        };
        params.find(differs).map(|(key, _)| key.as_str())
    }

    /// A sentence for each param and tag that the server has cut.
    pub fn cuts(&self, record: &Mirrored) -> Vec<String> {
        let mut cuts = Vec::new();
        for (key, value) in &record.params {
            describe_cut(
                "param",
                key,
                value,
                self.params.get(key),
                &OLD_PARAMS,
                &mut cuts,
            );
        }
        for (key, value) in record.all_tags() {
            describe_cut("tag", key, value, self.tags.get(key), &OLD_TAGS, &mut cuts);
        }
        cuts
    }

    /// Whether status and end are those of the record: all was sent before them.
    pub fn has_ended(&self, record: &Mirrored) -> bool {
        self.status == status_word(record.status) && self.end_ms == record.end_ms
    }

    /// What has to be sent. Aliases are left alone where `aliases` is false.
    pub fn missing<'a>(
        &self,
        record: &'a Mirrored,
        sendable: &Sendable<'a>,
        aliases: bool,
    ) -> Missing<'a> {
        let lacks = |have: &HashMap<String, String>, key: &str, value: &str, limits: &[usize]| {
            let there = have.get(key);
            there.is_none_or(|there| stored(there, value, limits) == Stored::Other)
        };
        let params = record
            .params
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let params = params.filter(|(key, value)| lacks(&self.params, key, value, &OLD_PARAMS));
        let tags = record.all_tags().into_iter();
        let metrics = record.metrics.iter();
        let datasets = record.datasets.iter();
        let artifacts = sendable.artifacts.iter().map(|upload| upload.artifact);
        let wanted = sendable.model.iter().flat_map(|model| &model.aliases);
        Missing {
            params: params.collect(),
            tags: tags
                .filter(|(key, value)| lacks(&self.tags, key, value, &OLD_TAGS))
                .collect(),
            metrics: metrics.filter(|metric| !self.has_metric(metric)).collect(),
            datasets: datasets
                .filter(|dataset| !self.has_dataset(dataset))
                .collect(),
            artifacts: artifacts
                .filter(|a| !self.artifacts.contains(&a.path))
                .collect(),
            version: sendable.model.filter(|_| self.versions.is_empty()),
            aliases: wanted
                .filter(|alias| aliases && !self.aliases.contains(*alias))
                .map(String::as_str)
                .collect(),
            end: !self.has_ended(record),
        }
    }

    fn has_metric(&self, metric: &Metric) -> bool {
        let there = self.metrics.get(&metric.key);
        there.is_some_and(|there| there.contains(&metric.identity()))
    }

    fn has_dataset(&self, dataset: &Dataset) -> bool {
        let key = (
            dataset.name.clone(),
            short_digest(&dataset.digest).to_owned(),
        );
        self.datasets.contains(&key)
    }
}

impl Missing<'_> {
    /// None if nothing is missing; otherwise what, for a message.
    pub fn describe(&self) -> Option<String> {
        let lists = [
            ("params", self.params.len()),
            ("tags", self.tags.len()),
            ("metrics", self.metrics.len()),
            ("datasets", self.datasets.len()),
            ("artifacts", self.artifacts.len()),
            ("model versions", usize::from(self.version.is_some())),
            ("aliases", self.aliases.len()),
            ("status", usize::from(self.end)),
        ];
        let missing: Vec<String> = lists
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        (!missing.is_empty()).then(|| missing.join(", "))
    }
}

/// Lengths, in characters, to which older servers cut the value of a param or a tag. The record was
/// cut to those of MLflow 3 before it was put into the spool.
const OLD_PARAMS: [usize; 2] = [250, 500];
const OLD_TAGS: [usize; 1] = [5000];

/// What a server keeps of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    Whole,
    /// Its beginning, of as many characters as the server's version allows.
    Cut(usize),
    Other,
}

fn stored(there: &str, value: &str, limits: &[usize]) -> Stored {
    let count = there.chars().count();
    if there == value {
        Stored::Whole
    } else if limits.contains(&count) && value.starts_with(there) {
        Stored::Cut(count)
    } else {
        Stored::Other
    }
}

fn describe_cut(
    what: &str,
    key: &str,
    value: &str,
    there: Option<&String>,
    limits: &[usize],
    cuts: &mut Vec<String>,
) {
    let stored = there.map(|there| stored(there, value, limits));
    if let Some(Stored::Cut(count)) = stored {
        cuts.push(format!(
            "the server cut the {what} `{key}` to {count} characters"
        ));
    }
}

fn by_key(pairs: Vec<wire::GotPair>) -> HashMap<String, String> {
    pairs
        .into_iter()
        .map(|pair| (pair.key, pair.value))
        .collect()
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn identity(metric: wire::GotMetric) -> Identity {
    let wire::GotMetric {
        key,
        value,
        timestamp,
        step,
    } = metric;
    Metric {
        key,
        value,
        timestamp,
        step,
    }
    .identity()
}

pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Finished => "FINISHED",
        Status::Failed => "FAILED",
        Status::Killed => "KILLED",
    }
}
