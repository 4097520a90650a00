//! Versions and aliases for an MLflow server: a version is a run with the model as its artifact, from which the server
//! makes a version of a registered model; an alias is moved when its version is there.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::memory::mlflow::{send_beside, settings, spool};
use crate::project::Project;
use crate::talk::Talk;
use registry::history::{Event, Signed, Version};
use registry::mlflow::{AliasChange, Artifact, Dataset, Metric, Mirrored, ModelVersion, Status};

/// The experiment of versions, unless `MLFLOW_EXPERIMENT_NAME` names another one.
const EXPERIMENT: &str = "registry";

/// The folder of the model among the artifacts of its run.
const FOLDER: &str = "model";

/// Has a version that was added sent; a warning where that is not possible. `file` is the model file.
pub fn added(project: &Project, version: &Version, file: &std::path::Path, talk: &Talk) {
    let put = || -> Result<bool> {
        let Some(settings) = settings()? else {
            return Ok(false);
        };
        let experiment = settings.experiment().unwrap_or(EXPERIMENT);
        let record = record(version, file, experiment);
        spool(project)
            .put(record)?
            .iter()
            .for_each(|note| talk.detail(note));
        Ok(true)
    };
    finish(project, put(), talk);
}

/// Has the move of an alias sent.
pub fn moved(project: &Project, signed: &Signed, sha256: Option<&str>, talk: &Talk) {
    let put = || -> Result<bool> {
        if settings()?.is_none() {
            return Ok(false);
        }
        let Some(change) = change(signed, sha256) else {
            return Ok(false);
        };
        spool(project).put_alias(&change)?;
        Ok(true)
    };
    finish(project, put(), talk);
}

fn finish(project: &Project, put: Result<bool>, talk: &Talk) {
    match put {
        Ok(true) => send_beside(project, talk),
        Ok(false) => {}
        Err(error) => talk.warn(format!("the registry is not mirrored to MLflow: {error:#}")),
    }
}

/// The id of a version's run: the same for every attempt, and for every machine.
fn id_of(name: &str, sha256: &str) -> String {
    let digest = files::digest::bytes(format!("{name}\n{sha256}").as_bytes());
    format!("version-{}", &digest[..32])
}

fn record(version: &Version, file: &std::path::Path, experiment: &str) -> Mirrored {
    let name = &version.name;
    let path = format!("{FOLDER}/{name}.safetensors");
    let at = version.added.as_millisecond();
    let lineage = &version.lineage;
    Mirrored {
        id: id_of(name, &version.sha256),
        experiment: experiment.to_owned(),
        run_name: format!("{name} version {}", version.number),
        start_ms: at,
        end_ms: at,
        status: Status::Finished,
        source_name: "easylife registry add".to_owned(),
        git_commit: lineage.code.as_ref().map(|git| git.commit.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        params: BTreeMap::new(),
        metrics: { version.evaluated.iter() }
            .map(|metric| Metric {
                key: metric.name.clone(),
                value: metric.value,
                timestamp: at,
                step: 0,
            })
            .collect(),
        tags: BTreeMap::from([
            ("easylife.model".to_owned(), version.sha256.clone()),
            (
                "easylife.version.number".to_owned(),
                version.number.to_string(),
            ),
            (
                "easylife.trained_by".to_owned(),
                lineage.run.clone().unwrap_or_default(),
            ),
        ]),
        datasets: { lineage.data.iter() }
            .map(|data| Dataset {
                name: data.path.clone(),
                digest: data.sha256.clone(),
                source_type: "local".to_owned(),
                context: "training".to_owned(),
            })
            .collect(),
        artifacts: vec![Artifact {
            path,
            file: file.to_owned(),
            sha256: version.sha256.clone(),
        }],
        model: Some(ModelVersion {
            name: name.clone(),
            // MLflow's models are folders.
            path: FOLDER.to_owned(),
            aliases: Vec::new(),
        }),
    }
}

/// What an event changes of an alias; `sha256` is the model that it points at from then on.
fn change(signed: &Signed, sha256: Option<&str>) -> Option<AliasChange> {
    let entry = &signed.entry;
    let (name, alias) = match &entry.event {
        Event::Promote { name, alias, .. }
        | Event::Rollback { name, alias, .. }
        | Event::Unset { name, alias, .. } => (name, alias),
        _ => return None,
    };
    Some(AliasChange {
        id: format!("alias-{}", &signed.hash[..32]),
        model: name.clone(),
        alias: alias.clone(),
        run: sha256.map(|sha256| id_of(name, sha256)),
        at_ms: entry.time.as_millisecond(),
    })
}
