//! The parameters that each stage of the `dvc.yaml` written by `init` lists.

use anyhow::{Context, Result};
use yaml::Node;

/// A stage for one task.
pub(super) struct Stage {
    name: String,
    /// The parameters it lists, which include all keys below them.
    params: Vec<String>,
}

impl Stage {
    /// Whether the stage runs again if `key` changes. Every stage reads the version; a block is read by a stage
    /// that reads a key of it.
    pub fn reads(&self, key: &str) -> bool {
        let below = |key: &str, block: &str| super::is_within(key, block);
        self.params.iter().any(|listed| below(key, listed))
    }
}

/// The names of stages without duplicates, since several tasks have the same stage.
pub(super) fn merged<'a>(stages: impl Iterator<Item = &'a Stage>) -> Vec<String> {
    let mut names = Vec::new();
    for stage in stages {
        if !names.contains(&stage.name) {
            names.push(stage.name.clone());
        }
    }
    names
}

/// The stages of these tasks.
///
/// # Errors
/// If the template does not have the expected structure.
pub(super) fn of_template(tasks: &[&str]) -> Result<Vec<Stage>> {
    let template = yaml::parse(include_str!("../../../dvc.yaml"))
        .map_err(|fault| anyhow::anyhow!("dvc.yaml: {}", fault.reason))?;
    let items = template
        .get("vars")
        .and_then(|vars| vars.as_list()?.first()?.get("tasks"));
    let stages = template.get("stages").and_then(Node::as_map);
    let mut found = Vec::new();
    for (name, stage) in stages.context("dvc.yaml has no stages")? {
        let name = name.as_str().unwrap_or_default();
        for task in tasks {
            let own = stage.get("foreach").and_then(|each| each.get(task));
            let shared = items.and_then(|items| items.get(task));
            if own.is_none() && shared.is_none() {
                continue;
            }
            found.push(Stage {
                name: name.to_owned(),
                params: listed(stage, task, [own, shared]),
            });
        }
    }
    Ok(found)
}

/// The parameters of a stage for a task, with the variables of the task substituted.
fn listed(stage: &Node, task: &str, items: [Option<&Node>; 2]) -> Vec<String> {
    let params = stage
        .get("do")
        .and_then(|stage| stage.get("params")?.as_list());
    let items = items
        .into_iter()
        .flatten()
        .filter_map(Node::as_map)
        .flatten();
    let filled = |name: &str| {
        items
            .clone()
            .fold(name.replace("${key}", task), |name, (item, value)| {
                let (item, value) = (
                    item.as_str().unwrap_or_default(),
                    value.as_str().unwrap_or_default(),
                );
                name.replace(&format!("${{item.{item}}}"), value)
            })
    };
    params
        .unwrap_or_default()
        .iter()
        .filter_map(|param| param.as_str().map(filled))
        .collect()
}
