//! `easylife erase`: forgets a user, a series or a group. The rows are taken out of the raw data and out of every other
//! table and log of the project; the stages that depend on them run again, so that the model and all else is what it
//! would be had the rows never been there, byte for byte; the caches, the runs and, if asked, the registry give up what
//! was made from them. Then everything is searched for the id, which is the proof.
//!
//! Each step can be repeated: a run that was killed, or that failed because a stage did, goes on when it is started
//! again.

mod beyond;
mod id;
mod search;
mod sweep;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use dvc::runner::{self, Ended, RunOptions};
use dvc::{Forgotten, Pipeline, Selection};

use self::beyond::Registered;
use self::id::Id;
use self::search::Found;
use self::sweep::Places;
use super::engine::{PROGRAM, with_hint};
use crate::exit;
use crate::memory::Place;
use crate::outcome::number::measure;
use crate::params::batch::Batch;
use crate::project::Project;
use crate::talk::{self, Talk};
use crate::task::{self, RawData, Subject, Task};
use tables::Reading;

/// What to erase.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id of a user, a series or a group.
    pub id: String,
    /// The column that holds it, if the parameters do not say so.
    pub column: Option<String>,
    /// Further files and folders, outside the project.
    pub also: Vec<PathBuf>,
    /// Whether versions in the registry whose models know the id are erased, too.
    pub all_versions: bool,
    /// Whether nothing is changed, only searched.
    pub dry_run: bool,
    /// Whether another run is waited for.
    pub wait: bool,
    /// The threads of the stages; `None`: as many as there are cores.
    pub threads: Option<usize>,
}

/// A file, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InFile {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
    /// What is in it, or why it is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// What was erased, and what is left.
#[derive(Debug, Serialize)]
pub struct Erased {
    task: &'static str,
    dry_run: bool,
    /// Files without the rows now, or with `dry_run` those that have some.
    changed: Vec<InFile>,
    /// The stages that ran again.
    stages: Vec<String>,
    cache: Cached,
    /// Records of runs, and of what waits to be sent to MLflow, that are removed.
    records: Vec<String>,
    /// Versions in the registry whose files are removed.
    versions: Vec<String>,
    /// Where the id still is.
    left: Vec<InFile>,
    /// Where the same characters stand, which may mean something else.
    possible: Vec<InFile>,
    /// Files that were searched.
    searched: u64,
    /// What cannot be reached from here.
    beyond: Vec<String>,
}

/// What the caches gave up.
#[derive(Debug, Default, Serialize)]
struct Cached {
    contents: usize,
    bytes: u64,
    runs: usize,
}

impl Erased {
    /// Whether the id is nowhere that was searched.
    pub fn is_complete(&self) -> bool {
        self.left.is_empty()
    }
}

