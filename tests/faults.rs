//! Faults planted by a seeded generator into clean data: each must be reported, with its row where it
//! has one. A kind of fault is tried with several seeds, at another place each time.

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
        t.raw
            .insert(row, b"1001,caf\xe9,pos,0.5,2026-01-01,shop 1,3".to_vec());
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

/// A gray photo with some structure, `light` around which brightness.
fn photo(seed: u32, side: u32, light: f64, spread: f64) -> Vec<u8> {
    let image = image::GrayImage::from_fn(side, side, |x, y| {
        let wave = f64::from((x * (3 + seed % 7) + y * (5 + seed % 11)) % 64) / 64.0 - 0.5;
        image::Luma([(light + spread * wave + f64::from((x * y + seed) % 3)) as u8])
    });
    let mut bytes = Vec::new();
    let mut out = std::io::Cursor::new(&mut bytes);
    image.write_to(&mut out, image::ImageFormat::Png).unwrap();
    bytes
}

/// Photos of a table, by row.
struct Album {
    rows: Vec<(String, String)>,
    files: BTreeMap<String, Vec<u8>>,
}

fn album() -> Album {
    let names = (0..24u32).map(|i| (format!("p{i:02}.png"), i));
    let files = names
        .clone()
        .map(|(name, i)| (name, photo(i, 64, 120.0, 160.0)));
    Album {
        rows: names
            .map(|(name, i)| (name, ["sharp", "blurred"][i as usize % 2].to_owned()))
            .collect(),
        files: files.collect(),
    }
}

type Spoil = fn(&mut Album, usize) -> Expected;

const CV: &[(&str, Spoil)] = &[
    ("file missing", |album, row| {
        album.files.remove(&album.rows[row].0);
        at("missing", row)
    }),
    ("file empty", |album, row| {
        album.put(row, Vec::new());
        at("unreadable", row)
    }),
    ("file cut short", |album, row| {
        let half = album.bytes(row).len() / 2;
        let cut = album.bytes(row)[..half].to_vec();
        album.put(row, cut);
        at("unreadable", row)
    }),
    ("no photo", |album, row| {
        album.put(row, b"just some text, and no photo".to_vec());
        at("unreadable", row)
    }),
    ("photo of a few pixels", |album, row| {
        album.put(row, photo(1, 8, 120.0, 160.0));
        at("unreadable", row)
    }),
    ("all of one gray", |album, row| {
        let image = image::GrayImage::from_pixel(64, 64, image::Luma([77]));
        let mut bytes = Vec::new();
        image
            .write_to(
                &mut std::io::Cursor::new(&mut bytes),
                image::ImageFormat::Png,
            )
            .unwrap();
        album.put(row, bytes);
        at("unreadable", row)
    }),
    ("small photo", |album, row| {
        album.put(row, photo(1, 24, 120.0, 160.0));
        at("range", row)
    }),
    ("dark photo", |album, row| {
        album.put(row, photo(1, 64, 6.0, 10.0));
        at("range", row)
    }),
    ("bright photo", |album, row| {
        album.put(row, photo(1, 64, 247.0, 10.0));
        at("range", row)
    }),
    ("photo without contrast", |album, row| {
        album.put(row, photo(1, 64, 120.0, 2.0));
        at("range", row)
    }),
    ("photo much larger than the others", |album, row| {
        album.put(row, photo(1, 400, 120.0, 160.0));
        at("odd_size", row)
    }),
    ("the same file again", |album, row| {
        let bytes = album.bytes(row - 2).to_vec();
        album.put(row, bytes);
        at("duplicates", row)
    }),
    ("the same file under another label", |album, row| {
        let bytes = album.bytes(row - 1).to_vec();
        album.put(row, bytes);
        at("conflicts", row)
    }),
    ("label that is none", |album, row| {
        album.rows[row].1 = "soft".to_owned();
        at("labels", row)
    }),
    ("label missing", |album, row| {
        album.rows[row].1 = String::new();
        at("labels", row)
    }),
    ("one class", |album, _| {
        album
            .rows
            .iter_mut()
            .for_each(|row| row.1 = "sharp".to_owned());
        general("classes")
    }),
];

impl Album {
    fn put(&mut self, row: usize, bytes: Vec<u8>) {
        self.files.insert(self.rows[row].0.clone(), bytes);
    }

    fn bytes(&self, row: usize) -> &[u8] {
        &self.files[&self.rows[row].0]
    }

    fn write(&self, dir: &Workdir) {
        let _ = std::fs::remove_dir_all(dir.path("photos"));
        for (name, bytes) in &self.files {
            dir.write(&format!("photos/{name}"), bytes);
        }
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|(path, label)| format!("{path},{label}\n"))
            .collect();
        dir.write("photos/list.csv", format!("path,label\n{}", rows.concat()));
    }
}

fn check_photos(dir: &Workdir) -> String {
    let ran = dir.run(&["validate", "cv", "-S", "cv.data.source=photos/list.csv"]);
    assert!(ran.code == 0 || ran.code == 4, "{ran:?}");
    dir.read("reports/validate/cv.json")
}

#[test]
fn every_fault_in_photos_is_reported_with_its_row() {
    let dir = Workdir::project();
    album().write(&dir);
    let report: Value = serde_json::from_str(&check_photos(&dir)).unwrap();
    assert_eq!(report["findings"], Value::Array(vec![]), "clean photos");
    for (name, spoil) in CV {
        for seed in 0..3 {
            let mut album = album();
            let row = 2 + Draw(seed).below(22);
            let expected = spoil(&mut album, row);
            album.write(&dir);
            assert_reported(
                &check_photos(&dir),
                &expected,
                &format!("{name}, seed {seed}"),
            );
        }
    }
}

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

#[test]
fn a_test_photo_that_looks_like_a_training_photo_is_leakage() {
    let dir = Workdir::project();
    album().write(&dir);
    let source = ["-S", "cv.data.source=photos/list.csv"];
    dir.ok(&[&["prepare", "cv"], &source[..]].concat());
    let args = ["cv", source[0], source[1]];
    assert!(check_parts(&dir, &args).contains("\"findings\": []"));
    let train = dir.read("data/processed/cv/train.csv");
    let hash = |text: &str, row: usize| {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let at = reader.headers().unwrap().iter().position(|n| n == "dhash");
        let record = reader.records().nth(row).unwrap().unwrap();
        u64::from_str_radix(&record[at.unwrap()], 16).unwrap()
    };
    let clean = dir.read("data/processed/cv/test.csv");
    for seed in 0..SEEDS {
        let mut draw = Draw(seed);
        let row = draw.below(clean.lines().count() - 1);
        let like = hash(&train, draw.below(train.lines().count() - 1));
        // Four bits may differ, no more.
        let near = (0..4).fold(like, |hash, bit| hash ^ (1 << (16 * bit + draw.below(16))));
        dir.write("data/processed/cv/test.csv", &clean);
        change_column(&dir, "data/processed/cv/test.csv", "dhash", |r, cell| {
            if r == row {
                format!("{near:016x}")
            } else {
                cell.to_owned()
            }
        });
        let name = format!("look-alike, seed {seed}");
        assert_reported(&check_parts(&dir, &args), &at("leakage", row), &name);
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
