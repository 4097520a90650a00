//! Any input as a file of rules. `cargo +nightly fuzz run schema`.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|text: &str| fuzzed::schema(text));