/// Erases an id of `T`.
///
/// # Errors
/// A task without ids, an id that cannot be one, data that cannot be read, a stage that fails. What was done until then
/// is done, and a second call does the rest.
pub fn run<T: Task>(
    project: &Project,
    place: &Place,
    request: &Request,
    talk: &Talk,
) -> Result<Erased> {
    let params = task::params::<T>(project)?;
    let subject = subject::<T>(&params, request)?;
    let model = project.model(T::NAME);
    let id = Id::new(&request.id, &subject, T::NAME, model)?;
    let raw = T::raw_data(&params);
    let batch: Batch = T::batch(&project.block::<T::Block>(T::NAME)?).clone();
    let mut pipeline = Pipeline::open(Some(&root(project)), PROGRAM).map_err(with_hint)?;
    let before = pipeline.snapshot().map_err(with_hint)?;
    let sources = sources(project, raw, &batch)?;
    let names = readers(&pipeline, &sources);
    let places = Places {
        root: root(project),
        also: &request.also,
        reading: raw.reading,
        sources: &sources,
        outputs: pipeline.outputs(&names),
        cache: pipeline.cache_folder().map(Path::to_owned),
    };
    places.check()?;
    if !request.dry_run {
        check_columns(&sources, &id, raw, &subject)?;
    }
    let mut erased = Erased {
        task: T::NAME,
        dry_run: request.dry_run,
        changed: Vec::new(),
        stages: Vec::new(),
        cache: Cached::default(),
        records: Vec::new(),
        versions: Vec::new(),
        left: Vec::new(),
        possible: Vec::new(),
        searched: 0,
        beyond: Vec::new(),
    };
    let mut kept = Vec::new();
    if !request.dry_run {
        places.clean(&id, talk, &mut erased.changed, &mut kept)?;
        erased.stages = run_stages(&mut pipeline, &names, request, talk)?;
        let holds = &mut |path: &Path| {
            let found = search::search(path, Reading::default(), &id)?;
            Ok(found.is_some_and(|found| found.is_certain()))
        };
        erased.cache = pipeline
            .forget(&before, &sources, holds)
            .map(Cached::from)
            .map_err(with_hint)?;
        erased.records = beyond::remove_records(project, &id)?;
    }
    let mut registry = Registered::of(place, &id)?;
    if request.all_versions && !request.dry_run {
        erased.versions = registry.erase(place)?;
    }
    let found = places.search(&id, talk)?;
    erased.searched = found.searched;
    for (path, found) in found.files {
        let shown = in_file(places.shown(&path), &found);
        let known = kept.iter().find(|file: &&InFile| file.path == shown.path);
        match (found.is_certain(), request.dry_run) {
            (true, true) => erased.changed.push(shown),
            (true, false) => erased.left.push(known.cloned().unwrap_or(shown)),
            (false, _) => erased.possible.push(shown),
        }
    }
    erased.left.extend(registry.left());
    erased.beyond = beyond::elsewhere(project, &sources, &pipeline)?;
    Ok(erased)
}

/// Whose rows the task's are, with the column that was asked for.
fn subject<T: Task>(params: &T::Params, request: &Request) -> Result<Subject> {
    let known = T::subject(params);
    let subject = match (&request.column, known) {
        (Some(column), known) => Subject {
            columns: vec![column.clone()],
            key: "--column",
            written: known.and_then(|known| known.written),
        },
        (None, Some(known)) => known,
        (None, None) => {
            return Err(exit::usage(format!(
                "the rows of {} belong to nobody by params.yaml; name the column that holds the id with --column",
                T::NAME
            )));
        }
    };
    Ok(subject)
}

fn root(project: &Project) -> PathBuf {
    match project.path("") {
        path if path.as_os_str().is_empty() => PathBuf::from("."),
        path => path,
    }
}

