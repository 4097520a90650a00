//! Connections: accepted within a limit, served by hyper, and closed when the server drains.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;

use crate::handler::{self, App, Entrance};
use crate::life::Stage;
use crate::reply;
use crate::socket::{ConnectionState, Socket};
use crate::stream::Stream;
use crate::tls;

/// Bytes that hyper may buffer of a connection: more make large bodies cheaper to read.
const BUFFER: usize = 128 << 10;
/// How long handshakes that have begun may take once the server closes, and how often it looks for them.
const HANDSHAKE: Duration = Duration::from_millis(100);
const ROUNDS: u32 = 10;
/// How long a connection may be without its first request once the server closes.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the server closes.
pub(crate) async fn accept(app: Arc<App>, listener: TcpListener, entrance: Arc<Entrance>) {
    let mut closing = pin!(app.life.reached(Stage::Closing));
    loop {
        let accepted = tokio::select! {
            () = &mut closing => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => admit(&app, stream, &entrance),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    // Whoever has connected by now may have sent a request: closing the listener would reset it.
    refuse_more(&listener);
    let Ok(listener) = listener.into_std() else {
        return;
    };
    for _ in 0..ROUNDS {
        tokio::time::sleep(HANDSHAKE / ROUNDS).await;
        // Not by tokio, which believes that nobody waits until it has heard otherwise.
        while let Ok((stream, _)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                admit(&app, stream, &entrance);
            }
        }
    }
}

/// Makes the system drop what asks for a new connection, without a word: whoever asked asks again, and is refused once the
/// listener is closed. Handshakes that have begun come to their end, and none can slip in between the last connection
/// that is accepted and the closing.
fn refuse_more(listener: &TcpListener) {
    // Elsewhere there is no such filter, and a few microseconds stay in which a connection is reset.
    #[cfg(target_os = "linux")]
    {
        use socket2::SockFilter;
        /// Codes of linux/bpf_common.h: load a byte, jump if a bit is set, return a constant.
        const LOAD: u16 = 0x30;
        const JUMP_IF_SET: u16 = 0x45;
        const RETURN: u16 = 0x06;
        /// Where a segment has its flags, and the one of a new connection (RFC 9293, section 3.1).
        const FLAGS: u32 = 13;
        const SYN: u32 = 0x02;
        let drops_new = [
            SockFilter::new(LOAD, 0, 0, FLAGS),
            SockFilter::new(JUMP_IF_SET, 0, 1, SYN),
            SockFilter::new(RETURN, 0, 0, 0),
            SockFilter::new(RETURN, 0, 0, u32::MAX),
        ];
        let _ = socket2::SockRef::from(listener).attach_filter(&drops_new);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = listener;
}

/// Serves a connection, if there is room for it.
fn admit(app: &Arc<App>, stream: TcpStream, entrance: &Arc<Entrance>) {
    app.metrics.count_connection();
    match Arc::clone(&app.connections).try_acquire_owned() {
        Ok(place) => {
            tokio::spawn(open(Arc::clone(app), stream, place, Arc::clone(entrance)));
        }
        Err(_) => {
            app.metrics.count_rejected(503);
            // Over TLS there is nothing to say without a handshake.
            if entrance.tls.is_none() {
                let _ = stream.try_write(&reply::rejection(503));
            }
        }
    }
}

/// Serves a connection to its end, with TLS where the listener has it. The client has as long for the handshake as for a
/// head.
async fn open(
    app: Arc<App>,
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    entrance: Arc<Entrance>,
) {
    // Answers are written whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &entrance.tls else {
        return serve(app, stream, None, place, entrance).await;
    };
    let handshake = tls.acceptor().accept(stream);
    let opened = tokio::select! {
        opened = tokio::time::timeout(app.limits.head, handshake) => opened,
        () = app.life.reached(Stage::Closing) => return,
    };
    match opened {
        Ok(Ok(stream)) => {
            let certificate = tls::client_digest(stream.get_ref().1);
            serve(app, stream, certificate, place, entrance).await;
        }
        // Whoever speaks no TLS, or has no certificate, hears that from the handshake.
        Ok(Err(_)) => app.metrics.count_rejected(400),
        Err(_) => app.metrics.count_rejected(408),
    }
}

async fn serve<S: Stream>(
    app: Arc<App>,
    stream: S,
    certificate: Option<[u8; 32]>,
    place: OwnedSemaphorePermit,
    entrance: Arc<Entrance>,
) {
    let state = Arc::new(ConnectionState::new(certificate));
    let socket = Socket::new(stream, Arc::clone(&state), Arc::clone(&app), place);
    let service = {
        let (app, state) = (Arc::clone(&app), Arc::clone(&state));
        service_fn(move |request| {
            let (app, state) = (Arc::clone(&app), Arc::clone(&state));
            let entrance = Arc::clone(&entrance);
            async move { Ok::<_, Infallible>(handler::handle(app, state, request, &entrance).await) }
        })
    };
    let mut builder = http1::Builder::new();
    // The timers are the socket's; see there.
    builder.max_buf_size(BUFFER.max(app.limits.head_bytes));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let mut closing = pin!(app.life.reached(Stage::Closing));
    let mut ended = pin!(app.life.reached(Stage::Ended));
    let (mut is_watching, mut is_closing) = (false, false);
    let mut grace: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|context| {
        // A stage is waited for once: the waker of a task stays the same.
        if !is_watching || app.life.stage() >= Stage::Draining {
            is_watching = true;
            if ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            if !is_closing && closing.as_mut().poll(context).is_ready() {
                is_closing = true;
                grace = Some(Box::pin(tokio::time::sleep(GRACE)));
            }
            // hyper ends a connection without a request at once, though one may be on its way.
            let is_over = |grace: &mut Pin<Box<Sleep>>| {
                !state.is_new() || grace.as_mut().poll(context).is_ready()
            };
            if grace.as_mut().is_some_and(is_over) {
                grace = None;
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(context).map(|_| ())
    })
    .await;
}
