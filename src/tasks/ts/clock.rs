//! The clock of the prepared parts: `prepare` infers it once and writes it next to them; `train` and `evaluate` read
//! it and never infer it again.
//!
//! It defines the kind of times and the distance between steps. The steps of each series start at its first row.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::exit;
use crate::project::Project;
use crate::task::Task;
use crate::tasks::ts::Ts;
use tables::clock::{Axis, Clock, MonthDay, Step, Week};

/// Its file in the folder of the prepared parts.
const FILE: &str = "clock.json";
const VERSION: u32 = 1;

/// A clock as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    times: TimeKind,
    unit: Unit,
    /// Units from one step to the next.
    count: i64,
    /// Of weekdays: which count, a bit each, Monday the lowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weekdays: Option<i64>,
    /// Of months: the day, 29 to 31, that series keep to, or the last of a month that does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    late_day: Option<i8>,
}

/// What the column `ds` holds.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TimeKind {
    WholeNumbers,
    Dates,
    LocalTimes,
    UtcTimes,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    WholeNumber,
    Second,
    Day,
    /// A day of the week that counts.
    Weekday,
    /// The same day of each month.
    Month,
    /// The last day of each month.
    MonthEnd,
    /// The first day of each month that is one from Monday to Friday.
    BusinessMonthStart,
    /// The last day of each month that is one from Monday to Friday.
    BusinessMonthEnd,
}

/// The part of a record that every version has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Record {
    fn of(clock: Clock) -> Record {
        let times = match clock.axis {
            Axis::Whole => TimeKind::WholeNumbers,
            Axis::Date => TimeKind::Dates,
            Axis::Time { utc: false } => TimeKind::LocalTimes,
            Axis::Time { utc: true } => TimeKind::UtcTimes,
        };
        let (unit, count) = match clock.step {
            Step::Whole(count) => (Unit::WholeNumber, count),
            Step::Seconds(count) => (Unit::Second, count),
            Step::Days(count) => (Unit::Day, count),
            Step::Weekdays { count, .. } => (Unit::Weekday, count),
            Step::Months { count, day } => match day {
                MonthDay::Own | MonthDay::Late(_) => (Unit::Month, count),
                MonthDay::Last => (Unit::MonthEnd, count),
                MonthDay::FirstBusiness => (Unit::BusinessMonthStart, count),
                MonthDay::LastBusiness => (Unit::BusinessMonthEnd, count),
            },
        };
        let weekdays = match clock.step {
            Step::Weekdays { week, .. } => Some(week.to_number()),
            _ => None,
        };
        let late_day = match clock.step {
            Step::Months {
                day: MonthDay::Late(day),
                ..
            } => Some(day),
            _ => None,
        };
        Record {
            version: VERSION,
            times,
            unit,
            count,
            weekdays,
            late_day,
        }
    }

    /// The clock; `None` if such times have no such steps.
    fn clock(&self) -> Option<Clock> {
        let axis = match self.times {
            TimeKind::WholeNumbers => Axis::Whole,
            TimeKind::Dates => Axis::Date,
            TimeKind::LocalTimes => Axis::Time { utc: false },
            TimeKind::UtcTimes => Axis::Time { utc: true },
        };
        let count = self.count;
        let months = |day| Step::Months { count, day };
        let step = match (self.unit, self.weekdays, self.late_day) {
            (Unit::WholeNumber, None, None) => Step::Whole(count),
            (Unit::Second, None, None) => Step::Seconds(count),
            (Unit::Day, None, None) => Step::Days(count),
            (Unit::Weekday, Some(week), None) => Step::Weekdays {
                week: Week::from_number(week)?,
                count,
            },
            (Unit::Month, None, None) => months(MonthDay::Own),
            (Unit::Month, None, Some(day)) => months(MonthDay::Late(day)),
            (Unit::MonthEnd, None, None) => months(MonthDay::Last),
            (Unit::BusinessMonthStart, None, None) => months(MonthDay::FirstBusiness),
            (Unit::BusinessMonthEnd, None, None) => months(MonthDay::LastBusiness),
            _ => return None,
        };
        Clock::new(axis, step)
    }
}

/// Writes the clock into the folder of the parts.
pub(super) fn write(clock: Clock, folder: &Path) -> io::Result<()> {
    let mut text = serde_json::to_vec(&Record::of(clock))?;
    text.push(b'\n');
    fs::write(folder.join(FILE), text)
}

/// The clock of the prepared parts.
///
/// # Errors
/// No record, a damaged one, or one of another version.
pub(super) fn read(project: &Project) -> Result<Clock> {
    let path = project.processed(Ts::NAME).join(FILE);
    let refused = |reason: String| {
        exit::data(format!(
            "{}: {reason}; prepare it again with `easylife prepare ts`",
            path.display()
        ))
    };
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(refused(
                "the clock of the prepared series is missing".to_owned(),
            ));
        }
        Err(error) => return Err(refused(error.to_string())),
    };
    parse(&text).map_err(refused)
}

