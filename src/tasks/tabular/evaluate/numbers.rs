//! Metrics of numbers, counts and quantiles.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Measured, Part, rows_table};
use crate::eval::plots::table;
use crate::tasks::tabular::predict::spell;
use crate::tasks::tabular::report::{
    Compared, FitBin, Miss, NumbersPart, QuantilePart, ResidualBins, TabularReport, Worst,
};
use crate::tasks::tabular::scoring::reasons_of;
use models::metrics::bootstrap::Interval;
use models::metrics::bootstrap_regression::{Intervals, intervals};
use models::metrics::regression::{Coverage, Evaluation, coverage, with_baseline};
use models::metrics::residuals::Residuals;
use models::tabular::Target;

/// Groups of rows of similar predictions.
const LEVELS: usize = 20;
/// Rows that are listed as most wrong, with their reasons.
const WORST: usize = 20;
const REASONS: usize = 3;
/// The coverage that has a metric of its own.
const COVERAGE: f64 = 0.95;

/// Measures a model of numbers or counts on the test part.
pub(super) fn measure(part: &Part, report: &mut TabularReport, seed: u64) -> Result<Measured> {
    let predicted = &part.answers.values;
    let evaluation = Evaluation {
        actual: &part.actual,
        predicted,
        weights: part.weights.as_deref(),
    };
    let is_count = matches!(part.model.target(), Target::Count);
    let mean = part.details.prior.first().copied().unwrap_or(0.0);
    let figures = |evaluation: &Evaluation| figures(evaluation, is_count);
    let own = figures(&evaluation);
    let baseline = with_baseline(&part.actual, part.weights.as_deref(), mean, figures);
    let bounds = intervals(&evaluation, seed);
    let covered = covered(part, COVERAGE);

    let mut metrics = own.clone();
    if let Some(covered) = &covered {
        metrics["coverage_95"] = json!(covered.inside);
        metrics["width_95"] = json!(covered.mean_width);
    }
    metrics["intervals"] = interval_figures(bounds.as_ref(), is_count);
    metrics["baseline"] = baseline.clone();
    let residuals = Residuals::new(&part.actual, predicted, LEVELS);
    let errors: Vec<f64> = { part.actual.iter().zip(predicted) }
        .map(|(actual, predicted)| actual - predicted)
        .collect();
    let rows = [
        ("mae", errors.iter().map(|error| error.abs()).collect()),
        (
            "squared_error",
            errors
                .iter()
                .map(|error| error * error)
                .collect::<Vec<f64>>(),
        ),
    ];
    let mut plots = vec![(
        "rows.csv",
        rows_table(
            part.actual.iter().map(|actual| format!("{actual:?}")),
            &rows,
        )?,
    )];
    if let Some(residuals) = &residuals {
        plots.push(("levels.csv", table(&residuals.levels)?));
    }
    report.worst = worst(part, predicted, &errors)?;
    report.numbers = Some(numbers_part(&own, &baseline, bounds, covered, residuals));
    Ok(Measured { metrics, plots })
}

fn figures(evaluation: &Evaluation, is_count: bool) -> Value {
    let mut figures = json!({});
    if let Some(score) = evaluation.score() {
        figures = json!({
            "rmse": score.rmse,
            "mae": score.mae,
            "median_absolute_error": score.median_absolute_error,
            "bias": score.bias,
        });
        for (name, value) in [("r2", score.r2), ("mape", score.mape)] {
            if let Some(value) = value {
                figures[name] = json!(value);
            }
        }
    }
    if let Some(counts) = evaluation.counts().filter(|_| is_count) {
        figures["poisson_deviance"] = json!(counts.poisson_deviance);
        if let Some(d2) = counts.d2 {
            figures["d2"] = json!(d2);
        }
    }
    figures
}

fn interval_figures(bounds: Option<&Intervals>, is_count: bool) -> Value {
    let mut figures = json!({});
    let Some(bounds) = bounds else {
        return figures;
    };
    let named = [
        ("rmse", Some(bounds.rmse)),
        ("mae", Some(bounds.mae)),
        ("r2", bounds.r2),
        (
            "poisson_deviance",
            bounds.poisson_deviance.filter(|_| is_count),
        ),
    ];
    for (name, interval) in named {
        if let Some(interval) = interval {
            figures[name] = json!(interval);
        }
    }
    figures
}

/// How often the actual values are within their intervals.
fn covered(part: &Part, level: f64) -> Option<Coverage> {
    let (lower, upper) = part
        .model
        .conformal()?
        .intervals(&part.answers.values, level)?;
    coverage(&part.actual, &lower, &upper, part.weights.as_deref())
}

