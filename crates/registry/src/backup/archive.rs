//! Backups as plain tar files (POSIX ustar), so that any tar can list and unpack them.
//!
//! All but the content of the entries follows from their names and lengths, and on reading it is
//! compared byte for byte: there is no place in a file that is neither compared nor covered by a
//! digest.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::{BackupError, MANIFEST};
use crate::store::{Object, Stored};

/// Everything is a multiple of this length.
const BLOCK: usize = 512;

/// The end of a tar file.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The header of an entry.
///
/// # Errors
/// If the name is too long for one.
pub(super) fn header(name: &str, bytes: u64) -> io::Result<[u8; BLOCK]> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(*header.as_bytes())
}

/// What stands between content of a length and the next header.
pub(super) fn padding(bytes: u64) -> &'static [u8] {
    let over = (bytes % BLOCK as u64) as usize;
    &END[..(BLOCK - over) % BLOCK]
}

/// A tar file whose frame was checked: everything but the content of the objects.
#[derive(Debug)]
pub(super) struct TarFile {
    path: PathBuf,
    /// Where the content of each object begins, in the order of the manifest.
    starts: Vec<u64>,
}

impl TarFile {
    /// Reads manifest and frame. Returns the bytes of the manifest as well.
    pub fn open(path: &Path) -> Result<(Self, Manifest, Vec<u8>), BackupError> {
        let mut frame = Frame::open(path)?;
        let bytes = frame.manifest()?;
        let manifest = Manifest::decode(&bytes)?;
        let mut starts = Vec::new();
        for object in &manifest.objects {
            starts.push(frame.pass(object)?);
        }
        frame.end()?;
        let path = path.to_owned();
        Ok((Self { path, starts }, manifest, bytes))
    }

    /// Opens object `index` of the manifest.
    pub fn read(&self, index: usize, object: &Stored) -> io::Result<Object> {
        let start = self.starts.get(index).ok_or(io::ErrorKind::NotFound)?;
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(*start))?;
        Ok(Object {
            bytes: object.bytes,
            reader: Box::new(file.take(object.bytes)),
        })
    }
}

/// Walks through a tar file and compares it with what it has to be.
struct Frame<'p> {
    path: &'p Path,
    file: BufReader<File>,
    length: u64,
    at: u64,
}

impl<'p> Frame<'p> {
    fn open(path: &'p Path) -> Result<Self, BackupError> {
        let failed = |error| BackupError::read(path.display(), error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self {
            path,
            file: BufReader::new(file),
            length,
            at: 0,
        })
    }

    fn wrong(&self, what: &str) -> BackupError {
        BackupError::Tar {
            path: self.path.display().to_string(),
            reason: format!("{what} at byte {}", self.at),
        }
    }

    /// Reads `bytes` bytes, which must be there.
    fn read(&mut self, bytes: u64) -> Result<Vec<u8>, BackupError> {
        if bytes > self.length.saturating_sub(self.at) {
            return Err(self.wrong("it ends before what begins"));
        }
        let mut read = Vec::new();
        let taken = (&mut self.file).take(bytes).read_to_end(&mut read);
        taken.map_err(|error| BackupError::read(self.path.display(), error))?;
        if read.len() as u64 != bytes {
            return Err(self.wrong("it ends before what begins"));
        }
        self.at += bytes;
        Ok(read)
    }

    /// Reads what is known beforehand.
    fn expect(&mut self, expected: &[u8], what: &str) -> Result<(), BackupError> {
        match self.read(expected.len() as u64)? == expected {
            true => Ok(()),
            false => Err(self.wrong(what)),
        }
    }

    /// The first entry.
    fn manifest(&mut self) -> Result<Vec<u8>, BackupError> {
        let found = self.read(BLOCK as u64)?;
        let stated = tar::Header::from_byte_slice(&found).entry_size();
        let same = |bytes: &u64| header(MANIFEST, *bytes).is_ok_and(|header| header[..] == found);
        let Some(bytes) = stated.ok().filter(same) else {
            return Err(self.wrong("there is no manifest before the block"));
        };
        let manifest = self.read(bytes)?;
        self.expect(padding(bytes), "wrong padding before the block")?;
        Ok(manifest)
    }

    /// Passes over an object; returns where its content begins.
    fn pass(&mut self, object: &Stored) -> Result<u64, BackupError> {
        let what = format!("another entry than {} before the block", object.key);
        let header = header(object.key.as_str(), object.bytes).map_err(|_| self.wrong(&what))?;
        self.expect(&header, &what)?;
        let start = self.at;
        if object.bytes > self.length.saturating_sub(start) {
            return Err(self.wrong(&format!("it ends within {}", object.key)));
        }
        self.at += object.bytes;
        self.file
            .seek(SeekFrom::Start(self.at))
            .map_err(|error| BackupError::read(self.path.display(), error))?;
        self.expect(padding(object.bytes), "wrong padding before the block")?;
        Ok(start)
    }

    fn end(&mut self) -> Result<(), BackupError> {
        self.expect(&END, "wrong end before the block")?;
        match self.at == self.length {
            true => Ok(()),
            false => Err(self.wrong("more than a backup begins")),
        }
    }
}
