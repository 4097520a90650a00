//! The page `reports/cv.html`: the metrics of the classification, by kind of blur, and the worst mistakes. Takes
//! measured figures.

use serde::Serialize;
use serde_json::Value;

use crate::report::classifier::{charts, confusion};
use crate::report::format::{MISSING, count, figure, fixed, percent};
use crate::report::headline::Headline;
use crate::report::html::{Table, columns, text};
use crate::report::mistakes;
use crate::report::page::{Figure, Page, Section};
use crate::report::slices::{self, Slice, Slices};
use crate::report::svg::{self, Axis, Key, Picture, Plot, PrecisionRecall, Sign};
use crate::tasks::cv::details::HeldOut;
use models::cv::{Class, Kind};
use models::metrics::bootstrap::Interval;
use models::metrics::bootstrap_roc::Estimate;
use models::metrics::calibration::{Bin, expected_calibration_error};
use models::metrics::classification::{Classification, RocPoint};
use models::metrics::precision_recall::PrPoint;

/// The content of the page.
#[derive(Clone, Debug)]
pub struct CvReport {
    pub result: Classification,
    pub roc_auc: Option<Estimate>,
    /// The difference between the area and that of the variance of the Laplacian.
    pub above_baseline: Option<Estimate>,
    /// The variance of the Laplacian on the same photos: figures by name.
    pub baseline: Value,
    /// Each kind of model on held-out scenes of the training split.
    pub held_out: Vec<HeldOut>,
    /// The kind of the model that was chosen.
    pub kind: Kind,
    pub roc: Vec<RocPoint>,
    /// Curves with sharp as the positive class.
    pub precision_recall: Vec<PrPoint>,
    pub calibration: Vec<Bin>,
    pub parts: Vec<Part>,
    /// Log-odds of sharp, and the actual class.
    pub scores: Vec<(f64, Class)>,
    /// In the order to show them.
    pub mistakes: Vec<Mistake>,
    pub train_rows: u64,
}

/// Photos that share a property.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// The property: kind, strength or source.
    pub by: String,
    pub name: String,
    pub rows: u64,
    pub accuracy: f64,
    /// For blurred photos, against all sharp ones.
    pub roc_auc: Option<f64>,
}

/// A misclassified photo.
#[derive(Clone, Debug)]
pub struct Mistake {
    pub path: String,
    pub actual: Class,
    /// Log-odds of sharp.
    pub score: f64,
    /// PNG files, if the photo could be read.
    pub thumbnail: Option<Vec<u8>>,
    pub tiles: Option<Vec<u8>>,
}

/// Bars of the histogram of scores.
const BARS: usize = 40;
/// Scores beyond this are in the outermost bars.
const RANGE: f64 = 12.0;

/// The page: a function of `report` alone.
pub fn page(report: &CvReport) -> Page {
    let sections = [
        Some(confusion(&report.result)),
        Some(scores(report)),
        ranked(report),
        (!report.parts.is_empty()).then(|| parts(&report.parts)),
        Some(held_out(&report.held_out, report.kind)),
        (!report.mistakes.is_empty()).then(|| worst(&report.mistakes)),
    ];
    Page {
        title: "Blurred photos on the test part".to_owned(),
        summary: summary(report),
        figures: figures(report),
        sections: sections.into_iter().flatten().collect(),
        ..Page::default()
    }
}

/// The ranking of photos by their scores.
fn ranked(report: &CvReport) -> Option<Section> {
    let sharp = Class::Sharp;
    let of_sharp = report.result.classes.get(sharp.index());
    let rows = report.result.rows.max(1) as f64;
    let curve = PrecisionRecall {
        points: &report.precision_recall,
        area: report.result.pr_auc,
        chance: of_sharp.map(|class| class.support as f64 / rows),
        note: format!(
            "{sharp}: the share of right ones among the photos classified so, and the share that is found"
        ),
    };
    charts(
        "Ranking of the photos",
        [
            svg::roc(
                &report.roc,
                report.roc_auc.map(|area| area.value),
                sharp.as_str(),
            ),
            svg::precision_recall_curve(&curve),
        ],
    )
}

