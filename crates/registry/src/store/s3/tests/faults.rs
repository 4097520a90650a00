//! Servers that fail for a while, break off, and lose what they were told.

use super::server::{error, page};
use super::*;
use crate::store::s3::client::ATTEMPTS;

const ATTEMPTED: usize = ATTEMPTS as usize;

#[test]
fn a_busy_server_is_asked_again_with_growing_pauses() {
    for code in ["SlowDown", "InternalError", ""] {
        let busy = if code.is_empty() {
            page(502, "<html>")
        } else {
            error(503, code)
        };
        let (server, store, pauses) = store_with(move |number, _| match number {
            0..3 => Reply::Raw(busy.clone()),
            _ => Reply::Serve,
        });
        assert!(store.create(&key("a"), b"1").unwrap());
        // Three refusals; then whether what is there is ours is not asked: it was put just now.
        assert_eq!(server.seen(), ["PUT /bucket/team/a"; 4]);
        assert_eq!(pauses.lock().unwrap().len(), 3);
    }
    let (said, requests) = message(error(503, "SlowDown"));
    assert!(
        said.contains("is busy or failed (status 503, SlowDown: its message)"),
        "{said}"
    );
    assert_eq!(requests, ATTEMPTED);
    let (server, store, pauses) = store_with(|_, _| Reply::Raw(error(500, "InternalError")));
    assert!(store.list("").is_err() && store.remove(&key("a")).is_err());
    assert_eq!(server.seen().len(), 2 * ATTEMPTED);
    let pauses = pauses.lock().unwrap();
    for (number, pause) in pauses.iter().enumerate() {
        let longest = 200 << (number % (ATTEMPTED - 1));
        assert!(
            *pause <= Duration::from_millis(longest),
            "{number} {pause:?}"
        );
    }
}

#[test]
fn a_conflict_is_tried_again() {
    let (server, store, _) = store_with(|number, _| match number {
        0 => Reply::Raw(error(409, "ConditionalRequestConflict")),
        _ => Reply::Serve,
    });
    assert!(store.create(&key("a"), b"1").unwrap());
    assert_eq!(server.seen().len(), 2);
}

/// The answer to a put is lost: the second attempt finds the name taken, by the first.
#[test]
fn a_put_whose_answer_was_lost_is_ours() {
    for lost in [
        error(500, "InternalError"),
        Vec::new(),
        b"HTTP/1.1 2".to_vec(),
    ] {
        let (server, store, _) = store_with(move |number, _| match number {
            0 => Reply::Lose(lost.clone()),
            _ => Reply::Serve,
        });
        assert!(store.create(&key("a"), b"1").unwrap());
        let asked = ["PUT", "PUT", "HEAD"].map(|method| format!("{method} /bucket/team/a"));
        assert_eq!(server.seen(), asked);
        assert!(!store.create(&key("a"), b"1").unwrap());
    }
    // Big content: the name is looked at first.
    let (server, store, _) = store_with(move |number, _| match number {
        1 => Reply::Lose(Vec::new()),
        _ => Reply::Serve,
    });
    let bytes = vec![1; IN_MEMORY as usize + 1];
    let content = Content::of_bytes(&bytes);
    assert!(store.create_from(&key("a"), &content).unwrap());
    assert_eq!(server.seen().len(), 3);
    assert!(!store.create_from(&key("a"), &content).unwrap());
}

/// The same with another writer in between: the same bytes, but not ours.
#[test]
fn a_put_that_failed_and_found_another_one_is_not_ours() {
    let (server, store, _) = store_with(move |number, _| match number {
        0 => Reply::Raw(error(500, "InternalError")),
        _ => Reply::Serve,
    });
    let name = "/bucket/team/a".to_owned();
    server
        .state()
        .objects
        .insert(name, (b"1".to_vec(), HashMap::new()));
    assert!(!store.create(&key("a"), b"1").unwrap());
}

#[test]
fn a_body_that_is_cut_is_read_from_there_on() {
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    for (first, second) in [(0, 0), (1, 70_000), (300_000, 0)] {
        let (server, store, pauses) = store_with(move |number, _| match number {
            1 => Reply::Cut(first),
            2 => Reply::Cut(second),
            _ => Reply::Serve,
        });
        store.replace(&key("a"), &content).unwrap();
        assert_eq!(store.read(&key("a")).unwrap().unwrap(), content);
        assert_eq!((server.seen().len(), pauses.lock().unwrap().len()), (4, 2));
    }
    // However often, as long as it gets further.
    let (server, store, _) = store_with(move |number, _| match number {
        1..21 => Reply::Cut(1_000),
        _ => Reply::Serve,
    });
    store.replace(&key("a"), &content).unwrap();
    assert_eq!(store.read(&key("a")).unwrap().unwrap(), content);
    assert_eq!(server.seen().len(), 22);
    // It never gets further.
    let (server, store, _) = store_with(move |number, _| match number {
        0 => Reply::Serve,
        1 => Reply::Cut(5),
        _ => Reply::Cut(0),
    });
    store.replace(&key("a"), &content).unwrap();
    let said = store.read(&key("a")).unwrap_err().to_string();
    assert!(
        said.contains("cannot read a: ") && said.contains("broke off"),
        "{said}"
    );
    assert_eq!(server.seen().len(), 1 + ATTEMPTED);
    // Another object has its name meanwhile: nothing is glued together.
    let (server, store, _) = store_with(move |number, _| match number {
        1 => Reply::Cut(5),
        _ => Reply::Serve,
    });
    store.replace(&key("a"), &content).unwrap();
    let mut object = store.open(&key("a")).unwrap().unwrap();
    store.replace(&key("a"), b"others").unwrap();
    let said = object
        .reader
        .read_to_end(&mut Vec::new())
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("replaced or removed while it was read"),
        "{said}"
    );
    drop(server);
}

