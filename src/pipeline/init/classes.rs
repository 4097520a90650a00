//! Which class each label or folder of a stranger's photos is: named by the caller, found by common words, or
//! asked for.

use anyhow::Result;

use super::own::{Ask, Chosen, Own};
use crate::classes::{self, ClassWords};
use crate::exit;
use crate::task::Task;
use tables::shown;

/// The answer to a question that leaves a label out.
const NONE: &str = "none of them";

/// Where labels come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Labels {
    /// Names of folders: those without a class are left out.
    Folders,
    /// Cells of a table: each must have a class.
    Cells,
}

/// The map of `labels` to the classes of `T`; nothing where it has none of its own, or all labels are its own
/// words.
///
/// # Errors
/// Where a class has no label, or a cell no class, and there is nobody to ask.
pub(super) fn find<T: Task>(
    own: &Own,
    labels: &[String],
    from: Labels,
    ask: Ask<'_>,
) -> Result<Option<Chosen>> {
    let Some(words) = T::CLASSES else {
        return match own.classes {
            None => Ok(None),
            Some(_) => Err(exit::usage(format!(
                "--classes: the classes of {} are its labels as they are",
                T::NAME
            ))),
        };
    };
    let (pairs, is_given) = match &own.classes {
        Some(text) => (given(own, words, text, labels, from)?, true),
        None => (guessed(own, words, labels, from, ask)?, false),
    };
    let is_known = |(label, _): &(String, String)| !is_given && (words.is_known)(label);
    if pairs.iter().all(is_known) {
        return Ok(None);
    }
    let pairs = pairs.iter();
    let map = classes::map(pairs.map(|(label, class)| (label.as_str(), class.as_str())));
    Ok(Some(Chosen::yaml(words.key, map, is_given)))
}

type Pairs = Vec<(String, String)>;

fn given(
    own: &Own,
    words: &ClassWords,
    text: &str,
    labels: &[String],
    from: Labels,
) -> Result<Pairs> {
    let pairs = words
        .parse(text)
        .map_err(|invalid| exit::usage(format!("{}: {}", invalid.key, invalid.reason)))?;
    if let Some((label, _)) = pairs.iter().find(|(label, _)| !labels.contains(label)) {
        return Err(exit::usage(format!(
            "{}: --classes names `{}`, which is not among the labels {}",
            own.source.display(),
            shown(label),
            listed(labels)
        )));
    }
    // Labels that are a class's own word need no entry.
    let known = labels.iter().filter(|label| (words.is_known)(label));
    let known = known.filter_map(|label| Some((label.clone(), words.guess(label)?.to_owned())));
    let all: Pairs = pairs.iter().cloned().chain(known).collect();
    match from == Labels::Folders && lacks_class(words, &all) {
        true => Err(exit::usage(format!(
            "{}: --classes leaves a class without a label; name one for each of {}, of the labels {}",
            own.source.display(),
            words.names().join(", "),
            listed(labels)
        ))),
        false => Ok(pairs),
    }
}

/// Whether no label means one of the classes.
fn lacks_class(words: &ClassWords, pairs: &Pairs) -> bool {
    let has = |class: &&str| pairs.iter().any(|(_, known)| known == class);
    !words.names().iter().all(has)
}

fn guessed(
    own: &Own,
    words: &ClassWords,
    labels: &[String],
    from: Labels,
    ask: Ask<'_>,
) -> Result<Pairs> {
    let mut pairs = Pairs::new();
    let mut unknown = Vec::new();
    for label in labels {
        match words.guess(label) {
            Some(class) => pairs.push((label.clone(), class.to_owned())),
            None => unknown.push(label),
        }
    }
    let mut choices = words.names();
    choices.push(NONE);
    for label in &unknown {
        let question = format!("Which class is `{}`?", shown(label));
        let answer = ask(&question, &choices);
        let may_be_left_out = from == Labels::Folders && !lacks_class(words, &pairs);
        match answer.as_deref() {
            Some(NONE) => {}
            Some(class) => pairs.push(((*label).clone(), class.to_owned())),
            None if may_be_left_out => {}
            None => return Err(exit::usage(unclear(own, words, labels))),
        }
    }
    // Labels that are all clear may lack a class: the first rows of a sorted table do, and `prepare` says so of
    // folders.
    match from == Labels::Folders && !unknown.is_empty() && lacks_class(words, &pairs) {
        true => Err(exit::usage(unclear(own, words, labels))),
        false => {
            pairs.sort();
            Ok(pairs)
        }
    }
}

fn unclear(own: &Own, words: &ClassWords, labels: &[String]) -> String {
    let classes = words.names();
    let labels: Vec<String> = labels.iter().map(|label| shown(label)).collect();
    let example = classes.iter().zip(&labels);
    let example: Vec<String> = example
        .map(|(class, label)| format!("{label}={class}"))
        .collect();
    format!(
        "{}: cannot tell which of {} is {}; name them, for example --classes \"{}\"",
        own.source.display(),
        labels.join(", "),
        classes.join(" and which "),
        example.join(",")
    )
}

fn listed(labels: &[String]) -> String {
    let labels: Vec<String> = labels.iter().map(|label| shown(label)).collect();
    labels.join(", ")
}
