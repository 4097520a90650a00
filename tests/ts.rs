//! `ts` from its sample to forecasts, and every bad table that a planner may have.

mod support;
use std::collections::BTreeMap;

use support::{Workdir, real_data};

const SMALL: [&str; 4] = ["-S", "ts.sample.series=6", "-S", "ts.sample.days=200"];

fn json(dir: &Workdir, name: &str) -> serde_json::Value {
    serde_json::from_str(&dir.read(name)).unwrap()
}

fn figure(metrics: &serde_json::Value, name: &str) -> f64 {
    metrics[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name} in {metrics}"))
}

/// Rows of a file of forecasts, by series.
fn forecasts(text: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut series: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for record in reader.records() {
        let mut row: Vec<String> = record.unwrap().iter().map(str::to_owned).collect();
        series.entry(row.remove(0)).or_default().push(row);
    }
    series
}

fn number(text: &str) -> f64 {
    text.parse()
        .unwrap_or_else(|_| panic!("{text} is no number"))
}

/// Monthly rows of `id` from January 2020, with a season and a trend.
fn monthly(id: &str, months: usize) -> String {
    let season = [
        3.0, -2.0, 5.0, 0.0, -4.0, 1.0, 2.0, -1.0, 0.5, -3.0, 4.0, -5.5,
    ];
    let row = |m: usize| {
        let wiggle = ((m * 37 + 11) % 17) as f64 / 10.0;
        let y = 50.0 + 0.3 * m as f64 + season[m % 12] + wiggle;
        format!("{id},{},{y}\n", month(m))
    };
    (0..months).map(row).collect()
}

/// The first day of the month `m` months after January 2020.
fn month(m: usize) -> String {
    format!("{}-{:02}-01", 2020 + m / 12, m % 12 + 1)
}

const HEADER: &str = "unique_id,ds,y\n";
const MINE: [&str; 4] = ["-S", "ts.data.source=mine.csv", "-S", "ts.split.test=6"];

/// A project whose source is `text`; the verbs take [`MINE`].
fn with(text: &str) -> Workdir {
    let dir = Workdir::project();
    dir.write("mine.csv", text);
    dir
}

/// Prepared and trained, with `more` parameters.
fn trained(text: &str, more: &[&str]) -> Workdir {
    let dir = with(text);
    for verb in ["prepare", "train"] {
        dir.ok(&[&[verb, "ts"], &MINE[..], more].concat());
    }
    dir
}

/// What `prepare` says of a source that it refuses.
fn refused(rows: &str) -> String {
    let dir = with(&format!("{HEADER}{rows}"));
    let error = dir.fails(4, &[&["prepare", "ts"], &MINE[..]].concat());
    assert!(!dir.exists("data/processed/ts"), "{error}");
    error
}

#[test]
fn the_whole_pipeline_gives_the_same_bytes_for_any_threads() {
    let run = |threads: &str, kind: &str| {
        let dir = Workdir::project();
        let kind = format!("ts.model.kind={kind}");
        for verb in ["sample", "prepare", "train", "evaluate"] {
            let more = ["--threads", threads, "-S", &kind, "-S", "ts.eval.origins=3"];
            let more = [&more[..], &["-S", "ts.horizon=14"]].concat();
            dir.ok(&[&[verb, "ts"], &SMALL[..], &more].concat());
        }
        let predict = ["predict", "ts", "--threads", threads, "-o"];
        dir.ok(&[&predict[..], &["out.csv"]].concat());
        let newer = ["new.parquet", "-i", "data/raw/ts/incoming.csv"];
        dir.ok(&[&predict[..], &newer].concat());
        let mut files: Vec<_> = ["data", "models", "metrics", "plots", "reports"]
            .iter()
            .flat_map(|folder| dir.tree(folder))
            .collect();
        for name in ["out.csv", "new.parquet"] {
            files.push((name.to_owned(), dir.bytes(name)));
        }
        files
    };
    for kind in ["auto", "holt-winters", "drift"] {
        let one = run("1", kind);
        for threads in ["2", "8"] {
            assert!(
                one == run(threads, kind),
                "{kind}: {threads} threads change a byte"
            );
        }
    }
}

