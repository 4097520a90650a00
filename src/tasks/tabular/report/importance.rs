//! The part of the page on what the model relies on: a table of columns, the contributions of rows, and pairs of
//! columns.

use super::dependence;
use super::strips::{self, Dot, KEYS, SHADES, Strip};
use super::{Mean, TabularReport, left_out, named};
use crate::report::format::{LABEL, MISSING, counted, label, percent, significant};
use crate::report::html::{BLANK, Table, columns, text};
use crate::report::page::Section;
use crate::report::svg::{self, Axis, Key, Sign};

/// How much the model relies on a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Importance {
    pub column: String,
    /// By how much the loss on the test part grows if the column's values are shuffled.
    pub permutation: Option<Mean>,
    /// The mean of the absolute contributions (SHAP values).
    pub contribution: f64,
}

/// The contributions of a column to the predictions of some rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Swarm {
    pub column: String,
    /// At most [`POINTS`] are shown.
    pub points: Vec<SwarmPoint>,
    /// The lowest and the highest value, as text; empty for categories.
    pub low: String,
    pub high: String,
}

/// The contribution of a column to the prediction of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SwarmPoint {
    pub contribution: f64,
    /// The rank of the value among those of the column, from 0 (lowest) to 1; `None`: missing, or without an order.
    pub rank: Option<f64>,
}

/// The strength of the interaction of two columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interaction {
    pub columns: (String, String),
    /// The mean of the absolute interactions.
    pub strength: f64,
}

/// Maximum number of points of a strip.
pub(super) const POINTS: usize = 300;
const COLUMNS_SHOWN: usize = 20;
const SWARMS_SHOWN: usize = 12;
/// More strips than this are two pictures, side by side.
const SWARMS_IN_A_PICTURE: usize = 6;
const PAIRS_SHOWN: usize = 10;
/// Heading of the bars.
const BARS: &str = "<span class=\"axis\"><span class=\"good\">contribution</span><span>loss if shuffled</span></span>";
/// Columns that the summary names.
const NAMED: usize = 3;

/// What the model relies on most, in a sentence that begins with a space; empty without columns.
pub(super) fn summary(importance: &[Importance]) -> String {
    let relied_on = importance.iter().filter(|column| column.contribution > 0.0);
    let names: Vec<String> = relied_on
        .take(NAMED)
        .map(|column| named(&column.column))
        .collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => format!(" The model relies on {only} alone."),
        Some((last, others)) => format!(
            " The model relies most on {} and {last}.",
            others.join(", ")
        ),
    }
}

pub(super) fn relies(report: &TabularReport) -> Option<Section> {
    let all = &report.importance;
    if all.is_empty() {
        return None;
    }
    let shown = &all[..all.len().min(COLUMNS_SHOWN)];
    let most = |of: fn(&Importance) -> f64| {
        let sizes = shown.iter().map(of).filter(|size| size.is_finite());
        sizes.fold(0.0, f64::max)
    };
    let scale = Scale {
        permutation: most(|column| column.permutation.map_or(0.0, |p| p.value)),
        contribution: most(|column| column.contribution),
    };
    let total: f64 = all.iter().map(|column| column.contribution).sum();
    let permuted = shown.iter().any(|column| column.permutation.is_some());
    let mut headings = vec![("Column", "name"), ("Contribution", "n"), ("Share", "n")];
    if permuted {
        headings.extend([("Loss if shuffled", "n"), ("\u{b1}", "n")]);
    }
    headings.push((if permuted { BARS } else { BLANK }, "wide"));
    let row = |column: &Importance| scale.row(column, total, permuted);
    let table = Table {
        caption: match all.len() {
            1 => "The only column".to_owned(),
            columns if columns > shown.len() => format!(
                "{} of {columns} columns, the most important first",
                shown.len()
            ),
            columns => format!("{columns} columns, the most important first"),
        },
        columns: columns(&headings),
        rows: shown.iter().map(row).collect(),
        class: "pairs",
    };
    Some(Section {
        title: "What the model relies on".to_owned(),
        note: note(report, permuted),
        body: table.render() + &left_out(all.len(), shown.len(), "column", "columns"),
    })
}

fn note(report: &TabularReport, permuted: bool) -> String {
    let scales = &report.scales;
    let mut note = format!(
        "Contribution: how much a column moves a prediction up or down on average{}.",
        in_unit(&scales.contribution)
    );
    if permuted {
        note += &format!(
            " Loss if shuffled: by how much {} on the test rows grows when the values of the column are mixed up, with \
             its standard error; near 0, the column is not needed, or others say the same.",
            match scales.loss.as_str() {
                "" => "the loss".to_owned(),
                loss => format!("the {}", named(loss)),
            }
        );
    }
    note
}

/// `, in log-odds of yes`, HTML; empty without a unit.
fn in_unit(unit: &str) -> String {
    match unit {
        "" => String::new(),
        unit => format!(", in {}", named(unit)),
    }
}

/// The figures that fill a bar.
struct Scale {
    permutation: f64,
    contribution: f64,
}

