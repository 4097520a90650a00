//! Prints results on stdout, as text or as one JSON object; with `-q` only bad results.

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

/// The results of a verb, task by task. Text is shown as it comes. JSON is one object at the end: that of the
/// task, or for `all` tasks an object with a key per task.
pub struct Results<'a> {
    global: &'a Global,
    by_task: bool,
    collected: Vec<(&'static str, String)>,
}

impl<'a> Results<'a> {
    /// `by_task`: whether JSON has a key per task, as for `all`.
    pub fn new(global: &'a Global, by_task: bool) -> Self {
        Self {
            global,
            by_task,
            collected: Vec::new(),
        }
    }

    /// Shows the result of a task, or keeps it for the JSON. A closed stdout is not an error: the remaining
    /// tasks are still to be run.
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

    /// Prints the kept JSON and returns `ended`, how the verb ended. An error of the verb takes precedence over
    /// one of printing.
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
    /// Shows a result that was asked for, even with `-q`.
    pub fn show(&self, outcome: &dyn Outcome) -> Result<()> {
        let text = match self.json {
            true => outcome.json()? + "\n",
            false => plain(&outcome.to_string()).into_owned(),
        };
        print(text.as_bytes())
    }

    /// Shows what a verb did; with `-q` only bad results, because cron mails every output.
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
