//! The charts of classifiers, each with title, note and legend: ROC curve, precision and recall, confidence, and
//! calibration.

use super::axes::{Axis, Plot};
use super::format::{count, fixed, percent};
use super::html::text;
use super::svg::{self, Key, Sign, label};
use models::metrics::calibration::Bin;
use models::metrics::classification::{Confidence, RocPoint};
use models::metrics::precision_recall::PrPoint;

/// Height of the area between the axes of every chart here.
const HEIGHT: f64 = 300.0;

fn shares(x: &str, y: &str) -> Plot {
    Plot {
        x: Axis::share(x, 0.0, 1.0),
        y: Axis::share(y, 0.0, 1.0),
        height: HEIGHT,
    }
}

/// A value and its name, in the corner that the curve of a good model leaves free.
fn in_corner(plot: &Plot, x: f64, value: &str, name: &str, class: &str) -> String {
    let (x, y) = plot.at(x, 0.06);
    label(x, y - 22.0, &format!("{class} s22 strong halo"), value)
        + &label(x, y, &format!("{class} muted halo"), name)
}

/// The ROC curve with its diagonal; `positive` names the positive class. `None` without points.
pub fn roc(points: &[RocPoint], area: Option<f64>, positive: &str) -> Option<String> {
    if points.is_empty() {
        return None;
    }
    let plot = shares("false positive rate", "true positive rate");
    let curve = || points.iter().map(|point| (point.fpr, point.tpr));
    let mut body = plot.axes();
    body += &plot.path(curve().chain([(1.0, 0.0), (0.0, 0.0)]), "under");
    body += &plot.straight((0.0, 0.0), (1.0, 1.0), "dash");
    body += &plot.path(curve(), "line");
    let area = area.map_or_else(String::new, |area| fixed(area, 4));
    body += &in_corner(&plot, 0.97, &area, "area under the curve", "end");
    let description =
        format!("True positive rate over false positive rate; area under the curve {area}.");
    let title = format!("ROC curve, {positive} taken as positive");
    let note = format!(
        "{}: the share of them that is found, against the share of the others that is mistaken for them",
        text(positive)
    );
    let legend = [
        Key::new(Sign::Line, "line", "model"),
        Key::new(Sign::Line, "dash", "chance"),
    ];
    let picture = plot.picture("roc", &title, description, body);
    Some(svg::figure("ROC curve", &note, &legend, &picture))
}

/// The data of a precision-recall curve.
pub struct PrecisionRecall<'a> {
    pub points: &'a [PrPoint],
    /// Average precision.
    pub area: Option<f64>,
    /// Precision if everything is classified as positive.
    pub chance: Option<f64>,
    /// How to read it, HTML.
    pub note: String,
}

/// The precision-recall curve. `None` without points.
pub fn precision_recall_curve(of: &PrecisionRecall) -> Option<String> {
    if of.points.is_empty() {
        return None;
    }
    let plot = shares("recall", "precision");
    let mut body = plot.axes();
    let mut legend = vec![Key::new(Sign::Line, "line", "model")];
    if let Some(chance) = of.chance {
        body += &plot.across(chance, "dash");
        let name = format!("if all were classified so, {}", percent(chance, 1));
        legend.push(Key::new(Sign::Line, "dash", &name));
    }
    body += &plot.path(
        of.points
            .iter()
            .map(|point| (point.recall, point.precision)),
        "line",
    );
    let mut description = "Precision over recall as the threshold falls.".to_owned();
    if let Some(area) = of.area.map(|area| fixed(area, 4)) {
        body += &in_corner(&plot, 0.03, &area, "average precision", "start");
        description += &format!(" Average precision {area}.");
    }
    let picture = plot.picture("pr", "Precision and recall", description, body);
    Some(svg::figure(
        "Precision and recall",
        &of.note,
        &legend,
        &picture,
    ))
}

/// The share of right answers by their probability, with the line where both are equal. The area of a dot is its
/// share of the rows. `None` without rows.
pub fn reliability(bins: &[Bin], error: f64) -> Option<String> {
    let filled = || bins.iter().filter(|bin| bin.rows > 0);
    let most = filled().map(|bin| bin.rows).max()?;
    let lowest = filled()
        .map(|bin| bin.probability.min(bin.accuracy))
        .fold(1.0, f64::min);
    let plot = Plot {
        x: Axis::share("probability of the answer", lowest, 1.0),
        y: Axis::share("share that is right", lowest, 1.0),
        height: HEIGHT,
    };
    let mut body = plot.axes();
    let low = lowest.min(0.999);
    body += &plot.straight((low, low), (1.0, 1.0), "dash");
    for bin in filled() {
        let radius = 3.0 + 7.0 * (bin.rows as f64 / most as f64).sqrt();
        let says = format!(
            "{} answers with {} on average: {} right",
            count(bin.rows),
            percent(bin.probability, 1),
            percent(bin.accuracy, 1)
        );
        body += &plot.dot(bin.probability, bin.accuracy, radius, "fill-good l7", &says);
    }
    let description = format!(
        "Share of right answers over their probability; expected calibration error {}.",
        fixed(error, 4)
    );
    let note = format!(
        "Below the dashed line the answers are overconfident, above it underconfident. Mean gap \
         (expected calibration error) {}",
        percent(error, 1)
    );
    let legend = [
        Key::new(Sign::Dot, "fill-good l7", "answers, by their number"),
        Key::new(Sign::Line, "dash", "perfect calibration"),
    ];
    let picture = plot.picture("calibration", "Calibration", description, body);
    Some(svg::figure("Calibration", &note, &legend, &picture))
}

