//! Evaluation of `ts`.

use std::collections::HashMap;

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::{Evaluate, Evaluation};
use crate::artifact::Header;
use crate::data::clock::Clock;
use crate::data::{self, Panel, Series, SeriesColumns, read_series};
use crate::exit;
use crate::metrics::forecast::{Judged, Overall, Score, overall};
use crate::models::ts::diagnostics::{autocorrelations, ljung_box};
use crate::models::ts::model::normal_width;
use crate::models::ts::{Fan, Saved};
use crate::params::ts::Params;
use crate::project::Project;
use crate::report::ts::{Shown, TsReport, Worst, page};
use crate::talk::Talk;
use crate::task::{TRAIN, Task, Ts};

/// Bounds that are drawn and judged.
const LEVELS: [f64; 2] = [0.8, 0.95];
/// Series drawn: so many of the worst, and so many from the middle.
const WORST_DRAWN: usize = 4;
const MIDDLE_DRAWN: usize = 4;
/// Series listed.
const WORST_LISTED: usize = 20;
/// Lags of the autocorrelations.
const LAGS: usize = 24;

impl Evaluate for Ts {
    fn evaluate(
        model: &Saved,
        header: &Header,
        test: &Panel,
        _seed: u64,
        talk: &Talk,
    ) -> Result<Evaluation> {
        if test.series.is_empty() {
            return Err(exit::usage(
                "the test part of ts is empty, so there is nothing to measure; set ts.split.test \
                 above 0 or name a test part with ts.data.test, then prepare and train again",
            ));
        }
        let clock = clock(model)?;
        let train = training(test)?;
        let judged = judge(model, &clock, &train, test)?;
        let scores: Vec<Score> = judged.iter().filter_map(|j| j.score).collect();
        let Some(all) = overall(&scores) else {
            return Err(exit::data(
                "no series of the test part can be judged: in training none of them ever changes",
            ));
        };
        if scores.len() < judged.len() {
            talk.note(format!(
                "ts: {} series never change in training, or have no value to be judged on; they \
                 are in no figure",
                judged.len() - scores.len()
            ));
        }
        let naive: Vec<Score> = judged.iter().filter_map(|j| j.naive).collect();
        let baseline = overall(&naive).unwrap_or_default();
        Ok(Evaluation {
            metrics: metrics(&all, &baseline, &judged),
            plots: vec![
                ("series.csv", series_table(&judged)?),
                ("forecasts.csv", forecasts_table(&judged, &clock)?),
            ],
            page: page(&report(
                model, header, &clock, &train, &judged, all, baseline,
            )),
        })
    }

    fn locate(test: &mut Panel, project: &Project, _: &Params) {
        test.training = Some(project.processed(Ts::NAME).join(TRAIN));
    }
}

fn clock(model: &Saved) -> Result<Clock> {
    Clock::from_numbers(&model.clock)
        .context("the model says no steps of time; train it again with `easylife train ts`")
}

/// The training part, which scales are of.
fn training(test: &Panel) -> Result<HashMap<String, Series>> {
    let path = test
        .training
        .as_ref()
        .context("there is no training part")?;
    let panel = read_series(data::open(path)?.as_mut(), &SeriesColumns::prepared())?;
    let series = panel.series.into_iter();
    Ok(series.map(|series| (series.id.clone(), series)).collect())
}

/// One series of the test part with its forecasts.
struct Answered {
    /// Its number in the model.
    number: usize,
    id: String,
    times: Vec<i64>,
    actual: Vec<f64>,
    fan: Fan,
    naive_mean: Vec<f64>,
    score: Option<Score>,
    naive: Option<Score>,
    /// Whether its own models forecast it.
    sound: bool,
    /// Probability of a greater Ljung-Box statistic of the residuals.
    ljung_box: Option<f64>,
}

fn judge(
    model: &Saved,
    clock: &Clock,
    train: &HashMap<String, Series>,
    test: &Panel,
) -> Result<Vec<Answered>> {
    let numbers: HashMap<&str, usize> = model.ids.iter().map(String::as_str).zip(0..).collect();
    let answer = |series: &Series| -> Result<Answered> {
        let known = numbers.get(series.id.as_str()).copied();
        let (Some(number), Some(before)) = (known, train.get(&series.id)) else {
            return Err(exit::data(format!(
                "series `{}` of the test part is not in the model; train again with `easylife \
                 train ts`",
                series.id
            )));
        };
        answer(model, clock, number, before, series)
    };
    test.series.par_iter().map(answer).collect()
}

