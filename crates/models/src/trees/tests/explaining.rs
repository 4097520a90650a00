//! Explanations against the definition of Shapley values, by all subsets of columns.

use super::*;

/// Margins of a row of which only some columns are known, by walking both ways elsewhere.
fn conditional(trees: &Ensemble, table: &[Owned], row: usize, known: u32) -> Vec<f64> {
    let parts = trees.parts();
    let codes = Codes::of(trees, table);
    let mut margins = parts.start.clone();
    for tree in 0..trees.trees() {
        let first = parts.tree_starts[tree] as usize;
        let mut open = vec![(first, 1.0)];
        while let Some((node, share)) = open.pop() {
            let Some((column, _)) = trees.test(node) else {
                let output = tree % margins.len();
                margins[output] += share * parts.values[node];
                continue;
            };
            let left = first + parts.lefts[node] as usize;
            if known >> column & 1 == 1 {
                let is_left = codes.goes_left(node, row);
                open.push((left + usize::from(!is_left), share));
            } else {
                for child in [left, left + 1] {
                    let part = f64::from(parts.rows[child]) / f64::from(parts.rows[node]);
                    open.push((child, share * part));
                }
            }
        }
    }
    margins
}

/// Which nodes send a row left, found with one-node trees.
struct Codes<'a> {
    trees: &'a Ensemble,
    table: &'a [Owned],
}

impl<'a> Codes<'a> {
    fn of(trees: &'a Ensemble, table: &'a [Owned]) -> Codes<'a> {
        Codes { trees, table }
    }

    fn goes_left(&self, node: usize, row: usize) -> bool {
        let (parts, table) = (self.trees.parts(), self.table);
        let Some((column, test)) = self.trees.test(node) else {
            unreachable!("a leaf");
        };
        match (test, &table[column]) {
            (NodeTest::Cut { cut, missing_left }, Owned::F64(values)) => match values[row] {
                value if value.is_nan() => missing_left,
                value => value <= cut,
            },
            (NodeTest::Cut { cut, missing_left }, Owned::F32(values)) => match values[row] {
                value if value.is_nan() => missing_left,
                value => f64::from(value) <= cut,
            },
            (NodeTest::Set(set), Owned::Categories(codes)) => {
                let first = parts.category_starts[column] as usize;
                let bin = match codes[row] {
                    MISSING_CATEGORY => 255,
                    code => parts.category_bins[first + code as usize],
                };
                set[usize::from(bin) / 64] >> (bin % 64) & 1 == 1
            }
            _ => unreachable!("a test of another kind of column"),
        }
    }
}

fn factorial(n: u32) -> f64 {
    (1..=n).map(f64::from).product()
}

/// Shapley values of a game of n players, by definition.
fn shapley(n: u32, game: &[f64]) -> Vec<f64> {
    let value = |player: u32| {
        let without = (0..1_u32 << n).filter(|set| set >> player & 1 == 0);
        without
            .map(|set| {
                let size = set.count_ones();
                let weight = factorial(size) * factorial(n - 1 - size) / factorial(n);
                weight * (game[(set | 1 << player) as usize] - game[set as usize])
            })
            .sum()
    };
    (0..n).map(value).collect()
}

/// The interaction index of two players, by definition.
fn interaction(n: u32, game: &[f64], a: u32, b: u32) -> f64 {
    let (a, b) = (1 << a, 1 << b);
    let without = (0..1_u32 << n).filter(|set| set & (a | b) == 0);
    without
        .map(|set| {
            let size = set.count_ones();
            let weight = factorial(size) * factorial(n - size - 2) / (2.0 * factorial(n - 1));
            let at = |set: u32| game[set as usize];
            weight * (at(set | a | b) - at(set | a) - at(set | b) + at(set))
        })
        .sum()
}

fn fitted(rows: usize, loss: Loss) -> (Ensemble, Vec<Owned>) {
    let (mut table, target) = mixed(rows);
    // Ten columns, so that paths share some and miss others.
    table.extend((20..25).map(|column| Owned::F64(uniform(column, rows))));
    let options = Options {
        rounds: 6,
        leaves: 24,
        min_rows: 4,
        ..Options::of(loss)
    };
    let target = suited(loss, &target);
    let trees = options.fit(&bins(&table), &Target::new(&target)).unwrap();
    (trees, table)
}

