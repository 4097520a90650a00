//! Verbs that come before training (`init`, `sample`, `validate`, `profile`, `prepare`), and those that
//! run the whole pipeline (`repro`, `status`, `verify`).

mod engine;
pub mod init;
pub mod prepare;
pub mod profile;
pub mod repro;
pub mod sample;
pub(crate) mod split;
pub mod validate;
pub mod verify;

pub use dvc::Selection;
pub use dvc::runner::Options as RunOptions;
pub use dvc::verify::Options as VerifyOptions;
