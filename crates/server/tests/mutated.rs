//! Requests damaged at random, from a seed: none makes the server fail, and the next request is answered
//! right. `EASYLIFE_MUTATIONS` sets how many (10^6 take some minutes).

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use easylife_server::Limits;
use support::{INFER, Running, post, texts};

/// What damages are made of, beside noise.
const TOKENS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\0",
    b"Content-Length: 7\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Inference-Header-Content-Length: 9\r\n",
    b"Content-Encoding: gzip\r\n",
    b"18446744073709551615",
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"[[[[",
    b"{",
    b"\"",
    b"\\u",
    b"\xff",
    b"%00",
    b"../",
    b"ffffffff\r\n",
];

/// xorshift64*, so that a seed names a run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len());
        let length = self.below(12).min(bytes.len() - place);
        match self.below(5) {
            0 => bytes[place] = self.below(256) as u8,
            1 => bytes[place] ^= 1 << self.below(8),
            2 => drop(bytes.drain(place..place + length)),
            3 => {
                let copy = bytes[place..place + length].to_vec();
                bytes.splice(place..place, copy);
            }
            _ => {
                let token = TOKENS[self.below(TOKENS.len())];
                bytes.splice(place..place, token.iter().copied());
            }
        }
    }
}

fn originals() -> Vec<Vec<u8>> {
    let body = texts(&["good", "bad"]);
    let head = r#"{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}"#;
    let binary = [head.as_bytes(), b"\x01\0\0\0a"].concat();
    let length = format!("Inference-Header-Content-Length: {}\r\n", head.len());
    let chunked = format!(
        "POST {INFER} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    vec![
        post(INFER, "Content-Type: application/json\r\n", body.as_bytes()),
        post(INFER, &length, &binary),
        chunked.into_bytes(),
        post("/v2/models/echo/infer", "", br#"{"id":"a","inputs":[{"name":"FP64","datatype":"FP64","shape":[2],"data":[1.5,-2e3]}],"outputs":[{"name":"FP64"}]}"#),
        post("/v2/repository/index", "", br#"{"ready":true}"#),
        b"GET /v2/models/length/versions/1 HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n".to_vec(),
    ]
}

/// The statuses of all responses to what is sent.
fn statuses(server: &Running, request: &[u8]) -> Vec<u16> {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let starts = answer
        .windows(12)
        .filter(|window| window.starts_with(b"HTTP/1.1 "));
    let status = |window: &[u8]| std::str::from_utf8(&window[9..]).unwrap().parse().unwrap();
    starts.map(status).collect()
}

#[test]
fn damaged_requests_never_make_the_server_fail() {
    let count = std::env::var("EASYLIFE_MUTATIONS").map_or(3000, |count| count.parse().unwrap());
    let server = Running::start(Limits::default());
    let (originals, mut random) = (originals(), Random(20_261_129));
    let mut client = server.client();
    for number in 0..count {
        let mut request = originals[random.below(originals.len())].clone();
        for _ in 0..=random.below(3) {
            if !request.is_empty() {
                random.damage(&mut request);
            }
        }
        let statuses = statuses(&server, &request);
        let shown = || String::from_utf8_lossy(&request).into_owned();
        assert!(
            statuses.iter().all(|status| *status < 500),
            "{number}: {statuses:?}\n{}",
            shown()
        );
        if number % 50 == 0 {
            let next = client.post(INFER, &texts(&["still here"]));
            assert_eq!(
                next.json()["outputs"][0]["data"][0],
                10,
                "{number}\n{}",
                shown()
            );
        }
    }
    let metrics = server.get("/metrics");
    assert!(metrics.text().contains("easylife_rows_in_flight 0"));
    assert!(metrics.text().contains("easylife_bytes_in_flight 0"));
}
