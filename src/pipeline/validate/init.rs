//! `validate TASK --init`: writes a first file of rules from the data, with the observed values as comments. People
//! then decide which rules to keep.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{TaskRule, Validate, Validated, built_in, job, refuse_overwriting_rules};
use crate::params::VERSION;
use crate::project::Project;
use crate::talk::Talk;
use files::atomic;
use tables::profile::summary::{Column, Figure, Table};

/// Columns of whole numbers with a range below this get a list of allowed values.
const MAX_ALLOWED_RANGE: i64 = 20;

/// Reads the data and writes the file.
pub(crate) fn run<T: Validate>(
    project: &Project,
    params: T::Params,
    path: &Path,
    force: bool,
    talk: &Talk,
) -> Result<Validated> {
    refuse_overwriting_rules(path, force)?;
    let mut rules = built_in::<T>(&params);
    rules.columns.0.clear(); // the data are read without rules
    let checked = { T::raw(&job::<T>(project, params, rules, talk)) }?;
    let rows = checked.tables.iter().map(|table| table.rows).sum();
    let text = match checked.tables.first() {
        Some(table) => schema(T::NAME, table, T::RULES),
        None => String::new(),
    };
    atomic::write(path, |out| out.write_all(text.as_bytes()))?;
    Ok(Validated {
        task: T::NAME,
        errors: 0,
        warnings: 0,
        findings: Vec::new(),
        rows,
        files: vec![PathBuf::from(path)],
    })
}

/// The text of the file.
fn schema(task: &str, table: &Table, rules: &[TaskRule]) -> String {
    let mut out = format!(
        "# Rules for the raw data of {task}, made by `easylife validate {task} --init` from {}.\n\
        # Edit and commit this file: the data seen so far may not be all that is allowed. A broken rule\n\
        # ends `easylife validate` with exit code 4, unless the rule has `level: warning`. Rules that you\n\
        # remove are not checked. docs/validate.md lists all rules.\n\
         easylife: \"{VERSION}\"\n\n\
         rows: {{min: {}, level: warning}}    # seen: {}\n\
         other_columns: {{is: allowed, level: warning}}    # or refused: columns that are not named here\n",
        table.source,
        table.rows / 2,
        table.rows,
    );
    out += "# unique: [[a, b]]        # columns whose combined values must be unique\n\ncolumns:\n";
    for column in &table.columns {
        column_rules(&mut out, column);
    }
    out += "\ntask:                     # rules of this task\n";
    for rule in rules {
        let bound =
            |name: &str, value: Option<&str>| value.map(|value| format!("{name}: {value}, "));
        let bounds = [bound("min", rule.min), bound("max", rule.max)];
        let bounds: String = bounds.into_iter().flatten().collect();
        let level = rule.level.as_str();
        let _ = writeln!(
            out,
            "  {}: {{{bounds}level: {level}}}    # {}",
            rule.name, rule.says
        );
    }
    out
}

fn column_rules(out: &mut String, column: &Column) {
    let mut line = |rule: String, seen: String| {
        let seen = if seen.is_empty() {
            seen
        } else {
            format!("    # seen: {seen}")
        };
        let _ = writeln!(out, "{rule}{seen}");
    };
    line(format!("  {}:", quoted(&column.name)), String::new());
    if column.class == "empty" {
        return line("    # no value was seen".to_owned(), String::new());
    }
    line(format!("    type: {}", column.class), examples(column));
    let share = column.nulls as f64 / column.count.max(1) as f64;
    line(
        format!("    nulls: {{max: {}}}", with_margin(share)),
        format!("{} of {}", column.nulls, column.count),
    );
    let values = column.count - column.nulls;
    if values >= 5 * column.distinct
        && let Some(values) = enumerated(column)
    {
        line(format!("    allowed: [{values}]"), String::new());
        return;
    }
    spread(&mut line, column);
    if column.distinct_exact && column.distinct == values && values >= 20 && is_key(column) {
        line(
            "    unique: {is: true, level: warning}".to_owned(),
            "no value is repeated".to_owned(),
        );
    } else if !column.distinct_exact && column.distinct as f64 >= 0.97 * values as f64 {
        line(
            "    # unique: true".to_owned(),
            "hardly a value is repeated".to_owned(),
        );
    }
}

/// All values of a column with few values, if no others are to be expected.
fn enumerated(column: &Column) -> Option<String> {
    if !column.distinct_exact || column.top.len() as u64 != column.distinct {
        return None;
    }
    let values = column.top.iter().map(|top| top.value.as_str());
    let values: Vec<String> = match (column.class.as_str(), &column.min, &column.max) {
        ("text" | "boolean", ..) => values.map(quoted).collect(),
        // A grade or a flag, not a measurement that happens to have few values.
        ("integer", Some(Figure::Whole(min)), Some(Figure::Whole(max)))
            if max - min < MAX_ALLOWED_RANGE =>
        {
            values.map(str::to_owned).collect()
        }
        _ => return None,
    };
    Some(values.join(", "))
}

/// Whether a column without repeats is likely a key: texts, and numbers without large gaps.
fn is_key(column: &Column) -> bool {
    match (&column.min, &column.max) {
        (Some(Figure::Whole(min)), Some(Figure::Whole(max))) => {
            max.abs_diff(*min) < 2 * column.distinct
        }
        _ => column.class == "text",
    }
}

/// Bounds of numbers and dates, lengths of texts.
fn spread(line: &mut impl FnMut(String, String), column: &Column) {
    if let (Some(min), Some(max)) = (&column.min, &column.max) {
        let bounds = format!("min: {}, max: {}", bound(min), bound(max));
        line(
            format!("    range: {{{bounds}, level: warning}}"),
            format!("{min} to {max}"),
        );
    } else if column.class == "text" {
        let (min, max) = (column.lengths.min.min(1), 2 * column.lengths.max);
        let seen = format!("{} to {} letters", column.lengths.min, column.lengths.max);
        line(
            format!("    length: {{min: {min}, max: {max}, level: warning}}"),
            seen,
        );
    }
}

fn bound(figure: &Figure) -> String {
    match figure {
        Figure::Text(text) => quoted(text),
        Figure::Whole(value) => value.to_string(),
        Figure::Number(value) => value.to_string(),
    }
}

fn examples(column: &Column) -> String {
    let short = column
        .examples
        .iter()
        .filter(|text| text.len() <= 24 && !text.contains(char::is_control));
    short.take(2).cloned().collect::<Vec<_>>().join(", ")
}

/// A share somewhat above the observed one; 0 stays 0.
fn with_margin(share: f64) -> f64 {
    match share {
        0.0 => 0.0,
        share => ((share * 1.5 * 100.0).ceil() / 100.0).min(1.0),
    }
}

/// A text as a YAML string: in quotes if it could be read as anything else.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let word = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ];
    match plain && !word.contains(&text.to_ascii_lowercase().as_str()) {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_yaml_would_take_them_for_something_else() {
        for (text, expected) in [
            ("label", "label"),
            ("unique-id_2", "unique-id_2"),
            ("yes", "\"yes\""),
            ("2024", "\"2024\""),
            ("a: b", "\"a: b\""),
            ("tab\t\"q\"", "\"tab\\t\\\"q\\\"\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(text), expected);
            let back: String = yaml::from_str(&quoted(text)).unwrap();
            assert_eq!(back, text);
        }
        assert_eq!(
            [with_margin(0.0), with_margin(0.001), with_margin(0.9)],
            [0.0, 0.01, 1.0]
        );
    }
}
