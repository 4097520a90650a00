//! `ts` behind a server: series in, a row per step out, as `predict` writes them. Observations beside the series
//! move their state for that answer only.

use std::collections::HashMap;

use anyhow::Result;

use super::details::Reading;
use super::predict::LEVELS;
use super::scoring::Scorer;
use super::shape::{self, Names};
use crate::serve::Serve;
use crate::serve::input::{Parameters, distinct, fault, numbers, only, same_length, texts};
use crate::task::Loaded;
use crate::tasks::ts::Ts;
use scoring::Score;
use scoring::ts::{Answer, Newer, Observation, Request};
use server::{
    Data, Datatype, Fault, InferRequest, InferResponse, Metadata, Model, Strings, Tensor,
    TensorSpec,
};

/// Outputs: the series, and the time of a step.
const SERIES: &str = shape::ID;
const TIME: &str = "ds";
/// The input of values, where the training data had several columns of them.
const VALUE: &str = "y";
const HORIZON: &str = "horizon";
const LEVEL: &str = "levels";
const LONGEST_HORIZON: usize = 10_000;
/// Levels of one request.
const MOST_LEVELS: usize = 20;
/// Numbers of a forecast that cost about as much as a text.
const CELLS_PER_ROW: usize = 48;
/// The variances of some models sum over all steps before: so many pairs of steps cost as much, too.
const PAIRS_PER_ROW: usize = 10_000;

/// Forecasters behind tensors.
struct Forecasts {
    scorer: Scorer,
    inputs: Inputs,
    /// Steps that are forecast where a request does not say how many.
    horizon: usize,
    version: String,
    metadata: Metadata,
}

/// Names of the inputs: the columns of the training data, where those are three.
struct Inputs {
    series: String,
    time: String,
    value: String,
}

impl Inputs {
    fn of(data: &Reading) -> Self {
        let one = |names: &[String], otherwise: &str| match names {
            [name] => name.clone(),
            _ => otherwise.to_owned(),
        };
        Self {
            series: one(data.id.as_ref().map_or(&[][..], Names::all), SERIES),
            time: data.time.clone(),
            value: one(data.value.all(), VALUE),
        }
    }
}

impl Serve for Ts {
    fn serve(loaded: Loaded<Self>) -> Result<Box<dyn Model>> {
        let details = &loaded.header.details;
        let inputs = Inputs::of(&details.data);
        let optional = |name: &str, datatype| TensorSpec {
            optional: true,
            ..TensorSpec::column(name, datatype)
        };
        let bounds = LEVELS
            .iter()
            .flat_map(|level| [format!("lo-{level}"), format!("hi-{level}")]);
        let mut outputs = vec![
            TensorSpec::column(SERIES, Datatype::Bytes),
            TensorSpec::column(TIME, Datatype::Bytes),
            TensorSpec::column("mean", Datatype::Fp64),
        ];
        outputs.extend(bounds.map(|name| TensorSpec::column(name, Datatype::Fp64)));
        outputs.push(TensorSpec::column("fallback", Datatype::Bytes));
        let metadata = Metadata {
            platform: "easylife_ts".to_owned(),
            inputs: vec![
                optional(&inputs.series, Datatype::Bytes),
                optional(&inputs.time, Datatype::Bytes),
                optional(&inputs.value, Datatype::Fp64),
            ],
            outputs,
        };
        Ok(Box::new(Forecasts {
            horizon: details.horizon,
            inputs,
            scorer: Scorer::new(loaded.model, &details.data)?,
            version: loaded.digest,
            metadata,
        }))
    }
}

impl Model for Forecasts {
    fn version(&self) -> &str {
        &self.version
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn records(&self) -> &[String] {
        self.scorer.ids()
    }

    /// The series.
    fn key<'r>(&self, request: &'r InferRequest) -> Option<&'r [u8]> {
        only(request, &self.inputs.series)
    }

    fn rows(&self, request: &InferRequest) -> usize {
        let given = request.rows();
        let series = if given == 0 {
            self.scorer.ids().len()
        } else {
            given
        };
        let horizon = request
            .parameters
            .get(HORIZON)
            .and_then(serde_json::Value::as_u64);
        let horizon = horizon.map_or(self.horizon, |steps| steps as usize);
        let levels = request
            .parameters
            .get(LEVEL)
            .and_then(serde_json::Value::as_array);
        let columns = 1 + levels.map_or(LEVELS.len(), Vec::len).min(MOST_LEVELS);
        let horizon = horizon.min(LONGEST_HORIZON);
        let each = (horizon * columns).div_ceil(CELLS_PER_ROW) + horizon * horizon / PAIRS_PER_ROW;
        series.saturating_mul(each)
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        let parameters = Parameters::of(request, &[HORIZON, LEVEL])?;
        let horizon = parameters.count(HORIZON, LONGEST_HORIZON)?;
        let levels = levels(&parameters)?;
        let Inputs {
            series,
            time,
            value,
        } = &self.inputs;
        let given = texts(request, series)?;
        let times = texts(request, time)?;
        let values = numbers(request, value);
        let observed = self.observations(given.as_deref(), times.as_deref(), values)?;
        let asked: Vec<&str> = match (&given, self.scorer.ids()) {
            (Some(given), _) => distinct(given),
            (None, [only]) => vec![only],
            (None, all) if observed.is_empty() => all.iter().map(String::as_str).collect(),
            (None, all) => {
                return Err(Fault::missing(format!(
                    "input `{series}` is missing; the model has {} series",
                    all.len()
                )));
            }
        };
        let requests: Vec<Request<'_>> = asked
            .iter()
            .map(|&id| Request {
                series: id,
                newer: match observed.get(id) {
                    Some(observations) => Newer::Observations(observations),
                    None => Newer::Nothing,
                },
                horizon,
                levels: &levels,
            })
            .collect();
        let answers = self.scorer.score(&requests, &mut ());
        let mut all = Vec::with_capacity(answers.len());
        for (id, answer) in asked.iter().zip(answers) {
            let answer = answer.map_err(|refusal| fault(&refusal, &format!("series `{id}`")))?;
            // A batch falls back to the naive forecast and lists the series; here somebody waits for an answer.
            match &answer.fallback {
                Some(reason) if observed.contains_key(id) => {
                    return Err(Fault::invalid(format!("series `{id}`: {reason}")));
                }
                _ => all.push(answer),
            }
        }
        Ok(response(&all, &levels))
    }
}

