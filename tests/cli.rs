//! The command line itself: help, completions, the manual page, what goes to which stream.

mod support;
use support::Workdir;

#[test]
fn completions_and_manual_name_the_verbs() {
    let dir = Workdir::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            dir.ok(&["completions", shell]).contains("evaluate"),
            "{shell}"
        );
    }
    let page = dir.ok(&["man"]);
    assert!(
        page.contains(".TH easylife 1") && page.contains("easylife\\-predict"),
        "{page}"
    );
}

#[test]
fn help_names_only_what_is_built() {
    let help = Workdir::empty().ok(&["--help"]);
    assert!(help.contains("predict") && help.contains("Exit codes"));
    for absent in ["serve", "monitor"] {
        let line = format!("  {absent} ");
        assert!(!help.contains(&line), "{absent} is not built yet");
    }
}

#[test]
fn progress_is_for_terminals_and_results_are_on_stdout() {
    let dir = Workdir::project();
    dir.ok(&["sample", "nlp", "-S", "nlp.sample.rows=300"]);
    let ran = dir.run(&["prepare", "nlp"]);
    assert!(ran.stdout.starts_with("data/processed/nlp: "), "{ran:?}");
    let ran = dir.run(&["train", "nlp", "--json"]);
    assert_eq!(ran.stderr, "");
    let trained: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(trained["model"], "models/nlp.safetensors");
    assert_eq!(trained["classes"], 2);
}

#[test]
fn colour_only_where_asked_for() {
    let dir = Workdir::empty();
    assert!(!dir.run(&["train", "nlp"]).stderr.contains('\x1b'));
    assert!(
        dir.run(&["train", "nlp", "--color", "always"])
            .stderr
            .contains('\x1b')
    );
}

#[test]
fn a_closed_pipe_is_success() {
    let dir = Workdir::trained();
    let rows: String = "text\n".to_owned() + &"a good film\n".repeat(200_000);
    dir.write("in.csv", rows);
    let binary = env!("CARGO_BIN_EXE_easylife");
    let script = format!("set -o pipefail; '{binary}' predict nlp -i in.csv -o - | head -n 2");
    let output = dir
        .command(&[])
        .get_current_dir()
        .map(|folder| {
            std::process::Command::new("bash")
                .arg("-c")
                .arg(script)
                .current_dir(folder)
                .output()
        })
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn inspect_says_what_a_model_holds() {
    let dir = Workdir::trained();
    let text = dir.ok(&["inspect", "models/nlp.safetensors"]);
    assert!(
        text.contains("task        nlp") && text.contains("negative, positive"),
        "{text}"
    );
    let json = dir.ok(&["inspect", "models/nlp.safetensors", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let signature = serde_json::json!({
        "inputs": [{"name": "text", "type": "text"}],
        "outputs": [
            {"name": "prediction", "type": "text"},
            {"name": "probability", "type": "float"},
        ],
        "classes": ["negative", "positive"],
    });
    assert_eq!(json["signature"], signature);
    assert_eq!(json["provenance"]["seed"], 42);
    assert_eq!(json["details"]["model"]["C"], "auto");
    let chosen = &json["details"]["chosen"];
    assert!(chosen["C"].as_f64().is_some_and(|c| c > 0.0), "{chosen}");
}
