//! The tree: values with their positions in the file.
//!
//! Mappings keep their order and may have keys that are not strings. Equality follows the values
//! that Python's readers return (`1 == 1.0 == True`, the order of keys does not matter), except
//! that NaN equals itself: an untouched value has not changed.

use std::fmt;

/// Line and column, counted from 1; 0 for a value that was not read from a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
    /// Identifies the text in a tree made of several: the reader's `source`, 0 by default.
    pub source: usize,
}

/// A value and its position.
#[derive(Clone, Debug)]
pub struct Node {
    /// The position in the text.
    pub at: At,
    /// The value.
    pub data: Data,
    /// A plain scalar that is not a string, as it was written, if read with
    /// [`Types::Core`](crate::Types): callers sometimes need the text, as for `01`.
    pub(crate) spelling: Option<Box<str>>,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Data {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of at most 128 bits; longer ones are refused.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Str(String),
    /// An unsupported scalar, such as a date, and why it is refused. Using the value is an error.
    Refused(Box<str>),
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in order.
    Map(Vec<(Node, Node)>),
}

/// An error at a position in a text.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The position.
    pub at: At,
    /// What is wrong, and the fix if it is known.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.at {
            At { line: 0, .. } => f.write_str(&self.reason),
            At { line, column, .. } => write!(f, "{line}:{column}: {}", self.reason),
        }
    }
}

impl std::error::Error for Fault {}

impl Node {
    /// Creates a value without a position.
    pub fn new(data: Data) -> Self {
        Self::at(At::default(), data)
    }

    /// Returns the tree with [`At::source`] set to `source` throughout.
    pub fn with_source(mut self, source: usize) -> Self {
        self.set_source(source);
        self
    }

    fn set_source(&mut self, source: usize) {
        self.at.source = source;
        match &mut self.data {
            Data::List(items) => items.iter_mut().for_each(|item| item.set_source(source)),
            Data::Map(entries) => {
                for (key, value) in entries {
                    key.set_source(source);
                    value.set_source(source);
                }
            }
            _ => {}
        }
    }

    /// Creates a value at a position.
    pub fn at(at: At, data: Data) -> Self {
        Self {
            at,
            data,
            spelling: None,
        }
    }

    /// Creates an unsupported value, with its text and the reason.
    pub fn refused(written: &str, reason: impl Into<Box<str>>) -> Self {
        Self {
            at: At::default(),
            data: Data::Refused(reason.into()),
            spelling: Some(written.into()),
        }
    }

    /// Creates a string without a position.
    pub fn string(text: impl Into<String>) -> Self {
        Self::new(Data::Str(text.into()))
    }

