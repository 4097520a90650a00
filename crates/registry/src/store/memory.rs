//! A store in memory, for tests: fast, and proof that nothing above the trait needs a folder.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Content, Key, Object, Problem, Store, StoreError};

#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<BTreeMap<Key, Vec<u8>>>);

impl Memory {
    pub(crate) fn objects(&self) -> MutexGuard<'_, BTreeMap<Key, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another store with these objects.
    pub(crate) fn of(objects: &BTreeMap<Key, Vec<u8>>) -> Self {
        Self(Mutex::new(objects.clone()))
    }
}

impl Store for Memory {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.objects().get(key).cloned())
    }

    fn create(&self, key: &Key, bytes: &[u8]) -> Result<bool, StoreError> {
        let mut objects = self.objects();
        let free = !objects.contains_key(key);
        if free {
            objects.insert(key.clone(), bytes.to_vec());
        }
        Ok(free)
    }

    fn create_from(&self, key: &Key, content: &Content<'_>) -> Result<bool, StoreError> {
        let mut bytes = Vec::new();
        let read = content
            .open()
            .and_then(|mut from| from.read_to_end(&mut bytes));
        read.map_err(|error| StoreError::read(key.as_str(), error))?;
        if files::digest::bytes(&bytes) != content.sha256 {
            let object = key.to_string();
            return Err(StoreError::Changed { object });
        }
        self.create(key, &bytes)
    }

    fn replace(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        self.objects().insert(key.clone(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.objects().remove(key).is_some())
    }

    fn list(&self, prefix: &str) -> Result<Vec<Key>, StoreError> {
        let objects = self.objects();
        let keys = objects
            .keys()
            .filter(|key| key.as_str().starts_with(prefix));
        Ok(keys.cloned().collect())
    }

    fn open(&self, key: &Key) -> Result<Option<Object>, StoreError> {
        Ok(self.read(key)?.map(|bytes| Object {
            bytes: bytes.len() as u64,
            reader: Box::new(Cursor::new(bytes)),
        }))
    }

    fn check(&self, _: bool) -> Result<Vec<Problem>, StoreError> {
        Ok(Vec::new())
    }
}
