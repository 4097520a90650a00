//! Counters and histograms of fixed size, as Prometheus' text. Series are those of routes and configured
//! models: nothing that a client sends adds one.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::admission::Admission;
use crate::dialect::RouteSpec;
use crate::models::{Counts, Models, Slot};
use crate::route::Route;

const METHODS: [&str; 4] = ["GET", "HEAD", "POST", "other"];
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
/// Statuses of requests that were refused before they had a route.
const REJECTED: [u16; 5] = [400, 408, 414, 431, 503];
/// Upper bounds of the buckets of the histogram, in microseconds, and as they are printed in seconds.
const BUCKETS: [(u64, &str); 12] = [
    (50, "0.00005"),
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (500_000, "0.5"),
    (1_000_000, "1"),
];

/// What a server counts.
pub struct Metrics {
    routes: Vec<RouteCounts>,
    rejected: [AtomicU64; REJECTED.len()],
    shed: AtomicU64,
    connections: AtomicU64,
}

/// What is counted of a route.
struct RouteCounts {
    pattern: &'static str,
    requests: [[AtomicU64; CLASSES.len()]; METHODS.len()],
    latency: Histogram,
}

#[derive(Default)]
struct Histogram {
    /// One bucket more than there are bounds.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

/// A method as metrics and the access log know it.
pub(crate) fn method_name(method: &hyper::Method) -> &'static str {
    let known = METHODS.into_iter().find(|known| *known == method.as_str());
    known.unwrap_or("other")
}

impl Metrics {
    /// With the routes of the server and those of an application.
    pub(crate) fn new(dialect: &[RouteSpec]) -> Self {
        let own = Route::OWN.iter().map(|route| route.pattern(&[]));
        let routes = own.chain(dialect.iter().map(|spec| spec.pattern));
        Self {
            routes: routes
                .map(|pattern| RouteCounts {
                    pattern,
                    requests: Default::default(),
                    latency: Histogram::default(),
                })
                .collect(),
            rejected: Default::default(),
            shed: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        }
    }

    /// Counts a request.
    pub(crate) fn count(&self, route: Route, method: &str, status: u16, micros: u64) {
        let method = METHODS
            .iter()
            .position(|known| *known == method)
            .unwrap_or(METHODS.len() - 1);
        let class = usize::from(status / 100).clamp(2, 5) - 2;
        let counts = &self.routes[route.index()];
        add(&counts.requests[method][class], 1);
        let histogram = &counts.latency;
        let bucket = BUCKETS.partition_point(|(bound, _)| *bound < micros);
        add(&histogram.buckets[bucket], 1);
        add(&histogram.micros, micros);
        if status == 503 && matches!(route, Route::Infer | Route::Dialect(_)) {
            add(&self.shed, 1);
        }
    }

    /// Counts a request that was refused before it had a route.
    pub(crate) fn count_rejected(&self, status: u16) {
        if let Some(position) = REJECTED.iter().position(|known| *known == status) {
            add(&self.rejected[position], 1);
        }
    }

    /// Counts a connection.
    pub(crate) fn count_connection(&self) {
        add(&self.connections, 1);
    }

    /// All of it as Prometheus' text.
    pub(crate) fn text(&self, models: &Models, admission: &Admission, open: usize) -> String {
        let mut out = String::with_capacity(8 << 10);
        self.write_requests(&mut out);
        self.write_latency(&mut out);
        let name = "easylife_rejected_total";
        head(
            &mut out,
            name,
            "counter",
            "Requests refused before they had a route",
        );
        for (status, count) in REJECTED.iter().zip(&self.rejected) {
            let _ = writeln!(out, "{name}{{status=\"{status}\"}} {}", get(count));
        }
        let rows = admission.rows.used() as u64;
        let bytes = admission.bytes.used() as u64;
        for (name, kind, help, value) in [
            (
                "shed_total",
                "counter",
                "Inference requests answered with 503",
                get(&self.shed),
            ),
            (
                "connections_total",
                "counter",
                "Connections accepted",
                get(&self.connections),
            ),
            ("connections_open", "gauge", "Connections open", open as u64),
            ("rows_in_flight", "gauge", "Rows that run or wait", rows),
            (
                "bytes_in_flight",
                "gauge",
                "Bytes of bodies in memory",
                bytes,
            ),
        ] {
            let name = format!("easylife_{name}");
            head(&mut out, &name, kind, help);
            let _ = writeln!(out, "{name} {value}");
        }
        write_models(&mut out, models);
        out
    }

