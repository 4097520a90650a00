//! Hashes of files from earlier runs, by inode, size and modification time: unchanged files are not
//! read again.
//!
//! A file may change twice within one clock tick. A hash computed right after a change is therefore
//! stored as unsure, and computed again by the next run.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use files::atomic;
use xxhash_rust::xxh3::xxh3_64;

use crate::md5::Md5;

const MAGIC: &[u8; 8] = b"elhash1\n";
const RECORD: usize = 8 + 8 + 8 + 16 + 1;
/// File systems store times to the precision of a kernel tick: 10 ms at worst.
const UNSURE: Duration = Duration::from_millis(20);
/// Maximum number of records kept for files that this run has not seen.
const SPARE: usize = 200_000;

/// Identifies a version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    inode: u64,
    size: u64,
    /// Nanoseconds since 1970.
    mtime: i64,
}

impl Key {
    /// Identifies the present version of a file by what the file system says of it.
    pub fn of(file: &std::fs::Metadata) -> Self {
        Self {
            inode: file.ino(),
            size: file.len(),
            mtime: file.mtime().saturating_mul(1_000_000_000) + file.mtime_nsec(),
        }
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How long to wait until a hash of the file is reliable.
    pub fn unsure_for(&self) -> Duration {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let changed = Duration::from_nanos(u64::try_from(self.mtime).unwrap_or(0));
        // A file from the future is not waited for; it stays unsure.
        match now.checked_sub(changed) {
            Some(age) => UNSURE.saturating_sub(age),
            None => UNSURE,
        }
    }
}

struct Known {
    md5: Md5,
    sure: bool,
    used: bool,
}

/// The hash table and its file.
pub struct State {
    file: PathBuf,
    known: HashMap<Key, Known>,
    changed: bool,
}

impl State {
    /// Reads the table; a damaged one counts as empty. Without a file name it is not stored.
    pub fn open(file: &Path) -> Self {
        let known = std::fs::read(file).ok().and_then(|bytes| parse(&bytes));
        Self {
            file: file.to_owned(),
            known: known.unwrap_or_default(),
            changed: false,
        }
    }

    /// The hash of a version of a file; `None` if it was never hashed, or right after a change.
    pub fn get(&mut self, key: &Key) -> Option<Md5> {
        let known = self.known.get_mut(key)?;
        known.used = true;
        known.sure.then_some(known.md5)
    }

    /// Stores a hash; `sure` if the file had not changed just before it was read.
    pub fn put(&mut self, key: Key, md5: Md5, sure: bool) {
        let used = true;
        self.known.insert(key, Known { md5, sure, used });
        self.changed = true;
    }

    /// Writes the table if it has changed.
    ///
    /// # Errors
    /// If the table cannot be written.
    pub fn save(&mut self) -> std::io::Result<()> {
        if !self.changed || self.file.as_os_str().is_empty() {
            return Ok(());
        }
        if self.known.len() > SPARE {
            self.known.retain(|_, known| known.used);
        }
        let mut bytes = Vec::with_capacity(16 + self.known.len() * RECORD);
        bytes.extend(MAGIC);
        for (key, known) in &self.known {
            bytes.extend(key.inode.to_le_bytes());
            bytes.extend(key.size.to_le_bytes());
            bytes.extend(key.mtime.to_le_bytes());
            bytes.extend(known.md5.0);
            bytes.push(u8::from(known.sure));
        }
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        atomic::write(&self.file, |out: &mut dyn Write| out.write_all(&bytes))?;
        self.changed = false;
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Option<HashMap<Key, Known>> {
    let (content, digest) = bytes.split_last_chunk::<8>()?;
    let records = content.strip_prefix(MAGIC)?;
    if u64::from_le_bytes(*digest) != xxh3_64(content) || records.len() % RECORD != 0 {
        return None;
    }
    let mut known = HashMap::with_capacity(records.len() / RECORD);
    for record in records.chunks_exact(RECORD) {
        let (inode, rest) = record.split_first_chunk::<8>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (mtime, rest) = rest.split_first_chunk::<8>()?;
        let (md5, rest) = rest.split_first_chunk::<16>()?;
        let key = Key {
            inode: u64::from_le_bytes(*inode),
            size: u64::from_le_bytes(*size),
            mtime: i64::from_le_bytes(*mtime),
        };
        let value = Known {
            md5: Md5(*md5),
            sure: rest == [1],
            used: false,
        };
        known.insert(key, value);
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_read_again_and_damage_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hashes");
        let key = Key {
            inode: 7,
            size: 8,
            mtime: 9,
        };
        let mut state = State::open(&file);
        state.put(key, Md5([3; 16]), true);
        state.save().unwrap();
        assert_eq!(State::open(&file).get(&key), Some(Md5([3; 16])));

        let mut bytes = std::fs::read(&file).unwrap();
        let last = bytes.len() - 20;
        bytes[last] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(State::open(&file).get(&key), None);
    }

    #[test]
    fn a_hash_taken_right_after_the_change_is_not_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        std::fs::write(&path, "x").unwrap();
        let key = Key::of(&std::fs::metadata(&path).unwrap());
        let mut state = State::open(&dir.path().join("hashes"));
        assert!(!key.unsure_for().is_zero());
        state.put(key, Md5([3; 16]), key.unsure_for().is_zero());
        assert_eq!(state.get(&key), None);
        std::thread::sleep(UNSURE);
        assert!(key.unsure_for().is_zero());
    }
}
