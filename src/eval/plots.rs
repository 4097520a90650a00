//! Files of `plots/TASK`: CSV tables for DVC and other tools.

use std::io::{self, Write};

use serde::Serialize;

use models::metrics::calibration::Bin;

/// Writes the content of a file, so that the text of many series need not be in memory.
pub type Plot = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()>>;

/// A table with a line per entry and columns named like the fields.
///
/// # Errors
/// If an entry is not a struct of plain values.
pub(crate) fn table<T: Serialize>(entries: impl IntoIterator<Item = T>) -> io::Result<Plot> {
    let mut out = csv::Writer::from_writer(Vec::new());
    for entry in entries {
        out.serialize(entry)?;
    }
    in_memory(out)
}

/// The actual and the predicted class of each row, as DVC's template `confusion` counts them.
///
/// # Errors
/// Never: the table is in memory.
pub(crate) fn confusion<'a>(
    rows: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> io::Result<Plot> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(["actual", "predicted"])?;
    for (actual, predicted) in rows {
        out.write_record([actual, predicted])?;
    }
    in_memory(out)
}

/// Probability and accuracy by bin, without empty bins.
///
/// # Errors
/// Never: the table is in memory.
pub(crate) fn calibration(bins: &[Bin]) -> io::Result<Plot> {
    table(bins.iter().filter(|bin| bin.rows > 0))
}

/// A complete table.
///
/// # Errors
/// Never: the table is in memory.
pub(crate) fn in_memory(table: csv::Writer<Vec<u8>>) -> io::Result<Plot> {
    let bytes = table.into_inner().map_err(|error| error.into_error())?;
    Ok(Box::new(move |out| out.write_all(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(plot: io::Result<Plot>) -> String {
        let mut out = Vec::new();
        plot.unwrap()(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_has_a_heading_and_a_line_a_row() {
        let rows = [("blurred", "sharp"), ("a, b", "a, b")];
        assert_eq!(
            text(confusion(rows)),
            "actual,predicted\nblurred,sharp\n\"a, b\",\"a, b\"\n"
        );
    }

    #[test]
    fn bins_without_rows_are_left_out() {
        let bin = |rows| Bin {
            probability: 0.9,
            accuracy: 1.0,
            rows,
        };
        assert_eq!(
            text(calibration(&[bin(0), bin(3)])),
            "probability,accuracy,rows\n0.9,1.0,3\n"
        );
    }
}
