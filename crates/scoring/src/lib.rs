//! Requests to a model and its answers, from memory: no path, no stream, no process-wide state.
//!
//! A task implements [`Score`] for its loaded model. Batch prediction, a server and a stream of messages
//! turn what they read into requests and what comes back into rows or bodies, so that every way to an
//! answer gives the same bits.
//!
//! Names no other crate of this workspace.

#![deny(missing_docs)]

pub mod cv;
pub mod nlp;
pub mod recsys;
pub mod ts;

/// A loaded model that answers requests. It is shared between threads and does not change.
pub trait Score: Send + Sync {
    /// What is asked.
    type Request<'a>;
    /// The answer, which may borrow names from the model.
    type Answer<'m>
    where
        Self: 'm;
    /// Buffers that a thread keeps from one call to the next. They change no answer.
    type Scratch: Default + Send;

    /// One answer a request, in order. Each depends on its own request alone; several are given at once
    /// because some models share work between them.
    ///
    /// # Errors
    /// A request that cannot be answered is refused by itself.
    fn score<'m>(
        &'m self,
        requests: &[Self::Request<'_>],
        scratch: &mut Self::Scratch,
    ) -> Vec<Result<Self::Answer<'m>, Refusal>>;
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// What kind of fault it is.
    pub kind: RefusalKind,
    /// What is wrong, in words for the person who asked.
    pub reason: String,
}

/// Kinds of [`Refusal`]: a server answers each with a status of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Something that is needed is absent or empty.
    Missing,
    /// A series, a user or an item that the model does not know.
    Unknown,
    /// Something is there that cannot be used.
    Invalid,
}

impl Refusal {
    /// Something that is needed is absent or empty.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Missing, reason)
    }

    /// A name that the model does not know.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Unknown, reason)
    }

    /// Something that cannot be used.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, reason)
    }

    fn new(kind: RefusalKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }
}
