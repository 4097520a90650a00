//! The part of the page on the columns of the table: what the model takes each for, and which it does not use.

use super::left_out;
use crate::report::format::{LABEL, excerpt, label, percent};
use crate::report::html::{Table, columns, text};
use crate::report::page::Section;

/// A column of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnLine {
    pub name: String,
    /// `number`, `category`, `boolean`, `time`, `text`, `id`, `constant`.
    pub kind: String,
    pub used: bool,
    /// How it is used, or why not.
    pub about: String,
    /// Share of the training rows without a value.
    pub missing: f64,
}

/// Maximum number of columns on the page.
const COLUMNS_SHOWN: usize = 200;

pub(super) fn section(lines: &[ColumnLine]) -> Option<Section> {
    let row = |line: &ColumnLine| {
        let used = match line.used {
            true => "yes",
            false => "<span class=\"bad\">no</span>",
        };
        let missing = match line.missing {
            0.0 => "0".to_owned(),
            share => percent(share, 1),
        };
        vec![
            text(&label(&line.name, LABEL)),
            text(&label(&line.kind, 20)),
            used.to_owned(),
            missing,
            match line.about.as_str() {
                "" => String::new(),
                about => text(&excerpt(about, 120)),
            },
        ]
    };
    let used = lines.iter().filter(|line| line.used).count();
    let table = Table {
        caption: format!("{used} of {} columns are used", lines.len()),
        columns: columns(&[
            ("Column", "name"),
            ("Taken for", ""),
            ("Used", ""),
            ("Missing", "n"),
            ("How, or why not", "name"),
        ]),
        rows: lines.iter().take(COLUMNS_SHOWN).map(row).collect(),
        class: "columns",
    };
    (!lines.is_empty()).then(|| Section {
        title: "Columns".to_owned(),
        note: "Missing: share of the rows of the training part without a value.".to_owned(),
        body: table.render() + &left_out(lines.len(), COLUMNS_SHOWN, "column", "columns"),
    })
}
