//! The registry of models: names with numbered versions, aliases such as `champion` that point at
//! one version each, and the history of who moved them when and why.
//!
//! The history is the only truth: a log of entries `history/00000001.json`, `history/00000002.json`,
//! ..., each put only if its name is free and each with the SHA-256 of the entry before it. Versions
//! and aliases are what follows from it. Of two writers at once one gets the number; the other reads
//! the new entry and decides again. `head.json` states how many entries there are and the digest of
//! the last. With a [`PrivateKey`](crate::signing::PrivateKey) entries and head are signed.
//!
//! **What a check finds.** An edited, moved, swapped or missing entry, one cut off at the end, a
//! history rewritten with another key. A writer that dies between its entry and the head leaves
//! entries past the head; they are valid if they follow from the one before and, in a signed history,
//! are signed; the next writer moves the head.
//!
//! **What it cannot find.** A whole older copy of the store put in the place of the newer one: every
//! signature in it is right. The last entry cut off together with a head that its writer never
//! moved, or head and entries put back to an earlier state. Only a [`Head`] that was seen later and
//! kept elsewhere tells: give it to [`check`]. Without a key anyone who can write the store can
//! rewrite all of it, and a check finds accidents only. Whoever has the private key can rewrite
//! everything.
//!
//! **Time.** An entry records the clock as its writer saw it, and beside it a time that is never
//! before that of the previous entry. Questions about the past use the latter, so that a clock that
//! jumps back cannot change who was `champion`. A clock that is ahead moves the time of all later
//! entries up to its own, until the others have caught up; [`Registry::ahead_of`] tells.
//!
//! **Privacy.** Entries cannot be changed, so nothing in them may name a user of the product: see
//! [`lineage`](crate::lineage). `who` is the operator or the job that made an entry.

mod access;
mod alias;
mod ancestry;
mod check;
mod condition;
mod describe;
mod entry;
mod error;
mod event;
mod log;
mod models;
mod refusal;
mod registry;
mod seal;
mod snapshot;
mod state;
mod target;
#[cfg(test)]
mod tests;
mod watch;

pub use access::Access;
pub use alias::{Alias, Change};
pub use check::{Report, check};
pub use condition::Condition;
pub use entry::{Entry, Head, Signed};
pub use error::RegistryError;
pub use event::{Direction, Event, Reason};
pub use refusal::Refusal;
pub use registry::Registry;
pub use seal::Seal;
pub(crate) use snapshot::snapshot;
pub use state::{Name, State, Version};
pub use target::Target;
pub use watch::Watch;