/// Parses the record of a clock, or says what is wrong with it.
fn parse(text: &[u8]) -> Result<Clock, String> {
    let damaged = |error: serde_json::Error| format!("not a clock ({error})");
    let Versioned { version } = serde_json::from_slice(text).map_err(damaged)?;
    if version != VERSION {
        return Err(format!(
            "a clock of version {version}, but version {VERSION} is expected"
        ));
    }
    let record: Record = serde_json::from_slice(text).map_err(damaged)?;
    record
        .clock()
        .ok_or_else(|| "not a clock (such times have no such steps)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clock_comes_back() {
        let month = |day| Step::Months { count: 3, day };
        let week = Week::BUSINESS;
        let axes = [
            Axis::Whole,
            Axis::Date,
            Axis::Time { utc: false },
            Axis::Time { utc: true },
        ];
        let steps = [
            Step::Whole(2),
            Step::Seconds(900),
            Step::Days(7),
            Step::Weekdays { week, count: 2 },
            month(MonthDay::Own),
            month(MonthDay::Late(30)),
            month(MonthDay::Last),
            month(MonthDay::FirstBusiness),
            month(MonthDay::LastBusiness),
        ];
        let pairs = axes.iter().flat_map(|&a| steps.map(|s| Clock::new(a, s)));
        let clocks: Vec<Clock> = pairs.flatten().collect();
        assert_eq!(clocks.len(), 1 + 3 * 7 + 2);
        for clock in clocks {
            let text = serde_json::to_vec(&Record::of(clock)).unwrap();
            assert_eq!(parse(&text), Ok(clock));
            // What `prepare` writes and `train` reads, `predict` reads out of the model.
            assert_eq!(Clock::from_numbers(&clock.to_numbers()), Some(clock));
        }
    }

    /// Steps above 2^40 were written to the model, which then was refused.
    #[test]
    fn bounds_are_the_same_for_every_reader() {
        let month = |count, day| Step::Months { count, day };
        let week = Week::BUSINESS;
        for step in [Step::Whole, Step::Seconds, Step::Days, |count| {
            Step::Months {
                count,
                day: MonthDay::Last,
            }
        }] {
            for count in [-1, 0, 1, 1 << 40, (1 << 40) + 1, i64::MAX] {
                for axis in [Axis::Whole, Axis::Date, Axis::Time { utc: true }] {
                    let clock = Clock {
                        axis,
                        step: step(count),
                    };
                    let text = serde_json::to_vec(&Record::of(clock)).unwrap();
                    let numbers = clock.to_numbers();
                    assert_eq!(
                        parse(&text).ok(),
                        Clock::from_numbers(&numbers),
                        "{clock:?}"
                    );
                }
            }
        }
        for step in [
            month(1 << 41, MonthDay::Own),
            Step::Weekdays { week, count: 0 },
            month(1, MonthDay::Late(28)),
        ] {
            let clock = Clock {
                axis: Axis::Date,
                step,
            };
            let text = serde_json::to_vec(&Record::of(clock)).unwrap();
            assert!(parse(&text).is_err(), "{clock:?}");
            assert_eq!(Clock::from_numbers(&clock.to_numbers()), None);
        }
    }

    #[test]
    fn a_record_is_written_one_way() {
        let clock = Clock::new(Axis::Date, Step::Days(7)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        write(clock, folder.path()).unwrap();
        assert_eq!(
            fs::read_to_string(folder.path().join(FILE)).unwrap(),
            "{\"version\":1,\"times\":\"dates\",\"unit\":\"day\",\"count\":7}\n"
        );
    }

    #[test]
    fn a_bad_record_is_refused() {
        for (text, words) in [
            ("", "not a clock (EOF"),
            ("{\"version\":1", "not a clock (EOF"),
            ("{\"times\":\"dates\"}", "missing field `version`"),
            ("{\"version\":2,\"anything\":0}", "version 2, but version 1"),
            (
                "{\"version\":1,\"times\":\"dates\"}",
                "missing field `unit`",
            ),
            (
                "{\"version\":1,\"times\":\"dates\",\"unit\":\"day\",\"count\":1,\"more\":0}",
                "unknown field `more`",
            ),
            (
                "{\"version\":1,\"times\":\"dates\",\"unit\":\"fortnight\",\"count\":1}",
                "unknown variant `fortnight`",
            ),
            (
                "{\"version\":1,\"times\":\"dates\",\"unit\":\"second\",\"count\":1}",
                "no such steps",
            ),
            (
                "{\"version\":1,\"times\":\"dates\",\"unit\":\"day\",\"count\":0}",
                "no such steps",
            ),
            (
                "{\"version\":1,\"times\":\"dates\",\"unit\":\"weekday\",\"count\":1}",
                "no such steps",
            ),
            (
                "{\"version\":1,\"times\":\"dates\",\"unit\":\"day\",\"count\":1,\"late_day\":30}",
                "no such steps",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
