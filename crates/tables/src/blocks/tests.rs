//! Tests that blocks have the same content as the row-wise reader.

use std::io::Write;

use proptest::prelude::*;

use super::super::{Escape, Reading, open_with};
use super::*;

type Rows = Vec<(u64, Vec<String>)>;

fn by_rows(path: &Path, reading: Reading) -> Result<(Rows, Vec<String>), String> {
    let mut source = open_with(path, reading).map_err(|e| e.to_string())?;
    let (mut rows, mut bad, mut row) = (Vec::new(), Vec::new(), Row::new());
    loop {
        match source.read(&mut row) {
            Ok(true) => rows.push((row.line(), row.cells().map(|c| c.1.to_owned()).collect())),
            Ok(false) => return Ok((rows, bad)),
            Err(error) if error.is_record() => bad.push(error.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn by_blocks(path: &Path, reading: Reading) -> Result<(Rows, Vec<String>), String> {
    let mut blocks = Blocks::open_with(path, reading).map_err(|e| e.to_string())?;
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    while let Some(piece) = blocks.next_piece().map_err(|e| e.to_string())? {
        let block = piece.parse(blocks.head());
        for row in 0..block.rows() {
            let cells = (0..blocks.head().columns.len()).map(|c| block.text(row, c).to_owned());
            rows.push((block.spot(row).line(), cells.collect()));
        }
        bad.extend(block.bad().iter().map(ToString::to_string));
    }
    Ok((rows, bad))
}

fn file(name: &str, text: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn assert_same(text: &[u8]) {
    assert_same_as(text, Reading::default());
}

/// The two readers agree on rows, lines and faults.
fn assert_same_as(text: &[u8], reading: Reading) {
    let (_dir, path) = file("t.csv", text);
    assert_eq!(
        by_blocks(&path, reading),
        by_rows(&path, reading),
        "{reading:?} {:?}",
        String::from_utf8_lossy(text)
    );
}

#[test]
fn pieces_are_cut_between_records() {
    // Quoted line ends, doubled quotes and both kinds of line end, over several pieces.
    let mut text = b"id,text,n\r\n".to_vec();
    for i in 0..60_000 {
        match i % 5 {
            0 => write!(text, "{i},\"line\none, \"\"two\"\"\",{i}\r\n").unwrap(),
            1 => writeln!(text, "{i},5\" disk,").unwrap(),
            2 => writeln!(text, "\n{i},\"\",\"\"\"\"").unwrap(),
            _ => writeln!(text, "{i},plain text of some words,{}", i * 7).unwrap(),
        }
    }
    assert!(text.len() > PIECE);
    assert_same(&text);
}

#[test]
fn what_is_not_plain_has_the_same_meaning() {
    for text in [
        &b"a,b\n1,2"[..],
        b"a,b\n1,2\r",
        b"a,b\n1,2\r3,4\n",
        b"a,b\n\"x\"y,2\n\"q\"\"\",\"\"\n",
        b"a,b\n1\n2,3\n4,5,6\n7,8\n",
        b"a,b\n1,\xff\n2,\xc3,\n3,\xc3\xa9\n",
        b"a,b\n1,\"open\n2,3\n",
        b"a,b\n",
        b"a,b",
        b"",
        b"a\n\"\"\nx\n\n\"\"\n",
        b"\xef\xbb\xbfa,b\n\xef\xbb\xbf1,2\n",
        b"a,b\n1,2\na,b\n\"a\",b\n\xef\xbb\xbfa,b\na,c\n",
        b"a\"b,c\n1,2\n\"a\"\"b\",c\n",
        b"a\"b,c\r1,2\r3\r\r4,5",
        b"a;b\n1;2\n",
        b"sep=;\na;b\n1;2\n3\n",
        b"a,b\n1,2\r3,4\r5\n6\n",
    ] {
        assert_same(text);
    }
}

#[test]
fn a_nul_byte_is_a_bad_record() {
    let (_dir, path) = file("t.csv", b"a,b\n1,2\n3,x\0y\n5,6\n");
    let (rows, bad) = by_blocks(&path, Reading::default()).unwrap();
    assert_eq!(rows.len(), 2);
    assert!(
        bad[0].contains("t.csv:3: column 2 (b): a NUL byte"),
        "{bad:?}"
    );
}

/// Blocks used to call it invalid UTF-8 and to ask for the encoding that was recognised.
#[test]
fn half_a_pair_of_utf16_is_said_to_be_invalid_in_the_files_encoding() {
    let mut text = b"\xff\xfe".to_vec();
    text.extend("a,b\n1,x\n".encode_utf16().flat_map(u16::to_le_bytes));
    text.extend([0x32, 0, 0x2c, 0, 0, 0xd8, 0x0a, 0]); // a lone surrogate
    assert_same(&text);
    let (_dir, path) = file("t.csv", &text);
    let (rows, bad) = by_blocks(&path, Reading::default()).unwrap();
    assert_eq!(rows.len(), 1);
    assert!(
        bad[0].contains("t.csv:3: column 2 (b): bytes that are invalid in the encoding"),
        "{bad:?}"
    );
}

#[test]
fn a_record_without_end_is_refused() {
    let mut text = b"a,b\n1,2\n3,\"".to_vec();
    text.resize(super::super::MAX_RECORD + (2 << 20), b'x');
    let (_dir, path) = file("t.csv", &text);
    let message = by_blocks(&path, Reading::default()).unwrap_err();
    assert!(
        message.contains("t.csv:3: a record longer than 16 MiB"),
        "{message}"
    );
}

#[test]
fn rows_of_other_formats_come_in_blocks_too() {
    let mut text = Vec::new();
    for i in 0..9_000 {
        writeln!(
            text,
            "{{\"a\": {i}, \"b\": {}}}",
            if i % 2 == 0 { "null" } else { "\"x\"" }
        )
        .unwrap();
    }
    let (_dir, path) = file("t.jsonl", &text);
    assert_eq!(
        by_blocks(&path, Reading::default()),
        by_rows(&path, Reading::default())
    );
}

#[test]
fn lines_are_right_behind_carriage_returns_of_an_earlier_piece() {
    let mut text = b"a,b\n".to_vec();
    for i in 0..200_000 {
        let end: &[u8] = if i % 1000 == 7 { b"\r" } else { b"\n" };
        text.extend_from_slice(format!("{i},x").as_bytes());
        text.extend_from_slice(end);
    }
    assert!(text.len() > 2 * PIECE);
    assert_same(&text);
}

/// 16 MiB without a line feed used to be treated as an endless record.
#[test]
fn carriage_returns_alone_end_records_of_a_large_file() {
    for header in ["a,b\r", "a,b\n"] {
        let row = format!("1,{}\r", "x".repeat(1 << 10));
        let text = header.to_owned() + &row.repeat(super::super::MAX_RECORD / row.len() + 1000);
        assert_same(text.as_bytes());
    }
}

proptest! {
    #[test]
    fn any_text_has_one_meaning(soup in "[ab\",\n\r]{0,60}") {
        assert_same(format!("h1,h2\n{soup}").as_bytes());
    }

    #[test]
    fn headers_and_marks_anywhere_have_one_meaning(
        tokens in prop::collection::vec(
            prop::sample::select(vec!["h1,h2", "h1", "\"h1\",h2", "\u{feff}", "\n", "\r", "\r\n", ",", "\"", "a", "sep=;"]),
            0..24,
        ),
        head in prop::sample::select(vec!["h1,h2\n", "h1,h2\r", "sep=;\nh1;h2\n", "h1\n", "\"h1\",h2\r\n"]),
    ) {
        assert_same((head.to_owned() + &tokens.concat()).as_bytes());
    }

    #[test]
    fn any_bytes_have_one_meaning(soup in prop::collection::vec(any::<u8>(), 0..80)) {
        let soup: Vec<u8> = soup.into_iter().filter(|&byte| byte != 0).collect();
        assert_same(&[b"h1,h2\n", &soup[..]].concat());
    }

    /// Whatever the table is said to be written like.
    #[test]
    fn any_way_of_reading_has_one_meaning(
        soup in "[ab,;|\t'\"\\\\\n\r]{0,60}",
        delimiter in prop::sample::select(vec!["", ",", ";", "|", "\t"]),
        quote in prop::sample::select(vec!["\"", "'", "none"]),
        backslash in any::<bool>(),
        header in any::<bool>(),
    ) {
        let reading = Reading {
            delimiter: delimiter.parse().ok(),
            quote: quote.parse().unwrap(),
            escape: if backslash { Escape::Backslash } else { Escape::Doubled },
            header,
            ..Reading::default()
        };
        let between = if delimiter.is_empty() { "," } else { delimiter };
        assert_same_as(format!("h1{between}h2\n{soup}").as_bytes(), reading);
    }
}
