//! Which columns a model's answers depend on, and how: permutation importance (Breiman 2001) and
//! partial dependence (Friedman 2001), for anything that can be scored.
//!
//! The model is a closure of the caller's, called from several threads. Results are put together in
//! the order of columns and repeats, so the number of threads changes nothing.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

/// Lowest and highest quantile of a grid, scikit-learn's default.
const GRID: [f64; 2] = [0.05, 0.95];

/// How much worse a model is without what a column says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Importance {
    /// Mean increase of the loss by permuting the column, in units of the loss; about 0 or negative
    /// if the column does not matter.
    pub increase: f64,
    /// Standard error of the mean over the repeats; `None` with one repeat.
    pub standard_error: Option<f64>,
}

/// The importance of each of `columns` columns over `rows` rows: the mean increase of the loss when
/// the column's values are permuted, over `repeats` permutations.
///
/// `score(column, permutation)` returns the loss of the model on the rows, where row `i` has the
/// value of row `permutation[i]` in this column and its own in all others. The identity gives the
/// loss that others are compared with; it is scored once, with column 0.
///
/// A repeat's permutation is drawn by `seed` and its number, and the same for all columns: their
/// order does not matter, and differences between columns are paired. One that permutes correlated
/// columns singly shows rows that do not occur; a column may seem unimportant because another says
/// the same.
///
/// Empty without columns or repeats; a loss that is NaN makes the importance NaN.
///
/// # Examples
/// ```
/// use easylife_models::tabular::influence::permutation_importance;
///
/// // The model answers with column 0, which is right; column 1 is ignored.
/// let x: Vec<f64> = (0..100).map(f64::from).collect();
/// let score = |column: usize, permutation: &[u32]| {
///     let answer = |row: usize| if column == 0 { x[permutation[row] as usize] } else { x[row] };
///     (0..100).map(|row| (answer(row) - x[row]).abs()).sum::<f64>() / 100.0
/// };
/// let found = permutation_importance(100, 2, 42, 5, score);
/// assert!(found[0].increase > 25.0); // the mean distance of two of 100 numbers is 33.3
/// assert_eq!(found[1].increase, 0.0);
/// ```
pub fn permutation_importance(
    rows: usize,
    columns: usize,
    seed: u64,
    repeats: usize,
    score: impl Fn(usize, &[u32]) -> f64 + Sync,
) -> Vec<Importance> {
    if columns == 0 || repeats == 0 {
        return Vec::new();
    }
    let identity: Vec<u32> = (0..rows as u32).collect();
    let base = score(0, &identity);
    // Repeat by repeat, so that only one permutation is in memory.
    let increases: Vec<Vec<f64>> = (0..repeats)
        .map(|repeat| {
            let permutation = permutation(identity.clone(), seed, repeat as u64);
            let losses = (0..columns).into_par_iter();
            losses
                .map(|column| score(column, &permutation) - base)
                .collect()
        })
        .collect();
    (0..columns)
        .map(|column| {
            let of_column: Vec<f64> = increases.iter().map(|repeat| repeat[column]).collect();
            Importance::of(&of_column)
        })
        .collect()
}

impl Importance {
    /// The mean of increases and its standard error.
    fn of(increases: &[f64]) -> Importance {
        let count = increases.len() as f64;
        let increase = increases.iter().sum::<f64>() / count;
        let squares: f64 = increases
            .iter()
            .map(|i| (i - increase) * (i - increase))
            .sum();
        let variance = squares / (count - 1.0);
        Importance {
            increase,
            standard_error: (increases.len() > 1).then(|| (variance / count).sqrt()),
        }
    }
}

/// The identity in a random order (Fisher and Yates), with a stream for each repeat.
fn permutation(mut identity: Vec<u32>, seed: u64, repeat: u64) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(repeat);
    for last in (1..identity.len()).rev() {
        // The bias is at most rows / 2^32.
        let at = (u64::from(random.next_u32()) * (last as u64 + 1)) >> 32;
        identity.swap(last, at as usize);
    }
    identity
}

/// Values of a column at which to look at a model: all of them if there are at most `points`,
/// otherwise quantiles at equal steps from 5 % to 95 %, each a value that occurs. Ascending and
/// distinct; values that are not finite are left out.
///
/// # Examples
/// ```
/// use easylife_models::tabular::influence::grid_of_numbers;
///
/// assert_eq!(grid_of_numbers(&[3.0, 1.0, 3.0, f64::NAN], 10), [1.0, 3.0]);
/// let many: Vec<f64> = (0..=100).map(f64::from).collect();
/// assert_eq!(grid_of_numbers(&many, 4), [5.0, 35.0, 65.0, 95.0]);
/// ```
pub fn grid_of_numbers(values: &[f64], points: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= points {
        return distinct;
    }
    let last = (sorted.len() - 1) as f64;
    let step = |point: usize| match points {
        1 => 0.5,
        _ => GRID[0] + (GRID[1] - GRID[0]) * point as f64 / (points - 1) as f64,
    };
    let mut grid: Vec<f64> = (0..points)
        .map(|point| sorted[(step(point) * last).round() as usize])
        .collect();
    grid.dedup();
    grid
}

/// Mean predictions at each of `points` values of a column, points × outputs.
///
/// `predict(point)` returns the predictions of all rows, rows × outputs, with the column set to the
/// point's value in each row; what the points are (numbers of a grid, categories, missing) is the
/// caller's choice. `weights` has one entry per row; without it all count the same. A point without
/// rows that count has NaN.
///
/// # Examples
/// ```
/// use easylife_models::tabular::influence::partial_dependence;
///
/// // The model is 2 a + b, with b 0 and 1 in two rows.
/// let grid = [1.0, 5.0];
/// let predict = |point: usize| [0.0, 1.0].iter().map(|b| 2.0 * grid[point] + b).collect();
/// assert_eq!(partial_dependence(2, 1, None, predict), [2.5, 10.5]);
/// ```
pub fn partial_dependence(
    points: usize,
    outputs: usize,
    weights: Option<&[f64]>,
    predict: impl Fn(usize) -> Vec<f64> + Sync,
) -> Vec<f64> {
    let means = (0..points).into_par_iter();
    let means: Vec<Vec<f64>> = means
        .map(|point| mean_row(&predict(point), outputs, weights))
        .collect();
    means.concat()
}

