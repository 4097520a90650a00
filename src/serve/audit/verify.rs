//! Verifies audit logs: reads them line by line, and names the first line that is not as it was written.
//!
//! The server reads its log in the same way when it starts, so that it never goes on from a chain that is broken.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Serialize, Serializer};

use super::chain::{self, Hash, Head, HeadFile, Hex, Record};
use super::key::{Part, PublicKey};

/// A line is shorter; a file without lines is not read into memory.
const LONGEST_LINE: u64 = 64 << 10;
/// How long a server may take to write the rest of a line.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is wrong with a line, or with the end of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("is not a record of an audit log")]
    Malformed,
    #[error(
        "{bytes} bytes without the end of a line: the line was cut, or never written to its end"
    )]
    Torn { bytes: u64 },
    #[error("record {found} begins the file, which only a record of kind `start` may")]
    NotStart { found: u64 },
    #[error("the file does not continue the one before it, which ends with record {last}")]
    OtherChain { last: u64 },
    #[error(
        "record {expected} is expected, record {found} is here: lines were cut, moved or added"
    )]
    Number { expected: u64, found: u64 },
    #[error(
        "the hash of record {n} does not follow from its text and the line before: one of them was edited"
    )]
    Hash { n: u64 },
    #[error("record {n} is not signed by the key {id}")]
    Signature { n: u64, id: String },
    #[error("record {n} of kind `{kind}` was added behind a start or an end, where none can be")]
    OutOfPlace { n: u64, kind: String },
    #[error("record {n} is another one than {} says: the log was rewritten", head.display())]
    Rewritten { n: u64, head: PathBuf },
    #[error("the log ends with record {last}, {} says {n}: {} records or more were cut", head.display(), n - last)]
    Cut { last: u64, n: u64, head: PathBuf },
    #[error("the log begins with record {first}, {} is about record {n}; name the log that has it, too", head.display())]
    HeadBefore { first: u64, n: u64, head: PathBuf },
    #[error("{} is missing, so records may have been cut behind record {last}", head.display())]
    NoHead { last: u64, head: PathBuf },
    #[error("the head is not signed by the key {id}")]
    HeadSignature { id: String },
    #[error("nothing is signed by the key {id}")]
    NothingSigned { id: String },
}

/// The first thing that is wrong.
#[derive(Debug, Serialize)]
pub struct Problem {
    pub file: PathBuf,
    pub line: u64,
    #[serde(rename = "reason", serialize_with = "as_text")]
    pub flaw: Flaw,
}

fn as_text<S: Serializer>(flaw: &Flaw, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(flaw)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { file, line, flaw } = self;
        write!(f, "{}, line {line}: {flaw}", file.display())
    }
}

/// Whether the head is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signed {
    /// There is no signature.
    No,
    /// There are signatures, and no key was given.
    NotChecked,
    /// Every signature is of the key.
    Valid,
}

/// What a log turned out to be.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// Whether nothing is wrong.
    sound: bool,
    files: Vec<PathBuf>,
    /// Records that are sound: all, or those before the problem.
    pub records: u64,
    /// Number of the first.
    first: u64,
    /// Number of the last.
    pub last: u64,
    /// Hash of the last.
    hash: String,
    /// Time of the first.
    begin: Option<String>,
    /// Time of the last.
    end: Option<String>,
    pub signed: Signed,
    /// Signatures in the log.
    pub signatures: u64,
    /// Records at the end that are behind the last signature.
    pub unsigned: u64,
    /// Times that a server ended without an `end`, so that records of its last moment may be missing.
    pub crashes: u64,
    /// Requests that were not recorded, since records could not be written for too long.
    pub lost: u64,
    pub problem: Option<Problem>,
}

