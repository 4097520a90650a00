use super::*;

/// A project of one folder with files, and a joiner of what `text` says of `tabular.data`.
fn joiner(files: &[(&str, &str)], text: &str) -> Result<Joiner> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let params: DataBlock = yaml::from_str(text).unwrap();
    let mut spec = Spec::of(&params, None).unwrap();
    for block in spec.tables.values_mut() {
        block.source = folder.path().join(&block.source).display().to_string();
    }
    Joiner::open(spec, None, &Spelling::of(&params))
}

/// The added cells as a person reads them.
fn cells(joiner: &Joiner, given: &[&str]) -> String {
    let given: Vec<Option<&str>> = { given.iter() }
        .map(|text| Some(*text).filter(|text| !text.is_empty()))
        .collect();
    let spell = |cell: Cell<'_>| match cell {
        Cell::Missing => "-".to_owned(),
        Cell::Number(number) => format!("{number}"),
        Cell::Text(text) => text.to_owned(),
    };
    let (cells, _) = joiner.look_up(&given).unwrap();
    let cells: Vec<String> = cells.into_iter().map(spell).collect();
    cells.join(" ")
}

const ORDERS: &str = "customer,day,amount,shop\n\
    7,2024-03-01,10,a\n\
    7,2024-01-01,1,b\n\
    7,2024-02-01,,a\n\
    8,2024-02-10,5,c\n\
    ,2024-02-10,100,c\n\
    7,,1000,c\n";

const HISTORY: &str = "{time: day, join: {orders: {source: orders.csv, on: {id: customer}, time: day, count: true, \
    since: true, aggregate: {amount: [sum, mean, last], shop: [last, different]}}}}";

#[test]
fn only_rows_before_the_time_count() {
    let joiner = joiner(&[("orders.csv", ORDERS)], HISTORY).unwrap();
    let names: Vec<&str> = joiner.names().collect();
    assert_eq!(
        names,
        [
            "orders.count",
            "orders.since",
            "orders.amount.sum",
            "orders.amount.mean",
            "orders.amount.last",
            "orders.shop.last",
            "orders.shop.different"
        ]
    );
    assert_eq!(joiner.wanted(), ["id", "day"]);
    assert_eq!(
        joiner.warnings(),
        ["tabular.data.join.orders: 2 rows of FILE without a key or a time are added to nothing"]
            .map(|text| text.replace("FILE", &joiner.spec.tables["orders"].source))
    );
    assert_eq!(cells(&joiner, &["7", "2024-01-01"]), "0 - 0 - - - 0");
    assert_eq!(cells(&joiner, &["7", "2024-01-02"]), "1 1 1 1 1 b 1");
    assert_eq!(cells(&joiner, &["7", "2024-02-29"]), "2 28 1 1 1 a 2");
    assert_eq!(cells(&joiner, &["7.0", "2024-03-02"]), "3 1 11 5.5 10 a 2");
    assert_eq!(cells(&joiner, &["9", "2024-03-02"]), "0 - 0 - - - 0");
    // Of whom or as of when is not known.
    assert_eq!(cells(&joiner, &["", "2024-03-02"]), "- - - - - - -");
    assert_eq!(cells(&joiner, &["7", ""]), "- - - - - - -");
}

#[test]
fn rows_of_the_last_days_count() {
    let text = HISTORY.replace("count: true", "within: 30, count: true");
    let joiner = joiner(&[("orders.csv", ORDERS)], &text).unwrap();
    assert_eq!(cells(&joiner, &["7", "2024-03-02"]), "2 1 10 10 10 a 1");
    // 30 days before is within, 31 is not.
    assert_eq!(cells(&joiner, &["7", "2024-01-31"]), "1 30 1 1 1 b 1");
    assert_eq!(cells(&joiner, &["7", "2024-02-01"]), "0 - 0 - - - 0");
}

#[test]
fn a_table_of_one_row_a_key_is_looked_up() {
    let regions = (
        "regions.csv",
        "name,people,note\nnorth,10,\nsouth,20,warm\n",
    );
    let text = "join: {r: {source: regions.csv, on: {region: name}}}";
    let all = joiner(&[regions], text).unwrap();
    assert_eq!(all.names().collect::<Vec<_>>(), ["r.people", "r.note"]);
    assert_eq!(cells(&all, &["north"]), "10 -");
    assert_eq!(cells(&all, &["south"]), "20 warm");
    assert_eq!(cells(&all, &["east"]), "- -");
    let missed = |key: Option<&'static str>| all.look_up(&[key]).unwrap().1.map(str::to_owned);
    assert_eq!(missed(Some("east")).as_deref(), Some("r"));
    assert_eq!(missed(Some("north")), None);
    assert_eq!(missed(None), None);
    let one = joiner(&[regions], &text.replace("}}}", "}, columns: [people]}}")).unwrap();
    assert_eq!(cells(&one, &["south"]), "20");
}

