//! The pipeline from the sample to answers, for each kind of target.

use super::*;

#[test]
fn classes_are_learned_from_the_sample() {
    let dir = sampled(&[]);
    let metrics = dir.json("metrics/tabular.json");
    let baseline = &metrics["baseline"];
    assert!(number(&metrics["roc_auc"]) > 0.75, "{metrics}");
    assert!(
        number(&metrics["log_loss"]) < 0.9 * number(&baseline["log_loss"]),
        "{metrics}"
    );
    assert!(number(&metrics["ece"]) < 0.15, "{metrics}");
    dir.ok(&["gate", "tabular"]);
    assert!(dir.read("reports/tabular.html").contains("<svg"));
    let input = "data/raw/tabular/incoming.csv";
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        input,
        "--all-classes",
        "-o",
        "out.csv",
    ]);
    let scored = rows(&dir.read("out.csv"));
    assert_eq!(scored.len(), 60);
    for row in &scored {
        let [no, yes] =
            ["probability_no", "probability_yes"].map(|name| row[name].parse::<f64>().unwrap());
        assert!((no + yes - 1.0).abs() < 1e-9, "{row:?}");
        let best = if yes > no { "yes" } else { "no" };
        assert_eq!(row["prediction"], best);
        assert_eq!(row["probability"], no.max(yes).to_string());
    }
    let seen = dir.ok(&["inspect", "tabular"]);
    assert!(
        seen.contains("customer_id: id: a different value in every row"),
        "{seen}"
    );
}

#[test]
fn numbers_are_learned_from_the_sample() {
    let dir = sampled(&[HOUSES, "tabular.data.target=price", TREES]);
    let metrics = dir.json("metrics/tabular.json");
    assert!(number(&metrics["r2"]) > 0.6, "{metrics}");
    assert!(number(&metrics["coverage_95"]) > 0.85, "{metrics}");
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        "data/raw/tabular/houses.csv",
        "-o",
        "out.csv",
    ]);
    for row in rows(&dir.read("out.csv")) {
        let names = ["lo-95", "lo-80", "prediction", "hi-80", "hi-95"];
        let values = names.map(|name| row[name].parse::<f64>().unwrap());
        assert!(values.is_sorted(), "{row:?}");
    }
}

#[test]
fn counts_are_learned_from_the_sample() {
    let kind = ["tabular.data.target=rooms", "tabular.data.kind=count"];
    let dir = sampled(&[&[HOUSES, TREES][..], &kind].concat());
    let metrics = dir.json("metrics/tabular.json");
    assert!(number(&metrics["d2"]) > 0.5, "{metrics}");
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        "data/raw/tabular/houses.csv",
        "-o",
        "out.csv",
    ]);
    for row in rows(&dir.read("out.csv")) {
        for name in ["prediction", "lo-95"] {
            assert!(row[name].parse::<f64>().unwrap() >= 0.0, "{row:?}");
        }
    }
}

#[test]
fn quantiles_are_learned_from_the_sample() {
    let kind = ["tabular.data.target=price", "tabular.data.kind=quantiles"];
    let dir = sampled(&[&[HOUSES, TREES][..], &kind].concat());
    let metrics = dir.json("metrics/tabular.json");
    let baseline = number(&metrics["baseline"]["pinball"]);
    assert!(number(&metrics["pinball"]) < 0.7 * baseline, "{metrics}");
    assert!(number(&metrics["coverage"]) > 0.4, "{metrics}");
    dir.ok(&[
        "predict",
        "tabular",
        "-i",
        "data/raw/tabular/houses.csv",
        "-o",
        "out.csv",
    ]);
    for row in rows(&dir.read("out.csv")) {
        let values = ["q-10", "q-50", "q-90"].map(|name| row[name].parse::<f64>().unwrap());
        assert!(values.is_sorted(), "quantiles cross: {row:?}");
    }
}

#[test]
fn the_whole_pipeline_gives_the_same_bytes_for_any_threads() {
    let number = [HOUSES, "tabular.data.target=price", TREES];
    let quantiles = [&number[..], &["tabular.data.kind=quantiles"]].concat();
    for (kind, sets, input) in [
        ("classes", NONE, "data/raw/tabular/incoming.csv"),
        ("number", &number[..], "data/raw/tabular/houses.csv"),
        ("quantiles", &quantiles[..], "data/raw/tabular/houses.csv"),
    ] {
        assert_same_for_any_threads(kind, |threads| {
            let dir = Workdir::project();
            let sizes = "tabular.sample={rows: 500, incoming: 60, houses: 400}";
            let sets = [&[sizes][..], sets].concat();
            for verb in ["sample", "prepare", "train", "evaluate"] {
                dir.ok(&with(&[verb, "tabular", "--threads", threads], &sets));
            }
            for out in ["out.csv", "out.jsonl", "out.parquet"] {
                let predict = ["predict", "tabular", "--threads", threads, "--explain", "2"];
                dir.ok(&[&predict[..], &["-i", input, "-o", out]].concat());
            }
            let folder = dir.path("").display().to_string();
            let mut files: Vec<_> = ["data", "models", "metrics", "plots", "reports"]
                .iter()
                .flat_map(|folder| dir.tree(folder))
                .collect();
            for (name, bytes) in &files {
                let text = String::from_utf8_lossy(bytes);
                assert!(!text.contains(folder.trim_end_matches('/')), "{name}");
            }
            for name in ["out.csv", "out.jsonl", "out.parquet"] {
                files.push((name.to_owned(), dir.bytes(name)));
            }
            files
        });
    }
}

#[test]
fn every_format_gives_the_same_model() {
    let text = learnable(200);
    let dir = Workdir::project();
    dir.write("in.csv", &text);
    dir.write("in.tsv", text.replace(',', "\t"));
    dir.write("semicolons.csv", text.replace(',', ";"));
    let mut lines = String::new();
    for row in rows(&text) {
        let cell = |name: &str| match row[name].as_str() {
            "" => "null".to_owned(),
            value => value.to_owned(),
        };
        let (a, b, f, t, y) = (&row["a"], &row["b"], cell("f"), &row["t"], &row["y"]);
        let line = format!(r#"{{"a":{a},"b":"{b}","f":{f},"t":"{t}","y":"{y}"}}"#);
        lines += &(line + "\n");
    }
    dir.write("in.jsonl", lines);
    let zip = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
    dir.write("in.csv.zst", zip(&text));
    let digest = |source: &str| {
        let source = format!("tabular.data.source={source}");
        for verb in ["prepare", "train"] {
            dir.ok(&with(
                &[verb, "tabular"],
                &[source.as_str(), "tabular.data.target=y", LINEAR],
            ));
        }
        let part = dir.bytes("data/processed/tabular/train.csv");
        (part, dir.bytes("models/tabular.safetensors"))
    };
    let first = digest("in.csv");
    for source in ["in.tsv", "semicolons.csv", "in.jsonl", "in.csv.zst"] {
        assert!(digest(source) == first, "{source} gives another model");
    }
}
