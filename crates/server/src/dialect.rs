//! Routes beside the protocol's own. An application reads their requests into inference and writes the
//! answers in its own form, so that they share models, limits, metrics and log with the protocol.

use std::borrow::Cow;

use crate::fault::Fault;
use crate::guard::Scope;
use crate::model::{InferRequest, InferResponse, Model};
use crate::models::{Models, Target};
use crate::route::percent_decoded;

/// Routes of an application.
pub trait Dialect: Send + Sync {
    /// The routes. They go before those of the server where the patterns are the same.
    fn routes(&self) -> &[RouteSpec];

    /// Reads a request. It runs where the protocol's own requests are read: small ones on an I/O thread.
    ///
    /// # Errors
    /// A request that cannot be answered; [`Dialect::refuse`] puts it into words.
    fn read(&self, call: &Call<'_>) -> Result<Step, Fault>;

    /// The response to a fault on one of the routes, whoever found it.
    fn refuse(&self, route: usize, fault: &Fault) -> Page;

    /// Adds what the application counts to the server's metrics, as Prometheus' text.
    fn metrics(&self, _out: &mut String) {}
}

/// A route.
#[derive(Clone, Copy, Debug)]
pub struct RouteSpec {
    /// The path, with names in braces for its variable segments: `/items/{id}/similar`.
    pub pattern: &'static str,
    /// The methods, as `Allow` lists them.
    pub methods: &'static str,
    /// What a token must allow; `None`: the route is open to all.
    pub scope: Option<Scope>,
}

/// A request on a route of a [`Dialect`].
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The position of the route in [`Dialect::routes`].
    pub route: usize,
    /// The method.
    pub method: &'a str,
    /// The variable segments of the path, decoded.
    pub names: &'a [String],
    /// What follows the `?` of the target.
    pub query: &'a str,
    /// The content type, with its parameters.
    pub content_type: Option<&'a str>,
    /// The types that the client takes.
    pub accept: Option<&'a str>,
    /// The body, unpacked.
    pub body: &'a [u8],
    /// The model that the listener is for, if it is for one.
    pub scope: Option<&'a str>,
    /// The configured models.
    pub models: &'a Models,
}

/// What follows from a request.
pub enum Step {
    /// A response that needs no model.
    Reply(Page),
    /// A request to a model, and what is made of its answer.
    Infer(Translated),
}

/// A request to a model, and what is made of its answer.
pub struct Translated {
    /// The model, from [`Models::target`].
    pub target: Target,
    /// The request, which fits the model's signature.
    pub request: InferRequest,
    /// Writes the answer.
    pub write: Write,
}

/// Writes the answer of a model.
pub type Write =
    Box<dyn FnOnce(&dyn Model, &InferRequest, &InferResponse) -> Result<Page, Fault> + Send>;

/// A response.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Cow<'static, [u8]>,
}

impl Page {
    /// A body of JSON.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: Cow::Owned(body.into()),
        }
    }
}

/// The routes, ready to be found by path.
pub(crate) struct Routes {
    patterns: Vec<Vec<Segment>>,
}

enum Segment {
    Is(&'static str),
    Any,
}

impl Routes {
    pub(crate) fn new(specs: &[RouteSpec]) -> Self {
        let segment = |text: &'static str| match text.starts_with('{') {
            true => Segment::Any,
            false => Segment::Is(text),
        };
        let segments = |spec: &RouteSpec| spec.pattern.split('/').skip(1).map(segment).collect();
        Self {
            patterns: specs.iter().map(segments).collect(),
        }
    }

    /// The route of a path, and its variable segments.
    pub(crate) fn find(&self, path: &str) -> Option<(usize, Vec<String>)> {
        let fits = |pattern: &[Segment]| {
            let mut given = path.split('/').skip(1);
            let all = pattern.iter().all(|segment| match (segment, given.next()) {
                (Segment::Is(text), Some(given)) => *text == given,
                (Segment::Any, given) => given.is_some_and(|given| !given.is_empty()),
                (Segment::Is(_), None) => false,
            });
            all && given.next().is_none()
        };
        let route = self.patterns.iter().position(|pattern| fits(pattern))?;
        let given = path.split('/').skip(1);
        let names = self.patterns[route]
            .iter()
            .zip(given)
            .filter(|(segment, _)| matches!(segment, Segment::Any))
            .map(|(_, given)| percent_decoded(given).map(Cow::into_owned));
        Some((route, names.collect::<Option<_>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_found_with_their_names() {
        let spec = |pattern| RouteSpec {
            pattern,
            methods: "POST",
            scope: None,
        };
        let routes = Routes::new(&[spec("/predict"), spec("/items/{id}/similar"), spec("/")]);
        let names = |path| routes.find(path);
        assert_eq!(names("/predict"), Some((0, vec![])));
        assert_eq!(
            names("/items/a%2Fb/similar"),
            Some((1, vec!["a/b".to_owned()]))
        );
        assert_eq!(names("/"), Some((2, vec![])));
        for path in [
            "/predict/",
            "/items//similar",
            "/items/1",
            "/items/%ff/similar",
            "",
            "*",
        ] {
            assert_eq!(names(path), None, "{path}");
        }
    }
}
