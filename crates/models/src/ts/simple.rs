//! Forecasts that need no search: seasonal naive, drift and mean. They are the benchmarks for all
//! other models, and the fallback for a series that is too short for one.

use super::forecast::Forecast;

/// The forecast of the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The value one season ago; without a season the last value.
    SeasonalNaive,
    /// The last value and the mean change.
    Drift,
    /// The mean of all values.
    Mean,
}

/// A rule, and the statistics of a series that it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Simple {
    /// The rule.
    pub rule: Rule,
    /// The last season, oldest value first.
    pub last: Vec<f64>,
    /// The first known value.
    pub first: f64,
    /// Sum of the known values.
    pub sum: f64,
    /// Number of known values.
    pub count: f64,
    /// Number of steps from the first known value to the last.
    pub span: f64,
    /// Variance of the one-step errors.
    pub variance: f64,
}

impl Simple {
    /// Fits to `series`, with NaN for missing values; `None` if all are missing.
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
        let expected = simple.advance(&series[start..]);
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
                let drift = simple.drift();
                // Over a gap of n steps an error has n times the variance.
                let errors = changes(series).map(|(steps, c)| (steps, c - steps * drift));
                errors.map(|(steps, e)| e * e / steps).sum()
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
            // A single value gives no error to estimate the variance from, so half of it is
            // assumed.
            0.25 * simple.first * simple.first
        };
        Some(simple)
    }

    /// Replaces seasons that were never observed by the mean of the others.
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

    /// Whether its errors on the training values are rounding errors only: a straight line, or a
    /// season that repeats exactly.
    pub fn is_exact(&self, series: &[f64]) -> bool {
        let squares = series.iter().filter(|y| y.is_finite()).map(|y| y * y);
        self.variance <= 1e-24 * squares.sum::<f64>() / self.count
    }

    /// Gives a rule without errors a variance, since no error in n values does not rule out future
    /// ones. It is that of n errors of zero and one of the size of the mean change; zero if nothing
    /// changes.
    pub fn widen(&mut self, series: &[f64]) {
        if self.is_exact(series) {
            let sizes = changes(series).map(|(_, change)| change.abs());
            let (sum, count) = sizes.fold((0.0, 0.0), |(sum, count), c| (sum + c, count + 1.0));
            let change: f64 = if count > 0.0 { sum / count } else { 0.0 };
            self.variance = change * change / (self.count + 1.0);
        }
    }

    /// Updates the statistics with new values. The variance is kept, unless it is zero and values
    /// change for the first time.
    pub fn update(&mut self, values: &[f64]) {
        let expected = self.advance(values);
        if self.variance == 0.0 {
            let errors = values.iter().zip(&expected).map(|(y, f)| y - f);
            let squares = errors.filter(|e| e.is_finite()).map(|e| e * e);
            self.variance = squares.fold(0.0, |sum, square| sum + square) / self.count;
        }
    }

    /// Adds new values, and returns the one-step forecast of each.
    fn advance(&mut self, values: &[f64]) -> Vec<f64> {
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

    /// Means and standard deviations of the next `ahead` steps (Hyndman and Athanasopoulos,
    /// "Forecasting: Principles and Practice", section 5.5).
    ///
    /// Variances grow with the number of seasons (seasonal naive), with h (1 + h / n) (drift, n steps from
    /// the first value to the last), or not at all (mean).
    ///
    /// # Examples
    /// ```
    /// use easylife_models::ts::simple::{Rule, Simple};
    ///
    /// let series = [1.0, 5.0, 2.0, 6.0];
    /// let ahead = |rule, period| Simple::fit(rule, &series, period).unwrap().forecast(3).mean;
    /// assert_eq!(ahead(Rule::SeasonalNaive, 2), [2.0, 6.0, 2.0]);
    /// assert_eq!(ahead(Rule::Mean, 1), [3.5, 3.5, 3.5]);
    /// // From 1 to 6 in three steps.
    /// let drift = ahead(Rule::Drift, 1);
    /// assert!((drift[0] - (6.0 + 5.0 / 3.0)).abs() < 1e-12);
    /// ```
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

/// The changes between consecutive known values, each with the number of steps between them.
fn changes(series: &[f64]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let mut known = (0..).zip(series).filter(|(_, y)| y.is_finite());
    let mut last: Option<(u32, &f64)> = known.next();
    known.filter_map(move |next| {
        let (at, before) = last.replace(next)?;
        Some((f64::from(next.0 - at), next.1 - before))
    })
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
    fn a_rule_without_errors_is_not_certain() {
        let line: Vec<f64> = (0..15).map(f64::from).collect();
        let mut drift = Simple::fit(Rule::Drift, &line, 1).unwrap();
        assert!(drift.is_exact(&line) && drift.variance == 0.0);
        drift.widen(&line);
        assert_eq!(drift.variance, 1.0 / 16.0);
        drift.widen(&line);
        assert_eq!(drift.variance, 1.0 / 16.0, "once is enough");
        // A constant series has intervals of zero width until it changes.
        let flat = [5.0; 9];
        let mut naive = Simple::fit(Rule::SeasonalNaive, &flat, 1).unwrap();
        naive.widen(&flat);
        assert_eq!(naive.variance, 0.0);
        naive.update(&[5.0, f64::NAN, 7.0]);
        assert_eq!(naive.variance, 4.0 / 11.0);
        naive.update(&[9.0]);
        assert_eq!(naive.variance, 4.0 / 11.0);
    }

    #[test]
    fn drift_over_gaps_has_errors_too() {
        let y = [1.0, f64::NAN, 3.0, f64::NAN, 9.0];
        let drift = Simple::fit(Rule::Drift, &y, 1).unwrap();
        // Changes of 2 and 6 where 4 is expected, over two steps each; one degree of freedom.
        assert_eq!(drift.variance, 4.0);
        assert!(!drift.is_exact(&y));
    }

    #[test]
    fn one_value_is_enough() {
        let one = Simple::fit(Rule::SeasonalNaive, &[8.0], 12).unwrap();
        assert_eq!(one.forecast(2).mean, [8.0, 8.0]);
        assert_eq!(one.forecast(1).deviation, [4.0]);
        assert!(Simple::fit(Rule::Mean, &[f64::NAN], 1).is_none());
    }
}