/// Right answers upward, wrong ones downward, on one scale, over the probability of the answer. Starts at a half if
/// no answer has a lower probability, as with two classes. `None` without rows.
pub fn confidence(counts: &Confidence) -> Option<String> {
    let bins = counts.right.len().min(counts.wrong.len());
    let (right, wrong): (u64, u64) = (counts.right.iter().sum(), counts.wrong.iter().sum());
    if bins == 0 || right + wrong == 0 {
        return None;
    }
    let half = bins / 2;
    let mut lower = counts.right[..half].iter().chain(&counts.wrong[..half]);
    let first = match lower.all(|&rows| rows == 0) && bins.is_multiple_of(2) {
        true => half,
        false => 0,
    };
    let most = |counts: &[u64]| counts.iter().copied().max().unwrap_or(0) as f64;
    let start = first as f64 / bins as f64;
    let mut plot = Plot {
        x: Axis::share("probability of the answer", start, 1.0),
        y: Axis::round("rows", -most(&counts.wrong), most(&counts.right)),
        height: HEIGHT,
    };
    // Wrong answers are drawn downward, but their number is not negative.
    plot.y.unsigned();
    let mut body = plot.axes();
    for bin in first..bins {
        let place = |bin: usize| bin as f64 / bins as f64;
        let across = (place(bin), place(bin + 1));
        body += &plot.bar(across, counts.right[bin] as f64, "fill-good");
        body += &plot.bar(across, -(counts.wrong[bin] as f64), "fill-bad");
    }
    let description = format!(
        "Histogram of the probability given to the answer: {} right answers above the line, {} wrong below it.",
        count(right),
        count(wrong)
    );
    let legend = [
        Key::new(Sign::Area, "fill-good", &format!("right, {}", count(right))),
        Key::new(Sign::Area, "fill-bad", &format!("wrong, {}", count(wrong))),
    ];
    let title = "Probability of right and wrong answers";
    let picture = plot.picture("confidence", title, description, body);
    let note = "The wrong answers of a good model are on the left, where its probabilities are low";
    Some(svg::figure(
        "Rows by probability of the answer",
        note,
        &legend,
        &picture,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roc_runs_from_corner_to_corner() {
        let point = |fpr, tpr| RocPoint {
            fpr,
            tpr,
            threshold: None,
        };
        let points = [point(0.0, 0.0), point(0.25, 0.75), point(1.0, 1.0)];
        let figure = roc(&points, Some(0.75), "<pos>").unwrap();
        assert!(
            figure.contains("d=\"M56 328L143.5 103L406 28\""),
            "{figure}"
        );
        assert!(figure.contains(">0.7500</text>") && figure.contains("chance</li>"));
        assert!(!figure.contains("<pos>"));
        assert!(roc(&[], None, "x").is_none());
    }

    #[test]
    fn precision_is_shown_with_that_of_chance() {
        let point = PrPoint {
            recall: 0.5,
            precision: 1.0,
            threshold: 0.3,
        };
        let figure = precision_recall_curve(&PrecisionRecall {
            points: &[point],
            area: Some(0.9),
            chance: Some(0.25),
            note: String::new(),
        });
        let figure = figure.unwrap();
        assert!(
            figure.contains("if all were classified so, 25.0 %"),
            "{figure}"
        );
        assert!(figure.contains(">0.9000</text>"), "{figure}");
    }

    #[test]
    fn only_filled_bins_have_a_dot() {
        let bin = |rows| Bin {
            probability: 0.75,
            accuracy: 0.5,
            rows,
        };
        let figure = reliability(&[bin(0), bin(1200)], 0.25).unwrap();
        assert_eq!(
            figure.matches("<circle").count(),
            2,
            "one of them in the legend"
        );
        assert!(figure.contains("1,200 answers with 75.0 % on average: 50.0 % right"));
        assert!(reliability(&[bin(0)], 0.0).is_none());
    }

    #[test]
    fn histogram_starts_where_the_answers_do() {
        let two = Confidence {
            right: vec![0, 0, 1, 9],
            wrong: vec![0, 0, 1, 0],
        };
        let body = confidence(&two).unwrap();
        assert!(body.contains(">50 %</text>") && !body.contains(">20 %</text>"));
        assert_eq!(
            body.matches("class=\"fill-good\"").count(),
            3,
            "two bars and the legend"
        );
        assert_eq!(body.matches("class=\"fill-bad\"").count(), 2);
        assert!(
            !body.contains('\u{2212}'),
            "no number of rows is below zero"
        );
        let many = Confidence {
            right: vec![1, 0, 0, 9],
            wrong: vec![0; 4],
        };
        assert!(confidence(&many).unwrap().contains(">20 %</text>"));
        let none = Confidence {
            right: vec![0; 4],
            wrong: vec![0; 4],
        };
        assert!(confidence(&none).is_none());
    }

    #[test]
    fn the_calibration_of_a_very_sure_model_has_readable_ticks() {
        let bin = Bin {
            probability: 0.9996,
            accuracy: 1.0,
            rows: 10,
        };
        let figure = reliability(&[bin], 0.0004).unwrap();
        for tick in [">99.96 %<", ">99.98 %<", ">100.00 %<"] {
            assert_eq!(
                figure.matches(tick).count(),
                2,
                "{tick} on both axes: {figure}"
            );
        }
    }

    #[test]
    fn dots_grow_with_the_square_root_of_their_rows() {
        let bin = |rows, probability| Bin {
            probability,
            accuracy: 0.5,
            rows,
        };
        let figure = reliability(&[bin(25, 0.6), bin(100, 0.8)], 0.0).unwrap();
        assert!(
            figure.contains("r=\"6.5\"") && figure.contains("r=\"10\""),
            "{figure}"
        );
    }
}
