//! Evaluation of `ts`.

mod backtest;
mod plots;

use anyhow::Result;
use serde_json::{Value, json};

use self::backtest::{Backtest, Figures, SeriesBacktest};
use self::plots::Tables;
use crate::eval::compare::Recorded;
use crate::eval::{Evaluate, Evaluation, Headline, Overview};
use crate::exit;
use crate::talk::Talk;
use crate::tasks::ts::details::Details;
use crate::tasks::ts::report::{Residuals, Shown, TsReport, Worst, page};
use crate::tasks::ts::{Prepared, Ts, model_clock};
use artifact::Header;
use models::metrics::forecast::{Overall, Score, overall};
use models::ts::Saved;
use models::ts::diagnostics::autocorrelations;
use tables::Panel;

/// Numbers of series to draw: the worst ones, and some from the middle of the order.
const WORST_DRAWN: usize = 4;
const MIDDLE_DRAWN: usize = 4;
/// Number of the worst series that are listed.
const WORST_LISTED: usize = 20;
/// Times that are written under a forecast.
const TIMES_WRITTEN: usize = 5;
/// Lags of the autocorrelations.
const LAGS: usize = 24;

impl Evaluate for Ts {
    const RECORDED: Recorded = Recorded::Table {
        file: "series.csv",
        id: "unique_id",
        units: "series",
    };
    const OVERVIEW: Overview = Overview {
        title: "Forecasts",
        figures: &[
            Headline::number("mase", "MASE"),
            Headline::number("owa", "OWA"),
            Headline::share("coverage_95", "Within 95 %"),
            Headline::number("msis", "MSIS"),
        ],
    };

    fn is_empty(test: &Prepared) -> bool {
        test.panel.series.is_empty()
    }

    fn evaluate(
        model: &Saved,
        header: &Header<Details>,
        test: &Prepared,
        _seed: u64,
        talk: &Talk,
    ) -> Result<Evaluation> {
        let Prepared {
            panel: test,
            clock: prepared,
            backtest: spec,
            ..
        } = test;
        let clock = model_clock(model)?;
        if clock != *prepared {
            return Err(exit::data(format!(
                "the frequency of the model is {clock} ({}), but that of the prepared data is {prepared} ({}); \
                retrain it with `easylife train ts`",
                clock.axis, prepared.axis
            )));
        }
        let backtest = Backtest::new(model, clock, spec)?;
        let mut tables = Tables::new(clock)?;
        let figures = backtest.all(test, |series| Ok(tables.add(series)?))?;
        let scores: Vec<Score> = figures.iter().filter_map(|f| f.score).collect();
        let Some(all) = overall(&scores) else {
            return Err(exit::data(
                "no series of the test part can be scored: in training each is the same in every season (or never \
                changes), and errors are scaled by that change",
            ));
        };
        if scores.len() < figures.len() {
            talk.note(format!(
                "ts: {} series never change in training, or have no values in the test part; they \
                are excluded from all metrics",
                figures.len() - scores.len()
            ));
        }
        let naive: Vec<Score> = figures.iter().filter_map(|f| f.naive).collect();
        let baseline = overall(&naive).unwrap_or_default();
        Ok(Evaluation {
            metrics: metrics(&all, &baseline, &figures),
            page: page(&TsReport {
                by_step: tables.mean_errors(),
                ..report(&backtest, header, test, &figures, (all, baseline))?
            }),
            plots: tables.finish()?,
        })
    }
}