#[test]
fn the_sample_is_forecast_better_than_naively_and_explained() {
    let dir = Workdir::project();
    for verb in ["sample", "prepare", "train", "evaluate", "gate"] {
        dir.ok(&[&[verb, "ts"], &SMALL[..]].concat());
    }
    let metrics = json(&dir, "metrics/ts.json");
    for name in ["mase", "rmse", "mae", "msis"] {
        let naive = figure(&metrics["baseline"], name);
        assert!(figure(&metrics, name) < naive, "{name}: {metrics}");
    }
    let coverage = figure(&metrics, "coverage_95");
    assert!((0.85..=1.0).contains(&coverage), "{metrics}");
    assert_eq!(metrics["series"], 6);
    assert_eq!(metrics["fallbacks"], 0);
    let page = dir.read("reports/ts.html");
    assert!(page.contains("<polygon") && page.contains("The worst series"));
    assert_eq!(dir.read("plots/ts/by_step.csv").lines().count(), 29);

    let why = dir.ok(&["explain", "ts", "apples-1"]);
    assert!(why.starts_with("apples-1: next "), "{why}");
    assert!(why.contains("the least AICc"), "{why}");
    let nobody = dir.fails(2, &["explain", "ts", "aples-1"]);
    assert!(nobody.contains("did you mean `apples-1`"), "{nobody}");
    // No series' history is in the model.
    let size = dir.bytes("models/ts.safetensors").len();
    assert!(size < 6 * 4096, "{size} bytes for 6 series");
}

#[test]
fn forecasts_have_the_asked_steps_and_bounds() {
    let dir = trained(&format!("{HEADER}{}", monthly("a", 60)), &[]);
    dir.ok(&["predict", "ts", "-o", "usual.csv"]);
    let text = dir.read("usual.csv");
    assert!(text.starts_with("unique_id,ds,mean,lo-80,hi-80,lo-95,hi-95\n"));
    let rows = &forecasts(&text)["a"];
    // As many as the test part has, behind the training part: it ends with June 2024.
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0][0], "2024-07-01");
    for row in rows {
        let [mean, lo80, hi80, lo95, hi95] = [1, 2, 3, 4, 5].map(|i| number(&row[i]));
        assert!(
            lo95 < lo80 && lo80 < mean && mean < hi80 && hi80 < hi95,
            "{row:?}"
        );
    }
    let asked = ["--horizon", "15", "--level", "50,99.5"];
    dir.ok(&[
        &["predict", "ts", "-o", "-", "--format", "jsonl"],
        &asked[..],
    ]
    .concat());
    dir.ok(&[&["predict", "ts", "-o", "asked.csv"], &asked[..]].concat());
    let text = dir.read("asked.csv");
    assert!(text.starts_with("unique_id,ds,mean,lo-50,hi-50,lo-99.5,hi-99.5\n"));
    let asked = &forecasts(&text)["a"];
    assert_eq!(asked.len(), 15);
    assert_eq!(asked[14][0], "2025-09-01");
    assert_eq!(
        asked[0][1], rows[0][1],
        "a longer horizon changes no earlier mean"
    );
    for wrong in [["--horizon", "0"], ["--level", "100"], ["--level", "x"]] {
        dir.fails(
            2,
            &[&["predict", "ts", "-o", "no.csv"], &wrong[..]].concat(),
        );
    }
    let zero = [&["train", "ts", "-S", "ts.horizon=0"], &MINE[..]].concat();
    assert!(dir.fails(2, &zero).contains("ts.horizon"));
}

/// Newer values move the state as if they had been there: for models with fixed weights this can be
/// worked out by hand.
#[test]
fn newer_values_update_without_refitting() {
    let rows = "a,1,2\na,2,4\na,3,3\na,4,5\n";
    let all = ["-S", "ts.split.test=0", "-S", "ts.model.calibrate=false"];
    for (kind, before, after) in [
        ("mean", 3.5, 4.5),
        ("drift", 6.0, 8.0),
        ("seasonal_naive", 5.0, 7.0),
    ] {
        let kind = format!("ts.model.kind={kind}");
        let more = [&all[..], &["-S", &kind]].concat();
        let dir = trained(&format!("{HEADER}{rows}"), &more);
        let model = dir.bytes("models/ts.safetensors");
        dir.ok(&["predict", "ts", "-o", "known.csv", "--horizon", "1"]);
        // What the model has seen is passed over, the others may come in any order.
        dir.write("new.csv", "unique_id,ds,y\na,6,7\na,4,5\na,5,6\n");
        dir.ok(&[
            "predict",
            "ts",
            "-i",
            "new.csv",
            "-o",
            "new.csv.out.csv",
            "--horizon",
            "1",
        ]);
        let row = |name: &str| forecasts(&dir.read(name))["a"][0].clone();
        let (known, new) = (row("known.csv"), row("new.csv.out.csv"));
        assert_eq!((known[0].as_str(), new[0].as_str()), ("5", "7"), "{kind}");
        assert!(
            (number(&known[1]) - before).abs() < 1e-9,
            "{kind}: {known:?}"
        );
        assert!((number(&new[1]) - after).abs() < 1e-9, "{kind}: {new:?}");
        assert!(
            model == dir.bytes("models/ts.safetensors"),
            "the model file is as it was"
        );
    }
}

