//! Alternating least squares for implicit feedback (Hu, Koren, Volinsky 2008), with the
//! regularization scaled by frequency as in Rendle, Krichene, Zhang and Koren (2021).
//!
//! It minimizes, for factors p of users and y of items,
//! Σ_taken w (p·y - 1)² + a Σ_all (p·y)² + Σ_u λ (n_u + a N)^ν |p|² + the same over items,
//! where a is the weight of unobserved pairs, n_u a row's length and N the number of columns.
//!
//! One side is solved exactly, row by row, for fixed factors of the other. Those are rotated into
//! the eigenbasis of their Gram matrix, where the term shared by all rows is a diagonal D. A row of
//! n observed columns, fewer than the f factors, is then a system of n unknowns by Woodbury's
//! identity,
//! p = D^-1 Y' W^½ (1 + W^½ Y D^-1 Y' W^½)^-1 W^½ 1; a longer one is a Cholesky factorization of
//! size f.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use super::interactions::{History, Interactions};
use crate::kernels::dense::{gram, mirror, multiply};
use crate::kernels::eigen;
use crate::kernels::math;
use crate::kernels::panel::{Panels, Product, View};
use crate::kernels::small::{LANES, System, add_rows, products};

/// Number of rows solved by a thread at a time.
const ROWS: usize = 32;

/// Hyperparameters of the factorization.
#[derive(
    Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct AlsOptions {
    /// Number of factors f.
    pub factors: usize,
    /// Number of rounds; each solves both sides once.
    pub iterations: usize,
    /// Weight a of unobserved pairs.
    pub unobserved: f64,
    /// Strength λ of the regularization.
    pub regularization: f64,
    /// Exponent ν of the frequency: 0 regularizes all rows equally, 1 in proportion to their frequency.
    pub exponent: f64,
}

impl Default for AlsOptions {
    fn default() -> Self {
        Self {
            factors: 64,
            iterations: 8,
            unobserved: 0.1,
            regularization: 0.01,
            exponent: 1.0,
        }
    }
}

/// One side's factors, ready to solve rows of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    pub(super) factors: usize,
    /// Rows × factors, in the eigenbasis of their Gram matrix.
    pub(super) rows: Vec<f32>,
    /// a × the eigenvalues of the Gram matrix.
    pub(super) shared: Vec<f32>,
    pub(super) regularization: f64,
    pub(super) exponent: f64,
    /// a × number of rows.
    pub(super) offset: f64,
}

/// Buffers for solving one row.
#[derive(Default)]
pub struct Scratch {
    /// 1 / sqrt(D).
    scale: Vec<f32>,
    /// The observed rows, scaled.
    taken: Vec<f32>,
    system: System,
    panels: Option<Panels<f32>>,
    packed: Vec<f32>,
}

impl AlsOptions {
    /// Alternately fits the factors of users and items, items last, and returns those of the items.
    pub fn fit(&self, taken: &Interactions, seed: u64) -> Side {
        let items = taken.transposed();
        let mut side = self.side(self.start(taken.width(), seed));
        for _ in 0..self.iterations {
            let users = side.solve_all(taken);
            side = self.side(self.side(users).solve_all(&items));
        }
        side
    }

    /// Small random factors; their values are forgotten after some iterations.
    fn start(&self, rows: usize, seed: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let scale = 0.2 / (self.factors as f32).sqrt();
        let mut draw = || (random.next_u32() >> 8) as f32 / (1 << 24) as f32 - 0.5;
        (0..rows * self.factors).map(|_| draw() * scale).collect()
    }

    /// Rotates factors into their eigenbasis.
    fn side(&self, rows: Vec<f32>) -> Side {
        let f = self.factors;
        let products: Vec<f64> = gram(&rows, f).into_iter().map(f64::from).collect();
        let (values, vectors) = eigen::symmetric(&products, f);
        let basis: Vec<f32> = vectors.iter().map(|&x| x as f32).collect();
        let turned = multiply(&rows, &Panels::new(View::rows(&basis, f, f).transposed()));
        Side {
            factors: f,
            offset: self.unobserved * (rows.len() / f.max(1)) as f64,
            rows: turned,
            shared: values
                .iter()
                .map(|value| (value.max(0.0) * self.unobserved) as f32)
                .collect(),
            regularization: self.regularization,
            exponent: self.exponent,
        }
    }
}

