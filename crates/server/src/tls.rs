//! TLS: the server's certificate, and the authority of clients' certificates. They are replaced while the server runs:
//! connections that are open keep what they began with.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

/// Certificates in PEM.
#[derive(Clone, Copy, Debug)]
pub struct Pem<'a> {
    /// The server's certificate, and those between it and an authority.
    pub certificates: &'a [u8],
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: &'a [u8],
    /// Authorities of clients, who then must have a certificate.
    pub client_authorities: Option<&'a [u8]>,
}

/// What connections are encrypted with.
pub struct Tls {
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    /// With these certificates.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(pem: Pem<'_>) -> Result<Self, String> {
        Ok(Self {
            config: ArcSwap::new(config(pem)?),
        })
    }

    /// Takes other certificates for connections from now on.
    ///
    /// # Errors
    /// What is wrong with them; the old ones stay.
    pub fn replace(&self, pem: Pem<'_>) -> Result<(), String> {
        self.config.store(config(pem)?);
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn config(pem: Pem<'_>) -> Result<Arc<ServerConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match pem.client_authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(authorities, "client authorities")? {
                let added = roots.add(authority);
                added.map_err(|error| format!("client authorities: {error}"))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = verifier.build();
            builder.with_client_cert_verifier(
                verifier.map_err(|error| format!("client authorities: {error}"))?,
            )
        }
    };
    let key = PrivateKeyDer::from_pem_slice(pem.key).map_err(|error| format!("key: {error}"))?;
    let mut config = builder
        .with_single_cert(certificates(pem.certificates, "certificate")?, key)
        .map_err(|error| format!("certificate and key: {error}"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // The strongest cipher that both know, whatever a client would rather have.
    config.ignore_client_order = true;
    Ok(Arc::new(config))
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(format!("{what}: no certificate in PEM"))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// SHA-256 of the certificate that a client has shown.
pub(crate) fn client_digest(session: &rustls::ServerConnection) -> Option<[u8; 32]> {
    let certificate = session.peer_certificates()?.first()?;
    Some(Sha256::digest(certificate).into())
}
