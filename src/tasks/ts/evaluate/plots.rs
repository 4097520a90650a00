//! The tables of `plots/ts`, written series by series, so that the forecasts of all series are never in memory
//! together.

use std::io::{self, Seek, SeekFrom};

use tempfile::SpooledTempFile;

use super::backtest::{Figures, SeriesBacktest};
use crate::eval::plots::{Plot, in_memory};
use tables::clock::Clock;

/// Bytes of forecasts that are kept in memory before they go to a temporary file.
const BUFFER: usize = 1 << 20;

/// Tables to which series are added one by one.
pub struct Tables {
    clock: Clock,
    series: csv::Writer<Vec<u8>>,
    forecasts: csv::Writer<SpooledTempFile>,
    /// By steps ahead: sums of the errors of the model and of the seasonal naive forecast, and their count.
    steps: Vec<[f64; 3]>,
}

/// The shortest text that reads back as the same number; empty for a missing value.
fn number(value: f64) -> String {
    match value.is_finite() {
        // Without the sign of a zero.
        true => format!("{:?}", value + 0.0),
        false => String::new(),
    }
}

impl Tables {
    pub fn new(clock: Clock) -> io::Result<Self> {
        let mut tables = Self {
            clock,
            series: csv::Writer::from_writer(Vec::new()),
            forecasts: csv::Writer::from_writer(SpooledTempFile::new(BUFFER)),
            steps: Vec::new(),
        };
        tables.series.write_record([
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
        tables.forecasts.write_record([
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
        Ok(tables)
    }

    /// Adds a series.
    pub fn add(&mut self, series: &SeriesBacktest) -> io::Result<()> {
        self.figures(series.id, &series.figures)?;
        self.forecasts(series)?;
        self.errors(series);
        Ok(())
    }

    /// Figures of a series.
    fn figures(&mut self, id: &str, figures: &Figures) -> io::Result<()> {
        let Some(s) = figures.score else {
            return Ok(());
        };
        let naive = figures.naive.unwrap_or_default();
        let (id, steps) = (id.to_owned(), s.steps.to_string());
        let mape = s.mape.unwrap_or(f64::NAN);
        let figures = [s.smape, s.mase, s.rmse, s.mae, mape, s.coverage, s.msis];
        let figures = figures.into_iter().chain([naive.smape, naive.mase]);
        let row = [id, steps].into_iter().chain(figures.map(number));
        Ok(self.series.write_record(row)?)
    }

    /// Writes every forecast with the actual value.
    fn forecasts(&mut self, series: &SeriesBacktest) -> io::Result<()> {
        for origin in &series.origins {
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
                    series.id.to_owned(),
                    self.clock.text(origin.known),
                    self.clock.text(time),
                ];
                let row = texts.into_iter().chain(numbers.map(number));
                self.forecasts.write_record(row)?;
            }
        }
        Ok(())
    }

    /// Adds absolute errors over the mean absolute value.
    fn errors(&mut self, series: &SeriesBacktest) {
        if series.figures.score.is_none() {
            return;
        }
        let known = series.past.iter().filter(|y| y.is_finite());
        let level = known.clone().map(|y| y.abs()).sum::<f64>() / known.count() as f64;
        let sums = &mut self.steps;
        for origin in &series.origins {
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

    /// Mean errors of the model and of the seasonal naive forecast, by steps ahead; every series has the same
    /// weight.
    pub fn mean_errors(&self) -> Vec<(f64, f64)> {
        let mean = |[model, naive, count]: &[f64; 3]| (model / count, naive / count);
        self.steps.iter().map(mean).collect()
    }

    /// The means by steps ahead as a table.
    fn by_step(&self) -> io::Result<Plot> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(["step", "model", "naive"])?;
        for (h, (model, naive)) in self.mean_errors().into_iter().enumerate() {
            out.write_record([(h + 1).to_string(), number(model), number(naive)])?;
        }
        in_memory(out)
    }

    /// The files of `plots/ts`.
    pub fn finish(self) -> io::Result<Vec<(&'static str, Plot)>> {
        let by_step = self.by_step()?;
        let mut forecasts = self
            .forecasts
            .into_inner()
            .map_err(|error| error.into_error())?;
        Ok(vec![
            ("series.csv", in_memory(self.series)?),
            (
                "forecasts.csv",
                Box::new(move |out| {
                    forecasts.seek(SeekFrom::Start(0))?;
                    io::copy(&mut forecasts, out).map(|_| ())
                }),
            ),
            ("by_step.csv", by_step),
        ])
    }
}
