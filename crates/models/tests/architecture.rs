//! Checks that the imports of this crate form no cycle, neither between files nor between folders.
//!
//! Every `crate::...` and `super::...` path of a source is resolved to the file it names, through
//! the `pub use` of the folders on its way. Each such dependency is then one between two entries of
//! the folder that contains both files, and no folder may have a cycle among its entries. Tests are
//! ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A file as its module path; `mod.rs` and `lib.rs` are the last entry `mod` of their folder.
type File = Vec<String>;

/// The entry of a folder for its own `mod.rs`.
const FACE: &str = "mod";

#[test]
fn imports_form_no_cycle() {
    let house = House::of(&read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))));
    assert!(house.files.len() > 60, "the sources were not found");
    let cycles = house.cycles();
    assert!(cycles.is_empty(), "{}", cycles.join("\n"));
}

#[test]
fn a_cycle_between_files_is_found() {
    let sources = [
        ("lib.rs", "pub mod a;\npub mod b;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "use super::{c, a::A};\npub struct B(Box<A>);"),
    ];
    assert_eq!(found(&sources), ["src: a -> b -> a"]);
}

#[test]
fn a_cycle_between_folders_is_found_behind_a_face() {
    let sources = [
        (
            "x/mod.rs",
            "mod deep;\npub use deep::{Deep, Other as Another};",
        ),
        ("x/deep.rs", "use crate::y::{self, plain::Plain};"),
        ("y/mod.rs", "pub mod plain;\npub mod user;"),
        ("y/plain.rs", "pub struct Plain;"),
        ("y/user.rs", "fn f() -> crate::x::Another {}"),
    ];
    assert_eq!(found(&sources), ["src: x -> y -> x"]);
    let within = [
        ("x/mod.rs", "pub mod a;\npub mod b;\npub use self::b::B;"),
        ("x/a.rs", "use super::B;"),
        ("x/b.rs", "use crate::x::a;"),
    ];
    assert_eq!(found(&within), ["src/x: a -> b -> a"]);
    let face = [
        (
            "x/mod.rs",
            "mod a;\npub use a::A;\npub struct X;\nfn f() { a::g() }",
        ),
        ("x/a.rs", "use super::X;"),
    ];
    assert_eq!(found(&face), ["src/x: a -> mod -> a"]);
}

#[test]
fn tests_and_comments_are_not_imports() {
    let sources = [
        ("lib.rs", "pub mod a;\npub mod b;\n#[cfg(test)]\nmod known;"),
        (
            "a.rs",
            "// use crate::b;\n/// See [`crate::b`].\npub struct A;\n#[cfg(test)]\nmod tests { use crate::b; }",
        ),
        ("b.rs", "use crate::a::A;"),
        ("known.rs", "use crate::b::B;"),
    ];
    assert_eq!(found(&sources), [""; 0]);
}

fn found(sources: &[(&str, &str)]) -> Vec<String> {
    let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    House::of(&sources.iter().map(owned).collect::<Vec<_>>()).cycles()
}

/// The sources in `folder`, their paths relative to it.
fn read(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let parts = path.strip_prefix(folder).unwrap().components();
                let parts: Vec<_> = parts
                    .map(|part| part.as_os_str().to_str().unwrap())
                    .collect();
                found.push((parts.join("/"), text));
            }
        }
    }
    found
}

/// The code of a source, without comments and test-only parts.
fn code(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap().trim());
    let text = lines.collect::<Vec<_>>().join("\n");
    let mut parts = text.split("#[cfg(test)]\n");
    let mut code = parts.next().unwrap().to_owned();
    for part in parts {
        // `mod name;` ends with its line; a module with a body ends the file.
        match part.split_once('\n') {
            Some((line, rest)) if line.ends_with(';') => code.push_str(rest),
            _ => break,
        }
    }
    code
}

/// Names of the modules that are compiled only for tests.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("#[cfg(test)]\nmod ").skip(1);
    parts
        .filter_map(|part| part.split_once(';'))
        .map(|(name, _)| name.trim())
}

