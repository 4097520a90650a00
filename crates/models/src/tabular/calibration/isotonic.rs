//! Isotonic calibration: the never falling function of the margin with the least squared error, by
//! the pool-adjacent-violators algorithm (Ayer et al. 1955; Zadrozny and Elkan 2002).
//!
//! That function is a staircase, and rows on one step would tie. So the probability is linear
//! between the centres of the steps (the weighted mean of their margins), where it rises strictly:
//! the order of the rows is kept, except below the first centre and above the last, where it is
//! constant. scikit-learn keeps the steps flat and interpolates in the gaps between them only.
//!
//! A step of rows of one class would promise certainty. Probabilities are cut to [1/(n + 2),
//! 1 - 1/(n + 2)] with n rows, Laplace's estimate for a class that was never seen in n draws.

use super::{Calibration, Row};

/// A step of the staircase.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    /// Weighted mean of the margins.
    centre: f64,
    /// Weighted mean of the labels.
    value: f64,
    weight: f64,
}

impl Step {
    fn join(self, other: Step) -> Step {
        let weight = self.weight + other.weight;
        let share = other.weight / weight;
        let mean = |a: f64, b: f64| (1.0 - share) * a + share * b;
        Step {
            centre: mean(self.centre, other.centre),
            value: mean(self.value, other.value),
            weight,
        }
    }
}

/// The calibration; `None` if there are not both classes, or no two steps.
pub(super) fn fit(rows: &[Row]) -> Option<Calibration> {
    let points = rows
        .iter()
        .map(|row| [row.margins[0], row.label as f64, row.weight]);
    let steps = pool(points.collect());
    if steps.len() < 2 {
        return None;
    }
    let least = 1.0 / (rows.len() as f64 + 2.0);
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for step in steps {
        // Rounding could make two centres equal; interpolation needs them to rise.
        if xs.last().is_none_or(|&last| step.centre > last) {
            xs.push(step.centre);
            ys.push(step.value.clamp(least, 1.0 - least));
        }
    }
    Some(Calibration::Isotonic { xs, ys })
}

/// The staircase of points (margin, value, weight), with strictly rising values.
fn pool(mut points: Vec<[f64; 3]>) -> Vec<Step> {
    // By all parts: sums must not depend on the order of the rows.
    points.sort_unstable_by(|a, b| {
        let by = |part: usize| a[part].total_cmp(&b[part]);
        by(0).then(by(1)).then(by(2))
    });
    let mut steps: Vec<Step> = Vec::new();
    for tied in points.chunk_by(|a, b| a[0] == b[0]) {
        let mut step = tie(tied);
        while let Some(last) = steps.last().filter(|last| last.value >= step.value) {
            step = last.join(step);
            steps.pop();
        }
        steps.push(step);
    }
    steps
}

/// Points of equal margins as one.
fn tie(points: &[[f64; 3]]) -> Step {
    let weight: f64 = points.iter().map(|point| point[2]).sum();
    let value: f64 = points.iter().map(|point| point[1] * point[2]).sum();
    Step {
        centre: points[0][0],
        value: value / weight,
        weight,
    }
}

/// The value at a margin: linear between the points, constant outside; NaN for NaN or no points.
pub(super) fn interpolate(xs: &[f64], ys: &[f64], margin: f64) -> f64 {
    if margin.is_nan() {
        return margin;
    }
    let after = xs.partition_point(|&x| x <= margin);
    let at = |index: usize| ys.get(index).copied().unwrap_or(f64::NAN);
    if after == 0 {
        return at(0);
    }
    if after == xs.len() {
        return at(after - 1);
    }
    // Halved, because the distance between two finite numbers may overflow.
    let (left, right) = (0.5 * xs[after - 1], 0.5 * xs[after]);
    let share = (0.5 * margin - left) / (right - left);
    let (low, high) = (at(after - 1), at(after));
    (low + share * (high - low)).clamp(low, high.max(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The staircase at the margin of each point, ascending.
    fn staircase(points: &[[f64; 3]]) -> Vec<f64> {
        let steps = pool(points.to_vec());
        let mut sorted: Vec<f64> = points.iter().map(|point| point[0]).collect();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        let mut remaining = steps.iter();
        let mut step = remaining.next().unwrap();
        let mut left = step.weight;
        let mut found = Vec::new();
        for x in sorted {
            let weights = points.iter().filter(|point| point[0] == x);
            let weight: f64 = weights.map(|point| point[2]).sum();
            if left < 0.5 * weight {
                step = remaining.next().unwrap();
                left = step.weight;
            }
            left -= weight;
            found.push(step.value);
        }
        found
    }

    /// scikit-learn 1.9.1: IsotonicRegression().fit(x, y, sample_weight).predict(sorted x).
    #[test]
    fn the_staircase_is_that_of_scikit_learn() {
        let points: Vec<[f64; 3]> = (0..12_u32)
            .map(|i| {
                let x = f64::from(i * 7 % 12) / 2.0 - 2.5;
                [x, f64::from(i * 5 % 7) / 6.0, f64::from(1 + i % 3)]
            })
            .collect();
        let mut expected = vec![0.0, 0.0, 0.5, 0.5];
        expected.extend([0.705_882_352_941_176_5; 8]);
        for (found, expected) in staircase(&points).iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
        let tied = [
            [1.0, 0.0, 1.0],
            [1.0, 1.0, 3.0],
            [2.0, 0.0, 1.0],
            [2.0, 0.0, 1.0],
            [3.0, 1.0, 2.0],
            [3.0, 1.0, 1.0],
        ];
        assert_eq!(staircase(&tied), [0.5, 0.5, 1.0]);
    }

    #[test]
    fn centres_are_joined_by_lines() {
        let (xs, ys) = ([0.0, 2.0, 3.0], [0.1, 0.5, 0.9]);
        let at = |margin| interpolate(&xs, &ys, margin);
        assert_eq!((at(-1.0), at(0.0), at(4.0)), (0.1, 0.1, 0.9));
        assert!((at(1.0) - 0.3).abs() < 1e-15 && (at(2.5) - 0.7).abs() < 1e-15);
        assert_eq!((at(f64::NEG_INFINITY), at(f64::INFINITY)), (0.1, 0.9));
        assert!(at(f64::NAN).is_nan() && interpolate(&[], &[], 1.0).is_nan());
        let wide = interpolate(&[-1.7e308, 1.7e308], &[0.0, 1.0], 0.0);
        assert_eq!(wide, 0.5);
    }
}