impl Side {
    pub(super) fn row(&self, row: u32) -> &[f32] {
        &self.rows[row as usize * self.factors..][..self.factors]
    }

    /// Solves the factors of every row of `taken`.
    fn solve_all(&self, taken: &Interactions) -> Vec<f32> {
        let mut out = vec![0.0; taken.users() * self.factors];
        out.par_chunks_mut(ROWS * self.factors)
            .enumerate()
            .for_each_init(Scratch::default, |scratch, (chunk, out)| {
                for (row, out) in out.chunks_exact_mut(self.factors).enumerate() {
                    self.solve(taken.row(chunk * ROWS + row), scratch, out);
                }
            });
        out
    }

    /// The factors of a row with these interactions; zeros without any.
    pub fn solve(&self, history: History<'_>, scratch: &mut Scratch, out: &mut [f32]) {
        out.fill(0.0);
        if history.items.is_empty() {
            return;
        }
        self.start(history, scratch);
        let solved = if history.items.len() < self.factors {
            self.solve_short(history, scratch, out)
        } else {
            self.solve_long(history, scratch, out)
        };
        if !solved {
            out.fill(0.0); // singular in single precision: no regularization and repeated factors
        }
    }

    /// λ (n + a N)^ν.
    fn ridge(&self, length: usize) -> f64 {
        self.regularization * math::pow(length as f64 + self.offset, self.exponent)
    }

    /// Gathers the observed rows: W^½ Y D^-½ for a short row, W^½ Y for a long one.
    fn start(&self, history: History<'_>, scratch: &mut Scratch) {
        let ridge = self.ridge(history.items.len()) as f32;
        let short = history.items.len() < self.factors;
        scratch.scale.clear();
        let floor = f32::MIN_POSITIVE.sqrt();
        scratch.scale.extend(
            self.shared
                .iter()
                .map(|&value| 1.0 / (value + ridge).max(floor).sqrt()),
        );
        scratch.taken.clear();
        for (&item, &weight) in history.items.iter().zip(history.weights) {
            let root = weight.sqrt();
            let row = self.row(item);
            if short {
                let scaled = row.iter().zip(&scratch.scale).map(|(y, s)| y * s * root);
                scratch.taken.extend(scaled);
                // Padding for sums in lanes.
                scratch
                    .taken
                    .resize(scratch.taken.len().next_multiple_of(LANES), 0.0);
            } else {
                scratch.taken.extend(row.iter().map(|y| y * root));
            }
        }
    }

    fn solve_short(&self, history: History<'_>, scratch: &mut Scratch, out: &mut [f32]) -> bool {
        let n = history.items.len();
        let stride = self.factors.next_multiple_of(LANES);
        scratch.system.clear(n);
        products(&scratch.taken, n, stride, &mut scratch.system.matrix);
        for (i, &weight) in history.weights.iter().enumerate() {
            scratch.system.matrix[i * n + i] += 1.0;
            scratch.system.right[i] = weight.sqrt();
        }
        let solved = scratch.system.solve();
        let rows = scratch
            .taken
            .chunks_exact(stride)
            .map(|row| &row[..self.factors]);
        add_rows(out, scratch.system.right.iter().copied().zip(rows));
        out.iter_mut()
            .zip(&scratch.scale)
            .for_each(|(x, s)| *x *= s);
        solved
    }

    fn solve_long(&self, history: History<'_>, scratch: &mut Scratch, out: &mut [f32]) -> bool {
        let (n, f) = (history.items.len(), self.factors);
        self.normal_matrix(n, scratch);
        let roots = history.weights.iter().map(|weight| weight.sqrt());
        let rows = scratch.taken.chunks_exact(f);
        add_rows(&mut scratch.system.right, roots.zip(rows));
        let solved = scratch.system.solve();
        out.copy_from_slice(&scratch.system.right);
        solved
    }

    /// Y'WY + D from `n` observed rows, which are W^½ Y.
    fn normal_matrix(&self, n: usize, scratch: &mut Scratch) {
        let f = self.factors;
        scratch.system.clear(f);
        let taken = View::rows(&scratch.taken, n, f);
        let right = panels(&mut scratch.panels, taken);
        let mut product = Product::new(taken.transposed(), right);
        product.lower = Some(0);
        product.add_to(&mut scratch.system.matrix, f, &mut scratch.packed);
        mirror(&mut scratch.system.matrix, f);
        for (i, scale) in scratch.scale.iter().enumerate() {
            scratch.system.matrix[i * f + i] += 1.0 / (scale * scale);
        }
    }

