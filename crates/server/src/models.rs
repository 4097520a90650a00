//! The configured models: names that are fixed at start, each with the model that serves now. A reload
//! puts the new model in place of the old one at once; requests that run keep the one they began with.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;

use crate::fault::{Fault, FaultKind};
use crate::model::Model;

/// Loads a model, or says why it cannot. The reason is shown to clients of the admin routes.
pub type Loader = Box<dyn Fn() -> Result<Box<dyn Model>, String> + Send + Sync>;

/// A model that serves.
pub type Loaded = Arc<Box<dyn Model>>;

/// The position of a name among [`Models::slots`], and what serves under it.
pub type Target = (usize, Loaded);

/// The configured models.
#[derive(Default)]
pub struct Models {
    slots: Vec<Slot>,
}

/// A name, and what serves under it.
pub struct Slot {
    name: String,
    loader: Loader,
    is_optional: bool,
    current: ArcSwapOption<Box<dyn Model>>,
    /// Whether it should be loaded: until an unload, yes.
    is_wanted: AtomicBool,
    /// Held while a loader runs; the reason of the last failure.
    loading: Mutex<()>,
    failure: Mutex<Option<String>>,
    /// What was asked of it.
    pub counts: Counts,
}

impl Models {
    /// No models yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a name without which the server is ready, too: that of a shadow.
    pub fn add_optional(&mut self, name: impl Into<String>, loader: Loader) {
        self.add(name, loader);
        if let Some(slot) = self.slots.last_mut() {
            slot.is_optional = true;
        }
    }

    /// Adds a name; nothing is loaded yet. A name that is known already is replaced.
    pub fn add(&mut self, name: impl Into<String>, loader: Loader) {
        let name = name.into();
        self.slots.retain(|slot| slot.name != name);
        self.slots.push(Slot {
            name,
            loader,
            is_optional: false,
            current: ArcSwapOption::empty(),
            is_wanted: AtomicBool::new(true),
            loading: Mutex::new(()),
            failure: Mutex::new(None),
            counts: Counts::default(),
        });
    }

    /// All names with their models.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// What serves under a name.
    ///
    /// # Errors
    /// A name that was not configured.
    pub fn slot(&self, name: &str) -> Result<&Slot, Fault> {
        let slot = self.slots.iter().find(|slot| slot.name == name);
        slot.ok_or_else(|| Fault::unknown(format!("unknown model `{name}`")))
    }

    /// The position of a name, and what serves under it.
    ///
    /// # Errors
    /// A name that was not configured, or whose model is not loaded.
    pub fn target(&self, name: &str) -> Result<Target, Fault> {
        let position = self.slots.iter().position(|slot| slot.name == name);
        let position = position.ok_or_else(|| Fault::unknown(format!("unknown model `{name}`")))?;
        let Some(model) = self.slots[position].current() else {
            let reason = format!("model `{name}` is not loaded");
            return Err(Fault::new(FaultKind::NotReady, reason));
        };
        Ok((position, model))
    }

    /// Whether all models that should be loaded are.
    pub fn are_ready(&self) -> bool {
        self.slots
            .iter()
            .all(|slot| slot.is_optional || !slot.is_wanted() || slot.current().is_some())
    }

    /// Loads all models that are not loaded, and returns the names and reasons of those that fail.
    pub fn load_all(&self) -> Vec<(String, String)> {
        let absent = self.slots.iter().filter(|slot| slot.current().is_none());
        let failed = |slot: &Slot| {
            slot.load()
                .err()
                .map(|fault| (slot.name.clone(), fault.reason))
        };
        absent.filter_map(failed).collect()
    }

    /// Loads the model of a name anew; see [`Slot::load`].
    ///
    /// # Errors
    /// An unknown name, a load of it that runs already, or a loader that fails.
    pub fn load(&self, name: &str) -> Result<(), Fault> {
        self.slot(name)?.load()
    }

