//! Reads a table of any task and checks it against the rules on its columns.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::Result;

use super::cells::CellRules;
use super::finding::{FindingBuilder, Gathered};
use super::keys::{Keyed, Keys, Repeats};
use super::schema::Reference;
use super::unique::SecondPass;
use super::{Job, checks, today};
use crate::columns::Needed;
use crate::pipeline::profile::scan;
use crate::report::format::{count, percent};
use crate::report::validate::Offender;
use crate::report::validate::{Finding, Level};
use tables::blocks::{self, Blocks, Head};
use tables::profile::summary::truncate;
use tables::profile::{Columns, Table, Watch, summary};
use tables::{Place, ReadErrorKind, Row, find_column, spelling};

/// A table that was read, and the findings of the rules on columns.
pub(crate) struct Read<W> {
    pub table: Table,
    pub summary: tables::profile::summary::Table,
    /// The checks of the task, made while reading.
    pub watch: W,
    pub findings: Vec<Finding>,
}

impl<W> Read<W> {
    /// A finding on a share of rows, if the task's rule does not allow so many of `noun`.
    pub fn share<P>(
        &self,
        job: &Job<P>,
        rule: &str,
        column: Option<usize>,
        gathered: &Gathered,
        [noun, says]: [&str; 2],
    ) -> Option<Finding> {
        let share = gathered.count as f64 / self.table.rows as f64;
        let span = job
            .rule(rule)
            .filter(|span| gathered.count > 0 && !span.holds(share))?;
        let message = format!(
            "{} {noun} ({}) {says}",
            count(gathered.count),
            percent(share, 2)
        );
        Some(
            self.about(rule, span.level(), column)
                .finding(message, gathered),
        )
    }

    /// Findings on rows that repeat a key, by the first of `rules`; by the second, on rows of keys with different
    /// tags.
    pub fn repeats<P>(
        &self,
        job: &Job<P>,
        keys: &mut Keys,
        column: usize,
        noun: &str,
        rules: [(&str, &str); 2],
    ) -> Result<Vec<Finding>> {
        let conflict = |group: &[Keyed]| group.iter().any(|row| row.tag != group[0].tag);
        let found = [
            keys.repeats(job.shown, |_| true)?,
            keys.repeats(job.shown, conflict)?,
        ];
        let found = rules.into_iter().zip(found);
        let findings = found.filter_map(|((rule, says), repeats)| {
            let gathered = self.like_earlier(&repeats, job.shown);
            self.share(job, rule, Some(column), &gathered, [noun, says])
        });
        Ok(findings.collect())
    }

    /// Rows that repeat a key, each with the place of the first row with that key.
    fn like_earlier(&self, repeats: &Repeats, shown: usize) -> Gathered {
        let mut gathered = Gathered::new(shown);
        for &(spot, first) in &repeats.rows {
            gathered.add(spot, || format!("as {}", self.table.head.shown(first)));
        }
        gathered.count = repeats.count;
        gathered
    }

    /// Starts a finding about a rule of the task and, optionally, a column.
    pub fn about<'a>(
        &'a self,
        rule: &'a str,
        level: Level,
        column: Option<usize>,
    ) -> FindingBuilder<'a> {
        FindingBuilder {
            head: &self.table.head,
            rule,
            level,
            column,
        }
    }
}

/// Reads `path` and checks the rules on columns. `watch` is made when the columns are known.
pub(crate) fn read<P, W: Watch>(
    job: &Job<P>,
    path: &Path,
    watch: impl FnOnce(&Head) -> W,
) -> Result<Read<W>> {
    refuse_first_line_of_data(job, path)?;
    let open = || {
        let mut blocks = Blocks::open_with(path, job.reading)?;
        blocks.rename(|path| job.project.shown(path));
        Ok(blocks)
    };
    read_blocks(job, open, path, job.profile(), watch)
}

/// Refuses a table without a header line, if a needed column is missing for that reason.
fn refuse_first_line_of_data<P>(job: &Job<P>, path: &Path) -> Result<()> {
    let source = tables::open_with(path, job.reading)?;
    let missing = |column: &Needed| find_column(source.columns(), column.name()).is_err();
    if !job.needed.iter().any(missing) || !source.first_line_is_data() {
        return Ok(());
    }
    let cells = source.columns().iter().map(|column| column.name.clone());
    let kind = ReadErrorKind::FirstLineIsData(cells.collect());
    Err(Place::file(job.project.shown(path)).error(kind).into())
}

