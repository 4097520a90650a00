//! `easylife explain`: the reasons for an answer.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::exit;
use crate::outcome::Outcome;
use crate::project::Project;
use crate::task::{self, Task};
use artifact::Header;
use files::atomic;

/// Explains the answer to an input.
pub type Explainer<'a> = Box<dyn Fn(&str) -> Result<Box<dyn Outcome>> + 'a>;

/// What a task implements for `explain`.
pub trait Explain: Task {
    /// What explains the answers of `model` by the `top` strongest reasons, made once for all inputs. Of the project
    /// only files are read that the model names.
    fn explainer<'a>(
        project: Option<&'a Project>,
        model: &'a Self::Model,
        header: &'a Header<Self::Details>,
        top: usize,
    ) -> Result<Explainer<'a>>;

    /// The same as a picture, a PNG file, if the task supports it.
    fn picture(_model: &Self::Model, _input: &str) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
}

/// The inputs to explain, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Empty: one per line on stdin.
    pub inputs: Vec<String>,
    /// Absent: the project's model.
    pub model: Option<PathBuf>,
    pub top: usize,
    /// Folder to write pictures into.
    pub pictures: Option<PathBuf>,
}

/// Explains each input and shows each explanation at once.
pub fn run<T: Explain>(
    project: Option<&Project>,
    request: &Request,
    show: &dyn Fn(&dyn Outcome) -> Result<()>,
) -> Result<()> {
    let task::Loaded { model, header, .. } =
        task::load_model::<T>(project, request.model.as_deref())?;
    let explainer = T::explainer(project, &model, &header, request.top)?;
    let explain = |input: &str| {
        let explanation = explainer(input)?;
        match &request.pictures {
            Some(folder) => {
                draw::<T>(&model, input, folder)?;
                // Even if stdout is closed, all pictures are written.
                show(explanation.as_ref()).or_else(|error| match exit::is_broken_pipe(&error) {
                    true => Ok(()),
                    false => Err(error),
                })
            }
            None => show(explanation.as_ref()),
        }
    };
    if !request.inputs.is_empty() {
        return request.inputs.iter().try_for_each(|input| explain(input));
    }
    for line in io::stdin().lock().lines() {
        explain(&line.context("stdin: cannot read a line of UTF-8 text")?)?;
    }
    Ok(())
}

/// Writes the picture of one explanation under the input's own name.
fn draw<T: Explain>(model: &T::Model, input: &str, folder: &Path) -> Result<()> {
    let picture = T::picture(model, input)?
        .ok_or_else(|| exit::usage(format!("{} has no pictures; remove --pictures", T::NAME)))?;
    let mut name = Path::new(input).file_name().unwrap_or_default().to_owned();
    name.push(".png");
    let path = folder.join(name);
    Ok(atomic::write(&path, |out| out.write_all(&picture))?)
}
