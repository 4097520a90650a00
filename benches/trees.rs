//! How fast trees are by themselves: binning, fitting, scoring and explaining rows in memory. One thread by
//! RAYON_NUM_THREADS=1. What they cost beside other tools is in `make bench-peers PEERS=tabular`.

use divan::counter::ItemsCount;
use models::trees::{BinOptions, Bins, Column, Ensemble, Explainer, Loss, Options, Target};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const ROWS: usize = 100_000;
const COLUMNS: usize = 28;
/// Rows that are explained.
const EXPLAINED: usize = 1000;

fn main() {
    divan::main();
}

/// Columns of numbers in 0..1, and labels that depend on three of them, with an interaction.
struct Table {
    columns: Vec<Vec<f32>>,
    labels: Vec<f64>,
}

impl Table {
    fn new(rows: usize) -> Table {
        let mut draw = ChaCha8Rng::seed_from_u64(42);
        let mut number = || draw.next_u32() as f32 / 4_294_967_296.0;
        let columns: Vec<Vec<f32>> = (0..COLUMNS)
            .map(|_| (0..rows).map(|_| number()).collect())
            .collect();
        let labels = (0..rows)
            .map(|row| {
                let margin = match columns[0][row] > 0.5 {
                    true => columns[1][row],
                    false => columns[2][row],
                };
                f64::from(u8::from(number() < 0.2 + 0.6 * margin))
            })
            .collect();
        Table { columns, labels }
    }

    fn columns(&self) -> Vec<Column<'_>> {
        self.columns.iter().map(|c| Column::F32(c)).collect()
    }

    fn bins(&self) -> Bins {
        match Bins::new(&self.columns(), &BinOptions::default()) {
            Ok(bins) => bins,
            Err(error) => panic!("the table cannot be binned: {error}"),
        }
    }

    fn fit(&self, bins: &Bins, options: &Options) -> Ensemble {
        match options.fit(bins, &Target::new(&self.labels)) {
            Ok(trees) => trees,
            Err(error) => panic!("the table cannot be fitted: {error}"),
        }
    }
}

fn options(rounds: usize, leaves: usize, depth: usize) -> Options {
    Options {
        rounds,
        leaves,
        depth,
        ..Options::of(Loss::Logistic)
    }
}

/// 28 columns cut into 255 bins.
#[divan::bench(sample_count = 20)]
fn bin_rows(bencher: divan::Bencher) {
    let table = Table::new(ROWS);
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| table.bins());
}

/// Ten trees of so many leaves.
#[divan::bench(args = [31, 127], sample_count = 5)]
fn fit_rows(bencher: divan::Bencher, leaves: usize) {
    let table = Table::new(ROWS);
    let (bins, options) = (table.bins(), options(10, leaves, 64));
    bencher
        .counter(ItemsCount::new(10 * ROWS))
        .bench(|| table.fit(&bins, &options));
}

/// A hundred trees of so many leaves, from numbers to probabilities.
#[divan::bench(args = [31, 127], sample_count = 20)]
fn score_rows(bencher: divan::Bencher, leaves: usize) {
    let table = Table::new(ROWS);
    let trees = table.fit(&table.bins(), &options(100, leaves, 64));
    let (scorer, columns) = (trees.scorer(), table.columns());
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench(|| scorer.predict(&columns));
}

/// Exact contributions of each column, by a hundred trees of depth 8.
#[divan::bench(sample_count = 5)]
fn explain_rows(bencher: divan::Bencher) {
    let (table, few) = (Table::new(ROWS), Table::new(EXPLAINED));
    let trees = table.fit(&table.bins(), &options(100, 256, 8));
    let explainer = match Explainer::new(&trees) {
        Ok(explainer) => explainer,
        Err(error) => panic!("the trees cannot be explained: {error}"),
    };
    let columns = few.columns();
    bencher
        .counter(ItemsCount::new(EXPLAINED))
        .bench(|| explainer.contributions(&columns));
}
