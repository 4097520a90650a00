//! Tests of the engine as a whole, and the tables that they share.

mod explaining;
mod exporting;
mod extremes;
mod fitting;
mod saving;
mod threads;

use super::draws::{Purpose, Stream};
use super::*;

/// Columns that own their values.
#[derive(Clone, Debug)]
pub(super) enum Owned {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Categories(Vec<u32>),
}

impl Owned {
    pub fn column(&self) -> Column<'_> {
        match self {
            Owned::F32(values) => Column::F32(values),
            Owned::F64(values) => Column::F64(values),
            Owned::Categories(codes) => Column::Categories(codes),
        }
    }
}

pub(super) fn columns(owned: &[Owned]) -> Vec<Column<'_>> {
    owned.iter().map(Owned::column).collect()
}

/// A uniform number per row, different for each `column`.
pub(super) fn uniform(column: u64, rows: usize) -> Vec<f64> {
    let stream = Stream::new(99, Purpose::Rows, column);
    let unit = 1.0 / (1_u64 << 53) as f64;
    (0..rows as u64)
        .map(|row| (stream.bits(row) >> 11) as f64 * unit)
        .collect()
}

/// Three columns of numbers, one with missing values, two of categories, and a target that depends on
/// most of them.
pub(super) fn mixed(rows: usize) -> (Vec<Owned>, Vec<f64>) {
    let (a, b, c, d, e) = (
        uniform(0, rows),
        uniform(1, rows),
        uniform(2, rows),
        uniform(3, rows),
        uniform(4, rows),
    );
    let noise = uniform(5, rows);
    let target = (0..rows).map(|row| {
        let category = f64::from(((d[row] * 30.0) as u32 * 7) % 5);
        let few = if e[row] < 0.25 { 1.0 } else { 0.0 };
        2.0 * a[row]
            + if b[row] > 0.6 { a[row] } else { -0.5 }
            + 0.2 * category
            + few
            + 0.3 * noise[row]
    });
    let target = target.collect();
    let missing = |row: usize, value: f64| if row % 9 == 4 { f64::NAN } else { value };
    let table = vec![
        Owned::F64(a),
        Owned::F32(b.iter().map(|&b| b as f32).collect()),
        Owned::F64(
            c.iter()
                .enumerate()
                .map(|(row, &c)| missing(row, c))
                .collect(),
        ),
        Owned::Categories(d.iter().map(|&d| (d * 30.0) as u32).collect()),
        Owned::Categories(
            e.iter()
                .enumerate()
                .map(|(row, &e)| {
                    if row % 11 == 3 {
                        MISSING_CATEGORY
                    } else {
                        (e * 4.0) as u32
                    }
                })
                .collect(),
        ),
    ];
    (table, target)
}

/// The target as one that a loss can be computed for.
pub(super) fn suited(loss: Loss, target: &[f64]) -> Vec<f64> {
    let suit = |&y: &f64| match loss {
        Loss::Logistic => f64::from(u8::from(y > 1.3)),
        Loss::Softmax { classes } => y.clamp(0.0, classes as f64 - 1.0).floor(),
        Loss::Poisson | Loss::Tweedie { .. } => (2.0 * y).max(0.0).floor(),
        _ => y,
    };
    target.iter().map(suit).collect()
}

pub(super) const LOSSES: [Loss; 8] = [
    Loss::Squared,
    Loss::Absolute,
    Loss::Huber { delta: 0.3 },
    Loss::Quantile { alpha: 0.8 },
    Loss::Logistic,
    Loss::Softmax { classes: 3 },
    Loss::Poisson,
    Loss::Tweedie { power: 1.5 },
];

pub(super) fn bins(owned: &[Owned]) -> Bins {
    Bins::new(&columns(owned), &BinOptions::default()).unwrap()
}

/// Margins by the definition: raw values against the tests of `Ensemble::test`.
pub(super) fn naive_margins(trees: &Ensemble, table: &[Owned], row: usize) -> Vec<f64> {
    let parts = trees.parts();
    let mut margins = parts.start.clone();
    for tree in 0..trees.trees() {
        let first = parts.tree_starts[tree] as usize;
        let mut node = first;
        while let Some((column, test)) = trees.test(node) {
            let is_left = match (test, &table[column]) {
                (NodeTest::Cut { cut, missing_left }, owned) => {
                    let value = match owned {
                        Owned::F32(values) => f64::from(values[row]),
                        Owned::F64(values) => values[row],
                        Owned::Categories(_) => unreachable!("a cut of categories"),
                    };
                    match value.is_nan() {
                        true => missing_left,
                        false => value <= cut || cut == f64::MAX,
                    }
                }
                (NodeTest::Set(set), Owned::Categories(codes)) => {
                    let starts = &parts.category_starts[column..column + 2];
                    let bins = &parts.category_bins[starts[0] as usize..starts[1] as usize];
                    let bin = match codes[row] {
                        MISSING_CATEGORY => 255,
                        code => bins.get(code as usize).copied().unwrap_or(0),
                    };
                    set[usize::from(bin) / 64] >> (bin % 64) & 1 == 1
                }
                _ => unreachable!("a set of numbers"),
            };
            node = first + parts.lefts[node] as usize + usize::from(!is_left);
        }
        let output = tree % margins.len();
        margins[output] += parts.values[node];
    }
    margins
}
