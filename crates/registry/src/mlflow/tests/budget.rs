//! [`Spool::sync_within`]: a slow server costs no more than the time that was given.

use super::*;

#[test]
fn without_time_no_server_is_asked() {
    let mlflow = Mlflow::start(Fake::default());
    let (_folder, spool) = spool_with(&["run-1", "run-2"]);
    let report = spool.sync_within(&mlflow.server(), Duration::ZERO).unwrap();
    assert_eq!(report.waiting, ["run-1", "run-2"]);
    assert!(report.failed.is_empty() && !report.is_complete());
    assert_eq!(mlflow.requests().len(), 0);
    let report = spool.sync_within(&mlflow.server(), Duration::from_secs(3600));
    assert!(report.unwrap().is_complete());
}

#[test]
fn a_server_that_says_nothing_is_left_when_the_time_is_over() {
    // Silent from the request on by which the run is half there.
    let mlflow = Mlflow::with(Arc::default(), |number, fake, request| match number {
        6 => Reply::Silent,
        _ => fake.reply(request),
    });
    let (_folder, spool) = spool_with(&["run-1"]);
    let most = Duration::from_millis(500);
    let report = spool.sync_within(&mlflow.server(), most).unwrap();
    assert_eq!(report.waiting, ["run-1"]);
    assert!(report.failed.is_empty(), "{report:?}");
    assert!(spool.sync(&mlflow.server()).unwrap().is_complete());
    assert_there_once(&mlflow.state(), "run-1");
}
