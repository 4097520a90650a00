//! An MLflow server in memory, as strict as MLflow 3.17.2 is where a mirror depends on it
//! (`tools/test-mlflow` holds the same rules against the real one).

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::http::{Reply, Request};

/// What a server knows.
#[derive(Default)]
pub struct Fake {
    /// Names by id, which is the position.
    pub experiments: Vec<String>,
    pub runs: Vec<Run>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub models: BTreeMap<String, Model>,
    /// Where the runs keep their artifacts; empty for behind the proxy.
    pub artifact_root: String,
    /// The length to which values of params are cut.
    pub param_limit: Option<usize>,
    /// Metrics in a page; two where nothing is said.
    pub page: Option<usize>,
}

#[derive(Debug)]
pub struct Run {
    pub id: String,
    pub experiment: usize,
    pub deleted: bool,
    pub status: String,
    pub times: (i64, i64),
    pub name: String,
    pub params: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// Key, step, time and value, each once.
    pub metrics: Vec<Value>,
    pub inputs: Vec<Value>,
}

#[derive(Default)]
pub struct Model {
    /// Version and run, also of those that were deleted.
    pub versions: Vec<Version>,
    pub aliases: BTreeMap<String, String>,
}

pub struct Version {
    pub run: String,
    /// Our id of the run, from the version's tags.
    pub made_by: String,
    pub source: String,
    pub deleted: bool,
}

