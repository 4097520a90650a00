//! `easylife explain`: why this answer.

mod nlp;

use std::io::{self, BufRead};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::artifact;
use crate::models::state::Stateful;
use crate::outcome::Outcome;
use crate::project::Project;
use crate::task::{self, Task};

/// What a task says to be explained.
pub trait Explain: Task {
    /// Why `model` answers `input` as it does, with the `top` strongest reasons.
    fn explain(model: &Self::Model, input: &str, top: usize) -> Result<Box<dyn Outcome>>;
}

/// What is to be explained.
#[derive(Clone, Debug)]
pub struct Request {
    /// Empty: one a line on stdin.
    pub inputs: Vec<String>,
    /// Absent: the project's model.
    pub model: Option<PathBuf>,
    pub top: usize,
}

/// Explains each input, showing each explanation as it comes.
pub fn run<T: Explain>(
    project: Option<&Project>,
    request: &Request,
    show: &dyn Fn(&dyn Outcome) -> Result<()>,
) -> Result<()> {
    let path = task::model_path::<T>(project, request.model.as_deref())?;
    let (_, state) = artifact::load(&path, Some(T::NAME))?;
    let model = T::Model::from_state(&state).with_context(|| path.display().to_string())?;
    let explain = |input: &str| show(T::explain(&model, input, request.top)?.as_ref());
    if !request.inputs.is_empty() {
        return request.inputs.iter().try_for_each(|input| explain(input));
    }
    for line in io::stdin().lock().lines() {
        explain(&line.context("stdin: cannot read a line of UTF-8 text")?)?;
    }
    Ok(())
}
