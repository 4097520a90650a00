//! The origin of a validation, for its page: the command, the version, digests of the tables and of the rules, and
//! the parameters.

use std::path::Path;

use anyhow::{Context, Result};

use super::{Job, Validate};
use crate::project::Project;
use crate::report::format::{count, plural};
use crate::report::page::{self, Digest, Origin};
use crate::report::validate::Validation;

/// Blocks of a task's parameters that its checks read; `split` only for prepared parts.
const READ_BLOCKS: [&str; 2] = ["data", "split"];

pub(super) fn of<T: Validate>(
    project: &Project,
    job: &Job<T::Params>,
    validation: &Validation,
) -> Result<Origin> {
    let prepared = validation.part == "prepared";
    let mut words = vec!["validate", T::NAME];
    words.extend(prepared.then_some("--prepared"));
    let mut digests = Vec::new();
    for table in &validation.tables {
        let about = format!(
            "{} {}",
            count(table.rows),
            plural(table.rows, "row", "rows")
        );
        digests.extend(digest(project, &table.source, about)?);
    }
    if let Some(schema) = &validation.schema {
        digests.extend(digest(project, schema, String::new())?);
    }
    let mut parameters = page::parameters(
        "validate",
        &serde_json::to_value(&job.project.params().validate)?,
    );
    let block = serde_json::to_value(project.block::<T::Block>(T::NAME)?)?;
    let mut keys = vec!["validate".to_owned()];
    for key in READ_BLOCKS.iter().take(if prepared { 2 } else { 1 }) {
        keys.push(format!("{}.{key}", T::NAME));
        if let Some(block) = block.get(key) {
            parameters.extend(page::parameters(&format!("{}.{key}", T::NAME), block));
        }
    }
    Ok(Origin {
        command: project.command(&words, &keys),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digests,
        parameters,
    })
}

/// The digest of a file of the project; a folder has none.
fn digest(project: &Project, name: &str, about: String) -> Result<Option<Digest>> {
    let path = project.path(Path::new(name));
    if !path.is_file() {
        return Ok(None);
    }
    let sha256 =
        files::digest::file(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(Digest {
        of: name.to_owned(),
        about,
        sha256,
    }))
}
