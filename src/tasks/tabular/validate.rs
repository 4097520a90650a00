//! Checks of `tabular` data: classes, repeated rows, and columns that give the target away.

mod leak;

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use xxhash_rust::xxh3::Xxh3;

use super::cells::Spelling;
use super::columns::{self, Role};
use super::data;
use super::join::{Joiner, Spec};
use super::params::{ColumnUse, Params};
use super::read::{self, RawColumn, Rules};
use super::source;
use crate::pipeline::validate::classes::{self, Labels};
use crate::pipeline::validate::finding::Gathered;
use crate::pipeline::validate::keys::{Keyed, Keys};
use crate::pipeline::validate::leaks::Key;
use crate::pipeline::validate::schema::{ColumnRules, Span};
use crate::pipeline::validate::{Checked, Job, TaskRule, Validate, leaks, parts, table};
use crate::report::validate::{Finding, Level};
use crate::tasks::tabular::Tabular;
use models::tabular::Target;
use tables::Reading;
use tables::blocks::{Block, Blocks, Head};
use tables::profile::{Groups, Want, Watch};

/// Of fewer rows a column may tell the target by chance.
const LEAST_ROWS: usize = 30;

impl Validate for Tabular {
    const RULES: &'static [TaskRule] = &[
        TaskRule::at_least(
            "classes",
            "2",
            Level::Error,
            "distinct values of the target, if it is a class",
        ),
        TaskRule::at_least(
            "rows_per_class",
            "2",
            Level::Warning,
            "rows of the smallest class",
        ),
        TaskRule::at_most(
            "balance",
            "100",
            Level::Warning,
            "ratio of the rows of the largest and the smallest class",
        ),
        TaskRule::at_most(
            "label_spellings",
            "0",
            Level::Warning,
            "classes that look like another: case, space, Unicode form, invisible characters, numbers",
        ),
        TaskRule::at_most(
            "no_target",
            "0",
            Level::Error,
            "rows whose target is a word for a missing value",
        ),
        TaskRule::at_most(
            "duplicates",
            "0",
            Level::Warning,
            "share of rows that repeat an earlier row in every column",
        ),
        TaskRule::at_most(
            "giveaway",
            "0.99",
            Level::Error,
            "how well a column alone ranks the rows by the target: AUC, or rank correlation for numbers",
        ),
        TaskRule::at_most(
            "order",
            "0.7",
            Level::Warning,
            "the same of ids, and of the order of the rows",
        ),
        TaskRule::at_most(
            "leakage",
            "0",
            Level::Warning,
            "prepared: share of test rows that equal a training row in every column that is used",
        ),
    ];

    fn columns(params: &Params) -> Vec<(String, ColumnRules)> {
        let rules = ColumnRules {
            nulls: Some(Span::at_most("0", Level::Error)),
            ..ColumnRules::default()
        };
        vec![(params.data.target.clone(), rules)]
    }

    fn raw(job: &Job<Params>) -> Result<Checked> {
        let data = &job.params.data;
        job.each_source(&data.source, data.test.as_deref(), |path| raw(job, path))
    }

    fn prepared(job: &Job<Params>) -> Result<Checked> {
        let paths = parts::<Tabular>(job.project)?;
        let rules = Rules::of(&job.params.data);
        let training = read::read(&paths[0], Reading::default(), &rules)?;
        let (decided, _) = columns::decide(&training, &job.params.data)?;
        let used = columns::used(&decided).into_iter().map(|used| used.name);
        let names: Vec<String> = used.chain([job.params.data.target.clone()]).collect();
        let row = |head: &Head, row: usize, block: &Block| {
            let mut hash = Xxh3::new();
            for name in &names {
                hash.update(block.bytes_of(row, head.find(name)?));
                hash.update(&[0]);
            }
            Some(hash.digest())
        };
        let keys = [Key {
            what: "row",
            of: &row,
        }];
        Ok(leaks::check(job, &paths, &keys)?.checked)
    }
}

