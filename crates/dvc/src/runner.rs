//! Runs a pipeline: each stage once its prerequisites are done, and only if something has changed.
//!
//! One thread examines files, decides and records; others wait for commands. DVC's lock is held
//! while files are examined, and released while waiting.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::command::{self, Environment, Failed};
use crate::error::{Context as _, Error, Result};
use crate::lockfile::Recorded;
use crate::locks::{Announced, Held, Locks};
use crate::orphans::Run;
use crate::pipeline::Pipeline;
use crate::program::Observer;
use crate::record::Records;
use crate::show::Show;
use crate::stage::Stage;
use crate::why::Reason;

/// What to run and how.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Run stages even if they are up to date.
    pub force: bool,
    /// After a failure, continue with stages that do not depend on the failed one.
    pub keep_going: bool,
    /// Do not search for earlier runs with the same inputs.
    pub no_run_cache: bool,
    /// Number of stages that run at the same time.
    pub jobs: usize,
    /// Wait for another run to finish.
    pub wait: bool,
    /// Number of threads that each command of the program may use.
    pub threads: Option<usize>,
}

/// How a stage ended.
///
/// A stage whose inputs and outputs are as recorded is up to date; one whose inputs are those of an
/// earlier run with cached outputs is restored; any other one runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It was up to date.
    UpToDate,
    /// Its outputs were restored from the cache.
    Restored(Vec<Reason>),
    /// Its commands ran.
    Ran(Vec<Reason>),
    /// Its commands failed, or the steps before or after them.
    Failed(Failure),
    /// A prerequisite failed.
    Skipped,
}

/// Why a stage failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The stage, its position in dvc.yaml, what happened, and the last lines of output.
    pub message: String,
    /// The command that failed and its exit code, if a command failed.
    pub command: Option<(String, i32)>,
}

/// How each stage ended, in execution order.
pub type Ends = Vec<(String, Ended)>;

/// Interval at which the output of running commands is shown.
const TICK: Duration = Duration::from_millis(25);
/// Folder for the output of failed stages.
const LOGS: &str = "reports/logs";

