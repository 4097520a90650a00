//! Locks: our own for a whole run, DVC's lock while files are examined and recorded, and DVC's list
//! of what stages read and write while their commands run.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use files::atomic;
use serde_json::{Map, Value, json};

use crate::error::{Context as _, Error, Result};
use crate::folder::Folder;
use crate::stage::Stage;

/// How long DVC waits for its own lock before it gives up.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);

/// A kernel file lock, released when the process ends, however it ends.
pub struct Held {
    _file: File,
}

/// Acquires the lock file `path`: immediately, within `patience`, or (`None`) as soon as it is
/// free.
fn take(path: &Path, patience: Option<Duration>) -> Result<Option<Held>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let cannot = || format!("cannot lock {}", path.display());
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .with_context(cannot)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
        if patience.is_some_and(|patience| started.elapsed() >= patience) {
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
    // DVC's locks contain the process id, for people to read.
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, " {}", std::process::id())?;
    Ok(Some(Held { _file: file }))
}

/// The locks of a pipeline's folder.
pub struct Locks {
    /// `.dvc/tmp`; `None` without DVC.
    dvc: Option<PathBuf>,
    run: PathBuf,
    wait: bool,
}

impl Locks {
    /// The locks of a folder; none is held yet. With `wait`, whoever holds one is waited for.
    pub fn of(folder: &Folder, wait: bool) -> Self {
        Self {
            dvc: folder.has_dvc().then(|| folder.root().join(".dvc/tmp")),
            run: folder.private().join("lock"),
            wait,
        }
    }

    /// Locks out other runs of ours.
    ///
    /// # Errors
    /// [`Error::Held`] if another run has the lock and waiting was not requested, or if it cannot
    /// be created.
    pub fn run(&self) -> Result<Held> {
        let patience = (!self.wait).then_some(Duration::ZERO);
        take(&self.run, patience)?.ok_or_else(|| held(&self.run))
    }

    /// Locks out DVC.
    ///
    /// # Errors
    /// [`Error::Held`] if DVC has the lock, or if it cannot be created.
    pub fn dvc(&self) -> Result<Option<Held>> {
        let Some(folder) = &self.dvc else {
            return Ok(None);
        };
        let path = folder.join("lock");
        let patience = (!self.wait).then_some(PATIENCE);
        match take(&path, patience)? {
            Some(lock) => Ok(Some(lock)),
            None => Err(held(&path)),
        }
    }

    /// Acquires DVC's lock again in the middle of a run, waiting until DVC is done.
    ///
    /// # Errors
    /// If the lock cannot be created.
    pub fn dvc_again(&self) -> Result<Option<Held>> {
        match &self.dvc {
            Some(folder) => take(&folder.join("lock"), None),
            None => Ok(None),
        }
    }

