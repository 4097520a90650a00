//! The spool itself: its lock, and folders that cannot be read or written.

use std::fs;
use std::sync::mpsc;

use ::files::lock::LockError;

use super::*;

#[test]
fn of_two_syncs_at_once_one_gives_up() {
    let (_folder, spool) = spool_with(&["run-1"]);
    let (asked, was_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let mlflow = Mlflow::with(Arc::default(), move |number, fake, request| {
        if number == 0 {
            asked.send(()).unwrap();
            may_go_on.recv().unwrap();
        }
        fake.reply(request)
    });
    let server = mlflow.server();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| spool.sync(&server).unwrap());
        was_asked.recv().unwrap();
        let second = spool.sync(&server).unwrap_err();
        assert!(
            matches!(second, SpoolError::Lock(LockError::Held { .. })),
            "{second}"
        );
        go_on.send(()).unwrap();
        assert!(first.join().unwrap().is_complete());
    });
    assert_there_once(&mlflow.state(), "run-1");
}

#[test]
fn many_syncs_at_once_send_each_run_once() {
    let ids: Vec<String> = (0..6).map(|number| format!("run-{number}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (folder, spool) = spool_with(&[]);
    let mlflow = Mlflow::start(Fake::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // A spool and a server of its own, as another process has.
                let spool = Spool::new(folder.path().join("spool"));
                let server = mlflow.server();
                loop {
                    match spool.sync(&server) {
                        Ok(report) => assert!(report.is_complete(), "{report:?}"),
                        Err(SpoolError::Lock(LockError::Held { .. })) => {}
                        Err(error) => panic!("{error}"),
                    }
                    let runs = mlflow.state().live().len();
                    if runs == ids.len() && spool.waiting().unwrap().is_empty() {
                        break;
                    }
                    std::thread::yield_now();
                }
            });
        }
        for id in names {
            let mut run = record(id, folder.path());
            run.model = None;
            spool.put(run).unwrap();
        }
    });
    let state = mlflow.state();
    assert_eq!(state.runs.len(), ids.len(), "a run was made twice");
    assert!(state.live().iter().all(|run| run.status == "FINISHED"));
}

#[test]
fn a_record_that_cannot_be_removed_does_not_hide_what_was_sent() {
    // Regression: the report was lost.
    let (folder, spool) = spool_with(&["run-1", "run-2"]);
    let in_the_way = folder.path().join("spool/.sent-run-1");
    let of_server = in_the_way.clone();
    let mlflow = Mlflow::with(Arc::default(), move |number, fake, request| {
        if number == 0 {
            fs::write(&of_server, "").unwrap();
        }
        fake.reply(request)
    });
    let report = spool.sync(&mlflow.server()).unwrap();
    let sent: Vec<_> = report.sent.iter().map(|sent| sent.id.as_str()).collect();
    assert_eq!(sent, ["run-1", "run-2"]);
    let said = only_failure(&report);
    assert!(
        said.starts_with("the run was sent, but its record "),
        "{said}"
    );
    assert_eq!(spool.waiting().unwrap(), ["run-1"]);
    // Neither does one that was set aside earlier.
    let report = spool.sync(&mlflow.server()).unwrap();
    assert_eq!(report.sent.len(), 1);
    assert_eq!(report.failed.len(), 2);
    fs::remove_file(in_the_way).unwrap();
    assert!(spool.sync(&mlflow.server()).unwrap().is_complete());
    assert_eq!(mlflow.state().runs.len(), 2);
}

#[test]
fn what_was_set_aside_before_a_kill_is_removed() {
    let (folder, spool) = spool_with(&["run-1"]);
    let spool_folder = folder.path().join("spool");
    fs::rename(spool_folder.join("run-1"), spool_folder.join(".sent-run-1")).unwrap();
    let mlflow = Mlflow::start(Fake::default());
    let report = spool.sync(&mlflow.server()).unwrap();
    assert!(report.is_complete() && report.sent.is_empty());
    assert_eq!(fs::read_dir(spool_folder).unwrap().count(), 0);
}

#[test]
fn an_id_is_put_once() {
    let (folder, spool) = spool_with(&["run-1"]);
    let again = spool.put(record("run-1", folder.path())).unwrap_err();
    assert!(matches!(again, SpoolError::AlreadyThere { .. }), "{again}");
    assert_eq!(spool.waiting().unwrap(), ["run-1"]);
}

