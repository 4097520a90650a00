//! `ts` from its sample to forecasts; `input` has every bad or unusual table that a planner may have,
//! `dates` what is odd about days, `formats` dates that are not ISO, `clock` the clock that `prepare` hands on, `state` where forecasts start,
//! `shapes` where a table has its series.

mod clock;
mod dates;
mod formats;
mod frequency;
mod input;
mod shapes;
mod state;
#[path = "../support/mod.rs"]
mod support;
use std::collections::BTreeMap;

use support::{Workdir, assert_same_for_any_threads, real_data};

const SMALL: [&str; 4] = ["-S", "ts.sample.series=6", "-S", "ts.sample.days=200"];

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
        assert_same_for_any_threads(kind, |threads| run(threads, kind));
    }
}

#[test]
fn the_sample_is_forecast_better_than_naively_and_explained() {
    let dir = Workdir::project();
    for verb in ["sample", "prepare", "train", "evaluate", "gate"] {
        dir.ok(&[&[verb, "ts"], &SMALL[..]].concat());
    }
    let metrics = dir.json("metrics/ts.json");
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
    let first = why.lines().next().unwrap();
    for words in [
        "apples-1: ",
        "days ",
        " %, ",
        "trend ",
        " a day, next day (20",
        "] with 95 %",
    ] {
        assert!(first.contains(words), "{words}: {why}");
    }
    assert!(why.contains("the least AICc"), "{why}");
    let nobody = dir.fails(2, &["explain", "ts", "aples-1"]);
    assert!(nobody.contains("did you mean `apples-1`"), "{nobody}");
    // The values of training are not in the model.
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
    // As many as the test part has, after its end.
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0][0], "2025-01-01");
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
    assert_eq!(asked[14][0], "2026-03-01");
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
        m(40),
        m(40),
        m(40),
        m(40),
        m(40),
        m(41),
        m(40)
    );
    dir.write("bad.csv", &bad);
    let ran = dir.run(&["predict", "ts", "-i", "bad.csv", "-o", "out.csv"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let rejects = dir.read("out.csv.rejects.csv");
    for words in [
        "the id is empty",
        "series `a`: bad.csv:2: column 3 (y): `many` is not a number",
        "series `b`: bad.csv:7: column 3 (y): `inf` is not a finite number",
        "using the seasonal naive forecast",
        "series `new one`: it is unknown to the model",
    ] {
        assert!(rejects.contains(words), "{words}: {rejects}");
    }
    assert_eq!(rejects.lines().count(), 5, "{rejects}");
    let out = forecasts(&dir.read("out.csv"));
    assert_eq!(out.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(out["c"][0][0], month(41));
    // The value of a year before.
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
    let once = dir.json("metrics/ts.json");
    assert_eq!((&once["origins"], &once["steps"]), (&1.into(), &12.into()));
    dir.ok(&[&["evaluate", "ts", "-S", "ts.eval.origins=4"], &more[..]].concat());
    let rolling = dir.json("metrics/ts.json");
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
        error.contains("late.csv:2: series `a`: its rows in the test file do not start after"),
        "{error}"
    );
    dir.write("late.csv", "unique_id,ds,y\nb,2024-01-01,4\n");
    let error = dir.fails(4, &[&["prepare", "ts"], &more[..]].concat());
    assert!(
        error.contains("late.csv:2: series `b`: it is only in the test file"),
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
        let metrics = dir.json("metrics/ts.json");
        for (name, expected) in [("smape", smape), ("mase", mase), ("owa", owa)] {
            let found = figure(&metrics, name);
            assert!(
                (found - expected).abs() < 0.6e-4,
                "{set} {name}: {found}, not {expected}"
            );
        }
    }
}