impl Scale {
    fn row(&self, column: &Importance, total: f64, permuted: bool) -> Vec<String> {
        let mut cells = vec![
            text(&label(&column.column, LABEL)),
            significant(column.contribution, 3),
            percent(column.contribution / total, 1),
        ];
        if permuted {
            let spelled =
                |of: fn(Mean) -> String| column.permutation.map_or_else(|| MISSING.to_owned(), of);
            cells.push(spelled(|mean| significant(mean.value, 3)));
            cells.push(spelled(|mean| significant(mean.standard_error, 2)));
        }
        cells.push(svg::bar(
            column.contribution / self.contribution,
            "fill-good",
        ));
        let loss = column.permutation.map(|p| p.value / self.permutation);
        if let (Some(bars), Some(loss)) = (cells.last_mut(), loss) {
            *bars += &svg::bar(loss, "fill-muted");
        }
        cells
    }
}

/// Contributions of rows, a strip for each column.
pub(super) fn swarms(report: &TabularReport) -> Option<Section> {
    let all = &report.swarm;
    let shown = &all[..all.len().min(SWARMS_SHOWN)];
    let axis = axis(shown, &dependence::contribution(&report.scales))?;
    let in_one = match shown.len() > SWARMS_IN_A_PICTURE {
        true => shown.len().div_ceil(2),
        false => shown.len(),
    };
    let figures = shown.chunks(in_one).zip(1..).map(|(swarms, number)| {
        let first = (number - 1) * in_one + 1;
        let title = match shown.len() > in_one {
            true => format!("Columns {first} to {}", first + swarms.len() - 1),
            false => "Contributions by column".to_owned(),
        };
        let strips: Vec<Strip> = swarms.iter().map(strip).collect();
        let picture = strips::picture(
            &format!("swarm-{number}"),
            "Contributions of columns",
            format!(
                "Contributions to the predictions of some test rows, of {}.",
                counted(swarms.len() as u64, "column", "columns")
            ),
            axis.clone(),
            &strips,
        );
        svg::figure(&title, "", &legend(), &picture)
    });
    let figures: String = figures.collect();
    Some(Section {
        title: "How values move the predictions".to_owned(),
        note:
            "Each dot is a test row. Right of the line, its value of the column raises the prediction, left of it \
               lowers it; the fuller the dot, the higher the value."
                .to_owned(),
        body: svg::side_by_side(&figures) + &left_out(all.len(), shown.len(), "column", "columns"),
    })
}

/// The axis of all contributions, with zero on it; `None` if all are zero.
fn axis(swarms: &[Swarm], name: &str) -> Option<Axis> {
    let contributions = swarms
        .iter()
        .flat_map(|swarm| swarm.points.iter().take(POINTS))
        .map(|point| point.contribution)
        .filter(|contribution| contribution.is_finite());
    let (low, high) =
        contributions.fold((0.0f64, 0.0f64), |(low, high), c| (low.min(c), high.max(c)));
    (low < high).then(|| Axis::round(name, low, high))
}

fn legend() -> [Key; 4] {
    [
        Key::new(Sign::Dot, KEYS[0], "low value"),
        Key::new(Sign::Dot, KEYS[SHADES / 2], "in between"),
        Key::new(Sign::Dot, KEYS[SHADES - 1], "high value"),
        Key::new(Sign::Dot, "fill-muted small", "missing or a category"),
    ]
}

fn strip(swarm: &Swarm) -> Strip {
    let dot = |point: &SwarmPoint| Dot {
        x: point.contribution,
        shade: point.rank,
    };
    let note = match swarm.low.is_empty() && swarm.high.is_empty() {
        true => String::new(),
        false => format!("{} to {}", label(&swarm.low, 11), label(&swarm.high, 11)),
    };
    Strip {
        name: swarm.column.clone(),
        note,
        dots: swarm.points.iter().take(POINTS).map(dot).collect(),
    }
}

/// Pairs of columns whose joint effect is more than the sum of both.
pub(super) fn interactions(report: &TabularReport) -> Option<Section> {
    let all = &report.interactions;
    let shown = &all[..all.len().min(PAIRS_SHOWN)];
    let strengths = shown.iter().map(|pair| pair.strength);
    let most = strengths
        .filter(|strength| strength.is_finite())
        .fold(0.0, f64::max);
    if shown.is_empty() {
        return None;
    }
    let row = |pair: &Interaction| {
        vec![
            text(&label(&pair.columns.0, LABEL)),
            text(&label(&pair.columns.1, LABEL)),
            significant(pair.strength, 3),
            svg::bar(pair.strength / most, "fill-good l7"),
        ]
    };
    let table = Table {
        caption: "Pairs of columns, the strongest interaction first".to_owned(),
        columns: columns(&[
            ("Column", "name"),
            ("and", "name"),
            ("Interaction", "n"),
            (BLANK, "wide"),
        ]),
        rows: shown.iter().map(row).collect(),
        class: "pairs",
    };
    Some(Section {
        title: "Columns that matter together".to_owned(),
        note: format!(
            "How much two columns move a prediction beyond what each does on its own, on average{}.",
            in_unit(&report.scales.contribution)
        ),
        body: table.render(),
    })
}
