//! TLS on the public listener, with a certificate that can be replaced while calls are in progress.

use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

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
