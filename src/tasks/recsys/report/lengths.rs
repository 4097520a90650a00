//! The section of the page on the length of lists.

use super::{Curve, RecsysReport};
use crate::report::format::{count, fixed};
use crate::report::html::{Table, columns};
use crate::report::page::Section;
use crate::report::svg::{self, Axis, Key, Plot, Sign};

pub(super) fn by_length(report: &RecsysReport) -> Section {
    let four = |value: f64| fixed(value, 4);
    let row = |point: &Curve| {
        vec![
            count(point.k as u64),
            four(point.recall),
            four(point.popular_recall),
            four(point.ndcg),
            four(point.popular_ndcg),
            four(point.precision),
            four(point.hit_rate),
        ]
    };
    let table = Table {
        caption: "By the length of the list".to_owned(),
        columns: columns(&[
            ("Length", "n"),
            ("Recall", "n"),
            ("popular", "n"),
            ("NDCG", "n"),
            ("popular", "n"),
            ("Precision", "n"),
            ("Hit rate", "n"),
        ]),
        rows: report.curves.iter().map(row).collect(),
        class: "pairs",
    };
    let curves = &report.curves;
    let recall = curve("recall", "recall", curves, |point| {
        (point.recall, point.popular_recall)
    });
    let ndcg = curve("ndcg", "NDCG", curves, |point| {
        (point.ndcg, point.popular_ndcg)
    });
    Section {
        title: "By the length of the list".to_owned(),
        note: "Recall: the share of relevant items that are hits, including relevant items that are not in \
        training. NDCG: hits weighted by 1 / log2(rank + 1), divided by the maximum. All items are \
        ranked, not a sample."
            .to_owned(),
        body: svg::side_by_side(&(recall + &ndcg)) + &table.render(),
    }
}

/// A figure by the length of the list: a line for the model, a dashed line for the popular items.
fn curve(id: &str, name: &str, points: &[Curve], values: impl Fn(&Curve) -> (f64, f64)) -> String {
    let most = points
        .iter()
        .map(|point| values(point).0.max(values(point).1));
    let lengths: Vec<usize> = points.iter().map(|point| point.k).collect();
    let plot = Plot {
        x: Axis::logarithmic("length of the list, in items", &lengths),
        y: Axis::round(name, 0.0, most.fold(0.05, f64::max)),
        height: 240.0,
    };
    let at = |point: &Curve| point.k as f64;
    let mut body = plot.axes();
    body += &plot.path(
        points.iter().map(|point| (at(point), values(point).1)),
        "dash",
    );
    body += &plot.path(
        points.iter().map(|point| (at(point), values(point).0)),
        "line",
    );
    for point in points {
        let (model, popular) = values(point);
        let says = format!(
            "first {}: model {}, popular {}",
            point.k,
            fixed(model, 4),
            fixed(popular, 4)
        );
        body += &plot.dot(at(point), model, 3.0, "fill-good", &says);
    }
    let shown: Vec<String> = points
        .iter()
        .map(|point| format!("{} at {}", fixed(values(point).0, 4), point.k))
        .collect();
    let mut title = name.to_owned();
    title[..1].make_ascii_uppercase();
    title += " by the length of the list";
    let picture = plot.picture(
        id,
        &title,
        format!("The model: {}.", shown.join(", ")),
        body,
    );
    let legend = [
        Key::new(Sign::Line, "line", "model"),
        Key::new(Sign::Line, "dash", "most popular items"),
    ];
    svg::figure(&title, "", &legend, &picture)
}
