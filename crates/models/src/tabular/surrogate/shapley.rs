//! Kernel SHAP (Lundberg and Lee, "A unified approach to interpreting model predictions", 2017):
//! Shapley values as the weighted least squares of a linear game that adds up to the answer, with the
//! pairs and the standard errors of Covert and Lee ("Improving KernelSHAP", 2021).
//!
//! With `v(S)` the mean answer over the background rows if the columns of `S` are known, the
//! contributions `φ` minimize `Σ w(S) (v(S) - v(∅) - Σ_{i∈S} φ_i)²` under `Σ φ_i = v(all) - v(∅)`.
//! With `A = Σ w z zᵀ` and `b = Σ w z (v - v(∅))` over the indicator vectors `z` of coalitions,
//! `φ = A⁻¹ (b - 1 (1ᵀA⁻¹b - v(all) + v(∅)) / 1ᵀA⁻¹1)`.

use super::coalitions::{Coalitions, Plan};
use super::{BATCH, Composite, SurrogateError, answers, dot};
use crate::kernels::dense::invert;

/// Largest number of columns whose coalitions are all asked for, if the budget is that large.
const MOST_EXACT: usize = 24;

/// Kernel SHAP, with its settings.
///
/// # Examples
/// ```
/// use easylife_models::tabular::surrogate::{Composite, KernelShap};
///
/// // f(a, b) = a b, explained at (3, 2) against the rows (0, 0) and (2, 0).
/// let (row, background) = ([3.0, 2.0], [[0.0, 0.0], [2.0, 0.0]]);
/// let value = |composite: &Composite, column: usize| match composite.known[column] {
///     true => row[column],
///     false => background[composite.background][column],
/// };
/// let answer = |rows: &[Composite]| -> Result<Vec<f64>, String> {
///     Ok(rows.iter().map(|row| value(row, 0) * value(row, 1)).collect())
/// };
/// let found = KernelShap::of(2, 42).explain(2, background.len(), answer).unwrap();
/// // Nothing known 0, a alone 0, b alone 2 (the mean of 0 and 4), both 6.
/// assert_eq!((found.base, found.answer), (0.0, 6.0));
/// assert_eq!(found.values, [2.0, 4.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelShap {
    /// How many coalitions may be asked for, besides those of no and of all columns. If there are no
    /// more (up to 24 columns), contributions are exact; otherwise at least 4 per column are needed.
    /// Each takes as many answers as there are background rows.
    pub coalitions: usize,
    /// Decides which coalitions are drawn.
    pub seed: u64,
}

/// What each column contributed to an answer: its Shapley value.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// The mean answer over the background rows.
    pub base: f64,
    /// The answer to the explained row: base and contributions add up to it.
    pub answer: f64,
    /// One per column, in the units of the answer.
    pub values: Vec<f64>,
    /// The standard error of each by the draw of coalitions; 0 if all were asked for. What other
    /// background rows would change is not in it: they make another game.
    pub standard_errors: Vec<f64>,
    /// Whether all coalitions were asked for.
    pub is_exact: bool,
}

impl KernelShap {
    /// The settings of the package shap for a number of columns: 2048 coalitions and two per column.
    pub fn of(columns: usize, seed: u64) -> KernelShap {
        KernelShap {
            coalitions: 2 * columns + 2048,
            seed,
        }
    }

    /// Explains the answer to a row of so many columns against so many background rows.
    ///
    /// `answer` puts the rows together and answers them; each answer must depend on its row alone. It
    /// is called from one thread with up to 8192 rows, or all background rows if these are more.
    ///
    /// # Errors
    /// If there are no background rows, coalitions are too few for the columns, `answer` fails, or not
    /// every answer is finite.
    pub fn explain<E>(
        &self,
        columns: usize,
        background: usize,
        mut answer: impl FnMut(&[Composite]) -> Result<Vec<f64>, E>,
    ) -> Result<Contributions, SurrogateError<E>> {
        if background == 0 {
            return Err(SurrogateError::NoBackground);
        }
        let is_exact = columns <= MOST_EXACT && 1 << columns <= self.coalitions.saturating_add(2);
        if !is_exact && self.coalitions < Plan::needed(columns) {
            return Err(SurrogateError::Budget {
                what: "coalitions",
                given: self.coalitions,
                needed: Plan::needed(columns),
                columns,
            });
        }
        let mut game = Game {
            columns,
            background,
            answer: &mut answer,
        };
        if is_exact {
            return game.enumerated();
        }
        // Fewer than there are, however large the budget.
        let most = (1 << MOST_EXACT).max(Plan::needed(columns));
        game.drawn(&Plan::new(columns, self.coalitions.min(most)), self.seed)
    }
}

