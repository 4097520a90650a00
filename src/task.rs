//! The common interface of tasks: name, parameters, data, model. The tasks themselves, and the table of
//! tasks, are in `tasks`.

pub mod record;
#[cfg(test)]
pub mod toy;

use std::path::{Path, PathBuf};

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::classes::ClassWords;
use crate::columns::{Needed, Role};
use crate::exit;
use crate::params::batch::Batch;
use crate::params::gate::Gate;
use crate::params::{self, Invalid};
use crate::project::Project;
use artifact::{Contents, Damage, Details, Header};
use models::state::{StateError, Stateful};
use tables::{Reading, Source};

/// File names of the prepared parts.
pub const TRAIN: &str = "train.csv";
pub const TEST: &str = "test.csv";

/// A part of the prepared data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Test,
}

/// Raw data according to `TASK.data`.
#[derive(Clone, Copy, Debug)]
pub struct RawData<'a> {
    /// A file or a folder.
    pub source: &'a str,
    /// The same for a separate test part.
    pub test: Option<&'a str>,
    /// How CSV files are read.
    pub reading: Reading,
    /// Whether a folder holds tables rather than photos.
    pub of_tables: bool,
}

/// One of the jobs the toolkit does.
pub trait Task: 'static {
    /// Its name in commands, parameters and folders.
    const NAME: &'static str;
    /// Its block of the parameters, as written.
    type Block: Serialize + DeserializeOwned + JsonSchema + Default;
    /// Its checked parameters.
    type Params: Sync;
    /// What it adds to the header of a model file.
    type Details: Details + std::fmt::Debug;
    /// A prepared part in memory, with the other prepared files it needs.
    type Data;
    /// Its fitted model.
    type Model: Stateful;

    /// The column that is predicted.
    const TARGET: Role;

    /// A built-in model file, used if there is no other.
    const EMBEDDED: Option<&'static [u8]> = None;

    /// Its classes, where they are its own and labels are words for them.
    const CLASSES: Option<&'static ClassWords> = None;

    /// Checks its block.
    fn check(block: &Self::Block) -> Result<Self::Params, Invalid>;

    /// The bounds of its metrics.
    fn gate(block: &Self::Block) -> &Gate;

    /// Input and output of the project's batch.
    fn batch(block: &Self::Block) -> &Batch;

    /// The paths of its raw data, and how they are read.
    fn raw_data(params: &Self::Params) -> RawData<'_>;

    /// The columns that its raw data must have.
    fn needed(params: &Self::Params) -> Vec<Needed>;

    /// Optional columns of its raw data.
    fn optional(_params: &Self::Params) -> Vec<Needed> {
        Vec::new()
    }

    /// Takes from the parameters that data were prepared with those that do not change the parts: the names of
    /// columns, and how files are read.
    fn follow(block: &mut Self::Block, prepared: &Self::Block);

    /// Loads a prepared part, with the other prepared files that its verb needs.
    fn load(project: &Project, part: Part, params: &Self::Params) -> Result<Self::Data>;
}

/// The checked parameters of `T` in `project`.
pub fn params<T: Task>(project: &Project) -> Result<T::Params, params::Error> {
    let block = project.block::<T::Block>(T::NAME)?;
    T::check(&block).map_err(|invalid| project.blame(invalid))
}

/// The bounds of the metrics of `T` in `project`.
pub fn gate<T: Task>(project: &Project) -> Result<Gate, params::Error> {
    params::<T>(project)?; // refuses bounds that no value can meet
    let block = project.block::<T::Block>(T::NAME)?;
    Ok(T::gate(&block).clone())
}

/// The file of a prepared part of `T`, which must exist.
pub fn part_path<T: Task>(project: &Project, part: Part) -> Result<PathBuf> {
    let name = match part {
        Part::Train => TRAIN,
        Part::Test => TEST,
    };
    let path = project.processed(T::NAME).join(name);
    anyhow::ensure!(
        path.exists(),
        "{} does not exist; create it with `easylife prepare {}`",
        path.display(),
        T::NAME
    );
    Ok(path)
}

/// The rows of a prepared part of `T`, which must exist.
pub fn open_part<T: Task>(project: &Project, part: Part) -> Result<Box<dyn Source>> {
    Ok(tables::open(&part_path::<T>(project, part)?)?)
}

/// The path of the requested model, otherwise of the project's.
pub fn model_path<T: Task>(project: Option<&Project>, asked: Option<&Path>) -> Result<PathBuf> {
    match (asked, project) {
        (Some(path), _) => Ok(path.to_owned()),
        (None, Some(project)) => Ok(project.model(T::NAME)),
        (None, None) => Err(exit::usage(
            "no model: name one with -m, or run inside a project (a folder with params.yaml)",
        )),
    }
}

/// A loaded model, and its name.
pub struct Loaded<T: Task> {
    /// The file, as shown in messages.
    pub name: String,
    pub header: Header<T::Details>,
    pub model: T::Model,
    /// The digest of the file.
    pub digest: String,
}

/// Loads the requested model, otherwise the project's, otherwise the built-in one.
pub fn load_model<T: Task>(project: Option<&Project>, asked: Option<&Path>) -> Result<Loaded<T>> {
    let trained = asked.is_some() || project.is_some_and(|p| p.model(T::NAME).exists());
    let (name, contents) = match T::EMBEDDED {
        Some(bytes) if !trained => {
            let name = format!("the built-in model of {}", T::NAME);
            (name.clone(), artifact::from_bytes(bytes, &name, T::NAME)?)
        }
        _ => {
            let path = model_path::<T>(project, asked)?;
            (path.display().to_string(), artifact::load(&path, T::NAME)?)
        }
    };
    let Contents {
        header,
        state,
        digest,
    } = contents;
    let model = T::Model::take_state(state).map_err(|error| match error {
        // The file is as it was written: its digests are right.
        StateError::Missing { .. } | StateError::DataType { .. } => {
            anyhow::anyhow!("{name} {}", Damage::other_version(T::NAME, error))
        }
        _ => anyhow::anyhow!(
            "{name}: {error}; retrain it with `easylife train {}`",
            T::NAME
        ),
    })?;
    Ok(Loaded {
        name,
        header,
        model,
        digest,
    })
}
