//! Forecasts of `ts`: each record is a series, answered by a row per step.
//!
//! The model knows its series; an input has newer values, which update the states without fitting again. A series with
//! bad newer values, or that its models cannot forecast, gets the seasonal naive forecast and is listed as rejected.
//! A series unknown to the model is listed without a forecast.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use xxhash_rust::xxh3::Xxh3;

use crate::params::choice::Choice;
use crate::predict::{Answers, Job, Lister, OnError, Pace, Predict, Reject, Request};
use crate::project::Project;
use crate::talk::Talk;
use crate::tasks::ts::Ts;
use crate::tasks::ts::details::{Details, Reading};
use crate::tasks::ts::freshness::Ends;
use crate::tasks::ts::scoring::{Scorer, Since};
use crate::tasks::ts::shape::Names;
use artifact::Header;
use models::ts::Saved;
use scoring::Score;
use scoring::ts::{Answer, Newer};
use tables::clock::Clock;
use tables::{
    Column, DataType, Kind, Panel, Peeked, ReadError, ReadErrorKind, Row, Series, Source,
    series_parts, shown,
};

/// Default coverage of the intervals, in per cent.
pub(super) const LEVELS: [f64; 2] = [80.0, 95.0];

impl Predict for Ts {
    const ON_ERROR: OnError = OnError::Skip;
    const NEEDS_INPUT: bool = false;
    const OPTIONS: &'static [&'static str] = &["--horizon", "--level"];

    fn job(
        project: Option<&Project>,
        model: Saved,
        header: &Header<Details>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Job> {
        let ids = header.details.data.id_columns();
        let (forecasts, records) = prepare(project, model, header, request, talk)?;
        let mut columns: Vec<Column> = { ids.iter() }
            .map(|id| Column::typed(id, DataType::Text))
            .collect();
        columns.push(Column::typed("ds", DataType::Text));
        columns.push(Column::typed("mean", DataType::Float));
        for level in &forecasts.levels {
            columns.push(Column::typed(format!("lo-{level}"), DataType::Float));
            columns.push(Column::typed(format!("hi-{level}"), DataType::Float));
        }
        let scorer = &forecasts.scorer;
        let source = Known {
            bad: records.bad,
            ids: match request.asked.is_empty() {
                true => scorer
                    .ids()
                    .iter()
                    .cloned()
                    .chain(records.unknown)
                    .collect(),
                false => request.asked.clone(),
            },
            given: 0,
            columns: vec![Column::typed("unique_id", DataType::Text)],
        };
        Ok(Job {
            source: Box::new(source),
            answers: Answers::Lists(Box::new(Forecasts {
                columns,
                ..forecasts
            })),
            context: records.digest,
            unknown: None,
        })
    }
}

/// The source of the records, and what else was read from the input.
pub(super) struct Records {
    /// The first row that belongs to no series.
    pub bad: Option<ReadError>,
    unknown: Vec<String>,
    digest: String,
}

/// Prepares the forecasts of all series for a request. Prints notes and warnings about its input.
pub(super) fn prepare(
    project: Option<&Project>,
    model: Saved,
    header: &Header<Details>,
    request: &Request,
    talk: &Talk,
) -> Result<(Forecasts, Records)> {
    // Without a project, the input is read like the model's training data.
    let reading = &header.details.data;
    let scorer = Arc::new(Scorer::new(model, reading)?);
    let newer = match &request.input {
        Some(_) => newer(&scorer, request, reading, talk)?,
        None => Observed::default(),
    };
    newer.tell(&scorer, header, talk);
    let ends = Ends::new(&scorer, |number| newer.steps(number));
    // Answers on the terminal show where they start.
    if request.asked.is_empty() {
        ends.tell(&scorer, talk);
    }
    if let Some(project) = project {
        ends.compare(project, &scorer, talk);
    }
    let levels = match request.options.levels.as_slice() {
        [] => LEVELS.to_vec(),
        asked => asked.to_vec(),
    };
    let forecasts = Forecasts {
        horizon: request.options.horizon,
        levels,
        columns: Vec::new(),
        ids: reading.id_columns().len(),
        newer: newer.series,
        scorer,
    };
    let records = Records {
        bad: newer.bad,
        unknown: newer.unknown,
        digest: newer.digest,
    };
    Ok((forecasts, records))
}

