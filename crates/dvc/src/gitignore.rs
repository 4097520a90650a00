//! Keeps cached outputs out of git: like DVC, adds each to the `.gitignore` in its folder, unless
//! git ignores it already.

use std::fs;
use std::path::{Path, PathBuf};

use files::atomic;
use ignore::Match;
use ignore::gitignore::GitignoreBuilder;

use crate::error::{Context as _, Result};
use crate::folder::Folder;

/// The git repository of a project.
pub struct GitIgnore {
    root: Option<PathBuf>,
}

impl GitIgnore {
    /// Finds the git repository around a project. Without one, without `.dvc`, or if the configuration
    /// says `no_scm`, nothing is ever ignored.
    pub fn find(folder: &Folder, no_scm: bool) -> Self {
        let is_git = |dir: &&Path| dir.join(".git").exists();
        let root = folder.root().ancestors().find(is_git).map(Path::to_owned);
        // Without .dvc the user has not asked for it.
        let wanted = folder.has_dvc() && !no_scm;
        Self {
            root: root.filter(|_| wanted),
        }
    }

    /// Adds `path` to the `.gitignore` of its folder.
    ///
    /// # Errors
    /// If a `.gitignore` cannot be read or written.
    pub fn ignore(&self, path: &Path) -> Result<()> {
        let (Some(root), Some(folder), Some(name)) = (&self.root, path.parent(), path.file_name())
        else {
            return Ok(());
        };
        if !path.starts_with(root) || is_ignored(root, path)? {
            return Ok(());
        }
        let file = folder.join(".gitignore");
        let before = fs::read(&file).unwrap_or_default();
        let line = format!("/{}\n", escaped(&name.to_string_lossy()));
        let gap = !before.is_empty() && !before.ends_with(b"\n");
        atomic::write(&file, |out| {
            out.write_all(&before)?;
            if gap {
                out.write_all(b"\n")?;
            }
            out.write_all(line.as_bytes())
        })
        .with_context(|| format!("cannot write {}", file.display()))
    }
}

/// Escapes a name for a pattern, like pathspec.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if "[]!*#?".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

fn is_ignored(root: &Path, path: &Path) -> Result<bool> {
    let is_dir = path.is_dir();
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in path
        .ancestors()
        .skip(1)
        .take_while(|dir| dir.starts_with(root))
    {
        files.push(folder.join(".gitignore"));
    }
    files.push(root.join(".git/info/exclude"));
    for file in files.iter().filter(|file| file.is_file()) {
        let exclude = file.ends_with("info/exclude");
        let base = if exclude {
            root
        } else {
            file.parent().unwrap_or(root)
        };
        let mut builder = GitignoreBuilder::new(base);
        if let Some(error) = builder.add(file) {
            return Err(error).with_context(|| format!("cannot read {}", file.display()));
        }
        match builder.build()?.matched_path_or_any_parents(path, is_dir) {
            Match::Ignore(_) => return Ok(true),
            Match::Whitelist(_) => return Ok(false),
            Match::None => {}
        }
    }
    Ok(false)
}
