//! A project for one task on data of one's own: which columns are meant, by their names and by what the
//! first rows hold.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use super::head::Head;
use super::template::Scored;
use super::{classes, dates, series};
use crate::classes::{scalar, sub_folders};
use crate::columns::{Needed, Role};
use crate::exit;
use crate::task::Task;
use tables::{Reading, shown};

/// What somebody says of their data.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// The file or folder, from the folder in which the command was given.
    pub source: PathBuf,
    /// What the pipeline scores, likewise.
    pub score: Option<PathBuf>,
    /// Whether there is nothing to predict without something to score.
    pub needs_input: bool,
    /// Columns that were named.
    pub columns: Vec<(Role, String)>,
    /// How times are written, where that was said.
    pub date_format: Option<String>,
    /// `LABEL=CLASS,LABEL=CLASS`: what labels mean.
    pub classes: Option<String>,
}

/// A key of the parameters and how its value is known.
pub(super) struct Chosen {
    pub key: String,
    /// As it is shown.
    pub value: String,
    /// As it is in params.yaml.
    pub yaml: String,
    /// Named by the caller, rather than found.
    pub is_given: bool,
}

impl Chosen {
    /// A name.
    pub(super) fn name(key: &str, name: String, is_given: bool) -> Self {
        let yaml = scalar(&name);
        Self {
            key: key.to_owned(),
            value: name,
            yaml,
            is_given,
        }
    }

    /// Any value, as it is in params.yaml.
    pub(super) fn yaml(key: &str, yaml: String, is_given: bool) -> Self {
        Self {
            key: key.to_owned(),
            value: yaml.clone(),
            yaml,
            is_given,
        }
    }

    /// A list of names; one of them is a name.
    pub(super) fn names(key: &str, names: &[String], is_given: bool) -> Self {
        if let [name] = names {
            return Self::name(key, name.clone(), is_given);
        }
        let list: Vec<String> = names.iter().map(|name| scalar(name)).collect();
        Self {
            value: names.join(", "),
            ..Self::yaml(key, format!("[{}]", list.join(", ")), is_given)
        }
    }
}

/// What was found in the data.
pub(super) struct Found {
    pub columns: Vec<Chosen>,
    /// How the table is read.
    pub reading: Reading,
}

impl Own {
    pub(super) fn scored(&self) -> Scored {
        match (&self.score, self.needs_input) {
            (Some(_), _) => Scored::File,
            (None, false) => Scored::Known,
            (None, true) => Scored::Nothing,
        }
    }
}

/// Asks a person which of some columns is meant; `None` where there is nobody to ask.
pub type Ask<'a> = &'a dyn Fn(&str, &[&str]) -> Option<String>;

/// Looks at the head of the data for the columns that `T` needs.
///
/// # Errors
/// Where the data cannot be read, a column that was named is not there, or one is not to be found.
pub(super) fn find<T: Task>(own: &Own, ask: Ask<'_>) -> Result<Found> {
    let params =
        T::check(&T::Block::default()).map_err(|invalid| anyhow::anyhow!("{invalid:?}"))?;
    let (needed, optional) = (T::needed(&params), T::optional(&params));
    refuse_roles_of_others::<T>(own, needed.iter().chain(&optional))?;
    if own.source.is_dir() && !T::raw_data(&params).of_tables && !has_tables(&own.source)? {
        let labels = sub_folders(&own.source)?;
        let classes = classes::find::<T>(own, &labels, classes::Labels::Folders, ask)?;
        return Ok(Found {
            columns: classes.into_iter().collect(),
            reading: Reading::default(),
        });
    }
    let (head, reading) = Head::read(&own.source)?;
    let mut search = Search::new(own, &head, ask)?;
    let mut columns = search.needed(&needed, reading)?;
    columns.extend(search.optional(&optional));
    columns.extend(dates::format(own, &head, &columns, ask)?);
    if let Some(label) = needed.iter().find(|column| column.role() == Role::Label)
        && let Some(name) = columns.iter().find(|column| column.key == label.key())
    {
        let labels = head
            .texts(&name.value)
            .map(str::to_owned)
            .collect::<Vec<_>>();
        columns.extend(classes::find::<T>(
            own,
            &labels,
            classes::Labels::Cells,
            ask,
        )?);
    }
    Ok(Found { columns, reading })
}

/// Looks for columns in the head of a table.
struct Search<'a> {
    own: &'a Own,
    head: &'a Head,
    /// The columns of the table.
    names: Vec<&'a str>,
    /// Columns that were named, those of series one by one.
    named: Vec<(Role, &'a str)>,
    /// Columns that have a role.
    taken: Vec<&'a str>,
    ask: Ask<'a>,
}

impl<'a> Search<'a> {
    fn new(own: &'a Own, head: &'a Head, ask: Ask<'a>) -> Result<Self> {
        let names: Vec<&str> = head.names.iter().map(String::as_str).collect();
        let named = own.columns.iter().flat_map(|(role, name)| {
            let parts: Vec<&str> = match role {
                Role::Series if !names.contains(&name.as_str()) => name.split(',').collect(),
                _ => vec![name],
            };
            parts.into_iter().map(move |name| (*role, name.trim()))
        });
        let named: Vec<(Role, &str)> = named.collect();
        let mut taken = Vec::new();
        for (role, name) in &named {
            let there = names.iter().find(|there| *there == name);
            taken.push(*there.ok_or_else(|| {
                let near = crate::params::near_miss(name, &names);
                exit::usage(format!(
                    "{}: there is no column `{}` for {}; {near}there are: {}",
                    own.source.display(),
                    shown(name),
                    role.flag(),
                    listed(&names)
                ))
            })?);
        }
        Ok(Self {
            own,
            head,
            names,
            named,
            taken,
            ask,
        })
    }

