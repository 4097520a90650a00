//! Stages that run at the same time, each with a line at the bottom of the terminal while it runs.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Talk, plain};

/// Prints the messages of a pipeline above the lines of the running stages.
pub struct Stages {
    talk: Talk,
    /// `None`: no terminal, or `-q`.
    lines: Option<MultiProgress>,
    running: Mutex<HashMap<String, ProgressBar>>,
}

impl Stages {
    /// `jobs`: stages at a time; a single one shows its own progress.
    pub fn new(talk: &Talk, jobs: usize) -> Self {
        let shown = jobs > 1 && talk.verbosity >= 0 && std::io::stderr().is_terminal();
        Self {
            talk: *talk,
            lines: shown.then(MultiProgress::new),
            running: Mutex::default(),
        }
    }

    /// Prints above the lines.
    fn say(&self, what: impl FnOnce(&Talk)) {
        match &self.lines {
            Some(lines) => lines.suspend(|| what(&self.talk)),
            None => what(&self.talk),
        }
    }
}

impl dvc::Observer for Stages {
    fn note(&self, message: &str) {
        self.say(|talk| talk.note(message));
    }

    fn detail(&self, message: &str) {
        self.say(|talk| talk.detail(message));
    }

    fn warn(&self, message: &str) {
        self.say(|talk| talk.warn(message));
    }

    fn output(&self, bytes: &[u8]) {
        self.say(|talk| talk.pass_on(bytes));
    }

    fn started(&self, stage: &str) {
        let Some(lines) = &self.lines else { return };
        let line = lines.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed}") {
            line.set_style(style);
        }
        line.set_prefix(plain(stage).into_owned());
        line.enable_steady_tick(Duration::from_millis(120));
        if let Ok(mut running) = self.running.lock() {
            running.insert(stage.to_owned(), line);
        }
    }

    fn ended(&self, stage: &str) {
        let line = self
            .running
            .lock()
            .ok()
            .and_then(|mut running| running.remove(stage));
        if let Some(line) = line {
            line.finish_and_clear();
        }
    }
}
