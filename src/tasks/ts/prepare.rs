//! Preparation of `ts`: puts raw series on regular steps, checks them, and splits them into a training and a test part.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::pipeline::prepare::{
    Prepare, data_files, first_of, warn_excluded, write_part, write_table,
};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{TEST, TRAIN};
use crate::tasks::ts::params::{BadSeries, Params};
use crate::tasks::ts::{Ts, clock};
use tables::clock::{Axis, Clock, Frequency, Notation, Step};
use tables::{Column, DataType, Kind, Panel, Peeked, Problem, Series, shown};

/// The file of excluded series with their reasons.
const EXCLUDED: &str = "excluded.csv";

/// One series on regular steps.
struct Regular {
    id: String,
    first: i64,
    values: Vec<f64>,
    /// Values of the training part; the rest is the test part.
    train: usize,
}

/// Which values are in which part, and what was left out.
pub struct Parts {
    clock: Clock,
    series: Vec<Regular>,
    excluded: Vec<Excluded>,
}

/// A series that is left out.
struct Excluded {
    id: String,
    /// With file and line if they are known.
    reason: String,
}

/// The result of a split, in numbers.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    series: usize,
    frequency: String,
    train: usize,
    test: usize,
    /// Steps without a value.
    missing: usize,
    /// Rows that repeat another one.
    duplicates: usize,
    /// Number of series that are constant, have negative values, or are too short to be split.
    constant: usize,
    negative: usize,
    short: usize,
    /// Series without a value, or with bad rows.
    excluded: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} series, {}, {} train and {} test steps",
            self.series, self.frequency, self.train, self.test
        )?;
        for (count, what) in [
            (self.missing, "steps without a value"),
            (self.duplicates, "repeated rows"),
            (self.constant, "constant series"),
            (self.negative, "series with negative values"),
            (self.short, "series too short to be split"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        if self.excluded > 0 {
            write!(f, ", {} series left out ({EXCLUDED})", self.excluded)?;
        }
        Ok(())
    }
}

impl Prepare for Ts {
    type Summary = Summary;
    type Parts = Parts;

    fn data(project: &Project, params: &Params) -> Vec<PathBuf> {
        let data = &params.data;
        data_files(project, &data.source, data.test.as_deref())
    }

    fn split(project: &Project, params: &Params, talk: &Talk) -> Result<(Parts, Summary)> {
        let mut summary = Summary::default();
        let (clock, all, excluded) = regular_series(project, params, &mut summary, talk)?;
        talk.note(format!("ts: the series are {clock}"));
        let mut parts = Parts {
            clock,
            series: Vec::with_capacity(all.len()),
            excluded,
        };
        for (series, start) in all {
            match trim_start(series, &clock) {
                Ok(series) => {
                    let train = train_length(&series, &clock, params, start);
                    parts.series.push(Regular { train, ..series });
                }
                Err(id) => {
                    let reason = "it has no values".to_owned();
                    parts.excluded.push(Excluded::new(id, reason));
                }
            }
        }
        summarize(&parts, params, &mut summary);
        warn_about(&parts, &summary, talk);
        if parts.series.is_empty() {
            return Err(exit::data(format!(
                "{}: no series is left to train on",
                params.data.source
            )));
        }
        Ok((parts, summary))
    }

    fn write(parts: &Parts, folder: &Path) -> io::Result<()> {
        parts.write_part(&folder.join(TRAIN), |series| 0..series.train)?;
        parts.write_part(&folder.join(TEST), |series| {
            series.train..series.values.len()
        })?;
        clock::write(parts.clock, folder)?;
        let excluded = parts.excluded.iter();
        let excluded = excluded.map(|Excluded { id, reason }| [id, reason]);
        write_table(&folder.join(EXCLUDED), ["unique_id", "reason"], excluded)
    }
}

/// A series on regular steps, and the first time of its test part if there is a test file.
type Raw = (Regular, Option<i64>);

