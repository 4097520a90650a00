//! Servers that answer wrongly or not at all: a clear error each, and nothing lost.

use super::*;

/// Syncs one run with a server whose every answer is `reply`, checks that the run stays in the
/// spool and is sent by a good server later, and returns the error's message.
fn message_for(reply: impl Fn() -> Reply + Send + 'static, variables: Variables) -> String {
    let (folder, spool) = spool_with(&["run-1"]);
    let mut other = record("run-2", folder.path());
    other.model = None;
    spool.put(other).unwrap();
    let mut asked = 0;
    let bad = Loopback::start(move |_| {
        asked += 1;
        assert!(asked <= 3, "a server that fails is asked again and again");
        reply()
    });
    let report = spool.sync(&server(&bad.uri(), variables)).unwrap();
    assert_eq!(report.sent, []);
    assert_eq!(report.failed.len() + report.waiting.len(), 2);
    assert_eq!(spool.waiting().unwrap(), ["run-1", "run-2"]);
    let good = Mlflow::start(Fake::default());
    let later = spool.sync(&good.server()).unwrap();
    assert!(later.is_complete(), "{later:?}");
    assert_there_once(&good.state(), "run-1");
    report.failed[0].error.to_string()
}

type Variables = &'static [(&'static str, &'static str)];

fn json(status: u16, text: &'static str) -> impl Fn() -> Reply {
    move || Reply::Json(status, text.to_owned())
}

fn raw(text: &'static str) -> impl Fn() -> Reply {
    move || Reply::Raw(text.as_bytes().to_vec())
}

