//! Tests of backups: what is restored is what was there, half a backup and a damaged one are refused,
//! and a kill at any point leaves something that is refused or whole.

mod interruptions;

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::history::{Access, Condition, Registry};
use crate::lineage::Lineage;
use crate::runs::{Run, Runs};
use crate::store::memory::Memory;
use crate::store::{Content, Folder, Object, Problem};

type Objects = BTreeMap<Key, Vec<u8>>;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

/// A store with three runs and five entries; two versions have the same file, and one was erased.
fn filled() -> Arc<Memory> {
    let store = Arc::new(Memory::default());
    let runs = Runs::new(store.clone());
    for second in 0..3 {
        let started = Timestamp::from_second(1_000_000 + second).unwrap();
        runs.append(&Run::new("train", "nlp", "0.1.0", started).unwrap())
            .unwrap();
    }
    let mut registry = Registry::open(store.clone(), Access::new("tester")).unwrap();
    for content in ["one model", "one model", ""] {
        let content = Content::of_bytes(content.as_bytes());
        registry
            .add("nlp", &content, Lineage::default(), Vec::new())
            .unwrap();
    }
    let note = String::new();
    registry
        .promote("nlp", "champion", 2, &Condition::Always { note })
        .unwrap();
    registry.erase("nlp", 3, "asked to").unwrap();
    assert_eq!(store.objects().len(), 3 + 5 + 1 + 1);
    store
}

/// A tar file of it.
fn tar_file(store: &dyn Store) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.tar");
    write_tar_file(store, &path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (dir, path, bytes)
}

/// A restore of the backup at `path`, into a new store.
fn restored(path: &Path) -> Result<Objects, BackupError> {
    let store = Memory::default();
    Backup::open_tar(path)?.restore(&store)?;
    Ok(store.objects().clone())
}

#[test]
fn what_is_restored_is_what_was_there() {
    let store = filled();
    let target = Arc::new(Memory::default());
    let manifest = write(&*store, &*target).unwrap();
    assert_eq!((manifest.runs, manifest.entries), (3, 5));
    let lengths = store.objects().values().map(Vec::len).sum::<usize>();
    assert_eq!(manifest.bytes(), lengths as u64);
    let backup = Backup::open(target.clone()).unwrap();
    assert_eq!(*backup.manifest(), manifest);
    let again = Memory::default();
    backup.restore(&again).unwrap();
    assert_eq!(*again.objects(), *store.objects());
    let (_dir, path, _) = tar_file(&*store);
    assert_eq!(restored(&path).unwrap(), *store.objects());
    // Neither target is overwritten.
    let exists = write(&*store, &*target).unwrap_err();
    assert!(matches!(exists, BackupError::Exists { .. }));
    let exists = write_tar_file(&*store, &path).unwrap_err();
    assert!(matches!(exists, BackupError::Exists { .. }), "{exists}");
}

#[test]
fn an_empty_store_has_a_backup_as_well() {
    let (_dir, path, _) = tar_file(&Memory::default());
    assert_eq!(restored(&path).unwrap(), Objects::new());
}

#[test]
fn backups_and_stores_are_not_mistaken_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (live, backup) = (dir.path().join("live"), dir.path().join("backup"));
    Folder::create(&live).unwrap();
    let target = Folder::create_backup(&backup).unwrap();
    write(&*filled(), &target).unwrap();
    for refused in [Folder::open(&backup), Folder::create(&backup)] {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::IsBackup { .. }), "{error}");
    }
    for refused in [Folder::open_backup(&live), Folder::create_backup(&live)] {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::IsLive { .. }), "{error}");
    }
    let opened = Folder::open_backup(&backup).unwrap();
    Backup::open(Arc::new(opened)).unwrap().verify().unwrap();
    // A store that holds something else is no target.
    let occupied = write(&*filled(), &*filled()).unwrap_err();
    assert!(matches!(occupied, BackupError::Occupied { .. }));
    let restored = Backup::open(Arc::new(target)).unwrap().restore(&*filled());
    assert!(matches!(restored, Err(BackupError::NotEmpty { .. })));
}

