//! Small symmetric positive definite systems in single precision, by the million: built from a few
//! rows and solved in place. Compiled for each [`Set`] with the same bits, as `panel` is.

use super::panel::Set;

/// Memory for one system of n unknowns: an upper triangle in rows of `stride`, and its right side.
#[derive(Clone, Debug, Default)]
pub struct System {
    pub matrix: Vec<f32>,
    pub right: Vec<f32>,
    n: usize,
}

impl System {
    /// Starts a system of `n` unknowns with zeros.
    pub fn clear(&mut self, n: usize) {
        self.n = n;
        self.matrix.clear();
        self.matrix.resize(n * n, 0.0);
        self.right.clear();
        self.right.resize(n, 0.0);
    }

    /// Solves in place: the answer is in `right`. Reads the upper triangle. False where the matrix is
    /// not positive definite in single precision.
    pub fn solve(&mut self) -> bool {
        self.solve_as(Set::best())
    }

    fn solve_as(&mut self, set: Set) -> bool {
        match set {
            Set::Baseline => solve(&mut self.matrix, &mut self.right, self.n),
            // SAFETY: `Set::best` and `Set::available` give this one only where the processor has it.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { solve_avx2(&mut self.matrix, &mut self.right, self.n) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn solve_avx2(a: &mut [f32], b: &mut [f32], n: usize) -> bool {
    solve(a, b, n)
}

/// A = U'U, row by row from the top, each taken off all rows below: runs along rows.
#[inline(always)]
fn solve(a: &mut [f32], b: &mut [f32], n: usize) -> bool {
    for k in 0..n {
        let (above, below) = a.split_at_mut((k + 1) * n);
        let row = &mut above[k * n..];
        let pivot = row[k];
        if pivot <= 0.0 || !pivot.is_finite() {
            return false;
        }
        let scale = 1.0 / pivot.sqrt();
        row[k..].iter_mut().for_each(|x| *x *= scale);
        b[k] *= scale;
        let top = b[k];
        for i in k + 1..n {
            let factor = -row[i];
            b[i] = factor.mul_add(top, b[i]);
            let other = &mut below[(i - k - 1) * n..][..n];
            for (x, y) in other[i..].iter_mut().zip(&row[i..]) {
                *x = factor.mul_add(*y, *x);
            }
        }
    }
    for i in (0..n).rev() {
        let row = &a[i * n..(i + 1) * n];
        let mut sum = b[i];
        for j in i + 1..n {
            sum = (-row[j]).mul_add(b[j], sum);
        }
        b[i] = sum / row[i];
    }
    true
}

/// out += Σ factor_i · rows_i: rows of one length, in their order.
pub fn add_rows<'a>(out: &mut [f32], rows: impl Iterator<Item = (f32, &'a [f32])>) {
    add_rows_as(Set::best(), out, rows);
}

fn add_rows_as<'a>(set: Set, out: &mut [f32], rows: impl Iterator<Item = (f32, &'a [f32])>) {
    for (factor, row) in rows {
        match set {
            Set::Baseline => add_row(out, factor, row),
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { add_row_avx2(out, factor, row) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_row_avx2(out: &mut [f32], factor: f32, row: &[f32]) {
    add_row(out, factor, row);
}

#[inline(always)]
fn add_row(out: &mut [f32], factor: f32, row: &[f32]) {
    for (out, x) in out.iter_mut().zip(row) {
        *out = factor.mul_add(*x, *out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(n: usize) -> System {
        let mut system = System::default();
        system.clear(n);
        for i in 0..n {
            for j in 0..n {
                let wave = libm::sinf((i * j) as f32 * 0.1) * 0.4 / n as f32;
                system.matrix[i * n + j] = if i == j { 2.0 } else { wave };
            }
            system.right[i] = i as f32;
        }
        system
    }

    #[test]
    fn a_system_worked_out_by_hand() {
        let mut system = System::default();
        system.clear(2);
        system.matrix.copy_from_slice(&[4.0, 2.0, 2.0, 3.0]);
        system.right.copy_from_slice(&[10.0, 8.0]);
        assert!(system.solve());
        assert!((system.right[0] - 1.75).abs() < 1e-6 && (system.right[1] - 1.5).abs() < 1e-6);
        system.clear(1);
        assert!(!system.solve(), "zero is not positive");
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        for n in [1, 7, 33, 64] {
            let mut answers = Set::available().into_iter().map(|set| {
                let mut system = system(n);
                assert!(system.solve_as(set));
                let mut sum = vec![0.0; n];
                add_rows_as(set, &mut sum, system.matrix.chunks(n).map(|row| (0.3, row)));
                (system.right, sum)
            });
            let first = answers.next().unwrap();
            assert!(answers.all(|answer| answer == first));
        }
    }
}
