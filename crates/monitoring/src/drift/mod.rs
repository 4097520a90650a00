//! Has a table changed? Every column of a window is compared with a reference, with a false-alarm
//! rate that is a parameter and holds.
//!
//! ```text
//! rows of the reference --NumberSketch / WordSketch--> finish() --> ColumnReference (serde)
//! rows of the window    --Window, on the reference's bins------>    counts
//! compare(columns, options) --> TableDrift: distance, p, q, what moved, alarm or not
//! ```
//!
//! 1. **Bins.** A [`NumberSketch`] or [`WordSketch`] reads the reference once. Its result is a
//!    [`ColumnReference`]: bins that depend on the reference alone, and how many of its rows are in
//!    each. Sketches of parts of a table merge exactly.
//! 2. **Window.** A [`Window`] counts rows on these bins. It does not grow, and merges exactly.
//! 3. **Test.** Without drift, which rows of the two are the window's is chance. So the p-value
//!    redraws window *and* reference, at their own sizes, out of the rows of both (a permutation
//!    test, see [`test_counts`]): exact for any share, however rare, and for a reference of any
//!    size.
//! 4. **Verdict.** Benjamini-Hochberg over the columns, then a floor on the distance
//!    ([`DriftOptions`]). If nothing has changed, the share of windows with an alarm is `alpha`.
//!
//! Texts are also compared by a classifier ([`texts`]), and series, such as the errors of
//! forecasts, by change points ([`changes`]).
//!
//! # What bad input means
//!
//! | input | treatment |
//! |---|---|
//! | missing value | a bin of its own, in the reference and in the window |
//! | NaN, or a word in a column of numbers | a bin of its own, "not a number" |
//! | infinite | counted as far outside of the reference's range |
//! | window without rows | not tested, [`Untested::NoRows`] |
//! | window of one row | tested; few columns can show anything with one row |
//! | column with all values missing | tested: that values arrive is drift |
//! | column with one value, as ever | not tested, [`Untested::Constant`] |
//! | ids, and numbers that count up | no reference: [`LeftOut`] says why |

pub mod changes;
mod compare;
mod label;
mod redraw;
mod reference;
mod sketch;
mod statistic;
mod test;
#[cfg(test)]
mod tests;
pub mod texts;
mod window;

pub use compare::{
    BinShare, ColumnDrift, CompareError, DriftOptions, TableDrift, Untested, compare,
};
pub use label::BinLabel;
pub use reference::{ColumnReference, Kind};
pub use sketch::{LeftOut, MergeError, NumberSketch, WordSketch};
pub use test::{TestOptions, test_counts};
pub use window::{Window, WindowError};
