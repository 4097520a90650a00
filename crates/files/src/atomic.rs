//! Writes files and folders atomically: they appear complete or not at all.
//!
//! Content is written to a hidden sibling, which is then renamed to the final name. Siblings are
//! registered as [`leftovers`](crate::leftovers) while they are being filled. After SIGKILL they
//! remain, hidden, until the next run writes the same output.
//!
//! An output that is a symbolic link is followed: the target is replaced and the link stays. The
//! exception is a link into a DVC cache, which is itself replaced, since the content of a cache
//! must never change.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::leftovers::Leftover;

/// Prefix of the names of temporary siblings.
const PREFIX: &str = ".easylife-";

/// Number of random letters at the end of such a name.
const DRAWN: usize = 6;

/// Writes the file `path` with `fill`. Missing parent folders are created, and an existing file
/// stays until the new one is complete.
///
/// # Errors
/// An error of the file system or of `fill`, prefixed with the file's name; the existing file is
/// then unchanged.
///
/// # Examples
/// ```
/// use easylife_files::atomic;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("new/metrics.json");
/// atomic::write(&path, |out| out.write_all(b"{}"))?;
/// // A failure leaves the file as it was.
/// let failed = atomic::write(&path, |out| {
///     out.write_all(b"half")?;
///     Err(std::io::Error::other("out of words"))
/// });
/// assert!(failed.unwrap_err().to_string().ends_with("out of words"));
/// assert_eq!(std::fs::read(&path)?, b"{}");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let written = destination(path).and_then(|place| write_at(&place, fill));
    written.map_err(|error| named(path, &error))
}

fn write_at(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("it is not a file"));
    }
    let folder = folder_of(path);
    make_folder(&folder)?;
    remove_left(path)?;
    let prefix = prefix(path);
    let mut builder = Builder::new();
    builder.prefix(&prefix).rand_bytes(DRAWN);
    readable_by_all(&mut builder);
    let file = held(
        || {
            let file = builder.tempfile_in(&folder)?;
            let lock = file.as_file().try_lock();
            Ok((file, lock))
        },
        NamedTempFile::path,
    )?;
    let _listed = Leftover::new(file.path());
    let mut out = BufWriter::new(file.as_file());
    fill(&mut out)?;
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(&folder)
}

/// Fills a new folder with `fill` and replaces `path` with it; the existing folder stays intact
/// until then.
///
/// # Errors
/// An error of the file system or of `fill`, prefixed with the folder's name; the existing folder
/// is then unchanged.
///
/// # Examples
/// ```
/// use easylife_files::atomic;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("plots");
/// atomic::folder(&path, |folder| std::fs::write(folder.join("old.csv"), "1"))?;
/// atomic::folder(&path, |folder| std::fs::write(folder.join("new.csv"), "2"))?;
/// assert!(!path.join("old.csv").exists());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn folder(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let filled = destination(path).and_then(|place| folder_at(&place, fill));
    filled.map_err(|error| named(path, &error))
}

fn folder_at(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let parent = folder_of(path);
    make_folder(&parent)?;
    remove_left(path)?;
    let (fresh, _lock) = held(
        || {
            let fresh = folder_in(&parent, &prefix(path))?;
            let file = File::open(fresh.path())?;
            let lock = file.try_lock();
            Ok(((fresh, file), lock))
        },
        |(fresh, _)| fresh.path(),
    )?;
    let _listed = Leftover::new(fresh.path());
    fill(fresh.path())?;
    for entry in fs::read_dir(fresh.path())? {
        File::open(entry?.path())?.sync_all()?;
    }
    if !exchange(fresh.path(), path)? {
        step_aside(fresh.path(), path, &parent)?;
    }
    drop(fresh); // the former folder now, or nothing
    sync_folder(&parent)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot write {}: {error}", path.display()),
    )
}

/// Creates a folder and its parents; names the file that is in the way, if any.
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder).map_err(|error| {
        let in_the_way = folder.ancestors().find(|above| above.is_file());
        match in_the_way {
            Some(file) => io::Error::new(
                error.kind(),
                format!("{} is a file, not a folder", file.display()),
            ),
            None => error,
        }
    })
}

/// Maximum number of symbolic links to follow.
const LINKS: usize = 40;

