//! `easylife predict TASK INPUT...`: answers to inputs on the command line, for a person to read.
//!
//! The answers equal those of a batch, bit for bit: they come from the same scorer. With an output file the
//! inputs are the records of a batch instead, which does not use this module.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::{Predict, Request};
use crate::exit::{self, Exit};
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{self, Loaded};
use tables::Format;

/// Answers a task to inputs on the command line.
pub trait Ask: Predict {
    /// The kind of input.
    const INPUT: Input;

    /// One answer.
    type Answer: fmt::Display + Serialize;

    /// Answers each of `request.asked`, in order, or says why it has no answer.
    ///
    /// # Errors
    /// An error that concerns all of them.
    fn answer(
        project: Option<&Project>,
        loaded: Loaded<Self>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Vec<Result<Self::Answer, String>>>
    where
        Self: Sized;
}

/// The kind of input that a task takes on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The input itself.
    Text,
    /// A row: `column=value,...`, or an object of JSON.
    Row,
    /// A file that holds the input.
    File,
    /// An id known to the model, which may also be given by a flag.
    Id {
        /// The flag.
        flag: &'static str,
        /// What the id identifies.
        noun: &'static str,
    },
}

impl Input {
    /// An example argument.
    pub fn example(self) -> String {
        match self {
            Input::Text => "\"a text\"".to_owned(),
            Input::Row => "'age=41,plan=basic'".to_owned(),
            Input::File => "photo.jpg".to_owned(),
            Input::Id { flag, noun } => format!("{flag} {}", noun.to_uppercase()),
        }
    }

    /// An example argument of `explain`.
    pub fn explain_example(self) -> String {
        match self {
            Input::Id { noun, .. } => noun.to_uppercase(),
            _ => self.example(),
        }
    }

    /// Refuses a file if a text or an id is expected, and a folder or a table if a photo is expected.
    ///
    /// # Errors
    /// An argument that is likely meant as the input of a batch.
    pub fn check(self, given: &str) -> Result<()> {
        let path = Path::new(given);
        let is_table = Format::of_path(path).is_some() && !given.contains(char::is_whitespace);
        let input = match given.contains(|c: char| c.is_whitespace() || "*?[".contains(c)) {
            true => format!("'{given}'"),
            false => given.to_owned(),
        };
        let batch = format!("did you mean `-i {input}`? (a batch: `-i {input} -o OUT`)");
        let what = match path.is_dir() {
            true => "a folder",
            false => "a file",
        };
        let problem = match self {
            Input::File if path.is_dir() => format!("is a folder, not a photo; {batch}"),
            Input::File if is_table => format!("is a table, not a photo; {batch}"),
            Input::File if !path.exists() && given.contains(['*', '?', '[']) => {
                format!("is a pattern, not a photo; {batch}")
            }
            Input::Row if path.exists() => format!("is {what}; {batch}"),
            Input::Text if path.exists() => {
                format!(
                    "is {what}; {batch}. To score its name as a text, pass the text on stdin with `-i -`"
                )
            }
            Input::Id { flag, .. } if path.exists() => {
                format!("is {what}; {batch}. To use its name as an id, write `{flag} {input}`")
            }
            Input::Text | Input::Row | Input::Id { .. } if is_table => {
                format!("looks like a file name, but there is no such file; {batch}")
            }
            _ => return Ok(()),
        };
        Err(exit::usage(format!("{given} {problem}")))
    }
}

/// The answers of one call.
#[derive(Serialize)]
pub struct Answered<A> {
    task: &'static str,
    answers: Vec<Entry<A>>,
}

/// An answer, or why there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<A> {
    Answer(A),
    Refused { input: String, error: String },
}

impl<A> Answered<A> {
    /// The exit code: [`Exit::Data`] without any answer, [`Exit::Partial`] if some are missing.
    pub fn exit(&self) -> Exit {
        match self.refusals().count() {
            0 => Exit::Done,
            all if all == self.answers.len() => Exit::Data,
            _ => Exit::Partial,
        }
    }

    /// Inputs without an answer, and why.
    pub fn refusals(&self) -> impl Iterator<Item = String> {
        self.answers.iter().filter_map(|entry| match entry {
            Entry::Answer(_) => None,
            Entry::Refused { input, error } => Some(format!("{}: {error}", tables::shown(input))),
        })
    }
}

/// The answers only; the reasons for missing ones go to stderr, from [`Answered::refusals`].
impl<A: fmt::Display> fmt::Display for Answered<A> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let answers = self.answers.iter().filter_map(|entry| match entry {
            Entry::Answer(answer) => Some(answer),
            Entry::Refused { .. } => None,
        });
        for (index, answer) in answers.enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            answer.fmt(f)?;
        }
        Ok(())
    }
}

