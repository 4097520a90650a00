//! A table's columns as results and as a section of a page: what each holds, how it is spread. The
//! same figures are the JSON of `profile` and `validate`.

use serde::Serialize;

use super::format::{coordinate, count, excerpt, label, percent, plural};
use super::html::{Column as Heading, Section, Table as Html, escape, scrollable, text};

/// Columns that a page shows; the JSON holds all.
const SHOWN: usize = 200;

/// A table that was read.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// File or folder, as it was named.
    pub source: String,
    pub rows: u64,
    /// Records that could not be read; they are in no other figure.
    pub bad_rows: u64,
    pub columns: Vec<Column>,
}

/// A column, all rows together.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    pub name: String,
    /// `integer`, `float`, `boolean`, `date`, `datetime`, `text`; `empty` without values.
    #[serde(rename = "type")]
    pub class: String,
    pub count: u64,
    pub nulls: u64,
    pub distinct: u64,
    /// Whether `distinct` is exact; otherwise it is within 2 % or so.
    pub distinct_exact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// At 1, 5, 25, 50, 75, 95 and 99 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<[Figure; 7]>,
    /// By what share of the count a quantile's rank can be off at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank_error: Option<f64>,
    /// Floats that are no finite number.
    #[serde(skip_serializing_if = "is_zero")]
    pub infinite: u64,
    pub lengths: Lengths,
    /// Most frequent first; exact only where `distinct_exact`, else at least so often.
    pub top: Vec<Top>,
    /// Values of each class, where there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(&'static str, u64)>,
    pub examples: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The shares at which [`Column::quantiles`] are.
pub const SHARES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// A value as JSON has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    Whole(i64),
    Number(f64),
    Text(String),
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Figure::Whole(value) => write!(f, "{value}"),
            Figure::Number(value) => f.write_str(&short(*value)),
            Figure::Text(text) => f.write_str(text),
        }
    }
}

/// Six digits, for people.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        return format!("{value:.5e}");
    }
    let before = if size < 1.0 { 0 } else { size.log10() as usize };
    let text = format!("{value:.*}", 5usize.saturating_sub(before));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Letters of the values' texts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Lengths {
    pub min: u64,
    pub mean: f64,
    pub max: u64,
}

/// A value and how often it comes.
#[derive(Clone, Debug, Serialize)]
pub struct Top {
    pub value: String,
    pub count: u64,
}

/// Counts in intervals of one width: of values, or of lengths where the values are texts.
#[derive(Clone, Debug, Serialize)]
pub struct Histogram {
    pub of: &'static str,
    pub from: Figure,
    pub to: Figure,
    pub counts: Vec<u64>,
}

impl Column {
    /// One line on what it holds, for a terminal.
    pub fn line(&self) -> String {
        let distinct = match self.distinct_exact {
            true => count(self.distinct),
            false => format!("about {}", count(self.distinct)),
        };
        let nulls = match self.nulls {
            0 => String::new(),
            nulls => format!(", {} empty", count(nulls)),
        };
        format!("{distinct} distinct{nulls}; {}", self.spread())
    }

    fn spread(&self) -> String {
        let quantile = self.quantiles.as_ref().map(|quantiles| &quantiles[3]);
        match (&self.min, &self.max, quantile) {
            (Some(min), Some(max), Some(median)) => {
                let mean = self
                    .mean
                    .as_ref()
                    .map_or_else(String::new, |m| format!(", mean {m}"));
                format!("{min} to {max}, median {median}{mean}")
            }
            _ if self.top.is_empty() || self.distinct > 20 => {
                let Lengths { min, mean, max } = self.lengths;
                format!("{min} to {max} letters, mean {}", short(mean))
            }
            _ => {
                let share = |top: &Top| top.count as f64 / (self.count - self.nulls) as f64;
                let shown = self.top.iter().take(4);
                let shown = shown
                    .map(|top| format!("{} {}", label(&top.value, 24), percent(share(top), 1)));
                shown.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// The section of a page that shows a table's columns.
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
        rows: table.columns.iter().take(SHOWN).map(row).collect(),
        class: "columns",
    };
    let note = match table.columns.len() > SHOWN {
        true => format!(
            "The first {SHOWN} of {} columns; the JSON file has all.",
            table.columns.len()
        ),
        false => "The bars show how values are spread, of texts their lengths.".to_owned(),
    };
    Section {
        title: "What the columns hold".to_owned(),
        note,
        body: scrollable("Columns", &html.render()),
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
            column.lengths.min,
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
            .map_or_else(String::new, |d| format!(" \u{b1} {}", short(d)));
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
    // Where every value comes once or twice, none is frequent.
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
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_for_people_and_whole_for_machines() {
        let shown = [0.0, 1.0, 1234.5678, 0.000012345678, -2.5, 1e20, 123456.7].map(short);
        let expected = [
            "0",
            "1",
            "1234.57",
            "1.23457e-5",
            "-2.5",
            "1.00000e20",
            "123457",
        ];
        assert_eq!(shown, expected);
        assert_eq!(
            serde_json::to_string(&Figure::Number(0.1 + 0.2)).unwrap(),
            "0.30000000000000004"
        );
        assert_eq!(serde_json::to_string(&Figure::Whole(-3)).unwrap(), "-3");
    }
}
