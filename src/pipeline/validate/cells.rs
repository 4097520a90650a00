//! Checks the rules of a schema on cells and keys while a table is read. If `quick` cannot tell that all cells of
//! a block keep them, rules on single values are checked once for each distinct value of the block.

use std::collections::HashSet;
use std::io;
use std::ops::RangeInclusive;

use anyhow::Result;

use super::finding::{Gathered, Places};
use super::quick::{Quick, is_text};
use super::schema::{ColumnRules, Order, Pattern, Rule, Scalar, Schema, Span};
use super::unique::{self, UniqueRule};
use crate::report::validate::Level;
use tables::blocks::{Block, Head, Spot, hash};
use tables::profile::{Class, Group, Groups, Value, Want, Watch};
use tables::spelling;

/// A test of a value.
pub(crate) enum Test {
    Class(Class),
    Range(Span, RangeInclusive<f64>),
    Length(Span, RangeInclusive<f64>),
    Allowed(Vec<String>, HashSet<Vec<u8>>),
    Pattern(Pattern),
    /// The value is in a column of another file, by hash.
    Known(String, HashSet<u64>),
    /// The value is not empty; whether too many are empty is decided at the end.
    Present(Span),
}

/// A test of one column.
pub(crate) struct CellRule {
    pub column: usize,
    pub name: &'static str,
    pub level: Level,
    pub test: Test,
}

/// A rule that a column is sorted.
pub(crate) struct OrderRule {
    pub column: usize,
    pub level: Level,
    pub order: Order,
}

/// The rules of a schema for one table.
pub(crate) struct CellRules {
    pub cells: Vec<CellRule>,
    pub orders: Vec<OrderRule>,
    pub uniques: Vec<UniqueRule>,
    /// Rows that break each rule of `cells`.
    pub broken: Vec<Gathered>,
    /// Rows out of order for each rule of `orders`.
    pub unsorted: Vec<Gathered>,
    /// The last value for each, to continue from.
    last: Vec<Option<f64>>,
    /// Columns whose profile a rule needs.
    profiled: Vec<usize>,
    /// Columns with rules on their cells or their order.
    quick: Vec<Quick>,
    /// Whether numbers are written without thousands separators and the like, as `quick` assumes.
    is_plain: bool,
    shown: usize,
}

/// The violations in one block.
#[derive(Default)]
pub(crate) struct Seen {
    broken: Vec<(usize, Gathered)>,
    sorted: Vec<Sorted>,
    keys: Vec<unique::Seen>,
}

/// The order of a column within one block.
struct Sorted {
    rule: usize,
    first: Option<(f64, Spot, String)>,
    last: Option<f64>,
    unsorted: Gathered,
}

impl CellRules {
    /// The rules on the columns that the table has. `known` reads the hashes of a column of another file.
    pub fn new(
        schema: &Schema,
        head: &Head,
        shown: usize,
        mut known: impl FnMut(&super::schema::Reference) -> Result<HashSet<u64>>,
    ) -> Result<CellRules> {
        let (mut cells, mut orders, mut uniques) = (Vec::new(), Vec::new(), Vec::new());
        let mut profiled = Vec::new();
        for (name, rules) in &schema.columns.0 {
            let Some(column) = head.find(name) else {
                continue;
            };
            cells.extend(of_column(column, rules));
            profiled.extend((rules.distinct.is_some() || rules.age.is_some()).then_some(column));
            if let Some(reference) = &rules.references {
                let says = format!("{} of {}", reference.column, reference.file);
                cells.push(CellRule {
                    column,
                    name: "references",
                    level: reference.level,
                    test: Test::Known(says, known(reference)?),
                });
            }
            if let Some(Rule { is: order, level }) = rules.order {
                orders.push(OrderRule {
                    column,
                    level,
                    order,
                });
            }
            if let Some(Rule { is: true, level }) = rules.unique {
                uniques.push(UniqueRule::new(vec![column], level));
            }
        }
        for rule in &schema.unique {
            let columns: Option<Vec<usize>> = rule.is.iter().map(|name| head.find(name)).collect();
            uniques.extend(columns.map(|columns| UniqueRule::new(columns, rule.level)));
        }
        Ok(CellRules {
            quick: quick_checks(&cells, &orders),
            is_plain: head.decimal.is_none(),
            broken: vec![Gathered::new(shown); cells.len()],
            unsorted: vec![Gathered::new(shown); orders.len()],
            last: vec![None; orders.len()],
            profiled,
            cells,
            orders,
            uniques,
            shown,
        })
    }
}

