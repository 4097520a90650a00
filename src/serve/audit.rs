//! The audit log: who asked which model when, and how that ended, in a file in which nothing can be changed unseen.
//!
//! Requests add records in memory; a thread numbers them, chains them by their hashes ([`chain`]) and writes them. A
//! line that is cut, moved or edited breaks the chain. So that a tail that was cut and a chain that was computed anew
//! are found, too, the head of the chain is signed at intervals ([`key`]), in the log and in a file beside it.
//! [`verify`] finds what was done.
//!
//! Records begin with `n`, `time` and `kind`, and end with `hash`. Between them is:
//!
//! | kind | written | members |
//! |---|---|---|
//! | `start` | first in a file, and when a server starts | `reason`: `start` or `reopen`; `format`, `version`, `previous` |
//! | `torn` | after a `start` that found half a line, which it cut off | `bytes` |
//! | `request` | for each that asks a model, is refused, or loads or unloads | `who`, `method`, `route`, `model`, `digest`, `status`, `rows`, `id` |
//! | `lost` | when more requests came than [`ROOM`] holds while the disk did not take them | `records`: how many |
//! | `head` | every [`SIGNED_RECORDS`] records or [`SIGNED_INTERVAL`], after a start and an end | `key`, `signature` of the line before it |
//! | `end` | last in a file | `reason`: `stop` or `reopen` |
//!
//! No record has anything of a request's content.

mod chain;
mod key;
#[cfg(test)]
mod tests;
mod verify;

pub use verify::verify;

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use server::Access;

use self::chain::{Head, HeadFile, Hex};
use self::key::{Part, Signer};
use self::verify::{Check, Flaw};
use crate::exit;
use crate::talk::Talk;

/// Bytes that are collected before the thread is woken.
const BLOCK: usize = 32 << 10;
/// Bytes that may wait, some 60,000 records.
const ROOM: usize = 16 << 20;
/// How long a record may wait.
const INTERVAL: Duration = Duration::from_millis(500);
/// Records after which the head is signed, though not sooner than [`SIGNED_PAUSE`] after the last time.
const SIGNED_RECORDS: u64 = 1_000;
/// How long a record may be without a signature behind it.
const SIGNED_INTERVAL: Duration = Duration::from_secs(60);
/// Each signature waits for the disk: under load more of them would be in the way.
const SIGNED_PAUSE: Duration = Duration::from_secs(1);
/// The version of the format.
const FORMAT: u32 = 1;
/// Routes that change what is served. They are recorded even if they were refused.
const ADMIN: [&str; 2] = [
    "/v2/repository/models/{model}/load",
    "/v2/repository/models/{model}/unload",
];

/// An audit log that is being written.
pub struct Audit {
    path: PathBuf,
    waiting: Mutex<Waiting>,
    grown: Condvar,
    writer: Mutex<Writer>,
}

/// Requests that are not in the chain yet.
#[derive(Default)]
struct Waiting {
    /// The members of each, on a line.
    lines: Vec<u8>,
    lost: u64,
}

/// The end of the chain, which one thread at a time adds to.
struct Writer {
    path: PathBuf,
    file: File,
    signer: Option<Signer>,
    head: Head,
    /// Lines of the chain that are not written yet. After an error the rest of them is written first.
    chained: Vec<u8>,
    /// Takes turns with the lines of [`Waiting`].
    taken: Vec<u8>,
    /// Records since the last signature.
    unsigned: u64,
    signed_at: Instant,
    is_ended: bool,
}