/// The newer values of an input.
#[derive(Default)]
struct Observed {
    /// Values on the steps since training, or what is wrong with the rows, and where; by number of the series.
    series: HashMap<usize, Result<Vec<f64>, String>>,
    /// Series unknown to the model.
    unknown: Vec<String>,
    /// Number of values in the model that are replaced.
    corrected: usize,
    /// The first row that belongs to no series.
    bad: Option<ReadError>,
    digest: String,
}

impl Observed {
    /// Steps of a series since training, if there are usable rows.
    fn steps(&self, number: usize) -> Option<usize> {
        let values = self.series.get(&number)?.as_ref().ok()?;
        Some(values.len())
    }

    /// Notes what the observations change besides continuing the series, and warns of contradictions.
    fn tell(&self, scorer: &Scorer, header: &Header<Details>, talk: &Talk) {
        if self.corrected > 0 {
            talk.note(format!(
                "ts: {} values of the test part in the model are replaced by those of the input",
                self.corrected
            ));
        }
        let below = |values: &Vec<f64>| values.iter().any(|y| *y < 0.0);
        let usable = self
            .series
            .values()
            .filter_map(|values| values.as_ref().ok());
        let newer = usable.filter(|values| below(values)).count();
        match header.details.model.nonnegative {
            Choice::Given(true) if header.details.negative > 0 || newer > 0 => talk.warn(format!(
                "ts.model.nonnegative: true cuts all forecasts and bounds at zero, but {} series have values below \
                zero; retrain with auto or false",
                header.details.negative.max(newer)
            )),
            Choice::Auto if newer > 0 && scorer.is_nonnegative() => talk.warn(format!(
                "{newer} series of the input have values below zero, unlike the data of the model: their forecasts \
                may be below zero, too (ts.model.nonnegative: auto)"
            )),
            _ => {}
        }
    }
}

fn newer(scorer: &Scorer, request: &Request, reading: &Reading, talk: &Talk) -> Result<Observed> {
    let mut panel = read(request, reading, scorer.clock(), talk)?;
    let mut observed = Observed {
        bad: panel.fault.take().map(|fault| fault.first),
        ..Observed::default()
    };
    let mut digest = Xxh3::new();
    for mut series in std::mem::take(&mut panel.series) {
        let Some(number) = scorer.number(&series.id) else {
            observed.unknown.push(series.id);
            continue;
        };
        digest.update(&(number as u64).to_le_bytes());
        for (time, value) in series.times.iter().zip(&series.values) {
            digest.update(&time.to_le_bytes());
            digest.update(&value.to_le_bytes());
        }
        let since = since_training(scorer, number, &mut series, &panel);
        observed.corrected += since.as_ref().map_or(0, |since| since.corrected);
        observed
            .series
            .insert(number, since.map(|since| since.values));
    }
    observed.digest = format!("{:016x}", digest.digest());
    Ok(observed)
}

fn read(request: &Request, reading: &Reading, clock: &Clock, talk: &Talk) -> Result<Panel> {
    let ids = reading.id.iter().flat_map(Names::all);
    let names = ids.chain([&reading.time]).chain(reading.value.all());
    let names: Vec<&str> = names.map(String::as_str).collect();
    let source = crate::predict::open_numbers(request, &names, reading.decimal, talk)?;
    let mut source = Peeked::new(source);
    let columns = reading.shape().columns(&mut source, talk)?;
    let mut panel = Panel::on(clock.axis);
    panel.format.clone_from(&reading.date_format);
    panel.read(&mut source, &columns)?;
    Ok(panel)
}

