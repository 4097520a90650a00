//! The windows of a table: all rows, so many rows each, or those of a period.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::Result;
use jiff::civil::DateTime;

use crate::exit;
use tables::Place;
use tables::blocks::{Block, Head};
use tables::profile::understand_with;

/// More windows than this are refused: nobody looks at them, and each takes memory.
const MOST: usize = 10_000;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// How rows are put into windows.
#[derive(Clone, Debug, PartialEq)]
pub enum Placing {
    /// All in one.
    Whole,
    /// So many each, in the order of the table; the last one may have fewer.
    Rows(u64),
    /// By the time in a column.
    Time {
        /// The column.
        column: String,
        /// The length of a window.
        every: Period,
    },
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// So many seconds, counted from 1970; weeks begin on Mondays.
    Seconds(i64),
    /// So many months of the calendar.
    Months(i64),
}

impl FromStr for Period {
    type Err = String;

    /// `hour`, `day`, `week`, `month`, or a number of them: `6h`, `2d`, `1w`, `3mo`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no period; use hour, day, week, month, or 6h, 2d, 1w, 3mo");
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let number: i64 = match number {
            "" => 1,
            digits => digits.parse().map_err(|_| wrong())?,
        };
        if !(1..=100_000).contains(&number) {
            return Err(wrong());
        }
        match unit {
            "h" | "hour" | "hours" => Ok(Self::Seconds(number * HOUR)),
            "d" | "day" | "days" => Ok(Self::Seconds(number * DAY)),
            "w" | "week" | "weeks" => Ok(Self::Seconds(number * 7 * DAY)),
            "mo" | "month" | "months" => Ok(Self::Months(number)),
            _ => Err(wrong()),
        }
    }
}

impl Period {
    /// The number of the period that a time, in seconds since 1970, is in.
    fn of(self, seconds: f64) -> i64 {
        match self {
            // 1970-01-05 was a Monday.
            Self::Seconds(length) if length % (7 * DAY) == 0 => {
                (seconds as i64 - 4 * DAY).div_euclid(length)
            }
            Self::Seconds(length) => (seconds.floor() as i64).div_euclid(length),
            Self::Months(number) => {
                let at = civil(seconds as i64);
                (i64::from(at.year()) * 12 + i64::from(at.month()) - 1).div_euclid(number)
            }
        }
    }

    /// Where a period begins.
    fn start(self, number: i64) -> String {
        match self {
            Self::Seconds(length) => {
                let monday = if length % (7 * DAY) == 0 { 4 * DAY } else { 0 };
                let at = civil(number * length + monday);
                match length % DAY {
                    0 => at.date().to_string(),
                    _ => at.strftime("%Y-%m-%d %H:%M").to_string(),
                }
            }
            Self::Months(months) => {
                let month = number * months;
                format!(
                    "{:04}-{:02}",
                    month.div_euclid(12),
                    month.rem_euclid(12) + 1
                )
            }
        }
    }
}

/// The date and time of so many seconds after 1970 began, at the ends of the calendar at the latest.
fn civil(seconds: i64) -> DateTime {
    let (low, high) = (
        jiff::Timestamp::MIN.as_second(),
        jiff::Timestamp::MAX.as_second(),
    );
    let at = jiff::Timestamp::from_second(seconds.clamp(low, high))
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::TimeZone::UTC.to_datetime(at)
}

/// The windows found so far.
pub struct Windows {
    placing: Placing,
    /// The place of the column of times.
    column: usize,
    /// Periods by their number, with the window of each.
    periods: BTreeMap<i64, u32>,
    rows: u64,
}

impl Windows {
    /// No windows yet.
    ///
    /// # Errors
    /// If the table has no column of that name (exit 2).
    pub fn new(placing: &Placing, head: &Head) -> Result<Self> {
        let column = match placing {
            Placing::Time { column, .. } => head.find(column).ok_or_else(|| {
                exit::usage(format!(
                    "there is no column `{column}` (--by) in the rows to compare"
                ))
            })?,
            _ => 0,
        };
        Ok(Self {
            placing: placing.clone(),
            column,
            periods: BTreeMap::new(),
            rows: 0,
        })
    }

