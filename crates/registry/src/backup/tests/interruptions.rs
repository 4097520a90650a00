//! Tests of backups and restores that are killed, or beside which others write.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A store that fails from its n-th operation on, as one whose process is killed then. Reading
/// counts as well.
struct Dying<'m> {
    inner: &'m Memory,
    left: AtomicUsize,
    /// Called before each operation.
    before: &'m (dyn Fn() + Sync),
}

impl<'m> Dying<'m> {
    fn after(inner: &'m Memory, operations: usize) -> Self {
        let left = AtomicUsize::new(operations);
        let before = &|| {};
        Self {
            inner,
            left,
            before,
        }
    }

    fn step(&self) -> Result<(), StoreError> {
        (self.before)();
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        let killed = |_| StoreError::read("the store", std::io::Error::other("killed"));
        left.map(|_| ()).map_err(killed)
    }
}

impl Store for Dying<'_> {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.step().and_then(|()| self.inner.read(key))
    }
    fn create(&self, key: &Key, bytes: &[u8]) -> Result<bool, StoreError> {
        self.step().and_then(|()| self.inner.create(key, bytes))
    }
    fn create_from(&self, key: &Key, content: &Content<'_>) -> Result<bool, StoreError> {
        self.step()
            .and_then(|()| self.inner.create_from(key, content))
    }
    fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        self.step().and_then(|()| self.inner.replace(key, bytes))
    }
    fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        self.step().and_then(|()| self.inner.remove(key))
    }
    fn list(&self, prefix: &str) -> Result<Vec<Key>, StoreError> {
        self.step().and_then(|()| self.inner.list(prefix))
    }
    fn open(&self, key: &Key) -> Result<Option<Object>, StoreError> {
        self.step().and_then(|()| self.inner.open(key))
    }
    fn check(&self, repair: bool) -> Result<Vec<Problem>, StoreError> {
        self.step().and_then(|()| self.inner.check(repair))
    }
}

#[test]
fn a_backup_killed_at_any_operation_is_refused_or_whole_and_can_be_made_again() {
    let store = filled();
    for operations in 0.. {
        let target = Arc::new(Memory::default());
        let made = write(&*store, &Dying::after(&target, operations));
        let opened = Backup::open(target.clone());
        match made {
            Ok(_) => {
                opened.unwrap().verify().unwrap();
                assert!(operations > 9, "{operations}");
                return;
            }
            Err(_) => assert!(matches!(opened, Err(BackupError::Half)), "{operations}"),
        }
        write(&*store, &*target).unwrap();
        let again = Memory::default();
        Backup::open(target).unwrap().restore(&again).unwrap();
        assert_eq!(*again.objects(), *store.objects());
    }
}

#[test]
fn a_restore_killed_at_any_operation_is_refused_or_whole_and_can_be_run_again() {
    let store = filled();
    let target = Arc::new(Memory::default());
    write(&*store, &*target).unwrap();
    let backup = Backup::open(target).unwrap();
    let other = Arc::new(Memory::default());
    write(&*store, &*other).unwrap();
    let other = Backup::open(other).unwrap();
    for operations in 0.. {
        let again = Arc::new(Memory::default());
        let restored = backup.restore(&Dying::after(&again, operations));
        let registry = Registry::open(again.clone(), Access::new("tester"));
        let runs = Runs::new(again.clone()).all();
        if restored.is_ok() {
            assert!(operations > 20, "{operations}");
            assert!(registry.is_ok() && runs.is_ok());
            assert_eq!(*again.objects(), *store.objects());
            return;
        }
        if again.objects().is_empty() {
            continue; // nothing begun
        }
        assert!(registry.is_err() && runs.is_err(), "{operations}");
        assert!(matches!(
            other.restore(&*again),
            Err(BackupError::OtherBackup)
        ));
        let refused = write(&*again, &Memory::default());
        assert!(matches!(refused, Err(BackupError::Unfinished(_))));
        backup.restore(&*again).unwrap();
        assert_eq!(*again.objects(), *store.objects());
    }
}

#[test]
fn a_restore_beside_another_writer_is_refused() {
    let store = filled();
    let (_dir, path, _) = tar_file(&*store);
    let backup = Backup::open_tar(&path).unwrap();
    let again = Memory::default();
    let foreign = |at: &str, bytes: &[u8]| {
        let memory = Memory::default();
        let died = backup.restore(&Dying::after(&memory, 6));
        assert!(died.is_err());
        memory.replace(&key(at), bytes).unwrap();
        let refused = backup.restore(&memory).unwrap_err();
        assert!(memory.objects().contains_key(&key(RESTORING)));
        refused
    };
    let other = foreign("runs/2026-11/x.json", b"x");
    assert!(matches!(other, BackupError::NotEmpty { .. }), "{other}");
    let changed = foreign("history/00000005.json", b"another entry");
    assert!(matches!(changed, BackupError::NotRestored { .. }));
    backup.restore(&again).unwrap();
}

/// A writer adds a run and moves the champion before every single operation of the backup.
#[test]
fn a_backup_beside_a_writer_is_consistent() {
    let store = filled();
    let registry = Registry::open(store.clone(), Access::new("writer")).unwrap();
    let registry = std::sync::Mutex::new((registry, 0_i64));
    let busy = || {
        let mut guard = registry.lock().unwrap();
        let (registry, count) = &mut *guard;
        *count += 1;
        let started = Timestamp::from_second(2_000_000 + *count).unwrap();
        let run = Run::new("train", "nlp", "0.1.0", started).unwrap();
        Runs::new(store.clone()).append(&run).unwrap();
        let content = format!("model {count}");
        let content = Content::of_bytes(content.as_bytes());
        registry
            .add("nlp", &content, Lineage::default(), Vec::new())
            .unwrap();
    };
    let source = Dying {
        before: &busy,
        ..Dying::after(&store, usize::MAX)
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.tar");
    let manifest = write_tar_file(&source, &path).unwrap();
    assert!(manifest.entries > 5 && manifest.runs > 3);
    let again = Arc::new(Memory::of(&restored(&path).unwrap()));
    let report = crate::history::check(&*again, None, None, false).unwrap();
    assert_eq!(report.problems, []);
    assert_eq!(report.entries as u64, manifest.entries);
    let runs = Runs::new(again).check(false).unwrap();
    assert!(runs.is_clean() && runs.runs as u64 == manifest.runs);
    assert!(registry.lock().unwrap().0.entries().len() as u64 > manifest.entries);
}

/// A disk with room for so many bytes.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = bytes.len().min(self.0);
        self.0 -= written;
        match written {
            0 if !bytes.is_empty() => Err(std::io::ErrorKind::StorageFull.into()),
            written => Ok(written),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_said_to_be_one() {
    let store = filled();
    let (_dir, _, bytes) = tar_file(&*store);
    for room in (0..bytes.len()).step_by(257) {
        let full = write_tar(&*store, &mut Disk(room)).unwrap_err();
        let said = matches!(full, BackupError::Store(StoreError::Full { .. }));
        assert!(said, "{room}: {full}");
    }
    write_tar(&*store, &mut Disk(bytes.len())).unwrap();
}
