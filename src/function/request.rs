//! What is sent: the method, the URL, the headers and the signature.

use std::rc::Rc;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use serde::{Deserialize, Serialize};

use super::CallRequest;
use super::application::ApplicationServer;
use super::call_body::{CallBody, CallFields, with_body_hash};
use super::egress::Trust;
use super::endpoint::Endpoint;
use super::error::CallError;
use super::project::ProjectLink;
use super::transport::HttpRequest;
use super::url::RequestUrl;
use crate::config::{Function, PROJECT_SCHEME};
use crate::uri::escape_target;
use crate::verify::{sign_form, sign_url};

/// Where a call goes.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// To a configured function.
    Function(&'a Function),
    /// To another URL: of a flow, or of the carrier's API.
    Url(&'a UrlRequest),
    /// To an application, which gets requests as they came.
    Application(&'a ApplicationServer),
}

/// A request to a URL that is not a configured function.
#[derive(Clone, Debug)]
pub struct UrlRequest {
    name: String,
    url: Rc<RequestUrl>,
    trust: Trust,
    is_project: bool,
}

/// What a `make-http-request` widget says of its request, beside URL and parameters. It is sent as
/// it says also where a configured function replaces the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallContent {
    /// Whether the method is `GET` instead of `POST`.
    pub is_get: bool,
    /// The body instead of a form of the parameters.
    pub body: Option<RequestBody>,
    /// Whether the request has the account's credentials (Studio's `add_twilio_auth`).
    pub with_credentials: bool,
}

/// A request body that is not a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestBody {
    /// Its content type.
    pub content_type: String,
    /// The body itself.
    pub text: String,
}

/// A URL that cannot be called.
#[derive(Clone, Debug)]
pub struct UnusableUrl {
    /// Its scheme, host and port, or that it has none.
    pub name: String,
}

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// The headers with the idempotency key, the same on every attempt of one call. Twilio's own name
/// of it never reaches the code of a Twilio Function (the runtime removes `I-Twilio-…`), so the
/// usual name is sent as well.
const IDEMPOTENCY_KEYS: [HeaderName; 2] = [
    HeaderName::from_static("i-twilio-idempotency-token"),
    HeaderName::from_static("idempotency-key"),
];

/// The headers of every request to an endpoint.
pub(super) fn default_headers() -> Vec<(HeaderName, HeaderValue)> {
    use actix_web::http::header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT};
    const AGENT: &str = concat!("twimlgate/", env!("CARGO_PKG_VERSION"));
    let headers = [
        (USER_AGENT, AGENT),
        (ACCEPT, "application/json, text/xml, application/xml;q=0.9, */*;q=0.5"),
        // A small compressed body may be gigabytes.
        (ACCEPT_ENCODING, "identity"),
        (CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8"),
    ];
    headers.map(|(name, value)| (name, HeaderValue::from_static(value))).into()
}

/// The first request of a call. `home` is the URL of a configured function.
///
/// # Errors
/// If the parameters make no URL (a GET), or a body cannot be signed.
pub(super) fn first_request(
    call: &CallRequest<'_>,
    endpoint: &Endpoint,
    home: Option<&Rc<RequestUrl>>,
) -> Result<HttpRequest, CallError> {
    let fields = CallFields::of(call);
    let method = call.method();
    let home = match call.destination {
        Destination::Function(_) | Destination::Application(_) => {
            home.ok_or(CallError::Unusable)?
        }
        Destination::Url(request) => &request.url,
    };
    let replacing;
    let home = match (call.replaced_url, call.content) {
        (None, None) => home,
        // A URL of its own: the transport has a head for the usual one, with the method and the
        // content type of the function's configuration.
        (replaced, _) => {
            let url = home.in_place_of(replaced.unwrap_or_default());
            replacing = Rc::new(url.ok_or(CallError::UrlTooLong)?);
            &replacing
        }
    };
    let own_body = call.content.and_then(|content| content.body.as_ref());
    // A GET has no body, whatever the flow says.
    let body = (*method != Method::GET).then(|| match own_body {
        Some(body) => CallBody::from(body),
        None => fields.body(call.webhook_form),
    });
    let url = match &body {
        None => Rc::new(home.with_query(&fields.encode()).ok_or(CallError::UrlTooLong)?),
        Some(body) => body.url(home, call.signing_key.is_some()).ok_or(CallError::UrlTooLong)?,
    };
    // At most content type, credentials, signature and two idempotency keys: one allocation.
    let mut headers = Vec::with_capacity(5);
    let content_type = body.as_ref().and_then(|body| body.content_type.clone());
    let is_form = body.is_some() && content_type.is_none();
    headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
    headers.extend(call.credentials.map(|value| (AUTHORIZATION, value.clone())));
    let cookies = call.cookies.and_then(|it| it.request_header(call.destination.name()));
    headers.extend(cookies.map(|value| (COOKIE, value)));
    if let Destination::Function(function) = call.destination {
        headers.extend_from_slice(&function.headers);
    }
    let signature = sign(call, &url.text, is_form);
    headers.extend(signature.map(|value| (SIGNATURE, value)));
    // A key that no header can carry is left out: better none than a forged header.
    if let Ok(key) = HeaderValue::from_str(call.idempotency_key) {
        headers.extend(IDEMPOTENCY_KEYS.map(|name| (name, key.clone())));
    }
    Ok(HttpRequest {
        // HTTP says of a GET that it may be repeated.
        is_idempotent: endpoint.limits.is_idempotent || *method == Method::GET,
        trust: endpoint.trust,
        keep_alive: true,
        method: method.clone(),
        url,
        headers,
        body: body.map(|body| body.bytes),
    })
}