fn summary(report: &CvReport) -> String {
    let above = report.above_baseline.map_or_else(String::new, |above| {
        format!(
            " Its ROC AUC is {} above that of the variance of the Laplacian; 95 % bootstrap interval over \
            scenes {} to {}.",
            fixed(above.value, 4),
            fixed(above.low, 4),
            fixed(above.high, 4),
        )
    });
    format!(
        "Of {} test photos, the model ({}, fitted to {} photos) classifies {} correctly; the variance of \
        the Laplacian with its best threshold {}.{above}",
        count(report.result.rows),
        report.kind.as_str(),
        count(report.train_rows),
        percent(report.result.accuracy, 2),
        figure(&report.baseline, "accuracy", |value| percent(value, 2)),
    )
}

/// A figure, or the mark of a missing one.
fn optional(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| MISSING.to_owned(), show)
}

fn figures(report: &CvReport) -> Vec<Figure> {
    let four = |value: f64| fixed(value, 4);
    let item = |name, value: Option<f64>, key: &str, meaning| Headline {
        name,
        value: value.unwrap_or(f64::NAN),
        baseline: report.baseline[key].as_f64(),
        against: "variance of the Laplacian",
        interval: None,
        scale: 1.0,
        spell: &four,
        meaning,
    };
    let ranked = Headline {
        interval: report
            .roc_auc
            .map(|Estimate { low, high, .. }| Interval { low, high }),
        ..item(
            "ROC AUC",
            report.roc_auc.map(|area| area.value),
            "roc_auc",
            "How often a sharp photo is ranked above a blurred one; 0.5 is chance. The interval is over scenes.",
        )
    };
    let result = &report.result;
    let right = "Share of the photos that are classified correctly.";
    let f1 = "Precision and recall in one number, both classes with the same weight; 1 is perfect.";
    let all = [
        ranked,
        item("Accuracy", Some(result.accuracy), "accuracy", right),
        item("Macro F1", Some(result.f1_macro), "f1_macro", f1),
    ];
    all.iter().map(Headline::figure).collect()
}

/// The bounds of an interval; empty if there is none.
fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |Interval { low, high }| {
        format!("{} to {}", fixed(low, 4), fixed(high, 4))
    })
}

fn parts(parts: &[Part]) -> Section {
    fn slice(part: &Part) -> Slice<'_> {
        Slice {
            value: &part.name,
            rows: part.rows,
            figures: vec![
                percent(part.accuracy, 1),
                fixed(part.roc_auc.unwrap_or(f64::NAN), 4),
            ],
            bar: Some(part.accuracy),
        }
    }
    let by_property = parts.chunk_by(|a, b| a.by == b.by).map(|parts| Slices {
        by: &parts[0].by,
        figures: ["Right", "ROC AUC"].map(str::to_owned).to_vec(),
        parts: parts.iter().map(slice).collect(),
    });
    Section {
        title: "By kind of photo".to_owned(),
        note: "By kind of blur, its strength, and where the photos come from. The ROC AUC of blurred photos is \
               against all sharp ones of the test part."
            .to_owned(),
        body: slices::tables(by_property),
    }
}

fn held_out(kinds: &[HeldOut], chosen: Kind) -> Section {
    let four = |value: f64| fixed(value, 4);
    let row = |held_out: &HeldOut| {
        let mark = if held_out.kind == chosen {
            " (chosen)"
        } else {
            ""
        };
        let difference = held_out.behind_chosen;
        vec![
            text(&format!("{}{mark}", held_out.kind.as_str())),
            optional(held_out.roc_auc, four),
            range(held_out.roc_auc_interval),
            optional(difference.map(|difference| difference.value), four),
            range(difference.map(|Estimate { low, high, .. }| Interval { low, high })),
            percent(held_out.accuracy, 2),
            four(held_out.log_loss),
            optional(held_out.c, |value| format!("{value}")),
        ]
    };
    let table = Table {
        caption: "Each kind of model on held-out scenes of the training part".to_owned(),
        columns: columns(&[
            ("Model", "name"),
            ("ROC AUC", "n"),
            ("95 %", "n"),
            ("Below the chosen", "n"),
            ("95 %", "n"),
            ("Right", "n"),
            ("Log loss", "n"),
            ("C", "n"),
        ]),
        rows: kinds.iter().map(row).collect(),
        class: "pairs",
    };
    Section {
        title: "How the model was chosen".to_owned(),
        note: "The smallest log loss wins. Intervals are bootstrap intervals over scenes, of an area or of the \
        difference of two: a difference whose interval contains 0 may be chance."
            .to_owned(),
        body: table.render(),
    }
}

