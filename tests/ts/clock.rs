//! The clock that `prepare` infers once: what it is handed on as, and who refuses to go on without it.

use super::*;

const RECORD: &str = "data/processed/ts/clock.json";
const MONTHLY: &str = "{\"version\":1,\"times\":\"dates\",\"unit\":\"month\",\"count\":1}\n";

#[test]
fn prepare_writes_the_clock_beside_the_parts() {
    let days = "a,2024-01-01T00:00Z,1\na,2024-01-01T06:00Z,2\na,2024-01-01T12:00Z,3\n";
    let ends = "a,2023-12-31,1\na,2024-01-31,2\na,2024-02-29,3\n";
    for (rows, record) in [
        (monthly("a", 20), MONTHLY),
        (
            days.to_owned(),
            "{\"version\":1,\"times\":\"utc_times\",\"unit\":\"second\",\"count\":21600}\n",
        ),
        (
            ends.to_owned(),
            "{\"version\":1,\"times\":\"dates\",\"unit\":\"month_end\",\"count\":1}\n",
        ),
        (
            "a,5,1\na,8,2\n".to_owned(),
            "{\"version\":1,\"times\":\"whole_numbers\",\"unit\":\"whole_number\",\"count\":3}\n",
        ),
    ] {
        let dir = with(&format!("{HEADER}{rows}"));
        dir.ok(&[&["prepare", "ts"], &MINE[..]].concat());
        assert_eq!(dir.read(RECORD), record);
    }
}

/// Such a clock was written and then refused when read.
#[test]
fn steps_too_wide_for_a_clock_are_refused() {
    let hour = |h: i64| format!("a,{},{}\n", h * 3_600_000_000_000, h % 5);
    let error = refused(&(0..30).map(hour).collect::<String>());
    assert!(
        error.contains("mine.csv: the steps are too wide") && error.contains("coarser unit"),
        "{error}"
    );
}

#[test]
fn parts_without_a_valid_clock_are_refused() {
    let dir = trained(&format!("{HEADER}{}", monthly("a", 40)), &[]);
    let refused = |words: &str| {
        for verb in ["train", "evaluate"] {
            let error = dir.fails(4, &[&[verb, "ts"], &MINE[..]].concat());
            assert!(
                error.contains(words)
                    && error.contains("clock.json")
                    && error.contains("prepare it again with `easylife prepare ts`"),
                "{verb}: {error}"
            );
        }
    };
    for (record, words) in [
        (&MONTHLY[..20], "not a clock"),
        ("", "not a clock"),
        (
            "{\"version\":2,\"times\":\"dates\"}",
            "a clock of version 2, but version 1 is expected",
        ),
        (
            "{\"version\":1,\"times\":\"dates\",\"unit\":\"second\",\"count\":1}",
            "such times have no such steps",
        ),
    ] {
        dir.write(RECORD, record);
        refused(words);
    }
    std::fs::remove_file(dir.path(RECORD)).unwrap();
    refused("the clock of the prepared series is missing");
    dir.ok(&[&["prepare", "ts"], &MINE[..]].concat());
    dir.ok(&[&["evaluate", "ts"], &MINE[..]].concat());
}

/// Parts and models that were made with another clock.
#[test]
fn a_clock_that_is_not_that_of_the_rows_is_refused() {
    let dir = trained(&format!("{HEADER}{}", monthly("a", 40)), &[]);
    dir.write(RECORD, MONTHLY.replace("dates", "utc_times"));
    let error = dir.fails(4, &[&["train", "ts"], &MINE[..]].concat());
    assert!(
        error.contains("train.csv:2: column 2 (ds): series `a`: this is a date"),
        "{error}"
    );
    dir.write(RECORD, MONTHLY.replace("1}", "5}"));
    let error = dir.fails(4, &[&["train", "ts"], &MINE[..]].concat());
    assert!(
        error.contains(
            "series `a`: its frequency is monthly, but that of the source is every 5 months"
        ) && error.contains("easylife prepare ts"),
        "{error}"
    );
    let error = dir.fails(4, &[&["evaluate", "ts"], &MINE[..]].concat());
    assert!(
        error.contains(
            "the frequency of the model is monthly (a date), but that of the prepared data is every 5 months"
        ) && error.contains("easylife train ts"),
        "{error}"
    );
}