impl Forecasts {
    /// The observations of a request, by series.
    fn observations<'a>(
        &'a self,
        series: Option<&[&'a str]>,
        times: Option<&[&'a str]>,
        values: Option<&[f64]>,
    ) -> Result<HashMap<&'a str, Vec<Observation<'a>>>, Fault> {
        let (times, values) = match (times, values) {
            (None, None) => return Ok(HashMap::new()),
            (Some(times), Some(values)) => (times, values),
            (None, Some(_)) => return Err(missing(&self.inputs.time, &self.inputs.value)),
            (Some(_), None) => return Err(missing(&self.inputs.value, &self.inputs.time)),
        };
        let given = series.map(<[_]>::len);
        same_length(&[
            (&self.inputs.series, given),
            (&self.inputs.time, Some(times.len())),
            (&self.inputs.value, Some(values.len())),
        ])?;
        let only = match (series, self.scorer.ids()) {
            (None, [only]) => only.as_str(),
            _ => "",
        };
        let mut observed: HashMap<&str, Vec<Observation<'_>>> = HashMap::new();
        for (row, (&time, &value)) in times.iter().zip(values).enumerate() {
            if value.is_infinite() {
                let (name, row) = (&self.inputs.value, row + 1);
                return Err(Fault::invalid(format!(
                    "input `{name}`, row {row}: `{value}` is not a finite number"
                )));
            }
            let id = series.map_or(only, |series| series[row]);
            observed
                .entry(id)
                .or_default()
                .push(Observation { time, value });
        }
        Ok(observed)
    }
}

fn missing(absent: &str, given: &str) -> Fault {
    Fault::missing(format!(
        "input `{absent}` is missing beside `{given}`; observations have both"
    ))
}

fn levels(parameters: &Parameters<'_>) -> Result<Vec<f64>, Fault> {
    let Some(levels) = parameters.numbers(LEVEL)? else {
        return Ok(LEVELS.to_vec());
    };
    let twice = |(place, level): (usize, &f64)| levels[..place].contains(level);
    if let Some((_, level)) = levels.iter().enumerate().find(|level| twice(*level)) {
        return Err(Fault::invalid(format!(
            "parameter `{LEVEL}`: {level} is given twice"
        )));
    }
    if levels.len() > MOST_LEVELS {
        return Err(Fault::invalid(format!(
            "parameter `{LEVEL}` may have {MOST_LEVELS} values at most"
        )));
    }
    match levels
        .iter()
        .find(|level| !(**level > 0.0 && **level < 100.0))
    {
        None => Ok(levels),
        Some(level) => Err(Fault::invalid(format!(
            "parameter `{LEVEL}`: {level} is not between 0 and 100 per cent"
        ))),
    }
}

/// One row a step, series by series.
fn response(answers: &[Answer<'_>], levels: &[f64]) -> InferResponse {
    let steps = |answer: &Answer<'_>| answer.mean.len();
    let repeat = |text: fn(&Answer<'_>) -> String| -> Data {
        let mut texts = Strings::default();
        for answer in answers {
            let text = text(answer);
            (0..steps(answer)).for_each(|_| texts.push(text.as_bytes()));
        }
        Data::Bytes(texts)
    };
    let times = answers.iter().flat_map(|answer| &answer.times);
    let times: Strings = times.map(|time| time.as_deref().unwrap_or("")).collect();
    let mean = answers
        .iter()
        .flat_map(|answer| &answer.mean)
        .copied()
        .collect();
    let mut outputs = vec![
        Tensor::column(SERIES, repeat(|answer| answer.series.to_owned())),
        Tensor::column(TIME, Data::Bytes(times)),
        Tensor::column("mean", Data::Fp64(mean)),
    ];
    for (place, level) in levels.iter().enumerate() {
        let low = answers.iter().flat_map(|answer| &answer.bounds[place].0);
        let high = answers.iter().flat_map(|answer| &answer.bounds[place].1);
        let column = |name: String, values: Vec<f64>| Tensor::column(name, Data::Fp64(values));
        outputs.push(column(format!("lo-{level}"), low.copied().collect()));
        outputs.push(column(format!("hi-{level}"), high.copied().collect()));
    }
    let fallback = repeat(|answer| answer.fallback.clone().unwrap_or_default());
    outputs.push(Tensor::column("fallback", fallback));
    InferResponse { outputs }
}
