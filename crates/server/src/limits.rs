//! How much a client may ask for, and how long it may take.

use std::time::Duration;

/// Limits of a server. The defaults fit a machine of a few cores.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; more are answered with 503 and closed.
    pub connections: usize,
    /// Bytes of a request's head (at least 8,192); 431 above.
    pub head_bytes: usize,
    /// Bytes of a body as it is sent; 413 above.
    pub body_bytes: usize,
    /// Bytes of a compressed body when unpacked; 413 above.
    pub unpacked_bytes: usize,
    /// Bytes of all bodies in memory at a time, unpacked ones included; 503 above.
    pub bytes_in_flight: usize,
    /// Rows of a request; 413 above.
    pub rows: usize,
    /// Rows of all requests that run or wait; 503 above. A request alone is always let in.
    pub rows_in_flight: usize,
    /// Requests of more rows are answered on the pool, not on an I/O thread.
    pub inline_rows: usize,
    /// Requests with larger bodies are read on the pool, not on an I/O thread.
    pub inline_bytes: usize,
    /// Threads of the pool.
    pub pool: usize,
    /// Requests that may wait for the pool; 503 above.
    pub pool_waiting: usize,
    /// Responses are compressed from this size, if the client takes gzip.
    pub gzip_from: usize,
    /// Time to a connection's first byte.
    pub first_byte: Duration,
    /// Time from a request's first byte to the end of its head; 408 after it.
    pub head: Duration,
    /// Time from the end of the head to the end of the body; 408 after it.
    pub body: Duration,
    /// Time from the end of the head to the response; 504 after it.
    pub request: Duration,
    /// Time between two requests of a connection.
    pub idle: Duration,
    /// Time without progress while a response is written.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head_bytes: 16 << 10,
            body_bytes: 32 << 20,
            unpacked_bytes: 64 << 20,
            bytes_in_flight: 512 << 20,
            rows: 100_000,
            rows_in_flight: 200_000,
            inline_rows: 64,
            inline_bytes: 64 << 10,
            pool: 2,
            pool_waiting: 16,
            gzip_from: 4 << 10,
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            request: Duration::from_secs(60),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
        }
    }
}
