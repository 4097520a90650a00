//! Whole fits on made-up tables: what is found, what is saved, what is refused.

mod encoding;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::state::Stateful;

/// Draws between 0 and 1.
fn draws(seed: u64) -> impl FnMut() -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    move || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Two numbers, a category, a time, a text; a target that depends on each, and on a product.
fn example(rows: usize, seed: u64) -> (Table, Vec<f64>) {
    let mut draw = draws(seed);
    let (mut x, mut z, mut codes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut times, mut texts, mut y) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows {
        let (a, b, c) = (
            draw() * 4.0 - 2.0,
            draw() * 4.0 - 2.0,
            (draw() * 5.0) as u32,
        );
        let day = (draw() * 1000.0).floor();
        let is_angry = draw() < 0.3;
        x.push(if row % 11 == 0 { f64::NAN } else { a });
        z.push(b);
        codes.push(if row % 13 == 0 { MISSING } else { c });
        times.push(day * 86_400.0);
        texts.push((row % 7 != 0).then(|| match is_angry {
            true => "a terrible bill again".to_owned(),
            false => "a question about the bill".to_owned(),
        }));
        let angry = if is_angry && row % 7 != 0 { 2.0 } else { 0.0 };
        y.push(a * b + f64::from(c) + day / 500.0 + angry + draw() - 0.5);
    }
    let words = ["red", "green", "blue", "grey", "pink"]
        .map(str::to_owned)
        .to_vec();
    let column = |name: &str, kind, values| Column {
        name: name.to_owned(),
        kind,
        values,
    };
    let table = Table {
        rows,
        columns: vec![
            column("x", ColumnKind::Number, Values::Numbers(x)),
            column("z", ColumnKind::Number, Values::Numbers(z)),
            column(
                "colour",
                ColumnKind::Category,
                Values::Words(Words { codes, words }),
            ),
            column("day", ColumnKind::Time, Values::Numbers(times)),
            column("note", ColumnKind::Text, Values::Texts(texts)),
        ],
    };
    (table, y)
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("class {class}")).collect()
}

fn small(target: Target) -> Options {
    let mut options = Options::of(target);
    options.trees.iter_mut().for_each(|trees| trees.rounds = 60);
    options.folds = 3;
    options
}

fn fit(options: &Options, table: &Table, target: &[f64]) -> (Model, Fit) {
    let keys: Vec<u64> = (0..table.rows as u64).collect();
    let data = Data {
        table,
        target,
        weights: None,
        keys: &keys,
        times: None,
    };
    options.fit(&data, &|_| ()).unwrap()
}

/// Classes of equal frequency by the value.
fn classes_of(y: &[f64], count: usize) -> Vec<f64> {
    let mut sorted = y.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = |value: &f64| sorted.partition_point(|other| other < value);
    y.iter()
        .map(|value| (rank(value) * count / y.len()) as f64)
        .collect()
}

#[test]
fn interactions_make_the_trees_win_and_a_plain_sum_the_linear_model() {
    let (table, y) = example(600, 1);
    let (_, fitted) = fit(&small(Target::Number), &table, &y);
    assert_ne!(fitted.member, Member::Linear);
    let mut draw = draws(9);
    let x: Vec<f64> = (0..400).map(|_| draw()).collect();
    let y: Vec<f64> = x.iter().map(|x| 3.0 * x + draw()).collect();
    let table = Table {
        rows: 400,
        columns: vec![Column {
            name: "x".to_owned(),
            kind: ColumnKind::Number,
            values: Values::Numbers(x),
        }],
    };
    let (_, fitted) = fit(&small(Target::Number), &table, &y);
    assert_eq!(fitted.member, Member::Linear);
}

