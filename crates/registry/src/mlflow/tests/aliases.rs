//! Aliases that move after their run was sent.

use super::*;

fn change(id: &str, run: Option<&str>, at_ms: i64) -> AliasChange {
    AliasChange {
        id: id.to_owned(),
        model: "nlp".to_owned(),
        alias: "champion".to_owned(),
        run: run.map(str::to_owned),
        at_ms,
    }
}

fn champion(mlflow: &Mlflow) -> Option<String> {
    let state = mlflow.state();
    state.models["nlp"].aliases.get("champion").cloned()
}

#[test]
fn an_alias_follows_promotion_rollback_and_removal() {
    let mlflow = Mlflow::start(Fake::default());
    let (folder, spool) = spool_with(&["b"]);
    let mut later = record("a", folder.path());
    later.end_ms = 3_000;
    spool.put(later).unwrap();
    // Given in another order than that of their times, and in one sync with their runs.
    spool.put_alias(&change("c2", Some("a"), 4_000)).unwrap();
    spool.put_alias(&change("c1", Some("b"), 2_500)).unwrap();
    let report = spool.sync(&mlflow.server()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    let moved: Vec<_> = report
        .moved
        .iter()
        .map(|moved| (moved.id.as_str(), moved.version.as_deref()))
        .collect();
    assert_eq!(moved, [("c1", Some("1")), ("c2", Some("2"))]);
    assert_eq!(champion(&mlflow).as_deref(), Some("2"));
    for (id, run, expected) in [
        ("c3", Some("b"), Some("1")),
        ("c4", Some("b"), Some("1")),
        ("c5", None, None),
        ("c6", None, None),
    ] {
        spool.put_alias(&change(id, run, 5_000)).unwrap();
        let report = spool.sync(&mlflow.server()).unwrap();
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(champion(&mlflow).as_deref(), expected, "{id}");
    }
}

#[test]
fn an_alias_of_a_version_that_the_server_does_not_have_is_told() {
    let mlflow = Mlflow::start(Fake::default());
    let (_folder, spool) = spool_with(&["run-1"]);
    spool
        .put_alias(&change("c1", Some("run-1"), 3_000))
        .unwrap();
    spool
        .put_alias(&change("c2", Some("elsewhere"), 4_000))
        .unwrap();
    let report = spool.sync(&mlflow.server()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    let expected = "the alias champion of nlp was not moved: the server has no version that run \
                    elsewhere made";
    assert_eq!(report.moved[1].notes, [expected]);
    assert_eq!(champion(&mlflow).as_deref(), Some("1"));
}

#[test]
fn an_alias_waits_for_the_run_that_makes_its_version() {
    let mlflow = Mlflow::with(Arc::default(), |number, fake, request| match number {
        3 => Reply::Json(500, String::new()),
        _ => fake.reply(request),
    });
    let (_folder, spool) = spool_with(&["run-1"]);
    spool
        .put_alias(&change("c1", Some("run-1"), 3_000))
        .unwrap();
    let report = spool.sync(&mlflow.server()).unwrap();
    assert_eq!(report.failed[0].id, "run-1");
    assert_eq!(report.waiting, ["c1"]);
    assert!(spool.sync(&mlflow.server()).unwrap().is_complete());
    assert_eq!(champion(&mlflow).as_deref(), Some("1"));
}

#[test]
fn the_connection_dies_at_every_request() {
    for run in [Some("run-1"), None] {
        for applied in [false, true] {
            for deadly in 0.. {
                let mlflow = Mlflow::start(Fake::default());
                let (_folder, spool) = spool_with(&["run-1"]);
                let before = change("c0", run.xor(Some("run-1")), 3_000);
                spool.put_alias(&before).unwrap();
                assert!(spool.sync(&mlflow.server()).unwrap().is_complete());
                spool.put_alias(&change("c1", run, 4_000)).unwrap();
                let fake = Arc::clone(&mlflow.fake);
                let dying = Mlflow::with(fake, move |number, fake, request| {
                    if number != deadly {
                        return fake.reply(request);
                    }
                    if applied {
                        fake.reply(request);
                    }
                    Reply::Close
                });
                let first = spool.sync(&dying.server()).unwrap();
                if dying.requests().len() <= deadly {
                    assert!(first.is_complete() && deadly >= 3);
                    break;
                }
                assert!(only_failure(&first).contains("broke off"));
                assert!(spool.sync(&dying.server()).unwrap().is_complete());
                assert_eq!(champion(&mlflow).as_deref(), run.map(|_| "1"));
            }
        }
    }
}

#[test]
fn a_server_that_does_not_keep_the_alias_is_told() {
    let mlflow = Mlflow::with(Arc::default(), |_, fake, request| {
        let reply = fake.reply(request);
        if let Some(model) = fake.models.get_mut("nlp") {
            model.aliases.remove("champion");
        }
        reply
    });
    let (_folder, spool) = spool_with(&["run-1"]);
    spool
        .put_alias(&change("c1", Some("run-1"), 3_000))
        .unwrap();
    let said = only_failure(&spool.sync(&mlflow.server()).unwrap());
    let expected = "accepted `c1` but does not give back the alias champion of nlp as it was set";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn names_that_mlflow_refuses_are_refused_here() {
    let (_folder, spool) = spool_with(&["run-1"]);
    let bad = |edit: fn(&mut AliasChange)| {
        let mut bad = change("c1", Some("run-1"), 0);
        edit(&mut bad);
        spool.put_alias(&bad).unwrap_err()
    };
    for error in [
        bad(|change| change.id = "../c".to_owned()),
        bad(|change| change.model = "a/b".to_owned()),
        bad(|change| change.alias = "latest".to_owned()),
        bad(|change| change.run = Some("' OR '".to_owned())),
    ] {
        assert!(matches!(error, SpoolError::Record(_)), "{error}");
    }
    let error = bad(|change| change.id = "run-1".to_owned());
    assert!(matches!(error, SpoolError::AlreadyThere { .. }), "{error}");
}
