//! `easylife serve`: the models of tasks over HTTP. The server itself is `crates/server`, which knows no task;
//! here it gets its models, its settings and the routes beside the Open Inference Protocol.
//!
//! A task implements [`Serve`]: its loaded model behind tensors. All routes go through those, so that each
//! gives the bits of `predict`.

mod access;
pub mod audit;
mod config;
mod credentials;
mod dialect;
pub mod input;
mod lines;
mod renew;
pub mod replay;
mod requests;
mod signals;
mod tokens;
mod watch;

pub use config::{FILE, KEYS, Key};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use server::{Drain, Listen, Model, Models, Options, Server, Split};

use self::audit::Audit;
use self::lines::Lines;
pub use config::{Given, Settings, ValueSource};

use crate::exit;
use crate::memory::Watched;
use crate::project::Project;
use crate::talk::Talk;
use crate::task::{Loaded, ModelRef, Task};

/// What a task implements for `serve`.
pub trait Serve: Task {
    /// A loaded model behind the interface of the server.
    ///
    /// # Errors
    /// A model that cannot answer requests.
    fn serve(loaded: Loaded<Self>) -> Result<Box<dyn Model>>
    where
        Self: Sized;
}

/// A model to serve: under which name, from where.
pub struct Served {
    /// The name of its task, or of an arm of it: `nlp`, `nlp@next`.
    pub name: String,
    /// Whether the server is ready without it.
    pub is_optional: bool,
    /// What is looked at for changes, also where it is not there yet; empty: the built-in model.
    pub files: Vec<Watched>,
    /// Where it comes from, for people; `None`: it is built in.
    pub origin: Option<String>,
    /// Loads it.
    pub load: Box<dyn Fn() -> Result<Box<dyn Model>> + Send + Sync>,
}

impl Served {
    /// The model of `T` that `-m` names, otherwise the project's, otherwise the built-in one.
    ///
    /// # Errors
    /// If there is none.
    pub fn of<T: Serve>(project: Option<&Project>, asked: Option<ModelRef>) -> Result<Self> {
        if let Some(asked) = asked {
            return Self::named::<T>(T::NAME.to_owned(), asked, false);
        }
        let path = match (project, T::EMBEDDED) {
            (None, Some(_)) => None,
            _ => Some(crate::task::own_model::<T>(project)?),
        };
        let from = path.clone();
        Ok(Self {
            name: T::NAME.to_owned(),
            is_optional: false,
            origin: path.as_ref().map(|path| path.display().to_string()),
            files: path.into_iter().map(Watched::File).collect(),
            load: Box::new(move || {
                // A model that is trained later takes the place of the built-in one.
                let path = from
                    .as_ref()
                    .filter(|path| T::EMBEDDED.is_none() || path.exists());
                T::serve(match path {
                    Some(path) => crate::task::load_file::<T>(path)?,
                    None => crate::task::load_model::<T>(None, None)?,
                })
            }),
        })
    }

    /// The model of `T` that was asked for, under the name of its task or of an arm beside it.
    ///
    /// # Errors
    /// A registry that nobody named.
    pub fn named<T: Serve>(name: String, asked: ModelRef, is_optional: bool) -> Result<Self> {
        Ok(Self {
            name,
            is_optional,
            origin: Some(asked.to_string()),
            files: asked.watched()?,
            load: Box::new(move || T::serve(crate::task::load_model::<T>(None, Some(&asked))?)),
        })
    }
}

/// What `serve --check` found.
pub struct Checked {
    /// The settings in effect, and where each comes from.
    pub settings: Settings,
    /// Name, version and origin of each model.
    pub models: Vec<(String, String, String)>,
}

/// Loads the models, which must be sound, and validates the settings.
///
/// # Errors
/// A model that cannot be loaded.
pub fn check(settings: Settings, served: Vec<Served>) -> Result<Checked> {
    credentials::Credentials::read(&settings)?;
    if let Some((path, key)) = audit_files(&settings)? {
        Audit::check(path, key)?;
    }
    let models = served
        .into_iter()
        .map(|served| {
            let model = (served.load)()?;
            let is_there = served.files.first().is_some_and(|file| file.exists());
            let origin = served.origin.filter(|_| is_there);
            let origin = origin.unwrap_or_else(|| "built in".to_owned());
            Ok((served.name, model.version().to_owned(), origin))
        })
        .collect::<Result<_>>()?;
    Ok(Checked { settings, models })
}

