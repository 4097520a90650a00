//! Many series in one table: ids, a time and a value a row, or a time and a value of each series a row.
//!
//! A bad row does not stop the reading: the fault is recorded with its series, and the callers
//! decide what to do. `regular` puts a series on the steps of a clock.

mod name;
mod regular;

use std::borrow::Cow;
use std::collections::HashMap;

use super::clock::{Axis, Candidates, DateFormat, Notation, Numbers};
use super::ratings::id_cell;
use super::{
    Decimal, Kind, NotNumber, Place, ReadError, ReadErrorKind, Row, Source, Unit, number, spelling,
};

pub use name::{series_name, series_parts};
pub use regular::{Duplicates, Gaps, LONGEST_SERIES, Problem};

/// Maximum number of rows to reserve memory for in advance.
const USUAL: usize = 1 << 10;
/// Maximum absolute value.
const LARGEST: f64 = 1e100;

/// The columns of a table of series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesColumns {
    /// The column of times.
    pub time: String,
    /// The columns of ids and values.
    pub layout: SeriesLayout,
}

/// How a table represents many series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeriesLayout {
    /// One row per value.
    Long {
        /// Columns that together name the series; if empty, all rows are one series, named after
        /// the value column.
        ids: Vec<String>,
        /// The column of values.
        value: String,
    },
    /// One row per time, with a column of values for each series, which is named after the column.
    Wide {
        /// The columns of values.
        series: Vec<String>,
    },
}

impl SeriesColumns {
    /// The columns of a prepared split.
    pub fn prepared() -> Self {
        Self {
            time: "ds".to_owned(),
            layout: SeriesLayout::Long {
                ids: vec!["unique_id".to_owned()],
                value: "y".to_owned(),
            },
        }
    }
}

/// The position of a row: its file in the panel, and its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    file: u32,
    line: u32,
}

/// Rows that could not be added to a series.
#[derive(Debug)]
pub struct Fault {
    pub first: ReadError,
    /// Number of rows, including the first.
    pub rows: usize,
    /// Number of rows of the whole input before the first.
    before: usize,
}

/// One series, in file order or sorted.
#[derive(Debug, Default)]
pub struct Series {
    /// Its name.
    pub id: String,
    /// Times on the axis of the panel.
    pub times: Vec<i64>,
    /// Values; NaN if missing.
    pub values: Vec<f64>,
    /// The position of each row; empty for a prepared split.
    pub marks: Vec<Mark>,
    /// Rows that could not be added.
    pub fault: Option<Box<Fault>>,
}

/// All series of a source, in order of first appearance.
#[derive(Debug, Default)]
pub struct Panel {
    /// The axis of the first row.
    pub axis: Option<Axis>,
    /// Its series.
    pub series: Vec<Series>,
    /// Number of rows read, including bad ones.
    pub rows: usize,
    /// The files they came from, and what their lines are called.
    files: Vec<(String, Unit)>,
    /// Rows of no series that can be told.
    pub fault: Option<Box<Fault>>,
    /// How times are written, where it was said.
    pub format: Option<DateFormat>,
    /// Times that are not read without a format, before the first that is; and where they begin.
    unread: (Candidates, Option<Place>),
    /// Where rows stand is not kept: nothing is wrong with those of a prepared part.
    unmarked: bool,
}

/// Reads all series of a prepared split, whose times are on `axis`.
///
/// # Errors
/// A bad row, a missing column, or a file that cannot be read.
pub fn read_prepared(source: &mut dyn Source, axis: Axis) -> Result<Panel, ReadError> {
    let mut panel = Panel::prepared(axis);
    panel.read(source, &SeriesColumns::prepared())?;
    panel.whole()
}

/// Passes on the series of a prepared split one by one, so that only one is in memory. The rows of
/// each series are adjacent there; rows that are not adjacent are treated as another series.
///
/// # Errors
/// The first bad row, a file that cannot be read, or an error of `take`.
pub fn each_prepared<E: From<ReadError>>(
    source: &mut dyn Source,
    axis: Axis,
    mut take: impl FnMut(Series) -> Result<(), E>,
) -> Result<(), E> {
    let mut panel = Panel::prepared(axis);
    let mut reader = Reader::new(&mut panel, source, &SeriesColumns::prepared())?;
    let mut row = Row::new();
    while reader.next(source, &mut row)? {
        if let Some(fault) = reader.fault() {
            return Err(fault.first.into());
        }
        if let Some(series) = reader.finished() {
            take(series)?;
        }
    }
    panel.series.pop().map_or(Ok(()), take)
}

