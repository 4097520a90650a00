//! Training of `ts`.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::params::choice::Choice;
use crate::talk::Talk;
use crate::tasks::ts::details::{Details, Reading};
use crate::tasks::ts::later::Later;
use crate::tasks::ts::params::{MAX_HORIZON, Params};
use crate::tasks::ts::predict::LEVELS;
use crate::tasks::ts::shape::Names;
use crate::tasks::ts::{Prepared, Ts};
use crate::train::{Fitted, Train};
use artifact::{Field, FieldType, Signature};
use models::ts::panel::calibration::spans;
use models::ts::panel::per_series::{PerSeries, fingerprint};
use models::ts::seasonality::found::{self, Found};
use models::ts::{FitError, ForecastOptions, Model, Saved};
use tables::clock::Clock;
use tables::{Gaps, Panel, shown};

/// A summary of the fitted series.
#[derive(Serialize)]
pub struct Fit {
    series: usize,
    frequency: String,
    seasons: Vec<usize>,
    horizon: usize,
    /// Number of series by kind of model.
    models: BTreeMap<String, usize>,
    /// Number of errors of earlier forecasts that the intervals are calibrated on.
    calibrated_on: usize,
    /// Number of steps of the test part that update the states.
    #[serde(skip_serializing_if = "Option::is_none")]
    later: Option<u64>,
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
        if let Some(rows) = self.later {
            write!(f, ", updated by {rows} steps of the test part")?;
        }
        Ok(())
    }
}

impl Train for Ts {
    type Fit = Fit;

