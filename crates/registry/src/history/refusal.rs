//! Why the registry refuses an event or a question.

use super::event::Direction;

/// A rule of the registry that stands against what was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A name or alias that cannot be one.
    #[error(
        "`{word}` cannot be {what}: use 1 to 64 of a-z, 0-9, `.`, `_`, `-`, beginning with a letter \
         or digit{}",
        if *.what == "an alias" { ", not only digits" } else { "" }
    )]
    Word {
        /// The word.
        word: String,
        /// What it was to be.
        what: &'static str,
    },
    /// Not the name of an alias.
    #[error("`{text}` is not NAME@ALIAS, such as nlp@champion")]
    Target {
        /// The text.
        text: String,
    },
    /// No model has this name.
    #[error("no model is named `{name}`; {}", known(.there, .nearest))]
    Name {
        /// The name.
        name: String,
        /// The names that exist.
        there: Vec<String>,
        /// The most similar one.
        nearest: Option<String>,
    },
    /// The model has no such version.
    #[error("{name} has no version {version}; its newest is {newest}")]
    Version {
        /// The model.
        name: String,
        /// The version.
        version: u64,
        /// Its newest version.
        newest: u64,
    },
    /// The alias points nowhere.
    #[error("{name} has no alias `{alias}`; {}", known(.there, .nearest))]
    Alias {
        /// The model.
        name: String,
        /// The alias.
        alias: String,
        /// The aliases that exist, with their versions.
        there: Vec<String>,
        /// The most similar one.
        nearest: Option<String>,
    },
    /// All versions of the model are retired.
    #[error("all versions of {name} are retired; name one by its number, or add a new one")]
    AllRetired {
        /// The model.
        name: String,
    },
    /// The version is retired.
    #[error("version {version} of {name} is retired ({note}); add it again to use it again")]
    Retired {
        /// The model.
        name: String,
        /// The version.
        version: u64,
        /// Why it was retired.
        note: String,
    },
    /// The file of the version was erased.
    #[error("the file of version {version} of {name} was erased ({note})")]
    Erased {
        /// The model.
        name: String,
        /// The version.
        version: u64,
        /// Why.
        note: String,
    },
    /// An alias points at the version.
    #[error(
        "version {version} of {name} is in use as {}; promote another version there first",
        .aliases.join(", ")
    )]
    InUse {
        /// The model.
        name: String,
        /// The version.
        version: u64,
        /// The aliases that point at it.
        aliases: Vec<String>,
    },
    /// The alias points there already.
    #[error("{name}@{alias} is version {version} already")]
    AlreadyThere {
        /// The model.
        name: String,
        /// The alias.
        alias: String,
        /// The version.
        version: u64,
    },
    /// There is nothing to roll back to.
    #[error("{name}@{alias} has no earlier version that is not retired; promote a version instead")]
    NothingBefore {
        /// The model.
        name: String,
        /// The alias.
        alias: String,
    },
    /// A version has no value of the metric that decides.
    #[error(
        "version {version} of {name} has no {metric} on record{}; evaluate it and record the \
         results, or promote without --if-better",
        if .recorded.is_empty() { String::new() } else { format!(" (only {})", .recorded.join(", ")) }
    )]
    NoMetric {
        /// The model.
        name: String,
        /// The version.
        version: u64,
        /// The metric.
        metric: String,
        /// The metrics on record.
        recorded: Vec<String>,
    },
    /// The value of the metric that decides is not a number.
    #[error(
        "the {metric} of version {version} of {name} is not a number; evaluate it again, or promote \
         without --if-better"
    )]
    NotANumber {
        /// The model.
        name: String,
        /// The version.
        version: u64,
        /// The metric.
        metric: String,
    },
    /// The version is not better than the one that is there.
    #[error(
        "not promoted: {metric} of version {version} of {name} is {ours}, that of version {current} \
         is {theirs}, and {direction} is better"
    )]
    NotBetter {
        /// The model.
        name: String,
        /// The version.
        version: u64,
        /// The version that the alias points at.
        current: u64,
        /// The metric.
        metric: String,
        /// Which way is better.
        direction: Direction,
        /// Its value for `version`.
        ours: f64,
        /// Its value for `current`.
        theirs: f64,
    },
    /// An event that was decided on another history.
    #[error("it does not fit the history before it: {reason}")]
    Stale {
        /// What does not fit.
        reason: String,
    },
}

/// "there are a, b; did you mean `a`?"
fn known(there: &[String], nearest: &Option<String>) -> String {
    let listed = match there {
        [] => "there are none yet".to_owned(),
        there => format!("there are: {}", there.join(", ")),
    };
    match nearest {
        Some(nearest) => format!("{listed}; did you mean `{nearest}`?"),
        None => listed,
    }
}

/// The word of `words` that is most similar to `word`, if any is similar at all.
pub(super) fn nearest<'a>(word: &str, words: impl Iterator<Item = &'a String>) -> Option<String> {
    const SIMILAR: f64 = 0.7;
    words
        .map(|known| (strsim::jaro_winkler(word, known), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.clone())
}

/// Checks a name or an alias.
pub(super) fn check_word(word: &str, what: &'static str) -> Result<(), Refusal> {
    const LENGTH: usize = 64;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let begins = word.chars().next().is_some_and(allowed);
    let goes_on = word.chars().all(|c| allowed(c) || "._-".contains(c));
    let number = what == "an alias" && word.chars().all(|c| c.is_ascii_digit());
    if begins && goes_on && !number && word.len() <= LENGTH {
        return Ok(());
    }
    let word = word.to_owned();
    Err(Refusal::Word { word, what })
}