/// Lines are added and taken whole, so a poisoned lock is whole, too.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Audit {
    /// Opens a log, and goes on with the chain of an existing one. `key` signs it.
    ///
    /// # Errors
    /// A file that cannot be written or that another server writes, a key that is not one (exit 2), and an existing
    /// log that is broken or of another key (exit 4).
    pub fn open(path: &Path, key: Option<&Path>) -> Result<Self> {
        let signer = key.map(Signer::read).transpose()?;
        let cannot = || format!("cannot write {}", path.display());
        let file = open_locked(path).with_context(cannot)?;
        let resumed = Resumed::read(path, signer.as_ref())?;
        if resumed.torn > 0 {
            file.set_len(resumed.sound_bytes).with_context(cannot)?;
        }
        let mut writer = Writer {
            path: path.to_owned(),
            file,
            signer,
            head: resumed.head,
            chained: Vec::new(),
            taken: Vec::new(),
            unsigned: 0,
            signed_at: Instant::now(),
            is_ended: false,
        };
        writer.begin("start", resumed.torn).with_context(cannot)?;
        Ok(Self {
            path: path.to_owned(),
            waiting: Mutex::default(),
            grown: Condvar::new(),
            writer: Mutex::new(writer),
        })
    }

    /// Whether [`Audit::open`] would take a log and a key. Writes nothing.
    ///
    /// # Errors
    /// As there.
    pub fn check(path: &Path, key: Option<&Path>) -> Result<()> {
        let signer = key.map(Signer::read).transpose()?;
        match path.exists() {
            true => Resumed::read(path, signer.as_ref()).map(drop),
            false => Ok(()),
        }
    }

    /// Starts the thread that writes, which ends with the log. It says when the log cannot be written, once.
    pub fn start(self: &Arc<Self>, talk: Talk) {
        let audit = Arc::downgrade(self);
        std::thread::spawn(move || {
            let mut is_failing = false;
            while let Some(audit) = audit.upgrade() {
                audit.wait(is_failing);
                let flushed = audit.flush();
                let shown = audit.path.display();
                match &flushed {
                    Err(error) if !is_failing => talk.warn(format!(
                        "the audit log {shown} cannot be written: {error}; records wait in memory, and are counted \
                         as lost beyond {} MB",
                        ROOM >> 20
                    )),
                    Ok(()) if is_failing => talk.note(format!("the audit log {shown} is written again")),
                    _ => {}
                }
                is_failing = flushed.is_err();
            }
        });
    }

    /// Waits until there is something to write; where that fails, for a moment in any case.
    fn wait(&self, is_failing: bool) {
        if is_failing {
            return std::thread::sleep(INTERVAL);
        }
        let few = |waiting: &mut Waiting| waiting.lines.len() < BLOCK;
        let waiting = lock(&self.waiting);
        drop(self.grown.wait_timeout_while(waiting, INTERVAL, few));
    }

    /// Records a request, if it asked a model, was refused, or was to change what is served.
    pub fn record(&self, access: &Access<'_>) {
        if !is_recorded(access) {
            return;
        }
        let mut waiting = lock(&self.waiting);
        let before = waiting.lines.len();
        if before >= ROOM {
            waiting.lost += 1;
            return;
        }
        write_request(access, &mut waiting.lines);
        if before < BLOCK && waiting.lines.len() >= BLOCK {
            self.grown.notify_one();
        }
    }

    /// Writes what waits, and signs it where that is due.
    ///
    /// # Errors
    /// A file that cannot be written. Nothing is lost then: the next time goes on from there.
    pub fn flush(&self) -> io::Result<()> {
        let mut writer = lock(&self.writer);
        self.drain(&mut writer)?;
        match writer.is_due() {
            true => writer.sign(),
            false => Ok(()),
        }
    }

    /// Opens the file anew, if it was moved away: the chain ends in the old one and goes on in the new one. Where that
    /// fails, the old one is kept.
    ///
    /// # Errors
    /// A file that cannot be written, or one that has something in it.
    pub fn reopen(&self) -> io::Result<()> {
        let mut writer = lock(&self.writer);
        self.drain(&mut writer)?;
        if is_at(&writer.file, &self.path)? {
            return Ok(());
        }
        if std::fs::metadata(&self.path).is_ok_and(|found| found.len() > 0) {
            let reason = format!("{} is not empty", self.path.display());
            return Err(io::Error::other(reason));
        }
        // First, so that a server that is killed meanwhile has left a head to go on from.
        writer.end("reopen")?;
        writer.file = open_locked(&self.path)?;
        writer.begin("reopen", 0)
    }

    /// Writes what waits, and that the server has ended in order.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(&self) -> io::Result<()> {
        let mut writer = lock(&self.writer);
        self.drain(&mut writer)?;
        writer.end("stop")
    }

    fn drain(&self, writer: &mut Writer) -> io::Result<()> {
        // Until it is written, records wait where they are counted.
        writer.write()?;
        // Where another file could not take its place, the old one goes on.
        if writer.is_ended && !lock(&self.waiting).lines.is_empty() {
            writer.begin("reopen", 0)?;
        }
        let lost = {
            let mut waiting = lock(&self.waiting);
            std::mem::swap(&mut waiting.lines, &mut writer.taken);
            std::mem::take(&mut waiting.lost)
        };
        writer.chain(lost);
        writer.write()
    }
}

impl Writer {
    /// Adds a record to the chain.
    fn push(&mut self, members: fmt::Arguments<'_>) {
        let mut record = Vec::new();
        write_time(&mut record);
        // Writing to memory does not fail.
        let _ = record.write_fmt(members);
        self.head.append(&record, &mut self.chained);
        self.unsigned += 1;
    }

