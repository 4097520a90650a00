//! Checks time series one by one: missing and repeated steps, constant values, outliers. The rows of a series may be
//! anywhere in a table larger than memory.

use crate::pipeline::validate::finding::Gathered;
use crate::pipeline::validate::keys::Record;
use tables::blocks::Spot;
use tables::clock::{Axis, Clock, Evidence, Notation, Numbers};
use tables::profile::spell_time;

/// An observation by the hash of its series' name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed {
    pub series: u64,
    pub spot: Spot,
    /// A whole number, or seconds since 1970.
    pub time: i64,
    /// NaN if there is none.
    pub value: f64,
    pub dated: bool,
}

impl Record for Observed {
    const BYTES: usize = 40;

    fn key(&self) -> u64 {
        self.series
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        [
            self.series,
            self.spot.0,
            self.time.cast_unsigned(),
            self.value.to_bits(),
            u64::from(self.dated),
        ]
        .into_iter()
    }

    fn from_words(mut next: impl FnMut() -> u64) -> Self {
        Observed {
            series: next(),
            spot: Spot(next()),
            time: next().cast_signed(),
            value: f64::from_bits(next()),
            dated: next() == 1,
        }
    }

    /// Each series by time.
    fn sort(records: &mut [Self]) {
        records.sort_unstable_by(|a, b| {
            let times = a.time.cmp(&b.time);
            a.series
                .cmp(&b.series)
                .then(times)
                .then(a.spot.cmp(&b.spot))
        });
    }
}

/// The faults of some series.
pub(super) struct Faults {
    /// The meaning of whole numbers.
    notation: Notation,
    pub series: u64,
    /// Observations of all series.
    pub rows: u64,
    /// Number of observations of the shortest series, and the place of its first row.
    pub shortest: Option<(u64, Spot)>,
    /// Number of missing steps, and the rows after them.
    pub missing: u64,
    pub gaps: Gathered,
    /// Rows that repeat a time of their series.
    pub repeated: Gathered,
    /// First rows of constant series.
    pub constant: Gathered,
    pub outlying: Gathered,
}

const DAY: i64 = 86_400;

impl Faults {
    pub fn new(shown: usize, notation: Notation) -> Faults {
        let none = || Gathered::new(shown);
        Faults {
            notation,
            series: 0,
            rows: 0,
            shortest: None,
            missing: 0,
            gaps: none(),
            repeated: none(),
            constant: none(),
            outlying: none(),
        }
    }

    /// Checks one series, sorted by time, on `clock`.
    pub fn look_at(&mut self, series: &[Observed], clock: &Clock) {
        self.series += 1;
        let length = series.len() as u64;
        self.rows += length;
        let start = series[0].spot;
        if self
            .shortest
            .is_none_or(|(shortest, spot)| (length, start) < (shortest, spot))
        {
            self.shortest = Some((length, start));
        }
        for pair in series.windows(2) {
            if pair[0].time == pair[1].time {
                self.repeated.add(pair[1].spot, || pair[1].spelled());
            }
        }
        self.find_gaps(series, clock);
        let values: Vec<f64> = series.iter().map(|row| row.value).collect();
        if values.len() >= 4 && values.windows(2).all(|pair| pair[0] == pair[1]) {
            self.constant
                .add(start, || format!("{} in {length} rows", values[0]));
        }
        for index in outlying(&values) {
            let row = &series[index];
            self.outlying
                .add(row.spot, || format!("{} at {}", row.value, row.spelled()));
        }
    }

    /// Steps of the clock between two rows; a time off the clock is refused by `prepare`.
    fn find_gaps(&mut self, series: &[Observed], clock: &Clock) {
        for pair in series.windows(2) {
            let times = [&pair[0], &pair[1]].map(|row| row.on(clock.axis, self.notation));
            let [Some(before), Some(time)] = times else {
                continue;
            };
            let missing = clock.steps(before, time).unwrap_or(0) - 1;
            if missing > 0 {
                self.missing += missing.cast_unsigned();
                self.gaps.add(pair[1].spot, || {
                    format!("{missing} missing before {}", pair[1].spelled())
                });
            }
        }
    }

