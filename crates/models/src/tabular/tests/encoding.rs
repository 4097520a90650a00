//! How columns are encoded: which words have codes, what statistics training rows see, what is refused.

use std::borrow::Cow;

use crate::tabular::*;
use crate::trees;

fn table(columns: Vec<Column>) -> Table {
    Table {
        rows: columns[0].values.len(),
        columns,
    }
}

fn words(codes: &[u32], words: &[&str]) -> Values {
    Values::Words(Words {
        codes: codes.to_vec(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    })
}

fn column(kind: ColumnKind, values: Values) -> Column {
    Column {
        name: "x".to_owned(),
        kind,
        values,
    }
}

#[test]
fn words_get_codes_in_their_order_and_rare_and_unknown_ones_share_one() {
    let train = table(vec![column(
        ColumnKind::Category,
        words(&[0, 0, 1, 1, 2, MISSING], &["b", "a", "c"]),
    )]);
    let options = EncodeOptions {
        min_rows: 2,
        ..EncodeOptions::default()
    };
    let encoder = Encoder::fit(
        &train,
        &[0, 1, 2, 3, 4, 5],
        &Supervision::default(),
        &options,
    );
    assert_eq!(encoder.words(0), ["a", "b"]);
    let other = table(vec![column(
        ColumnKind::Category,
        words(&[0, 1, 2, 3, MISSING], &["new", "a", "b", "c"]),
    )]);
    let encoded = encoder.encode(&other).unwrap();
    let EncodedValues::Codes(codes) = &encoded.columns[0].values else {
        panic!("expected codes");
    };
    assert_eq!(codes, &[2, 0, 1, 2, MISSING]);
}

#[test]
fn many_words_are_statistics_for_the_trees_and_codes_for_the_linear_model() {
    // 40 words of 3 rows; the target is 1 for the words from 20 on.
    let codes: Vec<u32> = (0..120).map(|row| row % 40).collect();
    let names: Vec<String> = (0..40).map(|word| format!("w{word:02}")).collect();
    let target: Vec<f64> = codes
        .iter()
        .map(|&code| f64::from(u8::from(code >= 20)))
        .collect();
    let table = table(vec![column(
        ColumnKind::Category,
        Values::Words(Words {
            codes,
            words: names,
        }),
    )]);
    let supervision = Supervision {
        means: vec![Cow::Borrowed(&target)],
        ..Supervision::default()
    };
    let rows: Vec<u32> = (0..120).collect();
    let (encoder, ordered) =
        Encoder::fit_ordered(&table, &rows, &supervision, &EncodeOptions::default());
    assert!(encoder.uses_target());
    assert_eq!(
        encoder.categories(UsedBy::Trees).collect::<Vec<_>>(),
        [false]
    );
    assert_eq!(
        encoder.categories(UsedBy::Linear).collect::<Vec<_>>(),
        [true]
    );
    let mut encoded = encoder.encode(&table).unwrap();
    let trees = |encoded: &Encoded| match encoded.views(UsedBy::Trees)[..] {
        [trees::Column::F64(numbers)] => numbers.to_vec(),
        _ => panic!("expected numbers"),
    };
    // (3 rows of 1 + a prior of one row with .5) / 4
    let scored = trees(&encoded);
    assert_eq!((scored[0], scored[39]), (0.125, 0.875));
    encoded.set_ordered(&rows, &ordered);
    let trained = trees(&encoded);
    // The first row of a word in the order knows the prior only.
    assert_eq!(trained.iter().filter(|&&value| value == 0.5).count(), 40);
    assert_eq!(encoded.sources(UsedBy::Linear), [0]);
}

#[test]
fn only_the_listed_rows_are_learned_from() {
    let train = table(vec![column(
        ColumnKind::Category,
        words(&[0, 1], &["a", "b"]),
    )]);
    let options = EncodeOptions {
        min_rows: 1,
        ..EncodeOptions::default()
    };
    let encoder = Encoder::fit(&train, &[1], &Supervision::default(), &options);
    assert_eq!(encoder.words(0), ["b"]);
}

#[test]
fn other_columns_than_those_of_training_are_refused() {
    let number = || column(ColumnKind::Number, Values::Numbers(vec![1.0]));
    let train = table(vec![number()]);
    let encoder = Encoder::fit(
        &train,
        &[0],
        &Supervision::default(),
        &EncodeOptions::default(),
    );
    let two = table(vec![number(), number()]);
    let error = encoder.encode(&two).err().unwrap();
    assert_eq!(error.to_string(), "the table has 2 columns, expected 1");
    let text = table(vec![column(ColumnKind::Number, words(&[0], &["a"]))]);
    let error = encoder.encode(&text).err().unwrap();
    assert_eq!(
        error.to_string(),
        "column `x` does not hold values of kind number"
    );
}
