//! Any bytes as a photo: an answer or an error, never a crash. `cargo +nightly fuzz run photo`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = images::Decoder::new().decode(bytes);
});
