//! Rolling origins (Tashman 2000): a series is cut at earlier times and forecast from there, and the
//! forecasts are compared with the values that came. Weights of combined models and widths of intervals are
//! estimated from these errors.

use super::forecaster::{Forecaster, SeriesOptions};
use super::trial::Trial;

/// One cut: values before `origin` are fitted to, the `ahead` values from it on are forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Steps before the cut.
    pub origin: usize,
    /// Steps forecast from it.
    pub ahead: usize,
}

/// At most `count` cuts of a series of `length` steps, the latest first, `stride` steps apart. The
/// first is `ahead` steps before the end; none has less than `least` steps to fit to.
pub fn cuts(length: usize, ahead: usize, stride: usize, least: usize, count: usize) -> Vec<Cut> {
    if ahead == 0 {
        return Vec::new();
    }
    (0..count)
        .map_while(|index| length.checked_sub(ahead + index * stride))
        .take_while(|origin| *origin >= least.max(1))
        .map(|origin| Cut { origin, ahead })
        .collect()
}

/// Cuts of a series of `length` steps that weights and intervals are estimated from: `horizon` steps ahead, at
/// most a third of the series; half of that apart; with at least two seasons and
/// two steps, or 8 steps, to fit to.
pub fn trial_cuts(length: usize, horizon: usize, season: usize, count: usize) -> Vec<Cut> {
    let ahead = horizon.min(length / 3);
    let stride = ahead.div_ceil(2).max(1);
    cuts(length, ahead, stride, (2 * season + 2).max(8), count)
}

/// Fits to the values of `series` before the cut, as `options` describe or, where `like` is given, with its
/// orders and kinds, and forecasts from there.
pub fn run(
    options: &SeriesOptions,
    series: &[f64],
    cut: Cut,
    like: Option<&Forecaster>,
) -> Option<Trial> {
    let before = &series[..cut.origin];
    let model = match like {
        Some(like) => options.fit_again(before, like),
        None => options.fit(before),
    }?;
    Some(Trial {
        origin: cut.origin,
        actual: series[cut.origin..cut.origin + cut.ahead].to_vec(),
        forecasts: model.forecasts(cut.ahead),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_go_back_from_the_end() {
        let origins = |cuts: Vec<Cut>| cuts.iter().map(|cut| cut.origin).collect::<Vec<_>>();
        assert_eq!(origins(cuts(20, 4, 2, 10, 3)), [16, 14, 12]);
        assert_eq!(origins(cuts(20, 4, 2, 13, 9)), [16, 14]);
        assert!(cuts(20, 0, 2, 1, 3).is_empty());
        assert!(cuts(3, 4, 1, 1, 3).is_empty());
        // A third of 15 steps at most.
        assert_eq!(
            trial_cuts(15, 6, 1, 1),
            [Cut {
                origin: 10,
                ahead: 5
            }]
        );
        assert!(trial_cuts(11, 6, 1, 1).len() == 1 && trial_cuts(10, 6, 4, 1).is_empty());
    }
}
