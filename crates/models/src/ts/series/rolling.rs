//! Rolling origins (Tashman 2000): a series is split at earlier times and forecast from there, and
//! the forecasts are compared with the actual values. Weights of combined models and widths of
//! intervals are estimated from these errors.

use super::forecaster::{Forecaster, SeriesOptions};
use super::trial::Trial;

/// One origin: values before `origin` are fitted to, the next `ahead` values are forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollingOrigin {
    /// Number of steps before the origin.
    pub origin: usize,
    /// Number of steps forecast.
    pub ahead: usize,
}

/// At most `count` origins in a series of `length` steps, latest first, `stride` steps apart. The
/// first is `ahead` steps before the end; each has at least `least` steps to fit to.
///
/// # Examples
/// ```
/// use easylife_models::ts::series::rolling::rolling_origins;
///
/// let origins: Vec<usize> = rolling_origins(20, 4, 2, 13, 9).iter().map(|at| at.origin).collect();
/// assert_eq!(origins, [16, 14]); // 12 steps are too few to fit to
/// ```
pub fn rolling_origins(
    length: usize,
    ahead: usize,
    stride: usize,
    least: usize,
    count: usize,
) -> Vec<RollingOrigin> {
    if ahead == 0 {
        return Vec::new();
    }
    (0..count)
        .map_while(|index| length.checked_sub(ahead + index * stride))
        .take_while(|origin| *origin >= least.max(1))
        .map(|origin| RollingOrigin { origin, ahead })
        .collect()
}

/// Origins in a series of `length` steps for estimating weights and intervals: `horizon` steps
/// ahead, but at most a third of the series; half of that apart; with at least two seasons plus two
/// steps, or 8 steps, to fit to.
pub fn trial_origins(
    length: usize,
    horizon: usize,
    season: usize,
    count: usize,
) -> Vec<RollingOrigin> {
    let ahead = horizon.min(length / 3);
    let stride = ahead.div_ceil(2).max(1);
    rolling_origins(length, ahead, stride, (2 * season + 2).max(8), count)
}

/// Fits to the values of `series` before the origin, as specified by `options` or, if `like` is
/// given, with its orders and kinds, and forecasts from there.
pub fn run(
    options: &SeriesOptions,
    series: &[f64],
    at: RollingOrigin,
    like: Option<&Forecaster>,
) -> Option<Trial> {
    let before = &series[..at.origin];
    let model = match like {
        Some(like) => options.fit_again(before, like),
        None => options.fit(before),
    }?;
    Some(Trial {
        origin: at.origin,
        actual: series[at.origin..at.origin + at.ahead].to_vec(),
        forecasts: model.forecasts(at.ahead),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_go_back_from_the_end() {
        let origins = |all: Vec<RollingOrigin>| all.iter().map(|at| at.origin).collect::<Vec<_>>();
        assert_eq!(origins(rolling_origins(20, 4, 2, 10, 3)), [16, 14, 12]);
        assert_eq!(origins(rolling_origins(20, 4, 2, 13, 9)), [16, 14]);
        assert!(rolling_origins(20, 0, 2, 1, 3).is_empty());
        assert!(rolling_origins(3, 4, 1, 1, 3).is_empty());
        // At most a third of 15 steps.
        assert_eq!(
            trial_origins(15, 6, 1, 1),
            [RollingOrigin {
                origin: 10,
                ahead: 5
            }]
        );
        assert!(trial_origins(11, 6, 1, 1).len() == 1 && trial_origins(10, 6, 4, 1).is_empty());
    }
}