/// The separation of the classes by their scores, and the calibration of the probabilities.
fn scores(report: &CvReport) -> Section {
    let note = format!(
        "Above 0, the dashed line, a photo is classified as sharp; the outermost bars hold scores beyond \
        {RANGE:.0} on either side"
    );
    let rows = |class: Class| {
        let of_class = report.scores.iter().filter(|(_, of)| *of == class);
        format!("{class}, {}", count(of_class.count() as u64))
    };
    let legend = [
        Key::new(Sign::Area, "fill-good", &rows(Class::Sharp)),
        Key::new(Sign::Area, "fill-bad", &rows(Class::Blurred)),
    ];
    let mut figures = svg::figure("Photos by score", &note, &legend, &histogram(report));
    let error = expected_calibration_error(&report.calibration);
    figures += &svg::reliability(&report.calibration, error).unwrap_or_default();
    Section {
        title: "Separation of the classes".to_owned(),
        note: "A score is the log-odds of sharp: 2.2 is a probability of 90 %, \u{2212}2.2 one of 10 %. The \
               less the colours overlap, the better."
            .to_owned(),
        body: svg::side_by_side(&figures),
    }
}

/// A histogram of the scores: sharp photos upward, blurred ones downward, on one scale.
fn histogram(report: &CvReport) -> Picture {
    let mut bars = [[0u64; 2]; BARS];
    for &(score, class) in &report.scores {
        let place = (score / RANGE + 1.0) / 2.0 * BARS as f64;
        bars[(place.max(0.0) as usize).min(BARS - 1)][class.index()] += 1;
    }
    let most = |class: Class| bars.iter().map(|bar| bar[class.index()]).max().unwrap_or(0) as f64;
    let ticks = (-3..=3).map(|i| f64::from(i) * RANGE / 3.0);
    let mut plot = Plot {
        x: Axis::ticked(
            "score, log-odds of sharp",
            -RANGE,
            RANGE,
            ticks.map(|value| (value, fixed(value, 0))).collect(),
        ),
        y: Axis::round("photos", -most(Class::Blurred), most(Class::Sharp)),
        height: 300.0,
    };
    plot.y.unsigned();
    let mut body = plot.axes();
    let place = |bar: usize| (bar as f64 / BARS as f64 * 2.0 - 1.0) * RANGE;
    for (bar, counts) in bars.iter().enumerate() {
        let across = (place(bar), place(bar + 1));
        let (up, down) = (counts[Class::Sharp.index()], counts[Class::Blurred.index()]);
        body += &plot.bar(across, up as f64, "fill-good");
        body += &plot.bar(across, -(down as f64), "fill-bad");
    }
    body += &plot.down(0.0, "dash");
    plot.picture(
        "scores",
        "Scores of sharp and blurred photos",
        format!(
            "Histogram of {} scores, log-odds of sharp",
            report.scores.len()
        ),
        body,
    )
}

fn worst(worst: &[Mistake]) -> Section {
    let picture = |png: &Option<Vec<u8>>, what: &str| {
        png.as_ref().map_or_else(String::new, |png| {
            format!(
                "<img width=\"240\" alt=\"{what}\" style=\"image-rendering:pixelated\" \
                 src=\"data:image/png;base64,{}\"> ",
                base64(png)
            )
        })
    };
    let item = |mistake: &Mistake| {
        let called = Class::from_log_odds(mistake.score);
        mistakes::Mistake {
            facts: vec![
                ("photo", text(&mistake.path)),
                ("is", mistake.actual.to_string()),
                (
                    "called",
                    format!("{called}, score {}", fixed(mistake.score, 2)),
                ),
            ],
            body: format!(
                "{}{}",
                picture(&mistake.thumbnail, "the photo"),
                picture(&mistake.tiles, "its tiles, sharp ones bright"),
            ),
        }
    };
    Section {
        title: "The worst mistakes".to_owned(),
        note: "The most confident wrong answers first. Next to each photo are its tiles: bright ones look sharp on their own."
            .to_owned(),
        body: mistakes::list(worst.iter().map(item)),
    }
}

/// Base 64 of RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let value = (0..3).fold(0u32, |value, i| {
            value << 8 | u32::from(*group.get(i).unwrap_or(&0))
        });
        for place in 0..4 {
            let letter = ALPHABET[(value >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= group.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests;
