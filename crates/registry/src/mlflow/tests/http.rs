//! A server on 127.0.0.1 for tests: reads whole requests and answers what a closure says, or
//! misbehaves as it says. It ends with its value, and with it every connection.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query's values, unescaped.
    pub query: HashMap<String, String>,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What the server does with a request.
pub enum Reply {
    /// Status and JSON.
    Json(u16, String),
    /// Status 200 and these bytes.
    Bytes(Vec<u8>),
    /// These bytes as they are; then the connection is closed, also where they do not say so.
    Raw(Vec<u8>),
    /// The connection is closed without an answer.
    Close,
    /// Nothing until the client goes.
    Silent,
    /// A body without an end, said to have this many bytes.
    Endless(u64),
}

type Handler = dyn FnMut(&Request) -> Reply + Send;

struct Shared {
    stop: AtomicBool,
    handler: Mutex<Box<Handler>>,
    connections: Mutex<Vec<TcpStream>>,
}

/// The running server.
pub struct Loopback {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Loopback {
    pub fn start(handler: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            handler: Mutex::new(Box::new(handler)),
            connections: Mutex::default(),
        });
        let of_thread = Arc::clone(&shared);
        let listening = thread::spawn(move || listen(&listener, &of_thread));
        Self {
            address,
            shared,
            listening: Some(listening),
        }
    }

    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // Ends `accept`.
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            break;
        }
        let stream = stream.unwrap();
        let kept = stream.try_clone().unwrap();
        shared.connections.lock().unwrap().push(kept);
        let shared = Arc::clone(shared);
        threads.push(thread::spawn(move || serve(&stream, &shared)));
    }
    for stream in shared.connections.lock().unwrap().drain(..) {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Answers the requests of one connection until either side closes it.
fn serve(stream: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let reply = (*shared.handler.lock().unwrap())(&request);
        if !write_reply(stream, &mut reader, reply) {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length");
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    Some(Request {
        method,
        path: unescape(path),
        query: query
            .map(|(name, value)| (name.to_owned(), unescape(value)))
            .collect(),
        headers,
        body,
    })
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// False if the connection is at its end.
fn write_reply(mut stream: &TcpStream, reader: &mut impl Read, reply: Reply) -> bool {
    let head = |status, length: u64| format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n");
    match reply {
        Reply::Json(status, text) => {
            let kind = "content-type: application/json\r\n\r\n";
            let answer = head(status, text.len() as u64) + kind + &text;
            stream.write_all(answer.as_bytes()).is_ok()
        }
        Reply::Bytes(bytes) => {
            let head = head(200, bytes.len() as u64) + "\r\n";
            let answer = [head.as_bytes(), &bytes].concat();
            stream.write_all(&answer).is_ok()
        }
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
            false
        }
        Reply::Close => false,
        Reply::Silent => {
            let _ = reader.read(&mut [0]);
            false
        }
        Reply::Endless(length) => {
            let piece = vec![b' '; 1 << 16];
            let mut open = stream.write_all((head(200, length) + "\r\n").as_bytes());
            while open.is_ok() {
                open = stream.write_all(&piece);
            }
            false
        }
    }
}
