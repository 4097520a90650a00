//! The page `reports/nlp.html`: the metrics of an nlp model on the test part, its mistakes, and the words it relies
//! on. Takes measured figures and chooses what to show, in which order.

mod parts;
mod words;

pub use parts::{SlicePart, SliceTable, Trial};

use crate::report::classifier::{self, Probabilities};
use crate::report::format::count;
use crate::report::html::{Table, columns};
use crate::report::page::{Page, Section};
use models::metrics::bootstrap::Intervals;
use models::metrics::calibration::Bin;
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

/// The page: a function of `report` alone.
pub fn page(report: &NlpReport) -> Page {
    let parts = [
        report.result.as_ref().map(classifier::confusion),
        report.result.as_ref().map(classifier::table),
        charts(report),
        parts::slices(report),
        words::top_words(report),
        words::mistakes(report),
        parts::search(report),
        data(report),
    ];
    let figures = report.result.as_ref().map_or_else(Vec::new, |result| {
        classifier::figures(result, report.baseline.as_ref(), report.intervals.as_ref())
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
    match &report.result {
        Some(result) => classifier::summary(result, report.baseline.as_ref()),
        None => "There is no test part, so there are no metrics.".to_owned(),
    }
}

/// The confidence of the answers, its calibration, and the ranking of rows.
fn charts(report: &NlpReport) -> Option<Section> {
    let probabilities = Probabilities {
        result: report.result.as_ref()?,
        confidence: report.confidence.as_ref(),
        calibration: &report.calibration,
        roc: &report.roc,
        precision_recall: &report.precision_recall,
    };
    classifier::charts("Confidence and ranking", probabilities.figures())
}

fn data(report: &NlpReport) -> Option<Section> {
    let known = report
        .result
        .as_ref()
        .map(|result| classifier::known(result) as u64);
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