    /// Stops serving under a name; requests that run are finished.
    ///
    /// # Errors
    /// An unknown name.
    pub fn unload(&self, name: &str) -> Result<(), Fault> {
        self.slot(name)?.unload();
        Ok(())
    }
}

impl Slot {
    /// The configured name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The model that serves now.
    pub fn current(&self) -> Option<Loaded> {
        self.current.load_full()
    }

    /// Whether the server is ready without it.
    pub fn is_optional(&self) -> bool {
        self.is_optional
    }

    /// Whether it should be loaded.
    pub fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Acquire)
    }

    /// Why the last load failed, if it did.
    pub fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Loads the model anew and puts it in place of the old one, which keeps serving until then, and for
    /// good where the loader fails or panics.
    ///
    /// # Errors
    /// A load that runs already, or a loader that fails.
    pub fn load(&self) -> Result<(), Fault> {
        let _running = match self.loading.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let reason = format!("model `{}` is being loaded already", self.name);
                return Err(Fault::new(FaultKind::Busy, reason));
            }
        };
        let run = std::panic::AssertUnwindSafe(|| (self.loader)());
        let loaded =
            std::panic::catch_unwind(run).unwrap_or_else(|_| Err("the loader panicked".into()));
        let reason = loaded.as_ref().err().cloned();
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = reason;
        match loaded {
            Ok(model) => {
                self.is_wanted.store(true, Ordering::Release);
                retire(self.current.swap(Some(Arc::new(model))));
                self.counts.loads.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(reason) => {
                self.counts.failed_loads.fetch_add(1, Ordering::Relaxed);
                let reason = format!("failed to load model `{}`: {reason}", self.name);
                Err(Fault::invalid(reason))
            }
        }
    }

    /// Stops serving.
    pub fn unload(&self) {
        self.is_wanted.store(false, Ordering::Release);
        retire(self.current.swap(None));
    }
}

/// Frees a model on a thread of its own, once no request uses it: freeing a large one takes long, and
/// the last request to use it should not pay for that.
fn retire(model: Option<Loaded>) {
    let Some(model) = model else { return };
    let free = move || {
        while Arc::strong_count(&model) > 1 {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(model);
    };
    // Without a thread it is freed here, which is late but right.
    let _ = std::thread::Builder::new()
        .name("retire".into())
        .spawn(free);
}

/// What was asked of a model since start.
#[derive(Default)]
pub struct Counts {
    answered: AtomicU64,
    answered_micros: AtomicU64,
    failed: AtomicU64,
    failed_micros: AtomicU64,
    panics: AtomicU64,
    rows: AtomicU64,
    last_millis: AtomicU64,
    loads: AtomicU64,
    failed_loads: AtomicU64,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $($(#[$doc])* pub fn $name(&self) -> u64 { self.$name.load(Ordering::Relaxed) })*
    };
}

impl Counts {
    counters! {
        /// Requests answered.
        answered,
        /// Microseconds that answered requests took in the model.
        answered_micros,
        /// Requests refused by the model, and panics.
        failed,
        /// Microseconds that those took.
        failed_micros,
        /// Requests in which the model panicked.
        panics,
        /// Rows answered.
        rows,
        /// When the last request came, in milliseconds since 1970.
        last_millis,
        /// Successful loads.
        loads,
        /// Loads that failed.
        failed_loads,
    }

    /// Counts a request.
    pub(crate) fn count(&self, rows: usize, micros: u64, is_answered: bool) {
        let (count, time) = match is_answered {
            true => (&self.answered, &self.answered_micros),
            false => (&self.failed, &self.failed_micros),
        };
        count.fetch_add(1, Ordering::Relaxed);
        time.fetch_add(micros, Ordering::Relaxed);
        if is_answered {
            self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.last_millis
            .store(now.as_millis() as u64, Ordering::Relaxed);
    }

    /// Counts a panic of the model.
    pub(crate) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }
}
