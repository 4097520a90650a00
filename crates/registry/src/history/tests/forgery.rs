//! Tests of what a check finds: every changed byte, cuts, swaps, rewritten histories; and that what
//! a killed writer leaves is no problem.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::entry::key_of;
use super::super::*;
use super::{Bench, FORGED, SECRET, always, private_key, signed, trusted};
use crate::signing::PublicKey;
use crate::store::memory::Memory;
use crate::store::{Flaw, Key, Problem};

type Objects = BTreeMap<Key, Vec<u8>>;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn entry_key(number: u64) -> Key {
    key_of(number).unwrap()
}

/// A history of six entries.
fn history_with(access: Access) -> (Bench, Objects) {
    let mut bench = Bench::with(access);
    bench.add("a", Some(0.5));
    bench.add("b", None);
    bench.promote(1).unwrap();
    bench.promote(2).unwrap();
    bench.registry.rollback("nlp", "champion", "slow").unwrap();
    bench.registry.retire("nlp", 2, "slow").unwrap();
    let objects = bench.store.objects().clone();
    assert_eq!(objects.len(), 9);
    (bench, objects)
}

fn history() -> (Bench, Objects) {
    let (bench, objects) = history_with(signed(SECRET));
    assert_eq!(problems(&objects), []);
    (bench, objects)
}

/// What a check without keys finds, and that no user accepts what it finds in the history.
fn unsigned_problems(objects: &Objects) -> Vec<Problem> {
    let store = Memory::of(objects);
    let report = check(&store, None, None, false).unwrap();
    let opened = Registry::open(Arc::new(store), Access::new("tester"));
    let flawed = |problem: &Problem| !problem.object.starts_with("models/");
    assert_eq!(
        opened.is_err(),
        report.problems.iter().any(flawed),
        "{:?}",
        report.problems
    );
    report.problems
}

fn problems_with(objects: &Objects, keys: &[PublicKey]) -> Vec<Flaw> {
    let report = check(&Memory::of(objects), Some(keys), None, false).unwrap();
    report
        .problems
        .into_iter()
        .map(|found| found.flaw)
        .collect()
}

fn problems(objects: &Objects) -> Vec<Flaw> {
    problems_with(objects, &trusted(SECRET))
}

/// Both the check and every user refuse these objects.
fn assert_refused(objects: &Objects, what: &str) {
    assert_ne!(problems(objects), [], "{what}");
    let opened = Registry::open(Arc::new(Memory::of(objects)), signed(SECRET));
    assert!(
        matches!(opened, Err(RegistryError::Broken { .. })),
        "{what}"
    );
}

#[test]
fn every_changed_byte_is_found() {
    let (_bench, objects) = history_with(Access::new("tester"));
    assert_eq!(unsigned_problems(&objects), []);
    for (key, bytes) in &objects {
        for at in 0..bytes.len() {
            // Case alone as well: hexadecimal has two spellings of the same digest.
            let mask = if at % 2 == 0 { 0x20 } else { 1 << (at / 2 % 8) };
            let mut changed = objects.clone();
            changed.get_mut(key).unwrap()[at] ^= mask;
            assert_ne!(unsigned_problems(&changed), [], "{key}, byte {at}, {mask}");
        }
    }
}

#[test]
fn every_cut_byte_and_every_added_one_is_found() {
    let (_bench, objects) = history_with(Access::new("tester"));
    for (key, bytes) in &objects {
        for length in (0..bytes.len()).rev().step_by(3) {
            let mut changed = objects.clone();
            changed.get_mut(key).unwrap().truncate(length);
            let found = unsigned_problems(&changed);
            assert_ne!(found, [], "{key} cut to {length}");
        }
        let mut changed = objects.clone();
        changed.get_mut(key).unwrap().push(b'\n');
        assert_ne!(unsigned_problems(&changed), [], "{key} with a line feed");
    }
}

/// As above, in a signed history, and a short one: a signature takes milliseconds in a debug build.
#[test]
fn changed_bytes_of_a_signed_head_or_entry_are_found() {
    let mut bench = Bench::new();
    bench.add("a", None);
    let objects = bench.store.objects().clone();
    for name in ["history/00000001.json", "head.json"].map(key) {
        for at in (0..objects[&name].len()).step_by(9) {
            let mut changed = objects.clone();
            changed.get_mut(&name).unwrap()[at] ^= if at % 2 == 0 { 0x20 } else { 1 };
            assert_refused(&changed, &format!("{name}, byte {at}"));
        }
        for length in (0..objects[&name].len()).step_by(29) {
            let mut changed = objects.clone();
            changed.get_mut(&name).unwrap().truncate(length);
            assert_refused(&changed, &format!("{name} cut to {length}"));
        }
    }
}