    /// The columns that must be there, or the keys of a wide table.
    fn needed(&mut self, needed: &[Needed], reading: Reading) -> Result<Vec<Chosen>> {
        let mut columns: Vec<Chosen> = Vec::new();
        let is_series = |column: &&Needed| column.role() == Role::Series;
        let ids = needed.iter().find(is_series);
        let mut rows = None;
        for column in needed.iter().filter(|column| !is_series(column)) {
            if column.role() == Role::Value
                && let (Some(ids), Some(time)) = (ids, columns.last())
            {
                let read = series::Rows::read(self.head, &self.own.source, reading, &time.value)?;
                let open = self.given(Role::Value).is_none() && self.given(Role::Series).is_none();
                if open && read.are_wide(self.head) {
                    columns.extend(series::wide(ids.key()));
                    return Ok(columns);
                }
                rows = Some(read);
            }
            columns.push(self.column(column)?);
        }
        if let (Some(ids), Some(rows), Some(value)) = (ids, rows, columns.last()) {
            let given: Vec<String> = { self.named.iter() }
                .filter(|(role, _)| *role == Role::Series)
                .map(|(_, name)| (*name).to_owned())
                .collect();
            let ids = match given[..] {
                [] => rows.ids(self.head, &value.value, ids.key()),
                _ => Chosen::names(ids.key(), &given, true),
            };
            columns.insert(0, ids);
        }
        Ok(columns)
    }

    /// The name that the caller gave for a role.
    fn given(&self, role: Role) -> Option<&'a str> {
        let given = self.named.iter().find(|(given, _)| *given == role);
        given.map(|(_, name)| *name)
    }

    /// One column that must be there: named, found or asked for.
    fn column(&mut self, column: &Needed) -> Result<Chosen> {
        let role = column.role();
        if let Some(name) = self.given(role) {
            return Ok(Chosen::name(column.key(), name.to_owned(), true));
        }
        // One of the very name that the task has by default is meant, whatever its cells.
        let usual = |name: &&&str| **name == column.name() && !self.taken.contains(*name);
        let found = self.names.iter().find(usual).copied();
        let found = found.or_else(|| self.head.guess(role, &self.taken));
        let question = || format!("Which column is {}?", role.described());
        let asked = || (self.ask)(&question(), &self.names);
        let name = found.map(str::to_owned).or_else(asked).ok_or_else(|| {
            exit::usage(format!(
                "{}: cannot tell which column is {}; name it with {} NAME; there are: {}",
                self.own.source.display(),
                role.described(),
                role.flag(),
                listed(&self.names)
            ))
        })?;
        self.take(&name);
        Ok(Chosen::name(column.key(), name, false))
    }

    /// Columns that are used where they are there.
    fn optional(&mut self, optional: &[Needed]) -> Vec<Chosen> {
        let mut columns = Vec::new();
        for column in optional {
            let given = self.given(column.role());
            let found = given.or_else(|| self.head.guess(column.role(), &self.taken));
            if let Some(name) = found.map(str::to_owned) {
                self.take(&name);
                columns.push(Chosen::name(column.key(), name, given.is_some()));
            }
        }
        columns
    }

    fn take(&mut self, name: &str) {
        let there = self.names.iter().find(|there| **there == name);
        self.taken.extend(there);
    }
}

fn refuse_roles_of_others<'a, T: Task>(
    own: &Own,
    columns: impl Iterator<Item = &'a Needed> + Clone,
) -> Result<()> {
    let other = |(role, _): &&(Role, String)| !columns.clone().any(|column| column.role() == *role);
    match own.columns.iter().find(other) {
        None => Ok(()),
        Some((role, _)) => {
            let flags: Vec<&str> = columns.clone().map(|column| column.role().flag()).collect();
            Err(exit::usage(format!(
                "{} is no column of {}; it has {}",
                role.flag(),
                T::NAME,
                flags.join(", ")
            )))
        }
    }
}

fn has_tables(folder: &Path) -> Result<bool> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_file() && tables::Format::of_path(&path).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 20;
    let mut text: Vec<String> = names.iter().take(SHOWN).map(|name| shown(name)).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// Keys that say how a table is read, where that is not the default.
pub(super) fn settings(task: &str, reading: Reading) -> Vec<Chosen> {
    let name = |key: &str, value: Option<String>| {
        value.map(|value| Chosen::name(&format!("{task}.data.{key}"), value, false))
    };
    let header = (!reading.header)
        .then(|| Chosen::yaml(&format!("{task}.data.header"), "false".to_owned(), false));
    [
        name(
            "delimiter",
            reading.delimiter.map(|value| value.to_string()),
        ),
        header,
        name("encoding", reading.encoding.map(|value| value.to_string())),
        name("decimal", reading.decimal.map(|value| value.to_string())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The path of a source as it is from the project's folder.
pub(super) fn from_project(folder: &Path, source: &Path) -> Result<String> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| {
            exit::usage(format!(
                "{}: the name is not UTF-8, which params.yaml must be",
                path.display()
            ))
        })
    };
    let plain = |path: &Path| {
        path.components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    };
    if source.is_absolute() || folder == Path::new(".") {
        return text(source);
    }
    match plain(folder) {
        true => {
            let up = folder
                .components()
                .filter(|part| matches!(part, Component::Normal(_)));
            let up: PathBuf = up.map(|_| "..").collect();
            text(&up.join(source))
        }
        false => text(&std::path::absolute(source)?),
    }
}
