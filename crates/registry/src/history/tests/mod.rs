//! Tests of the registry, by subject, and what they share.

mod aliases;
mod forgery;
mod models;
mod past;
mod writers;

use std::sync::Arc;

use super::*;
use crate::lineage::{Lineage, Metric};
use crate::signing::{PrivateKey, PublicKey};
use crate::store::Content;
use crate::store::memory::Memory;

/// The key of the histories in these tests, and the one of who forges them.
const SECRET: u8 = 7;
const FORGED: u8 = 8;

fn private_key(byte: u8) -> PrivateKey {
    PrivateKey::from_scalar(&[byte; 32])
}

fn trusted(byte: u8) -> [PublicKey; 1] {
    [private_key(byte).public_key().clone()]
}

fn signed(byte: u8) -> Access {
    Access::new("tester")
        .signing(Arc::new(private_key(byte)))
        .verifying(trusted(byte))
}

struct Bench {
    store: Arc<Memory>,
    registry: Registry,
}

impl Bench {
    fn new() -> Self {
        Self::with(signed(SECRET))
    }

    fn with(access: Access) -> Self {
        let store = Arc::new(Memory::default());
        Self {
            registry: Registry::open(store.clone(), access).unwrap(),
            store,
        }
    }

    fn add(&mut self, content: &str, accuracy: Option<f64>) -> u64 {
        let content = Content::of_bytes(content.as_bytes());
        let metrics = accuracy.map(|value| metric("accuracy", value));
        let metrics = metrics.into_iter().collect();
        let added = self
            .registry
            .add("nlp", &content, Lineage::default(), metrics);
        added.unwrap().number
    }

    fn promote(&mut self, version: u64) -> Result<Signed, RegistryError> {
        self.registry.promote("nlp", "champion", version, &always())
    }

    fn champion(&self) -> u64 {
        self.registry.resolve("nlp@champion").unwrap().number
    }
}

fn always() -> Condition {
    let note = "by hand".to_owned();
    Condition::Always { note }
}

fn metric(name: &str, value: f64) -> Metric {
    Metric {
        name: name.to_owned(),
        value,
        low: None,
        high: None,
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, RegistryError>) -> Refusal {
    match result {
        Err(RegistryError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
