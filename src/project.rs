//! The project folder, which contains `params.yaml`, and the paths of everything in it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use crate::exit;
use crate::params::{self, Invalid, Params, Set, TaskBlock};

/// The file that makes a folder a project.
pub const PARAMS: &str = "params.yaml";

/// A project with its parameters.
pub struct Project {
    /// Empty for the working folder, so that paths are shown as one would type them.
    root: PathBuf,
    loaded: params::Loaded,
    sets: Vec<Set>,
}

/// Which project and which parameters to use.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--project`; absent: the working folder or the nearest one above it with `params.yaml`.
    pub folder: Option<PathBuf>,
    pub sets: Vec<Set>,
    /// The blocks of all tasks.
    pub blocks: Vec<TaskBlock>,
}

impl Project {
    /// Opens the selected project and reads its parameters.
    pub fn open(selection: &Selection) -> Result<Self> {
        let root = match &selection.folder {
            Some(folder) => folder.clone(),
            None => find()?.ok_or_else(|| {
                exit::usage(
                    "no params.yaml in this folder or one above it; start a project with \
                     `easylife init`, or name one with --project",
                )
            })?,
        };
        let loaded = params::load(&root.join(PARAMS), &selection.sets, &selection.blocks)?;
        let sets = selection.sets.clone();
        Ok(Self { root, loaded, sets })
    }

    /// As [`Project::open`], but `None` if there is no project and none was given.
    pub fn open_if_any(selection: &Selection) -> Result<Option<Self>> {
        if selection.folder.is_none() && selection.sets.is_empty() && find()?.is_none() {
            return Ok(None);
        }
        Self::open(selection).map(Some)
    }

    /// The command that makes the same outputs again in this project: `easylife` with `words` and those `-S` of
    /// this call that concern `keys`.
    pub fn command(&self, words: &[&str], keys: &[String]) -> String {
        let words = words.iter().map(|word| (*word).to_owned());
        let concerns = |set: &&Set| keys.iter().any(|key| set.concerns(key));
        let sets = self.sets.iter().filter(concerns).map(Set::for_shell);
        let all: Vec<String> = ["easylife".to_owned()]
            .into_iter()
            .chain(words)
            .chain(sets)
            .collect();
        all.join(" ")
    }

    /// The parameters that belong to no task.
    pub fn params(&self) -> &Params {
        &self.loaded.params
    }

    /// The block `key` of the parameters, as written.
    ///
    /// # Errors
    /// A value of a wrong type.
    pub fn block<B: DeserializeOwned + Default>(&self, key: &str) -> Result<B, params::Error> {
        self.loaded.block(key)
    }

    /// Whether the parameters have a block `key`.
    pub fn has(&self, key: &str) -> bool {
        self.loaded.has(key)
    }

    /// Adds to an error about a parameter the place where it was given.
    pub fn blame(&self, invalid: Invalid) -> params::Error {
        self.loaded.blame(invalid)
    }

    /// A path from the parameters: relative ones start at the project. A name that is not UTF-8 is written with
    /// escapes (`caf\xE9.csv`).
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        match path.as_ref().to_str() {
            Some(text) => files::names::find(&self.root, text),
            None => self.root.join(path),
        }
    }

    /// A path as shown in outputs: without the project's folder.
    pub fn shown(&self, path: &Path) -> String {
        let within = path.strip_prefix(&self.root).unwrap_or(path);
        files::names::spell(within)
    }

    /// The rules for the data of a task, edited by people.
    pub fn schema(&self, task: &str) -> PathBuf {
        self.path(format!("schema/{task}.yaml"))
    }

    /// The result of `validate`, in the format `ending`.
    pub fn validation(&self, task: &str, ending: &str) -> PathBuf {
        self.path(format!("reports/validate/{task}.{ending}"))
    }

    /// The raw data of a task, written by `sample`.
    pub fn raw(&self, task: &str) -> PathBuf {
        self.path(format!("data/raw/{task}"))
    }

    /// The parts written by `prepare`.
    pub fn processed(&self, task: &str) -> PathBuf {
        self.path(format!("data/processed/{task}"))
    }

    pub fn model(&self, task: &str) -> PathBuf {
        self.path(format!("models/{task}.safetensors"))
    }

    pub fn metrics(&self, task: &str) -> PathBuf {
        self.path(format!("metrics/{task}.json"))
    }

    pub fn plots(&self, task: &str) -> PathBuf {
        self.path(format!("plots/{task}"))
    }

    /// The page with all tasks.
    pub fn index(&self) -> PathBuf {
        self.path("reports/index.html")
    }

    pub fn report(&self, task: &str) -> PathBuf {
        self.path(format!("reports/{task}.html"))
    }
}

/// The nearest folder with `params.yaml`, from the working folder upwards.
fn find() -> Result<Option<PathBuf>> {
    if Path::new(PARAMS).is_file() {
        return Ok(Some(PathBuf::new()));
    }
    let here = std::env::current_dir().context("cannot determine the working folder")?;
    Ok(here
        .ancestors()
        .skip(1)
        .find(|folder| folder.join(PARAMS).is_file())
        .map(Path::to_owned))
}
