//! Background rows: what a row is compared with where an explanation needs values for unknown columns.

use std::path::PathBuf;

use anyhow::Result;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::exit;
use crate::explain::{BACKGROUND_ROWS, How};
use crate::project::Project;
use crate::task::{self, Part};
use crate::tasks::tabular::Tabular;
use crate::tasks::tabular::cells::Spelling;
use crate::tasks::tabular::columns::{self, Used};
use crate::tasks::tabular::read::{self, Rules};
use models::tabular::{ColumnKind, Table};
use tables::Reading;

/// Draws background rows for a model with these columns.
///
/// A row is drawn if a hash of its number is among the smallest, so that the same rows are drawn whatever the number
/// of threads, and more of them include those of fewer.
///
/// # Errors
/// A table that cannot be read, has no rows, or lacks a column; no table, outside of a project.
pub fn draw(
    how: &How,
    project: Option<&Project>,
    used: &[Used],
    spelling: &Spelling,
    seed: u64,
) -> Result<Table> {
    let path = path(how, project)?;
    let is_word = |used: &&Used| matches!(used.kind, ColumnKind::Category | ColumnKind::Text);
    let as_words = used.iter().filter(is_word).map(|used| used.name.clone());
    let rules = Rules {
        spelling: spelling.clone(),
        as_words: as_words.collect(),
    };
    let reading = Reading {
        decimal: spelling.decimal,
        ..Reading::default()
    };
    let mut raw = read::read(&path, reading, &rules)?;
    if raw.rows == 0 {
        return Err(read::refuse(&path, "there are no rows to compare with"));
    }
    let wanted = how.background_rows.unwrap_or(BACKGROUND_ROWS).get();
    let (table, _) = columns::table(&mut raw, used)
        .map_err(|error| read::refuse(&path, format!("{error:#}")))?;
    let mut rows: Vec<u32> = (0..table.rows as u32).collect();
    rows.sort_by_cached_key(|row| (xxh3_64_with_seed(&row.to_le_bytes(), seed), *row));
    rows.truncate(wanted);
    rows.sort_unstable();
    Ok(table.select(&rows))
}

fn path(how: &How, project: Option<&Project>) -> Result<PathBuf> {
    match (&how.background, project) {
        (Some(path), _) => Ok(path.clone()),
        (None, Some(project)) => task::part_path::<Tabular>(project, Part::Train),
        (None, None) => Err(exit::usage(
            "there is no project here whose training rows could be compared with; name a table of rows with \
             --background FILE",
        )),
    }
}
