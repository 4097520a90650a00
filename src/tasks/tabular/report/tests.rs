//! Tests of the tabular page: made-up data of two classes and of five, of numbers and of quantiles, hostile names,
//! one column and sixty.

mod made_up;

use super::*;
use crate::report::check::{self, fault};
use made_up::{columns_of, five, hostile, numbers, quantiles, sixty, two};

fn html(report: &TabularReport) -> String {
    super::page(report).render()
}

#[test]
fn pages_are_well_formed_and_self_contained() {
    let one = TabularReport {
        target: "y".to_owned(),
        ..columns_of(numbers(), 1)
    };
    for (name, report) in [
        ("two", two()),
        ("five", five()),
        ("numbers", numbers()),
        ("quantiles", quantiles()),
        ("hostile", hostile()),
        ("one", one),
        ("sixty", sixty()),
        ("empty", TabularReport::default()),
    ] {
        check::page(&format!("tabular-{name}"), || super::page(&report));
    }
}

/// The titles of the sections, in order.
fn titles(report: &TabularReport) -> Vec<String> {
    let page = super::page(report);
    page.sections
        .into_iter()
        .map(|section| section.title)
        .collect()
}

#[test]
fn sections_go_from_what_matters_to_how_it_came_about() {
    assert_eq!(
        titles(&two()),
        [
            "What the model relies on",
            "How values move the predictions",
            "How predictions depend on the values",
            "Columns that matter together",
            "Which classes are confused",
            "Confidence and ranking",
            "Which rows to take first",
            "Where it does better or worse",
            "Where it is most wrong",
            "How the model was chosen",
            "Columns",
            "Data",
        ]
    );
    assert!(titles(&five()).contains(&"Class by class".to_owned()));
    assert!(titles(&numbers()).contains(&"How far predictions are off".to_owned()));
    assert!(titles(&quantiles()).contains(&"Quantiles".to_owned()));
}

#[test]
fn what_is_empty_is_left_out() {
    let empty = TabularReport {
        target: "churn".to_owned(),
        ..TabularReport::default()
    };
    assert!(titles(&empty).is_empty());
    let page = html(&empty);
    assert_eq!(fault(&page), None);
    assert!(page.contains("there are no metrics") && page.contains("Predictions of churn on"));
    let bare = TabularReport {
        numbers: Some(NumbersPart::default()),
        swarm: vec![Swarm::default()],
        dependence: vec![Dependence::default()],
        slices: vec![SliceTable::default()],
        ..TabularReport::default()
    };
    assert!(titles(&bare).is_empty(), "{:?}", titles(&bare));
}

#[test]
fn the_summary_says_how_good_it_is_and_what_it_relies_on() {
    let summary = summary(&two());
    assert!(
        summary.starts_with("Of 1,407 test rows, the model labels "),
        "{summary}"
    );
    assert!(
        summary.contains("; always answering the most frequent class"),
        "{summary}"
    );
    assert!(
        summary.contains("The 10 % of the rows most likely to be <bdi>Yes</bdi> hold "),
        "{summary}"
    );
    assert!(
        summary.ends_with(
            "The model relies most on <bdi>contract</bdi>, <bdi>tenure_months</bdi> and <bdi>monthly_charges</bdi>."
        ),
        "{summary}"
    );
    let of_numbers = super::summary(&numbers());
    assert!(
        of_numbers.starts_with(
            "On 4,128 test rows, predictions of <bdi>median_house_value</bdi> are off by 31,245 on average; always \
             predicting the <bdi>training mean</bdi> is off by 91,127."
        ),
        "{of_numbers}"
    );
    let of_quantiles = super::summary(&quantiles());
    assert!(
        of_quantiles.starts_with(
            "On 1,000 test rows, 79.0 % of the actual values of <bdi>demand</bdi> lie between the predicted 10 % and \
             90 % quantiles; it should be 80 %."
        ),
        "{of_quantiles}"
    );
}