/// Reads a table into a panel.
struct Reader<'a> {
    cells: Cells,
    into: Growing<'a>,
}

/// A panel being built.
struct Growing<'a> {
    panel: &'a mut Panel,
    /// Indices of the series by id.
    known: HashMap<String, usize>,
    /// The series of the previous row, since rows of a series are usually adjacent.
    last: usize,
    /// How the times of this source are written, where it was said.
    format: Option<DateFormat>,
}

/// The columns in use.
enum Cells {
    Long {
        ids: Vec<usize>,
        time: usize,
        value: usize,
        /// The name of the only series, if there are no ids.
        name: String,
    },
    Wide {
        time: usize,
        /// Each column with the index of its series.
        values: Vec<(usize, usize)>,
    },
}

impl<'a> Reader<'a> {
    fn new(
        panel: &'a mut Panel,
        source: &dyn Source,
        columns: &SeriesColumns,
    ) -> Result<Self, ReadError> {
        let ids = panel.series.iter().map(|series| series.id.clone());
        let time = source.column(&columns.time)?;
        let mut into = Growing {
            known: ids.zip(0..).collect(),
            format: source.columns()[time]
                .date_format(panel.format.as_ref())
                .cloned(),
            panel,
            last: usize::MAX,
        };
        let find = |name: &String| source.column(name);
        let cells = match &columns.layout {
            SeriesLayout::Long { ids, value } => Cells::Long {
                ids: ids.iter().map(find).collect::<Result<_, _>>()?,
                time,
                value: find(value)?,
                name: value.clone(),
            },
            SeriesLayout::Wide { series } => {
                let cell = |name| Ok((find(name)?, into.number(name)));
                let values = series.iter().map(cell).collect::<Result<_, ReadError>>()?;
                Cells::Wide { time, values }
            }
        };
        Ok(Self { cells, into })
    }

    /// Adds the next row, recording it if it is bad; false at the end.
    fn next(&mut self, source: &mut dyn Source, row: &mut Row) -> Result<bool, ReadError> {
        let read = match source.read(row) {
            Ok(false) => return Ok(false),
            Ok(true) => self.row(source, row),
            Err(error) => Err(error),
        };
        match read {
            Ok(()) => {}
            Err(error) if error.is_record() => self.into.panel.note(None, error),
            Err(error) => return Err(error),
        }
        self.into.panel.rows += 1;
        Ok(true)
    }

    /// The fault of the last row.
    fn fault(&mut self) -> Option<Box<Fault>> {
        let own = self.into.panel.fault.take();
        own.or_else(|| self.into.panel.series.last_mut()?.fault.take())
    }

    /// The series before the one that has just started.
    fn finished(&mut self) -> Option<Series> {
        let [_, begun] = self.into.panel.series.as_slice() else {
            return None;
        };
        self.into.known = [(begun.id.clone(), 0)].into();
        self.into.last = 0;
        Some(self.into.panel.series.swap_remove(0))
    }

    fn row(&mut self, source: &dyn Source, row: &Row) -> Result<(), ReadError> {
        let into = &mut self.into;
        match &self.cells {
            Cells::Long {
                ids,
                time,
                value,
                name,
            } => {
                let id = match ids[..] {
                    [] => Cow::Borrowed(name.as_str()),
                    [cell] => id_cell(row, cell, source)?,
                    _ => {
                        let parts = ids.iter().map(|&cell| id_cell(row, cell, source));
                        Cow::Owned(series_name(&parts.collect::<Result<Vec<_>, _>>()?))
                    }
                };
                let number = into.number(&id);
                let read = into.time(source, row, *time, &id);
                let read = read.and_then(|time| Ok((time, value_of(source, row, *value, &id)?)));
                into.take(number, source, row, read);
            }
            Cells::Wide { time, values } => {
                // A row with an unreadable time belongs to no particular series.
                let time = into.time(source, row, *time, "")?;
                for &(cell, number) in values {
                    let id = &into.panel.series[number].id;
                    let read = value_of(source, row, cell, id).map(|value| (time, value));
                    into.take(number, source, row, read);
                }
            }
        }
        Ok(())
    }
}