/// What is known of a coalition's answer.
struct Game<'a, A> {
    columns: usize,
    background: usize,
    answer: &'a mut A,
}

impl<A> Game<'_, A> {
    /// Contributions by the definition, from all coalitions.
    fn enumerated<E>(&mut self) -> Result<Contributions, SurrogateError<E>>
    where
        A: FnMut(&[Composite]) -> Result<Vec<f64>, E>,
    {
        let columns = self.columns;
        let all = 1_usize << columns;
        let [base, answer] = self.ends()?;
        // Coalition `s` has the columns whose bits are set.
        let inner = 1..all.max(2) - 1;
        let known: Vec<bool> = (inner.start * columns..inner.end * columns)
            .map(|place| (place / columns) >> (place % columns) & 1 == 1)
            .collect();
        let mut values = vec![base];
        values.extend(self.values(&known)?);
        values.push(answer);
        let weights = weights_of_sizes(columns);
        let of_column = |column: usize| -> f64 {
            let without = (0..all).filter(|coalition| coalition >> column & 1 == 0);
            let gains = without.map(|coalition| {
                let gain = values[coalition | 1 << column] - values[coalition];
                weights[coalition.count_ones() as usize] * gain
            });
            gains.sum()
        };
        Ok(Contributions {
            base,
            answer,
            values: (0..columns).map(of_column).collect(),
            standard_errors: vec![0.0; columns],
            is_exact: true,
        })
    }

    /// Contributions by weighted least squares, from coalitions that are partly drawn.
    fn drawn<E>(&mut self, plan: &Plan, seed: u64) -> Result<Contributions, SurrogateError<E>>
    where
        A: FnMut(&[Composite]) -> Result<Vec<f64>, E>,
    {
        let [base, answer] = self.ends()?;
        let coalitions = plan.coalitions(seed);
        let gains: Vec<f64> = { self.values(&coalitions.known)?.into_iter() }
            .map(|value| value - base)
            .collect();
        let fit = Fit::new(&coalitions, &gains, answer - base, self.columns)
            .ok_or(SurrogateError::Undetermined)?;
        Ok(Contributions {
            base,
            answer,
            standard_errors: fit.standard_errors(&coalitions, &gains, plan.drawn_share()),
            values: fit.values,
            is_exact: false,
        })
    }

    /// The mean answer if no column is known, and the answer if all are.
    fn ends<E>(&mut self) -> Result<[f64; 2], SurrogateError<E>>
    where
        A: FnMut(&[Composite]) -> Result<Vec<f64>, E>,
    {
        let known = vec![true; self.columns];
        let explained = Composite {
            background: 0,
            known: &known,
        };
        let answer = answers(&[explained], self.answer)?[0];
        let base = self.mean_of(&vec![false; self.columns])?;
        Ok([base, answer])
    }

    /// The value of each coalition, of which `known` has a row of columns each.
    fn values<E>(&mut self, known: &[bool]) -> Result<Vec<f64>, SurrogateError<E>>
    where
        A: FnMut(&[Composite]) -> Result<Vec<f64>, E>,
    {
        let at_once = (BATCH / self.background).max(1) * self.columns;
        let mut values = Vec::with_capacity(known.len() / self.columns.max(1));
        for batch in known.chunks(at_once.max(1)) {
            let coalitions = batch.chunks(self.columns);
            let rows: Vec<Composite> = coalitions.flat_map(|known| self.rows(known)).collect();
            let told = answers(&rows, self.answer)?;
            values.extend(told.chunks(self.background).map(mean));
        }
        Ok(values)
    }

    fn mean_of<E>(&mut self, known: &[bool]) -> Result<f64, SurrogateError<E>>
    where
        A: FnMut(&[Composite]) -> Result<Vec<f64>, E>,
    {
        let rows: Vec<Composite> = self.rows(known).collect();
        Ok(mean(&answers(&rows, self.answer)?))
    }

    /// A coalition with each background row.
    fn rows<'k>(&self, known: &'k [bool]) -> impl Iterator<Item = Composite<'k>> + use<'k, A> {
        (0..self.background).map(move |background| Composite { background, known })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// For each size of a coalition what the gain by one more column weighs: `s! (M - 1 - s)! / M!`.
fn weights_of_sizes(columns: usize) -> Vec<f64> {
    let mut weight = 1.0 / columns.max(1) as f64;
    let mut weights = Vec::with_capacity(columns);
    for size in 1..=columns {
        weights.push(weight);
        weight *= size as f64 / (columns - size).max(1) as f64;
    }
    weights
}

/// The least squares of the contributions.
struct Fit {
    values: Vec<f64>,
    /// What a change of `b` changes: `A⁻¹ - A⁻¹1 1ᵀA⁻¹ / 1ᵀA⁻¹1`.
    gain: Vec<f64>,
}

impl Fit {
    /// Fits the gains of coalitions over the empty one; `None` if `A` cannot be inverted.
    fn new(coalitions: &Coalitions, gains: &[f64], total: f64, columns: usize) -> Option<Fit> {
        let mut a = vec![0.0; columns * columns];
        let mut b = vec![0.0; columns];
        let rows = coalitions.known.chunks(columns);
        for ((known, weight), gain) in rows.zip(&coalitions.weights).zip(gains) {
            for row in listed(known) {
                b[row] += weight * gain;
                for column in listed(known) {
                    a[row * columns + column] += weight;
                }
            }
        }
        invert(&mut a, columns).ok()?;
        let sums: Vec<f64> = a.chunks(columns).map(|row| row.iter().sum()).collect();
        let sum: f64 = sums.iter().sum();
        let free: Vec<f64> = a.chunks(columns).map(|row| dot(row, &b)).collect();
        let excess = (free.iter().sum::<f64>() - total) / sum;
        let values = free.iter().zip(&sums).map(|(free, s)| free - s * excess);
        let values = values.collect();
        for (row, out) in a.chunks_mut(columns).enumerate() {
            for (out, other) in out.iter_mut().zip(&sums) {
                *out -= sums[row] * other / sum;
            }
        }
        Some(Fit { values, gain: a })
    }

    /// The standard errors by the draw of pairs, from the spread of what each pair changes in the
    /// contributions: the sandwich of an M-estimator, to which enumerated coalitions add nothing.
    /// `share` is the weight of drawn coalitions.
    ///
    /// With `C` the matrix `gain`, a coalition `z` and its complement change contributions by
    /// `C z w (e - e')`, since `C 1 = 0`. Their residuals `e` are smaller than their errors, because
    /// the fit was drawn towards them: divided by `1 - 2 w zᵀC z` they are what they would be without
    /// the pair (HC3, MacKinnon and White 1985).
    fn standard_errors(&self, coalitions: &Coalitions, gains: &[f64], share: f64) -> Vec<f64> {
        let columns = self.values.len();
        let first = coalitions.enumerated;
        let known = coalitions.known[first * columns..].chunks(2 * columns);
        let count = ((gains.len() - first) / 2) as f64;
        let [mut sum, mut squares] = [vec![0.0; columns], vec![0.0; columns]];
        for (known, gains) in known.zip(gains[first..].chunks(2)) {
            let (known, complement) = known.split_at(columns);
            let fitted = |known| listed(known).map(|column| self.values[column]).sum::<f64>();
            let difference = (gains[0] - fitted(known)) - (gains[1] - fitted(complement));
            let rows = self.gain.chunks(columns);
            let direction: Vec<f64> = rows
                .map(|row| listed(known).map(|c| row[c]).sum())
                .collect();
            let along: f64 = listed(known).map(|column| direction[column]).sum();
            // Below 1 unless the pair alone tells something, and then it has no residual.
            let left = (1.0 - share / count * along).max(f64::EPSILON);
            let scale = 0.5 * share * difference / left;
            for (column, direction) in direction.iter().enumerate() {
                sum[column] += scale * direction;
                squares[column] += scale * direction * (scale * direction);
            }
        }
        let error = |(sum, squares): (&f64, &f64)| {
            let spread = (squares - sum * sum / count).max(0.0);
            (spread / (count * (count - 1.0))).sqrt()
        };
        sum.iter().zip(&squares).map(error).collect()
    }
}

/// The columns that are known.
fn listed(known: &[bool]) -> impl Iterator<Item = usize> {
    known
        .iter()
        .enumerate()
        .filter_map(|(column, known)| known.then_some(column))
}
