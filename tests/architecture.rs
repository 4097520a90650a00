//! The arrows between the modules of the root package, `bin -> cli -> tasks -> verbs -> the rest` (DESIGN:
//! Layout). Those between crates are held by Cargo.

#[path = "support/arrows.rs"]
mod arrows;

use std::path::Path;

use arrows::Source;

/// Each module, and those of the package that it may name beside itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("tasks", TASKS),
    ("train", VERB),
    ("eval", VERB),
    ("predict", VERB),
    ("serve", VERB),
    ("explain", VERB),
    ("export", VERB),
    ("pipeline", VERB),
    ("inspect", VERB),
    ("monitor", VERB),
    ("runs", VERB),
    ("registry", VERB),
    (
        "task",
        &["classes", "columns", "params", "project", "memory", "exit"],
    ),
    ("classes", &["params"]),
    ("columns", &["exit"]),
    ("project", &["params", "exit"]),
    ("exit", &["params", "interrupt"]),
    ("params", &[]),
    ("report", &[]),
    ("talk", &[]),
    ("outcome", &[]),
    ("interrupt", &[]),
    ("settings", &["params", "exit"]),
    ("memory", &["params", "project", "settings", "talk", "exit"]),
];

/// What a verb may name: everything below the verbs; no task, and no other verb.
const VERB: &[&str] = &[
    "classes",
    "columns",
    "exit",
    "interrupt",
    "memory",
    "outcome",
    "params",
    "project",
    "report",
    "settings",
    "talk",
    "task",
];

/// A task implements the traits of the verbs.
const TASKS: &[&str] = &[
    "train", "eval", "predict", "serve", "explain", "export", "inspect", "pipeline", "classes",
    "columns", "exit", "memory", "outcome", "params", "project", "report", "talk", "task",
];

/// Crates that one module keeps to itself.
const OWNED: &[(&str, &str)] = &[("clap", "cli"), ("indicatif", "talk")];

fn sources() -> Vec<Source> {
    arrows::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[test]
fn arrows_point_down_only() {
    let wrong = arrows::wrong(&sources(), ALLOWED, &["lib", "bin", "cli"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_crate_that_one_module_owns_is_named_nowhere_else() {
    for source in sources() {
        for (owned, owner) in OWNED {
            let uses = source.code.contains(&format!("{owned}::"));
            assert!(
                !uses || source.module == *owner,
                "{}: {owned} belongs to {owner}",
                source.path.display()
            );
        }
    }
}

#[test]
fn only_the_table_of_tasks_matches_over_tasks() {
    for source in sources() {
        let is_arm = |task: &str| source.code.contains(&format!("Name::{task} =>"));
        assert!(
            !["Nlp", "Cv", "Recsys"].into_iter().any(is_arm)
                || source.path.ends_with("tasks/mod.rs"),
            "{}: use for_task!",
            source.path.display()
        );
    }
}
