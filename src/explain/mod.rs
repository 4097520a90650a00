//! `easylife explain`: the reasons for an answer.

#[cfg(test)]
mod tests;

use std::io::{self, BufRead};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::exit;
use crate::outcome::Outcome;
use crate::project::Project;
use crate::task::{self, ModelRef, Task};
use artifact::Header;
use files::atomic;

/// Explains the answer to an input.
pub type Explainer<'a> = Box<dyn Fn(&str) -> Result<Box<dyn Outcome>> + 'a>;

/// What a task implements for `explain`.
pub trait Explain: Task {
    /// The flags of [`How`] that mean something for this task.
    const OPTIONS: &'static [&'static str] = &[];

    /// What explains the answers of `model`, made once for all inputs. Of the project only files are read that the
    /// model names, or `how`.
    fn explainer<'a>(
        project: Option<&'a Project>,
        model: &'a Self::Model,
        header: &'a Header<Self::Details>,
        how: &How,
    ) -> Result<Explainer<'a>>;

    /// The same as a picture, a PNG file, if the task supports it.
    fn picture(_model: &Self::Model, _input: &str) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
}

/// How explanations come about.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// Number of reasons to show, the strongest first.
    pub top: usize,
    /// Absent: exactly.
    pub method: Option<Method>,
    /// A table of rows to compare with. Absent: the rows that the model was trained on.
    pub background: Option<PathBuf>,
    /// How many of its rows are drawn. Absent: [`BACKGROUND_ROWS`].
    pub background_rows: Option<NonZeroUsize>,
}

/// Rows of the background that are drawn by default.
pub const BACKGROUND_ROWS: NonZeroUsize = NonZeroUsize::new(100).unwrap();

/// How contributions are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exactly; they add to the margin of an average row.
    Exact,
    /// Exactly; they add to the mean margin of background rows.
    Interventional,
    /// From answers to mixed rows (Kernel SHAP), of what is answered itself.
    Kernel,
    /// By a linear model near the row (LIME), of what is answered itself.
    Lime,
}

impl How {
    /// The flags that are given.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        let flags = [
            ("--method", self.method.is_some()),
            ("--background", self.background.is_some()),
            ("--background-rows", self.background_rows.is_some()),
        ];
        flags
            .into_iter()
            .filter_map(|(flag, given)| given.then_some(flag))
    }
}

/// The inputs to explain, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Empty: one per line on stdin.
    pub inputs: Vec<String>,
    /// Absent: the project's model.
    pub model: Option<ModelRef>,
    pub how: How,
    /// Folder to write pictures into.
    pub pictures: Option<PathBuf>,
}

/// Explains each input and shows each explanation at once.
pub fn run<T: Explain>(
    project: Option<&Project>,
    request: &Request,
    show: &dyn Fn(&dyn Outcome) -> Result<()>,
) -> Result<()> {
    let others = |flag: &&str| !T::OPTIONS.contains(flag);
    if let Some(flag) = request.how.given().find(others) {
        return Err(exit::usage(format!(
            "{flag} is not an option of `explain {}`; remove it",
            T::NAME
        )));
    }
    let task::Loaded { model, header, .. } =
        task::load_model::<T>(project, request.model.as_ref())?;
    let explainer = T::explainer(project, &model, &header, &request.how)?;
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
