//! The page `reports/cv.html`: how well sharp and blurred photos are classified, by kind of blur, and the
//! worst mistakes. Takes figures that are measured already.

use serde::Serialize;
use serde_json::Value;

use crate::report::classifier::{calibration, confusion_matrix};
use crate::report::format::{MISSING, coordinate, count, figure, fixed, percent};
use crate::report::html::{Page, Section, Table, columns, text};
use crate::report::svg::{self, Picture, label, line, rect};
use crate::tasks::cv::details::HeldOut;
use models::cv::{Class, Kind};
use models::metrics::bootstrap::Interval;
use models::metrics::bootstrap_roc::Estimate;
use models::metrics::calibration::Bin;
use models::metrics::classification::{Classification, RocPoint};

/// The content of the page.
#[derive(Clone, Debug)]
pub struct CvReport {
    pub result: Classification,
    pub roc_auc: Option<Estimate>,
    /// The difference to the area of the variance of the Laplacian.
    pub above_baseline: Option<Estimate>,
    /// The variance of the Laplacian on the same photos: figures by name.
    pub baseline: Value,
    /// Each kind of model on held-out scenes of the training split.
    pub held_out: Vec<HeldOut>,
    /// The kind of the model that was chosen.
    pub kind: Kind,
    pub roc: Vec<RocPoint>,
    pub calibration: Vec<Bin>,
    pub parts: Vec<Part>,
    /// Log-odds of sharp, and what the photo is.
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
    /// For blurred photos: against all sharp ones.
    pub roc_auc: Option<f64>,
}

/// A misclassified photo.
#[derive(Clone, Debug)]
pub struct Mistake {
    pub path: String,
    pub actual: Class,
    /// Log-odds of sharp.
    pub score: f64,
    /// PNG files, where the photo could be read.
    pub thumbnail: Option<Vec<u8>>,
    pub tiles: Option<Vec<u8>>,
}

/// Bars of the histogram of scores.
const BARS: usize = 40;
/// Scores beyond this are in the outermost bars.
const RANGE: f64 = 12.0;

/// The page's bytes: a function of `report` alone.
pub fn page(report: &CvReport) -> String {
    let pictures = [
        svg::roc(
            &report.roc,
            report.roc_auc.map(|area| area.value),
            Class::Sharp.as_str(),
        ),
        Some(histogram(report)),
    ];
    let pictures: String = pictures.into_iter().flatten().map(|p| p.render()).collect();
    let sections = [
        Some(Section {
            title: "How far apart the classes are".to_owned(),
            note: "A score is the log-odds of sharp: above 0 a photo is called sharp. \
                   <span class=\"good\">Blue</span> are sharp photos, <span class=\"bad\">orange</span> blurred ones."
                .to_owned(),
            body: format!("<div class=\"pictures\">\n{pictures}</div>\n"),
        }),
        Some(confusion(&report.result)),
        (!report.parts.is_empty()).then(|| parts(&report.parts)),
        Some(calibration(&report.calibration)),
        Some(held_out(&report.held_out, report.kind)),
        (!report.mistakes.is_empty()).then(|| mistakes(&report.mistakes)),
    ];
    Page {
        title: "cv on the test part".to_owned(),
        summary: summary(report),
        figures: figures(report),
        sections: sections.into_iter().flatten().collect(),
    }
    .render()
}

fn summary(report: &CvReport) -> String {
    let above = report.above_baseline.map_or_else(String::new, |above| {
        format!(
            " Its ROC AUC is {} above that of the variance of the Laplacian; drawing other scenes of \
             the same kind, {} to {} (95 %).",
            fixed(above.value, 4),
            fixed(above.low, 4),
            fixed(above.high, 4),
        )
    });
    format!(
        "Of {} test photos, the model ({}, fitted to {} photos) tells {} right; the variance of the \
         Laplacian against its best threshold {}.{above}",
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

fn figures(report: &CvReport) -> String {
    let item = |name: &str, value: Option<f64>, key: &str, interval: Option<String>| {
        let interval = interval.map_or_else(String::new, |interval| {
            format!("<p class=\"versus\">{interval}</p>")
        });
        let value = fixed(value.unwrap_or(f64::NAN), 4);
        let baseline = figure(&report.baseline, key, |value| fixed(value, 4));
        format!(
            "<li><h2>{name}</h2><p class=\"value\">{value}</p>{interval}\
             <p class=\"versus\">variance of the Laplacian {baseline}</p></li>\n"
        )
    };
    let area = report.roc_auc;
    let interval = area.map(|area| {
        let (low, high) = (fixed(area.low, 4), fixed(area.high, 4));
        format!("{low} to {high} (95 %, by scene)")
    });
    item("ROC AUC", area.map(|area| area.value), "roc_auc", interval)
        + &item("Accuracy", Some(report.result.accuracy), "accuracy", None)
        + &item("F1, macro", Some(report.result.f1_macro), "f1_macro", None)
}

/// The bounds of an interval; empty where there is none.
fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |Interval { low, high }| {
        format!("{} to {}", fixed(low, 4), fixed(high, 4))
    })
}

