//! Faults in series.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::Workdir;
use super::{
    Draw, Expected, Plant, SEEDS, Table, assert_reported, at, change_column, check_parts, general,
};

const SERIES: usize = 6;
/// Days of each.
const DAYS: usize = 40;

/// Days of January and February 2024, with a week in their values.
fn series(draw: &mut Draw) -> Table {
    let mut row = |n: usize| {
        let (series, day) = (n / DAYS, n % DAYS);
        let (month, date) = (1 + day / 31, 1 + day % 31);
        let sold = 100 + 10 * series + 6 * (day % 7) + draw.below(9);
        vec![
            format!("shop {series}"),
            format!("2024-{month:02}-{date:02}"),
            sold.to_string(),
        ]
    };
    Table {
        columns: vec!["unique_id", "ds", "y"],
        rows: (0..SERIES * DAYS).map(&mut row).collect(),
        raw: BTreeMap::new(),
    }
}

/// A row of the same series with neighbours on both sides.
fn inner(row: usize) -> usize {
    row / DAYS * DAYS + 3 + row % (DAYS - 6)
}

const TS: &[(&str, Plant)] = &[
    ("series missing", |t, row, _| {
        t.set(row, "unique_id", "");
        at("nulls", row)
    }),
    ("time missing", |t, row, _| {
        t.set(row, "ds", "");
        at("nulls", row)
    }),
    ("value missing", |t, row, _| {
        t.set(row, "y", "");
        at("nulls", row)
    }),
    ("time that is none", |t, row, _| {
        t.set(row, "ds", "soon");
        at("times", row)
    }),
    ("day that there is not", |t, row, _| {
        t.set(row, "ds", "2024-02-30");
        at("times", row)
    }),
    ("number among days", |t, row, _| {
        t.set(row, "ds", "17");
        general("times")
    }),
    ("value that is no number", |t, row, _| {
        t.set(row, "y", "many");
        at("type", row)
    }),
    ("day twice", |t, row, _| {
        let row = inner(row);
        t.set(row, "ds", t.get(row - 1, "ds"));
        at("duplicates", row)
    }),
    ("day missing", |t, row, _| {
        let row = inner(row);
        t.rows.remove(row);
        at("gaps", row)
    }),
    ("days missing", |t, row, draw| {
        let row = inner(row);
        let days = 1 + draw.below(3);
        t.rows.drain(row..row + days);
        at("gaps", row)
    }),
    ("series of one row", |t, row, _| {
        t.set(row, "unique_id", "shop new");
        at("rows_per_series", row)
    }),
    ("series that never changes", |t, row, _| {
        let start = row / DAYS * DAYS;
        (start..start + DAYS).for_each(|row| t.set(row, "y", "7"));
        at("constant", start)
    }),
    ("value far above the others", |t, row, _| {
        let row = inner(row);
        t.set(row, "y", "99999");
        at("outliers", row)
    }),
    ("value far below the others", |t, row, _| {
        let row = inner(row);
        t.set(row, "y", "-4000");
        at("outliers", row)
    }),
    ("row too short", |t, row, _| {
        t.raw.insert(row, b"shop 1,2024-01-01".to_vec());
        at("readable", row)
    }),
    ("column missing", |t, _, _| {
        t.columns[2] = "sales";
        general("columns")
    }),
];

fn check(dir: &Workdir, table: &Table, more: &[&str]) -> String {
    dir.write("s.csv", table.bytes());
    let args = [&["validate", "ts", "-S", "ts.data.source=s.csv"], more].concat();
    let ran = dir.run(&args);
    assert!(ran.code == 0 || ran.code == 4, "{ran:?}");
    dir.read("reports/validate/ts.json")
}

#[test]
fn every_fault_in_series_is_reported_with_its_row() {
    let dir = Workdir::project();
    for seed in 0..SEEDS {
        let clean = check(&dir, &series(&mut Draw(seed)), &[]);
        let report: Value = serde_json::from_str(&clean).unwrap();
        assert_eq!(report["findings"], Value::Array(vec![]), "seed {seed}");
    }
    for (name, plant) in TS {
        for seed in 0..SEEDS {
            let mut draw = Draw(seed);
            let mut table = series(&mut draw);
            let row = 1 + draw.below(SERIES * DAYS - 1);
            let expected: Expected = plant(&mut table, row, &mut draw);
            let name = format!("{name}, seed {seed}");
            assert_reported(&check(&dir, &table, &[]), &expected, &name);
        }
    }
}

#[test]
fn what_the_parameters_speak_of_is_meant() {
    let dir = Workdir::project();
    let mut table = series(&mut Draw(1));
    table.set(20, "ds", table.get(19, "ds"));
    table.rows.remove(60);
    let meant = ["-S", "ts.data.duplicates=sum", "-S", "ts.data.gaps=zero"];
    let report: Value = serde_json::from_str(&check(&dir, &table, &meant)).unwrap();
    assert_eq!(report["findings"], Value::Array(vec![]));
}

#[test]
fn test_rows_before_the_end_of_the_training_part_are_leakage() {
    let dir = Workdir::project();
    let source = ["-S", "ts.data.source=s.csv", "-S", "ts.split.test=7"];
    dir.write("s.csv", series(&mut Draw(1)).bytes());
    dir.ok(&[&["prepare", "ts"], &source[..]].concat());
    let args = [&["ts"], &source[..]].concat();
    assert!(check_parts(&dir, &args).contains("\"findings\": []"));
    let part = "data/processed/ts/test.csv";
    let clean = dir.read(part);
    for seed in 0..SEEDS {
        let row = Draw(seed).below(clean.lines().count() - 1);
        dir.write(part, &clean);
        change_column(&dir, part, "ds", |r, cell| match r == row {
            true => "2024-01-20".to_owned(),
            false => cell.to_owned(),
        });
        let name = format!("overlap, seed {seed}");
        assert_reported(&check_parts(&dir, &args), &at("leakage", row), &name);
    }
}
