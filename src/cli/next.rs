//! The command to type after a verb, said on stderr when it has done its work.

use super::args::Global;

/// What follows each verb that works on tasks.
const STEPS: &[(&str, &str)] = &[
    ("sample", "validate"),
    ("validate", "prepare"),
    ("prepare", "train"),
    ("train", "evaluate"),
    ("evaluate", "gate"),
    ("gate", "predict"),
];

/// Set for the commands of a stage, where the pipeline knows what comes next.
const STAGE: &str = "EASYLIFE_RUN";

impl Global {
    /// Says what follows `verb` for a task, or `all`. Not with `-q` or `--json`, nor in a stage of a pipeline.
    pub fn say_next(&self, verb: &str, task: &str) {
        let next = STEPS.iter().find(|(done, _)| *done == verb);
        if let Some((_, next)) = next {
            // A batch is of one task.
            let task = if *next == "predict" && task == "all" {
                "TASK"
            } else {
                task
            };
            self.say_command(&format!("easylife {next} {task}"));
        }
    }

    /// Says a command to go on with.
    pub fn say_command(&self, command: &str) {
        if self.json || std::env::var_os(STAGE).is_some() {
            return;
        }
        let project = match &self.project {
            Some(folder) => format!(" --project {}", folder.display()),
            None => String::new(),
        };
        self.talk().note(format!("next: {command}{project}"));
    }
}
