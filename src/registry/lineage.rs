//! Where a model comes from and where it went: data -> parameters -> code -> model -> aliases, as text, JSON or a page.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::memory::{Place, refuse};
use crate::outcome::number::figure;
use crate::report::html::{Table, columns, text};
use crate::report::page::{Page, Section};
use files::atomic;
use registry::history::{Registry, Version};

/// The lineage of a version.
#[derive(Serialize)]
pub struct Lineage {
    model: Version,
    /// The versions that it continues, the nearest first.
    continues: Vec<Version>,
    /// When which alias pointed at it.
    served: Vec<Served>,
}

/// A time in which an alias pointed at a version.
#[derive(Serialize)]
struct Served {
    alias: String,
    from: jiff::Timestamp,
    /// `None`: it still does.
    to: Option<jiff::Timestamp>,
    /// Who moved it there, and why.
    by: String,
    why: String,
}

/// The lineage of the version that a text names; with `page`, as a page in this file, too.
///
/// # Errors
/// If it names none, or the page cannot be written.
pub fn lineage(place: &Place, version: &str, page: Option<&Path>) -> Result<Lineage> {
    let registry = place.open()?;
    let found = registry
        .resolve(version)
        .map_err(|refusal| refuse(&refusal))?;
    let ancestors = registry.state().ancestors(found);
    let lineage = Lineage {
        continues: ancestors.into_iter().cloned().collect(),
        served: served(&registry, found),
        model: found.clone(),
    };
    if let Some(path) = page {
        let html = lineage.page().render();
        atomic::write(path, |out| out.write_all(html.as_bytes()))?;
    }
    Ok(lineage)
}

fn served(registry: &Registry, version: &Version) -> Vec<Served> {
    let Ok(name) = registry.state().name(&version.name) else {
        return Vec::new();
    };
    let mut times = Vec::new();
    for (alias, moves) in name.aliases() {
        let changes = moves.changes();
        for (place, change) in changes.iter().enumerate() {
            if change.version != Some(version.number) {
                continue;
            }
            let entry = usize::try_from(change.entry).ok().and_then(|number| {
                let index = number.checked_sub(1)?;
                Some(&registry.entries().get(index)?.entry)
            });
            times.push(Served {
                alias: alias.clone(),
                from: change.time,
                to: changes.get(place + 1).map(|next| next.time),
                by: entry.map_or_else(String::new, |entry| entry.who.clone()),
                why: entry.map_or_else(String::new, |entry| entry.event.to_string()),
            });
        }
    }
    times.sort_by_key(|served| served.from);
    times
}

/// A step of the lineage: what it is, its digest or id, and a remark.
struct Step(&'static str, String, String);

impl Lineage {
    fn steps(&self) -> Vec<Step> {
        let lineage = &self.model.lineage;
        let mut steps = Vec::new();
        for data in &lineage.data {
            let rows = data
                .rows
                .map_or_else(String::new, |rows| format!(", {rows} rows"));
            steps.push(Step(
                "data",
                data.sha256.clone(),
                format!("{}{rows}", data.path),
            ));
        }
        if let Some(params) = &lineage.params {
            steps.push(Step("parameters", params.clone(), "params.yaml".to_owned()));
        }
        if let Some(git) = &lineage.code {
            let branch = git.branch.clone().unwrap_or_default();
            let changed = if git.clean { "" } else { " with changed files" };
            steps.push(Step(
                "code",
                git.commit.clone(),
                format!("{branch}{changed}"),
            ));
        }
        if let Some(version) = &lineage.version {
            let run = lineage
                .run
                .as_ref()
                .map_or_else(String::new, |run| format!("run {run}"));
            steps.push(Step("easylife", version.clone(), run));
        }
        for parent in &self.continues {
            let remark = format!("version {} of {}", parent.number, parent.name);
            steps.push(Step("continues", parent.sha256.clone(), remark));
        }
        let remark = format!("version {} of {}", self.model.number, self.model.name);
        steps.push(Step("model", self.model.sha256.clone(), remark));
        steps
    }

    fn page(&self) -> Page {
        let Version { name, number, .. } = &self.model;
        let made: Vec<Vec<String>> = { self.steps().into_iter() }
            .map(|Step(what, digest, remark)| vec![text(what), text(&digest), text(&remark)])
            .collect();
        let results: Vec<Vec<String>> = { self.model.evaluated.iter() }
            .map(|metric| {
                let interval = match (metric.low, metric.high) {
                    (Some(low), Some(high)) => format!("{} to {}", figure(low), figure(high)),
                    _ => String::new(),
                };
                vec![text(&metric.name), figure(metric.value), interval]
            })
            .collect();
        let served: Vec<Vec<String>> = { self.served.iter() }
            .map(|served| {
                let to = served.to.map_or_else(|| "now".to_owned(), |to| spell(&to));
                let why = format!("{} (by {})", served.why, served.by);
                vec![text(&served.alias), spell(&served.from), to, text(&why)]
            })
            .collect();
        let section = |title: &str, note: &str, headings: &[(&str, &'static str)], rows| Section {
            title: title.to_owned(),
            note: note.to_owned(),
            body: Table {
                caption: String::new(),
                columns: columns(headings),
                rows,
                class: "",
            }
            .render(),
        };
        let mut sections = vec![section(
            "What it was made of",
            "From the data to the model; digests are SHA-256.",
            &[("step", ""), ("digest or id", "name"), ("what", "")],
            made,
        )];
        if !results.is_empty() {
            let headings = [("metric", ""), ("value", "n"), ("interval", "n")];
            sections.push(section(
                "How good it is",
                "On the test part.",
                &headings,
                results,
            ));
        }
        if !served.is_empty() {
            let headings = [("alias", ""), ("from (UTC)", ""), ("to", ""), ("why", "")];
            let note = "Whatever asks for the alias had this model in these times.";
            sections.push(section("Where it was used", note, &headings, served));
        }
        Page {
            title: format!("{name}, version {number}"),
            summary: format!(
                "Added {} by {}.",
                spell(&self.model.added),
                text(&self.model.who)
            ),
            sections,
            ..Page::default()
        }
    }
}

/// A time to the second.
fn spell(time: &jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (place, Step(what, digest, remark)) in self.steps().into_iter().enumerate() {
            let arrow = if place == 0 { "  " } else { "->" };
            let remark = tables::shown(&remark);
            writeln!(f, "{arrow} {what:<10} {digest}  {remark}")?;
        }
        for served in &self.served {
            let to = served.to.map_or_else(|| "now".to_owned(), |to| spell(&to));
            let (alias, from) = (&served.alias, spell(&served.from));
            let why = tables::shown(&served.why);
            writeln!(f, "-> {alias:<10} {from} to {to}: {why}")?;
        }
        Ok(())
    }
}
