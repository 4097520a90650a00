//! Tests of runs: what is written is read, and what is damaged is found.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::lineage::{Git, Metric, Named};
use crate::store::Folder;

fn store() -> (tempfile::TempDir, Arc<dyn Store>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Folder::create(&dir.path().join("store")).unwrap();
    (dir, Arc::new(store))
}

/// A run of `task` that began `seconds` after 2026-11-30 midnight.
fn run(task: &str, seconds: i64) -> Run {
    let started: Timestamp = "2026-11-30T00:00:00Z".parse().unwrap();
    let started = started + jiff::SignedDuration::from_secs(seconds);
    let sha256 = files::digest::bytes(b"x");
    let file = |path: &str| Named {
        path: path.to_owned(),
        sha256: sha256.clone(),
        rows: Some(10),
    };
    Run {
        id: new_id(started).unwrap(),
        verb: "train".to_owned(),
        task: task.to_owned(),
        started,
        seconds: 1.25,
        cpu_seconds: Some(2.0),
        peak_memory: Some(1 << 33),
        version: "0.1.0".to_owned(),
        git: Some(Git {
            commit: "0123456789012345678901234567890123456789".to_owned(),
            clean: true,
            branch: None,
        }),
        params: [
            ("seed".to_owned(), Value::from(u64::MAX)),
            ("nlp.c".to_owned(), Value::from(1.0)),
            ("nlp.max".to_owned(), Value::from(f64::INFINITY)),
            ("nlp.word".to_owned(), Value::from("NaN")),
            ("nlp.on".to_owned(), Value::from(true)),
            ("nlp.n".to_owned(), Value::from(-3_i64)),
            ("nlp.none".to_owned(), Value::Null),
        ]
        .into(),
        metrics: vec![Metric {
            name: "accuracy".to_owned(),
            value: 0.1 + 0.2,
            low: Some(f64::NEG_INFINITY),
            high: None,
        }],
        digests: Digests {
            data: vec![file("data/raw/nlp/train.csv")],
            model: Some(file("models/nlp.safetensors")),
            params: Some(sha256.clone()),
            lock: None,
        },
        files: vec!["reports/nlp.html".to_owned()],
        outcome: Outcome::Finished,
    }
}

#[test]
fn runs_come_back_as_they_were_in_order_of_time() {
    let (_dir, store) = store();
    let runs = Runs::new(store);
    assert!(matches!(runs.find("latest"), Err(RunsError::Empty)));
    let mut failed = run("ts", 5);
    failed.outcome = Outcome::Failed {
        message: "no rows".to_owned(),
    };
    // Written in any order, across the turn of the month.
    let given = [run("nlp", 90_000), run("nlp", 0), failed, run("cv", 7)];
    for run in &given {
        runs.append(run).unwrap();
        runs.append(run).unwrap();
    }
    let [late, first, second, third] = given;
    let third_id = third.id.clone();
    let (all, problems) = runs.all().unwrap();
    assert_eq!(all, [first, second, third, late.clone()]);
    assert_eq!(problems, []);
    let length = short_length(all.iter().map(|run| run.id.as_str()));
    assert_eq!(runs.find(&third_id[..length]).unwrap(), all[2]);
    let Err(RunsError::Ambiguous { ids, .. }) = runs.find(&third_id[..length - 1]) else {
        panic!("one digit less is not enough for all");
    };
    assert_eq!(ids.len(), 2);
    let ambiguous = runs.find("0").unwrap_err().to_string();
    assert!(ambiguous.starts_with("several runs begin with `0`: 0"));
    for unknown in ["ff", "", "late", &format!("{third_id}.json")] {
        let refused = runs.find(unknown);
        assert!(
            matches!(refused, Err(RunsError::Unknown { .. })),
            "{unknown}"
        );
    }
    assert_eq!(runs.find("latest").unwrap(), late);
    assert_eq!(runs.latest(Some("ts")).unwrap().unwrap(), all[1]);
    assert_eq!(runs.latest(Some("tabular")).unwrap(), None);
    let report = runs.check(false).unwrap();
    assert!(report.is_clean() && report.runs == 4);
    let mut other = late;
    other.seconds = 7.0;
    assert!(matches!(runs.append(&other), Err(RunsError::Taken { .. })));
}

#[test]
fn numbers_that_json_lacks_survive() {
    let (_dir, store) = store();
    let runs = Runs::new(store);
    let mut run = run("nlp", 0);
    run.metrics[0].value = f64::NAN;
    run.metrics[0].high = Some(f64::INFINITY);
    run.params.insert("x".to_owned(), Value::from(f64::NAN));
    runs.append(&run).unwrap();
    let (all, _) = runs.all().unwrap();
    let metric = &all[0].metrics[0];
    assert!(metric.value.is_nan());
    assert_eq!(metric.low, Some(f64::NEG_INFINITY));
    assert_eq!(metric.high, Some(f64::INFINITY));
    let Value::Float(float) = all[0].params["x"] else {
        panic!("it is not text");
    };
    assert!(float.is_nan());
}

proptest! {
    #[test]
    fn values_come_back_as_they_were(bits: u64, int: i64, big: u64, text: String, on: bool) {
        let float = f64::from_bits(bits);
        let mut values = vec![Value::from(int), Value::from(big), Value::from(on), Value::Null];
        values.push(Value::from(text.as_str()));
        if !float.is_nan() {
            values.push(Value::from(float));
        }
        for value in values {
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value, "{}", json);
        }
    }
}

