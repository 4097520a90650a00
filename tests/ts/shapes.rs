//! Tables of every shape: ids in several columns, in one, in none; a column a series.

use super::*;

/// Business-day sales of two shops and two fruits, of which "a b" with "c" is not "a" with "b c".
fn sales(header: &str) -> String {
    let mut rows = header.to_owned();
    let mut day = 0;
    while day < 84 {
        let date = jiff::civil::date(2024, 1, 1) + jiff::Span::new().days(day);
        for (number, ids) in ["a b,c", "a,b c", "a / b,c", "a,b / c"].iter().enumerate() {
            let y = 50 + 10 * number + (day as usize * 37 + 11) % 17;
            rows += &format!("{date},{ids},{y}\n");
        }
        day += if day % 7 == 4 { 3 } else { 1 };
    }
    rows
}

const BOTH: [&str; 6] = [
    "-S",
    "ts.data.id=[store, item]",
    "-S",
    "ts.data.time=date",
    "-S",
    "ts.data.value=sales",
];

#[test]
fn ids_of_several_columns_name_a_series_together_and_come_back() {
    let dir = trained(&sales("date,store,item,sales\n"), &BOTH);
    for verb in ["validate", "evaluate"] {
        dir.ok(&[&[verb, "ts"], &MINE[..], &BOTH].concat());
    }
    let page = dir.read("reports/ts.html");
    assert!(
        page.contains("a b / c") && page.contains("a / b c"),
        "{page}"
    );
    let text = dir.ok(&["predict", "ts", "-o", "-", "--horizon", "1", "-q"]);
    let mut lines = text.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("store,item,ds,mean,lo-80"),
        "{text}"
    );
    let ids: Vec<String> = lines
        .map(|line| line.split(',').take(2).collect::<Vec<_>>().join(","))
        .collect();
    assert_eq!(ids, ["a b,c", "a,b c", "a / b,c", "a,b / c"]);
    let why = dir.ok(&["explain", "ts", "a b / c"]);
    assert!(
        why.starts_with("a b / c: ") && why.contains(", next "),
        "{why}"
    );
    let why = dir.ok(&["explain", "ts", "a \\/ b / c"]);
    assert!(
        why.starts_with("a \\/ b / c: ") && why.contains(", next "),
        "{why}"
    );

    dir.write(
        "new.csv",
        "item,sales,date,store\nc,200,2024-03-25,a b\nc,1,2024-03-25,west\n",
    );
    let args = [
        "predict",
        "ts",
        "-i",
        "new.csv",
        "-o",
        "out.csv",
        "--horizon",
        "1",
    ];
    let ran = dir.run(&args);
    assert_eq!(ran.code, 7, "{ran:?}");
    let out = dir.read("out.csv");
    assert!(
        out.contains("\na b,c,2024-03-26,") && out.contains("\na,b c,2024-03-25,"),
        "{out}"
    );
    assert!(
        dir.read("out.csv.rejects.csv")
            .contains("series `west / c`: it is unknown to the model")
    );
}

#[test]
fn a_bad_row_names_the_series_of_several_columns() {
    let dir = with(&(sales("date,store,item,sales\n") + "2024-03-25,a,b c,many\n"));
    let error = dir.fails(4, &[&["prepare", "ts"], &MINE[..], &BOTH].concat());
    assert!(
        error.contains("mine.csv:242: column 4 (sales): series `a / b c`: `many`"),
        "{error}"
    );
    dir.write(
        "mine.csv",
        sales("date,store,item,sales\n") + "2024-03-25,,b c,1\n",
    );
    let error = dir.fails(4, &[&["prepare", "ts"], &MINE[..], &BOTH].concat());
    assert!(
        error.contains("mine.csv:242: column 2 (store): the id is empty"),
        "{error}"
    );
}

#[test]
fn a_list_of_ids_is_checked() {
    let dir = with(&sales("date,store,item,sales\n"));
    for (set, words) in [
        ("ts.data.id=[store, store]", "`store` is named twice"),
        ("ts.data.id=[store, ds]", "their own column `ds`"),
        ("ts.data.id=[]", "write null if there is only one series"),
        ("ts.data.layout=wide", "so there are no ids: write null"),
        ("ts.data.value=[a, b]", "so there are no ids: write null"),
    ] {
        let set = match set.contains("id=") {
            true => vec!["-S", set, "-S", "ts.data.time=date"],
            false => vec!["-S", set, "-S", "ts.data.id=store"],
        };
        let error = dir.fails(2, &[&["prepare", "ts"], &set[..]].concat());
        assert!(error.contains(words), "{set:?}: {error}");
    }
}

/// A row a month, with a column for each of two products.
fn wide(months: usize) -> String {
    let mut text = "month,pears (kg),plums\n".to_owned();
    for m in 0..months {
        let (a, b) = (100 + m + 3 * (m % 12), 50 + (m * 37 + 11) % 17);
        let b = match m {
            0 => String::new(),
            _ => b.to_string(),
        };
        text += &format!("{}-{:02},{a},{b}\n", 2020 + m / 12, m % 12 + 1);
    }
    text
}

const MONTH: [&str; 2] = ["-S", "ts.data.time=month"];

