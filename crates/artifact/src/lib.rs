//! The model file: a safetensors file whose header also describes the model.
//!
//! One metadata entry, `easylife`, holds canonical JSON of typed structs ([`Header`]): format
//! version, task, provenance, signature, what the task adds, and two digests. `sha256` covers the
//! tensor bytes, so that other readers can check it too; `header_sha256` covers the header itself,
//! with this digest's own digits replaced by zeros. So no byte of a file can change unnoticed. A
//! string table NAME is stored as the tensors `NAME.bytes` and `NAME.offsets`. This crate knows
//! [`State`] but no task.

#![deny(missing_docs)]

mod bytes;
pub mod difference;
mod error;
mod header;
#[cfg(test)]
mod hostile;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use safetensors::tensor::{self, Metadata};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

pub use error::{ArtifactError, Damage};
pub use header::{DataDigest, Details, Field, FieldType, Header, Provenance, Signature};
use header::{Entry, Preamble};

use models::state::State;

/// Version of the layout described above; files of any other version are refused.
pub const FORMAT: u32 = 2;

const ENTRY: &str = "easylife";
/// Number of bytes that hold the header's length at the start of a safetensors file.
const LENGTH: usize = 8;
/// The longest header that safetensors accepts, in bytes.
const LONGEST_HEADER: usize = 100_000_000;
/// The largest file that is read, in bytes (16 GiB). Loading takes about that much memory.
const LARGEST_FILE: u64 = 16 << 30;
const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A tensor as the file lists it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorInfo {
    /// The tensor's name.
    pub name: String,
    /// The type of its values, named as in safetensors but in lower case: `f64`.
    pub dtype: String,
    /// Its shape, outermost dimension first.
    pub shape: Vec<usize>,
    /// Total size of its values, in bytes.
    pub bytes: usize,
}

/// Writes a model file; an existing file stays until the new one is complete.
///
/// # Errors
/// [`Damage::NotFinite`] for a value that is not finite, since such a file could not be loaded; a
/// header too long for the format; an error of the file system.
///
/// # Examples
/// ```
/// use easylife_artifact::{DataDigest, Field, FieldType, Header, Provenance, Signature, load, save};
/// use models::state::State;
///
/// let header = Header {
///     task: "nlp".to_owned(),
///     provenance: Provenance {
///         version: "0.1.0".to_owned(),
///         seed: 42,
///         training: DataDigest { sha256: "0".repeat(64), rows: 3 },
///     },
///     signature: Signature {
///         inputs: vec![Field::new("text", FieldType::Text)],
///         ..Signature::default()
///     },
///     details: "what the task adds".to_owned(),
/// };
/// let mut state = State::default();
/// state.insert_f64("weights", &[2], vec![0.5, -0.25]);
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("nlp.safetensors");
/// save(&path, &header, state.clone()).unwrap();
/// let read = load::<String>(&path, "nlp").unwrap();
/// assert_eq!((read.header, read.state), (header, state));
///
/// // A byte that changes is noticed.
/// let mut bytes = std::fs::read(&path).unwrap();
/// *bytes.last_mut().unwrap() ^= 1;
/// std::fs::write(&path, bytes).unwrap();
/// assert!(load::<String>(&path, "nlp").is_err());
/// ```
pub fn save<D: Details>(
    path: &Path,
    header: &Header<D>,
    state: State,
) -> Result<(), ArtifactError> {
    let file = Outgoing::new(header, state).map_err(|damage| damage.in_file(path))?;
    files::atomic::write(path, |out| file.write(out)).map_err(ArtifactError::Write)
}

/// What a model file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents<D> {
    /// The description.
    pub header: Header<D>,
    /// The tensors.
    pub state: State,
    /// SHA-256 of the file's header, which holds that of the tensors, in hexadecimal: it is equal where two
    /// files are.
    pub digest: String,
}

/// Reads a model file of `task` and checks it completely.
///
/// The whole file is read into memory once, and the checked bytes are those that are used: lengths,
/// offsets, both digests, the format version, the task, and that every value is finite. Whether the
/// tensors describe a model is checked by `models::state::Stateful::take_state`.
///
/// # Errors
/// If the file cannot be read, fails a check, or belongs to another task.
pub fn load<D: Details>(path: &Path, task: &str) -> Result<Contents<D>, ArtifactError> {
    let file = read(path)?;
    parse(file.into(), task).map_err(|damage| damage.in_file(path))
}