#[test]
fn columns_without_contribution_are_not_relied_on() {
    let of = |contributions: &[f64]| {
        let column = |(index, &contribution): (usize, &f64)| Importance {
            column: format!("c{index}"),
            contribution,
            permutation: None,
        };
        let list: Vec<Importance> = contributions.iter().enumerate().map(column).collect();
        importance::summary(&list)
    };
    assert_eq!(of(&[0.0, 0.0]), "");
    assert_eq!(of(&[0.5, 0.0]), " The model relies on <bdi>c0</bdi> alone.");
    assert_eq!(
        of(&[3.0, 2.0]),
        " The model relies most on <bdi>c0</bdi> and <bdi>c1</bdi>."
    );
}

#[test]
fn each_headline_figure_has_its_baseline() {
    let of_two = html(&two());
    assert_eq!(of_two.matches("majority baseline ").count(), 4);
    assert!(
        of_two.contains("of the most probable class 3.120"),
        "{of_two}"
    );
    assert!(of_two.contains("a probability of 21.4\u{a0}% on"));
    let of_numbers = html(&numbers());
    assert_eq!(
        of_numbers
            .matches("<p class=\"versus\">training mean ")
            .count(),
        3
    );
    assert!(of_numbers.contains("95\u{a0}% interval 30,500 to 32,100"));
    assert!(of_numbers.contains("<p class=\"versus\">should be 95\u{a0}%</p>"));
    assert!(of_numbers.contains("mean width 172,300"));
}

#[test]
fn importances_are_shares_of_all_columns_and_few_are_shown() {
    let page = html(&sixty());
    assert!(page.contains("20 of 60 columns, the most important first"));
    assert!(page.contains("<p class=\"after\">40 more columns are not shown.</p>"));
    let section = importance::relies(&columns_of(numbers(), 1)).unwrap();
    assert!(
        section.body.contains("<td class=\"n\">100.0 %</td>"),
        "{}",
        section.body
    );
    assert!(!section.body.contains("not shown") && section.body.contains("The only column"));
    let mut plain = two();
    plain
        .importance
        .iter_mut()
        .for_each(|column| column.permutation = None);
    let section = importance::relies(&plain).unwrap();
    assert!(!section.note.contains("shuffled") && !section.body.contains("shuffled"));
}

#[test]
fn swarms_have_one_axis_and_at_most_two_pictures() {
    let section = importance::swarms(&sixty()).unwrap();
    assert_eq!(section.body.matches("<figure>").count(), 2);
    assert!(section.body.contains("Columns 1 to 6") && section.body.contains("Columns 7 to 12"));
    let ticks = |figure: &str| figure.matches("middle muted s12").count();
    let figures: Vec<&str> = section.body.split("<figure>").skip(1).collect();
    assert_eq!(ticks(figures[0]), ticks(figures[1]));
    let five_columns = importance::swarms(&columns_of(two(), 5)).unwrap();
    assert_eq!(five_columns.body.matches("<figure>").count(), 1);
}

#[test]
fn missing_values_are_ticks_and_not_on_the_axis_of_values() {
    let of = |points: Vec<(f64, f64)>, line: Vec<(f64, f64)>| {
        let report = TabularReport {
            dependence: vec![Dependence {
                column: "age".to_owned(),
                points,
                line,
                ..Dependence::default()
            }],
            ..TabularReport::default()
        };
        dependence::section(&report).unwrap().body
    };
    let points = vec![(1.0, 0.5), (f64::NAN, 0.1), (1e9, 0.2)];
    let body = of(points.clone(), vec![(0.0, 1.0), (2.0, 3.0)]);
    assert!(
        body.contains("2 rows are missing or beyond the axis"),
        "{body}"
    );
    assert!(body.contains("contributions of 1 row."), "{body}");
    let without_line = of(points, Vec::new());
    assert!(without_line.contains("1 row is missing"), "{without_line}");
    assert!(!without_line.contains("translate"), "one chart");
    let without_points = of(Vec::new(), vec![(0.0, 1.0), (2.0, 3.0)]);
    assert!(
        without_points.contains("age \u{2192}"),
        "its axis is labelled"
    );
}