fn raw(job: &Job<Params>, path: &Path) -> Result<Checked> {
    let mut read = table::read(job, path, |head| Rows {
        target: head.find(&job.params.data.target),
        keyed: job.rule("duplicates").is_some(),
        keys: Keys::default(),
    })?;
    let mut findings = std::mem::take(&mut read.findings);
    // A table that cannot be read has been found wanting.
    let rules = Rules::of(&job.params.data);
    let cells = read::read(path, job.reading, &rules).ok();
    let target = cells.as_ref().and_then(|raw| {
        let column = raw.find(&job.params.data.target)?;
        Some((raw, data::target(&column.cells, &job.params.data)))
    });
    let labels = read.watch.target.filter(|_| match &target {
        // One class is a finding of the rules on classes.
        Some((_, Ok(Target::Classes(_)) | Err(_))) => true,
        _ => false,
    });
    if let Some(column) = labels {
        let labels = Labels::of(&read.table, column);
        let again = || Ok(Blocks::open_with(path, job.reading)?);
        findings.extend(classes::check(job, again, &read, column, &labels)?);
    }
    let mut keys = std::mem::take(&mut read.watch.keys);
    let first = read.watch.target.unwrap_or(0);
    let rules = [
        ("duplicates", "repeat an earlier row in every column"),
        ("", ""),
    ];
    findings.extend(read.repeats(job, &mut keys, first, "rows", rules)?);
    if let Some((raw, Ok(target))) = &target {
        findings.extend(giveaways(job, &read, raw, target)?);
        if let Some(added) = added(job, path)? {
            findings.extend(giveaways_of_joined(job, &read, raw, target, &added)?);
        }
    }
    if let (Some(column), Some(raw)) = (read.watch.target, &cells) {
        findings.extend(no_target(job, &read, column, raw));
    }
    Ok(Checked {
        tables: vec![read.summary],
        findings,
    })
}

/// Rows whose target is a word for nothing, such as `NA` among numbers; empty cells are a matter of `nulls`.
fn no_target(
    job: &Job<Params>,
    read: &table::Read<Rows>,
    column: usize,
    raw: &read::Raw,
) -> Option<Finding> {
    let target = raw.find(&job.params.data.target)?;
    let missing = columns::missing(&target.cells) as u64;
    let nulls = read.table.columns[column].nulls;
    let span = job.rule("no_target")?;
    let mut gathered = Gathered::new(job.shown);
    gathered.count = missing.saturating_sub(nulls);
    if gathered.count == 0 || span.holds(gathered.count as f64) {
        return None;
    }
    let message = format!(
        "{} of the target stand for a missing value, as NA does among numbers",
        crate::report::format::counted(gathered.count, "cell", "cells")
    );
    let about = read.about("no_target", span.level(), Some(column));
    Some(about.finding(message, &gathered))
}

/// Columns that give the target away, and ids or an order of rows that do.
fn giveaways(
    job: &Job<Params>,
    read: &table::Read<Rows>,
    raw: &read::Raw,
    target: &Target,
) -> Result<Vec<Finding>> {
    // The use of joined columns is decided when they are there.
    let params = &job.params.data.of_source();
    if raw.rows < LEAST_ROWS {
        return Ok(Vec::new());
    }
    let (decided, _) = columns::decide(raw, params)?;
    let Some(judge) = leak::Judge::new(raw, &params.target, target) else {
        return Ok(Vec::new());
    };
    let mut findings = Vec::new();
    let mut find = |rule: &str, column: Option<usize>, strength: f64, what: String| {
        let Some(span) = job.rule(rule).filter(|span| !span.holds(strength)) else {
            return;
        };
        let message = format!("{what}: {} {strength:.4}", judge.measure());
        let about = read.about(rule, span.level(), column);
        findings.push(about.finding(message, &Gathered::new(job.shown)));
    };
    for (place, column) in raw.columns.iter().enumerate() {
        let role = decided[place].role;
        let is_id = role == Role::Id;
        if role.kind().is_none() && !is_id {
            continue;
        }
        let strength = judge.strength(&column.cells);
        let name = &column.name;
        match is_id {
            true => {
                let what = format!("the id `{name}` alone tells the target; it carries an order");
                find("order", Some(place), strength, what);
            }
            false => {
                let what = match judge.equals(&column.cells) {
                    true => format!("`{name}` equals the target in every row"),
                    false => format!(
                        "`{name}` alone gives the target away; if it is known only after the fact, set \
                         tabular.data.columns.{name} to ignore"
                    ),
                };
                find("giveaway", Some(place), strength, what);
            }
        }
    }
    let what = "the order of the rows alone tells the target".to_owned();
    find("order", None, judge.of_order(), what);
    Ok(findings)
}

