//! The endpoints of MLflow's REST API 2.0 that a mirror needs.

use std::fs::File;
use std::path::Path;

use serde::Serialize;
use ureq::http::Method;

use super::address::{encode, encode_path};
use super::client::{Client, Payload};
use super::error::Error;
use super::record::{Dataset, Metric, Mirrored, RUN_TAG, short_digest};
use super::wire;

const API: &str = "/api/2.0/mlflow/";
const ARTIFACTS: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// Metrics asked for at once.
const PAGE: u32 = 20_000;

impl Client {
    fn get<T: serde::de::DeserializeOwned>(&self, endpoint: &str) -> Result<T, Error> {
        self.ask(Method::GET, &format!("{API}{endpoint}"), Payload::None)
    }

    fn with_body<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        endpoint: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let endpoint = format!("{API}{endpoint}");
        let body = serde_json::to_vec(body).map_err(|error| not_written(&endpoint, &error))?;
        self.ask(method, &endpoint, Payload::Json(&body))
    }

    fn post<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.with_body(Method::POST, endpoint, body)
    }

    fn tell(&self, endpoint: &str, body: &impl Serialize) -> Result<(), Error> {
        self.post(endpoint, body).map(|_: wire::Nothing| ())
    }

    /// The id of the experiment with this name, which is created if there is none.
    pub fn experiment(&self, name: &str) -> Result<String, Error> {
        if let Some(id) = self.find_experiment(name)? {
            return Ok(id);
        }
        match self.post("experiments/create", &wire::CreateExperiment { name }) {
            Ok(wire::CreatedExperiment { experiment_id }) => Ok(experiment_id),
            // Another client was quicker.
            Err(error) if is(&error, "RESOURCE_ALREADY_EXISTS") => {
                self.find_experiment(name)?.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    fn find_experiment(&self, name: &str) -> Result<Option<String>, Error> {
        let endpoint = format!("experiments/get-by-name?experiment_name={}", encode(name));
        let found: Option<wire::GotExperiment> = if_there(self.get(&endpoint))?;
        match found.map(|found| found.experiment) {
            Some(found) if found.lifecycle_stage == "deleted" => Err(Error::Deleted {
                name: name.to_owned(),
            }),
            found => Ok(found.map(|found| found.experiment_id)),
        }
    }

    /// The runs of an experiment that carry our id.
    pub fn find_runs(&self, experiment: &str, id: &str) -> Result<Vec<wire::RunInfo>, Error> {
        let body = wire::SearchRuns {
            experiment_ids: [experiment],
            // An id has no quotes.
            filter: format!("tags.`{RUN_TAG}` = '{id}'"),
            run_view_type: "ACTIVE_ONLY",
            max_results: 100,
        };
        let found: wire::FoundRuns = self.post("runs/search", &body)?;
        Ok(found.runs.into_iter().map(|run| run.info).collect())
    }

    pub fn create_run(&self, experiment: &str, record: &Mirrored) -> Result<wire::RunInfo, Error> {
        let body = wire::CreateRun {
            experiment_id: experiment,
            run_name: &record.run_name,
            start_time: record.start_ms,
            tags: wire::pairs(&record.all_tags()),
        };
        self.post("runs/create", &body)
            .map(|created: wire::GotRun| created.run.info)
    }

    pub fn run(&self, run_id: &str) -> Result<wire::Run, Error> {
        let endpoint = format!("runs/get?run_id={}", encode(run_id));
        self.get(&endpoint).map(|found: wire::GotRun| found.run)
    }

    /// All values of a metric.
    pub fn history(&self, run_id: &str, key: &str) -> Result<Vec<wire::GotMetric>, Error> {
        let endpoint = format!(
            "metrics/get-history?run_id={}&metric_key={}&max_results={PAGE}",
            encode(run_id),
            encode(key)
        );
        let mut metrics = Vec::new();
        let mut page: wire::History = self.get(&endpoint)?;
        loop {
            // A page without a metric is the last, whatever it says of another one.
            let is_last = page.next_page_token.is_empty() || page.metrics.is_empty();
            metrics.append(&mut page.metrics);
            if is_last {
                return Ok(metrics);
            }
            let token = encode(&page.next_page_token);
            page = self.get(&format!("{endpoint}&page_token={token}"))?;
        }
    }

    pub fn log_pairs(
        &self,
        run_id: &str,
        params: &[(&str, &str)],
        tags: &[(&str, &str)],
    ) -> Result<(), Error> {
        let (params, tags) = (wire::pairs(params), wire::pairs(tags));
        self.tell(
            "runs/log-batch",
            &wire::LogBatch {
                run_id,
                metrics: &[],
                params,
                tags,
            },
        )
    }

    pub fn log_metrics(&self, run_id: &str, metrics: &[&Metric]) -> Result<(), Error> {
        let (params, tags) = (Vec::new(), Vec::new());
        self.tell(
            "runs/log-batch",
            &wire::LogBatch {
                run_id,
                metrics,
                params,
                tags,
            },
        )
    }

    pub fn log_inputs(&self, run_id: &str, datasets: &[&Dataset]) -> Result<(), Error> {
        let inputs = datasets.iter().map(|dataset| sent_input(dataset));
        let datasets = inputs.collect::<Result<_, _>>();
        let datasets = datasets.map_err(|error| not_written("runs/log-inputs", &error))?;
        self.tell("runs/log-inputs", &wire::LogInputs { run_id, datasets })
    }

    pub fn update_run(&self, run_id: &str, record: &Mirrored) -> Result<(), Error> {
        let (status, end_time) = (record.status, record.end_ms);
        self.tell(
            "runs/update",
            &wire::UpdateRun {
                run_id,
                status,
                end_time,
            },
        )
    }

    pub fn delete_run(&self, run_id: &str) -> Result<(), Error> {
        self.tell("runs/delete", &wire::RunId { run_id })
    }

    /// The files of a folder in the server's artifact store; none if there is no such folder.
    pub fn list_files(&self, folder: &str) -> Result<Vec<wire::FileInfo>, Error> {
        let endpoint = format!("{ARTIFACTS}?path={}", encode(folder));
        let files: Option<wire::Files> = if_there(self.ask(Method::GET, &endpoint, Payload::None))?;
        Ok(files.map_or_else(Vec::new, |files| files.files))
    }

    /// Passes a file of the artifact store to `take`, piece by piece.
    pub fn download(
        &self,
        path: &str,
        length: u64,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Error> {
        self.read_file(&format!("{ARTIFACTS}/{}", encode_path(path)), length, take)
    }

    /// Stores a file; one of the same name is replaced.
    pub fn upload(&self, path: &str, file: &Path) -> Result<(), Error> {
        let fail = |error| Error::File {
            path: file.to_owned(),
            error,
        };
        let open = File::open(file).map_err(fail)?;
        let length = open.metadata().map_err(fail)?.len();
        let endpoint = format!("{ARTIFACTS}/{}", encode_path(path));
        self.store_file(&endpoint, &open, length)
    }

    /// The aliases of a registered model; None if there is no such model.
    pub fn aliases(&self, model: &str) -> Result<Option<Vec<wire::Alias>>, Error> {
        let endpoint = format!("registered-models/get?name={}", encode(model));
        let found: Option<wire::GotModel> = if_there(self.get(&endpoint))?;
        Ok(found.map(|found| found.registered_model.aliases))
    }

    pub fn create_model(&self, name: &str) -> Result<(), Error> {
        match self.tell("registered-models/create", &wire::ModelName { name }) {
            Err(error) if !is(&error, "RESOURCE_ALREADY_EXISTS") => Err(error),
            _ => Ok(()),
        }
    }

    /// The versions of a model that were made by a run, which the server calls `run_id`, oldest
    /// first.
    pub fn versions(&self, model: &str, run_id: &str) -> Result<Vec<String>, Error> {
        self.find_versions(model, &format!("run_id = '{run_id}'"))
    }

    /// The versions of a model that were made by a run with our id, oldest first.
    pub fn versions_of(&self, model: &str, id: &str) -> Result<Vec<String>, Error> {
        self.find_versions(model, &format!("tags.`{RUN_TAG}` = '{id}'"))
    }

    fn find_versions(&self, model: &str, filter: &str) -> Result<Vec<String>, Error> {
        let filter = encode(filter);
        let endpoint = format!("model-versions/search?filter={filter}&max_results=1000");
        let found: wire::FoundVersions = self.get(&endpoint)?;
        let found = found.model_versions.into_iter();
        let mut versions: Vec<String> = found
            .filter(|found| found.name == model)
            .map(|found| found.version)
            .collect();
        versions.sort_by_key(|version| version.parse::<u64>().unwrap_or(u64::MAX));
        Ok(versions)
    }

    pub fn create_version(
        &self,
        model: &str,
        source: &str,
        run_id: &str,
        id: &str,
    ) -> Result<String, Error> {
        let tags = [wire::Pair {
            key: RUN_TAG,
            value: id,
        }];
        let body = wire::CreateVersion {
            name: model,
            source,
            run_id,
            tags,
        };
        self.post("model-versions/create", &body)
            .map(|created: wire::CreatedVersion| created.model_version.version)
    }

    pub fn delete_version(&self, name: &str, version: &str) -> Result<(), Error> {
        let body = wire::DeleteVersion { name, version };
        self.with_body(Method::DELETE, "model-versions/delete", &body)
            .map(|_: wire::Nothing| ())
    }

    pub fn delete_alias(&self, name: &str, alias: &str) -> Result<(), Error> {
        let body = wire::DeleteAlias { name, alias };
        self.with_body(Method::DELETE, "registered-models/alias", &body)
            .map(|_: wire::Nothing| ())
    }

    pub fn set_alias(&self, name: &str, alias: &str, version: &str) -> Result<(), Error> {
        self.tell(
            "registered-models/alias",
            &wire::SetAlias {
                name,
                alias,
                version,
            },
        )
    }
}

fn not_written(endpoint: &str, error: &serde_json::Error) -> Error {
    Error::NotWritten {
        endpoint: endpoint.trim_start_matches(API).to_owned(),
        reason: error.to_string(),
    }
}

fn sent_input(dataset: &Dataset) -> Result<wire::SentInput<'_>, serde_json::Error> {
    // A JSON text inside the JSON, as MLflow's client writes it.
    let source = wire::DatasetSource {
        uri: &dataset.name,
        digest: &dataset.digest,
    };
    Ok(wire::SentInput {
        tags: [wire::Pair {
            key: "mlflow.data.context",
            value: &dataset.context,
        }],
        dataset: wire::SentDataset {
            name: &dataset.name,
            digest: short_digest(&dataset.digest),
            source_type: &dataset.source_type,
            source: serde_json::to_string(&source)?,
        },
    })
}

fn is(error: &Error, expected: &str) -> bool {
    matches!(error, Error::Rejected { code, .. } if code == expected)
}

fn if_there<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if is(&error, "RESOURCE_DOES_NOT_EXIST") => Ok(None),
        Err(error) => Err(error),
    }
}
