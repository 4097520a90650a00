//! Rules that were checked and hold, for the report of a validation: readers see what was checked, not only what
//! is wrong.

use super::TaskRule;
use super::schema::{ColumnRules, Order, Others, Schema, Span};
use crate::report::validate::{Finding, Passed};
use tables::profile::summary::Table;

/// Prefix of the description of a rule on prepared parts.
const PREPARED_PREFIX: &str = "prepared: ";

/// The rules of `schema` without a finding. For prepared parts these are the rules of the task that compare them;
/// for raw data all other rules, except those on missing columns.
pub(super) fn rules(
    schema: &Schema,
    known: &[TaskRule],
    prepared: bool,
    tables: &[Table],
    findings: &[Finding],
) -> Vec<Passed> {
    let mut all = Vec::new();
    if !prepared {
        all.extend(of_table(schema));
        let there = |name: &str| {
            let mut columns = tables.iter().flat_map(|table| &table.columns);
            columns.any(|column| column.name == name)
        };
        for (name, rules) in schema.columns.0.iter().filter(|(name, _)| there(name)) {
            let says = of_column(rules).into_iter();
            all.extend(says.map(|(rule, says)| passed(rule, Some(name), says)));
        }
    }
    for rule in known {
        let says = rule.says.strip_prefix(PREPARED_PREFIX);
        if let (Some(span), true) = (schema.task.get(rule.name), says.is_some() == prepared) {
            let says = says.unwrap_or(rule.says);
            all.push(passed(rule.name, None, format!("{says}: {span}")));
        }
    }
    let broken = |rule: &Passed| {
        findings.iter().any(|finding| {
            let of_column = rule.column.is_none() || finding.column == rule.column;
            finding.rule == rule.rule && of_column
        })
    };
    all.retain(|rule| !broken(rule));
    all
}

fn passed(rule: &str, column: Option<&str>, says: String) -> Passed {
    Passed {
        rule: rule.to_owned(),
        column: column.map(str::to_owned),
        says,
    }
}

fn of_table(schema: &Schema) -> Vec<Passed> {
    let mut rules = Vec::new();
    if !schema.columns.0.is_empty() {
        let says = match schema.other_columns.as_ref().map(|rule| rule.is) {
            Some(Others::Refused) => "all named columns are present, and no others",
            _ => "all named columns are present",
        };
        rules.push(passed("columns", None, says.to_owned()));
    }
    if let Some(span) = &schema.rows {
        rules.push(passed("rows", None, format!("number of rows: {span}")));
    }
    for rule in schema.unique.iter().filter(|rule| rule.is.len() > 1) {
        let says = format!("combined values of {} are unique", rule.is.join(", "));
        rules.push(passed("unique", None, says));
    }
    rules
}

/// The rules of a column by key, with their descriptions.
fn of_column(rules: &ColumnRules) -> Vec<(&'static str, String)> {
    let span =
        |what: &str, span: &Option<Span>| span.as_ref().map(|span| format!("{what}: {span}"));
    let class = rules.r#type.as_ref();
    let allowed = rules.allowed.as_ref();
    let order = rules.order.as_ref().map(|rule| match rule.is {
        Order::Rising => "no value is below the previous one",
        Order::Falling => "no value is above the previous one",
    });
    let all = [
        (
            "type",
            class.map(|rule| format!("every value is of type {}", rule.is.class().as_str())),
        ),
        ("nulls", span("share of missing values", &rules.nulls)),
        ("range", span("values", &rules.range)),
        ("length", span("letters of a value", &rules.length)),
        (
            "allowed",
            allowed.map(|rule| format!("one of {} values", rule.is.len())),
        ),
        (
            "pattern",
            rules
                .pattern
                .as_ref()
                .map(|rule| format!("every value matches {}", rule.is.text)),
        ),
        (
            "unique",
            rules
                .unique
                .as_ref()
                .filter(|rule| rule.is)
                .map(|_| "every value is unique".to_owned()),
        ),
        ("order", order.map(str::to_owned)),
        (
            "references",
            rules
                .references
                .as_ref()
                .map(|rule| format!("every value is in {} of {}", rule.column, rule.file)),
        ),
        ("distinct", span("distinct values", &rules.distinct)),
        (
            "age",
            span("days from the newest value to validate.today", &rules.age),
        ),
    ];
    all.into_iter()
        .filter_map(|(rule, says)| Some((rule, says?)))
        .collect()
}
