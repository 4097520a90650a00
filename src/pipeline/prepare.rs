//! `easylife prepare`: checks the raw data and splits them into `data/processed/TASK`.

mod bad_rows;
mod parts;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

pub(crate) use self::bad_rows::{BadRows, first_of};
pub(crate) use self::parts::{warn_excluded, write_part, write_table};

use crate::columns;
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{self, Task, record};
use files::atomic;

/// What a task implements for `prepare`.
pub trait Prepare: Task {
    /// A summary of the parts.
    type Summary: fmt::Display + Serialize;

    /// The parts in memory, checked and split.
    type Parts;

    /// The raw data: the source, and a separate test file.
    fn data(project: &Project, params: &Self::Params) -> Vec<PathBuf>;

    /// Other files that [`Prepare::split`] reads.
    fn other_inputs(_: &Project, _: &Self::Params) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Files that are read for answers, beside the input and the model.
    fn beside_input(_: &Project, _: &Self::Params) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Reads the raw data and splits them.
    fn split(
        project: &Project,
        params: &Self::Params,
        talk: &Talk,
    ) -> Result<(Self::Parts, Self::Summary)>;

    /// Writes the parts into an empty folder.
    fn write(parts: &Self::Parts, folder: &Path) -> std::io::Result<()>;
}

/// Written prepared data.
#[derive(Serialize)]
pub struct Prepared<S> {
    folder: PathBuf,
    #[serde(flatten)]
    summary: S,
}

impl<S: fmt::Display> fmt::Display for Prepared<S> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}: {}", self.folder.display(), self.summary)
    }
}

/// The commands on the data of `T`, as stages call them, and the files that each reads.
pub fn reads<T: Prepare>(project: &Project) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let params = task::params::<T>(project)?;
    let data = T::data(project, &params);
    let rules = project.schema(T::NAME);
    Ok(vec![
        (
            format!("easylife validate {}", T::NAME),
            [&data[..], std::slice::from_ref(&rules)].concat(),
        ),
        (
            format!("easylife prepare {}", T::NAME),
            [data, T::other_inputs(project, &params)].concat(),
        ),
        (
            format!("easylife validate {} --prepared", T::NAME),
            vec![rules],
        ),
        (
            format!("easylife predict {}", T::NAME),
            T::beside_input(project, &params),
        ),
    ])
}

/// The source and a separate test file.
pub(crate) fn data_files(project: &Project, source: &str, test: Option<&str>) -> Vec<PathBuf> {
    [Some(source), test]
        .into_iter()
        .flatten()
        .map(|path| project.path(path))
        .collect()
}

/// Prepares `T`. The complete folder replaces the former one.
pub fn run<T: Prepare>(project: &Project, talk: &Talk) -> Result<Prepared<T::Summary>> {
    let params = task::params::<T>(project)?;
    super::note_reading(T::NAME, T::raw_data(&params), project, talk);
    let (parts, summary) = T::split(project, &params, talk)
        .map_err(|error| columns::explain(error, T::NAME, &T::needed(&params)))?;
    let folder = project.processed(T::NAME);
    let block = project.block::<T::Block>(T::NAME)?;
    atomic::folder(&folder, |folder| {
        T::write(&parts, folder)?;
        record::write::<T>(&block, folder)
    })?;
    Ok(Prepared { folder, summary })
}
