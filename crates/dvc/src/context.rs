//! The values that templates can refer to: `params.yaml`, the files and values under `vars`, and in
//! a generated stage `item` and `key` (dvc/parsing/context.py).

use std::path::Path;

use yaml::{Data, Fault, Node};

use crate::error::{InFile as _, Result};
use crate::folder::Folder;
use crate::template;

/// The parameter file that is always read.
pub const DEFAULT: &str = "params.yaml";

/// Values by name.
#[derive(Clone, Debug)]
pub struct Context {
    values: Node,
    /// `item` and `key` of a generated stage, which take precedence.
    own: Vec<(&'static str, Node)>,
    /// Files read so far, with the requested keys; `None` means the whole file.
    imports: Vec<(String, Option<Vec<String>>)>,
    /// `parsing.bool = boolean_optional` in .dvc/config.
    pub boolean_optional: bool,
    /// `parsing.list = append` in .dvc/config.
    pub list_append: bool,
}

impl Context {
    /// The context of a pipeline whose `vars` have not been read yet. `values` must be a mapping.
    pub fn of(values: Node) -> Self {
        Self {
            values,
            own: Vec::new(),
            imports: Vec::new(),
            boolean_optional: false,
            list_append: false,
        }
    }

    /// The context plus a generated stage's own names.
    pub fn with(&self, own: Vec<(&'static str, Node)>) -> Self {
        Self {
            own,
            ..self.clone()
        }
    }

    /// The value at a path of names and list positions.
    pub fn select(&self, names: &[&str]) -> Option<&Node> {
        let (first, rest) = names.split_first()?;
        let own = self.own.iter().find(|(name, _)| name == first);
        let start = match own {
            Some((_, node)) => node,
            None => self.values.get(first)?,
        };
        rest.iter().try_fold(start, |node, name| member(node, name))
    }

    /// The top-level names, for messages.
    pub fn names(&self) -> Vec<&str> {
        let own = self.own.iter().map(|(name, _)| *name);
        let entries = self.values.as_map().unwrap_or_default();
        own.chain(entries.iter().filter_map(|(key, _)| key.as_str()))
            .collect()
    }

    /// Reads the default parameter file, if it exists, and then what `vars` lists, all relative to
    /// `wdir`.
    ///
    /// # Errors
    /// If a file is missing, unreadable or invalid, or a name is defined twice.
    pub fn load(
        &mut self,
        folder: &Folder,
        wdir: &str,
        vars: Option<&Node>,
        default: bool,
    ) -> Result<()> {
        if default && folder.path(wdir).join(DEFAULT).exists() {
            self.import(folder, wdir, &Node::string(DEFAULT), DEFAULT)?;
        }
        let Some(vars) = vars else { return Ok(()) };
        let here = |fault: Fault| fault.within(&folder.pipeline());
        template::refuse(vars, "`vars`").map_err(here)?;
        let items = vars
            .as_list()
            .ok_or_else(|| vars.fault("`vars` must be a list"));
        for item in items.map_err(here)? {
            match &item.data {
                Data::Str(text) => self.import(folder, wdir, item, text)?,
                Data::Map(_) => self.merge(item).map_err(here)?,
                _ => return Err(here(item.fault("`vars` must list files and mappings"))),
            }
        }
        Ok(())
    }

    /// `file` or `file:key,key`.
    fn import(&mut self, folder: &Folder, wdir: &str, item: &Node, text: &str) -> Result<()> {
        let here = |reason: String| item.fault(reason).within(&folder.pipeline());
        let (name, keys) = text.split_once(':').unwrap_or((text, ""));
        let keys: Vec<String> = keys
            .split(',')
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect();
        let keys = (!keys.is_empty()).then_some(keys);
        let path = crate::folder::normal(&Path::new(wdir).join(name));
        let known = self.imports.iter().position(|(file, _)| *file == path);
        if let Some(known) = known {
            let before = &self.imports[known].1;
            if before.is_none() && keys.is_none() {
                return Ok(());
            }
            let clash = match (before, &keys) {
                (Some(before), Some(keys)) => keys.iter().any(|key| before.contains(key)),
                _ => true,
            };
            if clash {
                return Err(here(format!("`{text}` is already loaded")));
            }
        }
        let file = folder.path(&path);
        let values = folder
            .parameters(&file)?
            .ok_or_else(|| here(format!("{path} does not exist")))?;
        if values.as_map().is_none() {
            return Err(here(format!(
                "{path} holds {}, not a mapping",
                values.kind()
            )));
        }
        let values = match &keys {
            Some(keys) => {
                chosen(&values, keys).map_err(|key| here(format!("{path} has no `{key}`")))?
            }
            None => values,
        };
        self.merge(&values).map_err(|fault| here(fault.reason))?;
        match known {
            Some(known) => {
                if let (Some(before), Some(keys)) = (&mut self.imports[known].1, keys) {
                    before.extend(keys);
                }
            }
            None => self.imports.push((path, keys)),
        }
        Ok(())
    }

    fn merge(&mut self, update: &Node) -> Result<(), Fault> {
        if let Some((name, _)) = self.own.iter().find(|(name, _)| update.get(name).is_some()) {
            return Err(update.fault(format!("`{name}` is reserved for the generated stage")));
        }
        merge(&mut self.values, update, "")
    }
}

fn chosen(values: &Node, keys: &[String]) -> Result<Node, String> {
    let mut found = Vec::new();
    for key in keys {
        found.push((key.clone(), values.get(key).ok_or(key)?.clone()));
    }
    Ok(Node::map(found))
}

fn member<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    match &node.data {
        Data::Map(_) => node.get(name),
        Data::List(items) => {
            let index: i64 = name.parse().ok()?;
            let index = if index < 0 {
                i64::try_from(items.len()).ok()? + index
            } else {
                index
            };
            items.get(usize::try_from(index).ok()?)
        }
        _ => None,
    }
}

/// Mappings are merged key by key; anything else may be given only once. Templates cannot refer to
/// keys that are not strings.
fn merge(into: &mut Node, update: &Node, prefix: &str) -> Result<(), Fault> {
    let Data::Map(entries) = &mut into.data else {
        return Ok(());
    };
    for (key, value) in update.as_map().unwrap_or_default() {
        let Some(name) = key.as_str() else { continue };
        let known = entries
            .iter_mut()
            .find(|(known, _)| known.as_str() == Some(name));
        match known {
            Some((_, before)) if before.as_map().is_some() && value.as_map().is_some() => {
                merge(before, value, &format!("{prefix}{name}."))?;
            }
            Some(_) => {
                return Err(key.fault(format!("`{prefix}{name}` is defined twice")));
            }
            None => entries.push((key.clone(), value.clone())),
        }
    }
    Ok(())
}
