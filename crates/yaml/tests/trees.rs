//! Trees as callers use them: places, changes, types, and what is refused.

use std::collections::BTreeMap;

use easylife_yaml::{
    At, Data, Node, Reader, Reason, Types, from_node, from_str, merge_mark, parse,
};
use proptest::prelude::*;
use serde::Deserialize;

fn read(text: &str) -> Node {
    parse(text).unwrap_or_else(|fault| panic!("{text:?}: {fault}"))
}

fn place(node: &Node) -> (usize, usize) {
    (node.at.line, node.at.column)
}

#[test]
fn every_node_knows_where_it_starts() {
    let root = read("a: 1\nlist:\n  - x\n  -  {deep: [1, 'two']}\ntext: |\n  lines\n");
    let list = root.get("list").unwrap().as_list().unwrap();
    assert_eq!(place(&list[0]), (3, 5));
    assert_eq!(place(&list[1]), (4, 6));
    let deep = list[1].get("deep").unwrap().as_list().unwrap();
    assert_eq!(place(&deep[1]), (4, 17));
    let (key, value) = &root.as_map().unwrap()[2];
    assert_eq!((place(key), place(value)), ((5, 1), (6, 3)));
    // Columns count characters, not bytes.
    assert_eq!(place(read("{ä: x}").get("ä").unwrap()), (1, 5));
}

#[test]
fn values_are_what_they_look_like() {
    let root = read("[null, ~, true, 12, 0x1F, 1e3, .inf, text, '12', \"a\\tb\", 017, 1_000]");
    let told: Vec<String> = root
        .as_list()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    let text = told.join(" ");
    assert!(
        text.contains("true 12 31 1000.0") || text.contains("true 12 31"),
        "{text}"
    );
    let kinds: Vec<&str> = root.as_list().unwrap().iter().map(Node::kind).collect();
    assert_eq!(
        &kinds[..4],
        ["nothing", "nothing", "true or false", "a number"]
    );
    assert_eq!(&kinds[7..10], ["a text"; 3]);
    assert_eq!(&kinds[10..], ["a number"; 2], "as ruamel.yaml reads them");
    let core = Reader {
        types: Types::Core,
        ..Reader::default()
    };
    let core = core.read("[017, 1_000, 2024-01-01]").unwrap();
    assert!(
        core.as_list()
            .unwrap()
            .iter()
            .all(|node| node.kind() == "a text")
    );
}

#[test]
fn a_value_is_found_however_its_key_is_written() {
    let core = Reader {
        types: Types::Core,
        ..Reader::default()
    };
    let root = core.read("1:\n  true: x\n'1.0': y\n").unwrap();
    assert_eq!(root.locate(&["1", "true"]).map(|at| at.line), Some(2));
    assert_eq!(root.locate(&["1.0"]).map(|at| at.line), Some(3));
    assert!(root.get("1").is_none(), "`get` is for keys that are texts");
    assert_eq!(root.locate(&[]), None);
}

#[test]
fn a_value_that_is_set_replaces_or_is_added() {
    let mut root = read("nlp: {C: 3, bits: 32}\nseed: 1\n");
    let value = |text: &str| {
        let reader = Reader {
            source: 1,
            ..Reader::default()
        };
        reader.read(text).unwrap()
    };
    root.set(&["nlp", "C"], value("10"));
    root.set(&["nlp", "new", "deep"], value("[1]"));
    root.set(&["seed", "below"], value("x"));
    let model = root.get("nlp").unwrap();
    assert_eq!(model.get("C").unwrap().at.source, 1);
    assert_eq!(model.get("bits").unwrap().at.source, 0);
    assert_eq!(
        model.get("new").unwrap().get("deep").unwrap().to_string(),
        "[1]"
    );
    assert_eq!(
        root.get("seed").unwrap().kind(),
        "a mapping",
        "a number has no keys"
    );
    root.set(&[], value("all"));
    assert_eq!(root.as_str(), Some("all"));
}

#[test]
fn equal_means_what_python_means() {
    let equal = |a: &str, b: &str| read(a) == read(b);
    assert!(equal("1", "1.0") && equal("true", "1") && equal(".nan", ".nan"));
    assert!(equal("{a: 1, b: 2}", "{b: 2, a: 1}"));
    assert!(!equal("[1, 2]", "[2, 1]"));
    assert!(!equal("'1'", "1") && !equal("null", "false") && !equal("{a: 1}", "{a: 1, b: 2}"));
    // 2^53 + 1 is no double.
    assert!(!equal("9007199254740993", "9007199254740992.0"));
}

#[test]
fn empty_means_what_python_means() {
    for text in ["", "~", "false", "0", "0.0", "''", "[]", "{}"] {
        assert!(read(text).is_empty(), "{text:?}");
    }
    for text in ["true", "1", "'0'", "[0]", "{a: }"] {
        assert!(!read(text).is_empty(), "{text:?}");
    }
}

