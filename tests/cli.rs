//! The command line itself: help, completions, the manual page, what goes to which stream.

mod support;
use support::Workdir;

#[test]
fn every_verb_has_a_manual_page() {
    let dir = Workdir::empty();
    let page = dir.ok(&["man"]);
    assert!(
        page.contains(".TH easylife 1") && page.contains("easylife\\-predict"),
        "{page}"
    );
    let page = dir.ok(&["man", "predict"]);
    assert!(page.contains(".TH easylife-predict 1"), "{page}");
    assert!(page.contains("Examples"), "{page}");
    assert!(
        dir.fails(2, &["man", "predicts"])
            .contains("expected one of init, ")
    );
    dir.ok(&["man", "--dir", "pages"]);
    let pages = dir.names("pages");
    for verb in ["", "-init", "-predict", "-verify"] {
        assert!(pages.contains(&format!("easylife{verb}.1")), "{pages:?}");
    }
}

/// What bash is given for the last of some words.
fn completed(dir: &Workdir, words: &[&str]) -> Vec<String> {
    let output = dir
        .command(&[&["--", "easylife"], words].concat())
        .env("EASYLIFE_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn completions_know_verbs_tasks_stages_and_keys() {
    let dir = Workdir::project();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = dir.ok(&["completions", shell]);
        assert!(script.contains("EASYLIFE_COMPLETE"), "{shell}: {script}");
    }
    assert_eq!(completed(&dir, &["ev"]), ["evaluate"]);
    assert_eq!(completed(&dir, &["train", "re"]), ["recsys"]);
    assert_eq!(completed(&dir, &["repro", "gate@n"]), ["gate@nlp"]);
    assert!(completed(&dir, &["status", "tr"]).contains(&"train".to_owned()));
    let keys = completed(&dir, &["train", "nlp", "-S", "nlp.model.c"]);
    assert_eq!(keys, ["nlp.model.calibrate=", "nlp.model.class_weight="]);
    // Outside of a project there are no stages, and that is no error.
    assert!(completed(&Workdir::empty(), &["repro", "gate@"]).is_empty());
}

