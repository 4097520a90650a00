//! The mirror against servers on loopback: one that keeps what it gets as MLflow does (`fake`), and
//! ones that misbehave. `tools/test-mlflow` does the same with the real server.

mod aliases;
mod budget;
mod checks;
mod deaths;
mod fake;
mod fake_models;
mod faults;
mod http;
mod secrets;
mod settings;
mod spool;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::*;
use fake::Fake;
use http::{Loopback, Reply, Request};

/// A fake MLflow that runs.
struct Mlflow {
    fake: Arc<Mutex<Fake>>,
    requests: Arc<Mutex<Vec<Request>>>,
    loopback: Loopback,
}

impl Mlflow {
    fn start(fake: Fake) -> Self {
        Self::with(Arc::new(Mutex::new(fake)), |_, fake, request| {
            fake.reply(request)
        })
    }

    /// One whose request number `n` (from 0) is answered by `reply`.
    fn with(
        fake: Arc<Mutex<Fake>>,
        mut reply: impl FnMut(usize, &mut Fake, &Request) -> Reply + Send + 'static,
    ) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, state) = (Arc::clone(&requests), Arc::clone(&fake));
        let loopback = Loopback::start(move |request| {
            let number = {
                let mut kept = kept.lock().unwrap();
                kept.push(request.clone());
                kept.len() - 1
            };
            reply(number, &mut state.lock().unwrap(), request)
        });
        Self {
            fake,
            requests,
            loopback,
        }
    }

    fn state(&self) -> MutexGuard<'_, Fake> {
        self.fake.lock().unwrap()
    }

    fn server(&self) -> Server {
        server(&self.loopback.uri(), &[])
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// The server at `uri`, with these variables in its environment.
fn server(uri: &str, more: &[(&'static str, &str)]) -> Server {
    // No test depends on how busy the machine is.
    let mut variables = HashMap::from([("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")]);
    variables.insert("MLFLOW_TRACKING_URI", uri);
    variables.extend(more.iter().copied());
    let lookup = |name| variables.get(name).map(|&value| value.to_owned());
    let mut settings = Settings::read(lookup).unwrap();
    settings.connect = Duration::from_secs(600);
    Server::new(settings).unwrap()
}

fn metric(key: &str, value: f64, step: i64) -> Metric {
    Metric {
        key: key.to_owned(),
        value,
        timestamp: 1_000 + step,
        step,
    }
}

/// A run with something of everything; its files are written into `folder`.
fn record(id: &str, folder: &Path) -> Mirrored {
    let files = [
        ("reports/nlp.html", "<p>page</p>"),
        ("model/nlp.safetensors", "tensors"),
        ("empty.txt", ""),
    ];
    let artifacts = files.iter().enumerate().map(|(number, (path, content))| {
        let file = folder.join(format!("{id}-{number}"));
        std::fs::write(&file, content).unwrap();
        Artifact {
            path: (*path).to_owned(),
            sha256: ::files::digest::file(&file).unwrap(),
            file,
        }
    });
    Mirrored {
        id: id.to_owned(),
        experiment: "nlp_sentiment".to_owned(),
        run_name: "baseline".to_owned(),
        start_ms: 1_000,
        end_ms: 2_000,
        status: Status::Finished,
        source_name: "easylife train nlp".to_owned(),
        git_commit: Some("0123abcd".to_owned()),
        version: "0.1.0".to_owned(),
        params: BTreeMap::from([
            ("nlp.c".to_owned(), "1.0".to_owned()),
            ("nlp.ngrams".to_owned(), "[1, 2]".to_owned()),
        ]),
        metrics: vec![
            metric("accuracy", 0.9, 0),
            metric("loss", 0.5, 0),
            metric("loss", 0.25, 1),
            metric("loss", 0.125, 2),
        ],
        tags: BTreeMap::from([("task".to_owned(), "nlp".to_owned())]),
        datasets: vec![Dataset {
            name: "data/train.parquet".to_owned(),
            digest: "ab".repeat(32),
            source_type: "local".to_owned(),
            context: "training".to_owned(),
        }],
        artifacts: artifacts.collect(),
        model: Some(ModelVersion {
            name: "nlp".to_owned(),
            path: "model".to_owned(),
            aliases: vec!["challenger".to_owned()],
        }),
    }
}

/// A spool in a folder of its own, with these runs.
fn spool_with(ids: &[&str]) -> (tempfile::TempDir, Spool) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().join("spool"));
    for id in ids {
        let notes = spool.put(record(id, folder.path())).unwrap();
        assert_eq!(notes, Vec::<String>::new());
    }
    (folder, spool)
}

/// Asserts that the server has the run once and whole.
fn assert_there_once(fake: &Fake, id: &str) {
    let mine = |run: &&&fake::Run| run.tags[RUN_TAG] == id;
    let live = fake.live();
    let runs: Vec<_> = live.iter().filter(mine).collect();
    assert_eq!(runs.len(), 1, "{id} is there {} times", runs.len());
    let run = runs[0];
    assert_eq!(
        (run.status.as_str(), run.times),
        ("FINISHED", (1_000, 2_000))
    );
    assert_eq!(fake.experiments[run.experiment], "nlp_sentiment");
    assert_eq!(run.name, "baseline");
    assert_eq!(run.params.len(), 2);
    assert_eq!(run.params["nlp.ngrams"], "[1, 2]");
    assert_eq!(run.metrics.len(), 4);
    assert_eq!(run.tags["task"], "nlp");
    assert_eq!(run.inputs.len(), 1);
    let root = format!("{}/{}/artifacts", run.experiment, run.id);
    for (path, content) in [
        ("reports/nlp.html", "<p>page</p>"),
        ("model/nlp.safetensors", "tensors"),
        ("empty.txt", ""),
    ] {
        assert_eq!(fake.files[&format!("{root}/{path}")], content.as_bytes());
    }
    let model = &fake.models["nlp"];
    let versions = model.versions.iter().enumerate();
    let versions: Vec<_> = versions
        .filter(|(_, version)| version.run == run.id && !version.deleted)
        .collect();
    assert_eq!(versions.len(), 1, "{} model versions", versions.len());
    let (at, version) = versions[0];
    assert_eq!(version.source, format!("mlflow-artifacts:/{root}/model"));
    assert_eq!(model.aliases["challenger"], (at + 1).to_string());
}

/// The message of the only record that failed.
fn only_failure(report: &Report) -> String {
    assert_eq!(report.failed.len(), 1, "{report:?}");
    assert!(!report.is_complete());
    report.failed[0].error.to_string()
}

#[test]
fn a_run_is_sent_whole_and_leaves_the_spool() {
    let mlflow = Mlflow::start(Fake::default());
    let (folder, spool) = spool_with(&["run-1"]);
    let report = spool.sync(&mlflow.server()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.sent[0].notes, Vec::<String>::new());
    assert_eq!(report.sent[0].version.as_deref(), Some("1"));
    assert_there_once(&mlflow.state(), "run-1");
    let left = std::fs::read_dir(folder.path().join("spool")).unwrap();
    assert_eq!(left.count(), 0);
    // Nothing to do: no request.
    let before = mlflow.requests().len();
    assert!(spool.sync(&mlflow.server()).unwrap().sent.is_empty());
    assert_eq!(mlflow.requests().len(), before);
}

#[test]
fn runs_and_their_model_versions_follow_in_the_order_of_their_ends() {
    let mlflow = Mlflow::start(Fake::default());
    let (folder, spool) = spool_with(&["b"]);
    let mut later = record("a", folder.path());
    later.end_ms += 1;
    spool.put(later).unwrap();
    let report = spool.sync(&mlflow.server()).unwrap();
    let sent: Vec<_> = report.sent.iter().map(|sent| sent.id.as_str()).collect();
    assert_eq!(sent, ["b", "a"]);
    assert_eq!(report.sent[1].version.as_deref(), Some("2"));
    assert_eq!(mlflow.state().models["nlp"].aliases["challenger"], "2");
}