fn numbers_part(
    own: &Value,
    baseline: &Value,
    bounds: Option<Intervals>,
    covered: Option<Coverage>,
    residuals: Option<Residuals>,
) -> NumbersPart {
    let compared = |name: &str, interval: Option<Interval>| Compared {
        value: own[name].as_f64().unwrap_or(f64::NAN),
        baseline: baseline[name].as_f64(),
        interval,
    };
    let deviance = bounds.as_ref().and_then(|bounds| bounds.poisson_deviance);
    NumbersPart {
        baseline: "training mean".to_owned(),
        rmse: compared("rmse", bounds.as_ref().map(|bounds| bounds.rmse)),
        mae: compared("mae", bounds.as_ref().map(|bounds| bounds.mae)),
        r2: compared("r2", bounds.as_ref().and_then(|bounds| bounds.r2)),
        deviance: own["poisson_deviance"]
            .is_number()
            .then(|| compared("poisson_deviance", deviance)),
        coverage_95: covered.map(|covered| covered.inside),
        width_95: covered.map(|covered| covered.mean_width),
        residuals: residuals.as_ref().map(|residuals| {
            let bars = &residuals.histogram;
            let mut counts = bars.counts.clone();
            let width = (bars.high - bars.low) / counts.len().max(1) as f64;
            if let Some(first) = counts.first_mut() {
                *first += bars.below;
            }
            if let Some(last) = counts.last_mut() {
                *last += bars.above;
            }
            ResidualBins {
                low: bars.low,
                width,
                counts,
            }
        }),
        fit: residuals.map_or_else(Vec::new, |residuals| {
            let levels = residuals.levels.iter();
            levels
                .map(|level| FitBin {
                    predicted: level.predicted,
                    actual: level.actual,
                    low: level.low,
                    high: level.high,
                    rows: level.rows,
                })
                .collect()
        }),
    }
}

/// The rows with the largest errors, with their reasons.
fn worst(part: &Part, predicted: &[f64], errors: &[f64]) -> Result<Vec<Worst>> {
    let mut rows: Vec<u32> = (0..errors.len() as u32).collect();
    let size = |&row: &u32| errors[row as usize].abs();
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
    rows.truncate(WORST);
    let table = part.table.select(&rows);
    let explanation = part.model.explain(&table)?;
    let output = part.shown_output();
    let worst = |(place, &row): (usize, &u32)| {
        let contributions = explanation.row(place, output);
        let reasons = reasons_of(&table, place, contributions, 1.0, REASONS);
        let row = row as usize;
        Worst {
            row: row as u64 + 1,
            actual: format!("{}", part.actual[row]),
            predicted: crate::outcome::number::figure(predicted[row]),
            miss: Miss::Residual(errors[row]),
            reasons: reasons.iter().map(spell).collect(),
        }
    };
    Ok(rows.iter().enumerate().map(worst).collect())
}

/// A line of `plots/tabular/quantiles.csv`.
#[derive(Serialize)]
struct QuantileLine {
    level: f64,
    pinball: f64,
    baseline: f64,
    below: f64,
}

/// Measures a model of quantiles on the test part.
pub(super) fn quantiles(
    part: &Part,
    levels: &[f64],
    report: &mut TabularReport,
) -> Result<Measured> {
    let weights = part.weights.as_deref();
    let columns: Vec<Vec<f64>> = (0..levels.len())
        .map(|place| {
            part.answers
                .values
                .iter()
                .skip(place)
                .step_by(levels.len())
                .copied()
                .collect()
        })
        .collect();
    let line = |((&level, predicted), &constant): ((&f64, &Vec<f64>), &f64)| {
        let evaluation = Evaluation {
            actual: &part.actual,
            predicted,
            weights,
        };
        QuantileLine {
            level,
            pinball: evaluation.pinball(level).unwrap_or(0.0),
            baseline: with_baseline(&part.actual, weights, constant, |evaluation| {
                evaluation.pinball(level).unwrap_or(0.0)
            }),
            below: evaluation.share_below().unwrap_or(0.0),
        }
    };
    let lines: Vec<QuantileLine> = { levels.iter().zip(&columns).zip(&part.details.prior) }
        .map(line)
        .collect();
    let mean =
        |of: fn(&QuantileLine) -> f64| lines.iter().map(of).sum::<f64>() / lines.len() as f64;
    let mut metrics = json!({"pinball": mean(|line| line.pinball)});
    if let [first, .., last] = &columns[..] {
        let covered = coverage(&part.actual, first, last, weights);
        let nominal = levels[levels.len() - 1] - levels[0];
        if let Some(covered) = covered {
            metrics["coverage"] = json!(covered.inside);
            metrics["coverage_nominal"] = json!(nominal);
            metrics["width"] = json!(covered.mean_width);
        }
    }
    metrics["baseline"] = json!({"pinball": mean(|line| line.baseline)});
    let pinball = |row: usize| {
        let values = levels.iter().zip(&columns).map(|(&level, column)| {
            let error = part.actual[row] - column[row];
            (level * error).max((level - 1.0) * error)
        });
        values.sum::<f64>() / levels.len() as f64
    };
    let rows = [(
        "pinball",
        (0..part.actual.len()).map(pinball).collect::<Vec<f64>>(),
    )];
    let plots = vec![
        ("quantiles.csv", table(&lines)?),
        (
            "rows.csv",
            rows_table(
                part.actual.iter().map(|actual| format!("{actual:?}")),
                &rows,
            )?,
        ),
    ];
    let middle = &columns[levels.len() / 2];
    let errors: Vec<f64> = { part.actual.iter().zip(middle) }
        .map(|(actual, predicted)| actual - predicted)
        .collect();
    report.worst = worst(part, middle, &errors)?;
    let quantile = |line: &QuantileLine| QuantilePart {
        level: line.level,
        pinball: line.pinball,
        baseline: Some(line.baseline),
        below: line.below,
    };
    report.quantiles = lines.iter().map(quantile).collect();
    Ok(Measured { metrics, plots })
}
