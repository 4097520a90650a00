//! Who uses a registry, with which keys and clock.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::Head;
use super::error::RegistryError;
use crate::signing::{PrivateKey, PublicKey};

/// A clock.
type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Who uses a registry, and with which keys.
#[derive(Clone)]
pub struct Access {
    who: String,
    signer: Option<Arc<PrivateKey>>,
    trusted: Option<Arc<[PublicKey]>>,
    clock: Clock,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("who", &self.who)
            .field("signs", &self.signer.is_some())
            .field("verifies", &self.trusted.is_some())
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Access without keys: nothing is signed, and signatures are not checked. `who` is recorded
    /// with every entry for good: an operator or a job, never a user of the product.
    pub fn new(who: impl Into<String>) -> Self {
        Self {
            who: who.into(),
            signer: None,
            trusted: None,
            clock: Arc::new(Timestamp::now),
        }
    }

    /// Signs entries and the head.
    pub fn signing(mut self, key: Arc<PrivateKey>) -> Self {
        self.signer = Some(key);
        self
    }

    /// Accepts a history only if its head, and every entry past it, is signed by one of the
    /// trusted `keys`.
    pub fn verifying(mut self, keys: impl Into<Arc<[PublicKey]>>) -> Self {
        self.trusted = Some(keys.into());
        self
    }

    /// Takes the time from another clock.
    pub fn with_clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    pub(super) fn who(&self) -> &str {
        &self.who
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn signer(&self) -> Option<&PrivateKey> {
        self.signer.as_deref()
    }

    pub(super) fn trusted(&self) -> Option<&[PublicKey]> {
        self.trusted.as_deref()
    }

    /// Whether an entry may follow this head: a signed one needs a signature.
    pub(super) fn may_follow(&self, head: &Head) -> Result<(), RegistryError> {
        match (&head.seal, &self.signer) {
            (Some(seal), None) => Err(RegistryError::NoKey {
                key: seal.key.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses a private key whose signatures would not be accepted.
    pub(super) fn check(&self) -> Result<(), RegistryError> {
        let (Some(signer), Some(trusted)) = (&self.signer, &self.trusted) else {
            return Ok(());
        };
        let key = signer.public_key();
        match trusted.contains(key) {
            true => Ok(()),
            false => Err(RegistryError::Untrusted {
                key: key.id().to_owned(),
            }),
        }
    }
}
