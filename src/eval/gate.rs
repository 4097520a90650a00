//! `easylife gate`: checks the metrics against the bounds in `TASK.gate`.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exit;
use crate::params::gate::{Bounds, Gate};
use crate::project::Project;
use crate::report::index;
use crate::task::{self, Task};
use files::atomic;

/// One metric and its bounds.
#[derive(Debug, Serialize)]
pub struct Check {
    metric: String,
    value: f64,
    #[serde(flatten)]
    bounds: Bounds,
    met: bool,
}

/// The checks of all bounds of a task.
#[derive(Debug, Serialize)]
pub struct Verdict {
    metrics: PathBuf,
    met: bool,
    checks: Vec<Check>,
}

impl Verdict {
    pub fn met(&self) -> bool {
        self.met
    }
}

impl Check {
    /// The metric, its value and its bounds.
    fn spelled(&self) -> String {
        let bound = |words: &str, bound: Option<f64>| {
            bound.map_or_else(String::new, |bound| format!(", {words} {bound}"))
        };
        let (min, max) = (
            bound("at least", self.bounds.min),
            bound("at most", self.bounds.max),
        );
        format!("{} = {}{min}{max}", self.metric, self.value)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let verdict = if self.met { "met    " } else { "NOT MET" };
        write!(f, "{verdict} {}", self.spelled())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.checks.is_empty() {
            writeln!(f, "{}: no bounds are set", self.metrics.display())?;
        }
        for check in &self.checks {
            writeln!(f, "{}: {check}", self.metrics.display())?;
        }
        Ok(())
    }
}

/// Checks `metrics/T.json` against `T.gate`; also writes the verdict to `output`, if given.
pub fn run<T: Task>(project: &Project, output: Option<&Path>) -> Result<Verdict> {
    let gate = task::gate::<T>(project)?;
    let path = project.metrics(T::NAME);
    let text = std::fs::read(&path).with_context(|| {
        format!(
            "cannot read {}; create it with `easylife evaluate {}`",
            path.display(),
            T::NAME
        )
    })?;
    let metrics: Value =
        serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    refuse_other_model::<T>(project, &path, &text)?;
    let checks = check(T::NAME, &gate, &metrics)?;
    let verdict = Verdict {
        metrics: path,
        met: checks.iter().all(|check| check.met),
        checks,
    };
    if let Some(output) = output {
        atomic::write(output, |out| write!(out, "{verdict}"))?;
    }
    Ok(verdict)
}

/// Whether the metrics of `T` meet its gate, for a page.
///
/// # Errors
/// If the metrics cannot be read or a bound is on an unknown metric.
pub(super) fn state<T: Task>(project: &Project) -> Result<index::Gate> {
    let gate = task::gate::<T>(project)?;
    let text = std::fs::read(project.metrics(T::NAME))?;
    let metrics: Value = serde_json::from_slice(&text)?;
    if is_other_model::<T>(project, &text)? {
        return Ok(index::Gate::Outdated);
    }
    let checks = check(T::NAME, &gate, &metrics)?;
    let missed: Vec<String> = checks
        .iter()
        .filter(|check| !check.met)
        .map(Check::spelled)
        .collect();
    Ok(match (checks.len(), missed.is_empty()) {
        (0, _) => index::Gate::Unset,
        (bounds, true) => index::Gate::Met(bounds),
        (_, false) => index::Gate::Missed(missed),
    })
}

/// The part of a metrics file about its model.
#[derive(Deserialize)]
struct Measured {
    /// SHA-256 of the model file.
    model: Option<String>,
}

/// Refuses metrics of another model than the present one. Without a model file there is nothing to compare: a gate
/// may be checked where only the metrics are.
fn refuse_other_model<T: Task>(project: &Project, metrics: &Path, text: &[u8]) -> Result<()> {
    let other = is_other_model::<T>(project, text)
        .with_context(|| format!("{} is not a metrics file", metrics.display()))?;
    let model = project.model(T::NAME);
    if !other {
        return Ok(());
    }
    Err(exit::usage(format!(
        "{} is about another model than {}; run `easylife evaluate {}`",
        metrics.display(),
        model.display(),
        T::NAME
    )))
}

fn is_other_model<T: Task>(project: &Project, text: &[u8]) -> Result<bool> {
    let model = project.model(T::NAME);
    if !model.is_file() {
        return Ok(false);
    }
    let measured: Measured = serde_json::from_slice(text)?;
    Ok(measured.model != Some(files::digest::file(&model)?))
}

fn check(task: &str, gate: &Gate, metrics: &Value) -> Result<Vec<Check>> {
    gate.iter()
        .map(|(metric, &bounds)| {
            let value = look_up(metrics, metric).ok_or_else(|| {
                exit::usage(format!(
                    "{task}.gate.{metric}: unknown metric; expected one of {}",
                    numbers(metrics).join(", ")
                ))
            })?;
            Ok(Check {
                metric: metric.clone(),
                value,
                bounds,
                met: bounds.hold(value),
            })
        })
        .collect()
}

/// A metric by its name; dots separate the keys of nested objects.
fn look_up(metrics: &Value, name: &str) -> Option<f64> {
    name.split('.')
        .try_fold(metrics, |at, key| at.get(key))?
        .as_f64()
}

