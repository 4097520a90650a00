//! Parameter files, YAML, JSON and TOML, into the same tree.

use std::path::Path;

use yaml::{At, Data, Fault, Node};

/// Reads a parameter file by its name's ending: JSON, TOML, otherwise YAML, as DVC does. Nothing in
/// it is an empty mapping.
pub fn parse(path: &Path, text: &str) -> Result<Node, Fault> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let node = match ending.as_deref() {
        Some("json") => json(text)?,
        Some("toml") => toml(text)?,
        Some("py") => {
            return Err(Fault {
                at: At::default(),
                reason: "parameters in Python files are not supported; move them to YAML, JSON \
                         or TOML"
                    .to_owned(),
            });
        }
        _ => yaml::parse(text)?,
    };
    Ok(if node.is_empty() {
        Node::new(Data::Map(Vec::new()))
    } else {
        node
    })
}

fn json(text: &str) -> Result<Node, Fault> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| Fault {
        at: At {
            line: error.line(),
            column: error.column().max(1),
            ..At::default()
        },
        reason: format!("invalid JSON: {error}"),
    })?;
    Ok(from_json(value))
}

fn from_json(value: serde_json::Value) -> Node {
    use serde_json::Value;
    Node::new(match value {
        Value::Null => Data::Null,
        Value::Bool(value) => Data::Bool(value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Data::Int(value.into()),
            (None, Some(value)) => Data::Int(value.into()),
            _ => Data::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Data::Str(text),
        Value::Array(items) => Data::List(items.into_iter().map(from_json).collect()),
        Value::Object(entries) => {
            let entries = entries.into_iter();
            return Node::map(entries.map(|(key, value)| (key, from_json(value))));
        }
    })
}

fn toml(text: &str) -> Result<Node, Fault> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        Fault {
            at: At {
                line: before.matches('\n').count() + 1,
                column: before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1,
                ..At::default()
            },
            reason: format!("invalid TOML: {}", error.message()),
        }
    })?;
    from_toml(toml::Value::Table(table))
}

fn from_toml(value: toml::Value) -> Result<Node, Fault> {
    use toml::Value;
    Ok(Node::new(match value {
        Value::String(text) => Data::Str(text),
        Value::Integer(value) => Data::Int(value.into()),
        Value::Float(value) => Data::Float(value),
        Value::Boolean(value) => Data::Bool(value),
        Value::Array(items) => {
            Data::List(items.into_iter().map(from_toml).collect::<Result<_, _>>()?)
        }
        Value::Table(entries) => {
            let mut found = Vec::new();
            for (key, value) in entries {
                found.push((key, from_toml(value)?));
            }
            return Ok(Node::map(found));
        }
        Value::Datetime(date) => {
            return Err(Fault {
                at: At::default(),
                reason: format!("{date} is a date, which DVC's lock cannot hold; put it in quotes"),
            });
        }
    }))
}
