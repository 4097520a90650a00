//! A server on a loopback port, toy models, and a client that writes raw bytes.

#![allow(dead_code)] // Each test file uses its own part.

pub mod cases;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use easylife_server::model::{InferRequest, InferResponse, Metadata, Model, TensorSpec};
use easylife_server::models::Loader;
use easylife_server::{Data, Datatype, Drain, Fault, Limits, Models, Options, Server, Tensor};

/// Where `length` answers.
pub const INFER: &str = "/v2/models/length/infer";

/// Answers texts with their lengths. Some texts are orders: `panic`, `refuse`, `sleep MILLISECONDS`,
/// `broken` (an answer that is not UTF-8).
pub struct Length {
    pub version: String,
    pub is_heavy: bool,
    pub metadata: Metadata,
}

impl Length {
    pub fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            is_heavy: false,
            metadata: Metadata {
                platform: "toy_length".into(),
                inputs: vec![TensorSpec::column("text", Datatype::Bytes)],
                outputs: vec![
                    TensorSpec::column("length", Datatype::Int64),
                    TensorSpec::column("version", Datatype::Bytes),
                ],
            },
        }
    }
}

impl Model for Length {
    fn version(&self) -> &str {
        &self.version
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn is_heavy(&self) -> bool {
        self.is_heavy
    }

    fn rows(&self, request: &InferRequest) -> usize {
        let texts = request.input("text").and_then(Tensor::strings);
        let is_order = texts.and_then(|texts| texts.get(0)) == Some(b"panic while counting");
        assert!(!is_order, "as ordered");
        request.rows()
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        let texts = request
            .input("text")
            .and_then(Tensor::strings)
            .expect("checked by the server");
        let mut lengths = Vec::new();
        let mut version = self.version.clone().into_bytes();
        for text in texts.iter() {
            match text {
                b"panic" => panic!("as ordered"),
                b"refuse" => return Err(Fault::invalid("the text is refused")),
                b"broken" => version = vec![0xff],
                order if order.starts_with(b"sleep ") => {
                    let millis = std::str::from_utf8(&order[6..]).unwrap().parse().unwrap();
                    std::thread::sleep(Duration::from_millis(millis));
                }
                _ => {}
            }
            lengths.push(text.len() as i64);
        }
        let versions = lengths.iter().map(|_| &version).collect();
        Ok(InferResponse {
            outputs: vec![
                Tensor::column("length", Data::Int64(lengths)),
                Tensor::column("version", Data::Bytes(versions)),
            ],
        })
    }
}

/// Gives back its inputs, whose names are those of the types.
pub struct Echo(Metadata);

impl Echo {
    pub fn new() -> Self {
        let specs = || {
            let spec = |datatype: Datatype| TensorSpec {
                optional: true,
                ..TensorSpec::column(datatype.name(), datatype)
            };
            Datatype::ALL.into_iter().map(spec).collect()
        };
        Self(Metadata {
            platform: "toy_echo".into(),
            inputs: specs(),
            outputs: specs(),
        })
    }
}

impl Model for Echo {
    fn version(&self) -> &str {
        "1"
    }

    fn metadata(&self) -> &Metadata {
        &self.0
    }

    fn infer(&self, request: &InferRequest) -> Result<InferResponse, Fault> {
        Ok(InferResponse {
            outputs: request.inputs.clone(),
        })
    }
}

/// Loads [`Length`] in versions 1, 2, 3, ...
pub fn counting() -> Loader {
    let loads = AtomicU64::new(0);
    Box::new(move || {
        let version = loads.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Box::new(Length::new(&version.to_string())))
    })
}

/// The models `length`, `echo` and `heavy`.
pub fn models() -> Models {
    let mut models = Models::new();
    models.add("length", counting());
    models.add("echo", Box::new(|| Ok(Box::new(Echo::new()))));
    models.add(
        "heavy",
        Box::new(|| {
            Ok(Box::new(Length {
                is_heavy: true,
                ..Length::new("1")
            }))
        }),
    );
    models
}

/// A server that runs on a thread, and is ended when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub admin: Option<SocketAddr>,
    pub models: Arc<Models>,
    pub drain: Drain,
    pub thread: Option<JoinHandle<()>>,
}

impl Running {
    /// With the toy models loaded.
    pub fn start(limits: Limits) -> Self {
        let options = Options {
            limits,
            ..options()
        };
        Self::loaded(options)
    }

    /// With the toy models loaded.
    pub fn loaded(options: Options) -> Self {
        let models = models();
        assert_eq!(models.load_all(), []);
        Self::with(options, models)
    }

    pub fn with(options: Options, models: Models) -> Self {
        let models = Arc::new(models);
        let server = Server::bind(options, Arc::clone(&models)).unwrap();
        let running = (
            server.addresses().unwrap()[0],
            server.admin_address().unwrap(),
            server.drain(),
        );
        Self {
            address: running.0,
            admin: running.1,
            drain: running.2,
            models,
            thread: Some(std::thread::spawn(move || server.run_on(2).unwrap())),
        }
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    pub fn get(&self, path: &str) -> Response {
        self.client().get(path)
    }

    /// Waits until a line of the metrics says what is expected: a machine under load takes its time.
    pub fn wait_for(&self, line: &str) {
        let line = format!("\n{line}\n");
        self.wait_until(|metrics| metrics.contains(&line));
    }

    /// Like [`Running::wait_for`], with a condition on all metrics.
    pub fn wait_until(&self, holds: impl Fn(&str) -> bool) {
        let mut last = String::new();
        for _ in 0..1000 {
            let mut client = self.client();
            client.send(b"GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n");
            if let Some(metrics) = client.response() {
                last = metrics.text().to_owned();
                if holds(&last) {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the metrics never said what was expected, but\n{last}");
    }

    pub fn post(&self, path: &str, body: &str) -> Response {
        self.client().post(path, body)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.drain.begin();
        self.drain.begin();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Any free port, and no time to lose.
pub fn options() -> Options {
    Options {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()],
        drain_delay: Duration::from_millis(300),
        drain_limit: Duration::from_secs(5),
        ..Options::default()
    }
}

/// A response as it came.
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
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A connection.
pub struct Client {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub fn over(stream: TcpStream) -> Self {
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n").as_bytes());
        self.response().unwrap()
    }

    pub fn post(&mut self, path: &str, body: &str) -> Response {
        self.send(&post(path, "", body.as_bytes()));
        self.response().unwrap()
    }

    /// The server may have closed already, which is for the reader to see.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next response; none where the connection ends.
    pub fn response(&mut self) -> Option<Response> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.fill()?;
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut response = Response {
            status,
            head,
            body: Vec::new(),
        };
        let length = response
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < length {
            self.fill()?;
        }
        response.body = self.buffer.drain(..length).collect();
        Some(response)
    }

    fn fill(&mut self) -> Option<()> {
        let mut block = [0; 16 << 10];
        match self.stream.read(&mut block) {
            Ok(0) | Err(_) => None,
            Ok(read) => {
                self.buffer.extend_from_slice(&block[..read]);
                Some(())
            }
        }
    }

    /// Whether the server has closed the connection, or does so within the read timeout.
    pub fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// A request with a body; `headers` end with a line break each.
pub fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// The body of a request to `length`.
pub fn texts(texts: &[&str]) -> String {
    let shape = [texts.len()];
    serde_json::json!({
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": shape, "data": texts}]
    })
    .to_string()
}
