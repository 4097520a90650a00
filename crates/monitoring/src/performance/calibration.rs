//! From scores to frequencies: of the rows that a class scores .8 for, which share is of the class?
//!
//! Each class has a curve: the isotonic regression of "is of the class" on its score, by the
//! pool-adjacent-violators algorithm (Ayer et al. 1955; Zadrozny and Elkan 2002), linear between the
//! centres of the steps and constant outside them. Steps of few rows, and the most alike ones until
//! their number is bounded, are joined. A curve knows how many rows stand behind each of its knots,
//! from which [`super::cbpe`] gets the error of estimation.
//!
//! A curve replaces the scores only where it lowers their squared error on the rows of three folds
//! that it was not fitted to (NannyML asks the same of the expected calibration error, which depends
//! on how it is binned and is biased upwards by chance).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Number of folds by which curves are judged.
const FOLDS: u32 = 3;
/// Number of rows of a step, at least, if there are as many.
const STEP_ROWS: f64 = 10.0;
/// Random streams of this module.
const STREAM: u64 = 0xca11;

/// The calibration curve of one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Scores, ascending without equal ones; at least one.
    xs: Vec<f64>,
    /// The share of the class at these scores, never falling, between 0 and 1, ends excluded.
    ys: Vec<f64>,
    /// Number of rows behind each knot.
    weights: Vec<f64>,
    /// Whether the curve replaces the scores; otherwise it only says how well they are known.
    is_used: bool,
}

/// Where a score lies between the knots of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Index of the knot below it.
    pub knot: u32,
    /// How far it is towards the next knot, 0 to 1.
    pub share: f64,
}

/// Scores of a class in ascending order, with what is known of their rows.
struct Sorted {
    score: f64,
    is_class: bool,
    fold: u32,
}

impl Curve {
    /// Fits the curve of a class with at most `knots` knots; `is_class` says which rows are of it.
    ///
    /// # Examples
    /// ```
    /// use monitoring::performance::calibration::Curve;
    ///
    /// // Scores of .9 of which 3 of 5 are right, and of .1 of which 2 of 5 are.
    /// let scores: Vec<f64> = (0..1000).map(|row| if row % 2 == 0 { 0.9 } else { 0.1 }).collect();
    /// let is_class: Vec<bool> = (0..1000).map(|row| (row / 2 % 5 < 3) == (row % 2 == 0)).collect();
    /// let curve = Curve::fit(&scores, &is_class, 64, 42);
    /// assert!((curve.apply(0.9) - 0.6).abs() < 1e-12 && (curve.apply(0.1) - 0.4).abs() < 1e-12);
    /// assert!((curve.apply(0.5) - 0.5).abs() < 1e-12);
    /// ```
    pub fn fit(scores: &[f64], is_class: &[bool], knots: usize, seed: u64) -> Curve {
        let folds = folds(scores.len(), seed);
        let mut rows: Vec<Sorted> = (scores.iter().zip(is_class).zip(folds))
            .map(|((&score, &is_class), fold)| Sorted {
                score,
                is_class,
                fold,
            })
            .collect();
        rows.sort_unstable_by(|a, b| a.score.total_cmp(&b.score));
        let mut curve = Curve::of_sorted(rows.iter(), knots);
        curve.is_used = improves(&rows, knots);
        curve
    }

