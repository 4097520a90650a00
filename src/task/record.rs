//! The parameters that data were prepared with, written next to the parts by `prepare`. Later verbs take the
//! names of columns from this record, and refuse parameters that would give other parts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Task;
use crate::exit;
use crate::project::Project;

/// The file in the folder of the prepared parts.
const FILE: &str = "prepared.json";
const VERSION: u32 = 1;

/// What to do if params.yaml would give other parts than the prepared ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferentParts {
    /// Stop: the outputs would not be those of params.yaml.
    Refused,
    /// Continue: the verb uses the parts that a model was trained with.
    Allowed,
}

/// Blocks of the parameters that the parts depend on.
const BLOCKS: [&str; 2] = ["data", "split"];

/// Parameters for prepared data.
pub struct Followed<P> {
    pub params: P,
    /// Names of columns taken from the record, if params.yaml has others.
    pub said: Option<String>,
}

/// The content of the file: the blocks of the task's parameters, with defaults filled in.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    data: Value,
    split: Value,
}

/// The part of a record that every version has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Writes the record of `block` into the folder of the parts.
///
/// # Errors
/// If the file cannot be written.
pub fn write<T: Task>(block: &T::Block, folder: &Path) -> io::Result<()> {
    let [data, split] = BLOCKS.map(|name| part_of(block, name));
    let record = Record {
        version: VERSION,
        data: data?,
        split: split?,
    };
    let mut out = BufWriter::new(File::create(folder.join(FILE))?);
    serde_json::to_writer_pretty(&mut out, &record)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The parameters of `T` in `project` for its prepared data, with the names of columns that the data were
/// prepared with. Data without a record (of another program, or an earlier version) are taken as they are.
///
/// # Errors
/// If the record cannot be read, or if `different` refuses parameters that would give other parts.
pub fn follow<T: Task>(
    project: &Project,
    different: DifferentParts,
) -> Result<Followed<T::Params>> {
    let mut block = project.block::<T::Block>(T::NAME)?;
    let mut said = None;
    if let Some(prepared) = read::<T>(project)? {
        let before = leaves::<T>(&block)?;
        T::follow(&mut block, &prepared);
        let now = leaves::<T>(&block)?;
        if different == DifferentParts::Refused {
            let then = leaves::<T>(&prepared)?;
            refuse_differences(&project.processed(T::NAME), T::NAME, &then, &now)?;
        }
        said = describe_columns::<T>(&before, &now);
    }
    let params = T::check(&block).map_err(|invalid| project.blame(invalid))?;
    Ok(Followed { params, said })
}

fn read<T: Task>(project: &Project) -> Result<Option<T::Block>> {
    let path = project.processed(T::NAME).join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(anyhow::anyhow!("cannot read {}: {error}", path.display()));
        }
    };
    let again = |cause: String| {
        let name = T::NAME;
        let path = path.display();
        exit::data(format!(
            "{path}: {cause}; run `easylife prepare {name}` again"
        ))
    };
    let damaged = |error| again(format!("is damaged ({error})"));
    let Versioned { version } = serde_json::from_str(&text).map_err(damaged)?;
    if version != VERSION {
        return Err(again(format!("has version {version}, not {VERSION}")));
    }
    let Record { data, split, .. } = serde_json::from_str(&text).map_err(damaged)?;
    let block = Map::from_iter([("data".to_owned(), data), ("split".to_owned(), split)]);
    let block = serde_json::from_value(Value::Object(block)).map_err(damaged)?;
    Ok(Some(block))
}

/// A block within the block of a task. Absolute paths are reduced to the file name, since outputs must not
/// depend on the place of the project.
fn part_of<B: Serialize>(block: &B, name: &str) -> io::Result<Value> {
    const PATHS: [&str; 3] = ["source", "test", "items"];
    let mut values = serde_json::to_value(block)?[name].take();
    for key in PATHS {
        let Some(value) = values.get_mut(key) else {
            continue;
        };
        let path = value.as_str().map(Path::new);
        let name = path
            .filter(|path| path.is_absolute())
            .and_then(Path::file_name);
        if let Some(name) = name {
            *value = Value::from(name.to_string_lossy());
        }
    }
    Ok(values)
}

/// The values that the parts depend on, by key.
fn leaves<T: Task>(block: &T::Block) -> io::Result<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    for name in BLOCKS {
        let value = part_of(block, name)?;
        for (key, value) in value.as_object().into_iter().flatten() {
            found.insert(format!("{}.{name}.{key}", T::NAME), value.clone());
        }
    }
    Ok(found)
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "not set".to_owned(),
        Some(Value::String(text)) => tables::shown(text),
        Some(value) => value.to_string(),
    }
}

fn refuse_differences(
    folder: &Path,
    task: &str,
    then: &BTreeMap<String, Value>,
    now: &BTreeMap<String, Value>,
) -> Result<()> {
    let mut keys: Vec<&String> = then.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.retain(|key| then.get(*key) != now.get(*key));
    if keys.is_empty() {
        return Ok(());
    }
    let changes: Vec<String> = keys
        .iter()
        .map(|key| {
            let [then, now] = [then, now].map(|values| shown(values.get(*key)));
            format!("{key} was {then} and is now {now}")
        })
        .collect();
    let back: Vec<String> = keys
        .iter()
        .map(|key| format!("-S {}", quoted(key, then.get(*key))))
        .collect();
    Err(exit::usage(format!(
        "{} was prepared with other parameters: {}; prepare the data again with `easylife prepare {task}`, or \
        use the earlier parameters: {}",
        folder.display(),
        changes.join(", "),
        back.join(" ")
    )))
}

/// An argument of `-S`, for a shell.
fn quoted(key: &str, value: Option<&Value>) -> String {
    let value = match value {
        None | Some(Value::Null) => "null".to_owned(),
        Some(Value::String(text)) => tables::shown(text),
        Some(value) => value.to_string(),
    };
    let plain = |c: char| c.is_alphanumeric() || "._-/".contains(c);
    match value.chars().all(plain) {
        true => format!("{key}={value}"),
        false => format!("'{key}={}'", value.replace('\'', "'\\''")),
    }
}

/// A note on columns that differ from params.yaml.
fn describe_columns<T: Task>(
    before: &BTreeMap<String, Value>,
    now: &BTreeMap<String, Value>,
) -> Option<String> {
    let differ = |(key, value): &(&String, &Value)| before.get(*key) != Some(*value);
    let columns: Vec<String> = now
        .iter()
        .filter(differ)
        .map(|(key, value)| format!("{key}: {}", shown(Some(value))))
        .collect();
    (!columns.is_empty()).then(|| {
        format!(
            "{}: using the columns that the data were prepared with: {}",
            T::NAME,
            columns.join(", ")
        )
    })
}
