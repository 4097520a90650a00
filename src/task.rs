//! The table of tasks: name, parameters, data, model. The only `match` over tasks is here.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Result;

use crate::exit;
use crate::params::gate::Gate;
use crate::params::{self, Invalid, Params};
use crate::project::Project;
use crate::{params::cv, params::nlp, params::recsys, params::ts};
use artifact::Header;
use models::state::Stateful;
use tables::{
    Panel, Photos, RATING_COLUMNS, Ratings, ReadError, Source, Texts, read_photos, read_prepared,
    read_ratings, read_texts,
};

/// File names of the prepared parts.
pub const TRAIN: &str = "train.csv";
pub const TEST: &str = "test.csv";
/// Names of items, of `recsys`.
pub const ITEMS: &str = "items.csv";

/// One of the jobs the toolkit does.
pub trait Task: 'static {
    /// The one word for it: in commands, parameters, folders.
    const NAME: &'static str;
    /// Its checked parameters.
    type Params: Sync;
    /// Its prepared data in memory.
    type Data;
    /// Its fitted model.
    type Model: Stateful;

    /// A model file compiled into the program, for where there is no other.
    const EMBEDDED: Option<&'static [u8]> = None;

    /// Its block of the parameters, checked.
    fn check(params: &Params) -> Result<Self::Params, Invalid>;

    /// The bounds that its metrics must keep.
    fn gate(params: &Params) -> &Gate;

    /// Reads a prepared part.
    fn read(source: &mut dyn Source, params: &Self::Params) -> Result<Self::Data, ReadError>;
}

/// The checked parameters of `T` in `project`.
pub fn params<T: Task>(project: &Project) -> Result<T::Params, params::Error> {
    T::check(project.params()).map_err(|invalid| project.blame(invalid))
}

/// The training part of `T`, which must be there.
pub fn train_part<T: Task>(project: &Project) -> Result<PathBuf> {
    part::<T>(project, TRAIN)
}

/// The test part of `T`, which must be there.
pub fn test_part<T: Task>(project: &Project) -> Result<PathBuf> {
    part::<T>(project, TEST)
}

fn part<T: Task>(project: &Project, name: &str) -> Result<PathBuf> {
    let path = project.processed(T::NAME).join(name);
    anyhow::ensure!(
        path.exists(),
        "{} is not there; make it with `easylife prepare {}`",
        path.display(),
        T::NAME
    );
    Ok(path)
}

/// The model asked for, otherwise the project's.
pub fn model_path<T: Task>(project: Option<&Project>, asked: Option<&Path>) -> Result<PathBuf> {
    match (asked, project) {
        (Some(path), _) => Ok(path.to_owned()),
        (None, Some(project)) => Ok(project.model(T::NAME)),
        (None, None) => Err(exit::usage(
            "no model: name one with -m, or run inside a project (a folder with params.yaml)",
        )),
    }
}

/// A model that was loaded, and where from.
pub struct Loaded<M> {
    /// The file as it is shown.
    pub name: String,
    pub header: Header,
    pub model: M,
}

/// Loads the model asked for, otherwise the project's, otherwise the one compiled in.
pub fn load_model<T: Task>(
    project: Option<&Project>,
    asked: Option<&Path>,
) -> Result<Loaded<T::Model>> {
    let trained = asked.is_some() || project.is_some_and(|p| p.model(T::NAME).exists());
    let (name, (header, state)) = match T::EMBEDDED {
        Some(bytes) if !trained => {
            let name = format!("the model of {} compiled in", T::NAME);
            (
                name.clone(),
                artifact::from_bytes(bytes, &name, Some(T::NAME))?,
            )
        }
        _ => {
            let path = model_path::<T>(project, asked)?;
            (
                path.display().to_string(),
                artifact::load(&path, Some(T::NAME))?,
            )
        }
    };
    let model = T::Model::take_state(state).map_err(|e| {
        anyhow::anyhow!(
            "{name}: {e}; train it again with `easylife train {}`",
            T::NAME
        )
    })?;
    Ok(Loaded {
        name,
        header,
        model,
    })
}

/// Text classification.
pub struct Nlp;

impl Task for Nlp {
    const NAME: &'static str = "nlp";
    type Params = nlp::Params;
    type Data = Texts;
    type Model = models::nlp::Model;

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.nlp.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.nlp.gate
    }

    fn read(source: &mut dyn Source, params: &Self::Params) -> Result<Self::Data, ReadError> {
        let data = &params.data;
        read_texts(source, &data.text, &data.label, &params.slices)
    }
}

/// Blurred-photo detection.
pub struct Cv;

impl Task for Cv {
    const NAME: &'static str = "cv";
    type Params = cv::Params;
    type Data = Photos;
    type Model = models::cv::Model;

    const EMBEDDED: Option<&'static [u8]> = Some(include_bytes!("task/cv.safetensors"));

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.cv.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.cv.gate
    }

    fn read(source: &mut dyn Source, _: &Self::Params) -> Result<Self::Data, ReadError> {
        read_photos(source, &models::cv::NAMES)
    }
}

/// Recommendation.
pub struct Recsys;

impl Task for Recsys {
    const NAME: &'static str = "recsys";
    type Params = recsys::Params;
    type Data = Interactions;
    type Model = models::recsys::Model;

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.recsys.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.recsys.gate
    }

    fn read(source: &mut dyn Source, params: &Self::Params) -> Result<Self::Data, ReadError> {
        Ok(Interactions {
            ratings: read_ratings(source, RATING_COLUMNS, &mut Err)?,
            relevant: params.relevant,
            ..Interactions::default()
        })
    }
}

/// A prepared part of `recsys`.
#[derive(Clone, Debug, Default)]
pub struct Interactions {
    pub ratings: Ratings,
    /// The least rating that is relevant.
    pub relevant: f64,
    /// Names of items by their ids.
    pub titles: HashMap<String, String>,
}

/// Demand forecasting.
pub struct Ts;

impl Task for Ts {
    const NAME: &'static str = "ts";
    type Params = ts::Params;
    type Data = Panel;
    type Model = models::ts::Saved;

    fn check(params: &Params) -> Result<Self::Params, Invalid> {
        params.ts.check()
    }

    fn gate(params: &Params) -> &Gate {
        &params.ts.gate
    }

    fn read(source: &mut dyn Source, _: &Self::Params) -> Result<Self::Data, ReadError> {
        read_prepared(source)
    }
}

/// A task by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Nlp,
    Cv,
    Recsys,
    Ts,
}

/// Every task, in the order in which `all` runs them.
pub const ALL: &[Name] = &[Name::Nlp, Name::Cv, Name::Recsys, Name::Ts];

/// Runs `$body` with the type `$T` standing for the task named `$name`.
#[macro_export]
macro_rules! for_task {
    ($name:expr, $T:ident => $body:expr) => {
        match $name {
            $crate::task::Name::Nlp => {
                type $T = $crate::task::Nlp;
                $body
            }
            $crate::task::Name::Cv => {
                type $T = $crate::task::Cv;
                $body
            }
            $crate::task::Name::Recsys => {
                type $T = $crate::task::Recsys;
                $body
            }
            $crate::task::Name::Ts => {
                type $T = $crate::task::Ts;
                $body
            }
        }
    };
}

impl Name {
    pub fn as_str(self) -> &'static str {
        for_task!(self, T => T::NAME)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ALL.iter()
            .copied()
            .find(|name| name.as_str() == text)
            .ok_or_else(|| format!("no task `{text}`"))
    }
}
