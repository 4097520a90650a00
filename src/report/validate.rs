//! The page `reports/validate/TASK.html`: broken rules with their rows, and a profile of the columns. The JSON
//! file beside it has the same figures.

use serde::{Deserialize, Serialize};

use super::format::{count, excerpt, plural};
use super::html::{Table, columns, text};
use super::page::{Figure, Page, Section};
use super::table;
use tables::profile::summary;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Ends with exit code 4.
    Error,
    Warning,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
        }
    }
}

/// A rule that is broken.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub level: Level,
    pub rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Rows that break the rule; 0 where it is not about rows.
    pub count: u64,
    /// The first of them.
    pub rows: Vec<Offender>,
}

/// A row that breaks a rule.
#[derive(Clone, Debug, Serialize)]
pub struct Offender {
    pub file: String,
    /// Line of a text file, row of a Parquet file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub value: String,
}

impl std::fmt::Display for Offender {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.file)?;
        let format = tables::Format::of_path(std::path::Path::new(&self.file));
        match (self.line, format) {
            (None, _) => Ok(()),
            (Some(row), Some((tables::Format::Parquet, _))) => write!(f, ": row {row}"),
            (Some(line), _) => write!(f, ":{line}"),
        }
    }
}

/// What a validation has found.
#[derive(Clone, Debug, Serialize)]
pub struct Validation {
    pub task: String,
    /// The file of rules, as it was named; absent: the built-in rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// `raw` or `prepared`.
    pub part: &'static str,
    pub errors: u64,
    pub warnings: u64,
    /// Errors first, else in the order of the columns.
    pub findings: Vec<Finding>,
    pub tables: Vec<summary::Table>,
}

/// The page's bytes: a function of `validation` alone.
pub fn page(validation: &Validation) -> String {
    let verdict = match (validation.errors, validation.warnings) {
        (0, 0) => "Every rule is kept.".to_owned(),
        (0, _) => "No rule of level error is broken.".to_owned(),
        (errors, _) => format!(
            "{} {} to be mended before training.",
            count(errors),
            plural(errors, "error", "errors")
        ),
    };
    let rules = match &validation.schema {
        Some(file) => format!("Rules of {}.", text(file)),
        None => {
            "The rules are those built in; <code>--init</code> writes a file to edit.".to_owned()
        }
    };
    let (errors, warnings): (Vec<&Finding>, Vec<&Finding>) = validation
        .findings
        .iter()
        .partition(|finding| finding.level == Level::Error);
    let found = [("Errors", errors), ("Warnings", warnings)];
    let found = found
        .into_iter()
        .filter(|(_, findings)| !findings.is_empty());
    let several = validation.tables.len() > 1;
    let tables = validation.tables.iter().map(|table| Section {
        title: match several {
            true => format!("What {} holds", table.source),
            false => "What the columns hold".to_owned(),
        },
        ..table::section(table)
    });
    let page = Page {
        title: format!(
            "Validation of {}, {} data",
            validation.task, validation.part
        ),
        summary: format!("{verdict} {rules}"),
        figures: figures(validation),
        sections: found
            .map(|(title, list)| section(title, &list))
            .chain(tables)
            .collect(),
        ..Page::default()
    };
    page.render()
}

fn figures(validation: &Validation) -> Vec<Figure> {
    let rows: u64 = validation.tables.iter().map(|table| table.rows).sum();
    let columns: usize = validation
        .tables
        .iter()
        .map(|table| table.columns.len())
        .sum();
    let figure = |value: u64, one: &str, many: &str, class: &'static str| Figure {
        name: plural(value, one, many).to_owned(),
        value: count(value),
        class,
        ..Figure::default()
    };
    let (errors, warnings) = (validation.errors, validation.warnings);
    vec![
        figure(
            errors,
            "error",
            "errors",
            if errors > 0 { "error" } else { "" },
        ),
        figure(
            warnings,
            "warning",
            "warnings",
            if warnings > 0 { "warning" } else { "" },
        ),
        figure(rows, "row", "rows", ""),
        figure(columns as u64, "column", "columns", ""),
    ]
}

fn section(title: &str, findings: &[&Finding]) -> Section {
    let items: String = findings.iter().map(|finding| item(finding)).collect();
    Section {
        title: title.to_owned(),
        note: String::new(),
        body: format!("<ol class=\"findings\">\n{items}</ol>\n"),
    }
}

fn item(finding: &Finding) -> String {
    let place = match &finding.column {
        Some(column) => format!("{}: {}", text(&excerpt(column, 40)), finding.rule),
        None => finding.rule.clone(),
    };
    let rows = match finding.rows.is_empty() {
        true => String::new(),
        false => offenders(finding),
    };
    format!(
        "<li><h3>{place}</h3>\n<p>{}.</p>\n{rows}</li>\n",
        text(&excerpt(&finding.message, 400))
    )
}

fn offenders(finding: &Finding) -> String {
    let row = |offender: &Offender| {
        vec![
            text(&offender.to_string()),
            text(&excerpt(offender.column.as_deref().unwrap_or_default(), 40)),
            text(&excerpt(&offender.value, 120)),
        ]
    };
    let shown = finding.rows.len() as u64;
    let of = match finding.count > shown {
        true => format!(
            "The first {} of {} rows",
            count(shown),
            count(finding.count)
        ),
        false => format!("{} {}", count(shown), plural(shown, "row", "rows")),
    };
    let table = Table {
        caption: of,
        columns: columns(&[("Place", "name"), ("Column", ""), ("Value", "")]),
        rows: finding.rows.iter().map(row).collect(),
        class: "offenders",
    };
    table.render()
}
