//! Files and folders that appear whole or not at all.
//!
//! Content goes into a hidden sibling, then takes the final name by rename. Siblings are listed as
//! [`leftovers`](crate::leftovers) while they are filled; after SIGKILL they stay, hidden, and are no
//! output.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::Builder;

use crate::leftovers::Leftover;

/// How names of temporary siblings start.
const PREFIX: &str = ".easylife-";

/// Writes `path` by `fill`: its folder is made where missing, a former file stays until the end.
///
/// # Errors
/// Those of the file system, and those of `fill`; the former file is then as it was.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(&folder)?;
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    readable_by_all(&mut builder);
    let file = builder.tempfile_in(&folder)?;
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
/// Those of the file system, and those of `fill`; the former folder is then as it was.
pub fn folder(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let parent = folder_of(path);
    fs::create_dir_all(&parent)?;
    let fresh = folder_in(&parent)?;
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
    let former = folder_in(parent)?;
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

fn folder_in(parent: &Path) -> io::Result<tempfile::TempDir> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
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
        let third = folder_in(dir.path()).unwrap();
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
