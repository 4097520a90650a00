//! `easylife drift REF CUR`: has a table changed? Every column of one table is compared with that of another, with a
//! false-alarm rate that is a parameter and holds (`crates/monitoring` has the mathematics).

mod columns;
mod gather;
mod page;
mod performance;
mod show;
mod windows;

use std::path::{Path, PathBuf};

use anyhow::Result;
use monitoring::drift::{BinShare, ColumnDrift, DriftOptions, Kind, compare};
use serde::Serialize;

use self::columns::{Compared, Counted, Reference, Referred};
pub use self::performance::Asked;
use self::performance::Performance;
pub use self::windows::{Period, Placing};
use crate::exit;
use crate::outcome::number::pretty_json;

use crate::talk::Talk;
use files::atomic;
use tables::Reading;

/// Bins that are listed for a column, those that moved most.
const MOVED: usize = 6;

/// What to compare.
#[derive(Clone, Debug)]
pub struct Request {
    /// The table that the other one is compared with.
    pub reference: PathBuf,
    /// The table that may have changed.
    pub current: PathBuf,
    pub reading: Reading,
    pub options: DriftOptions,
    pub placing: Placing,
    /// Columns that are not compared.
    pub skip: Vec<String>,
    /// A model whose performance is estimated.
    pub performance: Option<Asked>,
    /// A page (.html) or figures (.json) to write.
    pub output: Option<PathBuf>,
}

/// How a table has changed.
#[derive(Debug, Serialize)]
pub struct Drifted {
    reference: String,
    current: String,
    reference_rows: u64,
    rows: u64,
    /// The share of windows with a false alarm.
    alpha: f64,
    /// The smallest distance that counts.
    floor: f64,
    has_drifted: bool,
    /// Columns that only the reference has: drift by themselves.
    gone: Vec<Gone>,
    /// Columns that the reference does not have.
    new: Vec<String>,
    /// Columns that are not compared.
    left_out: Vec<LeftOut>,
    /// Columns that have drifted, the farthest first.
    drifted: Vec<Summary>,
    windows: Vec<WindowDrift>,
    /// How good the model is.
    #[serde(skip_serializing_if = "Option::is_none")]
    performance: Option<Performance>,
    #[serde(skip)]
    output: Option<PathBuf>,
}

/// A column that is gone.
#[derive(Debug, Serialize)]
pub struct Gone {
    pub column: String,
    /// A new column of a similar name: perhaps it was renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed: Option<String>,
}

/// A column that is not compared.
#[derive(Debug, Serialize)]
pub struct LeftOut {
    pub column: String,
    pub why: String,
}

/// A column that has drifted, over all windows.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub column: String,
    /// In how many windows.
    pub windows: usize,
    /// The window since which it has drifted without a break, if it has in the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The farthest window.
    pub worst: String,
    pub distance: f64,
    /// What moved most in that window.
    pub moved: Vec<BinShare>,
}

/// A window.
#[derive(Debug, Serialize)]
pub struct WindowDrift {
    pub window: String,
    pub rows: u64,
    pub has_drifted: bool,
    pub columns: Vec<WindowColumn>,
}

/// A column of a window.
#[derive(Debug, Serialize)]
pub struct WindowColumn {
    pub column: String,
    pub kind: Kind,
    /// Jensen-Shannon distance, 0 to 1.
    pub distance: f64,
    /// Share of rows that would have to be in another bin.
    pub effect: f64,
    /// For numbers, from -1 (all smaller than the reference's) to 1 (all larger).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift: Option<f64>,
    /// Probability of a window at least as far if nothing has changed; none where nothing can be tested.
    pub p: Option<f64>,
    /// The same, given that many columns are tested.
    pub q: Option<f64>,
    pub has_drifted: bool,
    /// The bins, of a column that has drifted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<BinShare>,
}

impl Drifted {
    /// Whether anything has changed, or the model is worse.
    pub fn has_drifted(&self) -> bool {
        self.has_drifted
            || self
                .performance
                .as_ref()
                .is_some_and(Performance::has_fallen)
    }
}

/// Compares two tables.
///
/// # Errors
/// A table that cannot be read, options that are none, or a table without any column to compare.
pub fn run(request: &Request, talk: &Talk) -> Result<Drifted> {
    let ending = match &request.output {
        Some(path) => Some(ending_of(path)?),
        None => None,
    };
    for path in [&request.reference, &request.current] {
        talk.recognised(path, request.reading, |flag| {
            format!("override it with --{flag}")
        });
    }
    let reference = columns::read(&request.reference, request.reading, &request.skip, talk)?;
    for name in &request.skip {
        if !reference.columns.iter().any(|column| column.name == *name) {
            let file = request.reference.display();
            return Err(exit::usage(format!(
                "{file}: there is no column `{name}` (--skip)"
            )));
        }
    }
    let counted = columns::count(
        &reference,
        &request.current,
        request.reading,
        &request.placing,
        talk,
    )?;
    if counted.columns.is_empty() {
        return Err(exit::data(format!(
            "{} and {} have no column in common that can be compared",
            request.reference.display(),
            request.current.display()
        )));
    }
    let mut drifted = drifted(request, &reference, &counted)?;
    if let Some(asked) = &request.performance {
        drifted.performance = Some(performance::run(request, asked, &reference)?);
    }
    if let (Some(path), Some(ending)) = (&request.output, ending) {
        let text = match ending {
            Ending::Json => pretty_json(&drifted)? + "\n",
            Ending::Html => page::page(&drifted),
        };
        atomic::write(path, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(drifted)
}

#[derive(Clone, Copy)]
enum Ending {
    Json,
    Html,
}

fn ending_of(path: &Path) -> Result<Ending> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => Ok(Ending::Json),
        Some("html") => Ok(Ending::Html),
        _ => Err(exit::usage(format!(
            "{}: unknown file name extension; use .html or .json",
            path.display()
        ))),
    }
}

