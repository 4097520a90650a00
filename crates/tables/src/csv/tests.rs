//! Tests of the CSV reader.

use proptest::prelude::*;

use super::super::{Compression, Escape, Format, open_as};
use super::*;

fn all(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>, String> {
    let input = Box::new(std::io::Cursor::new(text.to_vec()));
    let mut source =
        open_as(input, "f.csv", Format::Csv, Compression::None).map_err(|e| e.to_string())?;
    let (mut rows, mut row) = (Vec::new(), Row::new());
    while source.read(&mut row).map_err(|e| e.to_string())? {
        rows.push((
            row.line(),
            row.cells().map(|(_, text)| text.to_owned()).collect(),
        ));
    }
    Ok(rows)
}

fn error(text: &str) -> String {
    all(text.as_bytes()).expect_err("must be refused")
}

#[test]
fn without_a_header_columns_are_numbered_and_no_row_is_lost() {
    let reading = super::super::Reading {
        header: false,
        ..super::super::Reading::default()
    };
    let rows = read_as("1,2\n1,2\n3,4", reading).unwrap();
    assert_eq!(rows, [["1", "2"], ["1", "2"], ["3", "4"]]);
    let rows = read_as("sep=;\na;a\n", reading).unwrap();
    assert_eq!(rows, [["a", "a"]]);
    assert!(read_as("", reading).unwrap().is_empty());
    let rows = read_as("a;b\nc;d\n", reading).unwrap();
    assert_eq!(rows, [["a", "b"], ["c", "d"]]);
}

#[test]
fn lines_are_counted_over_quotes_and_blank_lines() {
    let rows = all(b"a,b\r\n1,\"x\ny\"\r\n\r\n\n2,z\n").unwrap();
    assert_eq!(rows[0], (2, vec!["1".to_owned(), "x\ny".to_owned()]));
    assert_eq!(rows[1], (6, vec!["2".to_owned(), "z".to_owned()]));
}

#[test]
fn an_unclosed_quote_is_placed_where_it_was_opened() {
    let expected = "f.csv:3: column 2 (b): a quote opened here is never closed";
    assert!(error("a,b\n1,x\n2,\"y\n3,z\n").starts_with(expected));
    // The row starts on line 2, its second cell on line 3.
    let message = error("a,b\n\"1\n2\",\"y\n3,z");
    assert!(message.starts_with("f.csv:3: column 2 (b)"), "{message}");
    assert!(error("a,\"b").starts_with("f.csv:1: column 2: a quote"));
    // A quote inside a bare cell is an ordinary character.
    assert_eq!(all(b"a,b\n1,5\" disk\n").unwrap()[0].1[1], "5\" disk");
}

/// Two stray quotes used to silently swallow the rows between them: 20 of 40 rows were left.
#[test]
fn text_behind_a_closing_quote_is_refused_where_the_quote_was_opened() {
    let message = error("a,b\n1,x\n2,\"y\n3,z\n4,\"w\n5,v\n");
    let expected = "f.csv:3: column 2 (b): text follows the quote that closes this cell";
    assert!(message.starts_with(expected), "{message}");
    assert!(error("a,b\n\"1\" ,x\n").starts_with("f.csv:2: column 1 (a): text follows"));
    assert!(error("a,\"b\"c\n").starts_with("f.csv:1: column 2: text follows"));
    // Over lines within a row, and far from its start.
    let long = format!("a,b\n\"1\n2\",\"{}\n\"x\n", "y".repeat(1 << 17));
    assert!(error(&long).starts_with("f.csv:3: column 2 (b): text follows"));
    assert_eq!(all(b"a,b\n\"1\"\"2\",\"\"\r\n").unwrap()[0].1, ["1\"2", ""]);
}

#[test]
fn ragged_rows_name_the_first_missing_or_extra_column() {
    assert!(error("a,b\n1\n").starts_with("f.csv:2: column 2 (b): the row ends before"));
    assert!(error("a,b\n1,2,3\n").starts_with("f.csv:2: column 3: the row has 3 columns"));
}

#[test]
fn bad_headers_and_encodings_are_placed() {
    assert_eq!(all(b"").unwrap(), []);
    assert!(
        error("a,a\n").starts_with("f.csv:1: column 2: the header name is also that of column 1")
    );
    assert!(error("a,\n").starts_with("f.csv:1: column 2: the header name is empty"));
    let message = all(b"a,b\n1,x\xffy\n").unwrap_err();
    assert!(
        message.starts_with("f.csv:2: column 2 (b): invalid UTF-8: byte 2"),
        "{message}"
    );
    // Two halves of a character in two cells are not a character.
    assert!(
        all(b"a,b\n\xc3,\xa9\n")
            .unwrap_err()
            .contains("column 1 (a): invalid UTF-8")
    );
    for text in [
        &b"\xff\xfea\0,\0b\0\n\x001\0,\x002\0"[..],
        b"a\0,\0b\0\n\x001\0,\x002\0\n\0",
        b"\0a\0,\0b\0\n\x001\0,\x002\0\n",
    ] {
        let row = ["1", "2"].map(str::to_owned).to_vec();
        assert_eq!(all(text).unwrap(), [(2, row)], "{text:?}");
    }
    // Cyrillic, of which only delimiters and line ends have zeros.
    let cyrillic = b"\x42\x04\x35\x04,\0\x3c\x04\r\0\n\0\x30\x04,\0\x31\x04\n\0";
    assert_eq!(all(cyrillic).unwrap()[0].1, ["\u{430}", "\u{431}"]);
    let message = all(b"\xff\xfe\0\0a\0\0\0").unwrap_err();
    assert!(message.contains("is UTF-32LE text"), "{message}");
    // Half of a character, on its line.
    let message = all(b"\xff\xfea\0\n\0x\0\0\xd8y\0\n\0").unwrap_err();
    assert!(
        message.starts_with("f.csv:2: column 1 (a): bytes that are invalid"),
        "{message}"
    );
    assert_eq!(all(b"a,b\nx\0y\0,1\n").unwrap().len(), 1);
    assert_eq!(all(b"\xef\xbb\xbfa\n1\n").unwrap().len(), 1);
}

#[test]
fn a_repeated_header_line_is_refused_with_its_line() {
    for again in ["a,b", "\"a\",\"b\"", "\u{feff}a,b", "\u{feff}\"a\",\"b\""] {
        let message = error(&format!("a,b\n1,2\n{again}\n3,4\n"));
        assert_eq!(message, "f.csv:3: the header line is repeated; remove it");
    }
    assert_eq!(all(b"a,b\na,c\nb,a\n").unwrap().len(), 2);
}

#[test]
fn line_ends_are_counted_however_they_are_written() {
    // Line ends of old Macs, also in quoted texts.
    let rows = all(b"a,b\r1,\"x\ry\"\r\r2,z\r").unwrap();
    let lines: Vec<u64> = rows.iter().map(|row| row.0).collect();
    assert_eq!(lines, [2, 5]);
    assert!(error("a,b\r1,2\r3\r").starts_with("f.csv:3: column 2 (b)"));
    // Mixed line ends; a carriage return inside a quoted text does not end a line here.
    let rows = all(b"a,b\n1,\"x\ry\"\r2,z\r\n3,z\r\n\r\n4,z").unwrap();
    let lines: Vec<u64> = rows.iter().map(|row| row.0).collect();
    assert_eq!(lines, [2, 3, 4, 6]);
}

#[test]
fn other_delimiters_are_named_with_the_next_step() {
    let comma = super::super::Reading {
        delimiter: ",".parse().ok(),
        ..super::super::Reading::default()
    };
    let error = |text: &str| read_as(text, comma).expect_err("must be refused");
    let message = error("a;b\n1;2\n");
    assert!(
        message.starts_with("f.csv:1: columns are separated by `;`, expected a comma; set"),
        "{message}"
    );
    assert!(error("a\tb\n").ends_with("name the file .tsv"));
    assert!(error("a|b\n1|2").contains("`|`"));
    // Where nothing was said, what is clear is taken, and what is in doubt refused.
    assert_eq!(all(b"a;b\n1;2\n").unwrap()[0].1, ["1", "2"]);
    let message = all(b"a;b|c\n1;2|3\n").unwrap_err();
    assert!(message.contains("separated by `;`"), "{message}");
    // A name may contain such a character.
    assert_eq!(all(b"a|b\n1\n").unwrap().len(), 1);
    assert_eq!(all(b"a;b,c\n1,2\n").unwrap().len(), 1);
    // Excel's first line declares it.
    let rows = all(b"sep=;\r\na;b\r\n1,5;2\r\n").unwrap();
    assert_eq!(rows, [(3, vec!["1,5".to_owned(), "2".to_owned()])]);
    assert_eq!(all(b"SEP=,\na,b\n1,2\n").unwrap()[0].0, 3);
}

fn read_as(text: &str, reading: super::super::Reading) -> Result<Vec<Vec<String>>, String> {
    let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
    let compression = Compression::None;
    let mut source = super::super::open_as_with(input, "f.csv", Format::Csv, compression, reading)
        .map_err(|e| e.to_string())?;
    let (mut rows, mut row) = (Vec::new(), Row::new());
    while source.read(&mut row).map_err(|e| e.to_string())? {
        rows.push(row.cells().map(|(_, text)| text.to_owned()).collect());
    }
    Ok(rows)
}

#[test]
fn other_quotes_and_escapes_are_read_as_asked_for() {
    let reading = |delimiter: &str, quote: &str, escape: &str| super::super::Reading {
        delimiter: delimiter.parse().ok(),
        quote: quote.parse().unwrap(),
        escape: escape.parse().unwrap(),
        ..super::super::Reading::default()
    };
    let backslash = reading(",", "\"", "backslash");
    let rows = read_as("a,b\n\"5\\\" disk, C:\\new\\\\\",\"x\ny\"\n", backslash).unwrap();
    assert_eq!(rows, [["5\" disk, C:\\new\\", "x\ny"]]);
    let doubled = read_as("a,b\n\"5\"\" disk\",x\n", backslash).unwrap_err();
    assert!(doubled.contains("text follows the quote"), "{doubled}");
    let none = reading(",", "none", "doubled");
    assert_eq!(read_as("a,b\n\"x,5\"\n", none).unwrap(), [["\"x", "5\""]]);
    let single = reading(";", "'", "doubled");
    let rows = read_as("a;b\n'it''s; \"fine\"';2\n", single).unwrap();
    assert_eq!(rows, [["it's; \"fine\"", "2"]]);
}

#[test]
fn a_record_without_end_is_refused_in_bounded_memory() {
    let endless = format!("a,b\n1,\"{}", "x".repeat(MAX_RECORD + 10));
    assert!(error(&endless).starts_with("f.csv:2: a record longer than 16 MiB"));
}

proptest! {
    /// Text written by another program with other characters comes back.
    #[test]
    fn every_text_comes_back_from_other_quotes_and_escapes(
        cells in prop::collection::vec("[a'\";|,\\\\\n\r]{0,6}", 2..9),
        delimiter in prop::sample::select(vec![';', '|', ',']),
        quote in prop::sample::select(vec!['\'', '"']),
        backslash in any::<bool>(),
    ) {
        let quoted = |cell: &String| {
            let text = match backslash {
                true => cell.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
                false => cell.replace(quote, &format!("{quote}{quote}")),
            };
            format!("{quote}{text}{quote}")
        };
        let line = |cells: &[String]| {
            cells.iter().map(quoted).collect::<Vec<_>>().join(&delimiter.to_string()) + "\n"
        };
        let names: Vec<String> = (0..cells.len()).map(|i| format!("n{i}")).collect();
        let reading = super::super::Reading {
            delimiter: delimiter.to_string().parse().ok(),
            quote: quote.to_string().parse().unwrap(),
            escape: match backslash {
                true => Escape::Backslash,
                false => Escape::Doubled,
            },
            ..super::super::Reading::default()
        };
        let rows = read_as(&(line(&names) + &line(&cells)), reading).unwrap();
        prop_assert_eq!(rows, vec![cells]);
    }

    #[test]
    fn reads_what_the_csv_crate_reads(soup in "[ab\",\n\r]{0,40}") {
        let text = format!("h1,h2\n{soup}");
        // Nothing is between a cell's closing quote and its end.
        let strict = regex::Regex::new(
            r#"^((("([^"]|"")*")|([^",\n\r][^,\n\r]*))?[,\n\r])*(("([^"]|"")*")|([^",\n\r][^,\n\r]*))?$"#,
        ).unwrap();
        let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> = reader
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .collect();
        match all(text.as_bytes()) {
            Ok(rows) => {
                prop_assert!(strict.is_match(&soup));
                let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
                prop_assert_eq!(rows, expected);
            }
            Err(message) if message.contains("text follows") => {
                prop_assert!(!strict.is_match(&soup), "{message}");
            }
            Err(message) if message.contains("never closed") => {
                // One more quote then closes it: the csv crate sees the same number of rows.
                let mut reader = ::csv::ReaderBuilder::new().flexible(true).has_headers(false)
                    .from_reader(std::io::Cursor::new(format!("{text}\"\nz\n")));
                prop_assert_eq!(reader.records().count(), expected.len() + 2);
            }
            Err(_) => prop_assert!(expected.iter().any(|row| row.len() != 2)),
        }
    }
}
