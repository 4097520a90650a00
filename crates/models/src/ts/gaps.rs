//! Missing values of a series, interpolated for methods that need all values.

/// Interpolates missing values linearly, constant at the ends; `None` if all are missing.
///
/// # Examples
/// ```
/// use easylife_models::ts::gaps::filled;
///
/// let nan = f64::NAN;
/// assert_eq!(filled(&[nan, 1.0, nan, nan, 4.0, nan]).unwrap(), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
/// assert!(filled(&[nan]).is_none());
/// ```
pub fn filled(series: &[f64]) -> Option<Vec<f64>> {
    let known: Vec<usize> = (0..series.len())
        .filter(|&t| series[t].is_finite())
        .collect();
    let (&first, &last) = (known.first()?, known.last()?);
    let mut whole = series.to_vec();
    whole[..first].fill(series[first]);
    whole[last..].fill(series[last]);
    for pair in known.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        for (t, value) in whole.iter_mut().enumerate().take(b).skip(a + 1) {
            let share = (t - a) as f64 / (b - a) as f64;
            *value = series[a] + share * (series[b] - series[a]);
        }
    }
    Some(whole)
}
