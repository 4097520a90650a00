//! `easylife init`, and the whole pipeline in what it makes.

mod support;
use support::Workdir;

#[test]
fn a_new_project_runs_at_once() {
    let dir = Workdir::empty();
    dir.ok(&["init", "mine"]);
    let project = dir.path("mine").display().to_string();
    for verb in ["sample", "prepare", "train", "evaluate", "gate"] {
        dir.ok(&[verb, "all", "--project", &project]);
    }
    let metrics: serde_json::Value =
        serde_json::from_str(&dir.read("mine/metrics/nlp.json")).unwrap();
    let accuracy = metrics["accuracy"].as_f64().unwrap();
    let baseline = metrics["baseline"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.8 && baseline < 0.6, "{metrics}");
    assert_eq!(
        dir.names("mine"),
        [
            ".dvcignore",
            ".easylife",
            ".gitignore",
            "README.md",
            "data",
            "dvc.yaml",
            "metrics",
            "models",
            "params.schema.json",
            "params.yaml",
            "plots",
            "reports",
            "schema"
        ]
    );
}

#[test]
fn nothing_is_overwritten() {
    let dir = Workdir::empty();
    dir.write("dvc.yaml", "mine");
    let message = dir.fails(2, &["init"]);
    assert!(message.contains("dvc.yaml"), "{message}");
    assert_eq!(dir.names("."), ["dvc.yaml"]);
    assert_eq!(dir.read("dvc.yaml"), "mine");
}

#[test]
fn a_project_is_found_from_a_folder_below() {
    let dir = Workdir::project();
    std::fs::create_dir_all(dir.path("a/b")).unwrap();
    let status = dir
        .command(&["sample", "nlp", "-q"])
        .current_dir(dir.path("a/b"))
        .status()
        .unwrap();
    assert!(status.success());
    assert!(dir.exists("data/raw/nlp/reviews.csv"));
}

#[test]
fn sample_overwrites_only_what_it_wrote() {
    let dir = Workdir::project();
    dir.ok(&["sample", "nlp"]);
    let first = dir.bytes("data/raw/nlp/reviews.csv");
    dir.ok(&["sample", "nlp", "-S", "seed=1"]);
    assert_ne!(
        dir.bytes("data/raw/nlp/reviews.csv"),
        first,
        "another seed, other reviews"
    );
    dir.ok(&["sample", "nlp"]);
    assert_eq!(dir.bytes("data/raw/nlp/reviews.csv"), first);

    dir.write("data/raw/nlp/reviews.csv", "text,label\nmine,x\n");
    let message = dir.fails(2, &["sample", "nlp"]);
    assert!(message.contains("edited since"), "{message}");
    assert_eq!(dir.read("data/raw/nlp/reviews.csv"), "text,label\nmine,x\n");
}

/// Texts of two classes under the names, and with the delimiter, of some stranger.
fn strange_reviews() -> String {
    let row = |i: usize| {
        let (word, label) = if i.is_multiple_of(2) {
            ("lovely", "good")
        } else {
            ("awful", "poor")
        };
        format!("{i};a {word} thing, number {i};{label}\n")
    };
    format!(
        "id;review;sentiment\n{}",
        (0..120).map(row).collect::<String>()
    )
}

