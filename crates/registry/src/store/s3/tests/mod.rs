//! The store against servers on loopback that keep objects as S3 does, or misbehave.
//! `tools/test-s3` does the same with a real server.

mod answers;
mod faults;
mod registry;
mod server;
mod settings;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use server::{Reply, Request, Server};

/// The pauses that were made, in place of waiting.
type Pauses = Arc<Mutex<Vec<Duration>>>;

/// The store `s3://bucket/team` on a server, with pauses that take no time.
fn settings(server: &Server) -> (Settings, Pauses) {
    let variables = HashMap::from([
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret/key".to_owned()),
        ("AWS_SESSION_TOKEN", "session-token".to_owned()),
        ("AWS_ENDPOINT_URL", server.uri()),
    ]);
    let settings = Settings::read("s3://bucket/team", |name| variables.get(name).cloned());
    let mut settings = settings.unwrap();
    let pauses = Pauses::default();
    let made = Arc::clone(&pauses);
    settings.pause = Arc::new(move |pause| made.lock().unwrap().push(pause));
    // No test depends on how busy the machine is.
    settings.connect = Duration::from_secs(600);
    settings.silence = Duration::from_secs(600);
    (settings, pauses)
}

/// A store that was just created, on a server that serves.
fn store() -> (Server, S3) {
    let server = Server::start(|_, _| Reply::Serve);
    let store = S3::create_with(&settings(&server).0).unwrap();
    server.seen();
    (server, store)
}

/// A store on a server that treats requests as `handler` says, once the store is created; the
/// first then has number 0.
fn store_with(
    mut handler: impl FnMut(usize, &Request) -> Reply + Send + 'static,
) -> (Server, S3, Pauses) {
    let is_created = Arc::new(AtomicBool::new(false));
    let misbehaves = Arc::clone(&is_created);
    let server = Server::start(
        move |number, request| match misbehaves.load(Ordering::SeqCst) {
            true => handler(number, request),
            false => Reply::Serve,
        },
    );
    let (settings, pauses) = settings(&server);
    let store = S3::create_with(&settings).unwrap();
    // Proves that conditions are honoured, so that tests count requests of their own only.
    store.create(&key("first"), b"").unwrap();
    store.remove(&key("first")).unwrap();
    server.seen();
    pauses.lock().unwrap().clear();
    is_created.store(true, Ordering::SeqCst);
    (server, store, pauses)
}

