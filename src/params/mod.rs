//! Reads `params.yaml`, overridden by `-S key=value`, into typed and checked blocks.
//!
//! There are two steps, like ripgrep's low and high arguments: serde reads the file into blocks that refuse
//! unknown keys, and each block's `check` turns it into usable options. Code below this module sees no YAML.
//! `project` resolves paths.

pub mod batch;
pub mod choice;
pub(crate) mod data;
mod document;
pub mod gate;
pub mod schema;
mod set;
pub mod validate;

use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use yaml::Data;

pub use document::Document;
pub use set::Set;

/// The version of the parameters that this binary reads: `major.minor`.
pub const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION_MAJOR"),
    ".",
    env!("CARGO_PKG_VERSION_MINOR")
);

/// The parameters that belong to no task.
#[derive(Clone, Debug)]
pub struct Params {
    /// The seed of every random choice.
    pub seed: u64,
    pub validate: validate::Block,
}

/// Default seed.
const SEED: u64 = 42;

/// Top-level keys that belong to no task.
const COMMON_KEYS: [&str; 3] = ["easylife", "seed", "validate"];

/// The block of a task.
#[derive(Clone, Copy, Debug)]
pub struct TaskBlock {
    /// Its top-level key.
    key: &'static str,
    read: fn(&Document, &'static str) -> Result<(), Error>,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

impl TaskBlock {
    /// The block `key` of type `B`.
    pub fn of<B: DeserializeOwned + JsonSchema>(key: &'static str) -> Self {
        Self {
            key,
            read: |document, key| document.get::<B>(key).map(drop),
            schema: |generator| generator.subschema_for::<B>(),
        }
    }
}

/// An invalid value: its key and the reason.
#[derive(Clone, Debug)]
pub struct Invalid {
    /// Keys from the top, joined by dots: `nlp.split.test`.
    pub key: String,
    /// What is wrong and what is expected.
    pub reason: String,
}

impl Invalid {
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            reason: reason.into(),
        }
    }
}

/// Returns an error about `key` with `reason` unless `holds`.
pub(crate) fn require(
    holds: bool,
    key: &str,
    reason: impl FnOnce() -> String,
) -> Result<(), Invalid> {
    if holds {
        Ok(())
    } else {
        Err(Invalid::new(key, reason()))
    }
}

/// An error in the parameters. Every message starts with the place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // Not named `source`: it is part of the message, and an error chain would repeat it.
    #[error("{}: {error}{}", path.display(), missing_hint(error))]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{place}: {reason}")]
    Refused { place: String, reason: String },
}

fn missing_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => "; start a project with `easylife init`",
        _ => "",
    }
}

/// The parameters of a run: those that belong to no task, and the document with the blocks of the tasks.
#[derive(Debug)]
pub struct Loaded {
    pub params: Params,
    document: Document,
}

/// Reads `path` and applies `sets` in order. Reads the blocks of all tasks, so that an error in any of them
/// is reported whichever task runs.
///
/// # Errors
/// A file that cannot be read or is written for another version, an unknown key, a value of a wrong type.
pub fn load(path: &Path, sets: &[Set], blocks: &[TaskBlock]) -> Result<Loaded, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    parse(path, &text, sets, blocks)
}

fn parse(path: &Path, text: &str, sets: &[Set], blocks: &[TaskBlock]) -> Result<Loaded, Error> {
    let mut document = Document::parse(path, text)?;
    // The version first: another version may have other keys.
    check_version(&document)?;
    for set in sets {
        document.set(set);
    }
    check_version(&document)?;
    let known: Vec<&str> = COMMON_KEYS
        .into_iter()
        .chain(blocks.iter().map(|block| block.key))
        .collect();
    document.check_keys(&known)?;
    for block in blocks {
        (block.read)(&document, block.key)?;
    }
    let params = Params {
        seed: document.get("seed")?.unwrap_or(SEED),
        validate: document.get("validate")?.unwrap_or_default(),
    };
    Ok(Loaded { params, document })
}

fn check_version(document: &Document) -> Result<(), Error> {
    let Some(node) = document.node("easylife") else {
        return Err(document.error_at(
            None,
            format!(
                "the key `easylife` is missing; add the version that the file was written for, \
                easylife: \"{VERSION}\""
            ),
        ));
    };
    let Data::Str(version) = &node.data else {
        let reason = format!("`easylife` must be a version in quotes: easylife: \"{VERSION}\"");
        return Err(document.error_at(Some(node.at), reason));
    };
    let line: Vec<&str> = version.splitn(3, '.').take(2).collect();
    if line.join(".") == VERSION {
        return Ok(());
    }
    let reason = format!(
        "written for easylife {version}, but this is {}; read CHANGELOG.md, then set \
         easylife: \"{VERSION}\"",
        env!("CARGO_PKG_VERSION")
    );
    Err(document.error_at(Some(node.at), reason))
}

impl Loaded {
    /// The block `key` as written; missing values have their defaults.
    ///
    /// # Errors
    /// A value of a wrong type; none if the block was among those given to [`load`].
    pub fn block<B: DeserializeOwned + Default>(&self, key: &str) -> Result<B, Error> {
        Ok(self.document.get(key)?.unwrap_or_default())
    }

    /// Whether the file or a `-S` has the block `key`.
    pub fn has(&self, key: &str) -> bool {
        self.document.node(key).is_some()
    }

    /// Adds to an error about a value the place where the value was given.
    pub fn blame(&self, invalid: Invalid) -> Error {
        let keys: Vec<&str> = invalid.key.split('.').collect();
        self.document.refuse(&keys, &invalid.reason)
    }
}