/// Serves until SIGTERM or Ctrl-C, and drains.
///
/// # Errors
/// A model that cannot be loaded at the start, or an address that cannot be listened on.
pub fn run(settings: &Settings, served: Vec<Served>, talk: &Talk) -> Result<()> {
    quiet_panics();
    let credentials = credentials::Credentials::read(settings)?;
    warn_of_strangers(settings, talk);
    let (models, of_models) = configured(served);
    // Tokens first: a large model does not keep a revoked one alive.
    let renewables = credentials.renewables.into_iter().chain(of_models);
    let renewables = Arc::new(renewables.collect::<Vec<_>>());
    let access = open(&settings.access_log.value, None)?;
    let requests = open(&settings.request_log.value, Some(settings.rotation()))?;
    let logs: Vec<Arc<Lines>> = access.iter().chain(&requests).map(Arc::clone).collect();
    let share = settings.request_log_share.value / 100.0;
    let with_content = settings.request_log_content.value;
    let audit = open_audit(settings)?;
    let options = Options {
        listen: settings
            .listen
            .value
            .iter()
            .map(config::Address::listen)
            .collect(),
        admin_listen: settings.admin_listen.value,
        limits: settings.limits(),
        drain_delay: settings.drain_delay.value,
        drain_limit: settings.drain_limit.value,
        access: access::callback(access, audit.clone()),
        record: requests.map(|lines| requests::recorder(lines, share, with_content)),
        dialect: Some(Arc::new(dialect::Routes::new())),
        split: Split {
            weights: settings.weights.value.clone(),
            shadows: settings.shadows.value.clone(),
        },
        guard: credentials.guard,
        tls: credentials.tls,
    };
    let bound = Server::bind(options, Arc::clone(&models));
    if let (Err(_), Some(audit)) = (&bound, &audit) {
        // It ends in order, so that nobody takes it for a crash.
        let _ = audit.finish();
    }
    let server = bound.map_err(|error| exit::coded(exit::Exit::Failed, error.to_string()))?;
    let drain = server.drain();
    if let Some(audit) = &audit {
        audit.start(*talk);
    }
    let signals = signals::Signals::start(
        drain.clone(),
        Arc::clone(&renewables),
        signals::Logs {
            lines: logs.clone(),
            audit: audit.clone(),
        },
        *talk,
    )?;
    tell(settings, &server, &models, talk)?;
    let watcher = watch::start(renewables, settings.reload_interval.value, *talk);
    // It answers while the models are loaded, and is not ready.
    let loading = Loading::start(models, drain, *talk);
    let ran = server.run_on(settings.threads.value);
    watcher.stop();
    signals.stop();
    for log in logs {
        log.flush();
    }
    if let Some(Err(error)) = audit.map(|audit| audit.finish()) {
        talk.warn(format!("the audit log cannot be ended: {error}"));
    }
    loading.end()?;
    ran.context("cannot serve")
}

/// The models, none of them loaded yet, and their files, which are looked at for changes.
fn configured(served: Vec<Served>) -> (Arc<Models>, Vec<renew::Renewable>) {
    let mut models = Models::new();
    let mut files = Vec::new();
    for served in served {
        let load = served.load;
        let loader = Box::new(move || load().map_err(|error| format!("{error:#}")));
        match served.is_optional {
            true => models.add_optional(&*served.name, loader),
            false => models.add(&*served.name, loader),
        }
        files.push((served.name, served.files));
    }
    let models = Arc::new(models);
    let renewable = |(name, files): (String, _)| {
        let models = Arc::clone(&models);
        renew::Renewable::model(&name, files, models)
    };
    let renewables = files.into_iter().map(renewable).collect();
    (models, renewables)
}

/// The thread that loads the models at the start. A model that cannot be loaded ends the server, a shadow does not.
struct Loading {
    thread: std::thread::JoinHandle<()>,
    failed: Arc<Mutex<Option<(String, String)>>>,
}

