//! `easylife erase`: a user who is forgotten is nowhere, and the model is the one that never knew them, byte for byte.

mod support;

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;
use support::{Ran, Workdir};

/// Interactions of 40 shoppers with 30 goods; `without` one of them.
fn interactions(without: Option<&str>) -> String {
    let mut text = String::from("shopper,good,stars\n");
    for user in 0..40_u32 {
        for step in 0..8_u32 {
            let name = format!("shop-{user}");
            if Some(name.as_str()) != without {
                let good = (user * 7 + step * step) % 30;
                writeln!(text, "{name},g{good},{}", 1 + (user + step) % 5).unwrap();
            }
        }
    }
    text
}

/// A project on such a table, under DVC, that has run.
fn project(interactions: &str) -> Workdir {
    let dir = Workdir::empty();
    dir.write("shop.csv", interactions);
    let columns = ["--user", "shopper", "--item", "good", "--rating", "stars"];
    let init = ["init", ".", "--task", "recsys", "--source", "shop.csv"];
    dir.ok(&[&init[..], &columns].concat());
    dir.write(".dvc/config", "");
    dir.ok(&["repro"]);
    dir
}

fn erase(dir: &Workdir, args: &[&str]) -> (Ran, Value) {
    let ran = dir.run(&[&["--json", "erase"], args].concat());
    let value = serde_json::from_str(&ran.stdout);
    let value = value.unwrap_or_else(|_| panic!("{}\n{}", ran.stdout, ran.stderr));
    (ran, value)
}

