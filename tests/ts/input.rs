//! Bad and unusual tables: an error that names series and line, or the documented treatment.

use super::*;

/// Every line of "Bad input" in the issue: series and line are named.
#[test]
fn bad_input_is_named_by_series_and_line() {
    for (rows, words) in [
        (
            "a b,2024-01-01,5\na b,2024-01-02,many\n",
            &[":3: column 3 (y): series `a b`: `many` is not a number"][..],
        ),
        (
            "a,2024-01-01,inf\n",
            &[":2: column 3 (y): series `a`: `inf` is not a finite number"],
        ),
        (
            "a,2024-01-01,1e999\n",
            &[":2:", "series `a`", "not a finite number"],
        ),
        (
            "a,2023-02-29,5\n",
            &[
                ":2: column 2 (ds): series `a`: `2023-02-29` is not a time",
                "2024-02-29",
            ],
        ),
        (
            "a,2024-01-01,5\na,2024-01-01T00:00:00Z,5\n",
            &[
                ":3: column 2 (ds): series `a`: this is a time with an offset, but earlier rows have a date",
            ],
        ),
        (
            "a,2024-03-30T00:00:00+01:00,5\na,2024-03-31T00:00:00,5\n",
            &[
                ":3:",
                "series `a`",
                "this is a time, but earlier rows have a time with an offset",
            ],
        ),
        (
            "a,1,5\na,1,6\n",
            &[
                ":3: series `a`: another value for the time of line 2",
                "ts.data.duplicates",
            ],
        ),
        (",1,5\n", &[":2: column 1 (unique_id): the id is empty"]),
        (
            "a,1,3e-250\na,2,-5e-250\na,3,\n",
            &[":3: series `a`: its largest value, 5e-250, is too small to be squared"],
        ),
        ("a,1,5,6\n", &[":2:"]),
        ("a,,5\n", &[":2:", "series `a`: the time is missing"]),
        ("line\u{7}\tbreak,1,x\n", &["series `line\\u{7}\\tbreak`"]),
        ("\"two\nlines\",1,x\n", &["series `two\\nlines`"]),
    ] {
        let error = refused(rows);
        for words in words {
            assert!(error.contains(words), "{rows:?}: {error}");
        }
    }
    let months = monthly("m", 36);
    let two: String = (0..30)
        .map(|d| format!("m,2023-01-{:02},4\n", d + 2))
        .collect();
    let error = refused(&format!("{months}{two}"));
    assert!(
        error.contains(":39: series `m`") && error.contains("two frequencies"),
        "{error}"
    );
    // One wrong date: that row is named, not the hundred right ones.
    let error = refused(&months.replace("2021-03-01", "2021-03-02"));
    assert!(
        error.contains(":16: series `m`: 2021-03-02 is not on its regular steps"),
        "{error}"
    );
    // A series of another frequency than the others.
    let weekly: String = (1..5)
        .map(|w| format!("w,2023-01-{:02},4\n", 7 * w))
        .collect();
    let error = refused(&format!("{months}{weekly}"));
    assert!(
        error.contains(
            ":39: series `w`: its frequency is weekly, but that of the source is monthly"
        ),
        "{error}"
    );
    assert!(refused("a,2024-01-01,\na,2024-01-02,\n").contains("no series is left"));
    assert!(refused("").contains("no rows"));
}

#[test]
fn bad_series_are_counted_or_left_out() {
    let rows = format!(
        "{HEADER}{}bad,2020-01-01,x\nbad,2020-02-01,y\nlost,2020-01-01,\nodd,2020-01-01,1\nodd,2020-01-01,2\n",
        monthly("good", 40)
    );
    let dir = with(&rows);
    let error = dir.fails(4, &[&["prepare", "ts"], &MINE[..]].concat());
    assert!(
        error.contains("2 bad series") && error.contains(":42: column 3 (y): series `bad`"),
        "{error}"
    );
    let skip = [
        &["prepare", "ts", "-S", "ts.data.bad_series=skip"],
        &MINE[..],
    ]
    .concat();
    let ran = dir.run(&skip);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("1 series, monthly") && ran.stdout.contains("3 series left out"),
        "{ran:?}"
    );
    let excluded = dir.read("data/processed/ts/excluded.csv");
    for words in [
        "1 more rows of it are bad",
        "series `odd`: another value",
        "lost,it has no values",
    ] {
        assert!(excluded.contains(words), "{excluded}");
        let told = words.trim_start_matches("lost,");
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    let skip = ["train", "ts", "-S", "ts.data.bad_series=skip"];
    dir.ok(&[&skip[..], &MINE[..]].concat());
}

