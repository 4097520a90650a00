//! `easylife train`: fits a model to the prepared training part and saves it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::project::Project;
use crate::talk::Talk;
use crate::task::{self, Part, Task, record};
use artifact::{DataDigest, Header, Provenance, Signature};
use models::state::Stateful;
use registry::lineage::Named;
use registry::runs::Run;

/// What a task implements for `train`.
pub trait Train: Task {
    /// A summary of the fit.
    type Fit: fmt::Display + Serialize;

    /// Fits a model to the training part; every random choice depends on `seed`.
    fn fit(params: &Self::Params, seed: u64, data: Self::Data, talk: &Talk)
    -> Result<Fitted<Self>>;
}

/// A fitted model and what its file records about it.
pub struct Fitted<T: Train + ?Sized> {
    pub model: T::Model,
    pub fit: T::Fit,
    /// Number of training rows.
    pub rows: u64,
    /// Inputs and outputs of the model.
    pub signature: Signature,
    /// What the task adds to the header.
    pub details: T::Details,
}

/// A written model file.
#[derive(Serialize)]
pub struct Trained<F> {
    model: PathBuf,
    bytes: u64,
    rows: u64,
    #[serde(flatten)]
    fit: F,
    /// The training part.
    #[serde(skip)]
    data: Named,
}

impl<F> Trained<F> {
    /// Adds to the record of a run what was trained on what.
    ///
    /// # Errors
    /// A model that cannot be read.
    pub fn record(&self, project: &Project, run: &mut Run) -> Result<()> {
        run.digests.data = vec![self.data.clone()];
        run.digests.model = Some(Named {
            path: project.shown(&self.model),
            sha256: files::digest::file(&self.model)?,
            rows: None,
        });
        Ok(())
    }
}

impl<F: fmt::Display> fmt::Display for Trained<F> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "{}: {} rows, {}, {} bytes",
            self.model.display(),
            self.rows,
            self.fit,
            self.bytes
        )
    }
}

/// Trains `T` on `data/processed/T/train.csv` and saves the model.
pub fn run<T: Train>(project: &Project, talk: &Talk) -> Result<Trained<T::Fit>> {
    let record::Followed { params, said } =
        record::follow::<T>(project, record::DifferentParts::Refused)?;
    said.iter().for_each(|said| talk.note(said));
    let data = T::load(project, Part::Train, &params)?;
    let part = task::part_path::<T>(project, Part::Train)?;
    let sha256 = files::digest::file(&part)?;

    let seed = project.params().seed;
    let fitted = T::fit(&params, seed, data, talk)?;

    let state = fitted.model.into_state();
    let model = project.model(T::NAME);
    let header = Header {
        task: T::NAME.to_owned(),
        provenance: Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed,
            training: DataDigest {
                sha256: sha256.clone(),
                rows: fitted.rows,
            },
        },
        signature: fitted.signature,
        details: fitted.details,
    };
    artifact::save(&model, &header, state)?;
    let bytes = std::fs::metadata(&model)
        .with_context(|| format!("cannot read {}", model.display()))?
        .len();
    Ok(Trained {
        model,
        bytes,
        rows: fitted.rows,
        fit: fitted.fit,
        data: Named {
            path: project.shown(&part),
            sha256,
            rows: Some(fitted.rows),
        },
    })
}
