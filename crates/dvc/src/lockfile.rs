//! `dvc.lock`, schema 2.0: what each stage read and wrote.
//!
//! Entries of stages that did not run keep their text, byte for byte; new ones are written like
//! DVC's.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::Path;

use files::atomic;
use yaml::{Data, Fault, Node};

use crate::content::Content;
use crate::emit;
use crate::error::InFile as _;
use crate::error::{Context as _, Result};
use crate::folder::Folder;
use crate::stage::Cmd;

/// A recorded file or folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The path as written in dvc.yaml.
    pub path: String,
    /// The MD5, with `.dir` for a folder.
    pub md5: Option<String>,
    pub size: Option<u64>,
    pub nfiles: Option<u64>,
    pub exec: bool,
}

impl Record {
    /// Records a content under the path as dvc.yaml writes it.
    pub fn of(path: &str, content: &Content) -> Self {
        Self {
            path: path.to_owned(),
            md5: Some(content.id.clone()),
            size: Some(content.size),
            nfiles: content.files.as_ref().map(|files| files.len() as u64),
            exec: content.exec,
        }
    }

    fn node(&self) -> Node {
        let number = |value: u64| Node::new(Data::Int(value.into()));
        let mut entries = vec![
            ("path", Node::string(&self.path)),
            ("hash", Node::string("md5")),
        ];
        entries.extend(self.md5.as_ref().map(|md5| ("md5", Node::string(md5))));
        entries.extend(self.size.map(|size| ("size", number(size))));
        entries.extend(self.nfiles.map(|count| ("nfiles", number(count))));
        if self.exec {
            entries.push(("isexec", Node::new(Data::Bool(true))));
        }
        Node::map(entries)
    }
}

/// A parameter file and its values by key.
pub type FileValues = (String, Vec<(String, Node)>);

/// What is recorded about a stage.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub cmd: Cmd,
    pub deps: Vec<Record>,
    pub params: Vec<FileValues>,
    pub outs: Vec<Record>,
}

