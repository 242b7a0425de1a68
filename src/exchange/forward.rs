//! A request that is passed on to an application, and the response that comes back.
//!
//! The application gets what it would get behind any proxy: the method, the body, the query and the
//! header fields as they came, `Host` and `X-Forwarded-…` with the public URL, and a signature over
//! the URL that it computes from these. Its document goes back byte for byte. Where the path of the
//! route is not that of the application, URLs in it that begin with `/` are those of the
//! application, and get the prefix of the route in front.

use std::ops::Range;

use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPECT, FORWARDED, HOST,
    HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use actix_web::web::Bytes;

use super::direct::PassedRequest;
use super::direct_reply::DirectReply;
use crate::channel::Channel;
use crate::exchange_error::ExchangeError;
use crate::flow::FlowWarning;
use crate::function::{OutcomeKind, classify};
use crate::journal::ExchangeLog;
use crate::media_type::essence;
use crate::percent::push_escaped;
use crate::route::{Application, RouteError};
use crate::twiml::read::{DocumentLimits, check_document, find_urls};
use crate::verify::{PublicBase, Verifier, sign_form, sign_url};
use crate::webhook::{Received, Webhook};

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");
const SIGNATURE_SETTINGS: HeaderName =
    HeaderName::from_static("x-twilio-webhooks-signature-settings");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The fields of one connection (RFC 9110, section 7.6.1). The two sides frame their messages
/// themselves.
const CONNECTION_FIELDS: [HeaderName; 12] = [
    CONNECTION,
    CONTENT_LENGTH,
    DATE,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Fields that make some applications read another request than the one whose path and signature
/// were checked.
const MISLEADING_FIELDS: [HeaderName; 8] = [
    FORWARDED,
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
];

/// The way of one request to an application and back.
pub(super) struct Forwarding<'a> {
    application: &'a Application,
    public: PublicBase,
    /// Path and query on the side of the application.
    target: String,
    /// What stands for the application's own base path in the URLs of the carrier.
    outer: String,
    /// Whether the response has a head alone.
    is_head: bool,
}

// === impl Forwarding ===

