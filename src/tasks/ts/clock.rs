//! The clock of the prepared parts: `prepare` infers it once and writes it beside them; `train` and
//! `evaluate` read it and never infer it again.
//!
//! It says what times are and how far steps are apart. Where steps start is each series' own: its first row.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::exit;
use crate::project::Project;
use crate::task::Task;
use crate::tasks::ts::Ts;
use tables::clock::{Axis, Clock, Step};

/// Its file beside the prepared parts.
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
    /// The same day of each month.
    Month,
    /// The last day of each month.
    MonthEnd,
}

/// Of a record, what every version has.
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
            Step::Months { count, last_day } => match last_day {
                false => (Unit::Month, count),
                true => (Unit::MonthEnd, count),
            },
        };
        Record {
            version: VERSION,
            times,
            unit,
            count,
        }
    }

    /// None where such times have no such steps.
    fn clock(&self) -> Option<Clock> {
        let axis = match self.times {
            TimeKind::WholeNumbers => Axis::Whole,
            TimeKind::Dates => Axis::Date,
            TimeKind::LocalTimes => Axis::Time { utc: false },
            TimeKind::UtcTimes => Axis::Time { utc: true },
        };
        let count = self.count;
        let months = |last_day| Step::Months { count, last_day };
        let step = match self.unit {
            Unit::WholeNumber => Step::Whole(count),
            Unit::Second => Step::Seconds(count),
            Unit::Day => Step::Days(count),
            Unit::Month => months(false),
            Unit::MonthEnd => months(true),
        };
        Clock::new(axis, step)
    }
}

/// Writes the clock beside the parts in `folder`.
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

/// A clock out of its record; otherwise what is wrong with it.
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
        let month = |last_day| Step::Months { count: 3, last_day };
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
            month(false),
            month(true),
        ];
        let pairs = axes.iter().flat_map(|&a| steps.map(|s| Clock::new(a, s)));
        let clocks: Vec<Clock> = pairs.flatten().collect();
        assert_eq!(clocks.len(), 1 + 3 + 4 + 4);
        for clock in clocks {
            let text = serde_json::to_vec(&Record::of(clock)).unwrap();
            assert_eq!(parse(&text), Ok(clock));
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
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
