//! Checks of `ts` data: times that cannot be read, missing and repeated steps, series that are short or
//! constant, outliers.

mod rows;
mod series;

use std::path::Path;

use anyhow::Result;

use self::rows::{Cells, Rows};
use self::series::{Faults, Observed, add_evidence};
use crate::exit;
use crate::pipeline::profile::scan;
use crate::pipeline::validate::finding::{FindingBuilder, Gathered};
use crate::pipeline::validate::keys::Partitions;
use crate::pipeline::validate::schema::{ColumnRules, Span};
use crate::pipeline::validate::{Checked, Job, TaskRule, Validate, parts, table};
use crate::project::Project;
use crate::report::format::{count, percent};
use crate::report::validate::{Finding, Level};
use crate::tasks::ts::Ts;
use crate::tasks::ts::params::Params;
use crate::tasks::ts::shape::{self, Names};
use tables::blocks::{Blocks, Head};
use tables::clock::{Clock, DateFormat, Evidence, Notation};
use tables::profile::{Class, Columns, Table, summary};
use tables::{Duplicates, Gaps, Peeked, SeriesColumns};

impl Validate for Ts {
    const RULES: &'static [TaskRule] = &[
        TaskRule::at_most(
            "times",
            "0",
            Level::Error,
            "share of rows whose time is not a date, time or whole number",
        ),
        TaskRule::at_most(
            "duplicates",
            "0",
            Level::Error,
            "share of rows that repeat a time of their series",
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
            "share of values far from their neighbours, compared with what is usual in their series",
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

fn raw(job: &Job<Params>, path: &Path) -> Result<Checked> {
    let data = &job.params.data;
    let mut source = Peeked::new(tables::open_with(path, data.reading())?);
    // Missing columns are findings.
    let names = job.params.shape.columns(&mut source, job.talk).ok();
    drop(source);
    let mut read = table::read(job, path, |head| match &names {
        Some(names) => {
            let mut rows = Rows::new(head, names, None, job.shown);
            let format = data.date_format.given();
            let time = rows.cells.as_ref().map(|cells| &head.columns[cells.time]);
            rows.format = time.and_then(|time| time.date_format(format.as_ref()).cloned());
            rows
        }
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
        findings.extend(row_findings(job, &read, &cells, &faults));
    }
    Ok(Checked {
        tables: vec![read.summary],
        findings,
    })
}

/// The clock that `prepare` puts these series on.
fn find_clock(job: &Job<Params>, rows: &mut Rows, path: &Path) -> Result<(Clock, Notation)> {
    let said = job.params.data.date_format.given();
    let said = said.as_ref().and_then(DateFormat::notation);
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

fn row_findings(
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
    let says = describe_bad_times(read, time);
    findings.extend(share("times", time, &read.watch.bad_times, &says));
    if read.watch.pattern().is_none() {
        findings.extend(mixed_times(read, time));
    }
    // If the parameters say how to combine them, they are intended.
    if job.params.data.duplicates == Duplicates::Error {
        let says = "repeat a time of their series";
        findings.extend(share("duplicates", time, &faults.repeated, says));
    }
    findings.extend(gaps(job, read, time, faults));
    findings.extend(short(job, read, cells.id(), faults));
    findings.extend(constant(job, read, cells.value(), faults));
    let says = "are far from their neighbours";
    findings.extend(read.share(
        job,
        "outliers",
        cells.value(),
        &faults.outlying,
        ["values", says],
    ));
    findings
}

/// Describes times that cannot be read, with advice if none can.
fn describe_bad_times(read: &table::Read<Rows>, time: usize) -> String {
    if let Some(pattern) = read.watch.pattern() {
        return format!(
            "have a time that is not in the format \"{pattern}\" (TASK.data.date_format)"
        );
    }
    let says = "have a time that is not a date, time or whole number";
    let column = &read.table.columns[time];
    let is_read = [Class::Date, Class::Datetime, Class::Integer];
    match read.watch.unread.advice() {
        Some(advice) if is_read.iter().all(|class| column.of_class(*class) == 0) => {
            format!("{says}; {advice}")
        }
        _ => says.to_owned(),
    }
}

/// The finding if there are both dates and numbers, which cannot be ordered.
fn mixed_times(read: &table::Read<Rows>, time: usize) -> Option<Finding> {
    let column = &read.table.columns[time];
    let dated = column.of_class(Class::Date) + column.of_class(Class::Datetime);
    let whole = column.of_class(Class::Integer);
    let message = format!(
        "{} times are dates and {} are whole numbers",
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
    // If a gap means no demand, it is intended.
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
        "the shortest of {} series has {rows} rows; expected {span}",
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

/// Checks that test rows come after all training rows of their series.
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
        let about = FindingBuilder {
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
