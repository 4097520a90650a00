//! A connection's socket below hyper: timers for the first byte, the head, idle time and stalled writes;
//! heads that hyper would misread; and errors of hyper in the protocol's own form, for it writes them
//! without a body.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::handler::App;
use crate::head::{Head, Verdict};
use crate::reply;
use crate::stream::Stream;

/// How long, and for how many bytes, a refused client is listened to, so that the refusal reaches it
/// before a reset does.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 4 << 20;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// No byte yet.
    First,
    /// A part of a head has come.
    Head,
    /// The service has the request.
    Busy,
    /// The service has answered; what follows is writing, then idle time.
    Idle,
}

/// What socket and service share.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    phase: AtomicU8,
    /// Whether bytes were left unread, so that closing at once would reset the connection.
    lingers: AtomicBool,
    /// SHA-256 of the client's certificate, if it has shown one.
    certificate: Option<[u8; 32]>,
}

impl ConnectionState {
    pub(crate) fn new(certificate: Option<[u8; 32]>) -> Self {
        Self {
            phase: AtomicU8::new(Phase::First as u8),
            lingers: AtomicBool::new(false),
            certificate,
        }
    }

    pub(crate) fn certificate(&self) -> Option<&[u8; 32]> {
        self.certificate.as_ref()
    }

    pub(crate) fn reach(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// The service has a request. Whether its head was read along: not, where it was read together with
    /// the request before it.
    pub(crate) fn begin(&self) -> bool {
        self.phase.swap(Phase::Busy as u8, Ordering::Relaxed) == Phase::Head as u8
    }

    /// Whether no byte has come yet.
    pub(crate) fn is_new(&self) -> bool {
        self.phase() == Phase::First
    }

    pub(crate) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        let phase = self.phase.load(Ordering::Relaxed);
        let all = [Phase::First, Phase::Head, Phase::Busy, Phase::Idle];
        all.into_iter()
            .find(|known| *known as u8 == phase)
            .unwrap_or(Phase::Idle)
    }
}

/// The socket.
pub(crate) struct Socket<S: Stream> {
    stream: Option<S>,
    state: Arc<ConnectionState>,
    app: Arc<App>,
    head: Head,
    /// The phase that `deadline` belongs to.
    timed: Option<Phase>,
    deadline: Instant,
    /// Fires at `deadline` or earlier: it is moved when it fires, not with each request.
    timer: Pin<Box<Sleep>>,
    is_registered: bool,
    stall: Option<Pin<Box<Sleep>>>,
    place: Option<OwnedSemaphorePermit>,
}

