//! Forecasts of `ts`: a series a record, answered by a row a step.
//!
//! The model knows its series; an input gives newer values, which move the states without fitting
//! again. A series that cannot be forecast by its models gets the seasonal naive forecast, and is
//! listed.

use std::collections::HashMap;
use std::io;

use anyhow::{Context, Result};
use xxhash_rust::xxh3::Xxh3;

use super::{Answers, Job, Lister, OnError, Pace, Port, Predict, Reject, Request};
use crate::artifact::Header;
use crate::data::clock::Clock;
use crate::data::{
    self, Column, Compression, DataType, Format, Kind, Panel, ReadError, Row, Series,
    SeriesColumns, Source, read_series,
};
use crate::exit;
use crate::models::ts::{Forecaster, Saved};
use crate::talk::Talk;
use crate::task::Ts;

/// Bounds that are given unless asked otherwise, in per cent.
const LEVELS: [f64; 2] = [80.0, 95.0];

impl Predict for Ts {
    const ON_ERROR: OnError = OnError::Skip;
    const NEEDS_INPUT: bool = false;

    fn job(model: Saved, header: &Header, request: &Request, talk: &Talk) -> Result<Job> {
        let clock = Clock::from_numbers(&model.clock)
            .context("the model says no steps of time; train it again with `easylife train ts`")?;
        let newer = match &request.input {
            Some(port) => Some(open(port, request.format, header)?),
            None => None,
        };
        let (values, problems, context) = match newer {
            Some(panel) => newer_values(&model, &clock, panel, talk)?,
            None => (HashMap::new(), HashMap::new(), String::new()),
        };
        let levels = match request.options.levels.as_slice() {
            [] => LEVELS.to_vec(),
            asked => asked.to_vec(),
        };
        let mut columns = vec![
            Column::typed("unique_id", DataType::Text),
            Column::typed("ds", DataType::Text),
            Column::typed("mean", DataType::Float),
        ];
        for level in &levels {
            columns.push(Column::typed(format!("lo-{level}"), DataType::Float));
            columns.push(Column::typed(format!("hi-{level}"), DataType::Float));
        }
        let source = Known {
            ids: model.ids.clone(),
            next: 0,
            columns: vec![Column::typed("unique_id", DataType::Text)],
        };
        Ok(Job {
            source: Box::new(source),
            answers: Answers::Lists(Box::new(Forecasts {
                horizon: request.options.horizon.unwrap_or(model.model.horizon),
                levels,
                columns,
                clock,
                values,
                problems,
                model,
            })),
            context,
        })
    }
}

fn open(port: &Port, format: Option<Format>, header: &Header) -> Result<Panel> {
    let mut source = match port {
        Port::File(path) => data::open(path)?,
        Port::Standard => data::open_as(
            Box::new(io::stdin()),
            "stdin",
            format.unwrap_or(Format::Csv),
            Compression::None,
        )?,
    };
    // The model knows the columns it was trained on; without a project nothing else does.
    let name = |key: &str, usual: &str| {
        let name = header.parameters["data"][key].as_str();
        name.unwrap_or(usual).to_owned()
    };
    let columns = SeriesColumns {
        id: name("id", "unique_id"),
        time: name("time", "ds"),
        value: name("value", "y"),
    };
    Ok(read_series(source.as_mut(), &columns)?)
}

/// Values behind the end of each series by its number, what is wrong with some, and a digest.
type Newer = (HashMap<usize, Vec<f64>>, HashMap<usize, String>, String);

fn newer_values(model: &Saved, clock: &Clock, panel: Panel, talk: &Talk) -> Result<Newer> {
    if panel.axis.is_some_and(|axis| axis != clock.axis) {
        return Err(exit::data(format!(
            "{}: the model's times are each {}",
            panel.file, clock.axis
        )));
    }
    let numbers: HashMap<&str, usize> = model.ids.iter().map(String::as_str).zip(0..).collect();
    let (mut values, mut problems) = (HashMap::new(), HashMap::new());
    let mut digest = Xxh3::new();
    let mut unknown = 0;
    for mut series in panel.series {
        let Some(&number) = numbers.get(series.id.as_str()) else {
            unknown += 1;
            continue;
        };
        series.sort();
        for (time, value) in series.times.iter().zip(&series.values) {
            digest.update(&(number as u64).to_le_bytes());
            digest.update(&time.to_le_bytes());
            digest.update(&value.to_le_bytes());
        }
        match behind(&series, clock, model.ends[number]) {
            Ok(newer) => {
                values.insert(number, newer);
            }
            Err(reason) => {
                problems.insert(number, format!("{}:{reason}", panel.file));
            }
        }
    }
    if unknown > 0 {
        talk.warn(format!(
            "{}: {unknown} series are not in the model and get no forecast; train again with them",
            panel.file
        ));
    }
    Ok((values, problems, format!("{:016x}", digest.digest())))
}