    /// Adds the faults of other series.
    pub fn merge(&mut self, other: Faults) {
        self.series += other.series;
        self.rows += other.rows;
        self.missing += other.missing;
        self.shortest = self.shortest.into_iter().chain(other.shortest).min();
        let mine = [
            &mut self.gaps,
            &mut self.repeated,
            &mut self.constant,
            &mut self.outlying,
        ];
        let others = [other.gaps, other.repeated, other.constant, other.outlying];
        mine.into_iter()
            .zip(others)
            .for_each(|(mine, other)| mine.merge_by_place(other));
    }
}

impl Observed {
    pub fn spelled(&self) -> String {
        match self.dated {
            true => spell_time(self.time as f64, self.time % DAY != 0),
            false => format!("{}", self.time),
        }
    }

    /// Its time on `axis`; `None` for a time of another kind.
    fn on(&self, axis: Axis, notation: Notation) -> Option<i64> {
        match axis {
            Axis::Whole => (!self.dated).then_some(self.time),
            _ if !self.dated => axis.take_written(notation, self.time),
            Axis::Date => self.dated.then_some(self.time.div_euclid(DAY)),
            Axis::Time { .. } => self.dated.then_some(self.time),
        }
    }
}

/// The kinds of times that rows have.
#[derive(Clone, Debug, Default)]
pub(super) struct Kinds {
    /// Whether one is a date or a time, and whether one is not at midnight.
    dated: bool,
    timed: bool,
    numbers: Numbers,
}

impl Kinds {
    pub fn add(&mut self, row: &Observed) {
        self.dated |= row.dated;
        self.timed |= row.dated && row.time % DAY != 0;
        if !row.dated {
            self.numbers.add(row.time);
        }
    }

    /// The axis, and the meaning of whole numbers; `said` is that given in the parameters.
    ///
    /// # Errors
    /// Numbers that look like times but are not read as such.
    pub fn axis(&self, said: Option<Notation>) -> Result<(Axis, Notation), String> {
        match (self.dated, self.timed, said) {
            (false, _, None) => self
                .numbers
                .notation()
                .map(|(notation, axis)| (axis, notation)),
            // Times of the day follow from the given notation; midnights on a finer axis do no harm.
            (false, _, Some(notation)) => Ok((notation.axis(true), notation)),
            (true, false, _) => Ok((Axis::Date, Notation::Number)),
            (true, true, _) => Ok((Axis::Time { utc: false }, Notation::Number)),
        }
    }
}

/// Adds the evidence of a series, sorted by time, on the clock of its table.
pub(super) fn add_evidence(
    evidence: &mut Evidence,
    (axis, notation): (Axis, Notation),
    series: &[Observed],
) {
    let mut times: Vec<i64> = series
        .iter()
        .filter_map(|row| row.on(axis, notation))
        .collect();
    times.dedup();
    evidence.add(&times);
}

/// Number of neighbours on each side that a value is compared with.
const SIDE: usize = 3;
/// Number of deviations from which a value is an outlier.
const FAR: f64 = 12.0;
/// If more than one value in this many is far out, that is normal for the series.
const RARE: usize = 50;

/// Indices of outliers: values far from the median of their neighbours (Hampel, "The influence curve", 1974). At the
/// ends of a series, with neighbours on one side only, growth alone moves a value away from them: there it must also
/// be far from their trend. Frequent deviations, as with each season, are not outliers.
fn outlying(values: &[f64]) -> Vec<usize> {
    let mut far = far_out(values, from_median);
    if far.len() > (values.len() / RARE).max(1) {
        return Vec::new();
    }
    let at_end = |at: usize| at < SIDE || at + SIDE >= values.len();
    if far.iter().any(|&at| at_end(at)) {
        let off_trend = far_out(values, from_trend);
        far.retain(|&at| !at_end(at) || off_trend.contains(&at));
    }
    far
}

