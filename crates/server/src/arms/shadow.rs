//! A shadow: a model that gets copies of requests. Its answers are compared with those that were given, and counted;
//! nobody waits for them. What does not fit into its queue is dropped and counted.

use std::collections::VecDeque;
use std::fmt::Write;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Map, Value, json};

use super::difference::{self, RowDifference};
use super::lock;
use crate::metrics::{head, label_value};
use crate::model::{InferRequest, InferResponse, Model};
use crate::models::{Loaded, Models};
use crate::tensor::{Data, Tensor};

/// Copies that may wait, and the bytes of all of them.
const LONGEST: usize = 1024;
const LARGEST: usize = 64 << 20;
/// Upper bounds of the histogram of differences, as they are printed.
const BOUNDS: [(f64, &str); 7] = [
    (1e-12, "1e-12"),
    (1e-9, "1e-09"),
    (1e-6, "1e-06"),
    (1e-3, "0.001"),
    (1e-2, "0.01"),
    (0.1, "0.1"),
    (1.0, "1"),
];
/// Models of more classes have no counts by class: the series are bounded.
const MOST_CLASSES: usize = 16;
/// The output with the class.
const CLASS: &str = "prediction";

/// A shadow, whose thread ends with it.
pub(crate) struct Shadow {
    pub(super) name: String,
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    grown: Condvar,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Copied>,
    bytes: usize,
    is_closed: bool,
}

/// A request and the answer that was given to it.
struct Copied {
    model: Loaded,
    request: InferRequest,
    response: InferResponse,
    bytes: usize,
}

/// What came of the copies, while both models stay the same.
#[derive(Default)]
struct Counts {
    /// Versions of the main model and of the shadow.
    versions: [String; 2],
    requests: [u64; 5],
    rows: [u64; 3],
    /// One bucket more than there are bounds.
    differences: [u64; BOUNDS.len() + 1],
    sum: f64,
    /// From which class to which; as long as the number of classes squared.
    classes: Vec<String>,
    changes: Vec<u64>,
}

/// Outcomes of a copy.
#[derive(Clone, Copy)]
enum Outcome {
    Compared,
    Failed,
    Panicked,
    Dropped,
    /// The shadow is not loaded.
    Absent,
}

const OUTCOMES: [&str; 5] = ["compared", "failed", "panicked", "dropped", "absent"];
const ROWS: [&str; 3] = ["same", "close", "changed"];

impl Shadow {
    /// Starts the thread of a shadow.
    pub(super) fn start(models: Arc<Models>, slot: usize, name: String) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            grown: Condvar::new(),
            counts: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("shadow".into())
            .spawn(move || {
                yield_to_others();
                while let Some(copied) = own.next() {
                    own.compare(copied, models.slots()[slot].current());
                }
            })?;
        Ok(Self { name, shared })
    }

    /// Hands over a copy, unless too many wait.
    pub(super) fn ask(&self, model: &Loaded, request: InferRequest, response: InferResponse) {
        let tensors = request.inputs.iter().chain(&response.outputs);
        let bytes = tensors.map(size).sum();
        let mut queue = lock(&self.shared.queue);
        if queue.waiting.len() >= LONGEST || queue.bytes.saturating_add(bytes) > LARGEST {
            drop(queue);
            lock(&self.shared.counts).requests[Outcome::Dropped as usize] += 1;
            return;
        }
        queue.bytes += bytes;
        let is_first = queue.waiting.is_empty();
        queue.waiting.push_back(Copied {
            model: Arc::clone(model),
            request,
            response,
            bytes,
        });
        drop(queue);
        // A thread that is at work looks for more by itself.
        if is_first {
            self.shared.grown.notify_one();
        }
    }

    /// The counts as JSON.
    pub(super) fn report(&self) -> Value {
        let counts = lock(&self.shared.counts);
        let named = |names: &[&str], counts: &[u64]| {
            let pairs = names.iter().zip(counts);
            let pairs = pairs.map(|(name, count)| ((*name).to_owned(), json!(count)));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        let changes = counts
            .changes()
            .map(|(from, to, count)| json!({"from": from, "to": to, "rows": count}));
        let bounds: Vec<&str> = BOUNDS
            .iter()
            .map(|(_, text)| *text)
            .chain(["+Inf"])
            .collect();
        json!({
            "arm": self.name,
            "versions": {"main": counts.versions[0], "shadow": counts.versions[1]},
            "requests": named(&OUTCOMES, &counts.requests),
            "rows": named(&ROWS, &counts.rows),
            "differences": named(&bounds, &counts.differences),
            "classes": changes.collect::<Vec<_>>(),
        })
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        lock(&self.shared.queue).is_closed = true;
        self.shared.grown.notify_all();
    }
}