struct House {
    /// Code of each file.
    files: BTreeMap<File, String>,
    /// For each folder's `mod.rs`, the re-exported paths by name.
    exports: BTreeMap<File, BTreeMap<String, Vec<String>>>,
}

impl House {
    fn of(sources: &[(String, String)]) -> House {
        let mut files = BTreeMap::new();
        let mut tests = BTreeSet::new();
        for (path, text) in sources {
            let mut file: File = path
                .trim_end_matches(".rs")
                .split('/')
                .map(str::to_owned)
                .collect();
            if let Some(last) = file.last_mut().filter(|last| *last == "lib") {
                *last = FACE.to_owned();
            }
            let folder = &file[..file.len() - 1];
            for name in test_modules(text) {
                tests.insert([folder, &[name.to_owned()]].concat());
            }
            files.insert(file, code(text));
        }
        files.retain(|file, _| !tests.contains(file));
        let mut exports = BTreeMap::new();
        for (face, text) in files
            .iter()
            .filter(|(file, _)| file.last().unwrap() == FACE)
        {
            let statements = text
                .split("pub use ")
                .skip(1)
                .filter_map(|rest| rest.split_once(';'));
            let paths = statements.flat_map(|(statement, _)| expand(statement));
            let named = paths.map(|mut path| {
                let name = path.pop().unwrap_or_default();
                let (from, to) = name.split_once(" as ").unwrap_or((&name, &name));
                path.push(from.to_owned());
                (to.to_owned(), path)
            });
            exports.insert(face.clone(), named.collect());
        }
        House { files, exports }
    }

    /// The file that `path` refers to from `folder`; `None` if it is not a module of this crate.
    fn resolve(&self, folder: &[String], path: &[String]) -> Option<File> {
        let mut at = folder.to_vec();
        let mut rest = path;
        while let Some((first, behind)) = rest.split_first() {
            let file = [&at[..], std::slice::from_ref(first)].concat();
            let face = [&at[..], &[first.clone(), FACE.to_owned()]].concat();
            let own = [&at[..], &[FACE.to_owned()]].concat();
            match first.as_str() {
                "self" => {}
                "super" => {
                    at.pop()?;
                }
                _ if self.files.contains_key(&face) => at.push(first.clone()),
                _ if self.files.contains_key(&file) => return Some(file),
                name => {
                    let handed_on = self.exports.get(&own).and_then(|exports| exports.get(name));
                    return match handed_on {
                        Some(path) if path.first() == Some(&"crate".to_owned()) => {
                            self.resolve(&[], &path[1..])
                        }
                        Some(path) if path != &[name.to_owned()] => self.resolve(&at, path),
                        _ => self.files.contains_key(&own).then_some(own),
                    };
                }
            }
            rest = behind;
        }
        at.push(FACE.to_owned());
        self.files.contains_key(&at).then_some(at)
    }

    /// Files that a file refers to, excluding itself.
    fn named(&self, file: &File) -> BTreeSet<File> {
        let text = &self.files[file];
        let folder = &file[..file.len() - 1];
        let mut named = BTreeSet::new();
        for (start, _) in text.match_indices("crate::") {
            for path in expand(&text[start + "crate::".len()..]) {
                named.extend(self.resolve(&[], &path));
            }
        }
        // In `mod.rs`, `super` is the parent folder; elsewhere it is the file's folder.
        let face = file.last().unwrap() == FACE;
        let above = if face {
            folder.split_last().map(|(_, above)| above)
        } else {
            Some(folder)
        };
        for (start, _) in text.match_indices("super::") {
            let Some(above) = above else { continue };
            for path in expand(&text[start + "super::".len()..]) {
                named.extend(self.resolve(above, &path));
            }
        }
        if face {
            named.extend(self.used_children(folder, text));
        }
        named.remove(file);
        named
    }

