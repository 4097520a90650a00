//! Eigenvalues and eigenvectors of a small symmetric matrix: Householder reduction to tridiagonal
//! form, then implicit QL (Martin, Reinsch, Wilkinson 1968; the routines tred2 and tql2 of
//! EISPACK). Plain arithmetic in a fixed order, on one thread.

/// Maximum number of QL steps per eigenvalue; four are typical.
const STEPS: usize = 60;

/// Eigenvalues in descending order and, as rows of an n × n matrix, their eigenvectors.
///
/// # Panics
/// If `matrix` is not n × n. Only its lower triangle is read.
///
/// # Examples
/// ```
/// use easylife_models::kernels::eigen::symmetric;
///
/// let (values, vectors) = symmetric(&[2.0, 1.0, 1.0, 2.0], 2);
/// assert!((values[0] - 3.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12);
/// // The first vector has equal parts.
/// assert!((vectors[0] - vectors[1]).abs() < 1e-12);
/// ```
pub fn symmetric(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    assert_eq!(matrix.len(), n * n, "expected a square matrix");
    if n == 0 {
        return (Vec::new(), Vec::new());
    }
    let mut v = matrix.to_vec();
    for row in 0..n {
        for column in row + 1..n {
            v[row * n + column] = matrix[column * n + row];
        }
    }
    let (mut diagonal, mut off_diagonal) = reduce(&mut v, n);
    // Rows instead of columns, so that a rotation runs along two rows.
    let mut vectors = vec![0.0; n * n];
    for row in 0..n {
        for column in 0..n {
            vectors[column * n + row] = v[row * n + column];
        }
    }
    ql(&mut diagonal, &mut off_diagonal, &mut vectors, n);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| diagonal[b].total_cmp(&diagonal[a]).then(a.cmp(&b)));
    let values = order.iter().map(|&i| diagonal[i]).collect();
    let sorted = order.iter().flat_map(|&i| &vectors[i * n..(i + 1) * n]);
    (values, sorted.copied().collect())
}

/// Householder reflections: the tridiagonal matrix, and in `v` the product of the reflections.
fn reduce(v: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut d: Vec<f64> = v[(n - 1) * n..].to_vec();
    let mut e = vec![0.0; n];
    for i in (1..n).rev() {
        let scale: f64 = d[..i].iter().map(|x| x.abs()).sum();
        let mut h = 0.0;
        if scale == 0.0 {
            e[i] = d[i - 1];
            for j in 0..i {
                d[j] = v[(i - 1) * n + j];
                v[i * n + j] = 0.0;
                v[j * n + i] = 0.0;
            }
        } else {
            h = reflect(v, &mut d, &mut e, i, n, scale);
        }
        d[i] = h;
    }
    accumulate(v, &mut d, n);
    e[0] = 0.0;
    (d, e)
}

/// One reflection: row `i` of the matrix, scaled, is in `d`.
fn reflect(v: &mut [f64], d: &mut [f64], e: &mut [f64], i: usize, n: usize, scale: f64) -> f64 {
    let mut h = 0.0;
    for x in &mut d[..i] {
        *x /= scale;
        h += *x * *x;
    }
    let f = d[i - 1];
    let g = if f > 0.0 { -h.sqrt() } else { h.sqrt() };
    e[i] = scale * g;
    h -= f * g;
    d[i - 1] = f - g;
    e[..i].fill(0.0);
    for j in 0..i {
        let f = d[j];
        v[j * n + i] = f;
        let mut g = e[j] + v[j * n + j] * f;
        for k in j + 1..i {
            g += v[k * n + j] * d[k];
            e[k] += v[k * n + j] * f;
        }
        e[j] = g;
    }
    let mut f = 0.0;
    for j in 0..i {
        e[j] /= h;
        f += e[j] * d[j];
    }
    let half = f / (h + h);
    for j in 0..i {
        e[j] -= half * d[j];
    }
    for j in 0..i {
        let (f, g) = (d[j], e[j]);
        for k in j..i {
            v[k * n + j] -= f * e[k] + g * d[k];
        }
        d[j] = v[(i - 1) * n + j];
        v[i * n + j] = 0.0;
    }
    h
}

