//! `easylife sample`: writes seeded sample data into `data/raw/TASK`.
//!
//! A manifest in that folder lists the written files, so that no other file is ever overwritten.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::exit;
use crate::project::Project;
use crate::task::{self, Task};
use files::atomic;

/// The manifest of the files written by `sample`.
const MANIFEST: &str = "SAMPLE.json";

/// Writes the file of the sample with this name. Several threads call it at the same time.
pub type Writer<'a> = Box<dyn Fn(&str, &mut dyn Write) -> io::Result<()> + Sync + 'a>;

/// What a task implements for `sample`.
pub trait Sample: Task {
    /// Names of the files that [`Sample::write`] can write.
    const FILES: &'static [&'static str];

    /// The same, if their number depends on the parameters or on the folder `from`.
    ///
    /// # Errors
    /// If the task makes no sample from a folder, or if the folder is empty.
    fn files(_params: &Self::Params, from: Option<&Path>) -> Result<Vec<String>> {
        match from {
            Some(_) => Err(exit::usage(format!(
                "the sample of {} is not made from files; remove --from",
                Self::NAME
            ))),
            None => Ok(Self::FILES.iter().map(|&name| name.to_owned()).collect()),
        }
    }

    /// The writer of files made from the folder `from`.
    ///
    /// # Errors
    /// If the folder cannot be read.
    fn writer_from<'a>(params: &'a Self::Params, seed: u64, _from: &'a Path) -> Result<Writer<'a>> {
        Ok(Box::new(move |name, out| {
            Self::write(params, seed, name, out)
        }))
    }

    /// Writes the file `name`: the same bytes for the same parameters and seed.
    fn write(params: &Self::Params, seed: u64, name: &str, out: &mut dyn Write) -> io::Result<()>;
}

#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    /// Explains the folder to people.
    note: String,
    /// Files being written by a running or interrupted run: ours, whatever their content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    writing: Vec<String>,
    /// SHA-256 of each file.
    files: BTreeMap<String, String>,
}

/// Number of files written in parallel, between two updates of the manifest.
const FILES_PER_UPDATE: usize = 32;

/// The written files.
#[derive(Serialize)]
pub struct Sampled {
    files: Vec<PathBuf>,
}

/// Up to this many files are listed; more are counted.
const FILES_LISTED: usize = 8;

impl fmt::Display for Sampled {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for files in self.files.chunk_by(|a, b| a.parent() == b.parent()) {
            match files[0].parent() {
                Some(folder) if files.len() > FILES_LISTED => {
                    writeln!(f, "{}: {} files", folder.display(), files.len())?;
                }
                _ => (files.iter()).try_for_each(|path| writeln!(f, "{}", path.display()))?,
            }
        }
        Ok(())
    }
}

/// A sample that a project does not use, since it has its own data.
#[derive(Clone, Debug)]
pub struct Unused {
    pub task: &'static str,
    /// The value of `TASK.data.source`.
    pub source: String,
    /// Commands that would make the sample.
    pub commands: Vec<String>,
}

/// The sample of `T`, if the project does not use it as data.
pub fn unused<T: Sample>(project: &Project) -> Result<Option<Unused>> {
    let params = task::params::<T>(project)?;
    let source = project.path(T::raw_data(&params).source);
    let folder = project.raw(T::NAME);
    let is_sample = T::files(&params, None)?.iter().any(|file| {
        is_within(&folder.join(file), &source) && source.components().ne(folder.components())
    });
    Ok((!is_sample).then(|| Unused {
        task: T::NAME,
        source: T::raw_data(&params).source.to_owned(),
        commands: ["", " --as-source"]
            .map(|flag| format!("easylife sample {}{flag}", T::NAME))
            .into(),
    }))
}

/// Whether `file` is `folder` or in it, even if one path is absolute and the other relative.
fn is_within(file: &Path, folder: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute(file).starts_with(absolute(folder))
}

/// Writes the sample data of `T`; `as_source`: only if the project uses them as data.
pub fn run<T: Sample>(project: &Project, from: Option<&Path>, as_source: bool) -> Result<Sampled> {
    if as_source && let Some(Unused { task, source, .. }) = unused::<T>(project)? {
        return Err(exit::usage(format!(
            "no sample is made: {task}.data.source is {source}, not the sample; delete the line of {task} \
            under `sample` in dvc.yaml, and set {task}.predict.input in params.yaml to the file to score \
            (`easylife repro` leaves the stage out by itself)"
        )));
    }
    let params = task::params::<T>(project)?;
    let folder = project.raw(T::NAME);
    let names = T::files(&params, from)?;
    // Files of an earlier run stay in the manifest until they are written again: after an interruption at any
    // point, our own files must not be taken for others.
    let mut manifest = known(&folder);
    refuse_foreign_files(&folder, &names, &manifest)?;
    manifest.note = format!("made by `easylife sample {}`; yours to delete", T::NAME);
    let seed = project.params().seed;
    let writer: Writer = match from {
        Some(from) => T::writer_from(&params, seed, from)?,
        None => Box::new(|name, out| T::write(&params, seed, name, out)),
    };
    let write = |name: &String| -> Result<(String, String)> {
        let path = folder.join(name);
        atomic::write(&path, |out| writer(name, out))?;
        Ok((name.clone(), files::digest::file(&path)?))
    };
    for names in names.chunks(FILES_PER_UPDATE) {
        manifest.writing = names.to_vec();
        save(&folder, &manifest)?;
        let written: Vec<(String, String)> = names.par_iter().map(write).collect::<Result<_>>()?;
        manifest.files.extend(written);
    }
    manifest.writing.clear();
    manifest.files.retain(|name, _| names.contains(name));
    save(&folder, &manifest)?;
    let files = names.iter().map(|name| folder.join(name)).collect();
    Ok(Sampled { files })
}

fn save(folder: &Path, manifest: &Manifest) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    atomic::write(&folder.join(MANIFEST), |out| out.write_all(&text))?;
    Ok(())
}

/// The manifest of an earlier run; empty if there is none.
fn known(folder: &Path) -> Manifest {
    let text = std::fs::read(folder.join(MANIFEST)).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

/// Refuses existing files that differ from the manifest: others wrote them, or they were edited since.
fn refuse_foreign_files(folder: &Path, names: &[String], ours: &Manifest) -> Result<()> {
    for name in names {
        let path = folder.join(name);
        if path.symlink_metadata().is_err() || ours.writing.contains(name) {
            continue;
        }
        let known = ours.files.get(name);
        if known.is_none() || known != files::digest::file(&path).ok().as_ref() {
            return Err(exit::usage(format!(
                "{} was not written by `easylife sample`, or was edited since, so it is not overwritten: \
                move it away first",
                path.display()
            )));
        }
    }
    Ok(())
}
