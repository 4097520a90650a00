//! Forecasts that need no search: seasonal naive, drift and mean. The benchmarks of every other model, and
//! the fallback for a series that is too short for one.

use super::forecast::Forecast;

/// The forecast of the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The value a season ago; without a season the last value.
    SeasonalNaive,
    /// The last value and the mean change.
    Drift,
    /// The mean of all values.
    Mean,
}

/// A rule and the statistics of a series that it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Simple {
    /// Which rule.
    pub rule: Rule,
    /// The last season, the oldest value first.
    pub last: Vec<f64>,
    /// The first known value.
    pub first: f64,
    /// Of the known values.
    pub sum: f64,
    /// Known values.
    pub count: f64,
    /// Steps from the first known value to the last one.
    pub span: f64,
    /// Of the errors one step ahead.
    pub variance: f64,
}

impl Simple {
    /// Fits to `series`, NaN where a value is missing; `None` where all are.
    pub fn fit(rule: Rule, series: &[f64], period: usize) -> Option<Self> {
        let start = series.iter().position(|y| y.is_finite())?;
        let period = match rule {
            Rule::SeasonalNaive => period.clamp(1, series.len()),
            _ => 1,
        };
        let mut simple = Self {
            rule,
            last: vec![f64::NAN; period],
            first: series[start],
            sum: 0.0,
            count: 0.0,
            span: -1.0,
            variance: 0.0,
        };
        let expected = simple.update(&series[start..]);
        simple.complete();
        let errors = || {
            let pairs = series[start..].iter().zip(&expected);
            pairs.map(|(y, e)| y - e).filter(|e| e.is_finite())
        };
        let count = errors().count() as f64;
        let freedom = match rule {
            Rule::SeasonalNaive => count,
            Rule::Drift | Rule::Mean => count - 1.0,
        };
        let squares = match rule {
            // The mean change is known only at the end.
            Rule::Drift => {
                let changes: Vec<f64> = series[start..].windows(2).map(|w| w[1] - w[0]).collect();
                let drift = simple.drift();
                (changes.iter().filter(|c| c.is_finite()))
                    .map(|c| (c - drift) * (c - drift))
                    .sum()
            }
            Rule::Mean => {
                let mean = simple.sum / simple.count;
                (series.iter().filter(|y| y.is_finite()))
                    .map(|y| (y - mean) * (y - mean))
                    .sum()
            }
            Rule::SeasonalNaive => errors().map(|e| e * e).sum::<f64>(),
        };
        simple.variance = if freedom >= 1.0 {
            squares / freedom
        } else {
            // A single value has no error to estimate the variance from: half of it is assumed.
            0.25 * simple.first * simple.first
        };
        Some(simple)
    }

    /// Seasons never seen are taken as the mean of those that were.
    fn complete(&mut self) {
        let seen: Vec<f64> = self
            .last
            .iter()
            .copied()
            .filter(|y| y.is_finite())
            .collect();
        let mean = seen.iter().sum::<f64>() / seen.len().max(1) as f64;
        for value in &mut self.last {
            if !value.is_finite() {
                *value = mean;
            }
        }
    }

    fn drift(&self) -> f64 {
        match self.span > 0.0 {
            true => (self.last[self.last.len() - 1] - self.first) / self.span,
            false => 0.0,
        }
    }

    /// Updates the statistics with new values and returns the one-step forecast of each.
    pub fn update(&mut self, values: &[f64]) -> Vec<f64> {
        let mut expected = Vec::with_capacity(values.len());
        for &value in values {
            let ahead = match self.rule {
                Rule::SeasonalNaive => self.last[0],
                Rule::Drift => self.last[0] + self.drift(),
                Rule::Mean => self.sum / self.count,
            };
            expected.push(ahead);
            self.span += 1.0;
            if value.is_finite() {
                self.sum += value;
                self.count += 1.0;
            }
            let kept = if value.is_finite() { value } else { ahead };
            self.last.rotate_left(1);
            if let Some(newest) = self.last.last_mut() {
                *newest = kept;
            }
        }
        expected
    }

    /// Means and standard deviations of the coming `ahead` steps (Hyndman and Athanasopoulos, "Forecasting:
    /// Principles and Practice", section 5.5).
    pub fn forecast(&self, ahead: usize) -> Forecast {
        let period = self.last.len();
        let newest = self.last[period - 1];
        let mut forecast = Forecast::default();
        for h in 0..ahead {
            let steps = (h + 1) as f64;
            let (mean, factor) = match self.rule {
                Rule::SeasonalNaive => (self.last[h % period], (h / period + 1) as f64),
                Rule::Drift => (
                    newest + steps * self.drift(),
                    steps * (1.0 + steps / self.span.max(1.0)),
                ),
                Rule::Mean => (self.sum / self.count, 1.0 + 1.0 / self.count),
            };
            forecast.mean.push(mean);
            forecast.deviation.push((self.variance * factor).sqrt());
        }
        forecast
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_by_hand() {
        let y = [1.0, 4.0, 3.0, 6.0];
        let naive = Simple::fit(Rule::SeasonalNaive, &y, 2).unwrap();
        assert_eq!(naive.forecast(3).mean, [3.0, 6.0, 3.0]);
        assert_eq!(naive.variance, 4.0); // both seasonal changes are 2
        assert_eq!(naive.forecast(3).deviation, [2.0, 2.0, 8f64.sqrt()]);
        let drift = Simple::fit(Rule::Drift, &y, 1).unwrap();
        let forecast = drift.forecast(2).mean;
        assert!((forecast[1] - (6.0 + 2.0 * 5.0 / 3.0)).abs() < 1e-12);
        let mean = Simple::fit(Rule::Mean, &y, 1).unwrap();
        assert_eq!(mean.forecast(1).mean, [3.5]);
    }

    #[test]
    fn a_missing_value_keeps_its_season() {
        let y = [1.0, 2.0, f64::NAN, 4.0];
        let naive = Simple::fit(Rule::SeasonalNaive, &y, 2).unwrap();
        assert_eq!(naive.forecast(2).mean, [1.0, 4.0]);
    }

    #[test]
    fn one_value_is_enough_and_none_is_not() {
        let one = Simple::fit(Rule::SeasonalNaive, &[8.0], 12).unwrap();
        assert_eq!(one.forecast(2).mean, [8.0, 8.0]);
        assert_eq!(one.forecast(1).deviation, [4.0]);
        assert!(Simple::fit(Rule::Mean, &[f64::NAN], 1).is_none());
    }
}
