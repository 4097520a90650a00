//! Laws of Shapley values and of local models, on functions whose values are known. Seeds are fixed.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

/// A row, background rows, and a function of their columns.
struct Problem<F> {
    row: Vec<f64>,
    background: Vec<Vec<f64>>,
    function: F,
}

impl<F: Fn(&[f64]) -> f64> Problem<F> {
    /// With numbers that look random and have halves, so that values can be compared.
    fn new(columns: usize, background: usize, function: F) -> Self {
        let number = |place: usize| ((place * 7919 + 13) % 1009) as f64 / 100.0 - 5.0;
        let of_row = |row: usize| (0..columns).map(|c| number(row * columns + c)).collect();
        Problem {
            row: of_row(background),
            background: (0..background).map(of_row).collect(),
            function,
        }
    }

    fn value(&self, composite: &Composite) -> f64 {
        let other = &self.background[composite.background];
        let known = composite.known.iter().enumerate();
        let row: Vec<f64> = known
            .map(|(column, known)| {
                if *known {
                    self.row[column]
                } else {
                    other[column]
                }
            })
            .collect();
        (self.function)(&row)
    }

    fn shapley(&self, coalitions: usize, seed: u64) -> Contributions {
        let shap = KernelShap { coalitions, seed };
        let answer = |rows: &[Composite]| self.answer(rows);
        shap.explain(self.row.len(), self.background.len(), answer)
            .unwrap()
    }

    fn lime(&self, lime: Lime) -> LocalModel {
        let answer = |rows: &[Composite]| self.answer(rows);
        lime.explain(self.row.len(), self.background.len(), answer)
            .unwrap()
    }

    fn answer(&self, rows: &[Composite]) -> Result<Vec<f64>, Infallible> {
        Ok(rows.iter().map(|composite| self.value(composite)).collect())
    }

    /// Shapley values by their first definition: the mean gain over all orders of the columns.
    fn by_orders(&self) -> Vec<f64> {
        let columns = self.row.len();
        let mut orders: Vec<Vec<usize>> = vec![Vec::new()];
        for column in 0..columns {
            let wider = orders.iter().flat_map(|order| {
                (0..=order.len()).map(move |place| {
                    let mut order = order.clone();
                    order.insert(place, column);
                    order
                })
            });
            orders = wider.collect();
        }
        let mut values = vec![0.0; columns];
        for order in &orders {
            let mut known = vec![false; columns];
            let mut before = self.mean(&known);
            for &column in order {
                known[column] = true;
                let after = self.mean(&known);
                values[column] += (after - before) / orders.len() as f64;
                before = after;
            }
        }
        values
    }

    fn mean(&self, known: &[bool]) -> f64 {
        let count = self.background.len();
        let rows = (0..count).map(|background| Composite { background, known });
        rows.map(|row| self.value(&row)).sum::<f64>() / count as f64
    }

    /// The coefficients of a linear function times the distances from the background's mean.
    fn linear(&self, coefficients: &[f64]) -> Vec<f64> {
        let mean = |column: usize| {
            let sum: f64 = self.background.iter().map(|row| row[column]).sum();
            sum / self.background.len() as f64
        };
        let own = coefficients.iter().enumerate();
        own.map(|(column, b)| b * (self.row[column] - mean(column)))
            .collect()
    }
}

/// Products of neighbours, a curve, and a product of three.
fn interacting(x: &[f64]) -> f64 {
    let pairs: f64 = x.windows(2).map(|pair| pair[0] * pair[1]).sum();
    pairs / 10.0 + (x[0] - x[1]).tanh() + x[0] * x[2] * x[3] / 20.0 + x[2]
}

fn sum_of(x: &[f64], coefficients: &[f64]) -> f64 {
    dot(x, coefficients) + 2.5
}

fn assert_close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!(
            (got - expected).abs() < tolerance,
            "{got} is not {expected}"
        );
    }
}

fn assert_adds_up(found: &Contributions) {
    let sum = found.base + found.values.iter().sum::<f64>();
    assert!((sum - found.answer).abs() < 1e-9, "{found:?}");
}

