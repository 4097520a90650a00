//! Signals of a server: SIGTERM and Ctrl-C drain it, a second one ends it at once, SIGHUP loads the models anew and
//! opens the log anew. Loading has a thread of its own: a large model does not keep a drain waiting.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use server::Models;
use server::life::Drain;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Pending};

use super::access::Log;
use crate::talk::Talk;

/// A thread that waits for signals.
pub struct Signals {
    handle: Handle,
    thread: JoinHandle<()>,
}

impl Signals {
    /// Starts waiting.
    ///
    /// # Errors
    /// Handlers that cannot be installed.
    pub fn start(
        drain: Drain,
        models: Arc<Models>,
        log: Option<Arc<Log>>,
        talk: Talk,
    ) -> Result<Self> {
        let mut pending =
            Pending::new([SIGHUP, SIGINT, SIGTERM]).context("cannot wait for signals")?;
        let handle = pending.handle();
        let thread = std::thread::spawn(move || {
            for signal in pending.forever() {
                match signal {
                    SIGHUP => {
                        let models = Arc::clone(&models);
                        std::thread::spawn(move || reload(&models, &talk));
                        if let Some(Err(error)) = log.as_ref().map(|log| log.reopen()) {
                            talk.warn(format!("the access log cannot be opened anew: {error}"));
                        }
                    }
                    _ => {
                        talk.note(match drain.has_begun() {
                            false => "draining; a second signal ends at once",
                            true => "ending at once",
                        });
                        drain.begin();
                    }
                }
            }
        });
        Ok(Self { handle, thread })
    }

    /// Stops waiting.
    pub fn stop(self) {
        self.handle.close();
        // A panic of the thread has been told.
        let _ = self.thread.join();
    }
}

/// Loads all models that should be loaded; a broken file leaves the old one serving.
fn reload(models: &Models, talk: &Talk) {
    for slot in models.slots().iter().filter(|slot| slot.is_wanted()) {
        tell(slot.name(), slot.load().map_err(|fault| fault.reason), talk);
    }
}

/// Says how a reload went.
pub fn tell(name: &str, loaded: Result<(), String>, talk: &Talk) {
    match loaded {
        Ok(()) => talk.note(format!("{name}: loaded anew")),
        Err(reason) => talk.warn(format!(
            "{name}: {reason}; the model before it goes on serving"
        )),
    }
}
