//! Ordered target statistics: the levels of a category column as numbers.
//!
//! A level becomes the mean target of its rows, pulled towards the mean of all rows. A training row
//! may not see its own target, or trees would trust the number more than it deserves: in a random
//! order of the rows, each row sees the rows of its level before it only (Prokhorenkova et al.,
//! "CatBoost: unbiased boosting with categorical features", 2018, section 3.2, equation 6):
//!
//! value = (Σ w y of earlier rows of the level + a p) / (Σ w of these rows + a)
//!
//! with the weighted mean p of all training rows and the prior's weight a. Rows that are scored see
//! all training rows of their level. A missing value is a level of its own; a level without training
//! rows has the value p.
//!
//! Targets are the number itself, or 1 and 0 for a class and the others; with more than two classes
//! make one statistic per class. Scaling or shifting the target does the same to the values, so that
//! trees need no standardized targets here.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::state::{State, StateError};

/// Largest target and largest weight, so that all sums are finite.
const LARGEST: f64 = 1e140;

/// How statistics are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatisticsOptions {
    /// Weight of the prior: that of so many rows with the mean target.
    pub prior_weight: f64,
    /// Number of random orders whose values are averaged for training rows. With more of them values
    /// vary less from order to order, and say a little more about a row's own target.
    pub permutations: usize,
    /// Decides the orders.
    pub seed: u64,
}

impl Default for StatisticsOptions {
    fn default() -> StatisticsOptions {
        StatisticsOptions {
            prior_weight: 1.0,
            permutations: 1,
            seed: 0,
        }
    }
}

/// The value of each level, for rows that are scored.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetStatistics {
    /// Codes of the levels, ascending; `MISSING_CATEGORY` is one of them.
    levels: Vec<u32>,
    /// The value of each level.
    values: Vec<f64>,
    /// The value of all other levels.
    prior: f64,
}

