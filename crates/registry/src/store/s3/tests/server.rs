//! A server on loopback that keeps objects as S3 does, and does what a test tells it to. It answers
//! one request on each connection and ends with its value.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    /// By name in lower case.
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What is to be done with a request.
#[derive(Clone)]
pub enum Reply {
    /// What S3 does.
    Serve,
    /// These bytes, without carrying the request out.
    Raw(Vec<u8>),
    /// The request is carried out and these bytes are sent in place of the answer.
    Lose(Vec<u8>),
    /// Carried out, and this many bytes of the answer's body are sent.
    Cut(usize),
    /// Nothing until the client goes.
    Silent,
}

#[derive(Default)]
pub struct State {
    /// Content and metadata by path.
    pub objects: BTreeMap<String, (Vec<u8>, HashMap<String, String>)>,
    pub requests: Vec<Request>,
    /// Names a page of a listing has.
    pub page: usize,
    /// Whether `If-None-Match` is ignored.
    pub is_unconditional: bool,
}

type Handler = dyn FnMut(usize, &Request) -> Reply + Send;

/// The running server.
pub struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    state: Arc<Mutex<State>>,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    /// One whose request number `n` (from 0) is treated as `handler` says.
    pub fn start(handler: impl FnMut(usize, &Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let page = 1_000;
        let state = Arc::new(Mutex::new(State {
            page,
            ..State::default()
        }));
        let (stopped, kept) = (Arc::clone(&stop), Arc::clone(&state));
        let mut handler: Box<Handler> = Box::new(handler);
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                serve(&stream.unwrap(), &kept, &mut *handler);
            }
        });
        Self {
            address,
            stop,
            state,
            listening: Some(listening),
        }
    }

    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Methods and paths of the requests so far, which are forgotten.
    pub fn seen(&self) -> Vec<String> {
        let requests = self.state().requests.split_off(0);
        let seen = requests
            .iter()
            .map(|it| format!("{} {}", it.method, it.path));
        seen.collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // ends `accept`
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn serve(mut stream: &TcpStream, state: &Mutex<State>, handler: &mut Handler) {
    let mut reader = BufReader::new(stream);
    // A request that was cut is never carried out.
    if let Some(request) = read_request(&mut reader) {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        let number = state.requests.len() - 1;
        let reply = handler(number, &request);
        let answer = match reply {
            Reply::Serve => state.answer(&request),
            Reply::Raw(bytes) => bytes,
            Reply::Lose(bytes) => {
                state.answer(&request);
                bytes
            }
            Reply::Cut(length) => {
                let mut answer = state.answer(&request);
                let head = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
                answer.truncate(head + length);
                answer
            }
            Reply::Silent => {
                drop(state);
                let _ = reader.read(&mut [0]);
                Vec::new()
            }
        };
        let _ = stream.write_all(&answer);
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
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (name.to_owned(), unescape(value)));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.collect(),
        headers,
        body,
    })
}

fn unescape(text: &str) -> String {
    text.replace("%2F", "/")
        .replace("%3B", ";")
        .replace("%20", " ")
}

impl State {
    fn answer(&mut self, request: &Request) -> Vec<u8> {
        match request.method.as_str() {
            "GET" if request.query.contains_key("list-type") => self.list(request),
            "GET" | "HEAD" => self.get(request),
            "PUT" => self.put(request),
            "DELETE" => {
                self.objects.remove(&request.path);
                head(204, 0, "").into_bytes()
            }
            _ => error(400, "MethodNotAllowed"),
        }
    }

    fn put(&mut self, request: &Request) -> Vec<u8> {
        let is_taken = self.objects.contains_key(&request.path);
        let wants_free = request.headers.contains_key("if-none-match");
        if wants_free && is_taken && !self.is_unconditional {
            return error(412, "PreconditionFailed");
        }
        let is_meta = |name: &String| name.starts_with("x-amz-meta-");
        let meta = request.headers.iter().filter(|(name, _)| is_meta(name));
        let meta = meta
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self.objects
            .insert(request.path.clone(), (request.body.clone(), meta));
        head(200, 0, &etag(&request.body)).into_bytes()
    }

    fn get(&self, request: &Request) -> Vec<u8> {
        let is_head = request.method == "HEAD";
        let Some((content, meta)) = self.objects.get(&request.path) else {
            return match is_head {
                true => head(404, 0, "").into_bytes(),
                false => error(404, "NoSuchKey"),
            };
        };
        let mut more = etag(content);
        if request
            .headers
            .get("if-match")
            .is_some_and(|it| !more.contains(it))
        {
            return error(412, "PreconditionFailed");
        }
        meta.iter()
            .for_each(|(name, value)| more += &format!("{name}: {value}\r\n"));
        let range = request.headers.get("range").map(|range| {
            let from = range.trim_start_matches("bytes=").trim_end_matches('-');
            from.parse::<usize>().unwrap()
        });
        let (status, part) = match range {
            None => (200, &content[..]),
            Some(from) => {
                let (last, all) = (content.len() - 1, content.len());
                more += &format!("content-range: bytes {from}-{last}/{all}\r\n");
                (206, &content[from..])
            }
        };
        let mut answer = head(status, part.len(), &more).into_bytes();
        answer.extend_from_slice(if is_head { b"" } else { part });
        answer
    }

    fn list(&self, request: &Request) -> Vec<u8> {
        let bucket = request.path.clone();
        let prefix = format!("{bucket}{}", request.query["prefix"]);
        let from = request
            .query
            .get("continuation-token")
            .cloned()
            .unwrap_or_default();
        let names = self
            .objects
            .keys()
            .filter(|name| name.starts_with(&prefix) && **name > from);
        let names: Vec<&String> = names.take(self.page + 1).collect();
        let is_truncated = names.len() > self.page;
        let shown = &names[..names.len().min(self.page)];
        let keys = shown.iter().map(|name| name.trim_start_matches(&bucket));
        let keys: String = keys
            .map(|key| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>"))
            .collect();
        let token = match shown.last().filter(|_| is_truncated) {
            Some(last) => format!("<NextContinuationToken>{last}</NextContinuationToken>"),
            None => String::new(),
        };
        let xml = format!(
            "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <IsTruncated>{is_truncated}</IsTruncated>{keys}{token}</ListBucketResult>"
        );
        page(200, &xml)
    }
}

fn etag(content: &[u8]) -> String {
    format!("etag: \"{}\"\r\n", files::digest::bytes(content))
}

fn head(status: u16, length: usize, more: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{more}\r\n")
}

/// An answer with this text.
pub fn page(status: u16, text: &str) -> Vec<u8> {
    (head(status, text.len(), "") + text).into_bytes()
}

/// A refusal as S3 writes it.
pub fn error(status: u16, code: &str) -> Vec<u8> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>its \
         message</Message><Token-0>session-token</Token-0></Error>"
    );
    page(status, &xml)
}
