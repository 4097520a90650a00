//! The output that `predict` is to write: its file, its format, and whether it may be written.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{IdSource, Port, Request};
use crate::exit;
use crate::project::{PARAMS, Project};
use crate::task::{self, ModelSource, Task};
use tables::{Compression, Format};

/// The format by the output's name, otherwise by `--format`, otherwise CSV.
pub(super) fn output_format(request: &Request) -> Result<(Format, Compression)> {
    let asked = request.format.map(|format| (format, Compression::None));
    match &request.output {
        Port::Standard => Ok(asked.unwrap_or((Format::Csv, Compression::None))),
        Port::File(path) if Format::is_json_name(path) => Err(exit::usage(format!(
            "{}: JSON is written as one object a line; end the name in .jsonl",
            path.display()
        ))),
        Port::File(path) => Format::of_path(path).or(asked).ok_or_else(|| {
            exit::usage(format!(
                "{}: unknown file name extension; use .csv, .tsv, .jsonl or .parquet (text formats also \
                with .gz or .zst), or set --format",
                path.display()
            ))
        }),
    }
}

/// The output file, with symbolic links followed; `None` for stdout. Refuses pipes and devices, since the
/// output is renamed into place.
pub(super) fn sink_file(request: &Request) -> Result<Option<PathBuf>> {
    match &request.output {
        Port::Standard if request.resume => Err(exit::usage(
            "--resume needs an output file: output to stdout cannot be resumed",
        )),
        Port::Standard => Ok(None),
        Port::File(path) => match std::fs::metadata(path) {
            Ok(there) if !there.is_file() => Err(exit::usage(format!(
                "{} is not a file; write to stdout with `-o -`",
                path.display()
            ))),
            _ => files::atomic::destination(path)
                .map(Some)
                .with_context(|| format!("cannot write {}", path.display())),
        },
    }
}

/// Refuses an output that is also an input, however it is named, or that is one of the project's files.
pub(super) fn refuse_overwriting<T: Task>(
    project: Option<&Project>,
    request: &Request,
) -> Result<()> {
    let Port::File(output) = &request.output else {
        return Ok(());
    };
    let Ok(real) = output.canonicalize() else {
        return Ok(()); // it does not exist yet
    };
    let lists = &request.options.lists;
    let file = |ids: &Option<IdSource>| match ids {
        Some(IdSource::File(path)) => Some(path.clone()),
        _ => None,
    };
    let mut inputs: Vec<PathBuf> = match &request.input {
        Some(Port::File(input)) => vec![input.clone()],
        _ => Vec::new(),
    };
    inputs.extend(file(&lists.users));
    inputs.extend(file(&lists.similar));
    inputs.extend(
        [&lists.allow, &lists.deny, &lists.only]
            .into_iter()
            .flatten()
            .cloned(),
    );
    let is_output = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == real);
    if inputs.iter().any(is_output) {
        return Err(exit::usage(format!(
            "{} is both input and output",
            output.display()
        )));
    }
    let mut own: Vec<PathBuf> = match &request.model {
        Some(model) => match &model.source {
            ModelSource::File(path) => vec![path.clone()],
            ModelSource::Registered(_) => Vec::new(),
        },
        None => task::own_model::<T>(project).into_iter().collect(),
    };
    if let Some(project) = project {
        let names = [PARAMS, "dvc.yaml", "dvc.lock"];
        own.extend(names.map(|name| project.path(name)));
        let part = |part| task::part_path::<T>(project, part).ok();
        let parts = [task::Part::Train, task::Part::Test].map(part);
        own.extend(parts.into_iter().flatten());
        if let Ok(params) = task::params::<T>(project) {
            let raw = T::raw_data(&params);
            own.push(project.path(raw.source));
            own.extend(raw.test.map(|test| project.path(test)));
        }
    }
    match own.iter().any(is_output) {
        true => Err(exit::usage(format!(
            "{} is a file of the project; name another output",
            output.display()
        ))),
        false => Ok(()),
    }
}
