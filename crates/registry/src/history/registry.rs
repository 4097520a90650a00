//! The registry as its users see it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::access::Access;
use super::condition::{Condition, reason};
use super::entry::{Entry, Head, Signed, key_of};
use super::error::RegistryError;
use super::event::Event;
use super::log::Log;
use super::models;
use super::refusal::{Refusal, check_word};
use super::state::{State, Version};
use crate::backup;
use crate::lineage::{Lineage, Metric};
use crate::store::{self, Content, Store, StoreError};

/// The models, aliases and history in a store.
///
/// A value shows the history as it was when it was opened or last refreshed. Methods that write
/// refresh first, and decide on what they then see.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use easylife_registry::history::{Access, Condition, Registry};
/// use easylife_registry::lineage::Lineage;
/// use easylife_registry::store::{Content, Folder};
///
/// let dir = tempfile::tempdir()?;
/// let store = Arc::new(Folder::create(&dir.path().join("registry"))?);
/// let mut registry = Registry::open(store, Access::new("ci"))?;
/// registry.add("nlp", &Content::of_bytes(b"a model"), Lineage::default(), Vec::new())?;
/// let note = "first".to_owned();
/// registry.promote("nlp", "champion", 1, &Condition::Always { note })?;
/// let champion = registry.resolve("nlp@champion")?;
/// assert_eq!(registry.model(champion)?, b"a model");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    store: Arc<dyn Store>,
    access: Access,
    log: Log,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry of {} entries", self.log.entries.len())
    }
}

impl Registry {
    /// Reads and verifies the history in `store`, which may be empty.
    ///
    /// # Errors
    /// [`RegistryError::Broken`] if it does not verify.
    pub fn open(store: Arc<dyn Store>, access: Access) -> Result<Self, RegistryError> {
        backup::refuse_unfinished(&*store)?;
        access.check()?;
        let mut problems = Vec::new();
        let log = Log::read(&*store, access.trusted(), false, &mut problems)?;
        if !problems.is_empty() {
            return Err(RegistryError::Broken { problems });
        }
        Ok(Self { store, access, log })
    }

