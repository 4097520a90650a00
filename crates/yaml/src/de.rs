//! Deserializes a tree with serde. Errors carry the keys that lead to a value, and its position.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor,
};

use crate::node::{At, Data, Node};
use crate::parse::{Reader, Types};

/// What a type with named fields is written as.
const KEYS_AND_VALUES: &str = "keys with their values";

/// A value that does not fit the type.
#[derive(Clone, Debug)]
pub struct Error {
    /// The value's position.
    pub at: At,
    /// Keys from the root, joined by dots, with list items as `[0]`; empty for the root.
    pub path: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a value.
#[derive(Clone, Debug)]
pub enum Reason {
    /// The mapping has a key that the type does not have.
    UnknownKey {
        /// The key.
        key: String,
        /// The keys that the type accepts.
        known: &'static [&'static str],
    },
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::UnknownKey { key, known } => {
                write!(
                    f,
                    "unknown key `{key}`; expected one of {}",
                    known.join(", ")
                )
            }
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}", self.reason),
            path => write!(f, "{path}: {}", self.reason),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Reason::Other(message.to_string()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Reason::UnknownKey {
            key: field.to_owned(),
            known: expected,
        })
    }
}

impl Error {
    fn new(reason: Reason) -> Self {
        Self {
            at: At::default(),
            path: String::new(),
            reason,
        }
    }

    /// Adds a position to the error, unless it has one.
    fn placed(mut self, at: At) -> Self {
        if self.at == At::default() {
            self.at = at;
        }
        self
    }

    /// Prepends the key under which the enclosing mapping or list holds the value.
    pub fn within(mut self, key: &str) -> Self {
        let dot = match self.path.as_str() {
            "" => "",
            path if path.starts_with('[') => "",
            _ => ".",
        };
        self.path = format!("{key}{dot}{}", self.path);
        self
    }
}

/// Deserializes a tree.
///
/// # Errors
/// The first value that does not fit the type.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
///
/// let node = easylife_yaml::parse("a: [1, 2]\nb: [x]\n").unwrap();
/// let error = easylife_yaml::from_node::<BTreeMap<String, Vec<u32>>>(&node).unwrap_err();
/// assert_eq!((error.at.line, error.path.as_str()), (2, "b[0]"));
/// ```
pub fn from_node<'de, T: Deserialize<'de>>(node: &'de Node) -> Result<T, Error> {
    T::deserialize(node).map_err(|error| error.placed(node.at))
}

/// Deserializes a YAML text, with the types of YAML's core schema.
///
/// # Errors
/// Those of [`Reader::read`] and [`from_node`].
///
/// # Examples
/// ```
/// let bounds: std::collections::BTreeMap<String, f64> =
///     easylife_yaml::from_str("min: 0.8\nmax: 1e-3\n").unwrap();
/// assert_eq!(bounds["max"], 0.001);
/// ```
pub fn from_str<T: de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    let reader = Reader {
        types: Types::Core,
        ..Reader::default()
    };
    let node = reader.read(text).map_err(|fault| Error {
        at: fault.at,
        path: String::new(),
        reason: Reason::Other(fault.reason),
    })?;
    from_node(&node)
}

impl Node {
    /// Whether no value is written where one is expected, which means an empty list or mapping.
    fn is_blank(&self) -> bool {
        matches!(self.data, Data::Null) && self.spelling.as_deref().is_none_or(str::is_empty)
    }
}