#[test]
fn enumerated_values_are_the_mean_gains_over_all_orders() {
    for columns in [4, 5, 7] {
        let problem = Problem::new(columns, 3, interacting);
        let found = problem.shapley(126, 0);
        assert!(found.is_exact);
        assert_close(&found.values, &problem.by_orders(), 1e-9);
        assert_eq!(found.standard_errors, vec![0.0; columns]);
        assert_adds_up(&found);
    }
}

/// Both ways to the same numbers: the formula, and the least squares over all coalitions.
#[test]
fn ten_columns_are_equal_to_the_sum_over_all_subsets() {
    let problem = Problem::new(10, 4, interacting);
    let subsets = |column: usize| -> f64 {
        let mut sum = 0.0;
        for mask in (0..1_usize << 10).filter(|mask| mask >> column & 1 == 0) {
            let known =
                |mask: usize| -> Vec<bool> { (0..10).map(|c| mask >> c & 1 == 1).collect() };
            let gain = problem.mean(&known(mask | 1 << column)) - problem.mean(&known(mask));
            let size = u64::from(mask.count_ones());
            // 10! / (s! (9 - s)!)
            let factor = (1..=10).product::<u64>()
                / (1..=size).product::<u64>()
                / (1..=9 - size).product::<u64>();
            sum += gain / factor as f64;
        }
        sum
    };
    let expected: Vec<f64> = (0..10).map(subsets).collect();
    let found = problem.shapley(1022, 0);
    assert!(found.is_exact);
    assert_close(&found.values, &expected, 1e-9);
    let sampled = problem.shapley(1021, 0);
    assert!(!sampled.is_exact);
    let errors = sampled.standard_errors.iter();
    for ((got, expected), error) in sampled.values.iter().zip(&expected).zip(errors) {
        assert!(
            (got - expected).abs() <= 4.0 * error + 1e-9,
            "{got}, {expected} ± {error}"
        );
    }
}

#[test]
fn a_linear_function_is_found_exactly_from_few_coalitions() {
    let coefficients: Vec<f64> = (0..30).map(|c| f64::from(c % 7) - 3.0).collect();
    let problem = Problem::new(30, 5, |x: &[f64]| sum_of(x, &coefficients));
    let found = problem.shapley(120, 3);
    assert!(!found.is_exact);
    assert_close(&found.values, &problem.linear(&coefficients), 1e-9);
    assert!(found.standard_errors.iter().all(|&error| error < 1e-9));
    assert_adds_up(&found);
}

/// A column that changes nothing gets nothing, two that do the same get the same.
#[test]
fn dummies_get_nothing_and_equals_get_the_same() {
    let function = |x: &[f64]| (x[0] + x[1]).sin() * x[2] + x[4] * x[4];
    let mut problem = Problem::new(6, 4, function);
    // Columns 0 and 1 are alike; 3 and 5 are not looked at.
    problem.row[1] = problem.row[0];
    problem
        .background
        .iter_mut()
        .for_each(|row| row[1] = row[0]);
    let found = problem.shapley(62, 0);
    assert!(found.is_exact);
    assert!((found.values[0] - found.values[1]).abs() < 1e-12);
    assert!(found.values[0].abs() > 0.01);
    assert!(found.values[3].abs() < 1e-12 && found.values[5].abs() < 1e-12);
    let drawn = problem.shapley(40, 7);
    assert!(!drawn.is_exact);
    let errors = &drawn.standard_errors;
    assert!(drawn.values[3].abs() < 4.0 * errors[3] && drawn.values[5].abs() < 4.0 * errors[5]);
    let both = errors[0] + errors[1];
    assert!((drawn.values[0] - drawn.values[1]).abs() < 4.0 * both);
}

/// The share of seeds for which the true value of a column lies within two standard errors.
fn covered(truth: &[f64], found: impl Fn(u64) -> (Vec<f64>, Vec<f64>)) -> Vec<f64> {
    let seeds = 200;
    let mut inside = vec![0.0; truth.len()];
    for seed in 0..seeds {
        let (values, errors) = found(seed);
        for (column, inside) in inside.iter_mut().enumerate() {
            let is_inside = (values[column] - truth[column]).abs() <= 2.0 * errors[column];
            *inside += f64::from(u8::from(is_inside));
        }
    }
    inside.iter().map(|count| count / seeds as f64).collect()
}

