//! The tree: values, with the place in the file where each stands.
//!
//! Mappings keep their order and may have keys that are not strings. Equality is that of the values that
//! Python's readers give (`1 == 1.0 == True`, the order of keys does not matter), but NaN is itself: a
//! value that was not touched has not changed.

use std::fmt;

/// Line and column, from 1; 0 where a value was made and not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// Which text, where a tree is made of several: as the reader of each was told, otherwise 0.
    pub source: usize,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands in the text.
    pub at: At,
    /// The value.
    pub data: Data,
    /// How a plain scalar that is no text was written, where [`Types::Core`](crate::Types) was read: a
    /// text is still wanted of it at times, `01` say.
    pub(crate) spelling: Option<Box<str>>,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Data {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; longer ones than 128 bits are refused.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Str(String),
    /// A scalar that has no place here, such as a date: why not. Whoever needs the value refuses it.
    Refused(Box<str>),
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in their order.
    Map(Vec<(Node, Node)>),
}

/// What is wrong at a place of a text.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The place.
    pub at: At,
    /// What is wrong, and what would be right where that is known.
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
    /// A value without a place.
    pub fn new(data: Data) -> Self {
        Self::at(At::default(), data)
    }

    /// The tree with another [`At::source`] throughout.
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

    /// A value at a place.
    pub fn at(at: At, data: Data) -> Self {
        Self {
            at,
            data,
            spelling: None,
        }
    }

    /// A value that has no place in a tree, as it was written, and why not.
    pub fn refused(written: &str, reason: impl Into<Box<str>>) -> Self {
        Self {
            at: At::default(),
            data: Data::Refused(reason.into()),
            spelling: Some(written.into()),
        }
    }

    /// A text without a place.
    pub fn string(text: impl Into<String>) -> Self {
        Self::new(Data::Str(text.into()))
    }

    /// A mapping with string keys, without a place.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Node)>) -> Self {
        let entries = entries.into_iter();
        Self::new(Data::Map(
            entries.map(|(k, v)| (Self::string(k), v)).collect(),
        ))
    }

    /// What is wrong here.
    pub fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault {
            at: self.at,
            reason: reason.into(),
        }
    }

    /// The text, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, where it is a mapping.
    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, where it is a list.
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
    pub fn as_written(&self) -> Option<&str> {
        self.as_str().or(self.spelling.as_deref())
    }

    /// The place of the value under `keys`, from here down. Where the tree does not hold all of them:
    /// that of the nearest key above; `None` where it does not hold the first.
    pub fn locate(&self, keys: &[&str]) -> Option<At> {
        let (first, rest) = keys.split_first()?;
        let value = self.value(first)?;
        Some(value.locate(rest).unwrap_or(value.at))
    }

    /// The value under a key as it is written, which need not be a text.
    fn value(&self, key: &str) -> Option<&Node> {
        let entries = self.as_map()?.iter();
        let mut found = entries.filter(|(name, _)| name.as_written() == Some(key));
        found.next().map(|(_, value)| value)
    }

    /// Puts `value` under `keys`, over what is there. Mappings that are missing on the way are made, at
    /// the value's place.
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

    /// The first value from here down that was read and has no place: what is wrong with it.
    ///
    /// # Errors
    /// With its place.
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

    /// Whether Python would call it false: `null`, `false`, 0, nothing in it.
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

    /// The type, as a person calls it.
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

/// On one line, as a person would write it: for messages.
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
