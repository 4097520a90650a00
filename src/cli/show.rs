//! Results on stdout: as text or as one JSON object, all of them or, with `-q`, only those that are not as
//! hoped.

use std::io::{self, Write};

use anyhow::{Context, Result};

use super::args::Global;
use crate::exit;
use crate::outcome::Outcome;
use crate::talk::plain;

/// Whether a result ends the run with exit code 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    Bad,
}

impl Verdict {
    pub fn of(is_fine: bool) -> Self {
        match is_fine {
            true => Self::Fine,
            false => Self::Bad,
        }
    }
}

/// The results of a verb, task by task. As text each is shown as it comes; as JSON they are one object at the
/// end: that of the task, or for `all` one with a key a task.
pub struct Results<'a> {
    global: &'a Global,
    by_task: bool,
    collected: Vec<(&'static str, String)>,
}

impl<'a> Results<'a> {
    /// `by_task`: for `all` tasks.
    pub fn new(global: &'a Global, by_task: bool) -> Self {
        Self {
            global,
            by_task,
            collected: Vec::new(),
        }
    }

    /// Shows or keeps the result of a task. That nobody reads the text any more is no reason to stop.
    pub fn add(
        &mut self,
        task: &'static str,
        outcome: &dyn Outcome,
        verdict: Verdict,
    ) -> Result<()> {
        if self.global.json {
            self.collected.push((task, outcome.json()?));
            return Ok(());
        }
        let shown = self.global.show_result(outcome, verdict);
        shown.or_else(|error| match exit::is_broken_pipe(&error) {
            true => Ok(()),
            false => Err(error),
        })
    }

    /// Shows what was kept; `ended` is how the verb ended, which has the last word.
    pub fn end<T>(self, ended: Result<T>) -> Result<T> {
        if !self.collected.is_empty() {
            let objects = self.collected.iter();
            let text = match self.by_task {
                false => objects.map(|(_, object)| object.clone()).collect(),
                true => {
                    let entries: Vec<String> = objects
                        .map(|(task, object)| format!("\"{task}\":{object}"))
                        .collect();
                    format!("{{{}}}", entries.join(","))
                }
            };
            let printed = print((text + "\n").as_bytes());
            if ended.is_ok() {
                printed?;
            }
        }
        ended
    }
}

impl Global {
    /// Shows what was asked for on stdout, `-q` or not.
    pub fn show(&self, outcome: &dyn Outcome) -> Result<()> {
        let text = match self.json {
            true => outcome.json()? + "\n",
            false => plain(&outcome.to_string()).into_owned(),
        };
        print(text.as_bytes())
    }

    /// Shows what a verb did; with `-q` only what is bad: cron mails whatever is said.
    pub fn show_result(&self, outcome: &dyn Outcome, verdict: Verdict) -> Result<()> {
        match self.quiet && !self.json && verdict == Verdict::Fine {
            true => Ok(()),
            false => self.show(outcome),
        }
    }
}

pub fn print(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)
        .and_then(|()| out.flush())
        .context("cannot write stdout")
}
