//! Merges columns that are multiples of each other into one column for the solver.
//!
//! If columns x a₁, x a₂, ... are multiples of one x, only Σ aⱼ wⱼ affects the scores, and of all
//! weights with the same sum, wⱼ = aⱼ u / |a| has the smallest Σ wⱼ². So one column x |a| with the
//! weight u states the same problem, and the wⱼ follow from u. Text has many such columns: n-grams
//! that occur in only one text, and character n-grams that always occur in the same words.

use super::coefficients::Coefficients;
use crate::kernels::hash::mix;
use crate::sparse::Matrix;

/// Average number of entries per column above which hardly any are multiples.
const ENTRIES_A_COLUMN: usize = 40;
/// Resolution at which ratios of two values are compared; the rounding error is far below a
/// solver's tolerance.
const STEPS: f32 = 65_536.0;

/// A matrix with one column per group of multiples, and the mapping back.
pub(super) struct Merged {
    pub rows: Matrix,
    /// The group of each column.
    group: Vec<u32>,
    /// aⱼ / |a| for each column.
    part: Vec<f64>,
    /// The first column of each group.
    first: Vec<u32>,
}

/// Properties of a column that all its multiples share, except `value`.
#[derive(Clone, Copy, Default)]
struct Column {
    /// Hash of the rows and of the ratios of their values to the first one.
    hash: u64,
    entries: u32,
    /// The first row.
    row: u32,
    /// The value in the first row.
    value: f32,
}

impl Merged {
    /// Groups the columns within each block (`blocks` are the ends); `None` if it would save
    /// little.
    pub fn find(rows: &Matrix, blocks: &[usize]) -> Option<Merged> {
        if rows.entries() > ENTRIES_A_COLUMN * rows.columns() {
            return None;
        }
        let columns = columns(rows, blocks)?;
        let (group, first) = groups(&columns)?;
        let mut norms = vec![0.0; first.len()];
        for (column, &group) in columns.iter().zip(&group) {
            norms[group as usize] += f64::from(column.value) * f64::from(column.value);
        }
        norms.iter_mut().for_each(|norm| *norm = norm.sqrt());
        let parts = columns.iter().zip(&group);
        let parts = parts.map(|(column, &group)| f64::from(column.value) / norms[group as usize]);
        let part: Vec<f64> = parts.collect();
        Some(Merged {
            rows: merged(rows, &group, &first, &part),
            group,
            part,
            first,
        })
    }

    /// Computes the weights of all columns from those of the groups; the bias is unchanged.
    pub fn expand(&self, groups: &Coefficients) -> Coefficients {
        let outputs = groups.outputs;
        let mut values = Vec::with_capacity((self.group.len() + 1) * outputs);
        for (&group, &part) in self.group.iter().zip(&self.part) {
            let start = group as usize * outputs;
            let weights = groups.values[start..start + outputs].iter();
            values.extend(weights.map(|weight| part * weight));
        }
        values.extend(groups.bias());
        Coefficients { outputs, values }
    }

    /// The group weights whose scores are closest to those of all columns.
    pub fn contract(&self, all: &Coefficients) -> Coefficients {
        let outputs = all.outputs;
        let mut values = vec![0.0; self.first.len() * outputs];
        let weights = all.weights().chunks_exact(outputs);
        for ((&group, &part), weights) in self.group.iter().zip(&self.part).zip(weights) {
            let start = group as usize * outputs;
            let sums = values[start..start + outputs].iter_mut().zip(weights);
            sums.for_each(|(sum, weight)| *sum += part * weight);
        }
        values.extend(all.bias());
        Coefficients { outputs, values }
    }

    /// Picks one value per group, of values that are equal for multiples, `outputs` per column.
    pub fn pick(&self, values: &[f64], outputs: usize) -> Vec<f64> {
        let rows = self.first.iter().map(|&column| column as usize * outputs);
        rows.flat_map(|start| &values[start..start + outputs])
            .copied()
            .collect()
    }
}

/// Returns `None` if a value is not positive.
fn columns(rows: &Matrix, blocks: &[usize]) -> Option<Vec<Column>> {
    let mut columns = vec![Column::default(); rows.columns()];
    let mut start = 0;
    for (block, &end) in (1..).zip(blocks) {
        columns[start..end].iter_mut().for_each(|c| c.hash = block);
        start = end;
    }
    for row in 0..rows.rows() {
        let (indices, values) = rows.row(row);
        for (&index, &value) in indices.iter().zip(values) {
            if !(value > 0.0 && value.is_finite()) {
                return None;
            }
            let column = &mut columns[index as usize];
            if column.entries == 0 {
                column.value = value;
                column.row = row as u32;
            }
            column.entries += 1;
            // Rounds; `round` is a call into libm where the CPU is not known to do it.
            let ratio = (value / column.value * STEPS + 0.5) as u32;
            column.hash = mix(column.hash ^ ((row as u64) << 32 | u64::from(ratio)));
        }
    }
    Some(columns)
}

