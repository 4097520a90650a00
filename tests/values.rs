//! What a cell means, however it is spelled and whatever the file's format: labels and ids that are one,
//! labels that only look like one, values that are missing, texts that are none.

mod support;

use std::collections::BTreeSet;

use support::{Ran, Workdir};

/// Forty texts of two classes, as CSV; the labels are spelled as `spell` says.
fn csv(spell: impl Fn(bool, usize) -> String) -> String {
    let row = |i: usize| {
        let good = i.is_multiple_of(2);
        let word = if good { "good" } else { "awful" };
        format!("the film was {word} number {i},{}\n", spell(good, i))
    };
    format!("text,label\n{}", (0..40).map(row).collect::<String>())
}

/// The same as JSON lines; labels are spelled as JSON.
fn jsonl(spell: impl Fn(bool, usize) -> String) -> String {
    let row = |i: usize| {
        let good = i.is_multiple_of(2);
        let word = if good { "good" } else { "awful" };
        let label = spell(good, i);
        format!("{{\"text\":\"the film was {word} number {i}\",\"label\":{label}}}\n")
    };
    (0..40).map(row).collect()
}

fn prepared(dir: &Workdir, source: &str) -> Ran {
    dir.run(&["prepare", "nlp", "-S", &format!("nlp.data.source={source}")])
}

/// Labels in both prepared parts.
fn labels(dir: &Workdir) -> BTreeSet<String> {
    let parts = ["train", "test"].map(|part| dir.read(&format!("data/processed/nlp/{part}.csv")));
    let rows = parts.iter().flat_map(|part| part.lines().skip(1));
    rows.map(|row| row.rsplit_once(',').unwrap().1.to_owned())
        .collect()
}

#[test]
fn a_whole_number_is_one_label_in_every_format() {
    let dir = Workdir::project();
    let number = |good: bool| if good { "1" } else { "0" }.to_owned();
    let float = |good: bool| if good { "1.0" } else { "0.0" }.to_owned();
    let either = |good, i| if i < 20 { number(good) } else { float(good) };
    dir.write("a.csv", csv(either));
    dir.write("b.tsv", csv(|good, _| float(good)).replace(',', "\t"));
    dir.write("c.jsonl", jsonl(either));
    dir.write(
        "d.jsonl",
        jsonl(|good, i| {
            if i % 3 == 0 {
                format!("\"{}\"", number(good))
            } else {
                float(good)
            }
        }),
    );
    dir.write("months/e.csv", csv(|good, _| number(good)));
    dir.write("months/f.csv", csv(|good, _| float(good)));
    for source in ["a.csv", "b.tsv", "c.jsonl", "d.jsonl", "months"] {
        let ran = prepared(&dir, source);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.contains("2 classes"), "{source}: {ran:?}");
        assert_eq!(
            labels(&dir),
            ["0", "1"].map(str::to_owned).into(),
            "{source}"
        );
    }
    // Floats from a Parquet file, a test file of whole numbers in CSV.
    dir.write("g.jsonl", jsonl(|good, _| float(good)));
    for verb in ["prepare", "train"] {
        dir.ok(&[verb, "nlp", "-S", "nlp.data.source=a.csv"]);
    }
    dir.ok(&["predict", "nlp", "-i", "g.jsonl", "-o", "g.parquet"]);
    dir.write(
        "test.csv",
        csv(|good, _| number(good)).replace("number", "no"),
    );
    let sources = [
        "-S",
        "nlp.data.source=g.parquet",
        "-S",
        "nlp.data.test=test.csv",
    ];
    for verb in ["prepare", "train", "evaluate"] {
        dir.ok(&[&[verb, "nlp"], &sources[..]].concat());
    }
    let metrics = dir.json("metrics/nlp.json");
    assert_eq!(metrics["accuracy"], 1.0);
    dir.ok(&["predict", "nlp", "-i", "test.csv", "-o", "out.csv"]);
    assert!(
        dir.read("out.csv")
            .lines()
            .nth(1)
            .unwrap()
            .contains(",1,1,"),
        "label and prediction"
    );
}

