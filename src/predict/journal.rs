//! What a killed run leaves for `--resume`: how far it came, and of what.
//!
//! Written after every checkpoint by rename, so that it is always whole. It counts only what the
//! partial files are known to hold; whatever stands behind that is cut off.

use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::Options;
use artifact::Header;
use files::atomic;
use tables::{Compression, Format, Row};

/// The state of a run at a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// What is computed: version, model, options, format (see [`identity`]).
    pub identity: String,
    /// Records read so far, rejected ones included.
    pub records: u64,
    /// Rows written so far.
    pub rows: u64,
    /// Rejected so far.
    pub rejected: u64,
    /// Rows so far that say why they have no answer.
    pub failed: u64,
    /// Bytes of the partial output that hold the rows so far.
    pub output: u64,
    /// Bytes of the partial list of rejects.
    pub rejects: u64,
    /// Digest of the records so far: a resumed run must read the same again.
    pub input: String,
}

impl Journal {
    pub fn load(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec(self)?;
        atomic::write(path, |out| out.write_all(&text))
    }
}

/// Names a computation: two runs with the same identity and the same input write the same bytes.
pub(super) fn identity<D: std::fmt::Debug>(
    header: &Header<D>,
    options: &Options,
    context: &str,
    (format, compression): (Format, Compression),
) -> String {
    let text = format!(
        "{} {header:?} {options:?} {context} {format:?} {compression:?}",
        env!("CARGO_PKG_VERSION")
    );
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// A running digest over records.
#[derive(Default)]
pub(super) struct Digest(Xxh3);

impl Digest {
    pub fn update(&mut self, row: &Row) {
        for (kind, text) in row.cells() {
            self.0.update(&[kind as u8]);
            self.0.update(&(text.len() as u64).to_le_bytes());
            self.0.update(text.as_bytes());
        }
        self.0.update(&[u8::MAX]);
    }

    /// A record that could not be read counts too: by what was wrong with it.
    pub fn update_rejected(&mut self, reason: &str) {
        self.0.update(reason.as_bytes());
        self.0.update(&[u8::MAX - 1]);
    }

    pub fn hex(&self) -> String {
        format!("{:032x}", self.0.digest128())
    }
}