impl Growing<'_> {
    /// Adds an observation, or its fault, to a series.
    fn take(
        &mut self,
        number: usize,
        source: &dyn Source,
        row: &Row,
        read: Result<(i64, f64), ReadError>,
    ) {
        match read {
            Ok((time, value)) => {
                let mark = (!self.panel.unmarked).then(|| self.panel.mark(source, row));
                let series = &mut self.panel.series[number];
                series.times.push(time);
                series.values.push(value);
                series.marks.extend(mark);
            }
            Err(error) => self.panel.note(Some(number), error),
        }
    }

    fn number(&mut self, id: &str) -> usize {
        if self.last != usize::MAX && self.panel.series[self.last].id == id {
            return self.last;
        }
        self.last = match self.known.get(id) {
            Some(&number) => number,
            None => {
                let number = self.panel.series.len();
                self.known.insert(id.to_owned(), number);
                // Most are as long as the previous one.
                let before = self.panel.series.last().map_or(0, |s| s.times.len());
                let rows = before.min(USUAL);
                self.panel.series.push(Series {
                    id: id.to_owned(),
                    times: Vec::with_capacity(rows),
                    values: Vec::with_capacity(rows),
                    ..Series::default()
                });
                number
            }
        };
        self.last
    }

    /// The time of a row; the first readable one determines the axis.
    fn time(
        &mut self,
        source: &dyn Source,
        row: &Row,
        cell: usize,
        id: &str,
    ) -> Result<i64, ReadError> {
        let refuse = |reason| match id {
            "" => source
                .place(row, cell)
                .error(ReadErrorKind::SeriesTime(reason)),
            id => refused(source, row, cell, id, reason),
        };
        let format = self.format.as_ref();
        let text = row.text(cell);
        let read = DateFormat::read(format, text);
        let is_open = self.panel.axis.is_none() && format.is_none();
        if read.is_err() && is_open && !spelling::is_absent(row.kind(cell), text) {
            let (candidates, first) = &mut self.panel.unread;
            candidates.add(text);
            first.get_or_insert_with(|| source.place(row, cell));
        }
        let (axis, time) = read.map_err(refuse)?;
        let said = format.and_then(DateFormat::notation);
        let first = *self.panel.axis.get_or_insert(axis);
        first.take_as(said, axis, time).ok_or_else(|| {
            let reason = match said.map(|said| said.time(time)) {
                Some(Err(reason)) if axis == Axis::Whole => reason,
                _ => format!("this is {axis}, but earlier rows have {first}"),
            };
            refuse(reason)
        })
    }
}

fn refused(source: &dyn Source, row: &Row, cell: usize, id: &str, reason: String) -> ReadError {
    let id = shown(id);
    source
        .place(row, cell)
        .error(ReadErrorKind::Series { id, reason })
}

fn value_of(source: &dyn Source, row: &Row, cell: usize, id: &str) -> Result<f64, ReadError> {
    value(row, cell, source.decimal()).map_err(|reason| refused(source, row, cell, id, reason))
}

