//! Checks that the recorded outputs can be reproduced. Each stage runs in a scratch copy that holds
//! only its dependencies as recorded in the lock; every output is compared byte by byte.

use std::path::{Path, PathBuf};

use files::leftovers::Leftover;
use tempfile::TempDir;

use crate::cache::{self, Cache};
use crate::command::{self, Environment};
use crate::content::{Content, Reader};
use crate::differ;
use crate::error::{Context as _, Error, Result};
use crate::folder::{LOCK, PIPELINE};
use crate::ignore;
use crate::lockfile::{Lock, Record, Recorded};
use crate::locks::Locks;
use crate::orphans::Run;
use crate::pipeline::Pipeline;
use crate::program::{Difference, Observer};
use crate::runner::file_name;
use crate::stage::Stage;
use crate::state::State;
use crate::why::{How, Inspector, Reason};

/// How to verify.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Numbers of threads to repeat it with; empty means once, with all cores.
    pub threads: Vec<usize>,
    /// Wait for another run to finish.
    pub wait: bool,
}

/// The result for one stage.
///
/// Reproduced is `wrong.is_empty()`: every output has the recorded bytes, no dependency was changed,
/// and no file is missing or new in an output folder.
#[derive(Debug)]
pub struct Verdict {
    /// The stage's name.
    pub stage: String,
    /// The number of threads it ran with, if specified.
    pub threads: Option<usize>,
    /// Number of reproduced outputs.
    pub same: usize,
    /// What is wrong, one line each.
    pub wrong: Vec<String>,
}

/// Variables from which libraries take their number of threads.
const THREADS: [&str; 5] = [
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "POLARS_MAX_THREADS",
];

/// Verifies the stages of `plan` in order. An output that is not reproduced is not an error; it is
/// listed in the stage's [`Verdict`].
///
/// Parameters and commands must be those of the lock; the contents of inputs are looked for in the
/// project, then in the cache. Nothing in the project changes but the folder of private files, which
/// has the logs of commands that failed. With several numbers of threads the stages run once for each, and a
/// variable for each common library limits their threads.
///
/// # Errors
/// [`Error::NotRecorded`] or [`Error::Stale`] if dvc.lock has nothing to compare with;
/// [`Error::Held`] if another run is working here; an error if something cannot be read or written.
pub fn verify(
    pipeline: &Pipeline,
    plan: &[usize],
    options: &VerifyOptions,
    observer: &dyn Observer,
) -> Result<Vec<Verdict>> {
    let private = pipeline.folder.make_private()?;
    let locks = Locks::of(&pipeline.folder, options.wait);
    let _run_lock = locks.run()?;
    let run = Run::begin(pipeline.folder.program(), &private, None)?;
    let lock = Lock::read(&pipeline.folder)?;
    let mut source = Source::of(pipeline);
    let stages: Vec<&Stage> = plan.iter().map(|&i| &pipeline.stages[i]).collect();
    for stage in &stages {
        source.check_current(stage, lock.get(&stage.name))?;
    }
    let mut counts: Vec<Option<usize>> = options.threads.iter().copied().map(Some).collect();
    if counts.is_empty() {
        counts.push(None);
    }
    let mut verdicts = Vec::new();
    for threads in counts {
        let mut scratch = Scratch::new(pipeline, &run.name, threads)?;
        for stage in &stages {
            let Some(recorded) = lock.get(&stage.name) else {
                continue;
            };
            let verdict = scratch.verify(stage, recorded, &mut source)?;
            report(observer, &verdict);
            verdicts.push(verdict);
        }
    }
    source.reader.save()?;
    Ok(verdicts)
}

fn report(observer: &dyn Observer, verdict: &Verdict) {
    let with = match verdict.threads {
        Some(1) => " with 1 thread".to_owned(),
        Some(threads) => format!(" with {threads} threads"),
        None => String::new(),
    };
    let stage = &verdict.stage;
    if verdict.wrong.is_empty() {
        observer.note(&format!(
            "{stage}{with}: {} outputs, the same bytes",
            verdict.same
        ));
    } else {
        observer.warn(&format!("{stage}{with}: not reproduced"));
        for line in &verdict.wrong {
            observer.warn(&format!("  {line}"));
        }
    }
}

