//! The part of the page on how predictions depend on a column: its contributions over its values, and the mean
//! prediction if all rows had one value (partial dependence, Friedman 2001).

use super::strips::{self, Dot, Strip};
use super::{Scales, TabularReport, left_out, range};
use crate::report::format::{counted, label, percent, significant};
use crate::report::html::text;
use crate::report::page::Section;
use crate::report::svg::{self, Axis, Key, Picture, Plot, Sign, WIDTH};

/// How predictions depend on a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependence {
    pub column: String,
    pub values: Values,
    /// The value and the contribution of some rows; of a category its index in `values`. A value that is not finite
    /// is not drawn.
    pub points: Vec<(f64, f64)>,
    /// Ascending values and the mean prediction if all rows had it.
    pub line: Vec<(f64, f64)>,
}

/// The values of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Values {
    #[default]
    Numbers,
    /// The categories' names, in the order to show them.
    Categories(Vec<String>),
}

/// Heights of the areas between the axes.
const PREDICTION: f64 = 110.0;
const CONTRIBUTION: f64 = 150.0;
/// Space between the two charts of a column.
const BETWEEN: f64 = 12.0;
const COLUMNS_SHOWN: usize = 8;
const CATEGORIES_SHOWN: usize = 8;
const POINTS: usize = 400;

pub(super) fn section(report: &TabularReport) -> Option<Section> {
    let all = &report.dependence;
    let drawn = all.iter().take(COLUMNS_SHOWN).zip(1..);
    let figures: String = drawn
        .filter_map(|(dependence, number)| figure(dependence, &report.scales, number))
        .collect();
    (!figures.is_empty()).then(|| Section {
        title: "How predictions depend on the values".to_owned(),
        note: format!(
            "The mean {} is that of all test rows if every one had the value, all else as it is. The dots are the \
             contributions of the column to the predictions of single rows: where dots of one value differ, other \
             columns play a part.",
            text(&prediction(&report.scales))
        ),
        body: svg::side_by_side(&figures)
            + &left_out(all.len(), COLUMNS_SHOWN, "column", "columns"),
    })
}

/// What partial dependence is a mean of, and what contributions add up to; plain text.
fn prediction(scales: &Scales) -> String {
    match scales.prediction.as_str() {
        "" => "prediction".to_owned(),
        name => label(name, 40),
    }
}

pub(super) fn contribution(scales: &Scales) -> String {
    match scales.contribution.as_str() {
        "" => "contribution".to_owned(),
        unit => label(&format!("contribution, {unit}"), 44),
    }
}

fn figure(dependence: &Dependence, scales: &Scales, number: usize) -> Option<String> {
    match &dependence.values {
        Values::Numbers => of_numbers(dependence, scales, number),
        Values::Categories(names) => of_categories(dependence, names, scales, number),
    }
}

/// Two charts over the same values: the mean prediction, and below it the contributions.
fn of_numbers(dependence: &Dependence, scales: &Scales, number: usize) -> Option<String> {
    let points = &dependence.points[..dependence.points.len().min(POINTS)];
    let column = label(&dependence.column, 40);
    let axis = axis(&column, points, &dependence.line)?;
    let drawn = points.iter().filter(|point| axis.contains(point.0)).count() as u64;
    let below = contributions(axis.clone(), points, scales);
    let above = means(axis, &dependence.line, scales, below.is_some());
    let (body, height) = match (above, below) {
        (None, None) => return None,
        (Some((plot, chart)), None) => (chart, plot.picture_height()),
        (None, Some((plot, chart))) => (chart, plot.picture_height()),
        (Some((upper, means)), Some((lower, chart))) => {
            let top = upper.foot() + BETWEEN;
            (
                means + &svg::lowered(top, &chart),
                top + lower.picture_height(),
            )
        }
    };
    let picture = Picture {
        id: format!("dependence-{number}"),
        title: format!("Dependence on {column}"),
        description: format!(
            "The mean prediction at {}, and the contributions of {}.",
            counted(dependence.line.len() as u64, "value", "values"),
            counted(drawn, "row", "rows")
        ),
        width: WIDTH,
        height,
        class: "fluid",
        body,
    };
    let note = match points.len() as u64 - drawn {
        0 => String::new(),
        beyond => format!(
            "{} missing or beyond the axis",
            counted(beyond, "row is", "rows are")
        ),
    };
    Some(svg::figure(
        &text(&column),
        &note,
        &legend(scales),
        &picture,
    ))
}

