//! Tables and targets at the edge of what is possible: an answer or an error, never a panic.

use super::*;

/// Fits every suitable loss, and scores and explains the rows.
fn survives(table: &[Owned], target: &[f64], losses: &[Loss]) {
    let bins = bins(table);
    for &loss in losses {
        let options = Options {
            rounds: 5,
            min_rows: 1,
            ..Options::of(loss)
        };
        let trees = options.fit(&bins, &Target::new(target)).unwrap();
        let columns = columns(table);
        let margins = trees.margins(&columns).unwrap();
        assert!(margins.iter().all(|margin| margin.is_finite()), "{loss:?}");
        let explained = Explainer::new(&trees)
            .unwrap()
            .contributions(&columns)
            .unwrap();
        assert!(explained.values.iter().all(|value| value.is_finite()));
        assert!(
            trees
                .predict(&columns)
                .unwrap()
                .iter()
                .all(|p| p.is_finite())
        );
        assert!(Ensemble::from_parts(trees.into_parts()).is_ok());
    }
}

#[test]
fn one_and_two_rows() {
    let binary = [
        Loss::Squared,
        Loss::Absolute,
        Loss::Logistic,
        Loss::Poisson,
        LOSSES[5],
    ];
    for n in 1..3 {
        let table = [
            Owned::F64(vec![1.0, 2.0][..n].to_vec()),
            Owned::Categories(vec![0, 1][..n].to_vec()),
        ];
        survives(&table, &[0.0, 1.0][..n], &binary);
        survives(&table, &[1.0, 0.0][..n], &binary);
    }
}

#[test]
fn constant_targets_give_the_constant() {
    let table = [Owned::F64((0..50).map(f64::from).collect())];
    survives(&table, &[1.0; 50], &LOSSES);
    survives(&table, &[0.0; 50], &LOSSES);
    let options = Options::of(Loss::Squared);
    let trees = options
        .fit(&bins(&table), &Target::new(&[3.5; 50]))
        .unwrap();
    assert_eq!(trees.margins(&[Column::F64(&[7.0])]).unwrap(), [3.5]);
}

#[test]
fn columns_without_information() {
    let table = [
        Owned::F64(vec![f64::NAN; 40]),
        Owned::F32(vec![f32::INFINITY; 40]),
        Owned::Categories(vec![MISSING_CATEGORY; 40]),
        Owned::Categories((0..40).collect()),
    ];
    let target: Vec<f64> = (0..40).map(|row| f64::from(row % 2)).collect();
    survives(&table, &target, &LOSSES);
    // No columns at all.
    let trees = Options::of(Loss::Squared)
        .fit(&bins(&[]), &Target::new(&target))
        .unwrap();
    assert_eq!(trees.parts().start, [0.5]);
    assert!(trees.margins(&[]).unwrap().is_empty());
}

#[test]
fn huge_tiny_and_infinite_numbers() {
    let values = [
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        5e-324,
        -5e-324,
        0.0,
        -0.0,
    ];
    let repeated =
        |values: &[f64]| -> Vec<f64> { values.iter().cycle().take(64).copied().collect() };
    let table = [
        Owned::F64(repeated(&values)),
        Owned::F64(repeated(&[1e308, -1e308, 3.0])),
    ];
    let regression = [Loss::Squared, Loss::Absolute, LOSSES[2], LOSSES[3]];
    survives(
        &table,
        &repeated(&[1e150, -1e150, 0.0, 1e-300]),
        &regression,
    );
    survives(&table, &repeated(&[5e-324, 0.0]), &regression);
    survives(
        &table,
        &repeated(&[1e150, 0.0]),
        &[Loss::Poisson, LOSSES[7]],
    );
    let weights = repeated(&[1e150, 1e-150, 5e-324]);
    let target = repeated(&[1e150, -1e150]);
    let target = Target::new(&target).weighted(&weights);
    let trees = Options::of(Loss::Squared)
        .fit(&bins(&table), &target)
        .unwrap();
    assert!(trees.parts().values.iter().all(|value| value.is_finite()));
}

