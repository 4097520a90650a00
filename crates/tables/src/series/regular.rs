//! Puts a series on regular steps: handles several rows at one time and steps without a row, and
//! refuses times that do not form a series.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mark, Series};
use crate::clock::{Axis, Clock, MonthDay, Step};

/// How to combine rows of a series with the same time. A row with a value takes precedence over one
/// without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// Refuse them unless they have the same value.
    #[default]
    Error,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The value of the first row.
    First,
    /// The value of the last row.
    Last,
}

/// The value of a step without a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gaps {
    /// Unknown.
    #[default]
    Missing,
    /// Zero, since there was no demand.
    Zero,
}

/// Why a series cannot be used, and the row where it shows.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// The position of the row.
    pub mark: Mark,
    /// The reason in words.
    pub reason: String,
}

/// Maximum number of steps of a series: far more than are ever fitted, but few enough for memory.
pub const LONGEST_SERIES: usize = 1 << 20;
/// Number of steps below which distances between rows are not judged.
const SHORT: usize = 12;
/// Minimum number of rows of a series before it counts as keeping to some weekdays: four weeks of
/// five days.
const LONG_WEEKS: usize = 20;
const ONCE_A_MONTH: &str = "its rows are a month or more apart, but not on the same day of the month; give the first \
                            or the last day of each month (2024-02-01 or 2024-02-29)";
/// Number of consecutive rows at equal distances of more than a step, which indicate another
/// frequency.
const ALIKE: usize = 8;

impl Duplicates {
    /// Combines the values at one time; `None` if they contradict each other.
    fn join(self, values: &[f64]) -> Option<f64> {
        let known: Vec<f64> = values.iter().copied().filter(|y| y.is_finite()).collect();
        let (Some(&first), Some(&last)) = (known.first(), known.last()) else {
            return Some(f64::NAN);
        };
        match self {
            Duplicates::Error => known.iter().all(|y| *y == first).then_some(first),
            Duplicates::Sum => Some(known.iter().sum()),
            Duplicates::Mean => Some(known.iter().sum::<f64>() / known.len() as f64),
            Duplicates::First => Some(first),
            Duplicates::Last => Some(last),
        }
    }
}

/// One value per step from step 0 to that of the last row, with gaps according to `gaps`. `rows`
/// are steps and values, ascending; `count` is their number.
fn one_per_step(rows: impl Iterator<Item = (usize, f64)>, count: usize, gaps: Gaps) -> Vec<f64> {
    let absent = match gaps {
        Gaps::Missing => f64::NAN,
        Gaps::Zero => 0.0,
    };
    let mut values = Vec::with_capacity(count);
    for (step, value) in rows {
        values.resize(step, absent);
        values.push(value);
    }
    values
}

impl Series {
    /// Adds an observation that is not from a file; `time` is on the axis of the series.
    pub fn push(&mut self, time: i64, value: f64) {
        self.times.push(time);
        self.values.push(value);
        self.marks.push(Mark::default());
    }

    /// Sorts the rows and combines those with the same time; returns how many were removed.
    ///
    /// # Errors
    /// Rows with the same time and different values, with [`Duplicates::Error`].
    pub fn tidy(&mut self, duplicates: Duplicates) -> Result<usize, Problem> {
        self.sort();
        let before = self.times.len();
        let (mut start, mut kept) = (0, 0);
        while start < before {
            let same = |&time: &i64| time == self.times[start];
            let count = self.times[start..].iter().take_while(|t| same(t)).count();
            let group = &self.values[start..start + count];
            let value = match group {
                [one] => *one,
                _ => duplicates
                    .join(group)
                    .ok_or_else(|| self.contradiction(start, count))?,
            };
            self.times[kept] = self.times[start];
            self.values[kept] = value;
            self.marks[kept] = self.marks[start];
            kept += 1;
            start += count;
        }
        self.times.truncate(kept);
        self.values.truncate(kept);
        self.marks.truncate(kept);
        Ok(before - kept)
    }