/// Constant, short, of one point, negative, huge, with gaps: each gets a forecast.
#[test]
fn unusual_series_are_forecast_too() {
    let mut text = HEADER.to_owned() + &monthly("usual", 48);
    for m in 0..48 {
        text += &format!("flat,{},7\n", month(m));
        text += &format!("below,{},{}\n", month(m), -100.0 + (m % 5) as f64);
        text += &format!("huge,{},{}\n", month(m), 1e99 * (1.0 + (m % 7) as f64));
        text += &format!("tiny,{},{}\n", month(m), 1e-90 * (1.0 + (m % 7) as f64));
        text += &format!("line,{},{}\n", month(m), 10 + m);
        text += &format!("again,{},{}\n", month(m), m % 12);
        text += &format!("zero,{},0\n", month(m));
        if m % 9 != 4 {
            text += &format!("gaps,{},{}\n", month(m), 20 + m % 6);
        }
        let value = if m % 4 == 0 {
            String::new()
        } else {
            format!("{}", 10 + m % 12)
        };
        text += &format!("missing,{},{value}\n", month(m));
    }
    text += &format!(
        "one,{},3\ntwo,{},3\ntwo,{},4\n",
        month(0),
        month(3),
        month(4)
    );
    let more = ["-S", "ts.model.nonnegative=false"];
    for kind in [
        "auto",
        "arima",
        "ets",
        "holt-winters",
        "seasonal_naive",
        "drift",
        "mean",
    ] {
        let kind = format!("ts.model.kind={kind}");
        let dir = trained(&text, &[&more[..], &["-S", &kind]].concat());
        let ran = dir.run(&["predict", "ts", "-o", "out.csv"]);
        assert!(ran.code == 0 || ran.code == 7, "{kind}: {ran:?}");
        let out = forecasts(&dir.read("out.csv"));
        assert_eq!(out.len(), 12, "{kind}");
        for (id, rows) in &out {
            assert_eq!(rows.len(), 6);
            let all = rows.iter().flat_map(|row| &row[1..]);
            assert!(
                all.clone().all(|cell| number(cell).is_finite()),
                "{kind} {id}: {rows:?}"
            );
        }
        assert!((number(&out["flat"][0][1]) - 7.0).abs() < 1e-6, "{kind}");
        if kind.ends_with("auto") {
            let (line, again) = (&out["line"][5][1], &out["again"][5][1]);
            assert!((number(line) - 63.0).abs() < 1e-6, "{line}");
            assert!((number(again) - 5.0).abs() < 1e-6, "{again}");
        }
        assert!(number(&out["below"][0][1]) < -80.0, "{kind}");
        assert_eq!(number(&out["one"][5][1]), 3.0, "{kind}");
        dir.ok(&[&["evaluate", "ts"], &MINE[..], &more[..]].concat());
    }
}

/// In whatever unit values are, relative figures are the same, and none is shown as zero.
#[test]
fn small_and_large_units_are_measured_alike() {
    let figures = |exponent: i32| {
        let scale = 2f64.powi(exponent);
        let rows = monthly("a", 60);
        let scaled = rows.lines().map(|line| {
            let (start, y) = line.rsplit_once(',').unwrap();
            format!("{start},{:e}\n", number(y) * scale)
        });
        let dir = trained(&format!("{HEADER}{}", scaled.collect::<String>()), &[]);
        let said = dir.ok(&[&["evaluate", "ts"], &MINE[..]].concat());
        let zero = said.lines().find(|line| line.contains(" 0.0000"));
        assert_eq!(zero, None, "2^{exponent}");
        let page = dir.read("reports/ts.html");
        assert!(!page.contains(">0.0000<"), "2^{exponent}");
        let metrics = dir.json("metrics/ts.json");
        let relative = ["smape", "mase", "owa", "mape", "coverage_95", "msis"];
        let relative = relative.map(|name| figure(&metrics, name));
        let own = ["rmse", "mae"].map(|name| figure(&metrics, name) / scale);
        dir.ok(&["predict", "ts", "-o", "out.csv"]);
        let out = forecasts(&dir.read("out.csv"));
        let rows = out["a"].iter().flat_map(|row| &row[1..]);
        let forecasts: Vec<f64> = rows.map(|cell| number(cell) / scale).collect();
        (relative, own, forecasts)
    };
    let usual = figures(0);
    assert!(usual.0[0] > 0.5, "{usual:?}");
    for exponent in [-300, -60, -1, 2, 60, 300] {
        assert_eq!(figures(exponent), usual, "2^{exponent}");
    }
}