/// Verifies a log, or several that continue each other, the oldest first. Its head is beside the last one, unless
/// `head` names a copy of it. With a key everything must be signed by it.
///
/// # Errors
/// A file that cannot be read, or a key that is not one. A broken log is no error: [`Verified`] has the problem.
pub fn verify(paths: &[PathBuf], key: Option<&Path>, head: Option<&Path>) -> Result<Verified> {
    let key = key.map(PublicKey::read).transpose()?;
    let last = paths.last().context("no log is named")?;
    let head_path = head.map_or_else(|| HeadFile::path(last), Path::to_owned);
    // Read before the log, which a server may be writing.
    let head = HeadFile::read(&head_path)?;
    let mut check = Check::new(key.as_ref(), head_path, head);
    let mut problem = None;
    for path in paths {
        problem = check.read(path)?;
        if problem.is_some() {
            break;
        }
    }
    let problem = problem.or_else(|| check.complete(last));
    Ok(check.verified(paths, problem))
}

/// What has been found so far.
pub struct Check<'k> {
    key: Option<&'k PublicKey>,
    head_path: PathBuf,
    head_file: Option<HeadFile>,
    /// The head that the log must reach.
    wanted: Option<Head>,
    /// The last sound record.
    at: Option<Head>,
    first: u64,
    records: u64,
    times: Option<(f64, f64)>,
    signatures: u64,
    unsigned: u64,
    crashes: u64,
    lost: u64,
    last: Last,
    /// Lines of the file that is being read.
    line: u64,
    /// Bytes of its sound lines.
    pub sound_bytes: u64,
}

/// What the last record was, as far as it matters to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Last {
    /// The server, or the file, has ended in order.
    is_ended: bool,
    /// The file ended because another one took its place.
    is_moved: bool,
    /// Nothing but a signature may follow, or another start.
    is_to_sign: bool,
}

impl<'k> Check<'k> {
    pub fn new(
        key: Option<&'k PublicKey>,
        head_path: PathBuf,
        head_file: Option<HeadFile>,
    ) -> Self {
        Self {
            key,
            head_path,
            wanted: head_file.as_ref().and_then(HeadFile::head),
            head_file,
            at: None,
            first: 0,
            records: 0,
            times: None,
            signatures: 0,
            unsigned: 0,
            crashes: 0,
            lost: 0,
            last: Last::default(),
            line: 0,
            sound_bytes: 0,
        }
    }

    /// The last sound record; none where there is no record.
    pub fn head(&self) -> Option<Head> {
        self.at
    }

    /// Whether something in the log or its head has a signature.
    pub fn is_signed(&self) -> bool {
        let head = self.head_file.as_ref();
        self.signatures > 0 || head.is_some_and(|head| head.signature.is_some())
    }

