//! Statistics of a series: autocorrelations, the KPSS test for a unit root, the Ljung-Box test.

use crate::kernels::math;
pub use crate::kernels::normal::normal_quantile;

/// Mean of the finite values; `None` if there are none.
pub fn mean(values: &[f64]) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for value in values.iter().filter(|value| value.is_finite()) {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// Variance (divided by n) of the finite values.
pub fn variance(values: &[f64]) -> f64 {
    let Some(mean) = mean(values) else { return 0.0 };
    let squares: Vec<f64> = values.iter().map(|v| (v - mean) * (v - mean)).collect();
    self::mean(&squares).unwrap_or(0.0)
}

/// Whether all finite values are equal.
pub fn constant(values: &[f64]) -> bool {
    let mut finite = values.iter().filter(|value| value.is_finite());
    finite
        .next()
        .is_none_or(|first| finite.all(|value| value == first))
}

/// Autocorrelations of lags 1 to `last` (divided by n, as in R's `acf`). Pairs with a missing value
/// are skipped.
///
/// # Examples
/// ```
/// use easylife_models::ts::diagnostics::autocorrelations;
///
/// // Deviations from the mean: -1.5, -0.5, 0.5, 1.5.
/// let found = autocorrelations(&[1.0, 2.0, 3.0, 4.0], 2);
/// assert!((found[0] - 1.25 / 5.0).abs() < 1e-12);
/// assert!((found[1] + 1.5 / 5.0).abs() < 1e-12);
/// assert_eq!(autocorrelations(&[3.0; 4], 1), [0.0]); // a constant
/// ```
pub fn autocorrelations(values: &[f64], last: usize) -> Vec<f64> {
    let mean = mean(values).unwrap_or(0.0);
    let centred: Vec<f64> = values
        .iter()
        .map(|v| if v.is_finite() { v - mean } else { 0.0 })
        .collect();
    let whole: f64 = centred.iter().map(|v| v * v).sum();
    (1..=last)
        .map(|lag| {
            let pairs = centred.iter().zip(centred.get(lag..).unwrap_or(&[]));
            let sum: f64 = pairs.map(|(a, b)| a * b).sum();
            if whole > 0.0 { sum / whole } else { 0.0 }
        })
        .collect()
}

/// The KPSS statistic for a level (Kwiatkowski et al. 1992), with a Bartlett window of `lags`.
///
/// The sum of squared partial sums of the deviations from the mean, over n² times the long-run
/// variance. Large values speak against a constant level: 0.463 is exceeded once in 20 stationary
/// series, 0.739 once in 100 (their table 1). `values` must not have missing ones or be constant.
///
/// # Examples
/// ```
/// use easylife_models::ts::diagnostics::kpss;
///
/// let stationary: Vec<f64> = (0..100).map(|t| f64::from(t * 37 % 11)).collect();
/// assert!(kpss(&stationary, 2) < 0.463);
/// let trend: Vec<f64> = (0..100).map(f64::from).collect();
/// assert!(kpss(&trend, 2) > 0.739);
/// ```
pub fn kpss(values: &[f64], lags: usize) -> f64 {
    let n = values.len() as f64;
    let mean = mean(values).unwrap_or(0.0);
    let e: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let mut partial = 0.0;
    let eta: f64 = e
        .iter()
        .map(|e| {
            partial += e;
            partial * partial
        })
        .sum();
    let long_run: f64 = (0..=lags)
        .map(|lag| {
            let sum: f64 = e
                .iter()
                .zip(&e[lag.min(e.len())..])
                .map(|(a, b)| a * b)
                .sum();
            let weight = 1.0 - lag as f64 / (lags as f64 + 1.0);
            sum * weight * if lag == 0 { 1.0 } else { 2.0 }
        })
        .sum();
    eta / (n * long_run)
}

/// Ljung-Box Q over `lags`, and its p-value under no autocorrelation, with `fitted` coefficients
/// subtracted from the degrees of freedom.
///
/// Ljung and Box, "On a measure of lack of fit in time series models" (1978). A small p-value says that
/// the residuals are correlated, so the model misses something.
///
/// # Examples
/// ```
/// use easylife_models::ts::diagnostics::ljung_box;
///
/// let alternating: Vec<f64> = (0..100).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 }).collect();
/// let (q, p) = ljung_box(&alternating, 1, 0);
/// assert!(q > 90.0 && p < 1e-12);
/// ```
pub fn ljung_box(residuals: &[f64], lags: usize, fitted: usize) -> (f64, f64) {
    let n = residuals.iter().filter(|e| e.is_finite()).count() as f64;
    let sum: f64 = autocorrelations(residuals, lags)
        .iter()
        .enumerate()
        .map(|(index, r)| r * r / (n - index as f64 - 1.0))
        .sum();
    let q = n * (n + 2.0) * sum;
    let freedom = lags.saturating_sub(fitted).max(1) as f64;
    (q, chi_squared_tail(q, freedom))
}

/// P(X > x) of a chi-squared variable: the upper incomplete gamma function, by its series below
/// the mean and by Lentz's continued fraction above (Abramowitz and Stegun 6.5.29, 6.5.31).
///
/// # Examples
/// ```
/// use easylife_models::ts::diagnostics::chi_squared_tail;
///
/// // The 5 % point for one degree of freedom; two have e^(-x / 2).
/// assert!((chi_squared_tail(3.841_458_820_694_124, 1.0) - 0.05).abs() < 1e-9);
/// assert!((chi_squared_tail(2.0, 2.0) - (-1f64).exp()).abs() < 1e-12);
/// ```
pub fn chi_squared_tail(x: f64, freedom: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    let (a, x) = (0.5 * freedom, 0.5 * x);
    let front = math::exp(a * math::ln(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for i in 1..1000 {
            term *= x / (a + f64::from(i));
            sum += term;
            if term < sum * 1e-16 {
                break;
            }
        }
        return 1.0 - front * sum;
    }
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..1000 {
        let an = -f64::from(i) * (f64::from(i) - a);
        b += 2.0;
        d = 1.0 / (an * d + b);
        c = b + an / c;
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * h
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ts::reference::{floats, known_answers, number, series};

    #[test]
    fn statistics_are_those_of_statsmodels() {
        let known = known_answers();
        for case in known["tests"].as_array().unwrap() {
            let y = series(case["series"].as_str().unwrap(), false).y;
            let lags = case["kpss_c"]["nlags"].as_u64().unwrap() as usize;
            let want = number(&case["kpss_c"]["stat"]);
            assert!((kpss(&y, lags) - want).abs() < 1e-10 * want);
            let acf = autocorrelations(&y, 24);
            for (got, want) in acf.iter().zip(floats(&case["acf_1_24"])) {
                assert!((got - want).abs() < 1e-12);
            }
            let changes: Vec<f64> = y.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let (q, p) = ljung_box(&changes, 10, 0);
            let want = floats(&case["ljungbox_diff_lag10"]);
            assert!((q - want[0]).abs() < 1e-9 * want[0]);
            assert!((p - want[1]).abs() < 1e-8 * want[1], "{p} {}", want[1]);
        }
    }
}
