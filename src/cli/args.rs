//! The clap types of the command line, with the texts of `--help`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use clap_complete::engine::ArgValueCompleter;

use super::complete;
use crate::params::Set;
use crate::predict;
use crate::project::Project;
use crate::tasks::{self, Name};
use tables::{Decimal, Delimiter, Encoding, Escape, Format, Quote};

/// Four everyday machine-learning jobs from raw data to scored output, byte for byte reproducibly.
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
listed).";

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
    Train(TasksArgs),
    /// Score the test part -> metrics/TASK.json, plots/TASK, reports/TASK.html
    Evaluate(TasksArgs),
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
    /// Score a file or stdin, or answer inputs given on the command line
    Predict(PredictArgs),
    /// Explain individual answers of a model
    Explain(ExplainArgs),
    /// Describe a model file
    Inspect {
        /// A task (the project's model of it) or a model file
        #[arg(value_name = "TASK|MODEL")]
        model: PathBuf,
    },
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

/// Heading of the options for input and output.
const INPUT_OUTPUT: &str = "Input and output";

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

#[derive(Args)]
pub struct InitArgs {
    #[arg(default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
    /// Set up this task alone, on your own data; columns not given here are inferred from their names and
    /// values
    #[arg(long, value_name = "TASK", requires = "source",
          value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: Option<String>,
    /// Your data: a file or a folder
    #[arg(long, value_name = "FILE", requires = "task")]
    pub source: Option<PathBuf>,
    /// A file or folder that every run of the pipeline scores
    #[arg(long, value_name = "FILE", requires = "task")]
    pub score: Option<PathBuf>,
    /// What is predicted: the label (nlp, cv), the value (ts), the item (recsys)
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub target: Option<String>,
    /// nlp: column of the text
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub text: Option<String>,
    /// nlp, cv: column of the label
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        conflicts_with = "target",
        help_heading = "Columns"
    )]
    pub label: Option<String>,
    /// cv: column of the paths
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub path: Option<String>,
    /// recsys: column of the users
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub user: Option<String>,
    /// recsys: column of the items
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        conflicts_with = "target",
        help_heading = "Columns"
    )]
    pub item: Option<String>,
    /// recsys: column of the ratings, if any
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub rating: Option<String>,
    /// ts, recsys: column of the times
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub time: Option<String>,
    /// ts, recsys: how the times are written where they are not ISO, as %d/%m/%Y
    #[arg(
        long,
        value_name = "FORMAT",
        requires = "task",
        help_heading = "Columns"
    )]
    pub date_format: Option<String>,
    /// ts: column of the values
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        conflicts_with = "target",
        help_heading = "Columns"
    )]
    pub value: Option<String>,
    /// cv: what your labels or folders mean, as blurry=blurred,ok=sharp
    #[arg(
        long,
        value_name = "LABEL=CLASS,...",
        requires = "task",
        help_heading = "Columns"
    )]
    pub classes: Option<String>,
    /// ts: column that tells series apart
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "task",
        help_heading = "Columns"
    )]
    pub id: Option<String>,
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

#[derive(Args)]
pub struct GateArgs {
    #[command(flatten)]
    pub tasks: TasksArgs,
    /// Also write the verdict to this file
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
}

#[derive(Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    pub tasks: TasksArgs,
    /// Write schema/TASK.yaml, rules inferred from the data, for you to edit
    #[arg(long, conflicts_with = "prepared")]
    pub init: bool,
    /// With --init: overwrite the existing file
    #[arg(long, requires = "init")]
    pub force: bool,
    /// Check the parts written by `prepare` for leakage between training and test
    #[arg(long)]
    pub prepared: bool,
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

fn task_names(with_all: bool) -> Vec<&'static str> {
    let all = with_all.then_some("all");
    tasks::ALL
        .iter()
        .map(|name| name.as_str())
        .chain(all)
        .collect()
}

