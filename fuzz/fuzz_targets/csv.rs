//! Any bytes as a CSV file, row by row and in blocks: rows or an error, never a crash.
//! `cargo +nightly fuzz run csv`.
#![no_main]

use tables::blocks::Blocks;
use tables::{Compression, Format, Row, open_as};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let input = || Box::new(std::io::Cursor::new(bytes.to_vec()));
    if let Ok(mut source) = open_as(input(), "fuzz", Format::Csv, Compression::None) {
        let mut row = Row::new();
        while source.read(&mut row).unwrap_or_else(|error| error.is_record()) {}
    }
    if let Ok(mut blocks) = Blocks::open_as(input(), "fuzz", Format::Csv, Compression::None) {
        while let Ok(Some(piece)) = blocks.next_piece() {
            let _ = piece.parse(blocks.head());
        }
    }
});
