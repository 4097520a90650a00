//! `easylife serve` on a loopback port, started and stopped by a test, and a client that writes HTTP/1.1.
#![allow(dead_code)] // each test file uses its part

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Workdir;

/// How long anything may take: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens, in the order of `--listen`.
    pub addresses: Vec<SocketAddr>,
    said: Arc<Mutex<String>>,
}

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header.
    pub fn header(&self, wanted: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    }
}

impl Server {
    /// `easylife serve` with these arguments, once it is ready. Without `--listen` it finds a port.
    pub fn start(dir: &Workdir, args: &[&str]) -> Self {
        let mut all = vec!["serve"];
        all.extend(args);
        if !args.contains(&"--drain-delay") {
            all.extend(["--drain-delay", "0s"]);
        }
        if !args.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        let listeners = all.iter().filter(|word| **word == "--listen").count();
        let mut child = dir
            .command(&all)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (stderr, heard) = (child.stderr.take().unwrap(), said.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        let mut server = Self {
            child,
            addresses: Vec::new(),
            said,
        };
        server.wait_for("an address", |server| {
            let found = addresses(&server.said());
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "{all:?} ended: {}", server.said());
            server.addresses = found;
            server.addresses.len() == listeners
        });
        server.wait_for("readiness", |server| {
            server.get("/v2/health/ready").status == 200
        });
        server
    }

    /// What it has said on stderr so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until something is so.
    pub fn wait_for(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < PATIENCE, "no {what}: {}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn get(&self, target: &str) -> Response {
        self.send("GET", target, &[], b"")
    }

    pub fn post(&self, target: &str, content_type: &str, body: impl AsRef<[u8]>) -> Response {
        self.send(
            "POST",
            target,
            &[("content-type", content_type)],
            body.as_ref(),
        )
    }

    /// Posts JSON.
    pub fn ask(&self, target: &str, body: &serde_json::Value) -> Response {
        self.post(target, "application/json", body.to_string())
    }

    pub fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        request(self.addresses[0], method, target, headers, body)
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub fn signal(&self, signal: &str) {
        let sent = std::process::Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end; its exit code.
    pub fn end(mut self) -> Option<i32> {
        let mut code = None;
        self.wait_for("end", |server| {
            let ended = server.child.try_wait().unwrap();
            code = ended.and_then(|status| status.code());
            ended.is_some()
        });
        code
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The addresses in what a server says.
fn addresses(said: &str) -> Vec<SocketAddr> {
    let lines = said.lines().filter(|line| line.contains("serving "));
    lines
        .filter_map(|line| {
            let rest = line.split_once("http://")?.1;
            rest.split([' ', '/']).next()?.parse().ok()
        })
        .collect()
}

/// One request on a connection of its own.
pub fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if method == "POST" {
        head += &format!("content-length: {}\r\n", body.len());
    }
    head += "\r\n";
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(body); // it may be refused before its end
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("{target}: {:?}", String::from_utf8_lossy(&answer)));
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let (status, mut body) = (status.unwrap(), answer[end + 4..].to_vec());
    let response = Response {
        status,
        head,
        body: Vec::new(),
    };
    if response.header("transfer-encoding").is_some() {
        body = unchunked(&body);
    }
    Response { body, ..response }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 4 + size..];
    }
}

/// A form with files: the content type, and the body.
pub fn form(files: &[(&str, &str, &[u8])]) -> (&'static str, Vec<u8>) {
    let mut body = Vec::new();
    for (field, name, content) in files {
        let head = format!(
            "--cut\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    ("multipart/form-data; boundary=cut", body)
}
