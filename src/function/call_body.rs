//! The body of a call: a form, JSON, or what the carrier sent.

use std::rc::Rc;

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use serde_json::{Map, Value};

use super::CallRequest;
use super::request::{Destination, RequestBody};
use super::url::RequestUrl;
use crate::config::FunctionBody;
use crate::verify::add_body_hash;
use crate::webhook::{Params, WebhookPayload, encode_pairs};

/// The parameters of one call, in the order in which they are sent.
#[derive(Clone, Copy)]
pub(super) struct CallFields<'a> {
    webhook: Option<&'a Params>,
    /// The body of the webhook, if it is sent and is not a form.
    payload: Option<&'a WebhookPayload>,
    parameters: &'a Params,
    /// Whether a body of parameters alone is JSON.
    is_json: bool,
}

/// The body of a POST.
pub(super) struct CallBody {
    pub(super) bytes: Bytes,
    /// `None` for a form, which is the type of every request that does not say otherwise.
    pub(super) content_type: Option<HeaderValue>,
    /// What the body has no room for: parameters beside a text or a list.
    query: String,
}

/// The URL of a signed body that is not a form: as the carrier does it, the URL has a hash of
/// the body. `None` if the result is not a URL.
pub(super) fn with_body_hash(home: &RequestUrl, body: &[u8]) -> Option<RequestUrl> {
    let url = add_body_hash(&home.text, body)?.parse().ok()?;
    // The text of a URL has no credentials.
    let authorization = home.authorization.clone();
    Some(RequestUrl { authorization, ..RequestUrl::new(&url)? })
}

// === impl CallBody ===

impl CallBody {
    fn form(bytes: Bytes) -> CallBody {
        CallBody { bytes, content_type: None, query: String::new() }
    }

    /// The URL that the body is sent to. `None` if the result is not a URL.
    pub(super) fn url(&self, home: &Rc<RequestUrl>, is_signed: bool) -> Option<Rc<RequestUrl>> {
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
    pub(super) fn of(call: &CallRequest<'a>) -> CallFields<'a> {
        let (is_forwarded, body) = match call.destination {
            // A widget that describes its whole request sends nothing else.
            _ if call.content.is_some() => (false, FunctionBody::Auto),
            Destination::Function(function) => (function.forward_webhook, function.body),
            Destination::Url(_) | Destination::Application(_) => (false, FunctionBody::Auto),
        };
        let takes_payload = is_forwarded && body != FunctionBody::Form;
        CallFields {
            webhook: is_forwarded.then_some(call.webhook),
            payload: call.webhook_payload.filter(|_| takes_payload),
            parameters: call.parameters,
            is_json: body == FunctionBody::Json,
        }
    }

    /// The body of a POST, by the function's `body`.
    pub(super) fn body(self, raw: Option<&Bytes>) -> CallBody {
        match self.payload {
            Some(payload) => self.payload_body(payload),
            None if self.is_json => self.json_body(),
            None => CallBody::form(self.form(raw)),
        }
    }

    /// An object with all parameters. One that comes several times is a list, as in the event of a
    /// Twilio Function.
    fn json_body(self) -> CallBody {
        let mut members = Map::new();
        for (name, value) in self.iter() {
            match members.get_mut(name) {
                None => drop(members.insert(name.to_owned(), value.into())),
                Some(Value::Array(values)) => values.push(value.into()),
                Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
            }
        }
        let content_type = Some(HeaderValue::from_static("application/json"));
        let bytes = Value::Object(members).to_string().into();
        CallBody { bytes, content_type, query: String::new() }
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
    pub(super) fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
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

    pub(super) fn encode(self) -> String {
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
        let form =
            CallFields { webhook, payload: None, parameters, is_json: false }.form(raw.as_ref());
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

    #[test]
    fn json_has_every_parameter() {
        let webhook = params(&[("From", "+1"), ("Media", "a"), ("Media", "b"), ("Media", "c")]);
        let parameters = params(&[("From", "\"x\n"), ("é", "")]);
        let json = |webhook, parameters| {
            let body = CallFields { webhook, payload: None, parameters, is_json: true }.body(None);
            assert_eq!(body.content_type.unwrap(), "application/json");
            String::from_utf8(body.bytes.to_vec()).unwrap()
        };
        let expected = r#"{"Media":["a","b","c"],"From":"\"x\n","é":""}"#;
        assert_eq!(json(Some(&webhook), &parameters), expected);
        assert_eq!(json(None, &Params::default()), "{}");
    }
}
