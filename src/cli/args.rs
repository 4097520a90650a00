//! The command line as clap types, with the texts of `--help`: the global options, the verbs, and the arguments
//! of small verbs.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

#[cfg(feature = "serve")]
use super::audit::AuditArgs;
use super::checks::{GateArgs, ValidateArgs};
use super::complete;
use super::drift::DriftArgs;
use super::erase::EraseArgs;
use super::explain::ExplainArgs;
use super::init::InitArgs;
use super::predict::{PredictArgs, ReadingArgs};
use super::registry::{KeysArgs, RegistryArgs, VerifySignatureArgs};
#[cfg(feature = "serve")]
use super::replay::ReplayArgs;
use super::runs::{RecordArgs, RunsArgs};
#[cfg(feature = "serve")]
use super::serve::ServeArgs;
use super::stages::{ReproArgs, StatusArgs, VerifyArgs};
use crate::params::Set;
use crate::project::Project;
use crate::tasks::{self, Name};

/// Five everyday machine-learning jobs from raw data to scored output, byte for byte reproducibly.
#[derive(Parser)]
#[command(name = "easylife", version, max_term_width = 100, after_help = AFTER_HELP,
          subcommand_value_name = "VERB", subcommand_help_heading = "Verbs", disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

const AFTER_HELP: &str = "\
A project is a folder with params.yaml; start one with `easylife init`. Examples of a verb are in its
`--help`.

Exit codes: 0 done, 1 failed, 2 usage or parameters, 3 a gate was not met, 4 the data break the
rules, 5 another run holds the lock, 6 not reproducible, 7 done, with rows that failed (they are
listed), 8 drift was found.";

#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The project folder [default: the nearest one with params.yaml, from here upwards]
    #[arg(long, global = true, value_name = "DIR", env = "EASYLIFE_PROJECT")]
    pub project: Option<PathBuf>,
    /// Set a parameter for this call, for example -S nlp.split.test=0.3
    #[arg(
        short = 'S',
        long = "set-param",
        global = true,
        value_name = "KEY=VALUE",
        add = ArgValueCompleter::new(complete::keys)
    )]
    pub set: Vec<Set>,
    /// Number of threads; does not change outputs [default: one per core]; `verify` takes several: 1,2,8
    #[arg(long, global = true, value_name = "N", env = "EASYLIFE_THREADS", value_delimiter = ',',
          value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Vec<u16>,
    /// Print the result or the error as one JSON object
    #[arg(long, global = true, env = "EASYLIFE_JSON", value_parser = clap::builder::FalseyValueParser::new())]
    pub json: bool,
    /// Print only problems: warnings, errors and results with an exit code other than 0; output requested
    /// on stdout (explain, inspect, profile, --json, -o -) is printed all the same
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more details on stderr
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Colour messages
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "EASYLIFE_COLOR"
    )]
    pub color: Color,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Start a project, with samples of all tasks or with one task on your own data
    Init(InitArgs),
    /// Make seeded sample data in data/raw/TASK
    Sample(SampleArgs),
    /// Check the raw data against schema/TASK.yaml or the built-in rules -> reports/validate; exit 4
    /// if a rule of level error is broken
    Validate(ValidateArgs),
    /// Describe the columns of any tables
    Profile {
        /// Files or folders
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        reading: ReadingArgs,
        /// Page (.html) or figures (.json) to write
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,
    },
    /// Split raw data into data/processed/TASK/{train,test}.csv
    Prepare(TasksArgs),
    /// Train on the training part -> models/TASK.safetensors
    Train(RecordedArgs),
    /// Score the test part -> metrics/TASK.json, plots/TASK, reports/TASK.html
    Evaluate(RecordedArgs),
    /// Check the metrics against TASK.gate; exit 3 if a bound is not met
    Gate(GateArgs),
    /// Compare two commits, project folders, metrics files or model files
    Compare {
        /// A commit, branch or tag, a project's folder, metrics/TASK.json, or a model file
        #[arg(value_name = "A")]
        a: String,
        /// Another of the same kind; `.`: the project as it is now
        #[arg(value_name = "B", default_value = ".")]
        b: String,
    },
    /// What was trained and evaluated, with which results: a table, one run, two compared, CSV
    Runs(RunsArgs),
    /// Versions and aliases of models: who is `champion`, since when and why
    Registry(RegistryArgs),
    /// Make keys that sign models
    Keys(KeysArgs),
    /// Verify that a trusted key signed a file; exit 4 if not
    VerifySignature(VerifySignatureArgs),
    /// Compare two tables: which columns have changed, with a stated false-alarm rate; exit 8 if any has
    Drift(DriftArgs),
    /// Forget a user, a series or a group: data, models, caches, logs; then search for what is left; exit 7 if
    /// something is
    Erase(EraseArgs),
    /// Score a file or stdin, or answer inputs given on the command line
    Predict(PredictArgs),
    /// Explain individual answers of a model
    Explain(ExplainArgs),
    /// Write a model in the format of another program
    Export {
        /// A task (the project's model of it) or a model file
        #[arg(value_name = "TASK|MODEL")]
        model: PathBuf,
        /// The format: a model of XGBoost, for its Booster.load_model (trees of tabular)
        #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(["xgboost-json"]))]
        to: String,
        /// The file to write
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
    },
    /// Describe a model file
    Inspect {
        /// A task (the project's model of it) or a model file
        #[arg(value_name = "TASK|MODEL")]
        model: PathBuf,
    },
    /// Serve models over HTTP: the Open Inference Protocol, tables by POST /v1/TASK, a page at /docs
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    /// Ask another model the requests of a server's request log: which answers change, and by how much
    #[cfg(feature = "serve")]
    Replay(ReplayArgs),
    /// Verify audit logs of a server: nothing cut, moved, edited or rewritten; exit 4 if something was
    #[cfg(feature = "serve")]
    Audit(AuditArgs),
    /// Run dvc.yaml, skipping what is up to date, as `dvc repro` would
    Repro(ReproArgs),
    /// List the stages of dvc.yaml that would run, and why
    Status(StatusArgs),
    /// Run stages again in a scratch copy and compare every output's bytes with dvc.lock
    Verify(VerifyArgs),
    /// Every key of params.yaml: what it does, values, default, and the stages that read it
    Params(ParamsArgs),
    /// Print a script that completes verbs, options, tasks, stages and keys
    Completions {
        #[arg(value_name = "SHELL", value_parser = PossibleValuesParser::new(complete::SHELLS))]
        shell: String,
    },
    /// Print a manual page (roff)
    Man(ManArgs),
}

