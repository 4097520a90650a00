//! EASE, a linear item-item model with a closed-form solution (Steck 2019): with P the inverse of
//! X'X + λ 1, B_ij = -P_ij / P_jj, and 0 on the diagonal; scores are x B.

use rayon::prelude::*;

use super::interactions::{History, Interactions};
use crate::kernels::dense::{invert, invert_bytes};
use crate::kernels::small::add_rows;

/// Hyperparameters.
#[derive(
    Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct EaseOptions {
    /// Strength λ of the regularization.
    pub regularization: f64,
}

impl Default for EaseOptions {
    fn default() -> Self {
        Self {
            regularization: 300.0,
        }
    }
}

/// Why EASE was not fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EaseError {
    /// The items × items matrices exceed the allowed memory.
    #[error(
        "EASE of {items} items takes {} MiB of memory, but {} MiB are allowed; raise \
         recsys.model.memory, choose another model, or raise recsys.data.min_item so that fewer \
         items remain", needed >> 20, allowed >> 20
    )]
    Memory {
        /// Number of items.
        items: usize,
        /// Peak memory of the fit, in bytes.
        needed: usize,
        /// Allowed memory, in bytes.
        allowed: usize,
    },
    /// X'X + λ 1 is not positive definite in double precision.
    #[error("the matrix of EASE has no inverse; raise recsys.model.ease.regularization")]
    Singular,
}

/// B, items × items.
#[derive(Clone, Debug, PartialEq)]
pub struct Ease {
    pub(super) items: usize,
    pub(super) weights: Vec<f32>,
}

/// Peak memory of a fit, in bytes.
pub fn bytes(items: usize) -> usize {
    let squared = items.saturating_mul(items);
    squared
        .saturating_mul(size_of::<f64>() + size_of::<f32>())
        .saturating_add(invert_bytes(items))
}

impl EaseOptions {
    /// Fits the model.
    ///
    /// # Errors
    /// If the fit would take more than `allowed` bytes (checked before anything is allocated), or
    /// the matrix has no inverse.
    pub fn fit(&self, taken: &Interactions, allowed: usize) -> Result<Ease, EaseError> {
        let items = taken.width();
        let needed = bytes(items);
        if needed > allowed {
            return Err(EaseError::Memory {
                items,
                needed,
                allowed,
            });
        }
        let mut p = products(taken);
        (0..items).for_each(|i| p[i * items + i] += self.regularization);
        invert(&mut p, items).map_err(|_| EaseError::Singular)?;
        let diagonal: Vec<f64> = (0..items).map(|i| p[i * items + i]).collect();
        let mut weights = vec![0.0; items * items];
        weights
            .par_chunks_mut(items.max(1))
            .zip(p.par_chunks(items.max(1)))
            .enumerate()
            .for_each(|(row, (out, p))| {
                for ((out, p), pivot) in out.iter_mut().zip(p).zip(&diagonal) {
                    *out = (-p / pivot) as f32;
                }
                out[row] = 0.0;
            });
        Ok(Ease { items, weights })
    }
}

/// X'X, at least the lower triangle.
fn products(taken: &Interactions) -> Vec<f64> {
    let width = taken.width();
    let users = taken.transposed();
    let mut out = vec![0.0; width * width];
    out.par_chunks_mut(width.max(1))
        .enumerate()
        .for_each(|(item, out)| {
            let row = users.row(item);
            for (&user, &weight) in row.items.iter().zip(row.weights) {
                let other = taken.row(user as usize);
                for (&item, &other) in other.items.iter().zip(other.weights) {
                    out[item as usize] += f64::from(weight) * f64::from(other);
                }
            }
        });
    out
}

impl Ease {
    pub(super) fn row(&self, item: u32) -> &[f32] {
        &self.weights[item as usize * self.items..][..self.items]
    }

    /// Adds the scores of all items to `out`.
    pub fn add_scores(&self, history: History<'_>, out: &mut [f32]) {
        let rows = history.items.iter().zip(history.weights);
        add_rows(out, rows.map(|(&item, &weight)| (weight, self.row(item))));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::clusters;
    use super::*;

    /// B minimizes |X - X B|² + λ |B|² with a zero diagonal: each column is a ridge regression on
    /// the other columns, whose gradient is X'(X b - x) + λ b.
    #[test]
    fn columns_are_ridge_regressions_on_the_others() {
        let taken = clusters(80, 30);
        let ease = EaseOptions {
            regularization: 5.0,
        }
        .fit(&taken, usize::MAX)
        .unwrap();
        let x = products(&taken);
        for j in 0..30 {
            assert_eq!(ease.row(j as u32)[j], 0.0);
            for i in (0..30).filter(|&i| i != j) {
                let fitted: f64 = (0..30)
                    .map(|k| x[i * 30 + k] * f64::from(ease.row(k as u32)[j]))
                    .sum();
                let gradient = fitted - x[i * 30 + j] + 5.0 * f64::from(ease.row(i as u32)[j]);
                assert!(gradient.abs() < 1e-4, "{i} {j} {gradient}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_size() {
        let error = EaseOptions {
            regularization: 5.0,
        }
        .fit(&Interactions::new(100_000), 3 << 30)
        .unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("100000 items takes 114") && message.contains("3072 MiB"),
            "{message}"
        );
    }
}