/// Runs the stages of `plan`, in this order as far as dependencies require it, and reports to
/// `observer`. A failed stage is not an error but [`Ended::Failed`].
///
/// # Errors
/// [`Error::Held`] or [`Error::InUse`] if another process is working here; an error if something
/// cannot be read or written.
pub fn run(
    pipeline: &Pipeline,
    plan: &[usize],
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Ends> {
    let private = pipeline.folder.make_private()?;
    let locks = Locks::of(&pipeline.folder, options.wait);
    let _run_lock = locks.run()?;
    let stages: Vec<&Stage> = plan.iter().map(|&i| &pipeline.stages[i]).collect();
    let dvc_lock = locks.enter(&stages)?;
    let needs = plan
        .iter()
        .map(|&i| {
            let needs = pipeline.graph.needs(i).iter();
            needs
                .filter_map(|need| plan.iter().position(|known| known == need))
                .collect()
        })
        .collect();
    let (sender, receiver) = channel();
    let mut runner = Runner {
        private,
        records: Records::open(&pipeline.folder, &pipeline.config)?,
        order: stages.iter().map(|stage| stage.name.as_str()).collect(),
        states: stages.iter().map(|_| State::Waiting).collect(),
        show: Show::new(observer, stages.len()),
        stages,
        needs,
        options,
        locks,
        dvc_lock,
        run: None,
        environment: None,
        running: 0,
        failed: false,
        sender,
        receiver,
        pipeline,
    };
    let ended = runner.go();
    runner.records.save()?;
    ended?;
    Ok(runner.ends())
}

/// Lists what would run and why, in execution order; changes nothing.
///
/// # Errors
/// Those of [`run`].
pub fn plan(
    pipeline: &Pipeline,
    plan: &[usize],
    force: bool,
    wait: bool,
) -> Result<Vec<(String, Vec<Reason>)>> {
    pipeline.folder.make_private()?;
    let locks = Locks::of(&pipeline.folder, wait);
    let _dvc_lock = locks.dvc()?;
    let mut records = Records::open(&pipeline.folder, &pipeline.config)?;
    let mut found: Vec<(String, Vec<Reason>)> = Vec::new();
    let mut stale: Vec<usize> = Vec::new();
    for &i in plan {
        let stage = &pipeline.stages[i];
        let mut reasons = records.reasons(stage)?;
        if force {
            reasons.insert(0, Reason::Forced);
        }
        let before = pipeline
            .graph
            .needs(i)
            .iter()
            .find(|need| stale.contains(need));
        if let Some(&before) = before {
            let stage = pipeline.stages[before].name.clone();
            reasons.push(Reason::After { stage });
        }
        if !reasons.is_empty() {
            stale.push(i);
        }
        found.push((stage.name.clone(), reasons));
    }
    records.save()?;
    Ok(found)
}

enum State {
    Waiting,
    /// Its commands are running.
    Running(Box<Running>),
    Ended(Ended),
}

struct Running {
    reasons: Vec<Reason>,
    /// Its inputs before it ran.
    before: Recorded,
    started: Instant,
    log: PathBuf,
    _announced: Option<Announced>,
}

/// A stage's index, and how its commands ended.
type Message = (usize, Result<Option<Failed>>);

struct Runner<'a> {
    pipeline: &'a Pipeline,
    stages: Vec<&'a Stage>,
    /// Names in execution order.
    order: Vec<&'a str>,
    /// Indices of each stage's prerequisites.
    needs: Vec<Vec<usize>>,
    states: Vec<State>,
    options: &'a RunOptions,
    records: Records<'a>,
    locks: Locks,
    dvc_lock: Option<Held>,
    /// Started before the first command.
    run: Option<Run>,
    environment: Option<Environment>,
    private: PathBuf,
    show: Show<'a>,
    running: usize,
    failed: bool,
    sender: Sender<Message>,
    receiver: Receiver<Message>,
}

