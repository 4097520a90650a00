//! Tests of keys, bundles and tampering. Fixtures: `testdata/README.md` says how they were made.

mod bundles;
mod keys;
mod tampering;

use std::path::{Path, PathBuf};

use super::{PrivateKey, PublicKey};

/// The signed model of all fixtures.
const MODEL: &[u8] = b"hello";
const NAME: &str = "nlp.safetensors";

const ONE_FILE: &str = include_str!("../testdata/one-file-1.1.1.sig");
const ONE_FILE_1_0: &str = include_str!("../testdata/one-file-1.0.1.sig");
const OURS: &str = include_str!("../testdata/ours.sig");

/// A copy of a fixture, readable by its owner only.
fn private_copy(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("key.pem");
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    path
}

/// The key of the fixtures.
fn private_key() -> PrivateKey {
    let dir = tempfile::tempdir().unwrap();
    PrivateKey::read(&private_copy(
        dir.path(),
        include_str!("../testdata/pkcs8.pem"),
    ))
    .unwrap()
}

fn trusted() -> [PublicKey; 1] {
    [private_key().public_key().clone()]
}
