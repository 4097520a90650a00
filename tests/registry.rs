//! `easylife registry`: versions and aliases of models, the history of both, and models used by their names.

#[cfg(feature = "serve")]
#[path = "support/server.rs"]
mod server;
mod support;

use serde_json::Value;
use support::Workdir;

/// A project with a model that was evaluated and added.
fn added() -> Workdir {
    let dir = Workdir::trained();
    dir.ok(&["evaluate", "nlp"]);
    dir.ok(&["registry", "add", "nlp"]);
    dir
}

/// Another model of the same name, version 2, without an evaluation.
fn with_another() -> Workdir {
    let dir = added();
    let other = dir.another_model();
    dir.write("other.safetensors", other);
    dir.ok(&["registry", "add", "other.safetensors"]);
    dir
}

fn json(dir: &Workdir, args: &[&str]) -> Value {
    serde_json::from_str(&dir.ok(&[&["--json"], args].concat())).unwrap()
}

fn predicted(dir: &Workdir, args: &[&str]) -> String {
    dir.ok(&[&["predict", "nlp", "fine", "--json"], args].concat())
}

#[test]
fn a_version_has_what_it_was_made_of_and_how_good_it_is() {
    let dir = Workdir::trained();
    let said = dir.ok(&["registry", "add", "nlp"]);
    assert!(said.contains("is version 1 of nlp"), "{said}");
    assert!(said.contains("not evaluated yet"), "{said}");
    dir.ok(&["evaluate", "nlp"]);
    let said = dir.ok(&["registry", "add", "nlp"]);
    assert!(said.contains("is already version 1 of nlp"), "{said}");
    let version = &json(&dir, &["registry", "show", "nlp@1"]);
    let model = files::digest::file(&dir.path("models/nlp.safetensors")).unwrap();
    let part = files::digest::file(&dir.path("data/processed/nlp/train.csv")).unwrap();
    assert_eq!(version["sha256"], model.as_str());
    assert_eq!(version["lineage"]["data"][0]["sha256"], part.as_str());
    let run = &json(&dir, &["runs", "show", "latest"])["same_model"][0]["id"];
    assert_eq!(&version["lineage"]["run"], run);
    let metrics = dir.json("metrics/nlp.json");
    let accuracy = version["evaluated"].as_array().unwrap().iter();
    let accuracy = accuracy
        .clone()
        .find(|metric| metric["name"] == "accuracy")
        .unwrap();
    assert_eq!(accuracy["value"], metrics["accuracy"]);
    // Without records: from the metrics file, and the model's own header.
    std::fs::remove_dir_all(dir.path(".easylife")).unwrap();
    dir.ok(&["registry", "add", "nlp", "--name", "texts"]);
    let version = &json(&dir, &["registry", "show", "texts@1"]);
    assert_eq!(version["lineage"]["data"][0]["sha256"], part.as_str());
    assert_eq!(version["evaluated"].as_array().unwrap().len(), {
        let names = dir.ok(&["registry", "show", "texts@1"]);
        names.lines().filter(|line| line.starts_with("  ")).count()
    });
}

/// A promotion to `champion` by a job.
fn promote<'a>(version: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let args = [
        "registry",
        "promote",
        "nlp@champion",
        version,
        "--who",
        "ci",
    ];
    [&args[..], more].concat()
}

