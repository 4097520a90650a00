//! dvc.yaml into stages: its keys checked, `foreach` and `matrix` unfolded, templates resolved.
//!
//! A key that is not supported is refused with its name and line, never ignored.

use std::path::{Path, PathBuf};

use yaml::{At, Data, Fault, Node};

use crate::context::Context;
use crate::error::InFile as _;
use crate::error::{Error, Result};
use crate::folder::{Folder, PIPELINE, absolute, normal};
use crate::outputs;
use crate::stage::{Cmd, Dep, Params, Stage};
use crate::template::{self, Place, spelled};

/// Top-level keys that matter to a run, and those that do not.
const TOP: [&str; 2] = ["stages", "vars"];
const NOT_OURS: [&str; 4] = ["params", "metrics", "plots", "artifacts"];

const STAGE: [&str; 13] = [
    "cmd",
    "wdir",
    "deps",
    "params",
    "vars",
    "frozen",
    "meta",
    "desc",
    "always_changed",
    "outs",
    "metrics",
    "plots",
    "matrix",
];

/// The stages of the folder's dvc.yaml, in their order there.
pub fn stages(folder: &Folder, context: Context) -> Result<Vec<Stage>> {
    let file = folder.pipeline();
    let text = std::fs::read_to_string(folder.path(PIPELINE)).map_err(|error| {
        let file = file.clone();
        Error::Unreadable { file, error }
    })?;
    let here = |fault: Fault| fault.within(&file);
    let root = yaml::parse(&text).map_err(here)?;
    if root.is_empty() {
        return Ok(Vec::new());
    }
    check_top(&root).map_err(here)?;
    let mut define = Define {
        folder,
        file: &file,
        context,
        found: Vec::new(),
    };
    define.context.load(folder, "", root.get("vars"), true)?;
    for (name, definition) in root
        .get("stages")
        .and_then(Node::as_map)
        .unwrap_or_default()
    {
        let name = name.as_str().map(str::to_owned);
        let name = name.unwrap_or_else(|| spelled(definition).into_owned());
        define.group(&name, definition)?;
    }
    Ok(define.found)
}

fn check_top(root: &Node) -> Result<(), Fault> {
    let entries = root
        .as_map()
        .ok_or_else(|| root.fault("dvc.yaml is a mapping with `stages`"))?;
    for (key, value) in entries {
        let name = key.as_str().unwrap_or_default();
        if !TOP.contains(&name) && !NOT_OURS.contains(&name) {
            return Err(unknown(key, "dvc.yaml", &TOP));
        }
        if name == "stages" && value.as_map().is_none() && !value.is_empty() {
            return Err(value.fault("`stages` is a mapping from names to stages"));
        }
    }
    Ok(())
}

fn unknown(key: &Node, within: &str, known: &[&str]) -> Fault {
    key.fault(format!(
        "the key `{}` in {within} is not supported; supported: {}",
        spelled(key),
        known.join(", ")
    ))
}

struct Define<'a> {
    folder: &'a Folder,
    file: &'a Path,
    context: Context,
    found: Vec<Stage>,
}

