//! The page of `drift`: what moved, where, and since when.

use super::performance::Interval;
use super::{Drifted, Summary, WindowDrift};
use crate::report::format::{LABEL, count, counted, fixed, label, percent, significant};
use crate::report::html::{BLANK, Table, columns, escape, text};
use crate::report::page::{Figure, Page, Section};
use crate::report::svg::{self, Picture, rect};
use monitoring::drift::BinShare;
use monitoring::performance::thresholds::Alert;

/// Columns and windows in the picture.
const COLUMNS_SHOWN: usize = 40;
const WINDOWS_SHOWN: usize = 120;
/// Columns with a table of their bins.
const DETAILED: usize = 20;
/// Size of the picture's cells in pixels, and of their labels.
const CELL: (f64, f64) = (18.0, 20.0);
const LEFT: f64 = 170.0;
const TOP: f64 = 24.0;
/// Distances from here on have the darkest of ten shades.
const FAR: f64 = 0.3;

/// The page's bytes: a function of the result alone.
pub fn page(drifted: &Drifted) -> String {
    let mut sections = Vec::new();
    if drifted.windows.len() > 1 && !drifted.drifted.is_empty() {
        sections.push(timeline(drifted));
    }
    sections.extend(
        drifted
            .drifted
            .iter()
            .take(DETAILED)
            .map(|column| moved(drifted, column)),
    );
    sections.extend(performance(drifted));
    sections.push(all_columns(drifted));
    sections.extend(others(drifted));
    let found = drifted
        .windows
        .iter()
        .filter(|window| window.has_drifted)
        .count();
    let tested = drifted
        .windows
        .first()
        .map_or(0, |window| window.columns.len());
    let mut figures = vec![Figure {
        name: "Columns that have drifted".to_owned(),
        value: format!("{} of {tested}", drifted.drifted.len()),
        meaning: format!(
            "False alarms: {} % of the windows in which nothing has changed.",
            significant(100.0 * drifted.alpha, 2)
        ),
        class: if drifted.has_drifted { "bad" } else { "good" },
        ..Figure::default()
    }];
    if drifted.windows.len() > 1 {
        figures.push(Figure {
            name: "Windows with drift".to_owned(),
            value: format!("{found} of {}", drifted.windows.len()),
            ..Figure::default()
        });
    }
    Page {
        title: "Drift".to_owned(),
        summary: format!(
            "{} ({}) against {} ({}).",
            text(&drifted.current),
            counted(drifted.rows, "row", "rows"),
            text(&drifted.reference),
            counted(drifted.reference_rows, "row", "rows")
        ),
        figures,
        sections,
        ..Page::default()
    }
    .render()
}

