//! Dates and times that are written as whole numbers: 202401, 20240131, seconds since 1970 and their like.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern::KEY;
use super::{Axis, DAY, days};

/// How whole numbers write a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Notation {
    /// Whole numbers and nothing else.
    Number,
    /// Year and month.
    Yyyymm,
    /// A date.
    Yyyymmdd,
    /// A date and the hour.
    Yyyymmddhh,
    /// A date, hour and minute.
    Yyyymmddhhmm,
    /// A date, hour, minute and second.
    Yyyymmddhhmmss,
    /// Seconds since 1970, in UTC.
    EpochS,
    /// Milliseconds since 1970, in UTC.
    EpochMs,
    /// Microseconds since 1970, in UTC.
    EpochUs,
    /// Nanoseconds since 1970, in UTC.
    EpochNs,
    /// Days as spreadsheets count them: 45292 is 2024-01-01.
    Excel,
}

use Notation::{
    EpochMs, EpochNs, EpochS, EpochUs, Excel, Number, Yyyymm, Yyyymmdd, Yyyymmddhh, Yyyymmddhhmm,
    Yyyymmddhhmmss,
};

/// Notations that the numbers themselves may show.
const WRITTEN: [Notation; 9] = [
    Yyyymm,
    Yyyymmdd,
    Yyyymmddhh,
    Yyyymmddhhmm,
    Yyyymmddhhmmss,
    EpochS,
    EpochMs,
    EpochUs,
    EpochNs,
];

/// Seconds since 1970 that are taken for some: the years from 1990 to 2099.
const EPOCH: std::ops::Range<i64> = 631_152_000..4_102_444_800;

/// The day number of 1970-01-01.
const EXCEL_1970: i64 = 25_569;
/// Day numbers from 1900-03-01, before which spreadsheets differ from the calendar, to 9999-12-31.
const EXCEL: std::ops::RangeInclusive<i64> = 61..=2_958_465;
/// Day numbers that are taken for such rather than for plain numbers: the years from 1990 to 2049.
const EXCEL_LIKELY: std::ops::RangeInclusive<i64> = 32_874..=54_788;