    /// The position of a row, if it is stored.
    fn mark(&self, index: usize) -> Mark {
        self.marks.get(index).copied().unwrap_or_default()
    }

    fn contradiction(&self, start: usize, count: usize) -> Problem {
        let known = (start..start + count).filter(|&i| self.values[i].is_finite());
        let first = known.clone().next().unwrap_or(start);
        let differs = |&i: &usize| self.values[i] != self.values[first];
        let other = known.clone().find(differs).unwrap_or(start);
        // Observations of a request have no lines.
        if self.marks.is_empty() {
            let reason = format!(
                "{} and {} are given for one time; keep one of them",
                self.values[first], self.values[other]
            );
            return self.problem(other, reason);
        }
        Problem {
            mark: self.marks[other],
            reason: format!(
                "another value for the time of line {}; keep one of them, list every column that \
                distinguishes series in ts.data.id, or choose how to combine such rows with \
                 ts.data.duplicates: sum, mean, first or last",
                self.marks[first].line
            ),
        }
    }

    /// Values on every step from the first time to the last. Rows must be sorted, one per time.
    ///
    /// # Errors
    /// The first row that is not on a step, or follows a gap that is too long for one series.
    pub fn regular(&self, clock: &Clock, gaps: Gaps) -> Result<Vec<f64>, Problem> {
        let steps = self.steps(clock)?;
        let rows = steps.into_iter().zip(self.values.iter().copied());
        Ok(one_per_step(rows, self.values.len(), gaps))
    }

    /// Values on every step after `end`, the last known step; rows up to `end` are skipped. Rows
    /// must be sorted, one per time.
    ///
    /// # Errors
    /// Those of [`Series::steps_after`].
    pub fn regular_after(
        &self,
        end: i64,
        clock: &Clock,
        gaps: Gaps,
        farthest: usize,
    ) -> Result<Vec<f64>, Problem> {
        let steps = self.steps_after(end, clock, farthest)?;
        let rows = steps.into_iter().zip(self.values.iter().copied());
        // The first step after the end is step 0 of these values.
        let after = rows.filter(|(step, _)| *step > 0);
        let rows: Vec<(usize, f64)> = after.map(|(step, y)| (step as usize - 1, y)).collect();
        let count = rows.len();
        Ok(one_per_step(rows.into_iter(), count, gaps))
    }

    /// How many steps after `end` each row is: 1 is the next one, 0 and below are `end` and
    /// earlier.
    ///
    /// # Errors
    /// The first row that is not on a step, counted from `end`, or is more than `farthest` steps
    /// after it.
    pub fn steps_after(
        &self,
        end: i64,
        clock: &Clock,
        farthest: usize,
    ) -> Result<Vec<i64>, Problem> {
        let step = |(row, &time): (usize, &i64)| {
            let refused = |what: &str| {
                let reason = format!("{} is {what} ({clock})", clock.text(time));
                Err(self.problem(row, reason))
            };
            match clock.steps(end, time) {
                None => refused("not on the steps of the series"),
                Some(step) if step > farthest as i64 => refused("too far ahead of the series"),
                Some(step) => Ok(step),
            }
        };
        self.times.iter().enumerate().map(step).collect()
    }

    /// The step of each row, from 0; they must form one series.
    fn steps(&self, clock: &Clock) -> Result<Vec<usize>, Problem> {
        let first = self.times.first().copied().unwrap_or_default();
        let step = |(index, &time): (usize, &i64)| {
            let step = clock.steps(first, time).and_then(|s| s.try_into().ok());
            step.ok_or_else(|| self.off(index, clock))
        };
        let steps: Result<Vec<usize>, Problem> = self.times.iter().enumerate().map(step).collect();
        let steps = steps?;
        self.refuse_far_apart(&steps, clock)?;
        Ok(steps)
    }

