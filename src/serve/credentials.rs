//! Who may ask, and how connections are encrypted: the files of tokens and certificates, checked and read anew.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use server::tls::Pem;
use server::{Guard, Tls};

use super::config::Settings;
use super::renew::{Files, Renewable, Renewed};
use super::tokens;
use crate::exit;
use crate::memory::Watched;

/// What the server is given, and what is read anew of it.
#[derive(Default)]
pub struct Credentials {
    /// The tokens.
    pub guard: Option<Arc<Guard>>,
    /// The certificates.
    pub tls: Option<Arc<Tls>>,
    /// Both, to be read anew.
    pub renewables: Vec<Renewable>,
}

/// The files of certificates.
struct PemFiles {
    certificates: PathBuf,
    key: PathBuf,
    client_authorities: Option<PathBuf>,
}

impl Credentials {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// Files that cannot be used, or settings that contradict each other (exit 2).
    pub fn read(settings: &Settings) -> Result<Self> {
        let mut all = Self::default();
        if let Some(files) = PemFiles::of(settings)? {
            let watched =
                Files::before_reading(files.paths().into_iter().map(Watched::File).collect());
            let tls = Arc::new(files.with(Tls::new).map_err(exit::usage)?);
            all.tls = Some(Arc::clone(&tls));
            let renew = move || files.with(|pem| tls.replace(pem));
            all.renewables
                .push(renewable("certificates", watched, renew));
        }
        if let Some(path) = &settings.tokens.value {
            refuse_plain(settings)?;
            let watched = Files::before_reading(vec![Watched::File(path.clone())]);
            let guard = Arc::new(Guard::new(tokens::read(path)?));
            all.guard = Some(Arc::clone(&guard));
            let path = path.clone();
            let renew = move || {
                let read = tokens::read(&path).map_err(|error| error.to_string())?;
                guard.replace(read);
                Ok(())
            };
            all.renewables.push(renewable("tokens", watched, renew));
        }
        Ok(all)
    }
}

/// One reading at a time, so that an older one is never stored after a newer one.
fn renewable(
    name: &str,
    files: Files,
    renew: impl Fn() -> Result<(), String> + Send + Sync + 'static,
) -> Renewable {
    let turn = Mutex::new(());
    Renewable {
        name: name.to_owned(),
        files,
        renew: Box::new(move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            match renew() {
                Ok(()) => Renewed::Done,
                Err(reason) => Renewed::Failed(reason),
            }
        }),
    }
}

impl PemFiles {
    /// Those of the settings; the certificate and its key come together.
    fn of(settings: &Settings) -> Result<Option<Self>> {
        let client_authorities = settings.tls_client_ca.value.clone();
        match (&settings.tls_cert.value, &settings.tls_key.value) {
            (Some(certificates), Some(key)) => Ok(Some(Self {
                certificates: certificates.clone(),
                key: key.clone(),
                client_authorities,
            })),
            (None, None) if client_authorities.is_none() => Ok(None),
            (None, _) => Err(exit::usage(
                "tls-cert is missing beside the other keys of TLS",
            )),
            (Some(_), None) => Err(exit::usage("tls-key is missing beside tls-cert")),
        }
    }

    fn paths(&self) -> Vec<PathBuf> {
        let own = [self.certificates.clone(), self.key.clone()];
        own.into_iter()
            .chain(self.client_authorities.clone())
            .collect()
    }

    /// Reads the files and hands them on.
    fn with<T>(&self, use_them: impl Fn(Pem<'_>) -> Result<T, String>) -> Result<T, String> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let certificates = read(&self.certificates)?;
        let key = read(&self.key)?;
        let authorities = self.client_authorities.as_deref().map(read).transpose()?;
        use_them(Pem {
            certificates: &certificates,
            key: &key,
            client_authorities: authorities.as_deref(),
        })
        .map_err(|reason| format!("TLS: {reason}"))
    }
}

/// Tokens that can be read on the way are none.
fn refuse_plain(settings: &Settings) -> Result<()> {
    if settings.tls_cert.value.is_some() || settings.allow_plain_tokens.value {
        return Ok(());
    }
    let own = settings.listen.value.iter().map(|listen| listen.address);
    let mut all = own.chain(settings.admin_listen.value);
    match all.find(|address| !address.ip().is_loopback()) {
        None => Ok(()),
        Some(address) => Err(exit::usage(format!(
            "tokens on {address}, which is not loopback, can be read on the way: give tls-cert and tls-key, or set \
             allow-plain-tokens to true where something else encrypts"
        ))),
    }
}
