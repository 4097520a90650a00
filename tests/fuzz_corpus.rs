//! What the fuzzer starts from, through the same entry point: an answer or an error.

use std::path::Path;

use easylife::pipeline::validate::Schema;
use images::Decoder;
use tables::blocks::Blocks;
use tables::{Compression, Format, Row, open_as};

/// Files of a corpus by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Good rows and what is wrong with the others; the error where reading ends.
type Read = Result<(Vec<Vec<String>>, Vec<String>), String>;

fn row_by_row(bytes: &[u8], format: Format) -> Read {
    let input = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let mut source = open_as(input, "f", format, Compression::None).map_err(|e| e.to_string())?;
    let (mut rows, mut bad, mut row) = (Vec::new(), Vec::new(), Row::new());
    loop {
        match source.read(&mut row) {
            Ok(true) => rows.push(row.cells().map(|(_, text)| text.to_owned()).collect()),
            Ok(false) => return Ok((rows, bad)),
            Err(error) if error.is_record() => bad.push(error.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn in_blocks(bytes: &[u8], format: Format) -> Read {
    let input = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let mut blocks =
        Blocks::open_as(input, "f", format, Compression::None).map_err(|e| e.to_string())?;
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    while let Some(piece) = blocks.next_piece().map_err(|e| e.to_string())? {
        let block = piece.parse(blocks.head());
        let cells = |row| {
            (0..block.width())
                .map(|column| block.text(row, column).to_owned())
                .collect()
        };
        rows.extend((0..block.rows()).map(cells));
        bad.extend(block.bad().iter().map(ToString::to_string));
    }
    Ok((rows, bad))
}

#[test]
fn the_corpora_of_tables_are_read_the_same_in_both_ways() {
    for (target, format) in [("csv", Format::Csv), ("jsonl", Format::Jsonl)] {
        let files = corpus(target);
        assert!(files.len() >= 10, "{target}: {} files", files.len());
        for (name, bytes) in files {
            let (by_rows, by_blocks) = (row_by_row(&bytes, format), in_blocks(&bytes, format));
            if name.starts_with("nul.") {
                // Blocks have no room for NUL bytes; `predict` lets them through.
                assert!(by_blocks.unwrap().1[0].contains("NUL"), "{name}");
            } else {
                assert_eq!(by_rows, by_blocks, "{name}");
            }
        }
    }
}

#[test]
fn the_corpus_of_rules_is_answered() {
    for (name, text) in corpus("schema") {
        let text = String::from_utf8(text).unwrap();
        let result = Schema::parse(Path::new("f.yaml"), &text, &["duplicates"]);
        match name.as_str() {
            "full.yaml" | "huge.yaml" => assert!(result.is_ok(), "{name}: {result:?}"),
            _ => {
                let message = result.expect_err(&name).to_string();
                assert!(message.starts_with("f.yaml"), "{name}: {message}");
            }
        }
    }
}

#[test]
fn the_corpus_of_photos_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/photo");
    let mut answered = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bad = ["cut.jpg", "huge.jpg", "text.jpg", "empty.jpg"].contains(&name.as_str());
        let result = Decoder::new().decode(&std::fs::read(&path).unwrap());
        assert_eq!(result.is_err(), bad, "{name}: {result:?}");
        if let Ok(gray) = result {
            assert_eq!((gray.width, gray.height), (32, 24), "{name}");
            answered += 1;
        }
    }
    assert!(answered >= 10, "{answered} photos in the corpus");
}
