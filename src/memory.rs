//! What easylife remembers: the store of the runs of a project, and the registry of models, which several projects may
//! share. Where they are, with which keys, and the model that a name such as `nlp@champion` means.

mod location;
#[cfg(feature = "mlflow")]
pub mod mlflow;
mod watched;

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::exit;
use crate::params::near_miss;
use crate::project::Project;
use crate::settings;
use registry::history::{Access, Refusal, Registry, RegistryError, Version};
use registry::signing::{self, KeyError, PrivateKey, PublicKey, SignatureError};
use registry::store::{Folder, Problem, Store};

pub use location::Location;
pub use watched::{Look, Watched};

/// The folder in a project.
const MEMORY: &str = ".easylife";
/// The store in it.
const STORE: &str = "store";
/// The table of `easylife.toml`.
const TABLE: &str = "registry";
/// Its keys.
const KEYS: [&str; 4] = ["store", "key", "trusted-keys", "who"];

/// What is missing where a signature is required.
const NO_TRUSTED_KEY: &str =
    "a signature is required, but no key is trusted; name public keys with --trusted-key";

/// The store of a project, for its runs and, unless another one is named, its registry.
pub fn folder(project: &Project) -> PathBuf {
    project.path(MEMORY).join(STORE)
}

/// The store in a folder, made if it is not there yet.
///
/// # Errors
/// A folder that cannot be made, or that is something else.
pub fn create(folder: &Path) -> Result<Arc<dyn Store>> {
    if let Some(memory) = folder.parent().filter(|parent| parent.ends_with(MEMORY)) {
        hide_from_git(memory)?;
    }
    Ok(Arc::new(Folder::create(folder)?))
}

/// The store in a folder; `None` if there is none.
///
/// # Errors
/// A store of a newer version, or one that cannot be read.
pub fn open(folder: &Path) -> Result<Option<Arc<dyn Store>>> {
    match folder.is_dir() {
        true => Ok(Some(Arc::new(Folder::open(folder)?))),
        false => Ok(None),
    }
}

/// Makes the folder, with a word to git that it is not its business.
fn hide_from_git(memory: &Path) -> Result<()> {
    fs::create_dir_all(memory).with_context(|| format!("cannot make {}", memory.display()))?;
    let ignore = memory.join(".gitignore");
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&ignore);
    let written = made.and_then(|mut file| file.write_all(b"*\n"));
    match written {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot write {}", ignore.display()))
        }
        _ => Ok(()),
    }
}

/// Where a registry is, and with which keys it is read and written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its store; `None`: nobody named one, and there is no project.
    pub store: Option<Location>,
    /// The private key that signs what is written.
    pub key: Option<PathBuf>,
    /// The public keys that must have signed what is read; empty: nobody needs to.
    pub trusted: Vec<PathBuf>,
    /// Who writes: an operator or a job.
    pub who: Option<String>,
}

impl Place {
    /// What was `given` by flags and environment, over the file, over the store of the project.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key or a value that does not fit (exit 2).
    pub fn new(project: Option<&Project>, file: Option<&Path>, given: Place) -> Result<Self> {
        let mut place = Self::default();
        if let Some(path) = file {
            let folder = path.parent().unwrap_or(Path::new(""));
            place.take(&path.display().to_string(), folder, &settings::read(path)?)?;
        }
        Ok(Self {
            store: { given.store.or(place.store) }
                .or_else(|| project.map(|project| Location::Folder(folder(project)))),
            key: given.key.or(place.key),
            trusted: match given.trusted.is_empty() {
                true => place.trusted,
                false => given.trusted,
            },
            who: given.who.or(place.who),
        })
    }

    fn take(&mut self, file: &str, folder: &Path, text: &str) -> Result<()> {
        settings::parse(file, text, TABLE, |entry| {
            // Paths in a file start where the file is.
            let paths = || -> Result<Vec<PathBuf>, String> {
                let texts = settings::texts(entry.value)?;
                Ok(texts.iter().map(|text| folder.join(text)).collect())
            };
            let path = || paths().map(|mut paths| paths.pop());
            let taken = match entry.name {
                "store" => settings::text(entry.value)
                    .map(|said| self.store = Some(Location::new(Path::new(&said), folder))),
                "key" => path().map(|path| self.key = path),
                "trusted-keys" => paths().map(|paths| self.trusted = paths),
                "who" => settings::text(entry.value).map(|who| self.who = Some(who)),
                name => {
                    return Err(format!(
                        "{name}: unknown key; {}there are `{}`",
                        near_miss(name, &KEYS),
                        KEYS.join("`, `")
                    ));
                }
            };
            taken.map_err(|reason| format!("{}: {reason}", entry.name))
        })
    }

