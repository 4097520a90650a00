//! Requests to a model and its answers, in memory: no paths, no streams, no process-wide state.
//!
//! A task implements [`Score`] for its loaded model. Batch prediction, a server and a stream of
//! messages turn their input into requests and the answers into rows or response bodies, so every
//! route gives the same bits.
//!
//! Depends on no other crate of this workspace.

#![deny(missing_docs)]

pub mod cv;
pub mod nlp;
pub mod recsys;
pub mod tabular;
pub mod ts;

/// A loaded model that answers requests. It is immutable and shared between threads.
///
/// # Examples
/// ```
/// use easylife_scoring::{Refusal, RefusalKind, Score};
///
/// /// Answers a text with its length.
/// struct Length;
///
/// impl Score for Length {
///     type Request<'a> = Option<&'a str>;
///     type Answer<'m> = usize;
///     type Scratch = ();
///
///     fn score(&self, requests: &[Option<&str>], _: &mut ()) -> Vec<Result<usize, Refusal>> {
///         let answer = |text: &Option<&str>| {
///             text.map(str::len).ok_or_else(|| Refusal::missing("the text is missing"))
///         };
///         requests.iter().map(answer).collect()
///     }
/// }
///
/// let answers = Length.score(&[Some("good"), None], &mut ());
/// assert_eq!(answers[0], Ok(4));
/// assert_eq!(answers[1].as_ref().unwrap_err().kind, RefusalKind::Missing);
/// ```
pub trait Score: Send + Sync {
    /// The request type.
    type Request<'a>;
    /// The answer type, which may borrow names from the model.
    type Answer<'m>
    where
        Self: 'm;
    /// Buffers that a thread keeps between calls. They do not affect answers.
    type Scratch: Default + Send;

    /// Returns one answer per request, in order. Each answer depends on its own request only;
    /// several requests are passed at once because some models share work between them.
    ///
    /// # Errors
    /// A request that cannot be answered gets its own [`Refusal`]; the others are still answered.
    fn score<'m>(
        &'m self,
        requests: &[Self::Request<'_>],
        scratch: &mut Self::Scratch,
    ) -> Vec<Result<Self::Answer<'m>, Refusal>>;
}

/// The reason a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The kind of fault.
    pub kind: RefusalKind,
    /// What is wrong, written for the person who sent the request.
    pub reason: String,
}

/// Kinds of [`Refusal`]; a server maps each to its own status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Something required is absent or empty.
    Missing,
    /// A series, user or item unknown to the model.
    Unknown,
    /// A value that cannot be used.
    Invalid,
    /// A sound value that says too little: a photo of one pixel.
    Undecidable,
}

impl Refusal {
    /// Something required is absent or empty.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Missing, reason)
    }

    /// A series, user or item unknown to the model.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Unknown, reason)
    }

    /// A value that cannot be used.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, reason)
    }

    /// A sound value that says too little.
    pub fn undecidable(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Undecidable, reason)
    }

    fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }
}
