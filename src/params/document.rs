//! A YAML file written by a person, as a tree whose values know where they were given: on a line of the
//! file, or by `-S` on the command line.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use yaml::{At, Node, Reason};

use super::{Error, Set, near_miss};

/// A parsed file. [`Document::get`] and [`Document::read`] deserialize its values; errors name the place of
/// the value.
#[derive(Clone, Debug)]
pub struct Document {
    path: PathBuf,
    root: Node,
    /// Values set over those of the file, in order; the nodes of each have its position, from 1, as source.
    sets: Vec<Set>,
}

impl Document {
    /// Parses the text of the file `path`.
    ///
    /// # Errors
    /// If it is not YAML, with line and column.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let reader = yaml::Reader {
            types: yaml::Types::Core,
            ..yaml::Reader::default()
        };
        let document = Self {
            path: path.to_owned(),
            root: Node::new(yaml::Data::Null),
            sets: Vec::new(),
        };
        match reader.read(text) {
            Ok(root) => Ok(Self { root, ..document }),
            Err(fault) => Err(document.error_at(Some(fault.at), fault.reason)),
        }
    }

    /// Sets a value over that of the file.
    pub(super) fn set(&mut self, set: &Set) {
        self.sets.push(set.clone());
        let value = set.value.clone().with_source(self.sets.len());
        let keys: Vec<&str> = set.key.split('.').collect();
        self.root.set(&keys, value);
    }

    /// The whole file as a value.
    ///
    /// # Errors
    /// The first value of a wrong type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        yaml::from_node(&self.root).map_err(|error| self.wrong_type(error))
    }

    /// The value of a top-level key; `None` if the file does not have it.
    ///
    /// # Errors
    /// If it has a wrong type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let Some(node) = self.root.get(key) else {
            return Ok(None);
        };
        let value = yaml::from_node(node).map_err(|error| self.wrong_type(error.within(key)))?;
        Ok(Some(value))
    }

    /// Refuses top-level keys that are not in `known`.
    pub(super) fn check_keys(&self, known: &[&str]) -> Result<(), Error> {
        for (key, _) in self.root.as_map().unwrap_or_default() {
            let name = key
                .as_written()
                .map_or_else(|| key.to_string(), str::to_owned);
            if !known.contains(&name.as_str()) {
                return Err(self.error_at(Some(key.at), unknown_key(&name, "", known)));
            }
        }
        Ok(())
    }

    /// The node of a top-level key.
    pub(super) fn node(&self, key: &str) -> Option<&Node> {
        self.root.get(key)
    }

    /// An error about the value of `keys`, with the place where it was given, otherwise that of the nearest
    /// key above it.
    pub fn refuse(&self, keys: &[&str], complaint: &str) -> Error {
        let reason = format!("{}: {complaint}", keys.join("."));
        self.error_at(self.root.locate(keys), reason)
    }

    pub(super) fn error_at(&self, at: Option<At>, reason: String) -> Error {
        Error::Refused {
            place: self.place(at.unwrap_or_default()),
            reason,
        }
    }

    fn wrong_type(&self, error: yaml::Error) -> Error {
        let reason = match &error.reason {
            Reason::UnknownKey { key, known } => unknown_key(key, &error.path, known),
            Reason::Other(_) => error.to_string(),
        };
        self.error_at(Some(error.at), reason)
    }

    fn place(&self, at: At) -> String {
        match at {
            At {
                source: set @ 1.., ..
            } => self.sets[set - 1].to_string(),
            At { line: 0, .. } => self.path.display().to_string(),
            At { line, column, .. } => format!("{}:{line}:{column}", self.path.display()),
        }
    }
}

fn unknown_key(got: &str, block: &str, known: &[&str]) -> String {
    let within = match block {
        "" => String::new(),
        block => format!(" in `{block}`"),
    };
    format!(
        "unknown key `{got}`{within}; {}expected one of {}",
        near_miss(got, known),
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const TEXT: &str = "seed: 1\nnlp:\n  model: {C: 3}\n";

    /// The file with values set over it, as `-S` does.
    fn document(sets: &[&str]) -> Document {
        let mut document = Document::parse(Path::new("p.yaml"), TEXT).unwrap();
        let sets = sets.iter().map(|set| set.parse::<Set>().unwrap());
        sets.for_each(|set| document.set(&set));
        document
    }

    type Model = BTreeMap<String, BTreeMap<String, f64>>;

    #[test]
    fn values_come_from_the_file_or_what_is_set_over_it() {
        let c = |sets: &[&str]| document(sets).get::<Model>("nlp").unwrap().unwrap()["model"]["C"];
        assert_eq!(c(&[]), 3.0);
        assert_eq!(c(&["nlp.model.C=5"]), 5.0);
        assert_eq!(
            c(&["nlp.model.C=5", "nlp.model={C: 7}"]),
            7.0,
            "the last one"
        );
        assert_eq!(document(&[]).get::<u64>("ts").unwrap(), None);
    }

    #[test]
    fn an_error_names_where_the_value_was_given() {
        let refused =
            |sets: &[&str], keys: &[&str]| document(sets).refuse(keys, "wrong").to_string();
        let keys = ["nlp", "model", "C"];
        assert_eq!(refused(&[], &keys), "p.yaml:3:14: nlp.model.C: wrong");
        assert_eq!(
            refused(&[], &["nlp", "model", "bits"]),
            "p.yaml:3:10: nlp.model.bits: wrong"
        );
        assert_eq!(
            refused(&[], &["cv", "C"]),
            "p.yaml: cv.C: wrong",
            "it is a default"
        );
        let set = refused(&["seed=2", "nlp.model.C=0"], &keys);
        assert!(
            set.contains("nlp.model.C=0") && set.ends_with("nlp.model.C: wrong"),
            "{set}"
        );
    }

    #[test]
    fn values_of_a_wrong_type_are_named_by_their_keys() {
        let message = |sets: &[&str]| document(sets).get::<Model>("nlp").unwrap_err().to_string();
        let set = message(&["nlp.model.C=many"]);
        assert!(set.contains("nlp.model.C") && set.contains("many"), "{set}");
        let whole = message(&["nlp=3"]);
        assert!(whole.contains("nlp=3"), "{whole}");
    }

    #[test]
    fn keys_at_the_top_are_those_that_are_known() {
        let check = |known: &[&str]| document(&[]).check_keys(known).map_err(|e| e.to_string());
        assert_eq!(check(&["nlp", "seed"]), Ok(()));
        let error = check(&["nlpp", "seed"]).unwrap_err();
        assert!(
            error.starts_with("p.yaml:2:1: unknown key `nlp`; "),
            "{error}"
        );
        assert!(
            error.contains("`nlpp`") && error.ends_with("expected one of nlpp, seed"),
            "{error}"
        );
    }

    #[test]
    fn a_text_that_is_not_yaml_has_a_place() {
        let error = Document::parse(Path::new("p.yaml"), "a: [1\n").unwrap_err();
        assert!(error.to_string().starts_with("p.yaml:"), "{error}");
    }
}