fn numbers(metrics: &Value) -> Vec<&str> {
    let entries = metrics.as_object().into_iter().flatten();
    entries
        .filter(|(_, value)| value.is_number())
        .map(|(name, _)| name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::toy::{Toy, ToyProject};

    fn verdict(bounds: &str) -> Result<Vec<Check>> {
        let gate: Gate = yaml::from_str(bounds).unwrap();
        let metrics = serde_json::json!({"accuracy": 0.85, "baseline": {"accuracy": 0.5}});
        check("nlp", &gate, &metrics)
    }

    #[test]
    fn a_bound_is_held_against_its_metric() {
        let checks = verdict("{accuracy: {min: 0.8}, baseline.accuracy: {max: 0.4}}").unwrap();
        assert_eq!(
            checks.iter().map(|c| c.met).collect::<Vec<_>>(),
            [true, false]
        );
        assert_eq!(
            checks[1].to_string(),
            "NOT MET baseline.accuracy = 0.5, at most 0.4"
        );
    }

    #[test]
    fn an_unknown_metric_is_named() {
        let message = verdict("{acuracy: {min: 0.8}}").unwrap_err().to_string();
        assert!(message.contains("nlp.gate.acuracy") && message.contains("accuracy"));
    }

    #[test]
    fn only_numbers_are_metrics() {
        let metrics = serde_json::json!({"a": 1, "b": "x", "c": null, "d": {"e": 2.5}});
        assert_eq!(numbers(&metrics), ["a"]);
        assert_eq!(look_up(&metrics, "d.e"), Some(2.5));
        for name in ["b", "c", "d", "d.f", "", "a.b"] {
            assert_eq!(look_up(&metrics, name), None, "{name}");
        }
    }

    const METRICS: (&str, &str) = ("metrics/toy.json", r#"{"mae": 2.0}"#);

    #[test]
    fn the_verdict_is_shown_and_written() {
        let toy = ToyProject::of("{gate: {mae: {min: 1, max: 1.5}}}", &[METRICS]);
        let output = toy.path().join("verdict.txt");
        let verdict = run::<Toy>(&toy.project, Some(&output)).unwrap();
        assert!(!verdict.met());
        let metrics = toy.path().join("metrics/toy.json");
        let text = format!(
            "{}: NOT MET mae = 2, at least 1, at most 1.5\n",
            metrics.display()
        );
        assert_eq!(verdict.to_string(), text);
        assert_eq!(toy.read("verdict.txt"), text);
        let json = serde_json::to_value(&verdict).unwrap();
        assert_eq!(json["checks"][0]["max"], 1.5);
        assert_eq!(json["met"], false);
    }

    #[test]
    fn without_bounds_every_model_passes() {
        let toy = ToyProject::of("{}", &[METRICS]);
        let verdict = run::<Toy>(&toy.project, None).unwrap();
        assert!(verdict.met());
        assert!(
            verdict
                .to_string()
                .ends_with("toy.json: no bounds are set\n")
        );
    }

    #[test]
    fn metrics_that_cannot_be_read_say_how_to_make_them() {
        let error = |files: &[(&str, &str)]| {
            let toy = ToyProject::of("{gate: {mae: {max: 3}}}", files);
            toy.message(&run::<Toy>(&toy.project, None).unwrap_err())
        };
        let missing = error(&[]);
        assert!(
            missing.starts_with(
                "cannot read metrics/toy.json; create it with `easylife evaluate toy`"
            ),
            "{missing}"
        );
        let damaged = error(&[("metrics/toy.json", "{")]);
        assert!(
            damaged.starts_with("metrics/toy.json is not JSON"),
            "{damaged}"
        );
    }

    #[test]
    fn metrics_of_another_model_are_refused() {
        let model = "a model";
        let with = |digest: &str| {
            let metrics = format!(r#"{{"mae": 2.0, "model": "{digest}"}}"#);
            let files = [
                ("models/toy.safetensors", model),
                ("metrics/toy.json", &*metrics),
            ];
            ToyProject::of("{gate: {mae: {max: 3}}}", &files)
        };
        let same = with(&files::digest::bytes(model.as_bytes()));
        assert!(run::<Toy>(&same.project, None).unwrap().met());
        assert_eq!(state::<Toy>(&same.project).unwrap(), index::Gate::Met(1));
        let other = with("0");
        let error = other.message(&run::<Toy>(&other.project, None).unwrap_err());
        assert_eq!(
            error,
            "metrics/toy.json is about another model than models/toy.safetensors; run `easylife evaluate toy`"
        );
        assert_eq!(state::<Toy>(&other.project).unwrap(), index::Gate::Outdated);
    }

    #[test]
    fn the_state_of_a_gate_names_what_is_missed() {
        let state = |gate: &str| {
            let toy = ToyProject::of(&format!("{{gate: {gate}}}"), &[METRICS]);
            state::<Toy>(&toy.project).map_err(|error| error.to_string())
        };
        assert_eq!(state("{}"), Ok(index::Gate::Unset));
        let missed = vec!["mae = 2, at most 1".to_owned()];
        assert_eq!(state("{mae: {max: 1}}"), Ok(index::Gate::Missed(missed)));
        let unknown = state("{mea: {max: 1}}").unwrap_err();
        assert_eq!(unknown, "toy.gate.mea: unknown metric; expected one of mae");
    }
}
