//! Fitted series in compact form: the numbers of all series in two arrays, with the end of each
//! series.
//!
//! Holds only parameters and final states, not the history: one to two kilobytes per series, more
//! with long seasons; unpacked models take several times as much. Model files hold the same arrays.
//! A file may be invalid, so lengths and codes are checked once, when it is read.

mod reader;
mod writer;

use self::reader::{Broken, Reader};
use self::writer::Writer;
use crate::ts::series::forecaster::Forecaster;

/// Fitted series in compact form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packed {
    numbers: Writer,
    /// End of each series' numbers.
    ends: Ends,
    /// Explanation of each series' models.
    notes: Vec<String>,
}

/// End of each series in the floats and in the integers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    /// Ends in the floats.
    pub floats: Vec<u64>,
    /// Ends in the integers.
    pub whole: Vec<u64>,
}

/// The arrays of a model file.
pub struct Parts {
    /// Floats of all series.
    pub floats: Vec<f64>,
    /// Integers of all series: counts, orders, codes.
    pub whole: Vec<i64>,
    /// End of each series' numbers.
    pub ends: Ends,
    /// Explanation of each series' models.
    pub notes: Vec<String>,
}

/// The numbers of a series do not describe a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the numbers of series {series} do not describe a model")]
pub struct NotAModel {
    /// Index of the first such series.
    pub series: usize,
}

impl Packed {
    /// Adds a series at the end.
    pub fn push(&mut self, series: Forecaster) {
        self.numbers.forecaster(&series);
        self.ends.floats.push(self.numbers.floats.len() as u64);
        self.ends.whole.push(self.numbers.whole.len() as u64);
        self.notes.push(series.note);
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.notes.len()
    }

    /// Whether there are no series.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// Unpacks series `number`, ready to forecast.
    ///
    /// # Panics
    /// If the series does not exist.
    pub fn get(&self, number: usize) -> Forecaster {
        match self.read(number) {
            Ok(series) => series,
            Err(Broken) => unreachable!("series {number} was checked when it was added"),
        }
    }

    /// Unpacks all series in order.
    pub fn iter(&self) -> impl Iterator<Item = Forecaster> + '_ {
        (0..self.len()).map(|number| self.get(number))
    }

    /// Checks and takes the arrays of a file by reading every series once.
    ///
    /// # Errors
    /// If the numbers of a series do not describe a model.
    pub fn from_parts(parts: Parts) -> Result<Self, NotAModel> {
        let Parts {
            floats,
            whole,
            ends,
            notes,
        } = parts;
        let packed = Self {
            numbers: Writer { floats, whole },
            ends,
            notes,
        };
        for number in 0..packed.len() {
            packed
                .read(number)
                .map_err(|Broken| NotAModel { series: number })?;
        }
        Ok(packed)
    }

    /// The arrays for a file; [`Packed::from_parts`] is the inverse.
    pub fn into_parts(self) -> Parts {
        let Writer { floats, whole } = self.numbers;
        Parts {
            floats,
            whole,
            ends: self.ends,
            notes: self.notes,
        }
    }

    fn read(&self, number: usize) -> Result<Forecaster, Broken> {
        let mut reader = Reader {
            floats: slice(&self.numbers.floats, &self.ends.floats, number)?,
            whole: slice(&self.numbers.whole, &self.ends.whole, number)?,
        };
        reader.forecaster(self.notes[number].clone())
    }
}

/// The numbers of series `number`.
fn slice<'a, T>(all: &'a [T], ends: &[u64], number: usize) -> Result<&'a [T], Broken> {
    let end = |number: usize| ends.get(number).ok_or(Broken).map(|end| *end as usize);
    let start = match number.checked_sub(1) {
        Some(before) => end(before)?,
        None => 0,
    };
    all.get(start..end(number)?).ok_or(Broken)
}
