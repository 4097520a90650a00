//! What the trees of `tabular` cost by themselves, without files and columns of text: CPU seconds of binning,
//! training, scoring and explaining in memory, for the figures of `make bench-peers PEERS=tabular`.
//!
//! usage: trees_time FOLDER ROUNDS LEAVES DEPTH RATE EXPLAINED OUT
//!
//! FOLDER holds what `tools/peers/_higgs.py` writes: `train.f32` and `test.f32`, 32-bit floats column by column, and
//! `train-target.f32`, labels 0 and 1. DEPTH 0 is no limit. Trains on the one, scores the other into OUT (64-bit
//! floats), explains its first EXPLAINED rows, and prints a line of JSON. Threads are those of RAYON_NUM_THREADS.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use models::trees::{BinOptions, Bins, Column, Ensemble, Explainer, Loss, Options, Target};
use serde_json::Value;

/// The mean of so many scorings is taken.
const SCORINGS: usize = 5;

/// CPU seconds of all threads that run; those of the pool live as long as the process.
fn cpu() -> Result<f64> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let path = thread?.path().join("schedstat");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let ran = text.split_whitespace().next().unwrap_or_default();
        nanoseconds += ran.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// `VmRSS` (resident now) or `VmHWM` (its peak) in MB.
fn resident(name: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: f64 = kilobytes
        .context("no memory in /proc/self/status")?
        .parse()?;
    Ok(kilobytes / 1024.0)
}

fn floats(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        bail!("{} is not a file of 32-bit floats", path.display());
    }
    Ok(values.iter().copied().map(f32::from_le_bytes).collect())
}

/// So many columns, and their number of rows.
fn split(values: &[f32], columns: usize) -> (Vec<Column<'_>>, usize) {
    let rows = values.len() / columns.max(1);
    let chunks = values.chunks_exact(rows.max(1));
    (chunks.map(Column::F32).collect(), rows)
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rounds, leaves, depth, rate, explained, out] = words.as_slice() else {
        bail!("usage: trees_time FOLDER ROUNDS LEAVES DEPTH RATE EXPLAINED OUT");
    };
    let options = Options {
        rounds: rounds.parse()?,
        leaves: leaves.parse()?,
        depth: match depth.parse()? {
            0 => 64,
            depth => depth,
        },
        rate: rate.parse()?,
        ..Options::of(Loss::Logistic)
    };
    let folder = Path::new(folder);
    let labels = floats(&folder.join("train-target.f32"))?;
    let labels: Vec<f64> = labels.into_iter().map(f64::from).collect();
    let (train, test) = (
        floats(&folder.join("train.f32"))?,
        floats(&folder.join("test.f32"))?,
    );
    if labels.is_empty() || !train.len().is_multiple_of(labels.len()) {
        bail!("{} has no rows, or not one label per row", folder.display());
    }
    let (train, _) = split(&train, train.len() / labels.len());
    let (test, rows) = split(&test, train.len());

    let (trees, mut figures) = fit(&options, &train, &labels)?;
    figures["scoring"] = score(&trees, &test, Path::new(out))?.into();
    let (explaining, error) = explain(&trees, &test, explained.parse::<usize>()?.min(rows))?;
    figures["explaining"] = explaining.into();
    figures["error"] = error.into();
    println!("{figures}");
    Ok(())
}

/// Bins and trains, and what both cost; `memory` is their peak above what was resident before.
fn fit(options: &Options, train: &[Column], labels: &[f64]) -> Result<(Ensemble, Value)> {
    // From here on the peak is that of training.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let (before, start, clock) = (resident("VmRSS")?, cpu()?, Instant::now());
    let bins = Bins::new(train, &BinOptions::default())?;
    let binned = cpu()?;
    let trees = options.fit(&bins, &Target::new(labels))?;
    let figures = serde_json::json!({
        "binning": binned - start,
        "training": cpu()? - binned,
        "wall": clock.elapsed().as_secs_f64(),
        "memory": resident("VmHWM")? - before,
    });
    Ok((trees, figures))
}

/// Writes the probabilities of all rows; gives the CPU seconds of one scoring.
fn score(trees: &Ensemble, test: &[Column], out: &Path) -> Result<f64> {
    let start = cpu()?;
    let mut scores = Vec::new();
    for _ in 0..SCORINGS {
        scores = trees.predict(test)?;
    }
    let seconds = (cpu()? - start) / SCORINGS as f64;
    let bytes: Vec<u8> = scores
        .iter()
        .flat_map(|score| score.to_le_bytes())
        .collect();
    std::fs::write(out, bytes).with_context(|| format!("cannot write {}", out.display()))?;
    Ok(seconds)
}

/// CPU seconds to explain the first rows, and the largest difference between a margin and its explanation's sum.
fn explain(trees: &Ensemble, test: &[Column], rows: usize) -> Result<(f64, f64)> {
    let first = |column: &Column<'_>| match column {
        Column::F32(values) => values[..rows].to_vec(),
        _ => Vec::new(),
    };
    let first: Vec<Vec<f32>> = test.iter().map(first).collect();
    let first: Vec<Column> = first.iter().map(|values| Column::F32(values)).collect();
    let start = cpu()?;
    let contributions = Explainer::new(trees)?.contributions(&first)?;
    let seconds = cpu()? - start;
    let margins = trees.margins(&first)?;
    let errors = margins.iter().enumerate().map(|(row, margin)| {
        let sum: f64 = contributions.row(row, 0).iter().sum();
        (contributions.base[0] + sum - margin).abs()
    });
    Ok((seconds, errors.fold(0.0, f64::max)))
}