/// The message with which reading fails on a server that always answers this.
fn message(answer: Vec<u8>) -> (String, usize) {
    let (server, store, _) = store_with(move |_, _| Reply::Raw(answer.clone()));
    let failed = store.read(&key("a")).unwrap_err().to_string();
    for secret in ["AKIAEXAMPLE", "secret/key", "session-token", "X-Amz"] {
        assert!(!failed.contains(secret), "{failed}");
    }
    let requests = server.seen().len();
    (failed, requests)
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

#[test]
fn create_takes_a_free_name_only_and_replace_any() {
    let (server, store) = store();
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
    let empty = store.open(&key("runs/2026-10/two.json")).unwrap().unwrap();
    assert_eq!(empty.bytes, 0);
    let listed = |prefix: &str| -> Vec<String> {
        let keys = store.list(prefix).unwrap();
        keys.iter().map(Key::to_string).collect()
    };
    let both = ["runs/2026-10/two.json", "runs/2026-11/one.json"];
    assert_eq!(listed("runs/"), both);
    assert_eq!(listed("runs/2026-1"), both);
    assert_eq!(listed(""), ["head.json", both[0], both[1]]);
    assert_eq!(listed("none/"), [""; 0]);
    assert!(store.remove(&one).unwrap() && !store.remove(&one).unwrap());
    assert_eq!(store.check(false).unwrap(), []);
    // All below the prefix, and the digest goes with each.
    let state = server.state();
    assert!(
        state
            .objects
            .keys()
            .all(|name| name.starts_with("/bucket/team/"))
    );
    let put = |request: &&Request| request.body == b"4";
    let put = state.requests.iter().find(put).unwrap();
    assert_eq!(put.headers["x-amz-meta-sha256"], files::digest::bytes(b"4"));
    // `printf 4 | openssl dgst -sha256 -binary | base64`
    let checksum = "SyJ3d9TdH8Ycb4hPSGQdArTRIdP9Moywi1Ux/Kzav4o=";
    assert_eq!(put.headers["x-amz-checksum-sha256"], checksum);
}

#[test]
fn of_many_writers_at_once_one_creates() {
    let (_server, store) = store();
    for round in 0..5 {
        let name = key(&format!("history/{round}"));
        let won = Mutex::new(Vec::new());
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
}

#[test]
fn big_content_is_streamed_and_refused_if_it_changed() {
    let (server, store) = store();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    let length = IN_MEMORY as usize + 100_000;
    std::fs::write(&path, vec![7; length]).unwrap();
    let content = Content::of_file(&path).unwrap();
    assert!(store.create_from(&key("models/a"), &content).unwrap());
    server.seen();
    // A name that is taken is found before anything is sent.
    assert!(!store.create_from(&key("models/a"), &content).unwrap());
    assert_eq!(server.seen(), ["HEAD /bucket/team/models/a"]);
    let object = store.open(&key("models/a")).unwrap().unwrap();
    assert_eq!(object.bytes, length as u64);
    assert!(crate::store::is_whole(&store, &key("models/a"), &content.sha256).unwrap());
    // Other bytes, less, and more.
    for changed in [vec![8; length], vec![7; length - 1], vec![7; length + 1]] {
        std::fs::write(&path, changed).unwrap();
        let failed = store.create_from(&key("models/b"), &content);
        assert!(
            matches!(failed, Err(StoreError::Changed { .. })),
            "{failed:?}"
        );
    }
    std::fs::remove_file(&path).unwrap();
    let failed = store.create_from(&key("models/b"), &content);
    assert!(matches!(failed, Err(StoreError::Io { .. })), "{failed:?}");
    // Content in memory as well.
    let sha256 = files::digest::bytes(b"abc");
    for (sha256, bytes) in [(sha256.as_str(), 4), ("no digest", 3)] {
        let content = Content::new(sha256.to_owned(), bytes, || Ok(Box::new(&b"abc"[..])));
        let failed = store.create_from(&key("models/b"), &content);
        assert!(
            matches!(failed, Err(StoreError::Changed { .. })),
            "{failed:?}"
        );
    }
    assert!(!server.state().objects.contains_key("/bucket/team/models/b"));
}

#[test]
fn listings_have_many_pages() {
    let (server, store) = store();
    server.state().page = 7;
    let names: Vec<Key> = (0..50)
        .map(|number| key(&format!("many/{number:02}")))
        .collect();
    for name in names.iter().rev() {
        store.replace(name, b"x").unwrap();
    }
    server.seen();
    assert_eq!(store.list("many/").unwrap(), names);
    assert_eq!(server.seen().len(), 8);
}

#[test]
fn strangers_are_reported_and_not_listed() {
    let (server, store) = store();
    for name in ["Notes.txt", "", "a/"] {
        let name = format!("/bucket/team/{name}");
        server.state().objects.insert(name, Default::default());
    }
    server
        .state()
        .objects
        .insert("/bucket/teams/x".to_owned(), Default::default());
    assert_eq!(store.list("").unwrap(), []);
    let problems = store.check(true).unwrap();
    let found: Vec<_> = problems
        .iter()
        .map(|problem| problem.object.as_str())
        .collect();
    assert_eq!(found, ["Notes.txt", "a/"]);
}

#[test]
fn places_that_are_no_store_are_refused() {
    let server = Server::start(|_, _| Reply::Serve);
    let (settings, _) = settings(&server);
    let missing = S3::open_with(&settings).unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }));
    assert!(
        missing
            .to_string()
            .starts_with("s3://bucket/team is not a store")
    );
    assert!(server.seen() == ["GET /bucket/team/store.json"]);
    let photo = "/bucket/team/1.jpg".to_owned();
    server
        .state()
        .objects
        .insert(photo.clone(), Default::default());
    let occupied = S3::create_with(&settings).unwrap_err();
    assert!(matches!(occupied, StoreError::Occupied { .. }));
    server.state().objects.remove(&photo);
    S3::create_as(&settings, Kind::Backup).unwrap();
    let backup = S3::open_with(&settings).unwrap_err();
    assert!(matches!(backup, StoreError::IsBackup { .. }));
    S3::open_as(&settings, Kind::Backup).unwrap();
    let marker = "/bucket/team/store.json";
    server.state().objects.get_mut(marker).unwrap().0 = br#"{"format":2}"#.to_vec();
    let newer = S3::create_with(&settings).unwrap_err();
    assert!(matches!(newer, StoreError::Newer { found: 2, .. }));
}
