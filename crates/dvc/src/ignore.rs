//! `.dvcignore`: the files of a folder that DVC ignores.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::{Context as _, Error, Result};

/// The file with the patterns.
pub const FILE: &str = ".dvcignore";

/// The patterns of a project, read on demand.
pub struct Ignore {
    root: PathBuf,
    folders: Mutex<HashMap<PathBuf, Option<Arc<Gitignore>>>>,
}

impl Ignore {
    /// The patterns below `root`; nothing is read yet.
    pub fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            folders: Mutex::default(),
        }
    }

    /// The patterns that apply inside `folder`, nearest first.
    ///
    /// # Errors
    /// If a `.dvcignore` cannot be read or has an invalid pattern.
    pub fn within(&self, folder: &Path) -> Result<Vec<Arc<Gitignore>>> {
        let mut found = Vec::new();
        for above in folder.ancestors() {
            if !above.starts_with(&self.root) {
                break;
            }
            found.extend(self.folder(above)?);
        }
        Ok(found)
    }

    fn folder(&self, folder: &Path) -> Result<Option<Arc<Gitignore>>> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = folders.get(folder) {
            return Ok(known.clone());
        }
        let patterns = self.read(folder)?.map(Arc::new);
        folders.insert(folder.to_owned(), patterns.clone());
        Ok(patterns)
    }

    fn read(&self, folder: &Path) -> Result<Option<Gitignore>> {
        let file = folder.join(FILE);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        let own: &[&str] = if folder == self.root {
            &[".hg/", ".git/", ".git", ".dvc/"]
        } else {
            &[]
        };
        if text.is_empty() && own.is_empty() {
            return Ok(None);
        }
        let mut builder = GitignoreBuilder::new(folder);
        for line in own.iter().copied().chain(text.lines().map(str::trim)) {
            if let Err(error) = builder.add_line(None, line) {
                return Err(Error::failed(format!(
                    "{}: `{line}`: {error}",
                    file.display()
                )));
            }
        }
        Ok(Some(builder.build()?))
    }

    /// Whether `path`, a file or folder in the project, is ignored.
    ///
    /// # Errors
    /// If a `.dvcignore` cannot be read or has an invalid pattern.
    pub fn is_ignored(&self, path: &Path, is_dir: bool) -> Result<bool> {
        let Some(parent) = path.parent() else {
            return Ok(false);
        };
        if !path.starts_with(&self.root) || path == self.root {
            return Ok(false);
        }
        Ok(is_ignored(&self.within(parent)?, path, is_dir))
    }
}

/// Whether patterns ignore a path, either itself or a folder above it.
pub fn is_ignored(patterns: &[Arc<Gitignore>], path: &Path, is_dir: bool) -> bool {
    for patterns in patterns {
        match patterns.matched_path_or_any_parents(path, is_dir) {
            Match::Ignore(_) => return true,
            Match::Whitelist(_) => return false,
            Match::None => {}
        }
    }
    false
}