    fn off(&self, index: usize, clock: &Clock) -> Problem {
        let time = clock.text(self.times[index]);
        let off = |t: &&i64| clock.steps(self.times[0], **t).is_none();
        let several = 10 * self.times.iter().filter(off).count() > self.times.len();
        let reason = if let Some(never) = clock.never(self.times[index]) {
            let other = match clock.step {
                Step::Weekdays { .. } => "set ts.frequency: D if every day counts",
                _ => "set the frequency with ts.frequency",
            };
            format!("{never}; correct the time, or {other}")
        } else if let Some(own) = self.another_frequency(clock) {
            self.describe_other(&own, clock)
        } else if several && self.is_once_a_month(clock.axis) {
            ONCE_A_MONTH.to_owned()
        } else {
            format!(
                "{time} is not on its regular steps, {clock} from {}; correct the time (a file has \
                 one frequency)",
                clock.text(self.times[0])
            )
        };
        self.problem(index, reason)
    }

    /// The series' own frequency, if all its rows fit it, few steps are missing, and it differs
    /// from `clock`.
    fn another_frequency(&self, clock: &Clock) -> Option<Clock> {
        let (&[first, .., last], 3..) = (&self.times[..], self.times.len()) else {
            return None;
        };
        let own = Clock::infer(clock.axis, std::iter::once(&self.times[..]));
        let on = |&time: &i64| own.steps(first, time).is_some();
        let span = own.steps(first, last)? as usize;
        let dense = span <= self.times.len() + self.times.len() / 4;
        let unlike = own.step != clock.step && own.to_string() != clock.to_string();
        (unlike && dense && self.times.iter().all(on)).then_some(own)
    }

    fn describe_other(&self, own: &Clock, clock: &Clock) -> String {
        format!(
            "its frequency is {own}, but that of the source is {clock}; put series of different \
            frequencies into separate files"
        )
    }

    /// Whether every row is in a different month, most of them a month, a quarter or a year after
    /// the previous one.
    fn is_once_a_month(&self, axis: Axis) -> bool {
        let months: Option<Vec<i64>> = self.times.iter().map(|&t| axis.month_number(t)).collect();
        let Some(months) = months.filter(|months| axis != Axis::Whole && months.len() > 2) else {
            return false;
        };
        let gaps: Vec<i64> = months.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let most = [1, 3, 12].map(|step| gaps.iter().filter(|gap| **gap == step).count());
        gaps.iter().all(|gap| *gap > 0) && most.iter().any(|count| 10 * count >= 8 * gaps.len())
    }

    /// Long gaps are missing values, unless one is most of the series.
    fn refuse_far_apart(&self, steps: &[usize], clock: &Clock) -> Result<(), Problem> {
        let gaps = || steps.windows(2).map(|pair| pair[1] - pair[0]);
        let span = steps.last().map_or(0, |last| last + 1);
        let Some((widest, at)) = gaps()
            .zip(1..)
            .max_by_key(|(gap, at)| (*gap, usize::MAX - at))
        else {
            return Ok(());
        };
        if span > LONGEST_SERIES || (span > SHORT && widest > 50 + 4 * (span - widest)) {
            return Err(Problem {
                mark: self.mark(at),
                reason: format!(
                    "{} is {widest} steps ({clock}) after the row before it; correct the time, \
                     or give the rows after the gap another id",
                    clock.text(self.times[at])
                ),
            });
        }
        Ok(())
    }

    /// Refuses rows of a test file, those from index `known`, that are not on the clock of the
    /// source: not on its steps, or all at equal distances of more than a step although rows of the
    /// source are not.
    ///
    /// # Errors
    /// The first such row.
    pub fn refuse_other_clock(
        &self,
        known: usize,
        clock: &Clock,
        gaps: Gaps,
    ) -> Result<(), Problem> {
        let mut steps = Vec::with_capacity(self.times.len());
        for (row, &time) in self.times.iter().enumerate() {
            match clock.steps(self.times[0], time) {
                Some(step) => steps.push(step),
                // A row of the source is refused as such.
                None if row < known => return Ok(()),
                None => {
                    let reason = format!(
                        "{} in the test file is not on a step of the source, {clock} from {}; \
                        correct the time, or use a test file of the same frequency",
                        clock.text(time),
                        clock.text(self.times[0])
                    );
                    return Err(self.problem(row, reason));
                }
            }
        }
        let (source, test) = steps.split_at(known);
        let apart = |steps: &[i64]| -> Vec<i64> { steps.windows(2).map(|p| p[1] - p[0]).collect() };
        let distances = apart(test);
        match distances.as_slice() {
            &[gap, ref others @ ..]
                if gaps == Gaps::Missing
                    && gap > 1
                    && !others.is_empty()
                    && others.iter().all(|other| *other == gap)
                    && apart(source).contains(&1) =>
            {
                let reason = format!(
                    "its rows in the test file are {gap} steps apart, but the source is {clock}; use \
                    a test file of the same frequency"
                );
                Err(self.problem(known + 1, reason))
            }
            _ => Ok(()),
        }
    }