    /// The contribution of each observed item to the score of `item` (Hu, Koren, Volinsky 2008,
    /// section 5): w y_item' (Y'WY + D)^-1 y.
    pub fn contributions(&self, history: History<'_>, item: u32) -> Vec<f32> {
        let (n, f) = (history.items.len(), self.factors);
        let ridge = self.ridge(n) as f32;
        let mut scratch = Scratch::default();
        scratch
            .scale
            .extend(self.shared.iter().map(|value| 1.0 / (value + ridge).sqrt()));
        for (&item, &weight) in history.items.iter().zip(history.weights) {
            scratch
                .taken
                .extend(self.row(item).iter().map(|y| y * weight.sqrt()));
        }
        self.normal_matrix(n, &mut scratch);
        scratch.system.right.copy_from_slice(self.row(item));
        if f == 0 || !scratch.system.solve() {
            return vec![0.0; n];
        }
        let dot = |row: &[f32]| -> f32 {
            let terms = row.iter().zip(&scratch.system.right);
            terms.map(|(a, b)| a * b).sum()
        };
        history
            .items
            .iter()
            .zip(history.weights)
            .map(|(&taken, &weight)| weight * dot(self.row(taken)))
            .collect()
    }
}

/// Packs into reused memory.
fn panels<'a>(kept: &'a mut Option<Panels<f32>>, matrix: View<'_, f32>) -> &'a Panels<f32> {
    match kept {
        Some(panels) => panels.fill(matrix),
        None => *kept = Some(Panels::new(matrix)),
    }
    kept.as_ref().expect("filled above")
}

#[cfg(test)]
mod tests {
    use super::super::tests::clusters;
    use super::*;

    fn options() -> AlsOptions {
        AlsOptions {
            factors: 8,
            iterations: 3,
            ..AlsOptions::default()
        }
    }

    /// The gradient of the row's loss at its factors, by the definition.
    #[test]
    fn short_and_long_rows_are_minima() {
        let taken = clusters(60, 40);
        let side = options().fit(&taken, 1);
        for (length, tolerance) in [(3, 1e-4), (20, 1e-3)] {
            let items: Vec<u32> = (0..length).collect();
            let weights: Vec<f32> = items.iter().map(|&i| 0.5 + (i % 3) as f32).collect();
            let history = History {
                items: &items,
                weights: &weights,
            };
            let mut p = vec![0.0; 8];
            side.solve(history, &mut Scratch::default(), &mut p);
            let dot =
                |row: &[f32]| -> f64 { row.iter().zip(&p).map(|(a, b)| f64::from(a * b)).sum() };
            let ridge = 0.01 * (f64::from(length) + 0.1 * 40.0);
            for (k, &value) in p.iter().enumerate() {
                let mut gradient = ridge * f64::from(value);
                for item in 0..40 {
                    gradient += 0.1 * dot(side.row(item)) * f64::from(side.row(item)[k]);
                }
                for (&item, &weight) in items.iter().zip(&weights) {
                    let error = dot(side.row(item)) - 1.0;
                    gradient += f64::from(weight) * error * f64::from(side.row(item)[k]);
                }
                assert!(gradient.abs() < tolerance, "{length}, {k}: {gradient}");
            }
        }
    }

    #[test]
    fn contributions_sum_to_the_score() {
        let taken = clusters(60, 40);
        let side = options().fit(&taken, 1);
        let history = taken.row(3);
        let mut p = vec![0.0; 8];
        side.solve(history, &mut Scratch::default(), &mut p);
        let score: f32 = side.row(7).iter().zip(&p).map(|(a, b)| a * b).sum();
        let parts: f32 = side.contributions(history, 7).iter().sum();
        assert!((score - parts).abs() < 1e-4, "{score} {parts}");
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| options().fit(&clusters(300, 100), 1))
        };
        assert!(run(1) == run(2) && run(1) == run(8));
        assert!(run(1).rows.iter().all(|x| x.is_finite()));
    }
}
