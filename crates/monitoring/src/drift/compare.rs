//! The verdict over all columns of a window.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::label::BinLabel;
use super::reference::{ColumnReference, Kind};
use super::statistic::level_shares;
use super::test::{TestOptions, test_counts};
use super::window::{Window, WindowError};
use models::kernels::math;

/// When a window has drifted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriftOptions {
    /// The share of windows that raise a false alarm if nothing has changed; also the share of
    /// false ones among the columns found (Benjamini and Hochberg 1995).
    pub alpha: f64,
    /// Smallest Jensen-Shannon distance that counts, however certain it is.
    ///
    /// The default is 0.01: about one row in a hundred is in another bin, or a mean has moved by
    /// 1/40 of a standard deviation. Windows of up to some 10,000 rows cannot show less, so that
    /// their false-alarm rate stays `alpha`; in larger ones it keeps differences quiet that are
    /// certain and do not matter. Common thresholds without a test are ten times as high.
    pub floor: f64,
    /// Number of redrawn windows for each column.
    pub draws: usize,
    /// What they depend on, besides the data.
    pub seed: u64,
}

impl Default for DriftOptions {
    fn default() -> DriftOptions {
        let test = TestOptions::default();
        DriftOptions {
            alpha: 0.01,
            floor: 0.01,
            draws: test.draws,
            seed: test.seed,
        }
    }
}

/// Why windows were not compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// The false-alarm rate is not a share.
    #[error("expected a false-alarm rate between 0 and 1, got {0}")]
    Alpha(f64),
    /// The smallest distance is not one.
    #[error("expected a floor of the distance from 0 to 1, got {0}")]
    Floor(f64),
    /// A window does not fit its reference.
    #[error("column `{name}`: {error}")]
    Window {
        /// The column.
        name: String,
        /// What is wrong.
        error: WindowError,
    },
}

/// Why a column has no p-value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Untested {
    /// The window, or what was counted of the reference, has no rows.
    NoRows,
    /// All rows of both are in one bin.
    Constant,
}

/// How a column of a window differs from the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// The caller's name of the column.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Rows counted of the reference.
    pub reference_rows: u64,
    /// Rows of the window.
    pub window_rows: u64,
    /// Jensen-Shannon distance between the shares of the bins, from 0 to 1 (the root of the
    /// divergence in bits).
    pub distance: f64,
    /// Share of rows that would have to be in another bin (total variation), from 0 to 1.
    pub effect: f64,
    /// For numbers, the probability that one of the window is larger than one of the reference,
    /// minus that it is smaller (Cliff's delta), from -1 to 1; for texts, of their lengths.
    pub shift: Option<f64>,
    /// Probability of a window at least as far if nothing has changed; `None` if not tested.
    pub p: Option<f64>,
    /// Smallest `alpha` with which the column would be found, given all columns.
    pub q: Option<f64>,
    /// Why there is no p-value.
    pub untested: Option<Untested>,
    /// Whether the column has drifted: `q <= alpha`, and a distance of at least the floor.
    pub has_drifted: bool,
    /// The bins that are not empty in both, in their order.
    pub bins: Vec<BinShare>,
}

/// A bin and its shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinShare {
    /// What it holds.
    pub label: BinLabel,
    /// Share of the reference's rows.
    pub reference: f64,
    /// Share of the window's rows.
    pub window: f64,
}

/// How a window differs from the reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableDrift {
    /// Whether any column has drifted.
    pub has_drifted: bool,
    /// Number of columns with a p-value.
    pub tested: usize,
    /// What the verdict is based on.
    pub options: DriftOptions,
    /// All columns, in the caller's order.
    pub columns: Vec<ColumnDrift>,
}

impl ColumnDrift {
    /// The bins whose shares changed most, the largest change first.
    pub fn moved(&self, limit: usize) -> Vec<&BinShare> {
        let mut moved: Vec<&BinShare> = self.bins.iter().collect();
        moved.sort_by(|a, b| b.change().total_cmp(&a.change()));
        moved.truncate(limit);
        moved
    }
}

impl BinShare {
    fn change(&self) -> f64 {
        (self.window - self.reference).abs()
    }
}

/// Compares the columns of a window with the reference: name, reference and window of each.
///
/// # Errors
/// If an option is no share, or a window was counted on another reference.
///
/// # Examples
/// ```
/// use monitoring::drift::{DriftOptions, NumberSketch, Window, compare};
///
/// let mut sketch = NumberSketch::new(0);
/// let value = |row: u32| f64::from(row * 7919 % 10_007) / 100.0;
/// (0..5000).for_each(|row| sketch.add(Some(value(row))));
/// let reference = sketch.finish().unwrap();
/// let mut window = Window::new(&reference);
/// // Numbers have become larger by a tenth of their range.
/// (5000..6000).for_each(|row| window.add_number(&reference, Some(value(row) + 10.0)));
/// let drift = compare(&[("amount", &reference, &window)], &DriftOptions::default()).unwrap();
/// assert!(drift.has_drifted);
/// let column = &drift.columns[0];
/// assert!(column.p.unwrap() < 1e-6 && column.shift.unwrap() > 0.1);
/// ```
pub fn compare(
    columns: &[(&str, &ColumnReference, &Window)],
    options: &DriftOptions,
) -> Result<TableDrift, CompareError> {
    if !(options.alpha > 0.0 && options.alpha < 1.0) {
        return Err(CompareError::Alpha(options.alpha));
    }
    if !(0.0..=1.0).contains(&options.floor) {
        return Err(CompareError::Floor(options.floor));
    }
    for (name, reference, window) in columns {
        window.check(reference).map_err(|error| {
            let name = (*name).to_owned();
            CompareError::Window { name, error }
        })?;
    }
    let columns = columns.par_iter();
    let columns = columns.map(|(name, reference, window)| column(name, reference, window, options));
    let mut columns: Vec<ColumnDrift> = columns.collect();
    let p: Vec<f64> = columns.iter().filter_map(|column| column.p).collect();
    let mut q = adjusted(&p).into_iter();
    for column in columns.iter_mut().filter(|column| column.p.is_some()) {
        column.q = q.next();
        let is_found = column.q.is_some_and(|q| q <= options.alpha);
        column.has_drifted = is_found && column.distance >= options.floor;
    }
    Ok(TableDrift {
        has_drifted: columns.iter().any(|column| column.has_drifted),
        tested: p.len(),
        options: *options,
        columns,
    })
}