    /// Where the store is.
    ///
    /// # Errors
    /// If nobody named one and there is no project (exit 2).
    pub fn location(&self) -> Result<&Location> {
        self.store.as_ref().ok_or_else(|| {
            exit::usage(
                "no registry: name its folder with --store or EASYLIFE_REGISTRY_STORE, or run inside a project (a \
                 folder with params.yaml)",
            )
        })
    }

    /// The store.
    ///
    /// # Errors
    /// If there is none yet (exit 2), or it cannot be read.
    pub fn store(&self) -> Result<Arc<dyn Store>> {
        let location = self.location()?;
        location.open()?.ok_or_else(|| {
            exit::usage(format!(
                "there is no registry in {location} yet; `easylife registry add` makes one"
            ))
        })
    }

    /// The registry, to read and, with `key`, to write.
    ///
    /// # Errors
    /// If there is none yet, it does not verify, or a key cannot be read.
    pub fn open(&self) -> Result<Registry> {
        self.registry(self.store()?)
    }

    /// The registry, which is made if there is none.
    ///
    /// # Errors
    /// As [`Place::open`], and if it cannot be made.
    pub fn create(&self) -> Result<Registry> {
        self.registry(self.location()?.create()?)
    }

    fn registry(&self, store: Arc<dyn Store>) -> Result<Registry> {
        let mut access = Access::new(self.who());
        if let Some(key) = &self.key {
            access = access.signing(Arc::new(PrivateKey::read(key).map_err(refuse_key)?));
        }
        let trusted = self.trusted_keys()?;
        if !trusted.is_empty() {
            access = access.verifying(trusted);
        }
        Registry::open(store, access).map_err(coded)
    }

    /// Who writes, if nobody says: the user of this process.
    fn who(&self) -> String {
        let user = || {
            ["USER", "LOGNAME"]
                .iter()
                .find_map(|name| std::env::var(name).ok())
                .filter(|user| !user.is_empty())
        };
        self.who
            .clone()
            .or_else(user)
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// The keys that are trusted.
    ///
    /// # Errors
    /// A key that cannot be read (exit 2).
    pub fn trusted_keys(&self) -> Result<Vec<PublicKey>> {
        let keys = self
            .trusted
            .iter()
            .map(|path| PublicKey::read(path).map_err(refuse_key));
        keys.collect()
    }
}

/// An error of a key as one of the command line.
pub fn refuse_key(error: KeyError) -> anyhow::Error {
    exit::usage(error.to_string())
}

/// An error of the registry with its exit code: what a rule refuses is a matter of the command line; what does not
/// verify, or is damaged, one of the data.
pub fn coded(error: RegistryError) -> anyhow::Error {
    match &error {
        RegistryError::Refused(refusal) => refuse(refusal),
        RegistryError::NoKey { .. } | RegistryError::Untrusted { .. } => {
            exit::usage(error.to_string())
        }
        RegistryError::Broken { .. } | RegistryError::Model { .. } => exit::data(error.to_string()),
        _ => error.into(),
    }
}

/// A refusal with its exit code: that a model is not better is an answer, like a gate that is not met.
pub fn refuse(refusal: &Refusal) -> anyhow::Error {
    match refusal {
        Refusal::NotBetter { .. } => exit::coded(exit::Exit::Gate, refusal.to_string()),
        _ => exit::usage(refusal.to_string()),
    }
}

/// The model file `path`, if one of the public keys signed it; the signature is in `PATH.sig`.
///
/// # Errors
/// A file or key that cannot be read, or a file that is not signed like that (exit 4).
pub fn read_signed(path: &Path, keys: &[PathBuf]) -> Result<Vec<u8>> {
    let keys: Result<Vec<PublicKey>> = { keys.iter() }
        .map(|path| PublicKey::read(path).map_err(refuse_key))
        .collect();
    let keys = keys?;
    if keys.is_empty() {
        return Err(exit::usage(NO_TRUSTED_KEY));
    }
    let name = path.display().to_string();
    let unsigned = |error: SignatureError| exit::data(error.to_string());
    let bundle = signing::read_bundle(&signature_of(path), &name).map_err(unsigned)?;
    let bytes = fs::read(path).with_context(|| format!("cannot read {name}"))?;
    signing::verify_bytes(&bundle, &name, &bytes, &keys).map_err(unsigned)?;
    Ok(bytes)
}

/// Where the signature of a file is: beside it.
pub fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// What a check found, a line each: problems, and what is harmless, such as leftovers of writers that were killed.
///
/// # Errors
/// If it cannot be written.
pub fn write_problems(f: &mut fmt::Formatter, problems: &[Problem]) -> fmt::Result {
    problems.iter().try_for_each(|problem| {
        let is_harmless = problem.flaw.is_harmless();
        let word = if is_harmless { "harmless" } else { "problem" };
        writeln!(f, "{word}: {problem}")
    })
}

/// A model by its name in a registry: `nlp@champion`, `nlp@3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name.
    pub name: String,
    /// Where the registry is.
    pub place: Place,
}

