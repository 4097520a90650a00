//! Tests of several modules together, on projects in temporary folders.

mod definitions;
mod forgetting;
mod graphs;
mod ignoring;
mod locking;
mod storing;

use std::fs;
use std::path::{Path, PathBuf};

use yaml::{Data, Node};

use crate::config::Config;
use crate::context::Context;
use crate::define;
use crate::error::Error;
use crate::folder::Folder;
use crate::program::Program;
use crate::stage::Stage;

/// A program as `easylife` describes itself.
const PROGRAM: Program = Program {
    name: "tool",
    replacing_verbs: &["train", "predict"],
    run_variable: "TOOL_RUN",
    threads_variable: "TOOL_THREADS",
    private_variables: &[],
    verification_variables: &[],
    differences: &[],
};

/// A folder with files; gone when dropped.
struct Project(tempfile::TempDir);

impl Project {
    /// A project with a `dvc.yaml` of this text.
    fn of(pipeline: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write("dvc.yaml", pipeline);
        project
    }

    /// The same with a `.dvc` folder.
    fn with_dvc(pipeline: &str) -> Self {
        let project = Self::of(pipeline);
        fs::create_dir(project.path(".dvc")).unwrap();
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        // Some systems' temporary folder is a link.
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn folder(&self) -> Folder {
        Folder::open(&self.path(""), PROGRAM).unwrap()
    }

    fn config(&self) -> Config {
        Config::read(&self.folder()).unwrap()
    }

    fn stages(&self) -> Result<Vec<Stage>, Error> {
        let empty = Context::of(Node::new(Data::Map(Vec::new())));
        define::stages(&self.folder(), empty)
    }

    /// The message that refuses the pipeline, without the folder in front of it.
    fn refusal(&self) -> String {
        let message = self.stages().expect_err("must be refused").to_string();
        let here = format!(
            "{}/",
            self.path("").display().to_string().trim_end_matches('/')
        );
        message.replace(&here, "")
    }
}

/// The stages of a `dvc.yaml`.
fn stages(pipeline: &str) -> Vec<Stage> {
    Project::of(pipeline).stages().unwrap()
}

fn names(stages: &[Stage]) -> Vec<&str> {
    stages.iter().map(|stage| stage.name.as_str()).collect()
}

fn name_of(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}
