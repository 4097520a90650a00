//! What the environment may say.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::read(|name| {
        let mut variables = variables.iter();
        let found = variables.find(|(there, _)| *there == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// With an address, and these.
fn with(more: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    read(&[&[("MLFLOW_TRACKING_URI", "http://host:5000/")], more].concat())
}

#[test]
fn without_an_address_there_is_no_server() {
    for variables in [&[][..], &[("MLFLOW_TRACKING_URI", "")]] {
        assert!(matches!(read(variables), Err(SettingsError::NotSet)));
    }
}

#[test]
fn folders_and_databases_are_no_servers() {
    for (uri, expected) in [
        ("mlruns", "is a folder"),
        ("file:///mlruns", "is a `file:` address"),
        ("sqlite:///a.db", "is a `sqlite:` address"),
        (
            "postgresql://ann:s3cr3t@host/db",
            "is a `postgresql:` address",
        ),
        ("databricks", "is a folder"),
    ] {
        let said = read(&[("MLFLOW_TRACKING_URI", uri)])
            .unwrap_err()
            .to_string();
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("s3cr3t"), "{said}");
    }
}

#[test]
fn what_is_not_supported_is_refused() {
    for (name, value, expected) in [
        (
            "MLFLOW_TRACKING_USERNAME",
            "ann",
            "MLFLOW_TRACKING_PASSWORD is not",
        ),
        (
            "MLFLOW_TRACKING_PASSWORD",
            "s3cr3t",
            "MLFLOW_TRACKING_USERNAME is not",
        ),
        ("MLFLOW_TRACKING_TOKEN", "a\nb", "no header can hold"),
        ("MLFLOW_TRACKING_TOKEN", "é", "no header can hold"),
        (
            "MLFLOW_TRACKING_INSECURE_TLS",
            "true",
            "credentials would go to anyone",
        ),
        ("MLFLOW_TRACKING_AWS_SIGV4", "1", "is not supported"),
        ("MLFLOW_TRACKING_AUTH", "databricks", "is not supported"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon", "expected seconds"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "0", "expected seconds"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "NaN", "expected seconds"),
        (
            "MLFLOW_EXPERIMENT_NAME",
            " ",
            "MLFLOW_EXPERIMENT_NAME is empty",
        ),
    ] {
        let said = with(&[(name, value)]).unwrap_err().to_string();
        assert!(said.contains(name) && said.contains(expected), "{said}");
        assert!(!said.contains("s3cr3t"), "{said}");
    }
    for (name, value) in [
        ("MLFLOW_TRACKING_INSECURE_TLS", "false"),
        ("MLFLOW_TRACKING_AWS_SIGV4", "0"),
        ("MLFLOW_TRACKING_AUTH", ""),
    ] {
        with(&[(name, value)]).unwrap();
    }
}

#[test]
fn the_experiment_is_for_whoever_makes_the_record() {
    assert_eq!(with(&[]).unwrap().experiment(), None);
    let settings = with(&[("MLFLOW_EXPERIMENT_NAME", "mine")]).unwrap();
    assert_eq!(settings.experiment(), Some("mine"));
}

#[test]
fn certificates_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let refused = || {
        let path = path.to_str().unwrap();
        let settings = with(&[("MLFLOW_TRACKING_SERVER_CERT_PATH", path)]).unwrap();
        Server::new(settings).unwrap_err().to_string()
    };
    assert!(refused().contains("No such file"), "{}", refused());
    std::fs::write(&path, "no certificate").unwrap();
    assert!(refused().contains("it has no certificate"), "{}", refused());
}

#[test]
fn debug_output_has_no_credentials() {
    let uri = "https://ann:s3cr3t@host/base";
    let settings = read(&[("MLFLOW_TRACKING_URI", uri)]).unwrap();
    let server = Server::new(settings.clone()).unwrap();
    assert_eq!(server.origin(), "https://host");
    for said in [format!("{settings:?}"), format!("{server:?}")] {
        assert!(
            said.contains("https://host") && !said.contains("s3cr3t"),
            "{said}"
        );
    }
}