    /// The error for a row.
    pub fn problem(&self, row: usize, reason: String) -> Problem {
        Problem {
            mark: self.mark(row),
            reason,
        }
    }

    /// Refuses rows with a different frequency than the file's, or with two: many consecutive rows
    /// are equally far apart, or few rows follow each other by a step.
    ///
    /// # Errors
    /// The row where it shows, and how far apart the rows are.
    pub fn refuse_sparse(&self, clock: &Clock, gaps: Gaps) -> Result<(), Problem> {
        let steps = self.steps(clock)?;
        let span = steps.last().map_or(0, |last| last + 1);
        let apart: Vec<usize> = steps.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let single = apart.iter().filter(|gap| **gap == 1).count();
        let alike = |run: &[usize]| run[0] > 1 && run.iter().all(|gap| *gap == run[0]);
        let run = apart.windows(ALIKE).position(alike);
        // A regular series may have long gaps.
        let sparse = span > 2 * steps.len() && 2 * single < apart.len();
        if gaps == Gaps::Zero || span <= SHORT || !(sparse || run.is_some()) {
            return Ok(());
        }
        let wide = |gap: &usize| *gap > 1;
        let usual = apart[0];
        // Two frequencies in one series show where the first of them ends.
        let whole = self.another_frequency(clock).is_some() || self.is_once_a_month(clock.axis);
        let change = || {
            apart
                .iter()
                .position(|gap| 3 * gap < 2 * usual || 2 * gap > 3 * usual)
        };
        let at = match run {
            _ if whole => None,
            Some(run @ 1..) => Some(run),
            _ => change().or_else(|| apart.iter().position(|gap| gap % usual != 0)),
        };
        let at = at.or_else(|| apart.iter().position(wide)).unwrap_or(0) + 1;
        let reason = self.describe_sparse(clock, &apart, at);
        Err(self.problem(at, reason))
    }

    /// Why rows that are `apart` this many steps are not a series of `clock`; it shows at row `at`.
    fn describe_sparse(&self, clock: &Clock, apart: &[usize], at: usize) -> String {
        if let Some(own) = self.another_frequency(clock) {
            return self.describe_other(&own, clock);
        }
        if self.is_once_a_month(clock.axis) {
            return ONCE_A_MONTH.to_owned();
        }
        let (Some(&least), Some(&most)) = (apart.iter().min(), apart.iter().max()) else {
            return String::new();
        };
        let steps = apart.iter().sum::<usize>() as f64;
        let alike = |run: &[usize]| run.iter().all(|gap| *gap == run[0]);
        let regular = apart.windows(ALIKE).any(alike);
        let how = match clock.axis {
            Axis::Time { utc: true } if regular => {
                "two frequencies, a wrong time, or daily times across a clock change; write days as dates, \
                not as times"
            }
            _ if regular => {
                "two frequencies in one series, or a wrong time; use separate ids, or correct \
                the time"
            }
            _ if 2.0 * least as f64 > steps / apart.len() as f64 => {
                "nearly regular, but not quite; correct the times, or number the steps 1, 2, 3, ..."
            }
            _ => {
                "if rows are only where there was demand, set ts.data.gaps: zero; otherwise correct the \
                 times"
            }
        };
        match regular {
            true => format!(
                "its rows are {} steps apart from here on ({clock}): {how}",
                apart[at - 1]
            ),
            false => format!("its rows are {least} to {most} steps apart ({clock}): {how}"),
        }
    }

