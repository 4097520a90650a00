//! What can go wrong between this program and an S3 server. No message holds a credential or a
//! signed address; texts of the server are cut and freed of control characters and credentials.

use std::io;

/// Why a request failed, after as many attempts as make sense.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection: wrong address, or the server is down.
    #[error(
        "cannot connect to the S3 server at {server}: {reason}; is it running, and is \
         AWS_ENDPOINT_URL_S3 (or AWS_REGION) right?"
    )]
    Unreachable {
        /// Scheme, host and port.
        server: String,
        /// What the network said.
        reason: String,
    },
    /// No TLS connection: a certificate that is not trusted, for example.
    #[error(
        "cannot make a TLS connection to the S3 server at {server}: {reason}; if its certificate \
         is of an authority of your own, name that in AWS_CA_BUNDLE"
    )]
    Tls {
        /// Scheme, host and port.
        server: String,
        /// What is wrong.
        reason: String,
    },
    /// No bytes came, or none were taken, for too long.
    #[error("the S3 server at {server} was silent for {seconds} s; run again later")]
    Silent {
        /// Scheme, host and port.
        server: String,
        /// The time waited.
        seconds: f64,
    },
    /// The connection ended in the middle of a request or answer.
    #[error("the S3 server at {server} broke off: {reason}; run again")]
    BrokenOff {
        /// Scheme, host and port.
        server: String,
        /// What the network said.
        reason: String,
    },
    /// An answer that says that the server is at fault or busy: 429 or 5xx.
    #[error("the S3 server at {server} is busy or failed ({said}); run again later")]
    Unavailable {
        /// Scheme, host and port.
        server: String,
        /// Status, and code and message if there are any.
        said: String,
    },
    /// Other writers of the same object were in the way each time: 409.
    #[error("the S3 server at {server} refused because of other writers ({said}); run again")]
    Conflict {
        /// Scheme, host and port.
        server: String,
        /// Status, code and message.
        said: String,
    },
    /// The server has no space left, or a quota is reached.
    #[error("the S3 server at {server} has no space left ({said})")]
    Full {
        /// Scheme, host and port.
        server: String,
        /// Status, code and message.
        said: String,
    },
    /// The credentials are known, but may not do this.
    #[error(
        "access to {bucket} is denied ({said}); the credentials need s3:GetObject, s3:PutObject, \
         s3:DeleteObject on its objects and s3:ListBucket on the bucket (without the last, an \
         absent object is denied as well)"
    )]
    Denied {
        /// Address of the bucket.
        bucket: String,
        /// Status, code and message.
        said: String,
    },
    /// The credentials are wrong or have expired.
    #[error(
        "the S3 server at {server} refuses the credentials ({said}); check AWS_ACCESS_KEY_ID, \
         AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which may have expired"
    )]
    Credentials {
        /// Scheme, host and port.
        server: String,
        /// Status, code and message.
        said: String,
    },
    /// The clocks differ by more than a quarter of an hour.
    #[error(
        "the S3 server at {server} refuses the time of the request ({said}); set the clock of this \
         machine"
    )]
    Clock {
        /// Scheme, host and port.
        server: String,
        /// Status, code and message.
        said: String,
    },
    /// There is no such bucket.
    #[error("there is no bucket {bucket} at {server}; create it first, or check the address")]
    NoBucket {
        /// Address of the bucket.
        bucket: String,
        /// Scheme, host and port.
        server: String,
    },
    /// The bucket is in another region.
    #[error("{bucket} is in {region}; set AWS_REGION to it")]
    OtherRegion {
        /// Address of the bucket.
        bucket: String,
        /// The region, if the server names it.
        region: String,
    },
    /// A redirect. None is followed, since the request is signed for one server.
    #[error(
        "{server} redirects (status {status}); this is not followed, since it would give signed \
         requests away. Set AWS_ENDPOINT_URL_S3 to the address of the server itself"
    )]
    Redirected {
        /// Scheme, host and port.
        server: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer that no S3 server gives: HTML, for example.
    #[error(
        "{server} does not answer as an S3 server: status {status} and {reason}; check \
         AWS_ENDPOINT_URL_S3 and proxies"
    )]
    NotS3 {
        /// Scheme, host and port.
        server: String,
        /// The HTTP status.
        status: u16,
        /// What came.
        reason: String,
    },
    /// Any other refusal.
    #[error("the S3 server at {server} rejects the request ({said})")]
    Rejected {
        /// Scheme, host and port.
        server: String,
        /// Status, code and message.
        said: String,
    },
    /// What is left of an object cannot be asked for any more.
    #[error("it was replaced or removed while it was read; run again")]
    Replaced,
    /// The server overwrites objects that must not be: two writers could both believe that theirs
    /// counts.
    #[error(
        "the S3 server at {server} ignores `If-None-Match`, so writers would overwrite each other; \
         use a newer version of it, or another server"
    )]
    Unconditional {
        /// Scheme, host and port.
        server: String,
    },
    /// More than one request can carry.
    #[error("it has {bytes} bytes, and an object can be put with 5 GiB at most")]
    TooLarge {
        /// Its length.
        bytes: u64,
    },
}

impl Error {
    /// Whether the same request may succeed a moment later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Silent { .. }
                | Self::BrokenOff { .. }
                | Self::Unavailable { .. }
                | Self::Conflict { .. }
        )
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Denied { .. } => io::ErrorKind::PermissionDenied,
            Self::Full { .. } => io::ErrorKind::StorageFull,
            _ => io::ErrorKind::Other,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}
