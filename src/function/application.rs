//! Requests that are passed on to an application, as they came.

use std::fmt;
use std::rc::Rc;

use actix_web::http::Uri;
use actix_web::http::header::AUTHORIZATION;

use super::DirectCall;
use super::egress::Trust;
use super::transport::HttpRequest;
use super::url::RequestUrl;

/// The server of an application, as calls see it.
#[derive(Clone)]
pub struct ApplicationServer {
    /// The name for logs, errors and metrics. Servers with the same name share connections and a
    /// circuit breaker.
    pub name: String,
    /// Scheme, host and port; the path belongs to the request.
    pub url: Uri,
    /// The largest body of a response.
    pub max_body_bytes: usize,
}

/// A request to the application at `home`. `None` if its target cannot be in a URL.
pub(super) fn relayed_request(call: DirectCall<'_>, home: &RequestUrl) -> Option<HttpRequest> {
    let url = home.at(call.target)?;
    let mut headers = call.headers;
    // Those of the configuration are the application's own.
    if url.authorization.is_some() {
        headers.remove(AUTHORIZATION);
    }
    Some(HttpRequest {
        // Also by GET a webhook may have effects, and the carrier knows whether it repeats one.
        is_idempotent: false,
        trust: Trust::Configured,
        keep_alive: true,
        method: call.method,
        url: Rc::new(url),
        headers: headers.into_iter().collect(),
        body: Some(call.body).filter(|body| !body.is_empty()),
    })
}

impl fmt::Debug for ApplicationServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the URL, which may contain a user and a password.
        formatter
            .debug_struct("ApplicationServer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
