//! Where a key stands in a YAML text, so that a complaint about its value can point there.
//!
//! The parser knows positions only in its errors. So it is made to fail at the key: a seed that
//! walks down the path and refuses whatever value it meets there.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// Line and column (from 1) of the value at `path` (keys joined by dots). Where the text does not
/// hold the whole path: of the nearest key above that it does hold.
pub(super) fn key(text: &str, path: &str) -> Option<(usize, usize)> {
    keys(text, &path.split('.').collect::<Vec<_>>())
}

/// The same for keys that may hold dots.
pub(super) fn keys(text: &str, keys: &[&str]) -> Option<(usize, usize)> {
    (1..=keys.len()).rev().find_map(|depth| {
        let error = Probe(&keys[..depth])
            .deserialize(serde_yaml::Deserializer::from_str(text))
            .err()?;
        let at = error.location()?;
        Some((at.line(), at.column()))
    })
}

struct Probe<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.0.is_empty() {
            return deserializer.deserialize_any(Refuse);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<serde_yaml::Value>()? {
            if key.as_str() == self.0.first().copied() {
                map.next_value_seed(Probe(&self.0[1..]))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    // Anything but a mapping does not hold the path: no error, so no position.
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Refuses every value, so that the parser's error carries the value's position.
struct Refuse;

impl<'de> Visitor<'de> for Refuse {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("nothing")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "seed: 1\nnlp:\n  split:\n    test: 0.2\n  gate: {accuracy: {min: 0.8}}\n";

    #[test]
    fn finds_block_and_flow_values() {
        assert_eq!(key(TEXT, "seed"), Some((1, 7)));
        assert_eq!(key(TEXT, "nlp.split.test"), Some((4, 11)));
        assert_eq!(key(TEXT, "nlp.gate.accuracy.min"), Some((5, 26)));
    }

    #[test]
    fn falls_back_to_the_nearest_key_above() {
        assert_eq!(key(TEXT, "nlp.split.shuffle"), Some((4, 5)));
        assert_eq!(key(TEXT, "ts.horizon"), None);
    }
}
