//! Describes a schema in words: the allowed values of a key, and its default as it would be written.

use serde_json::Value;

/// The keys of a mapping, or of the alternative that is a mapping.
pub(super) fn properties(schema: &Value) -> Box<dyn Iterator<Item = (String, &Value)> + '_> {
    if let Some(Value::Object(properties)) = schema.get("properties") {
        return Box::new(properties.iter().map(|(name, value)| (name.clone(), value)));
    }
    Box::new(alternatives(schema).flat_map(properties))
}

/// The alternatives for a value.
fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|key| schema.get(key)?.as_array())
        .flatten()
}

fn text<'a>(schema: &'a Value, key: &str) -> Option<&'a str> {
    schema.get(key)?.as_str()
}

/// What a key does, with the meanings of its allowed words.
pub(super) fn description(schema: &Value) -> String {
    let mut words = Vec::new();
    meanings(schema, &mut words);
    let own = text(schema, "description").unwrap_or_default();
    match words.is_empty() {
        true => own.to_owned(),
        false => format!("{own} {}.", words.join("; ")),
    }
}

/// Collects the documented words of the schema and its alternatives.
fn meanings(schema: &Value, words: &mut Vec<String>) {
    for one in alternatives(schema) {
        match (text(one, "const"), text(one, "description")) {
            (Some(word), Some(meaning)) => {
                words.push(format!("`{word}`: {}", in_a_list(meaning)));
            }
            _ => meanings(one, words),
        }
    }
}

/// A sentence as an item of a list: without its full stop, and in lower case unless it starts with a name.
fn in_a_list(sentence: &str) -> String {
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut letters = sentence.chars();
    match (letters.next(), letters.next()) {
        (Some(first), second) if second.is_none_or(|c| !c.is_uppercase() && c != '-') => {
            first.to_ascii_lowercase().to_string() + &sentence[first.len_utf8()..]
        }
        _ => sentence.to_owned(),
    }
}

/// The allowed values.
pub(super) fn described(schema: &Value) -> String {
    // Without a default `null` means absent.
    choices(schema, schema.get("default").is_some(), false).join(", ")
}

/// The allowed values; `null` only if it has a meaning.
fn choices(schema: &Value, with_null: bool, is_alternative: bool) -> Vec<String> {
    if let Some(word) = schema.get("const") {
        return vec![format!("`{}`", spelled(word))];
    }
    if let Some(Value::Array(words)) = schema.get("enum") {
        return in_ticks(words);
    }
    let several: Vec<String> = alternatives(schema)
        .flat_map(|one| choices(one, with_null, true))
        .collect();
    if !several.is_empty() {
        return several;
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.and_then(Value::as_str).into_iter().collect(),
    };
    let (null, kinds): (Vec<&str>, Vec<&str>) = kinds.into_iter().partition(|kind| *kind == "null");
    let first = kinds.first().copied().unwrap_or_default();
    // For a list, block or text `null` means absent.
    let means_nothing = !is_alternative && ["array", "object", "string"].contains(&first);
    let null = (!null.is_empty() && with_null && !means_nothing).then(|| "`null`".to_owned());
    of_type(schema, first).into_iter().chain(null).collect()
}

fn of_type(schema: &Value, kind: &str) -> Option<String> {
    Some(match kind {
        "boolean" => "`true`, `false`".to_owned(),
        "integer" => match (schema.get("minimum"), schema.get("maximum")) {
            (Some(low), Some(high)) => format!("whole number from {low} to {high}"),
            _ => "whole number".to_owned(),
        },
        "number" => "number".to_owned(),
        "string" => match schema.get("examples").and_then(Value::as_array) {
            Some(examples) => format!("text such as {}", in_ticks(examples).join(", ")),
            None => "text".to_owned(),
        },
        "array" => match schema.get("prefixItems").and_then(Value::as_array) {
            Some(items) => {
                let items: Vec<String> = items.iter().map(described).collect();
                format!("[{}]", items.join(", "))
            }
            None => format!("list of {}", plural(&schema["items"])),
        },
        "object" => match schema.get("additionalProperties") {
            Some(each @ Value::Object(_)) => format!("mapping of names to {}", plural(each)),
            _ => "mapping of the keys below".to_owned(),
        },
        _ => return None,
    })
}

fn in_ticks(values: &[Value]) -> Vec<String> {
    values
        .iter()
        .map(|value| format!("`{}`", spelled(value)))
        .collect()
}

fn plural(schema: &Value) -> String {
    let inner: Vec<String> = properties(schema).map(|(name, _)| name).collect();
    if !inner.is_empty() {
        return format!("`{{{}}}`", inner.join(", "));
    }
    let one = described(schema);
    match ["text", "number", "whole number"].contains(&one.as_str()) {
        true => format!("{one}s"),
        false => one,
    }
}

/// A value as it would be written in `params.yaml`.
pub(super) fn spelled(value: &Value) -> String {
    match value {
        Value::String(text)
            if text.is_empty() || text.contains(['\t', '#', ':', ';', '|', '\'', '%']) =>
        {
            value.to_string()
        }
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(spelled).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_in_words() {
        let cases = [
            (json!({"type": "integer", "minimum": 0}), "whole number"),
            (
                json!({"type": ["integer", "null"], "minimum": 0, "default": 5}),
                "whole number, `null`",
            ),
            (
                json!({"anyOf": [{"type": ["array", "null"], "items": {"type": "string"}}], "default": 1}),
                "list of texts, `null`",
            ),
            (
                json!({"type": "integer", "minimum": 0, "maximum": 255}),
                "whole number from 0 to 255",
            ),
            (
                json!({"anyOf": [{"const": "auto"}, {"type": "boolean"}]}),
                "`auto`, `true`, `false`",
            ),
            (
                json!({"type": ["array", "null"], "items": {"type": "string"}}),
                "list of texts",
            ),
            (json!({"type": "string", "enum": ["a", "b"]}), "`a`, `b`"),
        ];
        for (schema, words) in cases {
            assert_eq!(described(&schema), words);
        }
    }

    #[test]
    fn words_say_what_they_mean() {
        let schema = json!({"description": "Which rows.", "oneOf": [
            {"const": "all", "description": "Every one."},
            {"const": "ts", "description": "TF-IDF alone."},
        ]});
        assert_eq!(
            description(&schema),
            "Which rows. `all`: every one; `ts`: TF-IDF alone."
        );
    }
}