/// The columns that other tables add to the rows; `None` if the parameters name none, or if the rows are bad, which is
/// a finding of its own.
fn added(job: &Job<Params>, path: &Path) -> Result<Option<Vec<RawColumn>>> {
    let params = &job.params;
    let Some(spec) = Spec::of(&params.data, None) else {
        return Ok(None);
    };
    let Ok(table) = source::read(path, params) else {
        return Ok(None);
    };
    let joiner = Joiner::open(spec, Some(job.project), &Spelling::of(&params.data))?;
    let added = table.join(&Arc::new(joiner), path)?;
    Ok(Some(added.into_columns()))
}

/// Joined columns that give the target away.
fn giveaways_of_joined(
    job: &Job<Params>,
    read: &table::Read<Rows>,
    raw: &read::Raw,
    target: &Target,
    added: &[RawColumn],
) -> Result<Vec<Finding>> {
    let params = &job.params.data;
    let judge = leak::Judge::new(raw, &params.target, target).filter(|_| raw.rows >= LEAST_ROWS);
    let (Some(judge), Some(span)) = (judge, job.rule("giveaway")) else {
        return Ok(Vec::new());
    };
    let ignored = |name: &String| params.columns.get(name) == Some(&ColumnUse::Ignore);
    let finding = |column: &RawColumn| {
        let strength = judge.strength(&column.cells);
        if span.holds(strength) || ignored(&column.name) {
            return None;
        }
        let message = format!(
            "the joined column `{}` alone gives the target away; if its table tells what happened after the row, name \
             its column of times in tabular.data.join: {} {strength:.4}",
            column.name,
            judge.measure()
        );
        let about = read.about("giveaway", span.level(), None);
        Some(about.finding(message, &Gathered::new(job.shown)))
    };
    Ok(added.iter().filter_map(finding).collect())
}

/// Gathers whole rows while reading.
struct Rows {
    target: Option<usize>,
    /// Whether there is a rule on repeated rows.
    keyed: bool,
    /// Hashes of rows.
    keys: Keys,
}

impl Watch for Rows {
    type Seen = Vec<Keyed>;

    fn wants(&self, column: usize) -> Want {
        match self.target == Some(column) {
            true => Want::Profile,
            false if self.keyed => Want::Cells,
            false => Want::Nothing,
        }
    }

    fn column(&self, _: &mut Self::Seen, _: &Block, _: usize, _: &Groups) {}

    fn rows(&self, seen: &mut Self::Seen, block: &Block) {
        if !self.keyed {
            return;
        }
        let key = |row: usize| {
            let mut hash = Xxh3::new();
            for column in 0..block.width() {
                hash.update(block.bytes_of(row, column));
                hash.update(&[0]);
            }
            Keyed {
                key: hash.digest(),
                spot: block.spot(row),
                tag: 0,
            }
        };
        *seen = (0..block.rows()).map(key).collect();
    }

    fn take(&mut self, seen: Self::Seen) -> io::Result<()> {
        self.keys.extend(&seen)
    }
}
