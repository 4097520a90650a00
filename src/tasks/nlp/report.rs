//! The page `reports/nlp.html`: how an nlp model does on the test part, where it fails, and which words it
//! relies on. Takes figures that are measured already; chooses what to show and in which order.

mod parts;

pub use parts::{SlicePart, SliceTable, Trial};

use crate::report::classifier::confusion_matrix;
use crate::report::format::{self, count, excerpt, fixed, percent, plural, signed};
use crate::report::html::{Page, Section, Table, columns, escape, text};
use crate::report::svg;
use models::metrics::bootstrap::{Interval, Intervals, LEVEL};
use models::metrics::classification::{Classification, Confidence, PerClass, RocPoint};

/// The content of the page. Empty lists and `None` leave out their section, picture or line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NlpReport {
    /// The model on the test part.
    pub result: Option<Classification>,
    /// The majority baseline on the same rows.
    pub baseline: Option<Classification>,
    /// Two classes: the ROC curve of the second.
    pub roc: Vec<RocPoint>,
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
    /// Name and value of the parameters used, in the order to show them.
    pub parameters: Vec<(String, String)>,
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
    /// Of the prediction.
    pub probability: f64,
}

/// Up to this many classes are listed in the model's order; more are sorted, the worst first.
const CLASSES_IN_ORDER: usize = 12;
const CLASSES_WITH_WORDS: usize = 12;
const WORDS_SHOWN: usize = 15;
const PAIRS_SHOWN: usize = 20;
const MISTAKES_SHOWN: usize = 20;
/// Columns of text, as a terminal counts them.
const LABEL: usize = 60;
const EXCERPT: usize = 280;

/// The page's bytes: a function of `report` alone.
pub fn page(report: &NlpReport) -> String {
    let parts = [
        report.result.as_ref().map(confusion),
        report.result.as_ref().map(class_table),
        confidence_section(report),
        parts::slices(report),
        top_words(report),
        mistakes(report),
        parts::search(report),
        data(report),
    ];
    let figures = report.result.as_ref().map_or_else(String::new, |result| {
        figures(result, report.baseline.as_ref(), report.intervals.as_ref())
    });
    Page {
        title: "nlp on the test part".to_owned(),
        summary: summary(report),
        figures,
        sections: parts.into_iter().flatten().collect(),
    }
    .render()
}

fn summary(report: &NlpReport) -> String {
    let Some(result) = &report.result else {
        return "There is no test part, so nothing was measured.".to_owned();
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
                "; always answering the class most frequent in training is right on {}.",
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

/// The headline numbers, each beside its baseline.
fn figures(
    result: &Classification,
    baseline: Option<&Classification>,
    intervals: Option<&Intervals>,
) -> String {
    let four = |value: f64| fixed(value, 4);
    let loss_scale = baseline
        .map_or(result.log_loss, |baseline| {
            baseline.log_loss.max(result.log_loss)
        })
        .max(1e-9);
    let area_name = if classes_known(result) == 2 {
        "ROC AUC"
    } else {
        "ROC AUC, one against rest"
    };
    let figure = |name, value, of: fn(&Classification) -> Option<f64>| Figure {
        name,
        value,
        baseline: baseline.and_then(of),
        interval: None,
        scale: 1.0,
        spell: &four,
    };
    let accuracy = Figure {
        interval: intervals.map(|i| i.accuracy),
        spell: &|value| percent(value, 2),
        ..figure("Accuracy", result.accuracy, |r| Some(r.accuracy))
    };
    let f1 = Figure {
        interval: intervals.map(|i| i.f1_macro),
        ..figure("Macro F1", result.f1_macro, |r| Some(r.f1_macro))
    };
    let area = result
        .roc_auc
        .map(|area| figure(area_name, area, |r| r.roc_auc));
    let loss = Figure {
        interval: intervals.map(|i| i.log_loss),
        scale: -loss_scale,
        ..figure("Log loss, lower is better", result.log_loss, |r| {
            Some(r.log_loss)
        })
    };
    [Some(accuracy), Some(f1), area, Some(loss)]
        .into_iter()
        .flatten()
        .map(|figure| figure.render())
        .collect()
}

/// A headline number.
struct Figure<'a> {
    name: &'a str,
    value: f64,
    baseline: Option<f64>,
    interval: Option<Interval>,
    /// The value at the right end of the line; negative where lower is better.
    scale: f64,
    spell: &'a dyn Fn(f64) -> String,
}

impl Figure<'_> {
    fn render(&self) -> String {
        let spell = self.spell;
        let length = self.scale.abs();
        let better = self
            .baseline
            .is_none_or(|baseline| (self.value - baseline) * self.scale >= 0.0);
        let against = match self.baseline {
            Some(baseline) => format!("majority baseline {}", spell(baseline)),
            None => "no baseline".to_owned(),
        };
        let interval = self
            .interval
            .map_or_else(String::new, |Interval { low, high }| {
                format!(
                    "<p class=\"versus\">{} interval {} to {}</p>",
                    percent(LEVEL, 0),
                    spell(low),
                    spell(high)
                )
            });
        format!(
            "<li><h2>{}</h2><p class=\"value\">{}</p>{}<p class=\"versus\">{against}</p>{interval}</li>\n",
            self.name,
            spell(self.value),
            svg::versus(
                self.value / length,
                self.baseline.map(|baseline| baseline / length),
                better
            ),
        )
    }
}