impl Loading {
    fn start(models: Arc<Models>, drain: Drain, talk: Talk) -> Self {
        let failed = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&failed);
        let thread = std::thread::spawn(move || {
            let is_optional = |name: &str| models.slot(name).is_ok_and(|slot| slot.is_optional());
            let (optional, needed): (Vec<_>, Vec<_>) = models
                .load_all()
                .into_iter()
                .partition(|(name, _)| is_optional(name));
            for (name, reason) in optional {
                talk.warn(format!(
                    "{name}: {reason}; the server goes on without this shadow"
                ));
            }
            if let Some(first) = needed.into_iter().next() {
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
                drain.begin();
                drain.begin();
            }
        });
        Self { thread, failed }
    }

    /// What could not be loaded.
    fn end(self) -> Result<()> {
        if self.thread.is_finished() {
            // A panic of a loader has been caught.
            let _ = self.thread.join();
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match failed.take() {
            Some((name, reason)) => anyhow::bail!("{name}: {reason}"),
            None => Ok(()),
        }
    }
}

/// The audit log and its key, where one is wanted.
fn audit_files(settings: &Settings) -> Result<Option<(&Path, Option<&Path>)>> {
    match (&settings.audit_log.value, &settings.audit_key.value) {
        (Some(log), key) => Ok(Some((log, key.as_deref()))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(exit::usage(
            "`audit-key` is given, but there is no `audit-log` that it could sign",
        )),
    }
}

fn open_audit(settings: &Settings) -> Result<Option<Arc<Audit>>> {
    match audit_files(settings)? {
        Some((path, key)) => Ok(Some(Arc::new(Audit::open(path, key)?))),
        None => Ok(None),
    }
}

/// Opens a log, where one is wanted.
fn open(path: &Option<PathBuf>, rotation: Option<lines::Rotation>) -> Result<Option<Arc<Lines>>> {
    let open = |path: &PathBuf| Lines::open(path, rotation);
    path.as_ref().map(open).transpose()
}

/// Whoever reaches an address may ask the models, unless tokens or certificates are asked for.
fn warn_of_strangers(settings: &Settings, talk: &Talk) {
    let is_guarded = settings.tokens.value.is_some() || settings.tls_client_ca.value.is_some();
    let own = settings.listen.value.iter().map(|listen| listen.address);
    let mut all = own.chain(settings.admin_listen.value);
    match all.find(|address| !address.ip().is_loopback()) {
        Some(open) if !is_guarded => talk.warn(format!(
            "whoever reaches {open} may ask the models; `tokens` or `tls-client-ca` asks who they are"
        )),
        _ => {}
    }
}

/// Says what is served where.
fn tell(settings: &Settings, server: &Server, models: &Models, talk: &Talk) -> Result<()> {
    let scheme = match settings.tls_cert.value {
        Some(_) => "https",
        None => "http",
    };
    let names: Vec<&str> = models.slots().iter().map(|slot| slot.name()).collect();
    for Listen { address, scope } in server.listeners()? {
        let what = scope.unwrap_or_else(|| names.join(", "));
        talk.note(format!(
            "serving {what} on {scheme}://{address} (page: {scheme}://{address}/docs)"
        ));
    }
    if let Some(address) = server.admin_address()? {
        talk.note(format!("admin routes on {scheme}://{address}"));
    }
    Ok(())
}

/// Panics so far.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// A panic is told without what it was about: its message may hold what a client sent. Those of decoders that are
/// taken for a damaged photo are not told, as in the other verbs.
fn quiet_panics() {
    let hook = |info: &std::panic::PanicHookInfo<'_>| {
        let place = info.location().map_or_else(String::new, |place| {
            format!(" at {}:{}", place.file(), place.line())
        });
        let number = PANICS.fetch_add(1, Ordering::Relaxed) + 1;
        // A model that always panics does not fill a disk; the metrics count each.
        if number <= 10 || number.is_power_of_two() {
            eprintln!(
                "error: a panic{place} (number {number}); what it was about is given up, the server goes on"
            );
        }
    };
    std::panic::set_hook(files::foreign::quiet_hook(Box::new(hook)));
}

/// The address that a server listens on by default.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(
    std::net::Ipv4Addr::LOCALHOST,
    8080,
));
/// How long a server goes on after SIGTERM by default.
pub const DRAIN_DELAY: Duration = Duration::from_secs(5);
