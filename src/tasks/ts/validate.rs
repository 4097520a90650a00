//! Checks of `ts` data: times that cannot be read, missing and repeated steps, series that are short or
//! constant, outliers.

mod series;

use std::io;
use std::path::Path;

use anyhow::Result;

use self::series::{Faults, Kinds, Observed, add_evidence};
use crate::exit;
use crate::pipeline::profile::scan;
use crate::pipeline::validate::finding::{About, Gathered};
use crate::pipeline::validate::keys::Partitions;
use crate::pipeline::validate::schema::{ColumnRules, Span};
use crate::pipeline::validate::{Checked, Job, TaskRule, Validate, parts, table};
use crate::project::Project;
use crate::report::format::{count, percent};
use crate::report::validate::{Finding, Level};
use crate::tasks::ts::Ts;
use crate::tasks::ts::params::Params;
use crate::tasks::ts::shape::{self, Names};
use tables::blocks::{self, Block, Blocks, Head, Spot};
use tables::clock::{self, Axis, Clock, Evidence, Notation};
use tables::profile::{
    Class, Columns, Groups, Table, Value, Want, Watch, summary, understand, understand_with,
};
use tables::{Decimal, Duplicates, Gaps, Peeked, SeriesColumns, SeriesLayout};

impl Validate for Ts {
    const RULES: &'static [TaskRule] = &[
        TaskRule::at_most(
            "times",
            "0",
            Level::Error,
            "share of rows whose time is no date, time or whole number",
        ),
        TaskRule::at_most(
            "duplicates",
            "0",
            Level::Error,
            "share of rows of a time that came before in their series",
        ),
        TaskRule::at_most(
            "gaps",
            "0",
            Level::Warning,
            "share of steps that are missing",
        ),
        TaskRule::at_least(
            "rows_per_series",
            "8",
            Level::Warning,
            "rows of the shortest series",
        ),
        TaskRule::at_most(
            "constant",
            "0",
            Level::Warning,
            "share of series whose value never changes",
        ),
        TaskRule::at_most(
            "outliers",
            "0",
            Level::Warning,
            "share of values far from their neighbours, held against what is usual in their series",
        ),
        TaskRule::at_most(
            "leakage",
            "0",
            Level::Error,
            "prepared: share of test rows not after the training part of their series",
        ),
    ];

    fn columns(params: &Params) -> Vec<(String, ColumnRules)> {
        let missing = |level| ColumnRules {
            nulls: Some(Span::at_most("0", level)),
            ..ColumnRules::default()
        };
        let mut value = missing(Level::Warning);
        value.r#type = Some(crate::pipeline::validate::schema::Rule::error(
            crate::pipeline::validate::schema::TypeName::Float,
        ));
        let data = &params.data;
        let ids = data.id.iter().flat_map(Names::all);
        let values = data.value.all().iter();
        ids.chain([&data.time])
            .map(|name| (name.clone(), missing(Level::Error)))
            .chain(values.map(|name| (name.clone(), value.clone())))
            .collect()
    }

    fn settle(project: &Project, mut params: Params) -> Params {
        shape::settled(project, &params.shape, &mut params.data);
        params
    }

    fn raw(job: &Job<Params>) -> Result<Checked> {
        let data = &job.params.data;
        job.each_source(&data.source, data.test.as_deref(), |path| raw(job, path))
    }

    fn prepared(job: &Job<Params>) -> Result<Checked> {
        prepared(job)
    }
}

/// Observations as they are read.
struct Rows {
    cells: Option<Cells>,
    decimal: Option<Decimal>,
    /// The number that a part's rows get as that of their file; else they keep theirs.
    part: Option<usize>,
    observed: Partitions<Observed>,
    kinds: Kinds,
    bad_times: Gathered,
    shown: usize,
}

/// Which cells of a row count.
struct Cells {
    time: usize,
    /// Those that name a series together; none: the column of a value does.
    ids: Vec<usize>,
    values: Vec<usize>,
}

impl Cells {
    /// `None` where one of them is not there.
    fn find(head: &Head, names: &SeriesColumns) -> Option<Cells> {
        let all = |names: &[String]| -> Option<Vec<usize>> {
            names.iter().map(|name| head.find(name)).collect()
        };
        let (ids, values) = match &names.layout {
            SeriesLayout::Long { ids, value } => (all(ids)?, vec![head.find(value)?]),
            SeriesLayout::Wide { series } => (Vec::new(), all(series)?),
        };
        Some(Cells {
            time: head.find(&names.time)?,
            ids,
            values,
        })
    }

