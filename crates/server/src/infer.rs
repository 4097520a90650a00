//! Inference, by the protocol or by a dialect: read, admit, answer. Small requests of cheap models are answered on the
//! I/O thread; all others on the pool, so that a request never waits behind another's batch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;

use crate::admission::{Reservation, overloaded};
use crate::arms::{ArmChoice, Chosen};
use crate::body::{self, BufferedBody, Encoding, RequestBody};
use crate::dialect::{Call, Page, Step, Write};
use crate::fault::{Fault, FaultKind};
use crate::handler::{App, RequestNotes};
use crate::model::InferRequest;
use crate::models::Target;
use crate::oip::{self, ParsedRequest};
use crate::record::Record;
use crate::reply::{self, JSON_LENGTH, Reply};

/// The header with a deadline in milliseconds.
const TIMEOUT: &str = "x-request-timeout-ms";

/// How a request is to be read.
pub(crate) enum Protocol {
    /// The Open Inference Protocol.
    Oip(OipRequest),
    /// A route of the application.
    Dialect(DialectRequest),
}

/// What the head of a request of the Open Inference Protocol says.
pub(crate) struct OipRequest {
    target: Target,
    /// Whether it names the version, so that no other arm may answer.
    is_pinned: bool,
    /// How many bytes of the body are JSON.
    json_length: Option<usize>,
}

impl Protocol {
    /// A request of the protocol to a model.
    pub(crate) fn oip(headers: &HeaderMap, target: Target, is_pinned: bool) -> Result<Self, Fault> {
        check_type(headers)?;
        Ok(Self::Oip(OipRequest {
            target,
            is_pinned,
            json_length: number(headers, JSON_LENGTH.as_str())?,
        }))
    }
}

/// What the head of a request on a route of the application says.
pub(crate) struct DialectRequest {
    pub(crate) route: usize,
    method: &'static str,
    names: Vec<String>,
    query: String,
    content_type: Option<String>,
    accept: Option<String>,
    scope: Option<Arc<str>>,
}

impl DialectRequest {
    /// On the route at a position, with the variable segments of its path.
    pub(crate) fn new(
        head: &Parts,
        route: usize,
        method: &'static str,
        names: Vec<String>,
        scope: Option<Arc<str>>,
    ) -> Self {
        let text = |name| {
            let value = head.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        Self {
            route,
            method,
            names,
            query: head.uri.query().unwrap_or("").to_owned(),
            content_type: text(header::CONTENT_TYPE),
            accept: text(header::ACCEPT),
            scope,
        }
    }
}

/// What the head of a request says.
struct Job {
    app: Arc<App>,
    id: HeaderValue,
    arm: ArmChoice,
    encoding: Encoding,
    takes_gzip: bool,
    start: Instant,
    deadline: Instant,
}

/// A request, and the form of its answer.
enum Asked {
    Oip(ParsedRequest),
    Dialect(InferRequest, Write),
}

impl Asked {
    fn request(&self) -> &InferRequest {
        match self {
            Self::Oip(asked) => &asked.request,
            Self::Dialect(request, _) => request,
        }
    }
}

/// What became of a request that was read.
enum Read {
    Admitted(Box<Admitted>),
    /// A response that needs no model.
    Reply(Page),
}

/// A request that has been let in.
struct Admitted {
    job: Job,
    chosen: Chosen,
    asked: Asked,
    rows: usize,
    /// Rows and bytes in flight, given back when the answer is there.
    reservations: (Reservation, Reservation),
}

/// A response, the model that gave it, and how many rows it answers.
struct Answer {
    reply: Reply,
    target: Option<Target>,
    rows: usize,
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        Self {
            reply: Reply::page(page),
            target: None,
            rows: 0,
        }
    }
}

