//! Settings that contradict each other, and columns inferred from small tables.

use std::io::Cursor;

use super::*;
use tables::{Compression, Format};

/// As in a new `params.yaml`.
fn defaults() -> Shape {
    Shape {
        layout: None,
        id: Some(Names::One(ID.to_owned())),
        time: "ds".to_owned(),
        value: Names::One("y".to_owned()),
    }
}

fn many(names: &[&str]) -> Names {
    Names::Many(names.iter().map(|name| (*name).to_owned()).collect())
}

fn settle(shape: &Shape, csv: &str) -> Result<(SeriesColumns, Option<String>), String> {
    let input = Box::new(Cursor::new(csv.as_bytes().to_vec()));
    let source = tables::open_as(input, "t.csv", Format::Csv, Compression::None).unwrap();
    let settled = shape.settle(&mut Peeked::new(source));
    settled.map_err(|error| error.to_string())
}

fn refused(shape: Shape) -> String {
    let invalid = shape.check().unwrap_err();
    format!("{}: {}", invalid.key, invalid.reason)
}

fn long(ids: &[&str], value: &str) -> SeriesLayout {
    SeriesLayout::Long {
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        value: value.to_owned(),
    }
}

fn wide(series: &[&str]) -> SeriesLayout {
    SeriesLayout::Wide {
        series: series.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused_with_their_key() {
    assert!(defaults().check().is_ok());
    let id = |names| Shape {
        id: Some(names),
        ..defaults()
    };
    let value = |names| Shape {
        value: names,
        ..defaults()
    };
    for (shape, expected) in [
        (id(many(&[])), "ts.data.id: the list is empty; name columns"),
        (value(many(&[])), "ts.data.value: the list is empty"),
        (
            id(many(&["shop", "ds"])),
            "ts.data.id: column `ds` is named twice",
        ),
        (
            id(many(&["a", "a"])),
            "ts.data.id: column `a` is named twice",
        ),
        (
            value(many(&["a", "a"])),
            "ts.data.value: column `a` is named twice",
        ),
        (
            id(many(&["shop", "mean"])),
            "ts.data.id: forecasts have their own column `mean`",
        ),
        (
            id(many(&["lo-80"])),
            "ts.data.id: forecasts have their own column `lo-80`",
        ),
        (
            Shape {
                layout: Some(Layout::Long),
                ..value(many(&["a", "b"]))
            },
            "ts.data.value: a list of columns needs ts.data.layout: wide",
        ),
        (
            Shape {
                layout: Some(Layout::Wide),
                ..id(many(&["shop"]))
            },
            "ts.data.id: in a wide table each column is a series",
        ),
    ] {
        let message = refused(shape);
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_wide_table_may_leave_the_default_id() {
    let shape = Shape {
        layout: Some(Layout::Wide),
        ..defaults()
    };
    assert!(shape.check().is_ok());
}

#[test]
fn columns_that_are_there_need_no_note() {
    let (columns, note) = settle(&defaults(), "ds,unique_id,y\n1,a,2\n").unwrap();
    assert_eq!((columns.layout, note), (long(&[ID], "y"), None));
}

#[test]
fn rows_of_different_times_are_one_series() {
    let (columns, note) = settle(&defaults(), "ds,y\n1,5\n2,6\n3,7\n").unwrap();
    assert_eq!(columns.layout, long(&[], "y"));
    let note = note.unwrap();
    assert!(
        note.contains("all rows are taken as one series, `y`"),
        "{note}"
    );
    let repeated = settle(&defaults(), "ds,y\n1,5\n1,6\n2,7\n").unwrap_err();
    assert!(
        repeated.contains("unique_id"),
        "several series need ids: {repeated}"
    );
}

#[test]
fn columns_of_numbers_are_series() {
    let (columns, note) = settle(&defaults(), "ds,a,b\n1,5,\n2,6,7.5\n").unwrap();
    assert_eq!(columns.layout, wide(&["a", "b"]));
    assert!(
        note.unwrap()
            .starts_with("each of 2 columns is taken as a series (a, b)")
    );
    // A text, a usual name of ids, a repeated time, or no value at all.
    for table in [
        "ds,a,b\n1,5,x\n",
        "ds,store,b\n1,5,6\n",
        "ds,a,b\n1,5,6\n1,7,8\n",
        "ds,a,b\n1,,\n",
    ] {
        let refused = settle(&defaults(), table).unwrap_err();
        assert!(refused.contains("unique_id"), "{table}: {refused}");
    }
}

#[test]
fn what_is_said_is_not_inferred() {
    let said = |layout| Shape {
        layout,
        ..defaults()
    };
    let table = "ds,a,b\n1,5,x\n1,6,7\n";
    let (columns, note) = settle(&said(Some(Layout::Wide)), table).unwrap();
    assert_eq!((columns.layout, note), (wide(&["a", "b"]), None));
    assert!(settle(&said(Some(Layout::Long)), "ds,y\n1,5\n2,6\n").is_err());
    let one_series = Shape {
        id: None,
        ..defaults()
    };
    let (columns, note) = settle(&one_series, "ds,y\n1,5\n1,6\n").unwrap();
    assert_eq!((columns.layout, note), (long(&[], "y"), None));
    let error = settle(&defaults(), "time,y\n1,5\n").unwrap_err();
    assert!(error.contains("`ds`"), "{error}");
}

#[test]
fn long_lists_of_columns_are_shortened() {
    let names: Vec<String> = (1..=7).map(|column| format!("c{column}")).collect();
    assert_eq!(listed(&names[..5]), "c1, c2, c3, c4, c5");
    assert_eq!(listed(&names), "c1, c2, c3, c4, c5, and 2 more");
}