/// A column without regard to the others.
fn column(
    name: &str,
    reference: &ColumnReference,
    window: &Window,
    options: &DriftOptions,
) -> ColumnDrift {
    let (was, is) = (reference.counts(), window.counts());
    let (reference_rows, window_rows) = (reference.rows(), window.rows());
    let orders = reference.orders();
    let test = TestOptions {
        draws: options.draws,
        seed: options.seed,
    };
    let p = test_counts(was, is, &orders, &test);
    let has_rows = reference_rows > 0 && window_rows > 0;
    let (was_shares, is_shares) = (shares(was), shares(is));
    let labels = reference.labels().into_iter();
    let bins = labels.zip(was_shares.iter().zip(&is_shares));
    let bins = bins.map(|(label, (&reference, &window))| BinShare {
        label,
        reference,
        window,
    });
    let differences = was_shares
        .iter()
        .zip(&is_shares)
        .map(|(a, b)| (a - b).abs());
    ColumnDrift {
        name: name.to_owned(),
        kind: reference.kind(),
        reference_rows,
        window_rows,
        distance: if has_rows {
            jensen_shannon(&was_shares, &is_shares)
        } else {
            0.0
        },
        effect: if has_rows {
            differences.sum::<f64>() / 2.0
        } else {
            0.0
        },
        shift: orders
            .first()
            .and_then(|levels| cliffs_delta(was, is, levels)),
        p,
        q: None,
        untested: match p {
            Some(_) => None,
            None if has_rows => Some(Untested::Constant),
            None => Some(Untested::NoRows),
        },
        has_drifted: false,
        bins: bins
            .filter(|bin| bin.reference + bin.window > 0.0)
            .collect(),
    }
}

/// Share of each count; zeros without any.
fn shares(counts: &[u64]) -> Vec<f64> {
    let all = counts.iter().sum::<u64>().max(1) as f64;
    counts.iter().map(|&count| count as f64 / all).collect()
}

/// The Jensen-Shannon distance of two distributions: the root of the divergence in bits.
fn jensen_shannon(a: &[f64], b: &[f64]) -> f64 {
    let term = |x: f64, y: f64| match x > 0.0 {
        true => x * math::ln(2.0 * x / (x + y)),
        false => 0.0,
    };
    let terms = a.iter().zip(b).map(|(&a, &b)| term(a, b) + term(b, a));
    let divergence = terms.sum::<f64>() / 2.0 / std::f64::consts::LN_2;
    divergence.clamp(0.0, 1.0).sqrt()
}

/// P(window > reference) - P(window < reference); `None` if one of them has no row with a level.
fn cliffs_delta(reference: &[u64], window: &[u64], levels: &[Option<u32>]) -> Option<f64> {
    let shares = |counts: &[u64]| {
        let shares = level_shares(counts, levels);
        (shares.iter().sum::<f64>() > 0.0).then_some(shares)
    };
    let (was, is) = (shares(reference)?, shares(window)?);
    let (mut delta, mut was_below, mut is_below) = (0.0, 0.0, 0.0);
    for (was, is) in was.iter().zip(&is) {
        delta += is * was_below - was * is_below;
        was_below += was;
        is_below += is;
    }
    Some(delta)
}

/// p-values adjusted by Benjamini and Hochberg (1995): the smallest rate at which each is found.
fn adjusted(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
    let (mut q, mut smallest) = (vec![1.0; p.len()], 1.0_f64);
    for (from_end, index) in order.into_iter().enumerate() {
        let rank = p.len() - from_end;
        smallest = smallest.min(p[index] * p.len() as f64 / rank as f64);
        q[index] = smallest;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_by_hand() {
        assert_eq!(jensen_shannon(&[1.0, 0.0], &[0.0, 1.0]), 1.0);
        assert_eq!(jensen_shannon(&[0.5, 0.5], &[0.5, 0.5]), 0.0);
        // scipy.spatial.distance.jensenshannon([.5, .5], [.9, .1], 2), version 1.17.1
        let distance = jensen_shannon(&[0.5, 0.5], &[0.9, 0.1]);
        assert!(
            (distance - 0.383_135_879_859_942).abs() < 1e-12,
            "{distance}"
        );
    }

    #[test]
    fn adjusted_by_hand() {
        // scipy.stats.false_discovery_control([.01, .02, .03, .5]), version 1.17.1
        let q = adjusted(&[0.01, 0.02, 0.03, 0.5]);
        for (q, expected) in q.iter().zip([0.04, 0.04, 0.04, 0.5]) {
            assert!((q - expected).abs() < 1e-12);
        }
        assert!(adjusted(&[]).is_empty());
    }

    #[test]
    fn delta_by_hand() {
        let levels = [Some(0), Some(1), None];
        assert_eq!(cliffs_delta(&[1, 0, 5], &[0, 1, 0], &levels), Some(1.0));
        assert_eq!(cliffs_delta(&[1, 1, 0], &[1, 1, 0], &levels), Some(0.0));
        assert_eq!(cliffs_delta(&[0, 0, 5], &[1, 1, 0], &levels), None);
    }
}