/// Answers an inference request.
pub(crate) async fn infer(
    app: &Arc<App>,
    headers: &HeaderMap,
    body: &mut RequestBody,
    protocol: Protocol,
    note: &mut RequestNotes,
) -> Result<Reply, Fault> {
    let job = Job::new(app, headers, note)?;
    let limits = &app.limits;
    if body.is_larger(limits.inline_bytes)
        && !body.is_larger(limits.body_bytes)
        && app.admission.pool.is_full()
    {
        // Keeping a body that has no prospects would take time from those that run.
        body.discard(app).await;
        return Err(overloaded());
    }
    let buffered = body.read(app).await?;
    note.bytes_in = buffered.bytes.len();
    let is_small = buffered.bytes.len() <= limits.inline_bytes && job.encoding == Encoding::Plain;
    let answer = match is_small {
        true => match job.read_guarded(protocol, buffered)? {
            Read::Reply(page) => page.into(),
            Read::Admitted(admitted) if admitted.is_quick() => admitted.answer()?,
            Read::Admitted(admitted) => {
                pooled(app, admitted.deadline(), || admitted.answer()).await?
            }
        },
        false => {
            let deadline = job.deadline;
            pooled(app, deadline, || match job.read(protocol, buffered)? {
                Read::Reply(page) => Ok(page.into()),
                Read::Admitted(admitted) => admitted.answer(),
            })
            .await?
        }
    };
    note.rows = answer.rows;
    note.model = answer.target.or(note.model.take());
    Ok(answer.reply)
}

/// Runs work on the pool, and stops waiting for it at the deadline.
async fn pooled(
    app: &App,
    deadline: Instant,
    work: impl FnOnce() -> Result<Answer, Fault> + Send + 'static,
) -> Result<Answer, Fault> {
    let answer = app.admission.pool.run(work);
    match tokio::time::timeout_at(deadline.into(), answer).await {
        Ok(answer) => answer?,
        Err(_) => Err(late()),
    }
}

fn late() -> Fault {
    Fault::new(
        FaultKind::Deadline,
        "the deadline of the request has passed",
    )
}

impl Job {
    fn new(app: &Arc<App>, headers: &HeaderMap, note: &RequestNotes) -> Result<Self, Fault> {
        let start = note.start;
        Ok(Self {
            app: Arc::clone(app),
            id: note.id.clone(),
            arm: app.arms.choice(headers)?,
            encoding: Encoding::of(headers)?,
            takes_gzip: reply::takes_gzip(headers),
            start,
            deadline: match number(headers, TIMEOUT)? {
                Some(millis) => {
                    let limit = app.limits.request;
                    start + limit.min(Duration::from_millis(millis as u64))
                }
                None => start + app.limits.request,
            },
        })
    }

    /// Runs code of the model; a panic in it costs this request only.
    fn guard<T>(&self, slot: usize, run: impl FnOnce() -> T) -> Result<T, Fault> {
        catch_unwind(AssertUnwindSafe(run)).map_err(|_| {
            self.app.models.slots()[slot].counts.count_panic();
            Fault::new(FaultKind::Internal, "the model failed on this request")
        })
    }

    /// As [`Job::read`]; a panic in it costs this request only.
    fn read_guarded(self, protocol: Protocol, body: BufferedBody) -> Result<Read, Fault> {
        let read = AssertUnwindSafe(|| self.read(protocol, body));
        catch_unwind(read).unwrap_or_else(|_| {
            let reason = "the request could not be processed";
            Err(Fault::new(FaultKind::Internal, reason))
        })
    }

    /// Reads the body and lets the request in, if there is room.
    fn read(self, protocol: Protocol, body: BufferedBody) -> Result<Read, Fault> {
        let limits = &self.app.limits;
        let body = body::unpack(body, self.encoding, limits.unpacked_bytes)?;
        let (target, is_pinned, asked) = match protocol {
            Protocol::Oip(head) => {
                let target = head.target;
                let asked = oip::read(&body.bytes, head.json_length, target.1.metadata())?;
                (target, head.is_pinned, Asked::Oip(asked))
            }
            Protocol::Dialect(head) => match self.translate(&head, &body.bytes)? {
                Step::Reply(page) => return Ok(Read::Reply(page)),
                Step::Infer(asked) => {
                    let parts = Asked::Dialect(asked.request, asked.write);
                    (asked.target, false, parts)
                }
            },
        };
        let chosen = match is_pinned {
            true => Chosen::itself(target),
            false => self.choose(target, asked.request())?,
        };
        let (slot, model) = &chosen.target;
        let rows = self.guard(*slot, || model.rows(asked.request()))?;
        if rows > limits.rows {
            let most = limits.rows;
            return Err(Fault::too_large(format!(
                "the request has {rows} rows; at most {most} are allowed"
            )));
        }
        let reservation =
            Reservation::take(&self.app.admission.rows, rows).ok_or_else(overloaded)?;
        Ok(Read::Admitted(Box::new(Admitted {
            job: self,
            chosen,
            asked,
            rows,
            reservations: (reservation, body.reservation),
        })))
    }

