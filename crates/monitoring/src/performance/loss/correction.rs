//! What rows that the error model was not fitted to say of it: by how much it is wrong, and how far
//! losses are spread around it, by the size of the loss it expects.

/// Rows of a bin, at least; fewer give an unsteady mean of losses, which have long tails.
const BIN_ROWS: usize = 200;
/// Number of bins, at most.
const BINS: usize = 24;

/// Corrections by expected loss, linear between knots and constant outside them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Correction {
    /// Expected losses, ascending without equal ones; at least one.
    pub xs: Vec<f64>,
    /// Realised less expected loss there.
    pub ys: Vec<f64>,
    /// Variance of realised losses there.
    pub variances: Vec<f64>,
    /// Number of rows behind each knot.
    pub weights: Vec<f64>,
}

/// A mean of losses and its variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mean {
    pub value: f64,
    pub variance: f64,
}

impl Correction {
    /// Of realised losses of rows, beside the expected ones.
    pub fn fit(expected: &[f64], realised: &[f64]) -> Correction {
        let mut rows: Vec<(f64, f64)> = expected
            .iter()
            .copied()
            .zip(realised.iter().copied())
            .collect();
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let bins = (rows.len() / BIN_ROWS).clamp(1, BINS);
        let mut correction = Correction {
            xs: Vec::new(),
            ys: Vec::new(),
            variances: Vec::new(),
            weights: Vec::new(),
        };
        for bin in 0..bins {
            let ends = [bin, bin + 1].map(|end| rows.len() * end / bins);
            correction.add(&rows[ends[0]..ends[1]]);
        }
        correction
    }

    fn add(&mut self, rows: &[(f64, f64)]) {
        let count = rows.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| rows.iter().map(of).sum::<f64>() / count;
        let x = mean(&|row| row.0);
        let y = mean(&|row| row.1 - row.0);
        let variance = mean(&|row| (row.1 - row.0 - y) * (row.1 - row.0 - y));
        match self.xs.last() {
            // Bins of one expected loss are one knot.
            Some(&last) if x <= last => {
                let (at, before) = (self.xs.len() - 1, self.weights[self.xs.len() - 1]);
                let share = count / (before + count);
                self.ys[at] += share * (y - self.ys[at]);
                self.variances[at] += share * (variance - self.variances[at]);
                self.weights[at] += count;
            }
            _ => {
                self.xs.push(x);
                self.ys.push(y);
                self.variances.push(variance);
                self.weights.push(count);
            }
        }
    }

    /// The mean loss of rows by their expected losses.
    pub fn mean(&self, expected: &[f64]) -> Mean {
        let rows = expected.len() as f64;
        let (mut sum, mut sampling) = (0.0, 0.0);
        let mut knots = vec![0.0; self.xs.len()];
        for &x in expected {
            let (knot, share) = self.place(x);
            let next = (knot + 1).min(self.xs.len() - 1);
            let between = |values: &[f64]| values[knot] + share * (values[next] - values[knot]);
            sum += (x + between(&self.ys)).max(0.0);
            // Beyond the largest expected loss of the reference, the spread grows with the loss.
            let beyond = (x / self.xs[next]).max(1.0);
            let beyond = if beyond.is_finite() { beyond } else { 1.0 };
            sampling += between(&self.variances) * beyond * beyond;
            knots[knot] += 1.0 - share;
            knots[next] += share;
        }
        let errors = knots.iter().zip(&self.variances).zip(&self.weights);
        let estimation = errors.map(|((weight, variance), rows)| weight * weight * variance / rows);
        Mean {
            value: sum / rows,
            variance: (sampling + estimation.sum::<f64>()) / (rows * rows),
        }
    }

    fn place(&self, x: f64) -> (usize, f64) {
        let after = self.xs.partition_point(|&knot| knot <= x);
        match after {
            0 => (0, 0.0),
            _ if after == self.xs.len() => (after - 1, 0.0),
            _ => {
                let (left, right) = (self.xs[after - 1], self.xs[after]);
                (after - 1, (x - left) / (right - left))
            }
        }
    }
}
