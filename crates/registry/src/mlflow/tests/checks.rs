//! What is read back is held against what was written.

use super::*;

fn send(mlflow: &Mlflow, change: impl FnOnce(&mut Mirrored)) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().join("spool"));
    let mut run = record("run-1", folder.path());
    change(&mut run);
    spool.put(run).unwrap();
    spool.sync(&mlflow.server()).unwrap()
}

#[test]
fn a_param_of_which_the_server_has_only_the_beginning_differs() {
    // Regression: any beginning of a value counted as the value.
    for there in ["1", "1.", "2", ""] {
        let mlflow = Mlflow::start(Fake::default());
        assert!(send(&mlflow, |_| ()).is_complete());
        let of_c = ("nlp.c".to_owned(), there.to_owned());
        mlflow.state().runs[0].params.extend([of_c]);
        let said = only_failure(&send(&mlflow, |_| ()));
        let expected = "another value of the param `nlp.c` of run `run-1`";
        assert!(said.contains(expected), "{there}: {said}");
    }
}

#[test]
fn a_value_that_an_old_server_cuts_to_its_limit_is_told() {
    let long = |run: &mut Mirrored| {
        run.params.insert("long".to_owned(), "é".repeat(700));
    };
    for limit in [250, 500] {
        let mlflow = Mlflow::start(Fake {
            param_limit: Some(limit),
            ..Fake::default()
        });
        let report = send(&mlflow, long);
        assert!(report.is_complete(), "{report:?}");
        let note = format!("the server cut the param `long` to {limit} characters");
        assert_eq!(report.sent[0].notes, [note]);
    }
    // No MLflow has this limit.
    let mlflow = Mlflow::start(Fake {
        param_limit: Some(300),
        ..Fake::default()
    });
    let said = only_failure(&send(&mlflow, long));
    assert!(said.contains("another value of the param `long`"), "{said}");
}

#[test]
fn what_the_server_loses_is_sent_again_or_told() {
    // It forgets a tag once, and metrics always.
    let mlflow = Mlflow::with(Arc::default(), |number, fake, request| {
        let reply = fake.reply(request);
        if request.path.ends_with("runs/create") {
            fake.runs[0].tags.remove("task");
        }
        if number > 3 {
            fake.runs[0].metrics.retain(|metric| metric["step"] != 2);
        }
        reply
    });
    let said = only_failure(&send(&mlflow, |_| ()));
    assert_eq!(
        said,
        "the MLflow server accepted `run-1` but does not give back 1 metrics"
    );
    assert_eq!(mlflow.state().runs[0].tags["task"], "nlp");
}

#[test]
fn a_server_that_does_not_find_its_runs_is_not_trusted_with_more() {
    let mlflow = Mlflow::with(Arc::default(), |_, fake, request| {
        match request.path.ends_with("runs/search") {
            true => Reply::Json(200, "{}".to_owned()),
            false => fake.reply(request),
        }
    });
    let said = only_failure(&send(&mlflow, |_| ()));
    assert!(
        said.contains("does not give back the run in a search"),
        "{said}"
    );
}

#[test]
fn artifacts_that_the_proxy_does_not_keep_are_left_out_and_told() {
    let mlflow = Mlflow::start(Fake {
        artifact_root: "s3://key:secret@bucket/1".to_owned(),
        ..Fake::default()
    });
    let report = send(&mlflow, |_| ());
    assert!(report.is_complete(), "{report:?}");
    let notes = &report.sent[0].notes;
    assert_eq!(notes.len(), 2);
    assert!(
        notes[0].starts_with("3 artifacts were not sent: the server keeps them at s3://bucket")
    );
    assert_eq!(
        notes[1],
        "no version of nlp was made: its file was not sent"
    );
    assert!(mlflow.state().files.is_empty() && mlflow.state().models.is_empty());
}