/// The axis of the values. If there is a line, the axis ends where it does: values far out would leave no room for the
/// others. `None` without values.
fn axis(column: &str, points: &[(f64, f64)], line: &[(f64, f64)]) -> Option<Axis> {
    let (low, high) = match line {
        [_, _, ..] => range(line.iter().map(|point| point.0)),
        _ => range(points.iter().map(|point| point.0)),
    }?;
    Some(Axis::round(column, low, high))
}

/// The chart of the mean predictions; without labels on `x` if another chart is below. `None` without a line.
fn means(
    x: Axis,
    line: &[(f64, f64)],
    scales: &Scales,
    another_below: bool,
) -> Option<(Plot, String)> {
    if line.len() < 2 {
        return None;
    }
    let plot = Plot {
        x: if another_below { x.unlabelled() } else { x },
        y: predictions(scales, line),
        height: PREDICTION,
    };
    let chart = plot.axes() + &plot.path(line.iter().copied(), "line");
    Some((plot, chart))
}

/// The chart of the contributions; `None` without any.
fn contributions(x: Axis, points: &[(f64, f64)], scales: &Scales) -> Option<(Plot, String)> {
    let plot = Plot {
        x,
        y: contribution_axis(points, scales)?,
        height: CONTRIBUTION,
    };
    let chart = plot.axes() + &plot.dots(points.iter().copied(), "dots points");
    Some((plot, chart))
}

/// The axis of contributions, with zero on it; `None` without any.
fn contribution_axis(points: &[(f64, f64)], scales: &Scales) -> Option<Axis> {
    let (low, high) = range(points.iter().map(|point| point.1))?;
    Some(Axis::round(
        &contribution(scales),
        low.min(0.0),
        high.max(0.0),
    ))
}

fn legend(scales: &Scales) -> [Key; 2] {
    let prediction = format!("mean {}", prediction(scales));
    [
        Key::new(Sign::Line, "line", &prediction),
        Key::new(Sign::Dot, "fill-good l6", "contribution in a row"),
    ]
}

fn predictions(scales: &Scales, line: &[(f64, f64)]) -> Axis {
    let name = prediction(scales);
    let (low, high) = range(line.iter().map(|point| point.1)).unwrap_or((0.0, 1.0));
    match scales.shares {
        true => Axis::share(&name, low, high),
        false => Axis::round(&name, low, high),
    }
}

/// A strip for each category, with the mean prediction at its end.
fn of_categories(
    dependence: &Dependence,
    names: &[String],
    scales: &Scales,
    number: usize,
) -> Option<String> {
    let points = &dependence.points[..dependence.points.len().min(POINTS)];
    let shown = &names[..names.len().min(CATEGORIES_SHOWN)];
    let axis = contribution_axis(points, scales)?;
    let strips = shown.iter().enumerate();
    let strips: Vec<Strip> = strips
        .map(|(index, name)| Strip {
            name: name.clone(),
            ..category(index, points, &dependence.line, scales)
        })
        .collect();
    if strips.is_empty() {
        return None;
    }
    let column = label(&dependence.column, 40);
    let picture = strips::picture(
        &format!("dependence-{number}"),
        &format!("Dependence on {column}"),
        format!(
            "The mean prediction and the contributions for {}.",
            counted(shown.len() as u64, "category", "categories")
        ),
        axis,
        &strips,
    );
    let mut note = format!("On the right the mean {}", text(&prediction(scales)));
    let hidden = (names.len() - shown.len()) as u64;
    if hidden > 0 {
        note += &format!(
            "; {} not shown",
            counted(hidden, "category is", "categories are")
        );
    }
    let legend = [Key::new(
        Sign::Dot,
        strips::KEYS[strips::SHADES / 2],
        "contribution in a row",
    )];
    Some(svg::figure(&text(&column), &note, &legend, &picture))
}

/// The strip of a category, without its name.
fn category(index: usize, points: &[(f64, f64)], line: &[(f64, f64)], scales: &Scales) -> Strip {
    let is = |value: f64| value == index as f64;
    let spelled = |mean: f64| match scales.shares {
        true => percent(mean, 1),
        false => significant(mean, 3),
    };
    let mean = line.iter().find(|point| is(point.0));
    let of_category = points.iter().filter(|point| is(point.0));
    let dot = |point: &(f64, f64)| Dot {
        x: point.1,
        shade: Some(0.5),
    };
    Strip {
        name: String::new(),
        note: mean.map_or_else(String::new, |point| format!("mean {}", spelled(point.1))),
        dots: of_category.map(dot).collect(),
    }
}
