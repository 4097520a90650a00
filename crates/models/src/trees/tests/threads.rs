//! The same model for any number of threads.

use proptest::prelude::*;

use super::*;

/// Runs on pools of 1, 2 and 8 threads, and asserts that the results are equal.
fn on_all<T: PartialEq + Send + std::fmt::Debug>(run: impl Fn() -> T + Sync) -> T {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(&run)
    };
    let first = on(1);
    assert!(first == on(2), "1 and 2 threads differ");
    assert!(first == on(8), "1 and 8 threads differ");
    first
}

#[test]
fn threads_change_nothing_for_any_loss() {
    let (table, target) = mixed(2500);
    for loss in LOSSES {
        let target = suited(loss, &target);
        let weights: Vec<f64> = uniform(50, 2500).iter().map(|w| w + 0.1).collect();
        let options = Options {
            rounds: 4,
            leaves: 40,
            row_share: 0.8,
            column_share: 0.7,
            ..Options::of(loss)
        };
        on_all(|| {
            let bins = bins(&table);
            let target = Target::new(&target).weighted(&weights);
            let trees = options.fit(&bins, &target).unwrap();
            let explained = Explainer::new(&trees)
                .unwrap()
                .contributions(&columns(&table)[..]);
            (
                trees.margins(&columns(&table)).unwrap(),
                explained.unwrap(),
                trees,
            )
        });
    }
}

#[test]
fn threads_change_nothing_where_rows_are_shared_out() {
    // Enough rows that nodes are divided and summed by several threads.
    let rows = 120_000;
    let table: Vec<Owned> = (0..6)
        .map(|column| Owned::F64(uniform(column, rows)))
        .collect();
    let (a, b) = (uniform(0, rows), uniform(1, rows));
    let target: Vec<f64> = a.iter().zip(b).map(|(a, b)| (6.0 * a * b).sin()).collect();
    let options = Options {
        rounds: 1,
        leaves: 64,
        ..Options::of(Loss::Squared)
    };
    let few = BinOptions {
        sample: 50_000,
        ..BinOptions::default()
    };
    let trees = on_all(|| {
        let bins = Bins::new(&columns(&table), &few).unwrap();
        options.fit(&bins, &Target::new(&target)).unwrap()
    });
    assert_eq!(trees.parts().lefts.len(), 127);
}

#[test]
fn histograms_that_are_dropped_change_nothing() {
    // 3000 columns of 120 bins: the budget holds two histograms.
    let (rows, count) = (120, 3000);
    let table: Vec<Owned> = (0..count)
        .map(|column| Owned::F64(uniform(column, rows)))
        .collect();
    let target: Vec<f64> = uniform(9999, rows);
    let options = Options {
        rounds: 2,
        leaves: 12,
        min_rows: 3,
        ..Options::of(Loss::Squared)
    };
    on_all(|| options.fit(&bins(&table), &Target::new(&target)).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn threads_change_nothing_on_small_tables(
        rows in prop::collection::vec((any::<f32>(), 0..6_u32, any::<f64>(), -3.0..3.0_f64), 1..120),
        leaves in 2..20_usize,
        seed in any::<u64>(),
    ) {
        let table = [
            Owned::F32(rows.iter().map(|row| row.0).collect()),
            Owned::Categories(rows.iter().map(|row| row.1).collect()),
            Owned::F64(rows.iter().map(|row| row.2).collect()),
        ];
        let target: Vec<f64> = rows.iter().map(|row| row.3).collect();
        let options = Options { rounds: 3, leaves, seed, min_rows: 2, ..Options::of(Loss::Squared) };
        on_all(|| options.fit(&bins(&table), &Target::new(&target)).unwrap());
    }
}
