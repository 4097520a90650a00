//! `easylife.toml`: its table `serve`, each key with its line.

use std::path::Path;

use anyhow::Result;
use toml::Spanned;
use toml::de::DeValue;

use super::keys::{KEYS, Key};
use super::{Setting, Settings, ValueSource};
use crate::memory::{Location, Registered};
use crate::params::near_miss;
use crate::settings::{self, text, texts};

/// Its table for `serve`.
const TABLE: &str = "serve";
/// Keys that are tables by model in the file, and a flag for each model on the command line.
const TABLES: [(&str, &str); 2] = [("models", "model"), ("weights", "weight")];

impl Settings {
    /// Takes the table of a file.
    pub(super) fn read(&mut self, file: &str, folder: &Path, text: &str) -> Result<()> {
        settings::parse(file, text, TABLE, |entry| {
            self.take(&entry.place, folder, entry.name, entry.value)
        })
    }

    /// Takes a key of the file.
    fn take(
        &mut self,
        place: &str,
        folder: &Path,
        name: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), String> {
        let source = ValueSource::File(place.to_owned());
        if name == "tasks" {
            let value = texts(value).map_err(|reason| format!("tasks: {reason}"))?;
            self.tasks = Setting { value, source };
            return Ok(());
        }
        // One key says it of several models, as a table; a flag says it once each.
        let table = TABLES.iter().find(|(known, _)| *known == name);
        let values = match (table, value.get_ref()) {
            (Some((name, _)), DeValue::Table(table)) => {
                let pair = |(model, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                    let model: &std::borrow::Cow<'_, str> = model.get_ref();
                    let value = match *name {
                        "models" => {
                            let value = text(value)?;
                            let path = folder.join(&value);
                            match Registered::is_name(&value) && !path.exists() {
                                true => value,
                                false => path.display().to_string(),
                            }
                        }
                        _ => text(value)?,
                    };
                    Ok(format!("{model}={value}"))
                };
                let pairs: Result<Vec<String>, String> = table.iter().map(pair).collect();
                pairs.map_err(|reason| format!("{name}: {reason}"))?
            }
            (Some((name, _)), _) => {
                return Err(format!(
                    "{name}: expected a table, such as {{nlp = ...}}, of models and their values"
                ));
            }
            (None, _) => texts(value).map_err(|reason| format!("{name}: {reason}"))?,
        };
        let is_single = |key: &Key| TABLES.iter().any(|(_, single)| *single == key.name);
        let wanted = table.map_or(name, |(_, single)| *single);
        let found = KEYS.iter().find(|key| key.name == wanted);
        let Some(key) = found.filter(|key| table.is_some() || !is_single(key)) else {
            let singles = KEYS
                .iter()
                .filter(|key| !is_single(key))
                .map(|key| key.name);
            let mut known: Vec<&str> = singles.collect();
            known.extend(TABLES.iter().map(|(table, _)| *table).chain(["tasks"]));
            let near = near_miss(name, &known);
            return Err(format!(
                "{name}: unknown key; {near}see `easylife serve --help`"
            ));
        };
        if !key.many && matches!(value.get_ref(), DeValue::Array(_)) {
            return Err(format!("{name}: takes one value, not a list"));
        }
        // Paths in a file start where the file is; `-` is stderr, s3://... a bucket.
        let values = match key.value {
            "FILE" => values.iter().map(|value| within(folder, value)).collect(),
            _ => values,
        };
        (key.set)(self, key.name, &values, source).map_err(|reason| format!("{name}: {reason}"))
    }
}

fn within(folder: &Path, value: &str) -> String {
    match value {
        "-" => value.to_owned(),
        _ => Location::new(Path::new(value), folder).to_string(),
    }
}
