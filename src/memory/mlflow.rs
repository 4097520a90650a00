//! The MLflow server that the environment names, and the spool of what is to be sent to it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::folder;
use crate::project::Project;
use crate::talk::Talk;
use registry::mlflow::{Settings, SettingsError, Spool};

/// The spool of a project, beside its store.
pub fn spool(project: &Project) -> Spool {
    Spool::new(folder(project).with_file_name("mlflow"))
}

/// The server that the environment names, if it names one.
///
/// # Errors
/// What it names is none.
pub fn settings() -> Result<Option<Settings>, SettingsError> {
    match Settings::read(|name| std::env::var(name).ok()) {
        Ok(settings) => Ok(Some(settings)),
        Err(SettingsError::NotSet) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends what is in the spool from a process of its own, for which nobody waits.
pub fn send_beside(project: &Project, talk: &Talk) {
    let root = match project.path("") {
        root if root.as_os_str().is_empty() => PathBuf::from("."),
        root => root,
    };
    let start = || -> std::io::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["runs", "sync", "--wait", "--quiet", "--project"])
            .arg(root.canonicalize()?)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // A signal to this process' group (Ctrl-C) is not for it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().map(drop)
    };
    if let Err(error) = start() {
        talk.warn(format!(
            "MLflow: cannot send in the background ({error}); `easylife runs sync` sends what waits"
        ));
    }
}
