//! Checks of `recsys` data: repeated pairs of user and item, users and items with few rows, ratings out of scale.

use std::io;
use std::path::Path;

use anyhow::Result;

use crate::pipeline::profile::scan;
use crate::pipeline::validate::finding::{FindingBuilder, Gathered};
use crate::pipeline::validate::keys::{Keyed, Keys};
use crate::pipeline::validate::leaks::{self, Key};
use crate::pipeline::validate::schema::{ColumnRules, Reference, Rule, Span, TypeName};
use crate::pipeline::validate::unique::{id_key, row_key};
use crate::pipeline::validate::{Checked, Job, TaskRule, Validate, parts, table};
use crate::report::format::{count, percent};
use crate::report::validate::{Finding, Level};
use crate::tasks::recsys::Recsys;
use crate::tasks::recsys::params::{By, Params};
use tables::RATING_COLUMNS;
use tables::blocks::{Block, Blocks, Head};
use tables::profile::{Class, Columns, Groups, Table, Want, Watch};

impl Validate for Recsys {
    const RULES: &'static [TaskRule] = &[
        TaskRule::at_most(
            "repeated_pairs",
            "0",
            Level::Warning,
            "share of rows that repeat the user and item of an earlier row",
        ),
        TaskRule::at_most(
            "conflicts",
            "0",
            Level::Warning,
            "share of rows that repeat a user and item with another rating",
        ),
        TaskRule::at_least("rows_per_user", "2", Level::Warning, "rows of a user"),
        TaskRule::at_least("rows_per_item", "2", Level::Warning, "rows of an item"),
        TaskRule::at_most(
            "scale",
            "0",
            Level::Error,
            "share of ratings far outside the scale of nearly all others",
        ),
        TaskRule::at_most(
            "leakage",
            "0",
            Level::Error,
            "prepared: share of test rows whose user and item are also in the training part",
        ),
    ];

    fn columns(params: &Params) -> Vec<(String, ColumnRules)> {
        let filled = ColumnRules {
            nulls: Some(Span::at_most("0", Level::Error)),
            ..ColumnRules::default()
        };
        let references = params.data.items.as_ref().map(|file| Reference {
            file: file.clone(),
            column: params.data.item.clone(),
            level: Level::Warning,
        });
        let item = ColumnRules {
            references,
            ..filled.clone()
        };
        let number = |r#type| ColumnRules {
            r#type: Some(Rule::error(r#type)),
            optional: true,
            ..ColumnRules::default()
        };
        vec![
            (params.data.user.clone(), filled),
            (params.data.item.clone(), item),
            (params.data.rating.clone(), number(TypeName::Float)),
        ]
    }

    fn raw(job: &Job<Params>) -> Result<Checked> {
        let data = &job.params.data;
        job.each_source(&data.source, data.test.as_deref(), |path| raw(job, path))
    }

    fn prepared(job: &Job<Params>) -> Result<Checked> {
        let pair = |head: &Head, row: usize, block: &Block| {
            // `prepare` writes the columns under these names.
            let names = [RATING_COLUMNS.user, RATING_COLUMNS.item];
            let columns = [head.find(names[0])?, head.find(names[1])?];
            id_key(block, row, &columns)
        };
        let keys = [Key {
            what: "pair of user and item",
            of: &pair,
        }];
        let paths = parts::<Recsys>(job.project)?;
        let mut parts = leaks::check(job, &paths, &keys)?;
        // With a separate test file, or the last interactions of each user, the times of both parts may overlap.
        if job.params.by == By::Time && job.params.data.test.is_none() {
            let overlap = overlap(job, &parts, &paths[0])?;
            parts.checked.findings.extend(overlap);
        }
        Ok(parts.checked)
    }
}

/// Gathers rows by pair, by user and by item while reading.
struct Pairs {
    user: Option<usize>,
    item: Option<usize>,
    rating: Option<usize>,
    pairs: Keys,
    users: Keys,
    items: Keys,
}

#[derive(Default)]
struct Seen {
    pairs: Vec<Keyed>,
    users: Vec<Keyed>,
    items: Vec<Keyed>,
}

impl Watch for Pairs {
    type Seen = Seen;

    fn wants(&self, column: usize) -> Want {
        match Some(column) {
            column if column == self.rating => Want::Profile,
            column if column == self.user || column == self.item => Want::Cells,
            _ => Want::Nothing,
        }
    }