/// A line, a repeated week, a level that changes only after training: what varies has a width.
#[test]
fn intervals_have_a_width_where_values_vary() {
    let mut text = HEADER.to_owned();
    for t in 0..30 {
        text += &format!(
            "line,{t},{}\nweek,{t},{}\n",
            3 * t,
            [1, 5, 2, 8, 3, 3, 9][t % 7]
        );
        text += &format!("jump,{t},{}\nflat,{t},4\n", if t < 24 { 5 } else { 6 });
        if t % 2 == 0 {
            text += &format!("gaps,{t},{}\n", [3, 9, 4, 1, 7][t % 5]);
        } else {
            text += &format!("gaps,{t},\n");
        }
    }
    for (id, values) in [
        ("two", &[3, 4][..]),
        ("three", &[1, 2, 3]),
        ("four", &[2, 2, 2, 5]),
    ] {
        for (t, y) in values.iter().enumerate() {
            text += &format!("{id},{t},{y}\n");
        }
    }
    for kind in models::ts::KINDS.map(|(name, _)| format!("ts.model.kind={name}")) {
        let dir = trained(&text, &["-S", "ts.season=7", "-S", &kind]);
        dir.ok(&["predict", "ts", "-o", "out.csv"]);
        let out = forecasts(&dir.read("out.csv"));
        for (id, rows) in &out {
            for row in rows {
                let width = number(&row[5]) - number(&row[4]);
                assert_eq!(width > 1e-3, id != "flat", "{kind} {id}: {row:?}");
            }
        }
        assert_eq!(out.len(), 8);
    }
}

/// Of two values up to nine: whatever can be fitted is, and no forecast leaves what was seen far behind.
#[test]
fn short_series_are_forecast_within_reason() {
    let mut text = HEADER.to_owned();
    for length in 2..10 {
        for step in 0..length {
            text += &format!(
                "s{length},{},{}\n",
                step + 1,
                20 + [3, 0, 4, 1, 5, 2][step % 6]
            );
        }
    }
    for kind in ["auto", "arima", "ets", "theta", "ces", "holt-winters"] {
        let kind = format!("ts.model.kind={kind}");
        let all = ["-S", "ts.split.test=0", "-S", &kind, "-S", "ts.horizon=3"];
        let dir = trained(&text, &all);
        dir.ok(&["predict", "ts", "-o", "out.csv"]);
        let out = forecasts(&dir.read("out.csv"));
        assert_eq!(out.len(), 8);
        for (id, rows) in out {
            for row in rows {
                let mean = number(&row[1]);
                assert!((10.0..35.0).contains(&mean), "{kind} {id}: {row:?}");
            }
        }
    }
}

#[test]
fn nothing_is_below_zero_where_that_is_asked() {
    let rows: String = (0..60)
        .map(|t| format!("a,{t},{}\n", [0, 0, 3, 0, 1, 0, 0][t % 7]))
        .collect();
    for (asked, least) in [("true", 0.0), ("false", f64::NEG_INFINITY)] {
        let asked = format!("ts.model.nonnegative={asked}");
        let dir = trained(&format!("{HEADER}{rows}"), &["-S", &asked]);
        dir.ok(&["predict", "ts", "-o", "out.csv"]);
        let out = forecasts(&dir.read("out.csv"));
        let lows = out["a"].iter().map(|row| number(&row[4]));
        let lowest = lows.fold(f64::INFINITY, f64::min);
        assert!(lowest >= least, "{lowest}");
        assert!(least == 0.0 || lowest < 0.0, "{lowest}");
    }
}

#[test]
fn gaps_may_mean_that_nothing_was_asked_for() {
    let rows: String = [0usize, 9, 17, 30, 31, 44, 58]
        .iter()
        .map(|d| {
            let (month, day) = if *d < 31 { (1, d + 1) } else { (2, d - 30) };
            format!("a,2024-{month:02}-{day:02},5\n")
        })
        .collect();
    let error = refused(&rows);
    assert!(error.contains("ts.data.gaps: zero"), "{error}");
    let more = [
        "-S",
        "ts.data.gaps=zero",
        "-S",
        "ts.model.kind=mean",
        "-S",
        "ts.split.test=0",
    ];
    let dir = trained(&format!("{HEADER}{rows}"), &more);
    assert_eq!(dir.read("data/processed/ts/train.csv").lines().count(), 60);
    // In newer values, too: 36 in 65 steps.
    dir.write("new.csv", "unique_id,ds,y\na,2024-03-05,1\n");
    dir.ok(&[
        "predict",
        "ts",
        "-i",
        "new.csv",
        "-o",
        "out.csv",
        "--horizon",
        "1",
    ]);
    let out = forecasts(&dir.read("out.csv"));
    assert_eq!(out["a"][0][0], "2024-03-06");
    assert!(
        (number(&out["a"][0][1]) - 36.0 / 65.0).abs() < 1e-9,
        "{out:?}"
    );
}
