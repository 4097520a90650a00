//! `-S key=value`: one key of the parameters for one call, over what the file says.

use std::fmt;
use std::str::FromStr;

use serde_yaml::{Mapping, Value};

use super::{Error, Params, reason};

/// How the flag is named in messages that no single `-S` is to blame for.
pub(super) const PLACE: &str = "-S";

/// One `-S key=value`; the value is YAML.
#[derive(Clone, Debug)]
pub struct Set {
    key: String,
    value: Value,
    text: String,
}

impl FromStr for Set {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or("expected key=value, for example nlp.split.test=0.3")?;
        if key.split('.').any(str::is_empty) {
            return Err(format!("`{key}` is not a key: names joined by dots"));
        }
        Ok(Self {
            key: key.to_owned(),
            value: serde_yaml::from_str(value).map_err(|e| format!("`{value}`: {e}"))?,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{PLACE} {}", self.text)
    }
}

impl Set {
    /// Whether it gave the value of `key`: the key itself or a block that holds it.
    pub(super) fn covers(&self, key: &str) -> bool {
        key.strip_prefix(&self.key)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Lays the value into `tree` and reads the whole again, so that a complaint is this flag's.
    pub(super) fn apply(&self, tree: &mut Value) -> Result<Params, Error> {
        let mut at = &mut *tree;
        for name in self.key.split('.') {
            if !at.is_mapping() {
                *at = Value::Mapping(Mapping::new());
            }
            let Value::Mapping(mapping) = at else {
                break; // made one just above
            };
            at = mapping
                .entry(Value::String(name.to_owned()))
                .or_insert(Value::Null);
        }
        *at = self.value.clone();
        // Through text, for the parser's error then names the block.
        serde_yaml::to_string(tree)
            .and_then(|text| serde_yaml::from_str(&text))
            .map_err(|error| Error::Refused {
                place: self.to_string(),
                reason: reason(&error.to_string()),
            })
    }
}
