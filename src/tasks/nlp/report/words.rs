//! Sections of the page on texts: the most important words, and misclassified rows.

use super::{Mistake, NlpReport, TopWords};
use crate::report::classifier;
use crate::report::format::{self, LABEL, count, excerpt, percent, plural, signed};
use crate::report::html::{BLANK, Table, columns, text};
use crate::report::mistakes;
use crate::report::page::Section;
use crate::report::svg;

const CLASSES_WITH_WORDS: usize = 12;
const WORDS_SHOWN: usize = 15;
const MISTAKES_SHOWN: usize = 20;
/// Maximum width of a text, in columns of a terminal.
const EXCERPT: usize = 280;

pub(super) fn top_words(report: &NlpReport) -> Option<Section> {
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
        title: "Most important words".to_owned(),
        note: "The words and n-grams with the largest weights for each class, bars on one scale."
            .to_owned(),
        body: format!("<div class=\"multiples\">\n{tables}</div>\n{after}"),
    })
}

/// All classes if they are few, otherwise the worst of the table, in its order.
fn classes_with_words(report: &NlpReport) -> Vec<&TopWords> {
    if report.top_words.len() <= CLASSES_WITH_WORDS {
        return report.top_words.iter().collect();
    }
    let rank = |class: &TopWords| {
        let result = report.result.as_ref()?;
        classifier::worst_first(result)
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

pub(super) fn mistakes(report: &NlpReport) -> Option<Section> {
    if report.mistakes.is_empty() {
        return None;
    }
    let shown = report.mistakes.iter().take(MISTAKES_SHOWN);
    Some(Section {
        title: "Most confident mistakes".to_owned(),
        note: "Misclassified test rows with the highest probability: often a wrong label in the data, or a word that \
        misleads the model."
            .to_owned(),
        body: mistakes::list(shown.map(mistake)),
    })
}

fn mistake(mistake: &Mistake) -> mistakes::Mistake {
    let said = text(&format::label(&mistake.predicted, LABEL));
    let probability = percent(mistake.probability, 1);
    mistakes::Mistake {
        facts: vec![
            (
                "said",
                format!("<span class=\"bad\">{said}</span> {probability}"),
            ),
            ("is", text(&format::label(&mistake.actual, LABEL))),
            ("row", count(mistake.row)),
        ],
        body: text(&excerpt(&mistake.text, EXCERPT)),
    }
}