impl CellRules {
    /// Number of rows shown for each finding.
    pub fn shown(&self) -> usize {
        self.shown
    }
}

/// The quick checks of each column with rules on its cells or their order.
fn quick_checks(cells: &[CellRule], orders: &[OrderRule]) -> Vec<Quick> {
    let columns = cells.iter().map(|rule| rule.column);
    let mut columns: Vec<usize> = columns
        .chain(orders.iter().map(|rule| rule.column))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    let quick = columns.into_iter().map(|column| {
        let mut quick = Quick::new(column);
        let of_column = cells.iter().filter(|rule| rule.column == column);
        of_column.for_each(|rule| quick.add(&rule.test));
        if orders.iter().any(|rule| rule.column == column) {
            quick.add_order_rule();
        }
        quick
    });
    quick.collect()
}

fn of_column(column: usize, rules: &ColumnRules) -> Vec<CellRule> {
    let mut tests = Vec::new();
    if let Some(rule) = &rules.r#type {
        tests.push(("type", rule.level, Test::Class(rule.is.class())));
    }
    if let Some(span) = &rules.nulls {
        tests.push(("nulls", span.level(), Test::Present(span.clone())));
    }
    if let Some(span) = &rules.range {
        let test = Test::Range(span.clone(), span.bounds());
        tests.push(("range", span.level(), test));
    }
    if let Some(span) = &rules.length {
        let test = Test::Length(span.clone(), span.bounds());
        tests.push(("length", span.level(), test));
    }
    if let Some(rule) = &rules.allowed {
        let texts: Vec<String> = rule.is.iter().map(|Scalar(text)| text.clone()).collect();
        let set = texts.iter().map(|text| text.clone().into_bytes()).collect();
        tests.push(("allowed", rule.level, Test::Allowed(texts, set)));
    }
    if let Some(rule) = &rules.pattern {
        tests.push(("pattern", rule.level, Test::Pattern(rule.is.clone())));
    }
    let rule = |(name, level, test)| CellRule {
        column,
        name,
        level,
        test,
    };
    tests.into_iter().map(rule).collect()
}

impl Test {
    /// Whether the cells of a group, which are not empty, pass the test.
    fn passes(&self, block: &Block, column: usize, group: &Group, value: Value) -> bool {
        let first = group.first as usize;
        match self {
            Test::Present(_) => true,
            Test::Class(class) => class.holds(value.class),
            Test::Range(_, bounds) => is_text(value) || bounds.contains(&value.number),
            Test::Length(_, bounds) => bounds.contains(&(block.letters(first, column) as f64)),
            Test::Allowed(..) | Test::Pattern(_) => self.keeps_text(block.bytes_of(first, column)),
            Test::Known(_, hashes) => {
                let id = spelling::plain(block.text(first, column));
                hashes.contains(&hash(id.as_bytes()))
            }
        }
    }

    /// Whether a text is allowed or matches the pattern.
    pub fn keeps_text(&self, text: &[u8]) -> bool {
        match self {
            Test::Allowed(_, set) => set.contains(text),
            Test::Pattern(pattern) => pattern.regex.is_match(text),
            _ => true,
        }
    }
}

impl Watch for CellRules {
    type Seen = Seen;

    fn wants(&self, column: usize) -> Want {
        let cells = self.cells.iter().map(|rule| rule.column);
        let orders = self.orders.iter().map(|rule| rule.column);
        let mut uniques = self.uniques.iter().flat_map(|rule| &rule.columns);
        match () {
            () if self.profiled.contains(&column) => Want::Profile,
            () if cells.chain(orders).any(|of| of == column) => Want::Values,
            () if uniques.any(|&of| of == column) => Want::Cells,
            () => Want::Nothing,
        }
    }

