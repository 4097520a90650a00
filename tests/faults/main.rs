//! Faults planted by a seeded generator into clean data: each must be reported, with its row where it
//! has one. A kind of fault is tried with several seeds, at another place each time.

mod cv;
mod nlp;
mod recsys;
#[path = "../support/mod.rs"]
mod support;
use std::collections::BTreeMap;

use serde_json::Value;
use support::Workdir;

const SEEDS: u64 = 8;

/// A small generator: the same draws for the same seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % end as u64) as usize
    }
}

/// A table that can be damaged, line by line; line 1 is the header.
struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// Bytes that take a row's place, by row.
    raw: BTreeMap<usize, Vec<u8>>,
}

impl Table {
    fn set(&mut self, row: usize, column: &str, value: impl Into<String>) {
        let column = self.columns.iter().position(|c| *c == column).unwrap();
        self.rows[row][column] = value.into();
    }

    fn get(&self, row: usize, column: &str) -> String {
        self.rows[row][self.columns.iter().position(|c| *c == column).unwrap()].clone()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = self.columns.join(",").into_bytes();
        out.push(b'\n');
        for (row, cells) in self.rows.iter().enumerate() {
            match self.raw.get(&row) {
                Some(bytes) => out.extend(bytes),
                None => {
                    let quoted = cells
                        .iter()
                        .map(|c| format!("\"{}\"", c.replace('"', "\"\"")));
                    out.extend(quoted.collect::<Vec<_>>().join(",").into_bytes());
                }
            }
            out.push(b'\n');
        }
        out
    }
}

/// What must be reported: the rule, and the row where there is one.
struct Expected {
    rule: &'static str,
    row: Option<usize>,
}

fn at(rule: &'static str, row: usize) -> Expected {
    Expected {
        rule,
        row: Some(row),
    }
}

fn general(rule: &'static str) -> Expected {
    Expected { rule, row: None }
}

type Plant = fn(&mut Table, usize, &mut Draw) -> Expected;

/// Lines of `rule` in a report, the first of the rows that break it.
fn reported(report: &Value, rule: &str) -> Option<Vec<u64>> {
    let found: Vec<&Value> = report["findings"]
        .as_array()?
        .iter()
        .filter(|finding| finding["rule"] == rule)
        .collect();
    let rows = found
        .iter()
        .flat_map(|finding| finding["rows"].as_array().unwrap());
    let lines = rows.map(|row| row["line"].as_u64().unwrap_or(0)).collect();
    (!found.is_empty()).then_some(lines)
}

fn assert_reported(report: &str, expected: &Expected, name: &str) {
    let report: Value = serde_json::from_str(report).unwrap();
    let lines = reported(&report, expected.rule);
    let lines =
        lines.unwrap_or_else(|| panic!("{name}: no finding of {}: {report:#}", expected.rule));
    if let Some(row) = expected.row {
        assert!(
            lines.contains(&(row as u64 + 2)),
            "{name}: row {row} is not in {lines:?}: {report:#}"
        );
    }
}

/// The cells of a column of a part, which `change` may set; the file's other cells stay as they are.
fn change_column(dir: &Workdir, part: &str, column: &str, change: impl Fn(usize, &str) -> String) {
    let text = dir.read(part);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let at = headers.iter().position(|name| name == column).unwrap();
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(&headers).unwrap();
    for (row, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let cells = record.iter().enumerate().map(|(i, cell)| match i == at {
            true => change(row, cell),
            false => cell.to_owned(),
        });
        out.write_record(cells).unwrap();
    }
    dir.write(part, out.into_inner().unwrap());
}

fn check_parts(dir: &Workdir, args: &[&str]) -> String {
    let task = args[0];
    let ran = dir.run(&[&["validate", "--prepared"], args].concat());
    assert!(ran.code == 0 || ran.code == 4, "{ran:?}");
    dir.read(&format!("reports/validate/{task}.prepared.json"))
}
