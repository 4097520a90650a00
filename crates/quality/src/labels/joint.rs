//! The confident joint: how often rows of each given class look like each class.

use rayon::prelude::*;
use serde::Serialize;

use super::{CHUNK, Labelled};

/// Slack of the comparison with a threshold, as cleanlab has it: a class whose rows all have the
/// same probability must not fail its own mean by rounding.
const THRESHOLD_TOLERANCE: f64 = 1e-6;

/// The mean probability of each class over the rows that were given it; `None` for classes without
/// rows.
pub fn thresholds<T: Copy + Into<f64> + Sync>(data: &Labelled<T>) -> Vec<Option<f64>> {
    let classes = data.classes();
    let rows: Vec<usize> = (0..data.len()).collect();
    let parts: Vec<Vec<f64>> = rows
        .par_chunks(CHUNK)
        .map(|rows| {
            let mut sums = vec![0.0; classes];
            for &row in rows {
                let label = data.labels()[row] as usize;
                sums[label] += data.row(row)[label].into();
            }
            sums
        })
        .collect();
    let counts = data.label_counts();
    let mean = |class: usize| {
        let sum: f64 = parts.iter().map(|sums| sums[class]).sum();
        (counts[class] > 0).then(|| sum / counts[class] as f64)
    };
    (0..classes).map(mean).collect()
}

/// For each row the most probable of the classes that reach their threshold; `None` if no class
/// does.
///
/// cleanlab takes the most probable of all classes where several reach their threshold, even if it
/// does not reach its own. This is the paper's definition.
pub fn confident_guesses<T: Copy + Into<f64> + Sync>(
    data: &Labelled<T>,
    thresholds: &[Option<f64>],
) -> Vec<Option<u32>> {
    let bars: Vec<f64> = thresholds
        .iter()
        .map(|threshold| threshold.map_or(f64::INFINITY, |value| value - THRESHOLD_TOLERANCE))
        .collect();
    data.map(|_, probabilities| {
        let mut best: Option<(u32, f64)> = None;
        for (class, (&p, &bar)) in probabilities.iter().zip(&bars).enumerate() {
            let p: f64 = p.into();
            if p >= bar && best.is_none_or(|(_, top)| p > top) {
                best = Some((class as u32, p));
            }
        }
        best.map(|(class, _)| class)
    })
}

/// Counts of rows by given class (rows of the matrix) and true class (columns).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Joint {
    classes: usize,
    /// Classes × classes, row by row.
    counts: Vec<u64>,
}

impl Joint {
    /// Counts rows by given and guessed class; rows without a guess are left out.
    ///
    /// Each class has at least one row on the diagonal, as in cleanlab, so that no class is
    /// estimated to be wholly wrong.
    pub fn count<T: Copy + Into<f64> + Sync>(data: &Labelled<T>, guesses: &[Option<u32>]) -> Self {
        let classes = data.classes();
        let mut counts = vec![0; classes * classes];
        for (&given, guess) in data.labels().iter().zip(guesses) {
            if let Some(guess) = guess {
                counts[given as usize * classes + *guess as usize] += 1;
            }
        }
        for class in 0..classes {
            let count = &mut counts[class * classes + class];
            *count = (*count).max(1);
        }
        Self { classes, counts }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of rows that were given one class and are of another.
    ///
    /// # Panics
    /// If a class is not below [`Joint::classes`].
    pub fn get(&self, given: usize, truth: usize) -> u64 {
        self.row(given)[truth]
    }

    /// The counts of the rows that were given a class, by true class.
    fn row(&self, given: usize) -> &[u64] {
        &self.counts[given * self.classes..][..self.classes]
    }

    /// The same shares of true classes, for `label_counts` rows of each given class; whole numbers
    /// whose sums are kept (largest remainders).
    pub fn calibrate(&self, label_counts: &[u64]) -> Self {
        // Rows have a sum of 1 or more, by the diagonal.
        let rows =
            (0..self.classes).flat_map(|given| scale_to_sum(self.row(given), label_counts[given]));
        Self {
            classes: self.classes,
            counts: rows.collect(),
        }
    }

    /// Number of rows whose given class is not the true one.
    pub fn off_diagonal(&self) -> u64 {
        let diagonal: u64 = (0..self.classes).map(|class| self.get(class, class)).sum();
        self.counts.iter().sum::<u64>() - diagonal
    }

    /// P(given | true): at `given * classes + truth`. Columns sum to 1, or are 0 for true classes
    /// without rows.
    pub fn noise_matrix(&self) -> Vec<f64> {
        let columns: Vec<u64> = (0..self.classes)
            .map(|truth| (0..self.classes).map(|given| self.get(given, truth)).sum())
            .collect();
        let share = |(i, &n): (usize, &u64)| n as f64 / columns[i % self.classes].max(1) as f64;
        self.counts.iter().enumerate().map(share).collect()
    }

    /// P(true | given): at `given * classes + truth`. Rows sum to 1, or are 0 for given classes
    /// without rows.
    pub fn inverse_noise_matrix(&self) -> Vec<f64> {
        (0..self.classes)
            .flat_map(|given| {
                let row = self.row(given);
                let sum = row.iter().sum::<u64>().max(1) as f64;
                row.iter().map(move |&n| n as f64 / sum)
            })
            .collect()
    }

    /// P(true): the shares of the classes if every label were right.
    pub fn prior(&self) -> Vec<f64> {
        let total = self.counts.iter().sum::<u64>().max(1) as f64;
        (0..self.classes)
            .map(|truth| {
                let column: u64 = (0..self.classes).map(|given| self.get(given, truth)).sum();
                column as f64 / total
            })
            .collect()
    }
}

/// Scales counts, not all 0, to a sum: rounded downwards, then the largest remainders upwards. Of equal
/// remainders the smaller count is rounded up.
fn scale_to_sum(counts: &[u64], total: u64) -> Vec<u64> {
    let sum: u128 = counts.iter().map(|&count| u128::from(count)).sum();
    let exact = |i: usize| u128::from(counts[i]) * u128::from(total);
    let mut scaled: Vec<u64> = (0..counts.len()).map(|i| (exact(i) / sum) as u64).collect();
    let missing = total - scaled.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(exact(i) % sum), counts[i], i));
    for &i in order.iter().take(missing as usize) {
        scaled[i] += 1;
    }
    scaled
}
