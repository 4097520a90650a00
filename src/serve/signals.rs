//! Signals of a server: SIGTERM and Ctrl-C drain it, a second one ends it at once, SIGHUP reads models, tokens and
//! certificates anew and opens the logs anew. Reading has a thread of its own: a large model does not keep a drain waiting.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use server::life::Drain;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Pending};

use super::audit::Audit;
use super::lines::Lines;
use super::renew::Renewable;
use crate::talk::Talk;

/// A thread that waits for signals.
pub struct Signals {
    handle: Handle,
    thread: JoinHandle<()>,
}

/// Logs that SIGHUP opens anew.
pub struct Logs {
    pub lines: Vec<Arc<Lines>>,
    pub audit: Option<Arc<Audit>>,
}

impl Logs {
    fn reopen(&self, talk: &Talk) {
        for log in &self.lines {
            if let Err(error) = log.reopen() {
                talk.warn(format!("{} cannot be opened anew: {error}", log.name()));
            }
        }
        if let Some(Err(error)) = self.audit.as_ref().map(|audit| audit.reopen()) {
            talk.warn(format!("the audit log cannot be opened anew: {error}"));
        }
    }
}

impl Signals {
    /// Starts waiting.
    ///
    /// # Errors
    /// Handlers that cannot be installed.
    pub fn start(
        drain: Drain,
        renewables: Arc<Vec<Renewable>>,
        logs: Logs,
        talk: Talk,
    ) -> Result<Self> {
        let mut pending =
            Pending::new([SIGHUP, SIGINT, SIGTERM]).context("cannot wait for signals")?;
        let handle = pending.handle();
        let thread = std::thread::spawn(move || {
            for signal in pending.forever() {
                match signal {
                    SIGHUP => {
                        let all = Arc::clone(&renewables);
                        std::thread::spawn(move || {
                            for one in all.iter().filter(|one| !one.renew(&talk)) {
                                talk.warn(format!("{}: is being loaded already", one.name));
                            }
                        });
                        logs.reopen(&talk);
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
