//! `easylife drift`: what has changed is found and named, what has not is not, and bad input is refused.

mod support;

use std::fmt::Write as _;

use serde_json::Value;
use support::Workdir;

/// A generator that a test needs no crate for (splitmix64).
struct Drawn(u64);

impl Drawn {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Orders, a row an hour: the amount is shifted and plans change from row `from` on.
fn orders(seed: u64, rows: usize, from: usize) -> String {
    let mut drawn = Drawn(seed);
    let mut text = String::from("order_id,at,amount,plan,paid,probability\n");
    for row in 0..rows {
        let has_moved = row >= from;
        let amount = 100.0 * drawn.next() + drawn.next() + if has_moved { 30.0 } else { 0.0 };
        let plan = match drawn.next() + if has_moved { 0.3 } else { 0.0 } {
            part if part < 0.5 => "basic",
            part if part < 0.8 => "plus",
            _ => "pro",
        };
        let probability = drawn.next();
        let paid = u8::from(drawn.next() < probability);
        let (day, hour) = (1 + row / 24, row % 24);
        let (month, day) = (1 + (day - 1) / 28, 1 + (day - 1) % 28);
        writeln!(text, "a-{seed}-{row},2026-{month:02}-{day:02} {hour:02}:00:00,{amount:.2},{plan},{paid},{probability:.3}").unwrap();
    }
    text
}

fn with(reference: &str, current: &str) -> Workdir {
    let dir = Workdir::empty();
    dir.write("ref.csv", reference);
    dir.write("cur.csv", current);
    dir
}

fn drift(dir: &Workdir, args: &[&str], code: i32) -> Value {
    let ran = dir.run(&[&["--json", "drift", "ref.csv", "cur.csv"], args].concat());
    assert_eq!(ran.code, code, "{}\n{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn names(value: &Value) -> Vec<&str> {
    let all = value.as_array().unwrap().iter();
    all.map(|one| one["column"].as_str().or(one.as_str()).unwrap())
        .collect()
}

#[test]
fn what_moved_is_found_with_its_window() {
    let dir = with(&orders(1, 5000, 5000), &orders(2, 4000, 2000));
    let found = drift(&dir, &["--window", "500", "-o", "drift.html"], 8);
    // The farthest first; what else there is, is a false alarm of one window.
    assert_eq!(names(&found["drifted"])[..2], ["amount", "plan"]);
    for column in &found["drifted"].as_array().unwrap()[..2] {
        assert_eq!(column["since"], "rows 2001 to 2500");
        assert_eq!(column["windows"], 4);
    }
    let mut left_out = names(&found["left_out"]);
    left_out.sort_unstable();
    assert_eq!(left_out, ["at", "order_id"]);
    let page = dir.read("drift.html");
    assert!(page.contains("Where, and since when") && page.contains("rows 2001 to 2500"));
    // By time: 24 rows a day, 168 a week; the day of row 2000 is the 84th, in March.
    let found = drift(&dir, &["--by", "at", "--every", "month"], 8);
    for column in &found["drifted"].as_array().unwrap()[..2] {
        let since = &column["since"];
        assert!(since == "2026-03" || since == "2026-04", "{since}");
    }
    let said = dir.run(&["drift", "ref.csv", "cur.csv"]);
    assert!(
        said.stdout.contains("drift in 2 of 4 columns"),
        "{}",
        said.stdout
    );
}

#[test]
fn where_nothing_has_changed_nothing_is_found() {
    let dir = with(&orders(3, 4000, 4000), &orders(4, 2000, 2000));
    let found = drift(&dir, &["--window", "500"], 0);
    assert_eq!(found["has_drifted"], false);
    assert_eq!(found["windows"].as_array().unwrap().len(), 4);
    // The same bytes whatever the threads.
    let once = dir.ok(&["drift", "ref.csv", "cur.csv", "--json", "--threads", "1"]);
    for threads in ["2", "8"] {
        assert_eq!(
            once,
            dir.ok(&[
                "drift",
                "ref.csv",
                "cur.csv",
                "--json",
                "--threads",
                threads
            ])
        );
    }
}

#[test]
fn columns_that_are_gone_new_or_of_another_type() {
    let reference = orders(5, 2000, 2000);
    let current = orders(6, 500, 500)
        .replace("amount", "order_amount")
        .replace("plan", "Amount");
    let dir = with(&reference, &current);
    let found = drift(&dir, &[], 8);
    assert_eq!(names(&found["gone"]), ["amount", "plan"]);
    assert_eq!(found["gone"][0]["renamed"], "Amount");
    assert_eq!(found["new"], serde_json::json!(["order_amount", "Amount"]));
    let found = drift(&dir, &["--skip", "amount", "--skip", "plan"], 0);
    assert!(names(&found["gone"]).is_empty());
    // Numbers that are written as words.
    let words: String =
        orders(6, 500, 500)
            .lines()
            .enumerate()
            .fold(String::new(), |mut text, (row, line)| {
                let mut cells: Vec<&str> = line.split(',').collect();
                if row > 0 {
                    cells[2] = "n.a.";
                }
                writeln!(text, "{}", cells.join(",")).unwrap();
                text
            });
    let dir = with(&reference, &words);
    let found = drift(&dir, &[], 8);
    assert_eq!(names(&found["drifted"]), ["amount"]);
}

#[test]
fn performance_is_estimated_and_measured() {
    // The truth of the first half is known.
    let half: String =
        orders(8, 2000, 2000)
            .lines()
            .enumerate()
            .fold(String::new(), |mut text, (row, line)| {
                let mut cells: Vec<&str> = line.split(',').collect();
                if row > 1000 {
                    cells[4] = "";
                }
                writeln!(text, "{}", cells.join(",")).unwrap();
                text
            });
    let dir = with(&orders(7, 4000, 4000), &half);
    let args = [
        "--window",
        "1000",
        "--skip",
        "paid",
        "--target",
        "paid",
        "--score",
        "probability",
    ];
    let found = drift(&dir, &args, 0);
    let windows = found["performance"]["windows"].as_array().unwrap();
    assert_eq!(
        (&windows[0]["labelled"], &windows[1]["labelled"]),
        (&Value::from(1000), &Value::from(0))
    );
    let accuracy = |window: usize| {
        let figures = windows[window]["figures"].as_array().unwrap().iter();
        figures
            .clone()
            .find(|figure| figure["metric"] == "accuracy")
            .unwrap()
    };
    // A probability that is uniform and right is right in 3 of 4 rows.
    for window in [0, 1] {
        let estimated = &accuracy(window)["estimated"];
        assert!(
            (estimated["value"].as_f64().unwrap() - 0.75).abs() < 0.03,
            "{estimated}"
        );
    }
    let realised = accuracy(0)["realised"]["value"].as_f64().unwrap();
    assert!((realised - 0.75).abs() < 0.05, "{realised}");
    assert!(accuracy(1).get("realised").is_none());
    let said = dir.ok(&[&["drift", "ref.csv", "cur.csv"], &args[..]].concat());
    assert!(
        said.contains("accuracy (estimated)") && said.contains("an estimate without labels"),
        "{said}"
    );
    // A number, by the errors of the reference.
    let args = [
        "--target",
        "amount",
        "--prediction",
        "probability",
        "--skip",
        "amount",
        "--skip",
        "paid",
    ];
    let found = drift(&dir, &args, 0);
    assert_eq!(
        found["performance"]["windows"][0]["figures"][0]["metric"],
        "mae"
    );
}

#[test]
fn bad_input_is_refused() {
    let dir = with(&orders(9, 600, 600), &orders(10, 200, 200));
    dir.write("empty.csv", "order_id,at,amount,plan,paid,probability\n");
    dir.write("one.csv", orders(10, 1, 1));
    dir.write("other.csv", "x,y\n1,2\n3,4\n");
    dir.write("ragged.csv", "amount,plan\n1,basic\n2\n");
    dir.write("wrong.csv", orders(10, 200, 200).replace(",0.5", ",1.5"));
    for (args, code, expected) in [
        (&["ref.csv", "gone.csv"][..], 1, "gone.csv"),
        (
            &["empty.csv", "cur.csv"],
            4,
            "there are no rows to compare with",
        ),
        (&["ref.csv", "other.csv"], 4, "no column in common"),
        (&["ref.csv", "ragged.csv"], 4, "ragged.csv:3"),
        (
            &["ref.csv", "cur.csv", "--alpha", "0"],
            2,
            "false-alarm rate",
        ),
        (
            &["ref.csv", "cur.csv", "--skip", "ammount"],
            2,
            "there is no column `ammount` (--skip)",
        ),
        (
            &["ref.csv", "cur.csv", "--by", "when"],
            2,
            "there is no column `when` (--by)",
        ),
        (
            &["ref.csv", "cur.csv", "--by", "plan"],
            4,
            "is no date or time, which --by needs",
        ),
        (&["ref.csv", "cur.csv", "--every", "day"], 2, "--by"),
        (
            &["ref.csv", "cur.csv", "-o", "drift.txt"],
            2,
            "use .html or .json",
        ),
        (
            &["ref.csv", "cur.csv", "--target", "paid"],
            2,
            "--target needs --score",
        ),
        (
            &["ref.csv", "cur.csv", "--target", "paid", "--score", "score"],
            2,
            "there is no column `score`",
        ),
        (
            &[
                "ref.csv",
                "cur.csv",
                "--target",
                "plan",
                "--score",
                "probability",
            ],
            2,
            "name the column of each",
        ),
        (
            &[
                "ref.csv",
                "wrong.csv",
                "--target",
                "paid",
                "--score",
                "probability",
            ],
            4,
            "is not between 0 and 1",
        ),
        (
            &[
                "ref.csv",
                "cur.csv",
                "--target",
                "paid",
                "--score",
                "probability",
                "--prediction",
                "plan",
            ],
            4,
            "is none of the classes",
        ),
    ] {
        let ran = dir.run(&[&["drift"], args].concat());
        assert_eq!(ran.code, code, "{args:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(expected), "{args:?}: {}", ran.stderr);
    }
    assert!(!dir.exists("drift.txt"));
    // Windows of one row, or of none, are no error.
    for current in ["one.csv", "empty.csv"] {
        let ran = dir.run(&["drift", "ref.csv", current]);
        assert_eq!(ran.code, 0, "{current}: {}{}", ran.stdout, ran.stderr);
    }
}
