//! The network: one request, one response, or the carrier's code for the error.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Uri;
use actix_web::http::header::{
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE,
};
use tokio::time::Instant;

use super::overrides::UrlOverrides;
use super::{FetchError, RawResponse, SignedWebhook};
use crate::clock;
use crate::function::transport::{
    HttpRequest, HttpResponse, HttpTransport, Network, SendProgress, TransportOptions,
};
use crate::function::{CallPhase, RequestUrl, TransportError, Trust};
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::tools::phone::alert::CarrierAlert;

/// The client of a line, to any host.
pub(super) struct Client {
    network: Arc<Network>,
    /// With the usual time to connect.
    usual: HttpTransport,
}

impl Client {
    pub(super) fn new() -> Client {
        let network = Arc::new(Network::open());
        let usual = transport(&network, super::CONNECT);
        Client { network, usual }
    }

    /// Sends a request, within the times of the URL's overrides and by `deadline`.
    pub(super) async fn send(
        &self,
        sent: &SignedWebhook<'_>,
        body: String,
        overrides: &UrlOverrides,
        deadline: Instant,
    ) -> Result<RawResponse, FetchError> {
        let uri = sent.url.parse::<Uri>().ok();
        let url = uri.as_ref().and_then(RequestUrl::new).ok_or_else(|| {
            let found = "expected http:// or https:// and a host";
            FetchError { alert: CarrierAlert::new(11100, found), connected: true }
        })?;
        let header = |(name, value): &(&'static str, String)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
        };
        let request = HttpRequest {
            method: sent.method.clone(),
            url: Rc::new(url),
            headers: sent.headers.iter().filter_map(header).collect(),
            body: Some(body.into()),
            // The policy is open, so this only keeps the name out of the resolver's cache.
            trust: Trust::Computed,
            // The carrier's own retries are the user's to see.
            is_idempotent: false,
            keep_alive: true,
        };
        let own;
        // The time to connect is a setting of the transport, and an override of it is rare.
        let transport = if overrides.connect == super::CONNECT {
            &self.usual
        } else {
            own = transport(&self.network, overrides.connect);
            &own
        };
        let read_deadline = clock::now() + overrides.read;
        let within = if read_deadline < deadline { overrides.read } else { overrides.total };
        let deadline = deadline.min(read_deadline);
        let received = transport.send(&request, deadline, &SendProgress::default()).await;
        let to_error = |error| to_fetch_error(&error, within);
        let received = received.map_err(to_error)?;
        response(received).map_err(to_error)
    }
}

/// A transport that connects to any address, with any number of connections.
fn transport(network: &Arc<Network>, connect_within: Duration) -> HttpTransport {
    let options = TransportOptions {
        connections: 0,
        connect_within: Some(connect_within),
        max_body_bytes: DOCUMENT_BYTES_MAX,
        http_1_0: false,
        default_headers: Vec::new(),
        usual: None,
    };
    HttpTransport::new(network, options).expect("only a usual request can be invalid")
}

/// The parts of a response that the carrier uses.
fn response(received: HttpResponse) -> Result<RawResponse, TransportError> {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers: &HeaderMap = received.headers();
    Ok(RawResponse {
        status: received.status().as_u16(),
        content_type: headers.get(CONTENT_TYPE).and_then(text),
        location: headers.get(LOCATION).and_then(text),
        cookies: headers.get_all(SET_COOKIE).filter_map(text).collect(),
        body: received.body?,
        trace: None,
    })
}

/// The carrier's code for an error; `within` is the time that the response had.
fn to_fetch_error(error: &TransportError, within: Duration) -> FetchError {
    let failed = |code, connected| FetchError { alert: CarrierAlert::new(code, error), connected };
    let found =
        |code, found: String| FetchError { alert: CarrierAlert::new(code, found), connected: true };
    match error {
        TransportError::Resolve { .. } => failed(11210, false),
        TransportError::Connect { kind: io::ErrorKind::ConnectionRefused, .. } => {
            failed(11202, false)
        }
        TransportError::Connect { .. } | TransportError::Egress(_) => failed(11205, false),
        TransportError::Tls { .. } => failed(11220, false),
        // Tried again as if there had been no connection: the carrier counts it so.
        TransportError::Closed { .. } | TransportError::Process(_) => failed(11205, false),
        TransportError::Timeout { phase: CallPhase::Head | CallPhase::Body } => {
            found(11200, format!("no whole answer within {} ms", within.as_millis()))
        }
        TransportError::Timeout { .. } => failed(11205, false),
        TransportError::Head { .. } | TransportError::Interim => failed(11206, true),
        TransportError::Framing { .. } => failed(11205, true),
        TransportError::Unframed => {
            let expected = "neither `Content-Length` nor `Transfer-Encoding: chunked`";
            found(11206, format!("the answer has {expected}"))
        }
        TransportError::Truncated { received, expected } => {
            let found_bytes = format!("{received} bytes came, expected {expected}");
            found(11205, format!("the answer broke off: {found_bytes}"))
        }
        TransportError::TooLarge { limit } => found(11750, format!("more than {limit} bytes")),
    }
}
