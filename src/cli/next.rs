//! The suggestion on stderr, after a verb has succeeded, of the command to run next.

use super::args::Global;

/// Each verb that works on tasks, and the verb that follows it.
const STEPS: &[(&str, &str)] = &[
    ("sample", "validate"),
    ("validate", "prepare"),
    ("prepare", "train"),
    ("train", "evaluate"),
    ("evaluate", "gate"),
    ("gate", "predict"),
];

/// Environment variable set for the commands of a stage, where the pipeline decides what comes next.
const STAGE: &str = "EASYLIFE_RUN";

impl Global {
    /// Suggests the verb after `verb` for a task or `all`. Silent with `-q` or `--json`, and in a stage of a
    /// pipeline.
    pub fn suggest_next(&self, verb: &str, task: &str) {
        let next = STEPS.iter().find(|(done, _)| *done == verb);
        if let Some((_, next)) = next {
            // `predict` takes one task.
            let task = if *next == "predict" && task == "all" {
                "TASK"
            } else {
                task
            };
            self.suggest_command(&format!("easylife {next} {task}"));
        }
    }

    /// Suggests a command to run next.
    pub fn suggest_command(&self, command: &str) {
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