/// What is left of a series for training may not show the frequency any more: `train` inferred days
/// from one row, and from the months of which one ends before its 30th.
#[test]
fn training_keeps_the_frequency_of_the_whole_source() {
    let weeks: String = (0..4)
        .map(|w| format!("a,2024-01-{:02},{w}\n", 1 + 7 * w))
        .collect();
    let months = [
        "2023-11", "2023-12", "2024-01", "2024-03", "2024-04", "2024-05",
    ];
    let months: String = (months.iter())
        .map(|month| format!("a,{month}-30,5\n"))
        .collect();
    for (rows, steps, words, next) in [
        (weeks, "3", "weekly, 1 train and 3 test", "2024-01-29"),
        (months, "1", "monthly, 6 train and 1 test", "2024-06-30"),
    ] {
        let dir = with(&format!("{HEADER}{rows}"));
        let split = format!("ts.split.test={steps}");
        let more = ["-S", "ts.data.source=mine.csv", "-S", &split];
        let said = dir.ok(&[&["prepare", "ts"], &more[..]].concat());
        assert!(said.contains(words), "{said}");
        dir.ok(&[&["train", "ts", "-S", "ts.model.kind=drift"], &more[..]].concat());
        dir.ok(&["predict", "ts", "-o", "out.csv", "--horizon", "1"]);
        let out = forecasts(&dir.read("out.csv"));
        assert_eq!(out["a"][0][0], next);
    }
}

#[test]
fn a_test_file_on_another_clock_is_refused() {
    let source = monthly("a", 40) + &monthly("b", 40);
    let both = |a: &str, b: &str| format!("{HEADER}{a}{b}");
    let right = "b,2023-05-01,4\nb,2023-06-01,4\n";
    let dir = with(&format!("{HEADER}{source}"));
    let more = [&MINE[..], &["-S", "ts.data.test=late.csv"]].concat();
    let prepare = [&["prepare", "ts"], &more[..]].concat();
    dir.write("late.csv", both("a,2023-05-01,3\na,2023-07-01,3\n", right));
    let said = dir.ok(&prepare);
    assert!(
        said.contains("monthly, 80 train and 5 test steps"),
        "{said}"
    );
    let weeks = "a,2023-05-01,3\na,2023-05-08,3\na,2023-05-15,3\n";
    let quarters = "a,2023-05-01,3\na,2023-08-01,3\na,2023-11-01,3\n";
    // However many rows the test file has, it is the source that says the frequency.
    let days: String = (5..12)
        .flat_map(|m| (1..29).map(move |d| format!("a,2023-{m:02}-{d:02},3\n")))
        .collect();
    for (rows, words) in [
        (
            weeks,
            "late.csv:3: series `a`: 2023-05-08 in the test file is not on a step of the source, \
             monthly from 2020-01-01",
        ),
        (
            &days,
            "late.csv:3: series `a`: 2023-05-02 in the test file is not on a step of the source",
        ),
        (
            quarters,
            "late.csv:3: series `a`: its rows in the test file are 3 steps apart, but the source is \
             monthly",
        ),
        (
            "a,2023-05-01T00:00:00Z,3\n",
            "late.csv:2: column 2 (ds): series `a`: this is a time with an offset, but earlier rows have a date",
        ),
        (
            "a,41,3\n",
            "late.csv:2: column 2 (ds): series `a`: this is a whole number",
        ),
    ] {
        dir.write("late.csv", both(rows, right));
        let error = dir.fails(4, &prepare);
        assert!(error.contains(words), "{error}");
    }
    // The other series goes on where that is asked for.
    let skip = [&prepare[..], &["-S", "ts.data.bad_series=skip"]].concat();
    dir.write("late.csv", both(weeks, right));
    let said = dir.ok(&skip);
    assert!(
        said.contains("1 series, monthly, 40 train and 2 test"),
        "{said}"
    );
    // Two rows of the source leave open whether quarters end on the 30th or on the last day.
    dir.write(
        "mine.csv",
        format!("{HEADER}a,2023-06-30,1\na,2023-09-30,2\n"),
    );
    dir.write("late.csv", format!("{HEADER}a,2023-12-31,3\n"));
    assert!(dir.ok(&prepare).contains("quarterly, 2 train and 1 test"));
    // One row says nothing of the frequency.
    dir.write("mine.csv", format!("{HEADER}a,2023-01-02,1\n"));
    dir.write(
        "late.csv",
        format!("{HEADER}a,2023-01-09,3\na,2023-01-16,3\n"),
    );
    assert!(dir.ok(&prepare).contains("weekly, 1 train and 2 test"));
}
