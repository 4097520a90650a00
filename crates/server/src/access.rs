//! The access log: one record a request, without anything of its content.

/// What is logged of a request. The path is the route's pattern, not what the client wrote.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The request's id: the client's, if it is harmless, or a new one.
    pub request_id: &'a str,
    /// Whose token or certificate it has, or empty.
    pub who: &'a str,
    /// The method: `GET`, `POST`, or `other`.
    pub method: &'static str,
    /// The pattern of the route.
    pub route: &'static str,
    /// The status of the response.
    pub status: u16,
    /// Rows answered.
    pub rows: usize,
    /// The configured name of the model, or empty.
    pub model: &'a str,
    /// The version of the model, or empty.
    pub version: &'a str,
    /// Microseconds from the end of the head to the response.
    pub micros: u64,
    /// Bytes of the body, as received.
    pub bytes_in: usize,
    /// Bytes of the response's body.
    pub bytes_out: usize,
}

/// Is called once a request, on the thread that serves it: it should be quick and never block.
pub type AccessLog = Box<dyn Fn(&Access<'_>) + Send + Sync>;
