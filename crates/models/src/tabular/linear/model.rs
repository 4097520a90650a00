//! A fitted model: scores of raw columns, and what each column contributes.

use rayon::prelude::*;

use super::design::{Design, Encoding, Number};
use super::prepared::{Prepared, column_number};
use crate::trees::{Column, Link};

/// Number of rows per task.
const ROWS: usize = 1024;

/// A fitted linear model.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    pub(super) design: Design,
    pub(super) link: Link,
    /// One per output.
    pub(super) intercepts: Vec<f64>,
    /// features × outputs.
    pub(super) coefficients: Vec<f64>,
}

/// What the columns add to the margins of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// One per output: the margin of the mean row.
    pub base: Vec<f64>,
    /// rows × outputs × columns.
    pub values: Vec<f64>,
}

/// Why a table does not fit a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinearError {
    /// The table has another number of columns than in training.
    #[error("expected {expected} columns, got {got}")]
    Columns {
        /// Number of columns in training.
        expected: usize,
        /// Number of columns given.
        got: usize,
    },
    /// Numbers where categories were trained, or the other way round.
    #[error("column {column} was trained as {expected}")]
    Kind {
        /// Index of the column.
        column: usize,
        /// `numbers` or `categories`.
        expected: &'static str,
    },
    /// A column has another number of rows than the first.
    #[error("column {column} has another number of rows than column 0")]
    Length {
        /// Index of the column.
        column: usize,
    },
}

/// The number of rows, if there are columns.
pub(super) fn check_columns(
    design: &Design,
    columns: &[Column],
) -> Result<Option<usize>, LinearError> {
    let (expected, got) = (design.columns(), columns.len());
    if expected != got {
        return Err(LinearError::Columns { expected, got });
    }
    let rows = columns.first().map(Column::len);
    for (index, (encoding, column)) in design.encodings.iter().zip(columns).enumerate() {
        let expected = match encoding {
            Encoding::Number(_) => "numbers",
            Encoding::Levels(_) => "categories",
        };
        if column.is_categories() != (expected == "categories") {
            let column = index;
            return Err(LinearError::Kind { column, expected });
        }
        if Some(column.len()) != rows {
            return Err(LinearError::Length { column: index });
        }
    }
    Ok(rows)
}

/// What one column adds to one margin, less what it adds for the mean row.
enum Term<'a> {
    Number {
        number: Number,
        slope: f64,
        /// Added for a number that is seen, and for one that is missing.
        seen: f64,
        missing: f64,
    },
    Levels {
        encoding: &'a super::design::Levels,
        values: Vec<f64>,
    },
}

impl Term<'_> {
    #[inline]
    fn value(&self, column: &Column, row: usize) -> f64 {
        match (self, column) {
            (Term::Levels { encoding, values }, Column::Categories(codes)) => {
                values[encoding.index(codes[row])]
            }
            (
                Term::Number {
                    number,
                    slope,
                    seen,
                    missing,
                },
                column,
            ) => {
                let value = number.standardized(column_number(column, row));
                if value.is_nan() {
                    *missing
                } else {
                    slope * value + seen
                }
            }
            // `check_columns` refuses other kinds.
            (Term::Levels { .. }, _) => 0.0,
        }
    }
}

impl Linear {
    /// Takes the intercept and the coefficients of each output in the order of `prepared`.
    pub(super) fn new(prepared: &Prepared, link: Link, outputs: &[Vec<f64>]) -> Linear {
        let places = prepared.places().iter();
        let coefficients =
            places.flat_map(|&place| outputs.iter().map(move |output| output[place as usize]));
        Linear {
            design: prepared.design.clone(),
            link,
            intercepts: outputs.iter().map(|output| output[0]).collect(),
            coefficients: coefficients.collect(),
        }
    }

    /// How columns become features.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// From margins to predictions.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Number of margins per row.
    pub fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// Features × outputs, per standardized feature.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// One per output.
    pub fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// The margin of the mean row of those that the design was learned from, one per output.
    ///
    /// Without columns that is all there is to say about a row.
    pub fn base(&self) -> Vec<f64> {
        let outputs = 0..self.outputs();
        outputs
            .map(|output| {
                let columns = 0..self.design.columns();
                let means: f64 = columns.map(|column| self.mean(column, output)).sum();
                self.intercepts[output] + means
            })
            .collect()
    }

