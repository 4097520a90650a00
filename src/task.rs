//! The common interface of tasks: name, parameters, data, model. The tasks themselves, and the table of
//! tasks, are in `tasks`.

pub mod metrics;
pub mod record;
#[cfg(test)]
pub mod toy;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::classes::ClassWords;
use crate::columns::{Needed, Role};
use crate::exit;
use crate::memory::{self, Registered, Watched};
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

/// Whose rows are: users, series, groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The columns of the raw data that name one together.
    pub columns: Vec<String>,
    /// The key of params.yaml that names them.
    pub key: &'static str,
    /// The column that has the name in what the task writes. Its models then list the ids that they know; without it
    /// they do not say whose rows they were trained on.
    pub written: Option<&'static str>,
}

/// How an MLflow server calls the runs of a task: as the platform does that this toolkit is the Rust form of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Their experiment, unless `MLFLOW_EXPERIMENT_NAME` names another one.
    pub experiment: &'static str,
    /// The name of each.
    pub run: &'static str,
}

/// One of the jobs the toolkit does.
pub trait Task: 'static {
    /// Its name in commands, parameters and folders.
    const NAME: &'static str;
    /// The names of its runs on an MLflow server.
    const TRACKED: Tracked = Tracked {
        experiment: Self::NAME,
        run: Self::NAME,
    };
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

    /// Whose the rows are, if they are somebody's: for `erase`.
    fn subject(_params: &Self::Params) -> Option<Subject> {
        None
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

/// A model that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRef {
    /// Where it is.
    pub source: ModelSource,
    /// Public keys, one of which must have signed it; `None`: it need not be signed.
    pub signed_by: Option<Vec<PathBuf>>,
}

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// In a file.
    File(PathBuf),
    /// In a registry, under a name.
    Registered(Registered),
}

impl ModelRef {
    /// A file that need not be signed.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            source: ModelSource::File(path.into()),
            signed_by: None,
        }
    }

    /// What is looked at to see whether there is another model: the file and, if it must be signed, its signature,
    /// which may come after it; or the history of the registry.
    ///
    /// # Errors
    /// A registry that nobody named.
    pub fn watched(&self) -> Result<Vec<Watched>> {
        Ok(match &self.source {
            ModelSource::File(path) => {
                let signature = self.signed_by.as_ref().map(|_| memory::signature_of(path));
                let files = [path.clone()].into_iter().chain(signature);
                files.map(Watched::File).collect()
            }
            ModelSource::Registered(registered) => vec![registered.watched()?],
        })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.source {
            ModelSource::File(path) => write!(f, "{}", path.display()),
            ModelSource::Registered(registered) => f.write_str(&registered.name),
        }
    }
}

/// The project's model, unless there is none and one is built in, which is a part of this program.
///
/// # Errors
/// If there is no project.
pub fn own_file<T: Task>(project: Option<&Project>) -> Result<Option<PathBuf>> {
    let own = own_model::<T>(project);
    match (T::EMBEDDED, own) {
        (Some(_), own) => Ok(own.ok().filter(|path| path.exists())),
        (None, own) => own.map(Some),
    }
}

/// The project's model, where none was asked for.
///
/// # Errors
/// If there is no project.
pub fn own_model<T: Task>(project: Option<&Project>) -> Result<PathBuf> {
    project
        .map(|project| project.model(T::NAME))
        .ok_or_else(|| {
            exit::usage(
                "no model: name one with -m, or run inside a project (a folder with params.yaml)",
            )
        })
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
///
/// # Errors
/// A model that is absent, damaged, of another task or not signed as it must be.
pub fn load_model<T: Task>(
    project: Option<&Project>,
    asked: Option<&ModelRef>,
) -> Result<Loaded<T>> {
    let is_trained = project.is_some_and(|project| project.model(T::NAME).exists());
    match (asked, T::EMBEDDED) {
        (Some(asked), _) => load(asked),
        (None, Some(bytes)) if !is_trained => {
            let name = format!("the built-in model of {}", T::NAME);
            loaded(artifact::from_bytes(bytes, &name, T::NAME)?, name)
        }
        (None, _) => load_file(&own_model::<T>(project)?),
    }
}

/// Loads a model from a file.
///
/// # Errors
/// A file that is absent, damaged or of another task.
pub fn load_file<T: Task>(path: &Path) -> Result<Loaded<T>> {
    loaded(artifact::load(path, T::NAME)?, path.display().to_string())
}

fn load<T: Task>(asked: &ModelRef) -> Result<Loaded<T>> {
    let (name, bytes) = match (&asked.source, &asked.signed_by) {
        (ModelSource::File(path), None) => return load_file(path),
        // The bytes that are verified are those that are used.
        (ModelSource::File(path), Some(keys)) => {
            (path.display().to_string(), memory::read_signed(path, keys)?)
        }
        (ModelSource::Registered(registered), keys) => {
            let (version, bytes) = registered.read(keys.is_some())?;
            (
                format!("{} (version {})", registered.name, version.number),
                bytes,
            )
        }
    };
    loaded(artifact::from_bytes(&bytes, &name, T::NAME)?, name)
}

fn loaded<T: Task>(contents: Contents<T::Details>, name: String) -> Result<Loaded<T>> {
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
