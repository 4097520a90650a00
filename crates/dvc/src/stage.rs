//! A stage as dvc.yaml defines it, with every template resolved.

use std::path::PathBuf;

use yaml::At;

use crate::program::Program;

/// One stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// DVC's name of the stage: `train`, `train@nlp`.
    pub name: String,
    /// Its position in dvc.yaml.
    pub at: At,
    pub cmd: Cmd,
    /// The working folder of its commands, and the base of its paths; absolute.
    pub wdir: PathBuf,
    pub deps: Vec<Dep>,
    pub params: Vec<Params>,
    pub outs: Vec<Out>,
    pub frozen: bool,
    pub always_changed: bool,
}

/// What a stage runs.
#[derive(Clone, Debug)]
pub enum Cmd {
    /// A text whose lines are commands.
    One(String),
    Many(Vec<String>),
}

/// A file or folder that a stage reads.
#[derive(Clone, Debug)]
pub struct Dep {
    /// The path as written, by which the lock refers to it.
    pub name: String,
    pub path: PathBuf,
    pub at: At,
}

/// Keys of a parameter file that a stage reads.
#[derive(Clone, Debug)]
pub struct Params {
    pub name: String,
    pub path: PathBuf,
    /// Empty for the whole file.
    pub keys: Vec<String>,
    pub at: At,
}

/// A file or folder that a stage writes.
#[derive(Clone, Debug)]
pub struct Out {
    pub name: String,
    pub path: PathBuf,
    pub at: At,
    pub kind: Kind,
    /// Whether it is cached (otherwise git tracks it).
    pub cache: bool,
    /// Whether it persists while the stage runs.
    pub persist: bool,
}

/// Which key of dvc.yaml lists an output. It only matters to what other commands of DVC show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Metric,
    Plot,
}

impl Cmd {
    /// The commands, one after another.
    pub fn lines(&self) -> Vec<&str> {
        match self {
            Self::One(text) => text.lines().collect(),
            Self::Many(commands) => commands.iter().map(String::as_str).collect(),
        }
    }
}

impl Stage {
    /// A stage without dependencies, parameters and outputs runs every time.
    pub fn is_callback(&self) -> bool {
        self.deps.is_empty() && self.params.is_empty() && self.outs.is_empty()
    }

    /// Whether the stage only runs a verb of the program that replaces its outputs atomically, so
    /// that old outputs may stay until then.
    pub fn replaces_whole(&self, program: &Program) -> bool {
        let safe = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
        let lines = self.cmd.lines();
        !lines.is_empty()
            && lines.iter().all(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(program.name)
                    && words
                        .next()
                        .is_some_and(|verb| program.replacing_verbs.contains(&verb))
                    && line.chars().all(safe)
            })
    }
}