    /// Acquires DVC's lock once no command run by DVC uses what the stages use.
    ///
    /// # Errors
    /// [`Error::Held`] or [`Error::InUse`] if DVC is working here, or if its list cannot be read.
    pub fn enter(&self, stages: &[&Stage]) -> Result<Option<Held>> {
        let started = Instant::now();
        loop {
            let lock = self.dvc()?;
            let Some(list) = self.list() else {
                return Ok(lock);
            };
            let Some(blocker) = blocker(&list.read()?, stages) else {
                return Ok(lock);
            };
            // The DVC process of that command needs the lock to continue.
            drop(lock);
            if !self.wait && started.elapsed() >= PATIENCE {
                return Err(blocker);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Registers with DVC what a stage reads and writes, until the returned value is dropped.
    ///
    /// # Errors
    /// If DVC's list cannot be read or written.
    pub fn announce(&self, stage: &Stage) -> Result<Option<Announced>> {
        let Some(list) = self.list() else {
            return Ok(None);
        };
        let announced = Announced {
            list,
            reads: paths(stage.deps.iter().map(|dep| &dep.path)),
            writes: paths(stage.outs.iter().map(|out| &out.path)),
        };
        announced.change(add)?;
        Ok(Some(announced))
    }

    fn list(&self) -> Option<List> {
        self.dvc.as_ref().map(|folder| List {
            file: folder.join("rwlock"),
            guard: folder.join("rwlock.lock"),
        })
    }
}

fn held(path: &Path) -> Error {
    let mut by = String::new();
    let _ = File::open(path).and_then(|mut file| file.read_to_string(&mut by));
    let by = by.trim();
    Error::Held {
        lock: path.to_owned(),
        process: (!by.is_empty()).then(|| by.to_owned()),
    }
}

fn paths<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Vec<String> {
    paths.map(|path| path.display().to_string()).collect()
}

/// DVC's `.dvc/tmp/rwlock`: `{"read": {path: [who]}, "write": {path: who}}`.
struct List {
    file: PathBuf,
    guard: PathBuf,
}

impl List {
    fn read(&self) -> Result<Value> {
        match std::fs::read(&self.file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged; remove it", self.file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(json!({})),
            Err(error) => {
                Err(error).with_context(|| format!("cannot read {}", self.file.display()))
            }
        }
    }
}

/// A running stage's reads and writes in DVC's list.
pub struct Announced {
    list: List,
    reads: Vec<String>,
    writes: Vec<String>,
}

impl Announced {
    fn change(
        &self,
        edit: fn(&Self, &mut Map<String, Value>, &mut Map<String, Value>),
    ) -> Result<()> {
        let _guard =
            take(&self.list.guard, Some(PATIENCE))?.ok_or_else(|| held(&self.list.guard))?;
        let list = self.list.read()?;
        let part = |name: &str| list.get(name).and_then(Value::as_object).cloned();
        let mut read = part("read").unwrap_or_default();
        let mut write = part("write").unwrap_or_default();
        edit(self, &mut read, &mut write);
        let mut whole = Map::new();
        whole.insert("write".into(), Value::Object(write));
        whole.insert("read".into(), Value::Object(read));
        let text = Value::Object(whole).to_string();
        // Written atomically: a killed run must not leave an unreadable list.
        atomic::write(&self.list.file, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", self.list.file.display()))
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        let _ = self.change(remove); // a process that is gone is left out by whoever reads
    }
}

fn me() -> Value {
    let command: Vec<String> = std::env::args().collect();
    json!({"pid": std::process::id(), "cmd": command.join(" ")})
}

fn add(announced: &Announced, read: &mut Map<String, Value>, write: &mut Map<String, Value>) {
    for path in &announced.reads {
        if let Some(readers) = read
            .entry(path.clone())
            .or_insert_with(|| json!([]))
            .as_array_mut()
        {
            readers.push(me());
        }
    }
    for path in &announced.writes {
        write.insert(path.clone(), me());
    }
}

fn remove(announced: &Announced, read: &mut Map<String, Value>, write: &mut Map<String, Value>) {
    for path in &announced.reads {
        let left = read
            .get_mut(path)
            .and_then(Value::as_array_mut)
            .map(|readers| {
                if let Some(mine) = readers.iter().position(|reader| *reader == me()) {
                    readers.remove(mine);
                }
                readers.len()
            });
        if left == Some(0) {
            read.remove(path);
        }
    }
    for path in &announced.writes {
        if write.get(path) == Some(&me()) {
            write.remove(path);
        }
    }
}

/// The first running process that uses what the stages need.
fn blocker(list: &Value, stages: &[&Stage]) -> Option<Error> {
    let entries = |name: &str| list.get(name).and_then(Value::as_object).cloned();
    let writes = entries("write").unwrap_or_default();
    let reads = entries("read").unwrap_or_default();
    if writes.is_empty() && reads.is_empty() {
        return None;
    }
    let overlaps = |path: &str, with: &Path| {
        let path = Path::new(path);
        path.starts_with(with) || with.starts_with(path)
    };
    for stage in stages {
        let outs = || stage.outs.iter().map(|out| out.path.as_path());
        let deps = || stage.deps.iter().map(|dep| dep.path.as_path());
        for (path, who) in &writes {
            if is_alive(who) && outs().chain(deps()).any(|mine| overlaps(path, mine)) {
                return Some(in_use(path, who, "written"));
            }
        }
        for (path, readers) in &reads {
            let alive = readers
                .as_array()
                .and_then(|r| r.iter().find(|who| is_alive(who)));
            if let Some(who) = alive
                && outs().any(|mine| overlaps(path, mine))
            {
                return Some(in_use(path, who, "read"));
            }
        }
    }
    None
}

fn in_use(path: &str, who: &Value, how: &'static str) -> Error {
    Error::InUse {
        path: path.to_owned(),
        how,
        process: who["pid"].to_string(),
        command: who["cmd"].to_string(),
    }
}

fn is_alive(who: &Value) -> bool {
    let Some(pid) = who.get("pid").and_then(Value::as_u64) else {
        return false;
    };
    pid != u64::from(std::process::id())
        && (Path::new("/proc").join(pid.to_string()).exists() || !Path::new("/proc/self").exists())
}
