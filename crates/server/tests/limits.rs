//! Limits: slow clients are cut, large bodies and bombs refused, too much work shed.

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use easylife_server::{Limits, Options};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use support::{Client, INFER, Running, options, post, texts};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn short() -> Limits {
    Limits {
        first_byte: Duration::from_millis(200),
        head: Duration::from_millis(300),
        body: Duration::from_millis(400),
        idle: Duration::from_millis(1500),
        write: Duration::from_millis(500),
        ..Limits::default()
    }
}

fn between(start: Instant, from: u64, to: u64) {
    let millis = start.elapsed().as_millis() as u64;
    assert!((from..to).contains(&millis), "{millis} ms");
}

#[test]
fn silent_connections_are_closed() {
    let server = Running::start(short());
    let start = Instant::now();
    let mut clients: Vec<Client> = (0..200).map(|_| server.client()).collect();
    assert!(clients.iter_mut().all(Client::is_closed));
    between(start, 190, 3000);
}

/// More clients at once than the usual backlog has room for, before the server runs.
#[test]
fn a_burst_of_connections_is_taken() {
    let models = support::models();
    assert_eq!(models.load_all(), []);
    let server = easylife_server::Server::bind(options(), Arc::new(models)).unwrap();
    let (address, drain) = (server.addresses().unwrap()[0], server.drain());
    let start = Instant::now();
    let mut clients: Vec<Client> = (0..400).map(|_| Client::new(address)).collect();
    between(start, 0, 900);
    let thread = std::thread::spawn(move || server.run_on(2).unwrap());
    for client in &mut clients {
        assert_eq!(client.get("/health").status, 200);
    }
    drain.begin();
    drain.begin();
    thread.join().unwrap();
}

#[test]
fn slow_heads_and_bodies_are_answered_with_408() {
    let server = Running::start(short());
    let begin = format!("POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: 500\r\n");
    for (sent, error, most) in [
        (begin.clone(), "the head of the request took too long", 2000),
        (format!("{begin}\r\n{{"), "the body took too long", 2500),
    ] {
        let start = Instant::now();
        let mut client = server.client();
        client.send(sent.as_bytes());
        // One byte now and then does not help.
        let mut dripping = client.stream.try_clone().unwrap();
        let drip = std::thread::spawn(move || {
            for _ in 0..30 {
                std::thread::sleep(Duration::from_millis(100));
                let _ = dripping.write_all(b"a");
            }
        });
        let response = client.response().unwrap();
        assert_eq!(response.status, 408);
        assert_eq!(response.json()["error"], error);
        assert_eq!(response.header("connection"), Some("close"));
        between(start, 250, most);
        drip.join().unwrap();
    }
}

#[test]
fn idle_connections_are_closed_and_busy_ones_are_not() {
    let server = Running::start(short());
    let mut client = server.client();
    for _ in 0..4 {
        assert_eq!(client.post(INFER, &texts(&["a"])).status, 200);
        std::thread::sleep(Duration::from_millis(500));
    }
    // Longer than any of the timers: work is not idleness.
    assert_eq!(
        client
            .post("/v2/models/heavy/infer", &texts(&["sleep 2000"]))
            .status,
        200
    );
    let start = Instant::now();
    assert!(client.is_closed());
    between(start, 1300, 10_000);
}

#[test]
fn a_client_that_does_not_read_is_cut() {
    let server = Running::start(short());
    let mut client = server.client();
    let text = "a".repeat(1_000_000);
    let body = serde_json::json!({
        "inputs": [{"name": "BYTES", "datatype": "BYTES", "shape": [10], "data": vec![text; 10]}]
    });
    client.send(&post(
        "/v2/models/echo/infer",
        "",
        body.to_string().as_bytes(),
    ));
    std::thread::sleep(Duration::from_millis(2500));
    assert!(
        client.response().is_none(),
        "the rest of the answer should be missing"
    );
}

