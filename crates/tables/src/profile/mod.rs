//! What the columns of any table hold: one pass, any size, bounded memory.
//!
//! [`scan`] reads a table in blocks that are worked on side by side and puts them together in their order,
//! so that what comes out follows from the table alone, not from the number of threads. A [`Watch`] looks
//! on, as rules on the data do. [`summary`] makes the figures that a person reads of it. Of its parts,
//! `group` finds the different values of a block, `value` understands them, `column` gathers.

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