/// The tables that are read: source, test part, and the input of the batch.
fn sources(project: &Project, raw: RawData<'_>, batch: &Batch) -> Result<Vec<PathBuf>> {
    let names = [Some(raw.source), raw.test, batch.input.as_deref()];
    let mut files = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let Some(path) = name.map(|name| project.path(name)) else {
            continue;
        };
        // Only the source must be there.
        if index > 0 && !path.exists() {
            continue;
        }
        match path.is_dir() {
            true => files.extend(tables::folder_files(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}

/// Refuses a source without the columns of the id: nothing would be found in it.
fn check_columns(sources: &[PathBuf], id: &Id, raw: RawData<'_>, subject: &Subject) -> Result<()> {
    if let Some(path) = sources.first() {
        let source = tables::open_with(path, raw.reading)?;
        if !source.columns().is_empty() && id.cells(source.columns()).is_none() {
            let missing = id.missing(source.file(), subject.key);
            return Err(exit::usage(missing.to_string()));
        }
    }
    Ok(())
}

/// The stages that read the sources, and all that depend on them.
fn readers(pipeline: &Pipeline, sources: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = { sources.iter() }
        .flat_map(|path| pipeline.readers(path))
        .collect();
    names.sort();
    names.dedup();
    pipeline.downstream(&names)
}

/// Runs the stages again whose inputs have changed; returns those that ran.
fn run_stages(
    pipeline: &mut Pipeline,
    names: &[String],
    request: &Request,
    talk: &Talk,
) -> Result<Vec<String>> {
    if names.is_empty() {
        return Err(exit::usage(
            "no stage of dvc.yaml reads the data, so no model would be trained again without the id, which the data \
             no longer have; train it, then run erase again",
        ));
    }
    let selection = Selection {
        targets: names.to_vec(),
        downstream: false,
        single_item: true,
    };
    let plan = pipeline.select(&selection).map_err(with_hint)?;
    let options = RunOptions {
        force: false,
        keep_going: false,
        no_run_cache: false,
        jobs: 1,
        wait: request.wait,
        threads: request.threads,
    };
    let stages = talk::Stages::new(talk, 1);
    let ends = runner::run(pipeline, &plan, &options, &stages).map_err(with_hint)?;
    let mut ran = Vec::new();
    for (stage, ended) in ends {
        match ended {
            Ended::Ran(_) | Ended::Restored(_) => ran.push(stage),
            Ended::Failed(failure) => {
                return Err(exit::coded(
                    exit::Exit::Failed,
                    format!(
                        "{}\nthe data are without the id, but what was made from them is not yet: once the stage \
                         runs, call erase again",
                        failure.message
                    ),
                ));
            }
            Ended::UpToDate | Ended::Skipped => {}
        }
    }
    Ok(ran)
}

/// A file and what is in it, for people.
fn in_file(path: String, found: &Found) -> InFile {
    let mut file = InFile {
        path,
        rows: None,
        lines: None,
        note: None,
    };
    match found {
        Found::Rows(rows) => file.rows = Some(*rows),
        Found::Lines(lines) => file.lines = Some(*lines),
        Found::Model(table) => file.note = Some(format!("a model that has it in `{table}`")),
        Found::OtherModel => {
            let note =
                "a model of before, which may have been trained on it; delete it or train it again";
            file.note = Some(note.to_owned());
        }
        Found::Text(count) => {
            let times = count.certain.max(count.possible);
            file.note = Some(format!("{times} times in its text"));
        }
    }
    file
}

impl From<Forgotten> for Cached {
    fn from(forgotten: Forgotten) -> Self {
        Self {
            contents: forgotten.contents,
            bytes: forgotten.bytes,
            runs: forgotten.runs,
        }
    }
}

impl fmt::Display for InFile {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.path)?;
        let plural = |count: u64, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        let rows = self.rows.map(|rows| plural(rows, "row"));
        let lines = self.lines.map(|lines| plural(lines, "line"));
        let parts = [rows, lines, self.note.clone()];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", parts.join(", ")),
        }
    }
}

impl fmt::Display for Erased {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let list = |f: &mut fmt::Formatter, title: &str, items: &[String]| -> fmt::Result {
            if !items.is_empty() {
                writeln!(f, "{title}")?;
            }
            items.iter().try_for_each(|item| writeln!(f, "  {item}"))
        };
        let files = |files: &[InFile]| files.iter().map(InFile::to_string).collect::<Vec<_>>();
        let changed = match self.dry_run {
            true => "holds the id, and would lose it or be made again:",
            false => "taken out of:",
        };
        list(f, changed, &files(&self.changed))?;
        if !self.stages.is_empty() {
            writeln!(f, "made again: {}", self.stages.join(", "))?;
        }
        if self.cache.contents + self.cache.runs > 0 {
            let Cached {
                contents,
                bytes,
                runs,
            } = self.cache;
            let size = measure(bytes as f64 / 1e6);
            writeln!(
                f,
                "removed from DVC's cache: {contents} contents ({size} MB), {runs} entries of its run cache"
            )?;
        }
        list(f, "records removed:", &self.records)?;
        list(f, "versions erased from the registry:", &self.versions)?;
        list(
            f,
            "the same characters, which may mean something else:",
            &files(&self.possible),
        )?;
        let left = if self.dry_run {
            "elsewhere:"
        } else {
            "STILL THERE:"
        };
        list(f, left, &files(&self.left))?;
        list(f, "not to be reached from here:", &self.beyond)?;
        let searched = self.searched;
        match (self.dry_run, self.left.is_empty()) {
            (true, _) => writeln!(f, "searched {searched} files; nothing was changed"),
            (false, true) => writeln!(f, "searched {searched} files: the id is in none of them"),
            (false, false) => writeln!(
                f,
                "searched {searched} files: the id is still in those above"
            ),
        }
    }
}