fn parse<D: Details>(file: Cow<[u8]>, task: &str) -> Result<Contents<D>, Damage> {
    let Checked {
        entry,
        start,
        metadata,
    } = checked(&file)?;
    if entry.task != task {
        return Err(Damage::OtherTask {
            wanted: task.to_owned(),
            found: entry.task,
        });
    }
    // Its digest is right, so it was written like this.
    let header = entry.header();
    let header = header.map_err(|reason| Damage::other_version(task, Key(reason)))?;
    Ok(Contents {
        header,
        digest: entry.header_sha256,
        state: bytes::state(&metadata, file, start)?,
    })
}

/// Like [`load`], from bytes in memory; `name` replaces the path in errors.
///
/// # Errors
/// [`ArtifactError::Damaged`], with what is wrong.
pub fn from_bytes<D: Details>(
    bytes: &[u8],
    name: &str,
    task: &str,
) -> Result<Contents<D>, ArtifactError> {
    parse(bytes.into(), task).map_err(|damage| damage.in_file(Path::new(name)))
}

/// The description of a model file of any task, for display.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The header, with the task's part as JSON.
    pub header: Header<serde_json::Value>,
    /// The tensors, sorted by name.
    pub tensors: Vec<TensorInfo>,
}

/// Reads and checks a model file of any task, for display.
///
/// # Errors
/// If the file cannot be read or fails a check.
///
/// # Examples
/// ```
/// use easylife_artifact::{DataDigest, Header, Provenance, Signature, describe, save};
/// use models::state::State;
///
/// let header = Header {
///     task: "ts".to_owned(),
///     provenance: Provenance {
///         version: "0.1.0".to_owned(),
///         seed: 42,
///         training: DataDigest { sha256: "ab".to_owned(), rows: 3 },
///     },
///     signature: Signature::default(),
///     details: 7, // any type that serde knows
/// };
/// let mut state = State::default();
/// state.insert_f64("level", &[3], vec![1.0, 2.0, 3.0]);
/// let dir = tempfile::tempdir().unwrap();
/// let path = dir.path().join("ts.safetensors");
/// save(&path, &header, state).unwrap();
///
/// let found = describe(&path).unwrap();
/// assert_eq!(found.header.details, 7);
/// assert_eq!(
///     found.header.provenance.to_string(),
///     "trained on 3 rows (sha256 ab), seed 42, by version 0.1.0"
/// );
/// let tensor = &found.tensors[0];
/// assert_eq!((&*tensor.name, &*tensor.dtype, tensor.bytes), ("level", "f64", 24));
/// ```
pub fn describe(path: &Path) -> Result<Description, ArtifactError> {
    let file = read(path)?;
    description(file.into()).map_err(|damage| damage.in_file(path))
}

/// Like [`describe`], from bytes in memory; `name` replaces the path in errors.
///
/// # Errors
/// [`ArtifactError::Damaged`], with what is wrong.
pub fn describe_bytes(bytes: &[u8], name: &str) -> Result<Description, ArtifactError> {
    description(bytes.into()).map_err(|damage| damage.in_file(Path::new(name)))
}

/// The name of the first table of strings in a model file with a string for which `is` is true.
///
/// # Errors
/// [`ArtifactError::Damaged`], with what is wrong; `name` stands for the file.
///
/// # Examples
/// ```
/// # use easylife_artifact::{DataDigest, Header, Provenance, Signature, find_string, save};
/// # use models::state::State;
/// # let header = Header {
/// #     task: "recsys".to_owned(),
/// #     provenance: Provenance {
/// #         version: "0.1.0".to_owned(),
/// #         seed: 42,
/// #         training: DataDigest { sha256: "ab".to_owned(), rows: 3 },
/// #     },
/// #     signature: Signature::default(),
/// #     details: 7,
/// # };
/// let mut state = State::default();
/// state.insert_strings("users", vec!["ann".to_owned(), "bob".to_owned()]);
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("m.safetensors");
/// # save(&path, &header, state).unwrap();
/// # let bytes = std::fs::read(&path).unwrap();
/// let found = |word| find_string(&bytes, "m.safetensors", |string| string == word).unwrap();
/// assert_eq!(found("bob").as_deref(), Some("users"));
/// assert_eq!(found("nb"), None);
/// ```
pub fn find_string(
    bytes: &[u8],
    name: &str,
    is: impl Fn(&str) -> bool,
) -> Result<Option<String>, ArtifactError> {
    let state = || {
        let Checked {
            start, metadata, ..
        } = checked(bytes)?;
        bytes::state(&metadata, bytes.into(), start)
    };
    let state = state().map_err(|damage| damage.in_file(Path::new(name)))?;
    let mut tables = state.strings.into_iter();
    Ok(tables
        .find(|(_, strings)| strings.iter().any(|string| is(string)))
        .map(|(name, _)| name))
}