/// An id for display on one line, whatever it contains.
///
/// # Examples
/// ```
/// use easylife_tables::shown;
///
/// assert_eq!(shown("north / apples"), "north / apples");
/// assert!(!shown("a\nb").contains('\n'));
/// ```
pub fn shown(id: &str) -> String {
    let letter = |c: char| match spelling::is_invisible(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    id.chars().map(letter).collect()
}

/// A number; NaN for a missing one.
fn value(row: &Row, cell: usize, decimal: Option<Decimal>) -> Result<f64, String> {
    let text = row.text(cell).trim();
    if spelling::is_missing_number(row.kind(cell), text) {
        return Ok(f64::NAN);
    }
    let decimal = decimal.filter(|_| row.kind(cell) == Kind::Text);
    match number(text, decimal) {
        Ok(value) if value.abs() <= LARGEST => Ok(value),
        Ok(value) if value.is_finite() => Err(format!(
            "`{text}` exceeds {LARGEST:e} and is too large to be squared; use another unit"
        )),
        Ok(_) => Err(format!(
            "`{text}` is not a finite number; leave it empty if it is missing"
        )),
        Err(NotNumber::Other) => Err(format!(
            "`{text}` is not a number; leave it empty if it is missing"
        )),
        Err(NotNumber::Marked(reason)) => Err(reason),
    }
}

impl Panel {
    /// An empty panel for times on `axis`.
    pub fn on(axis: Axis) -> Panel {
        Panel {
            axis: Some(axis),
            ..Panel::default()
        }
    }

    /// An empty panel for a prepared split.
    fn prepared(axis: Axis) -> Panel {
        Panel {
            unmarked: true,
            ..Panel::on(axis)
        }
    }

    /// Adds every row of a source.
    ///
    /// # Errors
    /// Where the source cannot be read or a column is missing; rows that cannot be taken are faults of their series.
    pub fn read(
        &mut self,
        source: &mut dyn Source,
        columns: &SeriesColumns,
    ) -> Result<(), ReadError> {
        let mut reader = Reader::new(self, source, columns)?;
        let mut row = Row::new();
        while reader.next(source, &mut row)? {}
        Ok(())
    }

    /// Refuses times none of which is read without a format, where one would read them.
    ///
    /// # Errors
    /// Which formats would.
    pub fn refuse_unread(&self) -> Result<(), ReadError> {
        let (candidates, first) = &self.unread;
        match (self.axis, candidates.advice(), first) {
            (None, Some(advice), Some(first)) => {
                let reason = format!("no time is read without its format; {advice}");
                Err(first.clone().error(ReadErrorKind::SeriesTime(reason)))
            }
            _ => Ok(()),
        }
    }

    /// Reads whole numbers as the times that they write: as was said, or where nothing was, as they look. Which it
    /// is.
    ///
    /// # Errors
    /// Numbers that look like times that are not read.
    pub fn read_numbers(&mut self) -> Result<Notation, String> {
        let notation = self.format.as_ref().and_then(DateFormat::notation);
        if self.axis != Some(Axis::Whole) {
            return Ok(Notation::Number);
        }
        let mut numbers = Numbers::default();
        let times = self.series.iter().flat_map(|series| &series.times);
        let mut timed = false;
        for &time in times {
            numbers.add(time);
            let read = notation.and_then(|notation| notation.time(time).ok());
            timed |= read.is_some_and(|(_, seconds)| seconds % 86_400 != 0);
        }
        let (notation, axis) = match notation {
            Some(notation) => (notation, notation.axis(timed)),
            None => numbers.notation()?,
        };
        if notation == Notation::Number {
            return Ok(notation);
        }
        self.axis = Some(axis);
        for number in 0..self.series.len() {
            for row in 0..self.series[number].times.len() {
                let value = self.series[number].times[row];
                let read = notation.time(value);
                let time = axis.take_written(notation, value);
                self.series[number].times[row] = time.unwrap_or(0);
                if let (None, Some(&mark)) = (time, self.series[number].marks.get(row)) {
                    let reason = read
                        .err()
                        .unwrap_or_else(|| format!("`{value}` is not a valid {notation}"));
                    let id = shown(&self.series[number].id);
                    let error = self.place(mark).error(ReadErrorKind::Series { id, reason });
                    self.note(Some(number), error);
                }
            }
        }
        Ok(notation)
    }

    /// Records a bad row of one series, or of none in particular.
    fn note(&mut self, series: Option<usize>, first: ReadError) {
        let before = self.rows;
        let fault = match series {
            Some(number) => &mut self.series[number].fault,
            None => &mut self.fault,
        };
        match fault {
            Some(fault) => fault.rows += 1,
            None => {
                *fault = Some(Box::new(Fault {
                    first,
                    rows: 1,
                    before,
                }));
            }
        }
    }

    fn mark(&mut self, source: &dyn Source, row: &Row) -> Mark {
        let file = source.file();
        if self.files.last().is_none_or(|(last, _)| last != file) {
            self.files.push((file.to_owned(), source.unit()));
        }
        Mark {
            file: self.files.len() as u32 - 1,
            line: row.line() as u32,
        }
    }

    /// The position of a row.
    pub fn place(&self, mark: Mark) -> Place {
        let (file, unit) = &self.files[mark.file as usize];
        Place {
            unit: *unit,
            ..Place::line(file, mark.line.into())
        }
    }

    /// Its rows if all could be taken, otherwise the first that could not.
    ///
    /// # Errors
    /// The first row that could not be taken, in the order of the input.
    pub fn whole(mut self) -> Result<Panel, ReadError> {
        let own = self.fault.take().into_iter();
        let faults = own.chain(self.series.iter_mut().filter_map(|s| s.fault.take()));
        match faults.min_by_key(|fault| fault.before) {
            Some(fault) => Err(fault.first),
            None => Ok(self),
        }
    }
}

impl Series {
    /// Sorts the rows by time; equal times keep their order.
    pub fn sort(&mut self) {
        if self.times.is_sorted() {
            return;
        }
        let mut order: Vec<usize> = (0..self.times.len()).collect();
        order.sort_by_key(|&i| self.times[i]);
        self.times = order.iter().map(|&i| self.times[i]).collect();
        self.values = order.iter().map(|&i| self.values[i]).collect();
        let marks = order.iter().filter_map(|&i| self.marks.get(i).copied());
        self.marks = marks.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compression, Format, open_as};
    use super::*;

    fn read(text: &str) -> Panel {
        let input = Box::new(std::io::Cursor::new(text.to_owned()));
        let mut source = open_as(input, "a.csv", Format::Csv, Compression::None).unwrap();
        let mut panel = Panel::default();
        panel
            .read(source.as_mut(), &SeriesColumns::prepared())
            .unwrap();
        panel
    }

    #[test]
    fn series_are_separated_and_sorted() {
        let mut panel = read("unique_id,ds,y\nb,2,1\na,1,5\nb,1,2.5\nb,4,\n");
        let ids: Vec<&str> = panel.series.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["b", "a"]);
        panel.series[0].sort();
        let b = &panel.series[0];
        assert_eq!(b.times, [1, 2, 4]);
        assert_eq!(b.values[..2], [2.5, 1.0]);
        assert!(b.values[2].is_nan());
        assert_eq!(panel.place(b.marks[0]).to_string(), "a.csv:4");
    }

    #[test]
    fn bad_cells_are_placed_and_their_series_named() {
        for (row, words) in [
            (
                "a,2024-02-30,1",
                "a.csv:2: column 2 (ds): series `a`: `2024-02-30` is not a time",
            ),
            (
                "a,1,many",
                "a.csv:2: column 3 (y): series `a`: `many` is not a number",
            ),
            (
                "a,1,inf",
                "a.csv:2: column 3 (y): series `a`: `inf` is not a finite number",
            ),
            (
                "a,1,3\na,2024-01-01,3",
                "a.csv:3: column 2 (ds): series `a`: this is a date",
            ),
            (",1,3", "a.csv:2: column 1 (unique_id): the id is empty"),
        ] {
            let error = read(&format!("unique_id,ds,y\n{row}\n")).whole();
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }

    #[test]
    fn times_that_need_a_format_are_refused_together() {
        let refused = |rows: &str| read(&format!("unique_id,ds,y\n{rows}")).refuse_unread();
        assert_eq!(
            refused("a,,1\na,01/02/2024,1\nb,13/02/2024,1\n")
                .unwrap_err()
                .to_string(),
            "a.csv:3: column 2 (ds): no time is read without its format; set TASK.data.date_format: \
             \"%d/%m/%Y\" (`01/02/2024` is then 2024-02-01)"
        );
        // Where others are read, or nothing reads all, each row has its own fault.
        assert!(refused("a,2024-01-01,1\na,13/02/2024,1\n").is_ok());
        assert!(refused("a,13/02/2024,1\na,2024-01-01,1\n").is_ok());
        assert!(refused("a,13/02/2024,1\na,tomorrow,1\n").is_ok());
    }

    #[test]
    fn series_are_handed_over_one_by_one() {
        let each = |text: &str| {
            let input = Box::new(std::io::Cursor::new(text.to_owned()));
            let mut source = open_as(input, "a.csv", Format::Csv, Compression::None).unwrap();
            let mut seen = Vec::new();
            each_prepared::<ReadError>(source.as_mut(), Axis::Whole, |series| {
                seen.push((series.id, series.times, series.values));
                Ok(())
            })
            .map(|()| seen)
        };
        let of = |id: &str, times: &[i64], values: &[f64]| {
            (id.to_owned(), times.to_vec(), values.to_vec())
        };
        assert_eq!(
            each("unique_id,ds,y\nb,1,2\nb,2,3\na,1,5\nb,3,4\n").unwrap(),
            [
                of("b", &[1, 2], &[2.0, 3.0]),
                of("a", &[1], &[5.0]),
                of("b", &[3], &[4.0])
            ]
        );
        assert!(each("unique_id,ds,y\n").unwrap().is_empty());
        for text in ["a,1,x\nb,1,2\n", "b,1,2\na,1,2\na,1,x\n", ",1,2\n"] {
            let whole = read(&format!("unique_id,ds,y\n{text}"))
                .whole()
                .unwrap_err();
            let error = each(&format!("unique_id,ds,y\n{text}")).unwrap_err();
            assert_eq!(error.to_string(), whole.to_string());
        }
    }

    #[test]
    fn a_bad_row_spoils_its_own_series_only() {
        let panel = read("unique_id,ds,y\na,1,3\nb,1,x\nb,2,y\na,2,4\n");
        assert_eq!(panel.series[0].values, [3.0, 4.0]);
        assert!(panel.series[0].fault.is_none());
        assert_eq!(panel.series[1].fault.as_ref().unwrap().rows, 2);
    }
}