/// Why there are no statistics.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatisticsError {
    /// An option is out of its range.
    #[error("option `{name}` is {reason}")]
    Option {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is not one target or weight per code.
    #[error("expected one {what} per row, got {got} for {rows} rows")]
    Length {
        /// `target` or `weight`.
        what: &'static str,
        /// Number of entries.
        got: usize,
        /// Number of codes.
        rows: usize,
    },
    /// A training row is not in the table, or is listed twice.
    #[error("training row {row} {reason}")]
    Row {
        /// The index.
        row: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A target or weight of a training row is out of its range.
    #[error("{what} {value} of row {row} is {reason}")]
    Value {
        /// `target` or `weight`.
        what: &'static str,
        /// The value.
        value: f64,
        /// Index of the row.
        row: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No training row has a positive weight.
    #[error("no training row with a positive weight")]
    NoRows,
}

/// Sums over rows.
#[derive(Clone, Copy, Default)]
struct Sums {
    target: f64,
    weight: f64,
}

impl Sums {
    fn add(&mut self, target: f64, weight: f64) {
        self.target += target * weight;
        self.weight += weight;
    }

    /// The mean, with a prior of some weight.
    fn mean(self, prior: f64, prior_weight: f64) -> f64 {
        (self.target + prior_weight * prior) / (self.weight + prior_weight)
    }
}

/// What statistics are fitted on.
struct Training<'a> {
    /// Training rows, ascending, and the index of the level of each.
    rows: Vec<(u32, usize)>,
    target: &'a [f64],
    weights: Option<&'a [f64]>,
    levels: usize,
    prior: f64,
    prior_weight: f64,
}

impl TargetStatistics {
    /// Fits the training rows of a table of one code, target and weight per row (without weights all
    /// count 1), and also gives the value of each of these rows, in the order of `rows`. The result
    /// depends on which rows are listed, not on their order.
    ///
    /// # Errors
    /// If an option, row, target or weight is out of range, a row is listed twice, or no row has a
    /// positive weight.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::tabular::statistics::{StatisticsOptions, TargetStatistics};
    ///
    /// let (codes, target) = ([0, 0, 0, 1], [1.0, 1.0, 0.0, 0.0]);
    /// let options = StatisticsOptions::default();
    /// let rows = [0, 1, 2, 3];
    /// let (fitted, _) = TargetStatistics::fit(&codes, &target, None, &rows, &options).unwrap();
    /// // Two of three, and none of one; the prior adds a row of 1/2. Level 7 was not seen.
    /// assert_eq!(fitted.apply(&[0, 1, 7]), [2.5 / 4.0, 0.5 / 2.0, 0.5]);
    /// ```
    pub fn fit(
        codes: &[u32],
        target: &[f64],
        weights: Option<&[f64]>,
        rows: &[u32],
        options: &StatisticsOptions,
    ) -> Result<(TargetStatistics, Vec<f64>), StatisticsError> {
        options.check()?;
        check_length("target", target.len(), codes.len())?;
        check_length(
            "weight",
            weights.map_or(codes.len(), <[f64]>::len),
            codes.len(),
        )?;
        let mut sorted = rows.to_vec();
        sorted.sort_unstable();
        check_rows(&sorted, target, weights)?;
        let mut levels: Vec<u32> = sorted.iter().map(|&row| codes[row as usize]).collect();
        levels.sort_unstable();
        levels.dedup();
        let level = |row: u32| levels.partition_point(|&level| level < codes[row as usize]);
        let training = Training {
            rows: sorted.iter().map(|&row| (row, level(row))).collect(),
            target,
            weights,
            levels: levels.len(),
            prior: 0.0,
            prior_weight: options.prior_weight,
        };
        let training = training.with_prior()?;
        let ordered = training.ordered_values(codes.len(), options);
        let fitted = TargetStatistics {
            levels,
            values: training.level_values(),
            prior: training.prior,
        };
        let position = |row: &u32| sorted.partition_point(|sorted| sorted < row);
        let values = rows.iter().map(|row| ordered[position(row)]).collect();
        Ok((fitted, values))
    }

    /// The value of each code, for rows that were not trained on.
    pub fn apply(&self, codes: &[u32]) -> Vec<f64> {
        codes.iter().map(|&code| self.value(code)).collect()
    }

    /// The value of one code.
    pub fn value(&self, code: u32) -> f64 {
        let level = self.levels.binary_search(&code);
        level.map_or(self.prior, |level| self.values[level])
    }

    /// The value of levels that were not seen: the mean target.
    pub fn prior(&self) -> f64 {
        self.prior
    }

    /// Adds the values to a state, as tensors named `prefix.field`.
    pub fn add_to(&self, state: &mut State, prefix: &str) {
        let levels = self.levels.clone();
        state.insert_u32(&format!("{prefix}.levels"), &[levels.len()], levels);
        let values = self.values.clone();
        state.insert_f64(&format!("{prefix}.values"), &[values.len()], values);
        state.insert_f64(&format!("{prefix}.prior"), &[1], vec![self.prior]);
    }

    /// Reads what [`TargetStatistics::add_to`] wrote.
    ///
    /// # Errors
    /// If a tensor is missing, levels are not ascending, or there is not one value per level.
    pub fn from_state(state: &State, prefix: &str) -> Result<TargetStatistics, StateError> {
        let name = |field: &str| format!("{prefix}.{field}");
        let levels = state.u32s(&name("levels"), &[None])?.to_vec();
        if !levels.windows(2).all(|pair| pair[0] < pair[1]) {
            return Err(StateError::invalid(&name("levels"), "not ascending"));
        }
        let values = state.f64s(&name("values"), &[Some(levels.len())])?.to_vec();
        let prior = state.f64s(&name("prior"), &[Some(1)])?[0];
        Ok(TargetStatistics {
            levels,
            values,
            prior,
        })
    }
}

impl Training<'_> {
    fn weight(&self, row: u32) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row as usize])
    }

    fn with_prior(mut self) -> Result<Self, StatisticsError> {
        let mut all = Sums::default();
        for &(row, _) in &self.rows {
            all.add(self.target[row as usize], self.weight(row));
        }
        match all.weight > 0.0 {
            true => self.prior = all.target / all.weight,
            false => return Err(StatisticsError::NoRows),
        }
        Ok(self)
    }

    /// The value of each level from all training rows.
    fn level_values(&self) -> Vec<f64> {
        let mut sums = vec![Sums::default(); self.levels];
        for &(row, level) in &self.rows {
            sums[level].add(self.target[row as usize], self.weight(row));
        }
        let mean = |sums: Sums| sums.mean(self.prior, self.prior_weight);
        sums.into_iter().map(mean).collect()
    }

    /// The value of each training row from the rows before it, the mean over all orders.
    fn ordered_values(&self, table_rows: usize, options: &StatisticsOptions) -> Vec<f64> {
        let mut values = vec![0.0; self.rows.len()];
        for permutation in 0..options.permutations {
            let mut sums = vec![Sums::default(); self.levels];
            for place in self.order(table_rows, options.seed, permutation as u64) {
                let (row, level) = self.rows[place];
                values[place] += sums[level].mean(self.prior, self.prior_weight);
                sums[level].add(self.target[row as usize], self.weight(row));
            }
        }
        let count = options.permutations as f64;
        values.iter().map(|value| value / count).collect()
    }

    /// Places in `rows` in a random order. The draw of a row depends on the seed, the permutation and
    /// its index in the table alone, so two rows are in the same order in every fold that has both.
    fn order(&self, table_rows: usize, seed: u64, permutation: u64) -> Vec<usize> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(permutation);
        let draws: Vec<u64> = (0..table_rows).map(|_| random.next_u64()).collect();
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_unstable_by_key(|&place| (draws[self.rows[place].0 as usize], place));
        order
    }
}

