//! The tables of `plots/ts`.

use std::io::{self, Write};

use super::judged::Answered;
use crate::data::clock::Clock;

/// The shortest spelling that reads back the same; nothing for what is not known.
fn number(value: f64) -> String {
    match value.is_finite() {
        true => format!("{value:?}"),
        false => String::new(),
    }
}

/// Figures of each series.
pub fn series(answered: &[Answered], out: &mut dyn Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
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
    for answered in answered {
        let Some(s) = answered.score else { continue };
        let naive = answered.naive.unwrap_or_default();
        let (id, steps) = (answered.id.clone(), s.steps.to_string());
        let mape = s.mape.unwrap_or(f64::NAN);
        let figures = [s.smape, s.mase, s.rmse, s.mae, mape, s.coverage, s.msis];
        let figures = figures.into_iter().chain([naive.smape, naive.mase]);
        out.write_record([id, steps].into_iter().chain(figures.map(number)))?;
    }
    out.flush()
}

/// Every forecast beside what came.
pub fn forecasts(answered: &[Answered], clock: &Clock, out: &mut dyn Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record([
        "unique_id",
        "origin",
        "ds",
        "y",
        "mean",
        "lo-80",
        "hi-80",
        "lo-95",
        "hi-95",
        "naive",
    ])?;
    for answered in answered {
        for origin in &answered.origins {
            for (h, &time) in origin.times.iter().enumerate() {
                let [narrow, wide] = [0, 1].map(|level| &origin.fan.bounds[level]);
                let numbers = [
                    origin.actual[h],
                    origin.fan.mean[h],
                    narrow.0[h],
                    narrow.1[h],
                    wide.0[h],
                    wide.1[h],
                    origin.naive[h],
                ];
                let texts = [
                    answered.id.clone(),
                    clock.text(origin.known),
                    clock.text(time),
                ];
                out.write_record(texts.into_iter().chain(numbers.map(number)))?;
            }
        }
    }
    out.flush()
}

/// Mean absolute errors over the mean absolute value, by steps ahead: those of the model and of the
/// seasonal naive forecast. All series count alike.
pub fn by_step(answered: &[Answered], out: &mut dyn Write) -> io::Result<()> {
    let mut sums: Vec<[f64; 3]> = Vec::new();
    for answered in answered.iter().filter(|a| a.score.is_some()) {
        let level = answered.level;
        for origin in &answered.origins {
            for (h, y) in origin.actual.iter().enumerate() {
                sums.resize((h + 1).max(sums.len()), [0.0; 3]);
                if y.is_finite() {
                    sums[h][0] += (y - origin.fan.mean[h]).abs() / level;
                    sums[h][1] += (y - origin.naive[h]).abs() / level;
                    sums[h][2] += 1.0;
                }
            }
        }
    }
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["step", "model", "naive"])?;
    for (h, [model, naive, count]) in sums.iter().enumerate() {
        out.write_record([
            (h + 1).to_string(),
            number(model / count),
            number(naive / count),
        ])?;
    }
    out.flush()
}
