//! The TLS configuration: TLS 1.2 or 1.3, the public authorities, and those of `[egress] ca_file`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_tls::connect::rustls_0_23::webpki_roots_cert_store;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Why the configured authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or is not PEM.
    #[error("`ca_file` `{}` cannot be read as PEM certificates: {reason}", path.display())]
    Unreadable {
        /// The configured file.
        path: PathBuf,
        /// In the words of the operating system or the parser.
        reason: String,
    },
    /// The file contains no certificate.
    #[error("`ca_file` `{}` has no certificate in it, expected at least one", path.display())]
    Empty {
        /// The configured file.
        path: PathBuf,
    },
}

/// The public authorities and those of a file in PEM.
pub(super) fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = public_roots();
    let Some(path) = ca_file else { return Ok(roots) };
    let unreadable = |reason: String| TlsError::Unreadable { path: path.to_owned(), reason };
    let certificates = CertificateDer::pem_file_iter(path);
    let before = roots.len();
    for certificate in certificates.map_err(|error| unreadable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.len() == before {
        return Err(TlsError::Empty { path: path.to_owned() });
    }
    Ok(roots)
}

/// The public authorities.
pub(super) fn public_roots() -> RootCertStore {
    webpki_roots_cert_store()
}

/// A configuration to be shared by all transports, so that they resume each other's sessions.
pub(super) fn client_config(roots: RootCertStore) -> Arc<ClientConfig> {
    // Given and not taken from the process: rustls panics where it finds no default (A6).
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    // HTTP/1.1 is all that is offered, because awc's faults over HTTP/2 are not known.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
