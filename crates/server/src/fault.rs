//! Why a request gets no answer, and the HTTP status that says so.

/// The reason a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of fault, which decides the status.
    pub kind: FaultKind,
    /// What is wrong, written for the person who sent the request.
    pub reason: String,
}

/// Kinds of [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A value or a body that cannot be used.
    Invalid,
    /// Something required is absent.
    Missing,
    /// Nobody has said who asks.
    Unauthorized,
    /// Who asks may not do this.
    Forbidden,
    /// A model, a version, a route, a series or a user that is not known.
    Unknown,
    /// The route does not take this method.
    Method,
    /// The client was too slow.
    Slow,
    /// Another operation on the same model is running.
    Busy,
    /// More bytes or rows than the limits allow.
    TooLarge,
    /// A content type or an encoding that is not understood.
    Unsupported,
    /// A fault of the server or of a model.
    Internal,
    /// The model is not loaded.
    NotReady,
    /// All capacity is in use; the client may try again.
    Overloaded,
    /// The request's deadline passed before its answer was there.
    Deadline,
}

impl Fault {
    /// A fault of some kind.
    pub fn new(kind: FaultKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }

    /// A value or a body that cannot be used.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(FaultKind::Invalid, reason)
    }

    /// Something required is absent.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::new(FaultKind::Missing, reason)
    }

    /// Something that is not known.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::new(FaultKind::Unknown, reason)
    }

    /// More bytes or rows than the limits allow.
    pub fn too_large(reason: impl Into<String>) -> Self {
        Self::new(FaultKind::TooLarge, reason)
    }

    /// The HTTP status of this fault.
    pub fn status(&self) -> u16 {
        match self.kind {
            FaultKind::Invalid | FaultKind::Missing => 400,
            FaultKind::Unauthorized => 401,
            FaultKind::Forbidden => 403,
            FaultKind::Unknown => 404,
            FaultKind::Method => 405,
            FaultKind::Slow => 408,
            FaultKind::Busy => 409,
            FaultKind::TooLarge => 413,
            FaultKind::Unsupported => 415,
            FaultKind::Internal => 500,
            FaultKind::NotReady | FaultKind::Overloaded => 503,
            FaultKind::Deadline => 504,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}