impl Shared {
    /// The next copy; none where the shadow has been dropped.
    fn next(&self) -> Option<Copied> {
        let mut queue = lock(&self.queue);
        loop {
            if queue.is_closed {
                return None;
            }
            if let Some(copied) = queue.waiting.pop_front() {
                queue.bytes -= copied.bytes;
                return Some(copied);
            }
            let grown = self.grown.wait(queue);
            queue = grown.unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Asks the shadow and counts what comes.
    fn compare(&self, copied: Copied, shadow: Option<Loaded>) {
        let Some(shadow) = shadow else {
            lock(&self.counts).requests[Outcome::Absent as usize] += 1;
            return;
        };
        let answer = catch_unwind(AssertUnwindSafe(|| shadow.infer(&copied.request)));
        let mut counts = lock(&self.counts);
        counts.begin(&**copied.model, &**shadow);
        let outcome = match answer {
            Ok(Ok(theirs)) => {
                counts.add(&copied.response, &theirs);
                Outcome::Compared
            }
            Ok(Err(_)) => Outcome::Failed,
            Err(_) => Outcome::Panicked,
        };
        counts.requests[outcome as usize] += 1;
    }
}

impl Counts {
    /// Starts anew where one of the models is another one.
    fn begin(&mut self, main: &dyn Model, shadow: &dyn Model) {
        if self.versions == [main.version(), shadow.version()] {
            return;
        }
        let mut classes = main.classes().to_vec();
        if classes.len() > MOST_CLASSES || classes != shadow.classes() {
            classes.clear();
        }
        *self = Self {
            versions: [main.version().to_owned(), shadow.version().to_owned()],
            changes: vec![0; classes.len() * classes.len()],
            classes,
            ..Self::default()
        };
    }

    fn add(&mut self, ours: &InferResponse, theirs: &InferResponse) {
        for difference in difference::rows(ours, theirs) {
            let kind = match difference {
                RowDifference::None => 0,
                RowDifference::Numbers(difference) => {
                    let bucket = BOUNDS.partition_point(|(bound, _)| *bound < difference);
                    self.differences[bucket] += 1;
                    self.sum += difference;
                    1
                }
                RowDifference::Texts => 2,
            };
            self.rows[kind] += 1;
        }
        self.add_classes(ours, theirs);
    }

    fn add_classes(&mut self, ours: &InferResponse, theirs: &InferResponse) {
        let labels = |response: &InferResponse| -> Vec<usize> {
            let output = response.outputs.iter().find(|tensor| tensor.name == CLASS);
            let strings = output.and_then(Tensor::strings);
            let position = |label: &[u8]| {
                self.classes
                    .iter()
                    .position(|class| class.as_bytes() == label)
            };
            strings.map_or_else(Vec::new, |strings| {
                strings.iter().filter_map(position).collect()
            })
        };
        let (from, to) = (labels(ours), labels(theirs));
        if from.len() != to.len() {
            return;
        }
        for (from, to) in from.into_iter().zip(to) {
            self.changes[from * self.classes.len() + to] += u64::from(from != to);
        }
    }

    /// Changes of class that happened.
    fn changes(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        let count = self.classes.len();
        let all = self
            .changes
            .iter()
            .enumerate()
            .filter(|(_, rows)| **rows > 0);
        all.map(move |(place, rows)| {
            (
                &*self.classes[place / count],
                &*self.classes[place % count],
                *rows,
            )
        })
    }
}

/// Bytes of a tensor in memory.
fn size(tensor: &Tensor) -> usize {
    match &tensor.data {
        Data::Bytes(strings) => strings.total_bytes() + 8 * strings.len(),
        other => 8 * other.len(),
    }
}

/// Lets all other threads go first: nobody waits for a shadow.
fn yield_to_others() {
    // On Linux the priority is the thread's; elsewhere it would be that of the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(19);
}

/// The counts of shadows, each with the name of its main model, as Prometheus' text. A counter starts anew with another
/// version, as after a restart.
pub(super) fn write_metrics<'a>(
    shadows: impl Iterator<Item = (&'a str, &'a Shadow)> + Clone,
    out: &mut String,
) {
    let label = |model: &str, shadow: &Shadow| format!("model=\"{model}\",arm=\"{}\"", shadow.name);
    type Table = (
        &'static str,
        &'static str,
        &'static [&'static str],
        fn(&Counts) -> &[u64],
    );
    let tables: [Table; 2] = [
        (
            "easylife_shadow_requests_total",
            "Copies of requests to a shadow by what came of them",
            &OUTCOMES,
            |counts| &counts.requests,
        ),
        (
            "easylife_shadow_rows_total",
            "Rows that a shadow answered as the model did, with other numbers, or with other texts",
            &ROWS,
            |counts| &counts.rows,
        ),
    ];
    // Writing to memory does not fail.
    for (name, help, outcomes, read) in tables {
        head(out, name, "counter", help);
        for (model, shadow) in shadows.clone() {
            let label = label(model, shadow);
            let counts = lock(&shadow.shared.counts);
            for (outcome, count) in outcomes.iter().zip(read(&counts)) {
                let _ = writeln!(out, "{name}{{{label},outcome=\"{outcome}\"}} {count}");
            }
        }
    }
    let name = "easylife_shadow_difference";
    head(
        out,
        name,
        "histogram",
        "Largest difference of the numbers of a row, relative to the larger one or to 1",
    );
    for (model, shadow) in shadows.clone() {
        let label = label(model, shadow);
        let counts = lock(&shadow.shared.counts);
        let mut sum = 0;
        let bounds = BOUNDS.iter().map(|(_, text)| *text).chain(["+Inf"]);
        for (bound, count) in bounds.zip(&counts.differences) {
            sum += count;
            let _ = writeln!(out, "{name}_bucket{{{label},le=\"{bound}\"}} {sum}");
        }
        let _ = writeln!(
            out,
            "{name}_sum{{{label}}} {}\n{name}_count{{{label}}} {sum}",
            counts.sum
        );
    }
    let name = "easylife_shadow_class_changes_total";
    head(
        out,
        name,
        "counter",
        "Rows to which a shadow gave another class",
    );
    for (model, shadow) in shadows {
        let label = label(model, shadow);
        let counts = lock(&shadow.shared.counts);
        for (from, to, rows) in counts.changes() {
            let (from, to) = (label_value(from), label_value(to));
            let _ = writeln!(out, "{name}{{{label},from=\"{from}\",to=\"{to}\"}} {rows}");
        }
    }
}
