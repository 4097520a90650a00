//! The JSON Schema of `params.yaml`, generated from the types that read it.
//!
//! Descriptions are the doc comments of the types, defaults come from their `Default`, and allowed words from
//! their variants, so that the schema agrees with the parser.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{COMMON_KEYS, SEED, TaskBlock, VERSION, validate};

/// The file for editors that `easylife init` writes next to `params.yaml`.
pub const FILE: &str = "params.schema.json";

/// The schema of the whole file, with the blocks of these tasks.
pub fn schema(blocks: &[TaskBlock]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut seed = generator.subschema_for::<u64>().to_value();
    seed["description"] = json!("The seed of every random choice.");
    seed["default"] = json!(SEED);
    let version = json!({
        "type": "string",
        "pattern": format!("^{}(\\.|$)", VERSION.replace('.', "\\.")),
        "description": "The version that the file was written for.",
        "examples": [VERSION],
    });
    let validate = generator.subschema_for::<validate::Block>().to_value();
    let common = COMMON_KEYS.into_iter().zip([version, seed, validate]);
    let of_tasks = blocks
        .iter()
        .map(|block| (block.key, (block.schema)(&mut generator).to_value()));
    let properties: Map<String, Value> = common
        .chain(of_tasks)
        .map(|(key, schema)| (key.to_owned(), schema))
        .collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("params.yaml of easylife {VERSION}"),
        "type": "object",
        "required": [COMMON_KEYS[0]],
        "additionalProperties": false,
        "properties": properties,
    });
    tidy(&mut schema);
    accept_as_yaml(&mut schema, Place::Root);
    schema
}

/// The schema as the text of a file.
pub fn text(blocks: &[TaskBlock]) -> String {
    format!("{:#}\n", schema(blocks))
}

/// Removes what editors do not need: formats of numbers, defaults of whole blocks (each of their keys has its
/// own), and the line breaks of doc comments.
fn tidy(schema: &mut Value) {
    if let Value::Object(object) = schema {
        let is_block = object.contains_key("properties");
        object.retain(|key, value| match key.as_str() {
            "format" => !value.is_string(),
            "default" => !(is_block && value.is_object()),
            _ => true,
        });
        if let Some(Value::String(text)) = object.get_mut("description") {
            *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
    children(schema, &mut |child, _| tidy(child));
}

/// Where in the tree a schema is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    /// The value of a key, or an item of a list.
    Value,
    /// One of several alternatives for a value.
    Alternative,
}

/// Adds what the YAML reader accepts in addition to the types: nothing at all for an empty block or list, and a
/// number or `true` for a text, taken as it is written. Alternatives are distinguished by type, so they accept
/// no other.
fn accept_as_yaml(schema: &mut Value, place: Place) {
    if place == Place::Alternative {
        return;
    }
    if place == Place::Value
        && let Value::Object(object) = schema
    {
        let constrained = ["enum", "const", "pattern", "minItems"]
            .iter()
            .any(|key| object.contains_key(*key));
        if let (false, Some(kind)) = (constrained, object.get_mut("type")) {
            let mut kinds: Vec<Value> = match kind.take() {
                Value::Array(kinds) => kinds,
                one => vec![one],
            };
            let also: &[&str] = match kinds[0].as_str() {
                Some("object" | "array") => &["null"],
                Some("string") => &["number", "boolean", "null"],
                _ => &[],
            };
            for name in also.iter().map(|name| json!(name)) {
                if !kinds.contains(&name) {
                    kinds.push(name);
                }
            }
            *kind = match &mut kinds[..] {
                [one] => one.take(),
                _ => Value::Array(kinds),
            };
        }
    }
    children(schema, &mut accept_as_yaml);
}

/// Calls `visit` for each schema directly inside this one.
fn children(schema: &mut Value, visit: &mut dyn FnMut(&mut Value, Place)) {
    let Value::Object(object) = schema else {
        return;
    };
    for (key, value) in object {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|v| visit(v, Place::Value));
            }
            ("items" | "additionalProperties", value) => visit(value, Place::Value),
            ("prefixItems", Value::Array(items)) => {
                items.iter_mut().for_each(|v| visit(v, Place::Value));
            }
            ("anyOf" | "oneOf", Value::Array(items)) => {
                items.iter_mut().for_each(|v| visit(v, Place::Alternative));
            }
            _ => {}
        }
    }
}
