//! The page `reports/ts.html`: the metrics of the forecasts, some of them drawn as fans, errors by steps ahead,
//! residuals, and the worst series. Takes measured figures.

mod charts;

use crate::report::format::{count, fixed, label as short, measure, percent};
use crate::report::html::{Table, columns, escape, text};
use crate::report::page::{Figure, Page, Section};
use models::metrics::forecast::{Overall, Score};

/// The content of the page.
#[derive(Clone, Debug)]
pub struct TsReport {
    pub frequency: String,
    /// The kind of model in the parameters.
    pub kind: String,
    /// The column of the values.
    pub value: String,
    /// Mean absolute errors of the model and of the seasonal naive forecast as shares of the mean value, from
    /// one step ahead.
    pub by_step: Vec<(f64, f64)>,
    /// Forecasts of each series that went into them.
    pub origins: usize,
    pub all: Overall,
    /// The seasonal naive forecast on the same steps.
    pub baseline: Overall,
    pub train_rows: u64,
    pub shown: Vec<Shown>,
    pub worst: Vec<Worst>,
    pub residuals: Residuals,
}

/// The results of the Ljung-Box tests of all series.
#[derive(Clone, Copy, Debug, Default)]
pub struct Residuals {
    /// Number of series whose residuals are correlated at 5 %, and number of tested series.
    pub correlated: usize,
    pub tested: usize,
    /// The lag at which the autocorrelations of the series shown are largest on average, and that mean.
    pub largest: Option<(usize, f64)>,
    /// Steps of the model's shortest season; 1: none.
    pub season: usize,
}

/// Means, and lower and upper bounds of 80 and 95 %.
pub type Bands = (Vec<f64>, Vec<(Vec<f64>, Vec<f64>)>);

/// A series to be drawn.
#[derive(Clone, Debug)]
pub struct Shown {
    pub id: String,
    pub model: String,
    pub mase: f64,
    /// The end of the training part.
    pub past: Vec<f64>,
    pub actual: Vec<f64>,
    pub fan: Bands,
    /// Steps from the first of `past` on, and their times.
    pub ticks: Vec<(usize, String)>,
    /// Of the residuals, from lag 1.
    pub autocorrelations: Vec<f64>,
    pub residuals: usize,
}

/// A badly forecast series.
#[derive(Clone, Debug)]
pub struct Worst {
    pub id: String,
    pub model: String,
    pub score: Score,
    pub naive_mase: f64,
    pub ljung_box: Option<f64>,
}

/// The page: a function of `report` alone.
pub fn page(report: &TsReport) -> Page {
    let sections = vec![
        Section {
            title: "Forecasts and actual values".to_owned(),
            note: "The worst series, then some from the middle. The model did not see the values to the right \
            of the dashed line."
                .to_owned(),
            body: charts::fans(report),
        },
        by_step(report),
        worst(&report.worst),
        all_figures(report),
        residuals(report),
    ];
    Page {
        title: "Forecasts on the test part".to_owned(),
        summary: summary(report),
        figures: figures(report),
        sections,
        ..Page::default()
    }
}

/// How errors grow with the steps ahead.
fn by_step(report: &TsReport) -> Section {
    let origins = count(report.origins as u64);
    let note = match report.origins {
        0 | 1 => "Each series is forecast once, so that a step is a single date and its error varies by chance; more \
        origins (<code>ts.eval.origins</code> in params.yaml) smooth it."
            .to_owned(),
        _ => format!("Means over all series and {origins} forecasts of each."),
    };
    Section {
        title: "How errors grow with the steps ahead".to_owned(),
        note,
        body: charts::by_step(report),
    }
}

/// The section about the residuals, with advice.
fn residuals(report: &TsReport) -> Section {
    Section {
        title: "Residuals".to_owned(),
        note: format!(
            "Residuals are the errors one step ahead in training. If they correlate with those of a few steps \
            before, beyond the dashed lines, there is a pattern that the model has not learnt. {}",
            advice(&report.residuals)
        ),
        body: charts::correlograms(report),
    }
}

/// The results of the tests, and advice.
fn advice(residuals: &Residuals) -> String {
    let &Residuals {
        correlated,
        tested,
        largest,
        season,
    } = residuals;
    if tested == 0 {
        return "No series is long enough for the Ljung-Box test.".to_owned();
    }
    let mut out = format!(
        "By the Ljung-Box test at 5 % this is the case for {} of {} series. ",
        count(correlated as u64),
        count(tested as u64)
    );
    if (correlated as f64) <= 0.1 * tested as f64 {
        return out + "One in twenty is to be expected by chance, so there is nothing to do.";
    }
    let at = match largest {
        Some((lag, mean)) => {
            out += &format!(
                "The largest are at lag {lag}, {} on average. ",
                fixed(mean, 2)
            );
            lag
        }
        None => 0,
    };
    out += match season {
        season if season > 1 && at > 0 && at % season == 0 => {
            "That lag is a whole number of seasons: the seasonal pattern changes, or holidays and promotions \
             move it. Try other seasons (<code>ts.season</code> in params.yaml; one of at most 24 steps is \
             kept up to date by the models themselves), "
        }
        _ => {
            "Something repeats that the model does not know: look for a season that is missing in \
             <code>ts.season</code>, for changes of level, and for promotions or holidays, "
        }
    };
    out += "and keep what reduces the MASE above. The intervals are \
            not derived from these residuals but from the errors of earlier forecasts, so trust the share \
            within 95 % above.";
    out
}

