//! A pipeline read from disk: its stages, which needs which, and which of them are meant.

use std::path::Path;

use anyhow::Result;

use super::config::Config;
use super::context::Context;
use super::define;
use super::files::Folder;
use super::graph::Graph;
use super::node::{Data, Node};
use super::stage::Stage;
use crate::exit;

pub struct Pipeline {
    pub folder: Folder,
    pub config: Config,
    pub stages: Vec<Stage>,
    pub graph: Graph,
}

/// Which stages are meant.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Names of stages or of groups (`train` for `train@nlp` and the others); none: all.
    pub targets: Vec<String>,
    /// What needs the targets, instead of what they need.
    pub downstream: bool,
    /// The targets alone.
    pub single_item: bool,
}

impl Pipeline {
    /// Reads the pipeline of `folder`; absent: of the nearest folder with a dvc.yaml.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let folder = match folder {
            Some(folder) => Folder::open(folder)?,
            None => Folder::find()?.ok_or_else(|| {
                exit::usage(
                    "no dvc.yaml here or in a folder above; start a project with `easylife init`, \
                     or name one with --project",
                )
            })?,
        };
        let config = Config::read(&folder)?;
        let mut context = Context::of(Node::new(Data::Map(Vec::new())));
        context.boolean_optional = config.boolean_optional;
        context.list_append = config.list_append;
        let stages = define::stages(&folder, context)?;
        let graph = Graph::of(&stages, &folder.pipeline())?;
        Ok(Self {
            folder,
            config,
            stages,
            graph,
        })
    }

    /// The selected stages, in the order of a run.
    pub fn select(&mut self, selection: &Selection) -> Result<Vec<usize>> {
        let targets = self.targets(&selection.targets)?;
        if selection.single_item {
            return Ok(targets);
        }
        self.graph.freeze(&self.stages);
        Ok(if selection.downstream {
            self.graph.downstream(&targets)
        } else {
            self.graph.upstream(&targets)
        })
    }

    fn targets(&self, names: &[String]) -> Result<Vec<usize>> {
        if names.is_empty() {
            return Ok((0..self.stages.len()).collect());
        }
        let mut found = Vec::new();
        for name in names {
            let name = name.strip_prefix("dvc.yaml:").unwrap_or(name);
            let group = format!("{name}@");
            let matching: Vec<usize> = (0..self.stages.len())
                .filter(|&i| {
                    let stage = &self.stages[i].name;
                    name == "dvc.yaml" || stage == name || stage.starts_with(&group)
                })
                .collect();
            if matching.is_empty() {
                let known: Vec<&str> = self.stages.iter().map(|s| s.name.as_str()).collect();
                return Err(exit::usage(format!(
                    "there is no stage `{name}` in {}; stages: {}",
                    self.folder.pipeline().display(),
                    known.join(", ")
                )));
            }
            for stage in matching {
                if !found.contains(&stage) {
                    found.push(stage);
                }
            }
        }
        Ok(found)
    }
}