    /// The hash of the name of the series that a value is of.
    fn series(&self, block: &Block, row: usize, value: usize) -> u64 {
        match self.ids[..] {
            [] => blocks::hash(&value.to_le_bytes()),
            [first, ref rest @ ..] => rest.iter().fold(block.hash(row, first), |hash, &id| {
                blocks::combined(hash, block.hash(row, id))
            }),
        }
    }

    /// The column to be named where a finding is about a series.
    fn id(&self) -> Option<usize> {
        match self.ids[..] {
            [] => self.value(),
            [first, ..] => Some(first),
        }
    }

    /// The same where it is about values: none of many.
    fn value(&self) -> Option<usize> {
        match self.values[..] {
            [only] => Some(only),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Seen {
    observed: Vec<Observed>,
    bad_times: Option<Gathered>,
}

impl Rows {
    fn new(head: &Head, names: &SeriesColumns, part: Option<usize>, shown: usize) -> Rows {
        Rows {
            cells: Cells::find(head, names),
            decimal: head.decimal,
            part,
            ..Rows::without_cells(shown)
        }
    }

    /// Of a table whose columns are not those that are meant.
    fn without_cells(shown: usize) -> Rows {
        Rows {
            cells: None,
            decimal: None,
            part: None,
            observed: Partitions::default(),
            kinds: Kinds::default(),
            bad_times: Gathered::new(shown),
            shown,
        }
    }
}

impl Watch for Rows {
    type Seen = Seen;

    fn wants(&self, column: usize) -> Want {
        match &self.cells {
            Some(cells) if cells.time == column => Want::Profile,
            Some(cells) if cells.ids.contains(&column) || cells.values.contains(&column) => {
                Want::Cells
            }
            _ => Want::Nothing,
        }
    }

    fn column(&self, seen: &mut Seen, block: &Block, column: usize, groups: &Groups) {
        if self.cells.as_ref().is_none_or(|cells| cells.time != column) {
            return;
        }
        let fits = |class: Class| class.is_time() || class == Class::Integer;
        if groups
            .values()
            .all(|(_, value)| value.is_none_or(|value| fits(value.class)))
        {
            return;
        }
        let mut bad = Gathered::new(self.shown);
        for row in 0..block.rows() {
            let unlike = groups.value(row).is_some_and(|value| !fits(value.class));
            if unlike && clock::parse(block.text(row, column)).is_err() {
                bad.add(block.spot(row), || block.text(row, column).to_owned());
            }
        }
        seen.bad_times = Some(bad);
    }

    fn rows(&self, seen: &mut Seen, block: &Block) {
        let Some(cells) = &self.cells else {
            return;
        };
        let rows = (0..block.rows()).flat_map(|row| {
            let text = block.bytes_of(row, cells.time);
            let time = (!text.is_empty()).then(|| understand(text));
            let time = time.and_then(|time| match time.class {
                Class::Date | Class::Datetime | Class::Integer => {
                    Some((exact_time(text, &time), time.class.is_time()))
                }
                _ => other_time(text),
            });
            let spot = block.spot(row);
            let spot = self.part.map_or(spot, |part| Spot::new(part, spot.line()));
            time.into_iter().flat_map(move |(time, dated)| {
                cells.values.iter().map(move |&value| {
                    let number = block.bytes_of(row, value);
                    let number =
                        (!number.is_empty()).then(|| understand_with(number, self.decimal));
                    Observed {
                        series: cells.series(block, row, value),
                        spot,
                        time,
                        value: number
                            .filter(|v| v.class.is_number())
                            .map_or(f64::NAN, |v| v.number),
                        dated,
                    }
                })
            })
        });
        seen.observed = rows.collect();
    }

    fn take(&mut self, seen: Seen) -> io::Result<()> {
        if let Some(bad) = seen.bad_times {
            self.bad_times.merge(bad);
        }
        seen.observed.iter().for_each(|row| self.kinds.add(row));
        self.observed.extend(&seen.observed)
    }
}

fn raw(job: &Job<Params>, path: &Path) -> Result<Checked> {
    let data = &job.params.data;
    let mut source = Peeked::new(tables::open_with(path, data.reading())?);
    // Columns that are not there are findings.
    let names = job.params.shape.columns(&mut source, job.talk).ok();
    drop(source);
    let mut read = table::read(job, path, |head| match &names {
        Some(names) => Rows::new(head, names, None, job.shown),
        None => Rows::without_cells(job.shown),
    })?;
    let mut findings = std::mem::take(&mut read.findings);
    if let Some(cells) = read.watch.cells.take() {
        let shown = job.shown;
        let (clock, notation) = find_clock(job, &mut read.watch, path)?;
        let partitions = read
            .watch
            .observed
            .each(|series, faults: &mut Option<Faults>| {
                faults
                    .get_or_insert_with(|| Faults::new(shown, notation))
                    .look_at(series, &clock);
            })?;
        let mut faults = Faults::new(shown, notation);
        partitions
            .into_iter()
            .flatten()
            .for_each(|found| faults.merge(found));
        findings.extend(judge(job, &read, &cells, &faults));
    }
    Ok(Checked {
        tables: vec![read.summary],
        findings,
    })
}

/// The time of a row: a whole number, or whole seconds since 1970. A long whole number has no exact double.
fn exact_time(text: &[u8], time: &Value) -> i64 {
    let exact = || std::str::from_utf8(text).ok()?.trim().parse().ok();
    match time.class {
        Class::Integer => exact().unwrap_or(time.number as i64),
        _ => time.number.floor() as i64,
    }
}

/// A time in a spelling that only `prepare` reads: 2024/02/29, 2024-02, 2024Q1, 12.0; and whether it is a date.
fn other_time(text: &[u8]) -> Option<(i64, bool)> {
    let (axis, time) = clock::parse(std::str::from_utf8(text).ok()?).ok()?;
    Some(match axis {
        Axis::Whole => (time, false),
        Axis::Date => (time * 86_400, true),
        Axis::Time { .. } => (time, true),
    })
}

/// The clock that `prepare` puts these series on.
fn find_clock(job: &Job<Params>, rows: &mut Rows, path: &Path) -> Result<(Clock, Notation)> {
    let said = job.params.data.time_format.given();
    let kinds = rows
        .kinds
        .axis(said)
        .map_err(|reason| exit::data(format!("{}: {reason}", job.project.shown(path))))?;
    let (axis, notation) = kinds;
    if let Some(said) = &job.params.frequency {
        let clock = said.clock(axis).map_err(exit::usage)?;
        return Ok((clock, notation));
    }
    let parts = rows
        .observed
        .each(|series, evidence: &mut Option<Evidence>| {
            let evidence = evidence.get_or_insert_with(|| Evidence::new(axis));
            add_evidence(evidence, kinds, series);
        })?;
    let mut all = Evidence::new(axis);
    parts.into_iter().flatten().for_each(|part| all.merge(part));
    Ok((all.clock(), notation))
}

fn judge(
    job: &Job<Params>,
    read: &table::Read<Rows>,
    cells: &Cells,
    faults: &Faults,
) -> Vec<Finding> {
    let time = cells.time;
    let share = |rule, column, gathered, says| {
        read.share(job, rule, Some(column), gathered, ["rows", says])
    };
    let mut findings = Vec::new();
    let says = "have a time that is no date, time or whole number";
    findings.extend(share("times", time, &read.watch.bad_times, says));
    findings.extend(mixed_times(read, time));
    // Where the parameters say what becomes of them, they are meant.
    if job.params.data.duplicates == Duplicates::Error {
        let says = "repeat a time of their series";
        findings.extend(share("duplicates", time, &faults.repeated, says));
    }
    findings.extend(gaps(job, read, time, faults));
    findings.extend(short(job, read, cells.id(), faults));
    findings.extend(constant(job, read, cells.value(), faults));
    let says = "stand far from their neighbours";
    findings.extend(read.share(
        job,
        "outliers",
        cells.value(),
        &faults.outlying,
        ["values", says],
    ));
    findings
}

/// Dates among numbers cannot be put in one order.
fn mixed_times(read: &table::Read<Rows>, time: usize) -> Option<Finding> {
    let column = &read.table.columns[time];
    let dated = column.of_class(Class::Date) + column.of_class(Class::Datetime);
    let whole = column.of_class(Class::Integer);
    let message = format!(
        "{} times are dates and {} whole numbers",
        count(dated),
        count(whole)
    );
    let about = read.about("times", Level::Error, Some(time));
    (dated > 0 && whole > 0).then(|| about.general(message))
}

fn gaps(
    job: &Job<Params>,
    read: &table::Read<Rows>,
    time: usize,
    faults: &Faults,
) -> Option<Finding> {
    let of = faults.missing as f64 / (faults.rows + faults.missing) as f64;
    // Where a gap means that nothing was asked for, it is meant.
    let span = job
        .rule("gaps")
        .filter(|span| faults.missing > 0 && !span.holds(of));
    let span = span.filter(|_| job.params.data.gaps != Gaps::Zero)?;
    let message = format!(
        "{} steps ({}) are missing, in {} gaps",
        count(faults.missing),
        percent(of, 2),
        count(faults.gaps.count)
    );
    Some(
        read.about("gaps", span.level(), Some(time))
            .finding(message, &faults.gaps),
    )
}

fn short(
    job: &Job<Params>,
    read: &table::Read<Rows>,
    id: Option<usize>,
    faults: &Faults,
) -> Option<Finding> {
    let (rows, spot) = faults.shortest?;
    let span = job
        .rule("rows_per_series")
        .filter(|span| !span.holds(rows as f64))?;
    let message = format!(
        "the shortest of {} series has {rows} rows; {span} are expected",
        count(faults.series)
    );
    let about = read.about("rows_per_series", span.level(), id);
    Some(about.with_rows(message, 1, std::iter::once((spot, format!("{rows} rows")))))
}

fn constant(
    job: &Job<Params>,
    read: &table::Read<Rows>,
    value: Option<usize>,
    faults: &Faults,
) -> Option<Finding> {
    let constant = &faults.constant;
    let of = constant.count as f64 / faults.series as f64;
    let span = job
        .rule("constant")
        .filter(|span| constant.count > 0 && !span.holds(of))?;
    let message = format!(
        "{} series ({}) never change",
        count(constant.count),
        percent(of, 2)
    );
    Some(
        read.about("constant", span.level(), value)
            .finding(message, constant),
    )
}

/// Test rows must come after every training row of their series.
fn prepared(job: &Job<Params>) -> Result<Checked> {
    let paths = parts::<Ts>(job.project)?;
    let names = paths.each_ref().map(|path| job.project.shown(path));
    let names_of = SeriesColumns::prepared();
    let mut tables: Vec<Table> = Vec::new();
    let mut observed = Partitions::default();
    for (part, path) in paths.iter().enumerate() {
        let mut blocks = Blocks::open(path)?;
        blocks.rename(|path| job.project.shown(path));
        let mut rows = Rows::new(blocks.head(), &names_of, Some(part), job.shown);
        rows.observed = observed;
        tables.push(scan(blocks, &mut rows, Columns::All, job.talk)?);
        observed = rows.observed;
    }
    let early = early_tests(&mut observed, job.shown)?;
    let mut checked = Checked {
        tables: tables
            .iter()
            .zip(&names)
            .map(|(t, name)| summary::of(t, name.clone()))
            .collect(),
        findings: tables.iter().filter_map(table::unreadable).collect(),
    };
    let share = early.count as f64 / tables[1].rows.max(1) as f64;
    if let Some(span) = job
        .rule("leakage")
        .filter(|span| early.count > 0 && !span.holds(share))
    {
        let head = Head {
            files: names.to_vec(),
            ..tables[0].head.clone()
        };
        let about = About {
            head: &head,
            rule: "leakage",
            level: span.level(),
            column: head.find(&names_of.time),
        };
        let (number, share) = (count(early.count), percent(share, 2));
        let message =
            format!("{number} test rows ({share}) are not after the training part of their series");
        checked.findings.push(about.finding(message, &early));
    }
    Ok(checked)
}

fn early_tests(observed: &mut Partitions<Observed>, shown: usize) -> Result<Gathered> {
    let partitions = observed.each(|series, early: &mut Option<Gathered>| {
        let early = early.get_or_insert_with(|| Gathered::new(shown));
        let is_test = |row: &&Observed| row.spot.file() == 1;
        let Some(last) = series.iter().rfind(|row| !is_test(row)) else {
            return;
        };
        for row in series
            .iter()
            .filter(is_test)
            .filter(|row| row.time <= last.time)
        {
            early.add(row.spot, || row.spelled());
        }
    })?;
    let mut all = Gathered::new(shown);
    partitions
        .into_iter()
        .flatten()
        .for_each(|found| all.merge_by_place(found));
    Ok(all)
}