/// Returns the path an output is written to: the target of a symbolic link, which need not exist
/// yet.
///
/// # Errors
/// If a link cannot be read, points into a folder that does not exist (an unmounted disk, for
/// example), or the links form a loop.
pub fn destination(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        match fs::symlink_metadata(&place) {
            Ok(there) if there.is_symlink() => {
                let next = folder_of(&place).join(fs::read_link(&place)?);
                if is_cached(&next) {
                    return Ok(place);
                }
                place = next;
            }
            _ if place != path && !folder_of(&place).is_dir() => {
                let reason = format!(
                    "it is a link into {}, which does not exist",
                    folder_of(&place).display()
                );
                return Err(io::Error::new(io::ErrorKind::NotFound, reason));
            }
            _ => return Ok(place),
        }
    }
    Err(io::Error::other("its symbolic links form a loop"))
}

/// Whether a path is inside a DVC cache, which stores files by their hash: `files/md5/xx/...`.
fn is_cached(path: &Path) -> bool {
    let names: Vec<_> = path.components().map(|part| part.as_os_str()).collect();
    names
        .windows(3)
        .any(|at| at[0] == "files" && at[1] == "md5" && at[2].len() == 2)
}

/// Creates a temporary sibling and locks it, so that no other run removes it. If another run took
/// it for a leftover between its creation and the lock, it is created again. On a file system
/// without locks nothing is ever removed.
fn held<T>(
    make: impl Fn() -> io::Result<(T, Result<(), TryLockError>)>,
    place: impl Fn(&T) -> &Path,
) -> io::Result<T> {
    const ATTEMPTS: usize = 16;
    for _ in 0..ATTEMPTS {
        let (made, lock) = make()?;
        let taken = matches!(lock, Err(TryLockError::WouldBlock));
        if !taken && place(&made).symlink_metadata().is_ok() {
            return Ok(made);
        }
    }
    Err(io::Error::other(
        "another run keeps removing its temporary files",
    ))
}

/// Prefix of the names of an output's temporary siblings.
fn prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    let digest = crate::digest::bytes(name.as_encoded_bytes());
    format!("{PREFIX}{}-", &digest[..8])
}

/// Removes the temporary siblings of an output that killed runs left behind: those that no process
/// has locked.
///
/// # Errors
/// If the folder cannot be read.
pub fn remove_left(path: &Path) -> io::Result<()> {
    let prefix = prefix(path);
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let drawn = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        if drawn.is_none_or(|drawn| drawn.len() != DRAWN) {
            continue;
        }
        let place = entry.path();
        let file = File::open(&place);
        if file.as_ref().is_ok_and(|file| file.try_lock().is_ok()) {
            // It is already gone if another run has removed it as well. The lock is held meanwhile.
            let _ = match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(&place),
                false => fs::remove_file(&place),
            };
        }
    }
    Ok(())
}

/// Swaps the names of two folders in one step. Returns false if there is no existing one, or if the
/// file system or the kernel does not support it.
#[cfg(target_os = "linux")]
fn exchange(fresh: &Path, path: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, fresh, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Moves the existing folder aside first, since a folder cannot be renamed over a non-empty one. If
/// the process is killed in between, no folder has the name.
fn step_aside(fresh: &Path, path: &Path, parent: &Path) -> io::Result<()> {
    let former = folder_in(parent, &prefix(path))?;
    let _listed = Leftover::new(former.path());
    let aside = former.path().join("former");
    match fs::rename(path, &aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(fresh, path).inspect_err(|_| {
        let _ = fs::rename(&aside, path);
    })
}

fn folder_in(parent: &Path, prefix: &str) -> io::Result<tempfile::TempDir> {
    let mut builder = Builder::new();
    builder.prefix(prefix).rand_bytes(DRAWN);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777)); // less the umask
    }
    builder.tempdir_in(parent)
}

/// Temporary files are private by default, but outputs are not: mode 666 minus the umask.
fn readable_by_all(builder: &mut Builder) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = builder;
}