#[test]
fn every_target_is_answered_saved_and_explained() {
    let (table, y) = example(500, 2);
    let counts: Vec<f64> = y.iter().map(|y| y.max(0.0).round()).collect();
    let targets = [
        (Target::Classes(names(2)), classes_of(&y, 2)),
        (Target::Classes(names(3)), classes_of(&y, 3)),
        (Target::Number, y.clone()),
        (Target::Count, counts),
        (Target::Quantiles(vec![0.1, 0.5, 0.9]), y),
    ];
    for (target, y) in targets {
        let (model, _) = fit(&small(target.clone()), &table, &y);
        let answers = model.answer(&table).unwrap();
        assert!(answers.values.iter().all(|value| value.is_finite()));
        assert_eq!(answers.values.len(), table.rows * target.answers());
        let loaded = Model::from_state(&model.to_state()).unwrap();
        assert_eq!(loaded.answer(&table).unwrap(), answers);
        let explained = model.explain(&table).unwrap();
        for row in 0..table.rows {
            for output in 0..target.outputs() {
                let parts: f64 = explained.row(row, output).iter().sum();
                let sum = explained.base[output] + parts;
                let margin = answers.margins[row * target.outputs() + output];
                assert!((sum - margin).abs() < 1e-9, "{target:?} {sum} {margin}");
            }
        }
    }
}

#[test]
fn answers_do_not_depend_on_how_rows_are_divided() {
    let (table, y) = example(300, 3);
    let (model, _) = fit(&small(Target::Number), &table, &y);
    let whole = model.answer(&table).unwrap();
    for row in [0, 17, 299] {
        let one = model.answer(&table.select(&[row])).unwrap();
        assert_eq!(
            one.values[0].to_bits(),
            whole.values[row as usize].to_bits()
        );
    }
}

#[test]
fn threads_change_no_bit() {
    let (table, y) = example(400, 4);
    let y = classes_of(&y, 2);
    let state = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let options = small(Target::Classes(names(2)));
        pool.install(|| fit(&options, &table, &y).0.to_state())
    };
    let one = state(1);
    assert_eq!(one, state(2));
    assert_eq!(one, state(8));
}

#[test]
fn held_out_rows_make_intervals_that_cover() {
    let (table, y) = example(1200, 5);
    let (model, _) = fit(&small(Target::Number), &table, &y);
    let (other, actual) = example(1000, 6);
    let answers = model.answer(&other).unwrap();
    let conformal = model.conformal().unwrap();
    let covered = answers
        .values
        .iter()
        .zip(&actual)
        .filter(|&(&predicted, &actual)| {
            let [low, high] = conformal.interval(predicted, 0.8).unwrap();
            (low..=high).contains(&actual)
        });
    let covered = covered.count();
    assert!((740..=880).contains(&covered), "{covered}");
}

#[test]
fn quantiles_have_their_shares_below_them() {
    let (table, y) = example(1200, 15);
    let levels = [0.1, 0.5, 0.9];
    let (model, _) = fit(&small(Target::Quantiles(levels.to_vec())), &table, &y);
    let (other, actual) = example(1000, 16);
    let answers = model.answer(&other).unwrap();
    for (place, level) in levels.iter().enumerate() {
        let rows = answers.values.chunks_exact(3).zip(&actual);
        let below = rows
            .filter(|(values, actual)| **actual <= values[place])
            .count();
        // Four standard errors of a share of 1,000 rows.
        let allowed = 4.0 * (level * (1.0 - level) * 1000.0_f64).sqrt() + 20.0;
        assert!(
            (below as f64 - level * 1000.0).abs() < allowed,
            "{level}: {below}"
        );
    }
}

#[test]
fn weights_of_zero_leave_rows_out() {
    let (table, y) = example(300, 7);
    let weights: Vec<f64> = (0..300).map(|row| f64::from(u8::from(row < 200))).collect();
    let mut spoilt = y.clone();
    spoilt[200..].fill(1e6);
    let options = Options {
        member: Some(Member::Trees),
        rounds: Some(5),
        intervals: Vec::new(),
        trees: small(Target::Number).trees[1..].to_vec(),
        ..small(Target::Number)
    };
    let keys: Vec<u64> = (0..300).collect();
    let data = Data {
        table: &table,
        target: &spoilt,
        weights: Some(&weights),
        keys: &keys,
        times: None,
    };
    let (model, _) = options.fit(&data, &|_| ()).unwrap();
    let answers = model.answer(&table).unwrap();
    assert!(answers.values.iter().all(|value| value.abs() < 20.0));
}

