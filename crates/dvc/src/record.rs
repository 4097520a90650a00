//! The work before and after a stage's commands: old outputs are removed or earlier ones restored,
//! then contents are recorded in the cache and in dvc.lock.

use std::path::Path;

use crate::cache::{self, Cache};
use crate::config::Config;
use crate::content::{Content, Reader};
use crate::error::{Context as _, Error, Result};
use crate::folder::{Folder, LOCK};
use crate::gitignore::GitIgnore;
use crate::lockfile::{Lock, Record, Recorded};
use crate::orphans;
use crate::runcache;
use crate::stage::{Kind, Out, Stage};
use crate::state::State;
use crate::tracked::Tracked;
use crate::why::{self, Inspector, Reason};

/// What a run reads and writes: dvc.lock, the cache, and the hashes of files.
pub struct Records<'a> {
    pub folder: &'a Folder,
    pub reader: Reader,
    pub cache: Option<Cache>,
    git: GitIgnore,
    tracked: Tracked,
    lock: Lock,
    /// The lock file as last seen: size, times and inode.
    lock_stamp: Option<(u64, i64, i64, u64)>,
    /// The number of stages in the lock before this run, or before one that was killed.
    pub lock_before: usize,
}

impl<'a> Records<'a> {
    /// Opens the lock, the cache and the table of hashes.
    ///
    /// # Errors
    /// If the lock or the configuration cannot be read.
    pub fn open(folder: &'a Folder, config: &Config) -> Result<Self> {
        let private = folder.private();
        let state = State::open(&private.join("hashes"));
        let cache = folder
            .has_dvc()
            .then(|| Cache::open(config, folder.program(), private.join("scratch")));
        let mut records = Self {
            reader: Reader::new(folder.root(), state),
            cache,
            git: GitIgnore::find(folder, config.no_scm),
            tracked: Tracked::default(),
            lock: Lock::default(),
            lock_stamp: None,
            lock_before: 0,
            folder,
        };
        records.read_lock()?;
        let before = orphans::recorded_before(&private).unwrap_or(usize::MAX);
        records.lock_before = before.min(records.lock.len());
        Ok(records)
    }

    fn read_lock(&mut self) -> Result<()> {
        let stamp = stamp(&self.folder.path(LOCK));
        if stamp.is_none() || stamp != self.lock_stamp {
            self.lock = Lock::read(self.folder)?;
            self.lock_stamp = stamp;
        }
        Ok(())
    }

    /// Why a stage would run. Refuses dependencies that are tracked elsewhere and out of date.
    ///
    /// # Errors
    /// If a file cannot be read, or a dependency is out of date.
    pub fn reasons(&mut self, stage: &Stage) -> Result<Vec<Reason>> {
        self.tracked.check(self.folder, stage, &mut self.reader)?;
        let recorded = self.lock.get(&stage.name);
        let mut inspector = Inspector {
            folder: self.folder,
            reader: &mut self.reader,
            cache: self.cache.as_ref(),
        };
        inspector.reasons(stage, recorded)
    }

    /// Refuses outputs that .dvcignore ignores, since DVC would not see them.
    ///
    /// # Errors
    /// If an output is ignored, or a `.dvcignore` cannot be read.
    pub fn check_ignored(&self, stage: &Stage) -> Result<()> {
        for out in &stage.outs {
            if self.reader.is_ignored(&out.path)? {
                return Err(Error::failed(format!(
                    "the output {} is ignored by .dvcignore",
                    out.name
                )));
            }
        }
        Ok(())
    }

