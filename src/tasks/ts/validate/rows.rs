//! The rows of a table of series for the checks: the series, time and place of each value, and times that cannot be
//! read.

use std::io;

use super::series::{Kinds, Observed};
use crate::pipeline::validate::finding::Gathered;
use crate::pipeline::validate::keys::Partitions;
use tables::blocks::{self, Block, Head, Spot};
use tables::clock::{Axis, Candidates, DateFormat};
use tables::profile::{Class, Groups, Value, Want, Watch, understand, understand_with};
use tables::{Decimal, SeriesColumns, SeriesLayout};

/// Observations as they are read.
pub(super) struct Rows {
    pub cells: Option<Cells>,
    decimal: Option<Decimal>,
    /// How times are written, if given.
    pub format: Option<DateFormat>,
    /// The number that a part's rows get as that of their file; else they keep theirs.
    part: Option<usize>,
    pub observed: Partitions<Observed>,
    pub kinds: Kinds,
    pub bad_times: Gathered,
    /// Formats that can read all of them, if none is given.
    pub unread: Candidates,
    shown: usize,
}

/// The relevant cells of a row.
pub(super) struct Cells {
    pub time: usize,
    /// The cells that together name a series; if empty, the column of the value does.
    ids: Vec<usize>,
    values: Vec<usize>,
}

impl Cells {
    /// `None` if one of them is missing.
    fn find(head: &Head, names: &SeriesColumns) -> Option<Cells> {
        let all = |names: &[String]| -> Option<Vec<usize>> {
            names.iter().map(|name| head.find(name)).collect()
        };
        let (ids, values) = match &names.layout {
            SeriesLayout::Long { ids, value } => (all(ids)?, vec![head.find(value)?]),
            SeriesLayout::Wide { series } => (Vec::new(), all(series)?),
        };
        Some(Cells {
            time: head.find(&names.time)?,
            ids,
            values,
        })
    }

    /// The hash of the name of a value's series.
    fn series(&self, block: &Block, row: usize, value: usize) -> u64 {
        match self.ids[..] {
            [] => blocks::hash(&value.to_le_bytes()),
            [first, ref rest @ ..] => rest.iter().fold(block.hash(row, first), |hash, &id| {
                blocks::combined(hash, block.hash(row, id))
            }),
        }
    }

    /// The column to name in findings about a series.
    pub fn id(&self) -> Option<usize> {
        match self.ids[..] {
            [] => self.value(),
            [first, ..] => Some(first),
        }
    }

    /// The column to name in findings about values; `None` if there are several.
    pub fn value(&self) -> Option<usize> {
        match self.values[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

#[derive(Default)]
pub(super) struct Seen {
    observed: Vec<Observed>,
    bad_times: Option<Gathered>,
    unread: Candidates,
}

impl Rows {
    pub fn new(head: &Head, names: &SeriesColumns, part: Option<usize>, shown: usize) -> Rows {
        Rows {
            cells: Cells::find(head, names),
            decimal: head.decimal,
            format: None,
            part,
            ..Rows::without_cells(shown)
        }
    }

    /// For a table without the needed columns.
    pub fn without_cells(shown: usize) -> Rows {
        Rows {
            cells: None,
            decimal: None,
            format: None,
            part: None,
            observed: Partitions::default(),
            kinds: Kinds::default(),
            bad_times: Gathered::new(shown),
            unread: Candidates::default(),
            shown,
        }
    }
}

impl Watch for Rows {
    type Seen = Seen;

    fn wants(&self, column: usize) -> Want {
        match &self.cells {
            Some(cells) if cells.time == column => Want::Profile,
            Some(cells) if cells.ids.contains(&column) || cells.values.contains(&column) => {
                Want::Cells
            }
            _ => Want::Nothing,
        }
    }

    fn column(&self, seen: &mut Seen, block: &Block, column: usize, groups: &Groups) {
        if self.cells.as_ref().is_none_or(|cells| cells.time != column) {
            return;
        }
        let is_free = self.pattern().is_none();
        let fits = |class: Class| is_free && (class.is_time() || class == Class::Integer);
        if groups
            .values()
            .all(|(_, value)| value.is_none_or(|value| fits(value.class)))
        {
            return;
        }
        let mut bad = Gathered::new(self.shown);
        for row in 0..block.rows() {
            let unlike = groups.value(row).is_some_and(|value| !fits(value.class));
            let text = block.text(row, column);
            if unlike && !DateFormat::reads(self.format.as_ref(), text) {
                bad.add(block.spot(row), || text.to_owned());
                if self.format.is_none() {
                    seen.unread.add(text);
                }
            }
        }
        seen.bad_times = Some(bad);
    }

    fn rows(&self, seen: &mut Seen, block: &Block) {
        let Some(cells) = &self.cells else {
            return;
        };
        let rows = (0..block.rows()).flat_map(|row| {
            let text = block.bytes_of(row, cells.time);
            let time = (!text.is_empty()).then(|| self.time(text)).flatten();
            let spot = block.spot(row);
            let spot = self.part.map_or(spot, |part| Spot::new(part, spot.line()));
            time.into_iter().flat_map(move |(time, dated)| {
                cells.values.iter().map(move |&value| {
                    let number = block.bytes_of(row, value);
                    let number =
                        (!number.is_empty()).then(|| understand_with(number, self.decimal));
                    Observed {
                        series: cells.series(block, row, value),
                        spot,
                        time,
                        value: number
                            .filter(|v| v.class.is_number())
                            .map_or(f64::NAN, |v| v.number),
                        dated,
                    }
                })
            })
        });
        seen.observed = rows.collect();
    }

    fn take(&mut self, seen: Seen) -> io::Result<()> {
        if let Some(bad) = seen.bad_times {
            self.bad_times.merge(bad);
        }
        self.unread.merge(seen.unread);
        seen.observed.iter().for_each(|row| self.kinds.add(row));
        self.observed.extend(&seen.observed)
    }
}

impl Rows {
    /// The format, if it is a pattern.
    pub fn pattern(&self) -> Option<&DateFormat> {
        self.format
            .as_ref()
            .filter(|format| format.pattern().is_some())
    }

    /// The time that a cell writes, and whether it is a date.
    fn time(&self, text: &[u8]) -> Option<(i64, bool)> {
        if let Some(pattern) = self.pattern() {
            return other_time(text, Some(pattern));
        }
        let time = understand(text);
        match time.class {
            Class::Date | Class::Datetime | Class::Integer => {
                Some((exact_time(text, &time), time.class.is_time()))
            }
            _ => other_time(text, None),
        }
    }
}

/// The time of a row: a whole number, or whole seconds since 1970. A long whole number has no exact double.
fn exact_time(text: &[u8], time: &Value) -> i64 {
    let exact = || std::str::from_utf8(text).ok()?.trim().parse().ok();
    match time.class {
        Class::Integer => exact().unwrap_or(time.number as i64),
        _ => time.number.floor() as i64,
    }
}

/// A time in a spelling that only `prepare` reads: 2024/02/29, 2024-02, 2024Q1, 12.0, or what the format says; and
/// whether it is a date.
fn other_time(text: &[u8], format: Option<&DateFormat>) -> Option<(i64, bool)> {
    let (axis, time) = DateFormat::read(format, std::str::from_utf8(text).ok()?).ok()?;
    Some(match axis {
        Axis::Whole => (time, false),
        Axis::Date => (time * 86_400, true),
        Axis::Time { .. } => (time, true),
    })
}
