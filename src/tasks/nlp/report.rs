//! The page `reports/nlp.html`: the metrics of an nlp model on the test part, its mistakes, and the words it relies
//! on. Takes measured figures and chooses what to show, in which order.

mod classes;
mod parts;
mod words;

pub use parts::{SlicePart, SliceTable, Trial};

use crate::report::classifier;
use crate::report::format::{self, count, fixed, percent, plural};
use crate::report::html::{Table, columns};
use crate::report::page::{Figure, Page, Section};
use crate::report::svg::{self, PrecisionRecall};
use models::metrics::bootstrap::{Interval, Intervals, LEVEL};
use models::metrics::calibration::{Bin, expected_calibration_error};
use models::metrics::classification::{Classification, Confidence, RocPoint};
use models::metrics::precision_recall::PrPoint;

/// The content of the page. Sections, pictures and lines of empty lists and `None` are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NlpReport {
    /// The model on the test part.
    pub result: Option<Classification>,
    /// The majority baseline on the same rows.
    pub baseline: Option<Classification>,
    /// Two classes: the ROC curve of the second.
    pub roc: Vec<RocPoint>,
    /// Two classes: the precision-recall curve of the second. More: that of all answers, by probability.
    pub precision_recall: Vec<PrPoint>,
    pub calibration: Vec<Bin>,
    pub confidence: Option<Confidence>,
    /// Bootstrap intervals of the headline figures.
    pub intervals: Option<Intervals>,
    /// One entry per class, in any order.
    pub top_words: Vec<TopWords>,
    /// In the order to show them.
    pub mistakes: Vec<Mistake>,
    pub train_rows: Option<u64>,
    pub test_rows: Option<u64>,
    /// Number of words and n-grams in the vocabulary.
    pub features: Option<u64>,
    /// By length, and by column.
    pub slices: Vec<SliceTable>,
    /// Settings that were tried on held-out training rows.
    pub trials: Vec<Trial>,
}

/// The n-grams with the largest weights for one class.
#[derive(Clone, Debug, PartialEq)]
pub struct TopWords {
    pub class: String,
    /// N-gram and weight, in the order to show them; a negative weight is evidence against the class.
    pub words: Vec<(String, f64)>,
}

/// A misclassified test row.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// Number of the row in the test part, from 1.
    pub row: u64,
    pub text: String,
    pub actual: String,
    pub predicted: String,
    /// The probability of the prediction.
    pub probability: f64,
}

/// Maximum width of a label, in columns of a terminal.
const LABEL: usize = 60;

/// Heading of a column that shows the column before it as a picture.
const BLANK: &str = "<span aria-hidden=\"true\"></span>";

/// The page: a function of `report` alone.
pub fn page(report: &NlpReport) -> Page {
    let parts = [
        report.result.as_ref().map(classes::confusion),
        report.result.as_ref().map(classes::table),
        charts(report),
        parts::slices(report),
        words::top_words(report),
        words::mistakes(report),
        parts::search(report),
        data(report),
    ];
    let figures = report.result.as_ref().map_or_else(Vec::new, |result| {
        figures(result, report.baseline.as_ref(), report.intervals.as_ref())
    });
    Page {
        title: "Text classification on the test part".to_owned(),
        summary: summary(report),
        figures,
        sections: parts.into_iter().flatten().collect(),
        ..Page::default()
    }
}

