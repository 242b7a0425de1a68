//! The HTTP client: one request out, one whole response back, by one verb, [`HttpTransport::send`].
//!
//! awc is below it, and only this folder knows awc. awc's connection pool and its HTTP/1.1 codec
//! are used as they are. What follows is the list of awc's faults (version 3.11), each with the
//! file that works around it and the invariant that the workaround keeps. The letters are those of
//! the table in `docs/functions.md`; a test of the same name in `tests/suite/function/` proves it.
//!
//! - **A1: awc returns a body that ends early as if it were whole.** `connection.rs` turns the end
//!   of a connection into an error, unless the body is one that ends with its connection, and
//!   `client.rs` compares the length with `Content-Length`. *A response is whole, or an error.*
//! - **A2: awc returns an HTTP/1.1 response without a length as empty.** `body.rs` finds out from
//!   the head how the body ends, and refuses one whose end cannot be known. For servers that frame
//!   by closing, `http_1_0` sends HTTP/1.0 and rewrites the status line of the response, because
//!   awc reads to the end of the connection only if the response says 1.0.
//! - **A3: awc's timeout covers the head only.** awc's timers are off; `send` puts one deadline
//!   over connection, head and body. *No request outlives its deadline.*
//! - **A4: awc has one limit of connections for all hosts.** A transport belongs to one endpoint.
//! - **A5: an idle connection that the server closed costs an error.** awc does not tell its user
//!   which connection it took. So `connection.rs` makes an attempt the current one while awc polls
//!   its future ([`ConnectionTracker::poll_as`](connection::ConnectionTracker::poll_as)), and the
//!   connection notes on it what it did: whether it was a reused one, whether anything was written,
//!   read, or refused by the peer's system. *A request is repeated once at most, and only if the
//!   server cannot have read it or it is idempotent; never after a byte of a response.*
//! - **A6: awc with TLS panics where the process has no default provider of cryptography.** awc's
//!   TLS is compiled out. To awc every connection is plain TCP, and `dial.rs` does the handshake
//!   with the configuration of `tls.rs`. That also shows the end of the TLS stream, for A1.
//! - **A7: awc's redirects lose the form and take the signature to strangers.** They are off: a
//!   redirect is a response like any other here. The body of a redirect is read only where its
//!   length is announced, to reuse the connection; its content is of no use.
//! - **A8: awc asks a resolver only for names, not for addresses.** `dial.rs` resolves, and asks
//!   the egress policy about every address before it connects, and about the peer's address after.
//!   *No connection to an address that the policy refuses.*
//! - **A9: awc returns an interim response (100, 103) as the final one.** `interim.rs` removes them
//!   from the bytes of the connection before awc reads those.
//! - **A10: awc's client cannot be sent to another thread.** Each worker has its own transports;
//!   what workers share is in [`Network`].
//! - **A11: awc decompresses, and limits bodies to 2 MiB.** Decompression is compiled out, and the
//!   limit is the endpoint's, exact to the byte.
//! - **A date task per request.** awc's codec spawns a task for a `Date` header that no request
//!   has; `date_task.rs` keeps it from running, which saves 3 us per request.
//!
//! This folder knows nothing of functions, flows, signatures or redirects. The egress policy
//! ([`EgressPolicy`]) and the URL ([`RequestUrl`]) are its only imports from the folder above.

mod body;
mod client;
mod connection;
mod date_task;
mod dial;
mod error;
mod interim;
mod resolve;
mod stream;
mod tls;

pub(crate) use client::{HttpTransport, SendProgress};
pub(super) use error::printable;
pub use error::{CallPhase, TransportError};
pub use resolve::{Resolver, ResolverEntry};
pub use tls::TlsError;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use awc::ClientResponse;
use rustls::ClientConfig;

use super::egress::{EgressPolicy, Trust};
use super::url::RequestUrl;
use crate::config::Egress;
use crate::tls::public_authorities;
use resolve::ResolverCache;

/// What the transports of all workers share: the resolver with its cache, the egress policy, and
/// the TLS configuration with its sessions.
#[derive(Debug)]
pub(crate) struct Network {
    resolver: ResolverCache,
    egress: EgressPolicy,
    tls: Arc<ClientConfig>,
}

/// The settings of one transport.
pub(crate) struct TransportOptions {
    /// The maximum of connections at a time; 0 means no limit.
    pub(crate) connections: usize,
    /// How long name, TCP and TLS may take together. `None`: until the request's deadline.
    pub(crate) connect_within: Option<Duration>,
    /// The largest body that is accepted, in bytes.
    pub(crate) max_body_bytes: usize,
    /// Send HTTP/1.0, and take the end of the connection for the end of a body.
    pub(crate) http_1_0: bool,
    /// Headers of every request that does not set them itself. `Content-Type` is left out of a GET.
    pub(crate) default_headers: Vec<(HeaderName, HeaderValue)>,
    /// Method and URL of most requests. Their head is encoded once, and a request takes it if its
    /// URL is this very one.
    pub(crate) usual: Option<(Method, Rc<RequestUrl>)>,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct HttpRequest {
    pub(crate) method: Method,
    pub(crate) url: Rc<RequestUrl>,
    /// Headers beside the transport's default ones, over which they win. `Host` and the
    /// credentials in the URL are added by the transport.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
    /// Where the URL is from, for the egress policy.
    pub(crate) trust: Trust,
    /// Whether the server may process the request twice.
    pub(crate) is_idempotent: bool,
    /// Whether the connection may serve another request.
    pub(crate) keep_alive: bool,
}

/// A response.
pub(crate) struct HttpResponse {
    head: ResponseHead,
    /// The body, or why there is none; empty for a redirect whose length is not announced.
    pub(crate) body: Result<Bytes, TransportError>,
}

/// Status and headers. awc does not give the headers of its response away, so they stay in it.
enum ResponseHead {
    Received(ClientResponse),
    Made(StatusCode, HeaderMap),
}

// === impl Network ===

impl Network {
    /// The network as `[egress]` limits it.
    ///
    /// # Errors
    /// If `ca_file` cannot be used.
    pub(crate) fn new(egress: &Egress, resolver: Resolver) -> Result<Network, TlsError> {
        Ok(Network {
            resolver: ResolverCache::new(resolver),
            egress: EgressPolicy::new(egress),
            tls: tls::client_config(tls::roots(egress.ca_file.as_deref())?),
        })
    }

    /// The network without limits, for a tool whose user names the URL.
    pub(crate) fn open() -> Network {
        Network {
            resolver: ResolverCache::new(Resolver::System),
            egress: EgressPolicy::open(),
            // Certificates are checked all the same: the carrier does so too.
            tls: tls::client_config(public_authorities()),
        }
    }
}

// === impl HttpResponse ===

impl HttpResponse {
    /// A response that no network has sent, for mocks.
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> HttpResponse {
        HttpResponse { head: ResponseHead::Made(status, headers), body: Ok(body) }
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        match &self.head {
            ResponseHead::Received(response) => response.status(),
            ResponseHead::Made(status, _) => *status,
        }
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        match &self.head {
            ResponseHead::Received(response) => response.headers(),
            ResponseHead::Made(_, headers) => headers,
        }
    }
}