#[test]
fn status_500() {
    let said = message_for(
        json(500, r#"{"error_code": "X", "message": "no disk"}"#),
        &[],
    );
    assert!(said.contains("with status 500: no disk"), "{said}");
    let said = message_for(json(500, "<html>Internal Server Error"), &[]);
    assert!(said.contains("with status 500 and an HTML page"), "{said}");
    let said = message_for(json(502, ""), &[]);
    assert!(
        said.contains("with status 502 and an empty answer"),
        "{said}"
    );
}

#[test]
fn status_429_is_told_and_not_waited_for() {
    let said = message_for(
        raw("HTTP/1.1 429 X\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"),
        &[],
    );
    let expected = "with status 429 and an empty answer; it asks to wait 3600 s";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn refused_credentials() {
    let said = message_for(json(401, ""), &[]);
    assert!(said.contains("check MLFLOW_TRACKING_USERNAME"), "{said}");
}

#[test]
fn a_web_page_in_the_place_of_mlflow() {
    for status in [200, 404] {
        let said = message_for(json(status, "\n<!doctype html><h1>Welcome</h1>"), &[]);
        assert!(
            said.contains("and an HTML page; check MLFLOW_TRACKING_URI"),
            "{said}"
        );
    }
}

#[test]
fn an_empty_answer_is_none() {
    let said = message_for(json(200, ""), &[]);
    assert!(said.contains("status 200 and an empty answer"), "{said}");
}

#[test]
fn json_of_another_form() {
    for text in [
        "[]",
        "{}",
        "null",
        r#"{"experiment": 1}"#,
        r#"{"experiment": {"experiment_id": 1, "lifecycle_stage": "active"}}"#,
        r#"{"experiment": {"experiment_id": "1", "lifecycle_stage": null}}"#,
    ] {
        let said = message_for(json(200, text), &[]);
        assert!(
            said.contains("does not answer as an MLflow server"),
            "{text}: {said}"
        );
    }
}

#[test]
fn a_body_that_ends_too_early() {
    let said = message_for(
        raw("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{\"experi"),
        &[],
    );
    assert!(
        said.contains("broke off its answer to experiments/get-by-name"),
        "{said}"
    );
    let said = message_for(
        raw("HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{\"experi"),
        &[],
    );
    assert!(said.contains("its JSON is cut off"), "{said}");
    let said = message_for(raw("HTTP/1.1 200"), &[]);
    assert!(said.contains("broke off"), "{said}");
    let said = message_for(|| Reply::Close, &[]);
    assert!(said.contains("broke off"), "{said}");
}

#[test]
fn bytes_that_are_no_http() {
    let said = message_for(raw("SSH-2.0-OpenSSH_9.2\r\n"), &[]);
    assert!(said.contains("broke off"), "{said}");
}

#[test]
fn silence_is_waited_for_as_long_as_the_environment_says() {
    let said = message_for(|| Reply::Silent, &[("MLFLOW_HTTP_REQUEST_TIMEOUT", "0.05")]);
    let expected = "gave no answer to experiments/get-by-name within 0.05 s";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn nobody_listens() {
    // A port that was free a moment ago.
    let gone = Loopback::start(|_| Reply::Close);
    let uri = gone.uri();
    drop(gone);
    let (_folder, spool) = spool_with(&["run-1", "run-2"]);
    let report = spool.sync(&server(&uri, &[])).unwrap();
    let said = only_failure(&report);
    assert!(
        said.contains("connection refused; is it running?"),
        "{said}"
    );
    assert_eq!(report.waiting, ["run-2"]);
}

#[test]
fn an_answer_without_an_end_is_not_read_to_it() {
    for length in [65 << 20, 1 << 60] {
        let said = message_for(move || Reply::Endless(length), &[]);
        assert!(said.contains("more than 64 MB"), "{said}");
    }
}

#[test]
fn a_file_without_an_end_is_not_read_to_it() {
    let (_folder, spool) = spool_with(&["run-1"]);
    let fake = Arc::new(Mutex::new(Fake::default()));
    let mlflow = Mlflow::with(fake, |_, fake, request| {
        match request.method == "GET" && request.path.ends_with("nlp.html") {
            true => Reply::Endless(1 << 60),
            false => fake.reply(request),
        }
    });
    let said = only_failure(&spool.sync(&mlflow.server()).unwrap());
    assert!(said.contains("does not give back 1 artifacts"), "{said}");
}

#[test]
fn an_answer_that_is_wrong_at_any_request_loses_and_doubles_nothing() {
    let answers: [fn() -> Reply; 5] = [
        || Reply::Json(500, String::new()),
        || Reply::Json(200, String::new()),
        || Reply::Json(200, "[]".to_owned()),
        || Reply::Json(200, "<html>".to_owned()),
        || Reply::Json(404, r#"{"error_code": "ENDPOINT_NOT_FOUND"}"#.to_owned()),
    ];
    for (kind, answer) in answers.into_iter().enumerate() {
        for wrong in 0.. {
            let (_folder, spool) = spool_with(&["run-1"]);
            let mlflow = Mlflow::with(Arc::default(), move |number, fake, request| {
                match number == wrong {
                    true => answer(),
                    false => fake.reply(request),
                }
            });
            let first = spool.sync(&mlflow.server()).unwrap();
            if mlflow.requests().len() <= wrong {
                assert!(first.is_complete() && wrong > 15, "{first:?}");
                break;
            }
            // An upload may be answered with nothing, and what a file is, is told by its bytes.
            let request = &mlflow.requests()[wrong];
            let is_file = request.path.contains("mlflow-artifacts/artifacts/");
            assert!(!first.is_complete() || is_file, "{kind} {wrong}: {first:?}");
            let again = spool.sync(&mlflow.server()).unwrap();
            assert!(again.is_complete(), "{kind} {wrong}: {again:?}");
            assert_there_once(&mlflow.state(), "run-1");
        }
    }
}

#[test]
fn one_run_that_the_server_cannot_take_does_not_hold_up_the_others() {
    let (folder, spool) = spool_with(&["run-1"]);
    let mut other = record("run-2", folder.path());
    (other.model, other.end_ms) = (None, 3_000);
    spool.put(other).unwrap();
    let mut of_the_model = record("run-3", folder.path());
    of_the_model.end_ms = 4_000;
    spool.put(of_the_model).unwrap();
    let mlflow = Mlflow::with(Arc::default(), |_, fake, request| {
        let first = String::from_utf8_lossy(&request.body).contains("run-1");
        match first && request.path.ends_with("runs/create") {
            true => Reply::Json(500, String::new()),
            false => fake.reply(request),
        }
    });
    let report = spool.sync(&mlflow.server()).unwrap();
    assert_eq!(report.sent[0].id, "run-2");
    assert_eq!(report.failed[0].id, "run-1");
    // It would get a lower version number than the run before it.
    assert_eq!(report.waiting, ["run-3"]);
}
