//! The project that `easylife init` makes, through real DVC.
//!
//! DVC is found through EASYLIFE_DVC, which `make test` sets to its own virtual environment's.

mod support;
use std::path::PathBuf;
use std::process::Command;

use support::{Workdir, dvc};

/// Runs a program in the project, with `easylife` on the PATH; must succeed.
fn run(dir: &Workdir, program: &str, args: &[&str]) -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_easylife"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new(program)
        .args(args)
        .current_dir(dir.path(""))
        .env(
            "PATH",
            format!("{}:{path}", binary.parent().unwrap().display()),
        )
        .env("DVC_NO_ANALYTICS", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {text}{talk}");
    text
}

#[test]
fn dvc_runs_the_pipeline_and_agrees_that_it_is_up_to_date() {
    let Some(dvc) = dvc() else { return };
    let dvc = dvc.display().to_string();
    let dir = Workdir::project();
    run(&dir, "git", &["init", "--quiet"]);
    run(&dir, &dvc, &["init", "--quiet"]);
    run(&dir, &dvc, &["config", "core.analytics", "false"]);

    let first = run(&dir, &dvc, &["repro"]);
    for stage in ["sample", "prepare", "train", "evaluate", "gate", "predict"] {
        assert!(
            first.contains(&format!("Running stage '{stage}@nlp'")),
            "{stage}: {first}"
        );
    }
    let lock = dir.bytes("dvc.lock");
    let second = run(&dir, &dvc, &["repro"]);
    assert!(!second.contains("Running stage"), "{second}");
    run(&dir, &dvc, &["repro", "--force"]);
    assert!(
        dir.bytes("dvc.lock") == lock,
        "a forced run gave another dvc.lock"
    );

    let metrics = run(&dir, &dvc, &["metrics", "show"]);
    assert!(
        metrics.contains("accuracy") && metrics.contains("metrics/nlp.json"),
        "{metrics}"
    );
    run(&dir, &dvc, &["plots", "show"]);
    assert!(dir.read("dvc_plots/index.html").contains("confusion"));

    // A changed gate runs the gate and what waits for it, and nothing before it.
    run(&dir, "git", &["add", "--all"]);
    run(
        &dir,
        "git",
        &[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@localhost",
            "commit",
            "--quiet",
            "-m",
            "x",
        ],
    );
    let params = dir.read("params.yaml").replace("{min: 0.8}", "{min: 0.7}");
    dir.write("params.yaml", params);
    let difference = run(&dir, &dvc, &["params", "diff"]);
    assert!(difference.contains("nlp.gate.accuracy.min"), "{difference}");
    let third = run(&dir, &dvc, &["repro"]);
    assert!(third.contains("Running stage 'gate@nlp'"), "{third}");
    assert!(!third.contains("Running stage 'train@nlp'"), "{third}");

    // Rules of one's own are a dependency to both as soon as they are there.
    dir.ok(&["validate", "nlp", "--init"]);
    let rules = run(&dir, &dvc, &["status", "validate@nlp"]);
    assert!(rules.contains("schema"), "{rules}");
    let status = dir.ok(&["status", "-s", "validate@nlp"]);
    assert!(status.contains("schema has changed"), "{status}");
    dir.ok(&["repro", "-q", "-s", "validate@nlp"]);
    let rules = run(&dir, &dvc, &["status", "validate@nlp"]);
    assert!(!rules.contains("schema"), "{rules}");
}