/// Number of the model's classes; labels that only the test part has come after them.
fn classes_known(result: &Classification) -> usize {
    result.confusion.first().map_or(0, Vec::len)
}

fn confusion(result: &Classification) -> Section {
    let known = classes_known(result);
    let names: Vec<String> = result
        .classes
        .iter()
        .enumerate()
        .map(|(class, scores)| class_name(&scores.name, class >= known))
        .collect();
    let mut body = confusion_matrix(&names, &result.confusion);
    if names.len() > 2 {
        body += &confused_pairs(result, &names);
    }
    Section {
        title: "Which classes are confused".to_owned(),
        note: "Each line is an actual class, each column a prediction. <span class=\"good\">Blue</span> on the diagonal \
               is right, <span class=\"bad\">orange</span> off it is wrong; the darker, the larger the share of the \
               actual class (square-root scale, so that small shares show)."
            .to_owned(),
        body,
    }
}

fn class_name(name: &str, unseen: bool) -> String {
    let name = format::label(name, LABEL);
    if unseen {
        format!("{name} (not in training)")
    } else {
        name
    }
}

/// Errors by pair of classes, most rows first, then by actual and predicted class.
fn confused_pairs(result: &Classification, names: &[String]) -> String {
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (actual, line) in result.confusion.iter().enumerate() {
        let wrong = line
            .iter()
            .enumerate()
            .filter(|&(predicted, &rows)| rows > 0 && predicted != actual);
        pairs.extend(wrong.map(|(predicted, &rows)| (rows, actual, predicted)));
    }
    pairs.sort_by_key(|&(rows, actual, predicted)| (std::cmp::Reverse(rows), actual, predicted));
    let (all, shown) = (pairs.len(), pairs.len().min(PAIRS_SHOWN));
    pairs.truncate(PAIRS_SHOWN);
    if pairs.is_empty() {
        return String::new();
    }
    let most = pairs[0].0 as f64;
    let row = |&(rows, actual, predicted): &(u64, usize, usize)| {
        let support = result.classes[actual].support;
        vec![
            text(&names[actual]),
            text(&names[predicted]),
            count(rows),
            percent(rows as f64 / support as f64, 1),
            svg::bar(rows as f64 / most, "fill-bad"),
        ]
    };
    let caption = match all > shown {
        true => format!(
            "Most confused pairs: {shown} of {}, most rows first",
            count(all as u64)
        ),
        false => "Confused pairs, most rows first".to_owned(),
    };
    Table {
        caption,
        columns: columns(&[
            ("Actual", "name"),
            ("Predicted", "name"),
            ("Rows", "n"),
            ("of the actual", "n"),
            (BLANK, "wide"),
        ]),
        rows: pairs.iter().map(row).collect(),
        class: "pairs",
    }
    .render()
}

/// Heading of a column that shows the column before it as a picture.
const BLANK: &str = "<span aria-hidden=\"true\"></span>";

