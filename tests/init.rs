//! `easylife init`, and the whole pipeline in what it makes.

mod support;
use support::Workdir;

#[test]
fn a_new_project_runs_at_once() {
    let dir = Workdir::empty();
    dir.ok(&["init", "mine"]);
    let project = dir.path("mine").display().to_string();
    for verb in ["sample", "prepare", "train", "evaluate", "gate"] {
        dir.ok(&[verb, "all", "--project", &project]);
    }
    let metrics: serde_json::Value =
        serde_json::from_str(&dir.read("mine/metrics/nlp.json")).unwrap();
    let accuracy = metrics["accuracy"].as_f64().unwrap();
    let baseline = metrics["baseline"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.8 && baseline < 0.6, "{metrics}");
    assert_eq!(
        dir.names("mine"),
        [
            ".dvcignore",
            ".gitignore",
            "README.md",
            "data",
            "dvc.yaml",
            "metrics",
            "models",
            "params.yaml",
            "plots",
            "reports",
            "schema"
        ]
    );
}

#[test]
fn nothing_is_overwritten() {
    let dir = Workdir::empty();
    dir.write("dvc.yaml", "mine");
    let message = dir.fails(2, &["init"]);
    assert!(message.contains("dvc.yaml"), "{message}");
    assert_eq!(dir.names("."), ["dvc.yaml"]);
    assert_eq!(dir.read("dvc.yaml"), "mine");
}

#[test]
fn a_project_is_found_from_a_folder_below() {
    let dir = Workdir::project();
    std::fs::create_dir_all(dir.path("a/b")).unwrap();
    let status = dir
        .command(&["sample", "nlp", "-q"])
        .current_dir(dir.path("a/b"))
        .status()
        .unwrap();
    assert!(status.success());
    assert!(dir.exists("data/raw/nlp/reviews.csv"));
}

#[test]
fn sample_overwrites_only_what_it_wrote() {
    let dir = Workdir::project();
    dir.ok(&["sample", "nlp"]);
    let first = dir.bytes("data/raw/nlp/reviews.csv");
    dir.ok(&["sample", "nlp", "-S", "seed=1"]);
    assert_ne!(
        dir.bytes("data/raw/nlp/reviews.csv"),
        first,
        "another seed, other reviews"
    );
    dir.ok(&["sample", "nlp"]);
    assert_eq!(dir.bytes("data/raw/nlp/reviews.csv"), first);

    dir.write("data/raw/nlp/reviews.csv", "text,label\nmine,x\n");
    let message = dir.fails(2, &["sample", "nlp"]);
    assert!(message.contains("edited since"), "{message}");
    assert_eq!(dir.read("data/raw/nlp/reviews.csv"), "text,label\nmine,x\n");
}
