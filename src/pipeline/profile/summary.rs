//! From what a pass has gathered to the figures that are shown.

use super::column::Column;
use super::scan::{Table, Want};
use super::value::{CLASSES, Class, spell_time};
use crate::report::table::{self, Figure, Histogram, Lengths, SHARES, Top};
use tables::sketch::Ranks;

/// Bars of a histogram.
const BINS: usize = 32;
/// Most frequent values that are named.
const TOP: usize = 20;
/// Letters of a value that are shown.
const LETTERS: usize = 200;

/// The figures of a table, of those columns that were profiled.
pub fn table(table: &Table, source: String) -> table::Table {
    let profiled = table
        .head
        .columns
        .iter()
        .zip(&table.columns)
        .zip(&table.wanted);
    let profiled = profiled.filter(|(_, wanted)| **wanted == Want::Profile);
    table::Table {
        source,
        rows: table.rows,
        bad_rows: table.bad,
        columns: profiled
            .map(|((head, of), _)| column(head.name.clone(), of))
            .collect(),
    }
}

fn column(name: String, column: &Column) -> table::Column {
    let class = column.class();
    let (distinct, distinct_exact) = column.distinct();
    let top = column.frequent.top(TOP).into_iter().map(|counter| Top {
        value: cut(&counter.text),
        count: counter.count,
    });
    let classes = CLASSES
        .into_iter()
        .map(|class| (class.as_str(), column.of_class(class)));
    let classes: Vec<_> = classes.filter(|(_, count)| *count > 0).collect();
    let mut result = table::Column {
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

/// Moments, quantiles and histogram of numbers and times; of texts the histogram of lengths.
fn spread(result: &mut table::Column, column: &Column, class: Class) {
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
    numbers: &super::column::Numbers,
) -> Option<Histogram> {
    Some(Histogram {
        of,
        from: figure(numbers.moments.min()?, class),
        to: figure(numbers.moments.max()?, class),
        counts: ranks.histogram(BINS),
    })
}

/// A number of a column as it is spelled there.
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

fn lengths(column: &Column) -> Lengths {
    let moments = &column.lengths.moments;
    Lengths {
        min: moments.min().unwrap_or_default() as u64,
        mean: moments.mean().unwrap_or_default(),
        max: moments.max().unwrap_or_default() as u64,
    }
}

fn examples(column: &Column) -> Vec<String> {
    let class = column.class().unwrap_or(Class::Text);
    let held = CLASSES.into_iter().filter(|&other| class.holds(other));
    let mut examples: Vec<_> = held.flat_map(|class| column.examples(class)).collect();
    examples.sort_by_key(|example| example.spot);
    examples
        .iter()
        .take(3)
        .map(|example| cut(&example.text))
        .collect()
}

/// The start of a long text.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}