fn class_table(result: &Classification) -> Section {
    let known = classes_known(result);
    let ordered = worst_first(result);
    let row = |&class: &usize| per_class(&result.classes[class], class >= known);
    let order = match result.classes.len() > CLASSES_IN_ORDER {
        true => "Sorted by F1, the worst first; equals by rows, most first.",
        false => "In the order of the model.",
    };
    let axis = "<span class=\"axis\"><span>0</span><span>\u{25CB} precision \u{25CF} recall</span><span>1</span></span>";
    let table = Table {
        caption: format!("{} classes. {order}", count(result.classes.len() as u64)),
        columns: columns(&[
            ("Class", "name"),
            ("Rows", "n"),
            ("Precision", "n"),
            ("Recall", "n"),
            ("F1", "n"),
            (axis, "wide"),
        ]),
        rows: ordered.iter().map(row).collect(),
        class: "classes",
    };
    Section {
        title: "Class by class".to_owned(),
        note: "Precision: of the rows given this class, the share that have it. Recall: of the rows that have it, the \
               share given it. A ring left of its dot means the class is given too often, right of it too seldom."
            .to_owned(),
        body: table.render(),
    }
}

fn per_class(scores: &PerClass, unseen: bool) -> Vec<String> {
    let rate = |value: f64| fixed(value, 3);
    vec![
        text(&class_name(&scores.name, unseen)),
        count(scores.support),
        rate(scores.precision),
        rate(scores.recall),
        rate(scores.f1),
        svg::precision_recall(scores.precision, scores.recall),
    ]
}

/// Class indices in the order of the page: the model's for a few classes; for many ascending by F1, then
/// descending by support, then the model's.
fn worst_first(result: &Classification) -> Vec<usize> {
    let mut order: Vec<usize> = (0..result.classes.len()).collect();
    if order.len() > CLASSES_IN_ORDER {
        order.sort_by(|&a, &b| {
            let (a, b) = (&result.classes[a], &result.classes[b]);
            a.f1.total_cmp(&b.f1).then(b.support.cmp(&a.support))
        });
    }
    order
}

fn confidence_section(report: &NlpReport) -> Option<Section> {
    let result = report.result.as_ref()?;
    let positive = result.classes.get(1).map_or("", |class| &class.name);
    let positive = format::label(positive, 40);
    let roc = svg::roc(&report.roc, result.roc_auc, &positive).map(|picture| {
        let caption = format!(
            "ROC curve<span>{} taken as positive</span>",
            text(&positive)
        );
        captioned(&caption, &picture.render())
    });
    let confidence = report.confidence.as_ref().and_then(svg::confidence).map(|picture| {
        let caption = "Rows by probability of the answer<span>right above the line, wrong below, one scale</span>";
        captioned(caption, &picture.render())
    });
    let pictures: String = [confidence, roc].into_iter().flatten().collect();
    (!pictures.is_empty()).then(|| Section {
        title: "How sure, and how well ranked".to_owned(),
        note: "A model that knows when it does not know puts its wrong answers to the left."
            .to_owned(),
        body: format!("<div class=\"pictures\">\n{pictures}</div>\n"),
    })
}

fn captioned(caption: &str, picture: &str) -> String {
    format!("<figure><figcaption>{caption}</figcaption>\n{picture}</figure>\n")
}

fn top_words(report: &NlpReport) -> Option<Section> {
    if report.top_words.is_empty() {
        return None;
    }
    let shown = classes_with_words(report);
    let weights = shown
        .iter()
        .flat_map(|class| class.words.iter().take(WORDS_SHOWN))
        .map(|(_, weight)| weight.abs());
    let largest = weights
        .filter(|weight| weight.is_finite())
        .fold(0.0, f64::max);
    let tables: String = shown
        .iter()
        .map(|class| word_table(class, largest))
        .collect();
    let hidden = report.top_words.len() - shown.len();
    let after = match hidden {
        0 => String::new(),
        _ => format!(
            "<p class=\"after\">The {} classes with the lowest F1; {} more {} not shown.</p>\n",
            shown.len(),
            count(hidden as u64),
            plural(hidden as u64, "is", "are")
        ),
    };
    Some(Section {
        title: "Words that decide".to_owned(),
        note: "The words and n-grams with the largest weights for each class, bars on one scale."
            .to_owned(),
        body: format!("<div class=\"multiples\">\n{tables}</div>\n{after}"),
    })
}

