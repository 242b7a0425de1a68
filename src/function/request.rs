//! What is sent: the parameters as a form, the signature, the headers.

use std::rc::Rc;

use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::CallRequest;
use super::egress::Trust;
use super::endpoint::Endpoint;
use super::error::CallError;
use super::transport::HttpRequest;
use super::url::RequestUrl;
use crate::config::Function;
use crate::uri::escape_target;
use crate::verify::{add_body_hash, sign_form, sign_url};
use crate::webhook::{Params, WebhookPayload, encode_pairs};

/// Where a call goes.
#[derive(Clone, Copy, Debug)]
pub enum Destination<'a> {
    /// To a configured function.
    Function(&'a Function),
    /// To another URL: of a flow, or of the carrier's API.
    Url(&'a UrlRequest),
}

/// A request to a URL that is not a configured function.
#[derive(Clone, Debug)]
pub struct UrlRequest {
    /// `GET` or `POST`.
    pub method: Method,
    /// The body instead of a form of the parameters.
    pub body: Option<RequestBody>,
    /// The value of `Authorization`. It wins over credentials in the URL.
    pub credentials: Option<HeaderValue>,
    name: String,
    url: Rc<RequestUrl>,
    trust: Trust,
}

/// A request body that is not a form.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The parameters of one call, in the order in which they are sent.
#[derive(Clone, Copy)]
struct CallFields<'a> {
    webhook: Option<&'a Params>,
    /// The body of the webhook, if it is sent and is not a form.
    payload: Option<&'a WebhookPayload>,
    parameters: &'a Params,
}

/// The body of a POST.
struct CallBody {
    bytes: Bytes,
    /// `None` for a form, which is the type of every request that does not say otherwise.
    content_type: Option<HeaderValue>,
    /// What the body has no room for: parameters beside a text or a list.
    query: String,
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
    let (method, home, own_body, credentials) = match call.destination {
        Destination::Function(function) => {
            (&function.method, home.ok_or(CallError::Unusable)?, None, None)
        }
        Destination::Url(it) => (&it.method, &it.url, it.body.as_ref(), it.credentials.as_ref()),
    };
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
    headers.extend(credentials.map(|value| (AUTHORIZATION, value.clone())));
    let cookies = call.cookies.and_then(|it| it.request_header(call.destination.name()));
    headers.extend(cookies.map(|value| (COOKIE, value)));
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
/// idempotency key nor credentials.
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

/// The URL of a signed body that is not a form: as the carrier does it, the URL has a hash of
/// the body. `None` if the result is not a URL.
fn with_body_hash(home: &RequestUrl, body: &[u8]) -> Option<RequestUrl> {
    let url = add_body_hash(&home.text, body)?.parse().ok()?;
    // The text of a URL has no credentials.
    let authorization = home.authorization.clone();
    Some(RequestUrl { authorization, ..RequestUrl::new(&url)? })
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
        }
    }
}

// === impl UrlRequest ===

impl UrlRequest {
    /// A POST of the parameters to a URL. Characters that a URL must not contain are escaped in
    /// its path and query: the text of a variable may have any.
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
        let (method, url) = (Method::POST, Rc::new(url));
        Ok(UrlRequest { method, body: None, credentials: None, name, url, trust })
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

// === impl CallBody ===

impl CallBody {
    fn form(bytes: Bytes) -> CallBody {
        CallBody { bytes, content_type: None, query: String::new() }
    }

