//! `easylife validate`: checks data against rules before anything is trained on them.
//!
//! The rules are those of `schema/TASK.yaml` (`schema`), which `--init` writes from the data (`init`), otherwise
//! the built-in ones. A table is read in one pass (`profile::scan`), checked on the way by `quick`, `cells` and the
//! task; `keys` finds rows with equal keys, and `checks` makes the findings at the end. Rules of a task are in its
//! folder.

mod cells;
mod checks;
pub(crate) mod classes;
pub(crate) mod finding;
mod init;
pub(crate) mod keys;
pub(crate) mod leaks;
mod origin;
mod passed;
mod quick;
pub(crate) mod schema;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod unique;
mod written;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

pub use self::schema::Schema;
use self::schema::{Scalar, Span};
use crate::columns::{self, Needed};
use crate::exit;
use crate::outcome::number;
use crate::project::Project;
use crate::report;
use crate::report::page::{self, Origin, Page};
use crate::report::validate::{Finding, Level, Passed, Validation};
use crate::talk::Talk;
use crate::task::{self, Part, Task, record};
use files::atomic;
use tables::Reading;
use tables::profile::Columns;
use tables::profile::summary::Table;

/// What a task implements for `validate`.
pub trait Validate: Task {
    /// Rules of the task, in addition to those on columns.
    const RULES: &'static [TaskRule];

    /// Completes the parameters from the columns of the source. Ignores a source that cannot be read, which the
    /// checks report.
    fn settle(_project: &Project, params: Self::Params) -> Self::Params {
        params
    }

    /// Built-in rules on columns.
    fn columns(params: &Self::Params) -> Vec<(String, schema::ColumnRules)>;

    /// Checks the raw data.
    fn raw(job: &Job<Self::Params>) -> Result<Checked>;

    /// Checks the parts written by `prepare` against each other.
    fn prepared(job: &Job<Self::Params>) -> Result<Checked>;
}

/// A rule of a task: bounds on a figure.
pub struct TaskRule {
    pub name: &'static str,
    /// Describes the figure in the file of rules.
    pub says: &'static str,
    pub min: Option<&'static str>,
    pub max: Option<&'static str>,
    pub level: Level,
}

impl TaskRule {
    pub(crate) const fn at_most(
        name: &'static str,
        max: &'static str,
        level: Level,
        says: &'static str,
    ) -> Self {
        TaskRule {
            name,
            says,
            min: None,
            max: Some(max),
            level,
        }
    }

    pub(crate) const fn at_least(
        name: &'static str,
        min: &'static str,
        level: Level,
        says: &'static str,
    ) -> Self {
        TaskRule {
            name,
            says,
            min: Some(min),
            max: None,
            level,
        }
    }

    fn span(&self) -> Span {
        let scalar = |text: &str| Scalar(text.to_owned());
        Span {
            min: self.min.map(scalar),
            max: self.max.map(scalar),
            level: Some(self.level),
        }
    }
}

/// A validation: the data and the rules.
pub struct Job<'a, P> {
    pub project: &'a Project,
    pub params: P,
    schema: Schema,
    /// Columns that the task needs.
    needed: Vec<Needed>,
    /// How files of raw data are read.
    pub(crate) reading: Reading,
    /// Number of rows shown for each finding.
    pub(crate) shown: usize,
    pub(crate) talk: &'a Talk,
}

impl<P> Job<'_, P> {
    /// The bounds of a rule of the task; `None` if the file does not have it.
    pub(crate) fn rule(&self, name: &str) -> Option<&Span> {
        self.schema.task.get(name)
    }

    /// Checks the source, and the separate test file if there is one.
    pub(crate) fn each_source(
        &self,
        source: &str,
        test: Option<&str>,
        check: impl Fn(&Path) -> Result<Checked>,
    ) -> Result<Checked> {
        let mut checked = check(&self.project.path(source))?;
        if let Some(test) = test {
            checked.extend(check(&self.project.path(test))?);
        }
        Ok(checked)
    }

    /// Which columns are profiled.
    pub(crate) fn profile(&self) -> Columns {
        self.project.params().validate.profile.into()
    }
}

/// The tables that were read, and the findings.
#[derive(Default)]
pub struct Checked {
    pub(crate) tables: Vec<Table>,
    pub(crate) findings: Vec<Finding>,
}

impl Checked {
    /// Adds the result for another table.
    pub(crate) fn extend(&mut self, other: Checked) {
        self.tables.extend(other.tables);
        self.findings.extend(other.findings);
    }
}

/// A request of `validate`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    /// Write a file of rules from the data.
    pub init: bool,
    /// Overwrite an existing one.
    pub force: bool,
    /// Check the parts instead of the raw data.
    pub prepared: bool,
}

/// A written validation.
#[derive(Serialize)]
pub struct Validated {
    task: &'static str,
    errors: u64,
    warnings: u64,
    findings: Vec<Finding>,
    rows: u64,
    files: Vec<PathBuf>,
}

impl Validated {
    /// Whether no rule of level error is broken.
    pub fn holds(&self) -> bool {
        self.errors == 0
    }
}

impl fmt::Display for Validated {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for finding in &self.findings {
            let level = finding.level.as_str();
            let column = finding.column.as_ref();
            let column = column.map_or_else(String::new, |column| format!("{column}: "));
            write!(
                f,
                "{level:<7}  {column}{} [{}]",
                finding.message, finding.rule
            )?;
            if let Some(first) = finding.rows.first() {
                write!(f, "; first {first}")?;
            }
            writeln!(f)?;
        }
        let files: Vec<String> = self
            .files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        writeln!(
            f,
            "{}: {} rows, errors: {}, warnings: {}; {}",
            self.task,
            self.rows,
            self.errors,
            self.warnings,
            files.join(", ")
        )
    }
}

