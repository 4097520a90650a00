//! `validate` and `profile` through the binary: clean data, rules of one's own, bad input, the same
//! bytes each time. Planted faults are in `faults.rs`.

mod support;
use serde_json::Value;
use support::{Workdir, real_data};

fn findings(dir: &Workdir, task: &str) -> Vec<Value> {
    let report: Value =
        serde_json::from_str(&dir.read(&format!("reports/validate/{task}.json"))).unwrap();
    report["findings"].as_array().unwrap().clone()
}

#[test]
fn the_samples_break_no_rule_of_level_error() {
    let dir = Workdir::project();
    for (task, small) in [
        ("nlp", "nlp.sample.rows=800"),
        ("cv", "cv.sample.scenes=8"),
        ("recsys", "recsys.sample.users=200"),
        ("ts", "ts.sample.series=6"),
        ("tabular", "tabular.sample.rows=800"),
    ] {
        dir.ok(&["sample", task, "-S", small]);
        dir.ok(&["validate", task]);
        assert!(
            dir.read(&format!("reports/validate/{task}.html"))
                .contains("Validation of")
        );
        dir.ok(&["prepare", task]);
        dir.ok(&["validate", task, "--prepared"]);
        assert_eq!(findings(&dir, &format!("{task}.prepared")).len(), 0);
    }
}

#[test]
fn rules_made_from_data_hold_for_these_data() {
    let dir = Workdir::project();
    for (task, small) in [
        ("nlp", "nlp.sample.rows=800"),
        ("cv", "cv.sample.scenes=8"),
        ("recsys", "recsys.sample.users=200"),
        ("ts", "ts.sample.series=6"),
        ("tabular", "tabular.sample.rows=800"),
    ] {
        dir.ok(&["sample", task, "-S", small]);
        dir.ok(&["validate", task, "--init"]);
        let said = dir.ok(&["validate", task]);
        assert!(said.contains("errors: 0"), "{said}");
        let schema = format!("schema/{task}.yaml");
        assert!(
            dir.read(&format!("reports/validate/{task}.json"))
                .contains(&schema)
        );
    }
}

#[test]
fn rules_that_a_person_wrote_are_not_written_over() {
    let dir = Workdir::with_source("t.csv", support::easy_texts(30));
    dir.ok(&["validate", "nlp", "--init"]);
    dir.write("schema/nlp.yaml", dir.read("schema/nlp.yaml") + "# mine\n");
    let message = dir.fails(2, &["validate", "nlp", "--init"]);
    assert!(message.contains("schema/nlp.yaml exists"), "{message}");
    assert!(dir.read("schema/nlp.yaml").ends_with("# mine\n"));
    dir.ok(&["validate", "nlp", "--init", "--force"]);
    assert!(!dir.read("schema/nlp.yaml").contains("# mine"));
}

