//! `easylife prepare nlp`: formats in, the split, and bad input.

mod support;
use std::collections::{HashMap, HashSet};
use std::io::Write;

use support::{Workdir, easy_texts};

/// Rows of a part: all cells.
fn part(dir: &Workdir, name: &str) -> Vec<Vec<String>> {
    let text = dir.read(&format!("data/processed/nlp/{name}.csv"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// All that was prepared but the record of the parameters, which name the source.
fn parts(dir: &Workdir) -> Vec<(String, Vec<u8>)> {
    let mut files = dir.tree("data/processed");
    files.retain(|(name, _)| !name.ends_with("/prepared.json"));
    files
}

#[test]
fn every_format_gives_the_same_parts() {
    let csv = easy_texts(30);
    let expected = {
        let dir = Workdir::with_source("in.csv", &csv);
        dir.ok(&["prepare", "nlp"]);
        parts(&dir)
    };
    let jsonl: String = csv
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(text, label)| format!("{}\n", serde_json::json!({"text": text, "label": label})))
        .collect();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(csv.as_bytes()).unwrap();
    let sources: [(&str, Vec<u8>); 6] = [
        ("in.tsv", csv.replace(',', "\t").into_bytes()),
        ("in.jsonl", jsonl.clone().into_bytes()),
        ("in.csv.gz", gz.finish().unwrap()),
        (
            "in.jsonl.zst",
            zstd::encode_all(jsonl.as_bytes(), 1).unwrap(),
        ),
        ("folder/a.csv", csv.clone().into_bytes()),
        (
            "bom.csv",
            format!("\u{feff}{}", csv.replace('\n', "\r\n")).into_bytes(),
        ),
    ];
    for (name, content) in sources {
        let dir = Workdir::with_source(name, content);
        let source = name.split('/').next().unwrap();
        dir.ok(&["prepare", "nlp", "-S", &format!("nlp.data.source={source}")]);
        assert_eq!(parts(&dir), expected, "{name}");
    }
}

#[test]
fn parquet_in_gives_the_same_parts() {
    // Our own Parquet, made by predict from the same rows.
    let dir = Workdir::trained();
    dir.write("in.csv", easy_texts(30));
    dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", "in.parquet"]);
    dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", "all.csv"]);
    dir.ok(&["prepare", "nlp", "-S", "nlp.data.source=all.csv"]);
    let expected = parts(&dir);
    dir.ok(&["prepare", "nlp", "-S", "nlp.data.source=in.parquet"]);
    assert_eq!(parts(&dir), expected);
}

#[test]
fn equal_texts_are_never_on_both_sides() {
    let mut csv = String::from("text,label\n");
    for i in 0..200 {
        let text = format!("Text number {}", i % 70);
        let text = if i % 3 == 0 {
            text.to_uppercase()
        } else {
            format!("  {text} ")
        };
        csv += &format!("{text},{}\n", if i % 70 < 35 { "a" } else { "b" });
    }
    let dir = Workdir::with_source("in.csv", csv);
    let said = dir.ok(&["prepare", "nlp"]);
    assert!(said.contains("130 repeated texts"), "{said}");
    let key = |row: &Vec<String>| row[0].trim().to_lowercase();
    let train: HashSet<String> = part(&dir, "train").iter().map(key).collect();
    let test: HashSet<String> = part(&dir, "test").iter().map(key).collect();
    assert!(train.is_disjoint(&test));
    assert_eq!(part(&dir, "train").len() + part(&dir, "test").len(), 200);
}

#[test]
fn the_split_is_stratified() {
    let mut csv = String::from("text,label\n");
    for i in 0..500 {
        csv += &format!("text {i},{}\n", if i % 5 == 0 { "rare" } else { "common" });
    }
    let dir = Workdir::with_source("in.csv", csv);
    dir.ok(&["prepare", "nlp"]);
    let mut counts: HashMap<String, usize> = HashMap::new();
    for row in part(&dir, "test") {
        *counts.entry(row[1].clone()).or_default() += 1;
    }
    assert_eq!(counts["rare"], 20);
    assert_eq!(counts["common"], 80);
}

#[test]
fn groups_stay_together() {
    let mut csv = String::from("text,label,customer\n");
    for i in 0..300 {
        csv += &format!("text {i},{},c{}\n", ["a", "b"][i % 2], i / 4);
    }
    let dir = Workdir::with_source("in.csv", csv);
    dir.ok(&["prepare", "nlp", "-S", "nlp.data.group=customer"]);
    let of =
        |name| -> HashSet<String> { part(&dir, name).into_iter().map(|r| r[2].clone()).collect() };
    assert!(of("train").is_disjoint(&of("test")));
    assert!(part(&dir, "test").len() > 30);
}

#[test]
fn a_test_file_of_its_own_wins() {
    let dir = Workdir::with_source("in.csv", easy_texts(20));
    dir.write(
        "test.csv",
        "text,label\nA GOOD and lovely thing number 3,pos\nnever seen,neg\n",
    );
    let said = dir.ok(&["prepare", "nlp", "-S", "nlp.data.test=test.csv"]);
    assert!(said.contains("1 train rows left out"), "{said}");
    assert_eq!(part(&dir, "test").len(), 2);
    assert_eq!(part(&dir, "train").len(), 39);
}

#[test]
fn without_a_test_part_all_rows_are_trained() {
    let dir = Workdir::with_source("in.csv", easy_texts(20));
    dir.ok(&["prepare", "nlp", "-S", "nlp.split.test=0"]);
    assert_eq!(part(&dir, "train").len(), 40);
    assert_eq!(dir.read("data/processed/nlp/test.csv"), "text,label\n");
    dir.ok(&["train", "nlp", "-S", "nlp.split.test=0"]);
    let message = dir.fails(2, &["evaluate", "nlp"]);
    assert!(message.contains("nlp.split.test"), "{message}");
}

#[test]
fn a_label_with_one_row_is_trained_and_named() {
    let dir = Workdir::with_source("in.csv", easy_texts(20) + "the only one,single\n");
    let ran = dir.run(&["prepare", "nlp"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("single"), "{ran:?}");
    assert!(part(&dir, "train").iter().any(|row| row[1] == "single"));
}

/// Each bad input: its name, its bytes, and what the one error must say.
#[test]
fn bad_input_is_one_clear_error() {
    let good = easy_texts(5);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("empty.csv", b"".to_vec(), &["empty.csv", "empty"]),
        (
            "header.csv",
            b"text,label\n".to_vec(),
            &["header.csv", "no rows"],
        ),
        (
            "column.csv",
            b"txet,label\na,x\n".to_vec(),
            &["column.csv", "`text`", "txet"],
        ),
        (
            "ragged.csv",
            b"text,label\na,x\nb,y,z\nc\n".to_vec(),
            &["2 bad rows, the first: ragged.csv:3"],
        ),
        (
            "utf8.csv",
            b"text,label\na,x\nb\xff,y\n".to_vec(),
            &["utf8.csv:3", "text", "UTF-8"],
        ),
        (
            "utf32.csv",
            b"\xff\xfe\0\0t\0\0\0".to_vec(),
            &["utf32.csv", "UTF-32"],
        ),
        (
            "quote.csv",
            b"text,label\na,x\n\"b,y\nc,x\n".to_vec(),
            &["quote.csv:3", "quote"],
        ),
        (
            "label.csv",
            b"text,label\na,x\nb,\n".to_vec(),
            &["label.csv:3", "label"],
        ),
        (
            "bad.jsonl",
            b"{\"text\": \"a\", \"label\": 1}\n{\"text\": \"b\", label: 2}\n".to_vec(),
            &["bad.jsonl:2"],
        ),
        (
            "bad.parquet",
            b"PAR1 this is no parquet PAR1".to_vec(),
            &["bad.parquet"],
        ),
        ("bad.csv.gz", b"not gzip at all".to_vec(), &["bad.csv.gz"]),
    ];
    for (name, content, says) in cases {
        let dir = Workdir::with_source("in.csv", &good);
        dir.ok(&["prepare", "nlp"]);
        let before = dir.tree("data/processed");
        dir.write(name, content);
        let source = format!("nlp.data.source={name}");
        let message = dir.fails(4, &["prepare", "nlp", "-S", &source]);
        for word in says {
            assert!(message.contains(word), "{name}: {message}");
        }
        assert_eq!(
            dir.tree("data/processed"),
            before,
            "{name}: earlier output must stay"
        );
    }
}

#[test]
fn a_text_of_50_mb_is_refused_with_its_line() {
    let long = "word ".repeat(10 << 20);
    for (name, row) in [
        ("bare.csv", format!("{long},x\n")),
        ("quoted.csv", format!("\"{long}\",x\n")),
    ] {
        let dir = Workdir::with_source(name, format!("text,label\nshort,y\n{row}"));
        let message = dir.fails(4, &["prepare", "nlp"]);
        assert!(
            message.contains(&format!("{name}:3")) && message.contains("16 MiB"),
            "{message}"
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    let dir = Workdir::project();
    let message = dir.fails(1, &["prepare", "nlp", "-S", "nlp.data.source=no/such.csv"]);
    assert!(message.contains("no/such.csv"), "{message}");
}

/// Two rows that start with a stray quote made one text of the 19 rows between them, and nothing said so.
#[test]
fn stray_quotes_swallow_no_rows() {
    let rows: Vec<String> = (1..=40)
        .map(|row| {
            let quote = if [9, 29].contains(&row) { "\"" } else { "" };
            let word = if row % 2 == 0 { "good,pos" } else { "poor,neg" };
            format!("{quote}the film {row} was {word}\n")
        })
        .collect();
    for (name, delimiter) in [("mine.csv", ","), ("mine.tsv", "\t")] {
        let text = format!("text,label\n{}", rows.concat()).replace(',', delimiter);
        let dir = Workdir::with_source(name, text);
        // Line 10 opened the cell, on line 30 it goes on behind its end.
        let place = format!("{name}:10: column 1 (text): text follows the quote");
        let message = dir.fails(4, &["prepare", "nlp"]);
        assert!(message.contains(&place), "{message}");
        let ran = dir.run(&["validate", "nlp"]);
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.stdout.contains(&format!("{name}:10")), "{ran:?}");
    }
}