/// An object that is read as a whole is read again, as the one that is there now.
#[test]
fn an_object_that_is_replaced_while_it_is_read_is_read_again() {
    let (server, store, _) = store_with(move |number, _| match number {
        1 => {
            Reply::Raw(b"HTTP/1.1 200 X\r\ncontent-length: 9\r\netag: \"old\"\r\n\r\nfor".to_vec())
        }
        _ => Reply::Serve,
    });
    store.replace(&key("a"), b"12345").unwrap();
    assert_eq!(store.read(&key("a")).unwrap().unwrap(), b"12345");
    // The put, the one that broke off, the rest of it that is no more, and all of the new one.
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn bytes_that_were_damaged_on_the_way_are_read_again() {
    let damaged = || {
        let digest = files::digest::bytes(b"12345");
        let more = format!("etag: \"x\"\r\nx-amz-meta-sha256: {digest}\r\n");
        format!("HTTP/1.1 200 X\r\ncontent-length: 5\r\n{more}\r\n12x45").into_bytes()
    };
    let (server, store, _) = store_with(move |number, _| match number {
        1 => Reply::Raw(damaged()),
        _ => Reply::Serve,
    });
    store.replace(&key("a"), b"12345").unwrap();
    assert_eq!(store.read(&key("a")).unwrap().unwrap(), b"12345");
    assert_eq!(server.seen().len(), 3);
    // Damaged in the store: whoever knows the digest reports it.
    server.state().objects.get_mut("/bucket/team/a").unwrap().0 = b"12x45".to_vec();
    assert_eq!(store.read(&key("a")).unwrap().unwrap(), b"12x45");
}

#[test]
fn a_server_that_ignores_conditions_is_noticed() {
    let server = Server::start(|_, _| Reply::Serve);
    server.state().is_unconditional = true;
    let failed = S3::create_with(&settings(&server).0)
        .unwrap_err()
        .to_string();
    assert!(failed.contains("ignores `If-None-Match`"), "{failed}");
    assert!(server.state().objects.is_empty());
    // Also where the store is there, because it was copied, and before anything is written to it.
    let marker = br#"{"format":1}"#.to_vec();
    let name = "/bucket/team/store.json".to_owned();
    server
        .state()
        .objects
        .insert(name, (marker, HashMap::new()));
    let store = S3::open_with(&settings(&server).0).unwrap();
    store.create(&key("a"), b"1").unwrap_err();
    assert_eq!(server.state().objects.len(), 1);
}

#[test]
fn silence_and_absence_are_told() {
    let server = Server::start(|_, _| Reply::Silent);
    let (mut settings, pauses) = settings(&server);
    settings.silence = Duration::from_millis(5);
    let said = S3::open_with(&settings).unwrap_err().to_string();
    assert!(said.contains("was silent for 0.005 s"), "{said}");
    assert_eq!(pauses.lock().unwrap().len(), ATTEMPTED - 1);
    drop(server);
    let said = S3::open_with(&settings).unwrap_err().to_string();
    assert!(said.contains("connection refused; is it running"), "{said}");
}

#[test]
fn a_denied_write_is_a_store_that_is_read_only() {
    let (_server, store, _) = store_with(|_, _| Reply::Raw(error(403, "AccessDenied")));
    let failed = store.create(&key("a"), b"1").unwrap_err();
    assert!(matches!(failed, StoreError::ReadOnly { .. }), "{failed}");
    let (_server, store, _) = store_with(|_, _| Reply::Raw(error(507, "StorageFull")));
    let failed = store.create(&key("a"), b"1").unwrap_err();
    assert!(matches!(failed, StoreError::Full { .. }), "{failed}");
}

#[test]
fn more_than_one_request_can_carry_is_refused() {
    let (server, store, _) = store_with(|_, _| Reply::Serve);
    let content = Content::new("0".repeat(64), LARGEST + 1, || Ok(Box::new(io::empty())));
    let said = store
        .create_from(&key("a"), &content)
        .unwrap_err()
        .to_string();
    assert!(said.contains("5 GiB at most"), "{said}");
    assert!(server.seen().is_empty());
}

/// The store is created and written to between the two looks of another process that creates it.
#[test]
fn a_store_that_another_process_creates_meanwhile_is_opened() {
    let server = Server::start(|_, _| Reply::Serve);
    S3::create_with(&settings(&server).0)
        .and_then(|store| store.create(&key("a"), b"1"))
        .unwrap();
    let objects = server.state().objects.clone();
    let late = Server::start(|number, _| match number {
        0 => Reply::Raw(error(404, "NoSuchKey")),
        _ => Reply::Serve,
    });
    late.state().objects = objects;
    S3::create_with(&settings(&late).0).unwrap();
    assert_eq!(late.seen().len(), 3);
}
