//! Recommendation: a user or an item in, a ranked list of items out.
//!
//! Items are numbers here, so that a caller looks up each id once; the scorer translates.

/// A list that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Whose, or what it is to be like.
    pub list: List<'a>,
    /// Items of it, at most.
    pub k: usize,
}

/// Kinds of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List<'a> {
    /// Items for a user.
    User {
        /// The user's id; one that the model does not know has no history but `newer`.
        id: &'a str,
        /// Items taken since the model was trained, the oldest first.
        newer: &'a [u32],
        /// The only items to choose from, rising; `None`: all.
        allowed: Option<&'a [u32]>,
        /// Items not to be listed, rising.
        denied: &'a [u32],
    },
    /// Items like this one.
    Similar {
        /// The item's id.
        id: &'a str,
    },
}

/// A ranked list, the best item first.
pub type Answer<'m> = Vec<Ranked<'m>>;

/// An item of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked<'m> {
    /// Its id.
    pub item: &'m str,
    /// What it is ranked by; comparable within a list.
    pub score: f32,
}
