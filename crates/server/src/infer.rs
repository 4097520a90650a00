//! `POST /v2/models/NAME/infer`: read, admit, answer. Small requests of cheap models are answered on the
//! I/O thread; all others on the pool, so that a request never waits behind another's batch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::header::{self, HeaderMap};

use crate::admission::{Reservation, overloaded};
use crate::body::{self, BufferedBody, Encoding, RequestBody};
use crate::fault::{Fault, FaultKind};
use crate::handler::{App, RequestNotes};
use crate::models::Loaded;
use crate::oip::{self, EncodedResponse, ParsedRequest};
use crate::reply::{self, JSON_LENGTH, Reply};

/// The header with a deadline in milliseconds.
const TIMEOUT: &str = "x-request-timeout-ms";

/// What the head of a request says, and the model that answers it.
struct Job {
    app: Arc<App>,
    /// The position of the model's name.
    slot: usize,
    model: Loaded,
    encoding: Encoding,
    json_length: Option<usize>,
    takes_gzip: bool,
    start: Instant,
    deadline: Instant,
}

/// A request that has been let in.
struct Admitted {
    job: Job,
    asked: ParsedRequest,
    rows: usize,
    /// Rows and bytes in flight, given back when the answer is there.
    reservations: (Reservation, Reservation),
}

/// A response's body, and how many rows it answers.
struct Answer {
    written: EncodedResponse,
    is_gzip: bool,
    rows: usize,
}

/// Answers an inference request.
pub(crate) async fn infer(
    app: &Arc<App>,
    headers: &HeaderMap,
    body: &mut RequestBody,
    (slot, model): (usize, Loaded),
    note: &mut RequestNotes,
) -> Result<Reply, Fault> {
    check_type(headers)?;
    let job = Job::new(app, headers, (slot, model), note.start)?;
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
        true => {
            let admitted = job.admit(buffered)?;
            match admitted.is_quick() {
                true => admitted.answer()?,
                false => pooled(app, admitted.deadline(), || admitted.answer()).await?,
            }
        }
        false => {
            let deadline = job.deadline;
            pooled(app, deadline, || {
                job.admit(buffered).and_then(Admitted::answer)
            })
            .await?
        }
    };
    note.rows = answer.rows;
    Ok(Reply::written(answer.written, answer.is_gzip))
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
    fn new(
        app: &Arc<App>,
        headers: &HeaderMap,
        (slot, model): (usize, Loaded),
        start: Instant,
    ) -> Result<Self, Fault> {
        Ok(Self {
            app: Arc::clone(app),
            slot,
            model,
            encoding: Encoding::of(headers)?,
            json_length: number(headers, JSON_LENGTH.as_str())?,
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
    fn guard<T>(&self, run: impl FnOnce() -> T) -> Result<T, Fault> {
        catch_unwind(AssertUnwindSafe(run)).map_err(|_| {
            self.app.models.slots()[self.slot].counts.count_panic();
            Fault::new(FaultKind::Internal, "the model failed on this request")
        })
    }

    /// Reads the body and lets the request in, if there is room.
    fn admit(self, body: BufferedBody) -> Result<Admitted, Fault> {
        let limits = &self.app.limits;
        let body = body::unpack(body, self.encoding, limits.unpacked_bytes)?;
        let asked = oip::read(&body.bytes, self.json_length, self.model.metadata())?;
        let rows = self.guard(|| self.model.rows(&asked.request))?;
        if rows > limits.rows {
            let most = limits.rows;
            return Err(Fault::too_large(format!(
                "the request has {rows} rows; at most {most} are allowed"
            )));
        }
        let reservation =
            Reservation::take(&self.app.admission.rows, rows).ok_or_else(overloaded)?;
        Ok(Admitted {
            job: self,
            asked,
            rows,
            reservations: (reservation, body.reservation),
        })
    }
}

impl Admitted {
    /// Whether the I/O thread may answer it.
    fn is_quick(&self) -> bool {
        self.rows <= self.job.app.limits.inline_rows && !self.job.model.is_heavy()
    }

    /// The earliest of the server's deadline, the header's and the body's.
    fn deadline(&self) -> Instant {
        match self.asked.timeout_micros {
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
        let slot = &job.app.models.slots()[job.slot];
        let response = job.guard(|| job.model.infer(&self.asked.request)).flatten();
        let micros = now.elapsed().as_micros() as u64;
        slot.counts.count(self.rows, micros, response.is_ok());
        let response = response?;
        let model = &job.model;
        let mut written = oip::write(
            slot.name(),
            model.version(),
            model.metadata(),
            &self.asked,
            &response,
        )?;
        let is_gzip = job.takes_gzip && written.body.len() >= job.app.limits.gzip_from;
        if is_gzip {
            written.body = body::gzip(&written.body).map_err(|_| {
                Fault::new(FaultKind::Internal, "the response could not be compressed")
            })?;
        }
        drop(self.reservations);
        Ok(Answer {
            written,
            is_gzip,
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
