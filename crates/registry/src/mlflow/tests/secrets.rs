//! Credentials go to one server only, and into no file or message.

use std::path::Path;

use super::*;

const WITH_PASSWORD: [(&str, &str); 2] = [
    ("MLFLOW_TRACKING_USERNAME", "ann"),
    ("MLFLOW_TRACKING_PASSWORD", "s3cr3t"),
];
const WITH_TOKEN: [(&str, &str); 1] = [("MLFLOW_TRACKING_TOKEN", "t0k3n")];

fn redirect(status: u16, to: &str) -> Reply {
    let head = format!(
        "HTTP/1.1 {status} X\r\nLocation: {to}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    Reply::Raw(head.into_bytes())
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let other = Mlflow::start(Fake::default());
    let port = other.loopback.port();
    let places = [
        format!("http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get-by-name"),
        format!("//127.0.0.1:{port}/api"),
        format!("http://localhost:{port}/api"),
        format!("http://user:password@127.0.0.1:{port}/"),
    ];
    for variables in [&WITH_PASSWORD[..], &WITH_TOKEN[..]] {
        for to in &places {
            for status in [301, 302, 303, 307, 308] {
                let (_folder, spool) = spool_with(&["run-1"]);
                let to = to.clone();
                let here = Loopback::start(move |_| redirect(status, &to));
                let said = only_failure(&spool.sync(&server(&here.uri(), variables)).unwrap());
                assert!(said.contains("it is not followed"), "{said}");
                assert!(!said.contains("password"), "{said}");
                assert_eq!(spool.waiting().unwrap(), ["run-1"]);
            }
        }
    }
    assert_eq!(other.requests().len(), 0, "the other host was asked");
}

#[test]
fn a_redirect_of_an_upload_is_not_followed_either() {
    let other = Mlflow::start(Fake::default());
    let to = format!("{}/upload", other.loopback.uri());
    let (_folder, spool) = spool_with(&["run-1"]);
    let here = Mlflow::with(Arc::default(), move |_, fake, request| {
        match request.method == "PUT" {
            true => redirect(307, &to),
            false => fake.reply(request),
        }
    });
    let with_password = server(&here.loopback.uri(), &WITH_PASSWORD);
    let said = only_failure(&spool.sync(&with_password).unwrap());
    assert!(said.contains("it is not followed"), "{said}");
    assert_eq!(other.requests().len(), 0, "the other host was asked");
}

#[test]
fn a_redirect_within_the_server_is_followed() {
    let (_folder, spool) = spool_with(&["run-1"]);
    let here = Mlflow::with(Arc::default(), |_, fake, request| {
        match request.path.strip_prefix("/base/moved/") {
            Some(path) => {
                let path = format!("/{path}");
                fake.reply(&Request {
                    path,
                    ..request.clone()
                })
            }
            None => {
                let query: Vec<String> = request
                    .query
                    .iter()
                    .map(|(name, value)| format!("{name}={}", address::encode(value)))
                    .collect();
                let path = address::encode_path(request.path.strip_prefix("/base/").unwrap());
                redirect(308, &format!("/base/moved/{path}?{}", query.join("&")))
            }
        }
    });
    let uri = format!("{}/base/", here.loopback.uri());
    let report = spool.sync(&server(&uri, &WITH_PASSWORD)).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_there_once(&here.state(), "run-1");
}

#[test]
fn redirects_in_a_loop_and_ones_that_would_lose_the_body() {
    for (status, expected) in [(307, "in a loop"), (302, "in a loop")] {
        let (_folder, spool) = spool_with(&["run-1"]);
        let here = Loopback::start(move |_| redirect(status, "/again"));
        let said = only_failure(&spool.sync(&server(&here.uri(), &[])).unwrap());
        assert!(said.contains(expected), "{said}");
    }
    let (_folder, spool) = spool_with(&["run-1"]);
    let here = Mlflow::with(Arc::default(), |_, fake, request| {
        match request.path.ends_with("runs/search") {
            true => redirect(302, "/again"),
            false => fake.reply(request),
        }
    });
    let said = only_failure(&spool.sync(&here.server()).unwrap());
    assert!(
        said.contains("which would turn the request into a GET"),
        "{said}"
    );
}

#[test]
fn credentials_are_sent_as_the_environment_has_them() {
    let of_request = |uri: &dyn Fn(u16) -> String, variables: &[(&'static str, &str)]| {
        let mlflow = Mlflow::start(Fake::default());
        let (_folder, spool) = spool_with(&["run-1"]);
        let uri = uri(mlflow.loopback.port());
        let report = spool.sync(&server(&uri, variables)).unwrap();
        assert!(report.is_complete(), "{report:?}");
        let requests = mlflow.requests();
        let mut sent: Vec<_> = requests
            .iter()
            .map(|request| request.headers.get("authorization").cloned())
            .collect();
        sent.dedup();
        assert_eq!(sent.len(), 1, "every request has the same");
        sent[0].clone()
    };
    let plain = |port| format!("http://127.0.0.1:{port}");
    assert_eq!(of_request(&plain, &[]), None);
    // `printf ann:s3cr3t | base64`
    let basic = Some("Basic YW5uOnMzY3IzdA==".to_owned());
    assert_eq!(of_request(&plain, &WITH_PASSWORD), basic);
    let bearer = Some("Bearer t0k3n".to_owned());
    assert_eq!(of_request(&plain, &WITH_TOKEN), bearer);
    let both = [&WITH_PASSWORD[..], &WITH_TOKEN[..]].concat();
    assert_eq!(of_request(&plain, &both), basic);
    let in_address = |port| format!("http://ann:s3cr%33t@127.0.0.1:{port}/");
    assert_eq!(of_request(&in_address, &[]), basic);
}

/// All bytes of the files below a folder, and their names.
fn everything_in(folder: &Path, all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.extend(path.to_str().unwrap().bytes());
        match path.is_dir() {
            true => everything_in(&path, all),
            false => all.extend(std::fs::read(&path).unwrap()),
        }
    }
}

#[test]
fn no_secret_is_in_the_spool_the_report_or_a_debug_output() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().join("spool"));
    let mut run = record("run-1", folder.path());
    let secret = "https://ann:s3cr3t@example.org/data?token=t0k3n&part=1";
    run.params.insert("source".to_owned(), secret.to_owned());
    run.tags.insert("source".to_owned(), secret.to_owned());
    run.datasets[0].name = secret.to_owned();
    run.source_name = format!("easylife train nlp --data {secret}");
    assert_eq!(spool.put(run).unwrap().len(), 4);
    // A server that repeats what it got.
    let echo = Loopback::start(|request| {
        let got = &request.headers["authorization"];
        let message = format!("you said {got}, that is ann:s3cr3t or t0k3n");
        let text = serde_json::json!({"error_code": "INVALID_PARAMETER_VALUE", "message": message});
        Reply::Json(400, text.to_string())
    });
    let gone = Loopback::start(|_| Reply::Close);
    for variables in [&WITH_PASSWORD[..], &WITH_TOKEN[..]] {
        for uri in [echo.uri(), gone.uri()] {
            let server = server(&uri, variables);
            let report = spool.sync(&server).unwrap();
            let said = format!("{} {report:?} {server:?}", only_failure(&report));
            let own = match variables.len() {
                1 => vec!["t0k3n"],
                _ => vec!["s3cr3t", "YW5uOnMzY3IzdA"],
            };
            for word in own {
                assert!(!said.contains(word), "{word} is in: {said}");
            }
        }
    }
    let mut all = Vec::new();
    everything_in(folder.path(), &mut all);
    let all = String::from_utf8_lossy(&all);
    for word in ["s3cr3t", "t0k3n"] {
        assert!(!all.contains(word), "{word} is in the spool");
    }
    assert!(all.contains("https://example.org/data?..."));
}

#[test]
fn an_address_with_a_password_is_not_repeated() {
    for uri in [
        "http://ann:s3cr3t@a b/",
        "http://ann:s3cr3t@host:port/",
        "http://ann:s3cr3t@/",
    ] {
        let error = Settings::read(|name| (name == "MLFLOW_TRACKING_URI").then(|| uri.to_owned()));
        let said = error.unwrap_err().to_string();
        assert!(
            said.starts_with("MLFLOW_TRACKING_URI is not an address: its "),
            "{said}"
        );
        assert!(!said.contains("s3cr3t"), "{said}");
    }
}
