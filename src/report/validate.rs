//! The page `reports/validate/TASK.html`: broken rules with their rows, and a profile of the columns. The JSON file
//! of the same name has the same figures.

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

/// A broken rule.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub level: Level,
    pub rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Number of rows that break the rule; 0 if it is not about rows.
    pub count: u64,
    /// The first of these rows.
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
    /// The repeated text, if `value` names the first row with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A rule that holds.
#[derive(Clone, Debug, Serialize)]
pub struct Passed {
    pub rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What was checked, and what is allowed.
    pub says: String,
}

impl std::fmt::Display for Offender {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.file)?;
        let path = std::path::Path::new(&self.file);
        let format = tables::Format::of_path(path);
        match (self.line, format) {
            (None, _) => Ok(()),
            (Some(row), Some((tables::Format::Parquet, _))) => write!(f, ": row {row}"),
            (Some(row), _) if tables::Format::is_json_name(path) => write!(f, ": row {row}"),
            (Some(line), _) => write!(f, ":{line}"),
        }
    }
}

/// The result of a validation.
#[derive(Clone, Debug, Serialize)]
pub struct Validation {
    pub task: String,
    /// The file of rules; absent: the built-in rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// `raw` or `prepared`.
    pub part: &'static str,
    pub errors: u64,
    pub warnings: u64,
    /// Errors first, otherwise in the order of the columns.
    pub findings: Vec<Finding>,
    /// Rules that were checked and hold.
    pub passed: Vec<Passed>,
    pub tables: Vec<summary::Table>,
}

/// The page: a function of `validation` alone.
pub fn page(validation: &Validation) -> Page {
    let warnings = format!(
        "{} {}",
        count(validation.warnings),
        plural(validation.warnings, "warning", "warnings")
    );
    let verdict = match (validation.errors, validation.warnings) {
        (0, 0) => "The data can be used: every rule holds.".to_owned(),
        (0, _) => format!("The data can be used; {warnings} to review."),
        (errors, _) => format!(
            "The data cannot be used yet: {} {} to correct first.",
            count(errors),
            plural(errors, "error", "errors")
        ),
    };
    let rules = match &validation.schema {
        Some(file) => format!("The rules are those of {}.", text(file)),
        None => {
            format!(
                "The rules are the built-in ones; <code>easylife validate {} --init</code> writes a file of \
                rules to edit.",
                text(&validation.task)
            )
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
            true => format!("Columns of {}", table.source),
            false => "Columns".to_owned(),
        },
        ..table::section(table)
    });
    Page {
        title: format!(
            "Validation of {}, {} data",
            validation.task, validation.part
        ),
        summary: format!("{verdict} {rules}"),
        figures: figures(validation),
        sections: found
            .map(|(title, list)| section(title, &list))
            .chain((!validation.passed.is_empty()).then(|| passed(&validation.passed)))
            .chain(tables)
            .collect(),
        ..Page::default()
    }
}

/// The section about rules that hold.
fn passed(rules: &[Passed]) -> Section {
    let row = |rule: &Passed| {
        vec![
            format!(
                "<span class=\"badge good\">holds</span> {}",
                text(&rule.rule)
            ),
            text(&excerpt(rule.column.as_deref().unwrap_or_default(), 40)),
            text(&excerpt(&rule.says, 200)),
        ]
    };
    let number = rules.len() as u64;
    let table = Table {
        caption: format!("{} {}", count(number), plural(number, "rule", "rules")),
        columns: columns(&[
            ("Rule", "name"),
            ("Column", ""),
            ("What was checked, and what is allowed", ""),
        ]),
        rows: rules.iter().map(row).collect(),
        class: "offenders",
    };
    Section {
        title: "Rules that hold".to_owned(),
        note: String::new(),
        body: table.render(),
    }
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
    let level = finding.level.as_str();
    format!(
        "<li class=\"{level}\"><h3><span class=\"badge {level}\">{level}</span> {place}</h3>\n<p>{}.</p>\n{rows}</li>\n",
        text(&excerpt(&finding.message, 400))
    )
}

fn offenders(finding: &Finding) -> String {
    let with_texts = finding.rows.iter().any(|offender| offender.text.is_some());
    // If the finding names the column, its rows need not.
    let with_columns = finding.column.is_none();
    let cell = |value: &str, limit: usize| text(&excerpt(value, limit));
    let row = |offender: &Offender| {
        let mut cells = vec![text(&offender.to_string())];
        if with_columns {
            cells.push(cell(offender.column.as_deref().unwrap_or_default(), 40));
        }
        if with_texts {
            cells.push(cell(offender.text.as_deref().unwrap_or_default(), 120));
        }
        let value = offender.value.as_str();
        cells.push(match with_texts {
            true => cell(value.strip_prefix("as ").unwrap_or(value), 120),
            false => cell(value, 120),
        });
        cells
    };
    let mut headings = vec![("Place", "name")];
    headings.extend(with_columns.then_some(("Column", "")));
    headings.extend(with_texts.then_some(("Text", "name")));
    headings.push((if with_texts { "First in" } else { "Value" }, ""));
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
        columns: columns(&headings),
        rows: finding.rows.iter().map(row).collect(),
        class: "offenders",
    };
    table.render()
}

#[cfg(test)]
mod tests;
