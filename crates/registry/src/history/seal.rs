//! Signatures of entries and heads.

use serde::{Deserialize, Serialize};

use crate::signing::{PrivateKey, PublicKey};
use crate::store::Flaw;

/// What a signature is for. It is signed with the message, so that an entry is never taken for a
/// head, nor either for the signature of a model.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Entry,
    Head,
}

impl Purpose {
    fn kind(self) -> &'static str {
        match self {
            Self::Entry => "application/vnd.easylife.history-entry.v1+json",
            Self::Head => "application/vnd.easylife.history-head.v1",
        }
    }
}

/// A signature and the key that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Id of the key; see [`PublicKey::id`].
    pub key: String,
    /// The signature; see [`PrivateKey::sign_bytes`].
    pub signature: String,
}

impl Seal {
    pub(super) fn new(purpose: Purpose, message: &[u8], key: &PrivateKey) -> Self {
        Self {
            key: key.public_key().id().to_owned(),
            signature: key.sign_bytes(purpose.kind(), message),
        }
    }

    /// Checks that one of the trusted `keys` made `seal` over `message`.
    pub(super) fn verify(
        seal: Option<&Self>,
        purpose: Purpose,
        message: &[u8],
        keys: &[PublicKey],
    ) -> Result<(), Flaw> {
        let flaw = |reason: String| Err(Flaw::Signature { reason });
        let Some(seal) = seal else {
            return flaw("not signed, although a key is required".to_owned());
        };
        let Some(key) = keys.iter().find(|key| key.id() == seal.key) else {
            return flaw(format!(
                "signed by the key {}, which is not among the trusted ones",
                seal.key
            ));
        };
        key.verify_bytes(purpose.kind(), message, &seal.signature)
            .or_else(|_| {
                flaw(format!(
                    "the signature by the key {key} does not match the content"
                ))
            })
    }
}
