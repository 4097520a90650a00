//! Recommendation: takes a user or an item and returns a ranked list of items.
//!
//! Items are numbers here, so that a caller looks up each id once; the scorer translates them.

/// A request for a ranked list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The user or item the list is for.
    pub list: List<'a>,
    /// Maximum number of items in the list.
    pub k: usize,
}

/// The kinds of list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List<'a> {
    /// Items recommended to a user.
    User {
        /// The user's id. A user unknown to the model has no history except `newer`.
        id: &'a str,
        /// Items taken since the model was trained, oldest first.
        newer: &'a [u32],
        /// The only items to choose from, in ascending order; `None` allows all.
        allowed: Option<&'a [u32]>,
        /// Items to leave out, in ascending order.
        denied: &'a [u32],
    },
    /// Items similar to an item.
    Similar {
        /// The item's id.
        id: &'a str,
    },
}

/// A ranked list, the best item first.
pub type Answer<'m> = Vec<Ranked<'m>>;

/// An entry of a ranked list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked<'m> {
    /// The item's id.
    pub item: &'m str,
    /// The score it is ranked by; comparable within one list only.
    pub score: f32,
}
