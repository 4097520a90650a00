//! The JSON of MLflow's REST API. The server leaves out what is empty or zero (protobuf), which is
//! the only reason for the defaults here, and may add fields.

use serde::{Deserialize, Serialize};

/// Numbers as protobuf writes them: NaN and the infinities are strings, and a string is read as a
/// number.
pub(super) mod number {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(value: &f64, out: S) -> Result<S::Ok, S::Error> {
        match *value {
            value if value.is_nan() => out.serialize_str("NaN"),
            f64::INFINITY => out.serialize_str("Infinity"),
            f64::NEG_INFINITY => out.serialize_str("-Infinity"),
            value => out.serialize_f64(value),
        }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<'a> {
        Number(f64),
        #[serde(borrow)]
        Text(std::borrow::Cow<'a, str>),
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
        match Either::deserialize(input)? {
            Either::Number(value) => Ok(value),
            Either::Text(text) => match &*text {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                text => text.parse().map_err(|_| de::Error::custom("not a number")),
            },
        }
    }
}

/// 64-bit integers, which protobuf's own JSON writes as strings and MLflow's as numbers.
pub(super) mod integer {
    use serde::{Deserialize, Deserializer, de};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<i64, D::Error> {
        match Either::deserialize(input)? {
            Either::Number(value) => Ok(value),
            Either::Text(text) => text
                .parse()
                .map_err(|_| de::Error::custom("not an integer")),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Pair<'a> {
    pub key: &'a str,
    pub value: &'a str,
}

pub(super) fn pairs<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<Pair<'a>> {
    pairs
        .iter()
        .map(|&(key, value)| Pair { key, value })
        .collect()
}

#[derive(Serialize)]
pub(super) struct CreateExperiment<'a> {
    pub name: &'a str,
}

#[derive(Serialize)]
pub(super) struct SearchRuns<'a> {
    pub experiment_ids: [&'a str; 1],
    pub filter: String,
    pub run_view_type: &'static str,
    pub max_results: u32,
}

#[derive(Serialize)]
pub(super) struct CreateRun<'a> {
    pub experiment_id: &'a str,
    pub run_name: &'a str,
    pub start_time: i64,
    pub tags: Vec<Pair<'a>>,
}

#[derive(Serialize)]
pub(super) struct LogBatch<'a> {
    pub run_id: &'a str,
    pub metrics: &'a [&'a super::Metric],
    pub params: Vec<Pair<'a>>,
    pub tags: Vec<Pair<'a>>,
}

#[derive(Serialize)]
pub(super) struct LogInputs<'a> {
    pub run_id: &'a str,
    pub datasets: Vec<SentInput<'a>>,
}

#[derive(Serialize)]
pub(super) struct SentInput<'a> {
    pub tags: [Pair<'a>; 1],
    pub dataset: SentDataset<'a>,
}

#[derive(Serialize)]
pub(super) struct SentDataset<'a> {
    pub name: &'a str,
    pub digest: &'a str,
    pub source_type: &'a str,
    pub source: String,
}

/// What MLflow keeps of where a dataset comes from, as a JSON text.
#[derive(Serialize)]
pub(super) struct DatasetSource<'a> {
    pub uri: &'a str,
    pub digest: &'a str,
}

#[derive(Serialize)]
pub(super) struct UpdateRun<'a> {
    pub run_id: &'a str,
    pub status: super::Status,
    pub end_time: i64,
}

#[derive(Serialize)]
pub(super) struct RunId<'a> {
    pub run_id: &'a str,
}

#[derive(Serialize)]
pub(super) struct ModelName<'a> {
    pub name: &'a str,
}

#[derive(Serialize)]
pub(super) struct CreateVersion<'a> {
    pub name: &'a str,
    pub source: &'a str,
    pub run_id: &'a str,
    pub tags: [Pair<'a>; 1],
}

#[derive(Serialize)]
pub(super) struct DeleteVersion<'a> {
    pub name: &'a str,
    pub version: &'a str,
}