/// Every file of the project with a word in it, as grep finds them.
fn with_word(dir: &Workdir, word: &str) -> Vec<String> {
    let files = dir.tree(".").into_iter();
    files
        .filter(|(_, bytes)| {
            bytes
                .windows(word.len())
                .any(|window| window == word.as_bytes())
        })
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn a_user_is_nowhere_and_the_model_never_knew_them() {
    let whole = interactions(None);
    let dir = project(&whole);
    dir.ok(&["registry", "add", "recsys"]);
    dir.ok(&["registry", "promote", "recsys@champion", "1"]);
    // A file that was scored by hand, one of its rejects, and a log of a server.
    dir.ok(&[
        "predict",
        "recsys",
        "-o",
        "scored/all.csv",
        "--users",
        "all",
    ]);
    dir.write(
        "scored/all.csv.rejects.csv",
        "shopper,reason\nshop-17,unknown\nshop-2,unknown\n",
    );
    let log = "{\"id\":\"a\",\"content\":{\"user_id\":\"shop-17\"}}\n{\"id\":\"b\",\"content\":{\"user_id\":\"shop-2\"}}\n";
    dir.write("logs/requests.log", log);
    assert!(with_word(&dir, "shop-17").len() > 5);
    assert!(
        with_word(&dir, "shop-17")
            .iter()
            .any(|name| name.contains(".dvc/cache"))
    );

    // A search changes nothing.
    let before = dir.tree(".");
    let (ran, found) = erase(&dir, &["--user", "shop-17", "--dry-run"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert!(dir.tree(".") == before);
    let paths = |value: &Value, key: &str| {
        let entries = value[key].as_array().unwrap().iter();
        let paths = entries.map(|entry| entry["path"].as_str().unwrap().to_owned());
        paths.collect::<Vec<String>>()
    };
    assert!(paths(&found, "changed").contains(&"models/recsys.safetensors".to_owned()));

    // Everything but the version in production, which is named with what to do.
    let (ran, erased) = erase(&dir, &["--user", "shop-17", "--all-versions"]);
    assert_eq!(ran.code, 7, "{}", ran.stdout);
    assert_eq!(paths(&erased, "left"), ["registry: recsys version 1"]);
    let changed = paths(&erased, "changed");
    for file in [
        "shop.csv",
        "scored/all.csv",
        "scored/all.csv.rejects.csv",
        "logs/requests.log",
    ] {
        assert!(changed.contains(&file.to_owned()), "{file}: {changed:?}");
    }
    assert_eq!(dir.read("shop.csv"), interactions(Some("shop-17")));
    assert_eq!(
        dir.read("logs/requests.log"),
        log.lines().nth(1).unwrap().to_owned() + "\n"
    );
    assert!(dir.read("scored/all.csv").contains("shop-1,"));

    // The model is that of data without the user, and so is all else that stages make.
    let other = project(&interactions(Some("shop-17")));
    for folder in ["models", "metrics", "plots", "reports", "data"] {
        for ((name, is), (_, should)) in dir.tree(folder).iter().zip(&other.tree(folder)) {
            assert!(is == should, "{name}");
        }
    }
    assert_eq!(dir.read("dvc.lock"), other.read("dvc.lock"));

    // The new model takes the place of the old one, and nothing is left.
    dir.ok(&["registry", "add", "recsys"]);
    dir.ok(&["registry", "promote", "recsys@champion", "2"]);
    let (ran, erased) = erase(&dir, &["--user", "shop-17", "--all-versions"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert_eq!(erased["versions"][0], "recsys version 1");
    assert_eq!(erased["left"].as_array().unwrap().len(), 0);
    assert_eq!(with_word(&dir, "shop-17"), Vec::<String>::new());
    dir.ok(&["registry", "check"]);
    let said = dir.ok(&["erase", "--user", "shop-17"]);
    assert!(
        said.ends_with("files: the id is in none of them\n"),
        "{said}"
    );
    assert!(!said.contains("shop-17"));
    // Nothing has to run again, and DVC's cache has what the lock names.
    assert_eq!(dir.ok(&["status"]), "up to date: nothing to run\n");
    fs::remove_file(dir.path("models/recsys.safetensors")).unwrap();
    dir.ok(&["repro"]);
}

#[test]
fn a_number_is_a_user_only_where_users_stand() {
    let numbers = interactions(None).replace("shop-", "");
    let dir = project(&numbers);
    let (ran, erased) = erase(&dir, &["--user", "17.0"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert_eq!(
        dir.read("shop.csv"),
        interactions(Some("shop-17")).replace("shop-", "")
    );
    // Goods of that number, counts and so on are no users.
    assert!(dir.read("shop.csv").contains("g17,"));
    assert!(erased["cache"]["contents"].as_u64().unwrap() > 3);
    let other = project(&dir.read("shop.csv"));
    assert!(dir.bytes("models/recsys.safetensors") == other.bytes("models/recsys.safetensors"));
}

#[test]
fn series_and_groups_are_forgotten_too() {
    let mut text = String::from("store,ds,y\n");
    for store in ["north-1", "south-2", "west-3"] {
        for day in 1..=59_u32 {
            let (month, day) = if day > 31 { (2, day - 31) } else { (1, day) };
            writeln!(
                text,
                "{store},2025-{month:02}-{day:02},{}",
                10 + (day * day * 7 + day) % 23
            )
            .unwrap();
        }
    }
    let dir = Workdir::empty();
    dir.write("demand.csv", &text);
    let init = [
        "init",
        ".",
        "--task",
        "ts",
        "--source",
        "demand.csv",
        "--id",
        "store",
    ];
    dir.ok(&[&init[..], &["--time", "ds", "--value", "y"]].concat());
    let ran = dir.run(&["repro"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (ran, _) = erase(&dir, &["--series", "south-2"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(with_word(&dir, "south-2"), Vec::<String>::new());
    assert!(with_word(&dir, "west-3").len() > 3);

    let mut text = String::from("text,label,author\n");
    for row in 0..120 {
        let (word, label) = [("good", "pos"), ("bad", "neg")][row % 2];
        writeln!(
            text,
            "a {word} thing number {row},{label},author-{}",
            row % 15
        )
        .unwrap();
    }
    let dir = Workdir::empty();
    dir.write("texts.csv", &text);
    dir.ok(&["init", ".", "--task", "nlp", "--source", "texts.csv"]);
    let refused = dir.run(&["erase", "--group", "author-3"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("name the task"),
        "{}",
        refused.stderr
    );
    let refused = dir.run(&["erase", "nlp", "--group", "author-3"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--column"), "{}", refused.stderr);
    dir.ok(&["repro"]);
    let old = dir.bytes("models/nlp.safetensors");
    dir.write("models/old.safetensors", &old);
    // A model does not say whose texts it was trained on: any other one may know them.
    let (ran, erased) = erase(&dir, &["nlp", "--group", "author-3", "--column", "author"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert_eq!(erased["left"][0]["path"], "models/old.safetensors");
    assert!(dir.bytes("models/nlp.safetensors") != old);
    assert!(
        !dir.read("texts.csv").contains("author-3,")
            && !dir.read("texts.csv").contains("author-3\n")
    );
}

#[test]
fn what_cannot_be_erased_is_said_before_anything_changes() {
    let dir = project(&interactions(None));
    let before = dir.tree(".");
    for (args, expected) in [
        (&["--user", " "][..], "the id is empty"),
        (
            &["--user", "shop-1", "--column", "nobody"],
            "there is no column `nobody` (--column)",
        ),
        (
            &["--user", "shop-1", "-S", "recsys.data.source=other.csv"],
            "stages take their parameters from params.yaml",
        ),
        (
            &["--user", "shop-1", "--also", "nowhere"],
            "there is no such file or folder",
        ),
    ] {
        let ran = dir.run(&[&["erase"], args].concat());
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
        assert!(dir.tree(".") == before, "{args:?}");
    }
    let ran = dir.run(&["erase"]);
    assert_eq!(ran.code, 2);
    // A stage that fails: the data are without the user, and it is said what to do.
    dir.write("shop.csv", "shopper,good,stars\nshop-1,g1,5\n");
    let ran = dir.run(&["erase", "--user", "shop-1"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("call erase again"), "{}", ran.stderr);
    assert_eq!(dir.read("shop.csv"), "shopper,good,stars\n");
}

#[test]
fn a_file_that_cannot_be_changed_is_named() {
    let dir = project(&interactions(None));
    dir.write(
        "export.json",
        "[{\"shopper\": \"shop-5\", \"good\": \"g1\"}]\n",
    );
    dir.write("notes.txt", "asked by shop-5 and shop-55\n");
    let (ran, erased) = erase(&dir, &["--user", "shop-5"]);
    assert_eq!(ran.code, 7);
    let left = erased["left"].as_array().unwrap();
    let entry = |path: &str| left.iter().find(|entry| entry["path"] == path).unwrap();
    let note = entry("export.json")["note"].as_str().unwrap();
    assert!(note.starts_with("cannot be changed: "), "{note}");
    assert_eq!(entry("notes.txt")["note"], "1 times in its text");
    assert_eq!(left.len(), 2);
}
