//! What an error model sees of rows: features and the prediction of the model in use.

use models::trees::Column;

use super::super::PerformanceError;
use super::super::error::{check_finite, check_length, check_rows};

/// Features and predictions of rows.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// Numbers and codes of categories, missing ones included; may be empty.
    pub columns: Vec<Column<'a>>,
    /// The prediction of each row.
    pub predictions: &'a [f64],
}

impl Frame<'_> {
    /// Checks that there are rows and that slices have one entry for each.
    pub(super) fn check(&self, what: &'static str, least: usize) -> Result<(), PerformanceError> {
        let rows = self.predictions.len();
        check_rows(what, rows, least)?;
        for column in &self.columns {
            check_length("feature", column.len(), rows)?;
        }
        check_finite("prediction", self.predictions)
    }

    /// The columns, with the prediction as the last.
    pub(super) fn with_prediction(&self) -> Vec<Column<'_>> {
        let mut columns = self.columns.clone();
        columns.push(Column::F64(self.predictions));
        columns
    }

    /// Copies some of the rows.
    ///
    /// # Errors
    /// Slices of other lengths, or a row that is not there.
    pub fn select(&self, rows: &[usize]) -> Result<Picked, PerformanceError> {
        let all = self.predictions.len();
        for column in &self.columns {
            check_length("feature", column.len(), all)?;
        }
        if let Some(&row) = rows.iter().find(|&&row| row >= all) {
            let (got, rows, what) = (row + 1, all, "row");
            return Err(PerformanceError::Length { what, got, rows });
        }
        let pick = |column: &Column| match column {
            Column::F32(values) => {
                Values::Numbers(rows.iter().map(|&row| f64::from(values[row])).collect())
            }
            Column::F64(values) => Values::Numbers(rows.iter().map(|&row| values[row]).collect()),
            Column::Categories(codes) => {
                Values::Categories(rows.iter().map(|&row| codes[row]).collect())
            }
        };
        Ok(Picked {
            columns: self.columns.iter().map(pick).collect(),
            predictions: rows.iter().map(|&row| self.predictions[row]).collect(),
        })
    }
}

enum Values {
    Numbers(Vec<f64>),
    Categories(Vec<u32>),
}

/// A copy of some rows of a [`Frame`].
pub struct Picked {
    columns: Vec<Values>,
    predictions: Vec<f64>,
}

impl Picked {
    /// The rows.
    pub fn frame(&self) -> Frame<'_> {
        fn column(values: &Values) -> Column<'_> {
            match values {
                Values::Numbers(values) => Column::F64(values),
                Values::Categories(codes) => Column::Categories(codes),
            }
        }
        Frame {
            columns: self.columns.iter().map(column).collect(),
            predictions: &self.predictions,
        }
    }
}
