//! Which route a path names. Metrics and the access log know routes by their pattern, so what clients
//! write into a path creates no series and reaches no log.

use std::borrow::Cow;

use crate::dialect::RouteSpec;
use crate::guard::Scope;

/// The routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Live,
    Ready,
    Health,
    Metrics,
    Server,
    Model,
    ModelReady,
    ModelConfig,
    ModelStats,
    AllStats,
    Infer,
    Index,
    Load,
    Unload,
    Arms,
    Feedback,
    /// No route has this path.
    Unknown,
    /// A route of the application, by its position.
    Dialect(usize),
}

impl Route {
    /// Those of the server itself.
    pub(crate) const OWN: [Self; 17] = [
        Self::Live,
        Self::Ready,
        Self::Health,
        Self::Metrics,
        Self::Server,
        Self::Model,
        Self::ModelReady,
        Self::ModelConfig,
        Self::ModelStats,
        Self::AllStats,
        Self::Infer,
        Self::Index,
        Self::Load,
        Self::Unload,
        Self::Arms,
        Self::Feedback,
        Self::Unknown,
    ];

    /// The position among all routes: those of the server, then those of the application.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Dialect(position) => Self::OWN.len() + position,
            own => Self::OWN
                .iter()
                .position(|known| *known == own)
                .unwrap_or(0),
        }
    }

    /// The pattern; one with a version is the same route as the one without.
    pub(crate) fn pattern(self, dialect: &[RouteSpec]) -> &'static str {
        match self {
            Self::Dialect(position) => dialect[position].pattern,
            Self::Live => "/v2/health/live",
            Self::Ready => "/v2/health/ready",
            Self::Health => "/health",
            Self::Metrics => "/metrics",
            Self::Server => "/v2",
            Self::Model => "/v2/models/{model}",
            Self::ModelReady => "/v2/models/{model}/ready",
            Self::ModelConfig => "/v2/models/{model}/config",
            Self::ModelStats => "/v2/models/{model}/stats",
            Self::AllStats => "/v2/models/stats",
            Self::Infer => "/v2/models/{model}/infer",
            Self::Index => "/v2/repository/index",
            Self::Load => "/v2/repository/models/{model}/load",
            Self::Unload => "/v2/repository/models/{model}/unload",
            Self::Arms => "/arms",
            Self::Feedback => "/feedback",
            Self::Unknown => "unknown",
        }
    }

    /// The methods it takes, as `Allow` lists them.
    pub(crate) fn methods(self, dialect: &[RouteSpec]) -> &'static str {
        match self {
            Self::Dialect(position) => dialect[position].methods,
            Self::Infer | Self::Index | Self::Load | Self::Unload | Self::Feedback => "POST",
            _ => "GET, HEAD",
        }
    }

    /// What a token must allow; `None`: the route is open to all, as probes are.
    pub(crate) fn scope(self, dialect: &[RouteSpec]) -> Option<Scope> {
        match self {
            Self::Dialect(position) => dialect[position].scope,
            Self::Live | Self::Ready | Self::Health | Self::Unknown => None,
            Self::Metrics | Self::Arms => Some(Scope::Metrics),
            Self::Feedback => Some(Scope::Feedback),
            Self::Load | Self::Unload => Some(Scope::Admin),
            _ => Some(Scope::Predict),
        }
    }

    /// Whether it changes what the server serves.
    pub(crate) fn is_admin(self) -> bool {
        matches!(self, Self::Load | Self::Unload)
    }
}

/// The patterns of the server's own routes, and their methods as `Allow` lists them; where a version may be named,
/// with and without it.
pub fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    const VERSIONED: [(&str, &str); 5] = [
        ("/v2/models/{model}/versions/{version}", "GET, HEAD"),
        ("/v2/models/{model}/versions/{version}/ready", "GET, HEAD"),
        ("/v2/models/{model}/versions/{version}/config", "GET, HEAD"),
        ("/v2/models/{model}/versions/{version}/stats", "GET, HEAD"),
        ("/v2/models/{model}/versions/{version}/infer", "POST"),
    ];
    let named = Route::OWN.iter().filter(|route| **route != Route::Unknown);
    let plain = named.map(|route| (route.pattern(&[]), route.methods(&[])));
    plain.chain(VERSIONED)
}

