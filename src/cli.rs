//! The command line: calls the function of each verb. The only module that knows clap; its clap types are in
//! `args`.
//!
//! A verb takes a plain struct and returns an [`Outcome`], which is shown here; everything else for people to
//! read goes to stderr through `talk`.

mod args;
mod compare;
mod complete;
mod help;
mod next;
mod overview;
mod show;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::FromArgMatches;

use self::args::{
    Cli, Color, ExplainArgs, GateArgs, Global, InitArgs, ListsArgs, ManArgs, OnErrorArg,
    ParamsArgs, PredictArgs, ReadingArgs, ReproArgs, StagesArgs, StatusArgs, TasksArgs,
    ValidateArgs, Verb, VerifyArgs,
};
use self::show::{Results, Verdict, print};
use crate::columns::Role;
use crate::exit::{self, Exit};
use crate::interrupt::{Interrupt, Interrupted};
use crate::outcome::Outcome;
use crate::params::schema;
use crate::pipeline::{repro, verify};
use crate::predict::{self, OnError, Port};
use crate::project::{Project, Selection};
use crate::talk::{Talk, plain};
use crate::task::Task;
use crate::tasks::{self, Name};
use crate::{eval, explain, for_task, inspect, pipeline, train};

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
    files::limits::fail_beyond_file_size();
    std::panic::set_hook(files::foreign::quiet_hook(std::panic::take_hook()));
    let talk = cli.global.talk();
    let json = cli.global.json;
    let interrupt = Interrupt::default();
    handle_signals(&interrupt, talk);
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
            Verb::Train(tasks) => run_each((global, "train"), &tasks, |project, name| {
                Ok(for_task!(name, T => Box::new(train::run::<T>(project, talk)?)))
            }),
            Verb::Evaluate(tasks) => run_each((global, "evaluate"), &tasks, |project, name| {
                Ok(for_task!(name, T => Box::new(eval::run::<T>(project, talk)?)))
            }),
            Verb::Gate(args) => args.run(global),
            Verb::Compare { a, b } => compare::run(global, (&a, &b), talk),
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

/// The name of a task means the project's model of it, unless a file has that name.
fn run_inspect(global: &Global, model: &Path) -> Result<Exit> {
    let project = Project::open_if_any(&global.selection())?;
    let project = project.as_ref();
    let named = model.to_str().filter(|_| !model.is_file());
    let (name, path) = match named.and_then(|name| name.parse::<Name>().ok()) {
        Some(name) => (name, for_task!(name, T => inspect::path_of::<T>(project)?)),
        None => {
            let name = inspect::task_of(model)?.parse().map_err(exit::usage)?;
            (name, model.to_owned())
        }
    };
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

impl InitArgs {
    fn run(self, global: &Global) -> Result<Exit> {
        let (Some(task), Some(source)) = (&self.task, &self.source) else {
            global.show_result(&pipeline::init::run(&self.folder)?, Verdict::Fine)?;
            return Ok(Exit::Done);
        };
        let name: Name = task.parse().map_err(exit::usage)?;
        let target = for_task!(name, T => <T as Task>::TARGET);
        let named = [
            (target, self.target),
            (Role::Text, self.text),
            (Role::Label, self.label),
            (Role::Path, self.path),
            (Role::User, self.user),
            (Role::Item, self.item),
            (Role::Rating, self.rating),
            (Role::Time, self.time),
            (Role::Value, self.value),
            (Role::Series, self.id),
        ];
        let own = pipeline::init::Own {
            source: source.clone(),
            score: self.score,
            needs_input: for_task!(name, T => <T as predict::Predict>::NEEDS_INPUT),
            columns: named
                .into_iter()
                .filter_map(|(role, column)| Some((role, column?)))
                .collect(),
            classes: self.classes,
            date_format: self.date_format,
        };
        let names: Vec<&str> = tasks::ALL.iter().map(|name| name.as_str()).collect();
        let created = for_task!(name, T => pipeline::init::run_own::<T>(
            &self.folder, &own, &names, &ask
        )?);
        global.show_result(&created, Verdict::Fine)?;
        Ok(Exit::Done)
    }
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

/// Asks which of some columns is meant; `None` without a terminal.
fn ask(question: &str, columns: &[&str]) -> Option<String> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return None;
    }
    let mut err = io::stderr().lock();
    for (number, column) in (1..).zip(columns) {
        let _ = writeln!(err, "  {number}  {}", tables::shown(column));
    }
    loop {
        let _ = write!(err, "{question} (number or name) ");
        let _ = err.flush();
        let mut line = String::new();
        if io::stdin().read_line(&mut line).ok()? == 0 {
            return None;
        }
        let answer = line.trim();
        let by_number = answer
            .parse()
            .ok()
            .and_then(|n: usize| columns.get(n.checked_sub(1)?));
        let by_name = columns.iter().find(|column| **column == answer);
        if let Some(column) = by_name.or(by_number) {
            return Some((*column).to_owned());
        }
    }
}

