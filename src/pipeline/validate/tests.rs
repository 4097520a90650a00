//! The rules on columns, each on a small table: what is found, where, and how bad it is.

use super::*;
use crate::task::toy::{Toy, ToyProject};

const QUIET: Talk = Talk {
    verbosity: -1,
    color: false,
};

impl Validate for Toy {
    const RULES: &'static [TaskRule] =
        &[TaskRule::at_most("share", "0.5", Level::Warning, "a share")];

    fn columns(params: &Self::Params) -> Vec<(String, schema::ColumnRules)> {
        let _ = params;
        Vec::new()
    }

    fn raw(job: &Job<Self::Params>) -> Result<Checked> {
        let source = Self::raw_data(&job.params).source.to_owned();
        job.each_source(&source, None, |path| {
            let read = table::read(job, path, |_| ())?;
            Ok(Checked {
                tables: vec![read.summary],
                findings: read.findings,
            })
        })
    }

    fn prepared(_: &Job<Self::Params>) -> Result<Checked> {
        Ok(Checked::default())
    }
}

/// A project with a table and rules on its columns.
fn project(table: &str, rules: &str) -> ToyProject {
    let rules = format!("easylife: \"0.1\"\n{rules}\n");
    let files = [
        ("t.csv", table),
        ("schema/toy.yaml", &*rules),
        ("other.csv", "id\n1\n2\n"),
    ];
    ToyProject::of("{data: {source: t.csv, value: y}}", &files)
}

/// What is found: `level column rule: message @ places`.
fn found(table: &str, rules: &str) -> Vec<String> {
    let toy = project(table, rules);
    let validated = run::<Toy>(&toy.project, Request::default(), &QUIET);
    let validated = validated.unwrap_or_else(|error| panic!("{rules}: {error:#}"));
    let told = |finding: &Finding| {
        let places: Vec<String> = finding.rows.iter().map(ToString::to_string).collect();
        let column = finding.column.as_deref().unwrap_or("-");
        let level = finding.level.as_str();
        let Finding { rule, message, .. } = finding;
        format!("{level} {column} {rule}: {message} @ {}", places.join(" "))
    };
    validated.findings.iter().map(told).collect()
}

/// One finding that starts with a level, a column and a rule, and that has these rows.
fn one(table: &str, rules: &str, start: &str, message: &str, places: &str) {
    let found = found(table, rules);
    assert_eq!(found.len(), 1, "{rules}: {found:?}");
    assert!(found[0].starts_with(start), "{rules}: {found:?}");
    assert!(found[0].contains(message), "{rules}: {found:?}");
    assert!(
        found[0].ends_with(&format!("@ {places}")),
        "{rules}: {found:?}"
    );
}

const TABLE: &str = "y,s,d\n1,ab,2026-01-01\n2,abc,2026-01-03\n,ab,2026-01-02\nx,,2026-01-04\n";

#[test]
fn each_rule_finds_its_rows() {
    one(
        TABLE,
        "columns: {y: {type: integer}}",
        "error y type: ",
        "1 value (25.00 %) is not of type integer",
        "t.csv:5",
    );
    one(
        TABLE,
        "columns: {y: {nulls: {max: 0, level: warning}}}",
        "warning y nulls: ",
        "1 value (25.00 %) is missing",
        "t.csv:4",
    );
    one(
        TABLE,
        "columns: {s: {length: {max: 2}}}",
        "error s length: ",
        "letters long",
        "t.csv:3",
    );
    one(
        TABLE,
        "columns: {s: {allowed: [ab]}}",
        "error s allowed: ",
        "not among the allowed values (ab)",
        "t.csv:3",
    );
    one(
        TABLE,
        "columns: {s: {pattern: '[a-b]*'}}",
        "error s pattern: ",
        "not matched by [a-b]*",
        "t.csv:3",
    );
    one(
        TABLE,
        "columns: {s: {unique: true}}",
        "error s unique: ",
        "",
        "t.csv:4",
    );
    one(
        TABLE,
        "columns: {d: {order: rising}}",
        "error d order: ",
        "1 row is out of order: below the previous row",
        "t.csv:4",
    );
    one(
        TABLE,
        "columns: {d: {range: {min: 2026-01-02}}}",
        "error d range: ",
        "out of range",
        "t.csv:2",
    );
    one(
        "y\n1\n3\n2\n",
        "columns: {y: {references: {file: other.csv, column: id}}}",
        "error y references: ",
        "is not in id of other.csv",
        "t.csv:3",
    );
}

#[test]
fn rules_on_a_whole_table_have_no_rows() {
    one(
        TABLE,
        "rows: {min: 5}",
        "error - rows: ",
        "4 rows; expected",
        "",
    );
    one(
        TABLE,
        "columns: {s: {distinct: {min: 3}}}",
        "error s distinct: ",
        "2 distinct values; expected",
        "",
    );
    one(
        TABLE,
        "columns: {y: {}, d: {}}\nother_columns: refused",
        "error - columns: ",
        "t.csv has a column `s` that no rule names",
        "",
    );
}

