//! Routes beside the Open Inference Protocol: those of the Python platform that easylife replaces ([`original`]), tables
//! in and out for batches by curl ([`tables`]), and the page of the interface ([`pages`]). All of them read a
//! request into tensors and write an answer from tensors, so that they give the protocol's bits.

mod fields;
mod form;
mod original;
mod pages;
mod tables;

use std::sync::OnceLock;

use server::dialect::{Call, Page, RouteSpec, Step};
use server::{Dialect, Fault, Scope};

use self::original::Counters;

const GET: &str = "GET, HEAD";
const POST: &str = "POST";
const BOTH: &str = "GET, HEAD, POST";

/// What answers a route.
#[derive(Clone, Copy)]
enum Handler {
    Predict,
    PredictImage,
    Explain,
    Forecast,
    Recommend,
    SimilarOf,
    Similar,
    Health,
    Table,
    Docs,
    Yaml,
    Json,
}

const fn route(
    pattern: &'static str,
    methods: &'static str,
    handler: Handler,
) -> (RouteSpec, Handler) {
    // Probes and the description are open to all.
    let scope = match handler {
        Handler::Health | Handler::Docs | Handler::Yaml | Handler::Json => None,
        _ => Some(Scope::Predict),
    };
    let spec = RouteSpec {
        pattern,
        methods,
        scope,
    };
    (spec, handler)
}

/// Every route and its handler; `openapi.yaml` describes them.
const ROUTES: [(RouteSpec, Handler); 13] = [
    route("/predict", POST, Handler::Predict),
    route("/predict_image", POST, Handler::PredictImage),
    route("/explain", POST, Handler::Explain),
    route("/forecast", BOTH, Handler::Forecast),
    route("/recommendations", POST, Handler::Recommend),
    route("/recommend", GET, Handler::Recommend),
    route("/items/{item_id}/similar", GET, Handler::SimilarOf),
    route("/similar", GET, Handler::Similar),
    route("/health", GET, Handler::Health),
    route("/v1/{task}", POST, Handler::Table),
    route("/docs", GET, Handler::Docs),
    route("/openapi.yaml", GET, Handler::Yaml),
    route("/openapi.json", GET, Handler::Json),
];

/// The routes, and what is counted on them.
pub struct Routes {
    specs: Vec<RouteSpec>,
    counters: Counters,
    /// `openapi.yaml` as JSON, once it was asked for.
    description: OnceLock<String>,
}

impl Routes {
    /// All of them.
    pub fn new() -> Self {
        Self {
            specs: ROUTES.iter().map(|(spec, _)| *spec).collect(),
            counters: Counters::default(),
            description: OnceLock::new(),
        }
    }
}

impl Dialect for Routes {
    fn routes(&self) -> &[RouteSpec] {
        &self.specs
    }

    fn read(&self, call: &Call<'_>) -> Result<Step, Fault> {
        let counters = &self.counters;
        match ROUTES[call.route].1 {
            Handler::Predict => original::predict(call, counters),
            Handler::PredictImage => original::predict_image(call, counters),
            Handler::Explain => original::explain(call, counters),
            Handler::Forecast => original::forecast(call, counters),
            Handler::Recommend => original::recommend(call, counters),
            Handler::SimilarOf => original::similar_of(call, counters),
            Handler::Similar => original::similar(call, counters),
            Handler::Health => Ok(Step::Reply(original::health(call))),
            Handler::Table => tables::read(call),
            Handler::Docs => Ok(Step::Reply(pages::docs())),
            Handler::Yaml => Ok(Step::Reply(pages::yaml())),
            Handler::Json => Ok(Step::Reply(pages::json(&self.description))),
        }
    }

    fn refuse(&self, route: usize, fault: &Fault) -> Page {
        let key = match ROUTES[route].1 {
            Handler::Table | Handler::Docs | Handler::Yaml | Handler::Json => "error",
            _ => "detail",
        };
        let body = serde_json::json!({key: fault.reason});
        Page::json(fault.status(), body.to_string())
    }

    fn metrics(&self, out: &mut String) {
        self.counters.write(out);
    }
}
