//! Answers on the command line: `easylife predict TASK INPUT...` without an output. They have the same bits
//! as those of a batch, and what cannot be meant is refused with what to type instead.

mod support;
use serde_json::Value;
use support::Workdir;

const SMALL: [&str; 10] = [
    "-S",
    "cv.sample.scenes=12",
    "-S",
    "cv.sample.incoming=4",
    "-S",
    "recsys.sample.users=80",
    "-S",
    "ts.sample.series=4",
    "-S",
    "ts.model.kind=holt-winters",
];

/// A project with the small sample of `task`, trained.
fn trained(task: &str) -> Workdir {
    let dir = Workdir::project();
    for verb in ["sample", "prepare", "train"] {
        dir.ok(&[&[verb, task][..], &SMALL].concat());
    }
    dir
}

fn json(dir: &Workdir, args: &[&str]) -> Value {
    let text = dir.ok(&[args, &["--json"]].concat());
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The rows of a batch, by the names of its columns.
fn batch(dir: &Workdir, args: &[&str]) -> Vec<Value> {
    let text = dir.ok(&[args, &["-o", "-", "--format", "jsonl"]].concat());
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn texts_are_answered_with_the_bits_of_the_batch() {
    let dir = Workdir::trained();
    let texts = ["a fine film", "an awful, \"dull\" thing", "zxqv"];
    let answers = json(&dir, &[&["predict", "nlp"], &texts[..]].concat());
    let rows = batch(
        &dir,
        &[&["predict", "nlp", "--all-classes"], &texts[..]].concat(),
    );
    assert_eq!((answers["task"].as_str(), rows.len()), (Some("nlp"), 3));
    for (index, row) in rows.iter().enumerate() {
        let answer = &answers["answers"][index];
        for name in ["text", "prediction", "probability"] {
            assert_eq!(answer[name], row[name]);
        }
        for class in answer["classes"].as_array().unwrap() {
            assert_eq!(class["probability"], row[class["name"].as_str().unwrap()]);
        }
        assert_eq!(
            answer["classes"][0]["name"], row["prediction"],
            "the best first"
        );
    }
    assert_eq!(answers["answers"][2]["known"], false);
    let text = dir.ok(&["predict", "nlp", "a fine film", "zxqv"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "a fine film");
    assert!(lines[1].starts_with("  positive  0."), "{text}");
    assert!(lines[2].starts_with("  negative  0."), "{text}");
    assert!(text.contains("no known word"), "{text}");
}

#[test]
fn photos_are_answered_with_the_bits_of_the_batch() {
    let dir = trained("cv");
    let photos = [
        "data/raw/cv/incoming/00000.jpg",
        "data/raw/cv/incoming/00001.jpg",
    ];
    let answers = json(&dir, &[&["predict", "cv"], &photos[..]].concat());
    let rows = batch(&dir, &["predict", "cv", "-i", "data/raw/cv/incoming"]);
    for (index, photo) in photos.iter().enumerate() {
        let row = rows.iter().find(|row| row["path"] == **photo).unwrap();
        for name in ["path", "prediction", "probability", "score"] {
            assert_eq!(answers["answers"][index][name], row[name], "{photo}");
        }
    }
    let text = dir.ok(&["predict", "cv", photos[0]]);
    assert!(text.starts_with(&format!("{}: ", photos[0])), "{text}");
    assert!(text.contains("variance of the Laplacian"), "{text}");

    // One that cannot be read is named; the other is answered.
    let ran = dir.run(&["predict", "cv", "absent.jpg", photos[0]]);
    assert_eq!((ran.code, ran.stdout), (7, text));
    assert!(
        ran.stderr.contains("absent.jpg: cannot be read"),
        "{}",
        ran.stderr
    );
    let error = dir.fails(4, &["predict", "cv", "absent.jpg"]);
    assert!(error.contains("absent.jpg: cannot be read"), "{error}");
    for (given, what) in [
        ("data/raw/cv/incoming", "folder"),
        ("data/raw/cv/labels.csv", "table"),
        ("data/raw/cv/incoming/*.jpg", "pattern"),
    ] {
        let error = dir.fails(2, &["predict", "cv", given]);
        assert!(
            error.contains(what) && error.contains("did you mean `-i "),
            "{error}"
        );
    }
}

#[test]
fn users_are_answered_with_the_bits_of_the_batch() {
    let dir = trained("recsys");
    let rows = batch(&dir, &["predict", "recsys", "--users", "all", "--k", "5"]);
    let user = rows[0]["user_id"].as_str().unwrap().to_owned();
    let answers = json(&dir, &["predict", "recsys", "--user", &user, "--k", "5"]);
    let answer = &answers["answers"][0];
    assert_eq!(
        (&answer["user"], &answer["known"]),
        (&rows[0]["user_id"], &true.into())
    );
    assert_eq!(answer["items"].as_array().unwrap().len(), 5);
    for (item, row) in answer["items"].as_array().unwrap().iter().zip(&rows) {
        assert_eq!(
            (&item["item"], &item["rank"]),
            (&row["item_id"], &row["rank"])
        );
        assert_eq!(item["score"], row["score"]);
    }
    // The same as a batch of one, and by position.
    assert_eq!(
        batch(&dir, &["predict", "recsys", &user, "--k", "5"]),
        rows[..5]
    );
    let title = answer["items"][0]["title"].as_str().unwrap();
    let text = dir.ok(&["predict", "recsys", &user, "--user", "nobody", "--k", "5"]);
    assert!(text.contains(title), "{text}");
    assert!(text.contains("user nobody: unknown to the model"), "{text}");

    // Newer interactions and bounds on the items hold as in a batch.
    let item = answer["items"][0]["item"].as_str().unwrap();
    dir.write("deny.csv", format!("user_id,item_id\n{user},{item}\n"));
    let without = json(
        &dir,
        &["predict", "recsys", "--user", &user, "--deny", "deny.csv"],
    );
    assert!(
        !without.to_string().contains(&format!("\"{item}\"")),
        "{without}"
    );
    let newer = json(
        &dir,
        &["predict", "recsys", "--user", "nobody", "-i", "deny.csv"],
    );
    assert_eq!(newer["answers"][0]["known"], false, "{newer}");
    dir.write("new.csv", format!("user_id,item_id\nnobody,{item}\n"));
    let newer = json(
        &dir,
        &["predict", "recsys", "--user", "nobody", "-i", "new.csv"],
    );
    assert_eq!(newer["answers"][0]["known"], true, "{newer}");
}

#[test]
fn series_are_answered_with_the_bits_of_the_batch() {
    let dir = trained("ts");
    let rows = batch(&dir, &["predict", "ts", "--horizon", "3"]);
    let series = rows[3]["unique_id"].as_str().unwrap().to_owned();
    let answers = json(
        &dir,
        &["predict", "ts", "--series", &series, "--horizon", "3"],
    );
    let answer = &answers["answers"][0];
    assert_eq!(answer["unique_id"], series.as_str());
    for (step, row) in answer["steps"].as_array().unwrap().iter().zip(&rows[3..6]) {
        assert_eq!((&step["ds"], &step["mean"]), (&row["ds"], &row["mean"]));
        assert_eq!(step["bounds"][0][0], row["lo-80"]);
        assert_eq!(step["bounds"][1][1], row["hi-95"]);
    }
    assert_eq!(
        batch(&dir, &["predict", "ts", &series, "--horizon", "3"]),
        rows[3..6]
    );
    let ran = dir.run(&[
        "predict",
        "ts",
        "--series",
        &series,
        "--horizon",
        "3",
        "--level",
        "90",
    ]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((lines.len(), ran.stderr.as_str()), (5, ""));
    assert!(lines[1].ends_with("90 % interval"), "{}", ran.stdout);

    let near = format!("{series}x");
    let error = dir.fails(4, &["predict", "ts", "--series", &near]);
    assert!(
        error.contains(&format!("did you mean `{series}`")),
        "{error}"
    );
    let ran = dir.run(&["predict", "ts", "--json", "--series", &near, &series]);
    let answers: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.code, &answers["answers"][1]["input"]),
        (7, &near.into())
    );
}

#[test]
fn what_names_a_batch_is_no_question() {
    let dir = Workdir::trained();
    dir.write("fine.txt", "text\n");
    for (args, expected) in [
        (
            &["predict", "nlp", "fine.txt"][..],
            "did you mean `-i fine.txt`",
        ),
        (&["predict", "nlp", "models"], "did you mean `-i models`"),
        (
            &["predict", "nlp", "absent.csv"],
            "did you mean `-i absent.csv`",
        ),
        (
            &["predict", "nlp", "a film", "-i", "fine.txt"],
            "`a film` and -i are both inputs",
        ),
        (
            &["predict", "nlp", "-S", "nlp.predict.output=null"],
            "give an input as in `easylife predict nlp \"a text\"`, or name the file to write",
        ),
        (
            &["predict", "recsys", "-S", "recsys.predict.output=null"],
            "--user USER",
        ),
        (
            &["predict", "ts", "-S", "ts.predict.output=null"],
            "--series SERIES",
        ),
        (&["predict", "nlp", "-i", "fine.txt"], "-o OUT"),
        (
            &["predict", "nlp", "--user", "7"],
            "--user is not an option of `predict nlp`",
        ),
        (
            &["predict", "nlp", "a film", "--k", "7"],
            "--k is not an option of `predict nlp`",
        ),
        (
            &["predict", "nlp", "a film", "--resume"],
            "--resume is an option of batches",
        ),
        (
            &["predict", "nlp", "a film", "--format", "csv"],
            "--format is an option of batches",
        ),
    ] {
        let error = dir.fails(2, args);
        assert!(error.contains(expected), "{args:?}: {error}");
    }
}

#[test]
fn an_empty_input_is_no_fault_unless_some_is_required() {
    let dir = Workdir::trained();
    std::fs::create_dir(dir.path("incoming")).unwrap();
    dir.write("header.csv", "text\n");
    dir.write("bytes.csv", "");
    for input in ["incoming", "header.csv", "bytes.csv"] {
        let predict = ["predict", "nlp", "-i", input, "-o", "out.csv"];
        let ran = dir.run(&predict);
        assert_eq!(ran.code, 0, "{input}: {ran:?}");
        assert!(
            ran.stderr.contains(&format!("{input} has no rows")),
            "{ran:?}"
        );
        assert_eq!(
            dir.read("out.csv"),
            "text,prediction,probability\n",
            "{input}"
        );
        // What is there stays.
        dir.write("out.csv", "of yesterday");
        let error = dir.fails(4, &[&predict[..], &["--require-input"]].concat());
        assert!(error.contains(&format!("{input} has no rows")), "{error}");
        assert_eq!(dir.read("out.csv"), "of yesterday", "{input}");
    }
    let ran = dir.run(&["predict", "nlp", "-i", "incoming", "-o", "out.csv", "-q"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "", "")
    );
    let ran = dir.run(&["predict", "cv", "-i", "incoming", "-o", "out.csv"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        dir.read("out.csv"),
        "path,prediction,probability,score,warning,error\n"
    );
    // Files that are no data are not an empty folder.
    dir.write("incoming/rows.txt", "text\n");
    dir.fails(4, &["predict", "nlp", "-i", "incoming", "-o", "out.csv"]);
}

#[test]
fn each_verb_says_what_comes_next() {
    let dir = Workdir::project();
    let sets = ["-S", "nlp.sample.rows=600", "-S", "nlp.gate={}"];
    for (verb, next) in [
        ("sample", "easylife validate nlp"),
        ("validate", "easylife prepare nlp"),
        ("prepare", "easylife train nlp"),
        ("train", "easylife evaluate nlp"),
        ("evaluate", "easylife gate nlp"),
        ("gate", "easylife predict nlp"),
        ("predict", "easylife explain nlp \"a text\""),
    ] {
        let args = [&[verb, "nlp"][..], &sets].concat();
        let ran = dir.run(&args);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.ends_with(&format!("next: {next}\n")), "{ran:?}");
        for silent in ["-q", "--json"] {
            let ran = dir.run(&[&args[..], &[silent]].concat());
            assert!(!ran.stderr.contains("next: "), "{ran:?}");
        }
        // In a stage the pipeline decides what comes next.
        let output = dir
            .command(&args)
            .env("EASYLIFE_RUN", "1")
            .output()
            .unwrap();
        assert!(!String::from_utf8_lossy(&output.stderr).contains("next: "));
    }
}
