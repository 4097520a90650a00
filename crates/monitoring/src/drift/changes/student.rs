//! Tails of Student's distribution.

use models::kernels::math;

/// ln P(|T| > t) for a positive t, by the continued fraction of the incomplete beta function
/// (Numerical Recipes, 6.4): I_x(df / 2, 1 / 2) with x = df / (df + t²).
pub fn ln_two_tails(t: f64, degrees: f64) -> f64 {
    let (a, b) = (degrees / 2.0, 0.5);
    let x = degrees / (degrees + t * t);
    let ln_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * math::ln(x)
        + b * math::ln_1p(-x);
    match x < (a + 1.0) / (a + b + 2.0) {
        true => ln_front + math::ln(fraction(a, b, x) / a),
        false => {
            let rest = math::exp(ln_front) * fraction(b, a, 1.0 - x) / b;
            math::ln_1p(-rest.min(1.0))
        }
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut product = d;
    for m in 1..300 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        product *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        product *= d * c;
        if (d * c - 1.0).abs() < 1e-12 {
            break;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_student() {
        // 2 * scipy.stats.t.sf(t, degrees), version 1.17.1.
        for (t, degrees, p) in [
            (12.706, 1.0, 0.050_000_802),
            (2.228, 10.0, 0.050_011_772),
            (1.984, 100.0, 0.049_996_774),
            (4.587, 10.0, 0.000_999_837),
            (0.0, 5.0, 1.0),
        ] {
            let got = math::exp(ln_two_tails(t, degrees));
            assert!((got / p - 1.0).abs() < 1e-6, "{t}: {got}");
        }
    }
}