#[test]
fn each_column_of_a_wide_table_is_a_series() {
    let dir = with(&wide(48));
    let said = dir.run(&[&["prepare", "ts"], &MINE[..], &MONTH].concat());
    assert!(
        said.stderr
            .contains("each of 2 columns is taken as a series (pears (kg), plums)"),
        "{said:?}"
    );
    // The second begins a month later.
    assert!(
        said.stdout
            .contains("2 series, monthly, 83 train and 12 test steps"),
        "{said:?}"
    );
    let prepared = dir.read("data/processed/ts/train.csv");
    for verb in ["validate", "train", "evaluate"] {
        dir.ok(&[&[verb, "ts"], &MINE[..], &MONTH].concat());
    }
    let text = dir.ok(&["predict", "ts", "-o", "-", "--horizon", "1", "-q"]);
    assert!(text.starts_with("unique_id,ds,mean"), "{text}");
    assert!(
        text.contains("\npears (kg),2024-01-01,") && text.contains("\nplums,2024-01-01,"),
        "{text}"
    );
    // Newer rows as the source has them, and with a series that nobody knows.
    dir.write(
        "new.jsonl",
        "{\"month\":\"2024-01\",\"plums\":null,\"pears (kg)\":140,\"figs\":1}\n",
    );
    let ran = dir.run(&[
        "predict",
        "ts",
        "-i",
        "new.jsonl",
        "-o",
        "out.csv",
        "--horizon",
        "1",
    ]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(dir.read("out.csv").contains("\npears (kg),2024-02-01,"));
    assert!(
        dir.read("out.csv.rejects.csv")
            .contains("series `figs`: it is unknown to the model")
    );

    // Said, of some of the columns, and with a test file.
    let all = wide(48);
    let (head, tail) = all.split_at(all.find("2023-07").unwrap());
    dir.write("mine.csv", head);
    dir.write("later.csv", format!("month,pears (kg),plums\n{tail}"));
    let test = ["-S", "ts.data.test=later.csv"];
    for more in [
        &["-S", "ts.data.layout=wide"][..],
        &[
            "-S",
            "ts.data.value=[pears (kg), plums]",
            "-S",
            "ts.data.id=null",
        ],
    ] {
        for verb in ["validate", "prepare"] {
            dir.ok(&[&[verb, "ts"], &MINE[..], &MONTH, &test, more].concat());
        }
        let again = dir.read("data/processed/ts/train.csv");
        assert!(again.starts_with(&prepared), "{again}");
    }
    let only = ["-S", "ts.data.value=[plums]"];
    let one = dir.ok(&[&["prepare", "ts"], &MINE[..], &MONTH, &test, &only].concat());
    assert!(one.contains("1 series"), "{one}");
}

#[test]
fn a_cell_of_a_wide_table_is_named_by_its_column() {
    let dir = with(&wide(24).replace("2020-05,116,56", "2020-05,116,many"));
    let wide = ["-S", "ts.data.layout=wide"];
    let args = [&["prepare", "ts"], &MINE[..], &MONTH, &wide].concat();
    let error = dir.fails(4, &args);
    assert!(
        error.contains("mine.csv:6: column 3 (plums): series `plums`: `many`"),
        "{error}"
    );
    let found = dir.run(&[&["validate", "ts"], &MINE[..], &MONTH, &wide].concat());
    let finding = "plums: 1 value (4.17 %) is not of type float [type]; first mine.csv:6";
    assert!(
        found.code == 4 && found.stdout.contains(finding),
        "{found:?}"
    );
    // Where nothing is said, texts are not taken for a series.
    let error = dir.fails(4, &[&["prepare", "ts"], &MINE[..], &MONTH].concat());
    assert!(
        error.contains("there are no columns `unique_id` and `y`")
            && error.contains("ts.data.layout: wide"),
        "{error}"
    );
    dir.write("mine.csv", "month,a,b\nsoon,1,2\n");
    let error = dir.fails(4, &args);
    assert!(
        error.contains("mine.csv:2: column 1 (month): `soon`"),
        "{error}"
    );
}

#[test]
fn rows_without_an_id_are_one_series() {
    let one: String = "month,passengers\n".to_owned()
        + &wide(48)
            .lines()
            .skip(1)
            .map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n")
            .collect::<String>();
    let value = ["-S", "ts.data.value=passengers"];
    let dir = with(&one);
    let said = dir.run(&[&["prepare", "ts"], &MINE[..], &MONTH, &value].concat());
    assert!(
        said.stderr
            .contains("all rows are taken as one series, `passengers` (set ts.data.id: null"),
        "{said:?}"
    );
    let null = ["-S", "ts.data.id=null"];
    for verb in ["validate", "prepare", "train", "evaluate"] {
        dir.ok(&[&[verb, "ts"], &MINE[..], &MONTH, &value, &null].concat());
    }
    dir.write("new.csv", "month,passengers\n2024-01,150\n");
    let args = [
        "predict",
        "ts",
        "-i",
        "new.csv",
        "-o",
        "-",
        "--horizon",
        "1",
        "-q",
    ];
    let text = dir.ok(&args);
    assert!(text.contains("\npassengers,2024-02-01,"), "{text}");
    // Rows that repeat a time are of several series.
    let dir = with(&sales("date,store,item,sales\n"));
    let error = dir.fails(4, &[&["prepare", "ts"], &MINE[..], &BOTH[2..]].concat());
    assert!(error.contains("there is no column `unique_id`"), "{error}");
    let error = dir.fails(
        4,
        &[&["prepare", "ts"], &MINE[..], &BOTH[2..], &null].concat(),
    );
    assert!(error.contains("ts.data.id"), "{error}");
}

/// Store 1 and 2 are whole numbers as the sales are: no column of them is a series.
#[test]
fn a_long_table_of_numbers_is_not_taken_for_a_wide_one() {
    let mut text = "date,store,sales\n".to_owned();
    for store in [1, 2] {
        for m in 0..24 {
            text += &format!("{},{store},{}\n", month(m), 10 + m);
        }
    }
    let dir = with(&text);
    let error = dir.fails(
        4,
        &[&["prepare", "ts"], &MINE[..], &["-S", "ts.data.time=date"]].concat(),
    );
    assert!(
        error.contains("there are no columns `unique_id` and `y`"),
        "{error}"
    );
}
