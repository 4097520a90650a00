//! Evaluation of `cv`.

use std::collections::BTreeMap;
use std::io;

use anyhow::Result;
use serde_json::{Value, json};

use crate::eval::compare::Recorded;
use crate::eval::plots::{self, table};
use crate::eval::{Evaluate, Evaluation, Headline, Overview, Plot};
use crate::talk::Talk;
use crate::tasks::cv::Cv;
use crate::tasks::cv::details::Details;
use crate::tasks::cv::features::Measurer;
use crate::tasks::cv::report::{CvReport, Mistake, Part, page};
use artifact::Header;
use images::Decoder;
use images::thumbnail::Thumbnail;
use models::cv::{Class, FEATURES, LAPLACIAN_VARIANCE, Model};
use models::metrics::bootstrap::intervals;
use models::metrics::bootstrap_roc::{Estimate, Groups};
use models::metrics::calibration::{Bin, calibration, expected_calibration_error};
use models::metrics::classification::{Classification, measure, most_wrong, roc_curve};
use models::metrics::precision_recall::pr_curve;
use models::metrics::roc::roc_auc;
use tables::Photos;

/// Points of a curve in `plots/cv`.
const CURVE_POINTS: usize = 500;
const CALIBRATION_BINS: usize = 10;
const MISTAKES: usize = 12;
/// Longer side of a thumbnail, in pixels.
const THUMBNAIL: usize = 240;

impl Evaluate for Cv {
    const RECORDED: Recorded = Recorded::Confusion;
    const OVERVIEW: Overview = Overview {
        title: "Blurred photos",
        figures: &[
            Headline::number("roc_auc", "ROC AUC"),
            Headline::share("accuracy", "Accuracy"),
            Headline::number("f1_macro", "Macro F1"),
        ],
    };

    fn is_empty(test: &Photos<Class>) -> bool {
        test.paths.is_empty()
    }

    fn evaluate(
        model: &Model,
        header: &Header<Details>,
        test: &Photos<Class>,
        seed: u64,
        talk: &Talk,
    ) -> Result<Evaluation> {
        warn_of_sizes(model, test, talk);
        let results = Results::new(model, test);
        Ok(Evaluation {
            metrics: results.metrics(seed),
            plots: results.plots()?,
            page: page(&results.report(model, header, seed)),
        })
    }
}

/// Says how many photos have sizes that the model has not learned about.
fn warn_of_sizes(model: &Model, test: &Photos<Class>, talk: &Talk) {
    let sizes = model.sizes();
    let unfamiliar = (test.sizes.iter()).filter(|(w, h)| sizes.unfamiliar(*w, *h).is_some());
    let count = unfamiliar.count();
    if count > 0 {
        talk.warn(format!(
            "{count} of {} test photos are much smaller or larger than those that the model was trained on, {sizes}",
            test.sizes.len()
        ));
    }
}

/// The results of a model on the test part.
struct Results<'a> {
    test: &'a Photos<Class>,
    /// Whether each photo is sharp.
    sharp: Vec<bool>,
    features: Vec<[f64; FEATURES]>,
    actual: Vec<u32>,
    /// Log-odds of sharp.
    scores: Vec<f64>,
    /// Photos × classes.
    probabilities: Vec<f64>,
    /// The baseline's probability of sharp, 0 or 1: the variance of the Laplacian against a threshold.
    baseline: Vec<f64>,
    result: Classification,
    calibration: Vec<Bin>,
}