impl<S: Stream> Socket<S> {
    pub(crate) fn new(
        stream: S,
        state: Arc<ConnectionState>,
        app: Arc<App>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let deadline = Instant::now() + app.limits.first_byte;
        Self {
            stream: Some(stream),
            state,
            app,
            head: Head::default(),
            timed: Some(Phase::First),
            deadline,
            timer: Box::pin(sleep_until(deadline)),
            is_registered: false,
            stall: None,
            place: Some(place),
        }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut S>> {
        let stream = self.stream.as_mut().map(Pin::new);
        stream.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Looks at bytes that have been read.
    fn took(&mut self, bytes: &[u8]) -> io::Result<()> {
        // What is left of a refused body is no head.
        if self.state.lingers.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.state.phase() {
            Phase::Busy => {
                self.timed = None;
                return Ok(());
            }
            // hyper ends a connection that begins as HTTP/2 without a word.
            Phase::First if bytes.starts_with(b"PRI ") => return Err(self.reject(400)),
            Phase::First | Phase::Idle => {
                self.head = Head::default();
                self.timed = None;
                self.state.reach(Phase::Head);
            }
            // The deadline is that of the whole head: more of it does not move it.
            Phase::Head => {}
        }
        match self.head.read(bytes, self.app.limits.head_bytes) {
            Verdict::Fine => Ok(()),
            Verdict::Conflict => Err(self.reject(400)),
            Verdict::TooLarge => Err(self.reject(431)),
        }
    }

    /// Writes a refusal, and ends the connection by the error that it returns.
    fn reject(&mut self, status: u16) -> io::Error {
        self.app.metrics.count_rejected(status);
        self.state.linger();
        if let Some(stream) = &mut self.stream {
            // A client whose receive buffer is full does not read answers.
            stream.write_now(&reply::rejection(status));
        }
        io::ErrorKind::ConnectionAborted.into()
    }

    /// Called when there is nothing to read: waits until the deadline of the phase.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.state.phase();
        let limit = match phase {
            Phase::First => self.app.limits.first_byte,
            Phase::Head => self.app.limits.head,
            // hyper does not read again between a request that ran and idle time. So the timer goes on
            // while a request runs, and when it fires the phase is looked at anew.
            Phase::Busy | Phase::Idle => self.app.limits.idle,
        };
        if self.timed != Some(phase) {
            self.timed = Some(phase);
            self.deadline = Instant::now() + limit;
            if self.timer.deadline() > self.deadline {
                self.timer.as_mut().reset(self.deadline);
                self.is_registered = false;
            }
        }
        while !self.is_registered || self.timer.is_elapsed() {
            // Not subject to the task's budget, which would return without having registered.
            let timer = std::pin::pin!(tokio::task::coop::unconstrained(self.timer.as_mut()));
            if timer.poll(context).is_pending() {
                self.is_registered = true;
                return Poll::Pending;
            }
            let now = Instant::now();
            match phase {
                _ if now < self.deadline => {}
                Phase::Busy => self.deadline = now + limit,
                Phase::Head => return Poll::Ready(Err(self.reject(408))),
                _ => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            }
            self.timer.as_mut().reset(self.deadline);
            self.is_registered = false;
        }
        Poll::Pending
    }

    /// Whether these bytes are an error of hyper's own, which has no body: it is replaced.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        let is_error = bytes.starts_with(b"HTTP/1.1 4");
        if !is_error || memchr::memmem::find(bytes, b"\r\nx-request-id:").is_some() {
            return false;
        }
        let digits = bytes
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        self.reject(digits.and_then(|digits| digits.parse().ok()).unwrap_or(400));
        true
    }

    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.stall = None;
            self.timed = None;
            return result;
        }
        let limit = self.app.limits.write;
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + limit)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: Stream> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match self.stream()?.poll_read(context, buffer) {
            Poll::Pending => self.wait(context),
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                Poll::Ready(self.took(&buffer.filled()[before..]))
            }
            ready => ready,
        }
    }
}

impl<S: Stream> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = self.stream()?.poll_write(context, bytes);
        self.wrote(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if parts.first().is_some_and(|first| self.replaces(first)) {
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        let result = self.stream()?.poll_write_vectored(context, parts);
        self.wrote(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// TLS keeps what the socket does not take at once. hyper flushes at every turn: a flush that never waited says
    /// nothing about the phase.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream()?.poll_flush(context) {
            flushed @ Poll::Ready(_) if self.stall.is_none() => flushed,
            flushed => self.wrote(context, flushed.map_ok(|()| 0)).map_ok(|_| ()),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = self.stream()?.poll_shutdown(context);
        self.wrote(context, done.map_ok(|()| 0)).map_ok(|_| ())
    }
}

impl<S: Stream> Drop for Socket<S> {
    fn drop(&mut self) {
        if !self.state.lingers.load(Ordering::Relaxed) {
            return;
        }
        let (Some(stream), Ok(runtime)) =
            (self.stream.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let place = self.place.take();
        runtime.spawn(async move {
            let _ = tokio::time::timeout(LINGER, listen(stream)).await;
            drop(place);
        });
    }
}

/// Reads and drops what a client still sends.
async fn listen<S: Stream>(mut stream: S) {
    let mut dropped = vec![0; 16 << 10];
    let mut total = 0;
    if stream.shutdown().await.is_err() {
        return;
    }
    while let Ok(read @ 1..) = stream.read(&mut dropped).await {
        total += read;
        if total > LINGER_BYTES {
            return;
        }
    }
}
