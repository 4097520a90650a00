//! Weights, groups, time, leaks, and what the parameters say of columns.

use super::*;

#[test]
fn weights_count_and_wrong_ones_are_refused() {
    // Every row twice, with opposite answers: the weight decides.
    let text = |first: &str, second: &str| {
        table("a,w,y", 200, |i| {
            let a = i / 2 % 20;
            let says = [["no", "yes"], ["yes", "no"]][i % 2][usize::from(a >= 10)];
            format!("{a},{},{says}", [first, second][i % 2])
        })
    };
    let sets = ["tabular.data.weight=w", "tabular.split.test=0", LINEAR];
    for (first, second, expected) in [("1", "0", ["no", "yes"]), ("0", "1", ["yes", "no"])] {
        let dir = project(&text(first, second));
        for verb in ["prepare", "train"] {
            ok(&dir, verb, &sets);
        }
        let answers = ["a=1", "a=18"].map(|row| asked(&dir, row)["prediction"].clone());
        assert_eq!(answers, expected);
        assert!(!dir.ok(&["inspect", "tabular"]).contains("w (number)"));
    }
    for (first, second, words) in [
        ("0", "0", "no row with a positive weight"),
        ("1", "-1", "is not a weight of 0 or more"),
        ("1", "", "is not a weight of 0 or more"),
        ("1", "inf", "is not a weight of 0 or more"),
        ("1", "much", "`much` is not a weight of 0 or more"),
    ] {
        let dir = project(&text(first, second));
        let error = refused(&dir, 4, &sets);
        assert!(error.contains(words), "{error}");
    }
    let error = fails(
        &project(&text("1", "1")),
        2,
        "prepare",
        &["tabular.data.weight=y"],
    );
    assert!(error.contains("`y` is already the target"), "{error}");
}

/// A weight that is wrong passed if its row happened to be tested.
#[test]
fn a_wrong_weight_is_found_wherever_it_lands() {
    for place in [3, 40, 77, 120, 160] {
        let text = table("a,w,y", 200, |i| {
            let weight = if i == place { "-1" } else { "1" };
            format!("{},{weight},{}", i % 23, ["no", "yes"][i % 23 / 12])
        });
        let error = fails(&project(&text), 4, "prepare", &["tabular.data.weight=w"]);
        assert!(
            error.contains(&format!("mine.csv:{}", place + 2)),
            "{error}"
        );
    }
}

fn grouped() -> String {
    table("a,g,t,y", 300, |i| {
        let (a, month, day) = (i % 23, i % 12 + 1, i % 28 + 1);
        format!(
            "{a},g{},2024-{month:02}-{day:02},{}",
            i * 7 % 40,
            ["no", "yes"][a / 12]
        )
    })
}

#[test]
fn groups_are_in_one_part() {
    let dir = project(&grouped());
    ok(&dir, "prepare", &["tabular.data.group=g"]);
    let (train, test) = (part(&dir, "train"), part(&dir, "test"));
    assert!(column(&train, "g").is_disjoint(&column(&test, "g")));
    assert!(
        train.len() + test.len() == 300 && test.len() > 30,
        "{}",
        test.len()
    );
    ok(&dir, "train", &["tabular.data.group=g", LINEAR]);
    let seen = dir.ok(&["inspect", "tabular"]);
    assert!(seen.contains("g: group of the rows"), "{seen}");
}

#[test]
fn the_latest_rows_are_tested() {
    let dir = project(&grouped());
    ok(&dir, "prepare", &["tabular.data.time=t"]);
    let (train, test) = (
        column(&part(&dir, "train"), "t"),
        column(&part(&dir, "test"), "t"),
    );
    assert!(train.last() < test.first(), "dates sort as texts");
    assert!(part(&dir, "test").len() > 30);
    ok(&dir, "train", &["tabular.data.time=t", LINEAR]);
    ok(&dir, "evaluate", &["tabular.data.time=t", LINEAR]);
}

/// With a time, groups were forgotten.
#[test]
fn groups_are_in_one_part_of_a_split_by_time_too() {
    let dir = project(&grouped());
    ok(
        &dir,
        "prepare",
        &["tabular.data.time=t", "tabular.data.group=g"],
    );
    let (train, test) = (part(&dir, "train"), part(&dir, "test"));
    assert!(column(&train, "g").is_disjoint(&column(&test, "g")));
}