fn summary(report: &NlpReport) -> String {
    let Some(result) = &report.result else {
        return "There is no test part, so there are no metrics.".to_owned();
    };
    let mut out = format!(
        "Of {} test {}, the model labels {} right",
        count(result.rows),
        plural(result.rows, "row", "rows"),
        percent(result.accuracy, 2),
    );
    match &report.baseline {
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

/// The headline figures, each with its baseline.
fn figures(
    result: &Classification,
    baseline: Option<&Classification>,
    intervals: Option<&Intervals>,
) -> Vec<Figure> {
    let four = |value: f64| fixed(value, 4);
    let area_name = match classes::known(result) {
        2 => "ROC AUC",
        _ => "ROC AUC, one against rest",
    };
    let headline = |name, value, of: fn(&Classification) -> Option<f64>| Headline {
        name,
        value,
        baseline: baseline.and_then(of),
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
    let largest = baseline.map_or(result.log_loss, |b| b.log_loss.max(result.log_loss));
    let loss = Headline {
        interval: intervals.map(|i| i.log_loss),
        scale: -largest.max(1e-9),
        meaning: "Penalizes answers that are confident and wrong.",
        ..headline("Log loss, lower is better", result.log_loss, |r| {
            Some(r.log_loss)
        })
    };
    let all = [Some(accuracy), Some(f1), area, Some(loss)];
    all.iter().flatten().map(Headline::figure).collect()
}

/// A headline figure.
struct Headline<'a> {
    name: &'a str,
    value: f64,
    baseline: Option<f64>,
    interval: Option<Interval>,
    /// The value at the right end of the line; negative if lower is better.
    scale: f64,
    spell: &'a dyn Fn(f64) -> String,
    meaning: &'static str,
}

impl Headline<'_> {
    fn figure(&self) -> Figure {
        let spell = self.spell;
        let length = self.scale.abs();
        let better = self
            .baseline
            .is_none_or(|baseline| (self.value - baseline) * self.scale >= 0.0);
        let against = match self.baseline {
            Some(baseline) => format!("majority baseline {}", spell(baseline)),
            None => "no baseline".to_owned(),
        };
        let interval = self.interval.map(|Interval { low, high }| {
            let level = percent(LEVEL, 0);
            format!("{level} interval {} to {}", spell(low), spell(high))
        });
        Figure {
            name: self.name.to_owned(),
            value: spell(self.value),
            picture: svg::versus(
                self.value / length,
                self.baseline.map(|baseline| baseline / length),
                better,
            ),
            comparisons: [Some(against), interval].into_iter().flatten().collect(),
            meaning: self.meaning.to_owned(),
            class: "",
        }
    }
}

/// The confidence of the answers, its calibration, and the ranking of rows.
fn charts(report: &NlpReport) -> Option<Section> {
    let result = report.result.as_ref()?;
    let positive = result.classes.get(1).map_or("", |class| &class.name);
    let positive = format::label(positive, 40);
    let two = classes::known(result) == 2;
    let note = match two {
        true => format!(
            "{}: the share of right ones among the rows classified so, and the share of them that is found",
            crate::report::html::text(&positive)
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
        points: &report.precision_recall,
        area: result.pr_auc.filter(|_| two),
        chance,
        note,
    };
    let error = expected_calibration_error(&report.calibration);
    classifier::charts(
        "Confidence and ranking",
        [
            report.confidence.as_ref().and_then(svg::confidence),
            svg::reliability(&report.calibration, error),
            svg::roc(&report.roc, result.roc_auc, &positive),
            svg::precision_recall_curve(&curve),
        ],
    )
}

fn data(report: &NlpReport) -> Option<Section> {
    let known = report
        .result
        .as_ref()
        .map(|result| classes::known(result) as u64);
    let counts = [
        ("Rows to train on", report.train_rows),
        ("Rows to test on", report.test_rows),
        ("Classes", known),
        ("Words and n-grams known", report.features),
    ];
    let counted: Vec<Vec<String>> = counts
        .iter()
        .filter_map(|&(name, value)| Some(vec![name.to_owned(), count(value?)]))
        .collect();
    (!counted.is_empty()).then(|| Section {
        title: "Data".to_owned(),
        note: String::new(),
        body: Table {
            caption: "Data of training and test".to_owned(),
            columns: columns(&[("Name", "name"), ("Value", "n")]),
            rows: counted,
            class: "facts",
        }
        .render(),
    })
}

#[cfg(test)]
mod tests;
