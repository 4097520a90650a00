//! Tests of several writers at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::condition::reason;
use super::super::*;
use super::{Bench, SECRET, always, refusal, signed, trusted};
use crate::lineage::Lineage;
use crate::store::{Content, Folder};

#[test]
fn writers_at_once_are_all_recorded_in_some_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Folder::create(&dir.path().join("store")).unwrap());
    let content = Content::of_bytes(b"x");
    let mut first = Registry::open(store.clone(), signed(SECRET)).unwrap();
    for _ in 0..4 {
        first
            .add("nlp", &content, Lineage::default(), Vec::new())
            .unwrap();
    }
    std::thread::scope(|scope| {
        for version in 1..=4 {
            let mut registry = first.clone();
            scope.spawn(move || {
                for round in 0..5 {
                    let alias = format!("a{round}");
                    registry.promote("nlp", &alias, version, &always()).unwrap();
                }
            });
        }
    });
    assert!(first.poll().unwrap() && first.refresh().unwrap());
    assert!(!first.poll().unwrap() && !first.refresh().unwrap());
    let mut moves = BTreeMap::<String, Vec<u64>>::new();
    let mut points = BTreeMap::<String, u64>::new();
    for entry in first.log("nlp").unwrap() {
        if let Event::Promote {
            alias,
            version,
            from,
            ..
        } = &entry.event
        {
            assert_eq!(points.insert(alias.clone(), *version), *from);
            moves.entry(alias.clone()).or_default().push(*version);
        }
    }
    assert_eq!(moves.len(), 5);
    for versions in moves.values_mut() {
        versions.sort_unstable();
        assert_eq!(*versions, [1, 2, 3, 4]);
    }
    let report = check(&*store, Some(&trusted(SECRET)), None, false).unwrap();
    assert_eq!(report.problems, []);
    assert_eq!(report.head.unwrap().count, 24);
}

#[test]
fn a_loser_decides_again_on_what_the_winner_did() {
    let mut bench = Bench::new();
    bench.add("a", Some(0.8));
    bench.add("b", Some(0.9));
    bench.add("c", Some(0.85));
    let better = Condition::IfBetter {
        metric: "accuracy".to_owned(),
        direction: Direction::Higher,
    };
    bench.promote(1).unwrap();
    let mut other = bench.registry.clone();
    let mut asked = 0;
    let decided = bench.registry.append(|state| {
        asked += 1;
        if asked == 1 {
            other.promote("nlp", "champion", 2, &better).unwrap();
        }
        let from = state.alias("nlp", "champion").ok();
        let why = reason(state, "nlp", 3, from, &better)?;
        Ok(Event::Promote {
            name: "nlp".to_owned(),
            alias: "champion".to_owned(),
            version: 3,
            from,
            why,
        })
    });
    // Better than version 1, but not than version 2, which came in between.
    let Refusal::NotBetter {
        current, theirs, ..
    } = refusal(decided)
    else {
        panic!("not better");
    };
    assert_eq!((asked, current, theirs), (2, 2, 0.9));
}
