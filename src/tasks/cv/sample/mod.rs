//! Sample photos.

pub mod photo;