impl<'a> Results<'a> {
    fn new(model: &Model, test: &'a Photos<Class>) -> Results<'a> {
        let features: Vec<[f64; FEATURES]> = test.features();
        let classes = test.classes.iter();
        let actual: Vec<u32> = classes.map(|class| class.index() as u32).collect();
        let sharp = features.iter().map(|photo| model.probability(photo));
        let probabilities: Vec<f64> = sharp.flat_map(|sharp| [1.0 - sharp, sharp]).collect();
        let baseline = features
            .iter()
            .map(|photo| f64::from(u8::from(model.baseline(photo))));
        Results {
            scores: features.iter().map(|photo| model.log_odds(photo)).collect(),
            result: measure(&Class::names(), &actual, &probabilities),
            calibration: calibration(&actual, &probabilities, CALIBRATION_BINS),
            baseline: baseline.collect(),
            features,
            sharp: test.classes.iter().map(|class| class.is_sharp()).collect(),
            actual,
            probabilities,
            test,
        }
    }

    fn metrics(&self, seed: u64) -> Value {
        let mut metrics = json!({
            "accuracy": self.result.accuracy,
            "balanced_accuracy": balanced(&self.result),
            "f1_macro": self.result.f1_macro,
            "log_loss": self.result.log_loss,
        });
        // Near 0 and 1 rounding loses the order of probabilities, but not that of the log-odds.
        let areas = [
            ("roc_auc", roc_auc(&self.sharp, &self.scores)),
            ("pr_auc", self.result.pr_auc),
        ];
        for (name, area) in areas {
            if let Some(area) = area {
                metrics[name] = json!(area);
            }
        }
        metrics["ece"] = json!(expected_calibration_error(&self.calibration));
        metrics["rows"] = json!(self.result.rows);
        if let Some(intervals) = intervals(2, &self.actual, &self.probabilities, seed) {
            metrics["intervals"] = json!(intervals);
        }
        let (area, better) = self.areas(seed);
        if let Some(Estimate { low, high, .. }) = area {
            metrics["intervals"]["roc_auc"] = json!({ "low": low, "high": high });
        }
        metrics["baseline"] = self.baseline_metrics();
        if let Some(better) = better {
            metrics["roc_auc_above_baseline"] = json!(better);
        }
        metrics["parts"] = json!(self.parts());
        metrics
    }

    /// The area under the ROC curve, and its difference to that of the variance of the Laplacian; both with
    /// bootstrap intervals over scenes.
    fn areas(&self, seed: u64) -> (Option<Estimate>, Option<Estimate>) {
        let groups = Groups {
            positive: &self.sharp,
            groups: &self.test.scenes,
            seed,
        };
        let better = groups.difference(&self.scores, &self.variances());
        (groups.roc_auc(&self.scores), better)
    }

    /// Logarithms of the variance of the Laplacian.
    fn variances(&self) -> Vec<f64> {
        let photos = self.features.iter();
        photos.map(|photo| photo[LAPLACIAN_VARIANCE]).collect()
    }

    /// The metrics of the variance of the Laplacian with the threshold chosen in training.
    fn baseline_metrics(&self) -> Value {
        let probabilities: Vec<f64> = self.baseline.iter().flat_map(|&p| [1.0 - p, p]).collect();
        let result = measure(&Class::names(), &self.actual, &probabilities);
        let mut figures = json!({
            "accuracy": result.accuracy,
            "balanced_accuracy": balanced(&result),
            "f1_macro": result.f1_macro,
        });
        if let Some(area) = roc_auc(&self.sharp, &self.variances()) {
            figures["roc_auc"] = json!(area);
        }
        figures
    }

    /// Figures by kind of blur, strength and source: blurred photos of each against all sharp ones of
    /// the test part.
    fn parts(&self) -> Vec<Part> {
        let mut parts: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
        for photo in 0..self.test.paths.len() {
            let mut add = |by, name: String| parts.entry((by, name)).or_default().push(photo);
            add("kind", self.test.kinds[photo].clone());
            add("source", self.test.sources[photo].clone());
            if let Some(strength) = self.test.strengths[photo] {
                add("strength", strength_range(strength).to_owned());
            }
        }
        parts
            .into_iter()
            .filter(|((_, name), _)| !name.is_empty())
            .map(|((by, name), photos)| self.part(by, name, &photos))
            .collect()
    }

    fn part(&self, by: &str, name: String, photos: &[usize]) -> Part {
        let right =
            |&&photo: &&usize| Class::from_log_odds(self.scores[photo]) == self.test.classes[photo];
        let mut compared: Vec<usize> = photos.to_vec();
        if photos.iter().all(|&photo| !self.sharp[photo]) {
            compared.extend((0..self.sharp.len()).filter(|&photo| self.sharp[photo]));
        }
        let sharp: Vec<bool> = compared.iter().map(|&photo| self.sharp[photo]).collect();
        let scores: Vec<f64> = compared.iter().map(|&photo| self.scores[photo]).collect();
        Part {
            by: by.to_owned(),
            name,
            rows: photos.len() as u64,
            accuracy: photos.iter().filter(right).count() as f64 / photos.len() as f64,
            roc_auc: roc_auc(&sharp, &scores),
        }
    }

    fn plots(&self) -> io::Result<Vec<(&'static str, Plot)>> {
        let sharp: Vec<f64> = self.probabilities.chunks(2).map(|row| row[1]).collect();
        let answers = self.test.classes.iter().zip(&self.scores);
        let answers = answers.map(|(actual, &score)| {
            let predicted = Class::from_log_odds(score);
            (actual.as_str(), predicted.as_str())
        });
        let roc = roc_curve(&self.sharp, &self.scores, CURVE_POINTS);
        let precision_recall = pr_curve(&self.sharp, &sharp, CURVE_POINTS);
        Ok(vec![
            ("confusion.csv", plots::confusion(answers)?),
            ("calibration.csv", plots::calibration(&self.calibration)?),
            ("roc.csv", table(roc)?),
            ("pr.csv", table(precision_recall)?),
            ("parts.csv", table(self.parts())?),
        ])
    }

    fn report(&self, model: &Model, header: &Header<Details>, seed: u64) -> CvReport {
        let (area, better) = self.areas(seed);
        CvReport {
            result: self.result.clone(),
            roc_auc: area,
            above_baseline: better,
            baseline: self.baseline_metrics(),
            held_out: header.details.held_out.clone(),
            kind: model.kind(),
            roc: roc_curve(&self.sharp, &self.scores, CURVE_POINTS),
            precision_recall: pr_curve(&self.sharp, &self.scores, CURVE_POINTS),
            calibration: self.calibration.clone(),
            parts: self.parts(),
            scores: self
                .scores
                .iter()
                .copied()
                .zip(self.test.classes.iter().copied())
                .collect(),
            mistakes: self.mistakes(model),
            train_rows: header.provenance.training.rows,
        }
    }

    fn mistakes(&self, model: &Model) -> Vec<Mistake> {
        most_wrong(&self.actual, &self.probabilities, MISTAKES)
            .into_iter()
            .map(|photo| {
                let (thumbnail, tiles) = self.pictures(photo, model).unzip();
                Mistake {
                    path: self.test.paths[photo].clone(),
                    actual: self.test.classes[photo],
                    score: self.scores[photo],
                    thumbnail,
                    tiles,
                }
            })
            .collect()
    }

    /// The photo and its tile map as PNG files, if it can still be read.
    fn pictures(&self, photo: usize, model: &Model) -> Option<(Vec<u8>, Vec<u8>)> {
        let folder = self.test.folder.as_ref()?;
        let file = files::names::find(folder, &self.test.paths[photo]);
        let bytes = images::bytes(&file).ok()?;
        let photo = Measurer::new(&Decoder::new()).measure(&bytes).ok()?;
        let map = photo.tile_map(model);
        if map.pixels.is_empty() {
            return None;
        }
        let thumbnail = Thumbnail::of(&photo.gray, THUMBNAIL);
        Some((thumbnail.png(), map.png()))
    }
}

fn strength_range(strength: f64) -> &'static str {
    match strength {
        s if s < 1.0 => "below 1",
        s if s < 2.0 => "1 to 2",
        s if s < 4.0 => "2 to 4",
        _ => "4 and above",
    }
}

/// Mean recall of the classes that have photos.
fn balanced(result: &Classification) -> f64 {
    let classes: Vec<f64> = result
        .classes
        .iter()
        .filter(|class| class.support > 0)
        .map(|class| class.recall)
        .collect();
    classes.iter().sum::<f64>() / classes.len() as f64
}
