//! Shell completions, including the stages of the project's dvc.yaml and the keys of params.yaml.
//!
//! The script that `easylife completions SHELL` prints calls the binary at every Tab, with the variable
//! [`VARIABLE`] in its environment.

use std::ffi::OsStr;

use anyhow::Result;
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;
use yaml::Node;

use super::help;
use crate::exit;
use crate::pipeline;

/// Environment variable that names the shell asking for completions.
const VARIABLE: &str = "EASYLIFE_COMPLETE";

/// Supported shells.
pub const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

/// Answers a shell that asks for completions; returns `false` if none does.
pub fn answer() -> bool {
    if std::env::var_os(VARIABLE).is_none() {
        return false;
    }
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(help::plain_command)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), here.as_deref())
        // On failure there are no completions: an error would end up on the command line.
        .unwrap_or(true)
}

/// The script that makes `shell` ask the binary for completions.
pub fn script(shell: &str) -> Result<Vec<u8>> {
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell)
        .ok_or_else(|| exit::usage(format!("no completions for {shell}")))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "easylife", "easylife", "easylife", &mut script)?;
    Ok(script)
}

/// Completes stages of dvc.yaml and their groups.
pub fn stages(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut names = pipeline::stage_names();
    let groups: Vec<String> = names
        .iter()
        .filter_map(|name| Some(name.split_once('@')?.0.to_owned()))
        .collect();
    names.extend(groups);
    candidates(names, typed)
}

/// Completes `KEY=` for the keys of the params.yaml that `init` writes.
pub fn keys(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut keys = Vec::new();
    if let Ok(file) = yaml::parse(pipeline::init::PARAMS_TEMPLATE) {
        leaves(&file, "", &mut keys);
    }
    candidates(keys, typed)
}

fn leaves(node: &Node, prefix: &str, keys: &mut Vec<String>) {
    for (name, value) in node.as_map().into_iter().flatten() {
        let Some(name) = name.as_str() else { continue };
        let key = format!("{prefix}{name}");
        match value.as_map() {
            Some([_, ..]) => leaves(value, &format!("{key}."), keys),
            _ => keys.push(key + "="),
        }
    }
}

fn candidates(mut names: Vec<String>, typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names.retain(|name| name.starts_with(&*typed));
    names.sort();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}
