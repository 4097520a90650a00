//! Laws: no changed byte of a model, payload or signature is accepted, and no bytes are a panic.

use base64ct::{Base64, Encoding};
use proptest::prelude::*;

use super::super::*;
use super::{MODEL, NAME, ONE_FILE, ONE_FILE_1_0, OURS, private_key, trusted};

/// Every byte of our bundle changed in each of its bits, and each of its bytes left out: all
/// refused. There is no space or line break in it, and no part of it is ignored.
///
/// A release build does all bits; a debug build, in which that takes minutes, one bit of each byte.
#[test]
fn any_changed_byte_of_our_bundle_is_refused() {
    let keys = trusted();
    let bundle = OURS.as_bytes();
    assert!(verify(bundle, NAME, &keys).is_ok());
    let bits = if cfg!(debug_assertions) { 1 } else { 8 };
    let refused = |changed: &[u8], at: usize| {
        assert!(
            verify(changed, NAME, &keys).is_err(),
            "byte {at}: {}",
            String::from_utf8_lossy(changed)
        );
    };
    for at in 0..bundle.len() {
        let mut changed = bundle.to_vec();
        for bit in 0..bits {
            changed[at] = bundle[at] ^ (1 << ((at + bit) % 8));
            refused(&changed, at);
        }
        if !cfg!(debug_assertions) {
            changed.remove(at);
            refused(&changed, at);
        }
    }
}

/// As `(at, byte)` pairs: where the two differ.
fn changes(length: usize) -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0..length, 1..=255_u8), 1..4)
}

fn apply(bytes: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for &(at, difference) in changes {
        changed[at] ^= difference;
    }
    changed
}

/// What the envelope signs, and its signature, replaced in a bundle.
fn with_envelope(payload: &[u8], signature: &[u8]) -> String {
    let payload = Base64::encode_string(payload);
    let signature = Base64::encode_string(signature);
    let parsed = bundle::read(OURS.as_bytes(), NAME).unwrap();
    OURS.replace(&Base64::encode_string(&parsed.payload), &payload)
        .replace(&parsed.signature, &signature)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_changed_model_is_refused(model in prop::collection::vec(any::<u8>(), 1..300),
                                    changes in changes(300)) {
        let key = private_key();
        let keys = [key.public_key().clone()];
        let bundle = sign_digest(NAME, &files::digest::bytes(&model), &key).unwrap();
        prop_assert!(verify_bytes(bundle.as_bytes(), NAME, &model, &keys).is_ok());
        let changes: Vec<_> = changes.into_iter().map(|(at, by)| (at % model.len(), by)).collect();
        let changed = apply(&model, &changes);
        // Two changes of one byte may undo each other.
        prop_assert_eq!(
            verify_bytes(bundle.as_bytes(), NAME, &changed, &keys).is_ok(),
            changed == model
        );
        for cut in [&model[1..], &model[..model.len() - 1]] {
            prop_assert!(verify_bytes(bundle.as_bytes(), NAME, cut, &keys).is_err());
        }
    }

    #[test]
    fn any_changed_payload_or_signature_is_refused(in_payload: bool, changes in changes(60)) {
        let envelope = bundle::read(OURS.as_bytes(), NAME).unwrap();
        let signature = Base64::decode_vec(&envelope.signature).unwrap();
        prop_assert_eq!(with_envelope(&envelope.payload, &signature), OURS);
        let (payload, signature) = if in_payload {
            (apply(&envelope.payload, &changes), signature)
        } else {
            (envelope.payload, apply(&signature, &changes))
        };
        let changed = with_envelope(&payload, &signature);
        let accepted = verify(changed.as_bytes(), NAME, &trusted()).is_ok();
        prop_assert_eq!(accepted, changed == OURS);
    }

    /// model-signing's own bundles have spaces and parts that nobody reads: a change there may be
    /// accepted, and then says the same.
    #[test]
    fn a_changed_bundle_is_refused_or_means_the_same(old: bool, changes in changes(1300)) {
        let bundle = if old { ONE_FILE_1_0 } else { ONE_FILE };
        let keys = trusted();
        let expected = verify(bundle.as_bytes(), NAME, &keys).unwrap();
        let changed = apply(bundle.as_bytes(), &changes);
        if let Ok(verified) = verify(&changed, NAME, &keys) {
            prop_assert_eq!(verified, expected);
        }
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200),
                            text in "[\\[\\]{}\",:a-z0-9\\\\ ]{0,80}", at in 0..OURS.len()) {
        prop_assert!(verify(&bytes, NAME, &trusted()).is_err());
        let mut inserted = OURS.to_owned();
        inserted.insert_str(at, &text);
        if let Ok(verified) = verify(inserted.as_bytes(), NAME, &trusted()) {
            prop_assert!(verified.check(MODEL).is_ok());
        }
        // As a payload that is validly signed.
        prop_assert!(statement::read(&bytes, NAME).is_err());
        let _ = statement::read(text.as_bytes(), &text);
    }
}