/// Indices of values whose distance is more than [`FAR`] deviations, estimated from the median distance as for a
/// normal distribution.
fn far_out(values: &[f64], distance: fn(&[f64], usize) -> f64) -> Vec<usize> {
    let distances: Vec<f64> = (0..values.len()).map(|at| distance(values, at)).collect();
    let finite = distances.iter().copied().filter(|d| d.is_finite());
    let mut sorted: Vec<f64> = finite.collect();
    if sorted.len() < 12 {
        return Vec::new();
    }
    sorted.sort_by(f64::total_cmp);
    let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
    // If most values are exactly as expected, use the mean distance.
    let scale = (1.4826 * sorted[sorted.len() / 2]).max(1.2533 * mean / 2.0);
    let far = |&at: &usize| scale > 0.0 && distances[at] > FAR * scale;
    (0..values.len()).filter(far).collect()
}

/// The distance from the median of the neighbours, without the value itself; NaN if there are none.
fn from_median(values: &[f64], at: usize) -> f64 {
    let near = neighbours(values, at).map(|other| values[other]);
    (values[at] - median(near.collect())).abs()
}

/// The distance from the line through the neighbours, with the median of the slopes between two of them and the median
/// of the intercepts (Theil 1950; Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968). NaN if
/// there is none.
fn from_trend(values: &[f64], at: usize) -> f64 {
    let near: Vec<usize> = neighbours(values, at).collect();
    let pairs = near.iter().enumerate();
    let pairs = pairs.flat_map(|(index, &a)| near[index + 1..].iter().map(move |&b| (a, b)));
    let slopes = pairs.map(|(a, b)| (values[b] - values[a]) / (b - a) as f64);
    let slope = match near.len() {
        1 => 0.0,
        _ => median(slopes.collect()),
    };
    let passing = near
        .iter()
        .map(|&other| values[other] + slope * (at as f64 - other as f64));
    (values[at] - median(passing.collect())).abs()
}

/// Up to [`SIDE`] on each side, of those that have a value.
fn neighbours(values: &[f64], at: usize) -> impl Iterator<Item = usize> {
    let range = at.saturating_sub(SIDE)..(at + SIDE + 1).min(values.len());
    range.filter(move |&other| other != at && values[other].is_finite())
}