    /// Refuses a series that keeps to weekdays which most rows of a daily source do not keep to.
    ///
    /// # Errors
    /// The first row after the missing days.
    pub fn refuse_other_days(&self, clock: &Clock) -> Result<(), Problem> {
        if clock.step != Step::Days(1) || self.times.len() < LONG_WEEKS {
            return Ok(());
        }
        let Some(own) = self.another_frequency(clock) else {
            return Ok(());
        };
        if !matches!(own.step, Step::Weekdays { .. }) {
            return Ok(());
        }
        let reason = format!(
            "its frequency is {own}, but that of the source is {clock}; put them into separate files, or \
            set ts.frequency: D, which counts the other days as missing"
        );
        let far = self
            .times
            .windows(2)
            .position(|pair| clock.steps(pair[0], pair[1]) > Some(1));
        Err(self.problem(far.map_or(0, |gap| gap + 1), reason))
    }

    /// Refuses a series on one of the last days of the month if others are on a different one:
    /// after a February, it would be unclear which day to return to.
    ///
    /// # Errors
    /// The first such row.
    pub fn refuse_late_days(&self, clock: &Clock) -> Result<(), Problem> {
        let own = matches!(
            clock.step,
            Step::Months {
                day: MonthDay::Own,
                ..
            }
        );
        let late = |&time: &i64| clock.axis.day_of_month(time) > Some(28);
        match self.times.iter().position(late).filter(|_| own) {
            None => Ok(()),
            Some(row) => {
                let reason = format!(
                    "{} is on one of the last days of a month, and other series are on a different one; give \
                     all the first or the last day of each month",
                    clock.text(self.times[row])
                );
                Err(self.problem(row, reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: Clock = Clock {
        axis: Axis::Whole,
        step: Step::Whole(1),
    };

    fn series(rows: &[(i64, f64)]) -> Series {
        let mark = |line| Mark { file: 0, line };
        Series {
            id: "a".to_owned(),
            times: rows.iter().map(|row| row.0).collect(),
            values: rows.iter().map(|row| row.1).collect(),
            marks: (2..).map(mark).take(rows.len()).collect(),
            fault: None,
        }
    }

    #[test]
    fn gaps_are_missing_or_zero() {
        let rows = series(&[(3, 1.0), (6, 2.0)]);
        let values = rows.regular(&STEPS, Gaps::Missing).unwrap();
        assert!(values[0] == 1.0 && values[1].is_nan() && values[2].is_nan() && values[3] == 2.0);
        assert_eq!(
            rows.regular(&STEPS, Gaps::Zero).unwrap(),
            [1.0, 0.0, 0.0, 2.0]
        );
    }

    #[test]
    fn newer_rows_go_on_where_the_series_ends() {
        let rows = series(&[(3, 1.0), (5, 2.0), (6, 3.0), (8, 4.0)]);
        let after = |end| rows.regular_after(end, &STEPS, Gaps::Zero, 10).unwrap();
        assert_eq!(after(4), [2.0, 3.0, 0.0, 4.0]);
        assert_eq!(after(6), [0.0, 4.0]);
        assert!(after(8).is_empty());
        assert_eq!(after(1), [0.0, 1.0, 0.0, 2.0, 3.0, 0.0, 4.0]);
        let far = rows.regular_after(-3, &STEPS, Gaps::Zero, 10).unwrap_err();
        assert_eq!((far.mark.line, far.reason.contains("too far")), (5, true));
        let twos = Clock {
            step: Step::Whole(2),
            ..STEPS
        };
        let off = rows.regular_after(1, &twos, Gaps::Zero, 10).unwrap_err();
        assert_eq!((off.mark.line, off.reason.contains("not on")), (4, true));
    }

    #[test]
    fn rows_of_one_time_become_one() {
        let rows = [(2, 4.0), (1, 1.0), (1, f64::NAN), (1, 2.0)];
        for (duplicates, value) in [
            (Duplicates::Sum, 3.0),
            (Duplicates::Mean, 1.5),
            (Duplicates::First, 1.0),
            (Duplicates::Last, 2.0),
        ] {
            let mut all = series(&rows);
            assert_eq!(all.tidy(duplicates), Ok(2));
            assert_eq!(
                (&all.times[..], &all.values[..]),
                (&[1, 2][..], &[value, 4.0][..])
            );
        }
        let problem = series(&rows).tidy(Duplicates::Error).unwrap_err();
        assert_eq!(problem.mark.line, 5);
        assert!(problem.reason.contains("line 3"), "{}", problem.reason);
        let mut alike = series(&[(1, 2.0), (1, f64::NAN), (1, 2.0)]);
        assert_eq!(alike.tidy(Duplicates::Error), Ok(2));
    }

    #[test]
    fn two_frequencies_are_found_where_they_change() {
        let weeks = || (0..20).map(|t| (7 * t, 1.0));
        let days = |from: i64, to: i64| (from..to).map(|t| (t, 1.0));
        // Weeks, then days; days, then weeks; most of the rows are days.
        for (rows, line) in [
            (weeks().chain(days(134, 154)).collect::<Vec<_>>(), 22),
            (weeks().chain(days(134, 434)).collect(), 22),
            (days(-300, 0).chain(weeks()).collect(), 303),
        ] {
            let two = series(&rows);
            let problem = two.refuse_sparse(&STEPS, Gaps::Missing).unwrap_err();
            assert_eq!(problem.mark.line, line); // below a header
            assert!(problem.reason.contains("two frequencies"));
            assert!(two.refuse_sparse(&STEPS, Gaps::Zero).is_ok());
        }
        // A long gap is not another frequency.
        let rows: Vec<(i64, f64)> = (0..30).chain(95..125).map(|t| (t, 1.0)).collect();
        assert!(series(&rows).refuse_sparse(&STEPS, Gaps::Missing).is_ok());
    }

    #[test]
    fn a_test_file_is_on_the_clock_of_the_source() {
        let twos = Clock {
            step: Step::Whole(2),
            ..STEPS
        };
        let rows = |times: &[i64]| {
            let rows: Vec<(i64, f64)> = times.iter().map(|&t| (t, 1.0)).collect();
            series(&rows)
        };
        for (times, clock, line, words) in [
            (
                &[0, 2, 4, 6, 7, 8][..],
                twos,
                6,
                "7 in the test file is not on a step",
            ),
            (
                &[0, 1, 2, 4, 6, 8],
                STEPS,
                6,
                "2 steps apart, but the source is whole",
            ),
        ] {
            let two = rows(times);
            let problem = two
                .refuse_other_clock(3, &clock, Gaps::Missing)
                .unwrap_err();
            assert_eq!(problem.mark.line, line);
            assert!(problem.reason.contains(words), "{}", problem.reason);
        }
        for (times, gaps) in [
            // A gap, a few rows, sporadic demand, an equally sparse source.
            (&[0, 1, 2, 4, 5, 8][..], Gaps::Missing),
            (&[0, 1, 2, 4, 6], Gaps::Missing),
            (&[0, 1, 2, 4, 6, 8], Gaps::Zero),
            (&[0, 2, 4, 6, 8, 10], Gaps::Missing),
        ] {
            assert_eq!(rows(times).refuse_other_clock(3, &STEPS, gaps), Ok(()));
        }
        // A wrong time of the source is reported as such.
        let wrong = rows(&[0, 1, 2, 4, 5, 6]);
        assert_eq!(wrong.refuse_other_clock(3, &twos, Gaps::Missing), Ok(()));
    }

    #[test]
    fn a_time_far_away_is_refused_before_memory_is_taken() {
        let rows: Vec<(i64, f64)> = (0..30).chain([1 << 50]).map(|t| (t, 1.0)).collect();
        for gaps in [Gaps::Missing, Gaps::Zero] {
            let problem = series(&rows).regular(&STEPS, gaps).unwrap_err();
            assert_eq!(problem.mark.line, 32);
        }
    }
}
