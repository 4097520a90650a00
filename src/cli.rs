//! The command line: clap types, and from each verb to its function. The only file that knows clap.
//!
//! A verb takes a plain struct and returns an [`Outcome`], which is shown here; everything else a
//! person reads goes to stderr through `talk`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, ColorChoice, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::data::Format;
use crate::exit::{self, Exit};
use crate::outcome::Outcome;
use crate::params::Set;
use crate::pipeline::{repro, verify};
use crate::predict::{self, OnError, Port};
use crate::project::{Project, Selection};
use crate::talk::Talk;
use crate::task::{self, Name};
use crate::{artifact, eval, explain, for_task, inspect, pipeline, train};

/// Four everyday machine-learning jobs from raw data to scored output, byte for byte reproducibly.
#[derive(Parser)]
#[command(name = "easylife", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

const AFTER_HELP: &str = "\
A project is a folder with params.yaml; start one with `easylife init`.

Exit codes: 0 done, 1 failed, 2 usage or parameters, 3 a gate was not met, 4 the data break the
rules, 5 another run holds the lock, 6 not reproducible, 7 done, with rows that failed (they are
listed).";

#[derive(Args)]
struct Global {
    /// The project folder [default: the nearest one with params.yaml, from here upwards]
    #[arg(long, global = true, value_name = "DIR", env = "EASYLIFE_PROJECT")]
    project: Option<PathBuf>,
    /// Set a parameter for this call, for example -S nlp.split.test=0.3
    #[arg(
        short = 'S',
        long = "set-param",
        global = true,
        value_name = "KEY=VALUE"
    )]
    set: Vec<Set>,
    /// Threads to use; changes no output [default: one a core]; `verify` takes several: 1,2,8
    #[arg(long, global = true, value_name = "N", env = "EASYLIFE_THREADS", value_delimiter = ',',
          value_parser = clap::value_parser!(u16).range(1..))]
    threads: Vec<u16>,
    /// Show results as JSON
    #[arg(long, global = true, env = "EASYLIFE_JSON", value_parser = clap::builder::FalseyValueParser::new())]
    json: bool,
    /// Say less: warnings and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Colour messages
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "EASYLIFE_COLOR"
    )]
    color: Color,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Verb {
    /// Start a project: params.yaml, dvc.yaml, README, ready to run
    Init {
        #[arg(default_value = ".", value_name = "DIR")]
        folder: PathBuf,
    },
    /// Make seeded sample data in data/raw/TASK
    Sample(SampleArgs),
    /// Hold the raw data against schema/TASK.yaml or the rules built in -> reports/validate; exit 4
    /// where a rule of level error is broken
    Validate(Validate),
    /// What the columns of any tables hold
    Profile {
        /// Files or folders
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Page (.html) or figures (.json) to write
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,
    },
    /// Split raw data into data/processed/TASK/{train,test}.csv
    Prepare(Tasks),
    /// Train on the training part -> models/TASK.safetensors
    Train(Tasks),
    /// Score the test part -> metrics/TASK.json, plots/TASK, reports/TASK.html
    Evaluate(Tasks),
    /// Hold the metrics against TASK.gate; exit 3 where one is not met
    Gate(Tasks),
    /// Score a batch of rows
    Predict(Predict),
    /// Why this answer
    Explain(Explain),
    /// What a model file holds
    Inspect {
        #[arg(value_name = "MODEL")]
        model: PathBuf,
    },
    /// Run dvc.yaml, skipping what is up to date, as `dvc repro` would
    Repro(ReproArgs),
    /// Which stages of dvc.yaml would run, and why
    Status(StatusArgs),
    /// Run stages again in a scratch copy and compare every output's bytes with dvc.lock
    Verify(VerifyArgs),
    /// Print a completion script
    Completions {
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

#[derive(Args)]
struct Tasks {
    /// Which task, or `all`
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(true)))]
    task: String,
}

#[derive(Args)]
struct SampleArgs {
    #[command(flatten)]
    tasks: Tasks,
    /// cv: blur the sharp photos of this folder instead of painted ones
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

#[derive(Args)]
struct Validate {
    #[command(flatten)]
    tasks: Tasks,
    /// Write schema/TASK.yaml from the data, with what was seen, to be edited
    #[arg(long, conflicts_with = "prepared")]
    init: bool,
    /// With --init: over the file that is there
    #[arg(long, requires = "init")]
    force: bool,
    /// The parts that `prepare` wrote: leakage between training and test
    #[arg(long)]
    prepared: bool,
}

impl Tasks {
    fn names(&self) -> Vec<Name> {
        match self.task.parse() {
            Ok(name) => vec![name],
            Err(_) => task::ALL.to_vec(), // clap has let through nothing else than `all`
        }
    }
}

fn task_names(with_all: bool) -> Vec<&'static str> {
    let all = with_all.then_some("all");
    task::ALL
        .iter()
        .map(|name| name.as_str())
        .chain(all)
        .collect()
}

