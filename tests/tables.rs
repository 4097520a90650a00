//! Tables as people have them: CSV of other programs, folders, compressed files, empty inputs, Parquet of every
//! type. Each test is a kind of file that was once read wrongly, or refused with words that did not help.
//!
//! The Parquet files are made by `tables/make.py`.

mod support;
use std::io::Write;

use support::Workdir;

/// Texts that are easily told apart, a label each.
fn reviews(rows: std::ops::Range<usize>, delimiter: &str) -> String {
    let row = |i: usize| {
        let (word, label) = [("good", "pos"), ("poor", "neg")][i % 2];
        format!("the film was {word} number {i}{delimiter}{label}\n")
    };
    format!("text{delimiter}label\n") + &rows.map(row).collect::<String>()
}

fn prepare(dir: &Workdir, source: &str) -> Vec<String> {
    let source = format!("nlp.data.source={source}");
    ["prepare", "nlp", "-S", &source]
        .map(|word| dir_word(dir, word))
        .into()
}

/// Fixtures are named by their path in the repository.
fn dir_word(_: &Workdir, word: &str) -> String {
    match word.strip_prefix("nlp.data.source=fixture:") {
        Some(name) => format!("nlp.data.source={}", fixture(name)),
        None => word.to_owned(),
    }
}

