//! The server as a whole: its listeners, its models, and its end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::sync::Semaphore;

use crate::access::AccessLog;
use crate::admission::Admission;
use crate::arms::{Arms, Split};
use crate::connection;
use crate::dialect::{Dialect, Routes};
use crate::guard::Guard;
use crate::handler::{App, Entrance, Ids};
use crate::life::{Drain, Lifecycle, Stage};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::record::Recorder;
use crate::tls::Tls;

/// Connections that may wait to be accepted. The 128 of the standard library are full in a burst of
/// clients, who then try again after a second.
const BACKLOG: i32 = 4096;

/// An address to listen on.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address; port 0 finds a free one.
    pub address: SocketAddr,
    /// The model that routes of the application mean here, if the listener is for one.
    pub scope: Option<String>,
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            scope: None,
        }
    }
}

/// How a server runs.
pub struct Options {
    /// Where it listens.
    pub listen: Vec<Listen>,
    /// Where loading and unloading are allowed; without it they are on listeners of a loopback address.
    pub admin_listen: Option<SocketAddr>,
    /// Limits of requests.
    pub limits: Limits,
    /// How long it serves after a drain has begun, so that load balancers see that it is not ready.
    pub drain_delay: Duration,
    /// How long requests that run may take after that.
    pub drain_limit: Duration,
    /// Called once a request.
    pub access: Option<AccessLog>,
    /// Called once an answered request.
    pub record: Option<Recorder>,
    /// Routes beside the protocol's own.
    pub dialect: Option<Arc<dyn Dialect>>,
    /// Which models answer for others.
    pub split: Split,
    /// Who may do what; `None`: everybody everything.
    pub guard: Option<Arc<Guard>>,
    /// Certificates for all listeners; `None`: plain HTTP.
    pub tls: Option<Arc<Tls>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8080)).into()],
            admin_listen: None,
            limits: Limits::default(),
            drain_delay: Duration::from_secs(5),
            drain_limit: Duration::from_secs(60),
            access: None,
            record: None,
            dialect: None,
            split: Split::default(),
            guard: None,
            tls: None,
        }
    }
}

/// A server whose listeners are bound. Clients may connect; they are answered once it runs.
pub struct Server {
    app: Arc<App>,
    listeners: Vec<(TcpListener, Option<Arc<str>>)>,
    admin: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
    drain_delay: Duration,
    drain_limit: Duration,
}

impl Server {
    /// Binds the listeners. Models may be loaded before, or while the server runs: it is not ready
    /// until all are.
    ///
    /// # Errors
    /// An address that cannot be listened on, threads that cannot be started, or arms of no model.
    pub fn bind(options: Options, models: Arc<Models>) -> io::Result<Self> {
        let listen = options.listen.iter();
        let listeners: io::Result<Vec<_>> = listen
            .map(|listen| {
                Ok((
                    bind(&listen.address)?,
                    listen.scope.as_deref().map(Arc::from),
                ))
            })
            .collect();
        let routes = Routes::new(
            options
                .dialect
                .as_ref()
                .map_or(&[], |dialect| dialect.routes()),
        );
        let limits = options.limits;
        let app = App {
            arms: Arms::new(&models, &options.split)?,
            models,
            admission: Admission::new(&limits)?,
            metrics: Metrics::new(
                options
                    .dialect
                    .as_ref()
                    .map_or(&[], |dialect| dialect.routes()),
            ),
            life: Arc::new(Lifecycle::new()),
            connections: Arc::new(Semaphore::new(limits.connections)),
            access: options.access,
            record: options.record,
            ids: Ids::new(),
            dialect: options.dialect,
            routes,
            guard: options.guard,
            limits,
        };
        Ok(Self {
            app: Arc::new(app),
            listeners: listeners?,
            admin: options.admin_listen.as_ref().map(bind).transpose()?,
            tls: options.tls,
            drain_delay: options.drain_delay,
            drain_limit: options.drain_limit,
        })
    }

    /// Where it listens, and for which model.
    ///
    /// # Errors
    /// A listener without an address.
    pub fn listeners(&self) -> io::Result<Vec<Listen>> {
        let listen = |(listener, scope): &(TcpListener, Option<Arc<str>>)| {
            Ok(Listen {
                address: listener.local_addr()?,
                scope: scope.as_deref().map(str::to_owned),
            })
        };
        self.listeners.iter().map(listen).collect()
    }

    /// Where it listens: the ports that were found where port 0 was asked for.
    ///
    /// # Errors
    /// A listener without an address.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let listeners = self.listeners.iter();
        listeners
            .map(|(listener, _)| listener.local_addr())
            .collect()
    }

    /// Where admin requests are answered, if they have a listener of their own.
    ///
    /// # Errors
    /// A listener without an address.
    pub fn admin_address(&self) -> io::Result<Option<SocketAddr>> {
        self.admin.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// A handle that ends the server.
    pub fn drain(&self) -> Drain {
        Drain {
            life: Arc::clone(&self.app.life),
        }
    }

    /// Serves on the runtime of the caller until it has been drained.
    ///
    /// # Errors
    /// A listener that the runtime does not take.
    pub async fn run(self) -> io::Result<()> {
        let has_own_admin = self.admin.is_some();
        let tls = self.tls;
        let entrance = |has_admin, scope| Entrance {
            has_admin,
            scope,
            tls: tls.clone(),
        };
        let main = self.listeners.into_iter().map(|(listener, scope)| {
            let address = listener.local_addr();
            let is_local = address.is_ok_and(|address| address.ip().is_loopback());
            (listener, entrance(!has_own_admin && is_local, scope))
        });
        let admin = self
            .admin
            .into_iter()
            .map(|listener| (listener, entrance(true, None)));
        let mut accepting = tokio::task::JoinSet::new();
        for (listener, entrance) in main.chain(admin) {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            accepting.spawn(connection::accept(
                Arc::clone(&self.app),
                listener,
                Arc::new(entrance),
            ));
        }
        let life = &self.app.life;
        life.reached(Stage::Draining).await;
        tokio::select! {
            () = tokio::time::sleep(self.drain_delay) => life.reach(Stage::Closing),
            () = life.reached(Stage::Ended) => {}
        }
        // Not before all are in: whoever waits for all places takes those that are given back.
        tokio::select! {
            _ = accepting.join_all() => {}
            () = life.reached(Stage::Ended) => {}
        }
        let all = u32::try_from(self.app.limits.connections).unwrap_or(u32::MAX);
        tokio::select! {
            _ = self.app.connections.acquire_many(all) => {}
            () = tokio::time::sleep(self.drain_limit) => {}
            () = life.reached(Stage::Ended) => {}
        }
        life.reach(Stage::Ended);
        Ok(())
    }

    /// Serves on a runtime of its own with this many I/O threads, until it has been drained.
    ///
    /// # Errors
    /// Threads that cannot be started, or as [`Server::run`].
    pub fn run_on(self, threads: usize) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("serve")
            .enable_all()
            .build()?;
        let result = runtime.block_on(self.run());
        // Work that was given up is not waited for.
        runtime.shutdown_background();
        result
    }
}

fn bind(address: &SocketAddr) -> io::Result<TcpListener> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(*address), Type::STREAM, None)?;
        // A restart does not wait for the connections of the process before it.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.bind(&(*address).into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(TcpListener::from(socket))
    };
    listen().map_err(|error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("failed to listen on {address}: {error}"),
        )
    })
}
