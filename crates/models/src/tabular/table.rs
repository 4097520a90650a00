//! A table in memory, column by column, as tasks hand it to the encoder.

/// Code of a missing word; the code of missing categories in [`crate::trees`].
pub use crate::trees::MISSING_CATEGORY as MISSING;

/// What a column holds, which decides how it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// True or false, as 1 or 0.
    Boolean,
    /// Words that stand for a category.
    Category,
    /// Points in time.
    Time,
    /// Texts of several words.
    Text,
}

impl ColumnKind {
    /// Every kind; its index is what a model file holds.
    pub const ALL: [ColumnKind; 5] = [
        ColumnKind::Number,
        ColumnKind::Boolean,
        ColumnKind::Category,
        ColumnKind::Time,
        ColumnKind::Text,
    ];

    /// The name in parameters and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            ColumnKind::Number => "number",
            ColumnKind::Boolean => "boolean",
            ColumnKind::Category => "category",
            ColumnKind::Time => "time",
            ColumnKind::Text => "text",
        }
    }
}

/// The values of a column, one per row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers, 1 and 0 for booleans, seconds since 1970 for times; NaN is missing.
    Numbers(Vec<f64>),
    /// Categories.
    Words(Words),
    /// Texts; `None` is missing.
    Texts(Vec<Option<String>>),
}

/// Words as indices into a list of the different ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// One per row, an index into `words`, or [`MISSING`].
    pub codes: Vec<u32>,
    /// The different words, in any order.
    pub words: Vec<String>,
}

/// A column: its name, what it holds, and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in files.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// One value per row.
    pub values: Values,
}

/// A table; all columns have the same number of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Number of rows.
    pub rows: usize,
    /// The columns that a model uses, in its order.
    pub columns: Vec<Column>,
}

impl Values {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Numbers(numbers) => numbers.len(),
            Values::Words(words) => words.codes.len(),
            Values::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of the rows, in this order.
    ///
    /// # Panics
    /// If a row does not exist.
    pub fn select(&self, rows: &[u32]) -> Values {
        match self {
            Values::Numbers(numbers) => Values::Numbers(pick(numbers, rows)),
            Values::Words(words) => Values::Words(Words {
                codes: pick(&words.codes, rows),
                words: words.words.clone(),
            }),
            Values::Texts(texts) => Values::Texts(pick(texts, rows)),
        }
    }

    /// Whether the value of a row is missing.
    ///
    /// # Panics
    /// If the row does not exist.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Values::Numbers(numbers) => numbers[row].is_nan(),
            Values::Words(words) => words.codes[row] == MISSING,
            Values::Texts(texts) => texts[row].is_none(),
        }
    }
}

impl Table {
    /// Some of the rows, in this order.
    ///
    /// # Panics
    /// If a row does not exist.
    pub fn select(&self, rows: &[u32]) -> Table {
        let select = |column: &Column| Column {
            name: column.name.clone(),
            kind: column.kind,
            values: column.values.select(rows),
        };
        Table {
            rows: rows.len(),
            columns: self.columns.iter().map(select).collect(),
        }
    }
}

fn pick<T: Clone>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter()
        .map(|&row| values[row as usize].clone())
        .collect()
}
