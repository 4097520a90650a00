//! Many series in one table: an id, a time and a value a row.

use std::collections::HashMap;

use super::clock::{self, Axis, Clock};
use super::{Kind, Place, ReadError, ReadErrorKind, Row, Source, find_column};

/// Names of the columns.
#[derive(Clone, Debug)]
pub struct SeriesColumns {
    pub id: String,
    pub time: String,
    pub value: String,
}

impl SeriesColumns {
    /// Those of a prepared part.
    pub fn prepared() -> Self {
        Self {
            id: "unique_id".to_owned(),
            time: "ds".to_owned(),
            value: "y".to_owned(),
        }
    }
}

/// One series as it stands in the file, or sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub id: String,
    /// On the axis of the file.
    pub times: Vec<i64>,
    /// NaN where a value is missing.
    pub values: Vec<f64>,
    /// Line or row of each.
    pub lines: Vec<u32>,
}

/// All series of a file, in the order in which they first come.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// None: no rows.
    pub axis: Option<Axis>,
    pub series: Vec<Series>,
    /// The file, as it is shown.
    pub file: String,
    /// Where the training part lies, for who measures on the test part.
    pub training: Option<std::path::PathBuf>,
}

/// Reads every row; the first bad one ends it.
pub fn read_series(source: &mut dyn Source, columns: &SeriesColumns) -> Result<Panel, ReadError> {
    let column = |name: &str| {
        find_column(source.columns(), name).map_err(|kind| Place::file(source.file()).error(kind))
    };
    let cells = [
        column(&columns.id)?,
        column(&columns.time)?,
        column(&columns.value)?,
    ];
    let mut panel = Panel {
        file: source.file().to_owned(),
        ..Panel::default()
    };
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut row = Row::new();
    let mut last = usize::MAX;
    while source.read(&mut row)? {
        let id = row.text(cells[0]);
        if last == usize::MAX || panel.series[last].id != id {
            last = match known.get(id) {
                Some(&index) => index,
                None => {
                    known.insert(id.to_owned(), panel.series.len());
                    panel.series.push(Series {
                        id: id.to_owned(),
                        ..Series::default()
                    });
                    panel.series.len() - 1
                }
            };
        }
        let refuse = |cell: usize, kind| source.place(&row, cells[cell]).error(kind);
        let (axis, time) = clock::parse(row.text(cells[1]))
            .map_err(|reason| refuse(1, ReadErrorKind::Series(reason)))?;
        match panel.axis {
            None => panel.axis = Some(axis),
            Some(first) if first != axis => {
                let reason = format!("this is {axis}, but the first row has {first}");
                return Err(refuse(1, ReadErrorKind::Series(reason)));
            }
            Some(_) => {}
        }
        let value =
            value(&row, cells[2]).map_err(|reason| refuse(2, ReadErrorKind::Series(reason)))?;
        let series = &mut panel.series[last];
        series.times.push(time);
        series.values.push(value);
        series.lines.push(row.line() as u32);
    }
    Ok(panel)
}

/// A number; NaN for a missing one.
fn value(row: &Row, cell: usize) -> Result<f64, String> {
    let text = row.text(cell).trim();
    let missing = ["", "nan", "na", "null", "n/a"];
    if row.kind(cell) == Kind::Null || missing.contains(&text.to_ascii_lowercase().as_str()) {
        return Ok(f64::NAN);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(format!(
            "`{text}` is no finite number; leave it empty if it is missing"
        )),
        Err(_) => Err(format!(
            "`{text}` is not a number; leave it empty if it is missing"
        )),
    }
}

impl Series {
    /// Puts the rows into the order of time; equal times keep the order of the file.
    pub fn sort(&mut self) {
        if self.times.is_sorted() {
            return;
        }
        let mut order: Vec<usize> = (0..self.times.len()).collect();
        order.sort_by_key(|&i| self.times[i]);
        self.times = order.iter().map(|&i| self.times[i]).collect();
        self.values = order.iter().map(|&i| self.values[i]).collect();
        self.lines = order.iter().map(|&i| self.lines[i]).collect();
    }

    /// Values on every step from the first time to the last, NaN where there is no row; the index
    /// of the first time off the steps otherwise.
    pub fn regular(&self, clock: &Clock) -> Result<Vec<f64>, usize> {
        let Some(&first) = self.times.first() else {
            return Ok(Vec::new());
        };
        let mut values = Vec::with_capacity(self.values.len());
        for (index, (&time, &value)) in self.times.iter().zip(&self.values).enumerate() {
            let step = clock.steps(first, time).ok_or(index)?;
            let step = usize::try_from(step).map_err(|_| index)?;
            values.resize(step, f64::NAN);
            values.push(value);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Compression, Format, open_as};
    use super::*;

    fn read(text: &str) -> Result<Panel, ReadError> {
        let input = Box::new(std::io::Cursor::new(text.to_owned()));
        let mut source = open_as(input, "a.csv", Format::Csv, Compression::None)?;
        read_series(source.as_mut(), &SeriesColumns::prepared())
    }

    #[test]
    fn series_are_told_apart_and_sorted() {
        let mut panel = read("unique_id,ds,y\nb,2,1\na,1,5\nb,1,2.5\nb,4,\n").unwrap();
        assert_eq!(panel.series[0].id, "b");
        panel.series[0].sort();
        assert_eq!(panel.series[0].times, [1, 2, 4]);
        let clock = Clock::infer(Axis::Whole, std::iter::once(&panel.series[0].times[..]));
        let values = panel.series[0].regular(&clock).unwrap();
        assert_eq!(values[..2], [2.5, 1.0]);
        assert!(values[2].is_nan() && values[3].is_nan());
    }

    #[test]
    fn bad_cells_are_placed() {
        for (row, words) in [
            (
                "a,2024-02-30,1",
                "a.csv:2: column 2 (ds): `2024-02-30` is no time",
            ),
            ("a,1,many", "a.csv:2: column 3 (y): `many` is not a number"),
            (
                "a,1,inf",
                "a.csv:2: column 3 (y): `inf` is no finite number",
            ),
            (
                "a,1,3\na,2024-01-01,3",
                "a.csv:3: column 2 (ds): this is a date",
            ),
        ] {
            let error = read(&format!("unique_id,ds,y\n{row}\n")).unwrap_err();
            assert!(error.to_string().starts_with(words), "{error}");
        }
    }
}
