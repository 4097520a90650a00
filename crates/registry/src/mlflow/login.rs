//! Credentials as they are sent, and the authorities of the server's certificate.

use std::path::Path;

use base64ct::{Base64, Encoding};
use ureq::http::HeaderValue;
use ureq::tls::{PemItem, RootCerts, parse_pem};

use super::settings::{Credentials, SettingsError};

/// Reads a PEM file.
pub(super) fn certificates(path: &Path) -> Result<RootCerts, SettingsError> {
    let refuse = |reason: String| SettingsError::Certificate {
        path: path.to_owned(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(refuse("it is not PEM".to_owned())),
        }
    }
    match found.is_empty() {
        true => Err(refuse("it has no certificate".to_owned())),
        false => Ok(RootCerts::from(found)),
    }
}

/// The header `Authorization`.
pub(super) fn authorization(credentials: &Credentials) -> Result<HeaderValue, SettingsError> {
    let text = match credentials {
        Credentials::Basic { user, password } => {
            format!("Basic {}", basic(user, password))
        }
        Credentials::Bearer { token } => format!("Bearer {token}"),
    };
    let name = "MLFLOW_TRACKING_TOKEN";
    let value = HeaderValue::from_str(&text);
    let mut value = value.map_err(|_| SettingsError::Characters { name })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Texts that no message may repeat.
pub(super) fn secrets(credentials: &Credentials) -> Vec<String> {
    let mut secrets = match credentials {
        Credentials::Basic { user, password } => {
            vec![basic(user, password), password.clone()]
        }
        Credentials::Bearer { token } => vec![token.clone()],
    };
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// RFC 7617.
fn basic(user: &str, password: &str) -> String {
    Base64::encode_string(format!("{user}:{password}").as_bytes())
}
