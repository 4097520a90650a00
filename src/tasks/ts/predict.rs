//! Forecasts of `ts`: a series a record, answered by a row a step.
//!
//! The model knows its series; an input gives newer values, which move the states without fitting
//! again. A series whose newer values are bad, or that its models cannot forecast, gets the seasonal
//! naive forecast, and is listed; so is one that the model does not know, without a forecast.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use anyhow::Result;
use xxhash_rust::xxh3::Xxh3;

use crate::predict::{Answers, Job, Lister, OnError, Pace, Port, Predict, Reject, Request};
use crate::talk::Talk;
use crate::tasks::ts::details::{Details, Reading};
use crate::tasks::ts::ids::SeriesIds;
use crate::tasks::ts::{Ts, model_clock};
use artifact::Header;
use models::ts::Saved;
use tables::clock::Clock;
use tables::{
    Column, Compression, DataType, Format, Kind, Panel, ReadError, ReadErrorKind, Row, Series,
    SeriesColumns, Source, shown,
};

/// Bounds that are given unless asked otherwise, in per cent.
pub(super) const LEVELS: [f64; 2] = [80.0, 95.0];
/// Steps between the end of a series and its newer values at most.
const FARTHEST: usize = 100_000;

impl Predict for Ts {
    const ON_ERROR: OnError = OnError::Skip;
    const NEEDS_INPUT: bool = false;

    fn job(mut model: Saved, header: &Header<Details>, request: &Request, _: &Talk) -> Result<Job> {
        let clock = model_clock(&model)?;
        let ids = Arc::new(SeriesIds::new(std::mem::take(&mut model.ids)));
        let newer = match &request.input {
            Some(port) => newer(&model, &ids, &clock, port, request.format, header)?,
            None => Newer::default(),
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
            bad: newer.bad,
            ids: ids.clone(),
            unknown: newer.unknown,
            given: 0,
            columns: vec![Column::typed("unique_id", DataType::Text)],
        };
        Ok(Job {
            source: Box::new(source),
            answers: Answers::Lists(Box::new(Forecasts {
                horizon: request.options.horizon.unwrap_or(model.model.horizon),
                levels,
                columns,
                clock,
                values: newer.values,
                problems: newer.problems,
                ids,
                model,
            })),
            context: newer.digest,
        })
    }
}

/// What an input says of the series of a model, by their numbers.
#[derive(Default)]
struct Newer {
    /// Values behind the end of each.
    values: HashMap<usize, Vec<f64>>,
    /// What is wrong with some, and where.
    problems: HashMap<usize, String>,
    /// Series that the model does not know.
    unknown: Vec<String>,
    /// A row of no series that can be told.
    bad: Option<ReadError>,
    digest: String,
}

fn newer(
    model: &Saved,
    ids: &SeriesIds,
    clock: &Clock,
    port: &Port,
    format: Option<Format>,
    header: &Header<Details>,
) -> Result<Newer> {
    // The model knows how its data were read; without a project nothing else does.
    let data = &header.details.data;
    let mut panel = read(port, format, data, clock)?;
    let mut newer = Newer {
        bad: panel.fault.take().map(|fault| fault.first),
        ..Newer::default()
    };
    let mut digest = Xxh3::new();
    for mut series in std::mem::take(&mut panel.series) {
        let Some(number) = ids.number(&series.id) else {
            newer.unknown.push(series.id);
            continue;
        };
        digest.update(&(number as u64).to_le_bytes());
        for (time, value) in series.times.iter().zip(&series.values) {
            digest.update(&time.to_le_bytes());
            digest.update(&value.to_le_bytes());
        }
        match behind(&mut series, &panel, clock, data, model.ends[number]) {
            Ok(values) => {
                newer.values.insert(number, values);
            }
            Err(reason) => {
                newer.problems.insert(number, reason);
            }
        }
    }
    newer.digest = format!("{:016x}", digest.digest());
    Ok(newer)
}

