//! `easylife serve`: its arguments, which are the table of settings, and which models it serves.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource as Source;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use serde::Serialize;
use server::arms;

use super::args::{Global, task_names};
use super::model::reference;
use crate::exit::{self, Exit};
use crate::for_task;
use crate::memory::{Location, Place};
use crate::params::near_miss;
use crate::project::Project;
use crate::serve::{self, Checked, FILE, Given, KEYS, Served, Settings, ValueSource};
use crate::talk::Talk;
use crate::task::Task;
use crate::tasks::{self, Name};

#[derive(Args)]
pub struct ServeArgs {
    /// Tasks to serve [default: those of the project that have a model, and those of -m]
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(true)))]
    pub tasks: Vec<String>,
    /// Settings to read [default: easylife.toml of the project, if there is one]
    #[arg(long, value_name = "FILE", env = "EASYLIFE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Load the models, check the settings, print both, and exit
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub settings: SettingArgs,
}

/// The settings that were given as flags or in the environment.
pub struct SettingArgs(Vec<Given>);

impl Args for SettingArgs {
    fn augment_args(command: Command) -> Command {
        KEYS.iter().fold(command, |command, key| {
            let arg = Arg::new(key.name)
                .long(key.name)
                .value_name(key.value)
                .env(key.variable())
                .hide_env(true)
                .help(key.help)
                .help_heading("Settings (also in easylife.toml, and as EASYLIFE_SERVE_*)")
                .action(if key.many {
                    ArgAction::Append
                } else {
                    ArgAction::Set
                });
            command.arg(match key.short {
                Some(short) => arg.short(short),
                None => arg,
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = KEYS.iter().filter_map(|key| {
            let values = matches.get_many::<String>(key.name)?;
            let is_variable = matches.value_source(key.name)? == Source::EnvVariable;
            // A flag can be given again; a variable has a list.
            let split = |value: &String| match is_variable && key.many {
                true => value
                    .split(',')
                    .map(|part| part.trim().to_owned())
                    .collect(),
                false => vec![value.clone()],
            };
            Some(Given {
                key: key.name,
                values: values.flat_map(split).collect(),
                source: match is_variable {
                    true => ValueSource::Environment(key.variable()),
                    false => ValueSource::Flag,
                },
            })
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ServeArgs {
    pub(super) fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let project = Project::open_if_any(&global.selection())?;
        let project = project.as_ref();
        let file = match (self.config, project) {
            (Some(file), _) => Some(file),
            (None, Some(project)) => Some(project.path(FILE)).filter(|path| path.exists()),
            (None, None) => None,
        };
        let mut settings = Settings::new(file.as_deref(), &self.settings.0)?;
        if !self.tasks.is_empty() {
            settings.tasks.value = self.tasks;
            settings.tasks.source = ValueSource::Flag;
        }
        let place = Place::new(
            project,
            file.as_deref(),
            Place {
                store: registry(&settings),
                trusted: settings.trusted_keys.value.clone(),
                ..Place::default()
            },
        )?;
        let served = served(&settings, project, &place)?;
        refuse_idle_listeners(&settings, &served)?;
        if self.check {
            let checked = serve::check(settings, served)?;
            global.show(&Shown(checked))?;
            return Ok(Exit::Done);
        }
        // The models compute on the server's threads; the global pool is for what large requests share.
        global.start_threads()?;
        serve::run(&settings, served, talk)?;
        Ok(Exit::Done)
    }
}

/// The models to serve: those of the tasks, then their arms.
fn served(settings: &Settings, project: Option<&Project>, place: &Place) -> Result<Vec<Served>> {
    let source = || named(&settings.models.source, "model");
    let mut files: Vec<(Name, PathBuf)> = Vec::new();
    let mut arms: Vec<(Name, &str, &PathBuf)> = Vec::new();
    for (model, path) in &settings.models.value {
        let (task, arm) = arms::parts(model);
        let name: Name = task
            .parse()
            .map_err(|reason| exit::usage(format!("{}: {reason}", source())))?;
        let is_known = match arm {
            Some(arm) => {
                check_arm(arm).map_err(|reason| exit::usage(format!("{}: {reason}", source())))?;
                arms.iter().any(|known| (known.0, known.1) == (name, model))
            }
            None => files.iter().any(|(known, _)| *known == name),
        };
        if is_known {
            return Err(exit::usage(format!(
                "two models of {model} are given; for a second one beside it, add an arm: {task}@NAME=FILE"
            )));
        }
        match arm {
            Some(_) => arms.push((name, model, path)),
            None => files.push((name, path.clone())),
        }
    }
    let file = |name: Name| {
        files
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, path)| path.clone())
    };
    let names = names(settings, project, &files)?;
    let mut given = files
        .iter()
        .map(|(name, _)| name)
        .chain(arms.iter().map(|arm| &arm.0));
    if let Some(extra) = given.find(|name| !names.contains(name)) {
        return Err(exit::usage(format!(
            "a model of {extra} is given, but {extra} is not among the tasks to serve"
        )));
    }
    check_split(settings, &arms.iter().map(|arm| arm.1).collect::<Vec<_>>())?;
    let must_be_signed = settings.require_signature.value;
    let asked = |path: PathBuf| reference(path, must_be_signed, || Ok(place.clone()));
    let asked_of = |name: Name| match (file(name), must_be_signed) {
        (Some(path), _) => asked(path).map(Some),
        // A signature is required of the project's own model, too.
        (None, true) => {
            let own = for_task!(name, T => crate::task::own_file::<T>(project))?;
            own.map(&asked).transpose()
        }
        (None, false) => Ok(None),
    };
    let mut served = names
        .into_iter()
        .map(|name| for_task!(name, T => Served::of::<T>(project, asked_of(name)?)))
        .collect::<Result<Vec<_>>>()?;
    for (name, model, path) in arms {
        let is_shadow = settings.shadows.value.iter().any(|shadow| shadow == model);
        let (model, asked) = (model.to_owned(), asked(path.clone())?);
        served.push(for_task!(name, T => Served::named::<T>(model, asked, is_shadow)?));
    }
    Ok(served)
}

/// The name of an arm stands in URLs, headers and metrics.
fn check_arm(arm: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match arm {
        arms::MAIN => Err(format!(
            "`{arm}` is the model of the task itself; take another name"
        )),
        _ if (1..=32).contains(&arm.len()) && arm.bytes().all(is_plain) => Ok(()),
        _ => Err(format!(
            "`{arm}` is no name of an arm; expected 1 to 32 letters, digits, `-`, `_` or `.`"
        )),
    }
}

/// Weights and shadows are those of arms that are served; a shadow answers nobody.
fn check_split(settings: &Settings, arms: &[&str]) -> Result<()> {
    let (weights, shadows) = (&settings.weights, &settings.shadows);
    let of_weights = weights
        .value
        .iter()
        .map(|(arm, _)| (arm, &weights.source, "weight"));
    let of_shadows = shadows
        .value
        .iter()
        .map(|arm| (arm, &shadows.source, "shadow"));
    for (arm, source, key) in of_weights.chain(of_shadows) {
        if !arms.contains(&&**arm) {
            let near = near_miss(arm, arms);
            return Err(exit::usage(format!(
                "{}: `{arm}` is no arm; {near}name its model by -m {arm}=FILE",
                named(source, key)
            )));
        }
    }
    let both = weights
        .value
        .iter()
        .find(|(arm, _)| shadows.value.contains(arm));
    if let Some((arm, _)) = both {
        return Err(exit::usage(format!(
            "`{arm}` has a weight and is a shadow; it can be one of the two"
        )));
    }
    for (arm, _) in &weights.value {
        let task = arms::parts(arm).0;
        let same = weights
            .value
            .iter()
            .filter(|(arm, _)| arms::parts(arm).0 == task);
        let sum: f64 = same.map(|(_, weight)| weight).sum();
        if sum > 100.0 {
            return Err(exit::usage(format!(
                "{}: the arms of {task} have {sum} % of its users; at most 100 are possible",
                named(&weights.source, "weight")
            )));
        }
    }
    Ok(())
}

/// The tasks to serve: those asked for, otherwise those that have a model.
fn names(
    settings: &Settings,
    project: Option<&Project>,
    files: &[(Name, PathBuf)],
) -> Result<Vec<Name>> {
    let asked = &settings.tasks.value;
    if !asked.is_empty() && !asked.iter().any(|name| name == "all") {
        let mut names = Vec::new();
        for task in asked {
            let name: Name = task.parse().map_err(|reason| {
                exit::usage(format!(
                    "{}: {reason}",
                    named(&settings.tasks.source, "tasks")
                ))
            })?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        return Ok(names);
    }
    let has_model = |name: &Name| {
        let given = files.iter().any(|(known, _)| known == name);
        let own = project.is_some_and(|project| {
            let built_in = for_task!(*name, T => <T as Task>::EMBEDDED.is_some());
            project.has(name.as_str()) && (built_in || project.model(name.as_str()).exists())
        });
        given || own
    };
    let names: Vec<Name> = tasks::ALL.iter().copied().filter(has_model).collect();
    match names.is_empty() {
        false => Ok(names),
        true => Err(exit::usage(
            "no model to serve: name one with -m TASK=MODEL, or train one with `easylife train`",
        )),
    }
}

/// A listener for a task that is not served would answer nothing.
fn refuse_idle_listeners(settings: &Settings, served: &[Served]) -> Result<()> {
    for address in &settings.listen.value {
        let Some(task) = &address.task else { continue };
        if !served.iter().any(|served| served.name == *task) {
            let names: Vec<&str> = served.iter().map(|served| &*served.name).collect();
            return Err(exit::usage(format!(
                "{}: `{address}` is for a task that is not served; served are {}",
                named(&settings.listen.source, "listen"),
                names.join(", ")
            )));
        }
    }
    Ok(())
}

/// Who said a setting, for messages.
fn named(source: &ValueSource, key: &str) -> String {
    match source {
        ValueSource::File(place) => format!("{place}: serve.{key}"),
        ValueSource::Environment(name) => name.clone(),
        ValueSource::Flag | ValueSource::Default => format!("--{key}"),
    }
}

/// What `--check` prints.
struct Shown(Checked);

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let models = self.0.models.iter().map(|(task, version, origin)| {
            serde_json::json!({"task": task, "version": version, "origin": origin})
        });
        let settings = self
            .0
            .settings
            .shown()
            .into_iter()
            .map(|(key, value, source)| {
                (
                    key.to_owned(),
                    serde_json::json!({"value": value, "source": source.to_string()}),
                )
            });
        let settings: serde_json::Map<String, serde_json::Value> = settings.collect();
        serde_json::json!({"models": models.collect::<Vec<_>>(), "settings": settings})
            .serialize(serializer)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (task, version, origin) in &self.0.models {
            writeln!(
                f,
                "{task:<20} {}  {origin}",
                version.get(..12).unwrap_or(version)
            )?;
        }
        for (key, value, source) in self.0.settings.shown() {
            let value = if value.is_empty() { "-" } else { &value };
            writeln!(f, "{key:<20} {value:<24} {source}")?;
        }
        Ok(())
    }
}

/// The registry that is named: by the settings, otherwise by the variable that all verbs know.
fn registry(settings: &Settings) -> Option<Location> {
    let variable = || {
        let said = std::env::var_os("EASYLIFE_REGISTRY_STORE");
        said.filter(|said| !said.is_empty()).map(PathBuf::from)
    };
    let said = settings.registry.value.clone().or_else(variable);
    said.map(|said| Location::new(&said, Path::new("")))
}
