//! Reads parameter files (YAML, JSON and TOML) into the same kind of tree.

use std::borrow::Cow;
use std::path::Path;

use yaml::{At, Data, Fault, Node};

/// Parses a parameter file according to its extension: JSON, TOML, otherwise YAML, as DVC does. An
/// empty file is an empty mapping.
///
/// JSON may have NaN and infinities, as Python writes them. Dates of TOML are kept as unsupported values,
/// which fail only if a stage uses them. Conflict marks of git are named as such.
///
/// # Errors
/// If the text is invalid, with its position.
pub fn parse(path: &Path, text: &str) -> Result<Node, Fault> {
    let read = read(path, text);
    let node = read.map_err(|fault| yaml::merge_mark(text).unwrap_or(fault))?;
    Ok(if node.is_empty() {
        Node::new(Data::Map(Vec::new()))
    } else {
        node
    })
}

fn read(path: &Path, text: &str) -> Result<Node, Fault> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("json") => json(text),
        Some("toml") => toml(text),
        Some("py") => Err(Fault {
            at: At::default(),
            reason: "parameters in Python files are not supported; move them to YAML, JSON \
                         or TOML"
                .to_owned(),
        }),
        _ => yaml::parse(text),
    }
}

/// Parses JSON like Python's `json`: with NaN and infinities, which are not valid JSON.
fn json(text: &str) -> Result<Node, Fault> {
    // Prefixes these names while the text is parsed; longer than any run of this character in the
    // text.
    let mut mark = String::from("\u{e000}");
    while text.contains(&mark) || text.to_ascii_lowercase().contains("\\ue000") && mark.len() < 64 {
        mark.push('\u{e000}');
    }
    let named = name_special_numbers(text, &mark);
    let value: serde_json::Value = serde_json::from_str(&named).map_err(|error| Fault {
        at: At {
            line: error.line(),
            column: error.column().max(1),
            ..At::default()
        },
        reason: format!("invalid JSON: {error}"),
    })?;
    Ok(from_json(value, &mark))
}

/// Replaces `NaN`, `Infinity` and `-Infinity` by strings that begin with `mark`.
fn name_special_numbers<'a>(text: &'a str, mark: &str) -> Cow<'a, str> {
    const NAMES: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
    if !NAMES.iter().any(|name| text.contains(name)) {
        return text.into();
    }
    let mut named = String::with_capacity(text.len() + 64);
    let (mut within, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let name = NAMES.iter().find(|name| !within && rest.starts_with(*name));
        if let Some(name) = name {
            named += &format!("\"{mark}{name}\"");
            rest = &rest[name.len()..];
            continue;
        }
        match c {
            '"' if !escaped => within = !within,
            _ => {}
        }
        escaped = within && c == '\\' && !escaped;
        named.push(c);
        rest = &rest[c.len_utf8()..];
    }
    named.into()
}

fn from_json(value: serde_json::Value, mark: &str) -> Node {
    use serde_json::Value;
    Node::new(match value {
        Value::Null => Data::Null,
        Value::Bool(value) => Data::Bool(value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Data::Int(value.into()),
            (None, Some(value)) => Data::Int(value.into()),
            _ => Data::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => match text.strip_prefix(mark) {
            Some("NaN") => Data::Float(f64::NAN),
            Some("Infinity") => Data::Float(f64::INFINITY),
            Some("-Infinity") => Data::Float(f64::NEG_INFINITY),
            _ => Data::Str(text),
        },
        Value::Array(items) => Data::List(
            items
                .into_iter()
                .map(|item| from_json(item, mark))
                .collect(),
        ),
        Value::Object(entries) => {
            let entries = entries.into_iter();
            return Node::map(entries.map(|(key, value)| (key, from_json(value, mark))));
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
    Ok(from_toml(toml::Value::Table(table)))
}

fn from_toml(value: toml::Value) -> Node {
    use toml::Value;
    Node::new(match value {
        Value::String(text) => Data::Str(text),
        Value::Integer(value) => Data::Int(value.into()),
        Value::Float(value) => Data::Float(value),
        Value::Boolean(value) => Data::Bool(value),
        Value::Array(items) => Data::List(items.into_iter().map(from_toml).collect()),
        Value::Table(entries) => {
            let entries = entries.into_iter();
            return Node::map(entries.map(|(key, value)| (key, from_toml(value))));
        }
        Value::Datetime(date) => {
            let reason = format!("{date} is a date, which dvc.lock cannot store; put it in quotes");
            return Node::refused(&date.to_string(), reason);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> String {
        parse(Path::new(name), text).unwrap().to_string()
    }

    #[test]
    fn special_numbers_are_read_as_in_python() {
        let text = r#"{"a": NaN, "b": [-Infinity, Infinity], "NaN": "\"NaN\\", "c": "Infinity"}"#;
        assert_eq!(
            read("p.json", text),
            r#"{a: nan, b: [-inf, inf], NaN: "\"NaN\\", c: "Infinity"}"#
        );
        assert!(parse(Path::new("p.json"), r#"{"a": nan}"#).is_err());
    }

    #[test]
    fn dates_are_refused_only_where_they_are_used() {
        for (name, text) in [
            ("p.toml", "a = 2024-01-01\nb = 1"),
            ("p.yaml", "a: 2024-01-01\nb: 1"),
        ] {
            let node = parse(Path::new(name), text).unwrap();
            assert!(node.get("b").unwrap().check().is_ok());
            let fault = node.get("a").unwrap().check().unwrap_err();
            assert!(fault.reason.starts_with("2024-01-01 is a date"));
        }
    }

    #[test]
    fn marks_of_a_merge_are_named_in_every_format() {
        for name in ["p.json", "p.toml", "p.yaml"] {
            let text = "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n";
            let fault = parse(Path::new(name), text).unwrap_err();
            assert!(
                fault.reason.contains("unfinished merge"),
                "{}",
                fault.reason
            );
        }
    }
}
