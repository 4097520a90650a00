//! `easylife init`: a new project that runs at once with nothing but the binary, with a sample of every task
//! or for one task on data of one's own.
//!
//! `params.yaml` and `dvc.yaml` are this repository's own, so that what a new project starts with
//! is what the tests and CI run.

mod classes;
mod dates;
mod head;
mod own;
mod series;
mod template;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use self::own::Chosen;
pub use self::own::{Ask, Own};
use crate::exit;
use crate::params::schema;
use crate::project::PARAMS;
use crate::task::Task;
use files::atomic;

/// `params.yaml` of a new project with every task.
pub const PARAMS_TEMPLATE: &str = include_str!("../../params.yaml");

const FILES: [(&str, &str); 7] = [
    (PARAMS, PARAMS_TEMPLATE),
    (schema::FILE, include_str!("../../params.schema.json")),
    ("dvc.yaml", include_str!("../../dvc.yaml")),
    (".dvcignore", include_str!("../../.dvcignore")),
    (".gitignore", include_str!("init/gitignore")),
    ("README.md", include_str!("init/README.md")),
    ("schema/README.md", include_str!("../../schema/README.md")),
];

/// The files of the new project.
#[derive(Debug, Serialize)]
pub struct Created {
    folder: PathBuf,
    files: Vec<&'static str>,
    /// Keys of params.yaml with what was found in the data of one's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<Setting>,
    /// Commands to type next.
    next: Vec<String>,
}

/// A key of params.yaml that the data decided on.
#[derive(Debug, Serialize)]
struct Setting {
    key: String,
    value: String,
    /// Found, rather than named by the caller.
    found: bool,
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}: {}", self.folder.display(), self.files.join(", "))?;
        for Setting { key, value, found } in &self.columns {
            let how = if *found {
                "  (found; change it in params.yaml)"
            } else {
                ""
            };
            writeln!(f, "  {key}: {}{how}", tables::shown(value))?;
        }
        writeln!(f, "next:")?;
        if self.folder != Path::new(".") {
            writeln!(f, "  cd {}", self.folder.display())?;
        }
        for command in &self.next {
            writeln!(f, "  {command}")?;
        }
        Ok(())
    }
}

/// Writes the files of a new project with every task into `folder`, or none where one of them is there already.
pub fn run(folder: &Path) -> Result<Created> {
    write(
        folder,
        FILES.map(|(name, content)| (name, content.to_owned())),
    )?;
    let verbs = ["sample", "validate", "prepare", "train", "evaluate"];
    Ok(Created {
        folder: folder.to_owned(),
        files: FILES.iter().map(|(name, _)| *name).collect(),
        columns: Vec::new(),
        next: verbs.map(|verb| format!("easylife {verb} all")).into(),
    })
}

/// Writes the files of a project for `T` on data of one's own; `tasks` are the names of all.
///
/// # Errors
/// As [`run`], and where the data or the columns that are meant are not to be found.
pub fn run_own<T: Task>(folder: &Path, own: &Own, tasks: &[&str], ask: Ask<'_>) -> Result<Created> {
    let found = own::find::<T>(own, ask)?;
    let task = T::NAME;
    let source = own::from_project(folder, &own.source)?;
    let source = Chosen::name(&format!("{task}.data.source"), source, true);
    let mut chosen = own::settings(task, found.reading);
    chosen.extend(found.columns);
    let sets = [&source].into_iter().chain(&chosen);
    let sets: Vec<(String, String)> = sets
        .map(|set| (set.key.clone(), set.yaml.clone()))
        .collect();
    let columns = chosen.into_iter().map(|chosen| Setting {
        key: chosen.key,
        value: chosen.value,
        found: !chosen.is_given,
    });
    let columns = columns.collect();
    let score = own.score.as_deref();
    let score = score
        .map(|path| own::from_project(folder, path))
        .transpose()?;
    let files = FILES.map(|(name, content)| {
        let content = match name {
            PARAMS => template::params(content, task, &sets, score.as_deref())?,
            "dvc.yaml" => template::dvc(content, task, tasks, own.scored()),
            "README.md" => README_OWN.replace("TASK", task),
            _ => content.to_owned(),
        };
        Ok((name, content))
    });
    let files = files.into_iter().collect::<Result<Vec<_>>>()?;
    let names = files.iter().map(|(name, _)| *name).collect();
    write(folder, files)?;
    Ok(Created {
        folder: folder.to_owned(),
        files: names,
        columns,
        next: match own.scored() {
            template::Scored::Nothing => vec![
                "easylife repro".to_owned(),
                format!(
                    "easylife predict {task} -i {} -o scored.csv",
                    new_data::<T>()?
                ),
            ],
            _ => vec!["easylife repro".to_owned()],
        },
    })
}

/// What stands for data to be scored in a command to type.
fn new_data<T: Task>() -> Result<&'static str> {
    let params =
        T::check(&T::Block::default()).map_err(|invalid| anyhow::anyhow!("{invalid:?}"))?;
    Ok(match T::raw_data(&params).of_tables {
        true => "NEW.csv",
        false => "FOLDER",
    })
}

const README_OWN: &str = include_str!("init/README-own.md");

/// Writes files into `folder`, or none where one of them is there already.
fn write(
    folder: &Path,
    files: impl IntoIterator<Item = (&'static str, String)> + Clone,
) -> Result<()> {
    let names = files.clone().into_iter().map(|(name, _)| name);
    let taken: Vec<&str> = names
        .filter(|name| folder.join(name).symlink_metadata().is_ok())
        .collect();
    if !taken.is_empty() {
        return Err(exit::usage(format!(
            "{} already holds {}; nothing was written: choose an empty folder",
            folder.display(),
            taken.join(", ")
        )));
    }
    for (name, content) in files {
        let path = folder.join(name);
        atomic::write(&path, |out| out.write_all(content.as_bytes()))?;
    }
    Ok(())
}