/// An answer, or the status, code and message of a refusal.
pub type Answer = Result<Value, (u16, &'static str, String)>;

pub fn absent(what: &str) -> (u16, &'static str, String) {
    (404, "RESOURCE_DOES_NOT_EXIST", format!("no {what}"))
}

fn bad(what: impl Into<String>) -> (u16, &'static str, String) {
    (400, "INVALID_PARAMETER_VALUE", what.into())
}

/// A field that must be a text.
pub fn text(value: &Value, name: &str) -> String {
    let value = &value[name];
    value
        .as_str()
        .unwrap_or_else(|| panic!("{name} is {value}"))
        .to_owned()
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value[name].as_array().cloned().unwrap_or_default()
}

impl Fake {
    pub fn reply(&mut self, request: &Request) -> Reply {
        const ARTIFACTS: &str = "/api/2.0/mlflow-artifacts/artifacts";
        if let Some(path) = request.path.strip_prefix(ARTIFACTS) {
            return self.artifact(request, path.trim_start_matches('/'));
        }
        let path = request.path.strip_prefix("/api/2.0/mlflow/");
        let path = path.unwrap_or_else(|| panic!("{} is not of the API", request.path));
        let body: Value = match request.body.as_slice() {
            [] => json!(request.query),
            body => serde_json::from_slice(body).unwrap(),
        };
        match self.answer(&format!("{} {path}", request.method), &body) {
            Ok(answer) => Reply::Json(200, answer.to_string()),
            Err((status, code, message)) => {
                let answer = json!({"error_code": code, "message": message});
                Reply::Json(status, answer.to_string())
            }
        }
    }

    /// The runs that are not deleted.
    pub fn live(&self) -> Vec<&Run> {
        self.runs.iter().filter(|run| !run.deleted).collect()
    }

    fn answer(&mut self, what: &str, body: &Value) -> Answer {
        match what {
            "GET experiments/get-by-name" => {
                let name = text(body, "experiment_name");
                let at = self.experiments.iter().position(|there| *there == name);
                let at = at.ok_or_else(|| absent("experiment"))?;
                let id = at.to_string();
                Ok(json!({"experiment": {"experiment_id": id, "lifecycle_stage": "active"}}))
            }
            "POST experiments/create" => {
                let name = text(body, "name");
                if self.experiments.contains(&name) {
                    return Err((400, "RESOURCE_ALREADY_EXISTS", "it exists".to_owned()));
                }
                self.experiments.push(name);
                Ok(json!({"experiment_id": (self.experiments.len() - 1).to_string()}))
            }
            "POST runs/search" => Ok(self.search(body)),
            "POST runs/create" => Ok(self.create(body)),
            "GET runs/get" => {
                let root = self.artifact_root.clone();
                Ok(json!({"run": self.run(body)?.written(&root)}))
            }
            "POST runs/log-batch" => self.log_batch(body),
            "POST runs/log-inputs" => {
                let run = self.run(body)?;
                for input in list(body, "datasets") {
                    let of = |input: &Value| (text(input, "name"), text(input, "digest"));
                    let key = of(&input["dataset"]);
                    if !run.inputs.iter().any(|there| of(&there["dataset"]) == key) {
                        run.inputs.push(input);
                    }
                }
                Ok(json!({}))
            }
            "POST runs/update" => {
                let run = self.run(body)?;
                run.status = text(body, "status");
                run.times.1 = body["end_time"].as_i64().unwrap();
                Ok(json!({"run_info": {}}))
            }
            "POST runs/delete" => {
                self.run(body)?.deleted = true;
                Ok(json!({}))
            }
            "GET metrics/get-history" => self.history(body),
            _ => self.registry(what, body),
        }
    }

    fn run(&mut self, body: &Value) -> Result<&mut Run, (u16, &'static str, String)> {
        let id = text(body, "run_id");
        let run = self.runs.iter_mut().find(|run| run.id == id);
        run.ok_or_else(|| absent("run"))
    }

    fn search(&self, body: &Value) -> Value {
        let filter = text(body, "filter");
        let (tag, id) = filter
            .strip_prefix("tags.`")
            .and_then(|rest| rest.strip_suffix('\''))
            .and_then(|rest| rest.split_once("` = '"))
            .unwrap();
        let experiment = body["experiment_ids"][0].as_str().unwrap();
        let experiment: usize = experiment.parse().unwrap();
        let fits = |run: &&&Run| {
            run.experiment == experiment && run.tags.get(tag).is_some_and(|there| there == id)
        };
        let live = self.live();
        let found: Vec<Value> = live
            .iter()
            .filter(fits)
            .map(|run| run.written(&self.artifact_root))
            .collect();
        match found.is_empty() {
            true => json!({}), // As protobuf leaves out what is empty.
            false => json!({"runs": found}),
        }
    }

    fn create(&mut self, body: &Value) -> Value {
        let run = Run {
            // Ids in an order that is not that of their making.
            id: format!(
                "{:08x}",
                (self.runs.len() as u32 + 1).wrapping_mul(0x9e37_79b9)
            ),
            experiment: text(body, "experiment_id").parse().unwrap(),
            deleted: false,
            status: "RUNNING".to_owned(),
            times: (body["start_time"].as_i64().unwrap(), 0),
            name: text(body, "run_name"),
            params: BTreeMap::new(),
            tags: pairs(body, "tags"),
            metrics: Vec::new(),
            inputs: Vec::new(),
        };
        self.runs.push(run);
        let run = &self.runs[self.runs.len() - 1];
        json!({"run": run.written(&self.artifact_root)})
    }

    fn log_batch(&mut self, body: &Value) -> Answer {
        let limit = self.param_limit.unwrap_or(6000);
        let run = self.run(body)?;
        if run.deleted {
            return Err(bad("the run is deleted"));
        }
        let (params, metrics) = (pairs(body, "params"), list(body, "metrics"));
        if params.len() > 100 || metrics.len() > 1000 {
            return Err(bad("the batch is too long"));
        }
        for (key, value) in params {
            let value: String = value.chars().take(limit).collect();
            if run.params.get(&key).is_some_and(|there| *there != value) {
                return Err(bad(format!("the value of param {key} cannot be changed")));
            }
            run.params.insert(key, value);
        }
        run.tags.extend(pairs(body, "tags"));
        let mut there: HashSet<String> = run.metrics.iter().map(Value::to_string).collect();
        for metric in metrics {
            if there.insert(metric.to_string()) {
                run.metrics.push(metric);
            }
        }
        Ok(json!({}))
    }

    /// In pages.
    fn history(&mut self, body: &Value) -> Answer {
        let key = text(body, "metric_key");
        let size = self.page.unwrap_or(2);
        let metrics = self.run(body)?.metrics.iter();
        let metrics: Vec<&Value> = metrics.filter(|metric| metric["key"] == *key).collect();
        let start = body["page_token"]
            .as_str()
            .map_or(0, |at| at.parse().unwrap());
        let page: Vec<_> = metrics.iter().skip(start).take(size).collect();
        match start + size < metrics.len() {
            true => Ok(json!({"metrics": page, "next_page_token": (start + size).to_string()})),
            false => Ok(json!({"metrics": page})),
        }
    }
}

impl Run {
    /// As the API writes a run. What is empty is left out.
    fn written(&self, artifact_root: &str) -> Value {
        let pairs = |map: &BTreeMap<String, String>| -> Vec<Value> {
            map.iter()
                .map(|(key, value)| json!({"key": key, "value": value}))
                .collect()
        };
        let mut last = BTreeMap::new();
        for metric in &self.metrics {
            last.insert(text(metric, "key"), metric);
        }
        let uri = match artifact_root {
            "" => format!(
                "mlflow-artifacts:/{}/{}/artifacts",
                self.experiment, self.id
            ),
            root => format!("{root}/{}", self.id),
        };
        let mut info = json!({"run_id": self.id, "status": self.status, "artifact_uri": uri});
        if self.times.1 != 0 {
            info["end_time"] = json!(self.times.1);
        }
        json!({
            "info": info,
            "data": {
                "params": pairs(&self.params),
                "tags": pairs(&self.tags),
                "metrics": last.values().collect::<Vec<_>>(),
            },
            "inputs": {"dataset_inputs": self.inputs},
        })
    }
}

pub fn pairs(body: &Value, name: &str) -> BTreeMap<String, String> {
    let pairs = list(body, name);
    let pairs = pairs.iter();
    pairs
        .map(|pair| (text(pair, "key"), text(pair, "value")))
        .collect()
}
