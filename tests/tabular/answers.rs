//! Explanations and answers from memory.

use super::*;

#[test]
fn contributions_add_up_to_the_margin_and_the_margin_to_the_answer() {
    let raw =
        "tabular.model={calibrate: false, intervals: [], folds: 2, trees: {rounds: 40, leaves: 8}}";
    let number_of = ["tabular.data.target=price", HOUSES];
    let count_of = [
        "tabular.data.target=rooms",
        HOUSES,
        "tabular.data.kind=count",
    ];
    for (kind, sets) in [
        ("classes", NONE),
        ("number", &number_of[..]),
        ("count", &count_of[..]),
    ] {
        for member in ["trees", "linear", "average"] {
            let member = format!("tabular.model.kind={member}");
            let dir = sampled(&[&[raw, member.as_str()][..], sets].concat());
            let source = match kind {
                "classes" => "data/raw/tabular/incoming.csv",
                _ => "data/raw/tabular/houses.csv",
            };
            let args = [
                "predict", "tabular", "-i", source, "-o", "-", "--format", "jsonl",
            ];
            for line in dir.ok(&args).lines().take(5) {
                let why = explained(&dir, line, "3");
                let reasons = why["reasons"].as_array().unwrap();
                assert!(reasons.len() <= 3);
                let shown: f64 = reasons.iter().map(|r| number(&r["contribution"])).sum();
                let sum = number(&why["base"]) + shown + number(&why["others"]["contribution"]);
                let answer = asked(&dir, line);
                let expected = match kind {
                    "classes" => {
                        assert_eq!(why["prediction"], answer["prediction"]);
                        let p = number(&answer["probability"]);
                        libm::log(p / (1.0 - p))
                    }
                    "count" => libm::log(number(&answer["prediction"])),
                    _ => number(&answer["prediction"]),
                };
                let scale = expected.abs().max(1.0);
                assert!((number(&why["margin"]) - sum).abs() < 1e-9 * scale, "{why}");
                assert!(
                    (sum - expected).abs() < 1e-9 * scale,
                    "{kind} {member}: {why} {answer}"
                );
            }
        }
    }
}

/// `explain` read rows without `data.missing` and answered without `model.cost`.
#[test]
fn explain_answers_what_predict_answers() {
    let costs = "tabular.model.cost={yes: {no: 50}, no: {yes: 1}}";
    let dir = learned(&[LINEAR, costs, "tabular.data.missing=['?']"]);
    for row in ["b=p", "a=3,b=q", "a=?,b=p", "a=20,f=?"] {
        let (answer, why) = (asked(&dir, row), explained(&dir, row, "9"));
        for name in ["prediction", "probability"] {
            assert_eq!(answer[name], why[name], "{row}: {answer} {why}");
        }
    }
}

#[test]
fn rows_from_memory_have_the_bits_of_the_batch() {
    let dir = sampled(&[]);
    let input = "data/raw/tabular/incoming.csv";
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        input,
        "-o",
        "out.csv",
        "--all-classes",
        "--explain",
        "2",
    ]);
    let path = dir.path("models/tabular.safetensors");
    let loaded = task::load_file::<Tabular>(&path).unwrap();
    let details = &loaded.header.details;
    let scorer = Scorer::new(loaded.model, details).unwrap();
    let scorer = scorer.explaining(2);
    let batch = rows(&dir.read("out.csv"));
    let request = |row: &HashMap<String, String>| -> Vec<String> {
        let names = scorer.columns().iter();
        names.map(|used| row[&used.name].clone()).collect()
    };
    let cells: Vec<Vec<String>> = batch.iter().map(request).collect();
    let mut requests: Vec<Request<'_>> = Vec::new();
    for row in &cells {
        let cells = row.iter().map(|text| match text.is_empty() {
            true => Cell::Missing,
            false => Cell::Text(text.as_str()),
        });
        requests.push(Request {
            cells: cells.collect(),
        });
    }
    let together = scorer.score(&requests, &mut ());
    assert_eq!(together.len(), 60);
    for ((row, answer), request) in batch.iter().zip(&together).zip(&requests) {
        let answer = answer.as_ref().unwrap();
        let Prediction::Class {
            label,
            probability,
            probabilities,
            ..
        } = &answer.prediction
        else {
            panic!("{answer:?}");
        };
        assert_eq!(row["prediction"], *label);
        assert_eq!(row["probability"], probability.to_string());
        assert_eq!(row["probability_yes"], probabilities[1].to_string());
        for (place, reason) in answer.reasons.iter().enumerate() {
            let said = &row[&format!("reason_{}", place + 1)];
            assert!(said.starts_with(&format!("{} = ", reason.column)), "{said}");
        }
        let alone = scorer.score(std::slice::from_ref(request), &mut ());
        assert_eq!(alone[0].as_ref().unwrap(), answer, "by itself");
    }
    // A row that cannot be used does not change the others.
    let age = scorer.columns().iter().position(|used| used.name == "age");
    let mut bad = requests[0].clone();
    bad.cells[age.unwrap()] = Cell::Text("old");
    let mixed = scorer.score(&[bad, requests[1].clone()], &mut ());
    let refusal = mixed[0].as_ref().unwrap_err();
    assert_eq!(refusal.reason, "column `age`: `old` is not a number");
    assert_eq!(mixed[1], together[1]);
}

