//! Cross-validation: the fold of each row, and a model's score on hold-out rows.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::options::{ClassifierOptions, Weighting};
use super::ratios;
use crate::kernels::math::{softmax, softplus};
use crate::linear::{Coefficients, Examples, Problem, outputs};

/// The fold of a row that is never held out.
const NEVER: u8 = u8::MAX;

/// The hash of each text, by which rows are dealt out and sampled; the seed decides which.
pub fn keys(texts: &[&str], seed: u64) -> Vec<u64> {
    let key = |text: &&str| xxh3_64_with_seed(text.as_bytes(), seed);
    texts.iter().map(key).collect()
}

/// The fold of each row.
#[derive(Clone, Debug)]
pub struct Folds {
    of: Vec<u8>,
    count: u8,
}

impl Folds {
    /// Distributes the rows of each class over `count` folds in the order of their texts' hashes;
    /// equal texts stay together. A class with one distinct text is never held out, since no row
    /// would be left to train on.
    pub fn deal(keys: &[u64], labels: &[u32], classes: usize, count: usize) -> Folds {
        let count = u8::try_from(count).unwrap_or(NEVER - 1).min(NEVER - 1);
        let mut of = vec![NEVER; keys.len()];
        for rows in by_class(keys, labels, classes) {
            let mut distinct = 0_usize;
            for (place, &(hash, row)) in rows.iter().enumerate() {
                if place > 0 && rows[place - 1].0 != hash {
                    distinct += 1;
                }
                of[row] = (distinct % usize::from(count)) as u8;
            }
            if distinct == 0 {
                rows.iter().for_each(|&(_, row)| of[row] = NEVER);
            }
        }
        Folds { of, count }
    }

    /// Restricts the hold-out folds to the first `count`; each is held out from all other rows.
    pub fn first(mut self, count: usize) -> Folds {
        let count = u8::try_from(count).unwrap_or(NEVER).clamp(1, self.count);
        let later = self.of.iter_mut().filter(|fold| **fold >= count);
        later.for_each(|fold| *fold = NEVER);
        self.count = count;
        self
    }

    /// Rows that are held out once, in order.
    pub fn held_out(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.of.len()).filter(|&row| self.of[row] != NEVER)
    }
}

/// A sample of about `share` of the rows of each class (at least two), selected by their texts'
/// hashes.
pub fn sample(keys: &[u64], labels: &[u32], classes: usize, share: f64) -> Vec<usize> {
    let mut kept = Vec::new();
    for rows in by_class(keys, labels, classes) {
        let wanted = (share * rows.len() as f64).ceil() as usize;
        let rows = rows.iter().take(wanted.max(2));
        kept.extend(rows.map(|&(_, row)| row));
    }
    kept.sort_unstable();
    kept
}

/// The rows of each class in the order of their texts' hashes.
fn by_class(keys: &[u64], labels: &[u32], classes: usize) -> Vec<Vec<(u64, usize)>> {
    let mut rows = vec![Vec::new(); classes];
    for (row, (&key, &label)) in keys.iter().zip(labels).enumerate() {
        rows[label as usize].push((key, row));
    }
    rows.iter_mut().for_each(|rows| rows.sort_unstable());
    rows
}

/// The data to fit: rows, the ends of their blocks of features, and the cost of each row.
pub struct Data<'a> {
    pub examples: Examples<'a>,
    pub labels: &'a [u32],
    pub classes: usize,
    pub blocks: Vec<usize>,
    pub costs: Vec<f64>,
}

impl Data<'_> {
    /// The problem of the rows with a positive cost.
    pub fn problem(&self, options: &ClassifierOptions, costs: Vec<f64>) -> Problem<'_> {
        let problem = self.examples.problem(options.scheme);
        let problem = match options.weighting {
            Weighting::Plain => problem,
            Weighting::NaiveBayes { power } => {
                let kept = |row: usize| costs[row] > 0.0;
                let rows = self.examples.rows();
                let (labels, blocks) = (self.labels, &self.blocks);
                let scale = ratios::scale(rows, labels, self.classes, blocks, power, &kept);
                problem.with_scale(scale)
            }
        };
        problem.with_costs(costs)
    }

    /// Fits every fold's model, from `starts` if there are any.
    pub fn out_of_fold(
        &self,
        options: &ClassifierOptions,
        folds: &Folds,
        starts: &[Coefficients],
    ) -> OutOfFold {
        let outputs = outputs(self.classes);
        // Folds do not depend on each other, so that threads need not meet at every step of one.
        let fit = |fold: u8| {
            let kept = |(cost, own): (&f64, &u8)| if *own == fold { 0.0 } else { *cost };
            let costs = self.costs.iter().zip(&folds.of).map(kept).collect();
            let problem = self.problem(options, costs);
            let start = starts.get(usize::from(fold)).cloned();
            let (end, _) = problem.fit(&options.solver(), start, &mut |_| ());
            let last = (fold + 1 == folds.count).then(|| problem.unscaled(&end));
            (problem.scores(&end), end, last)
        };
        let fitted: Vec<_> = (0..folds.count).into_par_iter().map(fit).collect();
        let mut margins = vec![0.0; self.labels.len() * outputs];
        let mut solutions = Vec::with_capacity(fitted.len());
        let mut last = Coefficients::default();
        for (fold, (scores, end, unscaled)) in (0..).zip(fitted) {
            let rows = margins
                .chunks_exact_mut(outputs)
                .zip(scores.chunks_exact(outputs));
            for ((out, scores), _) in rows.zip(&folds.of).filter(|(_, own)| **own == fold) {
                out.copy_from_slice(scores);
            }
            last = unscaled.unwrap_or(last);
            solutions.push(end);
        }
        OutOfFold {
            margins,
            solutions,
            last,
        }
    }
}

