//! Ensembles as arrays: a round trip, and arrays that lie.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

/// Trees and their table, fitted once for all tests.
fn fitted() -> (Ensemble, Vec<Owned>) {
    static FITTED: OnceLock<(Ensemble, Vec<Owned>)> = OnceLock::new();
    let fitted = FITTED.get_or_init(|| {
        let (table, target) = mixed(300);
        let options = Options {
            rounds: 3,
            ..Options::of(Loss::Squared)
        };
        let trees = options.fit(&bins(&table), &Target::new(&target)).unwrap();
        (trees, table)
    });
    fitted.clone()
}

#[test]
fn arrays_give_the_same_ensemble() {
    let (trees, _) = fitted();
    assert_eq!(Ensemble::from_parts(trees.parts().clone()).unwrap(), trees);
    let mut state = crate::state::State::default();
    trees.add_to(&mut state, "trees");
    assert_eq!(Ensemble::from_state(&state, "trees").unwrap(), trees);
}

#[test]
fn arrays_that_lie_are_refused() {
    let (trees, _) = fitted();
    let said = |change: fn(&mut Parts)| {
        let mut parts = trees.parts().clone();
        change(&mut parts);
        match Ensemble::from_parts(parts) {
            Err(EnsembleError::Invalid { part, reason }) => format!("{part}: {reason}"),
            other => panic!("{other:?}"),
        }
    };
    let lefts = "lefts: not the index of later nodes of the tree";
    assert_eq!(said(|p| p.lefts[0] = u32::MAX), lefts);
    assert_eq!(said(|p| p.lefts[1] = 1), lefts, "itself, forever");
    assert_eq!(said(|p| p.lefts[0] = 3), "lefts: a node with two parents");
    assert_eq!(
        said(|p| p.columns[0] = 5),
        "columns: not the index of a column"
    );
    assert_eq!(said(|p| p.tests[0] = 9999), "tests: not the index of a cut");
    assert_eq!(said(|p| p.values[0] = f64::NAN), "values: not finite");
    assert_eq!(
        said(|p| p.rows[1] += 1),
        "rows: not the sum over both children"
    );
    assert_eq!(said(|p| p.kinds[0] = 2), "kinds: neither 0 nor 1");
    assert_eq!(
        said(|p| p.cuts[0] = f64::MAX),
        "cuts: not finite and ascending"
    );
    assert_eq!(
        said(|p| p.cut_starts[1] = u32::MAX),
        "cut_starts: not the starts of each column's cuts"
    );
    assert_eq!(
        said(|p| p.tree_starts[1] = 0),
        "tree_starts: not the starts of trees with nodes"
    );
    assert_eq!(
        said(|p| p.tree_starts.clear()),
        "tree_starts: not the starts of trees with nodes"
    );
    assert_eq!(
        said(|p| p.start.clear()),
        "start: not one margin per tree of a round"
    );
    assert_eq!(
        said(|p| p.gains.truncate(3)),
        "gains: not one entry per node"
    );
    assert_eq!(
        said(|p| p.sets.truncate(3)),
        "sets: not four numbers per set"
    );
    assert_eq!(
        said(|p| p.missing_left[0] = 7),
        "missing_left: neither 0 nor 1"
    );
    let lone = said(|p| p.lefts[0] = 0);
    assert_eq!(lone, "lefts: a node without a parent");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is accepted can be scored and explained.
    #[test]
    fn no_arrays_make_scoring_panic(
        changes in prop::collection::vec((0..12_u8, any::<prop::sample::Index>(), any::<u32>()), 1..4),
    ) {
        let (trees, table) = fitted();
        let mut parts = trees.into_parts();
        for (array, index, value) in changes {
            let small = value % 8;
            let put = |to: &mut Vec<u32>, value| {
                let place = index.index(to.len());
                to[place] = value;
            };
            let put_byte = |to: &mut Vec<u8>| {
                let place = index.index(to.len());
                to[place] = value as u8;
            };
            match array {
                0 => put(&mut parts.lefts, small),
                1 => put(&mut parts.lefts, value),
                2 => put(&mut parts.columns, small),
                3 => put(&mut parts.tests, small),
                4 => put(&mut parts.cut_starts, small),
                5 => put(&mut parts.category_starts, small),
                6 => put(&mut parts.tree_starts, value % 300),
                7 => put_byte(&mut parts.kinds),
                8 => put_byte(&mut parts.category_bins),
                9 => put_byte(&mut parts.missing_left),
                10 => parts.cuts.truncate(index.index(parts.cuts.len() + 1)),
                _ => parts.sets.truncate(index.index(parts.sets.len() + 1)),
            }
        }
        if let Ok(trees) = Ensemble::from_parts(parts) {
            let _ = trees.margins(&columns(&table));
            let explained = Explainer::new(&trees).and_then(|e| e.contributions(&columns(&table)));
            let _ = explained;
        }
    }
}
