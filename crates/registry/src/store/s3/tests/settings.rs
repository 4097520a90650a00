//! Addresses and the environment.

use std::collections::HashMap;

use super::{Settings, SettingsError};

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret/key"),
];

fn read(address: &str, more: &[(&'static str, &str)]) -> Result<Settings, SettingsError> {
    let variables: HashMap<&str, &str> = KEYS.iter().chain(more).copied().collect();
    Settings::read(address, |name| {
        variables.get(name).map(|&value| value.to_owned())
    })
}

fn base(address: &str, more: &[(&'static str, &str)]) -> String {
    let settings = read(address, more).unwrap();
    settings.bucket.base_url().to_string()
}

#[test]
fn the_server_follows_region_and_endpoint() {
    let aws = |more: &[(&'static str, &str)]| base("s3://my-bucket/a", more);
    assert_eq!(aws(&[]), "https://my-bucket.s3.us-east-1.amazonaws.com/");
    let region = ("AWS_DEFAULT_REGION", "eu-west-1");
    assert_eq!(
        aws(&[region]),
        "https://my-bucket.s3.eu-west-1.amazonaws.com/"
    );
    let other = ("AWS_REGION", "cn-north-1");
    assert_eq!(
        aws(&[region, other]),
        "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/"
    );
    let dotted = base("s3://my.bucket", &[]);
    assert_eq!(dotted, "https://s3.us-east-1.amazonaws.com/my.bucket/");
    let any = ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000");
    assert_eq!(aws(&[any]), "http://127.0.0.1:9000/my-bucket/");
    let for_s3 = ("AWS_ENDPOINT_URL_S3", "https://minio.example/s3/");
    assert_eq!(aws(&[any, for_s3]), "https://minio.example/s3/my-bucket/");
    assert_eq!(aws(&[any, ("AWS_ENDPOINT_URL_S3", "")]), aws(&[any]));
}

#[test]
fn prefixes_end_at_a_slash() {
    for (address, root, place) in [
        ("s3://bucket", "", "s3://bucket"),
        ("s3://bucket/", "", "s3://bucket"),
        ("s3://bucket/a", "a/", "s3://bucket/a"),
        (
            "s3://bucket/Team=1/b.c_d/",
            "Team=1/b.c_d/",
            "s3://bucket/Team=1/b.c_d",
        ),
    ] {
        let settings = read(address, &[]).unwrap();
        assert_eq!(
            (settings.root.as_str(), settings.place.as_str()),
            (root, place)
        );
    }
}

#[test]
fn what_cannot_be_used_is_refused_and_not_repeated() {
    for address in [
        "bucket",
        "https://bucket/a",
        "s3:///a",
        "s3://ab/a",
        "s3://Bucket",
        "s3://a_b_c",
        "s3://bucket/a//b",
        "s3://bucket/a/../b",
        "s3://bucket/.",
        "s3://bucket/a b",
        "s3://bucket/é",
        "s3://bucket/a?x",
        "s3://-bucket",
        "s3://AKIAEXAMPLE:hidden@bucket/a",
    ] {
        let error = read(address, &[]).unwrap_err();
        assert!(matches!(error, SettingsError::Address { .. }), "{address}");
        assert!(!error.to_string().contains("hidden"));
    }
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "hidden"),
        ("AWS_ENDPOINT_URL", "ftp://hidden"),
        ("AWS_ENDPOINT_URL", "http://ann:hidden@h"),
        ("AWS_ENDPOINT_URL_S3", "http://h/?hidden"),
        ("AWS_REGION", "hidden.example/"),
        ("AWS_SECRET_ACCESS_KEY", "hidden\n"),
        ("AWS_SESSION_TOKEN", "hidden hidden"),
        ("AWS_CA_BUNDLE", "/none/of/this"),
    ] {
        let error = read("s3://bucket", &[(name, value)])
            .unwrap_err()
            .to_string();
        assert!(error.contains(name) && !error.contains("hidden"), "{error}");
    }
    for (name, _) in KEYS {
        let error = read("s3://bucket", &[(name, "")]).unwrap_err();
        assert!(matches!(error, SettingsError::NotSet { name: there } if there == name));
    }
}

#[test]
fn debug_shows_no_credentials() {
    let settings = read("s3://bucket/a", &[("AWS_SESSION_TOKEN", "session-token")]).unwrap();
    let store = super::S3::new(&settings);
    let shown = format!("{settings:?} {store:?}");
    assert!(shown.contains("s3://bucket/a"));
    for secret in ["AKIAEXAMPLE", "secret/key", "session-token"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