fn summary(report: &TsReport) -> String {
    let (mase, naive) = (report.all.mase, report.baseline.mase);
    let better = if mase <= naive { "smaller" } else { "larger" };
    format!(
        "Forecasts of {} {} series ({}, fitted to {} steps) miss by {} of the mean seasonal change, \
        {} {better} than the seasonal naive forecast; {} of the actual values are within the 95 % bounds.",
        count(report.all.series as u64),
        escape(&report.frequency),
        escape(&report.kind),
        count(report.train_rows),
        fixed(mase, 2),
        percent((1.0 - mase / naive).abs(), 1),
        percent(report.all.coverage, 1),
    )
}

fn figures(report: &TsReport) -> Vec<Figure> {
    let (all, naive) = (&report.all, &report.baseline);
    let item =
        |name: &str, spelled: &dyn Fn(f64) -> String, values: (f64, f64), meaning: &str| Figure {
            name: name.to_owned(),
            value: spelled(values.0),
            comparisons: vec![format!("seasonal naive {}", spelled(values.1))],
            meaning: meaning.to_owned(),
            ..Figure::default()
        };
    let three = |value: f64| fixed(value, 3);
    let mase =
        "Mean error over the mean change from one season to the next; below 1 is better than that.";
    let owa =
        "As the M4 competition ranks: sMAPE and MASE over those of Naive 2; below 1 is better.";
    let smape = "Mean error over the mean of forecast and value, from 0 to 200 %.";
    let within = "Share of actual values within the 95 % bounds; it should be 95 %.";
    let msis = "Width of the 95 % bounds, and 40 times what lies outside, over the mean seasonal change; \
                less is better. Bounds far too wide hold every value, and show here.";
    vec![
        item("MASE", &three, (all.mase, naive.mase), mase),
        item("OWA", &three, (all.owa, naive.owa), owa),
        item(
            "sMAPE",
            &|value| format!("{} %", fixed(value, 1)),
            (all.smape, naive.smape),
            smape,
        ),
        item(
            "Within 95 %",
            &|value| percent(value, 1),
            (all.coverage, naive.coverage),
            within,
        ),
        item(
            "MSIS",
            &|value| fixed(value, 2),
            (all.msis, naive.msis),
            msis,
        ),
    ]
}

/// All figures, with those of the seasonal naive forecast.
fn all_figures(report: &TsReport) -> Section {
    let figure = |name: &str, of: fn(&Overall) -> f64| {
        let cell = |all: &Overall| measure(of(all), 4);
        vec![text(name), cell(&report.all), cell(&report.baseline)]
    };
    let rows = vec![
        figure("sMAPE", |all| all.smape),
        figure("MASE", |all| all.mase),
        figure("OWA", |all| all.owa),
        figure("RMSE", |all| all.rmse),
        figure("MAE", |all| all.mae),
        figure("MAPE, where the value is not 0", |all| {
            all.mape.unwrap_or(f64::NAN)
        }),
        figure("Share within 95 % bounds", |all| all.coverage),
        figure("MSIS of 95 % bounds", |all| all.msis),
    ];
    let columns = [("Figure", "name"), ("Model", "n"), ("Seasonal naive", "n")];
    Section {
        title: "All figures".to_owned(),
        note:
            "As the M4 competition defines them; errors are scaled by the mean seasonal change in \
               training."
                .to_owned(),
        body: table("Means over series", &columns, rows),
    }
}

fn table(caption: &str, list: &[(&str, &'static str)], rows: Vec<Vec<String>>) -> String {
    let table = Table {
        caption: caption.to_owned(),
        columns: columns(list),
        rows,
        class: "pairs",
    };
    table.render()
}

fn worst(worst: &[Worst]) -> Section {
    let row = |worst: &Worst| {
        let Score {
            mase,
            smape,
            coverage,
            msis,
            ..
        } = worst.score;
        vec![
            text(&short(&worst.id, 32)),
            text(&short(&worst.model, 72)),
            fixed(mase, 2),
            fixed(worst.naive_mase, 2),
            fixed(smape, 1),
            percent(coverage, 0),
            fixed(msis, 2),
            fixed(worst.ljung_box.unwrap_or(f64::NAN), 3),
        ]
    };
    let columns = [
        ("Series", "name"),
        ("Model", "name"),
        ("MASE", "n"),
        ("naive", "n"),
        ("sMAPE", "n"),
        ("Within 95 %", "n"),
        ("MSIS", "n"),
        ("Ljung-Box p", "n"),
    ];
    let rows = worst.iter().map(row).collect();
    Section {
        title: "The worst series".to_owned(),
        note: "The column naive has the MASE of the seasonal naive forecast.".to_owned(),
        body: table("The greatest MASE first", &columns, rows),
    }
}