fn fixture(name: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    format!("{root}/tests/tables/{name}")
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn prepared(dir: &Workdir, source: &str) -> String {
    dir.ok(&strs(&prepare(dir, source)))
}

fn refused(dir: &Workdir, source: &str) -> String {
    dir.fails(4, &strs(&prepare(dir, source)))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[test]
fn the_header_line_inside_a_file_is_refused_in_every_verb() {
    let dir = Workdir::trained();
    let text = reviews(0..20, ",") + &reviews(20..40, ",");
    dir.write("all.csv", &text);
    dir.write("all.tsv", text.replace(',', "\t"));
    for name in ["all.csv", "all.tsv"] {
        let expected = format!("{name}:22: the header line is repeated; remove it");
        let message = refused(&dir, name);
        assert!(message.contains(&expected), "{message}");
        let source = format!("nlp.data.source={name}");
        let ran = dir.run(&["validate", "nlp", "-S", &source]);
        assert_eq!(ran.code, 4);
        assert!(
            ran.stdout.contains("the header line is repeated"),
            "{ran:?}"
        );
        let message = dir.fails(4, &["predict", "nlp", "-i", name, "-o", "out.csv"]);
        assert!(message.contains(&expected), "{message}");
        let message = dir.fails(4, &["profile", name]);
        assert!(message.contains(&expected), "{message}");
    }
    // In a folder each file has its own, and a row may have one cell of it.
    dir.write("months/1.csv", reviews(0..20, ","));
    dir.write("months/2.csv", reviews(20..40, ",") + "text,pos\n");
    prepared(&dir, "months");
}

#[test]
fn other_quotes_escapes_and_delimiters_are_read_where_they_are_said() {
    let dir = Workdir::trained();
    let mut text = String::from("text;label\n");
    for i in 0..40 {
        let label = ["pos", "neg"][i % 2];
        text += &format!("'it\\'s \"{label}\"; number {i}';{label}\n");
    }
    dir.write("odd.csv", &text);
    let params = dir.read("params.yaml").replace(
        "    source: data/raw/nlp/reviews.csv",
        "    source: odd.csv\n    delimiter: ';'\n    quote: \"'\"\n    escape: backslash\n    #",
    );
    dir.write("params.yaml", params);
    dir.ok(&["validate", "nlp"]);
    dir.ok(&["prepare", "nlp"]);
    let train = dir.read("data/processed/nlp/train.csv");
    assert!(train.contains("\"it's \"\"pos\"\"; number "), "{train}");
    let flags = ["--delimiter", ";", "--quote", "'", "--escape", "backslash"];
    let with = |words: &[&str]| -> Vec<String> {
        words
            .iter()
            .chain(&flags)
            .map(|&word| word.to_owned())
            .collect()
    };
    dir.ok(&strs(&with(&[
        "predict", "nlp", "-i", "odd.csv", "-o", "out.csv",
    ])));
    assert!(
        dir.read("out.csv")
            .contains("\"it's \"\"neg\"\"; number 1\",neg,")
    );
    let said = dir.ok(&strs(&with(&["profile", "odd.csv"])));
    assert!(said.contains("40 rows, 2 columns"), "{said}");
    let message = dir.fails(2, &["prepare", "nlp", "-S", "nlp.data.quote=;"]);
    assert!(message.contains("also the delimiter"), "{message}");
    let message = dir.fails(2, &["prepare", "nlp", "-S", "nlp.data.escape=twice"]);
    assert!(message.contains("escape"), "{message}");
}

#[test]
fn other_delimiters_are_recognised_and_said() {
    let dir = Workdir::trained();
    let text = reviews(0..20, ",");
    dir.write("reviews.csv", &text);
    prepared(&dir, "reviews.csv");
    let train = dir.bytes("data/processed/nlp/train.csv");
    dir.ok(&["predict", "nlp", "-i", "reviews.csv", "-o", "out.csv"]);
    let scored = dir.bytes("out.csv");
    for (delimiter, name) in [(";", "`;`"), ("|", "`|`"), ("\t", "tabs")] {
        let text = reviews(0..20, delimiter);
        dir.write("other.csv", &text);
        prepared(&dir, "other.csv");
        assert_eq!(dir.bytes("data/processed/nlp/train.csv"), train);
        let said = |file: &str| {
            format!("the columns of {file} are separated by {name}; override it with --delimiter")
        };
        let ran = dir.run(&["predict", "nlp", "-i", "other.csv", "-o", "out.csv"]);
        assert!(ran.stderr.contains(&said("other.csv")), "{ran:?}");
        assert_eq!(dir.bytes("out.csv"), scored);
        let ran = dir.pipe(&["predict", "nlp", "-i", "-", "-o", "out.csv"], &text);
        assert!(ran.stderr.contains(&said("stdin")), "{ran:?}");
        assert_eq!(dir.bytes("out.csv"), scored);
        // What was said is not said again.
        let said = [
            "--delimiter",
            if delimiter == "\t" { "tab" } else { delimiter },
        ];
        let predict = ["predict", "nlp", "-i", "other.csv", "-o", "out.csv"];
        let ran = dir.run(&[&predict[..], &said[..]].concat());
        assert!(!ran.stderr.contains("separated"), "{ran:?}");
        assert_eq!(dir.bytes("out.csv"), scored);
    }
    // A folder: each file as it is found.
    dir.write("many/a.csv", reviews(0..10, ";"));
    dir.write("many/b.csv", reviews(10..20, "|"));
    let ran = dir.run(&["predict", "nlp", "-i", "many", "-o", "out.csv"]);
    assert!(
        ran.stderr
            .contains("(and 1 more files of the folder as it is found there)"),
        "{ran:?}"
    );
    assert_eq!(dir.bytes("out.csv"), scored);
}

#[test]
fn other_delimiters_and_encodings_are_named_with_the_next_step() {
    let dir = Workdir::trained();
    for name in ["sales.xlsx", "sales.ods"] {
        dir.write(name, "PK\x03\x04");
        let command = format!("`soffice --headless --convert-to csv {name}`");
        let message = refused(&dir, name);
        assert!(
            message.contains("is a spreadsheet") && message.contains(&command),
            "{message}"
        );
        let message = dir.fails(4, &["predict", "nlp", "-i", name, "-o", "out.csv"]);
        assert!(message.contains(&command), "{message}");
        let message = dir.fails(4, &["init", "x", "--task", "nlp", "--source", name]);
        assert!(message.contains(&command), "{message}");
    }
    // An array is read as its rows on lines are; beside other tables JSON is about them.
    let rows: Vec<String> = (0..20)
        .map(|i| {
            format!(
                "{{\"text\": \"a {} film {i}\", \"label\": {}}}",
                ["bad", "good"][i % 2],
                i % 2
            )
        })
        .collect();
    dir.write("lines.jsonl", rows.join("\n"));
    dir.write("array.json", format!("[\n  {}\n]\n", rows.join(",\n  ")));
    let train = ["lines.jsonl", "array.json"].map(|name| {
        prepared(&dir, name);
        dir.bytes("data/processed/nlp/train.csv")
    });
    assert_eq!(train[0], train[1]);
    dir.write(
        "array.json",
        "[{\"text\": \"a\", \"label\": 1}, {\"text\": NaN, \"label\": 0}]",
    );
    assert!(refused(&dir, "array.json").contains("array.json: row 2: byte 10 (text)"));
    let message = dir.fails(
        2,
        &["predict", "nlp", "-i", "lines.jsonl", "-o", "out.json"],
    );
    assert!(message.contains("end the name in .jsonl"), "{message}");
    dir.write("both/a.csv", reviews(0..20, ","));
    dir.write("both/about.json", "[]");
    assert!(prepared(&dir, "both").contains("16 train and 4 test"));
    dir.write("reviews.tsv", reviews(0..20, ","));
    assert!(refused(&dir, "reviews.tsv").contains("name the file .csv"));
    // Excel says it in the first line.
    dir.write("sep.csv", "sep=;\r\n".to_owned() + &reviews(0..20, ";"));
    assert!(prepared(&dir, "sep.csv").contains("16 train and 4 test"));
    let wide = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        reviews(0..20, ",").encode_utf16().flat_map(order).collect()
    };
    dir.write("le.csv", wide(u16::to_le_bytes));
    dir.write("be.csv", wide(u16::to_be_bytes));
    assert!(prepared(&dir, "le.csv").contains("16 train and 4 test"));
    assert!(prepared(&dir, "be.csv").contains("16 train and 4 test"));
    for (start, expected) in [
        ("PK\x03\x04", "an Excel workbook"),
        ("PAR1", "a Parquet file"),
        ("<!DOCTYPE html><html>", "a web page"),
        ("[{\"text\": \"a\"}]", "JSON"),
    ] {
        dir.write("other.csv", start.to_owned() + "\n" + &reviews(0..20, ","));
        let message = refused(&dir, "other.csv");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn no_control_character_of_a_name_or_a_cell_reaches_a_terminal() {
    let dir = Workdir::trained();
    let name = "te\u{1b}[31mxt\u{9b}";
    dir.write("names.csv", reviews(0..4, ",").replacen("text", name, 1));
    let message = refused(&dir, "names.csv");
    assert!(
        message.contains("te\\u{1b}[31mxt\\u{9b}, label"),
        "{message}"
    );
    let said = dir.ok(&["profile", "names.csv"]);
    assert!(said.contains("te\\u{1b}[31mxt"), "{said}");
    dir.write("keys.jsonl", "{\"text\":\"a\"}\n{\"te\\u001bxt\":\"a\"}\n");
    let out = dir.fails(4, &["predict", "nlp", "-i", "keys.jsonl", "-o", "out.csv"]);
    for text in [message, said, out] {
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\0']), "{text:?}");
    }
}

#[test]
fn lines_that_end_in_carriage_returns_are_counted() {
    let dir = Workdir::trained();
    let text = reviews(0..20, ",") + "a row without a label\n";
    dir.write("mac.csv", text.replace('\n', "\r"));
    let message = refused(&dir, "mac.csv");
    assert!(
        message.contains("mac.csv:22: column 2 (label)"),
        "{message}"
    );
    let ran = dir.run(&["validate", "nlp", "-S", "nlp.data.source=mac.csv"]);
    assert!(ran.stdout.contains("mac.csv:22"), "{ran:?}");
}

#[test]
fn folders_are_read_at_any_depth_and_say_so() {
    let dir = Workdir::trained();
    dir.write("part/a.csv", reviews(0..20, ","));
    dir.write("part/year=2023/b.csv", reviews(20..40, ","));
    dir.write("part/year=2024/c.jsonl", {
        let row = |i| format!("{{\"text\": \"good {i}\", \"label\": \"pos\"}}\n");
        (40..60).map(row).collect::<String>()
    });
    dir.write("part/_SUCCESS", "");
    dir.write(
        "part/.ipynb_checkpoints/a-checkpoint.csv",
        reviews(0..20, ","),
    );
    dir.write("part/_temporary/d.csv", reviews(0..20, ","));
    dir.write("part/empty.csv", "");
    let ran = dir.run(&strs(&prepare(&dir, "part")));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("48 train and 12 test"), "{ran:?}");
    for said in [
        "4 files are read, 2 of them in subfolders",
        "2 files that are hidden",
        "`year=2023` are not read as columns",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
    }
    let ran = dir.run(&["profile", "part"]);
    assert!(ran.stdout.contains("60 rows"), "{ran:?}");
    assert!(ran.stderr.contains("2 of them in subfolders"), "{ran:?}");
    dir.ok(&["predict", "nlp", "-i", "part", "-o", "out.csv"]);
    assert_eq!(dir.read("out.csv").lines().count(), 61);
}

#[test]
fn a_bad_row_is_named_with_its_file_in_a_folder_too() {
    let dir = Workdir::trained();
    dir.write("new/a.jsonl", "{\"text\":\"fine\"}\n");
    dir.write("new/b.jsonl", "{\"text\":\"fine\"}\n{\"text\":null}\n");
    let message = dir.fails(4, &["predict", "nlp", "-i", "new", "-o", "out.csv"]);
    assert!(
        message.contains("new/b.jsonl:2: column `text`: "),
        "{message}"
    );
    let skip = [
        "predict",
        "nlp",
        "-i",
        "new",
        "-o",
        "out.csv",
        "--on-error",
        "skip",
    ];
    assert_eq!(dir.run(&skip).code, 7);
    let rejects = dir.read("out.csv.rejects.csv");
    assert!(
        rejects.starts_with("line,column,reason,file\n2,text,"),
        "{rejects}"
    );
    assert!(rejects.trim_end().ends_with(",new/b.jsonl"), "{rejects}");
    // A row that cannot be read names its column as one that cannot be scored does.
    dir.write("short.csv", "id,text\n1\n");
    assert_eq!(
        dir.run(&[
            "predict",
            "nlp",
            "-i",
            "short.csv",
            "-o",
            "out.csv",
            "--on-error",
            "skip"
        ])
        .code,
        7
    );
    assert!(dir.read("out.csv.rejects.csv").contains("\n2,text,"));
    let ran = dir.run(&[
        "predict",
        "nlp",
        "-i",
        "short.csv",
        "-o",
        "-",
        "--on-error",
        "skip",
    ]);
    assert!(
        ran.stderr
            .contains("skipped short.csv:2: column 2 (text): "),
        "{ran:?}"
    );
}

#[test]
fn compressed_files_are_read_as_gzip_and_zstd_read_them() {
    let dir = Workdir::trained();
    let (first, second) = (reviews(0..20, ","), reviews(20..40, ","));
    let second = second.split_once('\n').unwrap().1;
    let members = [gzip(&first), gzip(second)].concat();
    dir.write("two.csv.gz", &members);
    dir.write("padded.csv.gz", [&members[..], &[0; 512]].concat());
    let frame = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    let skippable = [&b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"[..]].concat();
    dir.write(
        "two.csv.zst",
        [skippable, frame(&first), frame(second)].concat(),
    );
    for name in ["two.csv.gz", "padded.csv.gz", "two.csv.zst"] {
        let said = prepared(&dir, name);
        assert!(said.contains("32 train and 8 test"), "{name}: {said}");
    }
    dir.write("garbage.csv.gz", [&members[..], b"more"].concat());
    dir.write("cut.csv.gz", &members[..members.len() - 9]);
    let zst = frame(&first);
    dir.write("cut.csv.zst", &zst[..zst.len() - 5]);
    dir.write("garbage.csv.zst", [&zst[..], b"garbage"].concat());
    dir.write("plain.csv.gz", &first);
    dir.write("gzip.csv", &members);
    dir.write("zstd.csv.gz", &zst);
    dir.write("twice.csv.gz", {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(&members).unwrap();
        out.finish().unwrap()
    });
    for (name, expected) in [
        ("garbage.csv.gz", "bytes that are not gzip follow the end"),
        ("cut.csv.gz", "the file is truncated"),
        ("cut.csv.zst", "the compressed data cannot be read"),
        ("garbage.csv.zst", "the compressed data cannot be read"),
        ("plain.csv.gz", "remove .gz from its name"),
        ("gzip.csv", "add .gz to its name"),
        ("zstd.csv.gz", "name it .zst, not .gz"),
        ("twice.csv.gz", "it is compressed twice"),
    ] {
        let message = refused(&dir, name);
        assert!(
            message.contains(name) && message.contains(expected),
            "{name}: {message}"
        );
    }
}

#[test]
fn empty_inputs_are_inputs_of_no_rows() {
    let dir = Workdir::trained();
    for (name, content) in [
        ("empty.csv", Vec::new()),
        ("empty.tsv", Vec::new()),
        ("empty.jsonl", Vec::new()),
        ("empty.csv.gz", Vec::new()),
        ("member.csv.gz", gzip("")),
        ("empty.jsonl.zst", Vec::new()),
        ("header.csv", b"id,text\n".to_vec()),
        ("blank.csv", b"\n\n".to_vec()),
        (
            "rows.parquet",
            std::fs::read(fixture("empty.parquet")).unwrap(),
        ),
    ] {
        dir.write(name, content);
        for out in ["out.csv", "out.jsonl", "out.parquet", "out.jsonl.gz"] {
            dir.ok(&["predict", "nlp", "-i", name, "-o", out]);
        }
        assert!(
            dir.read("out.csv")
                .ends_with("text,prediction,probability\n")
                || name == "rows.parquet"
        );
        let said = dir.ok(&["profile", name]);
        assert!(said.contains(&format!("{name}: 0 rows")), "{said}");
        let message = refused(&dir, name);
        assert!(message.contains(name), "{message}");
        // Our own outputs are inputs.
        for out in ["out.csv", "out.jsonl", "out.parquet", "out.jsonl.gz"] {
            dir.ok(&["profile", out]);
        }
    }
    assert!(
        refused(&dir, "empty.csv").contains("is empty; expected a table with columns and rows")
    );
    let ran = dir.pipe(&["predict", "nlp", "-o", "-"], "");
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "text,prediction,probability\n")
    );
}

#[test]
fn json_of_other_programs_is_refused_with_place_cause_and_next_step() {
    let dir = Workdir::trained();
    for (value, expected) in [
        ("NaN", "JSON has no `NaN`; write null"),
        ("-Infinity", "JSON has no `-Infinity`; write null"),
        ("\"x\\ud83d\"", "`\\ud83d` is half of a surrogate pair"),
        ("\"\\ude00 x\"", "`\\ude00` is half of a surrogate pair"),
    ] {
        let text = format!("{{\"id\":1,\"text\":\"fine\"}}\n{{\"id\":2,\"text\":{value}}}\n");
        dir.write("in.jsonl", text);
        let message = dir.fails(4, &["predict", "nlp", "-i", "in.jsonl", "-o", "out.csv"]);
        assert!(message.contains("in.jsonl:2: byte "), "{message}");
        assert!(message.contains("(text)"), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn parquet_columns_that_nothing_uses_are_carried_along() {
    let dir = Workdir::trained();
    let said = prepared(&dir, "fixture:extras.parquet");
    assert!(said.contains("2 classes"), "{said}");
    let input = fixture("extras.parquet");
    dir.ok(&["predict", "nlp", "-i", &input, "-o", "out.jsonl"]);
    let first = dir.read("out.jsonl");
    let first = first.lines().next().unwrap();
    for expected in [
        "\"price\":12.50,",
        "\"huge\":10000000000000000000000000000000000000000000000000,",
        "\"meta\":{\"id\":0,\"tags\":[\"a\",\"b\\n\"]},",
        "\"list\":[0,null],",
        "\"raw\":\"0xff00\",",
        "\"words\":\"plain\",",
        "\"id\":\"00000000-0000-0000-0000-000000000000\",",
        "\"when\":\"2024-01-01T12:00:00Z\",",
        "\"clock\":\"12:30:00\",",
        "\"took\":\"PT1H30M\",",
        "\"half\":0.5,",
        "\"nothing\":null,",
    ] {
        assert!(first.contains(expected), "{expected}: {first}");
    }
    // What our Parquet files have no type for is text in them, and said.
    let ran = dir.run(&["predict", "nlp", "-i", &input, "-o", "out.parquet"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in [
        "`price` is decimal(15,2)",
        "`meta` is struct of id, tags",
        "`took` is duration",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {ran:?}");
    }
    dir.ok(&["profile", "out.parquet"]);
}

#[test]
fn parquet_text_is_text_however_it_is_stored() {
    let dir = Workdir::trained();
    let said = prepared(&dir, "fixture:categorical.parquet");
    assert!(said.contains("2 classes"), "{said}");
    dir.ok(&[
        "validate",
        "nlp",
        "-S",
        &format!("nlp.data.source={}", fixture("categorical.parquet")),
    ]);
    let args = prepare(&dir, "fixture:extras.parquet");
    for column in ["raw", "meta", "list"] {
        let key = format!("nlp.data.label={column}");
        let mut args = strs(&args);
        args.extend(["-S", &key]);
        let message = dir.fails(4, &args);
        assert!(message.contains(&format!("({column})")), "{message}");
    }
}

#[test]
fn parquet_values_that_no_cell_holds_are_named() {
    let dir = Workdir::trained();
    let message = dir.fails(
        4,
        &[
            "predict",
            "nlp",
            "-i",
            &fixture("far.parquet"),
            "-o",
            "out.csv",
        ],
    );
    assert!(
        message.contains("far.parquet: row 16: column 3 (until): "),
        "{message}"
    );
    assert!(message.contains("outside the years"), "{message}");
    // 96 bits hold what 64 bits of nanoseconds do not.
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        &fixture("int96.parquet"),
        "-o",
        "out.csv",
    ]);
    let out = dir.read("out.csv");
    assert!(
        out.contains("2024-01-01T12:00:00,") && out.contains("9999-12-31T00:00:00,"),
        "{out}"
    );
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        &fixture("int96.parquet"),
        "-o",
        "out.parquet",
    ]);
    let message = refused(&dir, "fixture:nan.parquet");
    assert!(
        message.contains("row 16: column 2 (label): the label is empty"),
        "{message}"
    );
    let source = format!("nlp.data.source={}", fixture("nan.parquet"));
    assert_eq!(dir.run(&["validate", "nlp", "-S", &source]).code, 4);
    // A column of numbers keeps what is none.
    let args = [
        "predict",
        "nlp",
        "-i",
        &fixture("nan.parquet"),
        "-o",
        "out.parquet",
    ];
    dir.ok(&args);
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        &fixture("nan.parquet"),
        "-o",
        "out.csv",
    ]);
    assert!(dir.read("out.csv").contains(",NaN,"));
}