    /// Finds a recorded or earlier run with the same inputs whose outputs are in the cache.
    ///
    /// First the stage's own record, if its inputs are still those, then the run cache. `None` without
    /// `.dvc`, for stages whose runs cannot be kept, and if any output is missing from the cache.
    ///
    /// # Errors
    /// If a file or the cache cannot be read.
    pub fn find_run(&mut self, stage: &Stage) -> Result<Option<Recorded>> {
        let Some(cache) = &self.cache else {
            return Ok(None);
        };
        if !runcache::can_keep(stage) {
            return Ok(None);
        }
        let mut known = None;
        if let Some(recorded) = self.lock.get(&stage.name) {
            let mut inspector = Inspector {
                folder: self.folder,
                reader: &mut self.reader,
                cache: Some(cache),
            };
            if inspector.inputs_are_recorded(stage, recorded)? {
                known = Some(recorded.clone());
            }
        }
        if known.is_none() {
            let mut inputs = self.inputs(stage)?;
            inputs.outs = stage.outs.iter().map(unknown).collect();
            inputs.sort();
            known = self
                .cache
                .as_ref()
                .and_then(|cache| runcache::find(cache, &inputs));
        }
        let cache = self.cache.as_ref();
        let whole = |run: &Recorded| {
            run.outs.len() == stage.outs.len()
                && run.outs.iter().all(|out| {
                    let id = out.md5.as_deref();
                    id.is_some_and(|id| cache.is_some_and(|cache| cache.has(id)))
                })
        };
        Ok(known.filter(whole))
    }

    /// Restores the outputs of an earlier run.
    ///
    /// # Errors
    /// If an output cannot be restored.
    pub fn restore(&mut self, stage: &Stage, run: &Recorded) -> Result<()> {
        let Some(cache) = &self.cache else {
            return Ok(());
        };
        for out in &stage.outs {
            let Some(record) = run.out(&out.name) else {
                continue;
            };
            let id = record.md5.as_deref().unwrap_or_default();
            let there = self.reader.output(&out.path)?;
            let same = there.is_some_and(|c| c.id == id && c.exec == record.exec);
            if !same {
                cache.restore(id, record.exec, &out.path, !out.cache)?;
            }
        }
        self.changed();
        Ok(())
    }

    /// Removes old outputs, as DVC does before a run.
    ///
    /// Outputs with `persist`, and those of verbs that replace them whole, stay; they are only made
    /// independent of the cache, so that a command that writes into them does not change a cached object.
    ///
    /// # Errors
    /// If an output cannot be removed.
    pub fn clear(&mut self, stage: &Stage) -> Result<()> {
        for out in &stage.outs {
            let cleared = if out.persist || stage.replaces_whole(self.folder.program()) {
                match out.cache {
                    true => cache::unprotect(&out.path, &self.folder.program().temporary()),
                    false => Ok(()),
                }
            } else {
                cache::remove(&out.path)
            };
            cleared.with_context(|| format!("cannot remove the old output {}", out.name))?;
        }
        self.changed();
        Ok(())
    }

    /// Forgets contents read so far, since files may have changed.
    pub fn changed(&mut self) {
        self.reader.forget();
        self.folder.forget_parameters();
    }

    /// The current inputs of a stage; refuses missing ones.
    ///
    /// # Errors
    /// If a dependency, a parameter file or a parameter is missing.
    pub fn inputs(&mut self, stage: &Stage) -> Result<Recorded> {
        let mut recorded = Recorded {
            cmd: stage.cmd.clone(),
            deps: Vec::new(),
            params: Vec::new(),
            outs: Vec::new(),
        };
        for dep in &stage.deps {
            let content = self.reader.content(&dep.path)?;
            let content = content.with_context(|| {
                let (line, name) = (dep.at.line, &dep.name);
                let tracked = dep.path.with_added_extension("dvc").exists();
                let hint = if tracked {
                    "; fetch it with `dvc pull`"
                } else {
                    ""
                };
                format!("line {line}: the dependency {name} does not exist{hint}")
            })?;
            recorded.deps.push(Record::of(&dep.name, &content));
        }
        for params in &stage.params {
            let content = self.folder.parameters(&params.path)?.with_context(|| {
                format!(
                    "line {}: the parameter file {} does not exist",
                    params.at.line, params.name
                )
            })?;
            let values = why::checked_values(&content, params)?;
            let missing = |key: &&String| !values.iter().any(|(name, _)| name == *key);
            let missing: Vec<&str> = params
                .keys
                .iter()
                .filter(missing)
                .map(String::as_str)
                .collect();
            if !missing.is_empty() {
                let (line, file) = (params.at.line, &params.name);
                return Err(Error::failed(format!(
                    "line {line}: {file} has no {}",
                    missing.join(", ")
                )));
            }
            recorded.params.push((params.name.clone(), values));
        }
        recorded.sort();
        Ok(recorded)
    }

