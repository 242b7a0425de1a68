//! New connections: name, addresses, egress policy, TCP, TLS. awc asks for every new connection
//! here, also for hosts that are addresses, which never reach its own resolver (A8).

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_tls::connect::rustls_0_23::TlsConnector;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, Host};
use actix_web::dev::{Service, always_ready};
use actix_web::http::Uri;
use actix_web::rt::net::TcpStream;
use tokio::time::timeout;

use super::Network;
use super::connection::{Attempt, ConnectionTracker, TrackedStream};
use super::error::{CallPhase, TransportError, describe_system_error, printable};
use super::stream::TcpOrTlsStream;
use crate::function::url::Origin;
use crate::limits::FUNCTION_NEXT_ADDRESS_AFTER;

/// Makes the connections of one transport.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) tracker: Rc<ConnectionTracker>,
    pub(super) network: Arc<Network>,
    /// How long one may take; `None`: until the request's deadline.
    pub(super) connect_within: Option<Duration>,
}

/// The host that the certificate must be for.
struct CertificateHost(String);

impl Host for CertificateHost {
    fn hostname(&self) -> &str {
        &self.0
    }
}

impl Service<ConnectInfo<Uri>> for Dialer {
    type Response = Connection<Uri, TrackedStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    always_ready!();

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move {
            let attempt = dialer.tracker.current_attempt().ok_or(ConnectError::Unresolved)?;
            match dialer.dial_in_time(&attempt).await {
                Ok(stream) => Ok(Connection::new(info.request().clone(), stream)),
                // awc's error has no room for ours, so it travels by way of the attempt.
                Err(error) => {
                    attempt.connect_error.replace(Some(error));
                    Err(ConnectError::Io(io::Error::other("refused")))
                }
            }
        })
    }
}

impl Dialer {
    async fn dial_in_time(&self, attempt: &Attempt) -> Result<TrackedStream, TransportError> {
        let Some(within) = self.connect_within else { return self.dial(attempt).await };
        let late = |_| TransportError::Timeout { phase: attempt.phase.get() };
        timeout(within, self.dial(attempt)).await.map_err(late)?
    }

    /// A connection to the origin of the attempt.
    async fn dial(&self, attempt: &Attempt) -> Result<TrackedStream, TransportError> {
        let (origin, egress) = (&attempt.origin, &self.network.egress);
        attempt.phase.set(CallPhase::Resolve);
        let addresses = self.network.resolver.look_up(origin, attempt.trust).await?;
        // One refused address refuses them all: a name that mixes them is an attack.
        for address in &addresses {
            egress.check(origin, address.ip(), attempt.trust)?;
        }
        attempt.phase.set(CallPhase::Connect);
        let tcp = connect(&addresses).await?;
        // Checked again: what counts is the peer, not what was asked for.
        let peer = tcp.peer_addr().map_err(|error| unreachable(&addresses, &error))?;
        egress.check(origin, peer.ip(), attempt.trust)?;
        // Without it, a form in two packets waits for an acknowledgement. It is not essential.
        let _ = tcp.set_nodelay(true);
        let stream = if origin.tls {
            attempt.phase.set(CallPhase::Handshake);
            self.handshake(origin, tcp).await?
        } else {
            TcpOrTlsStream::Plain(tcp)
        };
        Ok(TrackedStream::new(stream, Rc::clone(&self.tracker), attempt))
    }

    async fn handshake(
        &self,
        origin: &Origin,
        tcp: TcpStream,
    ) -> Result<TcpOrTlsStream, TransportError> {
        let connector = TlsConnector::service(Arc::clone(&self.network.tls));
        let host = CertificateHost(origin.host.clone());
        let connected = connector.call(Connection::new(host, tcp)).await;
        let (tls, _) = connected.map_err(|error| handshake_error(origin, &error))?.into_parts();
        Ok(TcpOrTlsStream::Tls(Box::new(tls)))
    }
}

/// Tries the addresses one after the other; the last one has all the time that is left.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, TransportError> {
    let (last, earlier) = addresses.split_last().ok_or_else(|| TransportError::Connect {
        address: "?".to_owned(),
        kind: io::ErrorKind::AddrNotAvailable,
        reason: "there is no address".to_owned(),
    })?;
    // Not at once, as browsers do: a function has one address, and the last one gets the time.
    for address in earlier {
        let connecting = TcpStream::connect(address);
        if let Ok(Ok(tcp)) = timeout(FUNCTION_NEXT_ADDRESS_AFTER, connecting).await {
            return Ok(tcp);
        }
    }
    TcpStream::connect(last).await.map_err(|error| unreachable(&[*last], &error))
}

fn unreachable(addresses: &[SocketAddr], error: &io::Error) -> TransportError {
    TransportError::Connect {
        address: addresses.last().map_or_else(String::new, ToString::to_string),
        kind: error.kind(),
        reason: describe_system_error(error),
    }
}

fn handshake_error(origin: &Origin, error: &io::Error) -> TransportError {
    let reason = error.to_string();
    // rustls prints whole certificates behind the first sentence.
    let reason = reason.split(" (").next().unwrap_or_default();
    TransportError::Tls {
        host: printable(origin.host.as_bytes()),
        reason: reason.chars().take(120).collect(),
    }
}
