//! `.dvc/cache/files/md5`: file contents stored by MD5, as in DVC.
//!
//! An object appears by a rename and is read-only; like DVC, we trust read-only objects.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use crate::config::{Config, Link};
use crate::content::{Content, Member};
use crate::error::{Context as _, Error, InFile as _, Result};
use crate::md5::Md5;
use crate::parameters;
use crate::program::Program;

/// The mode of a complete object.
const WHOLE: u32 = 0o444;

/// The cache of a project.
pub struct Cache {
    /// `.dvc/cache`
    dir: PathBuf,
    links: Vec<Link>,
    shared: bool,
    /// Prefix of the names of temporary files.
    temporary: String,
    /// Scratch folder, on the project's file system.
    scratch: PathBuf,
}

impl Cache {
    /// The cache that the configuration names. `scratch` must be on the project's file system, so that
    /// what is restored there can be renamed into place.
    pub fn open(config: &Config, program: &Program, scratch: PathBuf) -> Self {
        Self {
            dir: config.cache.clone(),
            links: config.links.clone(),
            shared: config.shared,
            temporary: program.temporary(),
            scratch,
        }
    }

    /// Prefix of the names of temporary files.
    pub fn temporary(&self) -> &str {
        &self.temporary
    }

    /// The folder of the run cache.
    pub fn runs(&self) -> PathBuf {
        self.dir.join("runs")
    }

    /// Path of a content's object, by its id (`.dir` included).
    pub fn object(&self, id: &str) -> PathBuf {
        let (head, tail) = id.split_at(2.min(id.len()));
        self.dir.join("files/md5").join(head).join(tail)
    }

    /// All contents by their ids, with the paths of their objects, sorted by path.
    ///
    /// # Errors
    /// If a folder of the cache cannot be read.
    pub fn objects(&self) -> io::Result<Vec<(String, PathBuf)>> {
        let folder = self.dir.join("files/md5");
        let id = |path: &PathBuf| {
            let tail = path.strip_prefix(&folder).ok()?.to_str()?;
            let (head, tail) = tail.split_once('/')?;
            (head.len() == 2 && !tail.starts_with('.')).then(|| format!("{head}{tail}"))
        };
        let paths = files_below(&folder)?.into_iter();
        Ok(paths
            .filter_map(|path| id(&path).map(|id| (id, path)))
            .collect())
    }

    /// Whether all of a content is in the cache, including a folder's files.
    pub fn has(&self, id: &str) -> bool {
        if !id.ends_with(".dir") {
            return self.has_object(id);
        }
        match self.files(id) {
            Ok(Some(files)) => {
                self.has_object(id)
                    && files
                        .par_iter()
                        .with_min_len(64)
                        .all(|file| self.has_object(&file.md5.to_string()))
            }
            _ => false,
        }
    }

    /// A writable object may have been modified: it is hashed, and removed if it is wrong.
    fn has_object(&self, id: &str) -> bool {
        let path = self.object(id);
        let Ok(meta) = fs::metadata(&path) else {
            return false;
        };
        if meta.permissions().mode() & 0o7777 == WHOLE {
            return true;
        }
        let expected = id.strip_suffix(".dir").unwrap_or(id);
        let whole = Md5::of_file(&path).is_ok_and(|md5| md5.to_string() == expected);
        if whole {
            protect(&path);
        } else {
            let _ = fs::remove_file(&path); // as DVC does; it will be made again
        }
        whole
    }

    /// Lists the files of a folder in the cache; `None` if it is not there.
    ///
    /// # Errors
    /// If the list cannot be read or parsed.
    pub fn files(&self, id: &str) -> Result<Option<Vec<Member>>> {
        let path = self.object(id);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let parsed = parameters::parse(Path::new("list.json"), &text)
            .map_err(|fault| fault.within(&path))?;
        let mut files = Vec::new();
        for entry in parsed.as_list().unwrap_or_default() {
            let name = entry.get("relpath").and_then(|n| n.as_str());
            let md5 = entry
                .get("md5")
                .and_then(|n| n.as_str())
                .and_then(Md5::parse);
            match (name, md5) {
                (Some(name), Some(md5)) if is_within(name) => files.push(Member {
                    path: name.to_owned(),
                    md5,
                    size: 0,
                }),
                _ => {
                    return Err(Error::failed(format!(
                        "{}: not a list of files",
                        path.display()
                    )));
                }
            }
        }
        Ok(Some(files))
    }

    /// Adds what is at `path`, known to be `content`.
    ///
    /// # Errors
    /// If the content cannot be copied into the cache, or is being written by another process.
    pub fn add(&self, path: &Path, content: &Content) -> Result<()> {
        match &content.files {
            None => self.add_file(path, &content.id),
            Some(files) => {
                let add =
                    |file: &Member| self.add_file(&path.join(&file.path), &file.md5.to_string());
                files.par_iter().with_min_len(16).try_for_each(add)?;
                self.add_listing(&content.id, files)
            }
        }
        .with_context(|| format!("cannot put {} into the cache", path.display()))
    }

