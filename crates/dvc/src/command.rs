//! Runs a stage's commands like DVC: with the user's shell, in the stage's folder, with their
//! output in a log file.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::error::{Context as _, Result};
use crate::program::Program;
use crate::running;

/// The environment of the commands of a run.
#[derive(Clone, Debug)]
pub struct Environment {
    program: Program,
    variables: Vec<(OsString, OsString)>,
    /// The environment variable that identifies the run.
    mark: String,
    /// Whether commands may read from the terminal.
    pub stdin: bool,
}

impl Environment {
    /// Puts this binary on the PATH under its name, through a folder that holds nothing else.
    ///
    /// # Errors
    /// If the link to this binary cannot be created.
    pub fn new(program: Program, root: &Path, private: &Path, run: &str) -> Result<Self> {
        let mut variables: Vec<(OsString, OsString)> =
            vec![(program.run_variable.into(), run.into())];
        if std::env::var_os("DVC_ROOT").is_none() {
            variables.push(("DVC_ROOT".into(), root.into()));
        }
        let bin = private.join("bin");
        link_to_self(program.name, &bin)?;
        let mut path = OsString::from(bin);
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        variables.push(("PATH".into(), path));
        Ok(Self {
            mark: format!("{}={run}", program.run_variable),
            program,
            variables,
            stdin: false,
        })
    }

    /// Sets a variable for the commands, over one that this process has.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.into(), value.into()));
    }
}

fn link_to_self(name: &str, bin: &Path) -> Result<()> {
    let me = std::env::current_exe().context("cannot find this program's file")?;
    let link = bin.join(name);
    if std::fs::read_link(&link).is_ok_and(|to| to == me) {
        return Ok(());
    }
    std::fs::create_dir_all(bin)?;
    let scratch = tempfile::Builder::new().prefix(".link-").tempdir_in(bin)?;
    let fresh = scratch.path().join(name);
    std::os::unix::fs::symlink(me, &fresh)?;
    std::fs::rename(fresh, link).context("cannot make a link to this program")
}

/// A command that failed.
#[derive(Debug)]
pub struct Failed {
    pub command: String,
    pub status: ExitStatus,
}

impl Failed {
    /// Describes how it ended.
    pub fn how(&self) -> String {
        use std::os::unix::process::ExitStatusExt;
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "failed".to_owned(),
        }
    }
}

/// Runs commands one after another until one fails.
///
/// Each line of `commands` gets a shell of its own (`$SHELL`, without the user's settings), so that
/// `cd` and variables end with the line. The name of the stage is in `DVC_STAGE`.
///
/// # Errors
/// If the log cannot be written or a command cannot be started; a command that fails is returned as
/// [`Failed`].
pub fn run(
    commands: &[String],
    name: &str,
    wdir: &Path,
    environment: &Environment,
    log: &Path,
) -> Result<Option<Failed>> {
    let mut out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    for command in commands {
        writeln!(out, "> {command}")?;
        let mut shell = shell(command, &environment.program);
        shell
            .env("DVC_STAGE", name)
            .envs(environment.variables.iter().cloned())
            .current_dir(wdir)
            .stdin(if environment.stdin {
                Stdio::inherit()
            } else {
                Stdio::null()
            })
            .stdout(out.try_clone()?)
            .stderr(out.try_clone()?);
        let status = running::run(&mut shell, &environment.mark)
            .with_context(|| format!("cannot run `{command}` in {}", wdir.display()))?;
        if !status.success() {
            let command = command.clone();
            return Ok(Some(Failed { command, status }));
        }
    }
    Ok(None)
}

/// DVC's choice of a shell: the user's, without the user's settings.
fn shell(line: &str, program: &Program) -> Command {
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let shell = PathBuf::from(shell.unwrap_or_else(|| "/bin/sh".into()));
    let options: &[&str] = match shell.file_name().and_then(|name| name.to_str()) {
        Some("zsh") => &["--no-rcs"],
        Some("bash") => &["--noprofile", "--norc"],
        Some("fish") => &["--no-config"],
        _ => &[],
    };
    let mut command = Command::new(shell);
    command.args(options).arg("-c").arg(line);
    for name in program.private_variables {
        command.env_remove(name);
    }
    die_with_parent(&mut command);
    command
}

/// Undoes our own process settings, since programs expect to be ended by the file size limit. If
/// this process is killed, the shell ends with it; [`super::orphans`] finds what the shell started.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    let ask = || {
        files::limits::end_beyond_file_size();
        let signal = Some(rustix::process::Signal::KILL);
        Ok(rustix::process::set_parent_process_death_signal(signal)?)
    };
    // SAFETY: between fork and exec only two system calls are made; nothing is allocated or locked.
    unsafe {
        command.pre_exec(ask);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(command: &mut Command) {
    let undo = || {
        files::limits::end_beyond_file_size();
        Ok(())
    };
    // SAFETY: between fork and exec only one system call is made; nothing is allocated or locked.
    unsafe {
        command.pre_exec(undo);
    }
}