#[derive(Args)]
pub struct PredictArgs {
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: String,
    /// Inputs to answer on the terminal (with -o: as a batch): texts (nlp), photos (cv), users (recsys),
    /// series (ts)
    #[arg(value_name = "INPUT")]
    pub asked: Vec<String>,
    /// Answer for this user
    #[arg(
        long,
        value_name = "ID",
        conflicts_with = "series",
        help_heading = "Options of recsys"
    )]
    pub user: Vec<String>,
    /// Answer for this series
    #[arg(long, value_name = "ID", help_heading = "Options of ts")]
    pub series: Vec<String>,
    /// File or folder to score (cv: also a photo or a pattern such as `*.jpg`; ts: newer values, optional);
    /// `-`: stdin [default: stdin; without --output TASK.predict.input]
    #[arg(short, long, value_name = "IN", help_heading = INPUT_OUTPUT)]
    pub input: Option<PathBuf>,
    /// File to write; `-`: stdout [default: TASK.predict.output, without --input]
    #[arg(short, long, value_name = "OUT", help_heading = INPUT_OUTPUT)]
    pub output: Option<PathBuf>,
    /// Model file [default: the project's models/TASK.safetensors]
    #[arg(short, long, value_name = "MODEL", help_heading = INPUT_OUTPUT)]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Format of stdin and stdout [default: csv]
    #[arg(long, value_name = "FORMAT", help_heading = INPUT_OUTPUT,
          value_parser = words::<Format>(&["csv", "tsv", "jsonl", "parquet"]))]
    pub format: Option<Format>,
    /// On a row that cannot be scored: stop, or list it in OUT.rejects.csv and continue [default: fail]
    /// (cv always continues and describes the fault in its column `error`)
    #[arg(long, value_name = "WHAT", help_heading = INPUT_OUTPUT)]
    pub on_error: Option<OnErrorArg>,
    /// Continue where an interrupted run stopped
    #[arg(long, help_heading = INPUT_OUTPUT)]
    pub resume: bool,
    /// Wait until another run on the same output has ended
    #[arg(long, help_heading = INPUT_OUTPUT)]
    pub wait: bool,
    /// Exit 4 if the input has no rows, instead of writing an empty output
    #[arg(long, help_heading = INPUT_OUTPUT)]
    pub require_input: bool,
    /// Add the probability of every class
    #[arg(long, help_heading = "Options of nlp")]
    pub all_classes: bool,
    /// Steps to forecast [default: ts.horizon at training]
    #[arg(long, help_heading = "Options of ts", value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub horizon: Option<u32>,
    /// Coverage of the intervals in per cent [default: 80,95]
    #[arg(long, help_heading = "Options of ts", value_name = "PERCENT", value_delimiter = ',', value_parser = parse_level)]
    pub level: Vec<f64>,
    #[command(flatten)]
    pub lists: ListsArgs,
}

/// How input files are read.
#[derive(Args, Clone, Copy)]
#[command(next_help_heading = INPUT_OUTPUT)]
pub struct ReadingArgs {
    /// Delimiter of the columns of CSV inputs: one character, or `tab` [default: a comma]
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<Delimiter>,
    /// Quote character of CSV inputs: one character, or `none` [default: "]
    #[arg(long, value_name = "CHAR")]
    pub quote: Option<Quote>,
    /// How a quote inside a quoted text is escaped in CSV inputs: doubled or backslash [default:
    /// doubled]
    #[arg(long, value_name = "HOW", value_parser = words::<Escape>(&["doubled", "backslash"]))]
    pub escape: Option<Escape>,
    /// Decimal mark of numbers in inputs: `.` or `,`; thousands separators are then read, too [default: that
    /// of the model's training data, otherwise plain numbers such as 1234.5]
    #[arg(long, value_name = "CHAR")]
    pub decimal: Option<Decimal>,
    /// CSV inputs have no header line: the columns are named 1, 2, ...
    #[arg(long)]
    pub no_header: bool,
    /// Encoding of text inputs: utf-8, utf-16le, windows-1252, latin-1, ... [default: UTF-8, or what is
    /// detected]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<Encoding>,
}