/// Validates the data of `T`; writes the report even if rules are broken.
pub fn run<T: Validate>(project: &Project, request: Request, talk: &Talk) -> Result<Validated> {
    let params = match request.prepared {
        true => {
            let followed = record::follow::<T>(project, record::DifferentParts::Refused)?;
            followed.said.iter().for_each(|said| talk.note(said));
            followed.params
        }
        false => T::settle(project, task::params::<T>(project)?),
    };
    let path = project.schema(T::NAME);
    if request.init {
        return init::run::<T>(project, params, &path, request.force, talk);
    }
    let names: Vec<&str> = T::RULES.iter().map(|rule| rule.name).collect();
    let written = path.exists();
    let schema = match written {
        true => Schema::read(&path, &names)?,
        false => built_in::<T>(&params),
    };
    if !request.prepared {
        super::note_reading(T::NAME, T::raw_data(&params), project, talk);
    }
    let job = job::<T>(project, params, schema, talk);
    let (part, checked) = match request.prepared {
        true => ("prepared", T::prepared(&job)?),
        false => {
            let checked = T::raw(&job);
            (
                "raw",
                checked.map_err(|error| columns::explain(error, T::NAME, &job.needed))?,
            )
        }
    };
    let passed = passed::rules(
        &job.schema,
        T::RULES,
        request.prepared,
        &checked.tables,
        &checked.findings,
    );
    let schema = written.then(|| project.shown(&path));
    let validation = validation(T::NAME, schema, part, checked, passed);
    let origin = origin::of::<T>(project, &job, &validation)?;
    write(project, T::NAME, validation, origin)
}

fn job<'a, T: Validate>(
    project: &'a Project,
    params: T::Params,
    schema: Schema,
    talk: &'a Talk,
) -> Job<'a, T::Params> {
    Job {
        project,
        needed: T::needed(&params),
        reading: T::raw_data(&params).reading,
        params,
        schema,
        shown: project.params().validate.rows,
        talk,
    }
}

/// The built-in rules.
fn built_in<T: Validate>(params: &T::Params) -> Schema {
    Schema {
        columns: schema::Columns(T::columns(params)),
        task: T::RULES
            .iter()
            .map(|rule| (rule.name.to_owned(), rule.span()))
            .collect(),
        ..Schema::default()
    }
}

fn validation(
    task: &str,
    schema: Option<String>,
    part: &'static str,
    checked: Checked,
    passed: Vec<Passed>,
) -> Validation {
    let Checked {
        tables,
        mut findings,
    } = checked;
    findings.sort_by_key(|finding| finding.level);
    // The readers of tables do not know the task whose keys they name.
    for finding in &mut findings {
        finding.message = finding.message.replace("TASK.", &format!("{task}."));
    }
    let of = |level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count() as u64
    };
    Validation {
        task: task.to_owned(),
        schema,
        part,
        errors: of(Level::Error),
        warnings: of(Level::Warning),
        findings,
        passed,
        tables,
    }
}

fn write(
    project: &Project,
    task: &'static str,
    validation: Validation,
    origin: Origin,
) -> Result<Validated> {
    let infix = match validation.part {
        "prepared" => "prepared.",
        _ => "",
    };
    let path = |ending: &str| project.validation(&validation.task, &format!("{infix}{ending}"));
    let (json, html) = (path("json"), path("html"));
    let mut text = number::pretty_json(&validation)?.into_bytes();
    text.push(b'\n');
    let kind = match validation.part {
        "prepared" => page::Kind::Prepared,
        _ => page::Kind::Raw,
    };
    let page = Page {
        links: page::links(task, kind),
        origin: Some(origin),
        ..report::validate::page(&validation)
    };
    let page = page.render();
    atomic::write(&html, |out| out.write_all(page.as_bytes()))?;
    atomic::write(&json, |out| out.write_all(&text))?;
    Ok(Validated {
        task,
        errors: validation.errors,
        warnings: validation.warnings,
        findings: validation.findings,
        rows: validation.tables.iter().map(|table| table.rows).sum(),
        files: vec![json, html],
    })
}

/// The parts of a task, which must exist.
pub(crate) fn parts<T: Validate>(project: &Project) -> Result<[PathBuf; 2]> {
    Ok([
        task::part_path::<T>(project, Part::Train)?,
        task::part_path::<T>(project, Part::Test)?,
    ])
}

/// The day from which ages count back.
fn today(project: &Project) -> Result<Option<f64>> {
    let Some(text) = &project.params().validate.today else {
        return Ok(None);
    };
    let value = tables::profile::understand(text.as_bytes());
    match value.class.is_time() {
        true => Ok(Some(value.number)),
        false => {
            let reason = format!("`{text}` is not a date; expected one such as 2026-01-31");
            Err(project
                .blame(crate::params::Invalid::new("validate.today", reason))
                .into())
        }
    }
}

/// Refuses to overwrite a file of rules, which people edit, unless `force` is set.
fn refuse_overwriting_rules(path: &Path, force: bool) -> Result<()> {
    match path.exists() && !force {
        true => Err(exit::usage(format!(
            "{} exists and may have been edited; move it away, or overwrite it with --force",
            path.display()
        ))),
        false => Ok(()),
    }
}
