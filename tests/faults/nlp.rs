//! Faults in texts and in any table, by rules of a schema.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::Workdir;
use super::{Draw, Plant, SEEDS, Table, assert_reported, at, general};

const NLP_SCHEMA: &str = r#"easylife: "0.1"
rows: {min: 100, max: 130}
other_columns: refused
unique: [[shop, day]]
columns:
  id: {type: integer, unique: true, pattern: '[1-9][0-9]{3}'}
  text: {nulls: {max: 0, level: warning}, length: {min: 5, max: 200}}
  label: {nulls: {max: 0}, allowed: [pos, neg, neutral]}
  score: {type: float, range: {min: 0, max: 1}, nulls: {max: 0.1}}
  day: {type: date, order: rising, range: {min: 2020-01-01, max: 2026-12-31}, age: {max: 10}}
  shop: {references: {file: shops.csv, column: name}}
  stars: {type: integer, distinct: {max: 5}}
task:
  classes: {min: 2}
  rows_per_class: {min: 3, level: warning}
  balance: {max: 20, level: warning}
  label_spellings: {max: 0, level: warning}
  duplicates: {max: 0, level: warning}
  conflicts: {max: 0, level: warning}
  damaged: {max: 0, level: warning}
"#;

fn nlp_table(draw: &mut Draw) -> Table {
    let words = [
        "river", "lamp", "green", "quiet", "engine", "paper", "late", "warm", "stone", "north",
    ];
    let rows = (0..110).map(|i| {
        let text: Vec<&str> = (0..5).map(|_| words[draw.below(words.len())]).collect();
        let day = 1 + i / 4;
        vec![
            (1000 + i).to_string(),
            format!("{} number {i}, she said", text.join(" ")),
            ["pos", "neg", "neutral"][i % 3].to_owned(),
            format!("0.{:03}", draw.below(1000)),
            format!("2026-01-{day:02}"),
            format!("shop {}", i % 4),
            (1 + draw.below(5)).to_string(),
        ]
    });
    Table {
        columns: vec!["id", "text", "label", "score", "day", "shop", "stars"],
        rows: rows.collect(),
        raw: BTreeMap::new(),
    }
}

const NLP: &[(&str, Plant)] = &[
    ("label missing", |t, row, _| {
        t.set(row, "label", "");
        at("nulls", row)
    }),
    ("text missing", |t, row, _| {
        t.set(row, "text", "");
        at("nulls", row)
    }),
    ("label that is not allowed", |t, row, _| {
        t.set(row, "label", "positive");
        at("allowed", row)
    }),
    ("label in capitals", |t, row, _| {
        t.set(row, "label", t.get(row, "label").to_uppercase());
        general("label_spellings")
    }),
    ("text again", |t, row, draw| {
        t.set(row, "text", t.get(draw.below(row), "text"));
        at("duplicates", row)
    }),
    ("text again in other case and space", |t, row, draw| {
        let text = t
            .get(draw.below(row), "text")
            .to_uppercase()
            .replace(' ', " \u{3000}");
        t.set(row, "text", text);
        at("duplicates", row)
    }),
    ("text again under another label", |t, row, _| {
        t.set(row, "text", t.get(row - 1, "text"));
        at("conflicts", row)
    }),
    ("control character", |t, row, _| {
        t.set(row, "text", t.get(row, "text") + "\u{8}");
        at("damaged", row)
    }),
    ("UTF-8 read as Latin-1", |t, row, _| {
        t.set(row, "text", t.get(row, "text") + " cafÃ©");
        at("damaged", row)
    }),
    ("letter that was not read", |t, row, _| {
        t.set(row, "text", t.get(row, "text") + " caf\u{fffd}");
        at("damaged", row)
    }),
    ("id twice", |t, row, draw| {
        t.set(row, "id", t.get(draw.below(row), "id"));
        at("unique", row)
    }),
    ("two columns twice", |t, row, _| {
        t.set(row, "day", t.get(row - 1, "day"));
        t.set(row, "shop", t.get(row - 1, "shop"));
        at("unique", row)
    }),
    ("id that is no number", |t, row, _| {
        t.set(row, "id", "12a4");
        at("type", row)
    }),
    ("id of another pattern", |t, row, _| {
        t.set(row, "id", "0999");
        at("pattern", row)
    }),
    ("number too large", |t, row, _| {
        t.set(row, "score", "1.0001");
        at("range", row)
    }),
    ("number too small", |t, row, _| {
        t.set(row, "score", "-1e-9");
        at("range", row)
    }),
    ("not a number", |t, row, _| {
        t.set(row, "score", "NaN");
        at("range", row)
    }),
    ("infinite number", |t, row, _| {
        t.set(row, "score", "inf");
        at("range", row)
    }),
    ("decimal comma", |t, row, _| {
        t.set(row, "score", "0,5");
        at("type", row)
    }),
    ("float among integers", |t, row, _| {
        t.set(row, "stars", "3.5");
        at("type", row)
    }),
    ("day that there is not", |t, row, _| {
        t.set(row, "day", "2026-02-30");
        at("type", row)
    }),
    ("day in another format", |t, row, _| {
        t.set(row, "day", "30/01/2026");
        at("type", row)
    }),
    ("day out of range", |t, row, _| {
        t.set(row, "day", "1970-01-01");
        at("range", row)
    }),
    ("day out of order", |t, row, _| {
        t.set(row, "day", "2025-12-31");
        at("order", row)
    }),
    ("shop that is not known", |t, row, _| {
        t.set(row, "shop", "shop 9");
        at("references", row)
    }),
    ("text too long", |t, row, _| {
        t.set(row, "text", "word ".repeat(60));
        at("length", row)
    }),
    ("text too short", |t, row, _| {
        t.set(row, "text", "ok");
        at("length", row)
    }),
    ("too many different values", |t, row, _| {
        t.set(row, "stars", "6");
        general("distinct")
    }),
    ("too many empty cells", |t, row, _| {
        (0..20).for_each(|i| t.set((row + i) % 110, "score", ""));
        at("nulls", row)
    }),
    ("row too short", |t, row, _| {
        t.raw.insert(row, b"1,two".to_vec());
        at("readable", row)
    }),
    ("row too long", |t, row, _| {
        t.raw.insert(row, b"1,2,3,4,5,6,7,8".to_vec());
        at("readable", row)
    }),
    ("NUL byte", |t, row, _| {
        t.raw
            .insert(row, b"1001,te\0xt,pos,0.5,2026-01-01,shop 1,3".to_vec());
        at("readable", row)
    }),
    ("Latin-1 among UTF-8", |t, row, _| {
        t.raw.insert(
            row,
            b"1001,caf\xe9 or caf\xc3\xa9,pos,0.5,2026-01-01,shop 1,3".to_vec(),
        );
        at("readable", row)
    }),
    ("column missing", |t, _, _| {
        t.columns[6] = "starz";
        general("columns")
    }),
    ("column too many", |t, _, _| {
        t.columns.push("extra");
        t.rows.iter_mut().for_each(|row| row.push("1".to_owned()));
        general("columns")
    }),
    ("too few rows", |t, row, _| {
        t.rows.truncate(row.min(99));
        general("rows")
    }),
    ("too many rows", |t, _, _| {
        let rows: Vec<Vec<String>> = t.rows.iter().cloned().cycle().take(131).collect();
        t.rows = rows;
        general("rows")
    }),
    ("one class", |t, _, _| {
        (0..t.rows.len()).for_each(|row| t.set(row, "label", "pos"));
        general("classes")
    }),
    ("class too small", |t, row, _| {
        (0..t.rows.len())
            .filter(|&r| r != row)
            .for_each(|r| t.set(r, "label", ["pos", "neg"][r % 2]));
        t.set(row, "label", "neutral");
        general("rows_per_class")
    }),
    ("classes out of balance", |t, row, _| {
        (0..t.rows.len()).for_each(|r| t.set(r, "label", "pos"));
        (0..4).for_each(|i| t.set((row + i) % 110, "label", "neg"));
        general("balance")
    }),
    ("old data", |t, _, _| {
        (0..t.rows.len()).for_each(|row| {
            let day = t.get(row, "day").replace("2026", "2025");
            t.set(row, "day", day);
        });
        general("age")
    }),
];