#[test]
fn a_broken_rule_ends_with_4_after_everything_is_written() {
    let dir = Workdir::with_source("t.csv", "text,label\ngood one,pos\nbad one,\nbad two,neg\n");
    let ran = dir.run(&["validate", "nlp"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stdout
            .contains("error    label: 1 value (33.33 %) is missing [nulls]; first t.csv:3"),
        "{ran:?}"
    );
    assert!(dir.read("reports/validate/nlp.html").contains("t.csv:3"));
    let found = &findings(&dir, "nlp")[0];
    assert_eq!(
        (&found["rule"], &found["rows"][0]["line"]),
        (&Value::from("nulls"), &Value::from(3))
    );
}

#[test]
fn a_wrong_rule_is_placed() {
    let dir = Workdir::with_source("t.csv", support::easy_texts(30));
    let schema = |rest: &str| format!("easylife: \"0.1\"\n{rest}");
    for (rest, says) in [
        (
            "columns:\n  text:\n    legnth: {max: 5}\n",
            "schema/nlp.yaml:4:5: unknown key `legnth`",
        ),
        (
            "columns:\n  text:\n    length: {min: 5, max: 1}\n",
            "schema/nlp.yaml:4:13",
        ),
        (
            "task:\n  duplicate: {max: 0}\n",
            "did you mean `duplicates`?",
        ),
        ("columns: [text]\n", "schema/nlp.yaml:2"),
        ("columns:\n  text: {age: {max: 3}}\n", "validate.today"),
    ] {
        dir.write("schema/nlp.yaml", schema(rest));
        let message = dir.fails(2, &["validate", "nlp"]);
        assert!(message.contains(says), "{rest}: {message}");
    }
    dir.write("schema/nlp.yaml", schema("columns:\n  txet:\n  label:\n"));
    let ran = dir.run(&["validate", "nlp"]);
    assert_eq!(ran.code, 4);
    assert!(
        ran.stdout.contains("schema/nlp.yaml:3") && ran.stdout.contains("did you mean `text`?"),
        "{ran:?}"
    );
}

#[test]
fn bad_input_is_one_clear_error_with_its_place() {
    let long = format!("text,label\n\"{}\",pos\n", "x".repeat(100 << 20));
    let cases: [(&[u8], &str); 5] = [
        (
            b"text,label\ngood,pos\n\"never closed,neg\nbad,neg\n",
            "t.csv:3: column 1 (text): a quote opened here",
        ),
        (long.as_bytes(), "t.csv:2: a record longer than 16 MiB"),
        (b"text,text\na,b\n", "t.csv:1: column 2: the header name"),
        (b"\xff\xfe\0\0t\0\0\0", "UTF-32"),
        (b"text,label\n\x00\x00", "t.csv"),
    ];
    // A table to be looked at may be empty, one to be learnt from may not.
    let dir = Workdir::with_source("t.csv", b"");
    let message = dir.fails(4, &["validate", "nlp"]);
    assert!(message.contains("t.csv: is empty"), "{message}");
    dir.ok(&["profile", "t.csv"]);
    for (content, says) in cases {
        let dir = Workdir::with_source("t.csv", content);
        for args in [&["validate", "nlp"][..], &["profile", "t.csv"]] {
            let ran = dir.run(args);
            assert_eq!(ran.code, 4, "{says}: {}", ran.stderr);
            assert!(
                format!("{}{}", ran.stdout, ran.stderr).contains(says),
                "{args:?}: {ran:?}"
            );
        }
    }
}

#[test]
fn bad_rows_are_findings_and_the_rest_is_read() {
    let content =
        b"text,label\ngood,pos\nbad\nbad \xff,neg\nnul \x00,neg\nfine,pos\nawful,neg\npoor,neg\n";
    let dir = Workdir::with_source("t.csv", content);
    assert_eq!(dir.run(&["validate", "nlp"]).code, 4);
    let found = &findings(&dir, "nlp")[0];
    assert_eq!(found["rule"], "readable");
    let lines: Vec<u64> = found["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [3, 4, 5]);
    let message = dir.fails(4, &["profile", "t.csv"]);
    assert!(
        message.contains("t.csv:3: column 2 (label)") && message.contains("2 more"),
        "{message}"
    );
}

#[test]
fn no_rows_and_many_columns_are_tables_too() {
    let dir = Workdir::with_source("t.csv", "text,label\n");
    assert_eq!(dir.run(&["validate", "nlp"]).code, 4); // no classes
    assert!(dir.ok(&["profile", "t.csv"]).contains("0 rows, 2 columns"));
    let names: Vec<String> = (0..10_000).map(|i| format!("c{i}")).collect();
    let row: Vec<String> = (0..10_000).map(|i| (i * 7 % 1000).to_string()).collect();
    dir.write(
        "wide.csv",
        format!(
            "{}\n{}\n{}\n",
            names.join(","),
            row.join(","),
            row.join(",")
        ),
    );
    let said = dir.ok(&["profile", "wide.csv", "-o", "wide.html"]);
    assert!(said.contains("2 rows, 10000 columns") && said.contains("c9999"));
    assert!(
        dir.read("wide.html")
            .contains("The first 200 of 10000 columns")
    );
}

#[test]
fn profiles_name_what_columns_hold() {
    let dir = Workdir::empty();
    let mut text = String::from("n,x,word,day,flag,void\n");
    for i in 0..1000 {
        text += &format!(
            "{i},{}.5,w{},2024-01-{:02},{},\n",
            i % 7,
            i % 3,
            i % 28 + 1,
            i % 2 == 0
        );
    }
    dir.write("t.csv", text);
    dir.ok(&["profile", "t.csv", "-o", "out/t.json"]);
    let report: Value = serde_json::from_str(&dir.read("out/t.json")).unwrap();
    let columns = &report["tables"][0]["columns"];
    let types: Vec<&str> = (0..6)
        .map(|i| columns[i]["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        ["integer", "float", "text", "date", "boolean", "empty"]
    );
    // numpy 2.3: quantile(arange(1000), [.01, .05, .25, .5, .75, .95, .99])
    assert_eq!(
        columns[0]["quantiles"],
        serde_json::json!([9.99, 49.95, 249.75, 499.5, 749.25, 949.05, 989.01])
    );
    assert_eq!(
        (&columns[0]["min"], &columns[0]["max"]),
        (&Value::from(0), &Value::from(999))
    );
    assert_eq!(columns[1]["distinct"], 7);
    assert_eq!(
        columns[2]["top"][0],
        serde_json::json!({"value": "w0", "count": 334})
    );
    assert_eq!(columns[3]["max"], "2024-01-28");
    assert_eq!(columns[5]["nulls"], 1000);
    // Formats and compression change nothing but the name.
    for format in ["jsonl", "csv.gz", "parquet"] {
        let message = dir.fails(1, &["profile", &format!("missing.{format}")]);
        assert!(message.contains("missing"), "{message}");
    }
}

#[test]
fn the_same_bytes_for_any_threads() {
    // Large enough for several blocks and for every sketch to be one.
    let mut text = String::from("id,text,label,x\n");
    let mut state = 1u64;
    for i in 0..60_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let x = (state >> 11) as f64 / (1u64 << 53) as f64;
        text += &format!(
            "{i},\"a text, of number {} and more\",l{},{x}\n",
            state >> 50,
            i % 4
        );
    }
    assert!(text.len() > 3 << 20);
    let dir = Workdir::with_source("t.csv", text);
    let run = |threads| {
        dir.ok(&["validate", "nlp", "--threads", threads]);
        dir.ok(&["profile", "t.csv", "-o", "out/p.json", "--threads", threads]);
        [dir.tree("reports"), dir.tree("out")].concat()
    };
    let first = run("1");
    assert_eq!(first.len(), 4, "the page with all tasks among them");
    for threads in ["1", "2", "8"] {
        assert!(run(threads) == first, "{threads} threads");
    }
    let folder = dir.path("").display().to_string();
    assert!(
        first.iter().all(
            |(_, bytes)| !String::from_utf8_lossy(bytes).contains(folder.trim_end_matches('/'))
        )
    );
}

#[test]
fn rules_find_the_same_without_the_profile() {
    let mut text = support::easy_texts(3000);
    text.push_str("again,pos\nagain,neg\n,pos\nlonely,neutral\n");
    let dir = Workdir::with_source("t.csv", text);
    dir.write(
        "schema/nlp.yaml",
        "easylife: \"0.1\"\ncolumns:\n  text: {length: {min: 6}, pattern: '.* number [0-9]+', unique: true, nulls: {max: 0}}\n\
         \x20 label: {allowed: [pos, neg], distinct: {max: 2}}\ntask: {duplicates: {max: 0}, conflicts: {max: 0}}\n",
    );
    dir.run(&["validate", "nlp"]);
    let all = findings(&dir, "nlp");
    assert!(all.len() >= 6, "{all:#?}");
    dir.run(&["validate", "nlp", "-S", "validate.profile=needed"]);
    assert_eq!(findings(&dir, "nlp"), all);
    let report: Value = serde_json::from_str(&dir.read("reports/validate/nlp.json")).unwrap();
    assert_eq!(report["tables"][0]["columns"].as_array().unwrap().len(), 1);
}

#[test]
fn a_folder_and_another_project_folder_are_shown_as_in_the_project() {
    let dir = Workdir::with_source("many", "");
    std::fs::remove_file(dir.path("many")).unwrap();
    dir.write("many/a.csv", support::easy_texts(10));
    dir.write("many/b.csv", "text,label\nnew one,pos\nnew one,neg\n");
    let project = dir.path("").display().to_string();
    let elsewhere = Workdir::empty();
    elsewhere.ok(&["validate", "nlp", "--project", &project]);
    let found = findings(&dir, "nlp");
    let duplicate = found.iter().find(|f| f["rule"] == "duplicates").unwrap();
    assert_eq!(duplicate["rows"][0]["file"], "many/b.csv");
    assert_eq!(duplicate["rows"][0]["value"], "as many/b.csv:2");
}

#[test]
fn leakage_between_the_parts_is_an_error() {
    let dir = Workdir::with_source("t.csv", support::easy_texts(40));
    dir.ok(&["prepare", "nlp"]);
    dir.ok(&["validate", "nlp", "--prepared"]);
    let train = dir.read("data/processed/nlp/train.csv");
    let row = train.lines().nth(3).unwrap().to_uppercase();
    let test = dir.read("data/processed/nlp/test.csv");
    let lines = test.lines().count();
    dir.write("data/processed/nlp/test.csv", format!("{test}{row}\n"));
    assert_eq!(dir.run(&["validate", "nlp", "--prepared"]).code, 4);
    let found = &findings(&dir, "nlp.prepared")[0];
    assert_eq!(found["rule"], "leakage");
    assert_eq!(found["rows"][0]["line"], lines as u64 + 1);
    assert_eq!(
        found["rows"][0]["value"],
        "as data/processed/nlp/train.csv:4"
    );
}

/// Files that people use; what is found there stands in docs/benchmarks.md.
#[test]
fn real_data_have_no_errors() {
    let Some(folder) = real_data("nlp") else {
        return;
    };
    let dir = Workdir::project();
    for name in [
        "sst2_train",
        "banking77_train",
        "ag_news10k_train",
        "uci_sentiment_sentences",
    ] {
        let source = format!("nlp.data.source={}/{name}.csv", folder.display());
        let said = dir.ok(&["validate", "nlp", "-S", &source]);
        assert!(said.contains("errors: 0"), "{name}: {said}");
    }
}

/// Texts that are alike but for a word, and some labels that are wrong on purpose.
fn alike() -> String {
    let things = [
        "camera", "battery", "screen", "hotel", "waiter", "film", "soup", "train",
    ];
    let places = [
        "in town",
        "at home",
        "on holiday",
        "last week",
        "for my brother",
        "in the rain",
    ];
    let mut text = String::from("text,label\n");
    for (row, (thing, place)) in things
        .iter()
        .flat_map(|t| places.iter().map(move |p| (t, p)))
        .enumerate()
    {
        let (word, label) = [("lovely and great", "pos"), ("awful and bad", "neg")][row % 2];
        let label = match row % 16 {
            5 => ["neg", "pos"][row % 2],
            _ => label,
        };
        text += &format!(
            "the {thing} was {word} {place} and number {row} of all that i have seen so far,{label}\n"
        );
    }
    text
}

#[test]
fn texts_that_are_nearly_the_same_are_found() {
    let words = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda my nu xi omicron pi rho sigma tau";
    let words: Vec<&str> = words.split(' ').collect();
    let sentence = |row: usize| {
        let word = |at: usize| words[(row * 5 + at * (1 + row % 7)) % 19];
        (0..12).map(word).collect::<Vec<_>>().join(" ")
    };
    let mut text = String::from("text,label\n");
    for row in 0..40 {
        text += &format!(
            "{} number {row},{}\n",
            sentence(row),
            ["pos", "neg"][row % 2]
        );
    }
    let first = format!("{} number 0", sentence(0));
    // But for a word; and but for case alone, which is the other rule's.
    for word in &words[..10] {
        text += &format!("{},pos\n", first.replace(word, "- Another"));
    }
    text += &format!("{},pos\n", first.to_uppercase());
    let dir = Workdir::with_source("mine.csv", &text);
    dir.write(
        "schema/nlp.yaml",
        "easylife: \"0.1\"\ntask: {near_duplicates: {max: 0, level: warning}, near_leakage: {max: 0, level: warning}}\n",
    );
    dir.ok(&["validate", "nlp"]);
    let found = findings(&dir, "nlp");
    let near = found
        .iter()
        .find(|f| f["rule"] == "near_duplicates")
        .unwrap();
    let rows = near["rows"].as_array().unwrap();
    let at = |line: u64| rows.iter().find(|row| row["line"] == line);
    let value = at(42).unwrap()["value"].as_str().unwrap();
    assert!(value.contains("% like mine.csv:"), "{value}");
    assert!(near["count"].as_u64().unwrap() >= 8 && at(52).is_none());
    // Between the parts, too.
    dir.ok(&["prepare", "nlp"]);
    dir.ok(&["validate", "nlp", "--prepared"]);
    let found = findings(&dir, "nlp.prepared");
    let near = found.iter().find(|f| f["rule"] == "near_leakage").unwrap();
    let value = near["rows"][0]["value"].as_str().unwrap();
    assert!(
        value.contains("% like data/processed/nlp/train.csv:"),
        "{value}"
    );
}

#[test]
fn labels_that_are_wrong_are_listed() {
    let dir = Workdir::with_source("mine.csv", alike());
    let said = dir.ok(&["validate", "nlp", "--labels", "--export", "suspects.csv"]);
    assert!(said.contains(" of 48 labels"), "{said}");
    let wrong: Vec<usize> = (0..48)
        .filter(|row| row % 16 == 5)
        .map(|row| row + 2)
        .collect();
    let table = dir.read("suspects.csv");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("file,line,text,label,suggested,quality"));
    let found: Vec<usize> = lines
        .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    // The surest first: the three that are wrong lead.
    let mut first = found[..3].to_vec();
    first.sort_unstable();
    assert_eq!(first, wrong);
    // The same whatever the threads.
    for threads in ["1", "8"] {
        assert_eq!(
            said,
            dir.ok(&[
                "validate",
                "nlp",
                "--labels",
                "--export",
                "suspects.csv",
                "--threads",
                threads
            ])
        );
        assert_eq!(table, dir.read("suspects.csv"));
    }
    let ran = dir.run(&["validate", "cv", "--labels"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--labels is for nlp"), "{}", ran.stderr);
    let ran = dir.run(&["validate", "all", "--labels"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("takes one task"),
        "{}",
        ran.stderr
    );
}
