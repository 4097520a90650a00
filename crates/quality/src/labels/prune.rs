//! Which rows are listed as label errors.

use serde::{Deserialize, Serialize};

use super::score::largest_other;
use super::{Joint, Labelled};

/// How rows are chosen. Rows of which no other class is more probable than the given
/// one are never chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// For each pair of classes as many rows as the calibrated joint holds, those of the largest
    /// margin of the true class over the given one.
    #[default]
    PruneByNoiseRate,
    /// For each given class as many rows as are estimated to be wrong, those of the least
    /// probability of the given class.
    PruneByClass,
    /// Rows that [`Filter::PruneByNoiseRate`] and [`Filter::PruneByClass`] both choose.
    Both,
    /// Rows of the confident joint whose guessed class is not the given one.
    ConfidentLearning,
    /// Every row of which another class is more probable than the given one.
    PredictedNeqGiven,
}

impl Filter {
    /// Whether each row is chosen.
    pub(super) fn select<T: Copy + Into<f64> + Sync>(
        self,
        data: &Labelled<T>,
        calibrated: &Joint,
        guesses: &[Option<u32>],
    ) -> Vec<bool> {
        let mut chosen = match self {
            Self::PruneByNoiseRate => by_noise_rate(data, calibrated),
            Self::PruneByClass => by_class(data, calibrated),
            Self::Both => {
                let pairs = by_noise_rate(data, calibrated).into_iter();
                pairs
                    .zip(by_class(data, calibrated))
                    .map(|(a, b)| a && b)
                    .collect()
            }
            Self::ConfidentLearning => {
                let rows = data.labels().iter().zip(guesses);
                rows.map(|(given, guess)| guess.is_some_and(|guess| guess != *given))
                    .collect()
            }
            Self::PredictedNeqGiven => vec![true; data.len()],
        };
        let agrees = data.map(|row, p| {
            let given = data.labels()[row] as usize;
            p[given].into() >= largest_other(p, given)
        });
        for (chosen, agrees) in chosen.iter_mut().zip(agrees) {
            *chosen &= !agrees;
        }
        chosen
    }
}

/// The rows that were given each class.
fn rows_by_class<T: Copy + Into<f64> + Sync>(data: &Labelled<T>) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); data.classes()];
    for (row, &label) in data.labels().iter().enumerate() {
        rows[label as usize].push(row);
    }
    rows
}

/// As cleanlab: a class of one row is left as it is, and of each other class one row must be left.
fn pruned_counts(calibrated: &Joint, given: usize) -> Vec<u64> {
    let mut row: Vec<u64> = (0..calibrated.classes())
        .map(|truth| {
            if truth == given {
                0
            } else {
                calibrated.get(given, truth)
            }
        })
        .collect();
    if calibrated.get(given, given) == 0
        && let Some(largest) = (0..row.len()).rev().max_by_key(|&truth| row[truth])
    {
        row[largest] = row[largest].saturating_sub(1);
    }
    row
}

fn by_noise_rate<T: Copy + Into<f64> + Sync>(data: &Labelled<T>, calibrated: &Joint) -> Vec<bool> {
    let mut chosen = vec![false; data.len()];
    for (given, rows) in rows_by_class(data).into_iter().enumerate() {
        if rows.len() < 2 {
            continue;
        }
        for (truth, &count) in pruned_counts(calibrated, given).iter().enumerate() {
            if count == 0 {
                continue;
            }
            let margin = |row: usize| -> f64 {
                let p = data.row(row);
                p[truth].into() - p[given].into()
            };
            let mut margins: Vec<f64> = rows.iter().map(|&row| margin(row)).collect();
            let last = (count as usize).min(margins.len()) - 1;
            let (_, least, _) = margins.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
            // Rows of equal margins are chosen together, whatever their order.
            for &row in &rows {
                chosen[row] |= margin(row) >= *least;
            }
        }
    }
    chosen
}

fn by_class<T: Copy + Into<f64> + Sync>(data: &Labelled<T>, calibrated: &Joint) -> Vec<bool> {
    let mut chosen = vec![false; data.len()];
    for (given, rows) in rows_by_class(data).into_iter().enumerate() {
        let count = pruned_counts(calibrated, given).iter().sum::<u64>() as usize;
        if rows.len() < 2 || count == 0 {
            continue;
        }
        let confidence = |row: usize| -> f64 { data.row(row)[given].into() };
        let mut values: Vec<f64> = rows.iter().map(|&row| confidence(row)).collect();
        let first_kept = count.min(values.len() - 1);
        let (_, bar, _) = values.select_nth_unstable_by(first_kept, f64::total_cmp);
        for &row in &rows {
            chosen[row] = confidence(row) < *bar;
        }
    }
    chosen
}
