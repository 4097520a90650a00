//! `easylife runs`: its arguments; and how `train` and `evaluate` are told whether to record themselves.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::args::{Global, task_names};
use super::model::settings_file;
use super::show::Verdict;
use crate::eval::compare::side::Record;
use crate::eval::compare::{self, Side, Sides};
use crate::exit::Exit;
use crate::project::Project;
use crate::runs::{self, Filter, Selection, Settings};
use ::registry::runs::{Run, Value};

/// Runs that the table shows by default.
const SHOWN: usize = 20;

/// Whether a verb records its run.
#[derive(Args)]
pub struct RecordArgs {
    /// Settings to read [default: easylife.toml of the project, if there is one]
    #[arg(long, value_name = "FILE", env = "EASYLIFE_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Keep records of so many runs of each task, the newest; 0: record none [default: all]
    #[arg(long, value_name = "N", env = "EASYLIFE_RUNS_KEEP", hide_env = true)]
    pub runs_keep: Option<usize>,
}

impl RecordArgs {
    /// The settings in a project.
    pub(super) fn settings(&self, project: &Project) -> Result<Settings> {
        let file = settings_file(self.config.as_deref(), Some(project));
        let keep = self.runs_keep;
        Settings::new(file.as_deref(), Settings { keep })
    }
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    #[command(subcommand)]
    pub what: Option<What>,
    #[command(flatten)]
    pub table: TableArgs,
}

#[derive(Subcommand)]
pub enum What {
    /// All that is recorded of a run
    Show {
        /// An id or how it begins, or `latest`
        #[arg(value_name = "RUN")]
        run: String,
    },
    /// Compare two runs: metrics, parameters and data that differ, and whether intervals overlap
    Compare {
        /// An id or how it begins, or `latest`
        #[arg(value_name = "A")]
        a: String,
        /// Another one
        #[arg(value_name = "B", default_value = "latest")]
        b: String,
    },
    /// Write runs as CSV, with all metrics and parameters
    Export {
        /// The file [default: stdout]
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,
        #[command(flatten)]
        which: WhichArgs,
    },
    /// Send runs that wait to the MLflow server of MLFLOW_TRACKING_URI; exit 1 if some remain
    #[cfg(feature = "mlflow")]
    Sync {
        /// Wait until another process that is sending has ended
        #[arg(long)]
        wait: bool,
    },
    /// Read every record; exit 4 if one is damaged
    Check {
        /// Remove what killed writers left behind, first
        #[arg(long)]
        repair: bool,
    },
}

#[derive(Args)]
pub struct TableArgs {
    /// Columns instead of the first metrics: metrics, parameters (nlp.model.kind), seconds, peak_memory, ...
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Show so many [default: 20]
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub limit: Option<usize>,
    /// Show all
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args)]
pub struct WhichArgs {
    /// Runs of this task
    #[arg(long, value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: Option<String>,
    /// Runs of this verb
    #[arg(long, value_name = "VERB", value_parser = PossibleValuesParser::new(["train", "evaluate"]))]
    pub verb: Option<String>,
    /// Runs that meet a condition, such as accuracy>=0.9 or nlp.model.kind=linear; repeatable
    #[arg(long = "where", value_name = "CONDITION")]
    pub filters: Vec<Filter>,
    /// Sort by a metric or parameter, the greatest first [default: by time, the newest first]
    #[arg(long, value_name = "KEY")]
    pub sort: Option<String>,
    /// In the opposite order
    #[arg(long)]
    pub reverse: bool,
}

impl WhichArgs {
    fn selection(self, limit: Option<usize>) -> Selection {
        Selection {
            task: self.task,
            verb: self.verb,
            filters: self.filters,
            sort: self.sort,
            reverse: self.reverse,
            limit,
        }
    }
}

impl RunsArgs {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let project = Project::open(&global.selection())?;
        match self.what {
            None => {
                let TableArgs {
                    columns,
                    limit,
                    all,
                    which,
                } = self.table;
                let limit = (!all).then(|| limit.unwrap_or(SHOWN));
                global.show(&runs::list(&project, &which.selection(limit), &columns)?)?;
            }
            Some(What::Show { run }) => global.show(&runs::show(&project, &run)?)?,
            Some(What::Compare { a, b }) => {
                let side = |word: &str| Ok::<_, anyhow::Error>(side(runs::find(&project, word)?));
                let sides = Sides {
                    a: side(&a)?,
                    b: side(&b)?,
                };
                let tasks = compare_tasks();
                global.show(&compare::run(&sides, &tasks, project.params().seed)?)?;
            }
            Some(What::Export { output, which }) => {
                let selection = which.selection(None);
                let mut stdout = io::stdout().lock();
                let file = output.as_deref();
                let exported = runs::export(&project, &selection, file, &mut stdout)?;
                if file.is_some() {
                    global.show_result(&exported, Verdict::Fine)?;
                }
            }
            #[cfg(feature = "mlflow")]
            Some(What::Sync { wait }) => {
                let synced = runs::sync(&project, wait)?;
                global.show_result(&synced, Verdict::of(synced.is_complete()))?;
                if !synced.is_complete() {
                    return Ok(Exit::Failed);
                }
            }
            Some(What::Check { repair }) => {
                let checked = runs::check(&project, repair)?;
                global.show_result(&checked, Verdict::of(checked.is_clean()))?;
                if !checked.is_clean() {
                    return Ok(Exit::Data);
                }
            }
        }
        Ok(Exit::Done)
    }
}

/// The tasks that can be compared.
fn compare_tasks() -> Vec<compare::TaskOutcomes> {
    crate::tasks::ALL
        .iter()
        .map(super::compare::outcomes)
        .collect()
}

/// A run as a side of a comparison.
fn side(run: Run) -> Side {
    let started = run.started.strftime("%Y-%m-%d %H:%M UTC");
    let name = format!("{} ({} {}, {started})", run.id, run.verb, run.task);
    let mut metrics = serde_json::Map::new();
    let mut intervals = serde_json::Map::new();
    for metric in &run.metrics {
        metrics.insert(metric.name.clone(), json!(metric.value));
        if let (Some(low), Some(high)) = (metric.low, metric.high) {
            intervals.insert(metric.name.clone(), json!({"low": low, "high": high}));
        }
    }
    metrics.insert("intervals".to_owned(), Json::Object(intervals));
    let files = run.digests.data.iter().chain(&run.digests.model);
    let mut data: BTreeMap<String, Json> = { files }
        .map(|file| (file.path.clone(), json!(file.sha256)))
        .collect();
    if let Some(git) = &run.git {
        data.insert("commit".to_owned(), json!(git.commit));
    }
    Side::of_run(
        name,
        Record {
            metrics: Json::Object(metrics),
            parameters: { run.params.into_iter() }
                .map(|(key, value)| (key, json_of(value)))
                .collect(),
            data,
            task: run.task,
        },
    )
}

fn json_of(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(number) => json!(number),
        Value::Big(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Text(text) => json!(text),
    }
}
