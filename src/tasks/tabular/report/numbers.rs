//! The part of the page on a target of numbers or counts: figures, residuals, and predictions against actual values.

use super::{named, range};
use crate::report::format::{amount, count, counted, fixed, label, percent};
use crate::report::headline::Headline;
use crate::report::page::{Figure, Section};
use crate::report::svg::{self, Axis, Key, Plot, Sign};
use models::metrics::bootstrap::Interval;

/// The metrics of predicted numbers on the test part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NumbersPart {
    /// What the baseline predicts for every row: `training mean`.
    pub baseline: String,
    pub rmse: Compared,
    pub mae: Compared,
    pub r2: Compared,
    /// The mean Poisson deviance, of counts alone.
    pub deviance: Option<Compared>,
    /// Share of the actual values within their 95 % intervals, and mean width of these.
    pub coverage_95: Option<f64>,
    pub width_95: Option<f64>,
    pub residuals: Option<ResidualBins>,
    /// Rows of similar predictions, ascending.
    pub fit: Vec<FitBin>,
}

/// A figure with that of the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compared {
    pub value: f64,
    pub baseline: Option<f64>,
    pub interval: Option<Interval>,
}

/// A histogram of residuals (actual minus predicted) in equal bins.
#[derive(Clone, Debug, PartialEq)]
pub struct ResidualBins {
    /// The lower edge of the first bin.
    pub low: f64,
    pub width: f64,
    /// Rows by bin; the outermost also count what lies beyond them.
    pub counts: Vec<u64>,
}

/// Rows of similar predictions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitBin {
    /// Means.
    pub predicted: f64,
    pub actual: f64,
    /// The 10 % and the 90 % quantile of the actual values.
    pub low: f64,
    pub high: f64,
    pub rows: u64,
}

/// Height of the area between the axes.
const HEIGHT: f64 = 280.0;

pub(super) fn summary(part: &NumbersPart, target: &str, rows: Option<u64>) -> String {
    let rows = rows.map_or_else(
        || "the test rows".to_owned(),
        |rows| counted(rows, "test row", "test rows"),
    );
    let mut out = format!(
        "On {rows}, predictions of {} are off by {} on average",
        named(target),
        amount(part.mae.value)
    );
    out += &match part.mae.baseline {
        Some(baseline) => format!(
            "; always predicting the {} is off by {}.",
            named(&part.baseline),
            amount(baseline)
        ),
        None => ".".to_owned(),
    };
    out
}

pub(super) fn figures(part: &NumbersPart) -> Vec<Figure> {
    let error = |name, of: Compared, meaning| Headline {
        name,
        value: of.value,
        baseline: of.baseline,
        against: &part.baseline,
        interval: of.interval,
        scale: Headline::lower_is_better(of.value, of.baseline),
        spell: &amount,
        meaning,
    };
    let deviance = part.deviance.map(|deviance| {
        error(
            "Poisson deviance, lower is better",
            deviance,
            "Error of counts by which a miss of one weighs more where few are expected.",
        )
    });
    let rmse = error(
        "RMSE, lower is better",
        part.rmse,
        "Root mean squared error, in the unit of the target; large errors weigh more.",
    );
    let mae = error(
        "MAE, lower is better",
        part.mae,
        "Mean absolute error: how far predictions are off on average, in the unit of the target.",
    );
    let r2 = Headline {
        scale: 1.0,
        spell: &|value| fixed(value, 4),
        ..error(
            "R\u{b2}",
            part.r2,
            "Share of the variance of the target that the predictions explain; 1 is perfect, 0 is a constant.",
        )
    };
    let all = [deviance, Some(mae), Some(rmse), Some(r2)];
    let mut figures: Vec<Figure> = all.iter().flatten().map(Headline::figure).collect();
    figures.extend(part.coverage_95.map(|share| coverage(share, part.width_95)));
    figures
}

fn coverage(share: f64, width: Option<f64>) -> Figure {
    let width = width.map(|width| format!("mean width {}", amount(width)));
    Figure {
        name: "Within the 95 % interval".to_owned(),
        value: percent(share, 1),
        picture: svg::versus(share, Some(0.95), true),
        comparisons: [Some("should be 95 %".to_owned()), width]
            .into_iter()
            .flatten()
            .collect(),
        meaning: "Share of the actual values inside the interval given with each prediction; less wide is better."
            .to_owned(),
        class: "",
    }
}

