//! Turns the violations found while reading a table into findings, in the order of the columns.

use anyhow::Result;

use super::cells::{CellRules, Test};
use super::finding::FindingBuilder;
use super::schema::{ColumnRules, Order, Others, Schema, Span};
use crate::columns::{self, Needed};
use crate::params::near_miss;
use crate::report::format::{count, counted, percent};
use crate::report::validate::{Finding, Level};
use tables::blocks::Head;
use tables::profile::summary::figure;
use tables::profile::{Column, Table};

/// Missing and unexpected columns.
pub(crate) fn columns(
    schema: &Schema,
    needed: &[Needed],
    head: &Head,
    source: &str,
) -> Vec<Finding> {
    let names: Vec<&str> = head
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let general = |level, message| Finding {
        level,
        rule: "columns".to_owned(),
        column: None,
        message,
        count: 0,
        rows: Vec::new(),
    };
    let missing = |keys: &[&str], name: &str| {
        let advice = columns::advice_on(name, &names, needed)
            .unwrap_or_else(|| near_miss(name, &names).trim_end().to_owned());
        let complaint = format!("{source} does not have this column; {advice}");
        let complaint = complaint.trim_end_matches([';', ' ']).to_owned();
        general(Level::Error, schema.refuse(keys, &complaint).to_string())
    };
    let mut findings = Vec::new();
    for (name, rules) in &schema.columns.0 {
        if !rules.optional && !names.contains(&name.as_str()) {
            findings.push(missing(&["columns", name], name));
        }
    }
    for name in schema.unique.iter().flat_map(|rule| &rule.is) {
        if !names.contains(&name.as_str()) {
            findings.push(missing(&["unique", name], name));
        }
    }
    if let Some(rule) = &schema.other_columns
        && rule.is == Others::Refused
    {
        let known = |name: &&&str| schema.columns.0.iter().any(|(known, _)| known == **name);
        for name in names.iter().filter(|name| !known(name)) {
            let message = format!("{source} has a column `{name}` that no rule names");
            findings.push(general(rule.level, message));
        }
    }
    findings
}

/// All other findings.
pub(crate) fn table(
    schema: &Schema,
    table: &Table,
    rules: &mut CellRules,
    today: Option<f64>,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if let Some(span) = &schema.rows
        && !span.holds(table.rows as f64)
    {
        let about = about(table, "rows", span.level(), None);
        let rows = counted(table.rows, "row", "rows");
        findings.push(about.general(format!("{rows}; expected {span}")));
    }
    for (index, column) in table.columns.iter().enumerate() {
        cells(table, rules, index, &mut findings);
        order(table, rules, index, &mut findings);
        let name = &table.head.columns[index].name;
        let of_name = schema.columns.0.iter().find(|(known, _)| known == name);
        if let Some((_, column_rules)) = of_name {
            figures(
                schema,
                table,
                index,
                column,
                column_rules,
                today,
                &mut findings,
            )?;
        }
    }
    unique(table, rules, &mut findings)?;
    Ok(findings)
}

fn about<'a>(
    table: &'a Table,
    rule: &'a str,
    level: Level,
    column: Option<usize>,
) -> FindingBuilder<'a> {
    FindingBuilder {
        head: &table.head,
        rule,
        level,
        column,
    }
}

fn cells(table: &Table, rules: &CellRules, column: usize, findings: &mut Vec<Finding>) {
    for (rule, gathered) in rules.cells.iter().zip(&rules.broken) {
        if rule.column != column || gathered.count == 0 {
            continue;
        }
        let rows = table.rows;
        if let Test::Present(span) = &rule.test
            && span.holds(gathered.count as f64 / rows as f64)
        {
            continue;
        }
        let message = broken(&rule.test, gathered.count, rows);
        findings.push(about(table, rule.name, rule.level, Some(column)).finding(message, gathered));
    }
}

