//! Page's two-sided cumulative sums, with the threshold computed from the mean run length.

use models::kernels::math;
use serde::{Deserialize, Serialize};

/// What counts as a change, and how rare false alarms are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PageHinkleyOptions {
    /// Half of the smallest change to find, in standard deviations. A change of twice this is found
    /// soonest.
    pub slack: f64,
    /// Mean number of values between false alarms.
    pub run_length: f64,
    /// Number of values that tell the mean and the deviation, if they are not given.
    pub warm_up: u32,
}

impl Default for PageHinkleyOptions {
    /// Changes of one standard deviation; one false alarm in 1,000 values; 50 values to begin with.
    fn default() -> PageHinkleyOptions {
        PageHinkleyOptions {
            slack: 0.5,
            run_length: 1000.0,
            warm_up: 50,
        }
    }
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The level has risen.
    Up,
    /// The level has fallen.
    Down,
}

/// A change that was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Number of the value (from 0) with which it was found.
    pub found_at: u64,
    /// Number of the first value of the new level, as far as can be told.
    pub since: u64,
    /// Where the level went.
    pub direction: Direction,
}

/// Watches a stream. After a change it begins anew.
///
/// Both sums S = max(0, S ± z - slack) of the standardized values z are compared with a threshold h,
/// for which normal values raise an alarm every `run_length` values (Siegmund 1985, equation 2.53).
/// Values that are not finite are counted and otherwise ignored. If mean and deviation are those of
/// the first values, false alarms are more frequent, as both are estimates.
///
/// # Examples
/// ```
/// use monitoring::drift::changes::{Direction, PageHinkley, PageHinkleyOptions};
///
/// let mut watch = PageHinkley::with_baseline(0.0, 1.0, PageHinkleyOptions::default());
/// let noise = |i: u64| ((i * 37 % 11) as f64 - 5.0) / 3.2; // deviation 1
/// assert!((0..200).all(|i| watch.add(noise(i)).is_none()));
/// let change = (200..300).find_map(|i| watch.add(noise(i) + 2.0)).unwrap();
/// assert_eq!(change.direction, Direction::Up);
/// assert!(change.since.abs_diff(200) <= 3 && change.found_at < 210);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageHinkley {
    options: PageHinkleyOptions,
    threshold: f64,
    /// Mean and deviation, if they do not come from the stream.
    given: Option<(f64, f64)>,
    baseline: Option<(f64, f64)>,
    start: Moments,
    values: u64,
    rising: Sum,
    falling: Sum,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    count: u32,
    mean: f64,
    squares: f64,
}

/// A sum, and the number of the first value in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    value: f64,
    since: u64,
}

impl Sum {
    fn add(&mut self, term: f64, number: u64) {
        if self.value == 0.0 {
            self.since = number;
        }
        self.value = (self.value + term).max(0.0);
    }
}

impl PageHinkley {
    /// Watches a stream whose first values tell what is normal.
    pub fn new(options: PageHinkleyOptions) -> PageHinkley {
        PageHinkley {
            options,
            threshold: threshold(options.slack.max(1e-3), options.run_length),
            given: None,
            baseline: None,
            start: Moments::default(),
            values: 0,
            rising: Sum::default(),
            falling: Sum::default(),
        }
    }

    /// Watches a stream whose mean and standard deviation are known, for example from a backtest.
    /// Without a positive deviation it begins like [`PageHinkley::new`].
    pub fn with_baseline(mean: f64, deviation: f64, options: PageHinkleyOptions) -> PageHinkley {
        let is_usable = mean.is_finite() && deviation.is_finite() && deviation > 0.0;
        let given = is_usable.then_some((mean, deviation));
        PageHinkley {
            given,
            baseline: given,
            ..PageHinkley::new(options)
        }
    }

    /// Number of values so far.
    pub fn values(&self) -> u64 {
        self.values
    }

    /// Adds the next value; the change, if this is the value with which it is found.
    ///
    /// Afterwards the values from here on tell what is normal, unless a baseline was given: then
    /// the change is found again until the level is back.
    pub fn add(&mut self, value: f64) -> Option<Change> {
        let number = self.values;
        self.values += 1;
        if !value.is_finite() {
            return None;
        }
        let Some((mean, deviation)) = self.baseline else {
            self.learn(value);
            return None;
        };
        let z = (value - mean) / deviation;
        self.rising.add(z - self.options.slack, number);
        self.falling.add(-z - self.options.slack, number);
        let direction = match () {
            () if self.rising.value > self.threshold => Direction::Up,
            () if self.falling.value > self.threshold => Direction::Down,
            () => return None,
        };
        let since = match direction {
            Direction::Up => self.rising.since,
            Direction::Down => self.falling.since,
        };
        (self.rising, self.falling) = (Sum::default(), Sum::default());
        (self.start, self.baseline) = (Moments::default(), self.given);
        Some(Change {
            found_at: number,
            since,
            direction,
        })
    }

    fn learn(&mut self, value: f64) {
        let start = &mut self.start;
        start.count += 1;
        let apart = value - start.mean;
        start.mean += apart / f64::from(start.count);
        start.squares += apart * (value - start.mean);
        if start.count >= self.options.warm_up.max(2) && start.squares > 0.0 {
            let deviation = (start.squares / f64::from(start.count - 1)).sqrt();
            self.baseline = Some((start.mean, deviation));
        }
    }
}

/// The threshold with this mean run length of two-sided sums of standard normal values: that of one
/// side is twice as long, and is (e^x - x - 1) / (2 slack²) with x = 2 slack (h + 1.166).
fn threshold(slack: f64, run_length: f64) -> f64 {
    let one_side = |h: f64| {
        let x = 2.0 * slack * (h + 1.166);
        (math::exp(x) - x - 1.0) / (2.0 * slack * slack)
    };
    let (mut low, mut high) = (0.0, 700.0 / (2.0 * slack) - 1.166);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        match one_side(middle) < 2.0 * run_length {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    fn normal(random: &mut ChaCha8Rng) -> f64 {
        let mut uniform = || ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        models::kernels::normal::normal_quantile(uniform())
    }

    #[test]
    fn thresholds_of_the_literature() {
        // Montgomery, Introduction to Statistical Quality Control: k = 1/2, h = 5 has a mean run
        // length of 465, h = 4 one of 168; Siegmund's approximation is within a few percent.
        assert!((threshold(0.5, 465.0) - 5.0).abs() < 0.05);
        assert!((threshold(0.5, 168.0) - 4.0).abs() < 0.05);
    }

    #[test]
    fn false_alarms_are_as_rare_as_asked() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut watch = PageHinkley::with_baseline(0.0, 1.0, PageHinkleyOptions::default());
        let alarms = (0..400_000).filter(|_| watch.add(normal(&mut random)).is_some());
        let alarms = alarms.count();
        // 400 expected.
        assert!((300..500).contains(&alarms), "{alarms}");
    }

    #[test]
    fn odd_input() {
        let mut watch = PageHinkley::new(PageHinkleyOptions::default());
        for value in [f64::NAN, f64::INFINITY, 1.0, 1.0, 1.0] {
            assert_eq!(watch.add(value), None);
        }
        assert_eq!(watch.values(), 5);
        // A constant series has no deviation to measure a change by.
        assert!((0..1000).all(|_| watch.add(1.0).is_none()));
        let unusable = PageHinkley::with_baseline(0.0, 0.0, PageHinkleyOptions::default());
        assert_eq!(unusable.baseline, None);
    }
}
