//! Any input as a dvc.lock. `cargo +nightly fuzz run lock`.
#![no_main]

#[path = "../../tests/fuzzed/mod.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|text: &str| fuzzed::lock(text));
