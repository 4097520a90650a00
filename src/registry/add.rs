//! A model file becomes a version of a name, with what it was made of.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::exit;
use crate::memory::{self, Place, coded, folder, refuse_key, signature_of};
use crate::project::Project;
use crate::task::metrics::measured;
use artifact::{Description, describe_bytes};
use files::atomic;
use registry::history::{Registry, Version};
use registry::lineage::{Lineage, Metric, Named};
use registry::runs::{Outcome, Run, Runs};
use registry::signing::{self, PrivateKey};
use registry::store::Content;

/// A model to add.
#[derive(Clone, Debug)]
pub struct Add {
    /// The model file.
    pub file: PathBuf,
    /// Its name in the registry; absent: its task.
    pub name: Option<String>,
    /// The private key that signs it, into `FILE.sig`; it signs the history as well, unless that has another one.
    pub sign: Option<PathBuf>,
}

/// A version.
#[derive(Serialize)]
pub struct Added {
    name: String,
    version: u64,
    sha256: String,
    bytes: u64,
    /// Whether the newest version was this model already.
    was_there: bool,
    /// Whether its results are known.
    evaluated: bool,
    /// The run that trained it.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<PathBuf>,
    /// What was added, and its file; `None` if it was there.
    #[serde(skip)]
    #[cfg_attr(not(feature = "mlflow"), expect(dead_code))]
    new: Option<(Version, PathBuf)>,
}

impl Added {
    /// Has a new version sent to the MLflow server that the environment names, if it names one.
    #[cfg(feature = "mlflow")]
    pub fn mirror(&self, project: Option<&Project>, talk: &crate::talk::Talk) {
        if let (Some(project), Some((version, file))) = (project, &self.new) {
            super::mirror::added(project, version, file, talk);
        }
    }
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (name, version) = (&self.name, self.version);
        let is = if self.was_there { "is already" } else { "is" };
        writeln!(f, "{} {is} version {version} of {name}", &self.sha256[..12])?;
        if !self.evaluated {
            writeln!(
                f,
                "  not evaluated yet: promote --if-better needs its metrics"
            )?;
        }
        match &self.signature {
            Some(path) => writeln!(f, "  signed: {}", path.display()),
            None => Ok(()),
        }
    }
}

/// Adds a model. Its results and what it was made of are those of its runs in the project, otherwise of its metrics
/// file and of the model's own header. The newest version is not added again, but its results are.
///
/// # Errors
/// What is no model, a name that cannot be one, a history that does not verify, a store that cannot be written.
pub fn add(project: Option<&Project>, place: &Place, request: &Add) -> Result<Added> {
    let path = &request.file;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let described = describe_bytes(&bytes, &path.display().to_string())?;
    let content = Content::of_bytes(&bytes);
    let name = request
        .name
        .clone()
        .unwrap_or_else(|| described.header.task.clone());
    let runs = runs_of(project, &content.sha256)?;
    let (lineage, evaluated) = origin(project, &described, &runs, &content.sha256)?;
    let signature = { request.sign.as_deref() }
        .map(|key| sign(path, &content.sha256, key))
        .transpose()?;
    let place = Place {
        key: place.key.clone().or_else(|| request.sign.clone()),
        ..place.clone()
    };
    let mut registry = place.create()?;
    let newest = newest_of(&registry, &name, &content.sha256);
    let was_there = newest.is_some();
    let mut new = None;
    let version = match newest {
        Some((version, known)) => {
            if !evaluated.is_empty() && known != evaluated {
                registry
                    .evaluate(&name, version, evaluated.clone())
                    .map_err(coded)?;
            }
            version
        }
        None => {
            let added = registry.add(&name, &content, lineage.clone(), evaluated.clone());
            let added = added.map_err(coded)?;
            new = Some((added.clone(), path.clone()));
            added.number
        }
    };
    Ok(Added {
        name,
        version,
        bytes: content.bytes,
        was_there,
        evaluated: !evaluated.is_empty(),
        run: lineage.run,
        signature,
        new,
        sha256: content.sha256.clone(),
    })
}

/// The newest version of a name, if it is this model, with its results.
fn newest_of(registry: &Registry, name: &str, sha256: &str) -> Option<(u64, Vec<Metric>)> {
    let version = registry.versions(name).ok()?.last()?;
    let is_it = version.sha256 == sha256 && version.retired.is_none() && version.erased.is_none();
    is_it.then(|| (version.number, version.evaluated.clone()))
}

/// The runs of the project that made or measured a model, in the order of time.
fn runs_of(project: Option<&Project>, sha256: &str) -> Result<Vec<Run>> {
    let store = match project {
        Some(project) => memory::open(&folder(project))?,
        None => None,
    };
    let Some(store) = store else {
        return Ok(Vec::new());
    };
    let is_whole = |run: &Run| run.outcome == Outcome::Finished;
    let is_of_model = |run: &Run| {
        run.digests
            .model
            .as_ref()
            .is_some_and(|model| model.sha256 == sha256)
    };
    let (runs, _) = Runs::new(store).all()?;
    Ok(runs
        .into_iter()
        .filter(|run| is_whole(run) && is_of_model(run))
        .collect())
}

/// What a model was made of, and its results.
fn origin(
    project: Option<&Project>,
    described: &Description,
    runs: &[Run],
    sha256: &str,
) -> Result<(Lineage, Vec<Metric>)> {
    let header = &described.header;
    let last = |verb: &str| runs.iter().rev().find(|run| run.verb == verb);
    let trained = last("train");
    let training = &header.provenance.training;
    let recorded = trained.map(|run| run.digests.data.clone());
    let lineage = Lineage {
        data: recorded.unwrap_or_else(|| {
            vec![Named {
                path: format!("the training part of {}", header.task),
                sha256: training.sha256.clone(),
                rows: Some(training.rows),
            }]
        }),
        params: trained.and_then(|run| run.digests.params.clone()),
        code: trained.and_then(|run| run.git.clone()),
        version: Some(header.provenance.version.clone()),
        run: trained.map(|run| run.id.clone()),
        parent: None,
    };
    let evaluated = match (last("evaluate"), project) {
        (Some(run), _) => run.metrics.clone(),
        (None, Some(project)) => metrics_file(&project.metrics(&header.task), sha256)?,
        (None, None) => Vec::new(),
    };
    Ok((lineage, evaluated))
}

/// The results in a metrics file, if they are of this model.
fn metrics_file(path: &Path, sha256: &str) -> Result<Vec<Metric>> {
    let Ok(text) = std::fs::read(path) else {
        return Ok(Vec::new()); // not evaluated
    };
    #[derive(serde::Deserialize)]
    struct Metrics {
        /// The digest of the model that was measured.
        model: String,
        #[serde(flatten)]
        figures: serde_json::Value,
    }
    let Metrics { model, figures } = serde_json::from_slice(&text).map_err(|error| {
        exit::data(format!(
            "{} is not what `evaluate` writes: {error}",
            path.display()
        ))
    })?;
    Ok(match model == sha256 {
        true => measured(&figures),
        false => Vec::new(),
    })
}

/// Signs a model file whose digest is known, into a file beside it.
fn sign(path: &Path, sha256: &str, key: &Path) -> Result<PathBuf> {
    let key = PrivateKey::read(key).map_err(refuse_key)?;
    let name = path.file_name().map_or(path, Path::new);
    let bundle = signing::sign_digest(&files::names::spell(name), sha256, &key)?;
    let target = signature_of(path);
    atomic::write(&target, |out| out.write_all(bundle.as_bytes()))?;
    Ok(target)
}