impl<'a> Forwarding<'a> {
    /// Finds the application's side of a request.
    ///
    /// # Errors
    /// The URL of the request is not known.
    pub(super) fn new(
        application: &'a Application,
        verifier: &Verifier,
        received: &Received,
    ) -> Result<Forwarding<'a>, ExchangeError> {
        let public = verifier.public_base(received)?;
        let target = application.target(&received.target).ok_or(RouteError::Unknown)?;
        let outer = format!("{}{}", public.prefix, application.prefix);
        let is_head = received.method == Method::HEAD;
        Ok(Forwarding { application, public, target, outer, is_head })
    }

    /// Makes the application's request of the one that came. `webhook`: its signature was checked.
    pub(super) fn prepare_request(
        &self,
        request: &mut PassedRequest,
        webhook: Option<&Webhook>,
        verifier: &Verifier,
    ) {
        let headers = &mut request.headers;
        remove_connection_fields(headers);
        for name in MISLEADING_FIELDS {
            headers.remove(name);
        }
        // CGI and WSGI read `X_Forwarded_For` as `X-Forwarded-For`.
        let underscored: Vec<HeaderName> =
            headers.keys().filter(|name| name.as_str().contains('_')).cloned().collect();
        underscored.into_iter().for_each(|name| drop(headers.remove(name)));
        let PublicBase { scheme, host, is_from_proxy, .. } = &self.public;
        insert(headers, HOST, host);
        insert(headers, FORWARDED_HOST, host);
        insert(headers, FORWARDED_PROTO, scheme);
        let before = headers.remove(FORWARDED_FOR).filter(|_| *is_from_proxy);
        let before = before.filter_map(|value| value.to_str().map(str::to_owned).ok());
        let peer = request.peer.map(|peer| peer.to_string());
        let hops: Vec<String> = before.chain(peer).collect();
        insert(headers, FORWARDED_FOR, &hops.join(", "));
        request.target.clone_from(&self.target);
        let Some(webhook) = webhook else { return };
        // The document is read here.
        insert(headers, ACCEPT_ENCODING, "identity");
        headers.remove(SIGNATURE_SETTINGS);
        headers.remove(SIGNATURE);
        if let Some(signature) = self.sign(webhook, &request.method, verifier) {
            insert(headers, SIGNATURE, &signature);
        }
        if request.method == Method::GET {
            // No signature covers it.
            request.body = Bytes::new();
        }
    }

    /// The signature over the URL that the application sees.
    fn sign(&self, webhook: &Webhook, method: &Method, verifier: &Verifier) -> Option<String> {
        let key = verifier.signing_key(webhook.account.as_deref()?)?;
        let PublicBase { scheme, host, .. } = &self.public;
        let url = format!("{scheme}://{host}{}", self.target);
        // Everything that is not a form is in the URL.
        let is_form = *method == Method::POST && webhook.payload.is_none();
        Some(if is_form {
            sign_form(key, &url, webhook.params.iter())
        } else {
            sign_url(key, &url)
        })
    }

    /// Makes the header fields of a response those of the carrier's side.
    pub(super) fn prepare_response(&self, headers: &mut HeaderMap) {
        let length = headers.get(CONTENT_LENGTH).cloned().filter(|_| self.is_head);
        remove_connection_fields(headers);
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length);
        }
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        if let Some(location) = location.and_then(|location| self.to_outer(location)) {
            insert(headers, LOCATION, &location);
        }
        if headers.contains_key(SET_COOKIE) && self.outer != self.application.base {
            let cookies: Vec<HeaderValue> = headers.remove(SET_COOKIE).collect();
            for cookie in cookies {
                let moved = cookie.to_str().ok().map(|cookie| self.move_cookie(cookie));
                let moved = moved.and_then(|cookie| HeaderValue::from_str(&cookie).ok());
                headers.append(SET_COOKIE, moved.unwrap_or(cookie));
            }
        }
    }

    /// The cookie with its path on the carrier's side.
    fn move_cookie(&self, cookie: &str) -> String {
        let attributes = cookie.split(';').enumerate().map(|(at, attribute)| {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let is_path = at > 0 && name.trim().eq_ignore_ascii_case("path");
            let moved = if is_path { self.to_outer(value.trim()) } else { None };
            moved.map_or_else(|| attribute.to_owned(), |path| format!("{name}={path}"))
        });
        attributes.collect::<Vec<_>>().join(";")
    }

    /// Checks the answer to a call or a message, and gives its URLs the prefix.
    ///
    /// # Errors
    /// What the carrier could not use, and why.
    pub(super) fn read_answer(
        &self,
        reply: &mut DirectReply,
        channel: Channel,
        log: &mut ExchangeLog,
    ) -> Result<(), String> {
        // The carrier follows it, and its next request is checked as this one was.
        if reply.status.is_redirection() && reply.headers.contains_key(LOCATION) {
            return Ok(());
        }
        match classify("", reply.status, &reply.headers, &reply.body) {
            OutcomeKind::Twiml(document) if document.is_empty() => Ok(()),
            OutcomeKind::Twiml(document) => self.read_document(document, reply, channel, log),
            OutcomeKind::Success { .. } if reply.body.is_empty() => Ok(()),
            OutcomeKind::Success { .. } => check_text(reply, channel, log),
            OutcomeKind::Fail(error) => Err(format!("{}{}", error.cause, self.explain(reply))),
        }
    }

    fn read_document(
        &self,
        document: Bytes,
        reply: &mut DirectReply,
        channel: Channel,
        log: &mut ExchangeLog,
    ) -> Result<(), String> {
        let limits = DocumentLimits::default();
        let is_no_twiml = |error| format!("sent a document that is not TwiML: {error}");
        let report = check_document(&document, channel, &limits).map_err(is_no_twiml)?;
        log.record_warnings(report.findings.into_iter().map(FlowWarning::Finding).collect());
        if self.outer == self.application.base {
            return Ok(());
        }
        let urls = find_urls(&document, channel, &limits).map_err(is_no_twiml)?;
        let text = String::from_utf8_lossy(&document);
        let mut moved = String::with_capacity(text.len() + urls.len() * self.outer.len());
        let mut rest = 0;
        for url in urls {
            let Some(base) = self.base_in(&text[url.clone()]) else { continue };
            moved.push_str(&text[rest..url.start + base.start]);
            push_for_xml(&self.outer, &mut moved);
            rest = url.start + base.end;
        }
        if rest > 0 {
            moved.push_str(&text[rest..]);
            reply.body = moved.into();
        }
        Ok(())
    }

    /// A URL of the application as the carrier must request it. `None` if it is the same.
    fn to_outer(&self, url: &str) -> Option<String> {
        let base = self.base_in(url)?;
        Some(format!("{}{}{}", &url[..base.start], self.outer, &url[base.end..]))
    }

    /// Where the application's base path stands in a URL. `None` if the URL is relative, another
    /// server's, or the carrier's already.
    fn base_in(&self, url: &str) -> Option<Range<usize>> {
        let (outer, base) = (self.outer.as_str(), self.application.base.as_str());
        let PublicBase { scheme, host, .. } = &self.public;
        let path = match url.strip_prefix(scheme.as_str()).and_then(|it| it.strip_prefix("://")) {
            Some(rest) => rest.strip_prefix(host.as_str())?,
            None => url,
        };
        if outer == base || !path.starts_with(base) || path.starts_with("//") {
            return None;
        }
        // Of two that fit the longer one is meant.
        if path.starts_with(outer) && outer.len() > base.len() {
            return None;
        }
        let start = url.len() - path.len();
        Some(start..start + base.len())
    }

    /// What may have led to a status.
    fn explain(&self, reply: &DirectReply) -> String {
        let Application { prefix, base, .. } = self.application;
        let path = prefix.trim_end_matches('/');
        match reply.status.as_u16() {
            404 if prefix != base => format!(
                "; it was asked for the path without `{path}`: add that to the URL in `forward` \
                 if its paths begin with it"
            ),
            403 => {
                "; if it checks signatures, it has to take the URL from `X-Forwarded-Proto` and \
                    `Host` (docs/applications.md)"
                    .to_owned()
            }
            _ => String::new(),
        }
    }
}