#[test]
fn every_missing_and_every_swapped_entry_is_found() {
    let (_bench, objects) = history();
    for first in 1..=6 {
        let mut without = objects.clone();
        without.remove(&entry_key(first));
        assert_refused(&without, &format!("without entry {first}"));
        let mut cut = objects.clone();
        for number in first..=6 {
            cut.remove(&entry_key(number));
        }
        assert_refused(&cut, &format!("cut before entry {first}"));
        for second in first + 1..=6 {
            let mut swapped = objects.clone();
            let (a, b) = (entry_key(first), entry_key(second));
            swapped.insert(a.clone(), objects[&b].clone());
            swapped.insert(b, objects[&a].clone());
            assert_refused(&swapped, &format!("entries {first} and {second} swapped"));
        }
        // One entry taken out, and the later ones moved up.
        let mut moved = objects.clone();
        for number in first..6 {
            moved.insert(entry_key(number), objects[&entry_key(number + 1)].clone());
        }
        moved.remove(&entry_key(6));
        assert_refused(&moved, &format!("moved up to entry {first}"));
    }
    let mut headless = objects.clone();
    headless.remove(&key("head.json"));
    assert_refused(&headless, "without the head");
    let mut strange = objects;
    strange.insert(key("history/7.json"), Vec::new());
    assert_refused(&strange, "with a strange name");
}

#[test]
fn a_history_by_another_key_or_by_none_is_refused() {
    let (bench, objects) = history();
    // Rewritten from the start.
    for access in [signed(FORGED), Access::new("nobody")] {
        let mut forged = Bench::with(access);
        forged.add("a", Some(0.99));
        assert_refused(&forged.store.objects(), "another history");
    }
    // One entry added at the end with another key, and the head moved.
    let forger = Access::new("forger").signing(Arc::new(private_key(FORGED)));
    let store = Arc::new(Memory::of(&objects));
    let mut registry = Registry::open(store.clone(), forger).unwrap();
    registry.promote("nlp", "challenger", 1, &always()).unwrap();
    assert_refused(&store.objects(), "an entry by another key");
    // Without a key the registry itself refuses to take the signature off.
    let mut registry = Registry::open(bench.store.clone(), Access::new("nobody")).unwrap();
    let added = registry.promote("nlp", "challenger", 1, &always());
    assert!(matches!(added, Err(RegistryError::NoKey { .. })));
    assert_eq!(*bench.store.objects(), objects);
}

#[test]
fn an_entry_past_the_head_must_be_signed() {
    let (_bench, objects) = history();
    let first = Signed::decode(&objects[&entry_key(1)]).unwrap();
    let second = Signed::decode(&objects[&entry_key(2)]).unwrap();
    assert_eq!(second.entry.previous, first.hash);
    let mut changed = objects.clone();
    changed.retain(|key, _| !key.as_str().starts_with("history/") || *key == entry_key(1));
    changed.insert(key("head.json"), head_after(&objects, 1));
    for (signer, fine) in [
        (None, false),
        (Some(private_key(FORGED)), false),
        (Some(private_key(SECRET)), true),
    ] {
        let (_, bytes) = Signed::encode(second.entry.clone(), signer.as_ref()).unwrap();
        changed.insert(entry_key(2), bytes);
        match fine {
            true => assert_eq!(problems(&changed), []),
            false => assert_refused(&changed, "an entry past the head by another key or by none"),
        }
    }
}

/// The head as it was after entry `number`.
fn head_after(objects: &Objects, number: u64) -> Vec<u8> {
    let signed = Signed::decode(&objects[&entry_key(number)]).unwrap();
    let head = Head::of(&signed, Some(&private_key(SECRET)));
    head.encode().unwrap()
}

