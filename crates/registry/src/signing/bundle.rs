//! The sigstore bundle (version 0.3, JSON) with a DSSE envelope, as model-signing 1.x writes it.
//!
//! Sources: `protobuf-specs/protos/sigstore_bundle.proto` of sigstore, the DSSE protocol 1.0, and
//! `_signing/sign_sigstore_pb.py`, `_signing/sign_ec_key.py` of model-signing 1.1.1. Unknown fields
//! are refused, as sigstore's own reader does. What one key does not need (log entries, time
//! stamps, the key ids in the envelope) is not signed, and is ignored.

use base64ct::{Base64, Encoding};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::error::{escape, quote};
use super::{MAX_BUNDLE, SignatureError, statement};

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// What the media types of all versions begin with.
const MEDIA_TYPES: &str = "application/vnd.dev.sigstore.bundle";

/// What is signed, and how: not yet verified.
#[derive(Debug)]
pub(super) struct Envelope {
    pub payload: Vec<u8>,
    /// In base64, as [`PublicKey::verify_bytes`](super::PublicKey::verify_bytes) reads it.
    pub signature: String,
    /// Which key signed: the `hint` of one of them. Since model-signing 1.1.
    pub hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    media_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bundle {
    #[serde(rename = "mediaType")]
    _media_type: IgnoredAny,
    verification_material: Material,
    dsse_envelope: Option<Dsse>,
    message_signature: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Material {
    public_key: Option<Hint>,
    certificate: Option<IgnoredAny>,
    x509_certificate_chain: Option<IgnoredAny>,
    #[serde(rename = "tlogEntries")]
    _tlog_entries: Option<Vec<IgnoredAny>>,
    #[serde(rename = "timestampVerificationData")]
    _timestamps: Option<IgnoredAny>,
}

/// Until model-signing 1.0.1 the key itself stood here. It is no reason to trust it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Hint {
    hint: Option<String>,
    #[serde(rename = "rawBytes")]
    _raw_bytes: Option<IgnoredAny>,
    #[serde(rename = "keyDetails")]
    _key_details: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Dsse {
    payload: String,
    payload_type: String,
    signatures: Vec<DsseSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseSignature {
    sig: String,
    #[serde(rename = "keyid")]
    _keyid: Option<IgnoredAny>,
}

/// Reads a bundle. Its content may be hostile: nothing of it is believed but its structure.
///
/// # Errors
/// If it is not one that signs a model with a key, in the version that is supported.
pub(super) fn read(bytes: &[u8], name: &str) -> Result<Envelope, SignatureError> {
    check_size(bytes, name)?;
    let refuse = |reason: String| SignatureError::NotABundle {
        name: name.to_owned(),
        reason,
    };
    let json = |error: serde_json::Error| refuse(escape(&error.to_string()));
    let version: Version = serde_json::from_slice(bytes).map_err(json)?;
    check_version(&version.media_type, name)?;
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(json)?;
    let material = bundle.verification_material;
    if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
        return Err(SignatureError::Certificate {
            name: name.to_owned(),
        });
    }
    let key = material
        .public_key
        .ok_or_else(|| refuse("it has no publicKey".to_owned()))?;
    let dsse = match (bundle.dsse_envelope, bundle.message_signature) {
        (Some(dsse), None) => dsse,
        (None, Some(_)) => return Err(other_content(name, "messageSignature")),
        _ => return Err(refuse("it needs one dsseEnvelope".to_owned())),
    };
    if dsse.payload_type != statement::PAYLOAD_TYPE {
        return Err(other_content(name, &dsse.payload_type));
    }
    let count = dsse.signatures.len();
    let [signature] = <[DsseSignature; 1]>::try_from(dsse.signatures)
        .map_err(|_| refuse(format!("it has {count} signatures in place of one")))?;
    let payload = Base64::decode_vec(&dsse.payload)
        .map_err(|_| refuse("its payload is not base64".to_owned()))?;
    Ok(Envelope {
        payload,
        signature: signature.sig,
        hint: key.hint.filter(|hint| !hint.is_empty()),
    })
}

/// # Errors
/// If a bundle is larger than any that signs one file.
pub(super) fn check_size(bytes: &[u8], name: &str) -> Result<(), SignatureError> {
    if bytes.len() <= MAX_BUNDLE {
        return Ok(());
    }
    Err(SignatureError::LargeBundle {
        name: name.to_owned(),
        limit: MAX_BUNDLE,
    })
}

fn check_version(media_type: &str, name: &str) -> Result<(), SignatureError> {
    if media_type == MEDIA_TYPE {
        return Ok(());
    }
    if !media_type.starts_with(MEDIA_TYPES) {
        return Err(SignatureError::NotABundle {
            name: name.to_owned(),
            reason: format!("its media type is {}", quote(media_type)),
        });
    }
    Err(SignatureError::OtherVersion {
        name: name.to_owned(),
        what: "bundle",
        found: quote(media_type),
        expected: MEDIA_TYPE,
    })
}

fn other_content(name: &str, found: &str) -> SignatureError {
    SignatureError::NotAModel {
        name: name.to_owned(),
        found: quote(found),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewBundle<'a> {
    media_type: &'static str,
    verification_material: NewMaterial<'a>,
    dsse_envelope: NewDsse<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMaterial<'a> {
    public_key: NewHint<'a>,
    tlog_entries: [(); 0],
}

#[derive(Serialize)]
struct NewHint<'a> {
    hint: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDsse<'a> {
    payload: String,
    payload_type: &'static str,
    signatures: [NewSignature<'a>; 1],
}

#[derive(Serialize)]
struct NewSignature<'a> {
    sig: &'a str,
    keyid: &'static str,
}

/// The bundle of a signed payload, with its keys in the order of model-signing 1.1.1 and, as there,
/// no space and no line break at the end: every byte of it counts.
pub(super) fn write(payload: &str, signature: &str, hint: &str) -> String {
    let bundle = NewBundle {
        media_type: MEDIA_TYPE,
        verification_material: NewMaterial {
            public_key: NewHint { hint },
            tlog_entries: [],
        },
        dsse_envelope: NewDsse {
            payload: Base64::encode_string(payload.as_bytes()),
            payload_type: statement::PAYLOAD_TYPE,
            signatures: [NewSignature {
                sig: signature,
                keyid: "",
            }],
        },
    };
    serde_json::to_string(&bundle).expect("strings always become JSON")
}
