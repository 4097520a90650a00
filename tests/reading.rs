//! Files of others as they are: how they are read, and that later verbs go by how they were prepared.

mod support;

use support::{Workdir, easy_texts};

/// A project with texts whose columns have other names, prepared by `-S`.
fn prepared_by_flags() -> Workdir {
    let dir = Workdir::project();
    let texts = easy_texts(30).replacen("text,label", "review,sentiment", 1);
    dir.write("data/raw/nlp/reviews.csv", texts);
    dir.ok(&[
        "prepare",
        "nlp",
        "-S",
        "nlp.data.text=review",
        "-S",
        "nlp.data.label=sentiment",
    ]);
    dir
}

#[test]
fn later_verbs_take_names_of_columns_from_what_was_prepared() {
    let dir = prepared_by_flags();
    for args in [
        &["train", "nlp"][..],
        &["evaluate", "nlp"],
        &["validate", "nlp", "--prepared"],
    ] {
        let ran = dir.run(args);
        assert!(
            ran.code == 0 && ran.stderr.contains("nlp.data.text: review"),
            "{args:?}: {ran:?}"
        );
    }
    let flags = [
        "-S",
        "nlp.data.text=review",
        "-S",
        "nlp.data.label=sentiment",
    ];
    let model = dir.bytes("models/nlp.safetensors");
    let ran = dir.run(&[&["train", "nlp"], &flags[..]].concat());
    assert!(ran.code == 0 && !ran.stderr.contains("columns"), "{ran:?}");
    assert_eq!(dir.bytes("models/nlp.safetensors"), model);
}

