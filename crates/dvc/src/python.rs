//! Formats JSON like Python's `json.dumps`, since DVC hashes these bytes.

use std::fmt::Write;

use yaml::{Data, Node};

/// `json.dumps(value, sort_keys=True)`: a space after `:` and `,`, and all non-ASCII characters
/// escaped.
///
/// Keys that are not strings are converted as Python does (`None` to `null`, `True` to `true`); sorting
/// is by the converted key.
pub fn json(value: &Node) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Node, out: &mut String) {
    match &value.data {
        Data::Null => out.push_str("null"),
        Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Data::Int(value) => {
            let _ = write!(out, "{value}"); // a String takes everything
        }
        Data::Float(value) => out.push_str(&json_float(*value)),
        Data::Str(text) => json_string(text, out),
        Data::Refused(_) => json_string(&value.to_string(), out),
        Data::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write_json(item, out);
            }
            out.push(']');
        }
        Data::Map(entries) => {
            let mut sorted: Vec<(String, &Node)> =
                entries.iter().map(|(k, v)| (json_key(k), v)).collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            out.push('{');
            for (i, (key, item)) in sorted.into_iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                json_string(&key, out);
                out.push_str(": ");
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

fn json_float(value: f64) -> String {
    match yaml::float(value).as_str() {
        "nan" => "NaN".to_owned(),
        "inf" => "Infinity".to_owned(),
        "-inf" => "-Infinity".to_owned(),
        text => text.to_owned(),
    }
}

/// JSON has only string keys; Python converts the others.
fn json_key(key: &Node) -> String {
    match &key.data {
        Data::Str(text) => text.clone(),
        Data::Null => "null".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Int(value) => value.to_string(),
        Data::Float(value) => json_float(*value),
        Data::List(_) | Data::Map(_) | Data::Refused(_) => key.to_string(),
    }
}

/// A JSON string, in ASCII.
pub fn json_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}"); // a String takes everything
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_ascii_and_sorted() {
        let value = Node::map([
            ("relpath", Node::string("ä/😀\n")),
            ("md5", Node::new(Data::List(vec![Node::new(Data::Null)]))),
        ]);
        assert_eq!(
            json(&value),
            r#"{"md5": [null], "relpath": "\u00e4/\ud83d\ude00\n"}"#
        );
    }
}
