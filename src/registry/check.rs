//! Whether history and models are what was written.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::exit;
use crate::memory::{Place, coded, write_problems};
use registry::history::{self, Head};
use registry::store::Problem;

/// What a check found.
#[derive(Serialize)]
pub struct Checked {
    entries: usize,
    versions: usize,
    clean: bool,
    /// Keep it elsewhere: a later check tells whether the history still contains it.
    head: Option<Head>,
    problems: Vec<Problem>,
}

/// Verifies every entry and model, and every signature if keys are trusted. `since` is a file with the head of an
/// earlier check (`--json`'s `head`); with `repair`, leftovers are removed.
///
/// # Errors
/// A store that cannot be read; a file that is no head.
pub fn check(place: &Place, since: Option<&Path>, repair: bool) -> Result<Checked> {
    let store = place.store()?;
    let trusted = place.trusted_keys()?;
    let trusted = (!trusted.is_empty()).then_some(trusted);
    let since = since.map(read_head).transpose()?;
    let report = history::check(&*store, trusted.as_deref(), since.as_ref(), repair);
    let report = report.map_err(coded)?;
    Ok(Checked {
        clean: report.is_clean(),
        entries: report.entries,
        versions: report.versions,
        problems: report.problems,
        head: report.head,
    })
}

/// A head: what a check printed with `--json`, or its `head` alone.
fn read_head(path: &Path) -> Result<Head> {
    #[derive(serde::Deserialize)]
    struct Printed {
        head: Head,
    }
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let printed = serde_json::from_slice::<Printed>(&text).map(|printed| printed.head);
    let head = printed.or_else(|_| serde_json::from_slice::<Head>(&text));
    head.map_err(|_| {
        exit::usage(format!(
            "{}: not what `easylife registry check --json` prints",
            path.display()
        ))
    })
}

impl Checked {
    /// Whether nothing is lost or in doubt.
    pub fn is_clean(&self) -> bool {
        self.clean
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write_problems(f, &self.problems)?;
        let state = if self.clean { "all whole" } else { "not clean" };
        writeln!(
            f,
            "{} entries, {} versions, {state}",
            self.entries, self.versions
        )
    }
}
