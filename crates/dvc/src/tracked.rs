//! Dependencies that are tracked outside this dvc.yaml: by a `.dvc` file (`dvc add`) or by a stage
//! of another dvc.yaml.
//!
//! `dvc repro` updates a `.dvc` file whose data have changed, and runs the other stage first.
//! Neither is done here; both are refused by name, so that no state is left that DVC considers
//! stale.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use yaml::{Data, Node};

use crate::content::Reader;
use crate::context::Context;
use crate::define;
use crate::error::InFile as _;
use crate::error::{Context as _, Error, Result};
use crate::folder::{Folder, PIPELINE, absolute};
use crate::program::Program;
use crate::stage::{Dep, Stage};

/// What a `.dvc` file or another dvc.yaml tracks.
#[derive(Clone, Debug)]
struct Kept {
    /// The absolute path.
    path: PathBuf,
    /// The recorded content, or the stage that creates it.
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    Content(String),
    Stage(String),
}

/// What is known about files that may track dependencies; each is read once.
#[derive(Default)]
pub struct Tracked(HashMap<PathBuf, Vec<Kept>>);

impl Tracked {
    /// Refuses a dependency whose `.dvc` file records a different content, or that a stage of
    /// another dvc.yaml creates.
    ///
    /// # Errors
    /// If a dependency is refused, or a file cannot be read.
    pub fn check(&mut self, folder: &Folder, stage: &Stage, reader: &mut Reader) -> Result<()> {
        for dep in &stage.deps {
            self.check_dependency(folder, dep, reader)?;
        }
        Ok(())
    }

    fn check_dependency(&mut self, folder: &Folder, dep: &Dep, reader: &mut Reader) -> Result<()> {
        let within = |path: &&Path| path.starts_with(folder.root()) && *path != folder.root();
        for path in dep.path.ancestors().take_while(within) {
            let note = path.with_added_extension("dvc");
            for kept in self.kept(note.clone(), notes)? {
                let By::Content(recorded) = &kept.by else {
                    continue;
                };
                if !dep.path.starts_with(&kept.path) {
                    continue;
                }
                let there = reader.content(&kept.path)?;
                if there.is_some_and(|content| content.id != *recorded) {
                    let (note, data) = (folder.show(&note), folder.show(&kept.path));
                    return Err(Error::failed(format!(
                        "line {}: {data} is not what {note} records: `dvc commit {note}` records it \
                         as it is, `dvc checkout {data}` restores the recorded content",
                        dep.at.line
                    )));
                }
            }
        }
        for path in dep.path.ancestors().take_while(within) {
            if path == folder.dir() || folder.dir().starts_with(path) {
                break; // its stages are not below this pipeline
            }
            let others = self.kept(path.join(PIPELINE), |file| {
                outputs_of(file, *folder.program())
            })?;
            let maker = others
                .iter()
                .find(|kept| dep.path.starts_with(&kept.path) || kept.path.starts_with(&dep.path));
            if let Some(Kept {
                by: By::Stage(name),
                ..
            }) = maker
            {
                return Err(Error::failed(format!(
                    "line {}: {} is made by the stage `{name}` of {}, and stages of other files are \
                     not run: put it into {}, or use `dvc repro`",
                    dep.at.line,
                    dep.name,
                    folder.show(&path.join(PIPELINE)),
                    folder.pipeline().display()
                )));
            }
        }
        Ok(())
    }

    fn kept(
        &mut self,
        file: PathBuf,
        read: impl Fn(&Path) -> Result<Vec<Kept>>,
    ) -> Result<&[Kept]> {
        if !self.0.contains_key(&file) {
            let kept = match file.is_file() {
                true => read(&file)?,
                false => Vec::new(),
            };
            self.0.insert(file.clone(), kept);
        }
        Ok(&self.0[&file])
    }
}

/// The outputs of a `.dvc` file.
fn notes(file: &Path) -> Result<Vec<Kept>> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    let node = yaml::parse(&text).map_err(|fault| fault.within(file))?;
    let folder = file.parent().unwrap_or(file);
    let wdir = node.get("wdir").and_then(Node::as_str).unwrap_or(".");
    let base = PathBuf::from(absolute(folder, Path::new(wdir)));
    let outs = node.get("outs").and_then(Node::as_list).unwrap_or(&[]);
    let kept = outs.iter().filter_map(|out| {
        let text = |key| out.get(key).and_then(Node::as_str);
        Some(Kept {
            path: PathBuf::from(absolute(&base, Path::new(text("path")?))),
            by: By::Content(text("md5")?.to_owned()),
        })
    });
    Ok(kept.collect())
}

/// The outputs of the stages of another dvc.yaml.
fn outputs_of(file: &Path, program: Program) -> Result<Vec<Kept>> {
    let folder = Folder::open(file.parent().unwrap_or(file), program)?;
    let stages = define::stages(&folder, Context::of(Node::new(Data::Map(Vec::new()))))?;
    let outs = stages.iter().flat_map(|stage| {
        stage.outs.iter().map(|out| Kept {
            path: out.path.clone(),
            by: By::Stage(stage.name.clone()),
        })
    });
    Ok(outs.collect())
}
