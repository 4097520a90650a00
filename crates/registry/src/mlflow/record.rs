//! What is mirrored of a run, and what MLflow accepts of it.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::text::{printable, without_secrets};
use super::wire::number;

/// The tag by which a run is found again on the server: our own id of the run.
pub const RUN_TAG: &str = "easylife.run";

/// The tag that holds the version of this program.
pub const VERSION_TAG: &str = "easylife.version";

/// MLflow's limits (`mlflow/utils/validation.py`, 3.17.2), in characters.
const KEY_CHARACTERS: usize = 250;
const PARAM_CHARACTERS: usize = 6000;
const TAG_CHARACTERS: usize = 8000;
const NAME_CHARACTERS: usize = 500;
/// Length of a dataset's digest on the server. The whole SHA-256 is in the dataset's source.
const DIGEST_CHARACTERS: usize = 36;

/// A run as it is mirrored: names, numbers and digests, no content of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirrored {
    /// Our id of the run: 1 to 100 characters of `A-Z a-z 0-9 _ -`, the same for every attempt.
    pub id: String,
    /// The experiment's name; created if the server has none.
    pub experiment: String,
    /// The run's name.
    pub run_name: String,
    /// When it began, in milliseconds since 1970.
    pub start_ms: i64,
    /// When it ended, in milliseconds since 1970.
    pub end_ms: i64,
    /// How it ended.
    pub status: Status,
    /// What ran, for example `easylife train nlp`.
    pub source_name: String,
    /// The commit it ran at.
    pub git_commit: Option<String>,
    /// Version of this program.
    pub version: String,
    /// Parameters.
    pub params: BTreeMap<String, String>,
    /// Metrics, each with its fixed step and time.
    pub metrics: Vec<Metric>,
    /// More tags. Those that this module sets itself (`mlflow.runName`, [`RUN_TAG`], ...) are
    /// refused here.
    pub tags: BTreeMap<String, String>,
    /// The data that went in.
    pub datasets: Vec<Dataset>,
    /// Files to be kept with the run.
    pub artifacts: Vec<Artifact>,
    /// The version of a registered model that this run made.
    pub model: Option<ModelVersion>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It did what it should.
    Finished,
    /// It failed.
    Failed,
    /// It was ended from outside.
    Killed,
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name.
    pub key: String,
    /// Its value. NaN and infinities are sent as MLflow's client sends them; its SQL store keeps an
    /// infinity as the largest finite number.
    #[serde(with = "number")]
    pub value: f64,
    /// When it was measured, in milliseconds since 1970.
    pub timestamp: i64,
    /// Its step; 0 where there are none.
    pub step: i64,
}

/// A dataset by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its name, for example `data/processed/nlp/train.parquet`.
    pub name: String,
    /// Its SHA-256 in hexadecimal, or another digest.
    pub digest: String,
    /// The kind of source as MLflow names it: `local`, `s3`, `http`.
    pub source_type: String,
    /// What it was used for: `training`, `testing`.
    pub context: String,
}

/// A file that is kept with the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Its path in the run, relative, with `/`.
    pub path: String,
    /// The file; in the spool, its name beside the record.
    pub file: PathBuf,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// A version of a registered model. Its source is a file or folder among the run's artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelVersion {
    /// The registered model's name; created if the server has none.
    pub name: String,
    /// The artifact, or the folder of artifacts, that is the model.
    pub path: String,
    /// Aliases that point to this version from now on.
    pub aliases: Vec<String>,
}

/// Why a record cannot be mirrored.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The id cannot be a file's name.
    #[error("the run id `{id}` is not 1 to 100 characters of A-Z a-z 0-9 _ -")]
    Id {
        /// The id, cut.
        id: String,
    },
    /// A name that MLflow does not accept.
    #[error("{what} `{name}` is not accepted by MLflow: {rule}")]
    Name {
        /// What it names.
        what: &'static str,
        /// The name, cut.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The same key or path twice, or a tag that is set here.
    #[error("{what} `{name}` {why}")]
    Twice {
        /// What it names.
        what: &'static str,
        /// The name, cut.
        name: String,
        /// `is given twice`, or who sets it.
        why: &'static str,
    },
}

const KEY_RULE: &str = "letters, digits and _ - . : / space, at most 250, no empty part or `..` \
                        between slashes";