/// The parent folder of a path; `.` for a bare name.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A rename survives a power cut only once the folder is on disk as well.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leftovers;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_fails_leaves_the_former_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/file");
        write(&path, |out| out.write_all(b"one")).unwrap();
        let failed = write(&path, |out| {
            out.write_all(b"tw")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(path.parent().unwrap()), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn outputs_are_as_readable_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, |_| Ok(())).unwrap();
        let plain = dir.path().join("plain");
        File::create(&plain).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }

    #[test]
    fn a_folder_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("parts");
        folder(&path, |f| fs::write(f.join("old"), "1")).unwrap();
        folder(&path, |f| fs::write(f.join("new"), "2")).unwrap();
        assert_eq!(names(&path), ["new"]);
        // As where the kernel cannot exchange.
        let third = folder_in(dir.path(), PREFIX).unwrap();
        fs::write(third.path().join("third"), "3").unwrap();
        step_aside(third.path(), &path, dir.path()).unwrap();
        drop(third);
        assert_eq!(names(&path), ["third"]);
        folder(&path, |f| fs::write(f.join("new"), "2")).unwrap();
        let failed = folder(&path, |f| {
            fs::write(f.join("half"), "3")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(names(&path), ["new"]);
        assert_eq!(names(dir.path()), ["parts"]);
    }

    #[test]
    fn what_a_killed_run_left_is_removed_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let left = dir.path().join(format!("{}abcdef", prefix(&path)));
        let left_folder = dir.path().join(format!("{}ghijkl", prefix(&path)));
        let held = dir.path().join(format!("{}mnopqr", prefix(&path)));
        fs::write(&left, "x").unwrap();
        fs::create_dir_all(left_folder.join("below")).unwrap();
        let file = File::create(&held).unwrap();
        file.lock().unwrap();
        let other = format!("{}abcdef", prefix(Path::new("other")));
        fs::write(dir.path().join(&other), "x").unwrap();
        write(&path, |out| out.write_all(b"1")).unwrap();
        let mut expected = vec!["out".to_owned(), other];
        expected.push(held.file_name().unwrap().to_str().unwrap().to_owned());
        expected.sort();
        assert_eq!(names(dir.path()), expected);
    }

    /// No run mistakes a file that another is about to fill for a leftover.
    #[test]
    fn runs_that_write_the_same_output_do_not_disturb_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        write(&path, |out| out.write_all(b"whole")).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(dir.path()), ["out"]);
    }

    #[test]
    fn errors_name_the_file() {
        let error = write(Path::new("/dev/null/x"), |_| Ok(())).unwrap_err();
        assert!(error.to_string().starts_with("cannot write /dev/null/x: "));
        let error = write(Path::new("/dev/null"), |_| Ok(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot write /dev/null: it is not a file"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_unless_into_a_cache() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("files/md5/ab")).unwrap();
        fs::create_dir_all(at("far")).unwrap();
        fs::write(at("files/md5/ab/cd"), "cached").unwrap();
        symlink("files/md5/ab/cd", at("of-dvc")).unwrap();
        symlink("second", at("first")).unwrap();
        symlink("far/file", at("second")).unwrap();
        symlink("far", at("folder")).unwrap();
        symlink("round", at("round")).unwrap();
        symlink("unmounted/file", at("nowhere")).unwrap();
        for name in ["of-dvc", "first"] {
            write(&at(name), |out| out.write_all(b"new")).unwrap();
            assert_eq!(fs::read(at(name)).unwrap(), b"new");
        }
        assert_eq!(fs::read(at("files/md5/ab/cd")).unwrap(), b"cached");
        assert!(at("first").is_symlink() && at("second").is_symlink());
        assert_eq!(fs::read(at("far/file")).unwrap(), b"new");
        folder(&at("folder"), |f| fs::write(f.join("x"), "1")).unwrap();
        assert!(at("folder").is_symlink());
        assert_eq!(names(&at("far")), ["x"]);
        let error = write(&at("round"), |_| Ok(())).unwrap_err();
        assert!(error.to_string().ends_with("form a loop"));
        let error = write(&at("nowhere"), |_| Ok(())).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("unmounted, which does not exist")
        );
        let error = write(&at("far/x/y"), |_| Ok(())).unwrap_err();
        assert!(error.to_string().ends_with("far/x is a file, not a folder"));
    }

    #[test]
    fn leftovers_are_known_while_they_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, |_| {
            assert!(leftovers::is_listed_below(dir.path()));
            Ok(())
        })
        .unwrap();
        assert!(!leftovers::is_listed_below(dir.path()));
    }
}
