//! The frequency of series out of their times alone.

use super::{Axis, Clock, DAY, Step, date, greatest_common_divisor, month, month_number};

/// Steps a row, above which a wrong time may have made the steps finer than they are.
const SPARSE: i64 = 2;

impl Clock {
    /// The step of the series that have most of the rows; where none has more than half of them, the
    /// widest on which all times lie. Each series is ascending.
    ///
    /// Where no series has two times, the step is one.
    pub fn infer<'a>(axis: Axis, series: impl Iterator<Item = &'a [i64]> + Clone) -> Clock {
        let mut votes: Vec<(Step, usize)> = Vec::new();
        for times in series.clone().filter(|times| times.len() > 1) {
            let step = usual(axis, times);
            match votes.iter_mut().find(|(known, _)| *known == step) {
                Some((_, rows)) => *rows += times.len(),
                None => votes.push((step, times.len())),
            }
        }
        let all: usize = votes.iter().map(|(_, rows)| rows).sum();
        let step = match votes.iter().find(|(_, rows)| 2 * rows > all) {
            Some((step, _)) => *step,
            None => common(axis, series),
        };
        Clock { axis, step }
    }
}

/// The step of one series.
fn usual(axis: Axis, times: &[i64]) -> Step {
    let step = common(axis, std::iter::once(times));
    let (first, last) = (times[0], times[times.len() - 1]);
    let span = Clock { axis, step }.steps(first, last);
    match span.is_some_and(|span| span > SPARSE * times.len() as i64) {
        true => frequent(axis, times).unwrap_or(step),
        false => step,
    }
}

/// The most frequent distance, where nine of ten times lie on such steps.
fn frequent(axis: Axis, times: &[i64]) -> Option<Step> {
    let mut candidates = Vec::new();
    if axis != Axis::Whole {
        let number = |&time: &i64| month_number(axis.day(time).0);
        let months: Vec<i64> = times.iter().filter_map(number).collect();
        let count = most_frequent_gap(&months);
        let steps = [false, true].map(|last_day| Step::Months { count, last_day });
        candidates.extend(steps.into_iter().filter(|_| count > 0));
    }
    let gap = most_frequent_gap(times).max(1);
    candidates.push(match axis {
        Axis::Whole => Step::Whole(gap),
        Axis::Date => Step::Days(gap),
        Axis::Time { .. } if gap % DAY == 0 => Step::Days(gap / DAY),
        Axis::Time { .. } => Step::Seconds(gap),
    });
    candidates.into_iter().find(|&step| {
        let clock = Clock { axis, step };
        let on = |origin: i64| {
            times
                .iter()
                .filter(move |t| clock.steps(origin, **t).is_some())
        };
        // The first time may be the wrong one.
        let most = times[..2].iter().map(|&origin| on(origin).count()).max();
        most.is_some_and(|most| 10 * most >= 9 * times.len())
    })
}

/// Of equally frequent ones the smallest; 0 where there is none.
fn most_frequent_gap(values: &[i64]) -> i64 {
    let mut gaps: Vec<i64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let mut best: &[i64] = &[];
    for run in gaps.chunk_by(|a, b| a == b) {
        if run.len() > best.len() {
            best = run;
        }
    }
    best.first().copied().unwrap_or(0)
}

/// The widest step on which all times of all series lie.
fn common<'a>(axis: Axis, series: impl Iterator<Item = &'a [i64]> + Clone) -> Step {
    let gaps = series.clone().flat_map(|times| times.windows(2));
    let gap = gaps.fold(0, |gcd, pair| {
        greatest_common_divisor(gcd, pair[1] - pair[0])
    });
    let days = match axis {
        Axis::Whole => return Step::Whole(gap.max(1)),
        Axis::Date => gap,
        Axis::Time { .. } if gap % DAY == 0 => gap / DAY,
        Axis::Time { .. } => return Step::Seconds(gap),
    };
    months(axis, series).unwrap_or(Step::Days(days.max(1)))
}

