//! Where a store is: a folder, or a bucket of S3.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::{create, open};
use registry::store::{Folder, Store};

/// What the address of a bucket begins with.
const SCHEME: &str = "s3://";

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder.
    Folder(PathBuf),
    /// `s3://BUCKET/PREFIX`.
    Bucket(String),
}

impl Location {
    /// What a flag, a variable or a file says: an address of a bucket, or a folder, which starts at `base` if it is
    /// relative.
    pub fn new(said: &Path, base: &Path) -> Self {
        match said.to_str().filter(|text| text.starts_with(SCHEME)) {
            Some(address) => Self::Bucket(address.to_owned()),
            None => Self::Folder(base.join(said)),
        }
    }

    /// The store; `None` if there is none.
    ///
    /// # Errors
    /// A store of a newer version, or one that cannot be read.
    pub fn open(&self) -> Result<Option<Arc<dyn Store>>> {
        match self {
            Self::Folder(folder) => open(folder),
            Self::Bucket(address) => bucket::open(address),
        }
    }

    /// The store, made if it is not there yet.
    ///
    /// # Errors
    /// One that cannot be made, or something else in its place.
    pub fn create(&self) -> Result<Arc<dyn Store>> {
        match self {
            Self::Folder(folder) => create(folder),
            Self::Bucket(address) => bucket::create(address),
        }
    }

    /// A backup that was made there.
    ///
    /// # Errors
    /// What is no backup, or cannot be read.
    pub fn open_backup(&self) -> Result<Arc<dyn Store>> {
        match self {
            Self::Folder(folder) => Ok(Arc::new(Folder::open_backup(folder)?)),
            Self::Bucket(address) => bucket::open_backup(address),
        }
    }

    /// The place of a backup to be made.
    ///
    /// # Errors
    /// A place that is taken, or cannot be written.
    pub fn create_backup(&self) -> Result<Arc<dyn Store>> {
        match self {
            Self::Folder(folder) => Ok(Arc::new(Folder::create_backup(folder)?)),
            Self::Bucket(address) => bucket::create_backup(address),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Bucket(address) => f.write_str(address),
        }
    }
}

/// Stores in buckets.
#[cfg(feature = "s3")]
mod bucket {
    use std::sync::Arc;

    use anyhow::Result;

    use crate::exit;
    use registry::store::{S3, Store, StoreError};

    /// An error with its exit code: a wrong address or variable is a matter of the command line.
    fn coded(error: StoreError) -> anyhow::Error {
        match error {
            StoreError::S3Settings(error) => exit::usage(error.to_string()),
            error => error.into(),
        }
    }

    pub fn open(address: &str) -> Result<Option<Arc<dyn Store>>> {
        match S3::open(address) {
            Ok(store) => Ok(Some(Arc::new(store))),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(coded(error)),
        }
    }

    pub fn create(address: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(S3::create(address).map_err(coded)?))
    }

    pub fn open_backup(address: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(S3::open_backup(address).map_err(coded)?))
    }

    pub fn create_backup(address: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(S3::create_backup(address).map_err(coded)?))
    }
}

/// A program without buckets says so.
#[cfg(not(feature = "s3"))]
mod bucket {
    use std::sync::Arc;

    use anyhow::Result;

    use crate::exit;
    use registry::store::Store;

    fn refused<T>(address: &str) -> Result<T> {
        Err(exit::usage(format!(
            "{address}: this program was built without the feature `s3`; name a folder"
        )))
    }

    pub fn open(address: &str) -> Result<Option<Arc<dyn Store>>> {
        refused(address)
    }

    pub fn create(address: &str) -> Result<Arc<dyn Store>> {
        refused(address)
    }

    pub fn open_backup(address: &str) -> Result<Arc<dyn Store>> {
        refused(address)
    }

    pub fn create_backup(address: &str) -> Result<Arc<dyn Store>> {
        refused(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_folders() {
        let of = |said: &str| Location::new(Path::new(said), Path::new("etc"));
        assert_eq!(of("shared"), Location::Folder("etc/shared".into()));
        assert_eq!(of("/srv/models"), Location::Folder("/srv/models".into()));
        assert_eq!(of("s3:/models"), Location::Folder("etc/s3:/models".into()));
        assert_eq!(of("s3://bucket/models").to_string(), "s3://bucket/models");
        let refused = of("s3://b").open().err().unwrap();
        assert_eq!(crate::exit::code(&refused), crate::exit::Exit::Usage);
    }
}
