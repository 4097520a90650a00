//! The columns that trees are grown on and scored with: borrowed slices, missing values included.

/// Code of a missing category.
pub const MISSING_CATEGORY: u32 = u32::MAX;

/// The values of one column, one per row.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// Numbers in single precision; NaN is missing, infinities are ordered.
    F32(&'a [f32]),
    /// Numbers in double precision; NaN is missing, infinities are ordered.
    F64(&'a [f64]),
    /// Codes of categories, counted from 0; [`MISSING_CATEGORY`] is missing.
    Categories(&'a [u32]),
}

impl Column<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::F32(values) => values.len(),
            Column::F64(values) => values.len(),
            Column::Categories(codes) => codes.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the values are categories.
    pub fn is_categories(&self) -> bool {
        matches!(self, Column::Categories(_))
    }
}

/// Number of rows that all columns have.
///
/// # Errors
/// The first column of another length than the first, if there is one.
pub(super) fn rows(columns: &[Column]) -> Result<usize, usize> {
    let rows = columns.first().map_or(0, Column::len);
    match columns.iter().position(|column| column.len() != rows) {
        Some(column) => Err(column),
        None => Ok(rows),
    }
}