    /// Files of `folder` whose names a `mod.rs` writes before `::`, other than for re-exports.
    fn used_children(&self, folder: &[String], text: &str) -> BTreeSet<File> {
        let handed_on = |statement: &&str| !statement.trim_start().starts_with("pub use ");
        let statements: Vec<&str> = text.split(';').filter(handed_on).collect();
        let uses = |name: &str| {
            let call = format!("{name}::");
            statements.iter().any(|statement| {
                statement.match_indices(&call).any(|(at, _)| {
                    let before = statement[..at].trim_end_matches("self::");
                    !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                })
            })
        };
        let children = self
            .files
            .keys()
            .filter(|file| file[..file.len() - 1] == *folder);
        children
            .filter(|file| uses(file.last().unwrap()))
            .cloned()
            .collect()
    }

    /// Every cycle between the entries of a folder, written from its first entry.
    fn cycles(&self) -> Vec<String> {
        let mut folders: BTreeMap<File, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for from in self.files.keys() {
            for to in self.named(from) {
                let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                let arrows = folders.entry(from[..shared].to_vec()).or_default();
                arrows
                    .entry(from[shared].clone())
                    .or_default()
                    .insert(to[shared].clone());
            }
        }
        let mut found = Vec::new();
        for (folder, arrows) in &folders {
            let mut cycles = BTreeSet::new();
            for start in arrows.keys() {
                let mut way = vec![start.as_str()];
                if back(arrows, start, &mut way, &mut BTreeSet::new()) {
                    let first = way
                        .iter()
                        .enumerate()
                        .min_by_key(|(_, name)| **name)
                        .map_or(0, |(at, _)| at);
                    way.rotate_left(first);
                    way.push(way[0]);
                    cycles.insert(way.join(" -> "));
                }
            }
            let place = std::iter::once("src").chain(folder.iter().map(String::as_str));
            let place = place.collect::<Vec<_>>().join("/");
            found.extend(cycles.iter().map(|cycle| format!("{place}: {cycle}")));
        }
        found
    }
}

/// Extends `way` until it returns to its start.
fn back<'a>(
    arrows: &'a BTreeMap<String, BTreeSet<String>>,
    at: &str,
    way: &mut Vec<&'a str>,
    seen: &mut BTreeSet<&'a str>,
) -> bool {
    for next in arrows.get(at).into_iter().flatten() {
        if next == way[0] {
            return true;
        }
        if seen.insert(next) {
            way.push(next);
            if back(arrows, next, way, seen) {
                return true;
            }
            way.pop();
        }
    }
    false
}

/// The paths of a use tree without its first part: `a::{b, c::d}` gives `a::b` and `a::c::d`.
fn expand(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    tree(&mut text.chars().peekable(), &mut Vec::new(), &mut paths);
    paths
}

fn tree(
    text: &mut std::iter::Peekable<std::str::Chars>,
    before: &mut Vec<String>,
    paths: &mut Vec<Vec<String>>,
) {
    let depth = before.len();
    loop {
        while text.next_if(|c| c.is_whitespace()).is_some() {}
        if text.next_if_eq(&'{').is_some() {
            loop {
                tree(text, before, paths);
                while text.next_if(|c| c.is_whitespace()).is_some() {}
                if text.next_if_eq(&',').is_none() {
                    break;
                }
            }
            text.next_if_eq(&'}');
            break;
        }
        let mut word = String::new();
        while let Some(c) = text.next_if(|c| c.is_alphanumeric() || *c == '_') {
            word.push(c);
        }
        if word.is_empty() {
            break;
        }
        if text.next_if_eq(&':').is_some() {
            text.next_if_eq(&':');
            before.push(word);
            continue;
        }
        let mut tail = String::new();
        while let Some(c) = text.next_if(|c| c.is_alphanumeric() || [' ', '_'].contains(c)) {
            tail.push(c);
        }
        if tail.starts_with(" as ") {
            word.push_str(tail.trim_end());
        }
        paths.push([before.clone(), vec![word]].concat());
        break;
    }
    before.truncate(depth);
}
