//! The times of interactions: numbers in any unit, or dates and times as seconds since 1970.

use crate::clock::{self, Axis, Candidates, DateFormat};
use crate::{Place, ReadError, ReadErrorKind, Row, Source, spelling};

/// Kinds of times, which cannot be compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Seconds since 1970, or whatever unit the data use.
    Numbers,
    /// Dates, or wall clock times.
    Local,
    /// Times with an offset.
    Instants,
}

impl Times {
    /// The kind in words, for messages.
    pub fn described(self) -> &'static str {
        match self {
            Times::Numbers => "a number",
            Times::Local => "a date or a time without an offset",
            Times::Instants => "a time with an offset",
        }
    }
}

/// Reads a column of times, all of one kind.
pub(super) struct TimeReader<'a> {
    format: Option<&'a DateFormat>,
    /// The kind of the first time.
    kind: Option<Times>,
    units: Units,
    /// Times that are not read without a format, before the first that is; and where they begin.
    unread: (Candidates, Option<Place>),
}

impl<'a> TimeReader<'a> {
    pub fn new(format: Option<&'a DateFormat>) -> Self {
        Self {
            format,
            kind: None,
            units: Units::default(),
            unread: (Candidates::default(), None),
        }
    }

    /// The kind of times; `None` if there were none.
    pub fn kind(&self) -> Option<Times> {
        self.kind
    }

    /// Numbers that are seconds since 1970 in two units.
    pub fn mixed(&mut self) -> Option<ReadError> {
        std::mem::take(&mut self.units).mixed()
    }

    /// The time in a cell, minus infinity where there is none; the first one determines the kind.
    pub fn read(&mut self, row: &Row, cell: usize, source: &dyn Source) -> Result<f64, ReadError> {
        let text = row.text(cell).trim();
        if spelling::is_missing_number(row.kind(cell), text) {
            return Ok(f64::NEG_INFINITY);
        }
        let refuse = |kind| source.place(row, cell).error(kind);
        let read = read_time(self.format, text);
        if read.is_err() && self.format.is_none() && self.kind.is_none() {
            let (candidates, first) = &mut self.unread;
            candidates.add(text);
            first.get_or_insert_with(|| source.place(row, cell));
        }
        let (found, time) = read.map_err(|reason| refuse(ReadErrorKind::Time(reason)))?;
        let first = *self.kind.get_or_insert(found);
        if found == Times::Numbers {
            self.units.add(time, text, || source.place(row, cell));
        }
        match first == found {
            true => Ok(time),
            false => Err(refuse(ReadErrorKind::MixedTimes {
                text: text.to_owned(),
                found: found.described(),
                first: first.described(),
            })),
        }
    }

    /// Refuses times none of which is read without a format, where one would read them.
    pub fn refuse_unread(&self) -> Result<(), ReadError> {
        let (candidates, first) = &self.unread;
        match (self.kind, candidates.advice(), first) {
            (None, Some(advice), Some(first)) => {
                let reason = format!("no time is read without its format; {advice}");
                Err(first.clone().error(ReadErrorKind::Time(reason)))
            }
            _ => Ok(()),
        }
    }
}

/// Units that numbers of seconds since 1970 may be in: a column with exactly two of them has two
/// kinds of time.
#[derive(Default)]
struct Units {
    /// The unit of the first time.
    first: Option<u8>,
    /// Text and position of the first time in another unit.
    other: Option<(String, Place)>,
    /// Whether there is a number that is not such a time.
    none: bool,
}

impl Units {
    /// The power of 1000 by which a second is divided, for times between 1973 and 2286.
    fn of(time: f64) -> Option<u8> {
        (0..4).find(|&unit| {
            let second = 1000f64.powi(i32::from(unit));
            (1e8 * second..1e10 * second).contains(&time)
        })
    }

    fn add(&mut self, time: f64, text: &str, place: impl FnOnce() -> Place) {
        match (Self::of(time), self.first) {
            (None, _) => self.none = true,
            (unit, None) => self.first = unit,
            (unit, first) if unit != first && self.other.is_none() => {
                self.other = Some((text.to_owned(), place()));
            }
            _ => {}
        }
    }

    /// The first time in another unit, if all numbers are times.
    fn mixed(self) -> Option<ReadError> {
        const NAMES: [&str; 4] = ["seconds", "milliseconds", "microseconds", "nanoseconds"];
        let (text, place) = self.other.filter(|_| !self.none)?;
        let name = |unit: Option<u8>| NAMES[usize::from(unit.unwrap_or_default())];
        let found = text.parse().ok().and_then(Self::of);
        Some(place.error(ReadErrorKind::MixedTimes {
            text,
            found: name(found),
            first: name(self.first),
        }))
    }
}

