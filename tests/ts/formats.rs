//! Dates that are not ISO: the pattern that reads them, and what is said where there is none.

use super::*;

const DRIFT: [&str; 4] = [
    "-S",
    "ts.model.kind=drift",
    "-S",
    "ts.model.calibrate=false",
];

/// `count` rows of a series on days from 2024-01-01, each written by `write` from day and month.
fn daily(count: u32, write: impl Fn(u32, u32) -> String) -> String {
    let date = |d: u32| match d {
        0..31 => (d + 1, 1),
        31..60 => (d - 30, 2),
        _ => (d - 59, 3),
    };
    (0..count)
        .map(|d| {
            let (day, month) = date(d);
            format!("a,{},{d}\n", write(day, month))
        })
        .collect()
}

fn format_of(pattern: &str) -> [String; 2] {
    ["-S".to_owned(), format!("ts.data.date_format={pattern:?}")]
}

#[test]
fn a_pattern_reads_the_source_and_newer_rows_and_forecasts_are_iso() {
    let slashes = |day: u32, month: u32| format!("{day}/{month:02}/2024");
    let hours = |day: u32, month: u32| format!("{month}/{day}/2024 10:00 PM");
    let offsets = |day: u32, month: u32| format!("{day}.{month}.2024 23:00 -0200");
    for (pattern, write, next, after) in [
        (
            "%d/%m/%Y",
            &slashes as &dyn Fn(u32, u32) -> String,
            "2024-02-10",
            "2024-02-12",
        ),
        (
            "%m/%d/%Y %I:%M %p",
            &hours,
            "2024-02-10T22:00:00",
            "2024-02-12T22:00:00",
        ),
        (
            "%d.%m.%Y %H:%M %z",
            &offsets,
            "2024-02-11T01:00:00Z",
            "2024-02-13T01:00:00Z",
        ),
    ] {
        let said = format_of(pattern);
        let more = [
            &DRIFT[..],
            &["-S", "ts.split.test=0"],
            &[&said[0], &said[1]],
        ]
        .concat();
        let dir = trained(&format!("{HEADER}{}", daily(40, write)), &more);
        let predict = ["predict", "ts", "-o", "out.csv", "--horizon", "1"];
        dir.ok(&predict);
        assert_eq!(forecasts(&dir.read("out.csv"))["a"][0][0], next);
        let rows = daily(42, write);
        let newer: Vec<&str> = rows.lines().skip(38).collect();
        dir.write("new.csv", format!("{HEADER}{}\n", newer.join("\n")));
        dir.ok(&[&predict[..], &["-i", "new.csv"]].concat());
        assert_eq!(forecasts(&dir.read("out.csv"))["a"][0][0], after);
        // ISO dates are no longer read.
        dir.write("new.csv", format!("{HEADER}a,2024-02-10,1\n"));
        let ran = dir.run(&[&predict[..], &["-i", "new.csv"]].concat());
        assert_eq!(ran.code, 7, "{ran:?}");
        let rejects = dir.read("out.csv.rejects.csv");
        assert!(
            rejects.contains("new.csv:2: column 2 (ds): `2024-02-10` is not a time in the format")
                && rejects.contains("(ts.data.date_format)"),
            "{rejects}"
        );
    }
}

#[test]
fn months_and_weeks_are_read_as_their_first_days() {
    let months = ["Jan-24", "Feb-24", "Mar-24", "Apr-24", "May-24"];
    let weeks = ["2024-W50", "2024-W51", "2024-W52", "2025-W01"];
    for (pattern, times, words, first) in [
        ("%b-%y", &months[..], "monthly", "2024-01-01"),
        ("%G-W%V", &weeks[..], "weekly", "2024-12-09"),
    ] {
        let rows: String = { times.iter().enumerate() }
            .map(|(y, time)| format!("a,{time},{y}\n"))
            .collect();
        let dir = with(&format!("{HEADER}{rows}"));
        let said = format_of(pattern);
        let more = ["-S", "ts.data.source=mine.csv", &said[0], &said[1]];
        let told = dir.ok(&[&["prepare", "ts"], &more[..]].concat());
        assert!(told.contains(words), "{told}");
        let train = dir.read("data/processed/ts/train.csv");
        assert!(train.contains(&format!("a,{first},0")), "{train}");
        assert_eq!(dir.run(&[&["validate", "ts"], &more[..]].concat()).code, 0);
    }
}

