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