/// Where recorded contents are taken from: first the project, then the cache.
struct Source<'a> {
    pipeline: &'a Pipeline,
    reader: Reader,
    cache: Option<Cache>,
}

impl<'a> Source<'a> {
    fn of(pipeline: &'a Pipeline) -> Self {
        let folder = &pipeline.folder;
        let private = folder.private();
        let state = State::open(&private.join("hashes"));
        Self {
            pipeline,
            reader: Reader::new(folder.root(), state),
            cache: folder
                .has_dvc()
                .then(|| Cache::open(&pipeline.config, folder.program(), private.join("scratch"))),
        }
    }

    /// Checks that the lock matches the command and parameters; contents are looked for later.
    fn check_current(&mut self, stage: &Stage, recorded: Option<&Recorded>) -> Result<()> {
        let folder = &self.pipeline.folder;
        let file = folder.pipeline();
        let place = format!(
            "{}:{}: stage `{}`",
            file.display(),
            stage.at.line,
            stage.name
        );
        let Some(recorded) = recorded else {
            return Err(Error::NotRecorded {
                stage: place,
                lock: folder.lock(),
            });
        };
        let mut inspector = Inspector {
            folder,
            reader: &mut self.reader,
            cache: None,
        };
        let stale = inspector
            .settings(stage, recorded)?
            .into_iter()
            .find(|reason| !matches!(reason, Reason::AlwaysRuns));
        match stale {
            Some(reason) => Err(Error::Stale {
                stage: place,
                lock: LOCK,
                reason: Box::new(reason),
            }),
            None => Ok(()),
        }
    }

