//! The part of the page on a target of classes: figures, cost of decisions, confusions, charts, gain and lift.

use crate::report::classifier::{self, Probabilities, known};
use crate::report::format::{amount, fixed, label, percent};
use crate::report::headline::Headline;
use crate::report::html::text;
use crate::report::page::{Figure, Section};
use crate::report::svg::{self, Axis, Key, Plot, Sign};
use models::metrics::bootstrap::Intervals;
use models::metrics::calibration::Bin;
use models::metrics::classification::{Classification, Confidence, RocPoint};
use models::metrics::precision_recall::PrPoint;

/// The metrics of a classifier on the test part.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassesPart {
    pub result: Classification,
    /// The majority baseline on the same rows.
    pub baseline: Option<Classification>,
    /// Bootstrap intervals of the headline figures.
    pub intervals: Option<Intervals>,
    /// Two classes: the ROC curve of the second.
    pub roc: Vec<RocPoint>,
    /// Two classes: the precision-recall curve of the second. More: that of all answers, by probability.
    pub precision_recall: Vec<PrPoint>,
    pub calibration: Vec<Bin>,
    pub confidence: Option<Confidence>,
    /// Two classes: ascending by share, without the origin.
    pub gain: Vec<GainPoint>,
    pub cost: Option<CostPart>,
}

/// What the rows with the highest probabilities hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GainPoint {
    /// Share of the rows, those with the highest probability of the second class first.
    pub share: f64,
    /// Share of the rows of the second class that are among them.
    pub gain: f64,
    /// Their share of the second class over that of all rows.
    pub lift: f64,
}

/// Mean costs of a row of the test part, in the unit of the costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostPart {
    /// Of the decisions that cost least by the model's probabilities.
    pub realised: f64,
    /// Of always deciding for the most probable class.
    pub of_most_probable: f64,
    /// Two classes: the probability of the second from which on it is decided for.
    pub threshold: Option<f64>,
}

/// Height of the area between the axes, as of the other charts of a classifier.
const HEIGHT: f64 = 300.0;

pub(super) fn summary(part: &ClassesPart) -> String {
    let mut out = classifier::summary(&part.result, part.baseline.as_ref());
    // The tenth of the rows, or what comes first after it.
    if let Some(tenth) = part.gain.iter().find(|point| point.share >= 0.0999) {
        let name = positive(part);
        let share = percent(tenth.share, 0);
        out += &format!(
            " The {share} of the rows most likely to be {name} hold {} of all {name}, {} times as many as {share} drawn \
             at random.",
            percent(tenth.gain, 0),
            fixed(tenth.lift, 1),
        );
    }
    out
}

/// The name of the second class, HTML.
fn positive(part: &ClassesPart) -> String {
    let name = part.result.classes.get(1).map_or("", |class| &class.name);
    text(&label(name, 40))
}

pub(super) fn figures(part: &ClassesPart) -> Vec<Figure> {
    let mut figures = classifier::figures(
        &part.result,
        part.baseline.as_ref(),
        part.intervals.as_ref(),
    );
    figures.extend(part.cost.as_ref().map(cost));
    figures
}

fn cost(cost: &CostPart) -> Figure {
    let meaning = match cost.threshold {
        Some(threshold) => format!(
            "Mean cost of the decisions that the model's probabilities make cheapest: for the second class from a \
             probability of {} on.",
            percent(threshold, 1)
        ),
        None => {
            "Mean cost of the decisions that the model's probabilities make cheapest.".to_owned()
        }
    };
    Headline {
        name: "Cost per row, lower is better",
        value: cost.realised,
        baseline: Some(cost.of_most_probable),
        against: "of the most probable class",
        interval: None,
        scale: Headline::lower_is_better(cost.realised, Some(cost.of_most_probable)),
        spell: &amount,
        meaning: &meaning,
    }
    .figure()
}

/// Charts first, then the confusions that they sum up.
pub(super) fn sections(part: &ClassesPart) -> Vec<Option<Section>> {
    let probabilities = Probabilities {
        result: &part.result,
        confidence: part.confidence.as_ref(),
        calibration: &part.calibration,
        roc: &part.roc,
        precision_recall: &part.precision_recall,
    };
    vec![
        Some(classifier::confusion(&part.result)),
        // Of two classes the matrix and the headline figures say all.
        (known(&part.result) > 2).then(|| classifier::table(&part.result)),
        classifier::charts("Confidence and ranking", probabilities.figures()),
        classifier::charts("Which rows to take first", [gain(part), lift(part)]),
    ]
}

fn shares_of_rows(y: Axis) -> Plot {
    Plot {
        x: Axis::share("share of the rows, highest probability first", 0.0, 1.0),
        y,
        height: HEIGHT,
    }
}

/// The share of the second class that is found as more and more rows are taken. `None` without points.
fn gain(part: &ClassesPart) -> Option<String> {
    let last = part.gain.last()?;
    let plot = shares_of_rows(Axis::share("share of them that is found", 0.0, 1.0));
    let curve = || {
        [(0.0, 0.0)]
            .into_iter()
            .chain(part.gain.iter().map(|p| (p.share, p.gain)))
    };
    let mut body = plot.axes();
    body += &plot.path(curve().chain([(last.share, 0.0), (0.0, 0.0)]), "under");
    body += &plot.straight((0.0, 0.0), (1.0, 1.0), "dash");
    let mut legend = vec![
        Key::new(Sign::Line, "line", "model"),
        Key::new(Sign::Line, "dash", "in random order"),
    ];
    let rows = part.result.rows.max(1) as f64;
    let base = part
        .result
        .classes
        .get(1)
        .map_or(0.0, |class| class.support as f64 / rows);
    if base > 0.0 {
        body += &plot.path([(0.0, 0.0), (base, 1.0), (1.0, 1.0)], "past");
        legend.push(Key::new(Sign::Line, "past", "perfect order"));
    }
    body += &plot.path(curve(), "line");
    let note = format!(
        "{}: the share of them among the rows that are taken",
        positive(part)
    );
    let description = "Share of the second class found over the share of rows taken.".to_owned();
    let picture = plot.picture("gain", "Gain", description, body);
    Some(svg::figure("Gain", &note, &legend, &picture))
}

/// How many times more rows of the second class are found than in random order. `None` without points.
fn lift(part: &ClassesPart) -> Option<String> {
    let most = part.gain.iter().map(|point| point.lift).reduce(f64::max)?;
    let plot = shares_of_rows(Axis::round(
        "times as many as at random",
        0.0,
        most.max(1.0),
    ));
    let mut body = plot.axes();
    body += &plot.across(1.0, "dash");
    body += &plot.path(part.gain.iter().map(|p| (p.share, p.lift)), "line");
    let note = format!(
        "How many times more often {} is among the rows taken than among all",
        positive(part)
    );
    let legend = [
        Key::new(Sign::Line, "line", "model"),
        Key::new(Sign::Line, "dash", "in random order"),
    ];
    let description = format!(
        "Lift over the share of rows taken, at most {}.",
        fixed(most, 2)
    );
    let picture = plot.picture("lift", "Lift", description, body);
    Some(svg::figure("Lift", &note, &legend, &picture))
}