impl StatisticsOptions {
    fn check(&self) -> Result<(), StatisticsError> {
        let prior = self.prior_weight;
        let error = |name, reason| Err(StatisticsError::Option { name, reason });
        match () {
            () if !(prior > 0.0 && prior <= LARGEST) => {
                error("prior_weight", "not positive and at most 1e140")
            }
            () if self.permutations == 0 => error("permutations", "0"),
            () => Ok(()),
        }
    }
}

fn check_length(what: &'static str, got: usize, rows: usize) -> Result<(), StatisticsError> {
    match got == rows {
        true => Ok(()),
        false => Err(StatisticsError::Length { what, got, rows }),
    }
}

/// Checks ascending rows, and their targets and weights.
fn check_rows(
    rows: &[u32],
    target: &[f64],
    weights: Option<&[f64]>,
) -> Result<(), StatisticsError> {
    let error = |row, reason| Err(StatisticsError::Row { row, reason });
    if let Some(pair) = rows.windows(2).find(|pair| pair[0] == pair[1]) {
        return error(pair[0], "is listed twice");
    }
    if let Some(&row) = rows.last().filter(|&&row| row as usize >= target.len()) {
        return error(row, "is not in the table");
    }
    for row in rows.iter().map(|&row| row as usize) {
        let (y, w) = (target[row], weights.map_or(1.0, |weights| weights[row]));
        let (what, value, reason) = match () {
            () if !(0.0..=LARGEST).contains(&w) => ("weight", w, "not from 0 to 1e140"),
            () if !(-LARGEST..=LARGEST).contains(&y) => ("target", y, "missing or beyond 1e140"),
            () => continue,
        };
        return Err(StatisticsError::Value {
            what,
            value,
            row,
            reason,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trees::MISSING_CATEGORY;
    use proptest::prelude::*;

    fn fit(codes: &[u32], target: &[f64], rows: &[u32]) -> (TargetStatistics, Vec<f64>) {
        let options = StatisticsOptions::default();
        TargetStatistics::fit(codes, target, None, rows, &options).unwrap()
    }

    #[test]
    fn levels_have_the_mean_with_the_prior() {
        let codes = [0, 0, 0, 1, MISSING_CATEGORY, 5];
        let target = [1.0, 1.0, 0.0, 0.0, 1.0, 77.0];
        // Row 5 is not trained on; the mean of the others is 3/5.
        let (fitted, _) = fit(&codes, &target, &[0, 1, 2, 3, 4]);
        let values = fitted.apply(&[0, 1, MISSING_CATEGORY, 5, 9]);
        assert_eq!(values, [2.6 / 4.0, 0.6 / 2.0, 1.6 / 2.0, 0.6, 0.6]);
        assert_eq!(fitted.prior(), 0.6);
        let options = StatisticsOptions {
            prior_weight: 2.0,
            ..StatisticsOptions::default()
        };
        let weights = [2.0, 1.0, 1.0, 0.0, 0.0, 1.0];
        let fitted = TargetStatistics::fit(&codes, &target, Some(&weights), &[0, 2, 3], &options);
        // Mean 2/3; level 0 has 2 of 3, level 1 no weight.
        let values = fitted.unwrap().0.apply(&[0, 1]);
        assert!((values[0] - (2.0 + 4.0 / 3.0) / 5.0).abs() < 1e-15);
        assert!((values[1] - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn training_rows_see_the_rows_before_them() {
        // One level of four rows with targets 1: the mean is 1 and says nothing. With targets 1, 0, 0,
        // 0 the prior is 1/4, and a row after k others of which s are ones has (s + 1/4) / (k + 1).
        let (_, values) = fit(&[7; 4], &[1.0, 0.0, 0.0, 0.0], &[0, 1, 2, 3]);
        // The row with target 1 sees zeros only; where it stands is up to the seed.
        let place = (0..4).find(|&k| values[0] == 0.25 / (f64::from(k) + 1.0));
        let place = place.unwrap();
        let mut expected: Vec<f64> = (0..4)
            .map(|k| (f64::from(u8::from(k > place)) + 0.25) / (f64::from(k) + 1.0))
            .collect();
        let mut values = values;
        expected.sort_by(f64::total_cmp);
        values.sort_by(f64::total_cmp);
        assert_eq!(values, expected);
    }

    #[test]
    fn a_level_of_one_row_does_not_show_its_target() {
        let codes: Vec<u32> = (0..50).collect();
        let target: Vec<f64> = (0..50).map(f64::from).collect();
        let rows: Vec<u32> = (0..50).collect();
        let (fitted, values) = fit(&codes, &target, &rows);
        assert!(values.iter().all(|&value| value == 24.5));
        assert_eq!(fitted.apply(&[3]), [(3.0 + 24.5) / 2.0]);
    }

    #[test]
    fn orders_depend_on_the_seed_and_are_averaged() {
        let codes = vec![0; 40];
        let target: Vec<f64> = (0..40).map(|row| f64::from(row % 2)).collect();
        let rows: Vec<u32> = (0..40).collect();
        let values = |seed, permutations| {
            let options = StatisticsOptions {
                permutations,
                seed,
                ..StatisticsOptions::default()
            };
            let fitted = TargetStatistics::fit(&codes, &target, None, &rows, &options);
            fitted.unwrap().1
        };
        assert_ne!(values(0, 1), values(1, 1));
        assert_eq!(values(3, 4), values(3, 4));
        let spread = |values: Vec<f64>| values.iter().map(|v| (v - 0.5) * (v - 0.5)).sum::<f64>();
        assert!(spread(values(0, 16)) < 0.5 * spread(values(0, 1)));
    }

    #[test]
    fn wrong_input_is_named() {
        let options = StatisticsOptions::default();
        let said = |target: &[f64], weights: Option<&[f64]>, rows: &[u32], options| {
            let fitted = TargetStatistics::fit(&[0, 1], target, weights, rows, options);
            fitted.unwrap_err().to_string()
        };
        let text = "expected one target per row, got 1 for 2 rows";
        assert_eq!(said(&[0.0], None, &[0], &options), text);
        let text = "expected one weight per row, got 0 for 2 rows";
        assert_eq!(said(&[0.0, 1.0], Some(&[]), &[0], &options), text);
        let text = "training row 2 is not in the table";
        assert_eq!(said(&[0.0, 1.0], None, &[0, 2], &options), text);
        let text = "training row 1 is listed twice";
        assert_eq!(said(&[0.0, 1.0], None, &[1, 0, 1], &options), text);
        let text = "target NaN of row 1 is missing or beyond 1e140";
        assert_eq!(said(&[0.0, f64::NAN], None, &[0, 1], &options), text);
        let text = "weight -1 of row 0 is not from 0 to 1e140";
        assert_eq!(said(&[0.0, 1.0], Some(&[-1.0, 1.0]), &[0], &options), text);
        let text = "no training row with a positive weight";
        assert_eq!(said(&[0.0, 1.0], Some(&[0.0, 1.0]), &[0], &options), text);
        assert_eq!(said(&[0.0, 1.0], None, &[], &options), text);
        let wrong = StatisticsOptions {
            prior_weight: 0.0,
            ..options
        };
        assert!(said(&[0.0, 1.0], None, &[0], &wrong).contains("`prior_weight`"));
        let wrong = StatisticsOptions {
            permutations: 0,
            ..options
        };
        assert!(said(&[0.0, 1.0], None, &[0], &wrong).contains("`permutations`"));
    }

    #[test]
    fn a_state_gives_the_same_values() {
        let (fitted, _) = fit(&[3, 1, MISSING_CATEGORY], &[1.0, 2.0, 4.0], &[0, 1, 2]);
        let mut state = State::default();
        fitted.add_to(&mut state, "kind");
        assert_eq!(
            TargetStatistics::from_state(&state, "kind").unwrap(),
            fitted
        );
        assert!(TargetStatistics::from_state(&state, "size").is_err());
        state.insert_u32("kind.levels", &[3], vec![3, 1, 2]);
        let error = TargetStatistics::from_state(&state, "kind").unwrap_err();
        assert_eq!(error.to_string(), "tensor `kind.levels`: not ascending");
        state.insert_u32("kind.levels", &[2], vec![1, 2]);
        assert!(TargetStatistics::from_state(&state, "kind").is_err());
    }

    proptest! {
        #[test]
        fn the_order_of_the_listed_rows_does_not_matter(
            table in prop::collection::vec((0_u32..4, -9.0..9.0_f64), 1..30),
            turn in 0_usize..30,
        ) {
            let (codes, target): (Vec<u32>, Vec<f64>) = table.into_iter().unzip();
            let rows: Vec<u32> = (0..codes.len() as u32).collect();
            let mut turned = rows.clone();
            turned.rotate_left(turn % rows.len());
            let (fitted, values) = fit(&codes, &target, &rows);
            let (again, turned_values) = fit(&codes, &target, &turned);
            prop_assert_eq!(&fitted, &again);
            for (row, value) in turned.iter().zip(turned_values) {
                prop_assert_eq!(value, values[*row as usize]);
            }
            // Own targets do not matter to a training row whose level has no other.
            let (low, high) = target.iter().fold((9.0_f64, -9.0_f64), |(l, h), &y| (l.min(y), h.max(y)));
            for value in values.into_iter().chain(fitted.apply(&[0, 1, 2, 3, 4])) {
                prop_assert!(value >= low - 1e-9 && value <= high + 1e-9);
            }
        }
    }
}
