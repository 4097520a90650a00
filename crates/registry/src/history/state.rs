//! What follows from the history: versions, aliases, and where each alias pointed when.
//!
//! [`State::apply`] holds the rules. A writer applies its event before it is written, and every
//! reader applies it again, so an entry that breaks a rule is found wherever it comes from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::alias::{Alias, Change};
use super::entry::Entry;
use super::event::{Event, Reason};
use super::refusal::{Refusal, check_word, nearest};
use crate::lineage::{Lineage, Metric};

/// One version of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Version {
    /// The name of the model.
    pub name: String,
    /// Its number, from 1.
    pub number: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Length of the file.
    pub bytes: u64,
    /// What it was made of.
    pub lineage: Lineage,
    /// Its results; empty if it was not evaluated yet.
    pub evaluated: Vec<Metric>,
    /// When it was added.
    pub added: Timestamp,
    /// Who added it.
    pub who: String,
    /// Why it must not be promoted any more.
    pub retired: Option<String>,
    /// Why its file was erased.
    pub erased: Option<String>,
}

/// A model: its versions and aliases.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Name {
    versions: Vec<Version>,
    aliases: BTreeMap<String, Alias>,
}

impl Name {
    /// Its versions, from 1.
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// Its aliases, those that were removed included.
    pub fn aliases(&self) -> &BTreeMap<String, Alias> {
        &self.aliases
    }

    fn position(&self, name: &str, version: u64) -> Result<usize, Refusal> {
        let newest = self.versions.len();
        match usize::try_from(version) {
            Ok(number) if (1..=newest).contains(&number) => Ok(number - 1),
            _ => Err(Refusal::Version {
                name: name.to_owned(),
                version,
                newest: newest as u64,
            }),
        }
    }

    /// The aliases that point at a version.
    fn users(&self, version: u64) -> Vec<String> {
        let points = self.aliases.iter();
        points
            .filter(|(_, alias)| alias.current() == Some(version))
            .map(|(word, _)| word.clone())
            .collect()
    }
}

/// All models that follow from a history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    names: BTreeMap<String, Name>,
}

impl State {
    /// The models by name.
    pub fn names(&self) -> &BTreeMap<String, Name> {
        &self.names
    }

    /// A model.
    ///
    /// # Errors
    /// [`Refusal::Name`] if there is none of that name.
    pub fn name(&self, name: &str) -> Result<&Name, Refusal> {
        self.names.get(name).ok_or_else(|| Refusal::Name {
            name: name.to_owned(),
            there: self.names.keys().cloned().collect(),
            nearest: nearest(name, self.names.keys()),
        })
    }

    /// A version of a model.
    ///
    /// # Errors
    /// [`Refusal::Name`] or [`Refusal::Version`].
    pub fn version(&self, name: &str, version: u64) -> Result<&Version, Refusal> {
        let model = self.name(name)?;
        Ok(&model.versions[model.position(name, version)?])
    }

    /// The version that an alias points at.
    ///
    /// # Errors
    /// [`Refusal::Name`], or [`Refusal::Alias`] if it points nowhere.
    pub fn alias(&self, name: &str, alias: &str) -> Result<u64, Refusal> {
        let model = self.name(name)?;
        if let Some(current) = model.aliases.get(alias).and_then(Alias::current) {
            return Ok(current);
        }
        let set = || {
            model
                .aliases
                .iter()
                .filter(|(_, alias)| alias.current().is_some())
        };
        let spelled = |(word, alias): (&String, &Alias)| {
            let version = alias.current().unwrap_or_default();
            format!("{word} (version {version})")
        };
        Err(Refusal::Alias {
            name: name.to_owned(),
            alias: alias.to_owned(),
            there: set().map(spelled).collect(),
            nearest: nearest(alias, set().map(|(word, _)| word)),
        })
    }

    /// The version that a rollback of an alias goes to: the last one before the current that is
    /// not retired.
    ///
    /// # Errors
    /// [`Refusal::NothingBefore`], or those of [`State::alias`].
    pub fn before(&self, name: &str, alias: &str) -> Result<u64, Refusal> {
        let current = self.alias(name, alias)?;
        let model = self.name(name)?;
        let stack = model.aliases.get(alias).map(|alias| &alias.stack[..]);
        let mut earlier = stack.unwrap_or_default().iter().rev().copied();
        let usable = |version: &u64| {
            *version != current
                && (self.version(name, *version)).is_ok_and(|there| there.retired.is_none())
        };
        earlier.find(usable).ok_or_else(|| Refusal::NothingBefore {
            name: name.to_owned(),
            alias: alias.to_owned(),
        })
    }

    /// A version that may be promoted.
    ///
    /// # Errors
    /// [`Refusal::Retired`], or those of [`State::version`].
    pub fn usable(&self, name: &str, version: u64) -> Result<&Version, Refusal> {
        let found = self.version(name, version)?;
        match &found.retired {
            None => Ok(found),
            Some(note) => Err(Refusal::Retired {
                name: name.to_owned(),
                version,
                note: note.clone(),
            }),
        }
    }