    /// The curve of rows in ascending order; always used.
    fn of_sorted<'a>(rows: impl Iterator<Item = &'a Sorted>, knots: usize) -> Curve {
        let steps = join_alike(pool(ties(rows)), knots.max(2));
        let rows: f64 = steps.iter().map(|step| step.rows).sum();
        // Laplace's estimate for a class that was never seen: no certainty.
        let least = 1.0 / (rows + 2.0);
        let mut curve = Curve {
            xs: Vec::new(),
            ys: Vec::new(),
            weights: Vec::new(),
            is_used: true,
        };
        for step in steps {
            curve.xs.push(step.scores / step.rows);
            curve
                .ys
                .push((step.hits / step.rows).clamp(least, 1.0 - least));
            curve.weights.push(step.rows);
        }
        if curve.xs.is_empty() {
            curve.xs.push(0.5);
            curve.ys.push(0.5);
            curve.weights.push(1.0);
        }
        curve
    }

    /// The calibrated score: the curve's value where the curve is used, otherwise the score itself.
    pub fn apply(&self, score: f64) -> f64 {
        match self.is_used {
            true => self.value(self.place(score)),
            false => score,
        }
    }

    /// Where a score lies.
    pub fn place(&self, score: f64) -> Place {
        let after = self.xs.partition_point(|&x| x <= score);
        let (knot, share) = match after {
            0 => (0, 0.0),
            _ if after == self.xs.len() => (after - 1, 0.0),
            _ => {
                let (left, right) = (self.xs[after - 1], self.xs[after]);
                (after - 1, (score - left) / (right - left))
            }
        };
        Place {
            knot: knot as u32,
            share,
        }
    }

    /// The value of the curve at a place.
    pub fn value(&self, place: Place) -> f64 {
        let low = self.ys[place.knot as usize];
        match self.ys.get(place.knot as usize + 1) {
            Some(high) => low + place.share * (high - low),
            None => low,
        }
    }

    /// Number of knots.
    pub fn knots(&self) -> usize {
        self.xs.len()
    }

    /// Whether the curve replaces the scores.
    pub fn is_used(&self) -> bool {
        self.is_used
    }

    /// Σ weight² · variance over the knots, where the variance of a knot is that of a share of so many
    /// rows: what an error of the curve adds to the variance of a weighted sum of its values.
    pub fn variance(&self, weights: &[f64]) -> f64 {
        let knots = self.ys.iter().zip(&self.weights).zip(weights);
        knots
            .map(|((y, rows), weight)| weight * weight * y * (1.0 - y) / rows)
            .sum()
    }

    /// As [`Curve::variance`], for the deviations from their mean of weights over all classes, whose
    /// shares are those of a multinomial distribution: the sum over classes is the variance.
    pub fn multinomial_variance(&self, weights: &[f64]) -> f64 {
        let knots = self.ys.iter().zip(&self.weights).zip(weights);
        knots
            .map(|((y, rows), weight)| weight * weight * y / rows)
            .sum()
    }

    /// Whether the arrays are those of a curve, for curves read from a file.
    pub fn is_valid(&self) -> bool {
        let len = self.xs.len();
        let ascending = self.xs.windows(2).all(|pair| pair[0] < pair[1]);
        let rising = self.ys.windows(2).all(|pair| pair[0] <= pair[1]);
        let shares = self.ys.iter().all(|&y| y > 0.0 && y < 1.0);
        let weights = self.weights.iter().all(|&w| w > 0.0 && w.is_finite());
        len > 0
            && self.ys.len() == len
            && self.weights.len() == len
            && (ascending && rising && shares && weights)
            && self.xs.iter().all(|x| x.is_finite())
    }
}

/// The fold of each row.
fn folds(rows: usize, seed: u64) -> impl Iterator<Item = u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(STREAM);
    (0..rows).map(move |_| ((u64::from(random.next_u32()) * u64::from(FOLDS)) >> 32) as u32)
}

/// Whether curves lower the squared error of the scores on rows that they were not fitted to.
fn improves(rows: &[Sorted], knots: usize) -> bool {
    let mut gain = 0.0;
    for fold in 0..FOLDS {
        let others = rows.iter().filter(|row| row.fold != fold);
        let curve = Curve::of_sorted(others, knots);
        for row in rows.iter().filter(|row| row.fold == fold) {
            let actual = f64::from(u8::from(row.is_class));
            let square = |p: f64| (p - actual) * (p - actual);
            gain += square(row.score) - square(curve.apply(row.score));
        }
    }
    gain > 0.0
}

/// Neighbouring rows.
#[derive(Clone, Copy, Default)]
struct Step {
    scores: f64,
    hits: f64,
    rows: f64,
}

impl Step {
    fn join(&mut self, other: &Step) {
        self.scores += other.scores;
        self.hits += other.hits;
        self.rows += other.rows;
    }

    /// By how much squared errors rise if this step and the next become one.
    fn cost(&self, next: &Step) -> f64 {
        let difference = self.hits / self.rows - next.hits / next.rows;
        self.rows * next.rows / (self.rows + next.rows) * difference * difference
    }
}

/// Rows of equal scores, which share a step.
fn ties<'a>(rows: impl Iterator<Item = &'a Sorted>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut last = f64::NAN;
    for row in rows {
        let one = Step {
            scores: row.score,
            hits: f64::from(u8::from(row.is_class)),
            rows: 1.0,
        };
        match steps.last_mut() {
            Some(step) if row.score == last => step.join(&one),
            _ => steps.push(one),
        }
        last = row.score;
    }
    steps
}

