//! One side of a comparison: resolves its name and reads its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::outcomes::Outcomes;
use super::{TaskOutcomes, flatten};
use crate::exit;
use crate::project::PARAMS;

/// Explains how metrics get into a commit.
pub const HOW_TO_COMMIT_METRICS: &str = "`easylife evaluate` writes metrics, and a commit has them if .gitignore does not \
exclude /metrics/ and the small files of /plots/";

/// The kind of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A project, in a folder or in a commit.
    Project,
    /// A metrics file.
    Metrics,
    /// A model file.
    Model,
    /// A recorded run.
    Run,
}

/// One side.
#[derive(Debug)]
pub struct Side {
    /// As given.
    pub name: String,
    pub kind: Kind,
    from: From,
}

#[derive(Debug)]
enum From {
    /// A project's folder, or a file.
    Path(PathBuf),
    /// A commit of the repository of a folder.
    Commit { folder: PathBuf, id: String },
    /// What was recorded of a run.
    Record(Box<Record>),
}

/// What was recorded of a run, with no results row by row.
#[derive(Debug)]
pub struct Record {
    /// Its task.
    pub task: String,
    /// Its metrics, as in a metrics file.
    pub metrics: Value,
    /// Its parameters by key.
    pub parameters: BTreeMap<String, Value>,
    /// Digests of data and model, by path.
    pub data: BTreeMap<String, Value>,
}

/// Two sides of the same kind.
#[derive(Debug)]
pub struct Sides {
    pub a: Side,
    pub b: Side,
}

impl Sides {
    /// Resolves two names; commits are looked up from the project's `folder`.
    ///
    /// # Errors
    /// Unknown names, and sides of different kinds.
    pub fn find(a: &str, b: &str, folder: &Path) -> Result<Self> {
        let (a, b) = (Side::find(a, folder)?, Side::find(b, folder)?);
        if a.kind != b.kind {
            return Err(exit::usage(format!(
                "{} is {}, but {} is {}; name two of the same kind",
                a.name,
                a.kind.describe(),
                b.name,
                b.kind.describe()
            )));
        }
        Ok(Self { a, b })
    }

    /// The paths, if both sides are files.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        match (&self.a.from, &self.b.from) {
            (From::Path(a), From::Path(b)) => Some((a, b)),
            _ => None,
        }
    }
}

impl Kind {
    fn describe(self) -> &'static str {
        match self {
            Kind::Project => "a commit or a project's folder",
            Kind::Metrics => "a metrics file",
            Kind::Model => "a model file",
            Kind::Run => "a run",
        }
    }
}

impl Side {
    /// A recorded run under a name.
    pub fn of_run(name: String, record: Record) -> Self {
        Self {
            name,
            kind: Kind::Run,
            from: From::Record(Box::new(record)),
        }
    }

    fn find(name: &str, folder: &Path) -> Result<Self> {
        let side = |kind, from| {
            Ok(Self {
                name: name.to_owned(),
                kind,
                from,
            })
        };
        let path = PathBuf::from(name);
        if name == "." {
            return side(Kind::Project, From::Path(folder.to_owned()));
        }
        if path.is_dir() {
            if !path.join(PARAMS).is_file() {
                return Err(exit::usage(format!(
                    "{name} is not a project: it has no {PARAMS}; name a project, a commit, or a file"
                )));
            }
            return side(Kind::Project, From::Path(path));
        }
        if path.is_file() {
            let ending = path.extension().and_then(|ending| ending.to_str());
            let kind = match ending {
                Some("json") => Kind::Metrics,
                Some("safetensors") | None => Kind::Model,
                Some(_) => {
                    return Err(exit::usage(format!(
                        "{name} is neither a metrics file (.json) nor a model file (.safetensors); name two of \
                         these, two commits or two projects"
                    )));
                }
            };
            return side(kind, From::Path(path));
        }
        let id = commit(name, folder)?;
        let folder = folder.to_owned();
        side(Kind::Project, From::Commit { folder, id })
    }

    /// A file of the project; `None` if it does not exist.
    fn read(&self, file: &str) -> Result<Option<Vec<u8>>> {
        match &self.from {
            From::Path(path) => {
                let path = path.join(file);
                match std::fs::read(&path) {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => {
                        Err(error).with_context(|| format!("cannot read {}", path.display()))
                    }
                }
            }
            From::Commit { folder, id } => {
                let output = git(folder, &["show", &format!("{id}:./{file}")])?;
                Ok(output.status.success().then_some(output.stdout))
            }
            From::Record(_) => Ok(None),
        }
    }