/// Checks an answer that is not TwiML: the carrier takes a text, and plays audio in a call.
fn check_text(reply: &DirectReply, channel: Channel, log: &mut ExchangeLog) -> Result<(), String> {
    let content_type = reply.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = essence(content_type.unwrap_or_default()).to_ascii_lowercase();
    match (essence.as_str(), channel) {
        ("text/plain", _) => {
            log.record_text();
            Ok(())
        }
        (audio, Channel::Voice) if audio.starts_with("audio/") => Ok(()),
        ("", _) => Err("sent a body without a `Content-Type`, expected `text/xml`".to_owned()),
        (other, _) => {
            let shown: String = other.chars().filter(char::is_ascii_graphic).take(60).collect();
            Err(format!("sent `{shown}`, expected TwiML as `text/xml`"))
        }
    }
}

/// Removes the fields that are about one connection, and those that `Connection` names.
fn remove_connection_fields(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named.into_iter().chain(CONNECTION_FIELDS) {
        headers.remove(name);
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Adds a path to a document. What XML reserves is percent-escaped, as a URL may have it.
fn push_for_xml(path: &str, document: &mut String) {
    for character in path.chars() {
        match character {
            '&' => document.push_str("&amp;"),
            '<' | '>' | '"' | '\'' => push_escaped(document, character),
            other => document.push(other),
        }
    }
}
