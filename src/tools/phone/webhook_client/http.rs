//! The network: one request, one answer, or which of the carrier's errors it is.

use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, SET_COOKIE};
use awc::error::{ConnectError, PayloadError, SendRequestError};

use super::connector::WebhookConnector;
use super::{FetchError, RawResponse, SignedRequest, TOTAL};
use crate::config::Egress;
use crate::function::tls_config;
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::tools::phone::alert::CarrierAlert;
use crate::uri::parts;

/// A client that does nothing of its own accord.
pub(super) struct Client {
    plain: awc::Client,
    tls: awc::Client,
}

impl Client {
    pub(super) fn new() -> Client {
        Client::within(super::CONNECT)
    }

    fn within(connect: Duration) -> Client {
        // The public authorities are always there.
        let tls = tls_config(&Egress::default()).map(WebhookConnector::with_tls);
        Client {
            plain: client(connect, WebhookConnector::plain()),
            tls: client(connect, tls.unwrap_or_else(|_| WebhookConnector::plain())),
        }
    }

    /// Sends a request. `connect` and `read` are how long those may take.
    pub(super) async fn send(
        &self,
        sent: &SignedRequest<'_>,
        body: String,
        (connect, read): (Duration, Duration),
    ) -> Result<RawResponse, FetchError> {
        // awc binds the time to connect to its connector.
        let own;
        let client = match connect == super::CONNECT {
            true => self,
            false => {
                own = Client::within(connect);
                &own
            }
        };
        let (client, url) = match parts(&sent.url) {
            // To awc all is plain, so the port has to be said.
            ("https", authority, target) => (&client.tls, plain(authority, target)),
            _ => (&client.plain, sent.url.clone()),
        };
        let mut request = client.request(sent.method.clone(), url.as_str()).timeout(read);
        request = request.insert_header((HOST, parts(&sent.url).1));
        for (name, value) in &sent.headers {
            request = request.insert_header((*name, value.as_str()));
        }
        let mut response = request.send_body(body).await.map_err(|error| failed(&error))?;
        let text = |name| {
            let value = response.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let (content_type, location) = (text(CONTENT_TYPE), text(LOCATION));
        let length = text(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        let cookies = response.headers().get_all(SET_COOKIE);
        let cookies = cookies.filter_map(|it| it.to_str().ok()).map(str::to_owned).collect();
        let status = response.status().as_u16();
        let body = response.body().limit(DOCUMENT_BYTES_MAX).await.map_err(|error| {
            let fault = match error {
                PayloadError::Overflow => {
                    CarrierAlert::new(11750, format!("more than {DOCUMENT_BYTES_MAX} bytes"))
                }
                error => CarrierAlert::new(11205, format!("the answer broke off: {error}")),
            };
            FetchError { fault, connected: true }
        })?;
        // awc takes the end of the connection for the end of the body.
        if let Some(length) = length.filter(|length| body.len() < *length) {
            let found = format!("the answer broke off: {} of {length} bytes", body.len());
            return Err(FetchError { fault: CarrierAlert::new(11205, found), connected: true });
        }
        Ok(RawResponse { status, content_type, location, cookies, body, trace: None })
    }
}

fn client(connect: Duration, dialler: WebhookConnector) -> awc::Client {
    // Callers do not wait for each other's connections.
    let connector = awc::Connector::new().connector(dialler).timeout(connect).limit(0);
    let builder = awc::Client::builder().connector(connector).timeout(TOTAL);
    builder.disable_redirects().no_default_headers().finish()
}

/// An `https` URL as one of `http`, with the port in it.
fn plain(authority: &str, target: &str) -> String {
    let named = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    format!("http://{authority}{}{target}", if named { "" } else { ":443" })
}

/// Which of the carrier's errors it is.
fn failed(error: &SendRequestError) -> FetchError {
    let lost = |code, connected| FetchError { fault: CarrierAlert::new(code, error), connected };
    match error {
        SendRequestError::Url(_) => lost(11100, true),
        SendRequestError::Connect(ConnectError::Resolver(_) | ConnectError::NoRecords) => {
            lost(11210, false)
        }
        SendRequestError::Connect(ConnectError::Io(io))
            if io.kind() == std::io::ErrorKind::ConnectionRefused =>
        {
            lost(11202, false)
        }
        SendRequestError::Connect(ConnectError::Io(io))
            if io.kind() == std::io::ErrorKind::InvalidData =>
        {
            lost(11220, false)
        }
        SendRequestError::Connect(_) => lost(11205, false),
        SendRequestError::Timeout => lost(11200, true),
        SendRequestError::Response(_) => lost(11206, true),
        _ => lost(11205, true),
    }
}