    /// Reads a file on from the one before.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&mut self, path: &Path) -> Result<Option<Problem>> {
        let cannot = || format!("cannot read {}", path.display());
        let mut reader = BufReader::new(File::open(path).with_context(cannot)?);
        let mut line = Vec::new();
        (self.line, self.sound_bytes) = (0, 0);
        loop {
            read_line(&mut reader, &mut line).with_context(cannot)?;
            if line.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            if let Err(flaw) = self.check_line(&line) {
                return Ok(Some(self.problem(path, flaw)));
            }
            self.sound_bytes += line.len() as u64;
        }
    }

    fn problem(&self, path: &Path, flaw: Flaw) -> Problem {
        Problem {
            file: path.to_owned(),
            line: self.line,
            flaw,
        }
    }

    fn check_line(&mut self, line: &[u8]) -> Result<(), Flaw> {
        let bytes = line.len() as u64;
        let line = match line.strip_suffix(b"\n") {
            Some(line) => line,
            None if bytes == LONGEST_LINE => return Err(Flaw::Malformed),
            None => return Err(Flaw::Torn { bytes }),
        };
        let (text, hash) = chain::split(line).ok_or(Flaw::Malformed)?;
        let record: Record<'_> = serde_json::from_slice(line).map_err(|_| Flaw::Malformed)?;
        let before = match (self.line, self.at) {
            (2.., Some(before)) => before,
            (_, before) => self.enter_file(&record, before)?,
        };
        let n = record.n;
        if Some(n) != before.n.checked_add(1) {
            let expected = before.n.saturating_add(1);
            return Err(Flaw::Number { expected, found: n });
        }
        if chain::follow(&before.hash, text) != hash {
            return Err(Flaw::Hash { n });
        }
        self.check_wanted(Head { n, hash })?;
        self.check_kind(&record, &before)?;
        self.count(&record, Head { n, hash });
        Ok(())
    }

    /// The first line of a file says what it follows.
    fn enter_file(&self, record: &Record<'_>, before: Option<Head>) -> Result<Head, Flaw> {
        let previous = record.previous.filter(|_| record.kind == "start");
        let previous: Hash = previous
            .and_then(|previous| chain::parse_hex(previous.as_bytes()))
            .ok_or(Flaw::NotStart { found: record.n })?;
        match before {
            Some(before) if before.hash != previous => Err(Flaw::OtherChain { last: before.n }),
            Some(before) => Ok(before),
            None => {
                let n = record.n.checked_sub(1).ok_or(Flaw::Malformed)?;
                let before = Head { n, hash: previous };
                if n == 0 && before != Head::default() {
                    return Err(Flaw::Hash { n: record.n });
                }
                self.check_wanted(before)?;
                Ok(before)
            }
        }
    }

    fn check_wanted(&self, at: Head) -> Result<(), Flaw> {
        match self.wanted {
            Some(wanted) if wanted.n == at.n && wanted.hash != at.hash => Err(Flaw::Rewritten {
                n: at.n,
                head: self.head_path.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn check_kind(&self, record: &Record<'_>, before: &Head) -> Result<(), Flaw> {
        let is_signed = self.key.is_some() || self.signatures > 0;
        let may_follow: &[&str] = match self.last {
            Last {
                is_to_sign: true, ..
            } if is_signed => &["head", "torn", "start"],
            Last { is_ended: true, .. } => &["head", "start"],
            _ => &[record.kind],
        };
        if !may_follow.contains(&record.kind) {
            let kind = record.kind.to_owned();
            return Err(Flaw::OutOfPlace { n: record.n, kind });
        }
        let signature = record.signature.unwrap_or("");
        match self.key {
            Some(key) if record.kind == "head" && !key.verifies(Part::Log, before, signature) => {
                let id = key.id.clone();
                Err(Flaw::Signature { n: before.n, id })
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, record: &Record<'_>, at: Head) {
        let is_first = self.records == 0;
        if is_first {
            self.first = at.n;
        }
        self.at = Some(at);
        let begin = self.times.map_or(record.time, |(begin, _)| begin);
        self.times = Some((begin, record.time));
        self.records += 1;
        self.unsigned += 1;
        match record.kind {
            "start" => {
                self.crashes += u64::from(!is_first && !self.last.is_ended);
                self.last = Last {
                    is_to_sign: true,
                    ..Last::default()
                };
            }
            "end" => {
                self.last = Last {
                    is_ended: true,
                    is_moved: record.reason == Some("reopen"),
                    is_to_sign: true,
                };
            }
            "head" => {
                self.signatures += 1;
                self.unsigned = 0;
                self.last.is_to_sign = false;
            }
            "torn" => {}
            kind => {
                let lost = record.records.filter(|_| kind == "lost");
                self.lost = self.lost.saturating_add(lost.unwrap_or(0));
                self.last = Last::default();
            }
        }
    }

    /// Whether the log reaches what its head says, once all files are read.
    pub fn complete(&self, log: &Path) -> Option<Problem> {
        let problem = || Some(self.problem(log, self.check_end()?));
        self.check_head_file().or_else(problem)
    }

    /// Whether the head beside the log is signed, where a key is given.
    pub fn check_head_file(&self) -> Option<Problem> {
        let (key, file) = (self.key?, self.head_file.as_ref()?);
        let signature = file.signature.as_deref().unwrap_or("");
        let is_valid = key.verifies(Part::HeadFile, &file.head()?, signature);
        (!is_valid).then(|| Problem {
            file: self.head_path.clone(),
            line: 1,
            flaw: Flaw::HeadSignature { id: key.id.clone() },
        })
    }

    fn check_end(&self) -> Option<Flaw> {
        let last = self.at.map_or(0, |at| at.n);
        let head = self.head_path.clone();
        if let (Some(key), 0) = (self.key, self.signatures) {
            let id = key.id.clone();
            return Some(Flaw::NothingSigned { id });
        }
        match self.wanted {
            Some(Head { n, .. }) if n > last => Some(Flaw::Cut { last, n, head }),
            Some(Head { n, .. }) if n + 1 < self.first => {
                let first = self.first;
                Some(Flaw::HeadBefore { first, n, head })
            }
            Some(_) => None,
            // The head went on with the file that took its place; that it ended there is in the log.
            None if self.last.is_moved && !self.last.is_to_sign => None,
            None if self.last.is_moved && self.signatures == 0 => None,
            None => Some(Flaw::NoHead { last, head }),
        }
    }

    fn verified(self, paths: &[PathBuf], problem: Option<Problem>) -> Verified {
        let signed = match (self.is_signed(), self.key) {
            (false, _) => Signed::No,
            (true, None) => Signed::NotChecked,
            (true, Some(_)) => Signed::Valid,
        };
        let at = self.at.unwrap_or_default();
        Verified {
            sound: problem.is_none(),
            files: paths.to_vec(),
            records: self.records,
            first: self.first,
            last: at.n,
            hash: Hex(&at.hash).to_string(),
            begin: self.times.and_then(|(begin, _)| spell_time(begin)),
            end: self.times.and_then(|(_, end)| spell_time(end)),
            signed,
            signatures: self.signatures,
            unsigned: self.unsigned,
            crashes: self.crashes,
            lost: self.lost,
            problem,
        }
    }
}

/// Reads the next line with its end; at the end of a file waits once for the rest that a server is writing.
fn read_line(reader: &mut BufReader<File>, line: &mut Vec<u8>) -> std::io::Result<()> {
    line.clear();
    for is_last_try in [false, true] {
        let room = LONGEST_LINE - line.len() as u64;
        reader.by_ref().take(room).read_until(b'\n', line)?;
        if is_last_try
            || line.is_empty()
            || line.ends_with(b"\n")
            || line.len() as u64 == LONGEST_LINE
        {
            break;
        }
        std::thread::sleep(PATIENCE);
    }
    Ok(())
}

/// As RFC 3339 has it, in UTC.
fn spell_time(seconds: f64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()?;
    Some(format!("{time:.3}"))
}

impl Verified {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.sound
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            records,
            first,
            last,
            hash,
            ..
        } = self;
        if let Some(problem) = &self.problem {
            writeln!(f, "BROKEN {problem}")?;
            return match records {
                0 => Ok(()),
                _ => writeln!(f, "sound are records {first} to {last} before it"),
            };
        }
        let (begin, end) = (self.begin.as_deref(), self.end.as_deref());
        let (begin, end) = (begin.unwrap_or("-"), end.unwrap_or("-"));
        writeln!(
            f,
            "sound: {records} records, {first} to {last}, from {begin} to {end}"
        )?;
        writeln!(f, "head: {last} {hash}")?;
        match self.signed {
            Signed::No => writeln!(f, "not signed: who can write the log can make another one")?,
            Signed::NotChecked => {
                writeln!(f, "signatures are not checked; name the key with --key")?
            }
            Signed::Valid => writeln!(f, "signed: {} signatures are valid", self.signatures)?,
        }
        let behind = match self.signed {
            Signed::No => 0,
            _ => self.unsigned,
        };
        for (what, count) in [
            ("records behind the last signature", behind),
            (
                "ends of a server that it did not record, each maybe with its last requests",
                self.crashes,
            ),
            (
                "requests that were not recorded, since the log could not be written",
                self.lost,
            ),
        ] {
            if count > 0 {
                writeln!(f, "{what}: {count}")?;
            }
        }
        Ok(())
    }
}
