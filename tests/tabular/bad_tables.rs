//! Tables that cannot be learned from, and strange ones that can.

use super::*;

#[test]
fn tables_that_cannot_be_learned_from_are_refused_with_their_place() {
    let few = |i: usize| i % 7;
    for (text, sets, words) in [
        (String::new(), NONE, "mine.csv: is empty"),
        ("a,y\n".to_owned(), &[], "mine.csv holds no rows"),
        (
            table("a,y", 50, |i| format!("{},x", few(i))),
            &[],
            "every row has the value `x` in the target `y`",
        ),
        (
            table("a,y", 50, |i| format!("{},2.5", few(i))),
            &[],
            "the target `y` is 2.5 in every row",
        ),
        (
            table("a,y", 50, |i| {
                format!("{},{}", few(i), if i == 3 { "" } else { ["x", "z"][i % 2] })
            }),
            &[],
            "mine.csv:5: column 2 (y): the label is empty",
        ),
        (
            table("a,y", 2000, |i| format!("{},c{i}", few(i))),
            &[],
            "the target `y` has 2000 different values, more than the 1000 classes",
        ),
        (
            table("y", 50, |i| ["x", "z"][i % 2].to_owned()),
            &[],
            "the table has only the target `y`",
        ),
        (
            table("a,a,y", 50, |i| {
                format!("1,{},{}", few(i), ["x", "z"][i % 2])
            }),
            &[],
            "mine.csv:1: column 2: the header name is also that of column 1",
        ),
        (
            "a,y\n1,x\n2\n3,z,4\n".to_owned(),
            &[],
            "2 bad rows, the first: mine.csv:3: column 2 (y)",
        ),
        (
            table("a,y", 50, |i| format!("{},{}", few(i), ["x", "z"][i % 2])),
            &["tabular.data.kind=number"],
            "mine.csv:2: column 2 (y): `x` is not a number",
        ),
        (
            table("a,y", 50, |i| format!("{},{}", few(i), i as f64 - 3.5)),
            &["tabular.data.kind=count"],
            "a count is never negative; set tabular.data.kind to number",
        ),
        (
            table("a,y", 50, |i| format!("{},{}", few(i), ["x", "z"][i % 2])),
            &["tabular.data.group=who"],
            "there is no column `who`",
        ),
        (
            table("a,y", 50, |i| format!("{},{}", few(i), ["x", "z"][i % 2])),
            &["tabular.data.time=when"],
            "there is no column `when`",
        ),
    ] {
        let dir = project(&text);
        let error = fails(&dir, 4, "prepare", sets);
        assert!(error.contains(words), "{error}");
        assert!(!dir.exists("data/processed/tabular/train.csv"));
    }
}

#[test]
fn validate_finds_what_prepare_refuses() {
    for (text, words) in [
        (
            table("a,y", 50, |i| format!("{},x", i % 7)),
            "1 distinct labels (x)",
        ),
        (
            table("a,y", 50, |i| {
                format!("{},{}", i % 7, if i == 3 { "" } else { ["x", "z"][i % 2] })
            }),
            "y: 1 value (2.00 %) is missing [nulls]; first mine.csv:5",
        ),
    ] {
        let dir = project(&text);
        let ran = run(&dir, "validate", &[]);
        assert!(ran.code == 4 && ran.stdout.contains(words), "{ran:?}");
    }
}

/// `NA` in a target was a class for `validate` and `prepare`, and a missing value for `train`.
#[test]
fn words_for_nothing_in_a_target_are_refused_at_once() {
    for (values, sets) in [
        (["0", "1"], NONE),
        (["0.5", "1.5"], &[]),
        (["0.5", "1.5"], &["tabular.data.kind=number"]),
    ] {
        let cell = |i: usize| if i == 3 { "NA" } else { values[i % 2] };
        let dir = project(&table("a,y", 50, |i| format!("{},{}", i % 7, cell(i))));
        assert_eq!(run(&dir, "validate", sets).code, 4);
        let error = fails(&dir, 4, "prepare", sets);
        assert!(error.contains("mine.csv:5"), "{error}");
    }
}

/// It was found by `train`, in a file that nobody wrote.
#[test]
fn an_infinite_target_is_refused_in_the_source() {
    let cell = |i: usize| {
        if i == 3 {
            "inf".to_owned()
        } else {
            format!("{i}.5")
        }
    };
    let dir = project(&table("a,y", 50, |i| format!("{},{}", i % 7, cell(i))));
    let error = fails(&dir, 4, "prepare", &[]);
    assert!(error.contains("mine.csv:5"), "{error}");
}

