//! The page of a replay: a function of its figures alone.

use serde_json::{Map, Value};

use super::Change;
use super::figures::{Replayed, bound};
use crate::report::format::{count, counted, excerpt, percent};
use crate::report::html::{Table, columns, text};
use crate::report::page::{Figure, Page, Section};

/// Characters of a value that are shown.
const WIDTH: usize = 60;

/// The page's bytes.
pub fn page(replayed: &Replayed) -> String {
    let rows = replayed.all_rows();
    let share = |part: u64| percent(part as f64 / rows.max(1) as f64, 2);
    let figure = |name: &str, rows: u64, meaning: &str| Figure {
        name: name.to_owned(),
        value: share(rows),
        comparisons: vec![counted(rows, "row", "rows")],
        meaning: meaning.to_owned(),
        ..Figure::default()
    };
    let summary = match replayed.requests.changed {
        0 => "The model gives every answer that was recorded, with the same bits.".to_owned(),
        changed => format!(
            "{} of {} get another answer than was recorded.",
            count(changed),
            counted(replayed.requests.replayed, "request", "requests")
        ),
    };
    let all = [models(replayed), differences(replayed), classes(replayed)];
    let lists = [
        changes(
            "Rows with other texts",
            &replayed.changed,
            replayed.rows.changed,
            "The first of them.",
        ),
        changes(
            "Rows with other numbers",
            &replayed.largest,
            replayed.rows.close,
            "The largest differences, relative to the larger number or to 1.",
        ),
        failures(replayed),
    ];
    Page {
        title: format!("Replay of {}", replayed.model.task),
        summary,
        figures: vec![
            figure(
                "Same",
                replayed.rows.same,
                "Every bit of the answer is the same.",
            ),
            figure(
                "Other numbers",
                replayed.rows.close,
                "All texts are the same, some numbers are not.",
            ),
            figure(
                "Other texts",
                replayed.rows.changed,
                "Another class, another item, another reason.",
            ),
        ],
        sections: all.into_iter().chain(lists).flatten().collect(),
        ..Page::default()
    }
    .render()
}

fn section(title: &str, note: &str, table: Table) -> Option<Section> {
    (!table.rows.is_empty()).then(|| Section {
        title: title.to_owned(),
        note: note.to_owned(),
        body: table.render(),
    })
}

fn models(replayed: &Replayed) -> Option<Section> {
    let short = |version: &str| {
        format!(
            "<code>{}</code>",
            text(version.get(..12).unwrap_or(version))
        )
    };
    let asked = &replayed.model;
    let own = vec![
        "asked now".to_owned(),
        text(&asked.task),
        short(&asked.version),
        count(replayed.requests.replayed + replayed.requests.failed),
    ];
    let before = replayed.recorded.iter().map(|before| {
        vec![
            "had answered".to_owned(),
            text(&before.model),
            short(&before.version),
            count(before.requests),
        ]
    });
    let notes: Vec<String> = replayed.notes().iter().map(|note| text(note)).collect();
    section(
        "Models",
        &notes.join("<br>"),
        Table {
            caption: "Models of the replay".to_owned(),
            columns: columns(&[
                ("", "name"),
                ("Name", ""),
                ("Version", ""),
                ("Requests", "n"),
            ]),
            rows: std::iter::once(own).chain(before).collect(),
            class: "",
        },
    )
}

fn differences(replayed: &Replayed) -> Option<Section> {
    let found = replayed.differences.iter().filter(|bucket| bucket.rows > 0);
    let rows = found.map(|bucket| vec![bound(bucket), count(bucket.rows)]);
    section(
        "How far numbers moved",
        "Of rows with the same texts: the largest difference of a row, relative to the larger number or to 1.",
        Table {
            caption: "Rows by the size of the difference".to_owned(),
            columns: columns(&[("Difference", "name"), ("Rows", "n")]),
            rows: rows.collect(),
            class: "",
        },
    )
}

fn classes(replayed: &Replayed) -> Option<Section> {
    let rows = replayed
        .classes
        .iter()
        .map(|change| vec![text(&change.from), text(&change.to), count(change.rows)]);
    section(
        "Classes that changed",
        "",
        Table {
            caption: "Rows by recorded and new class".to_owned(),
            columns: columns(&[("Recorded", "name"), ("Now", ""), ("Rows", "n")]),
            rows: rows.collect(),
            class: "",
        },
    )
}

fn changes(title: &str, list: &[Change], all: u64, note: &str) -> Option<Section> {
    let rows = list.iter().map(|change| {
        let place = format!("{}:{}, row {}", change.log, change.line, change.row);
        let mut cells = vec![text(&place), text(&change.id)];
        cells.extend(change.difference.map(|size| format!("{size:.3e}")));
        cells.push(text(&only(&change.before, &change.after)));
        cells.push(text(&only(&change.after, &change.before)));
        cells
    });
    let has_sizes = list.iter().any(|change| change.difference.is_some());
    let sizes = has_sizes.then_some(("Difference", "n"));
    let first = [("Place", "name"), ("Request", "")];
    let headings = first.into_iter().chain(sizes);
    let headings: Vec<_> = headings.chain([("Recorded", ""), ("Now", "")]).collect();
    let shown = match list.len() as u64 {
        shown if shown < all => format!("{note} {} of {}.", count(shown), count(all)),
        _ => String::new(),
    };
    section(
        title,
        &shown,
        Table {
            caption: title.to_owned(),
            columns: columns(&headings),
            rows: rows.collect(),
            class: "",
        },
    )
}

/// The values that the other side does not have.
fn only(own: &Map<String, Value>, other: &Map<String, Value>) -> String {
    let differing = own
        .iter()
        .filter(|(name, value)| other.get(*name) != Some(value));
    let shown = differing.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}: {text}"),
        None => format!("{name}: {value}"),
    });
    excerpt(&shown.collect::<Vec<_>>().join(", "), WIDTH)
}

fn failures(replayed: &Replayed) -> Option<Section> {
    let rows = replayed.failures.iter().map(|failure| {
        vec![
            text(&format!("{}:{}", failure.log, failure.line)),
            text(&failure.id),
            text(&excerpt(&failure.reason, WIDTH)),
        ]
    });
    section(
        "Requests that the model refuses",
        "",
        Table {
            caption: "The first of them".to_owned(),
            columns: columns(&[("Place", "name"), ("Request", ""), ("Reason", "")]),
            rows: rows.collect(),
            class: "",
        },
    )
}
