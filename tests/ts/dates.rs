//! Days and times: offsets, clocks that were changed, midnights.

use super::*;

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
        ("2023-05-01T00:00:00", 0),
        ("2023-05-01", 0),
        ("2023-05-01T12:00", 7),
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
                "2023-06-01"
            } else {
                "2023-05-01"
            }
        );
    }
    let rejects = dir.read("out.csv.rejects.csv");
    assert!(
        rejects.contains("this is a whole number, but earlier rows have a date"),
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
        error.contains(":22: series `a`") && error.contains("a clock change"),
        "{error}"
    );
}
