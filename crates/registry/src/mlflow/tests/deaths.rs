//! Server or sender die at any request, and a later sync finishes: everything is there once.

use super::*;

/// How a request ends at which the connection dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Death {
    /// The server did nothing.
    Before,
    /// The server did what was asked, but the answer is lost.
    After,
    /// Half of the request's body came; of a file the server keeps that half.
    Half,
    /// The answer is cut.
    Cut,
}

fn die(death: Death, fake: &mut Fake, request: &Request) -> Reply {
    match death {
        Death::Before => Reply::Close,
        Death::After => {
            fake.reply(request);
            Reply::Close
        }
        Death::Half => {
            if request.method == "PUT" {
                let body = request.body[..request.body.len() / 2].to_vec();
                fake.reply(&Request {
                    body,
                    ..request.clone()
                });
            }
            Reply::Close
        }
        Death::Cut => match fake.reply(request) {
            Reply::Json(status, text) => {
                let half = &text[..text.len() / 2];
                let length = text.len();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
                Reply::Raw((head + half).into_bytes())
            }
            _ => Reply::Raw(b"HTTP/1.1 200 X\r\ncontent-length: 7\r\n\r\nten".to_vec()),
        },
    }
}

#[test]
fn the_connection_dies_at_every_request_of_a_sync() {
    for death in [Death::Before, Death::After, Death::Half, Death::Cut] {
        for deadly in 0.. {
            let (_folder, spool) = spool_with(&["run-1"]);
            let fake: Arc<Mutex<Fake>> = Arc::default();
            // From then on the server is down.
            let dying = Mlflow::with(Arc::clone(&fake), move |number, fake, request| match number
                .cmp(&deadly)
            {
                std::cmp::Ordering::Less => fake.reply(request),
                std::cmp::Ordering::Equal => die(death, fake, request),
                std::cmp::Ordering::Greater => Reply::Close,
            });
            let first = spool.sync(&dying.server()).unwrap();
            if dying.requests().len() <= deadly {
                assert!(first.is_complete() && deadly > 15, "{first:?}");
                assert_there_once(&dying.state(), "run-1");
                break;
            }
            let said = only_failure(&first);
            assert!(said.contains("broke off"), "{death:?} at {deadly}: {said}");
            drop(dying);
            let alive = Mlflow::with(fake, |_, fake, request| fake.reply(request));
            let second = spool.sync(&alive.server()).unwrap();
            assert!(second.is_complete(), "{death:?} at {deadly}: {second:?}");
            assert_there_once(&alive.state(), "run-1");
        }
    }
}

#[test]
fn a_server_that_dies_again_and_again_gets_everything_once() {
    // Every sync gets one request further than the one before it.
    let (_folder, spool) = spool_with(&["run-1", "run-2"]);
    let fake: Arc<Mutex<Fake>> = Arc::default();
    for allowed in 0.. {
        let dying = Mlflow::with(Arc::clone(&fake), move |number, fake, request| {
            match number < allowed {
                true => fake.reply(request),
                false => die(Death::After, fake, request),
            }
        });
        if spool.sync(&dying.server()).unwrap().is_complete() {
            break;
        }
    }
    let fake = fake.lock().unwrap();
    let live = fake.live();
    assert_eq!(live.len(), 2);
    let numbers: Vec<bool> = fake.models["nlp"]
        .versions
        .iter()
        .map(|v| v.deleted)
        .collect();
    assert_eq!(numbers, [false, false]);
}

#[test]
fn a_request_of_a_killed_sender_that_lands_in_the_next_sync() {
    for late in ["runs/create", "model-versions/create", "experiments/create"] {
        for landing in 0.. {
            let (_folder, spool) = spool_with(&["run-1"]);
            let fake: Arc<Mutex<Fake>> = Arc::default();
            let held: Arc<Mutex<Option<Request>>> = Arc::default();
            let (kept, of_late) = (Arc::clone(&held), late);
            let dying = Mlflow::with(Arc::clone(&fake), move |_, fake, request| {
                match request.path.ends_with(of_late) {
                    true => {
                        *kept.lock().unwrap() = Some(request.clone());
                        Reply::Close
                    }
                    false => fake.reply(request),
                }
            });
            spool.sync(&dying.server()).unwrap();
            drop(dying);
            let request = held.lock().unwrap().take().unwrap();
            let alive = Mlflow::with(fake, move |number, fake, current| {
                if number == landing {
                    fake.reply(&request);
                }
                fake.reply(current)
            });
            let report = spool.sync(&alive.server()).unwrap();
            assert!(report.is_complete(), "{late} at {landing}: {report:?}");
            let searches = alive.requests();
            let last = searches
                .iter()
                .rposition(|request| request.path.ends_with("runs/search"))
                .unwrap();
            let versions = searches
                .iter()
                .rposition(|request| request.path.ends_with("model-versions/search"))
                .unwrap();
            // After the last look nobody looks again: the record has left the spool.
            let seen = match late {
                "model-versions/create" => versions,
                _ => last,
            };
            if landing > seen {
                assert!(landing > 10);
                break;
            }
            assert_there_once(&alive.state(), "run-1");
        }
    }
}
