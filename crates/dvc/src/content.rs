//! The content of a file or folder as DVC identifies it: an MD5, or the MD5 of a folder's file
//! list.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Context as _, Error, Result};
use crate::ignore::{self, Ignore};
use crate::md5::Md5;
use crate::python::json_string;
use crate::state::{Key, State};

/// After hashing a file of at least this many bytes, wait until its time stamp can be trusted.
const PATIENCE: u64 = 4 << 20;

/// The content of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// 32 hexadecimal digits, followed by `.dir` for a folder.
    pub id: String,
    pub size: u64,
    /// A folder's files, sorted by path.
    pub files: Option<Arc<Vec<Member>>>,
    pub exec: bool,
}

/// A file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Relative to the folder, with `/`.
    pub path: String,
    pub md5: Md5,
    pub size: u64,
}

impl Content {
    /// DVC's list of a folder's files, as it is hashed and cached.
    ///
    /// `[{"md5": "...", "relpath": "..."}, ...]` with the keys, spaces and escapes of Python's `json`,
    /// whose bytes are hashed. `files` must be sorted by path.
    pub fn listing(files: &[Member]) -> String {
        let mut text = String::from("[");
        for (i, file) in files.iter().enumerate() {
            text.push_str(if i > 0 { ", " } else { "" });
            text += &format!("{{\"md5\": \"{}\", \"relpath\": ", file.md5);
            json_string(&file.path, &mut text);
            text.push('}');
        }
        text.push(']');
        text
    }
}

/// Determines contents, reading only files that have changed since they were last read.
pub struct Reader {
    ignore: Ignore,
    state: State,
    /// Contents determined since the last stage ran.
    known: HashMap<PathBuf, Option<Content>>,
}

impl Reader {
    /// A reader below `root`, with the hashes of earlier runs in `state`.
    pub fn new(root: &Path, state: State) -> Self {
        Self {
            ignore: Ignore::of(root),
            state,
            known: HashMap::new(),
        }
    }

    /// The content of `path`; `None` if it does not exist.
    ///
    /// Answers from memory until [`Reader::forget`]; a file whose size, times and inode are those of an
    /// earlier run is not read either. Links to files are followed. A path below a file does not exist.
    ///
    /// # Errors
    /// If the path cannot be read, or contains something DVC does not support.
    pub fn content(&mut self, path: &Path) -> Result<Option<Content>> {
        if let Some(known) = self.known.get(path) {
            return Ok(known.clone());
        }
        let content = self
            .read(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        self.known.insert(path.to_owned(), content.clone());
        Ok(content)
    }

    /// Like [`Reader::content`], for an output: one ignored by .dvcignore counts as missing.
    ///
    /// # Errors
    /// Those of [`Reader::content`], or a `.dvcignore` that cannot be read.
    pub fn output(&mut self, path: &Path) -> Result<Option<Content>> {
        if self.ignore.is_ignored(path, path.is_dir())? {
            return Ok(None);
        }
        self.content(path)
    }

    /// Whether .dvcignore ignores the path.
    ///
    /// # Errors
    /// If a `.dvcignore` cannot be read.
    pub fn is_ignored(&self, path: &Path) -> Result<bool> {
        self.ignore.is_ignored(path, path.is_dir())
    }

    /// Forgets all contents: a stage has run and may have changed anything.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    /// Saves the table of hashes.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&mut self) -> io::Result<()> {
        self.state.save()
    }

    fn read(&mut self, path: &Path) -> Result<Option<Content>> {
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.symlink_metadata().is_ok() {
                    return Err(Error::failed("a broken symbolic link"));
                }
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if meta.is_dir() {
            return self.folder(path).map(Some);
        }
        let key = Key::of(&meta);
        let md5 = self.hash(&[(path.to_owned(), key)])?[0];
        Ok(Some(Content {
            id: md5.to_string(),
            size: key.size(),
            files: None,
            exec: is_exec(&meta),
        }))
    }

    fn folder(&mut self, path: &Path) -> Result<Content> {
        let mut found = Vec::new();
        walk(path, "", &self.ignore, &mut found)?;
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let files: Vec<(PathBuf, Key)> = found
            .iter()
            .map(|(name, key)| (path.join(name), *key))
            .collect();
        let hashes = self.hash(&files)?;
        let files: Vec<Member> = found
            .into_iter()
            .zip(hashes)
            .map(|((path, key), md5)| Member {
                path,
                md5,
                size: key.size(),
            })
            .collect();
        Ok(Content {
            id: format!("{}.dir", Md5::of(Content::listing(&files).as_bytes())),
            size: files.iter().map(|file| file.size).sum(),
            files: Some(Arc::new(files)),
            exec: false,
        })
    }

