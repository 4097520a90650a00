//! `NAME@ALIAS`, as users write it.

use std::fmt;
use std::str::FromStr;

use super::refusal::{Refusal, check_word};

/// An alias of a model, `nlp@champion` for example, which need not exist yet.
///
/// # Examples
/// ```
/// use easylife_registry::history::Target;
///
/// let target: Target = "nlp@champion".parse()?;
/// assert_eq!((target.name.as_str(), target.alias.as_str()), ("nlp", "champion"));
/// assert!("nlp".parse::<Target>().is_err());
/// assert!("nlp@3".parse::<Target>().is_err());
/// # Ok::<(), easylife_registry::history::Refusal>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name of the model.
    pub name: String,
    /// The alias.
    pub alias: String,
}

impl FromStr for Target {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (name, alias) = text.split_once('@').ok_or_else(|| Refusal::Target {
            text: text.to_owned(),
        })?;
        check_word(name, "a name")?;
        check_word(alias, "an alias")?;
        Ok(Self {
            name: name.to_owned(),
            alias: alias.to_owned(),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.alias)
    }
}