    fn write_requests(&self, out: &mut String) {
        head(
            out,
            "http_requests_total",
            "counter",
            "Requests by route, method and class of status",
        );
        for route in &self.routes {
            for (method, classes) in METHODS.iter().zip(&route.requests) {
                for (class, count) in CLASSES.iter().zip(classes) {
                    let count = get(count);
                    if count > 0 {
                        let _ = writeln!(
                            out,
                            "http_requests_total{{handler=\"{}\",method=\"{method}\",status=\"{class}\"}} {count}",
                            route.pattern
                        );
                    }
                }
            }
        }
    }

    fn write_latency(&self, out: &mut String) {
        let name = "http_request_duration_seconds";
        head(
            out,
            name,
            "histogram",
            "Time from the end of the head to the response",
        );
        for route in &self.routes {
            let histogram = &route.latency;
            let counts = histogram.buckets.each_ref().map(get);
            if counts.iter().all(|count| *count == 0) {
                continue;
            }
            let handler = route.pattern;
            let mut sum = 0;
            for (count, bound) in counts
                .iter()
                .zip(BUCKETS.iter().map(|(_, text)| *text).chain(["+Inf"]))
            {
                sum += count;
                let _ = writeln!(
                    out,
                    "{name}_bucket{{handler=\"{handler}\",le=\"{bound}\"}} {sum}"
                );
            }
            let seconds = get(&histogram.micros) as f64 / 1e6;
            let _ = writeln!(out, "{name}_sum{{handler=\"{handler}\"}} {seconds}");
            let _ = writeln!(out, "{name}_count{{handler=\"{handler}\"}} {sum}");
        }
    }
}

fn write_models(out: &mut String, models: &Models) {
    type Outcome = (&'static str, fn(&Counts) -> u64);
    let tables: [(&str, &str, &[Outcome]); 3] = [
        (
            "easylife_inferences_total",
            "Requests to a model by outcome",
            &[
                ("answered", Counts::answered),
                ("failed", Counts::failed),
                ("panicked", Counts::panics),
            ],
        ),
        (
            "easylife_rows_total",
            "Rows answered by a model",
            &[("answered", Counts::rows)],
        ),
        (
            "easylife_loads_total",
            "Loads of a model by outcome",
            &[("done", Counts::loads), ("failed", Counts::failed_loads)],
        ),
    ];
    for (name, help, outcomes) in tables {
        head(out, name, "counter", help);
        for slot in models.slots() {
            for (outcome, read) in outcomes {
                let model = label(slot);
                let count = read(&slot.counts);
                let _ = writeln!(
                    out,
                    "{name}{{model=\"{model}\",outcome=\"{outcome}\"}} {count}"
                );
            }
        }
    }
    head(
        out,
        "easylife_model_loaded",
        "gauge",
        "Whether a model is loaded",
    );
    for slot in models.slots() {
        let loaded = u8::from(slot.current().is_some());
        let _ = writeln!(
            out,
            "easylife_model_loaded{{model=\"{}\"}} {loaded}",
            label(slot)
        );
    }
}

/// A configured name as the value of a label.
fn label(slot: &Slot) -> String {
    label_value(slot.name())
}

/// A text as the value of a label.
pub fn label_value(text: &str) -> String {
    text.replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

/// The lines that say what a metric is.
pub fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to memory does not fail.
    let _ = writeln!(out, "# HELP {name} {help}.\n# TYPE {name} {kind}");
}

fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
