//! `easylife params`: every key of `params.yaml`, out of the types that read it and the stages of `dvc.yaml`
//! that list it.

mod stages;
mod value;

use std::fmt::{self, Write as _};

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use self::stages::Stage;
use crate::exit;
use crate::params::{TaskBlock, near_miss, schema};

/// All keys, or those under one.
#[derive(Debug, Serialize)]
pub struct Reference {
    keys: Vec<Key>,
}

/// A key of `params.yaml`.
#[derive(Debug, Serialize)]
pub struct Key {
    /// Names from the top, joined by dots.
    key: String,
    /// What it does, in a sentence or two.
    description: String,
    /// What may be given, in words.
    values: String,
    /// As it would be written; absent: the key need not be given, and then nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    /// Whether there are keys below it.
    #[serde(skip)]
    is_block: bool,
    /// Stages of the pipeline that run again where it changes.
    stages: Vec<String>,
}

/// The keys that start with `wanted`, or all.
///
/// # Errors
/// Where there is no such key.
pub fn run(blocks: &[TaskBlock], tasks: &[&str], wanted: Option<&str>) -> Result<Reference> {
    let stages = stages::of_template(tasks)?;
    let mut keys = Vec::new();
    collect("", &schema::schema(blocks), &stages, &mut keys);
    let Some(wanted) = wanted else {
        return Ok(Reference { keys });
    };
    let names: Vec<String> = keys.iter().map(|key| key.key.clone()).collect();
    keys.retain(|key| is_within(&key.key, wanted));
    if keys.is_empty() {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(exit::usage(format!(
            "params.yaml has no key `{wanted}`; {}`easylife params` lists all",
            near_miss(wanted, &names)
        )));
    }
    Ok(Reference { keys })
}

/// Whether `key` is `block` or below it.
fn is_within(key: &str, block: &str) -> bool {
    key.strip_prefix(block)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Appends the keys of a mapping and of what is below it, in the order of the types.
fn collect(prefix: &str, schema: &Value, stages: &[Stage], keys: &mut Vec<Key>) {
    for (name, schema) in value::properties(schema) {
        let key = match prefix {
            "" => name,
            prefix => format!("{prefix}.{name}"),
        };
        let readers = stages.iter().filter(|stage| stage.reads(&key));
        keys.push(Key {
            description: value::description(schema),
            values: value::described(schema),
            default: schema.get("default").map(value::spelled),
            is_block: value::properties(schema).next().is_some(),
            stages: stages::merged(readers),
            key: key.clone(),
        });
        collect(&key, schema, stages, keys);
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (place, key) in self.keys.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{}", key.key)?;
            writeln!(f, "    {}", key.description)?;
            if key.is_block && key.default.is_none() {
                continue;
            }
            let default = key.default.as_deref().unwrap_or("absent");
            writeln!(f, "    values: {}; default: {default}", key.values)?;
            if !key.stages.is_empty() {
                writeln!(f, "    stages: {}", key.stages.join(", "))?;
            }
        }
        Ok(())
    }
}

impl Reference {
    /// A page in Markdown with a table for each block.
    pub fn markdown(&self) -> String {
        let mut page = String::from(INTRODUCTION);
        let top: Vec<&Key> = self.within("").filter(|key| !key.is_block).collect();
        page += "\n## At the top\n\n";
        table(&mut page, &top);
        for block in self.keys.iter().filter(|key| key.is_block) {
            let level = "#".repeat(2 + usize::from(block.key.contains('.')));
            let _ = writeln!(page, "\n{level} {}\n\n{}", block.key, block.description);
            let inside: Vec<&Key> = self
                .within(&block.key)
                .filter(|key| !key.is_block || key.default.is_some())
                .collect();
            page.push('\n');
            table(&mut page, &inside);
        }
        page
    }

    /// The keys directly in a block.
    fn within<'a>(&'a self, block: &'a str) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |key| match block {
            "" => !key.key.contains('.'),
            block => key.key.rsplit_once('.').is_some_and(|(b, _)| b == block),
        })
    }
}

const INTRODUCTION: &str = "\
# Every key of params.yaml

Written by `easylife params --reference` out of the types that read the file; `make reference` renews it.
`easylife params KEY` shows a key or block on a terminal, `easylife params --schema` prints the JSON Schema
that editors use. Stages are those of `dvc.yaml` that run again where the key changes. Every key but
`easylife` may be left out: it then has its default, and where there is none, nothing is given.
";

/// A table of keys; stages that all of them have stand above it.
fn table(page: &mut String, keys: &[&Key]) {
    let Some((first, others)) = keys.split_first() else {
        return;
    };
    let is_shared = others.iter().all(|key| key.stages == first.stages) && !others.is_empty();
    if is_shared {
        let _ = writeln!(page, "Stages: {}.\n", first.stages.join(", "));
    }
    let mut head = vec!["key", "what it does", "values", "default", "stages"];
    head.truncate(5 - usize::from(is_shared));
    let _ = writeln!(
        page,
        "| {} |\n|{}",
        head.join(" | "),
        "---|".repeat(head.len())
    );
    for key in keys {
        let name = key.key.rsplit('.').next().unwrap_or_default();
        let default = match &key.default {
            None => String::new(),
            Some(default) => format!("`{default}`"),
        };
        let mut cells = vec![
            format!("`{name}`"),
            key.description.clone(),
            key.values.clone(),
            default,
            key.stages.join(", "),
        ];
        cells.truncate(head.len());
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
}