    /// The metrics of a task, or those of a metrics file.
    pub(super) fn metrics(&self, task: &str) -> Result<Option<Value>> {
        let (bytes, name) = match (&self.from, self.kind) {
            (From::Record(record), _) => {
                return Ok((record.task == task).then(|| record.metrics.clone()));
            }
            (From::Path(path), Kind::Metrics) => {
                let bytes = std::fs::read(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                (Some(bytes), self.name.clone())
            }
            _ => {
                let file = format!("metrics/{task}.json");
                (self.read(&file)?, format!("{file} of {}", self.name))
            }
        };
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let metrics: Value = serde_json::from_slice(&bytes)
            .map_err(|error| exit::data(format!("{name} is not JSON: {error}")))?;
        match metrics.is_object() {
            true => Ok(Some(metrics)),
            false => Err(exit::data(format!(
                "{name} is not a metrics file: it is not a JSON object"
            ))),
        }
    }

    /// The name of a file without its extension, which is that of its task if `evaluate` wrote it.
    pub(super) fn stem(&self) -> &str {
        match &self.from {
            From::Path(path) => path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or(""),
            From::Commit { .. } | From::Record(_) => "",
        }
    }

    /// Results row by row; those of a metrics file are in the folder `plots` next to its folder.
    pub(super) fn outcomes(&self, task: &TaskOutcomes) -> Result<Option<Outcomes>> {
        Outcomes::read(task, &mut |file| match (&self.from, self.kind) {
            (From::Path(path), Kind::Metrics) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                let plots = folder.join("../plots").join(task.name).join(file);
                Ok(std::fs::read(plots).ok())
            }
            _ => self.read(&format!("plots/{}/{file}", task.name)),
        })
    }

    pub(super) fn describe_missing(&self, task: &str) -> String {
        if let From::Record(record) = &self.from {
            return format!("{} is a run of {}, not of {task}", self.name, record.task);
        }
        format!(
            "{} has no metrics/{task}.json; {HOW_TO_COMMIT_METRICS}",
            self.name
        )
    }

    /// All values of `params.yaml` by key; empty for a file.
    pub(super) fn parameters(&self) -> Result<BTreeMap<String, Value>> {
        if let From::Record(record) = &self.from {
            return Ok(record.parameters.clone());
        }
        Ok(match self.yaml(PARAMS)? {
            Some(tree) => flatten(&tree),
            None => BTreeMap::new(),
        })
    }

    /// Digests in `dvc.lock` of what `prepare` reads and writes, by path; for a metrics file that of its model.
    pub(super) fn data(&self) -> Result<BTreeMap<String, Value>> {
        if let From::Record(record) = &self.from {
            return Ok(record.data.clone());
        }
        let mut digests = BTreeMap::new();
        if self.kind == Kind::Metrics {
            let model = self.metrics("")?.map(|mut metrics| metrics["model"].take());
            digests.extend(model.map(|model| ("model file".to_owned(), model)));
        }
        let lock = self.yaml("dvc.lock")?.unwrap_or_default();
        let stages = lock["stages"].as_object().into_iter().flatten();
        for (_, stage) in stages.filter(|(name, _)| name.split('@').next() == Some("prepare")) {
            for list in [&stage["deps"], &stage["outs"]] {
                for file in list.as_array().into_iter().flatten() {
                    let (Some(path), digest) = (file["path"].as_str(), &file["md5"]) else {
                        continue;
                    };
                    if !path.starts_with("reports/") {
                        digests.insert(path.to_owned(), digest.clone());
                    }
                }
            }
        }
        Ok(digests)
    }

    fn yaml(&self, file: &str) -> Result<Option<Value>> {
        if self.kind != Kind::Project {
            return Ok(None);
        }
        let Some(bytes) = self.read(file)? else {
            return Ok(None);
        };
        let invalid = |error: String| exit::data(format!("{file} of {}: {error}", self.name));
        let text = String::from_utf8(bytes).map_err(|error| invalid(error.to_string()))?;
        yaml::from_str(&text)
            .map(Some)
            .map_err(|error| invalid(error.to_string()))
    }
}

fn git(folder: &Path, args: &[&str]) -> Result<std::process::Output> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .output()
        .context("cannot run git, which is needed to read commits; install it, or name two files")
}

/// The commit with this name in the repository of `folder`.
fn commit(name: &str, folder: &Path) -> Result<String> {
    if !git(folder, &["rev-parse", "--git-dir"])?.status.success() {
        return Err(exit::usage(format!(
            "{name} is not a file, and not a commit either, since the project is not in a git repository; \
            name two files or project folders, or create a repository with `git init`"
        )));
    }
    let revision = format!("{name}^{{commit}}");
    let args = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &revision,
    ];
    let output = git(folder, &args)?;
    if !output.status.success() {
        return Err(exit::usage(format!(
            "{name} is neither a file nor a commit, branch or tag of this repository; `git log --oneline` \
             lists the commits"
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
