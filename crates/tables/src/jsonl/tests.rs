//! Rows of JSON lines and arrays, their faults, and where reading ends.

use super::super::{Compression, Format, open_as};
use super::*;

fn all(text: &str) -> Result<Vec<Vec<(Kind, String)>>, String> {
    let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
    let mut source =
        open_as(input, "f.jsonl", Format::Jsonl, Compression::None).map_err(|e| e.to_string())?;
    let (mut rows, mut row) = (Vec::new(), Row::new());
    while source.read(&mut row).map_err(|e| e.to_string())? {
        rows.push(
            row.cells()
                .map(|(kind, text)| (kind, text.to_owned()))
                .collect(),
        );
    }
    Ok(rows)
}

#[test]
fn spellings_are_kept_and_order_is_the_first_lines() {
    let rows =
        all("{\"a\":1.0,\"b\":\"x\\ny\"}\n\n{\"b\":{\"c\":[1, 2]},\"a\":null}\n{\"b\":true}")
            .unwrap();
    assert_eq!(
        rows[0],
        [(Kind::Number, "1.0".into()), (Kind::Text, "x\ny".into())]
    );
    assert_eq!(
        rows[1],
        [
            (Kind::Null, "".into()),
            (Kind::Json, "{\"c\":[1, 2]}".into())
        ]
    );
    assert_eq!(
        rows[2],
        [(Kind::Null, "".into()), (Kind::Bool, "true".into())]
    );
}

#[test]
fn what_is_wrong_is_placed() {
    let error = |text: &str| all(text).expect_err("must be refused");
    assert_eq!(all("\n").unwrap(), [[]; 0]);
    assert!(error("{\"a\":1}\n[1]\n").starts_with("f.jsonl:2: not a JSON object"));
    let message = error("{\"a\":1}\n{\"a\":1 2}\n");
    assert!(
        message.starts_with("f.jsonl:2: byte 8: not JSON"),
        "{message}"
    );
    assert!(error("{\"a\":1}\n{\"b\":2}\n").contains("key `b` is not in the first line"));
    assert!(error("{\"a\":1,\"a\":2}\n").contains("key `a` is repeated"));
    assert!(error("{}\n").contains("no keys"));
}

#[test]
fn an_array_is_read_as_lines_are() {
    let expected = all("{\"a\":1,\"b\":\"x\"}\n{\"a\":[2,{}],\"b\":\"]}\\\"\"}").unwrap();
    for text in [
        r#"[{"a":1,"b":"x"},{"a":[2,{}],"b":"]}\""}]"#,
        " [\n  {\n \"a\": 1,\r\n \"b\": \"x\"\n}\n,\n{\"a\":[2,{}],\"b\":\"]}\\\"\"}\n] \n",
    ] {
        assert_eq!(all(text).unwrap(), expected, "{text}");
    }
    assert_eq!(all("[]").unwrap(), [[]; 0]);
}

