//! The pipeline on real data by parameters alone, with the accuracy that issue 3 demands.

mod support;
use support::{Workdir, real_data};

/// Accuracy on `NAME_test.csv` after training on `NAME_train.csv`, everything else by default.
fn accuracy(name: &str) -> Option<f64> {
    let folder = real_data("nlp")?;
    let dir = Workdir::project();
    let sets: Vec<String> = [("source", "train"), ("test", "test")]
        .iter()
        .map(|(key, part)| format!("nlp.data.{key}={}/{name}_{part}.csv", folder.display()))
        .collect();
    for verb in ["prepare", "train", "evaluate"] {
        dir.ok(&[verb, "nlp", "-S", &sets[0], "-S", &sets[1]]);
    }
    let metrics: serde_json::Value = serde_json::from_str(&dir.read("metrics/nlp.json")).unwrap();
    assert!(dir.read("reports/nlp.html").ends_with("</html>\n"));
    metrics["accuracy"].as_f64()
}

#[test]
fn sst2() {
    if let Some(accuracy) = accuracy("sst2") {
        assert!(accuracy >= 0.825, "SST-2 test accuracy {accuracy}");
    }
}

#[test]
fn banking77() {
    if let Some(accuracy) = accuracy("banking77") {
        assert!(accuracy >= 0.896, "Banking77 test accuracy {accuracy}");
    }
}
