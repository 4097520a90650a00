//! `easylife sample`: seeded sample data into `data/raw/TASK`.
//!
//! A manifest beside the files says what was written, so that nothing else is ever overwritten.

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

/// What says that the files beside it are ours.
const MANIFEST: &str = "SAMPLE.json";

/// Writes the sample's file of a name. Several threads call it side by side.
pub type Writer<'a> = Box<dyn Fn(&str, &mut dyn Write) -> io::Result<()> + Sync + 'a>;

/// What a task makes up.
pub trait Sample: Task {
    /// Names of the files that [`Sample::write`] can write.
    const FILES: &'static [&'static str];

    /// The same, where the parameters or the folder `from` decide how many there are.
    ///
    /// # Errors
    /// Where the task makes nothing out of a folder, or there is nothing in it.
    fn files(_params: &Self::Params, from: Option<&Path>) -> Result<Vec<String>> {
        match from {
            Some(_) => Err(exit::usage(format!(
                "{} makes its sample out of nothing; leave --from out",
                Self::NAME
            ))),
            None => Ok(Self::FILES.iter().map(|&name| name.to_owned()).collect()),
        }
    }

    /// What writes the files made out of the folder `from`.
    ///
    /// # Errors
    /// Where the folder cannot be read.
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
    /// Says to a person what this folder is.
    note: String,
    /// Files that are being written, in a run under way or cut short: ours, whatever they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    writing: Vec<String>,
    /// SHA-256 of each file.
    files: BTreeMap<String, String>,
}

/// Files written side by side, between two looks at the manifest.
const TOGETHER: usize = 32;

/// The files that were made.
#[derive(Serialize)]
pub struct Sampled {
    files: Vec<PathBuf>,
}

/// Files of a folder that are worth a line each; more are counted.
const NAMED: usize = 8;

impl fmt::Display for Sampled {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for files in self.files.chunk_by(|a, b| a.parent() == b.parent()) {
            match files[0].parent() {
                Some(folder) if files.len() > NAMED => {
                    writeln!(f, "{}: {} files", folder.display(), files.len())?;
                }
                _ => (files.iter()).try_for_each(|path| writeln!(f, "{}", path.display()))?,
            }
        }
        Ok(())
    }
}

/// A sample that a project has no use for: its data are its own.
#[derive(Clone, Debug)]
pub struct Unused {
    pub task: &'static str,
    /// What `TASK.data.source` says.
    pub source: String,
    /// Commands that would make the sample.
    pub commands: Vec<String>,
}

/// The sample of `T` where its data are not the sample's.
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

/// Whether `file` is `folder` or in it, by whatever way they are named.
fn is_within(file: &Path, folder: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute(file).starts_with(absolute(folder))
}

/// Writes the sample data of `T`; `as_source`: only where they are what the project takes its data from.
pub fn run<T: Sample>(project: &Project, from: Option<&Path>, as_source: bool) -> Result<Sampled> {
    if as_source && let Some(Unused { task, source, .. }) = unused::<T>(project)? {
        return Err(exit::usage(format!(
            "no sample is made: {task}.data.source is {source}, which is not the sample's; delete the line \
             of {task} under `sample` in dvc.yaml, and set {task}.predict.input in params.yaml to the file \
             to score (`easylife repro` leaves the stage out by itself)"
        )));
    }
    let params = task::params::<T>(project)?;
    let folder = project.raw(T::NAME);
    let names = T::files(&params, from)?;
    // What an earlier run wrote stays known until it is written anew: a run cut short, at any point,
    // must not take files of its own for somebody else's.
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
    for names in names.chunks(TOGETHER) {
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

/// What an earlier run says that it wrote; nothing where there was none.
fn known(folder: &Path) -> Manifest {
    let text = std::fs::read(folder.join(MANIFEST)).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

/// A file that is there and is not as the manifest says was not written by us, or was edited since.
fn refuse_foreign_files(folder: &Path, names: &[String], ours: &Manifest) -> Result<()> {
    for name in names {
        let path = folder.join(name);
        if path.symlink_metadata().is_err() || ours.writing.contains(name) {
            continue;
        }
        let known = ours.files.get(name);
        if known.is_none() || known != files::digest::file(&path).ok().as_ref() {
            return Err(exit::usage(format!(
                "{} was not written by `easylife sample`, or was edited since; it is left alone: \
                 move it away first",
                path.display()
            )));
        }
    }
    Ok(())
}