fn read(port: &Port, format: Option<Format>, data: &Reading, clock: &Clock) -> Result<Panel> {
    let mut source = match port {
        Port::File(path) => tables::open(path)?,
        Port::Standard => tables::open_as(
            Box::new(io::stdin()),
            "stdin",
            format.unwrap_or(Format::Csv),
            Compression::None,
        )?,
    };
    let columns = SeriesColumns {
        id: data.id.clone(),
        time: data.time.clone(),
        value: data.value.clone(),
    };
    let mut panel = Panel::on(clock.axis);
    panel.read(source.as_mut(), &columns)?;
    Ok(panel)
}

/// The values of `series` behind `end`, one a step; what the model has seen is passed over.
fn behind(
    series: &mut Series,
    panel: &Panel,
    clock: &Clock,
    data: &Reading,
    end: i64,
) -> Result<Vec<f64>, String> {
    if let Some(fault) = series.fault.take() {
        return Err(match *fault.first.kind {
            ReadErrorKind::Series { reason, .. } => format!("{}: {reason}", fault.first.place),
            other => format!("{}: {other}", fault.first.place),
        });
    }
    let told = |mark, reason: String| format!("{}: {reason}", panel.place(mark));
    series
        .tidy(data.duplicates)
        .map_err(|problem| told(problem.mark, problem.reason))?;
    series
        .regular_after(end, clock, data.gaps, FARTHEST)
        .map_err(|problem| told(problem.mark, problem.reason))
}

/// The series of a model, one a record, and those of the input that it does not know.
struct Known {
    bad: Option<ReadError>,
    ids: Arc<SeriesIds>,
    unknown: Vec<String>,
    /// Records given out so far.
    given: usize,
    columns: Vec<Column>,
}

impl Source for Known {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        row.clear();
        if let Some(error) = self.bad.take() {
            return Err(error);
        }
        let Some(id) = self.ids.all().iter().chain(&self.unknown).nth(self.given) else {
            return Ok(false);
        };
        self.given += 1;
        row.push(Kind::Text, id);
        Ok(true)
    }

    fn file(&self) -> &str {
        "the model"
    }
}

struct Forecasts {
    /// Without its ids, which are in `ids`.
    model: Saved,
    ids: Arc<SeriesIds>,
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

    fn list(&self, records: &[Row], out: &mut dyn FnMut(&Row)) -> Vec<(usize, Reject)> {
        let mut rejects = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let problem = match self.ids.number(record.text(0)) {
                Some(number) => self
                    .series(number, out)
                    .map(|problem| format!("{problem}; it has the seasonal naive forecast")),
                None => Some("the model does not know it; train again with it".to_owned()),
            };
            let reject = |problem: String| Reject {
                line: None,
                column: None,
                reason: format!("series `{}`: {problem}", shown(record.text(0))),
            };
            rejects.extend(problem.map(|problem| (index, reject(problem))));
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
    /// Hands out the rows of a series; what kept its own models from forecasting it.
    fn series(&self, number: usize, out: &mut dyn FnMut(&Row)) -> Option<String> {
        let mut forecaster = self.model.model.series.get(number);
        let mut end = self.model.ends[number];
        if let Some(values) = self.values.get(&number) {
            forecaster.update(values);
            end = self.clock.at(end, values.len() as i64).unwrap_or(end);
        }
        let levels: Vec<f64> = self.levels.iter().map(|level| level / 100.0).collect();
        let problem = self.problems.get(&number).cloned();
        let (fan, sound) = match problem {
            Some(_) => (
                self.model
                    .model
                    .naive_fan(&forecaster, self.horizon, &levels),
                true,
            ),
            None => (self.model.model).fan(number, &forecaster, self.horizon, &levels),
        };
        let mut row = Row::new();
        for h in 0..self.horizon {
            row.clear();
            row.push(Kind::Text, &self.ids.all()[number]);
            match self.clock.at(end, h as i64 + 1) {
                Some(time) => row.push(Kind::Text, &self.clock.text(time)),
                None => row.push(Kind::Null, ""),
            }
            row.push_number(fan.mean[h]);
            for (lower, upper) in &fan.bounds {
                row.push_number(lower[h]);
                row.push_number(upper[h]);
            }
            out(&row);
        }
        problem.or_else(|| (!sound).then(|| "its forecast is not finite".to_owned()))
    }
}