impl Notation {
    /// The words that stand for notations.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Notation::all().map(Notation::name)
    }

    /// The notation that a word stands for.
    pub fn named(name: &str) -> Option<Notation> {
        Notation::all().find(|notation| notation.name() == name)
    }

    fn all() -> impl Iterator<Item = Notation> {
        [Number, Excel].into_iter().chain(WRITTEN)
    }

    /// The word that stands for it.
    pub fn name(self) -> &'static str {
        match self {
            Number => "number",
            Yyyymm => "yyyymm",
            Yyyymmdd => "yyyymmdd",
            Yyyymmddhh => "yyyymmddhh",
            Yyyymmddhhmm => "yyyymmddhhmm",
            Yyyymmddhhmmss => "yyyymmddhhmmss",
            EpochS => "epoch_s",
            EpochMs => "epoch_ms",
            EpochUs => "epoch_us",
            EpochNs => "epoch_ns",
            Excel => "excel",
        }
    }

    /// The notation of a number that is almost certainly a time.
    ///
    /// # Examples
    /// ```
    /// use easylife_tables::clock::Notation;
    ///
    /// assert_eq!(Notation::guess(20_240_131), Some(Notation::Yyyymmdd));
    /// assert_eq!(Notation::guess(1_706_659_200), Some(Notation::EpochS));
    /// assert_eq!(Notation::guess(1234), None);
    /// assert_eq!(Notation::named("yyyymmdd"), Some(Notation::Yyyymmdd));
    /// ```
    pub fn guess(value: i64) -> Option<Notation> {
        Notation::guesses(value).next()
    }

    /// All such notations: 2024013123 may be an hour of 2024 or seconds of 2034.
    pub fn guesses(value: i64) -> impl Iterator<Item = Notation> {
        WRITTEN
            .into_iter()
            .filter(move |notation| match notation.unit() {
                Some(unit) => EPOCH.contains(&value.div_euclid(unit)),
                None => {
                    let year = value / notation.after_year();
                    (1900..2100).contains(&year) && notation.time(value).is_ok()
                }
            })
    }

    /// Parts of a second since 1970.
    fn unit(self) -> Option<i64> {
        match self {
            EpochS => Some(1),
            EpochMs => Some(1_000),
            EpochUs => Some(1_000_000),
            EpochNs => Some(1_000_000_000),
            _ => None,
        }
    }

    /// The factor of the year.
    fn after_year(self) -> i64 {
        match self {
            Yyyymm => 100,
            Yyyymmdd => 10_000,
            Yyyymmddhh => 1_000_000,
            Yyyymmddhhmm => 100_000_000,
            _ => 10_000_000_000,
        }
    }

    /// The time written as a number.
    ///
    /// # Errors
    /// Why the number is not a time.
    pub fn time(self, value: i64) -> Result<(Axis, i64), String> {
        if self == Number {
            return Ok((Axis::Whole, value));
        }
        if let Some(unit) = self.unit() {
            if value % unit != 0 {
                return Err(format!(
                    "`{value}` is finer than a second ({self}); round it"
                ));
            }
            let (axis, time) = (Axis::Time { utc: true }, value / unit);
            if !axis.holds(time) {
                return Err(format!(
                    "`{value}` is beyond the calendar as {self}; correct it, or set {KEY} \
                     to another unit (epoch_s, epoch_ms, epoch_us, epoch_ns)"
                ));
            }
            return Ok((axis, time));
        }
        let none = || format!("`{value}` is not a valid {self}; correct it, or set {KEY}: number");
        if self == Excel {
            let day = EXCEL.contains(&value).then(|| value - EXCEL_1970);
            return day.map(|day| (Axis::Date, day)).ok_or_else(none);
        }
        let mut rest = value % self.after_year();
        let mut scale = self.after_year();
        let mut next = || {
            scale = (scale / 100).max(1);
            let part = rest / scale;
            rest %= scale;
            part
        };
        let month = next();
        let day = if self == Yyyymm { 1 } else { next() };
        let [hour, minute, second] = match self {
            Yyyymmddhh => [next(), 0, 0],
            Yyyymmddhhmm => [next(), next(), 0],
            Yyyymmddhhmmss => [next(), next(), next()],
            _ => [0; 3],
        };
        let year = i16::try_from(value / self.after_year()).map_err(|_| none())?;
        let date = Date::new(year, month as i8, day as i8).map_err(|_| none())?;
        if hour > 23 || minute > 59 || second > 59 {
            return Err(none());
        }
        Ok(match self {
            Yyyymm | Yyyymmdd => (Axis::Date, days(date)),
            _ => {
                let seconds = hour * 3600 + minute * 60 + second;
                (Axis::Time { utc: false }, days(date) * DAY + seconds)
            }
        })
    }
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Number => "whole number",
            Yyyymm => "month as 202401",
            Yyyymmdd => "date as 20240131",
            Yyyymmddhh => "hour as 2024013123",
            Yyyymmddhhmm => "time as 202401312359",
            Yyyymmddhhmmss => "time as 20240131235959",
            EpochS => "seconds since 1970",
            EpochMs => "milliseconds since 1970",
            EpochUs => "microseconds since 1970",
            EpochNs => "nanoseconds since 1970",
            Excel => "day number of a spreadsheet as 45292",
        })
    }
}

/// Whole numbers of a column, classified by their form.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    rows: usize,
    /// The count for each notation, and whether some are not at midnight.
    written: [(usize, bool); WRITTEN.len()],
    /// How many look like year and week, year and quarter, year and day of the year.
    weeks: usize,
    quarters: usize,
    year_days: usize,
    range: Option<(i64, i64)>,
}

