//! Bodies of requests: read within limits of size and time, and unpacked.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap};
use tokio::time::timeout;

use crate::admission::{Reservation, overloaded};
use crate::fault::{Fault, FaultKind};
use crate::handler::App;

/// Bytes that are unpacked at a time.
const BLOCK: usize = 64 << 10;

/// A request's body while it has not been read.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Incoming,
    is_read: bool,
    /// Whether reading was given up: what is left is not worth another wait.
    has_failed: bool,
}

/// A body in memory, and the bytes reserved for it.
#[derive(Debug)]
pub(crate) struct BufferedBody {
    pub(crate) bytes: Bytes,
    pub(crate) reservation: Reservation,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming) -> Self {
        Self {
            is_read: incoming.is_end_stream(),
            has_failed: false,
            incoming,
        }
    }

    /// Whether nothing is left on the connection.
    pub(crate) fn is_read(&self) -> bool {
        self.is_read
    }

    /// Whether the head announced more than this.
    pub(crate) fn is_larger(&self, limit: usize) -> bool {
        self.announced().is_some_and(|length| length > limit as u64)
    }

    /// Whether it is left over and so small that reading it is better than closing the connection.
    pub(crate) fn is_small(&self, limit: usize) -> bool {
        let announced = self.announced().unwrap_or(u64::MAX);
        !self.is_read && !self.has_failed && announced <= limit as u64
    }

    /// Bytes that the head announced.
    fn announced(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// Reads all of it.
    pub(crate) async fn read(&mut self, app: &App) -> Result<BufferedBody, Fault> {
        let limit = app.limits.body_bytes;
        if self.is_larger(limit) {
            return Err(too_large(limit));
        }
        let body = match timeout(app.limits.body, self.collect(app, limit)).await {
            Ok(body) => body,
            Err(_) => Err(Fault::new(FaultKind::Slow, "the body took too long")),
        };
        self.has_failed = body.is_err();
        body
    }

    /// Reads all of it without keeping any.
    pub(crate) async fn discard(&mut self, app: &App) {
        let mut left = app.limits.body_bytes;
        let all = async {
            while let Some(Ok(frame)) = self.incoming.frame().await {
                match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                    Some(rest) => left = rest,
                    None => return false,
                }
            }
            self.incoming.is_end_stream()
        };
        self.is_read = timeout(app.limits.body, all).await.unwrap_or(false);
        self.has_failed = !self.is_read;
    }

    async fn collect(&mut self, app: &App, limit: usize) -> Result<BufferedBody, Fault> {
        let mut reservation = Reservation::take(&app.admission.bytes, 0).ok_or_else(overloaded)?;
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(frame) = self.incoming.frame().await {
            let frame = frame.map_err(|_| {
                Fault::invalid("the body is broken or ended before its announced length")
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if first.len() + all.len() + data.len() > limit {
                return Err(too_large(limit));
            }
            if !reservation.grow(data.len()) {
                return Err(overloaded());
            }
            match (first.is_empty(), all.is_empty()) {
                // Most bodies come in one piece, which is not copied.
                (true, true) => first = data,
                (false, _) => {
                    all.reserve(
                        self.incoming.size_hint().lower() as usize + first.len() + data.len(),
                    );
                    all.extend_from_slice(&std::mem::take(&mut first));
                    all.extend_from_slice(&data);
                }
                (true, false) => all.extend_from_slice(&data),
            }
        }
        self.is_read = true;
        let bytes = if all.is_empty() { first } else { all.freeze() };
        Ok(BufferedBody { bytes, reservation })
    }
}

fn too_large(limit: usize) -> Fault {
    Fault::too_large(format!("the body is larger than {limit} bytes"))
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Gzip,
    Deflate,
}

impl Encoding {
    /// As the head says it.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let (first, second) = (values.next(), values.next());
        match (first.map(|value| value.as_bytes()), second) {
            (None | Some(b"" | b"identity"), None) => Ok(Self::Plain),
            (Some(b"gzip" | b"x-gzip"), None) => Ok(Self::Gzip),
            (Some(b"deflate"), None) => Ok(Self::Deflate),
            _ => Err(Fault::new(
                FaultKind::Unsupported,
                "the content encoding is not supported; expected gzip, deflate or identity",
            )),
        }
    }
}

/// Unpacks a body, up to a limit.
pub(crate) fn unpack(
    body: BufferedBody,
    encoding: Encoding,
    limit: usize,
) -> Result<BufferedBody, Fault> {
    match encoding {
        Encoding::Plain => Ok(body),
        Encoding::Gzip => {
            let bytes = body.bytes.clone();
            unpack_from(MultiGzDecoder::new(&*bytes), body.reservation, limit)
        }
        Encoding::Deflate => {
            let bytes = body.bytes.clone();
            unpack_from(ZlibDecoder::new(&*bytes), body.reservation, limit)
        }
    }
}

fn unpack_from(
    mut packed: impl Read,
    mut reservation: Reservation,
    limit: usize,
) -> Result<BufferedBody, Fault> {
    let mut out = Vec::new();
    loop {
        let start = out.len();
        let room = BLOCK.min(limit + 1 - start);
        if !reservation.grow(room) {
            return Err(overloaded());
        }
        out.resize(start + room, 0);
        let read = packed
            .read(&mut out[start..])
            .map_err(|_| Fault::invalid("the compressed body is broken or cut short"))?;
        out.truncate(start + read);
        reservation.shrink(room - read);
        if read == 0 {
            return Ok(BufferedBody {
                bytes: out.into(),
                reservation,
            });
        }
        if out.len() > limit {
            return Err(Fault::too_large(format!(
                "the unpacked body is larger than {limit} bytes"
            )));
        }
    }
}

/// Packs a response's body.
pub(crate) fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Write;
    let room = Vec::with_capacity(body.len() / 4 + 64);
    let mut packer = flate2::write::GzEncoder::new(room, flate2::Compression::fast());
    packer.write_all(body)?;
    packer.finish()
}
