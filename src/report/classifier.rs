//! Parts that the pages of classifiers share: the summary and the headline figures, the confusion matrix, the table of
//! classes, and the charts of probabilities.

mod classes;

pub use classes::{confusion, known, table, worst_first};

use super::format::{self, count, fixed, percent, plural};
use super::headline::Headline;
use super::html::{scrollable, text};
use super::page::{Figure, Section};
use super::svg::{self, PrecisionRecall};
use models::metrics::bootstrap::Intervals;
use models::metrics::calibration::{Bin, expected_calibration_error};
use models::metrics::classification::{Classification, Confidence, RocPoint};
use models::metrics::precision_recall::PrPoint;

/// How many rows are labelled right, by the model and by the majority baseline: HTML.
pub fn summary(result: &Classification, baseline: Option<&Classification>) -> String {
    let mut out = format!(
        "Of {} test {}, the model labels {} right",
        count(result.rows),
        plural(result.rows, "row", "rows"),
        percent(result.accuracy, 2),
    );
    match baseline {
        Some(baseline) => {
            out += &format!(
                "; always answering the most frequent class of the training part is right on {}.",
                percent(baseline.accuracy, 2)
            );
        }
        None => out.push('.'),
    }
    if result.unseen > 0 {
        out += &format!(
            " {} {} a label that the training part does not have, which counts as wrong.",
            count(result.unseen),
            plural(result.unseen, "row carries", "rows carry"),
        );
    }
    out
}

/// The headline figures, each with the majority baseline.
pub fn figures(
    result: &Classification,
    baseline: Option<&Classification>,
    intervals: Option<&Intervals>,
) -> Vec<Figure> {
    let four = |value: f64| fixed(value, 4);
    let area_name = match known(result) {
        2 => "ROC AUC",
        _ => "ROC AUC, one against rest",
    };
    let headline = |name, value, of: fn(&Classification) -> Option<f64>| Headline {
        name,
        value,
        baseline: baseline.and_then(of),
        against: "majority baseline",
        interval: None,
        scale: 1.0,
        spell: &four,
        meaning: "",
    };
    let accuracy = Headline {
        interval: intervals.map(|i| i.accuracy),
        spell: &|value| percent(value, 2),
        meaning: "Share of the rows that are labelled right.",
        ..headline("Accuracy", result.accuracy, |r| Some(r.accuracy))
    };
    let f1 = Headline {
        interval: intervals.map(|i| i.f1_macro),
        meaning: "Precision and recall in one number, every class with the same weight; 1 is perfect.",
        ..headline("Macro F1", result.f1_macro, |r| Some(r.f1_macro))
    };
    let area = result.roc_auc.map(|area| Headline {
        meaning: "How often a row of the class is ranked above one of another; 0.5 is chance.",
        ..headline(area_name, area, |r| r.roc_auc)
    });
    let loss = Headline {
        interval: intervals.map(|i| i.log_loss),
        scale: Headline::lower_is_better(result.log_loss, baseline.map(|b| b.log_loss)),
        meaning: "Penalizes answers that are confident and wrong.",
        ..headline("Log loss, lower is better", result.log_loss, |r| {
            Some(r.log_loss)
        })
    };
    let all = [Some(accuracy), Some(f1), area, Some(loss)];
    all.iter().flatten().map(Headline::figure).collect()
}

/// What the charts of a classifier's probabilities are drawn from; an empty part has no chart.
pub struct Probabilities<'a> {
    pub result: &'a Classification,
    pub confidence: Option<&'a Confidence>,
    pub calibration: &'a [Bin],
    /// Two classes: the ROC curve of the second.
    pub roc: &'a [RocPoint],
    /// Two classes: the precision-recall curve of the second. More: that of all answers, by probability.
    pub precision_recall: &'a [PrPoint],
}

impl Probabilities<'_> {
    /// The confidence of the answers, its calibration, and the ranking of rows: figures for [`charts`].
    pub fn figures(&self) -> [Option<String>; 4] {
        let result = self.result;
        let positive = result.classes.get(1).map_or("", |class| &class.name);
        let positive = format::label(positive, 40);
        let two = known(result) == 2;
        let note = match two {
            true => format!(
                "{}: the share of right ones among the rows classified so, and the share of them that is found",
                text(&positive)
            ),
            false => {
                "All classes together, as answers of lower and lower probability are accepted: the share \
                of right ones among the accepted answers, and among all rows"
                    .to_owned()
            }
        };
        let chance = result.classes.get(1).filter(|_| two);
        let chance = chance.map(|class| class.support as f64 / result.rows.max(1) as f64);
        let curve = PrecisionRecall {
            points: self.precision_recall,
            area: result.pr_auc.filter(|_| two),
            chance,
            note,
        };
        let error = expected_calibration_error(self.calibration);
        [
            self.confidence.and_then(svg::confidence),
            svg::reliability(self.calibration, error),
            svg::roc(self.roc, result.roc_auc, &positive),
            svg::precision_recall_curve(&curve),
        ]
    }
}

/// The confusion matrix as a picture in a scrollable box, HTML; a sentence if there are too many labels. `names`
/// and `counts` as for [`confusion`].
pub fn confusion_matrix(names: &[String], counts: &[Vec<u64>]) -> String {
    match svg::confusion(names, counts) {
        Some(picture) => scrollable("Confusion matrix", &picture.render()),
        None => format!(
            "<p>There is no picture: {} labels are more than the {} that it can show.</p>\n",
            count(names.len() as u64),
            svg::CLASSES_SHOWN
        ),
    }
}

/// Figures as the charts of [`svg`] make them, side by side under a title.
pub fn charts(title: &str, figures: impl IntoIterator<Item = Option<String>>) -> Option<Section> {
    let figures: String = figures.into_iter().flatten().collect();
    (!figures.is_empty()).then(|| Section {
        title: title.to_owned(),
        note: String::new(),
        body: svg::side_by_side(&figures),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_classes_for_a_picture_are_counted() {
        let names: Vec<String> = (0..1234).map(|class| class.to_string()).collect();
        let counts = vec![vec![0; 1234]; 1234];
        assert!(confusion_matrix(&names, &counts).contains("1,234 labels"));
        let two = confusion_matrix(&names[..2], &[vec![3, 1], vec![0, 4]]);
        assert!(two.contains("aria-label=\"Confusion matrix\""));
    }
}