#[derive(Serialize)]
pub(super) struct DeleteAlias<'a> {
    pub name: &'a str,
    pub alias: &'a str,
}

#[derive(Serialize)]
pub(super) struct SetAlias<'a> {
    pub name: &'a str,
    pub alias: &'a str,
    pub version: &'a str,
}

/// An answer of which nothing is needed.
#[derive(Deserialize)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
pub(super) struct Refusal {
    pub error_code: String,
    #[serde(default)]
    pub message: String,
}

#[derive(Deserialize)]
pub(super) struct GotExperiment {
    pub experiment: Experiment,
}

#[derive(Deserialize)]
pub(super) struct Experiment {
    pub experiment_id: String,
    pub lifecycle_stage: String,
}

#[derive(Deserialize)]
pub(super) struct CreatedExperiment {
    pub experiment_id: String,
}

#[derive(Deserialize)]
pub(super) struct FoundRuns {
    #[serde(default)]
    pub runs: Vec<FoundRun>,
}

#[derive(Deserialize)]
pub(super) struct FoundRun {
    pub info: RunInfo,
}

#[derive(Deserialize)]
pub(super) struct RunInfo {
    pub run_id: String,
    pub status: String,
    pub artifact_uri: String,
    #[serde(default, deserialize_with = "integer::deserialize")]
    pub end_time: i64,
}

#[derive(Deserialize)]
pub(super) struct GotRun {
    pub run: Run,
}

#[derive(Deserialize)]
pub(super) struct Run {
    pub info: RunInfo,
    pub data: RunData,
    #[serde(default)]
    pub inputs: RunInputs,
}

#[derive(Deserialize)]
pub(super) struct RunData {
    #[serde(default)]
    pub metrics: Vec<GotMetric>,
    #[serde(default)]
    pub params: Vec<GotPair>,
    #[serde(default)]
    pub tags: Vec<GotPair>,
}

#[derive(Default, Deserialize)]
pub(super) struct RunInputs {
    #[serde(default)]
    pub dataset_inputs: Vec<GotInput>,
}

#[derive(Deserialize)]
pub(super) struct GotInput {
    pub dataset: GotDataset,
}

#[derive(Deserialize)]
pub(super) struct GotDataset {
    pub name: String,
    pub digest: String,
}

#[derive(Deserialize)]
pub(super) struct GotPair {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

#[derive(Deserialize)]
pub(super) struct GotMetric {
    pub key: String,
    #[serde(default, with = "number")]
    pub value: f64,
    #[serde(default, deserialize_with = "integer::deserialize")]
    pub timestamp: i64,
    #[serde(default, deserialize_with = "integer::deserialize")]
    pub step: i64,
}

#[derive(Deserialize)]
pub(super) struct History {
    #[serde(default)]
    pub metrics: Vec<GotMetric>,
    #[serde(default)]
    pub next_page_token: String,
}

#[derive(Deserialize)]
pub(super) struct Files {
    #[serde(default)]
    pub files: Vec<FileInfo>,
}

#[derive(Deserialize)]
pub(super) struct FileInfo {
    pub path: String,
    #[serde(default)]
    pub is_dir: bool,
    #[serde(default, deserialize_with = "integer::deserialize")]
    pub file_size: i64,
}

#[derive(Deserialize)]
pub(super) struct GotModel {
    pub registered_model: RegisteredModel,
}

#[derive(Deserialize)]
pub(super) struct RegisteredModel {
    #[serde(default)]
    pub aliases: Vec<Alias>,
}

#[derive(Deserialize)]
pub(super) struct Alias {
    pub alias: String,
    pub version: String,
}

#[derive(Deserialize)]
pub(super) struct FoundVersions {
    #[serde(default)]
    pub model_versions: Vec<FoundVersion>,
}

#[derive(Deserialize)]
pub(super) struct FoundVersion {
    pub name: String,
    pub version: String,
}

#[derive(Deserialize)]
pub(super) struct CreatedVersion {
    pub model_version: FoundVersion,
}