/// "did you mean `x`? " if a known word is close, otherwise empty.
pub fn near_miss(got: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(got, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map_or(String::new(), |(_, word)| {
            format!("did you mean `{word}`? ")
        })
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;

    /// A task's block, as good as any.
    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    #[schemars(!default)]
    struct Block {
        split: Split,
        label: String,
    }

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    #[schemars(!default)]
    struct Split {
        test: f64,
        train: f64,
    }

    fn loaded(text: &str, sets: &[&str]) -> Result<Loaded, Error> {
        let sets: Vec<Set> = sets.iter().map(|s| s.parse().unwrap()).collect();
        let blocks = [TaskBlock::of::<Block>("nlp"), TaskBlock::of::<Block>("ts")];
        parse(Path::new("params.yaml"), text, &sets, &blocks)
    }

    fn refused(text: &str, sets: &[&str]) -> String {
        loaded(text, sets).expect_err("must be refused").to_string()
    }

    fn head(rest: &str) -> String {
        format!("easylife: \"{VERSION}\"\n{rest}")
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_suggestion() {
        assert_eq!(
            refused(&head("nlp:\n  split:\n    tst: 0.5\n"), &[]),
            "params.yaml:4:5: unknown key `tst` in `nlp.split`; did you mean `test`? expected one of test, train"
        );
        assert_eq!(
            refused(&head("sed: 1\n"), &[]),
            "params.yaml:2:1: unknown key `sed`; did you mean `seed`? expected one of easylife, seed, \
             validate, nlp, ts"
        );
        assert!(!refused(&head("qqqqqq: 1\n"), &[]).contains("did you mean"));
    }

    #[test]
    fn a_wrong_type_is_named_with_its_place() {
        assert_eq!(
            refused(&head("nlp:\n  split: {test: lots}\n"), &[]),
            "params.yaml:3:17: nlp.split.test: invalid type: string \"lots\", expected f64"
        );
        let message = refused(&head("seed: -1\n"), &[]);
        assert!(message.starts_with("params.yaml:2:7: seed: "), "{message}");
        let message = refused(&head("validate: {rows: many}\n"), &[]);
        assert!(
            message.starts_with("params.yaml:2:18: validate.rows: "),
            "{message}"
        );
    }

    #[test]
    fn what_no_parser_should_take_is_refused_with_its_place() {
        let message = refused(&head("seed: 1\nseed: 2\n"), &[]);
        assert_eq!(message, "params.yaml:3:1: the key \"seed\" is given twice");
        let message = refused(&head("nlp: [1\nts: 2\n"), &[]);
        assert!(message.starts_with("params.yaml:3:"), "{message}");
        let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
        for (of, name) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            bomb += &format!(
                "{name}: &{name} [{}]\n",
                vec![format!("*{of}"); 10].join(", ")
            );
        }
        assert!(refused(&head(&bomb), &[]).contains("too many values"));
    }

    #[test]
    fn another_version_is_refused_with_a_hint() {
        let message = refused("seed: 1\neasylife: \"0.9\"\n", &[]);
        assert!(
            message.starts_with("params.yaml:2:11: written for easylife 0.9"),
            "{message}"
        );
        assert!(refused("easylife: 0.1\n", &[]).contains("in quotes"));
        assert!(refused("seed: 1\n", &[]).contains("`easylife` is missing"));
        let message = refused("easylife: \"0.9\"\n", &["easylife='0.1'"]);
        assert!(message.starts_with("params.yaml:1:11: "), "{message}");
        let message = refused(&head(""), &["easylife='0.9'"]);
        assert!(
            message.starts_with("-S easylife='0.9': written for"),
            "{message}"
        );
    }

    #[test]
    fn set_wins_over_the_file_and_later_over_earlier() {
        let sets = ["seed=1", "nlp.split.test=0.5", "nlp.label=01", "seed=7"];
        let loaded = loaded(&head("seed: 3\nnlp: {split: {train: 0.25}}\n"), &sets).unwrap();
        assert_eq!(loaded.params.seed, 7);
        let block: Block = loaded.block("nlp").unwrap();
        assert_eq!((block.split.test, block.split.train), (0.5, 0.25));
        assert_eq!(block.label, "01");
        assert_eq!(loaded.block::<Block>("ts").unwrap().split.test, 0.0);
    }

    #[test]
    fn a_wrong_set_is_blamed_on_the_command_line() {
        assert_eq!(
            refused(&head(""), &["seed=1", "nlp.splitt.test=0.5"]),
            "-S nlp.splitt.test=0.5: unknown key `splitt` in `nlp`; did you mean `split`? expected \
            one of split, label"
        );
        assert!("nlp..test=1".parse::<Set>().is_err());
        assert!("nlp.test".parse::<Set>().is_err());
        assert!("nlp.test=[1".parse::<Set>().is_err());
    }

    #[test]
    fn a_value_out_of_range_is_blamed_on_its_line_or_its_flag() {
        let text = head("nlp:\n  split:\n    test: 1.5\n");
        let invalid = |key: &str| Invalid::new(key, "no share");
        let file = loaded(&text, &[]).unwrap();
        assert_eq!(
            file.blame(invalid("nlp.split.test")).to_string(),
            "params.yaml:4:11: nlp.split.test: no share"
        );
        assert_eq!(
            file.blame(invalid("nlp.split.train")).to_string(),
            "params.yaml:4:5: nlp.split.train: no share"
        );
        assert_eq!(
            file.blame(invalid("ts.split.test")).to_string(),
            "params.yaml: ts.split.test: no share"
        );
        let set = loaded(&text, &["nlp.split={test: 1.5}"]).unwrap();
        assert_eq!(
            set.blame(invalid("nlp.split.test")).to_string(),
            "-S nlp.split={test: 1.5}: nlp.split.test: no share"
        );
    }
}
