//! `easylife init`: a new project that runs at once with nothing but the binary.
//!
//! `params.yaml` and `dvc.yaml` are this repository's own, so that what a new project starts with
//! is what the tests and CI run.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::exit;
use crate::project::PARAMS;
use files::atomic;

const FILES: [(&str, &str); 6] = [
    (PARAMS, include_str!("../../params.yaml")),
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
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{}: {}", self.folder.display(), self.files.join(", "))?;
        writeln!(f, "next:")?;
        if self.folder != Path::new(".") {
            writeln!(f, "  cd {}", self.folder.display())?;
        }
        for verb in ["sample", "validate", "prepare", "train", "evaluate"] {
            writeln!(f, "  easylife {verb} all")?;
        }
        Ok(())
    }
}

/// Writes the files of a new project into `folder`, or none where one of them is there already.
pub fn run(folder: &Path) -> Result<Created> {
    let taken: Vec<&str> = FILES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| folder.join(name).symlink_metadata().is_ok())
        .collect();
    if !taken.is_empty() {
        return Err(exit::usage(format!(
            "{} already holds {}; nothing was written: choose an empty folder",
            folder.display(),
            taken.join(", ")
        )));
    }
    for (name, content) in FILES {
        let path = folder.join(name);
        atomic::write(&path, |out| out.write_all(content.as_bytes()))?;
    }
    Ok(Created {
        folder: folder.to_owned(),
        files: FILES.iter().map(|(name, _)| *name).collect(),
    })
}
