//! `easylife drift`: its arguments.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use monitoring::drift::DriftOptions;

use super::args::Global;
use super::predict::ReadingArgs;
use super::show::Verdict;
use crate::exit::Exit;
use crate::monitor::drift::{self, Asked, Period, Placing};
use crate::talk::Talk;

#[derive(Args)]
pub struct DriftArgs {
    /// The table to compare with: file or folder
    #[arg(value_name = "REF")]
    pub reference: PathBuf,
    /// The table that may have changed
    #[arg(value_name = "CUR")]
    pub current: PathBuf,
    /// Compare windows of so many rows each [default: all rows at once]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "by")]
    pub window: Option<u64>,
    /// Compare windows by the time in this column
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<String>,
    /// Length of the windows of --by: hour, day, week, month, or 6h, 2d, 1w, 3mo
    #[arg(long, value_name = "PERIOD", requires = "by", default_value = "day")]
    pub every: Period,
    /// Share of windows with a false alarm if nothing has changed
    #[arg(long, value_name = "SHARE", default_value_t = DriftOptions::default().alpha)]
    pub alpha: f64,
    /// Smallest Jensen-Shannon distance that counts, however certain it is
    #[arg(long, value_name = "DISTANCE", default_value_t = DriftOptions::default().floor)]
    pub floor: f64,
    /// A column that is not compared; may be repeated
    #[arg(long, value_name = "COLUMN")]
    pub skip: Vec<String>,
    /// Estimate the performance of a model: the column that it predicts, in REF for every row, in CUR as far as it is
    /// known
    #[arg(long, value_name = "COLUMN", help_heading = "Performance of a model")]
    pub target: Option<String>,
    /// The column of what it predicted [default: the class with the highest score]
    #[arg(
        long,
        value_name = "COLUMN",
        help_heading = "Performance of a model",
        requires = "target"
    )]
    pub prediction: Option<String>,
    /// The column of its probability: of the second of two classes (1, of 0 and 1), or one for each class
    #[arg(
        long,
        value_name = "[CLASS=]COLUMN",
        help_heading = "Performance of a model",
        requires = "target"
    )]
    pub score: Vec<String>,
    /// Page (.html) or figures (.json) to write
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

impl DriftArgs {
    pub(super) fn run(self, global: &Global, talk: &Talk) -> Result<Exit> {
        global.start_threads()?;
        let placing = match (self.window, self.by) {
            (Some(rows), _) => Placing::Rows(rows),
            (None, Some(column)) => Placing::Time {
                column,
                every: self.every,
            },
            (None, None) => Placing::Whole,
        };
        let request = drift::Request {
            reference: self.reference,
            current: self.current,
            reading: self.reading.check()?,
            options: DriftOptions {
                alpha: self.alpha,
                floor: self.floor,
                ..DriftOptions::default()
            },
            placing,
            skip: self.skip,
            performance: self.target.map(|target| Asked {
                target,
                prediction: self.prediction,
                scores: self.score.iter().map(|score| named(score)).collect(),
            }),
            output: self.output,
        };
        let drifted = drift::run(&request, talk)?;
        let has_drifted = drifted.has_drifted();
        global.show_result(&drifted, Verdict::of(!has_drifted))?;
        Ok(if has_drifted { Exit::Drift } else { Exit::Done })
    }
}

/// A column, or a class and its column.
fn named(score: &str) -> (Option<String>, String) {
    match score.split_once('=') {
        Some((class, column)) => (Some(class.to_owned()), column.to_owned()),
        None => (None, score.to_owned()),
    }
}