/// The values of `series` behind `end`, NaN where a step has none.
fn behind(series: &Series, clock: &Clock, end: i64) -> Result<Vec<f64>, String> {
    let mut values: Vec<f64> = Vec::new();
    let mut last = 0;
    for (index, (&time, &value)) in series.times.iter().zip(&series.values).enumerate() {
        let line = series.lines[index];
        let step = clock.steps(end, time).ok_or_else(|| {
            format!(
                "{line}: {} is not on the steps of the series ({clock})",
                clock.text(time)
            )
        })?;
        if step <= 0 {
            continue; // the model has seen it
        }
        if step == last && value.to_bits() != values[values.len() - 1].to_bits() {
            return Err(format!("{line}: another value for {}", clock.text(time)));
        }
        if step > last + 100_000 {
            return Err(format!(
                "{line}: {} is too far ahead of the series",
                clock.text(time)
            ));
        }
        values.resize(step as usize - 1 + usize::from(step == last), f64::NAN);
        if step > last {
            values.push(value);
        }
        last = step;
    }
    Ok(values)
}

/// The series of a model, one a record.
struct Known {
    ids: Vec<String>,
    next: usize,
    columns: Vec<Column>,
}

impl Source for Known {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        row.clear();
        let Some(id) = self.ids.get(self.next) else {
            return Ok(false);
        };
        self.next += 1;
        row.set_line(self.next as u64);
        row.push(Kind::Text, id);
        Ok(true)
    }

    fn file(&self) -> &str {
        "the model"
    }
}

struct Forecasts {
    model: Saved,
    clock: Clock,
    horizon: usize,
    /// In per cent.
    levels: Vec<f64>,
    columns: Vec<Column>,
    /// Newer values by the series' number.
    values: HashMap<usize, Vec<f64>>,
    problems: HashMap<usize, String>,
}

impl Lister for Forecasts {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn list(&self, records: &[Row], rows: &mut Vec<Row>) -> Vec<(usize, Reject)> {
        let mut rejects = Vec::new();
        for (index, record) in records.iter().enumerate() {
            // A record's line is the number of its series, from 1.
            let number = record.line() as usize - 1;
            if let Some(reason) = self.series(number, rows) {
                let reason = format!(
                    "series `{}`: {reason}; it has the seasonal naive forecast",
                    self.model.ids[number]
                );
                rejects.push((
                    index,
                    Reject {
                        line: None,
                        column: None,
                        reason,
                    },
                ));
            }
        }
        rejects
    }

    fn pace(&self) -> Pace {
        Pace {
            task: 16,
            batch: 512,
            checkpoint: 1 << 14,
        }
    }
}

impl Forecasts {
    /// Adds the rows of a series; what kept its own models from forecasting it.
    fn series(&self, number: usize, rows: &mut Vec<Row>) -> Option<String> {
        let known = &self.model.model.series[number];
        let mut updated: Option<Forecaster> = None;
        let mut end = self.model.ends[number];
        if let Some(values) = self.values.get(&number) {
            let mut forecaster = known.clone();
            forecaster.update(values);
            end = self.clock.at(end, values.len() as i64).unwrap_or(end);
            updated = Some(forecaster);
        }
        let forecaster = updated.as_ref().unwrap_or(known);
        let levels: Vec<f64> = self.levels.iter().map(|level| level / 100.0).collect();
        let problem = self.problems.get(&number).cloned();
        let (fan, sound) = match problem {
            Some(_) => (
                self.model
                    .model
                    .naive_fan(forecaster, self.horizon, &levels),
                true,
            ),
            None => self.model.model.fan(forecaster, self.horizon, &levels),
        };
        for h in 0..self.horizon {
            let mut row = Row::new();
            row.push(Kind::Text, &self.model.ids[number]);
            match self.clock.at(end, h as i64 + 1) {
                Some(time) => row.push(Kind::Text, &self.clock.text(time)),
                None => row.push(Kind::Null, ""),
            }
            row.push_float(fan.mean[h]);
            for (lower, upper) in &fan.bounds {
                row.push_float(lower[h]);
                row.push_float(upper[h]);
            }
            rows.push(row);
        }
        problem.or_else(|| (!sound).then(|| "its forecast is not finite".to_owned()))
    }
}