    fn column(&self, _: &mut Seen, _: &Block, _: usize, _: &Groups) {}

    fn rows(&self, seen: &mut Seen, block: &Block) {
        let (Some(user), Some(item)) = (self.user, self.item) else {
            return;
        };
        for row in 0..block.rows() {
            let rating = self
                .rating
                .and_then(|rating| row_key(block, row, &[rating]));
            let keyed = |columns: &[usize], tag| {
                Some(Keyed {
                    key: id_key(block, row, columns)?,
                    spot: block.spot(row),
                    tag,
                })
            };
            seen.pairs
                .extend(keyed(&[user, item], rating.unwrap_or(0) as u32));
            seen.users.extend(keyed(&[user], 0));
            seen.items.extend(keyed(&[item], 0));
        }
    }

    fn take(&mut self, seen: Seen) -> io::Result<()> {
        self.pairs.extend(&seen.pairs)?;
        self.users.extend(&seen.users)?;
        self.items.extend(&seen.items)
    }
}

fn raw(job: &Job<Params>, path: &Path) -> Result<Checked> {
    let data = &job.params.data;
    let mut read = table::read(job, path, |head| Pairs {
        user: head.find(&data.user),
        item: head.find(&data.item),
        rating: head.find(&data.rating),
        pairs: Keys::default(),
        users: Keys::default(),
        items: Keys::default(),
    })?;
    let mut findings = std::mem::take(&mut read.findings);
    if let (Some(user), Some(item)) = (read.watch.user, read.watch.item) {
        let mut pairs = std::mem::take(&mut read.watch.pairs);
        let rules = [
            ("repeated_pairs", "repeat a pair of user and item"),
            ("conflicts", "repeat a pair that has different ratings"),
        ];
        findings.extend(read.repeats(job, &mut pairs, item, "rows", rules)?);
        let users = few(&mut read.watch.users, job.rule("rows_per_user"), job.shown)?;
        let items = few(&mut read.watch.items, job.rule("rows_per_item"), job.shown)?;
        let found = [
            ("rows_per_user", user, "users", users),
            ("rows_per_item", item, "items", items),
        ];
        for (rule, column, noun, few) in found {
            findings.extend(small(job, &read, rule, column, noun, few));
        }
    }
    if let Some(rating) = read.watch.rating {
        findings.extend(out_of_scale(job, &read, path, rating)?);
    }
    Ok(Checked {
        tables: vec![read.summary],
        findings,
    })
}

/// Keys with a number of rows that the rule does not allow: their number, and the first row of each.
#[derive(Default)]
struct Few {
    of: u64,
    gathered: Gathered,
}

fn few(keys: &mut Keys, span: Option<&Span>, shown: usize) -> Result<Few> {
    let Some(span) = span else {
        return Ok(Few::default());
    };
    let partitions = keys.each(|group, few: &mut Option<Few>| {
        let few = few.get_or_insert_with(|| Few {
            of: 0,
            gathered: Gathered::new(shown),
        });
        few.of += 1;
        if !span.holds(group.len() as f64) {
            few.gathered
                .add(group[0].spot, || format!("rows: {}", group.len()));
        }
    })?;
    let mut all = Few {
        of: 0,
        gathered: Gathered::new(shown),
    };
    for few in partitions.into_iter().flatten() {
        all.of += few.of;
        all.gathered.merge_by_place(few.gathered);
    }
    Ok(all)
}

fn small(
    job: &Job<Params>,
    read: &table::Read<Pairs>,
    rule: &str,
    column: usize,
    noun: &str,
    few: Few,
) -> Option<Finding> {
    let span = job.rule(rule).filter(|_| few.gathered.count > 0)?;
    let share = percent(few.gathered.count as f64 / few.of as f64, 2);
    let number = count(few.gathered.count);
    let message = format!("{number} {noun} ({share}) without {span} rows");
    Some(
        read.about(rule, span.level(), Some(column))
            .finding(message, &few.gathered),
    )
}

/// Maximum number of values of a rating scale, which nearly all ratings are among.
const SCALE: usize = 20;
const NEARLY_ALL: f64 = 0.995;