/// The same for the blocks that `open` returns; it may be called second.
pub(crate) fn read_blocks<P, W: Watch>(
    job: &Job<P>,
    open: impl Fn() -> Result<Blocks>,
    path: &Path,
    profile: Columns,
    watch: impl FnOnce(&Head) -> W,
) -> Result<Read<W>> {
    let today = today(job.project)?;
    let blocks = open()?;
    let head = blocks.head().clone();
    if head.columns.is_empty() {
        let kind = ReadErrorKind::Empty {
            expected: "a table with columns and rows",
        };
        return Err(Place::file(job.project.shown(path)).error(kind).into());
    }
    let rules = CellRules::new(&job.schema, &head, job.shown, |reference| {
        known(job, reference)
    })?;
    let mut both = (rules, watch(&head));
    let table = scan(blocks, &mut both, profile, job.talk)?;
    let (mut rules, watch) = both;
    if let Some(mut second) = SecondPass::new(&mut rules.uniques) {
        scan(open()?, &mut second, Columns::Needed, job.talk)?;
    }
    let mut findings: Vec<Finding> = unreadable(&table).into_iter().collect();
    let source = job.project.shown(path);
    findings.extend(checks::columns(
        &job.schema,
        &job.needed,
        &table.head,
        &source,
    ));
    findings.extend(checks::table(&job.schema, &table, &mut rules, today)?);
    Ok(Read {
        summary: summary::of(&table, source),
        table,
        watch,
        findings,
    })
}

/// The hashes of a column of another file.
fn known<P>(job: &Job<P>, reference: &Reference) -> Result<HashSet<u64>> {
    let path = job.project.path(&reference.file);
    let mut source = tables::open(&path)?;
    let column = source.column(&reference.column)?;
    let mut hashes = HashSet::new();
    let mut row = Row::new();
    while source.read(&mut row)? {
        let id = spelling::plain_cell(row.kind(column), row.text(column));
        hashes.insert(blocks::hash(id.as_bytes()));
    }
    Ok(hashes)
}

/// Adds the text to rows that repeat one. Reads the rows again, up to the last one shown.
pub(crate) fn add_texts(findings: &mut [Finding], mut blocks: Blocks, column: usize) -> Result<()> {
    let mut wanted: BTreeMap<u64, Vec<&mut Offender>> = BTreeMap::new();
    for offender in findings.iter_mut().flat_map(|finding| &mut finding.rows) {
        if let Some(line) = offender.line {
            wanted.entry(line).or_default().push(offender);
        }
    }
    let head = blocks.head().clone();
    let only: Vec<bool> = (0..head.columns.len()).map(|at| at == column).collect();
    let mut left: usize = wanted.values().map(Vec::len).sum();
    while left > 0
        && let Some(piece) = blocks.next_piece()?
    {
        let block = piece.parse_some(&head, &only);
        for row in 0..block.rows() {
            let spot = block.spot(row);
            for offender in wanted.get_mut(&spot.line()).into_iter().flatten() {
                if offender.text.is_none() && offender.file == head.file(spot) {
                    offender.text = Some(truncate(block.text(row, column)));
                    left -= 1;
                }
            }
        }
        blocks.reuse(block);
    }
    Ok(())
}

/// The finding on records that could not be read.
pub(crate) fn unreadable(table: &Table) -> Option<Finding> {
    let first = table.first_bad.first()?;
    let rows = table.first_bad.iter().map(|error| Offender {
        file: error.place.file.clone(),
        line: error.place.line,
        column: error.place.column.as_ref().map(ToString::to_string),
        value: error.kind.to_string(),
        text: None,
    });
    Some(Finding {
        level: Level::Error,
        rule: "readable".to_owned(),
        column: None,
        message: match table.bad {
            1 => format!("1 row cannot be read: {}", first.kind),
            bad => format!("{bad} rows cannot be read; the first: {}", first.kind),
        },
        count: table.bad,
        rows: rows.collect(),
    })
}