impl Numbers {
    /// Adds a number.
    pub fn add(&mut self, value: i64) {
        self.rows += 1;
        if let Some(notation) = Notation::guess(value) {
            let index = WRITTEN.iter().position(|known| *known == notation);
            let (count, timed) = &mut self.written[index.unwrap_or(0)];
            *count += 1;
            *timed |= match notation.time(value) {
                Ok((Axis::Time { .. }, seconds)) => seconds % DAY != 0,
                Ok(_) => false,
                Err(_) => true,
            };
        }
        let parts = |after: i64| (value.div_euclid(after), value.rem_euclid(after));
        let dated = |(year, part): (i64, i64), last: i64| {
            usize::from((1900..2100).contains(&year) && (1..=last).contains(&part))
        };
        self.weeks += dated(parts(100), 53);
        self.quarters += dated(parts(10), 4);
        self.year_days += dated(parts(1000), 366);
        let (least, most) = self.range.unwrap_or((value, value));
        self.range = Some((least.min(value), most.max(value)));
    }

    /// What most of them are; the axis of that.
    ///
    /// # Errors
    /// Numbers that look like times in a notation that is not read.
    pub fn notation(&self) -> Result<(Notation, Axis), String> {
        for (notation, (count, timed)) in WRITTEN.into_iter().zip(self.written) {
            if 2 * count > self.rows {
                return Ok((notation, notation.axis(timed)));
            }
        }
        let (least, most) = self.range.unwrap_or_default();
        let refused = |what: &str, instead: &str| {
            Err(format!(
                "the times look like {what} ({least} to {most}); write {instead}, or set \
                 {KEY}: number where they are only numbers"
            ))
        };
        let all = |count: usize| self.rows > 0 && count == self.rows;
        if all(self.weeks) {
            refused(
                "year and week",
                "the Monday of each week, as 2024-01-29, or 2024-W05",
            )
        } else if all(self.quarters) && least / 10 != most / 10 {
            refused("year and quarter", "2024-Q1")
        } else if all(self.year_days) {
            refused("year and day of the year", "2024-01-31")
        } else if self.rows > 1 && EXCEL_LIKELY.contains(&least) && EXCEL_LIKELY.contains(&most) {
            Err(format!(
                "the times look like day numbers of a spreadsheet ({least} to {most}); set {KEY}: excel, or \
                 number where they are only numbers"
            ))
        } else {
            Ok((Number, Axis::Whole))
        }
    }
}

