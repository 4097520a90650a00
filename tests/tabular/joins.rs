//! Further tables beside the source: the same columns at training and prediction, nothing from the future, and joins
//! that do not fit.

use super::*;

/// Customers, and what they ordered: whoever ordered often before `seen` buys, and whoever buys orders after it.
fn shop() -> Workdir {
    let (mut customers, mut orders) = ("customer,seen,region,age,y\n".to_owned(), String::new());
    for i in 0..240 {
        let (month, often) = (7 + i / 48, i * 7 % 5);
        let says = if often > 2 || i % 17 == 0 {
            "yes"
        } else {
            "no"
        };
        let region = ["north", "south", "east"][i % 3];
        let _ = writeln!(
            customers,
            "{i},2024-{month:02}-11,{region},{},{says}",
            i * 13 % 50
        );
        for order in 0..often {
            let _ = writeln!(
                orders,
                "{i},2024-0{}-1{},{}.5,shop",
                order + 1,
                i % 9,
                i % 40
            );
        }
        if says == "yes" {
            let _ = writeln!(orders, "{i},2024-12-24,99,web");
        }
    }
    let dir = project(&customers);
    dir.write("orders.csv", format!("id,day,amount,way\n{orders}"));
    dir.write("regions.csv", "name,people\nnorth,10\nsouth,20\n");
    dir
}

const JOIN: &str = "tabular.data.join={orders: {source: orders.csv, on: {customer: id}, time: day, count: true, \
    since: true, aggregate: {amount: [mean]}}, region: {source: regions.csv, on: {region: name}}}";
const SEEN: &str = "tabular.data.time=seen";
const NO_ORDERS_TIME: &str = "tabular.data.join={orders: {source: orders.csv, on: {customer: id}, \
    aggregate: {way: [last]}}}";