#[test]
fn json_is_one_object_for_all_tasks_and_for_errors() {
    let dir = Workdir::project();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let small = ["-S", "nlp.sample.rows=300", "-S", "cv.sample.scenes=4"];
    let all = json(&dir.ok(&[&["sample", "all", "--json"][..], &small].concat()));
    for task in ["nlp", "cv", "recsys", "ts"] {
        assert!(all[task]["files"].is_array(), "{all}");
    }
    let one = json(&dir.ok(&[&["sample", "nlp", "--json"][..], &small].concat()));
    assert_eq!(one, all["nlp"]);
    // What was done before an error is there, too.
    let raw = dir.path("data/raw/recsys/tables/interactions.csv");
    std::fs::write(raw, "user_id\n1\n").unwrap();
    let ran = dir.run(&["prepare", "all", "--json"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let done = json(&ran.stdout);
    assert!(
        done["nlp"].is_object() && done.get("recsys").is_none(),
        "{done}"
    );
    assert_eq!(json(ran.stderr.lines().last().unwrap())["exit"], 4);
    for args in [&["train", "--json"][..], &["--json", "trian", "nlp"]] {
        let ran = dir.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(json(&ran.stderr)["error"].is_string(), "{ran:?}");
    }
    let ran = dir.command(&["trian"]).env("EASYLIFE_JSON", "1").output();
    assert_eq!(
        json(&String::from_utf8(ran.unwrap().stderr).unwrap())["exit"],
        2
    );
}

#[test]
fn quiet_says_only_what_is_wrong() {
    let dir = Workdir::project();
    let small = ["-q", "-S", "nlp.sample.rows=400"];
    for verb in ["sample", "validate", "prepare", "train", "evaluate", "gate"] {
        let ran = dir.run(&[&[verb, "nlp"][..], &small].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{verb}: {ran:?}");
    }
    // A verdict that is bad is said, and so is what was asked for.
    let ran = dir.run(&["gate", "nlp", "-q", "-S", "nlp.gate.accuracy.min=0.999"]);
    assert_eq!(ran.code, 3);
    assert!(ran.stdout.contains("NOT MET accuracy"), "{ran:?}");
    assert!(!dir.ok(&["explain", "nlp", "fine", "-q"]).is_empty());
    assert!(!dir.ok(&["evaluate", "nlp", "-q", "--json"]).is_empty());
}

#[test]
fn help_names_only_what_is_built() {
    let help = Workdir::empty().ok(&["--help"]);
    assert!(help.contains("predict") && help.contains("Exit codes"));
    for absent in ["monitor", "retrain"] {
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
        text.contains("model of    nlp") && text.contains("negative, positive"),
        "{text}"
    );
    for line in [
        "expects     text (text)",
        "chosen      ",
        "because     the best of ",
        "log loss 0.",
        "measured    not yet; run `easylife evaluate nlp`",
        "trained on  480 rows of data/processed/nlp/train.csv (sha256 ",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(
        !text.contains("tensor ") && !text.contains("details "),
        "{text}"
    );
    let raw = dir.ok(&["inspect", "models/nlp.safetensors", "-v"]);
    assert!(
        raw.contains("\ntensor ") && raw.contains("\ndetails "),
        "{raw}"
    );
    // By the task's name, and with how good it was once that is known.
    assert_eq!(dir.ok(&["inspect", "nlp"]), text);
    dir.ok(&["evaluate", "nlp"]);
    let measured = dir.ok(&["inspect", "nlp"]);
    assert!(measured.contains("\nmeasured    accuracy 0."), "{measured}");
    assert!(measured.contains("(baseline 0."), "{measured}");
    dir.ok(&["train", "nlp", "-S", "nlp.model.C=1"]);
    let other = dir.ok(&["inspect", "nlp"]);
    assert!(
        other.contains("metrics/nlp.json is about another model"),
        "{other}"
    );
    assert!(other.contains("regression with C 1\n"), "{other}");
    let error = dir.fails(2, &["inspect", "ts"]);
    assert!(error.contains("`easylife train ts`"), "{error}");
    dir.ok(&["train", "nlp"]);
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

/// Runs a script of bash with `$easylife` in the project.
fn bash(dir: &Workdir, script: &str) -> std::process::Output {
    std::process::Command::new("bash")
        .args(["-c", script])
        .env("easylife", env!("CARGO_BIN_EXE_easylife"))
        .current_dir(dir.path(""))
        .output()
        .unwrap()
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_named() {
    let dir = Workdir::trained();
    dir.write("in.csv", "text\na good film\n");
    for call in [
        "profile in.csv",
        "inspect models/nlp.safetensors",
        "predict nlp -i in.csv -o -",
        "man",
        "gate nlp",
    ] {
        if call == "gate nlp" {
            dir.ok(&["evaluate", "nlp"]);
        }
        let output = bash(&dir, &format!("\"$easylife\" {call} > /dev/full"));
        assert_eq!(output.status.code(), Some(1), "{call}");
        let expected = "error: cannot write stdout: No space left on device";
        assert!(
            said(&output).starts_with(expected),
            "{call}: {}",
            said(&output)
        );
    }
}

#[test]
fn a_limit_of_file_sizes_is_a_full_disk() {
    let dir = Workdir::trained();
    let rows: String = "text\n".to_owned() + &"a good film\n".repeat(20_000);
    dir.write("in.csv", rows);
    for (call, file) in [
        ("predict nlp -i in.csv -o out.csv", ".out.csv.part"),
        ("predict nlp -i in.csv -o out.parquet", "part"),
        ("train nlp", "models/nlp.safetensors"),
    ] {
        let output = bash(&dir, &format!("ulimit -f 4; \"$easylife\" {call}"));
        assert_eq!(output.status.code(), Some(1), "{call}: {}", said(&output));
        let message = said(&output);
        assert!(
            message.contains("cannot write") && message.contains(file),
            "{call}: {message}"
        );
        assert!(message.contains("File too large"), "{call}: {message}");
        // What cannot be resumed is gone.
        let left = dir.names(".");
        assert!(
            !left.iter().any(|name| name.starts_with(".out")),
            "{call}: {left:?}"
        );
    }
    dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", "out.csv"]);
}

#[test]
fn an_output_that_is_a_link_is_followed() {
    let dir = Workdir::trained();
    dir.write("in.csv", "text\na good film\n");
    dir.write("far/there.csv", "");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, dir.path(name)).unwrap();
    link("far/there.csv", "out.csv");
    link("far/not-yet.json", "profile.json");
    dir.ok(&["predict", "nlp", "-i", "in.csv", "-o", "out.csv"]);
    dir.ok(&["profile", "in.csv", "-o", "profile.json"]);
    std::fs::rename(dir.path("models/nlp.safetensors"), dir.path("far/model")).unwrap();
    link("../far/model", "models/nlp.safetensors");
    dir.write("far/model", "");
    dir.ok(&["train", "nlp"]);
    for (name, there) in [
        ("out.csv", "far/there.csv"),
        ("profile.json", "far/not-yet.json"),
        ("models/nlp.safetensors", "far/model"),
    ] {
        assert!(dir.path(name).is_symlink(), "{name}");
        assert!(!dir.bytes(there).is_empty(), "{there}");
    }
    assert_eq!(dir.names("far"), ["model", "not-yet.json", "there.csv"]);
}

#[test]
fn no_message_steers_a_terminal() {
    let dir = Workdir::project();
    dir.write("a\x1b[31m.csv", "t\x1b[2Jext,label\na,b\n");
    for args in [
        &["profile", "a\x1b[31m.csv"][..],
        &["prepare", "nlp", "-S", "nlp.data.source=a\x1b[31m.csv"],
        &["prepare", "nlp", "-S", "nlp.data.source=\x1b]0;x\x07.csv"],
        &["train", "nlp", "-S", "\x1b[31m=1"],
        &["\x1b[31m"],
        &["predict", "\u{9b}31m", "-o", "-"],
    ] {
        let ran = dir.run(args);
        let text = ran.stdout + &ran.stderr;
        let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
        assert!(!text.contains(steers), "{args:?}: {text:?}");
    }
}

/// The file system of macOS has no such names.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_work_in_every_verb() {
    let dir = Workdir::trained();
    let script = r#"
        set -e
        name=$(printf 'caf\351')
        printf 'text,label\na good film,pos\n' > "$name.csv"
        "$easylife" profile "$name.csv" -o "$name.json" > /dev/null; test -s "$name.json"
        "$easylife" predict nlp -i "$name.csv" -o "$name-out.csv" > /dev/null; test -s "$name-out.csv"
        cp models/nlp.safetensors "$name.safetensors"
        "$easylife" inspect "$name.safetensors" > /dev/null
        "$easylife" predict nlp -i "$name.csv" -m "$name.safetensors" -o - > /dev/null
        cp -r . "/tmp/$$-$name"; trap 'rm -rf "/tmp/$$-$name"' EXIT
        "$easylife" train nlp --project "/tmp/$$-$name" > /dev/null
        mkdir "$name-folder"
        head -n 101 data/raw/nlp/reviews.csv > "$name-folder/$name.csv"
        "$easylife" prepare nlp -S 'nlp.data.source=caf\xE9-folder'
        "$easylife" validate nlp -S 'nlp.data.source=caf\xE9-folder/caf\xE9.csv' > /dev/null
    "#;
    let output = bash(&dir, script);
    assert!(output.status.success(), "{}", said(&output));
    let prepared = String::from_utf8(output.stdout).unwrap();
    assert!(prepared.starts_with("data/processed/nlp: "), "{prepared}");
    let message = dir.fails(1, &["profile", "caf\\xE9-none.csv"]);
    assert!(message.contains("caf\\xE9-none.csv"), "{message}");
}
