//! Any input as a params.yaml. `cargo +nightly fuzz run yaml`.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|text: &str| fuzzed::yaml(text));