#[test]
fn what_is_not_yaml_is_refused_with_its_place() {
    for (text, line, reason) in [
        ("a: 1\nb: [1", 2, "invalid YAML"),
        ("a: 'x", 1, "invalid YAML"),
        ("a: 1\na: 2", 2, "a"),
        ("a: *nowhere", 1, "unknown anchor"),
        ("a: !mine x", 1, "mine"),
        ("a: 1\n--- \nb: 2", 2, ""),
        ("a:\n\t- x", 2, "invalid YAML"),
    ] {
        let fault = parse(text).expect_err(text);
        assert!(fault.at.line >= line, "{text:?}: {fault}");
        assert!(fault.reason.contains(reason), "{text:?}: {fault}");
    }
    let deep = "[".repeat(300) + &"]".repeat(300);
    assert!(parse(&deep).is_err());
}

#[test]
fn sides_of_a_merge_are_noticed_only_where_git_writes_them() {
    assert_eq!(
        merge_mark("a\n=======\nb").map(|fault| fault.at.line),
        Some(2)
    );
    assert!(merge_mark("a: '======='\n").is_none());
    assert!(merge_mark("========\n").is_none());
    assert!(merge_mark(" <<<<<<< HEAD\n").is_none());
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Block {
    share: f64,
    rows: Option<u32>,
    kind: Kind,
    more: Vec<Block>,
    names: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Auto,
    Given(u8),
}

#[test]
fn types_are_filled_from_trees() {
    let block: Block =
        from_str("share: 1\nkind: {given: 3}\nmore: [{rows: 7}, {}]\nnames: {a: x, '1': y}\n")
            .unwrap();
    assert_eq!(block.share, 1.0, "a whole number is also a share");
    assert_eq!(block.kind, Kind::Given(3));
    assert_eq!(block.more[0].rows, Some(7));
    assert_eq!(block.more[1], Block::default());
    assert_eq!(block.names["1"], "y");
}

#[test]
fn what_does_not_fit_a_type_is_named_by_its_keys() {
    for (text, path, line, reason) in [
        ("share: x", "share", 1, "x"),
        ("rows: -1", "rows", 1, ""),
        ("rows: 1.5", "rows", 1, ""),
        ("kind: {given: 300}", "kind", 1, ""),
        ("more:\n- rows: 1\n- rows: many", "more[1].rows", 3, "many"),
        ("more: {}", "more", 1, ""),
        ("names: {a: [1]}", "names.a", 1, ""),
    ] {
        let error = from_str::<Block>(text).expect_err(text);
        assert!(error.path.starts_with(path), "{text:?}: {error}");
        assert_eq!(error.at.line, line, "{text:?}: {error}");
        assert!(error.to_string().contains(reason), "{text:?}: {error}");
    }
    let error = from_str::<Block>("more: [{shar: 1}]").unwrap_err();
    let Reason::UnknownKey { key, known } = &error.reason else {
        panic!("{error}")
    };
    assert_eq!(key, "shar");
    assert!(known.contains(&"share"));
    assert_eq!(error.within("nlp").path, "nlp.more[0]");
}

#[test]
fn a_value_that_has_no_meaning_is_refused_only_where_it_is_needed() {
    let root = read("a: 2024-01-01\nb: 1\n");
    assert!(root.get("b").unwrap().check().is_ok());
    let fault = root.check().unwrap_err();
    assert_eq!(fault.at.line, 1);
    assert!(from_node::<BTreeMap<String, u32>>(&root).is_err());
    let made = Node::refused("x", "not now");
    assert_eq!(made.as_written(), Some("x"));
    assert_eq!(made.check().unwrap_err().reason, "not now");
}

/// Trees of scalars, lists and mappings with texts of all kinds.
fn trees() -> impl Strategy<Value = Node> {
    let scalar = prop_oneof![
        "\\PC{0,12}".prop_map(Node::string),
        any::<i64>().prop_map(|value| Node::new(Data::Int(value.into()))),
        any::<bool>().prop_map(|value| Node::new(Data::Bool(value))),
        Just(Node::new(Data::Null)),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| Node::new(Data::List(items))),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(Node::map),
        ]
    })
}

proptest! {
    /// What is set under some keys is found there, and nothing else changes.
    #[test]
    fn what_is_set_is_found(
        mut root in trees(),
        keys in prop::collection::vec("[a-e]", 1..4),
        other in "[f-j]",
    ) {
        root.set(&[&*other], Node::string("stays"));
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let at = At { line: 7, column: 3, source: 2 };
        root.set(&keys, Node::at(at, Data::Int(5)));
        prop_assert_eq!(root.locate(&keys), Some(at));
        let found = keys.iter().try_fold(&root, |node, key| node.get(key)).unwrap();
        prop_assert_eq!(found, &Node::new(Data::Int(5)));
        prop_assert_eq!(root.get(&other).and_then(Node::as_str), Some("stays"));
    }

    /// Any text gives a tree or a place.
    #[test]
    fn any_text_is_answered(text in "[a-c:\\-\\[\\]{},&*!|>'\"#%@` \\n0-9.]{0,40}") {
        if let Err(fault) = parse(&text) {
            prop_assert!(fault.at.line <= text.lines().count() + 1, "{}", fault);
        }
    }
}
