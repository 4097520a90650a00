//! Verbs that come before training: `init`, `sample`, `prepare`.

mod cv;
pub mod init;
mod nlp;
pub mod prepare;
pub mod sample;
mod split;
mod ts;
