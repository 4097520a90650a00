//! Blurred-photo detection.
mod lanes;
mod plane;
mod scores;
mod tile;
pub use plane::Plane;
pub use scores::*;
pub use tile::{Sums, TILE};
