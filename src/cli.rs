//! The command line: calls the function of each verb. The only module that knows clap: `args` has the command
//! line as a whole, and each larger verb has a module with its arguments and its `run`.
//!
//! A verb takes a plain struct and returns an [`Outcome`], which is shown here; everything else for people to
//! read goes to stderr through `talk`.

mod args;
#[cfg(feature = "serve")]
mod audit;
mod checks;
mod compare;
mod complete;
mod drift;
mod erase;
mod explain;
mod help;
mod init;
mod model;
mod next;
mod overview;
mod predict;
mod registry;
#[cfg(feature = "serve")]
mod replay;
mod runs;
#[cfg(feature = "serve")]
mod serve;
mod show;
mod stages;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::FromArgMatches;

use self::args::{Cli, Color, Global, ManArgs, ParamsArgs, TasksArgs, Verb};
use self::show::{Results, Verdict, print};
use crate::exit::{self, Exit};
use crate::interrupt::{Interrupt, Interrupted};
use crate::outcome::Outcome;
use crate::params::schema;
use crate::project::{Project, Selection};
use crate::talk::{Talk, plain};
use crate::tasks::{self, Name};
use crate::{eval, export, for_task, inspect, pipeline, train};

/// Time that a resumable verb has after a signal to reach a point where it can stop.
const GRACE: Duration = Duration::from_millis(700);

/// Parses the command line, runs the verb and shows its result.
pub fn main() -> Exit {
    if complete::answer() {
        return Exit::Done;
    }
    let matches = help::command().try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return print_parse_error(&error),
    };
    files::limits::share_memory_between_threads();
    files::limits::fail_beyond_file_size();
    std::panic::set_hook(files::foreign::quiet_hook(std::panic::take_hook()));
    let talk = cli.global.talk();
    let json = cli.global.json;
    let interrupt = Interrupt::default();
    // A server drains at a signal; all else ends.
    if !cli.verb.handles_signals() {
        handle_signals(&interrupt, talk);
    }
    let overview = cli.verb.changes_reports().then(|| Selection {
        sets: Vec::new(),
        ..cli.global.selection()
    });
    let ran = cli.run(&interrupt, &talk);
    if let Some(selection) = overview {
        overview::write(&selection, &talk);
    }
    match ran {
        Ok(exit) => exit,
        Err(error) if exit::is_broken_pipe(&error) => Exit::Done,
        Err(error) => {
            let exit = exit::code(&error);
            match json {
                true => print_json_error(&format!("{error:#}"), exit),
                false => talk.error(format!("{error:#}")),
            }
            exit
        }
    }
}

/// Prints what clap returns instead of a verb: help and version, or what is wrong with the command line.
fn print_parse_error(error: &clap::Error) -> Exit {
    // A closed pipe is not an error.
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Done;
    }
    let text = error.render().to_string();
    if asks_for_json() {
        let message = text.trim_start_matches("error: ").trim();
        print_json_error(message, Exit::Usage);
        return Exit::Usage;
    }
    let text = plain(&text).into_owned();
    let _ = io::stderr().lock().write_all(text.as_bytes());
    Exit::Usage
}

/// Whether `--json` or its variable is set, for a command line that cannot be parsed.
fn asks_for_json() -> bool {
    let flag = std::env::args_os()
        .take_while(|arg| arg != "--")
        .any(|arg| arg == "--json");
    let variable = std::env::var("EASYLIFE_JSON").unwrap_or_default();
    let off = ["", "0", "n", "no", "f", "false", "off"];
    flag || !off.contains(&variable.to_ascii_lowercase().as_str())
}

