//! Several models under one name: who answers, what feedback says about them, and what shadows must never do.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use easylife_server::model::{InferRequest, InferResponse, Metadata};
use easylife_server::{Fault, Limits, Model, Models, Options, Split};
use serde_json::{Value, json};
use support::{Client, INFER, Length, Response, Running, options, post, texts};

type Load = fn() -> Box<dyn Model>;

/// A model whose `infer` does as it is told.
struct Odd {
    inner: Length,
    does: fn(),
}

impl Model for Odd {
    fn version(&self) -> &str {
        self.inner.version()
    }

    fn metadata(&self) -> &Metadata {
        self.inner.metadata()
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        (self.does)();
        self.inner.infer(request)
    }
}

fn server(models: &[(&'static str, Load)], weights: &[(&str, f64)], shadows: &[&str]) -> Running {
    let mut all = Models::new();
    for &(name, load) in models {
        match shadows.contains(&name) {
            true => all.add_optional(name, Box::new(move || Ok(load()))),
            false => all.add(name, Box::new(move || Ok(load()))),
        }
    }
    assert_eq!(all.load_all(), []);
    let split = split(weights, shadows);
    Running::with(
        Options {
            split,
            limits: Limits::default(),
            ..options()
        },
        all,
    )
}

fn split(weights: &[(&str, f64)], shadows: &[&str]) -> Split {
    let weights = weights
        .iter()
        .map(|(name, weight)| ((*name).to_owned(), *weight));
    Split {
        weights: weights.collect(),
        shadows: shadows.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn first() -> Box<dyn Model> {
    Box::new(Length::new("1"))
}

fn second() -> Box<dyn Model> {
    Box::new(Length::new("2"))
}

fn with(client: &mut Client, headers: &str, text: &str) -> Response {
    client.send(&post(INFER, headers, texts(&[text]).as_bytes()));
    client.response().unwrap()
}

fn version(response: &Response) -> String {
    response.json()["model_version"]
        .as_str()
        .unwrap_or("")
        .to_owned()
}

#[test]
fn a_key_always_meets_the_same_arm_and_the_header_chooses() {
    let server = server(
        &[("length", first), ("length@next", second)],
        &[("length@next", 30.0)],
        &[],
    );
    let mut client = server.client();
    let mut next = 0;
    for user in 0..200 {
        let headers = format!("X-Arm-Key: user-{user}\r\n");
        let answers: Vec<Response> = (0..3).map(|_| with(&mut client, &headers, "a")).collect();
        let versions: Vec<String> = answers.iter().map(version).collect();
        assert!(
            versions.iter().all(|one| *one == versions[0]),
            "{versions:?}"
        );
        let arm = if versions[0] == "2" { "next" } else { "main" };
        assert_eq!(answers[0].header("x-arm"), Some(arm));
        // The name that was asked, whoever answers.
        assert_eq!(answers[0].json()["model_name"], "length");
        next += usize::from(versions[0] == "2");
    }
    assert!((35..=85).contains(&next), "{next} of 200 keys at 30 %");
    for (headers, expected) in [("X-Arm: main\r\n", "1"), ("X-Arm: next\r\n", "2")] {
        for key in ["a", "b", "c"] {
            let headers = format!("{headers}X-Arm-Key: {key}\r\n");
            assert_eq!(version(&with(&mut client, &headers, "a")), expected);
        }
    }
    let unknown = with(&mut client, "X-Arm: nobody\r\n", "a");
    assert_eq!(unknown.status, 400);
    assert_eq!(
        unknown.json(),
        json!({"error": "unknown arm `nobody` of `length`; there is main, next"})
    );
    // Whoever names a version gets it, and an arm has an address of its own.
    for path in [
        "/v2/models/length/versions/1/infer",
        "/v2/models/length@next/infer",
    ] {
        let expected = if path.contains('@') { "2" } else { "1" };
        for _ in 0..10 {
            client.send(&post(path, "", texts(&["a"]).as_bytes()));
            assert_eq!(version(&client.response().unwrap()), expected, "{path}");
        }
    }
}

#[test]
fn where_an_arm_is_not_loaded_the_model_answers() {
    let server = server(
        &[("length", first), ("length@next", second)],
        &[("length@next", 100.0)],
        &[],
    );
    let mut client = server.client();
    assert_eq!(version(&with(&mut client, "", "a")), "2");
    server.models.unload("length@next").unwrap();
    assert_eq!(version(&with(&mut client, "", "a")), "1");
    assert_eq!(with(&mut client, "X-Arm: next\r\n", "a").status, 503);
}

#[test]
fn feedback_tells_which_arm_is_better() {
    let server = server(
        &[("length", first), ("length@next", second)],
        &[("length@next", 50.0)],
        &[],
    );
    let mut client = server.client();
    for request in 0..400 {
        let headers = format!("X-Request-Id: r{request}\r\n");
        let answer = with(&mut client, &headers, "a");
        // The arm is right in nine of ten answers, the model in five of ten.
        let correct = match version(&answer).as_str() {
            "2" => request % 10 != 0,
            _ => request % 2 == 0,
        };
        let report = json!({"id": format!("r{request}"), "correct": correct}).to_string();
        let taken = client.post("/feedback", &report);
        assert_eq!(
            (taken.status, taken.json()),
            (200, json!({"accepted": true}))
        );
        assert_eq!(client.post("/feedback", &report).status, 404, "once");
    }
    let report = client.get("/arms").json();
    let arm = &report["models"][0]["arms"][0];
    assert_eq!(arm["test"]["verdict"], "better", "{report}");
    let right = |side: &str| arm["test"][side]["feedback"].as_u64().unwrap();
    assert_eq!(right("main") + right("arm"), 400);
    let low = arm["test"]["difference"][0].as_f64().unwrap();
    assert!(low > 0.0 && low < 0.4, "{report}");
    for (body, status) in [
        (json!({"id": "unknown", "correct": true}), 404),
        (json!({"id": "r1"}), 404),
        (json!({"id": 7, "correct": true}), 400),
        (json!({"correct": true}), 400),
        (json!({"id": "r1", "right": true}), 400),
    ] {
        assert_eq!(
            client.post("/feedback", &body.to_string()).status,
            status,
            "{body}"
        );
    }
}

#[test]
fn another_version_is_another_test() {
    static VERSION: AtomicU64 = AtomicU64::new(1);
    let next = || -> Box<dyn Model> {
        let version = VERSION.fetch_add(1, Ordering::Relaxed) + 1;
        Box::new(Length::new(&version.to_string()))
    };
    let server = server(
        &[("length", first), ("length@next", next)],
        &[("length@next", 100.0)],
        &[],
    );
    let mut client = server.client();
    for id in ["a", "b"] {
        with(&mut client, &format!("X-Request-Id: {id}\r\n"), "a");
    }
    let told = |client: &mut Client, id: &str| {
        let report = json!({"id": id, "correct": true}).to_string();
        assert_eq!(client.post("/feedback", &report).status, 200);
        let report = client.get("/arms").json();
        report["models"][0]["arms"][0]["test"]["arm"]["feedback"].as_u64()
    };
    assert_eq!(told(&mut client, "a"), Some(1));
    server.models.load("length@next").unwrap();
    // What is said of the old one's answer does not count for the new one.
    assert_eq!(told(&mut client, "b"), Some(0));
}

#[test]
fn answers_that_a_client_chose_are_no_outcome() {
    let server = server(
        &[("length", first), ("length@next", second)],
        &[("length@next", 50.0)],
        &[],
    );
    let mut client = server.client();
    with(&mut client, "X-Arm: next\r\nX-Request-Id: chosen\r\n", "a");
    let report = json!({"id": "chosen", "correct": true}).to_string();
    assert_eq!(client.post("/feedback", &report).status, 404);
}

/// The counts of the only shadow, once as many copies as expected have come to an end.
fn counted(server: &Running, expected: u64) -> Value {
    let start = Instant::now();
    loop {
        let report = server.get("/arms").json();
        let shadow = report["models"][0]["shadows"][0].clone();
        let requests = shadow["requests"].as_object().unwrap();
        let sum: u64 = requests.values().filter_map(Value::as_u64).sum();
        if sum >= expected {
            return shadow;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{report}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_shadow_is_compared_and_nobody_sees_it() {
    let server = server(
        &[("length", first), ("length@next", second)],
        &[],
        &["length@next"],
    );
    let mut client = server.client();
    for text in ["a", "bb", "refuse"] {
        let answer = with(&mut client, "", text);
        if text != "refuse" {
            assert_eq!(
                (version(&answer).as_str(), answer.header("x-arm")),
                ("1", Some("main"))
            );
        }
    }
    // What the model refused was no answer to compare with. The texts differ: the toy answers its version.
    let shadow = counted(&server, 2);
    assert_eq!(shadow["requests"]["compared"], 2);
    assert_eq!(shadow["rows"], json!({"same": 0, "close": 0, "changed": 2}));
    assert_eq!(with(&mut client, "X-Arm: next\r\n", "a").status, 400);
    let metrics = server.get("/metrics");
    let line = "easylife_shadow_rows_total{model=\"length\",arm=\"next\",outcome=\"changed\"} 2";
    assert!(
        metrics.text().lines().any(|found| found == line),
        "{}",
        metrics.text()
    );
}

#[test]
fn a_shadow_of_the_same_model_agrees() {
    let server = server(
        &[("length", first), ("length@next", first)],
        &[],
        &["length@next"],
    );
    for _ in 0..5 {
        server.post(INFER, &texts(&["a", "b"]));
    }
    let shadow = counted(&server, 5);
    assert_eq!(
        shadow["rows"],
        json!({"same": 10, "close": 0, "changed": 0})
    );
}

#[test]
fn a_shadow_that_panics_or_is_slow_or_absent_harms_nobody() {
    let panicking = || -> Box<dyn Model> {
        Box::new(Odd {
            inner: Length::new("2"),
            does: || panic!("as ordered"),
        })
    };
    let slow = || -> Box<dyn Model> {
        Box::new(Odd {
            inner: Length::new("2"),
            does: || std::thread::sleep(Duration::from_millis(50)),
        })
    };
    for (load, what) in [
        (panicking as Load, "panicked"),
        (slow, "dropped"),
        (second, "absent"),
    ] {
        let server = server(
            &[("length", first), ("length@next", load)],
            &[],
            &["length@next"],
        );
        if what == "absent" {
            server.models.unload("length@next").unwrap();
        }
        assert_eq!(server.get("/v2/health/ready").status, 200);
        let mut client = server.client();
        // More than may wait for a slow one.
        let count = if what == "dropped" { 1100 } else { 50 };
        let start = Instant::now();
        for _ in 0..count {
            assert_eq!(version(&with(&mut client, "", "a")), "1");
        }
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{what} took {:?}",
            start.elapsed()
        );
        let expected = if what == "dropped" { 20 } else { count };
        let shadow = counted(&server, expected);
        assert!(
            shadow["requests"][what].as_u64().unwrap() > 0,
            "{what}: {shadow}"
        );
    }
}

#[test]
fn splits_that_do_not_fit_are_refused() {
    let bind = |weights: &[(&str, f64)], shadows: &[&str]| {
        let mut models = Models::new();
        for name in ["length", "length@a", "length@b"] {
            models.add(name, Box::new(|| Ok(first())));
        }
        let split = split(weights, shadows);
        let bound = easylife_server::Server::bind(Options { split, ..options() }, models.into());
        bound
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    assert_eq!(bind(&[("length@a", 50.0), ("length@b", 50.0)], &[]), "");
    assert!(bind(&[("length@a", 60.0), ("length@b", 50.0)], &[]).contains("110 %"));
    assert!(bind(&[("length@c", 1.0)], &[]).contains("length@c is no arm"));
    assert!(bind(&[], &["length"]).contains("length is no arm"));
}
