//! Verbs that come before training (`init`, `sample`, `validate`, `profile`, `prepare`), those that
//! run the whole pipeline (`repro`, `status`, `verify`), and the reference of its parameters (`params`).

mod engine;
pub mod erase;
pub mod init;
pub mod labels;
mod own_data;
pub mod prepare;
pub mod profile;
pub mod reference;
pub mod repro;
pub mod sample;
pub(crate) mod split;
pub mod validate;
pub mod verify;

pub use dvc::Selection;
pub use dvc::runner::RunOptions;
pub use dvc::stop_commands;
pub use dvc::verify::VerifyOptions;

use crate::project::Project;
use crate::talk::Talk;
use crate::task::RawData;

/// Names of the stages of the pipeline in this folder or above; none if it cannot be read.
pub fn stage_names() -> Vec<String> {
    let pipeline = dvc::Pipeline::open(None, engine::PROGRAM);
    pipeline.map_or_else(|_| Vec::new(), |pipeline| pipeline.names())
}

/// Notes which files of a folder are read and which are ignored, if not all are read, and the detected encoding.
fn note_reading(task: &str, raw: RawData<'_>, project: &Project, talk: &Talk) {
    for name in [Some(raw.source), raw.test].into_iter().flatten() {
        let path = project.path(name);
        if raw.of_tables || !path.is_dir() {
            talk.recognised(&path, raw.reading, |key| {
                format!("override it with {task}.data.{key}")
            });
        }
        if raw.of_tables
            && let Some(note) = tables::describe_folder(&project.path(name))
        {
            talk.note(format!("{name}: {note}"));
        }
    }
}