#[derive(Args)]
pub struct ManArgs {
    /// The verb whose page to print [default: easylife itself]
    #[arg(value_name = "VERB")]
    pub verb: Option<String>,
    /// Write the pages of all verbs into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    pub dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct TasksArgs {
    /// A task, or `all` tasks of the project
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(true)))]
    pub task: String,
}

/// Tasks of a verb that records its run.
#[derive(Args)]
pub struct RecordedArgs {
    #[command(flatten)]
    pub tasks: TasksArgs,
    #[command(flatten)]
    pub record: RecordArgs,
}

#[derive(Args)]
pub struct ParamsArgs {
    /// A key or block, for example ts.data [default: all keys]
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
    /// Print the JSON Schema of params.yaml, which editors check and complete the file with
    #[arg(long, conflicts_with = "key")]
    pub schema: bool,
    /// Print the reference of all keys as a page in Markdown
    #[arg(long, conflicts_with_all = ["key", "schema"])]
    pub reference: bool,
}

#[derive(Args)]
pub struct SampleArgs {
    #[command(flatten)]
    pub tasks: TasksArgs,
    /// Fail unless TASK.data.source is the sample; for the stages of the pipeline
    #[arg(long)]
    pub as_source: bool,
    /// cv: blur the sharp photos of this folder instead of painted ones
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
}

impl TasksArgs {
    /// Whether `all` was given rather than the name of one task.
    pub fn are_all(&self) -> bool {
        self.task == "all"
    }

    /// The task named, or for `all` the tasks with a block in the project's params.yaml; every task if none has
    /// one.
    pub fn names(&self, project: &Project) -> Vec<Name> {
        if let Ok(name) = self.task.parse() {
            return vec![name];
        }
        // clap accepts nothing else but `all`.
        let there = |name: &&Name| project.has(name.as_str());
        match tasks::ALL
            .iter()
            .copied()
            .filter(|name| there(&name))
            .collect()
        {
            none if Vec::is_empty(&none) => tasks::ALL.to_vec(),
            some => some,
        }
    }
}

/// The names of all tasks, and `all` if `with_all`.
pub fn task_names(with_all: bool) -> Vec<&'static str> {
    let all = with_all.then_some("all");
    tasks::ALL
        .iter()
        .map(|name| name.as_str())
        .chain(all)
        .collect()
}