    fn add_listing(&self, id: &str, files: &Arc<Vec<Member>>) -> Result<()> {
        let object = self.object(id);
        if self.has_object(id) {
            return Ok(());
        }
        let temporary = self.temporary_for(&object)?;
        fs::write(temporary.path(), Content::listing(files))?;
        self.settle(temporary, &object)
    }

    fn add_file(&self, path: &Path, id: &str) -> Result<()> {
        let object = self.object(id);
        if self.has_object(id) {
            return Ok(());
        }
        if self.links.first() == Some(&Link::Hardlink) && hard_link(path, &object, self)? {
            return Ok(());
        }
        let before = fs::metadata(path)?;
        let temporary = self.temporary_for(&object)?;
        copy(path, temporary.path())?;
        let after = fs::metadata(path)?;
        let stamp = |m: &fs::Metadata| (m.len(), m.mtime(), m.mtime_nsec(), m.ino());
        if stamp(&before) != stamp(&after) {
            return Err(Error::failed(format!(
                "{} is being written to by something else",
                path.display()
            )));
        }
        self.settle(temporary, &object)
    }

    /// Creates a temporary file in an object's folder, which is created if missing.
    fn temporary_for(&self, object: &Path) -> Result<tempfile::NamedTempFile> {
        let folder = object.parent().unwrap_or(&self.dir);
        make_folder(folder, self.shared)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(&self.temporary).suffix(".tmp");
        Ok(builder.tempfile_in(folder)?)
    }

    fn settle(&self, temporary: tempfile::NamedTempFile, object: &Path) -> Result<()> {
        protect(temporary.path());
        temporary.persist(object).map_err(|error| error.error)?;
        Ok(())
    }

    /// Restores a content of the cache to `path`, replacing whatever is there, in one step.
    ///
    /// # Errors
    /// If the cache does not have the content, or it cannot be linked or written to `path`.
    pub fn restore(&self, id: &str, exec: bool, path: &Path, plain_copy: bool) -> Result<()> {
        let restored = self.restore_whole(id, exec, path, plain_copy);
        restored.with_context(|| format!("cannot restore {}", path.display()))
    }

    fn restore_whole(&self, id: &str, exec: bool, path: &Path, plain_copy: bool) -> Result<()> {
        let links: &[Link] = if plain_copy {
            &[Link::Copy]
        } else {
            &self.links
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::create_dir_all(&self.scratch)?;
        let scratch = tempfile::Builder::new()
            .prefix("out-")
            .tempdir_in(&self.scratch)?;
        let fresh = scratch.path().join("new");
        if id.ends_with(".dir") {
            let files = self
                .files(id)?
                .with_context(|| format!("{id} is not in the cache"))?;
            fs::create_dir(&fresh)?;
            for file in &files {
                let place = fresh.join(&file.path);
                if let Some(parent) = place.parent() {
                    fs::create_dir_all(parent)?;
                }
                link(&self.object(&file.md5.to_string()), &place, links)?;
            }
        } else {
            link(&self.object(id), &fresh, links)?;
            if exec {
                let mode = fs::metadata(&fresh)?.permissions().mode();
                fs::set_permissions(&fresh, fs::Permissions::from_mode(mode | 0o100))?;
            }
        }
        put_in_place(&fresh, path, scratch.path())
    }

    /// After a run: if the cache hands out links, the output is replaced by links.
    ///
    /// # Errors
    /// If the output cannot be replaced.
    pub fn relink(&self, path: &Path, content: &Content) -> Result<()> {
        match self.links.first() {
            Some(Link::Hardlink | Link::Symlink) if !self.is_linked(path, content) => {
                self.restore(&content.id, content.exec, path, false)
            }
            _ => self.set_mode(path, content),
        }
    }

    /// If the cache hands out copies, gives a file the mode it would have as a copy.
    ///
    /// # Errors
    /// If the mode cannot be changed.
    pub fn set_mode(&self, path: &Path, content: &Content) -> Result<()> {
        if let Some(Link::Reflink | Link::Copy) = self.links.first()
            && content.files.is_none()
        {
            let exec = if content.exec { 0o100 } else { 0 };
            fs::set_permissions(path, fs::Permissions::from_mode(new_file_mode() | exec))?;
        }
        Ok(())
    }

    fn is_linked(&self, path: &Path, content: &Content) -> bool {
        let same =
            |path: &Path, id: &str| match (path.symlink_metadata(), self.object(id).metadata()) {
                (Ok(at), Ok(_)) if at.is_symlink() => {
                    fs::read_link(path).is_ok_and(|to| to == self.object(id))
                }
                (Ok(at), Ok(object)) => at.len() == 0 || at.ino() == object.ino(),
                _ => false,
            };
        match &content.files {
            None => same(path, &content.id),
            Some(files) => files
                .iter()
                .all(|file| same(&path.join(&file.path), &file.md5.to_string())),
        }
    }
}

/// Whether a relative path stays inside its folder.
fn is_within(name: &str) -> bool {
    !name.is_empty()
        && Path::new(name)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// The mode of a new file: 666 minus the umask.
pub fn new_file_mode() -> u32 {
    static MODE: OnceLock<u32> = OnceLock::new();
    *MODE.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        let umask = umask.and_then(|text| u32::from_str_radix(text.trim(), 8).ok());
        0o666 & !umask.unwrap_or(0o022)
    })
}

