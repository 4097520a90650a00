//! The page `reports/recsys.html`: the metrics of the lists by length and by group of users, compared with the popular
//! items, and the lists of some users. Takes measured figures.

mod lengths;
mod trials;
mod users;

use serde::Serialize;
use serde_json::Value;

use crate::report::format::{coordinate, count, figure, fixed, percent};
use crate::report::html::{Table, columns, escape};
use crate::report::page::{Figure, Page, Section};
use models::recsys::Trial;

/// The content of the page.
#[derive(Clone, Debug)]
pub struct RecsysReport {
    pub kind: String,
    /// Figures by name, of the model and of the popular items.
    pub figures: Value,
    pub baseline: Value,
    pub users: u64,
    pub train_rows: u64,
    pub items: u64,
    /// The lowest relevant rating; `None`: every item of the test part is relevant.
    pub relevant: Option<f64>,
    pub curves: Vec<Curve>,
    /// Interactions, users, recall and NDCG at 20.
    pub bands: Vec<(String, u64, f64, f64)>,
    /// The trials in training.
    pub held_out: Vec<Trial>,
    pub cold_users: u64,
    pub cold: Value,
    /// Relevant interactions with items that are not in the training part.
    pub new_items: u64,
    pub examples: Vec<Example>,
}

/// Figures of lists of one length.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Curve {
    pub k: usize,
    pub recall: f64,
    pub ndcg: f64,
    pub precision: f64,
    pub hit_rate: f64,
    pub popular_recall: f64,
    pub popular_ndcg: f64,
}

/// A user and their list.
#[derive(Clone, Debug)]
pub struct Example {
    pub user: String,
    /// The items they took, the latest first.
    pub taken: Vec<String>,
    pub listed: Vec<Listed>,
    /// Number of relevant items.
    pub relevant: u64,
}

/// An item in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub title: String,
    pub score: f64,
    pub hit: bool,
}

/// The page: a function of `report` alone.
pub fn page(report: &RecsysReport) -> Page {
    let sections = [
        Some(lengths::by_length(report)),
        Some(figures_table(report)),
        (!report.bands.is_empty()).then(|| users::bands(report)),
        (!report.held_out.is_empty()).then(|| trials::chosen(&report.held_out)),
        (!report.examples.is_empty()).then(|| users::examples(&report.examples)),
    ];
    Page {
        title: "Recommendations on the test part".to_owned(),
        summary: summary(report),
        figures: headline(report),
        sections: sections.into_iter().flatten().collect(),
        ..Page::default()
    }
}

fn summary(report: &RecsysReport) -> String {
    let relevant = match report.relevant {
        Some(least) => format!("rated {} or more", coordinate(least)),
        None => "in the test part".to_owned(),
    };
    format!(
        "For {} users, the model ({}, fitted to {} interactions) ranks all of the {} items that they \
        have not taken; an item {relevant} is a hit. {} of the relevant items are among the first 20 of the \
        model, {} among the 20 most popular items.",
        count(report.users),
        escape(&report.kind),
        count(report.train_rows),
        count(report.items),
        figure(&report.figures, "recall_at_20", |value| percent(value, 1)),
        figure(&report.baseline, "recall_at_20", |value| percent(value, 1)),
    )
}

fn headline(report: &RecsysReport) -> Vec<Figure> {
    let item = |name: &str, key: &str, meaning: &str| {
        let four = |value: f64| fixed(value, 4);
        Figure {
            name: name.to_owned(),
            value: figure(&report.figures, key, four),
            comparisons: vec![format!("popular {}", figure(&report.baseline, key, four))],
            meaning: meaning.to_owned(),
            ..Figure::default()
        }
    };
    vec![
        item(
            "Recall@20",
            "recall_at_20",
            "Share of a user's relevant items that are among the first 20 listed.",
        ),
        item(
            "NDCG@20",
            "ndcg_at_20",
            "The same, with hits weighted by their rank; 1 is perfect.",
        ),
        item(
            "Hit rate@20",
            "hit_rate_at_20",
            "Share of users with at least one relevant item among the first 20.",
        ),
    ]
}