#[test]
fn what_would_give_other_parts_is_refused_with_the_difference() {
    let dir = prepared_by_flags();
    let ran = dir.run(&["train", "nlp", "-S", "nlp.split.test=0.5"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    for part in [
        "nlp.split.test was 0.2 and is now 0.5",
        "easylife prepare nlp",
        "-S nlp.split.test=0.2",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {ran:?}");
    }
    for (task, set, told) in [
        ("nlp", "nlp.data.source=my file.csv", "is now my file.csv"),
        ("nlp", "nlp.data.group=store", "nlp.data.group was not set"),
    ] {
        for args in [&["train", task][..], &["validate", task, "--prepared"]] {
            let ran = dir.run(&[args, &["-S", set]].concat());
            assert!(ran.code == 2 && ran.stderr.contains(told), "{ran:?}");
        }
    }
}

#[test]
fn every_task_records_how_it_prepared() {
    let dir = Workdir::project();
    for (task, small, other) in [
        ("cv", "cv.sample.scenes=6", "cv.data.scene_pattern=(x)"),
        ("recsys", "recsys.sample.users=60", "recsys.data.min_user=3"),
        ("ts", "ts.sample.series=2", "ts.data.gaps=zero"),
        (
            "tabular",
            "tabular.sample.rows=300",
            "tabular.data.missing=[shop]",
        ),
    ] {
        dir.ok(&["sample", task, "-S", small]);
        dir.ok(&["prepare", task]);
        let record = dir.json(&format!("data/processed/{task}/prepared.json"));
        assert!(record["data"]["source"].is_string(), "{record}");
        let ran = dir.run(&["train", task, "-S", other]);
        let key = other.split('=').next().unwrap();
        assert!(
            ran.code == 2 && ran.stderr.contains(&format!("{key} was ")),
            "{ran:?}"
        );
    }
}

#[test]
fn a_record_holds_no_place_on_a_disk_and_a_damaged_one_is_refused() {
    let dir = prepared_by_flags();
    let source = dir.path("data/raw/nlp/reviews.csv");
    let set = format!("nlp.data.source={}", source.display());
    dir.ok(&[
        "prepare",
        "nlp",
        "-S",
        &set,
        "-S",
        "nlp.data.text=review",
        "-S",
        "nlp.data.label=sentiment",
    ]);
    let path = "data/processed/nlp/prepared.json";
    assert_eq!(dir.json(path)["data"]["source"], "reviews.csv");
    dir.ok(&["train", "nlp", "-S", &set]);
    for (text, told) in [
        ("{\"version\": 1", "is damaged"),
        ("{\"version\": 9}", "has version 9"),
    ] {
        dir.write(path, text);
        let ran = dir.run(&["train", "nlp"]);
        assert!(
            ran.code == 4 && ran.stderr.contains(told) && ran.stderr.contains("prepare nlp"),
            "{ran:?}"
        );
    }
    // Of an earlier version: as params.yaml has it.
    std::fs::remove_file(dir.path(path)).unwrap();
    let ran = dir.run(&["train", "nlp", "-S", "nlp.data.text=review"]);
    assert!(ran.stderr.contains("`label`"), "{ran:?}");
}

/// `text;label` lines without a header, with letters that are not ASCII.
fn german(rows: usize) -> String {
    let line = |i: usize| match i % 2 {
        0 => format!("die Qualität ist großartig und schön {i};gut\n"),
        _ => format!("das Gerät war für mich übel und öde {i};schlecht\n"),
    };
    (0..rows).map(line).collect()
}

/// Windows-1252, in which these letters are their code points.
fn western(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

#[test]
fn a_first_line_that_is_data_is_recognised_and_the_keys_are_named() {
    let dir = Workdir::project();
    dir.write("in.csv", german(80).replace(';', ","));
    let source = ["-S", "nlp.data.source=in.csv"];
    let keys = [
        "-S",
        "nlp.data.header=false",
        "-S",
        "nlp.data.text=1",
        "-S",
        "nlp.data.label=2",
    ];
    for verb in ["prepare", "validate"] {
        let message = dir.fails(4, &[&[verb, "nlp"][..], &source].concat());
        assert!(
            message.contains("the first line looks like data"),
            "{message}"
        );
        assert!(message.contains(&keys.join(" ")), "{message}");
    }
    let said = dir.ok(&[&["prepare", "nlp"][..], &source, &keys].concat());
    assert!(said.contains("64 train and 16 test"), "{said}");
    let said = dir.ok(&[&["validate", "nlp"][..], &source, &keys].concat());
    assert!(said.contains("80 rows, errors: 0"), "{said}");
    dir.ok(&[&["train", "nlp"][..], &source, &keys].concat());
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        "in.csv",
        "--no-header",
        "-o",
        "out.csv",
    ]);
    assert_eq!(dir.read("out.csv").lines().count(), 81);
    let ran = dir.run(&["profile", "in.csv", "--no-header"]);
    assert!(ran.stdout.contains("80 rows"), "{ran:?}");
}

#[test]
fn init_finds_out_how_a_file_is_read() {
    let dir = Workdir::empty();
    dir.write("in.csv", western(&german(80)));
    let said = dir.ok(&["init", "mine", "--task", "nlp", "--source", "in.csv"]);
    for line in [
        "nlp.data.delimiter: ;",
        "nlp.data.header: false",
        "nlp.data.encoding: windows-1252",
        "nlp.data.text: 1",
        "nlp.data.label: 2",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let ran = dir.run(&["--project", "mine", "prepare", "nlp"]);
    assert!(
        ran.code == 0 && ran.stdout.contains("64 train and 16"),
        "{ran:?}"
    );
    assert!(
        !ran.stderr.contains("is read as"),
        "said by the key: {ran:?}"
    );
}

#[test]
fn encodings_are_recognised_said_and_give_the_same_parts() {
    let dir = Workdir::project();
    let text = format!("text;label\n{}", german(80)).replace(';', ",");
    let utf16 =
        |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    dir.write("utf8.csv", &text);
    dir.write("western.csv", western(&text));
    dir.write("le.csv", utf16(u16::to_le_bytes));
    dir.write(
        "marked.csv",
        [vec![0xfe, 0xff], utf16(u16::to_be_bytes)].concat(),
    );
    let parts = |source: &str, more: &[&str]| {
        let set = format!("nlp.data.source={source}");
        let ran = dir.run(&[&["prepare", "nlp", "-S", &set][..], more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let parts =
            ["train", "test"].map(|part| dir.bytes(&format!("data/processed/nlp/{part}.csv")));
        (parts, ran.stderr)
    };
    let (expected, said) = parts("utf8.csv", &[]);
    assert!(!said.contains("is read as"), "{said}");
    for (source, encoding) in [
        ("western.csv", "windows-1252"),
        ("le.csv", "utf-16le"),
        ("marked.csv", "utf-16be"),
    ] {
        let (found, said) = parts(source, &[]);
        assert!(found == expected, "{source}");
        assert!(
            said.contains(&format!("{source} is read as {encoding}")),
            "{said}"
        );
        assert!(said.contains("nlp.data.encoding"), "{said}");
        let key = format!("nlp.data.encoding={encoding}");
        let (found, said) = parts(source, &["-S", &key]);
        assert!(found == expected && !said.contains("is read as"), "{said}");
    }
    dir.ok(&["train", "nlp", "-S", "nlp.data.source=marked.csv"]);
    dir.ok(&["predict", "nlp", "-i", "utf8.csv", "-o", "expected.csv"]);
    for source in ["western.csv", "le.csv"] {
        let ran = dir.run(&["predict", "nlp", "-i", source, "-o", "out.csv"]);
        assert!(
            ran.stderr.contains("is read as") && ran.code == 0,
            "{ran:?}"
        );
        assert!(
            dir.bytes("out.csv") == dir.bytes("expected.csv"),
            "{source}"
        );
    }
}

#[test]
fn what_is_in_doubt_is_refused_with_the_key() {
    let dir = Workdir::project();
    // "Good" in Cyrillic, in Windows-1251, and a text of UTF-8 with one byte of another encoding.
    let cyrillic = b"text,label\n\xf5\xee\xf0\xee\xf8\xee,pos\n".to_vec();
    for bytes in [
        cyrillic.clone(),
        b"text,label\nna\xc3\xafve caf\xe9,pos\n".to_vec(),
    ] {
        dir.write("in.csv", bytes);
        let message = dir.fails(4, &["prepare", "nlp", "-S", "nlp.data.source=in.csv"]);
        for part in ["in.csv:2", "invalid UTF-8", "nlp.data.encoding"] {
            assert!(message.contains(part), "{message}");
        }
    }
    let many = [
        &cyrillic[..],
        &b"\xef\xeb\xee\xf5\xee,neg\n".repeat(20),
        &cyrillic[11..].repeat(20),
    ];
    dir.write("in.csv", many.concat());
    dir.ok(&[
        "prepare",
        "nlp",
        "-S",
        "nlp.data.source=in.csv",
        "-S",
        "nlp.data.encoding=windows-1251",
    ]);
    assert!(
        dir.read("data/processed/nlp/train.csv")
            .contains("хорошо,pos")
    );
    let message = dir.fails(2, &["prepare", "nlp", "-S", "nlp.data.encoding=klingon"]);
    assert!(message.contains("utf-16le"), "{message}");
}
