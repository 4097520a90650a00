//! Forecasts do not depend on the unit of the values: scaling a series by a power of two scales its
//! forecasts by the same power, to the bit.

use super::model::{Fan, ForecastOptions, Model};
use crate::ts::series::kind::{KINDS, Kind};

/// Monthly series with season, trend and noise; half of them far from zero, half around it.
fn panel(months: usize, scale: f64) -> Vec<Vec<f64>> {
    let wave = |t: usize, m: usize| libm::sin(std::f64::consts::TAU * t as f64 / m as f64);
    let noise = |t: usize, k: usize| libm::sin((1.0 + k as f64) * 12.9898 * (t * t) as f64);
    let series = |k: usize| -> Vec<f64> {
        let level = if k.is_multiple_of(2) { 60.0 } else { 0.0 };
        (0..months - 7 * k)
            .map(|t| match (t + k) % 23 {
                22 => f64::NAN,
                _ => (level + 0.2 * t as f64 + 6.0 * wave(t, 12) + 3.0 * noise(t, k)) * scale,
            })
            .collect()
    };
    (0..6).map(series).collect()
}

fn fans(model: &Model) -> Vec<Fan> {
    let fan = |(number, series)| model.fan(number, &series, 15, &[0.8, 0.95]).0;
    (0..).zip(model.series.iter()).map(fan).collect()
}

#[test]
fn forecasts_scale_with_the_values() {
    let short = KINDS.map(|(name, kind)| (name, kind, vec![12], 72));
    let long = [("auto, long seasons", Kind::Auto, vec![6, 40], 130)];
    for (name, kind, seasons, months) in short.into_iter().chain(long) {
        let fit = |exponent: i32| {
            let scale = libm::ldexp(1.0, exponent);
            let series = panel(months, scale);
            let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
            let options = ForecastOptions {
                kind,
                seasons: seasons.clone(),
                horizon: 6,
                calibrate: true,
                nonnegative: false,
            };
            let mut fans = fans(&options.fit(&series, &|| {}).unwrap());
            for fan in &mut fans {
                let bounds = fan.bounds.iter_mut().flat_map(|(low, high)| [low, high]);
                let all = bounds.chain([&mut fan.mean]).flatten();
                all.for_each(|value| *value = libm::ldexp(*value, -exponent));
            }
            fans
        };
        let usual = fit(0);
        for exponent in [-330, -60, -1, 30, 300, 325] {
            let other = fit(exponent);
            assert_eq!(other, usual, "{name}, 2^{exponent}");
        }
    }
}
