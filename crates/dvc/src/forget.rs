//! Removes contents from the cache for good: those that hold something, and whatever was made from them.
//!
//! What was made from what is known from the run cache and from the lock file before and now: where a stage
//! read a content that goes, the contents that it wrote go, too, however often that repeats. What the lock file
//! names now stays.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cache::Cache;
use crate::error::{Context as _, Result};
use crate::lockfile::{Lock, Record, Recorded};
use crate::locks::Locks;
use crate::pipeline::Pipeline;

/// What the stages of a pipeline had read and written at a time, by dvc.lock.
pub struct Snapshot(Lock);

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Contents of files and folders.
    pub contents: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// Entries of the run cache.
    pub runs: usize,
}

/// An entry of the run cache.
struct Run {
    path: PathBuf,
    recorded: Recorded,
}

impl Pipeline {
    /// What dvc.lock says now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot(Lock::read(&self.folder)?))
    }

    /// Names of the stages that depend on `path` or a folder around it, and do not write it.
    pub fn readers(&self, path: &Path) -> Vec<String> {
        let path = real(path);
        let holds = |at: &Path| path.starts_with(real(at));
        let reads = self.stages.iter().filter(|stage| {
            stage.deps.iter().any(|dep| holds(&dep.path))
                && !stage.outs.iter().any(|out| holds(&out.path))
        });
        reads.map(|stage| stage.name.clone()).collect()
    }

    /// The outputs of the stages `names` (all, if empty), as absolute paths.
    pub fn outputs(&self, names: &[String]) -> Vec<PathBuf> {
        let is_named = |name: &String| names.is_empty() || names.contains(name);
        let stages = self.stages.iter().filter(|stage| is_named(&stage.name));
        stages
            .flat_map(|stage| stage.outs.iter().map(|out| out.path.clone()))
            .collect()
    }

    /// The names of the stages `names` and of all that depend on them, in execution order.
    pub fn downstream(&self, names: &[String]) -> Vec<String> {
        let named = |name: &String| self.stages.iter().position(|stage| stage.name == *name);
        let from: Vec<usize> = names.iter().filter_map(named).collect();
        let all = self.graph.downstream(&from).into_iter();
        all.map(|stage| self.stages[stage].name.clone()).collect()
    }

    /// The folder of the cache; `None` without DVC.
    pub fn cache_folder(&self) -> Option<&Path> {
        self.folder.has_dvc().then_some(&*self.config.cache)
    }

    /// Removes from cache and run cache the contents for which `holds` is true, all that stages ever read as the inputs
    /// `from` (by `before` and the run cache), and all that was made from either. So it does not matter how often the
    /// inputs have changed since, or whether an earlier call was killed.
    ///
    /// # Errors
    /// If something cannot be read or removed, or another process is working here.
    pub fn forget(
        &self,
        before: &Snapshot,
        from: &[PathBuf],
        holds: &mut dyn FnMut(&Path) -> io::Result<bool>,
    ) -> Result<Forgotten> {
        if !self.folder.has_dvc() {
            return Ok(Forgotten::default());
        }
        let private = self.folder.make_private()?;
        let locks = Locks::of(&self.folder, false);
        let _run = locks.run()?;
        let _dvc = locks.dvc()?;
        let cache = Cache::open(&self.config, self.folder.program(), private.join("scratch"));
        let failed = || format!("cannot search the cache {}", self.config.cache.display());
        let objects = cache.objects().with_context(failed)?;
        let now = self.snapshot()?;
        let kept = contents(&cache, now.0.recorded().flat_map(all_records))?;
        let runs = runs(&cache).with_context(failed)?;
        // Nothing that is kept is ever among them.
        let mut tainted = self.inputs(before, &runs, from);
        tainted.retain(|id| !kept.contains(id));
        for (id, path) in &objects {
            if !kept.contains(id) && !id.ends_with(".dir") && holds(path).with_context(failed)? {
                tainted.insert(id.clone());
            }
        }
        spread(&cache, &before.0, &runs, &kept, &mut tainted)?;
        let mut forgotten = Forgotten::default();
        for (id, path) in objects {
            if tainted.contains(&id) {
                forgotten.bytes += fs::metadata(&path).map_or(0, |meta| meta.len());
                forgotten.contents += 1;
                let gone = fs::remove_file(&path);
                gone.with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        for run in runs {
            // An entry that names a content which is gone, or was never there, tells of it all the same.
            let is_gone =
                |record: &Record| record.md5.as_ref().is_some_and(|id| tainted.contains(id));
            if all_records(&run.recorded).any(is_gone) {
                let removed = fs::remove_file(&run.path);
                removed.with_context(|| format!("cannot remove {}", run.path.display()))?;
                forgotten.runs += 1;
            }
        }
        Ok(forgotten)
    }

    /// The contents that stages have read, by `before` or the run cache, from the files `from` or folders around them.
    fn inputs(&self, before: &Snapshot, runs: &[Run], from: &[PathBuf]) -> BTreeSet<String> {
        let from: Vec<PathBuf> = from.iter().map(|path| real(path)).collect();
        let mut ids = BTreeSet::new();
        for dep in self.stages.iter().flat_map(|stage| &stage.deps) {
            let at = real(&dep.path);
            if from.iter().any(|file| file.starts_with(&at)) {
                let recorded = before
                    .0
                    .recorded()
                    .chain(runs.iter().map(|run| &run.recorded));
                let read = recorded.filter_map(|recorded| recorded.dep(&dep.name)?.md5.clone());
                ids.extend(read);
            }
        }
        ids
    }
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn all_records(recorded: &Recorded) -> impl Iterator<Item = &Record> {
    recorded.deps.iter().chain(&recorded.outs)
}

/// The contents of records, with those of the files of their folders.
fn contents<'a>(
    cache: &Cache,
    records: impl Iterator<Item = &'a Record>,
) -> Result<HashSet<String>> {
    let mut all = HashSet::new();
    for id in records.filter_map(|record| record.md5.as_deref()) {
        if all.insert(id.to_owned()) {
            all.extend(members(cache, id)?);
        }
    }
    Ok(all)
}

/// The contents of the files of a folder; none for a file.
fn members(cache: &Cache, id: &str) -> Result<Vec<String>> {
    let files = match id.ends_with(".dir") {
        true => cache.files(id)?,
        false => None,
    };
    let files = files.unwrap_or_default().into_iter();
    Ok(files.map(|file| file.md5.to_string()).collect())
}

/// Adds to `tainted` what was made from it, except what is kept: the same content was made without it, too.
fn spread(
    cache: &Cache,
    before: &Lock,
    runs: &[Run],
    kept: &HashSet<String>,
    tainted: &mut BTreeSet<String>,
) -> Result<()> {
    let recorded = || {
        before
            .recorded()
            .chain(runs.iter().map(|run| &run.recorded))
    };
    // The files of each folder, read once.
    let folders: Vec<(String, Vec<String>)> = {
        let ids: BTreeSet<&str> = recorded()
            .flat_map(all_records)
            .filter_map(|record| record.md5.as_deref())
            .filter(|id| id.ends_with(".dir"))
            .collect();
        let files = ids
            .into_iter()
            .map(|id| Ok((id.to_owned(), members(cache, id)?)));
        files.collect::<Result<_>>()?
    };
    loop {
        let known = tainted.len();
        for (id, files) in &folders {
            if !kept.contains(id) && files.iter().any(|file| tainted.contains(file)) {
                tainted.insert(id.clone());
            }
        }
        for recorded in recorded() {
            let is_tainted = |record: &Record| {
                let id = record.md5.as_ref();
                id.is_some_and(|id| tainted.contains(id))
            };
            if !recorded.deps.iter().any(is_tainted) {
                continue;
            }
            for id in recorded.outs.iter().filter_map(|out| out.md5.clone()) {
                let folder = folders.iter().find(|(known, _)| *known == id);
                let files = folder
                    .into_iter()
                    .flat_map(|(_, files)| files.iter().cloned());
                tainted.extend(files.chain([id]).filter(|id| !kept.contains(id)));
            }
        }
        if tainted.len() == known {
            return Ok(());
        }
    }
}

/// All entries of the run cache that can be read.
fn runs(cache: &Cache) -> io::Result<Vec<Run>> {
    let mut found = Vec::new();
    for path in crate::cache::files_below(&cache.runs())? {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let recorded = crate::emit::READER.read(&text);
        if let Some(Ok(recorded)) = recorded.ok().map(|node| Recorded::parse(&node)) {
            found.push(Run { path, recorded });
        }
    }
    Ok(found)
}
