//! The result of a verb: text for people, JSON for programs.

pub mod number;
pub mod table;

use std::fmt::Display;

use serde::Serialize;

/// The result of a verb: shown on stdout, as text or (`--json`) as one JSON object.
pub trait Outcome: Display {
    fn json(&self) -> serde_json::Result<String>;
}

impl<T: Display + Serialize> Outcome for T {
    fn json(&self) -> serde_json::Result<String> {
        number::json(self)
    }
}
