//! `-S key=value`: one key of the parameters for one call, over what the file says.

use std::fmt;
use std::str::FromStr;

use yaml::{Node, Reader, Types};

/// One `-S key=value`; the value is YAML.
#[derive(Clone, Debug)]
pub struct Set {
    /// Names joined by dots.
    pub(super) key: String,
    pub(super) value: Node,
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
        let reader = Reader {
            types: Types::Core,
            ..Reader::default()
        };
        Ok(Self {
            key: key.to_owned(),
            value: reader
                .read(value)
                .map_err(|fault| format!("`{value}`: {}", fault.reason))?,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "-S {}", self.text)
    }
}
