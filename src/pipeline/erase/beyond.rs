//! What is not a file of the project: versions in the registry, records of runs and of what waits to be sent, and what
//! cannot be reached from here, which is named.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
#[cfg(feature = "mlflow")]
use tables::Reading;

use super::InFile;
use super::id::Id;
use super::search::model_knows;
use crate::memory::{self, Place, coded};
use crate::project::Project;
use dvc::Pipeline;
use registry::history::{Refusal, RegistryError};
use registry::runs::Runs;

/// Why a version lost its file, in the history, where no id stands.
const NOTE: &str = "trained on rows that were erased";

/// The versions of a task's models in a registry that know an id.
pub struct Registered {
    versions: Vec<Old>,
}

struct Old {
    task: &'static str,
    name: String,
    number: u64,
    aliases: Vec<String>,
}

impl Registered {
    /// Those in the registry at `place`; none if there is no registry.
    ///
    /// # Errors
    /// A registry that cannot be read or does not verify.
    pub fn of(place: &Place, id: &Id) -> Result<Self> {
        let mut versions = Vec::new();
        let is_there = match place.location() {
            Ok(location) => location.open()?.is_some(),
            Err(_) => false,
        };
        if !is_there {
            return Ok(Self { versions });
        }
        let registry = place.open()?;
        for (name, known) in registry.state().names() {
            for version in known.versions() {
                if version.erased.is_some() {
                    continue;
                }
                let bytes = registry.model(version).map_err(coded)?;
                let is_of_task = artifact::describe_bytes(&bytes, name)
                    .is_ok_and(|described| described.header.task == id.task());
                if !is_of_task || !model_knows(&bytes, id) {
                    continue;
                }
                let aliases = known.aliases().keys().filter(|alias| {
                    { registry.state().alias(name, alias) }.is_ok_and(|at| at == version.number)
                });
                versions.push(Old {
                    task: id.task(),
                    name: name.clone(),
                    number: version.number,
                    aliases: aliases.cloned().collect(),
                });
            }
        }
        Ok(Self { versions })
    }

    /// Erases the files of those that no alias points at; returns which. The others are left.
    ///
    /// # Errors
    /// A registry that cannot be written.
    pub fn erase(&mut self, place: &Place) -> Result<Vec<String>> {
        let all = std::mem::take(&mut self.versions);
        let (unused, used): (Vec<Old>, Vec<Old>) =
            { all.into_iter() }.partition(|old| old.aliases.is_empty());
        self.versions = used;
        if unused.is_empty() {
            return Ok(Vec::new());
        }
        let mut registry = place.open()?;
        let mut erased = Vec::new();
        for old in unused {
            match registry.erase(&old.name, old.number, NOTE) {
                Ok(_) => erased.push(format!("{} version {}", old.name, old.number)),
                // An alias was moved to it meanwhile.
                Err(RegistryError::Refused(Refusal::InUse { .. })) => self.versions.push(old),
                Err(error) => return Err(coded(error)),
            }
        }
        Ok(erased)
    }

    /// Those that are left, with what to do about them.
    pub fn left(&self) -> Vec<InFile> {
        let versions = self.versions.iter();
        versions
            .map(|old| InFile {
                path: format!("registry: {} version {}", old.name, old.number),
                rows: None,
                lines: None,
                note: Some(match old.aliases.first() {
                    Some(alias) => format!(
                        "in use as {name}@{alias}; add the new model (easylife registry add models/{task}.safetensors \
                         --name {name}), promote it to {name}@{alias}, and call erase --all-versions again",
                        name = old.name,
                        task = old.task,
                    ),
                    None => "an old model; erase it with --all-versions".to_owned(),
                }),
            })
            .collect()
    }
}

/// Removes records of runs, and of what waits to be sent to MLflow, in which the id stands; returns their names.
///
/// # Errors
/// A store that cannot be read or written.
pub fn remove_records(project: &Project, id: &Id) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    if let Some(store) = memory::open(&memory::folder(project))? {
        let runs = Runs::new(store);
        for run in runs.all()?.0 {
            let text = serde_json::to_value(&run).context("a run cannot be read")?;
            if id.is_in(&text) {
                runs.remove(&run.id)?;
                removed.push(format!("run {}", run.id));
            }
        }
    }
    #[cfg(feature = "mlflow")]
    removed.extend(remove_waiting(project, id)?);
    Ok(removed)
}

/// Removes what waits to be sent to MLflow with a model, a page or a table that knows the id.
#[cfg(feature = "mlflow")]
fn remove_waiting(project: &Project, id: &Id) -> Result<Vec<String>> {
    let spool = memory::mlflow::spool(project);
    let mut removed = Vec::new();
    for waiting in spool.waiting()? {
        let folder = spool.folder().join(&waiting);
        let files = std::fs::read_dir(&folder);
        let files = files.with_context(|| format!("cannot read {}", folder.display()))?;
        let mut holds = false;
        for file in files {
            let path = file?.path();
            let found = super::search::search(&path, Reading::default(), id)?;
            holds |= found.is_some_and(|found| found.is_certain());
        }
        if holds {
            spool.discard(&waiting)?;
            removed.push(format!("run {waiting}, which waited to be sent to MLflow"));
        }
    }
    Ok(removed)
}

/// What cannot be reached from here.
///
/// # Errors
/// A file that cannot be read.
pub fn elsewhere(
    project: &Project,
    sources: &[PathBuf],
    pipeline: &Pipeline,
) -> Result<Vec<String>> {
    let mut named = Vec::new();
    let tracked = sources.iter().filter(|path| is_in_git(path));
    let tracked: Vec<String> = tracked.map(|path| project.shown(path)).collect();
    if !tracked.is_empty() {
        named.push(format!(
            "git's history of {} (git filter-repo rewrites it)",
            tracked.join(", ")
        ));
    }
    let noted = |path: &&PathBuf| path.with_added_extension("dvc").exists();
    for path in sources.iter().filter(noted) {
        let path = project.shown(path);
        named.push(format!(
            "{path}.dvc names the content of before: run `dvc add {path}`"
        ));
    }
    if pipeline.cache_folder().is_some() {
        named.push("remotes of DVC, if contents were pushed (dvc gc --cloud)".to_owned());
    }
    if std::env::var_os("MLFLOW_TRACKING_URI").is_some() {
        named.push(
            "the MLflow server of MLFLOW_TRACKING_URI: models, pages and plots of runs that were sent"
                .to_owned(),
        );
    }
    named
        .push("backups, copies and logs elsewhere (name files and folders with --also)".to_owned());
    Ok(named)
}

/// Whether a commit has the file.
fn is_in_git(path: &Path) -> bool {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let Some(name) = path.file_name() else {
        return false;
    };
    let said = Command::new("git")
        .arg("-C")
        .arg(folder.unwrap_or(Path::new(".")))
        .args(["--no-optional-locks", "log", "--oneline", "-1", "--"])
        .arg(name)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    said.is_ok_and(|said| said.status.success() && !said.stdout.is_empty())
}