/// All series of the source, followed by their values in a test file, on regular steps; and those that are
/// left out.
fn regular_series(
    project: &Project,
    params: &Params,
    summary: &mut Summary,
    talk: &Talk,
) -> Result<(Clock, Vec<Raw>, Vec<Excluded>)> {
    let data = &params.data;
    let (mut panel, starts) = read(project, params, talk)?;
    let mut excluded = Vec::new();
    let mut tidied = Vec::with_capacity(panel.series.len());
    for (mut series, start) in std::mem::take(&mut panel.series).into_iter().zip(starts) {
        let tidy = refuse_bad_rows(&mut series)
            .and_then(|()| start.map_err(|problem| describe_problem(&panel, &series.id, problem)))
            .and_then(|start| match series.tidy(data.duplicates) {
                Ok(merged) => Ok((start, merged)),
                Err(problem) => Err(describe_problem(&panel, &series.id, problem)),
            });
        match tidy {
            Ok((start, merged)) => {
                summary.duplicates += merged;
                tidied.push((series, start));
            }
            Err(reason) => excluded.push(Excluded::new(series.id, reason)),
        }
    }
    let axis = panel.axis.unwrap_or(Axis::Whole);
    let clock = match &params.frequency {
        Some(said) => said
            .clock(axis)
            .map_err(|reason| exit::usage(format!("{reason} ({})", data.source)))?,
        None => source_clock(&tidied, axis),
    };
    if Clock::new(clock.axis, clock.step).is_none() {
        return Err(exit::data(format!(
            "{}: the steps are too wide ({clock}); give times in a coarser unit, for example nanoseconds \
             since 1970 as times like 2024-02-29T12:00:00",
            data.source
        )));
    }
    let mut all = Vec::with_capacity(tidied.len());
    for (series, start) in tidied {
        let regular = refuse_by_clock(&series, &clock, params.frequency.as_ref())
            .and_then(|()| {
                series.refuse_other_clock(source_rows(&series, start), &clock, data.gaps)
            })
            .and_then(|()| series.refuse_sparse(&clock, data.gaps))
            .and_then(|()| refuse_tiny(&series))
            .and_then(|()| series.regular(&clock, data.gaps));
        match regular {
            Ok(values) => {
                let first = series.times[0];
                all.push((Regular::new(series.id, first, values), start));
            }
            Err(problem) => {
                let reason = describe_problem(&panel, &series.id, problem);
                excluded.push(Excluded::new(series.id, reason));
            }
        }
    }
    if data.bad_series == BadSeries::Error {
        refuse_excluded(&excluded)?;
    }
    Ok((clock, all, excluded))
}

/// Refuses a series that does not have the given frequency or, without one, that of the other series.
fn refuse_by_clock(
    series: &Series,
    clock: &Clock,
    said: Option<&Frequency>,
) -> std::result::Result<(), Problem> {
    match (said, series.times.first()) {
        (Some(said), Some(&first)) => said.check(clock.axis, first).map_err(|reason| Problem {
            mark: series.marks[0],
            reason,
        }),
        _ => series
            .refuse_other_days(clock)
            .and_then(|()| series.refuse_late_days(clock)),
    }
}

/// The clock of the source, which the rows of a test file must be on.
fn source_clock(series: &[(Series, Option<i64>)], axis: Axis) -> Clock {
    let all = Clock::infer(axis, series.iter().map(|(series, _)| &series.times[..]));
    let of_source =
        (series.iter()).map(|(series, start)| &series.times[..source_rows(series, *start)]);
    if series.iter().all(|(_, start)| start.is_none()) || of_source.clone().all(|t| t.len() < 2) {
        return all;
    }
    let source = Clock::infer(axis, of_source);
    match (source.step, all.step) {
        // With few months it may be unknown whether they end on the last day.
        (Step::Months { count: a, .. }, Step::Months { count: b, .. }) if a == b => all,
        _ => source,
    }
}

/// Number of rows of a sorted series from the source; those from `start` on are from the test file.
fn source_rows(series: &Series, start: Option<i64>) -> usize {
    let before = |start| series.times.partition_point(|&time| time < start);
    start.map_or(series.times.len(), before)
}

/// The first time of a series in a test file.
type Start = std::result::Result<Option<i64>, Problem>;

/// Reads the source and the test file; for each series the first time of its test part.
fn read(project: &Project, params: &Params, talk: &Talk) -> Result<(Panel, Vec<Start>)> {
    let data = &params.data;
    let mut panel = Panel::default();
    panel.format = data.date_format.given();
    let add = |panel: &mut Panel, name: &str| -> Result<()> {
        let mut source = Peeked::new(tables::open_with(&project.path(name), data.reading())?);
        let columns = params.shape.columns(&mut source, talk)?;
        Ok(panel.read(&mut source, &columns)?)
    };
    add(&mut panel, &data.source)?;
    let rows: Vec<usize> = panel.series.iter().map(|s| s.times.len()).collect();
    if let Some(test) = &data.test {
        add(&mut panel, test)?;
    }
    panel.refuse_unread()?;
    if let Some(fault) = panel.fault.take() {
        return Err(first_of(fault.rows, "bad rows", fault.first.into()));
    }
    if panel.rows == 0 {
        return Err(exit::data(format!("{} holds no rows", data.source)));
    }
    let notation = panel
        .read_numbers()
        .map_err(|reason| exit::data(format!("{}: {reason}", data.source)))?;
    if notation != Notation::Number {
        talk.note(format!(
            "ts: the times are read as {notation} (set ts.data.date_format: number to read plain \
            numbers)"
        ));
    }
    let start = |(index, series): (usize, &Series)| {
        test_start(series, rows.get(index).copied().unwrap_or(0))
    };
    let starts = panel.series.iter().enumerate().map(start).collect();
    Ok((panel, starts))
}

/// The first `known` rows are from the source, the others from the test file.
fn test_start(series: &Series, known: usize) -> Start {
    let Some(start) = series.times[known..].iter().copied().min() else {
        return Ok(None);
    };
    let problem = |reason: &str| Problem {
        mark: series.marks[known],
        reason: reason.to_owned(),
    };
    match series.times[..known].iter().max() {
        None => Err(problem(
            "it is only in the test file; add its past to the source",
        )),
        Some(&last) if start <= last => Err(problem(
            "its rows in the test file do not start after its end in the source",
        )),
        Some(_) => Ok(Some(start)),
    }
}

