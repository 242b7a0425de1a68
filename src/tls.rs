//! TLS on the public listener, with a certificate that can be replaced while calls are in progress,
//! and the authorities that connections to other servers trust.

use std::path::Path;
use std::sync::Arc;

use actix_tls::connect::rustls_0_23::webpki_roots_cert_store;
use parking_lot::RwLock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::config::TlsFiles;
use crate::diagnostics::problem::{Problem, Severity};

/// The current certificate with its key. A clone refers to the same one.
#[derive(Clone, Debug)]
pub(crate) struct Reloadable(Arc<RwLock<Arc<CertifiedKey>>>);

impl Reloadable {
    /// Reads the certificate and the key from their files.
    pub(crate) fn read(tls: &TlsFiles) -> Result<Reloadable, Problem> {
        Ok(Reloadable(Arc::new(RwLock::new(Arc::new(certified_key(tls)?)))))
    }

    /// Replaces the certificate for new connections.
    pub(crate) fn replace(&self, tls: &TlsFiles) -> Result<(), Problem> {
        // Read before the lock is taken, so that handshakes do not wait for a disk.
        let certified_key = Arc::new(certified_key(tls)?);
        *self.0.write() = certified_key;
        Ok(())
    }

    /// The configuration for the listener.
    pub(crate) fn server_config(&self) -> ServerConfig {
        // The provider is named here: a default one would be a global of the process, which another
        // crate could set first.
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions")
            .with_no_client_auth()
            // Asked for each handshake, so that the listener need not start again.
            .with_cert_resolver(Arc::new(self.clone()))
    }
}

impl ResolvesServerCert for Reloadable {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

/// Why a file of authorities cannot be used.
#[derive(Debug)]
pub(crate) enum AuthoritiesError {
    /// It cannot be read, or is not PEM; in the words of the operating system or the parser.
    Unreadable(String),
    /// It contains no certificate.
    Empty,
}

/// The authorities that browsers trust.
pub(crate) fn public_authorities() -> RootCertStore {
    webpki_roots_cert_store()
}

/// The public authorities, and those of a file in PEM.
pub(crate) fn authorities(file: &Path) -> Result<RootCertStore, AuthoritiesError> {
    let mut roots = public_authorities();
    let unreadable = |reason: String| AuthoritiesError::Unreadable(reason);
    let certificates = CertificateDer::pem_file_iter(file);
    let before = roots.len();
    for certificate in certificates.map_err(|error| unreadable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.len() == before { Err(AuthoritiesError::Empty) } else { Ok(roots) }
}

/// A configuration for connections to servers that these authorities vouch for: TLS 1.2 or 1.3.
pub(crate) fn client_config(authorities: RootCertStore) -> ClientConfig {
    // Given and not taken from the process: rustls panics where it finds no default (A6).
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3")
        .with_root_certificates(authorities)
        .with_no_client_auth()
}

/// Checks that the certificate and the key can be read, and that they belong together.
pub(crate) fn check_certificate(tls: &TlsFiles) -> Result<(), Problem> {
    certified_key(tls).map(|_| ())
}

fn certified_key(tls: &TlsFiles) -> Result<CertifiedKey, Problem> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable("certificate", &tls.certificate, &error))?;
    // A PEM file with other contents, such as a key, is read without an error.
    if chain.is_empty() {
        return Err(unreadable("certificate", &tls.certificate, &"there is none in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| unreadable("key", &tls.key, &error))?;
    let provider = rustls::crypto::ring::default_provider();
    // Compares the public keys, so that a wrong pair is found before the first handshake.
    CertifiedKey::from_der(chain, key, &provider).map_err(|error| {
        let message = format!(
            "the certificate `{}` and the key `{}` do not go together: {error}",
            tls.certificate.display(),
            tls.key.display()
        );
        Problem::new(Severity::Error, message)
            .help("take the key that the certificate was made for")
    })
}

fn unreadable(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Problem {
    let message = format!("cannot read `server.tls.{what}`, `{}`: {error}", path.display());
    Problem::new(Severity::Error, message).help("a PEM file, as certbot and others write it")
}
