//! TLS to the database, by rustls: the certificate must be valid, and for the host of the URL.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use crate::tls::{self, AuthoritiesError, public_authorities};

/// Makes connections with the authorities of the store.
#[derive(Clone)]
pub(super) struct DatabaseTls(Arc<ClientConfig>);

/// One connection that is about to be encrypted.
pub(super) struct DatabaseConnector {
    config: Arc<ClientConfig>,
    host: ServerName<'static>,
}

/// An encrypted connection.
pub(super) struct EncryptedStream(tokio_rustls::client::TlsStream<Socket>);

// === impl DatabaseTls ===

impl DatabaseTls {
    /// The public authorities, and those of a file in PEM.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub(super) fn new(authorities: Option<&Path>) -> Result<DatabaseTls, String> {
        let roots = match authorities {
            None => public_authorities(),
            Some(path) => tls::authorities(path).map_err(|error| {
                let reason = match error {
                    AuthoritiesError::Unreadable(reason) => reason,
                    AuthoritiesError::Empty => "it has none".to_owned(),
                };
                format!("`{}` cannot be read as PEM certificates: {reason}", path.display())
            })?,
        };
        Ok(DatabaseTls(Arc::new(tls::client_config(roots))))
    }
}

impl MakeTlsConnect<Socket> for DatabaseTls {
    type Stream = EncryptedStream;
    type TlsConnect = DatabaseConnector;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<DatabaseConnector> {
        let host = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(DatabaseConnector { config: Arc::clone(&self.0), host })
    }
}

// === impl DatabaseConnector ===

impl TlsConnect<Socket> for DatabaseConnector {
    type Stream = EncryptedStream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<EncryptedStream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        let connecting = TlsConnector::from(self.config).connect(self.host, socket);
        Box::pin(async move { Ok(EncryptedStream(connecting.await?)) })
    }
}

// === impl EncryptedStream ===

impl TlsStream for EncryptedStream {
    fn channel_binding(&self) -> ChannelBinding {
        // The certificate is verified, so the password goes to the right server without it.
        ChannelBinding::none()
    }
}

impl AsyncRead for EncryptedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for EncryptedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