#[test]
fn one_in_a_thousand() {
    let rows = 20_000;
    let (a, b) = (uniform(0, rows), uniform(1, rows));
    let target: Vec<f64> = (0..rows)
        .map(|row| f64::from(u8::from(row % 1000 == 7)))
        .collect();
    let signal = a.iter().zip(&target).map(|(a, y)| a + 0.5 * y).collect();
    let table = [Owned::F64(signal), Owned::F64(b)];
    survives(
        &table,
        &target,
        &[Loss::Logistic, Loss::Poisson, Loss::Softmax { classes: 2 }],
    );
    let options = Options::of(Loss::Logistic);
    let trees = options.fit(&bins(&table), &Target::new(&target)).unwrap();
    let p = trees
        .predict(&[Column::F64(&[0.2, 1.45]), Column::F64(&[0.5, 0.5])])
        .unwrap();
    assert!(p[0] < 0.002 && p[1] > 0.03, "{p:?}");
}

#[test]
fn a_million_categories_and_many_columns() {
    let codes: Vec<u32> = (0..30_000).map(|row| row * 33).collect();
    let target: Vec<f64> = (0..30_000).map(|row| f64::from(row % 7)).collect();
    survives(&[Owned::Categories(codes)], &target, &[Loss::Squared]);
    let wide: Vec<Owned> = (0..20_000)
        .map(|column| Owned::F32(vec![column as f32, 1.0, (column % 3) as f32]))
        .collect();
    survives(&wide, &[1.0, 2.0, 3.0], &[Loss::Squared]);
}

#[test]
fn options_out_of_range_are_named() {
    let table = [Owned::F64(vec![1.0, 2.0])];
    let said = |change: fn(&mut Options)| {
        let mut options = Options::of(Loss::Squared);
        change(&mut options);
        let fit = options.fit(&bins(&table), &Target::new(&[0.0, 1.0]));
        fit.unwrap_err().to_string()
    };
    assert_eq!(said(|o| o.rate = 0.0), "option `rate` is not positive");
    assert_eq!(said(|o| o.leaves = 1), "option `leaves` is less than 2");
    assert_eq!(said(|o| o.depth = 65), "option `depth` is not from 1 to 64");
    assert_eq!(said(|o| o.lambda = f64::NAN), "option `lambda` is negative");
    assert_eq!(
        said(|o| o.monotone = vec![0; 3]),
        "option `monotone` is not one entry per column"
    );
    assert_eq!(
        said(|o| o.monotone = vec![2]),
        "option `monotone` is not -1, 0 or 1"
    );
    let loss = said(|o| o.loss = Loss::Quantile { alpha: 1.0 });
    assert_eq!(loss, "option `loss.alpha` is not between 0 and 1");
}

#[test]
fn data_that_cannot_be_used_are_named() {
    let table = [Owned::F64(vec![1.0, 2.0])];
    let bins = bins(&table);
    let options = Options::of(Loss::Squared);
    let said = |target: &Target| options.fit(&bins, target).unwrap_err().to_string();
    let text = said(&Target::new(&[1.0, f64::NAN]));
    assert_eq!(text, "target NaN of row 1 is missing or infinite");
    let text = said(&Target::new(&[1.0]));
    assert_eq!(text, "expected one target per row, got 1 for 2 rows");
    let text = said(&Target::new(&[1.0, 2.0]).weighted(&[1.0, -1.0]));
    assert_eq!(text, "weight -1 of row 1 is negative or not finite");
    let text = said(&Target::new(&[1.0, 2.0]).weighted(&[0.0, 0.0]));
    assert_eq!(text, "no row with a positive weight to train on");
    let target = Target::new(&[1.0, 2.0]);
    let error = options.fit_until(&bins, &target, &[0], &[], 3).unwrap_err();
    assert_eq!(error, FitError::NoRows("validate with"));
    let error = options.fit_rows(&bins, &target, &[2]).unwrap_err();
    assert_eq!(error, FitError::Row { row: 2, rows: 2 });
}

#[test]
fn columns_that_do_not_fit_are_named() {
    let table = [Owned::F64(vec![1.0, 2.0]), Owned::Categories(vec![0, 1])];
    let target = Target::new(&[1.0, 2.0]);
    let trees = Options::of(Loss::Squared)
        .fit(&bins(&table), &target)
        .unwrap();
    let said = |columns: &[Column]| trees.margins(columns).unwrap_err().to_string();
    let numbers = Column::F64(&[1.0]);
    assert_eq!(said(&[numbers]), "expected 2 columns, got 1");
    assert_eq!(
        said(&[numbers, numbers]),
        "column 1 was trained as categories"
    );
    let longer = Column::Categories(&[1, 2]);
    assert_eq!(
        said(&[numbers, longer]),
        "column 1 has another number of rows than column 0"
    );
}