    /// Records a successful run: outputs in the cache, the stage in the lock. Returns warnings.
    ///
    /// `before` are the inputs as they were when the commands started: a dependency that differs now is a
    /// warning, and the lock gets its present content. `order` are the names of this run's stages, by which
    /// new entries of the lock are sorted.
    ///
    /// # Errors
    /// If an input or output is missing, or the cache or the lock cannot be written.
    pub fn commit(
        &mut self,
        stage: &Stage,
        before: Option<&Recorded>,
        order: &[&str],
    ) -> Result<Vec<String>> {
        self.changed();
        let mut warnings = Vec::new();
        let mut recorded = self.inputs(stage).context("after the run")?;
        if let Some(before) = before {
            for dep in &recorded.deps {
                if before.dep(&dep.path).is_some_and(|b| b.md5 != dep.md5) {
                    warnings.push(format!("its run changed its dependency {}", dep.path));
                }
            }
        }
        let mut contents = Vec::new();
        for out in &stage.outs {
            let content = self.output(out)?;
            if content.size == 0 {
                warnings.push(format!("its output {} is empty", out.name));
            }
            recorded.outs.push(Record::of(&out.name, &content));
            contents.push(content);
        }
        recorded.sort();
        self.keep(stage, &recorded, &contents)?;
        self.write(stage, recorded, order)?;
        Ok(warnings)
    }

    fn output(&mut self, out: &Out) -> Result<Content> {
        let content = self.reader.output(&out.path)?.with_context(|| {
            format!(
                "the output {} (line {}) does not exist: the commands did not write it",
                out.name, out.at.line
            )
        })?;
        if out.kind == Kind::Metric && content.files.is_none() && !is_text(&out.path)? {
            return Err(Error::failed(format!(
                "the metrics {} are not text",
                out.name
            )));
        }
        Ok(content)
    }

    /// Stores the outputs in the cache, and the run itself.
    fn keep(&mut self, stage: &Stage, recorded: &Recorded, contents: &[Content]) -> Result<()> {
        for out in stage.outs.iter().filter(|out| out.cache) {
            self.git.ignore(&out.path)?;
        }
        let Some(cache) = &self.cache else {
            return Ok(());
        };
        // DVC does not cache a run with an output that is neither cached nor a metric nor a plot.
        let keep_run = runcache::can_keep(stage)
            && stage
                .outs
                .iter()
                .all(|out| out.cache || out.kind != Kind::Plain);
        for (out, content) in stage.outs.iter().zip(contents) {
            if out.cache || keep_run {
                cache.add(&out.path, content)?;
            }
        }
        if keep_run {
            runcache::keep(cache, recorded)?;
        }
        for (out, content) in stage.outs.iter().zip(contents) {
            if out.cache {
                cache.relink(&out.path, content)?;
            } else if keep_run {
                cache.set_mode(&out.path, content)?; // DVC takes it through the cache, too
            }
        }
        Ok(())
    }

    fn write(&mut self, stage: &Stage, recorded: Recorded, order: &[&str]) -> Result<()> {
        self.read_lock()?;
        self.lock.put(&stage.name, recorded);
        self.lock
            .order_new(self.lock_before.min(self.lock.len()), order);
        let path = self.folder.path(LOCK);
        self.lock.write(&path)?;
        self.lock_stamp = stamp(&path);
        Ok(())
    }

    /// Saves the table of hashes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&mut self) -> Result<()> {
        self.reader.save().context("cannot write the hash table")
    }
}

fn unknown(out: &Out) -> Record {
    Record {
        path: out.name.clone(),
        md5: None,
        size: None,
        nfiles: None,
        exec: false,
    }
}

fn stamp(path: &Path) -> Option<(u64, i64, i64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ino()))
}

/// DVC's heuristic: no zero byte and at most 30 % unprintable bytes in the first 512.
fn is_text(path: &Path) -> Result<bool> {
    use std::io::Read;
    let mut block = Vec::new();
    std::fs::File::open(path)?
        .take(512)
        .read_to_end(&mut block)?;
    if block.contains(&0) {
        return Ok(false);
    }
    let odd = |b: &&u8| !matches!(b, 32..=126 | b'\n' | b'\r' | b'\t' | 0x0c | 0x08);
    Ok(block.iter().filter(odd).count() * 10 <= block.len() * 3)
}