/// A time in its format, or, where none was said, as it looks.
fn read_time(format: Option<&DateFormat>, text: &str) -> Result<(Times, f64), String> {
    let seconds = |(axis, time): (Axis, i64)| match axis {
        Axis::Whole => (Times::Numbers, time as f64),
        Axis::Date => (Times::Local, time as f64 * 86_400.0),
        Axis::Time { utc: false } => (Times::Local, time as f64),
        Axis::Time { utc: true } => (Times::Instants, time as f64),
    };
    match format {
        Some(DateFormat::Pattern(_)) => return DateFormat::read(format, text).map(seconds),
        Some(DateFormat::Numbers(notation)) => {
            if let Ok((Axis::Whole, value)) = clock::parse(text) {
                return notation.time(value).map(seconds);
            }
        }
        None => {}
    }
    parse_time(text).ok_or_else(|| match clock::advice(text) {
        Some(advice) => format!("`{text}` is not read as a time: {advice}"),
        None => format!(
            "`{text}` is not a time; expected a number, a date (2024-02-29), a date and time, or an \
             empty cell"
        ),
    })
}

/// A number unchanged, or a date or time as seconds since 1970, with its kind.
fn parse_time(text: &str) -> Option<(Times, f64)> {
    if let Some(value) = text.parse::<f64>().ok().filter(|value| value.is_finite()) {
        return Some((Times::Numbers, value));
    }
    let instant = |at: jiff::Timestamp| at.as_nanosecond() as f64 / 1e9;
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some((Times::Instants, instant(at)));
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok();
    let civil = civil.or_else(|| {
        let date = text.parse::<jiff::civil::Date>().ok()?;
        Some(date.to_datetime(jiff::civil::Time::midnight()))
    })?;
    let at = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some((Times::Local, instant(at)))
}

#[cfg(test)]
mod tests {
    use super::super::{RATING_COLUMNS, RatingColumns, read_ratings};
    use super::*;
    use crate::{Compression, Format, open_as};

    #[test]
    fn times_are_read_in_their_format() {
        let times = |format: &str, times: [&str; 2]| {
            let text = format!(
                "user_id,item_id,timestamp\na,1,{}\na,2,{}\n",
                times[0], times[1]
            );
            let input = Box::new(std::io::Cursor::new(text));
            let mut source = open_as(input, "r.csv", Format::Csv, Compression::None)?;
            let format: Option<DateFormat> = (!format.is_empty()).then(|| format.parse().unwrap());
            let columns = RatingColumns {
                format: format.as_ref(),
                ..RATING_COLUMNS
            };
            let read = read_ratings(source.as_mut(), columns, &mut |_| Ok(()))?;
            let times: Vec<f64> = read.rows.iter().map(|row| row.time).collect();
            Ok::<_, ReadError>((times, read.times))
        };
        const DAY: f64 = 86_400.0;
        for (format, texts, expected, kind) in [
            (
                "%d/%m/%Y",
                ["02/01/1970", ""],
                [DAY, f64::NEG_INFINITY],
                Times::Local,
            ),
            (
                "%m/%d/%Y %H:%M%z",
                ["1/2/1970 00:30Z", "1/3/1970 01:00+01:00"],
                [DAY + 1800.0, 2.0 * DAY],
                Times::Instants,
            ),
            (
                "yyyymmdd",
                ["19700102", "19700103"],
                [DAY, 2.0 * DAY],
                Times::Local,
            ),
            ("epoch_ms", ["1000", "2000.0"], [1.0, 2.0], Times::Instants),
            (
                "number",
                ["1000", "2000.5"],
                [1000.0, 2000.5],
                Times::Numbers,
            ),
        ] {
            assert_eq!(
                times(format, texts).unwrap(),
                (expected.to_vec(), Some(kind)),
                "{format}"
            );
        }
        let refused = |format: &str, texts| times(format, texts).unwrap_err().to_string();
        assert_eq!(
            refused("", ["01/02/2024", "13/02/2024"]),
            "r.csv:2: column 3 (timestamp): no time is read without its format; set \
             TASK.data.date_format: \"%d/%m/%Y\" (`01/02/2024` is then 2024-02-01)"
        );
        assert!(times("", ["2024-01-01", "13/02/2024"]).is_ok());
    }
}