#[derive(Args)]
struct Predict {
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    task: String,
    /// File or folder to score (cv: also a photo or a pattern as `*.jpg`); `-` or absent: stdin
    /// (ts: newer values, which need not be given)
    #[arg(short, long, value_name = "IN")]
    input: Option<PathBuf>,
    /// File to write; `-`: stdout
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Model file [default: the project's models/TASK.safetensors]
    #[arg(short, long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Format of stdin and stdout [default: csv]
    #[arg(long, value_name = "FORMAT", value_parser = parse_format)]
    format: Option<Format>,
    /// A row that cannot be scored: stop, or list it in OUT.rejects.csv and go on [default: fail]
    /// (cv says in its column `error` what is wrong with a photo, and always goes on)
    #[arg(long, value_name = "WHAT")]
    on_error: Option<Rows>,
    /// Go on where a killed run stopped
    #[arg(long)]
    resume: bool,
    /// Wait for another run on the same output to end
    #[arg(long)]
    wait: bool,
    /// nlp: add the probability of every class
    #[arg(long)]
    all_classes: bool,
    /// ts: steps to forecast [default: ts.horizon at training]
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    horizon: Option<u32>,
    /// ts: per cent that bounds are to hold [default: 80,95]
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', value_parser = parse_level)]
    level: Vec<f64>,
    #[command(flatten)]
    lists: Lists,
}

#[derive(Args)]
struct Lists {
    /// recsys: items a list
    #[arg(long, value_name = "K", default_value_t = 20, value_parser = parse_count)]
    k: usize,
    /// recsys: a table of user_id, or `all` [default: those in IN, without it all]
    #[arg(long, value_name = "FILE|all", value_parser = parse_wanted)]
    users: Option<predict::Wanted>,
    /// recsys: items like those in a table of item_id, or like each of `all`
    #[arg(long, value_name = "FILE|all", value_parser = parse_wanted, conflicts_with_all = ["users", "input", "allow", "deny"])]
    similar: Option<predict::Wanted>,
    /// recsys: a table of user_id and item_id: the only items for these users
    #[arg(long, value_name = "FILE")]
    allow: Option<PathBuf>,
    /// recsys: a table of user_id and item_id: items not for these users
    #[arg(long, value_name = "FILE")]
    deny: Option<PathBuf>,
    /// recsys: a table of item_id: the only items for anyone
    #[arg(long, value_name = "FILE")]
    only: Option<PathBuf>,
}

fn parse_wanted(text: &str) -> Result<predict::Wanted, String> {
    match text {
        "all" => Ok(predict::Wanted::All),
        "" => Err("a file or `all` is expected".to_owned()),
        file => Ok(predict::Wanted::File(PathBuf::from(file))),
    }
}

fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=1_000_000).contains(&count) => Ok(count),
        _ => Err("a whole number of 1 to 1000000 is expected".to_owned()),
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Rows {
    Fail,
    Skip,
}

fn parse_format(text: &str) -> Result<Format, String> {
    text.parse()
        .map_err(|_| "one of csv, tsv, jsonl, parquet".to_owned())
}

fn parse_level(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(level) if level > 0.0 && level < 100.0 => Ok(level),
        _ => Err("a number above 0 and below 100".to_owned()),
    }
}

#[derive(Args)]
struct Explain {
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    task: String,
    /// What to explain (nlp: a text each, cv: a photo each, recsys: a user, or USER/ITEM, each, ts: a
    /// series each); absent: one a line on stdin
    #[arg(value_name = "INPUT")]
    inputs: Vec<String>,
    /// Model file [default: the project's models/TASK.safetensors]
    #[arg(short, long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// cv: write the photo with its tile map beside it into this folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// How many reasons to show, the strongest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
}

#[derive(Args)]
struct Stages {
    /// Stages of dvc.yaml, or groups (`train` for train@nlp and the others) [default: all]
    #[arg(value_name = "STAGE")]
    targets: Vec<String>,
    /// What needs the stages, instead of what they need
    #[arg(long)]
    downstream: bool,
    /// These stages alone
    #[arg(short, long, conflicts_with = "downstream")]
    single_item: bool,
    /// Wait for another run to end
    #[arg(long)]
    wait: bool,
}

#[derive(Args)]
struct ReproArgs {
    #[command(flatten)]
    stages: Stages,
    /// Run even what is up to date
    #[arg(short, long)]
    force: bool,
    /// Only say what would run, and why
    #[arg(long)]
    dry: bool,
    /// After a failure go on with what does not need the failed stage
    #[arg(short, long)]
    keep_going: bool,
    /// Run again what an earlier run has given for the same inputs
    #[arg(long)]
    no_run_cache: bool,
    /// Stages at the same time
    #[arg(short, long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
}

