//! `easylife serve` with several models of one task: weights, the header, shadows, and what is refused.
#![cfg(all(unix, feature = "serve"))]

#[path = "support/server.rs"]
mod server;
mod support;

use serde_json::{Value, json};
use server::Server;
use support::Workdir;

const NEXT: &str = "nlp@next=next.safetensors";

/// A project with a second model of texts.
fn with_second_model() -> Workdir {
    let dir = Workdir::trained();
    dir.write("next.safetensors", dir.another_model());
    dir
}

fn texts(texts: &[&str]) -> Value {
    json!({"inputs": [{"name": "text", "datatype": "BYTES", "shape": [texts.len()], "data": texts}]})
}

#[test]
fn an_arm_answers_its_share_in_every_dialect() {
    let dir = with_second_model();
    let args = ["nlp", "-m", NEXT, "--weight", "nlp@next=100"];
    let server = Server::start(&dir, &args);
    let answer = server.ask("/v2/models/nlp/infer", &texts(&["works great"]));
    let own = server.ask("/v2/models/nlp@next/infer", &texts(&["works great"]));
    assert_eq!(answer.json()["model_version"], own.json()["model_version"]);
    assert_eq!(answer.header("x-arm"), Some("next"));
    let confidence = &own.json()["outputs"][1]["data"][0];
    let platform = server.ask("/predict", &json!({"text": "works great"}));
    assert_eq!(&platform.json()["confidence"], confidence);
    assert_eq!(platform.header("x-arm"), Some("next"));
    let table = server.post(
        "/v1/nlp",
        "application/json",
        r#"[{"text": "works great"}]"#,
    );
    assert_eq!(&table.json()[0]["probability"], confidence);
    let report = server.get("/arms").json();
    assert_eq!(report["models"][0]["arms"][0]["weight"], 100.0, "{report}");
}

#[test]
fn a_shadow_that_is_not_there_is_told_and_its_differences_are_counted_once_it_is() {
    let dir = with_second_model();
    let bytes = dir.bytes("next.safetensors");
    std::fs::remove_file(dir.path("next.safetensors")).unwrap();
    let args = [
        "nlp",
        "-m",
        NEXT,
        "--shadow",
        "nlp@next",
        "--reload-interval",
        "20ms",
    ];
    let mut server = Server::start(&dir, &args);
    server.wait_for("warning", |server| {
        server.said().contains("goes on without this shadow")
    });
    assert_eq!(server.get("/v2/health/ready").status, 200);
    dir.write("part", bytes);
    std::fs::rename(dir.path("part"), dir.path("next.safetensors")).unwrap();
    server.wait_for("comparison", |server| {
        server.ask(
            "/v2/models/nlp/infer",
            &texts(&["works great", "broke at once"]),
        );
        let report = server.get("/arms").json();
        report["models"][0]["shadows"][0]["rows"]["close"].as_u64() > Some(0)
    });
}

#[test]
fn settings_come_from_the_file_too() {
    let dir = with_second_model();
    dir.write(
        "easylife.toml",
        "[serve]\ntasks = [\"nlp\"]\nmodels = {\"nlp@next\" = \"next.safetensors\"}\nweights = {\"nlp@next\" = 12.5}\n",
    );
    let checked: Value = serde_json::from_str(&dir.ok(&["serve", "--check", "--json"])).unwrap();
    let settings = &checked["settings"];
    assert_eq!(
        settings["weight"],
        json!({"value": "nlp@next=12.5", "source": settings["weight"]["source"]})
    );
    assert!(
        settings["weight"]["source"]
            .as_str()
            .unwrap()
            .contains("easylife.toml:4"),
        "{settings}"
    );
    assert_eq!(checked["models"][1]["task"], "nlp@next");
}

#[test]
fn what_does_not_fit_is_refused_with_the_way_out() {
    let dir = with_second_model();
    for (args, expected) in [
        (
            &["-m", NEXT, "--weight", "nlp@nxt=10"][..],
            "did you mean `nlp@next`",
        ),
        (
            &["--weight", "nlp@next=10"],
            "name its model by -m nlp@next=FILE",
        ),
        (
            &["-m", NEXT, "--weight", "nlp@next=120"],
            "0 to 100 percent",
        ),
        (
            &["-m", NEXT, "--weight", "nlp@next"],
            "is not TASK@ARM=PERCENT",
        ),
        (
            &[
                "-m",
                NEXT,
                "--weight",
                "nlp@next=10",
                "--shadow",
                "nlp@next",
            ],
            "one of the two",
        ),
        (
            &["-m", "nlp@main=next.safetensors"],
            "the model of the task itself",
        ),
        (&["-m", "nlp@=next.safetensors"], "no name of an arm"),
        (&["-m", "nlp@a/b=next.safetensors"], "no name of an arm"),
        (&["-m", NEXT, "-m", NEXT], "two models of nlp@next"),
        (&["-m", "nlq@a=next.safetensors"], "nlq"),
        (
            &["-m", "ts@a=next.safetensors"],
            "not among the tasks to serve",
        ),
    ] {
        let said = dir.fails(2, &[&["serve", "nlp", "--check"], args].concat());
        assert!(said.contains(expected), "{args:?}: {said}");
    }
    // A file that is no model of the task.
    dir.write("broken", "x");
    let said = dir.fails(1, &["serve", "nlp", "--check", "-m", "nlp@next=broken"]);
    assert!(said.contains("broken"), "{said}");
}
