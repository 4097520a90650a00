//! The stages of a server: it serves, drains, closes its connections, and has ended.

use std::sync::Arc;

use tokio::sync::watch;

/// How far a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It serves.
    Serving,
    /// Not ready any more, but it still takes connections and requests: load balancers need time to see it.
    Draining,
    /// No new connections; what runs is finished.
    Closing,
    /// It stops at once.
    Ended,
}

/// The stage, which any thread can read and wait for.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    stage: watch::Sender<Stage>,
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        Self {
            stage: watch::Sender::new(Stage::Serving),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Moves on; a server never goes back.
    pub(crate) fn reach(&self, stage: Stage) {
        self.stage.send_if_modified(|current| {
            let is_later = stage > *current;
            if is_later {
                *current = stage;
            }
            is_later
        });
    }

    /// Waits until a stage is reached.
    pub(crate) async fn reached(&self, stage: Stage) {
        let mut changes = self.stage.subscribe();
        // The sender lives as long as `self`.
        let _ = changes.wait_for(|current| *current >= stage).await;
    }
}

/// Ends a server in order. It may be called from any thread, a signal handler's for example.
#[derive(Clone, Debug)]
pub struct Drain {
    pub(crate) life: Arc<Lifecycle>,
}

impl Drain {
    /// The first call makes the server not ready; it goes on serving for the drain delay, then takes no
    /// more connections, finishes what runs, and returns. A second call ends it at once.
    pub fn begin(&self) {
        match self.life.stage() {
            Stage::Serving => self.life.reach(Stage::Draining),
            _ => self.life.reach(Stage::Ended),
        }
    }

    /// Whether a drain has begun.
    pub fn has_begun(&self) -> bool {
        self.life.stage() > Stage::Serving
    }
}