#[test]
fn aliases_move_and_come_back_and_the_log_says_who_had_them_when() {
    let dir = with_another();
    dir.ok(&promote("1", &["--note", "the first"]));
    let before = jiff::Timestamp::now().to_string();
    // The other one was not evaluated.
    let said = dir.fails(2, &promote("2", &["--if-better", "accuracy"]));
    assert!(said.contains("accuracy"), "{said}");
    dir.ok(&promote("latest", &[]));
    let list = dir.ok(&["registry"]);
    assert!(
        list.lines()
            .any(|line| line.trim_start().starts_with("2 ") && line.ends_with("<- champion")),
        "{list}"
    );
    let at = json(&dir, &["registry", "log", "nlp@champion", "--at", &before]);
    assert_eq!(at["version"], 1);
    let now = json(
        &dir,
        &["registry", "log", "nlp@champion", "--at", "2999-01-01"],
    );
    assert_eq!(now["version"], 2);
    let none = json(
        &dir,
        &["registry", "log", "nlp@champion", "--at", "1999-01-01"],
    );
    assert_eq!(none["version"], Value::Null);
    dir.ok(&[
        "registry",
        "rollback",
        "nlp@champion",
        "--note",
        "worse on Mondays",
    ]);
    let log = dir.ok(&["registry", "log", "nlp@champion"]);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(
        lines[0].contains("promoted version 1 to champion: the first  by ci"),
        "{log}"
    );
    assert!(
        lines[2].contains("rolled champion back from version 2 to 1: worse on Mondays"),
        "{log}"
    );
    // A version in use cannot be retired, one that is retired not be promoted.
    let said = dir.fails(2, &["registry", "retire", "nlp@1"]);
    assert!(said.contains("champion"), "{said}");
    dir.ok(&["registry", "retire", "nlp@2", "--note", "too slow"]);
    assert!(dir.fails(2, &promote("2", &[])).contains("retired"));
    dir.ok(&["registry", "check"]);
}

