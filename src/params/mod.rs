//! `params.yaml`, with `-S key=value` on top, into typed and checked blocks.
//!
//! Two steps, as ripgrep's low and high arguments: serde reads the file into blocks that refuse
//! unknown keys; each block's `check` turns it into options that can be used. No YAML value travels
//! deeper. Paths are resolved by `project`, not here.

pub mod choice;
pub(crate) mod data;
pub mod gate;
mod locate;
mod set;
pub mod validate;
pub mod yaml;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use set::Set;

/// The release line that this binary's parameters belong to: `major.minor`.
pub const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION_MAJOR"),
    ".",
    env!("CARGO_PKG_VERSION_MINOR")
);

/// The whole file, as written. One block a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The version it was written for, `major.minor`.
    pub easylife: String,
    /// Every random choice starts here.
    #[serde(default = "default_seed")]
    pub seed: u64,
    #[serde(default)]
    pub validate: validate::Block,
    #[serde(default)]
    pub nlp: crate::tasks::nlp::params::Block,
    #[serde(default)]
    pub cv: crate::tasks::cv::params::Block,
    #[serde(default)]
    pub recsys: crate::tasks::recsys::params::Block,
    #[serde(default)]
    pub ts: crate::tasks::ts::params::Block,
}

fn default_seed() -> u64 {
    42
}

/// A value that cannot be used: where it stands and why.
#[derive(Clone, Debug)]
pub struct Invalid {
    /// Keys from the top, joined by dots: `nlp.split.test`.
    pub key: String,
    /// What is wrong and what would be right.
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

/// Refuses `key` with `reason` unless `holds`.
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

/// Why parameters were refused. Every message starts with the place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // Not named `source`: it is part of the message, and a chain would say it again.
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

/// The parameters of a run, and the text they came from, so that a complaint can point into it.
#[derive(Debug)]
pub struct Loaded {
    pub params: Params,
    path: PathBuf,
    text: String,
    sets: Vec<Set>,
}

/// Reads `path` and lays `sets` over it, in order.
pub fn load(path: &Path, sets: &[Set]) -> Result<Loaded, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    parse(path, text, sets)
}

fn parse(path: &Path, text: String, sets: &[Set]) -> Result<Loaded, Error> {
    let refuse = |error: &serde_yaml::Error| Error::Refused {
        place: place(path, error.location().map(|l| (l.line(), l.column()))),
        reason: reason(&error.to_string()),
    };
    check_version(path, &text)?;
    let mut params: Params = serde_yaml::from_str(&text).map_err(|e| refuse(&e))?;
    if !sets.is_empty() {
        let mut tree = serde_yaml::from_str(&text).map_err(|e| refuse(&e))?;
        for set in sets {
            params = set.apply(&mut tree)?;
        }
        demand_version(&params.easylife, || set::PLACE.to_owned())?;
    }
    Ok(Loaded {
        params,
        path: path.to_owned(),
        text,
        sets: sets.to_vec(),
    })
}

/// The version comes first: keys of another version are not this binary's to judge.
fn check_version(path: &Path, text: &str) -> Result<(), Error> {
    let Ok(tree) = serde_yaml::from_str::<serde_yaml::Value>(text) else {
        return Ok(()); // the typed reading names the place
    };
    let at = || place(path, locate::key(text, "easylife"));
    match tree.get("easylife") {
        Some(serde_yaml::Value::String(version)) => demand_version(version, at),
        Some(_) => Err(Error::Refused {
            place: at(),
            reason: format!("`easylife` is a version in quotes: easylife: \"{VERSION}\""),
        }),
        None => Err(Error::Refused {
            place: path.display().to_string(),
            reason: format!(
                "the key `easylife` is missing: say which version the file was written for, \
                 easylife: \"{VERSION}\""
            ),
        }),
    }
}

fn demand_version(version: &str, place: impl FnOnce() -> String) -> Result<(), Error> {
    let line: Vec<&str> = version.splitn(3, '.').take(2).collect();
    if line.join(".") == VERSION {
        return Ok(());
    }
    Err(Error::Refused {
        place: place(),
        reason: format!(
            "written for easylife {version}, but this is {}; read CHANGELOG.md, then set \
             easylife: \"{VERSION}\"",
            env!("CARGO_PKG_VERSION")
        ),
    })
}

impl Loaded {
    /// Points a complaint about a value at where the value was given.
    pub fn blame(&self, invalid: Invalid) -> Error {
        let set = self.sets.iter().rev().find(|set| set.covers(&invalid.key));
        Error::Refused {
            place: match set {
                Some(set) => set.to_string(),
                None => place(&self.path, locate::key(&self.text, &invalid.key)),
            },
            reason: format!("{}: {}", invalid.key, invalid.reason),
        }
    }
}

