//! Where forecasts start: the state of a model goes on to the last observation that the project has, newer
//! rows go on from there, and rows that correct history are never passed over.

use super::*;

const MONTHS: usize = 60;
/// Of [`MINE`].
const TEST: usize = 6;

/// Two series of 60 months, the second with a gap in its test part.
fn two() -> String {
    let b = monthly("b", MONTHS).replace(&format!("b,{},", month(56)), "b,skip,");
    let b: String = b
        .lines()
        .filter(|l| !l.contains("skip"))
        .fold(String::new(), |all, line| all + line + "\n");
    format!("{HEADER}{}{b}", monthly("a", MONTHS))
}

/// Forecasts of 4 steps as they are written, with more arguments.
fn predicted(dir: &Workdir, more: &[&str]) -> String {
    dir.ok(&[&["predict", "ts", "-o", "out.csv", "--horizon", "4"], more].concat());
    dir.read("out.csv")
}

/// The rows of a prepared part.
fn part(dir: &Workdir, name: &str) -> String {
    dir.read(&format!("data/processed/ts/{name}.csv"))
}

#[test]
fn a_model_that_was_judged_goes_on_as_with_the_rows_of_its_test_part() {
    for kind in ["auto", "holt-winters", "seasonal_naive", "drift", "mean"] {
        let kind = format!("ts.model.kind={kind}");
        let horizon = ["-S", &kind, "-S", "ts.horizon=6"];
        let dir = trained(&two(), &horizon);
        let carried = predicted(&dir, &[]);
        assert_eq!(forecasts(&carried)["a"][0][0], month(MONTHS));
        let newer = format!(
            "{HEADER}a,{},70\nb,{},71\nb,{},72\n",
            month(60),
            month(60),
            month(61)
        );
        dir.write("newer.csv", &newer);
        let updated = predicted(&dir, &["-i", "newer.csv"]);
        let why = dir.ok(&["explain", "ts", "b", "--json"]);
        dir.ok(&[&["evaluate", "ts"], &MINE[..], &horizon].concat());
        let metrics = dir.json("metrics/ts.json");

        // The same training part without a test part: what was fitted is the same.
        let test = part(&dir, "test");
        dir.write("later.csv", &test);
        dir.write("data/processed/ts/test.csv", HEADER);
        dir.ok(&[&["train", "ts"], &MINE[..], &horizon].concat());
        assert_eq!(
            forecasts(&predicted(&dir, &[]))["a"][0][0],
            month(MONTHS - TEST)
        );
        assert_eq!(predicted(&dir, &["-i", "later.csv"]), carried, "{kind}");
        dir.write("both.csv", format!("{test}{}", newer.replace(HEADER, "")));
        assert_eq!(predicted(&dir, &["-i", "both.csv"]), updated, "{kind}");
        // What explains a forecast has its state.
        assert_ne!(dir.ok(&["explain", "ts", "b", "--json"]), why);
        let next: serde_json::Value = serde_json::from_str(&why).unwrap();
        let first = number(&forecasts(&carried)["b"][0][1]);
        assert_eq!(next["next"]["mean"].as_f64(), Some(first), "{kind}");

        // And what is measured has not.
        dir.write("data/processed/ts/test.csv", &test);
        dir.ok(&[&["evaluate", "ts"], &MINE[..], &horizon].concat());
        let mut alone = dir.json("metrics/ts.json");
        alone["model"] = metrics["model"].clone();
        assert_eq!(alone, metrics, "{kind}");
    }
}

