//! Bundles of model-signing and our own: what is accepted, and each error.

use std::fs;
use std::io::{self, Read};

use base64ct::{Base64, Encoding};

use super::super::*;
use super::{MODEL, NAME, ONE_FILE, ONE_FILE_1_0, OURS, private_key, trusted};

fn refusal(bundle: &str) -> SignatureError {
    verify_bytes(bundle.as_bytes(), NAME, MODEL, &trusted()).unwrap_err()
}

/// A bundle with any payload, validly signed.
fn signed(payload: &str) -> String {
    let key = private_key();
    let signature = key.sign_bytes(statement::PAYLOAD_TYPE, payload.as_bytes());
    bundle::write(payload, &signature, key.public_key().hint())
}

fn our_payload() -> String {
    statement::write(NAME, &files::digest::bytes(MODEL)).unwrap()
}

/// SHA-256 of `hello`: `printf hello | sha256sum`.
const DIGEST: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[test]
fn bundles_of_model_signing_verify() {
    for bundle in [
        ONE_FILE,
        ONE_FILE_1_0,
        include_str!("../testdata/folder-1.1.1.sig"),
        OURS,
    ] {
        let name = "models/nlp.safetensors";
        let verified = verify_bytes(bundle.as_bytes(), name, MODEL, &trusted()).unwrap();
        assert_eq!(verified.digest(), DIGEST);
        assert_eq!(verified.key_id(), trusted()[0].id());
        assert!(verified.check(b"hellp").is_err());
    }
}

/// Byte for byte what was recorded, and verified by model-signing then.
#[test]
fn the_same_file_and_key_give_the_same_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    fs::write(&path, MODEL).unwrap();
    let bundle = sign(&path, &private_key()).unwrap();
    assert_eq!(bundle, OURS);
    assert_eq!(sign_digest(NAME, DIGEST, &private_key()).unwrap(), OURS);
    let expected = concat!(
        r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"nlp.safetensors","#,
        r#""digest":{"sha256":"9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"}}],"#,
        r#""predicateType":"https://model_signing/signature/v1.0","predicate":{"serialization":"#,
        r#"{"method":"files","hash_type":"sha256","allow_symlinks":false,"#,
        r#""ignore_paths":[".git",".gitattributes",".github",".gitignore"]},"resources":[{"name":".","#,
        r#""algorithm":"sha256","#,
        r#""digest":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}]}}"#,
    );
    assert_eq!(our_payload(), expected);
    assert!(bundle.contains(&Base64::encode_string(expected.as_bytes())));
}

#[test]
fn a_file_signed_alone_may_be_renamed_and_one_of_a_folder_not() {
    assert!(verify(OURS.as_bytes(), "v7/renamed.bin", &trusted()).is_ok());
    let folder = include_str!("../testdata/folder-1.1.1.sig").as_bytes();
    let error = verify(folder, "renamed.bin", &trusted()).unwrap_err();
    assert!(matches!(error, SignatureError::OtherFile { .. }), "{error}");
}

#[test]
fn the_key_that_signed_is_found_among_the_trusted() {
    let other = PrivateKey::generate().unwrap();
    let both = [other.public_key().clone(), trusted()[0].clone()];
    // The second names no key, so that each is tried.
    for bundle in [ONE_FILE, ONE_FILE_1_0] {
        let verified = verify(bundle.as_bytes(), NAME, &both).unwrap();
        assert_eq!(verified.key_id(), both[1].id());
        let error = verify(bundle.as_bytes(), NAME, &both[..1]).unwrap_err();
        assert!(matches!(error, SignatureError::OtherKey { .. }), "{error}");
        assert!(error.to_string().contains(both[0].hint()), "{error}");
        let error = verify(bundle.as_bytes(), NAME, &[]).unwrap_err();
        assert!(
            matches!(error, SignatureError::NoTrustedKey { .. }),
            "{error}"
        );
    }
    // Signed with one key in the name of another.
    let payload = our_payload();
    let signature = other.sign_bytes(statement::PAYLOAD_TYPE, payload.as_bytes());
    let error = refusal(&bundle::write(&payload, &signature, trusted()[0].hint()));
    assert!(matches!(error, SignatureError::Forged { .. }), "{error}");
}

