//! The result of every model: means and standard deviations.

/// Means and standard deviations of future steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Expected value of each step.
    pub mean: Vec<f64>,
    /// Standard deviation of each step's error.
    pub deviation: Vec<f64>,
}

impl Forecast {
    /// The weighted mean of forecasts; weights sum to 1. Deviations are averaged as if the models'
    /// errors were perfectly correlated, which they nearly are; the variance between the means is
    /// added.
    ///
    /// # Panics
    /// If a part has fewer than `ahead` steps.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::ts::Forecast;
    ///
    /// let part = |mean: f64, deviation: f64| Forecast { mean: vec![mean], deviation: vec![deviation] };
    /// let (low, high) = (part(10.0, 3.0), part(18.0, 3.0));
    /// let whole = Forecast::combined(&[(0.5, &low), (0.5, &high)], 1);
    /// // 3² within, and 4² between the means.
    /// assert_eq!((whole.mean[0], whole.deviation[0]), (14.0, 5.0));
    /// ```
    pub fn combined(parts: &[(f64, &Forecast)], ahead: usize) -> Self {
        let mut whole = Self {
            mean: vec![0.0; ahead],
            deviation: vec![0.0; ahead],
        };
        for (weight, forecast) in parts {
            for h in 0..ahead {
                whole.mean[h] += weight * forecast.mean[h];
                whole.deviation[h] += weight * forecast.deviation[h];
            }
        }
        if parts.len() > 1 {
            for (h, (mean, deviation)) in whole.mean.iter().zip(&mut whole.deviation).enumerate() {
                let apart = parts.iter().map(|(weight, forecast)| {
                    let apart = forecast.mean[h] - mean;
                    weight * apart * apart
                });
                *deviation = (*deviation * *deviation + apart.sum::<f64>()).sqrt();
            }
        }
        whole
    }
}