fn print_json_error(error: &str, exit: Exit) {
    let message = serde_json::json!({"error": error, "exit": exit as u8});
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// Handles Ctrl-C and SIGTERM: a resumable verb has a moment to stop by itself; any other verb, and any verb
/// at the second signal, ends at once.
fn handle_signals(interrupt: &Interrupt, talk: Talk) {
    let asked = interrupt.clone();
    let handler = move || {
        let (first, asked) = (asked.ask(), asked.clone());
        match (first, asked.outcome()) {
            (true, Interrupted::Resumable) => {
                std::thread::spawn(move || {
                    std::thread::sleep(GRACE);
                    end_process(&asked, talk)
                });
            }
            _ => end_process(&asked, talk),
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        talk.detail(format!("Ctrl-C will not remove temporary files: {error}"));
    }
}

/// Ends the process while the verb runs: stops the commands of stages and removes temporary files.
fn end_process(interrupt: &Interrupt, talk: Talk) -> ! {
    pipeline::stop_commands();
    files::leftovers::remove();
    talk.error(interrupt.outcome().to_string());
    std::process::exit(Exit::Interrupted as i32)
}

impl Verb {
    /// Whether the verb does by itself what a signal asks for.
    fn handles_signals(&self) -> bool {
        #[cfg(feature = "serve")]
        return matches!(self, Verb::Serve(_));
        #[cfg(not(feature = "serve"))]
        false
    }
}

impl Global {
    fn talk(&self) -> Talk {
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !plain && io::stderr().is_terminal()
            }
        };
        Talk {
            verbosity: if self.quiet {
                -1
            } else {
                self.verbose.min(9) as i8
            },
            color,
        }
    }

    fn selection(&self) -> Selection {
        Selection {
            folder: self.project.clone(),
            sets: self.set.clone(),
            blocks: tasks::blocks(),
        }
    }

    /// The number of threads; 0: one per core.
    fn thread_count(&self) -> Result<usize> {
        match self.threads[..] {
            [] => Ok(0),
            [threads] => Ok(threads.into()),
            _ => Err(exit::usage(
                "--threads takes one number here; only `verify` takes several",
            )),
        }
    }

    fn start_threads(&self) -> Result<()> {
        let threads = self.thread_count()?;
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("cannot start threads")
    }
}

impl Cli {
    fn run(self, interrupt: &Interrupt, talk: &Talk) -> Result<Exit> {
        let global = &self.global;
        match self.verb {
            Verb::Completions { shell } => {
                print(&complete::script(&shell)?)?;
                Ok(Exit::Done)
            }
            Verb::Man(args) => args.run(),
            Verb::Init(args) => args.run(global),
            Verb::Params(args) => args.run(global),
            Verb::Inspect { model } => run_inspect(global, &model),
            // There is one format.
            Verb::Export { model, output, .. } => run_export(global, &model, &output, talk),
            Verb::Predict(args) => args.run(global, interrupt, talk),
            Verb::Explain(args) => args.run(global),
            Verb::Sample(args) => run_each((global, "sample"), &args.tasks, |project, name| {
                let (from, as_source) = (args.from.as_deref(), args.as_source);
                Ok(
                    for_task!(name, T => Box::new(pipeline::sample::run::<T>(project, from, as_source)?)),
                )
            }),
            Verb::Validate(args) => args.run(global, talk),
            Verb::Profile {
                files,
                reading,
                output,
            } => {
                let reading = reading.check()?;
                global.start_threads()?;
                global.show(&pipeline::profile::run(
                    &files,
                    reading,
                    output.as_deref(),
                    talk,
                )?)?;
                Ok(Exit::Done)
            }
            Verb::Prepare(tasks) => run_each((global, "prepare"), &tasks, |project, name| {
                Ok(for_task!(name, T => Box::new(pipeline::prepare::run::<T>(project, talk)?)))
            }),
            Verb::Train(args) => run_each((global, "train"), &args.tasks, |project, name| {
                let settings = args.record.settings(project)?;
                Ok(for_task!(name, T => Box::new(crate::runs::record::<T, _>(
                    (project, settings, talk),
                    "train",
                    || train::run::<T>(project, talk),
                    |trained, run| trained.record(project, run),
                )?)))
            }),
            Verb::Evaluate(args) => run_each((global, "evaluate"), &args.tasks, |project, name| {
                let settings = args.record.settings(project)?;
                Ok(for_task!(name, T => Box::new(crate::runs::record::<T, _>(
                    (project, settings, talk),
                    "evaluate",
                    || eval::run::<T>(project, talk),
                    |evaluated, run| evaluated.record(project, run),
                )?)))
            }),
            Verb::Runs(args) => args.run(global),
            Verb::Registry(args) => args.run(global, talk),
            Verb::Keys(args) => args.run(global),
            Verb::Drift(args) => args.run(global, talk),
            Verb::Erase(args) => args.run(global, talk),
            Verb::VerifySignature(args) => args.run(global),
            Verb::Gate(args) => args.run(global),
            Verb::Compare { a, b } => compare::run(global, (&a, &b), talk),
            #[cfg(feature = "serve")]
            Verb::Serve(args) => args.run(global, talk),
            #[cfg(feature = "serve")]
            Verb::Replay(args) => args.run(global, talk),
            #[cfg(feature = "serve")]
            Verb::Audit(args) => args.run(global),
            Verb::Repro(args) => args.run(global, talk),
            Verb::Status(args) => args.run(global, talk),
            Verb::Verify(args) => args.run(global, talk),
        }
    }
}

