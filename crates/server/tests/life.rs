//! Drain, reload under load, loaders that fail, models that panic.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use easylife_server::{Limits, Models};
use support::{Client, INFER, Length, Running, options, post, texts};

#[test]
fn a_server_is_ready_once_its_models_are() {
    let server = Running::with(options(), support::models());
    let ready = server.get("/v2/health/ready");
    assert_eq!((ready.status, ready.text()), (503, r#"{"ready":false}"#));
    assert_eq!(server.get("/v2/health/live").status, 200);
    assert_eq!(server.post(INFER, &texts(&["a"])).status, 503);
    assert_eq!(server.models.load_all(), []);
    assert_eq!(server.get("/v2/health/ready").status, 200);
}

#[test]
fn a_drain_is_seen_then_serves_then_finishes() {
    let mut server = Running::start(Limits::default());
    let mut open = server.client();
    assert_eq!(open.post(INFER, &texts(&["a"])).header("connection"), None);
    let mut slow = server.client();
    slow.send(&support::post(
        "/v2/models/heavy/infer",
        "",
        texts(&["sleep 1500"]).as_bytes(),
    ));
    server.wait_for("easylife_rows_in_flight 1");
    server.drain.begin();
    assert_eq!(server.get("/v2/health/ready").status, 503);
    // Still served, and asked to come back to another server.
    let response = open.post(INFER, &texts(&["a"]));
    assert_eq!(
        (response.status, response.header("connection")),
        (200, Some("close"))
    );
    assert_eq!(slow.response().unwrap().status, 200);
    server.thread.take().unwrap().join().unwrap();
    assert!(std::net::TcpStream::connect(server.address).is_err());
}

#[test]
fn a_second_call_ends_at_once() {
    let mut server = Running::start(Limits::default());
    let mut slow = server.client();
    slow.send(&support::post(
        "/v2/models/heavy/infer",
        "",
        texts(&["sleep 20000"]).as_bytes(),
    ));
    server.wait_for("easylife_rows_in_flight 1");
    let start = Instant::now();
    server.drain.begin();
    server.drain.begin();
    server.thread.take().unwrap().join().unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn reloads_under_load_fail_no_request() {
    let server = Running::start(Limits::default());
    let ends = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (ends, address) = (Arc::clone(&ends), server.address);
            std::thread::spawn(move || {
                let (mut client, mut last, mut count) = (Client::new(address), 0u64, 0);
                while !ends.load(Ordering::Relaxed) {
                    let response = client.post(INFER, &texts(&["a", "b"]));
                    assert_eq!(response.status, 200);
                    let answer = response.json();
                    // Wholly of one version, and never of an older one than before.
                    let version = answer["model_version"].as_str().unwrap();
                    assert_eq!(
                        answer["outputs"][1]["data"],
                        serde_json::json!([version, version])
                    );
                    let version = version.parse().unwrap();
                    assert!(version >= last);
                    (last, count) = (version, count + 1);
                }
                count
            })
        })
        .collect();
    for _ in 0..50 {
        assert_eq!(
            server.post("/v2/repository/models/length/load", "").status,
            200
        );
        sleep(Duration::from_millis(10));
    }
    ends.store(true, Ordering::Relaxed);
    let counts: Vec<usize> = clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .collect();
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
    assert_eq!(server.get("/v2/models/length").json()["versions"][0], "51");
}

#[test]
fn a_loader_that_fails_leaves_the_old_model_serving() {
    let loads = AtomicUsize::new(0);
    let mut models = Models::new();
    models.add(
        "length",
        Box::new(move || match loads.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(Box::new(Length::new("1"))),
            1 => Err("the file is damaged".into()),
            _ => panic!("as ordered"),
        }),
    );
    assert_eq!(models.load_all(), []);
    let server = Running::with(options(), models);
    let load = || server.post("/v2/repository/models/length/load", "");
    let failed = load();
    let error = r#"{"error":"failed to load model `length`: the file is damaged"}"#;
    assert_eq!((failed.status, failed.text()), (400, error));
    assert_eq!(load().status, 400);
    assert_eq!(
        server.post(INFER, &texts(&["a"])).json()["model_version"],
        "1"
    );
    assert_eq!(server.get("/v2/health/ready").status, 200);
    let index = server.post("/v2/repository/index", "").json();
    assert_eq!(index[0]["state"], "READY");
    assert_eq!(index[0]["reason"], "the loader panicked");
}

