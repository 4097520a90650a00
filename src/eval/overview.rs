//! `reports/index.html`: a summary of the reports of all tasks on one page. It is not an output of any stage and
//! is made from the existing files, so that any verb may rewrite it (ADR 17).

use std::path::Path;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use super::{Evaluate, gate};
use crate::project::Project;
use crate::report::format::{fixed, percent};
use crate::report::index::{self, Checks, Gate, Row};
use files::atomic;
use files::lock::Lock;

/// How the page shows a task.
pub struct Overview {
    /// The title of the task.
    pub title: &'static str,
    pub figures: &'static [Headline],
}

/// A metric shown for a task.
pub struct Headline {
    /// The key of the metric.
    pub key: &'static str,
    pub name: &'static str,
    /// Whether it is a share, shown as a percentage.
    pub is_share: bool,
}

impl Headline {
    /// A metric that is a share.
    pub const fn share(key: &'static str, name: &'static str) -> Headline {
        Headline {
            key,
            name,
            is_share: true,
        }
    }

    /// A metric that is any other number.
    pub const fn number(key: &'static str, name: &'static str) -> Headline {
        Headline {
            key,
            name,
            is_share: false,
        }
    }
}

/// Writes the page from `rows`, which are gathered under a lock: of several runs that end together, the last one
/// sees the files of all of them. Without any report there is no page.
///
/// # Errors
/// If the file cannot be written.
pub fn write(project: &Project, rows: impl FnOnce() -> Vec<Row>) -> Result<()> {
    let path = project.index();
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Ok(());
    }
    let _lock = Lock::take(&folder.join(".index.html.lock"), true)?;
    let rows = rows();
    if rows.is_empty() {
        return Ok(());
    }
    let page = index::page(&rows).render();
    atomic::write(&path, |out| out.write_all(page.as_bytes()))?;
    Ok(())
}

/// A summary of the reports of `T`; `None` if there are none.
pub fn row<T: Evaluate>(project: &Project) -> Option<Row> {
    let checks = |infix: &str| checks(project, T::NAME, infix);
    let metrics = std::fs::read(project.metrics(T::NAME)).ok();
    let row = Row {
        task: T::NAME.to_owned(),
        title: T::OVERVIEW.title.to_owned(),
        figures: metrics
            .as_ref()
            .map_or_else(Vec::new, |text| figures::<T>(text)),
        gate: match &metrics {
            Some(_) => state::<T>(project),
            None => Gate::Unmeasured,
        },
        evaluated: project.report(T::NAME).is_file(),
        raw: checks(""),
        prepared: checks("prepared."),
    };
    let none = row.raw == Checks::Missing && row.prepared == Checks::Missing;
    (metrics.is_some() || row.evaluated || !none).then_some(row)
}

fn figures<T: Evaluate>(metrics: &[u8]) -> Vec<(String, String)> {
    let Ok(metrics) = serde_json::from_slice::<Value>(metrics) else {
        return Vec::new();
    };
    let shown = |headline: &Headline| {
        let value = metrics.get(headline.key)?.as_f64()?;
        let value = match headline.is_share {
            true => percent(value, 1),
            false => fixed(value, 3),
        };
        Some((headline.name.to_owned(), value))
    };
    T::OVERVIEW.figures.iter().filter_map(shown).collect()
}

fn state<T: Evaluate>(project: &Project) -> Gate {
    match gate::state::<T>(project) {
        Ok(state) => state,
        Err(error) => Gate::Unknown(format!("{error:#}")),
    }
}

/// The numbers of findings of a validation.
#[derive(Deserialize)]
struct Found {
    errors: u64,
    warnings: u64,
}

fn checks(project: &Project, task: &str, infix: &str) -> Checks {
    if !project.validation(task, &format!("{infix}html")).is_file() {
        return Checks::Missing;
    }
    let text = std::fs::read(project.validation(task, &format!("{infix}json")));
    let found = text
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    found.map_or(Checks::Unreadable, |Found { errors, warnings }| {
        Checks::Found { errors, warnings }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::toy::ToyProject;

    #[test]
    fn checks_are_read_from_their_file() {
        let page = ("reports/validate/toy.html", "");
        let of = |json: Option<&str>| {
            let json = json.map(|text| ("reports/validate/toy.json", text));
            let files: Vec<(&str, &str)> = [page].into_iter().chain(json).collect();
            checks(&ToyProject::of("{}", &files).project, "toy", "")
        };
        let found = of(Some(r#"{"errors": 2, "warnings": 1, "more": []}"#));
        assert_eq!(
            found,
            Checks::Found {
                errors: 2,
                warnings: 1
            }
        );
        assert_eq!(of(Some("{")), Checks::Unreadable);
        assert_eq!(of(None), Checks::Unreadable);
        // Those of the prepared parts are other files.
        let toy = ToyProject::of("{}", &[page]);
        assert_eq!(checks(&toy.project, "toy", "prepared."), Checks::Missing);
    }

    #[test]
    fn there_is_no_page_without_reports() {
        let toy = ToyProject::of("{}", &[]);
        write(&toy.project, || panic!("there is no folder of reports")).unwrap();
        std::fs::create_dir(toy.path().join("reports")).unwrap();
        write(&toy.project, Vec::new).unwrap();
        assert!(!toy.project.index().exists());
    }

    #[test]
    fn the_page_lists_each_task() {
        let toy = ToyProject::of("{}", &[("reports/toy.html", "")]);
        let row = Row {
            task: "toy".to_owned(),
            title: "A <toy>".to_owned(),
            figures: vec![("accuracy".to_owned(), "87.1 %".to_owned())],
            gate: Gate::Missed(vec!["mae = 2, at most 1".to_owned()]),
            evaluated: true,
            raw: Checks::Found {
                errors: 2,
                warnings: 0,
            },
            prepared: Checks::Missing,
        };
        write(&toy.project, || vec![row]).unwrap();
        let page = toy.read("reports/index.html");
        for part in [
            "A &lt;toy&gt;",
            "87.1\u{a0}%",
            "mae = 2, at most 1",
            "toy.html",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