#[test]
fn labels_that_look_alike_are_told_with_their_places() {
    let dir = Workdir::project();
    let spell = |good: bool, i: usize| match (good, i) {
        (true, 4) => "cafe\u{301}",
        (true, _) => "caf\u{e9}",
        (false, 7) => "th\u{e9}\u{200b}",
        (false, _) => "th\u{e9}",
    };
    dir.write("r.csv", csv(|good, i| spell(good, i).to_owned()));
    let ran = prepared(&dir, "r.csv");
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        "cafe\\u{301}",
        "caf\\u{e9}",
        "th\\u{e9}\\u{200b}",
        "r.csv:6",
        "r.csv:9",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let ran = dir.run(&["validate", "nlp", "-S", "nlp.data.source=r.csv"]);
    for part in ["[label_spellings]", "cafe\\u{301}", "first r.csv:6"] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    // A number in another spelling, a word that stands for nothing.
    dir.write(
        "n.csv",
        csv(|good, i| match (good, i) {
            (true, 0) => "1.50".to_owned(),
            (true, _) => "1.5".to_owned(),
            (false, 1) => "NaN".to_owned(),
            (false, _) => "007".to_owned(),
        }),
    );
    let ran = prepared(&dir, "n.csv");
    assert!(ran.stderr.contains("`1.50` (first n.csv:2)"), "{ran:?}");
    assert!(
        ran.stderr.contains("`NaN` is a class (first n.csv:3)"),
        "{ran:?}"
    );
    // Labels that are fine are not talked about.
    dir.write("fine.csv", csv(|good, _| good.to_string()));
    let ran = prepared(&dir, "fine.csv");
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
}

