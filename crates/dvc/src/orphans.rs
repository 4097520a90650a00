//! Cleans up after a killed run: commands that are still running, and partial files.
//!
//! Every run has a name, which is in the environment of all processes it starts. A run that ends
//! removes the file with its name; a killed one does not, and the next run ends the processes that
//! still have it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Context as _, Error, Result};
use crate::program::Program;

/// Holds the name of the current run and the number of stages that the lock had before it.
const FILE: &str = "run";
/// How long killed processes may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of this run; removed from the disk when the run ends.
pub struct Run {
    file: PathBuf,
    pub name: String,
}

impl Run {
    /// Ends what an earlier run left behind, then registers this one. `recorded` is the number of
    /// stages in the lock, for a run that writes it. The caller holds the run's lock.
    ///
    /// # Errors
    /// If leftover processes do not end, or the file cannot be written.
    pub fn begin(program: &Program, private: &Path, recorded: Option<usize>) -> Result<Self> {
        let file = private.join(FILE);
        if let Ok(text) = fs::read_to_string(&file) {
            end(program, text.lines().next().unwrap_or_default())?;
            let _ = fs::remove_dir_all(private.join("scratch"));
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let name = format!("{}-{}", std::process::id(), now.map_or(0, |n| n.as_nanos()));
        fs::create_dir_all(private)?;
        let recorded = recorded.map_or(String::new(), |count| format!("{count}\n"));
        fs::write(&file, format!("{name}\n{recorded}"))
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Self { file, name })
    }
}

/// The number of stages in the lock before a killed run, if there was one: the stages it added may
/// be in a different order than without the kill.
pub fn recorded_before(private: &Path) -> Option<usize> {
    let text = fs::read_to_string(private.join(FILE)).ok()?;
    text.lines().nth(1)?.parse().ok()
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

#[cfg(target_os = "linux")]
fn end(program: &Program, name: &str) -> Result<()> {
    let started = Instant::now();
    loop {
        let left = carriers(program.run_variable, name);
        if left.is_empty() {
            return Ok(());
        }
        for pid in &left {
            if let Some(pid) = rustix::process::Pid::from_raw(*pid) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
        if started.elapsed() > PATIENCE {
            return Err(Error::failed(format!(
                "commands of a killed run are still running: processes {left:?}"
            )));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(not(target_os = "linux"))]
fn end(_: &Program, _: &str) -> Result<()> {
    Ok(())
}

/// Processes of this user with the run's name in their environment.
#[cfg(target_os = "linux")]
fn carriers(variable: &str, name: &str) -> Vec<i32> {
    let mark = format!("{variable}={name}");
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let carries = environment.split(|b| *b == 0).any(|v| v == mark.as_bytes());
            carries.then_some(pid)
        })
        .collect()
}