#[test]
fn a_file_that_was_changed_in_place_is_not_sent() {
    let mlflow = Mlflow::start(Fake::default());
    let (folder, spool) = spool_with(&["run-1"]);
    let page = folder.path().join("spool/run-1/0");
    std::fs::write(page, "<p>another</p>").unwrap();
    let report = spool.sync(&mlflow.server()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    let expected = "the artifact reports/nlp.html was not sent: its file was changed in place";
    assert!(report.sent[0].notes[0].starts_with(expected), "{report:?}");
    assert_eq!(mlflow.state().files.len(), 2);
}

#[test]
fn an_alias_that_was_moved_on_the_server_stays_there() {
    let mlflow = Mlflow::start(Fake::default());
    assert!(send(&mlflow, |_| ()).is_complete());
    let (folder, spool) = spool_with(&[]);
    let mut other = record("run-2", folder.path());
    other.model.as_mut().unwrap().aliases.clear();
    spool.put(other).unwrap();
    assert!(spool.sync(&mlflow.server()).unwrap().is_complete());
    let mut state = mlflow.state();
    let aliases = &mut state.models.get_mut("nlp").unwrap().aliases;
    aliases.insert("challenger".to_owned(), "2".to_owned());
    drop(state);
    // The first run once more, as after a kill just before it left the spool.
    assert!(send(&mlflow, |_| ()).is_complete());
    assert_eq!(mlflow.state().models["nlp"].aliases["challenger"], "2");
}

#[test]
fn many_params_metrics_and_special_numbers() {
    let mlflow = Mlflow::start(Fake {
        page: Some(900),
        ..Fake::default()
    });
    let report = send(&mlflow, |run| {
        let param = |n| (format!("p{n}"), "v".repeat(6000));
        run.params = (0..250).map(param).collect();
        run.metrics = (0..2500).map(|step| metric("m", 0.1, step)).collect();
        let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324];
        let special = special.into_iter().zip(0..);
        run.metrics
            .extend(special.map(|(value, step)| metric("special", value, step)));
        let twice = run.metrics[7].clone();
        run.metrics.push(twice);
    });
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(mlflow.state().runs[0].params.len(), 250);
    assert_eq!(mlflow.state().runs[0].metrics.len(), 2505);
    let batches = mlflow.requests();
    let batches = batches
        .iter()
        .filter(|request| request.path.ends_with("log-batch"));
    let longest = batches.map(|request| request.body.len()).max().unwrap();
    assert!(
        longest < 1_000_000,
        "MLflow refuses a batch of {longest} bytes"
    );
}

#[test]
fn a_dataset_that_is_given_twice_is_sent_once() {
    let mlflow = Mlflow::start(Fake::default());
    let (folder, spool) = spool_with(&[]);
    let mut run = record("run-1", folder.path());
    let mut other = run.datasets[0].clone();
    // The server has room for 36 characters of the digest.
    other.digest.replace_range(40..42, "00");
    run.datasets.push(other);
    let notes = spool.put(run).unwrap();
    assert_eq!(
        notes,
        ["left out the dataset `data/train.parquet`, which is given twice"]
    );
    assert!(spool.sync(&mlflow.server()).unwrap().is_complete());
    assert_there_once(&mlflow.state(), "run-1");
}

#[test]
fn bytes_that_the_server_changes_are_noticed() {
    // The first upload is kept with another byte; it is sent again.
    for always in [false, true] {
        let mut uploads = 0;
        let mlflow = Mlflow::with(Arc::default(), move |_, fake, request| {
            let mut request = request.clone();
            if request.method == "PUT" && !request.body.is_empty() {
                uploads += 1;
                if always || uploads == 1 {
                    request.body[0] ^= 1;
                }
            }
            fake.reply(&request)
        });
        let report = send(&mlflow, |_| ());
        if always {
            let said = only_failure(&report);
            assert!(said.ends_with("does not give back 2 artifacts"), "{said}");
        } else {
            assert!(report.is_complete(), "{report:?}");
            assert_there_once(&mlflow.state(), "run-1");
        }
    }
}

#[test]
fn what_is_too_long_is_cut_and_told() {
    let mlflow = Mlflow::start(Fake::default());
    let (folder, spool) = spool_with(&[]);
    let mut run = record("run-1", folder.path());
    run.params.insert("long".to_owned(), "é".repeat(6_001));
    run.tags.insert("long".to_owned(), "é".repeat(8_001));
    let notes = spool.put(run).unwrap();
    let expected = [
        "cut the param `long` from 6001 to 6000 characters",
        "cut the tag `long` from 8001 to 8000 characters",
    ];
    assert_eq!(notes, expected);
    assert!(spool.sync(&mlflow.server()).unwrap().is_complete());
    let state = mlflow.state();
    assert_eq!(state.runs[0].params["long"], "é".repeat(6_000));
    assert_eq!(state.runs[0].tags["long"], "é".repeat(8_000));
}