#[test]
fn standard_errors_of_drawn_shapley_values_are_honest() {
    // Few and many draws, with sizes enumerated and without.
    for (columns, coalitions) in [(9, 60), (10, 300), (12, 400), (12, 1500)] {
        let problem = Problem::new(columns, 3, interacting);
        let truth = problem.shapley(1 << columns, 0).values;
        let inside = covered(&truth, |seed| {
            let found = problem.shapley(coalitions, seed);
            assert_adds_up(&found);
            (found.values, found.standard_errors)
        });
        let mean = inside.iter().sum::<f64>() / columns as f64;
        assert!((0.93..=0.97).contains(&mean), "{coalitions}: {mean}");
        for share in inside {
            assert!((0.90..=0.99).contains(&share), "{coalitions}: {share}");
        }
    }
}

#[test]
fn standard_errors_of_local_coefficients_are_honest() {
    let coefficients = [1.0, -2.0, 0.5, 0.0, 3.0];
    let problem = Problem::new(5, 40, |x: &[f64]| sum_of(x, &coefficients));
    let truth = problem.linear(&coefficients);
    for samples in [60, 1000] {
        let inside = covered(&truth, |seed| {
            let lime = Lime {
                samples,
                lambda: 1e-6,
                ..Lime::of(seed)
            };
            let found = problem.lime(lime);
            (found.coefficients, found.standard_errors)
        });
        for share in inside {
            assert!((0.90..=0.99).contains(&share), "{samples}: {share}");
        }
    }
}

#[test]
fn a_local_model_of_a_linear_function_is_that_function() {
    let coefficients = [1.0, -2.0, 0.5, 0.0, 3.0, 4.0];
    let problem = Problem::new(6, 1, |x: &[f64]| sum_of(x, &coefficients));
    let lime = Lime {
        samples: 200,
        lambda: 0.0,
        ..Lime::of(1)
    };
    let found = problem.lime(lime);
    assert_close(&found.coefficients, &problem.linear(&coefficients), 1e-9);
    assert!((found.intercept - problem.mean(&[false; 6])).abs() < 1e-9);
    assert!((found.local_answer() - found.answer).abs() < 1e-9);
    assert!((found.r2 - 1.0).abs() < 1e-12);
    assert!(found.standard_errors.iter().all(|&error| error < 1e-9));
}

/// Checked by hand: one column, so every other sample but the first replaces it.
#[test]
fn regularization_shrinks_as_in_the_formula() {
    let problem = Problem {
        row: vec![1.0],
        background: vec![vec![0.0]],
        function: |x: &[f64]| x[0],
    };
    let lime = Lime {
        samples: 4,
        width: 1.0,
        lambda: 0.5,
        seed: 0,
    };
    let found = problem.lime(lime);
    // One sample of 1 that weighs 1, three of 0 that weigh w = exp(-1/2) each. Centred, the sum of
    // squares and that of products are both 3 w / (1 + 3 w).
    let w = 3.0 * (-0.5_f64).exp();
    let spread = w / (1.0 + w);
    assert_close(&found.coefficients, &[spread / (spread + 0.5)], 1e-12);
}

