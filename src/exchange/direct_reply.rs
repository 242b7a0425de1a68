//! The response to a request that no flow answers, and its form in the store.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use crate::exchange_error::ExchangeError;
use crate::fallback;
use crate::function::{CallError, DirectResponse};
use crate::limits::DOCUMENT_BYTES_MAX;
use crate::media_type::essence;
use crate::route::DirectCallee;
use crate::twiml::read::{DocumentLimits, parse_document};

/// The response to a request that no flow answers.
#[derive(Clone, Debug)]
pub struct DirectReply {
    /// The status.
    pub status: StatusCode,
    /// The header fields of the user's code.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

// === impl DirectReply ===

impl DirectReply {
    /// A document for the carrier.
    pub(super) fn document(document: Bytes) -> DirectReply {
        let xml = HeaderValue::from_static("text/xml; charset=utf-8");
        DirectReply::new(StatusCode::OK, CONTENT_TYPE, xml, document)
    }

    fn new(status: StatusCode, name: HeaderName, value: HeaderValue, body: Bytes) -> DirectReply {
        let mut headers = HeaderMap::with_capacity(1);
        headers.insert(name, value);
        DirectReply { status, headers, body }
    }

    pub(super) fn of_response(response: DirectResponse) -> DirectReply {
        let DirectResponse { status, headers, body } = response;
        DirectReply { status, headers, body }
    }

    /// The reply where the user's code gave none, and no document is expected.
    pub(super) fn of_call_error(error: &CallError, callee: &DirectCallee) -> DirectReply {
        let is_application = matches!(callee, DirectCallee::Application(_));
        let status = match error {
            CallError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            CallError::BreakerOpen | CallError::Busy { .. } | CallError::Crowded { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ if is_application => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if is_application { DirectReply::empty(status) } else { DirectReply::refusal(status) }
    }

    /// The reply where a stage failed before the function was called, or after.
    pub(super) fn of_failure(error: &ExchangeError, document: Option<Bytes>) -> DirectReply {
        let reply = fallback::reply_to(error, None);
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_REQUEST);
        match document {
            Some(document) if status == StatusCode::OK => DirectReply::document(document),
            // What a route would answer with a document: here no document is expected.
            None if status == StatusCode::OK => {
                DirectReply::refusal(StatusCode::SERVICE_UNAVAILABLE)
            }
            _ => DirectReply::empty(status),
        }
    }

    pub(super) fn empty(status: StatusCode) -> DirectReply {
        DirectReply { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    fn refusal(status: StatusCode) -> DirectReply {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        let body = Bytes::from_static(br#"{"message":"The function failed.","name":"Error"}"#);
        DirectReply::new(status, CONTENT_TYPE, json, body)
    }

    /// Why the carrier could not use the response to a call or a message.
    pub(super) fn unusable_document(&self) -> Option<String> {
        if self.status.is_server_error() {
            return Some(format!("answered with status {}", self.status.as_u16()));
        }
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_xml = matches!(
            essence(content_type.unwrap_or_default()).to_ascii_lowercase().as_str(),
            "text/xml" | "application/xml"
        );
        if !self.status.is_success() || !is_xml || self.body.is_empty() {
            return None;
        }
        if self.body.len() > DOCUMENT_BYTES_MAX {
            return Some(format!("sent a document of more than {DOCUMENT_BYTES_MAX} bytes"));
        }
        let parsed = parse_document(&self.body, &DocumentLimits::default());
        parsed.err().map(|error| format!("sent a document that is not TwiML: {error}"))
    }

    /// The reply as the session stores it for repeats: the head in a line of JSON, and the body.
    pub(super) fn encode(&self) -> Bytes {
        let fields = self
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let fields: Vec<_> = fields.collect();
        let head = serde_json::json!([self.status.as_u16(), fields]).to_string();
        [head.as_bytes(), b"\n", &self.body].concat().into()
    }

    /// The reply of an earlier delivery.
    pub(super) fn decode(stored: Bytes) -> DirectReply {
        let end = stored.iter().position(|byte| *byte == b'\n').unwrap_or(stored.len());
        let head: Option<(u16, Vec<(String, String)>)> =
            serde_json::from_slice(&stored[..end]).ok();
        // A reply of a route that had this path before: a document.
        let Some((status, fields)) = head else { return DirectReply::document(stored) };
        let mut headers = HeaderMap::with_capacity(fields.len());
        for (name, value) in fields {
            let name = HeaderName::try_from(name).ok();
            if let Some((name, value)) = name.zip(HeaderValue::from_str(&value).ok()) {
                headers.append(name, value);
            }
        }
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        DirectReply { status, headers, body: stored.slice((end + 1).min(stored.len())..) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_reply_is_the_reply() {
        let mut reply = DirectReply::document(Bytes::from_static(b"<Response/>\n\0"));
        let cookie = |text| HeaderValue::from_static(text);
        for value in ["a=1", "b=2"] {
            reply.headers.append(HeaderName::from_static("set-cookie"), cookie(value));
        }
        let decoded = DirectReply::decode(reply.encode());
        assert_eq!((decoded.status, &decoded.body), (reply.status, &reply.body));
        let fields = |reply: &DirectReply| {
            let mut fields: Vec<_> = reply
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect();
            fields.sort();
            fields
        };
        assert_eq!(fields(&decoded), fields(&reply));
        let document = DirectReply::decode(Bytes::from_static(b"<Response/>"));
        assert_eq!(&document.body[..], b"<Response/>");
    }
}
