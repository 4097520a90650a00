//! `outs`, `metrics` and `plots` of a stage.

use std::path::{Path, PathBuf};

use yaml::{Data, Fault, Node};

use crate::define::local_path;
use crate::folder::{Folder, PIPELINE, absolute};
use crate::stage::{Kind, Out};

/// The keys that list outputs.
pub const KINDS: [(&str, Kind); 3] = [
    ("outs", Kind::Plain),
    ("metrics", Kind::Metric),
    ("plots", Kind::Plot),
];

/// Flags that affect a run.
const FLAGS: [&str; 2] = ["cache", "persist"];
/// Flags for other DVC commands: what to push where, what a file contains.
const NOT_OURS: [&str; 6] = ["push", "remote", "desc", "type", "labels", "meta"];
/// Flags on how a plot is drawn.
const PLOT: [&str; 7] = [
    "template", "x", "y", "x_label", "y_label", "title", "header",
];

/// Adds the outputs listed under `key`. A path listed twice gets the flags of both.
///
/// # Errors
/// If the list or a flag is invalid or not supported.
pub fn add(
    outs: &mut Vec<Out>,
    node: &Node,
    key: &str,
    kind: Kind,
    wdir: &Path,
) -> Result<(), Fault> {
    let items = node
        .as_list()
        .ok_or_else(|| node.fault(format!("`{key}` must be a list")))?;
    let first = outs.len();
    for item in items {
        match &item.data {
            Data::Map(entries) => {
                for (path, flags) in entries {
                    let i = place(outs, first, path, key, kind, wdir)?;
                    set_flags(&mut outs[i], flags, key, kind)?;
                }
            }
            _ => {
                place(outs, first, item, key, kind, wdir)?;
            }
        }
    }
    Ok(())
}

fn place(
    outs: &mut Vec<Out>,
    first: usize,
    path: &Node,
    key: &str,
    kind: Kind,
    wdir: &Path,
) -> Result<usize, Fault> {
    let name = local_path(path, key)?;
    let known = outs[first..].iter().position(|out| out.name == name);
    if let Some(known) = known {
        return Ok(first + known);
    }
    outs.push(Out {
        name: name.to_owned(),
        path: PathBuf::from(absolute(wdir, Path::new(name))),
        at: path.at,
        kind,
        cache: true,
        persist: false,
    });
    Ok(outs.len() - 1)
}

fn set_flags(out: &mut Out, flags: &Node, key: &str, kind: Kind) -> Result<(), Fault> {
    let entries = flags.as_map().ok_or_else(|| {
        flags.fault(format!(
            "expected the flags of the path in `{key}`, for example `cache: false`"
        ))
    })?;
    for (name, value) in entries {
        let flag = name.as_str().unwrap_or_default();
        let switch = || match value.data {
            Data::Bool(value) => Ok(value),
            _ => Err(value.fault(format!("`{flag}` must be true or false"))),
        };
        match flag {
            "cache" => out.cache = switch()?,
            "persist" => out.persist = switch()?,
            _ if NOT_OURS.contains(&flag) => {}
            _ if kind == Kind::Plot && PLOT.contains(&flag) => {}
            _ => {
                return Err(name.fault(format!(
                    "the flag `{}` in `{key}` is not supported; supported: {}",
                    crate::template::spelled(name),
                    FLAGS.join(", ")
                )));
            }
        }
    }
    Ok(())
}

/// Checks for outputs that DVC refuses.
///
/// # Errors
/// If an output is one of DVC's own files, is outside the project, or contains dvc.yaml.
pub fn check(outs: &[Out], folder: &Folder) -> Result<(), Fault> {
    for out in outs {
        let refuse = |reason: String| Err(Fault { at: out.at, reason });
        let name = &out.name;
        if name.ends_with(".dvc") || Path::new(name).file_name().is_some_and(|n| n == PIPELINE) {
            return refuse(format!(
                "{name} is one of DVC's own files and cannot be an output"
            ));
        }
        let inside = out.path.starts_with(folder.root()) && out.path != folder.root();
        let within = inside && !Path::new(name).is_absolute();
        if out.cache && !within {
            return refuse(format!(
                "the output {name} is outside the project; move it inside, or give \
                 it `cache: false`"
            ));
        }
        if folder.dir().join(PIPELINE).starts_with(&out.path) {
            return refuse(format!("the output {name} contains dvc.yaml"));
        }
    }
    Ok(())
}
