//! TLS on the listener: a certificate that can be replaced while calls go on.

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

/// The certificate at work. A clone is the same one.
#[derive(Clone, Debug)]
pub(crate) struct Reloadable(Arc<RwLock<Arc<CertifiedKey>>>);

impl Reloadable {
    /// Reads a pair of files.
    pub(crate) fn read(tls: &TlsFiles) -> Result<Reloadable, Problem> {
        Ok(Reloadable(Arc::new(RwLock::new(Arc::new(certified_key(tls)?)))))
    }

    /// Takes over another pair: connections from now on see it.
    pub(crate) fn replace(&self, tls: &TlsFiles) -> Result<(), Problem> {
        // The files are read before the lock is taken: handshakes go on meanwhile.
        let certified_key = Arc::new(certified_key(tls)?);
        *self.0.write() = certified_key;
        Ok(())
    }

    /// What the listener needs.
    pub(crate) fn server_config(&self) -> ServerConfig {
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()))
    }
}

impl ResolvesServerCert for Reloadable {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

/// Whether certificate and key can be read and go together.
pub(crate) fn check_certificate(tls: &TlsFiles) -> Result<(), Problem> {
    certified_key(tls).map(|_| ())
}

fn certified_key(tls: &TlsFiles) -> Result<CertifiedKey, Problem> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable("certificate", &tls.certificate, &error))?;
    if chain.is_empty() {
        return Err(unreadable("certificate", &tls.certificate, &"there is none in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| unreadable("key", &tls.key, &error))?;
    let provider = rustls::crypto::ring::default_provider();
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
