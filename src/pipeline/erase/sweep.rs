//! The files of a project: which of them lose an id, and where it still stands.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::InFile;
use super::id::Id;
use super::search::{Found, is_log, line_holds, search};
use crate::exit;
use crate::talk::Talk;
use tables::{Format, Reading, Removed};

/// Folders in which nothing is searched: git's, which has its own history, and what this program and DVC keep for
/// themselves. The cache of DVC and the registry are searched on their own.
const LEFT_OUT: [&str; 6] = [
    ".git",
    ".dvc/tmp",
    ".easylife/bin",
    ".easylife/scratch",
    ".easylife/store/history",
    ".easylife/store/models",
];
/// Marks a virtual environment of Python, which holds programs.
const VENV: &str = "pyvenv.cfg";

/// Where an id may stand.
pub struct Places<'a> {
    pub root: PathBuf,
    pub also: &'a [PathBuf],
    /// How the sources are read.
    pub reading: Reading,
    /// The tables that are read.
    pub sources: &'a [PathBuf],
    /// What stages make again.
    pub outputs: Vec<PathBuf>,
    pub cache: Option<PathBuf>,
}

/// What a search found.
pub struct Searched {
    pub searched: u64,
    pub files: Vec<(PathBuf, Found)>,
}

impl Places<'_> {
    /// Refuses what was named and is not there, before anything changes.
    ///
    /// # Errors
    /// A file or folder that is not there (exit 2).
    pub fn check(&self) -> Result<()> {
        match self.also.iter().find(|path| !path.exists()) {
            Some(path) => Err(exit::usage(format!(
                "{}: there is no such file or folder",
                path.display()
            ))),
            None => Ok(()),
        }
    }

    /// Takes the rows and lines of an id out of every file that no stage makes again. Those that cannot be changed are
    /// added to `kept`, with the reason.
    ///
    /// # Errors
    /// A source that cannot be read.
    pub fn clean(
        &self,
        id: &Id,
        talk: &Talk,
        changed: &mut Vec<InFile>,
        kept: &mut Vec<InFile>,
    ) -> Result<()> {
        for path in self.sources {
            self.clean_table(path, self.reading, id, changed, kept)?;
        }
        for path in self.files()? {
            if self.is_source(&path) || self.is_output(&path) {
                continue;
            }
            match search(&path, Reading::default(), id) {
                Ok(Some(Found::Rows(_))) => {
                    self.clean_table(&path, Reading::default(), id, changed, kept)?;
                }
                Ok(Some(found)) if found.is_certain() && is_log(&path) => {
                    let removed = tables::remove_lines(&path, &mut |line| line_holds(line, id));
                    let lines =
                        removed.with_context(|| format!("cannot change {}", path.display()))?;
                    changed.push(self.entry(&path, |entry| entry.lines = Some(lines)));
                }
                Ok(_) => {}
                Err(error) => talk.warn(format!("{}: {error}", path.display())),
            }
        }
        Ok(())
    }

    fn clean_table(
        &self,
        path: &Path,
        reading: Reading,
        id: &Id,
        changed: &mut Vec<InFile>,
        kept: &mut Vec<InFile>,
    ) -> Result<()> {
        if Format::of_path(path).is_none() {
            return Ok(());
        }
        let source = tables::open_with(path, reading)?;
        let Some(cells) = id.cells(source.columns()) else {
            return Ok(());
        };
        drop(source);
        match tables::remove_rows(path, reading, &mut |row| id.has(&cells, row)) {
            Ok(Removed { rows: 0, .. }) => {}
            Ok(removed) => changed.push(self.entry(path, |entry| entry.rows = Some(removed.rows))),
            Err(error) => kept.push(self.entry(path, |entry| {
                entry.note = Some(format!("cannot be changed: {error}"));
            })),
        }
        Ok(())
    }

    fn entry(&self, path: &Path, fill: impl FnOnce(&mut InFile)) -> InFile {
        let mut entry = InFile {
            path: self.shown(path),
            rows: None,
            lines: None,
            note: None,
        };
        fill(&mut entry);
        entry
    }

    /// A path as shown: in the project without its folder.
    pub fn shown(&self, path: &Path) -> String {
        files::names::spell(path.strip_prefix(&self.root).unwrap_or(path))
    }

    /// Searches every file.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn search(&self, id: &Id, talk: &Talk) -> Result<Searched> {
        let mut files = Vec::new();
        let all = self.files()?;
        let bar = talk.progress("searching", Some(all.len() as u64));
        for path in &all {
            let reading = match self.is_source(path) {
                true => self.reading,
                false => Reading::default(),
            };
            match search(path, reading, id) {
                Ok(Some(found)) => files.push((path.clone(), found)),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => talk.warn(format!("{}: not searched: {error}", path.display())),
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(Searched {
            searched: all.len() as u64,
            files,
        })
    }

    fn is_source(&self, path: &Path) -> bool {
        self.sources.iter().any(|source| same(source, path))
    }

    fn is_output(&self, path: &Path) -> bool {
        let path = real(path);
        self.outputs.iter().any(|out| path.starts_with(real(out)))
    }

    /// Every file that is searched: those of the project, of `also`, and sources elsewhere, in the order of their paths.
    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        self.walk(&self.root, &mut files)?;
        let elsewhere = |path: &&PathBuf| !real(path).starts_with(real(&self.root));
        for path in self
            .also
            .iter()
            .chain(self.sources.iter().filter(elsewhere))
        {
            match path.is_dir() {
                true => self.walk(path, &mut files)?,
                false if path.exists() => files.push(path.clone()),
                false => anyhow::bail!("{}: there is no such file or folder", path.display()),
            }
        }
        files.sort();
        files.dedup();
        Ok(files)
    }

    fn walk(&self, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
        let entries = fs::read_dir(folder);
        for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            // A link to a file elsewhere is searched, a folder of links is not followed.
            let is_file = kind.is_file() || kind.is_symlink() && path.is_file();
            if kind.is_dir() && !self.is_left_out(&path) {
                self.walk(&path, files)?;
            } else if is_file {
                files.push(path);
            }
        }
        Ok(())
    }

    fn is_left_out(&self, folder: &Path) -> bool {
        let is_named = |name: &&str| *folder == self.root.join(name);
        let is_cache = self.cache.as_ref().is_some_and(|cache| same(cache, folder));
        LEFT_OUT.iter().any(is_named) || is_cache || folder.join(VENV).exists()
    }
}

fn same(a: &Path, b: &Path) -> bool {
    a == b || real(a) == real(b)
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