#[test]
fn a_strangers_texts_become_a_project_of_one_task() {
    let dir = Workdir::empty();
    dir.write("sst.csv", strange_reviews());
    let said = dir.ok(&["init", "--task", "nlp", "--source", "sst.csv"]);
    for part in [
        "nlp.data.delimiter: ;",
        "nlp.data.text: review",
        "nlp.data.label: sentiment",
        "easylife repro",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let params = dir.read("params.yaml");
    assert!(
        !params.contains("\nts:") && !params.contains("sample"),
        "{params}"
    );
    let stages = dir.read("dvc.yaml");
    for left_out in [
        "data/raw",
        "easylife sample",
        "ts confusion",
        "recsys:",
        "${cv",
    ] {
        assert!(!stages.contains(left_out), "{left_out}: {stages}");
    }
    let ran = dir.run(&["repro"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!dir.exists("data/raw"));
    assert!(dir.json("metrics/nlp.json")["accuracy"].as_f64().unwrap() > 0.9);
    dir.ok(&[
        "predict",
        "nlp",
        "-i",
        "sst.csv",
        "--delimiter",
        ";",
        "-o",
        "out.csv",
    ]);
    // `all` is what the project has.
    let said = dir.ok(&["prepare", "all"]);
    assert!(
        said.starts_with("data/processed/nlp") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn strange_tables_of_every_task_run_as_a_pipeline() {
    // December and January, 31 days each.
    let days = |shop: &str, k: usize| -> String {
        let day = |d: usize| {
            let month = if d < 31 { "2023-12" } else { "2024-01" };
            format!(
                "{month}-{:02},{shop},{}\n",
                d % 31 + 1,
                10 + (d % 7) * k + d * d % 5
            )
        };
        (0..62).map(day).collect()
    };
    let sales = format!("date,shop,units\n{}{}", days("north", 2), days("south", 3));
    let mut views = String::from("userId,movieId,stars,when\n");
    for user in 0..40 {
        for n in 0..6 {
            views += &format!(
                "{user},{},{},{}\n",
                (user + n * 3) % 15,
                3 + n % 3,
                1_600_000_000 + n * 500 + user
            );
        }
    }
    for (task, file, text, options, expected) in [
        (
            "ts",
            "sales.csv",
            &sales,
            &["--value", "units"][..],
            &[
                "ts.data.id: shop  (found",
                "ts.data.time: date  (found",
                "ts.data.value: units\n",
            ][..],
        ),
        (
            "recsys",
            "views.csv",
            &views,
            &["--time", "when"],
            &[
                "recsys.data.user: userId",
                "recsys.data.item: movieId",
                "recsys.data.rating: stars",
                "recsys.data.time: when\n",
            ],
        ),
    ] {
        let dir = Workdir::empty();
        dir.write(file, text);
        let said = dir.ok(&[&["init", "mine", "--task", task, "--source", file], options].concat());
        for part in expected {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(
            dir.read("mine/params.yaml")
                .contains(&format!("source: ../{file}"))
        );
        let ran = dir.run(&["repro", "--project", "mine"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(dir.exists(&format!("mine/models/{task}.safetensors")));
    }
}

/// Forty days of a series in a file of its own, each written by `write` from day and month.
fn days(dir: &Workdir, file: &str, write: impl Fn(u32, u32) -> String) {
    let row = |d: u32| {
        let (day, month) = if d < 31 { (d + 1, 1) } else { (d - 30, 2) };
        format!("{},{}\n", write(day, month), d % 7)
    };
    let rows: String = (0..40).map(row).collect();
    dir.write(file, format!("date,units\n{rows}"));
}

#[test]
fn dates_that_are_not_iso_get_their_format() {
    let dir = Workdir::empty();
    days(&dir, "eu.csv", |day, month| {
        format!("{day:02}.{month:02}.2024")
    });
    days(&dir, "us.csv", |day, month| {
        format!("{month}/{day}/2024 10:00 PM")
    });
    for (file, pattern) in [("eu", "%d.%m.%Y"), ("us", "%m/%d/%Y %I:%M %p")] {
        let source = format!("{file}.csv");
        let said = dir.ok(&["init", file, "--task", "ts", "--source", &source]);
        assert!(said.contains("ts.data.time: date  (found"), "{said}");
        let words = format!("ts.data.date_format: {pattern}  (found");
        assert!(said.contains(&words), "{said}");
        let params = dir.read(&format!("{file}/params.yaml"));
        assert!(
            params.contains(&format!("\n    date_format: \"{pattern}\"\n")),
            "{params}"
        );
        assert_eq!(params.matches("date_format:").count(), 1, "{params}");
        let ran = dir.run(&["prepare", "ts", "--project", file]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    // Interactions, whose template has the key in a comment.
    let views: String = (0..40)
        .map(|n| format!("u{},i{},{}/01/2024\n", n % 8, n % 9, n % 28 + 1))
        .collect();
    dir.write("views.csv", format!("user_id,item_id,date\n{views}"));
    let said = dir.ok(&["init", "r", "--task", "recsys", "--source", "views.csv"]);
    assert!(
        said.contains("recsys.data.date_format: %d/%m/%Y  (found"),
        "{said}"
    );
    let params = dir.read("r/params.yaml");
    assert_eq!(params.matches("date_format:").count(), 1, "{params}");
    let ran = dir.run(&["prepare", "recsys", "--project", "r"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn dates_that_may_be_two_are_asked_for() {
    let dir = Workdir::empty();
    let months: String = (1..=12).map(|m| format!("01/{m:02}/2024,{m}\n")).collect();
    dir.write("m.csv", format!("date,units\n{months}"));
    let init = ["init", "mine", "--task", "ts", "--source", "m.csv"];
    let error = dir.fails(2, &init);
    let words = "m.csv: column `date`: `01/02/2024` may be \"%d/%m/%Y\" (2024-02-01) or \"%m/%d/%Y\" \
                 (2024-01-02); name the format with --date-format FORMAT";
    assert!(error.contains(words), "{error}");
    assert!(!dir.exists("mine"));
    let other = [&init[..], &["--date-format", "%d.%m.%Y"]].concat();
    let error = dir.fails(2, &other);
    let words = "m.csv: column `date`: `01/01/2024` is not a time in the format \"%d.%m.%Y\"";
    assert!(error.contains(words), "{error}");
    let error = dir.fails(2, &[&init[..], &["--date-format", "%d/%m"]].concat());
    assert!(
        error.contains("--date-format: `%d/%m` gives no dates"),
        "{error}"
    );
    dir.ok(&[&init[..], &["--date-format", "%m/%d/%Y"]].concat());
    assert!(
        dir.read("mine/params.yaml")
            .contains("date_format: \"%m/%d/%Y\"")
    );
}

#[test]
fn columns_that_cannot_be_told_are_asked_for() {
    let dir = Workdir::empty();
    dir.write("x.csv", "a,b,c\n1,2,3\n4,5,6\n");
    let message = dir.fails(2, &["init", "--task", "ts", "--source", "x.csv"]);
    assert!(
        message.contains("name it with --time NAME; there are: a, b, c"),
        "{message}"
    );
    let message = dir.fails(
        2,
        &["init", "--task", "ts", "--source", "x.csv", "--time", "d"],
    );
    assert!(
        message.contains("there is no column `d` for --time"),
        "{message}"
    );
    let message = dir.fails(
        2,
        &["init", "--task", "ts", "--source", "x.csv", "--user", "a"],
    );
    assert!(
        message.contains("--user is no column of ts; it has --id, --time, --value"),
        "{message}"
    );
    assert_eq!(dir.names("."), ["x.csv"], "nothing was written");
}

/// Columns of the very names that the task has by default are meant, whatever few rows show.
#[test]
fn columns_of_the_usual_names_are_taken() {
    let dir = Workdir::empty();
    dir.write("two.csv", "text,label,text_clean\ngood,1,good\nbad,0,bad\n");
    let said = dir.ok(&["init", "--task", "nlp", "--source", "two.csv"]);
    assert!(
        said.contains("nlp.data.text: text ") && said.contains("nlp.data.label: label "),
        "{said}"
    );
}

#[test]
fn a_source_that_is_not_there_names_what_to_do() {
    let dir = Workdir::project();
    let message = dir.fails(1, &["prepare", "ts", "-S", "ts.data.source=nowhere.csv"]);
    for part in ["nowhere.csv", "set ts.data.source", "easylife sample ts"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// Keys that an error names are those of the task at hand.
#[test]
fn another_delimiter_names_the_key_to_set() {
    let dir = Workdir::project();
    dir.write("sst.csv", strange_reviews());
    let read = "the columns of sst.csv are separated by `;`; override it with nlp.data.delimiter";
    let wrong = [
        "-S",
        "nlp.data.source=sst.csv",
        "-S",
        "nlp.data.delimiter='|'",
    ];
    for verb in ["prepare", "validate"] {
        let ran = dir.run(&[&[verb, "nlp"], &wrong[..2]].concat());
        assert!(ran.stderr.contains(read), "{verb}: {ran:?}");
        let ran = dir.run(&[&[verb, "nlp"], &wrong[..]].concat());
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(
            ran.stderr.contains("set nlp.data.delimiter to ';'"),
            "{verb}: {ran:?}"
        );
    }
}

/// Every column that is missing, the key that names it, and what is likely meant.
#[test]
fn a_missing_column_names_the_keys_to_set() {
    let dir = Workdir::project();
    dir.write("sales.csv", "date,shop,units\n2024-01-01,a,1\n");
    for verb in ["prepare", "validate"] {
        let ran = dir.run(&[verb, "ts", "-S", "ts.data.source=sales.csv"]);
        assert_eq!(ran.code, 4, "{ran:?}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        for part in [
            "`ts.data.id: shop`",
            "`ts.data.time: date`",
            "`ts.data.value: units`",
            "-S ts.data.time=date",
        ] {
            assert!(said.contains(part), "{verb}: {part}: {said}");
        }
    }
}

#[test]
fn a_strangers_file_to_score_is_scored_by_the_pipeline() {
    let dir = Workdir::empty();
    dir.write("sst.csv", strange_reviews());
    dir.write("new.csv", "id;review\n1;a lovely thing\n2;an awful thing\n");
    let init = ["init", "mine", "--task", "nlp", "--source", "sst.csv"];
    dir.ok(&[&init[..], &["--score", "new.csv"]].concat());
    let ran = dir.run(&["repro", "--project", "mine"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let scored = dir.read("mine/data/scored/nlp.csv");
    assert!(scored.contains("a lovely thing,good,"), "{scored}");
    // Without one, the stage is there to be taken up.
    dir.ok(&["init", "other", "--task", "nlp", "--source", "sst.csv"]);
    assert!(dir.read("other/dvc.yaml").contains("\n  # predict:\n"));
    // Forecasts need nothing but the model.
    let days = (1..=28).map(|d| format!("a,2024-01-{d:02},{}\n", d % 7));
    let days = days.chain((1..=29).map(|d| format!("a,2024-02-{d:02},{}\n", (d + 3) % 7)));
    dir.write(
        "days.csv",
        format!("shop,day,sales\n{}", days.collect::<String>()),
    );
    dir.ok(&["init", "demand", "--task", "ts", "--source", "days.csv"]);
    let stages = dir.read("demand/dvc.yaml");
    assert!(
        stages.contains("easylife predict ${key}") && !stages.contains("predict.input"),
        "{stages}"
    );
}

/// Sales by store and item, all of them numbers, as a German spreadsheet writes them.
fn by_store_and_item() -> String {
    let mut text = "date;store;item;promo;sales\n".to_owned();
    for store in 1..4 {
        for item in 1..6 {
            for day in 0..90 {
                let date = jiff::civil::date(2024, 1, 1) + jiff::Span::new().days(day);
                let promo = i64::from(day % 9 == 0);
                text += &format!(
                    "{date};{store};{item};{promo};1.{:03},5\n",
                    100 + day * 7 % 90
                );
            }
        }
    }
    text
}

#[test]
fn the_fewest_columns_that_tell_series_apart_are_their_ids() {
    let dir = Workdir::empty();
    dir.write("sales.csv", by_store_and_item());
    let init = |folder: &str, more: &[&str]| {
        dir.ok(&[
            &["init", folder, "--task", "ts", "--source", "sales.csv"],
            more,
        ]
        .concat())
    };
    let said = init("found", &[]);
    for words in [
        "ts.data.id: store, item  (found",
        "ts.data.value: sales  (found",
        "ts.data.decimal: ,  (found",
        "ts.data.delimiter: ;  (found",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let found = dir.read("found/params.yaml");
    assert!(
        found.contains("    id: [store, item]\n") && found.contains("    decimal: \",\"\n"),
        "{found}"
    );
    let said = init("named", &["--id", "store,item"]);
    assert!(said.contains("ts.data.id: store, item\n"), "{said}");
    assert_eq!(dir.read("named/params.yaml"), found);
    let project = dir.path("found").display().to_string();
    let prepared = dir.ok(&["prepare", "ts", "--project", &project]);
    assert!(prepared.contains("15 series, daily"), "{prepared}");
    let error = dir.fails(
        2,
        &[
            "init",
            "x",
            "--task",
            "ts",
            "--source",
            "sales.csv",
            "--id",
            "store,itm",
        ],
    );
    assert!(
        error.contains("no column `itm` for --id; did you mean `item`"),
        "{error}"
    );
}

#[test]
fn tables_without_ids_are_one_series_or_wide() {
    let dir = Workdir::empty();
    let row = |m: usize| {
        format!(
            "{}-{:02},{},{}",
            2019 + m / 12,
            m % 12 + 1,
            100 + m,
            50 + m % 7
        )
    };
    let rows: Vec<String> = (0..60).map(row).collect();
    dir.write(
        "wide.csv",
        "month,product_a,product_b\n".to_owned() + &rows.join("\n") + "\n",
    );
    dir.write(
        "one.csv",
        "month,temperature,sales\n".to_owned() + &rows.join("\n") + "\n",
    );
    for (name, words, series) in [
        ("wide", "ts.data.layout: wide  (found", "2 series, monthly"),
        ("one", "ts.data.value: sales  (found", "1 series, monthly"),
    ] {
        let source = format!("{name}.csv");
        let said = dir.ok(&["init", name, "--task", "ts", "--source", &source]);
        assert!(
            said.contains(words) && said.contains("ts.data.id: null  (found"),
            "{said}"
        );
        let project = dir.path(name).display().to_string();
        let prepared = dir.ok(&["prepare", "ts", "--project", &project]);
        assert!(prepared.contains(series), "{prepared}");
    }
}

/// Any whole number may be a time, so that what is written as a date is the time, whatever its name.
#[test]
fn the_only_dates_are_the_times() {
    let dir = Workdir::empty();
    for (name, date) in [
        ("iso", ["2024-01-01", "2024-01-02", "2024-01-03"]),
        ("quarters", ["2023Q4", "2024Q1", "2024Q2"]),
        ("weeks", ["2024-W05", "2024-W06", "2024-W07"]),
        ("points", ["29.01.2024", "30.01.2024", "31.01.2024"]),
    ] {
        let rows: String = date
            .iter()
            .zip(3..)
            .map(|(date, sold)| format!("{date},{sold}\n"))
            .collect();
        dir.write("in.csv", format!("when,sold\n{rows}"));
        let said = dir.ok(&["init", name, "--task", "ts", "--source", "in.csv"]);
        assert!(said.contains("ts.data.time: when  (found"), "{said}");
    }
    // Day numbers of a spreadsheet are refused until it is said what they are.
    let rows: String = (45_292..45_352)
        .map(|day| format!("{day},{}\n", day % 7))
        .collect();
    dir.write("in.csv", format!("day,sold\n{rows}"));
    dir.ok(&["init", "days", "--task", "ts", "--source", "in.csv"]);
    let message = dir.fails(4, &["prepare", "ts", "--project", "days"]);
    assert!(
        message.contains("set ts.data.date_format: excel, or number"),
        "{message}"
    );
    dir.ok(&[
        "prepare",
        "ts",
        "--project",
        "days",
        "-S",
        "ts.data.date_format=excel",
    ]);
    assert!(
        dir.read("days/data/processed/ts/train.csv")
            .contains("2024-01-02")
    );
}
