//! Runs, registry and backups over a bucket, as over a folder.

use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::backup::{self, Backup};
use crate::history::{self, Access, Condition, Registry};
use crate::lineage::Lineage;
use crate::runs::{Run, Runs};
use crate::store::Folder;

/// Records a run, adds a model and promotes it.
fn fill(store: &Arc<dyn Store>) {
    let run = Run::new("train", "nlp", "0.1.0", Timestamp::UNIX_EPOCH).unwrap();
    Runs::new(store.clone()).append(&run).unwrap();
    let mut registry = Registry::open(store.clone(), Access::new("ci")).unwrap();
    let content = Content::of_bytes(b"model");
    registry
        .add("nlp", &content, Lineage::default(), Vec::new())
        .unwrap();
    let note = String::new();
    registry
        .promote("nlp", "champion", 1, &Condition::Always { note })
        .unwrap();
}

/// Asserts that a store holds what [`fill`] puts.
fn assert_filled(store: Arc<dyn Store>) {
    let report = history::check(&*store, None, None, true).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!((report.entries, report.versions), (2, 1));
    let runs = Runs::new(store.clone()).check(true).unwrap();
    assert_eq!((runs.runs, runs.problems), (1, Vec::new()));
    let registry = Registry::open(store, Access::new("reader")).unwrap();
    assert_eq!(registry.resolve("nlp@champion").unwrap().number, 1);
}

#[test]
fn a_registry_in_a_bucket_is_backed_up_into_another_and_restored_into_a_folder() {
    let (_server, store) = store();
    let live: Arc<dyn Store> = Arc::new(store);
    fill(&live);
    assert_filled(live.clone());
    let there = Server::start(|_, _| Reply::Serve);
    let (target, _) = settings(&there);
    let made = backup::write(&*live, &S3::create_as(&target, Kind::Backup).unwrap());
    assert_eq!(made.unwrap().entries, 2);
    let opened = Arc::new(S3::open_as(&target, Kind::Backup).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::create(&dir.path().join("store")).unwrap();
    Backup::open(opened.clone())
        .unwrap()
        .restore(&folder)
        .unwrap();
    assert_filled(Arc::new(folder));
    // And into another bucket; a damaged object of the backup is found before anything is written.
    let elsewhere = Server::start(|_, _| Reply::Serve);
    let restored = S3::create_with(&settings(&elsewhere).0).unwrap();
    let backup = Backup::open(opened).unwrap();
    let digest = files::digest::bytes(b"model");
    let name = format!("/bucket/team/objects/{digest}");
    let whole = there.state().objects[&name].clone();
    there.state().objects.get_mut(&name).unwrap().0 = b"mod3l".to_vec();
    let damaged = backup.restore(&restored).unwrap_err();
    assert!(
        matches!(damaged, backup::BackupError::Damaged { .. }),
        "{damaged}"
    );
    assert_eq!(restored.list("").unwrap(), []);
    there.state().objects.insert(name, whole);
    backup.restore(&restored).unwrap();
    assert_filled(Arc::new(restored));
}