#[test]
fn a_test_file_carries_the_state_on_and_says_how_far_to_forecast() {
    let all = monthly("a", 48);
    let lines: Vec<&str> = all.lines().collect();
    let dir = with(&format!("{HEADER}{}\n", lines[..44].join("\n")));
    dir.write("late.csv", format!("{HEADER}{}\n", lines[44..].join("\n")));
    let more = [
        "-S",
        "ts.data.source=mine.csv",
        "-S",
        "ts.data.test=late.csv",
    ];
    for verb in ["prepare", "train", "evaluate"] {
        dir.ok(&[&[verb, "ts"], &more[..]].concat());
    }
    dir.ok(&["predict", "ts", "-o", "out.csv"]);
    let rows = &forecasts(&dir.read("out.csv"))["a"];
    // As long as the test file, not ts.split.test.
    assert_eq!((rows.len(), rows[0][0].as_str()), (4, "2024-01-01"));
    let said = dir.ok(&["inspect", "models/ts.safetensors", "-v"]);
    for words in [
        "\"horizon\":4",
        "\"rows\":4,\"last\":\"2023-12-01\"",
        "\"sha256\"",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn series_of_the_test_part_that_training_does_not_have_are_named() {
    let dir = with(&two());
    dir.ok(&[&["prepare", "ts"], &MINE[..]].concat());
    let test = part(&dir, "test");
    dir.write(
        "data/processed/ts/test.csv",
        format!("{test}c,{},4\n", month(60)),
    );
    let ran = dir.run(&[&["train", "ts"], &MINE[..]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr
            .contains("1 series of the test part are not in the training part")
    );
    assert!(ran.stderr.contains("`c`"), "{ran:?}");
    // One that does not go on where training ends is another split.
    dir.write(
        "data/processed/ts/test.csv",
        format!("{HEADER}a,{},4\n", month(3)),
    );
    let error = dir.fails(4, &[&["train", "ts"], &MINE[..]].concat());
    assert!(
        error.contains("series `a`: it does not continue where the training part ends"),
        "{error}"
    );
}

#[test]
fn predict_says_where_forecasts_start_and_what_the_source_has_beyond() {
    let short = monthly("c", MONTHS - 2);
    let dir = trained(&format!("{}{short}", two()), &[]);
    let said = |more: &[&str]| {
        let ran = dir.run(&[&["predict", "ts", "-o", "out.csv"], more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        (ran.stderr, dir.read("out.csv"))
    };
    let (stderr, bytes) = said(&[]);
    for words in [
        "forecasts start at 2025-01-01, after the last value of 2 series",
        "1 series end earlier, `c` first: its forecasts start at 2024-11-01",
    ] {
        assert!(stderr.contains(words), "{words}: {stderr}");
    }
    assert!(!stderr.contains("warning"), "{stderr}");
    // The source has grown by a month of `a`, and a row without a value.
    let grown = format!("{}a,{},70\nb,{},\n", two(), month(60), month(61));
    dir.write("mine.csv", &grown);
    dir.write(
        "params.yaml",
        dir.read("params.yaml")
            .replace("data/raw/ts/demand.csv", "mine.csv"),
    );
    let (stderr, again) = said(&[]);
    assert_eq!(again, bytes);
    let words = "mine.csv has later values of 1 series, up to 2025-01-01, than the model (up to 2024-12-01)";
    assert!(
        stderr.contains(words) && stderr.contains("easylife train ts"),
        "{stderr}"
    );
    // They are given: nothing is missing.
    let (stderr, _) = said(&["-i", "mine.csv"]);
    assert!(!stderr.contains("warning"), "{stderr}");
    assert!(
        stderr.contains("forecasts start at 2025-03-01, after the last value of 1 series"),
        "{stderr}"
    );
    // A source that cannot be read, or is absent, is no reason to say anything.
    for text in [
        &b"\xff\xfe"[..],
        b"",
        b"unique_id\n",
        b"unique_id,ds,y\na,soon,1\na,2030-01-01\n",
    ] {
        dir.write("mine.csv", text);
        let (stderr, again) = said(&[]);
        assert_eq!(again, bytes);
        assert!(!stderr.contains("warning"), "{stderr}");
    }
    std::fs::remove_file(dir.path("mine.csv")).unwrap();
    assert!(!said(&[]).0.contains("warning"));
}

#[test]
fn the_end_of_a_large_source_is_looked_at() {
    let dir = trained(&two(), &[]);
    // Other series fill it; the newest rows come last.
    let filler: String = (0..200)
        .map(|i| format!("other {i},2020-01-01,{i}\n"))
        .collect();
    let mut large = two() + &filler.repeat(4500);
    assert!(large.len() > 17 << 20, "{}", large.len());
    large += &format!("a,{},70\n", month(63));
    dir.write("mine.csv", &large);
    let predict = [
        "predict",
        "ts",
        "-o",
        "out.csv",
        "-S",
        "ts.data.source=mine.csv",
    ];
    let ran = dir.run(&predict);
    assert!(ran.stderr.contains("1 series, up to 2025-04-01"), "{ran:?}");
}

#[test]
fn rows_that_correct_history_are_applied_or_refused() {
    let dir = trained(&two(), &[]);
    let usual = predicted(&dir, &[]);
    let given = |rows: &str| {
        dir.write("new.csv", format!("{HEADER}{rows}"));
        dir.run(&[
            "predict",
            "ts",
            "-i",
            "new.csv",
            "-o",
            "out.csv",
            "--horizon",
            "4",
        ])
    };
    // The whole source again, blanks where there were values: nothing new.
    let again = two().replace(HEADER, "");
    let blanks = format!("b,{},\na,{},\n", month(3), month(57));
    for rows in [again.as_str(), blanks.as_str()] {
        let ran = given(rows);
        assert_eq!(
            (ran.code, dir.read("out.csv")),
            (0, usual.clone()),
            "{ran:?}"
        );
    }
    // Of the test part: as if it had been so, whether the value was another or missing.
    let ran = given(&format!("a,{},90\nb,{},33\n", month(58), month(56)));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("2 values"), "{ran:?}");
    let corrected = dir.read("out.csv");
    for id in ["a", "b"] {
        assert_ne!(forecasts(&corrected)[id], forecasts(&usual)[id]);
    }
    let test = part(&dir, "test");
    let fixed: String = test.lines().fold(String::new(), |all, line| {
        let line = match line {
            line if line.starts_with(&format!("a,{},", month(58))) => format!("a,{},90", month(58)),
            line if line.starts_with(&format!("b,{},", month(56))) => format!("b,{},33", month(56)),
            line => line.to_owned(),
        };
        all + &line + "\n"
    });
    dir.write("data/processed/ts/test.csv", fixed);
    dir.ok(&[&["train", "ts"], &MINE[..]].concat());
    assert_eq!(predicted(&dir, &[]), corrected);
    dir.write("data/processed/ts/test.csv", test);
    dir.ok(&[&["train", "ts"], &MINE[..]].concat());
    // Of the training part, or before it: parameters rest on it.
    for (rows, words) in [
        (
            format!("a,{},70\na,{},1\n", month(60), month(20)),
            "series `a`: new.csv:3: 1 for 2021-09-01 is not the value that the model was trained on",
        ),
        (
            "a,2019-12-01,5\n".to_owned(),
            "series `a`: new.csv:2: 2019-12-01 is before the first value that the model was trained on",
        ),
    ] {
        let ran = given(&rows);
        assert_eq!(ran.code, 7, "{ran:?}");
        let rejects = dir.read("out.csv.rejects.csv");
        assert!(
            rejects.contains(words) && rejects.contains("retrain the model"),
            "{rejects}"
        );
        let out = forecasts(&dir.read("out.csv"));
        assert_eq!(
            out["a"][0][0],
            month(MONTHS),
            "forecasts start where they did"
        );
        assert_eq!(out["b"], forecasts(&usual)["b"]);
        let fail = [
            "predict",
            "ts",
            "-i",
            "new.csv",
            "-o",
            "no.csv",
            "--on-error",
            "fail",
        ];
        let error = dir.fails(4, &fail);
        assert!(error.contains("new.csv:"), "{error}");
    }
}

/// Whether forecasts are cut at zero follows from the data, and what contradicts them is said.
#[test]
fn the_sign_of_forecasts_follows_from_the_data() {
    let shifted = |by: f64| -> String {
        let move_down = |line: &str| {
            let (start, y) = line.rsplit_once(',').unwrap();
            format!("{start},{}\n", number(y) - by)
        };
        let rows = monthly("a", MONTHS);
        format!(
            "{HEADER}{}",
            rows.lines().map(move_down).collect::<String>()
        )
    };
    let run = |text: &str, asked: &str| {
        let dir = with(text);
        let asked = format!("ts.model={asked}");
        let more = [&MINE[..], &["-S", &asked]].concat();
        dir.ok(&[&["prepare", "ts"], &more[..]].concat());
        let train = dir.run(&[&["train", "ts"], &more[..]].concat());
        assert_eq!(train.code, 0, "{train:?}");
        dir.ok(&[&["evaluate", "ts"], &more[..]].concat());
        let predict = dir.run(&["predict", "ts", "-o", "out.csv"]);
        assert_eq!(predict.code, 0, "{predict:?}");
        let out = forecasts(&dir.read("out.csv"));
        let lowest = out["a"].iter().map(|row| number(&row[4]));
        (
            lowest.fold(f64::INFINITY, f64::min),
            train.stderr,
            predict.stderr,
            figure(&dir.json("metrics/ts.json"), "coverage_95"),
        )
    };
    let (lowest, train, predict, coverage) = run(&shifted(200.0), "{nonnegative: auto}");
    assert!(lowest < -100.0 && coverage > 0.5, "{lowest} {coverage}");
    assert!(train.contains("1 series have values below zero"), "{train}");
    assert!(!predict.contains("warning"), "{predict}");
    let (lowest, train, predict, _) = run(&shifted(200.0), "{nonnegative: true}");
    assert_eq!(lowest, 0.0);
    for said in [train, predict] {
        assert!(
            said.contains("warning") && said.contains("ts.model.nonnegative: true"),
            "{said}"
        );
    }
    // Nothing is below zero: the cut is as ever, and nothing is said of it.
    let (lowest, train, predict, _) = run(&shifted(45.0), "{kind: auto}");
    assert!(
        lowest >= 0.0 && !train.contains("zero") && !predict.contains("zero"),
        "{train}{predict}"
    );
    // Below zero only after training: the forecasts that go on from there are not cut.
    let mut falls = monthly("a", MONTHS - TEST);
    for m in MONTHS - TEST..MONTHS {
        falls += &format!("a,{},{}\n", month(m), -40 - m as i32);
    }
    let (lowest, train, _, _) = run(
        &format!("{HEADER}{falls}"),
        "{nonnegative: auto, kind: drift}",
    );
    assert!(
        lowest < 0.0 && train.contains("warning"),
        "{lowest} {train}"
    );
    // The same with rows that come in later.
    let dir = trained(&shifted(0.0), &[]);
    let rows: String = (MONTHS..MONTHS + 6)
        .map(|m| format!("a,{},{}\n", month(m), -1000))
        .collect();
    dir.write("new.csv", format!("{HEADER}{rows}"));
    let ran = dir.run(&["predict", "ts", "-i", "new.csv", "-o", "out.csv"]);
    assert!(ran.code == 0 && ran.stderr.contains("warning"), "{ran:?}");
    let out = forecasts(&dir.read("out.csv"));
    assert!(out["a"].iter().any(|row| number(&row[1]) < 0.0), "{out:?}");
}

/// A model file of an earlier version lacks what the state is carried on by.
#[test]
fn a_model_without_its_history_is_refused_with_the_next_step() {
    use models::state::Stateful;

    let dir = trained(&two(), &[]);
    let path = dir.path("models/ts.safetensors");
    let loaded = easylife::task::load_file::<easylife::tasks::ts::Ts>(&path).unwrap();
    let mut state = loaded.model.to_state();
    state.tensors.remove("later");
    artifact::save(&path, &loaded.header, state).unwrap();
    let error = dir.fails(1, &["predict", "ts", "-o", "out.csv"]);
    assert!(
        error.contains("`later` is missing") && error.contains("easylife train ts"),
        "{error}"
    );
}

/// Ids of the source are those of the model, however their numbers are spelled.
#[test]
fn later_values_are_found_by_ids_that_are_numbers() {
    let lines = |id: &str, months: usize| -> String {
        let rows = monthly("7", months);
        let rows = rows
            .lines()
            .map(|line| line.split_once(',').unwrap().1.split_once(',').unwrap());
        rows.map(|(ds, y)| format!("{{\"unique_id\": {id}, \"ds\": \"{ds}\", \"y\": {y}}}\n"))
            .collect()
    };
    let dir = Workdir::project();
    dir.write("mine.jsonl", lines("7", MONTHS));
    let mine = ["-S", "ts.data.source=mine.jsonl", "-S", "ts.split.test=6"];
    for verb in ["prepare", "train"] {
        dir.ok(&[&[verb, "ts"], &mine[..]].concat());
    }
    dir.write("mine.jsonl", lines("7.0", MONTHS + 2));
    let ran = dir.run(&[&["predict", "ts", "-o", "out.csv"], &mine[..]].concat());
    assert!(ran.stderr.contains("1 series, up to 2025-02-01"), "{ran:?}");
}

/// A model whose moving average has roots near the unit circle never forgets what it took for a missing value:
/// forecasts of values between 9 and 15 were 278 and 0.
#[test]
fn missing_values_of_the_test_part_carry_no_forecast_away() {
    let mut rows = String::new();
    for series in 0..40u64 {
        let mut state = (series * 2_654_435_761 + 12_345) & 0xffff_ffff;
        let mut i = 0;
        for day in 0..250 {
            state = (state * 1_664_525 + 1_013_904_223) & 0xffff_ffff;
            if (state >> 8) % 100 >= 15 {
                let value = 10.0 + f64::from(i % 5) + libm::sin(f64::from(i));
                rows += &format!("s{series},{},{value}\n", day + 1);
                i += 1;
            }
        }
    }
    let dir = with(&format!("{HEADER}{rows}"));
    let more = [
        "-S",
        "ts.data.source=mine.csv",
        "-S",
        "ts.season=7",
        "-S",
        "ts.model.kind=arima",
    ];
    for verb in ["prepare", "train"] {
        dir.ok(&[&[verb, "ts"], &more[..]].concat());
    }
    dir.ok(&["predict", "ts", "-o", "out.csv"]);
    for (id, rows) in forecasts(&dir.read("out.csv")) {
        for row in rows {
            let mean: f64 = row[1].parse().unwrap();
            assert!((4.0..20.0).contains(&mean), "{id}: {row:?}");
        }
    }
}