/// Out-of-fold predictions.
pub struct OutOfFold {
    /// The margins of every row, rows × outputs; 0 for rows that are never held out.
    pub margins: Vec<f64>,
    /// Each fold's solution, a start for a problem like it.
    pub solutions: Vec<Coefficients>,
    /// The coefficients fitted without the last fold.
    pub last: Coefficients,
}

/// The score of margins on hold-out rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    pub correct: usize,
    pub rows: usize,
    /// Mean log loss, in nats.
    pub log_loss: f64,
}

impl Score {
    /// `margins` are rows × outputs.
    pub fn of(margins: &[f64], labels: &[u32], classes: usize, folds: &Folds) -> Score {
        let outputs = outputs(classes);
        let (mut correct, mut rows, mut loss) = (0, 0, 0.0);
        let mut row_margins = vec![0.0; outputs];
        for row in folds.held_out() {
            row_margins.copy_from_slice(&margins[row * outputs..(row + 1) * outputs]);
            let label = labels[row];
            rows += 1;
            correct += usize::from(predicted(&row_margins) == label);
            loss += if let [margin] = row_margins[..] {
                softplus(if label == 1 { -margin } else { margin })
            } else {
                let own = row_margins[label as usize];
                softmax(&mut row_margins) - own
            };
        }
        let log_loss = loss / rows.max(1) as f64;
        Score {
            correct,
            rows,
            log_loss,
        }
    }

    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows.max(1) as f64
    }

    /// More correct rows, or equally many with a smaller loss.
    pub fn better_than(&self, other: &Score) -> bool {
        (self.correct, -self.log_loss) > (other.correct, -other.log_loss)
    }
}

fn predicted(margins: &[f64]) -> u32 {
    if let [margin] = margins {
        return u32::from(*margin > 0.0);
    }
    let better = |best: usize, (class, margin): (usize, &f64)| {
        if *margin > margins[best] { class } else { best }
    };
    margins.iter().enumerate().fold(0, better) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 8] = ["a", "b", "c", "d", "a", "x", "y", "z"];
    const LABELS: [u32; 8] = [0, 0, 0, 0, 0, 1, 1, 2];

    #[test]
    fn every_class_is_dealt_out_evenly() {
        let folds = Folds::deal(&keys(&TEXTS, 1), &LABELS, 3, 2);
        assert_eq!(folds.of[0], folds.of[4], "equal texts stay together");
        let first = folds.of[..4].iter().filter(|fold| **fold == 0).count();
        assert_eq!(first, 2);
        assert_ne!(folds.of[5], folds.of[6]);
        assert_eq!(folds.of[7], NEVER, "the only text of its class");
        assert_eq!(folds.held_out().count(), 7);
    }

    #[test]
    fn a_sample_holds_every_class() {
        let kept = sample(&keys(&TEXTS, 7), &LABELS, 3, 0.5);
        assert_eq!(kept.iter().filter(|&&row| LABELS[row] == 0).count(), 3);
        assert_eq!(kept.iter().filter(|&&row| LABELS[row] == 1).count(), 2);
        assert!(kept.contains(&7) && kept.is_sorted());
    }

    #[test]
    fn scores_by_hand() {
        let folds = Folds {
            of: vec![0, 0, NEVER],
            count: 1,
        };
        let score = Score::of(&[0.0, 2.0, 9.0], &[0, 0, 0], 2, &folds);
        assert_eq!((score.correct, score.rows), (1, 2));
        let loss = (2.0_f64.ln() + (1.0 + 2.0_f64.exp()).ln()) / 2.0;
        assert!((score.log_loss - loss).abs() < 1e-15);
        let folds = Folds {
            of: vec![0],
            count: 1,
        };
        let score = Score::of(&[1.0, 1.0, 1.0], &[0], 3, &folds);
        assert!((score.log_loss - 3.0_f64.ln()).abs() < 1e-15);
        assert_eq!(score.accuracy(), 1.0);
    }
}