fn figures_table(report: &RecsysReport) -> Section {
    const ROWS: [(&str, &str, &str); 7] = [
        ("MAP@20", "map_at_20", "mean precision at the hits"),
        ("MRR", "mrr", "reciprocal rank of the first hit"),
        ("Hit rate@20", "hit_rate_at_20", "users with a hit"),
        ("NDCG@10", "ndcg_at_10", "hits weighted by rank"),
        (
            "Coverage@20",
            "coverage_at_20",
            "share of the catalogue in some list",
        ),
        (
            "Novelty@20",
            "novelty_at_20",
            "bits: \u{2212}log2 of the share of users who took an item",
        ),
        (
            "Popularity@20",
            "popularity_at_20",
            "share of users who took a listed item",
        ),
    ];
    let four = |value: f64| fixed(value, 4);
    let row = |&(name, key, meaning): &(&str, &str, &str)| {
        vec![
            name.to_owned(),
            figure(&report.figures, key, four),
            figure(&report.baseline, key, four),
            meaning.to_owned(),
        ]
    };
    let table = Table {
        caption: "Other figures".to_owned(),
        columns: columns(&[
            ("Figure", "name"),
            ("Model", "n"),
            ("Popular", "n"),
            ("Meaning", "name"),
        ]),
        rows: ROWS.iter().map(row).collect(),
        class: "pairs",
    };
    let mut note = String::new();
    if report.cold_users > 0 {
        note += &format!(
            "{} users of the test part are not in the training part and not in these figures: they \
            get the popular items, with recall@20 {} and NDCG@20 {}. ",
            count(report.cold_users),
            figure(&report.cold, "recall_at_20", four),
            figure(&report.cold, "ndcg_at_20", four),
        );
    }
    if report.new_items > 0 {
        note += &format!(
            "{} relevant interactions are with items that are not in the training part: they count as missed.",
            count(report.new_items)
        );
    }
    Section {
        title: "Beyond hits".to_owned(),
        note,
        body: table.render(),
    }
}

#[cfg(test)]
mod tests {
    use models::recsys::{Choice, ModelOptions, ease};

    use super::*;

    #[test]
    fn names_of_items_are_no_markup_and_hits_are_marked() {
        let point = |k, recall| Curve {
            k,
            recall,
            ndcg: recall,
            precision: recall,
            hit_rate: recall,
            popular_recall: 0.1,
            popular_ndcg: 0.1,
        };
        let report = RecsysReport {
            kind: "ease".into(),
            figures: serde_json::json!({"recall_at_20": 0.25}),
            baseline: Value::Null,
            users: 10,
            train_rows: 1000,
            items: 50,
            relevant: Some(4.0),
            curves: vec![point(1, 0.1), point(20, 0.25)],
            bands: vec![("1 to 4".into(), 3, 0.2, 0.1)],
            held_out: vec![Trial {
                choice: Choice {
                    options: ModelOptions::Ease(ease::EaseOptions {
                        regularization: 5.0,
                    }),
                    half_life: 0.0,
                    disliked: 1.0,
                },
                recall_at_20: 0.3,
                ndcg_at_20: 0.2,
            }],
            cold_users: 2,
            cold: Value::Null,
            new_items: 3,
            examples: vec![Example {
                user: "<u>".into(),
                taken: vec!["a & b".into()],
                listed: vec![Listed {
                    title: "<i>".into(),
                    score: 0.5,
                    hit: true,
                }],
                relevant: 1,
            }],
        };
        let page = page(&report).render();
        assert!(!page.contains("<u>") && !page.contains("<i>") && page.contains("a &amp; b"));
        assert!(page.contains("class=\"good\"") && page.contains("regularization 5"));
        assert!(page.contains("rated 4 or more") && page.contains("25.0\u{a0}%"));
    }
}
