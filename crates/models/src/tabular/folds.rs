//! Which rows are held out together: by classes and groups, or by time.

use crate::kernels::hash::mix;

/// Rows to train on, and rows that are held out.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Ascending.
    pub training: Vec<u32>,
    /// Ascending.
    pub held_out: Vec<u32>,
}

/// Deals rows with equal keys to the same of `count` folds, each class evenly: the first `used`
/// folds are returned, each held out from all other rows.
///
/// Folds depend on keys, classes and the seed, not on the order of rows, except that the class of
/// rows with equal keys is that of the first. Folds without rows on both sides are left out.
///
/// # Examples
/// ```
/// use easylife_models::tabular::deal;
///
/// let folds = deal(&[1, 2, 3, 4, 4], &[0, 0, 0, 0, 0], 2, 2, 7);
/// assert_eq!(folds.len(), 2);
/// let together = folds.iter().filter(|fold| fold.held_out.contains(&3));
/// assert!(together.into_iter().all(|fold| fold.held_out.contains(&4)));
/// ```
pub fn deal(keys: &[u64], classes: &[u32], count: usize, used: usize, seed: u64) -> Vec<Fold> {
    let mut order: Vec<(u64, u32)> = keys.iter().copied().zip(0..).collect();
    order.sort_unstable();
    order.dedup_by_key(|(key, _)| *key);
    let mut groups: Vec<(u32, u64, u64)> = order
        .iter()
        .map(|&(key, row)| (classes[row as usize], mix(key ^ mix(seed)), key))
        .collect();
    groups.sort_unstable();
    let mut folds: Vec<(u64, u32)> = groups
        .iter()
        .enumerate()
        .map(|(place, &(_, _, key))| (key, (place % count.max(1)) as u32))
        .collect();
    folds.sort_unstable();
    let fold = |key: &u64| {
        let place = folds.binary_search_by_key(key, |&(key, _)| key);
        place.map_or(0, |place| folds[place].1)
    };
    let of_row: Vec<u32> = keys.iter().map(fold).collect();
    let split = |number: u32| {
        let (held_out, training) =
            (0..keys.len() as u32).partition(|&row| of_row[row as usize] == number);
        Fold { training, held_out }
    };
    let folds = (0..used.min(count) as u32).map(split);
    folds.filter(Fold::has_both_sides).collect()
}

/// Cuts rows at times into `count + 1` blocks of about the same number of rows and holds out each
/// but the first from the rows before it. Rows of equal times stay together; rows without a time
/// come first. Rows with the key of a row that is held out are not trained on.
pub fn forward(times: &[f64], keys: &[u64], count: usize) -> Vec<Fold> {
    let mut order: Vec<u32> = (0..times.len() as u32).collect();
    let key = |&row: &u32| match times[row as usize] {
        time if time.is_nan() => f64::NEG_INFINITY,
        time => time,
    };
    order.sort_by(|a, b| key(a).total_cmp(&key(b)));
    let border = |block: usize| {
        let place = block * order.len() / (count + 1);
        let rows = &order[..place];
        // Not within equal times.
        let before = |row: &&u32| order.get(place).is_some_and(|next| key(row) == key(next));
        place - rows.iter().rev().take_while(before).count()
    };
    let borders: Vec<usize> = (1..=count).map(border).chain([order.len()]).collect();
    let ascending = |rows: &[u32]| {
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        rows
    };
    let fold = |ends: &[usize]| Fold {
        training: ascending(&order[..ends[0]]),
        held_out: ascending(&order[ends[0]..ends[1]]),
    };
    let apart = |mut fold: Fold| {
        let mut held_out: Vec<u64> = fold
            .held_out
            .iter()
            .map(|&row| keys[row as usize])
            .collect();
        held_out.sort_unstable();
        let is_apart = |row: &u32| held_out.binary_search(&keys[*row as usize]).is_err();
        fold.training.retain(is_apart);
        fold
    };
    let folds = borders.windows(2).map(fold).map(apart);
    folds.filter(Fold::has_both_sides).collect()
}

impl Fold {
    fn has_both_sides(&self) -> bool {
        !self.training.is_empty() && !self.held_out.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn classes_are_dealt_evenly() {
        let keys: Vec<u64> = (0..100).collect();
        let classes: Vec<u32> = (0..100).map(|row| u32::from(row < 20)).collect();
        for fold in deal(&keys, &classes, 5, 5, 1) {
            let of_class = fold.held_out.iter().filter(|&&row| row < 20);
            assert_eq!((fold.held_out.len(), of_class.count()), (20, 4));
        }
    }

    #[test]
    fn time_goes_forward_and_equal_times_stay_together() {
        let times = [3.0, 1.0, 2.0, 2.0, f64::NAN, 4.0];
        let folds = forward(&times, &[0, 1, 2, 3, 4, 5], 2);
        assert_eq!(folds[0].training, [1, 4]);
        assert_eq!(folds[0].held_out, [2, 3]);
        assert_eq!(folds[1].training, [1, 2, 3, 4]);
        assert_eq!(folds[1].held_out, [0, 5]);
    }

    #[test]
    fn groups_of_held_out_rows_are_not_trained_on() {
        let folds = forward(&[1.0, 2.0, 3.0, 4.0], &[7, 8, 9, 7], 1);
        assert_eq!(folds[0].training, [1]);
        assert_eq!(folds[0].held_out, [2, 3]);
    }

    #[test]
    fn tables_of_a_row_have_no_folds() {
        assert!(deal(&[1], &[0], 5, 5, 0).is_empty());
        assert!(forward(&[1.0], &[7], 5).is_empty());
        assert!(forward(&[], &[], 5).is_empty());
    }

    proptest! {
        #[test]
        fn every_row_is_held_out_once_and_groups_stay_together(
            keys in prop::collection::vec(0_u64..20, 1..60), count in 2_usize..6, seed: u64
        ) {
            let classes: Vec<u32> = keys.iter().map(|key| (key % 3) as u32).collect();
            let folds = deal(&keys, &classes, count, count, seed);
            for fold in &folds {
                for &row in &fold.held_out {
                    let is_held_out = |other: &u32| keys[*other as usize] == keys[row as usize];
                    prop_assert!(!fold.training.iter().any(is_held_out));
                }
                prop_assert_eq!(fold.training.len() + fold.held_out.len(), keys.len());
            }
            let mut held_out: Vec<u32> = folds.iter().flat_map(|f| f.held_out.clone()).collect();
            let before = held_out.len();
            held_out.sort_unstable();
            held_out.dedup();
            prop_assert_eq!(before, held_out.len());
        }
    }
}
