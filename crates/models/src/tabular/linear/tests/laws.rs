//! What must hold for every table.

use proptest::prelude::*;

use super::*;
use crate::trees::MISSING_CATEGORY;

/// Numbers of all sizes, missing and infinite ones included.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0,
        1 => prop::num::f64::ANY,
        1 => Just(f64::NAN),
        1 => Just(1.0),
    ]
}

proptest! {
    #[test]
    fn every_table_has_finite_margins_that_contributions_add_up_to(
        rows in prop::collection::vec((any_number(), any_number(), 0..6_u32, 0..3_u32), 1..40),
        other in prop::collection::vec((any_number(), any_number(), 0..9_u32), 1..5),
        min_rows in 1..4_usize,
        lambda in prop_oneof![Just(1e-9), Just(0.1), Just(1e6)],
    ) {
        let code = |code: u32| if code == 5 { MISSING_CATEGORY } else { code };
        let x: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let z: Vec<f32> = rows.iter().map(|row| row.1 as f32).collect();
        let c: Vec<u32> = rows.iter().map(|row| code(row.2)).collect();
        let y: Vec<f64> = rows.iter().map(|row| f64::from(row.3)).collect();
        let is_one: Vec<f64> = y.iter().map(|&y| f64::from(u8::from(y == 1.0))).collect();
        let columns = [Column::F64(&x), Column::F32(&z), Column::Categories(&c)];
        let options = DesignOptions { min_rows, ..DesignOptions::default() };
        let chosen = all(rows.len());
        let design = Design::fit(&columns, &chosen, &options).unwrap();
        let prepared = design.prepare(&columns).unwrap();
        let x: Vec<f64> = other.iter().map(|row| row.0).collect();
        let z: Vec<f32> = other.iter().map(|row| row.1 as f32).collect();
        let c: Vec<u32> = other.iter().map(|row| code(row.2)).collect();
        let unseen = [Column::F64(&x), Column::F32(&z), Column::Categories(&c)];
        let softmax = Family::Softmax { classes: 3 };
        for (family, y) in [
            (Family::Squared, &y), (Family::Poisson, &y), (Family::Logistic, &is_one), (softmax, &y),
        ] {
            let options = Options { lambda, ..Options::of(family) };
            let fitted = options.fit(&prepared, y, None, &chosen).unwrap();
            for columns in [&columns, &unseen] {
                let margins = fitted.margins(columns).unwrap();
                let added = fitted.contributions(columns).unwrap();
                let outputs = added.values.chunks(3).enumerate();
                for (index, values) in outputs {
                    let base = added.base[index % fitted.outputs()];
                    let sum = values.iter().fold(base, |sum, value| sum + value);
                    prop_assert!(margins[index].is_finite());
                    prop_assert_eq!(margins[index], sum);
                }
            }
            let read = Linear::from_state(&saved(&fitted), "linear").unwrap();
            prop_assert_eq!(read, fitted);
        }
    }

    /// With an intercept that is free, the mean of the predictions is that of the targets.
    #[test]
    fn predictions_have_the_mean_of_the_targets(
        rows in prop::collection::vec((-3.0..3.0, 0..4_u32, 0..5_u32), 6..40),
        lambda in 0.01..100.0,
    ) {
        let x: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let c: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let counts: Vec<f64> = rows.iter().map(|row| f64::from(row.2)).collect();
        let classes: Vec<f64> = rows.iter().map(|row| f64::from(row.2 % 2)).collect();
        let columns = [Column::F64(&x), Column::Categories(&c)];
        let prepared = prepare(&columns, &all(rows.len()));
        for (family, y) in [(Family::Poisson, &counts), (Family::Logistic, &classes)] {
            prop_assume!(y.iter().any(|value| *value != y[0]));
            let fitted = exact(family, lambda).fit(&prepared, y, None, &all(rows.len())).unwrap();
            let mut predictions = fitted.margins(&columns).unwrap();
            fitted.link().apply(&mut predictions);
            let (predicted, seen): (f64, f64) = (predictions.iter().sum(), y.iter().sum());
            prop_assert!((predicted - seen).abs() < 1e-6 * seen, "{} {}", predicted, seen);
        }
    }
}
