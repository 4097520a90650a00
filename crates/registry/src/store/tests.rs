//! Tests of the store in a folder: one step, whole objects, leftovers, hostile places.

use std::process::Command;

use super::*;

fn store() -> (tempfile::TempDir, Folder) {
    let dir = tempfile::tempdir().unwrap();
    let store = Folder::create(&dir.path().join("store")).unwrap();
    (dir, store)
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

#[test]
fn keys_stay_in_the_store() {
    for good in ["a", "a/b", "history/00000001.json", "x-1_2.y", "a..b"] {
        assert_eq!(Key::new(good).unwrap().as_str(), good);
    }
    let long = "a".repeat(241);
    for bad in [
        "", "/", "/a", "a/", "a//b", "..", "a/../b", ".tmp", "a/.b", "A", "a b", "a\\b", "a\0",
        "ä", "a\n", &long,
    ] {
        assert!(Key::new(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn create_takes_a_free_name_only_and_replace_any() {
    let (_dir, store) = store();
    let one = key("runs/2026-11/one.json");
    assert_eq!(store.read(&one).unwrap(), None);
    assert!(store.open(&one).unwrap().is_none());
    assert!(store.create(&one, b"1").unwrap());
    assert!(!store.create(&one, b"2").unwrap());
    assert_eq!(store.read(&one).unwrap().unwrap(), b"1");
    store.replace(&one, b"3").unwrap();
    store.replace(&key("head.json"), b"4").unwrap();
    assert_eq!(store.read(&one).unwrap().unwrap(), b"3");
    assert!(store.create(&key("runs/2026-10/two.json"), b"").unwrap());
    let listed = |prefix: &str| -> Vec<String> {
        let keys = store.list(prefix).unwrap();
        keys.iter().map(Key::to_string).collect()
    };
    assert_eq!(
        listed("runs/"),
        ["runs/2026-10/two.json", "runs/2026-11/one.json"]
    );
    assert_eq!(listed("runs/2026-1"), listed("runs/"));
    assert_eq!(listed("runs/2026-11/"), ["runs/2026-11/one.json"]);
    assert_eq!(listed("").len(), 3);
    assert_eq!(listed("none/"), [""; 0]);
    assert!(store.remove(&one).unwrap() && !store.remove(&one).unwrap());
    assert_eq!(store.check(false).unwrap(), []);
}

#[test]
fn of_many_writers_at_once_one_creates() {
    let (_dir, store) = store();
    for round in 0..20 {
        let name = key(&format!("history/{round}"));
        let won = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let (store, name, won) = (&store, &name, &won);
                scope.spawn(move || {
                    if store.create(name, &[writer]).unwrap() {
                        won.lock().unwrap().push(writer);
                    }
                });
            }
        });
        let won = won.into_inner().unwrap();
        assert_eq!(won.len(), 1);
        assert_eq!(store.read(&name).unwrap().unwrap(), won);
    }
    assert_eq!(store.check(false).unwrap(), []);
}

#[test]
fn content_that_changes_meanwhile_is_refused() {
    let (dir, store) = store();
    let path = dir.path().join("model");
    std::fs::write(&path, vec![7; 200_000]).unwrap();
    let content = Content::of_file(&path).unwrap();
    assert!(store.create_from(&key("models/a"), &content).unwrap());
    assert!(!store.create_from(&key("models/a"), &content).unwrap());
    std::fs::write(&path, vec![8; 200_000]).unwrap();
    let failed = store.create_from(&key("models/b"), &content);
    assert!(matches!(failed, Err(StoreError::Changed { .. })));
    assert_eq!(store.read(&key("models/b")).unwrap(), None);
    let object = store.open(&key("models/a")).unwrap().unwrap();
    assert_eq!(object.bytes, 200_000);
    assert_eq!(store.check(false).unwrap(), []);
}

/// The id of a process that has ended.
fn ended() -> u32 {
    let mut child = Command::new("true").spawn().unwrap();
    let id = child.id();
    child.wait().unwrap();
    id
}

#[test]
fn leftovers_go_with_the_next_writer_and_living_files_stay() {
    let (_dir, store) = store();
    let temporary = store.root().join(".tmp");
    let gone = ended();
    let left = temporary.join(format!("{gone}-77-abcdefgh"));
    std::fs::write(&left, "half").unwrap();
    // Same process id, but started at another time.
    let reused = temporary.join(format!("{}-1-abcdefgh", std::process::id()));
    std::fs::write(&reused, "half").unwrap();
    // A writer that runs in another container: no such process here, but the lock is held.
    let far = temporary.join(format!("{gone}-78-abcdefgh"));
    let lock = File::create(&far).unwrap();
    lock.lock().unwrap();
    std::fs::write(store.root().join("Notes.txt"), "x").unwrap();
    let problems = store.check(false).unwrap();
    let flaws = |wanted: Flaw| problems.iter().filter(|p| p.flaw == wanted).count();
    assert_eq!(flaws(Flaw::Leftover { process: gone }), 1);
    let this = std::process::id();
    assert_eq!(flaws(Flaw::Leftover { process: this }), 1);
    assert_eq!(flaws(Flaw::InProgress { process: gone }), 1);
    assert_eq!(flaws(Flaw::Stranger), 1);
    store.create(&key("a"), b"1").unwrap();
    assert!(!left.exists() && !reused.exists() && far.exists());
    drop(lock);
    assert_eq!(store.check(true).unwrap().len(), 1);
    assert!(!far.exists());
}

#[test]
fn places_that_are_no_store_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let missing = Folder::open(&at("none")).unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }));
    std::fs::create_dir(at("photos")).unwrap();
    std::fs::write(at("photos/1.jpg"), "x").unwrap();
    let occupied = Folder::create(&at("photos")).unwrap_err();
    assert!(matches!(occupied, StoreError::Occupied { .. }));
    Folder::create(&at("store")).unwrap();
    Folder::create(&at("store")).unwrap();
    std::fs::write(at("store/store.json"), r#"{"format":2,"more":1}"#).unwrap();
    let newer = Folder::create(&at("store")).unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 2, .. }));
    assert!(newer.to_string().contains("has format 2"));
    for damaged in ["", "{}", r#"{"format":1,"x":2}"#, "{\"format\""] {
        std::fs::write(at("store/store.json"), damaged).unwrap();
        let error = Folder::open(&at("store")).unwrap_err();
        assert!(matches!(error, StoreError::Marker { .. }), "{damaged}");
    }
    std::fs::write(at("file"), "x").unwrap();
    assert!(Folder::create(&at("file")).is_err());
}

#[test]
fn errors_say_what_to_do() {
    let kinds = [
        (io::ErrorKind::StorageFull, "no space left"),
        (io::ErrorKind::QuotaExceeded, "no space left"),
        (io::ErrorKind::FileTooLarge, "no space left"),
        (io::ErrorKind::ReadOnlyFilesystem, "read-only here"),
        (io::ErrorKind::PermissionDenied, "read-only here"),
        (io::ErrorKind::TimedOut, "cannot write runs/a"),
    ];
    for (kind, part) in kinds {
        let error = StoreError::write("runs/a", kind.into()).to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// A real full disk where the system has one: every write to `/dev/full` fails with ENOSPC.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let (_dir, store) = store();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let mut full = full.unwrap();
    let path = store.root().join("runs/a");
    let failed = store.put(&path, false, &mut |_| io::Write::write_all(&mut full, b"x"));
    let error = StoreError::write("runs/a", failed.unwrap_err());
    assert!(matches!(error, StoreError::Full { .. }));
    assert!(!path.exists());
    assert_eq!(store.check(false).unwrap(), []);
}