/// GNU tar is a reader that is not ours.
#[test]
fn any_tar_unpacks_a_backup() {
    let store = filled();
    let (dir, path, _) = tar_file(&*store);
    let unpacked = std::process::Command::new("tar")
        .arg("-xf")
        .arg(&path)
        .arg("-C")
        .arg(dir.path())
        .status();
    match unpacked {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return, // no tar here
        unpacked => assert!(unpacked.unwrap().success()),
    }
    for (key, bytes) in &*store.objects() {
        assert_eq!(
            std::fs::read(dir.path().join(key.as_str())).unwrap(),
            *bytes
        );
    }
}

#[test]
fn a_tar_file_cut_anywhere_is_refused() {
    let (_dir, path, bytes) = tar_file(&*filled());
    for length in (0..bytes.len())
        .rev()
        .filter(|at| at % 128 < 2 || at % 11 == 0)
    {
        let file = std::fs::OpenOptions::new().write(true).open(&path);
        file.unwrap().set_len(length as u64).unwrap();
        let refused = Backup::open_tar(&path).unwrap_err();
        assert!(
            matches!(refused, BackupError::Tar { .. }),
            "{length}: {refused}"
        );
    }
    std::fs::write(&path, [&bytes[..], b"\0"].concat()).unwrap();
    assert!(Backup::open_tar(&path).is_err());
}

#[test]
fn a_tar_file_with_any_changed_byte_is_refused() {
    let (_dir, path, bytes) = tar_file(&*filled());
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut put = |byte: u8| {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&[byte]).unwrap();
        };
        put(bytes[at] ^ 1 << (at % 8));
        let store = Memory::default();
        let restored = Backup::open_tar(&path).and_then(|backup| backup.restore(&store));
        put(bytes[at]);
        assert!(restored.is_err(), "byte {at}");
        assert!(store.objects().is_empty(), "byte {at}");
    }
    restored(&path).unwrap();
}

#[test]
fn a_backup_in_a_store_with_any_change_is_refused() {
    let target = Memory::default();
    write(&*filled(), &target).unwrap();
    let objects = target.objects().clone();
    let refused = |changed: &Objects, what: &str| {
        let backup = Backup::open(Arc::new(Memory::of(changed)));
        let store = Memory::default();
        let restored = backup.and_then(|backup| backup.restore(&store));
        assert!(restored.is_err() && store.objects().is_empty(), "{what}");
    };
    for (key, bytes) in &objects {
        for at in (0..bytes.len()).step_by(5) {
            let mut changed = objects.clone();
            changed.get_mut(key).unwrap()[at] ^= 1 << (at % 8);
            refused(&changed, &format!("{key}, byte {at}"));
            changed.insert(key.clone(), bytes[..at].to_vec());
            refused(&changed, &format!("{key} cut to {at}"));
        }
        let mut without = objects.clone();
        without.remove(key);
        refused(&without, &format!("without {key}"));
    }
}

#[test]
fn a_manifest_cannot_write_outside_of_the_data() {
    let mut manifest = write(&*filled(), &Memory::default()).unwrap();
    let last = manifest.objects.len() - 1;
    for bad in ["restoring.json", "backup.json", "x/y", "zz"] {
        manifest.objects[last].key = key(bad);
        let refused = Manifest::decode(&manifest.encode().unwrap());
        assert!(
            matches!(refused, Err(BackupError::Manifest { .. })),
            "{bad}"
        );
    }
    manifest.objects[last] = manifest.objects[0].clone();
    assert!(Manifest::decode(&manifest.encode().unwrap()).is_err());
    let outside = r#"{"key":"runs/../../x","sha256":"","bytes":0}"#;
    assert!(serde_json::from_str::<crate::store::Stored>(outside).is_err());
}

#[test]
fn a_damaged_store_is_not_backed_up() {
    let store = filled();
    let model = store.list("models/").unwrap().remove(0);
    store.replace(&model, b"one m0del").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("backup.tar");
    let target = Arc::new(Memory::default());
    for refused in [write(&*store, &*target), write_tar_file(&*store, &path)] {
        let error = refused.unwrap_err();
        assert!(matches!(error, BackupError::Source(_)), "{error}");
    }
    store.remove(&model).unwrap();
    assert!(write(&*store, &*target).is_err());
    assert!(!path.exists());
    assert!(matches!(Backup::open(target), Err(BackupError::Half)));
    store.remove(&key("history/00000002.json")).unwrap();
    assert!(write(&*store, &Memory::default()).is_err());
}