impl Notation {
    /// The axis of its times; dates where seconds since 1970 are all midnights.
    pub fn axis(self, timed: bool) -> Axis {
        match self {
            Number => Axis::Whole,
            Yyyymm | Yyyymmdd | Excel => Axis::Date,
            Yyyymmddhh | Yyyymmddhhmm | Yyyymmddhhmmss => Axis::Time { utc: false },
            _ if timed => Axis::Time { utc: true },
            _ => Axis::Date,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_numbers_of_spreadsheets_are_dates_where_that_is_said() {
        let date = |value: i64| Excel.time(value).unwrap();
        // Excel: =DATE(2024,1,1) is 45292, =DATE(1900,3,1) is 61.
        assert_eq!(date(45_292), (Axis::Date, days(Date::constant(2024, 1, 1))));
        assert_eq!(date(61), (Axis::Date, days(Date::constant(1900, 3, 1))));
        assert_eq!(
            date(2_958_465),
            (Axis::Date, days(Date::constant(9999, 12, 31)))
        );
        for value in [60, 0, -1, 2_958_466, i64::MIN, i64::MAX] {
            assert!(Excel.time(value).is_err(), "{value}");
        }
        let notation = |values: &[i64]| {
            let mut numbers = Numbers::default();
            values.iter().for_each(|value| numbers.add(*value));
            numbers.notation()
        };
        let message = notation(&[45_292, 45_293]).unwrap_err();
        assert!(
            message.contains("date_format: excel, or number"),
            "{message}"
        );
        assert_eq!(notation(&[32_000, 45_293]), Ok((Number, Axis::Whole)));
        assert_eq!(notation(&[45_292]), Ok((Number, Axis::Whole)));
    }

    #[test]
    fn numbers_that_write_times_are_told_from_others() {
        let notation = |values: &[i64]| {
            let mut numbers = Numbers::default();
            values.iter().for_each(|value| numbers.add(*value));
            numbers.notation()
        };
        let utc = Axis::Time { utc: true };
        for (values, expected) in [
            (&[201_801, 201_812, 201_901][..], (Yyyymm, Axis::Date)),
            (&[20_240_131, 20_240_201], (Yyyymmdd, Axis::Date)),
            (
                &[2_024_013_123, 2_024_020_100],
                (Yyyymmddhh, Axis::Time { utc: false }),
            ),
            (
                &[202_401_312_359],
                (Yyyymmddhhmm, Axis::Time { utc: false }),
            ),
            (
                &[20_240_131_235_959],
                (Yyyymmddhhmmss, Axis::Time { utc: false }),
            ),
            (&[1_704_067_200, 1_704_070_800], (EpochS, utc)),
            (&[946_684_800, 1_704_067_200], (EpochS, Axis::Date)),
            (&[1_704_067_200_000], (EpochMs, Axis::Date)),
            (&[1_704_067_200_000_000], (EpochUs, Axis::Date)),
            (
                &[1_704_067_200_000_000_000, 1_704_070_800_000_000_000],
                (EpochNs, utc),
            ),
            (&[2018, 2019, 2020], (Number, Axis::Whole)),
            (&[1, 2, 3], (Number, Axis::Whole)),
            (&[-5, 0, 700_000], (Number, Axis::Whole)),
            (&[20_181, 20_182, 20_183], (Number, Axis::Whole)),
        ] {
            assert_eq!(notation(values), Ok(expected), "{values:?}");
        }
        for (values, words) in [
            (&[202_411, 202_413, 202_414, 202_453][..], "year and week"),
            (&[20_184, 20_191], "year and quarter"),
            (&[2_024_365, 2_025_001], "year and day of the year"),
        ] {
            let error = notation(values).unwrap_err();
            assert!(
                error.contains(words) && error.contains("date_format"),
                "{error}"
            );
        }
    }

    #[test]
    fn times_are_those_that_are_written() {
        let text = |value| {
            let notation = Notation::guess(value).unwrap();
            let (axis, time) = notation.time(value).unwrap();
            axis.text(time)
        };
        assert_eq!(text(202_402), "2024-02-01");
        assert_eq!(text(20_240_229), "2024-02-29");
        assert_eq!(text(2_024_022_923), "2024-02-29T23:00:00");
        assert_eq!(text(202_402_292_359), "2024-02-29T23:59:00");
        assert_eq!(text(20_240_229_235_958), "2024-02-29T23:59:58");
        assert_eq!(text(1_709_251_200_000), "2024-03-01T00:00:00Z");
        assert_eq!(Notation::guess(20_240_230), None);
        assert!(
            Yyyymm
                .time(201_813)
                .unwrap_err()
                .contains("not a valid month as 202401")
        );
        assert!(
            EpochMs
                .time(1_709_251_200_001)
                .unwrap_err()
                .contains("finer than a second")
        );
        // Milliseconds read as seconds used to be times without a date.
        assert!(
            EpochS
                .time(1_709_251_200_000)
                .unwrap_err()
                .contains("beyond the calendar as seconds since 1970")
        );
        // An hour of 2024, or a second of 2034: as the axis says.
        let utc = Axis::Time { utc: true };
        let wall = Axis::Time { utc: false };
        assert_eq!(utc.take(Axis::Whole, 2_024_013_123), Some(2_024_013_123));
        assert_eq!(
            wall.text(wall.take(Axis::Whole, 2_024_013_123).unwrap()),
            "2024-01-31T23:00:00"
        );
    }
}