fn description(file: Cow<[u8]>) -> Result<Description, Damage> {
    let Checked {
        entry,
        start,
        metadata,
    } = checked(&file)?;
    let mut tensors: Vec<TensorInfo> = metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| TensorInfo {
            name,
            dtype: format!("{:?}", info.dtype).to_lowercase(),
            shape: info.shape.clone(),
            bytes: info.data_offsets.1 - info.data_offsets.0,
        })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    bytes::state(&metadata, file, start)?;
    Ok(Description {
        header: entry.header().map_err(unreadable)?,
        tensors,
    })
}

/// Reads the bytes of a file, as many as it has when it is opened. They are read once and the
/// checked bytes are the ones used: another process may change or truncate the file meanwhile.
fn read(path: &Path) -> Result<Vec<u8>, ArtifactError> {
    let io = |error| ArtifactError::Io {
        path: path.to_owned(),
        error,
    };
    let file = File::open(path).map_err(io)?;
    let found = file.metadata().map_err(io)?;
    if !found.is_file() {
        return Err(Damage::NotAFile.in_file(path));
    }
    let length = found.len();
    if length > LARGEST_FILE {
        return Err(Damage::TooLarge { length }.in_file(path));
    }
    let mut bytes = Vec::new();
    (bytes.try_reserve_exact(length as usize))
        .map_err(|_| io(io::ErrorKind::OutOfMemory.into()))?;
    file.take(length).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// A file to be written: its header with both digests, and the tensors that follow it.
struct Outgoing {
    head: Vec<u8>,
    tensors: Vec<bytes::Outgoing>,
}

impl Outgoing {
    fn new<D: Details>(header: &Header<D>, state: State) -> Result<Self, Damage> {
        let tensors = bytes::outgoing(state);
        for tensor in &tensors {
            if let Some(index) = tensor.not_finite() {
                let name = tensor.name.clone();
                return Err(Damage::NotFinite { name, index });
            }
        }
        let mut hasher = Hasher(Sha256::new());
        let hashed = tensors.iter().try_for_each(|t| t.write(&mut hasher));
        hashed.map_err(|e| Damage::Safetensors(e.to_string()))?;
        let digest = hex(&hasher.0.finalize());
        let entry = Entry::new(FORMAT, header, digest, NO_DIGEST.to_owned());
        let mut head = head(&entry, &tensors)?;
        let digest = hex(&Sha256::digest(&head));
        let digits = digits(&head, NO_DIGEST)?;
        head[digits].copy_from_slice(digest.as_bytes());
        Ok(Self { head, tensors })
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.head)?;
        self.tensors.iter().try_for_each(|tensor| tensor.write(out))
    }
}

/// Feeds bytes into a digest.
struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything before the tensors, as `safetensors::serialize` writes it: the length of the header,
/// then the header, padded with spaces to a multiple of 8 bytes.
fn head<D: Serialize>(entry: &Entry<D>, tensors: &[bytes::Outgoing]) -> Result<Vec<u8>, Damage> {
    let broken = |e: SafeTensorError| Damage::Safetensors(e.to_string());
    let text = serde_json::to_string(entry).map_err(|e| Damage::Entry(e.to_string()))?;
    let mut end = 0;
    let infos = tensors.iter().map(|tensor| {
        let start = end;
        end += tensor.length();
        let info = tensor::TensorInfo {
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
            data_offsets: (start, end),
        };
        (tensor.name.clone(), info)
    });
    let metadata = Metadata::new(Some([(ENTRY.to_owned(), text)].into()), infos.collect());
    let text = serde_json::to_string(&metadata.map_err(broken)?);
    let text = text.map_err(|e| Damage::Safetensors(e.to_string()))?;
    let length = text.len().next_multiple_of(LENGTH);
    if length > LONGEST_HEADER {
        return Err(broken(SafeTensorError::HeaderTooLarge));
    }
    let mut head = (length as u64).to_le_bytes().to_vec();
    head.extend_from_slice(text.as_bytes());
    head.resize(LENGTH + length, b' ');
    Ok(head)
}