    fn fit(params: &Params, _seed: u64, data: Prepared, talk: &Talk) -> Result<Fitted<Self>> {
        let Prepared {
            panel: data,
            clock,
            test,
            ..
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
        let later = Later::read(&test, &clock, &regular.ids, &regular.times)?;
        let below_zero = BelowZero::count(&regular, &later);
        let options = ForecastOptions {
            kind: params.kind,
            seasons,
            horizon: horizon(params, &later),
            calibrate: params.calibrate,
            nonnegative: params
                .nonnegative
                .given()
                .unwrap_or(below_zero.training == 0),
        };
        below_zero.tell(params, talk);
        tell_unknown(&later, talk);
        let bar = talk.progress("training ts", Some(regular.ids.len() as u64));
        let model = (options.fit(&regular.series(), &|| bar.inc(1))).map_err(|error| {
            let FitError::NoValue { series } = error;
            exit::data(format!(
                "series `{}` has no values",
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
            later: later.details.as_ref().map(|later| later.rows),
        };
        let details = Details {
            data: Reading::of(&params.data),
            season: params.season.clone(),
            horizon: model.horizon,
            model: params.model.clone(),
            frequency: clock.to_string(),
            seasons: model.seasons.clone(),
            negative: below_zero.all,
            later: later.details,
        };
        Ok(Fitted {
            model: Saved {
                model,
                seen: regular.fingerprints(),
                ids: regular.ids,
                ends: regular.times,
                later: later.values,
                clock: clock.to_numbers().to_vec(),
                sign_from_data: params.nonnegative == Choice::Auto,
            },
            fit,
            rows,
            signature: signature(&details.data),
            details,
        })
    }
}

/// Optional newer observations in, forecasts out.
fn signature(data: &Reading) -> Signature {
    let bounds = LEVELS
        .iter()
        .flat_map(|level| [format!("lo-{level}"), format!("hi-{level}")]);
    let ids = data.id_columns();
    let mut outputs: Vec<Field> = ids
        .iter()
        .map(|id| Field::new(id, FieldType::Text))
        .collect();
    outputs.extend([
        Field::new("ds", FieldType::Time),
        Field::new("mean", FieldType::Float),
    ]);
    outputs.extend(bounds.map(|name| Field::new(name, FieldType::Float)));
    Signature {
        inputs: (data.id.iter().flat_map(Names::all))
            .map(|id| Field::optional(id, FieldType::Text))
            .chain([Field::optional(&data.time, FieldType::Time)])
            .chain((data.value.all().iter()).map(|value| Field::optional(value, FieldType::Float)))
            .collect(),
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
    /// Values of all series, and the end of each.
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
        // Copied after the rows are freed: names allocated between them would keep their pages in memory.
        let ids = spans(&name_ends).map(|name| names[name].to_owned());
        regular.ids = ids.collect();
        Ok(regular)
    }

    fn series(&self) -> Vec<&[f64]> {
        spans(&self.ends).map(|span| &self.values[span]).collect()
    }

    /// Whether each series has values below zero.
    fn below_zero(&self) -> Vec<bool> {
        let series = spans(&self.ends).map(|span| &self.values[span]);
        series
            .map(|values| values.iter().any(|y| *y < 0.0))
            .collect()
    }

    fn fingerprints(&self) -> PerSeries<u32> {
        let mut all = PerSeries::default();
        for span in spans(&self.ends) {
            all.push(self.values[span].iter().map(|y| fingerprint(*y)));
        }
        all
    }
}

/// Default horizon without a test part.
const HORIZON: usize = 12;

/// Number of steps to forecast: as given, otherwise as many as the test part has.
fn horizon(params: &Params, later: &Later) -> usize {
    params.horizon.given().unwrap_or(match later.longest {
        0 => HORIZON,
        longest => longest.min(MAX_HORIZON),
    })
}

/// Numbers of series with values below zero.
struct BelowZero {
    /// In the training part.
    training: usize,
    /// In either part.
    all: usize,
}

impl BelowZero {
    fn count(regular: &Regular, later: &Later) -> Self {
        let training = regular.below_zero();
        let later = |number| later.values.get(number).iter().any(|y| *y < 0.0);
        Self {
            training: training.iter().filter(|below| **below).count(),
            all: (0..)
                .zip(&training)
                .filter(|(n, below)| **below || later(*n))
                .count(),
        }
    }

    /// Notes the effect on forecasts, and warns if they contradict the parameters.
    fn tell(&self, params: &Params, talk: &Talk) {
        let Self { training, all } = *self;
        match params.nonnegative {
            Choice::Auto if training > 0 => talk.note(format!(
                "ts: {training} series have values below zero, so forecasts are not cut at zero \
                 (ts.model.nonnegative: auto)"
            )),
            Choice::Auto if all > 0 => talk.warn(
                "values of the test part are below zero, but none of the training part: evaluate cuts forecasts \
                 at zero, predict does not (ts.model.nonnegative: auto; true or false decides for both)",
            ),
            Choice::Given(true) if all > 0 => talk.warn(format!(
                "{all} series have values below zero, but ts.model.nonnegative: true cuts all forecasts and \
                 bounds at zero; set it to auto or false"
            )),
            _ => {}
        }
    }
}

fn tell_unknown(later: &Later, talk: &Talk) {
    if let Some((id, series)) = &later.unknown {
        talk.warn(format!(
            "{series} series of the test part are not in the training part and get no forecast; the first is \
             `{}`",
            shown(id)
        ));
    }
}

/// Number of models of each family.
fn families(model: &Model) -> BTreeMap<String, usize> {
    let mut families = BTreeMap::new();
    for (_, member) in model.series.iter().flat_map(|series| series.parts) {
        *families.entry(member.family().to_owned()).or_insert(0) += 1;
    }
    families
}

/// Searches the season of whole-number times, which have no calendar, in the training part.
fn found_season(data: &Panel, talk: &Talk) -> Vec<usize> {
    let series: Vec<&[f64]> = { data.series.iter() }
        .map(|series| series.values.as_slice())
        .collect();
    let found = found::find(&series);
    talk.note(match found {
        Some(Found {
            season,
            held,
            looked_at,
        }) => format!(
            "ts: whole numbers: found a season of {season} steps in {held} of {looked_at} series; override it \
            with ts.season"
        ),
        None => "ts: whole numbers: no season was found; set ts.season if there is one"
            .to_owned(),
    });
    found.map(|found| found.season).into_iter().collect()
}

/// The given seasons, otherwise those that are usual for the frequency.
fn seasons(params: &Params, clock: &Clock, data: &Panel, talk: &Talk) -> Vec<usize> {
    let seasons = params.seasons.clone().unwrap_or_else(|| {
        let usual = clock.seasons();
        if clock.is_whole_numbers() {
            return found_season(data, talk);
        }
        talk.note(match usual.as_slice() {
            [] => format!("ts: {clock}: there is no usual season; set ts.season if there is one"),
            [one] => format!("ts: {clock}: using the usual season of {one} steps"),
            many => format!("ts: {clock}: using the usual seasons of {many:?} steps"),
        });
        usual
    });
    let longest = data.series.iter().map(|series| series.values.len()).max();
    let longest = longest.unwrap_or(0);
    // The first one stays: errors are scaled by it even if no model can use it.
    let first = seasons.first().copied();
    let (usable, long): (Vec<usize>, Vec<usize>) = seasons
        .into_iter()
        .partition(|season| 2 * season <= longest || Some(*season) == first);
    if !long.is_empty() {
        talk.note(format!(
            "ts: no series is as long as two seasons of {long:?} steps; they are left out"
        ));
    }
    usable
}
