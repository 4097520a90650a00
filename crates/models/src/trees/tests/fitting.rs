//! What is fitted: numbers that a person can check, and properties.

use proptest::prelude::*;

use super::super::loss::quantile;
use super::*;

fn one_tree(loss: Loss) -> Options {
    Options {
        rounds: 1,
        rate: 1.0,
        min_rows: 1,
        ..Options::of(loss)
    }
}

fn fit(options: &Options, table: &[Owned], target: &[f64]) -> Ensemble {
    options.fit(&bins(table), &Target::new(target)).unwrap()
}

#[test]
fn a_split_has_the_gain_and_values_of_the_formula() {
    let table = [Owned::F64(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])];
    let target = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let options = Options {
        leaves: 2,
        ..one_tree(Loss::Squared)
    };
    let trees = fit(&options, &table, &target);
    // Gradients ±1/2 around the mean: the sides have G = ±3/2, H = 3, λ = 1, so that each lowers the
    // loss by (9/4) / (2 · 4) and has the value ∓(3/2) / 4.
    let parts = trees.parts();
    assert_eq!(parts.start, [0.5]);
    assert_eq!(parts.gains, [0.5625, 0.0, 0.0]);
    assert_eq!(parts.values, [0.0, -0.375, 0.375]);
    assert_eq!(parts.rows, [6, 3, 3]);
    assert_eq!(parts.hessians, [6.0, 3.0, 3.0]);
    let cut = NodeTest::Cut {
        cut: 3.5,
        missing_left: true,
    };
    assert_eq!(trees.test(0), Some((0, cut)));
    assert_eq!(trees.importances(), [0.5625]);
}

