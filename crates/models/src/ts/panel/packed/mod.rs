//! Fitted series in compact form: the numbers of all series in two arrays, and where those of each end.
//!
//! Parameters and final states only, no history: one to two kilobytes a series, more with long seasons; the
//! models that are unpacked to forecast take several times as much. Model files hold the same arrays. A file
//! may be wrong: lengths and codes are checked once, when it is read.

mod reader;
mod writer;

use self::reader::{Broken, Reader};
use self::writer::Writer;
use crate::ts::series::forecaster::Forecaster;

/// Fitted series in compact form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packed {
    numbers: Writer,
    /// Where the numbers of each series end.
    ends: Ends,
    /// Why the models of each are what they are.
    notes: Vec<String>,
}

/// Ends of the floats and of the whole numbers of each series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    /// Of the floats.
    pub floats: Vec<u64>,
    /// Of the whole numbers.
    pub whole: Vec<u64>,
}

/// The arrays of a model file.
pub struct Parts {
    /// Floats of all series.
    pub floats: Vec<f64>,
    /// Whole numbers of all series: counts, orders, codes.
    pub whole: Vec<i64>,
    /// Where those of each series end.
    pub ends: Ends,
    /// Of each series.
    pub notes: Vec<String>,
}

/// Numbers that are not those of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the numbers of series {series} are not those of a model")]
pub struct NotAModel {
    /// The first such series, from 0.
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

    /// True without series.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// Series `number`, ready to forecast.
    ///
    /// # Panics
    /// Where there are not so many.
    pub fn get(&self, number: usize) -> Forecaster {
        match self.read(number) {
            Ok(series) => series,
            Err(Broken) => unreachable!("series {number} was checked when it was taken in"),
        }
    }

    /// All series, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = Forecaster> + '_ {
        (0..self.len()).map(|number| self.get(number))
    }

    /// Takes in what a file holds, which may be wrong: every series is read once.
    ///
    /// # Errors
    /// Where the numbers of a series are not those of a model.
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

    /// For a file; [`Packed::from_parts`] is the way back.
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

/// The numbers of series `number` out of those of all.
fn slice<'a, T>(all: &'a [T], ends: &[u64], number: usize) -> Result<&'a [T], Broken> {
    let end = |number: usize| ends.get(number).ok_or(Broken).map(|end| *end as usize);
    let start = match number.checked_sub(1) {
        Some(before) => end(before)?,
        None => 0,
    };
    all.get(start..end(number)?).ok_or(Broken)
}