#[test]
fn what_cannot_be_fitted_says_why() {
    let (table, y) = example(10, 8);
    let empty = Table {
        rows: 10,
        columns: Vec::new(),
    };
    let keys: Vec<u64> = (0..10).collect();
    let fit = |options: Options, table: &Table, rows: usize| {
        let data = Data {
            table,
            target: &y[..rows],
            weights: None,
            keys: &keys[..rows],
            times: None,
        };
        options
            .fit(&data, &|_| ())
            .err()
            .map(|error| error.to_string())
    };
    let message = fit(small(Target::Number), &empty, 10);
    assert_eq!(message.unwrap(), "there are no columns to predict from");
    let one = table.select(&[0]);
    let message = fit(small(Target::Number), &one, 1);
    assert_eq!(
        message.unwrap(),
        "1 rows are too few for folds to choose settings"
    );
    let linear = Options {
        member: Some(Member::Linear),
        ..small(Target::Quantiles(vec![0.5]))
    };
    assert_eq!(
        fit(linear, &table, 10).unwrap(),
        "there is no linear model of quantiles"
    );
}

/// The first three columns of [`example`], which are encoded as one column each.
fn plain(rows: usize, seed: u64) -> (Table, Vec<f64>) {
    let (mut table, y) = example(rows, seed);
    table.columns.truncate(3);
    (table, y)
}

/// By Kernel SHAP over all coalitions, which is the definition, on each member and on their average.
#[test]
fn contributions_against_a_background_are_those_of_the_definition() {
    let (table, y) = plain(400, 12);
    let background = table.select(&[3, 50, 77, 200, 301]);
    let explained = table.select(&[9, 11, 13]);
    for member in [Member::Trees, Member::Linear, Member::Average] {
        for target in [Target::Number, Target::Classes(names(3))] {
            let mut options = small(target.clone());
            options.member = Some(member);
            let y = match target {
                Target::Number => y.clone(),
                _ => classes_of(&y, 3),
            };
            let (model, _) = fit(&options, &table, &y);
            let found = model.against(&background).unwrap();
            let found = found.explain(&explained).unwrap();
            let outputs = target.outputs();
            for (row, output) in (0..3).flat_map(|row| (0..outputs).map(move |o| (row, o))) {
                let one = explained.select(&[row as u32]);
                let pool = surrogate::Pool::new(&one, &background).unwrap();
                let margins = |rows: &[surrogate::Composite]| {
                    let answers = model.answer(&pool.table(rows))?;
                    let of_output = answers.margins.iter().skip(output).step_by(outputs);
                    Ok::<_, EncodeError>(of_output.copied().collect())
                };
                let shap = surrogate::KernelShap::of(3, 1);
                let shap = shap.explain(3, 5, margins).unwrap();
                assert!(shap.is_exact);
                assert!((found.base[output] - shap.base).abs() < 1e-9);
                for (a, b) in found.row(row, output).iter().zip(&shap.values) {
                    assert!((a - b).abs() < 1e-9, "{member:?} {target:?}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn a_background_without_rows_is_refused() {
    let (table, y) = plain(200, 13);
    let (model, _) = fit(&small(Target::Number), &table, &y);
    let error = model.against(&table.select(&[])).err();
    assert_eq!(error, Some(BackgroundError::Empty));
    let mut other = table.clone();
    other.columns.pop();
    assert!(matches!(
        model.against(&other).err(),
        Some(BackgroundError::Encode(_))
    ));
}

#[test]
fn pools_mix_the_values_of_two_tables() {
    use surrogate::{Composite, Pool};
    let words = |words: &[&str], codes: &[u32]| Table {
        rows: codes.len(),
        columns: vec![Column {
            name: "plan".to_owned(),
            kind: ColumnKind::Category,
            values: Values::Words(Words {
                codes: codes.to_vec(),
                words: words.iter().map(|&word| word.to_owned()).collect(),
            }),
        }],
    };
    let explained = words(&["new", "pro"], &[1]);
    let background = words(&["basic", "unused", "pro"], &[0, MISSING, 2]);
    let pool = Pool::new(&explained, &background).unwrap();
    let row = |background, known| Composite { background, known };
    let rows = [
        row(0, &[true]),
        row(0, &[false]),
        row(1, &[false]),
        row(2, &[false]),
    ];
    let Values::Words(mixed) = pool.table(&rows).columns.remove(0).values else {
        panic!("words");
    };
    assert_eq!(mixed.words, ["basic", "pro"]);
    assert_eq!(mixed.codes, [1, 0, MISSING, 1]);
    let mut other = background.clone();
    other.columns[0].name = "other".to_owned();
    assert!(Pool::new(&explained, &other).is_none());
    assert!(Pool::new(&explained.select(&[]), &background).is_none());
}