/// Integers beyond 2^53 were rounded until they were the same.
#[test]
fn long_whole_numbers_are_told_apart() {
    let ids = ["9007199254740992", "9007199254740993"];
    let text = table("k,x,y", 200, |i| {
        format!("{},{},{}", ids[i / 2 % 2], i % 9, ["no", "yes"][i / 2 % 2])
    });
    let dir = project(&text);
    for verb in ["prepare", "train"] {
        ok(&dir, verb, &[LINEAR, "tabular.data.columns={k: category}"]);
    }
    let answers = ids.map(|id| asked(&dir, &format!("k={id},x=3"))["prediction"].clone());
    assert_eq!(answers, ["no", "yes"]);
    let dir = project(&table("x,y", 100, |i| format!("{},{}", i % 9, ids[i % 2])));
    let ran = ok(&dir, "prepare", &["tabular.data.kind=classes"]);
    assert!(ran.stdout.contains("classes (2)"), "{ran:?}");
}

/// A column of numbers that are all different and one `-` was dropped as an id, without a warning.
#[test]
fn numbers_with_a_sign_for_nothing_are_no_id() {
    let cell = |i: usize| {
        if i == 7 {
            "-".to_owned()
        } else {
            format!("{}.25", 100 + i)
        }
    };
    let text = table("income,x,y", 300, |i| {
        format!(
            "{},{},{}",
            cell(i),
            i % 7,
            ["no", "yes"][usize::from(i >= 150)]
        )
    });
    let dir = project(&text);
    ok(&dir, "prepare", &["tabular.split.test=0"]);
    let ran = ok(&dir, "train", &["tabular.split.test=0", LINEAR]);
    assert!(!ran.stderr.contains("`income` is not used"), "{ran:?}");
    assert!(ran.stderr.contains("set `missing: ['-']`"), "{ran:?}");
    let said = ["tabular.split.test=0", LINEAR, "tabular.data.missing=['-']"];
    ok(&dir, "prepare", &said);
    ok(&dir, "train", &said);
    assert!(dir.ok(&["inspect", "tabular"]).contains("income (number)"));
}

#[test]
fn small_and_strange_tables_are_no_failure() {
    for (name, text) in [
        ("two rows", "a,b,y\n1,5,x\n2,3,z\n".to_owned()),
        ("three rows", "a,b,y\n1,5,x\n2,3,z\n2,3,x\n".to_owned()),
        (
            "five numbers",
            table("a,y", 5, |i| format!("{},{}", i % 3, i as f64 * 1.5 + 0.25)),
        ),
        (
            "no values, constants, infinities, denormal and huge numbers",
            table("e,k,h,d,y", 120, |i| {
                let h = ["inf", "-inf", "1e999", "1e308", "3", ""][i % 6];
                let d = ["5e-324", "1e-310", "0"][i % 3];
                format!(",c,{h},{d},{}.5", i % 11)
            }),
        ),
        (
            "names and cells of every kind",
            table(
                "\"my col\",\"say \"\"hi\"\"\",\u{e9}\u{2603},row,y",
                120,
                |i| {
                    format!(
                        "{},\"a, {}\",{},0{},{}",
                        i % 9,
                        i % 3,
                        i % 5,
                        i % 7,
                        ["x", "z"][i / 3 % 2]
                    )
                },
            ),
        ),
        (
            "a category that is a number in half of the rows",
            table("c,y", 200, |i| {
                let c = if i % 2 == 0 {
                    (i % 9).to_string()
                } else {
                    ["a", "b"][i / 2 % 2].into()
                };
                format!("{c},{}", ["x", "z"][i / 5 % 2])
            }),
        ),
        (
            "every category once",
            table("c,x,y", 15, |i| {
                format!("k{i},{},{}", i % 4, ["x", "z"][i % 2])
            }),
        ),
        (
            "a rare class",
            table("x,y", 101, |i| {
                format!("{},{}", i % 9, if i == 50 { "b" } else { "a" })
            }),
        ),
    ] {
        for model in [TREES, LINEAR] {
            let dir = project(&text);
            for verb in ["prepare", "train"] {
                ok(&dir, verb, &[model, "tabular.split.test=0"]);
            }
            let out = dir.run(&[
                "predict",
                "tabular",
                "-i",
                "mine.csv",
                "-o",
                "out.csv",
                "--explain",
                "3",
            ]);
            assert_eq!(out.code, 0, "{name}: {out:?}");
            for row in rows(&dir.read("out.csv")) {
                assert!(
                    !row["prediction"].is_empty() && row["prediction"] != "NaN",
                    "{name}: {row:?}"
                );
            }
        }
    }
}

/// Evaluation shuffled every column of a wide table, each time with a copy of all.
#[test]
fn wide_tables_are_no_failure() {
    let names: Vec<String> = (0..3000).map(|j| format!("c{j}")).collect();
    let text = table(&format!("{},y", names.join(",")), 60, |i| {
        let cells: Vec<String> = (0..3000)
            .map(|j| ((i * j * 7 + j) % 101).to_string())
            .collect();
        format!("{},{}", cells.join(","), ["x", "z"][i / 2 % 2])
    });
    let dir = project(&text);
    let started = std::time::Instant::now();
    for verb in ["prepare", "train", "evaluate"] {
        ok(&dir, verb, &[LINEAR]);
    }
    assert!(started.elapsed().as_secs() < 6, "{:?}", started.elapsed());
}