impl Define<'_> {
    /// Adds file and stage to what is wrong.
    fn here(&self, name: &str) -> impl Fn(Fault) -> Error + use<> {
        let file = self.file.to_owned();
        let name = name.to_owned();
        move |fault: Fault| {
            Fault {
                at: fault.at,
                reason: format!("stage `{name}`: {}", fault.reason),
            }
            .within(&file)
        }
    }

    /// A stage, or all that `foreach` or `matrix` makes of it.
    fn group(&mut self, name: &str, definition: &Node) -> Result<()> {
        let here = self.here(name);
        let entries = definition
            .as_map()
            .ok_or_else(|| here(definition.fault("a stage is a mapping with `cmd`")))?;
        let generated = match (definition.get("foreach"), definition.get("do")) {
            (Some(foreach), Some(template)) => {
                for (key, _) in entries {
                    if !matches!(key.as_str(), Some("foreach" | "do")) {
                        return Err(here(unknown(key, "a `foreach` stage", &["foreach", "do"])));
                    }
                }
                if template.get("matrix").is_some() || template.get("foreach").is_some() {
                    return Err(here(template.fault("`do` cannot hold another loop")));
                }
                let items = foreach_items(foreach, &self.context).map_err(&here)?;
                Some((template, items))
            }
            (Some(foreach), None) => return Err(here(foreach.fault("`foreach` needs a `do`"))),
            (None, Some(template)) => return Err(here(template.fault("`do` needs a `foreach`"))),
            (None, None) => match definition.get("matrix") {
                Some(matrix) => {
                    let items = matrix_items(matrix, &self.context).map_err(&here)?;
                    Some((definition, items))
                }
                None => None,
            },
        };
        let Some((template, items)) = generated else {
            let context = self.context.clone();
            return self.stage(name, definition, context);
        };
        for (key, own) in items {
            let context = self.context.with(own);
            self.stage(&format!("{name}@{key}"), template, context)?;
        }
        Ok(())
    }

    fn stage(&mut self, name: &str, definition: &Node, mut context: Context) -> Result<()> {
        let here = self.here(name);
        check_stage(definition).map_err(&here)?;
        let wdir = match definition.get("wdir") {
            Some(node) => {
                let value = template::resolve(node, &context, Place::Other).map_err(&here)?;
                spelled(&value).into_owned()
            }
            None => String::new(),
        };
        let wdir = normal(Path::new(&wdir));
        context.load(self.folder, &wdir, definition.get("vars"), false)?;
        let stage = self
            .resolved(name, definition, &context, &wdir)
            .map_err(&here)?;
        if self.found.iter().any(|known| known.name == stage.name) {
            return Err(here(definition.fault("another stage has this name")));
        }
        self.found.push(stage);
        Ok(())
    }

    fn resolved(
        &self,
        name: &str,
        definition: &Node,
        context: &Context,
        wdir: &str,
    ) -> Result<Stage, Fault> {
        let value = |key: &str| {
            let place = match key {
                "cmd" => Place::Command,
                _ => Place::Other,
            };
            definition
                .get(key)
                .map(|node| template::resolve(node, context, place))
                .transpose()
        };
        let wdir = PathBuf::from(absolute(self.folder.dir(), Path::new(wdir)));
        let cmd = value("cmd")?.ok_or_else(|| definition.fault("`cmd` is missing"))?;
        let mut outs = Vec::new();
        for (key, kind) in outputs::KINDS {
            if let Some(node) = value(key)? {
                outputs::add(&mut outs, &node, key, kind, &wdir)?;
            }
        }
        outputs::check(&outs, self.folder)?;
        // Resolved to find what is wrong in them, as DVC does; they change nothing.
        value("desc")?;
        value("meta")?;
        Ok(Stage {
            name: name.to_owned(),
            at: definition.at,
            cmd: command(&cmd)?,
            deps: dependencies(value("deps")?.as_ref(), &wdir)?,
            params: parameters(value("params")?.as_ref(), &wdir)?,
            outs,
            frozen: flag(value("frozen")?.as_ref(), "frozen")?,
            always_changed: flag(value("always_changed")?.as_ref(), "always_changed")?,
            wdir,
        })
    }
}

fn check_stage(definition: &Node) -> Result<(), Fault> {
    let entries = definition
        .as_map()
        .ok_or_else(|| definition.fault("a stage is a mapping with `cmd`"))?;
    for (key, _) in entries {
        if !key.as_str().is_some_and(|name| STAGE.contains(&name)) {
            return Err(unknown(key, "a stage", &STAGE));
        }
    }
    Ok(())
}

/// A generated stage's key and its own names.
type Items = Vec<(String, Vec<(&'static str, Node)>)>;

fn foreach_items(foreach: &Node, context: &Context) -> Result<Items, Fault> {
    let values = template::resolve(foreach, context, Place::Iterable)?;
    let mut items: Items = Vec::new();
    let mut add = |key: String, own: Vec<(&'static str, Node)>| {
        match items.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = own, // as in a Python dictionary: first place, last value
            None => items.push((key, own)),
        }
    };
    match &values.data {
        Data::Map(entries) => {
            for (key, value) in entries {
                let key = spelled(key).into_owned();
                let own = vec![("item", value.clone()), ("key", Node::string(&key))];
                add(key, own);
            }
        }
        Data::List(list) => {
            let composite = list.iter().any(Node::is_composite);
            for (i, value) in list.iter().enumerate() {
                let key = if composite {
                    i.to_string()
                } else {
                    spelled(value).into_owned()
                };
                add(key, vec![("item", value.clone())]);
            }
        }
        _ => {
            return Err(foreach.fault(format!(
                "`foreach` expects a list or a mapping, not {}",
                values.kind()
            )));
        }
    }
    Ok(items)
}

fn matrix_items(matrix: &Node, context: &Context) -> Result<Items, Fault> {
    let values = template::resolve(matrix, context, Place::Iterable)?;
    let axes = values
        .as_map()
        .ok_or_else(|| matrix.fault("`matrix` is a mapping from names to lists"))?;
    let mut combinations: Vec<Vec<(String, Node, String)>> = vec![Vec::new()];
    for (name, list) in axes {
        let name = spelled(name).into_owned();
        let list = list
            .as_list()
            .ok_or_else(|| list.fault(format!("`matrix.{name}` is a list")))?;
        let mut longer = Vec::new();
        for combination in &combinations {
            for (i, value) in list.iter().enumerate() {
                let fragment = if value.is_composite() {
                    format!("{name}{i}")
                } else {
                    spelled(value).into_owned()
                };
                let mut next = combination.clone();
                next.push((name.clone(), value.clone(), fragment));
                longer.push(next);
            }
        }
        combinations = longer;
    }
    let mut items: Items = Vec::new();
    for combination in combinations {
        let fragments: Vec<&str> = combination.iter().map(|(.., f)| f.as_str()).collect();
        let key = fragments.join("-");
        let item = Node::map(
            combination
                .iter()
                .map(|(name, value, _)| (name, value.clone())),
        );
        let own = vec![("key", Node::string(&key)), ("item", item)];
        match items.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = own,
            None => items.push((key, own)),
        }
    }
    Ok(items)
}