impl Recorded {
    /// Sorts everything into DVC's order.
    pub fn sort(&mut self) {
        self.deps.sort_by(|a, b| a.path.cmp(&b.path));
        self.outs.sort_by(|a, b| a.path.cmp(&b.path));
        let default = crate::context::DEFAULT;
        self.params
            .sort_by(|(a, _), (b, _)| (a != default, a).cmp(&(b != default, b)));
        for (_, values) in &mut self.params {
            values.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
    }

    /// Converts to DVC's dictionary.
    pub fn node(&self) -> Node {
        let list =
            |records: &[Record]| Node::new(Data::List(records.iter().map(Record::node).collect()));
        let cmd = match &self.cmd {
            Cmd::One(text) => Node::string(text),
            Cmd::Many(lines) => Node::new(Data::List(lines.iter().map(Node::string).collect())),
        };
        let mut entries = vec![("cmd", cmd)];
        if !self.deps.is_empty() {
            entries.push(("deps", list(&self.deps)));
        }
        if !self.params.is_empty() {
            let files = self.params.iter().map(|(file, values)| {
                (
                    file.clone(),
                    Node::map(values.iter().map(|(k, v)| (k.clone(), v.clone()))),
                )
            });
            entries.push(("params", Node::map(files)));
        }
        if !self.outs.is_empty() {
            entries.push(("outs", list(&self.outs)));
        }
        Node::map(entries)
    }

    /// The record of a dependency, by its path as written.
    pub fn dep(&self, name: &str) -> Option<&Record> {
        self.deps.iter().find(|record| record.path == name)
    }

    /// The record of an output, by its path as written.
    pub fn out(&self, name: &str) -> Option<&Record> {
        self.outs.iter().find(|record| record.path == name)
    }

    /// The recorded values of a parameter file.
    pub fn values(&self, file: &str) -> Option<&[(String, Node)]> {
        let found = self.params.iter().find(|(name, _)| name == file);
        found.map(|(_, values)| values.as_slice())
    }

    /// Parses DVC's dictionary.
    ///
    /// # Errors
    /// If the entry does not have DVC's form.
    pub fn parse(node: &Node) -> Result<Self, Fault> {
        let entries = node
            .as_map()
            .ok_or_else(|| node.fault("a stage's entry must be a mapping"))?;
        let mut recorded = Self {
            cmd: Cmd::One(String::new()),
            deps: Vec::new(),
            params: Vec::new(),
            outs: Vec::new(),
        };
        for (key, value) in entries {
            match key.as_str() {
                Some("cmd") => recorded.cmd = command(value)?,
                Some("deps") => recorded.deps = records(value)?,
                Some("outs") => recorded.outs = records(value)?,
                Some("params") => recorded.params = parameters(value)?,
                _ => return Err(key.fault(format!("unexpected key {key} in a stage's entry"))),
            }
        }
        Ok(recorded)
    }
}

fn command(node: &Node) -> Result<Cmd, Fault> {
    let text = |node: &Node| {
        node.as_str()
            .map(str::to_owned)
            .ok_or_else(|| node.fault("`cmd` must be a string or a list of strings"))
    };
    match &node.data {
        Data::List(items) => items
            .iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map(Cmd::Many),
        _ => text(node).map(Cmd::One),
    }
}

fn parameters(node: &Node) -> Result<Vec<FileValues>, Fault> {
    let wrong =
        |node: &Node| node.fault("`params` must be a mapping from files to keys and values");
    let files = node.as_map().ok_or_else(|| wrong(node))?;
    let mut found = Vec::new();
    for (file, values) in files {
        let entries = values.as_map().ok_or_else(|| wrong(values))?;
        let entries = entries
            .iter()
            .map(|(key, value)| (crate::template::spelled(key).into_owned(), value.clone()));
        found.push((
            crate::template::spelled(file).into_owned(),
            entries.collect(),
        ));
    }
    Ok(found)
}

fn records(node: &Node) -> Result<Vec<Record>, Fault> {
    let items = node
        .as_list()
        .ok_or_else(|| node.fault("expected a list"))?;
    items.iter().map(record).collect()
}

fn record(node: &Node) -> Result<Record, Fault> {
    let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    let number = |key: &str| match node.get(key).map(|n| &n.data) {
        Some(Data::Int(value)) => u64::try_from(*value).ok(),
        _ => None,
    };
    for (key, _) in node.as_map().unwrap_or_default() {
        let known = ["path", "hash", "md5", "size", "nfiles", "isexec"];
        if !key.as_str().is_some_and(|key| known.contains(&key)) {
            return Err(key.fault(format!("{key} in dvc.lock is not supported")));
        }
    }
    if node.get("md5").is_some() && text("hash").as_deref() != Some("md5") {
        return Err(node.fault(
            "written by DVC 2, which uses different hashes; renew the file with `dvc repro` of DVC 3",
        ));
    }
    Ok(Record {
        path: text("path").ok_or_else(|| node.fault("`path` is missing"))?,
        // A short hash of digits only may have been written without quotes.
        md5: node
            .get("md5")
            .map(|md5| crate::template::spelled(md5).to_lowercase()),
        size: number("size"),
        nfiles: number("nfiles"),
        exec: matches!(node.get("isexec").map(|n| &n.data), Some(Data::Bool(true))),
    })
}

/// The whole lock file.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    /// The text before the stages.
    head: String,
    stages: Vec<Entry>,
    /// The text after the stages.
    tail: String,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    /// The entry's lines, as they are or will be in the file.
    text: String,
    recorded: Recorded,
}

const HEAD: &str = "schema: '2.0'\nstages:\n";

impl Lock {
    /// Reads `dvc.lock`; empty if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be read or parsed, or has conflict markers.
    pub fn read(folder: &Folder) -> Result<Self> {
        let text = match std::fs::read_to_string(folder.path(crate::folder::LOCK)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                let file = folder.lock();
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        Self::parse(&text).map_err(|mut fault| {
            if yaml::merge_mark(&text).is_some_and(|mark| mark.at == fault.at) {
                let name = folder.program().name;
                fault.reason = format!(
                    "dvc.lock has conflict markers of an unfinished merge; keep one side (`git \
                     checkout --ours dvc.lock` or `--theirs`), then run `{name} repro`, which records \
                     what differs"
                );
            }
            fault.within(&folder.lock())
        })
    }

    /// Parses the text of a lock file.
    ///
    /// # Errors
    /// If it is not a dvc.lock of schema 2.0.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let root = emit::READER.read(text)?;
        if root.is_empty() {
            return Ok(Self {
                head: HEAD.to_owned(),
                ..Self::default()
            });
        }
        if root.get("schema").and_then(Node::as_str) != Some("2.0") {
            return Err(root.fault("not a dvc.lock of schema 2.0, which DVC 2 and later write"));
        }
        let nothing = Node::new(Data::Null);
        let stages = root.get("stages").unwrap_or(&nothing);
        let entries = stages.as_map().unwrap_or_default();
        let mut lock = Self {
            head: HEAD.to_owned(),
            ..Self::default()
        };
        for (key, value) in entries {
            let name = crate::template::spelled(key).into_owned();
            let recorded = Recorded::parse(value)?;
            lock.stages.push(Entry {
                text: String::new(),
                name,
                recorded,
            });
        }
        lock.keep_text(text, &root, entries)?;
        Ok(lock)
    }