#[derive(Args)]
struct StatusArgs {
    #[command(flatten)]
    stages: Stages,
}

#[derive(Args)]
struct VerifyArgs {
    /// Stages of dvc.yaml, or groups [default: all]
    #[arg(value_name = "STAGE")]
    targets: Vec<String>,
    /// Wait for another run to end
    #[arg(long)]
    wait: bool,
}

/// Parses the command line, runs the verb, shows what it says.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let usage = error.use_stderr();
            let _ = error.print(); // a closed pipe is no reason to fail
            return if usage { Exit::Usage } else { Exit::Done };
        }
    };
    let talk = cli.global.talk();
    let json = cli.global.json;
    remove_leftovers_on_ctrl_c(talk);
    match cli.run(&talk) {
        Ok(exit) => exit,
        Err(error) if exit::is_broken_pipe(&error) => Exit::Done,
        Err(error) => {
            let exit = exit::code(&error);
            if json {
                let message =
                    serde_json::json!({"error": format!("{error:#}"), "exit": exit as u8});
                let _ = writeln!(io::stderr().lock(), "{message}");
            } else {
                talk.error(format!("{error:#}"));
            }
            exit
        }
    }
}

/// Ctrl-C and SIGTERM: no temporary file stays behind.
fn remove_leftovers_on_ctrl_c(talk: Talk) {
    let handler = move || {
        artifact::atomic::remove_leftovers();
        talk.error(predict::interrupted());
        std::process::exit(Exit::Interrupted as i32);
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        talk.detail(format!("Ctrl-C will leave temporary files behind: {error}"));
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
        }
    }

    /// The one number of threads; 0: as many as cores.
    fn thread_count(&self) -> Result<usize> {
        match self.threads[..] {
            [] => Ok(0),
            [threads] => Ok(threads.into()),
            _ => Err(exit::usage(
                "--threads: one number; only `verify` takes several",
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

    fn show(&self, outcome: &dyn Outcome) -> Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", outcome.json()?)?;
        } else {
            write!(out, "{outcome}")?;
        }
        out.flush()?;
        Ok(())
    }
}

impl Cli {
    fn run(self, talk: &Talk) -> Result<Exit> {
        let global = &self.global;
        match self.verb {
            Verb::Completions { shell } => {
                print_out(|out| clap_complete::generate(shell, &mut command(), "easylife", out))
            }
            Verb::Man => {
                let mut page = Vec::new();
                clap_mangen::Man::new(command()).render(&mut page)?;
                print_out(|out| out.extend(page))
            }
            Verb::Init { folder } => {
                global.show(&pipeline::init::run(&folder)?)?;
                Ok(Exit::Done)
            }
            Verb::Inspect { model } => {
                global.show(&inspect::run(&model)?)?;
                Ok(Exit::Done)
            }
            Verb::Predict(args) => args.run(global, talk),
            Verb::Explain(args) => args.run(global),
            Verb::Sample(args) => each(global, &args.tasks, |project, name| {
                let from = args.from.as_deref();
                Ok(for_task!(name, T => Box::new(pipeline::sample::run::<T>(project, from)?)))
            }),
            Verb::Validate(args) => args.run(global, talk),
            Verb::Profile { files, output } => {
                global.start_threads()?;
                global.show(&pipeline::profile::run(&files, output.as_deref(), talk)?)?;
                Ok(Exit::Done)
            }
            Verb::Prepare(tasks) => each(global, &tasks, |project, name| {
                Ok(for_task!(name, T => Box::new(pipeline::prepare::run::<T>(project, talk)?)))
            }),
            Verb::Train(tasks) => each(global, &tasks, |project, name| {
                Ok(for_task!(name, T => Box::new(train::run::<T>(project, talk)?)))
            }),
            Verb::Evaluate(tasks) => each(global, &tasks, |project, name| {
                Ok(for_task!(name, T => Box::new(eval::run::<T>(project, talk)?)))
            }),
            Verb::Gate(tasks) => gate(global, &tasks),
            Verb::Repro(args) => args.run(global, talk),
            Verb::Status(args) => args.run(global),
            Verb::Verify(args) => args.run(global, talk),
        }
    }
}

fn command() -> clap::Command {
    Cli::command().color(ColorChoice::Never)
}

/// Prints what was made in memory: the generators panic when nobody reads.
fn print_out(make: impl FnOnce(&mut Vec<u8>)) -> Result<Exit> {
    let mut text = Vec::new();
    make(&mut text);
    io::stdout().write_all(&text)?;
    Ok(Exit::Done)
}

/// Runs a verb for each task named, showing each outcome as it comes.
fn each(
    global: &Global,
    tasks: &Tasks,
    run: impl Fn(&Project, Name) -> Result<Box<dyn Outcome>>,
) -> Result<Exit> {
    let project = Project::open(&global.selection())?;
    global.start_threads()?;
    for name in tasks.names() {
        global.show(run(&project, name)?.as_ref())?;
    }
    Ok(Exit::Done)
}

/// Every gate is looked at before the exit code says that one was not met.
fn gate(global: &Global, tasks: &Tasks) -> Result<Exit> {
    let project = Project::open(&global.selection())?;
    let mut met = true;
    for name in tasks.names() {
        let verdict = for_task!(name, T => eval::gate::run::<T>(&project)?);
        met &= verdict.met();
        global.show(&verdict)?;
    }
    Ok(if met { Exit::Done } else { Exit::Gate })
}

impl Validate {
    /// Every task is looked at before the exit code says that one breaks a rule.
    fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let project = Project::open(&global.selection())?;
        global.start_threads()?;
        let request = pipeline::validate::Request {
            init: self.init,
            force: self.force,
            prepared: self.prepared,
        };
        let mut holds = true;
        for name in self.tasks.names() {
            let validated =
                for_task!(name, T => pipeline::validate::run::<T>(&project, request, talk)?);
            holds &= validated.holds();
            global.show(&validated)?;
        }
        Ok(if holds { Exit::Done } else { Exit::Data })
    }
}