fn protect(path: &Path) {
    // As in DVC: not every file system supports it, and nothing depends on it.
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(WHOLE));
}

fn make_folder(folder: &Path, shared: bool) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    if shared {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o2775))?;
    }
    Ok(())
}

/// Makes the object another name of the project's file.
fn hard_link(path: &Path, object: &Path, cache: &Cache) -> Result<bool> {
    let meta = path.symlink_metadata()?;
    if meta.is_symlink() || meta.len() == 0 {
        return Ok(false);
    }
    make_folder(object.parent().unwrap_or(&cache.dir), cache.shared)?;
    match fs::hard_link(path, object) {
        Ok(()) => {
            protect(object);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(true),
        Err(_) => Ok(false),
    }
}

/// Links an object from the cache with the first link type that works.
fn link(object: &Path, place: &Path, ways: &[Link]) -> Result<()> {
    let mut last = None;
    for way in ways {
        let done = match way {
            Link::Copy => copy(object, place),
            Link::Reflink => reflink(object, place),
            Link::Symlink => std::os::unix::fs::symlink(object, place),
            Link::Hardlink if object.metadata()?.len() == 0 => File::create(place).map(drop),
            Link::Hardlink => fs::hard_link(object, place),
        };
        match done {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error),
        }
        let _ = fs::remove_file(place);
    }
    let error = last.unwrap_or_else(|| io::Error::other("no link type is allowed"));
    Err(error).with_context(|| {
        format!(
            "no link type in cache.type of .dvc/config works on {}",
            object.display()
        )
    })
}

/// Copies a file, sharing its blocks if the file system can, with the mode of a new file.
///
/// # Errors
/// Those of the file system.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if reflink(from, to).is_ok() {
        return Ok(());
    }
    let mut source = File::open(from)?;
    let mut target = File::create(to)?;
    io::copy(&mut source, &mut target)?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn reflink(from: &Path, to: &Path) -> io::Result<()> {
    let source = File::open(from)?;
    let target = File::create(to)?;
    Ok(rustix::fs::ioctl_ficlone(&target, &source)?)
}

#[cfg(not(target_os = "linux"))]
fn reflink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Renames `fresh` to `path`. An existing folder is first moved into `aside` and is removed along
/// with it.
///
/// # Errors
/// If `path` cannot be moved or replaced.
pub fn put_in_place(fresh: &Path, path: &Path, aside: &Path) -> Result<()> {
    let former = path.symlink_metadata();
    let folders = fresh.is_dir() || former.as_ref().is_ok_and(|meta| meta.is_dir());
    if folders && former.is_ok() {
        let name = aside.join("former");
        if fs::rename(path, &name).is_err() {
            remove(path)?;
        }
    }
    match fs::rename(fresh, path) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy_tree(fresh, path)?;
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Copies a file or folder; links are copied as their targets.
///
/// # Errors
/// Those of the file system.
pub fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let meta = fs::metadata(from)?;
    if !meta.is_dir() {
        copy(from, to)?;
        return fs::set_permissions(
            to,
            fs::Permissions::from_mode(meta.permissions().mode() | 0o200),
        );
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_tree(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Removes a file, link or folder; it need not exist.
///
/// # Errors
/// Those of the file system, unless the path does not exist.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(()),
        other => other,
    }
}

/// Turns links into the cache into copies: an output that persists while its stage runs must not be
/// a link.
///
/// # Errors
/// If a link cannot be replaced by a copy.
pub fn unprotect(path: &Path, temporary: &str) -> io::Result<()> {
    let Ok(meta) = path.symlink_metadata() else {
        return Ok(());
    };
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            unprotect(&entry?.path(), temporary)?;
        }
        return Ok(());
    }
    if meta.is_symlink() || meta.nlink() > 1 {
        let folder = path.parent().unwrap_or(Path::new("."));
        let fresh = tempfile::Builder::new()
            .prefix(temporary)
            .tempfile_in(folder)?;
        copy(path, fresh.path())?;
        fresh.persist(path).map_err(|error| error.error)?;
    }
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o200 == 0 || meta.is_symlink() || meta.nlink() > 1 {
        let exec = mode & 0o111;
        fs::set_permissions(path, fs::Permissions::from_mode(new_file_mode() | exec))?;
    }
    Ok(())
}

/// The files in a folder and those in it, sorted by path, without hidden ones; none if it does not exist.
///
/// # Errors
/// If a folder cannot be read.
pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => paths.append(&mut files_below(&entry.path())?),
            false => paths.push(entry.path()),
        }
    }
    paths.sort();
    Ok(paths)
}
