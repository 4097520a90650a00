//! Any input as a photo. `cargo +nightly fuzz run photo`.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::photo(bytes));
