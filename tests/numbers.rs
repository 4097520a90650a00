//! Numbers as spreadsheets write them: decimal commas and marks between thousands.

mod support;
use support::Workdir;

/// Daily sales of two shops under a decimal comma, with a mark between thousands.
fn sales() -> String {
    let mut text = "Datum;Filiale;Umsatz\n".to_owned();
    for day in 0..60 {
        let date = jiff::civil::date(2024, 1, 1) + jiff::Span::new().days(day);
        for shop in ["north", "south"] {
            text += &format!("{date};{shop};1.{:03},{}\n", 100 + day * 7 % 100, day % 10);
        }
    }
    text
}

const COLUMNS: [&str; 12] = [
    "-S",
    "ts.data.source=sales.csv",
    "-S",
    "ts.data.delimiter=;",
    "-S",
    "ts.data.time=Datum",
    "-S",
    "ts.data.id=Filiale",
    "-S",
    "ts.data.value=Umsatz",
    "-S",
    "ts.split.test=7",
];

#[test]
fn a_decimal_comma_is_refused_with_the_key_and_read_where_it_is_said() {
    let dir = Workdir::project();
    dir.write("sales.csv", sales());
    let error = dir.fails(4, &[&["prepare", "ts"], &COLUMNS[..]].concat());
    assert!(
        error.contains("sales.csv:2: column 3 (Umsatz): series `north`: `1.100,0`")
            && error.contains("set ts.data.decimal: ','"),
        "{error}"
    );
    let comma = ["-S", "ts.data.decimal=','"];
    for verb in ["validate", "prepare", "train"] {
        dir.ok(&[&[verb, "ts"], &COLUMNS[..], &comma].concat());
    }
    assert!(
        dir.read("data/processed/ts/train.csv")
            .contains("north,2024-01-02,1107.1\n")
    );
    // The model knows how its data were read; a flag says otherwise.
    dir.write(
        "new.csv",
        "Datum;Filiale;Umsatz\n2024-03-01;north;1.150,5\n",
    );
    let predict = [
        "predict",
        "ts",
        "-i",
        "new.csv",
        "-o",
        "-",
        "--delimiter",
        ";",
    ];
    let text = dir.ok(&[&predict[..], &["--horizon", "1"]].concat());
    assert!(text.contains("north,2024-03-02,"), "{text}");
    let ran = dir.run(&[&predict[..], &["--decimal", "."]].concat());
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(
        ran.stderr.contains("does not have a decimal point"),
        "{ran:?}"
    );
    // JSON has numbers of its own.
    dir.write(
        "new.jsonl",
        "{\"Datum\":\"2024-03-01\",\"Filiale\":\"north\",\"Umsatz\":1150.5}\n",
    );
    let json = dir.ok(&[
        "predict",
        "ts",
        "-i",
        "new.jsonl",
        "-o",
        "-",
        "--horizon",
        "1",
    ]);
    let rows = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&json), rows(&text));
}

#[test]
fn one_mark_alone_is_refused_as_what_it_may_be() {
    let dir = Workdir::project();
    dir.write("sales.csv", sales().replace("1.100,0", "\"1,100\""));
    let error = dir.fails(4, &[&["prepare", "ts"], &COLUMNS[..]].concat());
    assert!(
        error.contains("`1,100` may be 1100 or 1.1; set ts.data.decimal to '.' or ','"),
        "{error}"
    );
}

#[test]
fn ratings_have_decimals_as_well() {
    let dir = Workdir::project();
    let mut text = "user_id;item_id;rating\n".to_owned();
    for user in 0..30 {
        for item in 0..6 {
            text += &format!(
                "u{user};i{};{},5\n",
                (user + item * item) % 20,
                1 + item % 4
            );
        }
    }
    dir.write("log.csv", text);
    let set = [
        "-S",
        "recsys.data.source=log.csv",
        "-S",
        "recsys.data.delimiter=;",
    ];
    let error = dir.fails(4, &[&["prepare", "recsys"], &set[..]].concat());
    assert!(
        error.contains("log.csv:2: column 3 (rating): `1,5`")
            && error.contains("set recsys.data.decimal: ','"),
        "{error}"
    );
    let comma = ["-S", "recsys.data.decimal=','"];
    for verb in ["validate", "prepare"] {
        dir.ok(&[&[verb, "recsys"], &set[..], &comma].concat());
    }
    let train = dir.read("data/processed/recsys/train.csv");
    assert!(train.contains("1.5"), "{train}");
}

#[test]
fn marks_are_checked_and_profiled() {
    let dir = Workdir::project();
    dir.write("a.csv", "x;word\n1.234,5;one\n7;1,5 m\n");
    let read = ["profile", "a.csv", "--delimiter", ";"];
    assert!(dir.ok(&read).contains("x     text"));
    let told = dir.ok(&[&read[..], &["--decimal", ","]].concat());
    assert!(
        told.contains("x     float") && told.contains("7 to 1234.5"),
        "{told}"
    );
    let error = dir.fails(2, &[&read[..], &["--decimal", ";"]].concat());
    assert!(error.contains("`.` or `,`"), "{error}");
}
