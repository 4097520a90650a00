//! `easylife predict`: its arguments, as a batch or as answers on the terminal; and how input files are read.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use tables::{Decimal, Delimiter, Encoding, Escape, Format, Quote};

use super::args::{Global, task_names};
use super::model::ModelArgs;
use super::show::Verdict;
use crate::exit::{self, Exit};
use crate::for_task;
use crate::interrupt::Interrupt;
use crate::predict::{self, OnError, Port};
use crate::project::Project;
use crate::talk::Talk;
use crate::task;
use crate::tasks::Name;

/// Heading of the options for input and output.
const INPUT_OUTPUT: &str = "Input and output";

#[derive(Args)]
pub struct PredictArgs {
    #[arg(value_name = "TASK", value_parser = PossibleValuesParser::new(task_names(false)))]
    pub task: String,
    /// Inputs to answer on the terminal (with -o: as a batch): texts (nlp), photos (cv), users (recsys),
    /// series (ts), rows as `column=value,...` or as a JSON object (tabular)
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
    #[command(flatten)]
    pub model: ModelArgs,
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
    #[arg(long, help_heading = "Options of nlp and tabular")]
    pub all_classes: bool,
    /// Add this many reasons to each answer
    #[arg(long, help_heading = "Options of nlp and tabular", value_name = "K", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub explain: Option<u32>,
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

#[derive(Clone, Copy, ValueEnum)]
pub enum OnErrorArg {
    Fail,
    Skip,
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

fn parse_level(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(level) if level > 0.0 && level < 100.0 => Ok(level),
        _ => Err("expected a number above 0 and below 100".to_owned()),
    }
}

/// Parses one of `words`, which `--help` lists.
fn words<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse())
}

impl PredictArgs {
    pub(super) fn run(self, global: &Global, interrupt: &Interrupt, talk: &Talk) -> Result<Exit> {
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
        let request = self.request((input, output, reading), asked, (project.as_ref(), name))?;
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
        (input, output, reading): Ports,
        asked: Vec<String>,
        (project, name): (Option<&Project>, Name),
    ) -> Result<predict::Request> {
        let own = || for_task!(name, T => task::own_file::<T>(project));
        Ok(predict::Request {
            input,
            asked,
            output: output.unwrap_or(Port::Standard),
            model: self.model.reference(project, own)?,
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
                reasons: self.explain.map(|count| count as usize),
                horizon: self.horizon.map(|steps| steps as usize),
                levels: self.level,
                lists: self.lists.into(),
            },
        })
    }
}

/// Input, output and how tables are read.
type Ports = (Option<Port>, Option<Port>, tables::Reading);

impl ReadingArgs {
    pub(super) fn check(self) -> Result<tables::Reading> {
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

/// A path, or stdin or stdout for `-`.
fn port(path: &Path) -> Port {
    if path == Path::new("-") {
        Port::Standard
    } else {
        Port::File(path.to_owned())
    }
}