    /// The URL that the body is sent to. `None` if the result is not a URL.
    fn url(&self, home: &Rc<RequestUrl>, is_signed: bool) -> Option<Rc<RequestUrl>> {
        if self.content_type.is_none() {
            return Some(Rc::clone(home));
        }
        let url = home.with_query(&self.query)?;
        Some(Rc::new(if is_signed { with_body_hash(&url, &self.bytes)? } else { url }))
    }
}

impl From<&RequestBody> for CallBody {
    fn from(body: &RequestBody) -> CallBody {
        let content_type = HeaderValue::from_str(&body.content_type).ok();
        CallBody { bytes: body.text.clone().into(), content_type, query: String::new() }
    }
}

// === impl CallFields ===

impl<'a> CallFields<'a> {
    fn of(call: &CallRequest<'a>) -> CallFields<'a> {
        let is_forwarded = match call.destination {
            Destination::Function(function) => function.forward_webhook,
            Destination::Url(_) => false,
        };
        CallFields {
            webhook: is_forwarded.then_some(call.webhook),
            payload: call.webhook_payload.filter(|_| is_forwarded),
            parameters: call.parameters,
        }
    }

    /// The body of a POST: a form, or what the carrier sent instead of one.
    fn body(self, raw: Option<&Bytes>) -> CallBody {
        match self.payload {
            None => CallBody::form(self.form(raw)),
            Some(payload) => self.payload_body(payload),
        }
    }

    /// The carrier's body with the parameters that it does not have: in a JSON object they are
    /// members, beside other bodies they are in the query.
    fn payload_body(self, payload: &WebhookPayload) -> CallBody {
        let values = &payload.values;
        let own = |name: &str| self.parameters.get(name).is_some();
        let webhook = self.webhook.into_iter().flat_map(Params::iter);
        // The members themselves are in the body. What is left is the query of the webhook's URL.
        let added = webhook.filter(|(name, _)| !values.contains_key(*name) && !own(name));
        let added = added.chain(self.parameters.iter());
        // Without a type the body would be sent as a form.
        let content_type = match payload.content_type.as_str() {
            "" => "application/octet-stream",
            named => named,
        };
        let content_type = HeaderValue::from_str(content_type).ok();
        // The carrier's bytes, if nothing is added: they may be signed by another system.
        let mut body = CallBody { bytes: payload.body.clone(), content_type, query: String::new() };
        if !payload.is_object {
            encode_pairs(added, &mut body.query);
            return body;
        }
        let added: Map<String, Value> =
            added.map(|(name, value)| (name.to_owned(), value.into())).collect();
        if !added.is_empty() {
            let mut members = values.clone();
            members.extend(added);
            body.bytes = Value::Object(members).to_string().into();
        }
        body
    }

    /// The carrier's parameters, without those that the flow sets itself, then the flow's.
    fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let parameters = self.parameters;
        let webhook = self.webhook.into_iter().flat_map(Params::iter);
        let webhook = webhook.filter(move |(name, _)| parameters.get(name).is_none());
        webhook.chain(parameters.iter())
    }

    /// The form of a POST. Where the flow replaces none of the carrier's parameters, their bytes
    /// are sent as they came: for a flow without parameters that costs nothing.
    fn form(self, raw: Option<&Bytes>) -> Bytes {
        let Some((raw, webhook)) = raw.zip(self.webhook) else { return self.encode().into() };
        if self.parameters.is_empty() {
            return raw.clone();
        }
        // The carrier's value would stand beside the flow's: the form is built anew without it.
        if self.parameters.iter().any(|(name, _)| webhook.get(name).is_some()) {
            return self.encode().into();
        }
        let Ok(raw) = std::str::from_utf8(raw) else { return self.encode().into() };
        let mut form = String::with_capacity(raw.len() + 64 * self.parameters.len());
        form.push_str(raw);
        encode_pairs(self.parameters.iter(), &mut form);
        form.into()
    }

    fn encode(self) -> String {
        // A webhook is about as large, so the buffer need not grow.
        let mut form = String::with_capacity(1024);
        encode_pairs(self.iter(), &mut form);
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().copied().collect()
    }

    fn form(webhook: Option<&Params>, parameters: &Params, raw: Option<&'static str>) -> String {
        let raw = raw.map(|text| Bytes::from_static(text.as_bytes()));
        let form = CallFields { webhook, payload: None, parameters }.form(raw.as_ref());
        String::from_utf8(form.to_vec()).unwrap()
    }

    #[test]
    fn parameters_win_over_the_webhook() {
        let webhook = params(&[("From", "+1"), ("Body", "a b"), ("Body", "c"), ("é", "&=")]);
        let parameters = params(&[("plan", "gold"), ("Body", "new")]);
        let expected = "From=%2B1&%C3%A9=%26%3D&plan=gold&Body=new";
        assert_eq!(form(Some(&webhook), &parameters, Some("not looked at")), expected);
        assert_eq!(form(Some(&webhook), &parameters, None), expected);
        assert_eq!(form(None, &parameters, Some("not sent")), "plan=gold&Body=new");
    }

    #[test]
    fn the_carriers_bytes_are_used_as_they_came() {
        let webhook = params(&[("From", "+1")]);
        assert_eq!(form(Some(&webhook), &Params::default(), Some("From=%2b1")), "From=%2b1");
        let added = form(Some(&webhook), &params(&[("plan", "x y")]), Some("From=%2b1"));
        assert_eq!(added, "From=%2b1&plan=x+y");
        assert_eq!(form(Some(&webhook), &params(&[("a", "")]), Some("")), "a=");
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let odd = params(&[("a&b=c", "1+2 %41\0\n"), ("", ""), ("日本", "~!*'()-._")]);
        let text = form(None, &odd, None);
        assert_eq!(Params::decode(text.as_bytes()).unwrap(), odd, "{text}");
    }
}