    /// Margins: rows × outputs; none without columns.
    ///
    /// To the bit the sum of the base and the contributions, in the order of the columns.
    ///
    /// # Errors
    /// If the columns are not those of training, in number, kind and length.
    pub fn margins(&self, columns: &[Column]) -> Result<Vec<f64>, LinearError> {
        let rows = check_columns(&self.design, columns)?.unwrap_or(0);
        let (outputs, base, terms) = (self.outputs(), self.base(), self.terms());
        let mut margins = vec![0.0; rows * outputs];
        let chunks = margins.par_chunks_mut(ROWS * outputs).enumerate();
        chunks.for_each(|(chunk, margins)| {
            for (row, margins) in (chunk * ROWS..).zip(margins.chunks_exact_mut(outputs)) {
                margins.copy_from_slice(&base);
                let terms = terms.chunks_exact(outputs).zip(columns);
                for (terms, column) in terms {
                    for (margin, term) in margins.iter_mut().zip(terms) {
                        *margin += term.value(column, row);
                    }
                }
            }
        });
        Ok(margins)
    }

    /// What each column adds to the margin of the mean row.
    ///
    /// These are the Shapley values if columns are independent (Štrumbelj and Kononenko 2014).
    ///
    /// # Errors
    /// As for [`Linear::margins`].
    pub fn contributions(&self, columns: &[Column]) -> Result<Contributions, LinearError> {
        let rows = check_columns(&self.design, columns)?.unwrap_or(0);
        let (outputs, count, terms) = (self.outputs(), columns.len(), self.terms());
        let mut values = vec![0.0; rows * outputs * count];
        let width = (outputs * count).max(1);
        let chunks = values.par_chunks_mut(ROWS * width).enumerate();
        chunks.for_each(|(chunk, values)| {
            for (row, values) in (chunk * ROWS..).zip(values.chunks_exact_mut(width)) {
                for (index, column) in columns.iter().enumerate() {
                    for output in 0..outputs {
                        let term = &terms[index * outputs + output];
                        values[output * count + index] = term.value(column, row);
                    }
                }
            }
        });
        Ok(Contributions {
            base: self.base(),
            values,
        })
    }

    fn coefficient(&self, feature: usize, output: usize) -> f64 {
        self.coefficients[feature * self.outputs() + output]
    }

    /// What a column adds to the margin of the mean row.
    fn mean(&self, column: usize, output: usize) -> f64 {
        let first = self.design.features(column).start;
        match &self.design.encodings[column] {
            Encoding::Number(number) => number
                .missing
                .map_or(0.0, |share| share * self.coefficient(first + 1, output)),
            Encoding::Levels(levels) => {
                let shares = (first..).zip(&levels.shares);
                let parts =
                    shares.map(|(feature, share)| share * self.coefficient(feature, output));
                parts.sum()
            }
        }
    }

    /// Columns × outputs.
    fn terms(&self) -> Vec<Term<'_>> {
        let columns = 0..self.design.columns();
        let outputs = self.outputs();
        columns
            .flat_map(|column| (0..outputs).map(move |output| self.term(column, output)))
            .collect()
    }

    fn term(&self, column: usize, output: usize) -> Term<'_> {
        let features = self.design.features(column);
        let (first, mean) = (features.start, self.mean(column, output));
        match &self.design.encodings[column] {
            Encoding::Number(number) => {
                let missing = number.missing.map(|_| self.coefficient(first + 1, output));
                Term::Number {
                    number: *number,
                    slope: self.coefficient(first, output),
                    seen: -mean,
                    missing: missing.unwrap_or(0.0) - mean,
                }
            }
            Encoding::Levels(encoding) => Term::Levels {
                encoding,
                values: features
                    .map(|feature| self.coefficient(feature, output) - mean)
                    .collect(),
            },
        }
    }
}
