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
