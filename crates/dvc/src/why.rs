//! Why a stage would run: the differences between the lock and the current state.

use std::fmt;
use std::path::Path;

use serde::Serialize;
use yaml::{Data, Node};

use crate::cache::Cache;
use crate::content::{Content, Reader};
use crate::error::{InFile as _, Result};
use crate::folder::Folder;
use crate::lockfile::Recorded;
use crate::stage::{Cmd, Params, Stage};

/// One reason.
///
/// Displayed as a clause about the stage, and serialized with the kind under `what`.
///
/// # Examples
/// ```
/// use easylife_dvc::why::{How, Reason};
///
/// let reason = Reason::Dependency { path: "data/raw.csv".to_owned(), how: How::Changed };
/// assert_eq!(reason.to_string(), "the dependency data/raw.csv has changed");
/// let reason = Reason::Parameter {
///     file: "params.yaml".to_owned(),
///     key: "nlp.model.C".to_owned(),
///     was: Some("1".to_owned()),
///     is: Some("3".to_owned()),
/// };
/// assert_eq!(reason.to_string(), "the parameter nlp.model.C was 1, is 3");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Reason {
    /// It has never run, or its entry in the lock is missing.
    NeverRun,
    /// The caller forces it to run.
    Forced,
    /// It has no dependencies, parameters or outputs, or `always_changed` is set.
    AlwaysRuns,
    /// Its command has changed.
    Command {
        /// The recorded command.
        was: String,
        /// The command in dvc.yaml.
        is: String,
    },
    /// A dependency differs from the record.
    Dependency {
        /// The file or folder, as dvc.yaml names it.
        path: String,
        /// How it differs.
        how: How,
    },
    /// A parameter has a different value.
    Parameter {
        /// The parameter file.
        file: String,
        /// The key, with names joined by dots.
        key: String,
        /// The recorded value, if there is one.
        was: Option<String>,
        /// The current value, if there is one.
        is: Option<String>,
    },
    /// A parameter file is missing or new.
    ParameterFile {
        /// The file.
        path: String,
        /// How it differs.
        how: How,
    },
    /// An output differs from the record.
    Output {
        /// The file or folder, as dvc.yaml names it.
        path: String,
        /// How it differs.
        how: How,
    },
    /// A prerequisite stage will run.
    After {
        /// Name of that stage.
        stage: String,
    },
}

/// How a file or folder differs from the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Its content has changed.
    Changed,
    /// It does not exist.
    Missing,
    /// It is not in the lock.
    New,
    /// It is missing from the cache, whatever is in the project.
    NotInCache,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "has changed",
            Self::Missing => "is missing",
            Self::New => "is new",
            Self::NotInCache => "is not in the cache",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NeverRun => f.write_str("it has not run yet"),
            Self::Forced => f.write_str("forced"),
            Self::AlwaysRuns => f.write_str("it always runs"),
            Self::Command { was, is } => write!(f, "the command was `{was}`, is `{is}`"),
            Self::Dependency { path, how } => write!(f, "the dependency {path} {how}"),
            Self::Output { path, how } => write!(f, "the output {path} {how}"),
            Self::ParameterFile { path, how } => write!(f, "the parameter file {path} {how}"),
            Self::After { stage } => write!(f, "stage `{stage}` runs before it"),
            Self::Parameter { file, key, was, is } => {
                let in_file = if file == crate::context::DEFAULT {
                    String::new()
                } else {
                    format!(" of {file}")
                };
                match (was, is) {
                    (Some(was), Some(is)) => {
                        write!(f, "the parameter {key}{in_file} was {was}, is {is}")
                    }
                    (None, Some(is)) => write!(f, "the parameter {key}{in_file} is new: {is}"),
                    (_, None) => write!(f, "the parameter {key}{in_file} is missing"),
                }
            }
        }
    }
}

/// Finds out why a stage would run.
pub(crate) struct Inspector<'a> {
    pub folder: &'a Folder,
    pub reader: &'a mut Reader,
    /// `None` without `.dvc`.
    pub cache: Option<&'a Cache>,
}