/// NaN of no numbers.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        n => (numbers[(n - 1) / 2] + numbers[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::profile::understand;

    fn series(times: &[&str], value: impl Fn(usize) -> f64) -> Vec<Observed> {
        let rows = times.iter().enumerate().map(|(index, time)| {
            let time = understand(time.as_bytes());
            Observed {
                series: 1,
                spot: Spot::new(0, index as u64 + 2),
                time: time.number as i64,
                value: value(index),
                dated: time.class.is_time(),
            }
        });
        rows.collect()
    }

    fn faults(times: &[&str]) -> Faults {
        let mut faults = Faults::new(10, Notation::Number);
        let rows = series(times, |i| i as f64);
        faults.look_at(&rows, &clock(&rows));
        faults
    }

    fn clock(rows: &[Observed]) -> Clock {
        let mut kinds = Kinds::default();
        rows.iter().for_each(|row| kinds.add(row));
        let (axis, notation) = kinds.axis(None).unwrap();
        let mut evidence = Evidence::new(axis);
        add_evidence(&mut evidence, (axis, notation), rows);
        evidence.clock()
    }

    /// Rows after gaps, from 0, and the number of steps missing before each.
    fn gaps(times: &[&str]) -> Vec<(u64, String)> {
        let found = faults(times).gaps.places.rows;
        let gap = |(spot, what): (Spot, String)| {
            let steps = what.split(' ').next().unwrap().to_owned();
            (spot.line() - 2, steps)
        };
        found.into_iter().map(gap).collect()
    }

    #[test]
    fn gaps_are_found_on_every_clock() {
        let months = "2024-01-31 2024-02-29 2024-03-31 2024-05-31 2024-06-30";
        let hours = "2024-01-01T00:00 2024-01-01T01:00 2024-01-01T02:00 2024-01-01T04:00";
        for (times, expected) in [
            (months, &[(3, "1")][..]),
            (hours, &[(3, "1")]),
            ("1 2 3 7 8", &[(3, "3")]),
            ("1 2 2 3 7 8", &[(4, "3")]),
            ("2000-01-01 2001-01-01 2002-01-01 2003-01-01", &[]),
            ("2023-12-29 2024-01-31 2024-02-29 2024-04-30", &[(3, "1")]),
            ("5", &[]),
        ] {
            let times: Vec<&str> = times.split(' ').collect();
            let expected: Vec<(u64, String)> = expected
                .iter()
                .map(|(row, steps)| (*row, (*steps).to_owned()))
                .collect();
            assert_eq!(gaps(&times), expected, "{times:?}");
        }
    }

    #[test]
    fn weekends_are_no_gaps_in_business_days() {
        // 2024-01-01 was a Monday.
        let days: Vec<String> = (1..=26)
            .filter(|day| (day - 1) % 7 < 5 && *day != 10)
            .map(|day| format!("2024-01-{day:02}"))
            .collect();
        let days: Vec<&str> = days.iter().map(String::as_str).collect();
        assert_eq!(gaps(&days), [(7, "1".to_owned())]);
        // With a Saturday they are days.
        let week: Vec<String> = (1..=10)
            .filter(|d| *d != 7)
            .map(|d| format!("2024-01-{d:02}"))
            .collect();
        let week: Vec<&str> = week.iter().map(String::as_str).collect();
        assert_eq!(gaps(&week), [(6, "1".to_owned())]);
    }

    #[test]
    fn gaps_are_placed_at_the_row_behind_them() {
        let found = faults(&["1", "2", "3", "7", "8", "10"]);
        assert_eq!(found.missing, 4);
        let (spot, what) = &found.gaps.places.rows[0];
        assert_eq!((spot.line(), what.as_str()), (5, "3 missing before 7"));
        let months = ["2024-01-31", "2024-02-29", "2024-03-31", "2024-05-31"];
        let found = faults(&months);
        assert_eq!(found.gaps.places.rows[0].1, "1 missing before 2024-05-31");
    }

    #[test]
    fn repeated_times_and_constant_series_are_found() {
        assert_eq!(faults(&["1", "2", "2", "3"]).repeated.count, 1);
        let mut found = Faults::new(10, Notation::Number);
        let rows = series(&["1", "2", "3", "4"], |_| 7.0);
        found.look_at(&rows, &clock(&rows));
        assert_eq!(found.constant.count, 1);
    }

    #[test]
    fn spikes_stand_out_and_seasons_do_not() {
        let seasonal: Vec<f64> = (0..120)
            .map(|i| {
                if i % 12 == 11 {
                    500.0
                } else {
                    100.0 + (i % 12) as f64
                }
            })
            .collect();
        assert_eq!(outlying(&seasonal), Vec::<usize>::new());
        let growing: Vec<f64> = (0..100).map(|i| libm::pow(1.05, f64::from(i))).collect();
        assert_eq!(outlying(&growing), Vec::<usize>::new());
        let mut noisy: Vec<f64> = (0..100).map(|i| 50.0 + f64::from(i * 37 % 11)).collect();
        noisy[40] = 900.0;
        assert_eq!(outlying(&noisy), [40]);
        assert_eq!(outlying(&[f64::NAN; 50]), Vec::<usize>::new());
    }

    #[test]
    fn growth_at_the_end_is_no_fault_and_a_jump_is() {
        // 20 years of little change, then a third more each year.
        let mut growing: Vec<f64> = (0..20).map(|i| 100.0 + f64::from(i * 37 % 11)).collect();
        growing.extend([135.0, 180.0, 240.0, 320.0]);
        let end = growing.len() - 1;
        assert!(far_out(&growing, from_median).contains(&end));
        assert_eq!(outlying(&growing), Vec::<usize>::new());
        growing.reverse();
        assert_eq!(outlying(&growing), Vec::<usize>::new());
        let mut noisy: Vec<f64> = (0..100).map(|i| 50.0 + f64::from(i * 37 % 11)).collect();
        noisy[99] = 900.0;
        assert_eq!(outlying(&noisy), [99]);
        let line: Vec<f64> = (0..9).map(f64::from).collect();
        assert_eq!(from_trend(&line, 8), 0.0);
        assert_eq!(from_median(&line, 8), 2.0);
        assert_eq!(from_trend(&[1.0, f64::NAN, 4.0], 2), 3.0);
    }
}