impl GateArgs {
    /// Checks every gate before the exit code says that one was not met.
    fn run(self, global: &Global) -> Result<Exit> {
        let project = Project::open(&global.selection())?;
        let names = self.tasks.names(&project);
        if self.output.is_some() && names.len() > 1 {
            return Err(exit::usage(
                "--output holds one verdict; name one task instead of `all`",
            ));
        }
        let mut results = Results::new(global, self.tasks.are_all());
        let ended = names.into_iter().try_fold(Exit::Done, |exit, name| {
            let output = self.output.as_deref();
            let verdict = for_task!(name, T => eval::gate::run::<T>(&project, output)?);
            results.add(name.as_str(), &verdict, Verdict::of(verdict.met()))?;
            Ok(if verdict.met() { exit } else { Exit::Gate })
        });
        let exit = results.end(ended)?;
        if exit == Exit::Done {
            global.suggest_next("gate", &self.tasks.task);
        }
        Ok(exit)
    }
}

impl ValidateArgs {
    /// Checks every task before the exit code says that one breaks a rule.
    fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let project = Project::open(&global.selection())?;
        global.start_threads()?;
        let request = pipeline::validate::Request {
            init: self.init,
            force: self.force,
            prepared: self.prepared,
        };
        let mut results = Results::new(global, self.tasks.are_all());
        let mut names = self.tasks.names(&project).into_iter();
        let ended = names.try_fold(Exit::Done, |exit, name| {
            let validated =
                for_task!(name, T => pipeline::validate::run::<T>(&project, request, talk)?);
            results.add(name.as_str(), &validated, Verdict::of(validated.holds()))?;
            Ok(if validated.holds() { exit } else { Exit::Data })
        });
        let exit = results.end(ended)?;
        if exit == Exit::Done {
            // After a check of the prepared parts comes training.
            let done = if self.prepared { "prepare" } else { "validate" };
            global.suggest_next(done, &self.tasks.task);
        }
        Ok(exit)
    }
}

/// A path, or stdin or stdout for `-`.
fn port(path: &std::path::Path) -> Port {
    if path == std::path::Path::new("-") {
        Port::Standard
    } else {
        Port::File(path.to_owned())
    }
}

impl From<ListsArgs> for predict::ListOptions {
    fn from(lists: ListsArgs) -> Self {
        predict::ListOptions {
            k: lists.k,
            users: lists.users,
            similar: lists.similar,
            allow: lists.allow,
            deny: lists.deny,
            only: lists.only,
        }
    }
}

impl ReadingArgs {
    fn check(self) -> Result<tables::Reading> {
        let reading = tables::Reading {
            delimiter: self.delimiter,
            quote: self.quote.unwrap_or_default(),
            escape: self.escape.unwrap_or_default(),
            decimal: self.decimal,
            header: !self.no_header,
            encoding: self.encoding,
        };
        let usage = |error: tables::InvalidReading| exit::usage(format!("--quote: {error}"));
        reading.check().map_err(usage)
    }
}

/// Input, output and how tables are read.
type Ports = (Option<Port>, Option<Port>, tables::Reading);