fn confusion(result: &Classification) -> Section {
    Section {
        title: "What is taken for what".to_owned(),
        note: "Each line is what a photo is, each column what it is called.".to_owned(),
        body: confusion_matrix(&Class::names(), &result.confusion),
    }
}

fn parts(parts: &[Part]) -> Section {
    let row = |part: &Part| {
        vec![
            text(&part.by),
            text(&part.name),
            count(part.rows),
            percent(part.accuracy, 1),
            fixed(part.roc_auc.unwrap_or(f64::NAN), 4),
        ]
    };
    let table = Table {
        caption: "By kind of blur, its strength, and where the photos come from".to_owned(),
        columns: columns(&[
            ("By", "name"),
            ("Photos", "name"),
            ("Rows", "n"),
            ("Right", "n"),
            ("ROC AUC", "n"),
        ]),
        rows: parts.iter().map(row).collect(),
        class: "pairs",
    };
    Section {
        title: "On which photos".to_owned(),
        note: "ROC AUC of blurred photos is against all sharp ones of the test part.".to_owned(),
        body: table.render(),
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
        let behind = held_out.behind_chosen;
        vec![
            text(&format!("{}{mark}", held_out.kind.as_str())),
            optional(held_out.roc_auc, four),
            range(held_out.roc_auc_interval),
            optional(behind.map(|behind| behind.value), four),
            range(behind.map(|Estimate { low, high, .. }| Interval { low, high })),
            percent(held_out.accuracy, 2),
            four(held_out.log_loss),
            optional(held_out.c, |value| format!("{value}")),
        ]
    };
    let table = Table {
        caption: "Each kind of model on scenes held out of the training part".to_owned(),
        columns: columns(&[
            ("Model", "name"),
            ("ROC AUC", "n"),
            ("95 %", "n"),
            ("Behind the chosen", "n"),
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
        note: "The least log loss wins. Intervals say how far an area, and the distance of two, move when \
               other scenes are drawn: a distance whose interval holds 0 may be chance."
            .to_owned(),
        body: table.render(),
    }
}

/// A histogram of the scores by class.
fn histogram(report: &CvReport) -> Picture {
    let mut bars = [[0u64; 2]; BARS];
    for &(score, class) in &report.scores {
        let place = (score / RANGE + 1.0) / 2.0 * BARS as f64;
        bars[(place.max(0.0) as usize).min(BARS - 1)][class.index()] += 1;
    }
    let most = bars.iter().flatten().copied().max().unwrap_or(1).max(1) as f64;
    let (width, height, foot) = (480.0, 460.0, 420.0);
    let step = (width - 20.0) / BARS as f64;
    let mut body = line((10.0, foot), (width - 10.0, foot), "axis");
    for (bar, counts) in bars.iter().enumerate() {
        for (class, fill) in [(Class::Blurred, "fill-bad"), (Class::Sharp, "fill-good")] {
            let tall = (foot - 30.0) * counts[class.index()] as f64 / most;
            let left = 10.0 + step * bar as f64 + step / 2.0 * class.index() as f64;
            body += &rect(left, foot - tall, step / 2.0, tall, fill);
        }
    }
    body += &line((width / 2.0, 20.0), (width / 2.0, foot), "dash");
    for (score, place) in [(-RANGE, 10.0), (0.0, width / 2.0), (RANGE, width - 10.0)] {
        body += &label(place, foot + 24.0, "middle muted", &coordinate(score));
    }
    Picture {
        id: "scores",
        title: "Scores of sharp and blurred photos".to_owned(),
        description: format!(
            "Histogram of {} scores, log-odds of sharp",
            report.scores.len()
        ),
        width,
        height,
        class: "fluid",
        body,
    }
}

fn mistakes(mistakes: &[Mistake]) -> Section {
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
        format!(
            "<li><dl><dt>photo</dt><dd>{}</dd><dt>is</dt><dd>{}</dd><dt>called</dt><dd>{called}, score {}</dd></dl>\
             <p>{}{}</p></li>\n",
            text(&mistake.path),
            mistake.actual,
            fixed(mistake.score, 2),
            picture(&mistake.thumbnail, "the photo"),
            picture(&mistake.tiles, "its tiles, sharp ones bright"),
        )
    };
    let items: String = mistakes.iter().map(item).collect();
    Section {
        title: "The worst mistakes".to_owned(),
        note: "The surest wrong answers first. Beside each photo its tiles: bright ones look sharp by themselves."
            .to_owned(),
        body: format!("<ol class=\"mistakes\">\n{items}</ol>\n"),
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
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10.
    #[test]
    fn base64_of_the_standard() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