/// The request after a redirect to `url`. To another server go neither the signature nor the
/// idempotency key nor credentials nor the function's own headers.
pub(super) fn redirected_request(
    request: HttpRequest,
    method: Method,
    url: RequestUrl,
    call: &CallRequest<'_>,
    endpoint: &Endpoint,
) -> HttpRequest {
    let is_same_origin = url.origin == request.url.origin;
    let body = request.body.filter(|_| method != Method::GET);
    let mut headers = request.headers;
    let is_form = body.is_some() && !headers.iter().any(|(name, _)| *name == CONTENT_TYPE);
    let was_signed = headers.iter().any(|(name, _)| *name == SIGNATURE);
    headers.retain(|(name, _)| {
        if *name == CONTENT_TYPE { body.is_some() } else { is_same_origin && *name != SIGNATURE }
    });
    // The signature covers the URL, so it is made anew. A request that came to another server
    // without one gets none there.
    let mut url = url;
    if is_same_origin && was_signed {
        // The redirect may have dropped the hash, without which no signature covers the body.
        if let Some(body) = body.as_ref().filter(|_| !is_form) {
            url = with_body_hash(&url, body).unwrap_or(url);
        }
        headers.extend(sign(call, &url.text, is_form).map(|value| (SIGNATURE, value)));
    }
    HttpRequest {
        is_idempotent: endpoint.limits.is_idempotent || method == Method::GET,
        trust: endpoint.trust_in(&url.origin),
        // awc never forgets an idle connection to a host that it is not asked for again.
        keep_alive: *url.origin == endpoint.origin,
        method,
        url: Rc::new(url),
        headers,
        body,
    }
}

/// The signature over a URL and, of a POST, the parameters of its form.
fn sign(call: &CallRequest<'_>, url: &str, is_form: bool) -> Option<HeaderValue> {
    let key = call.signing_key?;
    let signature =
        if is_form { sign_form(key, url, CallFields::of(call).iter()) } else { sign_url(key, url) };
    HeaderValue::from_str(&signature).ok()
}

// === impl Destination ===

impl<'a> Destination<'a> {
    /// The name for logs, errors and metrics: the function's, else scheme, host and port.
    pub fn name(self) -> &'a str {
        match self {
            Destination::Function(function) => &function.name,
            Destination::Url(request) => &request.name,
            Destination::Application(server) => &server.name,
        }
    }
}

// === impl UrlRequest ===

impl UrlRequest {
    /// A request to a URL. Characters that a URL must not contain are escaped in its path and
    /// query: the text of a variable may have any.
    ///
    /// # Errors
    /// If scheme, host or port cannot be called.
    pub fn new(url: &str, trust: Trust) -> Result<UrlRequest, UnusableUrl> {
        let uri = escape_target(url).parse::<Uri>().ok();
        let name = uri.as_ref().and_then(|uri| name_of(uri, trust));
        let name = name.unwrap_or_else(|| "a computed URL".to_owned());
        let Some(url) = uri.as_ref().and_then(RequestUrl::new) else {
            return Err(UnusableUrl { name });
        };
        Ok(UrlRequest { name, url: Rc::new(url), trust, is_project: false })
    }

    /// A request to a function of the project, by its path and query.
    ///
    /// # Errors
    /// If there is no project, or the path cannot be a part of a URL.
    pub(crate) fn to_project(
        link: Option<&ProjectLink>,
        target: &str,
    ) -> Result<UrlRequest, UnusableUrl> {
        let slash = if target.starts_with('/') { "" } else { "/" };
        let path = target.split('?').next().unwrap_or_default();
        let name = format!("{PROJECT_SCHEME}{slash}{path}");
        let Some(link) = link else { return Err(UnusableUrl { name }) };
        let url = format!("{}{slash}{target}", link.base);
        let request = UrlRequest::new(&url, Trust::Configured);
        let request = request.map_err(|_| UnusableUrl { name: name.clone() })?;
        Ok(UrlRequest { name, is_project: true, ..request })
    }

    /// The name for logs, errors and metrics: scheme, host and port as written, without
    /// credentials.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn url(&self) -> &RequestUrl {
        &self.url
    }

    pub(super) fn trust(&self) -> Trust {
        self.trust
    }

    /// Whether it is for a function of the project, whatever its URL is.
    pub(super) fn is_project(&self) -> bool {
        self.is_project
    }
}

/// Scheme, host and port of a URL, as written. `None` where it has not all of them.
fn name_of(url: &Uri, trust: Trust) -> Option<String> {
    let (scheme, authority) = (url.scheme_str()?, url.authority()?);
    url.host().filter(|host| !host.is_empty())?;
    let authority = authority.as_str();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let note = if trust == Trust::Computed { " (computed)" } else { "" };
    Some(format!("{scheme}://{place}{note}"))
}
