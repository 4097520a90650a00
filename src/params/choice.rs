//! A parameter that is either given or chosen from the data (`auto`).

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, UnitDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// `auto`, or a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice<T> {
    /// Chosen from the data.
    #[default]
    Auto,
    Given(T),
}

impl<T: Clone> Choice<T> {
    /// The value, if it is given.
    pub fn given(&self) -> Option<T> {
        match self {
            Choice::Auto => None,
            Choice::Given(value) => Some(value.clone()),
        }
    }
}

/// Keyword for a value that is chosen from the data.
const AUTO: &str = "auto";

impl<T: JsonSchema> JsonSchema for Choice<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Choice_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"const": AUTO}, generator.subschema_for::<T>()]})
    }
}

impl<T: Serialize> Serialize for Choice<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Choice::Auto => serializer.serialize_str(AUTO),
            Choice::Given(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor(PhantomData))
    }
}

struct ChoiceVisitor<T>(PhantomData<T>);

impl<T> ChoiceVisitor<T> {
    /// Reads a value other than `auto`; an error mentions that `auto` is allowed, too.
    fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Choice<T>, D::Error>
    where
        T: Deserialize<'de>,
    {
        T::deserialize(Present(value))
            .map(Choice::Given)
            .map_err(|error| D::Error::custom(format!("{error}; or write `auto`")))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ChoiceVisitor<T> {
    type Value = Choice<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value, or `auto`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Choice<T>, E> {
        match text {
            AUTO => Ok(Choice::Auto),
            text => Self::given(text.into_deserializer()),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Choice<T>, E> {
        Self::given(value.into_deserializer())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Choice<T>, E> {
        Self::given(value.into_deserializer())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Choice<T>, E> {
        Self::given(value.into_deserializer())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Choice<T>, E> {
        Self::given(value.into_deserializer())
    }

    /// Reads `null`, which a type other than `Option` refuses.
    fn visit_unit<E: Error>(self) -> Result<Choice<T>, E> {
        let unit: UnitDeserializer<E> = ().into_deserializer();
        T::deserialize(unit)
            .map(Choice::Given)
            .map_err(|error| E::custom(format!("{error}; or write `auto`")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Choice<T>, A::Error> {
        // As below: each item has a place of its own.
        let list = PresentList {
            count: items.size_hint(),
            items: SeqAccessDeserializer::new(items),
        };
        T::deserialize(list).map(Choice::Given)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Choice<T>, A::Error> {
        // A wrong key has a place of its own, which the error must keep.
        T::deserialize(Present(MapAccessDeserializer::new(entries))).map(Choice::Given)
    }
}

/// A value for a type that may be an `Option`, which serde's own value deserializers do not support.
struct Present<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Present<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self.0)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// As [`Present`], for a list. Code derived by serde would read the items as fields in their order, and ignore
/// surplus items.
struct PresentList<D> {
    items: D,
    count: Option<usize>,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for PresentList<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.items.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        match self.count {
            Some(count) if count != length => Err(D::Error::invalid_length(
                count,
                &format!("a list of {length}, or `auto`").as_str(),
            )),
            _ => self.items.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, D::Error> {
        Err(D::Error::invalid_type(
            Unexpected::Seq,
            &"keys with their values, or `auto`",
        ))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_or_a_value() {
        let parse = yaml::from_str::<Choice<(usize, usize)>>;
        assert_eq!(parse("auto").unwrap(), Choice::Auto);
        assert_eq!(parse("[1, 2]").unwrap(), Choice::Given((1, 2)));
        let error = parse("[1, 2, 3]").unwrap_err().to_string();
        assert_eq!(error, "invalid length 3, expected a list of 2, or `auto`");
        let error = parse("many").unwrap_err().to_string();
        assert!(error.ends_with("or write `auto`"), "{error}");
    }

    #[test]
    fn null_is_a_value_where_the_value_is_optional() {
        let parse = yaml::from_str::<Choice<Option<(usize, usize)>>>;
        assert_eq!(parse("null").unwrap(), Choice::Given(None));
        assert_eq!(parse("[1, 2]").unwrap(), Choice::Given(Some((1, 2))));
        assert!(yaml::from_str::<Choice<bool>>("null").is_err());
        assert_eq!(
            yaml::from_str::<Choice<bool>>("true").unwrap(),
            Choice::Given(true)
        );
    }
}