#[test]
fn a_missing_column_is_named_where_it_is_asked_for() {
    let found = found(
        TABLE,
        "columns: {yy: {type: float}, z: {optional: true}}\nunique: [[d, e]]",
    );
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("schema/toy.yaml:2:"), "{found:?}");
    assert!(
        found[0].contains("columns.yy: t.csv does not have this column"),
        "{found:?}"
    );
    assert!(found[0].contains('y'), "the nearest: {found:?}");
    assert!(found[1].contains("unique"), "{found:?}");
}

#[test]
fn what_holds_is_not_found() {
    for rules in [
        "",
        "rows: {min: 4, max: 4}",
        "columns: {y: {nulls: {max: 0.25}, optional: true}}",
        "columns: {s: {length: {min: 2, max: 3}, distinct: {max: 2}}}",
        "columns: {d: {type: date, range: {min: 2026-01-01, max: 2026-01-04}}}",
        "unique: [[y, s, d]]",
        "other_columns: allowed",
    ] {
        assert!(
            found(TABLE, rules).is_empty(),
            "{rules}: {:?}",
            found(TABLE, rules)
        );
    }
}

#[test]
fn values_of_several_columns_are_unique_together() {
    let table = "y,s\n1,a\n1,b\n1,a\n2,a\n";
    one(table, "unique: [[y, s]]", "error ", "", "t.csv:4");
}

#[test]
fn the_outcome_counts_and_names_its_files() {
    let toy = project(
        TABLE,
        "columns: {y: {type: integer, nulls: {max: 0, level: warning}}}",
    );
    let validated = run::<Toy>(&toy.project, Request::default(), &QUIET).unwrap();
    assert!(!validated.holds());
    assert_eq!(
        (validated.errors, validated.warnings, validated.rows),
        (1, 1, 4)
    );
    let text = validated.to_string();
    assert!(
        text.contains("toy: 4 rows, errors: 1, warnings: 1; "),
        "{text}"
    );
    assert!(text.contains("first t.csv:5"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&toy.read("reports/validate/toy.json")).unwrap();
    assert_eq!(json["errors"], 1);
    let page = toy.read("reports/validate/toy.html");
    assert!(
        page.contains("not of type integer") && page.ends_with("</html>\n"),
        "{page}"
    );
    // The same again gives the same bytes.
    run::<Toy>(&toy.project, Request::default(), &QUIET).unwrap();
    assert_eq!(toy.read("reports/validate/toy.html"), page);
}

#[test]
fn warnings_alone_do_not_fail() {
    let toy = project(TABLE, "columns: {y: {nulls: {max: 0, level: warning}}}");
    assert!(
        run::<Toy>(&toy.project, Request::default(), &QUIET)
            .unwrap()
            .holds()
    );
}

#[test]
fn rules_are_written_from_the_data_once() {
    let toy = ToyProject::of("{data: {source: t.csv, value: y}}", &[("t.csv", TABLE)]);
    let init = |force| {
        let request = Request {
            init: true,
            force,
            prepared: false,
        };
        run::<Toy>(&toy.project, request, &QUIET)
    };
    assert!(
        init(false).unwrap().holds(),
        "the data keep the rules made of them"
    );
    let rules = toy.read("schema/toy.yaml");
    for part in ["\"y\":", "s:", "d:", "date"] {
        assert!(rules.contains(part), "{rules}");
    }
    let error = init(false).err().unwrap();
    assert!(toy.message(&error).contains("schema/toy.yaml"), "{error:#}");
    init(true).unwrap();
    assert_eq!(toy.read("schema/toy.yaml"), rules);
}

#[test]
fn rules_that_make_no_sense_are_refused_with_their_place() {
    for (rules, place, reason) in [
        ("columns: {y: {tipe: float}}", "2:", "unknown key `tipe`"),
        ("columns: {y: {range: {min: 3, max: 2}}}", "2:", "y.range"),
        ("columns: {y: {pattern: '('}}", "2:", "pattern"),
        ("task: {shares: {max: 1}}", "2:", "shares"),
        ("columns: {y: {type: number}}", "2:", "type"),
        ("rows: many", "2:", "rows"),
    ] {
        let toy = project(TABLE, rules);
        let error = run::<Toy>(&toy.project, Request::default(), &QUIET)
            .err()
            .unwrap();
        let message = toy.message(&error);
        assert!(
            message.contains(&format!("schema/toy.yaml:{place}")),
            "{rules}: {message}"
        );
        assert!(message.contains(reason), "{rules}: {message}");
    }
}
