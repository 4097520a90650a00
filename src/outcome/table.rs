//! Columns of text side by side.

use std::fmt;

/// Writes rows with columns as wide as their widest cell, each line after `indent`; columns for which `is_number` holds
/// are aligned on the right. Rows may have fewer cells than others.
///
/// # Errors
/// If it cannot be written.
pub fn write(
    f: &mut fmt::Formatter,
    indent: &str,
    rows: &[impl AsRef<[String]>],
    is_number: impl Fn(usize) -> bool,
) -> fmt::Result {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.as_ref().iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    for row in rows {
        let cells = row.as_ref().iter().zip(&widths).enumerate();
        let padded = cells.map(|(column, (cell, width))| match is_number(column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        let line = padded.collect::<Vec<_>>().join("  ");
        writeln!(f, "{indent}{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(Vec<Vec<String>>);

    impl fmt::Display for Table {
        fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
            write(f, "  ", &self.0, |column| column == 1)
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        let table = Table(vec![row(&["größe", "1", "x"]), row(&["n", "100"])]);
        assert_eq!(table.to_string(), "  größe    1  x\n  n      100\n");
    }
}