    /// Adds the requests that were taken to the chain, and how many there was no room for.
    fn chain(&mut self, lost: u64) {
        let lines = self.taken.split(|byte| *byte == b'\n');
        for members in lines.filter(|members| !members.is_empty()) {
            self.head.append(members, &mut self.chained);
            self.unsigned += 1;
        }
        self.taken.clear();
        if lost > 0 {
            self.push(format_args!(r#""kind":"lost","records":{lost},"#));
        }
    }

    /// Begins in a file, or anew in the same one; `torn` bytes of half a line were found there.
    fn begin(&mut self, reason: &str, torn: u64) -> io::Result<()> {
        let previous = self.head.hash;
        self.push(format_args!(
            r#""kind":"start","reason":"{reason}","format":{FORMAT},"version":"{}","previous":"{}","#,
            env!("CARGO_PKG_VERSION"),
            Hex(&previous)
        ));
        if torn > 0 {
            self.push(format_args!(r#""kind":"torn","bytes":{torn},"#));
        }
        self.is_ended = false;
        self.sign()
    }

    /// Ends in order, once.
    fn end(&mut self, reason: &str) -> io::Result<()> {
        if !self.is_ended {
            self.push(format_args!(r#""kind":"end","reason":"{reason}","#));
            self.is_ended = true;
        }
        self.sign()
    }

    fn is_due(&self) -> bool {
        let passed = self.signed_at.elapsed();
        let is_late = self.unsigned > 0 && passed >= SIGNED_INTERVAL;
        is_late || (self.unsigned >= SIGNED_RECORDS && passed >= SIGNED_PAUSE)
    }

    /// Signs the head in the log, then in the file beside it. That file never says more than is on the disk.
    fn sign(&mut self) -> io::Result<()> {
        self.signed_at = Instant::now();
        if let Some(signer) = &self.signer {
            let signature = signer.sign(Part::Log, &self.head);
            let id = signer.public().id.clone();
            self.push(format_args!(
                r#""kind":"head","key":"{id}","signature":"{signature}","#
            ));
        }
        self.write()?;
        self.file.sync_data()?;
        HeadFile::write(&self.path, &self.head, self.signer.as_ref())?;
        self.unsigned = 0;
        Ok(())
    }

    /// Writes the lines of the chain; after an error those that are left stay for the next time.
    fn write(&mut self) -> io::Result<()> {
        let mut written = 0;
        let mut ended = Ok(());
        while ended.is_ok() && written < self.chained.len() {
            match self.file.write(&self.chained[written..]) {
                Ok(0) => ended = Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => ended = Err(error),
            }
        }
        self.chained.drain(..written);
        ended
    }
}

/// Opens a file to add to, and locks it: two servers would break each other's chain.
fn open_locked(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Who asked what and when is nobody else's business.
    options.create(true).append(true).mode(0o600);
    let file = options.open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let reason = format!("another server writes {}", path.display());
            Err(io::Error::other(reason))
        }
        // There are file systems without locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Whether a path still leads to a file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where a server goes on with a log.
struct Resumed {
    head: Head,
    /// Bytes of half a line at the end.
    torn: u64,
    /// Bytes of the lines before.
    sound_bytes: u64,
}

impl Resumed {
    /// Where the chain of a log ends, which must be sound, except for half a line that a power cut left.
    fn read(path: &Path, signer: Option<&Signer>) -> Result<Self> {
        let head_path = HeadFile::path(path);
        let shown = path.display();
        let refuse = |reason: String| {
            exit::data(format!(
                "{reason}. A server goes on with a sound log only; to begin a new one, move {shown} and {} away",
                head_path.display()
            ))
        };
        let head_file = HeadFile::read(&head_path)?;
        let wanted = head_file.as_ref().and_then(HeadFile::head);
        let mut check = Check::new(signer.map(Signer::public), head_path.clone(), head_file);
        let torn = match check.read(path)? {
            None => 0,
            Some(problem) => match problem.flaw {
                Flaw::Torn { bytes } => bytes,
                _ => return Err(refuse(problem.to_string())),
            },
        };
        if signer.is_none() && check.is_signed() {
            return Err(refuse(format!(
                "{shown} is signed, and no audit-key is given"
            )));
        }
        let problem = match check.head() {
            Some(_) => check.complete(path),
            // The log was moved away while no server ran, or it is the first one.
            None => check.check_head_file(),
        };
        match problem {
            Some(problem) => Err(refuse(problem.to_string())),
            None => Ok(Self {
                head: check.head().or(wanted).unwrap_or_default(),
                torn,
                sound_bytes: check.sound_bytes,
            }),
        }
    }
}

fn is_recorded(access: &Access<'_>) -> bool {
    !access.model.is_empty() || matches!(access.status, 401 | 403) || ADMIN.contains(&access.route)
}

/// The time, to milliseconds.
fn write_time(out: &mut Vec<u8>) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let _ = write!(
        out,
        r#""time":{}.{:03},"#,
        now.as_secs(),
        now.subsec_millis()
    );
}

/// The members of a request's record, on a line.
fn write_request(access: &Access<'_>, out: &mut Vec<u8>) {
    write_time(out);
    let _ = writeln!(
        out,
        r#""kind":"request","who":{},"method":"{}","route":"{}","model":{},"digest":{},"status":{},"rows":{},"id":{},"#,
        Text(access.who),
        access.method,
        access.route,
        Text(access.model),
        Text(access.version),
        access.status,
        access.rows,
        Text(access.request_id)
    );
}

/// A text as JSON. Most need no escapes.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if self.0.bytes().all(is_plain) {
            f.write_str("\"")?;
            f.write_str(self.0)?;
            return f.write_str("\"");
        }
        let escaped = serde_json::to_string(self.0).map_err(|_| fmt::Error)?;
        f.write_str(&escaped)
    }
}