#[test]
fn the_latest_row_is_taken_where_there_are_times() {
    let prices = ("prices.csv", "item,day,price\nx,3,30\nx,1,10\nx,2,\n");
    let text = "{time: t, join: {p: {source: prices.csv, on: {item: item}, time: day}}}";
    let joiner = joiner(&[prices], text).unwrap();
    assert_eq!(cells(&joiner, &["x", "1"]), "-");
    assert_eq!(cells(&joiner, &["x", "3"]), "10");
    assert_eq!(cells(&joiner, &["x", "4"]), "30");
    let error = joiner
        .look_up(&[Some("x"), Some("2024-01-01")])
        .unwrap_err();
    assert!(
        error.starts_with("column `t`: ")
            && error.contains("are dates, those of the joined table numbers"),
        "{error}"
    );
}

#[test]
fn keys_of_several_columns_are_not_confused() {
    let table = ("t.csv", "a,b,v\nx1,2,1\nx,12,2\n");
    let text = "join: {t: {source: t.csv, on: {a: a, b: b}}}";
    let joiner = joiner(&[table], text).unwrap();
    assert_eq!(cells(&joiner, &["x1", "2"]), "1");
    assert_eq!(cells(&joiner, &["x", "12"]), "2");
    assert_eq!(cells(&joiner, &["x", "2"]), "-");
}

#[test]
fn long_keys_keep_their_digits() {
    let table = (
        "t.csv",
        "id,v\n12345678901234567891,1\n12345678901234567892,2\n007,3\n7,4\n",
    );
    let text = "join: {t: {source: t.csv, on: {id: id}}}";
    let joiner = joiner(&[table], text).unwrap();
    assert_eq!(cells(&joiner, &["12345678901234567892"]), "2");
    assert_eq!(cells(&joiner, &["007"]), "3");
    assert_eq!(cells(&joiner, &["7"]), "4");
}

#[test]
fn tables_that_do_not_fit_are_refused_with_what_to_do() {
    let refused = |table: &str, text: &str| {
        let error = joiner(&[("t.csv", table)], text).err().unwrap();
        format!("{error:#}")
    };
    let plain = "join: {t: {source: t.csv, on: {id: id}}}";
    let twice = refused("id,v\n1,2\n3,4\n1,5\n", plain);
    assert!(
        twice.contains("rows 1 and 3") && twice.contains("aggregate"),
        "{twice}"
    );
    let absent = refused("key,v\n1,2\n", plain);
    assert!(
        absent.contains("tabular.data.join.t.on.id") && absent.contains("key, v"),
        "{absent}"
    );
    let words = refused(
        "id,v\n1,2\n1,much\n",
        "join: {t: {source: t.csv, on: {id: id}, aggregate: {v: [mean]}}}",
    );
    assert!(
        words.contains("the word `much` in row 2") && words.contains("mean"),
        "{words}"
    );
    let nothing = refused("id\n1\n", plain);
    assert!(nothing.contains("adds no column"), "{nothing}");
    let times = refused(
        "id,day\n1,01/02/2024\n",
        "{time: t, join: {t: {source: t.csv, on: {id: id}, time: day, count: true}}}",
    );
    assert!(
        times.contains("column `day`") && times.contains("may be"),
        "{times}"
    );
}

/// Sums of a window are those of its rows alone, and running sums those of all rows before, in their order.
#[test]
fn aggregates_equal_a_plain_loop() {
    let (mut orders, mut rows) = ("customer,day,amount\n".to_owned(), Vec::new());
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..500 {
        let (customer, day, amount) = (draw(20), draw(100), draw(1000) as f64 / 7.0);
        orders += &format!("{customer},{day},{amount}\n");
        rows.push((customer, day, amount));
    }
    let of = |within: &str| {
        let text = format!(
            "{{time: t, join: {{o: {{source: orders.csv, on: {{c: customer}}, time: day{within}, count: true, \
             aggregate: {{amount: [sum]}}}}}}}}"
        );
        joiner(&[("orders.csv", &orders)], &text).unwrap()
    };
    let (all, recent) = (of(""), of(", within: 10"));
    for customer in 0..21 {
        for now in 0..102 {
            let plain = |least: u64| {
                let mut of_customer: Vec<(u64, f64)> = { rows.iter() }
                    .filter(|row| row.0 == customer && row.1 < now && row.1 >= least)
                    .map(|row| (row.1, row.2))
                    .collect();
                of_customer.sort_by_key(|row| row.0);
                let sum = of_customer.iter().fold(0.0, |sum, row| sum + row.1);
                format!("{} {sum}", of_customer.len())
            };
            let given = [customer.to_string(), now.to_string()];
            let given = [given[0].as_str(), given[1].as_str()];
            assert_eq!(cells(&all, &given), plain(0));
            assert_eq!(cells(&recent, &given), plain(now.saturating_sub(10)));
        }
    }
}
