//! Connections: accepted within a limit, served by hyper, and closed when the server drains.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use crate::handler::{self, App, Entrance};
use crate::life::Stage;
use crate::reply;
use crate::socket::{ConnectionState, Socket};
use crate::stream::Stream;
use crate::tls;

/// Bytes that hyper may buffer of a connection: more make large bodies cheaper to read.
const BUFFER: usize = 128 << 10;
/// How long to wait when there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the server closes.
pub(crate) async fn accept(app: Arc<App>, listener: TcpListener, entrance: Arc<Entrance>) {
    let mut closing = pin!(app.life.reached(Stage::Closing));
    loop {
        let accepted = tokio::select! {
            () = &mut closing => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        app.metrics.count_connection();
        match Arc::clone(&app.connections).try_acquire_owned() {
            Ok(place) => {
                tokio::spawn(open(Arc::clone(&app), stream, place, Arc::clone(&entrance)));
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
        let app = Arc::clone(&app);
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
    poll_fn(|context| {
        // A stage is waited for once: the waker of a task stays the same.
        if !is_watching || app.life.stage() >= Stage::Draining {
            is_watching = true;
            if ended.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            if !is_closing && closing.as_mut().poll(context).is_ready() {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(context).map(|_| ())
    })
    .await;
}
