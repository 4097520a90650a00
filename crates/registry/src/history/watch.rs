//! A model by name, for a program that runs for long and takes up what is promoted.

use super::error::RegistryError;
use super::registry::Registry;
use super::state::Version;

/// Follows a name such as `nlp@champion`.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use easylife_registry::history::{Access, Condition, Registry, Watch};
/// use easylife_registry::lineage::Lineage;
/// use easylife_registry::store::{Content, Folder};
///
/// let dir = tempfile::tempdir()?;
/// let store = Arc::new(Folder::create(&dir.path().join("registry"))?);
/// let mut registry = Registry::open(store, Access::new("ci"))?;
/// for model in [b"one", b"two"] {
///     registry.add("nlp", &Content::of_bytes(model), Lineage::default(), Vec::new())?;
/// }
/// let always = Condition::Always { note: String::new() };
/// registry.promote("nlp", "champion", 1, &always)?;
///
/// let mut watch = Watch::new(registry.clone(), "nlp@champion");
/// let (version, model) = watch.poll()?.ok_or("the first look always finds it")?;
/// assert_eq!((version.number, &model[..]), (1, &b"one"[..]));
/// assert!(watch.poll()?.is_none());
/// registry.promote("nlp", "champion", 2, &always)?;
/// assert!(watch.poll()?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Watch {
    registry: Registry,
    text: String,
    /// The digest of the model that was handed out last.
    seen: Option<String>,
}

impl Watch {
    /// Follows `text`, which is resolved as by [`Registry::resolve`] each time. Nothing is looked at
    /// yet.
    pub fn new(registry: Registry, text: impl Into<String>) -> Self {
        Self {
            registry,
            text: text.into(),
            seen: None,
        }
    }

    /// The version and its checked bytes, if it is another model than at the last call that returned
    /// one, and at the first call. While nobody writes, this is one look at one name of the store.
    ///
    /// # Errors
    /// If the name points nowhere, the new entries do not verify, or the model cannot be read: use
    /// the former model further, and ask again.
    pub fn poll(&mut self) -> Result<Option<(Version, Vec<u8>)>, RegistryError> {
        if self.registry.poll()? {
            self.registry.refresh()?;
        }
        let version = self.registry.resolve(&self.text)?.clone();
        if self.seen.as_ref() == Some(&version.sha256) {
            return Ok(None);
        }
        let model = self.registry.model(&version)?;
        self.seen = Some(version.sha256.clone());
        Ok(Some((version, model)))
    }

    /// The registry as it was at the last look.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}