/// Months, where every series keeps to one day of the month, or to the last.
fn months<'a>(axis: Axis, series: impl Iterator<Item = &'a [i64]>) -> Option<Step> {
    let mut gap = 0;
    let (mut same_day, mut last_day) = (true, true);
    for times in series {
        let mut before: Option<(i64, i8)> = None;
        for &time in times {
            let date = date(axis.day(time).0)?;
            let (month, last) = month(date);
            last_day &= last;
            if let Some((earlier, day)) = before {
                same_day &= date.day() == day;
                if month == earlier || !(same_day || last_day) {
                    return None;
                }
                gap = greatest_common_divisor(gap, month - earlier);
            }
            before = Some((month, date.day()));
        }
    }
    (gap > 0).then_some(Step::Months {
        count: gap,
        last_day: last_day && !same_day,
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn inferred(series: &[Vec<String>]) -> String {
        let mut axis = Axis::Whole;
        let mut number = |text: &String| {
            let (read, value) = parse(text).unwrap();
            axis = read;
            value
        };
        let all: Vec<Vec<i64>> = (series.iter())
            .map(|texts| texts.iter().map(&mut number).collect())
            .collect();
        Clock::infer(axis, all.iter().map(Vec::as_slice)).to_string()
    }

    /// As pandas' `date_range` gives for MS, ME, QS, QE, YS, YE, 2QS, D, B, W, h, 15min, 4h.
    #[test]
    fn frequencies_are_inferred() {
        for (times, name) in [
            ("2024-01-01 2024-02-01 2024-03-01", "monthly"),
            ("2024-01-31 2024-02-29 2024-04-30", "monthly"),
            ("2024-01-15 2024-04-15 2024-10-15", "quarterly"),
            ("2023-12-31 2024-03-31 2024-06-30", "quarterly"),
            ("1999-01-01 2000-01-01 2001-01-01", "yearly"),
            ("1999-12-31 2000-12-31 2003-12-31", "yearly"),
            ("2024-01-01 2024-07-01 2025-01-01", "every 6 months"),
            ("2024-02-28 2024-02-29 2024-03-02", "daily"),
            ("2024-01-04 2024-01-05 2024-01-08", "daily"),
            ("2024-01-01 2024-01-08 2024-01-22", "weekly"),
            ("2024-01-01T00:00:00 2024-01-01T01:00:00", "hourly"),
            ("2024-01-01T00:00 2024-01-01T00:15", "every 15 minutes"),
            ("2024-01-01T00:00Z 2024-01-01T04:00Z", "every 4 hours"),
            ("2024-01-01T00:00:00 2024-02-01T00:00:00", "monthly"),
            ("3 4 7", "whole numbers"),
            ("2010 2020 2025", "every 5th whole number"),
            ("2024-01-01", "daily"),
        ] {
            let texts: Vec<String> = times.split(' ').map(str::to_owned).collect();
            assert_eq!(inferred(&[texts]), name, "{times}");
        }
    }

    #[test]
    fn one_wrong_time_changes_no_frequency() {
        let first = |m: usize| format!("{}-{:02}-01", 2020 + m / 12, m % 12 + 1);
        let right: Vec<String> = (0..36).map(first).collect();
        let mut wrong = right.clone();
        wrong[20] = "2021-09-03".to_owned();
        assert_eq!(inferred(&[wrong.clone()]), "monthly");
        assert_eq!(inferred(&[wrong, right]), "monthly");
    }

    #[test]
    fn the_most_rows_decide_between_series() {
        let every = |step: usize, rows: usize| -> Vec<String> {
            (0..rows).map(|row| (step * row).to_string()).collect()
        };
        let few = inferred(&[every(7, 40), every(1, 10)]);
        assert_eq!(few, "every 7th whole number");
        assert_eq!(inferred(&[every(7, 40), every(1, 40)]), "whole numbers");
    }
}
