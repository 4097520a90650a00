//! The page `reports/ts.html`: how good the forecasts are, some of them drawn as fans, what is left in
//! their residuals, and the series that went worst. Takes figures that are measured already.

use crate::report::format::{coordinate, count, fixed, label as short, measure, percent};
use crate::report::html::{Page, Section, Table, columns, escape, text};
use crate::report::svg::{Picture, label, line, rect};
use models::metrics::forecast::{Overall, Score};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct TsReport {
    pub frequency: String,
    /// Of the model, as the parameters have it.
    pub kind: String,
    pub all: Overall,
    /// The seasonal naive forecast on the same steps.
    pub baseline: Overall,
    pub train_rows: u64,
    pub shown: Vec<Shown>,
    pub worst: Vec<Worst>,
    /// Series whose residuals are correlated by the Ljung-Box test at 5 %, of so many tested.
    pub correlated: usize,
    pub tested: usize,
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
    /// The first time of the test part.
    pub first: String,
    /// Of the residuals, from lag 1.
    pub autocorrelations: Vec<f64>,
    pub residuals: usize,
}

/// A series that went badly.
#[derive(Clone, Debug)]
pub struct Worst {
    pub id: String,
    pub model: String,
    pub score: Score,
    pub naive_mase: f64,
    pub ljung_box: Option<f64>,
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 260.0;
/// Of the autocorrelations.
const LOW: f64 = 120.0;

/// Of each fan and its autocorrelations; a picture's name is unique in the page.
const FANS: [&str; 8] = [
    "fan-a", "fan-b", "fan-c", "fan-d", "fan-e", "fan-f", "fan-g", "fan-h",
];
const LAGS: [&str; 8] = [
    "acf-a", "acf-b", "acf-c", "acf-d", "acf-e", "acf-f", "acf-g", "acf-h",
];

/// The page's bytes: a function of `report` alone.
pub fn page(report: &TsReport) -> String {
    let sections = vec![
        Section {
            title: "Forecasts and what came".to_owned(),
            note: "The series that went worst, then some from the middle. The thin line is the \
                   past and what came, the <span class=\"good\">blue</span> one the forecast, in \
                   bands that hold 80% and 95%."
                .to_owned(),
            body: figures_of(&report.shown, &fan, &FANS),
        },
        Section {
            title: "What is left in the residuals".to_owned(),
            note: format!(
                "Autocorrelations of the errors one step ahead in training, of the same series; \
                 beyond the dashed lines they are not chance (5%). By the Ljung-Box test the \
                 residuals of {} of {} series are correlated.",
                count(report.correlated as u64),
                count(report.tested as u64)
            ),
            body: figures_of(&report.shown, &correlogram, &LAGS),
        },
        worst(&report.worst),
        all_figures(report),
    ];
    Page {
        title: "ts on the test part".to_owned(),
        summary: summary(report),
        figures: figures(report),
        sections,
    }
    .render()
}

/// A picture of each series, with its name and model above it.
fn figures_of(
    all: &[Shown],
    draw: &dyn Fn(&Shown, &'static str) -> Picture,
    ids: &[&'static str],
) -> String {
    let figure = |(shown, id): (&Shown, &&'static str)| {
        format!(
            "<figure>\n<figcaption>{}<span>{}</span></figcaption>\n{}</figure>\n",
            text(&short(&shown.id, 32)),
            text(&format!(
                "{}, MASE {}",
                short(&shown.model, 60),
                fixed(shown.mase, 2)
            )),
            draw(shown, id).render()
        )
    };
    let drawn: String = all.iter().zip(ids).map(figure).collect();
    format!("<div class=\"pictures\">\n{drawn}</div>\n")
}

fn summary(report: &TsReport) -> String {
    let (mase, naive) = (report.all.mase, report.baseline.mase);
    let better = if mase <= naive { "smaller" } else { "larger" };
    format!(
        "Forecasts of {} {} series ({}, fitted to {} steps) miss by {} of the mean seasonal change, \
         {} {better} than the seasonal naive forecast; {} of what came lies within the 95% bounds.",
        count(report.all.series as u64),
        escape(&report.frequency),
        escape(&report.kind),
        count(report.train_rows),
        fixed(mase, 2),
        percent((1.0 - mase / naive).abs(), 1),
        percent(report.all.coverage, 1),
    )
}

fn figures(report: &TsReport) -> String {
    let (all, naive) = (&report.all, &report.baseline);
    let item = |name: &str, value: f64, baseline: f64| {
        format!(
            "<li><h2>{name}</h2><p class=\"value\">{}</p>\
             <p class=\"versus\">seasonal naive {}</p></li>\n",
            fixed(value, 3),
            fixed(baseline, 3)
        )
    };
    item("MASE", all.mase, naive.mase)
        + &item("OWA", all.owa, naive.owa)
        + &item("sMAPE", all.smape, naive.smape)
        + &item("Within 95%", all.coverage, naive.coverage)
}

/// Every figure of all series, beside the seasonal naive forecast.
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
        figure("Share within 95% bounds", |all| all.coverage),
        figure("MSIS of 95% bounds", |all| all.msis),
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

/// From values to places in a picture.
struct Frame {
    low: f64,
    high: f64,
    steps: usize,
    height: f64,
}

impl Frame {
    fn x(&self, step: f64) -> f64 {
        56.0 + (WIDTH - 68.0) * step / (self.steps.max(2) - 1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        let range = (self.high - self.low).max(f64::MIN_POSITIVE);
        14.0 + (self.height - 44.0) * (self.high - value) / range
    }

    fn path(&self, first: usize, values: &[f64], class: &str) -> String {
        let mut path = String::new();
        let mut pen = 'M';
        for (step, &value) in values.iter().enumerate() {
            if !value.is_finite() {
                pen = 'M';
                continue;
            }
            let x = coordinate(self.x((first + step) as f64));
            path.push_str(&format!("{pen}{x} {}", coordinate(self.y(value))));
            pen = 'L';
        }
        format!("<path d=\"{path}\" class=\"{class}\"/>\n")
    }

    fn band(&self, first: usize, (low, high): &(Vec<f64>, Vec<f64>), class: &str) -> String {
        let place = |(step, value): (usize, &f64)| {
            let x = coordinate(self.x((first + step) as f64));
            format!("{x},{}", coordinate(self.y(*value)))
        };
        let upper = high.iter().enumerate().map(place);
        let lower = low.iter().enumerate().rev().map(place);
        let points: Vec<String> = upper.chain(lower).collect();
        format!(
            "<polygon points=\"{}\" class=\"{class}\"/>\n",
            points.join(" ")
        )
    }
}

fn fan(shown: &Shown, id: &'static str) -> Picture {
    let (mean, bounds) = &shown.fan;
    let past = shown.past.len();
    let values = (shown.past.iter().chain(&shown.actual).chain(mean))
        .chain(bounds.iter().flat_map(|(low, high)| low.iter().chain(high)))
        .filter(|value| value.is_finite());
    let frame = Frame {
        low: values.clone().copied().fold(f64::INFINITY, f64::min),
        high: values.copied().fold(f64::NEG_INFINITY, f64::max),
        steps: past + mean.len(),
        height: HEIGHT,
    };
    let mut body = String::new();
    for (band, class) in bounds.iter().rev().zip(["fill-good l2", "fill-good l4"]) {
        body += &frame.band(past, band, class);
    }
    let whole: Vec<f64> = shown.past.iter().chain(&shown.actual).copied().collect();
    body += &frame.path(0, &whole, "past");
    body += &frame.path(past, mean, "line");
    let foot = HEIGHT - 24.0;
    body += &line((frame.x(0.0), foot), (WIDTH - 12.0, foot), "axis");
    let edge = frame.x(past as f64);
    body += &line((edge, 10.0), (edge, foot), "dash");
    body += &label(edge, HEIGHT - 6.0, "middle muted", &shown.first);
    for value in [frame.low, frame.high] {
        body += &label(50.0, frame.y(value) + 4.0, "end muted", &magnitude(value));
    }
    Picture {
        id,
        title: format!("Forecast of {}", short(&shown.id, 32)),
        description: format!("{} steps beside what came", mean.len()),
        width: WIDTH,
        height: HEIGHT,
        class: "fluid",
        body,
    }
}

/// A number of an axis in few letters.
fn magnitude(value: f64) -> String {
    match value.abs() {
        v if v >= 1e9 => format!("{value:.1e}"),
        v if v >= 1e6 => format!("{}M", fixed(value / 1e6, 1)),
        v if v >= 1e4 => format!("{}k", fixed(value / 1e3, 0)),
        v if v >= 100.0 || v == 0.0 => fixed(value, 0),
        v if v >= 1.0 => fixed(value, 1),
        v if v >= 1e-3 => fixed(value, 3),
        _ => format!("{value:.1e}"),
    }
}

fn correlogram(shown: &Shown, id: &'static str) -> Picture {
    let limit = 1.96 / (shown.residuals.max(1) as f64).sqrt();
    let most = (shown.autocorrelations.iter()).fold(limit, |most, r| most.max(r.abs()));
    let frame = Frame {
        low: -most,
        high: most,
        steps: shown.autocorrelations.len() + 1,
        height: LOW,
    };
    let mut body = String::new();
    for (lag, &r) in shown.autocorrelations.iter().enumerate() {
        let class = if r.abs() > limit {
            "fill-bad"
        } else {
            "fill-good"
        };
        let (top, bottom) = (frame.y(r.max(0.0)), frame.y(r.min(0.0)));
        body += &rect(frame.x(lag as f64 + 0.3), top, 6.0, bottom - top, class);
    }
    for (value, class) in [(0.0, "axis"), (limit, "dash"), (-limit, "dash")] {
        let y = frame.y(value);
        body += &line((56.0, y), (WIDTH - 12.0, y), class);
    }
    body += &label(50.0, frame.y(limit) + 4.0, "end muted", &fixed(limit, 2));
    let last = shown.autocorrelations.len();
    body += &label(WIDTH - 12.0, LOW - 6.0, "end muted", &format!("lag {last}"));
    Picture {
        id,
        title: format!("Residuals of {}", short(&shown.id, 30)),
        description: format!("Autocorrelations of {} residuals", shown.residuals),
        width: WIDTH,
        height: LOW,
        class: "fluid",
        body,
    }
}

fn worst(worst: &[Worst]) -> Section {
    let row = |worst: &Worst| {
        let Score {
            mase,
            smape,
            coverage,
            ..
        } = worst.score;
        vec![
            text(&short(&worst.id, 32)),
            text(&short(&worst.model, 72)),
            fixed(mase, 2),
            fixed(worst.naive_mase, 2),
            fixed(smape, 1),
            percent(coverage, 0),
            fixed(worst.ljung_box.unwrap_or(f64::NAN), 3),
        ]
    };
    let columns = [
        ("Series", "name"),
        ("Model", "name"),
        ("MASE", "n"),
        ("naive", "n"),
        ("sMAPE", "n"),
        ("Within 95%", "n"),
        ("Ljung-Box p", "n"),
    ];
    let rows = worst.iter().map(row).collect();
    Section {
        title: "The worst series".to_owned(),
        note: "MASE of the seasonal naive forecast stands beside that of the model.".to_owned(),
        body: table("The greatest MASE first", &columns, rows),
    }
}
