//! The body of a webhook that is not a form: a JSON event, most of the time.
//!
//! The carrier signs such a body by its hash (`bodySHA256`), so it may have any type. The function
//! gets it as it came. The members of JSON are parameters of the webhook as well.

use actix_web::web::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Params;
use crate::json::parse_json;
use crate::media_type::is_json;

/// A body that is not a form, as the carrier sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredPayload", into = "StoredPayload")]
pub struct WebhookPayload {
    /// The content type; empty if the request has none.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// The members of a JSON object. Those of an array are named by their places, as in a Twilio
    /// Function. Empty for other bodies.
    pub values: Map<String, Value>,
    /// Whether the body is a JSON object, to which members can be added.
    pub is_object: bool,
    /// Why a body that says it is JSON is not, for the log.
    pub fault: Option<String>,
}

/// The form of a payload in a store. What a carrier sends is text.
#[derive(Serialize, Deserialize)]
struct StoredPayload {
    content_type: String,
    text: String,
}

impl WebhookPayload {
    /// Reads a body. One that says it is JSON and is not has no members.
    pub(crate) fn new(content_type: String, body: Bytes) -> WebhookPayload {
        let parsed = if is_json(&content_type) { parse_json(&body) } else { Ok(Value::Null) };
        let (parsed, fault) = match parsed {
            Ok(value) => (value, None),
            Err(error) => (Value::Null, Some(error.to_string())),
        };
        let is_object = parsed.is_object();
        let values = match parsed {
            Value::Object(members) => members,
            Value::Array(items) => {
                items.into_iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect()
            }
            _ => Map::new(),
        };
        WebhookPayload { content_type, body, values, is_object, fault }
    }

    /// The members as parameters, which are texts: a nested value is JSON, `null` is empty.
    pub(crate) fn params(&self) -> Params {
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.values.iter().map(|(name, value)| (name, text(value))).collect()
    }
}

impl From<StoredPayload> for WebhookPayload {
    fn from(stored: StoredPayload) -> WebhookPayload {
        WebhookPayload::new(stored.content_type, stored.text.into())
    }
}

impl From<WebhookPayload> for StoredPayload {
    fn from(payload: WebhookPayload) -> StoredPayload {
        let text = String::from_utf8_lossy(&payload.body).into_owned();
        StoredPayload { content_type: payload.content_type, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(content_type: &str, body: &'static str) -> WebhookPayload {
        WebhookPayload::new(content_type.to_owned(), Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn members_are_parameters() {
        let object = payload(
            "application/json; charset=utf-8",
            r#"{"a": "x y", "n": 18446744073709551615, "no": null, "deep": {"b": [1, true]}}"#,
        );
        assert!(object.is_object && object.fault.is_none());
        let expected = [
            ("a", "x y"),
            ("n", "18446744073709551615"),
            ("no", ""),
            ("deep", r#"{"b":[1,true]}"#),
        ];
        assert_eq!(object.params(), expected.into_iter().collect());
        let array = payload("application/cloudevents-batch+json", r#"[{"type": "t"}, 2]"#);
        assert!(!array.is_object);
        assert_eq!(array.params().get("0"), Some(r#"{"type":"t"}"#));
        assert_eq!(array.params().get("1"), Some("2"));
    }

    #[test]
    fn other_bodies_have_no_members() {
        for (content_type, body) in
            [("application/json", "42"), ("text/plain", r#"{"a": 1}"#), ("", r#"{"a": 1}"#)]
        {
            let other = payload(content_type, body);
            assert!(other.values.is_empty() && !other.is_object, "{body}");
            assert_eq!(other.fault, None, "{body}");
        }
        let broken = payload("application/json", "{\"a\":");
        assert!(broken.values.is_empty());
        assert!(broken.fault.unwrap().contains("line 1 column 5"));
        let binary = WebhookPayload::new("application/json".to_owned(), vec![0xff, 0].into());
        assert!(binary.fault.is_some());
    }

    #[test]
    fn what_is_stored_is_read() {
        let event = payload("application/json", r#"{"a": [1]}"#);
        let stored = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<WebhookPayload>(&stored).unwrap(), event);
    }
}