impl Registered {
    /// Whether a text can be such a name, rather than a file's: two words of letters, digits, `-`, `_` and `.`.
    pub fn is_name(text: &str) -> bool {
        let is_word = |word: &str| {
            let fits = |c: char| c.is_alphanumeric() || "-_.".contains(c);
            !word.is_empty() && word.chars().all(fits)
        };
        text.split_once('@')
            .is_some_and(|(name, word)| is_word(name) && is_word(word))
    }

    /// The version that it means now, and the checked bytes of its file: those that are used.
    ///
    /// # Errors
    /// If it means nothing, registry or file do not verify, or no key is trusted though a signature is required.
    pub fn read(&self, must_be_signed: bool) -> Result<(Version, Vec<u8>)> {
        if must_be_signed && self.place.trusted.is_empty() {
            return Err(exit::usage(NO_TRUSTED_KEY));
        }
        let registry = self.place.open()?;
        let version = registry
            .resolve(&self.name)
            .map_err(|refusal| refuse(&refusal))?;
        let bytes = registry.model(version).map_err(coded)?;
        Ok((version.clone(), bytes))
    }

    /// The task of its model.
    ///
    /// # Errors
    /// As [`Registered::read`], and what is no model.
    pub fn task(&self) -> Result<String> {
        let (_, bytes) = self.read(false)?;
        Ok(artifact::describe_bytes(&bytes, &self.name)?.header.task)
    }

    /// What changes whenever the registry does.
    ///
    /// # Errors
    /// If nobody named a store and there is no project.
    pub fn watched(&self) -> Result<Watched> {
        Watched::registry(&self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_where_and_flags_say_it_more_loudly() {
        let mut place = Place::default();
        let text = "[registry]\nstore = \"shared\"\ntrusted-keys = [\"a.pub\", \"/b.pub\"]\nwho = \"ci\"\n";
        place.take("easylife.toml", Path::new("etc"), text).unwrap();
        let folder = |path: &str| Some(Location::Folder(path.into()));
        assert_eq!(place.store, folder("etc/shared"));
        assert_eq!(place.trusted, [Path::new("etc/a.pub"), Path::new("/b.pub")]);
        assert_eq!(place.who(), "ci");
        let given = Place {
            store: folder("here"),
            ..Place::default()
        };
        assert_eq!(Place::new(None, None, given.clone()).unwrap(), given);
        let error = Place::default().location().unwrap_err().to_string();
        assert!(error.starts_with("no registry: "), "{error}");
        let refused = place.take("easylife.toml", Path::new(""), "[registry]\nstor = 1\n");
        assert_eq!(
            refused.unwrap_err().to_string(),
            "easylife.toml:2: registry.stor: unknown key; did you mean `store`? there are `store`, `key`, \
             `trusted-keys`, `who`"
        );
    }

    #[test]
    fn names_are_words_around_an_at() {
        for name in ["nlp@champion", "nlp@3", "größe@a-b_c.d"] {
            assert!(Registered::is_name(name), "{name}");
        }
        for path in ["nlp", "models/nlp@3", "@a", "a@", "a@b@c", "a b@c", "a@b/c"] {
            assert!(!Registered::is_name(path), "{path}");
        }
    }
}