/// The product of the reflections.
fn accumulate(v: &mut [f64], d: &mut [f64], n: usize) {
    for i in 0..n - 1 {
        v[(n - 1) * n + i] = v[i * n + i];
        v[i * n + i] = 1.0;
        let h = d[i + 1];
        if h != 0.0 {
            for k in 0..=i {
                d[k] = v[k * n + i + 1] / h;
            }
            for j in 0..=i {
                let g: f64 = (0..=i).map(|k| v[k * n + i + 1] * v[k * n + j]).sum();
                for k in 0..=i {
                    v[k * n + j] -= g * d[k];
                }
            }
        }
        for k in 0..=i {
            v[k * n + i + 1] = 0.0;
        }
    }
    for j in 0..n {
        d[j] = v[(n - 1) * n + j];
        v[(n - 1) * n + j] = 0.0;
    }
    v[n * n - 1] = 1.0;
}

/// Implicit QL with shifts on the diagonal `d` and the off-diagonal `e`; `vectors` are rows.
fn ql(d: &mut [f64], e: &mut [f64], vectors: &mut [f64], n: usize) {
    e.rotate_left(1);
    e[n - 1] = 0.0;
    let (mut shift, mut largest) = (0.0, 0.0f64);
    for l in 0..n {
        largest = largest.max(d[l].abs() + e[l].abs());
        let small = |x: f64| x.abs() <= f64::EPSILON * largest;
        let m = (l..n).find(|&m| small(e[m])).unwrap_or(n - 1);
        for _ in 0..STEPS {
            if m == l || small(e[l]) {
                break;
            }
            shift += start(d, e, l, n);
            chase(d, e, vectors, l, m, n);
        }
        d[l] += shift;
        e[l] = 0.0;
    }
}

/// Subtracts the shift from the diagonal and returns it.
fn start(d: &mut [f64], e: &[f64], l: usize, n: usize) -> f64 {
    let g = d[l];
    let p = (d[l + 1] - g) / (2.0 * e[l]);
    let r = libm::hypot(p, 1.0);
    let signed = if p < 0.0 { p - r } else { p + r };
    d[l] = e[l] / signed;
    d[l + 1] = e[l] * signed;
    let h = g - d[l];
    for x in &mut d[l + 2..n] {
        *x -= h;
    }
    h
}

/// One sweep of rotations from `m` up to `l`.
fn chase(d: &mut [f64], e: &mut [f64], vectors: &mut [f64], l: usize, m: usize, n: usize) {
    let next = d[l + 1];
    let mut p = d[m];
    let (mut c, mut c2, mut c3) = (1.0, 1.0, 1.0);
    let off_diagonal = e[l + 1];
    let (mut s, mut s2) = (0.0, 0.0);
    for i in (l..m).rev() {
        (c3, c2, s2) = (c2, c, s);
        let g = c * e[i];
        let h = c * p;
        let r = libm::hypot(p, e[i]);
        e[i + 1] = s * r;
        s = e[i] / r;
        c = p / r;
        p = c * d[i] - s * g;
        d[i + 1] = h + s * (c * g + s * d[i]);
        let (upper, lower) = vectors.split_at_mut((i + 1) * n);
        for (a, b) in upper[i * n..].iter_mut().zip(&mut lower[..n]) {
            let h = *b;
            *b = s * *a + c * h;
            *a = c * *a - s * h;
        }
    }
    p = -s * s2 * c3 * off_diagonal * e[l] / next;
    e[l] = s * p;
    d[l] = c * p;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_worked_out_by_hand() {
        let (values, vectors) = symmetric(&[2.0, 1.0, 1.0, 2.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-14 && (values[1] - 1.0).abs() < 1e-14);
        assert!((vectors[0].abs() - 0.5f64.sqrt()).abs() < 1e-14);
        assert_eq!(symmetric(&[5.0], 1).0, [5.0]);
    }

    #[test]
    fn the_matrix_comes_back() {
        let n = 40;
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let value = libm::sin((i * 7 + j * 3) as f64);
                a[i * n + j] = value;
                a[j * n + i] = value;
            }
        }
        let (values, vectors) = symmetric(&a, n);
        assert!(values.is_sorted_by(|a, b| a >= b));
        for i in 0..n {
            for j in 0..n {
                let back: f64 = (0..n)
                    .map(|k| values[k] * vectors[k * n + i] * vectors[k * n + j])
                    .sum();
                assert!((back - a[i * n + j]).abs() < 1e-12, "{i} {j}");
            }
        }
    }
}