fn command(node: &Node) -> Result<Cmd, Fault> {
    let wrong = || node.fault("`cmd` is a command or a list of commands");
    match &node.data {
        Data::Str(text) if !text.trim().is_empty() => Ok(Cmd::One(text.clone())),
        Data::List(items) if !items.is_empty() => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect::<Result<_, _>>()
            .map(Cmd::Many),
        _ => Err(wrong()),
    }
}

fn flag(node: Option<&Node>, key: &str) -> Result<bool, Fault> {
    match node.map(|node| &node.data) {
        None => Ok(false),
        Some(Data::Bool(value)) => Ok(*value),
        Some(_) => Err(node.map_or_else(
            || Node::new(Data::Null).fault(key),
            |node| node.fault(format!("`{key}` is true or false")),
        )),
    }
}

fn list<'a>(node: Option<&'a Node>, key: &str) -> Result<&'a [Node], Fault> {
    match node {
        None => Ok(&[]),
        Some(node) => node
            .as_list()
            .ok_or_else(|| node.fault(format!("`{key}` is a list"))),
    }
}

fn dependencies(node: Option<&Node>, wdir: &Path) -> Result<Vec<Dep>, Fault> {
    let mut deps: Vec<Dep> = Vec::new();
    for item in list(node, "deps")? {
        let name = local_path(item, "deps")?;
        deps.push(Dep {
            name: name.to_owned(),
            path: PathBuf::from(absolute(wdir, Path::new(name))),
            at: item.at,
        });
    }
    Ok(deps)
}

/// A path on this machine: nothing is fetched from elsewhere.
pub fn local_path<'a>(node: &'a Node, key: &str) -> Result<&'a str, Fault> {
    let path = node
        .as_str()
        .filter(|path| !path.is_empty())
        .ok_or_else(|| node.fault(format!("`{key}` lists paths, not {}", node.kind())))?;
    if path.contains("://") {
        return Err(node.fault(format!(
            "{path}: only files and folders of this machine are supported"
        )));
    }
    Ok(path)
}

/// Keys of params.yaml by themselves, of other files below the file's name; a file with nothing
/// below it counts as a whole.
fn parameters(node: Option<&Node>, wdir: &Path) -> Result<Vec<Params>, Fault> {
    let mut found: Vec<Params> = Vec::new();
    let mut whole: Vec<String> = Vec::new();
    let items = list(node, "params")?;
    for item in items {
        for (file, keys) in item.as_map().unwrap_or_default() {
            if keys.is_empty() {
                whole.push(spelled(file).into_owned());
            }
        }
    }
    let mut add = |name: &str, at: At, key: Option<&str>| {
        let i = found.iter().position(|params| params.name == name);
        let i = i.unwrap_or_else(|| {
            found.push(Params {
                name: name.to_owned(),
                path: PathBuf::from(absolute(wdir, Path::new(name))),
                keys: Vec::new(),
                at,
            });
            found.len() - 1
        });
        if let Some(key) = key
            && !whole.iter().any(|known| known == name)
            && !found[i].keys.iter().any(|known| known == key)
        {
            found[i].keys.push(key.to_owned());
        }
    };
    for item in items {
        match &item.data {
            Data::Map(files) => {
                for (file, keys) in files {
                    let name = local_path(file, "params")?;
                    add(name, file.at, None);
                    for key in list((!keys.is_empty()).then_some(keys), "params")? {
                        add(name, key.at, Some(&key_name(key)?));
                    }
                }
            }
            _ => add(crate::context::DEFAULT, item.at, Some(&key_name(item)?)),
        }
    }
    Ok(found)
}

fn key_name(node: &Node) -> Result<String, Fault> {
    let name = node
        .as_str()
        .ok_or_else(|| node.fault("`params` lists keys, or files with keys"))?;
    if name.is_empty() || name.contains(['*', '?', '[', ']']) {
        return Err(node.fault(format!(
            "`{name}` is no key: patterns are not supported, name each key"
        )));
    }
    Ok(name.to_owned())
}
