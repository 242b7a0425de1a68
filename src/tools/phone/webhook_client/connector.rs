//! Connections, with TLS or without. awc's own TLS is left out: with it, any client of awc in this
//! process would look for a default provider of cryptography.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_tls::connect::rustls_0_23::TlsConnector;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, ConnectorService};
use actix_web::dev::{Service, always_ready};
use actix_web::http::Uri;
use rustls::ClientConfig;

use crate::function::Stream;

/// Makes the connections of one client.
#[derive(Clone)]
pub(super) struct WebhookConnector {
    tls: Option<Arc<ClientConfig>>,
}

impl WebhookConnector {
    /// Connections without TLS.
    pub(super) fn plain() -> WebhookConnector {
        WebhookConnector { tls: None }
    }

    /// Connections with TLS, to servers that the public authorities vouch for.
    pub(super) fn with_tls(tls: Arc<ClientConfig>) -> WebhookConnector {
        WebhookConnector { tls: Some(tls) }
    }
}

impl Service<ConnectInfo<Uri>> for WebhookConnector {
    type Response = Connection<Uri, Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    always_ready!();

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let tls = self.tls.clone();
        let connecting = ConnectorService::default().call(info);
        Box::pin(async move {
            let connection = connecting.await?;
            let _ = connection.io_ref().set_nodelay(true);
            let Some(tls) = tls else {
                let (tcp, uri) = connection.into_parts();
                return Ok(Connection::new(uri, Stream::Plain(tcp)));
            };
            let connected = TlsConnector::service(tls).call(connection).await;
            let (tls, uri) = connected.map_err(ConnectError::Io)?.into_parts();
            Ok(Connection::new(uri, Stream::Tls(Box::new(tls))))
        })
    }
}