#[test]
fn another_model_is_refused() {
    let error = verify_bytes(OURS.as_bytes(), NAME, b"hellp", &trusted()).unwrap_err();
    let SignatureError::Digest { signed, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(signed, DIGEST);
}

#[test]
fn a_model_is_read_once_and_only_a_verified_one_is_returned() {
    let verified = verify(OURS.as_bytes(), NAME, &trusted()).unwrap();
    assert_eq!(verified.read(MODEL, 5).unwrap(), MODEL);
    let error = verified.read(MODEL, 4).unwrap_err();
    assert!(
        matches!(error, SignatureError::LargeModel { limit: 4, .. }),
        "{error}"
    );
    let error = verified.read(&b"hell"[..], 5).unwrap_err();
    assert!(matches!(error, SignatureError::Digest { .. }), "{error}");
}

/// One byte a call, with interruptions, and more after its end.
struct Slow(Vec<u8>, bool);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.0.is_empty() {
            self.0 = b"more".to_vec();
            return Ok(0);
        }
        buffer[0] = self.0.remove(0);
        Ok(1)
    }
}

#[test]
fn the_reader_ends_with_an_error_unless_it_read_what_was_signed() {
    let verified = verify(OURS.as_bytes(), NAME, &trusted()).unwrap();
    let reader = |bytes: &[u8]| verified.clone().reader(Slow(bytes.to_vec(), false));
    let mut bytes = Vec::new();
    let mut good = reader(MODEL);
    assert_eq!(good.read_to_end(&mut bytes).unwrap(), 5);
    assert_eq!(bytes, MODEL);
    // What follows the end was not verified, and is not passed on.
    assert_eq!(good.read(&mut [0; 9]).unwrap(), 0);
    assert_eq!(good.finish().unwrap(), verified);

    for bad in [&b"hellp"[..], b"hello!", b"hell", b""] {
        let mut reader = reader(bad);
        for _ in 0..2 {
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            let inner = error.into_inner().unwrap();
            let inner = inner.downcast::<SignatureError>().unwrap();
            assert!(matches!(*inner, SignatureError::Digest { .. }), "{inner}");
        }
        assert!(reader.finish().is_err());
    }
    // A consumer that needs only the beginning.
    let mut early = reader(MODEL);
    assert_eq!(early.read(&mut []).unwrap(), 0);
    early.read_exact(&mut [0; 2]).unwrap();
    assert!(early.finish().is_ok());
    let mut early = reader(b"hellp");
    early.read_exact(&mut [0; 2]).unwrap();
    assert!(early.finish().is_err());
}

#[test]
fn other_kinds_and_versions_of_bundles_are_refused() {
    use SignatureError as E;
    let (v3, v4) = ("bundle.v0.3+json", "bundle.v0.4+json");
    let payload_type = "application/vnd.in-toto+json";
    let signatures = OURS.find("[{\"sig\"").unwrap();
    let twice = OURS[signatures + 1..OURS.len() - 3].to_owned();
    let bundles = [
        ("", "is not a sigstore bundle: EOF"),
        ("\u{1b}[2J", "is not a sigstore bundle: expected value"),
        ("{}", "missing field `mediaType`"),
        (&OURS[..OURS.len() - 1], "EOF"),
        (&format!("{OURS}x"), "trailing characters"),
        (&"[".repeat(100_000), "invalid type"),
        (
            &OURS.replace("application/vnd.dev.sigstore", "x"),
            "its media type is \"x.bundle.v0.3+json\"",
        ),
        (&OURS.replace(v3, v4), "another version: its bundle is"),
        (
            &OURS.replace("\"keyid\"", "\"key\\u001b\""),
            "unknown field `key\\u{1b}`",
        ),
        (
            &OURS.replace("\"dsseEnvelope\"", "\"messageSignature\""),
            "does not sign a model but \"messageSignature\"",
        ),
        (
            &OURS.replace(payload_type, "text/plain"),
            "does not sign a model but \"text/plain\"",
        ),
        (
            &OURS.replace("\"publicKey\"", "\"certificate\""),
            "was made with a certificate",
        ),
        (
            include_str!("../testdata/certificate-1.1.1.sig"),
            "was made with a certificate; only signatures made with a key",
        ),
        (&OURS.replace(&twice, ""), "0 signatures in place of one"),
        (
            &OURS.replace(&twice, &format!("{twice},{twice}")),
            "2 signatures in place of one",
        ),
        (
            &OURS.replace("\"payload\":\"", "\"payload\":\"*"),
            "its payload is not base64",
        ),
    ];
    for (bundle, expected) in bundles {
        let error = refusal(bundle).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(!error.contains('\u{1b}') && error.len() < 600, "{error}");
    }
    let large = format!("{OURS}{}", " ".repeat(MAX_BUNDLE));
    assert!(matches!(refusal(&large), E::LargeBundle { .. }));
}

