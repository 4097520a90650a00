//! Tests of versions and aliases: promotions, conditions, rollbacks, names.

use super::super::*;
use super::{Bench, SECRET, always, metric, refusal, signed};
use crate::lineage::Lineage;
use crate::store::{Content, Store};

#[test]
fn versions_count_up_and_aliases_move_and_go_back() {
    let mut bench = Bench::new();
    for (at, content) in ["a", "b", "c"].into_iter().enumerate() {
        assert_eq!(bench.add(content, None), at as u64 + 1);
        bench.promote(at as u64 + 1).unwrap();
    }
    assert_eq!(bench.champion(), 3);
    assert!(bench.registry.rollback("nlp", "champion", "bad").is_ok());
    assert_eq!(bench.champion(), 2);
    // A second rollback goes further back, not forth again.
    bench.registry.rollback("nlp", "champion", "").unwrap();
    assert_eq!(bench.champion(), 1);
    let nothing = refusal(bench.registry.rollback("nlp", "champion", ""));
    assert!(matches!(nothing, Refusal::NothingBefore { .. }));
    bench.registry.unset("nlp", "champion", "").unwrap();
    assert!(bench.registry.resolve("nlp@champion").is_err());
    assert_eq!(bench.registry.versions("nlp").unwrap().len(), 3);
    assert_eq!(bench.registry.log("nlp").unwrap().len(), 9);
    let again = Registry::open(bench.store.clone(), signed(SECRET)).unwrap();
    assert_eq!(again.state(), bench.registry.state());
    assert_eq!(again.head(), bench.registry.head());
}

#[test]
fn a_rollback_leaves_out_retired_versions() {
    let mut bench = Bench::new();
    for content in ["a", "b", "c"] {
        let version = bench.add(content, None);
        bench.promote(version).unwrap();
    }
    let in_use = refusal(bench.registry.retire("nlp", 3, "bad"));
    assert!(
        in_use.to_string().contains("in use as champion"),
        "{in_use}"
    );
    bench.registry.retire("nlp", 2, "leaks").unwrap();
    let retired = refusal(bench.promote(2));
    assert!(
        retired.to_string().contains("is retired (leaks)"),
        "{retired}"
    );
    bench.registry.rollback("nlp", "champion", "").unwrap();
    assert_eq!(bench.champion(), 1);
    assert_eq!(bench.registry.resolve("nlp@2").unwrap().number, 2);
    bench.registry.retire("nlp", 3, "").unwrap();
    assert_eq!(bench.registry.resolve("nlp").unwrap().number, 1);
}

#[test]
fn a_challenger_replaces_the_champion_only_if_it_is_better() {
    let mut bench = Bench::new();
    bench.add("a", Some(0.8));
    bench.add("b", Some(0.8));
    bench.add("c", Some(0.9));
    bench.add("d", None);
    bench.add("e", Some(f64::NAN));
    let better = |direction| Condition::IfBetter {
        metric: "accuracy".to_owned(),
        direction,
    };
    let mut promote = |version, direction| {
        let condition = better(direction);
        (bench.registry).promote("nlp", "champion", version, &condition)
    };
    use Direction::{Higher, Lower};
    promote(1, Higher).unwrap();
    let tie = refusal(promote(2, Higher));
    assert!(tie.to_string().contains("0.8") && matches!(tie, Refusal::NotBetter { .. }));
    assert!(matches!(
        refusal(promote(3, Lower)),
        Refusal::NotBetter { .. }
    ));
    let signed = promote(3, Higher).unwrap();
    let Event::Promote { why, from, .. } = signed.entry.event else {
        panic!("a promotion");
    };
    assert_eq!(from, Some(1));
    let reason = Reason::IfBetter {
        metric: "accuracy".to_owned(),
        direction: Higher,
        ours: 0.9,
        theirs: Some(0.8),
    };
    assert_eq!(why, reason);
    let missing = refusal(promote(4, Higher)).to_string();
    assert!(
        missing.contains("has no accuracy on record; evaluate it"),
        "{missing}"
    );
    assert!(matches!(
        refusal(promote(5, Higher)),
        Refusal::NotANumber { .. }
    ));
    promote(2, Lower).unwrap();
    bench
        .registry
        .evaluate("nlp", 4, vec![metric("accuracy", 0.95)])
        .unwrap();
    let condition = better(Higher);
    bench
        .registry
        .promote("nlp", "champion", 4, &condition)
        .unwrap();
    assert_eq!(bench.champion(), 4);
}

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let mut bench = Bench::new();
    bench.add("a", None);
    bench.promote(1).unwrap();
    bench
        .registry
        .promote("nlp", "challenger", 1, &always())
        .unwrap();
    let says = |text: &str| bench.registry.resolve(text).unwrap_err().to_string();
    assert_eq!(
        says("nlp@champoin"),
        "nlp has no alias `champoin`; there are: challenger (version 1), champion (version 1); \
         did you mean `champion`?"
    );
    assert_eq!(
        says("nlb"),
        "no model is named `nlb`; there are: nlp; did you mean `nlp`?"
    );
    assert_eq!(says("nlp@7"), "nlp has no version 7; its newest is 1");
    assert_eq!(says("nlp@0"), "nlp has no version 0; its newest is 1");
    assert!(says("nlp@99999999999999999999").contains("has no version"));
    assert!(says("nlp@").contains("has no alias ``"));
    for bad in ["7", "", "A", "a b", "-a", "a@b", &"a".repeat(65)] {
        let refused = refusal(bench.registry.promote("nlp", bad, 1, &always()));
        assert!(matches!(refused, Refusal::Word { .. }), "{bad}");
    }
    let content = Content::of_bytes(b"b");
    let refused = (bench.registry).add("../x", &content, Lineage::default(), Vec::new());
    assert_eq!(bench.store.list("models/").unwrap().len(), 1);
    assert!(matches!(
        refused,
        Err(RegistryError::Refused(Refusal::Word { .. }))
    ));
    let there = refusal(bench.promote(1));
    assert_eq!(there.to_string(), "nlp@champion is version 1 already");
}