/// An update with the test part must forecast as a model with the same parameters that saw it.
#[test]
fn an_update_follows_a_change_of_level() {
    let dir = trained(&format!("{HEADER}{}", monthly("a", 60)), &[]);
    let later: String = (54..66)
        .map(|m| format!("a,{},{}\n", month(m), 500 + m))
        .collect();
    let input = format!("{HEADER}{later}");
    let ran = dir.pipe(&["predict", "ts", "-i", "-", "-o", "-"], &input);
    assert_eq!(ran.code, 0, "{ran:?}");
    let rows = &forecasts(&ran.stdout)["a"];
    assert_eq!(rows[0][0], "2025-07-01");
    assert!(number(&rows[0][1]) > 300.0, "{rows:?}");
}

#[test]
fn one_failing_series_never_ends_the_others() {
    let text = format!(
        "{HEADER}{}{}{}",
        monthly("a", 40),
        monthly("b", 40),
        monthly("c", 40)
    );
    let dir = trained(&text, &[]);
    let m = |m: usize| month(m);
    let bad = format!(
        "{HEADER}a,{},many\nb,{},60\nnew one,{},4\nc,{},61\nc,{},61\nb,{},inf\n,{},3\n",
        m(34),
        m(34),
        m(34),
        m(34),
        m(34),
        m(35),
        m(34)
    );
    dir.write("bad.csv", &bad);
    let ran = dir.run(&["predict", "ts", "-i", "bad.csv", "-o", "out.csv"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let rejects = dir.read("out.csv.rejects.csv");
    for words in [
        "the id is empty",
        "series `a`: bad.csv:2: column 3 (y): `many` is not a number",
        "series `b`: bad.csv:7: column 3 (y): `inf` is no finite number",
        "it has the seasonal naive forecast",
        "series `new one`: the model does not know it",
    ] {
        assert!(rejects.contains(words), "{words}: {rejects}");
    }
    assert_eq!(rejects.lines().count(), 5, "{rejects}");
    let out = forecasts(&dir.read("out.csv"));
    assert_eq!(out.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(out["c"][0][0], month(35));
    // The value of a year before the end of training.
    assert_eq!(out["a"][0][1], out["b"][0][1]);
    // Asked to, it stops, and leaves nothing.
    let fail = [
        "predict",
        "ts",
        "-i",
        "bad.csv",
        "-o",
        "no.csv",
        "--on-error",
        "fail",
    ];
    dir.fails(4, &fail);
    assert!(!dir.exists("no.csv"));
}

#[test]
fn several_origins_see_what_came_before_them() {
    // A level that jumps within the test part: later origins know it.
    let mut text = format!("{HEADER}{}", monthly("a", 48));
    for m in 48..60 {
        text += &format!("a,{},{}\n", month(m), 900 + m % 3);
    }
    let dir = with(&text);
    let more = [
        "-S",
        "ts.split.test=12",
        "-S",
        "ts.horizon=3",
        "-S",
        "ts.data.source=mine.csv",
    ];
    for verb in ["prepare", "train", "evaluate"] {
        dir.ok(&[&[verb, "ts"], &more[..]].concat());
    }
    let once = json(&dir, "metrics/ts.json");
    assert_eq!((&once["origins"], &once["steps"]), (&1.into(), &12.into()));
    dir.ok(&[&["evaluate", "ts", "-S", "ts.eval.origins=4"], &more[..]].concat());
    let rolling = json(&dir, "metrics/ts.json");
    assert_eq!(
        (&rolling["origins"], &rolling["steps"]),
        (&4.into(), &12.into())
    );
    assert!(
        figure(&rolling, "mase") < 0.8 * figure(&once, "mase"),
        "{rolling} {once}"
    );
    let table = dir.read("plots/ts/forecasts.csv");
    let origins: Vec<&str> = table
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(1).unwrap())
        .collect();
    let starts: Vec<&str> = origins.iter().step_by(3).copied().collect();
    assert_eq!(
        starts,
        ["2023-12-01", "2024-03-01", "2024-06-01", "2024-09-01"]
    );
}

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
            &[":2: column 3 (y): series `a`: `inf` is no finite number"],
        ),
        (
            "a,2024-01-01,1e999\n",
            &[":2:", "series `a`", "no finite number"],
        ),
        (
            "a,2023-02-29,5\n",
            &[
                ":2: column 2 (ds): series `a`: `2023-02-29` is no time",
                "2024-02-29",
            ],
        ),
        (
            "a,2024-01-01,5\na,2024-01-01T00:00:00Z,5\n",
            &[
                ":3: column 2 (ds): series `a`: this is a time with an offset, but a date came before it",
            ],
        ),
        (
            "a,2024-03-30T00:00:00+01:00,5\na,2024-03-31T00:00:00,5\n",
            &[
                ":3:",
                "series `a`",
                "this is a time, but a time with an offset came before it",
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
        error.contains(":39: series `w`: 2023-01-14 is not on its regular steps"),
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
        "lost,it has no value at all",
    ] {
        assert!(excluded.contains(words), "{excluded}");
        let told = words.trim_start_matches("lost,");
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    dir.ok(&[&["train", "ts"], &MINE[..]].concat());
}

/// Constant, short, of one point, negative, huge, with gaps: each gets a forecast.
#[test]
fn unusual_series_are_forecast_too() {
    let mut text = HEADER.to_owned() + &monthly("usual", 48);
    for m in 0..48 {
        text += &format!("flat,{},7\n", month(m));
        text += &format!("below,{},{}\n", month(m), -100.0 + (m % 5) as f64);
        text += &format!("huge,{},{}\n", month(m), 1e99 * (1.0 + (m % 7) as f64));
        text += &format!("tiny,{},{}\n", month(m), 1e-200 * (1.0 + (m % 7) as f64));
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
            assert!((number(line) - 57.0).abs() < 1e-6, "{line}");
            assert!((number(again) - 11.0).abs() < 1e-6, "{again}");
        }
        assert!(number(&out["below"][0][1]) < -80.0, "{kind}");
        assert_eq!(number(&out["one"][5][1]), 3.0, "{kind}");
        dir.ok(&[&["evaluate", "ts"], &MINE[..], &more[..]].concat());
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

#[test]
fn a_change_of_the_clock_moves_nothing_in_times_with_an_offset() {
    let mut rows = String::new();
    for h in 0..48 {
        // From +01:00 to +02:00 after 26 hours: the same instants.
        let local = if h < 26 { h } else { h + 1 };
        let (day, hour) = (30 + local / 24, local % 24);
        let (day, month) = if day > 31 { (day - 31, 4) } else { (day, 3) };
        let offset = if h < 26 { "+01:00" } else { "+02:00" };
        rows += &format!(
            "a,2024-{month:02}-{day:02}T{hour:02}:00:00{offset},{}\n",
            h % 24
        );
    }
    let dir = with(&format!("{HEADER}{rows}"));
    let said = dir.ok(&[&["prepare", "ts"], &MINE[..]].concat());
    assert!(
        said.contains("hourly, 42 train and 6 test steps") && !said.contains("without"),
        "{said}"
    );
    assert!(
        dir.read("data/processed/ts/train.csv")
            .contains("2024-03-29T23:00:00Z")
    );
}

#[test]
fn dates_and_midnights_are_the_same_days() {
    let text = format!("{HEADER}{}", monthly("a", 40));
    let dir = trained(
        &text,
        &[
            "-S",
            "ts.model.kind=drift",
            "-S",
            "ts.model.calibrate=false",
        ],
    );
    for (day, code) in [
        ("2022-11-01T00:00:00", 0),
        ("2022-11-01", 0),
        ("2022-11-01T12:00", 7),
        ("34", 7),
    ] {
        dir.write("new.csv", format!("{HEADER}a,{day},70\n"));
        let ran = dir.run(&[
            "predict",
            "ts",
            "-i",
            "new.csv",
            "-o",
            "out.csv",
            "--horizon",
            "1",
        ]);
        assert_eq!(ran.code, code, "{ran:?}");
        let out = forecasts(&dir.read("out.csv"));
        assert_eq!(
            out["a"][0][0],
            if code == 0 {
                "2022-12-01"
            } else {
                "2022-11-01"
            }
        );
    }
    let rejects = dir.read("out.csv.rejects.csv");
    assert!(
        rejects.contains("this is a whole number, but a date came before it"),
        "{rejects}"
    );
}

#[test]
fn days_by_a_clock_that_was_changed_are_named() {
    let day = |d: usize| {
        let (month, offset) = if d <= 31 {
            (3, "+01:00")
        } else {
            (4, "+02:00")
        };
        let day = if d <= 31 { d } else { d - 31 };
        format!("a,2024-{month:02}-{day:02}T00:00:00{offset},5\n")
    };
    let rows: String = (12..50).map(day).collect();
    let error = refused(&rows);
    assert!(
        error.contains(":22: series `a`") && error.contains("a clock that was changed"),
        "{error}"
    );
}

#[test]
fn a_test_file_goes_on_where_the_source_ends() {
    let all = monthly("a", 48);
    let lines: Vec<&str> = all.lines().collect();
    let part = |range: std::ops::Range<usize>| format!("{HEADER}{}\n", lines[range].join("\n"));
    let dir = with(&part(0..40));
    dir.write("late.csv", part(40..48));
    let more = [&MINE[..], &["-S", "ts.data.test=late.csv"]].concat();
    let said = dir.ok(&[&["prepare", "ts"], &more[..]].concat());
    assert!(said.contains("40 train and 8 test steps"), "{said}");
    dir.write("late.csv", part(39..48));
    let error = dir.fails(4, &[&["prepare", "ts"], &more[..]].concat());
    assert!(
        error.contains("late.csv:2: series `a`: the test file does not begin after"),
        "{error}"
    );
    dir.write("late.csv", "unique_id,ds,y\nb,2024-01-01,4\n");
    let error = dir.fails(4, &[&["prepare", "ts"], &more[..]].concat());
    assert!(
        error.contains("late.csv:2: series `b`: it is in the test file only"),
        "{error}"
    );
}

/// Set, season, horizon, sMAPE, MASE, OWA.
const SCORED: [(&str, usize, usize, f64, f64, f64); 5] = [
    ("m3_yearly_dev", 1, 6, 18.3167, 3.1824, 1.0),
    ("m3_quarterly_dev", 4, 8, 10.9, 1.4243, 1.1119),
    ("m3_monthly_dev", 12, 18, 16.6324, 1.0998, 1.0564),
    ("m4_weekly_dev", 1, 13, 9.5373, 2.9145, 1.0),
    ("tourism_quarterly_dev", 4, 8, 16.5738, 1.6232, 0.9395),
];

/// Numbers of ../shared/scoring/ts_m4.py for the seasonal naive forecast of these sets.
#[test]
fn figures_are_those_of_the_scorer_on_real_series() {
    let Some(folder) = real_data("ts") else {
        return;
    };
    for (set, season, steps, smape, mase, owa) in SCORED {
        let dir = Workdir::project();
        let name = |part: &str| {
            folder
                .join(format!("{set}_{part}.parquet"))
                .display()
                .to_string()
        };
        let more = [
            format!("ts.data.source={}", name("train")),
            format!("ts.data.test={}", name("test")),
            format!("ts.season={season}"),
            format!("ts.horizon={steps}"),
            "ts.model.kind=seasonal_naive".to_owned(),
        ];
        let more: Vec<&str> = more.iter().flat_map(|set| ["-S", set]).collect();
        for verb in ["prepare", "train", "evaluate"] {
            dir.ok(&[&[verb, "ts"], &more[..]].concat());
        }
        let metrics = json(&dir, "metrics/ts.json");
        for (name, expected) in [("smape", smape), ("mase", mase), ("owa", owa)] {
            let found = figure(&metrics, name);
            assert!(
                (found - expected).abs() < 0.6e-4,
                "{set} {name}: {found}, not {expected}"
            );
        }
    }
}
