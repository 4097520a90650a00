//! Names with their versions and aliases, and one of them.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::memory::{Place, refuse};
use crate::outcome::number::figure;
use registry::history::{Registry, Version};
use registry::lineage::Metric;

/// Results of a version that a line shows.
const METRICS: usize = 2;
/// Letters of a digest that a line shows.
const DIGEST: usize = 12;

/// The versions of some names.
#[derive(Serialize)]
pub struct List {
    names: Vec<Name>,
}

#[derive(Serialize)]
struct Name {
    name: String,
    versions: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    version: Version,
    /// The aliases that point at it.
    aliases: Vec<String>,
}

/// All versions of a name, or of all names.
///
/// # Errors
/// An unknown name, or a registry that does not verify.
pub fn list(place: &Place, name: Option<&str>) -> Result<List> {
    let registry = place.open()?;
    let all: Vec<String> = match name {
        Some(name) => vec![name.to_owned()],
        None => registry.state().names().keys().cloned().collect(),
    };
    let names = all.into_iter().map(|name| named(&registry, name));
    Ok(List {
        names: names.collect::<Result<_>>()?,
    })
}

fn named(registry: &Registry, name: String) -> Result<Name> {
    let versions = registry
        .versions(&name)
        .map_err(|refusal| refuse(&refusal))?;
    let versions = versions.iter().map(|version| listed(registry, version));
    Ok(Name {
        versions: versions.collect::<Result<_>>()?,
        name,
    })
}

fn listed(registry: &Registry, version: &Version) -> Result<Listed> {
    let aliases = registry
        .aliases(&version.name)
        .map_err(|refusal| refuse(&refusal))?;
    let here = aliases
        .iter()
        .filter(|(_, number)| *number == version.number);
    Ok(Listed {
        aliases: here.map(|(alias, _)| (*alias).to_owned()).collect(),
        version: version.clone(),
    })
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.names.is_empty() {
            return writeln!(
                f,
                "no models yet; add one with `easylife registry add MODEL`"
            );
        }
        for Name { name, versions } in &self.names {
            writeln!(f, "{name}")?;
            for listed in versions {
                writeln!(f, "  {listed}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let version = &self.version;
        let added = version.added.strftime("%Y-%m-%d %H:%M");
        let digest = version.sha256.get(..DIGEST).unwrap_or(&version.sha256);
        write!(f, "{:>4}  {added}  {digest}", version.number)?;
        let shown = |metric: &&Metric| !metric.name.contains('.') && metric.value.fract() != 0.0;
        for metric in version.evaluated.iter().filter(shown).take(METRICS) {
            write!(f, "  {} {}", metric.name, figure(metric.value))?;
        }
        if !self.aliases.is_empty() {
            write!(f, "  <- {}", self.aliases.join(", "))?;
        }
        match (&version.erased, &version.retired) {
            (Some(why), _) => write!(f, "  erased{}", because(why)),
            (None, Some(why)) => write!(f, "  retired{}", because(why)),
            (None, None) => Ok(()),
        }
    }
}

fn because(why: &str) -> String {
    match why {
        "" => String::new(),
        why => format!(": {}", tables::shown(why)),
    }
}

/// One version.
#[derive(Serialize)]
pub struct Shown(Listed);

/// The version that a text names: `nlp@champion`, `nlp@3`, `nlp` (the newest).
///
/// # Errors
/// If it names none.
pub fn show(place: &Place, version: &str) -> Result<Shown> {
    let registry = place.open()?;
    let found = registry
        .resolve(version)
        .map_err(|refusal| refuse(&refusal))?;
    Ok(Shown(listed(&registry, found)?))
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Listed { version, aliases } = &self.0;
        writeln!(f, "version {} of {}", version.number, version.name)?;
        let mut line = |label: &str, value: String| writeln!(f, "{label:<9} {value}");
        line(
            "added",
            format!("{} by {}", version.added, tables::shown(&version.who)),
        )?;
        line(
            "model",
            format!("{}, {} bytes", version.sha256, version.bytes),
        )?;
        if !aliases.is_empty() {
            line("aliases", aliases.join(", "))?;
        }
        for (label, why) in [("retired", &version.retired), ("erased", &version.erased)] {
            if let Some(why) = why {
                line(label, tables::shown(why))?;
            }
        }
        let lineage = &version.lineage;
        for data in &lineage.data {
            let rows = data
                .rows
                .map_or_else(String::new, |rows| format!(", {rows} rows"));
            line("data", format!("{} {}{rows}", data.sha256, data.path))?;
        }
        let facts = [
            ("params", lineage.params.clone()),
            (
                "commit",
                lineage.code.as_ref().map(|git| git.commit.clone()),
            ),
            ("easylife", lineage.version.clone()),
            ("run", lineage.run.clone()),
        ];
        for (label, fact) in facts {
            if let Some(fact) = fact {
                line(label, fact)?;
            }
        }
        for metric in &version.evaluated {
            let interval = match (metric.low, metric.high) {
                (Some(low), Some(high)) => format!("   [{}, {}]", figure(low), figure(high)),
                _ => String::new(),
            };
            writeln!(
                f,
                "  {:<24} {}{interval}",
                metric.name,
                figure(metric.value)
            )?;
        }
        Ok(())
    }
}
