//! Any input as a file of JSON lines. `cargo +nightly fuzz run jsonl`.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::jsonl(bytes));
