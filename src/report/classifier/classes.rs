//! Sections on classes: which are confused, and the metrics of each.

use super::confusion_matrix;
use crate::report::format::{self, LABEL, count, fixed, percent};
use crate::report::html::{BLANK, Table, columns, text};
use crate::report::page::Section;
use crate::report::svg;
use models::metrics::classification::{Classification, PerClass};

/// Up to this many classes are listed in the model's order; more are sorted, the worst first.
const CLASSES_IN_ORDER: usize = 12;
const PAIRS_SHOWN: usize = 20;

/// Number of the model's classes; labels that are only in the test part come after them.
pub fn known(result: &Classification) -> usize {
    result.confusion.first().map_or(0, Vec::len)
}

/// Which classes are confused: the matrix, and for more than two classes the most frequent confusions.
pub fn confusion(result: &Classification) -> Section {
    let known = known(result);
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

/// Precision, recall and F1 of each class.
pub fn table(result: &Classification) -> Section {
    let known = known(result);
    let ordered = worst_first(result);
    let row = |&class: &usize| per_class(&result.classes[class], class >= known);
    let order = match result.classes.len() > CLASSES_IN_ORDER {
        true => "Sorted by F1, the worst first; ties by rows, most first.",
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
        note: "Precision: of the rows predicted as this class, the share that has it. Recall: of the rows that have it, \
        the share predicted so. A ring left of its dot means that the class is predicted too often, right of it too \
        seldom."
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
pub fn worst_first(result: &Classification) -> Vec<usize> {
    let mut order: Vec<usize> = (0..result.classes.len()).collect();
    if order.len() > CLASSES_IN_ORDER {
        order.sort_by(|&a, &b| {
            let (a, b) = (&result.classes[a], &result.classes[b]);
            a.f1.total_cmp(&b.f1).then(b.support.cmp(&a.support))
        });
    }
    order
}