fn answer(
    model: &Saved,
    clock: &Clock,
    number: usize,
    before: &Series,
    series: &Series,
) -> Result<Answered> {
    let end = model.ends[number];
    let steps: Option<Vec<usize>> = (series.times.iter())
        .map(|&time| {
            clock
                .steps(end, time)
                .and_then(|s| usize::try_from(s - 1).ok())
        })
        .collect();
    let steps = steps.with_context(|| {
        format!(
            "series `{}`: the test part does not follow the training part",
            series.id
        )
    })?;
    let ahead = steps.iter().max().map_or(0, |last| last + 1);
    let forecaster = &model.model.series[number];
    let (fan, sound) = model.model.fan(forecaster, ahead, &LEVELS);
    let naive = forecaster.naive.forecast(ahead);
    let take = |values: &[f64]| -> Vec<f64> { steps.iter().map(|&s| values[s]).collect() };
    let values = before
        .regular(clock)
        .unwrap_or_else(|_| before.values.clone());
    let period = model.model.seasons.first().copied().unwrap_or(1);
    let score = |mean: &[f64], lower: &[f64], upper: &[f64]| {
        Judged {
            train: &values,
            actual: &series.values,
            mean,
            lower,
            upper,
            period,
        }
        .score()
    };
    let mean = take(&fan.mean);
    let bounds: Vec<(Vec<f64>, Vec<f64>)> = fan
        .bounds
        .iter()
        .map(|(low, high)| (take(low), take(high)))
        .collect();
    let naive_mean = take(&naive.mean);
    let wide = normal_width(0.95);
    let bound = |sign: f64| -> Vec<f64> {
        let pairs = naive.mean.iter().zip(&naive.deviation);
        take(
            &pairs
                .map(|(m, d)| m + sign * wide * d)
                .collect::<Vec<f64>>(),
        )
    };
    let residuals = residuals(model, number, &values);
    let lags = LAGS.min(residuals.len() / 4);
    Ok(Answered {
        number,
        id: series.id.clone(),
        times: series.times.clone(),
        actual: series.values.clone(),
        score: score(&mean, &bounds[1].0, &bounds[1].1),
        naive: score(&naive_mean, &bound(-1.0), &bound(1.0)),
        fan: Fan { mean, bounds },
        naive_mean,
        sound,
        ljung_box: (lags > 0).then(|| ljung_box(&residuals, lags, 0).1),
    })
}

/// Errors one step ahead over the training part.
fn residuals(model: &Saved, number: usize, values: &[f64]) -> Vec<f64> {
    let fitted = model.model.series[number].fitted(values);
    let pairs = values.iter().zip(&fitted).map(|(y, f)| y - f);
    pairs.filter(|e| e.is_finite()).collect()
}