#[test]
fn ancestors_end_at_unknown_models_and_do_not_run_in_circles() {
    let mut bench = Bench::with(Access::new("tester"));
    let digest = |content: &str| files::digest::bytes(content.as_bytes());
    for (content, parent) in [("a", "c"), ("b", "a"), ("c", "b"), ("d", "elsewhere")] {
        let lineage = Lineage {
            parent: Some(digest(parent)),
            ..Lineage::default()
        };
        let content = Content::of_bytes(content.as_bytes());
        (bench.registry)
            .add("nlp", &content, lineage, Vec::new())
            .unwrap();
    }
    let state = bench.registry.state();
    let numbers = |version: u64| -> Vec<u64> {
        let version = state.version("nlp", version).unwrap();
        let ancestors = state.ancestors(version).into_iter();
        ancestors.map(|ancestor| ancestor.number).collect()
    };
    assert_eq!(numbers(3), [2, 1]);
    assert_eq!(numbers(1), [3, 2]);
    assert_eq!(numbers(4), [0; 0]);
}

#[test]
fn a_server_keeps_its_model_while_the_name_points_nowhere() {
    let mut bench = Bench::with(Access::new("tester"));
    bench.add("a", None);
    bench.add("b", None);
    let mut watch = Watch::new(bench.registry.clone(), "nlp@champion");
    assert!(watch.poll().is_err());
    bench.promote(1).unwrap();
    assert_eq!(watch.poll().unwrap().unwrap().1, b"a");
    bench.registry.unset("nlp", "champion", "").unwrap();
    for _ in 0..2 {
        let nowhere = refusal(watch.poll());
        assert!(matches!(nowhere, Refusal::Alias { .. }));
    }
    // There and back between two looks is no change; a model that cannot be read is asked for again.
    bench.promote(2).unwrap();
    bench.promote(1).unwrap();
    assert_eq!(watch.poll().unwrap(), None);
    bench.promote(2).unwrap();
    let key = bench.store.list("models/").unwrap();
    let saved: Vec<_> = key
        .iter()
        .map(|key| bench.store.read(key).unwrap().unwrap())
        .collect();
    key.iter()
        .for_each(|key| bench.store.replace(key, b"?").unwrap());
    assert!(watch.poll().is_err());
    for (key, bytes) in key.iter().zip(saved) {
        bench.store.replace(key, &bytes).unwrap();
    }
    assert_eq!(watch.poll().unwrap().unwrap().1, b"b");
}

#[test]
fn events_are_told_in_words() {
    let mut bench = Bench::with(Access::new("tester"));
    bench.add("a", Some(0.5));
    bench.add("b", None);
    bench.promote(1).unwrap();
    bench.promote(2).unwrap();
    bench.registry.rollback("nlp", "champion", "slow").unwrap();
    let results = vec![metric("accuracy", 0.25), metric("rmse", 2.0)];
    bench.registry.evaluate("nlp", 2, results).unwrap();
    bench.registry.retire("nlp", 2, "").unwrap();
    bench.registry.unset("nlp", "champion", "end").unwrap();
    bench.registry.erase("nlp", 1, "asked to").unwrap();
    let log = bench.registry.log("nlp").unwrap();
    let told: Vec<String> = log.iter().map(|entry| entry.event.to_string()).collect();
    assert_eq!(
        told,
        [
            "added version 1 (ca978112ca1b): accuracy 0.5",
            "added version 2 (3e23e8160039)",
            "promoted version 1 to champion: by hand",
            "promoted version 2 to champion in place of version 1: by hand",
            "rolled champion back from version 2 to 1: slow",
            "evaluated version 2: accuracy 0.25, rmse 2",
            "retired version 2",
            "removed champion, which was version 1: end",
            "erased the file of version 1: asked to",
        ]
    );
}