/// `-` is stdin or stdout.
fn port(path: &std::path::Path) -> Port {
    if path == std::path::Path::new("-") {
        Port::Standard
    } else {
        Port::File(path.to_owned())
    }
}

impl From<Lists> for predict::Lists {
    fn from(lists: Lists) -> Self {
        predict::Lists {
            k: lists.k,
            users: lists.users,
            similar: lists.similar,
            allow: lists.allow,
            deny: lists.deny,
            only: lists.only,
        }
    }
}

impl Predict {
    fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let project = Project::open_if_any(&global.selection())?;
        global.start_threads()?;
        let name: Name = self.task.parse().map_err(exit::usage)?;
        let input = self.input.as_deref().map(port);
        let needed = input.is_none() && for_task!(name, T => <T as predict::Predict>::NEEDS_INPUT);
        if (needed || input == Some(Port::Standard)) && io::stdin().is_terminal() {
            talk.note("reading rows from the keyboard, a header line first; Ctrl-D ends them");
        }
        let request = predict::Request {
            input,
            output: port(&self.output),
            model: self.model,
            format: self.format,
            on_error: self.on_error.map(|rows| match rows {
                Rows::Fail => OnError::Fail,
                Rows::Skip => OnError::Skip,
            }),
            resume: self.resume,
            wait: self.wait,
            options: predict::Options {
                all_classes: self.all_classes,
                horizon: self.horizon.map(|steps| steps as usize),
                levels: self.level,
                lists: self.lists.into(),
            },
        };
        let scored = for_task!(name, T => predict::run::<T>(project.as_ref(), &request, talk)?);
        // With `-q` a batch job that went well says nothing: cron mails whatever is said.
        if request.output != Port::Standard && (global.json || !global.quiet) {
            global.show(&scored)?;
        }
        Ok(scored.exit())
    }
}

impl Explain {
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

impl Stages {
    /// What `repro` and `status` share; `-S` is not for them: a pipeline has one params.yaml.
    fn request(self, global: &Global) -> Result<repro::Request> {
        if let Some(set) = global.set.first() {
            return Err(exit::usage(format!(
                "{set}: stages take their parameters from params.yaml; change it there"
            )));
        }
        global.start_threads()?;
        Ok(repro::Request {
            folder: global.project.clone(),
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

impl ReproArgs {
    fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        let mut request = self.stages.request(global)?;
        request.options.force = self.force;
        request.options.keep_going = self.keep_going;
        request.options.no_run_cache = self.no_run_cache;
        request.options.jobs = self.jobs.into();
        if self.dry {
            global.show(&repro::status(&request)?)?;
            return Ok(Exit::Done);
        }
        let ran = repro::run(&request, talk)?;
        // With `-q` a run that went well says nothing: cron mails whatever is said.
        if global.json || !global.quiet {
            global.show(&ran)?;
        }
        Ok(Exit::Done)
    }
}

impl StatusArgs {
    /// With `-q` nothing is said, and exit 1 means that something would run, as in `dvc status`.
    fn run(self, global: &Global) -> Result<Exit> {
        let status = repro::status(&self.stages.request(global)?)?;
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
            targets: self.targets,
            options: pipeline::VerifyOptions {
                threads: global.threads.iter().map(|&n| n.into()).collect(),
                wait: self.wait,
            },
        };
        let verified = verify::run(&request, talk)?;
        global.show(&verified)?;
        Ok(if verified.is_reproducible() {
            Exit::Done
        } else {
            Exit::NotReproducible
        })
    }
}
