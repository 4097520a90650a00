//! Files and folders that appear whole or not at all.
//!
//! Content goes into a hidden sibling, then takes the final name by rename. Siblings are listed as
//! [`leftovers`](crate::leftovers) while they are filled; after SIGKILL they stay, hidden, and are no
//! output, until the next run writes the same one.
//!
//! An output that is a symbolic link is followed: the file it points to is replaced, the link stays. Only
//! a link into a cache of DVC is replaced itself, since what a cache holds must never change.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::leftovers::Leftover;

/// How names of temporary siblings start.
const PREFIX: &str = ".easylife-";

/// Letters that are drawn for the end of such a name.
const DRAWN: usize = 6;

/// Writes `path` by `fill`: its folder is made where missing, a former file stays until the end.
///
/// # Errors
/// Those of the file system, and those of `fill`, with the name of the file before them; the former file
/// is then as it was.
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

/// Fills a folder by `fill` and puts it in the place of `path`, the former one whole until then.
///
/// # Errors
/// Those of the file system, and those of `fill`, with the name of the folder before them; the former
/// folder is then as it was.
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

/// Makes a folder and those around it; says where a file is in the way.
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

/// Links that may follow one another.
const LINKS: usize = 40;

/// Where an output goes: what a symbolic link points to, which need not be there yet.
///
/// # Errors
/// Where a link cannot be read, leads into a folder that is not there (a disk that is not mounted, say), or
/// links lead in a circle.
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
                    "it is a link into {}, which is not there",
                    folder_of(&place).display()
                );
                return Err(io::Error::new(io::ErrorKind::NotFound, reason));
            }
            _ => return Ok(place),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

/// Whether a file lies where DVC keeps contents by their hash: `files/md5/xx/...`.
fn is_cached(path: &Path) -> bool {
    let names: Vec<_> = path.components().map(|part| part.as_os_str()).collect();
    names
        .windows(3)
        .any(|at| at[0] == "files" && at[1] == "md5" && at[2].len() == 2)
}

/// Makes a temporary sibling that this process holds a lock on, so that no other run removes it. One that was
/// taken for left over between making and locking it is made again. Where the file system has no locks nothing
/// is removed.
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
    Err(io::Error::other("another run removes its temporary files"))
}

/// How the names of temporary siblings of an output start.
fn prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    let digest = crate::digest::bytes(name.as_encoded_bytes());
    format!("{PREFIX}{}-", &digest[..8])
}

/// Removes temporary siblings of an output that killed runs have left: those that nobody holds a lock on.
///
/// # Errors
/// Where the folder cannot be read.
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
            // Gone by now where another run has removed it, too. The lock is held meanwhile.
            let _ = match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(&place),
                false => fs::remove_file(&place),
            };
        }
    }
    Ok(())
}

/// Lets two folders swap names in one step; false where there is no former one, or where the file
/// system or the kernel cannot.
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

/// A folder cannot be renamed over one with files in it: the former one steps aside first. Killed in
/// between, there is none under the name.
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

/// Temporary files are private by default, outputs are not: mode 666 less the umask.
fn readable_by_all(builder: &mut Builder) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = builder;
}

/// The folder a path lies in; `.` for a bare name.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A rename is only safe from a power cut once the folder is on disk too.
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

    /// Nobody takes what another is about to fill for left over.
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
        assert!(error.to_string().ends_with("in a circle"));
        let error = write(&at("nowhere"), |_| Ok(())).unwrap_err();
        assert!(error.to_string().ends_with("unmounted, which is not there"));
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