    /// The arm that answers.
    fn choose(&self, target: Target, request: &InferRequest) -> Result<Chosen, Fault> {
        let (app, id) = (&self.app, self.id.to_str().unwrap_or(""));
        app.arms.choose(&app.models, target, &self.arm, request, id)
    }

    /// Reads the body of a route of the application.
    fn translate(&self, head: &DialectRequest, body: &[u8]) -> Result<Step, Fault> {
        let Some(dialect) = &self.app.dialect else {
            return Err(Fault::unknown("not found"));
        };
        dialect.read(&Call {
            route: head.route,
            method: head.method,
            names: &head.names,
            query: &head.query,
            content_type: head.content_type.as_deref(),
            accept: head.accept.as_deref(),
            body,
            scope: head.scope.as_deref(),
            models: &self.app.models,
        })
    }
}

impl Admitted {
    /// Whether the I/O thread may answer it.
    fn is_quick(&self) -> bool {
        self.rows <= self.job.app.limits.inline_rows && !self.chosen.target.1.is_heavy()
    }

    /// The earliest of the server's deadline, the header's and the body's.
    fn deadline(&self) -> Instant {
        let timeout = match &self.asked {
            Asked::Oip(asked) => asked.timeout_micros,
            Asked::Dialect(..) => None,
        };
        match timeout {
            // A time that cannot be represented is later than any other.
            Some(micros) => match self.job.start.checked_add(Duration::from_micros(micros)) {
                Some(own) => own.min(self.job.deadline),
                None => self.job.deadline,
            },
            None => self.job.deadline,
        }
    }

    fn answer(self) -> Result<Answer, Fault> {
        let job = &self.job;
        let now = Instant::now();
        if now >= self.deadline() {
            return Err(late());
        }
        let (position, model) = &self.chosen.target;
        let (app, main) = (&job.app, self.chosen.main);
        let slot = &app.models.slots()[*position];
        let infer = || model.infer(self.asked.request());
        let response = job.guard(*position, infer).flatten();
        let micros = now.elapsed().as_micros() as u64;
        slot.counts.count(self.rows, micros, response.is_ok());
        let response = response?;
        let (mut reply, request) = match self.asked {
            Asked::Oip(asked) => {
                // An arm answers under the name that was asked.
                let (name, version) = (app.models.slots()[main].name(), model.version());
                let written = oip::write(name, version, model.metadata(), &asked, &response)?;
                (Reply::written(written), asked.request)
            }
            Asked::Dialect(request, write) => {
                let write = || write(&***model, &request, &response);
                (Reply::page(job.guard(*position, write).flatten()?), request)
            }
        };
        drop(self.reservations);
        if let Some(arm) = app.arms.name(main, *position) {
            reply.arm = HeaderValue::from_str(arm).ok();
        }
        let id = job.id.to_str().unwrap_or("");
        if let Some(record) = &app.record {
            record(&Record {
                id,
                model: slot.name(),
                version: model.version(),
                request: &request,
                response: &response,
            });
        }
        if app.arms.wants(&self.chosen) {
            app.arms.answered(&self.chosen, id, request, response);
        }
        Ok(Answer {
            reply: match job.takes_gzip && reply.body.len() >= app.limits.gzip_from {
                true => reply.packed()?,
                false => reply,
            },
            target: Some(self.chosen.target),
            rows: self.rows,
        })
    }
}

/// A body without a type is taken for what the protocol says it is.
fn check_type(headers: &HeaderMap) -> Result<(), Fault> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let text = value.to_str().unwrap_or("");
    let kind = text.split(';').next().unwrap_or("").trim();
    let known = ["application/json", "application/octet-stream"];
    match known.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        true => Ok(()),
        false => Err(Fault::new(
            FaultKind::Unsupported,
            "the content type is not supported; expected application/json or application/octet-stream",
        )),
    }
}

/// A header that holds a whole number.
fn number(headers: &HeaderMap, name: &str) -> Result<Option<usize>, Fault> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("");
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_number => Ok(Some(number)),
        _ => Err(Fault::invalid(format!(
            "the header {name} must be a whole number"
        ))),
    }
}
