//! Drift with known answers: the car loan data of the wheel nannyml==0.13.1, whose analysis part is
//! like the reference for 5 chunks of 5,000 rows and drifts in the next 5.
//!
//! ```text
//! cargo run --release -p easylife-monitoring --example known_answers -- FOLDER
//! ```
//! FOLDER is `nannyml/datasets/data`.

use std::path::Path;

use monitoring::drift::{
    ColumnReference, DriftOptions, LeftOut, NumberSketch, Window, WordSketch, compare,
};

const CHUNK: usize = 5000;
const NUMBERS: [&str; 5] = [
    "car_value",
    "debt_to_income_ratio",
    "loan_length",
    "driver_tenure",
    "y_pred_proba",
];
const WORDS: [&str; 4] = [
    "salary_range",
    "repaid_loan_on_prev_car",
    "size_of_downpayment",
    "y_pred",
];

/// The columns by name, row by row.
fn read(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).expect("a readable file");
    let headers = reader.headers().expect("a header").clone();
    let place = |name: &&str| {
        headers
            .iter()
            .position(|header| header == *name)
            .expect("a column")
    };
    let places: Vec<usize> = ["id"]
        .iter()
        .chain(&NUMBERS)
        .chain(&WORDS)
        .map(place)
        .collect();
    let rows = reader.records().map(|row| row.expect("a valid row"));
    rows.map(|row| places.iter().map(|&place| row[place].to_owned()).collect())
        .collect()
}

fn number(cell: &str) -> Option<f64> {
    (!cell.is_empty()).then(|| cell.parse().expect("a number"))
}

fn numbers(rows: &[Vec<String>], column: usize) -> Result<ColumnReference, LeftOut> {
    let mut sketch = NumberSketch::new(0);
    rows.iter().for_each(|row| sketch.add(number(&row[column])));
    sketch.finish()
}

fn main() {
    let folder = std::env::args().nth(1).expect("a folder as argument");
    let part =
        |name: &str| read(&Path::new(&folder).join(format!("synthetic_car_loan_{name}.csv")));
    let (reference, analysis) = (part("reference"), part("analysis"));
    println!(
        "id: {}",
        numbers(&reference, 0).expect_err("ids are left out")
    );
    let names: Vec<&str> = NUMBERS.into_iter().chain(WORDS).collect();
    let is_number = |index: usize| index < NUMBERS.len();
    let references: Vec<ColumnReference> = (0..names.len())
        .map(|index| match is_number(index) {
            true => numbers(&reference, index + 1).expect("a reference"),
            false => {
                let mut sketch = WordSketch::new(0);
                reference
                    .iter()
                    .for_each(|row| sketch.add(Some(&row[index + 1])));
                sketch.finish().expect("a reference")
            }
        })
        .collect();
    println!("q by chunk; * has drifted");
    let mut table = vec![String::new(); names.len()];
    for chunk in analysis.chunks(CHUNK) {
        let windows: Vec<Window> = references
            .iter()
            .enumerate()
            .map(|(index, reference)| {
                let mut window = Window::new(reference);
                for row in chunk {
                    match is_number(index) {
                        true => window.add_number(reference, number(&row[index + 1])),
                        false => window.add_word(reference, Some(&row[index + 1])),
                    }
                }
                window
            })
            .collect();
        let columns: Vec<_> = names
            .iter()
            .zip(references.iter().zip(&windows))
            .map(|(name, (r, w))| (*name, r, w))
            .collect();
        let drift =
            compare(&columns, &DriftOptions::default()).expect("windows on their references");
        for (line, column) in table.iter_mut().zip(&drift.columns) {
            let mark = if column.has_drifted { "*" } else { " " };
            *line += &format!(" {:7.1e}{mark}", column.q.unwrap_or(1.0));
        }
    }
    for (name, line) in names.iter().zip(&table) {
        println!("{name:24}{line}");
    }
}
