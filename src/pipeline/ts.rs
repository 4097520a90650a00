//! `ts` before training: sample demand, and raw series put on regular steps, checked and split.

mod sample;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::prepare::Prepare;
use crate::data::clock::{Axis, Clock};
use crate::data::{
    self, Column, Compression, DataType, Format, Kind, Panel, Row, Series, SeriesColumns,
    read_series,
};
use crate::exit;
use crate::params::ts::{DataBlock, Duplicates, Gaps, Params};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{TEST, TRAIN, Ts};

/// Series that are in no part, and why.
const EXCLUDED: &str = "excluded.csv";
/// Steps of a series at most for each row of it; beyond, its rows are no regular series.
const SPREAD: usize = 2;
/// Steps below which that is not asked.
const SHORT: usize = 12;

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
    /// Id and reason.
    excluded: Vec<[String; 2]>,
}

/// What came out of a split.
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
    /// Series with all values alike, with negative ones, and too short to be split.
    constant: usize,
    negative: usize,
    short: usize,
    /// Series without a value.
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

fn columns(data: &DataBlock) -> SeriesColumns {
    SeriesColumns {
        id: data.id.clone(),
        time: data.time.clone(),
        value: data.value.clone(),
    }
}

fn read(project: &Project, source: &str, data: &DataBlock) -> Result<Panel> {
    let mut source = data::open(&project.path(source))?;
    Ok(read_series(source.as_mut(), &columns(data))?)
}

impl Prepare for Ts {
    type Summary = Summary;
    type Parts = Parts;

    fn split(project: &Project, params: &Params, talk: &Talk) -> Result<(Parts, Summary)> {
        let data = &params.data;
        let mut panel = read(project, &data.source, data)?;
        let mut summary = Summary::default();
        tidy(&mut panel, data.duplicates, &mut summary)?;
        let axis =
            (panel.axis).ok_or_else(|| exit::data(format!("{}: there are no rows", panel.file)))?;
        let mut starts: HashMap<String, i64> = HashMap::new();
        if let Some(test) = &data.test {
            let mut test = read(project, test, data)?;
            tidy(&mut test, data.duplicates, &mut summary)?;
            starts = append(&mut panel, test)?;
        }
        let clock = Clock::infer(axis, panel.series.iter().map(|series| &series.times[..]));
        talk.note(format!("ts: the series are {clock}"));
        let mut parts = Parts {
            clock,
            series: Vec::new(),
            excluded: Vec::new(),
        };
        for series in std::mem::take(&mut panel.series) {
            let test_from = starts.get(&series.id).copied();
            match regular(series, &clock, data, &panel.file)? {
                Ok(series) => {
                    let series = cut(series, &clock, params, test_from, &mut summary);
                    parts.series.push(series);
                }
                Err(id) => parts
                    .excluded
                    .push([id, "it has no value at all".to_owned()]),
            }
        }
        summarize(&parts, &mut summary);
        report(&parts, &summary, talk);
        if parts.series.is_empty() {
            return Err(exit::data(format!(
                "{}: no series has a value, so there is nothing to learn from",
                panel.file
            )));
        }
        Ok((parts, summary))
    }

    fn write(parts: &Parts, folder: &Path) -> io::Result<()> {
        parts.write_part(&folder.join(TRAIN), |series| 0..series.train)?;
        parts.write_part(&folder.join(TEST), |series| {
            series.train..series.values.len()
        })?;
        let mut out = csv::Writer::from_path(folder.join(EXCLUDED))?;
        out.write_record(["unique_id", "reason"])?;
        for pair in &parts.excluded {
            out.write_record(pair)?;
        }
        out.flush()
    }
}

/// Sorts each series and makes one row of those of one time.
fn tidy(panel: &mut Panel, treatment: Duplicates, summary: &mut Summary) -> Result<()> {
    let file = panel.file.clone();
    for series in &mut panel.series {
        series.sort();
        if series.times.windows(2).any(|pair| pair[0] == pair[1]) {
            summary.duplicates += merge(series, treatment).map_err(|(a, b)| {
                exit::data(format!(
                    "{file}:{}: series `{}` has another value for the time of line {}; keep one of \
                     them, or say how they are to be joined with ts.data.duplicates: sum, mean, \
                     first or last",
                    b, series.id, a
                ))
            })?;
        }
    }
    Ok(())
}

/// How many rows repeated another one; the lines of two that contradict each other.
fn merge(series: &mut Series, treatment: Duplicates) -> Result<usize, (u32, u32)> {
    let rows = series.times.len();
    let mut merged = Series {
        id: std::mem::take(&mut series.id),
        ..Series::default()
    };
    let mut start = 0;
    while start < rows {
        let mut end = start + 1;
        while end < rows && series.times[end] == series.times[start] {
            end += 1;
        }
        let group = &series.values[start..end];
        let same = |value: &f64| value.to_bits() == group[0].to_bits();
        let value = match treatment {
            _ if group.iter().all(same) && treatment != Duplicates::Sum => group[0],
            Duplicates::Error => {
                let other = group.iter().position(|value| !same(value)).unwrap_or(0);
                series.id = merged.id;
                return match group.iter().all(same) {
                    true => Ok(0),
                    false => Err((series.lines[start], series.lines[start + other])),
                };
            }
            Duplicates::First => group[0],
            Duplicates::Last => group[group.len() - 1],
            Duplicates::Sum | Duplicates::Mean => {
                let known: Vec<f64> = group.iter().copied().filter(|y| y.is_finite()).collect();
                let sum: f64 = known.iter().sum();
                match (known.len(), treatment) {
                    (0, _) => f64::NAN,
                    (count, Duplicates::Mean) => sum / count as f64,
                    _ => sum,
                }
            }
        };
        merged.times.push(series.times[start]);
        merged.values.push(value);
        merged.lines.push(series.lines[start]);
        start = end;
    }
    let removed = rows - merged.times.len();
    *series = merged;
    Ok(removed)
}