#[test]
fn rows_are_joined_in_the_same_way_for_training_and_prediction() {
    let dir = shop();
    let sets = [SEEN, JOIN, TREES];
    let prepared = ok(&dir, "prepare", &sets);
    assert!(
        prepared
            .stderr
            .contains("join.region: 80 of 240 rows have a key that is not in regions.csv"),
        "{prepared:?}"
    );
    let row = &part(&dir, "train")[3];
    // Customer 3 ordered once before July, on 2024-01-13, for 3.5; after that nothing counts.
    let expected = [
        ("orders.count", "1"),
        ("orders.since", "180"),
        ("orders.amount.mean", "3.5"),
    ];
    for (name, value) in expected {
        assert_eq!(row[name], value, "{row:?}");
    }
    assert_eq!((&*row["customer"], &*row["region.people"]), ("3", "10"));
    ok(&dir, "train", &sets);
    ok(&dir, "evaluate", &sets);
    // The parts bring the joined columns themselves.
    let (_, of_part) = predicted(&dir, &dir.read("data/processed/tabular/test.csv"), &[]);
    let (ran, of_source) = predicted(&dir, &dir.read("mine.csv"), &[]);
    assert!(
        ran.stderr
            .contains("80 rows have a key that a joined table does not have"),
        "{ran:?}"
    );
    let of_source = rows(&of_source.unwrap());
    assert!(!of_source[0].contains_key("orders.count"));
    let by_customer: HashMap<&str, &str> = { of_source.iter() }
        .map(|row| (&*row["customer"], &*row["probability"]))
        .collect();
    let of_part = rows(&of_part.unwrap());
    assert!(of_part.len() > 30);
    for row in &of_part {
        assert_eq!(
            by_customer[&*row["customer"]], row["probability"],
            "{row:?}"
        );
    }
    let answer = asked(&dir, "customer=3,seen=2024-07-11,region=north,age=39");
    assert_eq!(
        by_customer["3"].parse::<f64>().unwrap(),
        number(&answer["probability"])
    );
    let why = explained(&dir, r#"{"customer": 3, "seen": "2024-07-11"}"#, "9");
    assert!(why.to_string().contains("orders.count"), "{why}");
    assert!(
        dir.ok(&["inspect", "tabular"])
            .contains("orders: orders.csv on customer")
    );
}

#[test]
fn joined_columns_that_tell_the_future_are_found() {
    let dir = shop();
    let ran = run(&dir, "validate", &[NO_ORDERS_TIME]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stdout
            .contains("the joined column `orders.way.last` alone"),
        "{ran:?}"
    );
    ok(
        &dir,
        "validate",
        &[JOIN, SEEN, "tabular.data.columns={orders.count: ignore}"],
    );
}

#[test]
fn the_parts_are_the_same_for_any_threads() {
    assert_same_for_any_threads("joined parts", |threads| {
        let dir = shop();
        dir.ok(&with(
            &["prepare", "tabular", "--threads", threads],
            &[
                "tabular.data.source=mine.csv",
                "tabular.data.target=y",
                SEEN,
                JOIN,
            ],
        ));
        dir.tree("data/processed/tabular")
    });
}

/// With flags for the input, joined tables were read as the input was.
#[test]
fn joined_tables_are_read_as_in_training_whatever_the_input_is_like() {
    let dir = shop();
    let without_header = |name: &str| {
        let text = dir.read(name);
        dir.write(name, text.split_once('\n').unwrap().1);
    };
    for name in ["mine.csv", "orders.csv"] {
        without_header(name);
    }
    let own = [
        "tabular.data.source=mine.csv",
        "tabular.data.header=false",
        "tabular.data.target='5'",
        "tabular.data.time='2'",
        "tabular.data.join={o: {source: orders.csv, on: {'1': '1'}, time: '2', count: true}}",
        LINEAR,
    ];
    for verb in ["prepare", "train"] {
        dir.ok(&with(&[verb, "tabular"], &own));
    }
    let (ran, out) = predicted(
        &dir,
        "1;2;3;4\n3;2024-07-11;north;39\n",
        &["--delimiter", ";"],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let asked = asked(&dir, "1=3,2=2024-07-11,3=north,4=39");
    let row = &rows(&out.unwrap().replace(';', ","))[0];
    let probability = row["probability"].parse::<f64>().unwrap();
    assert_eq!(probability, number(&asked["probability"]));
    assert_eq!(number(&asked["row"]["o.count"]), 1.0);
}

/// A new order changes what is predicted, but not what the stage depended on.
#[test]
fn repro_warns_of_joined_tables_that_a_stage_does_not_depend_on() {
    let dir = shop();
    let params = dir.read("params.yaml");
    let source = "    source: data/raw/tabular/customers.csv";
    let own = format!(
        "    time: seen\n    join: {{t: {{source: orders.csv, on: {{customer: id}}, count: true}}}}\n{source}"
    );
    assert!(params.contains(source));
    dir.write("params.yaml", params.replace(source, &own));
    let ran = dir.run(&["repro", "--dry", "predict@tabular"]);
    for stage in ["validate", "prepare", "predict"] {
        let warning = format!("`{stage}@tabular` reads orders.csv according to params.yaml");
        assert!(ran.stderr.contains(&warning), "{ran:?}");
    }
}

#[test]
fn joins_that_do_not_fit_are_refused() {
    let dir = shop();
    let join = |text: &str| format!("tabular.data.join={{t: {text}}}");
    for (code, text, words) in [
        (2, "{source: orders.csv}", "tabular.data.join.t.on"),
        (
            2,
            "{source: orders.csv, on: {customer: id}, time: day}",
            "set tabular.data.time",
        ),
        (
            4,
            "{source: orders.csv, on: {customer: id}}",
            "have the same key",
        ),
        (
            4,
            "{source: orders.csv, on: {client: id}, count: true}",
            "column `client` is absent",
        ),
        (
            4,
            "{source: orders.csv, on: {customer: ident}, count: true}",
            "id, day, amount, way",
        ),
        (
            4,
            "{source: orders.csv, on: {age: way}, count: true}",
            "no row has a key that is in orders.csv",
        ),
        (
            4,
            "{source: orders.csv, on: {customer: id}, aggregate: {way: [mean]}}",
            "mean in tabular.data.join.t.aggregate wants numbers",
        ),
    ] {
        let error = fails(&dir, code, "prepare", &[&join(text)]);
        assert!(error.contains(words), "{error}");
    }
    let absent = run(
        &dir,
        "prepare",
        &[&join("{source: none.csv, on: {customer: id}}")],
    );
    assert!(
        absent.code != 0 && absent.stderr.contains("none.csv"),
        "{absent:?}"
    );
}

#[test]
fn rows_that_cannot_be_joined_are_refused() {
    let dir = shop();
    for verb in ["prepare", "train"] {
        ok(&dir, verb, &[SEEN, JOIN, LINEAR]);
    }
    for (text, words) in [
        ("seen,region,age\n2024-07-11,north,3\n", "`customer`"),
        (
            "customer,seen,region,age,orders.count\n1,2024-07-11,north,3,1\n",
            "give all of its columns, or none",
        ),
        (
            "customer,seen,region,age\n1,soon,north,3\n",
            "`soon` is not a date or time",
        ),
    ] {
        let (ran, out) = predicted(&dir, text, &[]);
        assert!(ran.code != 0 && ran.stderr.contains(words), "{ran:?}");
        assert_eq!(out, None);
    }
    std::fs::remove_file(dir.path("orders.csv")).unwrap();
    let (ran, _) = predicted(
        &dir,
        "customer,seen,region,age\n1,2024-07-11,north,3\n",
        &[],
    );
    assert!(
        ran.code != 0 && ran.stderr.contains("orders.csv"),
        "{ran:?}"
    );
}