/// The weighted mean of the rows of rows × outputs.
fn mean_row(predictions: &[f64], outputs: usize, weights: Option<&[f64]>) -> Vec<f64> {
    let mut sums = vec![0.0; outputs];
    let mut all = 0.0;
    for (row, predictions) in predictions.chunks_exact(outputs.max(1)).enumerate() {
        let weight = weights.map_or(1.0, |weights| weights.get(row).copied().unwrap_or(0.0));
        if weight > 0.0 && weight.is_finite() {
            all += weight;
            let terms = sums.iter_mut().zip(predictions);
            terms.for_each(|(sum, prediction)| *sum += weight * prediction);
        }
    }
    sums.iter().map(|sum| sum / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The mean absolute error of a model 3 a + b with the target as its own answers.
    fn linear(column: usize, permutation: &[u32]) -> f64 {
        let values = |row: usize| [(row * 7 % 50) as f64, (row * 11 % 50) as f64, 1.0];
        let errors = (0..permutation.len()).map(|row| {
            let (own, other) = (values(row), values(permutation[row] as usize));
            let weights = [3.0, 1.0, 0.0];
            (weights[column] * (own[column] - other[column])).abs()
        });
        errors.sum::<f64>() / permutation.len() as f64
    }

    #[test]
    fn importances_are_those_of_the_coefficients() {
        let found = permutation_importance(500, 3, 1, 20, linear);
        // Two of 50 evenly spread numbers are (50² - 1) / (3 · 50) = 16.66 apart on average.
        for (importance, expected) in found.iter().zip([3.0 * 16.66, 16.66, 0.0]) {
            let error = importance.standard_error.unwrap();
            let distance = (importance.increase - expected).abs();
            assert!(distance <= 4.0 * error + 0.02, "{importance:?} {expected}");
        }
        assert!(found[1].standard_error.unwrap() < 0.5);
    }

    #[test]
    fn mean_and_standard_error_by_hand() {
        let found = Importance::of(&[1.0, 2.0, 6.0]);
        assert_eq!(found.increase, 3.0);
        // Variance (4 + 1 + 9) / 2
        assert_eq!(found.standard_error, Some((7.0_f64 / 3.0).sqrt()));
        assert_eq!(Importance::of(&[4.0]).standard_error, None);
    }

    #[test]
    fn threads_change_nothing_and_seeds_do() {
        let run = |threads, seed| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| permutation_importance(300, 3, seed, 4, linear))
        };
        assert_eq!(run(1, 7), run(8, 7));
        assert_ne!(run(1, 7), run(1, 8));
    }

    #[test]
    fn degenerate_tables() {
        assert!(permutation_importance(10, 0, 1, 5, |_, _| 0.0).is_empty());
        assert!(permutation_importance(10, 2, 1, 0, |_, _| 0.0).is_empty());
        let empty = permutation_importance(0, 1, 1, 3, |_, permutation| permutation.len() as f64);
        assert_eq!(empty[0].increase, 0.0);
        assert!(
            permutation_importance(3, 1, 1, 3, |_, _| f64::NAN)[0]
                .increase
                .is_nan()
        );
        assert!(grid_of_numbers(&[], 5).is_empty());
        assert!(grid_of_numbers(&[f64::NAN, f64::INFINITY], 5).is_empty());
        assert!(grid_of_numbers(&[1.0, 2.0], 0).is_empty());
        assert_eq!(grid_of_numbers(&[1.0, 2.0, 9.0], 1), [2.0]);
        assert_eq!(grid_of_numbers(&[4.0; 9], 5), [4.0]);
        assert!(partial_dependence(0, 1, None, |_| vec![1.0]).is_empty());
        assert!(partial_dependence(1, 1, None, |_| vec![])[0].is_nan());
        assert!(partial_dependence(2, 0, None, |_| vec![]).is_empty());
    }

    #[test]
    fn a_skewed_column_has_few_points() {
        let mut values = vec![0.0; 900];
        values.extend((0..100).map(f64::from));
        let grid = grid_of_numbers(&values, 20);
        assert_eq!(grid[0], 0.0);
        assert!(grid.len() < 5, "{grid:?}");
    }

    #[test]
    fn means_of_several_outputs_are_weighted() {
        let predict = |point: usize| vec![1.0, 10.0, 4.0, 20.0 + point as f64];
        let found = partial_dependence(2, 2, Some(&[2.0, 1.0]), predict);
        assert_eq!(found, [2.0, 40.0 / 3.0, 2.0, 41.0 / 3.0]);
    }

    proptest! {
        #[test]
        fn permutations_hold_every_row_once(rows in 0u32..200, seed in any::<u64>(), repeat in 0u64..9) {
            let mut found = permutation((0..rows).collect(), seed, repeat);
            found.sort_unstable();
            prop_assert_eq!(found, (0..rows).collect::<Vec<u32>>());
        }

        #[test]
        fn grids_are_ascending_values_of_the_column(
            values in prop::collection::vec(-30i32..30, 0..80), points in 0usize..20,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let grid = grid_of_numbers(&values, points);
            prop_assert!(grid.len() <= points);
            prop_assert!(grid.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(grid.iter().all(|value| values.contains(value)));
        }
    }
}