#[test]
fn a_local_model_is_local() {
    // Steep in column 0 only if column 1 is kept.
    let function = |x: &[f64]| if x[1] == 1.0 { 10.0 * x[0] } else { 0.0 };
    let problem = Problem {
        row: vec![1.0, 1.0, 1.0],
        background: vec![vec![0.0, 0.0, 0.0]],
        function,
    };
    let near = |width: f64| {
        problem.lime(Lime {
            width,
            ..Lime::of(3)
        })
    };
    assert!(near(0.3).r2 > near(5.0).r2, "a narrow kernel fits better");
    assert!(near(0.3).coefficients[0] > near(5.0).coefficients[0]);
    assert!(near(0.75).r2 < 1.0);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_one_others() {
    let problem = Problem::new(12, 3, interacting);
    assert_eq!(problem.shapley(400, 1), problem.shapley(400, 1));
    assert_ne!(problem.shapley(400, 1), problem.shapley(400, 2));
    assert_eq!(problem.lime(Lime::of(1)), problem.lime(Lime::of(1)));
    assert_ne!(problem.lime(Lime::of(1)), problem.lime(Lime::of(2)));
}

#[test]
fn tables_of_no_or_one_column_have_explanations() {
    let none = Problem::new(0, 2, |_: &[f64]| 3.0);
    let found = none.shapley(0, 0);
    assert_eq!(
        (found.base, found.answer, found.values.len()),
        (3.0, 3.0, 0)
    );
    assert_eq!(none.lime(Lime::of(0)).intercept, 3.0);
    let one = Problem::new(1, 2, |x: &[f64]| x[0]);
    let found = one.shapley(0, 0);
    assert!(found.is_exact);
    assert_close(&found.values, &one.linear(&[1.0]), 1e-12);
}

/// More background rows than are asked for at once, and more coalitions.
#[test]
fn batches_change_nothing() {
    let function = |x: &[f64]| x[0] * x[1] + x[2];
    let many = Problem::new(3, BATCH + 5, function);
    let sizes = std::cell::RefCell::new(Vec::new());
    let answer = |rows: &[Composite]| {
        sizes.borrow_mut().push(rows.len());
        many.answer(rows)
    };
    let found = KernelShap::of(3, 0).explain(3, BATCH + 5, answer).unwrap();
    assert_close(&found.values, &many.by_orders(), 1e-9);
    assert_eq!(sizes.borrow()[1..], [BATCH + 5; 7]);
    let some = Problem::new(3, BATCH / 2 - 1, function);
    let found = some.shapley(6, 0);
    assert_close(&found.values, &some.by_orders(), 1e-9);
}

#[test]
fn what_cannot_be_explained_is_said() {
    let answer = |rows: &[Composite]| -> Result<Vec<f64>, String> { Ok(vec![1.0; rows.len()]) };
    let shap = KernelShap {
        coalitions: 119,
        seed: 0,
    };
    let said = shap.explain(30, 1, answer).unwrap_err().to_string();
    let text = "119 coalitions are too few for 30 columns; at least 120 are needed";
    assert_eq!(said, text);
    let error = shap.explain(3, 0, answer).unwrap_err();
    assert_eq!(error, SurrogateError::NoBackground);
    let error = shap.explain(3, 1, |_| Err("no model")).unwrap_err();
    assert_eq!(error.to_string(), "no model");
    let none = |_: &[Composite]| -> Result<Vec<f64>, String> { Ok(Vec::new()) };
    let said = shap.explain(3, 1, none).unwrap_err().to_string();
    assert_eq!(said, "expected one answer for each of 1 rows, got 0");
    let nan = |rows: &[Composite]| -> Result<Vec<f64>, String> { Ok(vec![f64::NAN; rows.len()]) };
    assert!(Lime::of(0).explain(3, 1, nan).is_err());
    let lime = |samples, width, lambda| Lime {
        samples,
        width,
        lambda,
        seed: 0,
    };
    let said = |lime: Lime| lime.explain(3, 1, answer).unwrap_err().to_string();
    assert!(said(lime(7, 1.0, 1.0)).starts_with("7 samples are too few"));
    assert_eq!(
        said(lime(9, 0.0, 1.0)),
        "`width` is 0, expected a number above 0"
    );
    assert!(said(lime(9, 1.0, f64::NAN)).contains("`lambda` is NaN"));
}

proptest! {
    #[test]
    fn contributions_add_up(columns in 4_usize..25, extra in 0_usize..200, seed: u64) {
        let problem = Problem::new(columns, 2, interacting);
        let found = problem.shapley(4 * columns + extra, seed);
        let sum = found.base + found.values.iter().sum::<f64>();
        prop_assert!((sum - found.answer).abs() < 1e-9);
        prop_assert!(found.standard_errors.iter().all(|error| error.is_finite()));
    }
}
