//! What a socket needs of the stream below it: plain TCP, or TLS.

use std::io::{self, Write};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A stream of bytes to and from a client.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Writes what goes without waiting; the rest is lost.
    fn write_now(&mut self, bytes: &[u8]);
}

impl Stream for TcpStream {
    fn write_now(&mut self, bytes: &[u8]) {
        let _ = self.try_write(bytes);
    }
}

impl Stream for TlsStream<TcpStream> {
    fn write_now(&mut self, bytes: &[u8]) {
        let (stream, session) = self.get_mut();
        let _ = session.writer().write_all(bytes);
        while session.wants_write() {
            // An error is the client's: it would have been told no more than this.
            if session.write_tls(&mut WithoutWaiting(stream)).is_err() {
                return;
            }
        }
    }
}

/// Writes to a socket that may not be ready.
struct WithoutWaiting<'a>(&'a TcpStream);

impl Write for WithoutWaiting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
