//! Evaluation of `nlp`.

mod slices;

use std::collections::HashMap;
use std::io;

use anyhow::Result;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::eval::compare::Recorded;
use crate::eval::figures;
use crate::eval::plots::{self, table};
use crate::eval::{Evaluate, Evaluation, Headline, Overview, Plot};
use crate::talk::Talk;
use crate::tasks::nlp::Nlp;
use crate::tasks::nlp::details::{Details, Tried, describe_ngrams};
use crate::tasks::nlp::report::{Mistake, NlpReport, SlicePart, SliceTable, TopWords, Trial, page};
use artifact::Header;
use models::metrics::bootstrap::{Intervals, intervals};
use models::metrics::calibration::{Bin, calibration, expected_calibration_error};
use models::metrics::classification::{
    Classification, confidence, majority, measure, most_probable, most_wrong, roc_curve,
};
use models::metrics::precision_recall::{PrPoint, answer_curve, pr_curve};
use models::nlp::{Model, Scratch};
use tables::Texts;

/// Points of a ROC curve in `plots/nlp/roc.csv` and on the page.
const CURVE_POINTS: usize = 500;
const CONFIDENCE_BINS: usize = 20;
/// As in the paper cited in `metrics::calibration`.
const CALIBRATION_BINS: usize = 15;
const TOP_WORDS: usize = 20;
const MISTAKES: usize = 20;
/// Number of rows that one task of the thread pool scores.
const ROWS_PER_TASK: usize = 256;

impl Evaluate for Nlp {
    const RECORDED: Recorded = Recorded::Confusion;
    const OVERVIEW: Overview = Overview {
        title: "Text classification",
        figures: &[
            Headline::share("accuracy", "Accuracy"),
            Headline::number("f1_macro", "Macro F1"),
            Headline::number("log_loss", "Log loss"),
        ],
    };

    fn is_empty(test: &Texts) -> bool {
        test.texts.is_empty()
    }

    fn evaluate(
        model: &Model,
        header: &Header<Details>,
        test: &Texts,
        seed: u64,
        talk: &Talk,
    ) -> Result<Evaluation> {
        let results = Results::new(model, test, seed);
        if !results.unseen.is_empty() {
            talk.warn(format!(
                "labels of the test part that are unknown to the model count as wrong: {}",
                results.unseen.join(", ")
            ));
        }
        Ok(Evaluation {
            metrics: results.metrics(),
            plots: results.plots()?,
            page: page(&results.report(model, header, test)),
        })
    }
}

/// The results of a model on the test part.
struct Results {
    /// The model's classes, then labels that are only in the test part.
    classes: Vec<String>,
    unseen: Vec<String>,
    /// Class of each row, an index into `classes`.
    actual: Vec<u32>,
    /// Probabilities, rows x classes of the model.
    probabilities: Vec<f64>,
    /// Number of the model's classes.
    width: usize,
    result: Classification,
    baseline: Classification,
    calibration: Vec<Bin>,
    intervals: Option<Intervals>,
    slices: Vec<SliceTable>,
}

impl Results {
    fn new(model: &Model, test: &Texts, seed: u64) -> Self {
        let known: HashMap<&str, u32> = (0..)
            .zip(model.classes())
            .map(|(index, class)| (class.as_str(), index))
            .collect();
        let mut classes = model.classes().to_vec();
        let mut unseen = Vec::new();
        let numbers: Vec<u32> = test
            .classes
            .iter()
            .map(|class| {
                known.get(class.as_str()).copied().unwrap_or_else(|| {
                    unseen.push(class.clone());
                    classes.push(class.clone());
                    classes.len() as u32 - 1
                })
            })
            .collect();
        let actual: Vec<u32> = test.labels.iter().map(|&l| numbers[l as usize]).collect();
        let probabilities = score(model, &test.texts);
        let width = model.classes().len();
        Self {
            width,
            slices: slices::slices(test, &actual, &probabilities, width),
            result: measure(&classes, &actual, &probabilities),
            baseline: majority(&classes, model.prior(), &actual),
            calibration: calibration(&actual, &probabilities, CALIBRATION_BINS),
            intervals: intervals(classes.len(), &actual, &probabilities, seed),
            classes,
            unseen,
            actual,
            probabilities,
        }
    }

    fn metrics(&self) -> Value {
        let mut metrics = figures::classification(&self.result);
        metrics["ece"] = json!(expected_calibration_error(&self.calibration));
        metrics["rows"] = json!(self.result.rows);
        if self.result.unseen > 0 {
            metrics["unseen"] = json!(self.result.unseen);
        }
        if let Some(intervals) = &self.intervals {
            metrics["intervals"] = json!(intervals);
        }
        metrics["baseline"] = figures::classification(&self.baseline);
        for table in &self.slices {
            let part = |part: &SlicePart| {
                let figures = json!({
                    "rows": part.rows,
                    "accuracy": part.accuracy,
                    "log_loss": part.log_loss,
                });
                (part.value.clone(), figures)
            };
            let parts: serde_json::Map<String, Value> = table.parts.iter().map(part).collect();
            metrics["slices"][&table.by] = Value::Object(parts);
        }
        metrics
    }