#[test]
fn a_clock_that_jumps_back_overwrites_nothing() {
    let (_dir, store) = store();
    let runs = Runs::new(store);
    for _ in 0..20 {
        runs.append(&run("nlp", 0)).unwrap();
    }
    assert_eq!(runs.all().unwrap().0.len(), 20);
}

#[test]
fn the_newest_of_each_task_are_kept() {
    let (_dir, store) = store();
    let runs = Runs::new(Arc::clone(&store));
    for second in 0..5 {
        runs.append(&run("nlp", second)).unwrap();
        runs.append(&run("cv", -second)).unwrap();
    }
    store
        .create(&Key::new("runs/2026-11/torn.json").unwrap(), b"{")
        .unwrap();
    assert_eq!(runs.keep(2).unwrap(), 6);
    let (all, problems) = runs.all().unwrap();
    let left: Vec<_> = all.iter().map(|run| run.task.as_str()).collect();
    assert_eq!(left, ["cv", "cv", "nlp", "nlp"]);
    assert_eq!(problems.len(), 1);
}

#[test]
fn every_changed_byte_and_every_cut_is_found() {
    let (_dir, store) = store();
    let runs = Runs::new(Arc::clone(&store));
    let run = run("nlp", 0);
    let key = key_of(&run.id).unwrap();
    runs.append(&run).unwrap();
    let bytes = store.read(&key).unwrap().unwrap();
    for at in 0..bytes.len() {
        for mask in [0x01, 0x10, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= mask;
            let read: Result<Run, Flaw> = record::decode(KIND, &changed);
            assert!(read.is_err(), "byte {at} with {mask}");
        }
        assert!(record::decode::<Run>(KIND, &bytes[..at]).is_err());
    }
    let mut spaced = bytes.clone();
    spaced.push(b'\n');
    assert_eq!(record::decode::<Run>(KIND, &spaced), Err(Flaw::Digest));
    assert_eq!(record::decode::<Run>("other", &bytes), Err(Flaw::Digest));
}

#[test]
fn check_tells_what_is_wrong() {
    let (_dir, store) = store();
    let runs = Runs::new(Arc::clone(&store));
    let run = run("nlp", 0);
    let bytes = record::encode(KIND, &run).unwrap();
    let newer = String::from_utf8(bytes.clone()).unwrap();
    let body = newer.split_once("\"record\":").unwrap().1;
    let body = &body[..body.len() - 2];
    // What a later version could write: more fields, and a digest by the same rule.
    let record = body.replacen('{', "{\"colour\":\"red\",", 1);
    let digest = files::digest::bytes(format!("easylife {KIND} 2\n{record}").as_bytes());
    let newer = format!("{{\"format\":2,\"sha256\":\"{digest}\",\"record\":{record}}}\n");
    let at = |name: &str| Key::new(format!("runs/2026-11/{name}.json")).unwrap();
    store.create(&at("newer"), newer.as_bytes()).unwrap();
    store
        .create(&at("torn"), &bytes[..bytes.len() / 2])
        .unwrap();
    store.create(&at("moved"), &bytes).unwrap();
    let report = runs.check(true).unwrap();
    assert_eq!(report.runs, 0);
    assert!(!report.is_clean());
    let [moved, newer, torn] = &report.problems[..] else {
        panic!("{:?}", report.problems);
    };
    assert_eq!(newer.flaw, Flaw::Newer { format: 2 });
    assert!(matches!(torn.flaw, Flaw::Unreadable { .. }));
    assert!(moved.to_string().contains(&run.id), "{moved}");
}

#[test]
fn ids_are_checked() {
    let (_dir, store) = store();
    let runs = Runs::new(store);
    for id in [
        "",
        "../../../etc/passwd",
        "019adc",
        &"g".repeat(28),
        &"F".repeat(28),
    ] {
        let run = Run {
            id: id.to_owned(),
            ..run("nlp", 0)
        };
        assert!(
            matches!(runs.append(&run), Err(RunsError::Id { .. })),
            "{id}"
        );
    }
    let before = new_id("1969-12-31T00:00:00Z".parse().unwrap()).unwrap();
    assert!(before.starts_with("000000000000"));
}

#[test]
fn a_table_has_a_column_for_whatever_any_run_has() {
    let mut other = run("ts", 1);
    other.params.clear();
    other.metrics = vec![Metric {
        name: "smape".to_owned(),
        value: 12.5,
        low: None,
        high: None,
    }];
    other.outcome = Outcome::Failed {
        message: "no rows".to_owned(),
    };
    let table = Table::of(&[run("nlp", 0), other]);
    let cell = |row: usize, column: &str| {
        let at = table.columns.iter().position(|name| name == column);
        table.rows[row][at.unwrap()].as_str()
    };
    assert_eq!(cell(0, "started"), "2026-11-30T00:00:00Z");
    assert_eq!((cell(0, "message"), cell(1, "message")), ("", "no rows"));
    assert_eq!(cell(0, "param.seed"), u64::MAX.to_string());
    assert_eq!(cell(0, "param.nlp.max"), "inf");
    assert_eq!(
        (cell(0, "metric.accuracy.low"), cell(1, "metric.smape")),
        ("-inf", "12.5")
    );
    assert_eq!(
        (cell(1, "metric.accuracy"), cell(1, "param.seed")),
        ("", "")
    );
    assert!(!table.columns.iter().any(|name| name == "metric.smape.low"));
    assert!(
        table
            .rows
            .iter()
            .all(|row| row.len() == table.columns.len())
    );
}
