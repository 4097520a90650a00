//! Any input as a CSV file. `cargo +nightly fuzz run csv`.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::csv(bytes));