const NAME_RULE: &str = "1 to 500 characters, none of them a control character";

impl Mirrored {
    /// Checks the record against MLflow's rules and makes it fit: texts beyond a limit are cut,
    /// URLs lose their credentials and query, a metric that is given twice is kept once. Returns
    /// one sentence for each thing that was changed.
    pub(super) fn fit(&mut self) -> Result<Vec<String>, RecordError> {
        check_id(&self.id)?;
        name("the experiment", &self.experiment)?;
        name("the run name", &self.run_name)?;
        for key in self.params.keys() {
            check_key("the param", key)?;
        }
        for metric in &self.metrics {
            check_key("the metric", &metric.key)?;
        }
        self.check_tags()?;
        self.check_artifacts()?;
        self.model
            .as_ref()
            .map_or(Ok(()), |model| model.check(&self.artifacts))?;
        for dataset in &self.datasets {
            name("the dataset", &dataset.name)?;
            name("the dataset's digest", &dataset.digest)?;
            name("the dataset's source type", &dataset.source_type)?;
            name("the dataset's context", &dataset.context)?;
        }
        Ok(self.cut())
    }

    fn check_tags(&self) -> Result<(), RecordError> {
        for key in self.tags.keys() {
            check_key("the tag", key)?;
            if self.own_tags().iter().any(|(own, _)| own == key) || key == GIT_TAG {
                let (what, name) = ("the tag", printable(key, 80));
                let why = "is set from the record's own fields";
                return Err(RecordError::Twice { what, name, why });
            }
        }
        Ok(())
    }

    fn check_artifacts(&self) -> Result<(), RecordError> {
        let mut seen = HashSet::new();
        for artifact in &self.artifacts {
            check_path("the artifact", &artifact.path)?;
            if !seen.insert(artifact.path.as_str()) {
                let (what, name) = ("the artifact", printable(&artifact.path, 80));
                return Err(RecordError::Twice {
                    what,
                    name,
                    why: "is given twice",
                });
            }
        }
        Ok(())
    }

    fn cut(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        for (key, value) in &mut self.params {
            limit("param", key, value, PARAM_CHARACTERS, &mut notes);
        }
        for (key, value) in &mut self.tags {
            limit("tag", key, value, TAG_CHARACTERS, &mut notes);
        }
        let own = [&mut self.source_name, &mut self.version];
        for (key, value) in ["source_name", "version"].into_iter().zip(own) {
            limit("field", key, value, TAG_CHARACTERS, &mut notes);
        }
        for dataset in &mut self.datasets {
            let key = dataset.name.clone();
            limit(
                "dataset",
                &key,
                &mut dataset.name,
                NAME_CHARACTERS,
                &mut notes,
            );
        }
        // By these the server tells two datasets apart.
        let mut seen = HashSet::new();
        self.datasets.retain(|dataset| {
            let digest = short_digest(&dataset.digest);
            let is_first = seen.insert((dataset.name.clone(), digest.to_owned()));
            if !is_first {
                let name = printable(&dataset.name, 80);
                notes.push(format!(
                    "left out the dataset `{name}`, which is given twice"
                ));
            }
            is_first
        });
        let mut seen = HashSet::new();
        self.metrics
            .retain(|metric| seen.insert((metric.key.clone(), metric.identity())));
        notes
    }

    /// All tags of the run on the server.
    pub(super) fn all_tags(&self) -> Vec<(&str, &str)> {
        let given = self
            .tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        self.own_tags().into_iter().chain(given).collect()
    }

    fn own_tags(&self) -> Vec<(&str, &str)> {
        let mut tags = vec![
            (RUN_TAG, self.id.as_str()),
            (VERSION_TAG, self.version.as_str()),
            ("mlflow.runName", self.run_name.as_str()),
            ("mlflow.source.name", self.source_name.as_str()),
            ("mlflow.source.type", "LOCAL"),
        ];
        tags.extend(self.git_commit.as_deref().map(|commit| (GIT_TAG, commit)));
        tags
    }
}

const GIT_TAG: &str = "mlflow.source.git.commit";

/// Step, time and the bits of the value.
pub(super) type Identity = (i64, i64, u64);

