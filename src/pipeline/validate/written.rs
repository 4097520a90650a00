//! Deserializes rules: a value with or without its level, numbers and texts alike, anchored patterns, columns in
//! their order.

use std::fmt;
use std::marker::PhantomData;

use regex::bytes::Regex;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::schema::{ColumnRules, Columns, Pattern, Rule, Scalar, error};
use crate::report::validate::Level;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<T> {
    is: T,
    #[serde(default = "error")]
    level: Level,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rule<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleVisitor(PhantomData))
    }
}

struct RuleVisitor<T>(PhantomData<T>);

impl<T> RuleVisitor<T> {
    fn bare<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rule<T>, D::Error>
    where
        T: Deserialize<'de>,
    {
        Ok(Rule {
            is: T::deserialize(deserializer)?,
            level: Level::Error,
        })
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for RuleVisitor<T> {
    type Value = Rule<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value, or {is: value, level: warning}")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Rule<T>, A::Error> {
        let Written { is, level } = Written::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Rule { is, level })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Rule<T>, A::Error> {
        Self::bare(SeqAccessDeserializer::new(seq))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rule<T>, E> {
        Self::bare(text.into_deserializer())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Rule<T>, E> {
        Self::bare(value.into_deserializer())
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number or a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }
    fn visit_i128<E: Error>(self, value: i128) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }
    fn visit_u128<E: Error>(self, value: u128) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        match value.is_nan() {
            true => Err(E::custom("a bound must not be NaN")),
            false => Ok(Scalar(value.to_string())),
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let regex = Regex::new(&format!("^(?:{text})$")).map_err(|error| {
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default();
            D::Error::custom(format!("`{text}` is not a regular expression: {last}"))
        })?;
        Ok(Pattern { text, regex })
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ColumnsVisitor)
    }
}

struct ColumnsVisitor;

impl<'de> Visitor<'de> for ColumnsVisitor {
    type Value = Columns;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("columns and their rules")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Columns, A::Error> {
        let mut columns: Vec<(String, ColumnRules)> = Vec::new();
        while let Some(Scalar(name)) = map.next_key()? {
            if columns.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format!("duplicate column `{name}`")));
            }
            // A column without rules only has to exist.
            let rules: Option<ColumnRules> = map.next_value()?;
            columns.push((name, rules.unwrap_or_default()));
        }
        Ok(Columns(columns))
    }
}