    /// Hashes files, reading those that are not known in parallel.
    fn hash(&mut self, files: &[(PathBuf, Key)]) -> Result<Vec<Md5>> {
        let mut hashes: Vec<Option<Md5>> =
            files.iter().map(|(_, key)| self.state.get(key)).collect();
        let missing: Vec<usize> = (0..files.len()).filter(|&i| hashes[i].is_none()).collect();
        let size: u64 = missing.iter().map(|&i| files[i].1.size()).sum();
        if size > PATIENCE {
            // Waiting for a tick of the clock is cheaper than reading the file again next time.
            let waits = missing.iter().map(|&i| files[i].1.unsure_for());
            std::thread::sleep(waits.max().unwrap_or_default());
        }
        let read = |&i: &usize| {
            let (path, key) = &files[i];
            let sure = key.unsure_for().is_zero();
            Md5::of_file(path)
                .map(|md5| (i, md5, sure))
                .with_context(|| format!("cannot read {}", path.display()))
        };
        // One small file does not justify a thread.
        let fresh: Vec<(usize, Md5, bool)> = match missing.len() {
            0 | 1 => missing.iter().map(read).collect::<Result<_>>()?,
            _ => missing.par_iter().map(read).collect::<Result<_>>()?,
        };
        for (i, md5, sure) in fresh {
            self.state.put(files[i].1, md5, sure);
            hashes[i] = Some(md5);
        }
        Ok(hashes.into_iter().flatten().collect())
    }
}

fn is_exec(meta: &Metadata) -> bool {
    meta.permissions().mode() & 0o111 != 0
}

/// Lists every file below a folder. Links to files are followed, links to folders are not, as in
/// Python's `os.walk`.
fn walk(
    folder: &Path,
    prefix: &str,
    ignore: &Ignore,
    found: &mut Vec<(String, Key)>,
) -> Result<()> {
    let patterns = ignore.within(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(Error::failed(format!(
                "{}: the name is not UTF-8, which DVC's file lists require; rename it",
                files::names::spell(&path)
            )));
        };
        let kind = entry.file_type()?;
        let is_dir = kind.is_dir() || (kind.is_symlink() && path.is_dir());
        if ignore::is_ignored(&patterns, &path, is_dir) {
            continue;
        }
        if kind.is_dir() {
            walk(&path, &format!("{prefix}{name}/"), ignore, found)?;
        } else if !is_dir {
            if name == ignore::FILE {
                return Err(Error::failed(format!(
                    "{}: not allowed in a folder that a stage reads or writes",
                    path.display()
                )));
            }
            let meta = fs::metadata(&path).with_context(|| format!("{}", path.display()))?;
            if !meta.is_file() {
                return Err(Error::failed(format!(
                    "{}: neither a file nor a folder",
                    path.display()
                )));
            }
            found.push((format!("{prefix}{name}"), Key::of(&meta)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(root: &Path) -> Reader {
        Reader::new(root, State::open(&root.join("state")))
    }

    /// Expected values from DVC 3.67.1.
    #[test]
    fn a_folder_is_the_hash_of_its_list() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        fs::create_dir_all(path.join("a")).unwrap();
        fs::write(path.join("a/x"), "1").unwrap();
        fs::write(path.join("a-b"), "2").unwrap();
        fs::write(path.join("ä"), "3").unwrap();
        let content = reader(dir.path()).content(&path).unwrap().unwrap();
        let files = content.files.as_ref().unwrap();
        let names: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(names, ["a-b", "a/x", "ä"], "sorted by the whole path");
        assert_eq!(content.size, 3);
        assert_eq!(
            Content::listing(files),
            "[{\"md5\": \"c81e728d9d4c2f636f067f89cc14862c\", \"relpath\": \"a-b\"}, \
             {\"md5\": \"c4ca4238a0b923820dcc509a6f75849b\", \"relpath\": \"a/x\"}, \
             {\"md5\": \"eccbc87e4b5ce2fe28308fd9f2a7baf3\", \"relpath\": \"\\u00e4\"}]"
        );
        assert!(content.id.ends_with(".dir"));
    }

    #[test]
    fn what_is_ignored_is_not_counted() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".dvcignore"), "*.tmp\n!keep.tmp\nsub/\n").unwrap();
        let path = dir.path().join("data");
        fs::create_dir_all(path.join("sub")).unwrap();
        for name in ["a", "b.tmp", "keep.tmp", "sub/c"] {
            fs::write(path.join(name), name).unwrap();
        }
        let content = reader(dir.path()).content(&path).unwrap().unwrap();
        let names: Vec<String> = content
            .files
            .unwrap()
            .iter()
            .map(|f| f.path.clone())
            .collect();
        assert_eq!(names, ["a", "keep.tmp"]);
    }

    #[test]
    fn an_executable_file_is_recognized() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(reader(dir.path()).content(&path).unwrap().unwrap().exec);
        assert_eq!(
            reader(dir.path()).content(&dir.path().join("no")).unwrap(),
            None
        );
    }
}