#[test]
fn a_model_that_is_not_better_is_not_promoted() {
    let dir = added();
    dir.ok(&["registry", "promote", "nlp@champion", "1"]);
    // The same model under another version: a tie leaves the alias.
    dir.ok(&["registry", "add", "nlp", "--name", "other"]);
    dir.write("copy.safetensors", dir.bytes("models/nlp.safetensors"));
    dir.ok(&["train", "nlp", "-S", "nlp.model.calibrate=false"]);
    dir.ok(&["evaluate", "nlp", "-S", "nlp.model.calibrate=false"]);
    dir.ok(&["registry", "add", "nlp"]);
    let said = dir.fails(
        3,
        &[
            "registry",
            "promote",
            "nlp@champion",
            "2",
            "--if-better",
            "accuracy",
        ],
    );
    assert!(
        said.contains("accuracy") && said.contains("better"),
        "{said}"
    );
    assert_eq!(
        json(&dir, &["registry", "show", "nlp@champion"])["number"],
        1
    );
    // Which way is better must be known.
    let said = dir.fails(
        2,
        &[
            "registry",
            "promote",
            "nlp@champion",
            "2",
            "--if-better",
            "rows",
        ],
    );
    assert!(said.contains("rows:higher"), "{said}");
    let ran = dir.run(&[
        "registry",
        "promote",
        "nlp@champion",
        "2",
        "--if-better",
        "rows:lower",
    ]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let ran = dir.run(&[
        "registry",
        "promote",
        "nlp@next",
        "2",
        "--if-better",
        "log_loss",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn models_are_used_by_their_names() {
    let dir = with_another();
    dir.ok(&["registry", "promote", "nlp@champion", "1"]);
    let first = predicted(&dir, &["-m", "models/nlp.safetensors"]);
    let second = predicted(&dir, &["-m", "other.safetensors"]);
    assert_ne!(first, second);
    assert_eq!(predicted(&dir, &["-m", "nlp@champion"]), first);
    assert_eq!(predicted(&dir, &["-m", "nlp@2"]), second);
    dir.ok(&["registry", "promote", "nlp@champion", "2"]);
    assert_eq!(predicted(&dir, &["-m", "nlp@champion"]), second);
    dir.write("in.csv", "text\nfine\nawful\n");
    dir.ok(&[
        "predict",
        "nlp",
        "-m",
        "nlp@champion",
        "-i",
        "in.csv",
        "-o",
        "a.csv",
    ]);
    dir.ok(&[
        "predict",
        "nlp",
        "-m",
        "other.safetensors",
        "-i",
        "in.csv",
        "-o",
        "b.csv",
    ]);
    assert_eq!(dir.read("a.csv"), dir.read("b.csv"));
    assert_eq!(
        dir.ok(&["explain", "nlp", "fine", "-m", "nlp@champion"]),
        dir.ok(&["explain", "nlp", "fine", "-m", "other.safetensors"])
    );
    dir.ok(&["registry", "get", "nlp@champion", "-o", "out.safetensors"]);
    assert_eq!(dir.bytes("out.safetensors"), dir.bytes("other.safetensors"));
    // From elsewhere, by the folder of the store.
    let elsewhere = Workdir::empty();
    let store = dir.path(".easylife/store").display().to_string();
    assert_eq!(
        predicted(&elsewhere, &["-m", "nlp@champion", "--store", &store]),
        second
    );
    let said = elsewhere.fails(2, &["predict", "nlp", "fine", "-m", "nlp@champion"]);
    assert!(
        said.contains("no registry: name its folder with --store"),
        "{said}"
    );
    let said = dir.fails(2, &["predict", "nlp", "fine", "-m", "nlp@champoin"]);
    assert!(said.contains("champion"), "{said}");
    let said = dir.fails(2, &["registry", "show", "nlp@9"]);
    assert!(said.contains('9'), "{said}");
    // A damaged model is not used.
    let objects = dir.tree(".easylife/store/models");
    let (name, mut bytes) = objects
        .into_iter()
        .find(|(name, _)| {
            let sha = json(&dir, &["registry", "show", "nlp@2"])["sha256"]
                .as_str()
                .unwrap()
                .to_owned();
            name.contains(&sha)
        })
        .unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    dir.write(&name, bytes);
    let said = dir.fails(4, &["predict", "nlp", "fine", "-m", "nlp@champion"]);
    assert!(said.contains("damaged"), "{said}");
    assert_eq!(dir.run(&["registry", "check"]).code, 4);
}

#[test]
fn signed_models_are_verified_before_they_are_used() {
    let dir = Workdir::trained();
    let said = dir.ok(&["keys", "new", "release.key"]);
    assert!(said.contains("release.key.pub"), "{said}");
    let private = dir.read("release.key");
    assert!(!said.contains(private.lines().nth(1).unwrap()), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path("release.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(
        dir.fails(2, &["keys", "new", "release.key"])
            .contains("exist")
    );
    dir.ok(&["registry", "add", "nlp", "--sign", "release.key"]);
    let trusted = ["--trusted-key", "release.key.pub"];
    let verify = [
        &["verify-signature", "models/nlp.safetensors"],
        &trusted[..],
    ]
    .concat();
    assert!(dir.ok(&verify).contains("signed by a trusted key"));
    let required = [&["--require-signature"], &trusted[..]].concat();
    let plain = predicted(&dir, &[]);
    assert_eq!(predicted(&dir, &required), plain);
    assert_eq!(
        predicted(&dir, &[&["-m", "nlp@1"], &required[..]].concat()),
        plain
    );
    // The history is signed from its first entry on, and a key is needed to go on.
    let said = dir.fails(2, &["registry", "promote", "nlp@champion", "1"]);
    assert!(said.contains("give a private key"), "{said}");
    dir.ok(&[
        "registry",
        "promote",
        "nlp@champion",
        "1",
        "--key",
        "release.key",
    ]);
    dir.ok(&[&["registry", "check"], &trusted[..]].concat());
    // Another key is not trusted, none is not enough, and a changed file is refused.
    dir.ok(&["keys", "new", "other.key"]);
    let other = ["--trusted-key", "other.key.pub", "--require-signature"];
    for model in ["models/nlp.safetensors", "nlp@champion"] {
        let args = [&["predict", "nlp", "fine", "-m", model], &other[..]].concat();
        let said = dir.fails(4, &args);
        assert!(said.contains("key"), "{said}");
    }
    let said = dir.fails(2, &["predict", "nlp", "fine", "--require-signature"]);
    assert!(said.contains("no key is trusted"), "{said}");
    let mut bytes = dir.bytes("models/nlp.safetensors");
    bytes[100] ^= 1;
    dir.write("models/nlp.safetensors", &bytes);
    dir.fails(4, &verify);
    dir.fails(4, &[&["predict", "nlp", "fine"], &required[..]].concat());
    std::fs::remove_file(dir.path("models/nlp.safetensors.sig")).unwrap();
    dir.fails(4, &verify);
}

#[test]
fn an_edited_history_is_found() {
    let dir = with_another();
    dir.ok(&["registry", "promote", "nlp@champion", "1"]);
    dir.ok(&["registry", "promote", "nlp@champion", "2"]);
    let head = dir.ok(&["registry", "check", "--json"]);
    dir.write("head.json", &head);
    let entry = ".easylife/store/history/00000003.json";
    let text = dir.read(entry);
    assert!(text.contains("\"version\":1"), "{text}");
    dir.write(entry, text.replace("\"version\":1", "\"version\":2"));
    for args in [
        &["registry", "check"][..],
        &["registry", "log"],
        &["predict", "nlp", "x", "-m", "nlp@champion"],
    ] {
        assert_eq!(dir.run(args).code, 4, "{args:?}");
    }
    dir.write(entry, &text);
    dir.ok(&["registry", "check", "--since", "head.json"]);
    // An older copy of all of it is whole in itself; the head that was kept tells.
    std::fs::remove_file(dir.path(".easylife/store/history/00000004.json")).unwrap();
    assert_eq!(
        dir.run(&["registry", "check", "--since", "head.json"]).code,
        4
    );
}

#[test]
fn the_lineage_goes_from_the_data_to_where_the_model_was_used() {
    let dir = added();
    dir.ok(&[
        "registry",
        "promote",
        "nlp@champion",
        "1",
        "--note",
        "<b>best</b>",
    ]);
    let text = dir.ok(&["registry", "lineage", "nlp", "-o", "lineage.html"]);
    for word in [
        "data",
        "-> parameters",
        "-> easylife",
        "-> model",
        "-> champion",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let page = dir.read("lineage.html");
    assert!(page.contains("nlp, version 1") && !page.contains("<b>best</b>"));
    let lineage = json(&dir, &["registry", "lineage", "nlp@champion"]);
    assert_eq!(lineage["served"][0]["alias"], "champion");
    assert_eq!(lineage["served"][0]["to"], Value::Null);
}

#[test]
fn a_backup_is_restored_whole_or_not_at_all() {
    let dir = with_another();
    dir.ok(&["registry", "promote", "nlp@champion", "2"]);
    for to in ["backup.tar", "backup"] {
        dir.ok(&["registry", "backup", to]);
        let other = Workdir::empty();
        let from = dir.path(to).display().to_string();
        other.ok(&["registry", "restore", &from, "--store", "store"]);
        let store = ["--store", "store"];
        let show = [&["registry", "show", "nlp@champion"], &store[..]].concat();
        assert!(other.ok(&show).contains("version 2 of nlp"));
        other.ok(&[&["registry", "check"], &store[..]].concat());
        // Not over another one.
        let said = other.run(&["registry", "restore", &from, "--store", "store"]);
        assert_ne!(said.code, 0, "{said:?}");
    }
    let tar = dir.bytes("backup.tar");
    dir.write("half.tar", &tar[..tar.len() / 2]);
    let said = dir.fails(4, &["registry", "restore", "half.tar", "--store", "new"]);
    assert!(said.contains("half.tar"), "{said}");
    assert!(
        dir.fails(2, &["registry", "--store", "new"])
            .contains("no registry")
    );
}

#[test]
fn two_promotions_at_once_are_one_after_the_other() {
    let dir = with_another();
    let children: Vec<_> = (0..8)
        .map(|number| {
            let alias = format!("nlp@a{number}");
            dir.command(&["registry", "promote", &alias, "1", "-q"])
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let list = dir.ok(&["registry"]);
    assert!(
        (0..8).all(|number| list.contains(&format!("a{number}"))),
        "{list}"
    );
    dir.ok(&["registry", "check"]);
}

#[cfg(feature = "serve")]
#[test]
fn a_server_serves_an_alias_and_follows_it_without_a_failed_request() {
    let dir = with_another();
    dir.ok(&["registry", "promote", "nlp@champion", "1"]);
    let mut server =
        server::Server::start(&dir, &["-m", "nlp@champion", "--reload-interval", "50ms"]);
    let answer = |server: &server::Server| {
        let response = server.post("/v1/nlp", "text/csv", "text\nfine\n");
        assert_eq!(response.status, 200, "{response:?}");
        response.text().to_owned()
    };
    let first = answer(&server);
    dir.ok(&["registry", "promote", "nlp@champion", "2"]);
    server.wait_for("the second model", |server| answer(server) != first);
    dir.ok(&["registry", "rollback", "nlp@champion"]);
    server.wait_for("the first model", |server| answer(server) == first);
    // An alias that points nowhere any more: what was served before goes on.
    dir.ok(&["registry", "unset", "nlp@champion"]);
    server.wait_for("a warning", |server| {
        server.said().contains("goes on serving")
    });
    assert_eq!(answer(&server), first);
}

#[cfg(feature = "serve")]
#[test]
fn a_server_that_requires_signatures_starts_with_signed_models_only() {
    let dir = Workdir::trained();
    dir.ok(&["keys", "new", "release.key"]);
    let check = |more: &[&str]| {
        let args = ["serve", "nlp", "--check", "--require-signature", "true"];
        dir.run(&[&args[..], more].concat())
    };
    let trusted = ["--trusted-key", "release.key.pub"];
    assert_eq!(check(&trusted).code, 4);
    dir.ok(&["registry", "add", "nlp", "--sign", "release.key"]);
    dir.ok(&[
        "registry",
        "promote",
        "nlp@champion",
        "1",
        "--key",
        "release.key",
    ]);
    assert_eq!(check(&trusted).code, 0, "{:?}", check(&trusted));
    assert_eq!(check(&[]).code, 2);
    let named = [&["-m", "nlp@champion"], &trusted[..]].concat();
    assert_eq!(check(&named).code, 0, "{:?}", check(&named));
    dir.write(
        "easylife.toml",
        "[registry]\ntrusted-keys = [\"release.key.pub\"]\n\n[serve]\nrequire-signature = true\nmodels = {nlp = \"nlp@champion\"}\n",
    );
    let said = dir.ok(&["serve", "--check"]);
    assert!(said.contains("nlp@champion"), "{said}");
}

/// The signature was not looked at: a model whose signature came after it was never served.
#[cfg(feature = "serve")]
#[test]
fn a_server_takes_a_new_model_when_its_signature_has_come() {
    let dir = Workdir::trained();
    let signed = |model: &str| dir.ok(&["registry", "add", model, "--sign", "release.key"]);
    dir.ok(&["keys", "new", "release.key"]);
    let other = dir.another_model();
    dir.write("other.safetensors", &other);
    signed("models/nlp.safetensors");
    signed("other.safetensors");
    let args = [
        "nlp",
        "--require-signature",
        "true",
        "--trusted-key",
        "release.key.pub",
        "--reload-interval",
        "50ms",
    ];
    let mut server = server::Server::start(&dir, &args);
    let answer = |server: &server::Server| {
        server
            .post("/v1/nlp", "text/csv", "text\nfine\n")
            .text()
            .to_owned()
    };
    let first = answer(&server);
    dir.write("models/nlp.safetensors", &other);
    server.wait_for("a refusal", |server| {
        server.said().contains("goes on serving")
    });
    assert_eq!(answer(&server), first);
    dir.write(
        "models/nlp.safetensors.sig",
        dir.bytes("other.safetensors.sig"),
    );
    server.wait_for("the second model", |server| answer(server) != first);
}