impl Runner<'_> {
    fn go(&mut self) -> Result<()> {
        loop {
            self.start_what_can()?;
            if self.running == 0 {
                return Ok(());
            }
            let (stage, ended) = self.wait()?;
            self.finish(stage, ended)?;
        }
    }

    /// Examines every stage whose prerequisites are done, and starts those that must run.
    fn start_what_can(&mut self) -> Result<()> {
        for place in 0..self.stages.len() {
            if !matches!(self.states[place], State::Waiting) {
                continue;
            }
            if self.needs[place].iter().any(|&need| self.has_failed(need)) {
                self.end(place, Ended::Skipped);
                continue;
            }
            let stop = self.failed && !self.options.keep_going;
            let ready = |need: &usize| matches!(self.states[*need], State::Ended(_));
            if stop || self.running >= self.options.jobs || !self.needs[place].iter().all(ready) {
                continue;
            }
            if let Err(error) = self.start(place) {
                self.fail(place, error.with_causes(), None);
            }
        }
        Ok(())
    }

    fn has_failed(&self, place: usize) -> bool {
        matches!(
            self.states[place],
            State::Ended(Ended::Failed(_) | Ended::Skipped)
        )
    }

    fn start(&mut self, place: usize) -> Result<()> {
        let stage = self.stages[place];
        self.records.check_ignored(stage)?;
        let mut reasons = self.records.reasons(stage)?;
        if self.options.force {
            reasons.insert(0, Reason::Forced);
        }
        if reasons.is_empty() {
            self.show
                .detail(place, format!("{}: up to date", stage.name));
            self.end(place, Ended::UpToDate);
            return Ok(());
        }
        self.begin_run()?;
        if stage.frozen {
            return self.record_frozen(place, reasons);
        }
        let force = self.options.force || self.options.no_run_cache;
        let known = match force {
            true => None,
            false => self.records.find_run(stage).unwrap_or(None),
        };
        if let Some(run) = known {
            let why = format_reasons(&reasons);
            self.show.note(
                place,
                format!("{}: {why}; outputs from the cache", stage.name),
            );
            self.records.restore(stage, &run)?;
            self.commit(place, None)?;
            self.end(place, Ended::Restored(reasons));
            return Ok(());
        }
        let before = self.records.inputs(stage)?;
        self.records.clear(stage)?;
        self.launch(place, reasons, before)
    }

    /// Before the first change: cleans up after a killed run and registers this one.
    fn begin_run(&mut self) -> Result<()> {
        if self.run.is_some() {
            return Ok(());
        }
        let program = self.pipeline.folder.program();
        let run = Run::begin(program, &self.private, Some(self.records.lock_before))?;
        let root = self.pipeline.folder.root();
        let mut environment = Environment::new(*program, root, &self.private, &run.name)?;
        environment.stdin = self.options.jobs == 1;
        if let Some(threads) = self.options.threads {
            environment.set(program.threads_variable, threads.to_string());
        }
        self.environment = Some(environment);
        self.run = Some(run);
        Ok(())
    }

    /// A frozen stage does not run: its outputs are recorded as they are.
    fn record_frozen(&mut self, place: usize, reasons: Vec<Reason>) -> Result<()> {
        let name = &self.stages[place].name;
        self.show.note(
            place,
            format!("{name}: frozen; its outputs are recorded as they are"),
        );
        self.commit(place, None)?;
        self.end(place, Ended::Ran(reasons));
        Ok(())
    }

    fn launch(&mut self, place: usize, reasons: Vec<Reason>, before: Recorded) -> Result<()> {
        let stage = self.stages[place];
        let environment = self
            .environment
            .clone()
            .context("the run has not started")?;
        let log = self
            .private
            .join("logs")
            .join(format!("{}.log", file_name(&stage.name)));
        std::fs::create_dir_all(self.private.join("logs"))?;
        std::fs::write(&log, "")?;
        let announced = self.locks.announce(stage)?;
        self.show.note(
            place,
            format!("{}: runs: {}", stage.name, format_reasons(&reasons)),
        );
        self.show.log(place, &log);
        let (sender, to) = (self.sender.clone(), log.clone());
        let (name, wdir) = (stage.name.clone(), stage.wdir.clone());
        let commands: Vec<String> = stage.cmd.lines().into_iter().map(str::to_owned).collect();
        std::thread::Builder::new()
            .spawn(move || {
                let ended = command::run(&commands, &name, &wdir, &environment, &to);
                let _ = sender.send((place, ended)); // no receiver is left: the run is over
            })
            .context("cannot start a thread")?;
        self.running += 1;
        self.show.started(&stage.name);
        self.states[place] = State::Running(Box::new(Running {
            reasons,
            before,
            started: Instant::now(),
            log,
            _announced: announced,
        }));
        Ok(())
    }

    /// Waits for the commands of a stage to end, showing their output. Meanwhile DVC may work.
    fn wait(&mut self) -> Result<Message> {
        self.dvc_lock = None;
        let message = loop {
            match self.receiver.recv_timeout(TICK) {
                Ok(message) => break message,
                Err(RecvTimeoutError::Timeout) => self.show.flush(),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::failed("a worker thread has ended unexpectedly"));
                }
            }
        };
        self.dvc_lock = self.locks.dvc_again()?;
        Ok(message)
    }

    fn finish(&mut self, place: usize, ended: Result<Option<Failed>>) -> Result<()> {
        let state = std::mem::replace(&mut self.states[place], State::Waiting);
        let State::Running(running) = state else {
            return Err(Error::failed("a stage ended that was not running"));
        };
        self.running -= 1;
        self.show.ended(&self.stages[place].name);
        self.records.changed();
        self.show.log_ended(place);
        let Running {
            reasons,
            before,
            started,
            log,
            _announced,
        } = *running;
        let wrong = match ended {
            Ok(None) => self
                .commit(place, Some(&before))
                .err()
                .map(|error| (error.with_causes(), None)),
            Ok(Some(failed)) => Some((
                format!("`{}` {}", failed.command, failed.how()),
                failed.status.code().map(|code| (failed.command, code)),
            )),
            Err(error) => Some((error.with_causes(), None)),
        };
        match wrong {
            None => {
                let _ = std::fs::remove_file(&log);
                let seconds = started.elapsed().as_secs_f64();
                let name = &self.stages[place].name;
                self.show
                    .note(place, format!("{name}: done in {seconds:.1} s"));
                self.end(place, Ended::Ran(reasons));
            }
            Some((reason, command)) => {
                let last = last_lines(&log);
                let log = self.keep_log(&log);
                let output = match last.is_empty() {
                    true => format!("; its output is in {log}"),
                    false => format!("; its output is in {log} and ends with\n{last}"),
                };
                self.fail(place, format!("{reason}{output}"), command);
            }
        }
        Ok(())
    }

    fn commit(&mut self, place: usize, before: Option<&Recorded>) -> Result<()> {
        let stage = self.stages[place];
        let warnings = self.records.commit(stage, before, &self.order)?;
        for warning in warnings {
            self.show
                .warning(place, format!("stage `{}`: {warning}", stage.name));
        }
        Ok(())
    }

    /// Keeps the output of a failed stage for the user; returns its location.
    fn keep_log(&self, log: &Path) -> String {
        let folder = &self.pipeline.folder;
        let logs = folder.path(LOGS);
        let written = self.pipeline.stages.iter().flat_map(|stage| &stage.outs);
        let read = self.pipeline.stages.iter().flat_map(|stage| &stage.deps);
        let mut paths = written
            .map(|out| &out.path)
            .chain(read.map(|dep| &dep.path));
        // Not inside what a stage reads or writes, which the log would change.
        let kept = if paths.any(|path| logs.starts_with(path)) {
            log.to_owned()
        } else {
            let kept = logs.join(log.file_name().unwrap_or_default());
            let copied = std::fs::create_dir_all(&logs).and_then(|()| std::fs::copy(log, &kept));
            if copied.is_ok() {
                let _ = std::fs::remove_file(log);
                kept
            } else {
                log.to_owned()
            }
        };
        folder.show(&kept)
    }

    fn fail(&mut self, place: usize, reason: String, command: Option<(String, i32)>) {
        let stage = self.stages[place];
        let file = self.pipeline.folder.pipeline();
        let at = stage.at.line;
        let message = format!("{}:{at}: stage `{}`: {reason}", file.display(), stage.name);
        self.failed = true;
        if self.options.keep_going || self.running > 0 {
            self.show.warning(place, message.clone());
        }
        self.end(place, Ended::Failed(Failure { message, command }));
    }

    fn end(&mut self, place: usize, ended: Ended) {
        self.states[place] = State::Ended(ended);
        self.show.end(place);
    }

    fn ends(self) -> Ends {
        let names = self.order.iter().map(|name| (*name).to_owned());
        names
            .zip(self.states)
            .map(|(name, state)| match state {
                State::Ended(ended) => (name, ended),
                State::Waiting | State::Running(_) => (name, Ended::Skipped),
            })
            .collect()
    }
}

/// The last lines of a log, indented, without the line that names the command.
fn last_lines(log: &Path) -> String {
    const SHOWN: usize = 5;
    const BYTES: u64 = 4096;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        Ok(end)
    };
    let end = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&end);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("> "))
        .collect();
    let last = &lines[lines.len().saturating_sub(SHOWN)..];
    let last: Vec<String> = last.iter().map(|line| format!("  {line}")).collect();
    last.join("\n")
}

/// Formats reasons on one line.
fn format_reasons(reasons: &[Reason]) -> String {
    const SHOWN: usize = 3;
    let mut texts: Vec<String> = reasons.iter().take(SHOWN).map(Reason::to_string).collect();
    if reasons.len() > SHOWN {
        texts.push(format!("and {} more", reasons.len() - SHOWN));
    }
    texts.join("; ")
}

/// A stage's name as a file name.
pub(crate) fn file_name(stage: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "-_@.".contains(c);
    stage
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .collect()
}