#[test]
fn a_whole_number_is_one_id_and_other_spellings_are_ids_of_their_own() {
    let dir = Workdir::project();
    let mut log = String::from("user_id,item_id,timestamp\n");
    for user in 0..30 {
        for item in 0..6 {
            let item = (user + item * 5) % 12;
            let float = if (user + item) % 2 == 0 { ".0" } else { "" };
            log += &format!("{user}{float},{item}{float},{}\n", user * 50 + item);
        }
    }
    dir.write("log.csv", &log);
    let source = [
        "-S",
        "recsys.data.source=log.csv",
        "-S",
        "recsys.split.test=0",
    ];
    let said = dir.ok(&[&["prepare", "recsys"], &source[..]].concat());
    assert!(said.contains("of 30 users and 12 items"), "{said}");
    dir.ok(&[
        &["train", "recsys", "-S", "recsys.model.budget=2"],
        &source[..],
    ]
    .concat());
    // Asked for in either spelling; `007` and `7` are two.
    dir.write("users.csv", "user_id\n7\n7.0\n007\n");
    let ran = dir.run(&[
        "predict",
        "recsys",
        "--users",
        "users.csv",
        "--k",
        "3",
        "-o",
        "out.csv",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let lists = dir.read("out.csv");
    let list = |user: &str| -> Vec<String> {
        let rows = lists
            .lines()
            .filter_map(|row| row.strip_prefix(&format!("{user},")));
        rows.map(str::to_owned).collect()
    };
    assert_eq!(list("7"), list("7.0"));
    assert!(
        ran.stderr.contains(
            "1 users of users.csv are unknown to the model and get the popular items: `007`"
        ),
        "{ran:?}"
    );
    dir.write(
        "ids.csv",
        "user_id,item_id\n1,1.10\n1,1.1\n1,01\n2,1\n2,1.0\n",
    );
    let said = dir.ok(&[
        "prepare",
        "recsys",
        "-S",
        "recsys.data.source=ids.csv",
        "-S",
        "recsys.split.test=0",
    ]);
    assert!(
        said.contains("4 items") && said.contains("1 repeated rows merged"),
        "{said}"
    );
}

#[test]
fn unknown_ids_are_counted_and_named_wherever_a_list_is_given() {
    let dir = Workdir::project();
    let mut log = String::from("user_id,item_id\n");
    for user in 0..12 {
        for item in 0..5 {
            log += &format!("u{user},i{}\n", (user + item) % 8);
        }
    }
    dir.write("log.csv", &log);
    for verb in ["prepare", "train"] {
        dir.ok(&[
            verb,
            "recsys",
            "-S",
            "recsys.data.source=log.csv",
            "-S",
            "recsys.model.kind=popular",
        ]);
    }
    dir.write("items.csv", "item_id\ni1\nj1\ni2\nj2\n");
    dir.write("pairs.csv", "user_id,item_id\nu1,i3\nu1,j3\n");
    dir.write("new.csv", "user_id,item_id\nu1,j4\nv1,i1\n");
    for (flag, file, told) in [
        (
            "--only",
            "items.csv",
            "ignored 2 rows of items.csv with items unknown to the model: `j1`, `j2`",
        ),
        (
            "--allow",
            "pairs.csv",
            "ignored 1 rows of pairs.csv with items unknown to the model: `j3`",
        ),
        (
            "--deny",
            "pairs.csv",
            "ignored 1 rows of pairs.csv with items unknown to the model: `j3`",
        ),
        (
            "-i",
            "new.csv",
            "ignored 1 interactions of new.csv with items unknown to the model: `j4`",
        ),
    ] {
        let ran = dir.run(&["predict", "recsys", flag, file, "-o", "out.csv"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains(told), "{flag}: {ran:?}");
    }
    dir.write("similar.csv", "item_id\ni1\nj9\n");
    let ran = dir.run(&[
        "predict",
        "recsys",
        "--similar",
        "similar.csv",
        "-o",
        "out.csv",
    ]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("item `j9` is unknown to the model"),
        "{ran:?}"
    );
}

#[test]
fn times_of_two_kinds_are_refused_where_the_second_stands() {
    let dir = Workdir::project();
    dir.write(
        "log.csv",
        "user_id,item_id,timestamp\na,x,1700000000\na,y,2024-02-29\n",
    );
    let ran = dir.run(&["prepare", "recsys", "-S", "recsys.data.source=log.csv"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr
            .contains("log.csv:3: column 3 (timestamp): `2024-02-29` is a date"),
        "{ran:?}"
    );
    // Each file has one kind, but they are not the same.
    dir.write(
        "old.csv",
        "user_id,item_id,timestamp\na,x,1700000000\na,y,1700000001\n",
    );
    dir.write("new.csv", "user_id,item_id,timestamp\na,z,2024-02-29\n");
    let sources = [
        "-S",
        "recsys.data.source=old.csv",
        "-S",
        "recsys.data.test=new.csv",
    ];
    let ran = dir.run(&[&["prepare", "recsys"], &sources[..]].concat());
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr
            .contains("new.csv: column `timestamp` holds a date"),
        "{ran:?}"
    );
}

/// How a cell may be missing, or no text: as JSON, and the same in CSV where it has a spelling for it.
const CELLS: [(&str, Option<&str>); 6] = [
    ("null", None),
    ("\"\"", Some("")),
    ("\" \"", Some(" ")),
    ("{\"a\":1}", None),
    ("[1,2]", None),
    ("true", Some("true")),
];

/// What becomes of each of [`CELLS`], in the order there, where this column of this task has it.
struct Case {
    task: &'static str,
    column: &'static str,
    /// A part of the message, or "" where the cell is a value like another.
    said: [&'static str; 6],
}

const EMPTY_ID: &str = "the id is empty";
const NO_TEXT: &str = "expected a text, a number or a boolean";

/// The table in docs/data.md, *What is missing*.
const CASES: [Case; 7] = [
    Case {
        task: "nlp",
        column: "text",
        said: ["the text is missing", "", "", NO_TEXT, NO_TEXT, ""],
    },
    Case {
        task: "nlp",
        column: "label",
        said: [
            "the label is empty",
            "the label is empty",
            "the label is empty",
            NO_TEXT,
            NO_TEXT,
            "",
        ],
    },
    Case {
        task: "nlp",
        column: "shop",
        said: ["", "", "", NO_TEXT, NO_TEXT, ""],
    },
    Case {
        task: "recsys",
        column: "user_id",
        said: [EMPTY_ID, EMPTY_ID, EMPTY_ID, NO_TEXT, NO_TEXT, ""],
    },
    Case {
        task: "recsys",
        column: "rating",
        said: [
            "",
            "",
            "",
            "is not a rating",
            "is not a rating",
            "is not a rating",
        ],
    },
    Case {
        task: "ts",
        column: "unique_id",
        said: [EMPTY_ID, EMPTY_ID, EMPTY_ID, NO_TEXT, NO_TEXT, ""],
    },
    Case {
        task: "ts",
        column: "y",
        said: [
            "",
            "",
            "",
            "is not a number",
            "is not a number",
            "is not a number",
        ],
    },
];

/// A row of a task's table as JSON, with `cell` in `column`.
fn row(task: &str, at: usize, column: &str, cell: &str) -> String {
    let good = if at.is_multiple_of(2) { "good" } else { "bad" };
    let cells = match task {
        "nlp" => vec![
            ("text", format!("\"a {good} film number {at}\"")),
            ("label", format!("\"{good}\"")),
            ("shop", format!("\"s{at}\"")),
        ],
        "recsys" => vec![
            ("user_id", format!("\"u{}\"", at % 7)),
            ("item_id", format!("\"i{at}\"")),
            ("rating", "4".to_owned()),
        ],
        _ => vec![
            ("unique_id", "\"a\"".to_owned()),
            ("ds", format!("{at}")),
            ("y", format!("{}", at % 5)),
        ],
    };
    let cell = |(name, value): (&str, String)| {
        let value = if name == column {
            cell.to_owned()
        } else {
            value
        };
        format!("\"{name}\":{value}")
    };
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    format!("{{{}}}\n", cells.join(","))
}

#[test]
fn what_is_missing_is_treated_alike_in_every_task() {
    let dir = Workdir::project();
    for case in &CASES {
        for ((json, _), said) in CELLS.iter().zip(case.said) {
            let rows = (0..40).map(|at| match at {
                21 => row(case.task, at, case.column, json),
                _ => row(case.task, at, "", ""),
            });
            dir.write("in.jsonl", rows.collect::<String>());
            let source = format!("{}.data.source=in.jsonl", case.task);
            let mut args = vec!["prepare", case.task, "-S", &source];
            if case.task == "nlp" {
                args.extend(["-S", "nlp.data.group=shop"]);
            }
            let ran = dir.run(&args);
            let what = format!("{} {} {json}: {ran:?}", case.task, case.column);
            match said {
                "" => assert_eq!(ran.code, 0, "{what}"),
                said => {
                    assert_eq!(ran.code, 4, "{what}");
                    assert!(ran.stderr.contains(said), "{said}: {what}");
                    assert!(ran.stderr.contains("in.jsonl:22"), "{what}");
                }
            }
        }
    }
}

/// Rows without a group are not one big group.
#[test]
fn rows_without_a_group_are_groups_of_their_own() {
    for (spelled, name) in [("", "empty"), (" ", "blank")] {
        let dir = Workdir::project();
        let rows = csv(|good, _| good.to_string());
        let mut lines = rows.lines();
        let mut text = format!("{},shop\n", lines.next().unwrap());
        lines.for_each(|line| text += &format!("{line},{spelled}\n"));
        dir.write("r.csv", text);
        let said = dir.ok(&[
            "prepare",
            "nlp",
            "-S",
            "nlp.data.source=r.csv",
            "-S",
            "nlp.data.group=shop",
        ]);
        assert!(said.contains("32 train and 8 test rows"), "{name}: {said}");
    }
}

/// `predict` treats a cell as training does.
#[test]
fn a_text_that_is_none_is_not_scored() {
    let dir = Workdir::project();
    dir.write("r.csv", csv(|good, _| good.to_string()));
    for verb in ["prepare", "train"] {
        dir.ok(&[verb, "nlp", "-S", "nlp.data.source=r.csv"]);
    }
    dir.write(
        "in.jsonl",
        "{\"text\":\"good\"}\n{\"text\":{\"a\":\"good\"}}\n{\"text\":null}\n{\"text\":[\"good\"]}\n{\"text\":42}\n{\"text\":\"\"}\n",
    );
    let ran = dir.run(&[
        "predict",
        "nlp",
        "-i",
        "in.jsonl",
        "-o",
        "out.jsonl",
        "--on-error",
        "skip",
    ]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(dir.read("out.jsonl").lines().count(), 3);
    let rejects = dir.read("out.jsonl.rejects.csv");
    assert_eq!(rejects.lines().count(), 4, "{rejects}");
    assert!(
        rejects.contains(NO_TEXT) && rejects.contains("the text is missing"),
        "{rejects}"
    );
}

/// Seconds and milliseconds since 1970 in one column order nothing; numbers that only count are left alone.
#[test]
fn epochs_of_two_units_are_refused() {
    let dir = Workdir::project();
    let log = |times: [&str; 4]| -> String {
        let rows = (0..4).map(|at| format!("u{},i{at},{}\n", at / 2, times[at]));
        format!("user_id,item_id,timestamp\n{}", rows.collect::<String>())
    };
    let prepare = ["prepare", "recsys", "-S", "recsys.data.source=log.csv"];
    dir.write(
        "log.csv",
        log(["1600000001", "1600000002000", "1600000003", "1600000004000"]),
    );
    let ran = dir.run(&prepare);
    assert_eq!(ran.code, 4, "{ran:?}");
    let told = "log.csv:3: column 3 (timestamp): `1600000002000` is milliseconds, but earlier rows have seconds";
    assert!(ran.stderr.contains(told), "{ran:?}");
    for fine in [
        ["1600000001", "1600000002", "1700000003", "9000000000"],
        ["1", "300000000", "200000000000", "7"],
    ] {
        dir.write("log.csv", log(fine));
        assert_eq!(dir.run(&prepare).code, 0, "{fine:?}");
    }
}

#[test]
fn white_space_around_an_id_is_not_part_of_it() {
    let dir = Workdir::project();
    dir.write("log.csv", "user_id,item_id\na,x\na ,y\n a,z\nb,x\n");
    let said = dir.ok(&[
        "prepare",
        "recsys",
        "-S",
        "recsys.data.source=log.csv",
        "-S",
        "recsys.split.test=0",
    ]);
    assert!(said.contains("of 2 users and 3 items"), "{said}");
}

/// Neither space nor case makes the header line once more a row of data.
#[test]
fn the_header_once_more_is_known_in_other_dress() {
    let dir = Workdir::project();
    let rows = csv(|good, _| good.to_string());
    for header in [
        "text,label",
        "text, label",
        "Text,Label",
        "text ,label ",
        "\"text\",\"label\"",
        "\u{feff}text,label",
    ] {
        dir.write(
            "r.csv",
            format!("{rows}{header}\n{}", rows.split_once('\n').unwrap().1),
        );
        for verb in ["prepare", "validate"] {
            let ran = dir.run(&[verb, "nlp", "-S", "nlp.data.source=r.csv"]);
            assert_eq!(ran.code, 4, "{header:?} {verb}: {ran:?}");
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(
                said.contains("r.csv:42") && said.contains("the header line is repeated"),
                "{header:?}: {said}"
            );
        }
    }
}

/// A slip of the keyboard must not cost the model, the parameters or the data.
#[test]
fn predict_writes_over_nothing_that_the_project_is_made_of() {
    let dir = Workdir::project();
    dir.write("r.csv", csv(|good, _| good.to_string()));
    dir.write("in.csv", "text\ngood\n");
    let params = dir
        .read("params.yaml")
        .replace("data/raw/nlp/reviews.csv", "r.csv");
    dir.write("params.yaml", params);
    for verb in ["prepare", "train"] {
        dir.ok(&[verb, "nlp"]);
    }
    let own = [
        "models/nlp.safetensors",
        "params.yaml",
        "dvc.yaml",
        "r.csv",
        "data/processed/nlp/train.csv",
        "in.csv",
    ];
    for file in own {
        let before = dir.bytes(file);
        let ran = dir.run(&[
            "predict", "nlp", "-i", "in.csv", "-o", file, "--format", "csv",
        ]);
        assert_eq!(ran.code, 2, "{file}: {ran:?}");
        assert_eq!(dir.bytes(file), before, "{file}");
    }
    dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", "out.csv"]);
    dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", "out.csv"]);
}
