//! The columns of a table as a section of a page: types, values and distributions.

use super::format::{coordinate, count, excerpt, label, percent, plural};
use super::html::{Column as Heading, Table as Html, escape, text};
use super::page::Section;
use tables::profile::summary::{Column, Figure, Histogram, Table, Top};

/// Maximum number of columns on a page; the JSON file has all.
const COLUMNS_SHOWN: usize = 200;

/// The section about the columns of a table.
pub fn section(table: &Table) -> Section {
    let heading = |heading: &str, class| Heading {
        heading: heading.to_owned(),
        class,
    };
    let html = Html {
        caption: format!(
            "{}: {} {}",
            text(&table.source),
            count(table.rows),
            plural(table.rows, "row", "rows")
        ),
        columns: vec![
            heading("Column", "name"),
            heading("Type", ""),
            heading("Empty", "n"),
            heading("Distinct", "n"),
            heading("Spread", ""),
            heading("Values or lengths", ""),
            heading("Most frequent", ""),
        ],
        rows: table.columns.iter().take(COLUMNS_SHOWN).map(row).collect(),
        class: "columns",
    };
    let note = match table.columns.len() > COLUMNS_SHOWN {
        true => format!(
            "The first {COLUMNS_SHOWN} of {} columns; the JSON file has all.",
            table.columns.len()
        ),
        false => {
            "The bars show the distribution of the values, or of the lengths of texts.".to_owned()
        }
    };
    Section {
        title: "Columns".to_owned(),
        note,
        body: html.render(),
    }
}

fn row(column: &Column) -> Vec<String> {
    let share = column.nulls as f64 / column.count.max(1) as f64;
    let about = if column.distinct_exact {
        ""
    } else {
        "\u{2248} "
    };
    vec![
        text(&label(&column.name, 32)),
        kinds(column),
        match column.nulls {
            0 => "0".to_owned(),
            _ => percent(share, 2),
        },
        format!("{about}{}", count(column.distinct)),
        spread(column),
        column.histogram.as_ref().map_or_else(String::new, bars),
        top(column),
    ]
}

fn kinds(column: &Column) -> String {
    let parts = column.classes.iter();
    let parts =
        parts.map(|(class, values)| format!("<br><small>{} {class}</small>", count(*values)));
    format!("{}{}", column.class, parts.collect::<String>())
}

fn spread(column: &Column) -> String {
    let mut lines = Vec::new();
    if let (Some(min), Some(max)) = (&column.min, &column.max) {
        lines.push(format!(
            "{} to {}",
            text(&min.to_string()),
            text(&max.to_string())
        ));
    } else if column.lengths.max > 0 {
        lines.push(format!(
            "{} to {} letters",
            count(column.lengths.min),
            count(column.lengths.max)
        ));
    }
    if let Some(quantiles) = &column.quantiles {
        lines.push(format!("middle half {} to {}", quantiles[2], quantiles[4]));
        lines.push(format!("median {}", quantiles[3]));
    }
    if let Some(mean) = &column.mean {
        let deviation = column
            .deviation
            .map_or_else(String::new, |d| format!(" \u{b1} {}", Figure::Number(d)));
        lines.push(format!("mean {mean}{deviation}"));
    }
    if column.infinite > 0 {
        lines.push(format!("{} not finite", count(column.infinite)));
    }
    lines.join("<br>")
}

fn top(column: &Column) -> String {
    let at_least = if column.distinct_exact {
        ""
    } else {
        "\u{2265} "
    };
    let item = |top: &Top| {
        format!(
            "{} <small>{at_least}{}</small>",
            text(&excerpt(&top.value, 32)),
            count(top.count)
        )
    };
    // If every value occurs once or twice, none is frequent.
    let shown = column
        .top
        .iter()
        .take(4)
        .filter(|top| top.count > 2 || column.distinct <= 4);
    shown.map(item).collect::<Vec<_>>().join("<br>")
}

/// The histogram as a small picture.
fn bars(histogram: &Histogram) -> String {
    let (width, height) = (160.0, 44.0);
    let most = histogram.counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let step = width / histogram.counts.len() as f64;
    let bars = histogram
        .counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0);
    let bars = bars.map(|(bar, &count)| {
        let tall = (height * count as f64 / most).max(1.0);
        super::svg::rect(
            bar as f64 * step,
            height - tall,
            (step - 0.5).max(0.5),
            tall,
            "fill-good",
        )
    });
    let name = format!(
        "{} from {} to {}",
        histogram.of, histogram.from, histogram.to
    );
    format!(
        "<svg class=\"fixed\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\">{}</svg>",
        escape(&name),
        bars.collect::<String>(),
        w = coordinate(width),
        h = coordinate(height),
    )
}

#[cfg(test)]
mod tests;
