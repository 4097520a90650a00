//! Keys: RFC 6979, the files of openssl, what is refused, and that nothing is printed.

use std::fs;

use super::super::{KeyError, PrivateKey, PublicKey, WrongSignature};
use super::{private_copy, private_key};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn rfc6979_key() -> PrivateKey {
    PrivateKey::from_scalar(&bytes(
        "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    ))
}

/// RFC 6979, A.2.5: ECDSA, 256 bits (prime field), with SHA-256. In DER an integer with its highest
/// bit set begins with a zero byte.
#[test]
fn signatures_are_those_of_rfc_6979() {
    let sample = "3046
        022100 EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
        022100 F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";
    let test = "3045
        022100 F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367
        0220 019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083";
    for (message, expected) in [("sample", sample), ("test", test)] {
        let signature = rfc6979_key().sign_raw(message.as_bytes());
        assert_eq!(signature.as_bytes(), bytes(expected), "{message}");
    }
}

/// The public key of the same section, in the DER of RFC 5480 (the first line is its header for
/// P-256 and an uncompressed point).
#[test]
fn the_id_is_the_digest_of_the_key_in_der() {
    let der = bytes(
        "3059301306072a8648ce3d020106082a8648ce3d030107034200 04
        60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
        7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
    );
    let key = rfc6979_key();
    assert_eq!(key.public_key().id(), files::digest::bytes(&der));
    assert_eq!(key.public_key().to_string(), key.public_key().id());
}

/// Digests by OpenSSL 3.0.19 and coreutils: `openssl pkey -pubin -in public.pem -outform DER |
/// sha256sum` and `sha256sum public.pem`.
#[test]
fn keys_of_openssl_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let public = dir.path().join("public.pem");
    fs::write(&public, include_str!("../testdata/public.pem")).unwrap();
    let public = PublicKey::read(&public).unwrap();
    assert_eq!(
        public.id(),
        "d12c57ebc0a7ff2805ff2b7e5f0f03b246cdf4027a026489b46c59ebc0e6334a"
    );
    assert_eq!(
        public.hint(),
        "5ac445d0899838cd3dd80a0fc8289634da4940d51c3786b16ca16ddc9ce5a234"
    );
    for text in [
        include_str!("../testdata/pkcs8.pem"),
        include_str!("../testdata/sec1.pem"),
        &include_str!("../testdata/pkcs8.pem").replace('\n', "\r\n"),
    ] {
        let key = PrivateKey::read(&private_copy(dir.path(), text)).unwrap();
        assert_eq!(*key.public_key(), public);
    }
}

#[test]
fn keys_are_written_as_openssl_does() {
    let dir = tempfile::tempdir().unwrap();
    let (private, public) = (dir.path().join("new.pem"), dir.path().join("new.pub.pem"));
    let key = private_key();
    key.write_new(&private).unwrap();
    key.public_key().write(&public).unwrap();
    let read = |path| fs::read_to_string(path).unwrap();
    assert_eq!(read(&private), include_str!("../testdata/pkcs8.pem"));
    assert_eq!(read(&public), include_str!("../testdata/public.pem"));
}

#[test]
fn a_new_key_is_private_and_never_replaces_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.pem");
    let key = PrivateKey::generate().unwrap();
    key.write_new(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(
        PrivateKey::read(&path).unwrap().public_key(),
        key.public_key()
    );
    let written = fs::read(&path).unwrap();
    let other = PrivateKey::generate().unwrap();
    assert_ne!(other.public_key(), key.public_key());
    let error = other.write_new(&path).unwrap_err();
    assert!(matches!(error, KeyError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), written);
    let error = other.write_new(&dir.path().join("no/key.pem")).unwrap_err();
    assert!(matches!(error, KeyError::Write { .. }), "{error}");
    // No temporary file is left.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_private_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = private_copy(dir.path(), include_str!("../testdata/pkcs8.pem"));
    for (mode, accepted) in [
        (0o400, true),
        (0o600, true),
        (0o640, false),
        (0o604, false),
        (0o602, false),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(PrivateKey::read(&path).is_ok(), accepted, "{mode:o}");
    }
    let error = PrivateKey::read(&path).unwrap_err().to_string();
    let hint = format!("run `chmod 600 {}`", path.display());
    assert!(
        error.contains("(mode 602)") && error.ends_with(&hint),
        "{error}"
    );
}

#[test]
fn other_files_are_refused_with_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let private = |text: &str| {
        let error = PrivateKey::read(&private_copy(dir.path(), text)).unwrap_err();
        error.to_string()
    };
    let public = |text: &str| {
        let error = PublicKey::read(&private_copy(dir.path(), text)).unwrap_err();
        error.to_string()
    };
    let pkcs8 = include_str!("../testdata/pkcs8.pem");
    for (error, expected) in [
        (
            private(include_str!("../testdata/encrypted.pem")),
            "is protected by a passphrase",
        ),
        (
            private(include_str!("../testdata/public.pem")),
            "holds \"PUBLIC KEY\" in PEM, not a private key",
        ),
        (
            private(include_str!("../testdata/p384.pem")),
            "unknown/unsupported algorithm OID: 1.3.132.0.34; only ECDSA keys on the curve P-256",
        ),
        (private("hello"), "holds no key in PEM, not a private key"),
        (
            private(&pkcs8[..pkcs8.len() / 2]),
            "holds \"PRIVATE KEY\" in PEM",
        ),
        (private(&pkcs8.replace("MIGH", "MIGI")), "cannot use"),
        (
            public(pkcs8),
            "holds \"PRIVATE KEY\" in PEM, not a public key",
        ),
        (
            public(&include_str!("../testdata/public.pem").replace("MFkw", "MFkx")),
            "cannot use",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
        // A message may be logged: nothing of the key is in it.
        assert!(!error.contains("MIGH"), "{error}");
    }
    let missing = PrivateKey::read(&dir.path().join("missing")).unwrap_err();
    assert!(matches!(missing, KeyError::Read { .. }));
}

#[test]
fn a_private_key_is_not_printed() {
    let key = private_key();
    let printed = format!("{key:?} {key:#?}");
    let id = key.public_key().id();
    assert_eq!(
        printed,
        format!("PrivateKey(of public key {id}) PrivateKey(of public key {id})")
    );
}

#[test]
fn a_signed_message_is_bound_to_its_bytes_its_type_and_its_key() {
    let key = private_key();
    let signature = key.sign_bytes("text/plain", b"head 7");
    assert_eq!(signature, key.sign_bytes("text/plain", b"head 7"));
    let public = key.public_key();
    assert_eq!(
        public.verify_bytes("text/plain", b"head 7", &signature),
        Ok(())
    );
    let other = PrivateKey::generate().unwrap();
    for (key, kind, message, signature) in [
        (public, "text/plain", "head 8", signature.as_str()),
        (public, "text/plai", "head 7", &signature),
        // The same text after "DSSEv1 LENGTH ", cut at another place.
        (public, "text/plain 6 head", "7", &signature),
        (other.public_key(), "text/plain", "head 7", &signature),
        (public, "text/plain", "head 7", ""),
        (public, "text/plain", "head 7", "not base64"),
        (
            public,
            "text/plain",
            "head 7",
            &format!("{signature}{signature}"),
        ),
    ] {
        let refused = key.verify_bytes(kind, message.as_bytes(), signature);
        assert_eq!(
            refused,
            Err(WrongSignature),
            "{kind:?} {message:?} {signature:?}"
        );
    }
}

/// Made by OpenSSL 3.0.19: `printf 'DSSEv1 10 text/plain 6 head 7' | openssl dgst -sha256 -sign
/// pkcs8.pem | base64`. Its nonces are random: each run makes another one.
#[test]
fn messages_are_encoded_as_dsse_says() {
    let signature = concat!(
        "MEQCIHeNFkrhRXIESHNAKjZ94ML997q6ngmW5y3S1lgWnHjRAiBlU0CDP9VU",
        "P9CUJ/Q5XczD1YsZfcWBu/F+PeP7h1FG8g==",
    );
    let key = private_key();
    let public = key.public_key();
    assert_eq!(
        public.verify_bytes("text/plain", b"head 7", signature),
        Ok(())
    );
    let ours = key.sign_raw(b"DSSEv1 10 text/plain 6 head 7");
    let ours = <base64ct::Base64 as base64ct::Encoding>::encode_string(ours.as_bytes());
    assert_eq!(ours, key.sign_bytes("text/plain", b"head 7"));
}
