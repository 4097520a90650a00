//! DVC's run cache: `.dvc/cache/runs/KEY[:2]/KEY/VALUE` records what a command produced from known
//! inputs.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use yaml::{Data, Node};

use crate::cache::Cache;
use crate::emit;
use crate::error::Result;
use crate::lockfile::Recorded;
use crate::python;
use crate::stage::Stage;

/// Whether a stage's runs can be cached: it has inputs and outputs, all identified by content.
pub fn can_keep(stage: &Stage) -> bool {
    let has_inputs = !stage.deps.is_empty() || !stage.params.is_empty();
    has_inputs
        && !stage.always_changed
        && !stage.outs.is_empty()
        && stage.outs.iter().all(|out| !out.persist)
}

/// Finds the newest run of a stage with these inputs.
pub fn find(cache: &Cache, recorded: &Recorded) -> Option<Recorded> {
    let folder = folder(cache, recorded);
    let mut newest: Option<(std::time::SystemTime, PathBuf)> = None;
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let time = entry.metadata().and_then(|meta| meta.modified()).ok()?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && newest.as_ref().is_none_or(|(known, _)| time > *known) {
            newest = Some((time, entry.path()));
        }
    }
    let text = fs::read_to_string(newest?.1).ok()?;
    Recorded::parse(&crate::emit::READER.read(&text).ok()?).ok()
}

/// Stores a run, unless an equal one is stored already.
///
/// # Errors
/// If the run cannot be written.
pub fn keep(cache: &Cache, recorded: &Recorded) -> Result<()> {
    let folder = folder(cache, recorded);
    let file = folder.join(digest(&recorded.node()));
    if file.exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(cache.temporary()).suffix(".tmp");
    let temporary = builder.tempfile_in(&folder)?;
    fs::write(temporary.path(), emit::document(&recorded.node()))?;
    let mode = fs::Permissions::from_mode(crate::cache::new_file_mode());
    fs::set_permissions(temporary.path(), mode)?;
    temporary.persist(&file).map_err(|error| error.error)?;
    Ok(())
}

fn folder(cache: &Cache, recorded: &Recorded) -> PathBuf {
    let mut node = recorded.node();
    if let Data::Map(entries) = &mut node.data {
        entries.retain(|(key, _)| key.as_str() != Some("outs"));
    }
    let names = recorded.outs.iter().map(|out| Node::string(&out.path));
    let outs = Node::new(Data::List(names.collect()));
    if let Data::Map(entries) = &mut node.data {
        entries.push((Node::string("outs"), outs));
    }
    let key = digest(&node);
    cache.runs().join(&key[..2]).join(&key)
}

/// SHA-256 of Python's JSON, without `size` and `nfiles` at any level.
fn digest(node: &Node) -> String {
    let hash = Sha256::digest(python::json(&without_sizes(node)));
    hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes everything
        text
    })
}

fn without_sizes(node: &Node) -> Node {
    let data = match &node.data {
        Data::List(items) => Data::List(items.iter().map(without_sizes).collect()),
        Data::Map(entries) => Data::Map(
            entries
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), Some("size" | "nfiles")))
                .map(|(key, value)| (key.clone(), without_sizes(value)))
                .collect(),
        ),
        other => other.clone(),
    };
    Node::at(node.at, data)
}