/// Columns by windows: the darker a cell, the farther; orange where it has drifted.
fn timeline(drifted: &Drifted) -> Section {
    let shown: Vec<&Summary> = drifted.drifted.iter().take(COLUMNS_SHOWN).collect();
    let windows = &drifted.windows[drifted.windows.len().saturating_sub(WINDOWS_SHOWN)..];
    let mut body = String::new();
    for (line, column) in shown.iter().enumerate() {
        let y = TOP + line as f64 * CELL.1;
        let name = label(&column.column, 22);
        body += &svg::label(LEFT - 8.0, y + 14.0, "end s12", &name);
        for (place, window) in windows.iter().enumerate() {
            let Some(found) = window
                .columns
                .iter()
                .find(|one| one.column == column.column)
            else {
                continue;
            };
            let shade = (found.distance / FAR * 10.0).ceil().clamp(1.0, 10.0);
            let hue = if found.has_drifted {
                "fill-bad"
            } else {
                "fill-good"
            };
            let x = LEFT + place as f64 * CELL.0;
            body += &rect(
                x + 1.0,
                y + 1.0,
                CELL.0 - 2.0,
                CELL.1 - 2.0,
                &format!("{hue} l{shade}"),
            );
        }
    }
    let ends = [windows.first(), windows.last()];
    let right = LEFT + windows.len() as f64 * CELL.0;
    if let [Some(first), Some(last)] = ends {
        body += &svg::label(LEFT, TOP - 8.0, "muted s12", &label(&first.window, 24));
        if windows.len() > 12 {
            body += &svg::label(right, TOP - 8.0, "end muted s12", &label(&last.window, 24));
        }
    }
    let picture = Picture {
        id: "windows".to_owned(),
        title: "Drift by column and window".to_owned(),
        description: "A row of cells for each column that has drifted, a cell for each window; the table below has \
                      the same in numbers."
            .to_owned(),
        width: right + 2.0,
        height: TOP + shown.len() as f64 * CELL.1 + 2.0,
        class: "fixed",
        body,
    };
    let rows = drifted.drifted.iter().map(|column| {
        vec![
            text(&label(&column.column, LABEL)),
            column.windows.to_string(),
            text(column.since.as_deref().unwrap_or("not in the last window")),
            text(&column.worst),
            fixed(column.distance, 3),
        ]
    });
    let table = Table {
        caption: "Since when".to_owned(),
        columns: columns(&[
            ("Column", "name"),
            ("Windows", "n"),
            ("Since", ""),
            ("Farthest window", ""),
            ("Distance", "n"),
        ]),
        rows: rows.collect(),
        class: "",
    };
    let name = "Drift by column and window";
    Section {
        title: "Where, and since when".to_owned(),
        note: "Orange cells have drifted; the darker, the farther from the reference.".to_owned(),
        body: format!(
            "{}{}",
            crate::report::html::scrollable(name, &picture.render()),
            table.render()
        ),
    }
}

/// The bins of a column in its farthest window.
fn moved(drifted: &Drifted, column: &Summary) -> Section {
    let of = |window: &&WindowDrift| window.window == column.worst;
    let window = drifted.windows.iter().find(of);
    let bins = window.and_then(|window| {
        window
            .columns
            .iter()
            .find(|one| one.column == column.column)
    });
    let bins: &[BinShare] = bins.map_or(&[], |found| &found.bins);
    let most = bins
        .iter()
        .map(|bin| bin.reference.max(bin.window))
        .fold(0.0, f64::max);
    let part = |share: f64| if most > 0.0 { share / most } else { 0.0 };
    let rows = bins.iter().map(|bin| {
        vec![
            text(&label(&bin.label.to_string(), LABEL)),
            percent(bin.reference, 1),
            percent(bin.window, 1),
            format!(
                "{}{}",
                svg::bar(part(bin.reference), "fill-muted"),
                svg::bar(part(bin.window), "fill-bad")
            ),
        ]
    });
    let place = match drifted.windows.len() {
        1 => String::new(),
        _ => format!(", {}", escape(&column.worst)),
    };
    let table = Table {
        caption: format!("Shares of the rows{place}: the reference above, the window below"),
        columns: columns(&[
            ("Value", "name"),
            ("Reference", "n"),
            ("Window", "n"),
            (BLANK, "wide"),
        ]),
        rows: rows.collect(),
        class: "pairs",
    };
    Section {
        title: label(&column.column, LABEL),
        note: format!("Distance {}.", fixed(column.distance, 3)),
        body: table.render(),
    }
}

/// The performance of the model in each window: estimated, and measured where the truth is known.
fn performance(drifted: &Drifted) -> Option<Section> {
    let performance = drifted.performance.as_ref()?;
    let has_truth = performance.windows.iter().any(|window| window.labelled > 0);
    let names = super::show::metrics(performance);
    let tables = names.iter().map(|name| {
        let reference = performance
            .windows
            .iter()
            .find_map(|window| window.get(name)?.reference);
        let rows = performance.windows.iter().map(|window| {
            let found = window.get(name);
            let mut row = vec![text(&window.window), count(window.rows)];
            row.extend(value(
                found.and_then(|one| one.estimated),
                found.and_then(|one| one.alert),
            ));
            if has_truth {
                row.extend(value(
                    found.and_then(|one| one.realised),
                    found.and_then(|one| one.realised_alert),
                ));
            }
            row
        });
        let mut headings = vec![
            ("Window", "name"),
            ("Rows", "n"),
            ("Estimated", "n"),
            ("95 % interval", "n"),
            (BLANK, ""),
        ];
        if has_truth {
            headings.extend([("Realised", "n"), ("95 % interval", "n"), (BLANK, "")]);
        }
        let of = reference.map_or(String::new(), |value| {
            format!("; {} on the reference", significant(value, 4))
        });
        Table {
            caption: format!("{name}{of}"),
            columns: columns(&headings),
            rows: rows.collect(),
            class: "",
        }
        .render()
    });
    Some(Section {
        title: "Performance".to_owned(),
        note: "What the model's scores or errors on the reference let expect. An estimate without labels cannot see that the \
               same rows have other labels than before."
            .to_owned(),
        body: tables.collect(),
    })
}

