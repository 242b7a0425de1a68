//! The TLS configuration: TLS 1.2 or 1.3, the public authorities, and those of `[egress] ca_file`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::tls::{self, AuthoritiesError, public_authorities};

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

/// The public authorities, and those of `[egress] ca_file`.
pub(super) fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let Some(file) = ca_file else { return Ok(public_authorities()) };
    let path = file.to_owned();
    tls::authorities(file).map_err(|error| match error {
        AuthoritiesError::Unreadable(reason) => TlsError::Unreadable { path, reason },
        AuthoritiesError::Empty => TlsError::Empty { path },
    })
}

/// A configuration to be shared by all transports, so that they resume each other's sessions.
pub(super) fn client_config(roots: RootCertStore) -> Arc<ClientConfig> {
    let mut config = tls::client_config(roots);
    // HTTP/1.1 is all that is offered, because awc's faults over HTTP/2 are not known.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