    /// The number of windows so far.
    pub fn len(&self) -> usize {
        match self.placing {
            Placing::Whole => 1,
            Placing::Rows(rows) => self.rows.div_ceil(rows) as usize,
            Placing::Time { .. } => self.periods.len(),
        }
    }

    /// The window of each row of some blocks, the first of which begins with row `first`.
    ///
    /// # Errors
    /// A cell that is no time (exit 4), or too many windows (exit 2).
    pub fn place(&mut self, first: u64, blocks: &[Block], head: &Head) -> Result<Vec<Vec<u32>>> {
        let mut row = first;
        let mut placed = Vec::with_capacity(blocks.len());
        for block in blocks {
            placed.push(self.place_block(row, block, head)?);
            row += block.rows() as u64;
        }
        self.rows = row;
        match self.len() > MOST {
            true => Err(exit::usage(format!(
                "that would be more than {MOST} windows; make them larger (--window, --every)"
            ))),
            false => Ok(placed),
        }
    }

    fn place_block(&mut self, first: u64, block: &Block, head: &Head) -> Result<Vec<u32>> {
        let rows = 0..block.rows();
        let (column, every) = match &self.placing {
            Placing::Whole => return Ok(vec![0; block.rows()]),
            Placing::Rows(size) => {
                return Ok(rows
                    .map(|row| ((first + row as u64) / size).min(MOST as u64) as u32)
                    .collect());
            }
            Placing::Time { column, every } => (column, *every),
        };
        let mut placed = Vec::with_capacity(block.rows());
        for row in rows {
            let text = block.text(row, self.column);
            let value = (!text.is_empty()).then(|| understand_with(text.as_bytes(), head.decimal));
            let Some(value) = value.filter(|value| value.class.is_time()) else {
                let spot = block.spot(row);
                let place = Place {
                    file: head.file(spot).to_owned(),
                    line: Some(spot.line()),
                    unit: head.unit(spot),
                    column: None,
                };
                let place = place.column(self.column, Some(column.as_str()));
                let shown = tables::shown(text);
                return Err(exit::data(format!(
                    "{place}: `{shown}` is no date or time, which --by needs"
                )));
            };
            let next = self.periods.len() as u32;
            placed.push(*self.periods.entry(every.of(value.number)).or_insert(next));
        }
        Ok(placed)
    }

    /// The names of the windows, in order of time or rows, each with its place among the counts.
    pub fn names(&self) -> Vec<(String, usize)> {
        match &self.placing {
            Placing::Whole => vec![("all rows".to_owned(), 0)],
            Placing::Rows(size) => {
                let name = |window: u64| {
                    let last = ((window + 1) * size).min(self.rows);
                    format!("rows {} to {last}", window * size + 1)
                };
                (0..self.len() as u64)
                    .map(|window| (name(window), window as usize))
                    .collect()
            }
            Placing::Time { every, .. } => {
                let periods = self.periods.iter();
                periods
                    .map(|(&period, &window)| (every.start(period), window as usize))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_those_of_the_calendar() {
        let of = |text: &str, seconds: f64| {
            let period: Period = text.parse().unwrap();
            period.start(period.of(seconds))
        };
        // 2026-11-30 12:34:56 UTC, a Monday
        let at = 1_796_042_096.0;
        assert_eq!(of("day", at), "2026-11-30");
        assert_eq!(of("week", at), "2026-11-30");
        assert_eq!(of("week", at - 86_400.0), "2026-11-23");
        assert_eq!(of("6h", at), "2026-11-30 12:00");
        assert_eq!(of("month", at), "2026-11");
        assert_eq!(of("3mo", at), "2026-10");
        assert_eq!(of("day", -1.0), "1969-12-31");
        for wrong in ["", "7", "0d", "fortnight", "-1d", "1000000000h"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }
}