/// All classes where they are few, otherwise the worst of the table, in its order.
fn classes_with_words(report: &NlpReport) -> Vec<&TopWords> {
    if report.top_words.len() <= CLASSES_WITH_WORDS {
        return report.top_words.iter().collect();
    }
    let rank = |class: &TopWords| {
        let result = report.result.as_ref()?;
        worst_first(result)
            .into_iter()
            .position(|index| result.classes[index].name == class.class)
    };
    let mut ranked: Vec<(usize, &TopWords)> = report
        .top_words
        .iter()
        .map(|class| (rank(class).unwrap_or(usize::MAX), class))
        .collect();
    ranked.sort_by_key(|&(rank, _)| rank);
    ranked
        .into_iter()
        .take(CLASSES_WITH_WORDS)
        .map(|(_, class)| class)
        .collect()
}

fn word_table(class: &TopWords, largest: f64) -> String {
    let row = |(word, weight): &(String, f64)| {
        let fill = if *weight < 0.0 {
            "fill-bad"
        } else {
            "fill-good"
        };
        let length = if largest > 0.0 {
            weight.abs() / largest
        } else {
            0.0
        };
        vec![
            text(&format::label(word, 32)),
            svg::bar(length, fill),
            signed(*weight, 2),
        ]
    };
    Table {
        caption: text(&format::label(&class.class, LABEL)),
        columns: columns(&[("Word", ""), (BLANK, "wide"), ("Weight", "n")]),
        rows: class.words.iter().take(WORDS_SHOWN).map(row).collect(),
        class: "",
    }
    .render()
}

fn mistakes(report: &NlpReport) -> Option<Section> {
    if report.mistakes.is_empty() {
        return None;
    }
    let items: String = report
        .mistakes
        .iter()
        .take(MISTAKES_SHOWN)
        .map(mistake)
        .collect();
    Some(Section {
        title: "Surest mistakes".to_owned(),
        note: "Test rows answered wrong with the highest probability: often a wrong label in the data, or a word the \
               model takes the wrong way."
            .to_owned(),
        body: format!("<ol class=\"mistakes\">\n{items}</ol>\n"),
    })
}

fn mistake(mistake: &Mistake) -> String {
    format!(
        "<li><dl><dt>said</dt><dd><span class=\"bad\">{}</span> {}</dd><dt>is</dt><dd>{}</dd><dt>row</dt><dd>{}</dd></dl>\
         <p>{}</p></li>\n",
        text(&format::label(&mistake.predicted, LABEL)),
        percent(mistake.probability, 1),
        text(&format::label(&mistake.actual, LABEL)),
        count(mistake.row),
        text(&excerpt(&mistake.text, EXCERPT)),
    )
}

fn data(report: &NlpReport) -> Option<Section> {
    let known = report
        .result
        .as_ref()
        .map(|result| classes_known(result) as u64);
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
    let parameters: Vec<Vec<String>> = report
        .parameters
        .iter()
        .map(|(name, value)| {
            vec![
                escape(&excerpt(name, LABEL)),
                text(&excerpt(value, EXCERPT)),
            ]
        })
        .collect();
    let body: String = [
        ("Data", "n", counted, "facts"),
        ("Parameters", "", parameters, "plain"),
    ]
    .into_iter()
    .filter(|(_, _, rows, _)| !rows.is_empty())
    .map(|(caption, class, rows, table)| {
        let columns = columns(&[("Name", "name"), ("Value", class)]);
        Table {
            caption: caption.to_owned(),
            columns,
            rows,
            class: table,
        }
        .render()
    })
    .collect();
    (!body.is_empty()).then(|| Section {
        title: "Data and parameters".to_owned(),
        note: String::new(),
        body: format!("<div class=\"settings\">\n{body}</div>\n"),
    })
}

#[cfg(test)]
mod tests;
