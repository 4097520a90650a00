//! Rows to be predicted, streams, formats, other programs.

use super::*;

#[test]
fn columns_may_be_in_any_order_beside_others() {
    let dir = learned(&[LINEAR]);
    let (_, plain) = predicted(&dir, "a,b,f,t\n12,q,true,2024-03-01\n", &[]);
    let plain = rows(&plain.unwrap()).remove(0);
    let (_, other) = predicted(&dir, "t,id,f,b,a,y\n2024-03-01,7,true,q,12,no\n", &[]);
    let other = other.unwrap();
    assert!(
        other.starts_with("t,id,f,b,a,y,prediction,probability\n"),
        "{other}"
    );
    let other = rows(&other).remove(0);
    for name in ["prediction", "probability"] {
        assert_eq!(plain[name], other[name]);
    }
    // Missing, unseen and infinite cells are answered.
    let (ran, out) = predicted(
        &dir,
        "a,b,f,t\n,,,\nNA,zzz,,NA\ninf,p,true,2024-03-01\n",
        &[],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    for row in rows(&out.unwrap()) {
        let p: f64 = row["probability"].parse().unwrap();
        assert!((0.5..=1.0).contains(&p), "{row:?}");
    }
}

#[test]
fn what_cannot_be_scored_is_refused_with_its_place() {
    let dir = learned(&[LINEAR]);
    for (text, words) in [
        (
            "a,b,f\n1,p,true\n",
            "new.csv: there is no column `t`; there are: a, b, f",
        ),
        (
            "a,a,b,f,t\n1,1,p,true,2024-01-01\n",
            "new.csv:1: column 2: the header name is also that of column 1",
        ),
        (
            "a,b,f,t\n1,p,true,2024-01-01\nx,p,true,2024-01-01\n",
            "new.csv:3: column `a`: `x` is not a number",
        ),
        (
            "a,b,f,t\n1,p,maybe,2024-01-01\n",
            "new.csv:2: column `f`: `maybe` is neither true nor false",
        ),
        (
            "a,b,f,t\n1,p,true,01/02/2024\n",
            "new.csv:2: column `t`: `01/02/2024` is not a date or time",
        ),
        (
            "a,b,f,t,prediction\n1,p,true,2024-01-01,no\n",
            "already has a column `prediction`",
        ),
        ("a,b,f,t\n1,p\n", "new.csv:2: "),
    ] {
        let (ran, out) = predicted(&dir, text, &[]);
        assert_eq!((ran.code, out), (4, None), "{text:?}: {ran:?}");
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    for (text, require) in [("", 4), ("a,b,f,t\n", 4)] {
        let (ran, out) = predicted(&dir, text, &[]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(out.unwrap(), "a,b,f,t,prediction,probability\n");
        let (ran, _) = predicted(&dir, text, &["--require-input"]);
        assert_eq!(ran.code, require, "{ran:?}");
    }
    for more in [&["--horizon", "3"][..], &["--explain", "0"]] {
        assert_eq!(
            predicted(&dir, "a,b,f,t\n1,p,true,2024-01-01\n", more)
                .0
                .code,
            2
        );
    }
}

#[test]
fn bad_rows_are_skipped_on_request() {
    let dir = learned(&[LINEAR]);
    let text = "a,b,f,t\n1,p,true,2024-01-01\nx,p,true,2024-01-01\n2,p,,\n3,p,so,so\n";
    let (ran, out) = predicted(&dir, text, &["--on-error", "skip"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let out = rows(&out.unwrap());
    assert_eq!(
        column(&out, "a"),
        BTreeSet::from(["1".to_owned(), "2".to_owned()])
    );
    let rejects = rows(&dir.read("out.csv.rejects.csv"));
    let found: Vec<(&str, &str)> = rejects
        .iter()
        .map(|row| (row["line"].as_str(), row["reason"].as_str()))
        .collect();
    assert_eq!(found[0], ("3", "column `a`: `x` is not a number"));
    assert_eq!(found[1].0, "5");
    // What was answered is what it is without the bad rows.
    let (_, clean) = predicted(&dir, "a,b,f,t\n1,p,true,2024-01-01\n2,p,,\n", &[]);
    assert_eq!(rows(&clean.unwrap()), out);
}

#[test]
fn streams_and_formats_hold_the_same_answers() {
    let dir = learned(&[LINEAR]);
    let text = "a,b,f,t\n12,q,true,2024-03-01\n3,p,,\n";
    let (_, file) = predicted(&dir, text, &["--explain", "2"]);
    let args = ["predict", "tabular", "-i", "-", "-o", "-", "--explain", "2"];
    let piped = dir.pipe(&[&args[..], &["--format", "csv"]].concat(), text);
    assert_eq!((piped.code, piped.stdout), (0, file.clone().unwrap()));
    dir.write("new.csv", text);
    for out in ["out.parquet", "out.jsonl", "out.tsv"] {
        dir.ok(&[
            "predict",
            "tabular",
            "-i",
            "new.csv",
            "-o",
            out,
            "--explain",
            "2",
        ]);
    }
    let line: Value = serde_json::from_str(dir.read("out.jsonl").lines().next().unwrap()).unwrap();
    let row = rows(&file.unwrap()).remove(0);
    assert_eq!(line["prediction"], row["prediction"].as_str());
    assert_eq!(line["probability"].to_string(), row["probability"]);
    assert!(row["reason_2"].starts_with("a = 12 ("), "{row:?}");
    assert_eq!(dir.read("out.tsv").lines().count(), 3);
    assert_eq!(dir.bytes("out.parquet")[..4], *b"PAR1");
}

#[test]
fn a_test_file_of_its_own_is_measured_as_it_is() {
    let dir = project(&learnable(200));
    let sets = ["tabular.data.test=test.csv", LINEAR];
    dir.write(
        "test.csv",
        "t,y,b,a,f\n2024-01-01,no,p,1,\n2024-01-02,yes,q,22,true\n2024-01-02,often,zz,3,\n",
    );
    for verb in ["prepare", "train"] {
        ok(&dir, verb, &sets);
    }
    let ran = ok(&dir, "evaluate", &sets);
    assert!(
        ran.stderr
            .contains("unknown to the model count as wrong: often"),
        "{ran:?}"
    );
    let metrics = dir.json("metrics/tabular.json");
    assert_eq!(
        (&metrics["rows"], &metrics["unseen"]),
        (&3.into(), &1.into())
    );
    assert!(
        (number(&metrics["accuracy"]) - 2.0 / 3.0).abs() < 1e-9,
        "{metrics}"
    );
    // A column less.
    dir.write(
        "test.csv",
        "t,y,a,f\n2024-01-01,no,1,\n2024-01-02,yes,22,true\n",
    );
    ok(&dir, "prepare", &sets);
    let error = fails(&dir, 4, "evaluate", &sets);
    assert!(error.contains("no column `b`"), "{error}");
}

#[test]
fn without_a_test_part_evaluate_says_what_to_do() {
    let sets = [LINEAR, "tabular.split.test=0"];
    let error = fails(&learned(&sets), 2, "evaluate", &sets);
    assert!(error.contains("set tabular.split.test above 0"), "{error}");
}

#[test]
fn init_writes_a_project_that_runs() {
    let dir = Workdir::empty();
    let text = learnable(150).replacen(",y\n", ",bought\n", 1);
    dir.write("my data.csv", text.replace(',', ";"));
    let init = [
        "init",
        "new",
        "--task",
        "tabular",
        "--source",
        "my data.csv",
    ];
    let error = dir.fails(2, &init);
    assert!(
        error.contains("name it with --target NAME; there are: a, b, f, t, bought"),
        "{error}"
    );
    let error = dir.fails(2, &[&init[..], &["--target", "nope"]].concat());
    assert!(
        error.contains("there is no column `nope` for --target"),
        "{error}"
    );
    dir.ok(&[&init[..], &["--target", "bought"]].concat());
    let said = dir.ok(&["repro", "--project", "new"]);
    assert!(said.contains("ran 6"), "{said}");
    let said = dir.ok(&["repro", "--project", "new"]);
    assert!(said.contains("up to date"), "{said}");
}

/// The margin of a row by the trees of an exported model, as XGBoost walks them: in single precision, to the left
/// below the threshold, missing values the learned way.
fn exported_margin(model: &Value, row: &[f64]) -> f64 {
    let trees = model["learner"]["gradient_booster"]["model"]["trees"]
        .as_array()
        .unwrap();
    let leaf = |tree: &Value| {
        let mut node = 0;
        let at = |field: &str, node: usize| tree[field][node].as_f64().unwrap();
        while at("left_children", node) >= 0.0 {
            let value = row[at("split_indices", node) as usize] as f32;
            let is_left = match value.is_nan() {
                true => at("default_left", node) == 1.0,
                false => value < at("split_conditions", node) as f32,
            };
            let side = if is_left {
                "left_children"
            } else {
                "right_children"
            };
            node = at(side, node) as usize;
        }
        at("split_conditions", node)
    };
    trees.iter().map(leaf).sum()
}

#[test]
fn an_exported_model_scores_rows_as_this_one() {
    let text = table("a,b,y", 300, |i| {
        let (a, b) = (i * 7 % 23, i * 5 % 17);
        let a_cell = if i % 11 == 0 {
            String::new()
        } else {
            a.to_string()
        };
        format!(
            "{a_cell},{b}.5,{}",
            ["no", "yes"][usize::from(a * b % 9 > 3)]
        )
    });
    let dir = project(&text);
    let sets = [TREES, "tabular.split.test=0"];
    ok(&dir, "prepare", &sets);
    ok(
        &dir,
        "train",
        &[
            TREES
                .replace("kind: trees", "kind: trees, calibrate: false")
                .as_str(),
            sets[1],
        ],
    );
    let said = dir.ok(&[
        "export",
        "tabular",
        "--to",
        "xgboost-json",
        "-o",
        "model.json",
    ]);
    assert!(
        said.contains("2 columns") && said.contains("a: number"),
        "{said}"
    );
    let model = dir.json("model.json");
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        "mine.csv",
        "-o",
        "out.csv",
        "--all-classes",
    ]);
    for row in rows(&dir.read("out.csv")) {
        let cells = ["a", "b"].map(|name| row[name].parse().unwrap_or(f64::NAN));
        let margin = exported_margin(&model, &cells);
        let expected: f64 = row["probability_yes"].parse().unwrap();
        assert!(
            (1.0 / (1.0 + (-margin).exp()) - expected).abs() < 1e-6,
            "{row:?}"
        );
    }
}

#[test]
fn what_has_no_trees_is_not_exported() {
    let export = [
        "export",
        "tabular",
        "--to",
        "xgboost-json",
        "-o",
        "model.json",
    ];
    let dir = learned(&[LINEAR]);
    let error = dir.fails(2, &export);
    assert!(
        error.contains("train with -S tabular.model.kind=trees"),
        "{error}"
    );
    let quantiles = ["tabular.data.kind=quantiles", TREES, "tabular.split.test=0"];
    let dir = project(&table("a,y", 90, |i| format!("{},{i}.5", i % 7)));
    for verb in ["prepare", "train"] {
        ok(&dir, verb, &quantiles);
    }
    let error = dir.fails(2, &export);
    assert!(error.contains("a model of quantiles"), "{error}");
    assert!(!dir.exists("model.json"));
}

/// `init` wrote a key that the task refused, and dates with the day first were categories.
#[test]
fn numbers_and_dates_as_germans_write_them_are_read() {
    let text = table("Umsatz;Tag;Kauf", 300, |i| {
        let (euro, day, month) = (100 + i * 7 % 90, i % 28 + 1, i % 12 + 1);
        let buys = ["nein", "ja"][usize::from(euro + i * 31 % 17 * 3 > 165)];
        format!("{euro},5;{day:02}.{month:02}.2024;{buys}")
    });
    let dir = Workdir::empty();
    dir.write("shop.csv", text);
    let source = ["--source", "shop.csv", "--target", "Kauf"];
    dir.ok(&[&["init", "p", "--task", "tabular"][..], &source].concat());
    dir.ok(&["repro", "--project", "p"]);
    let said = dir.ok(&["inspect", "tabular", "--project", "p"]);
    assert!(said.contains("Umsatz (number), Tag (time)"), "{said}");
    let answer = |row: &str| {
        let said = dir.ok(&["predict", "tabular", "--project", "p", "--json", row]);
        let answers: Value = serde_json::from_str(&said).unwrap();
        answers["answers"][0]["prediction"].clone()
    };
    assert_eq!(
        answer("{\"Umsatz\": \"180,5\", \"Tag\": \"03.02.2024\"}"),
        "ja"
    );
    assert_eq!(
        answer("{\"Umsatz\": 101.5, \"Tag\": \"03.02.2024\"}"),
        "nein"
    );
    let row = "{\"Umsatz\": \"180,5\", \"Tag\": \"2024-02-03\"}";
    let error = dir.fails(4, &["predict", "tabular", "--project", "p", row]);
    assert!(error.contains("column `Tag`"), "{error}");
}