#[test]
fn asked_rows_are_answered_with_the_bits_of_the_batch() {
    let dir = learned(&[LINEAR]);
    let (_, out) = predicted(&dir, "a,b,f,t\n12,q,true,2024-03-01\n12,q,,\n,,,\n", &[]);
    let batch = rows(&out.unwrap());
    for (row, asked_as) in batch.iter().zip([
        "a=12,b=q,f=true,t=2024-03-01",
        r#"{"a": 12, "b": "q", "f": null}"#,
        "a=",
    ]) {
        let answer = asked(&dir, asked_as);
        assert_eq!(answer["prediction"], row["prediction"].as_str());
        assert_eq!(answer["probability"].to_string(), row["probability"]);
    }
    let said = dir.ok(&["predict", "tabular", "a=12,b=q"]);
    assert!(said.starts_with("prediction "), "{said}");
    assert!(said.contains("not given, so missing: f, t"), "{said}");
    for (row, words) in [
        ("hello", "is not a column and its value"),
        (
            "aa=3",
            "none of the model's columns is given; it predicts from a, b, f, t",
        ),
        ("{", "not valid JSON"),
        (
            r#"{"a": [1]}"#,
            "column `a`: expected a value, not a list or an object",
        ),
        ("a=x", "column `a`: `x` is not a number"),
        ("t=soon", "column `t`: `soon` is not a date or time"),
        ("f=maybe", "column `f`: `maybe` is neither true nor false"),
    ] {
        let error = dir.fails(4, &["predict", "tabular", row]);
        assert!(error.contains(words), "{row}: {error}");
        let error = dir.fails(4, &["explain", "tabular", row]);
        assert!(error.contains(words), "{row}: {error}");
    }
}

/// The sum of what is shown, which has all columns.
fn total(why: &Value) -> f64 {
    let reasons = why["reasons"].as_array().unwrap().iter();
    number(&why["base"])
        + reasons
            .map(|reason| number(&reason["contribution"]))
            .sum::<f64>()
}

fn explained_by(dir: &Workdir, method: &str, more: &[&str]) -> Value {
    let row = "a=3,b=q,f=true";
    let args = ["explain", "tabular", "--json", row, "--method", method];
    serde_json::from_str(&dir.ok(&[&args[..], more].concat())).unwrap()
}

#[test]
fn every_method_adds_up_to_what_it_explains() {
    let dir = learned(&[LINEAR]);
    let answer = asked(&dir, "a=3,b=q,f=true");
    let margin = |why: &Value| number(&why["margin"]);
    let exact = explained_by(&dir, "exact", &[]);
    let against = explained_by(&dir, "interventional", &[]);
    for why in [&exact, &against] {
        assert!((total(why) - margin(why)).abs() < 1e-9, "{why}");
    }
    assert!((margin(&exact) - margin(&against)).abs() < 1e-9);
    assert_eq!(against["background_rows"], 100);
    let kernel = explained_by(&dir, "kernel", &["--background-rows", "20"]);
    assert_eq!(kernel["value"], answer["probability"]);
    assert_eq!(kernel["background_rows"], 20);
    assert!(
        (total(&kernel) - number(&kernel["value"])).abs() < 1e-9,
        "{kernel}"
    );
    let lime = explained_by(&dir, "lime", &["--background", "mine.csv"]);
    assert_eq!(lime["prediction"], answer["prediction"]);
    let r2 = number(&lime["r2"]);
    assert!((0.0..=1.0).contains(&r2), "{lime}");
    let errors = lime["reasons"].as_array().unwrap().iter();
    assert!(
        errors
            .map(|reason| number(&reason["standard_error"]))
            .all(|error| error >= 0.0)
    );
    // The text shows the same, whatever the number of threads.
    for method in ["interventional", "kernel", "lime"] {
        let said = |threads| {
            dir.ok(&[
                "explain",
                "tabular",
                "a=3,b=q",
                "--method",
                method,
                "--threads",
                threads,
            ])
        };
        assert_eq!(said("1"), said("8"));
        assert!(said("2").contains("background rows"), "{}", said("2"));
    }
}

#[test]
fn backgrounds_that_do_not_fit_are_refused() {
    let dir = learned(&[LINEAR]);
    let refused =
        |code, args: &[&str]| dir.fails(code, &[&["explain", "tabular", "a=3"][..], args].concat());
    let said = refused(2, &["--background-rows", "5"]);
    assert!(said.contains("--method interventional"), "{said}");
    dir.write("other.csv", "a,b\n1,p\n");
    let said = refused(4, &["--method", "kernel", "--background", "other.csv"]);
    assert!(
        said.contains("other.csv") && said.contains("no column `"),
        "{said}"
    );
    dir.write("none.csv", "a,b,f\n");
    let said = refused(4, &["--method", "lime", "--background", "none.csv"]);
    assert!(said.contains("none.csv"), "{said}");
    let said = dir.fails(2, &["explain", "nlp", "fine", "--method", "lime"]);
    assert!(said.contains("not an option of `explain nlp`"), "{said}");
}
