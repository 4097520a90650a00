//! `easylife registry`: which model has which version and alias, since when and why. Also `keys` and
//! `verify-signature`.
//!
//! The history itself, its chain and its signatures are in `crates/registry`; here is what a version is made of in a
//! project, and how all of it is shown.

mod add;
mod backup;
mod check;
mod keys;
mod lineage;
mod list;
mod log;
#[cfg(feature = "mlflow")]
mod mirror;
mod moves;

pub use add::{Add, Added, add};
pub use backup::{backup, restore};
pub use check::check;
pub use keys::{NewKeys, Verified, new_keys, verify};
pub use lineage::{Lineage, lineage};
pub use list::{list, show};
pub use log::{Asked, at, log};
pub use moves::{Move, promote, retire, rollback, save, unset};