/// The parts of a file whose digests and lengths have been verified.
struct Checked {
    /// The metadata entry; the task's part is not parsed yet.
    entry: Entry<Box<RawValue>>,
    /// Offset of the first tensor byte.
    start: usize,
    metadata: Metadata,
}

/// Checks everything that can be checked without knowing the task.
fn checked(file: &[u8]) -> Result<Checked, Damage> {
    let start = data_start(file)?;
    let (_, metadata) =
        SafeTensors::read_metadata(file).map_err(|e| Damage::Safetensors(e.to_string()))?;
    let data = &file[start..];
    if metadata.data_len() != data.len() {
        return Err(Damage::Length {
            expected: metadata.data_len(),
            found: data.len(),
        });
    }
    let entry = entry(&metadata)?;
    if entry.header_sha256 != header_digest(&file[..start], &entry.header_sha256)? {
        return Err(Damage::Digest("header"));
    }
    if entry.sha256 != hex(&Sha256::digest(data)) {
        return Err(Damage::Digest("tensors"));
    }
    Ok(Checked {
        entry,
        start,
        metadata,
    })
}

fn entry(metadata: &Metadata) -> Result<Entry<Box<RawValue>>, Damage> {
    let entries = metadata.metadata().as_ref().ok_or(Damage::NoEntry)?;
    let text = entries.get(ENTRY).ok_or(Damage::NoEntry)?;
    if entries.len() > 1 {
        return Err(Damage::Entry(format!("{} metadata entries", entries.len())));
    }
    // Read first: the other keys of another format may differ.
    let preamble: Preamble = serde_json::from_str(text).map_err(unreadable)?;
    if preamble.format != u64::from(FORMAT) {
        return Err(Damage::Format {
            found: preamble.format,
            version: preamble.version(),
        });
    }
    serde_json::from_str(text).map_err(unreadable)
}

/// A reason of serde_json without its place, which means nothing to a person here.
struct Key(serde_json::Error);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.split(" at line ").next().unwrap_or(&text))
    }
}

fn unreadable(error: serde_json::Error) -> Damage {
    Damage::Entry(error.to_string())
}

/// Returns the offset of the first tensor byte; refuses lengths that exceed the file.
fn data_start(file: &[u8]) -> Result<usize, Damage> {
    let length = file.first_chunk::<LENGTH>().ok_or(Damage::TooShort)?;
    let length = u64::from_le_bytes(*length);
    usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_add(LENGTH))
        .filter(|start| *start <= file.len())
        .ok_or(Damage::HeaderLength {
            length,
            file: file.len(),
        })
}

/// The digest of a header, with the digits of its own digest `own` replaced by zeros.
fn header_digest(header: &[u8], own: &str) -> Result<String, Damage> {
    let digits = digits(header, own)?;
    let mut hasher = Sha256::new();
    hasher.update(&header[..digits.start]);
    hasher.update(NO_DIGEST);
    hasher.update(&header[digits.end..]);
    Ok(hex(&hasher.finalize()))
}

/// The position of the digits of `header_sha256`.
fn digits(header: &[u8], digest: &str) -> Result<std::ops::Range<usize>, Damage> {
    let key = format!("\\\"header_sha256\\\":\\\"{digest}\\\"");
    let at = header
        .windows(key.len())
        .rposition(|window| window == key.as_bytes())
        .filter(|_| digest.len() == NO_DIGEST.len())
        .ok_or_else(|| Damage::Entry("header_sha256 is missing".to_owned()))?;
    let end = at + key.len() - "\\\"".len();
    Ok(end - digest.len()..end)
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Size of one value in bytes.
fn width(dtype: Dtype) -> usize {
    dtype.bitsize() / 8
}
