//! The journal that `--resume` continues from: the progress of an interrupted run, and what it computed.
//!
//! It is replaced by rename after every checkpoint, so that it is always complete. It counts only what the
//! partial files are known to hold; anything after that is truncated.

use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::AnswerOptions;
use files::atomic;
use tables::{Column, Compression, Format, Row};

/// The state of a run at a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// What is computed: version, model, options, format (see [`Identity`]).
    pub identity: String,
    /// Records read so far, rejected ones included.
    pub records: u64,
    /// Rows written so far.
    pub rows: u64,
    /// Rejected so far.
    pub rejected: u64,
    /// Rows so far that hold an error instead of an answer.
    pub failed: u64,
    /// Rows so far that hold a warning beside their answer.
    pub warned: u64,
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

/// Version of [`Identity`]; journals of other versions are not resumed.
pub(super) const IDENTITY: u32 = 2;

/// Identifies a computation: two runs with the same identity and the same input write the same bytes.
#[derive(Serialize)]
pub(super) struct Identity<'a, H> {
    /// [`IDENTITY`].
    pub format: u32,
    /// The version of this program.
    pub easylife: &'a str,
    /// The model's header, with the digest of its tensors' training data.
    pub model: &'a H,
    pub options: &'a AnswerOptions,
    /// A digest of everything else that the answers depend on, except the records.
    pub context: &'a str,
    pub output: OutputFormat,
    /// Columns of the output.
    pub columns: &'a [Column],
}

/// How rows are written.
#[derive(Serialize)]
pub(super) struct OutputFormat {
    format: &'static str,
    compression: &'static str,
}

impl From<(Format, Compression)> for OutputFormat {
    fn from((format, compression): (Format, Compression)) -> Self {
        Self {
            format: format.extension(),
            compression: match compression {
                Compression::None => "none",
                Compression::Gzip => "gzip",
                Compression::Zstd => "zstd",
            },
        }
    }
}

impl<H: Serialize> Identity<'_, H> {
    /// SHA-256 of its canonical JSON, in hex.
    pub fn digest(&self) -> serde_json::Result<String> {
        Ok(files::digest::bytes(&serde_json::to_vec(self)?))
    }
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

    /// Adds a record that could not be read, by its reason.
    pub fn update_rejected(&mut self, reason: &str) {
        self.0.update(reason.as_bytes());
        self.0.update(&[u8::MAX - 1]);
    }

    pub fn hex(&self) -> String {
        format!("{:032x}", self.0.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::ListOptions;

    /// A run must not be resumed if anything that its bytes depend on differs.
    #[test]
    fn everything_that_changes_the_answers_changes_the_identity() {
        let lists = |change: &dyn Fn(&mut ListOptions)| {
            let mut options = AnswerOptions::default();
            change(&mut options.lists);
            options
        };
        let columns = [Column::new("a")];
        let digest = |options: &AnswerOptions, context, format, columns| {
            let identity = Identity {
                format: IDENTITY,
                easylife: "1",
                model: &"model",
                options,
                context,
                output: (format, Compression::None).into(),
                columns,
            };
            identity.digest().unwrap()
        };
        let plain = AnswerOptions::default();
        let path = || Some("users.csv".into());
        let all = [
            digest(&plain, "", Format::Csv, &columns[..]),
            digest(&plain, "x", Format::Csv, &columns[..]),
            digest(&plain, "", Format::Tsv, &columns[..]),
            digest(&plain, "", Format::Csv, &[]),
            digest(&lists(&|l| l.k = Some(5)), "", Format::Csv, &columns[..]),
            digest(&lists(&|l| l.allow = path()), "", Format::Csv, &columns[..]),
            digest(&lists(&|l| l.deny = path()), "", Format::Csv, &columns[..]),
        ];
        let distinct: std::collections::HashSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        // The path of a table does not matter: its content is in the context.
        let elsewhere = lists(&|l| l.allow = Some("other/users.csv".into()));
        assert_eq!(digest(&elsewhere, "", Format::Csv, &columns[..]), all[5]);
    }
}
