//! False-alarm rates: windows of tables in which nothing has changed. Each window has a reference
//! of its own, as a reference is a draw, too.
//!
//! ```text
//! cargo run --release -p easylife-monitoring --example stationary -- [WINDOWS] [REFERENCE_ROWS] [SIZE...]
//! ```
//! Prints, for windows of 100, 1,000 and 10,000 rows, the share with an alarm at the default rate of
//! 1 %, and for each column the share of small p-values.

use std::time::Instant;

use monitoring::drift::{ColumnReference, DriftOptions, NumberSketch, Window, WordSketch, compare};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

/// A column of every type; all are independent.
const COLUMNS: [&str; 16] = [
    "normal",
    "lognormal",
    "cauchy",
    "uniform",
    "exponential with zeros and missing values",
    "poisson(3)",
    "die",
    "cents",
    "boolean .5",
    "boolean .01",
    "boolean .001",
    "3 words",
    "zipf of 60 words",
    "zipf of 20,000 words",
    "2,000 equal words",
    "text",
];

struct Draw(ChaCha8Rng);

impl Draw {
    fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform())
    }

    /// Ranks with shares like 1 / (rank + 1), about.
    fn zipf(&mut self, words: f64) -> u64 {
        (libm::pow(words + 1.0, self.uniform()) - 1.0) as u64
    }

    fn number(&mut self, column: usize) -> Option<f64> {
        let u = self.uniform();
        Some(match column {
            0 => self.normal(),
            1 => libm::exp(self.normal()),
            2 => libm::tan(std::f64::consts::PI * (u - 0.5)),
            3 => u,
            4 if u < 0.05 => return None,
            4 if u < 0.4 => 0.0,
            4 => -libm::log(self.uniform()),
            5 => {
                let (mut k, mut product) = (0.0, u);
                while product > libm::exp(-3.0) {
                    product *= self.uniform();
                    k += 1.0;
                }
                k
            }
            6 => (u * 6.0).floor() + 1.0,
            _ => (libm::exp(3.0 + self.normal()) * 100.0).floor() / 100.0,
        })
    }

    fn word(&mut self, column: usize) -> String {
        let u = self.uniform();
        let truth = |share: f64| (u < share).to_string();
        match column {
            8 => truth(0.5),
            9 => truth(0.01),
            10 => truth(0.001),
            11 => (if u < 0.6 {
                "a"
            } else if u < 0.9 {
                "b"
            } else {
                "c"
            })
            .to_owned(),
            12 => format!("w{}", self.zipf(60.0)),
            13 => format!("w{}", self.zipf(20_000.0)),
            14 => format!("w{}", (u * 2000.0) as u64),
            _ => {
                let words = 4 + (u * 12.0) as usize;
                let words: Vec<String> = (0..words)
                    .map(|_| format!("w{}", self.zipf(5_000.0)))
                    .collect();
                words.join(" ")
            }
        }
    }
}

fn reference(draw: &mut Draw, column: usize, rows: u64) -> ColumnReference {
    match column {
        0..8 => {
            let mut sketch = NumberSketch::new(0);
            (0..rows).for_each(|_| sketch.add(draw.number(column)));
            sketch.finish()
        }
        _ => {
            let mut sketch = WordSketch::new(0);
            (0..rows).for_each(|_| sketch.add(Some(&draw.word(column))));
            sketch.finish()
        }
    }
    .unwrap_or_else(|error| panic!("{}: {error}", COLUMNS[column]))
}

fn window(draw: &mut Draw, column: usize, reference: &ColumnReference, rows: u64) -> Window {
    let mut window = Window::new(reference);
    for _ in 0..rows {
        match column {
            0..8 => window.add_number(reference, draw.number(column)),
            _ => window.add_word(reference, Some(&draw.word(column))),
        }
    }
    window
}

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().expect("a number"));
    let windows = arguments.next().unwrap_or(1000);
    let reference_rows = arguments.next().unwrap_or(10_000);
    println!(
        "{windows} windows of {} columns, references of {reference_rows} rows",
        COLUMNS.len()
    );
    let sizes: Vec<u64> = arguments.collect();
    let sizes = if sizes.is_empty() {
        vec![100, 1_000, 10_000]
    } else {
        sizes
    };
    for (size, rows) in sizes.into_iter().enumerate() {
        let start = Instant::now();
        let one = |index: u64| {
            let mut draw = Draw(ChaCha8Rng::seed_from_u64(index * 3 + size as u64));
            let references: Vec<_> = (0..COLUMNS.len())
                .map(|column| reference(&mut draw, column, reference_rows))
                .collect();
            let windows: Vec<_> = references
                .iter()
                .enumerate()
                .map(|(column, reference)| window(&mut draw, column, reference, rows))
                .collect();
            let table: Vec<_> = (0..COLUMNS.len())
                .map(|column| (COLUMNS[column], &references[column], &windows[column]))
                .collect();
            compare(&table, &DriftOptions::default()).expect("windows on their references")
        };
        let all: Vec<_> = (0..windows).into_par_iter().map(one).collect();
        let alarms = all.iter().filter(|drift| drift.has_drifted).count();
        let share = 100.0 * alarms as f64 / windows as f64;
        println!(
            "windows of {rows} rows: {alarms} alarms, {share:.2} %  ({:.1} s)",
            start.elapsed().as_secs_f64()
        );
        println!(
            "{:45} {:>7} {:>7} {:>7}",
            "share of p up to", "0.1 %", "1 %", "10 %"
        );
        for (column, name) in COLUMNS.iter().enumerate() {
            let share = |limit: f64| {
                let p = all
                    .iter()
                    .map(|drift| drift.columns[column].p.unwrap_or(1.0));
                p.filter(|&p| p <= limit).count() as f64 / windows as f64
            };
            println!(
                "{name:45} {:7.4} {:7.4} {:7.4}",
                share(0.001),
                share(0.01),
                share(0.1)
            );
        }
    }
}
