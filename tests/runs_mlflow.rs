//! Runs mirrored to an MLflow server that is not there, or misbehaves: nothing fails, nothing is lost, no secret is kept.
//! A real server is asked by `make test-mlflow`.
#![cfg(feature = "mlflow")]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use support::Workdir;

/// A server on loopback that answers everything with the same bytes; stopped when dropped.
struct Fake {
    address: std::net::SocketAddr,
    asked: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Fake {
    fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, stopped) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (counter, stop) = (asked.clone(), stopped.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                counter.fetch_add(1, Ordering::SeqCst);
                answer_to(stream, answer);
            }
        });
        Self {
            address,
            asked,
            stopped,
            thread: Some(thread),
        }
    }

    fn uri(&self) -> String {
        format!("http://someone:hunter2@{}", self.address)
    }
}

fn answer_to(mut stream: TcpStream, answer: &str) {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    // The client may have gone.
    let _ = stream.write_all(answer.as_bytes());
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn run(dir: &Workdir, uri: &str, args: &[&str]) -> Output {
    let mut command = dir.command(args);
    command.env("MLFLOW_TRACKING_URI", uri);
    command.env("MLFLOW_HTTP_REQUEST_TIMEOUT", "5");
    command.output().unwrap()
}

/// Names of the records that wait, once nobody is sending any more.
fn waiting(dir: &Workdir) -> Vec<String> {
    let names = dir.names(".easylife/mlflow").into_iter();
    names.filter(|name| !name.starts_with('.')).collect()
}

/// What `runs sync` says and ends with, once the processes that verbs started have ended.
fn synced(dir: &Workdir, uri: &str) -> (i32, String) {
    let done = run(dir, uri, &["runs", "sync", "--wait"]);
    let said = [done.stdout, done.stderr].concat();
    (
        done.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

#[test]
fn without_a_server_training_goes_on_and_the_run_waits() {
    let dir = Workdir::trained();
    assert!(!dir.exists(".easylife/mlflow"));
    // A port where nobody listens.
    let uri = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for verb in ["train", "evaluate"] {
        let done = run(&dir, &uri, &[verb, "nlp"]);
        assert!(done.status.success(), "{done:?}");
    }
    let (code, said) = synced(&dir, &uri);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("0 sent, 2 waiting"), "{said}");
    assert_eq!(waiting(&dir).len(), 2);
    // The model is kept as it was when it was evaluated.
    let measured = dir.bytes("models/nlp.safetensors");
    dir.ok(&["train", "nlp", "-S", "nlp.model.C=3"]);
    let spooled = dir.tree(".easylife/mlflow");
    assert!(spooled.iter().any(|(_, bytes)| *bytes == measured));
    assert!(dir.bytes("models/nlp.safetensors") != measured);
}

#[test]
fn a_server_that_misbehaves_loses_nothing_and_no_secret_is_kept() {
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>";
    let failing =
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let dir = Workdir::trained();
    for answer in [html, failing, ""] {
        let fake = Fake::answering(answer);
        let done = run(&dir, &fake.uri(), &["evaluate", "nlp"]);
        assert!(done.status.success(), "{done:?}");
        let (code, said) = synced(&dir, &fake.uri());
        assert_eq!(code, 1, "{said}");
        assert!(fake.asked.load(Ordering::SeqCst) > 0, "{said}");
        let talk = [done.stdout, done.stderr].concat();
        let talk = String::from_utf8(talk).unwrap() + &said;
        assert!(!talk.contains("hunter2"), "{talk}");
    }
    assert_eq!(waiting(&dir).len(), 3);
    for (name, bytes) in dir.tree(".easylife") {
        assert!(
            !String::from_utf8_lossy(&bytes).contains("hunter2"),
            "{name}"
        );
    }
}

#[test]
fn what_is_no_server_is_said() {
    let dir = Workdir::trained();
    let done = run(&dir, "sqlite:///mlflow.db", &["train", "nlp"]);
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("not mirrored to MLflow"), "{said}");
    assert!(
        dir.fails(2, &["runs", "sync"])
            .contains("MLFLOW_TRACKING_URI is not set")
    );
}

/// A run that ended while another one was being sent stayed until somebody asked for it.
#[test]
fn whoever_sends_beside_others_waits_for_them() {
    let dir = Workdir::trained();
    let fake = Fake::answering("");
    assert!(
        run(&dir, &fake.uri(), &["evaluate", "nlp"])
            .status
            .success()
    );
    synced(&dir, &fake.uri());
    let lock = files::lock::Lock::take(&dir.path(".easylife/mlflow/.lock"), true).unwrap();
    let done = run(&dir, &fake.uri(), &["runs", "sync"]);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    let asked = fake.asked.load(Ordering::SeqCst);
    let mut command = dir.command(&["runs", "sync", "--wait"]);
    command.env("MLFLOW_TRACKING_URI", fake.uri());
    let mut child = command.spawn().unwrap();
    // It cannot end before the lock is given back, however slow it is.
    assert!(child.try_wait().unwrap().is_none());
    assert_eq!(fake.asked.load(Ordering::SeqCst), asked);
    drop(lock);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(fake.asked.load(Ordering::SeqCst) > asked);
}
