//! The guarded connection: name, addresses, check, TCP, TLS. awc asks for every new connection
//! here, also for hosts that are addresses, which never reach its own resolver.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_tls::connect::rustls_0_23::TlsConnector;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, Host};
use actix_web::dev::{Service, always_ready};
use actix_web::http::Uri;
use actix_web::rt::net::TcpStream;
use rustls::ClientConfig;
use tokio::time::timeout;

use super::egress::Guard;
use super::error::{Phase, Problem, word};
use super::resolve::Names;
use super::stream::Stream;
use super::target::Origin;
use super::wire::{Attempt, Io, Wire};
use crate::limits::FUNCTION_NEXT_ADDRESS_AFTER;

/// Makes the connections of one client.
#[derive(Clone)]
pub(super) struct Dialler {
    pub(super) wire: Rc<Wire>,
    pub(super) names: Arc<Names>,
    pub(super) guard: Arc<Guard>,
    pub(super) tls: Arc<ClientConfig>,
}

/// The host whose certificate is expected.
struct Server(String);

impl Host for Server {
    fn hostname(&self) -> &str {
        &self.0
    }
}

impl Service<ConnectInfo<Uri>> for Dialler {
    type Response = Connection<Uri, Io>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    always_ready!();

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let dialler = self.clone();
        Box::pin(async move {
            let attempt = dialler.wire.current().ok_or(ConnectError::Unresolved)?;
            match dialler.dial(&attempt).await {
                Ok(io) => Ok(Connection::new(info.request().clone(), io)),
                Err(problem) => {
                    attempt.refused.replace(Some(problem));
                    Err(ConnectError::Io(io::Error::other("refused")))
                }
            }
        })
    }
}

impl Dialler {
    /// A connection to where the attempt wants to go, and nowhere else.
    async fn dial(&self, attempt: &Attempt) -> Result<Io, Problem> {
        let origin = &attempt.origin;
        attempt.phase.set(Phase::Resolve);
        let addresses = self.names.addresses(origin, attempt.configured).await?;
        // One refused address refuses them all: a name that mixes them is up to no good.
        for address in &addresses {
            self.guard.check(origin, address.ip(), attempt.configured)?;
        }
        attempt.phase.set(Phase::Connect);
        let tcp = connect(&addresses).await?;
        let peer = tcp.peer_addr().map_err(|error| unreachable(&addresses, &error))?;
        self.guard.check(origin, peer.ip(), attempt.configured)?;
        let _ = tcp.set_nodelay(true);
        if !origin.tls {
            return Ok(Io::new(Stream::Plain(tcp), Rc::clone(&self.wire), attempt));
        }
        attempt.phase.set(Phase::Handshake);
        let stream = self.handshake(origin, tcp).await?;
        Ok(Io::new(stream, Rc::clone(&self.wire), attempt))
    }

    async fn handshake(&self, origin: &Origin, tcp: TcpStream) -> Result<Stream, Problem> {
        let connector = TlsConnector::service(Arc::clone(&self.tls));
        let connected = connector.call(Connection::new(Server(origin.host.clone()), tcp)).await;
        let (tls, _) = connected.map_err(|error| tls_problem(origin, &error))?.into_parts();
        Ok(Stream::Tls(Box::new(tls)))
    }
}

/// Tries the addresses one after the other; the last one has all the time that is left.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Problem> {
    let (last, earlier) = addresses.split_last().ok_or_else(|| Problem::Connect {
        address: "?".to_owned(),
        reason: "there is no address".to_owned(),
    })?;
    for address in earlier {
        let connecting = TcpStream::connect(address);
        if let Ok(Ok(tcp)) = timeout(FUNCTION_NEXT_ADDRESS_AFTER, connecting).await {
            return Ok(tcp);
        }
    }
    TcpStream::connect(last).await.map_err(|error| unreachable(&[*last], &error))
}

fn unreachable(addresses: &[SocketAddr], error: &io::Error) -> Problem {
    let address = addresses.last().map_or_else(String::new, ToString::to_string);
    Problem::Connect { address, reason: word(error.to_string().as_bytes()) }
}

fn tls_problem(origin: &Origin, error: &io::Error) -> Problem {
    let reason = error.to_string();
    // rustls prints whole certificates behind the first sentence.
    let reason = reason.split(" (").next().unwrap_or_default();
    Problem::Tls { host: word(origin.host.as_bytes()), reason: reason.chars().take(120).collect() }
}