/// Puts the rows of a test file behind those of the source; the first test time of each series.
fn append(panel: &mut Panel, test: Panel) -> Result<HashMap<String, i64>> {
    if test.axis.is_some() && test.axis != panel.axis {
        let named = |axis: Option<Axis>| axis.map_or(String::new(), |axis| axis.to_string());
        return Err(exit::data(format!(
            "{}: its times are each {}, those of {} {}",
            test.file,
            named(test.axis),
            panel.file,
            named(panel.axis)
        )));
    }
    let mut known: HashMap<String, usize> = HashMap::new();
    for (index, series) in panel.series.iter().enumerate() {
        known.insert(series.id.clone(), index);
    }
    let mut starts = HashMap::new();
    for mut late in test.series {
        let line = late.lines[0];
        let place = format!("{}:{line}: series `{}`", test.file, late.id);
        let index = *known.get(&late.id).ok_or_else(|| {
            exit::data(format!("{place} is not in {}; remove it there", panel.file))
        })?;
        let series = &mut panel.series[index];
        let last = series.times.last().copied().unwrap_or(i64::MIN);
        if late.times[0] <= last {
            return Err(exit::data(format!(
                "{place} does not begin after the end of the series in {}",
                panel.file
            )));
        }
        starts.insert(late.id.clone(), late.times[0]);
        series.times.append(&mut late.times);
        series.values.append(&mut late.values);
        series.lines.append(&mut late.lines);
    }
    Ok(starts)
}

/// The series on the steps of `clock`, without missing values at its ends; its id where it has no
/// value.
fn regular(
    series: Series,
    clock: &Clock,
    data: &DataBlock,
    file: &str,
) -> Result<std::result::Result<Regular, String>> {
    let place = |index: usize| format!("{file}:{}: series `{}`", series.lines[index], series.id);
    let first = series.times[0];
    let last = series.times.len() - 1;
    let steps = clock.steps(first, series.times[last]);
    let span = steps.map_or(usize::MAX, |steps| steps as usize);
    if data.gaps == Gaps::Missing && span > SHORT && span / SPREAD > series.times.len() {
        return Err(exit::data(format!(
            "{}: {} rows lie {span} steps apart ({clock}): two frequencies in one file, a wrong \
             time, or rows only where there was demand; for the last set ts.data.gaps: zero",
            place(last),
            series.times.len(),
        )));
    }
    let mut values = series.regular(clock).map_err(|index| {
        exit::data(format!(
            "{}: {} is not on the regular steps of the series ({clock})",
            place(index),
            clock.text(series.times[index])
        ))
    })?;
    if data.gaps == Gaps::Zero {
        let mut rows = vec![false; values.len()];
        for &time in &series.times {
            if let Some(step) = clock.steps(first, time) {
                rows[step as usize] = true;
            }
        }
        for (value, row) in values.iter_mut().zip(rows) {
            if !row {
                *value = 0.0;
            }
        }
    }
    let Some(start) = values.iter().position(|y| y.is_finite()) else {
        return Ok(Err(series.id));
    };
    let first = clock.at(first, start as i64).unwrap_or(first);
    values.drain(..start);
    Ok(Ok(Regular {
        id: series.id,
        first,
        train: values.len(),
        values,
    }))
}

/// Where the training part of a series ends.
fn cut(
    mut series: Regular,
    clock: &Clock,
    params: &Params,
    test_from: Option<i64>,
    summary: &mut Summary,
) -> Regular {
    let length = series.values.len();
    let train = match (&params.data.test, test_from) {
        (Some(_), Some(start)) => clock.steps(series.first, start).map_or(0, |s| s as usize),
        (Some(_), None) => length,
        (None, _) if length > params.test_steps => length - params.test_steps,
        (None, _) => {
            summary.short += usize::from(params.test_steps > 0);
            length
        }
    };
    // A part without a value teaches nothing: all of it goes into training.
    let known = series.values[..train.min(length)]
        .iter()
        .any(|y| y.is_finite());
    series.train = if known { train } else { length };
    series
}

fn summarize(parts: &Parts, summary: &mut Summary) {
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
    }
}

fn report(parts: &Parts, summary: &Summary, talk: &Talk) {
    const SHOWN: usize = 5;
    for [id, reason] in parts.excluded.iter().take(SHOWN) {
        talk.warn(format!("left out: series `{id}`: {reason}"));
    }
    if parts.excluded.len() > SHOWN {
        talk.warn(format!(
            "and {} more, listed in {EXCLUDED}",
            parts.excluded.len() - SHOWN
        ));
    }
    if summary.short > 0 {
        talk.warn(format!(
            "{} series are no longer than ts.split.test and have no test part; all of them is \
             trained on",
            summary.short
        ));
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
        let file = std::fs::File::create(path)?;
        let mut sink = data::create(file, Format::Csv, Compression::None, &columns, true)?;
        let mut row = Row::new();
        for series in &self.series {
            for t in range(series) {
                let time = self.clock.at(series.first, t as i64);
                row.clear();
                row.push(Kind::Text, &series.id);
                row.push(Kind::Text, &self.clock.text(time.unwrap_or(series.first)));
                match series.values[t] {
                    y if y.is_finite() => row.push_float(y),
                    _ => row.push(Kind::Null, ""),
                }
                sink.write(&row)?;
            }
        }
        sink.finish()
    }
}