#[test]
fn connections_beyond_the_limit_are_refused() {
    let server = Running::start(Limits {
        connections: 2,
        ..Limits::default()
    });
    let mut open = [server.client(), server.client()];
    for client in &mut open {
        assert_eq!(client.get("/health").status, 200);
    }
    let refused = server.client().response().unwrap();
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(
        refused.text(),
        r#"{"error":"too many connections; try again later"}"#
    );
    drop(open);
    server.wait_for("easylife_connections_open 1");
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn packed_bodies_are_unpacked() {
    let server = Running::start(Limits::default());
    let body = texts(&["abc"]);
    let mut client = server.client();
    client.send(&post(
        INFER,
        "Content-Encoding: gzip\r\n",
        &gzip(body.as_bytes()),
    ));
    assert_eq!(
        client.response().unwrap().json()["outputs"][0]["data"][0],
        3
    );
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(body.as_bytes()).unwrap();
    client.send(&post(
        INFER,
        "Content-Encoding: deflate\r\n",
        &packer.finish().unwrap(),
    ));
    assert_eq!(
        client.response().unwrap().json()["outputs"][0]["data"][0],
        3
    );
}

#[test]
fn large_answers_are_packed_for_those_who_take_it() {
    let server = Running::start(Limits::default());
    let many = texts(&vec!["abc"; 2000]);
    let mut client = server.client();
    let plain = client.post(INFER, &many);
    assert_eq!(plain.header("content-encoding"), None);
    client.send(&post(
        INFER,
        "Accept-Encoding: gzip, deflate\r\n",
        many.as_bytes(),
    ));
    let packed = client.response().unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < plain.body.len() / 10);
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(&*packed.body);
    std::io::Read::read_to_end(&mut reader, &mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    client.send(&post(
        INFER,
        "Accept-Encoding: gzip\r\n",
        texts(&["a"]).as_bytes(),
    ));
    assert_eq!(client.response().unwrap().header("content-encoding"), None);
}

#[test]
fn a_bomb_is_refused_before_it_is_large() {
    let server = Running::start(Limits {
        unpacked_bytes: 1 << 20,
        ..Limits::default()
    });
    let bomb = gzip(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 300_000);
    let start = Instant::now();
    let mut client = server.client();
    client.send(&post(INFER, "Content-Encoding: gzip\r\n", &bomb));
    let response = client.response().unwrap();
    assert_eq!(response.status, 413);
    assert_eq!(
        response.json()["error"],
        "the unpacked body is larger than 1048576 bytes"
    );
    between(start, 0, 1000);
    let cut = &gzip(texts(&["a"]).as_bytes())[..30];
    client.send(&post(INFER, "Content-Encoding: gzip\r\n", cut));
    assert_eq!(client.response().unwrap().status, 400);
}

#[test]
fn bodies_share_a_bound_of_memory() {
    let server = Running::start(Limits {
        bytes_in_flight: 1000,
        ..Limits::default()
    });
    let mut first = server.client();
    // Whoever comes first is let in, whatever its size.
    let begin = format!(
        "POST {INFER} HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\n{}",
        " ".repeat(4000)
    );
    first.send(begin.as_bytes());
    server.wait_until(|metrics| !metrics.contains("\neasylife_bytes_in_flight 0\n"));
    let refused = server.post(INFER, &texts(&["a"]));
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    drop(first);
    server.wait_for("easylife_bytes_in_flight 0");
    assert_eq!(server.post(INFER, &texts(&["a"])).status, 200);
}

/// Small requests go on while the pool is full, and what does not fit is refused at once.
#[test]
fn work_beyond_capacity_is_shed() {
    let server = Running::start(Limits {
        pool: 1,
        pool_waiting: 2,
        ..Limits::default()
    });
    let heavy = "/v2/models/heavy/infer";
    let mut busy: Vec<Client> = (0..3).map(|_| server.client()).collect();
    // The first holds the pool, the others wait for it.
    for (number, order) in ["sleep 3000", "a", "a"].into_iter().enumerate() {
        busy[number].send(&post(heavy, "", texts(&[order]).as_bytes()));
        server.wait_for(&format!("easylife_rows_in_flight {}", number + 1));
    }
    let mut client = server.client();
    for _ in 0..10 {
        let shed = client.post(heavy, &texts(&["a"]));
        assert_eq!((shed.status, shed.header("retry-after")), (503, Some("1")));
        assert_eq!(
            shed.text(),
            r#"{"error":"the server is at capacity; try again later"}"#
        );
        assert_eq!(client.post(INFER, &texts(&["a"])).status, 200);
    }
    // A large body is read, but not kept, so that its connection goes on.
    let large = texts(&["a".repeat(300_000).as_str()]);
    assert_eq!(client.post(INFER, &large).status, 503);
    for client in &mut busy {
        assert_eq!(client.response().unwrap().status, 200);
    }
    assert!(
        server
            .get("/metrics")
            .text()
            .contains("easylife_shed_total 11")
    );
}

#[test]
fn rows_in_flight_are_bounded() {
    let server = Running::start(Limits {
        rows_in_flight: 100,
        ..Limits::default()
    });
    let mut first = server.client();
    let mut many = vec!["a"; 99];
    many.push("sleep 3000");
    first.send(&post(INFER, "", texts(&many).as_bytes()));
    server.wait_for("easylife_rows_in_flight 100");
    assert_eq!(server.post(INFER, &texts(&["a"])).status, 503);
    assert_eq!(first.response().unwrap().status, 200);
    assert_eq!(server.post(INFER, &texts(&["a"])).status, 200);
}

#[test]
fn deadlines_are_kept() {
    let server = Running::start(Limits::default());
    let mut client = server.client();
    let start = Instant::now();
    let body = texts(&["sleep 5000"]);
    client.send(&post(
        "/v2/models/heavy/infer",
        "X-Request-Timeout-Ms: 100\r\n",
        body.as_bytes(),
    ));
    let late = client.response().unwrap();
    assert_eq!(late.status, 504);
    assert_eq!(
        late.json()["error"],
        "the deadline of the request has passed"
    );
    between(start, 90, 4000);
    // The connection goes on.
    assert_eq!(client.post(INFER, &texts(&["a"])).status, 200);
}

#[test]
fn the_access_log_has_no_content() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let options = Options {
        access: Some(Box::new(move |access| {
            log.lock().unwrap().push(format!("{access:?}"));
        })),
        ..options()
    };
    let models = support::models();
    assert_eq!(models.load_all(), []);
    let server = Running::with(options, models);
    server.post(INFER, &texts(&["secret", "secret"]));
    server.get("/secret?secret=secret");
    server.post("/v2/models/secret/infer", "secret");
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 3);
    assert!(
        lines.iter().all(|line| !line.contains("secret")),
        "{lines:?}"
    );
    assert!(lines[0].contains(
        r#"route: "/v2/models/{model}/infer", status: 200, rows: 2, model: "length", version: "1""#
    ));
}