/// Answers `request.asked` with the requested model.
///
/// # Errors
/// Options of another task or of a batch; a model that cannot be loaded.
pub fn run<T: Ask>(
    project: Option<&Project>,
    request: &Request,
    talk: &Talk,
) -> Result<Answered<T::Answer>> {
    super::refuse_options_of_others::<T>(&request.options)?;
    refuse_options_of_a_batch(request)?;
    let loaded = task::load_model::<T>(project, request.model.as_ref())?;
    talk.detail(format!("{}: {}", loaded.name, loaded.header.provenance));
    let answers = T::answer(project, loaded, request, talk)?;
    let entry = |(input, answer): (&String, Result<T::Answer, String>)| match answer {
        Ok(answer) => Entry::Answer(answer),
        Err(error) => Entry::Refused {
            input: input.clone(),
            error,
        },
    };
    Ok(Answered {
        task: T::NAME,
        answers: request.asked.iter().zip(answers).map(entry).collect(),
    })
}

/// Refuses options of a batch, which would be ignored.
fn refuse_options_of_a_batch(request: &Request) -> Result<()> {
    let lists = &request.options.lists;
    let flags = [
        ("--resume", request.resume),
        ("--wait", request.wait),
        ("--format", request.format.is_some()),
        ("--on-error", request.on_error.is_some()),
        ("--users", lists.users.is_some()),
        ("--similar", lists.similar.is_some()),
    ];
    match flags.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(exit::usage(format!(
            "{flag} is an option of batches; add an output with `-o OUT`, or remove {flag}"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Input = Input::Id {
        flag: "--user",
        noun: "user",
    };

    fn refused(input: Input, given: &str) -> String {
        format!("{:#}", input.check(given).unwrap_err())
    }

    #[test]
    fn a_table_is_meant_as_a_batch() {
        for input in [Input::Text, ID] {
            assert_eq!(
                refused(input, "new.csv"),
                "new.csv looks like a file name, but there is no such file; did you mean `-i new.csv`? (a batch: \
                 `-i new.csv -o OUT`)"
            );
            assert!(input.check("is new.csv good?").is_ok(), "a sentence");
        }
        assert!(refused(Input::File, "new.csv").starts_with("new.csv is a table, not a photo; "));
        assert!(refused(Input::File, "photos/*.jpg").contains("-i 'photos/*.jpg'"));
    }

    #[test]
    fn a_file_where_none_is_expected_is_told_with_the_way_around() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().to_str().unwrap().to_owned();
        assert!(refused(Input::Text, &there).contains("is a folder; did you mean `-i "));
        assert!(refused(ID, &there).ends_with(&format!("write `--user {there}`")));
        assert!(refused(Input::File, &there).contains("is a folder, not a photo"));
        let photo = folder.path().join("a b.jpg");
        std::fs::write(&photo, b"x").unwrap();
        let photo = photo.to_str().unwrap();
        assert!(Input::File.check(photo).is_ok());
        let text = refused(Input::Text, photo);
        assert!(
            text.contains("is a file; ") && text.contains(&format!("-i '{photo}'")),
            "{text}"
        );
    }

    #[test]
    fn what_no_file_is_may_be_anything() {
        for given in ["", "u17", "a.b", "-1"] {
            assert!(
                ID.check(given).is_ok() && Input::Text.check(given).is_ok(),
                "{given}"
            );
        }
        assert!(
            Input::File.check("missing.jpg").is_ok(),
            "told when it is read"
        );
    }

    #[test]
    fn the_exit_code_counts_refusals() {
        let answered = |answers: &[bool]| Answered {
            task: "toy",
            answers: { answers.iter() }
                .map(|&good| match good {
                    true => Entry::Answer("yes"),
                    false => Entry::Refused {
                        input: "a\u{1b}".to_owned(),
                        error: "unknown".to_owned(),
                    },
                })
                .collect(),
        };
        assert_eq!(answered(&[true, true]).exit(), Exit::Done);
        assert_eq!(answered(&[true, false]).exit(), Exit::Partial);
        assert_eq!(answered(&[false, false]).exit(), Exit::Data);
        assert_eq!(answered(&[]).exit(), Exit::Done);
        let some = answered(&[true, false, true]);
        assert_eq!(some.to_string(), "yes\nyes");
        let refusals: Vec<String> = some.refusals().collect();
        assert!(
            refusals[0].ends_with(": unknown") && !refusals[0].contains('\u{1b}'),
            "{refusals:?}"
        );
        let json = serde_json::to_string(&answered(&[true])).unwrap();
        assert_eq!(json, r#"{"task":"toy","answers":["yes"]}"#);
    }
}
