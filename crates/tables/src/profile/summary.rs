//! Computes the displayed figures from the statistics of a pass.

use serde::Serialize;

use super::value::{CLASSES, Class, spell_time};
use super::{Numbers, Want, column, scan};
use crate::sketch::Ranks;

/// Number of bins of a histogram.
const BINS: usize = 32;
/// Number of most frequent values that are listed.
const TOP: usize = 20;
/// Maximum length of a displayed value in characters.
const LETTERS: usize = 200;

/// The figures of a table.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The file or folder, as specified.
    pub source: String,
    /// Number of readable rows.
    pub rows: u64,
    /// Number of records that could not be read; no other figure includes them.
    pub bad_rows: u64,
    /// The profiled columns, in the table's order.
    pub columns: Vec<Column>,
}

/// The figures of a column over all rows.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    /// The name in the table's header.
    pub name: String,
    /// `integer`, `float`, `boolean`, `date`, `datetime`, `text`; `empty` without values.
    #[serde(rename = "type")]
    pub class: String,
    /// Number of rows.
    pub count: u64,
    /// Number of empty cells.
    pub nulls: u64,
    /// Number of distinct values.
    pub distinct: u64,
    /// Whether `distinct` is exact; otherwise it is within about 2 %.
    pub distinct_exact: bool,
    /// Smallest finite number or earliest time; absent for other columns, as are those that follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Figure>,
    /// Largest finite number or latest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Figure>,
    /// Mean of the finite numbers or of the times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Figure>,
    /// Standard deviation; for numbers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// Quantiles at 1, 5, 25, 50, 75, 95 and 99 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<[Figure; 7]>,
    /// Maximum error of a quantile's rank, as a share of the count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank_error: Option<f64>,
    /// Number of floats that are not finite.
    #[serde(skip_serializing_if = "is_zero")]
    pub infinite: u64,
    /// Lengths of the values' texts.
    pub lengths: Lengths,
    /// Most frequent values first; exact only if `distinct_exact`, otherwise lower bounds.
    pub top: Vec<Top>,
    /// Number of values of each class, if there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(&'static str, u64)>,
    /// The first distinct values, at most three.
    pub examples: Vec<String>,
    /// Distribution of the values, or of the lengths of texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The shares of [`Column::quantiles`].
pub const SHARES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// A value as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// A value of an integer column.
    Whole(i64),
    /// Any other number, displayed with six digits.
    Number(f64),
    /// A date or time.
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

/// Six digits, for display.
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

/// Lengths of the values' texts, in characters.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Lengths {
    /// Length of the shortest; 0 without values.
    pub min: u64,
    /// Mean, excluding empty cells.
    pub mean: f64,
    /// Length of the longest.
    pub max: u64,
}

/// A value and its count.
#[derive(Clone, Debug, Serialize)]
pub struct Top {
    /// The value, or its start if it is long (see [`truncate`]).
    pub value: String,
    /// Number of rows.
    pub count: u64,
}

/// Counts in bins of equal width, of values or of text lengths.
#[derive(Clone, Debug, Serialize)]
pub struct Histogram {
    /// `values` or `lengths`.
    pub of: &'static str,
    /// Lower end of the first bin.
    pub from: Figure,
    /// Upper end of the last bin.
    pub to: Figure,
    /// Number of values in each bin.
    pub counts: Vec<u64>,
}

/// The figures of a table's profiled columns; `source` is the displayed name of the table.
pub fn of(table: &scan::Table, source: String) -> Table {
    let profiled = table
        .head
        .columns
        .iter()
        .zip(&table.columns)
        .zip(&table.wanted);
    let profiled = profiled.filter(|(_, wanted)| **wanted == Want::Profile);
    Table {
        source,
        rows: table.rows,
        bad_rows: table.bad,
        columns: profiled
            .map(|((head, of), _)| column(head.name.clone(), of))
            .collect(),
    }
}