impl ManArgs {
    fn run(self) -> Result<Exit> {
        let mut command = help::plain_command();
        if let Some(folder) = &self.dir {
            std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(command, folder))
                .with_context(|| format!("cannot write {}", folder.display()))?;
            return Ok(Exit::Done);
        }
        if let Some(verb) = &self.verb {
            command.build();
            let found = command.find_subcommand(verb).cloned();
            command = found.ok_or_else(|| {
                let verbs: Vec<&str> = command.get_subcommands().map(|c| c.get_name()).collect();
                exit::usage(format!(
                    "unknown verb `{verb}`; expected one of {}",
                    verbs.join(", ")
                ))
            })?;
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .source(concat!("easylife ", env!("CARGO_PKG_VERSION")))
            .render(&mut page)?;
        print(&page)?;
        Ok(Exit::Done)
    }
}

/// The task and the file of a model; the name of a task means the project's model of it, unless a file has that
/// name.
fn named_model(project: Option<&Project>, model: &Path) -> Result<(Name, PathBuf)> {
    let named = model.to_str().filter(|_| !model.is_file());
    Ok(match named.and_then(|name| name.parse::<Name>().ok()) {
        Some(name) => (name, for_task!(name, T => inspect::path_of::<T>(project)?)),
        None => {
            let name = inspect::task_of(model)?.parse().map_err(exit::usage)?;
            (name, model.to_owned())
        }
    })
}

fn run_export(global: &Global, model: &Path, output: &Path, talk: &Talk) -> Result<Exit> {
    let project = Project::open_if_any(&global.selection())?;
    let project = project.as_ref();
    let (name, path) = named_model(project, model)?;
    let format = export::Format::XgboostJson;
    let written = for_task!(name, T => export::run::<T>(&path, format, output, talk)?);
    global.show(&written)?;
    Ok(Exit::Done)
}

fn run_inspect(global: &Global, model: &Path) -> Result<Exit> {
    let project = Project::open_if_any(&global.selection())?;
    let project = project.as_ref();
    let (name, path) = named_model(project, model)?;
    let raw = global.verbose > 0;
    let inspected = for_task!(name, T => inspect::run::<T>(project, &path, raw)?);
    global.show(&inspected)?;
    Ok(Exit::Done)
}

/// Runs a verb for each task and shows its results.
fn run_each(
    (global, verb): (&Global, &str),
    tasks: &TasksArgs,
    run: impl Fn(&Project, Name) -> Result<Box<dyn Outcome>>,
) -> Result<Exit> {
    let project = Project::open(&global.selection())?;
    global.start_threads()?;
    let mut results = Results::new(global, tasks.are_all());
    let mut names = tasks.names(&project).into_iter();
    let ended = names.try_for_each(|name| {
        let outcome = run(&project, name)?;
        results.add(name.as_str(), outcome.as_ref(), Verdict::Fine)
    });
    let exit = results.end(ended.map(|()| Exit::Done))?;
    global.suggest_next(verb, &tasks.task);
    Ok(exit)
}

impl ParamsArgs {
    fn run(self, global: &Global) -> Result<Exit> {
        let blocks = tasks::blocks();
        if self.schema {
            print(schema::text(&blocks).as_bytes())?;
            return Ok(Exit::Done);
        }
        let names: Vec<&str> = tasks::ALL.iter().map(|name| name.as_str()).collect();
        let reference = pipeline::reference::run(&blocks, &names, self.key.as_deref())?;
        match self.reference {
            true => print(reference.markdown().as_bytes())?,
            false => global.show(&reference)?,
        }
        Ok(Exit::Done)
    }
}