/// Tests every window.
fn drifted(request: &Request, reference: &Reference, counted: &Counted) -> Result<Drifted> {
    let mut windows = Vec::new();
    for (name, place) in counted.windows.names() {
        let columns: Vec<_> = { counted.columns.iter() }
            .filter_map(|(number, windows)| {
                let referred = &reference.columns[*number];
                match &referred.compared {
                    Compared::Bins(bins) => Some((&*referred.name, bins, &windows[place])),
                    Compared::LeftOut(_) => None,
                }
            })
            .collect();
        let rows = columns.first().map_or(0, |(_, _, window)| window.rows());
        let found =
            compare(&columns, &request.options).map_err(|error| exit::usage(error.to_string()))?;
        windows.push(WindowDrift {
            window: name,
            rows,
            has_drifted: found.has_drifted,
            columns: found.columns.into_iter().map(column).collect(),
        });
    }
    let (mut gone, new) = changed_columns(&reference.columns, &counted.names);
    // What is predicted is not known yet.
    let target = request.performance.as_ref().map(|asked| &asked.target);
    gone.retain(|gone| Some(&gone.column) != target && !request.skip.contains(&gone.column));
    let left_out = reference
        .columns
        .iter()
        .filter_map(|referred| match &referred.compared {
            Compared::LeftOut(why) => Some(LeftOut {
                column: referred.name.clone(),
                why: why.clone(),
            }),
            Compared::Bins(_) => None,
        });
    Ok(Drifted {
        reference: request.reference.display().to_string(),
        current: request.current.display().to_string(),
        reference_rows: reference.rows,
        rows: counted.rows,
        alpha: request.options.alpha,
        floor: request.options.floor,
        has_drifted: !gone.is_empty() || windows.iter().any(|window| window.has_drifted),
        gone,
        new,
        left_out: left_out.collect(),
        drifted: summaries(&windows),
        windows,
        performance: None,
        output: request.output.clone(),
    })
}

fn column(found: ColumnDrift) -> WindowColumn {
    WindowColumn {
        column: found.name,
        kind: found.kind,
        distance: found.distance,
        effect: found.effect,
        shift: found.shift,
        p: found.p,
        q: found.q,
        has_drifted: found.has_drifted,
        bins: if found.has_drifted {
            found.bins
        } else {
            Vec::new()
        },
    }
}

/// The columns that are gone, with what they may be called now, and the new ones.
fn changed_columns(reference: &[Referred], names: &[String]) -> (Vec<Gone>, Vec<String>) {
    let is_known = |name: &String| reference.iter().any(|column| column.name == *name);
    let new: Vec<String> = names
        .iter()
        .filter(|name| !is_known(name))
        .cloned()
        .collect();
    let gone = reference
        .iter()
        .filter(|column| !names.contains(&column.name));
    let gone = gone.map(|column| {
        let near = new.iter().map(|name| {
            (
                strsim::jaro_winkler(&plain(&column.name), &plain(name)),
                name,
            )
        });
        let nearest = near
            .filter(|(near, _)| *near > 0.85)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        Gone {
            column: column.name.clone(),
            renamed: nearest.map(|(_, name)| name.clone()),
        }
    });
    (gone.collect(), new)
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The columns that have drifted in any window, the farthest first.
fn summaries(windows: &[WindowDrift]) -> Vec<Summary> {
    let columns = windows.first().map_or(0, |window| window.columns.len());
    let summary = |index: usize| {
        let found = || {
            windows
                .iter()
                .filter(|window| window.columns[index].has_drifted)
        };
        let far = |window: &&WindowDrift| window.columns[index].distance;
        let worst = found().max_by(|a, b| far(a).total_cmp(&far(b)))?;
        let last = windows
            .iter()
            .rev()
            .take_while(|window| window.columns[index].has_drifted);
        let column = &worst.columns[index];
        let mut moved = column.bins.clone();
        let by = |bin: &BinShare| (bin.window - bin.reference).abs();
        moved.sort_by(|a, b| by(b).total_cmp(&by(a)));
        moved.truncate(MOVED);
        Some(Summary {
            column: column.column.clone(),
            windows: found().count(),
            since: last.last().map(|window| window.window.clone()),
            worst: worst.window.clone(),
            distance: column.distance,
            moved,
        })
    };
    let mut all: Vec<Summary> = (0..columns).filter_map(summary).collect();
    all.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    all
}
