//! Shows the output of stages in execution order even if they run at the same time: the first
//! unfinished stage is shown live, the others when their turn comes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::program::Observer;

/// The pending output of one stage.
#[derive(Default)]
struct Part {
    lines: VecDeque<Line>,
    ended: bool,
}

enum Line {
    Note(String),
    Detail(String),
    Warning(String),
    /// The output of commands, from a file that may still grow.
    Log(Log),
}

struct Log {
    /// Opened at the start, since the file may be gone when its turn comes.
    file: Option<File>,
    shown: u64,
    whole: bool,
}

/// The stages of a run, by index.
pub struct Show<'a> {
    observer: &'a dyn Observer,
    parts: Vec<Part>,
    first: usize,
}

impl<'a> Show<'a> {
    /// Nothing has been shown of `stages` stages yet.
    pub fn new(observer: &'a dyn Observer, stages: usize) -> Self {
        let mut parts = Vec::new();
        parts.resize_with(stages, Part::default);
        Self {
            observer,
            parts,
            first: 0,
        }
    }

    /// The commands of a stage start; said at once, whatever is shown in its turn.
    pub fn started(&self, name: &str) {
        self.observer.started(name);
    }

    /// The commands of a stage have ended, likewise.
    pub fn ended(&self, name: &str) {
        self.observer.ended(name);
    }

    /// Passes on a note of a stage when its turn comes.
    pub fn note(&mut self, stage: usize, text: String) {
        self.add(stage, Line::Note(text));
    }

    /// Passes on a detail likewise.
    pub fn detail(&mut self, stage: usize, text: String) {
        self.add(stage, Line::Detail(text));
    }

    /// Passes on a warning likewise.
    pub fn warning(&mut self, stage: usize, text: String) {
        self.add(stage, Line::Warning(text));
    }

    /// Sets the file that a stage's commands write to from now on; it exists already.
    pub fn log(&mut self, stage: usize, path: &Path) {
        self.add(
            stage,
            Line::Log(Log {
                file: File::open(path).ok(),
                shown: 0,
                whole: false,
            }),
        );
    }

    fn add(&mut self, stage: usize, line: Line) {
        self.parts[stage].lines.push_back(line);
        self.flush();
    }

    /// The commands have ended: the file is complete.
    pub fn log_ended(&mut self, stage: usize) {
        for line in &mut self.parts[stage].lines {
            if let Line::Log(log) = line {
                log.whole = true;
            }
        }
        self.flush();
    }

    /// The stage has ended: nothing more comes from it.
    pub fn end(&mut self, stage: usize) {
        self.parts[stage].ended = true;
        self.flush();
    }

    /// Shows what can be shown now.
    pub fn flush(&mut self) {
        while let Some(part) = self.parts.get_mut(self.first) {
            while let Some(line) = part.lines.front_mut() {
                match line {
                    Line::Note(text) => self.observer.note(text),
                    Line::Detail(text) => self.observer.detail(text),
                    Line::Warning(text) => self.observer.warn(text),
                    Line::Log(log) => {
                        log.copy(self.observer);
                        if !log.whole {
                            return;
                        }
                    }
                }
                part.lines.pop_front();
            }
            if !part.ended {
                return;
            }
            self.first += 1;
        }
    }
}

impl Log {
    /// Passes new output to the observer.
    fn copy(&mut self, observer: &dyn Observer) {
        let Some(file) = &mut self.file else { return };
        let mut buffer = [0; 1 << 14];
        if file.seek(SeekFrom::Start(self.shown)).is_err() {
            return;
        }
        while let Ok(read @ 1..) = file.read(&mut buffer) {
            self.shown += read as u64;
            observer.output(&buffer[..read]);
        }
    }
}