/// Joins steps of few rows with the neighbour that is more alike, and then the most alike neighbours
/// until there are at most `knots` steps.
fn join_alike(mut steps: Vec<Step>, knots: usize) -> Vec<Step> {
    loop {
        let costs: Vec<f64> = steps
            .windows(2)
            .map(|pair| pair[0].cost(&pair[1]))
            .collect();
        let few = steps.iter().position(|step| step.rows < STEP_ROWS);
        let first = match few {
            Some(0) => 0,
            Some(step) if step == costs.len() || costs[step - 1] <= costs[step] => step - 1,
            Some(step) => step,
            None if steps.len() > knots => least(&costs),
            None => return steps,
        };
        if steps.len() < 2 {
            return steps;
        }
        let next = steps.remove(first + 1);
        steps[first].join(&next);
    }
}

/// Index of the least value, the first of equal ones.
fn least(values: &[f64]) -> usize {
    let better = |best: usize, at: usize| if values[at] < values[best] { at } else { best };
    (1..values.len()).fold(0, better)
}

/// Joins neighbours until shares rise.
fn pool(bins: Vec<Step>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(bins.len());
    for mut step in bins {
        while let Some(last) = steps.last() {
            if last.hits * step.rows < step.hits * last.rows {
                break;
            }
            step.join(last);
            steps.pop();
        }
        steps.push(step);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(hits: &[(f64, f64)]) -> Vec<Step> {
        let step = |&(hits, rows): &(f64, f64)| Step {
            scores: 0.0,
            hits,
            rows,
        };
        hits.iter().map(step).collect()
    }

    #[test]
    fn violators_are_pooled() {
        // Shares .5, .25, 1: the first two become 3 of 8.
        let pooled = pool(steps(&[(2.0, 4.0), (1.0, 4.0), (4.0, 4.0)]));
        let shares: Vec<f64> = pooled.iter().map(|step| step.hits / step.rows).collect();
        assert_eq!(shares, [0.375, 1.0]);
        // Falling shares become one.
        assert_eq!(pool(steps(&[(3.0, 4.0), (2.0, 4.0), (0.0, 4.0)])).len(), 1);
    }

    #[test]
    fn scores_that_are_honest_are_left_alone() {
        // Of the rows with score s a share of s is of the class, exactly: no curve can do better.
        let mut scores = Vec::new();
        let mut is_class = Vec::new();
        for tenth in 1..10 {
            for row in 0..200 {
                scores.push(f64::from(tenth) / 10.0);
                is_class.push(row % 10 < tenth);
            }
        }
        let curve = Curve::fit(&scores, &is_class, 64, 7);
        assert!(!curve.is_used());
        assert_eq!(curve.apply(0.37), 0.37);
        // Squared scores are too low; the curve brings them back.
        let squared: Vec<f64> = scores.iter().map(|score| score * score).collect();
        let curve = Curve::fit(&squared, &is_class, 64, 7);
        assert!(curve.is_used());
        assert!((curve.apply(0.25) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_class_that_never_occurs_is_not_impossible() {
        let curve = Curve::fit(&[0.1, 0.2, 0.4], &[false; 3], 64, 7);
        assert_eq!(curve.value(curve.place(0.3)), 1.0 / 5.0);
        let none = Curve::fit(&[], &[], 64, 7);
        assert!(none.is_valid() && none.apply(0.3) == 0.3);
    }

    proptest! {
        #[test]
        fn curves_are_valid_and_small(
            rows in prop::collection::vec((0u32..50, any::<bool>()), 1..400),
            knots in 2usize..40,
        ) {
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.0) / 50.0).collect();
            let is_class: Vec<bool> = rows.iter().map(|row| row.1).collect();
            let curve = Curve::fit(&scores, &is_class, knots, 3);
            prop_assert!(curve.is_valid());
            prop_assert!(curve.knots() <= knots);
            prop_assert_eq!(curve.weights.iter().sum::<f64>(), rows.len() as f64);
            let saved = serde_json::to_string(&curve).unwrap();
            prop_assert_eq!(serde_json::from_str::<Curve>(&saved).unwrap(), curve);
        }
    }
}