fn overall_figures(all: &Overall) -> serde_json::Map<String, Value> {
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

fn metrics(all: &Overall, baseline: &Overall, figures: &[Figures]) -> Value {
    let mut metrics = overall_figures(all);
    let scores = figures.iter().filter_map(|f| f.score);
    let steps: usize = scores.map(|s| s.steps).sum();
    let origins = figures.iter().map(|f| f.origins).max();
    metrics.insert("series".to_owned(), json!(all.series));
    metrics.insert("steps".to_owned(), json!(steps));
    metrics.insert("origins".to_owned(), json!(origins));
    metrics.insert("not_judged".to_owned(), json!(figures.len() - all.series));
    let failed = figures.iter().filter(|f| !f.by_own_models).count();
    metrics.insert("fallbacks".to_owned(), json!(failed));
    let baseline = overall_figures(baseline);
    metrics.insert("baseline".to_owned(), Value::Object(baseline));
    Value::Object(metrics)
}

/// Indices of the series with a score, the greatest MASE first.
fn worst_first(figures: &[Figures]) -> Vec<usize> {
    let mase = |i: usize| figures[i].score.map_or(f64::NEG_INFINITY, |s| s.mase);
    let scored = (0..figures.len()).filter(|&i| figures[i].score.is_some());
    let mut order: Vec<usize> = scored.collect();
    order.sort_by(|&a, &b| mase(b).total_cmp(&mase(a)).then(a.cmp(&b)));
    order
}

/// The content of the page; `figures` has an entry for each series of `test`.
fn report(
    backtest: &Backtest,
    header: &Header<Details>,
    test: &Panel,
    figures: &[Figures],
    (all, baseline): (Overall, Overall),
) -> Result<TsReport> {
    let order = worst_first(figures);
    let middle = (order.len() / 2).saturating_sub(MIDDLE_DRAWN / 2);
    let middle = order
        .iter()
        .skip(middle.max(WORST_DRAWN))
        .take(MIDDLE_DRAWN);
    let drawn = order.iter().take(WORST_DRAWN).chain(middle);
    let worst = order.iter().take(WORST_LISTED).map(|&index| {
        let figures = &figures[index];
        Worst {
            id: test.series[index].id.clone(),
            model: backtest.model.model.series.get(figures.number).name(),
            score: figures.score.unwrap_or_default(),
            naive_mase: figures.naive.map_or(f64::NAN, |s| s.mase),
            ljung_box: figures.ljung_box,
        }
    });
    let tests: Vec<f64> = figures.iter().filter_map(|f| f.ljung_box).collect();
    let shown = drawn.map(|&index| Ok(shown(backtest, &backtest.series(&test.series[index])?)));
    let shown: Vec<Shown> = shown.collect::<Result<_>>()?;
    Ok(TsReport {
        frequency: backtest.clock.to_string(),
        kind: header.details.model.kind.clone(),
        value: match header.details.data.value.all() {
            [name] => name.clone(),
            _ => "value".to_owned(),
        },
        by_step: Vec::new(),
        origins: figures.iter().map(|f| f.origins).max().unwrap_or(0),
        train_rows: header.provenance.training.rows,
        worst: worst.collect(),
        residuals: Residuals {
            correlated: tests.iter().filter(|p| **p < 0.05).count(),
            tested: tests.len(),
            largest: largest_lag(&shown),
            season: backtest.model.model.seasons.first().copied().unwrap_or(1),
        },
        shown,
        all,
        baseline,
    })
}

/// The lag at which the autocorrelations of some series are largest on average, and that mean.
fn largest_lag(shown: &[Shown]) -> Option<(usize, f64)> {
    let lags = shown
        .iter()
        .map(|series| series.autocorrelations.len())
        .min()?;
    let mean = |lag: usize| {
        let sum: f64 = shown
            .iter()
            .map(|series| series.autocorrelations[lag - 1])
            .sum();
        sum / shown.len() as f64
    };
    let means = (1..=lags).map(|lag| (lag, mean(lag)));
    means.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()).then(b.0.cmp(&a.0)))
}

/// The first forecast of a series, to be drawn.
fn shown(backtest: &Backtest, series: &SeriesBacktest) -> Shown {
    let origin = &series.origins[0];
    let (past, figures) = (series.past, &series.figures);
    let forecaster = backtest.model.model.series.get(figures.number);
    let residuals = backtest::residuals(&forecaster, past);
    let keep = (origin.actual.len() * 3).max(24).min(past.len());
    let steps = keep + origin.actual.len();
    let time = |step: usize| {
        let from_end = step as i64 - keep as i64 + 1;
        let time = backtest.clock.at(origin.known, from_end)?;
        Some((step, backtest.clock.text(time)))
    };
    Shown {
        id: series.id.to_owned(),
        model: forecaster.name(),
        mase: figures.score.map_or(f64::NAN, |s| s.mase),
        past: past[past.len() - keep..].to_vec(),
        actual: origin.actual.clone(),
        fan: (origin.fan.mean.clone(), origin.fan.bounds.clone()),
        ticks: evenly(steps).filter_map(time).collect(),
        autocorrelations: autocorrelations(&residuals, LAGS.min(residuals.len() / 4)),
        residuals: residuals.len(),
    }
}

/// Steps at regular intervals from the first to the last of `count`, whose times are written.
fn evenly(count: usize) -> impl Iterator<Item = usize> {
    let last = count.max(1) - 1;
    let ticks = TIMES_WRITTEN.min(last + 1);
    (0..ticks).map(move |tick| tick * last / (ticks.max(2) - 1))
}
