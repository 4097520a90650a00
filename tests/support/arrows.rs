//! Which modules of a package name which: Cargo holds the arrows between crates, not those within one.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file.
pub struct Source {
    /// The top-level module that it belongs to.
    pub module: String,
    pub path: PathBuf,
    /// Its text without comments.
    pub code: String,
}

/// The sources below `src`.
pub fn sources(src: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let top = path.strip_prefix(src).unwrap().iter().next().unwrap();
                found.push(Source {
                    module: top.to_str().unwrap().trim_end_matches(".rs").to_owned(),
                    code: without_comments(&fs::read_to_string(&path).unwrap()),
                    path,
                });
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap().to_owned() + "\n";
    text.lines().map(code).collect()
}

/// Names behind `crate::` that `allowed` does not give to their module: it lists each module with those that it
/// may name beside itself. Modules of `above` may name all.
pub fn wrong(sources: &[Source], allowed: &[(&str, &[&str])], above: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let module = source.module.as_str();
        let Some((_, below)) = allowed.iter().find(|(name, _)| *name == module) else {
            assert!(above.contains(&module), "{module}: say what it may name");
            continue;
        };
        for name in named(&source.code) {
            let is_module =
                above.contains(&name) || allowed.iter().any(|(known, _)| *known == name);
            if is_module && name != module && !below.contains(&name) {
                wrong.push(format!("{}: {module} names {name}", source.path.display()));
            }
        }
    }
    wrong
}

/// The first names behind `crate::`.
fn named(code: &str) -> impl Iterator<Item = &str> {
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        assert!(!rest.starts_with('{'), "write a `use` for each module");
        name
    })
}