fn place(path: &Path, at: Option<(usize, usize)>) -> String {
    match at {
        Some((line, column)) => format!("{}:{line}:{column}", path.display()),
        None => path.display().to_string(),
    }
}

/// serde's words, in ours: an unknown key gets its block and the nearest known one.
fn reason(message: &str) -> String {
    let message = message
        .rfind(" at line ")
        .map_or(message, |end| &message[..end]);
    let Some((block, rest)) = message.split_once("unknown field ") else {
        return message.to_owned();
    };
    // serde writes: `got`, expected one of `a`, `b`
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let got = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let block = block.trim_end_matches([':', ' ']);
    let within = if block.is_empty() {
        String::new()
    } else {
        format!(" in `{block}`")
    };
    format!(
        "unknown key `{got}`{within}; {}keys here: {}",
        near_miss(got, &known),
        known.join(", ")
    )
}

/// "did you mean `x`? " where a known word is close, otherwise nothing.
fn near_miss(got: &str, known: &[&str]) -> String {
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
    use super::*;

    fn refused(text: &str, sets: &[&str]) -> String {
        let sets: Vec<Set> = sets.iter().map(|s| s.parse().unwrap()).collect();
        parse(Path::new("params.yaml"), text.to_owned(), &sets)
            .expect_err("must be refused")
            .to_string()
    }

    fn head(rest: &str) -> String {
        format!("easylife: \"{VERSION}\"\n{rest}")
    }

    /// Apart from what suits the sample data: the gates, and that demand is never negative.
    #[test]
    fn the_file_that_init_writes_says_the_defaults() {
        let read = |text: &str| {
            let params: Params = serde_yaml::from_str(text).unwrap();
            let mut params = serde_json::to_value(params).unwrap();
            for task in crate::tasks::ALL {
                params[task.as_str()]["gate"].take();
            }
            params["ts"]["model"]["nonnegative"].take();
            params
        };
        let written = read(include_str!("../../params.yaml"));
        assert_eq!(written, read(&head("")));
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_suggestion() {
        assert_eq!(
            refused(&head("nlp:\n  features:\n    ngram: [1, 2]\n"), &[]),
            "params.yaml:4:5: unknown key `ngram` in `nlp.features`; did you mean `ngrams`? keys \
             here: ngrams, negation, characters, stop_words, min_df, max_df, max_features, sublinear, lowercase"
        );
        assert!(refused(&head("sed: 1\n"), &[]).contains("did you mean `seed`?"));
        assert!(!refused(&head("qqqqqq: 1\n"), &[]).contains("did you mean"));
    }

    #[test]
    fn a_wrong_type_is_named_with_its_place() {
        let message = refused(&head("nlp:\n  split: {test: lots}\n"), &[]);
        assert!(
            message.starts_with("params.yaml:3:17: nlp.split.test: "),
            "{message}"
        );
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        let message = refused(&head("seed: 1\nseed: 2\n"), &[]);
        assert!(message.contains("seed"), "{message}");
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
    }

    #[test]
    fn set_wins_over_the_file_and_later_over_earlier() {
        let sets: Vec<Set> = ["seed=1", "nlp.split.test=0.5", "seed=7"]
            .iter()
            .map(|s| s.parse().unwrap())
            .collect();
        let loaded = parse(Path::new("p"), head("seed: 3\n"), &sets).unwrap();
        assert_eq!(loaded.params.seed, 7);
        assert_eq!(loaded.params.nlp.split.test, 0.5);
    }

    #[test]
    fn a_wrong_set_is_blamed_on_the_command_line() {
        assert_eq!(
            refused(&head(""), &["nlp.splitt.test=0.5"]),
            "-S nlp.splitt.test=0.5: unknown key `splitt` in `nlp`; did you mean `split`? keys \
             here: sample, data, split, features, model, eval, gate"
        );
    }

    #[test]
    fn a_value_out_of_range_is_blamed_on_its_line_or_its_flag() {
        let text = head("nlp:\n  split:\n    test: 1.5\n");
        let loaded = parse(Path::new("params.yaml"), text.clone(), &[]).unwrap();
        let invalid = loaded.params.nlp.check().expect_err("1.5 is no share");
        assert_eq!(
            loaded.blame(invalid.clone()).to_string(),
            "params.yaml:4:11: nlp.split.test: 1.5 is not a share of at least 0 and below 1"
        );
        let sets = ["nlp.split={test: 1.5}".parse().unwrap()];
        let loaded = parse(Path::new("params.yaml"), text, &sets).unwrap();
        let message = loaded.blame(invalid).to_string();
        assert!(
            message.starts_with("-S nlp.split={test: 1.5}: nlp.split.test"),
            "{message}"
        );
    }
}
