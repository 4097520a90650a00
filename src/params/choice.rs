//! A value that is given, or left to easylife by the word `auto`.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `auto`, or a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice<T> {
    /// Chosen from the data.
    #[default]
    Auto,
    Given(T),
}

impl<T: Copy> Choice<T> {
    /// The value, where there is one.
    pub fn given(&self) -> Option<T> {
        match self {
            Choice::Auto => None,
            Choice::Given(value) => Some(*value),
        }
    }
}

impl<T: Serialize> Serialize for Choice<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Choice::Auto => serializer.serialize_str("auto"),
            Choice::Given(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_yaml::Value::deserialize(deserializer)?;
        if value.as_str() == Some("auto") {
            return Ok(Choice::Auto);
        }
        serde_yaml::from_value(value)
            .map(Choice::Given)
            .map_err(|error| D::Error::custom(format!("{error}; or write `auto`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_or_a_value() {
        let parse = |text| serde_yaml::from_str::<Choice<(usize, usize)>>(text);
        assert_eq!(parse("auto").unwrap(), Choice::Auto);
        assert_eq!(parse("[1, 2]").unwrap(), Choice::Given((1, 2)));
        let error = parse("many").unwrap_err().to_string();
        assert!(error.ends_with("or write `auto`"), "{error}");
    }
}