/// Whether so few groups of so many columns save more than they cost.
fn worthwhile(groups: usize, columns: usize) -> bool {
    10 * groups <= 9 * columns
}

/// The group of each column and the first column of each group. Groups are in the order of the
/// first row that contains them: neighbouring rows then have neighbouring groups, whose weights
/// share a cache. `None` if there are nearly as many groups as columns.
fn groups(columns: &[Column]) -> Option<(Vec<u32>, Vec<u32>)> {
    let keyed = (0..).zip(columns);
    let keyed = keyed.map(|(number, column): (u32, _)| (column.hash, column.entries, number));
    let mut order: Vec<(u64, u32, u32)> = keyed.collect();
    order.sort_unstable();
    let same = |a: &(u64, u32, u32), b: &(u64, u32, u32)| (a.0, a.1) == (b.0, b.1);
    if !worthwhile(order.chunk_by(same).count(), columns.len()) {
        return None;
    }
    let first_of = |group: &[(u64, u32, u32)]| group[0].2;
    let mut first: Vec<u32> = order.chunk_by(same).map(first_of).collect();
    let place = |column: &u32| (columns[*column as usize].row, *column);
    first.sort_unstable_by_key(place);
    let mut group = vec![0; columns.len()];
    for columns in order.chunk_by(same) {
        let found = first.binary_search_by_key(&place(&first_of(columns)), place);
        let number = found.unwrap_or_default() as u32;
        columns.iter().for_each(|c| group[c.2 as usize] = number);
    }
    Some((group, first))
}

fn merged(rows: &Matrix, group: &[u32], first: &[u32], part: &[f64]) -> Matrix {
    let mut merged = Matrix::new(first.len());
    let (mut kept, mut scaled) = (Vec::new(), Vec::new());
    for row in 0..rows.rows() {
        let (indices, values) = rows.row(row);
        kept.clear();
        scaled.clear();
        for (&index, &value) in indices.iter().zip(values) {
            let own = group[index as usize];
            if first[own as usize] == index {
                kept.push(own);
                scaled.push((f64::from(value) / part[index as usize]) as f32);
            }
        }
        merged.push(&kept, &scaled);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns 0, 2 and 3 are multiples; 4 is one of them in another block; 1 is not.
    fn rows() -> Matrix {
        let mut rows = Matrix::new(5);
        rows.push(&[0, 1, 2, 3, 4], &[1.0, 5.0, 2.0, 3.0, 1.0]);
        rows.push(&[1], &[1.0]);
        rows.push(&[3, 2, 0, 4], &[6.0, 4.0, 2.0, 2.0]);
        rows
    }

    #[test]
    fn multiples_become_one() {
        let merged = Merged::find(&rows(), &[4, 5]).unwrap();
        assert_eq!(merged.first, [0, 1, 4]);
        assert_eq!(merged.group, [0, 1, 0, 0, 2]);
        let norm = 14.0_f32.sqrt();
        assert_eq!(merged.rows.row(0), (&[0, 1, 2][..], &[norm, 5.0, 1.0][..]));
        assert_eq!(merged.rows.row(2), (&[0, 2][..], &[2.0 * norm, 2.0][..]));
        assert_eq!(merged.pick(&[1.0, 2.0, 3.0, 4.0, 5.0], 1), [1.0, 2.0, 5.0]);
    }

    #[test]
    fn expanded_weights_score_the_same() {
        let merged = Merged::find(&rows(), &[4, 5]).unwrap();
        let groups = Coefficients {
            outputs: 2,
            values: vec![1.0, -2.0, 0.5, 3.0, 0.25, 4.0, 9.0, 8.0],
        };
        let all = merged.expand(&groups);
        let (a, b) = (all.scores(&rows()), groups.scores(&merged.rows));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5));
        let back = merged.contract(&all);
        let near = back.values.iter().zip(&groups.values);
        assert!(near.into_iter().all(|(a, b)| (a - b).abs() < 1e-12));
        let squares = |c: &Coefficients| c.weights().iter().map(|w| w * w).sum::<f64>();
        assert!((squares(&all) - squares(&groups)).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_merged_without_benefit() {
        let mut rows = Matrix::new(2);
        rows.push(&[0, 1], &[1.0, 2.0]);
        rows.push(&[0, 1], &[1.0, 1.0]);
        assert!(Merged::find(&rows, &[2]).is_none());
        let mut negative = Matrix::new(2);
        negative.push(&[0, 1], &[1.0, -2.0]);
        assert!(Merged::find(&negative, &[2]).is_none());
    }
}
