//! Sentences, places and tables of a validation's page.

use super::*;

fn offender(file: &str, line: Option<u64>, value: &str) -> Offender {
    Offender {
        file: file.to_owned(),
        line,
        column: None,
        value: value.to_owned(),
        text: None,
    }
}

fn finding(level: Level, column: Option<&str>, rows: Vec<Offender>) -> Finding {
    Finding {
        level,
        rule: "required".to_owned(),
        column: column.map(str::to_owned),
        message: "2 cells are <empty>".to_owned(),
        count: rows.len() as u64,
        rows,
    }
}

fn validation(findings: Vec<Finding>) -> Validation {
    let of = |level| findings.iter().filter(|f| f.level == level).count() as u64;
    Validation {
        task: "nlp".to_owned(),
        schema: None,
        part: "raw",
        errors: of(Level::Error),
        warnings: of(Level::Warning),
        findings,
        passed: Vec::new(),
        tables: Vec::new(),
    }
}

#[test]
fn the_verdict_depends_on_errors_first() {
    let verdict = |errors, warnings| {
        let page = page(&Validation {
            errors,
            warnings,
            ..validation(Vec::new())
        });
        page.summary.split(" The rules").next().unwrap().to_owned()
    };
    assert_eq!(verdict(0, 0), "The data can be used: every rule holds.");
    assert_eq!(verdict(0, 1), "The data can be used; 1 warning to review.");
    assert_eq!(
        verdict(0, 1200),
        "The data can be used; 1,200 warnings to review."
    );
    assert_eq!(
        verdict(1, 5),
        "The data cannot be used yet: 1 error to correct first."
    );
    assert_eq!(
        verdict(2, 0),
        "The data cannot be used yet: 2 errors to correct first."
    );
}

#[test]
fn the_page_says_whose_rules_were_checked() {
    let own = page(&validation(Vec::new())).summary;
    assert!(own.contains("built-in ones; <code>easylife validate <bdi>nlp</bdi> --init</code>"));
    let file = Validation {
        schema: Some("rules & more.yaml".to_owned()),
        ..validation(Vec::new())
    };
    let summary = page(&file).summary;
    assert!(summary.ends_with("The rules are those of <bdi>rules &amp; more.yaml</bdi>."));
}

#[test]
fn places_have_lines_in_texts_and_rows_elsewhere() {
    let place = |file: &str, line| offender(file, line, "").to_string();
    assert_eq!(place("a.csv", Some(3)), "a.csv:3");
    assert_eq!(place("a.csv.gz", Some(3)), "a.csv.gz:3");
    assert_eq!(place("a.jsonl", Some(3)), "a.jsonl:3");
    assert_eq!(place("a.json", Some(3)), "a.json: row 3");
    assert_eq!(place("a.parquet", Some(3)), "a.parquet: row 3");
    assert_eq!(place("photos/a.jpg", None), "photos/a.jpg");
}

#[test]
fn errors_come_before_warnings_each_under_its_title() {
    let page = page(&validation(vec![
        finding(Level::Warning, None, vec![]),
        finding(Level::Error, Some("text"), vec![]),
    ]));
    let titles: Vec<&str> = page.sections.iter().map(|s| s.title.as_str()).collect();
    assert_eq!(titles, ["Errors", "Warnings"]);
    let error = &page.sections[0].body;
    assert!(error.contains("<li class=\"error\">") && error.contains("<bdi>text</bdi>: required"));
    assert!(error.contains("<p><bdi>2 cells are &lt;empty&gt;</bdi>.</p>"));
    assert!(
        !page.sections[1].body.contains("<table"),
        "no rows, no table"
    );
    let figures: Vec<(&str, &str, &str)> = page.figures[..2]
        .iter()
        .map(|figure| (figure.value.as_str(), figure.name.as_str(), figure.class))
        .collect();
    assert_eq!(
        figures,
        [("1", "error", "error"), ("1", "warning", "warning")]
    );
}

#[test]
fn rows_name_their_column_unless_the_finding_does() {
    let rows = || vec![offender("a.csv", Some(2), "x")];
    let headings = |finding: &Finding| {
        let table = offenders(finding);
        let heads = table.split("<th scope=\"col\"").skip(1);
        heads
            .map(|head| head.split(['>', '<']).nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let of_column = finding(Level::Error, Some("text"), rows());
    assert_eq!(headings(&of_column), ["Place", "Value"]);
    let of_table = finding(Level::Error, None, rows());
    assert_eq!(headings(&of_table), ["Place", "Column", "Value"]);
    let mut repeated = rows();
    repeated[0].text = Some("the text".to_owned());
    repeated[0].value = "as a.csv:1".to_owned();
    let repeated = finding(Level::Error, Some("text"), repeated);
    assert_eq!(headings(&repeated), ["Place", "Text", "First in"]);
    assert!(offenders(&repeated).contains("<td><bdi>a.csv:1</bdi></td>"));
}

#[test]
fn a_table_of_rows_says_how_many_more_there_are() {
    let mut many = finding(
        Level::Error,
        Some("text"),
        vec![
            offender("a.csv", Some(2), "x"),
            offender("a.csv", Some(3), "y"),
        ],
    );
    assert!(offenders(&many).contains("<caption>2 rows</caption>"));
    many.count = 12_345;
    assert!(offenders(&many).contains("<caption>The first 2 of 12,345 rows</caption>"));
}

#[test]
fn rules_that_hold_are_counted() {
    let rule = Passed {
        rule: "range".to_owned(),
        column: Some("age".to_owned()),
        says: "at least 0".to_owned(),
    };
    let section = passed(&[rule.clone(), rule]);
    assert!(section.body.contains("<caption>2 rules</caption>"));
    assert!(
        section
            .body
            .contains("<td><bdi>age</bdi></td><td><bdi>at least 0</bdi></td>")
    );
}
