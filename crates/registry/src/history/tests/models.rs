//! Tests of the files of models: what is returned was checked, and what was erased is gone.

use super::super::*;
use super::{Bench, SECRET, refusal, trusted};
use crate::store::{Flaw, Key, Store};

#[test]
fn the_bytes_that_are_returned_are_those_that_were_checked() {
    let mut bench = Bench::new();
    bench.add("model", None);
    bench.add("model", None);
    assert_eq!(bench.store.list("models/").unwrap().len(), 1);
    let version = bench.registry.resolve("nlp@1").unwrap().clone();
    assert_eq!(bench.registry.model(&version).unwrap(), b"model");
    let key = Key::new(format!("models/{}", version.sha256)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    for damaged in [&b"mode1"[..], b"mode", b"model ", b""] {
        bench.store.replace(&key, damaged).unwrap();
        let error = bench.registry.model(&version).unwrap_err();
        assert!(
            error.to_string().contains("does not match its digest"),
            "{error}"
        );
        assert!(bench.registry.save(&version, &copy).is_err());
        assert!(!copy.exists());
        let report = check(&*bench.store, Some(&trusted(SECRET)), None, false).unwrap();
        assert_eq!(report.problems.len(), 1);
        assert_eq!(report.problems[0].flaw, Flaw::Digest);
    }
    // Adding the same content again heals the file.
    bench.add("model", None);
    bench.registry.save(&version, &copy).unwrap();
    assert_eq!(std::fs::read(&copy).unwrap(), b"model");
    bench.store.remove(&key).unwrap();
    assert!(bench.registry.model(&version).is_err());
    let report = check(&*bench.store, None, None, false).unwrap();
    assert!(matches!(report.problems[0].flaw, Flaw::Missing { .. }));
}

#[test]
fn an_erased_file_is_gone_and_no_problem() {
    let mut bench = Bench::new();
    bench.add("model", None);
    bench.add("model", None);
    bench.add("other", None);
    bench.registry.erase("nlp", 1, "asked to").unwrap();
    let second = bench.registry.resolve("nlp@2").unwrap();
    assert_eq!(bench.registry.model(second).unwrap(), b"model");
    let sha256 = second.sha256.clone();
    bench.registry.erase("nlp", 2, "asked to").unwrap();
    assert_eq!(bench.store.list("models/").unwrap().len(), 1);
    let first = bench.registry.resolve("nlp@1").unwrap();
    let error = bench.registry.model(first).unwrap_err().to_string();
    assert!(error.contains("was erased (asked to)"), "{error}");
    assert!(
        check(&*bench.store, None, None, false)
            .unwrap()
            .problems
            .is_empty()
    );
    // Its writer died before it removed the file.
    let key = Key::new(format!("models/{sha256}")).unwrap();
    bench.store.create(&key, b"model").unwrap();
    let found = check(&*bench.store, None, None, false).unwrap();
    assert!(!found.is_clean() && found.problems[0].flaw == Flaw::NotErased);
    assert!(
        check(&*bench.store, None, None, true)
            .unwrap()
            .problems
            .is_empty()
    );
    bench.promote(3).unwrap();
    let erase = refusal(bench.registry.erase("nlp", 3, ""));
    assert!(matches!(erase, Refusal::InUse { .. }));
}