#[test]
fn a_time_that_is_not_in_the_pattern_is_a_bad_row() {
    let said = format_of("%d/%m/%Y");
    let dir = with(&format!(
        "{HEADER}a,13/01/2024,1\na,01/14/2024,2\na,15/01/24,2\n"
    ));
    let more = [&MINE[..], &[&said[0], &said[1]]].concat();
    let error = dir.fails(4, &[&["prepare", "ts"], &more[..]].concat());
    let words = "mine.csv:3: column 2 (ds): series `a`: `01/14/2024` is not a time in the format \
                 \"%d/%m/%Y\" (ts.data.date_format)";
    assert!(error.contains(words), "{error}");
    let ran = dir.run(&[&["validate", "ts"], &more[..]].concat());
    assert_eq!(ran.code, 4, "{ran:?}");
    let words =
        "2 rows (66.67 %) have a time that is not in the format \"%d/%m/%Y\" (ts.data.date_format)";
    assert!(
        ran.stdout.contains(words) || ran.stderr.contains(words),
        "{ran:?}"
    );
}

/// Nothing is guessed where no format was said; what would read the column is named.
#[test]
fn dates_that_need_a_format_are_refused_with_the_formats_that_read_them() {
    let refused_with = |rows: &str, words: &[&str]| {
        let dir = with(&format!("{HEADER}{rows}"));
        let prepare = dir.fails(4, &[&["prepare", "ts"], &MINE[..]].concat());
        let ran = dir.run(&[&["validate", "ts"], &MINE[..]].concat());
        assert_eq!(ran.code, 4, "{ran:?}");
        let validate = format!("{}{}", ran.stdout, ran.stderr);
        for word in words {
            assert!(prepare.contains(word), "{word}: {prepare}");
            assert!(validate.contains(word), "{word}: {validate}");
        }
        prepare
    };
    let ambiguous = refused_with(
        "a,01/01/2024,1\na,01/02/2024,1\n",
        &[
            "ts.data.date_format",
            "\"%d/%m/%Y\" (`01/02/2024` is then 2024-02-01)",
            "\"%m/%d/%Y\" (`01/02/2024` is then 2024-01-02)",
        ],
    );
    assert!(
        ambiguous.contains("mine.csv:2: column 2 (ds): "),
        "{ambiguous}"
    );
    let decided = refused_with(
        "a,01/02/2024,1\na,13/02/2024,1\n",
        &["set ts.data.date_format: \"%d/%m/%Y\" (`01/02/2024` is then 2024-02-01)"],
    );
    assert!(!decided.contains("%m/%d/%Y"), "{decided}");
    for (date, pattern) in [
        ("31.12.2024", "%d.%m.%Y"),
        ("Jan-2024", "%b-%Y"),
        ("01/31/2024 10:00", "%m/%d/%Y %H:%M"),
    ] {
        let set = format!("set ts.data.date_format: \"{pattern}\" (");
        refused_with(&format!("a,{date},1\n"), &[&set]);
    }
    // A single one among ISO dates.
    let error = refused("a,2024-02-12,1\na,13/02/2024,1\n");
    let words = ":3: column 2 (ds): series `a`: `13/02/2024` is not read as a time: write it as \
                 2024-02-13, or, if all times are written so, set ts.data.date_format: \"%d/%m/%Y\"";
    assert!(error.contains(words), "{error}");
}

#[test]
fn a_format_that_gives_no_dates_is_refused_with_params_yaml() {
    let dir = with(&format!("{HEADER}a,2024-01-01,1\n"));
    let params = dir.read("params.yaml");
    for (value, words) in [
        (
            "\"%d/%m\"",
            "`%d/%m` gives no dates: there is no year in it",
        ),
        ("\"%d/%m/%Y %K\"", "`K`"),
        ("dd/mm/yyyy", "did you mean \"%d/%m/%Y\"?"),
        ("yyymm", "one of number, excel, yyyymm, yyyymmdd"),
        ("%d/%m/%Y", "params.yaml:"),
    ] {
        let key = params.replace("date_format: auto", &format!("date_format: {value}"));
        dir.write("params.yaml", key);
        let error = dir.fails(2, &["prepare", "ts"]);
        assert!(
            error.contains(words) && error.contains("params.yaml:"),
            "{error}"
        );
    }
}

/// The key was called so before it took patterns.
#[test]
fn the_former_key_is_refused_with_the_new_one() {
    let dir = with(&format!("{HEADER}a,2024-01-01,1\n"));
    let error = dir.fails(2, &["prepare", "ts", "-S", "ts.data.time_format=yyyymm"]);
    let words = "unknown key `time_format` in `ts.data`; did you mean `date_format`?";
    assert!(error.contains(words), "{error}");
}