#[test]
fn a_panic_costs_one_request() {
    let server = Running::start(Limits::default());
    for (path, order) in [
        (INFER, "panic"),
        ("/v2/models/heavy/infer", "panic"),
        ("/v2/models/heavy/infer", "panic while counting"),
    ] {
        let mut client = server.client();
        let response = client.post(path, &texts(&[order]));
        assert_eq!(response.status, 500);
        let id = response.header("x-request-id").unwrap();
        let expected = format!("the model failed on this request (request {id})");
        assert_eq!(response.json()["error"], expected);
        assert_eq!(client.post(path, &texts(&["a"])).status, 200);
    }
    let metrics = server.get("/metrics");
    assert!(
        metrics
            .text()
            .contains(r#"easylife_inferences_total{model="length",outcome="panicked"} 1"#)
    );
    assert!(metrics.text().contains("easylife_rows_in_flight 0"));
    assert!(metrics.text().contains("easylife_bytes_in_flight 0"));
}

#[test]
fn an_old_model_is_freed() {
    struct Guarded(
        Length,
        #[expect(dead_code, reason = "it is counted")] Arc<()>,
    );
    impl easylife_server::Model for Guarded {
        fn version(&self) -> &str {
            self.0.version()
        }
        fn metadata(&self) -> &easylife_server::Metadata {
            self.0.metadata()
        }
        fn infer(
            &self,
            request: &easylife_server::InferRequest,
        ) -> Result<easylife_server::InferResponse, easylife_server::Fault> {
            self.0.infer(request)
        }
    }
    let token = Arc::new(());
    let own = Arc::clone(&token);
    let mut models = Models::new();
    models.add(
        "length",
        Box::new(move || Ok(Box::new(Guarded(Length::new("1"), Arc::clone(&own))))),
    );
    for _ in 0..10 {
        models.load("length").unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    // The token here, the loader's, and the model that serves.
    while Arc::strong_count(&token) > 3 && Instant::now() < deadline {
        sleep(Duration::from_millis(5));
    }
    assert_eq!(Arc::strong_count(&token), 3);
}

#[test]
fn no_request_is_lost_while_the_server_closes() {
    let server = Running::start(Limits::default());
    let address = server.address;
    // As a load balancer does it during a drain: a new connection for each request, until there is none to be had.
    let clients: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let mut answered = 0;
                while let Ok(stream) = std::net::TcpStream::connect(address) {
                    drop(stream); // one that never says a word
                    let Ok(_) = std::net::TcpStream::connect(address) else {
                        break;
                    };
                    let Ok(stream) = std::net::TcpStream::connect(address) else {
                        break;
                    };
                    let mut client = Client::over(stream);
                    client.send(&post(INFER, "", texts(&["a"]).as_bytes()));
                    let response = client.response();
                    assert_eq!(
                        response.map(|response| response.status),
                        Some(200),
                        "{answered}"
                    );
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    sleep(Duration::from_millis(200));
    server.drain.begin();
    for client in clients {
        assert!(client.join().unwrap() > 10);
    }
}

#[test]
fn a_connection_without_a_request_yet_is_answered_while_the_server_closes() {
    let server = Running::start(Limits::default());
    let mut client = server.client();
    server.drain.begin();
    // After the drain delay of 300 ms, when the listeners are closed.
    sleep(Duration::from_millis(700));
    assert_eq!(client.post(INFER, &texts(&["a"])).status, 200);
}
