//! Training of `ts`.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::talk::Talk;
use crate::tasks::ts::details::{Details, Reading};
use crate::tasks::ts::params::Params;
use crate::tasks::ts::predict::LEVELS;
use crate::tasks::ts::{Prepared, Ts};
use crate::train::{Fitted, Train};
use artifact::{Field, FieldType, Signature};
use models::ts::panel::calibration::spans;
use models::ts::{FitError, Model, Options, Saved};
use tables::clock::Clock;
use tables::{Gaps, Panel, shown};

/// What is worth knowing of fitted series.
#[derive(Serialize)]
pub struct Fit {
    series: usize,
    frequency: String,
    seasons: Vec<usize>,
    horizon: usize,
    /// How many series each kind of model forecasts.
    models: BTreeMap<String, usize>,
    /// Errors of earlier forecasts that the intervals rest on.
    calibrated_on: usize,
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} series, {}", self.series, self.frequency)?;
        match self.seasons.as_slice() {
            [] => f.write_str(", no season")?,
            seasons => {
                let steps: Vec<String> = seasons.iter().map(usize::to_string).collect();
                write!(f, ", season {}", steps.join(" and "))?;
            }
        }
        if self.calibrated_on > 0 {
            write!(f, ", intervals from {} errors", self.calibrated_on)?;
        }
        Ok(())
    }
}

impl Train for Ts {
    type Fit = Fit;

    fn fit(params: &Params, _seed: u64, data: Prepared, talk: &Talk) -> Result<Fitted<Self>> {
        let Prepared {
            panel: data, clock, ..
        } = data;
        if data.series.is_empty() {
            return Err(exit::data(
                "the training part of ts is empty; prepare it from data with values",
            ));
        }
        let seasons = seasons(params, &clock, &data, talk);
        let rows = (data.series.iter())
            .map(|series| series.values.len() as u64)
            .sum();
        let regular = Regular::of(data, &clock)?;
        let options = Options {
            kind: params.kind,
            seasons,
            horizon: params.horizon,
            calibrate: params.calibrate,
            nonnegative: params.nonnegative,
        };
        let bar = talk.progress("training ts", Some(regular.ids.len() as u64));
        let model = (options.fit(&regular.series(), &|| bar.inc(1))).map_err(|error| {
            let FitError::NoValue { series } = error;
            exit::data(format!(
                "series `{}` has no value at all",
                shown(&regular.ids[series])
            ))
        })?;
        bar.finish_and_clear();
        let fit = Fit {
            series: regular.ids.len(),
            frequency: clock.to_string(),
            seasons: model.seasons.clone(),
            horizon: model.horizon,
            models: families(&model),
            calibrated_on: model.calibration.errors,
        };
        let details = Details {
            data: Reading::of(&params.data),
            season: params.season.clone(),
            horizon: params.horizon,
            model: params.model.clone(),
            frequency: clock.to_string(),
            seasons: model.seasons.clone(),
        };
        Ok(Fitted {
            model: Saved {
                model,
                ids: regular.ids,
                ends: regular.times,
                clock: clock.to_numbers().to_vec(),
            },
            fit,
            rows,
            signature: signature(&details.data),
            details,
        })
    }
}

/// Newer observations in, where there are any; forecasts out.
fn signature(data: &Reading) -> Signature {
    let bounds = LEVELS
        .iter()
        .flat_map(|level| [format!("lo-{level}"), format!("hi-{level}")]);
    let mut outputs = vec![
        Field::new("unique_id", FieldType::Text),
        Field::new("ds", FieldType::Time),
        Field::new("mean", FieldType::Float),
    ];
    outputs.extend(bounds.map(|name| Field::new(name, FieldType::Float)));
    Signature {
        inputs: vec![
            Field::optional(&data.id, FieldType::Text),
            Field::optional(&data.time, FieldType::Time),
            Field::optional(&data.value, FieldType::Float),
        ],
        outputs,
        classes: Vec::new(),
    }
}

/// Series on regular steps.
#[derive(Default)]
struct Regular {
    ids: Vec<String>,
    /// Last time of each.
    times: Vec<i64>,
    /// Values of all, and where those of each end.
    values: Vec<f64>,
    ends: Vec<usize>,
}

impl Regular {
    fn of(data: Panel, clock: &Clock) -> Result<Self> {
        let mut regular = Self::default();
        let (mut names, mut name_ends) = (String::new(), Vec::new());
        for series in data.series {
            let values = series.regular(clock, Gaps::Missing).map_err(|problem| {
                exit::data(format!(
                    "series `{}`: {}; run `easylife prepare ts` again",
                    shown(&series.id),
                    problem.reason
                ))
            })?;
            regular.values.extend(values);
            regular.ends.push(regular.values.len());
            let last = series.times.last().copied();
            regular.times.push(last.unwrap_or_default());
            names.push_str(&series.id);
            name_ends.push(names.len());
        }
        // Made now that the rows are gone: names between them would keep their pages in memory.
        let ids = spans(&name_ends).map(|name| names[name].to_owned());
        regular.ids = ids.collect();
        Ok(regular)
    }

    fn series(&self) -> Vec<&[f64]> {
        spans(&self.ends).map(|span| &self.values[span]).collect()
    }
}

/// How many models there are of each family.
fn families(model: &Model) -> BTreeMap<String, usize> {
    let mut families = BTreeMap::new();
    for (_, member) in model.series.iter().flat_map(|series| series.parts) {
        *families.entry(member.family().to_owned()).or_insert(0) += 1;
    }
    families
}

/// The seasons asked for, otherwise those that the frequency usually has.
fn seasons(params: &Params, clock: &Clock, data: &Panel, talk: &Talk) -> Vec<usize> {
    let seasons = params.seasons.clone().unwrap_or_else(|| {
        let usual = clock.seasons();
        talk.note(match usual.as_slice() {
            [] => format!("ts: {clock}: no season is looked for; say one with ts.season"),
            [one] => format!("ts: {clock}: the season is taken as {one} steps"),
            many => format!("ts: {clock}: the seasons are taken as {many:?} steps"),
        });
        usual
    });
    let longest = data.series.iter().map(|series| series.values.len()).max();
    let longest = longest.unwrap_or(0);
    // The first stays: errors are scaled by it even where no model can have it.
    let first = seasons.first().copied();
    let (usable, long): (Vec<usize>, Vec<usize>) = seasons
        .into_iter()
        .partition(|season| 2 * season <= longest || Some(*season) == first);
    if !long.is_empty() {
        talk.note(format!(
            "ts: no series holds two seasons of {long:?} steps; they are left out"
        ));
    }
    usable
}
