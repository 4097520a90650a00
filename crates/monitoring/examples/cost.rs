//! CPU time of one value in a sketch of the reference, in a window, and of a comparison (Linux).
//!
//! ```text
//! cargo run --release -p easylife-monitoring --example cost
//! ```

use std::hint::black_box;

use monitoring::drift::{ColumnReference, DriftOptions, NumberSketch, Window, WordSketch, compare};

const ROWS: u64 = 3_000_000;

fn uniform(row: u64) -> f64 {
    let word = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

/// The word of a row.
type Value<'a> = &'a dyn Fn(u64) -> String;

/// Nanoseconds that this process has been on a processor.
fn cpu() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux");
    let file = |thread: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(thread.expect("a thread").path().join("schedstat")).expect("Linux")
    };
    let first = |text: String| {
        text.split(' ')
            .next()
            .expect("a number")
            .parse::<f64>()
            .expect("a number")
    };
    threads.map(|thread| first(file(thread))).sum()
}

fn per_value(what: &str, values: usize, work: impl FnOnce()) {
    let start = cpu();
    work();
    println!("{what:45} {:8.1} ns", (cpu() - start) / values as f64);
}

fn report(name: &str, reference: &ColumnReference) {
    let bytes = serde_json::to_string(reference).expect("a reference").len();
    println!("{name:45} {} bins, {bytes} bytes as JSON", reference.bins());
}

fn main() {
    let value = |kind: usize, row: u64| match kind {
        0 => uniform(row),
        1 => libm::log(uniform(row) + 1e-9),
        _ => (uniform(row) * 20.0).floor(),
    };
    for (kind, name) in ["uniform", "logarithm of uniform", "20 whole numbers"]
        .iter()
        .enumerate()
    {
        let values: Vec<Option<f64>> = (0..ROWS).map(|row| Some(value(kind, row))).collect();
        let mut sketch = NumberSketch::new(0);
        per_value(&format!("sketch: {name}"), values.len(), || {
            values.iter().for_each(|&value| sketch.add(value));
        });
        let reference = sketch.finish().expect("a reference");
        let mut window = Window::new(&reference);
        per_value(&format!("window: {name}"), values.len(), || {
            values
                .iter()
                .for_each(|&value| window.add_number(&reference, value));
        });
        report(name, black_box(&reference));
    }
    let text = |row: u64| {
        let word = |place: u64| format!("w{}", (uniform(row * 16 + place).powi(3) * 5000.0) as u64);
        (0..12).map(word).collect::<Vec<_>>().join(" ")
    };
    let words: [(&str, u64, Value); 4] = [
        ("5 words", ROWS, &|row| {
            format!("word {}", (uniform(row) * 5.0) as u64)
        }),
        ("3,000 words", ROWS, &|row| {
            format!("w{}", (uniform(row) * 3000.0) as u64)
        }),
        ("100,000 words", ROWS, &|row| {
            format!("w{}", (uniform(row) * 1e5) as u64)
        }),
        ("texts of 12 words", 300_000, &text),
    ];
    for (name, rows, word) in words {
        let values: Vec<String> = (0..rows).map(word).collect();
        let mut sketch = WordSketch::new(0);
        per_value(&format!("sketch: {name}"), values.len(), || {
            values.iter().for_each(|value| sketch.add(Some(value)));
        });
        let reference = sketch.finish().expect("a reference");
        let mut window = Window::new(&reference);
        per_value(&format!("window: {name}"), values.len(), || {
            values
                .iter()
                .for_each(|value| window.add_word(&reference, Some(value)));
        });
        report(name, black_box(&reference));
    }
    for rows in [100_u64, 10_000] {
        let mut sketch = NumberSketch::new(0);
        (0..100_000).for_each(|row| sketch.add(Some(uniform(row))));
        let reference = sketch.finish().expect("a reference");
        for (what, shift) in [("nothing new", 0.0), ("drift", 0.3)] {
            let mut window = Window::new(&reference);
            let rows = 100_000..100_000 + rows;
            rows.clone()
                .for_each(|row| window.add_number(&reference, Some(uniform(row) + shift)));
            let start = cpu();
            let columns = [("x", &reference, &window)];
            let drift = compare(&columns, &DriftOptions::default()).expect("a window");
            let p = drift.columns[0].p.unwrap_or(1.0);
            println!(
                "comparison of {} rows, {what}: {:.2} ms, p = {p:.1e}",
                rows.count(),
                (cpu() - start) / 1e6
            );
        }
    }
}