#[derive(Args)]
#[command(next_help_heading = "Options of recsys")]
pub struct ListsArgs {
    /// Number of items per list [default: 20]
    #[arg(long, value_name = "K", value_parser = parse_count)]
    pub k: Option<usize>,
    /// A table of user_id, or `all` [default: the users in IN, without IN all]
    #[arg(long, value_name = "FILE|all", value_parser = parse_id_source)]
    pub users: Option<predict::IdSource>,
    /// List similar items instead: for the items in a table of item_id, or for `all`
    #[arg(long, value_name = "FILE|all", value_parser = parse_id_source, conflicts_with_all = ["users", "input", "allow", "deny"])]
    pub similar: Option<predict::IdSource>,
    /// A table of user_id and item_id: list only these items for these users
    #[arg(long, value_name = "FILE")]
    pub allow: Option<PathBuf>,
    /// A table of user_id and item_id: never list these items for these users
    #[arg(long, value_name = "FILE")]
    pub deny: Option<PathBuf>,
    /// A table of item_id: list only these items for anyone
    #[arg(long, value_name = "FILE")]
    pub only: Option<PathBuf>,
}

fn parse_id_source(text: &str) -> Result<predict::IdSource, String> {
    match text {
        "all" => Ok(predict::IdSource::All),
        "" => Err("expected a file or `all`".to_owned()),
        file => Ok(predict::IdSource::File(PathBuf::from(file))),
    }
}

fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=1_000_000).contains(&count) => Ok(count),
        _ => Err("expected a whole number from 1 to 1000000".to_owned()),
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum OnErrorArg {
    Fail,
    Skip,
}

/// Parses one of `words`, which `--help` lists.
fn words<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse())
}

fn parse_level(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(level) if level > 0.0 && level < 100.0 => Ok(level),
        _ => Err("expected a number above 0 and below 100".to_owned()),
    }
}

#[derive(Args)]
pub struct ExplainArgs {
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: String,
    /// Inputs to explain: texts (nlp), photos (cv), USER or USER/ITEM (recsys), series (ts) [default: one per
    /// line on stdin]
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Model file [default: the project's models/TASK.safetensors]
    #[arg(short, long, value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// cv: write each photo next to its tile map into this folder
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// Number of reasons to show, the strongest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
}

#[derive(Args)]
pub struct StagesArgs {
    /// Stages of dvc.yaml, or groups (`train` for train@nlp and the others) [default: all]
    #[arg(value_name = "STAGE", add = ArgValueCompleter::new(complete::stages))]
    pub targets: Vec<String>,
    /// Run the stages and what depends on them, instead of what they depend on
    #[arg(long)]
    pub downstream: bool,
    /// Run only these stages, without what they depend on
    #[arg(short, long, conflicts_with = "downstream")]
    pub single_item: bool,
    /// Wait until another run has ended
    #[arg(long)]
    pub wait: bool,
}

#[derive(Args)]
pub struct ReproArgs {
    #[command(flatten)]
    pub stages: StagesArgs,
    /// Run even stages that are up to date
    #[arg(short, long)]
    pub force: bool,
    /// Only print what would run, and why
    #[arg(long)]
    pub dry: bool,
    /// After a failure, continue with stages that do not depend on the failed one
    #[arg(short, long)]
    pub keep_going: bool,
    /// Run a stage even if the run cache has its outputs for the same inputs
    #[arg(long)]
    pub no_run_cache: bool,
    /// Number of stages to run at the same time
    #[arg(short, long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
}

#[derive(Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub stages: StagesArgs,
}

#[derive(Args)]
pub struct VerifyArgs {
    /// Stages of dvc.yaml, or groups [default: all]
    #[arg(value_name = "STAGE", add = ArgValueCompleter::new(complete::stages))]
    pub targets: Vec<String>,
    /// Wait until another run has ended
    #[arg(long)]
    pub wait: bool,
}
