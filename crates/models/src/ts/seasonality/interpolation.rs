//! Missing values of a series with seasons.

use super::stl;
use crate::ts::gaps::filled;

/// Number of times that the seasons are estimated: the first time the gaps are straight lines, which have none.
const ROUNDS: usize = 2;

/// Window of the smoother over the cycles of a season.
const WINDOW: usize = 11;

/// Like [`filled`], but seasons of `periods` steps go on within gaps: the series without its seasons is interpolated
/// linearly (as R's `na.interp` does). `None` if all values are missing.
pub fn interpolated(series: &[f64], periods: &[usize]) -> Option<Vec<f64>> {
    let mut whole = filled(series)?;
    let fits = |period: &&usize| **period > 1 && 2 * **period <= series.len();
    let periods: Vec<usize> = periods.iter().filter(fits).copied().collect();
    if periods.is_empty() || series.iter().all(|y| y.is_finite()) {
        return Some(whole);
    }
    for _ in 0..ROUNDS {
        let parts = stl::decompose(&whole, &periods, |_| WINDOW);
        let season = |t: usize| parts.seasons.iter().map(|season| season[t]).sum::<f64>();
        let adjusted: Vec<f64> = (series.iter().enumerate())
            .map(|(t, y)| y - season(t))
            .collect();
        let level = filled(&adjusted)?;
        for t in (0..series.len()).filter(|t| !series[*t].is_finite()) {
            whole[t] = level[t] + season(t);
        }
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_season_goes_on_within_a_gap() {
        let y = |t: usize| 50.0 + 0.1 * t as f64 + [0.0, 8.0, -3.0, -5.0][t % 4];
        let mut series: Vec<f64> = (0..80).map(y).collect();
        series[31..39].fill(f64::NAN);
        series[60] = f64::NAN;
        let whole = interpolated(&series, &[4]).unwrap();
        for t in (31..39).chain([60]) {
            assert!((whole[t] - y(t)).abs() < 1.5, "{t}: {} {}", whole[t], y(t));
        }
        let straight = filled(&series).unwrap();
        assert!((straight[33] - y(33)).abs() > 4.0);
    }

    #[test]
    fn without_gaps_or_seasons_nothing_changes() {
        let series: Vec<f64> = (0..20).map(|t| f64::from(t % 7)).collect();
        assert_eq!(interpolated(&series, &[7]).unwrap(), series);
        let mut gap = series.clone();
        gap[5] = f64::NAN;
        assert_eq!(interpolated(&gap, &[1, 15]), filled(&gap));
        assert!(interpolated(&[f64::NAN; 3], &[2]).is_none());
    }
}
