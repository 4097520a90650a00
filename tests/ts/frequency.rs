//! Frequencies that are inferred or said, times that are written as numbers, and the end of the calendar.

use super::*;

/// 2024-01-01 was a Monday.
fn days(counts: impl Fn(usize) -> bool) -> String {
    let month = |d: usize| match d {
        0..31 => (1, d + 1),
        31..60 => (2, d - 30),
        _ => (3, d - 59),
    };
    (0..91)
        .filter(|d| counts(d % 7))
        .map(|d| {
            let (month, day) = month(d);
            format!("a,2024-{month:02}-{day:02},{}\n", 100 + d % 7)
        })
        .collect()
}

/// Trained on all rows; the times of so many forecasts, and what `prepare` says.
fn forecast(rows: &str, steps: usize, more: &[&str]) -> (Vec<String>, String) {
    let dir = with(&format!("{HEADER}{rows}"));
    let more = [
        &["-S", "ts.data.source=mine.csv", "-S", "ts.split.test=0"],
        more,
    ]
    .concat();
    let said = dir.run(&[&["prepare", "ts"], &more[..]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    dir.ok(&[&["train", "ts", "-S", "ts.model.kind=drift"], &more[..]].concat());
    let steps = steps.to_string();
    dir.ok(&["predict", "ts", "-o", "out.csv", "--horizon", &steps]);
    let out = forecasts(&dir.read("out.csv"));
    let times = out["a"].iter().map(|row| row[0].to_owned()).collect();
    (times, said.stdout + &said.stderr)
}

#[test]
fn business_days_are_forecast_for_business_days() {
    let (times, said) = forecast(&days(|d| d < 5), 3, &[]);
    assert_eq!(times, ["2024-04-01", "2024-04-02", "2024-04-03"]);
    assert!(
        said.contains("on business days (Monday to Friday)") && !said.contains("without a value"),
        "{said}"
    );
    let (times, _) = forecast(&days(|d| d < 6), 2, &[]);
    assert_eq!(times, ["2024-04-01", "2024-04-02"]);
    let (times, said) = forecast(&days(|d| d < 5), 2, &["-S", "ts.frequency=D"]);
    assert_eq!(times, ["2024-03-30", "2024-03-31"]);
    assert!(said.contains("24 steps without a value"), "{said}");
    let saturday = days(|d| d < 5) + "a,2024-03-30,1\n";
    let error = refused(&saturday);
    assert!(error.contains("2024-03-30 is a Saturday"), "{error}");
}

#[test]
fn ends_of_months_are_forecast_for_ends_of_months() {
    let business =
        "a,2023-12-29,1\na,2024-01-31,2\na,2024-02-29,3\na,2024-03-29,3\na,2024-04-30,1\n";
    let (times, _) = forecast(business, 3, &[]);
    assert_eq!(times, ["2024-05-31", "2024-06-28", "2024-07-31"]);
    // The last value is one of a February.
    let late = "a,2023-11-30,1\na,2023-12-30,2\na,2024-01-30,3\na,2024-02-29,3\n";
    assert_eq!(forecast(late, 1, &[]).0, ["2024-03-30"]);
    let moved: String = (1..=12)
        .flat_map(|y| [1, 2, 3].map(move |k| (y, k)))
        .map(|(m, k)| format!("a,{}-{m:02}-{:02},{m}\n", 2020 + k, 10 + (m * k) % 5))
        .collect();
    let error = refused(&moved);
    assert!(
        error.contains("not on the same day of the month; give the first or the last day")
            && !error.contains("gaps: zero"),
        "{error}"
    );
}

#[test]
fn two_frequencies_in_one_source_are_named() {
    let weekly: String = (0..12)
        .map(|w| format!("b,2024-{:02}-{:02},1\n", 1 + w / 4, 1 + 7 * (w % 4)))
        .collect();
    let weekly: String = weekly.lines().take(4).map(|l| format!("{l}\n")).collect();
    let error = refused(&(days(|_| true) + &weekly));
    assert!(
        error.contains(
            ":94: series `b`: its frequency is weekly, but that of the source is daily; put series"
        ) && !error.contains("gaps: zero"),
        "{error}"
    );
}

#[test]
fn a_frequency_that_the_rows_contradict_is_refused() {
    let dir = with(&format!("{HEADER}{}", monthly("a", 30)));
    for (frequency, code, words) in [
        (
            "ME",
            4,
            "2020-01-01 is not on the last day of a month, as ts.frequency: ME requires",
        ),
        ("h", 2, "ts.frequency is h, but the times are dates"),
        ("monthly", 2, "did you mean `MS`?"),
        ("SM", 2, "half months"),
    ] {
        let frequency = format!("ts.frequency={frequency}");
        let error = dir.fails(
            code,
            &[&["prepare", "ts", "-S", &frequency], &MINE[..]].concat(),
        );
        assert!(error.contains(words), "{error}");
    }
    dir.ok(&[&["prepare", "ts", "-S", "ts.frequency=MS"], &MINE[..]].concat());
}

#[test]
fn numbers_that_write_times_are_read_as_times() {
    let months: String = (0..24)
        .map(|m| format!("a,{}{:02},{m}\n", 2018 + m / 12, 1 + m % 12))
        .collect();
    let (times, said) = forecast(&months, 2, &[]);
    assert_eq!(times, ["2020-01-01", "2020-02-01"]);
    assert!(
        said.contains("month as 202401") && said.contains("monthly"),
        "{said}"
    );
    let (times, _) = forecast(&days(|_| true).replace('-', ""), 1, &[]);
    assert_eq!(times, ["2024-04-01"]);
    for (unit, number) in [
        ("s", 1_i64),
        ("ms", 1_000),
        ("us", 1_000_000),
        ("ns", 1_000_000_000),
    ] {
        let hours: String = (0..30)
            .map(|h| format!("a,{},{h}\n", (1_704_067_200 + 3600 * h) * number))
            .collect();
        let (times, said) = forecast(&hours, 1, &[]);
        assert_eq!(times, ["2024-01-02T06:00:00Z"], "{unit}");
        assert!(said.contains("hourly"), "{said}");
    }
    let number = ["-S", "ts.data.date_format=number"];
    assert_eq!(forecast(&months, 1, &number).0, ["201913"]);
    let error = refused("a,20240130,1\na,20240131,1\na,20240132,1\n");
    assert!(
        error.contains(":4: series `a`: `20240132` is not a valid date as 20240131"),
        "{error}"
    );
    assert!(refused("a,202412,1\na,202413,1\na,202414,1\n").contains("year and week"));
    let (times, _) = forecast("a,2024-Q1,1\na,2024-Q2,2\na,2024-Q3,3\n", 1, &[]);
    assert_eq!(times, ["2024-10-01"]);
}

/// In columns of whole numbers and of floats; in the source, in `ts.data.test` and in `predict -i`.
#[test]
fn numbers_that_write_times_are_read_in_parquet_in_test_files_and_in_newer_rows() {
    let file = |name: &str| format!("{}/tests/tables/{name}.parquet", env!("CARGO_MANIFEST_DIR"));
    let (source, later) = (format!("ts.data.source={}", file("times")), file("later"));
    let dir = Workdir::project();
    for column in [
        "yyyymm", "yyyymmdd", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "floats",
    ] {
        let time = format!("ts.data.time={column}");
        let more = ["-S", &source, "-S", &time, "-S", "ts.model.kind=drift"];
        let test = format!("ts.data.test={later}");
        let said = dir.ok(&[&["prepare", "ts", "-S", &test], &more[..]].concat());
        assert!(said.contains("monthly, 24 train and 6 test"), "{said}");
        for verb in ["prepare", "train"] {
            dir.ok(&[&[verb, "ts", "-S", "ts.split.test=0"], &more[..]].concat());
        }
        for (newer, next) in [(&[][..], "2024-01-01"), (&["-i", &later][..], "2024-07-01")] {
            let predict = ["predict", "ts", "-o", "out.csv", "--horizon", "1"];
            dir.ok(&[&predict[..], newer].concat());
            let out = forecasts(&dir.read("out.csv"));
            assert_eq!(out["a"][0][0], next, "{column}, {newer:?}");
        }
    }
}

/// What was said went unheard in `predict -i`, and numbers beyond the calendar came through.
#[test]
fn a_date_format_that_was_said_holds_for_newer_rows() {
    let hours = |from: i64, to: i64, unit: i64| -> String {
        // 1985: auto takes no such seconds for times.
        (from..to)
            .map(|h| format!("a,{},{h}\n", (473_385_600 + 3600 * h) * unit))
            .collect()
    };
    let said = ["-S", "ts.data.date_format=epoch_s"];
    let dir = with(&format!("{HEADER}{}", hours(0, 30, 1)));
    let more = [
        &["-S", "ts.data.source=mine.csv", "-S", "ts.split.test=0"],
        &said[..],
    ]
    .concat();
    for verb in ["prepare", "train"] {
        dir.ok(&[&[verb, "ts", "-S", "ts.model.kind=drift"], &more[..]].concat());
    }
    let predict = [
        "predict",
        "ts",
        "-o",
        "out.csv",
        "-i",
        "new.csv",
        "--horizon",
        "1",
    ];
    dir.write("new.csv", format!("{HEADER}{}", hours(30, 33, 1)));
    dir.ok(&predict);
    let out = forecasts(&dir.read("out.csv"));
    assert_eq!(out["a"][0][0], "1985-01-02T09:00:00Z");
    let beyond = "is beyond the calendar as seconds since 1970";
    dir.write("new.csv", format!("{HEADER}{}", hours(30, 33, 1000)));
    assert_eq!(dir.run(&predict).code, 7);
    let rejects = dir.read("out.csv.rejects.csv");
    assert!(rejects.contains(beyond), "{rejects}");
    dir.write("mine.csv", format!("{HEADER}{}", hours(0, 30, 1000)));
    let error = dir.fails(4, &[&["prepare", "ts"], &more[..]].concat());
    assert!(
        error.contains("mine.csv:2") && error.contains(beyond),
        "{error}"
    );
}

/// Instants end earlier than dates; such a forecast could be written, but not read back.
#[test]
fn there_is_no_instant_that_cannot_be_read_back() {
    let rows: String = (18..22)
        .map(|h| format!("a,9999-12-30T{h}:00:00Z,{h}\n"))
        .collect();
    let dir = with(&format!("{HEADER}{rows}"));
    let more = ["-S", "ts.data.source=mine.csv", "-S", "ts.split.test=0"];
    for verb in ["prepare", "train"] {
        dir.ok(&[&[verb, "ts"], &more[..]].concat());
    }
    let ran = dir.run(&["predict", "ts", "-o", "out.csv", "--horizon", "27"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let out = forecasts(&dir.read("out.csv"));
    assert_eq!(out["a"].len(), 1);
    assert_eq!(out["a"][0][0], "9999-12-30T22:00:00Z");
    let rejects = dir.read("out.csv.rejects.csv");
    assert!(
        rejects.contains("26 of 27 steps are beyond the last possible time (9999-12-30T22:00:00Z)"),
        "{rejects}"
    );
}

#[test]
fn there_is_no_forecast_beyond_the_calendar() {
    let rows: String = (1..=11)
        .map(|m| format!("a,9999-{m:02}-01,{m}\n"))
        .collect();
    let dir = with(&format!("{HEADER}{rows}"));
    let more = ["-S", "ts.data.source=mine.csv", "-S", "ts.split.test=0"];
    for verb in ["prepare", "train"] {
        dir.ok(&[&[verb, "ts"], &more[..]].concat());
    }
    let ran = dir.run(&["predict", "ts", "-o", "out.csv", "--horizon", "3"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let out = forecasts(&dir.read("out.csv"));
    assert_eq!(out["a"].len(), 1);
    assert_eq!(out["a"][0][0], "9999-12-01");
    let rejects = dir.read("out.csv.rejects.csv");
    assert!(rejects.contains("2 of 3 steps are beyond"), "{rejects}");
}

/// Whole numbers have no calendar that names a season: it is looked for, and said how many series have it.
#[test]
fn the_season_of_whole_numbers_is_found_in_the_data() {
    let rows = |season: usize| -> String {
        let value = |series: usize, t: usize| {
            let noise = (t * 7919 + series * 104_729 + t * t * 31) % 17;
            let high = if t.is_multiple_of(season) { 40 } else { 0 };
            format!("s{series},{t},{}\n", 100 + 2 * t + noise + high)
        };
        (0..12)
            .flat_map(|series| (1..=48).map(move |t| value(series, t)))
            .collect()
    };
    for (season, told) in [
        (4, "found a season of 4 steps in 12 of 12 series"),
        (1, "no season was found; set ts.season"),
    ] {
        let dir = with(&format!("{HEADER}{}", rows(season)));
        let source = ["-S", "ts.data.source=mine.csv", "-S", "ts.split.test=8"];
        dir.ok(&[&["prepare", "ts"], &source[..]].concat());
        let ran = dir.run(&[&["train", "ts"], &source[..]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
}
