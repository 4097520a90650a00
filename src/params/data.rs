//! Checks that the blocks of several tasks share: `TASK.data.source`, and `TASK.split.test` as a share.

use super::{Invalid, require};
use tables::{Delimiter, Escape, Quote, Reading};

/// Refuses an empty `TASK.data.source`.
pub(crate) fn check_source(task: &str, source: &str) -> Result<(), Invalid> {
    require(!source.is_empty(), &format!("{task}.data.source"), || {
        "the path is empty; give a file or a folder".to_owned()
    })
}

/// How CSV files are read, according to `TASK.data.delimiter`, `quote` and `escape`.
pub(crate) fn reading(
    delimiter: Option<Delimiter>,
    quote: Option<Quote>,
    escape: Option<Escape>,
) -> Reading {
    Reading {
        delimiter,
        quote: quote.unwrap_or_default(),
        escape: escape.unwrap_or_default(),
        ..Reading::default()
    }
}

/// Refuses the same character as delimiter and as quote.
pub(crate) fn check_reading(task: &str, reading: Reading) -> Result<(), Invalid> {
    let invalid = |error: tables::InvalidReading| {
        Invalid::new(format!("{task}.data.quote"), error.to_string())
    };
    reading.check().map(|_| ()).map_err(invalid)
}

/// Checks the share of the source that becomes the test part, in [0, 1); 0: no test part, train on all.
pub(crate) fn check_share(task: &str, share: f64) -> Result<f64, Invalid> {
    require(
        (0.0..1.0).contains(&share),
        &format!("{task}.split.test"),
        || format!("{share} is not a share: expected at least 0 and below 1"),
    )?;
    Ok(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_leaves_something_to_train_on() {
        assert_eq!(check_share("cv", 0.0).unwrap(), 0.0);
        assert_eq!(check_share("cv", 0.99).unwrap(), 0.99);
        for share in [-0.1, 1.0, f64::NAN] {
            assert_eq!(check_share("cv", share).unwrap_err().key, "cv.split.test");
        }
    }

    #[test]
    fn a_source_has_a_name() {
        assert!(check_source("ts", "sales.csv").is_ok());
        assert_eq!(check_source("ts", "").unwrap_err().key, "ts.data.source");
    }
}
