//! Aliases are moved, versions retired and taken out.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::memory::{Place, coded, refuse};
#[cfg(feature = "mlflow")]
use crate::project::Project;
#[cfg(feature = "mlflow")]
use crate::talk::Talk;
use crate::task::metrics::direction;
use registry::history::{Condition, Direction, Registry, Signed, Target};

/// An entry that was added to the history.
#[derive(Serialize)]
pub struct Move {
    name: String,
    #[serde(flatten)]
    signed: Signed,
}

impl Move {
    fn of(signed: Signed) -> Self {
        Self {
            name: signed.entry.event.name().to_owned(),
            signed,
        }
    }

    /// Has the move of an alias sent to the MLflow server that the environment names, if it names one.
    #[cfg(feature = "mlflow")]
    pub fn mirror(&self, place: &Place, project: Option<&Project>, talk: &Talk) -> Result<()> {
        let (Some(alias), Some(project)) = (self.signed.entry.event.alias(), project) else {
            return Ok(());
        };
        let registry = place.open()?;
        let version = registry.resolve(&format!("{}@{alias}", self.name)).ok();
        let sha256 = version.map(|version| version.sha256.as_str());
        super::mirror::moved(project, &self.signed, sha256, talk);
        Ok(())
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.signed.entry.event)
    }
}

/// `nlp@champion` as its parts.
fn target(text: &str) -> Result<Target> {
    text.parse().map_err(|refusal| refuse(&refusal))
}

/// The number of a version of a name: a number, an alias, or `latest`.
fn version_of(registry: &Registry, name: &str, word: &str) -> Result<u64> {
    let text = match word {
        "latest" => name.to_owned(),
        word => format!("{name}@{word}"),
    };
    let version = registry
        .resolve(&text)
        .map_err(|refusal| refuse(&refusal))?;
    Ok(version.number)
}

/// Moves an alias to a version: in any case, or if it is better by a metric, `accuracy` or `mine:higher`.
///
/// # Errors
/// Unknown names, a version that is not better (exit 3), a metric whose better direction nobody says.
pub fn promote(
    place: &Place,
    alias: &str,
    version: &str,
    if_better: Option<&str>,
    note: String,
) -> Result<Move> {
    let target = target(alias)?;
    let condition = match if_better {
        None => Condition::Always { note },
        Some(metric) => by_metric(metric)?,
    };
    let mut registry = place.open()?;
    let number = version_of(&registry, &target.name, version)?;
    let moved = registry.promote(&target.name, &target.alias, number, &condition);
    moved.map(Move::of).map_err(coded)
}

fn by_metric(text: &str) -> Result<Condition> {
    let (metric, direction) = match text.rsplit_once(':') {
        Some((metric, "higher")) => (metric, Some(Direction::Higher)),
        Some((metric, "lower")) => (metric, Some(Direction::Lower)),
        _ => (text, direction(text)),
    };
    let direction = direction.ok_or_else(|| {
        exit::usage(format!(
            "--if-better {metric}: whether more or less of it is better is not known; say {metric}:higher or \
             {metric}:lower"
        ))
    })?;
    Ok(Condition::IfBetter {
        metric: metric.to_owned(),
        direction,
    })
}

/// Moves an alias back to where it pointed before.
///
/// # Errors
/// Unknown names, or nothing before.
pub fn rollback(place: &Place, alias: &str, note: &str) -> Result<Move> {
    let target = target(alias)?;
    let moved = place.open()?.rollback(&target.name, &target.alias, note);
    moved.map(Move::of).map_err(coded)
}

/// Removes an alias.
///
/// # Errors
/// If it points nowhere.
pub fn unset(place: &Place, alias: &str, note: &str) -> Result<Move> {
    let target = target(alias)?;
    let moved = place.open()?.unset(&target.name, &target.alias, note);
    moved.map(Move::of).map_err(coded)
}

/// Retires a version, `nlp@2`: no alias may be moved to it any more.
///
/// # Errors
/// Unknown names, or an alias that points at it.
pub fn retire(place: &Place, version: &str, note: &str) -> Result<Move> {
    let mut registry = place.open()?;
    let found = registry
        .resolve(version)
        .map_err(|refusal| refuse(&refusal))?
        .clone();
    let retired = registry.retire(&found.name, found.number, note);
    retired.map(Move::of).map_err(coded)
}

/// A version's file that was copied out.
#[derive(Serialize)]
pub struct Saved {
    name: String,
    version: u64,
    sha256: String,
    file: PathBuf,
}

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (file, name, version) = (self.file.display(), &self.name, self.version);
        writeln!(f, "{file}: version {version} of {name}")
    }
}

/// Copies the file of a version, `nlp@champion`, to `file`, which appears only if it is whole.
///
/// # Errors
/// Unknown names, a file that is damaged, or one that cannot be written.
pub fn save(place: &Place, version: &str, file: &Path) -> Result<Saved> {
    let registry = place.open()?;
    let found = registry
        .resolve(version)
        .map_err(|refusal| refuse(&refusal))?;
    registry.save(found, file).map_err(coded)?;
    Ok(Saved {
        name: found.name.clone(),
        version: found.number,
        sha256: found.sha256.clone(),
        file: file.to_owned(),
    })
}
