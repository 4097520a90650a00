//! Seasonal indices by classical decomposition, for models without a season.

use crate::ts::diagnostics::autocorrelations;

/// Indices of one period, and the next one's position; empty if there is no season.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Season {
    /// One per step of the period; empty if there is no season.
    pub index: Vec<f64>,
    /// Whether indices are multiplicative; otherwise they are additive.
    pub factors: bool,
    /// Position in `index` of the next step.
    pub next: usize,
}

impl Season {
    /// Estimates the indices of `series`, which must not have gaps; no season if the
    /// autocorrelation at the season is not significant.
    ///
    /// Ratios to a centred moving average if all values are positive, otherwise differences; a cycle counts
    /// 0.75 of the next one.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::ts::seasonality::season::Season;
    ///
    /// let series: Vec<f64> = (0..24).map(|t| if t % 2 == 0 { 8.0 } else { 12.0 }).collect();
    /// let season = Season::of(&series, 2);
    /// assert!(season.factors);
    /// assert!((season.index[0] - 0.8).abs() < 1e-12 && (season.index[1] - 1.2).abs() < 1e-12);
    /// assert!((season.with(10.0, 3) - 12.0).abs() < 1e-12);
    /// assert!(Season::of(&series, 7).index.is_empty()); // no such season
    /// ```
    pub fn of(series: &[f64], period: usize) -> Self {
        let factors = series.iter().all(|y| *y > 0.0);
        let index = significant(series, period)
            .then(|| indices(series, period, factors))
            .flatten();
        Self {
            index: index.unwrap_or_default(),
            factors,
            next: 0,
        }
    }

    fn at(&self, step: usize) -> f64 {
        match self.index.len() {
            0 if self.factors => 1.0,
            0 => 0.0,
            period => self.index[(self.next + step) % period],
        }
    }

    /// Applies the season to `value`, `step` steps after the next one.
    pub fn with(&self, value: f64, step: usize) -> f64 {
        match self.factors {
            true => value * self.at(step),
            false => value + self.at(step),
        }
    }

    /// Removes the season from the next `value`.
    pub fn off(&self, value: f64) -> f64 {
        match self.factors {
            true => value / self.at(0),
            false => value - self.at(0),
        }
    }

    /// `deviation`, scaled by the season if indices are multiplicative.
    pub fn widened(&self, deviation: f64, step: usize) -> f64 {
        match self.factors {
            true => deviation * self.at(step),
            false => deviation,
        }
    }

    /// Removes the season from `series`, starting at the next step.
    pub fn without(&self, series: &[f64]) -> Vec<f64> {
        let mut season = self.clone();
        let off = |&y: &f64| {
            let value = season.off(y);
            season.advance();
            value
        };
        series.iter().map(off).collect()
    }

    /// Advances by one step.
    pub fn advance(&mut self) {
        self.next = match self.next + 1 {
            next if next < self.index.len() => next,
            _ => 0,
        };
    }
}

/// Whether the autocorrelation at the season is significant at 90 %, as in the M competitions.
fn significant(series: &[f64], period: usize) -> bool {
    if period < 2 || series.len() < 2 * period {
        return false;
    }
    let acf = autocorrelations(series, period);
    let before: f64 = acf[..period - 1].iter().map(|r| r * r).sum();
    acf[period - 1].abs() > 1.645 * ((1.0 + 2.0 * before) / series.len() as f64).sqrt()
}

/// What a cycle counts beside the next one. Seasons change: with equal weights, as in the M competitions, the OWA of
/// theta is 8 % larger on monthly tourism and 27 % larger on hourly series (rolling origins of the training parts of
/// the M3, tourism, hourly and weekly M4 series, of which no set is better with equal weights; 0.6 to 0.8 are as good).
const DISCOUNT: f64 = 0.75;

/// Classical indices: the mean ratio to (or difference from) a centred moving average of one
/// period, in which older cycles count less.
fn indices(series: &[f64], period: usize, ratios: bool) -> Option<Vec<f64>> {
    let even = period.is_multiple_of(2);
    let window = if even { period + 1 } else { period };
    let (mut sums, mut counts) = (vec![0.0; period], vec![0.0; period]);
    // From the last window to the first, so that the weight is a product.
    let mut weight = 1.0;
    for (age, (start, values)) in (series.windows(window).enumerate()).rev().enumerate() {
        if age > 0 && age.is_multiple_of(period) {
            weight *= DISCOUNT;
        }
        let inner: f64 = values.iter().sum();
        let ends = if even {
            0.5 * (values[0] + values[window - 1])
        } else {
            0.0
        };
        let trend = (inner - ends) / period as f64;
        let t = start + window / 2;
        let effect = match ratios {
            true => series[t] / trend,
            false => series[t] - trend,
        };
        sums[t % period] += weight * effect;
        counts[t % period] += weight;
    }
    let mut index: Vec<f64> = sums
        .iter()
        .zip(&counts)
        .map(|(sum, count)| sum / count)
        .collect();
    let mean = index.iter().sum::<f64>() / period as f64;
    for value in &mut index {
        *value = if ratios { *value / mean } else { *value - mean };
    }
    let sound = |value: &f64| value.is_finite() && (!ratios || *value > 0.01);
    index.iter().all(sound).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_of_a_line_with_factors_are_its_factors() {
        let factors = [0.8, 1.1, 1.3, 0.8];
        let y: Vec<f64> = (0..40).map(|t| 100.0 * factors[t % 4]).collect();
        let season = Season::of(&y, 4);
        for (got, want) in season.index.iter().zip(factors) {
            assert!((got - want).abs() < 1e-12);
        }
        assert!(season.without(&y).iter().all(|v| (v - 100.0).abs() < 1e-9));
        assert!((season.with(100.0, 6) - 130.0).abs() < 1e-9);
    }

    #[test]
    fn of_a_season_that_changes_the_last_cycles_count_most() {
        // The second of four steps grows from 1.0 to 1.4 in the last 2 of 10 cycles.
        let y: Vec<f64> = (0..40)
            .map(|t| match (t % 4, t / 4) {
                (1, 8..) => 140.0,
                (0, _) => 60.0,
                _ => 100.0,
            })
            .collect();
        let index = Season::of(&y, 4).index;
        let mean = 0.2 * 1.4 + 0.8;
        let ratio = index[1] / index[2];
        assert!(ratio > mean + 0.05 && ratio < 1.4, "{index:?}");
    }

    #[test]
    fn without_a_season_nothing_is_removed() {
        let y: Vec<f64> = (0..40).map(f64::from).collect();
        let season = Season::of(&y, 1);
        assert!(season.index.is_empty());
        assert_eq!(season.without(&y), y);
    }
}