/// Refuses a series with rows that could not be read.
fn refuse_bad_rows(series: &mut Series) -> std::result::Result<(), String> {
    let Some(fault) = series.fault.take() else {
        return Ok(());
    };
    let first = fault.first.to_string().replace("TASK.", "ts.");
    Err(match fault.rows {
        1 => first,
        rows => format!("{first}; {} more rows of it are bad", rows - 1),
    })
}

/// Largest value of a series below which its squares, and so its intervals, would be zero.
const SMALLEST: f64 = 1e-100;

/// Refuses a series whose values are all too small to be squared.
fn refuse_tiny(series: &Series) -> std::result::Result<(), Problem> {
    let sizes = series.values.iter().map(|y| y.abs()).enumerate();
    let known = sizes.filter(|(_, size)| size.is_finite());
    match known.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
        Some((row, size)) if size > 0.0 && size < SMALLEST => {
            let reason = format!(
                "its largest value, {size:e}, is too small to be squared; give it in another unit"
            );
            Err(series.problem(row, reason))
        }
        _ => Ok(()),
    }
}

fn describe_problem(panel: &Panel, id: &str, problem: Problem) -> String {
    let place = panel.place(problem.mark);
    format!("{place}: series `{}`: {}", shown(id), problem.reason)
}

/// Refuses the data if series are left out: names the first and counts all.
fn refuse_excluded(excluded: &[Excluded]) -> Result<()> {
    let Some(first) = excluded.first() else {
        return Ok(());
    };
    Err(first_of(
        excluded.len(),
        "bad series (ts.data.bad_series: skip leaves them out)",
        exit::data(first.reason.clone()),
    ))
}

/// Removes missing values at the start of a series.
///
/// # Errors
/// The id of a series without values.
fn trim_start(mut series: Regular, clock: &Clock) -> std::result::Result<Regular, String> {
    let Some(start) = series.values.iter().position(|y| y.is_finite()) else {
        return Err(series.id);
    };
    series.first = clock.at(series.first, start as i64).unwrap_or(series.first);
    series.values.drain(..start);
    Ok(series)
}

/// Number of values of a series in its training part.
fn train_length(series: &Regular, clock: &Clock, params: &Params, start: Option<i64>) -> usize {
    let length = series.values.len();
    let train = match (&params.data.test, start) {
        (Some(_), Some(start)) => clock
            .steps(series.first, start)
            .map_or(0, |s| s.max(0) as usize),
        (None, _) if length > params.test_steps => length - params.test_steps,
        _ => length,
    };
    // With a training part without values, the whole series is used for training.
    let known = series.values[..train].iter().any(|y| y.is_finite());
    if known { train } else { length }
}

fn summarize(parts: &Parts, params: &Params, summary: &mut Summary) {
    let split = params.test_steps > 0 || params.data.test.is_some();
    summary.series = parts.series.len();
    summary.frequency = parts.clock.to_string();
    summary.excluded = parts.excluded.len();
    for series in &parts.series {
        summary.train += series.train;
        summary.test += series.values.len() - series.train;
        let known = || series.values.iter().filter(|y| y.is_finite());
        summary.missing += series.values.len() - known().count();
        summary.constant += usize::from(known().all(|y| *y == series.values[0]));
        summary.negative += usize::from(known().any(|y| *y < 0.0));
        summary.short += usize::from(split && series.train == series.values.len());
    }
}

fn warn_about(parts: &Parts, summary: &Summary, talk: &Talk) {
    let excluded = parts.excluded.iter();
    let excluded =
        excluded.map(|Excluded { id, reason }| format!("series `{}`: {reason}", shown(id)));
    warn_excluded(excluded, EXCLUDED, talk);
    if summary.short > 0 {
        talk.warn(format!(
            "{} series have no test part: they are too short or have no later values; all their values are \
             used for training",
            summary.short
        ));
    }
}

impl Regular {
    fn new(id: String, first: i64, values: Vec<f64>) -> Self {
        Self {
            id,
            first,
            train: values.len(),
            values,
        }
    }
}

impl Excluded {
    fn new(id: String, reason: String) -> Self {
        Self { id, reason }
    }
}

impl Parts {
    fn write_part(
        &self,
        path: &Path,
        range: impl Fn(&Regular) -> std::ops::Range<usize>,
    ) -> io::Result<()> {
        let columns = [
            Column::typed("unique_id", DataType::Text),
            Column::typed("ds", DataType::Text),
            Column::typed("y", DataType::Float),
        ];
        let series = self.series.iter();
        let steps = series.flat_map(|series| range(series).map(move |t| (series, t)));
        write_part(path, &columns, steps, |(series, t), row| {
            let time = self.clock.at(series.first, t as i64);
            row.push(Kind::Text, &series.id);
            row.push(Kind::Text, &self.clock.text(time.unwrap_or(series.first)));
            match series.values[t] {
                y if y.is_finite() => row.push_number(y),
                _ => row.push(Kind::Null, ""),
            }
        })
    }
}