fn column(name: String, column: &column::Column) -> Column {
    let class = column.class();
    let (distinct, distinct_exact) = column.distinct();
    let top = column.frequent.top(TOP).into_iter().map(|counter| Top {
        value: truncate(&counter.text),
        count: counter.count,
    });
    let classes = CLASSES
        .into_iter()
        .map(|class| (class.as_str(), column.of_class(class)));
    let classes: Vec<_> = classes.filter(|(_, count)| *count > 0).collect();
    let mut result = Column {
        name,
        class: class.map_or("empty", Class::as_str).to_owned(),
        count: column.rows,
        nulls: column.nulls,
        distinct,
        distinct_exact,
        min: None,
        max: None,
        mean: None,
        deviation: None,
        quantiles: None,
        rank_error: None,
        infinite: column.infinite,
        lengths: lengths(column),
        top: top.collect(),
        classes: if classes.len() > 1 {
            classes
        } else {
            Vec::new()
        },
        examples: examples(column),
        histogram: None,
    };
    if let Some(class) = class {
        spread(&mut result, column, class);
    }
    result
}

/// Moments, quantiles and histogram of numbers and times; for texts the histogram of lengths.
fn spread(result: &mut Column, column: &column::Column, class: Class) {
    let (ranks, error) = column.ranks(class);
    let numbers = match class {
        _ if class.is_number() => &column.numbers,
        _ if class.is_time() => &column.times,
        Class::Text => {
            result.histogram = histogram(&ranks, Class::Integer, "lengths", &column.lengths);
            return;
        }
        _ => return,
    };
    let figure = |value: f64| figure(value, class);
    let moments = &numbers.moments;
    result.min = moments.min().map(figure);
    result.max = moments.max().map(figure);
    result.mean = moments.mean().map(|mean| match class.is_time() {
        true => figure(mean),
        false => Figure::Number(mean),
    });
    result.deviation = moments.deviation().filter(|_| class.is_number());
    if moments.count() > 0 {
        result.quantiles = Some(SHARES.map(|share| {
            let value = ranks.quantile(share).unwrap_or_default();
            match class {
                Class::Integer if value.fract() != 0.0 => Figure::Number(value),
                _ => figure(value),
            }
        }));
        result.rank_error = Some(error as f64 / moments.count() as f64);
    }
    result.histogram = histogram(&ranks, class, "values", numbers);
}

fn histogram(
    ranks: &Ranks,
    class: Class,
    of: &'static str,
    numbers: &Numbers,
) -> Option<Histogram> {
    Some(Histogram {
        of,
        from: figure(numbers.moments.min()?, class),
        to: figure(numbers.moments.max()?, class),
        counts: ranks.histogram(BINS),
    })
}

/// A number of a column, formatted as the column's class.
///
/// # Examples
/// ```
/// use easylife_tables::profile::Class;
/// use easylife_tables::profile::summary::{Figure, figure};
///
/// assert_eq!(figure(3.0, Class::Integer), Figure::Whole(3));
/// assert_eq!(figure(3.0, Class::Float), Figure::Number(3.0));
/// assert_eq!(figure(86_400.0, Class::Date), Figure::Text("1970-01-02".to_owned()));
/// ```
pub fn figure(value: f64, class: Class) -> Figure {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    match class {
        Class::Integer if value.fract() == 0.0 && value.abs() <= EXACT => {
            Figure::Whole(value as i64)
        }
        Class::Date => Figure::Text(spell_time(value, false)),
        Class::Datetime => Figure::Text(spell_time(value, true)),
        _ => Figure::Number(value),
    }
}

fn lengths(column: &column::Column) -> Lengths {
    let moments = &column.lengths.moments;
    Lengths {
        min: moments.min().unwrap_or_default() as u64,
        mean: moments.mean().unwrap_or_default(),
        max: moments.max().unwrap_or_default() as u64,
    }
}

fn examples(column: &column::Column) -> Vec<String> {
    let class = column.class().unwrap_or(Class::Text);
    let held = CLASSES.into_iter().filter(|&other| class.holds(other));
    let mut examples: Vec<_> = held.flat_map(|class| column.examples(class)).collect();
    examples.sort_by_key(|example| example.spot);
    examples
        .iter()
        .take(3)
        .map(|example| truncate(&example.text))
        .collect()
}

/// The start of a long text: 200 characters and an ellipsis.
///
/// # Examples
/// ```
/// use easylife_tables::profile::summary::truncate;
///
/// assert_eq!(truncate("short"), "short");
/// assert_eq!(truncate(&"é".repeat(201)).chars().count(), 201); // and the ellipsis
/// ```
pub fn truncate(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_for_display_and_exact_in_json() {
        let shown = [0.0, 1.0, 1234.5678, 0.000012345678, -2.5, 1e20, 123456.7];
        let shown = shown.map(|value| Figure::Number(value).to_string());
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