impl Metric {
    /// By which the SQL store tells two values of one metric apart. An infinity is the largest number there, NaN
    /// has no sign, and neither has zero.
    pub(super) fn identity(&self) -> Identity {
        let value = match self.value {
            value if value.is_nan() => f64::NAN,
            value => value.clamp(f64::MIN, f64::MAX) + 0.0,
        };
        (self.step, self.timestamp, value.to_bits())
    }
}

/// The part of a digest that MLflow has room for.
pub(super) fn short_digest(digest: &str) -> &str {
    let end = digest.char_indices().nth(DIGEST_CHARACTERS);
    end.map_or(digest, |(end, _)| &digest[..end])
}

impl ModelVersion {
    fn check(&self, artifacts: &[Artifact]) -> Result<(), RecordError> {
        check_model(&self.name)?;
        if !artifacts.iter().any(|artifact| self.holds(&artifact.path)) {
            let rule = "it must be one of the run's artifacts";
            return refuse("the model's path", &self.path, rule);
        }
        self.aliases.iter().try_for_each(|alias| check_alias(alias))
    }

    /// Whether an artifact is the model or a part of it.
    pub(super) fn holds(&self, path: &str) -> bool {
        let below = path.strip_prefix(&self.path);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

pub(super) fn check_id(id: &str) -> Result<(), RecordError> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    match (1..=100).contains(&id.len()) && id.bytes().all(word) {
        true => Ok(()),
        false => Err(RecordError::Id {
            id: printable(id, 80),
        }),
    }
}

fn refuse(what: &'static str, text: &str, rule: &'static str) -> Result<(), RecordError> {
    let name = printable(text, 80);
    Err(RecordError::Name { what, name, rule })
}

pub(super) fn check_model(model: &str) -> Result<(), RecordError> {
    name("the registered model", model)?;
    let is_short = model.chars().count() <= 250;
    match is_short && is_plain_path(model) && !model.contains(['/', ':', '\'', '"']) {
        true => Ok(()),
        false => refuse(
            "the registered model",
            model,
            "at most 250 characters, no / : or quotes, neither `.` nor `..`",
        ),
    }
}

pub(super) fn check_alias(alias: &str) -> Result<(), RecordError> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let lower = alias.to_ascii_lowercase();
    let is_version = lower.strip_prefix('v').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let fits = (1..=255).contains(&alias.len()) && alias.bytes().all(word);
    match fits && lower != "latest" && !is_version {
        true => Ok(()),
        false => refuse(
            "the alias",
            alias,
            "letters, digits, _ and -, neither `latest` nor a version as `v1`",
        ),
    }
}

fn name(what: &'static str, name: &str) -> Result<(), RecordError> {
    let fits = (1..=NAME_CHARACTERS).contains(&name.chars().count());
    match fits && !name.trim().is_empty() && !name.chars().any(char::is_control) {
        true => Ok(()),
        false => refuse(what, name, NAME_RULE),
    }
}

fn check_key(what: &'static str, key: &str) -> Result<(), RecordError> {
    let accepted = |letter: char| letter.is_alphanumeric() || "_-.:/ ".contains(letter);
    let fits = key.chars().count() <= KEY_CHARACTERS && key.chars().all(accepted);
    match fits && is_plain_path(key) {
        true => Ok(()),
        false => refuse(what, key, KEY_RULE),
    }
}

/// A path in the artifact store: relative, without tricks. The server refuses `#` and unescapes a
/// path more than once, so `%` is refused here.
fn check_path(what: &'static str, path: &str) -> Result<(), RecordError> {
    let strange = |letter: char| letter.is_control() || "\\%#?:".contains(letter);
    match is_plain_path(path) && path.len() <= 500 && !path.contains(strange) {
        true => Ok(()),
        false => refuse(
            what,
            path,
            "a relative path with /, no empty part, `.` or `..`, none of \\ % # ? :",
        ),
    }
}

fn is_plain_path(path: &str) -> bool {
    path.split('/').all(|part| !["", ".", ".."].contains(&part))
}

fn limit(what: &str, key: &str, value: &mut String, most: usize, notes: &mut Vec<String>) {
    if let Some(clean) = without_secrets(value) {
        *value = clean;
        notes.push(format!(
            "removed user, password or query of a URL from the {what} `{key}`"
        ));
    }
    let count = value.chars().count();
    if count > most {
        *value = value.chars().take(most).collect();
        notes.push(format!(
            "cut the {what} `{key}` from {count} to {most} characters"
        ));
    }
}