    /// Copies a recorded content to `to`; false if it cannot be found.
    fn fetch(&mut self, path: &Path, record: &Record, to: &Path) -> Result<bool> {
        let id = record.md5.as_deref().unwrap_or_default();
        let here = self.reader.content(path)?;
        if let Some(content) = here.filter(|content| content.id == id) {
            copy_content(path, &content, to)?;
            return Ok(true);
        }
        match &self.cache {
            Some(cache) if cache.has(id) => {
                cache.restore(id, record.exec, to, true)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// A file with the recorded content of an output, or of a file in it.
    fn recorded_file(&mut self, path: &Path, id: &str, within: Option<&str>) -> Option<PathBuf> {
        let here = self.reader.content(path).ok().flatten();
        if here.is_some_and(|content| content.id == id) {
            return Some(match within {
                Some(name) => path.join(name),
                None => path.to_owned(),
            });
        }
        let cache = self.cache.as_ref()?;
        let object = match within {
            None => cache.object(id),
            Some(name) => {
                let files = cache.files(id).ok().flatten()?;
                let file = files.iter().find(|file| file.path == name)?;
                cache.object(&file.md5.to_string())
            }
        };
        object.exists().then_some(object)
    }

    /// The recorded files of a folder, with their hashes.
    fn recorded_folder(&mut self, path: &Path, id: &str) -> Option<Content> {
        let here = self.reader.content(path).ok().flatten();
        if let Some(content) = here.filter(|content| content.id == id) {
            return Some(content);
        }
        let files = self.cache.as_ref()?.files(id).ok().flatten()?;
        Some(Content {
            id: id.to_owned(),
            size: 0,
            files: Some(files.into()),
            exec: false,
        })
    }
}

/// Copies only what DVC sees, without files ignored by .dvcignore.
fn copy_content(path: &Path, content: &Content, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let Some(files) = &content.files else {
        return Ok(cache::copy_tree(path, to)?);
    };
    std::fs::create_dir_all(to)?;
    for file in files.iter() {
        let target = to.join(&file.path);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        cache::copy_tree(&path.join(&file.path), &target)?;
    }
    Ok(())
}

/// The copy that stages run in.
struct Scratch<'a> {
    pipeline: &'a Pipeline,
    folder: TempDir,
    _listed: Leftover,
    environment: Environment,
    threads: Option<usize>,
    reader: Reader,
}

impl<'a> Scratch<'a> {
    fn new(pipeline: &'a Pipeline, run: &str, threads: Option<usize>) -> Result<Self> {
        let program = pipeline.folder.program();
        let folder = tempfile::Builder::new()
            .prefix(&format!("{}-verify-", program.name))
            .tempdir()
            .context("cannot make a scratch folder")?;
        let private = pipeline.folder.private();
        let mut environment = Environment::new(*program, folder.path(), &private, run)?;
        environment.set("DVC_ROOT", folder.path());
        for (name, value) in program.verification_variables {
            environment.set(name, value);
        }
        for name in THREADS.into_iter().chain([program.threads_variable]) {
            if let Some(threads) = threads {
                environment.set(name, threads.to_string());
            }
        }
        let scratch = Self {
            reader: Reader::new(folder.path(), State::open(Path::new(""))),
            pipeline,
            environment,
            threads,
            _listed: Leftover::new(folder.path()),
            folder,
        };
        scratch.lay_out()?;
        Ok(scratch)
    }

    /// Copies the pipeline's own files and every parameter file.
    fn lay_out(&self) -> Result<()> {
        let folder = &self.pipeline.folder;
        let mut files = vec![
            folder.path(PIPELINE),
            folder.path(crate::context::DEFAULT),
            folder.root().join(ignore::FILE),
        ];
        let params = self.pipeline.stages.iter().flat_map(|stage| &stage.params);
        files.extend(params.map(|params| params.path.clone()));
        for file in files {
            if let Some(to) = self.place(&file)
                && file.is_file()
                && !to.exists()
            {
                std::fs::create_dir_all(to.parent().unwrap_or(self.folder.path()))?;
                cache::copy_tree(&file, &to)?;
            }
        }
        Ok(())
    }

    /// The path in the copy of a path of the project; `None` outside the project.
    fn place(&self, path: &Path) -> Option<PathBuf> {
        let within = path.strip_prefix(self.pipeline.folder.root()).ok()?;
        Some(self.folder.path().join(within))
    }

    fn verify(
        &mut self,
        stage: &Stage,
        recorded: &Recorded,
        source: &mut Source,
    ) -> Result<Verdict> {
        let mut verdict = Verdict {
            stage: stage.name.clone(),
            threads: self.threads,
            same: 0,
            wrong: Vec::new(),
        };
        self.fetch_dependencies(stage, recorded, source, &mut verdict.wrong)?;
        if verdict.wrong.is_empty() {
            self.clear_outputs(stage)?;
            self.run(stage, &mut verdict.wrong)?;
        }
        if verdict.wrong.is_empty() {
            self.reader.forget();
            self.check_dependencies(stage, recorded, &mut verdict.wrong)?;
            for out in &stage.outs {
                let before = verdict.wrong.len();
                let record = recorded.out(&out.name);
                match self.place(&out.path) {
                    None => verdict
                        .wrong
                        .push(format!("{} is outside the project", out.name)),
                    Some(place) => {
                        self.compare(&out.path, &place, record, source, &mut verdict.wrong)?;
                    }
                }
                verdict.same += usize::from(verdict.wrong.len() == before);
            }
        }
        Ok(verdict)
    }

    fn fetch_dependencies(
        &mut self,
        stage: &Stage,
        recorded: &Recorded,
        source: &mut Source,
        wrong: &mut Vec<String>,
    ) -> Result<()> {
        for dep in &stage.deps {
            let Some(record) = recorded.dep(&dep.name) else {
                continue; // refused before: the lock is of this stage
            };
            let place = self.place(&dep.path);
            let path = place.as_deref().unwrap_or(&dep.path);
            let there = self.reader.content(path)?;
            if there.is_some_and(|content| Some(&content.id) == record.md5.as_ref()) {
                continue;
            }
            let fetched = match &place {
                Some(place) => {
                    cache::remove(place)?;
                    source.fetch(&dep.path, record, place)?
                }
                None => false,
            };
            if !fetched {
                wrong.push(format!(
                    "its dependency {} as recorded in dvc.lock was not found: it is not in the project, not \
                     in the cache, and no earlier stage made it",
                    dep.name
                ));
            }
            self.reader.forget();
        }
        Ok(())
    }

    fn clear_outputs(&self, stage: &Stage) -> Result<()> {
        for out in &stage.outs {
            if let Some(place) = self.place(&out.path) {
                cache::remove(&place)?;
                std::fs::create_dir_all(place.parent().unwrap_or(self.folder.path()))?;
            }
        }
        Ok(())
    }

    fn run(&self, stage: &Stage, wrong: &mut Vec<String>) -> Result<()> {
        let folder = &self.pipeline.folder;
        let wdir = self
            .place(&stage.wdir)
            .context("the stage's folder is outside the project")?;
        std::fs::create_dir_all(&wdir)?;
        let logs = folder.private().join("logs");
        std::fs::create_dir_all(&logs)?;
        let log = logs.join(format!("verify-{}.log", file_name(&stage.name)));
        let commands: Vec<String> = stage.cmd.lines().into_iter().map(str::to_owned).collect();
        match command::run(&commands, &stage.name, &wdir, &self.environment, &log)? {
            None => {
                let _ = std::fs::remove_file(&log);
            }
            Some(failed) => wrong.push(format!(
                "`{}` {}; the copy holds only the recorded dependencies: is one missing in \
                 dvc.yaml? Its output is in {}",
                failed.command,
                failed.how(),
                folder.show(&log)
            )),
        }
        Ok(())
    }

    fn check_dependencies(
        &mut self,
        stage: &Stage,
        recorded: &Recorded,
        wrong: &mut Vec<String>,
    ) -> Result<()> {
        for dep in &stage.deps {
            let path = self.place(&dep.path).unwrap_or_else(|| dep.path.clone());
            let is = self.reader.content(&path)?.map(|content| content.id);
            let was = recorded
                .dep(&dep.name)
                .and_then(|record| record.md5.clone());
            if is != was {
                let how = if is.is_none() {
                    How::Missing
                } else {
                    How::Changed
                };
                wrong.push(format!("after the run its dependency {} {how}", dep.name));
            }
        }
        Ok(())
    }

    fn compare(
        &mut self,
        path: &Path,
        place: &Path,
        record: Option<&Record>,
        source: &mut Source,
        wrong: &mut Vec<String>,
    ) -> Result<()> {
        let name = self.pipeline.folder.show(path);
        let differences = self.pipeline.folder.program().differences;
        let id = record
            .and_then(|record| record.md5.as_deref())
            .unwrap_or_default();
        let Some(content) = self.reader.content(place)? else {
            wrong.push(format!("{name}: was not written"));
            return Ok(());
        };
        if content.id == id {
            return Ok(());
        }
        if id.ends_with(".dir") != content.files.is_some() {
            wrong.push(format!("{name}: one is a folder, the other a file"));
            return Ok(());
        }
        let Some(files) = &content.files else {
            let recorded = source.recorded_file(path, id, None);
            wrong.push(format!(
                "{name}: {}",
                describe_difference(recorded, place, differences)
            ));
            return Ok(());
        };
        let Some(before) = source.recorded_folder(path, id) else {
            wrong.push(format!("{name}: {UNKNOWN}"));
            return Ok(());
        };
        let before = before.files.unwrap_or_default();
        for file in before.iter() {
            match files.iter().find(|now| now.path == file.path) {
                None => wrong.push(format!("{name}/{}: was not written", file.path)),
                Some(now) if now.md5 != file.md5 => {
                    let recorded = source.recorded_file(path, id, Some(&file.path));
                    let how = describe_difference(recorded, &place.join(&file.path), differences);
                    wrong.push(format!("{name}/{}: {how}", file.path));
                }
                Some(_) => {}
            }
        }
        for file in files.iter() {
            if !before.iter().any(|known| known.path == file.path) {
                wrong.push(format!("{name}/{}: is not recorded", file.path));
            }
        }
        Ok(())
    }
}

const UNKNOWN: &str = "the content differs from the recorded one (which is neither in the project nor \
                       in the cache, so the difference cannot be shown)";

fn describe_difference(
    recorded: Option<PathBuf>,
    now: &Path,
    differences: &[(&str, Difference)],
) -> String {
    let shown = recorded.map(|recorded| differ::first(&recorded, now, differences));
    match shown {
        None => UNKNOWN.to_owned(),
        Some(Ok(text)) => text,
        Some(Err(error)) => format!(
            "the content differs from the recorded one ({})",
            error.with_causes()
        ),
    }
}