fn figures(all: &Overall) -> serde_json::Map<String, Value> {
    let values = [
        ("smape", json!(all.smape)),
        ("mase", json!(all.mase)),
        ("owa", json!(all.owa)),
        ("rmse", json!(all.rmse)),
        ("mae", json!(all.mae)),
        ("mape", json!(all.mape)),
        ("coverage_95", json!(all.coverage)),
        ("msis", json!(all.msis)),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn metrics(all: &Overall, baseline: &Overall, judged: &[Answered]) -> Value {
    let mut metrics = figures(all);
    let steps: usize = judged.iter().filter_map(|j| j.score).map(|s| s.steps).sum();
    metrics.insert("series".to_owned(), json!(all.series));
    metrics.insert("steps".to_owned(), json!(steps));
    metrics.insert("not_judged".to_owned(), json!(judged.len() - all.series));
    let failed = judged.iter().filter(|j| !j.sound).count();
    metrics.insert("fallbacks".to_owned(), json!(failed));
    metrics.insert("baseline".to_owned(), Value::Object(figures(baseline)));
    Value::Object(metrics)
}

fn series_table(judged: &[Answered]) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record([
        "unique_id",
        "steps",
        "smape",
        "mase",
        "rmse",
        "mae",
        "mape",
        "coverage_95",
        "msis",
        "naive_smape",
        "naive_mase",
    ])?;
    for answered in judged {
        let Some(s) = answered.score else { continue };
        let naive = answered.naive.unwrap_or_default();
        let text = |value: f64| format!("{value:?}");
        out.write_record([
            answered.id.clone(),
            s.steps.to_string(),
            text(s.smape),
            text(s.mase),
            text(s.rmse),
            text(s.mae),
            s.mape.map_or(String::new(), text),
            text(s.coverage),
            text(s.msis),
            text(naive.smape),
            text(naive.mase),
        ])?;
    }
    Ok(out.into_inner()?)
}

fn forecasts_table(judged: &[Answered], clock: &Clock) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record([
        "unique_id",
        "ds",
        "y",
        "mean",
        "lo-80",
        "hi-80",
        "lo-95",
        "hi-95",
        "naive",
    ])?;
    for answered in judged {
        let Fan { mean, bounds } = &answered.fan;
        for (t, &time) in answered.times.iter().enumerate() {
            let text = |value: f64| match value.is_finite() {
                true => format!("{value:?}"),
                false => String::new(),
            };
            out.write_record([
                answered.id.clone(),
                clock.text(time),
                text(answered.actual[t]),
                text(mean[t]),
                text(bounds[0].0[t]),
                text(bounds[0].1[t]),
                text(bounds[1].0[t]),
                text(bounds[1].1[t]),
                text(answered.naive_mean[t]),
            ])?;
        }
    }
    Ok(out.into_inner()?)
}

fn report(
    model: &Saved,
    header: &Header,
    clock: &Clock,
    train: &HashMap<String, Series>,
    judged: &[Answered],
    all: Overall,
    baseline: Overall,
) -> TsReport {
    let mase = |j: &Answered| j.score.map_or(f64::NEG_INFINITY, |s| s.mase);
    let mut order: Vec<usize> = (0..judged.len())
        .filter(|&i| judged[i].score.is_some())
        .collect();
    order.sort_by(|&a, &b| {
        mase(&judged[b])
            .total_cmp(&mase(&judged[a]))
            .then(a.cmp(&b))
    });
    let middle = (order.len() / 2).saturating_sub(MIDDLE_DRAWN / 2);
    let drawn: Vec<usize> = (order.iter().take(WORST_DRAWN))
        .chain(
            order
                .iter()
                .skip(middle.max(WORST_DRAWN))
                .take(MIDDLE_DRAWN),
        )
        .copied()
        .collect();
    let show = |&index: &usize| {
        let answered = &judged[index];
        let before = &train[&answered.id];
        let values = before
            .regular(clock)
            .unwrap_or_else(|_| before.values.clone());
        let residuals = residuals(model, answered.number, &values);
        let keep = (answered.actual.len() * 3).max(24).min(values.len());
        Shown {
            id: answered.id.clone(),
            model: model.model.series[answered.number].name(),
            mase: mase(answered),
            past: values[values.len() - keep..].to_vec(),
            actual: answered.actual.clone(),
            fan: (answered.fan.mean.clone(), answered.fan.bounds.clone()),
            first: answered
                .times
                .first()
                .map_or(String::new(), |&time| clock.text(time)),
            autocorrelations: autocorrelations(&residuals, LAGS.min(residuals.len() / 4)),
            residuals: residuals.len(),
        }
    };
    let tests: Vec<f64> = judged.iter().filter_map(|j| j.ljung_box).collect();
    let worst = order.iter().take(WORST_LISTED).map(|&index| {
        let answered = &judged[index];
        Worst {
            id: answered.id.clone(),
            model: model.model.series[answered.number].name(),
            score: answered.score.unwrap_or_default(),
            naive_mase: answered.naive.map_or(f64::NAN, |s| s.mase),
            ljung_box: answered.ljung_box,
        }
    });
    TsReport {
        frequency: clock.to_string(),
        kind: header.parameters["model"]["kind"]
            .as_str()
            .unwrap_or("auto")
            .to_owned(),
        train_rows: header.data.rows,
        shown: drawn.iter().map(show).collect(),
        worst: worst.collect(),
        correlated: tests.iter().filter(|p| **p < 0.05).count(),
        tested: tests.len(),
        all,
        baseline,
    }
}
