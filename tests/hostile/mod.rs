//! Hostile requests: a case is sent as raw bytes, so that its head may lie about its body, and knows the exact answer that
//! is right. Also what such requests are made of: forms, photos, compressed bodies.

mod http;
mod photos;
mod platform;
mod tables;
mod tensors;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use super::server::Response;

/// Planted in texts, file names, ids, queries and tokens: it must be in no log.
const SECRET: &str = "s3cr3t-payload";

pub const JSON: &str = "application/json";
pub const CSV: &str = "text/csv";
pub const FORM: &str = "multipart/form-data; boundary=cut";
/// The head of a part of a form that is a file.
pub const FILE: &str =
    "Content-Disposition: form-data; name=\"file\"; filename=\"s3cr3t-payload.jpg\"";

// Reasons that several tables expect.
pub const BROKEN_HTTP: &str = "the request is not valid HTTP/1.1";
pub const LARGE_BODY: &str = "the body is larger than 33554432 bytes";
pub const DEADLINE: &str = "the deadline of the request has passed";
pub const HORIZON: &str = "parameter `horizon` must be a whole number from 1 to 10000";
pub const LENGTH_OF_LIST: &str = "parameter `k` must be a whole number from 1 to 10000";
pub const UNKNOWN_SERIES: &str =
    "series `s3cr3t-payload`: it is unknown to the model; retrain the model with it";
pub const NOT_AN_IMAGE: &str = "the photo: not a supported image (JPEG, PNG, WebP, BMP, TIFF, GIF)";
pub const HUGE_PHOTO: &str = "the photo: 60000 x 60000 pixels exceed the limit of 128 megapixels";
pub const BROKEN_FORM: &str = "the form is broken or cut short";
pub const BROKEN_QUERY: &str = "the query has a broken escape";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request, and the answer that is right.
pub struct Case {
    /// What is wrong with the request.
    pub name: String,
    pub method: &'static str,
    pub target: String,
    /// Lines of the head. Without a length among them, that of the body is told.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
    /// Whether the client closes its side behind the body.
    pub hangs_up: bool,
    pub status: u16,
    pub expected: Expected,
    /// What the response says in `Allow`.
    pub allow: Option<&'static str>,
}

/// The body of an answer.
pub enum Expected {
    Is(Value),
    /// `{"error": ...}` that begins so.
    ErrorBegins(&'static str),
}

impl Expected {
    fn fits(&self, body: &Value) -> bool {
        match self {
            Self::Is(expected) => body == expected,
            Self::ErrorBegins(start) => {
                let error = body["error"].as_str();
                error.is_some_and(|error| error.starts_with(start))
            }
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Is(expected) => expected.to_string(),
            Self::ErrorBegins(start) => format!("an error that begins with {start:?}"),
        }
    }
}

/// All cases, a table at a time: some bodies are large.
pub fn tables() -> impl Iterator<Item = Vec<Case>> {
    let tables: [fn() -> Vec<Case>; 20] = [
        tensors::tensors,
        tensors::binary_tensors,
        tensors::tensors_of_series,
        tensors::tensors_of_users_and_photos,
        tensors::models_and_routes,
        tensors::repository,
        platform::bodies_of_the_platform,
        platform::counts_in_bodies,
        platform::counts_in_queries,
        platform::names_in_queries,
        photos::photos,
        photos::broken_forms,
        tables::csv_tables,
        tables::json_tables,
        tables::contents_of_tables,
        tables::parameters_of_tables,
        http::methods_and_types,
        http::packed_bodies,
        http::lengths,
        http::heads,
    ];
    tables.into_iter().map(|table| table())
}

/// A request without a body; what is right follows by [`Case::error`] and the like.
pub fn case(name: impl Into<String>, method: &'static str, target: impl Into<String>) -> Case {
    Case {
        name: name.into(),
        method,
        target: target.into(),
        headers: Vec::new(),
        body: Vec::new(),
        hangs_up: false,
        status: 200,
        expected: Expected::Is(Value::Null),
        allow: None,
    }
}

pub fn get(name: impl Into<String>, target: impl Into<String>) -> Case {
    case(name, "GET", target)
}

/// With a content type, unless that is empty.
pub fn post(
    name: impl Into<String>,
    target: impl Into<String>,
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> Case {
    let case = Case {
        body: body.into(),
        ..case(name, "POST", target)
    };
    match content_type {
        "" => case,
        _ => case.header(format!("Content-Type: {content_type}")),
    }
}

pub fn csv(name: &str, target: &str, body: impl Into<Vec<u8>>) -> Case {
    post(format!("{target}: {name}"), target, CSV, body)
}

impl Case {
    /// Adds a line to the head.
    pub fn header(mut self, line: impl Into<String>) -> Self {
        self.headers.push(line.into());
        self
    }

    /// The client closes its side behind the body.
    pub fn hanging_up(self) -> Self {
        Self {
            hangs_up: true,
            ..self
        }
    }

    pub fn answers(self, status: u16, body: Value) -> Self {
        Self {
            status,
            expected: Expected::Is(body),
            ..self
        }
    }

    /// The form of the Open Inference Protocol and of `/v1`.
    pub fn error(self, status: u16, reason: &str) -> Self {
        self.answers(status, json!({"error": reason}))
    }

    /// As [`Case::error`], where the rest of the reason is not the server's own.
    pub fn error_begins(self, status: u16, start: &'static str) -> Self {
        Self {
            status,
            expected: Expected::ErrorBegins(start),
            ..self
        }
    }

    /// The form of the platform's routes.
    pub fn detail(self, status: u16, reason: &str) -> Self {
        self.answers(status, json!({"detail": reason}))
    }

    /// What the platform's routes answer to wrong fields.
    pub fn details(self, details: &[Value]) -> Self {
        self.answers(422, json!({"detail": details}))
    }

    pub fn allows(self, methods: &'static str) -> Self {
        Self {
            allow: Some(methods),
            ..self
        }
    }

    /// The request as it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let (method, target) = (self.method, &self.target);
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\nCookie: {SECRET}\r\nAuthorization: Bearer {SECRET}\r\n"
        );
        for line in &self.headers {
            head += &format!("{line}\r\n");
        }
        let says_length = |line: &String| {
            let line = line.to_ascii_lowercase();
            line.starts_with("content-length") || line.starts_with("transfer-encoding")
        };
        if method == "POST" && !self.headers.iter().any(says_length) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }

