//! A series on regular steps: what becomes of rows of one time, of steps without a row, and which
//! times are no series.

use serde::{Deserialize, Serialize};

use super::{Mark, Series};
use crate::clock::{Axis, Clock};

/// What becomes of rows of one series and time. A row without a value gives way to one with a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// They must have the same value.
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

/// What a step without a row means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gaps {
    /// Nobody knows.
    #[default]
    Missing,
    /// Nothing was asked for.
    Zero,
}

/// Why a series cannot be taken, and at which row that shows.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the row stands.
    pub mark: Mark,
    /// What is wrong, in words.
    pub reason: String,
}

/// Most steps of a series: far more than any that is fitted, few enough for memory.
pub const LONGEST_SERIES: usize = 1 << 20;
/// Steps below which nothing is said of how far rows lie apart.
const SHORT: usize = 12;
/// Rows in a row that lie equally far apart, more than a step: no chance, but another frequency.
const ALIKE: usize = 8;

impl Duplicates {
    /// One value for those of one time; none where they contradict each other.
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

/// One value per step from step 0 to that of the last row; a gap is what `gaps` says. `rows` are steps and
/// values, ascending; `count` says how many.
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
    /// Adds an observation that comes from no file; `time` is on the axis of the series.
    pub fn push(&mut self, time: i64, value: f64) {
        self.times.push(time);
        self.values.push(value);
        self.marks.push(Mark::default());
    }

    /// Sorts the rows and makes one of those of one time; how many rows that makes fewer.
    ///
    /// # Errors
    /// Rows of one time whose values differ, with [`Duplicates::Error`].
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

    /// Where a row stands, if that is kept.
    fn mark(&self, index: usize) -> Mark {
        self.marks.get(index).copied().unwrap_or_default()
    }

    fn contradiction(&self, start: usize, count: usize) -> Problem {
        let known = (start..start + count).filter(|&i| self.values[i].is_finite());
        let first = known.clone().next().unwrap_or(start);
        let differs = |&i: &usize| self.values[i] != self.values[first];
        let other = known.clone().find(differs).unwrap_or(start);
        Problem {
            mark: self.marks[other],
            reason: format!(
                "another value for the time of line {}; keep one of them, or say how they are to \
                 be joined with ts.data.duplicates: sum, mean, first or last",
                self.marks[first].line
            ),
        }
    }

    /// Values on every step from the first time to the last. Rows are sorted, one per time.
    ///
    /// # Errors
    /// The first row that is not on a step, or follows a gap too long for one series.
    pub fn regular(&self, clock: &Clock, gaps: Gaps) -> Result<Vec<f64>, Problem> {
        let steps = self.steps(clock)?;
        let rows = steps.into_iter().zip(self.values.iter().copied());
        Ok(one_per_step(rows, self.values.len(), gaps))
    }

    /// Values on every step after `end`, the last step already known; rows up to `end` are skipped.
    /// Rows are sorted, one per time.
    ///
    /// # Errors
    /// As [`Series::steps_after`].
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

    /// How many steps after `end` each row is: 1 is the next one, 0 and below are `end` and what is before it.
    ///
    /// # Errors
    /// The first row that is not on a step, counted from `end`, or is more than `farthest` steps after it.
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

    /// Which step each row is on, from 0; they must be those of one series.
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
        Problem {
            mark: self.mark(index),
            reason: format!(
                "{} is not on its regular steps, {clock} from {}; correct the time (a file has \
                 one frequency)",
                clock.text(self.times[index]),
                clock.text(self.times[0])
            ),
        }
    }

    /// Long gaps are missing values, but not one that is most of the series.
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
                    "{} lies {widest} steps ({clock}) behind the row before it; correct the time, \
                     or give what comes after the gap another id",
                    clock.text(self.times[at])
                ),
            });
        }
        Ok(())
    }

    /// Refuses rows of a test file, those from index `known` on, that are not on the clock of the source: not
    /// on its steps, or all of them equally far apart by more than a step, though rows of the source are not.
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
                // Of the source: it is refused as such.
                None if row < known => return Ok(()),
                None => {
                    let reason = format!(
                        "{} in the test file is not on the clock of the source, {clock} from {}; \
                         correct the time, or give a test file of the same frequency",
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
                    "its rows in the test file are {gap} steps apart, but the source is {clock}; give \
                     a test file of the same frequency"
                );
                Err(self.problem(known + 1, reason))
            }
            _ => Ok(()),
        }
    }

    /// What is wrong with a row.
    pub fn problem(&self, row: usize, reason: String) -> Problem {
        Problem {
            mark: self.mark(row),
            reason,
        }
    }

    /// Refuses rows of another frequency than the file's, or of two: many in a row lie as far apart, or
    /// hardly one follows the other by a step.
    ///
    /// # Errors
    /// The row at which it shows, and how far apart the rows are.
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
        let usual = apart[0];
        let first = |changed: &dyn Fn(usize) -> bool| apart.iter().position(|gap| changed(*gap));
        let change = first(&|gap| 3 * gap < 2 * usual || 2 * gap > 3 * usual)
            .or_else(|| first(&|gap| gap % usual != 0));
        let change = run.filter(|at| *at > 0).or(change);
        let at = change.map_or(steps.len() - 1, |gap| gap + 1);
        Err(Problem {
            mark: self.mark(at),
            reason: format!(
                "its rows lie {usual} and here {} steps apart ({clock}): {}",
                apart[at - 1],
                match clock.axis {
                    Axis::Time { utc: true } =>
                        "two frequencies, a wrong time, or days by a clock that was changed, which \
                         are dates better than times",
                    _ =>
                        "two frequencies, a wrong time, or rows only where there was demand; for \
                         the last set ts.data.gaps: zero",
                }
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Step;

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
        // A long gap is no other frequency.
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
                "7 in the test file is not on the clock",
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
            // A gap, a few rows, sporadic demand, a source that is as sparse.
            (&[0, 1, 2, 4, 5, 8][..], Gaps::Missing),
            (&[0, 1, 2, 4, 6], Gaps::Missing),
            (&[0, 1, 2, 4, 6, 8], Gaps::Zero),
            (&[0, 2, 4, 6, 8, 10], Gaps::Missing),
        ] {
            assert_eq!(rows(times).refuse_other_clock(3, &STEPS, gaps), Ok(()));
        }
        // A wrong time of the source is told as such.
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
