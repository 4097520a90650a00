//! Finds leakage: rows of the test part whose key is also in the training part.

use std::io;
use std::path::PathBuf;

use anyhow::Result;

use super::finding::FindingBuilder;
use super::keys::{Keyed, Keys, Repeats};
use super::{Checked, Job, table};
use crate::pipeline::profile::scan;
use crate::report::format::{counted, percent, plural};
use crate::report::validate::Finding;
use tables::blocks::{Block, Blocks, Head, Spot};
use tables::profile::{Columns, Groups, Table, Want, Watch, summary};

/// A key that rows of both parts must not have in common.
pub(crate) struct Key<'a> {
    /// Its name, for example `text` or `photo`.
    pub what: &'a str,
    /// The key of a row, if it has one.
    pub of: &'a (dyn Fn(&Head, usize, &Block) -> Option<u64> + Sync),
}

/// The keys of one part.
struct Part<'a> {
    /// 0 for the training part, 1 for the test part.
    number: u32,
    head: Head,
    keys: &'a [Key<'a>],
    found: &'a mut [Keys],
}

impl Watch for Part<'_> {
    type Seen = Vec<Vec<Keyed>>;

    fn wants(&self, _: usize) -> Want {
        Want::Cells
    }

    fn column(&self, _: &mut Self::Seen, _: &Block, _: usize, _: &Groups) {}

    fn rows(&self, seen: &mut Self::Seen, block: &Block) {
        let keyed = |key: &Key, row: usize| {
            Some(Keyed {
                key: (key.of)(&self.head, row, block)?,
                // Files are numbered across both parts, those of the training part first.
                spot: Spot::new(self.number as usize, block.spot(row).line()),
                tag: self.number,
            })
        };
        let of_key = |key| {
            (0..block.rows())
                .filter_map(|row| keyed(key, row))
                .collect()
        };
        *seen = self.keys.iter().map(of_key).collect();
    }

    fn take(&mut self, seen: Self::Seen) -> io::Result<()> {
        for (found, keyed) in self.found.iter_mut().zip(&seen) {
            found.extend(keyed)?;
        }
        Ok(())
    }
}

/// Both parts after reading.
pub(crate) struct Parts {
    pub checked: Checked,
    pub tables: Vec<Table>,
    /// Both as one table: file 0 is the training part, file 1 the test part.
    pub head: Head,
}

/// Reads both parts; a row of the test part leaks if the training part has one of its keys.
pub(crate) fn check<P>(job: &Job<P>, parts: &[PathBuf; 2], keys: &[Key]) -> Result<Parts> {
    let mut found: Vec<Keys> = keys.iter().map(|_| Keys::default()).collect();
    let mut tables = Vec::new();
    for (number, path) in (0..).zip(parts) {
        let mut blocks = Blocks::open(path)?;
        blocks.rename(|path| job.project.shown(path));
        let head = blocks.head().clone();
        let mut part = Part {
            number,
            head,
            keys,
            found: &mut found,
        };
        tables.push(scan(blocks, &mut part, Columns::All, job.talk)?);
    }
    let names = parts.each_ref().map(|path| job.project.shown(path));
    let mut checked = Checked {
        tables: tables
            .iter()
            .zip(&names)
            .map(|(t, name)| summary::of(t, name.clone()))
            .collect(),
        findings: tables.iter().filter_map(table::unreadable).collect(),
    };
    let head = Head {
        files: names.to_vec(),
        ..tables[0].head.clone()
    };
    for (key, found) in keys.iter().zip(&mut found) {
        let leaks = leaks(found, job.shown)?;
        checked
            .findings
            .extend(finding(job, &head, tables[1].rows, key.what, leaks));
    }
    Ok(Parts {
        checked,
        tables,
        head,
    })
}

fn leaks(keys: &mut Keys, shown: usize) -> Result<Repeats> {
    // Sorted by place, rows of the training part come before those of the test part.
    let partitions = keys.each(|group, leaks: &mut Repeats| {
        if group[0].tag == 0 {
            let tested = group.iter().filter(|row| row.tag == 1);
            let before = leaks.rows.len();
            leaks
                .rows
                .extend(tested.map(|row| (row.spot, group[0].spot)));
            leaks.count += (leaks.rows.len() - before) as u64;
            leaks.keep_first(shown);
        }
    })?;
    let mut all = Repeats::default();
    for partition in partitions {
        all.count += partition.count;
        all.rows.extend(partition.rows);
    }
    all.keep_first(shown);
    Ok(all)
}

/// The finding if more test rows have a `what` of the training part than the rule allows.
pub(crate) fn finding<P>(
    job: &Job<P>,
    head: &Head,
    test_rows: u64,
    what: &str,
    leaks: Repeats,
) -> Option<Finding> {
    let share = leaks.count as f64 / test_rows.max(1) as f64;
    let span = job
        .rule("leakage")
        .filter(|span| leaks.count > 0 && !span.holds(share))?;
    let about = FindingBuilder {
        head,
        rule: "leakage",
        level: span.level(),
        column: None,
    };
    let message = format!(
        "{} ({}) {} a {what} that is also in the training part",
        counted(leaks.count, "test row", "test rows"),
        percent(share, 2),
        plural(leaks.count, "has", "have")
    );
    let rows = leaks.rows.into_iter();
    let rows = rows.map(|(spot, first)| (spot, format!("as {}", head.shown(first))));
    Some(about.with_rows(message, leaks.count, rows))
}