fn broken(test: &Test, number: u64, rows: u64) -> String {
    let share = percent(number as f64 / rows as f64, 2);
    let values = match number {
        1 => format!("1 value ({share}) is"),
        _ => format!("{} values ({share}) are", count(number)),
    };
    match test {
        Test::Class(class) => format!("{values} not of type {}", class.as_str()),
        Test::Range(span, _) => format!("{values} out of range; {span} is allowed"),
        Test::Length(span, _) => format!("{values} not {span} letters long"),
        Test::Allowed(texts, _) => {
            let shown: Vec<&str> = texts.iter().take(8).map(String::as_str).collect();
            let more = if texts.len() > 8 { ", ..." } else { "" };
            format!(
                "{values} not among the allowed values ({}{more})",
                shown.join(", ")
            )
        }
        Test::Pattern(pattern) => format!("{values} not matched by {}", pattern.text),
        Test::Known(says, _) => format!("{values} not in {says}"),
        Test::Present(span) => match span.bounds() {
            bounds if *bounds.end() <= 0.0 => format!("{values} missing"),
            bounds => {
                let most = percent(*bounds.end(), 2);
                format!("{values} missing; at most {most} is allowed")
            }
        },
    }
}

fn order(table: &Table, rules: &CellRules, column: usize, findings: &mut Vec<Finding>) {
    for (rule, gathered) in rules.orders.iter().zip(&rules.unsorted) {
        if rule.column == column && gathered.count > 0 {
            let than = match rule.order {
                Order::Rising => "below",
                Order::Falling => "above",
            };
            let rows = counted(gathered.count, "row is", "rows are");
            let message = format!("{rows} out of order: {than} the previous row");
            findings
                .push(about(table, "order", rule.level, Some(column)).finding(message, gathered));
        }
    }
}

/// Rules on a whole column: the number of distinct values, and the age.
fn figures(
    schema: &Schema,
    table: &Table,
    index: usize,
    column: &Column,
    rules: &ColumnRules,
    today: Option<f64>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    if let Some(span) = &rules.distinct {
        let (distinct, exact) = column.distinct();
        if !span.holds(distinct as f64) {
            let about_ = if exact { "" } else { "about " };
            let message = format!(
                "{about_}{} distinct values; expected {span}",
                count(distinct)
            );
            findings.push(about(table, "distinct", span.level(), Some(index)).general(message));
        }
    }
    if let Some(span) = &rules.age {
        let name = table.head.columns[index].name.as_str();
        let Some(today) = today else {
            let complaint =
                "ages count back from `validate.today`, which is not set in params.yaml";
            return Err(schema.refuse(&["columns", name, "age"], complaint).into());
        };
        findings.extend(age(table, index, column, span, today));
    }
    Ok(())
}

fn age(table: &Table, index: usize, column: &Column, span: &Span, today: f64) -> Option<Finding> {
    let about = about(table, "age", span.level(), Some(index));
    let Some(newest) = column.times.moments.max() else {
        return Some(about.general("there is no date or time, so no age".to_owned()));
    };
    let days = (today - newest) / 86_400.0;
    if span.holds(days) {
        return None;
    }
    let class = column.class().filter(|class| class.is_time())?;
    Some(about.general(format!(
        "the newest value is {}, {days:.0} days before validate.today; {span} are allowed",
        figure(newest, class)
    )))
}

fn unique(table: &Table, rules: &mut CellRules, findings: &mut Vec<Finding>) -> Result<()> {
    let shown = rules.shown();
    for rule in &mut rules.uniques {
        let repeats = rule.keys.repeats(shown, |_| true)?;
        if repeats.count == 0 {
            continue;
        }
        let single = match rule.columns[..] {
            [column] => Some(column),
            _ => None,
        };
        let names = rule
            .columns
            .iter()
            .map(|&column| table.head.columns[column].name.as_str());
        let names: Vec<&str> = names.collect();
        let message = match single {
            Some(_) => format!(
                "{} an earlier one",
                counted(repeats.count, "value repeats", "values repeat")
            ),
            None => format!(
                "{} {} of an earlier row",
                counted(repeats.count, "row repeats", "rows repeat"),
                names.join(", ")
            ),
        };
        let head = &table.head;
        let rows = repeats
            .rows
            .iter()
            .map(|&(spot, first)| (spot, format!("as {}", head.shown(first))));
        findings.push(about(table, "unique", rule.level, single).with_rows(
            message,
            repeats.count,
            rows,
        ));
    }
    Ok(())
}
