//! Reference values and series from `crates/models/tests/reference`, for the tests of this folder.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A series and its regressors, for the past and the future steps.
pub struct Series {
    pub y: Vec<f64>,
    pub exog: Vec<Vec<f64>>,
    pub future: Vec<Vec<f64>>,
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

/// The reference values; `tests/reference/README.md` names the tools that computed them.
pub fn known_answers() -> Value {
    let text = std::fs::read(file("known_answers.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn columns(file: &str, names: &[&str]) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_path(self::file(&format!("{file}.csv"))).unwrap();
    let header = reader.headers().unwrap().clone();
    let places: Vec<usize> = (names.iter())
        .map(|name| header.iter().position(|h| h == *name).unwrap())
        .collect();
    let mut columns = vec![Vec::new(); names.len()];
    for record in reader.records() {
        let record = record.unwrap();
        for (column, &place) in columns.iter_mut().zip(&places) {
            column.push(record[place].parse().unwrap_or(f64::NAN));
        }
    }
    columns
}

/// The series named in the reference file: `bike_daily (first 701), exog holiday,temp`.
pub fn series(described: &str, log: bool) -> Series {
    let log = log || described.starts_with("log ");
    let described = described.trim_start_matches("log ");
    let (name, exog) = described.split_once(", exog ").unwrap_or((described, ""));
    let file = name.split([' ', ',']).next().unwrap();
    let names: Vec<&str> = match exog {
        "" => vec!["y"],
        "year-1920" => vec!["y", "ds"],
        listed => std::iter::once("y").chain(listed.split(',')).collect(),
    };
    let mut all = columns(file, &names);
    if exog == "year-1920" {
        // LakeHuron has 98 years from 1875.
        all[1] = (0..all[0].len())
            .map(|t| 1875.0 + t as f64 - 1920.0)
            .collect();
    }
    let length = all[0].len();
    let kept = match () {
        () if name.contains("first 701") => 701,
        () if name.contains("last 30 days held out") => length - 30,
        () => length,
    };
    let future = match exog {
        "year-1920" => vec![
            (0..24)
                .map(|t| 1875.0 + (length + t) as f64 - 1920.0)
                .collect(),
        ],
        _ => all[1..].iter().map(|c| c[kept..].to_vec()).collect(),
    };
    let mut y = all[0][..kept].to_vec();
    if log {
        y = y.into_iter().map(libm::log).collect();
    }
    Series {
        y,
        exog: all[1..].iter().map(|c| c[..kept].to_vec()).collect(),
        future,
    }
}