/// `31/12/2024` gave an empty test part and a warning; a single bad cell was found by `train`.
#[test]
fn times_that_cannot_be_read_are_refused_by_prepare() {
    let dir = project(&grouped().replace(",2024-03-11,", ",soon,"));
    let error = fails(&dir, 4, "prepare", &["tabular.data.time=t"]);
    assert!(error.contains("(t)") && error.contains("`soon`"), "{error}");
}

#[test]
fn a_planted_leak_is_found_and_may_be_allowed() {
    let dir = Workdir::project();
    let sets = ["tabular.sample={rows: 600, incoming: 20, houses: 20, leak: true}"];
    dir.ok(&with(&["sample", "tabular"], &sets));
    let ran = dir.run(&["validate", "tabular"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stdout
            .contains("`retention_offer` alone gives the target away"),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("set tabular.data.columns.retention_offer to ignore"),
        "{ran:?}"
    );
    dir.ok(&with(
        &["validate", "tabular"],
        &["tabular.data.columns={retention_offer: ignore}"],
    ));
    let rules = "easylife: \"0.1\"\ntask:\n  giveaway: {max: 0.99, level: warning}\n";
    dir.write("schema/tabular.yaml", rules);
    let ran = dir.run(&["validate", "tabular"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("warning  retention_offer"), "{ran:?}");
}

/// Words were judged by the other half of the rows, every second one: classes that alternate gave each away.
#[test]
fn an_innocent_category_beside_alternating_classes_is_no_leak() {
    let text = table("c,x,y", 200, |i| {
        format!(
            "{},{}.{},{}",
            ["p", "q", "r", "s"][i / 50],
            i * 37 % 101,
            i,
            ["no", "yes"][i % 2]
        )
    });
    let ran = run(&project(&text), "validate", &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn columns_are_what_the_parameters_say() {
    for (columns, seen) in [
        ("{a: category}", "a (category)"),
        ("{a: text}", "a (text)"),
        ("{b: text}", "b (text)"),
        ("{t: category}", "t (category)"),
        ("{b: ignore}", "b: by tabular.data.columns"),
    ] {
        let dir = learned(&[LINEAR, &format!("tabular.data.columns={columns}")]);
        let said = dir.ok(&["inspect", "tabular"]);
        assert!(said.contains(seen), "{columns}: {said}");
    }
    let dir = learned(&[LINEAR]);
    for (code, columns, words) in [
        (
            4,
            "{b: number}",
            "train.csv:2, column `b`: `p` is not a number (",
        ),
        (4, "{b: time}", "column `b`: `p` is not a date or time ("),
        (
            4,
            "{b: boolean}",
            "column `b`: `p` is neither true nor false (",
        ),
        (4, "{t: number}", "is not a number ("),
        (
            4,
            "{a: ignore, b: ignore, f: ignore, t: ignore}",
            "no columns to predict from",
        ),
        (
            2,
            "{nope: number}",
            "the table has no such column; it has: a, b, f, t, y",
        ),
        (
            2,
            "{y: number}",
            "the column is the target, the weight or the group",
        ),
        (2, "{a: integer}", "unknown variant `integer`"),
    ] {
        let error = refused(&dir, code, &[&format!("tabular.data.columns={columns}")]);
        assert!(error.contains(words), "{columns}: {error}");
    }
}

/// Any number was taken for true or false.
#[test]
fn numbers_that_are_not_0_or_1_are_no_booleans() {
    let dir = learned(&[LINEAR]);
    let (ran, _) = predicted(&dir, "a,b,f,t\n1,p,7,2024-01-01\n", &[]);
    assert!(
        ran.code == 4 && ran.stderr.contains("new.csv:2: column `f`: `7`"),
        "{ran:?}"
    );
    let error = refused(&dir, 4, &["tabular.data.columns={a: boolean}"]);
    assert!(error.contains("is neither true nor false"), "{error}");
}

/// `2024` and `20240101` were seconds since 1970.
#[test]
fn numbers_are_no_dates_where_dates_were_learned() {
    let dir = learned(&[LINEAR]);
    for cell in ["2024", "20240101"] {
        let (ran, _) = predicted(&dir, &format!("a,b,f,t\n1,p,true,{cell}\n"), &[]);
        assert!(
            ran.code == 4 && ran.stderr.contains("column `t`"),
            "{cell}: {ran:?}"
        );
    }
}

#[test]
fn settings_of_columns_and_classes_that_do_not_exist_are_refused() {
    let dir = learned(&[LINEAR]);
    for (set, words) in [
        (
            "tabular.model.cost={maybe: {no: 5}}",
            "tabular.model.cost.maybe: no such class; the target has: no, yes",
        ),
        (
            "tabular.model.cost={yes: {maybe: 5}}",
            "tabular.model.cost.yes.maybe: no such class",
        ),
        (
            "tabular.model.cost={yes: {no: -5}}",
            "-5 is not a cost of 0 or more",
        ),
        (
            "tabular.model.trees.monotone={nope: 1}",
            "tabular.model.trees.monotone.nope: no such column",
        ),
        (
            "tabular.model.trees.monotone={b: 1}",
            "the column is a category; only numbers have a direction",
        ),
        (
            "tabular.model.trees.monotone={a: 3}",
            "3 is not 1 (rising), -1 (falling) or 0",
        ),
        (
            "tabular.model.trees.interactions=[[a, nope]]",
            "no column `nope` is predicted from",
        ),
        ("tabular.data.kind=silly", "unknown variant `silly`"),
        (
            "tabular.data.quantiles=[0.9, 0.1]",
            "expected levels between 0 and 1, ascending",
        ),
        ("tabular.model.folds=1", "1 is not a number from 2 to 100"),
    ] {
        let error = refused(&dir, 2, &[set]);
        assert!(error.contains(words), "{set}: {error}");
    }
    let quantiles = ["tabular.data.kind=quantiles", "tabular.model.kind=linear"];
    let dir = project(&table("a,y", 60, |i| format!("{},{i}.5", i % 7)));
    let error = refused(&dir, 2, &quantiles);
    assert!(
        error.contains("there is no linear model of quantiles; set it to trees or auto"),
        "{error}"
    );
}

#[test]
fn costs_move_the_answer_and_constraints_hold() {
    let dir = learned(&[LINEAR, "tabular.model.cost={yes: {no: 50}, no: {yes: 1}}"]);
    let unsure = asked(&dir, "a=8,b=p");
    assert_eq!(unsure["prediction"], "yes", "{unsure}");
    let dir = learned(&[TREES, "tabular.model.trees.monotone={a: 1}"]);
    let of_yes = |a: usize| {
        let answer = asked(&dir, &format!("a={a},b=q"));
        let p = number(&answer["probability"]);
        if answer["prediction"] == "yes" {
            p
        } else {
            1.0 - p
        }
    };
    let rising: Vec<f64> = (0..23).step_by(2).map(of_yes).collect();
    assert!(rising.is_sorted(), "{rising:?}");
}

/// A model of a column `prediction` could be trained and never used.
#[test]
fn columns_that_predict_adds_are_no_inputs() {
    let text = learnable(200).replacen("a,b,f,t,y", "a,prediction,f,t,y", 1);
    let dir = project(&text);
    ok(&dir, "prepare", &[]);
    let ran = run(&dir, "train", &[LINEAR]);
    let said = ran.code != 0 && ran.stderr.contains("`prediction`");
    assert!(
        said || !dir
            .ok(&["inspect", "tabular"])
            .contains("prediction (category)"),
        "{ran:?}"
    );
}

#[test]
fn a_split_by_time_reads_dates_with_the_day_first() {
    let text = table("a,t,y", 200, |i| {
        let (day, month) = (i % 28 + 1, i % 12 + 1);
        format!(
            "{},{day:02}/{month:02}/2024,{}",
            i % 23,
            ["no", "yes"][i % 23 / 12]
        )
    });
    let dir = project(&text);
    let sets = ["tabular.data.time=t", LINEAR];
    for verb in ["prepare", "train", "evaluate"] {
        ok(&dir, verb, &sets);
    }
    let month = |row: &HashMap<String, String>| row["t"][3..5].to_owned();
    let months = |name: &str| {
        part(&dir, name)
            .iter()
            .map(month)
            .collect::<BTreeSet<String>>()
    };
    assert!(months("train").last() <= months("test").first());
    assert!(part(&dir, "test").len() > 20);
}
