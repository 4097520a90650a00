//! Any text as a file of rules: rules or an error with its place, never a crash.
//! `cargo +nightly fuzz run schema`.
#![no_main]

use easylife::pipeline::validate::Schema;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = Schema::parse("fuzz.yaml".as_ref(), text, &["duplicates"]);
});