#[test]
fn what_is_wrong_in_an_array_is_placed() {
    let error = |text: &str| all(text).expect_err("must be refused");
    for (text, expected) in [
        (
            "[{\"a\":1},{\"a\":2}",
            "f.jsonl: row 3: not JSON: the array has no end",
        ),
        ("[", "f.jsonl: row 1: not JSON: the array has no end"),
        (
            "[{\"a\":1}{\"a\":2}]",
            "row 2: not JSON: a comma is missing",
        ),
        ("[{\"a\":1},]", "row 2: not JSON: a comma without a row"),
        ("[{\"a\":1}] x", "row 2: not JSON: text after the end"),
        ("[1, 2]", "row 1: not a JSON object"),
        ("[{\"a\":1},[2]]", "row 2: not a JSON object"),
        (
            "[{\"a\":1},\n{\n\"a\": NaN}]",
            "row 2: byte 8 (a): not JSON: JSON has no `NaN`",
        ),
        ("[{\"a\":1},{\"a\":\"x", "row 2: "),
        ("[{\"a\":1},{\"b\":1}]", "row 2"),
    ] {
        let message = error(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn what_other_programs_write_is_named_with_the_next_step() {
    let error = |text: &str| all(text).expect_err("must be refused");
    for (text, expected) in [
        (
            "{\"a\":1,\"b\":NaN}",
            "f.jsonl:1: byte 12 (b): not JSON: JSON has no `NaN`; write null",
        ),
        (
            "{\"a\":1}\n{\"a\":-Infinity}",
            "f.jsonl:2: byte 7 (a): not JSON: JSON has no `-Infinity`; write null, or a number",
        ),
        ("{\"a\":{\"b\":[1,NaN]}}", "JSON has no `NaN`"),
        ("{\"a\":nan}", "JSON has no `nan`"),
        ("{\"a\":None}", "JSON has no `None`"),
        ("{'a':1}", "double quotes"),
        ("{\n \"a\": 1\n}", "write each object on one line"),
        ("{\"a\":1},\n", "nothing after it"),
        (
            "{\"a\":1,\"b\":\"x\\ud83d\"}",
            "(b): not JSON: `\\ud83d` is half of a surrogate pair",
        ),
        ("{\"b\":\"x\\ud83d\\u0041\"}", "`\\ud83d` is half"),
        ("{\"b\":\"\\udE00y\"}", "`\\udE00` is half"),
        ("{\"\\ud83d\":1}", "`\\ud83d` is half"),
    ] {
        let message = error(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
    assert!(all("{\"a\":\"\\ud83d\\ude00\"}").unwrap()[0][0].1 == "\u{1f600}");
}

/// What `predict --on-error skip` reads: bad records are left out until something ends it.
fn kept(text: &str) -> (usize, Vec<String>) {
    let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
    let mut source = open_as(input, "f.json", Format::Jsonl, Compression::None).unwrap();
    let (mut rows, mut bad, mut row) = (0, Vec::new(), Row::new());
    loop {
        assert!(bad.len() < 10, "it never ends: {bad:?}");
        match source.read(&mut row) {
            Ok(true) => rows += 1,
            Ok(false) => return (rows, bad),
            Err(error) => {
                bad.push(error.to_string());
                if !error.is_record() {
                    return (rows, bad);
                }
            }
        }
    }
}

/// The same fault was reported again and again, without end, where bad rows are skipped.
#[test]
fn an_array_without_a_comma_ends_the_reading() {
    for (text, reason) in [
        (
            "[{\"a\":1}\n{\"a\":2}]",
            "a comma is missing between two rows",
        ),
        ("[{\"a\":1},]", "a comma without a row behind it"),
        ("[{\"a\":1}] x", "text after the end of the array"),
        ("[{\"a\":1},", "the array has no end"),
    ] {
        let (rows, bad) = kept(text);
        assert_eq!((rows, bad.len()), (1, 1), "{text}: {bad:?}");
        assert!(bad[0].contains(reason), "{text}: {bad:?}");
    }
}

/// A bracket that closes nothing made the depth wrap around, so that the rest of the file was one record.
#[test]
fn a_bracket_that_closes_nothing_spoils_its_own_row() {
    let (rows, bad) = kept("[{\"a\":1},x},{\"a\":2}]");
    assert_eq!((rows, bad.len()), (2, 1), "{bad:?}");
}

/// Few keys are compared one by one, many are not.
#[test]
fn a_repeated_key_is_found_among_few_and_among_many() {
    for count in [2, 64, 65, 300] {
        let keys: Vec<String> = (0..count).map(|key| format!("\"k{key}\":1")).collect();
        let whole = format!("{{{}}}", keys.join(","));
        assert_eq!(all(&whole).unwrap()[0].len(), count);
        for repeated in [0, count / 2, count - 1] {
            let twice = format!("{{{},\"k{repeated}\":2}}", keys.join(","));
            let error = all(&twice).unwrap_err();
            assert!(
                error.contains(&format!("`k{repeated}` is repeated")),
                "{error}"
            );
        }
    }
}
