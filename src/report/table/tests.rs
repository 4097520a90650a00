//! The cells of the section about columns.

use super::*;
use tables::profile::summary::Lengths;

/// A column of four texts, `a` twice.
fn texts() -> Column {
    Column {
        name: "name".to_owned(),
        class: "text".to_owned(),
        count: 4,
        nulls: 0,
        distinct: 3,
        distinct_exact: true,
        min: None,
        max: None,
        mean: None,
        deviation: None,
        quantiles: None,
        rank_error: None,
        infinite: 0,
        lengths: Lengths {
            min: 1,
            mean: 2.0,
            max: 3,
        },
        top: vec![],
        classes: vec![],
        examples: vec![],
        histogram: None,
    }
}

fn numbers() -> Column {
    let whole = Figure::Whole;
    Column {
        class: "integer".to_owned(),
        min: Some(whole(-2)),
        max: Some(whole(40)),
        mean: Some(Figure::Number(7.25)),
        deviation: Some(1.5),
        quantiles: Some([-2, -1, 3, 5, 9, 30, 40].map(whole)),
        ..texts()
    }
}

fn of(value: &str, count: u64) -> Top {
    Top {
        value: value.to_owned(),
        count,
    }
}

#[test]
fn the_spread_of_numbers_is_their_range_middle_mean_and_deviation() {
    assert_eq!(
        spread(&numbers()),
        "<bdi>-2</bdi> to <bdi>40</bdi><br>middle half 3 to 9<br>median 5<br>mean 7.25 \u{b1} 1.5"
    );
    let infinite = Column {
        infinite: 1200,
        deviation: None,
        ..numbers()
    };
    assert!(spread(&infinite).ends_with("mean 7.25<br>1,200 not finite"));
}

#[test]
fn the_spread_of_texts_is_their_length() {
    assert_eq!(spread(&texts()), "1 to 3 letters");
    let long = Column {
        lengths: Lengths {
            min: 1200,
            mean: 2000.0,
            max: 34000,
        },
        ..texts()
    };
    assert_eq!(spread(&long), "1,200 to 34,000 letters");
    let empty = Column {
        lengths: Lengths::default(),
        ..texts()
    };
    assert_eq!(spread(&empty), "");
}

#[test]
fn values_that_occur_once_or_twice_are_no_frequent_ones() {
    let many = Column {
        distinct: 5,
        top: vec![of("a", 3), of("b", 2), of("c", 1)],
        ..texts()
    };
    assert_eq!(top(&many), "<bdi>a</bdi> <small>3</small>");
    let few = Column {
        distinct: 4,
        ..many.clone()
    };
    assert_eq!(
        top(&few).matches("<bdi>").count(),
        3,
        "all values of a column with few"
    );
    let estimated = Column {
        distinct_exact: false,
        top: vec![of("<b>", 12_000)],
        ..many
    };
    assert_eq!(
        top(&estimated),
        "<bdi>&lt;b&gt;</bdi> <small>\u{2265} 12,000</small>"
    );
}

#[test]
fn at_most_four_frequent_values_are_listed() {
    let column = Column {
        distinct: 900,
        top: (0..9)
            .map(|index| of(&index.to_string(), 90 - index))
            .collect(),
        ..texts()
    };
    assert!(top(&column).ends_with("<bdi>3</bdi> <small>87</small>"));
}

#[test]
fn a_row_tells_empty_cells_and_estimates() {
    let column = Column {
        nulls: 1,
        distinct: 12_345,
        distinct_exact: false,
        name: String::new(),
        ..texts()
    };
    let cells = row(&column);
    assert_eq!(cells[0], "<bdi>(empty)</bdi>", "a column without a name");
    assert_eq!(cells[2], "25.00 %");
    assert_eq!(cells[3], "\u{2248} 12,345");
    let nothing = Column {
        count: 0,
        ..texts()
    };
    assert_eq!(row(&nothing)[2], "0");
}

#[test]
fn mixed_columns_say_how_many_values_of_each_type() {
    let column = Column {
        classes: vec![("integer", 1500), ("text", 2)],
        ..texts()
    };
    assert_eq!(
        kinds(&column),
        "text<br><small>1,500 integer</small><br><small>2 text</small>"
    );
}

#[test]
fn bars_are_as_high_as_their_share_of_the_highest() {
    let histogram = Histogram {
        of: "values",
        from: Figure::Number(0.5),
        to: Figure::Whole(8),
        counts: vec![1000, 0, 500, 1],
    };
    let picture = bars(&histogram);
    assert!(
        picture.contains("aria-label=\"values from 0.5 to 8\""),
        "{picture}"
    );
    let heights: Vec<&str> = picture
        .split("<rect ")
        .skip(1)
        .filter_map(|bar| bar.split("height=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(
        heights,
        ["44", "22", "1"],
        "nothing for no value, a pixel for one"
    );
    assert!(
        picture.contains("<rect x=\"80\" y=\"22\" width=\"39.5\""),
        "{picture}"
    );
}

#[test]
fn a_page_shows_the_first_columns_and_says_so() {
    let table = |columns: usize| Table {
        source: "a<b.csv".to_owned(),
        rows: 1,
        bad_rows: 0,
        columns: vec![texts(); columns],
    };
    let shown = section(&table(201));
    assert_eq!(
        shown.note,
        "The first 200 of 201 columns; the JSON file has all."
    );
    assert_eq!(shown.body.matches("<tr><th scope=\"row\"").count(), 200);
    assert!(
        shown.body.contains("<bdi>a&lt;b.csv</bdi>: 1 row<"),
        "{}",
        &shown.body[..300]
    );
    assert!(!section(&table(200)).note.contains("first"));
}
