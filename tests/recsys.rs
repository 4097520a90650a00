//! `recsys` from its sample to lists, and every bad table that a shop may have.

mod support;
use std::collections::{BTreeMap, BTreeSet};

use support::{Workdir, assert_same_for_any_threads, real_data};

const SMALL: [&str; 6] = [
    "-S",
    "recsys.sample.users=120",
    "-S",
    "recsys.sample.items=80",
    "-S",
    "recsys.model.budget=2",
];

fn small(verb: &[&str]) -> Vec<String> {
    verb.iter()
        .chain(&SMALL)
        .map(|&arg| arg.to_owned())
        .collect()
}

fn ok(dir: &Workdir, args: &[String]) -> String {
    dir.ok(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records();
    records
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// A project whose source is `text`, prepared and trained with `more` parameters.
fn with(text: &str, more: &[&str]) -> Workdir {
    let dir = Workdir::project();
    dir.write("mine.csv", text);
    for verb in ["prepare", "train"] {
        let args = [&[verb, "recsys", "-S", "recsys.data.source=mine.csv"], more].concat();
        dir.ok(&args);
    }
    dir
}

/// Lists by user, from a file of predictions.
fn lists(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(text) {
        let list = lists.entry(row[0].clone()).or_default();
        list.push(row[1].clone());
        assert_eq!(row[2], list.len().to_string(), "ranks count up");
    }
    lists
}

#[test]
fn the_whole_pipeline_gives_the_same_bytes_for_any_threads() {
    let run = |threads: &str, kind: &str| {
        let dir = Workdir::project();
        let kind = format!("recsys.model.kind={kind}");
        for verb in ["sample", "prepare", "train", "evaluate"] {
            ok(
                &dir,
                &small(&[verb, "recsys", "--threads", threads, "-S", &kind]),
            );
        }
        let predict = ["predict", "recsys", "--threads", threads, "-o"];
        dir.ok(&[&predict[..], &["all.csv", "--users", "all"]].concat());
        let input = "data/raw/recsys/incoming.csv";
        dir.ok(&[&predict[..], &["new.jsonl", "-i", input]].concat());
        dir.ok(&[
            &predict[..],
            &["near.parquet", "--similar", "all", "--k", "5"],
        ]
        .concat());
        let mut files: Vec<_> = ["data", "models", "metrics", "plots", "reports"]
            .iter()
            .flat_map(|folder| dir.tree(folder))
            .collect();
        for name in ["all.csv", "new.jsonl", "near.parquet"] {
            files.push((name.to_owned(), dir.bytes(name)));
        }
        files
    };
    for kind in ["auto", "als", "ease", "knn", "graph", "popular"] {
        assert_same_for_any_threads(kind, |threads| run(threads, kind));
    }
}

#[test]
fn the_sample_is_learned_and_explained() {
    let dir = Workdir::project();
    for verb in ["sample", "prepare", "train", "evaluate"] {
        ok(&dir, &small(&[verb, "recsys"]));
    }
    let metrics = dir.json("metrics/recsys.json");
    let (model, popular) = (&metrics["ndcg_at_20"], &metrics["baseline"]["ndcg_at_20"]);
    assert!(
        model.as_f64().unwrap() > 1.2 * popular.as_f64().unwrap(),
        "{metrics}"
    );
    for key in [
        "recall_at_20",
        "map_at_20",
        "mrr",
        "hit_rate_at_20",
        "coverage_at_20",
        "novelty_at_20",
    ] {
        assert!(metrics[key].as_f64().unwrap() > 0.0, "{key}");
    }
    let page = dir.read("reports/recsys.html");
    assert!(page.contains("Lists of some users") && page.contains("<path class=\"line\""));
    let why = dir.ok(&["explain", "recsys", "u0001", "--top", "3"]);
    assert!(why.starts_with("u0001: b") && why.contains('%'), "{why}");
    let refused = dir.fails(4, &["explain", "recsys", "nobody"]);
    assert!(
        refused.contains("the user is unknown to the model"),
        "{refused}"
    );
}

/// Worked out by hand with the rules of ../shared/scoring/recsys.py.
#[test]
fn figures_are_those_of_the_scorer() {
    // Users a and b; popular items first. a: 10 interactions, 2 held out; b: 5, 1 held out.
    let mut text = String::from("user_id,item_id,rating,timestamp\n");
    for (at, item) in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].iter().enumerate() {
        text += &format!("a,{item},{},{at}\n", if *item == 9 { 3 } else { 5 });
    }
    for (at, item) in [1, 2, 3, 11, 9].iter().enumerate() {
        text += &format!("b,{item},4,{at}\n");
    }
    text += "c,12,5,1\nd,12,5,1\nd,13,4,2\n";
    let dir = with(&text, &["-S", "recsys.model.kind=popular"]);
    dir.ok(&["evaluate", "recsys"]);
    // a: 9 is rated 3, so 10 alone is relevant, and not known in training. b: 9 is not known
    // either. d: 13 is not. Items known: 1 to 8, 11, 12.
    let metrics = dir.json("metrics/recsys.json");
    assert_eq!(metrics["scored_users"], 3);
    assert_eq!(metrics["recall_at_20"], 0.0);
    assert_eq!(metrics["new_item_hits_missed"], 3);
}

/// The scorer's own code over our prepared parts and lists must agree with `evaluate`.
#[test]
fn the_scorer_agrees_on_real_data() {
    let Some(folder) = real_data("recsys") else {
        return;
    };
    let source = folder.join("ml-100k/ratings.csv").display().to_string();
    let set = format!("recsys.data.source={source}");
    let dir = Workdir::project();
    let kind = "recsys.model={kind: ease, ease: {regularization: 500}, half_life: 0, disliked: 1}";
    for verb in ["prepare", "train", "evaluate"] {
        dir.ok(&[verb, "recsys", "-S", &set, "-S", kind]);
    }
    let metrics = dir.json("metrics/recsys.json");
    let [train, test] =
        ["train", "test"].map(|part| dir.read(&format!("data/processed/recsys/{part}.csv")));
    // Lists of a model that has not seen the test part: the judged one does not recommend what it holds.
    dir.write("train.csv", &train);
    let alone = [
        "-S",
        "recsys.data.source=train.csv",
        "-S",
        "recsys.split.test=0",
        "-S",
        kind,
    ];
    for verb in ["prepare", "train"] {
        dir.ok(&[&[verb, "recsys"], &alone[..]].concat());
    }
    dir.ok(&["predict", "recsys", "--users", "all", "-o", "out.csv"]);
    let (recall, ndcg, users) = scored(&train, &test, &dir.read("out.csv"));
    assert_eq!(metrics["scored_users"], users);
    assert!((metrics["recall_at_20"].as_f64().unwrap() - recall).abs() < 1e-9);
    assert!((metrics["ndcg_at_20"].as_f64().unwrap() - ndcg).abs() < 1e-9);
    // EASE with 500 by scipy, scored by ../shared/scoring/recsys.py: see docs/benchmarks.md.
    assert!(recall > 0.23 && ndcg > 0.175, "{recall} {ndcg}");
}

/// recall@20, NDCG@20 and the number of users, as ../shared/scoring/recsys.py defines them.
fn scored(train: &str, test: &str, predicted: &str) -> (f64, f64, usize) {
    let trained: BTreeSet<String> = rows(train).into_iter().map(|row| row[0].clone()).collect();
    let mut relevant: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows(test) {
        if row[2].parse::<f64>().unwrap() >= 4.0 && trained.contains(&row[0]) {
            relevant
                .entry(row[0].clone())
                .or_default()
                .insert(row[1].clone());
        }
    }
    let lists = lists(predicted);
    let (mut recall, mut ndcg) = (0.0, 0.0);
    for (user, relevant) in &relevant {
        let gain = |place: usize| 1.0 / libm::log2(place as f64 + 2.0);
        let hits: Vec<usize> = (0..20)
            .filter(|&place| relevant.contains(&lists[user][place]))
            .collect();
        recall += hits.len() as f64 / relevant.len() as f64;
        let ideal: f64 = (0..relevant.len().min(20)).map(gain).sum();
        ndcg += hits.iter().map(|&place| gain(place)).sum::<f64>() / ideal;
    }
    let users = relevant.len();
    (recall / users as f64, ndcg / users as f64, users)
}

const TASTES: &str =
    "user_id,item_id\na,x1\na,x2\na,x3\nb,x1\nb,x2\nb,x4\nc,y1\nc,y2\nc,y3\nd,y1\nd,y2\nd,y4\n";
const KNN: [&str; 4] = ["-S", "recsys.model.kind=knn", "-S", "recsys.split.test=0"];

/// Nobody wants to be shown what they took yesterday: the test part is no longer the future once the model
/// was judged on it.
#[test]
fn lists_go_on_from_the_last_interaction_there_is() {
    let later = "user_id,item_id\na,x4\nnew,y3\nnew,y2\n";
    let (judged, fresh) = (Workdir::project(), with(TASTES, &KNN));
    for (name, text) in [("mine.csv", TASTES), ("later.csv", later)] {
        judged.write(name, text);
        fresh.write(name, text);
    }
    let sources = [
        "-S",
        "recsys.data.source=mine.csv",
        "-S",
        "recsys.data.test=later.csv",
    ];
    for verb in ["prepare", "train", "evaluate"] {
        let said = judged.ok(&[&[verb, "recsys"], &sources[..], &KNN[..2]].concat());
        let carried = said.contains("histories extended by 3 interactions of the test part");
        assert_eq!(carried, verb == "train", "{said}");
    }
    let metrics = judged.json("metrics/recsys.json");
    assert!(
        metrics["recall_at_20"].as_f64().unwrap() > 0.0,
        "the test part is judged as new: {metrics}"
    );
    judged.ok(&[
        "predict", "recsys", "--users", "all", "--k", "3", "-o", "out.csv",
    ]);
    fresh.ok(&[
        "predict",
        "recsys",
        "-i",
        "later.csv",
        "--users",
        "all",
        "--k",
        "3",
        "-o",
        "out.csv",
    ]);
    assert_eq!(
        judged.read("out.csv"),
        fresh.read("out.csv"),
        "as with the same rows by -i"
    );
    let lists = lists(&judged.read("out.csv"));
    assert!(!lists["a"].contains(&"x4".to_owned()), "{lists:?}");
    assert!(
        lists["new"].iter().all(|item| item != "y3" && item != "y2"),
        "{lists:?}"
    );
    let said = judged.ok(&["explain", "recsys", "new"]);
    assert!(said.contains("y3") || said.contains("y2"), "{said}");
}

#[test]
fn lists_leave_out_what_was_taken_and_fold_new_users_in() {
    let dir = with(TASTES, &KNN);
    dir.ok(&[
        "predict", "recsys", "--users", "all", "--k", "2", "-o", "all.csv",
    ]);
    let all = lists(&dir.read("all.csv"));
    assert_eq!(all["a"][0], "x4");
    assert_eq!(all["c"][0], "y4");
    // New users by -i; a known one goes on from what they took before.
    dir.write("new.csv", "user_id,item_id\nnew,y3\na,x4\nnew,unknown\n");
    let ran = dir.run(&[
        "predict",
        "recsys",
        "-i",
        "new.csv",
        "--k",
        "3",
        "-o",
        "new-lists.csv",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains(" with items unknown to the model: `"),
        "{ran:?}"
    );
    let new = lists(&dir.read("new-lists.csv"));
    assert_eq!(new.keys().collect::<Vec<_>>(), ["a", "new"]);
    assert!(
        new["new"][..2].iter().all(|item| item.starts_with('y')),
        "{new:?}"
    );
    assert!(!new["a"].contains(&"x4".to_owned()));
    // Nobody knows this user: what is popular, ties by item.
    dir.write("asked.csv", "user_id\nstranger\nb\n");
    dir.ok(&[
        "predict",
        "recsys",
        "--users",
        "asked.csv",
        "--k",
        "4",
        "-o",
        "asked-lists.csv",
    ]);
    let asked = lists(&dir.read("asked-lists.csv"));
    assert_eq!(asked["stranger"], ["x1", "x2", "y1", "y2"]);
    assert_eq!(asked["b"][0], "x3");
}

#[test]
fn allow_deny_and_only_are_kept_to() {
    let dir = with(TASTES, &KNN);
    dir.write("allow.csv", "user_id,item_id\na,y1\na,x4\na,nothing\n");
    dir.write("deny.csv", "user_id,item_id\nb,x3\n");
    dir.write("only.csv", "item_id\nx3\nx4\ny1\n");
    let args = [
        "--users",
        "all",
        "--allow",
        "allow.csv",
        "--deny",
        "deny.csv",
    ];
    dir.ok(&[&["predict", "recsys", "-o", "out.csv"][..], &args].concat());
    let out = lists(&dir.read("out.csv"));
    assert_eq!(out["a"], ["x4", "y1"]);
    assert!(!out["b"].contains(&"x3".to_owned()) && out["b"].len() == 4);
    dir.ok(&[
        "predict",
        "recsys",
        "--users",
        "all",
        "--only",
        "only.csv",
        "-o",
        "only-lists.csv",
    ]);
    let out = lists(&dir.read("only-lists.csv"));
    assert_eq!(out["a"], ["x4", "y1"]);
    assert_eq!(out["b"], ["x3", "y1"]);
}

#[test]
fn similar_items_are_listed_and_unknown_ones_rejected() {
    let dir = with(TASTES, &KNN);
    dir.write("asked.csv", "item_id\nx1\nzebra\ny2\n");
    let args = [
        "predict",
        "recsys",
        "--similar",
        "asked.csv",
        "--k",
        "1",
        "-o",
        "near.csv",
    ];
    let message = dir.fails(4, &args);
    assert!(
        message.contains("asked.csv:3") && message.contains("item `zebra` is unknown"),
        "{message}"
    );
    let ran = dir.run(&[&args[..], &["--on-error", "skip"]].concat());
    assert_eq!(ran.code, 7, "{ran:?}");
    let near = rows(&dir.read("near.csv"));
    assert_eq!((near[0][0].as_str(), near[0][1].as_str()), ("x1", "x2"));
    assert_eq!((near[1][0].as_str(), near[1][1].as_str()), ("y2", "y1"));
    assert!(dir.read("near.csv.rejects.csv").contains("zebra"));
}

#[test]
fn ids_may_be_anything() {
    let text = "user_id,item_id\n\"Ann, \"\"A\"\"\",本\nБорис,\"x,y\"\nБорис,本\n\"Ann, \"\"A\"\"\",é\nc,本\nc,é\n";
    let dir = with(text, &KNN);
    dir.ok(&["predict", "recsys", "--users", "all", "-o", "out.csv"]);
    let out = lists(&dir.read("out.csv"));
    assert_eq!(out["Ann, \"A\""], ["x,y"]);
    assert_eq!(out["Борис"], ["é"]);
    let why = dir.ok(&["explain", "recsys", "Борис/é"]);
    assert!(why.contains("本"), "{why}");
}

#[test]
fn repeated_rows_become_the_latest() {
    let text =
        "user_id,item_id,rating,timestamp\na,x,1,5\na,y,2,6\na,x,5,9\na,z,3,7\na,x,4,1\nb,x,3,1\n";
    let dir = Workdir::project();
    dir.write("mine.csv", text);
    let said = dir.ok(&["prepare", "recsys", "-S", "recsys.data.source=mine.csv"]);
    assert!(said.contains("2 repeated rows merged"), "{said}");
    assert_eq!(
        dir.read("data/processed/recsys/test.csv"),
        "user_id,item_id,rating,timestamp\na,x,5,9\n"
    );
}

#[test]
fn splits_by_time_and_last_leak_nothing() {
    let mut text = String::from("user_id,item_id,timestamp\n");
    for user in 0..20 {
        for item in 0..6 {
            text += &format!(
                "u{user},i{},2024-01-{:02}\n",
                (user + item) % 9,
                1 + (user + 3 * item) % 28
            );
        }
    }
    let dir = Workdir::project();
    dir.write("mine.csv", text);
    let prepare = |by: &str| {
        let by = format!("recsys.split.by={by}");
        dir.ok(&[
            "prepare",
            "recsys",
            "-S",
            "recsys.data.source=mine.csv",
            "-S",
            &by,
        ]);
        let part = |name: &str| rows(&dir.read(&format!("data/processed/recsys/{name}.csv")));
        (part("train"), part("test"))
    };
    let (train, test) = prepare("time");
    let time = |row: &Vec<String>| row[2].parse::<f64>().unwrap();
    let latest = train.iter().map(time).fold(f64::MIN, f64::max);
    assert!(test.iter().map(time).all(|time| time > latest));
    assert!(test.len() * 4 >= train.len() / 2);
    let (train, test) = prepare("last");
    assert_eq!((train.len(), test.len()), (100, 20));
}

#[test]
fn what_cannot_be_used_is_refused_with_its_place() {
    let dir = Workdir::project();
    let prepare = |text: &str| {
        dir.write("mine.csv", text);
        dir.fails(
            4,
            &["prepare", "recsys", "-S", "recsys.data.source=mine.csv"],
        )
    };
    assert!(prepare("").contains("is empty"));
    assert!(prepare("user_id,item_id\n").contains("holds no rows"));
    assert!(
        prepare("user_id,item_id\na,\n")
            .contains("mine.csv:2: column 2 (item_id): the id is empty")
    );
    assert!(prepare("user,item_id\na,b\n").contains("no column `user_id`"));
    let bad = prepare("user_id,item_id,rating\na,b,good\nc,d,1\ne,f,bad\n");
    assert!(
        bad.contains("2 bad rows, the first") && bad.contains(":2: column 3 (rating): `good`"),
        "{bad}"
    );
    let bad = prepare("user_id,item_id,timestamp\na,b,yesterday\n");
    assert!(
        bad.contains("column 3 (timestamp): `yesterday` is not a time"),
        "{bad}"
    );
}

#[test]
fn times_are_read_in_their_format() {
    let mut text = String::from("user_id,item_id,timestamp\n");
    for n in 0..60 {
        // In order of the file, not of the texts.
        text += &format!(
            "u{},i{n},{:02}/{:02}/2024\n",
            n / 10,
            n % 10 + 5,
            n / 10 + 1
        );
    }
    let dir = with(&text, &["-S", "recsys.data.date_format=%d/%m/%Y"]);
    let test = dir.read("data/processed/recsys/test.csv");
    let last: Vec<Vec<String>> = rows(&test);
    assert!(
        last.iter().all(|row| row[1].ends_with(['8', '9'])),
        "{test}"
    );
    dir.write(
        "new.csv",
        "user_id,item_id,timestamp\nv,i1,31/12/2024\nv,i2,2024-12-31\n",
    );
    let ran = dir.run(&["predict", "recsys", "-i", "new.csv", "-o", "out.csv"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let words = "new.csv:3: column 3 (timestamp): `2024-12-31` is not a time in the format \
                 \"%d/%m/%Y\" (recsys.data.date_format)";
    assert!(ran.stderr.contains(words), "{ran:?}");

    let error = dir.fails(
        4,
        &["prepare", "recsys", "-S", "recsys.data.source=mine.csv"],
    );
    let words = "mine.csv:2: column 3 (timestamp): no time is read without its format; set \
                 recsys.data.date_format: \"%d/%m/%Y\" (";
    assert!(error.contains(words), "{error}");
}

#[test]
fn small_and_strange_data_are_no_failure() {
    // One user, one item: nothing can be held out.
    let one = with("user_id,item_id\na,b\n", &["-S", "recsys.split.test=0"]);
    one.ok(&["predict", "recsys", "--users", "all", "-o", "out.csv"]);
    assert_eq!(
        one.read("out.csv"),
        "user_id,item_id,rank,score\n",
        "a took everything"
    );
    // An item seen by all, negative and missing ratings, times out of order and in the future, K
    // larger than the catalogue; b's every item but one is held out.
    let text = "user_id,item_id,rating,timestamp\na,p,5,9\na,q,-3,1\nb,p,,99999999999\nb,r,4,-5\n\
                c,p,4,3\nc,q,2,2\nc,r,5,1\nd,p,4,\n";
    for kind in ["als", "ease", "knn", "graph", "popular", "auto"] {
        let kind = format!("recsys.model.kind={kind}");
        let dir = with(text, &["-S", &kind]);
        dir.ok(&[
            "predict", "recsys", "--users", "all", "--k", "1000", "-o", "out.csv",
        ]);
        let out = lists(&dir.read("out.csv"));
        assert!(out.values().all(|list| list.len() <= 3), "{out:?}");
        dir.ok(&["evaluate", "recsys"]);
    }
}

#[test]
fn without_a_test_part_evaluate_says_what_to_do() {
    let dir = with(TASTES, &KNN);
    let message = dir.fails(2, &["evaluate", "recsys"]);
    assert!(message.contains("recsys.split.test above 0"), "{message}");
}

#[test]
fn ease_that_does_not_fit_is_refused_with_its_size() {
    let dir = Workdir::project();
    let mut text = String::from("user_id,item_id\n");
    (0..2000).for_each(|item| text += &format!("u{},i{item}\n", item % 50));
    dir.write("mine.csv", text);
    let source = [
        "-S",
        "recsys.data.source=mine.csv",
        "-S",
        "recsys.split.test=0",
    ];
    dir.ok(&[&["prepare", "recsys"][..], &source].concat());
    let model = "recsys.model={kind: ease, ease: {regularization: 10}, memory: 0.01}";
    let message = dir.fails(
        2,
        &[&["train", "recsys", "-S", model][..], &source].concat(),
    );
    assert!(
        message.contains("2000 items takes") && message.contains("10 MiB are allowed"),
        "{message}"
    );
}

#[test]
fn a_test_file_of_its_own_is_taken_as_it_is() {
    let dir = Workdir::project();
    dir.write("train.csv", TASTES);
    dir.write(
        "test.csv",
        "user_id,item_id\na,x4\nb,x3\nstranger,x1\na,x1\n",
    );
    let sets = [
        "-S",
        "recsys.data.source=train.csv",
        "-S",
        "recsys.data.test=test.csv",
        "-S",
        "recsys.model.kind=knn",
    ];
    let ran = dir.run(&[&["prepare", "recsys"][..], &sets].concat());
    assert!(
        ran.code == 0
            && ran
                .stderr
                .contains("1 pairs of user and item are in the test file"),
        "{ran:?}"
    );
    for verb in ["train", "evaluate"] {
        dir.ok(&[&[verb, "recsys"][..], &sets].concat());
    }
    let metrics = dir.json("metrics/recsys.json");
    assert_eq!(
        (
            metrics["scored_users"].as_u64(),
            metrics["cold_users"]["scored_users"].as_u64()
        ),
        (Some(2), Some(1))
    );
    assert_eq!(metrics["recall_at_20"], 0.75); // a: x4 of x4 and x1, which is never listed again
}

/// The sum of no gains is a zero with a sign, which is shown and written nowhere.
#[test]
fn lists_without_a_hit_have_figures_of_zero() {
    let dir = Workdir::project();
    let rows: String = (0..30).map(|t| format!("u,i{t},{t}\n")).collect();
    dir.write("log.csv", format!("user_id,item_id,timestamp\n{rows}"));
    let mut said = String::new();
    for verb in ["prepare", "train", "evaluate"] {
        said = dir.ok(&[verb, "recsys", "-S", "recsys.data.source=log.csv"]);
    }
    assert!(said.contains("ndcg_at_20   0.0000"), "{said}");
    dir.ok(&["explain", "recsys", "u/i3", "--json"]);
    let mut files = vec![
        said,
        dir.read("metrics/recsys.json"),
        dir.read("reports/recsys.html"),
    ];
    for (name, bytes) in dir.tree("plots") {
        files.push(format!("{name}\n{}", String::from_utf8_lossy(&bytes)));
    }
    for text in files {
        assert!(
            !text.contains("-0.0") && !text.contains("\u{2212}0.0"),
            "{text}"
        );
    }
}