fn visit_int<'de, V: Visitor<'de>>(value: i128, visitor: V) -> Result<V::Value, Error> {
    if let Ok(value) = u64::try_from(value) {
        visitor.visit_u64(value)
    } else if let Ok(value) = i64::try_from(value) {
        visitor.visit_i64(value)
    } else {
        visitor.visit_i128(value)
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::Int(value) => visit_int(*value, visitor),
            Data::Float(value) => visitor.visit_f64(*value),
            Data::Str(text) => visitor.visit_borrowed_str(text),
            Data::Refused(reason) => Err(de::Error::custom(reason)),
            Data::List(items) => visitor.visit_seq(Items {
                items: items.iter(),
                next: 0,
            }),
            Data::Map(entries) => visitor.visit_map(Entries {
                entries: entries.iter(),
                value: None,
            }),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.as_written() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.is_blank() {
            true => visitor.visit_seq(Items {
                items: [].iter(),
                next: 0,
            }),
            false => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        // What serde derives would leave further items unread.
        match &self.data {
            Data::List(items) if items.len() != length => Err(de::Error::invalid_length(
                items.len(),
                &format!("a list of {length}").as_str(),
            )),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.is_blank() {
            true => visitor.visit_map(Entries {
                entries: [].iter(),
                value: None,
            }),
            false => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // What serde derives would take a list for the fields in their order.
        if let Data::List(_) = self.data {
            return Err(de::Error::invalid_type(Unexpected::Seq, &KEYS_AND_VALUES));
        }
        self.deserialize_map(visitor)
    }

    /// The name of a variant, or a mapping from that name to the variant's content.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match (self.as_written(), &self.data) {
            (Some(name), _) => {
                let name: StrDeserializer<Error> = name.into_deserializer();
                visitor.visit_enum(name)
            }
            (None, Data::Map(entries)) => visitor.visit_enum(MapAccessDeserializer::new(Entries {
                entries: entries.iter(),
                value: None,
            })),
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        ignored_any
    }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let place = self.next;
        self.next += 1;
        let read = seed.deserialize(item);
        read.map(Some)
            .map_err(|error| error.placed(item.at).within(&format!("[{place}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, (Node, Node)>,
    value: Option<&'de (Node, Node)>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.value = self.entries.next();
        let Some((key, _)) = self.value else {
            return Ok(None);
        };
        let read = seed.deserialize(key);
        read.map(Some).map_err(|error| error.placed(key.at))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some((key, value)) = self.value else {
            return Err(de::Error::custom("a value without its key"));
        };
        seed.deserialize(value).map_err(|error| {
            let key = key
                .as_written()
                .map_or_else(|| key.to_string(), str::to_owned);
            error.placed(value.at).within(&key)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Default)]
    #[serde(default, deny_unknown_fields)]
    struct Block {
        name: String,
        share: Option<f64>,
        sizes: Vec<usize>,
        kind: Kind,
        inner: BTreeMap<String, (i64, bool)>,
    }

    #[derive(Debug, Deserialize, PartialEq, Default)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        #[default]
        Auto,
        True,
    }

    fn refused(text: &str) -> String {
        let error = from_str::<Block>(text).unwrap_err();
        format!("{}:{}: {error}", error.at.line, error.at.column)
    }

    #[test]
    fn values_find_their_fields() {
        let block: Block = from_str(
            "name: 017\nshare: 1\nsizes: [1, 0x10]\nkind: true\ninner: {01: [-1, true]}\n",
        )
        .unwrap();
        assert_eq!(
            block,
            Block {
                name: "017".to_owned(),
                share: Some(1.0),
                sizes: vec![1, 16],
                kind: Kind::True,
                inner: BTreeMap::from([("01".to_owned(), (-1, true))]),
            }
        );
    }

    #[test]
    fn nothing_is_the_default_of_a_block_and_null_is_none() {
        assert_eq!(from_str::<Block>("").unwrap(), Block::default());
        let block: Block = from_str("share: null\nsizes:\ninner:\n").unwrap();
        assert_eq!(block, Block::default());
        assert!(refused("sizes: null").contains("invalid type"));
    }

    #[test]
    fn what_does_not_fit_is_named_by_keys_and_place() {
        assert_eq!(
            refused("share: lots"),
            "1:8: share: invalid type: string \"lots\", expected f64"
        );
        assert_eq!(
            refused("sizes:\n- 1\n- -2\n"),
            "3:3: sizes[1]: invalid value: integer `-2`, expected usize"
        );
        assert_eq!(
            refused("inner: {a: [1, no]}"),
            "1:16: inner.a[1]: invalid type: string \"no\", expected a boolean"
        );
        assert!(refused("kind: fast").starts_with("1:7: kind: unknown variant `fast`"));
        assert_eq!(
            refused("\nshares: 1"),
            "2:1: unknown key `shares`; expected one of name, share, sizes, kind, inner"
        );
    }

    #[test]
    fn a_tree_of_two_texts_says_which_one_is_wrong() {
        let read = |text, source| {
            let types = Types::Core;
            let reader = Reader {
                types,
                source,
                ..Reader::default()
            };
            reader.read(text).unwrap()
        };
        let mut tree = read("name: x\n", 0);
        tree.set(&["inner", "a"], read("[1, 2]", 1));
        assert_eq!(tree.locate(&["name"]).unwrap().source, 0);
        assert_eq!(tree.locate(&["inner", "b"]).unwrap().source, 1);
        assert_eq!(tree.locate(&["other"]), None);
        let error = from_node::<Block>(&tree).unwrap_err();
        assert_eq!((error.at.source, error.path.as_str()), (1, "inner.a[1]"));
        tree.set(&["inner"], read("", 2));
        assert_eq!(from_node::<Block>(&tree).unwrap().name, "x");
    }
}