impl Inspector<'_> {
    /// All reasons why a stage would run; empty if it is up to date.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn reasons(&mut self, stage: &Stage, recorded: Option<&Recorded>) -> Result<Vec<Reason>> {
        let mut reasons = Vec::new();
        let Some(recorded) = recorded else {
            // A frozen stage's inputs are not examined.
            if !stage.frozen || !stage.outs.is_empty() {
                reasons.push(Reason::NeverRun);
            }
            return Ok(reasons);
        };
        if !same_command(&recorded.cmd, &stage.cmd) {
            let (was, is) = (command_line(&recorded.cmd), command_line(&stage.cmd));
            reasons.push(Reason::Command { was, is });
        }
        if !stage.frozen {
            if stage.is_callback() || stage.always_changed {
                reasons.push(Reason::AlwaysRuns);
            }
            self.dependencies(stage, recorded, &mut reasons)?;
        }
        self.outputs(stage, recorded, &mut reasons)?;
        Ok(reasons)
    }

    /// Reasons found in dvc.yaml and the parameter files only; other inputs are not examined.
    ///
    /// # Errors
    /// If a parameter file cannot be read.
    pub fn settings(&mut self, stage: &Stage, recorded: &Recorded) -> Result<Vec<Reason>> {
        let mut reasons = Vec::new();
        if !same_command(&recorded.cmd, &stage.cmd) {
            let (was, is) = (command_line(&recorded.cmd), command_line(&stage.cmd));
            reasons.push(Reason::Command { was, is });
        }
        for dep in &stage.deps {
            if recorded.dep(&dep.name).is_none() {
                let path = dep.name.clone();
                reasons.push(Reason::Dependency {
                    path,
                    how: How::New,
                });
            }
        }
        for params in &stage.params {
            self.parameters(params, recorded, &mut reasons)?;
        }
        for out in &stage.outs {
            if recorded.out(&out.name).is_none_or(|r| r.md5.is_none()) {
                let path = out.name.clone();
                reasons.push(Reason::Output {
                    path,
                    how: How::New,
                });
            }
        }
        Ok(reasons)
    }

    /// Whether the inputs are as recorded, so that the recorded outputs belong to this stage.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn inputs_are_recorded(&mut self, stage: &Stage, recorded: &Recorded) -> Result<bool> {
        let mut reasons = Vec::new();
        self.dependencies(stage, recorded, &mut reasons)?;
        let all =
            |out: &crate::stage::Out| recorded.out(&out.name).is_some_and(|r| r.md5.is_some());
        Ok(reasons.is_empty()
            && same_command(&recorded.cmd, &stage.cmd)
            && stage.outs.iter().all(all))
    }

    fn dependencies(
        &mut self,
        stage: &Stage,
        recorded: &Recorded,
        reasons: &mut Vec<Reason>,
    ) -> Result<()> {
        for dep in &stage.deps {
            let md5 = recorded.dep(&dep.name).and_then(|r| r.md5.as_deref());
            let content = self.reader.content(&dep.path)?;
            if let Some(how) = differs(md5, content.as_ref()) {
                let path = dep.name.clone();
                reasons.push(Reason::Dependency { path, how });
            }
        }
        for params in &stage.params {
            self.parameters(params, recorded, reasons)?;
        }
        Ok(())
    }

    fn parameters(
        &mut self,
        params: &Params,
        recorded: &Recorded,
        reasons: &mut Vec<Reason>,
    ) -> Result<()> {
        let file = |how| Reason::ParameterFile {
            path: params.name.clone(),
            how,
        };
        let Some(content) = self.folder.parameters(&params.path)? else {
            reasons.push(file(How::Missing));
            return Ok(());
        };
        let Some(was) = recorded.values(&params.name) else {
            reasons.push(file(How::New));
            return Ok(());
        };
        let is = checked_values(&content, params)?;
        let mut keys: Vec<&str> = params.keys.iter().map(String::as_str).collect();
        if keys.is_empty() {
            keys = is.iter().chain(was).map(|(key, _)| key.as_str()).collect();
            let mut seen = std::collections::HashSet::new();
            keys.retain(|key| seen.insert(*key));
        }
        for key in keys {
            let find = |values: &[(String, Node)]| {
                values
                    .iter()
                    .find(|(k, _)| k == key)
                    .map(|(_, v)| v.clone())
            };
            let (was, is) = (find(was), find(&is));
            if is.is_none() || was != is {
                reasons.push(Reason::Parameter {
                    file: params.name.clone(),
                    key: key.to_owned(),
                    was: was.map(|node| node.to_string()),
                    is: is.map(|node| node.to_string()),
                });
            }
        }
        Ok(())
    }

    fn outputs(
        &mut self,
        stage: &Stage,
        recorded: &Recorded,
        reasons: &mut Vec<Reason>,
    ) -> Result<()> {
        for out in &stage.outs {
            let md5 = recorded.out(&out.name).and_then(|r| r.md5.as_deref());
            let in_cache = |id: &str| self.cache.is_none_or(|cache| cache.has(id));
            let how = match md5 {
                Some(id) if out.cache && !in_cache(id) => Some(How::NotInCache),
                _ => differs(md5, self.reader.output(&out.path)?.as_ref()),
            };
            if let Some(how) = how {
                let path = out.name.clone();
                reasons.push(Reason::Output { path, how });
            }
        }
        Ok(())
    }
}

fn differs(recorded: Option<&str>, content: Option<&Content>) -> Option<How> {
    match (recorded, content) {
        (_, None) => Some(How::Missing),
        (None, Some(_)) => Some(How::New),
        (Some(md5), Some(content)) => (md5 != content.id).then_some(How::Changed),
    }
}

fn same_command(a: &Cmd, b: &Cmd) -> bool {
    match (a, b) {
        (Cmd::One(a), Cmd::One(b)) => a == b,
        (Cmd::Many(a), Cmd::Many(b)) => a == b,
        _ => false,
    }
}

fn command_line(cmd: &Cmd) -> String {
    cmd.lines().join("; ")
}

/// Like [`values`], but checks that a lock can store each.
pub(crate) fn checked_values(content: &Node, params: &Params) -> Result<Vec<(String, Node)>> {
    let values = values(content, &params.keys);
    for (key, value) in &values {
        value.check().map_err(|mut fault| {
            fault.reason = format!("{key}: {}", fault.reason);
            fault.within(Path::new(&params.name))
        })?;
    }
    Ok(values)
}

/// The existing values of keys in a parameter file; without keys, everything.
pub(crate) fn values(content: &Node, keys: &[String]) -> Vec<(String, Node)> {
    if keys.is_empty() {
        let entries = content.as_map().unwrap_or_default().iter();
        return entries
            .map(|(key, value)| (crate::template::spelled(key).into_owned(), value.clone()))
            .collect();
    }
    keys.iter()
        .filter_map(|key| Some((key.clone(), value(content, key)?.clone())))
        .collect()
}

/// The value under names joined by dots; a number is also a list index.
fn value<'a>(content: &'a Node, key: &str) -> Option<&'a Node> {
    key.split('.')
        .try_fold(content, |node, name| match &node.data {
            Data::Map(entries) => entries
                .iter()
                .find(|(key, _)| crate::template::spelled(key) == name)
                .map(|(_, value)| value),
            Data::List(items) => items.get(name.parse::<usize>().ok()?),
            _ => None,
        })
}
