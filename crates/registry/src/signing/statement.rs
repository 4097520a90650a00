//! The in-toto statement about a model: which files it has and their digests.
//!
//! Sources: the in-toto attestation framework, Statement 1, and `_signing/signing.py`, `manifest.py`
//! of model-signing 1.1.1. Readers of version 1.0 ignore fields that they do not know.
//!
//! The digest of the subject is the SHA-256 of the concatenated digests of all files, in the order
//! of the `resources`, which is that of their names.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SignatureError;
use super::error::{escape, quote};
use crate::digest::hex;

/// The type of the payload in the envelope.
pub(super) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const STATEMENTS: &str = "https://in-toto.io/Statement/";
const PREDICATE: &str = "https://model_signing/signature/v1.0";
const PREDICATES: &str = "https://model_signing/";

/// The name of the only file of a model that is not a folder.
const THE_FILE: &str = ".";

/// What model-signing leaves out of a folder; for one file it only has to be written.
const IGNORED: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(rename = "_type")]
    statement: String,
    predicate_type: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    statement: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Deserialize, Serialize)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Deserialize, Serialize)]
struct SubjectDigest {
    sha256: String,
}

#[derive(Deserialize, Serialize)]
struct Predicate {
    serialization: Serialization,
    resources: Vec<Resource>,
}

/// How the files of the model were hashed.
#[derive(Deserialize, Serialize)]
struct Serialization {
    method: String,
    hash_type: String,
    allow_symlinks: bool,
    /// Not written before model-signing 1.1.
    #[serde(default)]
    ignore_paths: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct Resource {
    name: String,
    algorithm: String,
    digest: String,
}

/// The statement that the one file of model `name` has the SHA-256 `digest`: JSON without spaces.
///
/// # Errors
/// If `digest` is not 64 hexadecimal digits.
pub(super) fn write(name: &str, digest: &str) -> Result<String, SignatureError> {
    let bytes = digest_bytes(digest).ok_or_else(|| SignatureError::NotADigest {
        name: name.to_owned(),
        found: quote(digest),
    })?;
    let statement = Statement {
        statement: STATEMENT.to_owned(),
        subject: vec![Subject {
            name: name.to_owned(),
            digest: SubjectDigest {
                sha256: hex(&Sha256::digest(bytes)),
            },
        }],
        predicate_type: PREDICATE.to_owned(),
        predicate: Predicate {
            serialization: Serialization {
                method: "files".to_owned(),
                hash_type: "sha256".to_owned(),
                allow_symlinks: false,
                ignore_paths: IGNORED.map(str::to_owned).to_vec(),
            },
            resources: vec![Resource {
                name: THE_FILE.to_owned(),
                algorithm: "sha256".to_owned(),
                digest: hex(&bytes),
            }],
        },
    };
    Ok(serde_json::to_string(&statement).expect("strings always become JSON"))
}

/// Reads a statement and returns the SHA-256 of the one file that it is about, in lower-case
/// hexadecimal.
///
/// # Errors
/// If it is not about one model of one file with the name of `name`, or is of another version.
pub(super) fn read(payload: &[u8], name: &str) -> Result<String, SignatureError> {
    let refuse = |reason: String| SignatureError::Statement {
        name: name.to_owned(),
        reason,
    };
    let json = |error: serde_json::Error| refuse(escape(&error.to_string()));
    let version: Version = serde_json::from_slice(payload).map_err(json)?;
    check_version(&version, name)?;
    let statement: Statement = serde_json::from_slice(payload).map_err(json)?;
    check_method(&statement.predicate, name)?;
    let resource = match statement.predicate.resources.as_slice() {
        [resource] => resource,
        [] => return Err(refuse("it names no file".to_owned())),
        several => {
            return Err(SignatureError::SeveralFiles {
                name: name.to_owned(),
                count: several.len(),
            });
        }
    };
    let [subject] = statement.subject.as_slice() else {
        let count = statement.subject.len();
        return Err(refuse(format!("it is about {count} models, not one")));
    };
    let digest = digest_bytes(&resource.digest)
        .ok_or_else(|| refuse(format!("{} is no digest", quote(&resource.digest))))?;
    if subject.digest.sha256 != hex(&Sha256::digest(digest)) {
        return Err(refuse(
            "the digest of the model is not that of its file".to_owned(),
        ));
    }
    check_name(&resource.name, name)?;
    Ok(hex(&digest))
}

fn check_version(version: &Version, name: &str) -> Result<(), SignatureError> {
    let types = [
        ("statement", &version.statement, STATEMENT, STATEMENTS),
        ("signature", &version.predicate_type, PREDICATE, PREDICATES),
    ];
    for (what, found, expected, family) in types {
        if found == expected {
            continue;
        }
        let (name, found_quoted) = (name.to_owned(), quote(found));
        return Err(if found.starts_with(family) {
            SignatureError::OtherVersion {
                name,
                what,
                found: found_quoted,
                expected,
            }
        } else {
            SignatureError::NotAModel {
                name,
                found: found_quoted,
            }
        });
    }
    Ok(())
}

/// SHA-256 of whole files only: shards of files and other hashes, which model-signing offers to
/// programs but not on its command line, would sign the same bytes in another way.
fn check_method(predicate: &Predicate, name: &str) -> Result<(), SignatureError> {
    let Serialization {
        method, hash_type, ..
    } = &predicate.serialization;
    let hashes = predicate
        .resources
        .iter()
        .map(|resource| &resource.algorithm);
    let other = [(method, "files"), (hash_type, "sha256")]
        .into_iter()
        .chain(hashes.map(|hash| (hash, "sha256")))
        .find(|(found, expected)| found != expected);
    match other {
        None => Ok(()),
        Some((found, expected)) => Err(SignatureError::Method {
            name: name.to_owned(),
            found: quote(found),
            expected,
        }),
    }
}

/// A file that was signed alone may have any name, one that was signed in its folder only its own.
fn check_name(signed: &str, name: &str) -> Result<(), SignatureError> {
    let file_name = std::path::Path::new(name).file_name();
    if signed == THE_FILE || file_name.is_some_and(|file_name| file_name == signed) {
        return Ok(());
    }
    Err(SignatureError::OtherFile {
        name: name.to_owned(),
        signed: quote(signed),
    })
}

/// The bytes of a SHA-256 in hexadecimal; `None` if it is not one.
fn digest_bytes(text: &str) -> Option<[u8; 32]> {
    let (digits, rest) = text.as_bytes().as_chunks::<2>();
    if digits.len() != 32 || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(digits) {
        let digit = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