impl PredictArgs {
    fn run(self, global: &Global, interrupt: &Interrupt, talk: &Talk) -> Result<Exit> {
        let project = Project::open_if_any(&global.selection())?;
        global.start_threads()?;
        let name: Name = self.task.parse().map_err(exit::usage)?;
        let asked = self.asked(name)?;
        let (input, output, reading) = self.ports(name, project.as_ref(), asked.is_empty())?;
        let needed = for_task!(name, T => <T as predict::Predict>::NEEDS_INPUT);
        if let (true, [first, ..], Some(_)) = (needed, &asked[..], &input) {
            return Err(exit::usage(format!(
                "`{first}` and -i are both inputs; give one of them"
            )));
        }
        let reads = asked.is_empty() && input.is_none() && needed;
        if (reads || input == Some(Port::Standard)) && io::stdin().is_terminal() {
            talk.note(
                "reading rows from the keyboard, starting with a header line; end with Ctrl-D",
            );
        }
        let answer = output.is_none();
        let request = self.request(input, output, reading, asked);
        if answer {
            return for_task!(name, T => {
                let answered = predict::ask::run::<T>(project.as_ref(), &request, talk)?;
                let exit = answered.exit();
                if !global.json {
                    let refusals: Vec<String> = answered.refusals().collect();
                    if exit == Exit::Data {
                        return Err(exit::data(refusals.join("; ")));
                    }
                    refusals.iter().for_each(|refusal| talk.warn(refusal));
                }
                global.show(&answered)?;
                Ok(exit)
            });
        }
        let scored =
            for_task!(name, T => predict::run::<T>(project.as_ref(), &request, interrupt, talk)?);
        if request.output != Port::Standard {
            global.show_result(&scored, Verdict::of(scored.exit() == Exit::Done))?;
            let example = for_task!(name, T => <T as predict::ask::Ask>::INPUT).explain_example();
            global.suggest_command(&format!("easylife explain {name} {example}"));
        }
        Ok(scored.exit())
    }

    /// The inputs on the command line, each checked to be of the kind that the task takes.
    fn asked(&self, name: Name) -> Result<Vec<String>> {
        let takes = for_task!(name, T => <T as predict::ask::Ask>::INPUT);
        for (flag, ids) in [("--user", &self.user), ("--series", &self.series)] {
            let own = matches!(takes, predict::ask::Input::Id { flag: own, .. } if own == flag);
            if !ids.is_empty() && !own {
                return Err(exit::usage(format!(
                    "{flag} is not an option of `predict {name}`; use `easylife predict {name} {}`",
                    takes.example()
                )));
            }
        }
        self.asked.iter().try_for_each(|asked| takes.check(asked))?;
        let asked = [&self.asked, &self.user, &self.series]
            .into_iter()
            .flatten();
        Ok(asked.cloned().collect())
    }

    /// Input, output and how tables are read: as given on the command line, otherwise as in the project. Without
    /// an output the inputs are answered on the terminal.
    fn ports(&self, name: Name, project: Option<&Project>, is_batch: bool) -> Result<Ports> {
        let own = self.reading.check()?;
        let input = self.input.as_deref().map(port);
        let output = self.output.as_deref().map(port);
        match (&input, &output) {
            (None, None) if is_batch => {
                let (input, output, reading) = for_task!(name, T => predict::batch::<T>(project)?);
                let given = own != tables::Reading::default();
                Ok((input, Some(output), if given { own } else { reading }))
            }
            (Some(_), None) if is_batch => Err(exit::usage(
                "name the file to write with -o OUT; `-o -` is stdout",
            )),
            _ => Ok((input, output, own)),
        }
    }

    fn request(
        self,
        input: Option<Port>,
        output: Option<Port>,
        reading: tables::Reading,
        asked: Vec<String>,
    ) -> predict::Request {
        predict::Request {
            input,
            asked,
            output: output.unwrap_or(Port::Standard),
            model: self.model,
            format: self.format,
            reading,
            on_error: self.on_error.map(|rows| match rows {
                OnErrorArg::Fail => OnError::Fail,
                OnErrorArg::Skip => OnError::Skip,
            }),
            resume: self.resume,
            wait: self.wait,
            require_input: self.require_input,
            options: predict::AnswerOptions {
                all_classes: self.all_classes,
                horizon: self.horizon.map(|steps| steps as usize),
                levels: self.level,
                lists: self.lists.into(),
            },
        }
    }
}