    /// Keeps the file's own text if it has DVC's layout; otherwise writes it anew.
    ///
    /// # Errors
    /// If it is written anew, and a value outside the stages cannot be.
    fn keep_text(
        &mut self,
        text: &str,
        root: &Node,
        entries: &[(Node, Node)],
    ) -> Result<(), Fault> {
        let starts: Vec<usize> = entries.iter().map(|(key, _)| key.at.line).collect();
        let as_expected = text.ends_with('\n')
            && entries.iter().all(|(key, _)| key.at.column == 3)
            && starts.is_sorted_by(|a, b| a < b)
            && root.as_map().is_some_and(|top| {
                top.len() == 2
                    && top
                        .last()
                        .is_some_and(|(key, _)| key.as_str() == Some("stages"))
            });
        if !as_expected {
            *self = std::mem::take(self).rewritten();
            self.head = heads(root)?;
            return Ok(());
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let first = starts.first().map_or(lines.len(), |line| line - 1);
        self.head = lines[..first].concat();
        for (i, entry) in self.stages.iter_mut().enumerate() {
            let end = starts.get(i + 1).map_or(lines.len(), |line| line - 1);
            entry.text = lines[starts[i] - 1..end].concat();
        }
        if self.stages.is_empty() {
            self.head = HEAD.to_owned();
        }
        Ok(())
    }

    /// The entries of all stages.
    pub fn recorded(&self) -> impl Iterator<Item = &Recorded> {
        self.stages.iter().map(|entry| &entry.recorded)
    }

    /// The entry of a stage; `None` if it has never run.
    pub fn get(&self, stage: &str) -> Option<&Recorded> {
        let found = self.stages.iter().find(|entry| entry.name == stage);
        found.map(|entry| &entry.recorded)
    }

    /// Records a stage, in its existing place or at the end.
    pub fn put(&mut self, stage: &str, recorded: Recorded) {
        let text = emit::entry(stage, &recorded.node(), 2);
        let entry = Entry {
            name: stage.to_owned(),
            text,
            recorded,
        };
        match self.stages.iter_mut().find(|entry| entry.name == stage) {
            Some(known) => *known = entry,
            None => self.stages.push(entry),
        }
    }

    /// The same lock with every entry in DVC's layout.
    pub fn rewritten(mut self) -> Self {
        for entry in &mut self.stages {
            entry.text = emit::entry(&entry.name, &entry.recorded.node(), 2);
        }
        self
    }

    /// Sorts new stages into execution order, whichever ended first.
    pub fn order_new(&mut self, before: usize, order: &[&str]) {
        let place = |name: &str| order.iter().position(|known| *known == name);
        self.stages[before..].sort_by_key(|entry| place(&entry.name));
    }

    /// Number of recorded stages.
    pub fn len(&self) -> usize {
        self.stages.len()
    }

    /// The text of the file: entries that were read keep their own.
    pub fn text(&self) -> String {
        let mut text = self.head.clone();
        for entry in &self.stages {
            let _ = write!(text, "{}", entry.text); // a String takes everything
        }
        text + &self.tail
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = self.text();
        Ok(atomic::write(path, |out| out.write_all(text.as_bytes()))?)
    }
}

/// Everything before the stages, written anew.
fn heads(root: &Node) -> Result<String, Fault> {
    let mut head = String::new();
    for (key, value) in root.as_map().unwrap_or_default() {
        if key.as_str() != Some("stages") {
            value.check()?;
            head += &emit::entry(&crate::template::spelled(key), value, 0);
        }
    }
    Ok(head + "stages:\n")
}
