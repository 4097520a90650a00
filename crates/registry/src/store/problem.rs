//! What a check finds.

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Something that is wrong with one object of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The object, as a key or the name of a file below the store's folder.
    pub object: String,
    /// What is wrong with it.
    pub flaw: Flaw,
}

impl Problem {
    pub(crate) fn new(object: impl fmt::Display, flaw: Flaw) -> Self {
        let object = object.to_string();
        Self { object, flaw }
    }
}

impl Serialize for Problem {
    /// As `{"object", "flaw", "harmless"}`, where `flaw` is a sentence.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Problem", 3)?;
        fields.serialize_field("object", &self.object)?;
        fields.serialize_field("flaw", &self.flaw.to_string())?;
        fields.serialize_field("harmless", &self.flaw.is_harmless())?;
        fields.end()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.flaw)
    }
}

/// What can be wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Left by a writer that was killed; harmless, and removed by the next writer or a repair.
    #[error("left by a writer that was killed (process {process}); harmless, a repair removes it")]
    Leftover {
        /// The writer's process id.
        process: u32,
    },
    /// Being written by a living process just now.
    #[error("being written by process {process}")]
    InProgress {
        /// The writer's process id.
        process: u32,
    },
    /// Not an object of this store.
    #[error("not part of the store; remove it if you know what it is")]
    Stranger,
    /// Bytes that are not a record of any version.
    #[error("damaged: {reason}; restore it from a backup")]
    Unreadable {
        /// What the parser says.
        reason: String,
    },
    /// The content does not match the digest that was recorded with it.
    #[error("damaged: its content does not match its digest; restore it from a backup")]
    Digest,
    /// Written by a newer version of the program; kept as it is.
    #[error("format {format} of a newer version; use that version to read it")]
    Newer {
        /// The format it states.
        format: u32,
    },
    /// A record under a name that is not its own.
    #[error("under a wrong name; by its content it is `{expected}`")]
    Misnamed {
        /// The name that the content asks for.
        expected: String,
    },
    /// Absent although others need it.
    #[error("missing; {needed_by} needs it; restore it from a backup")]
    Missing {
        /// What refers to it.
        needed_by: String,
    },
    /// An entry that does not follow from the one before.
    #[error(
        "does not follow from the entry before it: one of the two was edited, moved or replaced"
    )]
    Chain,
    /// An entry that could not have been decided on the history before it.
    #[error("contradicts the history before it: {reason}")]
    Contradiction {
        /// The rule that it breaks.
        reason: String,
    },
    /// A missing, unknown or wrong signature.
    #[error("{reason}")]
    Signature {
        /// What is wrong with it.
        reason: String,
    },
    /// The signed head and the entries disagree.
    #[error("{reason}")]
    Head {
        /// How they disagree.
        reason: String,
    },
    /// A model that was erased on purpose, but whose file is still there.
    #[error("erased in the history, but its file is still there; a repair removes it")]
    NotErased,
    /// A model that no version names: its writer died before the entry, or is about to write it.
    #[error("a model that no version names; harmless, used when it is added again")]
    Unnamed,
}

impl Flaw {
    /// Whether the object is harmless as it is: nothing is lost or in doubt.
    pub fn is_harmless(&self) -> bool {
        matches!(
            self,
            Self::Leftover { .. } | Self::InProgress { .. } | Self::Unnamed
        )
    }
}
