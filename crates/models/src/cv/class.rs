//! The two classes of photos.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a photo is sharp.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Out of focus or blurred by motion.
    Blurred,
    /// In focus.
    Sharp,
}

/// A label that names neither class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown label `{0}`; expected sharp or blurred (1 or 0)")]
pub struct UnknownClass(pub String);

impl Class {
    /// Both classes, indexed by [`Class::index`]: the order of a model's probabilities.
    pub const ALL: [Class; 2] = [Class::Blurred, Class::Sharp];

    /// The spelling of the class in labels, folders and outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Blurred => "blurred",
            Class::Sharp => "sharp",
        }
    }

    /// The spelling of both classes, indexed by [`Class::index`].
    pub fn names() -> Vec<String> {
        Class::ALL.map(|class| class.as_str().to_owned()).to_vec()
    }

    /// The position of the class in [`Class::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// True for sharp photos, the positive class of ROC curves and of the regression.
    pub const fn is_sharp(self) -> bool {
        matches!(self, Class::Sharp)
    }

    /// The class predicted from the probability that a photo is sharp.
    pub fn from_probability(sharp: f64) -> Class {
        Class::ALL[usize::from(sharp >= 0.5)]
    }

    /// The class predicted from the log-odds that a photo is sharp.
    ///
    /// # Examples
    /// ```
    /// use easylife_models::cv::Class;
    ///
    /// assert_eq!(" Blurred ".parse(), Ok(Class::Blurred));
    /// assert_eq!("1".parse(), Ok(Class::Sharp));
    /// let error = "fuzzy".parse::<Class>().unwrap_err();
    /// assert_eq!(error.to_string(), "unknown label `fuzzy`; expected sharp or blurred (1 or 0)");
    /// assert_eq!(Class::from_log_odds(-0.1), Class::Blurred);
    /// ```
    pub fn from_log_odds(sharp: f64) -> Class {
        Class::ALL[usize::from(sharp >= 0.0)]
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Parses a label or the name of a folder: the word in any case, or 1 for sharp and 0 for blurred.
impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(text: &str) -> Result<Class, UnknownClass> {
        match text.trim().to_ascii_lowercase().as_str() {
            "sharp" | "1" | "1.0" => Ok(Class::Sharp),
            "blurred" | "0" | "0.0" => Ok(Class::Blurred),
            _ => Err(UnknownClass(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words_or_numbers() {
        for text in ["sharp", " Sharp ", "1", "1.0"] {
            assert_eq!(text.parse(), Ok(Class::Sharp), "{text}");
        }
        for text in ["blurred", "BLURRED", "0", "0.0"] {
            assert_eq!(text.parse(), Ok(Class::Blurred), "{text}");
        }
        assert_eq!(
            "soft".parse::<Class>().unwrap_err().to_string(),
            "unknown label `soft`; expected sharp or blurred (1 or 0)"
        );
    }

    #[test]
    fn every_spelling_of_a_class_is_the_same() {
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), index);
            assert_eq!(class.as_str().parse(), Ok(class));
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
    }

    #[test]
    fn an_even_chance_is_called_sharp() {
        assert_eq!(Class::from_probability(0.5), Class::Sharp);
        assert_eq!(Class::from_log_odds(0.0), Class::Sharp);
        assert_eq!(Class::from_probability(0.49), Class::Blurred);
        assert_eq!(Class::from_log_odds(-0.1), Class::Blurred);
    }
}
