//! Which class of a task a stranger's label means, where a task has classes of its own: words that labels and
//! folders commonly are, and the map in the parameters for those that are others.

use std::path::Path;

use anyhow::{Context, Result};

use crate::params::Invalid;
use tables::shown;

/// The classes of a task, and what labels of them commonly are.
#[derive(Debug)]
pub struct ClassWords {
    /// The key of the map from labels to classes.
    pub key: &'static str,
    /// Whether the task knows a label without the map.
    pub is_known: fn(&str) -> bool,
    /// The classes: the task's word, and others in lower case, letters and digits alone.
    pub classes: &'static [(&'static str, &'static [&'static str])],
}

impl ClassWords {
    /// The class that a label means, by the words that are common.
    pub fn guess(&self, label: &str) -> Option<&'static str> {
        let label: String = label
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect();
        let means = |(class, words): &&(&'static str, &'static [&'static str])| {
            *class == label || words.contains(&label.as_str())
        };
        self.classes.iter().find(means).map(|(class, _)| *class)
    }

    /// The classes, as a person reads a list of them.
    pub fn names(&self) -> Vec<&'static str> {
        self.classes.iter().map(|(class, _)| *class).collect()
    }

    /// A map of these labels as an example in a message: with the classes that are guessed, otherwise with any.
    pub fn example(&self, labels: &[String]) -> String {
        let guessed = labels
            .iter()
            .filter_map(|label| Some((label, self.guess(label)?)));
        let mut pairs: Vec<(&String, &str)> = guessed.collect();
        if pairs.is_empty() {
            pairs = labels.iter().zip(self.names()).collect();
        }
        map(pairs.iter().map(|(label, class)| (label.as_str(), *class)))
    }

    /// Reads `LABEL=CLASS,LABEL=CLASS`.
    ///
    /// # Errors
    /// What is not such a pair, does not name a class, or names a label again.
    pub fn parse(&self, text: &str) -> std::result::Result<Vec<(String, String)>, Invalid> {
        let pair = |pair: &str| {
            let (label, class) = pair.split_once('=')?;
            let known = self
                .names()
                .into_iter()
                .find(|known| *known == class.trim())?;
            Some((label.trim().to_owned(), known.to_owned()))
        };
        let pairs = text.split(',').map(|text| {
            pair(text).ok_or_else(|| {
                let reason = format!(
                    "`{}` is not LABEL=CLASS with a class of {}",
                    shown(text),
                    self.names().join(", ")
                );
                Invalid::new("--classes", reason)
            })
        });
        let pairs: Vec<(String, String)> = pairs.collect::<std::result::Result<_, _>>()?;
        let again = |at: usize| pairs[..at].iter().any(|(label, _)| *label == pairs[at].0);
        match (0..pairs.len()).find(|&at| again(at)) {
            None => Ok(pairs),
            Some(at) => {
                let reason = format!("`{}` is named twice", shown(&pairs[at].0));
                Err(Invalid::new("--classes", reason))
            }
        }
    }
}

/// A map in YAML's flow style.
pub fn map<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs
        .map(|(label, class)| format!("{}: {class}", scalar(label)))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

/// A YAML scalar: as it is where that is a plain text, otherwise in quotes.
pub fn scalar(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._/-".contains(c);
    let is_word = value.chars().all(plain)
        && (value.starts_with(|c: char| c.is_alphabetic() || c == '/') || value.starts_with("../"));
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    match is_word && (!reserved.contains(&value.to_ascii_lowercase().as_str())) {
        true => value.to_owned(),
        false => serde_json::Value::from(value).to_string(),
    }
}

/// The names of the folders in `folder` that are not hidden, sorted.
///
/// # Errors
/// If the folder cannot be read.
pub fn sub_folders(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && folder.join(&name).is_dir() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: ClassWords = ClassWords {
        key: "cv.data.classes",
        is_known: |label| label == "sharp",
        classes: &[("blurred", &["blurry", "0"]), ("sharp", &["ok", "infocus"])],
    };

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|&label| label.to_owned()).collect()
    }

    #[test]
    fn labels_mean_classes_by_their_letters() {
        for (label, class) in [
            ("Blurry", Some("blurred")),
            ("blurred", Some("blurred")),
            ("in_focus", Some("sharp")),
            ("In Focus", Some("sharp")),
            ("cats", None),
            ("", None),
        ] {
            assert_eq!(WORDS.guess(label), class, "{label}");
        }
    }

    #[test]
    fn an_example_maps_what_is_guessed_or_anything() {
        let map = WORDS.example(&labels(&["blurry", "ok", "raw"]));
        assert_eq!(map, "{blurry: blurred, ok: sharp}");
        let map = WORDS.example(&labels(&["a b", "no"]));
        assert_eq!(map, r#"{"a b": blurred, "no": sharp}"#);
    }

    #[test]
    fn pairs_are_read() {
        let pairs = WORDS.parse("a = blurred,b=sharp").unwrap();
        let expected = [("a", "blurred"), ("b", "sharp")];
        assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        for text in ["a", "a=soft", "a=sharp,", "", "a=sharp,a=blurred"] {
            assert!(WORDS.parse(text).is_err(), "{text}");
        }
    }
}
