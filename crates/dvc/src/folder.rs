//! The location of a pipeline on disk, and its parameter files, each read once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use yaml::Node;

use crate::error::InFile as _;
use crate::error::{Context as _, Result};
use crate::parameters;
use crate::program::Program;

/// The pipeline file.
pub const PIPELINE: &str = "dvc.yaml";
/// The lock file next to it.
pub const LOCK: &str = "dvc.lock";

/// The folder of a `dvc.yaml`, and the DVC project it belongs to.
pub struct Folder {
    program: Program,
    /// The folder as the user named it, for messages; empty for the working folder.
    shown: PathBuf,
    /// The absolute path.
    dir: PathBuf,
    /// The nearest folder with `.dvc`, otherwise `dir`; absolute.
    root: PathBuf,
    has_dvc: bool,
    parameters: RefCell<HashMap<PathBuf, Option<Node>>>,
}

impl Folder {
    /// Opens the folder `shown`, with or without a `dvc.yaml`.
    ///
    /// # Errors
    /// If the working folder cannot be read.
    pub fn open(shown: &Path, program: Program) -> Result<Self> {
        let here = std::env::current_dir().context("the working folder cannot be read")?;
        let dir = PathBuf::from(absolute(&here, shown));
        let with_dvc = dir.ancestors().find(|folder| folder.join(".dvc").is_dir());
        Ok(Self {
            program,
            shown: shown.to_owned(),
            root: with_dvc.unwrap_or(&dir).to_owned(),
            has_dvc: with_dvc.is_some(),
            dir,
            parameters: RefCell::default(),
        })
    }

    /// Finds the nearest folder with `dvc.yaml`, from the working folder upwards.
    ///
    /// # Errors
    /// If the working folder cannot be read.
    pub fn find(program: Program) -> Result<Option<Self>> {
        let here = std::env::current_dir().context("the working folder cannot be read")?;
        let found = here
            .ancestors()
            .enumerate()
            .find(|(_, folder)| folder.join(PIPELINE).is_file());
        match found {
            Some((0, _)) => Self::open(Path::new(""), program).map(Some),
            Some((_, folder)) => Self::open(folder, program).map(Some),
            None => Ok(None),
        }
    }

    /// The program that runs the pipeline.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The folder of the pipeline, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder with `.dvc`, which is this one or above it; without DVC the pipeline's own. Absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a `.dvc` folder with a cache, a configuration, and DVC's locks.
    pub fn has_dvc(&self) -> bool {
        self.has_dvc
    }

    /// Converts a path relative to the pipeline's folder to a path to open.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.dir.join(relative)
    }

    /// The path of `dvc.yaml` for messages.
    pub fn pipeline(&self) -> PathBuf {
        self.shown.join(PIPELINE)
    }

    /// The path of `dvc.lock` for messages.
    pub fn lock(&self) -> PathBuf {
        self.shown.join(LOCK)
    }

    /// A path for messages: relative to the pipeline's folder if it is inside.
    ///
    /// As short as the user wrote it: `data/raw.csv` where the pipeline is in the working folder, otherwise
    /// behind the name by which the folder was opened.
    pub fn show(&self, path: &Path) -> String {
        match path.strip_prefix(&self.dir) {
            Ok(within) => self.shown.join(within).display().to_string(),
            Err(_) => path.display().to_string(),
        }
    }

    /// The folder for private files: `.dvc/tmp/NAME`, or `.NAME` without DVC.
    pub fn private(&self) -> PathBuf {
        if self.has_dvc {
            self.root.join(".dvc/tmp").join(self.program.name)
        } else {
            self.dir.join(format!(".{}", self.program.name))
        }
    }

    /// Creates [`Folder::private`], and hides it from git if DVC does not.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn make_private(&self) -> Result<PathBuf> {
        let private = self.private();
        let ignore = private.join(".gitignore");
        if !self.has_dvc && !ignore.exists() {
            std::fs::create_dir_all(&private)
                .and_then(|()| std::fs::write(&ignore, "*\n"))
                .with_context(|| format!("cannot write {}", ignore.display()))?;
        }
        Ok(private)
    }

    /// The content of a parameter file; `None` if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be read or parsed.
    pub fn parameters(&self, path: &Path) -> Result<Option<Node>> {
        if let Some(known) = self.parameters.borrow().get(path) {
            return Ok(known.clone());
        }
        let content = match std::fs::read_to_string(path) {
            Ok(text) => Some(
                parameters::parse(path, &text)
                    .map_err(|fault| fault.within(Path::new(&self.show(path))))?,
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", self.show(path)));
            }
        };
        self.parameters
            .borrow_mut()
            .insert(path.to_owned(), content.clone());
        Ok(content)
    }

    /// Forgets what was read, since a stage may have written a parameter file.
    pub fn forget_parameters(&self) {
        self.parameters.borrow_mut().clear();
    }
}

/// Normalizes a path lexically, removing `.` and `..`; empty for the folder itself.
///
/// Symbolic links are not followed, as in Python's `os.path.normpath`.
pub fn normal(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match parts.last().map(String::as_str) {
                Some("/") => {}
                Some("..") | None => parts.push("..".to_owned()),
                Some(_) => {
                    parts.pop();
                }
            },
            Component::RootDir => parts.push("/".to_owned()),
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    match parts.split_first() {
        Some((root, rest)) if root == "/" => format!("/{}", rest.join("/")),
        _ => parts.join("/"),
    }
}

/// `path` relative to the absolute `base`, without `.` and `..`.
pub fn absolute(base: &Path, path: &Path) -> String {
    normal(&base.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized_lexically() {
        for (path, expected) in [
            ("a/./b//c/", "a/b/c"),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("/../a", "/a"),
            (".", ""),
            ("/", "/"),
        ] {
            assert_eq!(normal(Path::new(path)), expected, "{path}");
        }
    }
}