    /// What is wrong with the answer of the server, if anything is.
    pub fn complaint(&self, address: SocketAddr) -> Option<String> {
        let name = &self.name;
        let responses = match exchange(address, self.bytes(), self.hangs_up, 1) {
            Ok(responses) => responses,
            Err(reason) => return Some(format!("{name}: no answer: {reason}")),
        };
        let [response] = &responses[..] else {
            let heads = responses.iter().map(|response| response.head.as_str());
            let heads: Vec<&str> = heads.collect();
            return Some(format!("{name}: more than one answer: {heads:?}"));
        };
        let body = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        let is_right = response.status == self.status
            && self.expected.fits(&body)
            && response.header("content-type") == Some("application/json")
            && response.header("allow") == self.allow;
        let (status, expected) = (self.status, self.expected.shown());
        (!is_right).then(|| {
            format!(
                "{name}: expected {status}, {expected}, Allow {:?}; got {}\n    {}",
                self.allow,
                response.head.replace("\r\n", " | "),
                String::from_utf8_lossy(&response.body)
            )
        })
    }
}

/// A thing that is wrong with a field, as pydantic says it.
pub fn wrong(kind: &str, place: &[&str], message: &str, input: Value) -> Value {
    json!({"type": kind, "loc": place, "msg": message, "input": input})
}

pub fn missing(place: &[&str], input: Value) -> Value {
    wrong("missing", place, "Field required", input)
}

/// Sends bytes as they are, and reads so many responses, and all that follow one that closes the connection. A thread of
/// its own sends, for a server that refuses a body does not read it to its end.
///
/// # Errors
/// Why there are fewer responses.
pub fn exchange(
    address: SocketAddr,
    bytes: Vec<u8>,
    hangs_up: bool,
    count: usize,
) -> Result<Vec<Response>, String> {
    let told = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(address).map_err(told)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(told)?;
    let mut sending = stream.try_clone().map_err(told)?;
    sending.set_write_timeout(Some(PATIENCE)).map_err(told)?;
    let sender = std::thread::spawn(move || {
        let _ = sending.write_all(&bytes); // it may be refused before its end
        if hangs_up {
            let _ = sending.shutdown(Shutdown::Write);
        }
    });
    let responses = responses(&mut stream, count);
    let _ = stream.shutdown(Shutdown::Both); // ends the sender, too
    sender.join().map_err(|_| "the sender panicked")?;
    responses
}

fn responses(stream: &mut TcpStream, count: usize) -> Result<Vec<Response>, String> {
    let mut found: Vec<Response> = Vec::new();
    let mut answer: Vec<u8> = Vec::new();
    let mut block = vec![0; 16 << 10];
    loop {
        if let Some((response, length)) = first(&answer) {
            answer.drain(..length);
            found.push(response);
            continue;
        }
        let closes = |response: &Response| response.header("connection") == Some("close");
        if found.len() >= count && !found.last().is_some_and(closes) {
            return Ok(found);
        }
        match stream.read(&mut block) {
            Ok(read @ 1..) => answer.extend_from_slice(&block[..read]),
            // What was sent and not read resets the connection, behind the response.
            _ if found.len() >= count && answer.is_empty() => return Ok(found),
            Ok(_) => return Err(format!("closed after {} responses", found.len())),
            Err(error) => return Err(format!("{error} after {} responses", found.len())),
        }
    }
}

/// The first response and its length in bytes, once all of it is there.
fn first(answer: &[u8]) -> Option<(Response, usize)> {
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&answer[..start - 4]).into_owned();
    let status = head.get(9..12)?.parse().ok()?;
    let response = Response {
        status,
        head,
        body: Vec::new(),
    };
    let length: usize = response.header("content-length")?.parse().ok()?;
    let body = answer.get(start..start + length)?.to_vec();
    Some((Response { body, ..response }, start + length))
}

/// A body of `multipart/form-data; boundary=cut`: heads and contents of its parts.
pub fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend_from_slice(format!("--cut\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    body
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// 65 MiB of zeros in a few kilobytes.
pub fn bomb() -> Vec<u8> {
    gzip(&vec![0; 1 << 20]).repeat(65)
}

/// A PNG file that says it has so many pixels of gray, whatever its data hold.
pub fn png(width: u32, height: u32, data: &[u8]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, 0]);
    let chunks = [
        chunk(b"IHDR", &header),
        chunk(b"IDAT", data),
        chunk(b"IEND", b""),
    ];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(data);
    let (length, sum) = ((data.len() as u32).to_be_bytes(), crc.sum().to_be_bytes());
    [&length[..], kind, data, &sum].concat()
}

/// A photo that can be judged.
pub fn photo() -> Vec<u8> {
    const SIDE: u32 = 64;
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::fast());
    for y in 0..SIDE {
        let row = (0..SIDE).map(|x| ((x * 37 + y * 101) ^ (x * y)) as u8);
        // A row begins with the number of its filter: none.
        let row: Vec<u8> = std::iter::once(0).chain(row).collect();
        pixels.write_all(&row).unwrap();
    }
    png(SIDE, SIDE, &pixels.finish().unwrap())
}
