//! Verbs that come before training: `init`, `sample`, `validate`, `profile`, `prepare`.

mod cv;
pub mod init;
mod nlp;
pub mod prepare;
pub mod profile;
mod recsys;
pub mod sample;
mod split;
pub mod validate;