    /// Applies the event of an entry; the state is unchanged if a rule stands against it.
    pub(super) fn apply(&mut self, entry: &Entry) -> Result<(), Refusal> {
        match &entry.event {
            Event::Add { name, version, .. } => self.add(entry, name, *version),
            Event::Evaluate {
                name,
                version,
                evaluated,
            } => {
                self.usable(name, *version)?;
                self.edit(name, *version, |there| {
                    there.evaluated.clone_from(evaluated)
                })
            }
            Event::Promote {
                name,
                alias,
                version,
                from,
                why,
            } => self.promote(entry, (name, alias), *version, *from, why),
            Event::Rollback {
                name,
                alias,
                from,
                to,
                ..
            } => self.roll_back(entry, (name, alias), *from, *to),
            Event::Unset {
                name, alias, from, ..
            } => self.unset(entry, (name, alias), *from),
            Event::Retire {
                name,
                version,
                note,
            } => {
                self.usable(name, *version)?;
                self.unused(name, *version)?;
                self.edit(name, *version, |there| there.retired = Some(note.clone()))
            }
            Event::Erase {
                name,
                version,
                note,
            } => self.erase(name, *version, note),
        }
    }

    fn add(&mut self, entry: &Entry, name: &str, version: u64) -> Result<(), Refusal> {
        let Event::Add {
            sha256,
            bytes,
            lineage,
            evaluated,
            ..
        } = &entry.event
        else {
            return Ok(());
        };
        check_word(name, "a name")?;
        let next = self.next_version(name);
        if version != next {
            return Err(stale(format!(
                "version {version} of {name}, expected {next}"
            )));
        }
        if !crate::digest::is_sha256(sha256) {
            return Err(stale(format!("`{sha256}` is not a SHA-256")));
        }
        let added = Version {
            name: name.to_owned(),
            number: version,
            sha256: sha256.clone(),
            bytes: *bytes,
            lineage: lineage.clone(),
            evaluated: evaluated.clone(),
            added: entry.time,
            who: entry.who.clone(),
            retired: None,
            erased: None,
        };
        let model = self.names.entry(name.to_owned()).or_default();
        model.versions.push(added);
        Ok(())
    }

    /// The number of the next version of a name.
    pub(super) fn next_version(&self, name: &str) -> u64 {
        let model = self.names.get(name);
        model.map_or(0, |model| model.versions.len() as u64) + 1
    }

    fn promote(
        &mut self,
        entry: &Entry,
        (name, alias): (&str, &str),
        version: u64,
        from: Option<u64>,
        why: &Reason,
    ) -> Result<(), Refusal> {
        check_word(alias, "an alias")?;
        self.usable(name, version)?;
        let current = self.alias(name, alias).ok();
        if current != from {
            return Err(stale(format!("{name}@{alias} is not where it was")));
        }
        if current == Some(version) {
            return Err(Refusal::AlreadyThere {
                name: name.to_owned(),
                alias: alias.to_owned(),
                version,
            });
        }
        if let Reason::IfBetter {
            direction,
            ours,
            theirs: Some(theirs),
            metric,
        } = why
            && !direction.is_better(*ours, *theirs)
        {
            return Err(stale(format!(
                "{metric} {ours} is not better than {theirs}"
            )));
        }
        self.point(entry, (name, alias), |stack| stack.push(version))
    }

    fn roll_back(
        &mut self,
        entry: &Entry,
        (name, alias): (&str, &str),
        from: u64,
        to: u64,
    ) -> Result<(), Refusal> {
        if self.alias(name, alias)? != from || self.before(name, alias)? != to {
            return Err(stale(format!("{name}@{alias} is not where it was")));
        }
        self.point(entry, (name, alias), |stack| {
            while stack.last().is_some_and(|last| *last != to) {
                stack.pop();
            }
        })
    }

    fn unset(
        &mut self,
        entry: &Entry,
        (name, alias): (&str, &str),
        from: u64,
    ) -> Result<(), Refusal> {
        if self.alias(name, alias)? != from {
            return Err(stale(format!("{name}@{alias} is not where it was")));
        }
        self.point(entry, (name, alias), Vec::clear)
    }

    /// Changes the stack of an alias and records the move.
    fn point(
        &mut self,
        entry: &Entry,
        (name, alias): (&str, &str),
        change: impl FnOnce(&mut Vec<u64>),
    ) -> Result<(), Refusal> {
        self.name(name)?;
        let model = self.names.entry(name.to_owned()).or_default();
        let alias = model.aliases.entry(alias.to_owned()).or_default();
        change(&mut alias.stack);
        alias.changes.push(Change {
            time: entry.time,
            version: alias.current(),
            entry: entry.number,
        });
        Ok(())
    }

    fn erase(&mut self, name: &str, version: u64, note: &str) -> Result<(), Refusal> {
        if let Some(note) = &self.version(name, version)?.erased {
            return Err(Refusal::Erased {
                name: name.to_owned(),
                version,
                note: note.clone(),
            });
        }
        self.unused(name, version)?;
        self.edit(name, version, |there| {
            there.retired.get_or_insert_with(|| note.to_owned());
            there.erased = Some(note.to_owned());
        })
    }

    fn unused(&self, name: &str, version: u64) -> Result<(), Refusal> {
        let aliases = self.name(name)?.users(version);
        match aliases.is_empty() {
            true => Ok(()),
            false => Err(Refusal::InUse {
                name: name.to_owned(),
                version,
                aliases,
            }),
        }
    }

    fn edit(
        &mut self,
        name: &str,
        version: u64,
        change: impl FnOnce(&mut Version),
    ) -> Result<(), Refusal> {
        let at = self.name(name)?.position(name, version)?;
        let model = self.names.entry(name.to_owned()).or_default();
        change(&mut model.versions[at]);
        Ok(())
    }
}

fn stale(reason: String) -> Refusal {
    Refusal::Stale { reason }
}
