//! The page of `easylife profile`: a section for each table.

use super::format::{count, plural};
use super::page::{Page, Section};
use super::table;
use tables::profile::summary::Table;

/// The page's bytes: a function of `tables` alone.
pub fn page(tables: &[Table]) -> String {
    let rows = tables.iter().map(|table| table.rows).sum();
    let several = tables.len() > 1;
    let section = |table: &Table| Section {
        title: match several {
            true => table.source.clone(),
            false => "Columns".to_owned(),
        },
        ..table::section(table)
    };
    let page = Page {
        title: "Profile".to_owned(),
        summary: format!(
            "{} {} in {} {}.",
            count(rows),
            plural(rows, "row", "rows"),
            tables.len(),
            plural(tables.len() as u64, "table", "tables")
        ),
        sections: tables.iter().map(section).collect(),
        ..Page::default()
    };
    page.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(source: &str, rows: u64) -> Table {
        Table {
            source: source.to_owned(),
            rows,
            bad_rows: 0,
            columns: Vec::new(),
        }
    }

    #[test]
    fn rows_of_all_tables_are_added_up() {
        let one = page(&[table("a.csv", 1)]);
        assert!(one.contains("<p class=\"summary\">1 row in 1 table.</p>"));
        assert!(one.contains("<h2>Columns</h2>"));
        let two = page(&[table("a.csv", 999), table("<b>.csv", 1)]);
        assert!(two.contains("1,000 rows in 2 tables."));
        assert!(two.contains("<h2>a.csv</h2>") && two.contains("<h2>&lt;b&gt;.csv</h2>"));
    }
}
