//! Describes the columns of any table: one pass, any size, bounded memory.
//!
//! [`scan`] reads a table in blocks that are processed in parallel and merged in order, so that the
//! result depends only on the table, not on the number of threads. A [`Watch`] observes the pass,
//! as rules on the data do. [`summary`] computes the displayed figures. Of the parts, `group` finds
//! the distinct values of a block, `value` classifies them, and `column` accumulates them.

mod column;
mod group;
mod scan;
pub mod summary;
mod value;

pub use column::{Column, Example, Numbers};
pub use group::{Group, Groups};
pub use scan::{BAD_SHOWN, Columns, ScanError, Table, Want, Watch, scan};
pub use value::{
    CLASSES, Class, Value, spell_time, understand, understand_with, understand_word, whole,
};
