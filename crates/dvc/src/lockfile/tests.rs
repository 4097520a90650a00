//! Locks come back as they were, and what cannot is refused.

use proptest::prelude::*;

use super::*;

const TEXT: &str = include_str!("../../../../dvc.lock");

#[test]
fn the_repositorys_lock_comes_out_as_it_is() {
    let lock = Lock::parse(TEXT).unwrap();
    assert_eq!(lock.text(), TEXT);
    assert_eq!(lock.rewritten().text(), TEXT);
}

/// Texts over all of Unicode, with many characters that YAML treats specially.
fn texts() -> impl Strategy<Value = String> {
    const SPECIAL: &str =
        "\u{85}\u{2028}\u{2029}\n\r\t \u{a0}\u{feff}\0\u{7f}'\"\\#:-?,[]{}&*!|>%@`=<~.1eyN";
    let special = proptest::sample::select(SPECIAL.chars().collect::<Vec<char>>());
    let character =
        prop_oneof![3 => special, 1 => any::<char>(), 1 => proptest::char::range('a', 'z')];
    let short = proptest::collection::vec(character, 0..24);
    let short = short.prop_map(|chars| chars.into_iter().collect::<String>());
    let words = proptest::collection::vec("[a-z'\"\u{2028}]{1,9}|[a-z]{60,140}", 0..40);
    prop_oneof![
        4 => short,
        1 => words.prop_map(|words| words.join(" ")),
        1 => proptest::sample::select(vec!["---", "...", "<<", "null", "1e3", "2024-01-01", "0x1", "=", "\0<<"])
            .prop_map(str::to_owned),
    ]
}

fn nodes() -> impl Strategy<Value = Node> {
    let scalar = prop_oneof![
        6 => texts().prop_map(Node::string),
        1 => any::<i64>().prop_map(|value| Node::new(Data::Int(value.into()))),
        1 => any::<f64>().prop_map(|value| Node::new(Data::Float(value))),
        1 => any::<bool>().prop_map(|value| Node::new(Data::Bool(value))),
        1 => Just(Node::new(Data::Null)),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        let entries = proptest::collection::btree_map(texts(), inner.clone(), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|items| Node::new(Data::List(items))),
            entries.prop_map(Node::map),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    /// Otherwise a stage would run every time.
    #[test]
    fn every_value_comes_back_from_the_lock(
        name in texts(),
        values in proptest::collection::btree_map(texts(), nodes(), 0..4),
        cmd in texts(),
        path in texts(),
    ) {
        let recorded = Recorded {
            cmd: Cmd::One(cmd),
            deps: vec![Record { path: path.clone(), md5: Some("0e1".to_owned()), size: None, nfiles: None, exec: false }],
            params: vec![(path, values.into_iter().collect())],
            outs: Vec::new(),
        };
        let mut lock = Lock::parse("").unwrap();
        lock.put(&name, recorded.clone());
        lock.put("another", recorded.clone());
        let text = lock.text();
        let read = Lock::parse(&text).unwrap();
        let again = read.get(&name).expect(&text);
        prop_assert_eq!(again.node(), recorded.node(), "{}", &text);
        // Unless it is written anew, it keeps its text.
        prop_assert_eq!(read.text(), text);
    }
}

#[test]
fn marks_of_a_merge_say_what_to_do() {
    let text = "schema: '2.0'\nstages:\n<<<<<<< HEAD\n  a:\n    cmd: x\n=======\n  a:\n    cmd: y\n>>>>>>> b\n";
    assert!(
        Lock::parse(text)
            .unwrap_err()
            .reason
            .contains("unfinished merge")
    );
}

/// A number of more than 128 bits used to become a text.
#[test]
fn a_value_that_cannot_be_written_again_is_refused() {
    let long = "5".repeat(60);
    let text = format!("schema: '2.0'\nother: {long}\nstages: {{}}\n");
    let fault = Lock::parse(&text).unwrap_err();
    assert_eq!(fault.at.line, 2, "{}", fault.reason);
    let quoted = text.replace(&long, &format!("'{long}'"));
    assert!(Lock::parse(&quoted).is_ok());
}

#[test]
fn a_lock_of_dvc_2_is_refused() {
    let text = "schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - path: b\n      md5: c4ca4238a0b923820dcc509a6f75849b\n";
    let fault = Lock::parse(text).unwrap_err();
    assert!(fault.reason.contains("DVC 2"), "{}", fault.reason);
    assert_eq!(fault.at.line, 6);
}