/// A value with its interval, and what it says.
fn value(interval: Option<Interval>, alert: Option<Alert>) -> [String; 3] {
    let sign = match alert {
        Some(Alert::Worse) => "<span class=\"bad\">worse</span>",
        Some(Alert::Better) => "better",
        None => "",
    };
    match interval {
        Some(of) => [
            significant(of.value, 4),
            format!("{} to {}", significant(of.low, 4), significant(of.high, 4)),
            sign.to_owned(),
        ],
        None => ["-".to_owned(), String::new(), String::new()],
    }
}

/// Every column: in the window where it is farthest.
fn all_columns(drifted: &Drifted) -> Section {
    let count_of = drifted
        .windows
        .first()
        .map_or(0, |window| window.columns.len());
    let rows = (0..count_of).filter_map(|index| {
        let far = |a: &&WindowDrift, b: &&WindowDrift| {
            a.columns[index]
                .distance
                .total_cmp(&b.columns[index].distance)
        };
        let window = drifted.windows.iter().max_by(far)?;
        let found = &window.columns[index];
        let number = |value: Option<f64>, none: &str| {
            value.map_or(none.to_owned(), |value| significant(value, 2))
        };
        Some(vec![
            text(&label(&found.column, LABEL)),
            fixed(found.distance, 3),
            percent(found.effect, 1),
            found.shift.map_or(String::new(), |shift| {
                crate::report::format::signed(shift, 2)
            }),
            number(found.q, "not tested"),
            text(&window.window),
        ])
    });
    let table = Table {
        caption: "Columns, each in its farthest window".to_owned(),
        columns: columns(&[
            ("Column", "name"),
            ("Distance", "n"),
            ("Rows moved", "n"),
            ("Shift", "n"),
            ("q", "n"),
            ("Window", ""),
        ]),
        rows: rows.collect(),
        class: "",
    };
    Section {
        title: "All columns".to_owned(),
        note: "Distance: Jensen-Shannon, 0 to 1. Rows moved: the share that would have to be in another bin. Shift: from \
               -1, all smaller than the reference's, to 1, all larger. q: the false-alarm rate at which it would be \
               found."
            .to_owned(),
        body: table.render(),
    }
}

/// What is gone, new or not compared.
fn others(drifted: &Drifted) -> Option<Section> {
    let gone = drifted.gone.iter().map(|gone| {
        let renamed = gone
            .renamed
            .as_ref()
            .map(|name| format!("gone; perhaps it is {} now", text(name)));
        vec![
            text(&gone.column),
            renamed.unwrap_or_else(|| "gone".to_owned()),
        ]
    });
    let new = drifted
        .new
        .iter()
        .map(|name| vec![text(name), "new".to_owned()]);
    let left_out = drifted
        .left_out
        .iter()
        .map(|one| vec![text(&one.column), text(&one.why)]);
    let rows: Vec<Vec<String>> = gone.chain(new).chain(left_out).collect();
    (!rows.is_empty()).then(|| Section {
        title: "Not compared".to_owned(),
        note: format!("{} columns.", count(rows.len() as u64)),
        body: Table {
            caption: "Columns that are gone, new or left out".to_owned(),
            columns: columns(&[("Column", "name"), ("Why", "")]),
            rows,
            class: "",
        }
        .render(),
    })
}
