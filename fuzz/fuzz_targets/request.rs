//! Any input as the body of an inference request, and as a line of a request log. `cargo +nightly fuzz run request`.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::request(bytes));