/// The values of `series` since training, or what is wrong with a row, with its place.
fn since_training(
    scorer: &Scorer,
    number: usize,
    series: &mut Series,
    panel: &Panel,
) -> Result<Since, String> {
    if let Some(fault) = series.fault.take() {
        let problem = match *fault.first.kind {
            ReadErrorKind::Series { reason, .. } => format!("{}: {reason}", fault.first.place),
            other => format!("{}: {other}", fault.first.place),
        };
        return Err(problem.replace("TASK.", "ts."));
    }
    scorer
        .since_training(number, series)
        .map_err(|problem| format!("{}: {}", panel.place(problem.mark), problem.reason))
}

/// Records of series: those of the model and unknown ones of the input, or the requested ones.
struct Known {
    bad: Option<ReadError>,
    ids: Vec<String>,
    /// Number of records returned so far.
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
        let Some(id) = self.ids.get(self.given) else {
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

/// Forecasts of series by their ids.
pub(super) struct Forecasts {
    pub scorer: Arc<Scorer>,
    horizon: Option<usize>,
    /// In per cent.
    pub levels: Vec<f64>,
    columns: Vec<Column>,
    /// Number of columns that name a series.
    ids: usize,
    /// As in [`Observed`].
    newer: HashMap<usize, Result<Vec<f64>, String>>,
}

impl Lister for Forecasts {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn list(&self, records: &[Row], out: &mut dyn FnMut(&Row)) -> Vec<(usize, Reject)> {
        let mut rejects = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let id = record.text(0);
            // One at a time, so that the answers of many long horizons are not in memory together.
            let answer = self.scorer.score(&[self.request(id)], &mut ()).remove(0);
            let problem = match answer {
                Ok(answer) => {
                    hand_out(&answer, self.ids, out);
                    let fallback = answer
                        .fallback
                        .map(|problem| format!("{problem}; using the seasonal naive forecast"));
                    let beyond = answer.times.iter().filter(|time| time.is_none()).count();
                    let beyond = (beyond > 0).then(|| {
                        format!(
                            "{beyond} of {} steps are beyond the last possible time ({}) and are left out; \
                            request fewer with --horizon, or correct the times",
                            answer.times.len(),
                            self.scorer.clock().axis.last()
                        )
                    });
                    match (fallback, beyond) {
                        (Some(fallback), Some(beyond)) => Some(format!("{fallback}; {beyond}")),
                        (fallback, beyond) => fallback.or(beyond),
                    }
                }
                Err(refusal) => Some(refusal.reason),
            };
            let reject =
                |problem: String| Reject::because(format!("series `{}`: {problem}", shown(id)));
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
    /// The request for a series.
    pub fn request<'a>(&'a self, id: &'a str) -> scoring::ts::Request<'a> {
        let newer = self.scorer.number(id).and_then(|n| self.newer.get(&n));
        scoring::ts::Request {
            series: id,
            newer: match newer {
                None => Newer::Nothing,
                Some(Ok(values)) => Newer::Steps(values),
                Some(Err(reason)) => Newer::Refused(reason),
            },
            horizon: self.horizon,
            levels: &self.levels,
        }
    }
}

/// Passes a row per step to `out`.
fn hand_out(answer: &Answer<'_>, ids: usize, out: &mut dyn FnMut(&Row)) {
    let mut row = Row::new();
    let ids = series_parts(answer.series, ids);
    for (step, time) in answer.times.iter().enumerate() {
        let Some(time) = time else {
            return;
        };
        row.clear();
        ids.iter().for_each(|id| row.push(Kind::Text, id));
        row.push(Kind::Text, time);
        row.push_number(answer.mean[step]);
        for (lower, upper) in &answer.bounds {
            row.push_number(lower[step]);
            row.push_number(upper[step]);
        }
        out(&row);
    }
}
