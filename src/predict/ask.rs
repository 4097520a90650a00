//! `easylife predict TASK INPUT...`: answers to what is named on the command line, for a person to read.
//!
//! The answers are those of the batch, bit for bit: they come from the same scorer. With an output the same
//! inputs are the records of a batch; nothing here is concerned then.

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

/// What a task answers to inputs named on the command line.
pub trait Ask: Predict {
    /// What an input is.
    const INPUT: Input;

    /// One answer.
    type Answer: fmt::Display + Serialize;

    /// An answer to each of `request.asked`, in order, or in words why there is none.
    ///
    /// # Errors
    /// What concerns all of them.
    fn answer(
        project: Option<&Project>,
        loaded: Loaded<Self>,
        request: &Request,
        talk: &Talk,
    ) -> Result<Vec<Result<Self::Answer, String>>>
    where
        Self: Sized;
}

/// What is named on the command line, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The thing itself.
    Text,
    /// A file that holds it.
    File,
    /// Its id in the model, which may also be given by a flag.
    Id {
        /// The flag.
        flag: &'static str,
        /// What it names.
        noun: &'static str,
    },
}

impl Input {
    /// How it is typed.
    pub fn example(self) -> String {
        match self {
            Input::Text => "\"a text\"".to_owned(),
            Input::File => "photo.jpg".to_owned(),
            Input::Id { flag, noun } => format!("{flag} {}", noun.to_uppercase()),
        }
    }

    /// How `explain` takes it.
    pub fn explained(self) -> String {
        match self {
            Input::Id { noun, .. } => noun.to_uppercase(),
            _ => self.example(),
        }
    }

    /// Refuses a file where a text or an id is expected, and a folder or a table where it is a photo.
    ///
    /// # Errors
    /// Whatever names the input of a batch.
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
            Input::Text if path.exists() => {
                format!(
                    "is {what}; {batch}. To score these very words, give them on stdin with `-i -`"
                )
            }
            Input::Id { flag, .. } if path.exists() => {
                format!("is {what}; {batch}. An id of that name is given by `{flag} {input}`")
            }
            Input::Text | Input::Id { .. } if is_table => {
                format!("looks like a file, and there is none of that name; {batch}")
            }
            _ => return Ok(()),
        };
        Err(exit::usage(format!("{given} {problem}")))
    }
}

/// Answers of one call.
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
    /// Exit code: without any answer the data are at fault; with some it is no full success.
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

/// The answers alone: why some are missing is said on stderr, from [`Answered::refusals`].
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

/// Answers `request.asked` by the model asked for.
///
/// # Errors
/// Options of another task, or of a batch; a model that cannot be loaded.
pub fn run<T: Ask>(
    project: Option<&Project>,
    request: &Request,
    talk: &Talk,
) -> Result<Answered<T::Answer>> {
    super::refuse_options_of_others::<T>(&request.options)?;
    refuse_options_of_a_batch(request)?;
    let loaded = task::load_model::<T>(project, request.model.as_deref())?;
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

/// What says how a file is written would be ignored.
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
            "{flag} is for a batch; name its output with `-o OUT`, or leave {flag} out"
        ))),
        None => Ok(()),
    }
}