#[test]
fn a_writer_that_died_before_it_moved_the_head_is_no_problem() {
    let (bench, objects) = history();
    let mut died = objects.clone();
    died.insert(key("head.json"), head_after(&objects, 5));
    assert_eq!(problems(&died), []);
    let store = Arc::new(Memory::of(&died));
    let mut registry = Registry::open(store.clone(), signed(SECRET)).unwrap();
    assert_eq!(registry.state(), bench.registry.state());
    assert_eq!(registry.head().unwrap().count, 5);
    registry.promote("nlp", "challenger", 1, &always()).unwrap();
    assert_eq!(registry.head().unwrap().count, 7);
    assert_eq!(problems(&store.objects()), []);
    // After the very first entry there is no head yet.
    let mut first = objects;
    first.retain(|key, _| !key.as_str().starts_with("history/") || *key == entry_key(1));
    first.remove(&key("head.json"));
    let harmless = problems(&first);
    assert_eq!(harmless, [Flaw::Unnamed]);
    let mut registry = Registry::open(Arc::new(Memory::of(&first)), signed(SECRET)).unwrap();
    registry.promote("nlp", "champion", 1, &always()).unwrap();
    assert_eq!(registry.head().unwrap().count, 2);
}

#[test]
fn an_old_copy_is_found_by_who_has_seen_a_later_head() {
    let (mut bench, old) = history();
    bench.promote(1).unwrap_err();
    bench.registry.unset("nlp", "champion", "").unwrap();
    let seen = bench.registry.head().unwrap().clone();
    let seen = Head::decode(&seen.encode().unwrap()).unwrap();
    let keys = trusted(SECRET);
    // Without the later head there is nothing to see.
    assert_eq!(problems(&old), []);
    let report = check(&Memory::of(&old), Some(&keys), Some(&seen), false).unwrap();
    assert!(
        report.problems[0]
            .to_string()
            .contains("put back or cut off")
    );
    bench.promote(1).unwrap();
    let now = Memory::of(&bench.store.objects());
    let report = check(&now, Some(&keys), Some(&seen), false).unwrap();
    assert_eq!(report.problems, []);
    // The same key, but another seventh entry.
    let store = Arc::new(Memory::of(&old));
    let mut registry = Registry::open(store.clone(), signed(SECRET)).unwrap();
    registry.promote("nlp", "challenger", 1, &always()).unwrap();
    let report = check(&*store, Some(&keys), Some(&seen), false).unwrap();
    assert!(report.problems[0].to_string().contains("was rewritten"));
}

#[test]
fn an_event_against_the_rules_is_found_even_if_it_is_signed() {
    let (_bench, objects) = history();
    let last = Signed::decode(&objects[&entry_key(6)]).unwrap();
    let entry = Entry {
        number: 7,
        previous: last.hash,
        event: Event::Promote {
            name: "nlp".to_owned(),
            alias: "champion".to_owned(),
            version: 2, // retired
            from: Some(1),
            why: Reason::Plain {
                note: String::new(),
            },
        },
        ..last.entry
    };
    let (_, bytes) = Signed::encode(entry, Some(&private_key(SECRET))).unwrap();
    let mut changed = objects;
    changed.insert(entry_key(7), bytes);
    assert!(matches!(
        problems(&changed)[..],
        [Flaw::Contradiction { .. }]
    ));
    assert_refused(&changed, "a retired version promoted");
}

#[test]
fn an_entry_of_a_newer_version_is_said_to_be_one() {
    let (_bench, mut objects) = history();
    let newer = br#"{"format":2,"entry":{"number":7},"more":1}"#;
    objects.insert(entry_key(7), newer.to_vec());
    assert_eq!(problems(&objects), [Flaw::Newer { format: 2 }]);
    assert_refused(&objects, "a newer entry");
}

#[test]
fn the_same_history_has_the_same_bytes() {
    let made = || {
        let mut bench = Bench::with(signed(SECRET).with_clock(|| jiff::Timestamp::UNIX_EPOCH));
        bench.add("a", None);
        bench.promote(1).unwrap();
        bench.store.objects().clone()
    };
    assert_eq!(made(), made());
}

#[test]
fn a_key_whose_signatures_would_not_be_accepted_is_refused() {
    let mismatched = Access::new("ci")
        .signing(Arc::new(private_key(SECRET)))
        .verifying(trusted(FORGED));
    let refused = Registry::open(Arc::new(Memory::default()), mismatched);
    assert!(matches!(refused, Err(RegistryError::Untrusted { .. })));
}

#[test]
fn a_key_may_be_brought_in_later() {
    let (bench, _) = history_with(Access::new("me"));
    // The first signed head covers what was unsigned.
    let access = Access::new("me").signing(Arc::new(private_key(SECRET)));
    let mut signing = Registry::open(bench.store.clone(), access).unwrap();
    signing.promote("nlp", "challenger", 1, &always()).unwrap();
    assert_eq!(problems(&bench.store.objects()), []);
    Registry::open(bench.store.clone(), signed(SECRET)).unwrap();
}
