//! Verbs that come before training (`init`, `sample`, `validate`, `profile`, `prepare`), and those that
//! run the whole pipeline (`repro`, `status`, `verify`).

mod cv;
mod dvc;
pub mod init;
mod nlp;
pub mod prepare;
pub mod profile;
mod recsys;
pub mod repro;
pub mod sample;
mod split;
pub mod validate;
pub mod verify;

pub use dvc::Selection;
pub use dvc::runner::Options as RunOptions;
pub use dvc::verify::Options as VerifyOptions;
mod ts;
