//! When did a series change its level? For the errors of forecasts, the share of hits, or any other
//! number that arrives in order.
//!
//! [`PageHinkley`] watches a stream value by value, in constant memory; [`change_points`] finds the
//! changes of a series that is known as a whole, and says where they are more precisely. Both have a
//! false-alarm rate as their parameter. To watch the spread of errors, pass their absolute values.

mod page_hinkley;
mod segments;
mod student;

pub use page_hinkley::{Change, Direction, PageHinkley, PageHinkleyOptions};
pub use segments::{ChangePoint, SegmentOptions, change_points};