#[test]
fn missing_values_go_where_they_fit() {
    let values = vec![1.0, 2.0, f64::NAN, 3.0, 4.0, f64::NAN];
    for (missing, is_left) in [(0.0, true), (1.0, false)] {
        let target = [0.0, 0.0, missing, 1.0, 1.0, missing];
        let table = [Owned::F64(values.clone())];
        let trees = fit(&one_tree(Loss::Squared), &table, &target);
        let cut = NodeTest::Cut {
            cut: 2.5,
            missing_left: is_left,
        };
        assert_eq!(trees.test(0), Some((0, cut)));
    }
    // Being missing can be all that matters.
    let table = [Owned::F64(values)];
    let options = Options {
        leaves: 2,
        ..one_tree(Loss::Squared)
    };
    let trees = fit(&options, &table, &[0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    let margins = trees.margins(&[Column::F64(&[f64::INFINITY, f64::NAN, 0.0])]);
    let margins = margins.unwrap();
    assert!(margins[1] > margins[0] && margins[0] == margins[2]);
}

#[test]
fn few_categories_are_tried_one_against_the_rest() {
    let codes: Vec<u32> = (0..60).map(|row| row % 4).collect();
    let target: Vec<f64> = codes
        .iter()
        .map(|&code| f64::from(u8::from(code == 2)))
        .collect();
    let table = [Owned::Categories(codes)];
    let options = Options {
        leaves: 2,
        lambda: 0.0,
        ..one_tree(Loss::Squared)
    };
    let trees = fit(&options, &table, &target);
    // Code 9 was not seen, and goes with the majority, as does what is missing.
    let margins = trees.margins(&[Column::Categories(&[0, 1, 2, 3, 9, MISSING_CATEGORY])]);
    let expected = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    for (margin, expected) in margins.unwrap().iter().zip(expected) {
        assert!((margin - expected).abs() < 1e-12);
    }
}

#[test]
fn many_categories_are_grouped_by_their_mean() {
    let codes: Vec<u32> = (0..2000).map(|row| row % 20).collect();
    let target: Vec<f64> = codes
        .iter()
        .map(|&code| f64::from(u8::from(code % 3 == 1)))
        .collect();
    let table = [Owned::Categories(codes)];
    let options = Options {
        leaves: 2,
        lambda: 0.0,
        ..one_tree(Loss::Squared)
    };
    let trees = fit(&options, &table, &target);
    let codes: Vec<u32> = (0..20).collect();
    let margins = trees.margins(&[Column::Categories(&codes)]).unwrap();
    for (code, margin) in codes.iter().zip(margins) {
        let expected = f64::from(u8::from(code % 3 == 1));
        assert!((margin - expected).abs() < 1e-9, "{code}: {margin}");
    }
}

#[test]
fn every_loss_falls_and_ends_below_a_constant() {
    let (table, target) = mixed(3000);
    let bins = bins(&table);
    let (train, test): (Vec<u32>, Vec<u32>) = (0..3000).partition(|row| row % 3 > 0);
    for loss in LOSSES {
        let target = suited(loss, &target);
        let options = Options {
            rounds: 60,
            leaves: 15,
            ..Options::of(loss)
        };
        let stopped = options.fit_until(&bins, &Target::new(&target), &train, &test, 60);
        let losses = stopped.unwrap().losses;
        let fall = losses[0] - losses[60];
        let scale = losses[0].abs().max(0.1);
        assert!(
            fall > 0.07 * scale,
            "{loss:?}: {} to {}",
            losses[0],
            losses[60]
        );
        let rises = losses.windows(2).filter(|pair| pair[1] > pair[0]);
        assert!(rises.count() < 25, "{loss:?}");
    }
}

#[test]
fn early_stopping_returns_the_rounds_with_the_least_loss() {
    let (table, target) = mixed(600);
    // Half of the target is noise, so that many trees fit too much.
    let noise = uniform(70, 600);
    let target: Vec<f64> = target
        .iter()
        .zip(noise)
        .map(|(y, noise)| y + 3.0 * noise)
        .collect();
    let bins = bins(&table);
    let (train, test): (Vec<u32>, Vec<u32>) = (0..600).partition(|row| row % 2 > 0);
    let options = Options {
        rounds: 400,
        rate: 0.3,
        min_rows: 3,
        ..Options::of(Loss::Squared)
    };
    let target = Target::new(&target);
    let stopped = options
        .fit_until(&bins, &target, &train, &test, 10)
        .unwrap();
    let least = stopped.losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(stopped.losses[stopped.rounds], least);
    assert_eq!(stopped.losses.len(), stopped.rounds + 11);
    assert_eq!(stopped.ensemble.trees(), stopped.rounds);
    // The same trees come out of a fit for that many rounds.
    let again = Options {
        rounds: stopped.rounds,
        ..options
    };
    assert_eq!(
        again.fit_rows(&bins, &target, &train).unwrap(),
        stopped.ensemble
    );
}

#[test]
fn leaves_have_the_best_values() {
    let (table, target) = mixed(2000);
    let weights: Vec<f64> = uniform(40, 2000).iter().map(|w| 0.5 + w).collect();
    let bins = bins(&table);
    for loss in [Loss::Squared, Loss::Logistic, Loss::Absolute, LOSSES[3]] {
        let target = suited(loss, &target);
        let weighted = Target::new(&target).weighted(&weights);
        let trees = one_tree(loss).fit(&bins, &weighted).unwrap();
        let start = trees.parts().start[0];
        let margins = trees.margins(&columns(&table)).unwrap();
        let mut by_leaf = std::collections::BTreeMap::<u64, Vec<usize>>::new();
        for (row, margin) in margins.iter().enumerate() {
            by_leaf.entry(margin.to_bits()).or_default().push(row);
        }
        for (margin, rows) in by_leaf {
            let value = f64::from_bits(margin) - start;
            let best = match loss.level() {
                Some(level) => {
                    let residual = |&row: &usize| (target[row] - start, weights[row]);
                    quantile(rows.iter().map(residual).collect(), level)
                }
                None => {
                    let sums = rows.iter().fold([0.0, 0.0], |sums, &row| {
                        let [g, h] = loss.derivatives(target[row], start);
                        [sums[0] + weights[row] * g, sums[1] + weights[row] * h]
                    });
                    -sums[0] / (sums[1] + 1.0)
                }
            };
            assert!((value - best).abs() < 1e-9, "{loss:?}: {value} {best}");
        }
    }
}

#[test]
fn a_row_of_weight_two_counts_as_two_rows() {
    let (table, target) = mixed(400);
    let twice: Vec<usize> = (0..400).flat_map(|row| vec![row; 1 + row % 2]).collect();
    let weights: Vec<f64> = (0..400).map(|row| 1.0 + f64::from(row % 2)).collect();
    let pick = |owned: &Owned| match owned {
        Owned::F64(values) => Owned::F64(twice.iter().map(|&row| values[row]).collect()),
        Owned::F32(values) => Owned::F32(twice.iter().map(|&row| values[row]).collect()),
        Owned::Categories(values) => {
            Owned::Categories(twice.iter().map(|&row| values[row]).collect())
        }
    };
    // Targets on the grid of quantized gradients, so that rounding does not tell them apart.
    let target: Vec<f64> = target.iter().map(|y| (y * 4.0).round() / 4.0).collect();
    let repeated: Vec<Owned> = table[..1].iter().map(pick).collect();
    let repeated_target: Vec<f64> = twice.iter().map(|&row| target[row]).collect();
    let options = Options {
        min_hessian: 20.0,
        ..one_tree(Loss::Absolute)
    };
    let few_bins = BinOptions {
        bins: 2,
        ..BinOptions::default()
    };
    let fit = |table: &[Owned], target: &Target| {
        let bins = Bins::new(&columns(table), &few_bins).unwrap();
        options.fit(&bins, target).unwrap()
    };
    let weighted = fit(&table[..1], &Target::new(&target).weighted(&weights));
    let repeated = fit(&repeated, &Target::new(&repeated_target));
    assert_eq!(weighted.parts().start, repeated.parts().start);
    assert_eq!(weighted.parts().hessians[0], repeated.parts().hessians[0]);
}

#[test]
fn rows_of_weight_zero_and_rows_left_out_change_nothing() {
    let (table, target) = mixed(1000);
    let bins = bins(&table);
    let weights: Vec<f64> = (0..1000)
        .map(|row| f64::from(u8::from(row % 4 > 0)))
        .collect();
    let rows: Vec<u32> = (0..1000).filter(|row| row % 4 > 0).collect();
    let mut shuffled: Vec<u32> = rows.iter().rev().copied().collect();
    shuffled.extend(&rows[..50]);
    let options = Options {
        rounds: 5,
        ..Options::of(Loss::Squared)
    };
    let mut wrong = target.clone();
    (0..1000).step_by(4).for_each(|row| wrong[row] = f64::NAN);
    let by_weight = options
        .fit(&bins, &Target::new(&wrong).weighted(&weights))
        .unwrap();
    let by_rows = options
        .fit_rows(&bins, &Target::new(&wrong), &shuffled)
        .unwrap();
    assert_eq!(by_weight, by_rows);
}

#[test]
fn samples_change_the_trees_and_repeat() {
    let (table, target) = mixed(2000);
    let bins = bins(&table);
    let fit = |seed, row_share, column_share| {
        let options = Options {
            rounds: 10,
            seed,
            row_share,
            column_share,
            ..Options::of(Loss::Squared)
        };
        options.fit(&bins, &Target::new(&target)).unwrap()
    };
    let trees = fit(1, 0.5, 0.4);
    assert_eq!(trees, fit(1, 0.5, 0.4));
    assert_ne!(trees, fit(2, 0.5, 0.4));
    let parts = trees.parts();
    for tree in parts.tree_starts.windows(2) {
        // Half of 2000 rows, and two of five columns.
        let [first, end] = [tree[0] as usize, tree[1] as usize];
        assert!(
            (900..1100).contains(&parts.rows[first]),
            "{}",
            parts.rows[first]
        );
        let mut used = [false; 5];
        (first..end)
            .filter(|&node| parts.lefts[node] > 0)
            .for_each(|node| used[parts.columns[node] as usize] = true);
        assert!(used.iter().filter(|&&used| used).count() <= 2);
    }
    // Rows that a tree did not see have its margins too.
    let half = fit(1, 0.5, 1.0);
    let margins = half.margins(&columns(&table)).unwrap();
    let error = |y: f64, margin: f64| (y - margin) * (y - margin);
    let sum: f64 = target
        .iter()
        .zip(margins)
        .map(|(&y, margin)| error(y, margin))
        .sum();
    let mean = target.iter().sum::<f64>() / 2000.0;
    let constant: f64 = target.iter().map(|&y| error(y, mean)).sum();
    assert!(sum < 0.4 * constant);
}

#[test]
fn scoring_is_what_the_trees_say() {
    let (table, target) = mixed(1500);
    let (mut asked, _) = mixed(777);
    let Owned::F64(values) = &mut asked[0] else {
        panic!("numbers");
    };
    (values[0], values[1], values[2]) = (f64::INFINITY, f64::NEG_INFINITY, f64::NAN);
    let Owned::Categories(codes) = &mut asked[3] else {
        panic!("categories");
    };
    (codes[5], codes[6]) = (1_000_000, MISSING_CATEGORY);
    for loss in [Loss::Squared, Loss::Softmax { classes: 3 }] {
        let options = Options {
            rounds: 20,
            ..Options::of(loss)
        };
        let trees = fit(&options, &table, &suited(loss, &target));
        let margins = trees.margins(&columns(&asked)).unwrap();
        let outputs = trees.outputs();
        for row in 0..777 {
            let of_row = &margins[row * outputs..(row + 1) * outputs];
            assert_eq!(of_row, naive_margins(&trees, &asked, row));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// For each split of a tree no other cut of any column gains more.
    #[test]
    fn every_split_is_the_best_one(
        rows in prop::collection::vec((0..8_i32, 0..5_i32, -8..8_i32), 4..80),
        lambda in 0.0..3.0_f64,
        min_rows in 1..6_usize,
    ) {
        let column = |pick: fn(&(i32, i32, i32)) -> i32| {
            rows.iter().map(|row| f64::from(pick(row))).collect::<Vec<_>>()
        };
        let values = [column(|row| row.0), column(|row| row.1)];
        // The weights make the mean, and so all gradients, multiples of 1/16.
        let mut target = column(|row| row.2);
        let sum: f64 = target.iter().sum();
        let n = target.len() as f64;
        target[0] -= sum - n * (sum / n).round();
        let table = values.clone().map(Owned::F64);
        let options = Options { lambda, min_rows, leaves: 6, ..one_tree(Loss::Squared) };
        let trees = fit(&options, &table, &target);
        let parts = trees.parts();
        let mut inside = vec![Vec::new(); parts.lefts.len()];
        inside[0] = (0..rows.len()).collect();
        for node in 0..parts.lefts.len() {
            let score = |rows: &[usize]| {
                let sum: f64 = rows.iter().map(|&row| target[row] - parts.start[0]).sum();
                0.5 * sum * sum / (rows.len() as f64 + lambda)
            };
            let here = inside[node].clone();
            let gain = |column: usize, cut: f64| {
                let (left, right): (Vec<usize>, Vec<usize>) =
                    here.iter().partition(|&&row| values[column][row] <= cut);
                let is_allowed = left.len() >= min_rows && right.len() >= min_rows;
                let gain = score(&left) + score(&right) - score(&here);
                (if is_allowed { gain } else { 0.0 }, left, right)
            };
            let Some((column, NodeTest::Cut { cut, .. })) = trees.test(node) else {
                continue;
            };
            let (gained, left, right) = gain(column, cut);
            prop_assert!(gained > 0.0 && (gained - parts.gains[node]).abs() < 1e-6);
            for column in 0..2 {
                for cut in 0..8 {
                    prop_assert!(gain(column, f64::from(cut)).0 <= gained + 1e-6);
                }
            }
            inside[parts.lefts[node] as usize] = left;
            inside[parts.lefts[node] as usize + 1] = right;
        }
    }

    /// Margins rise or fall as they must, whatever the other column is.
    #[test]
    fn constraints_hold(
        rows in prop::collection::vec((0.0..1.0_f64, 0.0..1.0_f64, -1.0..1.0_f64), 20..200),
        sign in prop::sample::select(vec![1_i8, -1]),
        loss in prop::sample::select(vec![Loss::Squared, Loss::Absolute, Loss::Logistic]),
    ) {
        let table = [
            Owned::F64(rows.iter().map(|row| row.0).collect()),
            Owned::F64(rows.iter().map(|row| row.1).collect()),
        ];
        let wave = |row: &(f64, f64, f64)| (9.0 * row.0).sin() + row.1 + 0.3 * row.2;
        let target: Vec<f64> = rows.iter().map(wave).collect();
        let options = Options {
            rounds: 10,
            rate: 0.5,
            min_rows: 2,
            monotone: vec![sign, 0],
            ..Options::of(loss)
        };
        let trees = fit(&options, &table, &suited(loss, &target));
        for other in [0.1, 0.5, 0.9] {
            let grid: Vec<f64> = (0..60).map(|i| f64::from(i) / 59.0).collect();
            let margins = trees.margins(&[Column::F64(&grid), Column::F64(&[other; 60])]).unwrap();
            for pair in margins.windows(2) {
                prop_assert!(f64::from(sign) * (pair[1] - pair[0]) >= 0.0);
            }
        }
    }

    /// Without column sampling a constant column changes nothing.
    #[test]
    fn constant_columns_do_not_matter(
        target in prop::collection::vec(-1.0..1.0_f64, 60..300),
        place in 0..3_usize,
    ) {
        let rows = target.len();
        let table: Vec<Owned> = (0..3).map(|column| Owned::F64(uniform(column, rows))).collect();
        let options = Options { rounds: 5, leaves: 8, min_rows: 5, ..Options::of(Loss::Squared) };
        let expected = fit(&options, &table, &target).margins(&columns(&table)).unwrap();
        let mut wider = table.clone();
        wider.insert(place, Owned::F64(vec![7.5; rows]));
        wider.push(Owned::Categories(vec![3; rows]));
        let got = fit(&options, &wider, &target).margins(&columns(&wider)).unwrap();
        prop_assert_eq!(&got, &expected);
    }
}

/// The order of columns changes only the choice among splits of exactly equal gain. Quantized sums of few rows can be
/// equal, so that this is tried on fixed tables that have no such splits.
#[test]
fn the_order_of_columns_does_not_matter_without_equal_gains() {
    for rows in [60, 100, 250, 600] {
        let table: Vec<Owned> = (0..3)
            .map(|column| Owned::F64(uniform(column, rows)))
            .collect();
        let target = uniform(9, rows);
        let options = Options {
            rounds: 5,
            leaves: 8,
            min_rows: 5,
            ..Options::of(Loss::Squared)
        };
        let expected = fit(&options, &table, &target)
            .margins(&columns(&table))
            .unwrap();
        for turn in [1, 2] {
            let mut turned = table.clone();
            turned.rotate_left(turn);
            let got = fit(&options, &turned, &target)
                .margins(&columns(&turned))
                .unwrap();
            assert_eq!(got, expected, "{rows} rows, turned by {turn}");
        }
    }
}

/// The sets of columns that are tested on the paths of all trees.
fn columns_that_meet(trees: &Ensemble) -> std::collections::BTreeSet<Vec<usize>> {
    let parts = trees.parts();
    let mut met = std::collections::BTreeSet::new();
    for &first in &parts.tree_starts[..trees.trees()] {
        let mut paths = vec![(first as usize, Vec::new())];
        while let Some((node, mut path)) = paths.pop() {
            let Some((column, _)) = trees.test(node) else {
                met.insert(path);
                continue;
            };
            if !path.contains(&column) {
                path.push(column);
                path.sort_unstable();
            }
            let left = first as usize + parts.lefts[node] as usize;
            paths.extend([(left, path.clone()), (left + 1, path)]);
        }
    }
    met
}

#[test]
fn only_columns_of_a_set_meet() {
    let (table, target) = mixed(3000);
    let options = Options {
        rounds: 30,
        interactions: vec![vec![0, 1], vec![1, 2, 4]],
        ..Options::of(Loss::Squared)
    };
    let met = columns_that_meet(&fit(&options, &table, &target));
    let is_within = |path: &Vec<usize>, set: &[usize]| path.iter().all(|c| set.contains(c));
    for path in &met {
        let sets: [&[usize]; 3] = [&[0, 1], &[1, 2, 4], &[3]];
        assert!(sets.iter().any(|set| is_within(path, set)), "{path:?}");
    }
    // Column 3 is in no set; it is used, alone.
    assert!(
        met.contains(&vec![0, 1]) && met.contains(&vec![3]),
        "{met:?}"
    );
    let free = Options {
        interactions: Vec::new(),
        ..options.clone()
    };
    let free = fit(&free, &table, &target);
    assert!(columns_that_meet(&free).contains(&vec![0, 1, 3]));
    // A set of all columns changes nothing.
    let all = Options {
        interactions: vec![(0..5).collect()],
        ..options
    };
    assert_eq!(fit(&all, &table, &target), free);
}

#[test]
fn interactions_of_unknown_columns_are_refused() {
    let table = [Owned::F64(vec![1.0, 2.0])];
    let options = Options {
        interactions: vec![vec![0], vec![0, 1]],
        ..Options::of(Loss::Squared)
    };
    let error = options.fit(&bins(&table), &Target::new(&[0.0, 1.0]));
    let text = "option `interactions` is not made of indices of columns";
    assert_eq!(error.unwrap_err().to_string(), text);
}