#[test]
fn signed_statements_about_something_else_are_refused() {
    use SignatureError as E;
    let valid = our_payload();
    let refused = |from: &str, to: &str| {
        assert!(valid.contains(from), "{from}");
        refusal(&signed(&valid.replace(from, to)))
    };
    assert!(verify(signed(&valid).as_bytes(), NAME, &trusted()).is_ok());
    let error = refused("signature/v1.0", "signature/v2.0");
    assert!(
        matches!(
            error,
            E::OtherVersion {
                what: "signature",
                ..
            }
        ),
        "{error}"
    );
    let error = refused("model_signing/signature/v1.0", "model_signing/Digests/v0.1");
    assert!(matches!(error, E::OtherVersion { .. }), "{error}");
    let error = refused("Statement/v1", "Statement/v9");
    assert!(
        matches!(
            error,
            E::OtherVersion {
                what: "statement",
                ..
            }
        ),
        "{error}"
    );
    let error = refused(
        "https://model_signing/signature/v1.0",
        "https://slsa.dev/provenance/v1",
    );
    assert!(matches!(error, E::NotAModel { .. }), "{error}");
    let error = refused("\"files\"", "\"shards\"");
    assert!(matches!(error, E::Method { .. }), "{error}");
    for (from, to) in [
        (DIGEST, "2cf2"),
        (DIGEST, &DIGEST.replace("2cf2", "+cf2")),
        (DIGEST, &DIGEST.replace("2cf2", "2cf3")),
        (
            "\"subject\":[",
            "\"subject\":[{\"name\":\"x\",\"digest\":{\"sha256\":\"\"}},",
        ),
        ("_type", "type"),
        ("\"predicate\":{", "\"predicate\":{},\"predicate\":{"),
    ] {
        let error = refused(from, to);
        assert!(matches!(error, E::Statement { .. }), "{from} {to}: {error}");
    }
    for payload in ["", "null", "[]", "\u{0}"] {
        let error = refusal(&signed(payload));
        assert!(matches!(error, E::Statement { .. }), "{error}");
    }
    // Readers of version 1.0 ignore what they do not know.
    let extended = valid.replace(
        "\"predicate\":{",
        "\"predicate\":{\"model_card\":{\"a\":1},",
    );
    assert!(verify(signed(&extended).as_bytes(), NAME, &trusted()).is_ok());
}

#[test]
fn other_ways_of_hashing_and_folders_are_refused() {
    let error = refusal(include_str!("../testdata/two-files-1.1.1.sig"));
    assert!(
        matches!(error, SignatureError::SeveralFiles { count: 2, .. }),
        "{error}"
    );
    for (bundle, found) in [
        (
            include_str!("../testdata/shards-1.1.1.sig"),
            "uses \"shards\"",
        ),
        (
            include_str!("../testdata/blake3-1.1.1.sig"),
            "uses \"blake3\"",
        ),
    ] {
        let error = refusal(bundle);
        assert!(error.to_string().contains(found), "{error}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing");
    let error = sign(&path, &private_key()).unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
    let error = read_bundle(&path, NAME).unwrap_err().to_string();
    assert!(error.contains("missing, the signature of nlp"), "{error}");
    fs::write(&path, vec![b' '; MAX_BUNDLE + 1]).unwrap();
    let error = read_bundle(&path, NAME).unwrap_err();
    assert!(
        matches!(error, SignatureError::LargeBundle { .. }),
        "{error}"
    );
    fs::write(&path, OURS).unwrap();
    assert_eq!(read_bundle(&path, NAME).unwrap(), OURS.as_bytes());
    let error = sign_digest(NAME, "12", &private_key()).unwrap_err();
    assert!(
        matches!(error, SignatureError::NotADigest { .. }),
        "{error}"
    );
}