/// Ratings that are more than the width of the scale beyond its ends. Reads the file again to name their rows, if there
/// are any.
fn out_of_scale(
    job: &Job<Params>,
    read: &table::Read<Pairs>,
    path: &Path,
    rating: usize,
) -> Result<Option<Finding>> {
    let column = &read.table.columns[rating];
    let (Some(class), Some(min), Some(max)) = (
        column.class(),
        column.numbers.moments.min(),
        column.numbers.moments.max(),
    ) else {
        return Ok(None);
    };
    let usual: u64 = column
        .frequent
        .top(SCALE)
        .iter()
        .map(|counter| counter.count)
        .sum();
    let is_scale = usual as f64 >= NEARLY_ALL * (column.rows - column.nulls) as f64;
    let class = if class == Class::Text {
        Class::Float
    } else {
        class
    };
    let (ranks, _) = column.ranks(class);
    let (Some(low), Some(high)) = (ranks.quantile(0.01), ranks.quantile(0.99)) else {
        return Ok(None);
    };
    let width = high - low;
    let (from, to) = (low - width, high + width);
    if !is_scale || width <= 0.0 || (from <= min && max <= to) {
        return Ok(None);
    }
    let mut far = Outside {
        column: rating,
        from,
        to,
        gathered: Gathered::new(job.shown),
    };
    let _: Table = scan(
        Blocks::open_with(path, job.reading)?,
        &mut far,
        Columns::Needed,
        job.talk,
    )?;
    let says = format!("are far outside the scale of {low} to {high}");
    Ok(read.share(
        job,
        "scale",
        Some(rating),
        &far.gathered,
        ["ratings", &says],
    ))
}

/// Training rows that are not before all test rows, if the split is by time.
fn overlap(job: &Job<Params>, parts: &leaks::Parts, train: &Path) -> Result<Option<Finding>> {
    let [Some(time), Some(tested)] = [0, 1].map(|part: usize| {
        let head: &Head = &parts.tables[part].head;
        head.find(RATING_COLUMNS.time)
    }) else {
        return Ok(None);
    };
    let tested = &parts.tables[1].columns[tested];
    let firsts = [&tested.numbers, &tested.times].map(|of| of.moments.min());
    let Some(first) = firsts.into_iter().flatten().reduce(f64::min) else {
        return Ok(None);
    };
    let mut late = Outside {
        column: time,
        from: f64::NEG_INFINITY,
        to: first.next_down(),
        gathered: Gathered::new(job.shown),
    };
    let table = scan(Blocks::open(train)?, &mut late, Columns::Needed, job.talk)?;
    let share = late.gathered.count as f64 / table.rows.max(1) as f64;
    let span = job.rule("leakage");
    let Some(span) = span.filter(|span| late.gathered.count > 0 && !span.holds(share)) else {
        return Ok(None);
    };
    let about = FindingBuilder {
        head: &parts.head,
        rule: "leakage",
        level: span.level(),
        column: Some(time),
    };
    let message = format!(
        "{} training rows ({}) are not before the first test row, although recsys.split.by is time",
        count(late.gathered.count),
        percent(share, 2)
    );
    Ok(Some(about.finding(message, &late.gathered)))
}

/// Finds numbers and times of a column outside an interval.
struct Outside {
    column: usize,
    from: f64,
    to: f64,
    gathered: Gathered,
}

impl Watch for Outside {
    type Seen = Option<Gathered>;

    fn wants(&self, column: usize) -> Want {
        match column == self.column {
            true => Want::Values,
            false => Want::Nothing,
        }
    }

    fn column(&self, seen: &mut Self::Seen, block: &Block, column: usize, groups: &Groups) {
        if column != self.column {
            return;
        }
        let mut gathered = self.gathered.like();
        for row in 0..block.rows() {
            if let Some(value) = groups.value(row)
                && (value.class.is_number() || value.class.is_time())
                && !(self.from..=self.to).contains(&value.number)
            {
                gathered.add(block.spot(row), || block.text(row, column).to_owned());
            }
        }
        *seen = Some(gathered);
    }

    fn rows(&self, _: &mut Self::Seen, _: &Block) {}

    fn take(&mut self, seen: Self::Seen) -> io::Result<()> {
        seen.into_iter()
            .for_each(|gathered| self.gathered.merge(gathered));
        Ok(())
    }
}