#[test]
fn path_dependent_values_are_those_of_the_definition() {
    for loss in [Loss::Squared, Loss::Softmax { classes: 3 }] {
        let (trees, table) = fitted(400, loss);
        let explainer = Explainer::new(&trees).unwrap();
        let explained = explainer.contributions(&columns(&table)).unwrap();
        for row in [0, 4, 17, 399] {
            let games: Vec<Vec<f64>> = (0..1024)
                .map(|known| conditional(&trees, &table, row, known))
                .collect();
            for output in 0..trees.outputs() {
                let game: Vec<f64> = games.iter().map(|margins| margins[output]).collect();
                assert!((game[0] - explained.base[output]).abs() < 1e-12);
                for (got, expected) in explained.row(row, output).iter().zip(shapley(10, &game)) {
                    assert!((got - expected).abs() < 1e-10, "{got} {expected}");
                }
            }
        }
    }
}

#[test]
fn interactions_are_those_of_the_definition() {
    let (trees, table) = fitted(400, Loss::Squared);
    let explainer = Explainer::new(&trees).unwrap();
    for row in [1, 13] {
        let game: Vec<f64> = (0..1024)
            .map(|known| conditional(&trees, &table, row, known)[0])
            .collect();
        for (a, b) in [(0, 1), (1, 0), (0, 3), (3, 4), (2, 9)] {
            let got = explainer.interaction(&columns(&table), a, b).unwrap()[row];
            let expected = interaction(10, &game, a as u32, b as u32);
            assert!((got - expected).abs() < 1e-10, "{a} {b}: {got} {expected}");
        }
        assert_eq!(
            explainer.interaction(&columns(&table), 2, 2).unwrap()[row],
            0.0
        );
    }
}

/// A row that takes the known columns from one table and the others from another.
fn spliced(of: &[Owned], row: usize, other: &[Owned], other_row: usize, known: u32) -> Vec<Owned> {
    let column = |(column, (of, other)): (usize, (&Owned, &Owned))| {
        let (from, row) = if known >> column & 1 == 1 {
            (of, row)
        } else {
            (other, other_row)
        };
        match from {
            Owned::F64(values) => Owned::F64(vec![values[row]]),
            Owned::F32(values) => Owned::F32(vec![values[row]]),
            Owned::Categories(codes) => Owned::Categories(vec![codes[row]]),
        }
    };
    of.iter().zip(other).enumerate().map(column).collect()
}

#[test]
fn interventional_values_are_those_of_the_definition() {
    let (trees, table) = fitted(200, Loss::Logistic);
    let (mut background, _) = mixed(5);
    background.extend((30..35).map(|column| Owned::F64(uniform(column, 5))));
    let explainer = Explainer::interventional(&trees, &columns(&background)).unwrap();
    let explained = explainer.contributions(&columns(&table)).unwrap();
    let scorer = trees.scorer();
    for row in [2, 31] {
        let value = |known: u32| -> f64 {
            let of = |other| {
                let row = spliced(&table, row, &background, other, known);
                scorer.margins(&columns(&row)).unwrap()[0] / 5.0
            };
            (0..5).map(of).sum()
        };
        let game: Vec<f64> = (0..1024).map(value).collect();
        assert!((game[0] - explained.base[0]).abs() < 1e-12);
        for (got, expected) in explained.row(row, 0).iter().zip(shapley(10, &game)) {
            assert!((got - expected).abs() < 1e-10, "{got} {expected}");
        }
    }
    let error = Explainer::interventional(&trees, &columns(&mixed(0).0)).err();
    assert!(error.is_some());
}

#[test]
fn contributions_add_up_to_the_margin() {
    let (rows, count) = (600, 40);
    // Deep trees over many columns: paths too long for tables of patterns.
    let mut table: Vec<Owned> = (0..count)
        .map(|column| Owned::F64(uniform(column, rows)))
        .collect();
    if let Owned::F64(values) = &mut table[0] {
        values
            .iter_mut()
            .step_by(5)
            .for_each(|value| *value = f64::NAN);
    }
    let target: Vec<f64> = uniform(77, rows).iter().map(|y| 100.0 * y).collect();
    let options = Options {
        rounds: 8,
        leaves: 150,
        min_rows: 2,
        lambda: 0.0,
        ..Options::of(Loss::Squared)
    };
    let trees = options.fit(&bins(&table), &Target::new(&target)).unwrap();
    let columns = columns(&table);
    let margins = trees.margins(&columns).unwrap();
    let short: Vec<Owned> = (0..count)
        .map(|column| Owned::F64(uniform(column, 20)))
        .collect();
    let background = super::columns(&short);
    let explainers = [
        Explainer::new(&trees).unwrap(),
        Explainer::interventional(&trees, &background).unwrap(),
    ];
    for explainer in explainers {
        let explained = explainer.contributions(&columns).unwrap();
        for (row, margin) in margins.iter().enumerate() {
            let sum: f64 = explained.row(row, 0).iter().sum();
            assert!((explained.base[0] + sum - margin).abs() < 1e-9);
        }
    }
}