pub(super) fn section(part: &NumbersPart, target: &str) -> Option<Section> {
    let figures = [
        against_actual(&part.fit, target),
        part.residuals
            .as_ref()
            .and_then(|bins| residuals(bins, target)),
    ];
    let figures: String = figures.into_iter().flatten().collect();
    (!figures.is_empty()).then(|| Section {
        title: "How far predictions are off".to_owned(),
        note: String::new(),
        body: svg::side_by_side(&figures),
    })
}

/// Mean actual values by mean predictions, with the line where both are equal. `None` without bins.
fn against_actual(fit: &[FitBin], target: &str) -> Option<String> {
    let bins = || fit.iter().filter(|bin| bin.rows > 0);
    let (low, high) = range(bins().map(|bin| bin.predicted))?;
    let up = range(bins().flat_map(|bin| [bin.actual, bin.low, bin.high]))?;
    let short = label(target, 32);
    let plot = Plot {
        x: Axis::round(&format!("predicted {short}"), low, high),
        y: Axis::round(&format!("actual {short}"), up.0.min(low), up.1.max(high)),
        height: HEIGHT,
    };
    let mut body = plot.axes();
    body += &plot.straight((low, low), (high, high), "dash");
    body.extend(bins().map(|bin| {
        let (foot, top) = ((bin.predicted, bin.low), (bin.predicted, bin.high));
        plot.path([foot, top], "whisker")
    }));
    let drawn = bins().filter(|bin| bin.predicted.is_finite() && bin.actual.is_finite());
    body.extend(drawn.map(|bin| {
        let says = bin.in_words();
        plot.dot(bin.predicted, bin.actual, 4.5, "fill-good", &says)
    }));
    let legend = [
        Key::new(Sign::Dot, "fill-good", "mean of rows predicted alike"),
        Key::new(Sign::Line, "whisker", "eight in ten of them"),
        Key::new(Sign::Line, "dash", "perfect predictions"),
    ];
    let note = "Dots above the dashed line were predicted too low, below it too high; the shorter the bars, the more \
                certain the predictions";
    let description = format!(
        "Mean actual values of {} of rows by their mean prediction.",
        counted(bins().count() as u64, "group", "groups")
    );
    let picture = plot.picture("fit", "Actual values by prediction", description, body);
    Some(svg::figure("Predicted and actual", note, &legend, &picture))
}

impl FitBin {
    fn in_words(&self) -> String {
        format!(
            "{}, predicted {} on average: actual {}, eight in ten from {} to {}",
            counted(self.rows, "row", "rows"),
            amount(self.predicted),
            amount(self.actual),
            amount(self.low),
            amount(self.high)
        )
    }
}

/// The histogram of residuals. `None` without rows.
fn residuals(bins: &ResidualBins, target: &str) -> Option<String> {
    let most = bins.counts.iter().copied().max().filter(|&most| most > 0)?;
    let edge = |bin: usize| bins.low + bin as f64 * bins.width;
    let last = bins.counts.len();
    let plot = Plot {
        x: Axis::round(
            &format!("actual minus predicted {}", label(target, 24)),
            edge(0),
            edge(last),
        ),
        y: Axis::round("rows", 0.0, most as f64),
        height: HEIGHT,
    };
    let mut body = plot.axes();
    for (bin, &rows) in bins.counts.iter().enumerate() {
        body += &plot.bar((edge(bin), edge(bin + 1)), rows as f64, "fill-good l7");
    }
    if plot.x.contains(0.0) {
        body += &plot.down(0.0, "dash");
    }
    let legend = [
        Key::new(Sign::Area, "fill-good l7", "rows"),
        Key::new(Sign::Line, "dash", "predicted exactly"),
    ];
    let note = "Right of the dashed line the prediction was too low, left of it too high; the outermost bars hold all \
                that lies beyond";
    let rows: u64 = bins.counts.iter().sum();
    let description = format!("Histogram of the residuals of {} rows.", count(rows));
    let picture = plot.picture("residuals", "Residuals", description, body);
    Some(svg::figure("Residuals", note, &legend, &picture))
}