    /// Whether another writer has added an entry since: one look at one name, for programs that
    /// ask again and again.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn poll(&self) -> Result<bool, StoreError> {
        let next = key_of(self.log.entries.len() as u64 + 1)?;
        Ok(self.store.open(&next)?.is_some())
    }

    /// Reads and verifies the entries that were added since; returns whether there are any.
    ///
    /// # Errors
    /// [`RegistryError::Broken`] if they do not follow from those before.
    pub fn refresh(&mut self) -> Result<bool, RegistryError> {
        self.log.refresh(&*self.store, self.access.trusted())
    }

    /// Adds the event that `decide` makes of the present state. If another writer is first,
    /// `decide` is asked again with what that one did.
    ///
    /// # Errors
    /// What `decide` refuses, an event against the rules, and failures of store and signer. If the
    /// store fails to confirm an entry, it may still be there after a refresh.
    pub fn append(
        &mut self,
        decide: impl FnMut(&State) -> Result<Event, Refusal>,
    ) -> Result<Signed, RegistryError> {
        self.log.append(&self.store, &self.access, decide)
    }

    /// Adds a model as the next version of a name: [`Content::of_file`], or [`Content::of_bytes`] of
    /// what was read and checked before. It is stored first, once per content.
    ///
    /// # Errors
    /// If the name cannot be one, or the file cannot be read or changes meanwhile.
    pub fn add(
        &mut self,
        name: &str,
        content: &Content<'_>,
        lineage: Lineage,
        evaluated: Vec<Metric>,
    ) -> Result<&Version, RegistryError> {
        check_word(name, "a name")?;
        let key = models::key_of(&content.sha256)?;
        store::put(&*self.store, &key, content)?;
        let added = self.append(|state| {
            Ok(Event::Add {
                name: name.to_owned(),
                version: state.next_version(name),
                sha256: content.sha256.clone(),
                bytes: content.bytes,
                lineage: lineage.clone(),
                evaluated: evaluated.clone(),
            })
        })?;
        // An erasure of the same content may have come between file and entry.
        self.store.create_from(&key, content)?;
        match added.entry.event {
            Event::Add { version, .. } => Ok(self.log.state.version(name, version)?),
            _ => Ok(self.log.state.version(name, self.newest(name))?),
        }
    }

    fn newest(&self, name: &str) -> u64 {
        self.log.state.next_version(name) - 1
    }

    /// Records the results of a version, in place of its former ones.
    ///
    /// # Errors
    /// If there is no such version, or it is retired.
    pub fn evaluate(
        &mut self,
        name: &str,
        version: u64,
        evaluated: Vec<Metric>,
    ) -> Result<Signed, RegistryError> {
        self.append(|_| {
            Ok(Event::Evaluate {
                name: name.to_owned(),
                version,
                evaluated: evaluated.clone(),
            })
        })
    }

    /// Moves an alias to a version, and creates it if need be.
    ///
    /// # Errors
    /// [`Refusal::NotBetter`], [`Refusal::NoMetric`], [`Refusal::NotANumber`],
    /// [`Refusal::AlreadyThere`], [`Refusal::Retired`], and unknown names.
    pub fn promote(
        &mut self,
        name: &str,
        alias: &str,
        version: u64,
        condition: &Condition,
    ) -> Result<Signed, RegistryError> {
        self.append(|state| {
            state.usable(name, version)?;
            let from = state.alias(name, alias).ok();
            if from == Some(version) {
                return Err(Refusal::AlreadyThere {
                    name: name.to_owned(),
                    alias: alias.to_owned(),
                    version,
                });
            }
            Ok(Event::Promote {
                name: name.to_owned(),
                alias: alias.to_owned(),
                version,
                from,
                why: reason(state, name, version, from, condition)?,
            })
        })
    }

    /// Moves an alias back to the version that it pointed at before, leaving out retired ones.
    ///
    /// # Errors
    /// [`Refusal::NothingBefore`], and unknown names.
    pub fn rollback(
        &mut self,
        name: &str,
        alias: &str,
        note: &str,
    ) -> Result<Signed, RegistryError> {
        self.append(|state| {
            Ok(Event::Rollback {
                name: name.to_owned(),
                alias: alias.to_owned(),
                from: state.alias(name, alias)?,
                to: state.before(name, alias)?,
                note: note.to_owned(),
            })
        })
    }

    /// Removes an alias.
    ///
    /// # Errors
    /// If it points nowhere.
    pub fn unset(&mut self, name: &str, alias: &str, note: &str) -> Result<Signed, RegistryError> {
        self.append(|state| {
            Ok(Event::Unset {
                name: name.to_owned(),
                alias: alias.to_owned(),
                from: state.alias(name, alias)?,
                note: note.to_owned(),
            })
        })
    }

    /// Retires a version: no alias may be moved to it any more.
    ///
    /// # Errors
    /// [`Refusal::InUse`] while an alias points at it, and unknown names.
    pub fn retire(
        &mut self,
        name: &str,
        version: u64,
        note: &str,
    ) -> Result<Signed, RegistryError> {
        self.append(|_| {
            Ok(Event::Retire {
                name: name.to_owned(),
                version,
                note: note.to_owned(),
            })
        })
    }

    /// Deletes the file of a version, unless another version has the same one. The entry of the
    /// version stays.
    ///
    /// # Errors
    /// [`Refusal::InUse`] while an alias points at it, and unknown names.
    pub fn erase(&mut self, name: &str, version: u64, note: &str) -> Result<Signed, RegistryError> {
        let erased = self.append(|_| {
            Ok(Event::Erase {
                name: name.to_owned(),
                version,
                note: note.to_owned(),
            })
        })?;
        let sha256 = &self.log.state.version(name, version)?.sha256;
        if !super::check::is_needed(&self.log.state, sha256) {
            self.store.remove(&models::key_of(sha256)?)?;
        }
        Ok(erased)
    }

    /// The version that `text` names: `nlp@champion` (an alias), `nlp@3` (a version, retired or
    /// not), or `nlp` (its newest version that is not retired).
    ///
    /// # Errors
    /// [`Refusal::Name`], [`Refusal::Alias`], [`Refusal::Version`] or [`Refusal::AllRetired`].
    pub fn resolve(&self, text: &str) -> Result<&Version, Refusal> {
        let state = &self.log.state;
        let Some((name, word)) = text.split_once('@') else {
            let versions = state.name(text)?.versions().iter();
            let newest = versions.rev().find(|version| version.retired.is_none());
            let name = text.to_owned();
            return newest.ok_or(Refusal::AllRetired { name });
        };
        let digits = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        let version = match digits {
            true => word.parse().unwrap_or(u64::MAX),
            false => state.alias(name, word)?,
        };
        state.version(name, version)
    }

    /// All models, versions and aliases.
    pub fn state(&self) -> &State {
        &self.log.state
    }

    /// The versions of a model, from 1.
    ///
    /// # Errors
    /// [`Refusal::Name`] if there is no such model.
    pub fn versions(&self, name: &str) -> Result<&[Version], Refusal> {
        Ok(self.log.state.name(name)?.versions())
    }

    /// The aliases of a model and the versions that they point at.
    ///
    /// # Errors
    /// [`Refusal::Name`] if there is no such model.
    pub fn aliases(&self, name: &str) -> Result<Vec<(&str, u64)>, Refusal> {
        let aliases = self.log.state.name(name)?.aliases().iter();
        Ok(aliases
            .filter_map(|(word, alias)| Some((word.as_str(), alias.current()?)))
            .collect())
    }

    /// The entries about a model, in order.
    ///
    /// # Errors
    /// [`Refusal::Name`] if there is no such model.
    pub fn log(&self, name: &str) -> Result<Vec<&Entry>, Refusal> {
        self.log.state.name(name)?;
        let entries = self.log.entries.iter().map(|signed| &signed.entry);
        Ok(entries.filter(|entry| entry.event.name() == name).collect())
    }

    /// All entries with their signatures, in order.
    pub fn entries(&self) -> &[Signed] {
        &self.log.entries
    }

    /// The head as it was last read: keep it elsewhere, and a [`check`](super::check()) tells
    /// whether the history was put back.
    pub fn head(&self) -> Option<&Head> {
        self.log.head.as_ref()
    }

    /// The version that an alias pointed at at a time, with the entry that moved it there; `None` if
    /// it pointed nowhere. A move counts from its own time on.
    ///
    /// # Errors
    /// [`Refusal::Name`] if there is no such model, [`Refusal::Alias`] if the alias never existed.
    pub fn at(
        &self,
        name: &str,
        alias: &str,
        time: Timestamp,
    ) -> Result<Option<(u64, &Entry)>, Refusal> {
        let state = &self.log.state;
        let Some(alias) = state.name(name)?.aliases().get(alias) else {
            return state.alias(name, alias).map(|_| None);
        };
        Ok(alias.at(time).and_then(|change| {
            let index = usize::try_from(change.entry).ok()?.checked_sub(1)?;
            Some((change.version?, &self.log.entries.get(index)?.entry))
        }))
    }

    /// The first entry whose time is after `now`: its writer's clock was ahead, or the present one is
    /// behind. What happened since then counts from that time on; worth a warning.
    pub fn ahead_of(&self, now: Timestamp) -> Option<&Entry> {
        let entries = &self.log.entries;
        let first = entries.partition_point(|signed| signed.entry.time <= now);
        entries.get(first).map(|signed| &signed.entry)
    }

    /// The bytes of a version's file, checked: what is returned is what was hashed.
    ///
    /// # Errors
    /// [`RegistryError::Model`] if the file is missing or damaged, [`Refusal::Erased`].
    pub fn model(&self, version: &Version) -> Result<Vec<u8>, RegistryError> {
        models::read(&*self.store, version)
    }

    /// Copies a version's file to `path`, where it appears only if it is whole.
    ///
    /// # Errors
    /// As [`Registry::model`], and if the copy cannot be written.
    pub fn save(&self, version: &Version, path: &Path) -> Result<(), RegistryError> {
        models::save(&*self.store, version, path)
    }
}
