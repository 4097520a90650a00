//! Labels that arrive later, joined to the rows that were scored.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;

/// Why labels cannot be joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TruthError {
    /// Two scored rows have the same id.
    #[error("id `{id}` was scored twice (rows {first} and {second}); ids of rows must differ")]
    ScoredTwice {
        /// The id.
        id: String,
        /// Index of the first row.
        first: usize,
        /// Index of the second row.
        second: usize,
    },
    /// A label is for a row that was never scored.
    #[error("the truth of `{id}` (row {row} of the truth) is for a row that was never scored")]
    NeverScored {
        /// The id.
        id: String,
        /// Index of the row of the truth.
        row: usize,
    },
    /// Two labels of one row differ.
    #[error(
        "the truth of `{id}` is given twice and differs (rows {first} and {second} of the truth)"
    )]
    Conflict {
        /// The id.
        id: String,
        /// Index of the first row of the truth.
        first: usize,
        /// Index of the second row of the truth.
        second: usize,
    },
}

/// Labels of scored rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined<T> {
    /// Indices of the scored rows that have a label, ascending.
    pub rows: Vec<usize>,
    /// The label of each of them.
    pub truth: Vec<T>,
    /// Number of labels that repeat an earlier one.
    pub repeated: usize,
}

/// Joins labels (id and truth, in any order) to the rows that were scored.
///
/// The same label twice counts once.
///
/// # Errors
/// An id that was scored twice, a label for a row that was never scored, or two labels of one row that
/// differ.
///
/// # Examples
/// ```
/// use monitoring::performance::truth::join;
///
/// let joined = join(&["a", "b", "c"], &[("c", 1), ("a", 0), ("c", 1)]).unwrap();
/// assert_eq!((joined.rows, joined.truth, joined.repeated), (vec![0, 2], vec![0, 1], 1));
/// assert!(join(&["a"], &[("a", 0), ("a", 1)]).is_err());
/// assert!(join(&["a"], &[("x", 0)]).is_err());
/// ```
pub fn join<I, T>(scored: &[I], truth: &[(I, T)]) -> Result<Joined<T>, TruthError>
where
    I: Hash + Eq + Display,
    T: Clone + PartialEq,
{
    let mut row_of: HashMap<&I, usize> = HashMap::with_capacity(scored.len());
    for (second, id) in scored.iter().enumerate() {
        if let Some(first) = row_of.insert(id, second) {
            let id = id.to_string();
            return Err(TruthError::ScoredTwice { id, first, second });
        }
    }
    let mut label_of: Vec<Option<usize>> = vec![None; scored.len()];
    let mut repeated = 0;
    for (row, (id, label)) in truth.iter().enumerate() {
        let Some(&of) = row_of.get(id) else {
            let id = id.to_string();
            return Err(TruthError::NeverScored { id, row });
        };
        match label_of[of] {
            None => label_of[of] = Some(row),
            Some(first) if truth[first].1 == *label => repeated += 1,
            Some(first) => {
                return Err(TruthError::Conflict {
                    id: id.to_string(),
                    first,
                    second: row,
                });
            }
        }
    }
    let labelled = || (0..scored.len()).filter_map(|row| Some((row, label_of[row]?)));
    Ok(Joined {
        rows: labelled().map(|(row, _)| row).collect(),
        truth: labelled()
            .map(|(_, label)| truth[label].1.clone())
            .collect(),
        repeated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_rows() {
        let message = |truth: &[(&str, u32)]| join(&["a", "b"], truth).unwrap_err().to_string();
        assert_eq!(
            message(&[("a", 1), ("z", 0)]),
            "the truth of `z` (row 1 of the truth) is for a row that was never scored"
        );
        assert_eq!(
            message(&[("a", 1), ("b", 0), ("a", 0)]),
            "the truth of `a` is given twice and differs (rows 0 and 2 of the truth)"
        );
        let error = join(&["a", "a"], &[("a", 0)]).unwrap_err();
        assert!(matches!(
            error,
            TruthError::ScoredTwice {
                first: 0,
                second: 1,
                ..
            }
        ));
        assert!(join::<&str, u32>(&["a"], &[]).unwrap().rows.is_empty());
    }
}