    fn settles(&self, block: &Block, column: usize) -> bool {
        let quick = self.quick.iter().find(|quick| quick.column == column);
        quick.is_none_or(|quick| self.is_plain && quick.all_keep(block, &self.cells))
    }

    fn column(&self, seen: &mut Seen, block: &Block, column: usize, groups: &Groups) {
        for (index, rule) in self.cells.iter().enumerate() {
            if rule.column == column
                && let Some(gathered) = self.breaks(rule, block, groups)
            {
                seen.broken.push((index, gathered));
            }
        }
        for (index, rule) in self.orders.iter().enumerate() {
            if rule.column == column {
                seen.sorted.push(self.sorted(index, rule, block, groups));
            }
        }
    }

    fn rows(&self, seen: &mut Seen, block: &Block) {
        seen.keys = self.uniques.iter().map(|rule| rule.look(block)).collect();
        for (index, rule) in self.cells.iter().enumerate() {
            if let Test::Present(_) = &rule.test
                && let Some(gathered) = self.empty(rule.column, block)
            {
                seen.broken.push((index, gathered));
            }
        }
    }

    fn take(&mut self, seen: Seen) -> io::Result<()> {
        for (rule, gathered) in seen.broken {
            self.broken[rule].merge(gathered);
        }
        for sorted in seen.sorted {
            self.go_on(sorted);
        }
        let uniques = self.uniques.iter_mut().zip(seen.keys);
        uniques
            .into_iter()
            .try_for_each(|(rule, seen)| rule.take(seen))
    }
}

impl CellRules {
    fn breaks(&self, rule: &CellRule, block: &Block, groups: &Groups) -> Option<Gathered> {
        let mut count = 0;
        let broken = groups
            .values()
            .enumerate()
            .filter_map(|(index, (group, value))| {
                let value = value?;
                let broken = !rule.test.passes(block, rule.column, group, value);
                count += if broken { u64::from(group.count) } else { 0 };
                broken.then_some(index as u32)
            });
        let broken: HashSet<u32> = broken.collect();
        if count == 0 {
            return None;
        }
        let rows = groups.of_row().iter().enumerate();
        let rows = rows
            .filter(|(_, group)| broken.contains(group))
            .map(|(row, _)| row);
        Some(Gathered {
            count,
            places: Places::of(rows, block, rule.column, self.shown),
        })
    }

    /// Empty cells of a column.
    fn empty(&self, column: usize, block: &Block) -> Option<Gathered> {
        let count = block.texts(column).filter(|text| text.is_empty()).count();
        let rows = (0..block.rows()).filter(|&row| block.bytes_of(row, column).is_empty());
        (count > 0).then(|| Gathered {
            count: count as u64,
            places: Places::of(rows, block, column, self.shown),
        })
    }

    fn sorted(&self, index: usize, rule: &OrderRule, block: &Block, groups: &Groups) -> Sorted {
        let mut sorted = Sorted {
            rule: index,
            first: None,
            last: None,
            unsorted: Gathered::new(self.shown),
        };
        for row in 0..block.rows() {
            let Some(value) = groups.value(row).filter(|v| v.class != Class::Text) else {
                continue;
            };
            let text = || block.text(row, rule.column).to_owned();
            match sorted.last {
                None => sorted.first = Some((value.number, block.spot(row), text())),
                Some(last) if out_of_order(rule.order, last, value.number) => {
                    sorted.unsorted.add(block.spot(row), text);
                }
                Some(_) => {}
            }
            sorted.last = Some(value.number);
        }
        sorted
    }

    fn go_on(&mut self, sorted: Sorted) {
        let rule = sorted.rule;
        if let (Some(last), Some((first, spot, text))) = (self.last[rule], sorted.first)
            && out_of_order(self.orders[rule].order, last, first)
        {
            self.unsorted[rule].add(spot, || text);
        }
        self.unsorted[rule].merge(sorted.unsorted);
        self.last[rule] = sorted.last.or(self.last[rule]);
    }
}

fn out_of_order(order: Order, before: f64, value: f64) -> bool {
    match order {
        Order::Rising => value < before,
        Order::Falling => value > before,
    }
}