fn nlp_project() -> Workdir {
    let dir = Workdir::with_source("t.csv", "");
    dir.write("schema/nlp.yaml", NLP_SCHEMA);
    dir.write(
        "shops.csv",
        "name,town\nshop 0,a\nshop 1,b\nshop 2,c\nshop 3,d\n",
    );
    dir
}

fn validate(dir: &Workdir, task: &str) -> String {
    let today = "validate.today=2026-02-01";
    let ran = dir.run(&["validate", task, "-S", today]);
    assert!(ran.code == 0 || ran.code == 4, "{ran:?}");
    dir.read(&format!("reports/validate/{task}.json"))
}

#[test]
fn clean_texts_have_no_finding() {
    let dir = nlp_project();
    for seed in 0..SEEDS {
        dir.write("t.csv", nlp_table(&mut Draw(seed)).bytes());
        let report: Value = serde_json::from_str(&validate(&dir, "nlp")).unwrap();
        assert_eq!(report["findings"], Value::Array(vec![]), "seed {seed}");
    }
}

#[test]
fn every_fault_in_texts_is_reported_with_its_row() {
    let dir = nlp_project();
    assert!(NLP.len() >= 40, "{} kinds", NLP.len());
    for (name, plant) in NLP {
        for seed in 0..SEEDS {
            let mut draw = Draw(seed);
            let mut table = nlp_table(&mut draw);
            let row = 1 + draw.below(109);
            let expected = plant(&mut table, row, &mut draw);
            dir.write("t.csv", table.bytes());
            assert_reported(
                &validate(&dir, "nlp"),
                &expected,
                &format!("{name}, seed {seed}"),
            );
        }
    }
}

#[test]
fn a_quote_that_is_never_closed_is_placed() {
    let dir = nlp_project();
    for seed in 0..SEEDS {
        let mut draw = Draw(seed);
        let mut table = nlp_table(&mut draw);
        let row = draw.below(110);
        table.raw.insert(row, b"1001,\"open".to_vec());
        // No quote behind it, which would close the cell.
        let mut bytes = table.bytes();
        let start = bytes.windows(5).position(|w| w == b"\"open").unwrap();
        bytes.retain({
            let mut at = 0;
            move |&byte| {
                at += 1;
                at <= start + 5 || byte != b'"'
            }
        });
        dir.write("t.csv", bytes);
        let message = dir.fails(4, &["validate", "nlp", "-S", "validate.today=2026-02-01"]);
        let place = format!("t.csv:{}: column 2 (text): a quote opened here", row + 2);
        assert!(message.contains(&place), "{message}");
    }
}
