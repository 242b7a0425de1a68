//! What is sent: the parameters as a form, the signature, the headers.

use std::rc::Rc;

use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use super::Call;
use super::target::Target;
use crate::verify::{hashed_url, sign_form, sign_url};
use crate::webhook::{Params, encode_pairs};

/// One request, before awc. Redirects make a new one from it.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) target: Rc<Target>,
    /// The body of a POST.
    pub(super) form: Option<Bytes>,
    /// What the body is, where it is no form.
    content_type: Option<HeaderValue>,
    /// Credentials of the caller's own, beside those in the URL.
    authorization: Option<HeaderValue>,
    /// What differs from call to call.
    signature: Option<HeaderValue>,
    idempotency_key: Option<HeaderValue>,
}

/// The parameters of one call, in the order in which they are sent.
#[derive(Clone, Copy)]
struct Fields<'a> {
    webhook: Option<&'a Params>,
    parameters: &'a Params,
}

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// The same on every attempt of one call. Twilio's own name of it never reaches the code of a
/// Twilio Function (the runtime removes `I-Twilio-…`), so the usual name is sent as well.
const IDEMPOTENCY: [HeaderName; 2] = [
    HeaderName::from_static("i-twilio-idempotency-token"),
    HeaderName::from_static("idempotency-key"),
];

impl Request {
    /// The first request of a call. `None` where its parameters make no URL (a GET).
    pub(super) fn first(method: &Method, home: &Rc<Target>, call: &Call<'_>) -> Option<Request> {
        let fields = Fields::of(call);
        let direct = call.direct;
        let home = match direct {
            Some(direct) => &Rc::new(Target::new(&direct.url)?),
            None => home,
        };
        let method = direct.map_or(method, |direct| &direct.method);
        let body = direct.and_then(|direct| direct.body.as_ref());
        let (target, form) = match body {
            _ if *method == Method::GET => (Rc::new(home.with_query(&fields.encode())?), None),
            Some(body) if call.signing_key.is_some() => {
                // As the carrier signs what is no form: the URL covers a hash of the body.
                let url = hashed_url(&home.url, body.text.as_bytes())?.parse().ok()?;
                let authorization = home.authorization.clone();
                let target = Target { authorization, ..Target::new(&url)? };
                (Rc::new(target), Some(body.text.clone().into()))
            }
            Some(body) => (Rc::clone(home), Some(body.text.clone().into())),
            None => (Rc::clone(home), Some(fields.form(call.webhook_form))),
        };
        // A key that no header can carry is left out: better none than a forged header.
        let idempotency_key = HeaderValue::from_str(call.idempotency_key).ok();
        let signature = sign(call, &target.url, form.is_some() && body.is_none());
        let content_type = body.and_then(|body| HeaderValue::from_str(&body.content_type).ok());
        let authorization = direct.and_then(|direct| direct.authorization.clone());
        Some(Request {
            method: method.clone(),
            target,
            form,
            content_type,
            authorization,
            signature,
            idempotency_key,
        })
    }

    /// The headers of this call alone.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(3);
        if let Some(content_type) = self.content_type.as_ref().filter(|_| self.form.is_some()) {
            headers.insert(CONTENT_TYPE, content_type.clone());
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(signature) = &self.signature {
            headers.insert(SIGNATURE, signature.clone());
        }
        if let Some(key) = &self.idempotency_key {
            IDEMPOTENCY.into_iter().for_each(|name| drop(headers.insert(name, key.clone())));
        }
        headers
    }

    /// The request after a redirect. The signature covers the URL, so it is made anew; to another
    /// server neither it nor the idempotency key goes.
    pub(super) fn redirected(self, method: Method, target: Target, call: &Call<'_>) -> Request {
        let form = self.form.filter(|_| method != Method::GET);
        let same = target.origin == self.target.origin;
        let is_form = form.is_some() && self.content_type.is_none();
        let signature = if same { sign(call, &target.url, is_form) } else { None };
        let idempotency_key = self.idempotency_key.filter(|_| same);
        let authorization = self.authorization.filter(|_| same);
        let content_type = self.content_type;
        let target = Rc::new(target);
        Request { method, target, form, content_type, authorization, signature, idempotency_key }
    }
}

/// The signature over a URL and, of a POST, the parameters of its form.
fn sign(call: &Call<'_>, url: &str, form: bool) -> Option<HeaderValue> {
    let key = call.signing_key?;
    let signature =
        if form { sign_form(key, url, Fields::of(call).iter()) } else { sign_url(key, url) };
    HeaderValue::from_str(&signature).ok()
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn of(call: &Call<'a>) -> Fields<'a> {
        let webhook = call.function.forward_webhook.then_some(call.webhook);
        Fields { webhook, parameters: call.parameters }
    }

    /// The carrier's parameters, without those that the flow sets itself, then the flow's.
    fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let parameters = self.parameters;
        let webhook = self.webhook.into_iter().flat_map(Params::iter);
        let kept = webhook.filter(move |(name, _)| parameters.get(name).is_none());
        kept.chain(parameters.iter())
    }

    /// The form of a POST. Where the flow replaces none of the carrier's parameters, their bytes
    /// are taken as they came: for a flow without parameters that costs nothing at all.
    fn form(self, raw: Option<&Bytes>) -> Bytes {
        let Some((raw, webhook)) = raw.zip(self.webhook) else { return self.encode().into() };
        if self.parameters.is_empty() {
            return raw.clone();
        }
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
        let form = Fields { webhook, parameters }.form(raw.as_ref());
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
