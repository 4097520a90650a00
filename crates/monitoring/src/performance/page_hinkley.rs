//! The Page-Hinkley test: since when has the mean of a stream changed? (Page 1954, "Continuous
//! inspection schemes"; Hinkley 1971, "Inference about the change-point from cumulative sum tests".)
//!
//! Deviations of values from their running mean, less a tolerated change `delta`, are summed. While
//! the mean stays, the sum falls; it alarms once it is `threshold` above its minimum, and the change is
//! dated to that minimum. A second sum watches for a fall of the mean in the same way.

use serde::{Deserialize, Serialize};

/// How the test is set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageHinkley {
    /// The change of the mean that is tolerated, in units of the values.
    pub delta: f64,
    /// How far a sum rises before it alarms, in units of the values: larger ones alarm later, and less
    /// often by chance.
    pub threshold: f64,
    /// What sums are multiplied by with each value: 1 keeps all, less forgets.
    pub alpha: f64,
    /// Number of values before the first alarm.
    pub least: u64,
}

impl Default for PageHinkley {
    /// River's defaults: a change of 0.005, a threshold of 50, forgetting of 0.0001, 30 values.
    fn default() -> PageHinkley {
        PageHinkley {
            delta: 0.005,
            threshold: 50.0,
            alpha: 0.9999,
            least: 30,
        }
    }
}

impl PageHinkley {
    /// For values whose standard deviation is known: a change of half a deviation is tolerated, and an
    /// alarm takes a sum of ten deviations. A change of one deviation then alarms after some 20 values.
    /// Independent normal values around a known mean alarm falsely about once in 140,000 values and
    /// side (Siegmund 1985, "Sequential Analysis"); values with a longer tail, such as absolute errors,
    /// more often.
    pub fn of_deviation(deviation: f64) -> PageHinkley {
        PageHinkley {
            delta: 0.5 * deviation,
            threshold: 10.0 * deviation,
            alpha: 1.0,
            least: 30,
        }
    }
}

/// Where the mean went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The mean rose.
    Up,
    /// The mean fell.
    Down,
}

/// A change of the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Where the mean went.
    pub direction: Direction,
    /// Index of the value that alarmed.
    pub at: u64,
    /// Index of the first value after the change, as dated.
    pub since: u64,
}

/// The state of the test, which can be saved between values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// Number of values, of which `count` since the latest alarm.
    seen: u64,
    count: u64,
    mean: f64,
    up: Side,
    down: Side,
}

/// The sum that watches one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Side {
    sum: f64,
    least: f64,
    /// Number of values up to the minimum, alarms included.
    at: u64,
}

impl Side {
    /// Adds a term; how far the sum is above its minimum.
    fn add(&mut self, term: f64, alpha: f64, seen: u64) -> f64 {
        self.sum = alpha * self.sum + term;
        if self.sum <= self.least {
            (self.least, self.at) = (self.sum, seen);
        }
        self.sum - self.least
    }
}

impl Detector {
    /// Takes the next value, and says whether it alarms; after an alarm the test begins anew. A value
    /// that is missing or infinite is passed over.
    ///
    /// # Examples
    /// ```
    /// use monitoring::performance::page_hinkley::{Detector, Direction, PageHinkley};
    ///
    /// let test = PageHinkley { delta: 0.1, threshold: 3.0, alpha: 1.0, least: 10 };
    /// let mut detector = Detector::default();
    /// // Fifty values of 0, then values of 1.
    /// let values = (0..60).map(|i| if i < 50 { 0.0 } else { 1.0 });
    /// let changes: Vec<_> = values.filter_map(|value| detector.update(&test, value)).collect();
    /// assert_eq!((changes[0].direction, changes[0].since), (Direction::Up, 50));
    /// ```
    pub fn update(&mut self, test: &PageHinkley, value: f64) -> Option<Change> {
        self.seen += 1;
        if !value.is_finite() {
            return None;
        }
        if self.count == 0 {
            // The minimum of an empty sum is where the test began.
            (self.up.at, self.down.at) = (self.seen - 1, self.seen - 1);
        }
        self.count += 1;
        self.mean += (value - self.mean) / self.count as f64;
        let deviation = value - self.mean;
        let above = self.up.add(deviation - test.delta, test.alpha, self.seen);
        let below = self
            .down
            .add(-deviation - test.delta, test.alpha, self.seen);
        if self.count < test.least {
            return None;
        }
        let (direction, since) = match (above > test.threshold, below > test.threshold) {
            (true, _) => (Direction::Up, self.up.at),
            (_, true) => (Direction::Down, self.down.at),
            _ => return None,
        };
        let seen = self.seen;
        *self = Detector {
            seen,
            ..Detector::default()
        };
        Some(Change {
            direction,
            at: seen - 1,
            since,
        })
    }
}

/// All changes in values.
pub fn changes(test: &PageHinkley, values: impl IntoIterator<Item = f64>) -> Vec<Change> {
    let mut detector = Detector::default();
    let update = |value| detector.update(test, value);
    values.into_iter().filter_map(update).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_are_found_as_rises_are() {
        let test = PageHinkley {
            delta: 0.1,
            threshold: 3.0,
            alpha: 1.0,
            least: 10,
        };
        let values = |sign: f64| (0..80).map(move |i| if i < 40 { 0.0 } else { sign });
        let up = changes(&test, values(1.0));
        let down = changes(&test, values(-1.0));
        assert_eq!(up[0].direction, Direction::Up);
        assert_eq!(down[0].direction, Direction::Down);
        assert_eq!((up[0].at, up[0].since), (down[0].at, down[0].since));
        assert_eq!(up.len(), 1, "begun anew, the values are all the same");
    }

    #[test]
    fn values_that_stay_do_not_alarm() {
        let test = PageHinkley::of_deviation(1.0);
        let values = (0..10_000).map(|i| f64::from(i * 7919 % 101) / 29.0); // sd 1.005
        assert!(changes(&test, values).is_empty());
    }

    #[test]
    fn missing_values_are_passed_over_and_keep_their_index() {
        let test = PageHinkley {
            delta: 0.0,
            threshold: 2.0,
            alpha: 1.0,
            least: 5,
        };
        let with = [0.0, 0.0, f64::NAN, 0.0, 0.0, 0.0, 5.0];
        let found = changes(&test, with);
        assert_eq!((found[0].at, found[0].since), (6, 6));
        assert!(changes(&test, [f64::NAN; 40]).is_empty());
    }
}