    fn plots(&self) -> io::Result<Vec<(&'static str, Plot)>> {
        let mut plots = vec![
            ("confusion.csv", plots::confusion(self.answers())?),
            ("classes.csv", table(&self.result.classes)?),
            ("calibration.csv", plots::calibration(&self.calibration)?),
            ("slices.csv", table(slices::lines(&self.slices))?),
        ];
        if let Some((positive, scores)) = self.binary_scores() {
            plots.push((
                "roc.csv",
                table(roc_curve(&positive, &scores, CURVE_POINTS))?,
            ));
            plots.push(("pr.csv", table(pr_curve(&positive, &scores, CURVE_POINTS))?));
        }
        Ok(plots)
    }

    /// The actual and the predicted class of each row.
    fn answers(&self) -> impl Iterator<Item = (&str, &str)> {
        let rows = self.probabilities.chunks(self.width);
        self.actual.iter().zip(rows).map(|(&actual, row)| {
            let classes = [actual as usize, most_probable(row)];
            classes.map(|class| self.classes[class].as_str()).into()
        })
    }

    /// For two classes: whether each row is of the second, and its probability.
    fn binary_scores(&self) -> Option<(Vec<bool>, Vec<f64>)> {
        (self.width == 2).then(|| {
            let positive = self.actual.iter().map(|&class| class == 1).collect();
            let scores = self.probabilities.chunks(2).map(|row| row[1]).collect();
            (positive, scores)
        })
    }

    /// For two classes the curve of the second. For more classes, the shares of right answers among the accepted answers
    /// and among all rows, as answers of lower and lower probability are accepted.
    fn precision_recall(&self) -> Vec<PrPoint> {
        if let Some((positive, scores)) = self.binary_scores() {
            return pr_curve(&positive, &scores, CURVE_POINTS);
        }
        answer_curve(&self.actual, &self.probabilities, self.width, CURVE_POINTS)
    }

    fn report(&self, model: &Model, header: &Header<Details>, test: &Texts) -> NlpReport {
        NlpReport {
            result: Some(self.result.clone()),
            baseline: Some(self.baseline.clone()),
            roc: self
                .binary_scores()
                .map_or_else(Vec::new, |(positive, scores)| {
                    roc_curve(&positive, &scores, CURVE_POINTS)
                }),
            precision_recall: self.precision_recall(),
            calibration: self.calibration.clone(),
            intervals: self.intervals,
            confidence: Some(confidence(
                &self.actual,
                &self.probabilities,
                CONFIDENCE_BINS,
            )),
            top_words: top_words(model),
            mistakes: self.mistakes(test),
            train_rows: Some(header.provenance.training.rows),
            test_rows: Some(self.result.rows),
            features: Some(model.features() as u64),
            slices: self.slices.clone(),
            trials: trials(&header.details),
        }
    }

    fn mistakes(&self, test: &Texts) -> Vec<Mistake> {
        most_wrong(&self.actual, &self.probabilities, MISTAKES)
            .into_iter()
            .map(|row| {
                let probabilities = &self.probabilities[row * self.width..(row + 1) * self.width];
                let predicted = most_probable(probabilities);
                Mistake {
                    row: row as u64 + 1,
                    text: test.texts[row].clone(),
                    actual: self.classes[self.actual[row] as usize].clone(),
                    predicted: self.classes[predicted].clone(),
                    probability: probabilities[predicted],
                }
            })
            .collect()
    }
}

/// Probabilities of every text, row-major. Rows are independent, so the result does not depend on threads.
fn score(model: &Model, texts: &[String]) -> Vec<f64> {
    let width = model.classes().len();
    let mut probabilities = vec![0.0; texts.len() * width];
    probabilities
        .par_chunks_mut(ROWS_PER_TASK * width)
        .zip(texts.par_chunks(ROWS_PER_TASK))
        .for_each(|(out, texts)| {
            let mut scratch = Scratch::new();
            for (out, text) in out.chunks_mut(width).zip(texts) {
                model.probabilities(text, &mut scratch, out);
            }
        });
    probabilities
}

/// The n-grams with the largest positive weights of each class.
fn top_words(model: &Model) -> Vec<TopWords> {
    (0..model.classes().len())
        .into_par_iter()
        .map(|class| {
            let mut words: Vec<(usize, f64)> = (0..model.features())
                .map(|feature| (feature, model.weight(feature, class)))
                .filter(|(_, weight)| *weight > 0.0)
                .collect();
            words.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            words.truncate(TOP_WORDS);
            TopWords {
                class: model.classes()[class].clone(),
                words: words.iter().map(|&(f, w)| (model.feature(f), w)).collect(),
            }
        })
        .collect()
}

/// The trials of the search, in words.
fn trials(details: &Details) -> Vec<Trial> {
    let trial = |tried: &Tried| Trial {
        settings: format!(
            "{} weighting{}, {}, C {:?}",
            tried.weighting.as_str(),
            if tried.negation {
                ", negation marked"
            } else {
                ""
            },
            describe_ngrams(tried.ngrams),
            tried.c,
        ),
        accuracy: tried.accuracy,
        log_loss: tried.log_loss,
        chosen: details.chosen.is(tried),
    };
    details.search.trials.iter().map(trial).collect()
}
