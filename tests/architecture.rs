//! The arrows between the modules of the root package, `bin -> cli -> tasks -> verbs -> the rest` (DESIGN:
//! Layout). Those between crates are held by Cargo.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module, and those of the package that it may name beside itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("tasks", TASKS),
    ("train", VERB),
    ("eval", VERB),
    ("predict", VERB),
    ("explain", VERB),
    ("pipeline", VERB),
    ("inspect", VERB),
    ("task", &["classes", "columns", "params", "project", "exit"]),
    ("classes", &["params"]),
    ("columns", &["exit"]),
    ("project", &["params", "exit"]),
    ("exit", &["params", "interrupt"]),
    ("params", &[]),
    ("report", &[]),
    ("talk", &[]),
    ("outcome", &[]),
    ("interrupt", &[]),
];

/// What a verb may name: everything below the verbs; no task, and no other verb.
const VERB: &[&str] = &[
    "classes",
    "columns",
    "exit",
    "interrupt",
    "outcome",
    "params",
    "project",
    "report",
    "talk",
    "task",
];

/// A task implements the traits of the verbs.
const TASKS: &[&str] = &[
    "train", "eval", "predict", "explain", "inspect", "pipeline", "classes", "columns", "exit",
    "outcome", "params", "project", "report", "talk", "task",
];

/// Crates that one module keeps to itself.
const OWNED: &[(&str, &str)] = &[("clap", "cli"), ("indicatif", "talk")];

fn sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    collect(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path(),
        &mut found,
    );
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, PathBuf, String)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let within = path
                .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
                .unwrap();
            let top = within
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_str()
                .unwrap();
            let text = fs::read_to_string(&path).unwrap();
            found.push((
                top.trim_end_matches(".rs").to_owned(),
                path.clone(),
                code(&text),
            ));
        }
    }
}

/// The text without comments.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Top-level modules that a source names by `crate::x`, `crate::{x, y}` included.
fn named(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let mut depth = 1;
        let mut item = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                names.push(word(item.trim()));
                item.clear();
                if depth == 0 {
                    break;
                }
            } else {
                item.push(c);
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == module) else {
            assert!(
                ["lib", "bin", "cli"].contains(&module.as_str()),
                "{module}: say what it may name"
            );
            continue;
        };
        for name in named(&text) {
            let known = ALLOWED.iter().any(|(module, _)| *module == name) || name == "cli";
            if known && name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: {module} names {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_crate_that_one_module_owns_is_named_nowhere_else() {
    for (module, path, text) in sources() {
        for (owned, owner) in OWNED {
            let uses = text.contains(&format!("{owned}::"));
            assert!(
                !uses || module == *owner,
                "{}: {owned} belongs to {owner}",
                path.display()
            );
        }
    }
}

#[test]
fn only_the_table_of_tasks_matches_over_tasks() {
    for (_, path, text) in sources() {
        let arms: usize = ["Nlp", "Cv", "Recsys"]
            .iter()
            .map(|task| text.matches(&format!("Name::{task} =>")).count())
            .sum();
        assert!(
            arms == 0 || path.ends_with("tasks/mod.rs"),
            "{}: use for_task!",
            path.display()
        );
    }
}