#[test]
fn a_record_whose_file_is_missing_is_not_put() {
    let (folder, spool) = spool_with(&[]);
    let mut run = record("run-1", folder.path());
    run.artifacts[1].file = folder.path().join("missing");
    let error = spool.put(run).unwrap_err();
    assert!(matches!(error, SpoolError::Artifact { .. }), "{error}");
    assert_eq!(spool.waiting().unwrap(), Vec::<String>::new());
}

#[test]
fn the_bytes_of_a_file_that_is_replaced_later_are_kept() {
    let (folder, spool) = spool_with(&["run-1"]);
    ::files::atomic::write(&folder.path().join("run-1-0"), |out| out.write_all(b"new")).unwrap();
    fs::remove_file(folder.path().join("run-1-1")).unwrap();
    let mlflow = Mlflow::start(Fake::default());
    let report = spool.sync(&mlflow.server()).unwrap();
    assert_eq!(report.sent[0].notes, Vec::<String>::new());
    assert_there_once(&mlflow.state(), "run-1");
}

#[test]
fn a_record_that_cannot_be_read_is_told_and_the_others_are_sent() {
    let broken: [(&str, &str); 5] = [
        ("", "EOF"),
        ("{}", "missing field `format`"),
        (
            r#"{"format": 2, "record": {"new": 1}}"#,
            "it has format 2, not 1",
        ),
        (r#"{"format": 1, "record": {}}"#, "missing field `id`"),
        ("[1]", "invalid"),
    ];
    for (text, expected) in broken {
        let (folder, spool) = spool_with(&["run-1", "run-2"]);
        fs::write(folder.path().join("spool/run-1/record.json"), text).unwrap();
        let mlflow = Mlflow::start(Fake::default());
        let report = spool.sync(&mlflow.server()).unwrap();
        let said = only_failure(&report);
        assert!(said.contains(expected), "{text}: {said}");
        assert_eq!(report.sent[0].id, "run-2");
        assert_eq!(spool.waiting().unwrap(), ["run-1"]);
    }
}

#[test]
fn a_record_names_no_files_outside_its_folder() {
    for file in ["../../secret", "/etc/hostname", "record.json", ""] {
        let (folder, spool) = spool_with(&["run-1"]);
        let path = folder.path().join("spool/run-1/record.json");
        let text = fs::read_to_string(&path).unwrap();
        let changed = text.replacen(r#""file":"0""#, &format!(r#""file":"{file}""#), 1);
        assert_ne!(text, changed);
        fs::write(&path, changed).unwrap();
        let mlflow = Mlflow::start(Fake::default());
        let said = only_failure(&spool.sync(&mlflow.server()).unwrap());
        assert!(said.contains("it names files outside its folder"), "{said}");
        assert_eq!(mlflow.requests().len(), 0);
    }
}

#[test]
fn names_that_mlflow_refuses_are_refused_here() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().join("spool"));
    type Change = fn(&mut Mirrored);
    let changes: [(Change, &str); 14] = [
        (|run| run.id = "a/b".to_owned(), "the run id `a/b`"),
        (|run| run.id = String::new(), "the run id ``"),
        (|run| run.experiment = " ".to_owned(), "the experiment ` `"),
        (|run| run.run_name = "a\nb".to_owned(), "the run name `a b`"),
        (
            |run| _ = run.params.insert("a?".into(), "1".into()),
            "the param `a?`",
        ),
        (
            |run| _ = run.params.insert("a//b".into(), "1".into()),
            "the param `a//b`",
        ),
        (
            |run| run.metrics[0].key = "../a".into(),
            "the metric `../a`",
        ),
        (
            |run| run.metrics[0].key = "k".repeat(251),
            "the metric `kkk",
        ),
        (
            |run| _ = run.tags.insert(RUN_TAG.into(), "x".into()),
            "the tag `easylife.run`",
        ),
        (
            |run| run.artifacts[0].path = "../a".into(),
            "the artifact `../a`",
        ),
        (
            |run| run.artifacts[0].path = "empty.txt".into(),
            "the artifact `empty.txt` is given",
        ),
        (
            |run| run.model.as_mut().unwrap().name = "a/b".into(),
            "the registered model `a/b`",
        ),
        (
            |run| run.model.as_mut().unwrap().path = "mod".into(),
            "the model's path `mod`",
        ),
        (
            |run| run.model.as_mut().unwrap().aliases = vec!["v1".into()],
            "the alias `v1`",
        ),
    ];
    for (change, expected) in changes {
        let mut run = record("run-1", folder.path());
        change(&mut run);
        let error = spool.put(run).unwrap_err();
        let SpoolError::Record(error) = error else {
            panic!("{error}");
        };
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert_eq!(spool.waiting().unwrap(), Vec::<String>::new());
}