    /// Creates a mapping with string keys, without a position.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Node)>) -> Self {
        let entries = entries.into_iter();
        Self::new(Data::Map(
            entries.map(|(k, v)| (Self::string(k), v)).collect(),
        ))
    }

    /// Creates an error at this node.
    pub fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault {
            at: self.at,
            reason: reason.into(),
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.data {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value under a string key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entries = self.as_map()?;
        entries
            .iter()
            .find(|(name, _)| name.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    /// The text of a scalar as it was written, whatever its type.
    ///
    /// # Examples
    /// ```
    /// use easylife_yaml::{Reader, Types};
    ///
    /// let reader = Reader { types: Types::Core, ..Reader::default() };
    /// let root = reader.read("code: 01").unwrap();
    /// // As a number it is 1.
    /// assert_eq!(root.get("code").unwrap().as_written(), Some("01"));
    /// ```
    pub fn as_written(&self) -> Option<&str> {
        self.as_str().or(self.spelling.as_deref())
    }

    /// The position of the value under `keys`, relative to this node. If only some of the keys
    /// exist, the position of the deepest one; `None` if the first does not exist.
    ///
    /// # Examples
    /// ```
    /// let root = easylife_yaml::parse("nlp:\n  model: {C: 3}\n").unwrap();
    /// assert_eq!(root.locate(&["nlp", "model", "C"]).unwrap().column, 14);
    /// // `bits` is not there: `model` is the nearest.
    /// assert_eq!(root.locate(&["nlp", "model", "bits"]).unwrap().column, 10);
    /// assert_eq!(root.locate(&["cv"]), None);
    /// ```
    pub fn locate(&self, keys: &[&str]) -> Option<At> {
        let (first, rest) = keys.split_first()?;
        let value = self.value(first)?;
        Some(value.locate(rest).unwrap_or(value.at))
    }

    /// The value under a key as it is written, which need not be a string.
    fn value(&self, key: &str) -> Option<&Node> {
        let entries = self.as_map()?.iter();
        let mut found = entries.filter(|(name, _)| name.as_written() == Some(key));
        found.next().map(|(_, value)| value)
    }

    /// Sets the value under `keys`, replacing an existing one. Missing mappings on the way are
    /// created at the value's position.
    ///
    /// # Examples
    /// ```
    /// use easylife_yaml::Node;
    ///
    /// let mut root = easylife_yaml::parse("nlp: {C: 3}\n").unwrap();
    /// root.set(&["nlp", "C"], Node::string("auto"));
    /// root.set(&["cv", "kind"], Node::string("forest"));
    /// assert_eq!(root.to_string(), "{nlp: {C: \"auto\"}, cv: {kind: \"forest\"}}");
    /// ```
    pub fn set(&mut self, keys: &[&str], value: Node) {
        let Some((first, rest)) = keys.split_first() else {
            *self = value;
            return;
        };
        if self.as_map().is_none() {
            *self = Self::at(value.at, Data::Map(Vec::new()));
        }
        let Data::Map(entries) = &mut self.data else {
            return; // made one just above
        };
        let known = entries
            .iter()
            .position(|(name, _)| name.as_written() == Some(first));
        let place = known.unwrap_or_else(|| {
            let name = Self::at(value.at, Data::Str((*first).to_owned()));
            entries.push((name, Self::at(value.at, Data::Null)));
            entries.len() - 1
        });
        entries[place].1.set(rest, value);
    }

    /// Checks that this node and its descendants hold no unsupported value.
    ///
    /// # Errors
    /// The first unsupported value, with its position.
    ///
    /// # Examples
    /// ```
    /// let root = easylife_yaml::parse("day: 2024-02-29\n").unwrap();
    /// let fault = root.check().unwrap_err();
    /// assert_eq!((fault.at.line, fault.at.column), (1, 6));
    /// ```
    pub fn check(&self) -> Result<(), Fault> {
        match &self.data {
            Data::Refused(reason) => Err(self.fault(reason.as_ref())),
            Data::List(items) => items.iter().try_for_each(Self::check),
            Data::Map(entries) => entries
                .iter()
                .try_for_each(|(key, value)| key.check().and_then(|()| value.check())),
            _ => Ok(()),
        }
    }

    /// Whether it is a list or a mapping.
    pub fn is_composite(&self) -> bool {
        matches!(self.data, Data::List(_) | Data::Map(_))
    }

    /// Whether Python considers it false: `null`, `false`, 0, or empty.
    pub fn is_empty(&self) -> bool {
        match &self.data {
            Data::Null => true,
            Data::Bool(value) => !value,
            Data::Int(value) => *value == 0,
            Data::Float(value) => *value == 0.0,
            Data::Str(text) => text.is_empty(),
            Data::Refused(_) => false,
            Data::List(items) => items.is_empty(),
            Data::Map(entries) => entries.is_empty(),
        }
    }

    /// The type, as messages name it.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "true or false",
            Data::Int(_) | Data::Float(_) => "a number",
            Data::Refused(_) => "not supported",
            Data::Str(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }

    /// The number that Python compares by: booleans are 0 and 1.
    fn number(&self) -> Option<Number> {
        match self.data {
            Data::Bool(value) => Some(Number::Int(i128::from(value))),
            Data::Int(value) => Some(Number::Int(value)),
            Data::Float(value) => Some(Number::Float(value)),
            _ => None,
        }
    }
}

enum Number {
    Int(i128),
    Float(f64),
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b || a.is_nan() && b.is_nan(),
            (Self::Int(a), Self::Float(b)) | (Self::Float(b), Self::Int(a)) => {
                *b == *a as f64 && *b as i128 == *a
            }
        }
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (&self.data, &other.data) {
            (Data::Null, Data::Null) => true,
            (Data::Str(a), Data::Str(b)) => a == b,
            (Data::Refused(_), Data::Refused(_)) => self.spelling == other.spelling,
            (Data::List(a), Data::List(b)) => a == b,
            (Data::Map(a), Data::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|(key, value)| b.iter().any(|(k, v)| k == key && v == value))
            }
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

/// Writes the value on one line, for messages.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.data {
            Data::Null => f.write_str("null"),
            Data::Bool(value) => write!(f, "{value}"),
            Data::Int(value) => write!(f, "{value}"),
            Data::Float(value) => f.write_str(&crate::float(*value)),
            Data::Str(text) => write!(f, "{text:?}"),
            Data::Refused(_) => f.write_str(self.spelling.as_deref().unwrap_or_default()),
            Data::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Data::Map(entries) => {
                f.write_str("{")?;
                for (i, (key, value)) in entries.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    match key.as_str() {
                        Some(key) => write!(f, "{comma}{key}: {value}")?,
                        None => write!(f, "{comma}{key}: {value}")?,
                    }
                }
                f.write_str("}")
            }
        }
    }
}