/// A route, with the model and version that the path names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RouteMatch<'p> {
    pub(crate) route: Route,
    pub(crate) model: Cow<'p, str>,
    pub(crate) version: Option<Cow<'p, str>>,
}

impl RouteMatch<'_> {
    /// A route without a model.
    pub(crate) fn of(route: Route) -> Self {
        Self {
            route,
            model: Cow::Borrowed(""),
            version: None,
        }
    }
}

/// The longest path has seven segments.
const SEGMENTS: usize = 7;

/// Finds the route of a path.
pub(crate) fn find(path: &str) -> RouteMatch<'_> {
    let mut segments = [""; SEGMENTS];
    let mut count = 0;
    for segment in path.split('/').skip(1) {
        if count == SEGMENTS {
            return unknown();
        }
        segments[count] = segment;
        count += 1;
    }
    let (route, model, version) = match &segments[..count] {
        ["v2", "health", "live"] => (Route::Live, "", None),
        ["v2", "health", "ready"] => (Route::Ready, "", None),
        ["health"] => (Route::Health, "", None),
        ["metrics"] => (Route::Metrics, "", None),
        ["arms"] => (Route::Arms, "", None),
        ["feedback"] => (Route::Feedback, "", None),
        ["v2"] => (Route::Server, "", None),
        ["v2", "models", "stats"] => (Route::AllStats, "", None),
        ["v2", "repository", "index"] => (Route::Index, "", None),
        ["v2", "repository", "models", model, "load"] => (Route::Load, *model, None),
        ["v2", "repository", "models", model, "unload"] => (Route::Unload, *model, None),
        ["v2", "models", model, "versions", version, rest @ ..] => {
            (of_model(rest), *model, Some(*version))
        }
        ["v2", "models", model, rest @ ..] => (of_model(rest), *model, None),
        _ => (Route::Unknown, "", None),
    };
    match (route, percent_decoded(model), version.map(percent_decoded)) {
        (Route::Unknown, _, _) | (_, None, _) | (_, _, Some(None)) => unknown(),
        (route, Some(model), version) => RouteMatch {
            route,
            model,
            version: version.flatten(),
        },
    }
}

fn of_model(rest: &[&str]) -> Route {
    match rest {
        [] => Route::Model,
        ["infer"] => Route::Infer,
        ["ready"] => Route::ModelReady,
        ["config"] => Route::ModelConfig,
        ["stats"] => Route::ModelStats,
        _ => Route::Unknown,
    }
}

fn unknown<'p>() -> RouteMatch<'p> {
    RouteMatch::of(Route::Unknown)
}

/// Decodes `%41`; none where that is broken or not UTF-8.
pub fn percent_decoded(segment: &str) -> Option<Cow<'_, str>> {
    if !segment.contains('%') {
        return Some(Cow::Borrowed(segment));
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        rest = after;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(digits[0])? * 16 + digit(digits[1])?) as u8);
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> (Route, String, Option<String>) {
        let found = find(path);
        let version = found.version.map(Cow::into_owned);
        (found.route, found.model.into_owned(), version)
    }

    #[test]
    fn paths_name_routes() {
        let nlp = || "nlp".to_owned();
        assert_eq!(found("/v2").0, Route::Server);
        assert_eq!(found("/v2/models/nlp"), (Route::Model, nlp(), None));
        let versioned = found("/v2/models/nlp/versions/1/infer");
        assert_eq!(versioned, (Route::Infer, nlp(), Some("1".to_owned())));
        assert_eq!(found("/v2/models/a%20b/infer").1, "a b");
        assert_eq!(found("/v2/models/stats").0, Route::AllStats);
    }

    #[test]
    fn others_name_none() {
        for path in [
            "/",
            "",
            "*",
            "/v2/",
            "/V2",
            "//v2",
            "/v2/models",
            "/v2/models/a/infer/",
            "/v2/models/%zz/infer",
            "/v2/models/%ff/infer",
            "/v2/models/%4",
            "/a/b/c/d/e/f/g/h",
            "/v2/models/../health/live",
        ] {
            assert_eq!(found(path).0, Route::Unknown, "{path}");
        }
    }
}