#[test]
fn categories_have_a_strip_each_with_the_mean_prediction() {
    let section = dependence::section(&two()).unwrap();
    assert!(
        section.body.contains(">month-to-month</text>"),
        "{}",
        section.body
    );
    assert!(
        section.body.contains(">mean 41.2 %</text>"),
        "{}",
        section.body
    );
}

#[test]
fn residuals_say_in_which_direction_a_prediction_is_off() {
    let page = html(&numbers());
    assert!(page.contains("<dt>off by</dt><dd>212,400</dd>"));
    assert!(page.contains("actual minus predicted"));
    let of_classes = html(&two());
    assert!(
        of_classes
            .contains("<dt>said</dt><dd><span class=\"bad\"><bdi>No</bdi></span> 97.0 %</dd>")
    );
}

#[test]
fn slices_and_trials_have_tables() {
    let page = html(&two());
    assert!(page.contains("<caption>By <bdi>contract</bdi></caption>"));
    assert!(page.contains("<bdi>75.0 %</bdi>") && page.contains("<bdi>0.4321</bdi>"));
    assert!(page.contains("<bdi>trees</bdi> (chosen)"));
    assert!(page.contains("<td class=\"n\">0.0123</td><td class=\"n\">0.0041</td>"));
}

#[test]
fn columns_that_are_not_used_say_why() {
    let page = html(&two());
    assert!(page.contains("of 12 columns are used"), "{page}");
    assert!(page.contains("<span class=\"bad\">no</span></td><td class=\"n\">0</td><td class=\"name\"><bdi>a different value in every row"));
}

#[test]
fn hostile_names_stay_text() {
    let page = html(&hostile());
    assert!(page.contains("&lt;script&gt;"));
    assert!(
        !page.contains(&"long".repeat(80)),
        "5,000 characters are cut"
    );
    assert!(page.contains("(empty)"));
}

#[test]
fn gain_ends_where_all_rows_are_taken() {
    let sections = classes::sections(&two().classes.unwrap());
    let charts = sections.into_iter().flatten().last().unwrap().body;
    assert!(charts.contains("id=\"gain-title\"") && charts.contains("id=\"lift-title\""));
    let curve = charts.split("<path class=\"line\" d=\"").nth(1).unwrap();
    let curve = curve.split('"').next().unwrap();
    assert!(
        curve.starts_with("M56 328L") && curve.ends_with("L406 28"),
        "{curve}"
    );
    let mut without = two().classes.unwrap();
    without.gain.clear();
    assert_eq!(classes::sections(&without).into_iter().flatten().count(), 2);
}

#[test]
fn a_figure_that_is_no_number_is_a_dash() {
    let report = TabularReport {
        numbers: Some(NumbersPart {
            baseline: "training mean".to_owned(),
            rmse: Compared {
                value: f64::INFINITY,
                ..Compared::default()
            },
            r2: Compared {
                value: f64::NAN,
                baseline: Some(f64::NEG_INFINITY),
                interval: None,
            },
            fit: vec![FitBin {
                predicted: f64::NAN,
                actual: 1.0,
                low: 0.0,
                high: f64::INFINITY,
                rows: 3,
            }],
            residuals: Some(ResidualBins {
                low: f64::NAN,
                width: 0.0,
                counts: vec![0, 0],
            }),
            ..NumbersPart::default()
        }),
        importance: vec![Importance {
            column: "x".to_owned(),
            permutation: Some(Mean {
                value: f64::NAN,
                standard_error: -0.0,
            }),
            contribution: f64::NAN,
        }],
        ..TabularReport::default()
    };
    let page = html(&report);
    assert_eq!(fault(&page), None);
    assert!(!page.contains("NaN") && !page.contains("inf<"), "{page}");
    assert!(page.contains("<p class=\"value\">\u{2013}</p>"));
}
