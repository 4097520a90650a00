//! The running commands of stages, so that a program can end them before a signal ends it: no
//! process of a stage outlives the program.
//!
//! Without a terminal each command has its own process group. With one it stays in the program's
//! group, so that it can read from the terminal and Ctrl-C reaches it; on Linux its descendants are
//! found by the name of the run in their environment.
//!
//! The list is per process, like child processes. Only the program's signal handler calls [`stop`].

use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// How long commands may take to end after SIGTERM, before SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long killed processes may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long commands may take to end after a Ctrl-C, which the terminal sends to them as well.
const TERMINAL_GRACE: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(5);

struct Running {
    /// Whether [`stop`] was called; nothing more is started then.
    stopping: bool,
    /// The first process of each command, and whether it leads a group.
    commands: Vec<(Pid, bool)>,
    /// The environment variable of everything that runs: `NAME=value`.
    mark: Option<String>,
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    stopping: false,
    commands: Vec::new(),
    mark: None,
});

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a command to its end. `mark` is the environment variable that names the run. Does not
/// return once [`stop`] was called, since the process is about to end.
///
/// # Errors
/// If the command cannot be started.
pub fn run(command: &mut Command, mark: &str) -> io::Result<ExitStatus> {
    let leads = !has_terminal();
    if leads {
        command.process_group(0);
    }
    let mut running = unless_stopping();
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    running.commands.push((pid, leads));
    running.mark = Some(mark.to_owned());
    drop(running);
    let status = child.wait();
    if status.as_ref().is_ok_and(was_interrupted) {
        // The signal that ended it may also be on its way to this process.
        let since = Instant::now();
        while since.elapsed() < TERMINAL_GRACE && !self::running().stopping {
            std::thread::sleep(TICK);
        }
    }
    unless_stopping()
        .commands
        .retain(|(known, _)| *known != pid);
    status
}

/// Blocks forever if the process is about to end.
fn unless_stopping() -> MutexGuard<'static, Running> {
    loop {
        let running = running();
        if !running.stopping {
            return running;
        }
        drop(running);
        std::thread::park();
    }
}

fn was_interrupted(status: &ExitStatus) -> bool {
    const BY_SIGINT: i32 = 130;
    let interrupt = Signal::INT.as_raw();
    status.signal() == Some(interrupt) || status.code() == Some(BY_SIGINT)
}

/// Whether this process can read from a terminal, wherever its stdin comes from.
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Ends all commands of stages: SIGTERM, and after two seconds SIGKILL. Returns when they are gone,
/// after seven seconds at most. The process must end right after.
pub fn stop() {
    let (commands, mark) = {
        let mut running = running();
        running.stopping = true;
        (running.commands.clone(), running.mark.clone())
    };
    if commands.is_empty() {
        return;
    }
    let left = || processes(&commands, mark.as_deref());
    let gone_within = |patience: Duration, again: Option<Signal>| {
        let since = Instant::now();
        loop {
            let left = left();
            if left.is_empty() {
                return true;
            }
            if let Some(signal) = again {
                send(&left, signal);
            }
            if since.elapsed() > patience {
                return false;
            }
            std::thread::sleep(TICK);
        }
    };
    let shared = commands.iter().any(|(_, leads)| !leads);
    if shared && gone_within(TERMINAL_GRACE, None) {
        return;
    }
    send(&left(), Signal::TERM);
    // In a stage of another run this process itself is given no more than GRACE.
    let nested = mark
        .as_deref()
        .and_then(|mark| mark.split_once('='))
        .is_some_and(|(name, _)| std::env::var_os(name).is_some());
    let grace = if nested { GRACE / 2 } else { GRACE };
    if !gone_within(grace, None) {
        gone_within(PATIENCE, Some(Signal::KILL));
    }
}

/// A process, or with `true` the group it leads.
type Target = (Pid, bool);

fn send(targets: &[Target], signal: Signal) {
    for &(pid, group) in targets {
        // A process that has already ended needs no signal.
        let _ = match group {
            true => rustix::process::kill_process_group(pid, signal),
            false => rustix::process::kill_process(pid, signal),
        };
    }
}

/// The remaining processes of the commands: groups that still have a process, and on Linux
/// processes outside of them that carry the run's name.
#[cfg(target_os = "linux")]
fn processes(commands: &[Target], mark: Option<&str>) -> Vec<Target> {
    let mut found: Vec<Target> = Vec::new();
    let mut add = |target: Target| {
        if !found.contains(&target) {
            found.push(target);
        }
    };
    let myself = rustix::process::getpid();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw).filter(|pid| *pid != myself) else {
            continue;
        };
        let Some(group) = group_of_living(&entry.path()) else {
            continue;
        };
        if let Some(leader) = commands
            .iter()
            .find(|(leader, leads)| *leads && *leader == group)
        {
            add(*leader);
        } else if mark.is_some_and(|mark| carries(&entry.path(), mark)) {
            add((pid, false));
        }
    }
    found
}

/// The process group from `/proc/PID/stat`; `None` if the process has ended.
#[cfg(target_os = "linux")]
fn group_of_living(process: &std::path::Path) -> Option<Pid> {
    let stat = std::fs::read(process.join("stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = String::from_utf8_lossy(&stat[end + 1..]).into_owned();
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then(|| Pid::from_raw(group))?
}

#[cfg(target_os = "linux")]
fn carries(process: &std::path::Path, mark: &str) -> bool {
    std::fs::read(process.join("environ")).is_ok_and(|environment| {
        environment
            .split(|byte| *byte == 0)
            .any(|v| v == mark.as_bytes())
    })
}

#[cfg(not(target_os = "linux"))]
fn processes(commands: &[Target], _: Option<&str>) -> Vec<Target> {
    let exists = |&(pid, leads): &Target| match leads {
        true => rustix::process::test_kill_process_group(pid).is_ok(),
        false => rustix::process::test_kill_process(pid).is_ok(),
    };
    commands.iter().copied().filter(exists).collect()
}
