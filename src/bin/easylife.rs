//! The binary: nothing to run yet.

fn main() {}
