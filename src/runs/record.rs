//! Records a run of `train` or `evaluate`: what went in, what came out, what it took.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value as Json;

use super::{Settings, create, git};
use crate::exit;
use crate::project::{PARAMS, Project};
use crate::talk::Talk;
use crate::task::Task;
use registry::runs::{Outcome, Run, Value};

/// Runs a verb on a task and records it; what it did is added by `describe`. A run that cannot be recorded is a
/// warning: its outputs are what was asked for.
///
/// # Errors
/// Those of `verb`.
pub fn record<T: Task, R>(
    (project, settings, talk): (&Project, Settings, &Talk),
    name: &str,
    verb: impl FnOnce() -> Result<R>,
    describe: impl FnOnce(&R, &mut Run) -> Result<()>,
) -> Result<R> {
    if !settings.is_on() {
        return verb();
    }
    // The commit before the verb writes anything.
    let (start, clock, git) = (Timestamp::now(), Instant::now(), git::at(&project.path("")));
    let cpu = cpu_seconds();
    let ended = verb();
    let seconds = clock.elapsed().as_secs_f64();
    let recorded = || -> Result<()> {
        let mut run = Run::new(name, T::NAME, env!("CARGO_PKG_VERSION"), start)?;
        run.seconds = seconds;
        run.cpu_seconds = Some(cpu_seconds() - cpu);
        run.peak_memory = peak_memory();
        run.git = git;
        run.params = parameters::<T>(project)?;
        run.digests.params = files::digest::file(&project.path(PARAMS)).ok();
        run.digests.lock = files::digest::file(&project.path("dvc.lock")).ok();
        match &ended {
            Ok(done) => describe(done, &mut run)?,
            Err(error) => {
                run.outcome = Outcome::Failed {
                    message: exit::code(error).describe().to_owned(),
                }
            }
        }
        let runs = create(project)?;
        runs.append(&run)?;
        if let Some(count) = settings.keep {
            runs.keep(count)?;
        }
        #[cfg(feature = "mlflow")]
        super::mirror::mirror(project, &run, T::TRACKED, talk);
        Ok(())
    };
    if let Err(error) = recorded() {
        talk.warn(format!(
            "the run of {name} {} is not recorded: {error:#}; set runs.keep to 0 in easylife.toml if it is not \
             to be",
            T::NAME
        ));
    }
    ended
}

/// The parameters of a task with their defaults, by dotted name, and the seed.
///
/// # Errors
/// A value of a wrong type.
fn parameters<T: Task>(project: &Project) -> Result<BTreeMap<String, Value>> {
    let block = serde_json::to_value(project.block::<T::Block>(T::NAME)?)?;
    let mut params = BTreeMap::from([("seed".to_owned(), Value::from(project.params().seed))]);
    flatten(T::NAME.to_owned(), &block, &mut params);
    Ok(params)
}

/// The leaves of a tree by their dotted keys; a list is one leaf.
fn flatten(key: String, value: &Json, into: &mut BTreeMap<String, Value>) {
    let value = match value {
        Json::Object(entries) => {
            for (name, value) in entries {
                flatten(format!("{key}.{name}"), value, into);
            }
            return;
        }
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) => Value::Text(value.to_string()),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Value::Int(number),
            (_, Some(number), _) => Value::Big(number),
            (.., number) => Value::Float(number.unwrap_or(f64::NAN)),
        },
    };
    into.insert(key, value);
}

/// CPU time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The greatest resident memory of this process, in bytes, where the system says it in `/proc`.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_leaves_with_their_types() {
        let tree = serde_json::json!({
            "split": {"test": 0.2, "seed": u64::MAX},
            "model": {"kind": "linear", "grid": [1, 2], "bias": true, "max": null, "k": -3},
        });
        let mut flat = BTreeMap::new();
        flatten("nlp".to_owned(), &tree, &mut flat);
        assert_eq!(flat["nlp.split.test"], Value::Float(0.2));
        assert_eq!(flat["nlp.split.seed"], Value::Big(u64::MAX));
        assert_eq!(flat["nlp.model.kind"], Value::from("linear"));
        assert_eq!(flat["nlp.model.grid"], Value::from("[1,2]"));
        assert_eq!(flat["nlp.model.bias"], Value::Bool(true));
        assert_eq!(flat["nlp.model.max"], Value::Null);
        assert_eq!(flat["nlp.model.k"], Value::Int(-3));
        assert_eq!(flat.len(), 7);
    }

    #[test]
    fn a_process_has_used_time_and_memory() {
        let before = cpu_seconds();
        let sum: u64 = (0..3_000_000_u64).map(std::hint::black_box).sum();
        assert!(sum > 0 && cpu_seconds() > before);
        #[cfg(target_os = "linux")]
        assert!(peak_memory().unwrap() > 1 << 20);
    }
}
