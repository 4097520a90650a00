//! Faults in ratings.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::Workdir;
use super::{Draw, Plant, SEEDS, Table, assert_reported, at, change_column, check_parts, general};

/// Ratings of 20 users for 12 of 15 items each, on a scale of 1 to 5.
fn ratings() -> Table {
    let row = |user: usize, i: usize| {
        let item = (user + i) % 15;
        vec![
            format!("u{user}"),
            format!("i{item}"),
            (1 + (user * 7 + item * 3) % 5).to_string(),
            (1_600_000_000 + user * 1000 + i).to_string(),
        ]
    };
    Table {
        columns: vec!["user_id", "item_id", "rating", "timestamp"],
        rows: (0..240).map(|n| row(n / 12, n % 12)).collect(),
        raw: BTreeMap::new(),
    }
}

const RECSYS: &[(&str, Plant)] = &[
    ("user missing", |t, row, _| {
        t.set(row, "user_id", "");
        at("nulls", row)
    }),
    ("item missing", |t, row, _| {
        t.set(row, "item_id", "");
        at("nulls", row)
    }),
    ("rating that is no number", |t, row, _| {
        t.set(row, "rating", "good");
        at("type", row)
    }),
    ("rating out of scale", |t, row, _| {
        t.set(row, "rating", "55");
        at("scale", row)
    }),
    ("rating below the scale", |t, row, _| {
        t.set(row, "rating", "-99");
        at("scale", row)
    }),
    ("pair again", |t, row, draw| {
        let before = draw.below(row);
        t.rows[row] = t.rows[before].clone();
        at("repeated_pairs", row)
    }),
    ("pair again with another rating", |t, row, draw| {
        let before = draw.below(row);
        t.rows[row] = t.rows[before].clone();
        let rating = if t.get(before, "rating") == "1" {
            "5"
        } else {
            "1"
        };
        t.set(row, "rating", rating);
        at("conflicts", row)
    }),
    ("user of one row", |t, row, _| {
        t.set(row, "user_id", "somebody new");
        at("rows_per_user", row)
    }),
    ("item of one row", |t, row, _| {
        t.set(row, "item_id", "something new");
        at("rows_per_item", row)
    }),
    ("item that the table of items has not", |t, row, _| {
        t.set(row, "item_id", "i99");
        at("references", row)
    }),
    ("row too short", |t, row, _| {
        t.raw.insert(row, b"u1,i1".to_vec());
        at("readable", row)
    }),
    ("column missing", |t, _, _| {
        t.columns[1] = "product";
        general("columns")
    }),
];

#[test]
fn every_fault_in_ratings_is_reported_with_its_row() {
    let dir = Workdir::project();
    let items: String = (0..15).map(|i| format!("i{i},Item {i}\n")).collect();
    dir.write(
        "items.csv",
        format!("item_id,title\n{items}something new,x\n"),
    );
    let check = |table: &Table| {
        dir.write("r.csv", table.bytes());
        let sets = ["recsys.data.source=r.csv", "recsys.data.items=items.csv"];
        let ran = dir.run(&["validate", "recsys", "-S", sets[0], "-S", sets[1]]);
        assert!(ran.code == 0 || ran.code == 4, "{ran:?}");
        dir.read("reports/validate/recsys.json")
    };
    let report: Value = serde_json::from_str(&check(&ratings())).unwrap();
    assert_eq!(report["findings"], Value::Array(vec![]), "clean ratings");
    for (name, plant) in RECSYS {
        for seed in 0..SEEDS {
            let mut draw = Draw(seed);
            let mut table = ratings();
            let row = 1 + draw.below(239);
            let expected = plant(&mut table, row, &mut draw);
            assert_reported(&check(&table), &expected, &format!("{name}, seed {seed}"));
        }
    }
}

#[test]
fn training_rows_behind_the_moment_of_a_split_by_time_are_leakage() {
    let dir = Workdir::project();
    dir.write("r.csv", ratings().bytes());
    let by = |rule: &str| format!("recsys.split.by={rule}");
    let sets = ["-S", "recsys.data.source=r.csv", "-S"];
    for rule in ["time", "user", "last"] {
        let by = by(rule);
        let args = [&sets[..], &[by.as_str()]].concat();
        dir.ok(&[&["prepare", "recsys"], &args[..]].concat());
        let args = [&["recsys"], &args[..]].concat();
        assert!(
            check_parts(&dir, &args).contains("\"findings\": []"),
            "{rule}"
        );
        let part = "data/processed/recsys/train.csv";
        let clean = dir.read(part);
        for seed in 0..SEEDS {
            let row = Draw(seed).below(clean.lines().count() - 1);
            dir.write(part, &clean);
            change_column(&dir, part, "timestamp", |r, cell| {
                if r == row {
                    "1700000000".to_owned()
                } else {
                    cell.to_owned()
                }
            });
            let report = check_parts(&dir, &args);
            match rule {
                "time" => assert_reported(&report, &at("leakage", row), &format!("seed {seed}")),
                // Users' last rows are of any time.
                _ => assert!(report.contains("\"findings\": []"), "{rule}: {report}"),
            }
        }
    }
}
