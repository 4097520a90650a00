//! All of runs, registry and backups once, as the command line uses them.

use std::error::Error;
use std::sync::Arc;

use easylife_registry::backup::{self, Backup};
use easylife_registry::history::{
    self, Access, Condition, Direction, Head, Refusal, Registry, RegistryError, Target, Watch,
};
use easylife_registry::lineage::{Lineage, Metric};
use easylife_registry::runs::{Outcome, Run, Runs, Table};
use easylife_registry::signing::PrivateKey;
use easylife_registry::store::{Content, Folder, Store};
use jiff::Timestamp;

type Done = Result<(), Box<dyn Error>>;

fn accuracy(value: f64) -> Metric {
    Metric {
        name: "accuracy".to_owned(),
        value,
        low: None,
        high: None,
    }
}

/// `train` at a second, which records a run.
fn train(runs: &Runs, second: i64, c: f64, value: f64) -> Result<Run, Box<dyn Error>> {
    let mut run = Run::new("train", "nlp", "0.1.0", Timestamp::from_second(second)?)?;
    run.params.insert("nlp.c".to_owned(), c.into());
    run.metrics.push(accuracy(value));
    run.seconds = 1.5;
    runs.append(&run)?;
    Ok(run)
}

#[test]
fn runs_are_found_compared_and_exported() -> Done {
    let dir = tempfile::tempdir()?;
    let runs = Runs::new(Arc::new(Folder::create(&dir.path().join("store"))?));
    let first = train(&runs, 1, 1.0, 0.8)?;
    let second = train(&runs, 2, 2.0, 0.9)?;
    let mut failed = Run::new("train", "ts", "0.1.0", Timestamp::from_second(3)?)?;
    failed.outcome = Outcome::Failed {
        message: "no rows, \"at all\"".to_owned(),
    };
    runs.append(&failed)?;

    assert_eq!(runs.find("latest")?, failed);
    assert_eq!(runs.latest(Some("nlp"))?.as_ref(), Some(&second));
    assert_eq!(runs.find(&first.id)?, first);

    let (all, _) = runs.all()?;
    let table = Table::of(&all);
    let end = &table.columns[table.columns.len() - 2..];
    assert_eq!(end, ["param.nlp.c", "metric.accuracy"]);
    let ends: Vec<_> = table.rows.iter().map(|row| &row[row.len() - 2..]).collect();
    assert_eq!(ends, [["1.0", "0.8"], ["2.0", "0.9"], ["", ""]]);
    let report = runs.check(true)?;
    assert!(report.is_clean() && report.runs == 3);
    Ok(())
}

/// A registry with the key `key`, whose public part everybody trusts.
fn access(key: &Arc<PrivateKey>) -> Access {
    Access::new("ci")
        .signing(Arc::clone(key))
        .verifying([key.public_key().clone()])
}

#[test]
fn a_model_is_added_promoted_watched_rolled_back_and_backed_up() -> Done {
    let dir = tempfile::tempdir()?;
    let key = Arc::new(PrivateKey::generate()?);
    let store: Arc<dyn Store> = Arc::new(Folder::create(&dir.path().join("store"))?);
    let mut registry = Registry::open(store.clone(), access(&key))?;
    let target: Target = "nlp@champion".parse()?;

    // add, promote, and a better one
    let first = Content::of_bytes(b"first");
    registry.add("nlp", &first, Lineage::default(), vec![accuracy(0.8)])?;
    let better = Condition::IfBetter {
        metric: "accuracy".to_owned(),
        direction: Direction::Higher,
    };
    registry.promote(&target.name, &target.alias, 1, &better)?;
    let between = Timestamp::now();
    let lineage = Lineage {
        parent: Some(first.sha256.clone()),
        ..Lineage::default()
    };
    let file = dir.path().join("nlp.safetensors");
    std::fs::write(&file, "second")?;
    let content = Content::of_file(&file)?;
    registry.add("nlp", &content, lineage, vec![accuracy(0.9)])?;

    // a server that looks each second, with public keys only
    let reader = Access::new("server").verifying([key.public_key().clone()]);
    let mut watch = Watch::new(Registry::open(store.clone(), reader)?, target.to_string());
    assert_eq!(
        watch.poll()?.map(|(_, model)| model),
        Some(b"first".to_vec())
    );
    registry.promote("nlp", "champion", 2, &better)?;
    assert_eq!(
        watch.poll()?.map(|(_, model)| model),
        Some(b"second".to_vec())
    );
    assert_eq!(watch.poll()?, None);

    // log, show, lineage, and who was champion then
    let log: Vec<String> = (registry.log("nlp")?.iter())
        .map(|entry| entry.event.to_string())
        .collect();
    let last =
        "promoted version 2 to champion in place of version 1: accuracy is 0.9, higher than 0.8";
    assert_eq!(log.last().map(String::as_str), Some(last));
    let champion = registry.resolve("nlp@champion")?;
    let ancestors = registry.state().ancestors(champion);
    assert_eq!(ancestors, [registry.resolve("nlp@1")?]);
    let then = registry.at("nlp", "champion", between)?;
    assert_eq!(then.map(|(version, _)| version), Some(1));
    let worse = registry.promote("nlp", "champion", 1, &better);
    let Err(RegistryError::Refused(Refusal::NotBetter { .. })) = worse else {
        panic!("{worse:?}");
    };

    // rollback, retire
    registry.rollback("nlp", "champion", "slow")?;
    registry.retire("nlp", 2, "slow")?;
    assert_eq!(registry.resolve("nlp")?.number, 1);

    // check, with a head that was kept elsewhere
    let kept = registry.head().ok_or("there is a head")?.encode()?;
    let trusted = [key.public_key().clone()];
    let kept = Head::decode(&kept)?;
    let report = history::check(&*store, Some(&trusted), Some(&kept), false)?;
    assert!(report.is_clean() && report.entries == 6 && report.versions == 2);

    // backup, verify, restore
    let tar = dir.path().join("registry.tar");
    backup::write_tar_file(&*store, &tar)?;
    let backup = Backup::open_tar(&tar)?;
    let restored = Folder::create(&dir.path().join("restored"))?;
    backup.restore(&restored)?;
    let report = history::check(&restored, Some(&trusted), Some(&kept), false)?;
    assert!(report.is_clean() && report.entries == 6);
    Ok(())
}