impl ExplainArgs {
    fn run(self, global: &Global) -> Result<Exit> {
        let project = Project::open_if_any(&global.selection())?;
        let name: Name = self.task.parse().map_err(exit::usage)?;
        let request = explain::Request {
            inputs: self.inputs,
            model: self.model,
            top: self.top,
            pictures: self.pictures,
        };
        let show = |outcome: &dyn Outcome| global.show(outcome);
        for_task!(name, T => explain::run::<T>(project.as_ref(), &request, &show)?);
        Ok(Exit::Done)
    }
}

impl StagesArgs {
    /// The request of `repro` and `status`, which refuse `-S`: a pipeline has one params.yaml.
    fn request(self, global: &Global) -> Result<repro::Request> {
        if let Some(set) = global.set.first() {
            return Err(exit::usage(format!(
                "{set}: stages take their parameters from params.yaml; change it there"
            )));
        }
        global.start_threads()?;
        Ok(repro::Request {
            folder: global.project.clone(),
            reads: stage_reads(global),
            unused: unused_samples(global),
            selection: pipeline::Selection {
                targets: self.targets,
                downstream: self.downstream,
                single_item: self.single_item,
            },
            options: pipeline::RunOptions {
                force: false,
                keep_going: false,
                no_run_cache: false,
                jobs: 1,
                wait: self.wait,
                threads: Some(global.thread_count()?).filter(|&threads| threads > 0),
            },
        })
    }
}

/// The files that each stage reads according to the parameters. Empty if these cannot be read: a pipeline need
/// not be one of easylife, and if it is, its stages report the error.
fn stage_reads(global: &Global) -> Vec<(String, Vec<std::path::PathBuf>)> {
    let Ok(Some(project)) = Project::open_if_any(&global.selection()) else {
        return Vec::new();
    };
    let reads = |name: &Name| for_task!(*name, T => pipeline::prepare::reads::<T>(&project));
    tasks::ALL.iter().flat_map(reads).flatten().collect()
}

/// Samples that this project does not use; empty if the parameters cannot be read, as in [`stage_reads`].
fn unused_samples(global: &Global) -> Vec<pipeline::sample::Unused> {
    let Ok(Some(project)) = Project::open_if_any(&global.selection()) else {
        return Vec::new();
    };
    let unused = |name: &Name| for_task!(*name, T => pipeline::sample::unused::<T>(&project));
    tasks::ALL
        .iter()
        .filter_map(|name| unused(name).ok().flatten())
        .collect()
}

impl ReproArgs {
    fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let mut request = self.stages.request(global)?;
        request.options.force = self.force;
        request.options.keep_going = self.keep_going;
        request.options.no_run_cache = self.no_run_cache;
        request.options.jobs = self.jobs.into();
        if self.dry {
            global.show(&repro::status(&request, talk)?)?;
            return Ok(Exit::Done);
        }
        let ran = repro::run(&request, talk)?;
        global.show_result(&ran, Verdict::Fine)?;
        Ok(Exit::Done)
    }
}

impl StatusArgs {
    /// With `-q` prints nothing and exits with 1 if a stage would run, as `dvc status` does.
    fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let status = repro::status(&self.stages.request(global)?, talk)?;
        if global.quiet && !status.is_up_to_date() {
            return Ok(Exit::Failed);
        }
        if !global.quiet {
            global.show(&status)?;
        }
        Ok(Exit::Done)
    }
}

impl VerifyArgs {
    fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let request = verify::Request {
            folder: global.project.clone(),
            unused: unused_samples(global),
            targets: self.targets,
            options: pipeline::VerifyOptions {
                threads: global.threads.iter().map(|&n| n.into()).collect(),
                wait: self.wait,
            },
        };
        let verified = verify::run(&request, talk)?;
        global.show_result(&verified, Verdict::of(verified.is_reproducible()))?;
        Ok(if verified.is_reproducible() {
            Exit::Done
        } else {
            Exit::NotReproducible
        })
    }
}
